//! Reading requests and writing streams, with every refusal as our own JSON.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use essaim_protocol::api::{self, Error, Lang, Line};
use futures::stream;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};

use super::Door;
use super::error::Refusal;

/// Most bytes of a JSON body: a record holds 192 KiB at most, and JSON may double what it escapes.
const MAX_JSON: usize = 1024 * 1024;

/// Most bytes of an imported file: 100,000 records of 2 kB, held in memory once as text and once as fields.
const MAX_IMPORT: usize = 256 * 1024 * 1024;

/// For which commons and in which language a request is made: `?commons=NAME&lang=fr`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Scope {
    commons: Option<String>,
    #[serde(default)]
    lang: Lang,
}

impl Scope {
    /// The engine's request.
    pub(super) fn request(self, command: api::Command) -> api::Request {
        api::Request { commons: self.commons, lang: self.lang, command }
    }

    pub(super) const fn lang(&self) -> Lang {
        self.lang
    }

    /// The same language, in the commons of this name.
    pub(super) fn within(self, commons: String) -> Self {
        Self { commons: Some(commons), ..self }
    }
}

impl FromRequestParts<Door> for Scope {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Refusal> {
        query(parts)
    }
}

/// The parameters of a query.
#[derive(Debug)]
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Door> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Refusal> {
        query(parts).map(Self)
    }
}

fn query<T: DeserializeOwned>(parts: &Parts) -> Result<T, Refusal> {
    match Query::try_from_uri(&parts.uri) {
        Ok(Query(value)) => Ok(value),
        Err(rejection) => {
            let en = rejection.body_text();
            let fr = format!("les paramètres de l'adresse ne conviennent pas ({en})");
            Err(Refusal(Error::BadRequest { detail: api::Words::new(fr, en) }))
        }
    }
}

/// A JSON body.
#[derive(Debug)]
pub(super) struct Given<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Door> for Given<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Door) -> Result<Self, Refusal> {
        let json =
            request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        if !json {
            return Err(Refusal(Error::BadRequest {
                detail: api::Words::new(
                    "le contenu doit être du JSON (application/json)",
                    "the body must be application/json",
                ),
            }));
        }
        let bytes = body(request, MAX_JSON).await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Refusal(Error::BadRequest { detail: api::Words::of_json(&error) }))
    }
}

/// A body of JSON lines, in whatever encoding: one line in another is one bad line, refused with its number.
#[derive(Debug)]
pub(super) struct Lines(pub(super) Vec<u8>);

impl FromRequest<Door> for Lines {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Door) -> Result<Self, Refusal> {
        let bytes = body(request, MAX_IMPORT).await?;
        Ok(Self(bytes.into()))
    }
}

async fn body(request: Request, max: usize) -> Result<axum::body::Bytes, Refusal> {
    axum::body::to_bytes(request.into_body(), max).await.map_err(|_| {
        let what = api::Words::new("le contenu de la demande", "the body of the request");
        Refusal(Error::TooLarge { what, found: max as u64 + 1, max: max as u64 })
    })
}

/// Runs a long job and answers with its reports and its end, a JSON line each.
///
/// The job goes on when the caller hangs up: it is one of those that may be repeated. Of reports that come faster than
/// the caller reads, the last one is kept.
pub(super) fn long<T>(door: &Door, scope: Scope, command: api::Command) -> Response
where
    T: TryFrom<api::Answer, Error = Error> + Serialize + Send + 'static,
{
    let (report, reports) = watch::channel(None);
    let (end, ended) = oneshot::channel();
    let report = Arc::new(move |progress| {
        report.send_replace(Some(progress));
    });
    let job = (door.ask)(scope.request(command), report);
    tokio::spawn(async move {
        // Nobody may be listening any more: the job's effects are what counts.
        let _ = end.send(job.await.and_then(T::try_from));
    });
    let lines = stream::unfold(Some((reports, ended)), |state| async move {
        let (mut reports, mut ended) = state?;
        let line = tokio::select! {
            // The last report is told before the end even when both came since the caller last read.
            biased;
            Ok(()) = reports.changed() => reports.borrow_and_update().clone(),
            end = &mut ended => {
                let fell = || Error::Internal { detail: "the job fell over; see the log of the node".into() };
                let line = end.unwrap_or_else(|_| Err(fell())).map_or_else(Line::Error, Line::Answer);
                return Some((written(&line), None));
            }
        };
        Some((line.map_or_else(Vec::new, |p| written(&Line::<T>::Progress(p))), Some((reports, ended))))
    });
    let lines = futures::StreamExt::map(lines, Ok::<_, Infallible>);
    ([(CONTENT_TYPE, LINES)], Body::from_stream(lines)).into_response()
}

/// The media type of JSON lines.
pub const LINES: &str = "application/x-ndjson";

fn written<T: Serialize>(line: &Line<T>) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(line)
        .unwrap_or_else(|error| format!(r#"{{"error":{{"kind":"internal","detail":"{error}"}}}}"#).into_bytes());
    bytes.push(b'\n');
    bytes
}
