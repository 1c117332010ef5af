# What the commands say when they fail, and what to type next.
error-file = { $path }: { $why }
standard-output = standard output
error-line = line { $line }:{" "}
error-panic = a defect of Essaim, in { $place }: { $why }
error-pid = it is process { $pid }
error-editor = the editor "{ $command }" did not end well: { $why }
error-no-answer = the node that runs at { $address } does not answer any more: { $why }

usage-unknown-command = unknown command: "{ $name }"
usage-unknown-argument = unknown option: "{ $name }"
usage-missing = missing: { $names }
usage-no-command = a command is missing
usage-conflict = { $one } and { $other } do not go together
usage-no-value = { $name } needs a value
usage-value = "{ $value }" does not fit { $name }
usage-value-of = "{ $value }" does not fit { $name }; possible values: { $known }
usage-duration = "{ $value }" is not a duration; for example 30s, 15m, 36h, 14d
usage-too-many = one value too many for { $name }
usage-not-text = what was typed is not UTF-8 text
usage-other = this command cannot be understood
usage-facet = "{ $given }" is not of the form NAME=VALUE, for example --facet setting=rural
usage-set = "{ $given }" is not of the form FIELD=VALUE, for example --set title="A shuttle"
usage-json = { $path }, line { $line }: this is not a JSON object ({ $why })
usage-name = a name is needed: essaim init --name "Commune de Gruissan"
usage-accept-charter = nobody is there to sign the charter: read it, then add --accept-charter
usage-settle = say how to settle: --keep LETTER, --both or --write VALUE
usage-no-editor = nobody is there to write: add --set FIELD=VALUE or --from FILE

hint-help = { $command } --help shows what is possible
hint-meant = perhaps you meant: { $meant }
hint-init = essaim init --name NAME makes an identity
hint-no-commons = essaim commons create NAME founds one, essaim join TICKET joins one
hint-commons-list = essaim commons list shows those here
hint-which-commons = add --commons NAME
hint-search = essaim search WORDS finds a record by its words
hint-ambiguous = type one of the ids above
hint-allies = essaim allies shows the names
hint-territory = try the official name, or the INSEE or SIREN code
hint-one-of-these = type one of these
hint-conflicts = essaim conflicts shows what remains to be settled
hint-settle = essaim conflicts ID shows the values and their letters
hint-ticket = copy the whole ticket, or ask for another
hint-sync = essaim sync brings it up to date
hint-not-admitted = essaim sync asks for news of the admission
hint-upgrade = install a newer version of Essaim
hint-no-peer = essaim status --network shows who was seen and when
hint-locked = wait for the other command to end, or stop the node with Ctrl-C
hint-doctor = essaim doctor says what is damaged and what can be recovered
hint-disk = make room, then try again
hint-disk-missing = make at least { $missing } of room, then try again: Essaim leaves room to open its data again
hint-read-only = make room or mend the disk, then start Essaim again; what was saved is there
hint-read-only-disk = mount the disk for writing, or copy the directory elsewhere and name the copy with --home
hint-denied = run Essaim as the user who owns this directory, or change its permissions
hint-internal = this is a fault of Essaim: please report it with this message
hint-editor = the variable EDITOR says which editor to open; --set and --from need none
hint-no-answer = start "essaim up" again, or stop the process that holds this home
