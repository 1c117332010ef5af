//! The world around the rules: network, disk, search and local API.
//!
//! A [`Node`] is started with one call and stopped with one. It opens the [home], a [keeper] for each commons, goes on the
//! network when it is told to ([`driver`]), and answers through its [`engine`], over [`http`] or inside the process. The
//! modules `net`, `store`, `index` and `http` never name one another; they meet in `keeper`, `engine` and `driver`.

pub mod caught;
mod drafts;
pub mod driver;
pub mod engine;
pub mod home;
pub mod http;
pub mod index;
pub mod keeper;
mod lock;
pub mod net;
mod page;
mod personal;
mod starter;
pub mod store;
mod texts;
pub mod words;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use essaim_protocol::api::Error;

pub use crate::driver::{Driver, Network};
pub use crate::engine::Engine;
pub use crate::page::{routes, site};

/// What a node is to be.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its home directory, made by the first `init`.
    pub home: PathBuf,
    /// How it is on the network; `None` keeps it off.
    pub network: Option<Network>,
    /// Where it answers other processes, a loopback address; `None` answers only inside this process.
    pub http: Option<SocketAddr>,
    /// Bytes that it leaves free on the disk: with fewer it reads and writes nothing more.
    pub free: u64,
}

impl Config {
    /// A node that keeps off the network and answers inside this process.
    #[must_use]
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into(), network: None, http: None, free: store::FREE }
    }
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    engine: Engine,
    driver: Option<Driver>,
    http: Option<http::Server>,
}

impl Node {
    /// Starts a node. It is on the network, and announced in its home, when this returns.
    ///
    /// # Errors
    /// [`Error`] when its home, a store, a port or the network cannot be had; then nothing runs.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let driver = config.network.map(Driver::new);
        let engine = Engine::open(&config.home, config.free, driver.clone()).await?;
        let mut node = Self { engine, driver, http: None };
        if let Err(error) = node.begin(config.http).await {
            node.shutdown().await;
            return Err(error);
        }
        Ok(node)
    }

    async fn begin(&mut self, http: Option<SocketAddr>) -> Result<(), Error> {
        if let Some(driver) = &self.driver {
            driver.start(self.engine.clone()).await?;
        }
        if let Some(address) = http {
            let server = http::Server::start(address, self.ask(), self.engine.token().await?).await?;
            self.engine.announce(server.address()).await?;
            self.http = Some(server);
        }
        Ok(())
    }

    /// What answers.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The same, as the router wants it.
    #[must_use]
    pub fn ask(&self) -> http::Ask {
        let engine = self.engine.clone();
        Arc::new(move |request, report| {
            let engine = engine.clone();
            Box::pin(async move { engine.call(request, &report).await })
        })
    }

    /// The link that opens its page, for the person who owns the home.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        self.http.as_ref().map(http::Server::page)
    }

    /// Where it answers other processes.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(http::Server::address)
    }

    /// Stops: no more requests, off the network, stores closed, the home given back.
    pub async fn shutdown(self) {
        // First, so that a command that comes now waits for the home instead of asking who no longer answers.
        self.engine.withdraw().await;
        if let Some(http) = self.http {
            http.stop().await;
        }
        if let Some(driver) = self.driver {
            driver.stop().await;
        }
        self.engine.close().await;
    }
}
