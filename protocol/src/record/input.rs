//! What a person, a file or a program asks a field to be, checked against the schema.
//!
//! Values come in the JSON form of the model (`model.json`, `json_form`) and leave as a [`Target`]: what the document should
//! hold. Checking never stops at the first fault: a person wants to read all of them at once. What the schema does not
//! know is taken as it is and reported; whoever asked decides whether that is a typing mistake (a person's edit) or a
//! newer model (an import).

use std::collections::BTreeMap;

use automerge::ScalarValue;
use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization;

use super::field::{ORDER, Want};
use super::fold::MAX_DEPTH;
use super::number;
use super::schema::{self, Key, Label, Lang, Schema, Type};
use crate::gate::STRING_MAX;
use crate::id::RecordId;

/// The longest line (string, address, keyword) in characters: far over any honest one, and far below the 64 KiB of one
/// value that the gate lets through.
const MAX_LINE: usize = 2_000;

/// How alike two words must be (0 to 1) for one to be offered as the correction of the other.
const ALIKE: f64 = 0.75;

/// What a place of the document should hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// Nothing: a scalar is deleted, a text or container emptied, so that what others add to it meanwhile survives.
    Nothing,
    Scalar(ScalarValue),
    Text(String),
    /// Members; the others are deleted, or kept as they are.
    Members {
        put: BTreeMap<String, Self>,
        only: bool,
    },
    /// The items of a list, in order, each with its id when the asker knows it.
    Items(Vec<(Option<String>, Self)>),
    /// A raw list of an unknown field.
    Sequence(Vec<Self>),
}

/// Why a value cannot stand where it was put. The author of the value is at fault, and is told in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The field, and the members down to the place.
    pub path: Vec<String>,
    /// The name of the place for people.
    pub label: Label,
    /// What was given, cut to a readable length.
    pub value: String,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No field of this kind has that name; perhaps this one is meant.
    UnknownField(Option<String>),
    /// The vocabulary has no such term; perhaps this code is meant.
    UnknownTerm {
        /// The vocabulary's name.
        vocabulary: String,
        /// The nearest code.
        nearest: Option<String>,
    },
    /// Not a number.
    NotNumber,
    /// A number out of the range of its field.
    OutOfRange([i32; 2]),
    /// Not yes or no.
    NotBool,
    /// Not an EDTF level 1 date.
    NotDate,
    /// Not an http or https address.
    NotUrl,
    /// Not a text.
    NotText,
    /// Not the id of a record.
    NotRecord,
    /// Not an array.
    NotArray,
    /// Not an object.
    NotObject,
    /// Over the length that the place allows.
    TooLong {
        /// Its length in characters.
        chars: usize,
        /// The most that is allowed.
        max: usize,
    },
    /// A value or name of more bytes than the gate lets through.
    TooManyBytes {
        /// How many it has.
        bytes: usize,
        /// The most that is let through.
        max: usize,
    },
    /// Something has no name.
    Nameless,
    /// It is nested deeper than the gate lets through.
    TooDeep,
    /// A record has none of it and needs it.
    Missing,
    /// No item of the list has that id.
    NoItem,
}

impl Why {
    /// Whether the document could not hold the value at all, so that taking it in would lose it.
    pub(super) fn is_loss(&self) -> bool {
        match self {
            Self::NotNumber | Self::NotBool | Self::NotText | Self::NotArray | Self::NotObject => true,
            Self::Missing | Self::NoItem | Self::TooManyBytes { .. } | Self::Nameless | Self::TooDeep => true,
            Self::TooLong { max, .. } => *max == MAX_LINE,
            Self::UnknownField(_) | Self::UnknownTerm { .. } | Self::NotDate | Self::NotUrl | Self::NotRecord => false,
            Self::OutOfRange(_) => false,
        }
    }
}

impl Problem {
    /// What is wrong, in words: the field, the value, what is allowed.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let (label, value) = (self.label.get(lang), &self.value);
        let what = match &self.why {
            Why::UnknownField(nearest) => {
                let text = lang.pick("aucun champ ne porte ce nom", "no field has this name");
                return format!("« {value} » : {text}{}", meant(nearest.as_deref(), lang));
            }
            Why::UnknownTerm { vocabulary, nearest } => return unknown_term(label, value, vocabulary, nearest, lang),
            Why::Missing => return format!("« {label} » {}", lang.pick("doit être rempli", "must be filled in")),
            Why::TooLong { chars, max } => {
                return match lang {
                    Lang::Fr => format!("« {label} » : {chars} caractères, le maximum est de {max}"),
                    Lang::En => format!("“{label}”: {chars} characters, at most {max} are allowed"),
                };
            }
            Why::TooManyBytes { bytes, max } => {
                return match lang {
                    Lang::Fr => format!("« {label} » : {bytes} octets, le maximum est de {max}"),
                    Lang::En => format!("“{label}”: {bytes} bytes, at most {max} are allowed"),
                };
            }
            Why::Nameless => lang.pick("un nom vide ne peut pas être gardé", "an empty name cannot be kept"),
            Why::TooDeep => lang.pick("trop de niveaux les uns dans les autres", "too many levels inside one another"),
            Why::NotNumber => {
                if let (Lang::Fr, Some([one, other])) = (lang, number::readings(value)) {
                    return format!("« {label} » : « {value} » se lit de deux façons ; écrivez {one} ou {other}");
                }
                lang.pick("un nombre est attendu, comme 12500 ou 12,5", "a number is expected, such as 12500 or 12.5")
            }
            Why::OutOfRange([least, most]) => {
                return match lang {
                    Lang::Fr => format!("« {label} » va de {least} à {most} (reçu : « {value} »)"),
                    Lang::En => format!("“{label}” goes from {least} to {most} (got “{value}”)"),
                };
            }
            Why::NotBool => lang.pick("oui ou non est attendu", "yes or no is expected"),
            Why::NotDate => lang.pick(
                "une date est attendue, comme 2024, 2024-05, 2024-05-07 ou 2016/2019",
                "a date is expected, such as 2024, 2024-05, 2024-05-07 or 2016/2019",
            ),
            Why::NotUrl => lang
                .pick("une adresse en http:// ou https:// est attendue", "an http:// or https:// address is expected"),
            Why::NotText => lang.pick("un texte est attendu", "a text is expected"),
            Why::NotRecord => lang.pick("ce n'est pas l'identifiant d'une fiche", "this is not the id of a record"),
            Why::NotArray => lang.pick("une liste est attendue", "a list is expected"),
            Why::NotObject => lang.pick("des champs nommés sont attendus", "named members are expected"),
            Why::NoItem => lang.pick("la liste n'a pas cet élément", "the list has no such item"),
        };
        match lang {
            Lang::Fr => format!("« {label} » : {what} (reçu : « {value} »)"),
            Lang::En => format!("“{label}”: {what} (got “{value}”)"),
        }
    }
}

/// Terms are named by their labels: a code is for programs.
fn unknown_term(label: &str, value: &str, vocabulary: &str, nearest: &Option<String>, lang: Lang) -> String {
    let terms = Schema::get().vocabulary(vocabulary).map_or(&[][..], |vocabulary| &vocabulary.terms);
    let labels: Vec<&str> = terms.iter().map(|term| term.label.get(lang)).collect();
    let nearest = terms.iter().find(|term| Some(&term.code) == nearest.as_ref());
    let meant = meant(nearest.map(|term| term.label.get(lang)), lang);
    match lang {
        Lang::Fr => {
            format!("« {label} » n'a pas de valeur « {value} »{meant} ; valeurs possibles : {}", labels.join(" ; "))
        }
        Lang::En => format!("“{label}” has no value “{value}”{meant}; possible values: {}", labels.join("; ")),
    }
}

fn meant(nearest: Option<&str>, lang: Lang) -> String {
    match (nearest, lang) {
        (None, _) => String::new(),
        (Some(nearest), Lang::Fr) => format!(", vouliez-vous dire « {nearest} » ?"),
        (Some(nearest), Lang::En) => format!(", did you mean “{nearest}”?"),
    }
}

/// The candidate most like `word`, when one is like it enough.
pub(super) fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    let likeness = |candidate: &str| strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase());
    let best = candidates.map(|candidate| (likeness(candidate), candidate)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, candidate)| candidate.to_owned())
}

/// Checks values as it turns them into targets.
#[derive(Debug, Default)]
pub(super) struct Checker {
    pub(super) path: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

impl Checker {
    /// What `json` asks of a place of which the schema says `want`.
    pub(super) fn target(&mut self, want: Want<'_>, json: &Json) -> Target {
        if json.is_null() {
            return Target::Nothing;
        }
        match want {
            Want::Unknown => raw(json),
            Want::Entry(fields) => self.members(fields, json, &label_of("")),
            Want::Field(field) => self.field(field, json),
        }
    }

    /// Goes down one member for the time of `f`.
    pub(super) fn at<T>(&mut self, key: &str, f: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(key.to_owned());
        let result = f(self);
        self.path.pop();
        result
    }

    /// Notes that `value` cannot stand here.
    pub(super) fn problem(&mut self, label: &Label, value: &Json, why: Why) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let value = if value.chars().count() > 80 { value.chars().take(79).chain(['…']).collect() } else { value };
        self.problems.push(Problem { path: self.path.clone(), label: label.clone(), value, why });
    }

    /// Notes what of a target the gate takes from nobody, so that a change which held it would be lost.
    pub(super) fn within_the_gate(&mut self, target: &Target) {
        let name = self.path.last().cloned().unwrap_or_default();
        let (label, given) = (label_of(&name), Json::from(name.as_str()));
        self.unless(!name.is_empty(), &label, &given, Why::Nameless);
        self.fits(&label, &name);
        if self.path.len() > MAX_DEPTH && !matches!(target, Target::Nothing | Target::Scalar(_)) {
            return self.problem(&label, &given, Why::TooDeep);
        }
        match target {
            Target::Scalar(ScalarValue::Str(text)) => self.fits(&label, text),
            Target::Nothing | Target::Scalar(_) | Target::Text(_) => {}
            Target::Members { put, .. } => {
                put.iter().for_each(|(name, member)| self.at(name, |checker| checker.within_the_gate(member)));
            }
            Target::Items(items) => (1..).zip(items).for_each(|(number, (_, item))| {
                self.at(&i32::to_string(&number), |checker| checker.within_the_gate(item));
            }),
            Target::Sequence(values) => (1..).zip(values).for_each(|(number, value)| {
                self.at(&i32::to_string(&number), |checker| checker.within_the_gate(value));
            }),
        }
    }

    fn fits(&mut self, label: &Label, text: &str) {
        let (bytes, max) = (text.len(), STRING_MAX);
        self.unless(bytes <= max, label, &text.into(), Why::TooManyBytes { bytes, max });
    }

    fn field(&mut self, field: &schema::Field, json: &Json) -> Target {
        let label = &field.label;
        match &field.ty {
            Type::String | Type::Language => self.line(label, field.max_chars.unwrap_or(MAX_LINE), json),
            Type::Url => {
                let target = self.line(label, MAX_LINE, json);
                let url = json.as_str().unwrap_or("http://");
                self.unless(url.starts_with("http://") || url.starts_with("https://"), label, json, Why::NotUrl);
                target
            }
            Type::Date => {
                let target = self.line(label, MAX_LINE, json);
                self.unless(json.as_str().is_none_or(is_edtf), label, json, Why::NotDate);
                target
            }
            Type::Code(vocabulary) => {
                json.as_str().inspect(|code| self.term(label, vocabulary, code));
                self.line(label, MAX_LINE, json)
            }
            Type::Ref => self.record(label, json),
            Type::Number => self.number(field, json),
            Type::Bool => {
                self.unless(json.is_boolean(), label, json, Why::NotBool);
                json.as_bool().map_or(Target::Nothing, |yes| Target::Scalar(ScalarValue::Boolean(yes)))
            }
            Type::Text | Type::Markdown => self.text(field, json),
            Type::Codes(vocabulary) => self.words(label, json, |checker, code| checker.term(label, vocabulary, code)),
            Type::Strings => self.words(label, json, |_, _| {}),
            Type::Struct(members) => self.members(members, json, label),
            Type::Atomic(members) => self.atomic(members, json, label),
            Type::List(members) => self.items(members, json, label),
            Type::Map(key, members) => self.map(key, Want::Entry(members), json, label),
            Type::Values(key) => self.map(key, Want::Unknown, json, label),
            Type::Refs => self.refs(None, json, label),
            Type::Links(vocabulary) => self.refs(Some(vocabulary), json, label),
            Type::Attachments if json.is_object() => raw(json),
            Type::Attachments => self.refused(label, json, Why::NotObject),
        }
    }

    fn refused(&mut self, label: &Label, json: &Json, why: Why) -> Target {
        self.problem(label, json, why);
        Target::Nothing
    }

    fn unless(&mut self, fine: bool, label: &Label, json: &Json, why: Why) {
        if !fine {
            self.problem(label, json, why);
        }
    }

    fn line(&mut self, label: &Label, max: usize, json: &Json) -> Target {
        let Some(text) = json.as_str() else { return self.refused(label, json, Why::NotText) };
        let text = normal(text);
        let chars = text.chars().count();
        self.unless(chars <= max, label, json, Why::TooLong { chars, max });
        if text.is_empty() { Target::Nothing } else { Target::Scalar(ScalarValue::Str(text.into())) }
    }

    fn text(&mut self, field: &schema::Field, json: &Json) -> Target {
        let Some(text) = json.as_str() else { return self.refused(&field.label, json, Why::NotText) };
        let text = normal(text);
        let chars = text.chars().count();
        if let Some(max) = field.max_chars.filter(|max| chars > *max) {
            self.problem(&field.label, json, Why::TooLong { chars, max });
        }
        Target::Text(text)
    }

    fn number(&mut self, field: &schema::Field, json: &Json) -> Target {
        let Some(number) = json.as_number() else { return self.refused(&field.label, json, Why::NotNumber) };
        if let (Some(range), Some(value)) = (field.range, json.as_f64()) {
            let [least, most] = range.map(f64::from);
            self.unless((least..=most).contains(&value), &field.label, json, Why::OutOfRange(range));
        }
        raw_number(number)
    }

    fn record(&mut self, label: &Label, json: &Json) -> Target {
        let fine = json.as_str().is_some_and(|id| id.parse::<RecordId>().is_ok());
        self.unless(fine, label, json, Why::NotRecord);
        self.line(label, MAX_LINE, json)
    }

    fn term(&mut self, label: &Label, vocabulary: &str, code: &str) {
        let Some(terms) = Schema::get().vocabulary(vocabulary) else { return };
        if terms.open || terms.terms.iter().any(|term| term.code == code) {
            return;
        }
        let names = terms.terms.iter().flat_map(|term| [&term.code, &term.label.fr, &term.label.en]);
        let near = nearest(code, names.map(String::as_str));
        let code_of = |name: String| {
            terms.terms.iter().find(|term| [&term.code, &term.label.fr, &term.label.en].contains(&&name))
        };
        let nearest = near.and_then(code_of).map(|term| term.code.clone());
        self.problem(label, &code.into(), Why::UnknownTerm { vocabulary: vocabulary.to_owned(), nearest });
    }

    fn words(&mut self, label: &Label, json: &Json, check: impl Fn(&mut Self, &str)) -> Target {
        let Some(words) = json.as_array() else { return self.refused(label, json, Why::NotArray) };
        let mut put = BTreeMap::new();
        for word in words {
            if let Target::Scalar(ScalarValue::Str(text)) = self.line(label, MAX_LINE, word) {
                self.at(&text, |checker| check(checker, &text));
                put.insert(text.to_string(), Target::Scalar(ScalarValue::Boolean(true)));
            }
        }
        Target::Members { put, only: true }
    }

    /// Members by name: those not given are emptied, those that the schema does not know are left alone.
    fn members(&mut self, fields: &[schema::Field], json: &Json, label: &Label) -> Target {
        let Some(given) = json.as_object() else { return self.refused(label, json, Why::NotObject) };
        let mut put: BTreeMap<String, Target> =
            fields.iter().map(|field| (field.name.clone(), Target::Nothing)).collect();
        for (name, value) in given.iter().filter(|(name, _)| !is_reserved(name)) {
            let field = fields.iter().find(|field| field.name == *name);
            if field.is_none() {
                let near = nearest(name, fields.iter().map(|field| field.name.as_str()));
                self.at(name, |checker| checker.problem(label, &name.clone().into(), Why::UnknownField(near)));
            }
            let want = field.map_or(Want::Unknown, Want::Field);
            let target = self.at(name, |checker| checker.target(want, value));
            put.insert(name.clone(), target);
        }
        Target::Members { put, only: false }
    }

    fn atomic(&mut self, fields: &[schema::Field], json: &Json, label: &Label) -> Target {
        let Target::Members { put, .. } = self.members(fields, json, label) else { return Target::Nothing };
        let told = |(name, target): (String, Target)| {
            let Target::Scalar(scalar) = target else { return None };
            Some((name, scalar_json(&scalar)))
        };
        let members: BTreeMap<String, Json> = put.into_iter().filter_map(told).collect();
        if members.is_empty() {
            return Target::Nothing;
        }
        Target::Scalar(ScalarValue::Str(serde_json::json!(members).to_string().into()))
    }

    fn items(&mut self, fields: &[schema::Field], json: &Json, label: &Label) -> Target {
        let Some(items) = json.as_array() else { return self.refused(label, json, Why::NotArray) };
        let item = |(index, item): (usize, &Json)| {
            let id = item.get("_id").and_then(Json::as_str).map(str::to_owned);
            (id, self.at(&(index + 1).to_string(), |checker| checker.members(fields, item, label)))
        };
        Target::Items(items.iter().enumerate().map(item).collect())
    }

    fn map(&mut self, key: &Key, want: Want<'_>, json: &Json, label: &Label) -> Target {
        let Some(entries) = json.as_object() else { return self.refused(label, json, Why::NotObject) };
        let mut put = BTreeMap::new();
        for (name, value) in entries {
            if let Key::Term(vocabulary) = key {
                self.at(name, |checker| checker.term(label, vocabulary, name));
            }
            put.insert(normal(name), self.at(name, |checker| checker.target(want, value)));
        }
        Target::Members { put, only: true }
    }

    /// References under the id they lead to, links under `rel|id`; a bare id stands for an object that says only `to`.
    fn refs(&mut self, rels: Option<&str>, json: &Json, label: &Label) -> Target {
        let Some(refs) = json.as_array() else { return self.refused(label, json, Why::NotArray) };
        let mut put = BTreeMap::new();
        for reference in refs {
            let bare = reference.as_str().map(|to| serde_json::json!({ "to": to }));
            let reference = bare.as_ref().unwrap_or(reference);
            let text = |name: &str| reference.get(name).and_then(Json::as_str);
            let (Some(to), rel) = (text("to"), text("rel")) else {
                self.problem(label, reference, Why::NotRecord);
                continue;
            };
            let key = match (rels, rel) {
                (None, _) => to.to_owned(),
                (Some(_), rel) => format!("{}|{to}", rel.unwrap_or_default()),
            };
            self.at(&key, |checker| {
                checker.record(label, &to.into());
                if let Some(vocabulary) = rels {
                    checker.term(label, vocabulary, rel.unwrap_or_default());
                }
            });
            let details = reference.as_object().into_iter().flatten();
            let details = details.filter(|(name, value)| !matches!(name.as_str(), "to" | "rel") && !value.is_null());
            let details = details.map(|(name, value)| (name.clone(), raw(value))).collect();
            // A bare id says nothing of the details, and leaves them.
            put.insert(key, Target::Members { put: details, only: bare.is_none() });
        }
        Target::Members { put, only: true }
    }
}

/// A form that no schema describes, as it is.
fn raw(json: &Json) -> Target {
    match json {
        Json::Null => Target::Nothing,
        Json::Bool(yes) => Target::Scalar(ScalarValue::Boolean(*yes)),
        Json::Number(number) => raw_number(number),
        Json::String(text) => Target::Scalar(ScalarValue::Str(normal(text).into())),
        Json::Array(values) => Target::Sequence(values.iter().map(raw).collect()),
        Json::Object(members) => {
            let put = members.iter().map(|(name, value)| (normal(name), raw(value))).collect();
            Target::Members { put, only: true }
        }
    }
}

/// Whole numbers are held as such however they are spelled, so that 86000 and 86000.0 are one value.
fn raw_number(number: &serde_json::Number) -> Target {
    let whole = |n: f64| (n.fract() == 0.0 && n.abs() < 9e15).then_some(n as i64);
    let scalar = match (number.as_i64(), number.as_f64()) {
        (Some(n), _) => ScalarValue::Int(n),
        (None, Some(n)) => whole(n).map_or(ScalarValue::F64(n), ScalarValue::Int),
        (None, None) => return Target::Nothing,
    };
    Target::Scalar(scalar)
}

fn scalar_json(scalar: &ScalarValue) -> Json {
    match scalar {
        ScalarValue::Int(n) => (*n).into(),
        ScalarValue::F64(n) => (*n).into(),
        ScalarValue::Boolean(yes) => (*yes).into(),
        ScalarValue::Str(text) => text.as_str().into(),
        ScalarValue::Bytes(_) | ScalarValue::Uint(_) | ScalarValue::Counter(_) => Json::Null,
        ScalarValue::Timestamp(_) | ScalarValue::Unknown { .. } | ScalarValue::Null => Json::Null,
    }
}

/// Text in one spelling: composed characters, `\n` line ends, nothing blank around it, no control characters but line
/// ends and tabs.
pub(super) fn normal(text: &str) -> String {
    let text: String = text.trim().replace("\r\n", "\n").nfc().collect();
    let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(|c| kept(&c)) { text } else { text.chars().filter(kept).collect() }
}

fn is_reserved(name: &str) -> bool {
    name.starts_with('_') || name == ORDER
}

fn label_of(name: &str) -> Label {
    Label { fr: name.to_owned(), en: name.to_owned() }
}

/// EDTF level 1 as the model uses it: a year, month or day with an optional `?`, `~` or `%`, a minute of a day, or an
/// interval of two of these, either of which may be open (`..` or nothing).
fn is_edtf(text: &str) -> bool {
    match text.split_once('/') {
        Some((from, to)) => {
            let end = |date: &str| matches!(date, "" | "..") || is_date(date);
            end(from) && end(to) && text.len() > 3
        }
        None => is_date(text),
    }
}

fn is_date(text: &str) -> bool {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let date = date.trim_end_matches(['?', '~', '%']);
    let number = |part: &str, len: usize, max: u32| {
        part.len() == len && part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u32>().is_ok_and(|n| n <= max)
    };
    let mut parts = date.split('-');
    let year = parts.next().is_some_and(|year| number(year, 4, 9999) || (year.len() == 4 && year.ends_with('X')));
    let month = parts.next().is_none_or(|month| number(month, 2, 41) && month != "00");
    let day = parts.next().is_none_or(|day| number(day, 2, 31) && day != "00");
    let clock = time.is_none_or(|time| {
        let time = time.trim_end_matches('Z');
        let mut parts = time.split(':');
        let hour = parts.next().is_some_and(|hour| number(hour, 2, 24));
        hour && parts.all(|part| number(part, 2, 59)) && date.len() == 10
    });
    year && month && day && parts.next().is_none() && clock
}
