# Apporter quelque chose, la permanence.
menu-board = Permanence
bring-heading = Apporter quelque chose
bring-lead = Une question, ce que vous avez vécu de semblable, ce que vous en avez repris : qui a écrit cette fiche en sera prévenu.
bring-what = Qu’apportez-vous ?
bring-text = Vos mots
bring-title = En une phrase
bring-optional = (facultatif)
bring-role = Vous parlez en tant que
bring-none = Sans précision
bring-stance = Votre position
bring-stance-when = (pour un désaccord)
bring-theme = Thème
bring-go = Partager
bring-signed = C’est signé de votre organisation et partagé aussitôt avec les allié·es.
bring-done = C’est partagé. Merci !
bring-refused = Ce n’est pas encore partagé
bring-refused-lead = Rien de ce que vous avez écrit n’est perdu : reprenez ci-dessous.
bring-positions = Positions
steps-position = Votre position
steps-position-lead = Chaque allié·e écrit la sienne, et personne ne peut la réécrire à sa place. Vous pourrez changer d’avis.
steps-text = Pourquoi ?
steps-position-go = Prendre position
steps-keep = Nous restons en désaccord
steps-keep-says = Le dire est une façon d’avancer : chaque position reste lisible.
steps-close = Clore
steps-close-says = Vous avez ouvert cette discussion : vous seul·e pouvez la clore. Tout reste lisible.
steps-reopen = Rouvrir
board-title = La permanence
board-lead = Ce que les allié·es se demandent, se proposent, et là où ils et elles ne sont pas d’accord. Ce qui attend une réponse vient d’abord.
board-ask = Poser une question, proposer
board-ask-heading = Et vous ?
board-ask-lead = Pour interroger une fiche en particulier, ouvrez-la : la question y restera attachée.
board-done = C’est partagé. Les allié·es le verront à leur prochain échange.
board-form = Forme
board-state = Où en est-on ?
board-list = Les contributions
board-all = Toutes
board-all-themes = Tous les thèmes
board-total = { $n ->
    [0] Rien ici
    [one] Une contribution
   *[other] { $n } contributions
  }
board-nothing = Personne n’attend de réponse. Vous pouvez ouvrir la discussion.
board-about = À propos de
board-answers = { $n ->
    [one] une réponse
   *[other] { $n } réponses
  }
standing-open = Ouverte
standing-answered = A reçu une réponse
standing-taken-up = Reprise ailleurs
standing-kept = Nous restons en désaccord
standing-closed = Close
