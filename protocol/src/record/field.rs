//! What stands in a field: its value, or all its concurrent values, as a document holds them.
//!
//! Reading follows the shapes found in the document, not those hoped for: a field that the schema does not know, or knows
//! as something else, is read as it is and shown raw. The schema only tells two shapes apart that look alike: a list from a
//! map, and an atomic struct from a line of text.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::conflict;
use super::fold::MAX_DEPTH;
use super::history::History;
use super::json::plain;
use super::schema::{self, Key, Type};
use crate::id::{Actor, AllyId};

/// The beginning of a key that names an ally whose own words stand there.
pub(super) const ALLY: &str = "ally:";

/// The member of a list item that holds its place.
pub(super) const ORDER: &str = "order";

/// A value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// A line of text: string, address, date, code, reference.
    Str(String),
    /// A text that merges by character.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// Members under keys: struct, map, codes, strings, refs, links, attachments.
    Map(BTreeMap<String, Field>),
    /// Items in their order.
    List(Vec<Item>),
    /// A list that is no list of this model: an unknown field of a newer one.
    Sequence(Vec<Self>),
    /// Something that has no other form here, as text.
    Raw(String),
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its key in the document.
    pub id: String,
    /// Its place: items stand in the order of this text, then of their id.
    pub order: String,
    /// Its members.
    pub fields: BTreeMap<String, Field>,
}

/// A value, and who wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// What stands there.
    pub value: Value,
    /// Who wrote it: an index into [`super::View::writers`].
    pub by: u32,
}

/// What stands in one place of a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The value; several when they were written apart and nobody has settled between them. The first is the one to show
    /// where there is room for one: every node shows the same.
    pub values: Vec<Held>,
    /// For a text that was edited apart in the same paragraph: the whole text as each side would have it. The merged text
    /// is in `values`.
    pub versions: Vec<Held>,
    /// For words that belong to one ally: what others would have there.
    pub proposals: Vec<Held>,
}

impl Field {
    /// The value to show where there is room for one.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        self.values.first().map(|held| &held.value)
    }

    /// Whether somebody has to settle between values or versions of this very place (not of its members).
    #[must_use]
    pub fn is_disputed(&self) -> bool {
        self.values.len() > 1 || !self.versions.is_empty()
    }

    /// Its number, when it has exactly one value and that is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self.value()? {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Str(_)
            | Value::Text(_)
            | Value::Bool(_)
            | Value::Map(_)
            | Value::List(_)
            | Value::Sequence(_)
            | Value::Raw(_) => None,
        }
    }

    /// A member of a map or struct, or an item's members by its id.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Self> {
        self.value()?.members()?.get(key)
    }

    /// The line or text that stands here.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.value()?.text()
    }
}

impl Value {
    /// The line or text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Str(text) | Self::Text(text) => Some(text),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Raw(_) => None,
            Self::Map(_) | Self::List(_) | Self::Sequence(_) => None,
        }
    }

    /// The members of a map.
    #[must_use]
    pub fn members(&self) -> Option<&BTreeMap<String, Field>> {
        match self {
            Self::Map(members) => Some(members),
            Self::Str(_) | Self::Text(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) => None,
            Self::List(_) | Self::Sequence(_) | Self::Raw(_) => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        match self {
            Self::List(items) => items,
            Self::Str(_) | Self::Text(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) => &[],
            Self::Map(_) | Self::Sequence(_) | Self::Raw(_) => &[],
        }
    }

    /// Whether nothing is said: an emptied text or container, which stands for "no value".
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Map(members) => members.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Str(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Sequence(_) | Self::Raw(_) => false,
        }
    }
}

/// Reads a document or a transaction on one, now or as it was at some heads.
pub(super) struct Reader<'a, D> {
    pub(super) doc: &'a D,
    pub(super) heads: Option<&'a [ChangeHash]>,
    /// The writers met so far, in the order in which they were met.
    pub(super) writers: &'a mut Writers,
    /// With it, texts edited apart get their versions, and an ally's words are kept apart from what others made of them.
    pub(super) history: Option<&'a History<'a>>,
    /// Whose words a struct is in which others hold positions of their own: in a disagreement that one ally brings, all but
    /// these is that ally's.
    pub(super) owner: Option<AllyId>,
}

/// Actors numbered as they are met, so that each value names its writer in a byte.
#[derive(Debug, Default)]
pub(super) struct Writers {
    numbers: BTreeMap<Actor, u32>,
    pub(super) actors: Vec<Actor>,
}

impl Writers {
    pub(super) fn number(&mut self, actor: Actor) -> u32 {
        *self.numbers.entry(actor).or_insert_with(|| {
            self.actors.push(actor);
            self.actors.len() as u32 - 1
        })
    }
}

/// What the schema expects at a key.
#[derive(Clone, Copy)]
pub(super) enum Want<'s> {
    /// Nothing: a field of another version, or a member whose form is free.
    Unknown,
    /// A field.
    Field(&'s schema::Field),
    /// An item of a list or a value of a map, which exists even with no member said.
    Entry(&'s [schema::Field]),
}

impl<'s> Want<'s> {
    /// What is expected at a member of what is expected here.
    pub(super) fn member(self, key: &str) -> Self {
        let named = |fields: &'s [schema::Field]| {
            fields.iter().find(|field| field.name == key).map_or(Self::Unknown, Self::Field)
        };
        match self {
            Self::Unknown => Self::Unknown,
            Self::Entry(fields) => named(fields),
            Self::Field(schema::Field { ty: Type::Struct(fields) | Type::Atomic(fields), .. }) => named(fields),
            Self::Field(schema::Field { ty: Type::List(fields) | Type::Map(_, fields), .. }) => Self::Entry(fields),
            Self::Field(_) => Self::Unknown,
        }
    }

    /// Whether somebody writes a line of their own here, as opposed to a code, a date or an address.
    pub(super) fn is_line(self) -> bool {
        matches!(self, Self::Field(schema::Field { ty: Type::String, name, .. }) if name != "country")
    }

    fn is_list(self) -> bool {
        matches!(self, Self::Field(schema::Field { ty: Type::List(_), .. }))
    }

    /// Whether the members belong each to the ally that its key names.
    fn is_by_author(self) -> bool {
        matches!(self, Self::Field(schema::Field { ty: Type::Map(Key::Author, _), .. }))
    }

    /// Whether allies hold positions of their own in the struct.
    fn is_shared(self) -> bool {
        let by_author = |field: &schema::Field| matches!(field.ty, Type::Map(Key::Author, _));
        matches!(self, Self::Field(schema::Field { ty: Type::Struct(fields), .. }) if fields.iter().any(by_author))
    }

    fn is_atomic(self) -> bool {
        matches!(self, Self::Field(schema::Field { ty: Type::Atomic(_), .. }))
    }
}

impl<D: ReadDoc> Reader<'_, D> {
    /// All fields of the record but those of the format itself. When the record is one ally's words, others' changes are
    /// proposals.
    pub(super) fn root(&mut self, fields: &[schema::Field], author: Option<AllyId>) -> BTreeMap<String, Field> {
        let names: Vec<String> = self.keys(&ROOT).into_iter().filter(|name| !name.starts_with('_')).collect();
        let field = |name: String| {
            let want = Want::Entry(fields).member(&name);
            self.owner = author.filter(|_| want.is_shared());
            let author = author.filter(|_| !want.is_shared());
            self.field_of(author, &[ROOT], &name, want, 0).map(|field| (name, field))
        };
        names.into_iter().filter_map(field).collect()
    }

    /// A field that may be one ally's words: then its values are those the ally wrote or built on, and what others made
    /// of them since is a proposal.
    fn field_of(
        &mut self,
        author: Option<AllyId>,
        objects: &[ObjId],
        key: &str,
        want: Want<'_>,
        depth: usize,
    ) -> Option<Field> {
        let now = self.field(objects, key, want, depth);
        let Some(history) = self.history else { return now };
        let Some((seen, unseen)) = author.and_then(|author| history.unseen_by(author)) else { return now };
        let mut before =
            Reader { doc: self.doc, heads: Some(&seen), writers: self.writers, history: None, owner: None };
        let own = if seen.is_empty() { None } else { before.field(objects, key, want, depth) };
        let (own, now) = (own.unwrap_or_default(), now.unwrap_or_default());
        let said: Vec<Json> = own.values.iter().map(|held| plain(&held.value)).collect();
        let mut proposals = now.values.clone();
        proposals.retain(|held| !said.contains(&plain(&held.value)));
        if proposals.is_empty() && !now.values.is_empty() {
            return Some(now);
        }
        for held in &mut proposals {
            // Who began a text or a list is named by the value; who last worked on it is not.
            if let Some(actor) = history.last_hand(&unseen, &self.objects_of(objects, key, &held.value)) {
                held.by = self.writers.number(actor);
            }
        }
        let silent = own.values.is_empty() && proposals.is_empty();
        (!silent).then_some(Field { values: own.values, versions: Vec::new(), proposals })
    }

    /// The objects that a value at a key is made of.
    fn objects_of(&self, objects: &[ObjId], key: &str, value: &Value) -> Vec<ObjId> {
        let is_part = |found: &Found| match value {
            Value::Text(text) => found.is_text() && self.text(&found.id) == *text,
            Value::Map(_) | Value::List(_) => found.is_map(),
            Value::Sequence(_) => matches!(found.shape, Shape::Object(ObjType::List)),
            Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Raw(_) => false,
        };
        let mut next: Vec<Found> = found(self.doc, self.heads, objects, key).into_iter().filter(is_part).collect();
        let mut all = Vec::new();
        while let Some(part) = next.pop() {
            if part.is_map() {
                let members = self.keys(&part.id);
                let object = std::slice::from_ref(&part.id);
                next.extend(members.iter().flat_map(|key| found(self.doc, self.heads, object, key)));
            }
            all.push(part.id);
        }
        all
    }

    /// The members of the union of `objects`.
    fn members(&mut self, objects: &[ObjId], want: Want<'_>, depth: usize) -> BTreeMap<String, Field> {
        let keys: BTreeSet<String> = objects.iter().flat_map(|object| self.keys(object)).collect();
        let field = |key: String| {
            let author = if want.is_by_author() {
                key.strip_prefix(ALLY).map_or(self.owner, |ally| ally.parse().ok())
            } else {
                self.owner.filter(|_| want.is_shared() && !want.member(&key).is_by_author())
            };
            self.field_of(author, objects, &key, want.member(&key), depth).map(|field| (key, field))
        };
        keys.into_iter().filter_map(field).collect()
    }

    /// What stands at `key` of the union of `objects`; nothing when nothing does, or only what was emptied.
    pub(super) fn field(&mut self, objects: &[ObjId], key: &str, want: Want<'_>, depth: usize) -> Option<Field> {
        let found = found(self.doc, self.heads, objects, key);
        let mut maps: Vec<ObjId> = found.iter().filter(|found| found.is_map()).map(|found| found.id.clone()).collect();
        let (mut values, mut versions) = (Vec::<Held>::new(), Vec::new());
        for found in &found {
            let value = match &found.shape {
                Shape::Object(ObjType::Map | ObjType::Table) if maps.is_empty() => continue,
                Shape::Object(ObjType::Map | ObjType::Table) => self.container(&std::mem::take(&mut maps), want, depth),
                Shape::Object(ObjType::Text) => {
                    let text = self.text(&found.id);
                    versions.extend(self.versions(&found.id, &text));
                    Value::Text(text)
                }
                Shape::Object(ObjType::List) => self.sequence(&found.id, depth),
                Shape::Scalar(scalar) => scalar_value(scalar, want),
            };
            let blank = value.is_blank() && (matches!(want, Want::Field(_)) || matches!(value, Value::Text(_)));
            // Two people who wrote the same do not disagree.
            if !blank && values.iter().all(|held| held.value != value) {
                values.push(Held { value, by: self.writers.number(found.writer()) });
            }
        }
        (!values.is_empty()).then_some(Field { values, versions, proposals: Vec::new() })
    }

    /// The text as each of those who edited it apart would have it.
    fn versions(&mut self, text: &ObjId, merged: &str) -> Vec<Held> {
        let Some((history, apart)) = self.history.and_then(|history| Some((history, history.apart(text)?))) else {
            return Vec::new();
        };
        let versions = conflict::versions(history.document(), text, merged, &apart);
        let held = |(text, actor)| Held { value: Value::Text(text), by: self.writers.number(actor) };
        versions.into_iter().map(held).collect()
    }

    fn container(&mut self, maps: &[ObjId], want: Want<'_>, depth: usize) -> Value {
        if depth >= MAX_DEPTH {
            return Value::Raw("…".to_owned());
        }
        let members = self.members(maps, want, depth + 1);
        if want.is_list() { Value::List(items(members)) } else { Value::Map(members) }
    }

    fn sequence(&mut self, list: &ObjId, depth: usize) -> Value {
        if depth >= MAX_DEPTH {
            return Value::Raw("…".to_owned());
        }
        let values = match self.heads {
            None => self.doc.values(list),
            Some(heads) => self.doc.values_at(list, heads),
        };
        let values: Vec<Found> = values.map(|(value, id)| Found::new(value, id)).collect();
        let value = |found: Found| match &found.shape {
            Shape::Object(ObjType::Map | ObjType::Table) => self.container(&[found.id], Want::Unknown, depth + 1),
            Shape::Object(ObjType::Text) => Value::Text(self.text(&found.id)),
            Shape::Object(ObjType::List) => self.sequence(&found.id, depth + 1),
            Shape::Scalar(scalar) => scalar_value(scalar, Want::Unknown),
        };
        Value::Sequence(values.into_iter().map(value).collect())
    }

    fn keys(&self, object: &ObjId) -> Vec<String> {
        match self.heads {
            None => self.doc.keys(object).collect(),
            Some(heads) => self.doc.keys_at(object, heads).collect(),
        }
    }

    fn text(&self, text: &ObjId) -> String {
        let read = match self.heads {
            None => self.doc.text(text),
            Some(heads) => self.doc.text_at(text, heads),
        };
        read.unwrap_or_default()
    }
}

/// The items of a list in their order.
pub(super) fn items(members: BTreeMap<String, Field>) -> Vec<Item> {
    let item = |(id, field): (String, Field)| {
        let mut fields = match field.values.first() {
            Some(Held { value: Value::Map(fields), .. }) => fields.clone(),
            _ => BTreeMap::from([(String::new(), field)]),
        };
        let order = fields.remove(ORDER).and_then(|order| order.text().map(str::to_owned)).unwrap_or_default();
        Item { id, order, fields }
    };
    let mut items: Vec<Item> = members.into_iter().map(item).collect();
    items.sort_by(|a, b| (&a.order, &a.id).cmp(&(&b.order, &b.id)));
    items
}

/// One of the values that automerge keeps at a key.
pub(super) struct Found {
    pub(super) shape: Shape,
    /// The object, or the operation that wrote the scalar.
    pub(super) id: ObjId,
}

pub(super) enum Shape {
    Object(ObjType),
    Scalar(ScalarValue),
}

impl Found {
    pub(super) fn new(value: automerge::Value<'_>, id: ObjId) -> Self {
        let shape = match value {
            automerge::Value::Object(kind) => Shape::Object(kind),
            automerge::Value::Scalar(scalar) => Shape::Scalar(scalar.into_owned()),
        };
        Self { shape, id }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.shape, Shape::Object(ObjType::Map | ObjType::Table))
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.shape, Shape::Object(ObjType::Text))
    }

    /// The actor of the operation.
    pub(super) fn writer(&self) -> Actor {
        actor_of(&self.id)
    }
}

/// The actor of an operation; all zeros for one whose name is not 16 bytes, which the gate lets nobody have.
pub(super) fn actor_of(id: &ObjId) -> Actor {
    match id {
        ObjId::Root => Actor::ZERO,
        ObjId::Id(_, actor, _) => actor.to_bytes().try_into().map_or(Actor::ZERO, Actor),
    }
}

/// All values at `key` of all `objects`, the latest operation first, which is the one that every node shows.
pub(super) fn found(doc: &impl ReadDoc, heads: Option<&[ChangeHash]>, objects: &[ObjId], key: &str) -> Vec<Found> {
    let all = |object: &ObjId| {
        let values = match heads {
            None => doc.get_all(object, key),
            Some(heads) => doc.get_all_at(object, key, heads),
        };
        values.unwrap_or_default().into_iter().map(|(value, id)| Found::new(value, id)).collect::<Vec<_>>()
    };
    let mut found: Vec<Found> = objects.iter().flat_map(all).collect();
    found.sort_by(|a, b| b.id.cmp(&a.id));
    found
}

fn scalar_value(scalar: &ScalarValue, want: Want<'_>) -> Value {
    match scalar {
        ScalarValue::Str(text) if want.is_atomic() => atomic(text),
        ScalarValue::Str(text) => Value::Str(text.to_string()),
        ScalarValue::Int(n) => Value::Int(*n),
        ScalarValue::Uint(n) => i64::try_from(*n).map_or_else(|_| Value::Raw(n.to_string()), Value::Int),
        ScalarValue::F64(n) if n.is_finite() => Value::Float(*n),
        ScalarValue::F64(n) => Value::Raw(n.to_string()),
        ScalarValue::Boolean(yes) => Value::Bool(*yes),
        ScalarValue::Counter(counter) => Value::Int(i64::from(counter)),
        ScalarValue::Timestamp(ms) => Value::Raw(crate::time::Timestamp(*ms).to_string()),
        ScalarValue::Bytes(bytes) => Value::Raw(crate::id::base32(bytes)),
        ScalarValue::Unknown { bytes, .. } => Value::Raw(crate::id::base32(bytes)),
        ScalarValue::Null => Value::Raw(String::new()),
    }
}

/// The members of an atomic struct, which share one writer and so are given none of their own.
fn atomic(text: &str) -> Value {
    match serde_json::from_str::<BTreeMap<String, Json>>(text) {
        Ok(members) => Value::Map(members.into_iter().map(|(key, value)| (key, told(&value))).collect()),
        Err(_) => Value::Str(text.to_owned()),
    }
}

fn told(json: &Json) -> Field {
    let value = match json {
        Json::String(text) => Value::Str(text.clone()),
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(n) => {
            n.as_i64().map(Value::Int).or_else(|| n.as_f64().map(Value::Float)).unwrap_or(Value::Raw(n.to_string()))
        }
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Raw(json.to_string()),
    };
    Field { values: vec![Held { value, by: 0 }], ..Field::default() }
}
