//! Two or three nodes on loopback, with real sockets.

use std::net::TcpListener;

use futures::StreamExt as _;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::*;

const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
const TCP: &str = "/ip4/127.0.0.1/tcp/0";

/// After so long a test fails rather than hangs.
const HANGS: Duration = Duration::from_secs(60);

struct Peer {
    net: Handle,
    events: mpsc::Receiver<Event>,
}

impl Peer {
    fn start(name: &str, listen: &str) -> Self {
        Self::with_limits(name, listen, Limits::default())
    }

    fn with_limits(name: &str, listen: &str, limits: Limits) -> Self {
        let (net, events) = start(config(name, listen, limits)).unwrap();
        Self { net, events }
    }

    fn key(&self) -> NetworkKey {
        self.net.local()
    }

    /// The first event that `wanted` takes; others are passed over.
    async fn wait<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the network runs");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        timeout(HANGS, found).await.expect("the event comes")
    }

    async fn address(&mut self) -> Multiaddr {
        self.wait(|event| if let Event::Listening(address) = event { Some(address) } else { None }).await
    }

    async fn incoming(&mut self) -> SyncStream {
        self.wait(|event| if let Event::Incoming(session) = event { Some(session) } else { None }).await
    }

    async fn connected(&mut self, peer: NetworkKey) -> Connection {
        self.wait(|event| {
            if let Event::Connected(found) = event { Some(found) } else { None }.filter(|c| c.peer == peer)
        })
        .await
    }

    async fn disconnected(&mut self, gone: NetworkKey) {
        self.wait(|event| matches!(event, Event::Disconnected { peer } if peer == gone).then_some(())).await;
    }

    async fn dial_failure(&mut self) -> DialFailure {
        self.wait(|event| if let Event::DialFailed { error, .. } = event { Some(error) } else { None }).await
    }

    /// Connects to `other`, which has told nobody its address yet.
    async fn connect(&mut self, other: &mut Self) {
        let address = other.address().await;
        self.connect_at(other, address).await;
    }

    async fn connect_at(&mut self, other: &mut Self, address: Multiaddr) {
        self.net.dial(other.key(), &[address]).await.unwrap();
        assert_eq!(self.connected(other.key()).await.direction, Direction::Outgoing);
        assert_eq!(other.connected(self.key()).await.direction, Direction::Incoming);
    }

    async fn open(&self, other: &Self) -> Result<SyncStream, OpenError> {
        timeout(HANGS, self.net.open_sync(other.key())).await.expect("opening ends")
    }
}

fn config(name: &str, listen: &str, limits: Limits) -> Config {
    let network_secret = *blake3::hash(name.as_bytes()).as_bytes();
    Config { listen: vec![listen.parse().unwrap()], mdns: false, limits, ..Config::new(network_secret) }
}

/// A stranger who only asks a node who it is learns no address and no exact version.
#[tokio::test]
async fn a_node_tells_a_stranger_its_kind_and_what_it_speaks_and_nothing_else() {
    let mut asked = Peer::start("asked", TCP);
    let address = asked.address().await;
    let behaviour = |keys: &libp2p::identity::Keypair| {
        libp2p::identify::Behaviour::new(libp2p::identify::Config::new("/stranger".to_owned(), keys.public()))
    };
    let mut stranger = libp2p::SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(libp2p::tcp::Config::default(), libp2p::noise::Config::new, libp2p::yamux::Config::default)
        .unwrap()
        .with_behaviour(behaviour)
        .unwrap()
        .build();
    stranger.dial(address).unwrap();
    let told = async {
        loop {
            if let SwarmEvent::Behaviour(libp2p::identify::Event::Received { info, .. }) =
                stranger.select_next_some().await
            {
                return info;
            }
        }
    };
    let told = timeout(HANGS, told).await.expect("it is told");
    assert_eq!(told.listen_addrs, []);
    assert!(!told.agent_version.contains(env!("CARGO_PKG_VERSION")), "{}", told.agent_version);
    let spoken: Vec<_> = told.protocols.iter().map(ToString::to_string).collect();
    let ours =
        |name: &String| name.starts_with("/essaim/") || name.starts_with("/ipfs/id/") || name == "/ipfs/ping/1.0.0";
    assert!(spoken.iter().all(ours), "{spoken:?}");
}

/// Sends `frames` while it receives as many, checks each, and closes. Gives the bytes that came in.
async fn exchange(session: SyncStream, frames: u32) -> u64 {
    let SyncStream { outbox, mut inbox, traffic, .. } = session;
    let send = async move {
        for n in 0..frames {
            outbox.send(frame(n)).await.unwrap();
        }
    };
    let receive = async {
        for n in 0..frames {
            assert!(inbox.recv().await.unwrap() == Some(frame(n)), "frame {n} arrives whole and in order");
        }
        assert_eq!(inbox.recv().await.unwrap(), None);
    };
    timeout(HANGS, futures::future::join(send, receive)).await.expect("frames pass");
    traffic.received()
}

/// A frame that tells its number; every thousandth is as large as allowed.
fn frame(n: u32) -> Frame {
    let length = if n % 1_000 == 7 { MAX_FRAME } else { 4 + n as usize % 300 };
    let mut frame = vec![n as u8; length];
    frame[..4].copy_from_slice(&n.to_le_bytes());
    frame
}

async fn ten_thousand_frames_pass(listen: &str) {
    let (mut alice, mut bob) = (Peer::start("alice", listen), Peer::start("bob", listen));
    alice.connect(&mut bob).await;
    let ours = alice.open(&bob).await.unwrap();
    let theirs = bob.incoming().await;
    assert_eq!((ours.local, ours.peer, ours.direction), (alice.key(), bob.key(), Direction::Outgoing));
    assert_eq!((theirs.local, theirs.peer, theirs.direction), (bob.key(), alice.key(), Direction::Incoming));
    let (ours, theirs) = tokio::join!(exchange(ours, 10_000), exchange(theirs, 10_000));
    let bytes: u64 = (0..10_000).map(|n| frame(n).len() as u64 + 4).sum();
    assert_eq!((ours, theirs), (bytes, bytes));
}

#[tokio::test]
async fn ten_thousand_frames_pass_both_ways_over_quic() {
    ten_thousand_frames_pass(QUIC).await;
}

#[tokio::test]
async fn ten_thousand_frames_pass_both_ways_over_tcp() {
    ten_thousand_frames_pass(TCP).await;
}

#[tokio::test]
async fn a_session_needs_a_connection_and_is_the_only_one_with_its_peer() {
    let (mut alice, mut bob) = (Peer::start("alice", QUIC), Peer::start("bob", QUIC));
    assert!(matches!(alice.open(&bob).await, Err(OpenError::NotConnected)));
    alice.connect(&mut bob).await;
    let _ours = alice.open(&bob).await.unwrap();
    let _theirs = bob.incoming().await;
    assert!(matches!(alice.open(&bob).await, Err(OpenError::AlreadyOpen)));
    assert!(matches!(bob.open(&alice).await, Err(OpenError::AlreadyOpen)));
}

#[tokio::test]
async fn when_both_open_at_once_exactly_one_session_stands() {
    // Several pairs, so that now the one and now the other key is smaller.
    for n in 0..8 {
        let (mut alice, mut bob) = (Peer::start(&format!("alice {n}"), QUIC), Peer::start(&format!("bob {n}"), QUIC));
        alice.connect(&mut bob).await;
        let (ours, theirs) = match tokio::join!(alice.open(&bob), bob.open(&alice)) {
            (Ok(ours), Err(OpenError::Busy | OpenError::AlreadyOpen)) => (ours, bob.incoming().await),
            (Err(OpenError::Busy | OpenError::AlreadyOpen), Ok(theirs)) => (alice.incoming().await, theirs),
            other => panic!("one session: {other:?}"),
        };
        tokio::join!(exchange(ours, 3), exchange(theirs, 3));
    }
}

#[tokio::test]
async fn beyond_its_places_a_node_is_busy_and_keeps_one_for_an_ally() {
    let limits = Limits { sessions_in: 2, strangers: 1, ..Limits::default() };
    let mut node = Peer::with_limits("node", QUIC, limits);
    let address = node.address().await;
    let [mut ally, mut eve, mut mallory] = ["ally", "eve", "mallory"].map(|name| Peer::start(name, TCP));
    for peer in [&mut ally, &mut eve, &mut mallory] {
        peer.connect_at(&mut node, address.clone()).await;
    }
    node.net.keep(ally.key(), true).await.unwrap();

    let from_eve = eve.open(&node).await.unwrap();
    let _at_node = node.incoming().await;
    assert!(matches!(mallory.open(&node).await, Err(OpenError::Busy)));
    let _from_ally = ally.open(&node).await.unwrap();
    assert_eq!(node.incoming().await.peer, ally.key());

    drop((from_eve, _at_node));
    let again = async {
        loop {
            match mallory.open(&node).await {
                Err(OpenError::Busy) => tokio::task::yield_now().await,
                outcome => return outcome,
            }
        }
    };
    timeout(HANGS, again).await.expect("a place is free again").unwrap();
}

#[tokio::test]
async fn a_peer_that_vanishes_without_a_word_ends_the_session() {
    for listen in [QUIC, TCP] {
        let limits = Limits { idle: Duration::from_millis(500), ..Limits::default() };
        let mut alice = Peer::with_limits("alice", listen, limits);
        let address = alice.address().await;
        let key = alice.key();
        let world = Runtime::new().unwrap();
        let dialling = world.spawn(async move {
            let mut bob = Peer::start("bob", QUIC);
            bob.net.dial(key, &[address]).await.unwrap();
            bob.connected(key).await;
            let session = bob.net.open_sync(key).await.unwrap();
            session.outbox.send(vec![1; MAX_FRAME]).await.unwrap();
            (bob, session)
        });
        let mut session = alice.incoming().await;
        assert!(session.inbox.recv().await.unwrap().is_some());
        // The runtime goes first, so that nothing of bob can say goodbye.
        let bob = dialling.await.unwrap();
        world.shutdown_background();
        let error = timeout(HANGS, session.inbox.recv()).await.expect("noticed").unwrap_err();
        assert!(matches!(error, SessionError::Idle | SessionError::Lost(_) | SessionError::CutShort), "{error}");
        drop(bob);
    }
}

/// A way to `to` over TCP that lets everything pass until it is cut: from then on nothing, and no word of it.
async fn cuttable(to: u16, mut cut: tokio::sync::watch::Receiver<bool>) -> Multiaddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = tokio::net::TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
            _ = cut.wait_for(|cut| *cut) => {}
        }
        // Both sockets stay open.
        let _ = cut.wait_for(|cut| !*cut).await;
    });
    format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
}

#[tokio::test]
async fn a_peer_behind_a_tcp_link_that_goes_dead_is_gone_for_both() {
    let limits = Limits { silence: Duration::from_millis(300), ..Limits::default() };
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Peer::with_limits(name, TCP, limits));
    let address = alice.address().await;
    let port = address.iter().find_map(|part| if let Protocol::Tcp(port) = part { Some(port) } else { None });
    let (cut, is_cut) = tokio::sync::watch::channel(false);
    let link = cuttable(port.unwrap(), is_cut).await;
    bob.connect_at(&mut alice, link).await;
    for node in [&alice, &bob] {
        node.net.keep(alice.key(), true).await.unwrap();
        node.net.keep(bob.key(), true).await.unwrap();
    }
    let mut session = bob.open(&alice).await.unwrap();
    cut.send_replace(true);
    let (alice_key, bob_key) = (alice.key(), bob.key());
    futures::join!(alice.disconnected(bob_key), bob.disconnected(alice_key));
    assert!(session.inbox.recv().await.is_err());
}

#[tokio::test]
async fn an_address_where_nobody_answers_is_named() {
    let mut alice = Peer::start("alice", QUIC);
    let bob = Peer::start("bob", QUIC);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
    alice.net.dial(bob.key(), std::slice::from_ref(&address)).await.unwrap();
    let said = alice.dial_failure().await.to_string();
    assert!(said.contains(&address.to_string()) && said.contains("refused"), "{said}");

    alice.net.dial(bob.key(), &[]).await.unwrap();
    assert!(matches!(alice.dial_failure().await, DialFailure::NoAddress));
    let nowhere = "/dns/nulle-part.invalid/tcp/1".parse().unwrap();
    assert!(matches!(alice.net.dial(bob.key(), &[nowhere]).await, Err(DialFailure::Unreachable(_))));
    assert!(matches!(alice.net.dial(NetworkKey([2; 32]), &[address]).await, Err(DialFailure::Key(_))));
}

#[tokio::test]
async fn who_answers_under_another_key_is_not_believed() {
    let (mut alice, mut bob) = (Peer::start("alice", TCP), Peer::start("bob", QUIC));
    let carol = Peer::start("carol", QUIC);
    let address = bob.address().await;
    alice.net.dial(carol.key(), &[address]).await.unwrap();
    let failure = alice.dial_failure().await;
    assert!(matches!(failure, DialFailure::AnotherPeer { found: Some(found), .. } if found == bob.key()), "{failure}");
}

#[tokio::test]
async fn a_blocked_peer_is_cut_off_and_stays_out() {
    let (mut alice, mut bob) = (Peer::start("alice", TCP), Peer::start("bob", TCP));
    let [to_alice, to_bob] = [alice.address().await, bob.address().await];
    bob.connect_at(&mut alice, to_alice.clone()).await;
    alice.net.block(bob.key()).await.unwrap();
    bob.disconnected(alice.key()).await;
    alice.disconnected(bob.key()).await;

    bob.net.dial(alice.key(), &[to_alice]).await.unwrap();
    let turned_away = |event| matches!(event, Event::Disconnected { .. } | Event::DialFailed { .. }).then_some(());
    bob.wait(turned_away).await;
    assert_eq!(alice.net.connected().await.unwrap(), []);
    alice.net.dial(bob.key(), &[to_bob]).await.unwrap();
    assert!(matches!(alice.dial_failure().await, DialFailure::Blocked));
}

#[tokio::test]
async fn a_taken_port_is_said_and_a_stopped_network_frees_it() {
    for listen in [QUIC, TCP] {
        let mut alice = Peer::start("alice", listen);
        let address = alice.address().await;
        assert_eq!(alice.net.listen_addresses().await.unwrap(), std::slice::from_ref(&address));
        let other = start(config("bob", &address.to_string(), Limits::default()));
        assert!(matches!(other, Err(StartError::PortTaken { address: taken }) if taken == address));
        alice.net.shutdown().await;
        assert_eq!(alice.net.listen_addresses().await, Err(Stopped));
        assert!(matches!(alice.net.open_sync(alice.key()).await, Err(OpenError::Stopped(Stopped))));
        start(config("bob", &address.to_string(), Limits::default())).unwrap();
    }
}

#[tokio::test]
async fn a_peer_hears_that_a_network_stops() {
    let (mut alice, mut bob) = (Peer::start("alice", QUIC), Peer::start("bob", QUIC));
    alice.connect(&mut bob).await;
    let mut session = bob.open(&alice).await.unwrap();
    alice.net.shutdown().await;
    bob.disconnected(alice.key()).await;
    assert!(session.inbox.recv().await.is_err());
}

/// Reads which sockets this process holds, so it sees those of the other tests too: none of them uses mDNS.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_mdns_no_socket_listens_for_it() {
    let mut alice = Peer::start("alice", QUIC);
    alice.address().await;
    let ours: Vec<_> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| {
            std::fs::read_link(entry.unwrap().path()).ok()?.to_str()?.strip_prefix("socket:[").map(String::from)
        })
        .map(|inode| inode.trim_end_matches(']').to_owned())
        .collect();
    assert!(!ours.is_empty());
    for table in ["/proc/self/net/udp", "/proc/self/net/udp6"] {
        let mdns = std::fs::read_to_string(table).unwrap_or_default();
        // Columns: number, local address:port in hex, …, inode.
        let mut holders = mdns.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert!(!holders.any(|row| row[1].ends_with(":14E9") && ours.iter().any(|inode| inode == row[9])));
    }
}
