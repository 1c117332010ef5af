//! Two whole nodes on loopback, with real stores and real sockets.

use std::path::Path;
use std::sync::Arc;

use essaim_protocol::api::{
    Answer, Command, Commons, CreateCommons, Form, Init, Invitation, Invite, Join, Joined, New, ReadTicket, Request,
    Role as InvitedAs, Saved, TicketContent,
};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::Config;

const LISTEN: [&str; 2] = ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"];

/// After so long a test fails rather than hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

struct Node {
    _dir: TempDir,
    node: crate::Node,
}

impl Node {
    async fn start(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let node = start(dir.path(), &LISTEN).await;
        let this = Self { _dir: dir, node };
        this.ask::<essaim_protocol::api::Identity>(Command::Init(Init { name: name.to_owned() })).await;
        this
    }

    fn driver(&self) -> &Driver {
        self.node.driver.as_ref().unwrap()
    }

    async fn ask<T: TryFrom<Answer, Error = Error>>(&self, command: Command) -> T {
        let request = Request { commons: None, lang: api::Lang::Fr, command };
        let report: api::Report = Arc::new(|_| {});
        T::try_from(self.node.engine().call(request, &report).await.unwrap()).unwrap()
    }

    async fn digest(&self) -> String {
        self.ask::<Commons>(Command::ShowCommons).await.digest
    }

    async fn write(&self, title: &str) {
        let fields = json!({"title": title, "story": "Nous avons essayé.", "outcome": "under_way"});
        let form = Some(Form::Fields(fields.as_object().unwrap().clone()));
        let new = New { kind: "experience".to_owned(), form, set: vec![], territories: vec![] };
        self.ask::<Saved>(Command::New(new)).await;
    }
}

async fn start(home: &Path, listen: &[&str]) -> crate::Node {
    let listen = listen.iter().map(|address| address.parse().unwrap()).collect();
    let network = Some(Network { listen, mdns: false, on_this_machine: true });
    crate::Node::start(Config { network, free: 0, ..Config::new(home) }).await.unwrap()
}

/// Two allies of one commons.
async fn alice_and_bob() -> (Node, Node) {
    let (alice, bob) = (Node::start("Alice").await, Node::start("Bob").await);
    alice
        .ask::<Commons>(Command::CreateCommons(CreateCommons {
            name: "Patrimoine".to_owned(),
            starter: false,
            charter: None,
        }))
        .await;
    let invite = Invite { role: InvitedAs::Ally, expires_in_s: 3_600, uses: 1 };
    let ticket = alice.ask::<Invitation>(Command::Invite(invite)).await.ticket;
    let content: TicketContent = bob.ask(Command::ReadTicket(ReadTicket { ticket: ticket.clone() })).await;
    let join = Join { ticket, accepted: content.charter, wait_s: 30 };
    assert!(bob.ask::<Joined>(Command::Join(join)).await.admitted);
    (alice, bob)
}

async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let seen = async {
        while !look().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    assert!(tokio::time::timeout(HANGS, seen).await.is_ok(), "it never came that {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_running_nodes_that_lose_their_connection_meet_again() {
    let (alice, bob) = alice_and_bob().await;
    let (a, b) = (alice.driver().0.net.get().unwrap(), bob.driver().0.net.get().unwrap());
    until("both are connected", async || {
        alice.driver().connected().contains(&b.local()) && bob.driver().connected().contains(&a.local())
    })
    .await;
    for cut in 1..=2 {
        a.disconnect(b.local()).await.unwrap();
        until("the connection is lost", async || !a.connected().await.unwrap().iter().any(|c| c.peer == b.local()))
            .await;
        bob.write(&format!("Écrit pendant la coupure {cut}")).await;
        until("they agree again", async || alice.digest().await == bob.digest().await).await;
    }
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_peer_is_told_at_once_that_its_address_is_none() {
    let alice = Node::start("Alice").await;
    let nobody = NetworkKey([7; 32]);
    let address = "/dns4/no-such-host.invalid/tcp/1".parse().unwrap();
    alice.driver().reach(nobody, &[address]).await.unwrap_err();
    assert!(alice.driver().state(|state| state.dialling.is_empty()), "nobody is left waiting");
    alice.node.shutdown().await;
}
