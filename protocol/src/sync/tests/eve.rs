//! What a peer tries that is no honest one.

use super::*;

#[test]
fn eve_cannot_be_in_sync_by_echoing_our_tag() {
    let alice = End::new(config(Role::Initiator, ALICE, EVE), replica("alice", changes("alice", 0..100)));
    let Frame::Hello(ours) = alice.frames[0] else { panic!() };
    let alice = alice_meets(Role::Initiator, ours, []);
    assert!(alice.outcome.is_none());

    let ends = [Frame::Want(List { last: true, items: vec![] }), Frame::End, Frame::Done(ours.all)];
    let alice = alice_meets(Role::Initiator, ours, ends);
    assert!(matches!(alice.outcome(), Outcome::Differs { .. }));
}

#[test]
fn eve_cannot_be_in_sync_by_saying_done() {
    let done = || Frame::Done(Tag([0xee; 16]));
    for role in [Role::Initiator, Role::Responder] {
        assert_blamed(&alice_meets(role, lie(100), [done()]), &Misbehaviour::OutOfTurn);
        let follow = Frame::Follow(Position::default());
        let alice = alice_meets(role, lie(0), [follow, Frame::End, done()]);
        assert!(matches!(alice.outcome(), Outcome::Differs { .. }));
    }
}

#[test]
fn eve_who_never_sends_what_we_want_is_not_in_sync() {
    let honest = replica("eve", changes("alice", 0..100).chain(changes("eve", 0..3)));
    let symbols = || {
        let mut body = Vec::new();
        sketch::encode(&honest.set().sketch().prefix()[..24], 0, 103, &mut body);
        Frame::Symbols(body)
    };
    let stolen = honest.set().digest().tag(&ALICE, &COMMONS);
    let alice = alice_meets(Role::Responder, lie(103), [symbols(), Frame::End, Frame::Done(stolen)]);
    assert!(matches!(alice.outcome(), Outcome::Differs { .. }));
    let alice = alice_meets(Role::Responder, lie(103), [symbols()]);
    assert!(alice.outcome.is_none(), "the clock ends it");
}

#[test]
fn eves_lists_must_ascend_and_end() {
    let list = |last, range: std::ops::Range<u32>| List {
        last,
        items: range.map(|n| Item(u128::from(n).to_be_bytes())).collect(),
    };
    let follow = [Frame::Want(list(false, 5..9)), Frame::Want(list(true, 0..4))];
    assert_blamed(&alice_meets(Role::Initiator, lie(100), follow), &Misbehaviour::List);
    let too_many = [Frame::Want(list(true, 0..101))];
    assert_blamed(&alice_meets(Role::Initiator, lie(1 << 40), too_many), &Misbehaviour::List);
    let endless = (0..200).map(|n| Frame::Items(list(false, n * 1000..n * 1000 + 1000)));
    assert_blamed(&alice_meets(Role::Initiator, lie(50_000), endless), &Misbehaviour::List);
    let huge = 1 << 22;
    let endless = (0..).map(|n| Frame::Items(list(false, n * MAX_ITEMS as u32..(n + 1) * MAX_ITEMS as u32)));
    let alice = alice_meets(Role::Initiator, lie(1 << 40), endless.take(1 + huge / MAX_ITEMS));
    assert_blamed(&alice, &Misbehaviour::List);
    let mut alice = alice_meets(Role::Initiator, lie(100), []);
    alice.receive(vec![7, 0]);
    assert!(matches!(alice.fault(), Fault::Misbehaved(Misbehaviour::Malformed(_))));
}

#[test]
fn eve_asks_only_forwards_and_not_for_ever() {
    assert_blamed(&alice_meets(Role::Initiator, lie(100), [Frame::Ask(24)]), &Misbehaviour::Ask);
    assert_blamed(&alice_meets(Role::Initiator, lie(100), [Frame::Ask(u64::MAX)]), &Misbehaviour::Ask);
    assert_blamed(&alice_meets(Role::Initiator, lie(100), (25..100).map(Frame::Ask)), &Misbehaviour::Ask);
    let twice = [Frame::AskItems, Frame::AskItems];
    assert_blamed(&alice_meets(Role::Initiator, lie(100), twice), &Misbehaviour::OutOfTurn);
    let twice = [Frame::Fresh([0; 32]), Frame::Fresh([1; 32])];
    assert_blamed(&alice_meets(Role::Initiator, lie(100), twice), &Misbehaviour::OutOfTurn);
    let twice = [Frame::Follow(Position::default()), Frame::Follow(Position::default())];
    assert_blamed(&alice_meets(Role::Responder, lie(100), twice), &Misbehaviour::OutOfTurn);
}

#[test]
fn eves_entries_are_counted_and_each_is_looked_at() {
    let news = |range: std::ops::Range<u32>| packed(&changes("eve", range).collect::<Vec<_>>());
    let alice = alice_meets(Role::Initiator, lie(3), [news(0..4)]);
    assert_blamed(&alice, &Misbehaviour::TooMany);
    let alice = alice_meets(Role::Initiator, lie(3), [packed(&[vec![0, 1, 2]])]);
    let refused = Misbehaviour::Refused { device: None, reason: "its tag is no entry's".to_owned() };
    assert_blamed(&alice, &refused);
    assert_eq!(alice.replica.set().count(), 100);
    // An ally who is merely newer is not to blame.
    let newer = alice_meets(Role::Initiator, lie(3), [packed(&[vec![99, 1]])]);
    assert!(matches!(newer.fault(), Fault::Incompatible(_)), "{:?}", newer.outcome);
    let alice = alice_meets(Role::Initiator, lie(100), [Frame::End, news(0..1)]);
    assert_blamed(&alice, &Misbehaviour::OutOfTurn);
    assert_blamed(&alice_meets(Role::Initiator, lie(100), [packed(&[])]), &Misbehaviour::EmptyFrame);
    assert_blamed(
        &alice_meets(Role::Initiator, lie(100), [Frame::Ack { frames: 1, aside: 0 }]),
        &Misbehaviour::Acknowledgement,
    );
}

#[test]
fn eve_sends_the_same_again_for_a_megabyte_at_most() {
    let bulk = bulk("eve");
    let mut alice = End::new(config(Role::Initiator, ALICE, EVE), replica("alice", bulk.clone()));
    alice.receive(Frame::Hello(lie(1 << 40)).encode());
    let mut encoder = zstd_stream();
    for entry in bulk.iter().take(80) {
        let mut raw = Vec::new();
        raw.put_bytes(entry);
        encoder.write_all(&raw).unwrap();
        encoder.flush().unwrap();
        let compressed = std::mem::take(encoder.get_mut());
        alice.receive(Frame::Entries { next: Ordinal(1), compressed }.encode());
    }
    assert_blamed(&alice, &Misbehaviour::Repeats);
}

#[test]
fn eves_bomb_does_not_go_off() {
    let bomb = Frame::Entries { next: Ordinal(1), compressed: compress(&vec![0; 64 << 20]) };
    assert!(bomb.encode().len() < 16 * 1024);
    assert_blamed(&alice_meets(Role::Initiator, lie(100), [bomb]), &Misbehaviour::Bomb);
    let noise = Frame::Entries { next: Ordinal(1), compressed: vec![0x5a; 100] };
    assert_blamed(&alice_meets(Role::Initiator, lie(100), [noise]), &Misbehaviour::Compression);
    // A window of 128 MiB, by its frame header.
    let window = Frame::Entries { next: Ordinal(1), compressed: vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 1, 0, 0] };
    assert_blamed(&alice_meets(Role::Initiator, lie(100), [window]), &Misbehaviour::Compression);
}

#[test]
fn eves_frames_must_be_frames_in_their_turn() {
    for bytes in [vec![], vec![1], vec![2, 1, 2, 3], vec![6, 2], vec![11, 0], vec![3; 12], vec![8, 0x80, 0], vec![12]] {
        let mut alice = alice_meets(Role::Responder, lie(100), []);
        alice.receive(bytes.clone());
        assert!(matches!(alice.fault(), Fault::Misbehaved(_)), "{bytes:?}: {:?}", alice.outcome);
    }
    let mut alice = alice_meets(Role::Responder, lie(100), []);
    alice.receive(vec![200, 1]);
    assert!(matches!(alice.fault(), Fault::Incompatible(_)));
    let mut alice = alice_meets(Role::Responder, lie(100), []);
    alice.receive(vec![2; 1 << 20]);
    assert!(matches!(alice.fault(), Fault::Misbehaved(Misbehaviour::Malformed(_))));
    let other = Hello { commons: CommonsId([8; 32]), ..lie(3) };
    assert_blamed(&alice_meets(Role::Responder, other, []), &Misbehaviour::OtherCommons);
    assert_blamed(&alice_meets(Role::Responder, lie(9), [Frame::Hello(lie(9))]), &Misbehaviour::OutOfTurn);
    let mut alice = End::new(config(Role::Responder, ALICE, EVE), replica("alice", []));
    alice.receive(Frame::End.encode());
    assert_blamed(&alice, &Misbehaviour::OutOfTurn);
    let mut alice = End::new(config(Role::Responder, ALICE, EVE), replica("alice", []));
    alice.receive([vec![1, 2], vec![0; 112]].concat());
    assert!(matches!(alice.fault(), Fault::Incompatible(_)));
}

proptest::proptest! {
    #[test]
    fn a_frame_flipped_anywhere_never_ends_in_a_false_sync(frame in 0usize..12, at in 0usize..2000, bit in 0u8..8) {
        let mut pair = apart(2, 50, 30);
        let mut count = 0;
        for _ in 0..200 {
            for frames in [&mut pair.alice.sent, &mut pair.bob.sent] {
                for bytes in frames {
                    count += 1;
                    if count == frame + 1 {
                        let at = at % bytes.len();
                        bytes[at] ^= 1 << bit;
                    }
                }
            }
            if !pair.cross(usize::MAX) {
                break;
            }
        }
        let synced = |end: &End| matches!(end.outcome, Some(Ok(Outcome::InSync { .. })));
        if synced(&pair.alice) || synced(&pair.bob) {
            let digest = |end: &End| end.replica.set().digest().clone();
            proptest::prop_assert_eq!(digest(&pair.alice), digest(&pair.bob));
        }
    }
}
