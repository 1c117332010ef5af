# Ce que les commandes disent quand elles réussissent.
records-count = { $n ->
    [one] { $n } fiche
   *[other] { $n } fiches
}
records-count-of = { $shown ->
    [one] { $shown } fiche sur { $n } ; --limit et --offset montrent la suite
   *[other] { $shown } fiches sur { $n } ; --limit et --offset montrent la suite
}
somebody = quelqu'un

progress-of = { $stage } : { $done } sur { $total }
progress-so-far = { $stage } : { $done }
stage-reading = Lecture
stage-writing = Écriture
stage-connecting = Recherche des pairs
stage-admission = Attente de l'admission
stage-exchanging = Échange
stage-checking = Vérification
stage-rebuilding = Reconstruction

ask-name = Sous quel nom ce nœud écrit-il (commune, association, personne) ?
init-done = « { $name } » peut écrire ; ses clés et ses données sont dans { $home }
next-create-or-join = essaim commons create NOM fonde un patrimoine commun, essaim join TICKET en rejoint un
next-new = essaim new experience raconte une expérience
next-invite = essaim invite invite un·e allié·e
next-search = essaim search MOTS cherche dans le patrimoine
next-sync = essaim sync essaie de nouveau
next-log = essaim log { $id } montre l'histoire de la fiche
next-edit = essaim edit { $id } complète la fiche
next-settle = essaim settle { $id } { $field } règle ce désaccord
next-hand-on = à remettre à la personne invitée, qui tapera : essaim join TICKET
next-share-draft = essaim new { $kind } --from { $path } partage ce brouillon
next-edit-draft = essaim edit { $id } --from { $path } reprend ce texte, une fois corrigé
next-import-again = corrigez ces lignes et importez de nouveau le fichier : ce qui est déjà là ne sera pas doublé
next-rebuild = essaim doctor --rebuild reconstruit ce qui peut l'être
next-sync-damaged = essaim sync reprend chez les pairs ce qui manque ici

commons-created = « { $name } » est fondé, avec { $n ->
    [one] { $n } fiche
   *[other] { $n } fiches
}
commons-none = Il n'y a pas encore de patrimoine commun ici.
commons-counts = { $allies ->
    [one] { $allies } allié·e
   *[other] { $allies } allié·es
}, { $records ->
    [one] { $records } fiche
   *[other] { $records } fiches
}, { $conflicts ->
    [0] aucun désaccord à régler
    [one] { $conflicts } désaccord à régler
   *[other] { $conflicts } désaccords à régler
}
commons-pending = admission attendue
commons-since = Fondé le { $since }

invite-terms = Ce ticket ouvre « { $commons } » jusqu'au { $until } ; il peut servir { $n ->
    [one] une fois
   *[other] { $n } fois
}. Qui l'a peut entrer : c'est un secret.
invite-local-only = Ce nœud n'a pas d'adresse joignable de loin : le ticket ne servira que sur cette machine ou ce réseau local.

join-invited = { $by } vous invite dans « { $name } ». Voici sa charte :
join-charter-hash = (texte inconnu ici ; empreinte { $hash })
join-accept = Signez-vous cette charte ? (oui / non)
join-refused = charte non signée : rien n'a été fait
join-done = vous êtes dans « { $name } » : { $n ->
    [one] { $n } fiche
   *[other] { $n } fiches
}, { $allies ->
    [one] { $allies } allié·e
   *[other] { $allies } allié·es
}
join-not-whole = tout n'est pas encore arrivé ici
join-waiting = demande déposée dans « { $name } » ; l'admission n'est pas encore arrivée. Ce que vous écrivez attend ici.

allies-count = { $n ->
    [one] { $n } allié·e
   *[other] { $n } allié·es
}
ally-me = { $name } (vous)
ally-since = { $state } depuis le { $since }
ally-invited-by = invité·e par { $by }
ally-devices = { $n ->
    [one] { $n } appareil
   *[other] { $n } appareils
} :
ally-state-founder = a fondé
ally-state-admitted = admis·e
ally-state-pending = admission attendue
ally-state-suspended = suspendu·e
ally-state-left = parti·e

status-no-identity = Pas encore d'identité ici.
status-running = Le nœud tourne depuis le { $since } ; { $n ->
    [0] aucun pair connecté
    [one] { $n } pair connecté
   *[other] { $n } pairs connectés
}
status-not-running = Le nœud ne tourne pas : rien ne s'échange tant que « essaim up » n'est pas lancé.
status-disk = { $size } sur le disque
peer-never = aucun échange complet encore
peer-in-sync = même contenu des deux côtés, vérifié le { $at }
peer-ahead = { $n ->
    [one] { $n } entrée d'ici non confirmée là-bas
   *[other] { $n } entrées d'ici non confirmées là-bas
} ; même contenu le { $at }
peer-connected = connecté
peer-seen = vu le { $at }
peer-not-seen = jamais vu
network-mdns = Cherche des pairs sur le réseau local
network-no-mdns = Ne cherche pas de pairs sur le réseau local
network-traffic = { $received } reçus, { $sent } envoyés ; écoute sur :
task-settle = { $n ->
    [one] { $n } désaccord à régler
   *[other] { $n } désaccords à régler
} dans « { $commons } » : essaim conflicts
task-invite = personne d'autre dans « { $commons } » : essaim invite
task-admission = admission attendue dans « { $commons } » : essaim sync
task-sync = { $n ->
    [one] { $n } entrée n'est encore que chez vous
   *[other] { $n } entrées ne sont encore que chez vous
} dans « { $commons } » : essaim sync
task-upgrade = « { $commons } » demande une version plus récente d'Essaim

sync-peer = { $ally } ({ $commons }) : { $ended }
sync-counts = {"\u202F"}; { $received ->
    [one] { $received } reçu
   *[other] { $received } reçus
}, { $sent ->
    [one] { $sent } envoyé
   *[other] { $sent } envoyés
}, { $size }
sync-nobody = Personne avec qui échanger.
sync-why = détail technique : { $why }
ended-in-sync = même contenu des deux côtés, vérifié
ended-partial = échange interrompu ; ce qui est arrivé est gardé
ended-unreachable = pas joint
ended-cut-off = n'a pas respecté le protocole ; la liaison est coupée
ended-not-admitted = ne nous connaît pas dans ce patrimoine commun
ended-other-version = parle une autre version d'Essaim

saved = « { $title } » est partagée ({ $id })
saved-nothing = Rien à changer dans « { $title } » ({ $id })
settled = { $field } est réglé dans « { $title } » ; l'autre valeur reste dans l'histoire
settled-both = { $field } est réglé dans « { $title } » : les deux valeurs sont gardées
settle-ask = Lettre à garder, 2 pour les deux, = suivi d'une autre valeur :
inbox-count = { $n ->
    [0] rien de nouveau pour vous
    [one] { $n } nouvelle pour vous
   *[other] { $n } nouvelles pour vous
}
inbox-about = à propos de « { $title } »
inbox-contribution = Contribution
inbox-words = D'autres mots proposés : { $field }
inbox-conflict = À régler : { $field }
inbox-territory = Sur votre territoire
next-inbox = Lire : essaim show { $id } ; marquer comme vu : essaim inbox done { $item }
usage-inbox-done = que marquer comme vu ? Donnez ce que montre « essaim inbox », ou --all
conflicts-count = { $n ->
    [0] aucun désaccord à régler
    [one] { $n } désaccord à régler
   *[other] { $n } désaccords à régler
}
show-conflict = Plusieurs valeurs pour « { $field } » :
show-proposal = Proposé par d'autres pour « { $field } » :
show-reference = fiche de référence
show-history = { $by } — écrite le { $created }, modifiée le { $updated }
show-missing = À compléter :
log-concurrent = (écrite en même temps qu'une autre)
archived = « { $title } » est archivée ({ $id }) ; elle reste lisible
archive-undone = « { $title } » n'est plus archivée ({ $id })
next-unarchive = essaim archive { $id } --undo la reprend
diff-count = { $n ->
    [0] rien n'a changé
    [one] { $n } champ a changé
   *[other] { $n } champs ont changé
}
agenda-count = { $n ->
    [0] aucune rencontre
    [one] { $n } rencontre
   *[other] { $n } rencontres
}
search-corrected = Rien pour ces mots ; voici pour des mots proches.
search-partial = Aucune fiche n'a tous ces mots ; en voici qui en ont une partie.
records-outdated = L'index de recherche ne peut pas être écrit, sans doute faute de place sur le disque : ce qui a changé depuis peut manquer ici.
records-unfolded = { $n ->
    [one] { $n } fiche arrivée n'est pas encore lisible : elle peut manquer ici.
   *[other] { $n } fiches arrivées ne sont pas encore lisibles : elles peuvent manquer ici.
}
records-unfoldable = { $n ->
    [one] { $n } fiche ne peut pas être lue, et manque ici : essaim doctor dit laquelle, et quoi faire.
   *[other] { $n } fiches ne peuvent pas être lues, et manquent ici : essaim doctor dit lesquelles, et quoi faire.
}
facets-left-off = { $n ->
    [one] et { $n } autre
   *[other] et { $n } autres
}
search-nothing = moins de mots, ou essaim list pour tout voir

imported = { $created ->
    [one] { $created } créée
   *[other] { $created } créées
}, { $updated ->
    [one] { $updated } mise à jour
   *[other] { $updated } mises à jour
}, { $unchanged } déjà là
import-bad = { $n ->
    [one] { $n } ligne n'a pas pu être prise
   *[other] { $n } lignes n'ont pas pu être prises
} :
exported = { $n ->
    [one] { $n } fiche
   *[other] { $n } fiches
} dans { $path }

draft-kept = rien n'est perdu : le texte est gardé dans { $path }
draft-base = ne retirez pas cette ligne : elle dit de quelle version ce texte est parti
draft-saved = brouillon gardé dans { $path }
draft-invalid = la fiche ne peut pas être enregistrée ainsi :
draft-again = Revenir au texte ? (oui / non)
draft-untouched = Rien n'a été écrit : le texte n'a pas changé.

doctor-rebuilt = tout ce qui pouvait l'être est reconstruit
doctor-count = { " " }({ $n })
check-home = Dossier
check-keys = Clés
check-clock = Horloge
check-log = Entrées
check-outbox = Boîte d'envoi
check-quarantine = Quarantaine
check-tables = Tables
check-index = Index de recherche
health-ok = en bon état
health-warning = à savoir
health-rebuildable = à reconstruire
health-damaged = abîmé

up-running = le nœud tourne ; la page s’ouvre à { $page }
up-listening = écoute sur { $address }
up-stop = Ctrl-C l'arrête
up-stopped = le nœud est arrêté
up-already = « essaim up » tourne déjà sur { $home }
up-page = la page : { $page }
up-first-commons = Patrimoine commun

demo-commons = Vallées en transition (répétition)
demo-founded = { $who } fonde « { $name } » et adopte le patrimoine de départ : { $n } fiches, en { $ms } ms
demo-joined = { $who } entre avec le ticket et reçoit { $n } fiches : { $size }, en { $ms } ms
demo-not-admitted = { $who } n'a pas été admis·e
demo-wrote = { $who } écrit « { $title } »
demo-exchanged = échange : { $received ->
    [one] { $received } entrée reçue
   *[other] { $received } entrées reçues
}, { $sent ->
    [one] { $sent } envoyée
   *[other] { $sent } envoyées
}, { $size }, en { $ms } ms
demo-cut = le réseau est coupé : chacun·e est seul·e
demo-edited = { $who } modifie « { $title } » : { $fields }
demo-back = le réseau revient
demo-equal = les trois contiennent la même chose : les empreintes de tout ce qu'ils tiennent sont égales
demo-differ = les trois ne contiennent pas la même chose
demo-no-conflict = les deux écritures concurrentes ne sont pas gardées côte à côte
demo-conflict = désaccord gardé dans « { $title } », { $field } :
demo-search = recherche « { $words } » : { $n ->
    [one] { $n } fiche
   *[other] { $n } fiches
}, en { $ms } ms
demo-nothing-found = la recherche « { $words } » ne trouve rien
demo-done = répétition réussie, en { $seconds } s
demo-kept = essaim --home { $path } status continue avec le premier des trois dossiers ; à côté, 2 et 3 sont les deux autres

site-written = { $n ->
    [0] aucune fiche publique : le site de { $path } est vide
    [one] { $n } fiche publique dans { $path } ({ $added } de plus qu'avant, { $size })
   *[other] { $n } fiches publiques dans { $path } ({ $added } de plus qu'avant, { $size })
}
site-removed = { $n ->
    [one] { $n } fiche qui n'est plus publique a disparu du site
   *[other] { $n } fiches qui ne sont plus publiques ont disparu du site
}
site-unfolded = { $n ->
    [one] { $n } fiche n'est pas encore lisible : sans elle, le site serait incomplet. Rien n'a été changé
   *[other] { $n } fiches ne sont pas encore lisibles : sans elles, le site serait incomplet. Rien n'a été changé
}
site-unfoldable = { $n ->
    [one] { $n } fiche ne peut pas être lue : sans elle, le site serait incomplet. Rien n'a été changé ; essaim doctor dit laquelle, et quoi faire
   *[other] { $n } fiches ne peuvent pas être lues : sans elles, le site serait incomplet. Rien n'a été changé ; essaim doctor dit lesquelles, et quoi faire
}
site-not-ours = { $path } contient autre chose qu'un site écrit par Essaim, et n'a pas été touché : choisissez un autre dossier
site-busy = une autre commande écrit déjà { $path }
next-publish = essaim edit ID --set visibility=public rend une fiche publique
next-open-site = { $path } s'ouvre dans un navigateur ; le dossier peut aller tel quel chez un hébergeur
