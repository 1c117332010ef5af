//! Sending entries and taking them in: one compressed stream each way, with a bound on what is under way.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::ops::ControlFlow;

use zstd::stream::raw::{CParameter, Encoder, Operation as _, OutBuffer};

use super::frame::{Frame, MAX_RAW, Position};
use super::{Fault, Misbehaviour, Place, Replica};
use crate::entry::change::lean;
use crate::set::Kind;
use crate::store::{self, Ordinal};
use crate::wire::Write as _;

/// Uncompressed bytes under way: sent and not yet acknowledged. Enough for 80 Mbit/s at 100 ms; all that a cut can make
/// travel twice.
pub const CREDIT: usize = 1024 * 1024;

/// Base 2 logarithm of the zstd window: a peer makes us keep so much memory, 1 MiB, for its stream.
pub(super) const WINDOW: u32 = 20;

/// Of a stream of records of 2 kB, level 5 takes 3 % fewer bytes and twice the time; level 3 takes 2 % more at the same
/// speed.
pub const LEVEL: i32 = 4;

/// Places that are looked up at a time while the log itself is sent.
const LOOK_AHEAD: usize = 1024;

/// What is still to be sent.
#[derive(Debug)]
enum Plan {
    /// These places.
    Places(VecDeque<Ordinal>),
    /// The log below a place: all statements from one place, then everything else from another.
    Log { kind: Kind, next: Ordinal, content: Ordinal, below: Ordinal, ready: VecDeque<Ordinal> },
}

/// The sending half.
#[derive(Default)]
pub(super) struct Outgoing {
    plan: Option<Plan>,
    stream: Option<Encoder<'static>>,
    /// Frames that are not acknowledged: their uncompressed bytes and the places in them.
    under_way: VecDeque<(usize, Vec<Ordinal>)>,
    ended: bool,
    /// Entries sent.
    pub(super) sent: u64,
}

impl Outgoing {
    /// Sends the entries at these places: statements first, then in log order.
    pub(super) fn send(&mut self, mut places: Vec<Place>) {
        places.sort_unstable_by_key(|place| (place.kind, place.ordinal));
        places.dedup();
        self.plan = Some(Plan::Places(places.into_iter().map(|place| place.ordinal).collect()));
    }

    /// Sends the log below a place from a position on.
    pub(super) fn send_log(&mut self, from: Position, below: Ordinal) {
        self.plan = Some(Plan::Log {
            kind: Kind::Statement,
            next: from.statements,
            content: from.content,
            below,
            ready: VecDeque::new(),
        });
    }

    /// Whether all was sent, and said so.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next frame, when there is credit for it: entries, or the end once.
    pub(super) fn next_frame(&mut self, replica: &dyn Replica) -> Result<Option<Frame>, Fault> {
        let Some(plan) = &mut self.plan else { return Ok(None) };
        if self.ended || self.under_way.iter().map(|(bytes, _)| bytes).sum::<usize>() >= CREDIT {
            return Ok(None);
        }
        let (mut raw, mut places) = (Vec::new(), Vec::new());
        while let Some(ordinal) = plan.peek(replica, !places.is_empty())? {
            // An entry that left meanwhile is passed over: the peer sees that it did not come.
            if let Some(entry) = replica.read(ordinal)? {
                let entry = lean::pack(&entry);
                if !raw.is_empty() && raw.len() + entry.len() + 5 > MAX_RAW {
                    break;
                }
                raw.put_bytes(&entry);
                places.push(ordinal);
            }
            plan.pop();
        }
        let Some(last) = places.last() else {
            self.ended = true;
            return Ok(Some(Frame::End));
        };
        let frame = Frame::Entries { next: last.next(), compressed: self.compress(&raw)? };
        self.sent += places.len() as u64;
        self.under_way.push_back((raw.len(), places));
        Ok(Some(frame))
    }

    /// The peer took in `frames` more frames: the places that were in them. It did not keep `aside` of these entries.
    pub(super) fn acknowledged(&mut self, frames: u64, aside: u64) -> Result<Vec<Ordinal>, Misbehaviour> {
        let frames = usize::try_from(frames).ok().filter(|frames| (1..=self.under_way.len()).contains(frames));
        let frames = frames.ok_or(Misbehaviour::Acknowledgement)?;
        let places: Vec<_> = self.under_way.drain(..frames).flat_map(|(_, places)| places).collect();
        if aside > places.len() as u64 { Err(Misbehaviour::Acknowledgement) } else { Ok(places) }
    }

    fn compress(&mut self, raw: &[u8]) -> Result<Vec<u8>, Fault> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(encoder().map_err(|_| Fault::Compressor)?),
        };
        let (mut compressed, mut part, mut read) = (Vec::new(), vec![0; 64 * 1024], 0);
        while read < raw.len() {
            let status = stream.run_on_buffers(&raw[read..], &mut part).map_err(|_| Fault::Compressor)?;
            read += status.bytes_read;
            compressed.extend_from_slice(&part[..status.bytes_written]);
        }
        loop {
            let mut output = OutBuffer::around(&mut part[..]);
            let left = stream.flush(&mut output).map_err(|_| Fault::Compressor)?;
            compressed.extend_from_slice(output.as_slice());
            if left == 0 {
                return Ok(compressed);
            }
        }
    }
}

/// Base 2 logarithms of the entries in zstd's two tables. They stay in the cache of a processor: of the level's own, 2^18
/// entries each, the second spares half a hundredth of the bytes and costs a tenth of the time.
const TABLES: [u32; 2] = [18, 16];

fn encoder() -> std::io::Result<Encoder<'static>> {
    let mut encoder = Encoder::new(LEVEL)?;
    encoder.set_parameter(CParameter::WindowLog(WINDOW))?;
    encoder.set_parameter(CParameter::HashLog(TABLES[0]))?;
    encoder.set_parameter(CParameter::ChainLog(TABLES[1]))?;
    Ok(encoder)
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("plan", &self.plan).field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl Plan {
    /// The next place to send. While `filling` a frame, one of a kind other than those in it is not given, so that a
    /// frame's last place says how far its kind was sent.
    fn peek(&mut self, replica: &dyn Replica, filling: bool) -> Result<Option<Ordinal>, store::Error> {
        match self {
            Self::Places(places) => Ok(places.front().copied()),
            Self::Log { kind, next, content, below, ready } => {
                if ready.is_empty() {
                    *ready = look_ahead(replica, *kind, *next, *below)?;
                }
                if ready.is_empty() && *kind == Kind::Statement && !filling {
                    (*kind, *next) = (Kind::Content, *content);
                    *ready = look_ahead(replica, *kind, *next, *below)?;
                }
                Ok(ready.front().copied())
            }
        }
    }

    fn pop(&mut self) {
        match self {
            Self::Places(places) => drop(places.pop_front()),
            Self::Log { next, ready, .. } => {
                if let Some(ordinal) = ready.pop_front() {
                    *next = ordinal.next();
                }
            }
        }
    }
}

fn look_ahead(
    replica: &dyn Replica,
    kind: Kind,
    from: Ordinal,
    below: Ordinal,
) -> Result<VecDeque<Ordinal>, store::Error> {
    let mut found = VecDeque::new();
    replica.scan(from, &mut |place, _| {
        if place.ordinal >= below || found.len() == LOOK_AHEAD {
            return ControlFlow::Break(());
        }
        if place.kind == kind {
            found.push_back(place.ordinal);
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The receiving half, behind the [intake](super::intake).
#[derive(Debug, Default)]
pub(super) struct Incoming {
    ended: bool,
    /// Places of what this session brought.
    pub(super) found: BTreeSet<Ordinal>,
    /// Entries received, new or not.
    pub(super) received: u64,
    /// Bytes received of entries that we had at the hello.
    pub(super) repeated: usize,
}

impl Incoming {
    /// Whether the peer said that nothing follows.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// The peer says that nothing follows.
    pub(super) const fn end(&mut self) -> Result<(), Misbehaviour> {
        if self.ended {
            return Err(Misbehaviour::OutOfTurn);
        }
        self.ended = true;
        Ok(())
    }

    /// So many entries came in a frame.
    pub(super) const fn take(&mut self, count: usize) -> Result<(), Misbehaviour> {
        if self.ended {
            return Err(Misbehaviour::OutOfTurn);
        }
        self.received += count as u64;
        Ok(())
    }
}
