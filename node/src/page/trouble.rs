//! What went wrong, as a page: what happened, what is wrong with it, what to do next, in the language of who asked.

use askama::Template;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use essaim_protocol::api::{Candidate, Details, Error, Lang};

use super::visit::{Frame, lang};
use crate::http::status_of;
use crate::texts;
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
    lang: Lang,
    /// What happened.
    pub(super) says: String,
    /// What is wrong, or what was perhaps meant.
    pub(super) details: Vec<String>,
    /// Whether it is wrong in what was typed, so that the details say all.
    typed: bool,
    /// What to do next.
    pub(super) hint: Option<String>,
}

impl Said {
    pub(super) fn of(f: &Frame, error: &Error) -> Self {
        let lang = f.lang();
        let details = match error.details(lang) {
            Details::None => Vec::new(),
            Details::Candidates(candidates) => candidates.iter().map(meant).collect(),
            Details::Problems(problems) => {
                problems.iter().map(|problem| problem.message.text(lang).to_owned()).collect()
            }
            Details::Words(words) => vec![words.text(lang).to_owned()],
        };
        let data = serde_json::to_value(error).unwrap_or_default();
        Self {
            lang,
            says: error.words().text(lang).to_owned(),
            details,
            typed: matches!(error, Error::Invalid { .. }),
            hint: data["kind"].as_str().and_then(|kind| f.maybe(&format!("hint-{kind}"))),
        }
    }

    /// What happened and what is wrong in one paragraph, for the head of a form.
    pub(super) fn paragraph(&self) -> String {
        let details = self.details.join(self.lang.pick("\u{202f}; ", "; "));
        match (self.details.is_empty(), self.typed) {
            (true, _) => self.says.clone(),
            (false, true) => details,
            (false, false) => labelled(self.lang, &self.says, &details),
        }
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
    /// Where it can be mended, and how that is called.
    way: Option<(&'static str, String)>,
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
    let way = matches!(error, Error::NoCommons {}).then(|| ("/bienvenue", f.t("way-no_commons")));
    let page = TroublePage { said: Said::of(&f, &error), way, status, f }.render();
    page.map_or_else(|_| status.into_response(), |page| (status, Html(page)).into_response())
}

/// Answers to an address that no screen has.
pub(super) async fn unknown_address(uri: Uri) -> Trouble {
    Trouble(Error::UnknownRoute { path: uri.path().to_owned() })
}

/// Answers to a method that a screen does not have: somebody opened the address to which a form is sent.
pub(super) async fn unknown_method() -> Response {
    let trouble = Trouble(Error::BadRequest { detail: texts::words("unread-method") });
    (StatusCode::METHOD_NOT_ALLOWED, trouble).into_response()
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::{Problem, Words};
    use essaim_protocol::record::schema::Schema;

    use super::*;

    fn problem(fr: &str) -> Problem {
        Problem { line: None, field: None, message: Words::new(fr, "") }
    }

    #[test]
    fn a_page_says_what_is_wrong_and_what_was_perhaps_meant() {
        let f = Frame::bare(Lang::Fr);
        let said = |error: &Error| Said::of(&f, error).details;
        let cut = Error::BadTicket { problem: Words::new("il est coupé", "it is cut short") };
        assert_eq!(said(&cut), ["il est coupé"]);
        let query = Error::BadQuery { query: "\"".into(), problem: problem("guillemet ouvert") };
        assert_eq!(said(&query), ["guillemet ouvert"]);
        let candidate = Candidate { id: "11170".into(), title: "Gruissan".into(), detail: Some("Aude".into()) };
        assert_eq!(said(&Error::Ambiguous { asked: "Gr".into(), candidates: vec![candidate] }), ["Gruissan (Aude)"]);
        let kinds = vec![Candidate { id: "experience".into(), title: "experience".into(), detail: None }];
        let label = Schema::get().kind("experience").map(|kind| kind.label.get(Lang::Fr).to_owned());
        assert_eq!(said(&Error::UnknownKind { asked: "x".into(), candidates: kinds }).first(), label.as_ref());
    }

    #[test]
    fn a_paragraph_is_one_sentence() {
        let f = Frame::bare(Lang::Fr);
        let said = |error: &Error| Said::of(&f, error).paragraph();
        let large = Error::TooLarge { what: Words::new("le titre", "the title"), found: 9, max: 5 };
        assert_eq!(said(&large), "limite dépassée pour le titre\u{a0}: 9, au plus 5");
        let problems = vec![problem("« Titre » doit être rempli"), problem("« Récit » : trop long")];
        assert_eq!(
            said(&Error::Invalid { problems }),
            "«\u{a0}Titre\u{a0}» doit être rempli\u{202f}; «\u{a0}Récit\u{a0}»\u{a0}: trop long"
        );
    }
}
