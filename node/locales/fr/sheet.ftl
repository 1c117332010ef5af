# La fiche.
sheet-untitled = Sans titre
sheet-relations = Ce à quoi elle se rattache
sheet-written = Écrite par { $by } ; dernière modification le { $at }.
