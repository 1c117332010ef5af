//! Many nodes in one thread and no time: a simulated network of sync sessions, replayed from one number.
//!
//! Everything that happens, happens at a simulated millisecond in an order that the seed decides: edits, sessions, frames
//! that arrive late, connections that stop or are lost with what was under way, networks that fall in two, nodes that
//! crash in the middle of a write and start again, clocks that jump by a day. Each class of fault is on in half of the
//! seeds. After a while the faults stop, and then all nodes must come to hold the same, and say so in 236 bytes.
//!
//! On the way, whenever a node says *in sync* its peer must hold all that it held when the session began.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use essaim_protocol::id::{CommonsId, Epoch, NetworkKey};
use essaim_protocol::store::Ordinal;
use essaim_protocol::sync::frame::Position;
use essaim_protocol::sync::{Config, Effect, Event, Memory, Outcome, Replica as _, Role, Session};
use essaim_protocol::time::Timestamp;

const COMMONS: CommonsId = CommonsId([0xc0; 32]);

/// Simulated milliseconds in which edits are made and faults happen.
const STORMY: u64 = 120_000;

/// Simulated milliseconds after them in which all nodes must become equal.
const CALM: u64 = 3_600_000;

/// About how often a node opens a session with some other node, in milliseconds.
const EVERY: u64 = 8_000;

/// How often a session is told that time passes, in milliseconds.
const TICK: u64 = 5_000;

/// By how much a clock jumps, in milliseconds.
const A_DAY: i64 = 86_400_000;

/// Steps after which a run is taken to go round in circles.
const MAX_STEPS: u64 = 5_000_000;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Nodes that took part.
    pub nodes: usize,
    /// Entries that were made and not lost with a crash before they were durable.
    pub entries: u64,
    /// Sessions opened.
    pub sessions: u64,
    /// Sessions that were cut.
    pub cut: u64,
    /// Crashes.
    pub crashes: u64,
    /// Bytes that arrived.
    pub bytes: u64,
    /// Simulated milliseconds from the last fault until all nodes were equal.
    pub calm: u64,
    /// BLAKE3 of all that happened: the same for the same seed.
    pub history: [u8; 32],
}

/// What went wrong, and the seed that replays it.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Give it to `ESSAIM_SIM_SEED`.
    pub seed: u64,
    /// At which simulated millisecond.
    pub at: u64,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ESSAIM_SIM_SEED={} at {} ms: {}", self.seed, self.at, self.what)
    }
}

impl std::error::Error for Failure {}

/// Runs one seed.
///
/// # Errors
/// [`Failure`] when an invariant broke or the nodes did not become equal.
pub fn run(seed: u64) -> Result<Report, Failure> {
    let mut world = World::new(seed);
    world.run().map_err(|what| Failure { seed, at: world.now, what })
}

/// Random numbers of a seed: SplitMix64 (Steele, Lea, Flood 2014), the same in every version of every library.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n.max(1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Which faults a seed has.
#[derive(Debug)]
struct Faults {
    losses: bool,
    crashes: bool,
    clogs: bool,
    partition: bool,
    clocks: bool,
    /// The longest latency, in milliseconds.
    latency: u64,
}

#[derive(Debug)]
struct Node {
    replica: Memory,
    /// Whether it runs; a crashed node starts again later.
    up: bool,
    /// Milliseconds that its clock is off.
    clock: i64,
    /// How far other nodes' logs were followed. Lost in a crash.
    followed: BTreeMap<usize, (Epoch, Position)>,
    /// Peers with which a session found no agreement, for no reason of its own.
    begin_fresh: BTreeSet<usize>,
}

/// One connection with one session at each end.
#[derive(Debug)]
struct Link {
    /// The nodes: initiator, responder.
    ends: [usize; 2],
    sessions: [Option<Session>; 2],
    /// No frame overtakes another: when the last one under way arrives, each way.
    busy_until: [u64; 2],
    clogged: bool,
    /// Opened when all nodes were equal already: its sessions have nothing to say.
    idle: bool,
    bytes: u64,
}

#[derive(Debug)]
enum Happening {
    Edit { node: usize },
    Meet { node: usize },
    Arrives { link: u64, end: usize, frame: Vec<u8> },
    Tick { link: u64 },
    Lost { link: u64 },
    Restart { node: usize },
    ClockJumps { node: usize },
}

#[derive(Debug)]
struct World {
    dice: Dice,
    faults: Faults,
    nodes: Vec<Node>,
    links: BTreeMap<u64, Link>,
    agenda: BTreeMap<(u64, u64), Happening>,
    now: u64,
    steps: u64,
    next_link: u64,
    /// Since when all nodes are equal, after the storm.
    equal_since: Option<u64>,
    /// Sessions that began and ended since then.
    idle_sessions: usize,
    report: Report,
    history: blake3::Hasher,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let count = 2 + if dice.one_in(4) { dice.below(49) } else { dice.below(8) } as usize;
        let faults = Faults {
            losses: dice.one_in(2),
            crashes: dice.one_in(2),
            clogs: dice.one_in(2),
            partition: dice.one_in(2),
            clocks: dice.one_in(2),
            latency: if dice.one_in(2) { 2000 } else { 20 },
        };
        let nodes = (0..count).map(|number| Node {
            replica: Memory::new(&COMMONS, Epoch([number as u8; 16])),
            up: true,
            clock: 0,
            followed: BTreeMap::new(),
            begin_fresh: BTreeSet::new(),
        });
        let report =
            Report { nodes: count, entries: 0, sessions: 0, cut: 0, crashes: 0, bytes: 0, calm: 0, history: [0; 32] };
        let mut world = Self {
            faults,
            nodes: nodes.collect(),
            links: BTreeMap::new(),
            agenda: BTreeMap::new(),
            now: 0,
            steps: 0,
            next_link: 0,
            equal_since: None,
            idle_sessions: 0,
            report,
            history: blake3::Hasher::new(),
            dice,
        };
        world.plan();
        world
    }

    /// A first node with much to tell, edits everywhere, and meetings without end.
    fn plan(&mut self) {
        for _ in 0..self.dice.below(400) {
            self.write(0);
        }
        for _ in 0..20 + self.dice.below(200) {
            let node = self.any_node();
            let at = self.dice.below(STORMY);
            self.at(at, Happening::Edit { node });
        }
        for node in 0..self.nodes.len() {
            let at = self.dice.below(EVERY);
            self.at(at, Happening::Meet { node });
            if self.faults.clocks {
                let at = self.dice.below(STORMY);
                self.at(at, Happening::ClockJumps { node });
            }
        }
    }

    fn run(&mut self) -> Result<Report, String> {
        while let Some(((at, _), happening)) = self.agenda.pop_first() {
            self.now = at;
            self.steps += 1;
            if self.steps > MAX_STEPS || self.now > STORMY + CALM {
                return Err(format!("no agreement: {}", self.describe()));
            }
            self.happen(happening)?;
            if self.equal_since.is_none() && !self.stormy() && self.all_equal() {
                self.equal_since = Some(self.now);
            }
            if self.idle_sessions >= self.nodes.len() {
                return self.conclude();
            }
        }
        Err("nothing is left to happen".to_owned())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Edit { node } if self.nodes[node].up => self.write(node),
            Happening::Edit { .. } => {}
            Happening::Meet { node } => self.meet(node)?,
            Happening::Arrives { link, end, frame } => self.arrives(link, end, frame)?,
            Happening::Tick { link } => self.tick(link)?,
            Happening::Lost { link } => self.cut(link),
            Happening::Restart { node } => self.nodes[node].up = true,
            Happening::ClockJumps { node } => {
                self.nodes[node].clock += if self.dice.one_in(2) { A_DAY } else { -A_DAY };
            }
        }
        Ok(())
    }

    fn write(&mut self, node: usize) {
        let statement = self.dice.one_in(10);
        let longest = if self.dice.one_in(20) { 60_000 } else { 2_000 };
        let length = 50 + self.dice.below(longest) as usize;
        let mut entry = vec![if statement { 1 } else { 2 }];
        while entry.len() < length {
            let word = self.dice.roll();
            // Half of it compresses.
            entry.extend_from_slice(&word.to_le_bytes());
            entry.extend_from_slice(b" commun ");
        }
        self.nodes[node].replica.put(entry);
        self.report.entries += 1;
    }

    fn meet(&mut self, node: usize) -> Result<(), String> {
        let next = self.now + EVERY / 2 + self.dice.below(EVERY);
        self.at(next, Happening::Meet { node });
        let peer = self.any_node();
        let known = self.links.values().any(|link| link.ends == [node, peer]);
        let parted = self.faults.partition && self.stormy() && node % 2 != peer % 2;
        if peer == node || known || parted || !self.nodes[node].up || !self.nodes[peer].up {
            return Ok(());
        }
        let id = self.next_link;
        self.next_link += 1;
        self.report.sessions += 1;
        let clogged = self.faults.clogs && self.stormy() && self.dice.one_in(10);
        let ends = [node, peer];
        let link = Link {
            ends,
            sessions: [None, None],
            busy_until: [self.now; 2],
            clogged,
            idle: self.equal_since.is_some(),
            bytes: 0,
        };
        self.links.insert(id, link);
        self.at(self.now + TICK, Happening::Tick { link: id });
        if self.faults.losses && self.stormy() && self.dice.one_in(2) {
            let lost = self.now + self.dice.below(6 * self.faults.latency);
            self.at(lost, Happening::Lost { link: id });
        }
        for (end, role) in [Role::Initiator, Role::Responder].into_iter().enumerate() {
            let (me, peer) = (ends[end], ends[1 - end]);
            let mut random = [0; 32];
            random[..8].copy_from_slice(&self.dice.roll().to_le_bytes());
            let config = Config {
                role,
                commons: COMMONS,
                me: key(me),
                peer: key(peer),
                random,
                fresh: self.nodes[me].begin_fresh.contains(&peer),
                followed: self.nodes[me].followed.get(&peer).copied(),
            };
            let (session, effects) = Session::new(config, &self.nodes[me].replica, self.time(me));
            if let Some(link) = self.links.get_mut(&id) {
                link.sessions[end] = Some(session);
            }
            self.carry_out(id, end, effects)?;
        }
        Ok(())
    }

    fn arrives(&mut self, id: u64, end: usize, frame: Vec<u8>) -> Result<(), String> {
        let Some(node) = self.links.get(&id).map(|link| link.ends[end]) else { return Ok(()) };
        let now = self.time(node);
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        link.bytes += frame.len() as u64 + 4;
        self.report.bytes += frame.len() as u64 + 4;
        self.history.update(&self.now.to_le_bytes()).update(&id.to_le_bytes()).update(&frame);
        let Some(session) = &mut link.sessions[end] else { return Ok(()) };
        let before = self.nodes[node].replica.end();
        let effects = session.handle(Event::Frame(frame), now, &mut self.nodes[node].replica);
        if self.faults.crashes && self.stormy() && self.dice.one_in(150) {
            self.crash(node, before);
            return Ok(());
        }
        self.carry_out(id, end, effects)
    }

    fn tick(&mut self, id: u64) -> Result<(), String> {
        for end in 0..2 {
            let Some(node) = self.links.get(&id).map(|link| link.ends[end]) else { return Ok(()) };
            let now = self.time(node);
            let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
            let Some(session) = &mut link.sessions[end] else { continue };
            let effects = session.handle(Event::Tick, now, &mut self.nodes[node].replica);
            self.carry_out(id, end, effects)?;
        }
        self.at(self.now + TICK, Happening::Tick { link: id });
        Ok(())
    }

    fn carry_out(&mut self, id: u64, end: usize, effects: Vec<Effect>) -> Result<(), String> {
        for effect in effects {
            let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
            let (me, peer) = (link.ends[end], link.ends[1 - end]);
            match effect {
                Effect::Send(frame) => {
                    let stuck = if link.clogged && self.dice.one_in(4) { 40_000 } else { 0 };
                    let takes = 1 + self.dice.below(self.faults.latency) + stuck;
                    let arrives = (self.now + takes).max(link.busy_until[end] + 1);
                    link.busy_until[end] = arrives;
                    self.at(arrives, Happening::Arrives { link: id, end: 1 - end, frame });
                }
                Effect::Acknowledged(places) => self.check_held(me, peer, &places)?,
                Effect::Followed(Some(position)) => drop(self.nodes[me].followed.insert(peer, position)),
                Effect::Followed(None) => drop(self.nodes[me].followed.remove(&peer)),
                Effect::Ended(Ok(outcome)) => {
                    link.sessions[end] = None;
                    self.ended(me, peer, outcome)?;
                }
                Effect::Ended(Err(essaim_protocol::sync::Fault::Silent)) => self.cut(id),
                Effect::Ended(Err(fault)) => return Err(format!("node {me} of node {peer}: {fault}")),
            }
        }
        if self.links.get(&id).is_some_and(|link| link.sessions.iter().all(Option::is_none)) {
            self.close(id)?;
        }
        Ok(())
    }

    fn ended(&mut self, me: usize, peer: usize, outcome: Outcome) -> Result<(), String> {
        match outcome {
            Outcome::InSync { held, .. } => {
                self.nodes[me].begin_fresh.remove(&peer);
                let all: Vec<_> = (0..held.0).map(Ordinal).collect();
                self.check_held(me, peer, &all)
            }
            Outcome::Differs { fresh, .. } => {
                if fresh {
                    self.nodes[me].begin_fresh.insert(peer);
                }
                Ok(())
            }
        }
    }

    /// What `me` was told that `peer` holds, it holds.
    fn check_held(&self, me: usize, peer: usize, places: &[Ordinal]) -> Result<(), String> {
        let theirs: BTreeSet<&[u8]> = self.nodes[peer].replica.entries().collect();
        let ours: Vec<_> = self.nodes[me].replica.entries().collect();
        match places.iter().find(|at| !theirs.contains(ours[at.0 as usize])) {
            Some(at) => Err(format!("node {me} was told that node {peer} holds its entry {at}, which it does not")),
            None => Ok(()),
        }
    }

    /// The node stops in the middle of a write: of what it was writing, the beginning survives.
    fn crash(&mut self, node: usize, before: Ordinal) {
        let end = self.nodes[node].replica.end();
        let kept = Ordinal(before.0 + self.dice.below(end.0 - before.0 + 1));
        self.nodes[node].replica.truncate(kept);
        self.nodes[node].up = false;
        self.nodes[node].followed.clear();
        self.report.crashes += 1;
        let of_node: Vec<_> =
            self.links.iter().filter(|(_, link)| link.ends.contains(&node)).map(|(id, _)| *id).collect();
        of_node.into_iter().for_each(|id| self.cut(id));
        let back = self.now + 1 + self.dice.below(20_000);
        self.at(back, Happening::Restart { node });
    }

    /// The connection is lost with everything under way.
    fn cut(&mut self, id: u64) {
        self.report.cut += u64::from(self.links.remove(&id).is_some());
    }

    /// Both ends are done. Equal nodes have nothing more to say than their hellos.
    fn close(&mut self, id: u64) -> Result<(), String> {
        let Some(link) = self.links.remove(&id) else { return Ok(()) };
        if !link.idle {
            return Ok(());
        }
        self.idle_sessions += 1;
        if link.bytes == 236 { Ok(()) } else { Err(format!("an idle session took {} bytes", link.bytes)) }
    }

    fn conclude(&mut self) -> Result<Report, String> {
        let count = self.nodes[0].replica.set().count();
        if count != self.report.entries {
            return Err(format!("{} entries were made, {count} are left", self.report.entries));
        }
        self.history.update(&self.nodes[0].replica.set().digest().hash());
        self.report.calm = self.equal_since.unwrap_or(self.now) - STORMY;
        self.report.history = *self.history.finalize().as_bytes();
        Ok(self.report.clone())
    }

    fn all_equal(&self) -> bool {
        let digest = self.nodes[0].replica.set().digest();
        self.nodes.iter().all(|node| node.up && node.replica.set().digest() == digest)
    }

    fn describe(&self) -> String {
        let counts: Vec<_> = self.nodes.iter().map(|node| node.replica.set().count()).collect();
        format!("{:?}, {} links, entries at each node {counts:?}", self.faults, self.links.len())
    }

    const fn stormy(&self) -> bool {
        self.now < STORMY
    }

    fn any_node(&mut self) -> usize {
        self.dice.below(self.nodes.len() as u64) as usize
    }

    fn time(&self, node: usize) -> Timestamp {
        Timestamp(1_778_162_400_000 + self.nodes[node].clock).plus(self.now)
    }

    fn at(&mut self, at: u64, happening: Happening) {
        self.steps += 1;
        self.agenda.insert((at.max(self.now), self.steps), happening);
    }
}

fn key(node: usize) -> NetworkKey {
    NetworkKey(*blake3::hash(&node.to_le_bytes()).as_bytes())
}
