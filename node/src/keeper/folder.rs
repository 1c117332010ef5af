//! The threads that fold.
//!
//! The desk [asks](Folder::ask) for a record with the entries that are new in it, goes on with its work, and
//! [takes](Folder::next) what is done when it has time: neither a session nor a person waits for a fold that they did not
//! ask for. What a person waits for comes first.
//!
//! The threads live as long as the desk. Each has a large stack, since automerge recurses and an overflow cannot be caught.
//! A panic is caught and told as the outcome of its job; nothing of that job is used again, so the next is not affected.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use essaim_protocol::api::Words;
use essaim_protocol::entry::Entry;
use essaim_protocol::id::{AllyId, DeviceKey, RecordId};
use essaim_protocol::record::fold::{self, FoldError, Folded, Reason};
use essaim_protocol::record::{View, authors};
use essaim_protocol::store::Ordinal;

use super::desk::Quarantined;

/// Threads at most: beyond these the desk, which reads and writes for them all, is what they wait for.
const THREADS: usize = 4;

/// Whose a device is.
pub(super) type Allies = BTreeMap<DeviceKey, AllyId>;

/// A record to fold.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) record: RecordId,
    /// What to fold on top of.
    pub(super) base: Base,
    /// The entries to add, as stored.
    pub(super) entries: Vec<Vec<u8>>,
    /// The end of the log when they were read.
    pub(super) until: Ordinal,
    pub(super) allies: Arc<Allies>,
}

/// What a record was folded to before.
#[derive(Debug)]
pub(super) enum Base {
    Nothing,
    /// As saved.
    Saved(Vec<u8>),
    /// At hand.
    Loaded(Box<Folded>),
}

/// A record that was folded, or could not be.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) record: RecordId,
    /// Whether it was folded from nothing.
    pub(super) anew: bool,
    pub(super) until: Ordinal,
    pub(super) outcome: Result<Fresh, FoldError>,
}

/// A record as it is now.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) folded: Box<Folded>,
    pub(super) view: View,
    pub(super) quarantined: Vec<Quarantined>,
}

/// The threads, and what they are to do.
#[derive(Debug)]
pub(super) struct Folder {
    queue: Arc<Queue>,
    done: mpsc::Receiver<Done>,
    threads: usize,
    /// Jobs that are not taken back yet.
    asked: usize,
}

impl Folder {
    /// Starts a thread for each processor, up to [`THREADS`].
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, |count| count.get().min(THREADS));
        let queue = Arc::new(Queue::default());
        let (tell, done) = mpsc::channel();
        for _ in 0..threads {
            let (queue, tell) = (Arc::clone(&queue), tell.clone());
            let thread = thread::Builder::new().name("fold".to_owned()).stack_size(fold::STACK);
            thread.spawn(move || {
                while let Some(job) = queue.next()
                    && tell.send(job.run()).is_ok()
                {}
            })?;
        }
        Ok(Self { queue, done, threads, asked: 0 })
    }

    /// How many are folded at a time.
    pub(super) const fn threads(&self) -> usize {
        self.threads
    }

    /// How many were asked for and not taken yet.
    pub(super) const fn asked(&self) -> usize {
        self.asked
    }

    /// Asks for a record. One that is `urgent` is folded before those that wait.
    pub(super) fn ask(&mut self, job: Job, urgent: bool) {
        self.asked += 1;
        self.queue.add(job, urgent);
    }

    /// What is done, once something is or `patience` ends.
    pub(super) fn next(&mut self, patience: Duration) -> Option<Done> {
        match self.done.recv_timeout(patience) {
            Ok(done) => {
                self.asked -= 1;
                Some(done)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.asked = 0;
                None
            }
        }
    }
}

impl Drop for Folder {
    /// The threads end after what they are at. Nobody waits for that: it is folded again when it is next needed.
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[derive(Debug, Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    fn add(&self, job: Job, urgent: bool) {
        self.with(|jobs| if urgent { jobs.waiting.push_front(job) } else { jobs.waiting.push_back(job) });
        self.news.notify_one();
    }

    fn close(&self) {
        self.with(|jobs| *jobs = Jobs { waiting: VecDeque::new(), closed: true });
        self.news.notify_all();
    }

    /// The next job, once there is one. `None` when it is closed.
    fn next(&self) -> Option<Job> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |jobs: &mut Jobs| jobs.waiting.is_empty() && !jobs.closed;
        self.news.wait_while(jobs, idle).unwrap_or_else(PoisonError::into_inner).waiting.pop_front()
    }

    /// Nothing under this lock can panic half way.
    fn with(&self, change: impl FnOnce(&mut Jobs)) {
        change(&mut self.jobs.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Job {
    fn run(self) -> Done {
        let (record, until) = (self.record, self.until);
        let anew = matches!(self.base, Base::Nothing);
        let outcome = fold::caught(|| self.fold()).map_err(FoldError::from).flatten();
        Done { record, anew, until, outcome }
    }

    fn fold(self) -> Result<Fresh, FoldError> {
        let mut folded = match self.base {
            Base::Nothing => Box::default(),
            Base::Saved(saved) => Box::new(Folded::load(&saved)?),
            Base::Loaded(folded) => folded,
        };
        // They passed all checks when they came; what does not decode any more is damage, which the doctor finds.
        let entries: Vec<Entry> = self
            .entries
            .iter()
            .filter_map(|bytes| Some(Entry::decode(bytes).ok()?.trust().into_inner()))
            .filter(|entry| chunk(entry).is_some())
            .collect();
        folded.add(&entries.iter().filter_map(chunk).collect::<Vec<_>>())?;
        let quarantined = folded.quarantined.iter().filter_map(|out| {
            let entry = entries.get(out.index)?;
            Some(Quarantined { entry: entry.id(), device: entry.device(), reason: why(&out.reason) })
        });
        let quarantined = quarantined.collect();
        let authors = authors(&folded.document, &|device| self.allies.get(device).copied());
        let view = View::read(self.record, &folded.document, &|actor| authors.get(&actor).copied());
        Ok(Fresh { folded, view, quarantined })
    }
}

/// Why a change is left out. What exactly is wrong with it is in English, for who mends Essaim.
fn why(reason: &Reason) -> Words {
    let fr = match reason {
        Reason::Malformed(_) => "ses octets enfreignent une règle",
        Reason::Waits(_) => "elle attend une modification qui n'est pas encore là",
        Reason::DependsOn(_) => "elle repose sur une modification mise à l'écart",
        Reason::Incoherent(_) => "elle contredit ce sur quoi elle a été faite",
        Reason::Full => "la fiche n'a plus de place pour elle, à côté de ce qui a été écrit en même temps",
        Reason::Breaks(_) => "elle rendrait la fiche illisible",
    };
    Words::new(fr, reason.to_string())
}

/// The automerge change of an entry.
fn chunk(entry: &Entry) -> Option<&[u8]> {
    match entry {
        Entry::Statement(_) => None,
        Entry::Change(change) => Some(change.chunk()),
        Entry::Adoption(adoption) => Some(adoption.chunk()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(record: u8, base: Base) -> Job {
        let (record, allies) = (RecordId([record; 32]), Arc::default());
        Job { record, base, entries: vec![b"no entry".to_vec()], until: Ordinal(7), allies }
    }

    #[test]
    fn a_fold_that_fails_leaves_the_next_as_it_was() {
        let mut folder = Folder::start().unwrap();
        folder.ask(job(1, Base::Saved(b"no document".to_vec())), false);
        let failed = folder.next(Duration::MAX).unwrap();
        assert!(matches!(failed.outcome, Err(FoldError::Base(_))) && !failed.anew);
        folder.ask(job(2, Base::Nothing), false);
        let done = folder.next(Duration::MAX).unwrap();
        assert_eq!((done.record, done.until, folder.asked()), (RecordId([2; 32]), Ordinal(7), 0));
        assert!(done.outcome.unwrap().view.fields.is_empty());
    }

    #[test]
    fn what_somebody_waits_for_comes_first() {
        let queue = Queue::default();
        for (record, urgent) in [(1, false), (2, false), (3, true)] {
            queue.add(job(record, Base::Nothing), urgent);
        }
        let order: Vec<u8> = (0..3).map(|_| queue.next().unwrap().record.0[0]).collect();
        assert_eq!(order, [3, 1, 2]);
        queue.close();
        assert!(queue.next().is_none());
    }
}
