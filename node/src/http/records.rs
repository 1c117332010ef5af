//! `/records`, `/search`, `/facets`, `/conflicts`, `/templates`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::routing::{get, patch, post};
use essaim_protocol::api::{
    Brief, Command, Conflict, ConflictsOf, Edit, Error, Facet, Lacking, Linked, List, Log, New, Page, Places, Records,
    Saved, Search, Settle, Sheet, ShowAt, Template, TemplateFor,
};

use super::error::Refusal;
use super::extract::{Given, Params, Scope};
use super::{Door, Route, Shape};

/// In answers that are lists of records: how many there are in all.
pub const TOTAL: &str = "x-total-count";

/// In answers of a search: `true` when nothing matched as typed and the answer is for words close to it.
pub const CORRECTED: &str = "x-corrected";

/// In answers of a search: `true` when no record has all the words, and these have some of them.
pub const PARTIAL: &str = "x-partial";

/// In answers that are lists of records or an export: how many records changed and are not made readable yet, so that some may lack.
pub const UNFOLDED: &str = "x-unfolded";

/// In answers that are lists of records or an export: how many records cannot be made readable and are not there.
pub const UNFOLDABLE: &str = "x-unfoldable";

/// In answers that are lists of records or an export: `true` when the search index cannot be written and the answer is of before.
pub const OUTDATED: &str = "x-outdated";

const QUERY: (&str, &str) = ("q", "words and filters, such as `mobilité theme:mobility`");
const LIKE: (&str, &str) = ("like", "a record: others like it");
const LIMIT: (&str, &str) = ("limit", "how many at most; 0 is all");
const OFFSET: (&str, &str) = ("offset", "how many to skip");

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("get", "/api/v1/records", get(list), Shape::many::<Brief>(), "Records, the newest first")
            .query(&[QUERY, LIMIT, OFFSET]),
        Route::new("post", "/api/v1/records", post(new), Shape::one::<Saved>(), "Writes a new record, shared at once")
            .body(Shape::one::<New>()),
        Route::new(
            "get",
            "/api/v1/records/{record}",
            get(show),
            Shape::one::<Sheet>(),
            "One record, by id or unique prefix",
        ),
        Route::new(
            "patch",
            "/api/v1/records/{record}",
            patch(edit),
            Shape::one::<Saved>(),
            "Changes a record; fields that are not named stay",
        )
        .body(Shape::one::<Edit>()),
        Route::new(
            "get",
            "/api/v1/records/{record}/versions/{heads}",
            get(show_at),
            Shape::one::<Sheet>(),
            "The record as it was at these changes, joined by dots",
        ),
        Route::new(
            "get",
            "/api/v1/records/{record}/linked",
            get(linked),
            Shape::one::<Linked>(),
            "The records that refer to it, the newest first",
        ),
        Route::new("get", "/api/v1/records/{record}/log", get(log), Shape::one::<Log>(), "Its history, newest first"),
        Route::new(
            "get",
            "/api/v1/records/{record}/template",
            get(template_of_record),
            Shape::one::<Template>(),
            "Its text for an editor",
        ),
        Route::new(
            "post",
            "/api/v1/records/{record}/settlements",
            post(settle),
            Shape::one::<Saved>(),
            "Settles a field that has several concurrent values",
        )
        .body(Shape::one::<Settle>()),
        Route::new(
            "get",
            "/api/v1/templates/{kind}",
            get(template_of_kind),
            Shape::one::<Template>(),
            "The text for an editor of a new record",
        ),
        Route::new(
            "post",
            "/api/v1/templates",
            post(template_of_new),
            Shape::one::<Template>(),
            "The text for an editor of a new record that says something already; nothing is written",
        )
        .body(Shape::one::<New>()),
        Route::new("get", "/api/v1/search", get(search), Shape::many::<Brief>(), "Records by relevance")
            .query(&[QUERY, LIKE, LIMIT, OFFSET]),
        Route::new(
            "get",
            "/api/v1/places",
            get(places),
            Shape::one::<Places>(),
            "Where what a search finds takes place: counts by department, territories with their points",
        )
        .query(&[QUERY]),
        Route::new(
            "get",
            "/api/v1/facets",
            get(facets),
            Shape::many::<Facet>(),
            "Counts by facet of what a search finds",
        )
        .query(&[QUERY]),
        Route::new(
            "get",
            "/api/v1/conflicts",
            get(conflicts),
            Shape::many::<Conflict>(),
            "Fields with several concurrent values",
        )
        .query(&[("record", "only of this record"), LIMIT, OFFSET]),
    ]
}

/// An array with its counts beside it.
type Found = (HeaderMap, Json<Vec<Brief>>);

fn found(records: Records) -> Found {
    let mut headers = lacking(records.lacking);
    headers.insert(TOTAL, HeaderValue::from(records.total));
    headers.insert(CORRECTED, yes(records.corrected));
    headers.insert(PARTIAL, yes(records.partial));
    (headers, Json(records.records))
}

/// Beside an answer: whether it may lack records.
pub(super) fn lacking(Lacking { unfolded, unfoldable, outdated }: Lacking) -> HeaderMap {
    HeaderMap::from_iter([
        (HeaderName::from_static(UNFOLDED), HeaderValue::from(unfolded)),
        (HeaderName::from_static(UNFOLDABLE), HeaderValue::from(unfoldable)),
        (HeaderName::from_static(OUTDATED), yes(outdated)),
    ])
}

const fn yes(is_so: bool) -> HeaderValue {
    HeaderValue::from_static(if is_so { "true" } else { "false" })
}

async fn list(State(door): State<Door>, scope: Scope, Params(list): Params<List>) -> Result<Found, Refusal> {
    door.ask(scope, Command::List(list)).await.map(found)
}

async fn search(State(door): State<Door>, scope: Scope, Params(search): Params<Search>) -> Result<Found, Refusal> {
    door.ask(scope, Command::Search(search)).await.map(found)
}

async fn places(
    State(door): State<Door>,
    scope: Scope,
    Params(search): Params<Search>,
) -> Result<Json<Places>, Refusal> {
    door.ask(scope, Command::Places(search)).await.map(Json)
}

async fn facets(
    State(door): State<Door>,
    scope: Scope,
    Params(List { q, .. }): Params<List>,
) -> Result<Json<Vec<Facet>>, Refusal> {
    // The counts are over all that is found: of the records themselves, the fewest.
    let search = Search { q, like: None, page: Page { limit: 1, offset: 0 } };
    let records: Records = door.ask(scope, Command::Search(search)).await?;
    Ok(Json(records.facets))
}

async fn new(
    State(door): State<Door>,
    scope: Scope,
    Given(new): Given<New>,
) -> Result<(StatusCode, Json<Saved>), Refusal> {
    let saved = door.ask(scope, Command::New(new)).await?;
    Ok((StatusCode::CREATED, Json(saved)))
}

async fn show(State(door): State<Door>, scope: Scope, Path(record): Path<String>) -> Result<Json<Sheet>, Refusal> {
    door.ask(scope, Command::Show(record)).await.map(Json)
}

async fn show_at(
    State(door): State<Door>,
    scope: Scope,
    Path((record, heads)): Path<(String, String)>,
) -> Result<Json<Sheet>, Refusal> {
    let heads = ShowAt::heads(&heads).ok_or_else(|| Error::UnknownVersion { title: record.clone() })?;
    door.ask(scope, Command::ShowAt(ShowAt { record, heads })).await.map(Json)
}

async fn linked(State(door): State<Door>, scope: Scope, Path(record): Path<String>) -> Result<Json<Linked>, Refusal> {
    door.ask(scope, Command::Linked(record)).await.map(Json)
}

async fn edit(
    State(door): State<Door>,
    scope: Scope,
    Path(record): Path<String>,
    Given(edit): Given<Edit>,
) -> Result<Json<Saved>, Refusal> {
    door.ask(scope, Command::Edit(Edit { record, ..edit })).await.map(Json)
}

async fn log(State(door): State<Door>, scope: Scope, Path(record): Path<String>) -> Result<Json<Log>, Refusal> {
    door.ask(scope, Command::Log(record)).await.map(Json)
}

async fn template_of_record(
    State(door): State<Door>,
    scope: Scope,
    Path(record): Path<String>,
) -> Result<Json<Template>, Refusal> {
    door.ask(scope, Command::Template(TemplateFor::Record(record))).await.map(Json)
}

async fn template_of_kind(
    State(door): State<Door>,
    scope: Scope,
    Path(kind): Path<String>,
) -> Result<Json<Template>, Refusal> {
    door.ask(scope, Command::Template(TemplateFor::Kind(kind))).await.map(Json)
}

async fn template_of_new(
    State(door): State<Door>,
    scope: Scope,
    Given(new): Given<New>,
) -> Result<Json<Template>, Refusal> {
    door.ask(scope, Command::Template(TemplateFor::New(new))).await.map(Json)
}

async fn settle(
    State(door): State<Door>,
    scope: Scope,
    Path(record): Path<String>,
    Given(settle): Given<Settle>,
) -> Result<Json<Saved>, Refusal> {
    door.ask(scope, Command::Settle(Settle { record, ..settle })).await.map(Json)
}

async fn conflicts(
    State(door): State<Door>,
    scope: Scope,
    Params(of): Params<ConflictsOf>,
) -> Result<Json<Vec<Conflict>>, Refusal> {
    door.ask(scope, Command::Conflicts(of)).await.map(Json)
}
