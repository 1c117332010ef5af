//! Real nodes on this machine: temporary homes, free ports, loopback only.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use essaim_node::{Config, Network, Node};
use essaim_protocol::api::{
    Answer, Command, Commons, CreateCommons, Error, Init, Invitation, Invite, Join, Joined, ReadTicket, Request, Role,
    TicketContent,
};
use tempfile::TempDir;

/// How long a cluster may take to agree before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a cluster.
const LOOK: Duration = Duration::from_millis(20);

/// An ally with a home of its own and, while it runs, a node.
#[derive(Debug)]
pub struct Ally {
    home: TempDir,
    node: Option<Node>,
}

impl Ally {
    /// An ally with an identity, whose node runs on the network.
    pub async fn new(name: &str) -> Self {
        let mut ally = Self { home: tempfile::tempdir().expect("a temporary directory"), node: None };
        ally.start(false).await;
        ally.ask::<essaim_protocol::api::Identity>(Command::Init(Init { name: name.to_owned() })).await;
        ally.stop().await;
        ally.start(true).await;
        ally
    }

    /// Its home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts its node, on the network or off it.
    pub async fn start(&mut self, online: bool) {
        let listen = ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"];
        let listen = listen.iter().filter_map(|address| address.parse().ok()).collect();
        let network = online.then_some(Network { listen, mdns: false, on_this_machine: true });
        let config = Config { home: self.home.path().to_owned(), network, http: None };
        self.node = Some(Node::start(config).await.unwrap_or_else(|error| panic!("a node starts: {error}")));
    }

    /// Stops its node.
    pub async fn stop(&mut self) {
        if let Some(node) = self.node.take() {
            node.shutdown().await;
        }
    }

    /// Cuts it off: the node goes on without a network.
    pub async fn go_offline(&mut self) {
        self.stop().await;
        self.start(false).await;
    }

    /// Brings the network back.
    pub async fn go_online(&mut self) {
        self.stop().await;
        self.start(true).await;
    }

    /// Asks its node.
    ///
    /// # Errors
    /// The node's.
    pub async fn try_ask<T: TryFrom<Answer, Error = Error>>(&self, command: Command) -> Result<T, Error> {
        let node = self.node.as_ref().unwrap_or_else(|| panic!("the node runs"));
        let request = Request { commons: None, lang: essaim_protocol::api::Lang::Fr, command };
        let report: essaim_protocol::api::Report = Arc::new(|_| {});
        T::try_from(node.engine().call(request, &report).await?)
    }

    /// Asks its node for what it must be able to answer.
    pub async fn ask<T: TryFrom<Answer, Error = Error>>(&self, command: Command) -> T {
        let asked = format!("{command:?}");
        self.try_ask(command).await.unwrap_or_else(|error| panic!("{asked:.300}: {error:?}"))
    }

    /// Founds a commons.
    pub async fn found(&self, name: &str, starter: bool) -> Commons {
        self.ask(Command::CreateCommons(CreateCommons { name: name.to_owned(), starter, charter: None })).await
    }

    /// A ticket for one newcomer.
    pub async fn invite(&self) -> String {
        let invite = Invite { role: Role::Ally, expires_in_s: 3600, uses: 1 };
        self.ask::<Invitation>(Command::Invite(invite)).await.ticket
    }

    /// Reads the charter of a ticket, accepts it and joins.
    ///
    /// # Errors
    /// The node's.
    pub async fn try_join(&self, ticket: &str) -> Result<Joined, Error> {
        let read = ReadTicket { ticket: ticket.to_owned() };
        let content: TicketContent = self.try_ask(Command::ReadTicket(read)).await?;
        let join = Join { ticket: ticket.to_owned(), accepted: content.charter, wait_s: 30 };
        self.try_ask(Command::Join(join)).await
    }

    /// Joins, and is admitted.
    pub async fn join(&self, ticket: &str) -> Joined {
        let joined = self.try_join(ticket).await.unwrap_or_else(|error| panic!("joining: {error}"));
        assert!(joined.admitted, "the inviting node admits");
        joined
    }

    /// The commons as it is here.
    pub async fn commons(&self) -> Commons {
        self.ask(Command::ShowCommons).await
    }
}

/// Waits until all allies hold the same, and gives the digest.
pub async fn agreed(allies: &[&Ally]) -> String {
    let mut seen = Vec::new();
    let end = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < end {
        seen.clear();
        for ally in allies {
            let commons = ally.commons().await;
            seen.push((commons.digest, commons.entries));
        }
        if seen.windows(2).all(|pair| pair[0] == pair[1]) {
            return seen.remove(0).0;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("they do not agree: {seen:?}")
}
