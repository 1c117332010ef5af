# La fiche.
sheet-untitled = Sans titre
sheet-glance = En un coup d’œil
sheet-relations = Ce à quoi elle se rattache
sheet-absent = une fiche qui n’est pas encore arrivée ici
sheet-some-ally = un·e allié·e
sheet-number = { $n }
sheet-people = { $n ->
    [one] { $n } habitant·e
   *[other] { $n } habitant·es
  }
sheet-fictional = Fiche inventée, pour l’exemple
sheet-archived = Fiche archivée : elle reste lisible, on ne la complète plus
sheet-peer-read = Relue par des pairs
sheet-verbatim = Paroles rapportées telles quelles
sheet-turn = tournant
sheet-value-created = Valeur créée
sheet-value-destroyed = Valeur détruite
sheet-value-mixed = De la valeur créée et de la valeur détruite
sheet-seen-by = vu par : { $who }
sheet-overcome = surmontée
sheet-overcome-partly = surmontée en partie
sheet-not-overcome = pas surmontée
sheet-missing = À compléter, quand vous pourrez
sheet-proposals = Ce que d’autres proposent
sheet-proposals-lead = Ces mots ne sont pas ceux de leur auteur·ice : ce sont des propositions, à reprendre ou à laisser.
sheet-peers = Qui a vécu ça ?
sheet-why = En commun :
sheet-same-size = une population comparable
sheet-disputed = plusieurs versions, à décider
sheet-words = { $n ->
    [one] le mot « { $words } »
   *[other] les mots « { $words } »
  }
sheet-undated = Reprise telle quelle d’une autre source, qui ne dit pas quand elle a été modifiée.
sheet-written = Écrite par { $by } ; dernière modification le { $at }.
sheet-held = { $n ->
    [one] Chez un·e allié·e aussi, vérifié le { $at }.
   *[other] Chez { $n } allié·es aussi, vérifié le { $at }.
  }
sheet-held-nowhere = Pas encore confirmée ailleurs qu’ici.
sheet-by-at = { $by }, le { $at }
sheet-history = L’histoire de cette fiche
sheet-back = Revenir à « { $title } »

# Les liens de la fiche, en un coup d’œil.
rel-in-territory = Où ?
rel-within = Fait partie de
rel-part-of = Dans le cadre de
rel-carried-by = Porté par
rel-facilitated-by = Animé par
rel-supported-by = Soutenu par
rel-produced-by = Issu de
rel-about = À propos de

# Ce que d’autres en ont fait.
linked-heading = { $n ->
    [one] Une fiche y renvoie
   *[other] { $n } fiches y renvoient
  }
linked-title = Ce qui renvoie à « { $title } »
linked-list = Les fiches
linked-all = Tout ce qui renvoie à cette fiche
linked-more = { $n ->
    [one] et une autre
   *[other] et { $n } autres
  }
linked-reuse = Nous nous en sommes inspiré·es
linked-question = Questions
linked-proposal = Propositions
linked-disagreement = Désaccords
linked-testimony = Témoignages
linked-evaluation = Regards évaluatifs
linked-answer = Réponses
linked-correction = Rectifications
linked-contradicts = Ce qui la contredit
linked-nuances = Ce qui la nuance
linked-draws-on = Ce qui s’appuie sur elle
linked-inspired-by = Ce qu’elle a inspiré
linked-reused-in = Reprises
linked-documents = Ce qui la documente
linked-part-of = Ce qui en fait partie
linked-in-territory = Ce qui se passe ici
linked-within = Territoires qui en font partie
linked-carried-by = Ce qui est porté par elle
linked-facilitated-by = Ce qu’elle anime
linked-supported-by = Ce qu’elle soutient
linked-takes-part = Ce à quoi elle participe
linked-produced-by = Ce qui en est issu
linked-authors = Ce qu’elle a signé
linked-other = Ce qui y renvoie aussi

# Ce qui a été écrit séparément.
settle-heading = À décider ensemble
settle-lead = Plusieurs personnes ont écrit ici en même temps, sans se lire. Rien n’est perdu : voici chaque version.
settle-somebody = quelqu’un que ce nœud ne connaît pas encore
settle-keep = Garder celle-ci
settle-both = Garder les deux, l’une après l’autre
settle-merged = Les deux textes réunis, lettre à lettre
settle-keep-merged = Garder le texte réuni
settle-third = Écrire une troisième version
settle-keep-third = Garder cette troisième version
settle-kept = Ce qui n’est pas gardé reste dans l’histoire de la fiche.
settle-done = C’est décidé. Ce qui n’a pas été gardé reste lisible :
settle-done-history = l’histoire de cette fiche
settle-changed = Quelqu’un a écrit ici entre-temps : relisez avant de décider. Rien n’a été changé.

# L’histoire et les versions.
history-title = L’histoire de « { $title } »
history-lead = { $n ->
    [one] Une seule étape pour l’instant.
   *[other] { $n } étapes, la plus récente d’abord.
  }
history-first = A écrit la fiche.
history-joined = A réuni ce qui était écrit séparément.
history-changed = { $n ->
    [one] A modifié : { $fields }.
   *[other] A modifié { $n } champs : { $fields }.
  }
history-concurrent = En même temps qu’une autre modification, sans l’avoir lue.
history-reference = Fonds commun
history-see = Lire la fiche à ce moment
history-pages = Pages de l’histoire
history-later = Étapes plus récentes
history-earlier = Étapes plus anciennes
version-title = « { $title } », telle qu’elle était
version-now = La fiche d’aujourd’hui
version-is-now = C’est la version d’aujourd’hui.
version-by = Telle que { $who } l’a laissée.
version-by-at = Telle que { $who } l’a laissée le { $at }.
version-past = Telle qu’elle était.
version-against-now = Ce qui a changé depuis
version-against-before = Ce que cette étape a changé
version-compare-before = Voir plutôt ce que cette étape a changé
version-compare-now = Voir plutôt ce qui a changé depuis
version-same = Rien : les deux versions disent la même chose.
diff-gone = retiré :
diff-new = ajouté :

# Citer.
cite-heading = Citer et partager
cite-title = « { $title } »
cite-version = Pour citer exactement cette version, dans un courriel, une délibération ou une bibliographie :
cite-copy = Copier la citation
cite-copied = C’est copié
cite-mail = Envoyer par courriel
cite-qr = La citation de cette version, en code à photographier
