//! Finding the difference: one side serves symbols (or its list of items), the other decodes and says what it wants.
//!
//! The initiator sends [`FIRST`] symbols, or fewer of a small set. The other side subtracts its own and peels. When they do not suffice it
//! estimates the difference and asks for about what is missing, rather too little than too much: the estimate gets
//! better with every symbol, and an ask costs a round trip while a symbol costs 26 bytes for nothing. When the sets
//! have little in common the smaller one is listed instead. The side that finds the difference sends what the other
//! lacks unasked, and a list of what it wants itself.
//!
//! Symbols that do not decode were made wrong, or from entries that somebody ground to collide under the key of the
//! commons. Once a session both sides start again under a fresh key and with names drawn from the full ids, which
//! nobody could choose against. Symbols that do not decode then either are the peer's fault.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};

use super::frame::{Frame, List};
use super::{Fault, Misbehaviour, Place, Replica};
use crate::id::{EntryId, Item};
use crate::set::Set;
use crate::sketch::{self, Decoder, Key, PREFIX, Sketch, Symbol};
use crate::store::{self, Ordinal};
use crate::wire::Reader;

/// Symbols sent unasked: they decode up to some twenty differences, the common case, and estimate more to a quarter, for
/// under a kilobyte.
pub(super) const FIRST: usize = 36;

/// The same when one set has fewer than [`SMALL`] entries: a kilobyte would be more than comparing ranges takes.
const FIRST_OF_SMALL: usize = 24;

/// The size of sets below which fewer symbols are sent unasked.
const SMALL: u64 = 4096;

/// Symbols in one frame: 26 bytes each, at most 32.
const SYMBOLS_A_FRAME: usize = 8 * 1024;

/// Most symbols under one key, 16 MiB in memory of each side's: enough for some 380,000 differences. Beyond, the smaller set is listed.
const MAX_SYMBOLS: usize = 1 << 19;

/// Most asks of one key. The fourth has practically always decoded.
const MAX_ASKS: u32 = 10;

/// Most items in a list that a peer makes us hold: 64 MiB. A set that lacks more is better served by its peer's log.
const MAX_LIST: usize = 1 << 22;

/// What was found: entries to send, now that it is known which.
pub(super) type Difference = Vec<Place>;

/// Finding the difference between our snapshot and the peer's.
#[derive(Debug)]
pub(super) struct Reconcile {
    sketch: Sketch,
    /// The key that replaced the one of the commons.
    fresh: Option<Key>,
    random: [u8; 32],
    /// Where the snapshot ends in our log.
    below: Ordinal,
    their_count: u64,
    state: State,
    /// Asks made: round trips, for the report.
    pub(super) asks: u32,
}

#[derive(Debug)]
enum State {
    /// The peer begins.
    Waiting,
    /// The peer decodes: we have sent so many symbols, perhaps our list, and it has wanted these items.
    Serving { sent: usize, asks: u32, listed: bool, wanted: Vec<Item> },
    /// We decode, and have asked for symbols up to `until`; `ours` are those of them that the peer's did not meet yet.
    Decoding { decoder: Decoder, ours: Vec<Symbol>, until: usize, asks: u32 },
    /// The symbols contradict each other. So many of those that were asked for are still under way; under a fresh key
    /// `need` are asked for first.
    Spoilt { left: usize, need: usize },
    /// We receive the peer's list.
    Listing { theirs: Vec<Item> },
    /// It is known what to send.
    Settled,
}

impl Reconcile {
    /// A side that waits for the other to begin. `random` makes the fresh key, should one be needed.
    pub(super) fn new(set: &Set, below: Ordinal, their_count: u64, random: [u8; 32]) -> Self {
        let sketch = set.sketch().clone();
        Self { sketch, fresh: None, random, below, their_count, state: State::Waiting, asks: 0 }
    }

    /// Begins, under a fresh key when the last attempt failed.
    pub(super) fn begin(&mut self, fresh: bool, replica: &dyn Replica) -> Result<Vec<Frame>, Fault> {
        self.state = serving();
        let mut frames = Vec::new();
        if fresh {
            self.fresh = Some(Key::fresh(&self.random));
            frames.push(Frame::Fresh(self.random));
        }
        frames.extend(self.serve(self.first(), replica)?);
        Ok(frames)
    }

    /// Whether nothing was said yet.
    pub(super) const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    /// Takes one of the frames of this phase. Adds the answers to `frames`; gives the places of the entries to send once
    /// they are known.
    pub(super) fn handle(
        &mut self,
        frame: Frame,
        replica: &dyn Replica,
        frames: &mut Vec<Frame>,
    ) -> Result<Option<Difference>, Fault> {
        match (&mut self.state, frame) {
            (State::Waiting, Frame::Symbols(body)) => {
                self.state = decoding(self.key(), self.first(), 0);
                self.decode(&body, replica, frames)
            }
            (State::Decoding { .. }, Frame::Symbols(body)) => self.decode(&body, replica, frames),
            (State::Spoilt { left, .. }, Frame::Symbols(body)) => {
                let late = sketch::decode(&mut Reader::new(&body), 0, self.their_count, *left);
                match late.map_err(Misbehaviour::from)?.len() {
                    0 => return Err(Misbehaviour::EmptyFrame.into()),
                    late => *left -= late,
                }
                self.start_afresh(frames);
                Ok(None)
            }
            (State::Waiting | State::Serving { .. }, Frame::Fresh(random)) if self.fresh.is_none() => {
                self.fresh = Some(Key::fresh(&random));
                if let State::Serving { sent, .. } = &mut self.state {
                    *sent = 0;
                }
                Ok(None)
            }
            (State::Serving { sent, asks, .. }, Frame::Ask(until)) => {
                *asks += 1;
                let until = usize::try_from(until).ok().filter(|until| (*sent + 1..=MAX_SYMBOLS).contains(until));
                match until {
                    Some(until) if *asks <= 2 * MAX_ASKS => frames.extend(self.serve(until, replica)?),
                    Some(_) | None => return Err(Misbehaviour::Ask.into()),
                }
                Ok(None)
            }
            (State::Serving { listed, .. }, Frame::AskItems) if !*listed => {
                *listed = true;
                frames.extend(self.list(replica)?);
                Ok(None)
            }
            (State::Serving { .. }, Frame::Items(list)) => {
                self.state = State::Listing { theirs: Vec::new() };
                self.take_list(list, replica, frames)
            }
            (State::Listing { .. }, Frame::Items(list)) => self.take_list(list, replica, frames),
            (State::Serving { wanted, .. }, Frame::Want(list)) => {
                let most = usize::try_from(self.sketch.count()).unwrap_or(usize::MAX);
                if !append(wanted, list.items, most) {
                    return Err(Misbehaviour::List.into());
                }
                if !list.last {
                    return Ok(None);
                }
                let wanted = std::mem::take(wanted);
                self.state = State::Settled;
                Ok(Some(self.places(&wanted, replica)?))
            }
            (_, _) => Err(Misbehaviour::OutOfTurn.into()),
        }
    }

    /// Both sides know both counts.
    fn first(&self) -> usize {
        if self.smaller() < SMALL { FIRST_OF_SMALL } else { FIRST }
    }

    fn smaller(&self) -> u64 {
        self.sketch.count().min(self.their_count)
    }

    fn key(&self) -> Key {
        self.fresh.unwrap_or(*self.sketch.key())
    }

    fn serve(&mut self, until: usize, replica: &dyn Replica) -> Result<Vec<Frame>, Fault> {
        let State::Serving { sent, .. } = &mut self.state else { return Ok(Vec::new()) };
        let start = std::mem::replace(sent, until);
        let symbols = self.symbols(start..until, replica)?;
        let parts = (start..).step_by(SYMBOLS_A_FRAME).zip(symbols.chunks(SYMBOLS_A_FRAME));
        Ok(parts
            .map(|(start, part)| {
                let mut body = Vec::with_capacity(part.len() * sketch::SYMBOL);
                sketch::encode(part, start, self.sketch.count(), &mut body);
                Frame::Symbols(body)
            })
            .collect())
    }

    fn symbols(&self, range: Range<usize>, replica: &dyn Replica) -> Result<Vec<Symbol>, store::Error> {
        let kept = match self.fresh {
            None => &self.sketch.prefix()[range.start.min(PREFIX)..range.end.min(PREFIX)],
            Some(_) => &[],
        };
        let rest = range.start + kept.len()..range.end;
        if rest.is_empty() {
            return Ok(kept.to_vec());
        }
        let names = self.names(replica)?;
        let later = sketch::block(&self.key(), rest, names.iter().map(|(name, _)| *name));
        Ok([kept, &later].concat())
    }

    fn decode(
        &mut self,
        body: &[u8],
        replica: &dyn Replica,
        frames: &mut Vec<Frame>,
    ) -> Result<Option<Difference>, Fault> {
        let State::Decoding { decoder, until, .. } = &self.state else { return Ok(None) };
        let (start, until) = (decoder.len(), *until);
        let theirs = sketch::decode(&mut Reader::new(body), start, self.their_count, until - start)
            .map_err(Misbehaviour::from)?;
        if theirs.is_empty() {
            return Err(Misbehaviour::EmptyFrame.into());
        }
        let smaller = self.smaller();
        let ours = self.ours_of(theirs.len(), replica)?;
        let State::Decoding { decoder, until, asks, .. } = &mut self.state else { return Ok(None) };
        match decoder.extend(&theirs, &ours) {
            Ok(true) => {
                let (theirs, ours): (Vec<_>, Vec<_>) = (decoder.theirs().collect(), decoder.ours().collect());
                return self.settle(theirs, self.places(&ours, replica)?, frames).map(Some);
            }
            Ok(false) if decoder.len() < *until => return Ok(None),
            Ok(false) => {
                self.asks += 1;
                match next_ask(decoder, *asks, smaller) {
                    Next::Symbols(next) => {
                        (*until, *asks) = (next, *asks + 1);
                        frames.push(Frame::Ask(next as u64));
                    }
                    Next::List => self.ask_for_a_list(replica, frames)?,
                    Next::GiveUp => self.give_up(frames)?,
                }
            }
            Err(sketch::Contradiction) => self.give_up(frames)?,
        }
        Ok(None)
    }

    /// Our next symbols, made once an ask: making them may cost a pass over all ids, and a frame may bring one symbol.
    fn ours_of(&mut self, many: usize, replica: &dyn Replica) -> Result<Vec<Symbol>, store::Error> {
        let State::Decoding { decoder, ours, until, .. } = &self.state else { return Ok(Vec::new()) };
        let made = if ours.is_empty() { Some(self.symbols(decoder.len()..*until, replica)?) } else { None };
        let State::Decoding { ours, .. } = &mut self.state else { return Ok(Vec::new()) };
        ours.extend(made.into_iter().flatten());
        Ok(ours.drain(..many).collect())
    }

    /// The smaller set is listed, and the other side compares.
    fn ask_for_a_list(&mut self, replica: &dyn Replica, frames: &mut Vec<Frame>) -> Result<(), Fault> {
        if self.sketch.count() <= self.their_count {
            frames.extend(self.list(replica)?);
            self.state = State::Serving { sent: 0, asks: 2 * MAX_ASKS, listed: true, wanted: Vec::new() };
        } else {
            frames.push(Frame::AskItems);
            self.state = State::Listing { theirs: Vec::new() };
        }
        Ok(())
    }

    fn give_up(&mut self, frames: &mut Vec<Frame>) -> Result<(), Fault> {
        let State::Decoding { decoder, until, .. } = &self.state else { return Ok(()) };
        if self.fresh.is_some() {
            return Err(Misbehaviour::Symbols.into());
        }
        let need = need(decoder.estimate()).clamp(FIRST, PREFIX);
        self.state = State::Spoilt { left: until - decoder.len(), need };
        self.start_afresh(frames);
        Ok(())
    }

    /// Not before all that was asked for under the old key has come: it would be taken for symbols of the new one, and
    /// whoever sent it for a liar.
    fn start_afresh(&mut self, frames: &mut Vec<Frame>) {
        let State::Spoilt { left: 0, need } = self.state else { return };
        let key = Key::fresh(&self.random);
        self.fresh = Some(key);
        self.state = decoding(key, need, 1);
        frames.push(Frame::Fresh(self.random));
        frames.push(Frame::Ask(need as u64));
    }

    fn list(&self, replica: &dyn Replica) -> Result<Vec<Frame>, store::Error> {
        let mut items: Vec<_> = self.names(replica)?.into_iter().map(|(name, _)| name).collect();
        items.sort_unstable();
        items.dedup();
        Ok(List::parts(&items).map(Frame::Items).collect())
    }

    fn take_list(
        &mut self,
        list: List,
        replica: &dyn Replica,
        frames: &mut Vec<Frame>,
    ) -> Result<Option<Difference>, Fault> {
        // Only the smaller set is listed.
        let most = usize::try_from(self.smaller()).unwrap_or(usize::MAX).min(MAX_LIST);
        let State::Listing { theirs } = &mut self.state else { return Ok(None) };
        if !append(theirs, list.items, most) {
            return Err(Misbehaviour::List.into());
        }
        if !list.last {
            return Ok(None);
        }
        let theirs: BTreeSet<_> = std::mem::take(theirs).into_iter().collect();
        let ours = self.names(replica)?;
        let lacked = ours.iter().filter(|(name, _)| !theirs.contains(name)).map(|(_, place)| *place).collect();
        let ours: BTreeSet<_> = ours.into_iter().map(|(name, _)| name).collect();
        self.settle(theirs.difference(&ours).copied().collect(), lacked, frames).map(Some)
    }

    fn settle(
        &mut self,
        mut wanted: Vec<Item>,
        lacked: Difference,
        frames: &mut Vec<Frame>,
    ) -> Result<Difference, Fault> {
        wanted.sort_unstable();
        wanted.dedup();
        frames.extend(List::parts(&wanted).map(Frame::Want));
        self.state = State::Settled;
        Ok(lacked)
    }

    /// Where the entries with these names are. Names that are not ours are passed over: what does not come is missed
    /// at the end.
    fn places(&self, names: &[Item], replica: &dyn Replica) -> Result<Vec<Place>, store::Error> {
        let mut places = Vec::new();
        if self.fresh.is_some() {
            let names: BTreeSet<_> = names.iter().collect();
            places.extend(self.names(replica)?.into_iter().filter(|(name, _)| names.contains(name)).map(|(_, at)| at));
        } else {
            for name in names {
                places.extend(replica.places(name)?);
            }
        }
        places.retain(|place| place.ordinal < self.below);
        Ok(places)
    }

    /// The names of all entries of the snapshot, in log order: a pass over the ids.
    fn names(&self, replica: &dyn Replica) -> Result<Vec<(Item, Place)>, store::Error> {
        let name = |id: &EntryId| self.fresh.map_or_else(|| id.item(), |key| key.name(id));
        let mut names = Vec::new();
        replica.scan(Ordinal(0), &mut |place, id| {
            if place.ordinal >= self.below {
                return ControlFlow::Break(());
            }
            names.push((name(&id), place));
            ControlFlow::Continue(())
        })?;
        Ok(names)
    }
}

const fn serving() -> State {
    State::Serving { sent: 0, asks: 0, listed: false, wanted: Vec::new() }
}

const fn decoding(key: Key, until: usize, asks: u32) -> State {
    State::Decoding { decoder: Decoder::new(key), ours: Vec::new(), until, asks }
}

/// Continues an ascending list; false when it does not ascend or grows beyond `most`.
fn append(list: &mut Vec<Item>, more: Vec<Item>, most: usize) -> bool {
    let ascends = list.last().is_none_or(|last| more.first().is_none_or(|first| last < first));
    list.extend(more);
    ascends && list.len() <= most
}

/// What to ask for when the symbols so far do not decode.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Symbols(usize),
    List,
    GiveUp,
}

/// `asks` were made before; the smaller set has `smaller` entries.
fn next_ask(decoder: &Decoder, asks: u32, smaller: u64) -> Next {
    let (have, d) = (decoder.len(), decoder.estimate());
    let (need, root) = (need(d), d.isqrt() as usize);
    if asks == 0 && d > smaller / 3 || need > MAX_SYMBOLS || have == MAX_SYMBOLS {
        return Next::List;
    }
    if asks == MAX_ASKS || have > 3 * need + 4 * FIRST {
        return Next::GiveUp;
    }
    let until = match asks {
        // Few symbols are cheaper than another round trip; 80 is twice what must be found at once.
        0 if d <= 80 => 62 + d as usize * 8 / 10,
        // The estimate may be off by half.
        0 => need * 7 / 10,
        // What is needed strays by about the root of the difference.
        1 => need + root,
        _ => need + 5 * root,
    };
    Next::Symbols(until.max(have + have / 16 + 4).min(MAX_SYMBOLS))
}

/// Symbols that decode a difference of `d` on average: 1.35 a difference when it is large, more when it is small.
fn need(d: u64) -> usize {
    let d = d as f64;
    (1.35 * d + 1.5 * d.sqrt() + 2.0) as usize
}
