//! `/` and `/recherche`: one box, facets with counts, and what was found.
//!
//! An address is the whole question: words in `q`, each facet under its own name as often as it has values
//! (`/recherche?q=navette&theme=mobility&outcome=did_not_work`), `page` from 1. Values of one facet widen, facets narrow.

use askama::Template;
use axum::extract::Query;
use axum::response::Html;
use axum::routing::get;
use essaim_protocol::api::{Brief, Command, Facet, Page, Records, Search};
use essaim_protocol::query;
use essaim_protocol::record::schema::Schema;

use super::Screen;
use super::visit::{Frame, Trouble, Visit, page};

/// Facets in the order in which people narrow a search. Their names for people are `facet-…` in the texts.
const FACETS: [&str; 12] = [
    "kind",
    "theme",
    "territory",
    "stratum",
    "setting",
    "fundamental",
    "narrative_dimension",
    "outcome",
    "difficulty",
    "programme",
    "year",
    "licence",
];

/// Values of a facet that are shown before "more".
const SHOWN: usize = 6;

/// Records on one page: what a person looks over before asking better.
const PER_PAGE: u32 = 20;

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", "/", get(home)), Screen::new("get", "/recherche", get(find))]
}

/// What an address asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) q: String,
    /// Facets and their values, as often as each was given.
    pub(super) facets: Vec<(String, String)>,
    /// From 1.
    pub(super) page: u32,
}

impl Asked {
    fn read(pairs: Vec<(String, String)>) -> Self {
        let mut asked = Self { page: 1, ..Self::default() };
        for (name, value) in pairs {
            match name.as_str() {
                "q" => asked.q = value,
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

    fn has(&self, name: &str, value: &str) -> bool {
        self.facets.iter().any(|(facet, chosen)| facet == name && chosen == value)
    }

    /// The address of this question on another page.
    fn at(&self, page: u32) -> String {
        let mut pairs: Vec<(&str, String)> = vec![("q", self.q.clone())];
        pairs.extend(self.facets.iter().map(|(name, value)| (name.as_str(), value.clone())));
        if page > 1 {
            pairs.push(("page", page.to_string()));
        }
        address("/recherche", &pairs)
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
    /// Those after the first few.
    more: Vec<Ticked>,
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
    groups: Vec<Group>,
    chosen: Vec<Chosen>,
    previous: Option<String>,
    next: Option<String>,
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
    /// The excerpt in pieces, each with whether it is what was looked for.
    pub(super) excerpt: Vec<(String, bool)>,
}

impl Card {
    pub(super) fn of(visit: &Visit, brief: Brief) -> Self {
        let kind =
            Schema::get().kind(&brief.kind).map_or(brief.kind.as_str(), |kind| kind.label.get(visit.lang())).to_owned();
        let excerpt = pieces(&brief);
        Self { kind, excerpt, brief }
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

async fn home(visit: Visit) -> Result<Html<String>, Trouble> {
    let search =
        |q: &str, limit| Command::Search(Search { q: q.to_owned(), like: None, page: Page { limit, offset: 0 } });
    let all: Records = visit.ask(search("", 1)).await?;
    let latest: Records = visit.ask(search("kind:experience", 6)).await?;
    let kinds = all.facets.iter().find(|facet| facet.name == "kind");
    let none = Asked::default();
    page(&HomePage {
        total: all.total,
        kinds: kinds.map(|facet| ticked(facet, &none)).unwrap_or_default(),
        latest: latest.records.into_iter().map(|brief| Card::of(&visit, brief)).collect(),
        f: visit.frame.clone(),
    })
}

async fn find(visit: Visit, Query(pairs): Query<Vec<(String, String)>>) -> Result<Html<String>, Trouble> {
    let asked = Asked::read(pairs);
    let part = Page { limit: PER_PAGE, offset: (asked.page - 1).saturating_mul(PER_PAGE) };
    let mut found: Records = visit.ask(Command::Search(Search { q: asked.query(), like: None, page: part })).await?;
    let cards = std::mem::take(&mut found.records).into_iter().map(|brief| Card::of(&visit, brief)).collect();
    let groups: Vec<Group> = FACETS.iter().filter_map(|name| group(&visit, &asked, &found.facets, name)).collect();
    let pages = found.total.div_ceil(u64::from(PER_PAGE));
    page(&FindPage {
        chosen: chosen(&asked, &groups),
        previous: (asked.page > 1).then(|| asked.at(asked.page - 1)),
        next: (u64::from(asked.page) < pages).then(|| asked.at(asked.page + 1)),
        f: visit.frame.clone(),
        asked,
        found,
        cards,
        groups,
    })
}

fn group(visit: &Visit, asked: &Asked, facets: &[Facet], name: &str) -> Option<Group> {
    let facet = facets.iter().find(|facet| facet.name == name)?;
    let mut values = ticked(facet, asked);
    // What is ticked stays in sight.
    values.sort_by_key(|value| !value.ticked);
    let more = values.split_off(SHOWN.min(values.len()));
    let label = visit.frame.maybe(&format!("facet-{name}")).unwrap_or_else(|| name.to_owned());
    let open = values.iter().any(|value| value.ticked) || matches!(name, "kind" | "theme" | "territory" | "outcome");
    Some(Group { name: name.to_owned(), label, open, values, more })
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

fn chosen(asked: &Asked, groups: &[Group]) -> Vec<Chosen> {
    let label = |name: &str, code: &str| {
        let group = groups.iter().find(|group| group.name == name)?;
        group.values.iter().chain(&group.more).find(|value| value.code == code).map(|value| value.label.clone())
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
        assert_eq!(asked.query(), "récit d'élu theme:mobility theme:energy");
    }

    #[test]
    fn a_page_that_is_no_number_is_the_first() {
        for page in ["0", "-1", "deux", ""] {
            assert_eq!(asked(&[("page", page)]).page, 1);
        }
    }
}
