//! Reading the template back.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{CONTINUES, DESCENT, Part, ROLES, SEPARATOR};
use crate::id::RecordId;
use crate::record::Edit;
use crate::record::edit::Path;
use crate::record::field::Want;
use crate::record::input::nearest;
use crate::record::number;
use crate::record::schema::{Field, Key, Kind, Label, Lang, Schema, Term, Type};

/// How alike a heading of a text must be to one of the form to be taken for a mistyped one.
const HEADING: f64 = 0.9;

/// What a filled template says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    /// Every field of the template in the JSON form; `null` where nothing is said.
    pub fields: BTreeMap<String, Json>,
    /// The line of each place that is said, by its path.
    lines: BTreeMap<Vec<String>, usize>,
}

impl Parsed {
    /// The edits that make a record say this, when `shown` is what its template said before. What was left as it was is
    /// no edit: what is shown need not be what the document holds, as when others wrote over an ally's own words.
    #[must_use]
    pub fn edits(&self, shown: &Self) -> Vec<Edit> {
        let changed = self.fields.iter().filter(|(name, value)| shown.fields.get(*name) != Some(value));
        let set = |(name, value): (&String, &Json)| Edit::Set { path: Path(vec![name.clone()]), value: value.clone() };
        changed.map(set).collect()
    }

    /// The line of a place, or of what holds it: where to show a [`crate::record::Problem`].
    #[must_use]
    pub fn line(&self, path: &[String]) -> Option<usize> {
        (1..=path.len()).rev().find_map(|len| self.lines.get(&path[..len]).copied())
    }
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong, in words.
    pub message: String,
}

/// Reads a filled template.
///
/// # Errors
/// Every line that cannot be read. Whether the values make sense is for [`crate::record::edit`] to say.
pub fn parse(kind: &Kind, text: &str, lang: Lang) -> Result<Parsed, Vec<Mistake>> {
    let mut reader = Reader { kind, lang, parsed: Parsed::default(), mistakes: Vec::new() };
    reader.read(text);
    if reader.mistakes.is_empty() { Ok(reader.parsed) } else { Err(reader.mistakes) }
}

/// A value as one types it, in the JSON form: [numbers](crate::record::number) as the language writes them, yes and no in
/// both languages, terms by their label or code, several values parted by `;` (or `,` where no term has one). What does
/// not fit stays text, for the check to name.
#[must_use]
pub fn value(field: &Field, lang: Lang, text: &str) -> Json {
    let text = text.trim();
    if text.is_empty() {
        return Json::Null;
    }
    match &field.ty {
        Type::Number => number::read(field, lang, text).map_or_else(|| text.into(), Json::Number),
        Type::Bool => match fold(text).as_str() {
            "oui" | "yes" | "true" | "vrai" | "x" => true.into(),
            "non" | "no" | "false" | "faux" => false.into(),
            _ => text.into(),
        },
        Type::Code(vocabulary) => code(vocabulary, text).into(),
        Type::Codes(vocabulary) => {
            let known = |part: &String| term(vocabulary, part).is_some();
            let part = |part: String| {
                let words: Vec<String> = part.split(',').map(|word| word.trim().to_owned()).collect();
                if known(&part) || !words.iter().all(known) { vec![part] } else { words }
            };
            split(text).into_iter().flat_map(part).map(|part| Json::from(code(vocabulary, &part))).collect()
        }
        Type::Strings => {
            let several = split(text);
            let alone = several.len() == 1 && !text.ends_with(SEPARATOR);
            let words = if alone { text.split(',').map(|word| word.trim().to_owned()).collect() } else { several };
            words.into_iter().filter(|word| !word.is_empty()).collect()
        }
        Type::Ref => reference(text).into(),
        Type::Refs => split(text).iter().map(|part| reference(part)).collect(),
        Type::String | Type::Url | Type::Language | Type::Date | Type::Text | Type::Markdown => text.into(),
        Type::Struct(_) | Type::Atomic(_) | Type::List(_) | Type::Map(..) => text.into(),
        Type::Values(_) | Type::Links(_) | Type::Attachments => text.into(),
    }
}

/// The id in front of a title in brackets.
fn reference(text: &str) -> String {
    let id = text.split_whitespace().next().unwrap_or_default();
    if id.parse::<RecordId>().is_ok() { id.to_owned() } else { text.trim().to_owned() }
}

fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&SEPARATOR).is_some() {
            parts.last_mut().into_iter().for_each(|part| part.push(SEPARATOR));
        } else if c == SEPARATOR {
            parts.push(String::new());
        } else {
            parts.last_mut().into_iter().for_each(|part| part.push(c));
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn code(vocabulary: &str, text: &str) -> String {
    term(vocabulary, text).map_or(text, |term| &term.code).to_owned()
}

fn term(vocabulary: &str, text: &str) -> Option<&'static Term> {
    let terms = &Schema::get().vocabulary(vocabulary)?.terms;
    let text = fold(text);
    let named = |term: &&Term| [&term.code, &term.label.fr, &term.label.en].iter().any(|name| fold(name) == text);
    terms.iter().find(|term| term.code == text).or_else(|| terms.iter().find(named))
}

/// A name without what people type differently: capitals, kinds of apostrophes and spaces.
fn fold(name: &str) -> String {
    let name = name.to_lowercase().replace('’', "'");
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Reader<'k> {
    kind: &'k Kind,
    lang: Lang,
    parsed: Parsed,
    mistakes: Vec<Mistake>,
}

/// Where the reader is.
enum At<'k> {
    /// Before the head.
    Start,
    Head,
    /// After the head, before the first section.
    Between,
    /// In a section of free text, with the lines so far.
    Text(&'k Field, Vec<String>),
    /// In a section of named lines.
    Lines(&'k Field),
}

impl<'k> Reader<'k> {
    fn read(&mut self, text: &str) {
        for field in self.kind.fields.iter().filter(|field| Part::of(field) != Part::Absent) {
            self.parsed.fields.insert(field.name.clone(), Json::Null);
        }
        let mut at = At::Start;
        // The place of the last value, for the lines that continue it.
        let mut last: Option<Vec<String>> = None;
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let trimmed = line.trim();
            if trimmed.starts_with("<!--") && trimmed.ends_with("-->") {
                continue;
            }
            if let Some(field) = self.heading(number, &at, trimmed) {
                self.close(std::mem::replace(&mut at, At::Between));
                last = None;
                self.parsed.lines.entry(vec![field.name.clone()]).or_insert(number);
                at = if Part::of(field) == Part::Text { At::Text(field, Vec::new()) } else { At::Lines(field) };
                continue;
            }
            match &mut at {
                At::Text(_, lines) => lines.push(unescaped(line)),
                At::Start | At::Between | At::Head | At::Lines(_) if trimmed.is_empty() => {}
                // Told when it was taken for a heading.
                At::Between | At::Lines(_) if trimmed.starts_with("## ") => {}
                At::Start if trimmed == "---" => at = At::Head,
                At::Head if trimmed == "---" => at = At::Between,
                At::Head | At::Lines(_) if trimmed.starts_with(CONTINUES) => {
                    let more = trimmed.trim_start_matches(CONTINUES);
                    let more = more.strip_prefix(' ').unwrap_or(more);
                    match last.as_ref().and_then(|path| self.place(path)) {
                        Some(Json::String(text)) => *text = format!("{text}\n{more}"),
                        _ => self.mistake(number, "rien à continuer sur la ligne précédente", "nothing to continue above"),
                    }
                }
                At::Head => last = self.named(number, trimmed, None),
                At::Lines(field) => last = self.named(number, trimmed, Some(*field)),
                At::Start | At::Between => self.mistake(
                    number,
                    "cette ligne n'est dans aucun champ ; la tête commence et finit par ---, une section par ## et son titre",
                    "this line is in no field; the head begins and ends with ---, a section with ## and its title",
                ),
            }
        }
        if matches!(at, At::Start | At::Head) {
            let number = text.lines().count().max(1);
            self.mistake(
                number,
                "la tête de la fiche doit finir par une ligne ---",
                "the head must end with a line ---",
            );
        }
        self.close(at);
    }

    fn mistake(&mut self, line: usize, fr: &str, en: &str) {
        self.mistakes.push(Mistake { line, message: self.lang.pick(fr, en).to_owned() });
    }

    /// Takes the text of a section that ends.
    fn close(&mut self, at: At<'_>) {
        if let At::Text(field, lines) = at {
            let text = lines.join("\n");
            let text = text.trim_matches('\n').trim_end();
            if !text.is_empty() {
                self.parsed.fields.insert(field.name.clone(), text.into());
            }
        }
    }

    /// The field of a heading of the form. Inside a text any other heading is the author's own, unless it looks like a
    /// mistyped one, which would pour one field into another.
    fn heading(&mut self, line: usize, at: &At<'_>, text: &str) -> Option<&'k Field> {
        let title = text.strip_prefix("## ")?;
        if matches!(at, At::Start | At::Head) {
            return None;
        }
        let mut sections = self.kind.fields.iter().filter(|field| matches!(Part::of(field), Part::Text | Part::Lines));
        let named = |field: &&Field| is_name(&field.name, &field.label, title);
        if let Some(field) = sections.clone().find(named) {
            return Some(field);
        }
        let like = |field: &Field| {
            let labels = [&field.label.fr, &field.label.en];
            labels.into_iter().any(|label| strsim::jaro_winkler(&fold(label), &fold(title)) >= HEADING)
        };
        let near = sections.find(|field| like(field)).map(|field| field.label.get(self.lang).to_owned());
        match (near, at) {
            (None, At::Text(..)) => {}
            (near, _) => self.unknown(line, title, near),
        }
        None
    }

    fn unknown(&mut self, line: usize, name: &str, near: Option<String>) {
        let meant = match (near, self.lang) {
            (None, _) => String::new(),
            (Some(near), Lang::Fr) => format!(", vouliez-vous dire « {near} » ?"),
            (Some(near), Lang::En) => format!(", did you mean “{near}”?"),
        };
        let message = match self.lang {
            Lang::Fr => format!("« {name} » n'est pas un champ d'ici{meant}"),
            Lang::En => format!("“{name}” is no field here{meant}"),
        };
        self.mistakes.push(Mistake { line, message });
    }

    /// Reads a named line of the head, or of a section, and says where its value went.
    fn named(&mut self, number: usize, line: &str, section: Option<&'k Field>) -> Option<Vec<String>> {
        let (new, line) = line.strip_prefix("- ").map_or((false, line), |rest| (true, rest.trim_start()));
        if let Some(field @ Field { ty: Type::Links(vocabulary), .. }) = section {
            return self.link(number, line, field, vocabulary);
        }
        let mut path = Vec::new();
        let mut want = match section {
            None => Want::Entry(&self.kind.fields),
            Some(field) => {
                path.push(field.name.clone());
                Want::Field(field)
            }
        };
        if let Want::Field(Field { ty: Type::List(of), .. }) = want {
            let items = self.parsed.fields.entry(path[0].clone()).or_insert(Json::Null);
            if !items.is_array() {
                *items = json!([]);
            }
            let items = items.as_array_mut()?;
            if new || items.is_empty() {
                items.push(Json::Object(Map::new()));
            }
            path.push(items.len().to_string());
            self.parsed.lines.entry(path.clone()).or_insert(number);
            want = Want::Entry(of);
        }
        let Some((leaf, rest)) = descend(want, line, &mut path) else {
            let name = line.split(':').next().unwrap_or(line).trim();
            let fields = match want {
                Want::Entry(fields) => fields,
                Want::Field(field) => field.members(),
                Want::Unknown => &[],
            };
            let labels = fields.iter().map(|field| field.label.get(self.lang));
            let near = nearest(name, labels);
            self.unknown(number, name, near);
            return None;
        };
        let json = if let Want::Field(field) = leaf { value(field, self.lang, rest) } else { rest.trim().into() };
        if self.parsed.lines.contains_key(&path) && self.place(&path).is_some_and(|json| !json.is_null()) {
            self.mistake(number, "ce champ est déjà rempli plus haut", "this field is already filled in above");
            return None;
        }
        self.parsed.lines.insert(path.clone(), number);
        if json.is_null() {
            return None;
        }
        self.set(&path, json);
        Some(path)
    }

    fn link(&mut self, number: usize, line: &str, field: &Field, vocabulary: &str) -> Option<Vec<String>> {
        let Some((rel, target)) = line.split_once(':') else {
            self.unknown(number, line, None);
            return None;
        };
        let (to, note) = target.split_once(CONTINUES).map_or((target, None), |(to, note)| (to, Some(note.trim())));
        let mut link = json!({ "rel": code(vocabulary, rel.trim()), "to": reference(to) });
        if let Some(note) = note.filter(|note| !note.is_empty()) {
            link["note"] = note.into();
        }
        let links = self.parsed.fields.entry(field.name.clone()).or_insert(Json::Null);
        if !links.is_array() {
            *links = json!([]);
        }
        links.as_array_mut()?.push(link);
        None
    }

    /// The value at a path; an item of a list is named by its number, from 1.
    fn place(&mut self, path: &[String]) -> Option<&mut Json> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.parsed.fields.get_mut(first)?, |json, key| match json {
            Json::Array(items) => items.get_mut(key.parse::<usize>().ok()?.checked_sub(1)?),
            Json::Object(members) => members.get_mut(key),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
        })
    }

    fn set(&mut self, path: &[String], value: Json) {
        let Some((first, rest)) = path.split_first() else { return };
        let mut json = self.parsed.fields.entry(first.clone()).or_insert(Json::Null);
        for key in rest {
            if json.is_null() {
                *json = Json::Object(Map::new());
            }
            json = match json {
                Json::Array(items) => match key.parse::<usize>().ok().and_then(|n| items.get_mut(n.checked_sub(1)?)) {
                    Some(item) => item,
                    None => return,
                },
                Json::Object(members) => members.entry(key.clone()).or_insert(Json::Null),
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => return,
            };
        }
        *json = value;
    }
}

/// Follows the names in front of a value down the schema, and gives back what stands at their end and the value.
fn descend<'s, 'l>(mut want: Want<'s>, mut line: &'l str, path: &mut Vec<String>) -> Option<(Want<'s>, &'l str)> {
    loop {
        let (key, rest, ends) = match want {
            Want::Entry(fields) => member(fields, line)?,
            Want::Field(Field { ty: Type::Struct(fields) | Type::Atomic(fields), .. }) => member(fields, line)?,
            Want::Field(Field { ty: Type::Map(key, _) | Type::Values(key), .. }) => entry(key, line)?,
            Want::Field(_) | Want::Unknown => return None,
        };
        want = want.member(&key);
        path.push(key);
        line = rest;
        let inner = matches!(want, Want::Entry(_)) || matches!(want, Want::Field(field) if !field.members().is_empty());
        match (ends, inner) {
            (true, false) => return Some((want, line)),
            (false, true) => {}
            (true, true) | (false, false) => return None,
        }
    }
}

/// The ways to part a line into a name and the rest, the longest name first, with whether the rest is the value.
fn partings(line: &str) -> impl Iterator<Item = (&str, &str, bool)> {
    let colon = line.match_indices(':').map(|(at, mark)| (at, mark.len(), true));
    let slash = line.match_indices(DESCENT).map(|(at, mark)| (at, mark.len(), false));
    let mut marks: Vec<(usize, usize, bool)> = colon.chain(slash).collect();
    marks.sort_by(|a, b| b.cmp(a));
    marks.into_iter().map(move |(at, len, ends)| (line[..at].trim(), line[at + len..].trim(), ends))
}

fn is_name(name: &str, label: &Label, text: &str) -> bool {
    let text = fold(text);
    [name, &label.fr, &label.en].into_iter().any(|known| fold(known) == text)
}

fn member<'l>(fields: &[Field], line: &'l str) -> Option<(String, &'l str, bool)> {
    partings(line).find_map(|(name, rest, ends)| {
        let field = fields.iter().find(|field| is_name(&field.name, &field.label, name))?;
        Some((field.name.clone(), rest, ends))
    })
}

fn entry<'l>(key: &Key, line: &'l str) -> Option<(String, &'l str, bool)> {
    let vocabulary = if let Key::Term(vocabulary) = key { vocabulary } else { ROLES };
    let known = partings(line).find_map(|(name, rest, ends)| {
        let code = &term(vocabulary, name)?.code;
        let key = if let Key::Author = key { format!("{ROLES}:{code}") } else { code.clone() };
        Some((key, rest, ends))
    });
    // A key that no vocabulary has: the holder of a position, a code of another version.
    known.or_else(|| {
        let (name, rest) = line
            .split_once(DESCENT)
            .map(|(name, rest)| (name, (rest, false)))
            .or_else(|| line.split_once(':').map(|(name, rest)| (name, (rest, true))))?;
        Some((name.trim().to_owned(), rest.0.trim(), rest.1)).filter(|(name, ..)| !name.is_empty())
    })
}

fn unescaped(line: &str) -> String {
    let start = line.trim_start();
    match start.strip_prefix('\\').map(str::trim_start) {
        Some(rest) if rest.starts_with("## ") || rest.starts_with("<!--") || rest.starts_with('\\') => {
            line.replacen('\\', "", 1)
        }
        Some(_) | None => line.to_owned(),
    }
}
