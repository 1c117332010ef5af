//! Real nodes on this machine: temporary homes, free ports, loopback only.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use essaim_node::{Config, Network, Node};
use essaim_protocol::api::{
    Answer, Command, Commons, CreateCommons, Edit, Error, Form, Init, Invitation, Invite, Join, Joined, New,
    ReadTicket, Request, Role, Setting, TicketContent,
};
use serde_json::json;
use tempfile::TempDir;

/// How long a cluster may take to agree before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a cluster.
const LOOK: Duration = Duration::from_millis(20);

/// An ally with a home of its own and, while it runs, a node.
#[derive(Debug)]
pub struct Ally {
    _dir: TempDir,
    home: PathBuf,
    free: u64,
    node: Option<Node>,
}

impl Ally {
    /// An ally with an identity, whose node runs on the network.
    pub async fn new(name: &str) -> Self {
        Self::nobody().settled(name).await
    }

    /// An ally with an identity, whose home is here and whose node runs on the network.
    pub async fn new_at(home: PathBuf, name: &str) -> Self {
        let mut ally = Self::nobody();
        ally.move_to(home);
        ally.settled(name).await
    }

    async fn settled(mut self, name: &str) -> Self {
        self.start(false).await;
        self.ask::<essaim_protocol::api::Identity>(Command::Init(Init { name: name.to_owned() })).await;
        self.go_online().await;
        self
    }

    /// A place for an ally, without an identity and without a node.
    #[must_use]
    pub fn nobody() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let home = dir.path().to_owned();
        Self { _dir: dir, home, free: 0, node: None }
    }

    /// Its home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Takes another directory for home when its node starts next.
    pub fn move_to(&mut self, home: PathBuf) {
        self.home = home;
    }

    /// Takes a disk with less than this for full when its node starts next.
    pub const fn leave_free(&mut self, bytes: u64) {
        self.free = bytes;
    }

    /// Starts its node, on the network or off it.
    pub async fn start(&mut self, online: bool) {
        let listen = ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"];
        let listen = listen.iter().filter_map(|address| address.parse().ok()).collect();
        let network = online.then_some(Network::on_this_machine(listen));
        // Without an identity there is no token, and nobody to let in.
        let http = self.home.join("token").exists().then(|| std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
        let config = Config { network, http, free: self.free, ..Config::new(&self.home) };
        self.node = Some(Node::start(config).await.unwrap_or_else(|error| panic!("a node starts: {error}")));
    }

    /// The link that opens its page.
    #[must_use]
    pub fn page(&self) -> String {
        self.node.as_ref().and_then(Node::page).unwrap_or_else(|| panic!("the node runs and has an identity"))
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
        self.try_invite().await.unwrap_or_else(|error| panic!("inviting: {error}"))
    }

    /// A ticket for one newcomer, if it may be had.
    ///
    /// # Errors
    /// The node's.
    pub async fn try_invite(&self) -> Result<String, Error> {
        let invite = Invite { role: Role::Ally, expires_in_s: 3600, uses: 1 };
        Ok(self.try_ask::<Invitation>(Command::Invite(invite)).await?.ticket)
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

/// A new experience with a title and a story.
#[must_use]
pub fn experience(title: &str, story: &str) -> Command {
    let fields = json!({"title": title, "story": story, "outcome": "under_way"});
    let Some(fields) = fields.as_object().cloned() else { unreachable!("an object") };
    Command::New(New {
        kind: "experience".to_owned(),
        form: Some(Form::Fields(fields)),
        set: vec![],
        territories: vec![],
    })
}

/// One field of a record, as typed.
#[must_use]
pub fn set(record: &str, field: &str, value: &str) -> Command {
    let set = vec![Setting { field: field.to_owned(), value: value.to_owned() }];
    Command::Edit(Edit { record: record.to_owned(), base: vec![], form: None, set, territories: vec![] })
}

/// Looks until there is something to see.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < end {
        if let Some(seen) = look().await {
            return seen;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("it never came that {what}")
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
