//! One ally's node: a device, a commons over its disk, and what it remembers of its peers. What the program does in its
//! keeper's desk, without threads, files and the network.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use automerge::Automerge;
use essaim_protocol::commons::{Commons, Ingested, Received};
use essaim_protocol::entry::statement::{Act, AllyKind, Name, RecoveryHash, Role, SealError};
use essaim_protocol::entry::{self, Change, Entry, Statement};
use essaim_protocol::id::{
    Actor, AllyId, CharterHash, CommonsId, DeviceKey, EntryId, Epoch, Item, NetworkKey, RecordId,
};
use essaim_protocol::record::{Attribution, View, fold};
use essaim_protocol::roster::{self, AuthorError, Card, Offer, Roster, Ticket};
use essaim_protocol::set::{Kind, Set};
use essaim_protocol::sign::{Keys, Seed, Verified};
use essaim_protocol::store::{self, Ordinal, Store as _};
use essaim_protocol::sync::frame::Position;
use essaim_protocol::sync::{Fate, Place, Replica, Sender, Sent, Visit};
use essaim_protocol::time::Timestamp;

use super::dice::Dice;
use super::disk::Disk;

pub(super) const CHARTER: CharterHash = CharterHash([7; 32]);

/// How long a ticket is good, in milliseconds: clocks are wrong by some days.
const A_MONTH: u64 = 30 * 86_400_000;

/// What goes wrong in an ally's own program. Nothing may.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Author(#[from] AuthorError),
    #[error(transparent)]
    Statement(#[from] SealError),
    #[error(transparent)]
    Seal(#[from] entry::change::SealError),
    #[error(transparent)]
    Edit(#[from] essaim_protocol::record::EditError),
    #[error(transparent)]
    Fold(#[from] fold::FoldError),
    #[error(transparent)]
    Automerge(#[from] automerge::AutomergeError),
    #[error("{0}")]
    Rule(String),
}

#[derive(Debug)]
pub(super) struct Ally {
    pub(super) keys: Keys,
    pub(super) disk: Disk,
    pub(super) commons: Commons,
    /// Whether it runs; a crashed node starts again later.
    pub(super) up: bool,
    /// Milliseconds that its clock is off.
    pub(super) clock: i64,
    pub(super) ticket: Option<Ticket>,
    pub(super) peers: BTreeMap<usize, Peer>,
    /// What it signed since this was last asked.
    pub(super) made: Vec<EntryId>,
    /// What came since this was last asked.
    pub(super) heard: Heard,
    /// Saved documents, from which folding goes on.
    documents: BTreeMap<RecordId, Vec<u8>>,
    /// Turned, and keeps half of its entries to itself.
    pub(super) withholds: bool,
}

/// What is remembered of a peer's device.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// How far its log was followed.
    pub(super) followed: Option<(Epoch, Position)>,
    /// The last session found no agreement, for no reason of its own.
    pub(super) fresh: bool,
    /// It did what no honest peer does.
    pub(super) misbehaved: Option<String>,
}

/// What a peer sent in one step.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Kinds in the order in which they came.
    pub(super) kinds: Vec<Kind>,
    /// Places of what is in the set, and their lengths.
    pub(super) kept: Vec<(Ordinal, usize)>,
    /// How many could not enter yet.
    pub(super) aside: usize,
    /// Who is said to have signed what was refused.
    pub(super) refused: Vec<Option<DeviceKey>>,
}

/// A record, folded.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) document: Automerge,
    pub(super) view: View,
    /// Entries that are kept but not shown.
    pub(super) quarantined: Vec<EntryId>,
}

impl Ally {
    pub(super) fn new(number: usize, commons: CommonsId) -> Result<Self, Broken> {
        let keys = keys(number);
        let disk = Disk::new(Epoch(*b"the first disk  "));
        let commons = Commons::open(commons, keys.key(), &disk)?;
        Ok(Self {
            keys,
            disk,
            commons,
            up: true,
            clock: 0,
            ticket: None,
            peers: BTreeMap::new(),
            made: Vec::new(),
            heard: Heard::default(),
            documents: BTreeMap::new(),
            withholds: false,
        })
    }

    pub(super) const fn roster(&self) -> &Roster {
        self.commons.roster()
    }

    pub(super) fn network(&self) -> NetworkKey {
        self.keys.device().network
    }

    /// Whether it is in, as far as it knows itself.
    pub(super) fn is_in(&self) -> bool {
        self.roster().ally_of(&self.keys.key()).is_some()
    }

    pub(super) fn admits(&self, other: &NetworkKey) -> bool {
        self.roster().device(other).is_some()
    }

    pub(super) fn peer(&mut self, number: usize) -> &mut Peer {
        self.peers.entry(number).or_default()
    }

    /// Takes verified entries in, durably.
    pub(super) fn take_in(&mut self, entries: Vec<Verified<Entry>>, now: Timestamp) -> Result<Ingested, Broken> {
        Ok(self.ingest_verified(entries, now)?)
    }

    fn ingest_verified(&mut self, entries: Vec<Verified<Entry>>, now: Timestamp) -> Result<Ingested, store::Error> {
        let me = self.keys.key();
        let own: Vec<EntryId> = entries.iter().filter(|entry| entry.device() == me).map(|entry| entry.id()).collect();
        let ingested = self.commons.ingest(&mut self.disk, entries, now)?;
        self.made.extend(ingested.added.iter().map(|entered| entered.id).filter(|id| own.contains(id)));
        Ok(ingested)
    }

    /// Takes in what it signed itself: the rules must agree.
    pub(super) fn enter(&mut self, entries: Vec<Verified<Entry>>, now: Timestamp) -> Result<(), Broken> {
        let count = entries.len();
        let ingested = self.take_in(entries, now)?;
        if ingested.added.len() < count {
            return Err(Broken::Rule(format!("an ally's own entries do not enter: {ingested:?}")));
        }
        Ok(())
    }

    pub(super) fn say(&mut self, act: Act, now: Timestamp) -> Result<(), Broken> {
        let statements = self.roster().say(&self.keys, act, now)?;
        self.enter(entries(statements), now)
    }

    /// Signs a draft and makes it durable.
    pub(super) fn share(&mut self, draft: &[u8], record: Option<RecordId>, now: Timestamp) -> Result<Change, Broken> {
        let frontier = self.frontier(now)?;
        let change = Change::seal(draft, &self.keys, self.commons.id(), frontier, record)?.into_inner();
        self.enter(vec![Verified::trusted(Entry::Change(change.clone()))], now)?;
        Ok(change)
    }

    /// The statement that a change made now names.
    pub(super) fn frontier(&mut self, now: Timestamp) -> Result<essaim_protocol::id::StatementId, Broken> {
        let frontier = self.roster().frontier(&self.keys, now)?;
        self.enter(entries(frontier.seen), now)?;
        Ok(frontier.id)
    }

    /// A ticket for somebody.
    pub(super) fn invite(&mut self, dice: &mut Dice, now: Timestamp) -> Result<Ticket, Broken> {
        let secret = dice.bytes();
        let uses = 1 + dice.below(3) as u16;
        let offer = Offer { seed: Seed::new(secret), role: Role::Ally, expires: now.plus(A_MONTH), uses };
        let statements = self.roster().invite(&self.keys, &offer, now)?;
        let invite = statements.last().ok_or_else(|| Broken::Rule("an invitation says nothing".to_owned()))?.id();
        self.enter(entries(statements), now)?;
        let council = self.roster().council();
        Ok(Ticket::new(self.commons.id(), council, invite, Seed::new(secret), Vec::new(), Vec::new()))
    }

    /// Lets in the newcomers whom this device may let in.
    fn admit(&mut self, now: Timestamp) -> Result<(), store::Error> {
        for newcomer in self.roster().admissible(&self.keys.key(), now) {
            if let Ok(statements) = self.roster().admit(&self.keys, &newcomer, now) {
                self.ingest_verified(entries(statements), now)?;
            }
        }
        Ok(())
    }

    /// Answers a newcomer who knocks. Afterwards it has what the host knows of who is in, or was refused.
    pub(super) fn welcome(&mut self, newcomer: &mut Self, now: Timestamp) -> Result<(), Broken> {
        let Some(ticket) = newcomer.ticket.clone() else { return Ok(()) };
        let proof = ticket.prove(&newcomer.network(), &self.network());
        let (guest, host) = (newcomer.network(), self.network());
        if !self.admits(&guest) && self.roster().check_ticket(&ticket.invite, &proof, &guest, &host, now).is_err() {
            return Ok(());
        }
        newcomer.learn(&self.statements(), now)?;
        let presented = newcomer.present(&ticket, now)?;
        self.learn(&presented, now)?;
        self.admit(now)?;
        newcomer.learn(&self.statements(), now)
    }

    fn learn(&mut self, statements: &[Vec<u8>], now: Timestamp) -> Result<(), Broken> {
        let commons = self.commons.id();
        let read = statements.iter().map(|bytes| entry::decode_and_verify(bytes, &commons));
        let verified = read.collect::<Result<Vec<_>, _>>().map_err(|refused| Broken::Rule(refused.to_string()))?;
        let ingested = self.take_in(verified, now)?;
        if ingested.refused.is_empty() {
            return Ok(());
        }
        Err(Broken::Rule(format!("a newcomer and its host do not understand each other: {ingested:?}")))
    }

    /// The statements by which it presents itself, made once.
    fn present(&mut self, ticket: &Ticket, now: Timestamp) -> Result<Vec<Vec<u8>>, Broken> {
        let me = self.keys.key();
        let mine = |entry: &Entry| matches!(entry, Entry::Statement(_)) && entry.device() == me;
        if !self.log().iter().any(|(_, entry)| mine(entry)) {
            let name = Name::new(&format!("{me:#}")).map_err(|error| Broken::Rule(error.to_string()))?;
            let card = Card { kind: AllyKind::Organisation, name, recovery: RecoveryHash::NONE };
            let inception = roster::inception(&self.keys, ticket.commons, ticket.invite, card, CHARTER, now)?;
            let redeem = roster::redeem(&self.keys, ticket, AllyId::from(inception.id()), now)?;
            self.enter(entries([inception, redeem]), now)?;
        }
        let presents = |statement: &Statement| matches!(statement.act(), Act::Inception(_) | Act::Redeem(_));
        let own = self.log().into_iter().filter(|(_, entry)| mine(entry));
        Ok(own
            .filter(|(_, entry)| matches!(entry, Entry::Statement(said) if presents(said)))
            .map(|(_, e)| e.encode())
            .collect())
    }

    fn statements(&self) -> Vec<Vec<u8>> {
        let all = self.log().into_iter().filter(|(_, entry)| matches!(entry, Entry::Statement(_)));
        all.map(|(_, entry)| entry.encode()).collect()
    }

    /// What its log holds that is an entry.
    pub(super) fn log(&self) -> Vec<(EntryId, Entry)> {
        let mut log = Vec::new();
        let scanned = self.disk.scan(Ordinal(0), &mut |_, id, bytes| {
            log.extend(Entry::decode(bytes).ok().map(|entry| (id, entry.trust().into_inner())));
            ControlFlow::Continue(())
        });
        debug_assert!(scanned.is_ok(), "memory does not fail");
        log
    }

    /// The ids in its log, in order.
    pub(super) fn ids(&self) -> Vec<EntryId> {
        self.ids_below(self.disk.end())
    }

    /// The ids in its log below a place, in order.
    pub(super) fn ids_below(&self, end: Ordinal) -> Vec<EntryId> {
        let mut ids = Vec::new();
        let listed = self.disk.ids(Ordinal(0), &mut |at, id| {
            if at >= end {
                return ControlFlow::Break(());
            }
            ids.push(id);
            ControlFlow::Continue(())
        });
        debug_assert!(listed.is_ok(), "memory does not fail");
        ids
    }

    /// Whether a power cut now would leave it the entry.
    pub(super) fn holds(&self, id: &EntryId) -> bool {
        matches!(self.disk.safe().ordinal(id), Ok(Some(_)))
    }

    /// The record as it reads, folded on what was folded before.
    pub(super) fn sheet(&mut self, record: &RecordId) -> Result<Sheet, Broken> {
        let saved = self.documents.get(record).cloned();
        let (sheet, saved) = self.fold(record, saved.as_deref())?;
        self.documents.insert(*record, saved);
        Ok(sheet)
    }

    /// The record as it reads, folded from its changes alone.
    pub(super) fn sheet_from_nothing(&self, record: &RecordId) -> Result<Sheet, Broken> {
        Ok(self.fold(record, None)?.0)
    }

    fn fold(&self, record: &RecordId, base: Option<&[u8]>) -> Result<(Sheet, Vec<u8>), Broken> {
        let mut entries = Vec::new();
        for place in self.disk.of_record(record)? {
            let bytes = self.disk.read(place)?.map(|(_, bytes)| bytes).unwrap_or_default();
            entries.extend(Entry::decode(&bytes).ok().map(|entry| entry.trust().into_inner()));
        }
        let chunks: Vec<&[u8]> = entries.iter().filter_map(chunk).collect();
        let folded = fold::fold(base, &chunks)?;
        let mut authors: BTreeMap<Actor, Attribution> = BTreeMap::new();
        for entry in &entries {
            if let Entry::Change(change) = entry {
                let (device, time) = (change.device(), change.time());
                authors.insert(change.actor(), Attribution { device, ally: self.roster().ally_of(&device), time });
            }
        }
        let view = View::read(*record, &folded.document, &|actor| authors.get(&actor).copied());
        let mut quarantined: Vec<_> =
            folded.quarantined.iter().filter_map(|out| entries.get(out.index)).map(Entry::id).collect();
        quarantined.sort_unstable();
        Ok((Sheet { document: folded.document, view, quarantined }, folded.saved))
    }

    /// What was derived, and what was remembered of others, may be lost with a crash.
    pub(super) fn forget(&mut self) {
        self.documents.clear();
        self.peers.clear();
    }

    /// The program starts on what the disk holds.
    pub(super) fn start(&mut self) -> Result<(), Broken> {
        self.commons = Commons::open(self.commons.id(), self.keys.key(), &self.disk)?;
        self.disk.settle()?;
        (self.up, self.made, self.heard) = (true, Vec::new(), Heard::default());
        Ok(())
    }
}

pub(super) fn keys(number: usize) -> Keys {
    Keys::from_seed(&Seed::new(*blake3::hash(&number.to_le_bytes()).as_bytes()))
}

pub(super) fn entries(statements: impl IntoIterator<Item = Verified<Statement>>) -> Vec<Verified<Entry>> {
    statements.into_iter().map(|statement| Verified::trusted(Entry::Statement(statement.into_inner()))).collect()
}

fn chunk(entry: &Entry) -> Option<&[u8]> {
    match entry {
        Entry::Statement(_) => None,
        Entry::Change(change) => Some(change.chunk()),
        Entry::Adoption(adoption) => Some(adoption.chunk()),
    }
}

impl Replica for Ally {
    fn set(&self) -> &Set {
        self.commons.set()
    }

    fn epoch(&self) -> Epoch {
        self.disk.epoch()
    }

    fn end(&self) -> Ordinal {
        self.commons.end()
    }

    fn places(&self, item: &Item) -> Result<Vec<Place>, store::Error> {
        Ok(self.disk.matching(item)?.into_iter().map(|at| self.commons.place(at)).collect())
    }

    fn scan(&self, from: Ordinal, visit: &mut Visit<'_>) -> Result<(), store::Error> {
        self.disk.ids(from, &mut |at, id| visit(self.commons.place(at), id))
    }

    fn read(&self, at: Ordinal) -> Result<Option<Vec<u8>>, store::Error> {
        let read = self.disk.read(at)?;
        Ok(read.filter(|(id, _)| !self.withholds || id.0[0] % 2 == 0).map(|(_, bytes)| bytes))
    }

    fn ingest(&mut self, entries: Vec<Sent>, from: &Sender, now: Timestamp) -> Result<Vec<Fate>, store::Error> {
        let (bytes, entries): (Vec<_>, Vec<_>) = entries.into_iter().map(|sent| (sent.bytes, sent.entry)).unzip();
        let Received { fates, .. } = self.commons.receive(&mut self.disk, entries, from, now)?;
        for (fate, bytes) in fates.iter().zip(&bytes) {
            self.heard.note(fate, bytes);
        }
        if self.heard.kinds.contains(&Kind::Statement) {
            self.admit(now)?;
        }
        Ok(fates)
    }
}

impl Heard {
    fn note(&mut self, fate: &Fate, bytes: &[u8]) {
        self.kinds.push(if Entry::is_statement(bytes) { Kind::Statement } else { Kind::Content });
        match fate {
            Fate::Kept { place, .. } => self.kept.push((place.ordinal, bytes.len())),
            Fate::Aside | Fate::Delayed => self.aside += 1,
            Fate::Newer(_) => {}
            Fate::Refused { device, .. } => self.refused.push(*device),
        }
    }
}
