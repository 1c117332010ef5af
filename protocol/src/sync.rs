//! One reconciliation with one peer: a machine that takes frames and gives back what to do.
//!
//! The story of a session. Both sides pin a snapshot of their set and send a [hello] with tags of it; equal tags say
//! *in sync*, and that is all. Otherwise the initiator sends coded symbols, the other side [finds the
//! difference](self), asking for more symbols where it must, and each sends what the other lacks: statements first,
//! then in log order, in compressed frames that the receiver verifies and commits before it acknowledges them. A side
//! that holds no content follows the other's log instead, and goes on where it stopped when it was cut off. At the end
//! each sends the tag of its snapshot and what the session brought. When these are equal both hold the union of the two
//! snapshots, whatever came from elsewhere meanwhile: *in sync*, and the peer holds all of our log up to the pinned
//! place.
//!
//! A [`Session`] has no socket and no clock. Its [`Intake`] reads and verifies the peer's frames, on another thread if one
//! likes. The session reads and writes the node's entries through a [`Replica`]; the driver
//! carries frames, ticks, and does what the [`Effect`]s say. Nothing that a peer sends is believed: entries are
//! verified by the replica, lists and symbols have bounds, and a false word ends the session by [`Fault`] or leaves
//! the final tags unequal, never equal.
//!
#![doc = include_str!("../docs/sync.md")]

pub mod frame;
pub mod hello;
mod intake;
mod memory;
mod reconcile;
#[cfg(test)]
mod tests;
mod transfer;

use std::ops::ControlFlow;

pub use intake::{Heard, Intake, Sent};
pub use memory::Memory;
pub use transfer::{CREDIT, LEVEL};

use self::frame::{Frame, Position};
use self::hello::Hello;
use self::intake::Content;
use self::reconcile::Reconcile;
use self::transfer::{Incoming, Outgoing};
use crate::digest::{Digest, Tag};
use crate::id::{CommonsId, DeviceKey, EntryId, Epoch, Item, NetworkKey};
use crate::set::{Kind, Set};
use crate::store::{self, Ordinal};
use crate::time::Timestamp;
use crate::wire::DecodeError;

/// How long a peer may be silent, in milliseconds. A peer that verifies a frame of 256 KiB on a slow machine answers
/// well within; one that holds a session open for nothing takes a place that another could have.
pub const IDLE_MS: u64 = 30_000;

/// What a session needs of the node: the set, the log, and a way in.
///
/// Ordinals are places in the log; those of entries that are in the set are shown, others are not. Between two calls
/// of the session the set and the log may change; what is below [`Replica::end`] at the hello is the snapshot.
pub trait Replica {
    /// The set that is reconciled.
    fn set(&self) -> &Set;

    /// Within which ordinals mean something.
    fn epoch(&self) -> Epoch;

    /// The place that the next entry will have.
    fn end(&self) -> Ordinal;

    /// Places of the entries of the set whose id begins with these 16 bytes.
    ///
    /// # Errors
    /// When the store fails.
    fn places(&self, item: &Item) -> Result<Vec<Place>, store::Error>;

    /// Shows the entries of the set in log order from a place on, until `visit` breaks.
    ///
    /// # Errors
    /// When the store fails.
    fn scan(&self, from: Ordinal, visit: &mut Visit<'_>) -> Result<(), store::Error>;

    /// The bytes of the entry at a place; `None` when it is not held any more.
    ///
    /// # Errors
    /// When the store fails.
    fn read(&self, at: Ordinal) -> Result<Option<Vec<u8>>, store::Error>;

    /// Keeps of the entries that a peer sent what may be kept, durably. One fate for each, in the same order.
    ///
    /// # Errors
    /// When the store fails; then none of them is acknowledged.
    fn ingest(&mut self, entries: Vec<Sent>, from: &Sender, now: Timestamp) -> Result<Vec<Fate>, store::Error>;
}

/// Who sends entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The peer.
    pub peer: NetworkKey,
    /// Whether we follow its log, as in a first sync.
    pub followed: bool,
}

/// What [`Replica::scan`] shows each entry to.
pub type Visit<'a> = dyn FnMut(Place, EntryId) -> ControlFlow<()> + 'a;

/// Where an entry is, and when it is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its place in the log.
    pub ordinal: Ordinal,
    /// Statements are sent first.
    pub kind: Kind,
}

/// What became of a received entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is in the set, now or already, and durable.
    Kept {
        /// Its id.
        id: EntryId,
        /// Where it is.
        place: Place,
    },
    /// It is not in the set: it waits for another entry, or is set aside.
    Aside,
    /// It is not in the set: its author, who sends it, adds more than is taken in a day.
    Delayed,
    /// A newer version made it: this one cannot judge it.
    Newer(DecodeError),
    /// It is wrong on every node: the sender should not have kept it.
    Refused {
        /// The device that it says signed it, when it says so much.
        device: Option<DeviceKey>,
        /// What is wrong.
        reason: String,
    },
}

/// Who opened the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// We did: we send symbols.
    Initiator,
    /// The peer did: we decode.
    Responder,
}

/// What a session is about.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who opened it.
    pub role: Role,
    /// The commons. The peer must have shown that it may know of it.
    pub commons: CommonsId,
    /// This node, as the connection proved it to the peer.
    pub me: NetworkKey,
    /// The peer, as the connection proved it.
    pub peer: NetworkKey,
    /// Random bytes, for a fresh key should one be needed.
    pub random: [u8; 32],
    /// Whether to begin under the fresh key, as [`Outcome::Differs`] of the last session said.
    pub fresh: bool,
    /// How far this peer's log was followed when the last session was cut, from [`Effect::Followed`].
    pub followed: Option<(Epoch, Position)>,
}

/// What happens to a session.
#[derive(Debug)]
pub enum Event {
    /// Frames came, in this order, and were read by the session's [`Intake`]. The entries in frames that follow one
    /// another are made durable together.
    Frames(Vec<Heard>),
    /// What was asked for by [`Effect::More`] can be made.
    GoOn,
    /// Time passes: at least every few seconds.
    Tick,
}

/// What a session wants done, in order.
#[derive(Debug)]
pub enum Effect {
    /// Send this frame.
    Send(Vec<u8>),
    /// There is more to send. What stands before this can leave at once, so that the peer works on it while
    /// [`Event::GoOn`] makes the next frame.
    More,
    /// The peer holds the entries at these places durably.
    Acknowledged(Vec<Ordinal>),
    /// Remember how far the peer's log was followed; `None`: no need any more.
    Followed(Option<(Epoch, Position)>),
    /// It is over: close the stream, once what was sent has left.
    Ended(Result<Outcome, Fault>),
}

/// How a session ended that nothing went wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Both hold the same: the peer has all of our log below `held`.
    InSync {
        /// Where our snapshot ended.
        held: Ordinal,
        /// How many entries of the set the peer will not hold the bytes of.
        declined: u32,
        /// What was exchanged.
        traffic: Traffic,
    },
    /// Entries did not come, could not enter yet, or left meanwhile: the next session goes on from here.
    Differs {
        /// Nothing of this explains it, so ids may have collided: begin the next session under a fresh key.
        fresh: bool,
        /// What was exchanged.
        traffic: Traffic,
    },
}

/// Entries exchanged in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Entries that were new here at the hello.
    pub received: u64,
    /// Entries sent.
    pub sent: u64,
    /// Round trips spent on asking for more symbols, when we decoded.
    pub asks: u32,
}

/// What ended a session early, and by whose fault.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Our store failed.
    #[error("the store failed")]
    Ours(#[from] store::Error),
    /// Our compressor failed: out of memory.
    #[error("the compressor failed")]
    Compressor,
    /// The peer broke the protocol.
    #[error("the peer misbehaves: {0}")]
    Misbehaved(#[from] Misbehaviour),
    /// The peer speaks a newer version.
    #[error("the peer is newer: {0}")]
    Incompatible(DecodeError),
    /// What the peer adds itself is more than is taken from one ally in a day. Nobody is at fault; the rest comes later.
    #[error("the peer adds more than is taken from one ally in a day")]
    Allowance,
    /// Nothing came from the peer for [`IDLE_MS`].
    #[error("the peer fell silent")]
    Silent,
}

/// What no honest peer does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misbehaviour {
    /// A frame is not what its type says.
    #[error("a frame is malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// A frame that has no place now.
    #[error("a frame came out of turn")]
    OutOfTurn,
    /// The hello names another commons.
    #[error("it speaks of another commons")]
    OtherCommons,
    /// Symbols asked for twice, beyond all need, or too often.
    #[error("it asks for symbols that it has or cannot need")]
    Ask,
    /// A list that does not ascend, or is longer than the set it is of.
    #[error("a list of items is out of order or too long")]
    List,
    /// Symbols that do not decode under a key that nobody could prepare for.
    #[error("its symbols are no set's")]
    Symbols,
    /// A frame that brings nothing.
    #[error("a frame is empty")]
    EmptyFrame,
    /// Not a zstd stream with a window of at most 1 MiB.
    #[error("its compression is broken")]
    Compression,
    /// A frame that decompresses beyond its bound.
    #[error("a frame decompresses to more than a frame may hold")]
    Bomb,
    /// More entries than its set has.
    #[error("it sends more entries than it said it has")]
    TooMany,
    /// Entries that we were known to have.
    #[error("it sends again what we have")]
    Repeats,
    /// Acknowledgement of what was not sent.
    #[error("it acknowledges what was not sent")]
    Acknowledgement,
    /// An entry that is wrong on every node.
    #[error("it sends a wrong entry{}: {reason}", said_to_be_by(device.as_ref()))]
    Refused {
        /// Who is said to have signed it.
        device: Option<DeviceKey>,
        /// What is wrong.
        reason: String,
    },
}

fn said_to_be_by(device: Option<&DeviceKey>) -> String {
    device.map_or_else(String::new, |device| format!(", said to be by {device:#}"))
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Unknown { .. } => Self::Incompatible(error),
            DecodeError::Truncated { .. }
            | DecodeError::Trailing { .. }
            | DecodeError::TooLarge { .. }
            | DecodeError::Invalid { .. }
            | DecodeError::NotCanonical { .. } => Self::Misbehaved(error.into()),
        }
    }
}

/// One reconciliation with one peer.
#[derive(Debug)]
pub struct Session {
    config: Config,
    heard: Timestamp,
    /// The digest of the snapshot, and of what the session brings.
    digest: Digest,
    /// Where the snapshot ends in our log.
    below: Ordinal,
    count: u64,
    theirs: Option<Hello>,
    /// Until it is known what to send; it holds the snapshot of the sketch, which costs 2 MiB once the set changes.
    reconcile: Option<Reconcile>,
    /// The snapshot of the set, until the peer's hello has come.
    set: Option<Set>,
    /// How far the peer's log is followed.
    following: Option<Position>,
    /// Whether the difference may be other than what was found: a log was followed, or an entry could not enter.
    partial: bool,
    outgoing: Outgoing,
    incoming: Incoming,
    asks: u32,
    done: bool,
    their_done: Option<Tag>,
    ended: bool,
}

/// What came in frames of entries that followed one another.
#[derive(Debug, Default)]
struct Unpacked {
    entries: Vec<Sent>,
    /// Of each frame, how many entries it held and where the sender goes on after it.
    frames: Vec<(usize, Ordinal)>,
}

/// What became of the entries of one frame.
#[derive(Debug, Default)]
struct Taken {
    /// How many were not kept.
    aside: u64,
    /// Of which kind the last one is that was kept.
    kept: Option<Kind>,
}

impl Session {
    /// Pins a snapshot and says hello.
    #[must_use]
    pub fn new(config: Config, replica: &dyn Replica, now: Timestamp) -> (Self, Vec<Effect>) {
        let set = replica.set();
        let hello = Hello {
            capabilities: 0,
            commons: config.commons,
            count: set.count(),
            all: set.digest().tag(&config.me, &config.commons),
            statements: set.statements().tag(&config.me, &config.commons),
            epoch: replica.epoch(),
            declined: 0,
            declined_tag: Digest::new().tag(&config.me, &config.commons),
        };
        let session = Self {
            config,
            heard: now,
            digest: set.digest().clone(),
            below: replica.end(),
            count: set.count(),
            theirs: None,
            reconcile: None,
            set: Some(set.clone()),
            following: None,
            partial: false,
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            asks: 0,
            done: false,
            their_done: None,
            ended: false,
        };
        (session, vec![Effect::Send(Frame::Hello(hello).encode())])
    }

    /// Takes what happened and gives back what to do. After [`Effect::Ended`] nothing follows.
    pub fn handle(&mut self, event: Event, now: Timestamp, replica: &mut dyn Replica) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.ended
            && let Err(fault) = self.step(event, now, replica, &mut effects)
        {
            self.end(Err(fault), &mut effects);
        }
        effects
    }

    fn step(
        &mut self,
        event: Event,
        now: Timestamp,
        replica: &mut dyn Replica,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Fault> {
        let frames = match event {
            Event::Frames(frames) => frames,
            Event::GoOn => return self.go_on(replica, effects),
            Event::Tick if now.since(self.heard) >= IDLE_MS => return Err(Fault::Silent),
            Event::Tick => return Ok(()),
        };
        self.heard = now;
        let mut unpacked = Unpacked::default();
        for heard in frames {
            let read = self.admit(heard, &mut unpacked);
            if !matches!(read, Ok(None)) {
                // What came before it is kept, also when it is wrong.
                self.entries(std::mem::take(&mut unpacked), now, replica, effects)?;
            }
            if let Some(frame) = read? {
                self.frame(frame, replica, effects)?;
            }
            if self.ended {
                return Ok(());
            }
        }
        self.entries(unpacked, now, replica, effects)?;
        self.go_on(replica, effects)
    }

    /// Lets a frame in if it may come now: `None` when it holds entries, which wait in `unpacked`.
    fn admit(&mut self, heard: Heard, unpacked: &mut Unpacked) -> Result<Option<Frame>, Fault> {
        let content = heard.0?;
        if self.theirs.is_none() != matches!(content, Content::Other(Frame::Hello(_))) {
            return Err(Misbehaviour::OutOfTurn.into());
        }
        let (next, mut entries) = match content {
            Content::Entries { next, entries } => (next, entries),
            Content::Other(frame) => return Ok(Some(frame)),
        };
        self.incoming.take(entries.len())?;
        if self.theirs.is_some_and(|hello| self.incoming.received > hello.count) {
            return Err(Misbehaviour::TooMany.into());
        }
        unpacked.frames.push((entries.len(), next));
        unpacked.entries.append(&mut entries);
        Ok(None)
    }

    fn frame(&mut self, frame: Frame, replica: &dyn Replica, effects: &mut Vec<Effect>) -> Result<(), Fault> {
        match frame {
            Frame::Hello(hello) => self.hello(hello, replica, effects)?,
            Frame::Symbols(_)
            | Frame::Ask(_)
            | Frame::Fresh(_)
            | Frame::AskItems
            | Frame::Items(_)
            | Frame::Want(_) => self.reconcile(frame, replica, effects)?,
            Frame::Follow(position) => self.lead(position)?,
            Frame::Ack { frames, aside } => {
                let places = self.outgoing.acknowledged(frames, aside)?;
                // Which of them were not kept is not said, so none is confirmed.
                if aside == 0 {
                    effects.push(Effect::Acknowledged(places));
                } else {
                    self.partial = true;
                }
            }
            Frame::End => self.incoming.end()?,
            Frame::Done(tag) if self.incoming.has_ended() && self.their_done.is_none() => self.their_done = Some(tag),
            Frame::Done(_) | Frame::Entries { .. } => return Err(Misbehaviour::OutOfTurn.into()),
        }
        Ok(())
    }

    fn hello(&mut self, hello: Hello, replica: &dyn Replica, effects: &mut Vec<Effect>) -> Result<(), Fault> {
        if hello.commons != self.config.commons {
            return Err(Misbehaviour::OtherCommons.into());
        }
        self.theirs = Some(hello);
        let Some(set) = self.set.take() else { return Ok(()) };
        if hello.all == self.tag_of_peer() {
            self.end(Ok(self.in_sync(&hello)), effects);
            return Ok(());
        }
        let mut reconcile = Reconcile::new(&set, self.below, hello.count, self.config.random);
        let initiator = self.config.role == Role::Initiator;
        // Who joins holds the statements before the first session: nothing else makes a set that is worth comparing.
        let bare = set.digest() == set.statements();
        let theirs_is_bare = hello.all == hello.statements;
        if (bare && !theirs_is_bare) || (initiator && !theirs_is_bare && self.followed(&hello).is_some()) {
            self.follow(&hello, effects);
        } else if initiator && (bare || !theirs_is_bare) {
            send(effects, reconcile.begin(self.config.fresh, replica)?);
            self.reconcile = Some(reconcile);
        } else {
            self.reconcile = Some(reconcile);
        }
        Ok(())
    }

    /// Where to go on in the peer's log, if it was not read to its end and much of it is missing still. A little is found
    /// by symbols, with less to send again if it has come from elsewhere.
    fn followed(&self, hello: &Hello) -> Option<Position> {
        let missing = hello.count.saturating_sub(self.count);
        let (epoch, position) = self.config.followed?;
        (epoch == hello.epoch && missing > self.count / 16).then_some(position)
    }

    /// Asks for the peer's log. Nothing is offered in return: what the peer lacks, the next session finds.
    fn follow(&mut self, hello: &Hello, effects: &mut Vec<Effect>) {
        let position = self.followed(hello).unwrap_or_default();
        self.following = Some(position);
        self.partial = true;
        self.reconcile = None;
        self.outgoing.send(Vec::new());
        send(effects, [Frame::Follow(position)]);
    }

    /// The peer follows our log. It must not have begun to reconcile otherwise.
    fn lead(&mut self, position: Position) -> Result<(), Fault> {
        if self.reconcile.take().is_none() {
            return Err(Misbehaviour::OutOfTurn.into());
        }
        self.partial = true;
        self.outgoing.send_log(position, self.below);
        Ok(())
    }

    fn reconcile(&mut self, frame: Frame, replica: &dyn Replica, effects: &mut Vec<Effect>) -> Result<(), Fault> {
        let (Some(reconcile), Some(hello)) = (&mut self.reconcile, self.theirs) else {
            return Err(Misbehaviour::OutOfTurn.into());
        };
        if reconcile.is_waiting() && self.followed(&hello).is_some() {
            self.follow(&hello, effects);
            return Ok(());
        }
        let Some(reconcile) = &mut self.reconcile else { return Ok(()) };
        let mut frames = Vec::new();
        if let Some(places) = reconcile.handle(frame, replica, &mut frames)? {
            self.asks = reconcile.asks;
            self.reconcile = None;
            self.outgoing.send(places);
        }
        send(effects, frames);
        Ok(())
    }

    /// Takes in what frames held, and acknowledges them.
    fn entries(
        &mut self,
        unpacked: Unpacked,
        now: Timestamp,
        replica: &mut dyn Replica,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Fault> {
        let Some(hello) = self.theirs.filter(|_| !unpacked.frames.is_empty()) else { return Ok(()) };
        let lengths: Vec<_> = unpacked.entries.iter().map(|sent| sent.bytes.len()).collect();
        let from = Sender { peer: self.config.peer, followed: self.following.is_some() };
        let mut fates = replica.ingest(unpacked.entries, &from, now)?.into_iter().zip(lengths);
        let (mut frames, mut aside, mut kept) = (0, 0, None);
        let mut outcome = Ok(());
        for (count, next) in unpacked.frames {
            match self.frame_of_entries(fates.by_ref().take(count).collect()) {
                Ok(taken) => {
                    (frames, aside) = (frames + 1, aside + taken.aside);
                    kept = taken.kept.map(|kind| (kind, next)).or(kept);
                }
                // The frames before it are durable here, and their sender must not send them again.
                Err(fault) => {
                    outcome = Err(fault);
                    break;
                }
            }
            if let (Some(position), Some((kind, next))) = (&mut self.following, kept) {
                match kind {
                    Kind::Statement => position.statements = next,
                    Kind::Content => position.content = next,
                }
            }
        }
        self.partial |= aside > 0;
        if frames > 0 {
            send(effects, [Frame::Ack { frames, aside }]);
        }
        if let (Some(position), Some(_)) = (self.following, kept) {
            effects.push(Effect::Followed(Some((hello.epoch, position))));
        }
        outcome?;
        if self.following.is_none() && self.incoming.repeated > CREDIT {
            return Err(Misbehaviour::Repeats.into());
        }
        Ok(())
    }

    /// Counts what became of the entries of one frame, each with its length.
    fn frame_of_entries(&mut self, fates: Vec<(Fate, usize)>) -> Result<Taken, Fault> {
        if fates.iter().all(|(fate, _)| *fate == Fate::Delayed) {
            // The frames after it would most likely come in vain as well, and again in the next session.
            return Err(Fault::Allowance);
        }
        let mut taken = Taken::default();
        for (fate, length) in fates {
            match fate {
                Fate::Kept { id, place } => {
                    self.keep(id, place, length);
                    taken.kept = Some(place.kind);
                }
                Fate::Aside | Fate::Delayed => taken.aside += 1,
                Fate::Newer(error) => return Err(Fault::Incompatible(error)),
                Fate::Refused { device, reason } => return Err(Misbehaviour::Refused { device, reason }.into()),
            }
        }
        Ok(taken)
    }

    /// An entry that came is in the set.
    fn keep(&mut self, id: EntryId, place: Place, length: usize) {
        if place.ordinal >= self.below && self.incoming.found.insert(place.ordinal) {
            self.digest.insert(&id);
        } else {
            self.incoming.repeated += length;
        }
    }

    /// Sends one frame of entries if there is credit for it, and comes to an end when both sides have sent all.
    fn go_on(&mut self, replica: &dyn Replica, effects: &mut Vec<Effect>) -> Result<(), Fault> {
        if self.ended {
            return Ok(());
        }
        if let Some(frame) = self.outgoing.next_frame(replica)? {
            let more = matches!(frame, Frame::Entries { .. });
            send(effects, [frame]);
            if more {
                effects.push(Effect::More);
                return Ok(());
            }
        }
        if !self.done && self.outgoing.has_ended() && self.incoming.has_ended() {
            self.done = true;
            send(effects, [Frame::Done(self.digest.tag(&self.config.me, &self.config.commons))]);
        }
        if let (true, Some(tag), Some(hello)) = (self.done, self.their_done, self.theirs) {
            let equal = tag == self.tag_of_peer();
            let differs = Outcome::Differs { fresh: !self.partial, traffic: self.traffic() };
            self.end(Ok(if equal { self.in_sync(&hello) } else { differs }), effects);
        }
        Ok(())
    }

    fn tag_of_peer(&self) -> Tag {
        self.digest.tag(&self.config.peer, &self.config.commons)
    }

    fn in_sync(&self, hello: &Hello) -> Outcome {
        Outcome::InSync { held: self.below, declined: hello.declined, traffic: self.traffic() }
    }

    fn traffic(&self) -> Traffic {
        Traffic { received: self.incoming.found.len() as u64, sent: self.outgoing.sent, asks: self.asks }
    }

    fn end(&mut self, how: Result<Outcome, Fault>, effects: &mut Vec<Effect>) {
        self.ended = true;
        (self.set, self.reconcile) = (None, None);
        if how.is_ok() && (self.following.is_some() || self.config.followed.is_some()) {
            effects.push(Effect::Followed(None));
        }
        effects.push(Effect::Ended(how));
    }
}

fn send(effects: &mut Vec<Effect>, frames: impl IntoIterator<Item = Frame>) {
    effects.extend(frames.into_iter().map(|frame| Effect::Send(frame.encode())));
}
