//! What went wrong, as a page: what happened, what is wrong with it, what to do next, in the language of who asked.

use askama::Template;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use essaim_protocol::api::{Candidate, Error, Lang, Problem, Words};
use essaim_protocol::record::schema::Schema;

use super::visit::{Frame, lang};
use crate::http::status_of;
use crate::words::labelled;

/// A filled template.
pub(super) fn page(template: &impl Template) -> Result<Html<String>, Trouble> {
    template.render().map(Html).map_err(|error| Trouble(Error::Internal { detail: error.to_string() }))
}

/// An error on its way to a page of its own.
#[derive(Debug, Clone)]
pub(super) struct Trouble(pub(super) Error);

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = status_of(&self.0).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// An error in words.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// What happened.
    pub(super) says: String,
    /// What is wrong, or what was perhaps meant.
    pub(super) details: Vec<String>,
}

impl Said {
    pub(super) fn of(lang: Lang, error: &Error) -> Self {
        Self { says: error.words().text(lang).to_owned(), details: details(lang, error) }
    }

    /// In one paragraph, for the head of a form. A mistake in what was typed says all by itself.
    pub(super) fn paragraph(lang: Lang, error: &Error) -> String {
        let Self { says, details } = Self::of(lang, error);
        if details.is_empty() {
            says
        } else if matches!(error, Error::Invalid { .. }) {
            details.join(" ")
        } else {
            labelled(lang, &says, &details.join(lang.pick("\u{202f}; ", "; ")))
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only the kinds that carry more than their sentence have more to say"
)]
fn details(lang: Lang, error: &Error) -> Vec<String> {
    let problem = |problem: &Problem| problem.message.text(lang).to_owned();
    let words = |words: &Words| vec![words.text(lang).to_owned()];
    match error {
        Error::UnknownCommons { candidates, .. }
        | Error::WhichCommons { candidates }
        | Error::Ambiguous { candidates, .. }
        | Error::UnknownAlly { candidates, .. }
        | Error::UnknownTerritory { candidates, .. } => candidates.iter().map(meant).collect(),
        Error::UnknownKind { candidates, .. } => {
            let label = |one: &Candidate| {
                let kind = Schema::get().kind(&one.id);
                kind.map_or_else(|| one.title.clone(), |kind| kind.label.get(lang).to_owned())
            };
            candidates.iter().map(label).collect()
        }
        Error::Invalid { problems } => problems.iter().map(problem).collect(),
        Error::BadQuery { problem: one, .. } => vec![problem(one)],
        Error::BadTicket { problem: detail } | Error::Forbidden { what: detail } => words(detail),
        Error::BadAddress { detail, .. } => words(detail),
        Error::TooLarge { what, .. } => words(what),
        _ => Vec::new(),
    }
}

/// One of several things that a name may mean.
fn meant(one: &Candidate) -> String {
    match &one.detail {
        Some(detail) => format!("{} ({detail})", one.title),
        None => one.title.clone(),
    }
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    f: Frame,
    said: Said,
    hint: Option<String>,
    status: StatusCode,
}

/// Makes a page of an error, in the language of who asked.
pub(super) async fn dress(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let lang = lang(&parts);
    let here = parts.uri.path().to_owned();
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(Trouble(error)) = response.extensions().get::<Trouble>().cloned() else { return response };
    let status = response.status();
    if status.is_server_error() {
        tracing::error!(%error, "the page answers with an error");
    }
    let mut f = Frame::bare(lang);
    f.here = here;
    let data = serde_json::to_value(&error).unwrap_or_default();
    let hint = data["kind"].as_str().and_then(|kind| f.maybe(&format!("hint-{kind}")));
    let page = TroublePage { said: Said::of(lang, &error), hint, status, f }.render();
    page.map_or_else(|_| status.into_response(), |page| (status, Html(page)).into_response())
}

/// Answers to an address that no screen has.
pub(super) async fn unknown_address(uri: Uri) -> Trouble {
    Trouble(Error::UnknownRoute { path: uri.path().to_owned() })
}

/// Answers to a method that a screen does not have: somebody opened the address to which a form is sent.
pub(super) async fn unknown_method() -> Response {
    let fr = "cette adresse reçoit un formulaire et ne montre rien ; passez par l’accueil";
    let en = "this address takes a form and shows nothing; begin at the first page";
    let trouble = Trouble(Error::BadRequest { detail: Words::new(fr, en) });
    (StatusCode::METHOD_NOT_ALLOWED, trouble).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_is_wrong_and_what_was_perhaps_meant() {
        let said = |error: &Error| Said::of(Lang::Fr, error).details;
        let cut = Error::BadTicket { problem: Words::new("il est coupé", "it is cut short") };
        assert_eq!(said(&cut), ["il est coupé"]);
        let message = Words::new("guillemet ouvert", "open quote");
        let query = Error::BadQuery { query: "\"".into(), problem: Problem { line: None, field: None, message } };
        assert_eq!(said(&query), ["guillemet ouvert"]);
        let candidate = Candidate { id: "11170".into(), title: "Gruissan".into(), detail: Some("Aude".into()) };
        assert_eq!(said(&Error::Ambiguous { asked: "Gr".into(), candidates: vec![candidate] }), ["Gruissan (Aude)"]);
        let large = Error::TooLarge { what: Words::new("le titre", "the title"), found: 9, max: 5 };
        assert_eq!(Said::paragraph(Lang::Fr, &large), "trop grand\u{a0}: 9, la limite est 5\u{a0}: le titre");
        let kinds = vec![Candidate { id: "experience".into(), title: "experience".into(), detail: None }];
        let label = Schema::get().kind("experience").map(|kind| kind.label.get(Lang::Fr).to_owned());
        assert_eq!(said(&Error::UnknownKind { asked: "x".into(), candidates: kinds }).first(), label.as_ref());
    }
}
