//! `/` and `/recherche`: one box, facets with counts, and what was found.
//!
//! An address is the whole question: words in `q`, each facet under its own name as often as it has values
//! (`/recherche?q=navette&theme=mobility&outcome=did_not_work`), `vue` for how it is shown, `plus` for each facet of which
//! all values are shown, `page` from 1. Values of one facet widen, facets narrow. The same question is a feed and a download under `/recherche.atom`, `.csv`, `.geojson` and
//! `.ics`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use askama::Template;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use essaim_protocol::api::{Brief, Command, Facet, List, Page, Records, Search};
use essaim_protocol::query;
use essaim_protocol::record::schema::Schema;

use super::Screen;
use super::asked::Query;
use super::feed::{Feed, File, file};
use super::guard::FOLLOW;
use super::letter::titled;
use super::links::Links;
use super::map::Map;
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};
use crate::words::{labelled, when};

/// Facets in the order in which people narrow a search.
pub(super) const FACETS: [&str; 17] = [
    "kind",
    "theme",
    "outcome",
    "difficulty",
    "region",
    "department",
    "epci",
    "territory",
    "territory_type",
    "stratum",
    "setting",
    "fundamental",
    "narrative_dimension",
    "programme",
    "year",
    "licence",
    "record_status",
];

/// Values of a facet that are shown until all are asked for, besides those ticked: with all of them, of all facets, a page
/// would weigh twice as much.
const SHOWN: usize = 6;

/// Territories on the map until all are asked for: those of which most is told, as many as are read beside it.
const ON_MAP: usize = 12;

/// Departments that are named beside the map until all are asked for.
const NAMED_ON_MAP: usize = 12;

/// Records on one page: what a person looks over before asking better. A table shows more at a glance.
const PER_PAGE: u32 = 20;
const PER_TABLE: u32 = 50;

/// Records along time, where each takes a line and paging would cut the years apart.
const ON_TIMELINE: u32 = 100;

/// Records of a feed, and of a download: what a spreadsheet opens at once.
const IN_FEED: u32 = 50;
const IN_DOWNLOAD: u32 = 10_000;

pub(super) fn screens() -> Vec<Screen> {
    vec![
        Screen::new("get", "/", get(home)),
        Screen::new("get", "/recherche", get(find)),
        Screen::new("get", "/recherche.atom", get(atom)),
        Screen::new("get", "/recherche.csv", get(csv)),
        Screen::new("get", "/recherche.geojson", get(geojson)),
        Screen::new("get", "/recherche.ics", get(calendar)),
    ]
}

/// What an address asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) q: String,
    /// Facets and their values, as often as each was given.
    pub(super) facets: Vec<(String, String)>,
    pub(super) view: View,
    /// From 1.
    pub(super) page: u32,
    /// Facets of which all values are shown.
    pub(super) whole: Vec<String>,
}

/// How what was found is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum View {
    #[default]
    Cards,
    Table,
    Map,
    Timeline,
}

impl View {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Cards, "cartes", "view-cards"),
        (Self::Table, "tableau", "view-table"),
        (Self::Map, "carte", "view-map"),
        (Self::Timeline, "frise", "view-timeline"),
    ];

    fn named(name: &str) -> Self {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(view, _, _)| *view).unwrap_or_default()
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(view, _, _)| *view == self).map_or("", |(_, name, _)| name)
    }

    /// How many records a page of it holds.
    const fn holds(self) -> u32 {
        match self {
            Self::Cards | Self::Map => PER_PAGE,
            Self::Table => PER_TABLE,
            Self::Timeline => ON_TIMELINE,
        }
    }
}

impl Asked {
    fn read(pairs: Vec<(String, String)>) -> Self {
        let mut asked = Self { page: 1, ..Self::default() };
        for (name, value) in pairs {
            match name.as_str() {
                "q" => asked.q = value,
                "vue" => asked.view = View::named(&value),
                "plus" if FACETS.contains(&&*value) && !asked.is_whole(&value) => asked.whole.push(value),
                "page" => asked.page = value.parse().unwrap_or(1).max(1),
                name if FACETS.contains(&name) && !value.is_empty() => asked.facets.push((name.to_owned(), value)),
                _ => {}
            }
        }
        asked
    }

    /// The question in the query language. Words that cannot be parsed go to the engine as they are: it says what is
    /// wrong with them.
    fn query(&self) -> String {
        let Ok(words) = query::Query::parse(&self.q) else { return self.q.clone() };
        self.facets.iter().fold(words, |query, (name, value)| query.with(name, value)).to_string()
    }

    fn question(&self, limit: u32) -> Search {
        Search { q: self.query(), like: None, page: Page { limit, offset: 0 } }
    }

    fn search(&self, page: Page) -> Command {
        Command::Search(Search { page, ..self.question(0) })
    }

    fn is_whole(&self, facet: &str) -> bool {
        self.whole.iter().any(|name| name == facet)
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.facets.iter().any(|(facet, chosen)| facet == name && chosen == value)
    }

    fn pairs(&self) -> Vec<(&str, String)> {
        let facets = self.facets.iter().map(|(name, value)| (name.as_str(), value.clone()));
        [("q", self.q.clone())].into_iter().chain(facets).collect()
    }

    /// The address of this question on another page.
    fn at(&self, page: u32) -> String {
        let mut pairs = self.pairs();
        if self.view != View::Cards {
            pairs.push(("vue", self.view.name().to_owned()));
        }
        pairs.extend(self.whole.iter().map(|name| ("plus", name.clone())));
        if page > 1 {
            pairs.push(("page", page.to_string()));
        }
        address("/recherche", &pairs)
    }

    /// The address of this question in another form, such as `/recherche.csv`.
    fn as_file(&self, path: &str, key: Option<String>) -> String {
        let mut pairs = self.pairs();
        pairs.extend(key.map(|key| (FOLLOW, key)));
        address(path, &pairs)
    }

    /// The address of this question without one value.
    fn without(&self, name: &str, value: &str) -> String {
        let facets =
            self.facets.iter().filter(|(facet, chosen)| !(facet == name && chosen == value)).cloned().collect();
        Self { facets, ..self.clone() }.at(1)
    }
}

/// A path with its parameters.
pub(super) fn address(path: &str, pairs: &[(&str, String)]) -> String {
    let mut out = path.to_owned();
    for (at, (name, value)) in pairs.iter().filter(|(_, value)| !value.is_empty()).enumerate() {
        let encoded: String = encode(value);
        out.push_str(&format!("{}{name}={encoded}", if at == 0 { '?' } else { '&' }));
    }
    out
}

fn encode(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A facet as a group of boxes to tick.
struct Group {
    name: String,
    label: String,
    open: bool,
    values: Vec<Ticked>,
    /// How many there are besides. When all were asked for, those that nothing lists.
    more: usize,
    /// Whether all of them were asked for.
    whole: bool,
}

#[derive(Clone)]
struct Ticked {
    code: String,
    label: String,
    count: u64,
    ticked: bool,
}

/// A value that narrows the search, and the address without it.
struct Chosen {
    label: String,
    without: String,
}

#[derive(Template)]
#[template(path = "find.html")]
struct FindPage {
    f: Frame,
    asked: Asked,
    found: Records,
    cards: Vec<Card>,
    views: Vec<Shape>,
    map: Option<Map>,
    /// Along time, the latest first: a year and what is told of it.
    years: Vec<(String, Vec<Card>)>,
    downloads: Vec<(String, &'static str)>,
    groups: Vec<Group>,
    /// Facets and values that narrow the search and that no box shows, being counted no more.
    unseen: Vec<(String, String)>,
    chosen: Vec<Chosen>,
    previous: Option<String>,
    next: Option<String>,
}

/// A way to show what was found, and where it is.
struct Shape {
    at: String,
    label: &'static str,
    current: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    f: Frame,
    total: u64,
    kinds: Vec<Ticked>,
    latest: Vec<Card>,
}

/// A record in a list.
pub(super) struct Card {
    pub(super) brief: Brief,
    pub(super) kind: String,
    /// The language of its words where it is not that of the page.
    pub(super) lang: Option<String>,
    /// When what it tells took place, in words.
    pub(super) when: Option<String>,
    /// The excerpt in pieces, each with whether it is what was looked for.
    pub(super) excerpt: Vec<(String, bool)>,
}

impl Card {
    pub(super) fn of(f: &Frame, mut brief: Brief) -> Self {
        let kind =
            Schema::get().kind(&brief.kind).map_or(brief.kind.as_str(), |kind| kind.label.get(f.lang())).to_owned();
        let (excerpt, lang) = (pieces(&brief), f.foreign(&brief));
        if let Some(territory) = &mut brief.territory {
            territory.title = titled(f, &territory.id.to_string(), &territory.title);
        }
        let when = brief.when.as_deref().map(|date| when::edtf(f.lang(), date));
        Self { kind, lang, when, excerpt, brief }
    }
}

/// Cuts an excerpt where its highlights begin and end.
fn pieces(brief: &Brief) -> Vec<(String, bool)> {
    let Some(text) = brief.snippet.as_deref().or(brief.summary.as_deref()) else { return Vec::new() };
    let marks: &[(u32, u32)] = if brief.snippet.is_some() { &brief.highlights } else { &[] };
    let (mut pieces, mut from) = (Vec::new(), 0);
    for (start, end) in marks.iter().map(|(start, end)| (*start as usize, *end as usize)) {
        let (Some(before), Some(marked)) = (text.get(from..start), text.get(start..end)) else { break };
        pieces.push((before.to_owned(), false));
        pieces.push((marked.to_owned(), true));
        from = end;
    }
    pieces.push((text.get(from..).unwrap_or_default().to_owned(), false));
    pieces.retain(|(piece, _)| !piece.is_empty());
    pieces
}

async fn home(visit: Visit) -> Result<Response, Trouble> {
    if visit.frame.commons.is_none() {
        return Ok(Redirect::to("/bienvenue").into_response());
    }
    let search =
        |q: &str, limit| Command::Search(Search { q: q.to_owned(), like: None, page: Page { limit, offset: 0 } });
    let all: Records = visit.ask(search("", 1)).await?;
    let latest: Records = visit.ask(search("kind:experience", 6)).await?;
    let kinds = all.facets.iter().find(|facet| facet.name == "kind");
    let mut kinds = kinds.map(|facet| ticked(facet, &Asked::default())).unwrap_or_default();
    for kind in kinds.iter_mut().filter(|kind| Schema::get().kind(&kind.code).is_some()) {
        kind.label = visit.frame.t1(&format!("home-kind-{}", kind.code), "n", kind.count);
    }
    let page = page(&HomePage {
        total: all.total,
        kinds,
        latest: latest.records.into_iter().map(|brief| Card::of(&visit.frame, brief)).collect(),
        f: visit.frame.clone(),
    })?;
    Ok(page.into_response())
}

async fn find(visit: Visit, Query(pairs): Query<Vec<(String, String)>>) -> Result<Html<String>, Trouble> {
    let asked = Asked::read(pairs);
    let limit = asked.view.holds();
    let part = Page { limit, offset: (asked.page - 1).saturating_mul(limit) };
    let mut found: Records = visit.ask(asked.search(part)).await?;
    let records = std::mem::take(&mut found.records);
    let mut cards: Vec<Card> = records.into_iter().map(|brief| Card::of(&visit.frame, brief)).collect();
    let groups: Vec<Group> = FACETS.iter().filter_map(|name| group(&asked, &found.facets, name)).collect();
    let seen = |(name, code): &(String, String)| {
        groups.iter().any(|group| group.name == *name && group.values.iter().any(|value| value.code == *code))
    };
    let unseen = asked.facets.iter().filter(|one| !seen(one)).cloned().collect();
    let map = match asked.view {
        View::Map => {
            let shown = |facet, some| if asked.is_whole(facet) { usize::MAX } else { some };
            let places = visit.ask(Command::Places(asked.question(0))).await?;
            Some(Map::of(&places, shown("territory", ON_MAP), shown("department", NAMED_ON_MAP)))
        }
        View::Cards | View::Table | View::Timeline => None,
    };
    let years = if asked.view == View::Timeline { by_year(std::mem::take(&mut cards)) } else { Vec::new() };
    let pages = found.total.div_ceil(u64::from(limit));
    let shape = |(view, _, label): (View, &str, &'static str)| Shape {
        at: Asked { view, ..asked.clone() }.at(1),
        label,
        current: view == asked.view,
    };
    page(&FindPage {
        chosen: chosen(&asked, &found.facets),
        views: View::ALL.map(shape).into(),
        downloads: vec![
            (asked.as_file("/recherche.atom", Some(visit.feed_key())), "file-atom"),
            (asked.as_file("/recherche.ics", Some(visit.feed_key())), "file-ics"),
            (asked.as_file("/recherche.csv", None), "file-csv"),
            (asked.as_file("/recherche.geojson", None), "file-geojson"),
        ],
        previous: (asked.page > 1).then(|| asked.at(asked.page - 1)),
        next: (u64::from(asked.page) < pages).then(|| asked.at(asked.page + 1)),
        f: visit.frame.clone(),
        map,
        years,
        asked,
        found,
        cards,
        groups,
        unseen,
    })
}

/// Cards by the first year of what they tell, the latest first; those without a date at the end, under no year.
pub(super) fn by_year(cards: Vec<Card>) -> Vec<(String, Vec<Card>)> {
    let mut years: BTreeMap<Reverse<String>, Vec<Card>> = BTreeMap::new();
    for card in cards {
        let digits = |date: &str| date.trim_start_matches("../").chars().take(4).collect::<String>();
        let year = card.brief.when.as_deref().map(digits).filter(|year| year.len() == 4).unwrap_or_default();
        years.entry(Reverse(year)).or_default().push(card);
    }
    years.into_iter().map(|(Reverse(year), cards)| (year, cards)).collect()
}

/// The records of a question, for another program.
async fn gathered(visit: &Visit, asked: &Asked, newest: bool, limit: u32) -> Result<Vec<Brief>, Trouble> {
    let page = Page { limit, offset: 0 };
    let command = if newest { Command::List(List { q: asked.query(), page }) } else { asked.search(page) };
    Ok(visit.ask::<Records>(command).await?.records)
}

fn feed<'a>(visit: &Visit, asked: &Asked, records: &'a [Brief]) -> Feed<'a> {
    let commons = visit.frame.commons.as_ref();
    let name = commons.map(|commons| commons.name.clone()).unwrap_or_default();
    Feed {
        lang: visit.lang(),
        title: if asked.q.is_empty() {
            name.clone()
        } else {
            labelled(visit.frame.lang(), &name, &visit.frame.t1("find-title-of", "q", asked.q.as_str()))
        },
        of: name,
        commons: commons.map(|commons| commons.id.to_string()).unwrap_or_default(),
        origin: visit.origin(),
        links: Links::Node,
        page: Asked { view: View::Cards, whole: Vec::new(), ..asked.clone() }.at(1),
        records,
    }
}

type Asking = Query<Vec<(String, String)>>;
async fn atom(visit: Visit, Query(pairs): Asking) -> Result<File, Trouble> {
    let asked = Asked::read(pairs);
    let records = gathered(&visit, &asked, true, IN_FEED).await?;
    Ok(file("application/atom+xml", "essaim.atom", feed(&visit, &asked, &records).atom()))
}

async fn csv(visit: Visit, Query(pairs): Asking) -> Result<File, Trouble> {
    let asked = Asked::read(pairs);
    let records = gathered(&visit, &asked, false, IN_DOWNLOAD).await?;
    Ok(file("text/csv", "essaim.csv", feed(&visit, &asked, &records).csv()))
}

async fn geojson(visit: Visit, Query(pairs): Asking) -> Result<File, Trouble> {
    let asked = Asked::read(pairs);
    let records = gathered(&visit, &asked, false, IN_DOWNLOAD).await?;
    Ok(file("application/geo+json", "essaim.geojson", feed(&visit, &asked, &records).geojson()))
}

async fn calendar(visit: Visit, Query(pairs): Asking) -> Result<File, Trouble> {
    let asked = Asked::read(pairs);
    let records = gathered(&visit, &asked, true, IN_DOWNLOAD).await?;
    Ok(file("text/calendar", "essaim.ics", feed(&visit, &asked, &records).calendar()))
}

fn group(asked: &Asked, facets: &[Facet], name: &str) -> Option<Group> {
    let facet = facets.iter().find(|facet| facet.name == name)?;
    let mut values = ticked(facet, asked);
    // What is ticked stays in sight.
    values.sort_by_key(|value| !value.ticked);
    let ticked = values.iter().filter(|value| value.ticked).count();
    let whole = asked.is_whole(name);
    // A form sends what is in the page: a value that is ticked and left out would be lost with the next one.
    let hidden = if whole { 0 } else { values.len().saturating_sub(SHOWN.max(ticked)) };
    values.truncate(values.len() - hidden);
    let more = if hidden > 0 || whole { hidden + facet.left_off as usize } else { 0 };
    let open = whole || ticked > 0 || matches!(name, "kind" | "theme" | "territory" | "outcome");
    Some(Group { name: name.to_owned(), label: facet.label.clone(), open, values, more, whole })
}

fn ticked(facet: &Facet, asked: &Asked) -> Vec<Ticked> {
    let one = |value: &essaim_protocol::api::FacetValue| Ticked {
        ticked: asked.has(&facet.name, &value.code),
        code: value.code.clone(),
        label: value.label.clone(),
        count: value.count,
    };
    facet.values.iter().map(one).collect()
}

fn chosen(asked: &Asked, facets: &[Facet]) -> Vec<Chosen> {
    let label = |name: &str, code: &str| {
        let facet = facets.iter().find(|facet| facet.name == name)?;
        facet.values.iter().find(|value| value.code == code).map(|value| value.label.clone())
    };
    let one = |(name, code): &(String, String)| Chosen {
        label: label(name, code).unwrap_or_else(|| code.clone()),
        without: asked.without(name, code),
    };
    asked.facets.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        Asked::read(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn an_address_is_the_whole_question() {
        let asked =
            asked(&[("q", "récit d'élu"), ("theme", "mobility"), ("theme", "energy"), ("page", "2"), ("x", "y")]);
        assert_eq!(asked.at(1), "/recherche?q=r%C3%A9cit%20d%27%C3%A9lu&theme=mobility&theme=energy");
        assert_eq!(asked.at(3), "/recherche?q=r%C3%A9cit%20d%27%C3%A9lu&theme=mobility&theme=energy&page=3");
        assert_eq!(asked.without("theme", "mobility"), "/recherche?q=r%C3%A9cit%20d%27%C3%A9lu&theme=energy");
        let table = Asked { view: View::Table, ..asked.clone() };
        assert_eq!(table.at(1), "/recherche?q=r%C3%A9cit%20d%27%C3%A9lu&theme=mobility&theme=energy&vue=tableau");
        assert_eq!(asked.query(), "récit d'élu theme:mobility theme:energy");
        let whole = self::asked(&[("theme", "mobility"), ("plus", "theme"), ("plus", "x"), ("plus", "theme")]);
        assert_eq!(
            whole.at(2),
            "/recherche?theme=mobility&plus=theme&page=2",
            "all values stay in sight on every page"
        );
        assert_eq!(whole.without("theme", "mobility"), "/recherche?plus=theme");
    }

    #[test]
    fn every_way_of_showing_has_an_address() {
        for (view, name, _) in View::ALL {
            assert_eq!(asked(&[("vue", name)]).view, view);
        }
        assert_eq!(asked(&[("vue", "autrement")]).view, View::Cards);
    }

    #[test]
    fn a_page_that_is_no_number_is_the_first() {
        for page in ["0", "-1", "deux", ""] {
            assert_eq!(asked(&[("page", page)]).page, 1);
        }
    }
}
