//! The bytes of one sync session: frames on a stream, and the pump between the stream and its owner.
//!
//! Who opens a stream `/essaim/sync/1` first hears one byte: [`Answer::Ready`], and the session begins, or
//! [`Answer::Busy`], and the stream is over. Then both sides send frames, each when it likes: a little-endian `u32`
//! length, then that many bytes. Length zero says "nothing more from me": the end of the stream alone does not, since Yamux
//! ends a stream in the same way when its connection is lost.
//!
//! ```text
//! answer = u8: 1 ready, 0 busy          from the side that did not open the stream
//! frame  = length u32 LE (1 …= MAX_FRAME) ‖ bytes
//! end    = 0u32
//! ```
//!
//! A task of its own pumps the frames through two short queues, so that an owner that is busy holds the peer back and
//! costs no memory. The pump ends a session that stays still for too long; it ends by itself when the stream
//! or its owner is gone.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use essaim_protocol::id::NetworkKey;
pub use essaim_protocol::sync::frame::MAX_FRAME;
use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// How long opening may take: the choice of protocol, then the answer. Ten round trips over the slowest link in use.
pub(crate) const OPENING: Duration = Duration::from_secs(10);

/// Bytes that count as movement, unless a frame ends earlier: within 30 s, one byte a second is standing still and
/// 5 kbit/s is not.
const PIECE: usize = 16 * 1024;

/// Bytes of a frame's length.
const PREFIX: u64 = 4;

/// Where a length is expected: no more frames.
const END: [u8; 4] = [0; 4];

/// Frames in each queue between stream and owner: 1 MiB each way, what the rules allow in flight.
const QUEUE: usize = 4;

/// Frames had at once: half of what may be in flight, so that the peer makes the next ones meanwhile.
const TOGETHER: usize = QUEUE / 2;

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

/// The peer's end of a session whose peer is a test.
#[cfg(test)]
type Peer = (mpsc::Receiver<Frame>, mpsc::Sender<Result<Frame, SessionError>>);

#[cfg(test)]
impl SyncStream {
    /// One with a test at the other end.
    pub(crate) fn with(peer: NetworkKey) -> (Self, Peer) {
        let ((sent, heard), (says, said)) = (mpsc::channel(64), mpsc::channel(64));
        let (outbox, inbox) = (Outbox(sent), Inbox::new(said));
        let (local, traffic) = (NetworkKey([0; 32]), Arc::default());
        (Self { local, peer, direction: Direction::Outgoing, outbox, inbox, traffic }, (heard, says))
    }
}

/// Our direction of a session.
#[derive(Debug, Clone)]
pub struct Outbox(mpsc::Sender<Frame>);

impl Outbox {
    /// One whose frames go nowhere else.
    #[cfg(test)]
    pub(crate) const fn to(frames: mpsc::Sender<Frame>) -> Self {
        Self(frames)
    }

    /// Sends one frame; waits while the queue is full. An owner that waits here must let somebody else empty the
    /// [`Inbox`], or two nodes that both only send hold each other up until both give up.
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
pub struct Inbox {
    frames: mpsc::Receiver<Result<Frame, SessionError>>,
    /// How the session broke off, after frames that came before and were asked for first.
    broke: Option<SessionError>,
}

impl Inbox {
    const fn new(frames: mpsc::Receiver<Result<Frame, SessionError>>) -> Self {
        Self { frames, broke: None }
    }

    /// The next frame; `None` once the peer has closed its direction. Nothing is lost when the call is abandoned.
    ///
    /// # Errors
    /// [`SessionError`], once, when the session broke off.
    pub async fn recv(&mut self) -> Result<Option<Frame>, SessionError> {
        match self.broke.take() {
            Some(error) => Err(error),
            None => self.frames.recv().await.transpose(),
        }
    }

    /// The next frame and those that came right after it; none once the peer has closed its direction. Nothing is lost
    /// when the call is abandoned.
    ///
    /// # Errors
    /// As [`Inbox::recv`].
    pub async fn recv_some(&mut self) -> Result<Vec<Frame>, SessionError> {
        let mut frames: Vec<Frame> = self.recv().await?.into_iter().collect();
        while !frames.is_empty() && frames.len() < TOGETHER {
            match self.frames.try_recv() {
                Ok(Ok(frame)) => frames.push(frame),
                Ok(Err(error)) => {
                    self.broke = Some(error);
                    break;
                }
                Err(_) => break,
            }
        }
        Ok(frames)
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

    /// Bytes of the whole frames that came in.
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
    #[error("the peer claims a frame of {length} bytes: at most {MAX_FRAME} are allowed")]
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
    /// The peer vanished: the stream ended before it was said to.
    #[error("the stream was cut short")]
    CutShort,
    /// Nothing passed for too long: a peer that hangs, or a link that does.
    #[error("nothing passed for too long")]
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
#[derive(Debug)]
pub(crate) struct Place {
    answered: AtomicBool,
    /// How long the session may stay still.
    idle: Duration,
}

impl Place {
    pub(crate) const fn new(idle: Duration) -> Self {
        Self { answered: AtomicBool::new(false), idle }
    }

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
    let pump = Pump {
        queued,
        arrived: Some(arrived),
        traffic: Arc::clone(&traffic),
        moved: watch::Sender::new(Instant::now()),
        place,
    };
    let (local, peer) = ends;
    (SyncStream { local, peer, direction, outbox: Outbox(outbox), inbox: Inbox::new(inbox), traffic }, pump)
}

/// The task between a stream and its owner.
struct Pump {
    queued: mpsc::Receiver<Frame>,
    /// None once the peer has closed its direction, so that the owner sees the end while ours is still open.
    arrived: Option<mpsc::Sender<Result<Frame, SessionError>>>,
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
        if let (Err(error), Some(arrived)) = (result, self.arrived) {
            // An owner that is gone has no use for the reason.
            drop(arrived.send(Err(error)).await);
        }
    }

    /// Both directions until both are closed, one breaks, or neither moves.
    async fn pump<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: S) -> Result<(), SessionError> {
        let (mut reader, mut writer) = stream.split();
        let Self { queued, arrived, traffic, moved, place } = self;
        moved.send_replace(Instant::now());
        tokio::select! {
            result = async { tokio::try_join!(receive(&mut reader, arrived, traffic, moved), transmit(&mut writer, queued, traffic, moved)) } => result.map(|((), ())| ()),
            () = stillness(moved, place.idle) => Err(SessionError::Idle),
        }
    }
}

async fn receive(
    reader: &mut (impl AsyncRead + Unpin),
    arrived: &mut Option<mpsc::Sender<Result<Frame, SessionError>>>,
    traffic: &Traffic,
    moved: &watch::Sender<Instant>,
) -> Result<(), SessionError> {
    while let Some(to) = arrived {
        let frame = tokio::select! {
            frame = read_frame(reader, moved) => frame?,
            () = to.closed() => None,
        };
        let Some(frame) = frame else { break };
        traffic.received.fetch_add(frame.len() as u64 + PREFIX, Ordering::Relaxed);
        if to.send(Ok(frame)).await.is_err() {
            break;
        }
    }
    *arrived = None;
    Ok(())
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
    writer.write_all(&END).await?;
    traffic.sent.fetch_add(PREFIX, Ordering::Relaxed);
    Ok(writer.close().await?)
}

/// Ends when nothing moved for `idle`.
async fn stillness(moved: &watch::Sender<Instant>, idle: Duration) {
    let mut until = *moved.borrow() + idle;
    while Instant::now() < until {
        tokio::time::sleep_until(until).await;
        until = *moved.borrow() + idle;
    }
}

/// The next frame, or `None` when the peer says that there is none.
async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    moved: &watch::Sender<Instant>,
) -> Result<Option<Frame>, SessionError> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).await?;
    if prefix == END {
        return Ok(None);
    }
    let claimed = u32::from_le_bytes(prefix);
    let length = claimed as usize;
    if length > MAX_FRAME {
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

#[cfg(test)]
mod tests {
    mod cut;

    use futures::StreamExt as _;
    use libp2p::Transport as _;
    use libp2p::core::transport::memory::{Channel, MemoryTransport};
    use libp2p::core::transport::{DialOpts, ListenerId, PortUse, TransportEvent};

    use super::*;

    const PATIENT: Duration = Duration::from_secs(60);
    const HASTY: Duration = Duration::from_millis(40);

    type Pipe = Channel<Vec<u8>>;

    /// Two ends of a pipe in memory.
    async fn pipe() -> (Pipe, Pipe) {
        let mut transport = MemoryTransport::default().boxed();
        transport.listen_on(ListenerId::next(), "/memory/0".parse().unwrap()).unwrap();
        let Some(TransportEvent::NewAddress { listen_addr, .. }) = transport.next().await else { panic!("no address") };
        let options = DialOpts { role: libp2p::core::Endpoint::Dialer, port_use: PortUse::New };
        let dialled = transport.dial(listen_addr, options).unwrap();
        let accepted = async {
            let Some(TransportEvent::Incoming { upgrade, .. }) = transport.next().await else { panic!("nobody") };
            upgrade.await.unwrap()
        };
        let (dialled, accepted) = futures::join!(dialled, accepted);
        (dialled.unwrap(), accepted)
    }

    /// A session that we opened; the other end is a bare pipe.
    async fn session(idle: Duration) -> (SyncStream, Pipe) {
        let (ours, theirs) = pipe().await;
        let ends = (NetworkKey([1; 32]), NetworkKey([2; 32]));
        let (session, pump) = opened(ours, ends, Arc::new(Place::new(idle)));
        tokio::spawn(pump);
        (session, theirs)
    }

    #[tokio::test]
    async fn a_session_says_ready_and_frames_pass_until_each_side_closes() {
        let (ours, mut theirs) = pipe().await;
        let place = Arc::new(Place::new(PATIENT));
        let taken = Arc::downgrade(&place);
        let (session, pump) = accept(ours, (NetworkKey([1; 32]), NetworkKey([2; 32])), place);
        let pump = tokio::spawn(pump);
        assert_eq!(read_answer(&mut theirs).await.unwrap(), Answer::Ready);
        let SyncStream { outbox, mut inbox, traffic, .. } = session;

        outbox.send(b"bonjour".to_vec()).await.unwrap();
        let mut heard = [0; 11];
        theirs.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"\x07\0\0\0bonjour");
        theirs.write_all(b"\x02\0\0\0ok\x01\0\0\0!").await.unwrap();
        theirs.flush().await.unwrap();
        assert_eq!(inbox.recv().await.unwrap(), Some(b"ok".to_vec()));
        assert_eq!(inbox.recv().await.unwrap(), Some(b"!".to_vec()));

        theirs.write_all(&END).await.unwrap();
        theirs.flush().await.unwrap();
        assert_eq!(inbox.recv().await.unwrap(), None);
        assert!(taken.upgrade().is_some(), "our direction is still open");
        drop(outbox);
        pump.await.unwrap();
        assert!(taken.upgrade().is_none(), "the place is free again");
        theirs.read_exact(&mut heard[..4]).await.unwrap();
        assert_eq!(heard[..4], END);
        assert_eq!((traffic.sent(), traffic.received()), (15, 11));
    }

    #[tokio::test]
    async fn what_came_meanwhile_is_had_at_once_and_before_what_went_wrong() {
        let (frames, inbox) = mpsc::channel(2 * QUEUE);
        let mut inbox = Inbox::new(inbox);
        for n in 0..QUEUE as u8 + 1 {
            frames.send(Ok(vec![n])).await.unwrap();
        }
        frames.send(Err(SessionError::CutShort)).await.unwrap();
        drop(frames);
        assert_eq!(inbox.recv_some().await.unwrap(), [[0], [1]]);
        assert_eq!(inbox.recv_some().await.unwrap(), [[2], [3]]);
        assert_eq!(inbox.recv_some().await.unwrap(), [[4]]);
        assert!(matches!(inbox.recv_some().await, Err(SessionError::CutShort)));
        assert!(inbox.recv_some().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_length_of_too_many_bytes_ends_the_session() {
        for length in [MAX_FRAME as u32 + 1, u32::MAX] {
            let (mut session, mut theirs) = session(PATIENT).await;
            theirs.write_all(&length.to_le_bytes()).await.unwrap();
            theirs.flush().await.unwrap();
            let error = session.inbox.recv().await.unwrap_err();
            assert!(matches!(error, SessionError::Length { length: claimed } if claimed == length), "{error}");
            assert_eq!(session.inbox.recv().await.unwrap(), None);
        }
        let (session, _theirs) = session(PATIENT).await;
        for length in [0, MAX_FRAME + 1] {
            assert_eq!(session.outbox.send(vec![0; length]).await, Err(SendError::Length { length }));
        }
        session.outbox.send(vec![0; MAX_FRAME]).await.unwrap();
    }

    #[tokio::test]
    async fn a_peer_that_vanishes_within_or_between_frames_is_noticed() {
        for bytes in [&[][..], &[9, 0, 0], &[9, 0, 0, 0], &[9, 0, 0, 0, 1, 2, 3]] {
            let (mut session, mut theirs) = session(PATIENT).await;
            theirs.write_all(bytes).await.unwrap();
            drop(theirs);
            let error = session.inbox.recv().await.unwrap_err();
            assert!(matches!(error, SessionError::CutShort), "{error}");
        }
    }

    #[tokio::test]
    async fn a_silent_peer_is_cut() {
        let (mut session, _theirs) = session(HASTY).await;
        assert!(matches!(session.inbox.recv().await, Err(SessionError::Idle)));
        assert_eq!(session.outbox.send(vec![1]).await, Err(SendError::Closed));
    }

    #[tokio::test]
    async fn a_peer_that_drips_one_byte_at_a_time_is_cut_as_if_it_were_silent() {
        let (mut session, mut theirs) = session(HASTY).await;
        theirs.write_all(&(MAX_FRAME as u32).to_le_bytes()).await.unwrap();
        let drip = async {
            let mut tick = tokio::time::interval(HASTY / 8);
            loop {
                tick.tick().await;
                if theirs.write_all(&[0]).await.is_err() || theirs.flush().await.is_err() {
                    return;
                }
            }
        };
        let (cut, ()) = futures::join!(session.inbox.recv(), drip);
        assert!(matches!(cut, Err(SessionError::Idle)));
    }

    #[tokio::test]
    async fn an_owner_that_does_not_read_holds_the_peer_back_and_loses_nothing() {
        let (mut session, mut theirs) = session(PATIENT).await;
        let sent = 100u32;
        let send = async move {
            for n in 0..sent {
                theirs.write_all(&4u32.to_le_bytes()).await.unwrap();
                theirs.write_all(&n.to_le_bytes()).await.unwrap();
                theirs.flush().await.unwrap();
            }
            theirs.write_all(&END).await.unwrap();
            theirs.flush().await.unwrap();
        };
        let receive = async {
            for n in 0..sent {
                assert_eq!(session.inbox.recv().await.unwrap(), Some(n.to_le_bytes().to_vec()));
            }
            assert_eq!(session.inbox.recv().await.unwrap(), None);
        };
        futures::join!(send, receive);
    }

    #[tokio::test]
    async fn an_answer_is_ready_or_busy_and_nothing_else() {
        let (mut ours, mut theirs) = pipe().await;
        refuse(&mut theirs).await.unwrap();
        drop(theirs);
        assert_eq!(read_answer(&mut ours).await.unwrap(), Answer::Busy);
        assert!(matches!(read_answer(&mut ours).await, Err(SessionError::CutShort)));
        let (mut ours, mut theirs) = pipe().await;
        theirs.write_all(&[2]).await.unwrap();
        theirs.flush().await.unwrap();
        assert!(matches!(read_answer(&mut ours).await, Err(SessionError::Answer { answer: 2 })));
    }
}
