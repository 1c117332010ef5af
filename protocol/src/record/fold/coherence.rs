//! Coherence: what a change says of its past must be so.
//!
//! A change was made on a document: the one that its dependencies, and theirs, add up to. What it names must be in
//! *that* document; whether something else has arrived here meanwhile must not matter, or two nodes would disagree about
//! the same change. So the judgement uses the change's ancestors only:
//!
//! - its counters continue its past: the first is one more than the highest there;
//! - every other actor that it names is an ancestor, and every operation that it names is one of that ancestor's;
//! - no other change has its actor;
//! - what it works on is an object made there, a map by keys, a list or text by elements;
//! - nothing is nested deeper than [`DEPTH_MAX`], since automerge recurses; a text holds no objects.
//!
//! Left to trial, where automerge's own answer decides: whether a named element belongs to the named object, and whether
//! a predecessor is a value of the same key.

use std::collections::BTreeMap;

use automerge::{ActorId, Automerge, ObjId, ObjType, ReadDoc as _};

use crate::gate::{Action, Chunk, Cited, Key, Op, OpId};
use crate::id::{Actor, ChangeHash};

/// How deep objects nest at most; the root is 0. Our own records need 4; 300 overflow automerge's stack.
pub(super) const DEPTH_MAX: u8 = 32;

/// All changes known of one record, each with its ancestors.
pub(super) struct Past {
    /// The document that was there first: tells of objects made in it.
    document: Automerge,
    changes: Vec<Ancestor>,
    by_hash: BTreeMap<ChangeHash, usize>,
    by_actor: BTreeMap<Actor, usize>,
    /// Objects made by changes that the document does not have, and those that were looked up in it.
    objects: BTreeMap<(Actor, u64), Object>,
}

struct Ancestor {
    start_op: u64,
    max_op: u64,
    /// Bit `i`: change `i` is this one or one of its ancestors. n² / 8 bytes for all, 500 kB for 2,000 changes.
    ancestors: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Object {
    kind: ObjType,
    depth: u8,
}

impl Past {
    /// The past that a document of ours holds.
    pub(super) fn of(document: Automerge) -> Self {
        let mut past = Self {
            document: Automerge::new(),
            changes: Vec::new(),
            by_hash: BTreeMap::new(),
            by_actor: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        for change in document.get_changes_meta(&[]) {
            let parents: Vec<_> = change.deps.iter().map(|hash| ChangeHash(hash.0)).collect();
            let mut actor = [0; 16];
            // Every change in our documents passed the census, which takes actors of 16 bytes only.
            actor.copy_from_slice(change.actor.to_bytes());
            past.add(ChangeHash(change.hash.0), Actor(actor), &parents, change.start_op, change.max_op);
        }
        past.document = document;
        past
    }

    pub(super) fn knows(&self, hash: &ChangeHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// Judges a change whose dependencies are all known, and takes it in if it is coherent.
    pub(super) fn admit(&mut self, chunk: &Chunk<'_>) -> Result<(), &'static str> {
        if self.by_actor.contains_key(&chunk.actor()) {
            return Err("another change has its actor");
        }
        let parents = chunk.dependencies().iter().filter_map(|hash| self.by_hash.get(hash));
        let highest = parents.map(|index| self.changes[*index].max_op).max().unwrap_or(0);
        if chunk.start_op() != highest + 1 {
            return Err("its counters do not continue its past");
        }
        let ancestors = self.ancestors(chunk.dependencies());
        for cited in chunk.cited() {
            self.check_cited(cited, &ancestors)?;
        }
        let made = self.objects_made(chunk)?;
        self.objects.extend(made.into_iter().map(|(counter, object)| ((chunk.actor(), counter), object)));
        self.add(chunk.hash(), chunk.actor(), chunk.dependencies(), chunk.start_op(), chunk.max_op());
        Ok(())
    }

    fn add(&mut self, hash: ChangeHash, actor: Actor, parents: &[ChangeHash], start_op: u64, max_op: u64) {
        let index = self.changes.len();
        let mut ancestors = self.ancestors(parents);
        ancestors.resize(index / 64 + 1, 0);
        ancestors[index / 64] |= 1 << (index % 64);
        self.by_hash.insert(hash, index);
        self.by_actor.insert(actor, index);
        self.changes.push(Ancestor { start_op, max_op, ancestors });
    }

    /// The union of the parents' ancestors and the parents.
    fn ancestors(&self, parents: &[ChangeHash]) -> Vec<u64> {
        let mut union = Vec::new();
        for parent in parents.iter().filter_map(|hash| self.by_hash.get(hash)) {
            let theirs = &self.changes[*parent].ancestors;
            union.resize(theirs.len().max(union.len()), 0);
            union.iter_mut().zip(theirs).for_each(|(all, one)| *all |= one);
        }
        union
    }

    fn check_cited(&self, cited: &Cited, ancestors: &[u64]) -> Result<(), &'static str> {
        let unknown = "it names an operation that its past does not have";
        let index = *self.by_actor.get(&cited.actor).ok_or(unknown)?;
        let is_ancestor = ancestors.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1);
        let change = &self.changes[index];
        let has = is_ancestor && change.start_op <= cited.first && cited.last <= change.max_op;
        if has { Ok(()) } else { Err(unknown) }
    }

    /// Checks what each operation works on, and gives the objects that the change makes, by counter.
    fn objects_made(&mut self, chunk: &Chunk<'_>) -> Result<BTreeMap<u64, Object>, &'static str> {
        let mut made = BTreeMap::new();
        let mut last: Option<(Option<OpId>, Object)> = None;
        for op in chunk.ops().flatten() {
            let container = match last {
                Some((id, object)) if id == op.object => object,
                _ => self.object(chunk, op.object, &made)?,
            };
            last = Some((op.object, container));
            if let Some(object) = check_op(&op, container)? {
                made.insert(op.counter, object);
            }
        }
        Ok(made)
    }

    /// The object with this id: made by the change itself, by another new change, or in the document.
    fn object(
        &mut self,
        chunk: &Chunk<'_>,
        id: Option<OpId>,
        made: &BTreeMap<u64, Object>,
    ) -> Result<Object, &'static str> {
        let unknown = "it works on an object that its past does not have";
        let Some(id) = id else { return Ok(Object { kind: ObjType::Map, depth: 0 }) };
        if id.actor == 0 {
            return made.get(&id.counter).copied().ok_or(unknown);
        }
        let actor = chunk.actor_of(id.actor).ok_or(unknown)?;
        if let Some(object) = self.objects.get(&(actor, id.counter)) {
            return Ok(*object);
        }
        let object = self.in_document(actor, id.counter).ok_or(unknown)?;
        self.objects.insert((actor, id.counter), object);
        Ok(object)
    }

    fn in_document(&self, actor: Actor, counter: u64) -> Option<Object> {
        let id = ObjId::Id(counter, ActorId::from(actor.0), 0);
        let kind = self.document.object_type(&id).ok()?;
        let depth = self.document.parents(&id).ok()?.take(usize::from(DEPTH_MAX) + 1).count();
        Some(Object { kind, depth: u8::try_from(depth).ok()? })
    }
}

/// Whether an operation may work on this object, and the object it makes there.
fn check_op(op: &Op<'_>, container: Object) -> Result<Option<Object>, &'static str> {
    let by_key = matches!(op.key, Key::Property(_));
    if by_key != matches!(container.kind, ObjType::Map | ObjType::Table) {
        return Err("it works on a map as on a list, or the reverse");
    }
    let kind = match op.action {
        Action::MakeMap => ObjType::Map,
        Action::MakeList => ObjType::List,
        Action::MakeText => ObjType::Text,
        Action::Put | Action::Delete | Action::Increment => return Ok(None),
    };
    if container.kind == ObjType::Text {
        return Err("it puts an object into a text");
    }
    if container.depth >= DEPTH_MAX {
        return Err("it nests too deep");
    }
    Ok(Some(Object { kind, depth: container.depth + 1 }))
}
