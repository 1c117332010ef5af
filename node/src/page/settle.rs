//! `/fiche/ID/regler`: what was written apart, side by side, until somebody decides.
//!
//! A form says which field, what to keep, and which version it was made from: when something new has come in between,
//! nothing is settled and the person looks again.

use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use essaim_protocol::api::{Command, Conflict, Saved, Settle, Settlement, Sheet};
use essaim_protocol::record::schema::{self, Schema, Type};
use serde::Deserialize;

use super::Screen;
use super::asked::{Form, Path};
use super::once::done;
use super::shown::{Reading, Shown};
use super::trouble::Trouble;
use super::visit::{Frame, Visit};

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("post", "/fiche/{record}/regler", post(settle))]
}

/// One field whose values wait for somebody to settle.
pub(super) struct Dispute {
    /// Where its part of the page is.
    pub(super) anchor: String,
    pub(super) field: String,
    pub(super) label: String,
    pub(super) sides: Vec<Side>,
    /// What merging made of a text.
    pub(super) merged: Option<String>,
    /// What a third version is written with; nothing when the field has parts.
    pub(super) third: Option<Third>,
}

/// One value, and who wrote it when.
pub(super) struct Side {
    pub(super) number: usize,
    pub(super) who: String,
    pub(super) shown: Shown,
}

/// The widget of a third version.
pub(super) enum Third {
    /// A text, with what it begins with.
    Text(String),
    /// A line.
    Line(String),
    /// One of these terms: code and label.
    Choice(Vec<(String, String)>),
}

/// What of a record waits to be settled.
pub(super) fn disputes(f: &Frame, sheet: &Sheet) -> Vec<Dispute> {
    sheet.disagreements.iter().enumerate().map(|(at, one)| dispute(f, sheet, at, one)).collect()
}

/// What others would have in place of an ally's own words.
pub(super) fn proposals(f: &Frame, sheet: &Sheet) -> Vec<Dispute> {
    sheet.proposals.iter().enumerate().map(|(at, one)| dispute(f, sheet, at, one)).collect()
}

fn dispute(f: &Frame, sheet: &Sheet, at: usize, conflict: &Conflict) -> Dispute {
    let kind = Schema::get().kind(&sheet.brief.kind);
    let reading = Reading::of(f, sheet);
    let side = |(number, value): (usize, &essaim_protocol::api::Value)| {
        let who = value.ally.clone().unwrap_or_else(|| f.t("settle-somebody"));
        let who =
            value.at.map_or_else(|| who.clone(), |at| f.t2("sheet-by-at", "by", who.clone(), "at", f.moment(&at)));
        let shown = match &value.label {
            Some(label) => Shown::Term(f.code(), label.clone()),
            None => reading.at(kind, &conflict.field, &value.value),
        };
        Side { number, who, shown }
    };
    let first = conflict.values.first().and_then(|value| value.value.as_str()).unwrap_or_default();
    let begin = conflict.merged.as_deref().unwrap_or(first).to_owned();
    Dispute {
        anchor: format!("regler-{at}"),
        field: conflict.field.clone(),
        label: conflict.label.clone(),
        sides: conflict.values.iter().enumerate().map(side).collect(),
        merged: conflict.merged.clone(),
        third: kind.and_then(|kind| third(f, kind.at(conflict.field.split('/'))?, begin)),
    }
}

fn third(f: &Frame, spec: &schema::Field, begin: String) -> Option<Third> {
    match &spec.ty {
        Type::Text | Type::Markdown => Some(Third::Text(begin)),
        Type::String | Type::Url | Type::Date | Type::Number => Some(Third::Line(begin)),
        Type::Code(vocabulary) => {
            let terms = &Schema::get().vocabulary(vocabulary)?.terms;
            Some(Third::Choice(
                terms.iter().map(|term| (term.code.clone(), term.label.get(f.lang()).to_owned())).collect(),
            ))
        }
        Type::Bool | Type::Language | Type::Codes(_) | Type::Strings | Type::Struct(_) | Type::Atomic(_) => None,
        Type::List(_) | Type::Map(..) | Type::Values(_) | Type::Ref | Type::Refs | Type::Links(_) => None,
        Type::Attachments => None,
    }
}

#[derive(Debug, Deserialize)]
struct Choice {
    field: String,
    /// The heads of what the person saw, joined by dots.
    seen: String,
    /// A value's number, `both`, or `text` for what `text` holds.
    keep: String,
    #[serde(default)]
    text: String,
}

async fn settle(visit: Visit, Path(record): Path<String>, Form(choice): Form<Choice>) -> Result<Response, Trouble> {
    let sheet: Sheet = visit.ask(Command::Show(record)).await?;
    let id = sheet.brief.id;
    if joined(&sheet) != choice.seen {
        return Ok(Redirect::to(&format!("/fiche/{id}?entretemps=1")).into_response());
    }
    let keep = match choice.keep.as_str() {
        "both" => Settlement::Both,
        // Browsers end the lines of a form their own way (HTML, form submission).
        "text" => Settlement::Other(choice.text.replace("\r\n", "\n")),
        number => Settlement::Value(number.parse().unwrap_or(usize::MAX)),
    };
    let conflict = sheet.disagreements.iter().find(|conflict| conflict.field == choice.field);
    let seen = conflict.map(|conflict| conflict.values.iter().map(|value| value.value.clone()).collect());
    let settle = Settle { record: id.to_string(), field: choice.field, keep, seen: seen.unwrap_or_default() };
    visit.ask::<Saved>(Command::Settle(settle)).await?;
    Ok(done(Redirect::to(&format!("/fiche/{id}?regle=1"))))
}

/// The heads of a sheet as forms and addresses write them.
pub(super) fn joined(sheet: &Sheet) -> String {
    sheet.heads.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}
