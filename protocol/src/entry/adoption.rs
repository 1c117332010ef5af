//! Reference changes, and the adoptions by which they enter a commons.
//!
//! The starter heritage, and every import that says where its lines come from, must come out the same on every node: two
//! allies who import one file would otherwise make two records, or one record with every text doubled. So a *reference
//! change* is a pure function of its [`Origin`], its parent edition and its content: no time, no footer, and an actor that
//! derives from what it says ([`reference_chunk`]). Nobody has signed it; what an ally signs is its [`Adoption`]: "this
//! belongs in our commons". Several adoptions may carry one reference change; automerge takes it once.

use super::change::{SealError, body_hash, short};
use crate::gate::{self, Chunk};
use crate::id::{Actor, ChangeHash, CommonsId, DeviceKey, EntryId, RecordId, StatementId};
use crate::sign::{BadSignature, Claim, Domain, Keys, Signature, Signatures, Verified};
use crate::wire::{DecodeError, Reader, Write as _};

/// Version byte of the adoptions that this program writes.
const VERSION: u8 = 1;

/// Where a reference record comes from: a system and the record's name there. It alone decides the record's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The source: a site, a data set, a register.
    pub system: String,
    /// The record's name within the source.
    pub id: String,
}

impl Origin {
    /// Bytes of a system's name: a host name or a short title.
    pub const SYSTEM_MAX: usize = 256;
    /// Bytes of a name within a system: room for an address.
    pub const ID_MAX: usize = 2048;

    /// The record that this origin names, in every commons.
    #[must_use]
    pub fn record(&self) -> RecordId {
        RecordId(blake3::derive_key("essaim v1 reference record", &self.bytes()))
    }

    /// length ‖ system ‖ length ‖ id.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.system.len() + self.id.len() + 4);
        bytes.put_bytes(self.system.as_bytes());
        bytes.put_bytes(self.id.as_bytes());
        bytes
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let system = reader.text("the system of an origin", Self::SYSTEM_MAX)?.to_owned();
        let id = reader.text("the id of an origin", Self::ID_MAX)?.to_owned();
        if system.is_empty() || id.is_empty() {
            return Err(DecodeError::Invalid { what: "an empty origin" });
        }
        Ok(Self { system, id })
    }
}

/// Gives a drafted reference change (time 0, any actor of 16 bytes) the actor that derives from its origin and content.
///
/// # Errors
/// [`SealError`] when every receiver would refuse the result.
pub fn reference_chunk(origin: &Origin, draft: &[u8]) -> Result<Vec<u8>, SealError> {
    let counted = gate::census(draft)?;
    check_reference(&counted)?;
    let (actor, at) = (reference_actor(origin, &counted), counted.actor_at());
    let mut chunk = draft.to_vec();
    chunk[at..at + 16].copy_from_slice(&actor.0);
    gate::renew_checksum(&mut chunk);
    // The new actor must not collide with, or sort among, those of the table: count again.
    gate::census(&chunk)?;
    Ok(chunk)
}

/// An ally's signed word that a reference change belongs in this commons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// body ‖ signature, as stored and sent.
    bytes: Vec<u8>,
    id: EntryId,
    hash: ChangeHash,
    dependencies: Vec<ChangeHash>,
    commons: CommonsId,
    device: DeviceKey,
    frontier: StatementId,
    record: RecordId,
    origin: Origin,
    actor: Actor,
    chunk_at: usize,
}

impl Adoption {
    /// Where the record stands, after version, commons, device and frontier.
    pub(super) const RECORD_AT: usize = 1 + 3 * 32;

    /// Signs the adoption of a reference change made by [`reference_chunk`] for the same origin.
    ///
    /// # Errors
    /// [`SealError`] when every receiver would refuse the result.
    pub fn sign(
        keys: &Keys,
        commons: CommonsId,
        frontier: StatementId,
        origin: Origin,
        chunk: Vec<u8>,
    ) -> Result<Verified<Self>, SealError> {
        let mut bytes = vec![VERSION];
        for part in [&commons.0, &keys.key().0, &frontier.0, &origin.record().0] {
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&origin.bytes());
        bytes.extend_from_slice(&chunk);
        let signature = keys.sign(Domain::ADOPTION, &[&commons.0, &id(&bytes).0]);
        bytes.extend_from_slice(&signature.0);
        Ok(Verified::trusted(Self::decode(&bytes)?))
    }

    /// Reads `body ‖ signature`: counts the chunk and recomputes the record and the actor. The signature is checked by
    /// [`Signed::verify`](crate::sign::Signed::verify).
    ///
    /// # Errors
    /// [`DecodeError`] naming the rule that the bytes break.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (body, _) = bytes.split_last_chunk::<{ Signature::LEN }>().ok_or(DecodeError::Truncated { at: 0 })?;
        let mut reader = Reader::new(body);
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Unknown { what: "adoption version", found: version.into() });
        }
        let commons = CommonsId(reader.array()?);
        let device = DeviceKey(reader.array()?);
        let frontier = StatementId(reader.array()?);
        let record = RecordId(reader.array()?);
        let origin = Origin::read(&mut reader)?;
        if record != origin.record() {
            return Err(DecodeError::Invalid { what: "the record of an adoption" });
        }
        let chunk_at = reader.position();
        let chunk = gate::census(reader.rest())?;
        check_reference(&chunk)?;
        if chunk.actor() != reference_actor(&origin, &chunk) {
            return Err(DecodeError::Invalid { what: "the actor of a reference change" });
        }
        Ok(Self {
            id: id(body),
            hash: chunk.hash(),
            dependencies: chunk.dependencies().to_vec(),
            commons,
            device,
            frontier,
            record,
            origin,
            actor: chunk.actor(),
            chunk_at,
            bytes: bytes.to_vec(),
        })
    }

    /// `body ‖ signature`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The record that the origin names.
    #[must_use]
    pub const fn record(&self) -> RecordId {
        self.record
    }

    /// Where the record comes from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The automerge change that is adopted.
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        &self.bytes[self.chunk_at..self.bytes.len() - Signature::LEN]
    }

    /// BLAKE3 `essaim v1 adoption id` of the body.
    #[must_use]
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// How automerge names the adopted change.
    #[must_use]
    pub const fn hash(&self) -> ChangeHash {
        self.hash
    }

    /// The changes that the adopted one was made on, ascending.
    #[must_use]
    pub fn deps(&self) -> &[ChangeHash] {
        &self.dependencies
    }

    /// The device that says to have signed the adoption.
    #[must_use]
    pub const fn device(&self) -> DeviceKey {
        self.device
    }

    /// The statement up to which the adopter had seen the membership.
    #[must_use]
    pub const fn frontier(&self) -> StatementId {
        self.frontier
    }

    /// The actor of the adopted change.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        self.actor
    }
}

impl Claim for Adoption {
    fn signer(&self) -> DeviceKey {
        self.device
    }

    fn check(&self, commons: &CommonsId, signatures: &mut Signatures) -> Result<(), BadSignature> {
        if self.commons != *commons {
            return Err(BadSignature);
        }
        let mut signature = [0; Signature::LEN];
        signature.copy_from_slice(&self.bytes[self.bytes.len() - Signature::LEN..]);
        signatures.add(&Signature(signature), &self.device, Domain::ADOPTION, &[&commons.0, &self.id.0])
    }
}

/// A reference change says nothing but its content: a time or a footer would make two of one.
fn check_reference(chunk: &Chunk<'_>) -> Result<(), DecodeError> {
    if chunk.time() != 0 {
        return Err(DecodeError::Invalid { what: "the time of a reference change (it is always 0)" });
    }
    if !chunk.extra().is_empty() {
        return Err(DecodeError::Invalid { what: "the footer of a reference change (it has none)" });
    }
    Ok(())
}

fn reference_actor(origin: &Origin, chunk: &Chunk<'_>) -> Actor {
    let mut hasher = blake3::Hasher::new_derive_key("essaim v1 reference actor");
    hasher.update(&origin.bytes()).update(&body_hash(chunk, 0));
    short(&hasher)
}

fn id(body: &[u8]) -> EntryId {
    EntryId(blake3::derive_key("essaim v1 adoption id", body))
}
