//! Sync sessions over the desk, and what is remembered of each peer.

use std::time::Instant;

use essaim_protocol::api::{PeerSync, Words};
use essaim_protocol::commons::Received;
use essaim_protocol::id::{EntryId, Epoch, Item, NetworkKey};
use essaim_protocol::set::Set;
use essaim_protocol::store::{self, Ordinal, Store as _, Table};
use essaim_protocol::sync::frame::Position;
use essaim_protocol::sync::{
    Config, Effect, Event, Fate, Fault, Misbehaviour, Outcome, Place, Replica, Role, Sender, Sent, Session, Visit,
};
use essaim_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Desk;

/// Addresses remembered of a peer: one a kind of network, and one before.
const MAX_ADDRESSES: usize = 4;

/// Names an open session of this keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(u64);

/// A session that goes on.
#[derive(Debug)]
pub(super) struct Open {
    peer: NetworkKey,
    session: Session,
}

/// What a session wants of the network.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Frames to send, in order.
    pub send: Vec<Vec<u8>>,
    /// It has more to send: [`Event::GoOn`] makes it.
    pub more: bool,
    /// How it ended, once it has.
    pub ended: Option<Result<Outcome, Fault>>,
}

/// What is remembered of a peer's device in this commons.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// When it was last connected.
    pub seen_at: Option<Timestamp>,
    /// When both held the same, and our log's end then, within an epoch of our store.
    in_sync: Option<(Timestamp, Epoch, u64)>,
    /// How far its log was followed before the last session was cut.
    followed: Option<(Epoch, u64, u64)>,
    /// The last session ended unequal for no other reason than the sketch: begin under a fresh key.
    fresh: bool,
    /// Where it was reached, last first.
    pub addresses: Vec<String>,
    /// When it last did what no honest peer does, and what.
    pub misbehaved: Option<(Timestamp, Words)>,
}

impl Peer {
    /// What may be said of it, when our log ends at `end` in `epoch`.
    #[must_use]
    pub fn state(&self, epoch: Epoch, end: Ordinal) -> PeerSync {
        match self.in_sync {
            Some((at, of, held)) if of == epoch && held >= end.0 => PeerSync::InSync { at },
            Some((at, of, held)) if of == epoch => PeerSync::Ahead { at, entries: end.0 - held },
            Some(_) | None => PeerSync::Never,
        }
    }

    /// When it last held the same as we, if that was after the entry at `place` of our log, in `epoch`. All that came to us
    /// since then takes nothing away from what it holds.
    #[must_use]
    pub fn holds(&self, epoch: Epoch, place: Ordinal) -> Option<Timestamp> {
        self.in_sync.filter(|(_, of, held)| *of == epoch && place.0 < *held).map(|(at, ..)| at)
    }
}

impl Desk {
    /// Opens a session with a peer that is in good standing.
    pub fn open_session(&mut self, peer: NetworkKey, role: Role, now: Timestamp) -> (SessionId, Wanted) {
        let known = self.peer(&peer);
        let mut random = [0; 32];
        rand::fill(&mut random[..]);
        let config = Config {
            role,
            commons: self.id(),
            me: self.keys.device().network,
            peer,
            random,
            fresh: known.fresh,
            followed: known.followed.map(|(epoch, statements, content)| {
                (epoch, Position { statements: Ordinal(statements), content: Ordinal(content) })
            }),
        };
        let (session, effects) = Session::new(config, self, now);
        let id = SessionId(self.next_session);
        self.next_session += 1;
        self.sessions.insert(id, Open { peer, session });
        let wanted = self.carry_out(&peer, effects, now);
        (id, wanted)
    }

    /// Hands a session what happened. A session that has ended or is not known wants nothing.
    pub fn session(&mut self, id: SessionId, event: Event, now: Timestamp) -> Wanted {
        let Some(mut open) = self.sessions.remove(&id) else { return Wanted::default() };
        self.heard = Instant::now();
        let effects = open.session.handle(event, now, self);
        let wanted = self.carry_out(&open.peer, effects, now);
        if wanted.ended.is_none() {
            self.sessions.insert(id, open);
        }
        wanted
    }

    /// Forgets a session whose stream is gone.
    pub fn drop_session(&mut self, id: SessionId) {
        self.sessions.remove(&id);
    }

    /// How many sessions go on.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// What is remembered of a peer.
    #[must_use]
    pub fn peer(&self, peer: &NetworkKey) -> Peer {
        let bytes = self.store.get(Table::Peers, &peer.0).ok().flatten();
        bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()).unwrap_or_default()
    }

    /// Notes that a peer was met, and where.
    pub fn met(&mut self, peer: &NetworkKey, address: Option<String>, now: Timestamp) {
        self.note(peer, |known| {
            known.seen_at = Some(now);
            if let Some(address) = address {
                known.addresses.retain(|other| *other != address);
                known.addresses.insert(0, address);
                known.addresses.truncate(MAX_ADDRESSES);
            }
        });
    }

    /// Devices of other allies in good standing, with where they were reached.
    #[must_use]
    pub fn known_addresses(&self) -> Vec<(NetworkKey, Vec<String>)> {
        self.others().into_iter().map(|device| (device, self.peer(&device).addresses)).collect()
    }

    /// Devices of other allies in good standing.
    #[must_use]
    pub fn others(&self) -> Vec<NetworkKey> {
        let me = self.keys.device().network;
        let devices = self.roster().allies().flat_map(|ally| ally.devices).map(|device| device.network);
        devices.filter(|device| *device != me && self.roster().device(device).is_some()).collect()
    }

    /// Allies whose node misbehaved: name, when, what.
    #[must_use]
    pub fn misbehaved(&self) -> Vec<(String, Timestamp, Words)> {
        let devices = self.roster().allies().flat_map(|ally| {
            let name = ally.name.to_string();
            ally.devices.into_iter().map(move |device| (name.clone(), device.network))
        });
        devices.filter_map(|(name, device)| self.peer(&device).misbehaved.map(|(at, what)| (name, at, what))).collect()
    }

    /// Devices of allies that misbehaved and were not forgiven: a restart does not make them welcome again. (A stranger who
    /// misbehaves makes a new key for nothing, so that strangers are not remembered.)
    #[must_use]
    pub fn cut_off(&self) -> Vec<NetworkKey> {
        let devices = self.roster().allies().flat_map(|ally| ally.devices).map(|device| device.network);
        devices.filter(|device| self.peer(device).misbehaved.is_some()).collect()
    }

    /// Notes that a member's device did what no honest one does.
    pub fn condemn(&mut self, peer: &NetworkKey, what: Words, now: Timestamp) {
        self.note(peer, |known| known.misbehaved = Some((now, what)));
    }

    /// Forgets that devices misbehaved, and tells which.
    pub fn forgive(&mut self) -> Vec<NetworkKey> {
        let forgiven = self.cut_off();
        for peer in &forgiven {
            self.note(peer, |known| known.misbehaved = None);
        }
        forgiven
    }

    fn note(&mut self, peer: &NetworkKey, change: impl FnOnce(&mut Peer)) {
        let before = self.peer(peer);
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return;
        }
        let bytes = postcard::to_stdvec(&after).ok();
        if let Err(error) = self.store.put(Table::Peers, &[(peer.0.to_vec(), bytes)]) {
            tracing::warn!(%error, "what is known of a peer could not be kept");
        }
    }

    fn carry_out(&mut self, peer: &NetworkKey, effects: Vec<Effect>, now: Timestamp) -> Wanted {
        let mut wanted = Wanted::default();
        for effect in effects {
            match effect {
                Effect::Send(frame) => wanted.send.push(frame),
                Effect::More => wanted.more = true,
                Effect::Acknowledged(places) => self.confirm(peer, &places),
                Effect::Followed(position) => self.note(peer, |known| {
                    known.followed = position.map(|(epoch, at)| (epoch, at.statements.0, at.content.0));
                }),
                Effect::Ended(outcome) => {
                    self.ended(peer, &outcome, now);
                    wanted.ended = Some(outcome);
                }
            }
        }
        wanted
    }

    fn ended(&mut self, peer: &NetworkKey, outcome: &Result<Outcome, Fault>, now: Timestamp) {
        let (epoch, end) = (self.store.epoch(), self.commons.end());
        self.note(peer, |known| known.seen_at = Some(now));
        match outcome {
            Ok(Outcome::InSync { held, traffic, .. }) => {
                // What the session brought stands right above the snapshot unless something else came meanwhile.
                let whole = held.0 + traffic.received == end.0;
                let held = if whole { end } else { *held };
                self.note(peer, |known| {
                    known.in_sync = Some((now, epoch, held.0));
                    known.fresh = false;
                });
                self.confirm_below(peer, held);
            }
            Ok(Outcome::Differs { fresh, .. }) => {
                if *fresh {
                    tracing::warn!(peer = %peer.short(), "unequal although all was sent: the next session has a key of its own");
                }
                self.note(peer, |known| known.fresh = *fresh);
            }
            Err(Fault::Misbehaved(what)) => self.note(peer, |known| known.misbehaved = Some((now, misdeed(what)))),
            Err(
                fault
                @ (Fault::Ours(_) | Fault::Compressor | Fault::Incompatible(_) | Fault::Silent | Fault::Allowance),
            ) => {
                tracing::debug!(peer = %peer.short(), %fault, "a session broke off");
            }
        }
    }

    /// A peer holds our entries at these places: when it is another ally's, they are no longer ours alone.
    fn confirm(&mut self, peer: &NetworkKey, places: &[Ordinal]) {
        if !self.is_another_ally(peer) {
            return;
        }
        if self.store.outbox_len() == 0 {
            return;
        }
        // The places are those of one frame or a few; the outbox may be all that was ever imported here.
        let held: Vec<EntryId> =
            places.iter().filter_map(|at| self.store.read(*at).ok().flatten()).map(|(id, _)| id).collect();
        self.forget_outbox(&held);
    }

    fn confirm_below(&mut self, peer: &NetworkKey, held: Ordinal) {
        if !self.is_another_ally(peer) {
            return;
        }
        let outbox = self.store.outbox();
        let below: Vec<EntryId> =
            outbox.into_iter().filter(|id| matches!(self.store.ordinal(id), Ok(Some(at)) if at < held)).collect();
        self.forget_outbox(&below);
    }

    fn forget_outbox(&mut self, ids: &[EntryId]) {
        if ids.is_empty() {
            return;
        }
        if let Err(error) = self.store.confirm(ids) {
            tracing::warn!(%error, "the outbox could not be shortened");
        }
    }

    fn is_another_ally(&self, peer: &NetworkKey) -> bool {
        let theirs = self.roster().device(peer).and_then(|device| self.roster().ally_of(&device));
        theirs.is_some() && theirs != self.me()
    }
}

impl Replica for Desk {
    fn set(&self) -> &Set {
        self.commons.set()
    }

    fn epoch(&self) -> Epoch {
        self.store.epoch()
    }

    fn end(&self) -> Ordinal {
        self.commons.end()
    }

    fn places(&self, item: &Item) -> Result<Vec<Place>, store::Error> {
        Ok(self.store.matching(item)?.into_iter().map(|at| self.commons.place(at)).collect())
    }

    fn scan(&self, from: Ordinal, visit: &mut Visit<'_>) -> Result<(), store::Error> {
        self.store.ids(from, &mut |at, id| visit(self.commons.place(at), id))
    }

    fn read(&self, at: Ordinal) -> Result<Option<Vec<u8>>, store::Error> {
        Ok(self.store.read(at)?.map(|(_, bytes)| bytes))
    }

    fn ingest(&mut self, entries: Vec<Sent>, from: &Sender, now: Timestamp) -> Result<Vec<Fate>, store::Error> {
        let entries = entries.into_iter().map(|sent| sent.entry).collect();
        let received = self.commons.receive(&mut self.store, entries, from, now);
        let Received { fates, ingested } = self.reopened_if_failed(received)?;
        self.note_new(&ingested);
        let statements = ingested.added.iter().any(|entered| entered.record.is_none());
        if statements && let Err(error) = self.admit(now) {
            tracing::warn!(%error, "a newcomer could not be admitted");
        }
        Ok(fates)
    }
}

/// What a peer did. What exactly is in English, for who mends Essaim.
pub(crate) fn misdeed(what: &Misbehaviour) -> Words {
    let fr = match what {
        Misbehaviour::Malformed(_)
        | Misbehaviour::OutOfTurn
        | Misbehaviour::EmptyFrame
        | Misbehaviour::Compression
        | Misbehaviour::Bomb => "son nœud a envoyé des messages qui ne se lisent pas ou ne viennent pas à leur tour",
        Misbehaviour::OtherCommons => "son nœud a parlé d'un autre patrimoine commun que celui demandé",
        Misbehaviour::Ask
        | Misbehaviour::List
        | Misbehaviour::Symbols
        | Misbehaviour::TooMany
        | Misbehaviour::Repeats
        | Misbehaviour::Acknowledgement => {
            "les comptes de son nœud sont faux : ce qu'il dit avoir et ce qu'il envoie se contredisent"
        }
        Misbehaviour::Refused { device: Some(device), .. } => {
            return Words::new(
                format!("son nœud a envoyé une entrée fausse, au nom de l'appareil {device:#}"),
                what.to_string(),
            );
        }
        Misbehaviour::Refused { device: None, .. } => "son nœud a envoyé une entrée fausse",
    };
    Words::new(fr, what.to_string())
}
