//! The rateless sketch: what two nodes exchange to find exactly how their sets differ, at a cost that depends on the
//! difference alone.
//!
//! Each item of a set is mapped to an infinite, ever sparser series of *symbols*: always to the first, to symbol *i*
//! with probability 2 / (*i* + 2). A symbol holds the XOR of its items, the XOR of their checksums, and their number.
//! Symbols are linear, so subtracting Bob's from Alice's leaves the symbols of the difference alone: where a symbol
//! holds one item, its checksum says so, the item is read off and taken out of every other symbol that holds it, which
//! uncovers more. About 1.35 to 1.75 symbols a difference suffice, whatever the sizes of the sets and without guessing
//! the difference first: whoever has too few symbols asks for the following ones.
//!
//! The symbols of a set do not depend on whom they are for. A [`Sketch`] keeps the first [`PREFIX`] of them up to date
//! as items come and go (some twenty additions an item) and serves every peer with them; [`block`] computes later ones
//! in a pass over the items; a [`Decoder`] takes a peer's symbols and ours, and peels.
//!
//! Source: Lei Yang, Yossi Gilad, Mohammad Alizadeh, *Practical Rateless Set Reconciliation*, SIGCOMM 2024. Here the
//! mapping is drawn from all 128 bits of an item and checksums are keyed.

use std::ops::Range;
use std::sync::Arc;

use crate::id::{CommonsId, EntryId, Item};
use crate::wire::{DecodeError, Reader, Write};

/// Symbols that are kept up to date, 2 MiB in memory: enough for some 45,000 differences. More would slow every
/// insertion for differences that are rare; beyond, [`block`] costs one pass over the items.
pub const PREFIX: usize = 1 << 16;

/// Bytes that a symbol takes on the wire when its count is near the expected one: 16 of items, 8 of checksums, 2 of
/// count. For estimates only.
pub const SYMBOL: usize = 26;

/// The largest set that the wire format describes: counts near 2^40 still subtract without overflow, and a trillion
/// entries are beyond any commons.
pub const MAX_COUNT: u64 = 1 << 40;

/// Under which key checksums are made, and, in a fresh scheme, the names of items.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of a commons, the same on every node, so that one prefix serves all peers.
    #[must_use]
    pub fn of(commons: &CommonsId) -> Self {
        Self(blake3::derive_key("essaim v1 sketch key", &commons.0))
    }

    /// A key of one session, from 32 random bytes: entries cannot have been chosen against it.
    #[must_use]
    pub fn fresh(random: &[u8; 32]) -> Self {
        Self(blake3::derive_key("essaim v1 fresh sketch key", random))
    }

    /// The name of an entry under this key, drawn from its full id.
    #[must_use]
    pub fn name(&self, id: &EntryId) -> Item {
        EntryId(*blake3::keyed_hash(&self.0, &id.0).as_bytes()).item()
    }

    fn check(&self, item: u128) -> u64 {
        let hash = blake3::keyed_hash(&self.0, &item.to_le_bytes());
        let mut check = [0; 8];
        check.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(check)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// One coded symbol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Symbol {
    item: u128,
    check: u64,
    count: i64,
}

impl Symbol {
    fn of(item: Item, key: &Key) -> Self {
        let item = u128::from_le_bytes(item.0);
        Self { item, check: key.check(item), count: 1 }
    }

    const fn negated(self) -> Self {
        Self { count: self.count.wrapping_neg(), ..self }
    }

    // Counts wrap: a peer may send any, and wrong ones only fail to decode.
    const fn add(&mut self, other: &Self) {
        self.item ^= other.item;
        self.check ^= other.check;
        self.count = self.count.wrapping_add(other.count);
    }

    const fn is_zero(&self) -> bool {
        self.item == 0 && self.check == 0 && self.count == 0
    }

    fn is_pure(&self, key: &Key) -> bool {
        matches!(self.count, 1 | -1) && self.check == key.check(self.item)
    }
}

/// The first [`PREFIX`] symbols of a set, kept up to date. A clone is a snapshot: it costs nothing until the set
/// changes, then one copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    key: Key,
    symbols: Arc<[Symbol]>,
}

impl Sketch {
    /// The sketch of the empty set.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self { key, symbols: vec![Symbol::default(); PREFIX].into() }
    }

    /// The key of its checksums.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// How many items the set has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.symbols[0].count.unsigned_abs()
    }

    /// Adds an item that is not in the set.
    pub fn insert(&mut self, item: Item) {
        let symbol = Symbol::of(item, &self.key);
        spread(&symbol, &mut Mapping::new(symbol.item), 0, Arc::make_mut(&mut self.symbols));
    }

    /// Takes out an item that is in the set.
    pub fn remove(&mut self, item: Item) {
        let symbol = Symbol::of(item, &self.key).negated();
        spread(&symbol, &mut Mapping::new(symbol.item), 0, Arc::make_mut(&mut self.symbols));
    }

    /// The symbols from number 0.
    #[must_use]
    pub fn prefix(&self) -> &[Symbol] {
        &self.symbols
    }

    /// The bytes of a checkpoint: count uleb128 ‖ [`PREFIX`] symbols as [`encode`] writes them.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX * SYMBOL);
        bytes.put_uleb(self.count());
        encode(&self.symbols, 0, self.count(), &mut bytes);
        bytes
    }

    /// Reads a checkpoint back.
    ///
    /// # Errors
    /// [`DecodeError`] when it is cut short or malformed: the sketch must then be made anew from the ids. That its bytes
    /// are those that were written is for the store to check.
    pub fn restore(key: Key, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.uleb()?;
        let symbols = decode(reader, 0, count, PREFIX)?;
        if symbols.len() != PREFIX || symbols[0].count.unsigned_abs() != count {
            return Err(DecodeError::Invalid { what: "the checkpoint of a sketch" });
        }
        Ok(Self { key, symbols: symbols.into() })
    }
}

/// The symbols with the numbers in `range` of the set of `items`, in one pass over it. A million items take about a
/// second.
#[must_use]
pub fn block(key: &Key, range: Range<usize>, items: impl Iterator<Item = Item>) -> Vec<Symbol> {
    let mut symbols = vec![Symbol::default(); range.len()];
    for item in items {
        let symbol = Symbol::of(item, key);
        spread(&symbol, &mut Mapping::new(symbol.item), range.start, &mut symbols);
    }
    symbols
}

/// Writes symbols, the first of which has number `start`, of a set of `n` items. Each is items XOR \[16\] ‖ checksum XOR
/// \[8\] ‖ sleb128 of the count less the expected one, 2`n` / (*i* + 2).
pub fn encode(symbols: &[Symbol], start: usize, n: u64, bytes: &mut Vec<u8>) {
    for (number, symbol) in (start..).zip(symbols) {
        bytes.extend_from_slice(&symbol.item.to_le_bytes());
        bytes.extend_from_slice(&symbol.check.to_le_bytes());
        bytes.put_sleb(symbol.count.wrapping_sub(expected(n, number)));
    }
}

/// Reads symbols to the end of `reader`, at most `max`, the first of which has number `start`, of a set of `n` items.
///
/// # Errors
/// [`DecodeError`] when they are malformed, more than `max`, or the set is said to be larger than [`MAX_COUNT`].
pub fn decode(reader: &mut Reader<'_>, start: usize, n: u64, max: usize) -> Result<Vec<Symbol>, DecodeError> {
    if n > MAX_COUNT {
        return Err(DecodeError::TooLarge { what: "the count of a set", found: n, max: MAX_COUNT });
    }
    let mut symbols = Vec::new();
    while !reader.is_empty() {
        if symbols.len() == max {
            return Err(DecodeError::TooLarge { what: "symbols", found: max as u64 + 1, max: max as u64 });
        }
        symbols.push(Symbol {
            item: u128::from_le_bytes(reader.array()?),
            check: reader.u64()?,
            count: reader.sleb()?.wrapping_add(expected(n, start + symbols.len())),
        });
    }
    Ok(symbols)
}

fn expected(n: u64, number: usize) -> i64 {
    let expected = u128::from(n) * 2 / (number as u128 + 2);
    i64::try_from(expected).unwrap_or(i64::MAX)
}

/// Why symbols do not decode: the peer's are wrong, or somebody chose entries against the checksums of the commons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the symbols of the sketch contradict each other")]
pub struct Contradiction;

/// Finds the difference of two sets from their symbols, a block at a time.
#[derive(Debug, Clone)]
pub struct Decoder {
    key: Key,
    /// The symbols of what is not yet found of the difference.
    rest: Vec<Symbol>,
    /// The counts of the whole difference, for the estimate.
    counts: Vec<i64>,
    /// What was found, with the first number beyond `rest` that each maps to.
    found: Vec<(Symbol, Mapping)>,
}

impl Decoder {
    /// A decoder that has seen no symbol yet.
    #[must_use]
    pub const fn new(key: Key) -> Self {
        Self { key, rest: Vec::new(), counts: Vec::new(), found: Vec::new() }
    }

    /// How many symbols it has had: the number of the next one.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether it has had no symbol.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes the next symbols of both sets, as many of each, and peels. True when the whole difference is found.
    ///
    /// The work is bounded: each item found uses up a symbol, or the symbols contradict each other.
    ///
    /// # Errors
    /// [`Contradiction`] when no two sets have these symbols.
    pub fn extend(&mut self, theirs: &[Symbol], ours: &[Symbol]) -> Result<bool, Contradiction> {
        let start = self.rest.len();
        for (their, our) in theirs.iter().zip(ours) {
            let mut symbol = *their;
            symbol.add(&our.negated());
            self.counts.push(symbol.count);
            self.rest.push(symbol);
        }
        for (symbol, mapping) in &mut self.found {
            spread(&symbol.negated(), mapping, 0, &mut self.rest);
        }
        self.peel((start..self.rest.len()).collect())?;
        self.is_complete()
    }

    /// Items that they have and we do not, as far as found.
    pub fn theirs(&self) -> impl Iterator<Item = Item> {
        self.side(1)
    }

    /// Items that we have and they do not, as far as found.
    pub fn ours(&self) -> impl Iterator<Item = Item> {
        self.side(-1)
    }

    /// How large the difference seems to be, from how far the counts stray from what the two sizes let expect: a
    /// symbol's count has the variance d·ρ·(1 − ρ). The error is about √(2 / symbols), 24 % after 36.
    #[must_use]
    pub fn estimate(&self) -> u64 {
        let excess = self.counts.first().copied().unwrap_or(0);
        let spread: f64 = self.counts.iter().enumerate().skip(1).map(|(i, count)| stray(i, *count, excess)).sum();
        let estimate = spread / self.counts.len().saturating_sub(1).max(1) as f64;
        (estimate as u64).max(excess.unsigned_abs()).max(self.found.len() as u64 + 1)
    }

    fn side(&self, sign: i64) -> impl Iterator<Item = Item> {
        let found = self.found.iter().filter(move |(symbol, _)| symbol.count == sign);
        found.map(|(symbol, _)| Item(symbol.item.to_le_bytes()))
    }

    fn peel(&mut self, mut candidates: Vec<usize>) -> Result<(), Contradiction> {
        while let Some(number) = candidates.pop() {
            let symbol = self.rest[number];
            if !symbol.is_pure(&self.key) {
                continue;
            }
            if self.found.len() == self.rest.len() {
                return Err(Contradiction);
            }
            let mut mapping = Mapping::new(symbol.item);
            while let Some(at) = self.rest.get_mut(mapping.number()) {
                at.add(&symbol.negated());
                if matches!(at.count, 1 | -1) {
                    candidates.push(mapping.number());
                }
                mapping.advance();
            }
            if !self.rest[number].is_zero() {
                return Err(Contradiction);
            }
            self.found.push((symbol, mapping));
        }
        Ok(())
    }

    fn is_complete(&self) -> Result<bool, Contradiction> {
        // Every item is in the first symbol, so nothing is left when nothing is left there.
        match self.rest.first() {
            Some(first) if first.is_zero() => {
                if self.rest.iter().all(Symbol::is_zero) {
                    Ok(true)
                } else {
                    Err(Contradiction)
                }
            }
            Some(_) | None => Ok(false),
        }
    }
}

/// The square of how far a count strays from its expectation, in units in which its mean is the difference.
fn stray(number: usize, count: i64, excess: i64) -> f64 {
    let density = 2.0 / (number as f64 + 2.0);
    (count as f64 - excess as f64 * density).powi(2) / (density * (1.0 - density))
}

/// Adds `symbol` where `mapping` says to `symbols`, the first of which has the number `start`, and leaves the mapping
/// at the first number beyond.
fn spread(symbol: &Symbol, mapping: &mut Mapping, start: usize, symbols: &mut [Symbol]) {
    while mapping.number() < start {
        mapping.advance();
    }
    while let Some(at) = symbols.get_mut(mapping.number() - start) {
        at.add(symbol);
        mapping.advance();
    }
}

/// The numbers of the symbols that an item is in: 0, then ever sparser.
///
/// The gaps are drawn by a permuted congruential generator (O'Neill 2014, PCG XSL RR 128/64) whose state is the item, by
/// the inverse of the distribution of gaps (section 4.2 of the paper, α = ½). Only operations that IEEE 754 rounds
/// exactly are used, so that every machine draws the same.
#[derive(Debug, Clone)]
struct Mapping {
    state: u128,
    number: u64,
}

impl Mapping {
    const fn new(item: u128) -> Self {
        Self { state: item, number: 0 }
    }

    fn number(&self) -> usize {
        usize::try_from(self.number).unwrap_or(usize::MAX)
    }

    fn advance(&mut self) {
        const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;
        const INCREMENT: u128 = 0x5851_f42d_4c95_7f2d_1405_7b7e_f767_814f;
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        let random = folded.rotate_right((self.state >> 122) as u32);

        const TWO_TO_32: f64 = 4_294_967_296.0;
        let stretch = TWO_TO_32 / (random as f64 + 1.0).sqrt() - 1.0;
        let gap = ((self.number as f64 + 1.5) * stretch).ceil() as u64;
        self.number = self.number.saturating_add(gap.max(1));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Key::of(&CommonsId([7; 32]))
    }

    fn item(seed: u64, n: u64) -> Item {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes()).update(&n.to_le_bytes());
        EntryId(*hasher.finalize().as_bytes()).item()
    }

    /// The difference of two sets, with how many symbols it took when they come in blocks of `step`.
    fn reconcile(theirs: &[Item], ours: &[Item], step: usize) -> (BTreeSet<Item>, BTreeSet<Item>, usize) {
        let most = 40 + 4 * (theirs.len() + ours.len());
        let theirs = block(&key(), 0..most, theirs.iter().copied());
        let ours = block(&key(), 0..most, ours.iter().copied());
        let mut decoder = Decoder::new(key());
        for (their, our) in theirs.chunks(step).zip(ours.chunks(step)) {
            if decoder.extend(their, our).unwrap() {
                return (decoder.theirs().collect(), decoder.ours().collect(), decoder.len());
            }
        }
        panic!("{most} symbols do not decode");
    }

    fn symbols_used(seed: u64, d: u64) -> usize {
        let (theirs, ours): (Vec<_>, Vec<_>) = (0..d).map(|n| item(seed, n)).partition(|item| item.0[15] % 2 == 0);
        let (from_them, from_us, used) = reconcile(&theirs, &ours, 1 + d as usize / 500);
        assert!(from_them.into_iter().eq(sorted(theirs)) && from_us.into_iter().eq(sorted(ours)), "seed {seed}, {d}");
        used
    }

    fn sorted(mut items: Vec<Item>) -> Vec<Item> {
        items.sort();
        items
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_two_sets_reconcile_to_exactly_their_difference(
            common in prop::collection::btree_set(any::<[u8; 16]>(), 0..200),
            alice in prop::collection::btree_set(any::<[u8; 16]>(), 0..200),
            bob in prop::collection::btree_set(any::<[u8; 16]>(), 0..200),
        ) {
            let of = |own: &BTreeSet<[u8; 16]>| own.union(&common).copied().map(Item).collect::<BTreeSet<_>>();
            let (alice, bob) = (of(&alice), of(&bob));
            let (from_alice, from_bob, _) = reconcile(
                &alice.iter().copied().collect::<Vec<_>>(),
                &bob.iter().copied().collect::<Vec<_>>(),
                7,
            );
            prop_assert_eq!(from_alice, alice.difference(&bob).copied().collect());
            prop_assert_eq!(from_bob, bob.difference(&alice).copied().collect());
        }

        #[test]
        fn symbols_that_were_changed_never_decode_to_garbage(
            n in 1u64..40, at in 0usize..60, flip in 0usize..32, bit in 0u8..8,
        ) {
            let honest: BTreeSet<_> = (0..n).map(|n| item(1, n)).collect();
            let mut symbols = block(&key(), 0..80, honest.iter().copied());
            match flip {
                0..16 => symbols[at].item ^= 1 << (flip * 8 + usize::from(bit)),
                16..24 => symbols[at].check ^= 1 << ((flip - 16) * 8 + usize::from(bit)),
                _ => symbols[at].count ^= 1 << ((flip - 24) * 8 + usize::from(bit)),
            }
            let mut decoder = Decoder::new(key());
            prop_assert_ne!(decoder.extend(&symbols, &vec![Symbol::default(); 80]), Ok(true));
            prop_assert!(decoder.theirs().all(|item| honest.contains(&item)));
        }

        #[test]
        fn symbols_from_nowhere_end_without_a_loop(bytes in prop::collection::vec(any::<u8>(), 0..4000), n: u32) {
            let mut decoder = Decoder::new(key());
            if let Ok(symbols) = decode(&mut Reader::new(&bytes), 0, n.into(), 200) {
                prop_assert_ne!(decoder.extend(&symbols, &vec![Symbol::default(); symbols.len()]), Ok(true));
            }
        }
    }

    #[test]
    fn symbols_per_difference_are_as_few_as_the_paper_says() {
        let sizes = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
        let mut overheads = Vec::new();
        for d in sizes {
            let runs = (2000 / d).clamp(2, 40);
            let used: usize = (0..runs).map(|seed| symbols_used(seed, d)).sum();
            let overhead = used as f64 / (runs * d) as f64;
            assert!(d < 1000 || overhead <= 1.45, "{overhead} symbols a difference at {d}");
            overheads.push(overhead);
        }
        let mean = overheads.iter().sum::<f64>() / overheads.len() as f64;
        assert!(mean <= 1.75, "{mean} symbols a difference: {overheads:?}");
    }

    #[test]
    fn the_estimate_is_near_the_difference() {
        for d in [100u64, 1000, 10_000] {
            let (mut low, mut high) = (0, 0);
            for seed in 0..20 {
                let (theirs, ours): (Vec<_>, Vec<_>) =
                    (0..d).map(|n| item(seed, n)).partition(|item| item.0[15].is_multiple_of(4));
                let mut decoder = Decoder::new(key());
                let (theirs, ours) = (theirs.into_iter(), ours.into_iter());
                assert_eq!(decoder.extend(&block(&key(), 0..36, theirs), &block(&key(), 0..36, ours)), Ok(false));
                low += u32::from(decoder.estimate() < d / 2);
                high += u32::from(decoder.estimate() > 2 * d);
            }
            assert_eq!((low, high), (0, 0), "estimates off by a factor of two at {d}");
        }
    }

    #[test]
    fn a_sketch_is_the_same_whatever_came_and_went() {
        let mut sketch = Sketch::new(key());
        for n in 0..300 {
            sketch.insert(item(2, n));
        }
        for n in (0..300).rev().filter(|n| n % 3 == 0) {
            sketch.remove(item(2, n));
        }
        let left = (0..300).filter(|n| n % 3 != 0).map(|n| item(2, n));
        assert_eq!(sketch.prefix(), block(&key(), 0..PREFIX, left));
        assert_eq!(sketch.count(), 200);
    }

    #[test]
    fn blocks_beyond_the_prefix_go_on_where_it_ends() {
        let items = || (0..200).map(|n| item(3, n));
        let whole = block(&key(), 0..PREFIX + 5000, items());
        assert_eq!(block(&key(), PREFIX..PREFIX + 5000, items()), whole[PREFIX..]);
        assert!(whole[PREFIX..].iter().any(|symbol| !symbol.is_zero()));
    }

    #[test]
    fn a_checkpoint_restores_the_sketch_or_says_that_it_is_cut() {
        let mut sketch = Sketch::new(key());
        (0..1000).for_each(|n| sketch.insert(item(4, n)));
        let bytes = sketch.checkpoint();
        assert_eq!(Sketch::restore(key(), &mut Reader::new(&bytes)), Ok(sketch));
        assert!(Sketch::restore(key(), &mut Reader::new(&bytes[..bytes.len() - 1])).is_err());
    }

    #[test]
    fn a_snapshot_does_not_follow_the_set() {
        let mut sketch = Sketch::new(key());
        sketch.insert(item(5, 0));
        let snapshot = sketch.clone();
        sketch.insert(item(5, 1));
        assert_eq!((snapshot.count(), sketch.count()), (1, 2));
    }

    #[test]
    fn symbols_take_26_bytes_among_a_million_items() {
        let mut symbols = vec![Symbol::default(); 1000];
        for (number, symbol) in symbols.iter_mut().enumerate() {
            // A stray of three standard deviations.
            symbol.count = expected(1_000_000, number) + (3e6 * 2.0 / (number as f64 + 2.0)).sqrt() as i64;
        }
        let mut bytes = Vec::new();
        encode(&symbols, 0, 1_000_000, &mut bytes);
        assert!(bytes.len() <= symbols.len() * SYMBOL, "{} bytes", bytes.len());
        assert_eq!(decode(&mut Reader::new(&bytes), 0, 1_000_000, 1000), Ok(symbols));
        assert!(matches!(decode(&mut Reader::new(&bytes), 0, 1_000_000, 999), Err(DecodeError::TooLarge { .. })));
    }

    #[test]
    fn the_mapping_is_the_same_on_every_machine() {
        let mut mapping = Mapping::new(u128::from_le_bytes(*b"essaim fixture 1"));
        let mut numbers = Vec::new();
        while mapping.number() < PREFIX {
            numbers.push(mapping.number());
            mapping.advance();
        }
        let expected = [
            0, 2, 3, 5, 8, 11, 13, 40, 63, 67, 69, 84, 99, 186, 216, 341, 519, 1175, 2426, 3566, 4041, 4142, 5126,
            7610, 13500, 19540, 32819,
        ];
        assert_eq!(numbers, expected);
    }
}
