# Writing.
menu-write = Tell
write-title = Tell
write-lead = What you tried, what worked and what did not: in five minutes, or over several days. Nothing is shared before you decide.
write-what = What do you have to tell?
write-begin = Begin
write-first-title = A title, even a provisional one
write-resume = Take up again
write-when = changed on { $at }
write-untitled = No title yet
write-of-record = to complete a record
write-damaged = A draft is damaged and cannot be opened. It stays where it is: { $path }
write-complete-title = Complete or correct
write-complete-lead = You are about to change “{ $title }”. What you change stays here until you share it.
write-complete-begin = Begin
write-complete-back = Back to the record
write-kind-experience = What a territory tried, with its failures and disagreements, told in twelve questions.
write-kind-territory = A commune, an intercommunality, a park, a massif that the list lacks.
write-kind-actor = An authority, an association, a business, a lab of the alliance.
write-kind-programme = A cohort, a worksite, a learning community, a regular meeting.
write-kind-gathering = One dated meeting, with its report.
write-kind-resource = A publication, a film, a tool, a newsletter.
write-kind-finding = What can be kept of it: a lesson, a lever, a figure.
write-kind-contribution = A question, an answer, a proposal, a testimony about another record.
write-question = Question { $n } of { $of }
write-told = { $n ->
    [0] none told yet
    [one] one told so far
   *[other] { $n } told so far
  }
write-is-told = (begun)
write-steps = All steps
write-step-reperes = Where, when, and where does it stand?
write-step-1 = The main things
write-step-2 = The details
write-step-retrouver = So that it can be found
write-step-appuis = What it rests on
write-step-partager = Read again and share
write-step-entretien = The interview
write-ask-experience-1 = The setting, the habits, what no longer held. A few lines are enough.
write-ask-experience-2 = The wish at the start, whose it was, and what was to be different in the end.
write-ask-experience-3 = As you would tell it to somebody from another territory. Then the steps and turning points, if you have dates.
write-ask-experience-4 = Every role counts; leave empty those who were not there. Name organisations, not persons.
write-ask-experience-5 = The first question that peers ask. An order of magnitude is enough.
write-ask-experience-6 = What was created, or destroyed; what was expected, or not; and how you know.
write-ask-experience-7 = What got stuck often helps more than what worked. Causes are collective.
write-ask-experience-8 = To stay in disagreement is a success too. Each position is told by those who hold it, or reported of a role.
write-ask-experience-9 = What you would tell a territory that begins.
write-ask-experience-10 = What you would keep, what you would try in another way.
write-ask-experience-11 = The conditions without which it would not have worked.
write-ask-experience-12 = Tick only what you can keep to.
write-ask-experience-entretien = For somebody who types while another tells: ask the questions aloud, in the order that comes, and take notes on the fly.
write-interview = Go to the interview
write-interview-help = All questions on one page, to take down what somebody tells.
write-aloud = The questions, to read aloud
write-notes = Notes on the fly
write-notes-help = For yourself: these notes stay in the draft and are never shared.
write-previous = Previous
write-next = Next
write-later = Keep and come back later
write-share = Share with the alliance
write-kept = Kept on this machine on { $at }
write-not-kept = Not kept yet: { $why }. What you typed is still on the screen; the button “Next” tries again.
write-unreached = The node no longer answers: what you typed is still on the screen. Start it again, then press “Next”.
write-refused = This is not kept: { $why }. What you typed is still here: try again once it is settled.
write-behind = Somebody changed this record since you began. Share without fear: if you changed the same thing, both versions will stay readable.
write-mistakes = To look at before sharing
write-missing = Still missing
write-anyway = You may also share now: the record will be marked “to be completed”.
write-complete = Nothing is missing: the record is ready to be shared.
write-visibility = Who may read: the nodes of the alliance unless you choose otherwise; “Everyone” also allows it on public sites.
write-licence = The licence says what others may do with it: unless you choose otherwise, take it up and adapt it, naming its authors, under the same licence.
write-shared = It is shared. Thank you: your peers will read it as soon as your nodes talk.
write-throw = Throw this draft away
write-throw-sure = What was not shared will be erased from this machine, for good.
write-throw-yes = Yes, throw it away
write-date-help = such as “May 2024”, “2019-2021” or “07/05/2024”
write-max = { $n } characters at most
write-none = Not said
write-more = Say more
write-up = Move up
write-down = Move down
write-remove = Remove
write-add = Add
write-add-position = Add a position
write-who = Who holds this position?
write-theirs = These are the words of { $who }: they alone can change them.
write-look = Look
write-look-place = Name or code of a commune, an intercommunality, a park…
write-look-record = A few words of its title
write-link-how = Which relation?
write-link-note = A detail
write-people = { $n ->
    [one] one inhabitant
   *[other] { $n } inhabitants
  }
write-found = { $n ->
    [one] Tick it if this is the one:
   *[other] Tick the right one of these { $n }:
  }
write-found-none = Nothing looks like “{ $words }”. Try a part of the name, or a code; or empty the box to go on.
write-lost = This draft is gone
write-lost-why = It was shared or thrown away from another window.
write-lost-shared = It was shared: it is a record now.
write-lost-texts = Here is what you had just typed: copy it so that nothing is lost.
write-lost-record = Open the record
write-lost-text = Text { $n }
write-lost-go = See the drafts

lang-fr = French
lang-gsw = Alsatian
lang-eu = Basque
lang-br = Breton
lang-ca = Catalan
lang-co = Corsican
lang-gcf = Antillean Creole
lang-frp = Franco-Provençal
lang-oc = Occitan
lang-rcf = Réunion Creole
lang-de = German
lang-en = English
lang-es = Spanish
lang-it = Italian
lang-nl = Dutch
