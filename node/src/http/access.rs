//! Who may call: somebody who can read the home's token, from this machine, not through somebody else's web page.
//!
//! Loopback alone protects little: any page in the person's browser can send requests to `127.0.0.1`, or reach it under
//! a name of its own (DNS rebinding). So three things are checked, in this order, on every route without exception:
//! the `Host` is a loopback name (rebinding gives the attacker's name there), an `Origin`, when there is one, is this
//! very host, and the bearer token is the home's.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use essaim_protocol::api::Error;

use super::error::Refusal;

/// The lock of the local API.
#[derive(Clone)]
pub(super) struct Access {
    /// Hashed, because equality of [`blake3::Hash`] takes the same time wherever two differ.
    token: Arc<blake3::Hash>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Access(…)")
    }
}

impl Access {
    /// Lets in who shows this token.
    pub(super) fn new(token: &str) -> Self {
        Self { token: Arc::new(blake3::hash(token.as_bytes())) }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Error> {
        from_here(headers)?;
        // No token is never the right one, whatever the home's is.
        let shown = text(headers, AUTHORIZATION.as_str()).strip_prefix("Bearer ").filter(|token| !token.is_empty());
        match shown {
            Some(token) if blake3::hash(token.as_bytes()) == *self.token => Ok(()),
            Some(_) | None => Err(Error::Unauthorised {}),
        }
    }
}

/// Whether a request comes from this machine, under its own name and not through somebody else's page.
pub(crate) fn from_here(headers: &HeaderMap) -> Result<(), Error> {
    let host = text(headers, HOST.as_str());
    let foreign = |header: &str, value: &str| Error::ForeignCaller { header: header.into(), value: value.into() };
    if headers.get_all(HOST).iter().count() != 1 || !is_loopback(host) {
        return Err(foreign("Host", host));
    }
    let mut origins = headers.get_all(ORIGIN).iter().map(|origin| origin.to_str().unwrap_or("?"));
    match origins.find(|origin| origin.strip_prefix("http://") != Some(host)) {
        Some(origin) => Err(foreign("Origin", origin)),
        None => Ok(()),
    }
}

/// The layer around every route.
pub(super) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    match access.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => Refusal(error).into_response(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    matches!(name.to_ascii_lowercase().as_str(), "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_token_lets_nobody_in() {
        let access = Access::new("");
        for authorization in [None, Some("Bearer "), Some("")] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "localhost".parse().unwrap());
            authorization.map(|value| headers.insert(AUTHORIZATION, value.parse().unwrap()));
            assert!(matches!(access.check(&headers), Err(Error::Unauthorised {})), "{authorization:?}");
        }
    }

    #[test]
    fn only_loopback_names_are_ours() {
        for host in ["127.0.0.1", "127.0.0.1:8421", "localhost:1", "LOCALHOST", "[::1]:80", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "::1", "127.0.0.1:x", "0.0.0.0"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
