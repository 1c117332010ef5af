//! `/fiche/ID/archiver`: puts a record away, or takes it out again. Nothing is lost either way.

use axum::response::Redirect;
use axum::routing::post;
use essaim_protocol::api::{Archive, Command, Saved};
use serde::Deserialize;

use super::Screen;
use super::asked::{Form, Path};
use super::trouble::Trouble;
use super::visit::Visit;

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("post", "/fiche/{record}/archiver", post(archive))]
}

#[derive(Debug, Deserialize)]
struct Choice {
    /// Take it out again.
    reprendre: Option<String>,
}

async fn archive(visit: Visit, Path(record): Path<String>, Form(choice): Form<Choice>) -> Result<Redirect, Trouble> {
    let archive = Archive { record, undo: choice.reprendre.is_some() };
    let saved: Saved = visit.ask(Command::Archive(archive)).await?;
    Ok(Redirect::to(&format!("/fiche/{}", saved.brief.id)))
}
