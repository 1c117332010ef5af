//! A peer that speaks libp2p but not the rules: wrong lengths, endless frames, hundreds of streams, a storm of connections.
//! Whatever it does, the honest node goes on serving an honest peer.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;

use essaim_node::net::{self, Config, Event, Handle, Limits, MAX_FRAME, OpenError, SessionError, SyncStream};
use essaim_protocol::id::NetworkKey;
use essaim_protocol::roster::Ticket;
use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, OneShotHandler, OneShotHandlerConfig,
    SubstreamProtocol, SwarmEvent, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use tokio::sync::mpsc;
use tokio::time::timeout;

const SYNC: StreamProtocol = StreamProtocol::new("/essaim/sync/1");
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
const TCP: &str = "/ip4/127.0.0.1/tcp/0";

/// After so long a test fails rather than hangs.
const HANGS: Duration = Duration::from_secs(60);

#[tokio::test]
async fn of_sixty_four_streams_one_is_served_and_the_others_hear_that_we_are_busy() {
    let node = Node::start(QUIC).await;
    let mut eve = Intruder::connect(&node).await;
    let mut answers = Vec::new();
    let mut served = Vec::new();
    eve.open(64);
    while answers.len() < 64 {
        let mut stream = eve.stream().await.expect("a stream is negotiated");
        let mut answer = [9];
        timeout(HANGS, stream.read_exact(&mut answer)).await.expect("no stream hangs").unwrap();
        answers.push(answer[0]);
        served.extend((answer[0] == 1).then_some(stream));
    }
    assert_eq!(served.len(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == 0).count(), 63);
    node.serves_an_honest_peer("alice").await;
    // Once the session ends the same peer is served again.
    drop(served);
    let again = async {
        loop {
            eve.open(1);
            let mut answer = [9];
            eve.stream().await.expect("a stream is negotiated").read_exact(&mut answer).await.unwrap();
            if answer == [1] {
                return;
            }
        }
    };
    timeout(HANGS, again).await.expect("the place is free again");
}

#[tokio::test]
async fn hundreds_of_streams_that_nobody_reads_hold_up_nobody_else() {
    for listen in [QUIC, TCP] {
        let node = Node::start(listen).await;
        let mut eve = Intruder::connect(&node).await;
        eve.open(256);
        let mut held = Vec::new();
        // She keeps what she gets and reads nothing. Streams beyond the limit end her connection at most.
        for _ in 0..256 {
            match eve.stream().await {
                Ok(stream) => held.push(stream),
                Err(Refused::Stream) => {}
                Err(Refused::Connection) => break,
            }
        }
        node.serves_an_honest_peer("alice").await;
    }
}

#[tokio::test]
async fn wrong_lengths_end_the_session_and_name_the_peer() {
    for length in [MAX_FRAME as u32 + 1, u32::MAX] {
        let mut node = Node::start(QUIC).await;
        let mut eve = Intruder::connect(&node).await;
        let mut stream = eve.session().await;
        stream.write_all(&length.to_le_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let (peer, error) = timeout(HANGS, node.broken.recv()).await.expect("noticed").expect("the node runs");
        assert_eq!(peer, eve.key());
        assert!(matches!(error, SessionError::Length { length: claimed } if claimed == length), "{error}");
        node.serves_an_honest_peer("alice").await;
    }
}

#[tokio::test]
async fn endless_frames_hold_up_nobody_else() {
    let node = Node::start(QUIC).await;
    let mut eve = Intruder::connect(&node).await;
    let mut stream = eve.session().await;
    let mut frame = (MAX_FRAME as u32).to_le_bytes().to_vec();
    frame.resize(4 + MAX_FRAME, 0xee);
    // She never reads what the node sends back, so the node stops reading from her.
    let flood = async { while stream.write_all(&frame).await.is_ok() {} };
    let swarm = async { while eve.swarm.next().await.is_some() {} };
    tokio::select! {
        () = flood => {}
        () = swarm => {}
        () = async { for name in ["alice", "bob", "carol"] { node.serves_an_honest_peer(name).await } } => {}
    }
}

#[tokio::test]
async fn a_storm_of_connections_under_new_keys_leaves_nothing_behind() {
    let node = Node::start(TCP).await;
    for _ in 0..200 {
        let mut eve = Intruder::connect(&node).await;
        eve.open(1);
        drop(eve.stream().await);
    }
    node.serves_an_honest_peer("alice").await;
    let emptied = async {
        while !node.net.connected().await.unwrap().is_empty() {
            tokio::task::yield_now().await
        }
    };
    timeout(HANGS, emptied).await.expect("every connection is gone");
}

/// What a node may take of memory however many strangers press it.
const MEMORY_KB: u64 = 256 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_hostile_connections_take_a_bounded_part_of_memory() {
    for listen in [QUIC, TCP] {
        let alice = Running::start(listen);
        let before = alice.memory_kb("VmRSS");
        // Half of them come in before the others have gone, and all hold on to what they got.
        let press = (0..200).map(|_| press(alice.key, alice.address.clone()));
        let held: usize = futures::future::join_all(press).await.into_iter().filter(|came| *came).count();
        let most = alice.memory_kb("VmHWM");
        eprintln!("{listen}: {held} of 200 shook hands; {before} kB resident before, {most} kB at most");
        assert!(held >= 64, "{held} shook hands: the node was hardly pressed");
        assert!(most < MEMORY_KB, "{most} kB over {listen}");
        // It goes on answering.
        assert!(alice.essaim(&["status"]).output().unwrap().status.success());
    }
}

/// Connects, opens all the streams it can, and writes into each until nothing is taken any more.
async fn press(target: NetworkKey, address: Multiaddr) -> bool {
    let Some(mut eve) = Intruder::try_connect(&target, address).await else { return false };
    eve.open(32);
    let mut pressing = futures::stream::FuturesUnordered::new();
    for _ in 0..32 {
        let mut stream = match eve.stream().await {
            Ok(stream) => stream,
            Err(Refused::Stream) => continue,
            Err(Refused::Connection) => break,
        };
        pressing.push(async move {
            // What the node leaves unread is buffered by it, up to its windows.
            let _ = timeout(PATIENCE, stream.write_all(&vec![0xee; 4 << 20])).await;
            stream
        });
    }
    let written = async { while pressing.next().await.is_some() {} };
    let swarm = async { while eve.swarm.next().await.is_some() {} };
    tokio::select! {
        () = written => {}
        () = swarm => {}
    }
    true
}

/// A node in a process of its own.
struct Running {
    dir: tempfile::TempDir,
    child: std::process::Child,
    key: NetworkKey,
    address: Multiaddr,
}

impl Running {
    fn start(listen: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for args in [&["init", "--name", "Alice"][..], &["commons", "create", "Patrimoine"]] {
            assert!(essaim(dir.path(), args).output().unwrap().status.success());
        }
        let mut up = essaim(dir.path(), &["up", "--no-open", "--no-mdns", "--listen", listen]);
        let mut child = up.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // Its first line says that it runs.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ticket = essaim(dir.path(), &["invite", "-q"]).output().unwrap().stdout;
        let ticket: Ticket = String::from_utf8(ticket).unwrap().trim().parse().unwrap();
        let (key, address) = (ticket.peers()[0], ticket.addresses()[0].parse().unwrap());
        Self { dir, child, key, address }
    }

    fn essaim(&self, args: &[&str]) -> Command {
        essaim(self.dir.path(), args)
    }

    fn memory_kb(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn essaim(home: &std::path::Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"));
    command.args(args).env("ESSAIM_HOME", home).env("LANG", "fr_FR.UTF-8").stdin(Stdio::null());
    command
}

/// How long an intruder waits for a stream before it counts it as refused.
const PATIENCE: Duration = Duration::from_secs(2);

/// An honest node that sends every frame back.
struct Node {
    net: Handle,
    address: Multiaddr,
    /// Sessions that broke off.
    broken: mpsc::Receiver<(NetworkKey, SessionError)>,
}

impl Node {
    async fn start(listen: &str) -> Self {
        let (net, mut events) = start("node", listen);
        let Some(Event::Listening(address)) = events.recv().await else { panic!("the first event is an address") };
        let (report, broken) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Incoming(session) = event {
                    tokio::spawn(echo(session, report.clone()));
                }
            }
        });
        Self { net, address, broken }
    }

    /// A new peer connects, and gets back what it sends.
    async fn serves_an_honest_peer(&self, name: &str) {
        let honest = async {
            let (net, mut events) = start(name, QUIC);
            net.dial(self.net.local(), std::slice::from_ref(&self.address)).await.unwrap();
            while !matches!(events.recv().await, Some(Event::Connected(_))) {}
            // Among strangers one waits one's turn.
            let mut session = loop {
                match net.open_sync(self.net.local()).await {
                    Err(OpenError::Busy) => tokio::task::yield_now().await,
                    outcome => break outcome.unwrap(),
                }
            };
            for n in 0..100u8 {
                session.outbox.send(vec![n; 1_000]).await.unwrap();
                assert_eq!(session.inbox.recv().await.unwrap(), Some(vec![n; 1_000]));
            }
            net.shutdown().await;
        };
        timeout(HANGS, honest).await.expect("an honest peer is served");
    }
}

fn start(name: &str, listen: &str) -> (Handle, mpsc::Receiver<Event>) {
    let secret = *blake3::hash(name.as_bytes()).as_bytes();
    let listen = vec![listen.parse().unwrap()];
    net::start(Config { listen, mdns: false, limits: Limits::default(), ..Config::new(secret) }).unwrap()
}

async fn echo(session: SyncStream, report: mpsc::Sender<(NetworkKey, SessionError)>) {
    let SyncStream { peer, outbox, mut inbox, .. } = session;
    let error = loop {
        match inbox.recv().await {
            Ok(Some(frame)) => {
                if outbox.send(frame).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => break error,
        }
    };
    report.send((peer, error)).await.unwrap_or_default();
}

/// What the node took from an intruder.
#[derive(Debug)]
enum Refused {
    Stream,
    Connection,
}

/// A peer with bare hands: it opens as many streams as it likes and writes what it likes.
struct Intruder {
    swarm: Swarm<Opener>,
    target: PeerId,
}

impl Intruder {
    async fn connect(node: &Node) -> Self {
        Self::try_connect(&node.net.local(), node.address.clone()).await.expect("connected")
    }

    /// A connection, unless it is refused.
    async fn try_connect(target: &NetworkKey, address: Multiaddr) -> Option<Self> {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_quic()
            .with_behaviour(|_| Opener { effects: VecDeque::new() })
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(HANGS))
            .build();
        let target = net::address::peer_id(target).unwrap();
        swarm.dial(DialOpts::peer_id(target).addresses(vec![address]).build()).unwrap();
        let connected = async {
            loop {
                let event = swarm.select_next_some().await;
                if let SwarmEvent::ConnectionEstablished { .. } = event {
                    return true;
                } else if let SwarmEvent::OutgoingConnectionError { .. } = event {
                    return false;
                }
            }
        };
        timeout(HANGS, connected).await.expect("answered").then_some(Self { swarm, target })
    }

    fn key(&self) -> NetworkKey {
        net::address::network_key(self.swarm.local_peer_id()).unwrap()
    }

    fn open(&mut self, streams: usize) {
        let order = || ToSwarm::NotifyHandler {
            peer_id: self.target,
            handler: NotifyHandler::Any,
            event: ReadyUpgrade::new(SYNC),
        };
        let orders: Vec<_> = std::iter::repeat_with(order).take(streams).collect();
        self.swarm.behaviour_mut().effects.extend(orders);
    }

    /// The outcome of the next stream that was asked for.
    async fn stream(&mut self) -> Result<Stream, Refused> {
        let next = async {
            loop {
                let event = self.swarm.select_next_some().await;
                if let SwarmEvent::Behaviour(stream) = event {
                    return stream.ok_or(Refused::Stream);
                } else if let SwarmEvent::ConnectionClosed { .. } = event {
                    return Err(Refused::Connection);
                }
            }
        };
        timeout(HANGS, next).await.expect("a stream is negotiated or refused")
    }

    /// A stream on which the node said ready.
    async fn session(&mut self) -> Stream {
        self.open(1);
        let mut stream = self.stream().await.expect("a stream is negotiated");
        let mut answer = [9];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [1]);
        stream
    }
}

type Opening = ReadyUpgrade<StreamProtocol>;

/// Opens streams and hands them out.
struct Opener {
    effects: VecDeque<ToSwarm<Option<Stream>, Opening>>,
}

impl Opener {
    fn handler() -> OneShotHandler<Opening, Opening, Stream> {
        let config = OneShotHandlerConfig { max_dial_negotiated: 1_000, outbound_substream_timeout: PATIENCE };
        OneShotHandler::new(SubstreamProtocol::new(ReadyUpgrade::new(SYNC), ()), config)
    }
}

impl NetworkBehaviour for Opener {
    type ConnectionHandler = OneShotHandler<Opening, Opening, Stream>;
    type ToSwarm = Option<Stream>;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Self::handler())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Self::handler())
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, stream: THandlerOutEvent<Self>) {
        self.effects.push_back(ToSwarm::GenerateEvent(stream.ok()));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.effects.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}
