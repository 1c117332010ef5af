//! sled, and what it takes to be safe with it.
//!
//! Measured and read in its source before it was chosen: its `flush` does not fsync on Linux, values that do not fit a
//! quarter of a segment go to files that are never fsynced, large batches grow memory without bound, and a damaged
//! database makes it panic. So: segments of 8 MiB and values of at most 32 KiB, batches of at most 100 operations,
//! `sync_all` on its file after every flush, and every call under [`guarded`].

use std::fs::File;
use std::path::{Path, PathBuf};

use essaim_protocol::record::fold::panic_message;
use essaim_protocol::store::{Error, Flaw};

/// Segments of sled's log. A value larger than a quarter of one would become a blob file, which sled never fsyncs; a
/// page here holds up to 32 values of [`MAX_PART`].
const SEGMENT: usize = 8 << 20;

/// Bytes of BLAKE3 by which we know what we wrote. It guards against accidents, not against people who can write here.
pub(super) const CHECK: usize = 16;

/// Longest value given to sled, in bytes, its check included.
pub(super) const MAX_PART: usize = 32 * 1024;

/// Operations in one batch: batches of 1,000 were seen to take 2.5 GB of memory.
const MAX_OPERATIONS: usize = 100;

/// Bytes in one batch: a sixteenth of what a segment's page may reach, so that a batch never spans many segments.
const MAX_BATCH: usize = 1 << 20;

/// An open database.
#[derive(Debug)]
pub(super) struct Engine {
    db: sled::Db,
    file: File,
    dir: PathBuf,
}

impl Engine {
    /// Opens or creates the database in `dir`. `cache` bounds sled's cache of pages, in bytes.
    pub(super) fn open(dir: &Path, cache: u64) -> Result<Self, Error> {
        let config = sled::Config::new()
            .path(dir)
            .segment_size(SEGMENT)
            .cache_capacity(cache)
            // Not for durability: it drives sled's garbage collection.
            .flush_every_ms(Some(500));
        let db = config.open().map_err(told("opening the database"))?;
        let engine = Self {
            db,
            file: File::open(dir.join("db")).map_err(io("opening the database's file"))?,
            dir: dir.to_path_buf(),
        };
        engine.make_durable()?;
        sync_dir(dir)?;
        Ok(engine)
    }

    pub(super) fn tree(&self, name: &str) -> Result<sled::Tree, Error> {
        self.db.open_tree(name).map_err(told("opening a tree"))
    }

    /// Everything written so far survives a power cut when this returns.
    pub(super) fn make_durable(&self) -> Result<(), Error> {
        self.db.flush().map_err(told("flushing the database"))?;
        self.file.sync_all().map_err(|source| Error::Io { doing: "making a write durable", source })
    }

    /// Values that sled put in files of their own, which would not be durable. There are none while values keep to
    /// [`MAX_PART`].
    pub(super) fn blobs(&self) -> Result<usize, Error> {
        let blobs = std::fs::read_dir(self.dir.join("blobs"));
        Ok(blobs.map_err(|source| Error::Io { doing: "listing blobs", source })?.count())
    }

    /// Bytes of all keys and values, by reading them.
    pub(super) fn live(&self) -> Result<u64, Error> {
        let mut live = 0;
        for name in self.db.tree_names() {
            for item in self.db.open_tree(name).map_err(told("opening a tree"))?.iter() {
                let (key, value) = item.map_err(told("measuring the database"))?;
                live += (key.len() + value.len()) as u64;
            }
        }
        Ok(live)
    }

    pub(super) fn size_on_disk(&self) -> Result<u64, Error> {
        self.db.size_on_disk().map_err(told("measuring the database"))
    }
}

/// Operations on one tree, applied in batches within the bounds above. A batch is atomic; what does not fit one is not.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    tree: &'a sled::Tree,
    batch: sled::Batch,
    operations: usize,
    bytes: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(tree: &'a sled::Tree) -> Self {
        Self { tree, batch: sled::Batch::default(), operations: 0, bytes: 0 }
    }

    pub(super) fn set(&mut self, key: &[u8], value: Vec<u8>) {
        debug_assert!(value.len() <= MAX_PART, "a value of {} bytes would leave the log of the database", value.len());
        self.operations += 1;
        self.bytes += key.len() + value.len();
        self.batch.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.operations += 1;
        self.batch.remove(key);
    }

    /// Applies what is there unless `operations` more of at most `bytes` in all still fit.
    pub(super) fn make_room(&mut self, operations: usize, bytes: usize) -> Result<(), Error> {
        if self.operations + operations > MAX_OPERATIONS || self.bytes + bytes > MAX_BATCH {
            self.apply()?;
        }
        Ok(())
    }

    pub(super) fn apply(&mut self) -> Result<(), Error> {
        if self.operations > 0 {
            let batch = std::mem::take(&mut self.batch);
            (self.operations, self.bytes) = (0, 0);
            self.tree.apply_batch(batch).map_err(told("writing to the database"))?;
        }
        Ok(())
    }
}

/// Runs what calls sled. A panic of its own becomes an error.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    crate::caught::catch(call).unwrap_or_else(|panic| Err(Error::Engine(panic_message(&*panic))))
}

/// An error of sled, in our terms.
pub(super) fn told(doing: &'static str) -> impl Fn(sled::Error) -> Error {
    move |error| match error {
        sled::Error::Io(source) => Error::Io { doing, source },
        sled::Error::Corruption { at, bt: () } => {
            let place = at.map_or_else(|| "the database".to_owned(), |at| format!("the database at {at:?}"));
            Error::Corrupt { place, what: Flaw::Check }
        }
        sled::Error::CollectionNotFound(_) | sled::Error::Unsupported(_) | sled::Error::ReportableBug(_) => {
            Error::Engine(error.to_string())
        }
    }
}

/// An error of the system, in our terms.
pub(super) fn io(doing: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Io { doing, source }
}

pub(super) fn sync_dir(dir: &Path) -> Result<(), Error> {
    crate::home::sync_dir(dir).map_err(io("making a directory durable"))
}

/// The check of some bytes.
pub(super) fn checksum(bytes: &[u8]) -> [u8; CHECK] {
    let mut check = [0; CHECK];
    blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut check);
    check
}
