//! The directory of a site: written beside, then put in the place of the earlier one in one step.
//!
//! `/srv/www/site` is written as `/srv/www/.site.essaim`, brought to the disk, and exchanged with the earlier one, which is
//! then deleted. Whatever ends the run before the exchange (a full disk, a power cut, an impatient person) leaves the
//! earlier site as it was; the next run clears what was left beside. A directory is only ever replaced when it holds the
//! [marker](MARKER) or nothing.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};
use rustix::io::Errno;

use super::{Error, Written};

/// The file that says that a run wrote the directory. The run that writes it holds a lock on it.
const MARKER: &str = ".essaim-site";

/// What people read in it.
const SAYS: &str = "Ce dossier est écrit par « essaim serve-site », qui le remplace en entier à chaque fois.\n\
                    This directory is written by \"essaim serve-site\", which replaces all of it each time.\n";

/// Where the sheets of records are.
pub(super) const SHEETS: &str = "fiche";

/// A site that is being written.
pub(super) struct Place {
    /// Where it is to be.
    dir: PathBuf,
    /// Where it is until then; deleted when the run ends before.
    aside: PathBuf,
    /// Held until the end.
    _lock: File,
    files: u64,
    bytes: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        // After the exchange this is the earlier site; what cannot be deleted is cleared by the next run.
        let _ = fs::remove_dir_all(&self.aside);
    }
}

impl Place {
    /// Takes the place of `dir`, which must be ours, empty, or not there.
    pub(super) fn begin(dir: &Path) -> Result<Self, Error> {
        let dir = resolved(dir)?;
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else { return Err(Error::NotOurs(dir)) };
        let aside = parent.join(format!(".{}.essaim", name.to_string_lossy()));
        for place in [&dir, &aside] {
            if !ours(place)? {
                return Err(Error::NotOurs(place.clone()));
            }
        }
        fs::create_dir_all(&aside).map_err(io_at(&aside))?;
        let marker = aside.join(MARKER);
        let lock = File::options().create(true).append(true).open(&marker).map_err(io_at(&marker))?;
        match crate::lock::take(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy(dir)),
            Err(TryLockError::Error(source)) => return Err(Error::Io { path: marker, source }),
        }
        clear(&aside)?;
        let mut place = Self { dir, aside, _lock: lock, files: 0, bytes: 0 };
        place.put(MARKER, SAYS.as_bytes())?;
        Ok(place)
    }

    /// Writes one file by its path in the site, whose parts are ours.
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.aside.join(name);
        if let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) {
            fs::create_dir_all(parent).map_err(io_at(parent))?;
        }
        fs::write(&path, bytes).map_err(io_at(&path))?;
        self.files += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Puts the site in its place.
    pub(super) fn finish(self) -> Result<Written, Error> {
        let (before, after) = (sheets(&self.dir)?, sheets(&self.aside)?);
        let count = |some: std::collections::btree_set::Difference<'_, std::ffi::OsString>| some.count() as u64;
        let written = Written {
            records: after.len() as u64,
            added: count(after.difference(&before)),
            removed: count(before.difference(&after)),
            files: self.files,
            bytes: self.bytes,
        };
        // A name must not reach the disk before what it names.
        let opened = File::open(&self.aside).map_err(io_at(&self.aside))?;
        syncfs(&opened).map_err(|errno| Error::Io { path: self.aside.clone(), source: errno.into() })?;
        self.exchange()?;
        Ok(written)
    }

    fn exchange(&self) -> Result<(), Error> {
        let failed = |source: io::Error| Error::Io { path: self.dir.clone(), source };
        if !self.dir.exists() {
            return fs::rename(&self.aside, &self.dir).map_err(failed);
        }
        match renameat_with(CWD, &self.aside, CWD, &self.dir, RenameFlags::EXCHANGE) {
            // Some file systems (network shares, FAT) know no exchange: two steps, the first undone if the second fails.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let earlier = self.aside.with_extension("essaim-earlier");
                fs::rename(&self.dir, &earlier).map_err(failed)?;
                if let Err(error) = fs::rename(&self.aside, &self.dir) {
                    fs::rename(&earlier, &self.dir).map_err(failed)?;
                    return Err(failed(error));
                }
                fs::remove_dir_all(&earlier).map_err(failed)
            }
            exchanged => exchanged.map_err(|errno| failed(errno.into())),
        }
    }
}

/// The directory itself, behind links, and with a parent.
fn resolved(dir: &Path) -> Result<PathBuf, Error> {
    if dir.exists() {
        return dir.canonicalize().map_err(io_at(dir));
    }
    let Some(name) = dir.file_name() else { return Err(Error::NotOurs(dir.to_owned())) };
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    Ok(parent.canonicalize().map_err(io_at(parent))?.join(name))
}

/// Whether nothing is lost when this directory is replaced.
fn ours(dir: &Path) -> Result<bool, Error> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(dir.join(MARKER).is_file() || entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(Error::Io { path: dir.to_owned(), source: error }),
    }
}

/// Deletes what an interrupted run left, but for the marker, which is locked.
fn clear(dir: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(io_at(dir))? {
        let entry = entry.map_err(io_at(dir))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(io_at(&path))?;
        if kind.is_dir() {
            fs::remove_dir_all(&path).map_err(io_at(&path))?;
        } else if entry.file_name() != MARKER {
            fs::remove_file(&path).map_err(io_at(&path))?;
        }
    }
    Ok(())
}

/// The names of the sheets that a site has.
fn sheets(site: &Path) -> Result<BTreeSet<std::ffi::OsString>, Error> {
    let dir = site.join(SHEETS);
    match fs::read_dir(&dir) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(io_at(&dir))?.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(Error::Io { path: dir, source: error }),
    }
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    move |source| Error::Io { path: path.to_owned(), source }
}
