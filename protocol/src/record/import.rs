//! Records from files: JSON Lines in the form of the model, one record a line.
//!
//! Lines name one another by `kind:slug` ids. A record's own id follows from its origin, so importing a file again updates
//! instead of doubling, and importing it at two allies makes the same records. A first pass over the file gives each line
//! its origin and record; the second replaces the names by record ids. A name that no line has may be that of a record which
//! an earlier file brought: names are the ids of origins, so the systems of this file and of ours tell which record it would
//! be, and the caller whether it is here. One bad line never stops the rest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::edit::EditError;
use super::reference;
use super::schema::{self, Key, Schema, Type};
use super::view::View;
use crate::entry::adoption::Origin;
use crate::id::{RecordId, base32};

/// The longest line that is read: over twice what one change can hold, escapes included.
const MAX_LINE: usize = 512 * 1024;

/// The system of the origin of a line that has an id but no origin: its file's own name for it.
const FILE: &str = "file";

/// The system of the origin of the records that the program ships.
const HERITAGE: &str = "essaim-heritage";

/// The system of the origin of a line that has neither id nor origin: named by its content.
const CONTENT: &str = "content";

/// What a file holds.
#[derive(Debug, Default)]
pub struct Import {
    /// The good lines.
    pub records: Vec<Imported>,
    /// The others.
    pub bad: Vec<BadLine>,
}

/// A record of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Its line.
    pub line: usize,
    /// The record it makes or updates.
    pub record: RecordId,
    /// Where it comes from; nothing for the export of a record that people wrote, which its id names.
    pub origin: Option<Origin>,
    /// Its kind, which the schema knows.
    pub kind: String,
    /// Its fields in the JSON form, references being record ids.
    pub fields: BTreeMap<String, Json>,
    /// Names that neither a line of the file nor a record here has, kept as they are.
    pub dangling: Vec<String>,
}

/// A line that was not taken.
#[derive(Debug)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// Why.
    pub error: ImportError,
}

/// Why a line was not taken. The file's author is at fault.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Not UTF-8: guessing the letters would sign words that nobody wrote.
    #[error("not UTF-8")]
    Encoding,
    /// Not JSON.
    #[error("not JSON")]
    Json(#[from] serde_json::Error),
    /// Over the length that is read.
    #[error("{0} bytes in one line (at most {MAX_LINE})")]
    TooLong(usize),
    /// JSON, but no object, or one without `kind`.
    #[error("not a record: an object with a \"kind\" is expected")]
    NotRecord,
    /// Its `origin` has no system or id, or one too long to be a name.
    #[error("the origin needs a system (at most {} bytes) and an id (at most {})", Origin::SYSTEM_MAX, Origin::ID_MAX)]
    Origin,
    /// The same record stands on an earlier line.
    #[error("the same record as line {0}")]
    Repeated(usize),
    /// The content cannot be held.
    #[error(transparent)]
    Content(#[from] EditError),
}

/// Reads the lines of a file. Blank lines are passed over. `here` tells whether the reader has a record already.
#[must_use]
pub fn import_lines(file: &[u8], here: &dyn Fn(&RecordId) -> bool) -> Import {
    let mut import = Import::default();
    let mut names: BTreeMap<String, RecordId> = BTreeMap::new();
    let mut seen: BTreeMap<RecordId, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (line, bytes) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        match parse(line, bytes) {
            Ok(None) => {}
            Ok(Some((name, record))) => match seen.get(&record.record) {
                Some(first) => import.bad.push(BadLine { line, error: ImportError::Repeated(*first) }),
                None => {
                    seen.insert(record.record, line);
                    names.extend(name.map(|name| (name, record.record)));
                    found.push(record);
                }
            },
            Err(error) => import.bad.push(BadLine { line, error }),
        }
    }
    let own = found.iter().filter_map(|record| Some(record.origin.as_ref()?.system.clone()));
    let systems: BTreeSet<String> = own.chain([FILE, HERITAGE].map(str::to_owned)).collect();
    let known = |name: &str| {
        let origin = |system: &String| Origin { system: system.clone(), id: name.to_owned() }.record();
        names.get(name).copied().or_else(|| systems.iter().map(origin).find(here))
    };
    for mut record in found {
        resolve_record(&mut record, &known);
        match reference::check(&record.kind, &record.fields) {
            Ok(()) => import.records.push(record),
            Err(error) => import.bad.push(BadLine { line: record.line, error: error.into() }),
        }
    }
    import.bad.sort_by_key(|bad| bad.line);
    import
}

impl View {
    /// The record as a line of a file. Importing it again changes nothing.
    #[must_use]
    pub fn export(&self) -> Json {
        let head = [("id".to_owned(), self.record.to_string().into()), ("kind".to_owned(), self.kind.as_str().into())];
        Json::Object(head.into_iter().chain(self.fields_json()).collect())
    }
}

/// The name that a line gives itself, and its record with names not yet resolved; nothing of a blank line.
fn parse(line: usize, bytes: &[u8]) -> Result<Option<(Option<String>, Imported)>, ImportError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ImportError::Encoding)?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > MAX_LINE {
        return Err(ImportError::TooLong(text.len()));
    }
    let Json::Object(mut members) = serde_json::from_str(text)? else { return Err(ImportError::NotRecord) };
    let Some(Json::String(kind)) = members.remove("kind") else { return Err(ImportError::NotRecord) };
    let name = members.remove("id").and_then(|id| id.as_str().map(str::to_owned));
    members.retain(|key, value| !key.starts_with('_') && !value.is_null());
    let mut fields: BTreeMap<String, Json> = members.into_iter().collect();
    let named = name.as_ref().and_then(|name| name.parse::<RecordId>().ok());
    let (record, origin) = match (origin_of(&fields)?, named) {
        (Some(origin), _) => (origin.record(), Some(origin)),
        (None, Some(record)) => (record, None),
        (None, None) => {
            let origin = match &name {
                Some(name) => Origin { system: FILE.to_owned(), id: name.clone() },
                None => Origin { system: CONTENT.to_owned(), id: content_id(&kind, &fields) },
            };
            fields.insert("origin".to_owned(), serde_json::json!({ "system": origin.system, "id": origin.id }));
            (origin.record(), Some(origin))
        }
    };
    Ok(Some((name, Imported { line, record, origin, kind, fields, dangling: Vec::new() })))
}

fn origin_of(fields: &BTreeMap<String, Json>) -> Result<Option<Origin>, ImportError> {
    let Some(origin) = fields.get("origin") else { return Ok(None) };
    let text = |name: &str, max: usize| {
        let text = origin.get(name)?.as_str().filter(|text| (1..=max).contains(&text.len()))?;
        Some(text.to_owned())
    };
    let origin = text("system", Origin::SYSTEM_MAX).zip(text("id", Origin::ID_MAX));
    origin.map(|(system, id)| Some(Origin { system, id })).ok_or(ImportError::Origin)
}

/// A name that follows from the content, in whatever order its keys came.
fn content_id(kind: &str, fields: &BTreeMap<String, Json>) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("essaim v1 content origin");
    hasher.update(kind.as_bytes()).update(&[0]);
    hasher.update(sorted(&Json::Object(fields.clone().into_iter().collect())).to_string().as_bytes());
    base32(&hasher.finalize().as_bytes()[..16])
}

fn sorted(json: &Json) -> Json {
    match json {
        Json::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Json::Object(members.into_iter().collect())
        }
        Json::Array(values) => values.iter().map(sorted).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
    }
}

fn resolve_record(record: &mut Imported, known: &dyn Fn(&str) -> Option<RecordId>) {
    let Some(kind) = Schema::get().kind(&record.kind) else { return };
    let mut resolver = Resolver { known, dangling: &mut record.dangling };
    for field in &kind.fields {
        if let Some(value) = record.fields.get_mut(&field.name) {
            resolver.field(field, value);
        }
    }
}

struct Resolver<'a> {
    known: &'a dyn Fn(&str) -> Option<RecordId>,
    dangling: &'a mut Vec<String>,
}

impl Resolver<'_> {
    fn field(&mut self, field: &schema::Field, value: &mut Json) {
        match &field.ty {
            Type::Ref => self.name(value),
            Type::Refs | Type::Links(_) => {
                for reference in value.as_array_mut().into_iter().flatten() {
                    match reference.get_mut("to") {
                        Some(to) => self.name(to),
                        None => self.name(reference),
                    }
                }
            }
            Type::Struct(of) => self.members(of, value),
            Type::List(of) => value.as_array_mut().into_iter().flatten().for_each(|item| self.members(of, item)),
            Type::Map(key, of) => {
                if let Json::Object(entries) = value {
                    if matches!(key, Key::Author) {
                        *entries = std::mem::take(entries).into_iter().map(|(key, v)| (self.author(key), v)).collect();
                    }
                    entries.values_mut().for_each(|entry| self.members(of, entry));
                }
            }
            Type::String | Type::Number | Type::Bool | Type::Url | Type::Language | Type::Date | Type::Code(_) => {}
            Type::Codes(_) | Type::Strings | Type::Text | Type::Markdown | Type::Atomic(_) => {}
            Type::Values(_) | Type::Attachments => {}
        }
    }

    fn members(&mut self, of: &[schema::Field], value: &mut Json) {
        let Some(members) = value.as_object_mut() else { return };
        for (name, member) in members {
            if let Some(field) = of.iter().find(|field| field.name == *name) {
                self.field(field, member);
            }
        }
    }

    fn name(&mut self, value: &mut Json) {
        let Some(name) = value.as_str() else { return };
        if name.parse::<RecordId>().is_ok() {
            return;
        }
        match (self.known)(name) {
            Some(record) => *value = record.to_string().into(),
            None => self.dangling.push(name.to_owned()),
        }
    }

    /// The holder of a position: a record, or as it is (`fantastic:CODE`, `ally:ID`).
    fn author(&self, key: String) -> String {
        (self.known)(&key).map_or(key, |record| record.to_string())
    }
}

#[cfg(test)]
mod tests {
    use automerge::Automerge;

    use super::*;
    use crate::entry::adoption::reference_chunk;

    const SHIPPED: &str = include_str!("../../../node/data/heritage.jsonl");
    const DEMO: &str = include_str!("../../../node/data/demo-fictional.jsonl");

    fn import(text: &str) -> Import {
        import_lines(text.as_bytes(), &|_| false)
    }

    fn first(record: &Imported) -> Vec<u8> {
        let origin = record.origin.as_ref().unwrap();
        reference_chunk(origin, &reference::first(&record.kind, &record.fields, origin).unwrap().chunk).unwrap()
    }

    fn document(chunk: Vec<u8>) -> Automerge {
        let mut doc = Automerge::new();
        doc.apply_changes([automerge::Change::from_bytes(chunk).unwrap()]).unwrap();
        doc
    }

    /// The same line with its keys in another order, at every depth.
    fn turned(json: &Json) -> Json {
        match json {
            Json::Object(members) => {
                Json::Object(members.iter().rev().map(|(name, value)| (name.clone(), turned(value))).collect())
            }
            Json::Array(values) => values.iter().map(turned).collect(),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
        }
    }

    #[test]
    fn the_same_line_makes_the_same_bytes_on_every_node() {
        // The fictional records cite the heritage.
        let text = format!("{SHIPPED}{DEMO}");
        let turned: Vec<String> =
            text.lines().map(|line| turned(&serde_json::from_str(line).unwrap()).to_string()).collect();
        let (one, other) = (import(&text), import(&turned.join("\n")));
        assert!(one.bad.is_empty() && other.bad.is_empty(), "{:?}", one.bad);
        assert_eq!(one.records.len(), 271);
        for (one, other) in one.records.iter().zip(&other.records) {
            assert!(one.dangling.is_empty(), "{:?}", one.dangling);
            assert_eq!((one.record, first(one)), (other.record, first(other)));
        }
    }

    #[test]
    fn what_is_exported_is_what_was_imported_and_importing_it_again_changes_nothing() {
        for text in [SHIPPED, DEMO] {
            let imported = import(text).records;
            let documents: Vec<Automerge> = imported.iter().map(|record| document(first(record))).collect();
            let view = |(record, doc): (&Imported, &Automerge)| View::read(record.record, doc, &|_| None);
            let views: Vec<View> = imported.iter().zip(&documents).map(view).collect();
            let lines: Vec<String> = views.iter().map(|view| view.export().to_string()).collect();
            let again = import(&lines.join("\n"));
            assert!(again.bad.is_empty(), "{:?}", again.bad);
            for ((old, new), doc) in imported.iter().zip(&again.records).zip(&documents) {
                assert_eq!((&old.origin, old.record, &old.kind), (&new.origin, new.record, &new.kind));
                let origin = new.origin.as_ref().unwrap();
                let next = reference::next(doc, &new.kind, &new.fields, origin);
                assert!(matches!(next, Err(EditError::NothingToDo)), "{:?}", new.fields);
            }
        }
    }

    #[test]
    fn a_later_edition_writes_only_what_changed_and_keeps_what_people_wrote() {
        let line = r#"{"kind":"experience","id":"experience:x","title":"Un essai","story":"Le début. La fin.","steps":[{"title":"Étude"}],"tags":["a"]}"#;
        let one = import(line).records.remove(0);
        let origin = one.origin.clone().unwrap();
        let edition = document(first(&one));
        let later = line
            .replace("La fin", "Une fin")
            .replace("Étude\"}", "Étude\"},{\"title\":\"Arrêt\"}")
            .replace("\"a\"", "\"b\"");
        let two = import(&later).records.remove(0);
        assert_eq!(one.record, two.record);
        let draft = reference::next(&edition, &two.kind, &two.fields, &origin).unwrap();
        let chunk = reference_chunk(&origin, &draft.chunk).unwrap();
        assert!(chunk.len() < 400, "{} bytes", chunk.len());
        // Meanwhile somebody wrote on top of the first edition.
        let heads: Vec<_> = edition.get_heads().into_iter().map(|head| crate::id::ChangeHash(head.0)).collect();
        let edit = crate::record::Edit::set("story", "Le tout début. La fin.");
        let draft = crate::record::edit::draft(&edition, &heads, &[edit], [7; 32], crate::time::Timestamp(0)).unwrap();
        let mut doc = edition.clone();
        doc.apply_changes([crate::record::testing::seal(&draft.chunk, "alice")]).unwrap();
        doc.apply_changes([automerge::Change::from_bytes(chunk).unwrap()]).unwrap();
        let json = View::read(one.record, &doc, &|_| None).fields_json();
        assert_eq!(json["story"], "Le tout début. Une fin.");
        assert_eq!(json["steps"], serde_json::json!([{ "title": "Étude" }, { "title": "Arrêt" }]));
        assert_eq!(json["tags"], serde_json::json!(["b"]));
    }

    #[test]
    fn what_the_gate_takes_from_nobody_is_a_bad_line() {
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let long = "x".repeat(crate::gate::STRING_MAX + 1);
        let with = |fields: String| format!("{{\"kind\":\"experience\",\"title\":\"Essai\",{fields}}}");
        let lines = [
            with(format!("\"later\":{}", nested(31))),
            with(format!("\"later\":\"{}\"", &long[1..])),
            with("\"later\":[[{\"a\":1}],null,1.0]".to_owned()),
            with(format!("\"later\":{}", nested(33))),
            with(format!("\"later\":\"{long}\"")),
            with(format!("\"later\":[{{\"{long}\":1}}]")),
            with("\"authors\":[\"\"]".to_owned()),
            with("\"later\":{\"\":1}".to_owned()),
            with("\"\":1".to_owned()),
        ];
        let import = import(&lines.join("\n"));
        assert_eq!(import.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9], "{:?}", import.bad);
        // Whatever is taken is a change that every node takes, and shows.
        for record in &import.records {
            let origin = record.origin.as_ref().unwrap();
            let chunk = reference_chunk(origin, &first(record)).unwrap();
            let folded = crate::record::fold(None, &[&chunk]).unwrap();
            assert_eq!(folded.quarantined, []);
            let again = reference::next(&folded.document, &record.kind, &record.fields, origin);
            assert!(
                matches!(again, Err(EditError::NothingToDo)),
                "line {}: importing it again changes it",
                record.line
            );
        }
    }

    #[test]
    fn a_line_in_another_encoding_is_refused_by_its_number_and_the_others_go_in() {
        // In Latin-1 "é" is one byte that UTF-8 does not have alone.
        let mut file = br#"{"kind":"finding","title":"Avant"}"#.to_vec();
        file.extend(b"\r\n{\"kind\":\"finding\",\"title\":\"Mobilit\xe9\"}\n\n");
        file.extend(r#"{"kind":"finding","title":"Après"}"#.bytes());
        let import = import_lines(&file, &|_| false);
        let titles: Vec<&Json> = import.records.iter().map(|record| &record.fields["title"]).collect();
        assert_eq!(titles, ["Avant", "Après"]);
        assert!(matches!(import.bad[..], [BadLine { line: 2, error: ImportError::Encoding }]), "{:?}", import.bad);
    }

    #[test]
    fn a_name_may_be_that_of_a_record_which_an_earlier_file_brought() {
        let before = import(
            r#"{"kind":"territory","id":"territory:ici","title":"Ici"}
{"kind":"actor","id":"actor:x","title":"X","origin":{"system":"portail","id":"actor:x"}}"#,
        );
        let held: Vec<RecordId> = before.records.iter().map(|record| record.record).collect();
        let later = r#"{"kind":"finding","title":"Constat","origin":{"system":"portail","id":"finding:1"},"authors":["actor:x","actor:y"],"links":[{"rel":"in_territory","to":"territory:ici"}]}"#;
        let read = |here: &dyn Fn(&RecordId) -> bool| import_lines(later.as_bytes(), here).records.remove(0);
        let found = read(&|record| held.contains(record));
        assert_eq!(found.fields["links"][0]["to"], held[0].to_string());
        assert_eq!(found.fields["authors"][0], held[1].to_string());
        assert_eq!(found.dangling, ["actor:y"]);
        assert_eq!(read(&|_| false).dangling, ["territory:ici", "actor:x", "actor:y"]);
    }

    #[test]
    fn one_bad_line_never_stops_the_rest() {
        let lines = [
            "\u{feff}{\"kind\":\"finding\",\"title\":\"Bonne\",\"form\":\"unheard_of\",\"later\":[1]}",
            "{\"kind\":\"finding\",\"title\":\"Coupée",
            "",
            "[1, 2]",
            "{\"kind\":\"finding\",\"title\":[\"pas un texte\"]}",
            "{\"kind\":\"finding\",\"title\":\"Bonne\",\"later\":[1],\"form\":\"unheard_of\"}",
            "{\"kind\":\"findin\",\"title\":\"?\"}",
            "{\"kind\":\"finding\",\"title\":\"?\",\"origin\":{\"system\":\"\",\"id\":\"x\"}}",
            "{\"kind\":\"contribution\",\"title\":\"Avis\",\"about\":\"finding:nowhere\"}",
        ];
        let import = import(&lines.join("\n"));
        assert_eq!(import.records.iter().map(|record| record.line).collect::<Vec<_>>(), [1, 9]);
        assert_eq!(import.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [2, 4, 5, 6, 7, 8]);
        assert!(matches!(import.bad[3].error, ImportError::Repeated(1)), "content names it, in any order of keys");
        assert_eq!(import.records[1].dangling, ["finding:nowhere"]);
    }
}
