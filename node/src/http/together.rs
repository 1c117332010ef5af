//! `/digest`, `/agenda`, `/catalogue`, `/whole` and `/records/{record}/archive`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::{get, post};
use essaim_protocol::api::{
    Agenda, AgendaOf, Archive, Catalogue, CatalogueOf, Command, Commons, Digest, DigestOf, Error, Lacking, Saved, Whole,
};

use super::error::Refusal;
use super::extract::{Given, Params, Scope};
use super::records::lacking;
use super::{Door, Route, Shape};
use crate::page;

const DIGEST: &[(&str, &str)] = &[
    ("since", "the first day: `2026-05-01`, `mai 2026`"),
    ("until", "the last day"),
    ("theme", "a theme, by its code or label"),
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "get",
            "/api/v1/digest",
            get(digest),
            Shape::one::<Digest>(),
            "What was written in a period or on a theme; else in the last thirty days",
        )
        .query(DIGEST),
        Route::new("get", "/api/v1/digest.md", get(as_markdown), Shape::text("text/markdown"), "The same in Markdown")
            .query(DIGEST),
        Route::new("get", "/api/v1/digest.html", get(as_mail), Shape::text("text/html"), "The same for an e-mail")
            .query(DIGEST),
        Route::new("get", "/api/v1/agenda.ics", get(as_calendar), Shape::text("text/calendar"), "All gatherings"),
        Route::new(
            "get",
            "/api/v1/agenda",
            get(agenda),
            Shape::one::<Agenda>(),
            "Gatherings to come, the soonest first",
        )
        .query(&[
            ("past", "`true`: those that are over instead, the latest first"),
            ("limit", "how many at most; 0 is all"),
            ("offset", "how many to skip"),
        ]),
        Route::new(
            "get",
            "/api/v1/catalogue/{kind}",
            get(catalogue),
            Shape::one::<Catalogue>(),
            "Records of one kind with what surrounds them: a finding with the experiences that support, nuance and \
             contradict it, a programme with its territories and gatherings, an actor with what it offers",
        )
        .query(&[
            ("q", "words and filters, such as `finding_form:lever`"),
            ("limit", "how many at most; 0 is fifty, and more are never given"),
            ("offset", "how many to skip"),
        ]),
        Route::new(
            "get",
            "/api/v1/whole",
            get(whole),
            Shape::one::<Whole>(),
            "How the most linked territories, programmes, findings and experiences relate",
        ),
        Route::new(
            "post",
            "/api/v1/records/{record}/archive",
            post(archive),
            Shape::one::<Saved>(),
            "Puts a record away, or takes it out again; it stays readable, and searches leave it out",
        )
        .body(Shape::one::<Archive>()),
    ]
}

async fn digest(State(door): State<Door>, scope: Scope, Params(of): Params<DigestOf>) -> Result<Json<Digest>, Refusal> {
    door.ask(scope, Command::Digest(of)).await.map(Json)
}

/// A text with its media type and, beside it, what it may lack.
type Text = (HeaderMap, String);

fn text(media: &'static str, of: Lacking, text: String) -> Text {
    let mut headers = lacking(of);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    (headers, text)
}

async fn as_markdown(State(door): State<Door>, scope: Scope, Params(of): Params<DigestOf>) -> Result<Text, Refusal> {
    let (lang, commons) = (scope.lang(), door.ask::<Commons>(scope.clone(), Command::ShowCommons).await?);
    let digest: Digest = door.ask(scope, Command::Digest(of)).await?;
    Ok(text("text/markdown; charset=utf-8", digest.lacking, page::markdown(lang, &commons.name, &digest)))
}

async fn as_mail(State(door): State<Door>, scope: Scope, Params(of): Params<DigestOf>) -> Result<Text, Refusal> {
    let (lang, commons) = (scope.lang(), door.ask::<Commons>(scope.clone(), Command::ShowCommons).await?);
    let digest: Digest = door.ask(scope, Command::Digest(of)).await?;
    let mail =
        page::mail(lang, &commons.name, &digest).map_err(|error| Error::Internal { detail: error.to_string() })?;
    Ok(text("text/html; charset=utf-8", digest.lacking, mail))
}

async fn as_calendar(State(door): State<Door>, scope: Scope) -> Result<Text, Refusal> {
    let (lang, commons) = (scope.lang(), door.ask::<Commons>(scope.clone(), Command::ShowCommons).await?);
    let (mut all, mut lacking) = (Vec::new(), Lacking::default());
    for past in [false, true] {
        let of = AgendaOf { past, ..AgendaOf::default() };
        let part: Agenda = door.ask(scope.clone(), Command::Agenda(of)).await?;
        all.extend(part.gatherings.into_iter().map(|one| one.brief));
        lacking = part.lacking;
    }
    Ok(text("text/calendar; charset=utf-8", lacking, page::calendar(lang, &commons, &all)))
}

async fn agenda(State(door): State<Door>, scope: Scope, Params(of): Params<AgendaOf>) -> Result<Json<Agenda>, Refusal> {
    door.ask(scope, Command::Agenda(of)).await.map(Json)
}

async fn catalogue(
    State(door): State<Door>,
    scope: Scope,
    Path(kind): Path<String>,
    Params(of): Params<CatalogueOf>,
) -> Result<Json<Catalogue>, Refusal> {
    door.ask(scope, Command::Catalogue(CatalogueOf { kind, ..of })).await.map(Json)
}

async fn whole(State(door): State<Door>, scope: Scope) -> Result<Json<Whole>, Refusal> {
    door.ask(scope, Command::Whole).await.map(Json)
}

async fn archive(
    State(door): State<Door>,
    scope: Scope,
    Path(record): Path<String>,
    Given(archive): Given<Archive>,
) -> Result<Json<Saved>, Refusal> {
    door.ask(scope, Command::Archive(Archive { record, ..archive })).await.map(Json)
}
