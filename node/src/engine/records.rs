//! Records: reading, writing, settling, import and export.

use std::collections::BTreeMap;

use essaim_protocol::api::{
    Answer, BadLine, Brief, Candidate, Command, Conflict, ConflictsOf, Edit, Error, Export, Exported, Form, Import,
    Imported, Lang, New, Page, Problem, Progress, Report, Saved, Setting, Settle, Settlement, Sheet, Stage, Template,
    TemplateFor, Words,
};
use essaim_protocol::entry::{Entry, Origin};
use essaim_protocol::id::{ChangeHash, RecordId};
use essaim_protocol::record::edit::{self, Path};
use essaim_protocol::record::import::{Imported as Line, import_lines};
use essaim_protocol::record::schema::{self, Schema};
use essaim_protocol::record::{View, template};
use essaim_protocol::store::{Ordinal, Store as _};
use essaim_protocol::typography::french;
use serde_json::{Map, Value as Json, json};

use super::brief::{
    brief, conflict, edit_error, kinds, lang_of, names, read_error, referred, resolve, save_error, store_failed, title,
    too_much,
};
use super::fault::internal;
use super::finding::asked;
use super::{Engine, Room, now};
use crate::index::gazetteer::{Found, Gazetteer, Place};
use crate::index::{Search as Asked, Sort};
use crate::keeper::{self, Desk, SaveError};
use crate::starter;

/// Records whose views are made before a search answers: a second or two. When there are more, it answers from what is
/// there and says how many are still to come.
pub(super) const FOLD_FIRST: usize = 500;

impl Engine {
    /// What a request about records asks.
    pub(super) async fn records(
        &self,
        room: &Room,
        lang: Lang,
        command: Command,
        report: &Report,
    ) -> Result<Answer, Error> {
        if let Command::Import(import) = command {
            return self.import(room, import, report).await.map(Into::into);
        }
        let commons = room.name.clone();
        let work = move |desk: &mut Desk| -> Result<Answer, Error> {
            let mut at = At { desk, commons: &commons, lang };
            Ok(match command {
                Command::Template(of) => at.template(of)?.into(),
                Command::New(new) => at.new_record(new)?.into(),
                Command::Edit(edit) => at.edit(edit)?.into(),
                Command::Show(asked) => at.show(&asked)?.into(),
                Command::ShowAt(version) => at.show_at(&version)?.into(),
                Command::Linked(asked) => at.linked(&asked)?.into(),
                Command::List(list) => at.list(&list)?.into(),
                Command::Search(search) => at.search(search)?.into(),
                Command::Places(search) => at.map(&search)?.into(),
                Command::Log(asked) => at.log(&asked)?.into(),
                Command::Conflicts(asked) => at.conflicts(&asked)?.into(),
                Command::Settle(settle) => at.settle(settle)?.into(),
                Command::Contribute(given) => at.contribute(given)?.into(),
                Command::TakeStep(take) => at.take_step(take)?.into(),
                Command::Board(asked) => at.board(&asked)?.into(),
                Command::Export(export) => at.export(&export)?.into(),
                Command::Init(_)
                | Command::CreateCommons(_)
                | Command::ListCommons
                | Command::ShowCommons
                | Command::Invite(_)
                | Command::ReadTicket(_)
                | Command::Join(_)
                | Command::Allies
                | Command::Ally(_)
                | Command::Status
                | Command::Drafts
                | Command::StartDraft(_)
                | Command::Draft(_)
                | Command::KeepDraft(_)
                | Command::DropDraft(_)
                | Command::ShareDraft(_)
                | Command::Inbox(_)
                | Command::MarkRead(_)
                | Command::Unread
                | Command::Territory(_)
                | Command::Settings
                | Command::SetSettings(_)
                | Command::Gazetteer(_)
                | Command::Digest(_)
                | Command::Agenda(_)
                | Command::Catalogue(_)
                | Command::Whole
                | Command::Archive(_)
                | Command::Sync(_)
                | Command::Import(_)
                | Command::Doctor(_) => return Err(internal("this is not about records")),
            })
        };
        room.keeper.run(work).await.map_err(internal)?
    }

    /// Takes in a file, some lines at a time: others are answered in between.
    async fn import(&self, room: &Room, import: Import, report: &Report) -> Result<Imported, Error> {
        report(Progress { stage: Stage::Reading, done: 0, total: None });
        let read = move |desk: &mut Desk| {
            let here = |record: &RecordId| desk.store().of_record(record).is_ok_and(|entries| !entries.is_empty());
            import_lines(&import.lines, &here)
        };
        let read = room.keeper.run(read).await.map_err(internal)?;
        let bad = read.bad.iter().map(|bad| BadLine { line: bad.line as u64, problem: import_problem(&bad.error) });
        let mut answer = Imported { bad: bad.collect(), ..Imported::default() };
        let (mut done, total) = (0, Some(read.records.len() as u64));
        let mut rest = read.records.into_iter();
        loop {
            let some: Vec<Line> = rest.by_ref().take(keeper::IMPORT_BATCH).collect();
            if some.is_empty() {
                break;
            }
            let commons = room.name.clone();
            let work = move |desk: &mut Desk| {
                let outcomes = desk.import(&some, now()).map_err(|error| save_error(&commons, "", error))?;
                if desk.stale() <= FOLD_FIRST {
                    desk.refresh_all(&mut |_| {}).map_err(read_error)?;
                }
                Ok::<_, Error>(some.into_iter().zip(outcomes).collect::<Vec<_>>())
            };
            for (line, outcome) in room.keeper.run(work).await.map_err(internal)?? {
                done += 1;
                match outcome {
                    Ok(keeper::Imported::Created) => answer.created += 1,
                    Ok(keeper::Imported::Updated) => answer.updated += 1,
                    Ok(keeper::Imported::Unchanged) => answer.unchanged += 1,
                    Err(error) => answer.bad.push(bad_line(&line, error)),
                }
            }
            report(Progress { stage: Stage::Writing, done, total });
        }
        answer.bad.sort_by_key(|bad| bad.line);
        Ok(answer)
    }

    /// Adopts the records that the program ships.
    pub(super) async fn adopt_starter(&self, room: &Room, report: &Report) -> Result<(), Error> {
        let commons = room.name.clone();
        let records = starter::records();
        let total = records.len() as u64;
        report(Progress { stage: Stage::Writing, done: 0, total: Some(total) });
        let work = move |desk: &mut Desk| {
            desk.adopt(records, now()).map(drop).map_err(|error| save_error(&commons, "", error))
        };
        room.keeper.run(work).await.map_err(internal)??;
        report(Progress { stage: Stage::Writing, done: total, total: Some(total) });
        Ok(())
    }
}

/// A desk, and in which words to answer.
pub(super) struct At<'a> {
    pub(super) desk: &'a mut Desk,
    pub(super) commons: &'a str,
    pub(super) lang: Lang,
}

impl At<'_> {
    fn template(&mut self, of: TemplateFor) -> Result<Template, Error> {
        let lang = lang_of(self.lang);
        match of {
            TemplateFor::Kind(asked) => {
                let text = template::blank(kind(&asked)?, lang);
                Ok(Template { text, record: None, base: Vec::new() })
            }
            TemplateFor::New(new) => {
                let name = kind(&new.kind)?;
                let fields = self.fields(name, new.form, &new.set)?;
                // A mistake is told now, not on the day when the draft is shared.
                edit::create(&name.name, &fields, [0; 32], now()).map_err(edit_error)?;
                let problems: Vec<Problem> = template::without_place(name, &fields).map(not_by_hand).collect();
                if !problems.is_empty() {
                    return Err(Error::Invalid { problems });
                }
                Ok(Template { text: template::filled(name, &fields, lang), record: None, base: Vec::new() })
            }
            TemplateFor::Record(asked) => {
                let view = self.view(&asked)?;
                let desk = std::cell::RefCell::new(&mut *self.desk);
                let named = |id: RecordId| title(&mut desk.borrow_mut(), &id).ok();
                let text = template::print(&view, lang, &named).ok_or_else(|| unknown_kind(&view.kind))?;
                Ok(Template { text, record: Some(view.record), base: view.heads })
            }
        }
    }

    pub(super) fn new_record(&mut self, new: New) -> Result<Saved, Error> {
        let name = kind(&new.kind)?;
        let mut fields = self.fields(name, new.form, &new.set)?;
        for territory in self.territories(&new.territories)? {
            let links = fields.entry("links".to_owned()).or_insert_with(|| json!([]));
            if let Json::Array(links) = links {
                links.push(json!({"rel": "in_territory", "to": territory.to_string()}));
            }
        }
        let saved = self.desk.create(&name.name, &fields, now());
        self.saved("", saved, fields.into_keys().collect())
    }

    /// The fields of a new record in the JSON form: those of a form, with settings over them.
    pub(super) fn fields(
        &self,
        kind: &schema::Kind,
        form: Option<Form>,
        set: &[Setting],
    ) -> Result<BTreeMap<String, Json>, Error> {
        let mut fields = self.filled(kind, form)?;
        for (path, value) in self.settings(kind, set)? {
            put(&mut fields, &path, value);
        }
        Ok(fields)
    }

    /// What a form holds, in the JSON form.
    pub(super) fn filled(&self, kind: &schema::Kind, form: Option<Form>) -> Result<BTreeMap<String, Json>, Error> {
        Ok(match form {
            Some(Form::Fields(fields)) => fields.into_iter().collect(),
            Some(Form::Template(text)) => {
                template::parse(kind, &text, lang_of(self.lang)).map_err(|found| mistakes(&found))?.fields
            }
            None => BTreeMap::new(),
        })
    }

    pub(super) fn edit(&mut self, edit: Edit) -> Result<Saved, Error> {
        let view = self.view(&edit.record)?;
        let name = kind(&view.kind)?;
        let entries = self.desk.store().of_record(&view.record).map_err(store_failed)?;
        for head in &edit.base {
            let places = self.desk.store().of_change(head).map_err(store_failed)?;
            if !places.iter().any(|place| entries.contains(place)) {
                return Err(Error::Invalid { problems: vec![unknown_base()] });
            }
        }
        let mut edits: Vec<edit::Edit> = match edit.form {
            Some(Form::Fields(fields)) => {
                fields.iter().map(|(name, value)| edit::Edit::set(name, value.clone())).collect()
            }
            Some(Form::Template(text)) => {
                let lang = lang_of(self.lang);
                let parsed = template::parse(name, &text, lang).map_err(|found| mistakes(&found))?;
                let shown = template::print(&self.shown_at(&view, &edit.base)?, lang, &|_| None);
                let shown = shown.and_then(|text| template::parse(name, &text, lang).ok());
                parsed.edits(&shown.unwrap_or_default())
            }
            None => Vec::new(),
        };
        for (path, value) in self.settings(name, &edit.set)? {
            edits.push(edit::Edit::Set { path, value });
        }
        for territory in self.territories(&edit.territories)? {
            let path = Path(vec!["links".to_owned(), format!("in_territory|{territory}")]);
            edits.push(edit::Edit::Set { path, value: json!({}) });
        }
        let fields = edits.iter().map(|edit| path_of(edit).to_string()).collect();
        let saved = self.desk.save(&view.record, &edit.base, &edits, now());
        self.saved(&edit.record, saved, fields)
    }

    /// What was shown of a record at the changes that an edit was made on.
    fn shown_at(&mut self, view: &View, base: &[ChangeHash]) -> Result<View, Error> {
        if base.is_empty() || base == view.heads {
            return Ok(view.clone());
        }
        let then = self.desk.sheet_at(&view.record, base).map_err(read_error)?;
        Ok(then.map_or_else(|| view.clone(), |then| then.view))
    }

    pub(super) fn saved(
        &mut self,
        asked: &str,
        saved: Result<keeper::Saved, SaveError>,
        fields: Vec<String>,
    ) -> Result<Saved, Error> {
        let saved = saved.map_err(|error| save_error(self.commons, asked, error))?;
        let fields = if saved.change.is_some() { fields } else { Vec::new() };
        Ok(Saved { brief: brief(self.desk, &saved.view)?, change: saved.change, fields, missing: lacking(&saved.view) })
    }

    fn show(&mut self, asked: &str) -> Result<Sheet, Error> {
        let view = self.view(asked)?;
        let entries = self.desk.entries(&view.record).map_err(store_failed)?;
        self.sheet(&view, &entries)
    }

    /// A record that these entries made, in the words of the API.
    pub(super) fn sheet(&mut self, view: &View, entries: &[(Ordinal, Entry)]) -> Result<Sheet, Error> {
        let changes = entries.iter().filter_map(|(_, entry)| match entry {
            Entry::Change(change) => Some((change.device(), change.time())),
            Entry::Statement(_) | Entry::Adoption(_) => None,
        });
        let (mut written_by, mut created_at) = (Vec::new(), None);
        for (device, time) in changes {
            created_at.get_or_insert(time);
            let ally = self.desk.roster().ally_of(&device).and_then(|id| self.desk.roster().ally(&id));
            let name = ally.map_or_else(|| device.short(), |ally| ally.name.to_string());
            if !written_by.contains(&name) {
                written_by.push(name);
            }
        }
        let mut disagreements = Vec::new();
        for one in view.conflicts() {
            disagreements.push(conflict(self.desk, view, &one, self.lang)?);
        }
        let mut proposals = Vec::new();
        for one in view.proposals() {
            proposals.push(conflict(self.desk, view, &one, self.lang)?);
        }
        let referred = referred(self.desk, view)?;
        Ok(Sheet {
            brief: brief(self.desk, view)?,
            fields: view.fields_json(),
            names: names(self.desk, view, &referred),
            langs: referred.into_iter().filter_map(|one| Some((one.id.to_string(), one.lang?))).collect(),
            written_by,
            created_at,
            heads: view.heads.clone(),
            citation: self.citation(view),
            disagreements,
            missing: lacking(view),
            proposals,
            held_by: self.held_by(entries),
        })
    }

    fn conflicts(&mut self, of: &ConflictsOf) -> Result<Vec<Conflict>, Error> {
        let records = match &of.record {
            Some(asked) => vec![resolve(self.desk, asked)?],
            None => {
                self.freshen()?;
                self.desk.disputed_records().map_err(store_failed)?
            }
        };
        let (mut skipped, mut found) = (of.page.offset as usize, Vec::new());
        for record in records {
            let room = limit(of.page).saturating_sub(found.len());
            if room == 0 {
                break;
            }
            let Some(view) = self.desk.view(&record).map_err(read_error)? else { continue };
            let all = view.conflicts();
            for one in all.iter().skip(skipped).take(room) {
                found.push(conflict(self.desk, &view, one, self.lang)?);
            }
            skipped = skipped.saturating_sub(all.len());
        }
        Ok(found)
    }

    fn settle(&mut self, settle: Settle) -> Result<Saved, Error> {
        let view = self.view(&settle.record)?;
        let path = Path::from(&settle.field[..]);
        let conflicts = view.conflicts();
        let Some(found) = conflicts.iter().find(|conflict| conflict.path == path) else {
            return Err(Error::NoConflict { title: view.title().to_owned(), field: settle.field });
        };
        let shown = conflict(self.desk, &view, found, self.lang)?;
        let field = settle.field.clone();
        if !settle.seen.is_empty() && !settle.seen.iter().eq(shown.values.iter().map(|value| &value.value)) {
            return Err(Error::ValuesChanged { field });
        }
        let value = match settle.keep {
            Settlement::Value(number) => match shown.values.get(number) {
                Some(value) => value.value.clone(),
                None => return Err(Error::NoSuchValue { field, count: shown.values.len() }),
            },
            Settlement::Both => {
                let texts: Option<Vec<&str>> = shown.values.iter().map(|value| value.value.as_str()).collect();
                match texts.filter(|_| found.merged.is_some()) {
                    Some(texts) => Json::String(texts.join("\n\n")),
                    None => return Err(Error::CannotKeepBoth { field }),
                }
            }
            Settlement::Other(text) => {
                let setting = Setting { field: settle.field.clone(), value: text };
                let mut read = self.settings(kind(&view.kind)?, &[setting])?;
                read.pop().map_or(Json::Null, |(_, value)| value)
            }
        };
        let edits = [edit::Edit::Settle { path, value }];
        let saved = self.desk.save(&view.record, &[], &edits, now());
        self.saved(&settle.record, saved, vec![field])
    }

    fn export(&mut self, export: &Export) -> Result<Exported, Error> {
        let mut answer = Exported::default();
        let ids = if export.q.trim().is_empty() {
            self.desk.records().map_err(store_failed)?
        } else {
            let query = self.query(&export.q)?;
            let (found, lacking) = self.hits(&Asked { sort: Sort::Newest, ..asked(query, Page::default()) })?;
            answer.lacking = lacking;
            found.hits.into_iter().map(|hit| hit.record).collect()
        };
        for id in ids {
            if let Some(view) = self.desk.view(&id).map_err(read_error)? {
                answer.lines.push_str(&view.export().to_string());
                answer.lines.push('\n');
            }
        }
        answer.lacking.unfoldable = self.desk.unfoldable().len() as u64;
        Ok(answer)
    }

    pub(super) fn view(&mut self, asked: &str) -> Result<View, Error> {
        let id = resolve(self.desk, asked)?;
        let view = self.desk.view(&id).map_err(read_error)?;
        view.ok_or_else(|| self.desk.unfoldable().get(&id).map_or_else(|| unknown(asked), internal))
    }

    pub(super) fn brief_of(&mut self, id: &RecordId) -> Result<Option<Brief>, Error> {
        match self.desk.view(id).map_err(read_error)? {
            Some(view) => brief(self.desk, &view).map(Some),
            None => Ok(None),
        }
    }

    /// Reads `field=value` as typed.
    pub(super) fn settings(&self, kind: &schema::Kind, set: &[Setting]) -> Result<Vec<(Path, Json)>, Error> {
        let mut read = Vec::new();
        for setting in set {
            let path = Path::from(&setting.field[..]);
            let value = match kind.at(path.0.iter().map(String::as_str)) {
                Some(spec) => template::value(spec, lang_of(self.lang), &setting.value),
                // The check names a field that is not one.
                None => Json::String(setting.value.clone()),
            };
            read.push((path, value));
        }
        Ok(read)
    }

    /// Looks territories up, adopting the gazetteer's line of one that has no record yet.
    fn territories(&mut self, asked: &[String]) -> Result<Vec<RecordId>, Error> {
        let mut found = Vec::new();
        for text in asked {
            // A record named by its id is meant as it is.
            if text.len() >= essaim_protocol::id::SHORT
                && let Ok(id) = resolve(self.desk, text)
            {
                found.push(id);
                continue;
            }
            found.push(self.adopt(&place(text)?)?);
        }
        Ok(found)
    }

    /// The record of a place, made from the gazetteer's line when there is none yet.
    pub(super) fn adopt(&mut self, place: &Place<'_>) -> Result<RecordId, Error> {
        let id = record_of(place);
        if self.desk.store().of_record(&id).map_err(store_failed)?.is_empty() {
            let line = place.record().to_string();
            let read = import_lines(line.as_bytes(), &|_| false);
            let outcomes = self.desk.import(&read.records, now());
            outcomes.map_err(|error| save_error(self.commons, "", error))?;
        }
        Ok(id)
    }
}

/// How many records a page asks for.
pub(super) const fn limit(page: Page) -> usize {
    if page.limit == 0 { usize::MAX } else { page.limit as usize }
}

/// The place that a person means.
pub(super) fn place(text: &str) -> Result<Place<'static>, Error> {
    let candidate =
        |place: &Place<'_>| Candidate { id: place.code.to_owned(), title: place.name.clone(), detail: detail(place) };
    match Gazetteer::get().find(text) {
        Found::One(place) => Ok(place),
        Found::Several(places) => {
            Err(Error::Ambiguous { asked: text.to_owned(), candidates: places.iter().map(candidate).collect() })
        }
        Found::None(near) => {
            Err(Error::UnknownTerritory { asked: text.to_owned(), candidates: near.iter().map(candidate).collect() })
        }
    }
}

/// A kind by its code or its label in either language.
pub(super) fn kind(asked: &str) -> Result<&'static schema::Kind, Error> {
    // A label has spaces and apostrophes that keyboards do not have.
    let text = french(asked.trim()).to_lowercase();
    let is = |label: &str| label.to_lowercase() == text;
    let french = essaim_protocol::record::Lang::Fr;
    let english = essaim_protocol::record::Lang::En;
    Schema::get()
        .kinds()
        .iter()
        .find(|kind| is(&kind.name) || is(kind.label.get(french)) || is(kind.label.get(english)))
        .ok_or_else(|| Error::UnknownKind { asked: asked.to_owned(), candidates: kinds() })
}

/// Puts a value at a path into fields in the JSON form.
pub(super) fn put(fields: &mut BTreeMap<String, Json>, path: &Path, value: Json) {
    let Some((first, rest)) = path.0.split_first() else { return };
    let mut at = fields.entry(first.clone()).or_insert(Json::Null);
    for name in rest {
        if !at.is_object() {
            *at = Json::Object(Map::new());
        }
        let Json::Object(members) = at else { return };
        at = members.entry(name.clone()).or_insert(Json::Null);
    }
    *at = value;
}

pub(super) fn unknown(asked: &str) -> Error {
    Error::UnknownRecord { asked: asked.to_owned() }
}

fn lacking(view: &View) -> Vec<Problem> {
    let words = |lack: essaim_protocol::record::Lack| {
        Words::new(lack.message(essaim_protocol::record::Lang::Fr), lack.message(essaim_protocol::record::Lang::En))
    };
    view.lacks().into_iter().map(|lack| Problem { line: None, field: None, message: words(lack) }).collect()
}

/// Mistakes are told in the language of the text, which is that of the request.
fn mistakes(found: &[template::Mistake]) -> Error {
    let problem = |mistake: &template::Mistake| Problem {
        line: u32::try_from(mistake.line).ok(),
        field: None,
        message: Words::new(mistake.message.clone(), mistake.message.clone()),
    };
    Error::Invalid { problems: found.iter().map(problem).collect() }
}

/// A field that would be lost in a text to go on with.
fn not_by_hand(field: &schema::Field) -> Problem {
    let schema::Label { fr, en } = &field.label;
    let message = Words::new(
        format!(
            "« {fr} » ne s'écrit pas à la main : un brouillon le perdrait ; partagez la fiche telle quelle, ou ôtez-le"
        ),
        format!("“{en}” is not written by hand: a draft would lose it; share the record as it is, or leave it out"),
    );
    Problem { line: None, field: Some(field.name.clone()), message }
}

/// An edit is built on a version that is not here: a draft carried to another machine, or one of another record.
fn unknown_base() -> Problem {
    let message = Words::new(
        "ce texte part d'une version qui n'est pas ici : est-ce la bonne fiche ? sinon, synchronisez, puis recommencez",
        "this text began from a version that is not here: is it the right record? else sync, then try again",
    );
    Problem { line: None, field: None, message }
}

fn unknown_kind(name: &str) -> Error {
    Error::UnknownKind { asked: name.to_owned(), candidates: kinds() }
}

const fn path_of(edit: &edit::Edit) -> &Path {
    match edit {
        edit::Edit::Set { path, .. } | edit::Edit::Settle { path, .. } => path,
    }
}

/// The record of a place, here or not.
pub(super) fn record_of(place: &Place<'_>) -> RecordId {
    let (system, id) = place.origin();
    Origin { system: system.to_owned(), id: id.to_owned() }.record()
}

/// What tells a place from others of its name: department and inhabitants.
fn detail(place: &Place<'_>) -> Option<String> {
    let people = place.population.map(|people| format!("{people} hab."));
    let parts: Vec<String> = place.department.map(str::to_owned).into_iter().chain(people).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn bad_line(line: &Line, error: edit::EditError) -> BadLine {
    BadLine { line: line.line as u64, problem: import_problem(&error.into()) }
}

fn import_problem(error: &essaim_protocol::record::import::ImportError) -> Problem {
    use essaim_protocol::record::import::ImportError;
    let message = match error {
        ImportError::Json(error) => {
            let Words { fr, en } = Words::of_json(error);
            Words::new(format!("ce n'est pas du JSON, {fr}"), format!("not JSON: {en}"))
        }
        ImportError::Encoding => Words::new(
            "ce n'est pas du texte en UTF-8 ; enregistrez le fichier dans cet encodage",
            "not UTF-8 text; save the file in this encoding",
        ),
        ImportError::TooLong(bytes) => Words::new(
            format!("la ligne est trop longue ({bytes} octets)"),
            format!("the line is too long ({bytes} bytes)"),
        ),
        ImportError::NotRecord => Words::new(
            "ce n'est pas une fiche : un objet avec « kind » est attendu",
            "not a record: an object with \"kind\" is expected",
        ),
        ImportError::Origin => Words::new(
            "l'origine doit avoir un système et un identifiant, pas trop longs",
            "the origin needs a system and an id, not too long",
        ),
        ImportError::Repeated(first) => {
            Words::new(format!("la même fiche qu'à la ligne {first}"), format!("the same record as line {first}"))
        }
        ImportError::Content(error) => match error {
            edit::EditError::Invalid(problems) => {
                return problems.first().map_or_else(
                    || Problem { line: None, field: None, message: Words::new("", "") },
                    super::brief::problem,
                );
            }
            edit::EditError::UnknownKind { name, .. } => Words::new(
                format!("« {name} » n'est pas une sorte de fiche"),
                format!("\"{name}\" is not a kind of record"),
            ),
            other @ (edit::EditError::TooLarge { .. }
            | edit::EditError::Full { .. }
            | edit::EditError::NothingToDo
            | edit::EditError::TooManyHeads(_)
            | edit::EditError::Document(_)) => {
                too_much(other).unwrap_or_else(|| Words::new(format!("erreur interne : {other}"), other.to_string()))
            }
        },
    };
    Problem { line: None, field: None, message }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use essaim_protocol::api::{CreateCommons, Init, Lacking, List, Records, Request, Search};

    use super::*;
    use crate::{Config, Node};

    /// A node with an empty commons.
    pub(in crate::engine) async fn founded(home: &Path) -> Node {
        let node = Node::start(Config { free: 0, ..Config::new(home) }).await.unwrap();
        let create = CreateCommons { name: "Patrimoine".to_owned(), starter: false, charter: None };
        for command in [Command::Init(Init { name: "Alice".to_owned() }), Command::CreateCommons(create)] {
            let report: Report = Arc::new(|_| {});
            node.engine().call(Request { commons: None, lang: Lang::Fr, command }, &report).await.unwrap();
        }
        node
    }

    /// Writes a record on the desk of the only commons.
    fn create(desk: &mut Desk, kind: &str, fields: Json) -> RecordId {
        desk.create(kind, &serde_json::from_value(fields).unwrap(), now()).unwrap().view.record
    }

    fn values<'a>(found: &'a Records, name: &str) -> Vec<(&'a str, u64)> {
        let facet = found.facets.iter().find(|facet| facet.name == name).unwrap();
        facet.values.iter().map(|value| (&value.label[..], value.count)).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_export_tells_of_a_record_that_cannot_be_read() {
        let home = tempfile::tempdir().unwrap();
        let node = founded(home.path()).await;
        let room = node.engine().rooms().await.remove(0);
        let exported = room.keeper.run(|desk| {
            for title in ["Le verger", "La navette"] {
                create(desk, "experience", json!({"title": title}));
            }
            desk.derive_anew().unwrap();
            desk.store().damage_last_frame();
            let mut at = At { desk, commons: "Patrimoine", lang: Lang::Fr };
            (at.export(&Export::default()).unwrap(), at.list(&List::default()).unwrap())
        });
        let (exported, listed) = exported.await.unwrap();
        let damaged = Lacking { unfolded: 0, unfoldable: 1, outdated: false };
        assert_eq!((exported.lines.lines().count(), exported.lacking), (1, damaged), "{exported:?}");
        assert_eq!((listed.records.len(), listed.lacking), (1, damaged), "{listed:?}");
        assert!(!damaged.is_nothing());
        node.shutdown().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_has_no_name_here_signs_nothing_and_is_told_in_words() {
        let home = tempfile::tempdir().unwrap();
        let node = founded(home.path()).await;
        let room = node.engine().rooms().await.remove(0);
        let found = room.keeper.run(|desk| {
            let absent = RecordId([7; 32]);
            let [actor, territory] = ["actor", "territory"].map(|kind| create(desk, kind, json!({"lang": "fr"})));
            let links = [absent, territory].map(|to| json!({"rel": "in_territory", "to": to.to_string()}));
            let authors = [absent, actor].map(|id| id.to_string());
            create(desk, "experience", json!({"title": "Le verger", "authors": authors, "links": links}));
            let search = Search { q: "verger".to_owned(), ..Search::default() };
            At { desk, commons: "Patrimoine", lang: Lang::Fr }.search(search).unwrap()
        });
        let found = found.await.unwrap();
        assert_eq!(found.records[0].by, ["Alice"]);
        let mut labels = values(&found, "territory");
        labels.sort_unstable();
        assert_eq!(labels, [("Sans titre", 1), ("une fiche qui n’est pas encore arrivée ici", 1)]);
        node.shutdown().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_value_that_is_asked_for_is_counted_among_many() {
        let home = tempfile::tempdir().unwrap();
        let node = founded(home.path()).await;
        let room = node.engine().rooms().await.remove(0);
        let found = room.keeper.run(|desk| {
            let mut tags: Vec<String> = (10..70).map(|n| format!("mot{n}")).collect();
            tags.push("zinc".to_owned());
            create(desk, "experience", json!({"title": "Le verger", "tags": tags}));
            let search = Search { q: "tags:zinc".to_owned(), ..Search::default() };
            At { desk, commons: "Patrimoine", lang: Lang::Fr }.search(search).unwrap()
        });
        let found = found.await.unwrap();
        let counts = values(&found, "tags");
        assert_eq!((counts.len(), counts.last()), (51, Some(&("zinc", 1))), "{counts:?}");
        let tags = found.facets.iter().find(|facet| facet.name == "tags").unwrap();
        assert_eq!((&*tags.label, tags.left_off), ("Mot-clé", 10));
        assert_eq!(values(&found, "lang"), [("français", 1)]);
        node.shutdown().await;
    }
}
