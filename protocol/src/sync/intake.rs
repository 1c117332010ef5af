//! Reading what a peer sends: frames decoded, entries unpacked and verified.
//!
//! It is apart from the session because it needs neither the set nor the log: a thread of its own does it while the
//! session commits what came before, and most of the work of a first sync is done twice as fast.

use std::fmt;

use zstd::stream::raw::{DParameter, Decoder, Operation as _};

use super::frame::{Frame, MAX_RAW};
use super::transfer::WINDOW;
use super::{Fault, Misbehaviour};
use crate::entry::{Entry, Refused, receive_and_verify_all};
use crate::id::CommonsId;
use crate::sign::Verified;
use crate::store::Ordinal;
use crate::wire::Reader;

/// The reading half of a session. Frames go through it in the order in which they came, each once.
pub struct Intake {
    commons: CommonsId,
    stream: Option<Decoder<'static>>,
}

/// A frame that was read, for [`Event::Frames`](super::Event::Frames).
#[derive(Debug)]
pub struct Heard(pub(super) Result<Content, Fault>);

/// What a frame holds.
#[derive(Debug)]
pub(super) enum Content {
    /// Entries, and where the sender goes on after them.
    Entries { next: Ordinal, entries: Vec<Sent> },
    /// Anything else.
    Other(Frame),
}

/// An entry that a peer sent.
#[derive(Debug)]
pub struct Sent {
    /// The bytes as they were sent: a change may be [lean](crate::entry::change::lean).
    pub bytes: Vec<u8>,
    /// What they are, if they are an entry of the commons.
    pub entry: Result<Verified<Entry>, Refused>,
}

impl Intake {
    /// For a session about this commons.
    #[must_use]
    pub const fn new(commons: CommonsId) -> Self {
        Self { commons, stream: None }
    }

    /// Reads frames and verifies the entries in them, on `threads` threads (at least one). After one that is wrong
    /// nothing is read: the session ends there.
    pub fn read(&mut self, frames: &[Vec<u8>], threads: usize) -> Vec<Heard> {
        let mut unpacked = Vec::with_capacity(frames.len());
        for frame in frames {
            let read = self.unpack(frame);
            let wrong = read.is_err();
            unpacked.push(read);
            if wrong {
                break;
            }
        }
        let all: Vec<&[u8]> = unpacked.iter().flatten().flat_map(Unpacked::entries).map(Vec::as_slice).collect();
        let mut verified = receive_and_verify_all(&all, &self.commons, threads).into_iter();
        let heard = unpacked.into_iter().map(|read| Heard(read.map(|read| read.with(&mut verified))));
        heard.collect()
    }

    fn unpack(&mut self, bytes: &[u8]) -> Result<Unpacked, Fault> {
        let frame = Frame::decode(bytes)?;
        let Frame::Entries { next, compressed } = frame else { return Ok(Unpacked::Other(frame)) };
        Ok(Unpacked::Entries { next, entries: self.entries(&compressed)? })
    }

    /// The entries in a frame, as they were sent.
    pub(super) fn entries(&mut self, compressed: &[u8]) -> Result<Vec<Vec<u8>>, Misbehaviour> {
        let raw = self.decompress(compressed)?;
        let mut reader = Reader::new(&raw);
        let mut entries = Vec::new();
        while !reader.is_empty() {
            entries.push(reader.bytes("an entry", MAX_RAW)?.to_vec());
        }
        if entries.is_empty() { Err(Misbehaviour::EmptyFrame) } else { Ok(entries) }
    }

    /// Never makes more than a frame may hold, whatever the bytes promise.
    fn decompress(&mut self, compressed: &[u8]) -> Result<Vec<u8>, Misbehaviour> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(decoder().map_err(|_| Misbehaviour::Compression)?),
        };
        let (mut raw, mut part, mut read) = (Vec::new(), vec![0; 64 * 1024], 0);
        loop {
            let status =
                stream.run_on_buffers(&compressed[read..], &mut part).map_err(|_| Misbehaviour::Compression)?;
            read += status.bytes_read;
            raw.extend_from_slice(&part[..status.bytes_written]);
            if raw.len() > MAX_RAW + 8 {
                return Err(Misbehaviour::Bomb);
            }
            if status.bytes_written < part.len() {
                // Room was left, so the stream took all it could: a rest means that it has ended.
                return if read == compressed.len() { Ok(raw) } else { Err(Misbehaviour::Compression) };
            }
        }
    }
}

fn decoder() -> std::io::Result<Decoder<'static>> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(WINDOW))?;
    Ok(decoder)
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("commons", &self.commons).finish_non_exhaustive()
    }
}

/// A frame whose entries are not verified yet.
enum Unpacked {
    Entries { next: Ordinal, entries: Vec<Vec<u8>> },
    Other(Frame),
}

impl Unpacked {
    fn entries(&self) -> &[Vec<u8>] {
        if let Self::Entries { entries, .. } = self { entries } else { &[] }
    }

    /// `verified` gives what comes of each entry, in order.
    fn with(self, verified: &mut impl Iterator<Item = Result<Verified<Entry>, Refused>>) -> Content {
        match self {
            Self::Other(frame) => Content::Other(frame),
            Self::Entries { next, entries } => {
                let entries = entries.into_iter().zip(verified).map(|(bytes, entry)| Sent { bytes, entry });
                Content::Entries { next, entries: entries.collect() }
            }
        }
    }
}
