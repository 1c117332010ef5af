//! A change of a record: one automerge change that carries its own signature.
//!
//! The story of one: `record::edit` drafts an automerge change under any actor; [`Change::seal`] appends the footer
//! (device, frontier, room for a signature), signs, and gives the change the actor that follows from its content and
//! signature. A receiver runs [`Change::decode`], which counts it ([`crate::gate::census`]) and recomputes the actor,
//! and [`Signed::verify`](crate::sign::Signed::verify), which checks the signature.
//!
//! One fresh actor for each change, always with sequence number 1: a backup that is restored and signs again cannot make
//! two changes with one (actor, number), which would wedge an automerge document for ever. And the signature lives inside
//! the automerge change, so that an exported `.automerge` file can be verified by anybody who has the roster.
//!
//! The byte map is in `docs/wire.md`, section *Entries*.

pub mod lean;

use crate::gate::{self, Chunk};
use crate::id::{Actor, ChangeHash, CommonsId, DeviceKey, EntryId, RecordId, StatementId};
use crate::sign::{BadSignature, Claim, Domain, Keys, Signature, Signatures, Verified};
use crate::time::Timestamp;
use crate::wire::{DecodeError, Reader};

/// Bytes of the footer: `01 20 device[32] ‖ 46 20 frontier[32] ‖ 53 40 sig[64]`.
pub const FOOTER_LEN: usize = 134;

/// Why a draft cannot be sealed. Ours: the draft was made by this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// What was drafted would be refused by every receiver: too large, or not made as the rules ask.
    #[error("what was drafted cannot be sealed")]
    Draft(#[from] DecodeError),
    /// The draft has a footer already.
    #[error("what was drafted is sealed already")]
    Sealed,
    /// Only the first change of a record has no dependencies, and it alone gives the record its name.
    #[error("the first change of a record names the record, and no other does")]
    Record,
}

/// One sealed change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// record ‖ chunk, as stored and sent.
    bytes: Vec<u8>,
    id: EntryId,
    hash: ChangeHash,
    dependencies: Vec<ChangeHash>,
    device: DeviceKey,
    frontier: StatementId,
    time: Timestamp,
    actor: Actor,
    body: [u8; 32],
    signature: Signature,
}

impl Change {
    /// The most bytes a change can have: record and chunk.
    pub const MAX: usize = 32 + gate::CHUNK_MAX;

    /// Reads `record ‖ chunk`: counts the chunk and recomputes the actor. The signature is checked by
    /// [`Signed::verify`](crate::sign::Signed::verify).
    ///
    /// # Errors
    /// [`DecodeError`] naming the rule that the bytes break.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let chunk = gate::census(bytes.get(32..).ok_or(DecodeError::Truncated { at: 0 })?)?;
        // Before the body, which ends where the signature begins: a chunk without one may be shorter than it.
        let footer = Footer::read(chunk.extra())?;
        let change = Self::of(&chunk, &footer, body_hash(&chunk, Signature::LEN));
        if change.actor != actor(&change.body, &change.signature) {
            return Err(DecodeError::Invalid { what: "the actor of a change" });
        }
        Ok(Self { id: id(bytes), bytes: bytes.to_vec(), ..change })
    }

    /// Reads and counts what follows the tag of a [lean](lean) change.
    pub(super) fn receive(sent: &[u8], commons: &CommonsId) -> Result<Self, DecodeError> {
        let whole = lean::unpack(sent, commons)?;
        let chunk = gate::census_of_hashed(&whole.bytes[32..], whole.hash)?;
        let change = Self::of(&chunk, &Footer::read(chunk.extra())?, whole.body);
        Ok(Self { id: id(&whole.bytes), bytes: whole.bytes, ..change })
    }

    /// What a chunk says of itself; `bytes` and `id` are still to be filled in.
    fn of(chunk: &Chunk<'_>, footer: &Footer, body: [u8; 32]) -> Self {
        Self {
            bytes: Vec::new(),
            id: EntryId([0; 32]),
            hash: chunk.hash(),
            dependencies: chunk.dependencies().to_vec(),
            device: footer.device,
            frontier: footer.frontier,
            time: Timestamp::from_seconds(chunk.time()),
            actor: chunk.actor(),
            body,
            signature: footer.signature,
        }
    }

    /// Seals a draft: the raw, uncompressed chunk of one automerge change, under any actor of 16 bytes.
    ///
    /// `record` is `None` for the first change of a record, whose id follows from the change.
    ///
    /// # Errors
    /// [`SealError`] when receivers would refuse the result.
    pub fn seal(
        draft: &[u8],
        keys: &Keys,
        commons: CommonsId,
        frontier: StatementId,
        record: Option<RecordId>,
    ) -> Result<Verified<Self>, SealError> {
        let draft = gate::census(draft)?;
        if !draft.extra().is_empty() {
            return Err(SealError::Sealed);
        }
        if record.is_none() != draft.dependencies().is_empty() {
            return Err(SealError::Record);
        }
        let mut data = draft.data().to_vec();
        Footer { device: keys.key(), frontier, signature: Signature([0; 64]) }.write(&mut data);
        let mut chunk = gate::chunk_of(&data);
        let (body, actor_at) = {
            let sized = gate::census(&chunk)?;
            (body_hash(&sized, Signature::LEN), sized.actor_at())
        };
        let record = record.unwrap_or_else(|| first_record(&commons, &body));
        let signature = keys.sign(Domain::CHANGE, &[&commons.0, &record.0, &body]);
        let signature_at = chunk.len() - Signature::LEN;
        chunk[signature_at..].copy_from_slice(&signature.0);
        chunk[actor_at..actor_at + 16].copy_from_slice(&actor(&body, &signature).0);
        gate::renew_checksum(&mut chunk);
        let sealed = Self::decode(&[&record.0, &chunk[..]].concat())?;
        Ok(Verified::trusted(sealed))
    }

    /// `record ‖ chunk`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The record it belongs to.
    #[must_use]
    pub fn record(&self) -> RecordId {
        let mut record = [0; 32];
        record.copy_from_slice(&self.bytes[..32]);
        RecordId(record)
    }

    /// The automerge change.
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        &self.bytes[32..]
    }

    /// BLAKE3 `essaim v1 change id` of `record ‖ chunk`.
    #[must_use]
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// How automerge names the change.
    #[must_use]
    pub const fn hash(&self) -> ChangeHash {
        self.hash
    }

    /// The changes it was made on, ascending. Only the first change of a record has none.
    #[must_use]
    pub fn deps(&self) -> &[ChangeHash] {
        &self.dependencies
    }

    /// The device that says to have signed it.
    #[must_use]
    pub const fn device(&self) -> DeviceKey {
        self.device
    }

    /// The statement up to which its author had seen the membership.
    #[must_use]
    pub const fn frontier(&self) -> StatementId {
        self.frontier
    }

    /// When its author says to have made it, in whole seconds.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Its automerge actor, which no other change has.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        self.actor
    }
}

/// The device that signed a change, as its extra bytes say; nobody signed a reference change.
#[must_use]
pub fn signer(extra: &[u8]) -> Option<DeviceKey> {
    Footer::read(extra).ok().map(|footer| footer.device)
}

impl Claim for Change {
    fn signer(&self) -> DeviceKey {
        self.device
    }

    /// The signature, and for a first change also its record's name: a name that does not follow from the change was
    /// put there by its author.
    fn check(&self, commons: &CommonsId, signatures: &mut Signatures) -> Result<(), BadSignature> {
        if self.dependencies.is_empty() && self.record() != first_record(commons, &self.body) {
            return Err(BadSignature);
        }
        let message: [&[u8]; 3] = [&commons.0, &self.record().0, &self.body];
        signatures.add(&self.signature, &self.device, Domain::CHANGE, &message)
    }
}

/// B of `wire.md`: the chunk from its type byte on, with the actor and the last `zeroed` bytes as zeros.
pub(super) fn body_hash(chunk: &Chunk<'_>, zeroed: usize) -> [u8; 32] {
    let hashed = chunk.hashed();
    body_of(hashed, chunk.actor_at() - (chunk.bytes().len() - hashed.len()), zeroed)
}

/// The same for a chunk whose actor stands at this place of what is hashed.
fn body_of(hashed: &[u8], actor_at: usize, zeroed: usize) -> [u8; 32] {
    // In one piece: BLAKE3 hashes several of its blocks at once only of what it is given at once.
    let mut blank = hashed.to_vec();
    blank[actor_at..actor_at + 16].fill(0);
    let end = blank.len();
    blank[end - zeroed..].fill(0);
    blake3::derive_key("essaim v1 change body", &blank)
}

fn actor(body: &[u8; 32], signature: &Signature) -> Actor {
    let mut hasher = blake3::Hasher::new_derive_key("essaim v1 actor");
    hasher.update(body).update(&signature.0);
    short(&hasher)
}

/// The first 16 bytes of a hash.
pub(super) fn short(hasher: &blake3::Hasher) -> Actor {
    let mut actor = [0; 16];
    hasher.finalize_xof().fill(&mut actor);
    Actor(actor)
}

fn first_record(commons: &CommonsId, body: &[u8; 32]) -> RecordId {
    let mut hasher = blake3::Hasher::new_derive_key("essaim v1 record");
    hasher.update(&commons.0).update(body);
    RecordId(hasher.finalize().into())
}

fn id(bytes: &[u8]) -> EntryId {
    EntryId(blake3::derive_key("essaim v1 change id", bytes))
}

/// The extra bytes of a sealed chunk. The first field is automerge's own author footer.
struct Footer {
    device: DeviceKey,
    frontier: StatementId,
    signature: Signature,
}

impl Footer {
    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let device = DeviceKey(field(&mut reader, [0x01, 0x20])?);
        let frontier = StatementId(field(&mut reader, [0x46, 0x20])?);
        let signature = Signature(field(&mut reader, [0x53, 0x40])?);
        reader.end()?;
        Ok(Self { device, frontier, signature })
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&[0x01, 0x20]);
        to.extend_from_slice(&self.device.0);
        to.extend_from_slice(&[0x46, 0x20]);
        to.extend_from_slice(&self.frontier.0);
        to.extend_from_slice(&[0x53, 0x40]);
        to.extend_from_slice(&self.signature.0);
    }
}

fn field<const N: usize>(reader: &mut Reader<'_>, head: [u8; 2]) -> Result<[u8; N], DecodeError> {
    if reader.array()? != head {
        return Err(DecodeError::Invalid { what: "the footer of a change" });
    }
    reader.array()
}
