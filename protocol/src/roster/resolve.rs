//! What each statement is worth, judged in its own past.
//!
//! A statement enters once everything that it names is known. Its past is then complete for ever, so that what it is
//! worth is found once and never changes, whatever arrives later and in whatever order. Since changes of records are
//! judged at a frontier, in the past of *that* statement, two nodes that hold the same statement always agree on them.
//!
//! Most statements change nothing about who is in. Those that do are **turns**: an ally accepted, an invite taken back.
//! Each turn has a number, and each statement the set of turns in its past (itself included) as bits, shared with its
//! parent when equal. "Was this in force there?" is then one bit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bits::Bits;
use crate::entry::statement::{Act, Basis, Genesis, Inception, Invite, Inviters, Redeem, Role, Statement};
use crate::id::{AllyId, CommonsId, DeviceKey, StatementId};
use crate::sign::Domain;

/// From this kind on, a statement of an unknown kind is harmless.
const FIRST_HARMLESS: u8 = 128;

/// All statements known, each judged.
#[derive(Debug, Clone)]
pub(super) struct Resolution {
    commons: CommonsId,
    known: BTreeMap<StatementId, Known>,
    accepted: BTreeMap<DeviceKey, BTreeMap<AllyId, Vec<Acceptance>>>,
    revoked: BTreeMap<StatementId, Vec<Turn>>,
    turns: usize,
    now: Past,
}

/// A statement and what became of it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) statement: Statement,
    /// For whom its device spoke, when it belonged to an ally in good standing.
    pub(super) voice: Option<Voice>,
    /// Whether it was within its author's rights.
    pub(super) stands: bool,
    past: Arc<Past>,
}

/// The right to speak as an ally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Voice {
    pub(super) ally: AllyId,
    pub(super) garant: bool,
}

/// An ally counts as one from a turn on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acceptance {
    turn: Turn,
    pub(super) role: Role,
    pub(super) founder: bool,
    pub(super) by: StatementId,
}

/// As what a device is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) ally: AllyId,
    pub(super) role: Role,
    pub(super) founder: bool,
}

type Turn = usize;

/// The turns up to a statement, and whether something there is beyond this version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Past {
    turns: Bits,
    pub(super) beyond: bool,
}

impl Past {
    fn has(&self, turn: Turn) -> bool {
        self.turns.contains(turn)
    }

    fn covers(&self, other: &Self) -> bool {
        self.beyond >= other.beyond && self.turns.covers(&other.turns)
    }

    fn merge(&mut self, other: &Self) {
        self.turns.unite(&other.turns);
        self.beyond |= other.beyond;
    }
}

/// Why a statement does not enter: the same wherever its past is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotIn {
    /// Its author had no voice in its past, and does not come in by it.
    Stranger,
    /// Its past is beyond this version, which may not know that its author had a voice.
    NeedsUpgrade,
}

/// What a statement does.
enum Effect {
    /// Nothing: its author had no right to it, or this version does not judge it.
    None,
    /// It may be built upon.
    Stands,
    /// It lets an ally in.
    Accepts { ally: AllyId, device: DeviceKey, role: Role, founder: bool },
    /// It takes an invite back.
    Revokes(StatementId),
    /// It is beyond this version: nothing after it can be judged.
    Beyond,
}

impl Resolution {
    pub(super) fn new(commons: CommonsId) -> Self {
        Self {
            commons,
            known: BTreeMap::new(),
            accepted: BTreeMap::new(),
            revoked: BTreeMap::new(),
            turns: 0,
            now: Past::default(),
        }
    }

    pub(super) fn get(&self, id: &StatementId) -> Option<&Known> {
        self.known.get(id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Known> {
        self.known.values()
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The past of everything known.
    pub(super) const fn now(&self) -> &Past {
        &self.now
    }

    /// The past of a statement, itself included.
    pub(super) fn past(&self, id: &StatementId) -> Option<&Past> {
        self.known.get(id).map(|known| &*known.past)
    }

    pub(super) fn genesis(&self) -> Option<&Genesis> {
        let known = self.known.get(&self.commons.into())?;
        if let Act::Genesis(genesis) = known.statement.act() { Some(genesis) } else { None }
    }

    /// Takes in a statement whose parents are all known, if its author had a voice in its past, or came in by it.
    pub(super) fn enter(&mut self, statement: Statement, parents: &BTreeSet<StatementId>) -> Result<(), NotIn> {
        let mut past = self.union(parents);
        let voice = self.voice(&statement.by(), &past);
        let effect = if past.beyond { Effect::None } else { self.judge(&statement, voice, &past) };
        if voice.is_none() && !self.comes_in(&statement, &effect, parents, &past) {
            return Err(if past.beyond { NotIn::NeedsUpgrade } else { NotIn::Stranger });
        }
        let stands = !matches!(effect, Effect::None);
        match effect {
            Effect::None | Effect::Stands => {}
            Effect::Beyond => Arc::make_mut(&mut past).beyond = true,
            Effect::Accepts { ally, device, role, founder } => {
                let turn = self.turn(&mut past);
                let acceptance = Acceptance { turn, role, founder, by: statement.id() };
                self.accepted.entry(device).or_default().entry(ally).or_default().push(acceptance);
            }
            Effect::Revokes(invite) => {
                let turn = self.turn(&mut past);
                self.revoked.entry(invite).or_default().push(turn);
            }
        }
        self.now.merge(&past);
        self.known.insert(statement.id(), Known { statement, voice, stands, past });
        Ok(())
    }

    /// Whether a statement is one with which somebody who has no voice yet comes in: the beginning, a founder's
    /// inception, one that rests on an invite, or a redemption that the ticket's key signed.
    fn comes_in(&self, statement: &Statement, effect: &Effect, parents: &BTreeSet<StatementId>, past: &Past) -> bool {
        let is_open = |id: &StatementId| self.invite(id).is_some() && !self.is_revoked(id, past);
        match (statement.act(), effect) {
            (Act::Genesis(_) | Act::Redeem(_), Effect::Stands) | (Act::Inception(_), Effect::Accepts { .. }) => true,
            (Act::Inception(_), Effect::Stands) => parents.iter().any(is_open),
            _ => false,
        }
    }

    /// As what a device is in, in a past: as nothing when two allies claim it.
    pub(super) fn membership(&self, device: &DeviceKey, past: &Past) -> Option<Membership> {
        let mut found = None;
        for (ally, acceptances) in self.accepted.get(device)? {
            let mut seen = acceptances.iter().filter(|acceptance| past.has(acceptance.turn));
            let Some(first) = seen.next() else { continue };
            if found.is_some() {
                return None;
            }
            let role = if first.role == Role::Ally || seen.any(|other| other.role == Role::Ally) {
                Role::Ally
            } else {
                Role::Reader
            };
            // The inception of a founder is in the past of every later acceptance of it, hence first.
            found = Some(Membership { ally: *ally, role, founder: first.founder });
        }
        found
    }

    /// Every acceptance of the ally with this root device.
    pub(super) fn acceptances(&self, device: &DeviceKey, ally: &AllyId) -> &[Acceptance] {
        self.accepted.get(device).and_then(|allies| allies.get(ally)).map_or(&[], Vec::as_slice)
    }

    /// Whether any ally with this root device was ever accepted.
    pub(super) fn was_accepted(&self, device: &DeviceKey) -> bool {
        self.accepted.contains_key(device)
    }

    pub(super) fn is_revoked(&self, invite: &StatementId, past: &Past) -> bool {
        self.revoked.get(invite).is_some_and(|turns| turns.iter().any(|turn| past.has(*turn)))
    }

    /// The right of a device to speak as an ally, in a past. Readers have none.
    pub(super) fn voice(&self, device: &DeviceKey, past: &Past) -> Option<Voice> {
        let membership = self.membership(device, past).filter(|membership| membership.role == Role::Ally)?;
        Some(Voice { ally: membership.ally, garant: membership.founder })
    }

    /// Whether the policy lets this ally hand out tickets.
    pub(super) fn may_invite(&self, voice: Voice) -> bool {
        voice.garant || self.genesis().is_some_and(|genesis| genesis.policy.inviters == Inviters::Allies)
    }

    fn turn(&mut self, past: &mut Arc<Past>) -> Turn {
        let turn = self.turns;
        self.turns += 1;
        Arc::make_mut(past).turns.insert(turn);
        turn
    }

    fn union(&self, parents: &BTreeSet<StatementId>) -> Arc<Past> {
        let mut pasts = parents.iter().filter_map(|parent| self.known.get(parent)).map(|known| &known.past);
        let Some(mut union) = pasts.next().cloned() else { return Arc::default() };
        for past in pasts {
            if Arc::ptr_eq(&union, past) || union.covers(past) {
                continue;
            }
            if past.covers(&union) {
                union = Arc::clone(past);
            } else {
                Arc::make_mut(&mut union).merge(past);
            }
        }
        union
    }

    fn judge(&self, statement: &Statement, voice: Option<Voice>, past: &Past) -> Effect {
        match statement.act() {
            Act::Genesis(_) | Act::Seen => Effect::Stands,
            Act::Inception(inception) => self.judge_inception(statement, inception),
            Act::Invite(_) if voice.is_some_and(|voice| self.may_invite(voice)) => Effect::Stands,
            Act::InviteRevoke { invite } => self.judge_revoke(invite, voice, past),
            Act::Redeem(redeem) => self.judge_redeem(statement, redeem),
            Act::Admit { ally, basis: Basis::Redeem(redeem) } => self.judge_admit(*ally, redeem, voice, past),
            // A stranger must not be able to stop everybody by inventing a kind.
            Act::Unknown { kind, .. } if *kind < FIRST_HARMLESS && voice.is_some() => Effect::Beyond,
            Act::Invite(_)
            | Act::Admit { .. }
            | Act::Vouch { .. }
            | Act::Suspend { .. }
            | Act::Reinstate { .. }
            | Act::Keep { .. }
            | Act::KeepList(_)
            | Act::Leave { .. }
            | Act::DeviceAdd { .. }
            | Act::DeviceRetire { .. }
            | Act::Recover { .. }
            | Act::Council { .. }
            | Act::Consent { .. }
            | Act::Charter { .. }
            | Act::Policy(_)
            | Act::Erase { .. }
            | Act::Unknown { .. } => Effect::None,
        }
    }

    /// An inception signs the charter. That of a founder, made right after Genesis, lets the founder in.
    fn judge_inception(&self, statement: &Statement, inception: &Inception) -> Effect {
        let Some(genesis) = self.genesis().filter(|genesis| genesis.charter == inception.charter) else {
            return Effect::None;
        };
        if statement.deps() != [self.commons.into()] || !genesis.founders.contains(&statement.by()) {
            return Effect::Stands;
        }
        let device = inception.root.signing;
        Effect::Accepts { ally: statement.id().into(), device, role: Role::Ally, founder: true }
    }

    /// An invite is taken back by the ally that made it, or a garant.
    fn judge_revoke(&self, invite: &StatementId, voice: Option<Voice>, past: &Past) -> Effect {
        let right = self.inviter(invite).zip(voice).is_some_and(|(inviter, voice)| is_over(voice, inviter));
        if right && !self.is_revoked(invite, past) { Effect::Revokes(*invite) } else { Effect::None }
    }

    /// A redemption is by the newcomer's root device, and the ticket's key says so.
    fn judge_redeem(&self, statement: &Statement, redeem: &Redeem) -> Effect {
        let newcomer = self.inception(&redeem.ally).is_some_and(|inception| inception.root.signing == statement.by());
        let proven = self.invite(&redeem.invite).is_some_and(|invite| {
            let parts = [&self.commons.0[..], &redeem.invite.0, &redeem.ally.0];
            redeem.proof.verify(&DeviceKey(invite.ticket.0), Domain::TICKET, &parts).is_ok()
        });
        if newcomer && proven { Effect::Stands } else { Effect::None }
    }

    /// An admission is by the inviting ally or a garant, on a redemption of an invite not taken back so far.
    fn judge_admit(&self, ally: AllyId, redeem: &StatementId, voice: Option<Voice>, past: &Past) -> Effect {
        let Some((redeem, voice)) = self.redeem(redeem).filter(|redeem| redeem.ally == ally).zip(voice) else {
            return Effect::None;
        };
        let right = self.inviter(&redeem.invite).is_some_and(|inviter| is_over(voice, inviter));
        if !right || self.is_revoked(&redeem.invite, past) {
            return Effect::None;
        }
        let (Some(inception), Some(invite)) = (self.inception(&ally), self.invite(&redeem.invite)) else {
            return Effect::None;
        };
        let role = invite.role;
        let device = inception.root.signing;
        let mut before = self.acceptances(&device, &ally).iter().filter(|acceptance| past.has(acceptance.turn));
        // Letting in who is in already is no turn: it would cost every later statement a bit.
        if before.any(|acceptance| acceptance.role >= role) {
            return Effect::Stands;
        }
        Effect::Accepts { ally, device, role, founder: false }
    }

    /// The ally that made an invite that stands.
    pub(super) fn inviter(&self, invite: &StatementId) -> Option<Voice> {
        let known = self.known.get(invite).filter(|known| known.stands)?;
        if matches!(known.statement.act(), Act::Invite(_)) { known.voice } else { None }
    }

    /// The redemption of that id, if it stands.
    pub(super) fn redeem(&self, id: &StatementId) -> Option<&Redeem> {
        if let Act::Redeem(redeem) = self.standing(id)?.act() { Some(redeem) } else { None }
    }

    /// The inception of an ally, if it signs the charter.
    pub(super) fn inception(&self, ally: &AllyId) -> Option<&Inception> {
        if let Act::Inception(inception) = self.standing(&(*ally).into())?.act() { Some(inception) } else { None }
    }

    /// The invite of that id, if it stands.
    pub(super) fn invite(&self, id: &StatementId) -> Option<&Invite> {
        if let Act::Invite(invite) = self.standing(id)?.act() { Some(invite) } else { None }
    }

    fn standing(&self, id: &StatementId) -> Option<&Statement> {
        self.known.get(id).filter(|known| known.stands).map(|known| &known.statement)
    }
}

/// Whether who speaks may decide about what `other` began.
fn is_over(voice: Voice, other: Voice) -> bool {
    voice.garant || voice.ally == other.ally
}
