# L’accueil et la recherche.
home-title = Notre patrimoine commun
home-lead = { $n ->
    [0] Aucune fiche pour l’instant.
    [one] Une fiche, écrite par celles et ceux qui l’ont vécue.
   *[other] { $n } fiches, écrites par celles et ceux qui les ont vécues, échecs et désaccords compris.
  }
home-kind-experience = { $n ->
    [one] retour d’expérience
   *[other] retours d’expérience
  }
home-kind-territory = { $n ->
    [one] territoire
   *[other] territoires
  }
home-kind-actor = { $n ->
    [one] acteur·ice
   *[other] acteur·ices
  }
home-kind-programme = { $n ->
    [one] dispositif
   *[other] dispositifs
  }
home-kind-gathering = { $n ->
    [one] rencontre
   *[other] rencontres
  }
home-kind-resource = { $n ->
    [one] ressource
   *[other] ressources
  }
home-kind-finding = { $n ->
    [one] enseignement
   *[other] enseignements
  }
home-kind-contribution = { $n ->
    [one] contribution
   *[other] contributions
  }
home-latest = Derniers retours d’expérience
find-title = Chercher
find-title-of = « { $q } »
find-label = Que cherchez-vous ?
find-example = une navette, un échec, Gruissan…
find-go = Chercher
find-narrow = Préciser
find-apply = Appliquer
find-more = { $n ->
    [one] une autre valeur
   *[other] { $n } autres valeurs
  }
find-total = { $n ->
    [0] Aucune fiche
    [one] Une fiche
   *[other] { $n } fiches
  }
find-corrected = Rien ne correspond tel quel : voici ce qui s’écrit presque pareil.
find-partial = Aucune fiche n’a tous ces mots : en voici qui en ont une partie.
find-outdated = L’index de recherche ne peut pas être écrit, sans doute faute de place sur le disque : ce qui a changé depuis peut manquer ici.
find-unfolded = { $n ->
    [one] { $n } fiche arrivée n’est pas encore lisible : elle peut manquer ici.
   *[other] { $n } fiches arrivées ne sont pas encore lisibles : elles peuvent manquer ici.
}
find-unfoldable = { $n ->
    [one] { $n } fiche ne peut pas être lue, et manque ici : « essaim doctor » dit laquelle, et quoi faire.
   *[other] { $n } fiches ne peuvent pas être lues, et manquent ici : « essaim doctor » dit lesquelles, et quoi faire.
}
find-chosen = Ce qui précise la recherche
find-remove = (retirer)
find-nothing = Essayez avec moins de mots, ou retirez un filtre. Personne n’a peut-être encore raconté cela : ce serait à vous.
find-pages = Pages de résultats
find-previous = Page précédente
find-next = Page suivante
card-conflicts = { $n ->
    [one] un désaccord à lire
   *[other] { $n } désaccords à lire
  }
find-views = Façons de voir
view-cards = Cartes
view-table = Tableau
view-map = Sur la carte
view-timeline = Dans le temps
table-title = Titre
table-kind = Type de fiche
table-place = Territoire
table-when = Quand
timeline-undated = Sans date
find-files = Suivre ou emporter cette recherche
file-atom = Suivre par un lecteur de flux (Atom)
file-ics = Suivre dans un agenda (iCalendar)
file-csv = Ouvrir dans un tableur (CSV)
file-geojson = Ouvrir dans une carte (GeoJSON)
map-departments = Par département
map-none = Aucune de ces fiches n’est rattachée à un département.
map-territories = Par territoire
map-elsewhere = Hors de cette carte
map-more-departments = { $n ->
    [one] Voir tous les départements : il y en a un autre
   *[other] Voir tous les départements : il y en a { $n } autres
  }
map-more = { $n ->
    [one] Voir tous les territoires : il y en a un autre
   *[other] Voir tous les territoires : il y en a { $n } autres
  }
facet-kind = Type de fiche
facet-theme = Thème
facet-territory = Territoire
facet-stratum = Population
facet-setting = Milieu
facet-fundamental = Fondamental
facet-narrative_dimension = Dimension du récit
facet-outcome = Ce que c’est devenu
facet-difficulty = Difficulté
facet-programme = Dispositif
facet-year = Année
facet-licence = Licence
facet-region = Région
facet-department = Département
facet-epci = Intercommunalité
facet-territory_type = Type de territoire
facet-lang = Langue
facet-tags = Mot-clé
facet-author = Auteur·ice

# Les têtes de colonne du tableur.
csv-title = Titre
csv-kind = Type
csv-territory = Territoire
csv-when = Quand
csv-summary = Résumé
csv-changed = Modifiée le
csv-name = Adresse
