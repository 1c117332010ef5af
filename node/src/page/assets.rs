//! Styles and scripts: in the binary, named by their content, so that a browser keeps them for ever and never an old one.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use essaim_protocol::api::Error;
use rust_embed::Embed;

use super::Screen;
use super::asked::Path;
use super::trouble::Trouble;

/// Where all of them are.
pub(super) const PREFIX: &str = "/fixe/";

#[derive(Embed)]
#[folder = "assets"]
struct Files;

/// All styles in the order of their names.
static STYLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().filter(|name| name.starts_with("css/")).collect();
    names.sort();
    names.iter().filter_map(|name| Files::get(name)).flat_map(|file| file.data.into_owned()).collect()
});

/// One name for all of them: it changes when any does.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    let mut hasher = blake3::Hasher::new();
    for name in &names {
        hasher.update(name.as_bytes());
        hasher.update(&Files::get(name).map(|file| file.data.into_owned()).unwrap_or_default());
    }
    hasher.finalize().to_hex()[..12].to_owned()
});

/// The address of a file: `style.css`, or one of `assets/` by its path.
pub(super) fn address(name: &str) -> String {
    format!("/{}", file(name))
}

/// The same as a path below where all pages are.
pub(super) fn file(name: &str) -> String {
    format!("{}{}/{name}", &PREFIX[1..], *VERSION)
}

/// What a file holds.
pub(super) fn bytes(name: &str) -> Option<Cow<'static, [u8]>> {
    match name {
        "style.css" => Some(Cow::Borrowed(STYLE.as_slice())),
        name => Files::get(name).map(|file| file.data),
    }
}

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", "/fixe/{version}/{*name}", get(serve))]
}

async fn serve(uri: Uri, Path((_, name)): Path<(String, String)>) -> Response {
    let Some(bytes) = bytes(&name) else {
        return Trouble(Error::UnknownRoute { path: uri.path().to_owned() }).into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (StatusCode::OK, headers, bytes.into_owned()).into_response()
}
