//! Reading records: folding what is stale, keeping views, filling the index.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, ReadDoc as _};
use essaim_protocol::entry::Entry;
use essaim_protocol::id::{Actor, ChangeHash, DeviceKey, EntryId, RecordId};
use essaim_protocol::record::fold::{self, FoldError, Folded};
use essaim_protocol::record::{Attribution, Lang, View};
use essaim_protocol::store::{self, Ordinal, Store as _, Table};
use serde::{Deserialize, Serialize};

use super::{Desk, Error, FOLDED};
use crate::index::{IndexError, Indexed, Reader as IndexReader};

/// Views handed to the index at a time: some megabytes of text at most.
const INDEX_STEP: usize = 200;

/// Before a record, in the table of views: how many of its fields wait to be settled. No id of a record is so long.
const DISPUTED: &[u8] = b"disputed/";

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

/// A record's entries and the document folded from them.
#[derive(Debug)]
pub struct Sheet {
    /// Its entries in log order, with their places.
    pub entries: Vec<(Ordinal, Entry)>,
    /// The document.
    pub document: Automerge,
    /// What it shows.
    pub view: View,
    /// Changes that could not be folded.
    pub quarantined: Vec<Quarantined>,
}

/// A change that is kept and relayed but not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The entry.
    pub entry: EntryId,
    /// Who signed it.
    pub device: DeviceKey,
    /// Why it is not shown, in English.
    pub reason: String,
}

impl Desk {
    /// The view of a record, exact; `None` when there is no such record.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn view(&mut self, record: &RecordId) -> Result<Option<View>, ReadError> {
        if self.stale.contains(record) {
            return self.refresh(record);
        }
        match self.store.get(Table::Views, &record.0) {
            Ok(Some(bytes)) => match postcard::from_bytes(&bytes) {
                Ok(view) => Ok(Some(view)),
                // Written by another version: made again.
                Err(_) => self.refresh(record),
            },
            Ok(None) | Err(store::Error::Corrupt { .. }) => self.refresh(record),
            Err(error) => Err(error.into()),
        }
    }

    /// The document of a record with everything it was folded from.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn sheet(&self, record: &RecordId) -> Result<Option<Sheet>, ReadError> {
        let entries = self.entries_of(record)?;
        if entries.is_empty() {
            return Ok(None);
        }
        let chunks: Vec<(usize, &[u8])> =
            entries.iter().enumerate().filter_map(|(index, (_, entry))| Some((index, chunk(entry)?))).collect();
        let folded = self.fold(record, &chunks)?;
        let view = self.read_view(*record, &entries, &folded.document);
        let quarantined = folded
            .quarantined
            .iter()
            .filter_map(|out| {
                let (_, entry) = entries.get(chunks.get(out.index)?.0)?;
                Some(Quarantined { entry: entry.id(), device: entry.device(), reason: out.reason.to_string() })
            })
            .collect();
        Ok(Some(Sheet { entries, document: folded.document, view, quarantined }))
    }

    /// The same as it was at some changes of its history, with the entries of then; `None` when it has no such record or
    /// change.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn sheet_at(&self, record: &RecordId, heads: &[ChangeHash]) -> Result<Option<Sheet>, ReadError> {
        let Some(now) = self.sheet(record)? else { return Ok(None) };
        let heads: Vec<_> = heads.iter().map(|head| automerge::ChangeHash(head.0)).collect();
        if !now.document.get_missing_deps(&heads).is_empty() {
            return Ok(None);
        }
        let Ok(document) = now.document.fork_at(&heads) else { return Ok(None) };
        let known: BTreeSet<[u8; 32]> = document.get_changes_meta(&[]).iter().map(|change| change.hash.0).collect();
        let then = |entry: &Entry| match entry {
            Entry::Change(change) => known.contains(&change.hash().0),
            Entry::Adoption(adoption) => known.contains(&adoption.hash().0),
            Entry::Statement(_) => false,
        };
        let entries: Vec<_> = now.entries.into_iter().filter(|(_, entry)| then(entry)).collect();
        let view = self.read_view(*record, &entries, &document);
        Ok(Some(Sheet { entries, document, view, quarantined: Vec::new() }))
    }

    /// Folds a record anew and keeps its view. Where nothing can be written it is read all the same, and stays stale.
    pub(super) fn refresh(&mut self, record: &RecordId) -> Result<Option<View>, ReadError> {
        let sheet = self.sheet(record)?;
        let kept = sheet.as_ref().map_or(Ok(()), |sheet| self.keep_view(sheet));
        let kept = kept.and_then(|()| {
            self.stale.remove(record);
            self.unindexed.insert(*record);
            self.settle_folded()
        });
        unless_full(kept)?;
        Ok(sheet.map(|sheet| sheet.view))
    }

    /// Makes every view exact. Told how many are left before each.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn refresh_all(&mut self, left: &mut dyn FnMut(usize)) -> Result<(), ReadError> {
        let all: Vec<RecordId> = self.stale.iter().copied().collect();
        for (done, record) in all.iter().enumerate() {
            left(all.len() - done);
            self.refresh(record)?;
        }
        Ok(())
    }

    /// How many records changed since their view was made.
    #[must_use]
    pub fn stale(&self) -> usize {
        self.stale.len()
    }

    /// The search index, exact for all that is folded.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be written.
    pub fn search(&mut self) -> Result<IndexReader, Error> {
        match self.write_index() {
            // Without room on the disk nothing more can be indexed; what was is still found.
            Err(Error::Index(error @ IndexError::Library(_))) => {
                tracing::warn!(%error, "searching what was indexed before");
            }
            other => other?,
        }
        Ok(self.index.reader())
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

    /// Records with fields that somebody has to settle, as far as views are exact.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn disputed_records(&self) -> Result<Vec<RecordId>, store::Error> {
        let all = self.store.list(Table::Views, DISPUTED, None, usize::MAX)?;
        let id = |key: &[u8]| Some(RecordId(key.strip_prefix(DISPUTED)?.try_into().ok()?));
        Ok(all.iter().filter_map(|(key, _)| id(key)).collect())
    }

    /// How many fields somebody has to settle, as far as views are exact.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn disputed(&self) -> Result<u64, store::Error> {
        let all = self.store.list(Table::Views, DISPUTED, None, usize::MAX)?;
        let count = |value: &[u8]| u64::from(u32::from_be_bytes(value.try_into().unwrap_or([0, 0, 0, 1])));
        Ok(all.iter().map(|(_, value)| count(value)).sum())
    }

    /// Changes in quarantine, by record.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn quarantine(&self) -> Result<Vec<(RecordId, Vec<Quarantined>)>, store::Error> {
        let all = self.store.list(Table::Quarantine, &[], None, usize::MAX)?;
        let read = |(key, value): (Vec<u8>, Vec<u8>)| {
            let record: [u8; 32] = key.try_into().ok()?;
            Some((RecordId(record), postcard::from_bytes(&value).ok()?))
        };
        Ok(all.into_iter().filter_map(read).collect())
    }

    fn entries_of(&self, record: &RecordId) -> Result<Vec<(Ordinal, Entry)>, store::Error> {
        let mut entries = Vec::new();
        for place in self.store.of_record(record)? {
            let Some((_, bytes)) = self.store.read(place)? else { continue };
            if let Ok(entry) = Entry::decode(&bytes) {
                entries.push((place, entry.trust().into_inner()));
            }
        }
        Ok(entries)
    }

    /// Folds on top of the saved document where there is one; from nothing when that fails.
    fn fold(&self, record: &RecordId, chunks: &[(usize, &[u8])]) -> Result<Folded, FoldError> {
        let chunks: Vec<&[u8]> = chunks.iter().map(|(_, chunk)| *chunk).collect();
        let saved = self.store.get(Table::Documents, &record.0).ok().flatten();
        if let Some(saved) = saved
            && let Ok(folded) = fold::fold(Some(&saved), &chunks)
        {
            return Ok(folded);
        }
        fold::fold(None, &chunks)
    }

    fn read_view(&self, record: RecordId, entries: &[(Ordinal, Entry)], document: &Automerge) -> View {
        let mut authors: BTreeMap<Actor, Attribution> = BTreeMap::new();
        for (_, entry) in entries {
            if let Entry::Change(change) = entry {
                let (device, time) = (change.device(), change.time());
                authors.insert(change.actor(), Attribution { device, ally: self.roster().ally_of(&device), time });
            }
        }
        View::read(record, document, &|actor| authors.get(&actor).copied())
    }

    fn keep_view(&mut self, sheet: &Sheet) -> Result<(), store::Error> {
        let key = sheet.view.record.0.to_vec();
        let view = postcard::to_stdvec(&sheet.view).ok();
        let document = Some(sheet.document.save()).filter(|bytes| bytes.len() <= store::MAX_VALUE);
        let quarantine =
            (!sheet.quarantined.is_empty()).then(|| postcard::to_stdvec(&sheet.quarantined).ok()).flatten();
        self.store.put(Table::Documents, &[(key.clone(), document)])?;
        if quarantine.is_some() || self.store.get(Table::Quarantine, &key)?.is_some() {
            self.store.put(Table::Quarantine, &[(key.clone(), quarantine)])?;
        }
        let count = u32::try_from(sheet.view.conflicts().len()).unwrap_or(u32::MAX);
        let disputed = [DISPUTED, &key].concat();
        if count > 0 || self.store.get(Table::Views, &disputed)?.is_some() {
            let count = (count > 0).then(|| count.to_be_bytes().to_vec());
            self.store.put(Table::Views, &[(disputed, count)])?;
        }
        self.store.put(Table::Views, &[(key, view)])?;
        Ok(())
    }

    /// Notes that all views are exact, once they are.
    pub(super) fn settle_folded(&mut self) -> Result<(), store::Error> {
        if !self.stale.is_empty() {
            return Ok(());
        }
        let note = [&self.store.epoch().0[..], &self.commons.end().0.to_be_bytes()].concat();
        self.store.put(Table::Notes, &[(FOLDED.to_vec(), Some(note))])
    }

    /// Hands the changed views to the index and makes them findable.
    pub(super) fn write_index(&mut self) -> Result<(), Error> {
        if self.unindexed.is_empty() {
            return Ok(());
        }
        let mut all: Vec<RecordId> = self.unindexed.iter().copied().collect();
        all.extend(self.taking_place_in(&all).difference(&self.unindexed));
        for some in all.chunks(INDEX_STEP) {
            let mut batch = Vec::with_capacity(some.len());
            for record in some {
                if let Some(bytes) = self.store.get(Table::Views, &record.0)?
                    && let Ok(view) = postcard::from_bytes::<View>(&bytes)
                {
                    batch.push(indexed(&view, self.facets_of(&view)?));
                }
            }
            self.index.put(batch)?;
        }
        let exact = if self.stale.is_empty() { self.commons.end().0 } else { self.index.watermark() };
        self.index.commit(exact)?;
        self.unindexed.clear();
        Ok(())
    }
}

/// What is derived can be derived again: that there is no room to keep it keeps nobody from reading.
pub(super) fn unless_full(kept: Result<(), store::Error>) -> Result<(), store::Error> {
    match kept {
        Err(store::Error::Full { .. } | store::Error::ReadOnly { .. } | store::Error::ReadOnlyDisk(_)) => Ok(()),
        other => other,
    }
}

/// The automerge change of an entry.
fn chunk(entry: &Entry) -> Option<&[u8]> {
    match entry {
        Entry::Statement(_) => None,
        Entry::Change(change) => Some(change.chunk()),
        Entry::Adoption(adoption) => Some(adoption.chunk()),
    }
}

/// What the index keeps of a view.
fn indexed(view: &View, facets: BTreeSet<Facet>) -> Indexed {
    Indexed {
        record: view.record,
        kind: view.kind.clone(),
        title: view.title().to_owned(),
        summary: view.summary().to_owned(),
        text: view.words(Lang::Fr),
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
        lang: view.field("lang").and_then(|lang| lang.text()).unwrap_or("fr").to_owned(),
    }
}
