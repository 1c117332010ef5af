//! The store on disk: one commons, one directory, one owner.
//!
//! [`open`] takes the directory, mends what is damaged and [tells](Report) what it did. Then the story of one write: the
//! entries are looked up, packed in frames and written to the log in sled; the database is flushed and *synced*; the
//! mark notes what is acknowledged; only then does [`append`](Store::append) return. The indexes follow from memory,
//! some thousand entries at a time, and opening reads the log from where they end. What this device made is synced to
//! the outbox first, so that sled is never the only thing that holds it.
//!
//! Layers, lowest first: `engine` (sled made safe), `trees` (checked values), `frame` and `log`, `runs` (indexes),
//! beside them `place` (the directory) and `outbox`; `recovery` opens, `doctor` checks. Byte maps:
//! `protocol/docs/store.md`.

mod doctor;
mod engine;
mod frame;
mod log;
mod outbox;
mod place;
mod recovery;
mod runs;
mod trees;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use essaim_protocol::api::chain;
use essaim_protocol::id::{ChangeHash, EntryId, Epoch, Item, RecordId};
use essaim_protocol::store::{
    Append, Appended, Error, Flaw, Ordinal, Pair, Put, Store, Table, Visit, check_entries, check_puts,
};

pub use doctor::{Cure, Damaged, Findings};
use engine::{Engine, guarded};
use log::Log;
use outbox::{Outbox, Owned};
use place::{Mark, Place};
pub use recovery::{Repair, Report};
use runs::{Kind, Runs};
use trees::{Tree, Values};

/// Where a store is and what it may use.
#[derive(Debug, Clone)]
pub struct Config {
    /// The store's directory, created when there is none.
    pub dir: PathBuf,
    /// Writes are refused while fewer bytes than this are free on the disk. sled cannot be opened again on a full disk.
    pub free: u64,
    /// Bytes laid down to be given up when the disk is full all the same, so that the store can be opened and read.
    pub ballast: u64,
    /// A database of more bytes than this is written anew on opening when little is left in it: sled gives no room back.
    pub roomy: u64,
    /// Bytes of sled's page cache. What it really takes is measured by the benchmark, not by this.
    pub cache: u64,
}

/// Bytes that a node leaves free on its disk: room for sled to open again, and for the person to notice.
pub const FREE: u64 = 256 << 20;

/// Bytes of a database below which nobody misses what writing it anew would give back.
const ROOMY: u64 = 64 << 20;

/// Bytes that a node lays down to give up on a full disk: two of the database's segments. Opening was measured to take
/// 4 MB of them, once; the rest is for what closing writes. With 4 MiB the store could not be opened again.
const BALLAST: u64 = 16 << 20;

impl Config {
    /// A store in `dir` with the room that a node keeps.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), free: FREE, ballast: BALLAST, roomy: ROOMY, cache: 16 << 20 }
    }
}

/// Opens the store, creating or mending it as needed, and tells what had to be mended.
///
/// # Errors
/// [`Error::Locked`], [`Error::Denied`], [`Error::Newer`], and [`Error::Full`] or [`Error::Io`] when the disk fails.
/// Damage is no error here: it is mended and reported.
pub fn open(config: &Config) -> Result<(Disk, Report), Error> {
    recovery::open(config, false)
}

/// Opens the store after reading the whole log, and builds everything anew that is derived from it: what `essaim doctor
/// --rebuild` does.
///
/// # Errors
/// As [`open`].
pub fn rebuild(config: &Config) -> Result<(Disk, Report), Error> {
    recovery::open(config, true)
}

/// An open store.
#[derive(Debug)]
pub struct Disk {
    parts: Parts,
    outbox: Outbox,
    /// Why nothing may be written any more.
    failed: Option<Failure>,
    free: u64,
    ballast: u64,
    /// Dropped last: the lock is held until sled has closed.
    place: Place,
}

/// A write that failed half-way.
#[derive(Debug, Clone)]
struct Failure {
    full: bool,
    why: String,
}

/// What is in the database.
#[derive(Debug)]
struct Parts {
    epoch: Epoch,
    log: Log,
    runs: Runs,
    tables: BTreeMap<Table, Values>,
    meta: Tree,
    engine: Engine,
}

const EPOCH: &[u8] = b"epoch";
const MERGED: &[u8] = b"merged";
const MEASURE: &[u8] = b"measure";

impl Parts {
    fn open(engine: Engine) -> Result<Self, Error> {
        let meta = Tree::open(&engine, "meta")?;
        let epoch = meta.get(EPOCH)?.and_then(|epoch| epoch.try_into().ok()).map(Epoch);
        let log = Log::open(&engine)?;
        let runs = match Runs::open(&engine) {
            // The log is whole all the same; catching up sees that the index does not reach it.
            Err(Error::Corrupt { .. }) => Runs::anew(&engine)?,
            runs => runs?,
        };
        let tables = Table::ALL.into_iter().map(|table| Ok((table, Values::open(&engine, table.name())?)));
        let tables = tables.collect::<Result<_, Error>>()?;
        let mut parts = Self { epoch: epoch.unwrap_or(Epoch::ZERO), log, runs, tables, meta, engine };
        if epoch.is_none() {
            parts.epoch = Epoch(rand::random());
            parts.meta.set(EPOCH, &parts.epoch.0)?;
            parts.engine.make_durable()?;
        }
        Ok(parts)
    }

    fn table(&self, table: Table) -> Result<&Values, Error> {
        self.tables.get(&table).ok_or_else(|| Error::Engine(format!("the table {} is not open", table.name())))
    }

    /// Indexes what the log has above the watermark.
    fn catch_up(&mut self) -> Result<(), Error> {
        if self.runs.covered() > self.log.end() {
            let place = "index".to_owned();
            return Err(Error::Corrupt { place, what: Flaw::Disagrees });
        }
        let runs = &mut self.runs;
        self.log.frames(runs.covered(), &mut |frame| {
            frame.entries().for_each(|(at, entry)| runs.add(at, &entry));
            if runs.is_full() {
                runs.write(&self.engine, frame.end())?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Reads the whole log and builds anew what is derived from it.
    fn derive_anew(&mut self) -> Result<(), Error> {
        for (table, values) in &self.tables {
            if table.is_derived() {
                values.clear()?;
            }
        }
        self.runs.clear()?;
        self.catch_up()
    }

    /// Takes over what is in `old`, and becomes it for those who noted its places. `false` when not all of it is whole.
    fn become_as(&mut self, old: &Self) -> Result<bool, Error> {
        let whole = self.copy(old, &Table::ALL)?;
        self.epoch = old.epoch;
        self.meta.set(EPOCH, &self.epoch.0)?;
        self.engine.make_durable()?;
        Ok(whole && self.log.end() == old.log.end())
    }

    /// Appends every whole entry of `old`, and takes over its local notes where they are whole.
    fn salvage(&mut self, old: &Self) -> Result<(), Error> {
        let local: Vec<Table> = Table::ALL.into_iter().filter(|table| !table.is_derived()).collect();
        self.copy(old, &local)?;
        self.engine.make_durable()
    }

    /// `false` when some of it cannot be read and was left out.
    fn copy(&mut self, old: &Self, tables: &[Table]) -> Result<bool, Error> {
        let mut whole = true;
        for first in old.log.firsts() {
            let Ok(frame) = guarded(|| old.log.frame(first)) else {
                whole = false;
                continue;
            };
            let entries: Vec<Append<'_>> = frame.entries().map(|(_, entry)| entry).collect();
            self.log.append(&entries)?;
        }
        for table in tables {
            let (from, to) = (old.table(*table)?, self.table(*table)?);
            let mut after: Option<Vec<u8>> = None;
            loop {
                match guarded(|| from.next_key(&[], after.as_deref())) {
                    Ok(Some(key)) => {
                        match guarded(|| from.get(&key)) {
                            Ok(value) => to.put(&[(key.clone(), value)])?,
                            Err(_) => whole = false,
                        }
                        after = Some(key);
                    }
                    Ok(None) => break,
                    // Of what comes after a key that cannot be read nothing is known.
                    Err(_) => {
                        whole = false;
                        break;
                    }
                }
            }
        }
        Ok(whole)
    }

    /// Which of `entries` are known, and where; new ones get the ordinals they will have.
    fn place(&self, entries: &[Append<'_>]) -> Result<Vec<Appended>, Error> {
        let mut new = BTreeMap::new();
        let mut next = self.log.end();
        let mut places = Vec::with_capacity(entries.len());
        for entry in entries {
            let known = match new.get(&entry.id) {
                Some(at) => Some(*at),
                None => self.runs.find(Kind::Ids, &entry.id.0)?.first().copied(),
            };
            places.push(match known {
                Some(at) => Appended::Known(Ordinal(at)),
                None => {
                    new.insert(entry.id, next);
                    next += 1;
                    Appended::New(Ordinal(next - 1))
                }
            });
        }
        Ok(places)
    }

    fn append(&mut self, new: &[Append<'_>]) -> Result<(), Error> {
        let first = self.log.end();
        self.log.append(new)?;
        self.engine.make_durable()?;
        for (at, entry) in (first..).zip(new) {
            self.runs.add(at, entry);
        }
        if self.runs.is_full() { self.runs.write(&self.engine, self.log.end()) } else { Ok(()) }
    }

    /// The size up to which the database need not be measured, when that was noted.
    fn measure_above(&self) -> Option<u64> {
        let noted = guarded(|| self.meta.get(MEASURE)).ok()??;
        noted.try_into().ok().map(u64::from_le_bytes)
    }

    fn note_measured(&self, above: u64) -> Result<(), Error> {
        guarded(|| self.meta.set(MEASURE, &above.to_le_bytes()))
    }

    fn merge_small_frames(&self) -> Result<bool, Error> {
        let from = self.meta.get(MERGED)?.and_then(|from| from.try_into().ok()).map_or(0, u64::from_le_bytes);
        let merged = self.log.merge(from)?;
        if merged.changed {
            self.engine.make_durable()?;
        }
        if merged.next != from {
            self.meta.set(MERGED, &merged.next.to_le_bytes())?;
        }
        Ok(!merged.done)
    }
}

impl Disk {
    /// How many own entries no other ally is known to hold.
    #[must_use]
    pub fn outbox_len(&self) -> u64 {
        self.outbox.len() as u64
    }

    fn new(config: &Config, place: Place, parts: Parts, outbox: Outbox) -> Self {
        Self { parts, outbox, failed: None, free: config.free, ballast: config.ballast, place }
    }

    /// All keys of a table with this prefix, in order; of damaged values only the keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn survey(&self, table: Table, prefix: &[u8]) -> Result<Vec<Put>, Error> {
        self.look(|| {
            let (values, mut all) = (self.parts.table(table)?, Vec::<Put>::new());
            while let Some(key) = values.next_key(prefix, all.last().map(|(key, _)| &key[..]))? {
                let value = match values.get(&key) {
                    Err(Error::Corrupt { .. }) => None,
                    value => value?,
                };
                all.push((key, value));
            }
            Ok(all)
        })
    }

    /// Puts in the place of a value what nothing here ever wrote.
    #[cfg(test)]
    pub(crate) fn damage(&self, table: Table, key: &[u8]) {
        self.parts.tables[&table].damage(key);
    }

    /// Writes the indexes up to the end of the log, as after many entries: from then on opening does not read these.
    #[cfg(test)]
    pub(crate) fn cover(&mut self) {
        self.parts.runs.write(&self.parts.engine, self.parts.log.end()).unwrap();
    }

    /// Puts in the place of the last frame of the log what is none.
    #[cfg(test)]
    pub(crate) fn damage_last_frame(&self) {
        let log = self.parts.engine.tree("log").unwrap();
        let (key, _) = log.last().unwrap().unwrap();
        log.insert(key, b"no frame").unwrap();
        // The frame that was read last is held in memory.
        self.parts.log.frame(0).unwrap();
    }

    fn lay_ballast(&self) -> Result<(), Error> {
        self.place.lay_ballast(self.ballast, self.free)
    }

    fn set_mark(&self) -> Result<(), Error> {
        self.place.set_mark(Mark { epoch: self.parts.epoch, end: self.parts.log.end() })
    }

    /// Appends what of the outbox the log lacks.
    fn replay(&mut self, owned: &[Owned]) -> Result<u64, Error> {
        let entries: Vec<Append<'_>> = owned.iter().map(Owned::append).collect();
        let places = guarded(|| self.parts.place(&entries))?;
        let lacking = places.iter().filter(|place| matches!(place, Appended::New(_))).count() as u64;
        if lacking > 0 {
            self.append(&entries)?;
        }
        self.set_mark()?;
        Ok(lacking)
    }

    /// Nothing is written any more.
    fn stop(&mut self, error: &Error) {
        let full = matches!(error, Error::Full { .. });
        self.failed = Some(Failure { full, why: chain(error) });
    }

    /// Runs what only reads. Once sled could not write what is put off, it lets nobody read either.
    fn look<T>(&self, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        guarded(call).map_err(|error| self.place.explained(error, self.free))
    }

    /// Runs what writes, when writing is still allowed. After a failure of the disk or the engine it no longer is.
    fn write<T>(&mut self, call: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if let Some(Failure { full, why }) = self.failed.clone() {
            return Err(Error::ReadOnly { full, why });
        }
        let free = self.place.free()?;
        if free < self.free {
            return Err(self.place.full(free, self.free));
        }
        let outcome = guarded(|| call(self)).map_err(|error| self.place.explained(error, self.free));
        if let Err(error) = &outcome {
            match error {
                Error::Io { .. } | Error::Engine(_) | Error::Full { .. } | Error::ReadOnlyDisk(_) => self.stop(error),
                Error::Corrupt { .. }
                | Error::Newer { .. }
                | Error::Locked { .. }
                | Error::Denied(_)
                | Error::ReadOnly { .. }
                | Error::TooLarge { .. } => {}
            }
        }
        outcome
    }
}

impl Store for Disk {
    fn epoch(&self) -> Epoch {
        self.parts.epoch
    }

    fn end(&self) -> Ordinal {
        Ordinal(self.parts.log.end())
    }

    fn append(&mut self, entries: &[Append<'_>]) -> Result<Vec<Appended>, Error> {
        check_entries(entries)?;
        let places = self.look(|| self.parts.place(entries))?;
        let new = entries.iter().zip(&places).filter(|(_, place)| matches!(place, Appended::New(_)));
        let new: Vec<Append<'_>> = new.map(|(entry, _)| *entry).collect();
        if !new.is_empty() {
            self.write(|disk| {
                disk.outbox.keep(new.iter().filter(|entry| entry.own).copied())?;
                // Whatever stops this, frames beyond the end may have been written: the store must be opened anew.
                let appended = disk.parts.append(&new).map_err(|error| disk.place.explained(error, disk.free));
                appended.inspect_err(|error| disk.stop(error))?;
                disk.set_mark()
            })?;
        }
        Ok(places)
    }

    fn ordinal(&self, id: &EntryId) -> Result<Option<Ordinal>, Error> {
        self.look(|| Ok(self.parts.runs.find(Kind::Ids, &id.0)?.first().copied().map(Ordinal)))
    }

    fn matching(&self, item: &Item) -> Result<Vec<Ordinal>, Error> {
        self.look(|| Ok(ordinals(self.parts.runs.find(Kind::Ids, &item.0)?)))
    }

    fn of_change(&self, hash: &ChangeHash) -> Result<Vec<Ordinal>, Error> {
        self.look(|| Ok(ordinals(self.parts.runs.find(Kind::Changes, &hash.0)?)))
    }

    fn of_record(&self, record: &RecordId) -> Result<Vec<Ordinal>, Error> {
        self.look(|| Ok(ordinals(self.parts.runs.find(Kind::Records, &record.0)?)))
    }

    fn records(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<RecordId>, Error> {
        self.look(|| {
            let mut found = Vec::new();
            let mut after = after.map(|record| record.0);
            while found.len() < limit {
                after = self.parts.runs.next_name(Kind::Records, after.as_ref())?;
                let Some(record) = after else { break };
                found.push(RecordId(record));
            }
            Ok(found)
        })
    }

    fn read(&self, at: Ordinal) -> Result<Option<(EntryId, Vec<u8>)>, Error> {
        self.look(|| {
            let frame = self.parts.log.frame_of(at.0)?;
            Ok(frame.and_then(|frame| frame.entry(at.0).map(|entry| (entry.id, entry.bytes.to_vec()))))
        })
    }

    fn scan(&self, from: Ordinal, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.look(|| {
            self.parts.log.frames(from.0, &mut |frame| {
                let mut wanted = frame.entries().filter(|(at, _)| *at >= from.0);
                Ok(wanted.try_for_each(|(at, entry)| visit(Ordinal(at), entry.id, entry.bytes)))
            })
        })
    }

    fn ids(&self, from: Ordinal, visit: &mut dyn FnMut(Ordinal, EntryId) -> ControlFlow<()>) -> Result<(), Error> {
        self.look(|| self.parts.log.ids(from.0, &mut |at, id| visit(Ordinal(at), id)))
    }

    fn outbox(&self) -> Vec<EntryId> {
        self.outbox.ids()
    }

    fn confirm(&mut self, ids: &[EntryId]) -> Result<(), Error> {
        self.write(|disk| disk.outbox.confirm(ids))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.look(|| self.parts.table(table)?.get(key))
    }

    fn put(&mut self, table: Table, items: &[Put]) -> Result<(), Error> {
        check_puts(items)?;
        if items.is_empty() {
            return Ok(());
        }
        self.write(|disk| disk.parts.table(table)?.put(items))
    }

    fn list(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, Error> {
        self.look(|| self.parts.table(table)?.list(prefix, after, limit))
    }

    fn clear(&mut self, table: Table) -> Result<(), Error> {
        self.write(|disk| disk.parts.table(table)?.clear())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.write(|disk| disk.parts.engine.make_durable())
    }

    fn tidy(&mut self) -> Result<bool, Error> {
        self.write(|disk| {
            if disk.parts.runs.wants_merge() {
                disk.parts.runs.merge(&disk.parts.engine)?;
                return Ok(true);
            }
            disk.parts.merge_small_frames()
        })
    }
}

fn ordinals(found: Vec<u64>) -> Vec<Ordinal> {
    found.into_iter().map(Ordinal).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use essaim_protocol::store::conformance::{CHECKS, Sample};

    use super::*;

    fn config(dir: &Path) -> Config {
        Config { free: 0, ballast: 0, ..Config::new(dir) }
    }

    #[test]
    fn the_disk_is_a_store() {
        for check in CHECKS {
            let home = tempfile::tempdir().unwrap();
            let mut open = |before: Option<Box<dyn Store>>| -> Box<dyn Store> {
                drop(before);
                let (disk, report) = open(&config(home.path())).unwrap();
                assert!(report.repairs.is_empty(), "{}: {report:?}", check.name);
                Box::new(disk)
            };
            (check.run)(&mut open).unwrap_or_else(|error| panic!("{}: {error}", check.name));
            let (mut disk, _) = super::open(&config(home.path())).unwrap();
            let damaged = disk.check().unwrap().damaged;
            assert!(damaged.is_empty(), "{}: {damaged:?}", check.name);
        }
    }

    fn error(config: &Config) -> Error {
        open(config).map(|_| ()).unwrap_err()
    }

    fn append(disk: &mut Disk, range: std::ops::Range<u64>) -> Result<Vec<Appended>, Error> {
        let samples: Vec<Sample> = range.map(Sample::new).collect();
        disk.append(&samples.iter().map(Sample::append).collect::<Vec<_>>())
    }

    #[test]
    fn a_second_open_names_the_process_that_has_it() {
        let home = tempfile::tempdir().unwrap();
        let first = open(&config(home.path())).unwrap();
        let refused = error(&config(home.path()));
        assert!(matches!(refused, Error::Locked { pid: Some(pid) } if pid == std::process::id()), "{refused}");
        drop(first);
        open(&config(home.path())).unwrap();
    }

    #[test]
    fn a_newer_format_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        drop(open(&config(home.path())).unwrap());
        std::fs::write(home.path().join("format"), "essaim store 2\n").unwrap();
        let refused = error(&config(home.path()));
        assert!(matches!(refused, Error::Newer { found: 2, known: 1 }), "{refused}");
    }

    #[test]
    fn a_directory_without_permission_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let closed = home.path().join("closed");
        std::fs::create_dir(&closed).unwrap();
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).unwrap();
        // The superuser may write there all the same; nobody may create a directory in /sys.
        let superuser = std::fs::create_dir(closed.join("probe")).is_ok();
        let dir = if superuser { Path::new("/sys").join("essaim") } else { closed.join("store") };
        let refused = error(&config(&dir));
        assert!(matches!(&refused, Error::Denied(named) if *named == dir.display().to_string()), "{refused}");
    }

    #[test]
    fn a_full_disk_refuses_writes_and_keeps_what_is_there() {
        let home = tempfile::tempdir().unwrap();
        let (mut disk, _) = open(&config(home.path())).unwrap();
        append(&mut disk, 0..30).unwrap();
        disk.free = u64::MAX;
        let refused = append(&mut disk, 30..60).unwrap_err();
        assert!(matches!(refused, Error::Full { needed: u64::MAX, .. }), "{refused}");
        assert_eq!(append(&mut disk, 0..30).unwrap().len(), 30, "known entries need no room");
        assert_eq!(disk.end(), Ordinal(30));
        disk.free = 0;
        append(&mut disk, 30..60).unwrap();
        assert!(disk.check().unwrap().damaged.is_empty());
    }

    #[test]
    fn entries_that_only_the_outbox_has_wait_there_for_room_and_reading_goes_on() {
        let home = tempfile::tempdir().unwrap();
        let (mut disk, _) = open(&config(home.path())).unwrap();
        append(&mut disk, 0..30).unwrap();
        // As when the node is killed before the log is written.
        let ahead = Sample::new(30);
        disk.outbox.keep([Append { own: true, ..ahead.append() }].into_iter()).unwrap();
        drop(disk);
        for _ in 0..2 {
            let (disk, _) = open(&Config { free: u64::MAX, ..config(home.path()) }).unwrap();
            assert_eq!((disk.end(), disk.ordinal(&ahead.id()).unwrap()), (Ordinal(30), None));
            assert!(disk.read(Ordinal(29)).unwrap().is_some());
            assert!(disk.outbox().contains(&ahead.id()));
        }
        let (disk, _) = open(&config(home.path())).unwrap();
        assert_eq!(disk.ordinal(&ahead.id()).unwrap(), Some(Ordinal(30)));
    }

    #[test]
    fn the_ballast_is_laid_down_and_given_up() {
        let home = tempfile::tempdir().unwrap();
        let config = Config { ballast: 1 << 20, ..config(home.path()) };
        drop(open(&config).unwrap());
        assert_eq!(std::fs::metadata(home.path().join("ballast")).unwrap().len(), 1 << 20);
        let place = Place::take(home.path()).unwrap();
        assert!(place.drop_ballast().unwrap());
        assert!(!place.drop_ballast().unwrap());
        place.lay_ballast(1 << 20, u64::MAX - (1 << 20)).unwrap();
        assert!(!home.path().join("ballast").exists(), "no ballast where there is no room for it");
    }

    #[test]
    fn after_a_failed_write_the_store_is_read_only() {
        let home = tempfile::tempdir().unwrap();
        let (mut disk, _) = open(&config(home.path())).unwrap();
        append(&mut disk, 0..30).unwrap();
        let failed = disk.write(|_| -> Result<(), Error> { panic!("the engine's own words") });
        assert!(matches!(&failed, Err(Error::Engine(why)) if why == "the engine's own words"));
        let refused = append(&mut disk, 30..60).unwrap_err();
        assert!(
            matches!(&refused, Error::ReadOnly { full: false, why } if why == "the storage engine failed: the engine's own words"),
            "{refused}"
        );
        assert!(disk.read(Ordinal(29)).unwrap().is_some(), "reading goes on");
    }

    #[test]
    fn indexes_in_many_runs_answer_as_one() {
        let home = tempfile::tempdir().unwrap();
        let (mut disk, _) = open(&config(home.path())).unwrap();
        for first in (0..2000).step_by(100) {
            append(&mut disk, first..first + 100).unwrap();
            disk.parts.runs.write(&disk.parts.engine, first + 100).unwrap();
        }
        let found = |disk: &Disk| -> Vec<Option<Ordinal>> {
            (0..2100).map(|n| disk.ordinal(&Sample::new(n).id()).unwrap()).collect()
        };
        let expected: Vec<_> = (0..2100).map(|n| (n < 2000).then_some(Ordinal(n))).collect();
        assert_eq!(found(&disk), expected);
        while disk.tidy().unwrap() {}
        assert_eq!(found(&disk), expected);
        assert!(disk.check().unwrap().damaged.is_empty());
        drop(disk);
        let (mut disk, report) = rebuild(&config(home.path())).unwrap();
        assert_eq!(report, Report::default());
        assert_eq!(found(&disk), expected);
        assert!(disk.check().unwrap().damaged.is_empty());
    }
}
