//! `/inbox`, `/settings`, `/territories`: what is there for this home, and what it keeps for itself.

use axum::Json;
use axum::extract::{Path, State};
use axum::routing::{get, patch, post};
use essaim_protocol::api::{AskInbox, Command, Inbox, MarkRead, SetSettings, Settings, Territory, Unread};

use super::error::Refusal;
use super::extract::{Given, Params, Scope};
use super::{Door, Route, Shape};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("get", "/api/v1/inbox", get(show), Shape::one::<Inbox>(), "What is there for this home")
            .query(&[("all", "`true`: also what was marked as read")]),
        Route::new(
            "post",
            "/api/v1/inbox/read",
            post(mark),
            Shape::one::<Inbox>(),
            "Marks items as read; answers what is left",
        )
        .body(Shape::one::<MarkRead>()),
        Route::new("get", "/api/v1/inbox/unread", get(unread), Shape::one::<Unread>(), "How much is not read"),
        Route::new(
            "get",
            "/api/v1/territories/{territory}",
            get(territory),
            Shape::one::<Territory>(),
            "A territory among the others: what concerns it, who asks about that, who drew on it, territories like it",
        ),
        Route::new(
            "get",
            "/api/v1/settings",
            get(settings),
            Shape::one::<Settings>(),
            "What this home keeps for itself",
        ),
        Route::new("patch", "/api/v1/settings", patch(set), Shape::one::<Settings>(), "Changes the settings")
            .body(Shape::one::<SetSettings>()),
    ]
}

async fn show(State(door): State<Door>, scope: Scope, Params(asked): Params<AskInbox>) -> Result<Json<Inbox>, Refusal> {
    door.ask(scope, Command::Inbox(asked)).await.map(Json)
}

async fn mark(State(door): State<Door>, scope: Scope, Given(mark): Given<MarkRead>) -> Result<Json<Inbox>, Refusal> {
    door.ask(scope, Command::MarkRead(mark)).await.map(Json)
}

async fn unread(State(door): State<Door>, scope: Scope) -> Result<Json<Unread>, Refusal> {
    door.ask(scope, Command::Unread).await.map(Json)
}

async fn territory(
    State(door): State<Door>,
    scope: Scope,
    Path(territory): Path<String>,
) -> Result<Json<Territory>, Refusal> {
    door.ask(scope, Command::Territory(territory)).await.map(Json)
}

async fn settings(State(door): State<Door>, scope: Scope) -> Result<Json<Settings>, Refusal> {
    door.ask(scope, Command::Settings).await.map(Json)
}

async fn set(
    State(door): State<Door>,
    scope: Scope,
    Given(set): Given<SetSettings>,
) -> Result<Json<Settings>, Refusal> {
    door.ask(scope, Command::SetSettings(set)).await.map(Json)
}
