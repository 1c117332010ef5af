//! Many allies in one thread and no time: a simulated commons, replayed from one number.
//!
//! Everything that happens, happens at a simulated millisecond in an order that the seed decides. Alice founds a commons
//! and invites; others come by ticket, one after the other, and invite in turn. All write: they create records, edit few of
//! them together, import the same file. Their nodes are the real rules over a disk that forgets: what a session
//! delivers is verified, judged by the roster and kept as a node keeps it. Meanwhile frames arrive late, connections stop or
//! are lost with what was under way (whole frames: half a frame never reaches a session, nor is one made here), networks
//! fall in two, programs die in the middle of a write and start again, disks are lost whole, clocks jump by a day; one
//! node may be of another version, and one may be turned. Each class of fault is on in half of the seeds.
//!
//! Some rules hold at every moment. After a while the faults stop, and then all honest nodes must come to hold the
//! same: every entry that an ally was told is durable, and none that is wrong. They say so in 236 bytes, and read every
//! record alike, with every value in it that nobody overwrote.

mod ally;
mod dice;
mod disk;
mod ledger;
mod link;
mod odd;
mod pen;
mod turned;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use essaim_protocol::digest::Digest;
use essaim_protocol::entry::Entry;
use essaim_protocol::entry::statement::{AllyKind, Inviters, Name, Policy, RecoveryHash};
use essaim_protocol::id::{EntryId, Epoch, RecordId};
use essaim_protocol::roster::{self, Card, Founding};
use essaim_protocol::store::Store as _;
use essaim_protocol::time::Timestamp;

use self::ally::{Ally, Broken, keys};
use self::dice::{Dice, Faults};
use self::ledger::Ledger;
use self::link::Link;
use self::pen::Pen;
use self::turned::{Forged, Lie, Lies};

/// Simulated milliseconds in which is written and faults happen.
const STORMY: u64 = 120_000;

/// Simulated milliseconds after them in which all nodes must become equal. The slowest of many thousand seeds took a
/// tenth.
const CALM: u64 = 3_600_000;

/// About how often a node opens a session with some other node, in milliseconds.
const EVERY: u64 = 8_000;

/// How often a session is told that time passes, in milliseconds.
const TICK: u64 = 5_000;

/// How long a turned node lies at least, in milliseconds.
const TURNED: u64 = 60_000;

/// By how much a clock jumps, in milliseconds.
const A_DAY: i64 = 86_400_000;

/// Steps after which a run is taken to go round in circles.
const MAX_STEPS: u64 = 5_000_000;

/// When it all begins, by a clock that is right.
const DAWN: Timestamp = Timestamp(1_778_162_400_000);

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Nodes that took part.
    pub nodes: usize,
    /// Entries that every honest node holds in the end.
    pub entries: u64,
    /// Records that people wrote, and the saves in them.
    pub records: usize,
    /// Saves that were not lost with a crash before they were durable.
    pub saves: usize,
    /// Sessions opened.
    pub sessions: u64,
    /// Times that an honest node said *in sync*.
    pub in_sync: u64,
    /// Sessions that were cut.
    pub cut: u64,
    /// Crashes.
    pub crashes: u64,
    /// Disks that were lost.
    pub disks: u64,
    /// Times that an honest node named the turned one.
    pub named: u64,
    /// Wrong entries that a turned node offered.
    pub forged: usize,
    /// Changes that are kept and relayed but not shown.
    pub quarantined: usize,
    /// Sessions that ended because one side was of another version.
    pub incompatible: u64,
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
    let mut world = World::new(seed).map_err(|what| Failure { seed, at: 0, what })?;
    world.run().map_err(|what| Failure { seed, at: world.now, what })
}

#[derive(Debug)]
enum Happening {
    Write { node: usize },
    Joins { node: usize },
    Meet { node: usize },
    Arrives { link: u64, end: usize, frame: Vec<u8> },
    Tick { link: u64 },
    Lost { link: u64 },
    Stop { node: usize },
    DiskLost { node: usize },
    Restart { node: usize },
    ClockJumps { node: usize },
    Turns { node: usize },
}

#[derive(Debug)]
struct World {
    dice: Dice,
    faults: Faults,
    allies: Vec<Ally>,
    ledger: Ledger,
    lies: Lies,
    /// The node of another version.
    odd: Option<usize>,
    /// The node whose disk was lost. Its log does not begin with what its entries rest on.
    mended: Option<usize>,
    links: BTreeMap<u64, Link>,
    agenda: BTreeMap<(u64, u64), Happening>,
    now: u64,
    steps: u64,
    next_link: u64,
    /// Since when all honest nodes are equal, after the storm.
    equal_since: Option<u64>,
    /// Until when it goes on in any case: a turned node gets its time.
    until: u64,
    /// Sessions that began and ended since then.
    idle_sessions: usize,
    report: Report,
    history: blake3::Hasher,
}

impl World {
    fn new(seed: u64) -> Result<Self, String> {
        let mut dice = Dice(seed);
        let count = 2 + if dice.one_in(10) { dice.below(49) } else { dice.below(8) } as usize;
        let faults = Faults::roll(&mut dice);
        let name = Name::new("Patrimoine").map_err(|error| error.to_string())?;
        let policy = Policy { vouches: 2, inviters: Inviters::Allies };
        let founder = Card { kind: AllyKind::Organisation, name: name.clone(), recovery: RecoveryHash::NONE };
        let founding = Founding { name, charter: ally::CHARTER, policy, founder };
        let statements = roster::found(&keys(0), founding, DAWN).map_err(|error| error.to_string())?;
        let commons = statements[0].commons();
        let allies: Result<Vec<_>, Broken> = (0..count).map(|number| Ally::new(number, commons)).collect();
        let mut world = Self {
            allies: allies.map_err(|broken| broken.to_string())?,
            ledger: Ledger::default(),
            lies: Lies::roll(&mut dice),
            odd: (faults.versions && count > 2).then(|| dice.index(count)),
            mended: None,
            faults,
            links: BTreeMap::new(),
            agenda: BTreeMap::new(),
            now: 0,
            steps: 0,
            next_link: 0,
            equal_since: None,
            until: 0,
            idle_sessions: 0,
            report: Report { nodes: count, ..Report::default() },
            history: blake3::Hasher::new(),
            dice,
        };
        world.allies[0].enter(ally::entries(statements), DAWN).map_err(|broken| broken.to_string())?;
        world.settle(0)?;
        world.plan()?;
        Ok(world)
    }

    /// A founder with something to tell, newcomers, saves everywhere, and meetings without end.
    fn plan(&mut self) -> Result<(), String> {
        for _ in 0..self.dice.below(60) {
            self.with_pen(0, |pen| pen.import())?;
        }
        self.settle(0)?;
        let count = self.allies.len();
        for node in 0..count {
            let joins = self.dice.below(STORMY / 3);
            self.at(if node == 0 { STORMY * 2 } else { joins }, Happening::Joins { node });
            self.soon(Happening::Meet { node });
        }
        for _ in 0..15 + self.dice.below(60) {
            let (node, at) = (self.any_node(), self.dice.below(STORMY));
            self.at(at, Happening::Write { node });
        }
        for node in 0..count {
            if self.faults.clocks {
                let at = self.dice.below(STORMY);
                self.at(at, Happening::ClockJumps { node });
            }
            if self.faults.crashes && self.dice.one_in(2) {
                let at = self.dice.below(STORMY);
                self.at(at, Happening::Stop { node });
            }
        }
        if self.faults.disks && count > 1 {
            let (node, at) = (1 + self.dice.index(count - 1), self.dice.below(STORMY));
            self.at(at, Happening::DiskLost { node });
        }
        if self.faults.turned && count > 2 {
            // Who admits everybody stays honest, and so does who is of another version.
            let (node, at) = (1 + self.dice.index(count - 1), STORMY / 4 + self.dice.below(STORMY / 2));
            if self.odd != Some(node) {
                self.until = u64::MAX;
                self.at(at, Happening::Turns { node });
            }
        }
        Ok(())
    }

    fn run(&mut self) -> Result<Report, String> {
        while let Some(((at, _), happening)) = self.agenda.pop_first() {
            self.now = at;
            self.steps += 1;
            if self.steps > MAX_STEPS || self.now > STORMY + CALM {
                return Err(format!("no agreement: {}", self.describe()));
            }
            self.happen(happening)?;
            if !self.stormy() {
                self.look_around()?;
            }
            if self.idle_sessions >= self.allies.len() && self.now >= self.until {
                return self.conclude();
            }
        }
        Err("nothing is left to happen".to_owned())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Write { node } => self.write(node),
            Happening::Joins { node } => self.joins(node),
            Happening::Meet { node } => self.meet(node),
            Happening::Arrives { link, end, frame } => self.arrives(link, end, frame),
            Happening::Tick { link } => self.tick(link),
            Happening::Lost { link } => {
                self.cut(link);
                Ok(())
            }
            Happening::Stop { node } => self.stop(node),
            Happening::DiskLost { node } => self.lose_disk(node),
            Happening::Restart { node } => self.restart(node),
            Happening::ClockJumps { node } => {
                self.allies[node].clock += if self.dice.one_in(2) { A_DAY } else { -A_DAY };
                Ok(())
            }
            Happening::Turns { node } => self.turn(node),
        }
    }

    fn write(&mut self, node: usize) -> Result<(), String> {
        if !self.allies[node].up || !self.allies[node].is_in() {
            return Ok(());
        }
        if self.is_turned(node) && self.lies.kind == Lie::Forges {
            self.forge(node)?;
        }
        let save = match self.with_pen(node, |pen| pen.write()) {
            // What it planted in its own store may stand in its way.
            Err(_) if self.is_turned(node) => None,
            save => save?,
        };
        if self.faults.crashes && !self.is_turned(node) && self.dice.one_in(20) {
            self.crash(node)?;
        } else {
            self.settle(node)?;
        }
        // What did not survive was never acknowledged.
        self.ledger.saves.extend(save.filter(|save| self.allies[node].holds(&save.entry)));
        Ok(())
    }

    fn with_pen<T>(&mut self, node: usize, work: impl FnOnce(&mut Pen<'_>) -> Result<T, Broken>) -> Result<T, String> {
        let records: Vec<RecordId> = self.ledger.records().into_iter().collect();
        let now = self.time(node);
        let (ally, newer) = (&mut self.allies[node], self.odd == Some(node));
        let mut pen = Pen { ally, dice: &mut self.dice, now, records: &records, newer };
        let done = work(&mut pen).map_err(|broken| format!("{}: {broken}", self.name(node)))?;
        Ok(done)
    }

    /// A newcomer knocks at an ally's, at first with a ticket of that ally's, until everybody takes it for an ally: who let
    /// it in may lose the disk before anybody else was told.
    fn joins(&mut self, node: usize) -> Result<(), String> {
        let me = self.allies[node].network();
        if self.honest().all(|other| self.allies[other].admits(&me)) {
            return Ok(());
        }
        self.soon(Happening::Joins { node });
        let host = self.any_node();
        let may = !self.is_turned(host) && self.allies[host].up && self.allies[host].is_in();
        if host == node || !may || !self.allies[node].up || self.allies[host].admits(&me) && self.allies[node].is_in() {
            return Ok(());
        }
        let now = self.time(host);
        if self.allies[node].ticket.is_none() {
            let ticket = self.allies[host].invite(&mut self.dice, now).map_err(|broken| broken.to_string())?;
            self.settle(host)?;
            self.allies[node].ticket = Some(ticket);
        }
        let [newcomer, host_ally] = self.allies.get_disjoint_mut([node, host]).map_err(|error| error.to_string())?;
        let welcomed = host_ally.welcome(newcomer, now);
        welcomed.map_err(|broken| format!("{} welcomes {}: {broken}", self.name(host), self.name(node)))?;
        self.settle(host)?;
        self.settle(node)
    }

    /// What a node did is durable, and what it signed is acknowledged.
    fn settle(&mut self, node: usize) -> Result<(), String> {
        self.allies[node].disk.settle().map_err(|error| error.to_string())?;
        let made = std::mem::take(&mut self.allies[node].made);
        if self.is_turned(node) {
            self.ledger.may_be.extend(made)
        } else {
            self.ledger.made.extend(made)
        }
        Ok(())
    }

    /// A node dies in the middle of what it does.
    fn crash(&mut self, node: usize) -> Result<(), String> {
        self.allies[node].disk.crash(&mut self.dice).map_err(|error| error.to_string())?;
        let made = std::mem::take(&mut self.allies[node].made);
        self.ledger.made.extend(made.into_iter().filter(|id| self.allies[node].holds(id)));
        self.allies[node].forget();
        self.report.crashes += 1;
        self.down(node);
        Ok(())
    }

    /// A node is closed as it should be.
    fn stop(&mut self, node: usize) -> Result<(), String> {
        if self.allies[node].up {
            let Ally { commons, disk, .. } = &mut self.allies[node];
            commons.save(disk).and_then(|()| disk.sync()).map_err(|error| error.to_string())?;
            self.settle(node)?;
            self.down(node);
        }
        Ok(())
    }

    /// A node loses its disk, but for the outbox, and what it knew of others.
    fn lose_disk(&mut self, node: usize) -> Result<(), String> {
        if !self.allies[node].up || !self.allies[node].is_in() || self.is_turned(node) {
            return Ok(());
        }
        let mut epoch = Epoch::ZERO;
        epoch.0.copy_from_slice(&self.dice.bytes()[..16]);
        self.allies[node].disk.begin_anew(epoch).map_err(|error| error.to_string())?;
        self.allies[node].forget();
        self.mended = Some(node);
        self.report.disks += 1;
        self.down(node);
        Ok(())
    }

    fn down(&mut self, node: usize) {
        self.allies[node].up = false;
        let of_node: Vec<_> =
            self.links.iter().filter(|(_, link)| link.ends.contains(&node)).map(|(id, _)| *id).collect();
        of_node.into_iter().for_each(|id| self.cut(id));
        let back = self.now + 1 + self.dice.below(20_000);
        self.at(back, Happening::Restart { node });
    }

    /// A node starts again, and what it makes of its disk is what is on it.
    fn restart(&mut self, node: usize) -> Result<(), String> {
        self.allies[node].start().map_err(|broken| format!("{}: {broken}", self.name(node)))?;
        self.check_set(node)
    }

    /// A node is turned, once everybody is in: an ally who lets others in and keeps that to itself can part the commons.
    fn turn(&mut self, node: usize) -> Result<(), String> {
        let strangers = |ally: &Ally| self.allies.iter().any(|other| !ally.admits(&other.network()));
        if self.allies.iter().any(strangers) {
            self.soon(Happening::Turns { node });
        } else if self.allies[node].up {
            self.lies.node = Some(node);
            self.until = self.now + TURNED;
            self.allies[node].withholds = self.lies.kind == Lie::Withholds;
            // What only it holds, others may never see.
            let its = keys(node).key();
            let mine = self.allies[node].log().into_iter().filter(|(_, entry)| entry.device() == its);
            let mine: Vec<EntryId> = mine.map(|(id, _)| id).collect();
            self.ledger.made.retain(|id| !mine.contains(id));
            self.ledger.may_be.extend(mine);
            for _ in 0..if self.lies.kind == Lie::Forges { 8 } else { 0 } {
                self.forge(node)?;
            }
        }
        Ok(())
    }

    fn forge(&mut self, node: usize) -> Result<(), String> {
        let now = self.time(node);
        let ally = &mut self.allies[node];
        let forged = turned::forge(ally, self.lies.how, &mut self.dice, now).map_err(|broken| broken.to_string())?;
        match forged {
            Some(Forged::Wrong(bytes)) => {
                let id = turned::plant(ally, &bytes).map_err(|broken| broken.to_string())?;
                self.ledger.forged.insert(id);
            }
            Some(Forged::Worthless(entry)) => {
                self.ledger.may_be.insert(entry.id());
                ally.take_in(vec![*entry], now).map_err(|broken| broken.to_string())?;
            }
            None => {}
        }
        self.settle(node)
    }

    /// Whether all honest nodes are equal. Who has become so stays so, unless a turned node had something to add.
    fn look_around(&mut self) -> Result<(), String> {
        let first = self.allies[0].commons.set().digest();
        let equal = self.honest().all(|node| {
            let ally = &self.allies[node];
            ally.up && ally.is_in() && ally.commons.set().digest() == first
        });
        match self.equal_since {
            None if equal => self.equal_since = Some(self.now),
            Some(_) if !equal && self.lies.node.is_none() => return Err("they were equal and are no more".to_owned()),
            Some(_) if !equal => (self.equal_since, self.idle_sessions) = (None, 0),
            Some(_) | None => {}
        }
        Ok(())
    }

    fn conclude(&mut self) -> Result<Report, String> {
        let all: BTreeSet<EntryId> = self.allies[0].ids().into_iter().collect();
        if let Some(lost) = self.ledger.made.difference(&all).next() {
            return Err(format!("{lost:?} was durable and is lost"));
        }
        let strange = all.iter().find(|id| !self.ledger.made.contains(id) && !self.ledger.may_be.contains(id));
        if let Some(strange) = strange {
            let forged = self.ledger.forged.contains(strange);
            return Err(format!("{strange:?} was taken in, which nobody may have made, forged: {forged}"));
        }
        for node in self.honest().collect::<Vec<_>>() {
            self.check_set(node)?;
            if self.allies[node].ids().into_iter().collect::<BTreeSet<_>>() != all {
                return Err(format!("{} says it holds the same and does not", self.name(node)));
            }
        }
        self.check_records()?;
        self.history.update(&self.allies[0].commons.set().digest().hash());
        self.report.entries = all.len() as u64;
        self.report.forged = self.ledger.forged.len();
        self.report.saves = self.ledger.saves.len();
        self.report.calm = self.equal_since.unwrap_or(self.now) - STORMY;
        self.report.history = *self.history.finalize().as_bytes();
        Ok(self.report.clone())
    }

    /// Set, roster and log of a node say the same.
    fn check_set(&self, node: usize) -> Result<(), String> {
        let ally = &self.allies[node];
        let (mut digest, mut said) = (Digest::new(), Digest::new());
        let mut statements = 0;
        for (id, entry) in ally.log() {
            digest.insert(&id);
            if matches!(entry, Entry::Statement(_)) {
                said.insert(&id);
                statements += 1;
            }
        }
        let set = ally.commons.set();
        if *set.digest() != digest || *set.statements() != said || set.count() != ally.disk.end().0 {
            return Err(format!("the set of {} is not that of its log", self.name(node)));
        }
        if ally.roster().len() != statements
            && ally.is_in()
            && (self.mended != Some(node) || self.equal_since.is_some())
        {
            return Err(format!(
                "{} of {statements} statements are in the roster of {}",
                ally.roster().len(),
                self.name(node)
            ));
        }
        Ok(())
    }

    /// All nodes read every record alike, and in it all that should be there.
    fn check_records(&mut self) -> Result<(), String> {
        let log = self.allies[0].log();
        let pasts = ledger::pasts(&log);
        let written = self.ledger.records();
        let imported: BTreeSet<RecordId> = log.iter().filter_map(|(_, entry)| entry.record()).collect();
        let imported = imported.difference(&written).take(2).copied();
        let honest: Vec<usize> = self.honest().collect();
        for record in written.iter().copied().chain(imported) {
            let read = self.allies[0].sheet_from_nothing(&record).map_err(|broken| broken.to_string())?;
            self.ledger.check(&read.view, &pasts)?;
            self.report.quarantined += read.quarantined.len();
            for node in &honest {
                let sheet = self.allies[*node].sheet(&record).map_err(|broken| broken.to_string())?;
                if sheet.view != read.view || sheet.quarantined != read.quarantined {
                    return Err(format!("{} reads {record:?} otherwise than {}", self.name(*node), self.name(0)));
                }
            }
        }
        self.report.records = written.len();
        Ok(())
    }

    fn describe(&self) -> String {
        let of = |node: usize| (self.allies[node].commons.set().count(), self.allies[node].is_in());
        let each: Vec<_> = (0..self.allies.len()).map(of).collect();
        let (turned, kind) = (self.lies.node, self.lies.kind);
        format!(
            "{:?}, {} links, entries at each node {each:?}, turned {turned:?} {kind:?}",
            self.faults,
            self.links.len()
        )
    }

    fn honest(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.allies.len()).filter(|node| !self.is_turned(*node))
    }

    fn is_turned(&self, node: usize) -> bool {
        self.lies.node == Some(node)
    }

    fn name(&self, node: usize) -> String {
        let what = if self.is_turned(node) { ", turned" } else { "" };
        format!("node {node}{what}")
    }

    const fn stormy(&self) -> bool {
        self.now < STORMY
    }

    fn any_node(&mut self) -> usize {
        self.dice.index(self.allies.len())
    }

    fn time(&self, node: usize) -> Timestamp {
        Timestamp(DAWN.0 + self.allies[node].clock).plus(self.now)
    }

    fn soon(&mut self, happening: Happening) {
        let next = self.now + EVERY / 2 + self.dice.below(EVERY);
        self.at(next, happening);
    }

    fn at(&mut self, at: u64, happening: Happening) {
        self.steps += 1;
        self.agenda.insert((at.max(self.now), self.steps), happening);
    }
}
