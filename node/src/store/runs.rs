//! The indexes of the log: sorted runs, written once and merged, with what is newest in memory.
//!
//! Three indexes map an entry id, an automerge change and a record to ordinals. A row is the 32-byte name and the
//! ordinal. Rows under random names are the worst that can be asked of sled (six bytes written for one kept, a tenth of
//! the speed), so they are gathered in memory and written in order, [`RECENT`] entries at a time, as a *run*; runs are
//! merged, oldest with newest, when the newer ones together are as long as the next older. A filter over the ids of each
//! run tells almost always that an entry is new without reading it.
//!
//! Nothing here is needed to know what is in the store. `covered` says up to where the runs go; opening reads the log
//! from there on, and a rebuild reads it all.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use essaim_protocol::store::{Append, Error, Flaw};
use essaim_protocol::wire::{Reader, Write};

use super::engine::{CHECK, Engine, Writer};
use super::trees::{PART, Tree};

/// Entries kept in memory before they are written as a run: about 5 MB there, and what opening reads again at most.
pub(super) const RECENT: u64 = 16 * 1024;

/// Runs before an append stops to merge some. Until then it is left to idle moments.
const MAX_RUNS: usize = 16;

/// Rows in one value: 4 kB, what a look-up reads.
const ROWS: usize = 100;

/// Bits of the filter for each id: with six of them set, two in a hundred unknown ids cost a look-up.
const FILTER_BITS: u64 = 10;
const FILTER_PROBES: u64 = 6;

/// A name and an ordinal, big-endian, so that rows sort as pairs.
pub(super) type Row = [u8; 40];

/// Which index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By entry id.
    Ids,
    /// By automerge change.
    Changes,
    /// By record.
    Records,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Ids, Self::Changes, Self::Records];
}

/// The tag, beside those of [`Kind`], under which a run keeps its filter.
const FILTER: u8 = 3;

/// The indexes of one store.
#[derive(Debug)]
pub(super) struct Runs {
    tree: Tree,
    recent: [BTreeSet<Row>; 3],
    /// Oldest first.
    runs: Vec<Run>,
    covered: u64,
}

#[derive(Debug)]
struct Run {
    number: u32,
    entries: u64,
    filter: Vec<u8>,
}

/// Where the list of runs is kept: after every key of a run.
const MANIFEST: [u8; 4] = [0xff; 4];

impl Runs {
    /// Opens what is written. The caller [adds](Runs::add) what the log holds from [`Runs::covered`] on.
    pub(super) fn open(engine: &Engine) -> Result<Self, Error> {
        let tree = Tree::open(engine, "index")?;
        let mut runs = Self { tree, recent: Default::default(), runs: Vec::new(), covered: 0 };
        if let Some(manifest) = runs.tree.get(&MANIFEST)? {
            runs.read_manifest(&manifest)?;
        }
        runs.drop_unlisted()?;
        Ok(runs)
    }

    /// Throws away what is written, when it cannot be read.
    pub(super) fn anew(engine: &Engine) -> Result<Self, Error> {
        let tree = Tree::open(engine, "index")?;
        let mut runs = Self { tree, recent: Default::default(), runs: Vec::new(), covered: 0 };
        runs.clear()?;
        Ok(runs)
    }

    /// Every entry below this ordinal is in a run.
    pub(super) const fn covered(&self) -> u64 {
        self.covered
    }

    /// Shows all rows of an index, in no order.
    pub(super) fn rows(&self, kind: Kind, see: &mut dyn FnMut(&Row)) -> Result<(), Error> {
        self.visit(kind, &[0; 40], None, &mut |row| {
            see(row);
            ControlFlow::Continue(())
        })
    }

    /// Makes an entry findable.
    pub(super) fn add(&mut self, ordinal: u64, entry: &Append<'_>) {
        for (kind, row) in rows_of(ordinal, entry) {
            self.recent[kind as usize].insert(row);
        }
    }

    /// Ordinals, ascending, of the rows whose name begins with `name`.
    pub(super) fn find(&self, kind: Kind, name: &[u8]) -> Result<Vec<u64>, Error> {
        let mut found = Vec::new();
        let item = name.first_chunk().filter(|_| kind == Kind::Ids);
        self.visit(kind, &first_row(name), item, &mut |row| {
            if !row.starts_with(name) {
                return ControlFlow::Break(());
            }
            found.push(ordinal_of(row));
            ControlFlow::Continue(())
        })?;
        found.sort_unstable();
        Ok(found)
    }

    /// The first name of an index after `after`.
    pub(super) fn next_name(&self, kind: Kind, after: Option<&[u8; 32]>) -> Result<Option<[u8; 32]>, Error> {
        let start = after.map_or([0; 40], |after| row(after, u64::MAX));
        let mut least: Option<Row> = None;
        self.visit(kind, &start, None, &mut |row| {
            if after.is_some_and(|after| row.starts_with(after)) {
                return ControlFlow::Continue(());
            }
            least = Some(least.map_or(*row, |least| least.min(*row)));
            ControlFlow::Break(())
        })?;
        Ok(least.and_then(|row| row.first_chunk().copied()))
    }

    /// Whether so much is in memory that it is time to [write](Runs::write) it.
    pub(super) fn is_full(&self) -> bool {
        self.recent[Kind::Ids as usize].len() as u64 >= RECENT
    }

    /// Writes what is in memory as a run that covers the log up to `end`.
    pub(super) fn write(&mut self, engine: &Engine, end: u64) -> Result<(), Error> {
        let [ids, changes, records] = &self.recent;
        let mut rows = [ids.iter(), changes.iter(), records.iter()];
        let run = self.build(ids.len() as u64, &mut |kind| Ok(rows[kind as usize].next().copied()))?;
        self.runs.push(run);
        let covered = std::mem::replace(&mut self.covered, end);
        if let Err(error) = self.commit(engine) {
            // What is in memory is all there is of these rows.
            self.runs.pop();
            self.covered = covered;
            return Err(error);
        }
        self.recent = Default::default();
        if self.runs.len() > MAX_RUNS { self.merge(engine) } else { Ok(()) }
    }

    /// Whether merging is worth an idle moment.
    pub(super) fn wants_merge(&self) -> bool {
        self.runs.len() > MAX_RUNS / 4
    }

    /// Merges the newest runs, from the first that is no longer than all after it together. So a row is rewritten as
    /// often as the store doubles.
    pub(super) fn merge(&mut self, engine: &Engine) -> Result<(), Error> {
        let newer = |from: usize| self.runs[from + 1..].iter().map(|run| run.entries).sum::<u64>();
        let last_pair = self.runs.len().saturating_sub(2);
        let from = (0..last_pair).find(|from| newer(*from) >= self.runs[*from].entries).unwrap_or(last_pair);
        let merged = self.merged(&self.runs[from..])?;
        let old: Vec<Run> = self.runs.splice(from.., [merged]).collect();
        if let Err(error) = self.commit(engine) {
            self.runs.splice(from.., old);
            return Err(error);
        }
        old.iter().try_for_each(|run| self.remove(run.number))
    }

    /// Throws all indexes away; the caller adds the whole log again.
    pub(super) fn clear(&mut self) -> Result<(), Error> {
        (self.recent, self.runs, self.covered) = (Default::default(), Vec::new(), 0);
        self.tree.clear()
    }

    fn merged(&self, old: &[Run]) -> Result<Run, Error> {
        let entries = old.iter().map(|run| run.entries).sum();
        let mut cursors: Vec<[Cursor; 3]> =
            old.iter().map(|run| Kind::ALL.map(|kind| Cursor::new(run.number, kind))).collect();
        self.build(entries, &mut |kind| {
            let mut least: Option<(Row, usize)> = None;
            for (n, cursor) in cursors.iter_mut().enumerate() {
                if let Some(row) = cursor[kind as usize].peek(&self.tree)?
                    && least.is_none_or(|(least, _)| row < least)
                {
                    least = Some((row, n));
                }
            }
            Ok(least.map(|(row, n)| {
                cursors[n][kind as usize].pass();
                row
            }))
        })
    }

    /// Writes a run of the rows that `next` gives for each kind, ascending. It counts only once it is listed.
    fn build(&self, entries: u64, next: &mut dyn FnMut(Kind) -> Result<Option<Row>, Error>) -> Result<Run, Error> {
        let mut run = Run::new(self.free_number()?, entries);
        let mut writer = self.tree.writer();
        for kind in Kind::ALL {
            let mut rows = Vec::with_capacity(ROWS * 40);
            while let Some(row) = next(kind)? {
                if let Some(item) = row.first_chunk().filter(|_| kind == Kind::Ids) {
                    run.note(item);
                }
                rows.extend_from_slice(&row);
                if rows.len() == ROWS * 40 {
                    self.put(&mut writer, &part_key(run.number, kind as u8, &rows[..40]), &rows)?;
                    rows.clear();
                }
            }
            if let Some(first) = rows.first_chunk::<40>() {
                self.put(&mut writer, &part_key(run.number, kind as u8, first), &rows)?;
            }
        }
        for (part, bits) in (0_u16..).zip(run.filter.chunks(PART)) {
            self.put(&mut writer, &part_key(run.number, FILTER, &part.to_be_bytes()), bits)?;
        }
        writer.apply()?;
        Ok(run)
    }

    /// A number after all that have keys in the tree, listed or not.
    fn free_number(&self) -> Result<u32, Error> {
        let last = self.tree.range(..MANIFEST.to_vec()).next_back().transpose()?;
        Ok(last.and_then(|(key, _)| number_of(&key)).map_or(0, |number| number + 1))
    }

    /// Lists the runs. Their rows are durable first, so that a listed run is whole.
    fn commit(&self, engine: &Engine) -> Result<(), Error> {
        engine.make_durable()?;
        let mut manifest = self.covered.to_le_bytes().to_vec();
        manifest.put_uleb(self.runs.len() as u64);
        for run in &self.runs {
            manifest.put_uleb(u64::from(run.number));
            manifest.put_uleb(run.entries);
        }
        self.tree.set(&MANIFEST, &manifest)?;
        engine.make_durable()
    }

    fn read_manifest(&mut self, manifest: &[u8]) -> Result<(), Error> {
        let damaged = |_| self.tree.damaged(&MANIFEST, Flaw::Form);
        let mut reader = Reader::new(manifest);
        self.covered = reader.u64().map_err(damaged)?;
        let count = reader.count("runs", MAX_RUNS + 1).map_err(damaged)?;
        let mut runs = Vec::with_capacity(count);
        for _ in 0..count {
            let number = reader.count("a run", u32::MAX as usize).map_err(damaged)? as u32;
            let entries = reader.uleb().map_err(damaged)?;
            let mut filter = Vec::new();
            for item in self.tree.range(part_key(number, FILTER, &[])..part_key(number, FILTER + 1, &[])) {
                let (key, value) = item?;
                filter.extend_from_slice(self.tree.verify(&key, &value)?);
            }
            if filter.len() != filter_length(entries) {
                return Err(self.tree.damaged(&number.to_be_bytes(), Flaw::Incomplete));
            }
            runs.push(Run { number, entries, filter });
        }
        self.runs = runs;
        Ok(())
    }

    /// Removes runs that a crash left without a place in the list.
    fn drop_unlisted(&self) -> Result<(), Error> {
        let mut from = 0;
        while let Some((key, _)) = self.tree.range(part_key(from, 0, &[])..MANIFEST.to_vec()).next().transpose()? {
            let Some(number) = number_of(&key) else { break };
            if self.runs.iter().all(|run| run.number != number) {
                self.remove(number)?;
            }
            from = number + 1;
        }
        Ok(())
    }

    fn remove(&self, number: u32) -> Result<(), Error> {
        let mut writer = self.tree.writer();
        for item in self.tree.range(part_key(number, 0, &[])..part_key(number, FILTER + 1, &[])) {
            writer.make_room(1, 0)?;
            writer.remove(&item?.0);
        }
        writer.apply()
    }

    /// Shows the rows of each source in turn, each ascending from `start` until `visit` breaks for that source. Runs whose
    /// filter excludes `item` are left out.
    fn visit(
        &self,
        kind: Kind,
        start: &Row,
        item: Option<&[u8; 16]>,
        visit: &mut dyn FnMut(&Row) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        for run in self.runs.iter().filter(|run| item.is_none_or(|item| run.may_hold(item))) {
            let mut cursor = Cursor::seek(&self.tree, run.number, kind, start)?;
            while let Some(row) = cursor.peek(&self.tree)? {
                if visit(&row).is_break() {
                    break;
                }
                cursor.pass();
            }
        }
        let _ = self.recent[kind as usize].range(*start..).try_for_each(visit);
        Ok(())
    }

    fn put(&self, writer: &mut Writer<'_>, key: &[u8], body: &[u8]) -> Result<(), Error> {
        writer.make_room(1, key.len() + body.len() + CHECK)?;
        writer.set(key, self.tree.seal(key, body));
        Ok(())
    }
}

impl Run {
    fn new(number: u32, entries: u64) -> Self {
        Self { number, entries, filter: vec![0; filter_length(entries)] }
    }

    fn note(&mut self, item: &[u8; 16]) {
        for bit in probes(item, self.entries) {
            self.filter[(bit / 8) as usize] |= 1 << (bit % 8);
        }
    }

    fn may_hold(&self, item: &[u8; 16]) -> bool {
        probes(item, self.entries).all(|bit| self.filter[(bit / 8) as usize] & 1 << (bit % 8) != 0)
    }
}

/// Ids are hashes already: two halves of an item are two independent hashes, and all probes come from them (Kirsch,
/// Mitzenmacher: *Less Hashing, Same Performance*, 2006).
fn probes(item: &[u8; 16], entries: u64) -> impl Iterator<Item = u64> {
    let item = u128::from_le_bytes(*item);
    let (start, step) = (item as u64, (item >> 64) as u64 | 1);
    let bits = (entries * FILTER_BITS).max(1);
    (0..FILTER_PROBES).map(move |probe| start.wrapping_add(probe.wrapping_mul(step)) % bits)
}

fn filter_length(entries: u64) -> usize {
    (entries * FILTER_BITS).max(1).div_ceil(8) as usize
}

/// A place in one index of one run.
#[derive(Debug)]
struct Cursor {
    /// Where the next value is looked for, and where the index ends.
    next: Vec<u8>,
    end: Vec<u8>,
    rows: Vec<u8>,
    at: usize,
}

impl Cursor {
    fn new(run: u32, kind: Kind) -> Self {
        let (next, end) = (part_key(run, kind as u8, &[]), part_key(run, kind as u8 + 1, &[]));
        Self { next, end, rows: Vec::new(), at: 0 }
    }

    /// At the first row that is not less than `start`.
    fn seek(tree: &Tree, run: u32, kind: Kind, start: &Row) -> Result<Self, Error> {
        let mut cursor = Self::new(run, kind);
        let before = tree.range(cursor.next.clone()..=part_key(run, kind as u8, start)).next_back().transpose()?;
        if let Some((key, _)) = before {
            cursor.next = key.to_vec();
        }
        while cursor.peek(tree)?.is_some_and(|row| row < *start) {
            let (rows, _) = cursor.rows.as_chunks::<40>();
            cursor.at = 40 * rows.partition_point(|row| row < start);
        }
        Ok(cursor)
    }

    fn peek(&mut self, tree: &Tree) -> Result<Option<Row>, Error> {
        if self.at >= self.rows.len() {
            let Some(item) = tree.range(self.next.clone()..self.end.clone()).next() else { return Ok(None) };
            let (key, value) = item?;
            self.rows = tree.verify(&key, &value)?.to_vec();
            self.at = 0;
            self.next = [&key[..], &[0]].concat();
        }
        Ok(self.rows.get(self.at..).and_then(|rows| rows.first_chunk().copied()))
    }

    const fn pass(&mut self) {
        self.at += 40;
    }
}

/// The rows under which an entry is found.
pub(super) fn rows_of(ordinal: u64, entry: &Append<'_>) -> impl Iterator<Item = (Kind, Row)> {
    let names = [Some(entry.id.0), entry.change.map(|hash| hash.0), entry.record.map(|record| record.0)];
    Kind::ALL.into_iter().zip(names).filter_map(move |(kind, name)| Some((kind, row(&name?, ordinal))))
}

fn row(name: &[u8; 32], ordinal: u64) -> Row {
    let mut row = [0; 40];
    row[..32].copy_from_slice(name);
    row[32..].copy_from_slice(&ordinal.to_be_bytes());
    row
}

/// The least row whose name begins with `name`.
fn first_row(name: &[u8]) -> Row {
    let mut row = [0; 40];
    let length = name.len().min(32);
    row[..length].copy_from_slice(&name[..length]);
    row
}

fn ordinal_of(row: &Row) -> u64 {
    row.last_chunk().map_or(0, |ordinal| u64::from_be_bytes(*ordinal))
}

fn part_key(run: u32, tag: u8, rest: &[u8]) -> Vec<u8> {
    [&run.to_be_bytes()[..], &[tag], rest].concat()
}

fn number_of(key: &[u8]) -> Option<u32> {
    key.first_chunk().map(|number| u32::from_be_bytes(*number))
}
