//! What was written without knowing of what: the changes of a document in their causal order.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use automerge::legacy::ObjectId;
use automerge::{Automerge, ChangeHash, ObjId};

use crate::bits::Bits;
use crate::id::{Actor, AllyId};

/// The changes of a document, each after those it builds on. Their order is a square of bits: 2 MB for as many as
/// [`fold`](super::fold) lets into a record.
#[derive(Debug)]
pub(super) struct History<'a> {
    doc: &'a Automerge,
    changes: Vec<Node>,
    /// Whether each change knew all those before it.
    linear: bool,
    touched: OnceCell<Touched>,
}

/// The changes that wrote in each object, by its counter and actor.
type Touched = BTreeMap<(u64, Vec<u8>), Vec<usize>>;

#[derive(Debug)]
struct Node {
    hash: ChangeHash,
    actor: Actor,
    ally: Option<AllyId>,
    /// All that it builds on, directly or not, by their indexes.
    past: Bits,
}

impl<'a> History<'a> {
    /// Reads the causal order; `ally` tells whose a change is.
    pub(super) fn read(doc: &'a Automerge, ally: &dyn Fn(Actor) -> Option<AllyId>) -> Self {
        let metas = doc.get_changes_meta(&[]);
        let mut indexes: BTreeMap<ChangeHash, usize> = BTreeMap::new();
        let mut changes: Vec<Node> = Vec::with_capacity(metas.len());
        let mut linear = true;
        for (index, meta) in metas.iter().enumerate() {
            let mut past = Bits::default();
            for dep in meta.deps.iter().filter_map(|dep| indexes.get(dep)) {
                past.unite(&changes[*dep].past);
                past.insert(*dep);
            }
            linear &= index == 0 || past.contains(index - 1);
            indexes.insert(meta.hash, index);
            let actor = meta.actor.to_bytes().try_into().map_or(Actor::ZERO, Actor);
            changes.push(Node { hash: meta.hash, actor, ally: ally(actor), past });
        }
        Self { doc, changes, linear, touched: OnceCell::new() }
    }

    /// The changes that wrote in an object, in causal order.
    fn touching(&self, object: &ObjId) -> &[usize] {
        let ObjId::Id(counter, actor, _) = object else { return &[] };
        let touched = self.touched.get_or_init(|| {
            touched(self.doc, &self.changes.iter().enumerate().map(|(at, change)| (change.hash, at)).collect())
        });
        touched.get(&(*counter, actor.to_bytes().to_vec())).map_or(&[], Vec::as_slice)
    }

    /// The latest edits of a text that knew nothing of one another, when there are several, and the heads of what all
    /// of them knew.
    pub(super) fn apart(&self, text: &ObjId) -> Option<Apart> {
        if self.linear {
            return None;
        }
        let last: Vec<usize> = self.maximal(self.touching(text));
        if last.len() < 2 {
            return None;
        }
        let known = |at: &usize| last.iter().all(|edit| self.changes[*edit].past.contains(*at));
        let common: Vec<usize> = (0..self.changes.len()).filter(known).collect();
        Some(Apart {
            edits: last.iter().map(|at| (self.changes[*at].hash, self.changes[*at].actor)).collect(),
            base: self.maximal(&common).into_iter().map(|at| self.changes[at].hash).collect(),
        })
    }

    /// What an ally had seen when it last wrote, and what others wrote that it had not seen then. Nothing when it knew of
    /// every change by others.
    pub(super) fn unseen_by(&self, ally: AllyId) -> Option<(Vec<ChangeHash>, Unseen)> {
        let is_own = |at: &usize| self.changes[*at].ally == Some(ally);
        let own: Vec<usize> = (0..self.changes.len()).filter(is_own).collect();
        let mut seen = Bits::default();
        own.iter().for_each(|at| seen.unite(&self.changes[*at].past));
        let unseen: Vec<usize> = (0..self.changes.len()).filter(|at| !is_own(at) && !seen.contains(*at)).collect();
        if unseen.is_empty() {
            return None;
        }
        Some((self.maximal(&own).into_iter().map(|at| self.changes[at].hash).collect(), Unseen(unseen)))
    }

    /// One of the last of these changes that wrote in any of the objects.
    pub(super) fn last_hand(&self, unseen: &Unseen, objects: &[ObjId]) -> Option<Actor> {
        let touching: BTreeSet<usize> = objects.iter().flat_map(|object| self.touching(object)).copied().collect();
        let wrote: Vec<usize> = unseen.0.iter().copied().filter(|at| touching.contains(at)).collect();
        self.maximal(&wrote).last().map(|at| self.changes[*at].actor)
    }

    /// The ally that began the document.
    pub(super) fn founder(&self) -> Option<AllyId> {
        let first = self.changes.iter().filter(|change| change.past.is_empty());
        first.min_by_key(|change| change.hash)?.ally
    }

    pub(super) fn document(&self) -> &'a Automerge {
        self.doc
    }

    /// Those that none of the others builds on, in the order of their hashes, which is the same on every node.
    fn maximal(&self, changes: &[usize]) -> Vec<usize> {
        let mut covered = Bits::default();
        changes.iter().for_each(|at| covered.unite(&self.changes[*at].past));
        let mut last: Vec<usize> = changes.iter().copied().filter(|at| !covered.contains(*at)).collect();
        last.sort_by_key(|at| self.changes[*at].hash);
        last
    }
}

/// Changes by others that an ally has not seen.
#[derive(Debug)]
pub(super) struct Unseen(Vec<usize>);

/// Edits of one text that knew nothing of one another.
#[derive(Debug)]
pub(super) struct Apart {
    /// The edits.
    pub(super) edits: Vec<(ChangeHash, Actor)>,
    /// The heads of what all of them knew.
    pub(super) base: Vec<ChangeHash>,
}

fn touched(doc: &Automerge, indexes: &BTreeMap<ChangeHash, usize>) -> Touched {
    let mut touched: BTreeMap<(u64, Vec<u8>), BTreeSet<usize>> = BTreeMap::new();
    for change in doc.get_changes(&[]) {
        let Some(index) = indexes.get(&change.hash()) else { continue };
        let mut previous = None;
        for op in change.decode().operations {
            // The letters of a text follow one another: one look-up a run.
            if previous.as_ref() == Some(&op.obj) {
                continue;
            }
            if let ObjectId::Id(id) = &op.obj {
                touched.entry((id.counter(), id.actor().to_bytes().to_vec())).or_default().insert(*index);
            }
            previous = Some(op.obj);
        }
    }
    touched.into_iter().map(|(object, changes)| (object, changes.into_iter().collect())).collect()
}
