//! The gate: automerge never sees a peer's bytes that were not counted first.
//!
//! automerge 0.12 trusts what it decodes: a change of a hundred bytes can claim a billion operations, ask for gigabytes,
//! or make a document that saves but never loads again. So a change meets this module first. The *census* reads the
//! chunk once, from its bytes alone, and decides for ever whether it is valid: nothing is allocated from a claimed
//! count, every column is bounded, and each thing has one spelling (automerge rebuilds a change's bytes from its
//! operations when it loads a document, so another spelling would come back under another hash, and the load fail).
//!
//! What a change says about *other* changes needs a document and is judged when the record is folded
//! (`record::fold`). The census still checks what needs no document: an operation names only what is older than itself.
//!
//! The chunk is the one of the automerge binary format (<https://automerge.org/automerge-binary-format-spec/>), held to
//! `wire.md`: uncompressed, one change, actor of 16 bytes, sequence number 1.

mod columns;
#[cfg(test)]
pub(crate) mod forge;
#[cfg(test)]
pub(crate) mod history;

use sha2::{Digest as _, Sha256};

pub use columns::{Action, Key, Op, OpId, Ops};
pub(crate) use columns::{COLUMNS, runs};

use crate::id::{Actor, ChangeHash};
use crate::wire::{DecodeError, Reader, Write as _};

/// Bytes of one chunk: what keeps a frame of entries under the transport's 256 KiB. A longer save is a chain of changes.
pub const CHUNK_MAX: usize = 192 * 1024;
/// Dependencies of one change; more heads are first joined by empty changes. A bound on the work that one small change
/// makes for its receivers.
pub const DEPENDENCIES_MAX: usize = 64;
/// Operations of one change: twice what we write ourselves. Run-length columns would let a hundred bytes claim 2^63.
pub const OPERATIONS_MAX: u64 = 65_536;
/// Predecessors of all operations of one change: two for each, since most operations have none.
pub const PREDECESSORS_MAX: u64 = 131_072;
/// Bytes of one key, string or byte value. Long texts are text objects, not strings.
pub const STRING_MAX: usize = 64 * 1024;
/// The highest operation counter: automerge keeps counters in 32 bits. 2,000 changes of 65,536 operations stay under it.
pub const COUNTER_MAX: u64 = (1 << 31) - 1;

/// The first bytes of every automerge chunk.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// Where the chunk type stands, after the magic and the checksum: the hash of a change covers everything from here.
const TYPE_AT: usize = 8;
/// The chunk type of one uncompressed change. Type 2 is the same deflated: a megabyte of it unpacks to gigabytes.
const TYPE_CHANGE: u8 = 1;

/// A change chunk that passed the census.
#[derive(Debug, Clone)]
pub struct Chunk<'a> {
    bytes: &'a [u8],
    hash: ChangeHash,
    dependencies: Vec<ChangeHash>,
    actor_at: usize,
    start_op: u64,
    time: i64,
    others: &'a [u8],
    columns: columns::Columns<'a>,
    extra_at: usize,
    cited: Vec<Cited>,
    operations: u64,
}

/// An earlier change that this one builds on, known by its actor, and which of its operations are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cited {
    /// The actor: one change's, since each change has its own.
    pub actor: Actor,
    /// The lowest counter named.
    pub first: u64,
    /// The highest counter named.
    pub last: u64,
}

/// Reads and counts one chunk; linear in its bytes and in the operations it holds (at most [`OPERATIONS_MAX`]).
///
/// # Errors
/// [`DecodeError`] saying which rule the chunk breaks. Such a change is valid nowhere, ever.
pub fn census(bytes: &[u8]) -> Result<Chunk<'_>, DecodeError> {
    if bytes.len() > CHUNK_MAX {
        return Err(DecodeError::TooLarge { what: "a change", found: bytes.len() as u64, max: CHUNK_MAX as u64 });
    }
    count(bytes, hash_of(bytes))
}

/// The same for a chunk whose checksum was written here: with the hash that [`renew_checksum`] gave.
pub(crate) fn census_of_hashed(bytes: &[u8], hash: ChangeHash) -> Result<Chunk<'_>, DecodeError> {
    count(bytes, hash)
}

fn count(bytes: &[u8], hash: ChangeHash) -> Result<Chunk<'_>, DecodeError> {
    let mut chunk = read(bytes, hash)?;
    let mut ops = chunk.ops();
    while let Some(op) = ops.next() {
        chunk.operations += 1 + ops.pass_typed(&op?)?;
    }
    chunk.cited = ops.cited(chunk.others)?;
    Ok(chunk)
}

impl<'a> Chunk<'a> {
    /// The bytes that were counted.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// SHA-256 from the type byte on: the change's name in dependencies.
    #[must_use]
    pub const fn hash(&self) -> ChangeHash {
        self.hash
    }

    /// The changes that this one was made on, in ascending order.
    #[must_use]
    pub fn dependencies(&self) -> &[ChangeHash] {
        &self.dependencies
    }

    /// The change's own actor.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let mut actor = [0; 16];
        actor.copy_from_slice(&self.bytes[self.actor_at..self.actor_at + 16]);
        Actor(actor)
    }

    /// Where the actor's 16 bytes stand in [`Chunk::bytes`].
    #[must_use]
    pub const fn actor_at(&self) -> usize {
        self.actor_at
    }

    /// The counter of the first operation.
    #[must_use]
    pub const fn start_op(&self) -> u64 {
        self.start_op
    }

    /// The highest counter of the change and its past, if `start_op` is what it must be.
    #[must_use]
    pub const fn max_op(&self) -> u64 {
        self.start_op + self.operations - 1
    }

    /// How many operations.
    #[must_use]
    pub const fn operations(&self) -> u64 {
        self.operations
    }

    /// Seconds since 1970 that the author claims.
    #[must_use]
    pub const fn time(&self) -> i64 {
        self.time
    }

    /// The earlier changes whose operations this one names, by ascending actor: number `i` is actor `i + 1` of an
    /// [`OpId`].
    #[must_use]
    pub fn cited(&self) -> &[Cited] {
        &self.cited
    }

    /// What follows the operations: our footer, or nothing in a reference change and a draft.
    #[must_use]
    pub fn extra(&self) -> &'a [u8] {
        &self.bytes[self.extra_at..]
    }

    /// What the hash covers, from the type byte on.
    #[must_use]
    pub fn hashed(&self) -> &'a [u8] {
        &self.bytes[TYPE_AT..]
    }

    /// The data alone, after the header.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        let mut reader = Reader::new(&self.bytes[TYPE_AT + 1..]);
        reader.uleb().map_or(&[], |_| reader.rest())
    }

    /// The operations in order.
    #[must_use]
    pub fn ops(&self) -> Ops<'a> {
        Ops::new(&self.columns, self.start_op, self.others.len() / OTHER_LEN)
    }
}

/// Puts a header in front of a change's data: magic, checksum, type and length.
#[must_use]
pub fn chunk_of(data: &[u8]) -> Vec<u8> {
    let mut bytes = with_header(data);
    renew_checksum(&mut bytes);
    bytes
}

/// The same, the checksum still to be written.
pub(crate) fn with_header(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TYPE_AT + 4 + data.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[0; 4]);
    bytes.push(TYPE_CHANGE);
    bytes.put_bytes(data);
    bytes
}

/// Writes the checksum anew after bytes of a chunk were patched, and gives the chunk's hash.
pub fn renew_checksum(chunk: &mut [u8]) -> ChangeHash {
    let hash = hash_of(chunk);
    chunk[4..TYPE_AT].copy_from_slice(&hash.0[..4]);
    hash
}

fn hash_of(chunk: &[u8]) -> ChangeHash {
    ChangeHash(Sha256::digest(chunk.get(TYPE_AT..).unwrap_or_default()).into())
}

/// An actor in the chunk's table: its length, which is always 16, and its bytes.
const OTHER_LEN: usize = 17;

fn other_actor(others: &[u8], index: usize) -> Option<Actor> {
    let entry = others.chunks_exact(OTHER_LEN).nth(index)?;
    entry[1..].try_into().ok().map(Actor)
}

/// Everything but the operations.
fn read(bytes: &[u8], hash: ChangeHash) -> Result<Chunk<'_>, DecodeError> {
    let mut reader = Reader::new(bytes);
    header(&mut reader, &hash)?;
    let dependencies = dependencies(&mut reader)?;
    let actor_at = reader.position() + 1;
    actor(&mut reader)?;
    if reader.uleb()? != 1 {
        return Err(DecodeError::Invalid { what: "the sequence number of a change (it is always 1)" });
    }
    let start_op = reader.uleb()?;
    if start_op == 0 || start_op > COUNTER_MAX {
        return Err(DecodeError::TooLarge { what: "the first counter of a change", found: start_op, max: COUNTER_MAX });
    }
    let time = reader.sleb()?;
    reader.text("the message of a change", STRING_MAX)?;
    let others = others(&mut reader, &bytes[actor_at..actor_at + 16])?;
    let columns = columns::Columns::read(&mut reader)?;
    let extra_at = reader.position();
    Ok(Chunk {
        bytes,
        hash,
        dependencies,
        actor_at,
        start_op,
        time,
        others,
        columns,
        extra_at,
        cited: Vec::new(),
        operations: 0,
    })
}

fn header(reader: &mut Reader<'_>, hash: &ChangeHash) -> Result<(), DecodeError> {
    if reader.array()? != MAGIC {
        return Err(DecodeError::Invalid { what: "the start of a change" });
    }
    let checksum: [u8; 4] = reader.array()?;
    let kind = reader.u8()?;
    if kind != TYPE_CHANGE {
        return Err(DecodeError::Invalid { what: "the type of a change (one change, not deflated)" });
    }
    let length = reader.count("a change", CHUNK_MAX)?;
    if length != reader.remaining() {
        return Err(DecodeError::Invalid { what: "the length of a change" });
    }
    if hash.0[..4] != checksum {
        return Err(DecodeError::Invalid { what: "the checksum of a change" });
    }
    Ok(())
}

fn dependencies(reader: &mut Reader<'_>) -> Result<Vec<ChangeHash>, DecodeError> {
    let count = reader.count("the dependencies of a change", DEPENDENCIES_MAX)?;
    let (hashes, _) = reader.take(count * 32)?.as_chunks::<32>();
    if !hashes.is_sorted_by(|a, b| a < b) {
        return Err(DecodeError::NotCanonical { what: "the dependencies of a change" });
    }
    Ok(hashes.iter().copied().map(ChangeHash).collect())
}

fn actor<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let bytes = reader.bytes("an actor", 16)?;
    if bytes.len() == 16 { Ok(bytes) } else { Err(DecodeError::Invalid { what: "the length of an actor" }) }
}

/// The table of other actors, ascending, without the change's own.
fn others<'a>(reader: &mut Reader<'a>, own: &[u8]) -> Result<&'a [u8], DecodeError> {
    let count = reader.count("the actors of a change", CHUNK_MAX / OTHER_LEN)?;
    let start = reader.clone();
    let mut last: &[u8] = &[];
    for _ in 0..count {
        let next = actor(reader)?;
        if next <= last || next == own {
            return Err(DecodeError::NotCanonical { what: "the actors of a change" });
        }
        last = next;
    }
    start.clone().take(reader.position() - start.position())
}

#[cfg(test)]
mod tests;
