//! The page: the heritage for people who never open a terminal.
//!
//! The story of one visit: `essaim up` opens [`entrance`], a link that holds a key made from the home's token; the
//! [`guard`] takes the key for a cookie and sends the browser on. Every later request brings the cookie; the guard
//! checks it, the `Host`, the `Origin`, and in every form a token that other sites cannot know. The router, which is
//! made from the one table [`screens`], gives the request to a screen; the screen asks the [`Engine`](super::Engine)
//! through the same commands as the local API, fills a template of `templates/` and answers HTML that is whole without
//! JavaScript. An error becomes a page of its own, in the person's language, with what to do next.
//!
//! Texts are in `locales/`, styles in `assets/css`; a screen's files bear its name in all three places. What a record
//! says is somebody else's text: templates escape it, and [`markdown`] lets no HTML through.

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::MethodRouter;

use crate::http::Door;

mod agenda;
mod allies;
mod archive;
mod asked;
mod assets;
mod board;
mod bring;
mod catalogue;
mod cite;
mod digest;
mod feed;
mod find;
mod form;
pub(crate) mod guard;
mod history;
mod inbox;
mod letter;
mod linked;
mod links;
mod map;
mod markdown;
mod once;
mod paste;
mod qr;
mod settings;
mod settle;
mod sheet;
mod shown;
pub mod site;
mod territory;
mod told;
mod trouble;
mod visit;
mod whole;
mod write;

pub(crate) use feed::calendar;
pub(crate) use guard::Keys;
pub(crate) use letter::{mail, markdown};
pub(crate) use once::Once;

/// One row of the table from which the router and its tests are made.
pub(crate) struct Screen {
    /// The method, in lower case; the handler knows its own.
    pub(crate) method: &'static str,
    /// The path, with its parameters in braces.
    pub(crate) path: &'static str,
    handler: MethodRouter<Door>,
}

impl Screen {
    const fn new(method: &'static str, path: &'static str, handler: MethodRouter<Door>) -> Self {
        Self { method, path, handler }
    }
}

/// Every screen.
pub(crate) fn screens() -> Vec<Screen> {
    [
        guard::screens(),
        assets::screens(),
        find::screens(),
        sheet::screens(),
        linked::screens(),
        settle::screens(),
        history::screens(),
        cite::screens(),
        archive::screens(),
        digest::screens(),
        agenda::screens(),
        catalogue::screens(),
        whole::screens(),
        write::screens(),
        bring::screens(),
        board::screens(),
        inbox::screens(),
        territory::screens(),
        settings::screens(),
        allies::screens(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The method and the path of every screen, parameters in braces: what a proof about all of them is held against.
#[must_use]
pub fn routes() -> Vec<(&'static str, &'static str)> {
    screens().iter().map(|screen| (screen.method, screen.path)).collect()
}

/// Whether a link can lead to an address.
fn opens(path: &str) -> bool {
    static OPEN: LazyLock<Vec<&str>> =
        LazyLock::new(|| screens().iter().filter(|screen| screen.method == "get").map(|screen| screen.path).collect());
    let fits = |shape: &&str| {
        let mut parts = shape.split('/').zip(path.split('/'));
        shape.split('/').count() == path.split('/').count()
            && parts.all(|(shape, part)| shape.starts_with('{') || shape == part)
    };
    OPEN.iter().any(fits)
}

/// The router of the page, its guard around it.
pub(crate) fn router(keys: Keys, once: Once) -> Router<Door> {
    let mut router = Router::new();
    for screen in screens() {
        router = router.route(screen.path, screen.handler);
    }
    router
        .fallback(trouble::unknown_address)
        .method_not_allowed_fallback(trouble::unknown_method)
        // The guard has read every form within its bound.
        .layer(DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn_with_state(once, once::once))
        .layer(axum::middleware::from_fn_with_state(keys, guard::guard))
        // Who is refused reads why.
        .layer(axum::middleware::from_fn(trouble::dress))
        .layer(axum::middleware::from_fn(guard::confine))
}

/// The link that opens the page of a node that answers at `address`, for somebody who can read the home's token.
#[must_use]
pub fn entrance(address: SocketAddr, token: &str) -> String {
    format!("http://{address}/entrer?cle={}", Keys::new(token).entrance())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod weight;
