//! `/contributions`: what allies bring one another.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use essaim_protocol::api::{Board, Command, Contribute, Contributions, Saved, Step, TakeStep};

use super::error::Refusal;
use super::extract::{Given, Params, Scope};
use super::{Door, Route, Shape};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "get",
            "/api/v1/contributions",
            get(board),
            Shape::one::<Contributions>(),
            "Questions, proposals and disagreements, the open ones first",
        )
        .query(&[
            ("q", "words and filters, such as `contribution_form:question theme:mobility`"),
            ("state", "`open`, `answered`, `taken_up`, `kept` or `closed`"),
            ("limit", "how many at most; 0 is all"),
            ("offset", "how many to skip"),
        ]),
        Route::new(
            "post",
            "/api/v1/contributions",
            post(contribute),
            Shape::one::<Saved>(),
            "Brings a question, an answer, a proposal, a testimony…, shared at once",
        )
        .body(Shape::one::<Contribute>()),
        Route::new(
            "post",
            "/api/v1/contributions/{record}/steps",
            post(step),
            Shape::one::<Saved>(),
            "Takes a position of one's own, keeps a disagreement, closes or opens again",
        )
        .body(Shape::one::<Step>()),
    ]
}

async fn board(
    State(door): State<Door>,
    scope: Scope,
    Params(board): Params<Board>,
) -> Result<Json<Contributions>, Refusal> {
    door.ask(scope, Command::Board(board)).await.map(Json)
}

async fn contribute(
    State(door): State<Door>,
    scope: Scope,
    Given(given): Given<Contribute>,
) -> Result<(StatusCode, Json<Saved>), Refusal> {
    let saved = door.ask(scope, Command::Contribute(given)).await?;
    Ok((StatusCode::CREATED, Json(saved)))
}

async fn step(
    State(door): State<Door>,
    scope: Scope,
    Path(record): Path<String>,
    Given(step): Given<Step>,
) -> Result<Json<Saved>, Refusal> {
    door.ask(scope, Command::TakeStep(TakeStep { record, step })).await.map(Json)
}
