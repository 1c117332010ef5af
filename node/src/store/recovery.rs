//! Opening a store whatever state it is in, and telling what was done to it.
//!
//! An open that fails, or panics inside sled, is tried again without sled's snapshots, which repairs most. If that fails
//! too the database moves to `quarantine/` and a new one begins, with a new epoch, from the outbox; what others hold
//! comes back by sync. A database that opens but has less than was acknowledged, or a damaged frame, is not written to
//! again: sled was seen to lose what it was given after such an open. What is whole in it is copied to a new one, under
//! a new epoch, because what peers noted about our ordinals no longer holds.
//!
//! A sound database in which little is left is copied as it is, to give the room back: its epoch stays, and nothing is told.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use essaim_protocol::api::chain;
use essaim_protocol::store::Error;
use serde::{Deserialize, Serialize};

use super::engine::{Engine, guarded, sync_dir};
use super::outbox::Outbox;
use super::place::{Mark, Place};
use super::{Config, Disk, Parts};

/// A database of more than so many times what is in it is written anew. Under the writes that a node makes sled was measured
/// to take twice that; with less, opening would write it anew for nothing.
const GROWN: u64 = 4;

/// What opening found and did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// There was no store here before.
    pub created: bool,
    /// What had to be mended, in order.
    pub repairs: Vec<Repair>,
}

/// Something that was mended on opening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Repair {
    /// The disk is so full that the ballast was given up to open at all.
    BallastGivenUp,
    /// The database opened only without its snapshots.
    SnapshotsDropped {
        /// What the first attempt said.
        why: String,
    },
    /// The database could not be opened. It was moved away and a new one begun.
    Quarantined {
        /// Where it is now.
        to: PathBuf,
        /// What the last attempt said.
        why: String,
    },
    /// The indexes did not fit the log and were built again.
    Reindexed {
        /// What was wrong with them.
        why: String,
    },
    /// The database had lost or damaged entries. What was whole is in a new one; the old was moved away.
    Salvaged {
        /// Where the old one is.
        to: PathBuf,
        /// What was wrong with it.
        why: String,
    },
    /// Entries that were acknowledged are gone; allies may have them.
    EntriesLost {
        /// How many, at most.
        entries: u64,
    },
    /// The outbox was damaged; what was whole in it is kept, the file is in the quarantine.
    OutboxDamaged {
        /// Damaged stretches.
        frames: u64,
    },
    /// Own entries that the database had lost came back from the outbox.
    Replayed {
        /// How many.
        entries: u64,
    },
}

/// Opens the store of `config`, creating or mending it as needed. When `thorough`, the whole log is read and everything
/// that is derived from it is built anew.
pub(super) fn open(config: &Config, thorough: bool) -> Result<(Disk, Report), Error> {
    let place = Place::take(&config.dir)?;
    let mark = place.mark();
    let created = mark.is_none() && !place.database().join("db").exists();
    let mut report = Report { created, repairs: Vec::new() };
    finish_replacing(&place, &mut report)?;
    if place.free()? < config.ballast && place.drop_ballast()? {
        report.repairs.push(Repair::BallastGivenUp);
    }
    let free = place.free()?;
    if thorough && free < config.free {
        // Begun and not ended, it would leave a store without what is derived from it, and no room to derive it.
        return Err(place.full(free, config.free));
    }
    let quarantine = place.quarantine();
    let parts = open_parts(config, &place.database(), &quarantine, &mut report)
        .and_then(|parts| mend(config, parts, mark, thorough, &place, &mut report))
        .and_then(|parts| compact(config, parts, thorough, &place))
        .map_err(|error| place.explained(error, config.free))?;
    let (outbox, owned, damage) = Outbox::open(&place.outbox(), &quarantine)?;
    // Both directories stand in this one, and may be new.
    sync_dir(&config.dir)?;
    if damage.frames > 0 {
        report.repairs.push(Repair::OutboxDamaged { frames: damage.frames });
    }
    let mut disk = Disk::new(config, place, parts, outbox);
    let entries = match disk.replay(&owned) {
        Err(error @ (Error::Full { .. } | Error::ReadOnlyDisk(_))) => {
            // They stay in the outbox until an opening finds room; everything else can be read meanwhile.
            tracing::warn!(%error, "own entries wait in the outbox for room on the disk");
            0
        }
        replayed => replayed?,
    };
    // A crash between the outbox and the log leaves entries of a write that was not acknowledged: no repair.
    if entries > 0 && !report.repairs.is_empty() {
        report.repairs.push(Repair::Replayed { entries });
    }
    disk.lay_ballast()?;
    Ok((disk, report))
}

fn open_parts(config: &Config, dir: &Path, quarantine: &Path, report: &mut Report) -> Result<Parts, Error> {
    let attempt = || guarded(|| Parts::open(Engine::open(dir, config.cache)?));
    let first = match attempt() {
        Err(error) if is_damage(&error) => error,
        outcome => return outcome,
    };
    let second = if drop_snapshots(dir)? {
        match attempt() {
            Err(error) if is_damage(&error) => error,
            outcome => {
                report.repairs.push(Repair::SnapshotsDropped { why: chain(&first) });
                return outcome;
            }
        }
    } else {
        first
    };
    move_to(dir, quarantine)?;
    report.repairs.push(Repair::Quarantined { to: quarantine.to_path_buf(), why: chain(&second) });
    attempt()
}

/// Brings the indexes up to the log and compares the log with what was acknowledged; salvages what does not fit.
fn mend(
    config: &Config,
    mut parts: Parts,
    mark: Option<Mark>,
    thorough: bool,
    place: &Place,
    report: &mut Report,
) -> Result<Parts, Error> {
    let mut outcome = guarded(|| if thorough { parts.derive_anew() } else { parts.catch_up() });
    if let Err(error) = &outcome
        && is_damage(error)
    {
        report.repairs.push(Repair::Reindexed { why: chain(error) });
        outcome = guarded(|| parts.derive_anew());
    }
    let had = mark.map_or(0, |mark| mark.end).max(parts.log.end());
    let fits = mark.is_none_or(|mark| mark.epoch == parts.epoch && mark.end <= parts.log.end());
    let anew =
        report.repairs.iter().any(|repair| matches!(repair, Repair::Quarantined { .. } | Repair::Salvaged { .. }));
    match outcome {
        Err(error) if is_damage(&error) => parts = salvage(config, parts, chain(&error), place, report)?,
        Err(error) => return Err(error),
        Ok(()) if fits || anew => {}
        Ok(()) => parts = salvage(config, parts, "it has less than was acknowledged".to_owned(), place, report)?,
    }
    let lost = had.saturating_sub(parts.log.end());
    if lost > 0 {
        report.repairs.push(Repair::EntriesLost { entries: lost });
    }
    Ok(parts)
}

/// Puts a copy in place that a crash left beside the empty place of the old database: that is moved away only once the new
/// one is whole. A sound one that was written anew is needed no more then.
fn finish_replacing(place: &Place, report: &mut Report) -> Result<(), Error> {
    let (dir, new_dir, old_dir) = (place.database(), place.salvage(), place.replaced());
    if !dir.exists() && new_dir.exists() {
        put_in_place(&new_dir, &dir)?;
        if !old_dir.exists() {
            let why = "saving what was whole in it was interrupted".to_owned();
            report.repairs.push(Repair::Salvaged { to: place.quarantines(), why });
        }
    }
    if dir.exists() { remove(&old_dir) } else { Ok(()) }
}

/// Copies what is whole to a new database and puts that in the place of the old.
fn salvage(config: &Config, old: Parts, why: String, place: &Place, report: &mut Report) -> Result<Parts, Error> {
    let (dir, quarantine) = (place.database(), place.quarantine());
    let new_dir = place.salvage();
    remove(&new_dir)?;
    guarded(|| {
        let mut new = Parts::open(Engine::open(&new_dir, config.cache)?)?;
        new.salvage(&old)
    })?;
    drop(old);
    // Killed from here on, opening again finds the new one and puts it in place.
    dir.parent().map_or(Ok(()), sync_dir)?;
    move_to(&dir, &quarantine)?;
    put_in_place(&new_dir, &dir)?;
    report.repairs.push(Repair::Salvaged { to: quarantine, why });
    reopened(config, &dir)
}

/// Writes a database anew that takes far more room than what is in it, as it is: with its epoch, every place and every table.
/// Where there is no room for both, or not all of it is whole, the old one goes on.
///
/// Measuring reads the whole database. So it is noted up to which size that would be in vain: below, opening measures only
/// when it is `thorough`, as after much was taken out.
fn compact(config: &Config, old: Parts, thorough: bool, place: &Place) -> Result<Parts, Error> {
    let size = guarded(|| old.engine.size_on_disk())?;
    let in_vain = !thorough && old.measure_above().is_some_and(|above| size <= above);
    if size <= config.roomy || in_vain {
        return Ok(old);
    }
    // One that cannot be read to its end is left as it is: what is damaged there is told when it is needed.
    let Ok(live) = guarded(|| old.engine.live()) else { return Ok(old) };
    let free = place.free()?;
    if size <= GROWN * live && free >= config.free {
        old.note_measured(GROWN * live)?;
    }
    if size <= GROWN * live || free < config.free.saturating_add(GROWN * live) {
        return Ok(old);
    }
    let (dir, new_dir, old_dir) = (place.database(), place.salvage(), place.replaced());
    remove(&new_dir)?;
    match guarded(|| Parts::open(Engine::open(&new_dir, config.cache)?)?.become_as(&old)) {
        Ok(true) => {}
        failed => {
            tracing::warn!(?failed, size, live, "the database takes much room and could not be written anew");
            remove(&new_dir)?;
            return put_off(&old, size, &failed).map(|()| old);
        }
    }
    drop(old);
    tracing::info!(size, live, "the database was written anew: little was left in it");
    // Killed from here on, opening again puts the new one in place and removes the old.
    dir.parent().map_or(Ok(()), sync_dir)?;
    fs::rename(&dir, &old_dir).map_err(|source| Error::Io { doing: "making place for the new database", source })?;
    put_in_place(&new_dir, &dir)?;
    remove(&old_dir)?;
    reopened(config, &dir)
}

/// Not all of it being whole will be so at the next opening too. Whatever else failed, as on a full disk, may pass.
fn put_off(old: &Parts, size: u64, failed: &Result<bool, Error>) -> Result<(), Error> {
    if failed.is_ok() { old.note_measured(2 * size) } else { Ok(()) }
}

fn reopened(config: &Config, dir: &Path) -> Result<Parts, Error> {
    guarded(|| {
        let mut parts = Parts::open(Engine::open(dir, config.cache)?)?;
        parts.catch_up()?;
        Ok(parts)
    })
}

fn remove(copy: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(copy) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|source| Error::Io { doing: "removing a copy of the database", source }),
    }
}

/// Errors that mending may cure. A full disk, a missing permission or a lock is not damage.
pub(super) fn is_damage(error: &Error) -> bool {
    match error {
        Error::Corrupt { .. } | Error::Engine(_) => true,
        Error::Io { source, .. } => {
            matches!(source.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::Other)
        }
        Error::Full { .. }
        | Error::Newer { .. }
        | Error::Locked { .. }
        | Error::Denied(_)
        | Error::ReadOnlyDisk(_)
        | Error::ReadOnly { .. }
        | Error::TooLarge { .. } => false,
    }
}

/// Removes sled's snapshots; it reads its whole log instead. Tells whether there were any.
fn drop_snapshots(dir: &Path) -> Result<bool, Error> {
    let io = |source| Error::Io { doing: "dropping snapshots", source };
    let mut dropped = false;
    for file in fs::read_dir(dir).map_err(io)? {
        let file = file.map_err(io)?;
        if file.file_name().to_string_lossy().starts_with("snap.") {
            fs::remove_file(file.path()).map_err(io)?;
            dropped = true;
        }
    }
    Ok(dropped)
}

fn put_in_place(new_dir: &Path, dir: &Path) -> Result<(), Error> {
    let io = |source| Error::Io { doing: "putting the new database in place", source };
    fs::rename(new_dir, dir).map_err(io)?;
    dir.parent().map_or(Ok(()), sync_dir)
}

fn move_to(dir: &Path, quarantine: &Path) -> Result<(), Error> {
    let io = |source| Error::Io { doing: "moving the damaged database away", source };
    fs::create_dir_all(quarantine).map_err(io)?;
    fs::rename(dir, quarantine.join("database")).map_err(io)?;
    sync_dir(quarantine)?;
    dir.parent().map_or(Ok(()), sync_dir)
}

#[cfg(test)]
mod tests {
    use essaim_protocol::store::Store as _;
    use essaim_protocol::store::conformance::Sample;
    use tempfile::TempDir;

    use super::*;
    use crate::store;

    /// Entries in the store that is damaged; every third is our own.
    const ENTRIES: u64 = 600;

    fn config(dir: &Path) -> Config {
        Config { free: 0, ballast: 0, ..Config::new(dir) }
    }

    fn entry(n: u64) -> Sample {
        let mut sample = Sample::new(n);
        sample.own = n.is_multiple_of(3);
        sample
    }

    fn append(disk: &mut Disk, range: std::ops::Range<u64>) {
        let samples: Vec<_> = range.map(entry).collect();
        disk.append(&samples.iter().map(Sample::append).collect::<Vec<_>>()).unwrap();
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for file in fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            let to = to.join(file.file_name());
            if file.file_type().unwrap().is_dir() {
                copy(&file.path(), &to);
            } else {
                fs::copy(file.path(), to).unwrap();
            }
        }
    }

    /// Images of one store: as a clean close leaves it, and as killing its process does.
    fn images() -> (TempDir, [PathBuf; 2]) {
        let home = tempfile::tempdir().unwrap();
        let [live, closed, killed] = ["live", "closed", "killed"].map(|name| home.path().join(name));
        let (mut disk, _) = store::open(&config(&live)).unwrap();
        append(&mut disk, 0..400);
        disk.parts.runs.write(&disk.parts.engine, 400).unwrap();
        drop(disk);
        let (mut disk, _) = store::open(&config(&live)).unwrap();
        for n in (400..ENTRIES).step_by(20) {
            append(&mut disk, n..n + 20);
        }
        disk.put(store::Table::Views, &[(b"a".to_vec(), Some(vec![1; 100_000]))]).unwrap();
        disk.sync().unwrap();
        copy(&live, &killed);
        drop(disk);
        copy(&live, &closed);
        (home, [closed, killed])
    }

    fn files(dir: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for file in fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()) {
            if file.is_dir() { found.extend(files(&file)) } else { found.push(file) }
        }
        found.sort();
        found
    }

    /// What happens to the bytes of a file.
    type Damage = Box<dyn Fn(&mut Vec<u8>)>;

    /// What one damaged byte range of a file can look like.
    fn damages(length: usize) -> Vec<(String, Damage)> {
        let mut all: Vec<(String, Damage)> = Vec::new();
        for part in [0, 1, 4, 7, 9] {
            let at = (length * part / 10).min(length.saturating_sub(1));
            all.push((format!("truncated at {at}"), Box::new(move |bytes| bytes.truncate(at))));
            if length > 0 {
                all.push((format!("a bit flipped at {at}"), Box::new(move |bytes| bytes[at] ^= 16)));
                let end = (at + 4096).min(length);
                all.push((format!("zeroed at {at}"), Box::new(move |bytes| bytes[at..end].fill(0))));
            }
        }
        all
    }

    /// The store opens; what is not there was told; own entries are all there; it takes entries and opens again.
    fn survives(dir: &Path, case: &str) {
        let (mut disk, report) = store::open(&config(dir)).unwrap_or_else(|error| panic!("{case}: {}", chain(&error)));
        let missing: Vec<u64> = (0..ENTRIES).filter(|n| disk.ordinal(&entry(*n).id()).unwrap().is_none()).collect();
        assert!(missing.is_empty() || !report.repairs.is_empty(), "{case}: {} lost in silence", missing.len());
        let outbox_harmed = case.contains("outbox");
        assert!(outbox_harmed || missing.iter().all(|n| n % 3 != 0), "{case}: an own entry is lost: {report:?}");
        append(&mut disk, 0..ENTRIES + 5);
        for n in 0..ENTRIES + 5 {
            let at = disk.ordinal(&entry(n).id()).unwrap().unwrap_or_else(|| panic!("{case}: {n} is not there"));
            let (id, bytes) = disk.read(at).unwrap().unwrap_or_else(|| panic!("{case}: {n} cannot be read"));
            assert_eq!((id, &bytes[..]), (entry(n).id(), entry(n).append().bytes), "{case}");
        }
        drop(disk);
        let (mut disk, report) = store::open(&config(dir)).unwrap();
        assert_eq!(report, Report::default(), "{case}: mended once");
        let damaged = disk.check().unwrap().damaged;
        assert!(damaged.iter().all(|found| !matches!(found.cure, store::Cure::RebuildAndSync)), "{case}: {damaged:?}");
    }

    #[test]
    fn killed_at_any_step_of_a_salvage_nothing_whole_is_lost() {
        let (home, [_, killed]) = images();
        let half = |dir: &Path| {
            let unfinished = dir.join("database.new");
            copy(&killed.join("database"), &unfinished);
            fs::write(unfinished.join("db"), b"half a page").unwrap();
        };
        let whole = |dir: &Path| copy(&killed.join("database"), &dir.join("database.new"));
        let moved = |dir: &Path| {
            whole(dir);
            move_to(&dir.join("database"), &dir.join("quarantine").join("1")).unwrap();
        };
        type Step<'a> = (&'a str, &'a dyn Fn(&Path));
        let steps: [Step<'_>; 3] =
            [("the new one is half written", &half), ("it is whole", &whole), ("the old one is moved away", &moved)];
        for (step, as_killed) in steps {
            let dir = home.path().join("case");
            copy(&killed, &dir);
            as_killed(&dir);
            let (disk, report) = store::open(&config(&dir)).unwrap();
            assert_eq!(disk.end().0, ENTRIES, "{step}: {report:?}");
            let told = report.repairs.iter().any(|repair| matches!(repair, Repair::Salvaged { .. }));
            assert_eq!(told, !dir.join("database.new").exists(), "{step}: {report:?}");
            drop(disk);
            fs::remove_dir_all(&dir).unwrap();
        }
    }

    #[test]
    fn killed_while_a_sound_database_is_replaced_the_copy_goes_on_and_nothing_is_told() {
        let (home, [closed, _]) = images();
        for new_stands in [false, true] {
            let dir = home.path().join("case");
            copy(&closed, &dir);
            fs::rename(dir.join("database"), dir.join("database.old")).unwrap();
            copy(&closed.join("database"), &dir.join(if new_stands { "database" } else { "database.new" }));
            let (disk, report) = store::open(&config(&dir)).unwrap();
            assert_eq!((disk.end().0, report), (ENTRIES, Report::default()));
            drop(disk);
            let left = ["database.new", "database.old", "quarantine"].map(|name| dir.join(name).exists());
            assert_eq!((left, dir.join("database").exists()), ([false; 3], true));
            fs::remove_dir_all(&dir).unwrap();
        }
    }

    /// Puts something else in the place of a frame, in a store that is closed.
    fn spoil_a_frame(dir: &Path) {
        let engine = Engine::open(&dir.join("database"), 1 << 20).unwrap();
        let log = engine.tree("log").unwrap();
        let (key, _) = log.iter().nth(1).unwrap().unwrap();
        log.insert(key, b"no frame").unwrap();
        engine.make_durable().unwrap();
        drop((log, engine));
    }

    #[test]
    fn a_salvage_tells_how_many_entries_it_could_not_save() {
        let (home, [_, killed]) = images();
        let dir = home.path().join("case");
        copy(&killed, &dir);
        spoil_a_frame(&dir);
        let (disk, report) = store::rebuild(&config(&dir)).unwrap();
        let missing = (0..ENTRIES).filter(|n| disk.ordinal(&entry(*n).id()).unwrap().is_none()).count();
        assert!(missing > 0);
        let lost = report.repairs.iter().find_map(|repair| match repair {
            Repair::EntriesLost { entries } => Some(*entries),
            Repair::BallastGivenUp
            | Repair::SnapshotsDropped { .. }
            | Repair::Quarantined { .. }
            | Repair::Reindexed { .. }
            | Repair::Salvaged { .. }
            | Repair::OutboxDamaged { .. }
            | Repair::Replayed { .. } => None,
        });
        assert!(lost.is_some_and(|lost| lost >= missing as u64), "{missing} are missing: {report:?}");
    }

    fn view(n: u8) -> store::Put {
        (vec![n; 32], Some(vec![n; 1 << 20]))
    }

    /// A store that takes far more room than what is in it.
    fn roomy_store(dir: &Path) -> Disk {
        let (mut disk, _) = store::open(&config(dir)).unwrap();
        append(&mut disk, 0..ENTRIES);
        for _ in 0..6 {
            disk.put(store::Table::Views, &(0..6).map(view).collect::<Vec<_>>()).unwrap();
        }
        disk.put(store::Table::Views, &(1..6).map(|n| (vec![n; 32], None)).collect::<Vec<_>>()).unwrap();
        disk.put(store::Table::Peers, &[(b"bob".to_vec(), Some(b"met".to_vec()))]).unwrap();
        disk.sync().unwrap();
        disk
    }

    #[test]
    fn a_database_of_which_not_all_is_whole_is_not_written_anew() {
        use std::os::unix::fs::MetadataExt as _;
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        let mut disk = roomy_store(dir);
        disk.put(store::Table::Peers, &[(b"carol".to_vec(), Some(b"met".to_vec()))]).unwrap();
        disk.damage(store::Table::Peers, b"bob");
        disk.sync().unwrap();
        drop(disk);
        let number = || fs::metadata(dir.join("database/db")).unwrap().ino();
        let before = number();
        let roomy = Config { roomy: 1 << 20, ..config(dir) };
        let (mut disk, report) = store::open(&roomy).unwrap();
        assert_eq!((report, number()), (Report::default(), before), "the damage is still there to be told");
        assert_eq!(disk.check().unwrap().damaged.len(), 1);
        assert_eq!(disk.get(store::Table::Peers, b"carol").unwrap(), Some(b"met".to_vec()));
        assert!(!dir.join("database.new").exists());
        let size = disk.parts.engine.size_on_disk().unwrap();
        assert!(disk.parts.measure_above().unwrap() > size, "the next opening does not try again");
        disk.put(store::Table::Peers, &[(b"bob".to_vec(), Some(b"met again".to_vec()))]).unwrap();
        disk.sync().unwrap();
        drop(disk);
        drop(store::rebuild(&roomy).unwrap());
        assert!(number() != before, "once it is whole");
    }

    #[test]
    fn writing_anew_is_put_off_for_damage_alone() {
        let home = tempfile::tempdir().unwrap();
        let (disk, _) = store::open(&config(home.path())).unwrap();
        let full = Err(Error::Full { path: String::new(), free: 0, needed: 1 });
        for (failed, above) in [(full, None), (Ok(false), Some(10))] {
            put_off(&disk.parts, 5, &failed).unwrap();
            assert_eq!(disk.parts.measure_above(), above, "{failed:?}");
        }
    }

    #[test]
    fn a_database_that_is_full_of_what_it_holds_is_measured_once() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        let (mut disk, _) = store::open(&config(dir)).unwrap();
        disk.put(store::Table::Views, &(0..6).map(view).collect::<Vec<_>>()).unwrap();
        disk.sync().unwrap();
        drop(disk);
        let roomy = Config { roomy: 1 << 20, ..config(dir) };
        let (disk, _) = store::open(&roomy).unwrap();
        let (above, size) = (disk.parts.measure_above().unwrap(), disk.parts.engine.size_on_disk().unwrap());
        assert!(above >= GROWN * (6 << 20) && above > size, "{above} {size}");
    }

    #[test]
    fn a_database_that_takes_far_more_room_than_what_is_in_it_is_written_anew_as_it_was() {
        use std::os::unix::fs::MetadataExt as _;
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        let db = || fs::metadata(dir.join("database/db")).unwrap();
        let disk = roomy_store(dir);
        let epoch = disk.epoch();
        drop(disk);
        let before = db();
        let (disk, report) = store::open(&config(dir)).unwrap();
        assert_eq!(
            (report, db().ino()),
            (Report::default(), before.ino()),
            "below a size that matters nothing is done"
        );
        drop(disk);

        let roomy = Config { roomy: 1 << 20, ..config(dir) };
        let (mut disk, report) = store::open(&roomy).unwrap();
        assert_eq!(report, Report::default());
        assert!(db().ino() != before.ino() && db().len() < before.len(), "{} of {} bytes", db().len(), before.len());
        assert_eq!((disk.epoch(), disk.end().0), (epoch, ENTRIES));
        for n in 0..ENTRIES {
            assert_eq!(disk.ordinal(&entry(n).id()).unwrap().map(|at| at.0), Some(n));
        }
        assert_eq!(disk.get(store::Table::Views, &[0; 32]).unwrap(), view(0).1);
        assert_eq!(disk.get(store::Table::Peers, b"bob").unwrap(), Some(b"met".to_vec()));
        assert!(disk.check().unwrap().damaged.is_empty());
        let left = ["database.new", "database.old", "quarantine"].map(|name| dir.join(name).exists());
        assert_eq!(left, [false; 3], "the old one is not kept");
    }

    #[test]
    fn a_salvage_takes_over_the_notes_around_a_damaged_one() {
        let (home, [_, killed]) = images();
        let dir = home.path().join("case");
        copy(&killed, &dir);
        let (mut disk, _) = store::open(&config(&dir)).unwrap();
        let note = |n: u8| (vec![n; 32], Some(vec![n; 40_000]));
        disk.put(store::Table::Peers, &[note(1), note(2), note(3)]).unwrap();
        disk.damage(store::Table::Peers, &[2; 32]);
        disk.sync().unwrap();
        drop(disk);
        spoil_a_frame(&dir);
        let (disk, report) = store::rebuild(&config(&dir)).unwrap();
        assert!(report.repairs.iter().any(|repair| matches!(repair, Repair::Salvaged { .. })), "{report:?}");
        let kept: Vec<_> = [1, 2, 3].map(|n| disk.get(store::Table::Peers, &[n; 32]).unwrap()).into();
        assert_eq!(kept, [note(1).1, None, note(3).1]);
    }

    #[test]
    fn a_damaged_file_is_mended_or_put_away_and_always_told() {
        let (home, images) = images();
        for image in &images {
            for file in files(image) {
                let name = file.strip_prefix(image).unwrap();
                let whole = fs::read(&file).unwrap();
                let mut cases =
                    damages(whole.trim_ascii_end().len().min(whole.iter().rposition(|b| *b != 0).unwrap_or(0) + 1));
                cases.push(("deleted".to_owned(), Box::new(|_| {})));
                for (damage, apply) in cases {
                    let case = format!("{} {damage}", file.strip_prefix(home.path()).unwrap().display());
                    let dir = home.path().join("case");
                    copy(image, &dir);
                    let mut bytes = whole.clone();
                    apply(&mut bytes);
                    fs::write(dir.join(name), bytes).unwrap();
                    if damage == "deleted" {
                        fs::remove_file(dir.join(name)).unwrap();
                    }
                    survives(&dir, &case);
                    fs::remove_dir_all(&dir).unwrap();
                }
            }
        }
    }
}
