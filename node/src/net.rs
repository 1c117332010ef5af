//! The network: one libp2p swarm in a task of its own. It moves frames between peers and decides nothing.
//!
//! The story of one exchange: the driver [`dials`](Handle::dial) an ally at the addresses of a ticket; both sides see
//! [`Event::Connected`]. The driver [opens a session](Handle::open_sync) and gets a [`SyncStream`]; the ally gets the
//! other end in [`Event::Incoming`]. Frames pass both ways until both close. Peers on the local network are reported
//! ([`Event::Discovered`]), never dialled: nothing is contacted that the user did not join.
//!
//! A [`Handle`] may be cloned; the network stops when [`Handle::shutdown`] is called or the last handle is dropped.

pub mod address;
mod behaviour;
mod limits;
mod session;
#[cfg(test)]
mod tests;
mod transport;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use essaim_protocol::id::NetworkKey;
use futures::StreamExt as _;
use libp2p::core::ConnectedPoint;
use libp2p::identity::ed25519;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, mdns, ping};
use tokio::sync::{mpsc, oneshot};

use self::address::{network_key, peer_id};
pub use self::behaviour::OpenError;
use self::behaviour::Reply;
pub use self::limits::{Exceeded, Limits};
pub use self::session::{Direction, Frame, Inbox, MAX_FRAME, Outbox, SendError, SessionError, SyncStream, Traffic};
pub use self::transport::{AGENT, DialFailure, StartError, everywhere};
use self::transport::{Node, NodeEvent};

/// Addresses of one peer that are reported: a peer with more is not easier to reach.
const PEER_ADDRESSES: usize = 8;

/// Blocked peers that are remembered. Making a key costs nothing, so the list would grow with every stranger who
/// misbehaves; the oldest is forgotten first, and misbehaves once more before it is back.
const BLOCKED: usize = 4_096;

/// Addresses on the local network that mDNS remembers, for minutes or days as whoever announces them likes. The largest
/// local network of an ally has some dozens; with more somebody makes them up, and allies are still met at the addresses
/// that are known of them.
const NEIGHBOURS: usize = 1_024;

/// Requests under way between the handles and the task.
const REQUESTS: usize = 64;

/// Events that the driver has not taken yet. Beyond it the swarm waits, and so do the peers.
const EVENTS: usize = 64;

/// How long connections get to close when the network stops.
const CLOSING: Duration = Duration::from_secs(2);

/// What a network needs to know.
pub struct Config {
    /// The secret half of the device's network key.
    pub network_secret: [u8; 32],
    /// Where to listen: [`everywhere`] by default, nothing for a node that only dials.
    pub listen: Vec<Multiaddr>,
    /// Whether to announce this node on the local network and to listen for others there.
    pub mdns: bool,
    /// What others may make this node hold.
    pub limits: Limits,
    /// What peers are told of this program; [`AGENT`] by default.
    pub agent: String,
}

impl Config {
    /// The defaults of a laptop.
    #[must_use]
    pub fn new(network_secret: [u8; 32]) -> Self {
        Self { network_secret, listen: everywhere(), mdns: true, limits: Limits::default(), agent: AGENT.to_owned() }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("listen", &self.listen).field("mdns", &self.mdns).finish_non_exhaustive()
    }
}

/// What happened on the network.
#[derive(Debug)]
pub enum Event {
    /// This node can be dialled at this address.
    Listening(Multiaddr),
    /// The first connection with a peer stands.
    Connected(Connection),
    /// The last connection with a peer is gone.
    Disconnected {
        /// Who.
        peer: NetworkKey,
    },
    /// A peer says where it listens: on the local network, or over a connection. Its word only, and nothing was dialled.
    Discovered {
        /// Who.
        peer: NetworkKey,
        /// Where, at most eight.
        addresses: Vec<Multiaddr>,
    },
    /// A peer opened a session.
    Incoming(SyncStream),
    /// A peer could not be reached.
    DialFailed {
        /// Who.
        peer: NetworkKey,
        /// Why.
        error: DialFailure,
    },
}

/// A connection with a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Who: proven by the handshake.
    pub peer: NetworkKey,
    /// Who dialled.
    pub direction: Direction,
    /// Where the peer is.
    pub address: Multiaddr,
}

/// The way to the network's task.
#[derive(Debug, Clone)]
pub struct Handle {
    local: NetworkKey,
    requests: mpsc::Sender<Request>,
}

/// The network has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the network has stopped")]
pub struct Stopped;

#[derive(Debug)]
enum Request {
    Dial { peer: PeerId, addresses: Vec<Multiaddr> },
    Open { peer: NetworkKey, peer_id: PeerId, reply: Reply },
    Keep { peer: NetworkKey, peer_id: PeerId, keep: bool },
    Disconnect(PeerId),
    Block(PeerId),
    Unblock(PeerId),
    Listening(oneshot::Sender<Vec<Multiaddr>>),
    Connected(oneshot::Sender<Vec<Connection>>),
    Shutdown(oneshot::Sender<()>),
}

/// Starts the network: from here on others may connect.
///
/// # Errors
/// [`StartError`]; then nothing runs and no port is taken.
pub fn start(config: Config) -> Result<(Handle, mpsc::Receiver<Event>), StartError> {
    let secret = ed25519::SecretKey::try_from_bytes(config.network_secret).map_err(StartError::Key)?;
    let keys = ed25519::Keypair::from(secret);
    let local = NetworkKey(keys.public().to_bytes());
    let mut swarm = transport::swarm(keys.into(), local, config.limits, config.agent, config.mdns)?;
    transport::listen(&mut swarm, &config.listen)?;
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (events, happened) = mpsc::channel(EVENTS);
    let task = Task { swarm, waiting: VecDeque::new(), connections: BTreeMap::new(), blocked: VecDeque::new() };
    tokio::spawn(task.run(asked, events));
    Ok((Handle { local, requests }, happened))
}

impl Handle {
    /// Our own key.
    #[must_use]
    pub const fn local(&self) -> NetworkKey {
        self.local
    }

    /// Connects to `peer` at one of `addresses`, QUIC first. The outcome is an [`Event::Connected`] or an
    /// [`Event::DialFailed`]; with a peer that is connected, or being dialled, nothing happens.
    ///
    /// # Errors
    /// [`DialFailure`] when it is certain without dialling: no name can be looked up, the key is none.
    pub async fn dial(&self, peer: NetworkKey, addresses: &[Multiaddr]) -> Result<(), DialFailure> {
        let peer = peer_id(&peer)?;
        let mut found = Vec::new();
        let mut failed = Vec::new();
        for address in addresses {
            match address::resolve(address).await {
                Ok(resolved) => found.extend(resolved),
                Err(error) => failed.push((address.clone(), error.to_string())),
            }
        }
        if found.is_empty() && !failed.is_empty() {
            return Err(DialFailure::Unreachable(failed));
        }
        self.request(Request::Dial { peer, addresses: found }).await.map_err(|Stopped| DialFailure::GivenUp)
    }

    /// Opens a session with a connected peer.
    ///
    /// # Errors
    /// [`OpenError`]; at the latest after 20 s, ten for the stream and ten for the answer.
    pub async fn open_sync(&self, peer: NetworkKey) -> Result<SyncStream, OpenError> {
        let peer_id = peer_id(&peer).map_err(|_| OpenError::NotConnected)?;
        let (reply, outcome) = oneshot::channel();
        self.request(Request::Open { peer, peer_id, reply }).await?;
        outcome.await.map_err(|_| OpenError::Lost)?
    }

    /// Says whether connections with `peer` stay open while nothing passes, and whether its sessions are served before
    /// those of strangers: for allies, and for whoever we hope to become an ally of.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn keep(&self, peer: NetworkKey, keep: bool) -> Result<(), Stopped> {
        let Ok(peer_id) = peer_id(&peer) else { return Ok(()) };
        self.request(Request::Keep { peer, peer_id, keep }).await
    }

    /// Closes all connections with `peer`; it may come back.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn disconnect(&self, peer: NetworkKey) -> Result<(), Stopped> {
        let Ok(peer) = peer_id(&peer) else { return Ok(()) };
        self.request(Request::Disconnect(peer)).await
    }

    /// Closes all connections with `peer` and allows no other until the network stops: for one that misbehaves.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn block(&self, peer: NetworkKey) -> Result<(), Stopped> {
        let Ok(peer) = peer_id(&peer) else { return Ok(()) };
        self.request(Request::Block(peer)).await
    }

    /// Allows connections with a blocked peer again.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn unblock(&self, peer: NetworkKey) -> Result<(), Stopped> {
        let Ok(peer) = peer_id(&peer) else { return Ok(()) };
        self.request(Request::Unblock(peer)).await
    }

    /// Where this node can be dialled, as far as the system tells.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn listen_addresses(&self) -> Result<Vec<Multiaddr>, Stopped> {
        self.ask(Request::Listening).await
    }

    /// All connections, several with one peer perhaps.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn connected(&self) -> Result<Vec<Connection>, Stopped> {
        self.ask(Request::Connected).await
    }

    /// Closes all connections and stops. Sessions that are open break off.
    pub async fn shutdown(&self) {
        // Stopped already: all the better.
        let _ = self.ask(Request::Shutdown).await;
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.request(question(reply)).await?;
        answer.await.map_err(|_| Stopped)
    }

    async fn request(&self, request: Request) -> Result<(), Stopped> {
        self.requests.send(request).await.map_err(|_| Stopped)
    }
}

/// What the network's task owns.
struct Task {
    swarm: Swarm<Node>,
    /// Events for which there was no room yet. While it is full the swarm is not polled, but requests are served: a driver
    /// that waits for an answer never waits for itself.
    waiting: VecDeque<Event>,
    connections: BTreeMap<ConnectionId, Connection>,
    /// Oldest first.
    blocked: VecDeque<PeerId>,
}

impl Task {
    async fn run(mut self, mut asked: mpsc::Receiver<Request>, events: mpsc::Sender<Event>) {
        let stopped = loop {
            tokio::select! {
                room = events.reserve(), if !self.waiting.is_empty() => match (room, self.waiting.pop_front()) {
                    (Ok(room), Some(event)) => room.send(event),
                    // Without anybody to hear, there is nothing to do.
                    (Err(_), _) => break None,
                    (Ok(_), None) => {}
                },
                request = asked.recv() => match request {
                    Some(Request::Shutdown(stopped)) => break Some(stopped),
                    Some(request) => self.serve(request),
                    None => break None,
                },
                event = self.swarm.select_next_some(), if self.waiting.len() < EVENTS => self.happened(event),
            }
        };
        self.close().await;
        drop(self);
        if let Some(stopped) = stopped {
            // Whoever asked may be gone.
            let _ = stopped.send(());
        }
    }

    fn serve(&mut self, request: Request) {
        match request {
            Request::Dial { peer, addresses } => self.dial(peer, addresses),
            Request::Open { peer, peer_id, reply } => self.swarm.behaviour_mut().sync.open(peer, peer_id, reply),
            Request::Keep { peer, peer_id, keep } => {
                let behaviour = self.swarm.behaviour_mut();
                behaviour.limits.keep(peer_id, keep);
                behaviour.sync.keep(peer, peer_id, keep);
            }
            // Not connected: nothing to close.
            Request::Disconnect(peer) => self.swarm.disconnect_peer_id(peer).unwrap_or_default(),
            Request::Block(peer) => self.block(peer),
            Request::Unblock(peer) => self.unblock(peer),
            Request::Listening(reply) => drop(reply.send(self.swarm.listeners().cloned().collect())),
            Request::Connected(reply) => drop(reply.send(self.connections.values().cloned().collect())),
            Request::Shutdown(stopped) => drop(stopped),
        }
    }

    fn dial(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        match self.swarm.dial(DialOpts::peer_id(peer).addresses(addresses).build()) {
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {}
            Err(error) => self.dial_failed(&peer, error),
        }
    }

    fn dial_failed(&mut self, peer: &PeerId, error: DialError) {
        let peer = network_key(peer);
        self.waiting.extend(peer.map(|peer| Event::DialFailed { peer, error: error.into() }));
    }

    fn block(&mut self, peer: PeerId) {
        if !self.swarm.behaviour_mut().blocked.block_peer(peer) {
            return;
        }
        self.blocked.push_back(peer);
        if self.blocked.len() > BLOCKED {
            let oldest = self.blocked.pop_front();
            oldest.map(|oldest| self.swarm.behaviour_mut().blocked.unblock_peer(oldest));
        }
    }

    fn unblock(&mut self, peer: PeerId) {
        self.blocked.retain(|blocked| *blocked != peer);
        self.swarm.behaviour_mut().blocked.unblock_peer(peer);
    }

    fn happened(&mut self, event: SwarmEvent<NodeEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaved(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, num_established, .. } => {
                self.connected(&peer_id, connection_id, endpoint, num_established.get() == 1);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, cause, .. } => {
                tracing::debug!(peer = %peer_id, ?cause, "connection closed");
                self.connections.remove(&connection_id);
                if let Some(peer) = network_key(&peer_id).filter(|_| num_established == 0) {
                    self.waiting.push_back(Event::Disconnected { peer });
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => self.waiting.push_back(Event::Listening(address)),
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => self.dial_failed(&peer, error),
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!(from = %send_back_addr, %error, "incoming connection refused");
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "listening"),
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::warn!(?addresses, ?reason, "listens no more")
            }
            SwarmEvent::OutgoingConnectionError { peer_id: None, .. }
            | SwarmEvent::IncomingConnection { .. }
            | SwarmEvent::ExpiredListenAddr { .. }
            | SwarmEvent::Dialing { .. }
            | SwarmEvent::NewExternalAddrCandidate { .. }
            | SwarmEvent::ExternalAddrConfirmed { .. }
            | SwarmEvent::ExternalAddrExpired { .. }
            | SwarmEvent::NewExternalAddrOfPeer { .. }
            | _ => {}
        }
    }

    fn behaved(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::Sync(session) => self.waiting.push_back(Event::Incoming(session)),
            NodeEvent::Mdns(mdns::Event::Discovered(found)) => {
                self.discovered(found);
                self.bound_neighbours();
            }
            NodeEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                tracing::debug!(peer = %peer_id, agent = ?info.agent_version, network = ?info.protocol_version, "identified");
                self.discovered(info.listen_addrs.into_iter().map(|address| (peer_id, address)));
            }
            NodeEvent::Identify(
                identify::Event::Sent { .. } | identify::Event::Pushed { .. } | identify::Event::Error { .. },
            )
            | NodeEvent::Mdns(mdns::Event::Expired(_))
            | NodeEvent::Ping(ping::Event { result: Ok(_) | Err(ping::Failure::Unsupported), .. }) => {}
            NodeEvent::Ping(ping::Event { peer, connection, result: Err(failure) }) => {
                tracing::debug!(%peer, %failure, "the peer does not answer any more");
                self.swarm.close_connection(connection);
            }
            NodeEvent::Blocked(never) | NodeEvent::Limits(never) => match never {},
        }
    }

    fn connected(&mut self, peer: &PeerId, id: ConnectionId, endpoint: ConnectedPoint, first: bool) {
        // The behaviour refuses other keys before.
        let Some(peer) = network_key(peer) else { return };
        let (direction, address) = match endpoint {
            ConnectedPoint::Dialer { address, .. } => (Direction::Outgoing, address),
            ConnectedPoint::Listener { send_back_addr, .. } => (Direction::Incoming, send_back_addr),
        };
        let connection = Connection { peer, direction, address: address::without_peer(address) };
        self.connections.insert(id, connection.clone());
        if first {
            self.waiting.push_back(Event::Connected(connection));
        }
    }

    /// Reports, peer by peer, those addresses that we could dial.
    fn discovered(&mut self, found: impl IntoIterator<Item = (PeerId, Multiaddr)>) {
        let mut peers = BTreeMap::<NetworkKey, Vec<Multiaddr>>::new();
        for (peer, address) in found {
            let address = address::without_peer(address);
            let Some(peer) = network_key(&peer).filter(|_| address::can_dial(&address)) else { continue };
            let addresses = peers.entry(peer).or_default();
            if addresses.len() < PEER_ADDRESSES {
                addresses.push(address);
            }
        }
        self.waiting.extend(peers.into_iter().map(|(peer, addresses)| Event::Discovered { peer, addresses }));
    }

    /// Listens no more for announcements when somebody makes up too many.
    fn bound_neighbours(&mut self) {
        let mdns = &mut self.swarm.behaviour_mut().mdns;
        if mdns.as_ref().is_some_and(|mdns| mdns.discovered_nodes().len() > NEIGHBOURS) {
            tracing::warn!(
                "over {NEIGHBOURS} addresses were announced on the local network, which is not listened to any more"
            );
            *mdns = None.into();
        }
    }

    /// Says goodbye, so that peers do not wait for a timeout.
    async fn close(&mut self) {
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let closed = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        // Who does not hear it finds out by itself.
        drop(tokio::time::timeout(CLOSING, closed).await);
    }
}
