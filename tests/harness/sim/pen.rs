//! What allies write, and a note of each save for the [ledger](super::ledger): which place of a record it wrote, and what.
//!
//! An edit is made as a form makes it: from the record as the ally sees it, sometimes as it saw it before, with values that
//! nobody else writes, so that each can be looked for in the end. A program of a newer version also writes what this one
//! has no name for.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{Automerge, ROOT, ScalarValue};
use essaim_protocol::entry::adoption::reference_chunk;
use essaim_protocol::entry::statement::Act;
use essaim_protocol::entry::{Adoption, Entry, Origin};
use essaim_protocol::id::{ChangeHash, EntryId, RecordId};
use essaim_protocol::record::edit::{self, Edit, EditError};
use essaim_protocol::record::{Field, Item, View, reference};
use essaim_protocol::sign::Verified;
use essaim_protocol::store::Store as _;
use essaim_protocol::time::Timestamp;
use serde_json::{Value as Json, json};

use super::ally::{Ally, Broken};
use super::dice::Dice;

/// Records that people write at a time: few, so that they meet.
const RECORDS: usize = 4;

/// Lines of a file that several allies import.
const LINES: u64 = 40;

const THEMES: [&str; 4] = ["energy", "water", "mobility", "food"];

/// One change, and what it was meant to do.
#[derive(Debug)]
pub(super) struct Save {
    pub(super) record: RecordId,
    pub(super) entry: EntryId,
    pub(super) change: ChangeHash,
    pub(super) wrote: Vec<Wrote>,
}

/// What a save did to one place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wrote {
    /// A value, instead of those it had seen.
    Scalar { path: String, value: Json },
    /// A member of a set.
    Joins { set: &'static str, member: String },
    /// No longer a member.
    Leaves { set: &'static str, member: String },
    /// A word in a text.
    Word(String),
    /// A word out of a text.
    Cut(String),
}

/// An ally at work: what it may choose from.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    pub(super) ally: &'a mut Ally,
    pub(super) dice: &'a mut Dice,
    pub(super) now: Timestamp,
    /// The records that people write.
    pub(super) records: &'a [RecordId],
    /// Whether its program is of a newer version.
    pub(super) newer: bool,
}

impl Pen<'_> {
    /// One save, or a statement.
    pub(super) fn write(&mut self) -> Result<Option<Save>, Broken> {
        let here = |record: &&RecordId| self.ally.disk.of_record(record).is_ok_and(|places| !places.is_empty());
        let known: Vec<RecordId> = self.records.iter().filter(here).copied().collect();
        match self.dice.below(12) {
            0 => {
                let act = self.statement();
                self.ally.say(act, self.now).map(|()| None)
            }
            1 => self.import().map(|()| None),
            2 if self.newer => self.creates_what_we_do_not_know().map(Some),
            3 if self.records.len() < RECORDS => self.create().map(Some),
            _ => match self.dice.pick(&known).copied() {
                Some(record) if self.newer && self.dice.one_in(2) => self.edits_what_we_do_not_know(record).map(Some),
                Some(record) => self.edit(record),
                None => self.create().map(Some),
            },
        }
    }

    fn statement(&mut self) -> Act {
        if !self.newer {
            return Act::Seen;
        }
        let kind = 128 + self.dice.below(128) as u8;
        Act::Unknown { kind, payload: self.dice.bytes()[..self.dice.index(32)].to_vec() }
    }

    pub(super) fn create(&mut self) -> Result<Save, Broken> {
        let (word, means) = (self.word(), self.word());
        let situation: String = (0..if self.dice.one_in(8) { 400 } else { 3 })
            .map(|_| format!("{:07x} ", self.dice.roll() >> 36))
            .collect();
        let fields = BTreeMap::from([
            ("title".to_owned(), json!("Une navette à la demande")),
            ("story".to_owned(), json!(format!("Un {word} deux."))),
            ("situation".to_owned(), situation.into()),
            ("themes".to_owned(), json!([THEMES[0]])),
            ("means".to_owned(), json!({ "funding": means })),
        ]);
        let draft = edit::create("experience", &fields, self.dice.bytes(), self.now)?.chunk;
        let wrote = vec![
            Wrote::Word(word),
            Wrote::Joins { set: "themes", member: THEMES[0].to_owned() },
            Wrote::Scalar { path: "means/funding".to_owned(), value: means.into() },
            Wrote::Scalar { path: "outcome".to_owned(), value: "not_told".into() },
        ];
        self.save(&draft, None, wrote)
    }

    /// Adopts a line of the file, unless somebody's adoption is here.
    pub(super) fn import(&mut self) -> Result<(), Broken> {
        let line = self.dice.below(LINES);
        let origin = Origin { system: "un fichier".to_owned(), id: line.to_string() };
        let fields = BTreeMap::from([
            ("title".to_owned(), json!(format!("La ligne {line}"))),
            (
                "summary".to_owned(),
                json!("Une même ligne, importée par plusieurs alliés.".repeat(1 + line as usize % 5)),
            ),
            // Some take a frame for themselves, so that a file takes more than may be under way at a time.
            ("grain".to_owned(), "En détail. ".repeat(if line.is_multiple_of(2) { 5_000 } else { 1 }).into()),
        ]);
        let chunk = reference_chunk(&origin, &reference::first("experience", &fields, &origin)?.chunk)?;
        let frontier = self.ally.frontier(self.now)?;
        let adoption = Adoption::sign(&self.ally.keys, self.ally.commons.id(), frontier, origin, chunk)?;
        if self.ally.disk.of_change(&adoption.hash())?.is_empty() {
            self.ally.enter(vec![Verified::trusted(Entry::Adoption(adoption.into_inner()))], self.now)?;
        }
        Ok(())
    }

    fn edit(&mut self, record: RecordId) -> Result<Option<Save>, Broken> {
        let sheet = self.ally.sheet(&record)?;
        let (heads, view) = self.base(&sheet.document, sheet.view)?;
        let mut edits = Vec::new();
        let mut wrote = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let (edit, writes) = self.wish(&view);
            // Two wishes for one field would be one.
            if edits.iter().all(|other| path(other).0[0] != path(&edit).0[0]) {
                edits.push(edit);
                wrote.extend(writes);
            }
        }
        match edit::draft(&sheet.document, &heads, &edits, self.dice.bytes(), self.now) {
            Ok(draft) => self.save(&draft.chunk, Some(record), wrote).map(Some),
            // Today's form has no place for the kinds of tomorrow.
            Err(EditError::NothingToDo | EditError::UnknownKind { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The record as it is, or as it was when some change was the last.
    fn base(&mut self, document: &Automerge, view: View) -> Result<(Vec<ChangeHash>, View), Broken> {
        if !self.dice.one_in(4) || view.heads.len() > edit::MAX_HEADS {
            return Ok((view.heads.clone(), view));
        }
        let all: Vec<_> = document.get_changes(&[]).iter().map(automerge::Change::hash).collect();
        let Some(last) = self.dice.pick(&all).copied() else { return Ok((view.heads.clone(), view)) };
        let then = document.fork_at(&[last])?;
        Ok((vec![ChangeHash(last.0)], View::read(view.record, &then, &|_| None)))
    }

    /// Something that somebody may want of a record that reads so.
    fn wish(&mut self, view: &View) -> (Edit, Vec<Wrote>) {
        match self.dice.below(6) {
            0 | 1 => {
                let (path, value) = ("means/funding", self.word());
                let settles = self.dice.one_in(3);
                let edit = if settles { Edit::settle(path, value.clone()) } else { Edit::set(path, value.clone()) };
                (edit, vec![Wrote::Scalar { path: path.to_owned(), value: value.into() }])
            }
            2 => self.chooses(view, "themes", &THEMES),
            3 => self.chooses(view, "tags", &["a", "b", "c", "d"]),
            4 => self.tells(view),
            _ => self.steps(view),
        }
    }

    fn chooses(&mut self, view: &View, set: &'static str, of: &[&str]) -> (Edit, Vec<Wrote>) {
        let before = members(view, set);
        let mut after = before.clone();
        let member = of[self.dice.index(of.len())].to_owned();
        let wrote = if after.remove(&member) {
            Wrote::Leaves { set, member }
        } else {
            after.insert(member.clone());
            Wrote::Joins { set, member }
        };
        (Edit::set(set, after.into_iter().collect::<Vec<_>>()), vec![wrote])
    }

    fn tells(&mut self, view: &View) -> (Edit, Vec<Wrote>) {
        let story = view.field("story").and_then(|story| story.text()).unwrap_or_default();
        let words: Vec<&str> = story.split(' ').filter(|word| word.starts_with("mot")).collect();
        if let Some(word) = self.dice.pick(&words).filter(|_| self.dice.one_in(3)) {
            let cut = story.replacen(*word, "", 1);
            return (Edit::set("story", cut), vec![Wrote::Cut((*word).to_owned())]);
        }
        let word = self.word();
        let gaps: Vec<usize> = story.match_indices(' ').map(|(at, _)| at).take(50).collect();
        let at = self.dice.pick(&gaps).copied().unwrap_or_default();
        let told = format!("{} {word} {}", &story[..at], &story[at..]);
        (Edit::set("story", told), vec![Wrote::Word(word)])
    }

    /// A new step, or another title of one.
    fn steps(&mut self, view: &View) -> (Edit, Vec<Wrote>) {
        let items = view.field("steps").and_then(|steps| steps.value()).map_or(&[][..], |steps| steps.items());
        let title = self.word();
        match self.dice.pick(items) {
            Some(item) if items.len() > 3 || self.dice.one_in(2) => {
                let path = format!("steps/{}/title", item.id);
                (Edit::set(&path, title.clone()), vec![Wrote::Scalar { path, value: title.into() }])
            }
            Some(_) | None => {
                let mut steps: Vec<Json> =
                    items.iter().map(|item| json!({ "_id": item.id, "title": titled(item) })).collect();
                steps.insert(self.dice.index(steps.len() + 1), json!({ "title": title }));
                // Its place is known once it is saved.
                (Edit::set("steps", steps), vec![Wrote::Scalar { path: "steps".to_owned(), value: title.into() }])
            }
        }
    }

    fn save(&mut self, draft: &[u8], record: Option<RecordId>, mut wrote: Vec<Wrote>) -> Result<Save, Broken> {
        let change = self.ally.share(draft, record, self.now)?;
        let record = change.record();
        for wrote in &mut wrote {
            if let Wrote::Scalar { path, value } = wrote
                && path == "steps"
            {
                let view = self.ally.sheet(&record)?.view;
                let items = view.field("steps").and_then(|steps| steps.value()).map_or(&[][..], |steps| steps.items());
                let item = items
                    .iter()
                    .find(|item| titled(item) == value.as_str())
                    .ok_or_else(|| Broken::Rule("a new step is not there".to_owned()))?;
                *path = format!("steps/{}/title", item.id);
            }
        }
        Ok(Save { record, entry: change.id(), change: change.hash(), wrote })
    }

    /// A record of a kind that no schema of today has.
    fn creates_what_we_do_not_know(&mut self) -> Result<Save, Broken> {
        let (word, nonce) = (self.word(), self.dice.bytes()[..16].to_vec());
        let draft = raw(&mut Automerge::new(), self.now, |tx| {
            tx.put(ROOT, "_kind", "pollen")?;
            tx.put(ROOT, "_n", ScalarValue::Bytes(nonce))?;
            tx.put(ROOT, "flower", &word)
        })?;
        self.save(&draft, None, vec![Wrote::Scalar { path: "flower".to_owned(), value: word.into() }])
    }

    /// A field that the kind does not have today, and a code that its vocabulary does not have.
    fn edits_what_we_do_not_know(&mut self, record: RecordId) -> Result<Save, Broken> {
        let (word, code) = (self.word(), self.word());
        let mut document = self.ally.sheet(&record)?.document;
        let draft = raw(&mut document, self.now, |tx| {
            tx.put(ROOT, "flower", &word)?;
            tx.put(ROOT, "outcome", &code)
        })?;
        let wrote = [("flower", word), ("outcome", code)];
        let wrote = wrote.map(|(path, value)| Wrote::Scalar { path: path.to_owned(), value: value.into() });
        self.save(&draft, Some(record), wrote.into())
    }

    /// A word that nobody else writes.
    fn word(&mut self) -> String {
        format!("mot{:016x}", self.dice.roll())
    }
}

fn titled(item: &Item) -> Option<&str> {
    item.fields.get("title").and_then(Field::text)
}

pub(super) fn members(view: &View, set: &str) -> BTreeSet<String> {
    let members = view.field(set).and_then(|set| set.value()?.members());
    members.into_iter().flat_map(BTreeMap::keys).cloned().collect()
}

fn path(edit: &Edit) -> &edit::Path {
    match edit {
        Edit::Set { path, .. } | Edit::Settle { path, .. } => path,
    }
}

/// A draft that no form makes.
fn raw(
    document: &mut Automerge,
    now: Timestamp,
    write: impl FnOnce(&mut automerge::transaction::Transaction<'_>) -> Result<(), automerge::AutomergeError>,
) -> Result<Vec<u8>, Broken> {
    document.set_actor([0; 16].into());
    let mut tx = document.transaction();
    write(&mut tx)?;
    tx.commit_with(CommitOptions::default().with_time(now.seconds()));
    let change = document.get_last_local_change();
    Ok(change.ok_or_else(|| Broken::Rule("automerge wrote nothing".to_owned()))?.raw_bytes().to_vec())
}
