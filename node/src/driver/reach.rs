//! Connecting with peers: on request, and again and again with allies that are away.
//!
//! The story of a lost link. An ally's last connection closes, and it is *away*. A second later, give or take half of it
//! so that the two do not dial at the same moment, it is dialled at the addresses where it was met; while it does not
//! answer the pause doubles, up to a few minutes. Once it is connected that counts for nothing until the connection has
//! lasted: one that closes at once is as good as none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use essaim_protocol::api::chain;
use essaim_protocol::id::NetworkKey;
use libp2p::Multiaddr;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Driver;
use crate::engine::Engine;
use crate::net::Direction;

/// How long a dial may take in all: ten seconds for QUIC, then for TCP.
const REACH: Duration = Duration::from_secs(25);

/// Pause before an ally that is away is dialled, the first time.
const FIRST: Duration = Duration::from_secs(1);

/// The longest such pause. Longer delays the meeting of two that both come back; shorter is a burden on the many addresses
/// that are good no more.
const LONGEST: Duration = Duration::from_secs(300);

/// Allies that we dial and stay connected with at once, of the sixteen connections that a node opens: the others are
/// for whoever a person asks for. What these allies have comes to us from them, and in a larger commons they are a
/// choice by chance.
const IN_TOUCH: usize = 12;

impl Driver {
    /// Connects to a peer and waits until that is done.
    ///
    /// # Errors
    /// What kept it from being reached, in words.
    pub(crate) async fn reach(&self, peer: NetworkKey, addresses: &[Multiaddr]) -> Result<(), String> {
        let Some(net) = self.0.net.get() else { return Err("this node is not on the network".to_owned()) };
        let (done, outcome) = oneshot::channel();
        let connected = self.state(|state| {
            let waiting = state.dialling.entry(peer).or_default();
            // Whoever gave up waiting is not told.
            waiting.retain(|waiting| !waiting.is_closed());
            waiting.push(done);
            state.connected.contains(&peer)
        });
        if connected {
            self.dialled(peer, &Ok(()));
        } else if let Err(error) = net.dial(peer, addresses).await {
            self.dialled(peer, &Err(chain(&error)));
        }
        match tokio::time::timeout(REACH, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err("the network stopped".to_owned()),
            Err(_) => Err("no answer".to_owned()),
        }
    }

    /// Tells all who wait for a dial how it ended.
    pub(super) fn dialled(&self, peer: NetworkKey, outcome: &Result<(), String>) {
        for waiting in self.state(|state| state.dialling.remove(&peer).unwrap_or_default()) {
            // It may have given up.
            let _ = waiting.send(outcome.clone());
        }
    }

    /// Begins to dial allies of which only now something is known.
    pub(super) fn expect(&self, allies: impl IntoIterator<Item = NetworkKey>) {
        self.state(|state| {
            for ally in allies.into_iter().filter(|ally| !state.connected.contains(ally)) {
                state.allies.expect(ally, Instant::now());
            }
        });
        self.0.expected.notify_one();
    }

    /// Dials allies that are away whenever their time has come.
    pub(super) async fn keep_in_touch(self, engine: &Engine) {
        loop {
            let due = self.state(|state| state.allies.due(Instant::now(), IN_TOUCH));
            if !due.is_empty() {
                let mut known = self.addresses_of(engine, &due).await;
                for peer in due {
                    let addresses = known.remove(&peer).unwrap_or_default();
                    if addresses.is_empty() {
                        // Not an ally any more, or one that only ever came to us.
                        self.state(|state| state.allies.forget(&peer));
                    } else {
                        // Looking a name up takes time that the next ally need not wait for.
                        tokio::spawn(self.clone().dial(peer, addresses));
                    }
                }
            }
            let next = self.state(|state| state.allies.next(Instant::now()));
            tokio::select! {
                () = self.0.expected.notified() => {}
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    /// Begins to dial; the outcome is an event, unless it is certain without dialling.
    pub(super) async fn dial(self, peer: NetworkKey, addresses: Vec<Multiaddr>) {
        let Some(net) = self.0.net.get() else { return };
        if let Err(error) = net.dial(peer, &addresses).await {
            self.unreachable(peer, &chain(&error));
        }
    }

    /// Notes that a dial failed.
    pub(super) fn unreachable(&self, peer: NetworkKey, why: &str) {
        tracing::debug!(peer = %peer.short(), why, "a peer cannot be dialled");
        self.state(|state| state.allies.failed(&peer, Instant::now(), rand::random_range(0.5..1.5)));
        self.dialled(peer, &Err(why.to_owned()));
        self.0.expected.notify_one();
    }

    /// Where devices of allies were met.
    async fn addresses_of(&self, engine: &Engine, wanted: &[NetworkKey]) -> BTreeMap<NetworkKey, Vec<Multiaddr>> {
        let mut found: BTreeMap<NetworkKey, BTreeSet<Multiaddr>> = BTreeMap::new();
        for room in engine.rooms().await {
            // A commons that is closed is dialled for when it opens again.
            let Ok(known) = room.keeper.run(|desk| desk.known_addresses()).await else { continue };
            for (peer, addresses) in known.into_iter().filter(|(peer, _)| wanted.contains(peer)) {
                found.entry(peer).or_default().extend(addresses.iter().filter_map(|text| text.parse().ok()));
            }
        }
        found.into_iter().map(|(peer, addresses)| (peer, addresses.into_iter().collect())).collect()
    }
}

/// Allies' devices, and when those that are away are dialled next. At most as many rows as there are devices of allies.
#[derive(Debug, Default)]
pub(super) struct Allies(BTreeMap<NetworkKey, Ally>);

#[derive(Debug)]
struct Ally {
    link: Link,
    /// How long after the next failure it is dialled again.
    pause: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Link {
    /// To be dialled at that time.
    Away(Instant),
    /// Being dialled; past that time nothing more is heard of it.
    Dialled(Instant),
    /// Connected since then; by us or by them.
    Here(Instant, Direction),
}

impl Allies {
    /// An ally is known; unless that was so before, it is dialled at once.
    fn expect(&mut self, peer: NetworkKey, now: Instant) {
        self.0.entry(peer).or_insert(Ally { link: Link::Away(now), pause: FIRST });
    }

    /// It is connected.
    pub(super) fn met(&mut self, peer: NetworkKey, direction: Direction, now: Instant) {
        let ally = self.0.entry(peer).or_insert(Ally { link: Link::Away(now), pause: FIRST });
        ally.link = Link::Here(now, direction);
    }

    /// Its last connection is gone; `jitter` is drawn around one.
    pub(super) fn lost(&mut self, peer: NetworkKey, now: Instant, jitter: f64) {
        let ally = self.0.entry(peer).or_insert(Ally { link: Link::Here(now, Direction::Incoming), pause: FIRST });
        if let Link::Here(since, _) = ally.link
            && now.duration_since(since) >= LONGEST
        {
            ally.pause = FIRST;
        }
        ally.wait(now, jitter);
    }

    /// It could not be reached.
    fn failed(&mut self, peer: &NetworkKey, now: Instant, jitter: f64) {
        let ally = self.0.get_mut(peer);
        // One that came by itself meanwhile stays.
        if let Some(ally) = ally.filter(|ally| !matches!(ally.link, Link::Here(..))) {
            ally.wait(now, jitter);
        }
    }

    /// Whether it is known as an ally.
    pub(super) fn has(&self, peer: &NetworkKey) -> bool {
        self.0.contains_key(peer)
    }

    fn forget(&mut self, peer: &NetworkKey) {
        self.0.remove(peer);
    }

    /// Those to dial now, who waited longest first, so that no more than `places` are dialled or stay connected by our
    /// dialling.
    fn due(&mut self, now: Instant, places: usize) -> Vec<NetworkKey> {
        let taken = self.0.values().filter(|ally| ally.takes_place(now)).count();
        let mut due: Vec<_> = self.0.iter().filter_map(|(peer, ally)| Some((ally.due()?, *peer))).collect();
        due.retain(|(at, _)| *at <= now);
        due.sort_unstable();
        due.truncate(places.saturating_sub(taken));
        for (_, peer) in &due {
            if let Some(ally) = self.0.get_mut(peer) {
                ally.link = Link::Dialled(now + REACH);
            }
        }
        due.into_iter().map(|(_, peer)| peer).collect()
    }

    /// How long until [`Allies::due`] has another answer, if nothing happens before. Those whose time has come wait for a
    /// place: for something to happen.
    fn next(&self, now: Instant) -> Duration {
        let next = self.0.values().filter_map(Ally::due).filter(|at| *at > now).min();
        next.map_or(LONGEST, |at| at.duration_since(now))
    }

    /// Whether our own dial may be why this peer is connected now.
    pub(super) fn is_dialled(&self, peer: &NetworkKey) -> bool {
        self.0.get(peer).is_some_and(|ally| matches!(ally.link, Link::Dialled(_)))
    }
}

impl Ally {
    fn wait(&mut self, now: Instant, jitter: f64) {
        self.link = Link::Away(now + self.pause.mul_f64(jitter));
        self.pause = (self.pause * 2).min(LONGEST);
    }

    const fn due(&self) -> Option<Instant> {
        match self.link {
            Link::Away(at) | Link::Dialled(at) => Some(at),
            Link::Here(..) => None,
        }
    }

    fn takes_place(&self, now: Instant) -> bool {
        match self.link {
            Link::Away(_) => false,
            Link::Dialled(until) => until > now,
            Link::Here(_, direction) => direction == Direction::Outgoing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Network;
    use crate::net::Event;

    #[tokio::test]
    async fn an_ally_whose_link_drops_while_its_commons_is_closed_is_dialled_again() {
        let home = tempfile::tempdir().unwrap();
        let driver = Driver::new(Network::on_this_machine(Vec::new()));
        let engine = Engine::open(home.path(), 0, None).await.unwrap();
        driver.state(|state| state.allies.met(ally(1), Direction::Outgoing, Instant::now()));
        for peer in [ally(1), ally(2)] {
            driver.happened(&engine, Event::Disconnected { peer }).await;
        }
        let due = driver.state(|state| state.allies.due(Instant::now() + seconds(2), IN_TOUCH));
        assert_eq!(due, [ally(1)], "and a stranger is not");
    }

    fn ally(n: u8) -> NetworkKey {
        NetworkKey([n; 32])
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn an_ally_that_does_not_answer_is_dialled_ever_more_rarely_and_never_given_up() {
        let (mut allies, mut now) = (Allies::default(), Instant::now());
        allies.expect(ally(1), now);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            assert_eq!(allies.due(now, 1), [ally(1)]);
            assert_eq!(allies.due(now, 1), [], "it is being dialled");
            allies.failed(&ally(1), now, 1.0);
            let pause = allies.next(now);
            assert_eq!(allies.due(now + pause - seconds(1) / 2, 1), []);
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }

    #[test]
    fn a_lost_ally_is_dialled_soon_unless_its_connections_never_last() {
        let (mut allies, mut now) = (Allies::default(), Instant::now());
        for pause in [1, 2, 4] {
            allies.met(ally(1), Direction::Incoming, now);
            allies.lost(ally(1), now, 1.0);
            assert_eq!(allies.next(now), seconds(pause));
            now += seconds(pause);
        }
        allies.met(ally(1), Direction::Outgoing, now);
        now += LONGEST;
        allies.lost(ally(1), now, 1.0);
        assert_eq!(allies.next(now), FIRST);
    }

    #[test]
    fn of_many_allies_no_more_are_dialled_than_there_are_places_and_each_has_its_turn() {
        let (mut allies, mut now) = (Allies::default(), Instant::now());
        for n in 0..40 {
            allies.expect(ally(n), now);
        }
        let mut seen = BTreeSet::new();
        while seen.len() < 40 {
            let due = allies.due(now, IN_TOUCH);
            assert!(due.len() <= IN_TOUCH);
            for peer in due {
                seen.insert(peer);
                allies.failed(&peer, now, 1.0);
            }
            now += allies.next(now);
        }
        assert!(seen.len() == 40 && now < Instant::now() + seconds(60));

        // Those that answer keep their places; a connection that others opened takes none.
        let now = now + LONGEST;
        for peer in allies.due(now, IN_TOUCH) {
            allies.met(peer, Direction::Outgoing, now);
        }
        assert_eq!(allies.due(now + LONGEST, IN_TOUCH), []);
        allies.met(ally(99), Direction::Incoming, now);
        let gone = *allies.0.iter().find(|(_, ally)| ally.takes_place(now)).map(|(peer, _)| peer).unwrap();
        allies.lost(gone, now, 1.0);
        assert_eq!(allies.due(now, IN_TOUCH).len(), 1);
    }

    #[test]
    fn a_dial_of_which_nothing_is_heard_is_made_again() {
        let (mut allies, now) = (Allies::default(), Instant::now());
        allies.expect(ally(1), now);
        assert_eq!(allies.due(now, 1), [ally(1)]);
        assert_eq!(allies.due(now + REACH, 1), [ally(1)]);
    }
}
