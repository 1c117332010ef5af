//! Membership statements: the bytes, their id and their signature. What a statement is worth, [`crate::roster`] judges.
//!
//! A device that wants to say something about who is in ([`Act`]) names what it has seen (the heads of the statements it
//! holds), signs, and the statement travels to every node of the commons, where it is kept for ever. Its stored form is
//! the body's bytes as they were signed, and the signature behind them; nothing is ever written anew, and bytes that
//! could have been written otherwise are refused, so that one meaning has one id.
//!
//! A statement's **past** is what it names, and the past of that. Naming happens in two places: the `deps` of the body,
//! and every statement that the payload rests on (an invite, an ally, a keep list). Both count alike ([`Statement::parents`]),
//! so that an act can never be read before what it is about.

mod act;
mod payload;

use std::collections::BTreeSet;

pub use act::{
    Act, AllyKind, Basis, Genesis, Inception, Introduction, Invite, Inviters, Kept, Name, Policy, Reason, RecoveryHash,
    Redeem, Role, TextError,
};

use crate::id::{CommonsId, DeviceKey, StatementId};
use crate::sign::{BadSignature, Claim, Domain, Keys, Signature, Signatures, Verified};
use crate::time::Timestamp;
use crate::wire::{DecodeError, Reader};

/// First byte of every body. A change of layout is a new number, never another reading of this one.
const VERSION: u8 = 1;

/// A signed act about membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    stored: Vec<u8>,
    id: StatementId,
    commons: CommonsId,
    by: DeviceKey,
    deps: Vec<StatementId>,
    time: Timestamp,
    act: Act,
}

/// Why something cannot be said. The author is at fault, or is asking for more than a statement holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Over [`Statement::MAX`].
    #[error("the statement takes {found} bytes, the limit is {max}", max = Statement::MAX)]
    TooLarge {
        /// Length of the body.
        found: usize,
    },
    /// The body would be refused by everybody who reads it.
    #[error("such a statement cannot be made")]
    Invalid(#[source] DecodeError),
}

impl Statement {
    /// Most bytes in a body: a newcomer downloads all statements before anything else, and 400 keep lists with a reason
    /// and all dependencies just fit.
    pub const MAX: usize = 16 * 1024;

    /// Most dependencies named in a body. Who knows more heads chains `Seen` statements.
    pub const MAX_DEPS: usize = 16;

    /// Reads the stored form: body ‖ signature. The signature is not checked here ([`crate::sign::Signed::verify`]).
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that no honest device makes, or those of a newer version.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        let (body, _) = split(stored).ok_or(DecodeError::Truncated { at: stored.len() })?;
        if body.len() > Self::MAX {
            return Err(DecodeError::TooLarge { what: "a statement", found: body.len() as u64, max: Self::MAX as u64 });
        }
        let mut reader = Reader::new(body);
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Unknown { what: "statement version", found: version.into() });
        }
        let kind = reader.u8()?;
        let named_commons = CommonsId(reader.array()?);
        let by = DeviceKey(reader.array()?);
        let deps = payload::read_ids(&mut reader, "dependencies", Self::MAX_DEPS)?;
        let time = Timestamp(reader.i64()?);
        let act = payload::read(kind, &mut reader)?;
        reader.end()?;
        check_place(&act, &named_commons, &by, &deps)?;
        if body != encode(&named_commons, &by, &deps, time, &act) {
            return Err(DecodeError::NotCanonical { what: "a statement" });
        }
        let id = id_of(body);
        let commons = if matches!(act, Act::Genesis(_)) { id.into() } else { named_commons };
        Ok(Self { stored: stored.to_vec(), id, commons, by, deps, time, act })
    }

    /// Says `act` in `commons` (zero for a [`Act::Genesis`], which names the commons by its own id), having seen `deps`.
    ///
    /// # Errors
    /// [`SealError`] when the act, with its dependencies, has no valid form.
    pub fn sign(
        keys: &Keys,
        commons: CommonsId,
        deps: Vec<StatementId>,
        time: Timestamp,
        act: Act,
    ) -> Result<Verified<Self>, SealError> {
        let deps: Vec<_> = BTreeSet::from_iter(deps).into_iter().collect();
        let mut stored = encode(&commons, &keys.key(), &deps, time, &act);
        if stored.len() > Self::MAX {
            return Err(SealError::TooLarge { found: stored.len() });
        }
        let id = id_of(&stored);
        let under = if matches!(act, Act::Genesis(_)) { id.into() } else { commons };
        stored.extend_from_slice(&keys.sign(Domain::STATEMENT, &[&under.0, &id.0]).0);
        Self::decode(&stored).map(Verified::trusted).map_err(SealError::Invalid)
    }

    /// The stored form, byte for byte as it was signed: body ‖ signature.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.stored
    }

    /// BLAKE3 of the body.
    #[must_use]
    pub const fn id(&self) -> StatementId {
        self.id
    }

    /// The device that signed.
    #[must_use]
    pub const fn by(&self) -> DeviceKey {
        self.by
    }

    /// What its author had seen, in ascending order.
    #[must_use]
    pub fn deps(&self) -> &[StatementId] {
        &self.deps
    }

    /// When its author says it was made. It decides nothing.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// What it says.
    #[must_use]
    pub const fn act(&self) -> &Act {
        &self.act
    }

    /// The commons it is about; for a [`Act::Genesis`], its own id.
    #[must_use]
    pub const fn commons(&self) -> CommonsId {
        self.commons
    }

    /// Everything that comes right before this statement: its dependencies and whatever its payload names.
    #[must_use]
    pub fn parents(&self) -> BTreeSet<StatementId> {
        self.deps.iter().copied().chain(self.act.named()).collect()
    }
}

impl Claim for Statement {
    fn signer(&self) -> DeviceKey {
        self.by
    }

    /// Also checks what a newly named device signed itself. A `Redeem` carries a signature by the ticket key, which
    /// stands in another statement: the roster checks that one.
    fn check(&self, commons: &CommonsId, signatures: &mut Signatures) -> Result<(), BadSignature> {
        let (_, signature) = split(&self.stored).ok_or(BadSignature)?;
        if self.commons != *commons {
            return Err(BadSignature);
        }
        signatures.add(&signature, &self.by, Domain::STATEMENT, &[&commons.0, &self.id.0])?;
        self.act.check(commons, &self.by, signatures)
    }
}

/// Body and signature of a stored statement.
fn split(stored: &[u8]) -> Option<(&[u8], Signature)> {
    stored.split_last_chunk().map(|(body, signature)| (body, Signature(*signature)))
}

fn id_of(body: &[u8]) -> StatementId {
    StatementId(blake3::derive_key("essaim v1 statement id", body))
}

fn encode(commons: &CommonsId, by: &DeviceKey, deps: &[StatementId], time: Timestamp, act: &Act) -> Vec<u8> {
    let mut body = vec![VERSION, act.kind()];
    body.extend_from_slice(&commons.0);
    body.extend_from_slice(&by.0);
    payload::put_list(&mut body, deps);
    body.extend_from_slice(&time.0.to_le_bytes());
    payload::write(act, &mut body);
    body
}

/// What a body's head must be for its kind. Genesis is the only root, so every past reaches it.
fn check_place(act: &Act, commons: &CommonsId, by: &DeviceKey, deps: &[StatementId]) -> Result<(), DecodeError> {
    let is_genesis = matches!(act, Act::Genesis(_));
    if is_genesis != (*commons == CommonsId::ZERO) {
        return Err(DecodeError::Invalid { what: "the commons of a statement" });
    }
    if is_genesis != deps.is_empty() {
        return Err(DecodeError::Invalid { what: "the dependencies of a statement" });
    }
    if act.may_be_signed_by(by) { Ok(()) } else { Err(DecodeError::Invalid { what: "the signer of a statement" }) }
}

#[cfg(test)]
mod tests;
