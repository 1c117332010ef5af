//! Opening and accepting sync sessions: our own libp2p behaviour for `/essaim/sync/1`.
//!
//! There is one session with a peer at a time. Opening one: the behaviour takes a place, chooses the peer's most direct
//! connection and asks its handler for a stream; the stream is negotiated, the peer answers ready, the opener gets its
//! [`SyncStream`]. Accepting one: the handler passes a negotiated stream up; the behaviour answers ready and reports the
//! session, or answers busy. Every stream lives in a task that ends with its session, its connection or its timeout, and
//! a place is free again when that task ends: nothing has to be told.
//!
//! When two peers open at the same moment, the session of the smaller key stands and the other is answered busy. Both
//! sides judge so by what they know, and at least one of the two sessions begins: the side with the greater key refuses
//! only when the peer has said ready to it, or has a session open already.
//!
//! (libp2p-stream 0.5.0-alpha has the same shape, but drops concurrent streams and may pick a relayed connection.)

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use essaim_protocol::id::NetworkKey;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::behaviour::ConnectionEstablished;
use libp2p::swarm::handler::{
    ConnectionEvent, ConnectionHandler, ConnectionHandlerEvent, DialUpgradeError, FullyNegotiatedInbound,
    FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, StreamUpgradeError,
    SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::address::network_key;
use super::limits::Limits;
use super::session::{self, Answer, Direction, OPENING, Place, SyncStream};

const PROTOCOL: StreamProtocol = StreamProtocol::new("/essaim/sync/1");

/// Busy answers on their way at once. Each is one byte; a stream beyond them is reset, which says busy less politely.
const REFUSALS: usize = 64;

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no connection.
    #[error("not connected to this peer")]
    NotConnected,
    /// One session with a peer at a time.
    #[error("a session with this peer is open already")]
    AlreadyOpen,
    /// All our places are taken: open again when a session ends.
    #[error("{limit} sessions are open already")]
    Full {
        /// How many we open at once.
        limit: usize,
    },
    /// All places of the peer are taken, or it is opening a session to us this very moment.
    #[error("the peer is busy")]
    Busy,
    /// The peer is not an essaim, or one of another version.
    #[error("the peer does not speak {PROTOCOL}")]
    Unsupported,
    /// The peer misbehaves, or hangs.
    #[error("the peer did not answer within {} s", OPENING.as_secs())]
    Timeout,
    /// The connection was closed meanwhile.
    #[error("the connection was lost")]
    Lost,
    /// The network has stopped.
    #[error(transparent)]
    Stopped(#[from] super::Stopped),
    /// The peer misbehaves: its answer means nothing.
    #[error(transparent)]
    Answer(#[from] session::SessionError),
}

/// A peer whose key is not an Ed25519 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the peer's key is not an Ed25519 key: it is not one of ours")]
pub(crate) struct ForeignKey;

pub(crate) type Reply = oneshot::Sender<Result<SyncStream, OpenError>>;

/// The part of the swarm that opens and accepts sync sessions.
#[derive(Debug)]
pub(crate) struct Behaviour {
    local: NetworkKey,
    limits: Limits,
    /// Bounded by the limits on connections.
    connections: BTreeMap<NetworkKey, Vec<Connection>>,
    /// Bounded by the limits on sessions; rows whose session ended are swept before each use.
    sessions: Vec<Session>,
    /// Chosen by us: allies and the peers of tickets.
    kept: BTreeSet<NetworkKey>,
    refusals: Arc<Semaphore>,
    /// At most one row a session, and one a connection when a peer is kept. No waker: the swarm polls after each call.
    effects: VecDeque<ToSwarm<SyncStream, Order>>,
}

#[derive(Debug)]
struct Connection {
    id: ConnectionId,
    relayed: bool,
}

#[derive(Debug)]
struct Session {
    peer: NetworkKey,
    direction: Direction,
    place: Weak<Place>,
}

impl Behaviour {
    pub(crate) fn new(local: NetworkKey, limits: Limits) -> Self {
        Self {
            local,
            limits,
            connections: BTreeMap::new(),
            sessions: Vec::new(),
            kept: BTreeSet::new(),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
            effects: VecDeque::new(),
        }
    }

    /// Opens a session on the most direct connection with `peer`; the outcome goes to `reply`.
    pub(crate) fn open(&mut self, peer: NetworkKey, peer_id: PeerId, reply: Reply) {
        match self.claim_outgoing(&peer) {
            Ok((connection, place)) => self.effects.push_back(ToSwarm::NotifyHandler {
                peer_id,
                handler: NotifyHandler::One(connection),
                event: Order::Open(Opening { ends: (self.local, peer), place, reply }),
            }),
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Whether connections with `peer` stay open while nothing passes.
    pub(crate) fn keep(&mut self, peer: NetworkKey, peer_id: PeerId, keep: bool) {
        let changed = if keep { self.kept.insert(peer) } else { self.kept.remove(&peer) };
        for connection in self.connections.get(&peer).into_iter().flatten().filter(|_| changed) {
            let (handler, event) = (NotifyHandler::One(connection.id), Order::Keep(keep));
            self.effects.push_back(ToSwarm::NotifyHandler { peer_id, handler, event });
        }
    }

    fn claim_outgoing(&mut self, peer: &NetworkKey) -> Result<(ConnectionId, Arc<Place>), OpenError> {
        self.sweep();
        let connections = self.connections.get(peer).ok_or(OpenError::NotConnected)?;
        let connection = connections.iter().min_by_key(|c| (c.relayed, c.id)).ok_or(OpenError::NotConnected)?.id;
        if self.sessions.iter().any(|session| session.peer == *peer) {
            return Err(OpenError::AlreadyOpen);
        }
        let limit = self.limits.sessions_out;
        if self.count(|session| session.direction == Direction::Outgoing) >= limit {
            return Err(OpenError::Full { limit });
        }
        Ok((connection, self.take_place(*peer, Direction::Outgoing)))
    }

    fn claim_incoming(&mut self, peer: NetworkKey) -> Option<Arc<Place>> {
        self.sweep();
        let open = self.sessions.iter().any(|session| session.peer == peer && !self.yields(session));
        let places = self.limits.sessions_in;
        let incoming = self.count(|session| session.direction == Direction::Incoming);
        let strangers =
            self.count(|session| session.direction == Direction::Incoming && !self.kept.contains(&session.peer));
        let room = incoming < places && (self.kept.contains(&peer) || strangers < self.limits.strangers);
        (room && !open).then(|| self.take_place(peer, Direction::Incoming))
    }

    /// Whether this session gives way to one that the peer opens: ours, not answered yet, and the peer's key is smaller.
    fn yields(&self, session: &Session) -> bool {
        session.direction == Direction::Outgoing
            && session.peer < self.local
            && session.place.upgrade().is_none_or(|place| !place.answered())
    }

    fn take_place(&mut self, peer: NetworkKey, direction: Direction) -> Arc<Place> {
        let place = Arc::new(Place::new(self.limits.idle));
        self.sessions.push(Session { peer, direction, place: Arc::downgrade(&place) });
        place
    }

    fn sweep(&mut self) {
        self.sessions.retain(|session| session.place.strong_count() > 0);
    }

    fn count(&self, counts: impl Fn(&Session) -> bool) -> usize {
        self.sessions.iter().filter(|session| counts(session)).count()
    }

    fn accept(&mut self, peer: NetworkKey, stream: Stream) {
        let Some(place) = self.claim_incoming(peer) else { return self.refuse(stream) };
        let (session, pump) = session::accept(stream, (self.local, peer), place);
        tokio::spawn(pump);
        self.effects.push_back(ToSwarm::GenerateEvent(session));
    }

    fn refuse(&self, mut stream: Stream) {
        let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _permit = permit;
            // A peer that does not take the answer is told nothing.
            let _ = timeout(OPENING, session::refuse(&mut stream)).await;
        });
    }

    fn connected(&mut self, peer: &PeerId, id: ConnectionId, address: &Multiaddr) {
        // The handler was made, so the key is one of ours.
        let Some(peer) = network_key(peer) else { return };
        let relayed = address.iter().any(|part| part == Protocol::P2pCircuit);
        self.connections.entry(peer).or_default().push(Connection { id, relayed });
    }

    fn disconnected(&mut self, peer: &PeerId, id: ConnectionId) {
        let Some(peer) = network_key(peer) else { return };
        let Some(connections) = self.connections.get_mut(&peer) else { return };
        connections.retain(|connection| connection.id != id);
        if connections.is_empty() {
            self.connections.remove(&peer);
        }
    }

    fn handler(&self, peer: &PeerId) -> Result<Handler, ConnectionDenied> {
        let peer = network_key(peer).ok_or_else(|| ConnectionDenied::new(ForeignKey))?;
        Ok(Handler { keep: self.kept.contains(&peer), actions: VecDeque::new() })
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = SyncStream;

    fn handle_established_inbound_connection(
        &mut self,
        _id: ConnectionId,
        peer: PeerId,
        _local: &Multiaddr,
        _remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handler(&peer)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _id: ConnectionId,
        peer: PeerId,
        _address: &Multiaddr,
        _role: Endpoint,
        _port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handler(&peer)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::ConnectionEstablished(ConnectionEstablished { peer_id, connection_id, endpoint, .. }) = event
        {
            self.connected(&peer_id, connection_id, endpoint.get_remote_address());
        } else if let FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) = event {
            self.disconnected(&peer_id, connection_id);
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, _id: ConnectionId, stream: THandlerOutEvent<Self>) {
        if let Some(peer) = network_key(&peer) {
            self.accept(peer, stream);
        }
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.effects.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// What the behaviour tells the handler of one connection.
#[derive(Debug)]
pub(crate) enum Order {
    /// Open a session on this connection.
    Open(Opening),
    /// Keep the connection while nothing passes, or no longer.
    Keep(bool),
}

/// A session that is being opened. Dropped with its connection, it frees its place and tells the opener.
#[derive(Debug)]
pub(crate) struct Opening {
    ends: (NetworkKey, NetworkKey),
    place: Arc<Place>,
    reply: Reply,
}

impl Opening {
    /// Hears the peer's answer, then runs the session.
    async fn run(self, mut stream: Stream) {
        let outcome = match timeout(OPENING, session::read_answer(&mut stream)).await {
            Ok(Ok(Answer::Ready)) => Ok(()),
            Ok(Ok(Answer::Busy)) => Err(OpenError::Busy),
            Ok(Err(session::SessionError::CutShort | session::SessionError::Lost(_))) => Err(OpenError::Lost),
            Ok(Err(error)) => Err(OpenError::Answer(error)),
            Err(_) => Err(OpenError::Timeout),
        };
        if let Err(error) = outcome {
            drop(self.place);
            return drop(self.reply.send(Err(error)));
        }
        self.place.answer();
        let (session, pump) = session::opened(stream, self.ends, self.place);
        // An opener that is gone has dropped the session with the reply: the pump ends at once.
        drop(self.reply.send(Ok(session)));
        pump.await;
    }

    fn failed(self, error: StreamUpgradeError<Infallible>) {
        drop(self.place);
        drop(self.reply.send(Err(match error {
            StreamUpgradeError::Timeout => OpenError::Timeout,
            StreamUpgradeError::NegotiationFailed => OpenError::Unsupported,
            StreamUpgradeError::Io(_) => OpenError::Lost,
            StreamUpgradeError::Apply(never) => match never {},
        })));
    }
}

/// One connection's part: negotiates streams, keeps the connection.
#[derive(Debug)]
pub(crate) struct Handler {
    keep: bool,
    /// One session that we open, and one stream that arrived: the connection empties this before it negotiates another.
    actions: VecDeque<ConnectionHandlerEvent<ReadyUpgrade<StreamProtocol>, Opening, Stream>>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Order;
    type ToBehaviour = Stream;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Opening;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ()).with_timeout(OPENING)
    }

    fn connection_keep_alive(&self) -> bool {
        self.keep
    }

    fn on_behaviour_event(&mut self, order: Order) {
        match order {
            Order::Open(opening) => self.actions.push_back(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), opening).with_timeout(OPENING),
            }),
            Order::Keep(keep) => self.keep = keep,
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol, (), Opening>,
    ) {
        if let ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. }) = event {
            self.actions.push_back(ConnectionHandlerEvent::NotifyBehaviour(protocol));
        } else if let ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) = event {
            tokio::spawn(info.run(protocol));
        } else if let ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) = event {
            info.failed(error);
        }
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, Opening, Self::ToBehaviour>> {
        self.actions.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}
