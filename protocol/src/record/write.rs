//! The pen: makes a place of a document hold a [`Target`] with the fewest operations.
//!
//! A change has room for so many. Where it ends the pen stops; another pen that is given the same targets on the document
//! with that change goes on, since it writes only what is not there yet.

use std::ops::Range;

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, ObjId, ObjType, ReadDoc, ScalarValue};
use imara_diff::{Algorithm, Diff, InternedInput};
use unicode_segmentation::UnicodeSegmentation;

use super::edit::MAX_OPERATIONS;
use super::field::{Field, Found, Item, ORDER, Reader, Value, Want, Writers, found, items};
use super::input::{Target, normal};
use super::order;
use crate::id::{ItemId, base32};

/// In whose manner the pen writes.
#[derive(Debug)]
pub(super) enum Style {
    /// A person's: new items get ids from these random bytes, a text changes by words.
    Person([u8; 32]),
    /// A reference edition's: everything follows from this origin and the content, a text changes by one splice.
    Reference(Vec<u8>),
}

pub(super) struct Pen<'t, 'd> {
    pub(super) tx: &'t mut Transaction<'d>,
    style: &'t Style,
    /// Where the pen is, for the ids of new items.
    path: Vec<String>,
    /// The operations that the change has room for, but for the last scalar.
    room: usize,
    /// Whether something was left out for want of room.
    pub(super) stopped: bool,
    /// The operations of a raw list that no change has room for.
    pub(super) too_large: Option<usize>,
}

impl<'t, 'd> Pen<'t, 'd> {
    pub(super) fn new(tx: &'t mut Transaction<'d>, style: &'t Style, room: usize) -> Self {
        Self { tx, style, path: Vec::new(), room, stopped: false, too_large: None }
    }

    /// Whether there is no room for anything more.
    pub(super) fn is_at_end(&self) -> bool {
        self.stopped || self.left() == 0
    }

    fn left(&self) -> usize {
        self.room.saturating_sub(self.tx.pending_ops())
    }

    /// Makes `key` of the union of `objects` hold `target`.
    pub(super) fn put(&mut self, objects: &[ObjId], key: &str, target: &Target) -> Result<(), AutomergeError> {
        if self.stopped || agrees(self.read(objects, key).as_ref(), target) {
            return Ok(());
        }
        if self.left() == 0 {
            self.stopped = true;
            return Ok(());
        }
        self.path.push(key.to_owned());
        let there = found(&*self.tx, None, objects, key);
        match target {
            Target::Nothing => self.clear(objects, key, &there)?,
            Target::Scalar(scalar) => {
                self.remove(&objects[1..], key)?;
                self.tx.put(&objects[0], key, scalar.clone())?;
            }
            Target::Text(text) => match there.iter().find(|found| found.is_text()) {
                Some(old) => self.splice(&old.id, text)?,
                None => self.new_text(objects, key, text)?,
            },
            Target::Members { put, only } => {
                let maps = self.maps(objects, key, there)?;
                for (name, member) in put {
                    // A member of a set is said by being there, even with nothing in it.
                    if *only && matches!(member, Target::Members { .. }) {
                        let there = found(&*self.tx, None, &maps, name);
                        self.maps(&maps, name, there)?;
                    }
                    self.put(&maps, name, member)?;
                }
                if *only {
                    self.remove_all(&maps, |name| !put.contains_key(name))?;
                }
            }
            Target::Items(targets) => {
                let maps = self.maps(objects, key, there)?;
                self.items(&maps, targets)?;
            }
            Target::Sequence(_) if size(target) > MAX_OPERATIONS => {
                (self.stopped, self.too_large) = (true, Some(size(target)));
            }
            // Whatever was written of a raw list, the next pen would write all of it anew.
            Target::Sequence(_) if self.tx.pending_ops() > 0 && size(target) > self.left() => self.stopped = true,
            Target::Sequence(values) => {
                let room = std::mem::replace(&mut self.room, usize::MAX);
                self.remove(&objects[1..], key)?;
                let list = self.tx.put_object(&objects[0], key, ObjType::List)?;
                self.sequence(&list, values)?;
                self.room = room;
            }
        }
        self.path.pop();
        Ok(())
    }

    /// Makes `target` the one value at `key`, and an operation that says so even when it already shows.
    ///
    /// A scalar is deleted, then put: a put of the winning value alone is only a deletion of the others, and two opposite
    /// settlements made apart would delete each other's choice. A text that is one object is rather edited, in place,
    /// since what others type in it meanwhile must survive.
    pub(super) fn settle(&mut self, objects: &[ObjId], key: &str, target: &Target) -> Result<(), AutomergeError> {
        let there = found(&*self.tx, None, objects, key);
        match (target, there.as_slice()) {
            (Target::Text(text), [only]) if only.is_text() => {
                let before = self.tx.pending_ops();
                self.splice(&only.id, text)?;
                if self.tx.pending_ops() == before { self.touch(&only.id) } else { Ok(()) }
            }
            (Target::Text(text), _) => {
                self.remove(objects, key)?;
                self.new_text(objects, key, text)
            }
            (Target::Scalar(scalar), _) => {
                self.remove(objects, key)?;
                self.tx.put(&objects[0], key, scalar.clone())
            }
            (Target::Nothing, _) => self.remove(objects, key),
            (Target::Members { .. } | Target::Items(_) | Target::Sequence(_), _) => self.put(objects, key, target),
        }
    }

    /// Writes the first letter over itself: an edit by which somebody says that the text is good as it is. What was handed
    /// in may lack a blank that the text begins with.
    fn touch(&mut self, id: &ObjId) -> Result<(), AutomergeError> {
        match self.tx.text(id)?.chars().next() {
            Some(first) => self.tx.splice_text(id, 0, 1, first.encode_utf8(&mut [0; 4])),
            None => Ok(()),
        }
    }

    fn new_text(&mut self, objects: &[ObjId], key: &str, text: &str) -> Result<(), AutomergeError> {
        let id = self.tx.put_object(&objects[0], key, ObjType::Text)?;
        self.write(&id, &Splice { at: 0, delete: 0, insert: text })
    }

    fn splice(&mut self, id: &ObjId, new: &str) -> Result<(), AutomergeError> {
        let old = self.tx.text(id)?;
        let splices = match self.style {
            // Two edits may leave a blank at an end that nobody sees; whoever hands the text back does not remove it.
            Style::Person(_) if normal(&old) == new => return Ok(()),
            Style::Person(_) => by_words(&old, new),
            Style::Reference(_) => vec![trim(&old, 0, new)],
        };
        // From the end, so that earlier positions stay true.
        splices.iter().rev().filter(|splice| !splice.is_empty()).try_for_each(|splice| self.write(id, splice))
    }

    /// As much of a splice as there is room for: what goes, then what comes, cut between two characters.
    fn write(&mut self, id: &ObjId, splice: &Splice<'_>) -> Result<(), AutomergeError> {
        let room = self.left();
        let delete = splice.delete.min(room);
        let insert =
            splice.insert.char_indices().nth(room - delete).map_or(splice.insert, |(end, _)| &splice.insert[..end]);
        self.stopped |= delete < splice.delete || insert.len() < splice.insert.len();
        if delete + insert.len() == 0 {
            return Ok(());
        }
        self.tx.splice_text(id, splice.at, delete as isize, insert)
    }

    /// Empties what merges, so that what others add to it meanwhile survives, and deletes the rest.
    fn clear(&mut self, objects: &[ObjId], key: &str, there: &[Found]) -> Result<(), AutomergeError> {
        if there.iter().any(|found| !found.is_map() && !found.is_text()) {
            return self.remove(objects, key);
        }
        for found in there {
            if found.is_text() {
                self.splice(&found.id, "")?;
            } else {
                self.remove_all(std::slice::from_ref(&found.id), |_| true)?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, objects: &[ObjId], key: &str) -> Result<(), AutomergeError> {
        for object in objects {
            if self.tx.get(object, key)?.is_some() {
                self.tx.delete(object, key)?;
            }
        }
        Ok(())
    }

    /// Removes the keys that are gone, as far as there is room.
    fn remove_all(&mut self, objects: &[ObjId], is_gone: impl Fn(&str) -> bool) -> Result<(), AutomergeError> {
        for name in self.keys(objects).into_iter().filter(|name| is_gone(name)) {
            if self.is_at_end() {
                self.stopped = true;
                break;
            }
            self.remove(objects, &name)?;
        }
        Ok(())
    }

    /// All maps at the key; a new one when there is none.
    fn maps(&mut self, objects: &[ObjId], key: &str, there: Vec<Found>) -> Result<Vec<ObjId>, AutomergeError> {
        let maps: Vec<ObjId> = there.into_iter().filter(Found::is_map).map(|found| found.id).collect();
        if maps.is_empty() { Ok(vec![self.tx.put_object(&objects[0], key, ObjType::Map)?]) } else { Ok(maps) }
    }

    fn keys(&self, objects: &[ObjId]) -> Vec<String> {
        let mut keys: Vec<String> = objects.iter().flat_map(|object| self.tx.keys(object)).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    fn read(&self, objects: &[ObjId], key: &str) -> Option<Field> {
        let mut writers = Writers::default();
        Reader { doc: &*self.tx, heads: None, writers: &mut writers, history: None, owner: None }.field(
            objects,
            key,
            Want::Unknown,
            0,
        )
    }

    fn items(&mut self, maps: &[ObjId], targets: &[(Option<String>, Target)]) -> Result<(), AutomergeError> {
        let members = self.keys(maps).into_iter().filter_map(|id| Some((id.clone(), self.read(maps, &id)?))).collect();
        let old = items(members);
        // An item that an earlier change of this chain began has the id that it gets here.
        let named =
            |(index, (id, _)): (usize, &(Option<String>, Target))| id.clone().unwrap_or_else(|| self.item_id(index));
        let ids: Vec<Option<String>> = match self.style {
            Style::Person(_) => {
                let named: Vec<String> = targets.iter().enumerate().map(named).collect();
                pair(&old, targets, &named).iter().map(|at| at.map(|at| old[at].id.clone())).collect()
            }
            Style::Reference(_) => (0..targets.len()).map(|index| Some(self.item_id(index))).collect(),
        };
        self.remove_all(maps, |id| {
            old.iter().any(|item| item.id == id) && !ids.iter().flatten().any(|kept| kept == id)
        })?;
        let place =
            |id: &Option<String>| old.iter().find(|item| Some(&item.id) == id.as_ref()).map(|item| &*item.order);
        let places: Vec<Option<&str>> = ids.iter().map(place).collect();
        let orders = match self.style {
            Style::Person(_) => order::place(&places),
            Style::Reference(_) => (0..targets.len()).map(order::nth).collect(),
        };
        for (((id, (_, target)), order), index) in ids.into_iter().zip(targets).zip(orders).zip(0..) {
            let id = id.unwrap_or_else(|| self.item_id(index));
            let Target::Members { put, only } = target else { continue };
            let mut put = put.clone();
            put.insert(ORDER.to_owned(), Target::Scalar(ScalarValue::Str(order.into())));
            self.put(maps, &id, &Target::Members { put, only: *only })?;
        }
        Ok(())
    }

    /// The id of the new item that is at this place of the list: random for a person's, of the place alone for a reference
    /// edition's.
    fn item_id(&self, index: usize) -> String {
        let (context, seed) = match self.style {
            Style::Person(random) => ("essaim v1 list item", &random[..]),
            Style::Reference(origin) => ("essaim v1 reference list item", &origin[..]),
        };
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(seed).update(self.path.join("/").as_bytes()).update(&[0]).update(&(index as u64).to_le_bytes());
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        base32(&ItemId(id).0)
    }

    fn sequence(&mut self, list: &ObjId, values: &[Target]) -> Result<(), AutomergeError> {
        for (index, value) in values.iter().enumerate() {
            match value {
                Target::Nothing => self.tx.insert(list, index, ScalarValue::Null)?,
                Target::Scalar(scalar) => self.tx.insert(list, index, scalar.clone())?,
                Target::Sequence(values) => {
                    let list = self.tx.insert_object(list, index, ObjType::List)?;
                    self.sequence(&list, values)?;
                }
                Target::Members { put, .. } => {
                    let map = self.tx.insert_object(list, index, ObjType::Map)?;
                    for (name, member) in put {
                        self.put(std::slice::from_ref(&map), name, member)?;
                    }
                }
                Target::Text(_) | Target::Items(_) => {}
            }
        }
        Ok(())
    }
}

/// The operations that it takes to write a target where nothing is.
fn size(target: &Target) -> usize {
    match target {
        Target::Nothing | Target::Scalar(_) => 1,
        Target::Text(text) => 1 + text.chars().count(),
        Target::Members { put, .. } => 1 + put.values().map(size).sum::<usize>(),
        Target::Items(items) => 1 + items.iter().map(|(_, item)| 1 + size(item)).sum::<usize>(),
        Target::Sequence(values) => 1 + values.iter().map(size).sum::<usize>(),
    }
}

/// Whether the place already holds the target, so that writing it would say nothing new. Among concurrent values the one
/// that shows counts.
fn agrees(field: Option<&Field>, target: &Target) -> bool {
    is_told(field.and_then(Field::value), target)
}

fn is_told(value: Option<&Value>, target: &Target) -> bool {
    match (target, value) {
        (Target::Nothing, value) => value.is_none(),
        (Target::Text(text), None) => text.is_empty(),
        (Target::Text(text), Some(value)) => matches!(value, Value::Text(old) if old == text),
        (Target::Scalar(scalar), Some(value)) => same(scalar, value),
        (Target::Members { put, only }, value) => {
            let members = value.and_then(Value::members);
            let member = |name: &String| members.and_then(|members| members.get(name));
            let extra = members.is_some_and(|members| *only && members.keys().any(|name| !put.contains_key(name)));
            let misplaced = value.is_some() && members.is_none();
            let there = |name: &String, target: &Target| !only || *target == Target::Nothing || member(name).is_some();
            !extra && !misplaced && put.iter().all(|(name, target)| there(name, target) && agrees(member(name), target))
        }
        (Target::Items(targets), None) => targets.is_empty(),
        (Target::Items(targets), Some(value)) => value.members().is_some_and(|members| {
            let old = items(members.clone());
            old.len() == targets.len() && old.iter().zip(targets).all(|(item, target)| item_agrees(item, target))
        }),
        (Target::Sequence(targets), Some(Value::Sequence(old))) => {
            old.len() == targets.len() && old.iter().zip(targets).all(|(value, target)| is_in_place(value, target))
        }
        (Target::Scalar(_) | Target::Sequence(_), _) => false,
    }
}

/// In a list something must stand for nothing: a null, which is read as an empty raw value.
fn is_in_place(value: &Value, target: &Target) -> bool {
    let is_null = matches!(value, Value::Raw(text) if text.is_empty());
    if *target == Target::Nothing { is_null } else { is_told(Some(value), target) }
}

fn item_agrees(item: &Item, (id, target): &(Option<String>, Target)) -> bool {
    let Target::Members { put, .. } = target else { return false };
    id.as_ref().is_none_or(|id| *id == item.id)
        && put.iter().all(|(name, target)| agrees(item.fields.get(name), target))
}

fn same(scalar: &ScalarValue, value: &Value) -> bool {
    match (scalar, value) {
        (ScalarValue::Str(new), Value::Str(old)) => new.as_str() == old,
        (ScalarValue::Int(new), Value::Int(old)) => new == old,
        (ScalarValue::F64(new), Value::Float(old)) => new == old,
        (ScalarValue::Boolean(new), Value::Bool(old)) => new == old,
        _ => false,
    }
}

/// Which old item each new one is: the one of its id in `named`; else, in order, one of equal content; else the one that
/// shares the most with it; else, between two of these, the next one left over. An item that is none of these is new.
fn pair(old: &[Item], targets: &[(Option<String>, Target)], named: &[String]) -> Vec<Option<usize>> {
    let mut free: Vec<usize> = (0..old.len()).collect();
    let mut pairs: Vec<Option<usize>> = vec![None; targets.len()];
    let mut choose = |by: Chooser<'_>| {
        for at in 0..pairs.len() {
            if pairs[at].is_none() {
                pairs[at] = by(at, &pairs, &free);
                free.retain(|one| Some(*one) != pairs[at]);
            }
        }
    };
    choose(&|at, _, free| free.iter().copied().find(|one| old[*one].id == named[at]));
    choose(&|at, _, free| free.iter().copied().find(|one| item_agrees(&old[*one], &targets[at])));
    choose(&|at, _, free| {
        let alike = free.iter().map(|one| (shared(&old[*one], &targets[at].1), std::cmp::Reverse(*one)));
        alike.max().filter(|(shared, _)| *shared > 0).map(|(_, one)| one.0)
    });
    choose(&|at, pairs, free| {
        let low = pairs[..at].iter().flatten().next_back().map_or(0, |before| before + 1);
        let high = pairs[at..].iter().flatten().next().copied().unwrap_or(old.len());
        free.iter().copied().find(|one| (low..high).contains(one))
    });
    pairs
}

/// Chooses the old item for the target at an index, among those still free, knowing the pairs made so far.
type Chooser<'c> = &'c dyn Fn(usize, &[Option<usize>], &[usize]) -> Option<usize>;

/// How much of an item a target repeats, in bytes of equal members: an equal sentence outweighs an equal code.
fn shared(item: &Item, target: &Target) -> usize {
    let Target::Members { put, .. } = target else { return 0 };
    let equal = |(name, target): (&String, &Target)| {
        let field = item.fields.get(name).filter(|field| agrees(Some(field), target))?;
        Some(field.text().map_or(1, str::len))
    };
    put.iter().filter_map(equal).sum()
}

/// Delete some characters, insert others.
#[derive(Debug, PartialEq)]
struct Splice<'n> {
    at: usize,
    delete: usize,
    insert: &'n str,
}

impl Splice<'_> {
    fn is_empty(&self) -> bool {
        self.delete == 0 && self.insert.is_empty()
    }
}

/// What turns `old` into `new`, word by word, so that two people who correct different words of a sentence are merged
/// into both corrections, and a rewritten sentence is not knit from letters of the former one. Bounded by the histogram
/// algorithm's fallbacks.
fn by_words<'n>(old: &str, new: &'n str) -> Vec<Splice<'n>> {
    let mut input = InternedInput::default();
    input.update_before(old.split_word_bounds());
    input.update_after(new.split_word_bounds());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    let (old_starts, new_starts) = (word_starts(old), word_starts(new));
    let cut = |starts: &[usize], range: Range<u32>| starts[range.start as usize]..starts[range.end as usize];
    let (mut seen, mut at) = (0, 0);
    let splice = |hunk: imara_diff::Hunk| {
        let (before, after) = (cut(&old_starts, hunk.before), cut(&new_starts, hunk.after));
        at += old[seen..before.start].chars().count();
        seen = before.start;
        trim(&old[before], at, &new[after])
    };
    diff.hunks().map(splice).collect()
}

/// The byte where each word starts, and the end.
fn word_starts(text: &str) -> Vec<usize> {
    text.split_word_bound_indices().map(|(at, _)| at).chain([text.len()]).collect()
}

/// What turns `old`, which starts at character `at`, into `new`: all but their longest common prefix, then suffix, in
/// whole grapheme clusters, so that no accent is parted from its letter.
fn trim<'n>(old: &str, at: usize, new: &'n str) -> Splice<'n> {
    let common = |old: &mut dyn Iterator<Item = &str>, new: &mut dyn Iterator<Item = &str>| {
        old.zip(new).take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum::<usize>()
    };
    let prefix = common(&mut old.graphemes(true), &mut new.graphemes(true));
    let (head, old, new) = (&old[..prefix], &old[prefix..], &new[prefix..]);
    let suffix = common(&mut old.graphemes(true).rev(), &mut new.graphemes(true).rev());
    let (old, new) = (&old[..old.len() - suffix], &new[..new.len() - suffix]);
    Splice { at: at + head.chars().count(), delete: old.chars().count(), insert: new }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apply(old: &str, splices: &[Splice<'_>]) -> String {
        let mut text: Vec<char> = old.chars().collect();
        for splice in splices.iter().rev() {
            text.splice(splice.at..splice.at + splice.delete, splice.insert.chars());
        }
        text.into_iter().collect()
    }

    #[test]
    fn a_corrected_word_is_a_small_splice() {
        let splices = by_words("Une navete pour le marché", "Une navette pour le lycée");
        let expected = [Splice { at: 9, delete: 0, insert: "t" }, Splice { at: 20, delete: 6, insert: "lycée" }];
        assert_eq!(splices.len(), 2);
        assert_eq!(splices[0].insert.chars().count(), expected[0].insert.chars().count());
        assert_eq!(apply("Une navete pour le marché", &splices), "Une navette pour le lycée");
    }

    proptest! {
        #[test]
        fn splices_turn_one_text_into_the_other(old in "[aeé 👍🏽\u{301}\u{200f}.\n]{0,40}", new in "[aeé 👍🏽\u{301}\u{200f}.\n]{0,40}") {
            prop_assert_eq!(apply(&old, &by_words(&old, &new)), new.clone());
            prop_assert_eq!(apply(&old, &[trim(&old, 0, &new)]), new);
        }
    }
}
