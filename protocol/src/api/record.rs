//! Records: reading, searching, writing, settling, import and export.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::error::Problem;
use crate::id::{ChangeHash, RecordId};
use crate::time::Timestamp;

/// A record in one line of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Brief {
    /// Its id.
    #[schema(value_type = String)]
    pub id: RecordId,
    /// The shortest prefix of the id that no other record of this commons has, at least [`crate::id::SHORT`] characters.
    pub short: String,
    /// One of the schema's kinds, or an unknown one, raw.
    pub kind: String,
    /// Its title; empty when it has none yet.
    pub title: String,
    /// The language of its words, as it says (`fr`, `en`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// In brief.
    pub summary: Option<String>,
    /// The first territory it is about.
    pub territory: Option<TerritoryName>,
    /// The latest time that its authors claim; `None` for reference records, which nobody here wrote.
    #[serde(with = "super::moment::maybe")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
    /// When what it tells of took place, or when it came out: an EDTF date or interval, as the record has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Who signs it: its authors, else the allies that wrote it; of a contribution, the ally that brought it.
    #[serde(default)]
    pub by: Vec<String>,
    /// How many fields have several concurrent values.
    #[serde(default)]
    pub conflicts: u32,
    /// In a search: the passage found, as plain text; what matched is given in `highlights`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
    /// In a search: byte ranges of `snippet` that matched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub highlights: Vec<(u32, u32)>,
    /// In a search for records like another: what both have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<Shared>,
}

/// Something that two records have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shared {
    /// The facet (`theme`, `difficulty`, `setting`, `stratum` of their territories…), or `word`.
    pub facet: String,
    /// The label in the language of the request, or the word as the other record writes it.
    pub label: String,
}

/// Where the records that a search finds take place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Places {
    /// How many records are found.
    pub total: u64,
    /// How many of them take place in each department, by its official code.
    pub departments: Vec<FacetValue>,
    /// The territories that they name, the most frequent first: two hundred, and those that the question asks for.
    pub spots: Vec<Spot>,
    /// How many territories there are besides.
    #[serde(default)]
    pub left_off: u64,
}

/// A territory with what takes place in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Spot {
    /// Its record.
    #[schema(value_type = String)]
    pub id: RecordId,
    /// Its title.
    pub title: String,
    /// Its department's official code, where it has one.
    pub department: Option<String>,
    /// Latitude and longitude in degrees, where it has a point.
    pub point: Option<(f64, f64)>,
    /// How many of the records found take place in it.
    pub count: u64,
}

/// A territory as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TerritoryName {
    /// Its record.
    #[schema(value_type = String)]
    pub id: RecordId,
    /// Its title, empty when it has none; its short id while the record has not arrived.
    pub title: String,
    /// Latitude and longitude in degrees, where it has a point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<(f64, f64)>,
}

/// Which part of a long answer. `limit` 0 means all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page {
    /// How many at most.
    #[serde(default, deserialize_with = "number")]
    pub limit: u32,
    /// How many to skip.
    #[serde(default, deserialize_with = "number")]
    pub offset: u32,
}

/// A number, or its digits: a query string holds text only, which a flattened struct sees as such.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u32),
        Digits(String),
    }
    match Either::deserialize(from)? {
        Either::Number(number) => Ok(number),
        Either::Digits(digits) => digits.parse().map_err(D::Error::custom),
    }
}

/// Words and filters in the query language of [`crate::query`]: `mobilité theme:mobility kind:experience`.
pub type Query = String;

/// Records, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct List {
    /// Filters (and words, which must all be there); empty is everything.
    #[serde(default)]
    pub q: Query,
    /// Which part.
    #[serde(flatten)]
    pub page: Page,
}

/// Records by relevance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Search {
    /// Words and filters.
    #[serde(default)]
    pub q: Query,
    /// Records like this one; of `q`, the filters narrow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// Which part.
    #[serde(flatten)]
    pub page: Page,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Records {
    /// How many there are in all.
    pub total: u64,
    /// Nothing matched as typed: these are for words close to it.
    pub corrected: bool,
    /// No record has all the words: these have some of them, the best first.
    pub partial: bool,
    /// Those of the page asked for.
    pub records: Vec<Brief>,
    /// Counts by facet over all that was found. Empty in a [`List`].
    pub facets: Vec<Facet>,
    /// What it may lack.
    #[serde(flatten)]
    pub lacking: Lacking,
}

/// What an answer of the search index may lack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lacking {
    /// Records that changed and are not made readable yet: while there are any, the answer may lack some.
    #[serde(default)]
    pub unfolded: u64,
    /// Records that cannot be made readable, as when a part of the store is damaged: the answer lacks them until that is
    /// mended. The doctor names them.
    #[serde(default)]
    pub unfoldable: u64,
    /// The search index cannot be written, as on a full disk: the answer is of what was there before.
    #[serde(default)]
    pub outdated: bool,
}

impl Lacking {
    /// Whether the answer is whole.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.unfolded == 0 && self.unfoldable == 0 && !self.outdated
    }
}

/// Counts of one facet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Facet {
    /// The facet's name in the query language.
    pub name: String,
    /// Its name for people, in the language of the request.
    #[serde(default)]
    pub label: String,
    /// Its values, most frequent first; what the question asks for is among them.
    pub values: Vec<FacetValue>,
    /// How many values there are besides.
    #[serde(default)]
    pub left_off: u64,
}

/// How many records have this value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetValue {
    /// The code, or the record id of a territory.
    pub code: String,
    /// The label in the language of the request.
    pub label: String,
    /// How many.
    pub count: u64,
}

/// A whole record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sheet {
    /// What a list shows of it.
    #[serde(flatten)]
    pub brief: Brief,
    /// Its fields in the JSON form of the schema (`json_form`), record ids for references.
    #[schema(value_type = Object)]
    pub fields: Map<String, Json>,
    /// Titles of the records that `fields` refers to, empty where there is none; short ids of those that have not arrived.
    #[schema(value_type = Object)]
    pub names: BTreeMap<String, String>,
    /// The languages of these titles, where their records say them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub langs: BTreeMap<String, String>,
    /// Names of the allies whose devices wrote it, in order of their first change.
    pub written_by: Vec<String>,
    /// When somebody first wrote in it, as they claim; `None` for reference records.
    #[serde(with = "super::moment::maybe")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// The heads of what is shown: an [`Edit`] names them as its base.
    #[schema(value_type = Vec<String>)]
    pub heads: Vec<ChangeHash>,
    /// What cites just this version: `essaim:COMMONS/RECORD@HEADS`, the heads joined by dots.
    pub citation: String,
    /// Fields with several concurrent values.
    pub disagreements: Vec<Conflict>,
    /// What is missing before it may be called complete, in words.
    pub missing: Vec<Problem>,
    /// What other allies propose for positions that are not theirs, in words of the schema.
    pub proposals: Vec<Conflict>,
    /// The other allies that are known to hold all of it that is here.
    #[serde(default)]
    pub held_by: Vec<Holder>,
}

/// An ally that holds a record as it is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holder {
    /// Its name.
    pub ally: String,
    /// When one of its devices and this one last compared the digest of everything they hold and found the same, the record
    /// included.
    #[serde(with = "super::moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A version of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowAt {
    /// Which record, by id or prefix.
    pub record: String,
    /// Its heads then: changes of its history, and all that they build on.
    pub heads: Vec<ChangeHash>,
}

/// The records that refer to one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Linked {
    /// How many there are in all; a search for `linked:ID` finds them.
    pub total: u64,
    /// How many there are of each kind.
    pub kinds: Vec<FacetValue>,
    /// The newest of them.
    pub records: Vec<Referring>,
}

/// A record that refers to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Referring {
    /// The record.
    #[serde(flatten)]
    pub brief: Brief,
    /// How: terms of the vocabulary `link`, or names of fields (`about`, `authors`, `reused_in`).
    pub how: Vec<String>,
    /// Its form, as a code, where its kind has one: `question`, `lever`.
    pub form: Option<String>,
    /// Of a contribution, the beginning of what it says.
    pub text: Option<String>,
}

/// Which fields with several concurrent values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConflictsOf {
    /// Of which record, by id or prefix; of all, those of one record together, when nobody says.
    #[serde(default)]
    pub record: Option<String>,
    /// Which part.
    #[serde(flatten)]
    pub page: Page,
}

/// One field with several concurrent values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Conflict {
    /// The record.
    #[schema(value_type = String)]
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// The language of the title, as the record says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// The field's path: `outcome`, `means/budget_eur`, `steps/ITEM/on`.
    pub field: String,
    /// The name of the field and of the places above it, in the language of the request.
    pub label: String,
    /// Of a text: what merging made of the versions, letter by letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<String>,
    /// The values, in the order in which `settle` names them A, B, C….
    pub values: Vec<Value>,
}

/// One concurrent value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Value {
    /// The value in the JSON form.
    #[schema(value_type = Object)]
    pub value: Json,
    /// The label of a code in the language of the request, the title of a reference; else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The name of the ally who wrote it; `None` when its device is not known (yet).
    pub ally: Option<String>,
    /// When, as its author claims.
    #[serde(with = "super::moment::maybe")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// One change of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// The change, by which the version is cited.
    #[schema(value_type = String)]
    pub change: ChangeHash,
    /// The changes that it was made on; none for the first.
    #[schema(value_type = Vec<String>)]
    pub after: Vec<ChangeHash>,
    /// Who; `None` for reference records, which nobody here wrote, and while the author is not known.
    pub ally: Option<String>,
    /// When, as the author claims; `None` for reference records.
    #[serde(with = "super::moment::maybe")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// The fields that it touched.
    pub fields: Vec<String>,
    /// Whether another change was made at the same time by somebody who had not seen this one.
    pub concurrent: bool,
}

/// The history of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Log {
    /// The record.
    #[serde(flatten)]
    pub brief: Brief,
    /// Newest first.
    pub versions: Vec<Version>,
}

/// For which the text of an editor is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TemplateFor {
    /// A new record of this kind.
    Kind(String),
    /// A new record that says this already, but for territories, which would have to be written first.
    New(New),
    /// This record as it is.
    Record(String),
}

/// The text to open in an editor: Markdown with front matter ([`crate::record::template`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// The text.
    pub text: String,
    /// The record, unless it is new.
    #[schema(value_type = Option<String>)]
    pub record: Option<RecordId>,
    /// What the text shows; to be given back as [`Edit::base`].
    #[schema(value_type = Vec<String>)]
    pub base: Vec<ChangeHash>,
}

/// What a record should hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The text of an editor.
    Template(String),
    /// Fields in the JSON form.
    #[schema(value_type = Object)]
    Fields(Map<String, Json>),
}

/// `field=value` as typed: the schema tells how to read the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Setting {
    /// The field's path.
    pub field: String,
    /// The value as typed; empty clears the field.
    pub value: String,
}

/// A new record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct New {
    /// Its kind, by code or label.
    pub kind: String,
    /// What it holds.
    #[serde(default)]
    pub form: Option<Form>,
    /// Set over `form`, in this order.
    #[serde(default)]
    pub set: Vec<Setting>,
    /// Territories it is about, by name or official code; looked up in the gazetteer.
    #[serde(default)]
    pub territories: Vec<String>,
}

/// A change of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Edit {
    /// Which, by id or prefix.
    #[serde(default)]
    pub record: String,
    /// What the writer had seen; empty is the present state.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub base: Vec<ChangeHash>,
    /// What it should hold; fields that are not named stay.
    #[serde(default)]
    pub form: Option<Form>,
    /// Set over `form`, in this order.
    #[serde(default)]
    pub set: Vec<Setting>,
    /// Territories to add, by name or official code.
    #[serde(default)]
    pub territories: Vec<String>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Saved {
    /// The record as it is now.
    #[serde(flatten)]
    pub brief: Brief,
    /// The change; `None` when nothing differed and nothing was written.
    #[schema(value_type = Option<String>)]
    pub change: Option<ChangeHash>,
    /// The fields that it touched.
    pub fields: Vec<String>,
    /// What is missing before it may be called complete.
    pub missing: Vec<Problem>,
}

/// Settling a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Settle {
    /// Which record, by id or prefix.
    #[serde(default)]
    pub record: String,
    /// The field's path.
    pub field: String,
    /// How.
    pub keep: Settlement,
    /// The values that whoever decides has seen, in their order. When others stand there now nothing is settled: a number
    /// would mean another value. Empty settles whatever stands there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub seen: Vec<Json>,
}

/// How a conflict ends. The values not kept stay in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// The value of this number in [`Conflict::values`], from 0.
    Value(usize),
    /// All of them, one after the other: only for text.
    Both,
    /// A value typed anew.
    Other(String),
}

/// JSON Lines to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The whole file: references between its lines are resolved over all of it. A line that is not UTF-8 is a bad line.
    pub lines: Vec<u8>,
}

/// What became of an import.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// Records that were not there.
    pub created: u64,
    /// Records that were there and changed.
    pub updated: u64,
    /// Records that were there just so.
    pub unchanged: u64,
    /// Lines that could not be taken.
    pub bad: Vec<BadLine>,
}

/// A line that could not be taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub problem: Problem,
}

/// Which records to give out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Export {
    /// Filters; empty is everything.
    #[serde(default)]
    pub q: Query,
}

/// Records as JSON Lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// One record a line.
    pub lines: String,
    /// What may be missing: for a filter also what is not made readable yet, and in any case what cannot be.
    pub lacking: Lacking,
}

/// The most heads by which a version is named: more than a person ever merges at once.
const MAX_HEADS: usize = 32;

impl ShowAt {
    /// Reads the heads of a version as a citation writes them: joined by dots. `None` when they are no such heads.
    #[must_use]
    pub fn heads(text: &str) -> Option<Vec<ChangeHash>> {
        let heads = text.split('.').take(MAX_HEADS + 1).map(str::parse).collect::<Result<Vec<_>, _>>().ok()?;
        (heads.len() <= MAX_HEADS).then_some(heads)
    }
}

impl Conflict {
    /// The letter by which a person names the value of this number: A, B, … Z, then numbers from 27.
    #[must_use]
    pub fn letter(number: usize) -> String {
        u8::try_from(number)
            .ok()
            .filter(|n| *n < 26)
            .map_or_else(|| (number + 1).to_string(), |n| char::from(b'A' + n).to_string())
    }
}
