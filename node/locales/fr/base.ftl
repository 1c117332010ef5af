# Ce qui entoure chaque page.
skip = Aller au contenu
nav = Menu principal
menu-find = Chercher
footer-commons = Patrimoine commun
footer-change = Changer
footer-local = Cette page tourne sur votre machine : rien de ce que vous lisez n’est suivi.
trouble-title = Cela n’a pas marché
trouble-home = Revenir à l’accueil
hint-unauthorised = Ouvrez la page par le lien qu’affiche « essaim up » : il laisse entrer votre navigateur pour un an.
hint-foreign_caller = Rechargez la page d’où vous venez, puis recommencez. Si cela se répète, ouvrez de nouveau le lien qu’affiche « essaim up ».
hint-no_commons = Ce qu’on y lit et écrit est rangé dans un patrimoine commun, et il n’y en a pas encore ici : fondez-en un, ou rejoignez-en un par une invitation.
way-no_commons = Fonder ou rejoindre un patrimoine commun
hint-not_initialised = Ce nœud n’a pas encore de nom : fermez-le et ouvrez-le de nouveau, il le demande en démarrant.
hint-unknown_record = Le lien est peut-être incomplet, ou la fiche n’est pas encore arrivée ici.
hint-unknown_route = L’adresse est peut-être incomplète.
hint-not_admitted = Ce sera possible dès qu’un·e allié·e vous aura fait entrer.
hint-disk_full = Libérez de la place, puis recommencez : rien de ce qui est enregistré n’est perdu.

# Ce qui ne se lit pas, dit au milieu d’une phrase.
unread-parameter = un paramètre de l’adresse n’a pas la forme attendue
unread-path = l’adresse contient des signes qui ne se lisent pas
unread-form = il manque quelque chose dans le formulaire, ou un nombre n’en est pas un ; revenez en arrière et complétez-le
unread-method = cette adresse reçoit un formulaire et ne montre rien ; passez par l’accueil
unread-foreign = ce formulaire n’est pas sorti d’une page de ce nœud ; rechargez la page, puis recommencez
unread-large = ce formulaire
