//! Answering streams that peers open: sessions of members, and newcomers who knock with a ticket.

use essaim_protocol::id::CommonsId;
use essaim_protocol::join::{self, Frame, Knock, MAX_NEWCOMER};
use essaim_protocol::sync::Role;

use super::{Driver, pump};
use crate::engine::{Engine, Room, now};
use crate::net::SyncStream;

impl Driver {
    /// Serves one stream to its end.
    pub(super) async fn answer(self, engine: Engine, mut stream: SyncStream) {
        let peer = stream.peer;
        let Ok(Some(first)) = stream.inbox.recv().await else { return };
        if Frame::is_knock(&first) {
            if let Err(why) = knocked(&engine, &mut stream, &first).await {
                tracing::debug!(peer = %peer.short(), why, "a newcomer was not served");
            }
            return;
        }
        let Some(commons) = essaim_protocol::sync::frame::commons_of(&first) else { return };
        let Some(room) = open_to(&engine, &commons, peer).await else { return };
        let exchanged = pump::sync(&room, stream, Role::Responder, Some(first)).await;
        self.count(exchanged.traffic);
        self.blame(peer, &exchanged).await;
    }
}

/// The commons, if the peer is in good standing there.
async fn open_to(engine: &Engine, commons: &CommonsId, peer: essaim_protocol::id::NetworkKey) -> Option<Room> {
    let room = engine.rooms().await.into_iter().find(|room| room.id == *commons)?;
    let admitted = room.keeper.run(move |desk| desk.roster().device(&peer).is_some()).await;
    matches!(admitted, Ok(true)).then_some(room)
}

async fn knocked(engine: &Engine, stream: &mut SyncStream, first: &[u8]) -> Result<(), &'static str> {
    let Ok(Frame::Knock(knock)) = Frame::decode(first) else { return Err("the knock is malformed") };
    let Some((room, charter)) = welcome(engine, stream, knock).await else {
        send(stream, Frame::Unknown).await?;
        return Err("the ticket opens nothing here");
    };
    send(stream, Frame::Welcome { charter }).await?;
    let told = tell(stream, &room, 0).await?;
    let Some(presented) = hear(stream).await? else { return Ok(()) };
    let newcomer = stream.peer;
    let taken = room.keeper.run(move |desk| {
        desk.receive(&presented, &newcomer, now()).map_err(|_| "its statements are not of this commons")?;
        desk.admit(now()).map_err(|_| "nobody could be admitted")
    });
    taken.await.map_err(|_| "this commons is closed")??;
    tell(stream, &room, told).await?;
    Ok(())
}

async fn welcome(engine: &Engine, stream: &SyncStream, knock: Knock) -> Option<(Room, String)> {
    let room = engine.rooms().await.into_iter().find(|room| room.id == knock.commons)?;
    let newcomer = stream.peer;
    let charter = room.keeper.run(move |desk| desk.welcome(&knock, &newcomer, now())).await.ok()?.ok()?;
    Some((room, charter))
}

/// Sends the statements after the first `from`, and gives how many there are.
async fn tell(stream: &SyncStream, room: &Room, from: usize) -> Result<usize, &'static str> {
    let all = room.keeper.run(|desk| desk.statements()).await.map_err(|_| "this commons is closed")?;
    let all = all.map_err(|_| "the statements cannot be read")?;
    let count = all.len();
    for frame in join::frames(all.into_iter().skip(from)) {
        send(stream, frame).await?;
    }
    send(stream, Frame::End).await?;
    Ok(count)
}

/// What the newcomer presents; nothing when it only looked.
async fn hear(stream: &mut SyncStream) -> Result<Option<Vec<Vec<u8>>>, &'static str> {
    let mut presented: Vec<Vec<u8>> = Vec::new();
    loop {
        let Ok(Some(bytes)) = stream.inbox.recv().await else { return Ok(None) };
        match Frame::decode(&bytes) {
            Ok(Frame::Statements(statements)) => presented.extend(statements),
            Ok(Frame::End) => return Ok(Some(presented)),
            Ok(Frame::Knock(_) | Frame::Unknown | Frame::Welcome { .. }) | Err(_) => return Err("a frame out of turn"),
        }
        if presented.iter().map(Vec::len).sum::<usize>() > MAX_NEWCOMER {
            return Err("more statements than a newcomer has");
        }
    }
}

async fn send(stream: &SyncStream, frame: Frame) -> Result<(), &'static str> {
    stream.outbox.send(frame.encode()).await.map_err(|_| "the newcomer is gone")
}
