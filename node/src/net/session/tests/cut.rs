//! A connection that is lost at any byte of an exchange, and the exchange after it, which makes up for it.
//!
//! A relay stands between two ends, each a pump with the rules of a session over a replica in memory. It lets so many
//! bytes of one direction pass, then both directions are gone at once.

use essaim_protocol::id::{CommonsId, Epoch};
use essaim_protocol::sync::{Config, Effect, Event, Intake, Memory, Outcome, Replica as _, Role, Session};
use essaim_protocol::time::Timestamp;
use futures::future::pending;
use tokio::time::timeout;

use super::*;

const COMMONS: CommonsId = CommonsId([7; 32]);
const ALICE: NetworkKey = NetworkKey([1; 32]);
const BOB: NetworkKey = NetworkKey([2; 32]);
const NOW: Timestamp = Timestamp(1_778_162_400_000);

/// After so long the test fails rather than hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Which bytes the relay counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    FromAlice,
    FromBob,
}

fn replica(name: u8, own: &[&[u8]]) -> Memory {
    let mut replica = Memory::new(&COMMONS, Epoch([name; 16]));
    let shared: [&[u8]; 2] = [b"\x01une annonce", b"\x02une fiche"];
    for entry in shared.iter().chain(own) {
        replica.put(entry.to_vec());
    }
    replica
}

/// What a session made of a replica; nothing when its stream was cut before the end.
async fn session(stream: SyncStream, role: Role, replica: &mut Memory) -> Option<Outcome> {
    let SyncStream { local: me, peer, outbox, mut inbox, .. } = stream;
    let config = Config { role, commons: COMMONS, me, peer, random: [3; 32], fresh: false, followed: None };
    let (mut session, mut effects) = Session::new(config, replica, NOW);
    let mut intake = Intake::new(COMMONS);
    loop {
        let mut next = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(frame) => drop(outbox.send(frame).await),
                Effect::More => next.extend(session.handle(Event::GoOn, NOW, replica)),
                Effect::Ended(outcome) => return Some(outcome.expect("a cut is nobody's fault")),
                Effect::Acknowledged(_) | Effect::Followed(_) => {}
            }
        }
        effects = next;
        if effects.is_empty() {
            let frames = inbox.recv_some().await.ok().filter(|frames| !frames.is_empty())?;
            effects = session.handle(Event::Frames(intake.read(&frames, 1)), NOW, replica);
        }
    }
}

async fn alice_opens(mut pipe: Pipe, replica: &mut Memory) -> Option<Outcome> {
    if !matches!(read_answer(&mut pipe).await, Ok(Answer::Ready)) {
        return None;
    }
    let (stream, pump) = opened(pipe, (ALICE, BOB), Arc::new(Place::new(PATIENT)));
    futures::join!(session(stream, Role::Initiator, replica), pump).0
}

async fn bob_answers(pipe: Pipe, replica: &mut Memory) -> Option<Outcome> {
    let (stream, pump) = accept(pipe, (BOB, ALICE), Arc::new(Place::new(PATIENT)));
    futures::join!(session(stream, Role::Responder, replica), pump).0
}

/// Passes bytes on until `last` of those counted have passed, or their sender has closed. Gives how many that were.
async fn relay(alice: Pipe, bob: Pipe, counted: Counted, last: u64) -> u64 {
    let ((from_alice, to_alice), (from_bob, to_bob)) = (alice.split(), bob.split());
    let (mut counted, mut other) = match counted {
        Counted::FromAlice => ((from_alice, to_bob), (from_bob, to_alice)),
        Counted::FromBob => ((from_bob, to_alice), (from_alice, to_bob)),
    };
    let uncounted = async {
        pass(&mut other.0, &mut other.1, u64::MAX).await;
        pending().await
    };
    tokio::select! {
        passed = pass(&mut counted.0, &mut counted.1, last) => passed,
        never = uncounted => never,
    }
}

async fn pass(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), last: u64) -> u64 {
    let (mut passed, mut bytes) = (0, [0; 256]);
    while passed < last {
        let most = bytes.len().min(usize::try_from(last - passed).unwrap_or(usize::MAX));
        let read = from.read(&mut bytes[..most]).await.unwrap_or(0);
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() || to.flush().await.is_err() {
            break;
        }
        passed += read as u64;
    }
    passed
}

/// One exchange through the relay. Gives how many of the counted bytes passed.
async fn exchange(alice: &mut Memory, bob: &mut Memory, counted: Counted, last: u64) -> u64 {
    let ((hers, near), (far, his)) = futures::join!(pipe(), pipe());
    let all =
        async { futures::join!(alice_opens(hers, alice), bob_answers(his, bob), relay(near, far, counted, last)) };
    timeout(HANGS, all).await.expect("every end notices the cut").2
}

/// One exchange without a relay, which both sides say ended in sync.
async fn whole_exchange(alice: &mut Memory, bob: &mut Memory) {
    let (hers, his) = pipe().await;
    let both = async { futures::join!(alice_opens(hers, alice), bob_answers(his, bob)) };
    let ended = timeout(HANGS, both).await.expect("an exchange ends");
    assert!(matches!(ended, (Some(Outcome::InSync { .. }), Some(Outcome::InSync { .. }))), "{ended:?}");
}

#[tokio::test]
async fn a_connection_lost_at_any_byte_loses_nothing_and_the_next_exchange_makes_up_for_it() {
    let alice = replica(1, &[b"\x01une adhesion", b"\x02une navette", b"\x02un verger"]);
    let bob = replica(2, &[b"\x02une haie", b"\x02un cafe"]);
    let mut union = alice.clone();
    for entry in bob.entries() {
        union.put(entry.to_vec());
    }
    for counted in [Counted::FromAlice, Counted::FromBob] {
        let bytes = exchange(&mut alice.clone(), &mut bob.clone(), counted, u64::MAX).await;
        assert!(bytes > 200, "{counted:?}: {bytes} bytes are a short exchange");
        for last in 0..=bytes {
            let (mut a, mut b) = (alice.clone(), bob.clone());
            exchange(&mut a, &mut b, counted, last).await;
            for (before, after) in [(&alice, &a), (&bob, &b)] {
                assert!(before.entries().eq(after.entries().take(before.entries().count())), "{counted:?}, {last}");
            }
            whole_exchange(&mut a, &mut b).await;
            for level in [&a, &b] {
                assert_eq!(level.set().digest().hash(), union.set().digest().hash(), "{counted:?}, {last} bytes");
            }
        }
    }
}
