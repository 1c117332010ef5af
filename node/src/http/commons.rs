//! `/commons`, `/allies`, `/invitations`, `/tickets`, `/joins`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use essaim_protocol::api::{
    Allies, Ally, Command, Commons, CommonsList, CreateCommons, Invitation, Invite, Join, Joined, ReadTicket,
    TicketContent,
};

use super::error::Refusal;
use super::extract::{Given, Scope, long};
use super::{Door, Route, Shape};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("get", "/api/v1/commons", get(list), Shape::many::<Commons>(), "The commons of this home"),
        Route::new("post", "/api/v1/commons", post(create), Shape::lines::<Commons>(), "Founds a commons")
            .body(Shape::one::<CreateCommons>()),
        Route::new(
            "get",
            "/api/v1/commons/{commons}",
            get(show),
            Shape::one::<Commons>(),
            "One commons, by name, id or prefix",
        ),
        Route::new("get", "/api/v1/allies", get(allies), Shape::many::<Ally>(), "The allies of a commons"),
        Route::new("get", "/api/v1/allies/{ally}", get(ally), Shape::one::<Ally>(), "One ally, by name, id or prefix"),
        Route::new(
            "post",
            "/api/v1/invitations",
            post(invite),
            Shape::one::<Invitation>(),
            "Signs an invitation and gives its ticket",
        )
        .body(Shape::one::<Invite>()),
        Route::new(
            "post",
            "/api/v1/tickets",
            post(read_ticket),
            Shape::one::<TicketContent>(),
            "What a ticket says, asking the inviting node for the charter; the ticket is not used",
        )
        .body(Shape::one::<ReadTicket>()),
        Route::new("post", "/api/v1/joins", post(join), Shape::lines::<Joined>(), "Uses a ticket")
            .body(Shape::one::<Join>()),
    ]
}

async fn list(State(door): State<Door>, scope: Scope) -> Result<Json<CommonsList>, Refusal> {
    door.ask(scope, Command::ListCommons).await.map(Json)
}

async fn create(State(door): State<Door>, scope: Scope, Given(create): Given<CreateCommons>) -> Response {
    long::<Commons>(&door, scope, Command::CreateCommons(create))
}

async fn show(State(door): State<Door>, scope: Scope, Path(name): Path<String>) -> Result<Json<Commons>, Refusal> {
    door.ask(scope.within(name), Command::ShowCommons).await.map(Json)
}

async fn allies(State(door): State<Door>, scope: Scope) -> Result<Json<Allies>, Refusal> {
    door.ask(scope, Command::Allies).await.map(Json)
}

async fn ally(State(door): State<Door>, scope: Scope, Path(ally): Path<String>) -> Result<Json<Ally>, Refusal> {
    door.ask(scope, Command::Ally(ally)).await.map(Json)
}

async fn invite(
    State(door): State<Door>,
    scope: Scope,
    Given(invite): Given<Invite>,
) -> Result<(StatusCode, Json<Invitation>), Refusal> {
    let invitation = door.ask(scope, Command::Invite(invite)).await?;
    Ok((StatusCode::CREATED, Json(invitation)))
}

async fn read_ticket(
    State(door): State<Door>,
    scope: Scope,
    Given(ticket): Given<ReadTicket>,
) -> Result<Json<TicketContent>, Refusal> {
    door.ask(scope, Command::ReadTicket(ticket)).await.map(Json)
}

async fn join(State(door): State<Door>, scope: Scope, Given(join): Given<Join>) -> Response {
    long::<Joined>(&door, scope, Command::Join(join))
}
