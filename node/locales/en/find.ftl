# The first page and the search.
home-title = Our common heritage
home-lead = { $n ->
    [0] No record yet.
    [one] One record, written by those who lived it.
   *[other] { $n } records, written by those who lived them, failures and disagreements included.
  }
home-kind-experience = { $n ->
    [one] experience
   *[other] experiences
  }
home-kind-territory = { $n ->
    [one] territory
   *[other] territories
  }
home-kind-actor = { $n ->
    [one] actor
   *[other] actors
  }
home-kind-programme = { $n ->
    [one] programme
   *[other] programmes
  }
home-kind-gathering = { $n ->
    [one] gathering
   *[other] gatherings
  }
home-kind-resource = { $n ->
    [one] resource
   *[other] resources
  }
home-kind-finding = { $n ->
    [one] finding
   *[other] findings
  }
home-kind-contribution = { $n ->
    [one] contribution
   *[other] contributions
  }
home-latest = Latest experiences
find-title = Search
find-title-of = “{ $q }”
find-label = What are you looking for?
find-example = a shuttle, a failure, Gruissan…
find-go = Search
find-narrow = Narrow down
find-apply = Apply
find-more = { $n ->
    [one] one more value
   *[other] { $n } more values
  }
find-total = { $n ->
    [0] No record
    [one] One record
   *[other] { $n } records
  }
find-corrected = Nothing matches as typed: here is what is spelt nearly the same.
find-partial = No record has all these words: these have some of them.
find-outdated = The search index cannot be written, most likely for want of room on the disk: what changed since may be missing here.
find-unfolded = { $n ->
    [one] { $n } record that came in is not readable yet: it may be missing here.
   *[other] { $n } records that came in are not readable yet: they may be missing here.
}
find-unfoldable = { $n ->
    [one] { $n } record cannot be read, and is missing here: “essaim doctor” says which, and what to do.
   *[other] { $n } records cannot be read, and are missing here: “essaim doctor” says which, and what to do.
}
find-chosen = What narrows the search
find-remove = (remove)
find-nothing = Try fewer words, or remove a filter. Perhaps nobody has told this yet: it could be you.
find-pages = Result pages
find-previous = Previous page
find-next = Next page
card-conflicts = { $n ->
    [one] one disagreement to read
   *[other] { $n } disagreements to read
  }
find-views = Ways to look
view-cards = Cards
view-table = Table
view-map = On the map
view-timeline = Through time
table-title = Title
table-kind = Kind
table-place = Territory
table-when = When
timeline-undated = No date
find-files = Follow or take this search away
file-atom = Follow in a feed reader (Atom)
file-ics = Follow in a calendar (iCalendar)
file-csv = Open in a spreadsheet (CSV)
file-geojson = Open on a map (GeoJSON)
map-departments = By department
map-none = None of these records belongs to a department.
map-territories = By territory
map-elsewhere = Off this map
map-more-departments = { $n ->
    [one] See all departments: there is one more
   *[other] See all departments: there are { $n } more
  }
map-more = { $n ->
    [one] See all territories: there is one more
   *[other] See all territories: there are { $n } more
  }
facet-kind = Kind
facet-theme = Theme
facet-territory = Territory
facet-stratum = Population
facet-setting = Setting
facet-fundamental = Fundamental
facet-narrative_dimension = Narrative dimension
facet-outcome = What became of it
facet-difficulty = Difficulty
facet-programme = Programme
facet-year = Year
facet-licence = Licence
facet-region = Region
facet-department = Department
facet-epci = Intercommunality
facet-territory_type = Type of territory
facet-lang = Language
facet-tags = Keyword
facet-author = Author

# The heads of the columns of a spreadsheet.
csv-title = Title
csv-kind = Kind
csv-territory = Territory
csv-when = When
csv-summary = Summary
csv-changed = Changed on
csv-name = Address
