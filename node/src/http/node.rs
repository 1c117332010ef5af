//! `/status`, `/identity`, `/doctor`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use essaim_protocol::api::{Command, Diagnosis, Doctor, Identity, Init, Status};

use super::error::Refusal;
use super::extract::{Given, Scope, long};
use super::{Door, Route, Shape};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "get",
            "/api/v1/status",
            get(status),
            Shape::one::<Status>(),
            "The node, its commons, its peers and what to do next",
        ),
        Route::new("post", "/api/v1/identity", post(init), Shape::one::<Identity>(), "Makes an identity in this home")
            .body(Shape::one::<Init>()),
        Route::new(
            "post",
            "/api/v1/doctor",
            post(doctor),
            Shape::lines::<Diagnosis>(),
            "Checks, and on demand rebuilds, what is stored",
        )
        .body(Shape::one::<Doctor>()),
    ]
}

async fn status(State(door): State<Door>, scope: Scope) -> Result<Json<Status>, Refusal> {
    door.ask(scope, Command::Status).await.map(Json)
}

async fn init(
    State(door): State<Door>,
    scope: Scope,
    Given(init): Given<Init>,
) -> Result<(StatusCode, Json<Identity>), Refusal> {
    let identity = door.ask(scope, Command::Init(init)).await?;
    Ok((StatusCode::CREATED, Json(identity)))
}

async fn doctor(State(door): State<Door>, scope: Scope, Given(doctor): Given<Doctor>) -> Response {
    long::<Diagnosis>(&door, scope, Command::Doctor(doctor))
}
