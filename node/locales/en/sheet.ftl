# The record sheet.
sheet-untitled = Untitled
sheet-glance = At a glance
sheet-relations = What it relates to
sheet-absent = a record that has not arrived here yet
sheet-some-ally = an ally
sheet-number = { $n }
sheet-people = { $n ->
    [one] { $n } inhabitant
   *[other] { $n } inhabitants
  }
sheet-fictional = Invented record, as an example
sheet-archived = Archived record: it stays readable and is no longer completed
sheet-peer-read = Read by peers
sheet-verbatim = Words reported as they were said
sheet-turn = turning point
sheet-value-created = Value created
sheet-value-destroyed = Value destroyed
sheet-value-mixed = Some value created, some destroyed
sheet-seen-by = seen by: { $who }
sheet-overcome = overcome
sheet-overcome-partly = partly overcome
sheet-not-overcome = not overcome
sheet-missing = To be completed, when you can
sheet-proposals = What others propose
sheet-proposals-lead = These are not their author’s words: they are proposals, to take up or to leave.
sheet-peers = Who lived the like?
sheet-why = In common:
sheet-same-size = a population of the same size
sheet-disputed = several versions, to decide
sheet-words = { $n ->
    [one] the word “{ $words }”
   *[other] the words “{ $words }”
  }
sheet-undated = Taken as it is from another source, which does not say when it was changed.
sheet-written = Written by { $by }; last changed on { $at }.
sheet-held = { $n ->
    [one] One ally holds it too, checked on { $at }.
   *[other] { $n } allies hold it too, checked on { $at }.
  }
sheet-held-nowhere = Not confirmed elsewhere yet.
sheet-by-at = { $by }, on { $at }
sheet-history = The history of this record
sheet-back = Back to “{ $title }”

# The links of the record, at a glance.
rel-in-territory = Where?
rel-within = Part of
rel-part-of = Within
rel-carried-by = Carried by
rel-facilitated-by = Facilitated by
rel-supported-by = Supported by
rel-produced-by = Produced by
rel-about = About

# What others made of it.
linked-heading = { $n ->
    [one] One record refers to it
   *[other] { $n } records refer to it
  }
linked-title = What refers to “{ $title }”
linked-list = The records
linked-all = All that refers to this record
linked-more = { $n ->
    [one] and one more
   *[other] and { $n } more
  }
linked-reuse = We drew on it
linked-question = Questions
linked-proposal = Proposals
linked-disagreement = Disagreements
linked-testimony = Testimonies
linked-evaluation = Evaluative looks
linked-answer = Answers
linked-correction = Corrections
linked-contradicts = What contradicts it
linked-nuances = What nuances it
linked-draws-on = What draws on it
linked-inspired-by = What it inspired
linked-reused-in = Reuses
linked-documents = What documents it
linked-part-of = What is part of it
linked-in-territory = What takes place here
linked-within = Territories that are part of it
linked-carried-by = What it carries
linked-facilitated-by = What it facilitates
linked-supported-by = What it supports
linked-takes-part = What it takes part in
linked-produced-by = What came out of it
linked-authors = What it signed
linked-other = What also refers to it

# What was written apart.
settle-heading = To decide together
settle-lead = Several people wrote here at the same time, without having read one another. Nothing is lost: here is each version.
settle-somebody = somebody whom this node does not know yet
settle-keep = Keep this one
settle-both = Keep both, one after the other
settle-merged = Both texts merged, letter by letter
settle-keep-merged = Keep the merged text
settle-third = Write a third version
settle-keep-third = Keep this third version
settle-kept = What is not kept stays in the history of the record.
settle-done = It is decided. What was not kept can still be read:
settle-done-history = the history of this record
settle-changed = Somebody wrote here in the meantime: read again before you decide. Nothing was changed.

# History and versions.
history-title = The history of “{ $title }”
history-lead = { $n ->
    [one] A single step so far.
   *[other] { $n } steps, the latest first.
  }
history-first = Wrote the record.
history-joined = Brought together what was written apart.
history-changed = { $n ->
    [one] Changed: { $fields }.
   *[other] Changed { $n } fields: { $fields }.
  }
history-concurrent = At the same time as another change, without having read it.
history-reference = Common stock
history-see = Read the record as of then
history-pages = Pages of the history
history-later = Later steps
history-earlier = Earlier steps
version-title = “{ $title }”, as it was
version-now = The record of today
version-is-now = This is the version of today.
version-by = As { $who } left it.
version-by-at = As { $who } left it on { $at }.
version-past = As it was.
version-against-now = What changed since
version-against-before = What this step changed
version-compare-before = See what this step changed instead
version-compare-now = See what changed since instead
version-same = Nothing: both versions say the same.
diff-gone = removed:
diff-new = added:

# Citing.
cite-heading = Cite and share
cite-title = “{ $title }”
cite-version = To cite just this version, in an e-mail, a decision or a bibliography:
cite-copy = Copy the citation
cite-copied = Copied
cite-mail = Send by e-mail
cite-qr = The citation of this version, as a code to photograph
