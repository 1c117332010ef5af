//! Nodes that find each other on the local network, by multicast alone.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use essaim_node::net::{Config, Event, start};
use essaim_protocol::id::NetworkKey;
use libp2p::Multiaddr;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// After so long the test fails rather than hangs: mDNS asks again after half a second, then ever more rarely.
const HANGS: Duration = Duration::from_secs(60);

/// Whether what is sent to a group of this network comes back to a member of it on this machine.
fn multicast() -> io::Result<()> {
    let group = Ipv4Addr::new(224, 0, 0, 251);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)?;
    socket.set_multicast_loop_v4(true)?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.send_to(b"essaim", (group, socket.local_addr()?.port()))?;
    let (_, from) = socket.recv_from(&mut [0; 16])?;
    // mDNS passes over loopback.
    if from.ip().is_loopback() { Err(io::Error::other("there is no network but loopback")) } else { Ok(()) }
}

async fn addresses(events: &mut Receiver<Event>, of: NetworkKey) -> Vec<Multiaddr> {
    let discovered = async {
        loop {
            if let Event::Discovered { peer, addresses } = events.recv().await.expect("the network runs")
                && peer == of
            {
                return addresses;
            }
        }
    };
    timeout(HANGS, discovered).await.expect("the other is discovered")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_of_one_local_network_find_each_other_and_can_meet() {
    if let Err(error) = multicast() {
        // Past the capture of the test harness: who runs the tests must see what they do not show.
        let _ =
            writeln!(io::stderr(), "NOT TESTED: two nodes that find each other by mDNS; no multicast here: {error}");
        return;
    }
    let node = || {
        let listen = vec!["/ip4/0.0.0.0/tcp/0".parse().unwrap()];
        // Keys of their own: others may run this on the same network.
        start(Config { listen, mdns: true, ..Config::new(rand::random()) }).unwrap()
    };
    let ((alice, mut hers), (bob, mut his)) = (node(), node());
    let him = addresses(&mut hers, bob.local()).await;
    addresses(&mut his, alice.local()).await;
    assert!(alice.connected().await.unwrap().is_empty(), "nobody is dialled for being near");
    alice.dial(bob.local(), &him).await.unwrap();
    let met = async { while !matches!(hers.recv().await, Some(Event::Connected(with)) if with.peer == bob.local()) {} };
    timeout(HANGS, met).await.expect("he answers where he said");
    alice.shutdown().await;
    bob.shutdown().await;
}
