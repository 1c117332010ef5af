//! Answering streams that peers open: sessions of members, and newcomers who knock with a ticket.

use essaim_protocol::api::Words;
use essaim_protocol::id::NetworkKey;
use essaim_protocol::join::{self, Frame, Knock, MAX_NEWCOMER, MAX_PRESENTED};
use essaim_protocol::sync::Role;
use essaim_protocol::wire::DecodeError;

use super::{Driver, Verdict, broken, pump};
use crate::engine::{Engine, Room, now};
use crate::keeper::Desk;
use crate::net::{Inbox, SyncStream};

impl Driver {
    /// Serves one stream to its end.
    pub(super) async fn answer(self, engine: Engine, mut stream: SyncStream) {
        let peer = stream.peer;
        let first = match stream.inbox.recv().await {
            Ok(Some(first)) => first,
            Ok(None) => return,
            Err(error) => return self.blame(None, peer, &broken(&error)).await,
        };
        if Frame::is_knock(&first) {
            match knocked(&engine, &mut stream, &first).await {
                Ok(Some(room)) => self.meet_newcomer(&room, peer).await,
                Ok(None) => {}
                Err(verdict) => {
                    tracing::debug!(peer = %peer.short(), ?verdict, "a newcomer was not served");
                    self.blame(None, peer, &verdict).await;
                }
            }
            return;
        }
        let Some(commons) = essaim_protocol::sync::frame::commons_of(&first) else { return };
        let Some(room) = engine.open_room(&commons).await else { return };
        let standing = move |desk: &mut Desk| (desk.roster().device(&peer).is_some(), desk.is_lost());
        match room.keeper.run(standing).await {
            Ok((true, _)) => {}
            Ok((false, true)) => {
                drop(stream);
                return self.recall(&engine, &room, peer).await;
            }
            // To whoever is not in good standing, the commons is as unknown as one that is not here.
            Ok((false, false)) | Err(_) => return,
        }
        let exchanged = pump::sync(&room, stream, Role::Responder, Some(first)).await;
        self.count(exchanged.traffic);
        self.blame(Some(&room), peer, &exchanged.verdict).await;
    }

    /// Notes where a newcomer is, if it was let in: when it was connected it was nobody yet.
    async fn meet_newcomer(&self, room: &Room, peer: NetworkKey) {
        let admitted = room.keeper.run(move |desk| desk.roster().device(&peer).is_some()).await;
        let (Ok(true), Some(net)) = (admitted, self.0.net.get()) else { return };
        for connection in net.connected().await.unwrap_or_default() {
            if connection.peer == peer {
                self.meet(room, &connection).await;
            }
        }
    }

    /// A peer speaks of a commons whose store was lost here: it is asked who is in, and then all goes on as before. Nothing
    /// that is here is told to it before that.
    async fn recall(&self, engine: &Engine, room: &Room, peer: NetworkKey) {
        let turn = self.turn(room.id, peer);
        let _turn = turn.lock().await;
        match engine.recall(room, peer).await {
            Ok(room) => self.follow(engine, room).await,
            Err(error) => tracing::info!(peer = %peer.short(), ?error, "a lost commons was not told again"),
        }
    }
}

/// Serves a knock, and gives the commons when the newcomer presented itself there.
async fn knocked(engine: &Engine, stream: &mut SyncStream, first: &[u8]) -> Result<Option<Room>, Verdict> {
    let knock = match Frame::decode(first) {
        Ok(Frame::Knock(knock)) => knock,
        // It may be of a later version.
        Err(error @ DecodeError::Unknown { .. }) => return Err(Verdict::Broken(error.to_string())),
        Ok(_) | Err(_) => return Err(misbehaved("il a mal frappé à la porte", "the knock is malformed")),
    };
    let Some((room, charter)) = welcome(engine, stream, knock).await else {
        send(stream, Frame::Unknown).await?;
        return Err(Verdict::Unknown);
    };
    send(stream, Frame::Welcome { charter }).await?;
    let told = tell(stream, &room, 0).await?;
    let Some(presented) = hear(&mut stream.inbox).await? else { return Ok(None) };
    let newcomer = stream.peer;
    let taken = room.keeper.run(move |desk| {
        desk.receive(&presented, &newcomer, &knock, now()).map_err(|error| error.to_string())?;
        desk.admit(now()).map_err(|error| error.to_string())
    });
    taken.await.map_err(|gone| Verdict::Broken(gone.to_string()))?.map_err(Verdict::Broken)?;
    tell(stream, &room, told).await?;
    Ok(Some(room))
}

async fn welcome(engine: &Engine, stream: &SyncStream, knock: Knock) -> Option<(Room, String)> {
    let room = engine.open_room(&knock.commons).await?;
    let newcomer = stream.peer;
    let charter = room.keeper.run(move |desk| desk.welcome(&knock, &newcomer, now())).await.ok()?.ok()?;
    Some((room, charter))
}

/// Sends the statements after the first `from`, and gives how many there are.
async fn tell(stream: &SyncStream, room: &Room, from: usize) -> Result<usize, Verdict> {
    let all = room.keeper.run(|desk| desk.statements()).await.map_err(|gone| Verdict::Broken(gone.to_string()))?;
    let all = all.map_err(|error| Verdict::Broken(error.to_string()))?;
    let count = all.len();
    for frame in join::frames(all.into_iter().skip(from)) {
        send(stream, frame).await?;
    }
    send(stream, Frame::End).await?;
    Ok(count)
}

/// What the newcomer presents; nothing when it only looked.
async fn hear(inbox: &mut Inbox) -> Result<Option<Vec<Vec<u8>>>, Verdict> {
    let mut presented: Vec<Vec<u8>> = Vec::new();
    loop {
        let bytes = match inbox.recv().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(error) => return Err(broken(&error)),
        };
        match Frame::decode(&bytes)
            .map_err(|error| misbehaved("il a envoyé un message qui ne se lit pas", &error.to_string()))?
        {
            Frame::Statements(statements) => presented.extend(statements),
            Frame::End => return Ok(Some(presented)),
            Frame::Knock(_) | Frame::Unknown | Frame::Welcome { .. } => {
                return Err(misbehaved("il a parlé hors de son tour", "a frame out of turn"));
            }
        }
        if presented.len() > MAX_PRESENTED || presented.iter().map(Vec::len).sum::<usize>() > MAX_NEWCOMER {
            return Err(misbehaved(
                "il présente plus qu'un·e nouvel·le allié·e",
                "more statements than a newcomer has",
            ));
        }
    }
}

async fn send(stream: &SyncStream, frame: Frame) -> Result<(), Verdict> {
    stream.outbox.send(frame.encode()).await.map_err(|error| Verdict::Broken(error.to_string()))
}

fn misbehaved(fr: &str, en: &str) -> Verdict {
    Verdict::Misbehaved(Words::new(fr, en))
}
