//! How a record is cited: the line for a bibliography, the name of just this version as text and as a QR code.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use essaim_protocol::api::{Command, Error, Sheet, ShowAt};
use essaim_protocol::record::schema::Schema;
use serde_json::Value as Json;

use super::asked::Path;
use super::find::address;
use super::letter::Quoted;
use super::trouble::Trouble;
use super::visit::{Frame, HERE, Quote, Visit};
use super::{Screen, qr};
use crate::words::when;

pub(super) fn screens() -> Vec<Screen> {
    vec![
        Screen::new("get", "/fiche/{record}/citation.svg", get(picture)),
        Screen::new("get", "/fiche/{record}/version/{heads}/citation.svg", get(picture_then)),
    ]
}

/// What cites a record.
pub(super) struct Cited {
    /// Authors, title, commons, date, licence.
    pub(super) line: Quote,
    /// `essaim:COMMONS/RECORD@HEADS`.
    pub(super) version: String,
    /// A message to write, with both.
    pub(super) mail: String,
    /// The address of the QR code of the version, where there is one.
    pub(super) picture: Option<String>,
}

impl Cited {
    pub(super) fn of(f: &Frame, sheet: &Sheet) -> Self {
        let title = if sheet.brief.title.is_empty() { f.t("sheet-untitled") } else { sheet.brief.title.clone() };
        let quoted = Quoted { title: title.clone(), ..Quoted::of(f, &sheet.brief) };
        let licence = sheet.fields.get("licence").and_then(Json::as_str).unwrap_or_default();
        let licence = Schema::get().term("licence", licence).map_or(licence, |term| term.label.get(f.lang()));
        // What a term explains in brackets is for those who choose one.
        let licence = licence.split(" (").next().unwrap_or_default();
        let commons = f.commons.as_ref().map(|commons| commons.name.clone()).unwrap_or_default();
        let parts = [
            sheet.brief.by.join(", "),
            f.t1("cite-title", "title", HERE),
            commons,
            sheet.brief.updated_at.map(|at| when::day(f.lang(), at)).unwrap_or_default(),
            licence.to_owned(),
        ];
        let said = format!("{}.", parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "));
        let version = sheet.citation.clone();
        let body = format!("{}\n\n{version}", said.replacen(HERE, &title, 1));
        let mail = address("mailto:", &[("subject", title), ("body", body)]);
        Self { line: Quote::around(&said, &quoted), version, mail, picture: f.citation(sheet.brief.id) }
    }
}

async fn picture(visit: Visit, Path(record): Path<String>) -> Result<Response, Trouble> {
    code(&visit.ask(Command::Show(record)).await?)
}

async fn picture_then(visit: Visit, Path((record, heads)): Path<(String, String)>) -> Result<Response, Trouble> {
    let unknown = || Error::UnknownVersion { title: record.clone() };
    let heads = ShowAt::heads(&heads).ok_or_else(unknown)?;
    code(&visit.ask(Command::ShowAt(ShowAt { record, heads })).await?)
}

/// The name of just this version as a QR code.
fn code(sheet: &Sheet) -> Result<Response, Trouble> {
    // Only the name of a merge of dozens of versions is too long for a code.
    let too_long = || Error::UnknownVersion { title: sheet.brief.title.clone() };
    let svg = qr::svg(&sheet.citation).ok_or_else(too_long)?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}
