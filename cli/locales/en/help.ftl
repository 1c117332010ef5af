# Help of the commands. One key a command (cmd-…) and an option (arg-…).
cmd-essaim = Essaim: the commons of an alliance, from peer to peer, without a server.
cmd-after =
    Exit codes: 0 done, 1 failed, 2 badly formed command, 3 no peer reached, 4 done in part.
    Every command takes --json; essaim COMMAND --help says more.
cmd-also = or
cmd-default = default
cmd-heading-usage = Usage:
cmd-heading-commands = Commands
cmd-heading-arguments = Arguments
cmd-heading-options = Options
cmd-word-command = COMMAND
cmd-word-options = options
cmd-up = Starts the node; the first time, makes what is missing
cmd-init = Makes an identity in this home
cmd-commons = The commons of this node
cmd-commons-create = Founds a commons
cmd-commons-list = Lists the commons that are here
cmd-commons-show = Shows a commons and its charter
cmd-invite = Signs an invitation: a ticket to hand on, as text and as a QR code
cmd-join = Joins a commons with a ticket
cmd-allies = The allies of this commons
cmd-allies-show = Shows an ally
cmd-status = How this node is, with whom it is in sync, and what to do
cmd-new = Writes a record, shared at once
cmd-edit = Changes a record, shared at once
cmd-show = Shows a record, disagreements included
cmd-list = Lists records, the newest first
cmd-search = Searches records: words, "exact phrases", -excluded, facet:value
cmd-log = The history of a record, newest first
cmd-diff = What changed in a record: last, since a version, or between two
cmd-diff-after =
    Examples:
      essaim diff 7k2m9d3q
      essaim diff 7k2m9d3q 4f1c
      essaim diff 7k2m9d3q 4f1c 9e07 --json
cmd-archive = Puts a record away: it stays readable, searches no longer show it
cmd-archive-after =
    Examples:
      essaim archive 7k2m9d3q
      essaim archive 7k2m9d3q --undo
      essaim archive 7k2m9d3q --json
cmd-digest = The letter: what was written in a period or on a theme
cmd-digest-after =
    Examples:
      essaim digest
      essaim digest --since "1 May 2026" --until "31 May 2026" --format html > letter.html
      essaim digest --theme mobility --json
cmd-agenda = Gatherings to come
cmd-agenda-after =
    Examples:
      essaim agenda
      essaim agenda --past
      essaim agenda --ics > gatherings.ics
      essaim agenda --json
cmd-inbox = What is there for you: answers, questions, reuses, disagreements, news of your territory
cmd-inbox-after =
    Examples:
      essaim inbox
      essaim inbox show --all
      essaim inbox done --all
      essaim inbox --json
cmd-inbox-show = Shows what was not looked at yet
cmd-inbox-done = Marks as looked at; nobody else is told
cmd-conflicts = Fields in which several values stand beside each other
cmd-settle = Settles a disagreement: keep one value, both, or write another
cmd-sync = Exchanges with peers now
cmd-import = Imports records (JSON Lines)
cmd-export = Exports records (JSON Lines)
cmd-serve-site = Writes the public records as a site, to be read without Essaim
cmd-serve-site-after =
    Examples:
      essaim serve-site public
      essaim serve-site /srv/www/heritage --commons "Vallées en transition"
      essaim serve-site public --json
    It holds only records that are shared and public. The directory goes to any web host, or opens as it is.
    Each run replaces all of it; a directory that holds something else is never replaced.
cmd-doctor = Checks the data here, and rebuilds what can be rebuilt
cmd-demo = A rehearsal: three pretend territories on this machine
cmd-completions = Writes the completion script of a shell

arg-home = Directory of the data (or the variable ESSAIM_HOME)
arg-commons = Which commons, by name or id
arg-lang = Language: fr or en
arg-json = Writes JSON on standard output
arg-quiet = Writes ids only
arg-no-color = Uses no colours
arg-help = Shows this help
arg-version = Shows the version

arg-up-name = Name under which this node writes
arg-up-starter = Adopts the starter heritage when founding a commons
arg-up-no-open = Does not open the browser
arg-up-http = Local address of the API (127.0.0.1 only)
arg-up-listen = Network address to listen on; may be repeated
arg-up-no-mdns = Does not look for peers on the local network
arg-init-name = Name under which this node writes: an organisation, a territory, a person
arg-commons-create-name = Name of the commons
arg-commons-create-starter = Adopts the starter heritage (260 records)
arg-commons-create-charter = Text of the charter; without it, the alliance's own
arg-commons-show-name = Name or id
arg-invite-role = ally (writes and invites) or reader (reads)
arg-invite-expires = How long it is valid: 30s, 15m, 36h, 14d
arg-invite-uses = How many times the ticket can be used
arg-join-ticket = The ticket received
arg-join-accept-charter = Signs the charter without asking
arg-join-wait = How long to wait for the admission
arg-allies-show-ally = Name, id or beginning of an id
arg-status-network = Also shows addresses and traffic
arg-new-kind = Kind of record: experience, territory, actor, programme, gathering, resource, finding, contribution
arg-from = Reads the record from a file, Markdown or JSON
arg-set = Sets the value of a field; may be repeated
arg-new-territory = Links the record to a territory, by name or official code
arg-edit-territory = Links the record to one more territory
arg-new-draft = Keeps a draft here instead of sharing
arg-id = Id of the record, or its beginning
arg-inbox-show-all = Shows also what was looked at
arg-inbox-done-items = What the first column of "essaim inbox" shows
arg-inbox-done-all = Marks everything
arg-conflicts-id = Only of this record
arg-diff-version = A version, as "essaim log" prints it; without one, the last change
arg-archive-undo = Takes it out again, as it was before
arg-digest-since = First day: 2026-05-01, "1 May 2026" or "May 2026"
arg-digest-until = Last day
arg-digest-theme = Only this theme; without dates, since ever
arg-digest-format = md (Markdown) or html (a document for an e-mail)
arg-agenda-past = Past gatherings, the latest first
arg-agenda-ics = Writes all gatherings for a calendar (iCalendar)
arg-list-kind = Only this kind of record
arg-search-words = What to look for
arg-search-kind = Only this kind of record
arg-search-like = Records like this one
arg-search-facets = Counts by facet instead of listing
arg-theme = Only this theme
arg-territory = Only this territory
arg-outcome = Only what stands there
arg-difficulty = Only this difficulty
arg-year = Only this year
arg-facet = Only this value of a facet
arg-limit = How many at most
arg-offset = How many to skip
arg-settle-field = The field, as "essaim conflicts" writes it
arg-settle-keep = Keeps the value of this letter
arg-settle-both = Keeps both
arg-settle-write = Writes another value
arg-sync-peer = Only this ally
arg-sync-wait = How long to wait for peers
arg-import-file = The file, or - for standard input
arg-export-format = jsonl
arg-export-file = The file; without it, standard output
arg-serve-site-dir = The directory of the site: new, empty, or written so the time before
arg-doctor-forgive = Lets allies come back that were cut off for what their node did
arg-doctor-rebuild = Rebuilds everything that can be rebuilt
arg-demo-keep = Keeps the three homes here, to go on with them
arg-completions-shell = bash, zsh, fish, elvish or powershell

arg-value-dir = DIR
arg-value-file = FILE
arg-value-addr = ADDRESS
arg-value-kind = KIND
arg-value-name = NAME
arg-value-field = FIELD
arg-value-field-value = FIELD=VALUE
arg-value-name-value = NAME=VALUE
arg-value-words = WORDS
arg-value-letter = LETTER
arg-value-wait = DURATION
arg-value-expires = DURATION
arg-value-write = VALUE
arg-value-peer = ALLY
arg-value-ally = ALLY
arg-value-uses = NUMBER
arg-value-limit = NUMBER
arg-value-offset = NUMBER
arg-value-theme = THEME
arg-value-territory = TERRITORY
arg-value-outcome = OUTCOME
arg-value-difficulty = DIFFICULTY
arg-value-year = YEAR
arg-value-lang = LANGUAGE
arg-value-commons = COMMONS
arg-value-role = ROLE
arg-value-date = DATE
arg-value-version = VERSION
arg-value-format = FORMAT
