//! The log: frames of entries under their first ordinal.
//!
//! A frame is cut in parts under (first ordinal u64 ‖ part u16), big-endian, written in one atomic batch. Small frames,
//! left by writing one entry at a time, are merged when the node is idle: the merged frame takes the place of its parts
//! under the first one's key, in one batch again, so that no ordinal moves and a crash leaves the old or the new.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;

use essaim_protocol::id::EntryId;
use essaim_protocol::store::{Append, Error, Flaw};

use super::engine::{Engine, Writer, guarded};
use super::frame::{self, Codec, Frame, Header};
use super::trees::{PART, Tree};

/// Frames merged in one step, so that the step is one batch: each gives up one key, and the merged frame takes at most
/// a third of what is left.
const MERGED: usize = 64;

/// Full frames passed over in one step.
const PASSED: usize = 256;

/// The log of one store.
#[derive(Debug)]
pub(super) struct Log {
    tree: Tree,
    end: u64,
    /// The frame last read: entries are asked for in log order or by record, mostly neighbours.
    last: RefCell<Option<Arc<Frame>>>,
    codecs: RefCell<[Codec; 2]>,
}

/// What one step of merging did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merged {
    /// Where the next step starts.
    pub(super) next: u64,
    /// Nothing is left to merge for now.
    pub(super) done: bool,
    /// Frames were merged.
    pub(super) changed: bool,
}

impl Log {
    pub(super) fn open(engine: &Engine) -> Result<Self, Error> {
        let codec = || Codec::new().map_err(|source| Error::Io { doing: "making room to pack entries", source });
        let (tree, codecs) = (Tree::open(engine, "log")?, RefCell::new([codec()?, codec()?]));
        let mut log = Self { tree, end: 0, last: RefCell::default(), codecs };
        log.end = log.find_end()?;
        Ok(log)
    }

    /// The ordinal that the next entry will have.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Reads the end off the last frame. One that is damaged counts as one entry: reading it will tell.
    fn find_end(&self) -> Result<u64, Error> {
        Ok(match self.first_at_or_before(u64::MAX)? {
            Some(first) => match self.header(first) {
                Err(Error::Corrupt { .. }) => first + 1,
                header => first + header?.count as u64,
            },
            None => 0,
        })
    }

    /// Appends `entries`, cut in frames. They are durable only after the engine's next
    /// [`make_durable`](Engine::make_durable).
    pub(super) fn append(&mut self, entries: &[Append<'_>]) -> Result<(), Error> {
        let (mut frames, mut rest) = (Vec::new(), entries);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(frame::next(rest));
            frames.push(now);
            rest = later;
        }
        let mut writer = self.tree.writer();
        let mut end = self.end;
        for (frame, bytes) in frames.iter().zip(self.pack(&frames)?) {
            self.set(&mut writer, end, &bytes)?;
            end += frame.len() as u64;
        }
        writer.apply()?;
        self.end = end;
        Ok(())
    }

    /// The frame that holds the entry at `at`.
    pub(super) fn frame_of(&self, at: u64) -> Result<Option<Arc<Frame>>, Error> {
        if let Some(last) = self.last.borrow().as_ref().filter(|frame| frame.entry(at).is_some()) {
            return Ok(Some(Arc::clone(last)));
        }
        let Some(first) = self.first_at_or_before(at)? else { return Ok(None) };
        let frame = self.frame(first)?;
        Ok((at < frame.end()).then_some(frame))
    }

    /// Shows whole frames in log order, beginning with the one that holds `from`, until `visit` breaks.
    pub(super) fn frames(
        &self,
        from: u64,
        visit: &mut dyn FnMut(&Frame) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let mut next = self.start(from)?;
        while let Some(first) = next {
            let frame = self.frame(first)?;
            if visit(&frame)?.is_break() {
                break;
            }
            next = self.first_from(frame.end())?;
        }
        Ok(())
    }

    /// Shows ids with their ordinals from `from` on, without unpacking frames, until `visit` breaks.
    pub(super) fn ids(&self, from: u64, visit: &mut dyn FnMut(u64, EntryId) -> ControlFlow<()>) -> Result<(), Error> {
        let mut next = self.start(from)?;
        while let Some(first) = next {
            let ids = frame::ids(&self.bytes(first)?).map_err(|_| self.damaged(first))?;
            let mut wanted = (first..).zip(&ids).filter(|(at, _)| *at >= from);
            if wanted.try_for_each(|(at, id)| visit(at, *id)).is_break() {
                break;
            }
            next = self.first_from(first + ids.len() as u64)?;
        }
        Ok(())
    }

    /// First ordinals of all frames, the damaged ones too, as far as the keys can be read.
    pub(super) fn firsts(&self) -> Vec<u64> {
        let mut firsts = Vec::new();
        let mut next = 0;
        while let Ok(Some(first)) = guarded(|| self.first_from(next)) {
            firsts.push(first);
            next = first + 1;
        }
        firsts
    }

    /// Reads and unpacks the frame at `first`.
    pub(super) fn frame(&self, first: u64) -> Result<Arc<Frame>, Error> {
        let bytes = self.bytes(first)?;
        let frame = self.codecs.borrow_mut()[0].decode(first, &bytes).map_err(|_| self.damaged(first))?;
        let frame = Arc::new(frame);
        *self.last.borrow_mut() = Some(Arc::clone(&frame));
        Ok(frame)
    }

    /// Merges small neighbours at `from` or after into one frame, as many as fit; passes over those that are full.
    pub(super) fn merge(&self, from: u64) -> Result<Merged, Error> {
        let mut next = from;
        for _ in 0..PASSED {
            let Some(start) = self.first_from(next)? else { return Ok(Merged { next, done: true, changed: false }) };
            let Some(small) = self.neighbours(start)? else {
                return Ok(Merged { next: start, done: true, changed: false });
            };
            let last = small.last().copied().unwrap_or(start);
            next = last + self.header(last)?.count as u64;
            if small.len() > 1 {
                self.replace(&small)?;
                return Ok(Merged { next, done: false, changed: true });
            }
        }
        Ok(Merged { next, done: false, changed: false })
    }

    /// The frames from `start` on that fit into one: it alone when the next does not fit, none while the end of the log
    /// may still bring some that do.
    fn neighbours(&self, start: u64) -> Result<Option<Vec<u64>>, Error> {
        let (mut small, mut size, mut count, mut next) = (Vec::new(), 0, 0, start);
        while small.len() < MERGED {
            if next >= self.end {
                return Ok(None);
            }
            let Some(header) = self.header_if_any(next)? else { break };
            (size, count) = (size + header.raw, count + header.count);
            if size > frame::FULL || count > frame::MAX_ENTRIES {
                break;
            }
            small.push(next);
            next += header.count as u64;
        }
        Ok(Some(small))
    }

    /// Puts one frame in the place of these neighbours.
    fn replace(&self, firsts: &[u64]) -> Result<(), Error> {
        let frames = firsts.iter().map(|first| self.frame(*first)).collect::<Result<Vec<_>, _>>()?;
        let entries: Vec<_> = frames.iter().flat_map(|frame| frame.entries().map(|(_, entry)| entry)).collect();
        let mut writer = self.tree.writer();
        for frame in &frames {
            for part in 0..parts(self.header(frame.first)?.length) {
                writer.remove(&key(frame.first, part));
            }
        }
        for bytes in self.pack(&[&entries])? {
            self.set(&mut writer, frames[0].first, &bytes)?;
        }
        *self.last.borrow_mut() = None;
        writer.apply()
    }

    /// The bytes of these frames. Half of many are packed on a second core.
    fn pack(&self, frames: &[&[Append<'_>]]) -> Result<Vec<Vec<u8>>, Error> {
        self.pack_beside(frames, thread::Builder::new())
    }

    /// Packs half of the frames on another thread, or here when the system gives none.
    fn pack_beside(&self, frames: &[&[Append<'_>]], thread: thread::Builder) -> Result<Vec<Vec<u8>>, Error> {
        let [codec, other] = &mut *self.codecs.borrow_mut();
        let (here, there) = frames.split_at(frames.len().div_ceil(2));
        let packed = thread::scope(|scope| {
            if there.is_empty() {
                return codec.encode_all(here);
            }
            let Ok(beside) = thread.spawn_scoped(scope, || other.encode_all(there)) else {
                return codec.encode_all(frames);
            };
            let mut packed = codec.encode_all(here)?;
            packed.append(&mut beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            Ok(packed)
        });
        packed.map_err(|source| Error::Io { doing: "packing entries", source })
    }

    fn set(&self, writer: &mut Writer<'_>, first: u64, bytes: &[u8]) -> Result<(), Error> {
        writer.make_room(bytes.len().div_ceil(PART), bytes.len())?;
        for (part, body) in (0..).zip(bytes.chunks(PART)) {
            let key = key(first, part);
            writer.set(&key, self.tree.seal(&key, body));
        }
        Ok(())
    }

    fn header(&self, first: u64) -> Result<Header, Error> {
        self.header_if_any(first)?.ok_or_else(|| self.damaged(first))
    }

    fn header_if_any(&self, first: u64) -> Result<Option<Header>, Error> {
        let Some(head) = self.tree.get(&key(first, 0))? else { return Ok(None) };
        Header::decode(&head).map(Some).map_err(|_| self.damaged(first))
    }

    fn bytes(&self, first: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = self.tree.get(&key(first, 0))?.ok_or_else(|| self.damaged(first))?;
        let length = Header::decode(&bytes).map_err(|_| self.damaged(first))?.length;
        for part in 1..parts(length) {
            bytes.extend_from_slice(&self.tree.get(&key(first, part))?.ok_or_else(|| self.damaged(first))?);
        }
        if bytes.len() == length { Ok(bytes) } else { Err(self.damaged(first)) }
    }

    /// The first frame that holds `from` or comes after it.
    fn start(&self, from: u64) -> Result<Option<u64>, Error> {
        if let Some(first) = self.first_at_or_before(from)?
            && from < first + self.header(first)?.count as u64
        {
            return Ok(Some(first));
        }
        self.first_from(from)
    }

    fn first_at_or_before(&self, at: u64) -> Result<Option<u64>, Error> {
        let found = self.tree.range(..=key(at, u16::MAX)).next_back().transpose()?;
        Ok(found.and_then(|(key, _)| first_of(&key)))
    }

    fn first_from(&self, at: u64) -> Result<Option<u64>, Error> {
        let found = self.tree.range(key(at, 0)..).next().transpose()?;
        Ok(found.and_then(|(key, _)| first_of(&key)))
    }

    fn damaged(&self, first: u64) -> Error {
        self.tree.damaged(&first.to_be_bytes(), Flaw::Incomplete)
    }
}

fn parts(length: usize) -> u16 {
    u16::try_from(length.div_ceil(PART)).unwrap_or(u16::MAX)
}

fn key(first: u64, part: u16) -> Vec<u8> {
    [&first.to_be_bytes()[..], &part.to_be_bytes()].concat()
}

fn first_of(key: &[u8]) -> Option<u64> {
    key.first_chunk().map(|first| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_packed_where_no_thread_is_given_too() {
        let home = tempfile::tempdir().unwrap();
        let log = Log::open(&Engine::open(home.path(), 1 << 20).unwrap()).unwrap();
        let bytes: Vec<Vec<u8>> = (0..8_u8).map(|n| vec![n; 1000]).collect();
        let ids = (0..8).map(|n| EntryId([n; 32])).zip(&bytes);
        let entries: Vec<Append<'_>> =
            ids.map(|(id, bytes)| Append { id, bytes, record: None, change: None, own: false }).collect();
        let frames: Vec<_> = entries.chunks(2).collect();
        let packed = log.pack(&frames).unwrap();
        assert_eq!(log.pack_beside(&frames, thread::Builder::new().stack_size(1 << 60)).unwrap(), packed);
    }
}
