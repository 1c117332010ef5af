//! The one loop between network, keepers and clock: what happened goes to whom it concerns.
//!
//! A peer connects: for each commons where its device is in good standing, the side that dialled opens a session. An
//! entry enters a commons, from here or from elsewhere: sessions open with its members that are connected, until one ends
//! in sync. Every few minutes a session opens with one of them anyway, since news can be lost and reconciliation is the
//! truth. A peer opens a session: its first frame says whether it [knocks](essaim_protocol::join) or syncs, and in which
//! commons; a commons where it is not in good standing is unknown to it, like one that is not here.
//!
//! Nobody is dialled but devices of allies, at addresses that a ticket, a person, the local network or an earlier
//! connection gave; those that are away, again and again.

mod host;
mod pump;
mod reach;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use essaim_protocol::api::{self, Error, Words};
use essaim_protocol::id::{CommonsId, NetworkKey};
use essaim_protocol::sync::Role;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use rand::seq::IndexedRandom as _;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

pub use pump::{Exchanged, Verdict};

use self::reach::Allies;
use crate::engine::{Engine, Room, now};
use crate::home::Ports;
use crate::keeper::{Desk, Keeper};
use crate::net::{self, Event, SessionError, StartError, address};

/// How often a session opens with one member of each commons whatever happened. Shorter costs 300 bytes a time; longer
/// delays what a lost notice hid.
pub const ANTI_ENTROPY: Duration = Duration::from_secs(180);

/// How long news gather before sessions open: an import is thousands of entries and one session.
const GATHER: Duration = Duration::from_millis(20);

/// Pause before a session that did not end in sync is tried again; it doubles up to [`ANTI_ENTROPY`].
const AGAIN: Duration = Duration::from_millis(100);

/// How often the ports of the last run are tried before others are taken, and the pause between: a node that was stopped
/// a moment ago may still be giving them back.
const PORT_TRIES: u32 = 10;
const PORT_PAUSE: Duration = Duration::from_millis(100);

/// How many times a session is tried again while the peer is busy with others, and the pause between, which doubles.
const BUSY_TRIES: u32 = 6;
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// How this node is on the network.
#[derive(Debug, Clone)]
pub struct Network {
    /// Where it listens.
    pub listen: Vec<Multiaddr>,
    /// Whether it finds others on the local network, and is found.
    pub mdns: bool,
    /// Whether tickets are for this very machine: rehearsals and tests.
    pub on_this_machine: bool,
    /// How often a session opens with one member of each commons whatever happened: [`ANTI_ENTROPY`], but for tests.
    pub reconcile_every: Duration,
}

impl Network {
    /// A node that listens on these addresses of any interface, and by itself finds nobody.
    #[must_use]
    pub const fn new(listen: Vec<Multiaddr>) -> Self {
        Self { listen, mdns: false, on_this_machine: false, reconcile_every: ANTI_ENTROPY }
    }

    /// The same for others on this very machine.
    #[must_use]
    pub fn on_this_machine(listen: Vec<Multiaddr>) -> Self {
        Self { on_this_machine: true, ..Self::new(listen) }
    }
}

/// The node's life on the network. It begins once there is an identity.
#[derive(Debug, Clone)]
pub struct Driver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Network,
    net: OnceLock<net::Handle>,
    state: Mutex<State>,
    /// There is something new to see in [`State::allies`].
    expected: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Peers connected now.
    connected: BTreeSet<NetworkKey>,
    /// Devices of allies, for which places are kept.
    kept: BTreeSet<NetworkKey>,
    /// Sessions that we open, by commons and peer: one at a time.
    turns: BTreeMap<(CommonsId, NetworkKey), Arc<tokio::sync::Mutex<()>>>,
    /// Peers that are being brought level, and whether once more.
    levelling: BTreeMap<(CommonsId, NetworkKey), bool>,
    /// Allies that are away, and when they are dialled.
    allies: Allies,
    /// Who waits for a dial to end.
    dialling: BTreeMap<NetworkKey, Vec<oneshot::Sender<Result<(), String>>>>,
    /// Commons whose news are followed, each with the keeper that tells them.
    followed: BTreeMap<CommonsId, Keeper>,
    traffic: api::Traffic,
}

impl State {
    /// `false` when the commons is followed already. One that was closed and opened again has another keeper.
    fn begin_to_follow(&mut self, room: &Room) -> bool {
        let followed = self.followed.get(&room.id).is_some_and(|keeper| !keeper.has_ended());
        if !followed {
            self.followed.insert(room.id, room.keeper.clone());
        }
        !followed
    }
}

impl Driver {
    /// A node that will be on the network like this.
    #[must_use]
    pub fn new(config: Network) -> Self {
        Self(Arc::new(Inner { config, net: OnceLock::new(), state: Mutex::default(), expected: Notify::new() }))
    }

    /// Goes on the network, once.
    ///
    /// # Errors
    /// [`Error::BadAddress`] when it cannot listen where it should.
    pub async fn start(&self, engine: Engine) -> Result<(), Error> {
        let Some(keys) = engine.keys().await else { return Ok(()) };
        let config = |listen: Vec<Multiaddr>| net::Config {
            listen,
            mdns: self.0.config.mdns,
            ..net::Config::new(keys.network_secret())
        };
        let ports = engine.with_home(crate::home::Home::ports).await.unwrap_or_default();
        let again: Vec<_> = self.0.config.listen.iter().map(|address| with_port(address, ports)).collect();
        let mut started = net::start(config(again.clone()));
        for _ in 0..PORT_TRIES {
            if started.is_ok() || again == self.0.config.listen {
                break;
            }
            tokio::time::sleep(PORT_PAUSE).await;
            started = net::start(config(again.clone()));
        }
        // The port of the last run may be somebody else's now.
        let started = started.or_else(|_| net::start(config(self.0.config.listen.clone())));
        let (handle, events) = started.map_err(start_error)?;
        if self.0.net.set(handle).is_err() {
            return Ok(());
        }
        for room in engine.rooms().await {
            self.follow(&engine, room).await;
        }
        tokio::spawn(self.clone().run(engine, events));
        Ok(())
    }

    /// Leaves the network.
    pub async fn stop(&self) {
        if let Some(net) = self.0.net.get() {
            net.shutdown().await;
        }
    }

    /// Whether it finds others on the local network.
    #[must_use]
    pub fn mdns(&self) -> bool {
        self.0.config.mdns
    }

    /// Who is connected.
    #[must_use]
    pub fn connected(&self) -> BTreeSet<NetworkKey> {
        self.state(|state| state.connected.clone())
    }

    /// Bytes moved in sessions since the start.
    #[must_use]
    pub fn traffic(&self) -> api::Traffic {
        self.state(|state| state.traffic)
    }

    /// Where this node can be dialled; nothing when it is not on the network.
    pub async fn listening(&self) -> Vec<Multiaddr> {
        match self.0.net.get() {
            Some(net) => net.listen_addresses().await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// The addresses to put in a ticket, best first.
    pub async fn addresses_for_tickets(&self) -> Vec<Multiaddr> {
        address::for_ticket(&self.listening().await, self.0.config.on_this_machine)
    }

    /// Begins to spread the news of a commons, and meets those who are its allies now.
    pub(crate) async fn follow(&self, engine: &Engine, room: Room) {
        let Some(net) = self.0.net.get() else { return };
        if let Ok((known, cut_off)) = room.keeper.run(|desk| (desk.known_addresses(), desk.cut_off())).await {
            for peer in &cut_off {
                let _ = net.block(*peer).await;
            }
            let welcome: Vec<_> =
                known.into_iter().map(|(peer, _)| peer).filter(|peer| !cut_off.contains(peer)).collect();
            // Their places are kept before strangers come.
            self.keep(&welcome).await;
            self.expect(welcome);
        }
        // Whoever was met while joining is an ally only now.
        let met = net.connected().await.unwrap_or_default();
        let members = room.keeper.members_among(&met.iter().map(|connection| connection.peer).collect());
        for connection in met.iter().filter(|connection| members.contains(&connection.peer)) {
            self.meet(&room, connection).await;
            self.spread(engine, room.id, connection.peer);
        }
        if self.state(|state| state.begin_to_follow(&room)) {
            tokio::spawn(self.clone().spread_news(room, engine.clone()));
        }
    }

    /// Opens a stream with a connected peer.
    ///
    /// # Errors
    /// [`Verdict::Unreachable`] or [`Verdict::Misbehaved`]: how an exchange that never began ended.
    pub(crate) async fn open(&self, peer: NetworkKey) -> Result<net::SyncStream, Verdict> {
        let unreachable = |why: &str| Verdict::Unreachable(why.to_owned());
        let Some(net) = self.0.net.get() else { return Err(unreachable("this node is not on the network")) };
        let mut pause = BUSY_PAUSE;
        for _ in 0..BUSY_TRIES {
            match net.open_sync(peer).await {
                Ok(stream) => return Ok(stream),
                Err(net::OpenError::Busy | net::OpenError::Full { .. } | net::OpenError::AlreadyOpen) => {
                    // Two nodes that find each other busy at once must not do so for ever.
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                    pause *= 2;
                }
                Err(net::OpenError::Answer(error)) => return Err(broken(&error)),
                Err(error) => return Err(unreachable(&api::chain(&error))),
            }
        }
        Err(unreachable("the peer is busy with others"))
    }

    /// Everything that happens on the network, until it stops.
    async fn run(self, engine: Engine, events: mpsc::Receiver<Event>) {
        tokio::select! {
            () = self.clone().take_events(&engine, events) => {}
            () = self.clone().keep_in_touch(&engine) => {}
        }
        // Whoever waits for a dial is told.
        self.state(|state| state.dialling.clear());
    }

    async fn take_events(self, engine: &Engine, mut events: mpsc::Receiver<Event>) {
        let mut clock = tokio::time::interval(self.0.config.reconcile_every);
        clock.tick().await;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.happened(engine, event).await,
                    None => return,
                },
                _ = clock.tick() => self.reconcile_at_random(engine).await,
            }
        }
    }

    async fn happened(&self, engine: &Engine, event: Event) {
        match event {
            Event::Listening(address) => {
                tracing::info!(%address, "listening");
                if let Err(error) = engine.keep_ports(move |ports| noted(ports, &address)).await {
                    tracing::warn!(%error, "the port could not be noted");
                }
            }
            Event::Connected(connection) => self.met(engine, connection).await,
            Event::Disconnected { peer } => {
                let ally = !rooms_of(engine, peer).await.is_empty();
                let jitter = rand::random_range(0.5..1.5);
                self.state(|state| {
                    state.connected.remove(&peer);
                    // A commons that is being rebuilt has no room, and its allies stay what they are.
                    if ally || state.allies.has(&peer) {
                        state.allies.lost(peer, Instant::now(), jitter);
                    }
                });
                self.0.expected.notify_one();
            }
            Event::Discovered { peer, addresses } => {
                if !self.connected().contains(&peer) && !rooms_of(engine, peer).await.is_empty() {
                    tokio::spawn(self.clone().dial(peer, addresses));
                }
            }
            Event::Incoming(stream) => {
                tokio::spawn(self.clone().answer(engine.clone(), stream));
            }
            Event::DialFailed { peer, error } => self.unreachable(peer, &api::chain(&error)),
        }
    }

    /// The first connection with a peer stands.
    async fn met(&self, engine: &Engine, connection: net::Connection) {
        let peer = connection.peer;
        self.state(|state| state.connected.insert(peer));
        self.dialled(peer, &Ok(()));
        let rooms = rooms_of(engine, peer).await;
        if rooms.is_empty() {
            return;
        }
        let crossed = self.state(|state| {
            let crossed = state.allies.is_dialled(&peer);
            state.allies.met(peer, connection.direction, Instant::now());
            crossed
        });
        // The keeper may be busy for long; what happens on the network goes on.
        let (driver, engine) = (self.clone(), engine.clone());
        tokio::spawn(async move {
            for room in rooms {
                driver.meet(&room, &connection).await;
                // When two dial at once, each may take the other's connection for the first: then both open a session.
                if connection.direction == net::Direction::Outgoing || crossed {
                    driver.spread(&engine, room.id, peer);
                }
            }
        });
    }

    /// Notes an ally that is connected, where it answered, and holds on to it.
    async fn meet(&self, room: &Room, connection: &net::Connection) {
        let peer = connection.peer;
        // Over QUIC a peer dials from the port at which it listens; over TCP from one that means nothing later.
        let quic = connection.address.iter().any(|part| part == Protocol::QuicV1);
        let lasting = quic || connection.direction == net::Direction::Outgoing;
        let address = lasting.then(|| connection.address.to_string());
        // A keeper or a network that has stopped meets nobody.
        let _ = room.keeper.run(move |desk| desk.met(&peer, address, now())).await;
        self.keep(&[peer]).await;
    }

    /// Keeps places for allies, whatever strangers come.
    async fn keep(&self, allies: &[NetworkKey]) {
        let Some(net) = self.0.net.get() else { return };
        for ally in allies {
            if self.state(|state| state.kept.insert(*ally)) {
                // A network that has stopped keeps nothing.
                let _ = net.keep(*ally, true).await;
            }
        }
    }

    /// Keeps places for those who came in since: a statement may have made anybody an ally.
    async fn keep_new(&self, room: &Room) {
        let kept = self.state(|state| state.kept.clone());
        let new = move |desk: &mut Desk| {
            let new: Vec<NetworkKey> = desk.others().into_iter().filter(|device| !kept.contains(device)).collect();
            let cut_off = if new.is_empty() { Vec::new() } else { desk.cut_off() };
            new.into_iter().filter(|device| !cut_off.contains(device)).collect::<Vec<_>>()
        };
        if let Ok(new) = room.keeper.run(new).await {
            self.keep(&new).await;
        }
    }

    /// Sees to it, in the background, that a peer comes to hold what is here, and we what it has: sessions until one ends
    /// in sync, as long as it is connected.
    fn spread(&self, engine: &Engine, commons: CommonsId, peer: NetworkKey) {
        // Whoever sees to it already begins again when done: what is here now may be too late for a session that goes on.
        if self.state(|state| state.levelling.insert((commons, peer), true)).is_none() {
            let (driver, engine) = (self.clone(), engine.clone());
            tokio::spawn(async move { driver.level(&engine, commons, peer).await });
        }
    }

    async fn level(&self, engine: &Engine, commons: CommonsId, peer: NetworkKey) {
        let key = (commons, peer);
        let mut pause = AGAIN;
        while self.state(|state| match state.levelling.get_mut(&key) {
            Some(wanted) if *wanted && state.connected.contains(&peer) => {
                *wanted = false;
                true
            }
            Some(_) | None => {
                state.levelling.remove(&key);
                false
            }
        }) {
            // Looked up each time: it may have been closed and opened again.
            let Some(room) = engine.open_room(&commons).await else { continue };
            let exchanged = self.exchange(&room, peer).await;
            match exchanged.verdict {
                Verdict::InSync => pause = AGAIN,
                Verdict::Differs | Verdict::Broken(_) | Verdict::Failed(_) | Verdict::Unreachable(_) => {
                    tracing::debug!(peer = %peer.short(), verdict = ?exchanged.verdict, "trying again");
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                    pause = (pause * 2).min(ANTI_ENTROPY);
                    self.state(|state| state.levelling.insert(key, true));
                }
                // It would only say the same again.
                Verdict::Unknown | Verdict::Incompatible | Verdict::Misbehaved(_) => {}
            }
        }
    }

    /// Sessions with all connected members, whenever something entered the commons.
    async fn spread_news(self, room: Room, engine: Engine) {
        let Ok(mut news) = room.keeper.run(|desk| desk.news()).await else { return };
        while news.changed().await.is_ok() {
            tokio::time::sleep(GATHER).await;
            news.mark_unchanged();
            self.keep_new(&room).await;
            for peer in room.keeper.members_among(&self.connected()) {
                self.spread(&engine, room.id, peer);
            }
        }
    }

    async fn reconcile_at_random(&self, engine: &Engine) {
        for room in engine.rooms().await {
            let members = room.keeper.members_among(&self.connected());
            let chosen = members.choose(&mut rand::rng()).copied();
            if let Some(peer) = chosen {
                self.spread(engine, room.id, peer);
            }
        }
    }

    /// One whole session that we open. When one with the same peer about the same commons goes on, it is that one's end
    /// that is waited for: what is here now may be too late for it.
    pub(crate) async fn exchange(&self, room: &Room, peer: NetworkKey) -> Exchanged {
        let turn = self.turn(room.id, peer);
        let _turn = turn.lock().await;
        let exchanged = match self.open(peer).await {
            Ok(stream) => pump::sync(room, stream, Role::Initiator, None).await,
            Err(verdict) => Exchanged::without_entries(verdict),
        };
        self.count(exchanged.traffic);
        self.blame(Some(room), peer, &exchanged.verdict).await;
        exchanged
    }

    /// The turn to speak with a peer about a commons.
    fn turn(&self, commons: CommonsId, peer: NetworkKey) -> Arc<tokio::sync::Mutex<()>> {
        self.state(|state| {
            // Turns that nobody waits for are forgotten, so that there are no more than sessions.
            state.turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            state.turns.entry((commons, peer)).or_default().clone()
        })
    }

    fn count(&self, traffic: api::Traffic) {
        self.state(|state| {
            state.traffic.bytes_in += traffic.bytes_in;
            state.traffic.bytes_out += traffic.bytes_out;
        });
    }

    /// A peer that did what no honest peer does is cut off; the commons of which it is a member remembers it.
    async fn blame(&self, room: Option<&Room>, peer: NetworkKey, verdict: &Verdict) {
        let Verdict::Misbehaved(why) = verdict else { return };
        tracing::warn!(peer = %peer.short(), why = why.en, "the peer misbehaves and is cut off");
        if let Some(net) = self.0.net.get() {
            let _ = net.block(peer).await;
        }
        if let Some(room) = room {
            let why = why.clone();
            let _ = room.keeper.run(move |desk| desk.condemn(&peer, why, now())).await;
        }
    }

    /// Lets peers that were cut off come back, and goes to meet them.
    pub(crate) async fn forgive(&self, peers: Vec<NetworkKey>) {
        let Some(net) = self.0.net.get() else { return };
        for peer in &peers {
            let _ = net.unblock(*peer).await;
        }
        self.expect(peers);
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // Nothing that panics runs under this lock.
        change(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The commons in which a peer is in good standing.
async fn rooms_of(engine: &Engine, peer: NetworkKey) -> Vec<Room> {
    let mut rooms = engine.rooms().await;
    rooms.retain(|room| !room.keeper.members_among(&BTreeSet::from([peer])).is_empty());
    rooms
}

/// Why there is no network, in words.
fn start_error(error: StartError) -> Error {
    match error {
        StartError::PortTaken { address } => Error::BadAddress {
            address: address.to_string(),
            detail: Words::new("un autre programme utilise déjà ce port", "another program uses this port already"),
        },
        StartError::Listen { address, source } => {
            let Words { fr, en } = Words::of_system(&source);
            let fr = format!("le système ne permet pas d'y écouter ({fr})");
            let detail = Words::new(fr, format!("the system does not let us listen there ({en})"));
            Error::BadAddress { address: address.to_string(), detail }
        }
        error @ (StartError::Key(_) | StartError::Setup(_)) => Error::Internal { detail: api::chain(&error) },
    }
}

/// An address whose port is free to choose, with the port of the last run.
fn with_port(address: &Multiaddr, mut ports: Ports) -> Multiaddr {
    let noted = port_of(&mut ports, address).and_then(|port| *port);
    let part = |part: Protocol<'_>| match (&part, noted) {
        (Protocol::Udp(0), Some(port)) => Protocol::Udp(port),
        (Protocol::Tcp(0), Some(port)) => Protocol::Tcp(port),
        _ => part.acquire(),
    };
    address.iter().map(part).collect()
}

/// The ports, with that of an address on which we listen.
fn noted(mut ports: Ports, address: &Multiaddr) -> Ports {
    for part in address {
        if let Protocol::Udp(port) | Protocol::Tcp(port) = part
            && let Some(place) = port_of(&mut ports, address)
        {
            *place = Some(port);
        }
    }
    ports
}

/// Where the port of an address like this one is noted.
fn port_of<'a>(ports: &'a mut Ports, address: &Multiaddr) -> Option<&'a mut Option<u16>> {
    let six = address::ip(address)?.is_ipv6();
    if address.iter().any(|part| matches!(part, Protocol::Udp(_))) {
        Some(if six { &mut ports.udp6 } else { &mut ports.udp4 })
    } else {
        Some(if six { &mut ports.tcp6 } else { &mut ports.tcp4 })
    }
}

/// How an exchange ended whose stream broke off.
pub(crate) fn broken(error: &SessionError) -> Verdict {
    match error {
        SessionError::Length { .. } | SessionError::Answer { .. } => Verdict::Misbehaved(Words::new(
            "son nœud a envoyé une longueur ou une réponse impossible",
            error.to_string(),
        )),
        SessionError::CutShort | SessionError::Idle | SessionError::Lost(_) => Verdict::Broken(api::chain(error)),
    }
}
