//! Founding, inviting, being let in, letting in.

use std::fs;
use std::path::{Path, PathBuf};

use essaim_protocol::entry::statement::{Act, Role, SealError};
use essaim_protocol::entry::{Entry, Statement};
use essaim_protocol::id::{AllyId, CharterHash, CommonsId, NetworkKey, StatementId};
use essaim_protocol::join::{Knock, MAX_CHARTER};
use essaim_protocol::roster::{self, AuthorError, Card, Founding, Offer, State, Ticket, TicketRefused};
use essaim_protocol::sign::{Keys, Signed, Verified};
use essaim_protocol::store::{self, Store as _};
use essaim_protocol::time::Timestamp;

use super::{Desk, Error};

/// The file of the charter's text, beside the store.
const CHARTER: &str = "charter.md";

/// Newcomers that wait for an admission: more than the alliance has allies come by no ordinary way, and each costs 8 KiB
/// for ever on every node.
const MAX_PENDING: usize = 1_000;

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
    /// Founds a commons: makes its directory under `parent` and signs its first two statements.
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
        let found = || {
            write_charter(&dir, charter)?;
            let mut desk = Self::open(&dir, id, keys, free)?;
            desk.take_in(entries(statements), now)?;
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
        let id = self.id();
        let mut verified = Vec::with_capacity(statements.len());
        for bytes in statements {
            let statement = Statement::decode(bytes).map_err(|_| JoinError::NotTheCommons)?;
            let signed = Signed::new(Entry::Statement(statement));
            verified.push(signed.verify(&id).map_err(|_| JoinError::NotTheCommons)?);
        }
        let ingested = self.take_in(verified, now)?;
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

    /// What a newcomer should read before it signs.
    #[must_use]
    pub fn about(&self, ticket: &Ticket) -> Option<About> {
        let genesis = self.roster().genesis()?;
        let invitation = self.roster().invitations().find(|invitation| invitation.id == ticket.invite);
        let inviter = invitation.as_ref().and_then(|invitation| self.roster().ally(&invitation.by));
        Some(About {
            name: genesis.name.to_string(),
            charter: genesis.charter,
            inviter: inviter.map(|ally| ally.name.to_string()),
            role: invitation.map(|invitation| invitation.role),
        })
    }

    /// Presents this ally and redeems the ticket, once; gives the statements to hand to the host.
    ///
    /// # Errors
    /// [`JoinError`].
    pub fn present(&mut self, ticket: &Ticket, card: Card, now: Timestamp) -> Result<Vec<Vec<u8>>, JoinError> {
        let charter = self.roster().charter().ok_or(JoinError::NotTheCommons)?;
        let key = self.keys.key();
        let mine = self.own_statements()?;
        if mine.iter().any(|statement| matches!(statement.act(), Act::Redeem(_))) {
            return Ok(mine.iter().map(|statement| statement.bytes().to_vec()).collect());
        }
        let known = self.roster().allies().find(|ally| ally.devices.iter().any(|device| device.signing == key));
        let mut statements = Vec::new();
        let ally = match known {
            Some(ally) => ally.id,
            None => {
                let inception = roster::inception(&self.keys, self.id(), ticket.invite, card, charter, now)?;
                let ally = inception.id().into();
                statements.push(inception);
                ally
            }
        };
        statements.push(roster::redeem(&self.keys, ticket, ally, now)?);
        self.take_in(entries(statements), now)?;
        Ok(self.own_statements()?.iter().map(|statement| statement.bytes().to_vec()).collect())
    }

    /// Checks a knock; the answer is the charter to send.
    ///
    /// # Errors
    /// [`TicketRefused`], which the newcomer is not told.
    pub fn welcome(&self, knock: &Knock, newcomer: &NetworkKey, now: Timestamp) -> Result<String, TicketRefused> {
        let host = self.keys.device().network;
        // Who is in already may ask again: the answer to its first knock was lost.
        if self.roster().device(newcomer).is_none() {
            self.roster().check_ticket(&knock.invite, &knock.proof, newcomer, &host, now)?;
        }
        Ok(self.charter().unwrap_or_default())
    }

    /// Takes what a newcomer presents: its own inception and redemption, and nothing else, so that a ticket's holder
    /// cannot make us keep what it likes.
    ///
    /// # Errors
    /// [`JoinError::NotTheCommons`] for anything else, or when too many wait already.
    pub fn receive(&mut self, presented: &[Vec<u8>], newcomer: &NetworkKey, now: Timestamp) -> Result<(), JoinError> {
        let read = presented.iter().map(|bytes| Statement::decode(bytes).map_err(|_| JoinError::NotTheCommons));
        let read = read.collect::<Result<Vec<_>, _>>()?;
        let device = read.iter().find_map(|statement| {
            let Act::Inception(inception) = statement.act() else { return None };
            (inception.root.network == *newcomer).then_some(inception.root.signing)
        });
        let its_own = |statement: &Statement| {
            matches!(statement.act(), Act::Inception(_) | Act::Redeem(_)) && Some(statement.by()) == device
        };
        let pending = self.roster().allies().filter(|ally| ally.state == State::Pending).count();
        if read.len() > 2 || !read.iter().all(its_own) || pending >= MAX_PENDING {
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

fn entries(statements: impl IntoIterator<Item = Verified<Statement>>) -> Vec<Verified<Entry>> {
    statements.into_iter().map(|statement| Verified::trusted(Entry::Statement(statement.into_inner()))).collect()
}

fn write_charter(dir: &Path, text: &str) -> Result<(), JoinError> {
    if text.len() > MAX_CHARTER {
        return Err(JoinError::CharterTooLong(text.len()));
    }
    let path = dir.join(CHARTER);
    fs::create_dir_all(dir).and_then(|()| fs::write(&path, text)).map_err(|source| JoinError::File { path, source })
}
