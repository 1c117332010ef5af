//! Exchanging with peers on request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use essaim_protocol::api::{Ended, Error, Progress, Report, Stage, Sync, SyncOutcome, Synced};
use essaim_protocol::id::NetworkKey;
use futures::future::join_all;
use libp2p::Multiaddr;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::fault::internal;
use super::{Engine, Room};
use crate::driver::{Driver, Exchanged, Verdict};
use crate::keeper::Desk;

/// Pause before a peer that did not answer is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Sessions that a request has open at once, of the four that a node opens: news go on spreading meanwhile.
const AT_ONCE: usize = 3;

impl Engine {
    /// Exchanges with the peers of one commons or all, each as soon as it answers: one that does not keeps no other waiting.
    pub(super) async fn sync(&self, asked: Option<&str>, sync: Sync, report: &Report) -> Result<Synced, Error> {
        let driver = self.driver()?;
        let rooms = match asked {
            Some(_) => vec![self.room(asked).await?],
            None => self.rooms().await,
        };
        if rooms.is_empty() {
            return Err(self.room(None).await.err().unwrap_or(Error::NoCommons {}));
        }
        let deadline = Instant::now() + Duration::from_secs(sync.wait_s);
        let mut tried = Vec::new();
        for room in &rooms {
            for peer in self.peers_of(room, sync.peer.as_deref()).await? {
                tried.push((room.clone(), peer));
            }
        }
        let (total, done) = (Some(tried.len() as u64), &AtomicU64::new(0));
        report(Progress { stage: Stage::Exchanging, done: 0, total });
        let places = &Semaphore::new(AT_ONCE);
        let exchanges = tried.into_iter().map(async |(room, (peer, addresses))| {
            let exchanged = match reach(driver, peer, &addresses, deadline).await {
                Ok(()) => {
                    let _place = places.acquire().await.map_err(internal)?;
                    driver.exchange(&room, peer).await
                }
                Err(why) => Exchanged::unreachable(&why),
            };
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            report(Progress { stage: Stage::Exchanging, done, total });
            self.outcome(&room, peer, exchanged).await
        });
        // Each goes on to its end, whatever becomes of another.
        let peers = join_all(exchanges).await.into_iter().collect::<Result<_, _>>()?;
        Ok(Synced { peers })
    }

    pub(super) fn driver(&self) -> Result<&Driver, Error> {
        self.0.driver.as_ref().ok_or(Error::NoPeer { tried: 0 })
    }

    /// The devices of other allies, of one of them when `asked`, with where they were met.
    async fn peers_of(&self, room: &Room, asked: Option<&str>) -> Result<Vec<(NetworkKey, Vec<String>)>, Error> {
        let only = match asked {
            Some(asked) => Some(self.ally(room, asked.to_owned()).await?.id),
            None => None,
        };
        let work = move |desk: &mut Desk| {
            let me = desk.me();
            let allies: Vec<_> = desk.roster().allies().filter(|ally| Some(ally.id) != me).collect();
            let wanted = allies.iter().filter(|ally| only.is_none_or(|only| only == ally.id));
            let devices: Vec<_> = wanted.flat_map(|ally| &ally.devices).map(|device| device.network).collect();
            let standing = devices.into_iter().filter(|device| desk.roster().device(device).is_some());
            standing.map(|device| (device, desk.peer(&device).addresses)).collect()
        };
        room.keeper.run(work).await.map_err(internal)
    }

    pub(super) async fn outcome(
        &self,
        room: &Room,
        peer: NetworkKey,
        exchanged: Exchanged,
    ) -> Result<SyncOutcome, Error> {
        let named = move |desk: &mut Desk| {
            let roster = desk.roster();
            let ally = roster.device(&peer).and_then(|device| roster.ally_of(&device)).and_then(|id| roster.ally(&id));
            ally.map_or_else(|| peer.short(), |ally| ally.name.to_string())
        };
        let (ended, why) = match exchanged.verdict {
            Verdict::InSync => (Ended::InSync, None),
            Verdict::Differs => (Ended::Partial, None),
            Verdict::Broken(why) => (Ended::Partial, Some(why)),
            Verdict::Failed(error) => return Err(error),
            Verdict::Misbehaved(why) => (Ended::CutOff, Some(why.en)),
            Verdict::Unknown => (Ended::NotAdmitted, None),
            Verdict::Incompatible => (Ended::OtherVersion, None),
            Verdict::Unreachable(why) => (Ended::Unreachable, Some(why)),
        };
        Ok(SyncOutcome {
            ally: room.keeper.run(named).await.map_err(internal)?,
            commons: room.name.clone(),
            ended,
            received: exchanged.received,
            sent: exchanged.sent,
            why,
            traffic: exchanged.traffic,
            ms: u64::try_from(exchanged.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// Connects to a peer, trying again until the deadline.
async fn reach(driver: &Driver, peer: NetworkKey, addresses: &[String], deadline: Instant) -> Result<(), String> {
    let addresses: Vec<Multiaddr> = addresses.iter().filter_map(|text| text.parse().ok()).collect();
    loop {
        match timeout_at(deadline, driver.reach(peer, &addresses)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(why)) if Instant::now() + TRY_AGAIN > deadline => return Err(why),
            Ok(Err(_)) => tokio::time::sleep(TRY_AGAIN).await,
            Err(_) => return Err("no answer in time".to_owned()),
        }
    }
}
