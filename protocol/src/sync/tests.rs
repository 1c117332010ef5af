//! Sessions of alice, bob and eve over a pipe in memory.

use std::collections::VecDeque;
use std::io::Write as _;

use super::frame::{LENGTH, List, MAX_ITEMS, MAX_RAW};
use super::*;
use crate::sketch;
use crate::wire::Write as _;

mod eve;
mod fresh;

const COMMONS: CommonsId = CommonsId([7; 32]);
const ALICE: NetworkKey = NetworkKey([1; 32]);
const BOB: NetworkKey = NetworkKey([2; 32]);
const EVE: NetworkKey = NetworkKey([3; 32]);
const NOW: Timestamp = Timestamp(1_778_162_400_000);

/// Statements are tag 1, changes tag 2; the text makes the entry.
fn entry(tag: u8, text: impl std::fmt::Display) -> Vec<u8> {
    [vec![tag], text.to_string().into_bytes()].concat()
}

fn replica(name: &str, entries: impl IntoIterator<Item = Vec<u8>>) -> Memory {
    let mut epoch = Epoch::ZERO;
    epoch.0[..name.len()].copy_from_slice(name.as_bytes());
    let mut replica = Memory::new(&COMMONS, epoch);
    for entry in entries {
        replica.put(entry);
    }
    replica
}

fn changes(of: &str, range: std::ops::Range<u32>) -> impl Iterator<Item = Vec<u8>> {
    range.map(move |n| entry(2, format_args!("{of} {n}")))
}

fn config(role: Role, me: NetworkKey, peer: NetworkKey) -> Config {
    Config { role, commons: COMMONS, me, peer, random: [me.0[0]; 32], fresh: false, followed: None }
}

/// One end of the pipe.
struct End {
    session: Session,
    intake: Intake,
    replica: Memory,
    /// Frames that the other end has not received.
    sent: VecDeque<Vec<u8>>,
    frames: Vec<Frame>,
    outcome: Option<Result<Outcome, Fault>>,
    followed: Option<(Epoch, Position)>,
    acknowledged: usize,
}

impl End {
    fn new(config: Config, replica: Memory) -> Self {
        let (session, effects) = Session::new(config, &replica, NOW);
        let (sent, frames) = (VecDeque::new(), Vec::new());
        let intake = Intake::new(COMMONS);
        let mut end = Self { session, intake, replica, sent, frames, outcome: None, followed: None, acknowledged: 0 };
        end.carry_out(effects);
        end
    }

    fn receive(&mut self, frame: Vec<u8>) {
        self.receive_all(vec![frame]);
    }

    fn receive_all(&mut self, frames: Vec<Vec<u8>>) {
        let heard = self.intake.read(&frames, 1);
        let effects = self.session.handle(Event::Frames(heard), NOW, &mut self.replica);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut made = 0;
        for effect in effects {
            match effect {
                Effect::Send(frame) => {
                    assert!(self.outcome.is_none(), "a frame after the end");
                    self.frames.push(Frame::decode(&frame).unwrap());
                    made += usize::from(matches!(self.frames.last(), Some(Frame::Entries { .. })));
                    assert!(made < 2, "a frame of entries waits for the next to be made");
                    self.sent.push_back(frame);
                }
                Effect::More => {
                    let effects = self.session.handle(Event::GoOn, NOW, &mut self.replica);
                    self.carry_out(effects);
                }
                Effect::Acknowledged(places) => self.acknowledged += places.len(),
                Effect::Followed(position) => self.followed = position,
                Effect::Ended(outcome) => assert!(self.outcome.replace(outcome).is_none(), "ended twice"),
            }
        }
    }

    fn outcome(&self) -> Outcome {
        *self.outcome.as_ref().expect("the session has ended").as_ref().expect("nothing went wrong")
    }

    fn fault(&self) -> &Fault {
        self.outcome.as_ref().expect("the session has ended").as_ref().expect_err("something went wrong")
    }
}

struct Pair {
    alice: End,
    bob: End,
    /// Times that frames crossed the pipe, and when the difference was known to both.
    crossings: usize,
    known: usize,
    bytes: usize,
    frames: usize,
}

impl Pair {
    fn new(alice: Memory, bob: Memory) -> Self {
        Self::with(alice, bob, |_| {})
    }

    fn with(alice: Memory, bob: Memory, set: impl Fn(&mut Config)) -> Self {
        let (mut one, mut other) = (config(Role::Initiator, ALICE, BOB), config(Role::Responder, BOB, ALICE));
        set(&mut one);
        set(&mut other);
        Self { alice: End::new(one, alice), bob: End::new(other, bob), crossings: 0, known: 0, bytes: 0, frames: 0 }
    }

    /// Lets everything that is under way cross at once. False when nothing was.
    fn cross(&mut self, limit: usize) -> bool {
        let (to_bob, to_alice) = (std::mem::take(&mut self.alice.sent), std::mem::take(&mut self.bob.sent));
        if to_bob.is_empty() && to_alice.is_empty() {
            return false;
        }
        self.crossings += 1;
        let both = to_bob.into_iter().map(|frame| (true, frame)).chain(to_alice.into_iter().map(|f| (false, f)));
        for (to_bob, frame) in both {
            if self.frames == limit {
                return false;
            }
            self.frames += 1;
            self.bytes += frame.len() + LENGTH;
            if matches!(Frame::decode(&frame), Ok(Frame::Want(List { last: true, .. }))) {
                self.known = self.crossings;
            }
            if to_bob { self.bob.receive(frame) } else { self.alice.receive(frame) }
        }
        true
    }

    /// Runs to the end, or until so many frames were received.
    fn run(mut self, limit: usize) -> Self {
        for _ in 0..10_000 {
            if !self.cross(limit) {
                return self;
            }
        }
        panic!("the session does not come to an end");
    }

    fn finish(self) -> Self {
        let pair = self.run(usize::MAX);
        assert!(pair.alice.outcome.is_some() && pair.bob.outcome.is_some(), "the session hangs");
        pair
    }

    fn assert_in_sync(&self) {
        for end in [&self.alice, &self.bob] {
            assert!(matches!(end.outcome(), Outcome::InSync { .. }), "{:?}", end.outcome);
        }
        assert_eq!(self.alice.replica.set().digest(), self.bob.replica.set().digest());
    }

    /// Round trips after the hello until both know what to send.
    fn round_trips(&self) -> usize {
        (self.known - 1).div_ceil(2)
    }

    /// Bytes of symbols and the frames around them, without hello and want list.
    fn symbol_bytes(&self) -> usize {
        let frames = self.alice.frames.iter().chain(&self.bob.frames);
        frames
            .filter(|frame| matches!(frame, Frame::Symbols(_) | Frame::Ask(_) | Frame::Fresh(_) | Frame::AskItems))
            .map(|frame| frame.encode().len() + LENGTH)
            .sum()
    }
}

/// Two replicas with `common` entries, and `d` in one of them only, three quarters of those at bob's.
fn apart(seed: u32, common: u32, d: u32) -> Pair {
    let shared = || changes("shared", 0..common);
    let own = |name: &str, range| changes(&format!("{name} {seed}"), range).collect::<Vec<_>>();
    let alice = replica("alice", shared().chain(own("alice", 0..d / 4)));
    let bob = replica("bob", shared().chain(own("bob", d / 4..d)));
    Pair::new(alice, bob)
}

#[test]
fn equal_sets_are_in_sync_after_one_round_trip_and_236_bytes() {
    for n in [0, 1, 1000] {
        let pair = apart(0, n, 0).finish();
        pair.assert_in_sync();
        assert_eq!((pair.crossings, pair.bytes), (1, 2 * 118));
        let Outcome::InSync { held, .. } = pair.alice.outcome() else { panic!() };
        assert_eq!(held, Ordinal(n.into()));
    }
}

#[test]
fn one_entry_crosses_either_way() {
    for (of_alice, of_bob) in [(1, 0), (0, 1), (1, 1)] {
        let alice = replica("alice", changes("both", 0..500).chain(changes("alice", 0..of_alice)));
        let bob = replica("bob", changes("both", 0..500).chain(changes("bob", 0..of_bob)));
        let pair = Pair::new(alice, bob).finish();
        pair.assert_in_sync();
        assert_eq!(pair.round_trips(), 1);
        let traffic = Traffic { received: of_bob.into(), sent: of_alice.into(), asks: 0 };
        assert_eq!(
            pair.alice.outcome(),
            Outcome::InSync { held: Ordinal(500 + u64::from(of_alice)), declined: 0, traffic }
        );
        assert!(pair.bytes < 2048, "{} bytes for one entry", pair.bytes);
    }
}

#[test]
fn statements_cross_first_then_the_log_in_order() {
    let mixed = |name: &str| {
        let mut entries: Vec<_> = changes(name, 0..30).collect();
        (0..5).for_each(|n| entries.insert(n * 6, entry(1, format_args!("{name} says {n}"))));
        entries
    };
    for (alice, bob) in [(mixed("alice"), mixed("bob")), (mixed("alice"), vec![]), (vec![], mixed("bob"))] {
        let own = bob.clone();
        let pair = Pair::new(replica("alice", alice), replica("bob", bob)).finish();
        pair.assert_in_sync();
        let came: Vec<_> = pair.alice.replica.entries().filter(|entry| own.contains(&entry.to_vec())).collect();
        let statements = own.iter().filter(|entry| entry[0] == 1);
        let expected: Vec<_> = statements.chain(own.iter().filter(|entry| entry[0] != 1)).collect();
        assert!(pair.alice.replica.entries().count() == own.len() || came == expected);
    }
}

#[test]
fn small_differences_are_known_after_two_round_trips() {
    for d in 1..=40 {
        for seed in 0..4 {
            let pair = apart(seed, 300, d).finish();
            pair.assert_in_sync();
            assert!(pair.round_trips() <= 2, "{} round trips for {d} differences, seed {seed}", pair.round_trips());
            let most = 26 * 36 + 26 * 2 * d as usize + 1024;
            assert!(pair.symbol_bytes() <= most, "{} bytes for {d} differences", pair.symbol_bytes());
        }
    }
}

#[test]
fn large_differences_take_four_round_trips_and_few_symbols() {
    for (d, seeds) in [(60, 4), (100, 4), (200, 4), (500, 4), (1000, 3), (3000, 2)] {
        let mut bytes = 0;
        for seed in 0..seeds {
            let pair = apart(seed, 4 * d, d).finish();
            pair.assert_in_sync();
            assert!(pair.round_trips() <= 4, "{} round trips for {d} differences, seed {seed}", pair.round_trips());
            bytes += pair.symbol_bytes();
        }
        let symbols = if d < 1000 { 175 } else { 160 };
        let most = (symbols * 26 * d as usize / 100 + 1024) * seeds as usize;
        assert!(bytes <= most, "{bytes} bytes of symbols, {most} are allowed for {d} differences");
    }
}

#[test]
fn sets_with_little_in_common_are_listed() {
    for (of_alice, of_bob) in [(400, 30), (30, 400), (300, 300)] {
        let alice = replica("alice", changes("both", 0..10).chain(changes("alice", 0..of_alice)));
        let bob = replica("bob", changes("both", 0..10).chain(changes("bob", 0..of_bob)));
        let pair = Pair::new(alice, bob).finish();
        pair.assert_in_sync();
        let listed: usize = [&pair.alice, &pair.bob]
            .iter()
            .flat_map(|end| &end.frames)
            .map(|frame| if let Frame::Items(list) = frame { list.items.len() } else { 0 })
            .sum();
        assert_eq!(listed, 10 + of_alice.min(of_bob) as usize);
    }
}

#[test]
fn an_empty_side_follows_the_log_without_a_symbol() {
    let pair = Pair::new(replica("alice", []), replica("bob", changes("bob", 0..5000))).finish();
    pair.assert_in_sync();
    assert_eq!(pair.symbol_bytes(), 0);
    assert_eq!(pair.alice.followed, None);
    assert_eq!(pair.bob.acknowledged, 5000);
    // As one who joins begins: with the statements that the ally showed it, and its own.
    let statements = || (0..5).map(|n| entry(1, n));
    let newcomer = || replica("newcomer", statements());
    let ally = || replica("ally", statements().chain(changes("ally", 0..5000)));
    for pair in [Pair::new(newcomer(), ally()), Pair::new(ally(), newcomer())].map(Pair::finish) {
        pair.assert_in_sync();
        assert_eq!(pair.symbol_bytes(), 0);
    }
    // What only the newcomer knows waits for the next session, and statements alone are compared.
    let mut ahead = newcomer();
    ahead.put(entry(1, "ahead"));
    let first = Pair::new(ahead.clone(), ally()).finish();
    assert!(matches!(first.alice.outcome(), Outcome::Differs { fresh: false, .. }));
    Pair::new(first.alice.replica, first.bob.replica).finish().assert_in_sync();
    Pair::new(ahead, newcomer()).finish().assert_in_sync();
    let pair = Pair::new(replica("alice", changes("alice", 0..5000)), replica("bob", [])).finish();
    pair.assert_in_sync();
}

/// 1.5 MiB that do not compress, in entries of 16 KiB.
fn bulk(name: &str) -> Vec<Vec<u8>> {
    let of = |n: u32| {
        let mut bytes = vec![2; 16 * 1024];
        blake3::Hasher::new().update(name.as_bytes()).update(&n.to_le_bytes()).finalize_xof().fill(&mut bytes[1..]);
        bytes
    };
    (0..96).map(of).collect()
}

#[test]
fn entries_in_frames_that_come_together_are_kept_and_acknowledged_together() {
    let start = || Pair::new(replica("alice", []), replica("bob", changes("few", 0..3).chain(bulk("bob"))));
    let mut pair = start();
    while let (to_alice, to_bob) = (std::mem::take(&mut pair.bob.sent), std::mem::take(&mut pair.alice.sent))
        && !(to_alice.is_empty() && to_bob.is_empty())
    {
        pair.alice.receive_all(to_alice.into());
        pair.bob.receive_all(to_bob.into());
    }
    pair.assert_in_sync();
    assert_eq!(pair.bob.acknowledged, 99);
    let most = pair.alice.frames.iter().map(|frame| if let Frame::Ack { frames, .. } = frame { *frames } else { 0 });
    assert!(most.max().is_some_and(|most| most > 1));

    // What came before a frame that is wrong is kept and acknowledged all the same.
    let mut pair = start();
    pair.cross(usize::MAX);
    pair.cross(usize::MAX);
    let mut frames = Vec::from(std::mem::take(&mut pair.bob.sent));
    frames.truncate(2);
    frames.push(vec![0xff; 3]);
    pair.alice.receive_all(frames);
    assert!(matches!(pair.alice.fault(), Fault::Misbehaved(_) | Fault::Incompatible(_)));
    assert!(matches!(pair.alice.frames.last(), Some(Frame::Ack { frames: 2, aside: 0 })));
    assert!(pair.alice.replica.end() > Ordinal(3));
}

/// A frame that is cut itself never comes to the session, so cuts are between frames.
#[test]
fn a_session_cut_anywhere_costs_only_the_frames_under_way() {
    for empty in [true, false] {
        // Who holds nothing holds the statements.
        let common = || (0..4).map(|n| entry(1, n)).chain(changes("both", 0..if empty { 0 } else { 600 }));
        let start = || (replica("alice", common()), replica("bob", common().chain(bulk("bob"))));
        let (alice, bob) = start();
        let frames = Pair::new(alice, bob).finish().frames;
        for cut in 0..frames {
            let (alice, bob) = start();
            let first = Pair::new(alice, bob).run(cut);
            let (had, followed) = (first.alice.replica.end(), first.alice.followed);
            let second =
                Pair::with(first.alice.replica, first.bob.replica, |config| config.followed = followed).finish();
            second.assert_in_sync();
            let sent = second
                .bob
                .frames
                .iter()
                .map(|frame| if let Frame::Entries { compressed, .. } = frame { compressed.len() } else { 0 });
            let (sent, left) = (sent.sum::<usize>(), second.alice.replica.end().0 - had.0);
            assert!(sent <= left as usize * 17 * 1024 + 1024, "{sent} bytes for {left} entries after {cut} frames");
            assert_eq!(second.alice.outcome.map(|o| matches!(o, Ok(Outcome::InSync { .. }))), Some(true));
        }
    }
}

#[test]
fn what_a_peer_does_not_keep_is_not_confirmed_and_found_again() {
    let aside = entry(8, "it waits for another");
    let bob = replica("bob", changes("both", 0..50).chain(changes("bob", 0..3)).chain([aside]));
    let pair = Pair::new(replica("alice", changes("both", 0..50)), bob).finish();
    assert!(pair.alice.frames.contains(&Frame::Ack { frames: 1, aside: 1 }));
    assert_eq!(pair.bob.acknowledged, 0);
    for end in [&pair.alice, &pair.bob] {
        assert!(matches!(end.outcome(), Outcome::Differs { fresh: false, .. }), "{:?}", end.outcome);
    }
    assert_eq!(pair.alice.replica.set().count(), 53);

    // Once it can enter, the next session brings it, and confirms.
    let Pair { alice, bob, .. } = pair;
    let entries =
        bob.replica.entries().map(|entry| if entry[0] == 8 { [&[2], &entry[1..]].concat() } else { entry.to_vec() });
    let pair = Pair::new(alice.replica, replica("bob", entries.collect::<Vec<_>>())).finish();
    pair.assert_in_sync();
    assert_eq!(pair.bob.acknowledged, 1);

    // More than there were is a lie.
    let wants = Frame::Want(List { last: true, items: vec![] });
    let lie = [wants, Frame::Ack { frames: 1, aside: 1 }];
    assert_blamed(&alice_meets(Role::Initiator, self::lie(100), lie), &Misbehaviour::Acknowledgement);
}

#[test]
fn a_peer_that_adds_more_than_it_may_today_is_left_and_not_blamed() {
    let both = || changes("both", 0..200);
    let over = || (0..5).map(|n| entry(7, n));
    let pair = Pair::new(replica("alice", both().chain(over())), replica("bob", both().chain(changes("bob", 0..5))));
    let pair = pair.run(usize::MAX);
    assert!(matches!(pair.bob.fault(), Fault::Allowance), "{:?}", pair.bob.outcome);
    // Among other entries it only does not come.
    let alice = replica("alice", both().chain(over()).chain(changes("alice", 0..1)));
    let pair = Pair::new(alice, replica("bob", both())).finish();
    assert!(matches!(pair.bob.outcome(), Outcome::Differs { fresh: false, .. }));
    assert_eq!((pair.bob.replica.set().count(), pair.alice.acknowledged), (201, 0));
}

#[test]
fn what_came_before_a_frame_that_ends_the_session_is_acknowledged() {
    let first: Vec<_> = changes("eve", 0..3).collect();
    let faults = [vec![7, 1], vec![99, 1], vec![0, 1]];
    for second in faults {
        let mut encoder = zstd_stream();
        let mut frame = |entries: &[Vec<u8>]| {
            let mut raw = Vec::new();
            entries.iter().for_each(|entry| raw.put_bytes(entry));
            encoder.write_all(&raw).unwrap();
            encoder.flush().unwrap();
            Frame::Entries { next: Ordinal(9), compressed: std::mem::take(encoder.get_mut()) }.encode()
        };
        let frames = vec![frame(&first), frame(&[second]), frame(&[entry(2, "after it")])];
        let mut alice = alice_meets(Role::Initiator, lie(100), []);
        alice.receive_all(frames);
        assert_eq!(alice.frames.last(), Some(&Frame::Ack { frames: 1, aside: 0 }));
        assert!(alice.outcome.as_ref().unwrap().is_err());
        assert!(alice.replica.set().count() >= 103);
    }
}

#[test]
fn no_more_than_the_credit_is_under_way() {
    let mut pair = Pair::new(replica("alice", []), replica("bob", bulk("bob")));
    for _ in 0..100 {
        let under_way: usize = pair.bob.sent.iter().map(Vec::len).sum();
        assert!(under_way <= CREDIT + MAX_RAW, "{under_way} bytes under way");
        if !pair.cross(usize::MAX) {
            break;
        }
    }
    pair.assert_in_sync();
}

#[test]
fn what_comes_from_elsewhere_meanwhile_disturbs_nothing() {
    for at in 0..8 {
        let mut pair = apart(1, 300, 60);
        for _ in 0..at {
            pair.cross(usize::MAX);
        }
        // One that bob sends in this session too, and one of which he has not heard.
        let of_bob = pair.bob.replica.entries().last().unwrap().to_vec();
        pair.alice.replica.put(of_bob);
        pair.alice.replica.put(entry(2, "from carol"));
        let pair = pair.finish();
        for end in [&pair.alice, &pair.bob] {
            assert!(matches!(end.outcome(), Outcome::InSync { .. }), "{:?} at {at}", end.outcome);
        }
        assert_eq!(pair.alice.replica.set().count(), pair.bob.replica.set().count() + 1);
        Pair::new(pair.alice.replica, pair.bob.replica).finish().assert_in_sync();
    }
}

#[test]
fn a_silent_peer_is_left_after_half_a_minute() {
    let mut alice = End::new(config(Role::Initiator, ALICE, BOB), replica("alice", []));
    let effects = alice.session.handle(Event::Tick, NOW.plus(IDLE_MS - 1), &mut alice.replica);
    assert!(effects.is_empty());
    let effects = alice.session.handle(Event::Tick, NOW.plus(IDLE_MS), &mut alice.replica);
    alice.carry_out(effects);
    assert!(matches!(alice.fault(), Fault::Silent));
}

/// What eve says of a set that she does not have.
fn lie(count: u64) -> Hello {
    let tag = Tag([0xee; 16]);
    let statements = if count == 0 { tag } else { Tag([0xe5; 16]) };
    Hello {
        capabilities: u32::MAX,
        commons: COMMONS,
        count,
        all: tag,
        statements,
        epoch: Epoch::ZERO,
        declined: 0,
        declined_tag: tag,
    }
}

/// Alice, with 100 entries, after eve's hello and frames.
fn alice_meets(role: Role, hello: Hello, frames: impl IntoIterator<Item = Frame>) -> End {
    let mut alice = End::new(config(role, ALICE, EVE), replica("alice", changes("alice", 0..100)));
    alice.receive(Frame::Hello(hello).encode());
    for frame in frames {
        alice.receive(frame.encode());
    }
    alice
}

fn packed(entries: &[Vec<u8>]) -> Frame {
    let mut raw = Vec::new();
    entries.iter().for_each(|entry| raw.put_bytes(entry));
    Frame::Entries { next: Ordinal(9), compressed: compress(&raw) }
}

fn zstd_stream() -> zstd::stream::write::Encoder<'static, Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(20).unwrap();
    encoder
}

/// The beginning of a zstd stream.
fn compress(raw: &[u8]) -> Vec<u8> {
    let mut encoder = zstd_stream();
    encoder.write_all(raw).unwrap();
    encoder.flush().unwrap();
    encoder.get_ref().clone()
}

/// Symbols of nothing, whose counts are those that her hello lets expect.
fn garbage(n: usize) -> Frame {
    let mut bytes = vec![0; n * 24];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    Frame::Symbols(bytes.chunks(24).flat_map(|symbol| [symbol, &[0]].concat()).collect())
}

fn assert_blamed(alice: &End, what: &Misbehaviour) {
    assert!(matches!(alice.fault(), Fault::Misbehaved(found) if found == what), "{:?}", alice.outcome);
}
