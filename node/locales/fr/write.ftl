# Écrire.
menu-write = Raconter
write-title = Raconter
write-lead = Ce que vous avez tenté, réussi ou raté : en cinq minutes ou en plusieurs fois. Rien n’est partagé avant que vous le décidiez.
write-what = Qu’avez-vous à raconter ?
write-begin = Commencer
write-first-title = Un titre, même provisoire
write-resume = Reprendre
write-when = modifié le { $at }
write-untitled = Encore sans titre
write-of-record = pour compléter une fiche
write-damaged = Un brouillon est abîmé et ne peut pas être ouvert. Il reste à sa place : { $path }
write-complete-title = Compléter ou corriger
write-complete-lead = Vous allez modifier « { $title } ». Ce que vous changez reste chez vous jusqu’à ce que vous le partagiez.
write-complete-begin = Commencer
write-complete-back = Revenir à la fiche
write-kind-experience = Ce qu’un territoire a tenté, avec ses échecs et ses désaccords, raconté en douze questions.
write-kind-territory = Une commune, une intercommunalité, un parc, un massif qui manque à la liste.
write-kind-actor = Une collectivité, une association, une entreprise, un labo de l’alliance.
write-kind-programme = Une cohorte, un chantier, une communauté apprenante, une permanence.
write-kind-gathering = Une réunion datée, avec son compte rendu.
write-kind-resource = Une publication, un film, un outil, une infolettre.
write-kind-finding = Ce qu’on peut en retenir : une leçon, un levier, un chiffre.
write-kind-contribution = Une question, une réponse, une proposition, un témoignage sur une autre fiche.
write-question = Question { $n } sur { $of }
write-told = { $n ->
    [0] aucune racontée pour l’instant
    [one] une déjà racontée
   *[other] { $n } déjà racontées
  }
write-is-told = (commencé)
write-steps = Toutes les étapes
write-step-reperes = Où, quand, et où en est-on ?
write-step-1 = L’essentiel
write-step-2 = Le détail
write-step-retrouver = Pour qu’on la retrouve
write-step-appuis = Ce sur quoi cela s’appuie
write-step-partager = Relire et partager
write-step-entretien = L’entretien
write-ask-experience-1 = Le contexte, les habitudes, ce qui ne tenait plus. Quelques lignes suffisent.
write-ask-experience-2 = L’envie de départ, celle de qui, et ce qui devait être différent à la fin.
write-ask-experience-3 = Comme vous le raconteriez à quelqu’un d’un autre territoire. Puis les étapes et les tournants, si vous avez des dates.
write-ask-experience-4 = Chaque rôle compte ; laissez vides ceux qui n’y étaient pas. Nommez des organisations, pas des personnes.
write-ask-experience-5 = La première question que posent les pairs. Un ordre de grandeur suffit.
write-ask-experience-6 = Ce qui a été créé, ou détruit ; ce qu’on attendait, ou pas ; et comment vous le savez.
write-ask-experience-7 = Ce qui a coincé aide souvent plus que ce qui a marché. Les causes sont collectives.
write-ask-experience-8 = Rester en désaccord est aussi une réussite. Chaque position est dite par celles et ceux qui la tiennent, ou rapportée d’un rôle.
write-ask-experience-9 = Ce que vous diriez à un territoire qui commence.
write-ask-experience-10 = Ce que vous garderiez, ce que vous tenteriez d’une autre façon.
write-ask-experience-11 = Les conditions sans lesquelles cela n’aurait pas pris.
write-ask-experience-12 = Cochez seulement ce que vous pouvez tenir.
write-ask-experience-entretien = Pour qui tape pendant qu’un·e autre raconte : posez les questions à voix haute, dans l’ordre qui vient, et notez au vol.
write-interview = Passer en entretien
write-interview-help = Toutes les questions sur une page, pour prendre en note ce que quelqu’un raconte.
write-aloud = Les questions, à lire à voix haute
write-notes = Notes au vol
write-notes-help = Pour vous : ces notes restent dans le brouillon et ne sont jamais partagées.
write-previous = Précédent
write-next = Suivant
write-later = Garder et revenir plus tard
write-share = Partager avec l’alliance
write-kept = Enregistré sur cette machine le { $at }
write-not-kept = Pas encore enregistré : { $why }. Ce que vous avez tapé est toujours à l’écran ; le bouton « Suivant » réessaie.
write-unreached = Le nœud ne répond plus : ce que vous avez tapé est toujours à l’écran. Relancez-le, puis appuyez sur « Suivant ».
write-refused = Ce n’est pas enregistré : { $why }. Ce que vous avez tapé est toujours là : réessayez quand ce sera réglé.
write-behind = Quelqu’un a modifié cette fiche depuis que vous avez commencé. Partagez sans crainte : si vous avez changé la même chose, les deux versions resteront lisibles.
write-mistakes = À revoir avant de partager
write-missing = Il manque encore
write-anyway = Vous pouvez aussi partager maintenant : la fiche sera marquée « à compléter ».
write-complete = Il ne manque rien : la fiche est prête à être partagée.
write-visibility = Qui peut lire : par défaut les nœuds de l’alliance ; « Tout le monde » l’autorise aussi sur les sites publics.
write-licence = La licence dit ce que les autres peuvent en faire : par défaut, reprendre et adapter en citant les auteur·ices, sous la même licence.
write-shared = C’est partagé. Merci : vos pairs le liront dès que vos nœuds se parleront.
write-throw = Jeter ce brouillon
write-throw-sure = Ce qui n’a pas été partagé sera effacé de cette machine, sans retour.
write-throw-yes = Oui, jeter
write-date-help = comme « mai 2024 », « 2019-2021 » ou « 07/05/2024 »
write-max = { $n } caractères au plus
write-none = Non précisé
write-more = Préciser
write-up = Monter
write-down = Descendre
write-remove = Retirer
write-add = Ajouter
write-add-position = Ajouter une position
write-who = Qui tient cette position ?
write-theirs = Ce sont les mots de { $who } : eux seuls peuvent les changer.
write-look = Chercher
write-look-place = Nom ou code d’une commune, d’une intercommunalité, d’un parc…
write-look-record = Quelques mots de son titre
write-link-how = Quel lien ?
write-link-note = Une précision
write-people = { $n ->
    [0] aucun·e habitant·e
    [one] un·e habitant·e
   *[other] { $n } habitant·es
  }
write-found = { $n ->
    [one] Cochez si c’est bien celui-ci :
   *[other] Cochez le bon parmi ces { $n } :
  }
write-found-none = Rien ne ressemble à « { $words } ». Essayez une partie du nom, ou un code ; ou videz la case pour continuer.
write-lost = Ce brouillon n’est plus là
write-lost-why = Il a été partagé ou jeté depuis une autre fenêtre.
write-lost-shared = Il a été partagé : c’est une fiche maintenant.
write-lost-texts = Voici ce que vous veniez de taper : copiez-le pour ne rien perdre.
write-lost-record = Ouvrir la fiche
write-lost-text = Texte { $n }
write-lost-go = Voir les brouillons

lang-fr = français
lang-gsw = alsacien
lang-eu = basque
lang-br = breton
lang-ca = catalan
lang-co = corse
lang-gcf = créole antillais
lang-frp = francoprovençal
lang-oc = occitan
lang-rcf = créole réunionnais
lang-de = allemand
lang-en = anglais
lang-es = espagnol
lang-it = italien
lang-nl = néerlandais
