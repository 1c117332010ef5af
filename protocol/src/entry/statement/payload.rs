//! The byte map of each payload (`docs/wire.md`, "Statements").
//!
//! Lists carry their count and are strictly ascending, so that a payload has one spelling; every count has a bound that is
//! checked before anything is reserved.

use super::act::{
    Act, AllyKind, Basis, Genesis, Inception, Introduction, Invite, Inviters, Kept, Name, Policy, Reason, RecoveryHash,
    Redeem, Role,
};
use crate::id::{AllyId, ChangeHash, CharterHash, DeviceKey, RecordId, StatementId, TicketKey};
use crate::sign::{Device, Signature};
use crate::time::Timestamp;
use crate::wire::{DecodeError, Reader, Write as _};

/// Most garants, founders included. A majority must be able to meet; and the list fits beside a name of full length.
const MAX_COUNCIL: usize = 64;
/// Most keep lists that one removal names: about 100,000 records of an ally, in 400 statements of 16 KiB.
const MAX_KEEP_LISTS: usize = 400;
/// Most records of one keep list: what fits in a statement with one head each.
const MAX_KEPT: usize = 256;
/// Most heads of one record in a keep list. A change has at most as many dependencies.
const MAX_HEADS: usize = 64;
/// Most statements that an act rests on: vouches of an admission, rulings of a council.
const MAX_BASIS: usize = 16;
/// Most uses of one ticket. A larger gathering prints a second ticket.
const MAX_USES: usize = 1_000;

/// Reads the payload of `kind`, which ends the body.
pub(super) fn read(kind: u8, from: &mut Reader<'_>) -> Result<Act, DecodeError> {
    Ok(match kind {
        0 => return Err(DecodeError::Invalid { what: "the kind of a statement" }),
        1 => Act::Genesis(Genesis {
            name: read_name(from)?,
            charter: CharterHash(from.array()?),
            founders: read_list(from, "founders", MAX_COUNCIL, DeviceKey)?,
            policy: read_policy(from)?,
        }),
        2 => Act::Inception(Inception {
            kind: if read_flag(from, "the kind of an ally")? { AllyKind::Person } else { AllyKind::Organisation },
            name: read_name(from)?,
            charter: CharterHash(from.array()?),
            root: Device::read(from)?,
            network: read_signature(from)?,
            recovery: RecoveryHash(from.array()?),
        }),
        3 => Act::Invite(Invite {
            ticket: TicketKey(from.array()?),
            role: if read_flag(from, "the role of an invite")? { Role::Reader } else { Role::Ally },
            expires: Timestamp(from.i64()?),
            uses: read_uses(from)?,
        }),
        4 => Act::InviteRevoke { invite: read_id(from)? },
        5 => Act::Redeem(Redeem { invite: read_id(from)?, ally: read_ally(from)?, proof: read_signature(from)? }),
        6 => Act::Vouch { ally: read_ally(from)? },
        7 => Act::Admit { ally: read_ally(from)?, basis: read_basis(from)? },
        8 => Act::Suspend { ally: read_ally(from)?, reason: read_reason(from)?, keep: read_keep(from)? },
        9 => Act::Reinstate { ally: read_ally(from)?, keep: read_keep(from)? },
        10 => Act::Keep { ally: read_ally(from)?, keep: read_keep(from)? },
        11 => Act::KeepList(read_kept(from)?),
        12 => Act::Leave { keep: read_keep(from)? },
        13 => Act::DeviceAdd { ally: read_ally(from)?, introduction: read_introduction(from)? },
        14 => Act::DeviceRetire { device: DeviceKey(from.array()?), keep: read_keep(from)? },
        15 => Act::Recover {
            ally: read_ally(from)?,
            introduction: read_introduction(from)?,
            next: RecoveryHash(from.array()?),
        },
        16 => Act::Council {
            number: from.uleb()?,
            previous: read_id(from)?,
            garants: read_list(from, "garants", MAX_COUNCIL, AllyId)?,
            rulings: read_ids(from, "rulings", MAX_BASIS)?,
        },
        17 => Act::Consent { council: read_id(from)? },
        18 => Act::Charter { charter: CharterHash(from.array()?) },
        19 => Act::Policy(read_policy(from)?),
        20 => Act::Seen,
        21 => Act::Erase { record: RecordId(from.array()?) },
        _ => Act::Unknown { kind, payload: from.rest().to_vec() },
    })
}

/// Writes the payload of `act`.
pub(super) fn write(act: &Act, to: &mut Vec<u8>) {
    match act {
        Act::Genesis(genesis) => {
            to.put_bytes(genesis.name.as_str().as_bytes());
            to.extend_from_slice(&genesis.charter.0);
            put_list(to, &genesis.founders);
            put_policy(to, genesis.policy);
        }
        Act::Inception(inception) => {
            to.push(u8::from(inception.kind == AllyKind::Person));
            to.put_bytes(inception.name.as_str().as_bytes());
            to.extend_from_slice(&inception.charter.0);
            to.extend_from_slice(&inception.root.to_bytes());
            to.extend_from_slice(&inception.network.0);
            to.extend_from_slice(&inception.recovery.0);
        }
        Act::Invite(invite) => {
            to.extend_from_slice(&invite.ticket.0);
            to.push(u8::from(invite.role == Role::Reader));
            to.extend_from_slice(&invite.expires.0.to_le_bytes());
            to.put_uleb(invite.uses.into());
        }
        Act::InviteRevoke { invite: id } | Act::Consent { council: id } => to.extend_from_slice(&id.0),
        Act::Redeem(redeem) => {
            to.extend_from_slice(&redeem.invite.0);
            to.extend_from_slice(&redeem.ally.0);
            to.extend_from_slice(&redeem.proof.0);
        }
        Act::Vouch { ally } => to.extend_from_slice(&ally.0),
        Act::Admit { ally, basis } => {
            to.extend_from_slice(&ally.0);
            put_basis(to, basis);
        }
        Act::Suspend { ally, reason, keep } => {
            to.extend_from_slice(&ally.0);
            to.put_bytes(reason.as_str().as_bytes());
            put_list(to, keep);
        }
        Act::Reinstate { ally, keep } | Act::Keep { ally, keep } => {
            to.extend_from_slice(&ally.0);
            put_list(to, keep);
        }
        Act::KeepList(kept) => put_kept(to, kept),
        Act::Leave { keep } => put_list(to, keep),
        Act::DeviceAdd { ally, introduction } => {
            to.extend_from_slice(&ally.0);
            put_introduction(to, introduction);
        }
        Act::DeviceRetire { device, keep } => {
            to.extend_from_slice(&device.0);
            put_list(to, keep);
        }
        Act::Recover { ally, introduction, next } => {
            to.extend_from_slice(&ally.0);
            put_introduction(to, introduction);
            to.extend_from_slice(&next.0);
        }
        Act::Council { number, previous, garants, rulings } => {
            to.put_uleb(*number);
            to.extend_from_slice(&previous.0);
            put_list(to, garants);
            put_list(to, rulings);
        }
        Act::Charter { charter } => to.extend_from_slice(&charter.0),
        Act::Policy(policy) => put_policy(to, *policy),
        Act::Seen => {}
        Act::Erase { record } => to.extend_from_slice(&record.0),
        Act::Unknown { payload, .. } => to.extend_from_slice(payload),
    }
}

/// A list of statement ids, at most `max`, strictly ascending.
pub(super) fn read_ids(from: &mut Reader<'_>, what: &'static str, max: usize) -> Result<Vec<StatementId>, DecodeError> {
    read_list(from, what, max, StatementId)
}

/// A list of 32-byte names, as [`read_list`] reads it.
pub(super) fn put_list<T: AsRef<[u8]>>(to: &mut Vec<u8>, list: &[T]) {
    to.put_uleb(list.len() as u64);
    for item in list {
        to.extend_from_slice(item.as_ref());
    }
}

fn read_list<T: Ord>(
    from: &mut Reader<'_>,
    what: &'static str,
    max: usize,
    name: fn([u8; 32]) -> T,
) -> Result<Vec<T>, DecodeError> {
    let count = from.count(what, max)?;
    let mut list = Vec::new();
    for _ in 0..count {
        let item = name(from.array()?);
        if list.last().is_some_and(|last| *last >= item) {
            return Err(DecodeError::NotCanonical { what });
        }
        list.push(item);
    }
    Ok(list)
}

fn read_id(from: &mut Reader<'_>) -> Result<StatementId, DecodeError> {
    from.array().map(StatementId)
}

fn read_ally(from: &mut Reader<'_>) -> Result<AllyId, DecodeError> {
    from.array().map(AllyId)
}

fn read_signature(from: &mut Reader<'_>) -> Result<Signature, DecodeError> {
    from.array().map(Signature)
}

/// A byte that is 0 or 1.
fn read_flag(from: &mut Reader<'_>, what: &'static str) -> Result<bool, DecodeError> {
    match from.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Invalid { what }),
    }
}

fn read_name(from: &mut Reader<'_>) -> Result<Name, DecodeError> {
    // A character takes at most four bytes.
    let text = from.text("a name", 4 * Name::MAX)?;
    Name::new(text).map_err(|_| DecodeError::Invalid { what: "a name" })
}

fn read_reason(from: &mut Reader<'_>) -> Result<Reason, DecodeError> {
    let text = from.text("a reason", 4 * Reason::MAX)?;
    Reason::new(text).map_err(|_| DecodeError::Invalid { what: "a reason" })
}

fn read_policy(from: &mut Reader<'_>) -> Result<Policy, DecodeError> {
    let vouches = from.u8()?;
    if usize::from(vouches) > MAX_BASIS {
        return Err(DecodeError::TooLarge { what: "vouches asked", found: vouches.into(), max: MAX_BASIS as u64 });
    }
    let allies = read_flag(from, "who may invite")?;
    Ok(Policy { vouches, inviters: if allies { Inviters::Allies } else { Inviters::Garants } })
}

fn put_policy(to: &mut Vec<u8>, policy: Policy) {
    to.push(policy.vouches);
    to.push(u8::from(policy.inviters == Inviters::Allies));
}

fn read_uses(from: &mut Reader<'_>) -> Result<u16, DecodeError> {
    let uses = from.count("uses of a ticket", MAX_USES)?;
    if uses == 0 {
        return Err(DecodeError::Invalid { what: "uses of a ticket" });
    }
    Ok(uses as u16)
}

fn read_basis(from: &mut Reader<'_>) -> Result<Basis, DecodeError> {
    if read_flag(from, "the basis of an admission")? {
        return read_ids(from, "vouches", MAX_BASIS).map(Basis::Vouches);
    }
    read_id(from).map(Basis::Redeem)
}

fn put_basis(to: &mut Vec<u8>, basis: &Basis) {
    match basis {
        Basis::Redeem(redeem) => {
            to.push(0);
            to.extend_from_slice(&redeem.0);
        }
        Basis::Vouches(vouches) => {
            to.push(1);
            put_list(to, vouches);
        }
    }
}

fn read_keep(from: &mut Reader<'_>) -> Result<Vec<StatementId>, DecodeError> {
    read_ids(from, "keep lists", MAX_KEEP_LISTS)
}

fn read_kept(from: &mut Reader<'_>) -> Result<Vec<Kept>, DecodeError> {
    let count = from.count("records of a keep list", MAX_KEPT)?;
    let mut list: Vec<Kept> = Vec::new();
    for _ in 0..count {
        let record = RecordId(from.array()?);
        if list.last().is_some_and(|last| last.record >= record) {
            return Err(DecodeError::NotCanonical { what: "records of a keep list" });
        }
        list.push(Kept { record, heads: read_list(from, "heads of a record", MAX_HEADS, ChangeHash)? });
    }
    Ok(list)
}

fn put_kept(to: &mut Vec<u8>, kept: &[Kept]) {
    to.put_uleb(kept.len() as u64);
    for Kept { record, heads } in kept {
        to.extend_from_slice(&record.0);
        put_list(to, heads);
    }
}

fn read_introduction(from: &mut Reader<'_>) -> Result<Introduction, DecodeError> {
    Ok(Introduction { device: Device::read(from)?, network: read_signature(from)?, consent: read_signature(from)? })
}

fn put_introduction(to: &mut Vec<u8>, introduction: &Introduction) {
    to.extend_from_slice(&introduction.device.to_bytes());
    to.extend_from_slice(&introduction.network.0);
    to.extend_from_slice(&introduction.consent.0);
}
