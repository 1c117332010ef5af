//! A store that loses in a crash what a real one may lose, and nothing else.
//!
//! What is appended is durable when the call returns, unless the program dies inside it: then a prefix survives. What is
//! put in a table is durable after the next append; a crash before may keep any of it. So the disk holds two images, what
//! the program sees and what is safe, and the operations between them: a [`step`](Disk::settle) that came to its end moves
//! the safe image up, a [crash](Disk::crash) in the middle of one keeps a beginning of it.

use std::ops::ControlFlow;

use essaim_protocol::id::{ChangeHash, EntryId, Epoch, Item, RecordId};
use essaim_protocol::store::{Append, Appended, Error, Memory, Ordinal, Pair, Put, Store, Table, Visit};

use super::dice::Dice;

#[derive(Debug)]
pub(super) struct Disk {
    now: Memory,
    safe: Memory,
    /// What separates the one from the other.
    late: Vec<Late>,
}

#[derive(Debug)]
enum Late {
    Append(Vec<Row>),
    Put(Table, Vec<Put>),
    Confirm(Vec<EntryId>),
    Clear(Table),
    Sync,
}

#[derive(Debug, Clone)]
struct Row {
    id: EntryId,
    bytes: Vec<u8>,
    record: Option<RecordId>,
    change: Option<ChangeHash>,
    own: bool,
}

impl Row {
    fn of(append: &Append<'_>) -> Self {
        let Append { id, bytes, record, change, own } = *append;
        Self { id, bytes: bytes.to_vec(), record, change, own }
    }

    fn append(&self) -> Append<'_> {
        Append { id: self.id, bytes: &self.bytes, record: self.record, change: self.change, own: self.own }
    }
}

impl Disk {
    pub(super) const fn new(epoch: Epoch) -> Self {
        Self { now: Memory::new(epoch), safe: Memory::new(epoch), late: Vec::new() }
    }

    /// What a power cut would leave.
    pub(super) const fn safe(&self) -> &Memory {
        &self.safe
    }

    /// A step came to its end: what it appended, and put before, is durable.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        let barrier = self.late.iter().rposition(|late| matches!(late, Late::Append(_) | Late::Sync));
        for late in self.late.drain(..barrier.map_or(0, |at| at + 1)) {
            apply(&mut self.safe, &late)?;
        }
        Ok(())
    }

    /// The program dies within a step: a beginning of what it did survives, and of what it put last, any part.
    pub(super) fn crash(&mut self, dice: &mut Dice) -> Result<(), Error> {
        let cut = dice.index(self.late.len() + 1);
        let barrier = self.late[..cut].iter().rposition(|late| matches!(late, Late::Append(_) | Late::Sync));
        for (index, late) in std::mem::take(&mut self.late).into_iter().enumerate() {
            let durable = barrier.is_some_and(|barrier| index <= barrier);
            match late {
                late if index < cut && (durable || dice.one_in(2)) => apply(&mut self.safe, &late)?,
                Late::Append(rows) if index == cut => {
                    let prefix = dice.index(rows.len() + 1);
                    apply(&mut self.safe, &Late::Append(rows[..prefix].to_vec()))?;
                }
                Late::Append(_) | Late::Put(..) | Late::Confirm(_) | Late::Clear(_) | Late::Sync => {}
            }
        }
        self.now = self.safe.clone();
        Ok(())
    }

    /// The disk is gone. Another one begins from the outbox, which is a file beside the store.
    pub(super) fn begin_anew(&mut self, epoch: Epoch) -> Result<(), Error> {
        let mut rows = Vec::new();
        for id in self.safe.outbox() {
            let Some(at) = self.safe.ordinal(&id)? else { continue };
            let Some((id, bytes)) = self.safe.read(at)? else { continue };
            let entry = essaim_protocol::entry::Entry::decode(&bytes).ok().map(|entry| entry.trust().into_inner());
            let (record, change) = entry.map_or((None, None), |entry| (entry.record(), entry.change()));
            rows.push(Row { id, bytes, record, change, own: true });
        }
        *self = Self::new(epoch);
        self.append(&rows.iter().map(Row::append).collect::<Vec<_>>())?;
        self.settle()
    }
}

fn apply(image: &mut Memory, late: &Late) -> Result<(), Error> {
    match late {
        Late::Append(rows) => image.append(&rows.iter().map(Row::append).collect::<Vec<_>>()).map(drop),
        Late::Put(table, items) => image.put(*table, items),
        Late::Confirm(ids) => image.confirm(ids),
        Late::Clear(table) => image.clear(*table),
        Late::Sync => Ok(()),
    }
}

impl Store for Disk {
    fn epoch(&self) -> Epoch {
        self.now.epoch()
    }

    fn end(&self) -> Ordinal {
        self.now.end()
    }

    fn append(&mut self, entries: &[Append<'_>]) -> Result<Vec<Appended>, Error> {
        self.late.push(Late::Append(entries.iter().map(Row::of).collect()));
        self.now.append(entries)
    }

    fn ordinal(&self, id: &EntryId) -> Result<Option<Ordinal>, Error> {
        self.now.ordinal(id)
    }

    fn matching(&self, item: &Item) -> Result<Vec<Ordinal>, Error> {
        self.now.matching(item)
    }

    fn of_change(&self, hash: &ChangeHash) -> Result<Vec<Ordinal>, Error> {
        self.now.of_change(hash)
    }

    fn of_record(&self, record: &RecordId) -> Result<Vec<Ordinal>, Error> {
        self.now.of_record(record)
    }

    fn records(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<RecordId>, Error> {
        self.now.records(after, limit)
    }

    fn read(&self, at: Ordinal) -> Result<Option<(EntryId, Vec<u8>)>, Error> {
        self.now.read(at)
    }

    fn scan(&self, from: Ordinal, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.now.scan(from, visit)
    }

    fn ids(&self, from: Ordinal, visit: &mut dyn FnMut(Ordinal, EntryId) -> ControlFlow<()>) -> Result<(), Error> {
        self.now.ids(from, visit)
    }

    fn outbox(&self) -> Vec<EntryId> {
        self.now.outbox()
    }

    fn confirm(&mut self, ids: &[EntryId]) -> Result<(), Error> {
        self.late.push(Late::Confirm(ids.to_vec()));
        self.now.confirm(ids)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.now.get(table, key)
    }

    fn put(&mut self, table: Table, items: &[Put]) -> Result<(), Error> {
        self.late.push(Late::Put(table, items.to_vec()));
        self.now.put(table, items)
    }

    fn list(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, Error> {
        self.now.list(table, prefix, after, limit)
    }

    fn clear(&mut self, table: Table) -> Result<(), Error> {
        self.late.push(Late::Clear(table));
        self.now.clear(table)
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.late.push(Late::Sync);
        self.now.sync()
    }

    fn tidy(&mut self) -> Result<bool, Error> {
        self.now.tidy()
    }
}
