//! `/drafts`, `/gazetteer`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, patch, post};
use essaim_protocol::api::{Command, Draft, Drafts, KeepDraft, Place, Saved, StartDraft};
use serde::Deserialize;

use super::error::Refusal;
use super::extract::{Given, Params, Scope};
use super::{Door, Route, Shape};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("get", "/api/v1/drafts", get(list), Shape::one::<Drafts>(), "What is being written here, unshared"),
        Route::new("post", "/api/v1/drafts", post(start), Shape::one::<Draft>(), "Begins a draft")
            .body(Shape::one::<StartDraft>()),
        Route::new("get", "/api/v1/drafts/{draft}", get(show), Shape::one::<Draft>(), "One draft"),
        Route::new(
            "patch",
            "/api/v1/drafts/{draft}",
            patch(keep),
            Shape::one::<Draft>(),
            "Keeps what was typed; fields that are not named stay",
        )
        .body(Shape::one::<KeepDraft>()),
        Route::new("delete", "/api/v1/drafts/{draft}", delete(drop), Shape::one::<Draft>(), "Throws a draft away"),
        Route::new(
            "post",
            "/api/v1/drafts/{draft}/share",
            post(share),
            Shape::one::<Saved>(),
            "Shares a draft as one signed change, after which it is gone",
        ),
        Route::new(
            "get",
            "/api/v1/gazetteer",
            get(places),
            Shape::many::<Place>(),
            "Territories of the gazetteer that a name or code may mean, the likeliest first",
        )
        .query(&[("q", "a name or an official code")]),
    ]
}

async fn list(State(door): State<Door>, scope: Scope) -> Result<Json<Drafts>, Refusal> {
    door.ask(scope, Command::Drafts).await.map(Json)
}

async fn start(
    State(door): State<Door>,
    scope: Scope,
    Given(start): Given<StartDraft>,
) -> Result<(StatusCode, Json<Draft>), Refusal> {
    let draft = door.ask(scope, Command::StartDraft(start)).await?;
    Ok((StatusCode::CREATED, Json(draft)))
}

async fn show(State(door): State<Door>, scope: Scope, Path(draft): Path<String>) -> Result<Json<Draft>, Refusal> {
    door.ask(scope, Command::Draft(draft)).await.map(Json)
}

async fn keep(
    State(door): State<Door>,
    scope: Scope,
    Path(draft): Path<String>,
    Given(keep): Given<KeepDraft>,
) -> Result<Json<Draft>, Refusal> {
    door.ask(scope, Command::KeepDraft(KeepDraft { draft, ..keep })).await.map(Json)
}

async fn drop(State(door): State<Door>, scope: Scope, Path(draft): Path<String>) -> Result<Json<Draft>, Refusal> {
    door.ask(scope, Command::DropDraft(draft)).await.map(Json)
}

async fn share(State(door): State<Door>, scope: Scope, Path(draft): Path<String>) -> Result<Json<Saved>, Refusal> {
    door.ask(scope, Command::ShareDraft(draft)).await.map(Json)
}

/// Which places.
#[derive(Debug, Deserialize)]
struct Of {
    #[serde(default)]
    q: String,
}

async fn places(State(door): State<Door>, scope: Scope, Params(of): Params<Of>) -> Result<Json<Vec<Place>>, Refusal> {
    door.ask(scope, Command::Gazetteer(of.q)).await.map(Json)
}
