//! Symbols that do not decode, and the fresh key under which both sides begin again.

use super::*;
use crate::wire::Reader;

/// An entry whose id begins as every other of its `group`.
fn twin(group: u8, n: u8) -> Vec<u8> {
    [vec![9], vec![group; 31], vec![n], b"twin".to_vec()].concat()
}

#[test]
fn two_ids_that_begin_alike_are_told_apart_by_a_fresh_key() {
    // Both on one side: the symbols of the commons never decode, and the session itself starts afresh.
    let alice = replica("alice", changes("both", 0..200).chain([twin(5, 1), twin(5, 2)]));
    let pair = Pair::new(alice, replica("bob", changes("both", 0..200))).finish();
    pair.assert_in_sync();
    assert!(pair.bob.frames.iter().any(|frame| matches!(frame, Frame::Fresh(_))));

    // One on each side: they cancel out, the end tells, and the next session begins afresh.
    let alice = replica("alice", changes("both", 0..200).chain([twin(5, 1), entry(2, "alice")]));
    let pair = Pair::new(alice, replica("bob", changes("both", 0..200).chain([twin(5, 2)]))).finish();
    assert!(matches!(pair.alice.outcome(), Outcome::Differs { fresh: true, .. }));
    assert!(matches!(pair.bob.outcome(), Outcome::Differs { fresh: true, .. }));
    Pair::with(pair.alice.replica, pair.bob.replica, |config| config.fresh = true).finish().assert_in_sync();
}

/// A frame of symbols of a set of `count` in two frames, as a peer may send them.
fn halves(frame: Vec<u8>, count: u64) -> Vec<Vec<u8>> {
    let Ok(Frame::Symbols(body)) = Frame::decode(&frame) else { return vec![frame] };
    let symbols = sketch::decode(&mut Reader::new(&body), 0, count, usize::MAX).unwrap();
    let (first, rest) = symbols.split_at(symbols.len() / 2);
    let half = |symbols: &[sketch::Symbol], start| {
        let mut body = Vec::new();
        sketch::encode(symbols, start, count, &mut body);
        Frame::Symbols(body).encode()
    };
    vec![half(first, 0), half(rest, first.len())]
}

#[test]
fn symbols_under_way_when_those_before_contradict_each_other_are_nobodys_fault() {
    // Two twins on each side: the first symbol is empty, as of equal sets, and the others are not.
    let alice = replica("alice", changes("both", 0..200).chain([twin(5, 1), twin(5, 2)]));
    let bob = replica("bob", changes("both", 0..200).chain([twin(6, 1), twin(6, 2)]));
    let mut pair = Pair::new(alice, bob);
    assert!(pair.cross(usize::MAX), "hellos");
    pair.alice.sent = std::mem::take(&mut pair.alice.sent).into_iter().flat_map(|frame| halves(frame, 202)).collect();
    assert_eq!(pair.alice.sent.len(), 2);
    let pair = pair.finish();
    pair.assert_in_sync();
    assert!(pair.bob.frames.iter().any(|frame| matches!(frame, Frame::Fresh(_))));
}

#[test]
fn eves_garbage_symbols_are_hers_by_the_second_key() {
    // Counts like ours, so that the difference looks small, but other items.
    let ours = replica("eve", changes("alice", 0..100));
    let spoilt = (0..500).map(|number| {
        let mut body = Vec::new();
        sketch::encode(&ours.set().sketch().prefix()[number..=number], number, 100, &mut body);
        body[0] ^= 1;
        Frame::Symbols(body)
    });
    let mut alice = alice_meets(Role::Responder, lie(100), []);
    for frame in spoilt {
        if alice.frames.iter().any(|frame| matches!(frame, Frame::Fresh(_))) {
            break;
        }
        alice.receive(frame.encode());
    }
    for _ in 0..2000 {
        alice.receive(garbage(1).encode());
    }
    assert_blamed(&alice, &Misbehaviour::Symbols);
    assert_eq!(alice.frames.iter().filter(|frame| matches!(frame, Frame::Fresh(_))).count(), 1);

    let too_many = alice_meets(Role::Responder, lie(100), [garbage(25)]);
    assert!(matches!(too_many.fault(), Fault::Misbehaved(Misbehaviour::Malformed(_))));
    let mostly_strange = alice_meets(Role::Responder, lie(100), [garbage(24)]);
    assert!(matches!(mostly_strange.frames[1..], [Frame::Items(_)]), "the sets seem to have little in common");
}
