//! Frames of the log: neighbouring entries, compressed together.
//!
//! The ids stand before the compressed part: they do not compress, and what needs only them need not unpack the rest.

use std::fmt;
use std::ops::Range;

use essaim_protocol::id::{ChangeHash, EntryId, RecordId};
use essaim_protocol::store::{Append, MAX_ENTRY};
use essaim_protocol::wire::{DecodeError, Reader, Write};

/// Entry bytes that a frame gathers before it is full: enough for zstd to find what texts share, little enough that
/// reading one entry unpacks it in a tenth of a millisecond. A larger entry is a frame of its own.
pub(super) const FULL: usize = 64 * 1024;

/// Entries in a frame at most: their ids are 16 KiB.
pub(super) const MAX_ENTRIES: usize = 512;

/// zstd's level: 1 packs French text at 200 MB/s and a higher one saves a twentieth at half the speed.
const LEVEL: i32 = 1;

/// Bytes of an entry's header in the packed part: flags, record, change and length.
const MAX_HEADER: usize = 1 + 32 + 32 + 5;

/// Length of the frame's own header.
pub(super) const HEADER: usize = 12;

/// The header of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// Bytes of the whole frame.
    pub(super) length: usize,
    /// Entries in it.
    pub(super) count: usize,
    /// Bytes of the packed part when unpacked.
    pub(super) raw: usize,
}

/// An unpacked frame.
#[derive(Debug)]
pub(super) struct Frame {
    /// The ordinal of its first entry.
    pub(super) first: u64,
    entries: Vec<Stored>,
    raw: Vec<u8>,
}

#[derive(Debug)]
struct Stored {
    id: EntryId,
    record: Option<RecordId>,
    change: Option<ChangeHash>,
    bytes: Range<usize>,
}

/// The entries of `entries` that the next frame takes: at least one.
pub(super) fn next(entries: &[Append<'_>]) -> usize {
    let mut size = 0;
    let fits = entries.iter().take(MAX_ENTRIES).take_while(|entry| {
        size += entry.bytes.len();
        size <= FULL
    });
    fits.count().max(1)
}

/// Packs frames and unpacks them. What zstd works with, a megabyte, is made once and not for every frame.
pub(super) struct Codec {
    packer: zstd::bulk::Compressor<'static>,
    unpacker: zstd::bulk::Decompressor<'static>,
}

impl Codec {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { packer: zstd::bulk::Compressor::new(LEVEL)?, unpacker: zstd::bulk::Decompressor::new()? })
    }

    /// The bytes of a frame of `entries`.
    fn encode(&mut self, entries: &[Append<'_>]) -> std::io::Result<Vec<u8>> {
        let mut raw = Vec::with_capacity(FULL);
        for entry in entries {
            raw.push(u8::from(entry.record.is_some()) | u8::from(entry.change.is_some()) << 1);
            raw.extend(entry.record.iter().flat_map(|record| record.0));
            raw.extend(entry.change.iter().flat_map(|change| change.0));
            raw.put_bytes(entry.bytes);
        }
        let packed = self.packer.compress(&raw)?;
        let length = HEADER + entries.len() * 32 + packed.len();
        let mut frame = Vec::with_capacity(length);
        for number in [length, entries.len(), raw.len()] {
            frame.extend_from_slice(&(number as u32).to_le_bytes());
        }
        entries.iter().for_each(|entry| frame.extend_from_slice(&entry.id.0));
        frame.extend_from_slice(&packed);
        Ok(frame)
    }

    /// The bytes of several frames.
    pub(super) fn encode_all(&mut self, frames: &[&[Append<'_>]]) -> std::io::Result<Vec<Vec<u8>>> {
        frames.iter().map(|entries| self.encode(entries)).collect()
    }

    /// Unpacks the frame at `first`.
    pub(super) fn decode(&mut self, first: u64, bytes: &[u8]) -> Result<Frame, DecodeError> {
        let header = Header::decode(bytes)?;
        let ids = ids(bytes)?;
        let packed = bytes.get(HEADER + ids.len() * 32..header.length);
        let packed = packed.ok_or(DecodeError::Truncated { at: bytes.len() })?;
        let raw = self.unpacker.decompress(packed, header.raw);
        let raw = raw.map_err(|_| DecodeError::Invalid { what: "the packed part of a frame" })?;
        let mut reader = Reader::new(&raw);
        let entries = ids.into_iter().map(|id| Stored::decode(id, &mut reader)).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(Frame { first, entries, raw })
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec").finish_non_exhaustive()
    }
}

impl Header {
    /// The header at the start of `bytes`, which may be the first part of a frame only.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut number = |what, max: usize| {
            let found = u64::from(reader.u32()?);
            usize::try_from(found).ok().filter(|n| *n <= max).ok_or(DecodeError::TooLarge {
                what,
                found,
                max: max as u64,
            })
        };
        let max_raw = MAX_ENTRY.max(FULL) + MAX_ENTRIES * MAX_HEADER;
        Ok(Self {
            length: number("a frame", HEADER + MAX_ENTRIES * 32 + zstd::zstd_safe::compress_bound(max_raw))?,
            count: number("the entries of a frame", MAX_ENTRIES)?,
            raw: number("an unpacked frame", max_raw)?,
        })
    }
}

/// The ids in a frame, without unpacking it.
pub(super) fn ids(bytes: &[u8]) -> Result<Vec<EntryId>, DecodeError> {
    let header = Header::decode(bytes)?;
    let mut reader = Reader::new(bytes);
    reader.take(HEADER)?;
    (0..header.count).map(|_| reader.array().map(EntryId)).collect()
}

impl Frame {
    /// The ordinal after its last entry.
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The entry with this ordinal, when it is in this frame.
    pub(super) fn entry(&self, at: u64) -> Option<Append<'_>> {
        let index = usize::try_from(at.checked_sub(self.first)?).ok()?;
        self.entries.get(index).map(|stored| stored.with(&self.raw))
    }

    /// All entries with their ordinals.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, Append<'_>)> {
        (self.first..).zip(self.entries.iter().map(|stored| stored.with(&self.raw)))
    }
}

impl Stored {
    fn decode(id: EntryId, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let flags = reader.u8()?;
        if flags > 3 {
            return Err(DecodeError::Invalid { what: "the flags of an entry" });
        }
        let record = (flags & 1 != 0).then(|| reader.array().map(RecordId)).transpose()?;
        let change = (flags & 2 != 0).then(|| reader.array().map(ChangeHash)).transpose()?;
        let length = reader.bytes("an entry", MAX_ENTRY)?.len();
        let end = reader.position();
        Ok(Self { id, record, change, bytes: end - length..end })
    }

    fn with<'a>(&self, raw: &'a [u8]) -> Append<'a> {
        Append { id: self.id, bytes: &raw[self.bytes.clone()], record: self.record, change: self.change, own: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(bytes: &[Vec<u8>]) -> Vec<Append<'_>> {
        let entry = |(n, bytes): (usize, &'_ Vec<u8>)| -> (EntryId, Option<RecordId>, Option<ChangeHash>) {
            let id = EntryId(*blake3::hash(&[n as u8, bytes.len() as u8]).as_bytes());
            (id, (n % 2 == 0).then_some(RecordId(id.0)), (n % 3 == 0).then_some(ChangeHash(id.0)))
        };
        let names = bytes.iter().enumerate().map(entry);
        let with = names.zip(bytes);
        with.map(|((id, record, change), bytes)| Append { id, bytes, record, change, own: false }).collect()
    }

    #[test]
    fn a_frame_gives_back_its_entries_and_their_ids() {
        let bytes: Vec<Vec<u8>> = (0..90_usize).map(|n| vec![n as u8; n * 7]).collect();
        let entries = entries(&bytes);
        let mut codec = Codec::new().unwrap();
        let packed = codec.encode(&entries).unwrap();
        let frame = codec.decode(1000, &packed).unwrap();
        assert_eq!(frame.end(), 1090);
        for ((at, found), expected) in frame.entries().zip(&entries) {
            assert_eq!((found.id, found.bytes), (expected.id, expected.bytes));
            assert_eq!((found.record, found.change), (expected.record, expected.change));
            assert_eq!(frame.entry(at).map(|entry| entry.id), Some(found.id));
        }
        assert!(frame.entry(999).is_none() && frame.entry(1090).is_none());
        assert!(ids(&packed).unwrap().iter().eq(entries.iter().map(|entry| &entry.id)));
    }

    #[test]
    fn no_change_of_its_bytes_makes_it_panic_or_grow() {
        let bytes = [b"la cantine".to_vec(), b"la fabrique".to_vec()];
        let mut codec = Codec::new().unwrap();
        let packed = codec.encode(&entries(&bytes)).unwrap();
        for at in 0..packed.len() {
            let _ = codec.decode(0, &packed[..at]);
            for bit in 0..8 {
                let mut flipped = packed.clone();
                flipped[at] ^= 1 << bit;
                let _ = codec.decode(0, &flipped);
            }
        }
        assert!(codec.decode(0, &packed).is_ok(), "what a damaged frame left in it must not harm the next");
    }
}
