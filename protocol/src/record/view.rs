//! A record as it is shown: every field, its value or all its concurrent values, and who wrote them.
//!
//! A view is what nodes keep of a record besides its changes (in postcard), what lists and the index are made of, and what
//! is shown. It is a function of the document and of who its writers are, the same on every node and in any order of
//! merging.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, ROOT};
use serde::{Deserialize, Serialize};

use super::field::{ALLY, Field, Reader, Value, Want, Writers};
use super::history::History;
use super::schema::{Kind, Lang, Schema, Type};
use crate::entry::change::signer;
use crate::id::{Actor, AllyId, ChangeHash, DeviceKey, RecordId};
use crate::time::Timestamp;

/// The kind whose records are one ally's words each.
const CONTRIBUTION: &str = "contribution";

/// The root key of the kind.
pub(super) const KIND: &str = "_kind";

/// The most years that one period counts for in the facet: a span of more is a mistyped date, and would fill the facet.
const MAX_YEARS: i64 = 50;

/// Upper bounds (exclusive) of the strata of population, with their codes: where a territory finds "territories like mine".
const STRATA: [(i64, &str); 7] = [
    (500, "0-499"),
    (2_000, "500-1999"),
    (10_000, "2000-9999"),
    (50_000, "10000-49999"),
    (200_000, "50000-199999"),
    (1_000_000, "200000-999999"),
    (i64::MAX, "1000000-"),
];

/// Common fields that stand beside what a record tells.
const BESIDE: [&str; 2] = ["sources", "note"];

/// Who made a change, and when by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The device that signed.
    pub device: DeviceKey,
    /// The ally it belongs to.
    pub ally: Option<AllyId>,
    /// When, as the author claims.
    pub time: Timestamp,
}

/// An author of something in a record. Each change has an actor of its own, so a writer is one save by one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The change's actor.
    pub actor: Actor,
    /// Who; nobody for a reference change, whose words are its source's.
    pub by: Option<Attribution>,
}

/// A record, read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Which record.
    pub record: RecordId,
    /// Its kind; one that the schema does not know is kept and shown raw.
    pub kind: String,
    /// The changes on which the next one builds.
    pub heads: Vec<ChangeHash>,
    /// When the latest known change was made, as its author claims; zero when only reference changes made it.
    pub updated_at: Timestamp,
    /// Those who wrote what is in `fields`.
    pub writers: Vec<Writer>,
    /// The fields by name: those with a value, of the schema or not.
    pub fields: BTreeMap<String, Field>,
}

/// Who made each change of a document, by its actor, as the changes' own footers tell. What came from nobody's device has
/// no entry.
#[must_use]
pub fn authors(doc: &Automerge, ally_of: &dyn Fn(&DeviceKey) -> Option<AllyId>) -> BTreeMap<Actor, Attribution> {
    let author = |change: automerge::ChangeMetadata<'_>| {
        let device = signer(&change.extra)?;
        let actor = Actor(change.actor.to_bytes().try_into().ok()?);
        let time = Timestamp::from_seconds(change.timestamp);
        Some((actor, Attribution { device, ally: ally_of(&device), time }))
    };
    doc.get_changes_meta(&[]).into_iter().filter_map(author).collect()
}

impl View {
    /// Reads a document. `attribute` tells who made the change of an actor.
    #[must_use]
    pub fn read(record: RecordId, doc: &Automerge, attribute: &dyn Fn(Actor) -> Option<Attribution>) -> Self {
        let mut writers = Writers::default();
        let history = History::read(doc, &|actor| attribute(actor)?.ally);
        let mut reader = Reader { doc, heads: None, writers: &mut writers, history: Some(&history), owner: None };
        let kind = reader.field(&[ROOT], KIND, Want::Unknown, 0);
        let kind = kind.and_then(|kind| kind.text().map(str::to_owned)).unwrap_or_default();
        let author = if kind == CONTRIBUTION { history.founder() } else { None };
        let fields = reader.root(Schema::get().kind(&kind).map_or(&[], |kind| &kind.fields), author);
        let writers = writers.actors.into_iter().map(|actor| Writer { actor, by: attribute(actor) });
        let times = doc.get_changes_meta(&[]).into_iter().map(|change| change.timestamp);
        Self {
            record,
            kind,
            heads: doc.get_heads().into_iter().map(|head| ChangeHash(head.0)).collect(),
            updated_at: Timestamp::from_seconds(times.max().unwrap_or_default()),
            writers: writers.collect(),
            fields,
        }
    }

    /// The kind as the schema describes it.
    #[must_use]
    pub fn schema(&self) -> Option<&'static Kind> {
        Schema::get().kind(&self.kind)
    }

    /// A field by its name, when it has a value.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(name)
    }

    /// The title, or nothing said yet.
    #[must_use]
    pub fn title(&self) -> &str {
        self.field("title").and_then(Field::text).unwrap_or_default()
    }

    /// The summary, or nothing said yet.
    #[must_use]
    pub fn summary(&self) -> &str {
        self.field("summary").and_then(Field::text).unwrap_or_default()
    }

    /// The first territory that the record takes place in.
    #[must_use]
    pub fn territory(&self) -> Option<RecordId> {
        self.territories().first().copied()
    }

    /// The territories that the record takes place in.
    #[must_use]
    pub fn territories(&self) -> Vec<RecordId> {
        let place = self.field("place").and_then(|place| place.member("territory")?.text()?.parse().ok());
        self.targets("in_territory").into_iter().chain(place).collect()
    }

    /// The records that a relation of this one leads to.
    #[must_use]
    pub fn targets(&self, rel: &str) -> Vec<RecordId> {
        let links = self.field("links").and_then(|links| links.value()?.members());
        let target = |key: &String| key.strip_prefix(rel)?.strip_prefix('|')?.parse().ok();
        links.into_iter().flat_map(BTreeMap::keys).filter_map(target).collect()
    }

    /// The records of those who sign it.
    fn authors(&self) -> Vec<RecordId> {
        let authors = self.field("authors").and_then(|authors| authors.value()?.members());
        authors.into_iter().flat_map(BTreeMap::keys).filter_map(|key| key.parse().ok()).collect()
    }

    /// The records that this one refers to, wherever in it, each with how: the relation of a link, else the name of the
    /// field. Every concurrent value counts.
    #[must_use]
    pub fn refers(&self) -> BTreeSet<(String, RecordId)> {
        let mut refers = BTreeSet::new();
        let mut note = |how: &str, name: &str| refers.extend(name.parse().ok().map(|id| (how.to_owned(), id)));
        self.fields.iter().for_each(|(how, field)| named(how, field, &mut note));
        refers
    }

    /// The allies whose own words stand in the record under their name.
    #[must_use]
    pub fn speakers(&self) -> BTreeSet<AllyId> {
        let mut allies = BTreeSet::new();
        let mut note =
            |_: &str, name: &str| allies.extend(name.strip_prefix(ALLY).and_then(|ally| ally.parse::<AllyId>().ok()));
        self.fields.iter().for_each(|(how, field)| named(how, field, &mut note));
        allies
    }

    /// The values by which lists are narrowed: facet name and code. Every concurrent value counts, so that a record is
    /// found under each of them.
    #[must_use]
    pub fn facets(&self) -> BTreeSet<(String, String)> {
        let mut facets = BTreeSet::from([("kind".to_owned(), self.kind.clone())]);
        let named = |facet: &'static str| move |id: RecordId| (facet.to_owned(), id.to_string());
        facets.extend(self.territories().into_iter().map(named("territory")));
        facets.extend(self.targets("part_of").into_iter().map(named("programme")));
        facets.extend(self.authors().into_iter().map(named("author")));
        for spec in self.schema().map_or(&[][..], |kind| &kind.fields) {
            if let (Some(facet), Some(field)) = (&spec.facet, self.field(&spec.name)) {
                let values = field.values.iter().flat_map(|held| facet_values(facet, &held.value));
                facets.extend(values.map(|value| (facet.clone(), value)));
            }
        }
        facets
    }

    /// Everything that a person may search for, title and summary left out, in the order of the form.
    #[must_use]
    pub fn words(&self, lang: Lang) -> Words {
        let specs = self.schema().map_or(&[][..], |kind| &kind.fields);
        let place = |name: &str| specs.iter().position(|spec| spec.name == name);
        let mut fields: Vec<(Option<usize>, &str, &Field)> =
            self.fields.iter().map(|(name, field)| (place(name), name.as_str(), field)).collect();
        // What another version says has no place in the form.
        fields.sort_by_key(|(at, name, _)| (at.is_none(), BESIDE.contains(name), *at));
        let mut words = Words::default();
        for (at, name, field) in fields {
            if !matches!(name, "title" | "summary" | "lang" | "licence" | "visibility" | "origin" | "status") {
                words.collect(field, at.map_or(Want::Unknown, |at| Want::Field(&specs[at])), lang);
            }
        }
        words
    }
}

/// Shows every line and key that may name somebody or something, with how: the relation of a link, else `how`.
fn named(how: &str, field: &Field, note: &mut dyn FnMut(&str, &str)) {
    for held in &field.values {
        match &held.value {
            Value::Str(text) => note(how, text),
            Value::Map(members) => {
                for (key, member) in members {
                    let (rel, name) = key.split_once('|').unwrap_or((how, key));
                    note(rel, name);
                    named(how, member, note);
                }
            }
            Value::List(items) => {
                items.iter().flat_map(|item| item.fields.values()).for_each(|member| named(how, member, note));
            }
            Value::Text(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Sequence(_) | Value::Raw(_) => {}
        }
    }
}

fn facet_values(facet: &str, value: &Value) -> Vec<String> {
    match facet {
        "year" => years(value),
        "stratum" => value.members().and_then(|members| stratum(members.get("value")?)).into_iter().collect(),
        facet => match value {
            Value::Str(code) => vec![code.clone()],
            Value::Map(members) => members.keys().cloned().collect(),
            Value::List(items) => {
                items.iter().filter_map(|item| Some(item.fields.get(facet)?.text()?.to_owned())).collect()
            }
            Value::Text(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Sequence(_) | Value::Raw(_) => {
                vec![]
            }
        },
    }
}

/// The years of a date, an interval `from/to`, or a struct of `from` and `to`.
fn years(value: &Value) -> Vec<String> {
    let year = |date: &str| date.get(..4)?.parse::<i64>().ok();
    let (from, to) = if let Some(date) = value.text() {
        (year(date), date.split_once('/').and_then(|(_, to)| year(to)))
    } else {
        let end = |name: &str| value.members()?.get(name)?.text().and_then(year);
        (end("from"), end("to"))
    };
    let Some(first) = from.or(to) else { return vec![] };
    let last = to.unwrap_or(first).min(first.saturating_add(MAX_YEARS));
    (first..=last).map(|year| year.to_string()).collect()
}

fn stratum(population: &Field) -> Option<String> {
    let Value::Int(people) = population.value()? else { return None };
    stratum_of(*people).map(str::to_owned)
}

/// The code of the stratum of so many inhabitants: a value of the facet `stratum`.
#[must_use]
pub fn stratum_of(people: i64) -> Option<&'static str> {
    STRATA.iter().find(|(below, _)| people < *below).map(|(_, code)| *code)
}

/// What a person may search for in a record, one thing a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// What somebody wrote.
    pub told: String,
    /// Labels of codes, keywords, dates and addresses: they are looked for, and are no passage to read.
    pub labels: String,
}

impl Words {
    fn collect(&mut self, field: &Field, want: Want<'_>, lang: Lang) {
        let held = field.values.iter().chain(&field.versions).chain(&field.proposals);
        for value in held.map(|held| &held.value) {
            match value {
                Value::Str(text) if want.is_line() => push_line(&mut self.told, text),
                Value::Str(text) => push_line(&mut self.labels, &label(want, text, lang)),
                Value::Text(text) => push_line(&mut self.told, text),
                Value::Map(members) => {
                    for (key, member) in members {
                        match want {
                            // The key of a link is a relation and an id: no words of anybody.
                            Want::Field(spec) if matches!(spec.ty, Type::Links(_)) => {}
                            Want::Field(spec) if spec.vocabulary().is_some() || matches!(spec.ty, Type::Strings) => {
                                push_line(&mut self.labels, &label(want, key, lang));
                            }
                            Want::Field(_) | Want::Entry(_) | Want::Unknown => {}
                        }
                        self.collect(member, want.member(key), lang);
                    }
                }
                Value::List(items) => {
                    for item in items {
                        for (key, member) in &item.fields {
                            self.collect(member, want.member(&item.id).member(key), lang);
                        }
                    }
                }
                Value::Sequence(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Raw(_) => {}
            }
        }
    }
}

/// The label of a code, or the code itself when the vocabulary does not have it; other lines as they are.
fn label(want: Want<'_>, code: &str, lang: Lang) -> String {
    let Want::Field(spec) = want else { return code.to_owned() };
    let term = spec.vocabulary().and_then(|vocabulary| Schema::get().term(vocabulary, code));
    term.map_or(code, |term| term.label.get(lang)).to_owned()
}

fn push_line(words: &mut String, line: &str) {
    words.push_str(line);
    words.push('\n');
}
