# Bringing something, the board.
menu-board = Board
bring-heading = Bring something
bring-lead = A question, something like it that you lived through, what you drew from it: whoever wrote this record will hear of it.
bring-what = What do you bring?
bring-text = Your words
bring-title = In one sentence
bring-optional = (optional)
bring-role = You speak as
bring-none = Unspecified
bring-stance = Your position
bring-stance-when = (for a disagreement)
bring-theme = Theme
bring-go = Share
bring-signed = It is signed by your organisation and shared with the allies at once.
bring-done = It is shared. Thank you!
bring-refused = This is not shared yet
bring-refused-lead = Nothing that you wrote is lost: go on below.
bring-positions = Positions
steps-position = Your position
steps-position-lead = Each ally writes its own, and nobody can rewrite it in its place. You can change your mind later.
steps-text = Why?
steps-position-go = Take this position
steps-keep = We agree to disagree
steps-keep-says = Saying so is a way forward: every position stays readable.
steps-close = Close
steps-close-says = Only you can: you opened this discussion. Everything stays readable.
steps-reopen = Open again
board-title = The board
board-lead = What allies ask and propose to one another, and where they do not agree. What waits for an answer comes first.
board-ask = Ask or propose something
board-ask-heading = And you?
board-ask-lead = To ask about one record, open it: the question will stay attached to it.
board-done = It is shared. Allies will see it at their next exchange.
board-form = Form
board-state = Where does it stand?
board-list = Contributions
board-all = All
board-all-themes = All themes
board-total = { $n ->
    [0] Nothing here
    [one] One contribution
   *[other] { $n } contributions
  }
board-nothing = Nobody waits for an answer. You can open the discussion.
board-about = About
board-answers = { $n ->
    [one] one answer
   *[other] { $n } answers
  }
standing-open = Open
standing-answered = Answered
standing-taken-up = Taken up elsewhere
standing-kept = We agree to disagree
standing-closed = Closed
