# What surrounds every page.
skip = Skip to content
nav = Main menu
menu-find = Search
footer-commons = Commons
footer-change = Change
footer-local = This page runs on your machine: nothing you read is tracked.
trouble-title = That did not work
trouble-home = Back to the first page
hint-unauthorised = Open the page by the link that “essaim up” shows: it lets your browser in for a year.
hint-foreign_caller = Reload the page you came from, then try again. If this happens again, open the link that “essaim up” shows.
hint-no_commons = What is read and written stands in a commons, and there is none here yet: found one, or join one by an invitation.
way-no_commons = Found or join a commons
hint-not_initialised = This node has no name yet: close it and open it again, it asks for one as it starts.
hint-unknown_record = The link may be incomplete, or the record has not arrived here yet.
hint-unknown_route = The address may be incomplete.
hint-not_admitted = This will be possible as soon as an ally has let you in.
hint-disk_full = Make room, then try again: nothing that was saved is lost.

# What cannot be read, said within a sentence.
unread-parameter = a parameter of the address has not the form expected
unread-path = the address holds signs that cannot be read
unread-form = something is missing in the form, or a number is none; go back and complete it
unread-method = this address takes a form and shows nothing; begin at the first page
unread-foreign = this form did not come out of a page of this node; reload the page, then try again
unread-large = this form
