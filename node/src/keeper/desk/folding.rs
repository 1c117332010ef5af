//! Keeping views exact: which records are stale, and what becomes of them.
//!
//! The story of a stale record: it is [asked for](Desk::ask) with what came since its document was saved, folded on another
//! thread, and kept together with others: document and view, each in one value with the place in the log up to which it is
//! exact. That place makes it safe to stop anywhere: what opens next folds only what the views do not have.
//!
//! What a person reads or writes is asked for at once and waited for. Its document stays at hand, so that the next change
//! of a long record is not paid for with loading all the others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use automerge::Automerge;
use essaim_protocol::id::RecordId;
use essaim_protocol::record::View;
use essaim_protocol::record::fold::{FoldError, Folded, StackError};
use essaim_protocol::store::{self, Ordinal, Put, Store as _, Table};

use super::reading::{DISPUTED, INDEX_STEP};
use super::{Desk, Error, ReadError, unless_damaged};
use crate::keeper::folder::{Allies, Base, Done, Fresh, Job};

/// In the table of views, whose values it tells of: how far they are exact. No id of a record is so short.
pub(super) const FOLDED: &[u8] = b"folded";

/// Before a record, in the table of views: it could not be folded. No id of a record is so long.
const UNFOLDABLE: &[u8] = b"unfoldable/";

/// Records kept together: a batch of the store holds a hundred values.
const KEEP: usize = 32;

/// Documents at hand: what one person goes to and fro between.
const AT_HAND: usize = 4;

/// Operations of the documents at hand together, unless one has more: some ten megabytes.
const OPERATIONS: usize = 100_000;

/// How long the desk waits for a fold in its idle moments, before it looks whether somebody wants something.
const GLANCE: Duration = Duration::from_millis(5);

/// How long somebody waits for a fold before the desk looks whether its threads are alive. A fold may take longer.
const LOOK: Duration = Duration::from_secs(1);

/// A document that is kept in memory, exact up to a place in the log.
#[derive(Debug)]
pub(super) struct AtHand {
    record: RecordId,
    until: Ordinal,
    folded: Box<Folded>,
}

impl Desk {
    /// How many records changed since their view was made.
    #[must_use]
    pub fn stale(&self) -> usize {
        self.stale.len() + self.asked.iter().filter(|record| !self.stale.contains(*record)).count()
    }

    /// Whether its view may be older than its changes.
    pub(super) fn is_stale(&self, record: &RecordId) -> bool {
        self.stale.contains(record) || self.asked.contains(record)
    }

    /// Makes every view exact, but of [records that cannot be folded](Desk::unfoldable). Told how many are left before
    /// each.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn refresh_all(&mut self, left: &mut dyn FnMut(usize)) -> Result<(), ReadError> {
        let mut all: Vec<RecordId> = self.stale.iter().rev().copied().collect();
        loop {
            left(self.stale());
            // One more than are folded at a time, so that none waits for the next.
            while self.folder.asked() <= self.folder.threads()
                && let Some(record) = all.pop()
            {
                self.ask(record, false)?;
            }
            if self.folder.asked() == 0 {
                return self.keep_done();
            }
            self.take(LOOK)?;
        }
    }

    /// A record and its document, exact; `None` when there is no such record.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn document(&mut self, record: &RecordId) -> Result<Option<(View, &Automerge)>, ReadError> {
        let Some(view) = self.view(record)? else { return Ok(None) };
        if self.at_hand.iter().all(|one| one.record != *record)
            && let Some((until, fresh)) = self.fold_now(record)?
        {
            self.asked.remove(record);
            self.put_at_hand(AtHand { record: *record, until, folded: fresh.folded });
        }
        let at_hand = self.at_hand.iter().find(|one| one.record == *record);
        Ok(at_hand.map(|one| (view, &one.folded.document)))
    }

    /// Folds a record now and keeps its view and document. Where nothing can be written it is read all the same, and stays
    /// stale.
    pub(super) fn refresh(&mut self, record: &RecordId) -> Result<Option<View>, ReadError> {
        let Some((until, fresh)) = self.fold_now(record)? else { return Ok(None) };
        let view = fresh.view.clone();
        let kept = self.keep(&[(*record, until, &fresh)]);
        self.put_at_hand(AtHand { record: *record, until, folded: fresh.folded });
        unless_full(kept)?;
        Ok(Some(view))
    }

    /// Has a record folded before all others, and waits.
    fn fold_now(&mut self, record: &RecordId) -> Result<Option<(Ordinal, Fresh)>, ReadError> {
        if self.asked.contains(record) {
            // Whatever came since is not in this one, and nobody folds a record twice at a time.
            self.await_done(record)?;
            self.keep_done()?;
        }
        if !self.ask(*record, true)? {
            return Ok(None);
        }
        let Some(at) = self.await_done(record)? else { return Ok(None) };
        let (_, until, fresh) = self.done.swap_remove(at);
        Ok(Some((until, fresh)))
    }

    /// Where a record that was asked for is among those done, once it is; `None` when it could not be folded.
    fn await_done(&mut self, record: &RecordId) -> Result<Option<usize>, ReadError> {
        loop {
            if let Some(at) = self.done.iter().position(|(done, ..)| done == record) {
                return Ok(Some(at));
            }
            if !self.asked.contains(record) {
                return Ok(None);
            }
            if self.folder.asked() == 0 {
                let ended = std::io::Error::other("the threads that fold have ended");
                return Err(FoldError::Stack(StackError::NoThread(ended)).into());
            }
            self.take(LOOK)?;
        }
    }

    /// One short step towards exact views; `true` when there is more to do.
    pub(super) fn fold_some(&mut self) -> Result<bool, Error> {
        while self.folder.asked() < self.folder.threads()
            && let Some(record) = self.stale.iter().find(|record| !self.asked.contains(*record)).copied()
        {
            self.ask(record, false)?;
        }
        self.take(GLANCE)?;
        if self.done.len() >= KEEP || self.folder.asked() == 0 {
            let before = self.stale();
            self.keep_done()?;
            // Where nothing can be kept, trying again at once would be in vain.
            if self.stale() == before {
                return Ok(false);
            }
        }
        if self.unindexed.len() >= INDEX_STEP && self.may_index() {
            self.index_some()?;
        }
        Ok(true)
    }

    /// Has a record folded; `false` when it has no entries.
    fn ask(&mut self, record: RecordId, urgent: bool) -> Result<bool, store::Error> {
        let at_hand = self.at_hand.iter().position(|one| one.record == record).map(|at| self.at_hand.remove(at));
        let (base, from) = match at_hand {
            Some(one) => (Base::Loaded(one.folded), one.until),
            None => self.saved(&record).unwrap_or((Base::Nothing, Ordinal(0))),
        };
        self.ask_upon(record, base, from, urgent)
    }

    /// Has a record folded on top of what is exact up to `from`. One with an entry that cannot be read is given up: others
    /// are not concerned.
    fn ask_upon(&mut self, record: RecordId, base: Base, from: Ordinal, urgent: bool) -> Result<bool, store::Error> {
        let mut places = self.store.of_record(&record)?;
        if places.is_empty() {
            self.stale.remove(&record);
            return Ok(false);
        }
        // Those in quarantine are tried again: what they wait for may have come.
        let out = if from > Ordinal(0) { self.quarantine_of(&record)? } else { Vec::new() };
        places.retain(|place| *place >= from);
        for one in out {
            places.extend(self.store.ordinal(&one.entry)?.filter(|place| *place < from));
        }
        places.sort_unstable();
        let entries = match self.read_all(&places) {
            Err(error @ store::Error::Corrupt { .. }) => {
                tracing::warn!(commons = %self.id(), %record, %error, "a record cannot be read");
                return self.give_up(record, error.to_string()).map(|()| false);
            }
            entries => entries?,
        };
        let allies = self.allies();
        self.stale.remove(&record);
        self.asked.insert(record);
        self.folder.ask(Job { record, base, entries, until: self.commons.end(), allies }, urgent);
        Ok(true)
    }

    fn read_all(&self, places: &[Ordinal]) -> Result<Vec<Vec<u8>>, store::Error> {
        let read = places.iter().map(|place| self.store.read(*place));
        read.filter_map(|read| read.map(|found| found.map(|(_, bytes)| bytes)).transpose()).collect()
    }

    /// The document that is saved, and up to where it is exact.
    fn saved(&self, record: &RecordId) -> Option<(Base, Ordinal)> {
        let value = self.store.get(Table::Documents, &record.0).ok().flatten()?;
        let (until, saved) = marked(&value)?;
        Some((Base::Saved(saved.to_vec()), until))
    }

    /// Takes back one that is done, if one is before `patience` ends.
    fn take(&mut self, patience: Duration) -> Result<(), store::Error> {
        self.folder.next(patience).map_or(Ok(()), |done| self.took(done))
    }

    /// One that does not fold on top of what was saved is folded from nothing. One that does not fold at all is given up
    /// until more of it comes: whoever asks for another is not concerned.
    pub(super) fn took(&mut self, done: Done) -> Result<(), store::Error> {
        let Done { record, anew, until, outcome } = done;
        let error = match outcome {
            Ok(fresh) => {
                self.done.push((record, until, fresh));
                return Ok(());
            }
            Err(error) => error,
        };
        tracing::warn!(commons = %self.id(), %record, %error, anew, "a record could not be folded");
        // Whatever fails from here on, it is not forgotten.
        self.asked.remove(&record);
        self.stale.insert(record);
        if anew {
            // What came meanwhile may be what it lacked.
            let more = self.last_place(&record)?.is_some_and(|last| last >= until);
            if more { Ok(()) } else { self.give_up(record, error.to_string()) }
        } else {
            unless_full(self.store.put(Table::Documents, &[(record.0.to_vec(), None)]))?;
            self.ask_upon(record, Base::Nothing, Ordinal(0), true).map(drop)
        }
    }

    /// What a record showed before is not what it is: it is neither shown nor found any more.
    fn give_up(&mut self, record: RecordId, why: String) -> Result<(), store::Error> {
        let key = record.0.to_vec();
        let tried = ([UNFOLDABLE, &key].concat(), Some(Vec::new()));
        unless_full(self.store.put(Table::Views, &[tried, ([DISPUTED, &key].concat(), None), (key, None)]))?;
        self.unfoldable.insert(record, why);
        self.unindexed.insert(record);
        self.stale.remove(&record);
        Ok(())
    }

    /// Records that earlier runs could not fold, to be tried again.
    pub(super) fn given_up(&self) -> Result<Vec<RecordId>, store::Error> {
        let all = self.store.survey(Table::Views, UNFOLDABLE)?;
        let id = |key: &[u8]| Some(RecordId(key.strip_prefix(UNFOLDABLE)?.try_into().ok()?));
        Ok(all.iter().filter_map(|(key, _)| id(key)).collect())
    }

    /// Records that cannot be folded, and why. They are tried again when more of them comes, and by the next run.
    #[must_use]
    pub const fn unfoldable(&self) -> &BTreeMap<RecordId, String> {
        &self.unfoldable
    }

    /// Keeps what is done. Where nothing can be written it stays stale.
    pub(super) fn keep_done(&mut self) -> Result<(), ReadError> {
        let done = std::mem::take(&mut self.done);
        let all: Vec<(RecordId, Ordinal, &Fresh)> =
            done.iter().map(|(record, until, fresh)| (*record, *until, fresh)).collect();
        let kept = self.keep(&all);
        Ok(unless_full(kept)?)
    }

    /// Keeps documents and views, a batch a table.
    fn keep(&mut self, done: &[(RecordId, Ordinal, &Fresh)]) -> Result<(), store::Error> {
        for (record, ..) in done {
            self.asked.remove(record);
        }
        if let Err(error) = self.write(done) {
            self.stale.extend(done.iter().map(|(record, ..)| *record));
            return Err(error);
        }
        for (record, ..) in done {
            self.unfoldable.remove(record);
            self.unindexed.insert(*record);
        }
        self.settle_folded()
    }

    fn write(&mut self, done: &[(RecordId, Ordinal, &Fresh)]) -> Result<(), store::Error> {
        let (mut documents, mut quarantine, mut views) = (Vec::<Put>::new(), Vec::<Put>::new(), Vec::<Put>::new());
        for (record, until, fresh) in done {
            let key = record.0.to_vec();
            let document = mark(*until, &fresh.folded.saved);
            documents.push((key.clone(), Some(document).filter(|bytes| bytes.len() <= store::MAX_VALUE)));
            let out = (!fresh.quarantined.is_empty()).then(|| postcard::to_stdvec(&fresh.quarantined).ok()).flatten();
            if out.is_some() || self.is_kept(Table::Quarantine, &key)? {
                quarantine.push((key.clone(), out));
            }
            let count = u32::try_from(fresh.view.conflicts().len()).unwrap_or(u32::MAX);
            let disputed = [DISPUTED, &key].concat();
            if count > 0 || self.is_kept(Table::Views, &disputed)? {
                views.push((disputed, (count > 0).then(|| count.to_be_bytes().to_vec())));
            }
            let given_up = [UNFOLDABLE, &key].concat();
            if self.is_kept(Table::Views, &given_up)? {
                views.push((given_up, None));
            }
            views.push((key, postcard::to_stdvec(&fresh.view).ok().map(|view| mark(*until, &view))));
        }
        self.store.put(Table::Documents, &documents)?;
        self.store.put(Table::Quarantine, &quarantine)?;
        self.store.put(Table::Views, &views)
    }

    /// Keeps a document in memory. Those that were asked for longest ago make room.
    fn put_at_hand(&mut self, newest: AtHand) {
        self.at_hand.push(newest);
        let operations = |all: &[AtHand]| all.iter().map(|one| one.folded.operations()).sum::<usize>();
        while self.at_hand.len() > 1 && (self.at_hand.len() > AT_HAND || operations(&self.at_hand) > OPERATIONS) {
            self.at_hand.remove(0);
        }
    }

    /// Whose the devices are, as the roster has it now.
    fn allies(&mut self) -> Arc<Allies> {
        let roster = self.commons.roster();
        let all = || {
            let devices = roster.allies().flat_map(|ally| ally.devices);
            devices.filter_map(|device| Some((device.signing, roster.ally_of(&device.signing)?))).collect()
        };
        Arc::clone(self.allies.get_or_insert_with(|| Arc::new(all())))
    }

    /// Whether there is a value, whole or damaged.
    fn is_kept(&self, table: Table, key: &[u8]) -> Result<bool, store::Error> {
        match self.store.get(table, key) {
            Err(store::Error::Corrupt { .. }) => Ok(true),
            value => Ok(value?.is_some()),
        }
    }

    /// Notes that all views are exact, once they are, those given up are noted, and an index that was emptied shows them:
    /// until then opening must see that it is filled.
    pub(super) fn settle_folded(&mut self) -> Result<(), store::Error> {
        if self.stale() > 0 || self.index.is_blank() {
            return Ok(());
        }
        for record in self.unfoldable.keys() {
            if !self.is_kept(Table::Views, &[UNFOLDABLE, &record.0].concat())? {
                return Ok(());
            }
        }
        let note = [&self.store.epoch().0[..], &self.commons.end().0.to_be_bytes()].concat();
        self.store.put(Table::Views, &[(FOLDED.to_vec(), Some(note))])
    }

    /// Up to where all views were exact when that was last noted. Places mean nothing in another epoch.
    pub(super) fn folded(&self) -> Result<Ordinal, store::Error> {
        let note = unless_damaged(self.store.get(Table::Views, FOLDED))?;
        let folded = note.as_deref().and_then(|note| note.strip_prefix(&self.store.epoch().0[..]));
        Ok(Ordinal(folded.and_then(|end| end.try_into().ok()).map_or(0, u64::from_be_bytes)))
    }
}

/// What is derived can be derived again: that there is no room to keep it keeps nobody from reading.
pub(super) fn unless_full(kept: Result<(), store::Error>) -> Result<(), store::Error> {
    match kept {
        Err(store::Error::Full { .. } | store::Error::ReadOnly { .. } | store::Error::ReadOnlyDisk(_)) => Ok(()),
        other => other,
    }
}

/// A derived value with the place in the log up to which it is exact, in front.
fn mark(until: Ordinal, value: &[u8]) -> Vec<u8> {
    [&until.0.to_be_bytes()[..], value].concat()
}

/// What [`mark`] made.
pub(super) fn marked(value: &[u8]) -> Option<(Ordinal, &[u8])> {
    let (until, value) = value.split_first_chunk()?;
    Some((Ordinal(u64::from_be_bytes(*until)), value))
}
