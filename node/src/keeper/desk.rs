//! What a keeper has on its desk: one commons, open.
//!
//! The story of a change: a person saves, [`Desk::save`] drafts and seals it, [`Desk::take_in`] appends it (durable now)
//! and notes the record as *stale*; whoever reads the record has it folded first, and the rest is folded when nobody asks
//! for anything, on other threads.
//! What a peer sends takes the same way in. Nothing on the way in opens a document.

mod folding;
mod members;
mod places;
mod reading;
mod sessions;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use essaim_protocol::commons::{Commons, Ingested};
use essaim_protocol::entry::Entry;
use essaim_protocol::id::{AllyId, CommonsId, NetworkKey, RecordId};
use essaim_protocol::record::fold::{FoldError, StackError};
use essaim_protocol::roster::{AuthorError, Roster};
use essaim_protocol::sign::{Keys, Verified};
use essaim_protocol::store::{self, Ordinal, Store as _, Table};
use essaim_protocol::time::Timestamp;
use tokio::sync::watch;

pub use members::{About, JoinError, Prospect, about, charter_hash};
pub(crate) use places::{department, scope};
pub use reading::{Quarantined, ReadError, Sheet};
pub(crate) use sessions::misdeed;
pub use sessions::{SessionId, Wanted};
pub(crate) use writing::IMPORT_BATCH;
pub use writing::{Imported, Made, SaveError, Saved};

use self::folding::AtHand;
use self::reading::INDEX_STEP;

use super::folder::{Allies, Folder, Fresh};
use crate::home::make_dir;
use crate::index::{Index, IndexError};
use crate::store::{Disk, Repair, Report};

/// Silence in a session after which background work goes on: longer than a frame takes to come.
const LULL: Duration = Duration::from_millis(500);

/// How long the index is left alone after it failed: until then a search answers from what was indexed before. On a full
/// disk each try indexes all that is lacking, in vain.
const INDEX_RESTS: Duration = Duration::from_secs(5);

/// The note of repairs that nobody was told of, and most of them: a store that has to be mended at every opening tells it
/// often enough.
const REPAIRS: &[u8] = b"repairs";
const MAX_REPAIRS: usize = 100;

/// Why a commons cannot be opened or goes on no more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Its index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A record could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// This device may not sign here.
    #[error(transparent)]
    Author(#[from] AuthorError),
}

/// The store of the commons in `dir`, which leaves `free` bytes on the disk.
#[must_use]
pub fn store_config(dir: &Path, free: u64) -> crate::store::Config {
    crate::store::Config { free, ..crate::store::Config::new(dir.join("store")) }
}

/// An open commons.
#[derive(Debug)]
pub struct Desk {
    keys: Keys,
    dir: PathBuf,
    store: Disk,
    repairs: Vec<Repair>,
    commons: Commons,
    index: Index,
    /// Records whose view is older than their changes.
    stale: BTreeSet<RecordId>,
    /// Records that are being folded, or folded and not kept yet.
    asked: BTreeSet<RecordId>,
    /// Records that could not be folded, and why.
    unfoldable: BTreeMap<RecordId, String>,
    /// How many records there are, once somebody asked.
    counted: Option<reading::Counted>,
    folder: Folder,
    /// Folded and not kept yet, each up to a place in the log.
    done: Vec<(RecordId, Ordinal, Fresh)>,
    /// Documents that somebody read or wrote lately, the last one last.
    at_hand: Vec<AtHand>,
    /// Whose each device is, until the roster changes.
    allies: Option<Arc<Allies>>,
    /// Records whose view is newer than the index.
    unindexed: BTreeSet<RecordId>,
    /// Records that are newer than the index in nothing but the territory where they take place.
    displaced: BTreeSet<RecordId>,
    /// The index was handed views that no search sees yet.
    uncommitted: bool,
    /// When the index last failed.
    index_failed: Option<Instant>,
    sessions: BTreeMap<SessionId, sessions::Open>,
    next_session: u64,
    knocks: members::Knocks,
    /// When a session last did something.
    heard: Instant,
    finished: bool,
    /// How many entries there are, for whoever waits for news.
    news: watch::Sender<u64>,
    /// Devices of other allies in good standing, for whoever cannot wait.
    members: watch::Sender<BTreeSet<NetworkKey>>,
}

impl Desk {
    /// Opens the commons in `dir`, made if it is not there. Nothing is written while fewer than `free` bytes are free.
    ///
    /// # Errors
    /// [`Error`] when the store or the index cannot be opened. A store that had to be repaired or begun anew opens; what
    /// was done stands in [`Desk::repairs`].
    pub fn open(dir: &Path, id: CommonsId, keys: Keys, free: u64) -> Result<Self, Error> {
        make_dir(dir).map_err(|source| store::Error::Io { doing: "making the directory of the commons", source })?;
        Self::over(dir, id, keys, crate::store::open(&store_config(dir, free))?)
    }

    /// Opens the commons in `dir` with everything built anew that can be: indexes, views, documents, the search index.
    ///
    /// # Errors
    /// As [`Desk::open`].
    pub fn rebuild(dir: &Path, id: CommonsId, keys: Keys, free: u64) -> Result<Self, Error> {
        let store = crate::store::rebuild(&store_config(dir, free))?;
        let index = dir.join("index");
        // Opening builds a damaged directory again; of what is none it knows nothing.
        if index.exists() && !index.is_dir() {
            let doing = "removing what is in the place of the search index";
            fs::remove_file(&index).map_err(|source| store::Error::Io { doing, source })?;
        }
        let mut desk = Self::over(dir, id, keys, store)?;
        desk.derive_anew()?;
        Ok(desk)
    }

    fn over(dir: &Path, id: CommonsId, keys: Keys, (mut store, report): (Disk, Report)) -> Result<Self, Error> {
        let repairs = note_repairs(&mut store, report.repairs)?;
        let commons = Commons::open(id, keys.key(), &store)?;
        let index = Index::open(&dir.join("index"))?;
        let (news, _) = watch::channel(commons.end().0);
        let mut desk = Self {
            keys,
            dir: dir.to_owned(),
            store,
            repairs,
            commons,
            index,
            stale: BTreeSet::new(),
            asked: BTreeSet::new(),
            unfoldable: BTreeMap::new(),
            counted: None,
            folder: Folder::start()
                .map_err(|error| Error::Read(FoldError::Stack(StackError::NoThread(error)).into()))?,
            done: Vec::new(),
            at_hand: Vec::new(),
            allies: None,
            unindexed: BTreeSet::new(),
            displaced: BTreeSet::new(),
            uncommitted: false,
            index_failed: None,
            sessions: BTreeMap::new(),
            next_session: 0,
            knocks: members::Knocks::default(),
            heard: Instant::now(),
            finished: false,
            news,
            members: watch::Sender::default(),
        };
        desk.roster_changed();
        desk.find_stale()?;
        Ok(desk)
    }

    /// Which commons.
    #[must_use]
    pub const fn id(&self) -> CommonsId {
        self.commons.id()
    }

    /// Who is in.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        self.commons.roster()
    }

    /// The state of the commons.
    #[must_use]
    pub const fn commons(&self) -> &Commons {
        &self.commons
    }

    /// The store, for what only looks.
    #[must_use]
    pub const fn store(&self) -> &Disk {
        &self.store
    }

    /// The store, for checks and repairs.
    pub const fn store_mut(&mut self) -> &mut Disk {
        &mut self.store
    }

    /// What had to be mended in the store, now or in earlier runs, until somebody is told and it is
    /// [forgotten](Desk::forget_repairs).
    #[must_use]
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }

    /// Notes that a person was told of the repairs. On a full disk they stay noted.
    ///
    /// # Errors
    /// When the store failed.
    pub fn forget_repairs(&mut self) -> Result<(), store::Error> {
        self.repairs.clear();
        if matches!(self.store.get(Table::Notes, REPAIRS), Ok(None)) {
            return Ok(());
        }
        folding::unless_full(self.store.put(Table::Notes, &[(REPAIRS.to_vec(), None)]))
    }

    /// Told the number of entries whenever it grows.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The devices of other allies in good standing, as they are whenever somebody looks.
    #[must_use]
    pub fn members(&self) -> watch::Receiver<BTreeSet<NetworkKey>> {
        self.members.subscribe()
    }

    /// The ally of this device, when it is in.
    #[must_use]
    pub fn me(&self) -> Option<AllyId> {
        self.roster().ally_of(&self.keys.key())
    }

    /// Takes in verified entries that were made or handed over here, durably.
    ///
    /// # Errors
    /// When the store failed.
    pub fn take_in(&mut self, entries: Vec<Verified<Entry>>, now: Timestamp) -> Result<Ingested, store::Error> {
        let ingested = self.commons.ingest(&mut self.store, entries, now);
        let ingested = self.reopened_if_failed(ingested)?;
        self.note_new(&ingested);
        Ok(ingested)
    }

    /// A commons whose store failed knows statements that the disk does not; what is said next must not rest on them.
    fn reopened_if_failed<T>(&mut self, taken: Result<T, store::Error>) -> Result<T, store::Error> {
        if taken.is_err() {
            self.commons = Commons::open(self.id(), self.keys.key(), &self.store)?;
            self.counted = None;
            self.roster_changed();
        }
        taken
    }

    /// Sees to what follows from new entries.
    fn note_new(&mut self, ingested: &Ingested) {
        for record in ingested.added.iter().filter_map(|entered| entered.record) {
            self.stale.insert(record);
            self.unfoldable.remove(&record);
        }
        if let Some(counted) = &mut self.counted {
            counted.note(ingested.added.iter().filter_map(|entered| entered.record));
        }
        if ingested.added.iter().any(|entered| entered.record.is_none()) {
            self.roster_changed();
        }
        if !ingested.added.is_empty() {
            self.news.send_replace(self.commons.end().0);
        }
    }

    /// Sees to what follows from new statements.
    fn roster_changed(&mut self) {
        self.allies = None;
        let members: BTreeSet<NetworkKey> = self.others().into_iter().collect();
        self.members.send_if_modified(|known| {
            let differs = *known != members;
            *known = members;
            differs
        });
    }

    /// One short step of what can be late; `true` when there is more to do. While a session goes on, its next frame comes
    /// first: a fold takes as long as verifying a dozen records.
    pub fn idle(&mut self) -> bool {
        if !self.sessions.is_empty() && self.heard.elapsed() < LULL {
            return false;
        }
        let step = if self.stale() > 0 {
            self.fold_some()
        } else if self.may_index() && self.unindexed.len() + self.displaced.len() > INDEX_STEP {
            self.index_some().map(|()| true)
        } else if self.may_index() && self.lacks_index() {
            self.write_index().map(|()| true)
        } else {
            self.store.tidy().map_err(Into::into)
        };
        step.unwrap_or_else(|error| {
            tracing::warn!(commons = %self.id(), %error, "background work failed");
            false
        })
    }

    /// Nothing more will be asked.
    pub const fn finish(&mut self) {
        self.finished = true;
    }

    /// Whether nothing more will be asked.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    /// Writes what can be rebuilt, so that the next opening need not.
    pub fn close(&mut self) {
        let closed = self.keep_done().map_err(Error::from);
        let closed = closed.and_then(|()| Ok(self.commons.save(&mut self.store)?)).and_then(|()| self.write_index());
        if let Err(error) = closed.and_then(|()| self.store.sync().map_err(Into::into)) {
            tracing::warn!(commons = %self.id(), %error, "the commons was not closed cleanly; nothing is lost");
        }
    }

    /// Forgets all that is derived from the log, so that it is made anew: views, documents, the search index.
    ///
    /// # Errors
    /// [`Error`].
    pub fn derive_anew(&mut self) -> Result<(), Error> {
        for table in [Table::Views, Table::Documents, Table::Quarantine, Table::Sketch, Table::Statements] {
            self.store.clear(table)?;
        }
        self.commons = Commons::open(self.id(), self.keys.key(), &self.store)?;
        self.index.clear()?;
        self.stale = self.records()?.into_iter().collect();
        self.counted = None;
        self.roster_changed();
        self.at_hand.clear();
        self.unindexed.clear();
        self.displaced.clear();
        self.unfoldable.clear();
        self.uncommitted = true;
        Ok(())
    }

    /// Notes the records that changed after their views were made, as when the program was killed in between.
    fn find_stale(&mut self) -> Result<(), Error> {
        let from = self.folded()?;
        if from == Ordinal(0) {
            // Of another log, or of a store from which all that is derived was taken.
            self.index.clear()?;
        }
        self.stale.extend(self.given_up()?);
        // What the index missed was folded, but cannot be found yet.
        self.note_changed(from.min(Ordinal(self.index.watermark())))?;
        // An emptied index is committed with the first view. Until then, and on a disk without room for views for ever, what
        // it showed is better than nothing, unless there is nothing to show.
        self.uncommitted |= self.index.is_blank() && self.stale.is_empty();
        Ok(folding::unless_full(self.settle_folded())?)
    }

    /// Notes the records with changes at `from` or above: those whose views are exact are to be indexed, the others folded.
    fn note_changed(&mut self, from: Ordinal) -> Result<(), Error> {
        let changed = match self.changed_since(from) {
            Err(store::Error::Corrupt { .. }) => self.placed_since(from),
            changed => changed,
        };
        for (record, last) in changed? {
            match self.kept_view(&record)? {
                Some((until, _)) if until > last => self.unindexed.insert(record),
                Some(_) | None => self.stale.insert(record),
            };
        }
        Ok(())
    }

    /// The records with entries at `from` or above, and the last place of each, read off the log.
    fn changed_since(&self, from: Ordinal) -> Result<BTreeMap<RecordId, Ordinal>, store::Error> {
        let mut changed = BTreeMap::new();
        self.store.scan(from, &mut |at, _, bytes| {
            if !Entry::is_statement(bytes)
                && let Ok(entry) = Entry::decode(bytes)
                && let Some(record) = entry.unverified().record()
            {
                changed.insert(record, at);
            }
            ControlFlow::Continue(())
        })?;
        Ok(changed)
    }

    /// The same without the log, of which a damaged part would keep the whole commons closed: slower, every record is
    /// looked up.
    fn placed_since(&self, from: Ordinal) -> Result<BTreeMap<RecordId, Ordinal>, store::Error> {
        let mut placed = BTreeMap::new();
        for record in self.records()? {
            placed.extend(self.last_place(&record)?.filter(|last| *last >= from).map(|last| (record, last)));
        }
        Ok(placed)
    }

    /// Where the last entry of a record is.
    fn last_place(&self, record: &RecordId) -> Result<Option<Ordinal>, store::Error> {
        Ok(self.store.of_record(record)?.last().copied())
    }
}

/// Adds to the repairs that are noted and gives them all. A short command may have mended the store for a person who saw
/// nothing of it.
fn note_repairs(store: &mut Disk, new: Vec<Repair>) -> Result<Vec<Repair>, store::Error> {
    let noted = unless_damaged(store.get(Table::Notes, REPAIRS))?.and_then(|note| serde_json::from_slice(&note).ok());
    let mut all: Vec<Repair> = noted.unwrap_or_default();
    if new.is_empty() {
        return Ok(all);
    }
    tracing::error!(repairs = ?new, "the store had to be mended");
    all.extend(new);
    all.drain(..all.len().saturating_sub(MAX_REPAIRS));
    if let Ok(note) = serde_json::to_vec(&all) {
        let kept = store.put(Table::Notes, &[(REPAIRS.to_vec(), Some(note))]).and_then(|()| store.sync());
        folding::unless_full(kept)?;
    }
    Ok(all)
}

/// A value that can be derived again, or done without: one that is damaged is as good as none.
fn unless_damaged<T>(read: Result<Option<T>, store::Error>) -> Result<Option<T>, store::Error> {
    match read {
        Err(store::Error::Corrupt { .. }) => Ok(None),
        other => other,
    }
}

#[cfg(test)]
pub(super) mod tests;
