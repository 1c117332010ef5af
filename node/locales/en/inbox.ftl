# The inbox, my territory, settings, accessibility.
menu-inbox = Inbox
menu-news = { $n ->
    [one] new
   *[other] new
  }
inbox-title = Your inbox
inbox-lead = { $n ->
    [0] Nothing new for you.
    [one] One thing new for you.
   *[other] { $n } things new for you.
  }
inbox-list = The news
inbox-all = Show also what was looked at
inbox-only-new = Show only what is new
inbox-done = Seen
inbox-done-all = Mark everything as seen
inbox-local = What you mark as seen stays on this computer: nobody is told.
inbox-contribution = A contribution to one of your records
inbox-words = Other words proposed in place of yours: { $field }
inbox-conflict = Several versions, to be settled: { $field }
inbox-territory = News of your territory
menu-territory = My territory
territory-ours = Our territory
territory-other = A territory
territory-sheet = Read its record
territory-change = Choose another territory
territory-concerns = What concerns it
territory-nothing = Nobody has told yet what happens there.
territory-all = All that belongs to it
territory-asked = What peers ask
territory-asked-nothing = No question waits.
territory-reuses = Who drew on it
territory-reuses-nothing = Nobody has said so yet. A reuse is told on the record that was reused, with “Bring something”.
territory-alike = Territories like it
territory-alike-lead = Of the same type and of comparable population; those of the same setting first.
territory-from-alike = What comparable territories tell
footer-settings = Settings
footer-accessibility = Accessibility: what is tested
settings-title = Settings
settings-chosen = Noted.
settings-language = Language
settings-territory = Our territory
settings-territory-lead = What concerns it will come to your inbox. This choice stays on this computer.
settings-territory-see = See its page
settings-territory-none = Follow no territory any more
settings-look = Look for a territory
settings-look-help = A municipality, a group of them, a park, a department: its name or its official code.
settings-look-nothing = No territory of this name. Try fewer words.
settings-which = Which one is yours?
settings-commons = Commons
settings-commons-here = (shown now)
settings-commons-look = Show
settings-commons-more = Found or join another
settings-records = { $n ->
    [one] one record
   *[other] { $n } records
  }
settings-allies = { $n ->
    [one] one ally
   *[other] { $n } allies
  }
settings-here = On this computer
settings-name = The name under which you write
settings-home = Where everything is kept
settings-size = The room it takes
settings-megabytes = { $n } MB
settings-version = Version of the software
settings-copy = This directory also holds the key that signs in your name: give it to nobody.
access-title = Accessibility
access-lead = What we tested of these pages, and what we did not.
access-level = The level, honestly
access-level-says = These pages are made to follow the French accessibility guidelines (RGAA 4.1), which follow WCAG 2.1. No complete audit was made: we therefore declare them neither compliant nor partly compliant.
access-tested = What is tested
access-tested-axe = Screens pass an automatic audit (axe-core) in a real browser, light and dark, without a defect found.
access-tested-script = Searching, reading, writing, settling and joining work without JavaScript.
access-tested-keyboard = Settling between two versions of a text works by keyboard alone.
access-tested-width = Screens are looked at on a telephone, a tablet and a large screen.
access-tested-print = A record prints on one sheet of A4.
access-untested = What is not tested
access-untested-criteria = An automatic tool sees only some of the defects: the 106 criteria were not gone through one by one.
access-untested-readers = Screen readers (NVDA, JAWS, VoiceOver) and braille displays were not tried.
access-untested-people = No disabled person has been invited to try these pages yet.
access-untested-zoom = Text enlarged to 200 % and the system's forced contrasts were not tried screen by screen.
access-known = What we know to be imperfect
access-known-map = The map cannot be walked point by point with a screen reader: a list beside it says the same.
access-known-words = Texts are written by the allies: how clear they are does not depend on the software.
access-known-pdf = The PDF that the browser prints is not always tagged.
access-tell = Telling us what is in your way
access-tell-says = Tell the allies who invited you, or ask on the board: a defect of accessibility is a defect like any other. In France, when an administration does not answer, the Défenseur des droits can be asked.
