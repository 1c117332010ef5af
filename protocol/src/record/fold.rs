//! Folding: from the changes of a record to its document, when some of them may be hostile.
//!
//! A change that passed the census ([`crate::gate`]) may still break automerge: its operations can name what is not
//! there, and a document that applied it may save and never load again. So a change reaches the document we keep in
//! three steps. It is judged against its past (`coherence`). It is applied to a copy, on a thread of its own with a
//! large stack, panics caught. And the copy is saved, loaded back and read whole before it is believed. What fails is
//! **quarantined**: it stays in the set and is relayed like any other entry, but this record is shown without it and
//! without what was built on it; other changes and other records go on.
//!
//! The first step depends on a change and its past only, so that every node draws the same line; its module lists what
//! it leaves to the trial.

mod coherence;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, ObjType, ROOT, ReadDoc as _};

pub use self::coherence::{MAX_CHANGES, MAX_DEPTH, MAX_OPERATIONS};
use self::coherence::{Past, Refused};
use crate::gate::{self, Chunk};
use crate::id::ChangeHash;
use crate::wire::DecodeError;

/// Stack of a folding thread, in bytes. automerge walks nested objects by recursion; the gate stops nesting at
/// [`MAX_DEPTH`], and this leaves room for hundreds of times that. Pages that are not touched cost nothing.
pub const STACK: usize = 64 * 1024 * 1024;

/// A record's document, what was left out of it, and what the next change is judged by.
#[derive(Debug)]
pub struct Folded {
    /// The document, loaded from `saved`.
    pub document: Automerge,
    /// The document's bytes, which were loaded back and read.
    pub saved: Vec<u8>,
    /// The changes left out when some were last added, by ascending index.
    pub quarantined: Vec<Quarantined>,
    /// How many times automerge tried changes when some were last added: what those that fail cost everybody.
    pub trials: usize,
    past: Past,
}

/// A change that is not in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its place among the changes that were to be folded.
    pub index: usize,
    /// Why.
    pub reason: Reason,
}

/// Why a change is not in its record's document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It would not pass the census. What comes from the store did.
    #[error("its bytes break a rule")]
    Malformed(#[from] DecodeError),
    /// A change that it was made on is not known yet. It waits; nobody is at fault.
    #[error("it waits for a change that is not here yet")]
    Waits(ChangeHash),
    /// A change that it was made on is in quarantine.
    #[error("it was made on a change in quarantine")]
    DependsOn(ChangeHash),
    /// It contradicts its own past: its author is at fault, on every node alike.
    #[error("it contradicts its past: {0}")]
    Incoherent(&'static str),
    /// Changes that were made apart from it fill the record. Nobody in particular is at fault.
    #[error("the record has no room for it beside what was written at the same time")]
    Full,
    /// automerge could not apply it, or what it made could not be saved and loaded. Its author is at fault.
    #[error("it breaks the document: {0}")]
    Breaks(String),
}

/// Why nothing could be folded at all. Ours.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The saved document given as base does not load: fold from the changes instead.
    #[error("the saved document does not load")]
    Base(#[source] Box<automerge::AutomergeError>),
    /// The saved document given as base loads, but it holds a change that the rules do not take, or one that has to make
    /// room: fold from the changes.
    #[error("the saved document is not one that this program folds")]
    Foreign,
    /// No thread, or a defect in folding itself.
    #[error(transparent)]
    Stack(#[from] StackError),
}

/// Why work on a large stack did not finish.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The system gave no thread.
    #[error("no thread for folding")]
    NoThread(#[source] std::io::Error),
    /// The work panicked.
    #[error("panic: {0}")]
    Panicked(String),
}

/// Folds changes (chunks that passed the census, in log order) into a document: a new one, or `base`, which this node
/// saved itself. Changes that `base` has already are passed over. The order of the changes does not matter.
///
/// # Errors
/// [`FoldError`] when nothing could be tried. A change that cannot be folded is no error: it is in
/// [`Folded::quarantined`].
pub fn fold(base: Option<&[u8]>, changes: &[&[u8]]) -> Result<Folded, FoldError> {
    on_large_stack(|| {
        let mut folded = base.map_or_else(|| Ok(Folded::default()), Folded::load)?;
        folded.add(changes)?;
        Ok(folded)
    })?
}

impl Default for Folded {
    /// A record without a change.
    fn default() -> Self {
        Self {
            document: Automerge::new(),
            saved: Vec::new(),
            quarantined: Vec::new(),
            trials: 0,
            past: Past::default(),
        }
    }
}

impl Folded {
    /// The document that this node saved, as it was. To be called [on a large stack](on_large_stack).
    ///
    /// # Errors
    /// [`FoldError::Base`], [`FoldError::Foreign`].
    pub fn load(saved: &[u8]) -> Result<Self, FoldError> {
        let document = Automerge::load(saved).map_err(|error| FoldError::Base(Box::new(error)))?;
        let past = Past::of(&document).ok_or(FoldError::Foreign)?;
        Ok(Self { document, saved: saved.to_vec(), quarantined: Vec::new(), trials: 0, past })
    }

    /// How many operations were judged: some hundred bytes of memory each, the document included.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.past.size()
    }

    /// Folds changes on top, as [`fold`] does, for whoever keeps the document at hand. To be called
    /// [on a large stack](on_large_stack).
    ///
    /// # Errors
    /// [`FoldError::Foreign`] when a change that is in the document has to make room, or what is known of the past could not
    /// be read off the document again: then all of this is to be dropped.
    pub fn add(&mut self, changes: &[&[u8]]) -> Result<(), FoldError> {
        let mut fold = Fold { chunks: BTreeMap::new(), out: BTreeMap::new(), hashes: BTreeMap::new(), folded: self };
        let coherent = fold.judge(changes)?;
        fold.folded.trials = 0;
        fold.settle(&coherent);
        let out = fold.out;
        if coherent.iter().any(|index| out.contains_key(index)) {
            // What was coherent is taken for past, and some of it is not in the document after all.
            self.past = Past::of(&self.document).ok_or(FoldError::Foreign)?;
        }
        self.quarantined = out.into_iter().map(|(index, reason)| Quarantined { index, reason }).collect();
        Ok(())
    }
}

/// Runs work that may recurse deeply on a thread with a large stack, and turns a panic into an error.
///
/// # Errors
/// [`StackError`] when there is no thread or the work panics.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, StackError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("fold".to_owned()).stack_size(STACK);
        let running = thread.spawn_scoped(scope, work).map_err(StackError::NoThread)?;
        running.join().map_err(|panic| StackError::Panicked(panic_message(&*panic)))
    })
}

/// Runs work, and turns a panic into an error. For a thread with a large stack of its own.
///
/// # Errors
/// [`StackError::Panicked`].
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, StackError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| StackError::Panicked(panic_message(&*panic)))
}

/// One folding: what is accepted so far, and what is out.
struct Fold<'a> {
    /// The new changes that are candidates, by index.
    chunks: BTreeMap<usize, Chunk<'a>>,
    /// What is left out, by index.
    out: BTreeMap<usize, Reason>,
    /// The new changes' places.
    hashes: BTreeMap<ChangeHash, usize>,
    folded: &'a mut Folded,
}

impl<'a> Fold<'a> {
    /// Sorts the changes, parents first, and judges each by its past. Gives the indexes of those that may be tried.
    fn judge(&mut self, changes: &[&'a [u8]]) -> Result<Vec<usize>, FoldError> {
        for (index, bytes) in changes.iter().enumerate() {
            match gate::census(bytes) {
                Ok(chunk) if self.folded.past.knows(&chunk.hash()) || self.hashes.contains_key(&chunk.hash()) => {}
                Ok(chunk) => {
                    self.hashes.insert(chunk.hash(), index);
                    self.chunks.insert(index, chunk);
                }
                Err(error) => {
                    self.out.insert(index, error.into());
                }
            }
        }
        let mut coherent = Vec::new();
        for index in self.by_rank() {
            let chunk = &self.chunks[&index];
            let absent = chunk.dependencies().iter().find(|hash| !self.folded.past.knows(hash)).copied();
            let verdict = match absent {
                Some(hash) if self.hashes.get(&hash).is_some_and(|parent| self.is_guilty(*parent)) => {
                    Err(Reason::DependsOn(hash))
                }
                Some(hash) => Err(Reason::Waits(hash)),
                None => match self.folded.past.admit(chunk) {
                    Ok(()) => Ok(()),
                    Err(Refused::Incoherent(what)) => Err(Reason::Incoherent(what)),
                    Err(Refused::Full) => Err(Reason::Full),
                    Err(Refused::Unordered) => return Err(FoldError::Foreign),
                },
            };
            match verdict {
                Ok(()) => coherent.push(index),
                Err(reason) => {
                    self.out.insert(index, reason);
                }
            }
        }
        Ok(coherent)
    }

    /// The indexes of the new changes by the length of the longest chain below, then by hash: the order in which they
    /// find room, the same on every node.
    fn by_rank(&self) -> Vec<usize> {
        let mut depths: BTreeMap<ChangeHash, u32> = BTreeMap::new();
        let mut order = self.parents_first();
        for index in &order {
            let chunk = &self.chunks[index];
            let below =
                |hash| self.folded.past.depth(hash).or_else(|| depths.get(hash).copied()).map_or(0, |depth| depth + 1);
            let depth = chunk.dependencies().iter().map(below).max().unwrap_or(0);
            depths.insert(chunk.hash(), depth);
        }
        order.sort_by_key(|index| {
            let hash = self.chunks[index].hash();
            (depths.get(&hash).copied(), hash)
        });
        order
    }

    /// The indexes of the new changes, each after those it depends on, otherwise in the order given.
    fn parents_first(&self) -> Vec<usize> {
        let mut waiting: BTreeMap<usize, usize> = BTreeMap::new();
        let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (&index, chunk) in &self.chunks {
            let parents = chunk.dependencies().iter().filter_map(|hash| self.hashes.get(hash));
            waiting.insert(index, parents.clone().count());
            parents.for_each(|parent| children.entry(*parent).or_default().push(index));
        }
        let mut ready: Vec<usize> = waiting.iter().filter(|(_, count)| **count == 0).map(|(index, _)| *index).collect();
        ready.reverse();
        let mut order = Vec::with_capacity(self.chunks.len());
        while let Some(index) = ready.pop() {
            order.push(index);
            for child in children.remove(&index).unwrap_or_default().into_iter().rev() {
                let left = waiting.entry(child).or_default();
                *left -= 1;
                if *left == 0 {
                    ready.push(child);
                }
            }
        }
        order
    }

    fn is_guilty(&self, index: usize) -> bool {
        self.out.get(&index).is_some_and(|reason| !matches!(reason, Reason::Waits(_)))
    }

    /// Tries a batch whole, and by halves when it fails, until each guilty change stands alone: k guilty ones among n
    /// cost k·log n trials, and none in the ordinary case cost one.
    fn settle(&mut self, batch: &[usize]) {
        let batch = self.without_dependents(batch);
        if batch.is_empty() {
            return;
        }
        let chunks: Vec<&[u8]> = batch.iter().map(|index| self.chunks[index].bytes()).collect();
        self.folded.trials += 1;
        match (attempt(&self.folded.document, &chunks), &batch[..]) {
            (Ok((document, saved)), _) => (self.folded.document, self.folded.saved) = (document, saved),
            (Err(reason), [index]) => {
                self.out.insert(*index, Reason::Breaks(reason));
            }
            (Err(_), batch) => {
                let (first, second) = batch.split_at(batch.len() / 2);
                self.settle(first);
                self.settle(second);
            }
        }
    }

    /// Leaves out what was made on a change in quarantine.
    fn without_dependents(&mut self, batch: &[usize]) -> Vec<usize> {
        let mut kept = Vec::with_capacity(batch.len());
        for &index in batch {
            let mut parents = self.chunks[&index].dependencies().iter();
            let guilty = parents.find(|hash| self.hashes.get(hash).is_some_and(|parent| self.is_guilty(*parent)));
            match guilty.copied() {
                Some(hash) => {
                    self.out.insert(index, Reason::DependsOn(hash));
                }
                None => kept.push(index),
            }
        }
        kept
    }
}

/// Applies changes to a copy, saves it, loads it back and reads all of it. The result is what was loaded.
fn attempt(document: &Automerge, chunks: &[&[u8]]) -> Result<(Automerge, Vec<u8>), String> {
    let trial = || -> Result<_, automerge::AutomergeError> {
        let mut copy = document.clone();
        let changes = chunks.iter().map(|bytes| automerge::Change::try_from(*bytes));
        let changes = changes.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string());
        let changes = match changes {
            Ok(changes) => changes,
            Err(reason) => return Ok(Err(reason)),
        };
        let hashes: Vec<_> = changes.iter().map(automerge::Change::hash).collect();
        copy.apply_changes(changes)?;
        let saved = copy.save();
        let loaded = Automerge::load(&saved)?;
        if !loaded.get_missing_deps(&hashes).is_empty() || loaded.get_heads() != copy.get_heads() {
            return Ok(Err("the document loads with other changes than it was saved with".to_owned()));
        }
        read_all(&loaded)?;
        Ok(Ok((loaded, saved)))
    };
    match caught(trial) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Err(error.to_string()),
        Err(StackError::Panicked(message)) => Err(message),
        Err(StackError::NoThread(error)) => Err(error.to_string()),
    }
}

/// Reads every value that the document shows, those that lost a conflict too.
fn read_all(document: &Automerge) -> Result<(), automerge::AutomergeError> {
    let mut objects = vec![(ROOT, ObjType::Map)];
    while let Some((object, kind)) = objects.pop() {
        let values = match kind {
            ObjType::Text => {
                document.text(&object)?;
                continue;
            }
            ObjType::Map | ObjType::Table => {
                let keys = document.keys(&object);
                keys.map(|key| document.get_all(&object, key)).collect::<Result<Vec<_>, _>>()?
            }
            ObjType::List => {
                let places = 0..document.length(&object);
                places.map(|place| document.get_all(&object, place)).collect::<Result<Vec<_>, _>>()?
            }
        };
        for (value, id) in values.into_iter().flatten() {
            if let automerge::Value::Object(kind) = value {
                objects.push((id, kind));
            }
        }
    }
    Ok(())
}

/// What a panic said.
#[must_use]
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".to_owned())
}

#[cfg(test)]
mod tests;
