//! What a node signs about membership, and on what it rests. Nothing here is added to the roster: the caller stores what
//! it is given, in order, and adds it then.

use std::collections::VecDeque;

use super::resolve::Known;
use super::ticket::{self, Ticket};
use super::{Admissible, Roster, SEEN_A_DAY, Standing};
use crate::entry::statement::{
    Act, AllyKind, Basis, Genesis, Inception, Invite, Name, Policy, RecoveryHash, Redeem, Role, SealError, Statement,
};
use crate::id::{AllyId, CharterHash, CommonsId, DeviceKey, StatementId};
use crate::sign::{Domain, Keys, Seed, Verified};
use crate::time::Timestamp;

const DAY_MS: u64 = 86_400_000;

/// Why a statement is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorError {
    /// This device belongs to no ally in good standing here.
    #[error("this device may not act in this commons: its ally is not admitted")]
    NotInGoodStanding,
    /// The policy leaves inviting to the garants.
    #[error("in this commons only the founders invite")]
    MayNotInvite,
    /// A newer version made statements that this one does not understand.
    #[error("this commons is used by a newer version of Essaim: update to go on")]
    NeedsUpgrade,
    /// The statement cannot be made as asked.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// How an ally presents itself.
#[derive(Debug, Clone)]
pub struct Card {
    /// What it is.
    pub kind: AllyKind,
    /// What it is called.
    pub name: Name,
    /// The commitment to its recovery key.
    pub recovery: RecoveryHash,
}

/// What a commons begins with.
#[derive(Debug, Clone)]
pub struct Founding {
    /// What the commons is called.
    pub name: Name,
    /// Its charter.
    pub charter: CharterHash,
    /// How one comes in.
    pub policy: Policy,
    /// Who founds it.
    pub founder: Card,
}

/// What a ticket offers.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The secret that the ticket will hold: 32 fresh random bytes.
    pub seed: Seed,
    /// As what one comes in.
    pub role: Role,
    /// Until when.
    pub expires: Timestamp,
    /// For how many, from 1 to 1,000.
    pub uses: u16,
}

/// A statement that a change may name, whose past is all that is known here.
#[derive(Debug, Clone)]
pub struct Frontier {
    /// Its id.
    pub id: StatementId,
    /// What must be stored before it is named, in this order: usually nothing.
    pub seen: Vec<Verified<Statement>>,
}

/// Begins a commons with one founder: its Genesis, and the founder's inception.
///
/// # Errors
/// [`SealError`] when the policy has no valid form.
pub fn found(keys: &Keys, founding: Founding, time: Timestamp) -> Result<[Verified<Statement>; 2], SealError> {
    let Founding { name, charter, policy, founder } = founding;
    let genesis = Act::Genesis(Genesis { name, charter, founders: vec![keys.key()], policy });
    let genesis = Statement::sign(keys, CommonsId::ZERO, Vec::new(), time, genesis)?;
    let inception = inception(keys, genesis.commons(), genesis.id(), founder, charter, time)?;
    Ok([genesis, inception])
}

/// Presents an ally to a commons and signs its charter, having seen one statement: the Genesis for a founder, the invite
/// of its ticket for a newcomer.
///
/// # Errors
/// [`SealError`] when it has no valid form.
pub fn inception(
    keys: &Keys,
    commons: CommonsId,
    seen: StatementId,
    card: Card,
    charter: CharterHash,
    time: Timestamp,
) -> Result<Verified<Statement>, SealError> {
    let (root, Card { kind, name, recovery }) = (keys.device(), card);
    let network = keys.sign_as_network(Domain::NETWORK, &[&commons.0, &root.signing.0]);
    let act = Act::Inception(Inception { kind, name, charter, root, network, recovery });
    Statement::sign(keys, commons, vec![seen], time, act)
}

/// Shows that the ally of `keys` holds a ticket.
///
/// # Errors
/// [`SealError`] when it has no valid form.
pub fn redeem(keys: &Keys, ticket: &Ticket, ally: AllyId, time: Timestamp) -> Result<Verified<Statement>, SealError> {
    let Ticket { commons, invite, .. } = *ticket;
    let proof = Keys::from_seed(&ticket.seed).sign(Domain::TICKET, &[&commons.0, &invite.0, &ally.0]);
    Statement::sign(keys, commons, vec![invite], time, Act::Redeem(Redeem { invite, ally, proof }))
}

impl Roster {
    /// Offers a ticket. The last statement is the invite.
    ///
    /// # Errors
    /// [`AuthorError`] when the device may not, or the offer has no valid form.
    pub fn invite(&self, keys: &Keys, offer: &Offer, time: Timestamp) -> Result<Vec<Verified<Statement>>, AuthorError> {
        let now = self.resolution.now();
        let voice = self.resolution.voice(&keys.key(), now).ok_or(AuthorError::NotInGoodStanding)?;
        if !self.resolution.may_invite(voice) {
            return Err(AuthorError::MayNotInvite);
        }
        let Offer { role, expires, uses, .. } = *offer;
        self.say(keys, Act::Invite(Invite { ticket: ticket::key(&offer.seed), role, expires, uses }), time)
    }

    /// Lets in who [may be](Roster::admissible). The last statement is the admission.
    ///
    /// # Errors
    /// [`AuthorError`] when the device may not.
    pub fn admit(
        &self,
        keys: &Keys,
        newcomer: &Admissible,
        time: Timestamp,
    ) -> Result<Vec<Verified<Statement>>, AuthorError> {
        self.say(keys, Act::Admit { ally: newcomer.ally, basis: Basis::Redeem(newcomer.redeem) }, time)
    }

    /// Says something as an ally in good standing, having seen all that is known here. The last statement says it;
    /// `Seen` statements come before when there are more than 16 heads.
    ///
    /// # Errors
    /// [`AuthorError`] when the device may not, or the act has no valid form.
    pub fn say(&self, keys: &Keys, act: Act, time: Timestamp) -> Result<Vec<Verified<Statement>>, AuthorError> {
        let (mut statements, heads) = self.gather(keys, Statement::MAX_DEPS, time)?;
        statements.push(Statement::sign(keys, self.commons, heads, time, act)?);
        Ok(statements)
    }

    /// What a change made now names as its frontier. A device that knows several heads says so first, since a change
    /// names only one.
    ///
    /// # Errors
    /// [`AuthorError`] when the device may not write.
    pub fn frontier(&self, keys: &Keys, time: Timestamp) -> Result<Frontier, AuthorError> {
        if self.heads.len() > 1 && self.seen_lately(&keys.key(), time) >= SEEN_A_DAY {
            // Any of them will do at which the device may write: whatever it wrote last, first of all.
            let good = |head: &&StatementId| matches!(self.may_write(&keys.key(), head), Standing::Good(_));
            let own = |head: &&StatementId| self.resolution.get(head).is_some_and(|k| k.statement.by() == keys.key());
            if let Some(id) = self.heads.iter().filter(good).max_by_key(own).copied() {
                return Ok(Frontier { id, seen: Vec::new() });
            }
        }
        let (seen, heads) = self.gather(keys, 1, time)?;
        let id = heads.first().copied().ok_or(AuthorError::NotInGoodStanding)?;
        Ok(Frontier { id, seen })
    }

    /// How many `Seen` a device made in the day before, by its own clock.
    fn seen_lately(&self, device: &DeviceKey, time: Timestamp) -> u64 {
        let lately = |known: &&Known| {
            let statement = &known.statement;
            statement.by() == *device && *statement.act() == Act::Seen && time.since(statement.time()) < DAY_MS
        };
        self.resolution.all().filter(lately).count() as u64
    }

    /// Gathers the heads, by `Seen` statements, until there are at most `limit`.
    fn gather(
        &self,
        keys: &Keys,
        limit: usize,
        time: Timestamp,
    ) -> Result<(Vec<Verified<Statement>>, Vec<StatementId>), AuthorError> {
        if self.needs_upgrade() {
            return Err(AuthorError::NeedsUpgrade);
        }
        self.resolution.voice(&keys.key(), self.resolution.now()).ok_or(AuthorError::NotInGoodStanding)?;
        let (mut statements, mut heads) = (Vec::new(), VecDeque::from(self.heads()));
        while heads.len() > limit {
            let some = heads.drain(..heads.len().min(Statement::MAX_DEPS)).collect();
            let seen = Statement::sign(keys, self.commons, some, time, Act::Seen)?;
            heads.push_front(seen.id());
            statements.push(seen);
        }
        Ok((statements, heads.into()))
    }
}
