//! What a home remembers for its own people alone, and never shares.
//!
//! ```text
//! HOME/settings.json    {"version": 1, "territory": "insee-commune:11170"}: which territory is ours
//! HOME/read.json        {"version": 1, "commons": {ID: [ITEM, …]}}: what was marked as read in the inbox, the latest last
//! ```
//!
//! Files are written whole. One that is damaged is told with its path and left alone.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use essaim_protocol::id::CommonsId;
use serde::{Deserialize, Serialize};

use crate::home::{self, Error, Flaw};

/// The form of both files.
const VERSION: u32 = 1;

/// Marks kept for each commons, the latest: several times what an inbox looks at, so that nothing that was read comes back.
const MAX_MARKS: usize = 5_000;

/// Which territory is ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Settings {
    version: u32,
    #[serde(default)]
    territory: Option<String>,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Marks {
    version: u32,
    commons: BTreeMap<String, Vec<String>>,
}

/// How much of an inbox was not read, when it was last counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Entries of the commons then.
    pub(crate) end: u64,
    /// Writes of these files then.
    pub(crate) turn: u64,
    pub(crate) unread: u64,
}

/// The files of a home. Cheap to clone; clones take turns.
#[derive(Debug, Clone)]
pub(crate) struct Personal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    home: PathBuf,
    counted: Mutex<BTreeMap<CommonsId, Counted>>,
    /// How often a file was written.
    turns: AtomicU64,
}

impl Personal {
    pub(crate) fn new(home: &Path) -> Self {
        Self(Arc::new(Inner { home: home.to_owned(), counted: Mutex::default(), turns: AtomicU64::new(0) }))
    }

    /// Our territory, by its official name in the gazetteer.
    pub(crate) fn territory(&self) -> Result<Option<String>, Error> {
        let settings: Settings = self.read("settings.json", |settings: &Settings| settings.version)?;
        Ok(settings.territory)
    }

    pub(crate) fn set_territory(&self, territory: Option<String>) -> Result<(), Error> {
        let _turn = self.counted();
        self.write("settings.json", &Settings { version: VERSION, territory })
    }

    /// What was marked as read.
    pub(crate) fn marks(&self, commons: CommonsId) -> Result<Vec<String>, Error> {
        let mut marks: Marks = self.read("read.json", |marks: &Marks| marks.version)?;
        Ok(marks.commons.remove(&commons.to_string()).unwrap_or_default())
    }

    /// Marks items as read.
    pub(crate) fn mark(&self, commons: CommonsId, items: Vec<String>) -> Result<(), Error> {
        let _turn = self.counted();
        let mut marks: Marks = self.read("read.json", |marks: &Marks| marks.version)?;
        let known = marks.commons.entry(commons.to_string()).or_default();
        let new: Vec<String> = items.into_iter().filter(|item| !known.contains(item)).collect();
        if new.is_empty() {
            return Ok(());
        }
        known.extend(new);
        known.drain(..known.len().saturating_sub(MAX_MARKS));
        self.write("read.json", &Marks { version: VERSION, ..marks })
    }

    /// What was counted last.
    pub(crate) fn last_count(&self, commons: CommonsId) -> Option<Counted> {
        self.counted().get(&commons).copied()
    }

    pub(crate) fn note_count(&self, commons: CommonsId, counted: Counted) {
        self.counted().insert(commons, counted);
    }

    /// How often a file was written.
    pub(crate) fn turn(&self) -> u64 {
        self.0.turns.load(Ordering::Acquire)
    }

    /// Whoever holds it writes alone.
    fn counted(&self) -> MutexGuard<'_, BTreeMap<CommonsId, Counted>> {
        // Counts are replaced whole: whoever fell over in its turn left them good.
        self.0.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T: for<'de> Deserialize<'de> + Default>(
        &self,
        name: &str,
        version: impl Fn(&T) -> u32,
    ) -> Result<T, Error> {
        let path = self.0.home.join(name);
        match home::read_json::<T>(&path) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(T::default()),
            Ok(read) if version(&read) != VERSION => Err(Error::Damaged { path, what: Flaw::Json }),
            read => read,
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        home::write_json(&self.0.home.join(name), value)?;
        self.0.turns.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMONS: CommonsId = CommonsId([1; 32]);

    fn personal() -> (tempfile::TempDir, Personal) {
        let dir = tempfile::tempdir().unwrap();
        let personal = Personal::new(dir.path());
        (dir, personal)
    }

    #[test]
    fn what_was_read_stays_read_and_the_oldest_marks_go() {
        let (dir, personal) = personal();
        assert_eq!(personal.marks(COMMONS).unwrap(), Vec::<String>::new());
        personal.mark(COMMONS, vec!["a".into(), "b".into()]).unwrap();
        personal.mark(COMMONS, vec!["b".into(), "c".into()]).unwrap();
        assert_eq!(Personal::new(dir.path()).marks(COMMONS).unwrap(), ["a", "b", "c"]);
        personal.mark(COMMONS, (0..MAX_MARKS).map(|n| n.to_string()).collect()).unwrap();
        let marks = personal.marks(COMMONS).unwrap();
        assert_eq!((marks.len(), &*marks[0]), (MAX_MARKS, "0"));
        assert_eq!(personal.marks(CommonsId([2; 32])).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn our_territory_is_chosen_and_given_up() {
        let (dir, personal) = personal();
        assert_eq!(personal.territory().unwrap(), None);
        personal.set_territory(Some("insee-commune:11170".into())).unwrap();
        assert_eq!(Personal::new(dir.path()).territory().unwrap().as_deref(), Some("insee-commune:11170"));
        personal.set_territory(None).unwrap();
        assert_eq!(personal.territory().unwrap(), None);
        assert_eq!(personal.turn(), 2);
    }

    #[test]
    fn a_damaged_file_is_told_and_left_alone() {
        let (dir, personal) = personal();
        for bad in ["", "{", "{\"version\": 9, \"commons\": {}}", "[]"] {
            std::fs::write(dir.path().join("read.json"), bad).unwrap();
            assert!(matches!(personal.marks(COMMONS), Err(Error::Damaged { .. })), "{bad}");
            assert!(matches!(personal.mark(COMMONS, vec!["a".into()]), Err(Error::Damaged { .. })), "{bad}");
            assert_eq!(std::fs::read_to_string(dir.path().join("read.json")).unwrap(), bad);
        }
    }
}
