# Allié·es, échanges, invitations.
menu-allies = Allié·es
allies-title = Les allié·es
allies-lead = { $n ->
    [one] Une organisation tient ce patrimoine commun.
   *[other] { $n } organisations tiennent ensemble ce patrimoine commun. Chacune en garde une copie entière.
  }
allies-invite = Inviter un·e allié·e
allies-sync = Où en sont les échanges
allies-me = (vous)
allies-since = depuis le { $at }
allies-invited-by = invité·e par { $by }
ally-founder = a fondé ce patrimoine commun
ally-admitted = membre
ally-pending = attend d’être admis·e
ally-suspended = mis·e en pause par les autres
ally-left = est parti·e
peers-title = Échanges avec les allié·es
peers-outcome = Ce que l’échange a donné
peers-online = { $n ->
    [0] Aucun·e allié·e n’est en ligne en ce moment. Ce que vous écrivez est gardé ici et partira à la prochaine rencontre.
    [one] Un·e allié·e est en ligne en ce moment.
   *[other] { $n } allié·es sont en ligne en ce moment.
  }
peers-offline = Ce nœud n’est pas relié au réseau. Ce que vous écrivez est gardé ici.
peers-none = Personne d’autre n’est encore dans ce patrimoine commun.
peers-exchange = Échanger maintenant
peers-wait = Cela peut prendre une vingtaine de secondes.
peers-todo = Ce que vous pouvez faire
peers-trouble = Si rien n’arrive
peers-trouble-on = Les deux ordinateurs doivent être allumés en même temps, chacun avec « essaim up ».
peers-trouble-network = Sur le même réseau, les nœuds se trouvent seuls. À distance, l’un des deux doit pouvoir être joint : demandez à votre service informatique d’ouvrir le port affiché par « essaim status --network ».
peers-trouble-proxy = Derrière un pare-feu qui bloque tout, retrouvez-vous sur un même réseau local : un partage de connexion d’un téléphone suffit, et les nœuds se trouvent seuls.
peer-connected = En ligne en ce moment.
peer-seen = Vu·e pour la dernière fois le { $at }.
peer-not-seen = Pas encore rencontré·e.
peer-never = Pas encore d’échange complet.
peer-same = Même contenu ici et chez cet·te allié·e, vérifié le { $at }.
peer-ahead = { $n ->
    [one] Une écriture d’ici n’est pas encore confirmée chez cet·te allié·e (même contenu le { $at }).
   *[other] { $n } écritures d’ici ne sont pas encore confirmées chez cet·te allié·e (même contenu le { $at }).
  }
task-begin = Fonder un patrimoine commun, ou en rejoindre un
task-settle = { $n ->
    [one] Un champ a plusieurs valeurs : il y a un désaccord à lire, et peut-être à régler.
   *[other] { $n } champs ont plusieurs valeurs : il y a des désaccords à lire, et peut-être à régler.
  }
task-settle-more = { $n ->
    [one] et un autre
   *[other] et { $n } autres
  }
task-invite = Inviter quelqu’un : ce patrimoine n’est encore que le vôtre
task-admission = Votre admission est en route : elle arrivera avec un prochain échange.
task-sync = { $n ->
    [one] Une de vos écritures n’existe qu’ici : échangez dès que possible.
   *[other] { $n } de vos écritures n’existent qu’ici : échangez dès que possible.
  }
task-upgrade = Des allié·es utilisent une version plus récente d’Essaim : mettez le vôtre à jour pour continuer.
task-doctor = Le disque a été trouvé abîmé : lancez « essaim doctor » dans un terminal.
ended-same = même contenu des deux côtés ({ $received ->
    [one] { $received } reçue
   *[other] { $received } reçues
  }, { $sent ->
    [one] { $sent } envoyée
   *[other] { $sent } envoyées
  })
ended-nobody = Rien de nouveau : aucun·e allié·e à qui demander pour l’instant. Invitez quelqu’un, ou attendez qu’une invitation serve.
ended-partial = l’échange s’est arrêté avant la fin ; ce qui est arrivé est gardé, le reste suivra
ended-cut-off = a envoyé ce qu’un nœud en règle n’envoie pas : la liaison est coupée, rien de faux n’est entré
ended-unreachable = injoignable pour l’instant
ended-not-admitted = ne vous reconnaît pas encore comme membre
ended-other-version = utilise une version d’Essaim qui ne s’entend pas avec la vôtre
invite-title = Inviter
invite-lead = Une invitation est un texte secret à transmettre par message, sur papier ou sur une clé USB. Qui l’a lit la charte, la signe, et entre.
invite-role = Pour quoi faire ?
invite-role-ally = Écrire et inviter à son tour
invite-role-reader = Lire seulement
invite-days = Valable
invite-days-n = { $n } jours
invite-uses = Pour combien d’organisations
invite-uses-wrong = Écrivez un nombre de 1 à { $max }.
invite-go = Créer l’invitation
invite-made = L’invitation est prête, valable jusqu’au { $at }.
invite-local = Elle ne marche que sur cet ordinateur : ce nœud n’a pas d’adresse que d’autres puissent joindre.
invite-ticket = Le texte à transmettre
invite-qr = L’invitation sous forme de code à photographier
invite-secret = Gardez ce texte pour la personne invitée : qui l’a peut entrer à sa place.
join-title = Rejoindre un patrimoine commun
join-lead = Un·e allié·e vous a transmis une invitation : un long texte qui commence par « essaim1 ».
join-ticket = L’invitation
join-help = Collez-la entière. Les espaces et retours à la ligne ne gênent pas.
join-read = Lire la charte
join-invited = { $by } vous invite dans « { $name } ».
join-no-charter = La charte n’a pas pu être lue : l’ordinateur qui invite doit être allumé. Réessayez plus tard.
join-charter = La charte
join-accept = Nous avons lu cette charte et l’acceptons.
join-sign = Signer et entrer
join-done = Bienvenue dans « { $name } » : { $n ->
    [0] aucune fiche n’y est encore.
    [one] une fiche est arrivée.
   *[other] { $n } fiches sont arrivées.
  }
join-pending = Votre demande est faite. Ce que vous écrivez dans « { $name } » attend ici que vous soyez admis·e.
join-open = Ouvrir le patrimoine commun
welcome-title = Bienvenue
welcome-lead = Un patrimoine commun rassemble ce que des territoires ont vécu. Chaque allié·e en garde une copie sur son ordinateur.
welcome-join = J’ai une invitation
welcome-join-says = Entrez dans un patrimoine qui existe déjà.
welcome-join-go = Rejoindre
welcome-found = Je commence
welcome-found-says = Fondez un nouveau patrimoine, puis invitez.
welcome-name = Son nom
welcome-starter = Partir du premier patrimoine de La Fabrique des transitions (260 fiches)
welcome-found-go = Fonder
