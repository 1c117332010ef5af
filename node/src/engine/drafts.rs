//! Drafts, and places of the gazetteer to say where something happened.

use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::api::{
    self, Answer, Command, Draft, DraftBrief, Edit, Error, Form, KeepDraft, Lang, Problem, Saved, StartDraft,
    TemplateFor, Words,
};
use essaim_protocol::id::{AllyId, ChangeHash, RecordId};
use essaim_protocol::record::complete::{is_blank, lacks};
use essaim_protocol::record::edit::{self, EditError};
use essaim_protocol::record::{self, View};
use serde_json::{Map, Value as Json, json};

use super::brief::{read_error, title};
use super::records::{At, kind, place, put, record_of};
use super::{Engine, Room, brief, home_error, internal, now};
use crate::drafts::{self, Drafts, MAX_BYTES, MAX_DRAFTS};
use crate::index::gazetteer::{Found, Gazetteer, Place, Type};
use crate::keeper::Desk;

/// The key of an ally's own words in a map of positions.
const ALLY: &str = "ally:";

/// Places offered for what somebody types.
const OFFERED: usize = 12;

impl Engine {
    /// What a request about drafts asks. The keeper's thread does it: it may wait for the disk.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the engine sends only what is about drafts")]
    pub(super) async fn drafts(&self, room: &Room, lang: Lang, command: Command) -> Result<Answer, Error> {
        let (commons, drafts) = (room.name.clone(), self.0.drafts.clone());
        let work = move |desk: &mut Desk| -> Result<Answer, Error> {
            let mut writing = Writing { at: At { desk, commons: &commons, lang }, drafts: &drafts };
            Ok(match command {
                Command::Drafts => writing.list()?.into(),
                Command::StartDraft(start) => writing.start(start)?.into(),
                Command::Draft(asked) => writing.show(&asked)?.into(),
                Command::KeepDraft(keep) => writing.keep(keep)?.into(),
                Command::DropDraft(asked) => writing.drop(&asked)?.into(),
                Command::ShareDraft(asked) => writing.share(&asked)?.into(),
                _ => return Err(internal("this is not about drafts")),
            })
        };
        room.keeper.run(work).await.map_err(internal)?
    }
}

/// The territories that a name or code may mean, the likeliest first.
pub(super) fn places(text: &str) -> Vec<api::Place> {
    let gazetteer = Gazetteer::get();
    let mut places = match gazetteer.find(text) {
        Found::One(place) => vec![place],
        Found::Several(places) | Found::None(places) => places,
    };
    if text.trim().chars().count() > 1 {
        places.extend(gazetteer.beginning_with(text, OFFERED));
    }
    let mut seen = BTreeSet::new();
    places.retain(|place| seen.insert((place.ty, place.code)));
    places.truncate(OFFERED);
    places.iter().map(in_words).collect()
}

pub(super) fn in_words(place: &Place<'_>) -> api::Place {
    let department = place.department.filter(|_| place.ty != Type::Department);
    let department = department.and_then(|code| Gazetteer::get().get_by_code(Type::Department, code));
    let kind = match place.ty {
        Type::Commune => "commune",
        Type::Epci => "epci",
        Type::Petr => "petr_pays",
        Type::Pnr => "pnr",
        Type::Department => "department",
        Type::Region => "region",
    };
    api::Place {
        code: code_of(place),
        record: record_of(place),
        name: place.name.clone(),
        kind: kind.to_owned(),
        department: department.map(|department| department.name),
        population: place.population,
    }
}

fn code_of(place: &Place<'_>) -> String {
    let (system, id) = place.origin();
    format!("{system}:{id}")
}

/// The place of a [`api::Place::code`].
pub(super) fn place_of(code: &str) -> Result<Place<'static>, Error> {
    let unknown = || Error::UnknownTerritory { asked: code.to_owned(), candidates: Vec::new() };
    let (system, id) = code.split_once(':').ok_or_else(unknown)?;
    let types: &[Type] = match system {
        "insee-commune" => &[Type::Commune],
        "insee-departement" => &[Type::Department],
        "insee-region" => &[Type::Region],
        "siren" => &[Type::Epci, Type::Petr, Type::Pnr],
        _ => &[],
    };
    types.iter().find_map(|ty| Gazetteer::get().get_by_code(*ty, id)).ok_or_else(unknown)
}

/// A desk, and the drafts of its home.
struct Writing<'a> {
    at: At<'a>,
    drafts: &'a Drafts,
}

impl Writing<'_> {
    fn list(&self) -> Result<api::Drafts, Error> {
        let (drafts, damaged) = self.drafts.list(self.at.desk.id()).map_err(failed)?;
        Ok(api::Drafts {
            drafts: drafts.iter().map(|(name, draft)| line(name, draft)).collect(),
            damaged: damaged.iter().map(|path| path.display().to_string()).collect(),
        })
    }

    fn start(&mut self, start: StartDraft) -> Result<Draft, Error> {
        let commons = self.at.desk.id();
        let mut draft = match &start.of {
            TemplateFor::Kind(asked) => drafts::Draft::new(commons, &kind(asked)?.name, now()),
            TemplateFor::New(new) => {
                let spec = kind(&new.kind)?;
                let mut draft = drafts::Draft::new(commons, &spec.name, now());
                draft.put(self.at.fields(spec, new.form.clone(), &new.set)?.into_iter().collect());
                draft
            }
            TemplateFor::Record(asked) => {
                let view = self.at.view(asked)?;
                let mut draft = drafts::Draft::new(commons, &kind(&view.kind)?.name, now());
                draft.fields = view.fields_to_edit();
                draft.record = Some(view.record);
                draft.base = view.heads;
                draft
            }
        };
        let spec = kind(&draft.kind)?;
        let mut typed = self.at.filled(spec, start.form)?;
        for (path, value) in self.at.settings(spec, &start.set)? {
            put(&mut typed, &path, value);
        }
        draft.put(typed.into_iter().collect());
        for asked in &start.territories {
            let place = place(asked)?;
            let record = record_of(&place);
            let mut links = draft.fields.get("links").and_then(Json::as_array).cloned().unwrap_or_default();
            links.push(json!({"rel": "in_territory", "to": record.to_string()}));
            draft.put(Map::from_iter([("links".to_owned(), Json::Array(links))]));
            draft.places.insert(record, code_of(&place));
        }
        let name = self.drafts.create(&draft).map_err(failed)?;
        self.whole(&name, &draft)
    }

    fn show(&mut self, asked: &str) -> Result<Draft, Error> {
        let draft = self.get(asked)?;
        self.whole(asked, &draft)
    }

    fn keep(&mut self, keep: KeepDraft) -> Result<Draft, Error> {
        self.get(&keep.draft)?;
        let mut places = BTreeMap::new();
        for code in &keep.places {
            let place = place_of(code)?;
            places.insert(record_of(&place), code_of(&place));
        }
        let change = |draft: &mut drafts::Draft| {
            draft.put(keep.fields);
            draft.places.extend(places);
            if let Some(notes) = keep.notes {
                draft.notes = notes;
            }
            draft.updated_at = now();
        };
        let draft = self.drafts.change(&keep.draft, keep.after, change).map_err(failed)?;
        self.whole(&keep.draft, &draft)
    }

    fn drop(&mut self, asked: &str) -> Result<Draft, Error> {
        let draft = self.get(asked)?;
        // One that cannot be drawn is thrown away as well.
        let was = self.whole(asked, &draft).unwrap_or_else(|_| bare(asked, &draft));
        self.drafts.remove(asked).map_err(failed)?;
        Ok(was)
    }

    /// Writes the change first, then removes the draft: what is interrupted in between is not lost, and a record that was
    /// written then is not written again.
    fn share(&mut self, asked: &str) -> Result<Saved, Error> {
        let mut draft = self.get(asked)?;
        if let (None, Some((record, head))) = (draft.record, draft.made)
            && self.at.desk.view(&record).map_err(read_error)?.is_some()
        {
            (draft.record, draft.base) = (Some(record), vec![head]);
        }
        let named = references(&draft.fields);
        for code in draft.places.iter().filter(|(record, _)| named.contains(record)).map(|(_, code)| code) {
            self.at.adopt(&place_of(code)?)?;
        }
        let form = Some(Form::Fields(said(&draft)));
        let saved = match draft.record {
            None => self.first(asked, &draft.kind, form)?,
            Some(record) => {
                let (record, base) = (record.to_string(), draft.base);
                self.at.edit(Edit { record, base, form, set: Vec::new(), territories: Vec::new() })?
            }
        };
        self.drafts.remove(asked).map_err(failed)?;
        Ok(saved)
    }

    /// Writes the new record of a draft, which knows it before it is there.
    fn first(&mut self, asked: &str, name: &str, form: Option<Form>) -> Result<Saved, Error> {
        let spec = kind(name)?;
        let fields = self.at.fields(spec, form, &[])?;
        let made = match self.at.desk.make(&spec.name, &fields, now()) {
            Ok(made) => made,
            Err(error) => return self.at.saved("", Err(error), fields.into_keys().collect()),
        };
        if let Some(head) = made.head() {
            self.drafts.note_made(asked, made.record(), head).map_err(failed)?;
        }
        let saved = self.at.desk.write_down(made, now());
        self.at.saved("", saved, fields.into_keys().collect())
    }

    /// A draft of this commons.
    fn get(&self, asked: &str) -> Result<drafts::Draft, Error> {
        let draft = self.drafts.read(asked).map_err(failed)?;
        if draft.commons == self.at.desk.id() { Ok(draft) } else { Err(unknown(asked)) }
    }

    /// A draft as it is shown: with names, and what is wrong and missing.
    fn whole(&mut self, name: &str, draft: &drafts::Draft) -> Result<Draft, Error> {
        let view = match &draft.record {
            Some(record) => self.at.desk.view(record).map_err(read_error)?,
            None => None,
        };
        Ok(Draft {
            behind: view.as_ref().is_some_and(|view| apart(view, &draft.base)),
            names: self.names(draft)?,
            me: self.at.desk.me().map(|ally| format!("{ALLY}{ally}")),
            problems: self.problems(draft)?,
            ..bare(name, draft)
        })
    }

    /// The title of a record that is here, else the code of the place that it is.
    fn title_or(&mut self, record: &RecordId, code: &str) -> Result<String, Error> {
        let title = title(self.at.desk, record)?;
        Ok(if title == record.short() { code.to_owned() } else { title })
    }

    /// What sharing would say is wrong.
    fn problems(&mut self, draft: &drafts::Draft) -> Result<Vec<Problem>, Error> {
        let fields = said(draft);
        let tried = match &draft.record {
            None => {
                let fields: BTreeMap<String, Json> = fields.into_iter().collect();
                edit::create(&draft.kind, &fields, [0; 32], draft.updated_at)
            }
            Some(record) => {
                let edits: Vec<_> = fields.iter().map(|(name, value)| edit::Edit::set(name, value.clone())).collect();
                match self.at.desk.sheet(record).map_err(read_error)? {
                    Some(sheet) => edit::draft(&sheet.document, &draft.base, &edits, [0; 32], draft.updated_at),
                    None => return Ok(Vec::new()),
                }
            }
        };
        match tried.and_then(edit::Draft::rehearse) {
            Err(EditError::Invalid(problems)) => Ok(problems.iter().map(brief::problem).collect()),
            Ok(()) | Err(EditError::NothingToDo) => Ok(Vec::new()),
            Err(error) => match brief::too_much(&error) {
                Some(message) => Ok(vec![Problem { line: None, field: None, message }]),
                None => Err(brief::edit_error(error)),
            },
        }
    }

    fn names(&mut self, draft: &drafts::Draft) -> Result<BTreeMap<String, String>, Error> {
        let mut names = BTreeMap::new();
        for record in references(&draft.fields) {
            let name = match draft.places.get(&record) {
                // A newer gazetteer may have lost a place: the draft is the person's all the same.
                Some(code) => match place_of(code) {
                    Ok(place) => place.name,
                    Err(_) => self.title_or(&record, code)?,
                },
                None => title(self.at.desk, &record)?,
            };
            names.insert(record.to_string(), name);
        }
        let roster = self.at.desk.roster();
        let mut keys = BTreeSet::new();
        draft.fields.values().for_each(|value| ally_keys(value, &mut keys));
        keys.extend(self.at.desk.me());
        for id in keys {
            if let Some(ally) = roster.ally(&id) {
                names.insert(format!("{ALLY}{id}"), ally.name.to_string());
            }
        }
        Ok(names)
    }
}

/// A draft by itself.
fn bare(name: &str, draft: &drafts::Draft) -> Draft {
    Draft {
        brief: line(name, draft),
        base: draft.base.clone(),
        behind: false,
        names: BTreeMap::new(),
        me: None,
        problems: Vec::new(),
        missing: lacks(&draft.kind, &said(draft)).into_iter().map(missing).collect(),
        fields: draft.fields.clone(),
        notes: draft.notes.clone(),
        kept: draft.kept,
    }
}

fn line(name: &str, draft: &drafts::Draft) -> DraftBrief {
    DraftBrief {
        id: name.to_owned(),
        kind: draft.kind.clone(),
        title: draft.fields.get("title").and_then(Json::as_str).unwrap_or_default().trim().to_owned(),
        record: draft.record,
        updated_at: draft.updated_at,
    }
}

/// What would be shared: items without a word left out. Of a record that exists, only what was typed in.
fn said(draft: &drafts::Draft) -> Map<String, Json> {
    let shared = |name: &String| draft.record.is_none() || draft.touched.contains(name);
    let fields = draft.fields.iter().filter(|(name, _)| shared(name));
    let value = |value: &Json| {
        if let Some(items) = value.as_array() {
            items.iter().filter(|item| !is_blank(item)).cloned().collect()
        } else if is_blank(value) && !value.is_boolean() {
            // Emptied in an edit; never said in a new record.
            Json::Null
        } else {
            value.clone()
        }
    };
    let fields = fields.map(|(name, told)| (name.clone(), value(told)));
    fields.filter(|(_, told)| draft.record.is_some() || !told.is_null()).collect()
}

fn apart(view: &View, base: &[ChangeHash]) -> bool {
    let set = |heads: &[ChangeHash]| heads.iter().copied().collect::<BTreeSet<_>>();
    set(&view.heads) != set(base)
}

fn missing(lack: record::Lack) -> Problem {
    let message = Words::new(lack.message(record::Lang::Fr), lack.message(record::Lang::En));
    Problem { line: None, field: Some(lack.field().to_owned()), message }
}

/// The records that fields refer to.
fn references(fields: &Map<String, Json>) -> BTreeSet<RecordId> {
    fn walk(value: &Json, found: &mut BTreeSet<RecordId>) {
        match value {
            Json::String(text) => found.extend(text.parse::<RecordId>()),
            Json::Array(values) => values.iter().for_each(|value| walk(value, found)),
            Json::Object(members) => {
                found.extend(members.keys().filter_map(|key| key.parse::<RecordId>().ok()));
                members.values().for_each(|value| walk(value, found));
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    fields.values().for_each(|value| walk(value, &mut found));
    found
}

fn ally_keys(value: &Json, found: &mut BTreeSet<AllyId>) {
    match value {
        Json::Array(values) => values.iter().for_each(|value| ally_keys(value, found)),
        Json::Object(members) => {
            found.extend(members.keys().filter_map(|key| key.strip_prefix(ALLY)?.parse::<AllyId>().ok()));
            members.values().for_each(|value| ally_keys(value, found));
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn unknown(asked: &str) -> Error {
    Error::UnknownDraft { asked: asked.to_owned() }
}

fn failed(error: drafts::Error) -> Error {
    match error {
        drafts::Error::Unknown(name) => unknown(&name),
        drafts::Error::Moved => Error::DraftMoved {},
        drafts::Error::TooMany => Error::TooManyDrafts { max: MAX_DRAFTS },
        drafts::Error::TooLarge(found) => {
            let what = Words::new("ce brouillon", "this draft");
            Error::TooLarge { what, found: found as u64, max: MAX_BYTES as u64 }
        }
        drafts::Error::Home(error) => home_error(error),
    }
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::List;

    use super::super::records::tests::founded;
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_draft_shared_again_after_the_node_was_killed_is_one_record() {
        let home = tempfile::tempdir().unwrap();
        let node = founded(home.path()).await;
        let room = node.engine().rooms().await.remove(0);
        let drafts = Drafts::new(home.path());
        let told = move |desk: &mut Desk| {
            // Killed before it was written, and after.
            for (number, written) in [(1, false), (2, true)] {
                let titled = |title: &str| Map::from_iter([("title".to_owned(), json!(title))]);
                let mut draft = drafts::Draft::new(desk.id(), "experience", now());
                draft.put(titled("Une cantine"));
                let name = drafts.create(&draft).unwrap();
                let made = desk.make("experience", &titled("Une cantine").into_iter().collect(), now()).unwrap();
                let record = made.record();
                drafts.note_made(&name, record, made.head().unwrap()).unwrap();
                if written {
                    desk.write_down(made, now()).unwrap();
                }
                drafts.change(&name, None, |draft| draft.put(titled("Une cantine bio"))).unwrap();
                let at = At { desk, commons: "Patrimoine", lang: Lang::Fr };
                let mut writing = Writing { at, drafts: &drafts };
                let saved = writing.share(&name).unwrap();
                assert_eq!((saved.brief.id == record, &*saved.brief.title), (written, "Une cantine bio"));
                assert!(matches!(writing.share(&name), Err(Error::UnknownDraft { .. })));
                assert_eq!(writing.at.list(&List::default()).unwrap().total, number);
            }
        };
        room.keeper.run(told).await.unwrap();
        node.shutdown().await;
    }
}
