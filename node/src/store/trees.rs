//! Trees of checked values: each value carries 16 bytes of BLAKE3 over its tree, its key and itself, so that what comes
//! back is what was put there, or an error.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use essaim_protocol::store::{Error, Flaw, Pair, Put};

use super::engine::{CHECK, Engine, MAX_PART, Writer, told};

/// What a value may hold beside its check.
pub(super) const PART: usize = MAX_PART - CHECK;

/// A tree whose values are checked.
#[derive(Debug)]
pub(super) struct Tree {
    name: &'static str,
    tree: sled::Tree,
}

impl Tree {
    pub(super) fn open(engine: &Engine, name: &'static str) -> Result<Self, Error> {
        Ok(Self { name, tree: engine.tree(name)? })
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        Writer::new(&self.tree)
    }

    /// The value to store for `body` under `key`.
    pub(super) fn seal(&self, key: &[u8], body: &[u8]) -> Vec<u8> {
        let mut value = Vec::with_capacity(CHECK + body.len());
        value.extend_from_slice(&self.check(key, body));
        value.extend_from_slice(body);
        value
    }

    /// Sets one value of at most [`PART`] bytes.
    pub(super) fn set(&self, key: &[u8], body: &[u8]) -> Result<(), Error> {
        let mut writer = self.writer();
        writer.set(key, self.seal(key, body));
        writer.apply()
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let Some(value) = self.tree.get(key).map_err(told("reading"))? else { return Ok(None) };
        self.verify(key, &value).map(|body| Some(body.to_vec()))
    }

    /// Keys and still unverified values, in order. Give them to [`Tree::verify`].
    pub(super) fn range(
        &self,
        range: impl RangeBounds<Vec<u8>>,
    ) -> impl DoubleEndedIterator<Item = Result<(sled::IVec, sled::IVec), Error>> {
        self.tree.range(range).map(|item| item.map_err(told("reading")))
    }

    /// The body of a value, when it is the one that was stored under this key.
    pub(super) fn verify<'a>(&self, key: &[u8], value: &'a [u8]) -> Result<&'a [u8], Error> {
        match value.split_at_checked(CHECK) {
            Some((check, body)) if check == self.check(key, body) => Ok(body),
            Some(_) => Err(self.damaged(key, Flaw::Check)),
            None => Err(self.damaged(key, Flaw::Incomplete)),
        }
    }

    pub(super) fn damaged(&self, key: &[u8], what: Flaw) -> Error {
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Error::Corrupt { place: format!("{} {key}", self.name), what }
    }

    pub(super) fn clear(&self) -> Result<(), Error> {
        let mut writer = self.writer();
        for item in self.range(..) {
            let (key, _) = item?;
            writer.make_room(1, 0)?;
            writer.remove(&key);
        }
        writer.apply()
    }

    fn check(&self, key: &[u8], body: &[u8]) -> [u8; CHECK] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[self.name.len() as u8]).update(self.name.as_bytes());
        hasher.update(&(key.len() as u32).to_le_bytes()).update(key).update(body);
        let mut check = [0; CHECK];
        hasher.finalize_xof().fill(&mut check);
        check
    }
}

/// A table: values of any size under keys of the rules' choosing.
///
/// A value is cut in parts under (key ‖ part u16). The suffix makes every pair of key and part another tree key and
/// keeps the order of keys; part 0, the head, begins with the length of the whole. A value that does not fit one batch
/// first loses its old head and gains its new one last, so that a crash leaves it whole or absent.
#[derive(Debug)]
pub(super) struct Values(Tree);

/// The length in front of a head.
const LENGTH: usize = 4;

impl Values {
    pub(super) fn open(engine: &Engine, name: &'static str) -> Result<Self, Error> {
        Tree::open(engine, name).map(Self)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let head = part_key(key, 0);
        let Some(body) = self.0.get(&head)? else { return Ok(None) };
        self.whole(key, &body).map(Some)
    }

    pub(super) fn put(&self, items: &[Put]) -> Result<(), Error> {
        // Of a repeated key the last value counts: each key is then staged once, and what it replaces is in the tree.
        let last: BTreeMap<&[u8], _> = items.iter().map(|(key, value)| (&key[..], value)).collect();
        let mut writer = self.0.writer();
        for (key, value) in last {
            match value {
                Some(value) => self.set(&mut writer, key, value)?,
                None => self.remove(&mut writer, key, 0)?,
            }
        }
        writer.apply()
    }

    pub(super) fn list(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, Error> {
        let first = after.filter(|after| *after >= prefix).unwrap_or(prefix);
        let mut listed = Vec::new();
        for item in self.0.range(first.to_vec()..) {
            if listed.len() == limit {
                break;
            }
            let (tree_key, value) = item?;
            if !tree_key.starts_with(prefix) {
                break;
            }
            let Some(key) = tree_key.strip_suffix(&[0, 0]).filter(|key| key.starts_with(prefix)) else { continue };
            if after.is_none_or(|after| key > after) {
                listed.push((key.to_vec(), self.whole(key, self.0.verify(&tree_key, &value)?)?));
            }
        }
        Ok(listed)
    }

    /// The first key with this prefix after another, whether or not its value is whole.
    pub(super) fn next_key(&self, prefix: &[u8], after: Option<&[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let first = after.map_or_else(|| prefix.to_vec(), |after| [&part_key(after, 0)[..], &[0]].concat());
        for item in self.0.range(first..) {
            let (tree_key, _) = item?;
            if !tree_key.starts_with(prefix) {
                break;
            }
            if let Some(key) = tree_key.strip_suffix(&[0, 0]).filter(|key| key.starts_with(prefix)) {
                return Ok(Some(key.to_vec()));
            }
        }
        Ok(None)
    }

    pub(super) fn clear(&self) -> Result<(), Error> {
        self.0.clear()
    }

    #[cfg(test)]
    pub(super) fn damage(&self, key: &[u8]) {
        self.0.tree.insert(part_key(key, 0), vec![7; CHECK + LENGTH]).unwrap();
    }

    /// Calls `found` for each damaged value, with its place.
    pub(super) fn verify_all(&self, mut found: impl FnMut(Error)) -> Result<(), Error> {
        for item in self.0.range(..) {
            let (tree_key, value) = item?;
            match (self.0.verify(&tree_key, &value), tree_key.strip_suffix(&[0, 0])) {
                (Ok(body), Some(key)) => drop(self.whole(key, body).map_err(&mut found)),
                (Ok(_), None) => {}
                (Err(error), _) => found(error),
            }
        }
        Ok(())
    }

    fn set(&self, writer: &mut Writer<'_>, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let (head, rest) = value.split_at(value.len().min(PART - LENGTH));
        let parts = 1 + rest.len().div_ceil(PART);
        self.remove(writer, key, parts)?;
        for (part, body) in (1..).zip(rest.chunks(PART)) {
            let part_key = part_key(key, part);
            writer.make_room(1, body.len() + 256)?;
            writer.set(&part_key, self.0.seal(&part_key, body));
        }
        let mut body = (value.len() as u32).to_le_bytes().to_vec();
        body.extend_from_slice(head);
        let head_key = part_key(key, 0);
        writer.make_room(1, body.len() + 256)?;
        writer.set(&head_key, self.0.seal(&head_key, &body));
        Ok(())
    }

    /// Removes the parts of an old value from `keep` on. The head goes too, and
    /// no later than they, when several parts change.
    fn remove(&self, writer: &mut Writer<'_>, key: &[u8], keep: usize) -> Result<(), Error> {
        let head = part_key(key, 0);
        let old = self.0.tree.get(&head).map_err(told("reading"))?;
        let Some(old) = old else { return Ok(()) };
        // A damaged head tells no length: its parts then stay until they are overwritten, and no head leads to them.
        let length =
            old.get(CHECK..CHECK + LENGTH).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
        let parts = parts_of(length as usize).min(usize::from(u16::MAX));
        if parts > 1 || keep != 1 {
            writer.make_room(1, 0)?;
            writer.remove(&head);
        }
        for part in keep.max(1)..parts {
            writer.make_room(1, 0)?;
            writer.remove(&part_key(key, part as u16));
        }
        Ok(())
    }

    /// The value whose verified head is `body`.
    fn whole(&self, key: &[u8], body: &[u8]) -> Result<Vec<u8>, Error> {
        let cut = || self.0.damaged(key, Flaw::Incomplete);
        let (length, head) = body.split_first_chunk::<LENGTH>().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        let mut value = head.to_vec();
        for part in 1..parts_of(length) {
            let part = u16::try_from(part).map_err(|_| cut())?;
            value.extend_from_slice(&self.0.get(&part_key(key, part))?.ok_or_else(cut)?);
        }
        if value.len() == length { Ok(value) } else { Err(cut()) }
    }
}

fn parts_of(length: usize) -> usize {
    1 + length.saturating_sub(PART - LENGTH).div_ceil(PART)
}

fn part_key(key: &[u8], part: u16) -> Vec<u8> {
    [key, &part.to_be_bytes()].concat()
}
