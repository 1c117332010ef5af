//! Locks on files that one process holds at a time.

use std::fs::{File, TryLockError};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long a lock may be taken by somebody who no longer wants it: a process that was just killed, or another's child
/// that inherited the file and has not yet begun its own program, holds it for an instant.
const PATIENCE: Duration = Duration::from_millis(500);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Why a lock is not ours.
#[derive(Debug)]
pub(crate) enum Refused {
    /// A process holds it, which signed it unless it had no room to.
    Held(Option<u32>),
    /// What the system says.
    System(std::io::Error),
}

/// Takes and signs the lock that is this file, made when there is none.
///
/// # Errors
/// [`Refused`].
pub(crate) fn hold(path: &Path) -> Result<File, Refused> {
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(Refused::System)?;
    match take(&file) {
        Ok(()) => {
            sign(&file);
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(Refused::Held(signed_by(&file))),
        Err(TryLockError::Error(source)) => Err(Refused::System(source)),
    }
}

/// Takes the lock, with a little patience. It is given back when the file is closed.
///
/// # Errors
/// [`TryLockError::WouldBlock`] when another process holds it.
pub(crate) fn take(file: &File) -> Result<(), TryLockError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(PAUSE),
            taken => return taken,
        }
    }
}

/// Notes in a lock that was taken who holds it. It is for people to read: on a full disk it may stay unsaid. Written over
/// what stood there, because a full disk has no room for the page of a file that was emptied.
fn sign(file: &File) {
    let pid = format!("{}\n", std::process::id());
    let _ = file.write_all_at(pid.as_bytes(), 0).and_then(|()| file.set_len(pid.len() as u64));
}

/// The process that signed a lock.
pub(crate) fn signed_by(file: &File) -> Option<u32> {
    let mut pid = [0; 16];
    let read = file.read_at(&mut pid, 0).ok()?;
    std::str::from_utf8(pid.get(..read)?).ok()?.lines().next()?.trim().parse().ok()
}
