# Ce que les commandes disent quand elles échouent, et quoi taper ensuite.
error-file = { $path } : { $why }
standard-output = la sortie standard
error-line = ligne { $line } :{" "}
error-panic = défaut d'Essaim, dans { $place } : { $why }
error-pid = c'est le processus { $pid }
error-editor = l'éditeur « { $command } » n'a pas fini comme il faut : { $why }
error-no-answer = le nœud qui tourne à { $address } ne répond plus : { $why }

usage-unknown-command = commande inconnue : « { $name } »
usage-unknown-argument = option inconnue : « { $name } »
usage-missing = il manque : { $names }
usage-no-command = il manque une commande
usage-conflict = { $one } et { $other } ne vont pas ensemble
usage-no-value = { $name } attend une valeur
usage-value = « { $value } » ne convient pas pour { $name }
usage-value-of = « { $value } » ne convient pas pour { $name } ; valeurs possibles : { $known }
usage-duration = « { $value } » n'est pas une durée ; par exemple 30s, 15m, 36h, 14d
usage-too-many = une valeur de trop pour { $name }
usage-not-text = ce qui est tapé n'est pas du texte UTF-8
usage-other = cette commande ne se comprend pas
usage-facet = « { $given } » n'est pas de la forme NOM=VALEUR, par exemple --facet setting=rural
usage-set = « { $given } » n'est pas de la forme CHAMP=VALEUR, par exemple --set title="Une navette"
usage-json = { $path }, ligne { $line } : ce n'est pas un objet JSON ({ $why })
usage-name = il faut un nom : essaim init --name "Commune de Gruissan"
usage-accept-charter = personne n'est là pour signer la charte : lisez-la, puis ajoutez --accept-charter
usage-settle = dites comment régler : --keep LETTRE, --both ou --write VALEUR
usage-no-editor = personne n'est là pour écrire : ajoutez --set CHAMP=VALEUR ou --from FICHIER

hint-help = { $command } --help montre ce qui est possible
hint-meant = peut-être vouliez-vous dire : { $meant }
hint-init = essaim init --name NOM crée une identité
hint-no-commons = essaim commons create NOM en fonde un, essaim join TICKET en rejoint un
hint-commons-list = essaim commons list montre ceux d'ici
hint-which-commons = ajoutez --commons NOM
hint-search = essaim search MOTS retrouve une fiche par ses mots
hint-ambiguous = tapez l'un des identifiants ci-dessus
hint-allies = essaim allies montre les noms
hint-territory = essayez le nom officiel ou le code INSEE ou SIREN
hint-one-of-these = tapez l'un de ceux-là
hint-conflicts = essaim conflicts montre ce qui reste à régler
hint-settle = essaim conflicts ID montre les valeurs et leurs lettres
hint-ticket = copiez le ticket en entier, ou demandez-en un autre
hint-sync = essaim sync le met à jour
hint-not-admitted = essaim sync demande des nouvelles de l'admission
hint-upgrade = installez une version plus récente d'Essaim
hint-no-peer = essaim status --network montre qui a été vu et quand
hint-locked = attendez que l'autre commande finisse, ou arrêtez le nœud avec Ctrl-C
hint-doctor = essaim doctor dit ce qui est abîmé et ce qui peut être repris
hint-disk = libérez de la place, puis recommencez
hint-disk-missing = libérez au moins { $missing }, puis recommencez : Essaim garde de la place pour pouvoir rouvrir ses données
hint-read-only = libérez de la place ou réparez le disque, puis relancez Essaim ; ce qui était enregistré est là
hint-read-only-disk = remontez le disque en écriture, ou copiez le dossier ailleurs et désignez la copie par --home
hint-denied = lancez Essaim avec l'utilisateur à qui est ce dossier, ou changez ses droits
hint-internal = c'est un défaut d'Essaim : merci de le signaler avec ce message
hint-editor = la variable EDITOR dit quel éditeur ouvrir ; --set et --from s'en passent
hint-no-answer = relancez « essaim up », ou arrêtez le processus qui tient ce dossier
