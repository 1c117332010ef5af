//! Reading records: their views, all of them, what is wrong with some, and the search index.

use std::collections::BTreeSet;
use std::time::Instant;

use automerge::{Automerge, ReadDoc as _};
use essaim_protocol::api::Words;
use essaim_protocol::entry::Entry;
use essaim_protocol::id::{AllyId, ChangeHash, DeviceKey, EntryId, RecordId};
use essaim_protocol::record::fold::FoldError;
use essaim_protocol::record::{Lang, View, authors};
use essaim_protocol::store::{self, Ordinal, Store as _, Table};
use serde::{Deserialize, Serialize};

use super::folding::{marked, unless_full};
use super::places::TERRITORY;
use super::{Desk, Error, INDEX_RESTS, unless_damaged};
use crate::index::{Indexed, Reader as IndexReader};
use crate::words::when;

/// Views handed to the index in one step: some hundredths of a second, for which a person may wait.
pub(super) const INDEX_STEP: usize = 100;

/// Before a record, in the table of views: how many of its fields wait to be settled. No id of a record is so long.
pub(super) const DISPUTED: &[u8] = b"disputed/";

/// The kind of record that has a day.
const GATHERING: &str = "gathering";

/// Records listed at a time when all of them are walked over.
const PAGE: usize = 1_000;

/// A facet's name and one of its values.
pub(super) type Facet = (String, String);

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Folding failed, for a reason that is not in the record's changes.
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// A record as it is, or was, with the entries that made it.
#[derive(Debug)]
pub struct Sheet {
    /// Its entries in log order, with their places.
    pub entries: Vec<(Ordinal, Entry)>,
    /// The document.
    pub document: Automerge,
    /// What it shows.
    pub view: View,
}

/// A change that is kept and relayed but not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The entry.
    pub entry: EntryId,
    /// Who signed it.
    pub device: DeviceKey,
    /// Why it is not shown.
    pub reason: Words,
}

/// How many records there were when somebody last asked.
#[derive(Debug)]
pub(super) struct Counted {
    records: u64,
    /// The end of the log then.
    until: Ordinal,
    /// To which entries came since: what is new among them has nothing below that end.
    touched: BTreeSet<RecordId>,
}

impl Counted {
    /// Notes that entries came to these records.
    pub(super) fn note(&mut self, records: impl Iterator<Item = RecordId>) {
        self.touched.extend(records);
    }
}

impl Desk {
    /// The view of a record, exact; `None` when there is no such record, or it [cannot be folded](Desk::unfoldable).
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn view(&mut self, record: &RecordId) -> Result<Option<View>, ReadError> {
        if self.unfoldable.contains_key(record) {
            return Ok(None);
        }
        if self.is_stale(record) {
            return self.refresh(record);
        }
        match self.kept_view(record)? {
            Some((_, view)) => Ok(Some(view)),
            None => self.refresh(record),
        }
    }

    /// A record's entries in log order, with their places.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn entries(&self, record: &RecordId) -> Result<Vec<(Ordinal, Entry)>, store::Error> {
        let mut entries = Vec::new();
        for place in self.store.of_record(record)? {
            if let Some((_, bytes)) = self.store.read(place)?
                && let Ok(entry) = Entry::decode(&bytes)
            {
                entries.push((place, entry.trust().into_inner()));
            }
        }
        Ok(entries)
    }

    /// The ally whose device first wrote in a record; nobody for a reference record.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn author(&self, record: &RecordId) -> Result<Option<AllyId>, store::Error> {
        for place in self.store.of_record(record)? {
            let entry = self.store.read(place)?.and_then(|(_, bytes)| Entry::decode(&bytes).ok());
            if let Some(Entry::Change(change)) = entry.map(|entry| entry.trust().into_inner()) {
                return Ok(self.roster().ally_of(&change.device()));
            }
        }
        Ok(None)
    }

    /// The document of a record, exact, with everything it was folded from; `None` when there is no such record.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn sheet(&mut self, record: &RecordId) -> Result<Option<Sheet>, ReadError> {
        let Some((view, document)) = self.document(record)? else { return Ok(None) };
        let document = document.clone();
        Ok(Some(Sheet { entries: self.entries(record)?, document, view }))
    }

    /// The same as it was at some changes of its history, with the entries of then; `None` when it has no such record or
    /// change.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn sheet_at(&mut self, record: &RecordId, heads: &[ChangeHash]) -> Result<Option<Sheet>, ReadError> {
        let Some((_, now)) = self.document(record)? else { return Ok(None) };
        let heads: Vec<_> = heads.iter().map(|head| automerge::ChangeHash(head.0)).collect();
        if !now.get_missing_deps(&heads).is_empty() {
            return Ok(None);
        }
        let Ok(document) = now.fork_at(&heads) else { return Ok(None) };
        let known: BTreeSet<[u8; 32]> = document.get_changes_meta(&[]).iter().map(|change| change.hash.0).collect();
        let then = |entry: &Entry| match entry {
            Entry::Change(change) => known.contains(&change.hash().0),
            Entry::Adoption(adoption) => known.contains(&adoption.hash().0),
            Entry::Statement(_) => false,
        };
        let mut entries = self.entries(record)?;
        entries.retain(|(_, entry)| then(entry));
        let authors = authors(&document, &|device| self.roster().ally_of(device));
        let view = View::read(*record, &document, &|actor| authors.get(&actor).copied());
        Ok(Some(Sheet { entries, document, view }))
    }

    /// The search index, and whether it is exact for all that is folded: on a full disk it is as it was before.
    ///
    /// # Errors
    /// [`Error`] when the views cannot be read.
    pub fn search(&mut self) -> Result<(IndexReader, bool), Error> {
        if !self.may_index() {
            return Ok((self.index.reader(), false));
        }
        let written = match self.write_index() {
            // Without room on the disk nothing more can be indexed; what was is still found.
            Err(Error::Index(error)) => {
                tracing::warn!(%error, "searching what was indexed before");
                false
            }
            other => other.map(|()| true)?,
        };
        Ok((self.index.reader(), written))
    }

    /// How many records the search index shows, all that is folded included when it can be written, and whether its files
    /// are there.
    ///
    /// # Errors
    /// [`Error`] when the views cannot be read.
    pub fn indexed(&mut self) -> Result<(u64, bool), Error> {
        let there = self.index.is_there();
        if there {
            self.search()?;
        }
        Ok((self.index.count(), there))
    }

    /// How many records have a view.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn readable(&self) -> Result<u64, store::Error> {
        let mut readable = 0;
        for record in self.records()? {
            readable += u64::from(self.kept_view(&record)?.is_some());
        }
        Ok(readable)
    }

    /// Loses what the index shows, as a defect would.
    #[cfg(test)]
    pub(crate) fn forget_indexed(&mut self) {
        self.index.clear().unwrap();
        self.index.commit(self.commons.end().0).unwrap();
    }

    /// Every record that has entries, in the order of their ids.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn records(&self) -> Result<Vec<RecordId>, store::Error> {
        let mut all: Vec<RecordId> = Vec::new();
        loop {
            let page = self.store.records(all.last(), PAGE)?;
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// How many records have entries. The first to ask waits for all of them to be walked over; from then on only those are
    /// looked at that entries came to since.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count(&mut self) -> Result<u64, store::Error> {
        let until = self.commons.end();
        let Some(counted) = &mut self.counted else {
            let records = self.records()?.len() as u64;
            self.counted = Some(Counted { records, until, touched: BTreeSet::new() });
            return Ok(records);
        };
        let mut new = 0;
        for record in &counted.touched {
            new += u64::from(self.store.of_record(record)?.first().is_some_and(|first| *first >= counted.until));
        }
        *counted = Counted { records: counted.records + new, until, touched: BTreeSet::new() };
        Ok(counted.records)
    }

    /// Records with fields that somebody has to settle, as far as views are exact.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn disputed_records(&self) -> Result<Vec<RecordId>, store::Error> {
        let all = self.store.survey(Table::Views, DISPUTED)?;
        let id = |key: &[u8]| Some(RecordId(key.strip_prefix(DISPUTED)?.try_into().ok()?));
        Ok(all.iter().filter_map(|(key, _)| id(key)).collect())
    }

    /// How many fields somebody has to settle, as far as views are exact.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn disputed(&self) -> Result<u64, store::Error> {
        let all = self.store.survey(Table::Views, DISPUTED)?;
        // Whoever is named here has at least one.
        let count = |value: &Vec<u8>| value[..].try_into().map_or(1, |count| u64::from(u32::from_be_bytes(count)));
        Ok(all.iter().map(|(_, value)| value.as_ref().map_or(1, count)).sum())
    }

    /// Changes in quarantine, by record.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn quarantine(&self) -> Result<Vec<(RecordId, Vec<Quarantined>)>, store::Error> {
        let all = self.store.survey(Table::Quarantine, &[])?;
        let read = |(key, value): (Vec<u8>, Option<Vec<u8>>)| {
            let record: [u8; 32] = key.try_into().ok()?;
            Some((RecordId(record), postcard::from_bytes(&value?).ok()?))
        };
        Ok(all.into_iter().filter_map(read).collect())
    }

    /// Changes of one record that are in quarantine.
    pub(super) fn quarantine_of(&self, record: &RecordId) -> Result<Vec<Quarantined>, store::Error> {
        let value = unless_damaged(self.store.get(Table::Quarantine, &record.0))?;
        Ok(value.and_then(|value| postcard::from_bytes(&value).ok()).unwrap_or_default())
    }

    /// The view that is kept, and up to where it is exact; nothing when it was written by another version or is damaged,
    /// or is what a record showed that cannot be folded any more.
    pub(super) fn kept_view(&self, record: &RecordId) -> Result<Option<(Ordinal, View)>, store::Error> {
        if self.unfoldable.contains_key(record) {
            return Ok(None);
        }
        let value = unless_damaged(self.store.get(Table::Views, &record.0))?;
        Ok(value.and_then(|value| {
            let (until, view) = marked(&value)?;
            let view: View = postcard::from_bytes(view).ok()?;
            (view.record == *record).then_some((until, view))
        }))
    }

    /// Whether the index takes something: not right after it failed.
    pub(super) fn may_index(&self) -> bool {
        self.index_failed.is_none_or(|at| at.elapsed() >= INDEX_RESTS)
    }

    /// Whether the index lacks something that is folded.
    pub(super) fn lacks_index(&self) -> bool {
        !self.unindexed.is_empty() || !self.displaced.is_empty() || self.uncommitted || self.index.has_failed()
    }

    /// Makes all changed views findable.
    pub(super) fn write_index(&mut self) -> Result<(), Error> {
        let blank = self.index.is_blank();
        let written = self.sound_index().and_then(|()| {
            while !self.unindexed.is_empty() || !self.displaced.is_empty() {
                self.put_some()?;
            }
            if self.uncommitted {
                let exact = if self.stale() == 0 { self.commons.end().0 } else { self.index.watermark() };
                self.index.commit(exact)?;
                self.uncommitted = false;
            }
            Ok(())
        });
        self.noted(written)?;
        if blank { Ok(unless_full(self.settle_folded())?) } else { Ok(()) }
    }

    /// Hands some changed views to the index.
    pub(super) fn index_some(&mut self) -> Result<(), Error> {
        let put = self.sound_index().and_then(|()| self.put_some());
        self.noted(put)
    }

    /// Opens the index again if it failed; what was handed to it since its last commit is then to be indexed once more.
    fn sound_index(&mut self) -> Result<(), Error> {
        if self.index.has_failed() {
            self.index.reopen()?;
            self.uncommitted = true;
            self.note_changed(Ordinal(self.index.watermark()))?;
        }
        Ok(())
    }

    /// Notes whether the index failed.
    fn noted(&mut self, outcome: Result<(), Error>) -> Result<(), Error> {
        self.index_failed = matches!(outcome, Err(Error::Index(_))).then(Instant::now);
        outcome
    }

    /// Hands some changed views to the index; after them, in steps of their own, those that take place where a territory
    /// changed.
    fn put_some(&mut self) -> Result<(), Error> {
        let changed = !self.unindexed.is_empty();
        let queue = if changed { &self.unindexed } else { &self.displaced };
        let some: Vec<RecordId> = queue.iter().copied().take(INDEX_STEP).collect();
        let views = self.kept_views(&some)?;
        // Where it took place is the same for a territory that lies in itself, at whatever remove.
        if changed {
            if self.uncommitted && views.iter().any(|view| view.kind == TERRITORY) {
                // What takes place there is looked up in what is committed.
                self.index.commit(self.index.watermark())?;
            }
            self.displaced.extend(self.taking_place_in(&some));
        }
        let batch = views.iter().map(|view| Ok(indexed(view, self.facets_of(view)?)));
        let batch = batch.collect::<Result<Vec<_>, store::Error>>()?;
        self.uncommitted = true;
        // One that cannot be read any more is not to be found either.
        let gone: Vec<RecordId> =
            some.iter().filter(|record| views.iter().all(|view| view.record != **record)).copied().collect();
        self.index.remove(&gone)?;
        self.index.put(batch)?;
        for record in &some {
            self.unindexed.remove(record);
            self.displaced.remove(record);
        }
        Ok(())
    }

    fn kept_views(&self, records: &[RecordId]) -> Result<Vec<View>, store::Error> {
        let views = records.iter().map(|record| self.kept_view(record));
        views.filter_map(|view| view.map(|view| view.map(|(_, view)| view)).transpose()).collect()
    }
}

/// What the index keeps of a view.
fn indexed(view: &View, facets: BTreeSet<Facet>) -> Indexed {
    let words = view.words(Lang::Fr);
    Indexed {
        record: view.record,
        kind: view.kind.clone(),
        title: view.title().to_owned(),
        summary: view.summary().to_owned(),
        text: readable(&words.told),
        labels: readable(&words.labels),
        tags: facets.iter().filter(|(facet, _)| facet == "tags").map(|(_, tag)| tag.clone()).collect(),
        facets: facets.into_iter().collect(),
        refers: view
            .refers()
            .into_iter()
            .map(|(_, to)| to)
            .filter(|to| *to != view.record)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        updated_at: view.updated_at,
        days: days(view),
        lang: view.field("lang").and_then(|lang| lang.text()).unwrap_or("fr").to_owned(),
    }
}

/// Words without the ids of records, which nobody looks for.
fn readable(words: &str) -> String {
    words.lines().filter(|line| line.parse::<RecordId>().is_err()).collect::<Vec<_>>().join("\n")
}

/// The first and last day of a gathering, counted from 1970-01-01.
fn days(view: &View) -> Option<(i64, i64)> {
    let date = |name: &str| view.field(name).and_then(|date| date.text());
    let starts = date("starts").filter(|_| view.kind == GATHERING)?;
    let (first, last) = when::span(starts)?;
    let end = date("ends").and_then(when::span).map_or(last, |(_, end)| end);
    Some((when::number(first), when::number(end.max(first))))
}
