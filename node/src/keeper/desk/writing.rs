//! Writing records: what a person saves becomes one signed change, or a chain of them when it is long; what a file brings
//! becomes reference changes that are adopted. All of a save or of a line is drafted before any of it is written.

use std::collections::BTreeMap;

use essaim_protocol::commons::Reason;
use essaim_protocol::entry::adoption::reference_chunk;
use essaim_protocol::entry::change::SealError;
use essaim_protocol::entry::{Adoption, Change, Entry, Origin};
use essaim_protocol::id::{ChangeHash, RecordId, StatementId};
use essaim_protocol::record::edit::{self, Draft, Edit, EditError, MAX_HEADS};
use essaim_protocol::record::fold::{self, FoldError};
use essaim_protocol::record::import::Imported as Line;
use essaim_protocol::record::{View, reference};
use essaim_protocol::roster::AuthorError;
use essaim_protocol::sign::Verified;
use essaim_protocol::store::{self, Store as _};
use essaim_protocol::time::Timestamp;
use serde_json::Value as Json;

use super::Desk;
use super::reading::ReadError;

/// Lines of a file taken in at once: one flush for many records; whoever asks meanwhile waits for no more, and an
/// interrupted import has lost little.
pub(crate) const IMPORT_BATCH: usize = 100;

/// The system of the origin of a record that people wrote in another commons, named there by its id.
const ELSEWHERE: &str = "essaim";

/// What was written.
#[derive(Debug)]
pub struct Saved {
    /// The record as it is now.
    pub view: View,
    /// The change, the last of a chain; `None` when nothing differed.
    pub change: Option<ChangeHash>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// There is no such record.
    #[error("no such record")]
    NoRecord,
    /// What was asked cannot be held.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// This device may not write here (yet).
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// The change has no valid form.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The rules refuse what we made: ours is the fault.
    #[error("our own change was refused: {0}")]
    Refused(Reason),
    /// The record cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<store::Error> for SaveError {
    fn from(error: store::Error) -> Self {
        Self::Read(error.into())
    }
}

impl From<FoldError> for SaveError {
    fn from(error: FoldError) -> Self {
        Self::Read(error.into())
    }
}

/// What became of one line of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The record was not there.
    Created,
    /// It was there and changed.
    Updated,
    /// It was there just so.
    Unchanged,
}

/// Changes of one record that are signed and not written yet.
#[derive(Debug)]
pub struct Made {
    record: RecordId,
    changes: Vec<Change>,
}

impl Made {
    /// The record.
    #[must_use]
    pub const fn record(&self) -> RecordId {
        self.record
    }

    /// The last of its changes.
    #[must_use]
    pub fn head(&self) -> Option<ChangeHash> {
        self.changes.last().map(Change::hash)
    }
}

impl Desk {
    /// Writes a new record. `fields` are in the JSON form.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn create(&mut self, kind: &str, fields: &BTreeMap<String, Json>, now: Timestamp) -> Result<Saved, SaveError> {
        let made = self.make(kind, fields, now)?;
        self.write_down(made, now)
    }

    /// Makes and signs a new record, which [`Desk::write_down`] writes. `fields` are in the JSON form.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn make(&mut self, kind: &str, fields: &BTreeMap<String, Json>, now: Timestamp) -> Result<Made, SaveError> {
        self.sign(edit::create(kind, fields, random(), now)?, None, now)
    }

    /// Changes a record that was seen at `base` (as it is now, when empty). What somebody else wrote since stays, beside
    /// what is written now.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn save(
        &mut self,
        record: &RecordId,
        base: &[ChangeHash],
        edits: &[Edit],
        now: Timestamp,
    ) -> Result<Saved, SaveError> {
        self.join_heads(record, now)?;
        let (view, document) = self.document(record)?.ok_or(SaveError::NoRecord)?;
        let heads = if base.is_empty() { &view.heads[..] } else { base };
        match edit::draft(document, heads, edits, random(), now) {
            Ok(draft) => self.share(draft, Some(*record), now),
            Err(EditError::NothingToDo) => Ok(Saved { view, change: None }),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes in some lines of a file, best `IMPORT_BATCH` of them, all durable when this returns.
    ///
    /// # Errors
    /// [`SaveError`] when nothing more can be written. A line that cannot be held is answered with its own error.
    pub fn import(&mut self, lines: &[Line], now: Timestamp) -> Result<Vec<Result<Imported, EditError>>, SaveError> {
        let frontier = self.frontier(now)?;
        let mut outcomes = Vec::with_capacity(lines.len());
        let mut batch = Vec::new();
        for line in lines {
            outcomes.push(self.import_line(line, frontier, now, &mut batch)?);
        }
        self.enter(batch, now)?;
        Ok(outcomes)
    }

    /// Adopts reference changes as they are, all of them durable when this returns. Those that are here already are
    /// passed over. Answers how many were new.
    ///
    /// # Errors
    /// [`SaveError`] when this device may not write here or the store failed.
    pub fn adopt(&mut self, editions: Vec<(Origin, Vec<u8>)>, now: Timestamp) -> Result<usize, SaveError> {
        let frontier = self.frontier(now)?;
        let mut batch = Vec::with_capacity(editions.len());
        for (origin, chunk) in editions {
            batch.extend(self.adoption(origin, chunk, frontier)?);
        }
        let new = batch.len();
        self.enter(batch, now)?;
        Ok(new)
    }

    /// The statement that a change made now names.
    fn frontier(&mut self, now: Timestamp) -> Result<StatementId, SaveError> {
        let frontier = self.roster().frontier(&self.keys, now)?;
        if !frontier.seen.is_empty() {
            let seen = frontier.seen.into_iter().map(|seen| Verified::trusted(Entry::Statement(seen.into_inner())));
            self.take_in(seen.collect(), now)?;
        }
        Ok(frontier.id)
    }

    /// Signs a draft and what follows it, makes all of it durable and shows the record as it is then.
    fn share(&mut self, draft: Draft, record: Option<RecordId>, now: Timestamp) -> Result<Saved, SaveError> {
        let made = self.sign(draft, record, now)?;
        self.write_down(made, now)
    }

    fn sign(&mut self, draft: Draft, mut record: Option<RecordId>, now: Timestamp) -> Result<Made, SaveError> {
        let frontier = self.frontier(now)?;
        let mut changes = Vec::new();
        let mut next = Some(draft);
        while let Some(draft) = next {
            let change = Change::seal(&draft.chunk, &self.keys, self.id(), frontier, record)?.into_inner();
            record = Some(change.record());
            next = draft.next(change.chunk())?;
            changes.push(change);
        }
        Ok(Made { record: record.ok_or(SaveError::NoRecord)?, changes })
    }

    /// Writes what was made, and shows the record as it is then.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn write_down(&mut self, made: Made, now: Timestamp) -> Result<Saved, SaveError> {
        let change = made.head();
        self.enter(made.changes.into_iter().map(|change| Verified::trusted(Entry::Change(change))).collect(), now)?;
        let view = self.view(&made.record)?;
        Ok(Saved { view: view.ok_or(SaveError::NoRecord)?, change })
    }

    /// Joins the heads of a record until one change can name them all.
    fn join_heads(&mut self, record: &RecordId, now: Timestamp) -> Result<(), SaveError> {
        loop {
            let (view, document) = self.document(record)?.ok_or(SaveError::NoRecord)?;
            if view.heads.len() <= MAX_HEADS {
                return Ok(());
            }
            let draft = edit::merge(document, &view.heads, now)?;
            self.share(draft, Some(*record), now)?;
        }
    }

    fn import_line(
        &mut self,
        line: &Line,
        frontier: StatementId,
        now: Timestamp,
        batch: &mut Vec<Verified<Entry>>,
    ) -> Result<Result<Imported, EditError>, SaveError> {
        let origin = match &line.origin {
            Some(origin) => origin.clone(),
            None if self.store.of_record(&line.record)?.is_empty() => {
                Origin { system: ELSEWHERE.to_owned(), id: line.record.to_string() }
            }
            None => return self.import_edit(line, now),
        };
        let editions = self.editions(&origin.record())?;
        let (draft, outcome) = if editions.is_empty() {
            (reference::first(&line.kind, &line.fields, &origin), Imported::Created)
        } else {
            let chunks: Vec<&[u8]> = editions.iter().map(Vec::as_slice).collect();
            let parent = fold::fold(None, &chunks)?.document;
            (reference::next(&parent, &line.kind, &line.fields, &origin), Imported::Updated)
        };
        let adoptions = match draft {
            Ok(draft) => self.adoptions(&origin, draft, frontier)?,
            Err(error) => Err(error),
        };
        match adoptions {
            Ok(adoptions) if adoptions.is_empty() => Ok(Ok(Imported::Unchanged)),
            Ok(adoptions) => {
                batch.extend(adoptions);
                Ok(Ok(outcome))
            }
            Err(EditError::NothingToDo) => Ok(Ok(Imported::Unchanged)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Signs that an edition and what follows it belong here.
    fn adoptions(
        &self,
        origin: &Origin,
        draft: Draft,
        frontier: StatementId,
    ) -> Result<Result<Vec<Verified<Entry>>, EditError>, SaveError> {
        let mut adoptions = Vec::new();
        let mut next = Some(draft);
        while let Some(draft) = next {
            let chunk = reference_chunk(origin, &draft.chunk)?;
            next = match draft.next(&chunk) {
                Ok(next) => next,
                Err(error) => return Ok(Err(error)),
            };
            adoptions.extend(self.adoption(origin.clone(), chunk, frontier)?);
        }
        Ok(Ok(adoptions))
    }

    /// Signs that a reference change belongs here, unless somebody's word for it is here already.
    fn adoption(
        &self,
        origin: Origin,
        chunk: Vec<u8>,
        frontier: StatementId,
    ) -> Result<Option<Verified<Entry>>, SaveError> {
        let adoption = Adoption::sign(&self.keys, self.id(), frontier, origin, chunk)?;
        let known = !self.store.of_change(&adoption.hash())?.is_empty();
        Ok((!known).then(|| Verified::trusted(Entry::Adoption(adoption.into_inner()))))
    }

    /// A line that names a record which people wrote here is an edit of it.
    fn import_edit(&mut self, line: &Line, now: Timestamp) -> Result<Result<Imported, EditError>, SaveError> {
        let edits: Vec<Edit> = line.fields.iter().map(|(field, value)| Edit::set(field, value.clone())).collect();
        match self.save(&line.record, &[], &edits, now) {
            Ok(Saved { change: None, .. }) => Ok(Ok(Imported::Unchanged)),
            Ok(_) => Ok(Ok(Imported::Updated)),
            Err(SaveError::Edit(error)) => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }

    /// The reference changes of a record, in log order.
    fn editions(&self, record: &RecordId) -> Result<Vec<Vec<u8>>, store::Error> {
        let mut editions = Vec::new();
        for place in self.store.of_record(record)? {
            let Some((_, bytes)) = self.store.read(place)? else { continue };
            if let Ok(Entry::Adoption(adoption)) = Entry::decode(&bytes).map(|entry| entry.trust().into_inner()) {
                editions.push(adoption.chunk().to_vec());
            }
        }
        Ok(editions)
    }

    /// Takes in what we made; the rules must agree with us.
    fn enter(&mut self, entries: Vec<Verified<Entry>>, now: Timestamp) -> Result<(), SaveError> {
        let ingested = self.take_in(entries, now)?;
        ingested.refused.first().map_or(Ok(()), |refusal| Err(SaveError::Refused(refusal.reason)))
    }
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes[..]);
    bytes
}
