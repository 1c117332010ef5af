//! Locks on files that one process holds at a time.

use std::fs::{File, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a lock may be taken by somebody who no longer wants it: a process that was just killed, or another's child
/// that inherited the file and has not yet begun its own program, holds it for an instant.
const PATIENCE: Duration = Duration::from_millis(500);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

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
