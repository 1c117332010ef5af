//! Who may look: a browser that somebody who can read the home's token let in.
//!
//! The key of the link, the cookie and the token of forms are made from the home's token, each for its use, so that a
//! bookmark still opens the page after the node was started again, and deleting `HOME/token` shuts everybody out.
//! Cookies do not tell ports apart: another server on this machine that the person visits sees the cookie. It opens
//! nothing by itself to a web page (forms need the token that is only in our pages, and other origins are refused).

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use essaim_protocol::api::Error;
use serde::Deserialize;

use super::Screen;
use super::asked::Query;
use super::trouble::Trouble;
use crate::http::{Door, access};
use crate::texts;

/// The cookie that lets a browser in.
const COOKIE_NAME: &str = "essaim";

/// How long a browser stays let in, in seconds: a year, so that a bookmark serves an agent who looks in twice a year.
const STAY: u32 = 365 * 24 * 3600;

/// The field of a form that shows that the form is ours.
pub(super) const FIELD: &str = "_jeton";

/// The parameter that lets a feed reader in.
pub(super) const FOLLOW: &str = "suivi";

/// The most bytes of a form: a draft of the most bytes, percent-encoded.
pub(super) const MAX_FORM: usize = 8 << 20;

/// Nothing but our own files, no inline script or style, no frame, no form to elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What is made from the home's token for the page.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Made>);

struct Made {
    entrance: String,
    cookie: String,
    form: String,
    feed: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    pub(crate) fn new(token: &str) -> Self {
        let made =
            |context: &str| blake3::Hash::from(blake3::derive_key(context, token.as_bytes())).to_hex().to_string();
        Self(Arc::new(Made {
            entrance: made("essaim v1 page entrance"),
            cookie: made("essaim v1 page cookie"),
            form: made("essaim v1 page form"),
            feed: made("essaim v1 page feed"),
        }))
    }

    /// The key of the link that lets a browser in.
    pub(super) fn entrance(&self) -> &str {
        &self.0.entrance
    }

    /// What shows that a form is ours.
    pub(crate) fn form(&self) -> &str {
        &self.0.form
    }

    /// What the address of a feed holds, since a feed reader has no cookie.
    pub(super) fn feed(&self) -> &str {
        &self.0.feed
    }

    #[cfg(test)]
    pub(super) fn cookie(&self) -> String {
        format!("{COOKIE_NAME}={}", self.0.cookie)
    }
}

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", ENTER, get(enter))]
}

const ENTER: &str = "/entrer";

/// Where a let-in browser first looks.
const HOME: &str = "/";

#[derive(Debug, Deserialize)]
struct Entering {
    #[serde(default)]
    cle: String,
}

/// Takes the key of the link for the cookie.
async fn enter(State(door): State<Door>, Query(entering): Query<Entering>) -> Response {
    let keys = door.keys();
    if !same(entering.cle.as_bytes(), keys.entrance().as_bytes()) {
        return Trouble(Error::Unauthorised {}).into_response();
    }
    let cookie = format!("{COOKIE_NAME}={}; Path=/; Max-Age={STAY}; HttpOnly; SameSite=Strict", keys.0.cookie);
    (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, HOME.to_owned())]).into_response()
}

/// The layer around every screen: lets in, or says why not.
pub(super) async fn guard(State(keys): State<Keys>, request: Request, next: Next) -> Response {
    match let_in(&keys, request).await {
        Ok(request) => next.run(request).await,
        Err(error) => Trouble(error).into_response(),
    }
}

/// The layer around every answer, refusals as well: what a browser may do with it.
pub(super) async fn confine(request: Request, next: Next) -> Response {
    let fixed = request.uri().path().starts_with(super::assets::PREFIX);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut say = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    say(CONTENT_SECURITY_POLICY, POLICY);
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(X_FRAME_OPTIONS, "DENY");
    // Stricter policies make browsers send `Origin: null` with our own forms.
    say(REFERRER_POLICY, "same-origin");
    say(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    say(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if !fixed {
        say(CACHE_CONTROL, "private, no-cache");
    }
    response
}

async fn let_in(keys: &Keys, request: Request) -> Result<Request, Error> {
    access::from_here(request.headers())?;
    let path = request.uri().path();
    if path != ENTER && !path.starts_with(super::assets::PREFIX) && !follows(keys, request.uri()) {
        let shown = cookie(request.headers(), COOKIE_NAME).unwrap_or_default();
        if !same(shown.as_bytes(), keys.0.cookie.as_bytes()) {
            return Err(Error::Unauthorised {});
        }
    }
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let bytes = read(body).await?;
    if !parts
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
        || !same(form_token(&bytes).0, keys.form().as_bytes())
    {
        return Err(Error::Forbidden { what: texts::words("unread-foreign") });
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Whether a program follows a feed by the address that was given to it. It reads what the feed says and no more.
fn follows(keys: &Keys, uri: &Uri) -> bool {
    let key = uri
        .query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix(FOLLOW)?.strip_prefix('='));
    super::feed::FEEDS.contains(&uri.path()) && key.is_some_and(|key| same(key.as_bytes(), keys.feed().as_bytes()))
}

async fn read(body: Body) -> Result<Bytes, Error> {
    axum::body::to_bytes(body, MAX_FORM).await.map_err(|_| Error::TooLarge {
        what: texts::words("unread-large"),
        found: MAX_FORM as u64 + 1,
        max: MAX_FORM as u64,
    })
}

/// What a form of ours holds in its [`FIELD`]: the token, and the nonce of the page that it stands in.
pub(super) fn form_field(keys: &Keys) -> String {
    let mut nonce = [0; 16];
    rand::fill(&mut nonce[..]);
    format!("{}.{}", keys.form(), data_encoding::HEXLOWER.encode(&nonce))
}

/// The token in a form and its nonce; they need no decoding, being hexadecimal.
fn form_token(bytes: &[u8]) -> (&[u8], &[u8]) {
    let pairs = bytes.split(|byte| *byte == b'&');
    let value = pairs.filter_map(|pair| pair.strip_prefix(FIELD.as_bytes())?.strip_prefix(b"=")).next();
    let value = value.unwrap_or_default();
    let end = value.iter().position(|byte| *byte == b'.').unwrap_or(value.len());
    (&value[..end], value.get(end + 1..).unwrap_or_default())
}

/// Whether a form came out of a page, and not out of a program.
pub(super) fn has_nonce(form: &[u8]) -> bool {
    !form_token(form).1.is_empty()
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Compares in the same time wherever two differ.
fn same(shown: &[u8], ours: &[u8]) -> bool {
    blake3::hash(shown) == blake3::hash(ours)
}
