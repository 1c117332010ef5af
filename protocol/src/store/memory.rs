//! A store in memory: for tests and the simulator, and the plainest statement of what a store does.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};

use super::{Append, Appended, Error, Ordinal, Pair, Put, Store, Table, Visit, check_entries, check_puts};
use crate::id::{ChangeHash, EntryId, Epoch, Item, RecordId};

/// A store that lives as long as its value. A clone is an image of it at that moment, so that a simulated crash can go
/// back to one.
#[derive(Debug, Clone)]
pub struct Memory {
    epoch: Epoch,
    log: Vec<(EntryId, Vec<u8>)>,
    ids: BTreeMap<EntryId, Ordinal>,
    changes: BTreeSet<(ChangeHash, Ordinal)>,
    records: BTreeSet<(RecordId, Ordinal)>,
    outbox: Vec<EntryId>,
    tables: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
}

impl Memory {
    /// An empty store with this epoch.
    #[must_use]
    pub const fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            log: Vec::new(),
            ids: BTreeMap::new(),
            changes: BTreeSet::new(),
            records: BTreeSet::new(),
            outbox: Vec::new(),
            tables: BTreeMap::new(),
        }
    }

    fn append_one(&mut self, entry: &Append<'_>) -> Appended {
        if let Some(ordinal) = self.ids.get(&entry.id) {
            return Appended::Known(*ordinal);
        }
        let ordinal = self.end();
        self.log.push((entry.id, entry.bytes.to_vec()));
        self.ids.insert(entry.id, ordinal);
        self.changes.extend(entry.change.map(|hash| (hash, ordinal)));
        self.records.extend(entry.record.map(|record| (record, ordinal)));
        self.outbox.extend(entry.own.then_some(entry.id));
        Appended::New(ordinal)
    }

    fn from(&self, from: Ordinal) -> impl Iterator<Item = (Ordinal, &(EntryId, Vec<u8>))> {
        let skip = usize::try_from(from.0).unwrap_or(usize::MAX);
        (0..).map(Ordinal).zip(&self.log).skip(skip)
    }
}

impl Store for Memory {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn end(&self) -> Ordinal {
        Ordinal(self.log.len() as u64)
    }

    fn append(&mut self, entries: &[Append<'_>]) -> Result<Vec<Appended>, Error> {
        check_entries(entries)?;
        Ok(entries.iter().map(|entry| self.append_one(entry)).collect())
    }

    fn ordinal(&self, id: &EntryId) -> Result<Option<Ordinal>, Error> {
        Ok(self.ids.get(id).copied())
    }

    fn matching(&self, item: &Item) -> Result<Vec<Ordinal>, Error> {
        let mut first = [0; 32];
        first[..16].copy_from_slice(&item.0);
        let matching = self.ids.range(EntryId(first)..).take_while(|(id, _)| id.item() == *item);
        Ok(matching.map(|(_, ordinal)| *ordinal).collect())
    }

    fn of_change(&self, hash: &ChangeHash) -> Result<Vec<Ordinal>, Error> {
        Ok(self.changes.range((*hash, Ordinal(0))..=(*hash, Ordinal(u64::MAX))).map(|(_, at)| *at).collect())
    }

    fn of_record(&self, record: &RecordId) -> Result<Vec<Ordinal>, Error> {
        Ok(self.records.range((*record, Ordinal(0))..=(*record, Ordinal(u64::MAX))).map(|(_, at)| *at).collect())
    }

    fn records(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<RecordId>, Error> {
        let mut found = Vec::new();
        let mut after = after.map_or(Bound::Unbounded, |record| Bound::Excluded((*record, Ordinal(u64::MAX))));
        while found.len() < limit {
            let Some((record, _)) = self.records.range((after, Bound::Unbounded)).next() else { break };
            found.push(*record);
            after = Bound::Excluded((*record, Ordinal(u64::MAX)));
        }
        Ok(found)
    }

    fn read(&self, at: Ordinal) -> Result<Option<(EntryId, Vec<u8>)>, Error> {
        Ok(self.from(at).next().map(|(_, entry)| entry.clone()))
    }

    fn scan(&self, from: Ordinal, visit: &mut Visit<'_>) -> Result<(), Error> {
        let _ = self.from(from).try_for_each(|(at, (id, bytes))| visit(at, *id, bytes));
        Ok(())
    }

    fn ids(&self, from: Ordinal, visit: &mut dyn FnMut(Ordinal, EntryId) -> ControlFlow<()>) -> Result<(), Error> {
        let _ = self.from(from).try_for_each(|(at, (id, _))| visit(at, *id));
        Ok(())
    }

    fn outbox(&self) -> Vec<EntryId> {
        self.outbox.clone()
    }

    fn confirm(&mut self, ids: &[EntryId]) -> Result<(), Error> {
        self.outbox.retain(|id| !ids.contains(id));
        Ok(())
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.tables.get(&(table, key.to_vec())).cloned())
    }

    fn put(&mut self, table: Table, items: &[Put]) -> Result<(), Error> {
        check_puts(items)?;
        for (key, value) in items {
            match value {
                Some(value) => self.tables.insert((table, key.clone()), value.clone()),
                None => self.tables.remove(&(table, key.clone())),
            };
        }
        Ok(())
    }

    fn list(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, Error> {
        let first = after.filter(|after| *after >= prefix).unwrap_or(prefix);
        let listed = self.tables.range((table, first.to_vec())..);
        let listed = listed.take_while(|((of, key), _)| *of == table && key.starts_with(prefix));
        let listed = listed.filter(|((_, key), _)| Some(&key[..]) != after);
        Ok(listed.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn clear(&mut self, table: Table) -> Result<(), Error> {
        self.tables.retain(|(of, _), _| *of != table);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn tidy(&mut self) -> Result<bool, Error> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[test]
    fn memory_is_a_store() {
        for check in conformance::CHECKS {
            (check.run)(&mut |before| before.unwrap_or_else(|| Box::new(Memory::new(Epoch([7; 16])))))
                .unwrap_or_else(|error| panic!("{}: {error}", check.name));
        }
    }
}
