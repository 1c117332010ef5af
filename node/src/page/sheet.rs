//! `/fiche/ID`: one record, whole.

use askama::Template;
use axum::extract::Path;
use axum::response::Html;
use axum::routing::get;
use essaim_protocol::api::{Command, Sheet};
use essaim_protocol::record::schema::Schema;
use serde_json::Value as Json;

use super::Screen;
use super::shown::{Reading, Relation, Row, Shown};
use super::visit::{Frame, Trouble, Visit, page};

/// Fields that stand around the record's own words.
const AROUND: [&str; 11] =
    ["title", "summary", "themes", "tags", "links", "authors", "licence", "status", "visibility", "lang", "fictional"];

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", "/fiche/{record}", get(show))]
}

#[derive(Template)]
#[template(path = "sheet.html")]
struct SheetPage {
    f: Frame,
    kind: String,
    /// The language it is written in.
    lang: String,
    sheet: Sheet,
    /// The record's own words, in the order of the form.
    body: Vec<Row>,
    /// What classes it: themes, tags.
    classes: Vec<Row>,
    relations: Vec<Relation>,
    /// Who signs and under which licence.
    credits: Vec<Row>,
}

async fn show(visit: Visit, Path(record): Path<String>) -> Result<Html<String>, Trouble> {
    let sheet: Sheet = visit.ask(Command::Show(record)).await?;
    let schema = Schema::get().kind(&sheet.brief.kind);
    let reading = Reading::of(visit.lang(), &sheet);
    let rows = reading.rows(schema, &sheet.fields);
    let (around, body): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| AROUND.contains(&row.name.as_str()));
    let among = |names: &[&str]| around.iter().filter(|row| names.contains(&row.name.as_str())).cloned().collect();
    let links = around.iter().find(|row| row.name == "links").map(|row| row.shown.clone());
    let relations = if let Some(Shown::Relations(relations)) = links { relations } else { Vec::new() };
    page(&SheetPage {
        kind: schema.map_or(sheet.brief.kind.as_str(), |kind| kind.label.get(visit.lang())).to_owned(),
        lang: sheet.fields.get("lang").and_then(Json::as_str).unwrap_or("fr").to_owned(),
        body,
        classes: among(&["themes", "tags"]),
        relations,
        credits: among(&["authors", "licence"]),
        f: visit.frame.clone(),
        sheet,
    })
}
