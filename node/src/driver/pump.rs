//! A session's frames between the network and a keeper.
//!
//! What the peer sends is read and verified here, beside the keeper, which commits meanwhile what came before: in a first
//! sync each is half of the work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use essaim_protocol::api::{Error, Traffic, Words, chain};
use essaim_protocol::id::CommonsId;
use essaim_protocol::sync::{Event, Fault, Heard, Intake, Outcome, Role};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::engine::{Room, now, store_error};
use crate::keeper::{Keeper, SessionId, Wanted, misdeed};
use crate::net::{Inbox, Outbox, SessionError, SyncStream};

/// How often a session is told the time: a fraction of what it grants a silent peer.
const TICK: Duration = Duration::from_secs(5);

/// Bytes that a session may have waiting to leave: the 1 MiB of entries that it sends before the peer acknowledges, its own
/// acknowledgements, and as much again. Two sides that both fill it without reading would hold each other up; what
/// honest ones send unasked stays below. Beside it a session holds what answers one frame, which for the largest ask is
/// 13.6 MB; without a bound, a peer that asks again and again and reads nothing would make us hold ever more.
const QUEUED: u32 = 2 * 1024 * 1024;

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
    Misbehaved(Words),
    /// No session began.
    Unreachable(String),
}

impl Exchanged {
    /// No session began.
    pub(crate) fn unreachable(why: &str) -> Self {
        Self::without_entries(Verdict::Unreachable(why.to_owned()))
    }

    pub(super) fn without_entries(verdict: Verdict) -> Self {
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
    let broken = |why: &str| Exchanged::without_entries(Verdict::Broken(why.to_owned()));
    let closed = || broken("this commons is closed");
    let SyncStream { peer, outbox, inbox, .. } = stream;
    let Ok((id, wanted)) = room.keeper.run(move |desk| desk.open_session(peer, role, now())).await else {
        return closed();
    };
    let _open = Opened { keeper: &room.keeper, id };
    let queue = Queue::new(outbox);
    let mut reader = Reader::start(room.id, inbox, first);
    let mut heard = false;
    let mut wanted = wanted;
    let ended = loop {
        for frame in wanted.send.drain(..) {
            queue.put(frame).await;
        }
        if let Some(outcome) = wanted.ended.take() {
            break exchanged(outcome);
        }
        let event = if wanted.more {
            Event::GoOn
        } else {
            match tokio::time::timeout(TICK, reader.next()).await {
                Ok(Some(Ok(frames))) if !frames.is_empty() => Event::Frames(frames),
                // Whoever is not admitted is told nothing: the stream just ends.
                Ok(Some(Ok(_))) if !heard => break Exchanged::without_entries(Verdict::Unknown),
                Ok(Some(Ok(_))) => break broken("the peer closed"),
                Ok(Some(Err(error))) => break Exchanged::without_entries(super::broken(&error)),
                Ok(None) => break broken("reading what the peer sent fell over; see the log"),
                Err(_) => Event::Tick,
            }
        };
        heard |= matches!(event, Event::Frames(_));
        wanted = match step(room, id, event).await {
            Some(wanted) => wanted,
            None => break closed(),
        };
    };
    queue.finish().await;
    ended
}

/// A session on the desk, which ends with the exchange: also with one that nobody waits for any more.
struct Opened<'a> {
    keeper: &'a Keeper,
    id: SessionId,
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        let id = self.id;
        self.keeper.tell(move |desk| desk.drop_session(id));
    }
}

/// Frames on their way in. They are read by a task of their own, at most [`AHEAD`] and one more beyond those that the
/// keeper has: what the peer sends unasked has the bound of its credit, and what it sends beyond has this one.
struct Reader {
    heard: mpsc::Receiver<Result<Vec<Heard>, SessionError>>,
    reading: JoinHandle<()>,
}

/// Times that frames are had at once, half of the credit each, which are read before the keeper asks.
const AHEAD: usize = 1;

impl Reader {
    /// `first` is a frame that was taken from the inbox already.
    fn start(commons: CommonsId, mut inbox: Inbox, mut first: Option<Vec<u8>>) -> Self {
        let (ahead, heard) = mpsc::channel(AHEAD);
        let reading = tokio::spawn(async move {
            let mut intake = Intake::new(commons);
            loop {
                let frames = match first.take() {
                    Some(frame) => Ok(vec![frame]),
                    None => inbox.recv_some().await,
                };
                let frames = match frames {
                    Ok(frames) => frames,
                    Err(error) => {
                        let _ = ahead.send(Err(error)).await;
                        return;
                    }
                };
                let over = frames.is_empty();
                let read = tokio::task::spawn_blocking(move || (intake.read(&frames, threads()), intake)).await;
                // A library that panics on what a peer sent ends this session and no other.
                let Ok((frames, same)) = read else { return };
                intake = same;
                if ahead.send(Ok(frames)).await.is_err() || over {
                    return;
                }
            }
        });
        Self { heard, reading }
    }

    /// Those that came next, no frames once the peer has closed its direction; `None` when the task fell over. Nothing is
    /// lost when the call is abandoned.
    async fn next(&mut self) -> Option<Result<Vec<Heard>, SessionError>> {
        self.heard.recv().await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Processors to verify on: one is the keeper's.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |all| all.get().saturating_sub(1).max(1))
}

/// Frames on their way out. They leave from a task of their own: a side that only sends must still hear what the other
/// says.
struct Queue {
    frames: mpsc::UnboundedSender<(Vec<u8>, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
    sender: JoinHandle<()>,
}

impl Queue {
    fn new(outbox: Outbox) -> Self {
        let (frames, mut queue) = mpsc::unbounded_channel::<(Vec<u8>, OwnedSemaphorePermit)>();
        let sender = tokio::spawn(async move {
            while let Some((frame, _room)) = queue.recv().await {
                if outbox.send(frame).await.is_err() {
                    return;
                }
            }
        });
        Self { frames, room: Arc::new(Semaphore::new(QUEUED as usize)), sender }
    }

    /// Puts a frame in, once there is room: as long as the peer does not read, nothing more that it says is heard.
    async fn put(&self, frame: Vec<u8>) {
        let bytes = u32::try_from(frame.len()).map_or(QUEUED, |bytes| bytes.min(QUEUED));
        // The semaphore is never closed. The sender is gone when the stream broke; the inbox says why.
        if let Ok(room) = Arc::clone(&self.room).acquire_many_owned(bytes).await {
            let _ = self.frames.send((frame, room));
        }
    }

    /// Our last word must leave before the stream closes.
    async fn finish(self) {
        drop(self.frames);
        let _ = self.sender.await;
    }
}

async fn step(room: &Room, id: SessionId, event: Event) -> Option<Wanted> {
    room.keeper.run(move |desk| desk.session(id, event, now())).await.ok()
}

fn exchanged(outcome: Result<Outcome, Fault>) -> Exchanged {
    let (verdict, traffic) = match outcome {
        Ok(Outcome::InSync { traffic, .. }) => (Verdict::InSync, traffic),
        Ok(Outcome::Differs { traffic, .. }) => (Verdict::Differs, traffic),
        Err(Fault::Misbehaved(why)) => return Exchanged::without_entries(Verdict::Misbehaved(misdeed(&why))),
        Err(Fault::Incompatible(_)) => return Exchanged::without_entries(Verdict::Incompatible),
        Err(Fault::Ours(error)) => return Exchanged::without_entries(Verdict::Failed(store_error("", error))),
        Err(fault @ (Fault::Compressor | Fault::Silent | Fault::Allowance)) => {
            return Exchanged::without_entries(Verdict::Broken(chain(&fault)));
        }
    };
    Exchanged { received: traffic.received, sent: traffic.sent, ..Exchanged::without_entries(verdict) }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use essaim_protocol::id::NetworkKey;
    use essaim_protocol::sync::frame::Frame;
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_peer_that_reads_nothing_is_heard_no_more_once_two_mebibytes_wait_for_it() {
        let (sent, mut unread) = mpsc::channel(1);
        let queue = Queue::new(Outbox::to(sent));
        let frame = vec![7; QUEUED as usize / 8];
        for _ in 0..8 {
            assert!(queue.put(frame.clone()).now_or_never().is_some());
        }
        {
            let mut put = pin!(queue.put(frame.clone()));
            assert!(put.as_mut().now_or_never().is_none());
            assert_eq!(unread.recv().await, Some(frame.clone()));
            put.await;
        }
        let finish = tokio::spawn(queue.finish());
        for _ in 0..8 {
            assert_eq!(unread.recv().await, Some(frame.clone()));
        }
        finish.await.unwrap();
    }

    #[tokio::test]
    async fn a_queue_whose_stream_is_gone_takes_everything() {
        let (sent, unread) = mpsc::channel(1);
        drop(unread);
        let queue = Queue::new(Outbox::to(sent));
        for _ in 0..100 {
            queue.put(vec![7; QUEUED as usize / 8]).await;
        }
        queue.finish().await;
    }

    const COMMONS: CommonsId = CommonsId([0xc0; 32]);

    #[tokio::test]
    async fn every_frame_is_read_until_the_peer_closes() {
        let (stream, (_heard, says)) = SyncStream::with(NetworkKey([9; 32]));
        let mut reader = Reader::start(COMMONS, stream.inbox, Some(Frame::End.encode()));
        for _ in 0..9 {
            says.send(Ok(Frame::End.encode())).await.unwrap();
        }
        drop(says);
        let mut read = 0;
        loop {
            let frames = reader.next().await.unwrap().unwrap();
            if frames.is_empty() {
                break;
            }
            read += frames.len();
        }
        assert_eq!(read, 10);
    }

    #[tokio::test]
    async fn how_a_stream_broke_is_told_after_what_came_before() {
        let (stream, (_heard, says)) = SyncStream::with(NetworkKey([9; 32]));
        let mut reader = Reader::start(COMMONS, stream.inbox, None);
        says.send(Ok(vec![0])).await.unwrap();
        says.send(Err(SessionError::CutShort)).await.unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap().len(), 1);
        assert!(matches!(reader.next().await, Some(Err(SessionError::CutShort))));
    }

    #[tokio::test]
    async fn little_is_read_before_it_is_asked_for() {
        let (stream, (_heard, says)) = SyncStream::with(NetworkKey([9; 32]));
        let _reader = Reader::start(COMMONS, stream.inbox, None);
        let (places, mut sent) = (says.max_capacity(), 0);
        while tokio::time::timeout(Duration::from_millis(200), says.send(Ok(vec![0]))).await.is_ok() {
            sent += 1;
            assert!(sent <= places + 2 * (AHEAD + 1), "frames are read that nobody asked for");
        }
    }
}
