//! What every store must do, as checks that any implementation can be put through.
//!
//! A check opens a fresh store, works on it, and opens it again by giving it back: what was acknowledged must still be
//! there. Broken promises panic with the promise's text, as tests do; an error of the store is returned.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::{Append, Appended, Error, MAX_ENTRY, MAX_KEY, Ordinal, Store, Table};
use crate::id::{ChangeHash, EntryId, Item, RecordId};

/// Opens the store: a fresh one for `None`, else closes the one given and opens the same again.
pub type Open<'a> = dyn FnMut(Option<Box<dyn Store>>) -> Box<dyn Store> + 'a;

/// One promise of a store.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The promise.
    pub name: &'static str,
    /// Proves it, or panics.
    pub run: fn(&mut Open<'_>) -> Result<(), Error>,
}

/// All promises.
pub const CHECKS: [Check; 11] = [
    Check { name: "appended entries are found every way and after opening again", run: entries_are_found },
    Check { name: "a known entry is told and not stored twice", run: known_entries_are_told },
    Check { name: "an equal prefix with another id is another entry", run: prefixes_are_not_ids },
    Check { name: "one change adopted twice is found twice", run: adoptions_of_one_change },
    Check { name: "records are listed once each, in order, page by page", run: records_are_paged },
    Check { name: "large and empty entries are kept to the byte", run: sizes_are_kept },
    Check { name: "scans start and stop where they are told", run: scans_are_bounded },
    Check { name: "own entries stay in the outbox until confirmed", run: outbox_is_kept },
    Check { name: "tables keep values of any size apart", run: tables_keep_values },
    Check { name: "listing follows the order of keys", run: listing_is_ordered },
    Check { name: "tidying moves nothing", run: tidying_moves_nothing },
];

/// An entry that a check made up.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Made on this device.
    pub own: bool,
    id: EntryId,
    bytes: Vec<u8>,
    record: Option<RecordId>,
    change: Option<ChangeHash>,
}

impl Sample {
    /// Entry number `n`: every fifth is a statement, the others are changes of one of 37 records.
    #[must_use]
    pub fn new(n: u64) -> Self {
        let text = format!("Fiche {n} : la cantine de Gruissan cuisine local, saison {} ; ", n % 4);
        let change = (!n.is_multiple_of(5)).then(|| ChangeHash(hash("change", n)));
        let record = change.map(|_| RecordId(hash("record", n % 37)));
        let bytes = text.repeat(1 + (n % 11) as usize).into_bytes();
        Self { id: EntryId(hash("entry", n)), bytes, record, change, own: false }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// The sample as an argument of [`Store::append`].
    #[must_use]
    pub fn append(&self) -> Append<'_> {
        Append { id: self.id, bytes: &self.bytes, record: self.record, change: self.change, own: self.own }
    }
}

fn hash(what: &str, n: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(what.as_bytes()).update(&n.to_le_bytes());
    *hasher.finalize().as_bytes()
}

fn samples(range: std::ops::Range<u64>) -> Vec<Sample> {
    range.map(Sample::new).collect()
}

fn append(store: &mut dyn Store, samples: &[Sample]) -> Result<Vec<Appended>, Error> {
    store.append(&samples.iter().map(Sample::append).collect::<Vec<_>>())
}

/// `samples` are the whole store, in this order, and every lookup says so.
fn holds(store: &dyn Store, samples: &[Sample]) -> Result<(), Error> {
    assert_eq!(store.end(), Ordinal(samples.len() as u64), "the end of the log");
    for (n, sample) in (0..).map(Ordinal).zip(samples) {
        assert_eq!(store.ordinal(&sample.id)?, Some(n), "by id");
        assert!(store.matching(&sample.id.item())?.contains(&n), "by item");
        assert_eq!(store.read(n)?, Some((sample.id, sample.bytes.clone())), "by ordinal");
        if let Some(change) = sample.change {
            assert!(store.of_change(&change)?.contains(&n), "by change");
        }
        if let Some(record) = sample.record {
            assert!(store.of_record(&record)?.contains(&n), "by record");
        }
    }
    let mut scanned = 0;
    store.scan(Ordinal(0), &mut |at, id, bytes| {
        let sample = &samples[scanned];
        assert_eq!((at, id, bytes), (Ordinal(scanned as u64), sample.id, &sample.bytes[..]), "by scan");
        scanned += 1;
        ControlFlow::Continue(())
    })?;
    assert_eq!(scanned, samples.len(), "a scan shows everything");
    let mut ids = Vec::new();
    store.ids(Ordinal(0), &mut |_, id| {
        ids.push(id);
        ControlFlow::Continue(())
    })?;
    assert!(ids.iter().eq(samples.iter().map(|sample| &sample.id)), "ids in log order");
    Ok(())
}

fn entries_are_found(open: &mut Open<'_>) -> Result<(), Error> {
    let samples = samples(0..600);
    let mut store = open(None);
    let epoch = store.epoch();
    for batch in samples[..500].chunks(47) {
        append(&mut *store, batch)?;
    }
    for one in &samples[500..] {
        append(&mut *store, std::slice::from_ref(one))?;
    }
    holds(&*store, &samples)?;
    let store = open(Some(store));
    assert_eq!(store.epoch(), epoch, "the epoch stays");
    holds(&*store, &samples)?;
    assert_eq!(store.ordinal(&EntryId([9; 32]))?, None, "nobody's id");
    assert_eq!(store.of_record(&RecordId([9; 32]))?, [], "nobody's record");
    assert_eq!(store.read(Ordinal(600))?, None, "past the end");
    assert_eq!(store.read(Ordinal(u64::MAX))?, None, "far past the end");
    Ok(())
}

fn known_entries_are_told(open: &mut Open<'_>) -> Result<(), Error> {
    let samples = samples(0..20);
    let mut store = open(None);
    assert_eq!(store.append(&[])?, [], "nothing appended is nothing");
    let twice = [samples[0].append(), samples[1].append(), samples[0].append()];
    let told = store.append(&twice)?;
    assert_eq!(told, [Appended::New(Ordinal(0)), Appended::New(Ordinal(1)), Appended::Known(Ordinal(0))]);
    let mut store = open(Some(store));
    let told = append(&mut *store, &samples)?;
    assert_eq!(told[..2], [Appended::Known(Ordinal(0)), Appended::Known(Ordinal(1))]);
    assert!((2..).map(|n| Appended::New(Ordinal(n))).zip(&told[2..]).all(|(expected, told)| expected == *told));
    holds(&*store, &samples)
}

fn prefixes_are_not_ids(open: &mut Open<'_>) -> Result<(), Error> {
    let mut store = open(None);
    let mut samples = samples(0..6);
    for (n, sample) in samples.iter_mut().enumerate() {
        sample.id.0[..16].fill(if n < 4 { 0xff } else { 0xfe });
    }
    append(&mut *store, &samples)?;
    holds(&*store, &samples)?;
    let mut matching = store.matching(&Item([0xff; 16]))?;
    matching.sort();
    assert_eq!(matching, [0, 1, 2, 3].map(Ordinal));
    assert_eq!(store.matching(&Item([0xfd; 16]))?, []);
    Ok(())
}

fn adoptions_of_one_change(open: &mut Open<'_>) -> Result<(), Error> {
    let mut store = open(None);
    let mut samples = samples(1..4);
    samples[2].change = samples[0].change;
    append(&mut *store, &samples)?;
    let store = open(Some(store));
    let change = samples[0].change.unwrap_or(ChangeHash::ZERO);
    assert_eq!(store.of_change(&change)?, [Ordinal(0), Ordinal(2)]);
    Ok(())
}

fn records_are_paged(open: &mut Open<'_>) -> Result<(), Error> {
    let samples = samples(0..400);
    let expected: BTreeSet<RecordId> = samples.iter().filter_map(|sample| sample.record).collect();
    let mut store = open(None);
    append(&mut *store, &samples)?;
    let mut found: Vec<RecordId> = Vec::new();
    loop {
        let page = store.records(found.last(), 10)?;
        assert!(page.len() <= 10, "a page has its limit");
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert!(found.iter().eq(&expected), "every record once, ascending");
    for record in &found {
        let of: Vec<Ordinal> =
            (0..).map(Ordinal).zip(&samples).filter(|(_, s)| s.record == Some(*record)).map(|(n, _)| n).collect();
        assert_eq!(store.of_record(record)?, of, "a record's entries, ascending");
    }
    Ok(())
}

fn sizes_are_kept(open: &mut Open<'_>) -> Result<(), Error> {
    let mut samples = samples(0..5);
    let noise = |length: usize| {
        let mut noise = vec![0; length];
        blake3::Hasher::new().update(&length.to_le_bytes()).finalize_xof().fill(&mut noise);
        noise
    };
    samples[0].bytes = Vec::new();
    samples[1].bytes = noise(MAX_ENTRY);
    samples[2].bytes = vec![b'a'; MAX_ENTRY];
    samples[3].bytes = noise(40_000);
    let mut store = open(None);
    append(&mut *store, &samples)?;
    holds(&*store, &samples)?;
    let mut store = open(Some(store));
    holds(&*store, &samples)?;
    let mut large = Sample::new(9);
    large.bytes = vec![0; MAX_ENTRY + 1];
    let refused = append(&mut *store, &[Sample::new(8), large]);
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "an entry over the limit is refused");
    holds(&*store, &samples)
}

fn scans_are_bounded(open: &mut Open<'_>) -> Result<(), Error> {
    let samples = samples(0..300);
    let mut store = open(None);
    append(&mut *store, &samples)?;
    for from in [0, 1, 150, 299, 300, u64::MAX] {
        let mut seen = Vec::new();
        store.scan(Ordinal(from), &mut |at, _, _| {
            seen.push(at.0);
            if seen.len() == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let expected: Vec<u64> = (from..300).take(7).collect();
        assert_eq!(seen, expected, "seven from {from}");
    }
    Ok(())
}

fn outbox_is_kept(open: &mut Open<'_>) -> Result<(), Error> {
    let mut samples = samples(0..40);
    samples.iter_mut().step_by(2).for_each(|sample| sample.own = true);
    let own: Vec<EntryId> = samples.iter().step_by(2).map(|sample| sample.id).collect();
    let mut store = open(None);
    append(&mut *store, &samples)?;
    append(&mut *store, &samples[..10])?;
    let mut store = open(Some(store));
    assert_eq!(store.outbox(), own, "own entries, each once");
    store.confirm(&[own[3], samples[1].id, own[0]])?;
    store.confirm(&own[10..])?;
    let mut store = open(Some(store));
    let left: Vec<EntryId> = [1, 2, 4, 5, 6, 7, 8, 9].map(|n| own[n]).to_vec();
    assert_eq!(store.outbox(), left, "confirmed ones are gone");
    holds(&*store, &samples)?;
    store.confirm(&own)?;
    let store = open(Some(store));
    assert_eq!(store.outbox(), [], "all confirmed");
    holds(&*store, &samples)
}

fn tables_keep_values(open: &mut Open<'_>) -> Result<(), Error> {
    let mut store = open(None);
    let long: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let items = [
        (b"a".to_vec(), Some(long.clone())),
        (b"a\0".to_vec(), Some(b"court".to_vec())),
        (b"a\0\0".to_vec(), Some(Vec::new())),
        (b"a\0\x01".to_vec(), Some(vec![7; 32 * 1024])),
        (Vec::new(), Some(b"vide".to_vec())),
    ];
    for table in Table::ALL {
        store.put(table, &items)?;
    }
    store.put(Table::Peers, &[(b"a".to_vec(), Some(b"1".to_vec())), (b"a\0".to_vec(), None)])?;
    store.put(Table::Peers, &[(b"b".to_vec(), None)])?;
    store.clear(Table::Waiting)?;
    store.sync()?;
    let store = open(Some(store));
    for (key, value) in &items {
        assert_eq!(store.get(Table::Views, key)?, *value, "a value in views");
        assert_eq!(store.get(Table::Waiting, key)?, None, "a cleared table");
    }
    assert_eq!(store.get(Table::Peers, b"a")?, Some(b"1".to_vec()), "a value made shorter");
    assert_eq!(store.get(Table::Peers, b"a\0")?, None, "a removed value");
    assert_eq!(store.get(Table::Peers, b"a\0\x01")?, items[3].1, "its neighbour");
    let mut store = store;
    let refused = store.put(Table::Notes, &[(b"k".to_vec(), Some(vec![1])), (vec![0; MAX_KEY + 1], Some(vec![]))]);
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "a key over the limit is refused");
    assert_eq!(store.get(Table::Notes, b"k")?, None, "and nothing of that call is done");
    Ok(())
}

fn listing_is_ordered(open: &mut Open<'_>) -> Result<(), Error> {
    let mut store = open(None);
    let keys: [&[u8]; 7] = [b"a", b"a\0", b"a\0\x01", b"ab", b"abc", b"b", b"\xff\xff"];
    let items: Vec<_> = keys.iter().rev().map(|key| (key.to_vec(), Some(vec![3; key.len() * 20_000]))).collect();
    store.put(Table::Views, &items)?;
    let store = open(Some(store));
    let listed = |prefix: &[u8], after: Option<&[u8]>, limit| -> Result<Vec<Vec<u8>>, Error> {
        let listed = store.list(Table::Views, prefix, after, limit)?;
        assert!(listed.iter().all(|(key, value)| value.len() == key.len() * 20_000), "each key with its value");
        Ok(listed.into_iter().map(|(key, _)| key).collect())
    };
    assert_eq!(listed(b"", None, 100)?, keys);
    assert_eq!(listed(b"a", None, 100)?, keys[..5]);
    assert_eq!(listed(b"a", Some(b"a\0"), 2)?, keys[2..4]);
    assert_eq!(listed(b"a", Some(b"abc"), 9)?, [b""; 0]);
    assert_eq!(listed(b"\xff", Some(b"a"), 9)?, keys[6..]);
    assert_eq!(store.list(Table::Peers, b"", None, 9)?, []);
    Ok(())
}

fn tidying_moves_nothing(open: &mut Open<'_>) -> Result<(), Error> {
    let samples = samples(0..500);
    let mut store = open(None);
    for one in &samples[..450] {
        append(&mut *store, std::slice::from_ref(one))?;
    }
    for _ in 0..10_000 {
        if !store.tidy()? {
            break;
        }
    }
    assert!(!store.tidy()?, "tidying ends");
    holds(&*store, &samples[..450])?;
    let mut store = open(Some(store));
    holds(&*store, &samples[..450])?;
    append(&mut *store, &samples[450..])?;
    holds(&*store, &samples)
}
