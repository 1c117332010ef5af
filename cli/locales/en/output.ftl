# What the commands say when they succeed.
records-count = { $n ->
    [one] { $n } record
   *[other] { $n } records
}
records-count-of = { $shown ->
    [one] { $shown } record of { $n }; --limit and --offset show the rest
   *[other] { $shown } records of { $n }; --limit and --offset show the rest
}
somebody = somebody

progress-of = { $stage }: { $done } of { $total }
progress-so-far = { $stage }: { $done }
stage-reading = Reading
stage-writing = Writing
stage-connecting = Looking for peers
stage-admission = Waiting for the admission
stage-exchanging = Exchanging
stage-checking = Checking
stage-rebuilding = Rebuilding

ask-name = Under which name does this node write (town, association, person)?
init-done = "{ $name }" can write; its keys and data are in { $home }
next-create-or-join = essaim commons create NAME founds a commons, essaim join TICKET joins one
next-new = essaim new experience tells an experience
next-invite = essaim invite invites an ally
next-search = essaim search WORDS searches the commons
next-sync = essaim sync tries again
next-log = essaim log { $id } shows the history of the record
next-edit = essaim edit { $id } completes the record
next-settle = essaim settle { $id } { $field } settles this disagreement
next-hand-on = to be handed to who is invited, who will type: essaim join TICKET
next-share-draft = essaim new { $kind } --from { $path } shares this draft
next-edit-draft = essaim edit { $id } --from { $path } takes this text up, once mended
next-import-again = mend these lines and import the file again: what is here already will not be doubled
next-rebuild = essaim doctor --rebuild rebuilds what can be rebuilt
next-sync-damaged = essaim sync takes back from peers what is missing here

commons-created = "{ $name }" is founded, with { $n ->
    [one] { $n } record
   *[other] { $n } records
}
commons-none = There is no commons here yet.
commons-counts = { $allies ->
    [one] { $allies } ally
   *[other] { $allies } allies
}, { $records ->
    [one] { $records } record
   *[other] { $records } records
}, { $conflicts ->
    [0] no disagreement to settle
    [one] { $conflicts } disagreement to settle
   *[other] { $conflicts } disagreements to settle
}
commons-pending = admission awaited
commons-since = Founded on { $since }

invite-terms = This ticket opens "{ $commons }" until { $until }; it can be used { $n ->
    [one] once
   *[other] { $n } times
}. Who has it may enter: it is a secret.
invite-local-only = This node has no address that can be reached from afar: the ticket works on this machine or local network only.

join-invited = { $by } invites you into "{ $name }". Its charter:
join-charter-hash = (text not known here; hash { $hash })
join-accept = Do you sign this charter? (yes / no)
join-refused = charter not signed: nothing was done
join-done = you are in "{ $name }": { $n ->
    [one] { $n } record
   *[other] { $n } records
}, { $allies ->
    [one] { $allies } ally
   *[other] { $allies } allies
}
join-not-whole = not everything has come yet
join-waiting = request left in "{ $name }"; the admission has not come yet. What you write waits here.

allies-count = { $n ->
    [one] { $n } ally
   *[other] { $n } allies
}
ally-me = { $name } (you)
ally-since = { $state } since { $since }
ally-invited-by = invited by { $by }
ally-devices = { $n ->
    [one] { $n } device
   *[other] { $n } devices
}:
ally-state-founder = founder
ally-state-admitted = admitted
ally-state-pending = admission awaited
ally-state-suspended = suspended
ally-state-left = left

status-no-identity = No identity here yet.
status-running = The node has been running since { $since }; { $n ->
    [0] no peer connected
    [one] { $n } peer connected
   *[other] { $n } peers connected
}
status-not-running = The node is not running: nothing is exchanged until "essaim up" is started.
status-disk = { $size } on disk
peer-never = no whole exchange yet
peer-in-sync = same content on both sides, checked on { $at }
peer-ahead = { $n ->
    [one] { $n } entry from here not confirmed there
   *[other] { $n } entries from here not confirmed there
}; same content on { $at }
peer-connected = connected
peer-seen = seen on { $at }
peer-not-seen = never seen
network-mdns = Looks for peers on the local network
network-no-mdns = Does not look for peers on the local network
network-traffic = { $received } received, { $sent } sent; listening on:
task-settle = { $n ->
    [one] { $n } disagreement to settle
   *[other] { $n } disagreements to settle
} in "{ $commons }": essaim conflicts
task-invite = nobody else in "{ $commons }": essaim invite
task-admission = admission awaited in "{ $commons }": essaim sync
task-sync = { $n ->
    [one] { $n } entry is held by you alone
   *[other] { $n } entries are held by you alone
} in "{ $commons }": essaim sync
task-upgrade = "{ $commons }" needs a newer version of Essaim

sync-peer = { $ally } ({ $commons }): { $ended }
sync-counts = ; { $received } received, { $sent } sent, { $size }
sync-nobody = Nobody to exchange with.
sync-why = technical detail: { $why }
ended-in-sync = same content on both sides, checked
ended-partial = exchange cut short; what came is kept
ended-unreachable = not reached
ended-cut-off = broke the protocol; it was cut off
ended-not-admitted = does not know us in this commons
ended-other-version = speaks another version of Essaim

saved = "{ $title }" is shared ({ $id })
saved-nothing = Nothing to change in "{ $title }" ({ $id })
settled = { $field } is settled in "{ $title }"; the other value stays in the history
settled-both = { $field } is settled in "{ $title }": both values are kept
settle-ask = Letter to keep, 2 for both, = and another value:
inbox-count = { $n ->
    [0] nothing new for you
    [one] { $n } thing new for you
   *[other] { $n } things new for you
}
inbox-about = about "{ $title }"
inbox-contribution = Contribution
inbox-words = Other words proposed: { $field }
inbox-conflict = To settle: { $field }
inbox-territory = About your territory
next-inbox = Read: essaim show { $id }; mark it: essaim inbox done { $item }
usage-inbox-done = mark what? Give what "essaim inbox" shows, or --all
conflicts-count = { $n ->
    [0] no disagreement to settle
    [one] { $n } disagreement to settle
   *[other] { $n } disagreements to settle
}
show-conflict = Several values for "{ $field }":
show-proposal = Proposed by others for "{ $field }":
show-reference = reference record
show-history = { $by } — written on { $created }, changed on { $updated }
show-missing = To be completed:
log-concurrent = (written at the same time as another)
archived = "{ $title }" is archived ({ $id }); it stays readable
archive-undone = "{ $title }" is no longer archived ({ $id })
next-unarchive = essaim archive { $id } --undo takes it out again
diff-count = { $n ->
    [0] nothing changed
    [one] { $n } field changed
   *[other] { $n } fields changed
}
agenda-count = { $n ->
    [0] no gathering
    [one] { $n } gathering
   *[other] { $n } gatherings
}
search-corrected = Nothing for these words; this is for words close to them.
search-partial = No record has all these words; these have some of them.
records-outdated = The search index cannot be written, most likely for want of room on the disk: what changed since may be missing here.
records-unfolded = { $n ->
    [one] { $n } record that came in is not readable yet: it may be missing here.
   *[other] { $n } records that came in are not readable yet: they may be missing here.
}
records-unfoldable = { $n ->
    [one] { $n } record cannot be read, and is missing here: essaim doctor says which, and what to do.
   *[other] { $n } records cannot be read, and are missing here: essaim doctor says which, and what to do.
}
facets-left-off = { $n ->
    [one] and { $n } other
   *[other] and { $n } others
}
search-nothing = fewer words, or essaim list to see everything

imported = { $created } created, { $updated } updated, { $unchanged } there already
import-bad = { $n ->
    [one] { $n } line could not be taken
   *[other] { $n } lines could not be taken
}:
exported = { $n ->
    [one] { $n } record
   *[other] { $n } records
} in { $path }

draft-kept = nothing is lost: the text is kept in { $path }
draft-base = leave this line: it says from which version this text began
draft-saved = draft kept in { $path }
draft-invalid = the record cannot be saved like this:
draft-again = Back to the text? (yes / no)
draft-untouched = Nothing was written: the text did not change.

doctor-rebuilt = everything that could be rebuilt was
doctor-count = { " " }({ $n })
check-home = Home
check-keys = Keys
check-clock = Clock
check-log = Entries
check-outbox = Outbox
check-quarantine = Quarantine
check-tables = Tables
check-index = Search index
health-ok = sound
health-warning = to know
health-rebuildable = to be rebuilt
health-damaged = damaged

up-running = the node is running; its page opens at { $page }
up-listening = listening on { $address }
up-stop = Ctrl-C stops it
up-stopped = the node has stopped
up-already = "essaim up" is running already on { $home }
up-page = the page: { $page }
up-first-commons = Commons

demo-commons = Valleys in transition (rehearsal)
demo-founded = { $who } founds "{ $name }" and adopts the starter heritage: { $n } records, in { $ms } ms
demo-joined = { $who } enters with the ticket and receives { $n } records: { $size }, in { $ms } ms
demo-not-admitted = { $who } was not admitted
demo-wrote = { $who } writes "{ $title }"
demo-exchanged = exchange: { $received } entries received, { $sent } sent, { $size }, in { $ms } ms
demo-cut = the network is cut: each is alone
demo-edited = { $who } changes "{ $title }": { $fields }
demo-back = the network is back
demo-equal = the three hold the same: the digests of everything they hold are equal
demo-differ = the three do not hold the same
demo-no-conflict = the two concurrent writings are not kept beside each other
demo-conflict = disagreement kept in "{ $title }", { $field }:
demo-search = search "{ $words }": { $n } records, in { $ms } ms
demo-nothing-found = the search "{ $words }" finds nothing
demo-done = rehearsal done, in { $seconds } s
demo-kept = essaim --home { $path } status goes on with the first of the three homes; the two others are 2 and 3 beside it

site-written = { $n ->
    [0] no public record: the site in { $path } is empty
    [one] { $n } public record in { $path } ({ $added } more than before, { $size })
   *[other] { $n } public records in { $path } ({ $added } more than before, { $size })
}
site-removed = { $n ->
    [one] { $n } record that is no longer public is gone from the site
   *[other] { $n } records that are no longer public are gone from the site
}
site-unfolded = { $n ->
    [one] { $n } record cannot be read yet: without it the site would be incomplete. Nothing was changed
   *[other] { $n } records cannot be read yet: without them the site would be incomplete. Nothing was changed
}
site-unfoldable = { $n ->
    [one] { $n } record cannot be read: without it the site would be incomplete. Nothing was changed; essaim doctor says which, and what to do
   *[other] { $n } records cannot be read: without them the site would be incomplete. Nothing was changed; essaim doctor says which, and what to do
}
site-not-ours = { $path } holds something else than a site written by Essaim, and was not touched: choose another directory
site-busy = another command is already writing { $path }
next-publish = essaim edit ID --set visibility=public makes a record public
next-open-site = { $path } opens in a browser; the directory can go to a web host as it is
