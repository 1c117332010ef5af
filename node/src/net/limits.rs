//! How many connections and sessions there may be, in all, with one peer and from one address.
//!
//! A connection is counted from its first packet, before any key is proven, until it is closed; the count is one look
//! through a table of at most a few dozen rows. (The connection-limits behaviour of libp2p knows no addresses and keeps a
//! row for every peer it ever saw, which a stranger can make grow by reconnecting under new keys. Its memory-connection-limits
//! refuses everybody, allies too, once the process has grown for whatever reason; here the number of connections and what
//! each may buffer say beforehand what strangers can make a node hold.)

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{
    ConnectionClosed, ConnectionDenied, ConnectionId, DialFailure, FromSwarm, ListenFailure, NetworkBehaviour,
    THandler, THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};

use super::session::Direction;

/// What a node lets others make it hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections that others are opening and whose key is not proven yet: cheap, and over in ten seconds. They take no place
    /// of those that stand, or a stranger who only begins could keep allies out.
    pub handshakes: usize,
    /// Connections that others opened. An alliance of a hundred organisations can all be here at once; what a connection
    /// may buffer times this is what strangers can make a node hold.
    pub incoming: usize,
    /// How many of these only peers that are [kept](super::Handle::keep) may take, so that no number of strangers keeps
    /// allies out.
    pub reserved: usize,
    /// Connections that we opened: enough for a random choice of allies, few enough not to be a burden on them.
    pub outgoing: usize,
    /// Connections with one peer: both dial at the same time, and one more while a broken one is noticed.
    pub per_peer: usize,
    /// Connections from one address, or one IPv6 /64, that others opened: an office behind one router. Loopback is not
    /// counted: who can use it is on this machine already.
    pub per_address: usize,
    /// Sessions that others opened at once: each may hold two queues and keeps the disk busy.
    pub sessions_in: usize,
    /// How many of these a peer that is not [kept](super::Handle::keep) may take, so that strangers who open sessions and
    /// fall silent leave places for allies.
    pub strangers: usize,
    /// Sessions that we opened at once: counted apart, so that whatever comes in, we can reach out.
    pub sessions_out: usize,
    /// How long a session may stay still: no piece of a frame in either direction. Shorter would cut an ally that commits
    /// to a slow disk before it acknowledges; longer lets a peer that fell silent keep one of few places.
    pub idle: Duration,
    /// How long a peer may leave a ping unanswered; the second time its connection is closed. Over TCP a machine that was
    /// cut off says nothing, and the system would believe in it for a quarter of an hour. Shorter would cut a slow line
    /// that is full of what we send: a mebibyte takes 30 s at 280 kbit/s.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshakes: 64,
            incoming: 96,
            reserved: 32,
            outgoing: 16,
            per_peer: 3,
            per_address: 4,
            sessions_in: 4,
            strangers: 2,
            sessions_out: 4,
            idle: Duration::from_secs(30),
            silence: Duration::from_secs(30),
        }
    }
}

/// Which limit a connection would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// Too many that others are opening.
    #[error("already {0} connections being opened by others")]
    Handshakes(usize),
    /// Too many that others opened.
    #[error("already {0} connections opened by others")]
    Incoming(usize),
    /// Too many that we opened.
    #[error("already {0} connections opened by this node")]
    Outgoing(usize),
    /// Too many with this peer.
    #[error("already {0} connections with this peer")]
    Peer(usize),
    /// Too many from this address.
    #[error("already {0} connections from this address")]
    Address(usize),
}

/// Holds connections to the [`Limits`].
#[derive(Debug)]
pub(crate) struct Behaviour {
    limits: Limits,
    /// Connections and attempts; bounded by `handshakes` + `incoming` + `outgoing`.
    connections: BTreeMap<ConnectionId, Row>,
    /// Chosen by us: allies and the peers of tickets.
    kept: BTreeSet<PeerId>,
}

#[derive(Debug)]
struct Row {
    direction: Direction,
    network: Option<Network>,
    /// None until the handshake is done.
    peer: Option<PeerId>,
}

/// What one household or one rented machine gets as addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network(IpAddr);

impl Behaviour {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, connections: BTreeMap::new(), kept: BTreeSet::new() }
    }

    /// Whether places are reserved for `peer`.
    pub(crate) fn keep(&mut self, peer: PeerId, keep: bool) {
        if keep {
            self.kept.insert(peer)
        } else {
            self.kept.remove(&peer)
        };
    }

    fn begin(&mut self, id: ConnectionId, direction: Direction, network: Option<Network>) -> Result<(), Exceeded> {
        let (limit, taken, exceeded): (_, _, fn(usize) -> Exceeded) = match direction {
            Direction::Incoming => {
                let opening = self.count(|row| row.direction == Direction::Incoming && row.peer.is_none());
                (self.limits.handshakes, opening, Exceeded::Handshakes)
            }
            Direction::Outgoing => {
                (self.limits.outgoing, self.count(|row| row.direction == Direction::Outgoing), Exceeded::Outgoing)
            }
        };
        if taken >= limit {
            return Err(exceeded(limit));
        }
        if network.is_some() && self.count(|row| row.network == network) >= self.limits.per_address {
            return Err(Exceeded::Address(self.limits.per_address));
        }
        self.connections.insert(id, Row { direction, network, peer: None });
        Ok(())
    }

    fn establish(&mut self, id: ConnectionId, peer: PeerId) -> Result<(), Exceeded> {
        if self.count(|row| row.peer == Some(peer)) >= self.limits.per_peer {
            return Err(Exceeded::Peer(self.limits.per_peer));
        }
        if self.connections.get(&id).is_some_and(|row| row.direction == Direction::Incoming) {
            self.admit(&peer)?;
        }
        if let Some(row) = self.connections.get_mut(&id) {
            row.peer = Some(peer);
        }
        Ok(())
    }

    /// Whether there is a place for one more connection that `peer` opened.
    fn admit(&self, peer: &PeerId) -> Result<(), Exceeded> {
        let incoming = |row: &Row| row.direction == Direction::Incoming;
        let limit = self.limits.incoming;
        let full = self.count(|row| incoming(row) && row.peer.is_some()) >= limit;
        let open = limit.saturating_sub(self.limits.reserved);
        let stranger = |row: &Row| row.peer.is_some_and(|peer| !self.kept.contains(&peer));
        let crowded = !self.kept.contains(peer) && self.count(|row| incoming(row) && stranger(row)) >= open;
        if full || crowded { Err(Exceeded::Incoming(if full { limit } else { open })) } else { Ok(()) }
    }

    fn count(&self, counts: impl Fn(&Row) -> bool) -> usize {
        self.connections.values().filter(|row| counts(row)).count()
    }
}

impl Network {
    fn of(address: &Multiaddr) -> Option<Self> {
        let ip = address.iter().find_map(|part| {
            if let Protocol::Ip4(ip) = part {
                Some(IpAddr::V4(ip))
            } else if let Protocol::Ip6(ip) = part {
                Some(ip.to_canonical())
            } else {
                None
            }
        })?;
        match ip {
            ip if ip.is_loopback() => None,
            IpAddr::V4(_) => Some(Self(ip)),
            IpAddr::V6(ip) => Some(Self(IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))))),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.begin(id, Direction::Incoming, Network::of(remote)).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _local: &Multiaddr,
        _remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.establish(id, peer).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        _peer: Option<PeerId>,
        _addresses: &[Multiaddr],
        _role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.begin(id, Direction::Outgoing, None).map_err(ConnectionDenied::new)?;
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _address: &Multiaddr,
        _role: Endpoint,
        _port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.establish(id, peer).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::ConnectionClosed(ConnectionClosed { connection_id, .. })
        | FromSwarm::DialFailure(DialFailure { connection_id, .. })
        | FromSwarm::ListenFailure(ListenFailure { connection_id, .. }) = event
        {
            self.connections.remove(&connection_id);
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Option<Network> {
        Network::of(&address.parse().unwrap())
    }

    fn id(n: usize) -> ConnectionId {
        ConnectionId::new_unchecked(n)
    }

    #[test]
    fn the_fifth_connection_from_one_address_is_refused_until_one_closes() {
        let mut limits = Behaviour::new(Limits::default());
        let home = network("/ip4/203.0.113.9/tcp/4001");
        for n in 0..4 {
            assert_eq!(limits.begin(id(n), Direction::Incoming, home), Ok(()));
        }
        assert_eq!(limits.begin(id(4), Direction::Incoming, home), Err(Exceeded::Address(4)));
        let elsewhere = network("/ip4/203.0.113.10/udp/4001/quic-v1");
        assert_eq!(limits.begin(id(5), Direction::Incoming, elsewhere), Ok(()));
        limits.connections.remove(&id(0));
        assert_eq!(limits.begin(id(6), Direction::Incoming, home), Ok(()));
    }

    #[test]
    fn one_ipv6_prefix_is_one_address_and_loopback_is_none() {
        let one = network("/ip6/2001:db8:1:2::1/tcp/4001");
        assert_eq!(one, network("/ip6/2001:db8:1:2:ffff::9/udp/1/quic-v1"));
        assert_ne!(one, network("/ip6/2001:db8:1:3::1/tcp/4001"));
        assert_eq!(network("/ip6/::ffff:203.0.113.9/tcp/1"), network("/ip4/203.0.113.9/tcp/1"));
        assert_eq!(network("/ip4/127.0.0.1/tcp/4001"), None);
    }

    #[test]
    fn incoming_and_outgoing_are_counted_apart_and_attempts_count() {
        let mut limits = Behaviour::new(Limits { handshakes: 2, outgoing: 1, ..Limits::default() });
        assert_eq!(limits.begin(id(0), Direction::Incoming, None), Ok(()));
        assert_eq!(limits.begin(id(1), Direction::Incoming, None), Ok(()));
        assert_eq!(limits.begin(id(2), Direction::Incoming, None), Err(Exceeded::Handshakes(2)));
        assert_eq!(limits.begin(id(3), Direction::Outgoing, None), Ok(()));
        assert_eq!(limits.begin(id(4), Direction::Outgoing, None), Err(Exceeded::Outgoing(1)));
    }

    #[test]
    fn strangers_leave_places_to_those_who_are_kept() {
        let mut limits = Behaviour::new(Limits { incoming: 3, reserved: 1, ..Limits::default() });
        let [ally, other] = [PeerId::random(), PeerId::random()];
        limits.keep(ally, true);
        limits.keep(other, true);
        let mut n = 0;
        let mut come = |limits: &mut Behaviour, peer| {
            n += 1;
            limits.begin(id(n), Direction::Incoming, None).unwrap();
            let came = limits.establish(id(n), peer);
            if came.is_err() {
                limits.connections.remove(&id(n));
            }
            came
        };
        assert_eq!(come(&mut limits, PeerId::random()), Ok(()));
        assert_eq!(come(&mut limits, PeerId::random()), Ok(()));
        assert_eq!(come(&mut limits, PeerId::random()), Err(Exceeded::Incoming(2)));
        assert_eq!(come(&mut limits, ally), Ok(()));
        assert_eq!(come(&mut limits, other), Err(Exceeded::Incoming(3)));
        limits.connections.remove(&id(1));
        assert_eq!(come(&mut limits, other), Ok(()), "whoever is kept takes any place");
    }

    #[test]
    fn one_peer_gets_three_connections_and_no_row_stays_behind() {
        let mut limits = Behaviour::new(Limits::default());
        let peer = PeerId::random();
        for n in 0..4 {
            assert_eq!(limits.begin(id(n), Direction::Incoming, None), Ok(()));
        }
        for n in 0..3 {
            assert_eq!(limits.establish(id(n), peer), Ok(()));
        }
        assert_eq!(limits.establish(id(3), peer), Err(Exceeded::Peer(3)));
        for n in 0..4 {
            limits.connections.remove(&id(n));
        }
        assert!(limits.connections.is_empty());
    }
}
