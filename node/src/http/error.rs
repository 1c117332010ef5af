//! Errors as the API writes them: the data, a status, and the words in both languages.

use axum::Json;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use essaim_protocol::api::{Error, Fault, Words};
use serde::Serialize;

/// An error on its way out.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// `{"kind": …, its data…, "message": {"fr": …, "en": …}}`
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    error: &'a Error,
    message: Words,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = status(&self.0);
        if status.is_server_error() {
            tracing::error!(error = %self.0, "the local API answers with an error");
        }
        (status, Json(Written { error: &self.0, message: self.0.words() })).into_response()
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the fault decides, but for the kinds that HTTP has a word for")]
pub(crate) fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unauthorised {} => StatusCode::UNAUTHORIZED,
        Error::ForeignCaller { .. } | Error::Forbidden { .. } => StatusCode::FORBIDDEN,
        Error::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::DiskFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
        other => match other.fault() {
            Fault::Asker => StatusCode::BAD_REQUEST,
            Fault::Missing => StatusCode::NOT_FOUND,
            Fault::State => StatusCode::CONFLICT,
            Fault::Peer => StatusCode::BAD_GATEWAY,
            Fault::Machine | Fault::Ours => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

/// Answers to a path that no route has.
pub(super) async fn unknown_route(uri: Uri) -> Refusal {
    Refusal(Error::UnknownRoute { path: uri.path().to_owned() })
}

/// Answers to a method that a route does not have.
pub(super) async fn unknown_method(uri: Uri) -> Response {
    let path = uri.path();
    let detail = Words::new(format!("{path} ne connaît pas cette méthode"), format!("{path} has no such method"));
    let refusal = Refusal(Error::BadRequest { detail });
    (StatusCode::METHOD_NOT_ALLOWED, refusal).into_response()
}
