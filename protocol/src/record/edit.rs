//! From what a person changed to one automerge change with the fewest operations.
//!
//! An edit names a place and says, in the JSON form, what it should hold. Drafting checks all edits against the schema,
//! then compares each with what the document holds and writes the difference: a text by the words that changed, a set by
//! what joined and left, a list item by item. What is unchanged makes no operation, so that a form can hand back all its
//! fields. The draft is a raw change chunk, to be sealed by [`crate::entry`] and applied in its sealed form; the draft's
//! document is dropped with its actor.
//!
//! What is more than one change holds becomes a chain: the pen stops where the room ends, inside a text if need be, and
//! the same wishes are written again on the sealed change, where they differ by what is still missing. [`Draft::next`]
//! goes on from one change of the chain to the following. Whoever saves appends all of them at once or none.

use std::collections::BTreeMap;
use std::fmt;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, AutomergeError, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use serde_json::Value as Json;

use super::field::{Found, Shape, Want, found};
use super::fold::{MAX_CHANGES, MAX_OPERATIONS as RECORD_OPERATIONS};
use super::input::{Checker, Problem, Target, Why, nearest};
use super::schema::{Kind, Schema};
use super::view::KIND;
use super::write::{Pen, Style};
use crate::entry::change::FOOTER_LEN;
use crate::gate;
use crate::id::ChangeHash;
use crate::time::Timestamp;

/// The most operations in one change: half of what the gate lets through, so that no honest save comes near it.
pub const MAX_OPERATIONS: usize = 32_768;

/// The most bytes in one change's chunk, as the gate has it.
pub const MAX_BYTES: usize = gate::CHUNK_MAX;

/// The most heads that one change may name; above, [`merge`] them first.
pub const MAX_HEADS: usize = gate::DEPENDENCIES_MAX;

/// The root key of the random bytes of a new record.
const NONCE: &str = "_n";

/// One wish of a person.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Make the place hold this. `null` empties it.
    Set {
        /// Where.
        path: Path,
        /// What, in the JSON form.
        value: Json,
    },
    /// Settle between the concurrent values or versions of the place: this is the one. Unlike [`Edit::Set`] it writes even
    /// what already shows.
    Settle {
        /// Where.
        path: Path,
        /// What, in the JSON form.
        value: Json,
    },
}

/// A place in a record: a field, then members, item ids or keys. Written with slashes: `means/months`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<String>);

impl From<&str> for Path {
    fn from(text: &str) -> Self {
        Self(text.split('/').map(str::to_owned).collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

impl Edit {
    /// `Set`, with less to write.
    #[must_use]
    pub fn set(path: &str, value: impl Into<Json>) -> Self {
        Self::Set { path: path.into(), value: value.into() }
    }

    /// `Settle`, with less to write.
    #[must_use]
    pub fn settle(path: &str, value: impl Into<Json>) -> Self {
        Self::Settle { path: path.into(), value: value.into() }
    }

    fn parts(&self) -> (&Path, &Json, bool) {
        match self {
            Self::Set { path, value } => (path, value, false),
            Self::Settle { path, value } => (path, value, true),
        }
    }
}

/// Why no change was drafted.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The person asks for what cannot be; each problem says what and where.
    #[error("{} fields cannot hold what was given", .0.len())]
    Invalid(Vec<Problem>),
    /// The schema has no such kind, so there is no form to fill.
    #[error("there is no kind of record called {name}")]
    UnknownKind {
        /// What was asked.
        name: String,
        /// What may be meant.
        nearest: Option<String>,
    },
    /// Every place holds already what was asked.
    #[error("nothing would change")]
    NothingToDo,
    /// A value that is written whole or not at all, such as a list of an unknown field, is more than one change holds.
    #[error("one value needs {operations} operations, {bytes} bytes (at most {MAX_OPERATIONS} and {MAX_BYTES})")]
    TooLarge {
        /// How many operations.
        operations: usize,
        /// How many bytes; zero when the operations were already too many.
        bytes: usize,
    },
    /// The record has more heads than a change may name: [`merge`] first.
    #[error("{0} heads are more than one change may join ({MAX_HEADS})")]
    TooManyHeads(usize),
    /// The record has grown to the bounds that [`fold`](mod@super::fold) keeps: go on in a new one.
    #[error(
        "this record holds all that one may: {changes} changes, {operations} operations (at most {MAX_CHANGES} and \
             {RECORD_OPERATIONS}); go on in a new record"
    )]
    Full {
        /// Changes it has.
        changes: usize,
        /// Operations it has.
        operations: u64,
    },
    /// The document does not take the change: ours is the fault, or the heads are not of this document.
    #[error("the document does not take the change")]
    Document(#[from] AutomergeError),
}

/// One change of a save, and what the save has still to say after it: mostly nothing.
#[derive(Debug)]
pub struct Draft {
    /// The raw change, to be sealed.
    pub chunk: Vec<u8>,
    rest: Option<Box<Save>>,
}

impl Draft {
    /// Drafts all that follows as well and keeps none of it: whether the save will go through to its end.
    ///
    /// # Errors
    /// [`EditError::TooLarge`], [`EditError::Full`].
    pub fn rehearse(self) -> Result<(), EditError> {
        let mut next = Some(self);
        while let Some(draft) = next {
            let chunk = draft.chunk.clone();
            next = draft.next(&chunk)?;
        }
        Ok(())
    }

    /// The change that follows this one, of which `sealed` is the sealed chunk; nothing when all is said.
    ///
    /// # Errors
    /// [`EditError::TooLarge`], [`EditError::Full`].
    pub fn next(self, sealed: &[u8]) -> Result<Option<Self>, EditError> {
        let Some(mut save) = self.rest else { return Ok(None) };
        let sealed = automerge::Change::try_from(sealed).map_err(AutomergeError::from)?;
        save.doc.apply_changes([sealed])?;
        match save.draft() {
            // The room ended where nothing was left to say.
            Err(EditError::NothingToDo) => Ok(None),
            draft => draft.map(Some),
        }
    }
}

/// Drafts the first change of a new record. `fields` are in the JSON form; required fields with a default get it.
///
/// # Errors
/// [`EditError::UnknownKind`], [`EditError::Invalid`], [`EditError::TooLarge`].
pub fn create(
    kind: &str,
    fields: &BTreeMap<String, Json>,
    random: [u8; 32],
    time: Timestamp,
) -> Result<Draft, EditError> {
    let spec = kind_spec(kind)?;
    let mut fields = fields.clone();
    fields.retain(|_, value| !value.is_null());
    for field in &spec.fields {
        if let Some(default) = field.default.as_ref().filter(|_| field.required) {
            fields.entry(field.name.clone()).or_insert_with(|| default.as_str().into());
        }
    }
    let edits = fields.into_iter().map(|(name, value)| Edit::Set { path: Path(vec![name]), value });
    let doc = Automerge::new();
    let wishes = check(spec, &doc, &edits.collect::<Vec<_>>())?;
    let nonce = ScalarValue::Bytes(random[..16].to_vec());
    let root = vec![(KIND, kind.into()), (NONCE, nonce)];
    Save { doc, root, wishes, style: Style::Person(random), time }.draft()
}

/// Drafts one change of a record as it stands at `heads`.
///
/// # Errors
/// [`EditError::NothingToDo`] when nothing would change, [`EditError::Invalid`] with everything that is wrong,
/// [`EditError::TooLarge`], [`EditError::TooManyHeads`], [`EditError::Full`].
pub fn draft(
    doc: &Automerge,
    heads: &[ChangeHash],
    edits: &[Edit],
    random: [u8; 32],
    time: Timestamp,
) -> Result<Draft, EditError> {
    if heads.len() > MAX_HEADS {
        return Err(EditError::TooManyHeads(heads.len()));
    }
    let doc = doc.fork_at(&automerge_heads(heads))?;
    let kind = found(&doc, None, &[ROOT], KIND).into_iter().find_map(|found| match found.shape {
        Shape::Scalar(ScalarValue::Str(kind)) => Some(kind.to_string()),
        Shape::Scalar(_) | Shape::Object(_) => None,
    });
    let wishes = check(kind_spec(&kind.unwrap_or_default())?, &doc, edits)?;
    Save { doc, root: Vec::new(), wishes, style: Style::Person(random), time }.draft()
}

/// Drafts a change without operations that joins up to [`MAX_HEADS`] of `heads` into one. Repeat until few are left.
///
/// # Errors
/// [`EditError::Document`] when the heads are not of this document, [`EditError::Full`].
pub fn merge(doc: &Automerge, heads: &[ChangeHash], time: Timestamp) -> Result<Draft, EditError> {
    let joined = &heads[..heads.len().min(MAX_HEADS)];
    let mut doc = doc.fork_at(&automerge_heads(joined))?;
    has_room(&doc)?;
    doc.set_actor(DRAFT_ACTOR.into());
    doc.empty_commit(CommitOptions::default().with_time(time.seconds()));
    Ok(Draft { chunk: raw_chunk(&doc, 0)?, rest: None })
}

/// Refuses to write what every node would leave out: a change built on more than a record may hold. One change's
/// operations are kept as room, so that it is not the largest save that finds none.
fn has_room(doc: &Automerge) -> Result<(), EditError> {
    let changes = doc.get_changes_meta(&[]);
    let operations: u64 = changes.iter().map(|change| (change.max_op + 1).saturating_sub(change.start_op)).sum();
    let fits = changes.len() < MAX_CHANGES && operations + MAX_OPERATIONS as u64 <= RECORD_OPERATIONS as u64;
    if fits { Ok(()) } else { Err(EditError::Full { changes: changes.len(), operations }) }
}

/// Operations that a pen may write beyond its room: a scalar takes one for each of the values that it replaces.
const SLACK: usize = 64;

/// The actor of every draft: sealing replaces it.
const DRAFT_ACTOR: [u8; 16] = [0; 16];

pub(super) fn kind_spec(name: &str) -> Result<&'static Kind, EditError> {
    let schema = Schema::get();
    schema.kind(name).ok_or_else(|| EditError::UnknownKind {
        name: name.to_owned(),
        nearest: nearest(name, schema.kinds().iter().map(|kind| kind.name.as_str())),
    })
}

/// A checked edit.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) path: Vec<String>,
    pub(super) target: Target,
    pub(super) settles: bool,
}

fn check(kind: &Kind, doc: &Automerge, edits: &[Edit]) -> Result<Vec<Wish>, EditError> {
    let mut checker = Checker::default();
    let mut wishes = Vec::with_capacity(edits.len());
    for (path, value, settles) in edits.iter().map(Edit::parts) {
        let mut want = Want::Entry(&kind.fields);
        for name in &path.0 {
            want = want.member(name);
        }
        checker.path.clone_from(&path.0);
        let known = path.0.first().is_some_and(|name| kind.field(name).is_some());
        if !known {
            let name = path.0.first().map_or("", String::as_str);
            let near = nearest(name, kind.fields.iter().map(|field| field.name.as_str()));
            checker.problem(&kind.label, &name.into(), Why::UnknownField(near));
        }
        let target = checker.target(want, value);
        checker.within_the_gate(&target);
        if path.0 == ["title"] && matches!(&target, Target::Text(text) if text.trim().is_empty()) {
            checker.problem(&kind.fields[0].label, value, Why::Missing);
        }
        wishes.push(Wish { path: path.0.clone(), target, settles });
    }
    // What a record already holds, from a newer schema or an import, is not this person's fault.
    let problems: Vec<Problem> = checker.problems.into_iter().filter(|problem| !holds(doc, problem)).collect();
    if problems.is_empty() { Ok(wishes) } else { Err(EditError::Invalid(problems)) }
}

/// Whether the document already holds the value that a problem is about.
fn holds(doc: &Automerge, problem: &Problem) -> bool {
    let Some((key, path)) = problem.path.split_last().filter(|_| !problem.why.is_loss()) else { return false };
    found(doc, None, &descend(doc, path), key).iter().any(|found| match (&found.shape, &problem.why) {
        (Shape::Scalar(ScalarValue::Str(text)), _) => text.as_str() == problem.value,
        (Shape::Object(ObjType::Text), Why::TooLong { chars, .. }) => doc.length(&found.id) >= *chars,
        (Shape::Scalar(_) | Shape::Object(_), _) => true,
    })
}

/// The objects at the end of a path.
fn descend(doc: &impl ReadDoc, path: &[String]) -> Vec<ObjId> {
    path.iter().fold(vec![ROOT], |objects, key| {
        found(doc, None, &objects, key).into_iter().filter(Found::is_map).map(|found| found.id).collect()
    })
}

/// What is to be written, and on what.
#[derive(Debug)]
pub(super) struct Save {
    /// The document at the heads that the next change names.
    pub(super) doc: Automerge,
    /// What only the first change of a record says.
    pub(super) root: Vec<(&'static str, ScalarValue)>,
    pub(super) wishes: Vec<Wish>,
    pub(super) style: Style,
    pub(super) time: Timestamp,
}

impl Save {
    /// Drafts as much as one change holds. Operations are counted while writing; bytes are known at the end, so that a
    /// change of too many is tried again with fewer operations, unless it is one value that the pen could not divide.
    pub(super) fn draft(mut self) -> Result<Draft, EditError> {
        has_room(&self.doc)?;
        self.doc.set_actor(ActorId::from(DRAFT_ACTOR));
        let mut room = MAX_OPERATIONS - SLACK;
        loop {
            match self.attempt(room) {
                Err(EditError::TooLarge { operations, bytes: bytes @ 1.. })
                    if room > 1 && operations <= room + SLACK =>
                {
                    room = (room.min(operations) * MAX_BYTES / bytes * 9 / 10).clamp(1, room - 1);
                }
                Err(error) => return Err(error),
                Ok((chunk, None)) => return Ok(Draft { chunk, rest: None }),
                Ok((chunk, Some(unfinished))) => {
                    self.root.clear();
                    self.wishes.drain(..unfinished.wish);
                    // What was settled in part is settled: the rest of its text is an edit of it.
                    self.wishes[0].settles &= !unfinished.begun;
                    return Ok(Draft { chunk, rest: Some(Box::new(self)) });
                }
            }
        }
    }

    /// The chunk of a change of about so many operations, and where it had to stop.
    fn attempt(&self, room: usize) -> Result<(Vec<u8>, Option<Unfinished>), EditError> {
        let mut doc = self.doc.clone();
        let mut tx = doc.transaction();
        for (key, value) in &self.root {
            tx.put(ROOT, *key, value.clone())?;
        }
        let mut pen = Pen::new(&mut tx, &self.style, room);
        let unfinished = carry_out(&mut pen, &self.wishes)?;
        if let Some(operations) = pen.too_large {
            return Err(EditError::TooLarge { operations, bytes: 0 });
        }
        let operations = tx.pending_ops();
        if operations == 0 {
            return Err(EditError::NothingToDo);
        }
        if operations > MAX_OPERATIONS {
            return Err(EditError::TooLarge { operations, bytes: 0 });
        }
        tx.commit_with(CommitOptions::default().with_time(self.time.seconds()));
        Ok((raw_chunk(&doc, operations)?, unfinished))
    }
}

/// Where the room of a change ended.
struct Unfinished {
    /// The first wish that is not fulfilled.
    wish: usize,
    /// Whether something of it was written.
    begun: bool,
}

fn carry_out(pen: &mut Pen<'_, '_>, wishes: &[Wish]) -> Result<Option<Unfinished>, AutomergeError> {
    for (index, wish) in wishes.iter().enumerate() {
        if pen.is_at_end() {
            return Ok(Some(Unfinished { wish: index, begun: false }));
        }
        fulfil(pen, wish)?;
        if pen.stopped {
            return Ok(Some(Unfinished { wish: index, begun: true }));
        }
    }
    Ok(None)
}

fn fulfil(pen: &mut Pen<'_, '_>, wish: &Wish) -> Result<(), AutomergeError> {
    let Some((key, parents)) = wish.path.split_last() else { return Ok(()) };
    if wish.settles {
        let objects = descend(&*pen.tx, parents);
        if !objects.is_empty() {
            return pen.settle(&objects, key, &wish.target);
        }
    }
    let wrap = |target, key: &String| Target::Members { put: BTreeMap::from([(key.clone(), target)]), only: false };
    let target = wish.path[1..].iter().rev().fold(wish.target.clone(), wrap);
    pen.put(&[ROOT], &wish.path[0], &target)
}

fn raw_chunk(doc: &Automerge, operations: usize) -> Result<Vec<u8>, EditError> {
    let change = doc.get_last_local_change().ok_or(EditError::NothingToDo)?;
    let bytes = change.raw_bytes();
    if bytes.len() > MAX_BYTES - FOOTER {
        return Err(EditError::TooLarge { operations, bytes: bytes.len() });
    }
    Ok(bytes.to_vec())
}

/// Room for what sealing appends: the footer, and a longer length in the head.
const FOOTER: usize = FOOTER_LEN + 2;

pub(super) fn automerge_heads(heads: &[ChangeHash]) -> Vec<automerge::ChangeHash> {
    heads.iter().map(|head| automerge::ChangeHash(head.0)).collect()
}

#[cfg(test)]
mod tests;
