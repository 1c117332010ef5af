//! Joining by ticket, and exchanging with peers on request.

use std::time::Duration;

use essaim_protocol::api::{
    Ended, Error, Join, Joined, Progress, ReadTicket, Report, Role, Stage, Sync, SyncOutcome, Synced, TicketContent,
    Words,
};
use essaim_protocol::entry::statement::Role as Standing;
use essaim_protocol::id::NetworkKey;
use essaim_protocol::join::{Frame, Knock, MAX_ROSTER};
use essaim_protocol::roster::{Ticket, TicketError};
use libp2p::Multiaddr;
use tokio::time::{Instant, timeout_at};

use super::commons::{card, join_error};
use super::fault::internal;
use super::{Engine, Room, now, open_desk, room};
use crate::driver::{Driver, Exchanged, Verdict};
use crate::keeper::{About, Desk};
use crate::net::SyncStream;

/// How long a host may take for one step of joining.
const STEP: Duration = Duration::from_secs(30);

/// Pause before an ally is asked again whether the admission has come.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// What the host said: the commons with its statements, not yet joined.
struct Visit {
    desk: Desk,
    stream: SyncStream,
    about: About,
    charter: String,
}

impl Engine {
    pub(super) async fn read_ticket(&self, read: ReadTicket) -> Result<TicketContent, Error> {
        let ticket = ticket(&read.ticket)?;
        self.refuse_twice(&ticket).await?;
        let id = ticket.commons;
        let (about, charter) = match self.rooms().await.into_iter().find(|room| room.id == id) {
            // We presented ourselves and wait: what was read then is here.
            Some(room) => {
                let known = move |desk: &mut Desk| (desk.about(&ticket), desk.charter());
                let (about, charter) = room.keeper.run(known).await.map_err(internal)?;
                (about.ok_or_else(|| internal("a commons without its first statement"))?, charter)
            }
            None => {
                let visit = self.visit(&ticket).await?;
                (visit.about, Some(visit.charter))
            }
        };
        Ok(TicketContent {
            commons: id,
            name: about.name,
            invited_by: about.inviter,
            role: match about.role {
                Some(Standing::Reader) => Role::Reader,
                Some(Standing::Ally) | None => Role::Ally,
            },
            charter: about.charter,
            charter_text: charter,
        })
    }

    pub(super) async fn join(&self, join: Join, report: &Report) -> Result<Joined, Error> {
        let ticket = ticket(&join.ticket)?;
        let deadline = Instant::now() + Duration::from_secs(join.wait_s);
        report(Progress { stage: Stage::Connecting, done: 0, total: None });
        let room = match self.rooms().await.into_iter().find(|room| room.id == ticket.commons) {
            Some(room) if self.is_in(&room).await? => return Err(Error::AlreadyJoined { name: room.name }),
            // The charter was read before, in this run or another.
            Some(room) => {
                let charter = room.keeper.run(|desk| desk.roster().charter()).await.map_err(internal)?;
                if charter != Some(join.accepted) {
                    return Err(Error::CharterNotAccepted {});
                }
                room
            }
            None => {
                let visit = self.visit(&ticket).await?;
                if visit.about.charter != join.accepted {
                    return Err(Error::CharterNotAccepted {});
                }
                self.enter(&ticket, visit).await?
            }
        };
        let before = room.keeper.run(|desk| desk.commons().end().0).await.map_err(internal)?;
        report(Progress { stage: Stage::Admission, done: 0, total: None });
        let admitted = self.await_admission(&ticket, &room, deadline).await?;
        let mut synced = Synced::default();
        if admitted {
            report(Progress { stage: Stage::Exchanging, done: 0, total: None });
            let driver = self.driver()?;
            for peer in ticket.peers().iter().filter(|peer| driver.connected().contains(*peer)) {
                let exchanged = driver.exchange(&room, *peer).await;
                let mut outcome = self.outcome(&room, *peer, exchanged).await?;
                // The host may have opened a session before we did: what counts is what came.
                let held = room.keeper.run(|desk| desk.commons().end().0).await.map_err(internal)?;
                outcome.received = outcome.received.max(held.saturating_sub(before));
                outcome.traffic = driver.traffic();
                synced.peers.push(outcome);
            }
            driver.follow(self, room.clone()).await;
        }
        Ok(Joined { commons: self.show_commons(&room).await?, admitted, synced })
    }

    pub(super) async fn sync(&self, asked: Option<&str>, sync: Sync, report: &Report) -> Result<Synced, Error> {
        let driver = self.driver()?.clone();
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
        let total = Some(tried.len() as u64);
        let mut synced = Synced::default();
        for (done, (room, (peer, addresses))) in tried.into_iter().enumerate() {
            report(Progress { stage: Stage::Exchanging, done: done as u64, total });
            let exchanged = match reach(&driver, peer, &addresses, deadline).await {
                Ok(()) => driver.exchange(&room, peer).await,
                Err(why) => Exchanged::unreachable(&why),
            };
            synced.peers.push(self.outcome(&room, peer, exchanged).await?);
        }
        if synced.peers.iter().all(|peer| peer.ended == Ended::Unreachable) {
            return Err(Error::NoPeer { tried: synced.peers.len() as u64 });
        }
        Ok(synced)
    }

    fn driver(&self) -> Result<&Driver, Error> {
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

    async fn outcome(&self, room: &Room, peer: NetworkKey, exchanged: Exchanged) -> Result<SyncOutcome, Error> {
        let named = move |desk: &mut Desk| {
            let roster = desk.roster();
            let ally = roster.device(&peer).and_then(|device| roster.ally_of(&device)).and_then(|id| roster.ally(&id));
            ally.map_or_else(|| peer.short(), |ally| ally.name.to_string())
        };
        let (ended, refused) = match exchanged.verdict {
            Verdict::InSync => (Ended::InSync, 0),
            Verdict::Differs | Verdict::Broken(_) => (Ended::Partial, 0),
            Verdict::Failed(error) => return Err(error),
            Verdict::Misbehaved(_) => (Ended::Partial, 1),
            Verdict::Unknown => (Ended::NotAdmitted, 0),
            Verdict::Incompatible => (Ended::OtherVersion, 0),
            Verdict::Unreachable(_) => (Ended::Unreachable, 0),
        };
        Ok(SyncOutcome {
            ally: room.keeper.run(named).await.map_err(internal)?,
            commons: room.name.clone(),
            ended,
            received: exchanged.received,
            sent: exchanged.sent,
            refused,
            traffic: exchanged.traffic,
            ms: u64::try_from(exchanged.took.as_millis()).unwrap_or(u64::MAX),
        })
    }

    async fn is_in(&self, room: &Room) -> Result<bool, Error> {
        room.keeper.run(|desk| desk.me().is_some()).await.map_err(internal)
    }

    async fn refuse_twice(&self, ticket: &Ticket) -> Result<(), Error> {
        match self.rooms().await.into_iter().find(|room| room.id == ticket.commons) {
            Some(room) if self.is_in(&room).await? => Err(Error::AlreadyJoined { name: room.name }),
            Some(_) | None => Ok(()),
        }
    }

    /// Knocks at a peer of the ticket and learns the commons from it, in a directory of its own until it is joined.
    async fn visit(&self, ticket: &Ticket) -> Result<Visit, Error> {
        let (keys, _) = self.identity().await?;
        let mut stream = self.knock(ticket).await?;
        let Some(Frame::Welcome { charter }) = next(&mut stream).await? else {
            return Err(bad_ticket(
                "il n'ouvre rien chez l'allié·e qui l'a donné : expiré, repris ou déjà utilisé",
                "it opens nothing at the ally who gave it: expired, taken back or used up",
            ));
        };
        let dir = self.commons_dir(&ticket.commons).await?;
        let mut desk = open_desk(dir.clone(), ticket.commons, keys, self.0.free).await?;
        learn(&mut desk, &mut stream).await?;
        desk.keep_charter(&charter).map_err(|error| join_error(&dir, error))?;
        let about = desk.about(ticket).ok_or_else(|| {
            misbehaved("il ne connaît pas son propre patrimoine commun", "it does not know its own commons")
        })?;
        if desk.roster().council() != ticket.council {
            return Err(misbehaved(
                "il montre un autre conseil que celui du ticket",
                "it shows another council than the ticket names",
            ));
        }
        Ok(Visit { desk, stream, about, charter })
    }

    /// Signs in: presents this ally to the host and keeps the commons.
    async fn enter(&self, ticket: &Ticket, visit: Visit) -> Result<Room, Error> {
        let (_, profile) = self.identity().await?;
        let Visit { mut desk, mut stream, .. } = visit;
        let dir = self.commons_dir(&ticket.commons).await?;
        let presented = desk.present(ticket, card(&profile)?, now()).map_err(|error| join_error(&dir, error))?;
        send(&stream, Frame::Statements(presented)).await?;
        send(&stream, Frame::End).await?;
        learn(&mut desk, &mut stream).await?;
        let room = room(desk)?;
        self.0.rooms.write().await.insert(room.id, room.clone());
        Ok(room)
    }

    /// Asks until the admission has come or the time is over.
    async fn await_admission(&self, ticket: &Ticket, room: &Room, deadline: Instant) -> Result<bool, Error> {
        loop {
            if self.is_in(room).await? {
                return Ok(true);
            }
            if Instant::now() + ASK_AGAIN > deadline {
                return Ok(false);
            }
            tokio::time::sleep(ASK_AGAIN).await;
            self.ask_again(ticket, room).await?;
        }
    }

    /// Knocks again with what was presented before, and takes what statements there are now.
    async fn ask_again(&self, ticket: &Ticket, room: &Room) -> Result<(), Error> {
        let (_, profile) = self.identity().await?;
        let mut stream = self.knock(ticket).await?;
        let Some(Frame::Welcome { .. }) = next(&mut stream).await? else { return Ok(()) };
        let mut statements = heard(&mut stream).await?;
        let (again, card) = (ticket.clone(), card(&profile)?);
        let presented = room.keeper.run(move |desk| desk.present(&again, card, now())).await.map_err(internal)?;
        let dir = self.commons_dir(&ticket.commons).await?;
        send(&stream, Frame::Statements(presented.map_err(|error| join_error(&dir, error))?)).await?;
        send(&stream, Frame::End).await?;
        statements.extend(heard(&mut stream).await?);
        let learnt = room.keeper.run(move |desk| desk.learn(&statements, now())).await.map_err(internal)?;
        learnt.map_err(|error| join_error(&dir, error))
    }

    /// A stream to the first peer of the ticket that answers, with the knock sent.
    async fn knock(&self, ticket: &Ticket) -> Result<SyncStream, Error> {
        let driver = self.driver()?;
        let addresses: Vec<Multiaddr> = ticket.addresses().iter().filter_map(|text| text.parse().ok()).collect();
        for peer in ticket.peers() {
            let opened = match driver.reach(*peer, &addresses).await {
                Ok(()) => driver.open(*peer).await,
                Err(why) => Err(why),
            };
            let stream = match opened {
                Ok(stream) => stream,
                Err(why) => {
                    tracing::info!(peer = %peer.short(), why, "a peer of the ticket cannot be reached");
                    continue;
                }
            };
            let proof = ticket.prove(&stream.local, &stream.peer);
            send(&stream, Frame::Knock(Knock { commons: ticket.commons, invite: ticket.invite, proof })).await?;
            return Ok(stream);
        }
        Err(Error::NoPeer { tried: ticket.peers().len() as u64 })
    }
}

async fn reach(driver: &Driver, peer: NetworkKey, addresses: &[String], deadline: Instant) -> Result<(), String> {
    let addresses: Vec<Multiaddr> = addresses.iter().filter_map(|text| text.parse().ok()).collect();
    loop {
        match driver.reach(peer, &addresses).await {
            Ok(()) => return Ok(()),
            Err(why) if Instant::now() + ASK_AGAIN > deadline => return Err(why),
            Err(_) => tokio::time::sleep(ASK_AGAIN).await,
        }
    }
}

/// Takes all statements of the host's turn.
async fn learn(desk: &mut Desk, stream: &mut SyncStream) -> Result<(), Error> {
    let statements = heard(stream).await?;
    tokio::task::block_in_place(|| desk.learn(&statements, now()))
        .map_err(|error| misbehaved("ce qu'il dit du patrimoine commun ne convient pas", &error.to_string()))
}

async fn heard(stream: &mut SyncStream) -> Result<Vec<Vec<u8>>, Error> {
    let mut statements: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 0;
    loop {
        match next(stream).await? {
            Some(Frame::Statements(some)) => {
                bytes += some.iter().map(Vec::len).sum::<usize>();
                statements.extend(some);
            }
            Some(Frame::End) => return Ok(statements),
            Some(Frame::Knock(_) | Frame::Unknown | Frame::Welcome { .. }) | None => {
                return Err(misbehaved("il a parlé hors de son tour", "it spoke out of turn"));
            }
        }
        if bytes > MAX_ROSTER {
            return Err(misbehaved("il envoie trop de déclarations", "it sends more statements than a commons has"));
        }
    }
}

async fn next(stream: &mut SyncStream) -> Result<Option<Frame>, Error> {
    let peer = stream.peer.short();
    let misbehaved = |fr: &str, en: String| Error::PeerMisbehaved { peer, detail: Words::new(fr, en) };
    match timeout_at(Instant::now() + STEP, stream.inbox.recv()).await {
        Ok(Ok(Some(bytes))) => {
            Frame::decode(&bytes).map(Some).map_err(|error| misbehaved("sa réponse est mal formée", error.to_string()))
        }
        Ok(Ok(None)) => Ok(None),
        Ok(Err(error)) => Err(misbehaved("la connexion a été coupée", error.to_string())),
        Err(_) => Err(Error::NoPeer { tried: 1 }),
    }
}

async fn send(stream: &SyncStream, frame: Frame) -> Result<(), Error> {
    stream
        .outbox
        .send(frame.encode())
        .await
        .map_err(|error| misbehaved("la connexion a été coupée", &error.to_string()))
}

fn misbehaved(fr: &str, en: &str) -> Error {
    Error::PeerMisbehaved { peer: String::new(), detail: Words::new(fr, en) }
}

fn bad_ticket(fr: &str, en: &str) -> Error {
    Error::BadTicket { problem: Words::new(fr, en) }
}

/// Reads a ticket as somebody pasted it.
fn ticket(text: &str) -> Result<Ticket, Error> {
    text.parse().map_err(|error: TicketError| match error {
        TicketError::NotATicket => bad_ticket(
            "ce texte n'est pas un ticket : un ticket commence par « essaim1 »",
            "this text is not a ticket: a ticket begins with \"essaim1\"",
        ),
        TicketError::CutShort => bad_ticket(
            "il est coupé : copiez-le en entier, jusqu'au dernier caractère",
            "it is cut short: copy all of it, up to the last character",
        ),
        TicketError::Mistyped => {
            bad_ticket("un caractère au moins est faux ou de trop", "at least one character is wrong or too many")
        }
        TicketError::OtherVersion(version) => bad_ticket(
            &format!("il est d'une autre version ({version}) : mettez Essaim à jour"),
            &format!("it is of another version ({version}): update Essaim"),
        ),
        TicketError::Malformed(_) => bad_ticket("il est mal formé", "it is not well made"),
    })
}
