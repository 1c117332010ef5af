# La boîte, mon territoire, les réglages, l’accessibilité.
menu-inbox = Boîte
menu-news = { $n ->
    [one] nouvelle
   *[other] nouvelles
  }
inbox-title = Votre boîte
inbox-lead = { $n ->
    [0] Rien de nouveau pour vous.
    [one] Une nouvelle pour vous.
   *[other] { $n } nouvelles pour vous.
  }
inbox-list = Les nouvelles
inbox-all = Voir aussi ce qui est déjà vu
inbox-only-new = Ne voir que les nouvelles
inbox-done = C’est vu
inbox-done-all = Tout marquer comme vu
inbox-local = Ce que vous marquez comme vu reste sur cet ordinateur : personne n’en est prévenu.
inbox-contribution = Une contribution à l’une de vos fiches
inbox-words = D’autres mots proposés à la place des vôtres : { $field }
inbox-conflict = Plusieurs versions, à décider : { $field }
inbox-territory = Du nouveau sur votre territoire
menu-territory = Mon territoire
territory-ours = Notre territoire
territory-other = Un territoire
territory-sheet = Lire sa fiche
territory-change = Changer de territoire
territory-concerns = Ce qui le concerne
territory-nothing = Personne n’a encore raconté ce qui s’y passe.
territory-all = Tout ce qui s’y rattache
territory-asked = Ce que des pairs demandent
territory-asked-nothing = Aucune question n’attend.
territory-reuses = Qui s’en est inspiré
territory-reuses-nothing = Personne ne l’a encore dit. Une reprise se signale sur la fiche reprise, par « Apporter quelque chose ».
territory-alike = Des territoires qui lui ressemblent
territory-alike-lead = Du même type et de population comparable ; d’abord ceux du même milieu.
territory-from-alike = Ce que racontent des territoires comparables
footer-settings = Réglages
footer-accessibility = Accessibilité : ce qui est vérifié
settings-title = Réglages
settings-chosen = C’est noté.
settings-language = Langue
settings-territory = Notre territoire
settings-territory-lead = Ce qui le concerne arrivera dans votre boîte. Ce choix reste sur cet ordinateur.
settings-territory-see = Voir sa page
settings-territory-none = Ne plus suivre de territoire
settings-look = Chercher un territoire
settings-look-help = Une commune, une intercommunalité, un parc, un département : son nom, ou son code officiel.
settings-look-nothing = Aucun territoire de ce nom. Essayez avec moins de mots.
settings-which = Lequel est le vôtre ?
settings-commons = Patrimoines communs
settings-commons-here = (affiché en ce moment)
settings-commons-look = Afficher
settings-commons-more = En fonder ou en rejoindre un autre
settings-records = { $n ->
    [0] aucune fiche
    [one] une fiche
   *[other] { $n } fiches
  }
settings-allies = { $n ->
    [one] un·e allié·e
   *[other] { $n } allié·es
  }
settings-here = Sur cet ordinateur
settings-name = Le nom sous lequel vous écrivez
settings-home = Où tout est rangé
settings-size = La place que cela prend
settings-megabytes = { $n } Mo
settings-version = Version du logiciel
settings-copy = Ce dossier contient aussi la clé qui signe à votre nom : ne le confiez à personne.
access-title = Accessibilité
access-lead = Ce que nous avons vérifié de ces pages, et ce que nous n’avons pas vérifié.
access-level = Le niveau, honnêtement
access-level-says = Ces pages sont faites pour suivre le référentiel général d’amélioration de l’accessibilité (RGAA 4.1). Aucun audit complet n’a été mené : nous ne les déclarons donc ni conformes, ni partiellement conformes.
access-tested = Ce qui est vérifié
access-tested-axe = Les écrans sont passés à un outil d’audit automatique (axe-core) dans un vrai navigateur, en clair et en sombre, sans défaut relevé.
access-tested-script = Chercher, lire, écrire, décider et rejoindre marchent sans JavaScript.
access-tested-keyboard = Décider entre deux versions d’un texte se fait au clavier seul.
access-tested-width = Les écrans sont regardés sur téléphone, sur tablette et sur grand écran.
access-tested-print = Une fiche s’imprime sur une feuille A4.
access-untested = Ce qui n’est pas vérifié
access-untested-criteria = Un outil automatique ne voit qu’une partie des défauts : les 106 critères n’ont pas été passés un à un.
access-untested-readers = Les lecteurs d’écran (NVDA, JAWS, VoiceOver) et les plages braille n’ont pas été essayés.
access-untested-people = Aucune personne handicapée n’a encore été invitée à essayer ces pages.
access-untested-zoom = L’agrandissement du texte à 200 % et les contrastes forcés du système n’ont pas été essayés écran par écran.
access-known = Ce que nous savons imparfait
access-known-map = La carte ne se parcourt pas point par point au lecteur d’écran : une liste de même contenu la double.
access-known-words = Les textes sont écrits par les allié·es : leur clarté ne dépend pas du logiciel.
access-known-pdf = Le PDF qu’imprime le navigateur n’est pas toujours balisé.
access-tell = Nous dire ce qui bloque
access-tell-says = Dites-le aux allié·es qui vous ont invité·e, ou posez la question à la permanence : un défaut d’accessibilité est un défaut comme un autre. Si une administration ne vous répond pas, le Défenseur des droits peut être saisi.
