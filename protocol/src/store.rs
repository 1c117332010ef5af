//! What the rules need from disk: a log of entries that only grows, a few ways to find an entry, and tables of notes.
//!
//! One store holds one commons. An entry that arrives is checked by the rules, then [appended](Store::append); when the
//! call returns the entry is durable and has an [`Ordinal`], its place in the log for ever. Sync asks for what it lacks
//! [by item](Store::matching), sends [in log order](Store::scan), and remembers what a peer holds as one ordinal. A
//! record is folded from the entries that [belong to it](Store::of_record). What the rules derive from the log (views,
//! the sketch, resolved statements) is kept in [tables](Table), each of which can be thrown away and built again, and
//! none of which is needed to know what is in the commons.
//!
//! The interface is synchronous and has one owner. [`Memory`] serves tests and the simulator; the node's is on disk.
//! Both pass [one suite](conformance).
#![doc = include_str!("../docs/store.md")]

pub mod conformance;
mod memory;

use std::fmt;
use std::ops::ControlFlow;

pub use memory::Memory;

use crate::id::{ChangeHash, EntryId, Epoch, Item, RecordId};

/// Longest entry a store takes, in bytes: a frame of sync, so nothing that can be received is refused here. The largest
/// legal entry is an adoption: a change of 192 KiB, its origin of some 2 KiB, four ids and a signature.
pub const MAX_ENTRY: usize = 256 * 1024;

/// Longest key of a table, in bytes: two ids and a little more.
pub const MAX_KEY: usize = 128;

/// Longest value of a table, in bytes. The largest is an automerge document, of up to 4,000 changes; one
/// whose cache would be longer is folded from the log instead.
pub const MAX_VALUE: usize = 16 * 1024 * 1024;

/// The place of an entry in this store's log. It never changes while the store's [`Epoch`] stays; the first is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ordinal(pub u64);

impl Ordinal {
    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entry to append, with the names under which it will be looked for. The store believes all of them: whoever
/// appends has decoded and verified the entry.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// The entry's id.
    pub id: EntryId,
    /// The entry as it travels: tag, then part.
    pub bytes: &'a [u8],
    /// The record that a change or an adoption belongs to.
    pub record: Option<RecordId>,
    /// The automerge change it carries.
    pub change: Option<ChangeHash>,
    /// Made on this device, and perhaps nowhere else yet: it stays in the [outbox](Store::outbox) until
    /// [confirmed](Store::confirm), a second copy that outlives damage to the store.
    pub own: bool,
}

/// What became of one appended entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is new, and its place is this.
    New(Ordinal),
    /// It was here already, at this place; nothing was written.
    Known(Ordinal),
}

impl Appended {
    /// The place of the entry, new or not.
    #[must_use]
    pub const fn ordinal(self) -> Ordinal {
        match self {
            Self::New(ordinal) | Self::Known(ordinal) => ordinal,
        }
    }
}

/// Tables of derived or local notes, key to value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// A record's readable view. Derived.
    Views,
    /// A record's automerge document, saved. Derived.
    Documents,
    /// The checkpoint of the reconciled set: digests and coded symbols. Derived.
    Sketch,
    /// Nothing: the digests stand in the checkpoint. Its name stays taken in stores of format 1.
    Digest,
    /// The statements below the checkpoint, by their places: what the roster is read from. Derived.
    Statements,
    /// What each peer is known to hold, and where it was last met. Local.
    Peers,
    /// Nothing: what waits is kept in memory. Its name stays taken in stores of format 1.
    Waiting,
    /// Records that could not be folded, and by whose change. Derived.
    Quarantine,
    /// Small notes that are not derived from the log. Local.
    Notes,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 9] = [
        Self::Views,
        Self::Documents,
        Self::Sketch,
        Self::Digest,
        Self::Statements,
        Self::Peers,
        Self::Waiting,
        Self::Quarantine,
        Self::Notes,
    ];

    /// Whether it can be derived from the log. A store that lost entries comes back with these tables empty; a position
    /// in the log belongs in the table that it is about.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        match self {
            Self::Views | Self::Documents | Self::Sketch | Self::Digest | Self::Statements | Self::Quarantine => true,
            Self::Peers | Self::Waiting | Self::Notes => false,
        }
    }

    /// Its name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Views => "views",
            Self::Documents => "documents",
            Self::Sketch => "sketch",
            Self::Digest => "digest",
            Self::Statements => "statements",
            Self::Peers => "peers",
            Self::Waiting => "waiting",
            Self::Quarantine => "quarantine",
            Self::Notes => "notes",
        }
    }
}

/// Key and new value; no value removes the key.
pub type Put = (Vec<u8>, Option<Vec<u8>>);

/// Key and value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full, or so nearly that the store could not be opened again. Nothing of this call is acknowledged.
    #[error("the disk of {path} is full: {free} bytes are free, {needed} are needed")]
    Full {
        /// The store's directory.
        path: String,
        /// Free bytes.
        free: u64,
        /// Bytes that have to be free before the store writes.
        needed: u64,
    },
    /// The file system failed.
    #[error("the file system failed while {doing}")]
    Io {
        /// What the store was doing.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Stored bytes are not what was written. They are named, kept, and never used.
    #[error("damaged on disk: {place}: {what}")]
    Corrupt {
        /// Where.
        place: String,
        /// What is wrong there.
        what: Flaw,
    },
    /// The storage engine stopped with a message of its own.
    #[error("the storage engine failed: {0}")]
    Engine(String),
    /// The store was written by a newer version of this program.
    #[error("this store has format {found}, newer than {known}, the newest this version knows; please upgrade")]
    Newer {
        /// The store's format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// Another process has it open.
    #[error("another essaim uses this store{}", .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// That process, when it could be told.
        pid: Option<u32>,
    },
    /// Writing is not permitted in the store's directory.
    #[error("no permission to write in {0}")]
    Denied(String),
    /// The disk of the store's directory is mounted read-only. The database writes when it opens.
    #[error("the disk of {0} is mounted read-only")]
    ReadOnlyDisk(String),
    /// An earlier write could not be made durable, so the store takes no more. What the system holds in memory and what
    /// is on disk may differ from there on, and trying again would hide it.
    #[error("the store is read-only since a write could not be made durable ({why}); restart after mending the disk")]
    ReadOnly {
        /// Whether the disk was full.
        full: bool,
        /// What failed.
        why: String,
    },
    /// A key, value or entry over its limit. The caller is at fault.
    #[error("{what} of {found} bytes is over the limit of {max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The limit.
        max: usize,
    },
}

/// What is wrong with stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// They are not those that were written.
    #[error("its check does not fit")]
    Check,
    /// Some are missing.
    #[error("a part of it is missing")]
    Incomplete,
    /// They are those that were written, and cannot be read.
    #[error("it is out of form")]
    Form,
    /// Two places say different things.
    #[error("it does not agree with the log")]
    Disagrees,
    /// They stand where a power cut may take them.
    #[error("values stand outside the database's log")]
    Misplaced,
}

/// A log of entries, its indexes, and tables of notes. Lookups by id are exact: two entries whose first bytes are equal
/// are two entries.
pub trait Store: Send + fmt::Debug {
    /// Drawn at random when the store was created: ordinals mean something only within it.
    fn epoch(&self) -> Epoch;

    /// The ordinal that the next entry will have.
    fn end(&self) -> Ordinal;

    /// Appends what is not yet known, in order, and returns when it is durable. A repeated entry, in the store or in
    /// `entries`, is told by [`Appended::Known`]. When the program is killed inside the call, a prefix may survive.
    ///
    /// # Errors
    /// Any but [`Error::Newer`] and [`Error::Locked`]; then nothing of `entries` is acknowledged, though a prefix may
    /// have been stored.
    fn append(&mut self, entries: &[Append<'_>]) -> Result<Vec<Appended>, Error>;

    /// Where the entry is, when it is here.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn ordinal(&self, id: &EntryId) -> Result<Option<Ordinal>, Error>;

    /// Places of all entries whose id begins with these 16 bytes: one, unless somebody ground for two.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn matching(&self, item: &Item) -> Result<Vec<Ordinal>, Error>;

    /// Places, ascending, of the entries that carry this automerge change: one, or several adoptions of the same
    /// reference change.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn of_change(&self, hash: &ChangeHash) -> Result<Vec<Ordinal>, Error>;

    /// Places, ascending, of the entries of a record.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn of_record(&self, record: &RecordId) -> Result<Vec<Ordinal>, Error>;

    /// At most `limit` ids of records that have entries, ascending, after `after`.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn records(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<RecordId>, Error>;

    /// The entry at this place; `None` past the end, or where damage took it away.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when its bytes are not what was written.
    fn read(&self, at: Ordinal) -> Result<Option<(EntryId, Vec<u8>)>, Error>;

    /// Shows entries in log order from `from` until `visit` breaks.
    ///
    /// # Errors
    /// As [`Store::read`]; entries before the damage were shown.
    fn scan(&self, from: Ordinal, visit: &mut Visit<'_>) -> Result<(), Error>;

    /// Shows ids in log order from `from` until `visit` breaks, without reading the entries.
    ///
    /// # Errors
    /// As [`Store::read`].
    fn ids(&self, from: Ordinal, visit: &mut dyn FnMut(Ordinal, EntryId) -> ControlFlow<()>) -> Result<(), Error>;

    /// Ids, in the order appended, of own entries that no other ally is known to hold.
    fn outbox(&self) -> Vec<EntryId>;

    /// A device of another ally holds these entries durably: they leave the outbox. Ids that are not in it are ignored.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn confirm(&mut self, ids: &[EntryId]) -> Result<(), Error>;

    /// A value of a table.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it is not what was written: put `None` and derive it again.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Sets and removes values, in order. They are durable after the next [`append`](Store::append) or
    /// [`sync`](Store::sync); a crash before may keep any of them, each whole or not at all.
    ///
    /// # Errors
    /// As [`Store::append`]; [`Error::TooLarge`] over [`MAX_KEY`] or [`MAX_VALUE`], before anything is written.
    fn put(&mut self, table: Table, items: &[Put]) -> Result<(), Error>;

    /// At most `limit` keys and values whose key begins with `prefix`, ascending, after the key `after`.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn list(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, Error>;

    /// Removes all of a table.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn clear(&mut self, table: Table) -> Result<(), Error>;

    /// Makes all earlier puts durable.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn sync(&mut self) -> Result<(), Error>;

    /// One short step of housekeeping, for idle moments; `true` when there is more to do. No ordinal moves.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn tidy(&mut self) -> Result<bool, Error>;
}

/// What a [scan](Store::scan) calls for each entry.
pub type Visit<'a> = dyn FnMut(Ordinal, EntryId, &[u8]) -> ControlFlow<()> + 'a;

/// Refuses keys and values over their bound, for every implementation alike.
///
/// # Errors
/// [`Error::TooLarge`].
pub fn check_puts(items: &[Put]) -> Result<(), Error> {
    for (key, value) in items {
        check("a key", key.len(), MAX_KEY)?;
        check("a value", value.as_ref().map_or(0, Vec::len), MAX_VALUE)?;
    }
    Ok(())
}

/// Refuses entries over their bound, for every implementation alike.
///
/// # Errors
/// [`Error::TooLarge`].
pub fn check_entries(entries: &[Append<'_>]) -> Result<(), Error> {
    entries.iter().try_for_each(|entry| check("an entry", entry.bytes.len(), MAX_ENTRY))
}

const fn check(what: &'static str, found: usize, max: usize) -> Result<(), Error> {
    if found > max { Err(Error::TooLarge { what, found, max }) } else { Ok(()) }
}
