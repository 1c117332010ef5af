//! Joining by ticket.
//!
//! The story of one joining: [`Engine::read_ticket`] knocks at a peer of the ticket and shows what the commons is, from
//! memory: what is only looked at leaves nothing on the disk. Once the charter is accepted, [`Engine::join`] knocks again,
//! makes the commons' directory, presents this ally in it, and asks until the admission has come.
//!
//! An ally whose store was lost knocks as well, to be told again who is in: with the ticket of old, or with none at a peer
//! that speaks of the commons by itself ([`Engine::recall`]).

use std::time::Duration;

use essaim_protocol::api::{
    Error, Join, Joined, Progress, ReadTicket, Report, Role, Stage, Synced, TicketContent, Words,
};
use essaim_protocol::entry::statement::Role as Standing;
use essaim_protocol::id::{NetworkKey, StatementId};
use essaim_protocol::join::{Frame, Knock, MAX_ROSTER, MAX_STATEMENTS};
use essaim_protocol::roster::{Ticket, TicketError};
use essaim_protocol::sign::Signature;
use libp2p::Multiaddr;
use tokio::time::{Instant, timeout_at};

use super::commons::{card, join_error};
use super::fault::internal;
use super::{Engine, Room, name_of, now, room};
use crate::driver::{Verdict, broken};
use crate::keeper::{About, Desk, JoinError, Prospect, about};
use crate::net::SyncStream;

/// How long a host may take for one step of joining.
const STEP: Duration = Duration::from_secs(30);

/// Pause before an ally is asked again whether the admission has come.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// What the host said: the commons with its statements, not yet joined.
struct Visit {
    prospect: Prospect,
    stream: SyncStream,
    about: About,
    charter: String,
}

impl Engine {
    pub(super) async fn read_ticket(&self, read: ReadTicket) -> Result<TicketContent, Error> {
        let ticket = ticket(&read.ticket)?;
        self.refuse_twice(&ticket).await?;
        let id = ticket.commons;
        let (about, charter) = match self.open_room(&id).await {
            // We presented ourselves and wait: what was read then is here.
            Some(room) if !is_lost(&room).await? => {
                let known = move |desk: &mut Desk| (about(desk.roster(), &ticket), desk.charter());
                let (about, charter) = room.keeper.run(known).await.map_err(internal)?;
                (about.ok_or_else(|| internal("a commons without its first statement"))?, charter)
            }
            Some(_) | None => {
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
        let room = match self.open_room(&ticket.commons).await {
            Some(room) if self.is_in(&room).await? => return Err(Error::AlreadyJoined { name: room.name }),
            Some(room) if is_lost(&room).await? => {
                let Visit { prospect, mut stream, about, charter } = self.visit(&ticket).await?;
                if about.charter != join.accepted {
                    return Err(Error::CharterNotAccepted {});
                }
                self.refound(&room, &mut stream, prospect.statements().to_vec(), charter).await?
            }
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

    async fn is_in(&self, room: &Room) -> Result<bool, Error> {
        room.keeper.run(|desk| desk.me().is_some()).await.map_err(internal)
    }

    async fn refuse_twice(&self, ticket: &Ticket) -> Result<(), Error> {
        match self.open_room(&ticket.commons).await {
            Some(room) if self.is_in(&room).await? => Err(Error::AlreadyJoined { name: room.name }),
            Some(_) | None => Ok(()),
        }
    }

    /// Knocks at a peer of the ticket and learns the commons from it.
    async fn visit(&self, ticket: &Ticket) -> Result<Visit, Error> {
        let mut stream = self.knock(ticket).await?;
        let charter = match next(&mut stream).await? {
            Some(Frame::Welcome { charter }) => charter,
            Some(Frame::Unknown) => {
                return Err(bad_ticket(
                    "il n'ouvre rien chez l'allié·e qui l'a donné : expiré, repris ou déjà utilisé",
                    "it opens nothing at the ally who gave it: expired, taken back or used up",
                ));
            }
            Some(_) => return Err(misbehaved(&stream, "il a parlé hors de son tour", "it spoke out of turn")),
            None => return Err(Error::NoPeer { tried: 1 }),
        };
        let statements = heard(&mut stream).await?;
        let (id, text) = (ticket.commons, charter.clone());
        // Checking signatures takes long in a large commons.
        let read =
            tokio::task::spawn_blocking(move || Prospect::read(id, statements, &text)).await.map_err(internal)?;
        let prospect = read.map_err(|error| {
            misbehaved(&stream, "ce qu'il dit du patrimoine commun ne convient pas", &error.to_string())
        })?;
        let Some(about) = about(prospect.roster(), ticket) else {
            return Err(misbehaved(
                &stream,
                "il ne connaît pas son propre patrimoine commun",
                "it does not know its own commons",
            ));
        };
        if prospect.roster().council() != ticket.council {
            return Err(misbehaved(
                &stream,
                "il montre un autre conseil que celui du ticket",
                "it shows another council than the ticket names",
            ));
        }
        Ok(Visit { prospect, stream, about, charter })
    }

    /// Signs in: makes the commons here, presents this ally in it and to the host.
    async fn enter(&self, ticket: &Ticket, visit: Visit) -> Result<Room, Error> {
        let (keys, profile) = self.identity().await?;
        let Visit { prospect, mut stream, charter, .. } = visit;
        let dir = self.commons_dir(&ticket.commons).await?;
        let (card, free) = (card(&profile)?, self.0.free);
        let (to, place) = (ticket.clone(), dir.clone());
        let made = tokio::task::spawn_blocking(move || {
            let fresh = !place.exists();
            let made = Desk::open(&place, to.commons, keys, free).map_err(JoinError::from).and_then(|mut desk| {
                desk.learn(prospect.statements(), now())?;
                desk.keep_charter(&charter)?;
                let presented = desk.present(&to, card, now())?;
                Ok((desk, presented))
            });
            if made.is_err() && fresh {
                // Nothing was signed: a commons in which we have no part would be opened at each start.
                let _ = std::fs::remove_dir_all(&place);
            }
            made
        });
        let (desk, presented) = made.await.map_err(internal)?.map_err(|error| join_error(&dir, error))?;
        // From here on we have signed: whatever comes of the host, the commons is ours to ask for.
        let room = room(desk)?;
        self.0.rooms.write().await.insert(room.id, room.clone());
        let statements = present(&mut stream, presented).await?;
        self.learn(&room, &stream, statements).await?;
        Ok(room)
    }

    /// Asks a peer for the statements of a commons whose store was lost here. It sends them to whoever is in, ticket or not.
    ///
    /// # Errors
    /// When it does not answer, or what it says is not that commons.
    pub(crate) async fn recall(&self, room: &Room, peer: NetworkKey) -> Result<Room, Error> {
        let opened = self.driver()?.open(peer).await;
        let mut stream = opened.map_err(|verdict| {
            tracing::info!(peer = %peer.short(), ?verdict, "a peer cannot be asked for a lost commons");
            Error::NoPeer { tried: 1 }
        })?;
        let no_ticket = Knock { commons: room.id, invite: StatementId([0; 32]), proof: Signature([0; 64]) };
        send(&stream, Frame::Knock(no_ticket)).await?;
        let Some(Frame::Welcome { charter }) = next(&mut stream).await? else { return Err(Error::NoPeer { tried: 1 }) };
        let statements = heard(&mut stream).await?;
        self.refound(room, &mut stream, statements, charter).await
    }

    /// Gives a lost commons its statements back. They are checked against its id, whoever says them.
    async fn refound(
        &self,
        room: &Room,
        stream: &mut SyncStream,
        statements: Vec<Vec<u8>>,
        charter: String,
    ) -> Result<Room, Error> {
        self.learn(room, stream, statements).await?;
        let dir = self.commons_dir(&room.id).await?;
        let kept = room.keeper.run(move |desk| desk.keep_charter(&charter).map(|()| name_of(desk))).await;
        let name = kept.map_err(internal)?.map_err(|error| join_error(&dir, error))?;
        let room = Room { name, ..room.clone() };
        self.0.rooms.write().await.insert(room.id, room.clone());
        tracing::info!(commons = %room.id, "a commons whose store was lost is known again");
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
        statements.extend(present(&mut stream, presented.map_err(|error| join_error(&dir, error))?).await?);
        self.learn(room, &stream, statements).await
    }

    /// Takes in what the host sent.
    async fn learn(&self, room: &Room, stream: &SyncStream, statements: Vec<Vec<u8>>) -> Result<(), Error> {
        let learnt = room.keeper.run(move |desk| desk.learn(&statements, now())).await.map_err(internal)?;
        let dir = self.commons_dir(&room.id).await?;
        learnt.map_err(|error| {
            let theirs = matches!(error, JoinError::NotTheCommons);
            if theirs {
                misbehaved(stream, "ce qu'il dit du patrimoine commun ne convient pas", &error.to_string())
            } else {
                join_error(&dir, error)
            }
        })
    }

    /// A stream to the first peer of the ticket that answers, with the knock sent.
    async fn knock(&self, ticket: &Ticket) -> Result<SyncStream, Error> {
        let driver = self.driver()?;
        let addresses: Vec<Multiaddr> = ticket.addresses().iter().filter_map(|text| text.parse().ok()).collect();
        for peer in ticket.peers() {
            let opened = match driver.reach(*peer, &addresses).await {
                Ok(()) => driver.open(*peer).await,
                Err(why) => Err(Verdict::Unreachable(why)),
            };
            let stream = match opened {
                Ok(stream) => stream,
                Err(why) => {
                    tracing::info!(peer = %peer.short(), ?why, "a peer of the ticket cannot be reached");
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

async fn is_lost(room: &Room) -> Result<bool, Error> {
    room.keeper.run(|desk| desk.is_lost()).await.map_err(internal)
}

/// Hands the host what we signed; what it says to that.
async fn present(stream: &mut SyncStream, presented: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Error> {
    send(stream, Frame::Statements(presented)).await?;
    send(stream, Frame::End).await?;
    heard(stream).await
}

/// All statements of the host's turn.
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
            Some(Frame::Knock(_) | Frame::Unknown | Frame::Welcome { .. }) => {
                return Err(misbehaved(stream, "il a parlé hors de son tour", "it spoke out of turn"));
            }
            None => return Err(Error::NoPeer { tried: 1 }),
        }
        if bytes > MAX_ROSTER || statements.len() > MAX_STATEMENTS {
            return Err(misbehaved(
                stream,
                "il envoie trop de déclarations",
                "it sends more statements than a commons has",
            ));
        }
    }
}

/// The host's next frame; none once it has closed. A link that breaks is nobody's fault.
async fn next(stream: &mut SyncStream) -> Result<Option<Frame>, Error> {
    match timeout_at(Instant::now() + STEP, stream.inbox.recv()).await {
        Ok(Ok(Some(bytes))) => Frame::decode(&bytes)
            .map(Some)
            .map_err(|error| misbehaved(stream, "sa réponse est mal formée", &error.to_string())),
        Ok(Ok(None)) => Ok(None),
        Ok(Err(error)) => {
            let verdict = broken(&error);
            Err(if let Verdict::Misbehaved(why) = &verdict {
                misbehaved(stream, "sa réponse est mal formée", &why.en)
            } else {
                lost(stream, &verdict)
            })
        }
        Err(_) => Err(Error::NoPeer { tried: 1 }),
    }
}

async fn send(stream: &SyncStream, frame: Frame) -> Result<(), Error> {
    stream.outbox.send(frame.encode()).await.map_err(|error| lost(stream, &Verdict::Broken(error.to_string())))
}

fn lost(stream: &SyncStream, verdict: &Verdict) -> Error {
    tracing::info!(peer = %stream.peer.short(), ?verdict, "the link with a host broke");
    Error::NoPeer { tried: 1 }
}

fn misbehaved(stream: &SyncStream, fr: &str, en: &str) -> Error {
    Error::PeerMisbehaved { peer: stream.peer.short(), detail: Words::new(fr, en) }
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
