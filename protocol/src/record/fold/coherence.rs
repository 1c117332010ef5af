//! Coherence: what a change says of its past must be so.
//!
//! A change was made on a document: the one that its dependencies, and theirs, add up to. What it names must be in
//! *that* document; whether something else has arrived here meanwhile must not matter, or two nodes would disagree about
//! the same change. So the judgement uses the change's ancestors only:
//!
//! - its counters continue its past: the first is one more than the highest there;
//! - every other actor that it names is an ancestor, and every operation that it names is one of that ancestor's;
//! - no other change has its actor;
//! - what it works on is an object made there: a map by keys, a list or text by elements of its own;
//! - a predecessor set a value at the same place;
//! - nothing is nested deeper than [`MAX_DEPTH`], since automerge recurses; a text holds no objects;
//! - with its past it is at most [`MAX_CHANGES`] changes and [`MAX_OPERATIONS`] operations.
//!
//! automerge checks none of this: it panics, or makes a document that saves and never loads again. What it may still do
//! with a coherent change is tried on a copy, by the caller.

use std::collections::BTreeMap;

use automerge::Automerge;

use crate::bits::Bits;
use crate::gate::{self, Action, Chunk, Cited, Key, Op, OpId};
use crate::id::{Actor, ChangeHash};

/// How deep objects nest at most; the root is 0. Our own records need 4; 300 overflow automerge's stack.
pub const MAX_DEPTH: usize = 32;

/// Changes of a record that one change may build on, itself included. Their causal order is a square of bits, and
/// automerge loads all of them whenever the record is opened; a longer history goes on in a new record.
pub const MAX_CHANGES: usize = 2_000;

/// Operations that one change may build on, its own included: half a million letters. Run-length columns hold 65,536 of
/// them in 270 bytes, and each costs about 30 bytes here and as much in automerge.
pub const MAX_OPERATIONS: usize = 524_288;

/// Changes made apart each have a small past, so that all of a record is bounded too: twice what one may build on, about
/// 30 MB here. What comes beyond in the [order](Rank) of changes is left out.
const RECORD_CHANGES: usize = 2 * MAX_CHANGES;

/// The same for operations.
const RECORD_OPERATIONS: usize = 2 * MAX_OPERATIONS;

/// The order in which changes find room in a record: by the length of the longest chain below, then by hash. Parents come
/// first, and every node that holds the same changes takes the same ones.
pub(super) type Rank = (u32, ChangeHash);

/// Why a change is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It contradicts its past.
    Incoherent(&'static str),
    /// The record has no room for it.
    Full,
    /// It comes before a change that was taken in, and both together are too much: start anew.
    Unordered,
}

impl From<&'static str> for Refused {
    fn from(what: &'static str) -> Self {
        Self::Incoherent(what)
    }
}

/// Changes of one record, each with its ancestors and operations: 28 bytes an operation.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Operations of all of them.
    total: usize,
    /// The highest rank.
    last: Option<Rank>,
    /// Whether a change was left out for want of room: nothing that comes after it gets in.
    full: bool,
    changes: Vec<Ancestor>,
    by_hash: BTreeMap<ChangeHash, usize>,
    by_actor: BTreeMap<Actor, usize>,
    /// Keys of maps, each a number.
    keys: BTreeMap<Box<str>, u32>,
}

#[derive(Debug)]
struct Ancestor {
    /// How many changes the longest chain below it has.
    depth: u32,
    start_op: u64,
    max_op: u64,
    /// Bit `i`: change `i` is this one or one of its ancestors. n² / 8 bytes for all, 2 MB for [`RECORD_CHANGES`].
    ancestors: Bits,
    /// By counter from `start_op` on.
    operations: Vec<Operation>,
}

/// An operation's id in this record: the number of its change, and its counter, which the census keeps under 2^31.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Id {
    change: u32,
    counter: u32,
}

/// What is remembered of an operation.
#[derive(Debug, Clone, Copy)]
struct Operation {
    place: Place,
    kind: Kind,
}

/// Where a value stands. The object is the root when `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    object: Option<Id>,
    slot: Slot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Key(u32),
    /// An element, named by the operation that inserted it.
    Element(Id),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Made an object of this shape, at this depth.
    Object(Shape, u8),
    Value,
    /// Left no value that could be replaced.
    Deletion,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Map,
    List,
    Text,
}

impl Past {
    /// The past that a document of ours holds; nothing when it holds what this program does not take.
    pub(super) fn of(document: &Automerge) -> Option<Self> {
        let mut past = Self::default();
        for change in document.get_changes(&[]) {
            let chunk = gate::census(change.raw_bytes()).ok()?;
            past.admit(&chunk).ok()?;
        }
        Some(past)
    }

    pub(super) const fn size(&self) -> usize {
        self.total
    }

    pub(super) fn knows(&self, hash: &ChangeHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// How many changes the longest chain below a change has, if it is known.
    pub(super) fn depth(&self, hash: &ChangeHash) -> Option<u32> {
        self.by_hash.get(hash).map(|index| self.changes[*index].depth)
    }

    /// Judges a change whose dependencies are all known, and takes it in if it is coherent and there is room. Changes
    /// that were not judged before are to come by ascending rank.
    pub(super) fn admit(&mut self, chunk: &Chunk<'_>) -> Result<(), Refused> {
        let parents: Option<Vec<_>> = chunk.dependencies().iter().map(|hash| self.by_hash.get(hash).copied()).collect();
        let parents = parents.ok_or("it was made on a change that is not known")?;
        let depth = parents.iter().map(|parent| self.changes[*parent].depth + 1).max().unwrap_or(0);
        self.find_room((depth, chunk.hash()), chunk.operations() as usize)?;
        if self.by_actor.contains_key(&chunk.actor()) {
            return Err(Refused::Incoherent("another change has its actor"));
        }
        let highest = parents.iter().map(|parent| self.changes[*parent].max_op).max().unwrap_or(0);
        if chunk.start_op() != highest + 1 {
            return Err(Refused::Incoherent("its counters do not continue its past"));
        }
        let mut ancestors = self.ancestors(&parents);
        self.weigh(&ancestors, chunk.operations() as usize)?;
        let actors = chunk.cited().iter().map(|cited| self.cited(cited, &ancestors)).collect::<Result<Vec<_>, _>>()?;
        let operations = self.operations(chunk, &actors)?;
        let index = self.changes.len();
        ancestors.insert(index);
        self.by_hash.insert(chunk.hash(), index);
        self.by_actor.insert(chunk.actor(), index);
        self.total += operations.len();
        self.last = self.last.max(Some((depth, chunk.hash())));
        let (start_op, max_op) = (chunk.start_op(), chunk.max_op());
        self.changes.push(Ancestor { depth, start_op, max_op, ancestors, operations });
        Ok(())
    }

    /// Whether the record has room for a change; after the first that has none, nothing comes in.
    fn find_room(&mut self, rank: Rank, operations: usize) -> Result<(), Refused> {
        self.full |= self.changes.len() >= RECORD_CHANGES || self.total + operations > RECORD_OPERATIONS;
        match self.full {
            false => Ok(()),
            true if self.last > Some(rank) => Err(Refused::Unordered),
            true => Err(Refused::Full),
        }
    }

    /// Holds a change's past and its own operations to their bounds.
    fn weigh(&self, ancestors: &Bits, operations: usize) -> Result<(), Refused> {
        if self.changes.len() < MAX_CHANGES && self.total + operations <= MAX_OPERATIONS {
            return Ok(());
        }
        let past =
            || self.changes.iter().enumerate().filter(|(at, _)| ancestors.contains(*at)).map(|(_, change)| change);
        if past().count() >= MAX_CHANGES {
            return Err(Refused::Incoherent("it is built on more changes than a record may have"));
        }
        if operations + past().map(|change| change.operations.len()).sum::<usize>() > MAX_OPERATIONS {
            return Err(Refused::Incoherent("it is built on more operations than a record may have"));
        }
        Ok(())
    }

    /// The union of the parents' ancestors and the parents.
    fn ancestors(&self, parents: &[usize]) -> Bits {
        let mut union = Bits::default();
        parents.iter().for_each(|parent| union.unite(&self.changes[*parent].ancestors));
        union
    }

    /// The number of a change that is named, which must be an ancestor and have what is named of it.
    fn cited(&self, cited: &Cited, ancestors: &Bits) -> Result<usize, &'static str> {
        let unknown = "it names an operation that its past does not have";
        let index = *self.by_actor.get(&cited.actor).ok_or(unknown)?;
        let change = &self.changes[index];
        let has = ancestors.contains(index) && change.start_op <= cited.first && cited.last <= change.max_op;
        if has { Ok(index) } else { Err(unknown) }
    }

    /// Judges each operation in turn.
    fn operations(&mut self, chunk: &Chunk<'_>, actors: &[usize]) -> Result<Vec<Operation>, &'static str> {
        let mut judge = Judge { past: self, start_op: chunk.start_op(), actors, done: Vec::new() };
        let mut predecessors = Vec::new();
        let mut ops = chunk.ops();
        while let Some(op) = ops.next_with(|id| predecessors.push(id)) {
            let op = op.map_err(|_| "it would not pass the census")?;
            let operation = judge.operation(&op, &predecessors)?;
            judge.done.push(operation);
            predecessors.clear();
        }
        Ok(judge.done)
    }

    fn key(&mut self, key: &str) -> u32 {
        if let Some(number) = self.keys.get(key) {
            return *number;
        }
        let number = self.keys.len() as u32;
        self.keys.insert(key.into(), number);
        number
    }
}

/// One change being judged.
struct Judge<'a> {
    past: &'a mut Past,
    start_op: u64,
    /// The changes that the chunk's other actors stand for.
    actors: &'a [usize],
    /// Its operations so far.
    done: Vec<Operation>,
}

impl Judge<'_> {
    fn operation(&mut self, op: &Op<'_>, predecessors: &[OpId]) -> Result<Operation, &'static str> {
        let own = Id { change: self.past.changes.len() as u32, counter: op.counter as u32 };
        let (object, shape, depth) = self.container(op.object)?;
        let slot = match op.key {
            Key::Property(_) | Key::Head if (shape == Shape::Map) != matches!(op.key, Key::Property(_)) => {
                return Err("it works on a map as on a list, or the reverse");
            }
            Key::Property(key) => Slot::Key(self.past.key(key)),
            Key::Head => Slot::Element(own),
            Key::Element(id) => {
                let element = self.id(id);
                let slot = Slot::Element(element);
                if self.find(element)?.place != (Place { object, slot }) {
                    return Err("it names an element that its object does not have");
                }
                if op.insert { Slot::Element(own) } else { slot }
            }
        };
        let place = Place { object, slot };
        for id in predecessors {
            let replaced = self.find(self.id(*id))?;
            if replaced.place != place || replaced.kind == Kind::Deletion {
                return Err("it replaces a value that is not at its place");
            }
        }
        Ok(Operation { place, kind: kind(op.action, shape, depth)? })
    }

    /// The object that an operation works on, with its shape and depth.
    fn container(&self, id: Option<OpId>) -> Result<(Option<Id>, Shape, u8), &'static str> {
        let Some(id) = id else { return Ok((None, Shape::Map, 0)) };
        let id = self.id(id);
        match self.find(id)?.kind {
            Kind::Object(shape, depth) => Ok((Some(id), shape, depth)),
            Kind::Value | Kind::Deletion => Err("it works on an object that its past does not have"),
        }
    }

    fn id(&self, id: OpId) -> Id {
        let change = id.actor.checked_sub(1).map_or(self.past.changes.len(), |other| self.actors[other]);
        Id { change: change as u32, counter: id.counter as u32 }
    }

    fn find(&self, id: Id) -> Result<Operation, &'static str> {
        let (operations, start_op) = match self.past.changes.get(id.change as usize) {
            Some(change) => (&change.operations, change.start_op),
            None => (&self.done, self.start_op),
        };
        let at = u64::from(id.counter).checked_sub(start_op).and_then(|at| operations.get(at as usize));
        at.copied().ok_or("it names an operation that its past does not have")
    }
}

/// What an action leaves at its place in an object of this shape and depth.
fn kind(action: Action, container: Shape, depth: u8) -> Result<Kind, &'static str> {
    let shape = match action {
        Action::MakeMap => Shape::Map,
        Action::MakeList => Shape::List,
        Action::MakeText => Shape::Text,
        Action::Put | Action::Increment => return Ok(Kind::Value),
        Action::Delete => return Ok(Kind::Deletion),
    };
    if container == Shape::Text {
        return Err("it puts an object into a text");
    }
    if usize::from(depth) >= MAX_DEPTH {
        return Err("it nests too deep");
    }
    Ok(Kind::Object(shape, depth + 1))
}
