# Aide des commandes. Une clé par commande (cmd-…) et par option (arg-…).
cmd-essaim = Essaim : le patrimoine commun d'une alliance, de pair à pair, sans serveur.
cmd-after =
    Codes de retour : 0 fait, 1 échec, 2 commande mal formée, 3 aucun pair joint, 4 fait en partie.
    Toute commande accepte --json ; essaim COMMANDE --help en dit plus.
cmd-also = ou
cmd-default = par défaut
cmd-heading-usage = Usage :
cmd-heading-commands = Commandes{"\u00A0"}
cmd-heading-arguments = Arguments{"\u00A0"}
cmd-heading-options = Options{"\u00A0"}
cmd-word-command = COMMANDE
cmd-word-options = options
cmd-up = Démarre le nœud ; la première fois, crée ce qui manque
cmd-init = Crée une identité dans ce dossier
cmd-commons = Les patrimoines communs de ce nœud
cmd-commons-create = Fonde un patrimoine commun
cmd-commons-list = Liste les patrimoines communs d'ici
cmd-commons-show = Montre un patrimoine commun et sa charte
cmd-invite = Signe une invitation : un ticket à transmettre, en texte et en QR code
cmd-join = Rejoint un patrimoine commun avec un ticket
cmd-allies = Les allié·es de ce patrimoine commun
cmd-allies-show = Montre un·e allié·e
cmd-status = Où en est ce nœud, avec qui il est à jour, et quoi faire
cmd-new = Écrit une fiche, partagée aussitôt
cmd-edit = Modifie une fiche, partagée aussitôt
cmd-show = Montre une fiche, désaccords compris
cmd-list = Liste les fiches, les plus récentes d'abord
cmd-search = Cherche des fiches : mots, « "expressions exactes" », -exclus, facette:valeur
cmd-log = L'histoire d'une fiche, la dernière version d'abord
cmd-diff = Ce qui a changé dans une fiche : la dernière fois, depuis une version, ou entre deux
cmd-diff-after =
    Exemples :
      essaim diff 7k2m9d3q
      essaim diff 7k2m9d3q 4f1c
      essaim différences 7k2m9d3q 4f1c 9e07 --json
cmd-archive = Range une fiche : elle reste lisible, les recherches ne la montrent plus
cmd-archive-after =
    Exemples :
      essaim archive 7k2m9d3q
      essaim archiver 7k2m9d3q --undo
      essaim archive 7k2m9d3q --json
cmd-digest = La lettre : ce qui s'est écrit dans une période ou sur un thème
cmd-digest-after =
    Exemples :
      essaim digest
      essaim lettre --since "1er mai 2026" --until "31 mai 2026" --format html > lettre.html
      essaim digest --theme mobilité --json
cmd-agenda = Les rencontres à venir
cmd-agenda-after =
    Exemples :
      essaim agenda
      essaim rencontres --past
      essaim agenda --ics > rencontres.ics
      essaim agenda --json
cmd-inbox = Ce qui vous attend : réponses, questions, reprises, désaccords, nouvelles de votre territoire
cmd-inbox-after =
    Exemples :
      essaim inbox
      essaim boîte show --all
      essaim inbox done --all
      essaim inbox --json
cmd-inbox-show = Montre ce qui n'est pas encore vu
cmd-inbox-done = Marque comme vu ; personne d'autre ne le sait
cmd-conflicts = Les champs où plusieurs valeurs se côtoient
cmd-settle = Règle un désaccord : garder une valeur, les deux, ou en écrire une autre
cmd-sync = Échange maintenant avec les pairs
cmd-import = Importe des fiches (JSON Lines)
cmd-export = Exporte des fiches (JSON Lines)
cmd-serve-site = Écrit les fiches publiques comme un site, à lire sans Essaim
cmd-serve-site-after =
    Exemples :
      essaim serve-site public
      essaim vitrine /srv/www/patrimoine --commons "Vallées en transition"
      essaim serve-site public --json
    Il n'y a là que les fiches partagées et publiques. Le dossier se pose chez n'importe quel hébergeur, ou s'ouvre tel quel.
    À chaque fois, il est remplacé en entier ; un dossier qui contient autre chose ne l'est jamais.
cmd-doctor = Vérifie les données d'ici, et reconstruit ce qui peut l'être
cmd-demo = Répétition générale : trois territoires inventés sur cette machine
cmd-completions = Écrit le script de complétion d'un shell

arg-home = Dossier des données (ou la variable ESSAIM_HOME)
arg-commons = Le patrimoine commun, par son nom ou son identifiant
arg-lang = Langue : fr ou en
arg-json = Écrit du JSON sur la sortie standard
arg-quiet = N'écrit que les identifiants
arg-no-color = N'emploie pas de couleurs
arg-help = Montre cette aide
arg-version = Montre la version

arg-up-name = Nom sous lequel ce nœud écrit
arg-up-starter = Adopte le patrimoine de départ en fondant un patrimoine commun
arg-up-no-open = N'ouvre pas le navigateur
arg-up-http = Adresse locale de l'interface (127.0.0.1 seulement)
arg-up-listen = Adresse réseau où écouter ; peut être répétée
arg-up-no-mdns = Ne cherche pas de pairs sur le réseau local
arg-init-name = Nom sous lequel ce nœud écrit : une organisation, un territoire, une personne
arg-commons-create-name = Nom du patrimoine commun
arg-commons-create-starter = Adopte le patrimoine de départ (260 fiches)
arg-commons-create-charter = Texte de la charte ; sans elle, celle de l'alliance
arg-commons-show-name = Nom ou identifiant
arg-invite-role = ally (écrit et invite) ou reader (lit)
arg-invite-expires = Durée de validité : 30s, 15m, 36h, 14d
arg-invite-uses = Combien de fois le ticket peut servir
arg-join-ticket = Le ticket reçu
arg-join-accept-charter = Signe la charte sans poser la question
arg-join-wait = Combien de temps attendre l'admission
arg-allies-show-ally = Nom, identifiant ou début d'identifiant
arg-status-network = Montre aussi les adresses et le trafic
arg-new-kind = Sorte de fiche : experience, territory, actor, programme, gathering, resource, finding, contribution
arg-from = Lit la fiche dans un fichier, Markdown ou JSON
arg-set = Donne sa valeur à un champ ; peut être répétée
arg-new-territory = Rattache la fiche à un territoire, par son nom ou son code officiel
arg-edit-territory = Rattache la fiche à un territoire de plus
arg-new-draft = Garde un brouillon ici au lieu de partager
arg-id = Identifiant de la fiche, ou son début
arg-inbox-show-all = Montre aussi ce qui est déjà vu
arg-inbox-done-items = Ce que montre la première colonne de « essaim inbox »
arg-inbox-done-all = Tout marquer comme vu
arg-conflicts-id = Seulement pour cette fiche
arg-diff-version = Une version, telle que « essaim log » l'écrit ; sans elle, la dernière modification
arg-archive-undo = La reprend, telle qu'elle était avant
arg-digest-since = Premier jour : 2026-05-01, « 1er mai 2026 » ou « mai 2026 »
arg-digest-until = Dernier jour
arg-digest-theme = Seulement ce thème ; sans dates, depuis toujours
arg-digest-format = md (Markdown) ou html (un document pour un courriel)
arg-agenda-past = Les rencontres passées, les dernières d'abord
arg-agenda-ics = Écrit toutes les rencontres pour un agenda (iCalendar)
arg-list-kind = Seulement cette sorte de fiche
arg-search-words = Ce que l'on cherche
arg-search-kind = Seulement cette sorte de fiche
arg-search-like = Les fiches qui ressemblent à celle-ci
arg-search-facets = Compte par facette au lieu de lister
arg-theme = Seulement ce thème
arg-territory = Seulement ce territoire
arg-outcome = Seulement ce qui en est là
arg-difficulty = Seulement cette difficulté
arg-year = Seulement cette année
arg-facet = Seulement cette valeur d'une facette
arg-limit = Combien au plus
arg-offset = Combien en sauter
arg-settle-field = Le champ, comme l'écrit « essaim conflicts »
arg-settle-keep = Garde la valeur de cette lettre
arg-settle-both = Garde les deux
arg-settle-write = Écrit une autre valeur
arg-sync-peer = Seulement cet·te allié·e
arg-sync-wait = Combien de temps attendre les pairs
arg-import-file = Le fichier, ou - pour l'entrée standard
arg-export-format = jsonl
arg-export-file = Le fichier ; sans lui, la sortie standard
arg-serve-site-dir = Le dossier du site : nouveau, vide, ou écrit ainsi la fois d'avant
arg-doctor-forgive = Laisse revenir les allié·es coupé·es pour ce que leur nœud a fait
arg-doctor-rebuild = Reconstruit tout ce qui peut l'être
arg-demo-keep = Garde les trois dossiers ici, pour continuer
arg-completions-shell = bash, zsh, fish, elvish ou powershell

arg-value-dir = DOSSIER
arg-value-file = FICHIER
arg-value-addr = ADRESSE
arg-value-kind = SORTE
arg-value-name = NOM
arg-value-field = CHAMP
arg-value-field-value = CHAMP=VALEUR
arg-value-name-value = NOM=VALEUR
arg-value-words = MOTS
arg-value-letter = LETTRE
arg-value-wait = DURÉE
arg-value-expires = DURÉE
arg-value-write = VALEUR
arg-value-peer = ALLIÉ·E
arg-value-ally = ALLIÉ·E
arg-value-uses = NOMBRE
arg-value-limit = NOMBRE
arg-value-offset = NOMBRE
arg-value-theme = THÈME
arg-value-territory = TERRITOIRE
arg-value-outcome = ISSUE
arg-value-difficulty = DIFFICULTÉ
arg-value-year = ANNÉE
arg-value-lang = LANGUE
arg-value-commons = PATRIMOINE
arg-value-role = RÔLE
arg-value-date = DATE
arg-value-version = VERSION
arg-value-format = FORMAT
