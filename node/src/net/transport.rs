//! The parts of libp2p that a node uses, with their settings, and what they report in our words.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use essaim_protocol::id::NetworkKey;
use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{DialError, NetworkBehaviour};
use libp2p::{Multiaddr, Swarm, SwarmBuilder, identify, mdns, noise, ping, tcp, yamux};
use socket2::{Domain, Socket, Type};

use super::address::{self, NotAKey, network_key};
use super::behaviour::{self, ForeignKey};
use super::limits::{self, Exceeded, Limits};

/// What a node tells of its program: no exact version, which would tell a stranger what it is vulnerable to.
pub const AGENT: &str = concat!("essaim/", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// Names the network in identify, so that a node of another one is recognised.
const NETWORK: &str = "/essaim/id/1";

/// Streams that a peer may have open on one connection. An honest one has about six (sync, its busy answer, identify,
/// ping, both ways). Over Yamux, whose window cannot be set, each may buffer 256 KiB: 8 MiB a connection.
const STREAMS: u8 = 32;

/// Bytes that a peer may send on one QUIC stream before we read them: the 1 MiB that a transfer has in flight, and its
/// overhead. Smaller would slow a transfer on long links, larger is memory for nothing.
const STREAM_WINDOW: u32 = 1_250_000;

/// The same for all streams of a connection: one session at a time, and room for the small protocols. It bounds what
/// [`Limits::incoming`] strangers can make a node buffer: 192 MB.
const CONNECTION_WINDOW: u32 = 2_000_000;

/// The largest QUIC packet that is tried: above it, discovery of the path's limit breaks on tunnels and mobile links that
/// drop what is too large without a word.
const MTU: u16 = 1_400;

/// A QUIC peer that is silent for so long is gone; keep-alives are sent every 5 s.
const QUIC_IDLE: Duration = Duration::from_secs(30);

/// How long a connection without a session stays, if its peer is not kept: long enough to come back to, short enough that
/// strangers do not fill the places.
const CONNECTION_IDLE: Duration = Duration::from_secs(60);

/// How long connecting may take, handshakes included.
const CONNECTING: Duration = Duration::from_secs(10);

/// Where a node listens unless told otherwise: every interface, on ports that the system chooses.
const EVERYWHERE: [&str; 4] =
    ["/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/0.0.0.0/tcp/0", "/ip6/::/udp/0/quic-v1", "/ip6/::/tcp/0"];

/// Why a node's network did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The secret makes no key.
    #[error("the network key cannot be used")]
    Key(#[source] libp2p::identity::DecodingError),
    /// Another program listens there, most likely another essaim.
    #[error("cannot listen on {address}: another program uses this port")]
    PortTaken {
        /// Where.
        address: Multiaddr,
    },
    /// The machine has no such address, or does not let us listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// What the system says.
        source: io::Error,
    },
    /// Cryptography or the list of network interfaces is not available.
    #[error("the network cannot be set up")]
    Setup(#[source] Box<dyn StdError + Send + Sync>),
}

/// Why a peer could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum DialFailure {
    /// No address is known, or only our own.
    #[error("no address to dial")]
    NoAddress,
    /// None of the addresses answered.
    #[error("no answer{}", attempts(.0))]
    Unreachable(Vec<(Multiaddr, String)>),
    /// Somebody else answers there: the address is old, or in the middle.
    #[error("another peer answers at {address}: its address has changed hands")]
    AnotherPeer {
        /// Where.
        address: Multiaddr,
        /// Who answers, if its key is one of ours.
        found: Option<NetworkKey>,
    },
    /// The address is our own.
    #[error("{address} is this very node")]
    Ourselves {
        /// Where.
        address: Multiaddr,
    },
    /// We do not want this peer.
    #[error("this peer is blocked")]
    Blocked,
    /// A limit of ours.
    #[error(transparent)]
    Exceeded(Exceeded),
    /// Not one of ours.
    #[error("the peer is not an essaim: {0}")]
    Foreign(String),
    /// Whoever gave us the key made it up.
    #[error(transparent)]
    Key(#[from] NotAKey),
    /// The network is shutting down.
    #[error("given up")]
    GivenUp,
}

fn attempts(attempts: &[(Multiaddr, String)]) -> String {
    attempts.iter().map(|(address, reason)| format!("; {address}: {reason}")).collect()
}

impl From<DialError> for DialFailure {
    fn from(error: DialError) -> Self {
        match error {
            DialError::LocalPeerId { address } => Self::Ourselves { address },
            DialError::NoAddresses => Self::NoAddress,
            DialError::DialPeerConditionFalse(_) | DialError::Aborted => Self::GivenUp,
            DialError::WrongPeerId { obtained, address } => {
                Self::AnotherPeer { found: network_key(&obtained), address }
            }
            DialError::Denied { cause } => {
                if cause.downcast_ref::<allow_block_list::Blocked>().is_some() {
                    Self::Blocked
                } else if let Some(exceeded) = cause.downcast_ref::<Exceeded>() {
                    Self::Exceeded(*exceeded)
                } else if cause.downcast_ref::<ForeignKey>().is_some() {
                    Self::Foreign(ForeignKey.to_string())
                } else {
                    Self::Foreign(cause.to_string())
                }
            }
            DialError::Transport(errors) => Self::Unreachable(
                errors.into_iter().map(|(address, error)| (address, innermost(&error).to_string())).collect(),
            ),
        }
    }
}

/// The behaviours of a node's swarm. The blocks and the limits come first: what they refuse, no other one sees.
#[derive(NetworkBehaviour)]
pub(crate) struct Node {
    pub(crate) blocked: allow_block_list::Behaviour<BlockedPeers>,
    pub(crate) limits: limits::Behaviour,
    pub(crate) sync: behaviour::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
}

/// Where a node listens unless told otherwise.
#[must_use]
pub fn everywhere() -> Vec<Multiaddr> {
    EVERYWHERE.iter().filter_map(|address| address.parse().ok()).collect()
}

/// A swarm that does not listen yet.
pub(crate) fn swarm(
    keys: Keypair,
    local: NetworkKey,
    limits: Limits,
    agent: String,
    mdns: bool,
) -> Result<Swarm<Node>, StartError> {
    let identity = identify::Config::new(NETWORK.to_owned(), keys.public())
        .with_agent_version(agent)
        // Only addresses known to be reachable from outside are told; and what peers tell is not kept for dialling.
        .with_hide_listen_addrs(true)
        .with_cache_size(0);
    let peer = keys.public().to_peer_id();
    let mdns = mdns.then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), peer)).transpose();
    let node = Node {
        blocked: allow_block_list::Behaviour::default(),
        limits: limits::Behaviour::new(limits),
        sync: behaviour::Behaviour::new(local, limits),
        identify: identify::Behaviour::new(identity),
        // Half of what it may take: whoever vanishes is noticed within two and a half times the silence.
        ping: ping::Behaviour::new(ping::Config::new().with_interval(limits.silence / 2).with_timeout(limits.silence)),
        mdns: mdns.map_err(setup)?.into(),
    };
    let swarm = SwarmBuilder::with_existing_identity(keys)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, muxer)
        .map_err(setup)?
        .with_quic_config(quic)
        .with_behaviour(|_| node)
        .map_err(setup)?
        .with_swarm_config(|config| {
            config
                .with_idle_connection_timeout(CONNECTION_IDLE)
                .with_max_negotiating_inbound_streams(usize::from(STREAMS))
                .with_smart_dial()
        })
        .with_connection_timeout(CONNECTING)
        .build();
    Ok(swarm)
}

fn setup(error: impl StdError + Send + Sync + 'static) -> StartError {
    StartError::Setup(Box::new(error))
}

fn muxer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(usize::from(STREAMS));
    config
}

fn quic(mut config: libp2p::quic::Config) -> libp2p::quic::Config {
    config.handshake_timeout = CONNECTING;
    config.max_idle_timeout = QUIC_IDLE.as_millis() as u32;
    config.max_concurrent_stream_limit = u32::from(STREAMS);
    config.max_stream_data = STREAM_WINDOW;
    config.max_connection_data = CONNECTION_WINDOW;
    config.mtu_upper_bound(MTU)
}

/// Begins to listen. An address that this machine lacks (it may have no IPv6) is left out as long as another one works.
pub(crate) fn listen(swarm: &mut Swarm<Node>, addresses: &[Multiaddr]) -> Result<(), StartError> {
    let mut lacking = None;
    let mut listening = false;
    for address in addresses {
        let failed = |source| StartError::Listen { address: address.clone(), source };
        match try_bind(address) {
            Ok(()) => {
                swarm
                    .listen_on(address.clone())
                    .map_err(|error| failed(io::Error::other(innermost(&error).to_string())))?;
                listening = true;
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(StartError::PortTaken { address: address.clone() });
            }
            Err(error) if lacks_address(&error) => {
                tracing::warn!(%address, %error, "not listening");
                lacking = Some(failed(error));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    lacking.filter(|_| !listening).map_or(Ok(()), Err)
}

/// Takes the port and gives it back. libp2p wraps what the system says beyond recognition, and lets several programs of
/// one user listen on one TCP port (SO_REUSEPORT), where each gets some of the connections meant for the other.
fn try_bind(address: &Multiaddr) -> io::Result<()> {
    let Some(ip) = address::ip(address) else { return Ok(()) };
    for part in address {
        let (kind, port) = if let Protocol::Tcp(port) = part {
            (Type::STREAM, port)
        } else if let Protocol::Udp(port) = part {
            (Type::DGRAM, port)
        } else {
            continue;
        };
        let to = SocketAddr::new(ip, port);
        let socket = Socket::new(Domain::for_address(to), kind, None)?;
        if to.is_ipv6() {
            // As libp2p does: the same port of IPv4 has a listener of its own.
            socket.set_only_v6(true)?;
        }
        if kind == Type::STREAM {
            // Connections of the last run that linger do not keep a port from being listened on.
            socket.set_reuse_address(true)?;
        }
        socket.bind(&to.into())?;
        if kind == Type::STREAM {
            // With the address reused, the system looks for another listener only now.
            socket.listen(1)?;
        }
    }
    Ok(())
}

fn lacks_address(error: &io::Error) -> bool {
    /// EAFNOSUPPORT on Linux, on macOS and the BSDs, on Windows.
    const NO_FAMILY: [i32; 3] = [97, 47, 10_047];
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error().is_some_and(|code| NO_FAMILY.contains(&code))
}

/// The error that all the others wrap: libp2p's layers each say "an error occurred".
fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut error = error;
    loop {
        // `source` of an I/O error skips the error that it wraps.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(|| error.source()) {
            Some(inner) => error = inner,
            None => return error,
        }
    }
}
