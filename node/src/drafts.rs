//! Drafts on disk: one JSON file each in `HOME/drafts`, written whole, so that a crash leaves what was kept last.
//!
//! The story of one draft: [`Drafts::create`] gives it a free name; every pause in typing comes through
//! [`Drafts::change`], which reads, changes and replaces the file under one lock, so that two windows on one draft do not
//! undo each other; sharing [removes](Drafts::remove) it. A file that cannot be read is named in the list, and left alone.
//! Other files in the directory (texts of an editor) are none of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use essaim_protocol::api::moment;
use essaim_protocol::id::{ChangeHash, CommonsId, RecordId, base32};
use essaim_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::home;

/// The most drafts of a home: far more than anybody finishes, and few enough to read all of them for a list.
pub(crate) const MAX_DRAFTS: usize = 200;

/// The most bytes of one draft: five times what one change of a record carries.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// Random bytes of a name: names are for one home, and a name that is taken is not taken again.
const NAME: usize = 5;

/// The form of the files; one of another form is damaged for this program, and stays as it is.
const VERSION: u32 = 1;

/// What is being written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Draft {
    version: u32,
    /// For which commons.
    pub(crate) commons: CommonsId,
    pub(crate) kind: String,
    /// The record that it changes; none for a new one.
    pub(crate) record: Option<RecordId>,
    /// What its writer had seen of the record.
    pub(crate) base: Vec<ChangeHash>,
    /// In the JSON form, as far as it is typed.
    pub(crate) fields: Map<String, Json>,
    /// The fields that were typed in: only these are shared of a record that exists.
    pub(crate) touched: BTreeSet<String>,
    /// Never shared.
    #[serde(default)]
    pub(crate) notes: String,
    /// Territories that may have no record yet, by the record that they will have.
    #[serde(default)]
    pub(crate) places: BTreeMap<RecordId, String>,
    /// The record that was being written of it when it was shared, and the change that it ends with.
    #[serde(default)]
    pub(crate) made: Option<(RecordId, ChangeHash)>,
    /// How often it was kept whole, as against by a window that keeps by itself.
    #[serde(default)]
    pub(crate) kept: u32,
    #[serde(with = "moment")]
    pub(crate) updated_at: Timestamp,
}

impl Draft {
    /// A draft of a record of this kind, with nothing in it.
    pub(crate) fn new(commons: CommonsId, kind: &str, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            commons,
            kind: kind.to_owned(),
            record: None,
            base: Vec::new(),
            fields: Map::new(),
            touched: BTreeSet::new(),
            notes: String::new(),
            places: BTreeMap::new(),
            made: None,
            kept: 0,
            updated_at: now,
        }
    }

    /// Puts what was typed in place of what was there; `null` empties.
    pub(crate) fn put(&mut self, fields: Map<String, Json>) {
        for (name, value) in fields {
            if self.fields.get(&name).unwrap_or(&Json::Null) != &value {
                self.touched.insert(name.clone());
                self.fields.insert(name, value);
            }
        }
    }
}

/// Why a draft cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is none of this name.
    #[error("no draft {0}")]
    Unknown(String),
    /// It was kept whole since.
    #[error("the draft moved on")]
    Moved,
    /// There are [`MAX_DRAFTS`].
    #[error("there are {MAX_DRAFTS} drafts already")]
    TooMany,
    /// More was typed than [`MAX_BYTES`].
    #[error("a draft of {0} bytes")]
    TooLarge(usize),
    /// The file cannot be read or written.
    #[error(transparent)]
    Home(#[from] home::Error),
}

/// Drafts with their names, and the files that cannot be read.
pub(crate) type Listed = (Vec<(String, Draft)>, Vec<PathBuf>);

/// The drafts of a home. Cheap to clone; clones take turns.
#[derive(Debug, Clone)]
pub(crate) struct Drafts {
    dir: PathBuf,
    turn: Arc<Mutex<()>>,
}

impl Drafts {
    pub(crate) fn new(home: &Path) -> Self {
        Self { dir: home.join("drafts"), turn: Arc::default() }
    }

    /// All of a commons, latest first, and the files that cannot be read.
    pub(crate) fn list(&self, commons: CommonsId) -> Result<Listed, Error> {
        let _turn = self.turn();
        let (mut drafts, mut damaged) = (Vec::new(), Vec::new());
        for (name, path) in self.files()? {
            match read(&path) {
                Ok(draft) if draft.commons == commons => drafts.push((name, draft)),
                Ok(_) => {}
                Err(_) => damaged.push(path),
            }
        }
        drafts.sort_by_key(|(_, draft)| std::cmp::Reverse(draft.updated_at));
        Ok((drafts, damaged))
    }

    pub(crate) fn read(&self, name: &str) -> Result<Draft, Error> {
        let _turn = self.turn();
        self.get(name)
    }

    /// Keeps a new draft and gives its name.
    pub(crate) fn create(&self, draft: &Draft) -> Result<String, Error> {
        let _turn = self.turn();
        if self.files()?.len() >= MAX_DRAFTS {
            return Err(Error::TooMany);
        }
        let name = std::iter::repeat_with(|| base32(&rand::random::<[u8; NAME]>()))
            .find(|name| !self.path(name).exists())
            .unwrap_or_default();
        self.write(&name, draft)?;
        Ok(name)
    }

    /// Changes a draft and gives it back as it is then. A window that keeps by itself says `after` how many whole keepings
    /// it was drawn: a later one may have removed what it still shows.
    pub(crate) fn change(
        &self,
        name: &str,
        after: Option<u32>,
        change: impl FnOnce(&mut Draft),
    ) -> Result<Draft, Error> {
        let _turn = self.turn();
        let mut draft = self.get(name)?;
        match after {
            Some(kept) if kept != draft.kept => return Err(Error::Moved),
            Some(_) => {}
            None => draft.kept = draft.kept.wrapping_add(1),
        }
        change(&mut draft);
        self.write(name, &draft)?;
        Ok(draft)
    }

    /// Notes, durably, which record is about to be written of a draft: the node may be killed before the draft is removed.
    pub(crate) fn note_made(&self, name: &str, record: RecordId, head: ChangeHash) -> Result<(), Error> {
        let _turn = self.turn();
        let draft = self.get(name)?;
        self.write(name, &Draft { made: Some((record, head)), ..draft })
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        let _turn = self.turn();
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Unknown(name.to_owned())),
            Err(source) => Err(home::Error::Io { path, source }.into()),
            Ok(()) => Ok(()),
        }
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        // Files are replaced whole: whoever fell over in its turn left them good.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, name: &str) -> Result<Draft, Error> {
        let path = self.path(name);
        if !is_name(name) || !path.exists() {
            return Err(Error::Unknown(name.to_owned()));
        }
        Ok(read(&path)?)
    }

    fn write(&self, name: &str, draft: &Draft) -> Result<(), Error> {
        let bytes = serde_json::to_vec(draft).map_or(0, |bytes| bytes.len());
        if bytes > MAX_BYTES {
            return Err(Error::TooLarge(bytes));
        }
        fs::create_dir_all(&self.dir).map_err(|source| home::Error::Io { path: self.dir.clone(), source })?;
        Ok(home::write_json(&self.path(name), draft)?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let io = |source| home::Error::Io { path: self.dir.clone(), source };
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io)?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json"));
            if let Some(name) = name.filter(|name| is_name(name)) {
                files.push((name.to_owned(), path.clone()));
            }
        }
        Ok(files)
    }
}

/// Names are ours: none leads out of the directory.
fn is_name(name: &str) -> bool {
    name.len() == NAME * 8 / 5 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn read(path: &Path) -> Result<Draft, home::Error> {
    let damaged = || home::Error::Damaged { path: path.to_owned(), what: home::Flaw::Json };
    let size = fs::metadata(path).map_err(|source| home::Error::Io { path: path.to_owned(), source })?.len();
    // Written with line ends and indents, a draft of the most bytes takes a few times as many.
    if size > 16 * MAX_BYTES as u64 {
        return Err(damaged());
    }
    let draft: Draft = home::read_json(path)?;
    if draft.version == VERSION { Ok(draft) } else { Err(damaged()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COMMONS: CommonsId = CommonsId([1; 32]);

    fn drafts() -> (tempfile::TempDir, Drafts) {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::new(dir.path());
        (dir, drafts)
    }

    fn draft(title: &str, at: i64) -> Draft {
        let mut draft = Draft::new(COMMONS, "experience", Timestamp(at));
        draft.put(json!({ "title": title }).as_object().unwrap().clone());
        draft
    }

    #[test]
    fn what_was_typed_is_there_on_another_day() {
        let (dir, drafts) = drafts();
        let name = drafts.create(&draft("Une navette", 1_000)).unwrap();
        let story = json!({"story": "Au début…", "title": null}).as_object().unwrap().clone();
        drafts.change(&name, None, |draft| draft.put(story)).unwrap();
        let again = Drafts::new(dir.path()).read(&name).unwrap();
        assert_eq!(again.fields, *json!({"title": null, "story": "Au début…"}).as_object().unwrap());
        assert_eq!(again.touched, BTreeSet::from(["story".to_owned(), "title".to_owned()]));
        drafts.remove(&name).unwrap();
        assert!(matches!(drafts.read(&name), Err(Error::Unknown(_))));
        assert!(matches!(drafts.remove(&name), Err(Error::Unknown(_))));
    }

    #[test]
    fn a_window_left_behind_does_not_undo_what_was_kept_since() {
        let (_dir, drafts) = drafts();
        let name = drafts.create(&draft("Une navette", 0)).unwrap();
        let put = |title: &str| json!({ "title": title }).as_object().unwrap().clone();
        drafts.change(&name, Some(0), |draft| draft.put(put("au fil de l'eau"))).unwrap();
        drafts.change(&name, None, |draft| draft.put(put("d'un bouton"))).unwrap();
        let late = drafts.change(&name, Some(0), |draft| draft.put(put("trop tard")));
        assert!(matches!(late, Err(Error::Moved)));
        assert_eq!(drafts.read(&name).unwrap().fields["title"], "d'un bouton");
    }

    #[test]
    fn a_damaged_draft_is_named_and_stops_nothing() {
        let (dir, drafts) = drafts();
        drafts.create(&draft("Ancien", 1_000)).unwrap();
        drafts.create(&draft("Récent", 2_000)).unwrap();
        drafts.create(&Draft::new(CommonsId([2; 32]), "actor", Timestamp(0))).unwrap();
        let bad = dir.path().join("drafts/aaaaaaaa.json");
        fs::write(&bad, "{\"version\":1,").unwrap();
        fs::write(dir.path().join("drafts/experience.md"), "un texte d'éditeur").unwrap();
        let (found, damaged) = drafts.list(COMMONS).unwrap();
        let titles: Vec<_> = found.iter().map(|(_, draft)| &draft.fields["title"]).collect();
        assert_eq!(titles, ["Récent", "Ancien"]);
        assert_eq!(damaged, std::slice::from_ref(&bad));
        assert!(drafts.read("aaaaaaaa").is_err());
        assert!(bad.exists(), "it is left for whoever can mend it");
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let (dir, drafts) = drafts();
        fs::write(dir.path().join("profile.json"), "{}").unwrap();
        for name in ["../profile", "", "aaaaaaa/", "AAAAAAAA", "aaaaaaaaa"] {
            assert!(matches!(drafts.read(name), Err(Error::Unknown(_))), "{name}");
        }
    }

    #[test]
    fn drafts_are_bounded_in_number_and_size() {
        let (_dir, drafts) = drafts();
        let name = drafts.create(&draft("", 0)).unwrap();
        let huge = json!({ "story": "é".repeat(MAX_BYTES) }).as_object().unwrap().clone();
        assert!(matches!(drafts.change(&name, None, |draft| draft.put(huge)), Err(Error::TooLarge(_))));
        assert_eq!(drafts.read(&name).unwrap(), draft("", 0), "what was kept before is still there");
        for number in 1..MAX_DRAFTS {
            fs::write(drafts.path(&format!("{number:08}")), "").unwrap();
        }
        assert!(matches!(drafts.create(&draft("", 0)), Err(Error::TooMany)));
    }
}
