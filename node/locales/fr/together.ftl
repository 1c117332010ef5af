# Lire beaucoup de fiches à la fois.
menu-explore = Explorer
menu-digest = La lettre
menu-agenda = L’agenda
menu-findings = Les enseignements
menu-programmes = Les dispositifs
menu-resources = Les ressources
menu-actors = L’annuaire
menu-whole = Vue d’ensemble

# La lettre.
digest-title = La lettre
digest-choose = Choisir une période ou un thème
digest-since = Du
digest-until = Au
digest-theme = Sur le thème
digest-any = Tous les thèmes
digest-go = Composer
digest-periods = Périodes
digest-files = Envoyer, suivre
digest-print = Pour la version papier, imprimez cette page : il n’en reste que la lettre.
digest-mail = Un document à coller dans un courriel (HTML)
digest-markdown = Un texte à reprendre ailleurs (Markdown)
digest-atom = Suivre par un lecteur de flux (Atom)
letter-between = Ce qui s’est écrit du { $from } au { $to }
letter-since = Ce qui s’est écrit depuis le { $from }
letter-until = Ce qui s’est écrit jusqu’au { $to }
letter-always = Ce qui s’est écrit
letter-theme = Sur le thème « { $theme } »
letter-lead = { $n ->
    [0] Personne n’a rien partagé dans cette période. La prochaine lettre commencera peut-être par vous.
    [one] Une fiche, partagée ou reprise.
   *[other] { $n } fiches, partagées ou reprises.
  }
letter-part = Les { $shown } fiches les plus récentes, sur { $n }.
letter-about = À propos de : { $title }
letter-end = Chaque texte est de ses auteur·ices, nommé·es avec lui, et se reprend sous la licence indiquée.
letter-kind-experience = Ce qui a été vécu
letter-kind-contribution = Questions, réponses et regards
letter-kind-finding = Ce que nous en retenons
letter-kind-gathering = Rencontres
letter-kind-programme = Dispositifs
letter-kind-resource = À lire, à voir, à écouter
letter-kind-actor = Acteur·ices et allié·es
letter-kind-territory = Territoires

# L’agenda.
agenda-title = L’agenda
agenda-follow = Suivre dans son agenda (iCalendar)
agenda-announce = Annoncer une rencontre
agenda-to-come = À venir
agenda-nothing = Aucune rencontre n’est annoncée. La prochaine viendra peut-être de vous.
agenda-more = { $n ->
    [one] et une autre, plus tard
   *[other] et { $n } autres, plus tard
  }
agenda-past = { $n ->
    [0] Rencontres passées : aucune
    [one] Une rencontre passée
   *[other] { $n } rencontres passées
  }
agenda-online = à distance
agenda-pages = Pages des rencontres passées
agenda-later = Rencontres plus récentes
agenda-earlier = Rencontres plus anciennes

# Enseignements, dispositifs, ressources, annuaire.
findings-title = Les enseignements
findings-lead = Ce que l’alliance retient de ce qu’elle a vécu, entre les expériences qui le soutiennent, le nuancent et le contredisent.
programmes-title = Les dispositifs
programmes-lead = Cohortes, chantiers, communautés apprenantes, permanences : où ils se passent, et quand on s’y rencontre.
resources-title = Les ressources
resources-lead = À lire, à voir, à écouter, à reprendre.
actors-title = L’annuaire
actors-lead = Les organisations et les personnes de l’alliance, et ce qu’elles offrent à leurs pairs.
catalogue-forms = Par forme
catalogue-offers = Par ce qui est offert
catalogue-offered = Offre à ses pairs :
catalogue-search = Chercher parmi elles
side-heading = Entre les expériences
side-supports = Le soutiennent
side-nuances = Le nuancent
side-contradicts = Le contredisent
side-territories = Territoires
side-gatherings = Rencontres
side-none = Aucune encore.
side-lonely = Aucune expérience ne le soutient, ne le nuance ni ne le contredit encore : la vôtre, peut-être ?

# La vue d’ensemble.
whole-title = Vue d’ensemble
whole-lead = Comment les fiches les plus liées se tiennent : où les choses se passent, dans quel cadre, ce que l’on en retient, et qui s’est inspiré de qui.
whole-nothing = Aucune fiche n’est encore liée à une autre. Un territoire, un dispositif, une source d’inspiration : chaque lien se pose en racontant.
whole-of = { $shown } sur { $n }
whole-keys = Ce que disent les traits
whole-key-plain = se rattache à
whole-key-reuse = s’en inspire, s’appuie dessus
whole-key-nuances = nuance
whole-key-contradicts = contredit
whole-picture = Le dessin
whole-same = La même chose, en liste :
whole-reuse = s’est inspirée de
whole-other = se rattache à

# Archiver.
archive-do = Archiver cette fiche
archive-lead = Elle reste lisible, avec toute son histoire, et ce qui y renvoie la trouve encore. Les recherches ne la montrent plus, sauf à celles et ceux qui cherchent parmi les archives.
archive-go = Archiver
archive-undo = Reprendre cette fiche
archive-undo-lead = Les recherches la montreront de nouveau.
archive-undo-go = Reprendre
find-archived = Voir les fiches archivées
facet-record_status = Vie de la fiche
