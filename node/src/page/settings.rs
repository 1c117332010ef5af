//! What a browser remembers: the language, and which commons it looks at.

use axum::extract::Form;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;

use super::Screen;
use super::visit::{COMMONS, LANG};

/// A year, like the cookie that lets in.
const STAY: u32 = 365 * 24 * 3600;

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("post", "/langue", post(language)), Screen::new("post", "/commun", post(commons))]
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
