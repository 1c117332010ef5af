# Reading many records at once.
menu-explore = Explore
menu-digest = The letter
menu-agenda = The agenda
menu-findings = Findings
menu-programmes = Programmes
menu-resources = Resources
menu-actors = Directory
menu-whole = The whole picture

# The letter.
digest-title = The letter
digest-choose = Choose a period or a theme
digest-since = From
digest-until = To
digest-theme = On the theme
digest-any = All themes
digest-go = Compose
digest-periods = Periods
digest-files = Send, follow
digest-print = For paper, print this page: only the letter remains of it.
digest-mail = A document to paste into an e-mail (HTML)
digest-markdown = A text to reuse elsewhere (Markdown)
digest-atom = Follow in a feed reader (Atom)
letter-between = What was written from { $from } to { $to }
letter-since = What was written since { $from }
letter-until = What was written until { $to }
letter-always = What was written
letter-theme = On the theme “{ $theme }”
letter-lead = { $n ->
    [0] Nobody shared anything in this period. The next letter may begin with you.
    [one] One record, shared or taken up again.
   *[other] { $n } records, shared or taken up again.
  }
letter-part = The { $shown } newest records, of { $n }.
letter-about = About: { $title }
letter-end = Each text is by its authors, who are named with it, and may be passed on under the licence given.
letter-kind-experience = What was lived
letter-kind-contribution = Questions, answers and views
letter-kind-finding = What we take from it
letter-kind-gathering = Gatherings
letter-kind-programme = Programmes
letter-kind-resource = To read, to see, to hear
letter-kind-actor = Actors and allies
letter-kind-territory = Territories

# The agenda.
agenda-title = The agenda
agenda-follow = Follow in a calendar (iCalendar)
agenda-announce = Announce a gathering
agenda-to-come = To come
agenda-nothing = No gathering is announced. The next one may be yours.
agenda-more = { $n ->
    [one] and one more, later
   *[other] and { $n } more, later
  }
agenda-past = { $n ->
    [0] Past gatherings: none
    [one] One past gathering
   *[other] { $n } past gatherings
  }
agenda-online = online
agenda-pages = Pages of past gatherings
agenda-later = Later gatherings
agenda-earlier = Earlier gatherings

# Findings, programmes, resources, directory.
findings-title = Findings
findings-lead = What the alliance takes from what it lived, between the experiences that support, nuance and contradict it.
programmes-title = Programmes
programmes-lead = Cohorts, worksites, learning communities, open hours: where they take place, and when people meet.
resources-title = Resources
resources-lead = To read, to see, to hear, to reuse.
actors-title = Directory
actors-lead = The organisations and people of the alliance, and what they offer to their peers.
catalogue-forms = By form
catalogue-offers = By what is offered
catalogue-offered = Offers to peers:
catalogue-search = Search among them
side-heading = Among the experiences
side-supports = Support it
side-nuances = Nuance it
side-contradicts = Contradict it
side-territories = Territories
side-gatherings = Gatherings
side-none = None yet.
side-lonely = No experience supports, nuances or contradicts it yet: yours, perhaps?

# The whole picture.
whole-title = The whole picture
whole-lead = How the most linked records hold together: where things take place, within what, what is learned from them, and who drew on whom.
whole-nothing = No record is linked to another yet. A territory, a programme, a source of inspiration: every link is made in telling.
whole-of = { $shown } of { $n }
whole-keys = What the lines say
whole-key-plain = belongs to
whole-key-reuse = draws on it
whole-key-nuances = nuances
whole-key-contradicts = contradicts
whole-picture = The drawing
whole-same = The same as a list:
whole-reuse = drew on
whole-other = belongs to

# Archiving.
archive-do = Archive this record
archive-lead = It stays readable with its whole history, and what refers to it still finds it. Searches no longer show it, except to those who search the archive.
archive-go = Archive
archive-undo = Take this record out of the archive
archive-undo-lead = Searches will show it again.
archive-undo-go = Take it out
find-archived = See archived records
facet-record_status = Life of the record
