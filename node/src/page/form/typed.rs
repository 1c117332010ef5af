//! What a browser sends back, read into the JSON form.

use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::api::Lang;
use essaim_protocol::id::RecordId;
use essaim_protocol::record::complete::is_blank;
use essaim_protocol::record::number;
use essaim_protocol::record::schema::{Field, Key, Schema, Type};
use serde_json::{Map, Value as Json, json};

use super::{Asked, PLACED, PLACES, keys, shown_number};
use crate::page::paste;
use crate::words::read;

/// The most items of one list that are read: a list that people read is shorter.
const MAX_ITEMS: usize = 500;

/// The pairs of a form as a browser sent them.
#[derive(Debug, Clone, Default)]
pub(in crate::page) struct Typed {
    pairs: BTreeMap<String, Vec<String>>,
    lang: Lang,
    me: Option<String>,
}

impl Typed {
    pub(in crate::page) fn new(lang: Lang, pairs: Vec<(String, String)>) -> Self {
        let mut typed = Self { lang, ..Self::default() };
        for (name, value) in pairs {
            typed.pairs.entry(name).or_default().push(value);
        }
        typed
    }

    /// The same for somebody whose own positions have this key.
    pub(in crate::page) fn by(mut self, me: Option<&str>) -> Self {
        self.me = me.map(str::to_owned);
        self
    }

    /// What was typed in one control.
    pub(in crate::page) fn one(&self, name: &str) -> Option<&str> {
        self.pairs.get(name)?.first().map(String::as_str)
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.get(name).into_iter().flatten().map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Everything typed by hand, for a page that cannot be saved: what was chosen is a code, which tells nobody anything.
    pub(in crate::page) fn texts(&self) -> impl Iterator<Item = &str> {
        let typed = self.pairs.iter().filter(|(name, _)| is_typed(name));
        typed.flat_map(|(_, values)| values).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// The first control in which somebody looks for a record: its place and the words.
    pub(in crate::page) fn looked_for(&self) -> Option<(&str, &str)> {
        self.pairs.iter().find_map(|(name, values)| {
            let place = name.strip_suffix("._cherche")?;
            let words = values.first()?.trim();
            (!words.is_empty()).then_some((place, words))
        })
    }

    /// Takes everything under a place away.
    pub(in crate::page) fn remove(&mut self, place: &str) {
        self.pairs.retain(|name, _| !under(name, place));
    }

    /// Has two places change theirs.
    pub(in crate::page) fn swap(&mut self, one: &str, other: &str) {
        let moved = |name: String| {
            if under(&name, one) {
                format!("{other}{}", &name[one.len()..])
            } else if under(&name, other) {
                format!("{one}{}", &name[other.len()..])
            } else {
                name
            }
        };
        self.pairs = std::mem::take(&mut self.pairs).into_iter().map(|(name, values)| (moved(name), values)).collect();
    }

    /// Chooses a record at a place.
    pub(in crate::page) fn choose(&mut self, place: &str, value: &str) {
        self.pairs.entry(place.to_owned()).or_default().push(value.to_owned());
    }

    /// Codes of the gazetteer's territories that were chosen: they come with the record that each will have.
    pub(in crate::page) fn places(&self) -> Vec<String> {
        let codes = self.pairs.values().flatten().filter_map(|value| {
            let (id, code) = value.split_once(' ')?;
            id.parse::<RecordId>().ok().filter(|_| code.contains(':')).map(|_| code.to_owned())
        });
        codes.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What is asked, in the JSON form; `null` where nothing is said.
    pub(in crate::page) fn read(&self, asked: &[Asked<'_>], was: &Map<String, Json>) -> Map<String, Json> {
        let mut fields = Map::new();
        for one in asked {
            let name = &one.field().name;
            // Two controls may share the links of a record.
            let before = fields.get(name).or_else(|| was.get(name)).cloned().unwrap_or_default();
            let value = match one {
                Asked::Field(field) => self.value(field, name, &before),
                Asked::Places(_) => self.with_links(&before, true, self.placed(&before)),
                Asked::Relations(_) => self.with_links(&before, false, self.related(name)),
            };
            fields.insert(name.clone(), value);
        }
        fields
    }

    fn value(&self, field: &Field, name: &str, was: &Json) -> Json {
        match &field.ty {
            Type::String | Type::Url => self.line(name, was),
            Type::Text if name == "title" => self.line(name, was),
            Type::Text | Type::Markdown => self.text(name, was),
            Type::Number => {
                let typed = self.one(name).unwrap_or_default().trim();
                if typed == shown_number(self.lang, was) {
                    return was.clone();
                }
                number::read(field, self.lang, typed).map_or_else(|| some(typed), Json::Number)
            }
            Type::Date => {
                let typed = self.one(name).unwrap_or_default().trim();
                if was.as_str().is_some_and(|was| typed == read::shown_date(self.lang, was)) {
                    return was.clone();
                }
                read::date(typed).map_or_else(|| some(typed), Json::String)
            }
            Type::Bool if self.one(name).is_some() => Json::Bool(true),
            Type::Bool if was.is_boolean() => Json::Bool(false),
            Type::Bool => Json::Null,
            Type::Language | Type::Code(_) => some(self.one(name).unwrap_or_default()),
            Type::Codes(_) => set(self.all(name)),
            Type::Strings => {
                set(self.one(name).unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty()))
            }
            Type::Ref => self.all(name).last().map_or(Json::Null, |value| record(value).into()),
            Type::Refs => self.refs(name, was),
            Type::Struct(members) | Type::Atomic(members) => self.members(members, name, was),
            Type::List(members) => self.items(members, name, was),
            Type::Map(Key::Author, members) => self.positions(members, name, was),
            Type::Map(Key::Term(vocabulary), members) => {
                self.entries(vocabulary, was, |key| self.members(members, &format!("{name}.{key}"), &was[key]))
            }
            Type::Values(Key::Term(vocabulary)) => {
                self.entries(vocabulary, was, |key| self.line(&format!("{name}.{key}"), &was[key]))
            }
            Type::Values(Key::Author) | Type::Attachments | Type::Links(_) => was.clone(),
        }
    }

    fn line(&self, name: &str, was: &Json) -> Json {
        let typed = self.one(name).unwrap_or_default();
        let shown = was.as_str().map(|was| was.replace(['\r', '\n'], ""));
        if shown.as_deref() == Some(typed) { was.clone() } else { some(&paste::line(typed)) }
    }

    fn text(&self, name: &str, was: &Json) -> Json {
        let typed = self.one(name).unwrap_or_default().replace("\r\n", "\n");
        let shown = was.as_str().map(|was| was.replace("\r\n", "\n"));
        if shown.as_ref() == Some(&typed) { was.clone() } else { some(&paste::text(&typed)) }
    }

    /// Ids that were ticked.
    fn records(&self, name: &str) -> Vec<String> {
        let ids: BTreeSet<String> = self.all(name).map(record).collect();
        ids.into_iter().collect()
    }

    fn refs(&self, name: &str, was: &Json) -> Json {
        let before = |id: &str| was.as_array().into_iter().flatten().find(|reference| reference["to"] == id).cloned();
        let refs = self.records(name).into_iter().map(|id| before(&id).unwrap_or(Json::String(id)));
        none_if_empty(refs.collect())
    }

    fn members(&self, members: &[Field], name: &str, was: &Json) -> Json {
        let mut object = was.as_object().cloned().unwrap_or_default();
        for member in members {
            let value = self.value(member, &format!("{name}.{}", member.name), &was[&member.name]);
            if value.is_null() {
                object.remove(&member.name);
            } else {
                object.insert(member.name.clone(), value);
            }
        }
        if object.is_empty() { Json::Null } else { Json::Object(object) }
    }

    fn items(&self, members: &[Field], name: &str, was: &Json) -> Json {
        let item = |at: usize| {
            let place = format!("{name}.{at}");
            let id = self.one(&format!("{place}._id"));
            let before = id.and_then(|id| was.as_array()?.iter().find(|item| item["_id"] == id)).unwrap_or(&Json::Null);
            let value = self.members(members, &place, before);
            (!is_left_out(&value, before)).then_some(value)
        };
        none_if_empty(self.numbers(name).into_iter().filter_map(item).collect())
    }

    fn positions(&self, members: &[Field], name: &str, was: &Json) -> Json {
        let ours = |key: &str| !key.starts_with("ally:") || Some(key) == self.me.as_deref();
        let mut held: Map<String, Json> = was.as_object().cloned().unwrap_or_default();
        held.retain(|key, _| !ours(key));
        for at in self.numbers(name) {
            let place = format!("{name}.{at}");
            let Some(key) = self.one(&format!("{place}._key")).filter(|key| ours(key) && !key.is_empty()) else {
                continue;
            };
            let said = self.members(members, &place, &was[key]);
            match held.get_mut(key) {
                _ if is_left_out(&said, &was[key]) => {}
                // Two rows for one author: neither text is lost.
                Some(first) => {
                    let texts: Vec<&str> = [&*first, &said].iter().filter_map(|said| said["text"].as_str()).collect();
                    first["text"] = texts.join("\n").into();
                }
                None => {
                    held.insert(key.to_owned(), said);
                }
            }
        }
        held.sort_keys();
        if held.is_empty() { Json::Null } else { Json::Object(held) }
    }

    fn entries(&self, vocabulary: &str, was: &Json, read: impl Fn(&str) -> Json) -> Json {
        let terms = Schema::get().vocabulary(vocabulary).map_or(&[][..], |vocabulary| &vocabulary.terms);
        let keys: BTreeSet<&str> = terms.iter().map(|term| term.code.as_str()).chain(keys(was)).collect();
        let entries = keys.into_iter().map(|key| (key.to_owned(), read(key)));
        let entries: Map<String, Json> = entries.filter(|(key, value)| !is_left_out(value, &was[key])).collect();
        if entries.is_empty() { Json::Null } else { Json::Object(entries) }
    }

    fn placed(&self, was: &Json) -> Vec<Json> {
        let before = |to: &str| {
            was.as_array().into_iter().flatten().find(|link| link["rel"] == PLACED && link["to"] == to).cloned()
        };
        let link = |to: String| before(&to).unwrap_or_else(|| json!({ "rel": PLACED, "to": to }));
        self.records(PLACES).into_iter().map(link).collect()
    }

    fn related(&self, name: &str) -> Vec<Json> {
        let mut links = BTreeMap::new();
        for at in self.numbers(name) {
            let Some(key) = self.one(&format!("{name}.{at}._key")) else { continue };
            let note = self.one(&format!("{name}.{at}.note")).map(paste::line).unwrap_or_default();
            links.insert(key.to_owned(), note);
        }
        let rel = self.one(&format!("{name}._rel")).unwrap_or_default();
        for to in self.records(&format!("{name}._choisi")) {
            links.entry(format!("{rel}|{to}")).or_default();
        }
        let link = |(key, note): (String, String)| {
            let (rel, to) = key.split_once('|')?;
            let mut link = json!({ "rel": rel, "to": to });
            if !note.is_empty() {
                link["note"] = note.into();
            }
            Some(link)
        };
        links.into_iter().filter_map(link).collect()
    }

    /// The links of which one part was drawn.
    fn with_links(&self, was: &Json, placed: bool, drawn: Vec<Json>) -> Json {
        let others = was.as_array().into_iter().flatten().filter(|link| (link["rel"] == PLACED) != placed).cloned();
        let mut links: Vec<Json> = others.chain(drawn).collect();
        links.sort_by_key(|link| format!("{}|{}", link["rel"].as_str().unwrap_or_default(), link["to"]));
        none_if_empty(links)
    }

    /// The numbers of the items under a place, ascending.
    fn numbers(&self, name: &str) -> Vec<usize> {
        let number = |key: &String| key.strip_prefix(name)?.strip_prefix('.')?.split('.').next()?.parse::<usize>().ok();
        let numbers: BTreeSet<usize> = self.pairs.keys().filter_map(number).collect();
        numbers.into_iter().take(MAX_ITEMS).collect()
    }
}

/// The id of a choice, which for a territory of the gazetteer is followed by its code.
fn record(value: &str) -> String {
    value.split(' ').next().unwrap_or_default().to_owned()
}

/// Whether what stands in a control is written by hand. The draft is gone, and with it what kind of record it was of: one in
/// which the place is a text is enough.
fn is_typed(name: &str) -> bool {
    let path = name.replace('.', "/");
    let is_text = |field: &Field| match field.ty {
        Type::String | Type::Text | Type::Markdown | Type::Strings | Type::Url | Type::Values(_) => true,
        Type::Number | Type::Date => true,
        Type::Language | Type::Bool | Type::Code(_) | Type::Codes(_) | Type::Ref | Type::Refs => false,
        Type::Struct(_) | Type::Atomic(_) | Type::List(_) | Type::Map(..) | Type::Attachments => false,
        // Of a link, a note.
        Type::Links(_) => name.ends_with(".note"),
    };
    let drawn = !name.rsplit('.').next().is_some_and(|last| last.starts_with('_'));
    drawn && Schema::get().kinds().iter().filter_map(|kind| kind.at(path.split('/'))).any(is_text)
}

fn under(name: &str, place: &str) -> bool {
    name.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn some(text: &str) -> Json {
    if text.is_empty() { Json::Null } else { text.into() }
}

/// Whether a part was left empty. One that said nothing before either stays: whoever changes something else does not change
/// it.
fn is_left_out(value: &Json, was: &Json) -> bool {
    is_blank(value) && (was.is_null() || value != was)
}

fn none_if_empty(values: Vec<Json>) -> Json {
    if values.is_empty() { Json::Null } else { Json::Array(values) }
}

fn set<'t>(values: impl Iterator<Item = &'t str>) -> Json {
    let values: BTreeSet<&str> = values.collect();
    none_if_empty(values.into_iter().map(Json::from).collect())
}
