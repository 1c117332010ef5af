//! A replica in memory whose entries are bytes without meaning: for tests, the simulator and benchmarks.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{Fate, Place, Replica, Sender, Sent, Visit};
use crate::id::{CommonsId, EntryId, Epoch, Item};
use crate::set::{Kind, Set};
use crate::store::{self, Ordinal};
use crate::time::Timestamp;
use crate::wire::DecodeError;

/// The tag byte of statements.
const STATEMENT: u8 = 1;

/// The tag byte of an entry whose next 32 bytes are its id, so that ids can be chosen.
const NAMED: u8 = 9;

/// The tag byte of an entry that no replica keeps.
const WRONG: u8 = 0;

/// The tag byte of an entry that no replica keeps from a peer, though nothing is wrong with it.
const ASIDE: u8 = 8;

/// The tag byte of an entry that is over the allowance of whoever sends it.
const DELAYED: u8 = 7;

/// The tag byte of an entry that only a newer version understands.
const NEWER: u8 = 99;

/// Entries without meaning, all of them in the set.
#[derive(Debug, Clone)]
pub struct Memory {
    epoch: Epoch,
    set: Set,
    log: Vec<(EntryId, Vec<u8>)>,
    by_item: BTreeMap<Item, Vec<Ordinal>>,
}

impl Memory {
    /// An empty replica.
    #[must_use]
    pub fn new(commons: &CommonsId, epoch: Epoch) -> Self {
        Self { epoch, set: Set::new(commons), log: Vec::new(), by_item: BTreeMap::new() }
    }

    /// Keeps an entry, and says where. Its first byte is its tag: 0 for one that every replica refuses from a peer, 8 for
    /// one that it does not keep, 7 for one over an allowance, 99 for one that it does not understand, 1 for a
    /// statement, 9 for one whose next 32 bytes are its id. Otherwise its id is the BLAKE3 of its bytes.
    pub fn put(&mut self, entry: Vec<u8>) -> Place {
        let (id, kind) = (id_of(&entry), kind_of(&entry));
        let places = self.by_item.entry(id.item()).or_default();
        if let Some(ordinal) = places.iter().find(|at| self.log[at.0 as usize].0 == id) {
            return Place { ordinal: *ordinal, kind };
        }
        let ordinal = Ordinal(self.log.len() as u64);
        places.push(ordinal);
        self.set.insert(&id, kind);
        self.log.push((id, entry));
        Place { ordinal, kind }
    }

    /// Forgets everything from a place on, as a crash does that came before it was durable.
    pub fn truncate(&mut self, end: Ordinal) {
        for (id, entry) in self.log.split_off(end.0 as usize) {
            self.set.remove(&id, kind_of(&entry));
            if let Some(places) = self.by_item.get_mut(&id.item()) {
                places.retain(|at| *at < end);
            }
        }
    }

    /// The entries in log order.
    pub fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.log.iter().map(|(_, entry)| &entry[..])
    }

    fn place(&self, ordinal: Ordinal) -> Place {
        Place { ordinal, kind: kind_of(&self.log[ordinal.0 as usize].1) }
    }
}

fn id_of(entry: &[u8]) -> EntryId {
    match entry.split_first_chunk::<33>() {
        Some((named, _)) if named[0] == NAMED => {
            let mut id = EntryId::ZERO;
            id.0.copy_from_slice(&named[1..]);
            id
        }
        Some(_) | None => EntryId(*blake3::hash(entry).as_bytes()),
    }
}

fn kind_of(entry: &[u8]) -> Kind {
    if entry.first() == Some(&STATEMENT) { Kind::Statement } else { Kind::Content }
}

impl Replica for Memory {
    fn set(&self) -> &Set {
        &self.set
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn end(&self) -> Ordinal {
        Ordinal(self.log.len() as u64)
    }

    fn places(&self, item: &Item) -> Result<Vec<Place>, store::Error> {
        let places = self.by_item.get(item).map(Vec::as_slice).unwrap_or_default();
        Ok(places.iter().map(|at| self.place(*at)).collect())
    }

    fn scan(&self, from: Ordinal, visit: &mut Visit<'_>) -> Result<(), store::Error> {
        for ordinal in from.0..self.end().0 {
            if let ControlFlow::Break(()) = visit(self.place(Ordinal(ordinal)), self.log[ordinal as usize].0) {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, at: Ordinal) -> Result<Option<Vec<u8>>, store::Error> {
        Ok(self.log.get(at.0 as usize).map(|(_, entry)| entry.clone()))
    }

    fn ingest(&mut self, entries: Vec<Sent>, _: &Sender, _: Timestamp) -> Result<Vec<Fate>, store::Error> {
        let mut fate = |entry: Vec<u8>| {
            if entry.first().is_none_or(|tag| *tag == WRONG) {
                return Fate::Refused { device: None, reason: "its tag is no entry's".to_owned() };
            }
            match entry[0] {
                ASIDE => Fate::Aside,
                DELAYED => Fate::Delayed,
                NEWER => Fate::Newer(DecodeError::Unknown { what: "entry tag", found: NEWER.into() }),
                _ => Fate::Kept { id: id_of(&entry), place: self.put(entry) },
            }
        };
        Ok(entries.into_iter().map(|sent| fate(sent.bytes)).collect())
    }
}
