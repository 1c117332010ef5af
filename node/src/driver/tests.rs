//! Two whole nodes on loopback, with real stores and real sockets.

use std::path::Path;
use std::sync::Arc;

use essaim_protocol::api::{
    Answer, Command, Commons, CreateCommons, Form, Init, Invitation, Invite, Join, Joined, New, ReadTicket, Request,
    Role as InvitedAs, Saved, TicketContent,
};
use essaim_protocol::join::{Frame, Knock};
use essaim_protocol::roster::Ticket;
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
    dir: TempDir,
    node: crate::Node,
}

impl Node {
    async fn start(name: &str) -> Self {
        Self::start_that_reconciles(name, ANTI_ENTROPY).await
    }

    async fn start_that_reconciles(name: &str, every: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let node = start_that_reconciles(dir.path(), &LISTEN, every).await;
        Self { node: Self::init(node, name).await, dir }
    }

    async fn init(node: crate::Node, name: &str) -> crate::Node {
        ask::<api::Identity>(&node, Command::Init(Init { name: name.to_owned() })).await;
        node
    }

    fn driver(&self) -> &Driver {
        self.node.driver.as_ref().unwrap()
    }

    async fn ask<T: TryFrom<Answer, Error = Error>>(&self, command: Command) -> T {
        ask(&self.node, command).await
    }

    async fn join(&self, ticket: String) {
        let content: TicketContent = self.ask(Command::ReadTicket(ReadTicket { ticket: ticket.clone() })).await;
        let join = Join { ticket, accepted: content.charter, wait_s: 30 };
        assert!(self.ask::<Joined>(Command::Join(join)).await.admitted);
    }

    /// Stops, loses all that it has of its commons but the charter, and starts again.
    async fn loses_its_stores(self, listen: &[&str]) -> Self {
        let Self { dir, node } = self;
        node.shutdown().await;
        for commons in std::fs::read_dir(dir.path().join("commons")).unwrap() {
            for part in ["store", "index"] {
                std::fs::remove_dir_all(commons.as_ref().unwrap().path().join(part)).unwrap();
            }
        }
        Self { node: start(dir.path(), listen).await, dir }
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
    start_that_reconciles(home, listen, ANTI_ENTROPY).await
}

async fn start_that_reconciles(home: &Path, listen: &[&str], every: Duration) -> crate::Node {
    let listen = listen.iter().map(|address| address.parse().unwrap()).collect();
    let network = Some(Network { reconcile_every: every, ..Network::on_this_machine(listen) });
    crate::Node::start(Config { network, free: 0, ..Config::new(home) }).await.unwrap()
}

async fn ask<T: TryFrom<Answer, Error = Error>>(node: &crate::Node, command: Command) -> T {
    let request = Request { commons: None, lang: api::Lang::Fr, command };
    let report: api::Report = Arc::new(|_| {});
    T::try_from(node.engine().call(request, &report).await.unwrap()).unwrap()
}

/// A founder, and a ticket to its commons.
async fn alice_and_her_ticket() -> (Node, String) {
    let alice = Node::start("Alice").await;
    let create = CreateCommons { name: "Patrimoine".to_owned(), starter: false, charter: None };
    alice.ask::<Commons>(Command::CreateCommons(create)).await;
    let invite = Invite { role: InvitedAs::Ally, expires_in_s: 3_600, uses: 1 };
    let ticket = alice.ask::<Invitation>(Command::Invite(invite)).await.ticket;
    (alice, ticket)
}

/// Two allies of one commons.
async fn alice_and_bob() -> (Node, Node) {
    let (alice, ticket) = alice_and_her_ticket().await;
    let bob = Node::start("Bob").await;
    bob.join(ticket).await;
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
async fn places_are_kept_for_whoever_comes_in_and_strangers_are_no_allies_online() {
    let (alice, bob) = alice_and_bob().await;
    let invite = Invite { role: InvitedAs::Ally, expires_in_s: 3_600, uses: 1 };
    let ticket = alice.ask::<Invitation>(Command::Invite(invite)).await.ticket;
    let carol = Node::start("Carol").await;
    carol.join(ticket).await;
    let of = |node: &Node| node.driver().0.net.get().unwrap().local();
    until("bob, who never met her, keeps a place for carol", async || {
        bob.driver().state(|state| state.kept.contains(&of(&carol)))
    })
    .await;

    let eve = Node::start("Eve").await;
    let addresses = alice.driver().listening().await;
    eve.driver().reach(of(&alice), &addresses).await.unwrap();
    until("eve is connected", async || alice.driver().connected().contains(&of(&eve))).await;
    let online = async || alice.ask::<api::Status>(Command::Status).await.network.unwrap().connected;
    until("two allies are online", async || online().await == 2).await;
    assert!(alice.driver().connected().len() >= 3);
    assert!(!alice.driver().state(|state| state.kept.contains(&of(&eve))));
    for node in [alice, bob, carol, eve] {
        node.node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reachable_is_an_answer_and_a_session_that_is_given_up_is_not_kept() {
    let (alice, bob) = alice_and_bob().await;
    let peer = bob.driver().0.net.get().unwrap().local();
    let room = alice.node.engine().rooms().await.remove(0);
    until("they agree", async || alice.digest().await == bob.digest().await).await;
    bob.node.shutdown().await;
    let sync = Command::Sync(api::Sync { peer: None, wait_s: 0 });
    let synced: api::Synced = alice.ask(sync).await;
    assert_eq!(synced.peers.iter().map(|peer| peer.ended.clone()).collect::<Vec<_>>(), [api::Ended::Unreachable]);

    // A peer that says nothing.
    let (stream, _silent) = net::SyncStream::with(peer);
    let given_up = pump::sync(&room, stream, Role::Initiator, None);
    assert!(tokio::time::timeout(Duration::from_millis(200), given_up).await.is_err());
    until("its session is forgotten", async || room.keeper.run(|desk| desk.sessions()).await == Ok(0)).await;
    alice.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn allies_who_are_quiet_reconcile_every_few_minutes_all_the_same() {
    let (alice, ticket) = alice_and_her_ticket().await;
    let bob = Node::start_that_reconciles("Bob", LOOK).await;
    bob.join(ticket).await;
    until("they agree", async || alice.digest().await == bob.digest().await).await;
    // Nobody writes: what sessions there are from here on, but for the last that joining had under way, the clock opens.
    let traffic = || [&alice, &bob].map(|node| node.driver().traffic());
    for _ in 0..8 {
        let [a, b] = traffic();
        until("both saw another session", async || {
            let [alice, bob] = traffic();
            bob.bytes_out > b.bytes_out && bob.bytes_in > b.bytes_in && alice.bytes_in > a.bytes_in
        })
        .await;
    }
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

/// A network on a free port, and where it listens. It dials nobody.
async fn only_listening(secret: [u8; 32]) -> (net::Handle, mpsc::Receiver<Event>, Vec<Multiaddr>) {
    let listen = vec![LISTEN[0].parse().unwrap()];
    let (net, events) = net::start(net::Config { listen, mdns: false, ..net::Config::new(secret) }).unwrap();
    until("it listens", async || !net.listen_addresses().await.unwrap().is_empty()).await;
    let addresses = net.listen_addresses().await.unwrap();
    (net, events, addresses)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_are_discovered_nearby_only_an_ally_is_dialled() {
    let (alice, bob) = alice_and_bob().await;
    let secret = bob.node.engine.keys().await.unwrap().network_secret();
    bob.node.shutdown().await;
    until("he is away", async || alice.driver().connected().is_empty()).await;
    // He is back at a port that nobody was told, and waits.
    let (bob, _bob_hears, his) = only_listening(secret).await;
    let (eve, _eve_hears, hers) = only_listening([66; 32]).await;
    for (peer, addresses) in [(eve.local(), hers), (bob.local(), his)] {
        alice.driver().happened(&alice.node.engine, Event::Discovered { peer, addresses }).await;
    }
    until("the ally is met", async || alice.driver().connected().contains(&bob.local())).await;
    assert!(eve.connected().await.unwrap().is_empty());
    assert!(alice.driver().state(|state| !state.dialling.contains_key(&eve.local())));
    alice.node.shutdown().await;
    bob.shutdown().await;
    eve.shutdown().await;
}

/// The ports at which a node listens, once it listens wherever `all` says.
async fn ports(node: &crate::Node, all: Ports) -> Ports {
    let mut found = Ports::default();
    until("it listens everywhere", async || {
        found = node.driver.as_ref().unwrap().listening().await.iter().fold(Ports::default(), noted);
        let both = [(found.udp4, all.udp4), (found.udp6, all.udp6), (found.tcp4, all.tcp4), (found.tcp6, all.tcp6)];
        both.iter().all(|(found, wanted)| found.is_some() == wanted.is_some())
    })
    .await;
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_listens_everywhere_keeps_its_ports_over_a_restart() {
    let everywhere = ["/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/0.0.0.0/tcp/0", "/ip6/::/udp/0/quic-v1", "/ip6/::/tcp/0"];
    assert_eq!(net::everywhere().iter().map(ToString::to_string).collect::<Vec<_>>(), everywhere);
    let six = std::net::UdpSocket::bind("[::1]:0").is_ok().then_some(0);
    let all = Ports { udp4: Some(0), tcp4: Some(0), udp6: six, tcp6: six };

    let dir = tempfile::tempdir().unwrap();
    Node::init(start(dir.path(), &everywhere).await, "Alice").await.shutdown().await;
    let first = start(dir.path(), &everywhere).await;
    let before = ports(&first, all).await;
    until("the ports are noted", async || first.engine().with_home(crate::home::Home::ports).await == Some(before))
        .await;
    first.shutdown().await;
    let second = start(dir.path(), &everywhere).await;
    assert_eq!(ports(&second, all).await, before);
    second.shutdown().await;
}

#[test]
fn one_port_of_both_families_can_be_listened_on() {
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let addresses = [format!("/ip4/0.0.0.0/udp/{port}/quic-v1"), format!("/ip6/::/udp/{port}/quic-v1")];
    let listen = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (net, _events) = net::start(net::Config { listen, mdns: false, ..net::Config::new([3; 32]) }).unwrap();
        net.shutdown().await;
    });
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

/// Somebody with a ticket and bare hands, welcomed by the founder: what came with the welcome was read.
async fn eve_at(alice: &Node, ticket: &Ticket, secret: u8) -> (net::Handle, mpsc::Receiver<Event>, net::SyncStream) {
    let config = net::Config { listen: vec![], mdns: false, ..net::Config::new([secret; 32]) };
    let (eve, mut events) = net::start(config).unwrap();
    let host = alice.driver().0.net.get().unwrap().local();
    eve.dial(host, &alice.driver().listening().await).await.unwrap();
    while !matches!(events.recv().await.unwrap(), Event::Connected(_)) {}
    let mut stream = eve.open_sync(host).await.unwrap();
    let proof = ticket.prove(&stream.local, &stream.peer);
    let knock = Frame::Knock(Knock { commons: ticket.commons, invite: ticket.invite, proof });
    stream.outbox.send(knock.encode()).await.unwrap();
    while Frame::decode(&stream.inbox.recv().await.unwrap().unwrap()) != Ok(Frame::End) {}
    (eve, events, stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_who_presents_what_no_newcomer_has_is_cut_off() {
    let (alice, ticket) = alice_and_her_ticket().await;
    let zeros = [&[19][..], &[0; 200 * 1024]].concat();
    let three = Frame::Statements(vec![vec![1; 100]; 3]).encode();
    let late_knock = [16, 1].to_vec();
    for (secret, frame) in [(10, zeros), (11, three), (12, late_knock)] {
        let (eve, mut events, stream) = eve_at(&alice, &ticket.parse().unwrap(), secret).await;
        stream.outbox.send(frame).await.unwrap();
        while !matches!(events.recv().await.unwrap(), Event::Disconnected { .. }) {}
        let host = alice.driver().0.net.get().unwrap();
        until("nobody is left connected", async || host.connected().await.unwrap().is_empty()).await;
        eve.shutdown().await;
    }
    alice.node.shutdown().await;
}

#[test]
fn a_false_length_or_answer_is_the_peer_s_fault_and_a_lost_link_is_nobody_s() {
    let misbehaved = [SessionError::Length { length: u32::MAX }, SessionError::Answer { answer: 7 }];
    assert!(misbehaved.iter().all(|error| matches!(broken(error), Verdict::Misbehaved(_))));
    let lost =
        [SessionError::CutShort, SessionError::Idle, SessionError::Lost(std::io::ErrorKind::NotConnected.into())];
    assert!(lost.iter().all(|error| matches!(broken(error), Verdict::Broken(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_is_read_and_not_used_leaves_nothing_behind() {
    let (alice, ticket) = alice_and_her_ticket().await;
    let bob = Node::start("Bob").await;
    let content: TicketContent = bob.ask(Command::ReadTicket(ReadTicket { ticket: ticket.clone() })).await;
    assert_eq!(content.name, "Patrimoine");
    assert_eq!(std::fs::read_dir(bob.dir.path().join("commons")).unwrap().count(), 0);
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ally_that_was_cut_off_stays_so_after_a_restart_until_it_is_forgiven() {
    let (alice, bob) = alice_and_bob().await;
    let key = bob.driver().0.net.get().unwrap().local();
    let room = alice.node.engine.rooms().await.remove(0);
    alice.driver().blame(Some(&room), key, &Verdict::Misbehaved(Words::new("il a menti", "it lied"))).await;
    until("he is cut off", async || !alice.driver().connected().contains(&key)).await;
    drop(room);

    let Node { dir, node } = alice;
    node.shutdown().await;
    let alice = Node { node: start(dir.path(), &LISTEN).await, dir };
    let there = bob.driver().listening().await;
    assert!(alice.driver().reach(key, &there).await.unwrap_err().contains("blocked"));
    let told: api::Diagnosis = alice.ask(Command::Doctor(api::Doctor::default())).await;
    let told = told.checks.into_iter().flat_map(|check| check.details);
    assert!(
        told.into_iter()
            .any(|one| one.fr.contains("Bob") && one.fr.contains("il a menti") && one.en.contains("it lied"))
    );

    let _: api::Diagnosis = alice.ask(Command::Doctor(api::Doctor { forgive: true, ..Default::default() })).await;
    until("he is back", async || alice.driver().connected().contains(&key)).await;
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ally_whose_store_is_lost_gets_its_commons_back_from_an_ally_who_comes_to_it_or_by_its_old_ticket() {
    let (alice, ticket) = alice_and_her_ticket().await;
    let bob = Node::start("Bob").await;
    bob.join(ticket.clone()).await;
    bob.write("Écrit avant la perte").await;
    until("they agree", async || alice.digest().await == bob.digest().await).await;

    let bob = bob.loses_its_stores(&LISTEN).await;
    until("alice has told him all", async || alice.digest().await == bob.digest().await).await;
    bob.write("Écrit après la perte").await;
    until("she hears of him", async || alice.digest().await == bob.digest().await).await;
    assert_eq!(bob.ask::<Commons>(Command::ShowCommons).await.name, "Patrimoine");

    // Nobody can come to him now; of his ticket, which is used up, he needs only where she is.
    let bob = bob.loses_its_stores(&[]).await;
    assert_ne!(alice.digest().await, bob.digest().await);
    bob.join(ticket).await;
    until("alice has told him all again", async || alice.digest().await == bob.digest().await).await;
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}
