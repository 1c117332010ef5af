//! A session's frames between the network and a keeper.

use std::time::{Duration, Instant};

use essaim_protocol::api::{Error, Traffic};
use essaim_protocol::sync::{Event, Fault, Outcome, Role};

use crate::engine::{Room, now, store_error};
use crate::keeper::{SessionId, Wanted};
use crate::net::SyncStream;

/// How often a session is told the time: a fraction of what it grants a silent peer.
const TICK: Duration = Duration::from_secs(5);

/// What an exchange did and how it ended.
#[derive(Debug, Clone)]
pub struct Exchanged {
    /// How it ended.
    pub verdict: Verdict,
    /// Entries that were new here.
    pub received: u64,
    /// Entries that went.
    pub sent: u64,
    /// Bytes moved.
    pub traffic: Traffic,
    /// How long it took.
    pub took: Duration,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Both hold the same: digests were compared.
    InSync,
    /// What came is kept, but both do not hold the same.
    Differs,
    /// It was cut.
    Broken(String),
    /// We could not go on: a full disk.
    Failed(Error),
    /// The peer does not know the commons, or does not admit us there.
    Unknown,
    /// The peer speaks another version.
    Incompatible,
    /// The peer did what no honest peer does.
    Misbehaved(String),
    /// No session began.
    Unreachable(String),
}

impl Exchanged {
    /// No session began.
    pub(crate) fn unreachable(why: &str) -> Self {
        Self::without_entries(Verdict::Unreachable(why.to_owned()))
    }

    fn without_entries(verdict: Verdict) -> Self {
        Self { verdict, received: 0, sent: 0, traffic: Traffic::default(), took: Duration::ZERO }
    }
}

/// Runs a session to its end. `first` is a frame that was read already, to learn what the stream is for.
pub(super) async fn sync(room: &Room, stream: SyncStream, role: Role, first: Option<Vec<u8>>) -> Exchanged {
    let begun = Instant::now();
    let counted = stream.traffic.clone();
    let mut exchanged = run(room, stream, role, first).await;
    exchanged.traffic = Traffic { bytes_in: counted.received(), bytes_out: counted.sent() };
    exchanged.took = begun.elapsed();
    exchanged
}

async fn run(room: &Room, stream: SyncStream, role: Role, first: Option<Vec<u8>>) -> Exchanged {
    let closed = || Exchanged::without_entries(Verdict::Broken("this commons is closed".to_owned()));
    let SyncStream { peer, outbox, mut inbox, .. } = stream;
    let Ok((id, wanted)) = room.keeper.run(move |desk| desk.open_session(peer, role, now())).await else {
        return closed();
    };
    // Frames leave from a task of their own: a side that only sends must still hear what the other says. The queue needs
    // no bound of its own: the session stops at 1 MiB of entries that the peer has not acknowledged.
    let (frames, mut queue) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
    let sender = tokio::spawn(async move {
        while let Some(frame) = queue.recv().await {
            if outbox.send(frame).await.is_err() {
                return;
            }
        }
    });
    let mut pending = first.map(Event::Frame);
    let mut heard = false;
    let mut wanted = wanted;
    let ended = loop {
        for frame in wanted.send.drain(..) {
            // The sender is gone when the stream broke; the inbox says why.
            let _ = frames.send(frame);
        }
        if let Some(outcome) = wanted.ended.take() {
            break exchanged(outcome);
        }
        let event = match pending.take() {
            Some(event) => event,
            None => match tokio::time::timeout(TICK, inbox.recv()).await {
                Ok(Ok(Some(frame))) => Event::Frame(frame),
                // Whoever is not admitted is told nothing: the stream just ends.
                Ok(Ok(None)) if !heard => break Exchanged::without_entries(Verdict::Unknown),
                Ok(Ok(None)) => break Exchanged::without_entries(Verdict::Broken("the peer closed".to_owned())),
                Ok(Err(error)) => break Exchanged::without_entries(Verdict::Broken(super::error_chain(&error))),
                Err(_) => Event::Tick,
            },
        };
        heard |= matches!(event, Event::Frame(_));
        wanted = match step(room, id, event).await {
            Some(wanted) => wanted,
            None => break closed(),
        };
    };
    let _ = room.keeper.run(move |desk| desk.drop_session(id)).await;
    drop(frames);
    // Our last word must leave before the stream closes.
    let _ = sender.await;
    ended
}

async fn step(room: &Room, id: SessionId, event: Event) -> Option<Wanted> {
    room.keeper.run(move |desk| desk.session(id, event, now())).await.ok()
}

fn exchanged(outcome: Result<Outcome, Fault>) -> Exchanged {
    let (verdict, traffic) = match outcome {
        Ok(Outcome::InSync { traffic, .. }) => (Verdict::InSync, traffic),
        Ok(Outcome::Differs { traffic, .. }) => (Verdict::Differs, traffic),
        Err(Fault::Misbehaved(why)) => return Exchanged::without_entries(Verdict::Misbehaved(why.to_string())),
        Err(Fault::Incompatible(_)) => return Exchanged::without_entries(Verdict::Incompatible),
        Err(Fault::Ours(error)) => return Exchanged::without_entries(Verdict::Failed(store_error("", error))),
        Err(fault @ (Fault::Compressor | Fault::Silent)) => {
            return Exchanged::without_entries(Verdict::Broken(super::error_chain(&fault)));
        }
    };
    Exchanged { received: traffic.received, sent: traffic.sent, ..Exchanged::without_entries(verdict) }
}
