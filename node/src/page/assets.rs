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

/// All styles in the order of their names, without what only those who write them need.
static STYLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().filter(|name| name.starts_with("css/")).collect();
    names.sort();
    names
        .iter()
        .filter_map(|name| Files::get(name))
        .flat_map(|file| terse(&String::from_utf8_lossy(&file.data)))
        .collect()
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

/// A style sheet without its comments and the spaces that separate nothing: a sixth less for every page to weigh.
fn terse(style: &str) -> Vec<u8> {
    let mut rest = style;
    let mut said = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        said.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    said.push_str(rest);
    let mut out = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for (spaced, closed) in [(" {", "{"), ("{ ", "{"), ("; ", ";"), (" }", "}"), ("} ", "}"), (";}", "}"), (", ", ",")]
    {
        out = out.replace(spaced, closed);
    }
    out.into_bytes()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_loses_only_what_browsers_skip() {
        let style = "/* Look. */\na:hover, p > b { margin: 0 auto;\n  color: red; }\n\n@media print { a { top: 0 } }\n";
        let terse = String::from_utf8(terse(style)).unwrap();
        assert_eq!(terse, "a:hover,p > b{margin: 0 auto;color: red}@media print{a{top: 0}}");
        let shipped = String::from_utf8(STYLE.clone()).unwrap();
        assert_eq!(shipped.matches('{').count(), shipped.matches('}').count());
        assert!(!shipped.contains("/*") && shipped.contains(".sheet"));
    }
}
