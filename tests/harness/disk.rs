//! Small disks that fill up and that are taken away from writers: tmpfs, mounted by root.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Set by `.ci/run`: there a disk that cannot be mounted is a failure.
const CI: &str = "ESSAIM_CI";

/// The file that takes the room.
const FILLER: &str = "filler";

/// A file system of its own, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
    _dir: TempDir,
}

impl SmallDisk {
    /// A disk of so many bytes; `None`, said loudly, where this process may not mount one.
    ///
    /// # Panics
    /// Where it may not although `.ci/run` asked for it.
    #[must_use]
    pub fn new(bytes: u64) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let size = format!("size={bytes}");
        let at = dir.path().to_owned();
        match run(
            "mount",
            &["-t".as_ref(), "tmpfs".as_ref(), "-o".as_ref(), size.as_ref(), "essaim".as_ref(), at.as_ref()],
        ) {
            Ok(()) => Some(Self { at, _dir: dir }),
            Err(error) if std::env::var_os(CI).is_some_and(|set| set == "1") => {
                panic!("no small disk could be mounted, and {CI} is set: {error}")
            }
            Err(error) => {
                // Past the capture of the test harness: who runs the tests must see what they do not show.
                let _ =
                    writeln!(io::stderr(), "NOT TESTED: a full and a read-only disk; mounting one needs root: {error}");
                None
            }
        }
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Free bytes.
    #[must_use]
    pub fn free(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.at).expect("the disk is there");
        disk.f_bavail * disk.f_frsize
    }

    /// Takes the room until only so many bytes are free.
    pub fn fill(&self, leaving: u64) {
        let mut filler = fs::File::options().create(true).append(true).open(self.at.join(FILLER)).expect("a filler");
        let mut room = self.free().saturating_sub(leaving);
        while room > 0 {
            let step = room.min(1 << 16);
            let bytes = vec![0xa5; usize::try_from(step).unwrap_or(1 << 16)];
            match filler.write_all(&bytes) {
                Ok(()) => room -= step,
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return,
                Err(error) => panic!("filling the disk: {error}"),
            }
        }
    }

    /// Gives the room back.
    pub fn clear(&self) {
        fs::remove_file(self.at.join(FILLER)).expect("a filled disk");
    }

    /// Mounts it so that nobody can write, and back. No file on it may be open for writing.
    pub fn set_read_only(&self, on: bool) {
        let mode = if on { "remount,ro" } else { "remount,rw" };
        run("mount", &["-o".as_ref(), mode.as_ref(), self.at.as_ref()])
            .unwrap_or_else(|error| panic!("{mode}: {error}"));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached at once, gone when the last file on it is closed.
        if let Err(error) = run("umount", &["-l".as_ref(), self.at.as_ref()]) {
            eprintln!("{} stays mounted: {error}", self.at.display());
        }
    }
}

fn run(program: &str, arguments: &[&OsStr]) -> io::Result<()> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
