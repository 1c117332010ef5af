//! The lean form of a change: what a receiver cannot work out by itself, for the wire.
//!
//! A change is full of what follows from the rest of it: its actor, its checksum, the name that a first change gives its
//! record, the header of its chunk. And of a typed text it says for each character how many bytes it has, which the text
//! says as well: at every accent the run breaks off. All that is a fifth of a packed record. The sender leaves it out
//! ([`pack`]), the receiver puts it back ([`Entry::receive`](crate::entry::Entry::receive)), and what comes out is judged
//! like any entry: its hashes and its signature cover every byte, so that a wrong lean form is a wrong entry and nothing
//! worse. Stores keep whole changes only.
//!
//! The byte map is in `docs/wire.md`, section *Sync frames*.

use std::borrow::Cow;

use super::{Change, actor, body_of, first_record};
use crate::entry::{CHANGE, LEAN};
use crate::gate;
use crate::id::{ChangeHash, CommonsId};
use crate::sign::Signature;
use crate::wire::{DecodeError, Reader, Write as _};

/// Where a chunk's type stands; its length and its data follow.
const TYPE_AT: usize = 8;
/// An actor's length and its bytes.
const ACTOR: usize = 17;
const RECORD: usize = 32;

const VALUE_META: u64 = 0x56;
const VALUE: u64 = 0x57;

/// The type of a string, in the low bits of a value's meta.
const STRING: u64 = 6;
/// The meta of a string of one character, whose length its first byte tells. automerge has no such type of value, and the
/// census refuses it, so that no change says it by itself.
const CHARACTER: u64 = 10;

/// An entry as it is sent: a change that passed the census in its lean form, when that is shorter, everything else as it
/// is.
#[must_use]
pub fn pack(entry: &[u8]) -> Cow<'_, [u8]> {
    let lean = match entry.split_first() {
        Some((&CHANGE, change)) => pack_change(change).ok().filter(|lean| lean.len() < entry.len()),
        Some(_) | None => None,
    };
    lean.map_or(Cow::Borrowed(entry), Cow::Owned)
}

/// A change put together from its lean form. Actor, checksum and the name of a first change's record were made from its
/// bytes here, so that they hold; all else is still to be judged.
pub(super) struct Whole {
    /// record ‖ chunk.
    pub(super) bytes: Vec<u8>,
    pub(super) hash: ChangeHash,
    /// What was signed.
    pub(super) body: [u8; 32],
}

fn pack_change(change: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let (record, chunk) = change.split_first_chunk::<RECORD>().ok_or(DecodeError::Truncated { at: 0 })?;
    let mut reader = Reader::new(chunk);
    reader.take(TYPE_AT + 1)?;
    reader.uleb()?;
    let parts = Parts::read(reader.rest(), |_| ACTOR)?;
    let metas = respell(parts.column(VALUE_META), parts.column(VALUE), leave_out)?;
    let mut lean = Vec::with_capacity(1 + change.len());
    lean.push(LEAN);
    parts.write(if parts.is_first() { &[] } else { record }, &metas, &mut lean);
    Ok(lean)
}

/// The whole of what follows the tag of a lean change. It has at most four times the bytes: a byte of a value is given one
/// byte of meta at most.
///
/// # Errors
/// [`DecodeError`] when it is no change's.
pub(super) fn unpack(lean: &[u8], commons: &CommonsId) -> Result<Whole, DecodeError> {
    let parts = Parts::read(lean, |first| if first { 0 } else { RECORD })?;
    let metas = respell(parts.column(VALUE_META), parts.column(VALUE), put_back)?;
    let mut data = Vec::with_capacity(lean.len() + metas.len() + ACTOR);
    let mut nobody = [0; ACTOR];
    nobody[0] = 16;
    parts.write(&nobody, &metas, &mut data);

    let mut bytes = vec![0; RECORD];
    bytes.extend_from_slice(&gate::with_header(&data));
    if bytes.len() > Change::MAX {
        return Err(DecodeError::TooLarge { what: "a change", found: bytes.len() as u64, max: Change::MAX as u64 });
    }
    let Some(signature) = parts.footer.last_chunk().copied().map(Signature) else {
        return Err(DecodeError::Invalid { what: "the footer of a change" });
    };
    let actor_at = bytes.len() - data.len() + parts.dependencies.len() + 1;
    let body = body_of(&bytes[RECORD + TYPE_AT..], actor_at - RECORD - TYPE_AT, Signature::LEN);
    bytes[actor_at..actor_at + 16].copy_from_slice(&actor(&body, &signature).0);
    let hash = gate::renew_checksum(&mut bytes[RECORD..]);
    let name = if parts.is_first() { &first_record(commons, &body).0[..] } else { parts.name };
    bytes[..RECORD].copy_from_slice(name);
    Ok(Whole { bytes, hash, body })
}

/// The data of a chunk, in the parts that one form has and the other has not.
struct Parts<'a> {
    /// Their count and the dependencies.
    dependencies: &'a [u8],
    /// The actor in a whole change, the record in a lean one that has dependencies.
    name: &'a [u8],
    /// From the sequence number to the table of other actors.
    numbers: &'a [u8],
    columns: Vec<(u64, &'a [u8])>,
    footer: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Reads the parts; how long the name is depends on whether the change is a record's first.
    fn read(data: &'a [u8], name: impl FnOnce(bool) -> usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data);
        let count = reader.count("the dependencies of a change", gate::DEPENDENCIES_MAX)?;
        reader.take(count * 32)?;
        let dependencies = &data[..reader.position()];
        let name = reader.take(name(count == 0))?;
        let numbers_at = reader.position();
        let (_sequence, _start_op, _time) = (reader.uleb()?, reader.uleb()?, reader.sleb()?);
        reader.bytes("the message of a change", gate::STRING_MAX)?;
        let others = reader.count("the actors of a change", gate::CHUNK_MAX / ACTOR)?;
        reader.take(others * ACTOR)?;
        let numbers = &data[numbers_at..reader.position()];
        let count = reader.count("the columns of a change", gate::COLUMNS)?;
        let mut table = Vec::with_capacity(count);
        for _ in 0..count {
            table.push((reader.uleb()?, reader.count("a column of a change", gate::CHUNK_MAX)?));
        }
        // Else the metas of the values could come several times, and each be spelled out.
        if !table.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(DecodeError::NotCanonical { what: "the columns of a change" });
        }
        let columns = table.into_iter().map(|(column, length)| Ok((column, reader.take(length)?)));
        let columns = columns.collect::<Result<_, DecodeError>>()?;
        Ok(Self { dependencies, name, numbers, columns, footer: reader.rest() })
    }

    fn is_first(&self) -> bool {
        self.dependencies == [0]
    }

    fn column(&self, wanted: u64) -> &'a [u8] {
        self.columns.iter().find(|(column, _)| *column == wanted).map_or(&[], |(_, bytes)| bytes)
    }

    /// Writes the parts with another name and other metas of values.
    fn write(&self, name: &[u8], metas: &[u8], to: &mut Vec<u8>) {
        let columns =
            || self.columns.iter().map(|(column, bytes)| (*column, if *column == VALUE_META { metas } else { bytes }));
        to.extend_from_slice(self.dependencies);
        to.extend_from_slice(name);
        to.extend_from_slice(self.numbers);
        to.put_uleb(self.columns.len() as u64);
        for (column, bytes) in columns() {
            to.put_uleb(column);
            to.put_uleb(bytes.len() as u64);
        }
        columns().for_each(|(_, bytes)| to.extend_from_slice(bytes));
        to.extend_from_slice(self.footer);
    }
}

/// Spells the metas of values in another way, which `turn` says for a run of them and the bytes of the values from there
/// on.
fn respell(metas: &[u8], values: &[u8], turn: Turn) -> Result<Vec<u8>, DecodeError> {
    let mut values = Reader::new(values);
    let mut spelled = Spelling::default();
    for run in gate::runs(metas) {
        let (meta, count) = run?;
        turn(meta, count, &mut values, &mut spelled)?;
    }
    Ok(spelled.finish())
}

type Turn = fn(u64, u64, &mut Reader<'_>, &mut Spelling) -> Result<(), DecodeError>;

fn leave_out(meta: u64, count: u64, values: &mut Reader<'_>, spelled: &mut Spelling) -> Result<(), DecodeError> {
    if meta & 15 != STRING || !(2..=4).contains(&(meta >> 4)) {
        pass(meta, count, values)?;
        // A string of one byte is a character.
        spelled.put(if meta == 1 << 4 | STRING { CHARACTER } else { meta }, count);
        return Ok(());
    }
    for _ in 0..count {
        let bytes = values.take((meta >> 4) as usize)?;
        spelled.put(if length_of_character(bytes[0]) == meta >> 4 { CHARACTER } else { meta }, 1);
    }
    Ok(())
}

fn put_back(meta: u64, mut count: u64, values: &mut Reader<'_>, spelled: &mut Spelling) -> Result<(), DecodeError> {
    if meta != CHARACTER {
        pass(meta, count, values)?;
        spelled.put(meta, count);
        return Ok(());
    }
    // Every round takes a byte at least, so that a claimed count makes no more of them than there are bytes.
    while count > 0 {
        let rest = values.clone().rest();
        let ascii = ascii_at_start(rest).min(usize::try_from(count).unwrap_or(usize::MAX));
        let (taken, length) = match rest.first() {
            _ if ascii > 0 => (ascii, 1),
            Some(first) => (1, length_of_character(*first)),
            None => return Err(DecodeError::Truncated { at: values.position() }),
        };
        values.take(taken * length as usize)?;
        spelled.put(length << 4 | STRING, taken as u64);
        count -= taken as u64;
    }
    Ok(())
}

fn pass(meta: u64, count: u64, values: &mut Reader<'_>) -> Result<(), DecodeError> {
    let bytes = (meta >> 4).checked_mul(count).and_then(|bytes| usize::try_from(bytes).ok());
    values.take(bytes.ok_or(DecodeError::Invalid { what: "the value of an operation" })?).map(|_| ())
}

/// How many bytes at the start are ASCII, looked at eight by eight.
fn ascii_at_start(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let whole = 8 * words.iter().take_while(|word| word.is_ascii()).count();
    whole + bytes[whole..].iter().take_while(|byte| byte.is_ascii()).count()
}

/// Bytes of the character that begins with this one in UTF-8. Bytes that begin none count as one.
const fn length_of_character(first: u8) -> u64 {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// A run-length column being written in its one spelling: runs as long as they can be.
#[derive(Default)]
struct Spelling {
    bytes: Vec<u8>,
    /// Values before the last that stand once.
    singles: Vec<u64>,
    /// The last value and how often it stands.
    last: Option<(u64, u64)>,
}

impl Spelling {
    fn put(&mut self, value: u64, count: u64) {
        if let Some((last, so_far)) = &mut self.last
            && *last == value
        {
            *so_far = so_far.saturating_add(count);
            return;
        }
        self.end_run();
        self.last = Some((value, count));
    }

    fn end_run(&mut self) {
        match self.last.take() {
            Some((value, 1)) => self.singles.push(value),
            Some((value, count)) => {
                self.end_singles();
                self.bytes.put_sleb(i64::try_from(count).unwrap_or(i64::MAX));
                self.bytes.put_uleb(value);
            }
            None => {}
        }
    }

    fn end_singles(&mut self) {
        if !self.singles.is_empty() {
            self.bytes.put_sleb(-(self.singles.len() as i64));
            self.singles.drain(..).for_each(|value| self.bytes.put_uleb(value));
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.end_run();
        self.end_singles();
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;
    use crate::entry::Entry;
    use crate::gate::forge::{COMMONS, FRONTIER, keys};
    use crate::gate::{census, history};
    use crate::id::RecordId;

    const WHOLE: &str = include_str!("../../../../tests/fixtures/wire/v1/entries.txt");
    const LEANER: &str = include_str!("../../../../tests/fixtures/wire/v1/lean.txt");
    const TEXT: &str = "L’été à Gruissan : « déjà »\n🐝 aaaaaa";

    fn sealed(draft: &[u8]) -> Vec<u8> {
        let first = census(draft).unwrap().dependencies().is_empty();
        let record = (!first).then_some(RecordId([6; 32]));
        let change = Change::seal(draft, &keys("alice"), COMMONS, FRONTIER, record).unwrap();
        [&[CHANGE], change.bytes()].concat()
    }

    fn received(sent: &[u8], commons: &CommonsId) -> Vec<u8> {
        Entry::receive(sent, commons).unwrap().trust().encode()
    }

    fn hex_after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = Vec<u8>> + 'a {
        let lines = text.lines().filter_map(move |line| line.strip_prefix(mark));
        lines.map(|hex| HEXLOWER.decode(hex.trim().as_bytes()).unwrap())
    }

    #[test]
    fn lean_changes_are_the_bytes_they_always_were() {
        let packed: Vec<_> = hex_after(WHOLE, "bytes").map(|entry| pack(&entry).into_owned()).collect();
        assert_eq!(packed, hex_after(LEANER, "lean").collect::<Vec<_>>());
        let unpacked = packed.iter().map(|sent| received(sent, &COMMONS));
        assert_eq!(unpacked.collect::<Vec<_>>(), hex_after(WHOLE, "bytes").collect::<Vec<_>>());
        assert_eq!(packed.last().unwrap()[0], 3, "an adoption is sent as it is");
    }

    #[test]
    fn what_follows_from_the_rest_is_left_out() {
        let whole = sealed(&history::typed(TEXT));
        let lean = pack(&whole);
        // Record, actor with its length, magic, checksum, type, and the length in one or two bytes.
        let spared = RECORD + ACTOR + 4 + 4 + 1 + 2;
        let parts = Parts::read(&lean[1..], |_| 0).unwrap();
        // The text object, and all characters as one run.
        assert_eq!(parts.column(VALUE_META), [0x7f, 0, TEXT.chars().count() as u8, CHARACTER as u8]);
        assert!(lean.len() < whole.len() - spared, "{} of {}", lean.len(), whole.len());
        assert_eq!(received(&lean, &COMMONS), whole);
    }

    #[test]
    fn a_claimed_number_of_characters_is_not_believed() {
        let mut metas = Vec::new();
        metas.put_sleb(1 << 60);
        metas.put_uleb(CHARACTER);
        assert_eq!(respell(&metas, b"abc", put_back), Err(DecodeError::Truncated { at: 3 }));
        let cut_short = "é".repeat(9);
        let cut_short = respell(&metas, &cut_short.as_bytes()[..17], put_back);
        assert_eq!(cut_short, Err(DecodeError::Truncated { at: 16 }));
    }

    #[test]
    fn a_column_comes_once() {
        let lean = pack(&sealed(&history::typed(TEXT))).into_owned();
        let mut parts = Parts::read(&lean[1..], |_| 0).unwrap();
        let metas = parts.column(VALUE_META);
        parts.columns.insert(0, (VALUE_META, metas));
        let mut twice = Vec::new();
        parts.write(&[], metas, &mut twice);
        let refused = DecodeError::NotCanonical { what: "the columns of a change" };
        assert_eq!(unpack(&twice, &COMMONS).map(|_| ()), Err(refused));
    }

    #[test]
    fn another_commons_names_another_record() {
        let whole = sealed(&history::typed(TEXT));
        let other = received(&pack(&whole), &CommonsId([1; 32]));
        assert_ne!(other[1..33], whole[1..33]);
        assert_eq!(other[33..], whole[33..]);
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_comes_back_byte_for_byte(saves in history::saves(), text in ".{0,40}") {
            for draft in history::chunks(&saves).into_iter().chain([history::typed(&text)]) {
                let whole = sealed(&draft);
                let lean = pack(&whole);
                prop_assert!(lean.len() <= whole.len());
                prop_assert_eq!(Entry::receive(&lean, &COMMONS), Entry::decode(&whole));
                prop_assert_eq!(received(&lean, &COMMONS), whole);
            }
        }

        #[test]
        fn bytes_changed_at_random_never_panic_and_never_grow_beyond_the_bound(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            end: prop::sample::Index,
        ) {
            let mut lean = pack(&sealed(&history::typed(TEXT))).into_owned();
            for (at, byte) in edits {
                let at = at.index(lean.len());
                lean[at] = byte;
            }
            for sent in [&lean[..], &lean[..end.index(lean.len())]] {
                if let Some((&LEAN, lean)) = sent.split_first() && let Ok(whole) = unpack(lean, &COMMONS) {
                    prop_assert!(whole.bytes.len() < 4 * sent.len());
                }
                if let Ok(entry) = Entry::receive(sent, &COMMONS) {
                    let whole = entry.trust().encode();
                    prop_assert_eq!(Entry::decode(&whole).map(|entry| entry.trust().encode()), Ok(whole));
                }
            }
        }
    }
}
