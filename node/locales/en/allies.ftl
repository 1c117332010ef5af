# Allies, exchanges, invitations.
menu-allies = Allies
allies-title = Allies
allies-lead = { $n ->
    [one] One organisation holds this commons.
   *[other] { $n } organisations hold this commons together. Each keeps a whole copy.
  }
allies-invite = Invite an ally
allies-sync = How exchanges are going
allies-me = (you)
allies-since = since { $at }
allies-invited-by = invited by { $by }
ally-founder = founded this commons
ally-admitted = member
ally-pending = waits to be admitted
ally-suspended = paused by the others
ally-left = has left
peers-title = Exchanges with allies
peers-outcome = What the exchange did
peers-online = { $n ->
    [0] No ally is online just now. What you write is kept here and leaves at the next meeting.
    [one] One ally is online just now.
   *[other] { $n } allies are online just now.
  }
peers-offline = This node is off the network. What you write is kept here.
peers-none = Nobody else is in this commons yet.
peers-exchange = Exchange now
peers-wait = It may take some twenty seconds.
peers-todo = What you can do
peers-trouble = If nothing arrives
peers-trouble-on = Both computers must be on at the same time, each with “essaim up”.
peers-trouble-network = On the same network, nodes find each other. From afar, one of the two must be reachable: ask your IT service to open the port that “essaim status --network” shows.
peers-trouble-proxy = Behind a firewall that blocks everything, meet on one local network: a telephone that shares its connection is enough, and the nodes find each other.
peer-connected = Online just now.
peer-seen = Last seen on { $at }.
peer-not-seen = Not met yet.
peer-never = No whole exchange yet.
peer-same = The same here and there, checked on { $at }.
peer-ahead = { $n ->
    [one] One entry from here is not confirmed there yet (the same on { $at }).
   *[other] { $n } entries from here are not confirmed there yet (the same on { $at }).
  }
task-begin = Found a commons, or join one
task-settle = { $n ->
    [one] One field has several values: there is a disagreement to read, and perhaps to settle.
   *[other] { $n } fields have several values: there are disagreements to read, and perhaps to settle.
  }
task-settle-more = { $n ->
    [one] and one more
   *[other] and { $n } more
  }
task-invite = Invite somebody: so far this commons is yours alone
task-admission = Your admission is on its way: it comes with one of the next exchanges.
task-sync = { $n ->
    [one] One of your entries exists here only: exchange as soon as you can.
   *[other] { $n } of your entries exist here only: exchange as soon as you can.
  }
task-upgrade = Some allies use a newer Essaim: update yours to go on.
task-doctor = The disk was found damaged: run “essaim doctor” in a terminal.
ended-same = the same on both sides ({ $received } received, { $sent } sent)
ended-nobody = Nothing new: there is no ally to ask for now. Invite somebody, or wait until an invitation is used.
ended-partial = the exchange stopped before its end; what came is kept, the rest will follow
ended-cut-off = sent what no sound node sends: the link is cut, nothing false came in
ended-unreachable = not reachable for now
ended-not-admitted = does not know you as a member yet
ended-other-version = uses a version of Essaim that does not understand yours
invite-title = Invite
invite-lead = An invitation is a secret text to hand over by message, on paper or on a USB key. Who has it reads the charter, signs it, and enters.
invite-role = What for?
invite-role-ally = To write, and to invite in turn
invite-role-reader = To read only
invite-days = Valid for
invite-days-n = { $n } days
invite-uses = For how many organisations
invite-uses-wrong = Write a number from 1 to { $max }.
invite-go = Make the invitation
invite-made = The invitation is ready, valid until { $at }.
invite-local = It works on this computer only: this node has no address that others can reach.
invite-ticket = The text to hand over
invite-qr = The invitation as a code to photograph
invite-secret = Keep this text for whom you invite: who has it can enter instead.
join-title = Join a commons
join-lead = An ally handed you an invitation: a long text that begins with “essaim1”.
join-ticket = The invitation
join-help = Paste all of it. Spaces and line ends do no harm.
join-read = Read the charter
join-invited = { $by } invites you into “{ $name }”.
join-no-charter = The charter could not be read: the inviting computer must be on. Try again later.
join-charter = The charter
join-accept = We have read this charter and accept it.
join-sign = Sign and enter
join-done = Welcome to “{ $name }”: { $n ->
    [0] there is no record in it yet.
    [one] one record came.
   *[other] { $n } records came.
  }
join-pending = Your request is made. What you write in “{ $name }” waits here until you are admitted.
join-open = Open the commons
welcome-title = Welcome
welcome-lead = A commons gathers what territories lived through. Each ally keeps a copy on its own computer.
welcome-join = I have an invitation
welcome-join-says = Enter a commons that exists already.
welcome-join-go = Join
welcome-found = I begin
welcome-found-says = Found a new commons, then invite.
welcome-name = Its name
welcome-starter = Start from the first heritage of La Fabrique des transitions (260 records)
welcome-found-go = Found it
