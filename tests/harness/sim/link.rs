//! Connections: frames that come late, in order, or not at all, and what each end does with them.
//!
//! Here stand the rules that hold at every moment. Whoever says *in sync* holds all that its peer held when the session
//! began, and so does the peer; what is acknowledged is durable over there; an honest peer sends statements first and
//! nothing that has to wait, costs what it brings and not more, and is never taken for a liar; a wrong entry ends the
//! session by a fault that names whose it is said to be.

use std::collections::BTreeSet;

use essaim_protocol::id::EntryId;
use essaim_protocol::set::Kind;
use essaim_protocol::store::{Ordinal, Store as _};
use essaim_protocol::sync::frame::Frame;
use essaim_protocol::sync::{Config, Effect, Event, Fault, Intake, Misbehaviour, Outcome, Role, Session};

use super::ally::{Ally, Heard};
use super::{Happening, TICK, World, odd};

/// Bytes that a session may take beside the entries that it brings: hellos, first symbols, the ends.
const FIXED: u64 = 4_000;

/// Bytes that a session may take for an entry that it brings, beside the entry: symbols, want list, acknowledgements.
const EACH: u64 = 120;

/// One connection with one session at each end.
#[derive(Debug)]
pub(super) struct Link {
    /// The nodes: initiator, responder.
    pub(super) ends: [usize; 2],
    pub(super) sessions: [Option<Session>; 2],
    intakes: [Intake; 2],
    /// Where each log ended when the session began.
    below: [Ordinal; 2],
    /// No frame overtakes another: when the last one under way arrives, each way.
    busy_until: [u64; 2],
    clogged: bool,
    /// Opened when all were equal already: its sessions have nothing to say.
    idle: bool,
    /// Whether content has come, each way: statements come before.
    content: [bool; 2],
    /// Entries that came and were not there when the session began, and their bytes.
    brought: (u64, u64),
    /// A log was followed, perhaps again from further back.
    followed: bool,
    bytes: u64,
}

impl World {
    pub(super) fn meet(&mut self, node: usize) -> Result<(), String> {
        self.soon(Happening::Meet { node });
        let peer = self.any_node();
        let known = self.links.values().any(|link| link.ends == [node, peer]);
        let parted = self.faults.partition && self.stormy() && node % 2 != peer % 2;
        if peer == node || known || parted || !self.may_talk(node, peer) {
            return Ok(());
        }
        let id = self.next_link;
        self.next_link += 1;
        self.report.sessions += 1;
        let ends = [node, peer];
        let link = Link {
            ends,
            sessions: [None, None],
            intakes: ends.map(|end| Intake::new(self.allies[end].commons.id())),
            below: ends.map(|end| self.allies[end].commons.end()),
            busy_until: [self.now; 2],
            clogged: self.faults.clogs && self.stormy() && self.dice.one_in(10),
            idle: self.equal_since.is_some() && !self.is_turned(node) && !self.is_turned(peer),
            content: [false; 2],
            brought: (0, 0),
            followed: false,
            bytes: 0,
        };
        self.links.insert(id, link);
        self.at(self.now + TICK, Happening::Tick { link: id });
        let breaks_off = self.faults.losses && self.stormy() && self.dice.one_in(2)
            || (self.is_turned(node) || self.is_turned(peer)) && self.dice.one_in(4);
        if breaks_off {
            let lost = self.now + self.dice.below(6 * self.faults.latency);
            self.at(lost, Happening::Lost { link: id });
        }
        for (end, role) in [Role::Initiator, Role::Responder].into_iter().enumerate() {
            self.open(id, end, role)?;
        }
        Ok(())
    }

    /// Both run, and each takes the other for an ally. Who lost all it had takes anybody's word.
    fn may_talk(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.allies[one], &self.allies[other]);
        let knows =
            |me: &Ally, peer: &Ally| me.admits(&peer.network()) || me.roster().is_empty() && me.ticket.is_some();
        one.up && other.up && knows(one, other) && knows(other, one)
    }

    fn open(&mut self, id: u64, end: usize, role: Role) -> Result<(), String> {
        let Some(ends) = self.links.get(&id).map(|link| link.ends) else { return Ok(()) };
        let (me, peer, now) = (ends[end], ends[1 - end], self.time(ends[end]));
        let known = self.allies[me].peers.get(&peer);
        let config = Config {
            role,
            commons: self.allies[me].commons.id(),
            me: self.allies[me].network(),
            peer: self.allies[peer].network(),
            random: self.dice.bytes(),
            fresh: known.is_some_and(|known| known.fresh),
            followed: known.and_then(|known| known.followed),
        };
        let (session, effects) = Session::new(config, &self.allies[me], now);
        if let Some(link) = self.links.get_mut(&id) {
            link.sessions[end] = Some(session);
        }
        self.carry_out(id, end, effects)
    }

    pub(super) fn arrives(&mut self, id: u64, end: usize, frame: Vec<u8>) -> Result<(), String> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        link.bytes += frame.len() as u64 + 4;
        self.report.bytes += frame.len() as u64 + 4;
        self.history.update(&self.now.to_le_bytes()).update(&id.to_le_bytes()).update(&frame);
        let (me, peer) = (link.ends[end], link.ends[1 - end]);
        let read = link.intakes[end].read(std::slice::from_ref(&frame), 1);
        if self.is_turned(me) {
            self.lies.overhear(&frame);
        }
        let effects = self.handle(id, end, Event::Frames(read));
        let heard = std::mem::take(&mut self.allies[me].heard);
        if self.faults.crashes && self.stormy() && !self.is_turned(me) && self.dice.one_in(150) {
            return self.crash(me);
        }
        self.settle(me)?;
        if !self.is_turned(me) {
            self.check_heard(id, end, &heard, &effects)
                .map_err(|what| format!("{} from {}: {what}", self.name(me), self.name(peer)))?;
        }
        self.carry_out(id, end, effects)
    }

    pub(super) fn tick(&mut self, id: u64) -> Result<(), String> {
        if !self.links.contains_key(&id) {
            return Ok(());
        }
        for end in 0..2 {
            let effects = self.handle(id, end, Event::Tick);
            self.carry_out(id, end, effects)?;
        }
        self.at(self.now + TICK, Happening::Tick { link: id });
        Ok(())
    }

    fn handle(&mut self, id: u64, end: usize, event: Event) -> Vec<Effect> {
        let Some(me) = self.links.get(&id).map(|link| link.ends[end]) else { return Vec::new() };
        let now = self.time(me);
        let session = self.links.get_mut(&id).and_then(|link| link.sessions[end].as_mut());
        session.map(|session| session.handle(event, now, &mut self.allies[me])).unwrap_or_default()
    }

    /// What must be true of what a peer sent, and of what was made of it.
    fn check_heard(&mut self, id: u64, end: usize, heard: &Heard, effects: &[Effect]) -> Result<(), String> {
        let named = effects.iter().find_map(|effect| match effect {
            Effect::Ended(Err(Fault::Misbehaved(Misbehaviour::Refused { device, .. }))) => Some(*device),
            Effect::Ended(_) | Effect::Send(_) | Effect::More | Effect::Acknowledged(_) | Effect::Followed(_) => None,
        });
        if named != heard.refused.first().copied() {
            return Err(format!("of wrong entries by {:?}, {named:?} is named", heard.refused));
        }
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        let new = heard.kept.iter().filter(|(at, _)| *at >= link.below[end]);
        link.brought = new.fold(link.brought, |(count, bytes), (_, len)| (count + 1, bytes + *len as u64));
        let late = heard.kinds.iter().fold((link.content[end], false), |(content, late), kind| {
            (content || *kind == Kind::Content, late || content && *kind == Kind::Statement)
        });
        link.content[end] = late.0;
        let ends = link.ends;
        let honest = self.is_plain(ends);
        if honest && late.1 {
            return Err("a statement comes after content".to_owned());
        }
        if honest && heard.aside > 0 {
            return Err(format!("{} entries come before what they rest on", heard.aside));
        }
        Ok(())
    }

    fn carry_out(&mut self, id: u64, end: usize, effects: Vec<Effect>) -> Result<(), String> {
        for effect in effects {
            let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
            let (me, peer) = (link.ends[end], link.ends[1 - end]);
            match effect {
                Effect::Send(frame) => self.send(id, end, frame),
                Effect::More => {
                    let effects = self.handle(id, end, Event::GoOn);
                    self.carry_out(id, end, effects)?;
                }
                Effect::Acknowledged(places) => {
                    self.check_held(me, peer, &places)?;
                    self.confirm(me, peer, &places)?;
                }
                Effect::Followed(position) => {
                    self.allies[me].peer(peer).followed = position;
                }
                Effect::Ended(Ok(outcome)) => {
                    link.sessions[end] = None;
                    self.ended(id, end, outcome)?;
                }
                Effect::Ended(Err(fault)) => {
                    self.failed(me, peer, fault)?;
                    self.cut(id);
                }
            }
        }
        if self.links.get(&id).is_some_and(|link| link.sessions.iter().all(Option::is_none)) {
            self.close(id)?;
        }
        Ok(())
    }

    /// Puts a frame on its way; what a turned or an odd node makes of it.
    fn send(&mut self, id: u64, end: usize, frame: Vec<u8>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let me = link.ends[end];
        link.followed |= matches!(Frame::decode(&frame), Ok(Frame::Follow(_)));
        let frames = if self.is_turned(me) {
            self.lies.twist(frame, &mut self.dice)
        } else if self.odd == Some(me) {
            vec![odd::twist(frame, self.stormy() && self.dice.one_in(3), &mut self.dice)]
        } else {
            vec![frame]
        };
        for frame in frames {
            let Some(link) = self.links.get_mut(&id) else { return };
            let stuck = if link.clogged && self.dice.one_in(4) { 40_000 } else { 0 };
            let takes = 1 + self.dice.below(self.faults.latency) + stuck;
            let arrives = (self.now + takes).max(link.busy_until[end] + 1);
            link.busy_until[end] = arrives;
            self.at(arrives, Happening::Arrives { link: id, end: 1 - end, frame });
        }
    }

    fn ended(&mut self, id: u64, end: usize, outcome: Outcome) -> Result<(), String> {
        let Some(link) = self.links.get(&id) else { return Ok(()) };
        let (me, peer) = (link.ends[end], link.ends[1 - end]);
        let (below, followed) = (link.below, link.followed);
        let honest = self.is_plain(link.ends);
        match outcome {
            Outcome::InSync { held, .. } => {
                self.allies[me].peer(peer).fresh = false;
                if self.is_turned(me) {
                    return Ok(());
                }
                self.report.in_sync += 1;
                if held != below[end] {
                    return Err(format!("{} began at {}, and says {held}", self.name(me), below[end]));
                }
                let all: Vec<_> = (0..held.0).map(Ordinal).collect();
                self.check_held(me, peer, &all)?;
                self.confirm(me, peer, &all)?;
                let theirs = self.allies[peer].ids_below(below[1 - end]);
                match theirs.iter().find(|id| !self.allies[me].holds(id)) {
                    Some(id) => Err(format!("{} says in sync and lacks {id:?} of {}", self.name(me), self.name(peer))),
                    None => Ok(()),
                }
            }
            Outcome::Differs { fresh, .. } if honest && !followed => {
                Err(format!("{} and {} find no agreement, fresh: {fresh}", self.name(me), self.name(peer)))
            }
            Outcome::Differs { fresh, .. } => {
                self.allies[me].peer(peer).fresh = fresh;
                Ok(())
            }
        }
    }

    /// A session broke off by somebody's fault: whose, must be right.
    fn failed(&mut self, me: usize, peer: usize, fault: Fault) -> Result<(), String> {
        if self.is_turned(me) {
            return Ok(());
        }
        match fault {
            Fault::Silent => Ok(()),
            Fault::Misbehaved(what) if self.is_turned(peer) => {
                self.report.named += 1;
                self.allies[me].peer(peer).misbehaved = Some(what.to_string());
                Ok(())
            }
            Fault::Incompatible(_) if self.is_turned(peer) => Ok(()),
            Fault::Incompatible(_) if self.odd == Some(peer) => {
                self.report.incompatible += 1;
                Ok(())
            }
            fault @ (Fault::Ours(_)
            | Fault::Compressor
            | Fault::Allowance
            | Fault::Misbehaved(_)
            | Fault::Incompatible(_)) => Err(format!("{} of {}: {fault}", self.name(me), self.name(peer))),
        }
    }

    /// Whether both ends are honest, and their logs in order.
    fn is_plain(&self, ends: [usize; 2]) -> bool {
        ends.into_iter().all(|node| !self.is_turned(node) && self.mended != Some(node))
    }

    /// What `me` was told that `peer` holds, it holds.
    fn check_held(&self, me: usize, peer: usize, places: &[Ordinal]) -> Result<(), String> {
        if self.is_turned(me) || self.is_turned(peer) && self.lies.are_about_holding() {
            return Ok(());
        }
        let ids = self.ids_at(me, places);
        match ids.iter().find(|id| !self.allies[peer].holds(id)) {
            Some(id) => {
                Err(format!("{} was told that {} holds {id:?}, which it does not", self.name(me), self.name(peer)))
            }
            None => Ok(()),
        }
    }

    /// What another ally holds is no longer ours alone.
    fn confirm(&mut self, me: usize, peer: usize, places: &[Ordinal]) -> Result<(), String> {
        if self.is_turned(peer) {
            return Ok(());
        }
        let ids = self.ids_at(me, places);
        let outbox = self.allies[me].disk.outbox();
        let held: Vec<EntryId> = outbox.into_iter().filter(|id| ids.contains(id)).collect();
        if held.is_empty() {
            return Ok(());
        }
        self.allies[me].disk.confirm(&held).map_err(|error| error.to_string())
    }

    fn ids_at(&self, node: usize, places: &[Ordinal]) -> BTreeSet<EntryId> {
        let all = self.allies[node].ids();
        places.iter().filter_map(|at| all.get(at.0 as usize)).copied().collect()
    }

    /// The connection is lost with everything under way.
    pub(super) fn cut(&mut self, id: u64) {
        self.report.cut += u64::from(self.links.remove(&id).is_some());
    }

    /// Both ends are done. Equal nodes have nothing more to say than their hellos; others not much more than the entries.
    fn close(&mut self, id: u64) -> Result<(), String> {
        let Some(link) = self.links.remove(&id) else { return Ok(()) };
        if link.idle && self.equal_since.is_some() {
            self.idle_sessions += 1;
            return if link.bytes == 236 { Ok(()) } else { Err(format!("an idle session took {} bytes", link.bytes)) };
        }
        let (count, bytes) = link.brought;
        if self.is_plain(link.ends) && !link.followed && link.bytes > FIXED + EACH * count + bytes + bytes / 50 {
            return Err(format!("a session took {} bytes for {count} entries of {bytes}", link.bytes));
        }
        Ok(())
    }
}
