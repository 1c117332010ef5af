//! Entries: what a commons is a set of.
//!
//! An entry is a membership [`Statement`], a [`Change`] of a record that carries its author's signature, or the
//! [`Adoption`] of a reference change. Its id names it everywhere: two nodes are in sync when they hold the same ids.
//!
//! The story of one: bytes arrive from a peer; [`Entry::decode`] reads and counts them, and recomputes every name that
//! follows from them; [`Signed::verify`](crate::sign::Signed::verify) checks the signature in this commons; only then is
//! it an entry, to be judged by the roster and kept. What was signed is kept as it came, never written again from what was
//! read. In a sync session changes are sent [lean](change::lean) and read by [`Entry::receive`];
//! [`receive_and_verify_all`] does it for whole frames on several cores.

pub mod adoption;
pub mod change;
pub mod statement;

pub use adoption::{Adoption, Origin};
pub use change::Change;
pub use statement::Statement;

use crate::id::{ChangeHash, CommonsId, DeviceKey, EntryId, RecordId};
use crate::sign::{BadSignature, Claim, Signatures, Signed, Verified};
use crate::time::Timestamp;
use crate::wire::DecodeError;

/// First byte of a statement's entry.
const STATEMENT: u8 = 1;
/// First byte of a change's entry.
const CHANGE: u8 = 2;
/// First byte of an adoption's entry.
const ADOPTION: u8 = 3;
/// First byte of a lean change, in a sync session only.
const LEAN: u8 = 4;

/// One element of a commons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Who is in, and who may do what.
    Statement(Statement),
    /// What somebody wrote in a record.
    Change(Change),
    /// A reference change, and who took it in.
    Adoption(Adoption),
}

impl Entry {
    /// Reads `tag ‖ part`. A change or an adoption passes the census here.
    ///
    /// # Errors
    /// [`DecodeError`] naming the rule that the bytes break; such bytes are an entry nowhere.
    pub fn decode(bytes: &[u8]) -> Result<Signed<Self>, DecodeError> {
        let (tag, part) = bytes.split_first().ok_or(DecodeError::Truncated { at: 0 })?;
        let entry = match *tag {
            STATEMENT => Self::Statement(Statement::decode(part)?),
            CHANGE => Self::Change(Change::decode(part)?),
            ADOPTION => Self::Adoption(Adoption::decode(part)?),
            found => return Err(DecodeError::Unknown { what: "entry tag", found: found.into() }),
        };
        Ok(Signed::new(entry))
    }

    /// Reads an entry as it is sent in a sync session: a change may be [lean](change::lean).
    ///
    /// # Errors
    /// As [`Entry::decode`].
    pub fn receive(sent: &[u8], commons: &CommonsId) -> Result<Signed<Self>, DecodeError> {
        match sent.split_first() {
            Some((&LEAN, lean)) => Change::receive(lean, commons).map(Self::Change).map(Signed::new),
            Some(_) | None => Self::decode(sent),
        }
    }

    /// The bytes that [`Entry::decode`] reads, as they were signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (tag, part) = match self {
            Self::Statement(statement) => (STATEMENT, statement.bytes()),
            Self::Change(change) => (CHANGE, change.bytes()),
            Self::Adoption(adoption) => (ADOPTION, adoption.bytes()),
        };
        let mut bytes = Vec::with_capacity(1 + part.len());
        bytes.push(tag);
        bytes.extend_from_slice(part);
        bytes
    }

    /// Whether encoded bytes are those of a statement, by their tag alone.
    #[must_use]
    pub fn is_statement(bytes: &[u8]) -> bool {
        bytes.first() == Some(&STATEMENT)
    }

    /// The record that the bytes of a change or an adoption belong to, without reading the rest: of bytes that
    /// [`Entry::decode`] took before.
    #[must_use]
    pub fn record_of(bytes: &[u8]) -> Option<RecordId> {
        let (tag, part) = bytes.split_first()?;
        let record = match *tag {
            CHANGE => part.get(..32),
            ADOPTION => part.get(Adoption::RECORD_AT..Adoption::RECORD_AT + 32),
            _ => None,
        };
        Some(RecordId(record?.try_into().ok()?))
    }

    /// Its name in storage and reconciliation.
    #[must_use]
    pub fn id(&self) -> EntryId {
        match self {
            Self::Statement(statement) => statement.id().into(),
            Self::Change(change) => change.id(),
            Self::Adoption(adoption) => adoption.id(),
        }
    }

    /// The record it belongs to; none for a statement.
    #[must_use]
    pub fn record(&self) -> Option<RecordId> {
        match self {
            Self::Statement(_) => None,
            Self::Change(change) => Some(change.record()),
            Self::Adoption(adoption) => Some(adoption.record()),
        }
    }

    /// The automerge change it carries; none for a statement. Several adoptions may carry the same.
    #[must_use]
    pub fn change(&self) -> Option<ChangeHash> {
        match self {
            Self::Statement(_) => None,
            Self::Change(change) => Some(change.hash()),
            Self::Adoption(adoption) => Some(adoption.hash()),
        }
    }

    /// The device that signed it, or says so while it is not verified.
    #[must_use]
    pub fn device(&self) -> DeviceKey {
        self.signer()
    }

    /// When its author says to have made it. An adoption does not say: it is the same whenever it is made, and shows 0.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Statement(statement) => statement.time(),
            Self::Change(change) => change.time(),
            Self::Adoption(_) => Timestamp(0),
        }
    }
}

impl Claim for Entry {
    fn signer(&self) -> DeviceKey {
        match self {
            Self::Statement(statement) => statement.signer(),
            Self::Change(change) => change.signer(),
            Self::Adoption(adoption) => adoption.signer(),
        }
    }

    fn check(&self, commons: &CommonsId, signatures: &mut Signatures) -> Result<(), BadSignature> {
        match self {
            Self::Statement(statement) => statement.check(commons, signatures),
            Self::Change(change) => change.check(commons, signatures),
            Self::Adoption(adoption) => adoption.check(commons, signatures),
        }
    }
}

/// Why bytes from a peer are no entry of this commons. The peer that sent them is at fault: it must verify what it relays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The bytes break a rule.
    #[error("not an entry")]
    Malformed(#[from] DecodeError),
    /// The device that it names did not sign it in this commons.
    #[error("not signed by {claimed:#} in this commons")]
    Forged {
        /// The device that is said to have signed.
        claimed: DeviceKey,
        /// What failed.
        #[source]
        source: BadSignature,
    },
}

/// Reads and verifies many entries as they are sent in a sync session, on `threads` threads (at least one). Answers stand
/// in the order of the entries, whatever the number of threads.
#[must_use]
pub fn receive_and_verify_all(
    entries: &[&[u8]],
    commons: &CommonsId,
    threads: usize,
) -> Vec<Result<Verified<Entry>, Refused>> {
    let share = entries.len().div_ceil(threads.max(1)).max(1);
    if share >= entries.len() {
        return receive_and_verify_some(entries, commons);
    }
    std::thread::scope(|scope| {
        let parts = entries.chunks(share).map(|part| {
            let there = std::thread::Builder::new().spawn_scoped(scope, move || receive_and_verify_some(part, commons));
            // A system that gives no more threads is no fault of the entries.
            there.map_err(|_| receive_and_verify_some(part, commons))
        });
        let parts: Vec<_> = parts.collect();
        let joined = parts.into_iter().map(|part| match part {
            Ok(there) => there.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(here) => here,
        });
        joined.flatten().collect()
    })
}

fn receive_and_verify_some(entries: &[&[u8]], commons: &CommonsId) -> Vec<Result<Verified<Entry>, Refused>> {
    let mut claimed = Vec::with_capacity(entries.len());
    let mut signed = Vec::with_capacity(entries.len());
    for sent in entries {
        let entry = Entry::receive(sent, commons);
        claimed.push(entry.as_ref().map(Signed::claimed_signer).map_err(|error| *error));
        signed.extend(entry);
    }
    let mut verified = Signed::verify_all(signed, commons).into_iter();
    let answers = claimed.into_iter().map(|claimed| {
        let claimed = claimed?;
        // There is an answer for each that decoded.
        verified.next().unwrap_or(Err(BadSignature)).map_err(|source| Refused::Forged { claimed, source })
    });
    answers.collect()
}

/// Decodes and verifies one entry.
///
/// # Errors
/// [`Refused`], which says what the sender did.
pub fn decode_and_verify(bytes: &[u8], commons: &CommonsId) -> Result<Verified<Entry>, Refused> {
    let signed = Entry::decode(bytes)?;
    let claimed = signed.claimed_signer();
    signed.verify(commons).map_err(|source| Refused::Forged { claimed, source })
}

#[cfg(test)]
mod tests;
