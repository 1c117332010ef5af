//! Founding, inviting, being let in, letting in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use essaim_protocol::entry::statement::{Act, Role, SealError};
use essaim_protocol::entry::{Entry, Statement};
use essaim_protocol::id::{AllyId, CharterHash, CommonsId, NetworkKey, StatementId};
use essaim_protocol::join::{Knock, MAX_CHARTER, MAX_PRESENTED};
use essaim_protocol::roster::{self, Added, AuthorError, Card, Founding, Offer, Roster, Ticket, TicketRefused};
use essaim_protocol::sign::{Keys, Signed, Verified};
use essaim_protocol::store::{self, Store as _};
use essaim_protocol::time::Timestamp;

use super::{Desk, Error};
use crate::home::{FOUNDING, make_dir, sync_dir, write_whole};

/// The file of the charter's text, beside the store.
const CHARTER: &str = "charter.md";

/// Newcomers that one invitation brings here in an hour, those aside who come again: more than a hall holds come by no
/// ordinary way, and each costs 8 KiB for ever on every node. What stands in the roster is not counted: any member can
/// have presented that, and nobody's invitation must suffer from another's. A key is not counted either: whoever has one
/// makes as many statements with it as he likes.
const MAX_NEWCOMERS: usize = 200;
const NEWCOMERS_MS: u64 = 3_600_000;

/// When each invitation brought something new lately. Only invitations that stand are counted, by who holds their ticket.
#[derive(Debug, Default)]
pub(super) struct Knocks(BTreeMap<StatementId, Vec<Timestamp>>);

impl Knocks {
    /// Counts what an invitation brings; `false` when it brought too much.
    fn count(&mut self, invite: StatementId, now: Timestamp) -> bool {
        self.0.retain(|_, times| {
            times.retain(|at| at.plus(NEWCOMERS_MS) > now);
            !times.is_empty()
        });
        let lately = self.0.entry(invite).or_default();
        let counted = lately.len() < MAX_NEWCOMERS;
        if counted {
            lately.push(now);
        }
        counted
    }
}

/// The charter as text, and the name by which allies sign it.
#[must_use]
pub fn charter_hash(text: &str) -> CharterHash {
    CharterHash(*blake3::hash(text.as_bytes()).as_bytes())
}

/// Why joining did not go on.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The host sent statements that are not of this commons, or not signed.
    #[error("what the other side sent is not this commons")]
    NotTheCommons,
    /// A charter that no newcomer could be sent.
    #[error("the charter has {0} bytes, the limit is {MAX_CHARTER}")]
    CharterTooLong(usize),
    /// The charter's text is not the one that the commons signs.
    #[error("the charter that was sent is not the one of this commons")]
    OtherCharter,
    /// Its files cannot be written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It cannot be kept.
    #[error(transparent)]
    Desk(#[from] Error),
    /// The statement has no valid form.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<store::Error> for JoinError {
    fn from(error: store::Error) -> Self {
        Self::Desk(error.into())
    }
}

/// A commons as its statements show it to somebody who is not in, held in memory alone.
#[derive(Debug)]
pub struct Prospect {
    roster: Roster,
    /// In the order in which they came.
    statements: Vec<Vec<u8>>,
}

impl Prospect {
    /// Checks the statements of a host.
    ///
    /// # Errors
    /// [`JoinError::NotTheCommons`], [`JoinError::OtherCharter`].
    pub fn read(id: CommonsId, statements: Vec<Vec<u8>>, charter: &str) -> Result<Self, JoinError> {
        let mut roster = Roster::new(id);
        for statement in verified(&id, &statements)? {
            match roster.add(&statement) {
                // What only a newer version understands, and what rests on it, does not keep the rest from being read.
                Added::New | Added::Known | Added::NeedsUpgrade | Added::Waiting { .. } => {}
                Added::OtherCommons | Added::Stranger => return Err(JoinError::NotTheCommons),
            }
        }
        if roster.charter() != Some(charter_hash(charter)) {
            return Err(JoinError::OtherCharter);
        }
        Ok(Self { roster, statements })
    }

    /// Who is in.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The statements as the host sent them.
    #[must_use]
    pub fn statements(&self) -> &[Vec<u8>] {
        &self.statements
    }
}

/// What a newcomer learns of a commons before it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// The charter to sign.
    pub charter: CharterHash,
    /// Who invites.
    pub inviter: Option<String>,
    /// As what one comes in.
    pub role: Option<Role>,
}

impl Desk {
    /// Founds a commons: makes its directory and signs its first two statements. The directory is marked until they are
    /// durable: whoever is killed before that is left without a commons, and not with one that nobody is in.
    ///
    /// # Errors
    /// [`JoinError`].
    pub fn found(
        dir: impl FnOnce(&CommonsId) -> PathBuf,
        keys: Keys,
        free: u64,
        founding: Founding,
        charter: &str,
        now: Timestamp,
    ) -> Result<Self, JoinError> {
        let statements = roster::found(&keys, founding, now)?;
        let id = statements[0].commons();
        let dir = dir(&id);
        let mark = dir.join(FOUNDING);
        let marked = |done: std::io::Result<()>| done.map_err(|source| JoinError::File { path: mark.clone(), source });
        let found = || {
            marked(make_dir(&dir).and_then(|()| write_whole(&mark, b"", 0o644)))?;
            write_charter(&dir, charter)?;
            let mut desk = Self::open(&dir, id, keys, free)?;
            desk.take_in(entries(statements), now)?;
            // Durable before anybody hears of the commons: what is marked is removed at the next start.
            marked(fs::remove_file(&mark).and_then(|()| sync_dir(&dir)))?;
            Ok(desk)
        };
        // A commons without its first statement is none: what a full disk leaves of it would be in the way.
        found().inspect_err(|_| drop(fs::remove_dir_all(&dir)))
    }

    /// The charter's text, when it is here and is the one that this commons signs.
    #[must_use]
    pub fn charter(&self) -> Option<String> {
        let text = fs::read_to_string(self.dir.join(CHARTER)).ok()?;
        (self.roster().charter() == Some(charter_hash(&text))).then_some(text)
    }

    /// Signs an invitation and gives its id.
    ///
    /// # Errors
    /// [`Error::Author`] when this device may not invite.
    pub fn invite(&mut self, offer: &Offer, now: Timestamp) -> Result<StatementId, Error> {
        let statements = self.roster().invite(&self.keys, offer, now)?;
        let id = statements.last().map(|statement| statement.id()).ok_or(AuthorError::NotInGoodStanding)?;
        self.take_in(entries(statements), now)?;
        Ok(id)
    }

    /// Lets in the newcomers whom this device may let in.
    ///
    /// # Errors
    /// When the store failed.
    pub fn admit(&mut self, now: Timestamp) -> Result<Vec<AllyId>, Error> {
        let mut admitted = Vec::new();
        for newcomer in self.roster().admissible(&self.keys.key(), now) {
            let statements = self.roster().admit(&self.keys, &newcomer, now)?;
            self.take_in(entries(statements), now)?;
            admitted.push(newcomer.ally);
        }
        Ok(admitted)
    }

    /// Takes statements from a host into a commons that we are about to join.
    ///
    /// # Errors
    /// [`JoinError::NotTheCommons`].
    pub fn learn(&mut self, statements: &[Vec<u8>], now: Timestamp) -> Result<(), JoinError> {
        let ingested = self.take_in(entries(verified(&self.id(), statements)?), now)?;
        if ingested.refused.is_empty() { Ok(()) } else { Err(JoinError::NotTheCommons) }
    }

    /// Keeps the charter's text, if it is the one that this commons signs.
    ///
    /// # Errors
    /// [`JoinError::OtherCharter`], [`JoinError::File`].
    pub fn keep_charter(&self, text: &str) -> Result<(), JoinError> {
        if self.roster().charter() != Some(charter_hash(text)) {
            return Err(JoinError::OtherCharter);
        }
        write_charter(&self.dir, text)
    }

    /// Presents this ally and redeems the ticket, each once; gives the statements to hand to the host. Another ticket than
    /// before is redeemed as well: the first may have expired before anybody saw it.
    ///
    /// # Errors
    /// [`JoinError`].
    pub fn present(&mut self, ticket: &Ticket, card: Card, now: Timestamp) -> Result<Vec<Vec<u8>>, JoinError> {
        let charter = self.roster().charter().ok_or(JoinError::NotTheCommons)?;
        let mine = self.own_statements()?;
        let inception = mine.iter().find(|statement| matches!(statement.act(), Act::Inception(_)));
        let redeem = mine
            .iter()
            .find(|statement| matches!(statement.act(), Act::Redeem(redeem) if redeem.invite == ticket.invite));
        let mut fresh = Vec::new();
        let (ally, inception) = match inception {
            Some(inception) => (inception.id().into(), inception.bytes().to_vec()),
            None => {
                let inception = roster::inception(&self.keys, self.id(), ticket.invite, card, charter, now)?;
                let said = (inception.id().into(), inception.bytes().to_vec());
                fresh.push(inception);
                said
            }
        };
        let redeem = match redeem {
            Some(redeem) => redeem.bytes().to_vec(),
            None => {
                let redeem = roster::redeem(&self.keys, ticket, ally, now)?;
                let said = redeem.bytes().to_vec();
                fresh.push(redeem);
                said
            }
        };
        self.take_in(entries(fresh), now)?;
        Ok(vec![inception, redeem])
    }

    /// Checks a knock; the answer is the charter to send.
    ///
    /// # Errors
    /// [`TicketRefused`], which the newcomer is not told.
    pub fn welcome(&self, knock: &Knock, newcomer: &NetworkKey, now: Timestamp) -> Result<String, TicketRefused> {
        // Who is in already may ask again: the answer to its first knock was lost.
        if self.roster().device(newcomer).is_none() {
            self.check_ticket(knock, newcomer, now)?;
        }
        Ok(self.charter().unwrap_or_default())
    }

    fn check_ticket(&self, knock: &Knock, newcomer: &NetworkKey, now: Timestamp) -> Result<(), TicketRefused> {
        let host = self.keys.device().network;
        self.roster().check_ticket(&knock.invite, &knock.proof, newcomer, &host, now)
    }

    /// Takes what a newcomer presents who knocked: its own inception and redemption, and nothing else, so that a ticket's
    /// holder cannot make us keep what it likes. What is here already is no news; for all else the ticket must be good, also
    /// of who is in and was welcome without.
    ///
    /// # Errors
    /// [`JoinError::NotTheCommons`] for anything else, or when the invitation brought too many within an hour.
    pub fn receive(
        &mut self,
        presented: &[Vec<u8>],
        newcomer: &NetworkKey,
        knock: &Knock,
        now: Timestamp,
    ) -> Result<(), JoinError> {
        let read = presented.iter().map(|bytes| Statement::decode(bytes).map_err(|_| JoinError::NotTheCommons));
        let read = read.collect::<Result<Vec<_>, _>>()?;
        let device = read.iter().find_map(|statement| {
            let Act::Inception(inception) = statement.act() else { return None };
            (inception.root.network == *newcomer).then_some(inception.root.signing)
        });
        let its_own = |statement: &Statement| {
            matches!(statement.act(), Act::Inception(_) | Act::Redeem(_)) && Some(statement.by()) == device
        };
        if read.len() > MAX_PRESENTED || !read.iter().all(its_own) {
            return Err(JoinError::NotTheCommons);
        }
        let mut known = true;
        for statement in &read {
            known &= self.store.ordinal(&statement.id().into())?.is_some();
        }
        if known {
            return Ok(());
        }
        if self.check_ticket(knock, newcomer, now).is_err() || !self.knocks.count(knock.invite, now) {
            return Err(JoinError::NotTheCommons);
        }
        self.learn(presented, now)
    }

    /// All statements, in log order, in their stored form.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn statements(&self) -> Result<Vec<Vec<u8>>, store::Error> {
        let mut all = Vec::new();
        for at in self.commons.statements() {
            if let Some((_, bytes)) = self.store.read(at)?
                && let Ok(Entry::Statement(statement)) = Entry::decode(&bytes).map(|entry| entry.trust().into_inner())
            {
                all.push(statement.bytes().to_vec());
            }
        }
        Ok(all)
    }

    /// Whether its statements were lost with its store. The charter was kept beside them when this ally signed it; whoever
    /// knows the commons may be asked for the rest.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.roster().genesis().is_none() && self.dir.join(CHARTER).is_file()
    }

    /// Whether this device has signed itself in, admitted or not yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has_presented(&self) -> Result<bool, store::Error> {
        Ok(!self.own_statements()?.is_empty())
    }

    /// The statements that this device signed.
    fn own_statements(&self) -> Result<Vec<Statement>, store::Error> {
        let mine = self.keys.key();
        let all = self.statements()?.into_iter().filter_map(|bytes| Statement::decode(&bytes).ok());
        Ok(all.filter(|statement| statement.by() == mine).collect())
    }
}

/// What a newcomer should read before it signs.
#[must_use]
pub fn about(roster: &Roster, ticket: &Ticket) -> Option<About> {
    let genesis = roster.genesis()?;
    let invitation = roster.invitations().find(|invitation| invitation.id == ticket.invite);
    let inviter = invitation.as_ref().and_then(|invitation| roster.ally(&invitation.by));
    Some(About {
        name: genesis.name.to_string(),
        charter: genesis.charter,
        inviter: inviter.map(|ally| ally.name.to_string()),
        role: invitation.map(|invitation| invitation.role),
    })
}

fn verified(commons: &CommonsId, statements: &[Vec<u8>]) -> Result<Vec<Verified<Statement>>, JoinError> {
    let read = |bytes: &Vec<u8>| {
        let statement = Statement::decode(bytes).map_err(|_| JoinError::NotTheCommons)?;
        Signed::new(statement).verify(commons).map_err(|_| JoinError::NotTheCommons)
    };
    statements.iter().map(read).collect()
}

fn entries(statements: impl IntoIterator<Item = Verified<Statement>>) -> Vec<Verified<Entry>> {
    statements.into_iter().map(|statement| Verified::trusted(Entry::Statement(statement.into_inner()))).collect()
}

fn write_charter(dir: &Path, text: &str) -> Result<(), JoinError> {
    if text.len() > MAX_CHARTER {
        return Err(JoinError::CharterTooLong(text.len()));
    }
    let path = dir.join(CHARTER);
    let written = make_dir(dir).and_then(|()| write_whole(&path, text.as_bytes(), 0o644));
    written.map_err(|source| JoinError::File { path, source })
}

#[cfg(test)]
mod tests {
    use essaim_protocol::entry::statement::{AllyKind, Inviters, Name, Policy, RecoveryHash};
    use essaim_protocol::roster::State;
    use essaim_protocol::sign::Seed;

    use super::*;

    const HOUR: u64 = 3_600_000;

    fn card(name: &str) -> Card {
        Card { kind: AllyKind::Organisation, name: Name::new(name).unwrap(), recovery: RecoveryHash::NONE }
    }

    fn alice(dir: &Path) -> Desk {
        let founding = Founding {
            name: Name::new("Patrimoine").unwrap(),
            charter: charter_hash("Charte"),
            policy: Policy { vouches: 2, inviters: Inviters::Allies },
            founder: card("Alice"),
        };
        let keys = Keys::from_seed(&Seed::new([1; 32]));
        Desk::found(|_| dir.to_owned(), keys, 0, founding, "Charte", Timestamp(0)).unwrap()
    }

    fn ticket(host: &mut Desk, seed: u8, now: Timestamp) -> Ticket {
        let seed = || Seed::new([seed; 32]);
        let offer = Offer { seed: seed(), role: Role::Ally, expires: now.plus(HOUR), uses: 1 };
        let invite = host.invite(&offer, now).unwrap();
        let peer = host.keys.device().network;
        Ticket::new(host.id(), host.roster().council(), invite, seed(), vec![peer], vec![])
    }

    fn knock(ticket: &Ticket, newcomer: &Keys, host: &Desk) -> Knock {
        let proof = ticket.prove(&newcomer.device().network, &host.keys.device().network);
        Knock { commons: ticket.commons, invite: ticket.invite, proof }
    }

    #[test]
    fn whoever_presented_on_a_ticket_that_expired_unseen_comes_in_on_another() {
        let dir = tempfile::tempdir().unwrap();
        let mut alice = alice(&dir.path().join("alice"));
        let keys = Keys::from_seed(&Seed::new([2; 32]));
        let network = keys.device().network;
        let mut bob = Desk::open(&dir.path().join("bob"), alice.id(), keys.clone(), 0).unwrap();
        let first = ticket(&mut alice, 11, Timestamp(0));
        bob.learn(&alice.statements().unwrap(), Timestamp(0)).unwrap();
        let lost = bob.present(&first, card("Bob"), Timestamp(0)).unwrap();
        assert_eq!(bob.present(&first, card("Bob"), Timestamp(1)).unwrap(), lost, "nothing is signed twice");

        let later = Timestamp(0).plus(2 * HOUR);
        let second = ticket(&mut alice, 12, later);
        bob.learn(&alice.statements().unwrap(), later).unwrap();
        let presented = bob.present(&second, card("Bob"), later).unwrap();
        assert_eq!((&presented[0], presented.len()), (&lost[0], 2));
        assert_ne!(presented[1], lost[1]);
        let knock = knock(&second, &keys, &alice);
        alice.receive(&presented, &network, &knock, later).unwrap();
        assert_eq!(alice.admit(later).unwrap().len(), 1);
    }

    #[test]
    fn of_who_is_in_nothing_new_is_taken_without_a_good_ticket() {
        let dir = tempfile::tempdir().unwrap();
        let (mut alice, now) = (alice(&dir.path().join("alice")), Timestamp(0));
        let keys = Keys::from_seed(&Seed::new([2; 32]));
        let network = keys.device().network;
        let mut bob = Desk::open(&dir.path().join("bob"), alice.id(), keys.clone(), 0).unwrap();
        let first = ticket(&mut alice, 11, now);
        bob.learn(&alice.statements().unwrap(), now).unwrap();
        let presented = bob.present(&first, card("Bob"), now).unwrap();
        let knocked = knock(&first, &keys, &alice);
        alice.receive(&presented, &network, &knocked, now).unwrap();
        assert_eq!(alice.admit(now).unwrap().len(), 1);
        assert_eq!(alice.knocks.0[&first.invite].len(), 1);

        let charter = alice.roster().charter().unwrap();
        for n in 0..3 {
            let invite = StatementId([n; 32]);
            let made_up = roster::inception(&keys, alice.id(), invite, card("Bob"), charter, now).unwrap();
            let refused = alice.receive(&[made_up.bytes().to_vec()], &network, &Knock { invite, ..knocked }, now);
            assert!(matches!(refused, Err(JoinError::NotTheCommons)), "{refused:?}");
            assert!(alice.store.ordinal(&made_up.id().into()).unwrap().is_none());
        }
        alice.welcome(&knocked, &network, now).unwrap();
        alice.receive(&presented, &network, &knocked, now).unwrap();
        assert_eq!(alice.knocks.0[&first.invite].len(), 1, "what is known is no news, and its ticket is used up");
    }

    #[test]
    fn one_newcomer_who_signs_ever_more_is_counted_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let (mut alice, now) = (alice(&dir.path().join("alice")), Timestamp(0));
        let keys = Keys::from_seed(&Seed::new([2; 32]));
        let network = keys.device().network;
        let eves = ticket(&mut alice, 11, now);
        let charter = alice.roster().charter().unwrap();
        let knocked = knock(&eves, &keys, &alice);
        let signed = |n: u64| {
            let now = now.plus(n);
            roster::inception(&keys, eves.commons, eves.invite, card("Eve"), charter, now).unwrap().bytes().to_vec()
        };
        alice.receive(&[signed(1)], &network, &knocked, now).unwrap();
        alice.receive(&[signed(2)], &network, &knocked, now).unwrap();
        assert_eq!(alice.knocks.0[&eves.invite].len(), 2);
        alice.knocks.0.insert(eves.invite, vec![now; MAX_NEWCOMERS]);
        alice.receive(&[signed(3)], &network, &knocked, now).unwrap_err();
        alice.receive(&[signed(1)], &network, &knocked, now).unwrap();
    }

    #[test]
    fn a_member_who_presents_a_thousand_people_closes_the_door_to_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let mut alice = alice(&dir.path().join("alice"));
        let now = Timestamp(0);
        let (eves, bobs) = (ticket(&mut alice, 11, now), ticket(&mut alice, 12, now));
        let charter = alice.roster().charter().unwrap();
        let keys = |n: u16| {
            let mut seed = [7; 32];
            seed[..2].copy_from_slice(&n.to_le_bytes());
            Keys::from_seed(&Seed::new(seed))
        };
        let told = alice.statements().unwrap();
        // What eve passes on stands in the roster for ever.
        let made_up = (0..1_001).map(|n| {
            roster::inception(&keys(n), alice.id(), eves.invite, card("Eve"), charter, now).unwrap().bytes().to_vec()
        });
        let made_up: Vec<Vec<u8>> = made_up.collect();
        alice.learn(&made_up, now).unwrap();
        assert!(alice.roster().allies().filter(|ally| ally.state == State::Pending).count() > 1_000);
        let bob = keys(2_000);
        let mut desk = Desk::open(&dir.path().join("bob"), alice.id(), bob.clone(), 0).unwrap();
        desk.learn(&told, now).unwrap();
        let presented = desk.present(&bobs, card("Bob"), now).unwrap();
        let knock = knock(&bobs, &bob, &alice);
        alice.receive(&presented, &bob.device().network, &knock, now).unwrap();
        assert_eq!(alice.admit(now).unwrap().len(), 1);
    }

    #[test]
    fn an_invitation_brings_so_many_an_hour_and_no_other_suffers_from_it() {
        let (mut knocks, now) = (Knocks::default(), Timestamp(0));
        let [eves, bobs] = [1, 2].map(|n| StatementId([n; 32]));
        assert!((0..MAX_NEWCOMERS).all(|_| knocks.count(eves, now)));
        assert!(!knocks.count(eves, now));
        assert!(knocks.count(bobs, now));
        let later = now.plus(NEWCOMERS_MS);
        assert!(knocks.count(eves, later));
        assert_eq!(knocks.0.len(), 1, "nothing is kept for ever");
    }

    #[test]
    fn a_prospect_is_what_the_host_s_statements_and_charter_say() {
        let dir = tempfile::tempdir().unwrap();
        let mut alice = alice(dir.path());
        let ticket = ticket(&mut alice, 11, Timestamp(0));
        let said = alice.statements().unwrap();
        let prospect = Prospect::read(alice.id(), said.clone(), "Charte").unwrap();
        let told = about(prospect.roster(), &ticket).unwrap();
        assert_eq!((told.name.as_str(), told.inviter.as_deref()), ("Patrimoine", Some("Alice")));
        assert!(matches!(Prospect::read(alice.id(), said.clone(), "Autre"), Err(JoinError::OtherCharter)));
        let elsewhere = CommonsId([7; 32]);
        assert!(matches!(Prospect::read(elsewhere, said, "Charte"), Err(JoinError::NotTheCommons)));
    }
}
