//! An ally whose node is turned: a member like the others until somebody else has its keys and its store.
//!
//! It goes on to run sessions, and lies in one way a seed: it offers entries that no honest node would let in, garbles its
//! frames, answers with tags that it overheard, keeps half of its entries to itself, or floods its peer. The honest come to
//! hold the same nonetheless, take in nothing wrong, name it when they can, and never say *in sync* with it while they lack
//! what it has.

use essaim_protocol::commons::Commons;
use essaim_protocol::entry::adoption::reference_chunk;
use essaim_protocol::entry::change::lean;
use essaim_protocol::entry::statement::Act;
use essaim_protocol::entry::{Adoption, Change, Entry, Origin, Statement};
use essaim_protocol::id::{ChangeHash, CommonsId, DeviceKey, EntryId, StatementId};
use essaim_protocol::record::edit::{self, Edit};
use essaim_protocol::record::reference;
use essaim_protocol::sign::{Keys, Seed, Verified};
use essaim_protocol::store::{Append, Store as _};
use essaim_protocol::sync::frame::{Frame, List, Position};
use essaim_protocol::time::Timestamp;
use sha2::{Digest as _, Sha256};

use super::ally::{Ally, Broken, Sheet, keys};
use super::dice::Dice;

/// How many tags it remembers.
const TAGS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    Forges,
    Garbles,
    Echoes,
    Withholds,
    Floods,
}

#[derive(Debug)]
pub(super) struct Lies {
    /// Who is turned, once somebody is.
    pub(super) node: Option<usize>,
    pub(super) kind: Lie,
    /// Which wrong entries it makes: one sort a seed, since what is wrong with one hides what comes after it.
    pub(super) how: u64,
    /// Tags that it heard last.
    tags: Vec<[u8; 16]>,
}

/// What a turned node signs or puts together.
pub(super) enum Forged {
    /// Wrong on every node.
    Wrong(Vec<u8>),
    /// Rightly signed, and of no worth: it cannot be folded.
    Worthless(Box<Verified<Entry>>),
}

impl Lies {
    pub(super) fn roll(dice: &mut Dice) -> Self {
        let all = [Lie::Garbles, Lie::Echoes, Lie::Withholds, Lie::Floods];
        let kind = if !dice.one_in(3) { Lie::Forges } else { all[dice.index(all.len())] };
        Self { node: None, kind, how: dice.below(10), tags: Vec::new() }
    }

    /// Whether its word about what it holds is worth nothing.
    pub(super) fn are_about_holding(&self) -> bool {
        matches!(self.kind, Lie::Garbles | Lie::Floods)
    }

    /// Remembers the tags in a frame that an honest peer sent.
    pub(super) fn overhear(&mut self, frame: &[u8]) {
        match Frame::decode(frame) {
            Ok(Frame::Hello(hello)) => self.tags.push(hello.all.0),
            Ok(Frame::Done(tag)) => self.tags.push(tag.0),
            Ok(_) | Err(_) => {}
        }
        if self.tags.len() > TAGS {
            self.tags.remove(0);
        }
    }

    /// What it sends instead of a frame.
    pub(super) fn twist(&self, frame: Vec<u8>, dice: &mut Dice) -> Vec<Vec<u8>> {
        match self.kind {
            Lie::Forges | Lie::Withholds => vec![frame],
            Lie::Garbles => garble(frame, dice),
            Lie::Echoes => vec![self.echo(frame, dice)],
            Lie::Floods => std::iter::once(frame).chain((0..6).map(|_| noise(dice))).collect(),
        }
    }

    fn echo(&self, frame: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
        let Some(tag) = dice.pick(&self.tags).copied().filter(|_| dice.one_in(2)) else { return frame };
        match Frame::decode(&frame) {
            Ok(Frame::Hello(mut hello)) => {
                hello.all.0 = tag;
                Frame::Hello(hello).encode()
            }
            Ok(Frame::Done(mut done)) => {
                done.0 = tag;
                Frame::Done(done).encode()
            }
            Ok(_) | Err(_) => frame,
        }
    }
}

fn garble(mut frame: Vec<u8>, dice: &mut Dice) -> Vec<Vec<u8>> {
    if !dice.one_in(4) {
        return vec![frame];
    }
    match dice.below(5) {
        0 => {
            let at = dice.index(frame.len());
            frame[at] ^= 1 << dice.below(8);
            vec![frame]
        }
        1 => {
            frame.truncate(dice.index(frame.len()));
            vec![frame]
        }
        2 => vec![frame.clone(), frame],
        3 => vec![],
        _ => vec![noise(dice), frame],
    }
}

/// A frame of any type, with anything in it.
fn noise(dice: &mut Dice) -> Vec<u8> {
    let mut items: Vec<_> = (0..dice.below(500)).map(|_| EntryId(dice.bytes()).item()).collect();
    items.sort_unstable();
    let list = List { last: dice.one_in(3), items };
    let junk: Vec<u8> = (0..dice.below(40)).flat_map(|_| dice.bytes()).collect();
    let place = essaim_protocol::store::Ordinal(dice.below(1 << 40));
    match dice.below(9) {
        0 => Frame::Symbols(junk),
        1 => Frame::Ask(dice.below(1 << 20)),
        2 => Frame::Fresh(dice.bytes()),
        3 => Frame::AskItems,
        4 => Frame::Items(list),
        5 => Frame::Want(list),
        6 => Frame::Follow(Position { statements: place, content: place }),
        7 => Frame::Entries { next: place, compressed: junk },
        _ => Frame::Ack { frames: dice.below(3), aside: dice.below(3) },
    }
    .encode()
}

/// Something that a turned node has its peers take in; nothing when it knows too little to forge.
pub(super) fn forge(ally: &mut Ally, how: u64, dice: &mut Dice, now: Timestamp) -> Result<Option<Forged>, Broken> {
    let log = ally.log();
    let changes: Vec<&Change> = log
        .iter()
        .filter_map(|(_, entry)| if let Entry::Change(change) = entry { Some(change) } else { None })
        .collect();
    let (Some(one), Some(other)) = (dice.pick(&changes).copied(), dice.pick(&changes).copied()) else {
        return Ok(None);
    };
    let (stranger, commons) = (Keys::from_seed(&Seed::new([9; 32])), ally.commons.id());
    let frontier = ally.roster().heads()[0];
    let genesis = ally.roster().council();
    let first = edit::create("finding", &[("title".to_owned(), "Un mensonge".into())].into(), dice.bytes(), now)?.chunk;
    let sealed = |keys: &Keys, commons, frontier| -> Result<Vec<u8>, Broken> {
        Ok(Entry::Change(Change::seal(&first, keys, commons, frontier, None)?.into_inner()).encode())
    };
    let forged = match how {
        0 => Forged::Wrong(sealed(&stranger, commons, frontier)?),
        1 | 7 => Forged::Wrong(sealed(&ally.keys, CommonsId(dice.bytes()), frontier)?),
        2 => Forged::Wrong(sealed(&ally.keys, commons, genesis)?),
        3 if one.record() != other.record() => {
            let replayed = [&other.record().0, one.chunk()].concat();
            Forged::Wrong(
                Entry::Change(Change::decode(&replayed).map_err(|error| Broken::Rule(error.to_string()))?).encode(),
            )
        }
        4 => Forged::Wrong(mutilated(Entry::Change(one.clone()).encode(), dice)),
        5 => {
            let said = Statement::sign(&stranger, commons, vec![frontier], now, Act::Seen)?;
            Forged::Wrong(Entry::Statement(said.into_inner()).encode())
        }
        8 | 9 => {
            let entry = of_its_own(ally, &first, frontier, dice, now)?;
            Forged::Wrong(in_the_name_of(&keys(0).key(), &ally.keys.key(), &entry, &commons)?)
        }
        _ => {
            // Of a kind that has no form, it cannot make an edit.
            let Ok((draft, heads)) = edit_of(ally, one, dice, now) else { return Ok(None) };
            if dice.one_in(2) && one.record() != other.record() {
                let moved = Change::seal(&draft, &ally.keys, commons, frontier, Some(other.record()))?;
                Forged::Wrong(Entry::Change(moved.into_inner()).encode())
            } else {
                let draft = astray(draft, &heads, one, dice);
                let sealed = Change::seal(&draft, &ally.keys, commons, frontier, Some(one.record()));
                let Ok(sealed) = sealed else { return Ok(None) };
                Forged::Worthless(Box::new(Verified::trusted(Entry::Change(sealed.into_inner()))))
            }
        }
    };
    Ok(Some(forged))
}

/// Has a turned node hold an entry as if it had let it in.
pub(super) fn plant(ally: &mut Ally, bytes: &[u8]) -> Result<EntryId, Broken> {
    let entry = Entry::decode(bytes).ok().map(|entry| entry.trust().into_inner());
    let id = entry.as_ref().map_or_else(|| EntryId(*blake3::hash(bytes).as_bytes()), Entry::id);
    let (record, change) = entry.map_or((None, None), |entry| (entry.record(), entry.change()));
    ally.disk.append(&[Append { id, bytes, record, change, own: false }])?;
    ally.commons = Commons::open(ally.commons.id(), ally.keys.key(), &ally.disk)?;
    Ok(id)
}

/// An entry that the turned ally may make: a change, a statement or an adoption.
fn of_its_own(
    ally: &Ally,
    first: &[u8],
    frontier: StatementId,
    dice: &mut Dice,
    now: Timestamp,
) -> Result<Vec<u8>, Broken> {
    let (keys, commons) = (&ally.keys, ally.commons.id());
    let entry = match dice.below(3) {
        0 => Entry::Change(Change::seal(first, keys, commons, frontier, None)?.into_inner()),
        1 => Entry::Statement(Statement::sign(keys, commons, vec![frontier], now, Act::Seen)?.into_inner()),
        _ => {
            let origin = Origin { system: "mensonges.example".to_owned(), id: format!("{:x}", dice.roll()) };
            let fields = [("title".to_owned(), "Un mensonge".into())].into();
            let chunk = reference_chunk(&origin, &reference::first("finding", &fields, &origin)?.chunk)?;
            Entry::Adoption(Adoption::sign(keys, commons, frontier, origin, chunk)?.into_inner())
        }
    };
    Ok(entry.encode())
}

/// An entry of `by` as if `victim` had made it. All names that follow from its bytes are right, and `victim` may write:
/// nothing is wrong with it but the signature.
fn in_the_name_of(victim: &DeviceKey, by: &DeviceKey, entry: &[u8], commons: &CommonsId) -> Result<Vec<u8>, Broken> {
    // A receiver of a lean change works out its actor, its record and its checksum.
    let mut sent = lean::pack(entry).into_owned();
    if let Some(at) = sent.windows(32).position(|bytes| bytes == by.0) {
        sent[at..at + 32].copy_from_slice(&victim.0);
    }
    let forged = Entry::receive(&sent, commons).map_err(|error| Broken::Rule(error.to_string()))?;
    Ok(forged.trust().encode())
}

fn mutilated(mut entry: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    if dice.one_in(2) {
        entry.truncate(1 + dice.index(entry.len() - 1));
    } else {
        let at = dice.index(entry.len());
        entry[at] ^= 1 << dice.below(8);
    }
    entry
}

/// A rightly made edit of the record of a change, and what it is made on.
fn edit_of(
    ally: &mut Ally,
    of: &Change,
    dice: &mut Dice,
    now: Timestamp,
) -> Result<(Vec<u8>, Vec<ChangeHash>), Broken> {
    let Sheet { document, view, .. } = ally.sheet(&of.record())?;
    let value = format!("mensonge{:x}", dice.roll());
    Ok((edit::draft(&document, &view.heads, &[Edit::set("note", value)], dice.bytes(), now)?.chunk, view.heads))
}

/// The same draft as if it had been made on `past`, where what it names is not; or with another byte in its operations.
fn astray(mut draft: Vec<u8>, heads: &[ChangeHash], past: &Change, dice: &mut Dice) -> Vec<u8> {
    let at = match heads {
        [head] if *head != past.hash() => draft.windows(32).position(|bytes| bytes == head.0),
        _ => None,
    };
    match at {
        Some(at) => draft[at..at + 32].copy_from_slice(&past.hash().0),
        None => {
            let at = draft.len() - 1 - dice.index(draft.len() / 3);
            draft[at] = draft[at].wrapping_add(1 + dice.below(3) as u8);
        }
    }
    let checksum = Sha256::digest(&draft[8..]);
    draft[4..8].copy_from_slice(&checksum[..4]);
    draft
}
