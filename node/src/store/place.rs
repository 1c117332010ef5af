//! The directory of a store: who holds it, which format it has, how much room is left, and what was acknowledged.
//!
//! ```text
//! lock        held while the store is open; the process id inside
//! format      "essaim store 1"
//! mark        epoch and end of the log at the last acknowledged write
//! ballast     bytes that are given up when the disk is so full that the database could not be opened
//! database/   sled
//! database.new/  a copy in the making, whole once database/ is moved away
//! database.old/  one that was written anew, until the new one stands
//! outbox/     a second copy of own entries
//! quarantine/ what was found damaged, by time
//! ```
//!
//! The *mark* is what tells damage from age: a database that lost its tail, or its file, opens without complaint.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use essaim_protocol::id::Epoch;
use essaim_protocol::store::{Error, Flaw};

use super::engine::{checksum, io, sync_dir};
use crate::lock::Refused;

/// The format that this version writes and the newest that it reads.
pub(super) const FORMAT: u32 = 1;

/// Words in front of the number in the file `format`.
const FORMAT_NAME: &str = "essaim store ";

/// A store's directory, locked.
#[derive(Debug)]
pub(super) struct Place {
    dir: PathBuf,
    mark: File,
    _lock: File,
}

/// What was acknowledged last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) epoch: Epoch,
    pub(super) end: u64,
}

impl Place {
    /// Creates the directory when there is none, and locks it.
    pub(super) fn take(dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(denied(dir, "creating the store's directory"))?;
        let lock = lock(&dir.join("lock"), dir)?;
        check_format(&dir.join("format"), dir)?;
        let mut options = OpenOptions::new();
        let mark = options.read(true).write(true).create(true).truncate(false).open(dir.join("mark"));
        let mark = mark.map_err(denied(dir, "opening the mark"))?;
        sync_dir(dir)?;
        dir.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_dir)?;
        Ok(Self { dir: dir.to_path_buf(), mark, _lock: lock })
    }

    pub(super) fn database(&self) -> PathBuf {
        self.dir.join("database")
    }

    /// Where a database is copied to, or what is whole in a damaged one.
    pub(super) fn salvage(&self) -> PathBuf {
        self.dir.join("database.new")
    }

    /// Where a sound database is until its copy stands in its place.
    pub(super) fn replaced(&self) -> PathBuf {
        self.dir.join("database.old")
    }

    pub(super) fn outbox(&self) -> PathBuf {
        self.dir.join("outbox")
    }

    pub(super) fn quarantines(&self) -> PathBuf {
        self.dir.join("quarantine")
    }

    /// A name, not yet taken, for what is found damaged now.
    pub(super) fn quarantine(&self) -> PathBuf {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let names = (now..).map(|name| self.quarantines().join(name.to_string()));
        names.into_iter().find(|path| !path.exists()).unwrap_or_else(|| self.quarantines())
    }

    /// Free bytes on the disk.
    pub(super) fn free(&self) -> Result<u64, Error> {
        let disk = rustix::fs::statvfs(&self.dir).map_err(|errno| io("measuring the disk")(errno.into()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// There are too few free bytes.
    pub(super) fn full(&self, free: u64, needed: u64) -> Error {
        Error::Full { path: self.dir.display().to_string(), free, needed }
    }

    /// An error of the file system that means a full disk, or one that is mounted read-only, as that; others as they are.
    pub(super) fn explained(&self, error: Error, needed: u64) -> Error {
        let kind = if let Error::Io { source, .. } = &error { Some(source.kind()) } else { None };
        match kind {
            Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => self.full(self.free().unwrap_or(0), needed),
            Some(ErrorKind::ReadOnlyFilesystem) => Error::ReadOnlyDisk(self.dir.display().to_string()),
            Some(_) | None => error,
        }
    }

    /// Gives the ballast up. Tells whether there was one.
    pub(super) fn drop_ballast(&self) -> Result<bool, Error> {
        match fs::remove_file(self.dir.join("ballast")) {
            Ok(()) => sync_dir(&self.dir).map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io("giving up the ballast")(error)),
        }
    }

    /// Lays the ballast down when it is not there and `room` bytes stay free beside it.
    pub(super) fn lay_ballast(&self, bytes: u64, room: u64) -> Result<(), Error> {
        let path = self.dir.join("ballast");
        let there = bytes == 0 || fs::metadata(&path).is_ok_and(|found| found.len() >= bytes);
        if there || self.free()? < room.saturating_add(bytes) {
            return Ok(());
        }
        let file = File::create(&path).map_err(io("laying down the ballast"))?;
        let allocated = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes);
        if allocated.is_err() {
            // Some file systems cannot reserve: bytes that are written take their place as well.
            let mut zeros = std::io::repeat(0).take(bytes);
            std::io::copy(&mut zeros, &mut &file).map_err(io("laying down the ballast"))?;
        }
        sync_dir(&self.dir)
    }

    /// The mark, when one was written and is whole.
    pub(super) fn mark(&self) -> Option<Mark> {
        let mut bytes = [0; 40];
        self.mark.read_exact_at(&mut bytes, 0).ok()?;
        let (body, check) = bytes.split_first_chunk::<24>()?;
        let (epoch, end) = body.split_first_chunk()?;
        let mark = Mark { epoch: Epoch(*epoch), end: u64::from_le_bytes(end.try_into().ok()?) };
        (check == checksum(body)).then_some(mark)
    }

    /// Notes what is acknowledged. It is not synced: after a power cut an older mark stands, which claims less.
    pub(super) fn set_mark(&self, mark: Mark) -> Result<(), Error> {
        let mut bytes = [0; 40];
        bytes[..16].copy_from_slice(&mark.epoch.0);
        bytes[16..24].copy_from_slice(&mark.end.to_le_bytes());
        let check = checksum(&bytes[..24]);
        bytes[24..].copy_from_slice(&check);
        self.mark.write_all_at(&bytes, 0).map_err(io("writing the mark"))
    }
}

fn lock(path: &Path, dir: &Path) -> Result<File, Error> {
    crate::lock::hold(path).map_err(|refused| match refused {
        Refused::Held(pid) => Error::Locked { pid },
        Refused::System(source) => denied(dir, "locking the store")(source),
    })
}

fn check_format(path: &Path, dir: &Path) -> Result<(), Error> {
    let damaged = || Error::Corrupt { place: path.display().to_string(), what: Flaw::Form };
    match fs::read_to_string(path) {
        Ok(text) => {
            let number = text.trim().strip_prefix(FORMAT_NAME).and_then(|number| number.parse::<u32>().ok());
            match number {
                Some(found) if found > FORMAT => Err(Error::Newer { found, known: FORMAT }),
                Some(FORMAT) => Ok(()),
                Some(_) | None => write_format_anew(path, dir).map_err(|_| damaged()),
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => write_format_anew(path, dir),
        Err(error) if error.kind() == ErrorKind::InvalidData => write_format_anew(path, dir),
        Err(error) => Err(denied(dir, "reading the format")(error)),
    }
}

/// Formats are told by this file only when they are newer; one that is lost or illegible is of the first format, whose
/// values carry checks of their own.
fn write_format_anew(path: &Path, dir: &Path) -> Result<(), Error> {
    let mut file = File::create(path).map_err(denied(dir, "writing the format"))?;
    let written = writeln!(file, "{FORMAT_NAME}{FORMAT}").and_then(|()| file.sync_all());
    written.map_err(io("writing the format"))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other kinds are the system's own matter")]
fn denied(dir: &Path, doing: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| {
        let dir = dir.display().to_string();
        match source.kind() {
            ErrorKind::PermissionDenied => Error::Denied(dir),
            ErrorKind::ReadOnlyFilesystem => Error::ReadOnlyDisk(dir),
            _ => Error::Io { doing, source },
        }
    }
}
