//! `/fiche/ID`: one record, whole.
//!
//! From the top: what it is at a glance; what waits to be [settled](super::settle); the record's own words in the order of
//! the form; who [refers](super::linked) to it and who lived the like; how to [cite](super::cite) it. Each of the eight kinds
//! is read by the same rules: [`GLANCE`] names what of it is seen first.

use askama::Template;
use axum::response::Html;
use axum::routing::get;
use essaim_protocol::api::{Command, Linked, Page, Records, Search, Sheet};
use essaim_protocol::record::schema::{Kind, Schema};
use serde::Deserialize;
use serde_json::Value as Json;

use super::Screen;
use super::asked::{Path, Query};
use super::bring::{Bring, Steps, Typed};
use super::catalogue::{Side, weighed};
use super::cite::Cited;
use super::linked::{Group, Peer, groups, peers};
use super::settle::{Dispute, Third, disputes, joined, proposals};
use super::shown::{Reading, Relation, Row, Shown, UNSAID};
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};

/// Fields that stand around the record's own words, or are of no use to people.
const AROUND: [&str; 12] = [
    "title",
    "summary",
    "themes",
    "tags",
    "links",
    "authors",
    "licence",
    "status",
    "visibility",
    "lang",
    "fictional",
    "origin",
];

/// What is seen first, of any kind: fields and relations of links. A field named here does not come again below.
const GLANCE: [&str; 34] = [
    "form",
    "type",
    "about",
    "in_territory",
    "within",
    "period",
    "starts",
    "ends",
    "place",
    "issued",
    "outcome",
    "state",
    "part_of",
    "series",
    "carried_by",
    "facilitated_by",
    "supported_by",
    "produced_by",
    "publisher",
    "population",
    "codes",
    "country",
    "point",
    "alliance",
    "joined",
    "url",
    "rhythm",
    "scale",
    "audience",
    "axis",
    "difficulty",
    "effect",
    "speaks_as",
    "setting",
];

/// Values that go without saying.
const IMPLIED: [(&str, &str); 2] = [("outcome", "not_told"), ("country", "FR")];

/// Common fields that come after the record's own.
const LAST: [&str; 3] = ["attachments", "sources", "note"];

/// How many that lived the like are shown.
const ALIKE: u32 = 4;

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", "/fiche/{record}", get(show))]
}

/// What a person is told after having done something.
#[derive(Debug, Default, Deserialize)]
struct After {
    /// Settled.
    regle: Option<String>,
    /// Not settled: something new had come in between.
    entretemps: Option<String>,
    /// Brought something, or took a position.
    apporte: Option<String>,
}

#[derive(Template)]
#[template(path = "sheet.html")]
struct SheetPage {
    f: Frame,
    told: Told,
    after: After,
    /// The version that forms are made from.
    seen: String,
    disputes: Vec<Dispute>,
    proposals: Vec<Dispute>,
    linked: u64,
    /// Of a finding: the experiences around it.
    sides: Vec<Side>,
    groups: Vec<Group>,
    peers: Vec<Peer>,
    bring: Bring,
    /// What can be done with a contribution.
    steps: Option<Steps>,
    cited: Cited,
    /// Who else holds it.
    held: String,
}

/// A record as it is read, now or at a version.
pub(super) struct Told {
    pub(super) kind: String,
    /// The language it is written in.
    pub(super) lang: String,
    pub(super) sheet: Sheet,
    /// Invented, archived, read by peers.
    pub(super) notes: Vec<String>,
    pub(super) glance: Vec<Row>,
    /// What classes it: themes, keywords.
    pub(super) classes: Vec<Row>,
    /// The record's own words, in the order of the form.
    pub(super) body: Vec<Row>,
    pub(super) relations: Vec<Relation>,
    /// Who signs and under which licence.
    pub(super) credits: Vec<Row>,
}

/// The status of a record that was put away.
const ARCHIVED: &str = "archived";

impl Told {
    pub(super) fn of(f: &Frame, sheet: Sheet) -> Self {
        let schema = Schema::get().kind(&sheet.brief.kind);
        let reading = Reading::of(f, &sheet);
        let rows = reading.rows(schema, &sheet.fields);
        let (around, own): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| AROUND.contains(&row.name.as_str()));
        let among = |names: &[&str]| around.iter().filter(|row| names.contains(&row.name.as_str())).cloned().collect();
        let links = around.iter().find(|row| row.name == "links").map(|row| row.shown.clone());
        let links = if let Some(Shown::Relations(links)) = links { links } else { Vec::new() };
        let (first, relations): (Vec<_>, Vec<_>) =
            links.into_iter().partition(|link| GLANCE.contains(&link.rel.as_str()));
        let (mut glance, mut rest): (Vec<Row>, Vec<Row>) =
            own.into_iter().partition(|row| GLANCE.contains(&row.name.as_str()));
        glance.extend(gathered(f, first));
        glance.retain(|row| {
            let said = sheet.fields.get(&row.name).and_then(Json::as_str);
            !IMPLIED.contains(&(row.name.as_str(), said.unwrap_or_default()))
        });
        glance.sort_by_key(|row| GLANCE.iter().position(|name| *name == row.name));
        // Positions on a proposal need not disagree.
        if sheet.fields.get("form").and_then(Json::as_str) == Some("proposal") {
            rest.iter_mut().filter(|row| row.name == "disagreement").for_each(|row| row.label = f.t("bring-positions"));
        }
        let (last, mut body): (Vec<Row>, Vec<Row>) =
            rest.into_iter().partition(|row| LAST.contains(&row.name.as_str()));
        body.extend(last);
        Self {
            kind: name_of(f, schema, &sheet.brief.kind),
            lang: sheet.fields.get("lang").and_then(Json::as_str).unwrap_or(UNSAID).to_owned(),
            notes: notes(f, &sheet),
            classes: among(&["themes", "tags"]),
            credits: among(&["authors", "licence", "visibility"]),
            glance,
            body,
            relations,
            sheet,
        }
    }

    /// Whether it was put away.
    pub(super) fn archived(&self) -> bool {
        self.sheet.fields.get("status").and_then(Json::as_str) == Some(ARCHIVED)
    }

    /// Whether somebody has to settle something in a field.
    pub(super) fn disputed(&self, field: &str) -> bool {
        self.sheet.disagreements.iter().any(|one| one.field.split('/').next() == Some(field))
    }

    /// The title, or what to say when there is none.
    pub(super) fn title(&self, f: &Frame) -> String {
        if self.sheet.brief.title.is_empty() { f.t("sheet-untitled") } else { self.sheet.brief.title.clone() }
    }
}

/// The name of a kind for people.
pub(super) fn name_of(f: &Frame, schema: Option<&Kind>, kind: &str) -> String {
    schema.map_or(kind, |schema| schema.label.get(f.lang())).to_owned()
}

/// One row a relation, with all that it leads to.
fn gathered(f: &Frame, links: Vec<Relation>) -> Vec<Row> {
    let mut rows: Vec<(String, Vec<Relation>)> = Vec::new();
    for mut link in links {
        link.label.clear();
        match rows.iter_mut().find(|(rel, _)| *rel == link.rel) {
            Some((_, all)) => all.push(link),
            None => rows.push((link.rel.clone(), vec![link])),
        }
    }
    let row = |(rel, all): (String, Vec<Relation>)| {
        let label = f.maybe(&format!("rel-{}", rel.replace('_', "-"))).unwrap_or_default();
        Row { label, lang: f.code(), shown: Shown::Relations(all), name: rel }
    };
    rows.into_iter().map(row).collect()
}

fn notes(f: &Frame, sheet: &Sheet) -> Vec<String> {
    let is = |field: &str, value: &str| sheet.fields.get(field).and_then(Json::as_str) == Some(value);
    let said = [
        (sheet.fields.get("fictional") == Some(&Json::Bool(true)), f.t("sheet-fictional")),
        (is("status", ARCHIVED), f.t("sheet-archived")),
        (is("status", "peer_read"), f.t("sheet-peer-read")),
        (sheet.fields.get("verbatim") == Some(&Json::Bool(true)), f.t("sheet-verbatim")),
    ];
    said.into_iter().filter(|(is, _)| *is).map(|(_, note)| note).collect()
}

/// Who else holds the record. The moment is the earliest of theirs, so that it is true of all.
fn held(f: &Frame, sheet: &Sheet) -> String {
    match sheet.held_by.iter().map(|holder| holder.at).min() {
        Some(at) => f.t2("sheet-held", "n", sheet.held_by.len(), "at", f.moment(&at)),
        None => f.t("sheet-held-nowhere"),
    }
}

async fn show(visit: Visit, Path(record): Path<String>, Query(after): Query<After>) -> Result<Html<String>, Trouble> {
    let sheet: Sheet = visit.ask(Command::Show(record)).await?;
    let id = sheet.brief.id.to_string();
    let mut linked: Linked = visit.ask(Command::Linked(id.clone())).await?;
    let alike = if sheet.brief.kind == "experience" {
        let part = Page { limit: ALIKE, offset: 0 };
        visit.ask(Command::Search(Search { q: "kind:experience".to_owned(), like: Some(id), page: part })).await?
    } else {
        Records::default()
    };
    let told = Told::of(&visit.frame, sheet.clone());
    let sides = match sheet.brief.kind.as_str() {
        "finding" => weighed(&visit.frame, &told.relations, &mut linked.records),
        _ => Vec::new(),
    };
    page(&SheetPage {
        steps: Steps::of(&visit, &sheet).await?,
        bring: Bring::to(&visit.frame, &sheet, Typed::default()),
        seen: joined(&sheet),
        disputes: disputes(&visit.frame, &sheet),
        proposals: proposals(&visit.frame, &sheet),
        linked: linked.total,
        groups: groups(&visit.frame, linked),
        peers: peers(&visit, alike),
        cited: Cited::of(&visit.frame, &sheet),
        held: held(&visit.frame, &sheet),
        f: visit.frame.clone(),
        told,
        sides,
        after,
    })
}
