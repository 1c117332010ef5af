//! The JSON form of a record, in files and in the local API.

use serde_json::{Map, Value as Json};

use super::field::{Field, Item, Value};
use super::schema::{self, Type};
use super::view::View;

impl View {
    /// The fields in the JSON form. Where a field has several values, the one that every node shows.
    #[must_use]
    pub fn fields_json(&self) -> Map<String, Json> {
        let specs = self.schema().map_or(&[][..], |kind| &kind.fields);
        let known =
            specs.iter().filter_map(|spec| Some((spec.name.clone(), field_json(spec, self.field(&spec.name)?)?)));
        let unknown = self.fields.iter().filter(|(name, _)| specs.iter().all(|spec| spec.name != **name));
        let unknown = unknown.filter_map(|(name, field)| Some((name.clone(), plain(field.value()?))));
        known.chain(unknown).collect()
    }

    /// The fields in the JSON form with the id of each item of a list (`_id`), so that an edit that hands them back changes
    /// the very items it means.
    #[must_use]
    pub fn fields_to_edit(&self) -> Map<String, Json> {
        let mut fields = self.fields_json();
        for (name, field) in &self.fields {
            if let (Some(Value::List(items)), Some(Json::Array(shown))) = (field.value(), fields.get_mut(name)) {
                for (item, shown) in items.iter().zip(shown) {
                    shown["_id"] = item.id.as_str().into();
                }
            }
        }
        fields
    }
}

/// One field in the JSON form.
#[must_use]
pub fn field_json(spec: &schema::Field, field: &Field) -> Option<Json> {
    field.value().map(|value| value_json(spec, value))
}

/// One value in the JSON form.
#[must_use]
pub fn value_json(spec: &schema::Field, value: &Value) -> Json {
    match (&spec.ty, value) {
        (Type::Codes(_) | Type::Strings, Value::Map(members)) => members.keys().cloned().collect(),
        (Type::Refs, Value::Map(members)) => members.iter().map(|(to, details)| reference(None, to, details)).collect(),
        (Type::Links(_), Value::Map(members)) => {
            let link = |(key, details): (&String, &Field)| {
                let (rel, to) = key.split_once('|').unwrap_or(("", key));
                reference(Some(rel), to, details)
            };
            members.iter().map(link).collect()
        }
        (Type::List(of), Value::List(items)) => {
            items.iter().map(|item: &Item| Json::Object(members_json(of, &item.fields))).collect()
        }
        (Type::Struct(of) | Type::Atomic(of), Value::Map(members)) => Json::Object(members_json(of, members)),
        (Type::Map(_, of), Value::Map(entries)) => {
            let entry = |(key, entry): (&String, &Field)| {
                let value = entry.value()?;
                let json =
                    value.members().map_or_else(|| plain(value), |members| Json::Object(members_json(of, members)));
                Some((key.clone(), json))
            };
            Json::Object(entries.iter().filter_map(entry).collect())
        }
        (_, value) => plain(value),
    }
}

fn members_json(of: &[schema::Field], members: &std::collections::BTreeMap<String, Field>) -> Map<String, Json> {
    let member = |(name, field): (&String, &Field)| {
        let spec = of.iter().find(|spec| spec.name == *name);
        let json = spec.map_or_else(|| field.value().map(plain), |spec| field_json(spec, field));
        Some((name.clone(), json?))
    };
    members.iter().filter_map(member).collect()
}

/// A reference as the bare id when there is nothing else to say.
fn reference(rel: Option<&str>, to: &str, details: &Field) -> Json {
    let details = details.value().map(plain);
    let details = details.as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
    if rel.is_none() && details.is_empty() {
        return to.into();
    }
    let rel = rel.map(|rel| ("rel".to_owned(), Json::from(rel)));
    Json::Object(rel.into_iter().chain([("to".to_owned(), to.into())]).chain(details).collect())
}

/// A value of a form that no schema describes.
pub fn plain(value: &Value) -> Json {
    match value {
        Value::Str(text) | Value::Text(text) | Value::Raw(text) => text.as_str().into(),
        Value::Int(n) => (*n).into(),
        Value::Float(n) => (*n).into(),
        Value::Bool(yes) => (*yes).into(),
        Value::Map(members) => {
            let member = |(name, field): (&String, &Field)| Some((name.clone(), plain(field.value()?)));
            Json::Object(members.iter().filter_map(member).collect())
        }
        Value::List(items) => items.iter().map(|item| plain(&Value::Map(item.fields.clone()))).collect(),
        Value::Sequence(values) => values.iter().map(plain).collect(),
    }
}
