//! Finding the difference of two sets: our sketch beside range-based reconciliation (crate `negentropy`), in one run.
//!
//! `cargo bench -p essaim-tests --bench reconcile [-- --quick]`. For *n* entries at each side of which *d* are at one
//! side only, half at each: bytes of both directions, round trips, and CPU time of both sides together, each the median
//! of several draws of what differs, beside the most bytes that one of them took. Ours is a whole session whose entries
//! are not sent, hello and end included; the list of what is wanted (16 bytes an entry) stands apart, since whoever
//! fetches entries must name them. Negentropy's includes the ids of both sides (32 bytes each), of which that list would
//! be made; building its sorted storage stands apart, too: our sketch is kept up to date with the set. What was aimed at
//! is judged at the end, by the worst row.

use std::collections::VecDeque;
use std::time::Duration;

use essaim_protocol::id::{CommonsId, EntryId, Epoch, Item, NetworkKey};
use essaim_protocol::set::{Kind, Set};
use essaim_protocol::sketch::{Key, Sketch};
use essaim_protocol::store::{Error, Ordinal};
use essaim_protocol::sync::frame::{Frame, LENGTH};
use essaim_protocol::sync::{
    Config, Effect, Event, Fate, Intake, Memory, Place, Replica, Role, Sender, Sent, Session, Visit,
};
use essaim_protocol::time::Timestamp;
use negentropy::{Id, Negentropy, NegentropyStorageVector};
use rustix::time::{ClockId, clock_gettime};

const COMMONS: CommonsId = CommonsId([7; 32]);
const DRAWS: u64 = 5;

fn main() {
    upkeep();
    let quick = std::env::args().any(|argument| argument == "--quick");
    println!("{:>9} {:>6} | {:^53} | {:^45} | {:>7}", "", "", "sketch", "negentropy", "bytes");
    println!(
        "{:>9} {:>6} | {:>9} {:>9} {:>8} {:>5} {:>8} {:>9} | {:>9} {:>5} {:>9} {:>10} {:>8} | {:>7}",
        "n", "d", "bytes", "at most", "wanted", "trips", "B/d", "CPU", "bytes", "trips", "CPU", "build", "B/d", "ratio"
    );
    let mut rows = Vec::new();
    for n in [1_000, 100_000, 1_000_000] {
        if quick && n > 100_000 {
            break;
        }
        let sizes: Vec<_> = [0, 1, 10, 100, 1_000, 10_000].into_iter().filter(|d| *d <= n / 3).collect();
        let mut costs = vec![<(Vec<Cost>, Vec<Cost>)>::default(); sizes.len()];
        for draw in 1..=DRAWS {
            let mut sides = [Side::new(1), Side::new(2)];
            (0..n).for_each(|number| sides.iter_mut().for_each(|side| side.put(0, number)));
            let mut apart = 0;
            for (d, (ours, theirs)) in sizes.iter().zip(&mut costs) {
                while apart < *d {
                    sides[apart as usize % 2].put(draw as u8, apart);
                    apart += 1;
                }
                ours.push(sketch(&mut sides));
                theirs.push(ranges(&sides, *d));
            }
        }
        rows.extend(sizes.iter().zip(&costs).map(|(d, (ours, theirs))| report(n, *d, ours, theirs)));
    }
    judge(&rows);
}

/// Bytes of both hellos, which every row counts.
const HELLOS: usize = 2 * 118;

/// Compares what was measured with what was aimed at, the worst case of each.
fn judge(rows: &[Row]) {
    let worst = |rows: &mut dyn Iterator<Item = f64>| rows.fold(0.0, f64::max);
    let of = |few: bool| rows.iter().filter(move |row| row.d > 0 && (row.d < 1_000) == few);
    let symbols = |row: &Row| (row.bytes - HELLOS) as f64;
    let beyond = |row: &Row, each: f64| symbols(row) / (each * 26.0 * row.d as f64 + 1_000.0);
    verdict("bytes when nothing differs", worst(&mut idle(rows).map(|row| row.bytes as f64)), 256.0);
    verdict("round trips when nothing differs", worst(&mut idle(rows).map(|row| row.trips as f64)), 1.0);
    verdict("symbols beside 1.75 × 26 × d + 1 kB, d < 1,000", worst(&mut of(true).map(|row| beyond(row, 1.75))), 1.0);
    verdict("symbols beside 1.6 × 26 × d + 1 kB, d ≥ 1,000", worst(&mut of(false).map(|row| beyond(row, 1.6))), 1.0);
    let trips = |near: bool| rows.iter().filter(move |row| row.d > 0 && (row.d <= 40) == near).map(|row| row.trips - 1);
    verdict("round trips after hello, d ≤ 40", worst(&mut trips(true).map(|trips| trips as f64)), 2.0);
    verdict("round trips after hello, d > 40", worst(&mut trips(false).map(|trips| trips as f64)), 4.0);
    let share = |row: &Row| row.bytes as f64 / row.negentropy as f64;
    verdict("bytes beside negentropy's", worst(&mut rows.iter().map(share)), 1.0);
    let share = |row: &Row| (row.bytes + row.wanted) as f64 / row.negentropy as f64;
    verdict("bytes beside negentropy's, with what is wanted", worst(&mut rows.iter().map(share)), 1.0);
}

fn idle(rows: &[Row]) -> impl Iterator<Item = &Row> {
    rows.iter().filter(|row| row.d == 0)
}

fn verdict(what: &str, found: f64, most: f64) {
    let met = if found <= most { "met".to_owned() } else { format!("missed by {:.2} ×", found / most) };
    println!("{what}: at most {found:.2} (target ≤ {most}): {met}");
}

/// What one line says that there is a target for.
struct Row {
    d: u64,
    bytes: usize,
    wanted: usize,
    trips: usize,
    negentropy: usize,
}

/// What it costs to keep the sketch, and the sketch with the digests, up to date.
fn upkeep() {
    const ENTRIES: u32 = 100_000;
    let ids: Vec<_> = (0..ENTRIES).map(|n| EntryId(*blake3::hash(&n.to_le_bytes()).as_bytes())).collect();
    let (mut sketch, mut set) = (Sketch::new(Key::of(&COMMONS)), Set::new(&COMMONS));
    let start = cpu();
    ids.iter().for_each(|id| sketch.insert(id.item()));
    let of_sketch = (cpu() - start) / ENTRIES;
    let start = cpu();
    ids.iter().for_each(|id| set.insert(id, Kind::Content));
    println!("one more entry: {of_sketch:.2?} in the sketch, {:.2?} in the set", (cpu() - start) / ENTRIES);
}

fn report(n: u64, d: u64, ours: &[Cost], theirs: &[Cost]) -> Row {
    let most = ours.iter().map(|cost| cost.bytes).max().unwrap_or_default();
    let (ours, theirs) = (Cost::median(ours), Cost::median(theirs));
    let each = |bytes: usize| bytes as f64 / d.max(1) as f64;
    println!(
        "{n:>9} {d:>6} | {:>9} {most:>9} {:>8} {:>5} {:>8.1} {:>9.2?} | {:>9} {:>5} {:>9.2?} {:>10.2?} {:>8.1} | {:>7.3}",
        ours.bytes,
        ours.wanted,
        ours.trips,
        each(ours.bytes),
        ours.time,
        theirs.bytes,
        theirs.trips,
        theirs.time,
        theirs.build,
        each(theirs.bytes),
        (ours.bytes + ours.wanted) as f64 / theirs.bytes as f64,
    );
    Row { d, bytes: ours.bytes, wanted: ours.wanted, trips: ours.trips, negentropy: theirs.bytes }
}

#[derive(Debug, Clone, Default)]
struct Cost {
    bytes: usize,
    wanted: usize,
    trips: usize,
    time: Duration,
    build: Duration,
}

impl Cost {
    /// The median of each by itself.
    fn median(costs: &[Self]) -> Self {
        Self {
            bytes: middle(costs, |cost| cost.bytes),
            wanted: middle(costs, |cost| cost.wanted),
            trips: middle(costs, |cost| cost.trips),
            time: middle(costs, |cost| cost.time),
            build: middle(costs, |cost| cost.build),
        }
    }
}

fn middle<T: Ord + Copy>(costs: &[Cost], of: impl Fn(&Cost) -> T) -> T {
    let mut values: Vec<_> = costs.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

/// A set of entries that names its entries and sends none.
struct Side {
    me: NetworkKey,
    entries: Memory,
    ids: Vec<(u64, EntryId)>,
}

impl Side {
    fn new(number: u8) -> Self {
        let entries = Memory::new(&COMMONS, Epoch([number; 16]));
        Self { me: NetworkKey([number; 32]), entries, ids: Vec::new() }
    }

    fn put(&mut self, group: u8, number: u64) {
        let entry = [&[2, group][..], &number.to_le_bytes()].concat();
        let id = *blake3::hash(&entry).as_bytes();
        // Entries of all times differ, as after a week apart in a commons of years.
        let time = u64::from(id[0]) * 1_000_000 + number;
        self.ids.push((time, EntryId(id)));
        self.entries.put(entry);
    }
}

impl Replica for Side {
    fn set(&self) -> &Set {
        self.entries.set()
    }

    fn epoch(&self) -> Epoch {
        self.entries.epoch()
    }

    fn end(&self) -> Ordinal {
        self.entries.end()
    }

    fn places(&self, item: &Item) -> Result<Vec<Place>, Error> {
        self.entries.places(item)
    }

    fn scan(&self, from: Ordinal, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.entries.scan(from, visit)
    }

    fn read(&self, _: Ordinal) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }

    fn ingest(&mut self, _: Vec<Sent>, _: &Sender, _: Timestamp) -> Result<Vec<Fate>, Error> {
        Ok(Vec::new())
    }
}

/// A session over a pipe. A trip is what crosses at once; two are a round trip.
fn sketch(sides: &mut [Side; 2]) -> Cost {
    let mut cost = Cost::default();
    let keys = [sides[0].me, sides[1].me];
    let (mut under_way, mut crossings) = ([VecDeque::new(), VecDeque::new()], 0usize);
    let mut known = 1;
    let mut sessions = Vec::new();
    let mut intakes = [Intake::new(COMMONS), Intake::new(COMMONS)];
    for (end, role) in [Role::Initiator, Role::Responder].into_iter().enumerate() {
        let (me, peer) = (keys[end], keys[1 - end]);
        let config = Config { role, commons: COMMONS, me, peer, random: [9; 32], fresh: false, followed: None };
        let start = cpu();
        let (session, effects) = Session::new(config, &sides[end], Timestamp(0));
        cost.time += cpu() - start;
        sessions.push(session);
        under_way[end].extend(effects);
    }
    while under_way.iter().any(|effects| !effects.is_empty()) {
        crossings += 1;
        let sent = std::mem::take(&mut under_way);
        for (from, effects) in sent.into_iter().enumerate() {
            for effect in effects {
                let Effect::Send(frame) = effect else { continue };
                if let Ok(Frame::Want(list)) = Frame::decode(&frame) {
                    cost.wanted += frame.len() + LENGTH;
                    known = if list.last { crossings } else { known };
                } else {
                    cost.bytes += frame.len() + LENGTH;
                }
                let start = cpu();
                let to = 1 - from;
                let heard = intakes[to].read(&[frame], 1);
                let effects = sessions[to].handle(Event::Frames(heard), Timestamp(0), &mut sides[to]);
                cost.time += cpu() - start;
                under_way[to].extend(effects);
            }
        }
    }
    // The hellos cross each other: a round trip. The rest is there and back.
    cost.trips = 1 + (known - 1).div_ceil(2);
    cost
}

/// CPU time of this thread: a busy machine changes it little.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

/// The other way: fingerprints of ranges, split where they differ.
fn ranges(sides: &[Side; 2], d: u64) -> Cost {
    let mut cost = Cost::default();
    let start = cpu();
    let storages = sides.each_ref().map(|side| {
        let mut storage = NegentropyStorageVector::with_capacity(side.ids.len());
        for (time, id) in &side.ids {
            storage.insert(*time, Id::from_byte_array(id.0)).expect("the storage is not sealed");
        }
        storage.seal().expect("the storage is not sealed");
        storage
    });
    cost.build = (cpu() - start) / 2;
    let start = cpu();
    let mut alice = Negentropy::borrowed(&storages[0], 0).expect("no limit is a limit");
    let mut bob = Negentropy::borrowed(&storages[1], 0).expect("no limit is a limit");
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let mut question = Some(alice.initiate().expect("the first message"));
    while let Some(asked) = question {
        let answer = bob.reconcile(&asked).expect("an answer");
        cost.bytes += asked.len() + answer.len();
        cost.trips += 1;
        question = alice.reconcile_with_ids(&answer, &mut have, &mut need).expect("the next question");
    }
    cost.time = cpu() - start;
    assert_eq!((have.len() + need.len()) as u64, d, "negentropy finds the difference");
    cost
}
