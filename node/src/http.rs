//! What answers on loopback, over HTTP/1.1: the local API, `/api/v1/…` in JSON, for the commands and other programs of the
//! same person; beside it the [`page`](entrance) for people.
//!
//! The story of one request: `access` lets it in (a loopback `Host`, no foreign `Origin`, the home's token); the
//! router, which is made from the one table `routes`, gives it to a handler; the handler makes an
//! [`api::Request`], hands it to the [`Engine`](Ask) and writes the answer as JSON, or the error with its words in
//! both languages. The same router is called inside a command when no node runs on its home: there is no socket then,
//! and no second code path.
//!
//! A long job (creating a commons, joining, exchanging, importing, `doctor`) answers in JSON lines, each an
//! [`api::Line`]: where it is, and at the end its answer or error, since its status cannot wait.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::MethodRouter;
use essaim_protocol::api;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::page::{self, Keys, Once};

pub(crate) mod access;
mod commons;
mod contributions;
mod drafts;
mod error;
mod exchange;
mod extract;
mod inbox;
mod node;
mod openapi;
mod records;
mod together;

use access::Access;
use error::Refusal;
pub(crate) use error::status as status_of;
pub use extract::LINES;
use openapi::Shape;
pub use records::{CORRECTED, OUTDATED, PARTIAL, TOTAL, UNFOLDABLE, UNFOLDED};

pub use crate::page::entrance;

/// What the API needs of the engine: one question, an answer, and reports in between.
pub type Ask = Arc<dyn Fn(api::Request, api::Report) -> Asked + Send + Sync>;

/// The engine's answer to come.
pub type Asked = Pin<Box<dyn Future<Output = Result<api::Answer, api::Error>> + Send>>;

/// What every handler is given.
#[derive(Clone)]
pub(crate) struct Door {
    ask: Ask,
    keys: Keys,
    once: Once,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

impl Door {
    /// Asks a question whose answer comes at once.
    async fn ask<T>(&self, scope: extract::Scope, command: api::Command) -> Result<T, Refusal>
    where
        T: TryFrom<api::Answer, Error = api::Error>,
    {
        Ok(self.ask_for(scope.request(command)).await?)
    }

    /// The same for a request that is whole.
    pub(crate) async fn ask_for<T>(&self, request: api::Request) -> Result<T, api::Error>
    where
        T: TryFrom<api::Answer, Error = api::Error>,
    {
        T::try_from((self.ask)(request, Arc::new(|_| {})).await?)
    }

    /// What is made from the home's token for the page.
    pub(crate) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What forms of the page did lately.
    pub(crate) const fn once(&self) -> &Once {
        &self.once
    }
}

/// One row of the table from which the router, its document and its tests are made.
pub(crate) struct Route {
    /// The method, in lower case as OpenAPI writes it.
    method: &'static str,
    /// The path, with its parameters in braces.
    path: &'static str,
    /// What it does.
    summary: &'static str,
    /// Names and meanings of query parameters, besides `commons` and `lang`.
    query: &'static [(&'static str, &'static str)],
    /// What the body holds.
    body: Option<Shape>,
    /// What the answer holds.
    answer: Shape,
    handler: MethodRouter<Door>,
}

impl Route {
    const fn new(
        method: &'static str,
        path: &'static str,
        handler: MethodRouter<Door>,
        answer: Shape,
        summary: &'static str,
    ) -> Self {
        Self { method, path, summary, query: &[], body: None, answer, handler }
    }

    fn body(mut self, body: Shape) -> Self {
        self.body = Some(body);
        self
    }

    const fn query(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.query = query;
        self
    }
}

/// Every route.
fn routes() -> Vec<Route> {
    [
        node::routes(),
        commons::routes(),
        records::routes(),
        contributions::routes(),
        together::routes(),
        inbox::routes(),
        drafts::routes(),
        exchange::routes(),
        openapi::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The router over an engine: the API, and the page beside it.
pub fn router(ask: Ask, token: &str) -> Router {
    let (access, keys, once) = (Access::new(token), Keys::new(token), Once::default());
    let mut api = Router::new();
    for route in routes() {
        api = api.route(route.path, route.handler);
    }
    // Whatever else is asked for under another path is a page.
    let api = api
        .route("/api/{*rest}", axum::routing::any(error::unknown_route))
        .method_not_allowed_fallback(error::unknown_method)
        .layer(axum::middleware::from_fn_with_state(access, access::guard));
    page::router(keys.clone(), once.clone()).merge(api).with_state(Door { ask, keys, once })
}

/// A router that answers other processes of this machine.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    page: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Server {
    /// Listens on a loopback address (port 0 takes a free one), and answers whoever shows `token`.
    ///
    /// # Errors
    /// [`api::Error::BadAddress`] for any other address: the token is the only lock, and it travels in clear.
    /// [`api::Error::Io`] when the port is taken.
    pub async fn start(address: SocketAddr, ask: Ask, token: String) -> Result<Self, api::Error> {
        if !address.ip().is_loopback() {
            let detail = api::Words::new(
                "l'interface locale n'écoute que sur cette machine : 127.0.0.1 ou [::1]",
                "the local API listens on this machine only: 127.0.0.1 or [::1]",
            );
            return Err(api::Error::BadAddress { address: address.to_string(), detail });
        }
        let io =
            |error: std::io::Error| api::Error::Io { path: address.to_string(), detail: api::Words::of_system(&error) };
        let listener = TcpListener::bind(address).await.map_err(io)?;
        let address = listener.local_addr().map_err(io)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async move { stopped.await.unwrap_or_default() };
        let serving = axum::serve(listener, router(ask, &token)).with_graceful_shutdown(until);
        let served = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the local API stopped");
            }
        });
        Ok(Self { address, page: entrance(address, &token), stop, served })
    }

    /// The link that opens the page.
    #[must_use]
    pub fn page(&self) -> String {
        self.page.clone()
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, lets those that run end for `PATIENCE`, and gives the port back.
    pub async fn stop(self) {
        // It is gone already when the listener failed.
        let _ = self.stop.send(());
        let mut served = self.served;
        if tokio::time::timeout(PATIENCE, &mut served).await.is_err() {
            served.abort();
        }
    }
}

/// How long a stopping server waits for requests that run. A long job may take minutes: its effects are durable one by
/// one, so what is cut is its report.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
