//! Who is in, and who may do what: a pure function of the statements known.
//!
//! Alice founds a commons: a `Genesis` and her `Inception`. She signs an `Invite` and gives Bob the [ticket](Ticket). Bob
//! presents himself (`Inception`, which signs the charter) and shows that he holds the ticket (`Redeem`). Alice's node
//! sees a redemption that it [may admit](Roster::admissible) and signs an `Admit`. From that statement on, and in all that
//! has seen it, Bob is an ally in good standing.
//!
//! The roster only grows, and the order in which statements arrive changes nothing: each is judged in its own past.
//! A change of a record names a statement, its frontier, and counts if its device belonged to an ally in
//! good standing in the past of *that* statement ([`Roster::may_write`]); hence the answer never changes, and nodes agree
//! on which changes are in the commons although they learn of statements at different times.
//!
#![doc = include_str!("../docs/trust.md")]
#![doc = include_str!("../docs/threats.md")]
#![doc = include_str!("../docs/assumptions.md")]
#![doc = include_str!("../docs/non-goals.md")]

mod author;
mod resolve;
mod ticket;

use std::collections::{BTreeMap, BTreeSet};

pub use author::{AuthorError, Card, Founding, Frontier, Offer, found, inception, redeem};
pub use ticket::{Ticket, TicketError};

use self::resolve::{Known, NotIn, Resolution};
use crate::entry::statement::{Act, AllyKind, Basis, Genesis, Name, Role, Statement};
use crate::id::{AllyId, CharterHash, CommonsId, DeviceKey, NetworkKey, StatementId};
use crate::sign::{Device, Signature, Verified};
use crate::time::Timestamp;

/// `Seen` statements that a device makes in a day, at most: so that nobody takes it for one that floods. Beyond it, what it
/// writes names what it had seen before.
pub const SEEN_A_DAY: u64 = 200;

/// The statements of one commons, and what follows from them.
///
/// Memory: each statement as it is, and one bit for each turn (an acceptance or a revocation) in its past, shared between
/// statements with the same turns. A stranger adds nothing: a statement enters only by somebody who had a voice in its
/// past, or who comes in by it. How much a member may add is the business of the quotas of sync, not of the roster, whose
/// answers must not depend on what was refused.
#[derive(Debug, Clone)]
pub struct Roster {
    commons: CommonsId,
    resolution: Resolution,
    heads: BTreeSet<StatementId>,
    networks: BTreeMap<NetworkKey, BTreeSet<DeviceKey>>,
    /// The devices that presented themselves, let in or not.
    presented: BTreeSet<DeviceKey>,
}

/// What became of a statement that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is in, whatever it is worth.
    New,
    /// It was in before.
    Known,
    /// It was not taken: it names statements that are not known, at most 417. Whoever holds it adds it again after them.
    Waiting {
        /// Which.
        missing: Vec<StatementId>,
    },
    /// It was not taken, and never is: its author had no voice in its past, and does not come in by it.
    Stranger,
    /// It was not taken: its past holds what only a newer version understands, and there it may be a member's.
    NeedsUpgrade,
    /// It was not taken: it is about another commons.
    OtherCommons,
}

/// What a device was at a frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It belonged to this ally, in good standing: it may write.
    Good(AllyId),
    /// It belonged to no ally that may write.
    Stranger,
    /// The frontier is not known (yet).
    UnknownFrontier,
    /// The frontier has seen a statement that only a newer version understands.
    NeedsUpgrade,
}

/// An organisation or a person that presented itself to the commons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ally {
    /// The id of its inception.
    pub id: AllyId,
    /// What it calls itself: not unique, and not proven.
    pub name: Name,
    /// What it says it is.
    pub kind: AllyKind,
    /// Whether it is in, and as what.
    pub state: State,
    /// Its devices.
    pub devices: Vec<Device>,
    /// When it was accepted, or presented itself: a claim of who signed that.
    pub since: Timestamp,
    /// Who let it in.
    pub admitted_by: Option<AllyId>,
}

/// Whether an ally is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// One of the first council.
    Founder,
    /// Let in.
    Admitted(Role),
    /// It presented itself; nobody let it in so far.
    Pending,
    /// Its key also stands for another ally, and so for neither.
    Void,
}

/// A ticket handed out, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The id of the invite.
    pub id: StatementId,
    /// Who made it.
    pub by: AllyId,
    /// As what one comes in.
    pub role: Role,
    /// Until when.
    pub expires: Timestamp,
    /// For how many.
    pub uses: u16,
    /// Who came in by it: more than `uses` when nodes admitted while they were apart.
    pub admitted: BTreeSet<AllyId>,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// A newcomer who waits to be let in, and may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admissible {
    /// Who.
    pub ally: AllyId,
    /// On what ground.
    pub redeem: StatementId,
    /// Who invited. The node of that ally admits by itself; a garant's may do it in its stead.
    pub inviter: AllyId,
}

/// Why a ticket does not open a connection, or a newcomer is not let in on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketRefused {
    /// The invite is not known here, or was made without the right to.
    #[error("no valid invite of that id is known here")]
    Unknown,
    /// It was taken back.
    #[error("the ticket was taken back")]
    Revoked,
    /// Its time is over, by our clock.
    #[error("the ticket expired")]
    Expired,
    /// As many came in by it as it allows.
    #[error("the ticket is used up")]
    UsedUp,
    /// The peer does not hold the ticket's key.
    #[error("the peer does not hold this ticket")]
    BadProof,
}

impl Roster {
    /// The empty roster of a commons.
    #[must_use]
    pub fn new(commons: CommonsId) -> Self {
        Self {
            commons,
            resolution: Resolution::new(commons),
            heads: BTreeSet::new(),
            networks: BTreeMap::new(),
            presented: BTreeSet::new(),
        }
    }

    /// Adds a statement, once everything that it names is known.
    pub fn add(&mut self, statement: &Verified<Statement>) -> Added {
        if statement.commons() != self.commons {
            return Added::OtherCommons;
        }
        if self.knows(&statement.id()) {
            return Added::Known;
        }
        let parents = statement.parents();
        let missing: Vec<_> = parents.iter().filter(|parent| !self.knows(parent)).copied().collect();
        if !missing.is_empty() {
            return Added::Waiting { missing };
        }
        match self.resolution.enter(Statement::clone(statement), &parents) {
            Ok(()) => {}
            Err(NotIn::Stranger) => return Added::Stranger,
            Err(NotIn::NeedsUpgrade) => return Added::NeedsUpgrade,
        }
        parents.iter().for_each(|parent| {
            self.heads.remove(parent);
        });
        self.heads.insert(statement.id());
        if let Act::Inception(inception) = statement.act() {
            self.networks.entry(inception.root.network).or_default().insert(inception.root.signing);
            self.presented.insert(inception.root.signing);
        }
        Added::New
    }

    /// The commons.
    #[must_use]
    pub const fn commons(&self) -> CommonsId {
        self.commons
    }

    /// How many statements are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.resolution.len()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a statement is known.
    #[must_use]
    pub fn knows(&self, id: &StatementId) -> bool {
        self.resolution.get(id).is_some()
    }

    /// The statements that no other one has seen, in ascending order.
    #[must_use]
    pub fn heads(&self) -> Vec<StatementId> {
        self.heads.iter().copied().collect()
    }

    /// Whether a member made a statement that only a newer version understands: since it may change who is in, nothing
    /// that has seen it is judged.
    #[must_use]
    pub fn needs_upgrade(&self) -> bool {
        self.resolution.now().beyond
    }

    /// What a device was in the past of a statement, that statement included. The answer never changes, except from
    /// [`Standing::UnknownFrontier`] to one of the others.
    #[must_use]
    pub fn may_write(&self, device: &DeviceKey, frontier: &StatementId) -> Standing {
        let Some(past) = self.resolution.past(frontier) else { return Standing::UnknownFrontier };
        if past.beyond {
            return Standing::NeedsUpgrade;
        }
        self.resolution.voice(device, past).map_or(Standing::Stranger, |voice| Standing::Good(voice.ally))
    }

    /// The ally, in good standing now, that a device belongs to; readers included.
    #[must_use]
    pub fn ally_of(&self, device: &DeviceKey) -> Option<AllyId> {
        self.resolution.membership(device, self.resolution.now()).map(|membership| membership.ally)
    }

    /// The device behind a network key, if it belongs to an ally in good standing now; readers included.
    #[must_use]
    pub fn device(&self, network: &NetworkKey) -> Option<DeviceKey> {
        self.networks.get(network)?.iter().find(|device| self.ally_of(device).is_some()).copied()
    }

    /// Whether a device presented itself, let in or not.
    #[must_use]
    pub fn presents(&self, device: &DeviceKey) -> bool {
        self.presented.contains(device)
    }

    /// How the commons began, once that is known: its name, charter, founders and policy.
    #[must_use]
    pub fn genesis(&self) -> Option<&Genesis> {
        self.resolution.genesis()
    }

    /// The charter that one signs to join.
    #[must_use]
    pub fn charter(&self) -> Option<CharterHash> {
        self.genesis().map(|genesis| genesis.charter)
    }

    /// The statement that made the council of the day.
    #[must_use]
    pub fn council(&self) -> StatementId {
        self.commons.into()
    }

    /// Everybody who presented themselves and signed the charter.
    pub fn allies(&self) -> impl Iterator<Item = Ally> + '_ {
        self.resolution.all().filter_map(|known| self.ally(&known.statement.id().into()))
    }

    /// One of them.
    #[must_use]
    pub fn ally(&self, id: &AllyId) -> Option<Ally> {
        let inception = self.resolution.inception(id)?;
        let device = inception.root.signing;
        // Among concurrent admissions, the one that any node would choose.
        let accepted = self.resolution.acceptances(&device, id).iter();
        let accepted = accepted.filter_map(|acceptance| Some((acceptance, self.resolution.get(&acceptance.by)?)));
        let first = accepted.min_by_key(|(acceptance, known)| (known.statement.time(), acceptance.by));
        let membership = self.resolution.membership(&device, self.resolution.now());
        let state = match membership.filter(|membership| membership.ally == *id) {
            Some(membership) if membership.founder => State::Founder,
            Some(membership) => State::Admitted(membership.role),
            None if first.is_some() => State::Void,
            None => State::Pending,
        };
        let presented = self.resolution.get(&StatementId::from(*id))?;
        let since = first.map_or(presented, |(_, known)| known).statement.time();
        let admitted_by = first.and_then(|(_, known)| known.voice).map(|voice| voice.ally);
        let (name, kind, devices) = (inception.name.clone(), inception.kind, vec![inception.root]);
        Some(Ally { id: *id, name, kind, state, devices, since, admitted_by })
    }

    /// The allies of the council.
    pub fn garants(&self) -> impl Iterator<Item = Ally> + '_ {
        self.allies().filter(|ally| ally.state == State::Founder)
    }

    /// Every ticket handed out with the right to.
    pub fn invitations(&self) -> impl Iterator<Item = Invitation> + '_ {
        let mut admitted = self.admitted_by_invite();
        self.resolution.all().filter_map(move |known| {
            let id = known.statement.id();
            let invite = self.resolution.invite(&id)?;
            Some(Invitation {
                id,
                by: known.voice?.ally,
                role: invite.role,
                expires: invite.expires,
                uses: invite.uses,
                admitted: admitted.remove(&id).unwrap_or_default(),
                revoked: self.resolution.is_revoked(&id, self.resolution.now()),
            })
        })
    }

    /// Whom a device may let in now, by its own clock: newcomers whose ticket is of its own ally (or any, for a garant),
    /// not expired, not taken back and not used up.
    #[must_use]
    pub fn admissible(&self, device: &DeviceKey, now: Timestamp) -> Vec<Admissible> {
        let Some(voice) = self.resolution.voice(device, self.resolution.now()) else { return Vec::new() };
        let mut admitted = self.admitted_by_invite();
        let mut found: Vec<Admissible> = Vec::new();
        for known in self.resolution.all() {
            let Some(candidate) = self.candidate(known) else { continue };
            let Some(redeem) = self.resolution.redeem(&candidate.redeem) else { continue };
            let admitted = admitted.entry(redeem.invite).or_default();
            let mine = voice.garant || voice.ally == candidate.inviter;
            let twice = found.iter().any(|other| other.ally == candidate.ally);
            if mine && !twice && self.is_open(&redeem.invite, admitted.len(), now).is_ok() {
                admitted.insert(candidate.ally);
                found.push(candidate);
            }
        }
        found
    }

    /// Checks that a peer which is not in holds a ticket that is still good: what it must show before it is told
    /// anything. `newcomer` and `host` are the ends of the connection.
    ///
    /// # Errors
    /// [`TicketRefused`] says why not.
    pub fn check_ticket(
        &self,
        invite: &StatementId,
        proof: &Signature,
        newcomer: &NetworkKey,
        host: &NetworkKey,
        now: Timestamp,
    ) -> Result<(), TicketRefused> {
        let key = self.resolution.invite(invite).ok_or(TicketRefused::Unknown)?.ticket;
        ticket::verify_proof(proof, &key, newcomer, host, &self.commons, invite)
            .map_err(|_| TicketRefused::BadProof)?;
        self.is_open(invite, self.admitted_by_invite().get(invite).map_or(0, BTreeSet::len), now)
    }

    /// The newcomer of a redemption that stands, if letting it in changes something, and not for the worse: a key that
    /// is in already for another ally would count for neither.
    fn candidate(&self, known: &Known) -> Option<Admissible> {
        let redeem = self.resolution.redeem(&known.statement.id())?;
        let role = self.resolution.invite(&redeem.invite)?.role;
        let device = known.statement.by();
        let inviter = self.resolution.inviter(&redeem.invite)?.ally;
        let now = self.resolution.membership(&device, self.resolution.now());
        let helps =
            now.map_or(!self.resolution.was_accepted(&device), |now| now.ally == redeem.ally && now.role < role);
        helps.then_some(Admissible { ally: redeem.ally, redeem: known.statement.id(), inviter })
    }

    fn is_open(&self, id: &StatementId, admitted: usize, now: Timestamp) -> Result<(), TicketRefused> {
        let invite = self.resolution.invite(id).ok_or(TicketRefused::Unknown)?;
        if self.resolution.is_revoked(id, self.resolution.now()) {
            return Err(TicketRefused::Revoked);
        }
        if now > invite.expires {
            return Err(TicketRefused::Expired);
        }
        if admitted >= usize::from(invite.uses) {
            return Err(TicketRefused::UsedUp);
        }
        Ok(())
    }

    /// Who came in by which invite.
    fn admitted_by_invite(&self) -> BTreeMap<StatementId, BTreeSet<AllyId>> {
        let mut admitted: BTreeMap<StatementId, BTreeSet<AllyId>> = BTreeMap::new();
        for known in self.resolution.all().filter(|known| known.stands) {
            if let Act::Admit { ally, basis: Basis::Redeem(redeem) } = known.statement.act()
                && let Some(redeem) = self.resolution.redeem(redeem)
            {
                admitted.entry(redeem.invite).or_default().insert(*ally);
            }
        }
        admitted
    }
}

#[cfg(test)]
mod tests;
