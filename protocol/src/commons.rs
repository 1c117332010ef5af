//! One commons as a node holds it: who is in, what is in the set, and the rule for what may enter.
//!
//! The story of one entry: a peer sends bytes, [`Commons::receive`] makes them [`Verified`] and judges each: is it known
//! already, does it rest on something that has not come (the waiting room), did a device sign it that the roster does not
//! admit? What passes is appended
//! to the store in one durable batch and enters the [reconciled set](crate::set). Entries that waited for it follow at
//! once. Nothing here opens a document: whether a change folds is a question of reading, never of membership.
//!
//! The state is rebuilt from the store: a checkpoint of the set, with the statements below it, is kept every
//! [`CHECKPOINT_EVERY`] entries, and opening replays the log above it. Opening writes nothing: it must work on a full
//! disk.

mod allowance;
mod received;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;

pub use allowance::{BYTES_A_DAY, NEWCOMERS_A_DAY};
pub use received::Received;
pub use waiting::{WAITING_BYTES, WAITING_MS, WAITING_SHARE};

use self::allowance::{Allowances, Charge};
use self::waiting::{Missing, Waiting};
use crate::digest::Digest;
use crate::entry::statement::{Act, Basis};
use crate::entry::{Entry, Statement};
use crate::id::{AllyId, ChangeHash, CommonsId, DeviceKey, EntryId, RecordId, StatementId};
use crate::roster::{Added, Roster, Standing};
use crate::set::{Kind, Set};
use crate::sign::Verified;
use crate::store::{self, Append, Appended, Ordinal, Store, Table};
use crate::sync::{Place, Sender};
use crate::time::Timestamp;
use crate::wire::{Reader, Write as _};

/// Entries between two checkpoints of the set. Replaying so many when opening takes some tens of milliseconds; writing
/// the checkpoint (about 2 MB) more often would cost more than the entries themselves.
pub const CHECKPOINT_EVERY: u64 = 65_536;

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Ingested {
    /// What entered, in log order.
    pub added: Vec<Entered>,
    /// What was here already.
    pub known: Vec<EntryId>,
    /// What waits for something that has not come.
    pub waiting: Vec<EntryId>,
    /// What rests on something that has not come, and for which there was no room to wait: it must be sent again.
    pub dropped: Vec<EntryId>,
    /// What is over the allowance of the ally that sent it: it must be sent again another day.
    pub delayed: Vec<Delayed>,
    /// What may not enter, on any node: whoever sent it misbehaves or is deceived.
    pub refused: Vec<Refusal>,
}

/// An entry that entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entered {
    /// Its place in the log.
    pub ordinal: Ordinal,
    /// Its id.
    pub id: EntryId,
    /// The record it changes; `None` for a statement.
    pub record: Option<RecordId>,
}

/// An entry that is left for another day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delayed {
    /// Its id.
    pub id: EntryId,
    /// Whether who sent it made it, or somebody whom nobody let in.
    pub own: bool,
}

/// An entry that may not enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Its id.
    pub id: EntryId,
    /// The device that signed it.
    pub device: DeviceKey,
    /// Why.
    pub reason: Reason,
}

/// Why an entry may not enter. The same on every node that knows its past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The device belonged to no ally in good standing at the frontier that the entry names, or in the past of the
    /// statement, with which it does not come in either.
    #[error("its device was not admitted in what it had seen")]
    Stranger,
    /// It depends on a change of another record.
    #[error("it depends on a change of another record")]
    ForeignDependency,
    /// It is a statement about another commons.
    #[error("it is about another commons")]
    OtherCommons,
}

/// The state of one commons over its store.
#[derive(Debug)]
pub struct Commons {
    id: CommonsId,
    roster: Roster,
    set: Set,
    waiting: Waiting,
    allowances: Allowances,
    /// Places of statements: sync sends them first.
    statements: BTreeSet<Ordinal>,
    /// Statements that the log holds without what they rest on, as in a store begun anew from the outbox: the roster takes
    /// them once that has come.
    early: Vec<Statement>,
    /// This device: what it signed exists nowhere else at first.
    me: DeviceKey,
    /// Everything below is in the set.
    end: Ordinal,
    checkpoint: Ordinal,
}

impl Commons {
    /// Reads the state of a commons from its store: the last checkpoint, and the log above it.
    ///
    /// # Errors
    /// When the log cannot be read. Damage of what is derived from it is not an error: all of the log is replayed.
    pub fn open(id: CommonsId, me: DeviceKey, store: &dyn Store) -> Result<Self, store::Error> {
        let mut commons = Self::new(id, me);
        if !commons.read_derived(store) {
            commons = Self::new(id, me);
        }
        commons.replay(store)?;
        commons.place_early();
        Ok(commons)
    }

    fn new(id: CommonsId, me: DeviceKey) -> Self {
        Self {
            id,
            roster: Roster::new(id),
            set: Set::new(&id),
            waiting: Waiting::default(),
            allowances: Allowances::default(),
            statements: BTreeSet::new(),
            early: Vec::new(),
            me,
            end: Ordinal(0),
            checkpoint: Ordinal(0),
        }
    }

    /// Reads what was derived from the log before. False unless it is whole: the statements below a checkpoint are those
    /// whose digest the checkpoint has.
    fn read_derived(&mut self, store: &dyn Store) -> bool {
        let Ok(statements) = store.list(Table::Statements, &[], None, usize::MAX) else { return false };
        let checkpoint = store.get(Table::Sketch, CHECKPOINT_KEY).ok().flatten();
        if let Some((end, set)) = checkpoint.and_then(|bytes| read_checkpoint(&self.id, &bytes)) {
            self.set = set;
            self.end = end.min(store.end());
            self.checkpoint = self.end;
        }
        let mut below = Digest::new();
        for (key, bytes) in statements {
            let (Ok(statement), Ok(key)) = (Statement::decode(&bytes), <[u8; 8]>::try_from(key)) else { return false };
            let ordinal = Ordinal(u64::from_be_bytes(key));
            if ordinal < self.end {
                below.insert(&statement.id().into());
                self.statements.insert(ordinal);
                self.early.push(statement);
            }
        }
        below == *self.set.statements()
    }

    /// Which commons.
    #[must_use]
    pub const fn id(&self) -> CommonsId {
        self.id
    }

    /// Who is in.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What is reconciled.
    #[must_use]
    pub const fn set(&self) -> &Set {
        &self.set
    }

    /// The entry at a place, as sync sees it: statements are sent first.
    #[must_use]
    pub fn place(&self, ordinal: Ordinal) -> Place {
        let kind = if self.statements.contains(&ordinal) { Kind::Statement } else { Kind::Content };
        Place { ordinal, kind }
    }

    /// The places of all statements, in log order.
    pub fn statements(&self) -> impl Iterator<Item = Ordinal> {
        self.statements.iter().copied()
    }

    /// Everything below this place is in the set.
    #[must_use]
    pub const fn end(&self) -> Ordinal {
        self.end
    }

    /// Takes in verified entries that this node made, or that its person handed to it: appends what may enter, durably,
    /// and gives word of each. Entries may stand in any order; one that rests on a later one of the batch enters after
    /// it.
    ///
    /// # Errors
    /// When the store failed. The state is then ahead of the disk and must be opened anew.
    pub fn ingest(
        &mut self,
        store: &mut dyn Store,
        entries: Vec<Verified<Entry>>,
        now: Timestamp,
    ) -> Result<Ingested, store::Error> {
        self.take(store, entries, None, now)
    }

    fn take(
        &mut self,
        store: &mut dyn Store,
        mut entries: Vec<Verified<Entry>>,
        from: Option<Sender>,
        now: Timestamp,
    ) -> Result<Ingested, store::Error> {
        self.waiting.expire(now);
        let mut batch = Batch::default();
        let mut result = Ingested::default();
        // Statements first: they say whose the others are.
        entries.sort_by_key(|entry| kind(entry));
        if let Some(sender) = from {
            result.delayed = self.delay(store, &mut entries, &sender, now)?;
        }
        let from = from.map(|sender| sender.peer);
        let mut queue = VecDeque::from(entries);
        while let Some(entry) = queue.pop_front() {
            let id = entry.id();
            match self.judge(store, &batch, &entry)? {
                Verdict::Known => result.known.push(id),
                Verdict::Refused(reason) => result.refused.push(Refusal { id, device: entry.device(), reason }),
                Verdict::Waits(on) => {
                    let presented = self.roster.presents(&entry.device());
                    let waits = self.waiting.admit(on, entry, presented, from, now);
                    if waits { result.waiting.push(id) } else { result.dropped.push(id) }
                }
                Verdict::Enters => {
                    queue.extend(self.waiting.release(&entry));
                    for placed in self.place_early() {
                        queue.extend(self.waiting.release(&placed));
                    }
                    batch.push(entry);
                }
            }
        }
        result.added = self.commit(store, &batch)?;
        let entered: BTreeSet<_> = result.added.iter().map(|entered| entered.id).collect();
        result.waiting.retain(|id| !entered.contains(id));
        Ok(result)
    }

    /// Takes out of what a peer sent what is over its ally's allowance. A first sync is not counted: whom it comes from was
    /// chosen, and an author's own log of years is one of the ways to get it.
    fn delay(
        &mut self,
        store: &dyn Store,
        entries: &mut Vec<Verified<Entry>>,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<Vec<Delayed>, store::Error> {
        let ally = self.roster.device(&sender.peer).and_then(|device| self.roster.ally_of(&device));
        let Some(ally) = ally.filter(|_| !sender.followed) else { return Ok(Vec::new()) };
        let answered_for: BTreeSet<EntryId> = entries.iter().flat_map(|entry| self.lets_in(entry)).collect();
        let mut delayed = Vec::new();
        for entry in std::mem::take(entries) {
            let id = entry.id();
            let charge = self.charge(ally, &entry);
            let is_new = charge.is_some() && store.ordinal(&id)?.is_none();
            match charge.filter(|_| is_new) {
                Some(charge) if !self.allowances.take(ally, charge, now) => {
                    let own = charge != Charge::Newcomer;
                    if !own
                        && (answered_for.contains(&id) || self.waiting.any(|entry| self.lets_in(entry).contains(&id)))
                    {
                        entries.push(entry);
                    } else {
                        delayed.push(Delayed { id, own });
                    }
                }
                Some(_) | None => entries.push(entry),
            }
        }
        Ok(delayed)
    }

    /// What presents whomever an entry lets in, when an ally made it.
    fn lets_in(&self, entry: &Verified<Entry>) -> Vec<EntryId> {
        let Entry::Statement(statement) = &**entry else { return Vec::new() };
        if let Act::Admit { ally, basis: Basis::Redeem(redeem) } = statement.act()
            && self.roster.ally_of(&statement.by()).is_some()
        {
            vec![StatementId::from(*ally).into(), (*redeem).into()]
        } else {
            Vec::new()
        }
    }

    /// What an entry costs the ally that sends it: nothing when another ally made it.
    fn charge(&self, sender: AllyId, entry: &Entry) -> Option<Charge> {
        let act = if let Entry::Statement(statement) = entry { Some(statement.act()) } else { None };
        match self.roster.ally_of(&entry.device()) {
            Some(author) if author == sender => {
                Some(Charge::Own { bytes: entry.encode().len() as u64, seen: act == Some(&Act::Seen) })
            }
            Some(_) => None,
            None => act.is_some().then_some(Charge::Newcomer),
        }
    }

    /// Whether an entry may enter now. A statement that may has entered the roster when this returns.
    fn judge(&mut self, store: &dyn Store, batch: &Batch, entry: &Verified<Entry>) -> Result<Verdict, store::Error> {
        if batch.ids.contains(&entry.id()) || store.ordinal(&entry.id())?.is_some() {
            return Ok(Verdict::Known);
        }
        let (record, frontier, deps) = match &**entry {
            Entry::Statement(statement) => return Ok(self.judge_statement(statement)),
            Entry::Change(change) => (change.record(), change.frontier(), change.deps()),
            Entry::Adoption(adoption) => (adoption.record(), adoption.frontier(), adoption.deps()),
        };
        match self.roster.may_write(&entry.device(), &frontier) {
            Standing::Good(_) => {}
            Standing::Stranger => return Ok(Verdict::Refused(Reason::Stranger)),
            Standing::UnknownFrontier => return Ok(Verdict::Waits(Missing::Statement(frontier))),
            Standing::NeedsUpgrade => return Ok(Verdict::Waits(Missing::Upgrade)),
        }
        for hash in deps {
            match dependency(store, batch, hash)? {
                None => return Ok(Verdict::Waits(Missing::Change(*hash))),
                Some(other) if other != record => return Ok(Verdict::Refused(Reason::ForeignDependency)),
                Some(_) => {}
            }
        }
        Ok(Verdict::Enters)
    }

    fn judge_statement(&mut self, statement: &Statement) -> Verdict {
        match self.roster.add(&Verified::trusted(statement.clone())) {
            Added::New => Verdict::Enters,
            Added::Known => Verdict::Known,
            Added::Waiting { missing } => missing
                .first()
                .map_or(Verdict::Refused(Reason::OtherCommons), |missing| Verdict::Waits(Missing::Statement(*missing))),
            Added::Stranger => Verdict::Refused(Reason::Stranger),
            Added::NeedsUpgrade => Verdict::Waits(Missing::Upgrade),
            Added::OtherCommons => Verdict::Refused(Reason::OtherCommons),
        }
    }

    /// Hands the roster what the log holds already, as far as it rests on what is known. Gives what the roster took.
    fn place_early(&mut self) -> Vec<Entry> {
        let (mut placed, mut before) = (Vec::new(), usize::MAX);
        while self.early.len() < before {
            before = self.early.len();
            for early in std::mem::take(&mut self.early) {
                let early = Verified::trusted(early);
                match self.roster.add(&early) {
                    Added::Waiting { .. } | Added::NeedsUpgrade => self.early.push(early.into_inner()),
                    Added::New | Added::Known => placed.push(Entry::Statement(early.into_inner())),
                    Added::Stranger | Added::OtherCommons => {}
                }
            }
        }
        placed
    }

    fn commit(&mut self, store: &mut dyn Store, batch: &Batch) -> Result<Vec<Entered>, store::Error> {
        let encoded: Vec<_> = batch.entries.iter().map(|entry| entry.encode()).collect();
        let appends: Vec<_> = batch
            .entries
            .iter()
            .zip(&encoded)
            .map(|(entry, bytes)| Append {
                id: entry.id(),
                bytes,
                record: entry.record(),
                change: entry.change(),
                own: entry.device() == self.me,
            })
            .collect();
        let places = store.append(&appends)?;
        let mut entered = Vec::with_capacity(places.len());
        for (entry, place) in batch.entries.iter().zip(places) {
            let Appended::New(ordinal) = place else { continue };
            self.set.insert(&entry.id(), kind(entry));
            entered.push(Entered { ordinal, id: entry.id(), record: entry.record() });
            if matches!(**entry, Entry::Statement(_)) {
                self.statements.insert(ordinal);
            }
        }
        self.end = store.end();
        if self.end.0 - self.checkpoint.0 >= CHECKPOINT_EVERY {
            self.save(store)?;
        }
        Ok(entered)
    }

    /// Keeps a checkpoint, so that the next opening replays nothing.
    ///
    /// # Errors
    /// When the store failed.
    pub fn save(&mut self, store: &mut dyn Store) -> Result<(), store::Error> {
        if self.checkpoint == self.end {
            return Ok(());
        }
        if self.checkpoint == Ordinal(0) {
            store.clear(Table::Statements)?;
        }
        for at in self.statements.range(self.checkpoint..) {
            let entry = store.read(*at)?.and_then(|(_, bytes)| Entry::decode(&bytes).ok());
            if let Some(Entry::Statement(statement)) = entry.map(|entry| entry.trust().into_inner()) {
                let put = (at.0.to_be_bytes().to_vec(), Some(statement.bytes().to_vec()));
                store.put(Table::Statements, &[put])?;
            }
        }
        // Last: below a checkpoint the table of statements is whole.
        let mut bytes = Vec::new();
        bytes.put_uleb(self.end.0);
        bytes.extend_from_slice(&self.set.checkpoint());
        store.put(Table::Sketch, &[(CHECKPOINT_KEY.to_vec(), Some(bytes))])?;
        self.checkpoint = self.end;
        Ok(())
    }

    /// Takes into the set, and into the roster, what the log holds above the checkpoint.
    fn replay(&mut self, store: &dyn Store) -> Result<(), store::Error> {
        let (set, early, places) = (&mut self.set, &mut self.early, &mut self.statements);
        store.scan(self.end, &mut |ordinal, id, bytes| {
            if !Entry::is_statement(bytes) {
                set.insert(&id, Kind::Content);
            } else if let Ok(Entry::Statement(statement)) = Entry::decode(bytes).map(|entry| entry.trust().into_inner())
            {
                set.insert(&id, Kind::Statement);
                places.insert(ordinal);
                early.push(statement);
            }
            ControlFlow::Continue(())
        })?;
        self.end = store.end();
        Ok(())
    }
}

const CHECKPOINT_KEY: &[u8] = b"set";

fn read_checkpoint(commons: &CommonsId, bytes: &[u8]) -> Option<(Ordinal, Set)> {
    let mut reader = Reader::new(bytes);
    let end = Ordinal(reader.uleb().ok()?);
    Some((end, Set::restore(commons, reader.rest()).ok()?))
}

const fn kind(entry: &Entry) -> Kind {
    match entry {
        Entry::Statement(_) => Kind::Statement,
        Entry::Change(_) | Entry::Adoption(_) => Kind::Content,
    }
}

/// The record of a change that is here or in the batch.
fn dependency(store: &dyn Store, batch: &Batch, hash: &ChangeHash) -> Result<Option<RecordId>, store::Error> {
    if let Some(record) = batch.changes.get(hash) {
        return Ok(Some(*record));
    }
    match store.of_change(hash)?.first() {
        Some(ordinal) => {
            let stored = store.read(*ordinal)?;
            Ok(stored.and_then(|(_, bytes)| Entry::record_of(&bytes)))
        }
        None => Ok(None),
    }
}

enum Verdict {
    Known,
    Enters,
    Waits(Missing),
    Refused(Reason),
}

/// What enters together.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<Verified<Entry>>,
    ids: BTreeSet<EntryId>,
    changes: BTreeMap<ChangeHash, RecordId>,
}

impl Batch {
    fn push(&mut self, entry: Verified<Entry>) {
        self.ids.insert(entry.id());
        if let (Some(hash), Some(record)) = (entry.change(), entry.record()) {
            self.changes.insert(hash, record);
        }
        self.entries.push(entry);
    }
}

#[cfg(test)]
mod tests;
