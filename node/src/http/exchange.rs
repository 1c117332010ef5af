//! `/exchanges` with peers, `/import` and `/export` of files.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use essaim_protocol::api::{Command, Export, Exported, Import, Imported, Sync, Synced};

use super::error::Refusal;
use super::extract::{Given, LINES, Lines, Params, Scope, long};
use super::records::lacking;
use super::{Door, Route, Shape};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("post", "/api/v1/exchanges", post(sync), Shape::lines::<Synced>(), "Exchanges with peers now")
            .body(Shape::one::<Sync>()),
        Route::new(
            "post",
            "/api/v1/import",
            post(import),
            Shape::lines::<Imported>(),
            "Takes in records, one JSON object a line",
        )
        .body(Shape::any_lines()),
        Route::new("get", "/api/v1/export", get(export), Shape::any_lines(), "Records, one JSON object a line")
            .query(&[("q", "only what these words and filters find")]),
    ]
}

async fn sync(State(door): State<Door>, scope: Scope, Given(sync): Given<Sync>) -> Response {
    long::<Synced>(&door, scope, Command::Sync(sync))
}

async fn import(State(door): State<Door>, scope: Scope, Lines(lines): Lines) -> Response {
    long::<Imported>(&door, scope, Command::Import(Import { lines }))
}

async fn export(State(door): State<Door>, scope: Scope, Params(export): Params<Export>) -> Result<Response, Refusal> {
    let exported: Exported = door.ask(scope, Command::Export(export)).await?;
    let mut headers = lacking(exported.lacking);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(LINES));
    Ok((headers, exported.lines).into_response())
}
