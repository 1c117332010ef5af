//! The keeper of one commons: a thread that alone owns its store, its state, its index and its sync sessions.
//!
//! Others hold a [`Keeper`] handle and send it work as closures over the [`Desk`]; each runs to its end before the next,
//! so nothing here is locked and nothing is half done. Between two of them, when nobody waits, the thread does one short
//! step of what can be late: folding changed records, writing the index, housekeeping of the store.
//!
//! A panic inside a piece of work or of what is late (sled and automerge are known to) is caught, reported to whoever asked
//! as [`Gone`], and ends the keeper: after it the state in memory may differ from the disk, and only opening again is sure
//! to mend that.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use essaim_protocol::id::NetworkKey;
use tokio::sync::{oneshot, watch};

use crate::caught;

pub use desk::{
    About, Desk, Error as DeskError, Imported, JoinError, Made, Prospect, Quarantined, ReadError, SaveError, Saved,
    SessionId, Sheet, Wanted, about, charter_hash, store_config,
};
pub(crate) use desk::{IMPORT_BATCH, department, misdeed, scope};

mod desk;
mod folder;

/// How long the thread sleeps when there is nothing to do before it looks at its timers again.
const IDLE: Duration = Duration::from_secs(1);

/// Stack of the thread: automerge recurses by depth of a document, sled by depth of its tree.
const STACK: usize = 16 * 1024 * 1024;

type Work = Box<dyn FnOnce(&mut Desk) + Send>;

/// The keeper has stopped, by a failure told in the log or because the node shuts down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this commons is closed")]
pub struct Gone;

/// A handle on the thread. The last one dropped stops it.
#[derive(Debug, Clone)]
pub struct Keeper {
    work: mpsc::Sender<Work>,
    members: watch::Receiver<BTreeSet<NetworkKey>>,
    ended: watch::Receiver<bool>,
}

impl Keeper {
    /// Starts the thread over an opened desk.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(desk: Desk) -> std::io::Result<Self> {
        Self::with(desk, Desk::idle)
    }

    fn with(mut desk: Desk, idle: fn(&mut Desk) -> bool) -> std::io::Result<Self> {
        let (work, inbox) = mpsc::channel::<Work>();
        let (end, ended) = watch::channel(false);
        let members = desk.members();
        thread::Builder::new().name("keeper".to_owned()).stack_size(STACK).spawn(move || {
            let ended = caught::catch(|| {
                while let Some(work) = next(&inbox, &mut desk, idle) {
                    work(&mut desk);
                    if desk.is_finished() {
                        break;
                    }
                }
            });
            // What is in memory after a panic may be wrong; it must not be kept for the next opening.
            if ended.is_ok() {
                desk.close();
            } else {
                tracing::error!(commons = %desk.id(), "something panicked; this commons is closed until restart");
            }
            // The store is closed and its lock given back before anybody is told.
            drop((inbox, desk));
            end.send_replace(true);
        })?;
        Ok(Self { work, members, ended })
    }

    /// Stops the thread after what it has to do, and waits until the store is closed.
    pub async fn close(&self) {
        // One that has stopped by itself is closed as well.
        let _ = self.run(Desk::finish).await;
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    /// Whether the thread has stopped.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Those of these peers that are other allies' in good standing; nobody once it has stopped. It waits for nothing,
    /// however busy the thread is.
    #[must_use]
    pub fn members_among(&self, peers: &BTreeSet<NetworkKey>) -> Vec<NetworkKey> {
        let members = self.members.borrow();
        if self.has_ended() { Vec::new() } else { peers.intersection(&members).copied().collect() }
    }

    /// Has the thread do something, and waits for nothing. One that has stopped does it no more.
    pub fn tell(&self, work: impl FnOnce(&mut Desk) + Send + 'static) {
        let _ = self.work.send(Box::new(work));
    }

    /// Has the thread do something and waits for what comes of it.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Desk) -> T + Send + 'static) -> Result<T, Gone> {
        let (done, result) = oneshot::channel();
        let work: Work = Box::new(move |desk| {
            // Nobody waits any more when the asking task was dropped; the work is done all the same.
            let _ = done.send(work(desk));
        });
        self.work.send(work).map_err(|_| Gone)?;
        result.await.map_err(|_| Gone)
    }
}

/// The next piece of work; idle steps are done until there is one. `None` when all handles are dropped.
fn next(inbox: &mpsc::Receiver<Work>, desk: &mut Desk, idle: fn(&mut Desk) -> bool) -> Option<Work> {
    loop {
        match inbox.try_recv() {
            Ok(work) => return Some(work),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        if !idle(desk) {
            match inbox.recv_timeout(IDLE) {
                Ok(work) => return Some(work),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After so long a test fails rather than hangs.
    const HANGS: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn who_is_in_is_known_while_the_keeper_is_busy() {
        let dir = tempfile::tempdir().unwrap();
        let (desk, bob) = desk::tests::with_bob(dir.path());
        let peers = BTreeSet::from([bob, NetworkKey([9; 32])]);
        let keeper = Keeper::start(desk).unwrap();
        let (go, wait) = mpsc::channel::<()>();
        keeper.tell(move |_| wait.recv().unwrap_or_default());
        assert_eq!(keeper.members_among(&peers), [bob]);
        go.send(()).unwrap();
        keeper.close().await;
        assert_eq!(keeper.members_among(&peers), []);
    }

    #[tokio::test]
    async fn a_panic_in_what_is_late_ends_the_keeper_as_one_in_its_work_does() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::start(desk::tests::founded(&dir.path().join("work"))).unwrap();
        assert_eq!(keeper.run(|_| panic!("in a library")).await, Err::<(), _>(Gone));
        let late = Keeper::with(desk::tests::founded(&dir.path().join("late")), |_| panic!("in a library")).unwrap();
        for keeper in [keeper, late] {
            let mut ended = keeper.ended.clone();
            let ended = tokio::time::timeout(HANGS, ended.wait_for(|ended| *ended)).await;
            assert!(ended.is_ok(), "it goes on in a state that nobody knows");
            assert_eq!(keeper.run(|_| ()).await, Err(Gone));
        }
    }
}
