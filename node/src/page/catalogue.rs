//! `/enseignements`, `/dispositifs`, `/ressources` and `/annuaire`: the records of one kind with what surrounds them.
//!
//! A finding stands between the experiences that support it, nuance it and contradict it; a programme with its territories
//! and gatherings; an actor with what it offers. `?forme=` narrows to one form, `?offre=` to one offer.

use askama::Template;
use axum::response::Html;
use axum::routing::get;
use essaim_protocol::api::{Around, Catalogue, CatalogueOf, Command, Facet, Lacking, Listed, Page, Referring};
use serde::Deserialize;

use super::Screen;
use super::asked::Query;
use super::find::address;
use super::letter::{Quoted, named, titled};
use super::shown::{Relation, cut, of_the_web};
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};
use crate::words::when;

/// One of these screens.
struct Shelf {
    path: &'static str,
    kind: &'static str,
    /// The facet of its forms.
    facet: &'static str,
    /// The beginning of the keys of its texts.
    key: &'static str,
    per_page: u32,
}

static FINDINGS: Shelf =
    Shelf { path: "/enseignements", kind: "finding", facet: "finding_form", key: "findings", per_page: 10 };
static PROGRAMMES: Shelf =
    Shelf { path: "/dispositifs", kind: "programme", facet: "programme_form", key: "programmes", per_page: 20 };
static RESOURCES: Shelf =
    Shelf { path: "/ressources", kind: "resource", facet: "resource_type", key: "resources", per_page: 30 };
static ACTORS: Shelf = Shelf { path: "/annuaire", kind: "actor", facet: "actor_type", key: "actors", per_page: 30 };

/// Characters of a title, of what is said below it and of an address; offers of one record.
const TITLE: usize = 200;
const TEXT: usize = 600;
const ADDRESS: usize = 300;
const OFFERS: usize = 12;

/// The facet of offers.
const OFFER: &str = "offer";

pub(super) fn screens() -> Vec<Screen> {
    vec![
        Screen::new("get", FINDINGS.path, get(|visit: Visit, query: Query<Part>| shelf(visit, query, &FINDINGS))),
        Screen::new("get", PROGRAMMES.path, get(|visit: Visit, query: Query<Part>| shelf(visit, query, &PROGRAMMES))),
        Screen::new("get", RESOURCES.path, get(|visit: Visit, query: Query<Part>| shelf(visit, query, &RESOURCES))),
        Screen::new("get", ACTORS.path, get(|visit: Visit, query: Query<Part>| shelf(visit, query, &ACTORS))),
    ]
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Part {
    #[serde(default)]
    forme: String,
    #[serde(default)]
    offre: String,
    page: Option<u32>,
}

/// A value to narrow by.
struct Choice {
    at: String,
    label: String,
    count: u64,
    current: bool,
}

/// A record of the list.
struct Entry {
    id: String,
    /// The language of its words where it is not that of the page.
    lang: Option<String>,
    title: String,
    /// Form, state, place, date.
    what: String,
    text: Option<String>,
    offers: Vec<String>,
    url: Option<String>,
    around: Vec<Side>,
}

/// Records on one side of another.
pub(super) struct Side {
    /// The end of the name of its style.
    pub(super) how: String,
    pub(super) heading: String,
    pub(super) records: Vec<Quoted>,
    /// How many more there are.
    pub(super) more: u64,
}

#[derive(Template)]
#[template(path = "catalogue.html")]
struct CataloguePage {
    f: Frame,
    title: String,
    lead: String,
    kind: &'static str,
    total: u64,
    lacking: Lacking,
    forms: Vec<Choice>,
    offers: Vec<Choice>,
    entries: Vec<Entry>,
    previous: Option<String>,
    next: Option<String>,
}

async fn shelf(visit: Visit, Query(part): Query<Part>, shelf: &'static Shelf) -> Result<Html<String>, Trouble> {
    let f = &visit.frame;
    let at = part.page.unwrap_or(1).max(1);
    let ask = |q: String, page: Page| Command::Catalogue(CatalogueOf { kind: shelf.kind.to_owned(), q, page });
    let chosen = [(shelf.facet, &part.forme), (OFFER, &part.offre)];
    let q: Vec<String> = chosen
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}:\"{value}\""))
        .collect();
    let here = Page { limit: shelf.per_page, offset: (at - 1).saturating_mul(shelf.per_page) };
    let found: Catalogue = visit.ask(ask(q.join(" "), here)).await?;
    // What one may narrow by does not depend on what is narrowed already.
    let all: Catalogue = visit.ask(ask(String::new(), Page { limit: 1, offset: 0 })).await?;
    let to = |page: u32| part.address(shelf, page);
    page(&CataloguePage {
        title: f.maybe(&format!("{}-title", shelf.key)).unwrap_or_default(),
        lead: f.maybe(&format!("{}-lead", shelf.key)).unwrap_or_default(),
        kind: shelf.kind,
        forms: choices(&all.facets, shelf.facet, &part.forme, |code| {
            Part { forme: code, page: None, ..part.clone() }.address(shelf, 1)
        }),
        offers: choices(&all.facets, OFFER, &part.offre, |code| {
            Part { offre: code, page: None, ..part.clone() }.address(shelf, 1)
        }),
        total: found.total,
        lacking: found.lacking,
        previous: (at > 1).then(|| to(at - 1)),
        next: (u64::from(at) * u64::from(shelf.per_page) < found.total).then(|| to(at + 1)),
        entries: found.records.into_iter().map(|one| entry(f, one)).collect(),
        f: f.clone(),
    })
}

impl Part {
    fn address(&self, shelf: &Shelf, page: u32) -> String {
        let page = if page > 1 { page.to_string() } else { String::new() };
        address(shelf.path, &[("forme", self.forme.clone()), ("offre", self.offre.clone()), ("page", page)])
    }
}

/// The values of a facet, each with the address that narrows to it; that of the chosen one widens again.
fn choices(facets: &[Facet], name: &str, chosen: &str, to: impl Fn(String) -> String) -> Vec<Choice> {
    let values = facets.iter().filter(|facet| facet.name == name).flat_map(|facet| &facet.values);
    let choice = |value: &essaim_protocol::api::FacetValue| {
        let current = value.code == chosen;
        let at = to(if current { String::new() } else { value.code.clone() });
        Choice { at, label: value.label.clone(), count: value.count, current }
    };
    values.map(choice).collect()
}

fn entry(f: &Frame, one: Listed) -> Entry {
    let place = one.brief.territory.as_ref().map(|place| titled(f, &place.id.to_string(), &place.title));
    let date = one.brief.when.as_deref().map(|date| when::edtf(f.lang(), date));
    // The territories of a programme are listed below.
    let place = place.filter(|_| one.brief.kind != PROGRAMMES.kind);
    Entry {
        id: one.brief.id.to_string(),
        lang: f.foreign(&one.brief),
        title: if one.brief.title.is_empty() { f.t("sheet-untitled") } else { cut(&one.brief.title, TITLE) },
        what: [one.form, one.state, place, date].into_iter().flatten().collect::<Vec<_>>().join(" · "),
        text: one.text.or(one.brief.summary).map(|text| cut(&text, TEXT)),
        offers: one.offers.into_iter().take(OFFERS).map(|offer| cut(&offer, TITLE)).collect(),
        url: one.url.filter(|url| of_the_web(url) && url.len() <= ADDRESS),
        around: told(one.around.into_iter().map(|around| side(f, around)).collect()),
    }
}

/// The sides of a finding stand side by side once there is one record on any; of other kinds an empty side says nothing.
fn told(mut sides: Vec<Side>) -> Vec<Side> {
    let weighs =
        sides.iter().any(|side| side.how == "contradicts" && sides.iter().any(|side| !side.records.is_empty()));
    sides.retain(|side| weighs || !side.records.is_empty());
    sides
}

fn side(f: &Frame, around: Around) -> Side {
    Side {
        heading: f.maybe(&format!("side-{}", around.how)).unwrap_or_default(),
        more: around.total.saturating_sub(around.records.len() as u64),
        records: around.records.iter().map(|one| named(f, one)).collect(),
        how: around.how,
    }
}

/// What stands around a finding on its sheet: the experiences among those that refer to it, which are taken out of them, and
/// those that it draws on itself.
pub(super) fn weighed(f: &Frame, relations: &[Relation], referring: &mut Vec<Referring>) -> Vec<Side> {
    let own = relations.iter().filter(|one| one.rel == "draws_on").map(|one| one.record.clone());
    let mut sides: Vec<Side> = [("supports", own.collect()), ("nuances", Vec::new()), ("contradicts", Vec::new())]
        .into_iter()
        .map(|(how, records)| {
            let heading = f.maybe(&format!("side-{how}")).unwrap_or_default();
            Side { how: how.to_owned(), heading, records, more: 0 }
        })
        .collect();
    referring.retain(|one| {
        let on = |how: &str| match how {
            "documents" => Some(0),
            "nuances" => Some(1),
            "contradicts" => Some(2),
            _ => None,
        };
        let on: Vec<usize> =
            one.how.iter().filter_map(|how| on(how)).filter(|_| one.brief.kind == "experience").collect();
        for side in &on {
            let quoted = Quoted::of(f, &one.brief);
            let records = &mut sides[*side].records;
            if records.iter().all(|known| known.id != quoted.id) {
                records.push(quoted);
            }
        }
        on.is_empty()
    });
    told(sides)
}
