//! What others made of a record: who refers to it, and who lived the like. `/fiche/ID/liens` lists all that refer to it.

use askama::Template;
use axum::response::Html;
use axum::routing::get;
use essaim_protocol::api::{Command, Linked, Page, Records, Referring, Search, Shared, Sheet};
use essaim_protocol::record::schema::Schema;
use serde::Deserialize;

use super::Screen;
use super::asked::{Path, Query};
use super::find::{Card, address};
use super::letter::Quoted;
use super::sheet::name_of;
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};

/// The ways of referring, in the order in which they are told; what is not named comes last. The heading of each is
/// `linked-…` in the texts.
const WAYS: [&str; 23] = [
    "reuse",
    "question",
    "proposal",
    "disagreement",
    "testimony",
    "evaluation",
    "answer",
    "correction",
    "contradicts",
    "nuances",
    "draws_on",
    "inspired_by",
    "reused_in",
    "documents",
    "part_of",
    "in_territory",
    "within",
    "carried_by",
    "facilitated_by",
    "supported_by",
    "takes_part",
    "produced_by",
    "authors",
];

/// Records of one group that are named on the sheet.
const SHOWN: usize = 6;

/// Records on one page of the list.
const PER_PAGE: u32 = 50;

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", "/fiche/{record}/liens", get(list))]
}

/// Records that refer in one way.
pub(super) struct Group {
    pub(super) heading: String,
    pub(super) shown: Vec<Line>,
    /// How many more of those that were looked at.
    pub(super) more: usize,
}

/// A record in a group.
pub(super) struct Line {
    pub(super) id: String,
    /// The language of its words where it is not that of the page.
    pub(super) lang: Option<String>,
    pub(super) title: String,
    pub(super) kind: String,
    /// Of a contribution: what it says.
    pub(super) text: Option<String>,
    /// Who signs it, and when it was last changed.
    pub(super) by: String,
}

/// A record that tells of the like, and why.
pub(super) struct Peer {
    pub(super) card: Card,
    pub(super) why: Vec<String>,
}

/// Those who refer to a record, by how.
pub(super) fn groups(f: &Frame, linked: Linked) -> Vec<Group> {
    let mut by_way: Vec<(usize, String, Vec<Line>)> = Vec::new();
    for one in linked.records {
        let (rank, way) = way(&one);
        let line = line(f, one);
        match by_way.iter_mut().find(|(_, known, _)| *known == way) {
            Some((_, _, lines)) => lines.push(line),
            None => by_way.push((rank, way, vec![line])),
        }
    }
    by_way.sort_by_key(|(rank, ..)| *rank);
    let group = |(_, way, mut lines): (usize, String, Vec<Line>)| {
        let more = lines.len().saturating_sub(SHOWN);
        lines.truncate(SHOWN);
        let heading = f.maybe(&format!("linked-{}", way.replace('_', "-")));
        Group { heading: heading.unwrap_or_else(|| f.t("linked-other")), shown: lines, more }
    };
    by_way.into_iter().map(group).collect()
}

/// How a record refers: a contribution by its form, others by the first of their relations that has a heading.
fn way(one: &Referring) -> (usize, String) {
    let form = one.form.iter().filter(|_| one.brief.kind == "contribution" && one.how.iter().any(|how| how == "about"));
    let ranked = form.chain(&one.how).filter_map(|way| Some((WAYS.iter().position(|known| known == way)?, way)));
    ranked.min().map_or((WAYS.len(), "other".to_owned()), |(rank, way)| (rank, way.clone()))
}

fn line(f: &Frame, one: Referring) -> Line {
    let lang = f.foreign(&one.brief);
    let title = if one.brief.title.is_empty() { f.t("sheet-untitled") } else { one.brief.title };
    let by = one.brief.by.join(", ");
    let by = match (by.is_empty(), one.brief.updated_at) {
        (false, Some(at)) => f.t2("sheet-by-at", "by", by, "at", f.day(&at)),
        (true, Some(at)) => f.day(&at),
        (_, None) => by,
    };
    Line {
        id: one.brief.id.to_string(),
        kind: name_of(f, Schema::get().kind(&one.brief.kind), &one.brief.kind),
        // Most contributions have their own beginning for a title.
        text: one.text.filter(|text| *text != title),
        lang,
        title,
        by,
    }
}

/// Those who lived the like, each with what both have in common.
pub(super) fn peers(visit: &Visit, alike: Records) -> Vec<Peer> {
    let f = &visit.frame;
    let peer = |brief: essaim_protocol::api::Brief| {
        let (words, labels): (Vec<_>, Vec<_>) = brief.shared.iter().cloned().partition(|shared| shared.facet == "word");
        let label = |shared: Shared| if shared.facet == "stratum" { f.t("sheet-same-size") } else { shared.label };
        let mut why: Vec<String> = labels.into_iter().map(label).collect();
        let words: Vec<String> = words.into_iter().map(|shared| shared.label).collect();
        if !words.is_empty() {
            why.push(f.t2("sheet-words", "n", words.len(), "words", words.join(", ")));
        }
        Peer { card: Card::of(f, brief), why }
    };
    alike.records.into_iter().map(peer).collect()
}

#[derive(Template)]
#[template(path = "linked.html")]
struct LinkedPage {
    f: Frame,
    of: Quoted,
    total: u64,
    cards: Vec<Card>,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Part {
    page: Option<u32>,
}

async fn list(visit: Visit, Path(record): Path<String>, Query(part): Query<Part>) -> Result<Html<String>, Trouble> {
    let sheet: Sheet = visit.ask(Command::Show(record)).await?;
    let id = sheet.brief.id.to_string();
    let at = part.page.unwrap_or(1).max(1);
    let part = Page { limit: PER_PAGE, offset: (at - 1).saturating_mul(PER_PAGE) };
    let search = Search { q: format!("linked:{id}"), like: None, page: part };
    let found: Records = visit.ask(Command::Search(search)).await?;
    let to = |at: u32| address(&format!("/fiche/{id}/liens"), &[("page", at.to_string())]);
    page(&LinkedPage {
        of: Quoted::of(&visit.frame, &sheet.brief),
        total: found.total,
        previous: (at > 1).then(|| to(at - 1)),
        next: (u64::from(at) * u64::from(PER_PAGE) < found.total).then(|| to(at + 1)),
        cards: found.records.into_iter().map(|brief| Card::of(&visit.frame, brief)).collect(),
        f: visit.frame.clone(),
    })
}
