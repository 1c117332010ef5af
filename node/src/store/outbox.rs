//! The outbox: a second copy of what this device made and no other ally is known to hold.
//!
//! A file beside the database, so that damage to that never loses what exists nowhere else. It is appended and synced
//! before an entry of ours is acknowledged; confirmations are appended too, and when little of it is still wanted it is
//! written anew under another name and renamed.
//!
//! A frame is its length, 16 bytes of BLAKE3 over the rest, and that. Reading passes over bytes that are no frame to the
//! next that is one; where none follows, they are the write that a crash cut.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use essaim_protocol::id::{ChangeHash, EntryId, RecordId};
use essaim_protocol::store::{Append, Error, MAX_ENTRY};
use essaim_protocol::wire::{DecodeError, Reader, Write};

use super::engine::{CHECK, checksum, io, sync_dir};

/// Length and check in front of each frame.
const HEADER: usize = 4 + CHECK;

/// Ids in one confirmation, so that a frame is bounded by the largest entry.
const MAX_CONFIRMED: usize = 4096;

/// Longest frame, without its header.
const MAX_FRAME: usize = MAX_ENTRY + 128;

/// Below this many bytes the file is not written anew for what is no longer wanted in it.
const SLACK: u64 = 1 << 20;

/// The outbox of one store.
#[derive(Debug)]
pub(super) struct Outbox {
    path: PathBuf,
    file: File,
    /// In the order written: number of the frame, id, bytes.
    kept: BTreeMap<u64, (EntryId, u64)>,
    /// Bytes of all these frames.
    wanted: u64,
    numbers: BTreeMap<EntryId, u64>,
    next: u64,
    length: u64,
}

/// What was found wrong in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Damage {
    /// Stretches that are no frame, before one that is or as long as one.
    pub(super) frames: u64,
    /// Bytes of an unfinished frame at the end, which a crash leaves and which was never acknowledged.
    pub(super) torn: u64,
}

/// An own entry, read back.
#[derive(Debug, Clone)]
pub(super) struct Owned {
    id: EntryId,
    record: Option<RecordId>,
    change: Option<ChangeHash>,
    bytes: Vec<u8>,
}

enum Frame {
    Entry(Owned),
    Confirmed(Vec<EntryId>),
}

impl Outbox {
    /// Opens or creates the outbox in `dir`, with what is wrong in it. A damaged file is copied to `quarantine` before
    /// it is mended.
    pub(super) fn open(dir: &Path, quarantine: &Path) -> Result<(Self, Vec<Owned>, Damage), Error> {
        fs::create_dir_all(dir).map_err(io("creating the outbox"))?;
        let path = dir.join("entries");
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(&path).map_err(io("opening the outbox"))?;
        sync_dir(dir)?;
        let (owned, damage) = read(&mut file)?;
        if damage.frames > 0 {
            fs::create_dir_all(quarantine).map_err(io("keeping the damaged outbox"))?;
            fs::copy(&path, quarantine.join("outbox")).map_err(io("keeping the damaged outbox"))?;
        }
        let length = file.metadata().map_err(io("measuring the outbox"))?.len();
        let mut outbox =
            Self { path, file, kept: BTreeMap::new(), wanted: 0, numbers: BTreeMap::new(), next: 0, length };
        outbox.note(owned.iter().map(|entry| (entry.id, frame_of(&entry.append()).len() as u64)));
        if damage != Damage::default() {
            outbox.rewrite(&owned)?;
        }
        Ok((outbox, owned, damage))
    }

    /// Ids of the entries that wait to be confirmed, in the order written.
    pub(super) fn ids(&self) -> Vec<EntryId> {
        self.kept.values().map(|(id, _)| *id).collect()
    }

    /// How many these are.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Keeps these entries, durably when it returns.
    pub(super) fn keep<'a>(&mut self, entries: impl Iterator<Item = Append<'a>>) -> Result<(), Error> {
        let (mut bytes, mut new) = (Vec::new(), Vec::new());
        for entry in entries.filter(|entry| !self.numbers.contains_key(&entry.id)) {
            let frame = frame_of(&entry);
            new.push((entry.id, frame.len() as u64));
            bytes.extend_from_slice(&frame);
        }
        if !new.is_empty() {
            self.append(&bytes)?;
            self.file.sync_data().map_err(io("making the outbox durable"))?;
            self.note(new.into_iter());
        }
        Ok(())
    }

    /// These entries are held elsewhere. If a crash forgets it, they are confirmed once more.
    pub(super) fn confirm(&mut self, ids: &[EntryId]) -> Result<(), Error> {
        let known: BTreeSet<EntryId> = ids.iter().filter(|id| self.numbers.contains_key(id)).copied().collect();
        let known: Vec<EntryId> = known.into_iter().collect();
        let mut bytes = Vec::new();
        for ids in known.chunks(MAX_CONFIRMED) {
            put_frame(&mut bytes, &encode_confirmed(ids));
        }
        self.append(&bytes)?;
        for id in &known {
            let kept = self.numbers.remove(id).and_then(|number| self.kept.remove(&number));
            self.wanted -= kept.map_or(0, |(_, bytes)| bytes);
        }
        if !known.is_empty() && (self.kept.is_empty() || self.length > SLACK.max(4 * self.wanted)) {
            let (owned, _) = read(&mut self.file)?;
            self.rewrite(&owned)?;
        }
        Ok(())
    }

    /// Frames whose check does not fit, as the file is now.
    pub(super) fn verify(&mut self) -> Result<Damage, Error> {
        read(&mut self.file).map(|(_, damage)| damage)
    }

    fn note(&mut self, entries: impl Iterator<Item = (EntryId, u64)>) {
        for (id, bytes) in entries {
            self.kept.insert(self.next, (id, bytes));
            self.wanted += bytes;
            self.numbers.insert(id, self.next);
            self.next += 1;
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(io("writing the outbox"))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Writes a new file with just these entries and puts it in the place of the old.
    fn rewrite(&mut self, owned: &[Owned]) -> Result<(), Error> {
        let bytes: Vec<u8> = owned.iter().flat_map(|entry| frame_of(&entry.append())).collect();
        let new = self.path.with_extension("new");
        let mut file = File::create(&new).map_err(io("rewriting the outbox"))?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(io("rewriting the outbox"))?;
        fs::rename(&new, &self.path).map_err(io("rewriting the outbox"))?;
        self.path.parent().map_or(Ok(()), sync_dir)?;
        let mut options = OpenOptions::new();
        self.file = options.read(true).append(true).open(&self.path).map_err(io("opening the outbox"))?;
        self.length = bytes.len() as u64;
        Ok(())
    }
}

impl Owned {
    /// The entry as an argument of an append.
    pub(super) fn append(&self) -> Append<'_> {
        Append { id: self.id, bytes: &self.bytes, record: self.record, change: self.change, own: true }
    }
}

/// The entries of the file that are not confirmed, in order.
fn read(file: &mut File) -> Result<(Vec<Owned>, Damage), Error> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map_err(io("reading the outbox"))?;
    let (mut owned, mut numbers): (BTreeMap<u64, Owned>, BTreeMap<EntryId, u64>) = Default::default();
    let mut damage = Damage::default();
    let mut rest = &bytes[..];
    let mut number = 0;
    while !rest.is_empty() {
        let Some((frame, after)) = valid(rest) else {
            match (1..rest.len()).find(|at| valid(&rest[*at..]).is_some()) {
                Some(next) => rest = &rest[next..],
                None if split(rest).is_some_and(|(_, _, after)| after.is_empty()) => rest = &[],
                None => {
                    damage.torn = rest.len() as u64;
                    break;
                }
            }
            damage.frames += 1;
            continue;
        };
        rest = after;
        number += 1;
        match frame {
            Frame::Entry(entry) => {
                numbers.insert(entry.id, number);
                owned.insert(number, entry);
            }
            Frame::Confirmed(ids) => {
                for id in ids {
                    numbers.remove(&id).and_then(|number| owned.remove(&number));
                }
            }
        }
    }
    Ok((owned.into_values().collect(), damage))
}

/// The frame at the start of `bytes` and what follows it.
fn valid(bytes: &[u8]) -> Option<(Frame, &[u8])> {
    let (check, payload, rest) = split(bytes)?;
    let fits = check == checksum(payload);
    fits.then(|| decode(payload).ok()).flatten().map(|frame| (frame, rest))
}

/// Check, payload and what follows the first frame, when it ends within `bytes`.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= MAX_FRAME)?;
    let (check, rest) = rest.split_at_checked(HEADER - 4)?;
    let (payload, rest) = rest.split_at_checked(length)?;
    Some((check, payload, rest))
}

fn put_frame(bytes: &mut Vec<u8>, payload: &[u8]) {
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&checksum(payload));
    bytes.extend_from_slice(payload);
}

fn frame_of(entry: &Append<'_>) -> Vec<u8> {
    let mut frame = Vec::new();
    put_frame(&mut frame, &encode_entry(entry));
    frame
}

fn encode_entry(entry: &Append<'_>) -> Vec<u8> {
    let mut payload = vec![1];
    payload.extend_from_slice(&entry.id.0);
    payload.push(u8::from(entry.record.is_some()) | u8::from(entry.change.is_some()) << 1);
    payload.extend(entry.record.iter().flat_map(|record| record.0));
    payload.extend(entry.change.iter().flat_map(|change| change.0));
    payload.put_bytes(entry.bytes);
    payload
}

fn encode_confirmed(ids: &[EntryId]) -> Vec<u8> {
    let mut payload = vec![2];
    payload.put_uleb(ids.len() as u64);
    ids.iter().for_each(|id| payload.extend_from_slice(&id.0));
    payload
}

fn decode(payload: &[u8]) -> Result<Frame, DecodeError> {
    let mut reader = Reader::new(payload);
    let frame = match reader.u8()? {
        1 => {
            let id = EntryId(reader.array()?);
            let flags = reader.u8()?;
            let record = (flags & 1 != 0).then(|| reader.array().map(RecordId)).transpose()?;
            let change = (flags & 2 != 0).then(|| reader.array().map(ChangeHash)).transpose()?;
            Frame::Entry(Owned { id, record, change, bytes: reader.bytes("an entry", MAX_ENTRY)?.to_vec() })
        }
        2 => {
            let count = reader.count("confirmed entries", MAX_CONFIRMED)?;
            Frame::Confirmed((0..count).map(|_| reader.array().map(EntryId)).collect::<Result<_, _>>()?)
        }
        kind => return Err(DecodeError::Unknown { what: "kind of frame", found: u64::from(kind) }),
    };
    reader.end()?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u8, bytes: &[u8]) -> Append<'_> {
        let id = EntryId([n; 32]);
        Append { id, bytes, record: Some(RecordId(id.0)), change: None, own: true }
    }

    fn reopened(dir: &Path) -> (Vec<EntryId>, Damage) {
        let (outbox, owned, damage) = Outbox::open(&dir.join("outbox"), &dir.join("quarantine")).unwrap();
        assert!(owned.iter().map(|entry| &entry.id).eq(&outbox.ids()));
        (outbox.ids(), damage)
    }

    #[test]
    fn a_cut_at_any_byte_keeps_every_frame_before_it() {
        let home = tempfile::tempdir().unwrap();
        let (mut outbox, ..) = Outbox::open(&home.path().join("outbox"), &home.path().join("quarantine")).unwrap();
        let mut ends = vec![0];
        for n in 0..4 {
            outbox.keep([entry(n, b"la cantine")].into_iter()).unwrap();
            ends.push(outbox.length);
        }
        let whole = fs::read(&outbox.path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&outbox.path, &whole[..cut]).unwrap();
            let kept = ends[1..].iter().filter(|end| **end <= cut as u64).count();
            let (ids, damage) = reopened(home.path());
            assert_eq!(ids.len(), kept, "cut at {cut}");
            assert_eq!(damage, Damage { frames: 0, torn: cut as u64 - ends[kept] });
            assert_eq!(reopened(home.path()).1, Damage::default(), "mended once");
        }
    }

    #[test]
    fn a_flipped_bit_costs_one_entry_and_is_told() {
        let home = tempfile::tempdir().unwrap();
        let (mut outbox, ..) = Outbox::open(&home.path().join("outbox"), &home.path().join("quarantine")).unwrap();
        outbox.keep((0..3).map(|n| entry(n, b"la fabrique"))).unwrap();
        let mut bytes = fs::read(&outbox.path).unwrap();
        let second = bytes.len() / 3..bytes.len() / 3 * 2;
        for at in second {
            bytes[at] ^= 4;
            fs::write(&outbox.path, &bytes).unwrap();
            let (ids, damage) = reopened(home.path());
            assert_eq!(ids, [EntryId([0; 32]), EntryId([2; 32])]);
            assert_eq!(damage, Damage { frames: 1, torn: 0 });
            assert_eq!(fs::read(home.path().join("quarantine/outbox")).unwrap(), bytes, "the evidence is kept");
            bytes[at] ^= 4;
        }
    }

    #[test]
    fn large_entries_that_are_confirmed_one_by_one_are_not_written_again_each_time() {
        let home = tempfile::tempdir().unwrap();
        let (mut outbox, ..) = Outbox::open(&home.path().join("outbox"), &home.path().join("quarantine")).unwrap();
        let text = vec![7; 200_000];
        outbox.keep((0..30).map(|n| entry(n, &text))).unwrap();
        let mut written_anew = 0;
        for n in 0..30 {
            let before = outbox.length;
            outbox.confirm(&[EntryId([n; 32])]).unwrap();
            written_anew += u32::from(outbox.length < before);
        }
        assert!(written_anew <= 3, "{written_anew} times");
        assert_eq!((outbox.length, outbox.wanted), (0, 0));
    }

    #[test]
    fn what_is_confirmed_frees_its_place() {
        let home = tempfile::tempdir().unwrap();
        let (mut outbox, ..) = Outbox::open(&home.path().join("outbox"), &home.path().join("quarantine")).unwrap();
        let text = vec![7; 100_000];
        outbox.keep((0..30).map(|n| entry(n, &text))).unwrap();
        outbox.confirm(&(0..29).map(|n| EntryId([n; 32])).collect::<Vec<_>>()).unwrap();
        assert!(outbox.length < 110_000, "{} bytes for one entry", outbox.length);
        assert_eq!(reopened(home.path()).0, [EntryId([29; 32])]);
    }
}
