//! What an address and a form bring, with every refusal as a page: axum's own extractors answer in English plain text.

use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use essaim_protocol::api::{Error, Words};
use serde::de::DeserializeOwned;

use super::trouble::Trouble;
use crate::http::Door;
use crate::texts;

/// The parameters of an address.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Door> for Query<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Trouble> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(unread(texts::words("unread-parameter"), &rejection)),
        }
    }
}

/// The names in a path.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Door> for Path<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Trouble> {
        match axum::extract::Path::from_request_parts(parts, door).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(unread(texts::words("unread-path"), &rejection)),
        }
    }
}

/// What a form holds. The [guard](super::guard) has read it already, within its bound.
#[derive(Debug)]
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Door> for Form<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Trouble> {
        let read: Result<_, FormRejection> = axum::Form::from_request(request, door).await;
        match read {
            Ok(axum::Form(value)) => Ok(Self(value)),
            Err(rejection) => Err(unread(texts::words("unread-form"), &rejection)),
        }
    }
}

fn unread(detail: Words, why: &impl std::fmt::Display) -> Trouble {
    tracing::debug!(%why, "a request of the page cannot be read");
    Trouble(Error::BadRequest { detail })
}
