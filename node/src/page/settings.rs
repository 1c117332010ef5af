//! `/reglages`: what a browser remembers (the language, which commons it looks at), and what this home keeps for its own
//! people: our territory. `/accessibilite` says what was tested and what was not.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use essaim_protocol::api::{Command, Place, SetSettings, Settings, Status};
use essaim_protocol::record::schema::Schema;
use serde::Deserialize;

use super::Screen;
use super::asked::{Form, Query};
use super::trouble::{Trouble, page};
use super::visit::{COMMONS, Frame, LANG, Visit};

/// A year, like the cookie that lets in.
const STAY: u32 = 365 * 24 * 3600;

pub(super) fn screens() -> Vec<Screen> {
    vec![
        Screen::new("get", "/reglages", get(show)),
        Screen::new("post", "/reglages/territoire", post(territory)),
        Screen::new("get", "/accessibilite", get(accessibility)),
        Screen::new("post", "/langue", post(language)),
        Screen::new("post", "/commun", post(commons)),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Looking {
    /// A territory looked for.
    lieu: Option<String>,
    /// Our territory was just chosen.
    choisi: Option<String>,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    f: Frame,
    settings: Settings,
    status: Status,
    megabytes: String,
    looked: Option<String>,
    /// Places that may be meant: code, and the name with what tells it from others.
    places: Vec<(String, String)>,
    chosen: bool,
}

async fn show(visit: Visit, Query(looking): Query<Looking>) -> Result<Html<String>, Trouble> {
    let settings: Settings = visit.ask(Command::Settings).await?;
    let status: Status = visit.ask(Command::Status).await?;
    let looked = looking.lieu.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let places: Vec<Place> = match &looked {
        Some(text) => visit.ask(Command::Gazetteer(text.clone())).await?,
        None => Vec::new(),
    };
    let f = visit.frame;
    let tenths = status.disk_bytes / 100_000;
    page(&SettingsPage {
        places: places.iter().map(|place| (place.code.clone(), described(&f, place))).collect(),
        megabytes: f.t1("settings-megabytes", "n", tenths as f64 / 10.0),
        chosen: looking.choisi.is_some(),
        settings,
        status,
        looked,
        f,
    })
}

/// A place with what tells it from others of its name.
fn described(f: &Frame, place: &Place) -> String {
    let kind = Schema::get().term("territory_type", &place.kind).map(|term| term.label.get(f.lang()).to_owned());
    let people = place.population.map(|people| f.t1("sheet-people", "n", people as f64));
    let parts: Vec<String> = kind.into_iter().chain(place.department.clone()).chain(people).collect();
    format!("{} ({})", place.name, parts.join(", "))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chosen {
    /// The code of a place; nothing for none.
    code: String,
}

async fn territory(visit: Visit, Form(chosen): Form<Chosen>) -> Result<Redirect, Trouble> {
    let territory = Some(chosen.code).filter(|code| !code.is_empty());
    visit.ask::<Settings>(Command::SetSettings(SetSettings { territory })).await?;
    Ok(Redirect::to("/reglages?choisi=1#territoire"))
}

#[derive(Template)]
#[template(path = "accessibility.html")]
struct AccessibilityPage {
    f: Frame,
}

async fn accessibility(visit: Visit) -> Result<Html<String>, Trouble> {
    page(&AccessibilityPage { f: visit.frame })
}

#[derive(Debug, Deserialize)]
struct Choice {
    to: String,
    #[serde(default)]
    back: String,
}

async fn language(Form(choice): Form<Choice>) -> Response {
    let lang = if choice.to == "en" { "en" } else { "fr" };
    remember(LANG, lang, &choice.back)
}

async fn commons(Form(choice): Form<Choice>) -> Response {
    // An id is in base 32: anything else would not name a commons, and must not shape a header.
    let id: String = choice.to.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    remember(COMMONS, &id, "/")
}

fn remember(cookie: &str, value: &str, back: &str) -> Response {
    let cookie = format!("{cookie}={value}; Path=/; Max-Age={STAY}; HttpOnly; SameSite=Strict");
    (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, own(back))]).into_response()
}

/// An address of this page; the first one instead of anything that could lead elsewhere.
pub(super) fn own(address: &str) -> String {
    let safe = address.starts_with('/')
        && !address.starts_with("//")
        && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if safe { address.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for good in ["/", "/fiche/abc?x=1", "/recherche?q=r%C3%A9cit"] {
            assert_eq!(own(good), good);
        }
        for bad in ["", "//evil.example", "https://evil.example", "/\\evil", "/a\r\nSet-Cookie: x", "/é"] {
            assert_eq!(own(bad), "/", "{bad:?}");
        }
    }
}
