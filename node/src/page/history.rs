//! `/fiche/ID/historique` and `/fiche/ID/version/HEADS`: how a record came to be what it is, step by step, and what it was.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Html;
use axum::routing::get;
use essaim_protocol::api::{Command, Error, Log, Sheet, ShowAt, Version};
use essaim_protocol::record::schema::Schema;
use serde::Deserialize;

use super::Screen;
use super::asked::{Path, Query};
use super::cite::Cited;
use super::find::address;
use super::letter::Quoted;
use super::settle::joined;
use super::sheet::Told;
use super::shown::{Reading, Row, Shown};
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};
use crate::words::diff::{Run, words};

/// Steps on one page.
const PER_PAGE: usize = 50;

pub(super) fn screens() -> Vec<Screen> {
    vec![
        Screen::new("get", "/fiche/{record}/historique", get(history)),
        Screen::new("get", "/fiche/{record}/version/{heads}", get(version)),
    ]
}

/// One change, in words.
struct Step {
    /// The address of the record as this change left it.
    version: String,
    who: String,
    at: String,
    /// The fields that it touched, by their names; nothing for the first change.
    fields: Vec<String>,
    first: bool,
    concurrent: bool,
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    f: Frame,
    of: Quoted,
    total: usize,
    /// The number of the first step on this page.
    start: usize,
    steps: Vec<Step>,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Part {
    page: Option<usize>,
}

async fn history(visit: Visit, Path(record): Path<String>, Query(part): Query<Part>) -> Result<Html<String>, Trouble> {
    let log: Log = visit.ask(Command::Log(record)).await?;
    let f = &visit.frame;
    let id = log.brief.id.to_string();
    let (at, total) = (part.page.unwrap_or(1).max(1), log.versions.len());
    let steps = log.versions.iter().skip((at - 1).saturating_mul(PER_PAGE)).take(PER_PAGE);
    let to = |at: usize| address(&format!("/fiche/{id}/historique"), &[("page", at.to_string())]);
    page(&HistoryPage {
        steps: steps.map(|version| step(f, &log, version)).collect(),
        previous: (at > 1).then(|| to(at - 1)),
        next: (at.saturating_mul(PER_PAGE) < total).then(|| to(at + 1)),
        of: Quoted::of(f, &log.brief),
        start: total.saturating_sub((at - 1).saturating_mul(PER_PAGE)),
        total,
        f: f.clone(),
    })
}

fn step(f: &Frame, log: &Log, version: &Version) -> Step {
    let kind = Schema::get().kind(&log.brief.kind);
    // Many fields are named by their question, so each name stands in quotes.
    let name = |field: &String| {
        let spec = kind.and_then(|kind| kind.field(field));
        f.t1("cite-title", "title", spec.map_or(field.as_str(), |spec| spec.label.get(f.lang())))
    };
    // A reference record is nobody's; a device that no statement names yet is somebody's.
    let nobody = if version.at.is_none() { f.t("history-reference") } else { f.t("settle-somebody") };
    Step {
        version: format!("/fiche/{}/version/{}", log.brief.id, version.change),
        who: version.ally.clone().unwrap_or(nobody),
        at: version.at.map(|at| f.moment(&at)).unwrap_or_default(),
        fields: version.fields.iter().map(name).collect(),
        first: version.after.is_empty(),
        concurrent: version.concurrent,
    }
}

/// A field that differs between two versions.
struct Difference {
    label: String,
    runs: Vec<Run>,
}

#[derive(Template)]
#[template(path = "version.html")]
struct VersionPage {
    f: Frame,
    told: Told,
    /// Who made it and when, for a version that one change made.
    by: Option<(String, String)>,
    /// What it is compared with.
    against_now: bool,
    differences: Vec<Difference>,
    /// The address of the comparison with what was before; none for the first.
    before: Option<String>,
    here: String,
    is_now: bool,
    cited: Cited,
}

#[derive(Debug, Deserialize)]
struct Compare {
    /// `avant` for what was before; anything else is now.
    avec: Option<String>,
}

async fn version(
    visit: Visit,
    Path((record, heads)): Path<(String, String)>,
    Query(compare): Query<Compare>,
) -> Result<Html<String>, Trouble> {
    let f = &visit.frame;
    let now: Sheet = visit.ask(Command::Show(record)).await?;
    let id = now.brief.id.to_string();
    let unknown = || Error::UnknownVersion { title: now.brief.title.clone() };
    let read = ShowAt::heads(&heads).ok_or_else(unknown)?;
    let then: Sheet = visit.ask(Command::ShowAt(ShowAt { record: id.clone(), heads: read.clone() })).await?;
    let log: Log = visit.ask(Command::Log(id.clone())).await?;
    let made = log.versions.iter().find(|version| read == [version.change]);
    let here = format!("/fiche/{id}/version/{}", joined(&then));
    let after = made.map(|made| made.after.clone()).filter(|after| !after.is_empty());
    let before = after.as_ref().map(|_| format!("{here}?avec=avant"));
    let against_now = compare.avec.as_deref() != Some("avant") || after.is_none();
    let differences = match after.filter(|_| !against_now) {
        Some(heads) => {
            let earlier: Sheet = visit.ask(Command::ShowAt(ShowAt { record: id, heads })).await?;
            differences(f, &earlier, &then)
        }
        None => differences(f, &then, &now),
    };
    let by = made.map(|made| step(f, &log, made)).map(|step| (step.who, step.at));
    page(&VersionPage {
        is_now: now.heads == then.heads,
        cited: Cited { picture: Some(format!("{here}/citation.svg")), ..Cited::of(f, &then) },
        told: Told::of(f, then),
        by,
        against_now,
        differences,
        before,
        here,
        f: f.clone(),
    })
}

/// The fields that differ, in the order of the form.
fn differences(f: &Frame, old: &Sheet, new: &Sheet) -> Vec<Difference> {
    let kind = Schema::get().kind(&new.brief.kind);
    let lines = |sheet: &Sheet| Reading::plain(f, sheet).rows(kind, &sheet.fields);
    let (old, new) = (lines(old), lines(new));
    let said =
        |rows: &[Row]| rows.iter().map(|row| (row.name.clone(), row.shown.lines(f.lang()))).collect::<BTreeMap<_, _>>();
    let (before, after) = (said(&old), said(&new));
    let gone = old.iter().filter(|row| !after.contains_key(&row.name));
    let empty = String::new();
    let one = |row: &Row| {
        let (before, after) = (before.get(&row.name).unwrap_or(&empty), after.get(&row.name).unwrap_or(&empty));
        (before != after).then(|| Difference { label: row.label.clone(), runs: words(before, after) })
    };
    new.iter().chain(gone).filter_map(one).collect()
}
