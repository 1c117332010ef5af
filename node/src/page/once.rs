//! A form that is sent twice is taken once.
//!
//! People click twice; a browser then drops the first request and sends another. So every page that is drawn has a nonce,
//! which its forms send along with their token. A form runs to its end even when nobody waits for the answer any more, and
//! what a handler calls [`done`] is remembered under all that the form said: the same form, sent again, gets the same
//! answer, and nothing is done a second time. What was refused is not remembered: it may be sent again. Nor is any answer
//! for longer than a minute: whoever goes back to the page and asks once more by then wants another.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use essaim_protocol::api::Error;
use essaim_protocol::id::RecordId;

use super::guard;
use super::trouble::Trouble;

/// Answers that are remembered, drafts that were shared likewise. One person writes; nobody sends a form again after so many
/// others, and whoever does writes a second time what can be put away.
const KEPT: usize = 64;

/// The most bytes of an answer that is remembered: an invitation's page with its picture is a third of this.
const MAX_ANSWER: usize = 256 << 10;

/// How long an answer stands for the same form. A second click, or a browser that sends again what it lost, is there in
/// seconds; somebody who has read the answer and asks for another invitation or draft takes longer than the second click.
const STANDS: Duration = Duration::from_secs(60);

/// What was done lately. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Once(Arc<Mutex<Lately>>);

#[derive(Debug, Default)]
struct Lately {
    forms: VecDeque<(blake3::Hash, Turn)>,
    shared: VecDeque<(String, RecordId)>,
}

/// The answer to a form, once there is one. Whoever holds the lock is answering it.
type Turn = Arc<tokio::sync::Mutex<Option<Answer>>>;

#[derive(Debug, Clone)]
struct Answer {
    at: Instant,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn stands(&self, now: Instant) -> bool {
        now.duration_since(self.at) < STANDS
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, self.headers, self.body).into_response()
    }
}

/// The mark of an answer to be remembered.
#[derive(Clone)]
struct Done;

/// An answer that says that something was written: the same form does not write it again.
pub(super) fn done(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.extensions_mut().insert(Done);
    response
}

impl Once {
    /// Notes what became of a draft.
    pub(super) fn share(&self, draft: &str, record: RecordId) {
        let mut lately = self.lately();
        lately.shared.push_back((draft.to_owned(), record));
        if lately.shared.len() > KEPT {
            lately.shared.pop_front();
        }
    }

    /// The record that a draft lately became.
    pub(super) fn shared(&self, draft: &str) -> Option<RecordId> {
        self.lately().shared.iter().find(|(known, _)| known == draft).map(|(_, record)| *record)
    }

    fn turn(&self, form: blake3::Hash) -> Turn {
        let mut lately = self.lately();
        if let Some((_, turn)) = lately.forms.iter().find(|(known, _)| *known == form) {
            return turn.clone();
        }
        let turn = Turn::default();
        lately.forms.push_back((form, turn.clone()));
        if lately.forms.len() > KEPT {
            lately.forms.pop_front();
        }
        turn
    }

    fn forget(&self, form: blake3::Hash) {
        self.lately().forms.retain(|(known, _)| *known != form);
    }

    fn lately(&self) -> std::sync::MutexGuard<'_, Lately> {
        // Nothing is left half done under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The layer between the guard and the screens.
pub(super) async fn once(State(once): State<Once>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    // The guard has read it within its bound.
    let Ok(bytes) = axum::body::to_bytes(body, guard::MAX_FORM).await else { return fell_over() };
    let mut hasher = blake3::Hasher::new();
    hasher.update(parts.uri.to_string().as_bytes()).update(&[0]).update(&bytes);
    let form = guard::has_nonce(&bytes).then(|| hasher.finalize());
    let request = Request::from_parts(parts, Body::from(bytes));
    let job = async move {
        let Some(form) = form else { return next.run(request).await };
        let turn = once.turn(form);
        let mut answer = turn.lock().await;
        if let Some(answer) = answer.as_ref().filter(|answer| answer.stands(Instant::now())) {
            return answer.clone().into_response();
        }
        let response = next.run(request).await;
        let small = response.body().size_hint().upper().is_some_and(|bytes| bytes <= MAX_ANSWER as u64);
        if !small || response.extensions().get::<Done>().is_none() {
            once.forget(form);
            return response;
        }
        let (parts, body) = response.into_parts();
        let Ok(body) = axum::body::to_bytes(body, MAX_ANSWER).await else { return fell_over() };
        let (status, headers) = (parts.status, parts.headers);
        answer.insert(Answer { at: Instant::now(), status, headers, body }).clone().into_response()
    };
    // A task of its own: the browser may hang up, and the form is taken all the same.
    tokio::spawn(job).await.unwrap_or_else(|_| fell_over())
}

fn fell_over() -> Response {
    Trouble(Error::Internal { detail: "a form was not answered".to_owned() }).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_stands_for_a_minute() {
        let at = Instant::now();
        let answer = Answer { at, status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::new() };
        assert!(answer.stands(at) && answer.stands(at + Duration::from_secs(59)), "a second click");
        assert!(!answer.stands(at + Duration::from_secs(60)), "another invitation is asked for");
    }
}
