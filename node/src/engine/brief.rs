//! Records in the words of the API: lines of lists, names, values with their labels and authors.

use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::api::{self, Brief, Candidate, Error, Lang, Problem, RecordName, TerritoryName, Words};
use essaim_protocol::id::{RecordId, SHORT, base32, from_base32};
use essaim_protocol::record::edit::{EditError, MAX_BYTES, MAX_OPERATIONS};
use essaim_protocol::record::field::{Field, Held, Value};
use essaim_protocol::record::fold::{self, MAX_CHANGES};
use essaim_protocol::record::schema::{self, Schema};
use essaim_protocol::record::{Conflict, View, json};
use essaim_protocol::store::{self, Store as _};
use essaim_protocol::time::Timestamp;

use super::board::CONTRIBUTION;
use super::fault::{author_error, internal, store_error};
use crate::keeper::{Desk, ReadError, SaveError};

/// Records listed when a prefix is ambiguous.
const MAX_CANDIDATES: usize = 20;

/// The line of a record.
pub(super) fn brief(desk: &mut Desk, view: &View) -> Result<Brief, Error> {
    let territory = view.territory().map(|id| territory(desk, id)).transpose()?;
    Ok(Brief {
        id: view.record,
        short: shortest(desk, &view.record)?,
        kind: view.kind.clone(),
        title: view.title().to_owned(),
        lang: written_in(view),
        summary: Some(view.summary().to_owned()).filter(|summary| !summary.is_empty()),
        territory,
        // Reference changes bear no time.
        updated_at: Some(view.updated_at).filter(|time| *time != Timestamp::default()),
        when: when(view),
        by: signed(desk, view)?,
        conflicts: u32::try_from(view.conflicts().len()).unwrap_or(u32::MAX),
        snippet: None,
        highlights: Vec::new(),
        shared: Vec::new(),
    })
}

/// The language of a record's words, as it says.
fn written_in(view: &View) -> Option<String> {
    view.field("lang").and_then(Field::text).map(str::to_owned)
}

fn territory(desk: &mut Desk, id: RecordId) -> Result<TerritoryName, Error> {
    let view = here(desk, &id)?;
    let point = view.as_ref().and_then(point);
    Ok(TerritoryName { id, title: view.map_or_else(|| id.short(), |view| view.title().to_owned()), point })
}

/// Where a territory is: latitude and longitude in degrees.
pub(super) fn point(view: &View) -> Option<(f64, f64)> {
    let point = view.field("point")?;
    let degrees = |name: &str| point.member(name).and_then(Field::number);
    Some((degrees("lat")?, degrees("lon")?))
}

/// When what a record tells of took place or came out: the first of its dates that people read as that.
fn when(view: &View) -> Option<String> {
    let text = |field: &Field| field.text().map(str::to_owned);
    let bound = |period: &Field, name: &str| period.member(name).and_then(text);
    if let Some(period) = view.field("period") {
        return match (bound(period, "from"), bound(period, "to")) {
            (Some(from), Some(to)) if from == to => Some(from),
            (Some(from), Some(to)) => Some(format!("{from}/{to}")),
            (Some(from), None) => Some(format!("{from}/..")),
            (None, Some(to)) => Some(format!("../{to}")),
            (None, None) => None,
        };
    }
    if let (Some(starts), Some(ends)) = (view.field("starts").and_then(text), view.field("ends").and_then(text))
        && starts != ends
    {
        return Some(format!("{starts}/{ends}"));
    }
    ["starts", "issued", "joined"].iter().find_map(|name| view.field(name).and_then(text))
}

/// Who signs a record: its authors that have a name here, else the allies that wrote it. A contribution has one author:
/// others wrote at most a position of theirs in it.
fn signed(desk: &mut Desk, view: &View) -> Result<Vec<String>, Error> {
    let mut by = Vec::new();
    for (_, id) in view.refers().iter().filter(|(how, _)| how == "authors") {
        by.extend(here(desk, id)?.map(|author| author.title().to_owned()).filter(|name| !name.is_empty()));
    }
    if by.is_empty() && view.kind == CONTRIBUTION {
        let author = match desk.author(&view.record) {
            // A list tells of what can be read of each; the doctor names the damage.
            Err(store::Error::Corrupt { .. }) => None,
            author => author.map_err(store_failed)?,
        };
        by.extend(author.and_then(|id| desk.roster().ally(&id)).map(|ally| ally.name.to_string()));
    }
    if by.is_empty() {
        let allies = view.writers.iter().filter_map(|writer| desk.roster().ally(&writer.by?.ally?));
        let names: BTreeSet<String> = allies.map(|ally| ally.name.to_string()).collect();
        by.extend(names);
    }
    Ok(by)
}

/// A record's title, its short id while it is not here or has none.
pub(super) fn title(desk: &mut Desk, id: &RecordId) -> Result<String, Error> {
    Ok(Some(named(desk, *id)?.title).filter(|title| !title.is_empty()).unwrap_or_else(|| id.short()))
}

/// A record by its title.
pub(super) fn named(desk: &mut Desk, id: RecordId) -> Result<RecordName, Error> {
    let Some(view) = here(desk, &id)? else { return Ok(RecordName { id, title: id.short(), lang: None }) };
    let title = view.title().to_owned();
    Ok(RecordName { id, lang: written_in(&view).filter(|_| !title.is_empty()), title })
}

/// A record in words: people read its label where there is nothing else to tell it by.
pub(super) fn in_words(desk: &mut Desk, id: &RecordId, lang: Lang) -> Result<String, Error> {
    let none = lang.pick("Sans titre", "Untitled");
    let absent = lang.pick("une fiche qui n’est pas encore arrivée ici", "a record that has not arrived here yet");
    let title = here(desk, id)?.map_or_else(|| absent.to_owned(), |view| view.title().to_owned());
    Ok(if title.is_empty() { none.to_owned() } else { title })
}

/// The view of a record, if it is here.
fn here(desk: &mut Desk, id: &RecordId) -> Result<Option<View>, Error> {
    if desk.store().of_record(id).map_err(store_failed)?.is_empty() {
        return Ok(None);
    }
    desk.view(id).map_err(read_error)
}

/// The record that a person names by its id or the beginning of it.
pub(super) fn resolve(desk: &mut Desk, asked: &str) -> Result<RecordId, Error> {
    let text = asked.trim().to_lowercase();
    let unknown = || Error::UnknownRecord { asked: asked.to_owned() };
    let found = beginning_with(desk, &text, MAX_CANDIDATES).map_err(store_failed)?.ok_or_else(unknown)?;
    match &found[..] {
        [] => Err(unknown()),
        [id] => Ok(*id),
        several => {
            let mut candidates = Vec::new();
            for id in several {
                let detail = desk.view(id).map_err(read_error)?.map(|view| view.kind);
                candidates.push(Candidate { id: shortest(desk, id)?, title: title(desk, id)?, detail });
            }
            Err(Error::Ambiguous { asked: asked.to_owned(), candidates })
        }
    }
}

/// Records whose id begins with a text; `None` when no id can.
fn beginning_with(desk: &Desk, text: &str, limit: usize) -> Result<Option<Vec<RecordId>>, store::Error> {
    // The smallest id with this beginning: the text, then zeros.
    let padded = format!("{text:0<52}");
    let Ok(bytes) = from_base32(&padded) else { return Ok(None) };
    let Ok(bytes) = <[u8; 32]>::try_from(bytes) else { return Ok(None) };
    let text = &base32(&bytes)[..text.len().min(52)];
    let after = before(bytes);
    let found = desk.store().records(after.as_ref(), limit)?;
    Ok(Some(found.into_iter().filter(|id| id.to_string().starts_with(text)).collect()))
}

/// The id right before these bytes; `None` before the first.
fn before(mut bytes: [u8; 32]) -> Option<RecordId> {
    for byte in bytes.iter_mut().rev() {
        let (less, borrow) = byte.overflowing_sub(1);
        *byte = less;
        if !borrow {
            return Some(RecordId(bytes));
        }
    }
    None
}

/// The shortest beginning of an id that none of the others has, of at least the usual length.
pub(super) fn apart_from(id: &str, others: impl Iterator<Item = String>) -> String {
    let shared = |other: String| id.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let longest = others.filter(|other| other != id).map(shared).max().unwrap_or(0);
    id[..(longest + 1).clamp(SHORT, id.len())].to_owned()
}

/// The shortest beginning of an id that no other record here has.
fn shortest(desk: &Desk, id: &RecordId) -> Result<String, Error> {
    let text = id.to_string();
    let others = beginning_with(desk, &text[..SHORT], MAX_CANDIDATES).map_err(store_failed)?.unwrap_or_default();
    Ok(apart_from(&text, others.iter().map(ToString::to_string)))
}

/// A conflict in the words of the API.
pub(super) fn conflict(desk: &mut Desk, view: &View, conflict: &Conflict, lang: Lang) -> Result<api::Conflict, Error> {
    let spec = view.schema().and_then(|kind| kind.at(conflict.path.0.iter().map(String::as_str)));
    let mut values = Vec::new();
    for held in &conflict.choices {
        values.push(value(desk, view, spec, held, lang)?);
    }
    Ok(api::Conflict {
        record: view.record,
        kind: view.kind.clone(),
        title: view.title().to_owned(),
        lang: written_in(view),
        field: conflict.path.to_string(),
        label: conflict.label.get(lang_of(lang)).to_owned(),
        merged: conflict.merged.clone(),
        values,
    })
}

fn value(
    desk: &mut Desk,
    view: &View,
    spec: Option<&schema::Field>,
    held: &Held,
    lang: Lang,
) -> Result<api::Value, Error> {
    let by = view.writers.get(held.by as usize).and_then(|writer| writer.by);
    let ally = by.and_then(|by| by.ally.or_else(|| desk.roster().ally_of(&by.device)));
    let ally = ally.and_then(|ally| desk.roster().ally(&ally)).map(|ally| ally.name.to_string());
    let json = match spec {
        Some(spec) => json::value_json(spec, &held.value),
        None => json::plain(&held.value),
    };
    Ok(api::Value { label: label(desk, spec, &held.value, lang)?, value: json, ally, at: by.map(|by| by.time) })
}

/// The label of a code, the title of a referenced record.
fn label(desk: &mut Desk, spec: Option<&schema::Field>, value: &Value, lang: Lang) -> Result<Option<String>, Error> {
    let Some(text) = value.text() else { return Ok(None) };
    if let Some(term) = spec.and_then(schema::Field::vocabulary).and_then(|name| Schema::get().term(name, text)) {
        return Ok(Some(term.label.get(lang_of(lang)).to_owned()));
    }
    match text.parse::<RecordId>() {
        Ok(id) => title(desk, &id).map(Some),
        Err(_) => Ok(None),
    }
}

/// The records that a view refers to, wherever in it.
pub(super) fn referred(desk: &mut Desk, view: &View) -> Result<Vec<RecordName>, Error> {
    let ids: BTreeSet<RecordId> = view.refers().into_iter().map(|(_, id)| id).collect();
    ids.into_iter().map(|id| named(desk, id)).collect()
}

/// Titles of the records that a view refers to, and names of the allies who speak in it.
pub(super) fn names(desk: &Desk, view: &View, referred: &[RecordName]) -> BTreeMap<String, String> {
    let mut names: BTreeMap<_, _> = referred.iter().map(|one| (one.id.to_string(), one.title.clone())).collect();
    for id in view.speakers() {
        names.extend(desk.roster().ally(&id).map(|ally| (format!("ally:{id}"), ally.name.to_string())));
    }
    names
}

pub(super) const fn lang_of(lang: Lang) -> essaim_protocol::record::Lang {
    match lang {
        Lang::Fr => essaim_protocol::record::Lang::Fr,
        Lang::En => essaim_protocol::record::Lang::En,
    }
}

pub(super) fn store_failed(error: store::Error) -> Error {
    store_error("", error)
}

pub(super) fn read_error(error: ReadError) -> Error {
    match error {
        ReadError::Store(error) => store_failed(error),
        ReadError::Fold(error) => internal(error),
    }
}

pub(super) fn save_error(commons: &str, asked: &str, error: SaveError) -> Error {
    match error {
        SaveError::NoRecord => Error::UnknownRecord { asked: asked.to_owned() },
        SaveError::Edit(error) => edit_error(error),
        SaveError::Author(error) => author_error(commons, error),
        SaveError::Read(error) => read_error(error),
        error @ (SaveError::Seal(_) | SaveError::Refused(_)) => internal(error),
    }
}

pub(super) fn edit_error(error: EditError) -> Error {
    match error {
        EditError::Invalid(problems) => Error::Invalid { problems: problems.iter().map(problem).collect() },
        EditError::UnknownKind { name, .. } => Error::UnknownKind { asked: name, candidates: kinds() },
        EditError::TooLarge { bytes: 0, operations } => Error::TooLarge {
            what: Words::new("les éléments d'une seule valeur", "the elements of one value"),
            found: operations as u64,
            max: MAX_OPERATIONS as u64,
        },
        EditError::TooLarge { bytes, .. } => Error::TooLarge {
            what: Words::new("les octets d'une seule valeur", "the bytes of one value"),
            found: bytes as u64,
            max: MAX_BYTES as u64,
        },
        EditError::Full { changes, .. } if changes >= MAX_CHANGES => Error::TooLarge {
            what: Words::new(
                "le nombre de modifications de cette fiche (à continuer dans une nouvelle fiche)",
                "the number of changes of this record (go on in a new one)",
            ),
            found: changes as u64,
            max: MAX_CHANGES as u64,
        },
        EditError::Full { operations, .. } => Error::TooLarge {
            what: Words::new(
                "les lettres et valeurs écrites dans cette fiche (à continuer dans une nouvelle fiche)",
                "the letters and values written in this record (go on in a new one)",
            ),
            found: operations.saturating_add(MAX_OPERATIONS as u64),
            max: fold::MAX_OPERATIONS as u64,
        },
        error @ (EditError::NothingToDo | EditError::TooManyHeads(_) | EditError::Document(_)) => internal(error),
    }
}

/// That a value or record would hold too much, in words.
pub(super) fn too_much(error: &EditError) -> Option<Words> {
    match error {
        EditError::TooLarge { operations, bytes } => Some(Words::new(
            format!(
                "une valeur est trop grande ({operations} éléments sur {MAX_OPERATIONS}, {bytes} octets sur {MAX_BYTES})"
            ),
            format!("one value is too large ({operations} elements of {MAX_OPERATIONS}, {bytes} bytes of {MAX_BYTES})"),
        )),
        EditError::Full { changes, operations } => Some(Words::new(
            format!(
                "la fiche est pleine ({changes} modifications sur {MAX_CHANGES}, {operations} lettres et valeurs sur {}) ; \
                 continuez dans une nouvelle fiche",
                fold::MAX_OPERATIONS
            ),
            format!(
                "the record is full ({changes} changes of {MAX_CHANGES}, {operations} letters and values of {}); go on in a \
                 new one",
                fold::MAX_OPERATIONS
            ),
        )),
        EditError::Invalid(_)
        | EditError::UnknownKind { .. }
        | EditError::NothingToDo
        | EditError::TooManyHeads(_)
        | EditError::Document(_) => None,
    }
}

pub(super) fn problem(problem: &essaim_protocol::record::Problem) -> Problem {
    let say = |lang| problem.message(lang);
    Problem {
        line: None,
        field: Some(problem.path.join("/")),
        message: Words::new(say(essaim_protocol::record::Lang::Fr), say(essaim_protocol::record::Lang::En)),
    }
}

/// All kinds of records, by code with their French label; the schema has the others.
pub(super) fn kinds() -> Vec<Candidate> {
    let french = essaim_protocol::record::Lang::Fr;
    let kind = |kind: &schema::Kind| {
        let title = kind.label.get(french).to_owned();
        Candidate { id: kind.name.clone(), title, detail: None }
    };
    Schema::get().kinds().iter().map(kind).collect()
}
