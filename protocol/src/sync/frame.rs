//! The frames of a session. On a stream each is preceded by its length, u32 little-endian, which is the network's to
//! read and write; here a frame is its type byte and its body.

use super::hello::Hello;
use crate::digest::Tag;
use crate::id::{CommonsId, Item};
use crate::store::Ordinal;
use crate::wire::{DecodeError, Reader, Write as _};

/// Bytes of entries in one frame, before compression. Smaller frames compress worse, larger ones lose more when a
/// connection is cut; one must hold the largest entry, a change of 192 KiB.
pub const MAX_RAW: usize = 256 * 1024;

/// Bytes of a whole frame: incompressible entries grow a little under zstd.
pub const MAX_FRAME: usize = MAX_RAW + 4 * 1024;

/// Items in one frame: 16 bytes each.
pub const MAX_ITEMS: usize = MAX_RAW / 16;

/// Bytes that the network puts before a frame.
pub const LENGTH: usize = 4;

/// One frame. The table in `docs/wire.md` is its byte map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Both sides, first.
    Hello(Hello),
    /// The sender's next coded symbols, as [`crate::sketch::encode`] writes them.
    Symbols(Vec<u8>),
    /// Send symbols up to this number.
    Ask(u64),
    /// Symbols and names are from now on made under this key, from full ids.
    Fresh([u8; 32]),
    /// Send the sorted items instead of symbols.
    AskItems,
    /// Items of the sender's whole set, ascending; more follow unless `last`.
    Items(List),
    /// Items that the sender lacks, ascending; more follow unless `last`.
    Want(List),
    /// The sender has nothing, or nothing after this position: send the log.
    Follow(Position),
    /// Entries, compressed.
    Entries {
        /// The place after the last of them in the sender's log.
        next: Ordinal,
        /// The next bytes of the sender's zstd stream.
        compressed: Vec<u8>,
    },
    /// What became of the next frames of entries.
    Ack {
        /// So many more frames were taken in.
        frames: u64,
        /// So many of their entries were not kept: the frames return their credit and confirm nothing.
        aside: u64,
    },
    /// No entries follow.
    End,
    /// The tag of what the sender now holds: what it had at its hello and what this session brought.
    Done(Tag),
}

/// Part of an ascending list of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Whether it is the last part.
    pub last: bool,
    /// The items, at most [`MAX_ITEMS`].
    pub items: Vec<Item>,
}

/// How far a peer's log was followed: statements are sent first, so two places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// All statements below are here.
    pub statements: Ordinal,
    /// All changes and adoptions below are here.
    pub content: Ordinal,
}

/// The commons that a hello is about, for whoever has to find the session that it belongs to; nothing when the bytes are
/// no hello.
#[must_use]
pub fn commons_of(bytes: &[u8]) -> Option<CommonsId> {
    let Ok(Frame::Hello(hello)) = Frame::decode(bytes) else { return None };
    Some(hello.commons)
}

impl Frame {
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind()];
        match self {
            Self::Hello(hello) => hello.write(&mut bytes),
            Self::Symbols(body) => bytes.extend_from_slice(body),
            Self::Ask(number) => bytes.put_uleb(*number),
            Self::Ack { frames, aside } => {
                bytes.put_uleb(*frames);
                if *aside > 0 {
                    bytes.put_uleb(*aside);
                }
            }
            Self::Fresh(random) => bytes.extend_from_slice(random),
            Self::AskItems | Self::End => {}
            Self::Items(list) | Self::Want(list) => list.write(&mut bytes),
            Self::Follow(position) => {
                bytes.put_uleb(position.statements.0);
                bytes.put_uleb(position.content.0);
            }
            Self::Entries { next, compressed } => {
                bytes.put_uleb(next.0);
                bytes.extend_from_slice(compressed);
            }
            Self::Done(tag) => bytes.extend_from_slice(&tag.0),
        }
        bytes
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`]; [`DecodeError::Unknown`] for a newer version of the protocol or type of frame.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_FRAME {
            return Err(DecodeError::TooLarge { what: "a frame", found: bytes.len() as u64, max: MAX_FRAME as u64 });
        }
        let mut reader = Reader::new(bytes);
        let frame = match reader.u8()? {
            1 => Self::Hello(Hello::read(&mut reader)?),
            2 => Self::Symbols(reader.rest().to_vec()),
            3 => Self::Ask(reader.uleb()?),
            4 => Self::Fresh(reader.array()?),
            5 => Self::AskItems,
            6 => Self::Items(List::read(&mut reader)?),
            7 => Self::Want(List::read(&mut reader)?),
            8 => Self::Follow(Position { statements: Ordinal(reader.uleb()?), content: Ordinal(reader.uleb()?) }),
            9 => Self::Entries { next: Ordinal(reader.uleb()?), compressed: reader.rest().to_vec() },
            10 => Self::Ack { frames: reader.uleb()?, aside: read_aside(&mut reader)? },
            11 => Self::End,
            12 => Self::Done(Tag(reader.array()?)),
            kind => return Err(DecodeError::Unknown { what: "type of frame", found: kind.into() }),
        };
        reader.end()?;
        Ok(frame)
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 1,
            Self::Symbols(_) => 2,
            Self::Ask(_) => 3,
            Self::Fresh(_) => 4,
            Self::AskItems => 5,
            Self::Items(_) => 6,
            Self::Want(_) => 7,
            Self::Follow(_) => 8,
            Self::Entries { .. } => 9,
            Self::Ack { .. } => 10,
            Self::End => 11,
            Self::Done(_) => 12,
        }
    }
}

/// A number that is left out when it is zero.
fn read_aside(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    if reader.is_empty() {
        return Ok(0);
    }
    match reader.uleb()? {
        0 => Err(DecodeError::NotCanonical { what: "how many entries were not kept" }),
        aside => Ok(aside),
    }
}

impl List {
    /// Cuts an ascending list into parts for frames; an empty list is one empty part.
    pub fn parts(items: &[Item]) -> impl Iterator<Item = Self> {
        let parts = items.len().div_ceil(MAX_ITEMS).max(1);
        (0..parts).map(move |part| {
            let end = items.len().min((part + 1) * MAX_ITEMS);
            Self { last: part + 1 == parts, items: items[part * MAX_ITEMS..end].to_vec() }
        })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self.last));
        self.items.iter().for_each(|item| bytes.extend_from_slice(&item.0));
    }

    /// A part that is neither the last nor holds anything would let a list go on for ever.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let last = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Invalid { what: "the end of a list" }),
        };
        let mut items = Vec::with_capacity(reader.remaining() / 16);
        while !reader.is_empty() {
            items.push(Item(reader.array()?));
        }
        if !items.is_sorted_by(|a, b| a < b) {
            return Err(DecodeError::NotCanonical { what: "a list of items" });
        }
        if items.is_empty() && !last {
            return Err(DecodeError::Invalid { what: "an empty part of a list" });
        }
        Ok(Self { last, items })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Digest;
    use crate::id::{CommonsId, EntryId, Epoch, NetworkKey};
    use crate::sketch;
    use crate::sync::Intake;
    use crate::sync::{Memory, Replica as _};

    const WIRE: &str = include_str!("../../../tests/fixtures/wire/v1/sync.txt");
    const COMMONS: CommonsId = CommonsId([0xc0; 32]);
    const ENTRIES: [&[u8]; 3] = [b"\x01une annonce", b"\x02une modification", b"\x02une autre"];

    /// The bytes of each line of the fixture, by name.
    fn golden() -> Vec<(&'static str, Vec<u8>)> {
        let lines = WIRE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let bytes = |hex: &str| data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(name, hex)| (name, bytes(hex))).collect()
    }

    fn frames() -> Vec<(&'static str, Frame)> {
        let mut alice = Memory::new(&COMMONS, Epoch([0xe0; 16]));
        for entry in ENTRIES {
            alice.put(entry.to_vec());
        }
        let (set, me) = (alice.set(), NetworkKey([0xa1; 32]));
        let hello = Hello {
            capabilities: 0,
            commons: COMMONS,
            count: set.count(),
            all: set.digest().tag(&me, &COMMONS),
            statements: set.statements().tag(&me, &COMMONS),
            epoch: alice.epoch(),
            declined: 0,
            declined_tag: Digest::new().tag(&me, &COMMONS),
        };
        let mut symbols = Vec::new();
        sketch::encode(&set.sketch().prefix()[..4], 0, set.count(), &mut symbols);
        let items: Vec<_> = [1, 2].map(|n| Item([n; 16])).to_vec();
        let fresh = sketch::Key::fresh(&[0xf0; 32]);
        let name = fresh.name(&EntryId([5; 32]));
        vec![
            ("hello", Frame::Hello(hello)),
            ("symbols 0 to 3 of its set", Frame::Symbols(symbols)),
            ("ask", Frame::Ask(118)),
            ("fresh", Frame::Fresh([0xf0; 32])),
            ("want 05… under the fresh key", Frame::Want(List { last: true, items: vec![name] })),
            ("ask for items", Frame::AskItems),
            ("items", Frame::Items(List { last: false, items: items.clone() })),
            ("want", Frame::Want(List { last: true, items })),
            ("follow", Frame::Follow(Position { statements: Ordinal(3), content: Ordinal(300) })),
            ("ack", Frame::Ack { frames: 1, aside: 0 }),
            ("ack of a frame of which 300 entries were not kept", Frame::Ack { frames: 1, aside: 300 }),
            ("end", Frame::End),
            ("done", Frame::Done(hello.all)),
        ]
    }

    #[test]
    fn frames_are_the_bytes_they_always_were() {
        let mut golden = golden();
        golden.retain(|(name, _)| *name != "entries");
        let ours: Vec<_> = frames().into_iter().map(|(name, frame)| (name, frame.encode())).collect();
        assert_eq!(ours, golden);
        for ((_, frame), (_, bytes)) in frames().into_iter().zip(golden) {
            assert_eq!(Frame::decode(&bytes), Ok(frame));
        }
    }

    #[test]
    fn entries_that_an_older_zstd_compressed_are_read() {
        let golden = golden();
        let (_, bytes) = golden.iter().find(|(name, _)| *name == "entries").unwrap();
        let Ok(Frame::Entries { next, compressed }) = Frame::decode(bytes) else { panic!("not a frame of entries") };
        assert_eq!(next, Ordinal(3));
        assert_eq!(Intake::new(COMMONS).entries(&compressed), Ok(ENTRIES.map(<[u8]>::to_vec).to_vec()));
    }

    #[test]
    fn a_frame_that_is_cut_is_refused_or_is_a_shorter_frame() {
        for (name, bytes) in golden() {
            for length in 0..bytes.len() {
                let cut = &bytes[..length];
                assert!(name == "hello" || commons_of(cut).is_none());
                match Frame::decode(cut) {
                    Ok(frame) => {
                        assert!(ends_where_it_likes(&frame), "{name}, {length} bytes: {frame:?}");
                        assert_eq!(frame.encode(), cut, "{name}, {length} bytes");
                    }
                    Err(DecodeError::Truncated { .. } | DecodeError::Invalid { .. }) => {}
                    Err(error) => panic!("{name}, {length} bytes: {error}"),
                }
            }
        }
    }

    /// Whether a frame that lost its end may be one all the same: what it lacks shows later.
    fn ends_where_it_likes(frame: &Frame) -> bool {
        matches!(
            frame,
            Frame::Symbols(_) | Frame::Items(_) | Frame::Want(_) | Frame::Entries { .. } | Frame::Ack { .. }
        )
    }

    #[test]
    fn entries_whose_bytes_are_cut_bring_none_that_was_not_sent() {
        let golden = golden();
        let (_, bytes) = golden.iter().find(|(name, _)| *name == "entries").unwrap();
        let Ok(Frame::Entries { compressed, .. }) = Frame::decode(bytes) else { panic!("not a frame of entries") };
        for length in 0..compressed.len() {
            if let Ok(entries) = Intake::new(COMMONS).entries(&compressed[..length]) {
                assert!(
                    !entries.is_empty() && ENTRIES.starts_with(&entries.iter().map(Vec::as_slice).collect::<Vec<_>>())
                );
            }
        }
    }

    proptest! {
        /// Whatever comes: an error, or a frame that has no other spelling.
        #[test]
        fn bytes_at_random_are_refused_or_are_the_only_spelling_of_a_frame(
            kind in 0..16u8,
            body in prop::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..200),
        ) {
            let bytes = [vec![kind], body].concat();
            if let Ok(frame) = Frame::decode(&bytes) {
                prop_assert_eq!(frame.encode(), bytes);
            }
        }

        /// The same for frames of which a few bytes were changed, and what is compressed in them.
        #[test]
        fn frames_with_bytes_changed_are_refused_or_are_frames(
            which in any::<prop::sample::Index>(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let golden = golden();
            let mut bytes = which.get(&golden).1.clone();
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(frame) = Frame::decode(&bytes) {
                prop_assert_eq!(frame.encode(), bytes);
                if let Frame::Entries { compressed, .. } = frame {
                    // Whether these are entries is for who verifies them to say.
                    let _ = Intake::new(COMMONS).entries(&compressed);
                }
            }
        }
    }

    #[test]
    fn a_list_is_cut_into_parts_that_ascend_and_end() {
        let items: Vec<_> = (0..40_000u128).map(|n| Item(n.to_be_bytes())).collect();
        let parts: Vec<_> = List::parts(&items).collect();
        assert_eq!(parts.iter().map(|part| part.last).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(parts.iter().flat_map(|part| part.items.clone()).collect::<Vec<_>>(), items);
        assert!(parts.iter().all(|part| Frame::Want(part.clone()).encode().len() <= MAX_FRAME));
        assert_eq!(List::parts(&[]).collect::<Vec<_>>(), [List { last: true, items: vec![] }]);
    }
}
