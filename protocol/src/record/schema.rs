//! The schema is data: kinds, fields and vocabularies, read once from `schema/*.json`.
//!
//! One schema drives validation, the web form, the editor's template, facets in search, import and export. Adding a field
//! or a term is one edit of the data. What an older node finds in a record and not in its schema it keeps, shows raw
//! and passes on.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::typography::french;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::parse(include_str!("../../schema/model.json"), include_str!("../../schema/vocabularies.json"))
        .expect("the embedded schema parses: a test holds it to that")
});

/// A language of the interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// French, the users' language.
    #[default]
    Fr,
    /// English.
    En,
}

impl Lang {
    /// Picks the text of this language.
    #[must_use]
    pub fn pick<T>(self, fr: T, en: T) -> T {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }
}

/// A name for people, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// In French.
    #[serde(deserialize_with = "french_text")]
    pub fr: String,
    /// In English.
    pub en: String,
}

fn french_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map(|text| french(&text))
}

impl Label {
    /// The label in a language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        lang.pick(&self.fr, &self.en)
    }
}

/// The whole schema.
#[derive(Debug)]
pub struct Schema {
    kinds: Vec<Kind>,
    vocabularies: BTreeMap<String, Vocabulary>,
}

/// A kind of record.
#[derive(Debug)]
pub struct Kind {
    /// `experience`, `territory`, …
    pub name: String,
    /// Its name for people.
    pub label: Label,
    /// The fields that every kind has, then its own, in the order of the form.
    pub fields: Vec<Field>,
}

/// A field of a kind, or a member of a structured field.
#[derive(Debug, Clone)]
pub struct Field {
    /// The key in documents and JSON.
    pub name: String,
    /// Its name for people; for the questions of the form, the question itself.
    pub label: Label,
    /// What it holds and how it merges.
    pub ty: Type,
    /// Whether a record is incomplete without it.
    pub required: bool,
    /// The value of a new record.
    pub default: Option<String>,
    /// The most characters that a person may write in it.
    pub max_chars: Option<usize>,
    /// The least and the greatest number that a person may write in it.
    pub range: Option<[i32; 2]>,
    /// Its screen in the form of an experience.
    pub question: Option<u8>,
    /// The facet that its values belong to: the given name, else its vocabulary's, else its own.
    pub facet: Option<String>,
}

/// What a field holds. How each merges is told in [`crate::record`].
#[derive(Debug, Clone)]
pub enum Type {
    /// A line of text, replaced whole.
    String,
    /// A finite number.
    Number,
    /// Yes or no.
    Bool,
    /// An http or https address.
    Url,
    /// A BCP 47 language tag.
    Language,
    /// An EDTF level 1 date or interval.
    Date,
    /// A term of a vocabulary.
    Code(String),
    /// Several terms of a vocabulary.
    Codes(String),
    /// Several free words.
    Strings,
    /// A paragraph that merges by character.
    Text,
    /// Several paragraphs of CommonMark that merge by character.
    Markdown,
    /// Members that merge one by one.
    Struct(Fields),
    /// Members that are kept or replaced together.
    Atomic(Fields),
    /// Items in an order.
    List(Fields),
    /// Members under keys.
    Map(Key, Fields),
    /// Short texts under keys.
    Values(Key),
    /// A record.
    Ref,
    /// Several records.
    Refs,
    /// Relations to records.
    Links(String),
    /// Files, by their BLAKE3.
    Attachments,
}

/// Members of a structured field.
pub type Fields = std::sync::Arc<[Field]>;

/// What the keys of a map are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Terms of a vocabulary.
    Term(String),
    /// `ally:ID` for an ally's own words; anything else (`fantastic:CODE`, a record) is reported speech.
    Author,
}

/// A list of terms.
#[derive(Debug, Deserialize)]
pub struct Vocabulary {
    /// Its name for people.
    #[serde(flatten)]
    pub label: Label,
    /// Whether people may use a term that is not in it.
    pub open: bool,
    /// The terms, in the order to offer them.
    pub terms: Vec<Term>,
}

/// A term of a vocabulary.
#[derive(Debug, Deserialize)]
pub struct Term {
    /// What records hold.
    pub code: String,
    /// What people read.
    #[serde(flatten)]
    pub label: Label,
}

impl Schema {
    /// The schema of this version of the program.
    #[must_use]
    pub fn get() -> &'static Self {
        &SCHEMA
    }

    /// The kinds, in the order to offer them.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// A kind by its name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// A vocabulary by its name.
    #[must_use]
    pub fn vocabulary(&self, name: &str) -> Option<&Vocabulary> {
        self.vocabularies.get(name)
    }

    /// All vocabularies with their names.
    pub fn vocabularies(&self) -> impl Iterator<Item = (&str, &Vocabulary)> {
        self.vocabularies.iter().map(|(name, vocabulary)| (name.as_str(), vocabulary))
    }

    /// A term of a vocabulary by its code.
    #[must_use]
    pub fn term(&self, vocabulary: &str, code: &str) -> Option<&Term> {
        self.vocabularies.get(vocabulary)?.terms.iter().find(|term| term.code == code)
    }

    fn parse(model: &str, vocabularies: &str) -> Result<Self, serde_json::Error> {
        let model: raw::Model = serde_json::from_str(model)?;
        let common = raw::fields(&model.common)?;
        let kinds = model.kinds.iter().map(|(name, kind)| {
            let kind: raw::Kind = serde::Deserialize::deserialize(kind)?;
            let mut fields = common.clone();
            fields.extend(raw::fields(&kind.fields)?);
            Ok(Kind { name: name.clone(), label: kind.label, fields })
        });
        Ok(Self {
            kinds: kinds.collect::<Result<_, serde_json::Error>>()?,
            vocabularies: serde_json::from_str(vocabularies)?,
        })
    }
}

impl Kind {
    /// A field by its name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// What the schema says of the place at the end of a path. Keys of maps and ids of items stand for whatever their
    /// container holds.
    #[must_use]
    pub fn at<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> Option<&Field> {
        let mut names = path.into_iter();
        let first = self.field(names.next()?)?;
        names.try_fold(first, |spec, name| {
            let fixed = matches!(spec.ty, Type::Struct(_) | Type::Atomic(_));
            spec.member(name).or((!fixed).then_some(spec))
        })
    }
}

impl Field {
    /// The vocabulary of a coded field, or of a map's keys.
    #[must_use]
    pub fn vocabulary(&self) -> Option<&str> {
        match &self.ty {
            Type::Code(name) | Type::Codes(name) | Type::Links(name) => Some(name),
            Type::Map(Key::Term(name), _) | Type::Values(Key::Term(name)) => Some(name),
            Type::Map(Key::Author, _) | Type::Values(Key::Author) => None,
            Type::String | Type::Number | Type::Bool | Type::Url | Type::Language | Type::Date => None,
            Type::Strings | Type::Text | Type::Markdown | Type::Ref | Type::Refs | Type::Attachments => None,
            Type::Struct(_) | Type::Atomic(_) | Type::List(_) => None,
        }
    }

    /// The members of a structured field; of an item for a list, of a value for a map.
    #[must_use]
    pub fn members(&self) -> &[Self] {
        match &self.ty {
            Type::Struct(fields) | Type::Atomic(fields) | Type::List(fields) | Type::Map(_, fields) => fields,
            Type::String | Type::Number | Type::Bool | Type::Url | Type::Language | Type::Date => &[],
            Type::Code(_) | Type::Codes(_) | Type::Strings | Type::Text | Type::Markdown => &[],
            Type::Values(_) | Type::Ref | Type::Refs | Type::Links(_) | Type::Attachments => &[],
        }
    }

    /// A member by its name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|field| field.name == name)
    }
}

/// The files as they are written.
mod raw {
    use serde::Deserialize;
    use serde::de::Error as _;
    use serde_json::{Error, Map, Value};

    use super::{Key, Label, Type};

    #[derive(Deserialize)]
    pub(super) struct Model {
        pub(super) common: Vec<Field>,
        pub(super) kinds: Map<String, Value>,
    }

    #[derive(Deserialize)]
    pub(super) struct Kind {
        #[serde(flatten)]
        pub(super) label: Label,
        pub(super) fields: Vec<Field>,
    }

    #[derive(Deserialize)]
    pub(super) struct Field {
        name: String,
        #[serde(flatten)]
        label: Label,
        #[serde(rename = "type")]
        ty: String,
        #[serde(default)]
        required: bool,
        default: Option<String>,
        max_chars: Option<usize>,
        range: Option<[i32; 2]>,
        question: Option<u8>,
        facet: Option<Facet>,
        vocabulary: Option<String>,
        key: Option<String>,
        value: Option<String>,
        #[serde(default)]
        atomic: bool,
        #[serde(default)]
        fields: Vec<Self>,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Facet {
        Itself(bool),
        Named(String),
    }

    pub(super) fn fields(raw: &[Field]) -> Result<Vec<super::Field>, Error> {
        raw.iter().map(field).collect()
    }

    fn field(raw: &Field) -> Result<super::Field, Error> {
        let ty = ty(raw)?;
        let facet = match &raw.facet {
            None | Some(Facet::Itself(false)) => None,
            Some(Facet::Named(name)) => Some(name.clone()),
            Some(Facet::Itself(true)) => Some(raw.vocabulary.as_ref().unwrap_or(&raw.name).clone()),
        };
        Ok(super::Field {
            name: raw.name.clone(),
            label: raw.label.clone(),
            ty,
            required: raw.required,
            default: raw.default.clone(),
            max_chars: raw.max_chars,
            range: raw.range,
            question: raw.question,
            facet,
        })
    }

    fn ty(raw: &Field) -> Result<Type, Error> {
        let vocabulary =
            || raw.vocabulary.clone().ok_or_else(|| Error::custom(format!("{} names no vocabulary", raw.name)));
        let key = || if raw.key.as_deref() == Some("author") { Ok(Key::Author) } else { vocabulary().map(Key::Term) };
        let members = || fields(&raw.fields).map(super::Fields::from);
        Ok(match raw.ty.as_str() {
            "string" => Type::String,
            "number" => Type::Number,
            "bool" => Type::Bool,
            "url" => Type::Url,
            "bcp47" => Type::Language,
            "edtf" => Type::Date,
            "code" => Type::Code(vocabulary()?),
            "codes" => Type::Codes(vocabulary()?),
            "strings" => Type::Strings,
            "text" => Type::Text,
            "markdown" => Type::Markdown,
            "struct" if raw.atomic => Type::Atomic(members()?),
            "struct" => Type::Struct(members()?),
            "list" => Type::List(members()?),
            "map" if raw.value.is_some() => Type::Values(key()?),
            "map" => Type::Map(key()?, members()?),
            "ref" => Type::Ref,
            "refs" => Type::Refs,
            "links" => Type::Links(vocabulary()?),
            "attachments" => Type::Attachments,
            other => return Err(Error::custom(format!("{} has an unknown type {other}", raw.name))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_read_whole() {
        let schema = Schema::get();
        assert_eq!(schema.kinds().len(), 8);
        let common = 15;
        let own = schema.kinds().iter().map(|kind| kind.fields.len() - common).sum::<usize>();
        assert_eq!(own, 72);
        assert_eq!(schema.vocabularies().count(), 35);
        assert_eq!(schema.vocabularies().map(|(_, vocabulary)| vocabulary.terms.len()).sum::<usize>(), 247);
    }

    #[test]
    fn every_vocabulary_that_a_field_names_exists() {
        fn walk(fields: &[Field]) {
            for field in fields {
                if let Some(name) = field.vocabulary() {
                    assert!(Schema::get().vocabulary(name).is_some(), "{name}");
                }
                walk(field.members());
            }
        }
        Schema::get().kinds().iter().for_each(|kind| walk(&kind.fields));
    }

    #[test]
    fn a_facet_is_named_by_the_model_or_its_vocabulary_or_its_field() {
        let experience = Schema::get().kind("experience").unwrap();
        let facet = |name: &str| experience.field(name).unwrap().facet.as_deref();
        assert_eq!(facet("period"), Some("year"));
        assert_eq!(facet("themes"), Some("theme"));
        assert_eq!(facet("tags"), Some("tags"));
        assert_eq!(facet("story"), None);
    }
}
