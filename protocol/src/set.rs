//! The reconciled set of a commons, as sync sees it: which entries are in it, without the entries.
//!
//! The rules decide what enters and leaves the set (see [`crate::roster`]); a [`Set`] only keeps up with them. It
//! carries the [sketch](crate::sketch) from which a peer finds what differs, the [digest](crate::digest) that says
//! whether anything does, and the digest of the statements alone, since two nodes that know different statements may
//! rightly hold different sets. A clone is a snapshot: a session pins one at its hello, whatever arrives meanwhile.

use crate::digest::Digest;
use crate::id::{CommonsId, EntryId};
use crate::sketch::{Key, Sketch};
use crate::wire::{DecodeError, Reader};

/// The version of a checkpoint's bytes.
const VERSION: u8 = 1;

/// What an entry is to sync: statements travel first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A membership statement.
    Statement,
    /// A change or an adoption.
    Content,
}

/// The set of entries that a node wants every other to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    all: Digest,
    statements: Digest,
    sketch: Sketch,
}

impl Set {
    /// The empty set of a commons.
    #[must_use]
    pub fn new(commons: &CommonsId) -> Self {
        Self { all: Digest::new(), statements: Digest::new(), sketch: Sketch::new(Key::of(commons)) }
    }

    /// Adds an entry. It must not be in the set: the caller knows, the set does not.
    pub fn insert(&mut self, id: &EntryId, kind: Kind) {
        self.all.insert(id);
        if kind == Kind::Statement {
            self.statements.insert(id);
        }
        self.sketch.insert(id.item());
    }

    /// Takes out an entry that is in the set.
    pub fn remove(&mut self, id: &EntryId, kind: Kind) {
        self.all.remove(id);
        if kind == Kind::Statement {
            self.statements.remove(id);
        }
        self.sketch.remove(id.item());
    }

    /// How many entries it has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.sketch.count()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The digest of all entries.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.all
    }

    /// The digest of the statements alone.
    #[must_use]
    pub const fn statements(&self) -> &Digest {
        &self.statements
    }

    /// Its coded symbols.
    #[must_use]
    pub const fn sketch(&self) -> &Sketch {
        &self.sketch
    }

    /// The bytes of a checkpoint: version u8 ‖ digest of all \[2048\] ‖ digest of the statements \[2048\] ‖ sketch. About
    /// 1.7 MB, nearly all zero bytes in a small commons.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<u8> {
        [vec![VERSION], self.all.to_bytes(), self.statements.to_bytes(), self.sketch.checkpoint()].concat()
    }

    /// Reads a checkpoint back.
    ///
    /// # Errors
    /// [`DecodeError`] when it is of another version, cut short or malformed: the set must then be made anew from the
    /// log.
    pub fn restore(commons: &CommonsId, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            VERSION => Ok(Self {
                all: Digest::read(&mut reader)?,
                statements: Digest::read(&mut reader)?,
                sketch: Sketch::restore(Key::of(commons), &mut reader)?,
            }),
            version => Err(DecodeError::Unknown { what: "version of a checkpoint", found: version.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMONS: CommonsId = CommonsId([9; 32]);

    fn entry(n: u8) -> EntryId {
        EntryId(*blake3::hash(&[n]).as_bytes())
    }

    #[test]
    fn what_came_and_went_leaves_no_trace() {
        let mut set = Set::new(&COMMONS);
        set.insert(&entry(1), Kind::Statement);
        let before = set.clone();
        set.insert(&entry(2), Kind::Content);
        assert_eq!((before.count(), set.count()), (1, 2));
        assert_eq!(set.statements(), before.statements());
        assert_ne!(set.digest(), before.digest());
        set.remove(&entry(2), Kind::Content);
        assert_eq!(set, before);
        set.remove(&entry(1), Kind::Statement);
        assert_eq!(set, Set::new(&COMMONS));
    }

    #[test]
    fn a_checkpoint_restores_the_set_or_says_why_not() {
        let mut set = Set::new(&COMMONS);
        (0..200).for_each(|n| set.insert(&entry(n), if n < 9 { Kind::Statement } else { Kind::Content }));
        let mut bytes = set.checkpoint();
        assert_eq!(Set::restore(&COMMONS, &bytes), Ok(set));
        assert!(Set::restore(&COMMONS, &bytes[..5000]).is_err());
        bytes[0] = 9;
        assert_eq!(
            Set::restore(&COMMONS, &bytes),
            Err(DecodeError::Unknown { what: "version of a checkpoint", found: 9 })
        );
    }
}
