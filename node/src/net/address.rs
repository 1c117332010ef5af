//! Addresses and names of peers: what people type, what a ticket carries, what libp2p dials.
//!
//! An address is a libp2p multiaddress of one of two shapes, `/ip4/192.0.2.7/udp/4001/quic-v1` and
//! `/ip4/192.0.2.7/tcp/4001`, with `ip6`, `dns`, `dns4` or `dns6` in place of `ip4`. Names are looked up when they are
//! dialled, by the operating system, so that what works in the user's browser works here.
//!
//! A peer's libp2p name is its network key in another spelling: [`peer_id`] and [`network_key`] translate.

use std::io;
use std::net::{IpAddr, SocketAddr};

use essaim_protocol::id::NetworkKey;
use libp2p::identity::{PublicKey, ed25519};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// Addresses in a ticket, which people copy by hand, and of a name that is looked up.
pub const MAX_ADDRESSES: usize = 4;

/// The code of the multihash that holds its content unhashed: how libp2p names a key of at most 42 bytes.
const IDENTITY_HASH: u64 = 0;

/// Why a text is not an address. The user's fault; each says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Host and port, as everywhere else.
    #[error("`{text}` is not written as an address here: write `{instead}`")]
    HostAndPort {
        /// What was typed.
        text: String,
        /// The same as a multiaddress.
        instead: String,
    },
    /// Not a multiaddress.
    #[error("`{text}` is not an address: write for example `/ip4/192.0.2.7/udp/4001/quic-v1`")]
    Syntax {
        /// What was typed.
        text: String,
    },
    /// A multiaddress that this program cannot use.
    #[error("`{text}` is not of a kind that works here: use `/ip4/…/udp/…/quic-v1` or `/ip4/…/tcp/…`")]
    Kind {
        /// What was typed.
        text: String,
    },
    /// It names a peer whose key is not of our kind.
    #[error("`{text}` names a peer that cannot be one of ours: its key is not an Ed25519 key")]
    Peer {
        /// What was typed.
        text: String,
    },
}

/// A key that is no point of the curve: nobody can prove to own it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a network key: whoever wrote it made it up")]
pub struct NotAKey(pub NetworkKey);

/// Reads what a person typed: the address, and the peer if it ends in `/p2p/…`.
///
/// # Errors
/// [`AddressError`].
pub fn parse(text: &str) -> Result<(Multiaddr, Option<NetworkKey>), AddressError> {
    let text = text.trim();
    let address = text.parse().ok().filter(|address: &Multiaddr| !address.is_empty());
    let address = address.ok_or_else(|| not_an_address(text))?;
    let mut peer = None;
    if let Some(Protocol::P2p(id)) = address.iter().last() {
        peer = Some(network_key(&id).ok_or_else(|| AddressError::Peer { text: text.to_owned() })?);
    }
    let address = without_peer(address);
    if !can_dial(&address) {
        return Err(AddressError::Kind { text: text.to_owned() });
    }
    Ok((address, peer))
}

fn not_an_address(text: &str) -> AddressError {
    let host_and_port = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let Some((host, port)) = host_and_port.filter(|(host, _)| !host.is_empty() && !host.contains('/')) else {
        return AddressError::Syntax { text: text.to_owned() };
    };
    let kind = match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => format!("ip4/{ip}"),
        Ok(IpAddr::V6(ip)) => format!("ip6/{ip}"),
        Err(_) => format!("dns/{host}"),
    };
    AddressError::HostAndPort { text: text.to_owned(), instead: format!("/{kind}/udp/{port}/quic-v1") }
}

/// The addresses a ticket should carry, best first, at most [`MAX_ADDRESSES`].
///
/// Addresses that the whole Internet reaches come first, then those of the local network; loopback only when there is
/// nothing else, or first when the tickets are for this very machine (`on_this_machine`). QUIC before TCP, but one TCP
/// address stays in, for networks that block UDP.
#[must_use]
pub fn for_ticket(listening: &[Multiaddr], on_this_machine: bool) -> Vec<Multiaddr> {
    let mut useful: Vec<_> = listening
        .iter()
        .filter_map(|address| Some((reach(address, on_this_machine)?, transport(address)?, address)))
        .collect();
    useful.sort();
    useful.dedup();
    if !on_this_machine && useful.iter().any(|(reach, ..)| *reach != Reach::Loopback) {
        useful.retain(|(reach, ..)| *reach != Reach::Loopback);
    }
    let tcp = useful.iter().position(|(_, transport, _)| *transport == Transport::Tcp);
    if let Some(tcp) = tcp.filter(|at| *at >= MAX_ADDRESSES) {
        useful.swap(tcp, MAX_ADDRESSES - 1);
    }
    useful.into_iter().take(MAX_ADDRESSES).map(|(_, _, address)| address.clone()).collect()
}

/// Whether somebody who is neither on this machine nor on the same local network may reach an address.
#[must_use]
pub fn reaches_afar(address: &Multiaddr) -> bool {
    reach(address, false) == Some(Reach::Internet)
}

/// Whether an address is of one of the two shapes.
#[must_use]
pub fn can_dial(address: &Multiaddr) -> bool {
    transport(address).is_some()
}

/// The address without the peer that it may name at its end.
#[must_use]
pub fn without_peer(mut address: Multiaddr) -> Multiaddr {
    if let Some(Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}

/// Who can use an address, best for a ticket first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    ThisMachine,
    Internet,
    LocalNetwork,
    Loopback,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Transport {
    Quic,
    Tcp,
}

/// None for what nobody else can dial: unspecified, multicast, and link-local, which means nothing without a zone.
fn reach(address: &Multiaddr, on_this_machine: bool) -> Option<Reach> {
    let Some(ip) = ip(address) else { return Some(Reach::Internet) };
    let local = match ip {
        IpAddr::V4(ip) if ip.is_link_local() || ip.is_broadcast() => return None,
        IpAddr::V6(ip) if ip.is_unicast_link_local() => return None,
        // 100.64.0.0/10 is what providers and overlay networks hand out behind their own translation (RFC 6598).
        IpAddr::V4(ip) => ip.is_private() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64),
        IpAddr::V6(ip) => ip.is_unique_local(),
    };
    if ip.is_unspecified() || ip.is_multicast() {
        None
    } else if ip.is_loopback() {
        Some(if on_this_machine { Reach::ThisMachine } else { Reach::Loopback })
    } else if local {
        Some(Reach::LocalNetwork)
    } else {
        Some(Reach::Internet)
    }
}

/// The IP address, if the address has one and not a name.
pub(crate) fn ip(address: &Multiaddr) -> Option<IpAddr> {
    let first = address.iter().next()?;
    if let Protocol::Ip4(ip) = first {
        Some(IpAddr::V4(ip))
    } else if let Protocol::Ip6(ip) = first {
        Some(IpAddr::V6(ip))
    } else {
        None
    }
}

/// The transport, if the address has exactly one of the two shapes.
fn transport(address: &Multiaddr) -> Option<Transport> {
    let parts: Vec<_> = address.iter().collect();
    let (host, rest) = parts.split_first()?;
    let named = matches!(host, Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_));
    if ip(address).is_none() && !named {
        return None;
    }
    if let [Protocol::Udp(_), Protocol::QuicV1] = rest {
        Some(Transport::Quic)
    } else if let [Protocol::Tcp(_)] = rest {
        Some(Transport::Tcp)
    } else {
        None
    }
}

/// The address with its name looked up, one for each of the first few results; itself when it has no name.
///
/// # Errors
/// What the operating system says of the name.
pub async fn resolve(address: &Multiaddr) -> io::Result<Vec<Multiaddr>> {
    let mut parts = address.iter();
    let first = parts.next();
    let (name, wanted): (_, fn(&SocketAddr) -> bool) = match &first {
        Some(Protocol::Dns(name)) => (name, |_| true),
        Some(Protocol::Dns4(name)) => (name, SocketAddr::is_ipv4),
        Some(Protocol::Dns6(name)) => (name, SocketAddr::is_ipv6),
        _ => return Ok(vec![address.clone()]),
    };
    let rest: Vec<_> = parts.collect();
    let found = tokio::net::lookup_host((name.as_ref(), 0)).await?.filter(wanted).take(MAX_ADDRESSES);
    Ok(found.map(|found| Multiaddr::from(found.ip()).into_iter().chain(rest.iter().cloned()).collect()).collect())
}

/// The libp2p name of a network key.
///
/// # Errors
/// [`NotAKey`] when the bytes are no point of the curve.
pub fn peer_id(key: &NetworkKey) -> Result<PeerId, NotAKey> {
    let key = ed25519::PublicKey::try_from_bytes(&key.0).map_err(|_| NotAKey(*key))?;
    Ok(PublicKey::from(key).to_peer_id())
}

/// The network key behind a libp2p name; none when its key is not an Ed25519 key.
#[must_use]
pub fn network_key(peer: &PeerId) -> Option<NetworkKey> {
    let hash = peer.as_ref();
    let key = (hash.code() == IDENTITY_HASH).then(|| PublicKey::try_decode_protobuf(hash.digest()))?.ok()?;
    Some(NetworkKey(key.try_into_ed25519().ok()?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use libp2p::identity::Keypair;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<Multiaddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_network_key_and_its_libp2p_name_are_one() {
        let keys = Keypair::ed25519_from_bytes([7; 32]).unwrap();
        let key = NetworkKey(keys.public().try_into_ed25519().unwrap().to_bytes());
        let peer = peer_id(&key).unwrap();
        assert_eq!(peer, keys.public().to_peer_id());
        assert_eq!(network_key(&peer), Some(key));
        let no_point = NetworkKey([2; 32]);
        assert_eq!(peer_id(&no_point), Err(NotAKey(no_point)));
        // A name that is the hash of an RSA key.
        assert_eq!(network_key(&"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N".parse().unwrap()), None);
    }

    #[test]
    fn what_people_type_is_read_or_told_how_to_write() {
        let keys = Keypair::ed25519_from_bytes([7; 32]).unwrap();
        let typed = format!(" /dns/essaim.example.org/tcp/4001/p2p/{} ", keys.public().to_peer_id());
        let (address, peer) = parse(&typed).unwrap();
        assert_eq!(address.to_string(), "/dns/essaim.example.org/tcp/4001");
        assert_eq!(peer, network_key(&keys.public().to_peer_id()));

        for (typed, instead) in [
            ("192.168.1.5:4001", "/ip4/192.168.1.5/udp/4001/quic-v1"),
            ("[2001:db8::1]:4001", "/ip6/2001:db8::1/udp/4001/quic-v1"),
            ("essaim.example.org:80", "/dns/essaim.example.org/udp/80/quic-v1"),
        ] {
            let text = typed.to_owned();
            assert_eq!(parse(typed), Err(AddressError::HostAndPort { text, instead: instead.to_owned() }));
            assert!(parse(instead).is_ok());
        }
        for typed in ["", "bonjour", "http://192.168.1.5:80", "/ip4/300.1.1.1/tcp/1", ":80", "192.168.1.5:99999"] {
            assert_eq!(parse(typed), Err(AddressError::Syntax { text: typed.to_owned() }), "{typed}");
        }
        for typed in ["/ip4/192.0.2.7", "/ip4/192.0.2.7/udp/4001", "/tcp/1", "/ip4/192.0.2.7/tcp/80/ws", "/memory/1"] {
            assert_eq!(parse(typed), Err(AddressError::Kind { text: typed.to_owned() }), "{typed}");
        }
    }

    #[test]
    fn a_ticket_carries_the_addresses_that_reach_furthest() {
        let listening = addresses(&[
            "/ip4/127.0.0.1/udp/1/quic-v1",
            "/ip4/192.168.1.5/tcp/2",
            "/ip4/192.168.1.5/udp/1/quic-v1",
            "/ip6/fe80::1/udp/1/quic-v1",
            "/ip6/2a01:e0a::5/udp/1/quic-v1",
            "/ip4/172.17.0.1/udp/1/quic-v1",
            "/ip4/10.0.0.1/udp/1/quic-v1",
        ]);
        let ticket = for_ticket(&listening, false);
        let expected = [
            "/ip6/2a01:e0a::5/udp/1/quic-v1",
            "/ip4/10.0.0.1/udp/1/quic-v1",
            "/ip4/172.17.0.1/udp/1/quic-v1",
            "/ip4/192.168.1.5/tcp/2",
        ];
        assert_eq!(ticket, addresses(&expected));
    }

    #[test]
    fn loopback_is_in_a_ticket_only_alone_or_for_this_machine() {
        let listening = addresses(&["/ip4/127.0.0.1/tcp/2", "/ip4/10.0.0.1/tcp/2", "/ip4/127.0.0.1/udp/1/quic-v1"]);
        assert_eq!(for_ticket(&listening, false), listening[1..2]);
        assert_eq!(for_ticket(&listening[..1], false), listening[..1]);
        assert_eq!(for_ticket(&listening, true)[0], listening[2]);
        assert_eq!(for_ticket(&addresses(&["/ip4/0.0.0.0/tcp/2"]), false), []);
    }

    #[test]
    fn an_address_behind_a_box_does_not_reach_afar() {
        let near = ["/ip4/192.168.1.5/tcp/2", "/ip4/100.64.0.7/tcp/2", "/ip6/fd00::1/tcp/2", "/ip6/::1/tcp/2"];
        assert!(!addresses(&near).iter().any(reaches_afar));
        let far = ["/ip4/203.0.113.9/tcp/2", "/ip6/2a01:e0a::5/udp/1/quic-v1", "/dns/essaim.example.org/tcp/2"];
        assert!(addresses(&far).iter().all(reaches_afar));
    }

    #[tokio::test]
    async fn a_name_is_looked_up_and_an_address_is_left_alone() {
        let [name, v6, plain] = ["/dns4/localhost/tcp/7", "/dns6/localhost/tcp/7", "/ip4/192.0.2.7/udp/1/quic-v1"]
            .map(|text| text.parse::<Multiaddr>().unwrap());
        assert_eq!(resolve(&name).await.unwrap(), addresses(&["/ip4/127.0.0.1/tcp/7"]));
        assert_eq!(resolve(&plain).await.unwrap(), [plain]);
        for found in resolve(&v6).await.unwrap_or_default() {
            assert!(found.to_string().starts_with("/ip6/"));
        }
    }
}
