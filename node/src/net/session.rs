//! The bytes of one sync session: frames on a stream, and the pump between the stream and its owner.
//!
//! Who opens a stream `/essaim/sync/1` first hears one byte: [`Answer::Ready`], and the session begins, or
//! [`Answer::Busy`], and the stream is over. Then both sides send frames, each when it likes: a little-endian `u32`
//! length, then that many bytes. Closing one direction says "nothing more from me"; what such a session achieved is for
//! the rules to say, not for this module.
//!
//! ```text
//! answer = u8: 1 ready, 0 busy          from the side that did not open the stream
//! frame  = length u32 LE (1 …= MAX_FRAME) ‖ bytes
//! ```
//!
//! A task of its own pumps the frames through two short queues, so that an owner that is busy holds the peer back and
//! costs no memory. The pump ends a session in which nothing passes for [`IDLE`]; it ends by itself when the stream
//! or its owner is gone.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use essaim_protocol::id::NetworkKey;
use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// Bytes of the largest frame: 256 KiB, what a transfer carries before compression, and room for what compression adds
/// to bytes that do not compress. A larger one would let eight sessions hold more memory than a node has to spare.
pub const MAX_FRAME: usize = 256 * 1024 + 4 * 1024;

/// How long a session may stay still: no piece of a frame in either direction. Shorter would cut an ally that commits to
/// a slow disk before it acknowledges; longer lets a peer that fell silent keep one of few places.
pub const IDLE: Duration = Duration::from_secs(30);

/// How long opening may take: the choice of protocol, then the answer. Ten round trips over the slowest link in use.
pub(crate) const OPENING: Duration = Duration::from_secs(10);

/// Bytes that count as movement, unless a frame ends earlier: at one byte a second a session is cut after [`IDLE`], at
/// 5 kbit/s it lives.
const PIECE: usize = 16 * 1024;

/// Bytes of a frame's length.
const PREFIX: u64 = 4;

/// Frames in each queue between stream and owner: 1 MiB each way, what the rules allow in flight.
const QUEUE: usize = 4;

/// A whole frame, without its length.
pub type Frame = Vec<u8>;

/// Who began something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The peer did.
    Incoming,
    /// We did.
    Outgoing,
}

/// One session with one peer.
#[derive(Debug)]
pub struct SyncStream {
    /// Our own key, as the peer has proven to know it: what a ticket's proof is made over.
    pub local: NetworkKey,
    /// The peer's key, proven by the handshake of the connection.
    pub peer: NetworkKey,
    /// Who opened the session: the rules let that side begin.
    pub direction: Direction,
    /// Frames to the peer. Dropping it closes our direction after what was sent.
    pub outbox: Outbox,
    /// Frames from the peer.
    pub inbox: Inbox,
    /// Bytes that passed so far.
    pub traffic: Arc<Traffic>,
}

/// Our direction of a session.
#[derive(Debug, Clone)]
pub struct Outbox(mpsc::Sender<Frame>);

impl Outbox {
    /// Sends one frame; waits while the queue is full. An owner that waits here must let somebody else empty the
    /// [`Inbox`], or two nodes that both only send hold each other up until [`IDLE`] is over.
    ///
    /// # Errors
    /// [`SendError::Length`] when the frame is empty or longer than [`MAX_FRAME`], [`SendError::Closed`] when the session
    /// is over, for the reason that [`Inbox::recv`] gives.
    pub async fn send(&self, frame: Frame) -> Result<(), SendError> {
        if !(1..=MAX_FRAME).contains(&frame.len()) {
            return Err(SendError::Length { length: frame.len() });
        }
        self.0.send(frame).await.map_err(|_| SendError::Closed)
    }
}

/// The peer's direction of a session.
#[derive(Debug)]
pub struct Inbox(mpsc::Receiver<Result<Frame, SessionError>>);

impl Inbox {
    /// The next frame; `None` once the peer has closed its direction. Nothing is lost when the call is abandoned.
    ///
    /// # Errors
    /// [`SessionError`], once, when the session broke off.
    pub async fn recv(&mut self) -> Result<Option<Frame>, SessionError> {
        self.0.recv().await.transpose()
    }
}

/// Bytes of one session, length prefixes included, without what encryption and transport add.
#[derive(Debug, Default)]
pub struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Traffic {
    /// Bytes handed to the transport.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes of whole frames that came in.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// Why a frame could not be sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Our fault: the rules never make such a frame.
    #[error("a frame of {length} bytes: at least 1 and at most {MAX_FRAME} are allowed")]
    Length {
        /// Bytes of the frame.
        length: usize,
    },
    /// The session is over.
    #[error("the session is over")]
    Closed,
}

/// Why a session broke off.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The peer misbehaves: no program of ours claims such a length.
    #[error("the peer claims a frame of {length} bytes: at least 1 and at most {MAX_FRAME} are allowed")]
    Length {
        /// The claimed length.
        length: u32,
    },
    /// The peer misbehaves: the answer to an opened stream is 0 or 1.
    #[error("the peer answers {answer} where only 0 and 1 have a meaning")]
    Answer {
        /// The byte.
        answer: u8,
    },
    /// The peer closed its direction, or vanished, within a frame.
    #[error("the stream ended within a frame")]
    CutShort,
    /// Nothing passed for too long: a peer that hangs, or a link that does.
    #[error("nothing passed for {} s", IDLE.as_secs())]
    Idle,
    /// The connection broke.
    #[error("the connection was lost")]
    Lost(#[source] io::Error),
}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::CutShort } else { Self::Lost(error) }
    }
}

/// The first byte on a stream, from the side that did not open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No place for another session now: try again later.
    Busy = 0,
    /// The session begins.
    Ready = 1,
}

/// Says whether the session may begin.
///
/// # Errors
/// When the stream is gone.
pub(crate) async fn write_answer(stream: &mut (impl AsyncWrite + Unpin), answer: Answer) -> io::Result<()> {
    stream.write_all(&[answer as u8]).await?;
    stream.flush().await
}

/// Hears whether the session may begin.
///
/// # Errors
/// [`SessionError::Answer`], or that the stream is gone.
pub(crate) async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> Result<Answer, SessionError> {
    let mut byte = [0];
    stream.read_exact(&mut byte).await?;
    match byte[0] {
        0 => Ok(Answer::Busy),
        1 => Ok(Answer::Ready),
        answer => Err(SessionError::Answer { answer }),
    }
}

/// A place among the sessions: it is taken as long as this exists.
#[derive(Debug, Default)]
pub(crate) struct Place {
    answered: AtomicBool,
}

impl Place {
    /// The peer said [`Answer::Ready`].
    pub(crate) fn answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether the peer said [`Answer::Ready`].
    pub(crate) fn answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }
}

/// Says that there is no place, and closes.
///
/// # Errors
/// When the stream is gone.
pub(crate) async fn refuse(stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    write_answer(stream, Answer::Busy).await?;
    stream.close().await
}

/// A session that a peer opened: what the owner gets, and the pump, which says ready and has to be run.
pub(crate) fn accept<S>(
    mut stream: S,
    ends: (NetworkKey, NetworkKey),
    place: Arc<Place>,
) -> (SyncStream, impl Future<Output = ()> + Send + use<S>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let (session, pump) = begin(ends, Direction::Incoming, place);
    let run = async move {
        let answered = timeout(OPENING, write_answer(&mut stream, Answer::Ready)).await;
        pump.run(answered.map_err(|_| SessionError::Idle).and_then(|written| Ok(written?)).map(|()| stream)).await;
    };
    (session, run)
}

/// A session that we opened and the peer said ready to: what the owner gets, and the pump, which has to be run.
pub(crate) fn opened<S>(
    stream: S,
    ends: (NetworkKey, NetworkKey),
    place: Arc<Place>,
) -> (SyncStream, impl Future<Output = ()> + Send + use<S>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let (session, pump) = begin(ends, Direction::Outgoing, place);
    (session, pump.run(Ok(stream)))
}

fn begin(ends: (NetworkKey, NetworkKey), direction: Direction, place: Arc<Place>) -> (SyncStream, Pump) {
    let (outbox, queued) = mpsc::channel(QUEUE);
    let (arrived, inbox) = mpsc::channel(QUEUE);
    let traffic = Arc::<Traffic>::default();
    let pump =
        Pump { queued, arrived, traffic: Arc::clone(&traffic), moved: watch::Sender::new(Instant::now()), place };
    let (local, peer) = ends;
    (SyncStream { local, peer, direction, outbox: Outbox(outbox), inbox: Inbox(inbox), traffic }, pump)
}

/// The task between a stream and its owner.
struct Pump {
    queued: mpsc::Receiver<Frame>,
    arrived: mpsc::Sender<Result<Frame, SessionError>>,
    traffic: Arc<Traffic>,
    /// When something last moved.
    moved: watch::Sender<Instant>,
    place: Arc<Place>,
}

impl Pump {
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(mut self, stream: Result<S, SessionError>) {
        let result = match stream {
            Ok(stream) => self.pump(stream).await,
            Err(error) => Err(error),
        };
        drop(self.place);
        if let Err(error) = result {
            // An owner that is gone has no use for the reason.
            drop(self.arrived.send(Err(error)).await);
        }
    }

    /// Both directions until both are closed, one breaks, or neither moves.
    async fn pump<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: S) -> Result<(), SessionError> {
        let (mut reader, mut writer) = stream.split();
        let Self { queued, arrived, traffic, moved, .. } = self;
        moved.send_replace(Instant::now());
        tokio::select! {
            result = async { tokio::try_join!(receive(&mut reader, arrived, traffic, moved), transmit(&mut writer, queued, traffic, moved)) } => result.map(|((), ())| ()),
            () = stillness(moved) => Err(SessionError::Idle),
        }
    }
}

async fn receive(
    reader: &mut (impl AsyncRead + Unpin),
    arrived: &mpsc::Sender<Result<Frame, SessionError>>,
    traffic: &Traffic,
    moved: &watch::Sender<Instant>,
) -> Result<(), SessionError> {
    loop {
        let frame = tokio::select! {
            frame = read_frame(reader, moved) => frame?,
            () = arrived.closed() => None,
        };
        let Some(frame) = frame else { return Ok(()) };
        traffic.received.fetch_add(frame.len() as u64 + PREFIX, Ordering::Relaxed);
        if arrived.send(Ok(frame)).await.is_err() {
            return Ok(());
        }
    }
}

async fn transmit(
    writer: &mut (impl AsyncWrite + Unpin),
    queued: &mut mpsc::Receiver<Frame>,
    traffic: &Traffic,
    moved: &watch::Sender<Instant>,
) -> Result<(), SessionError> {
    while let Some(frame) = queued.recv().await {
        write_frame(writer, &frame, moved).await?;
        traffic.sent.fetch_add(frame.len() as u64 + PREFIX, Ordering::Relaxed);
        if queued.is_empty() {
            writer.flush().await?;
        }
    }
    Ok(writer.close().await?)
}

/// Ends when nothing moved for [`IDLE`].
async fn stillness(moved: &watch::Sender<Instant>) {
    let mut still = false;
    while !still {
        let until = *moved.borrow() + IDLE;
        tokio::time::sleep_until(until).await;
        still = *moved.borrow() + IDLE <= Instant::now();
    }
}

/// The next frame, or `None` when the stream ends before one.
async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    moved: &watch::Sender<Instant>,
) -> Result<Option<Frame>, SessionError> {
    let mut prefix = [0; 4];
    if stream.read(&mut prefix[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut prefix[1..]).await?;
    let claimed = u32::from_le_bytes(prefix);
    let length = claimed as usize;
    if !(1..=MAX_FRAME).contains(&length) {
        return Err(SessionError::Length { length: claimed });
    }
    let mut frame = vec![0; length];
    for piece in frame.chunks_mut(PIECE) {
        stream.read_exact(piece).await?;
        moved.send_replace(Instant::now());
    }
    Ok(Some(frame))
}

/// One frame; its length goes out together with its first piece.
async fn write_frame(
    stream: &mut (impl AsyncWrite + Unpin),
    frame: &[u8],
    moved: &watch::Sender<Instant>,
) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
    let (first, rest) = frame.split_at(frame.len().min(PIECE));
    let mut head = Vec::with_capacity(4 + first.len());
    head.extend_from_slice(&length.to_le_bytes());
    head.extend_from_slice(first);
    for piece in std::iter::once(&head[..]).chain(rest.chunks(PIECE)) {
        stream.write_all(piece).await?;
        moved.send_replace(Instant::now());
    }
    Ok(())
}
