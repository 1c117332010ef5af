//! A record in words: fields under the schema's labels, codes as their terms, references by their titles.
//!
//! The schema drives everything: a field added to it is printed without a line here. What this version's schema does not
//! know is shown raw.

use std::collections::BTreeMap;

use essaim_node::words::{labelled, when};
use essaim_protocol::api::{Conflict, Lang, Value};
use essaim_protocol::record::number;
use essaim_protocol::record::schema::{Field, Key, Schema, Type};
use serde_json::{Map, Value as Json};

use crate::text::t;
use crate::ui::Ui;

/// The label of a kind; the kind itself when the schema does not have it.
pub(super) fn kind_label(ui: &Ui, kind: &str) -> String {
    Schema::get().kind(kind).map_or_else(|| kind.to_owned(), |known| known.label.get(ui.lang()).to_owned())
}

/// The label of a field by its path: `Avec quels moyens ? › Budget (€)`. Keys of items are left out.
pub(super) fn field_label(ui: &Ui, kind: &str, path: &str) -> String {
    let mut parts = path.split('/');
    let head = parts.next().unwrap_or_default();
    let Some(mut field) = Schema::get().kind(kind).and_then(|kind| kind.field(head)) else { return path.to_owned() };
    let mut labels = vec![field.label.get(ui.lang()).to_owned()];
    for part in parts {
        if let Some(member) = field.member(part) {
            field = member;
            labels.push(field.label.get(ui.lang()).to_owned());
        } else if let Some(term) = field.vocabulary().and_then(|name| Schema::get().term(name, part)) {
            labels.push(term.label.get(ui.lang()).to_owned());
        }
    }
    labels.join(" › ")
}

/// All fields of a record in the order of the form, each a label and its lines.
pub(super) fn fields(
    lang: Lang,
    kind: &str,
    fields: &Map<String, Json>,
    names: &BTreeMap<String, String>,
) -> Vec<(String, String, Vec<String>)> {
    let printer = Printer { lang, names };
    let known = Schema::get().kind(kind).map(|kind| kind.fields.as_slice()).unwrap_or_default();
    let mut out = Vec::new();
    for field in known {
        if let Some(value) = fields.get(&field.name) {
            out.push((field.name.clone(), field.label.get(lang).to_owned(), printer.lines(field, value)));
        }
    }
    for (name, value) in fields {
        if !known.iter().any(|field| field.name == *name) && name != "kind" && name != "id" {
            out.push((name.clone(), name.clone(), vec![raw(value)]));
        }
    }
    out
}

/// The concurrent values of a field: `A) en cours — Lyon, 7 mai 2026 à 16:00`.
pub(super) fn print_values(ui: &Ui, conflict: &Conflict, names: &BTreeMap<String, String>) {
    let kind = Schema::get().kind(&conflict.kind);
    let printer = Printer { lang: ui.lang(), names };
    for (number, value) in conflict.values.iter().enumerate() {
        let field = kind.and_then(|kind| find(&kind.fields, &conflict.field));
        let text = match (&value.label, field) {
            (Some(label), _) => label.clone(),
            (None, Some(field)) => printer.lines(field, &value.value).join("\n     "),
            (None, None) => raw(&value.value),
        };
        ui.out(&format!("  {}) {text}  {}", Ui::bold(&Conflict::letter(number)), Ui::dim(&by(ui, value))));
    }
}

/// `Lyon, 7 mai 2026 à 16:00`
fn by(ui: &Ui, value: &Value) -> String {
    let ally = value.ally.clone().unwrap_or_else(|| t!(ui, "somebody"));
    match value.at {
        Some(at) => format!("{ally}, {}", when::moment(ui.lang(), at)),
        None => ally,
    }
}

/// The field at a path, through items and keys.
fn find<'a>(fields: &'a [Field], path: &str) -> Option<&'a Field> {
    let mut parts = path.split('/');
    let head = parts.next()?;
    let mut field = fields.iter().find(|field| field.name == head)?;
    for part in parts {
        field = field.member(part).unwrap_or(field);
    }
    Some(field)
}

struct Printer<'a> {
    lang: Lang,
    names: &'a BTreeMap<String, String>,
}

impl Printer<'_> {
    fn lines(&self, field: &Field, value: &Json) -> Vec<String> {
        match (&field.ty, value) {
            (Type::Codes(_) | Type::Strings | Type::Refs, Json::Array(items)) => {
                let words: Vec<String> = items.iter().map(|item| self.one(field, item)).collect();
                vec![words.join(", ")]
            }
            (Type::Links(_), Json::Array(items)) => items.iter().map(|item| self.link(field, item)).collect(),
            (Type::Struct(members) | Type::Atomic(members), Json::Object(map)) => self.members(members, map),
            (Type::List(members), Json::Array(items)) => {
                items.iter().flat_map(|item| self.item("–".into(), members, item)).collect()
            }
            (Type::Map(key, members), Json::Object(map)) => {
                map.iter().flat_map(|(name, item)| self.item(self.key(key, name), members, item)).collect()
            }
            (Type::Values(key), Json::Object(map)) => map
                .iter()
                .map(|(name, value)| labelled(self.lang, &self.key(key, name), &self.one(field, value)))
                .collect(),
            (Type::Attachments, Json::Object(map)) => {
                map.values().map(|file| file["name"].as_str().unwrap_or("?").to_owned()).collect()
            }
            (_, value) => self.one(field, value).lines().map(str::to_owned).collect(),
        }
    }

    /// A value in one piece of text.
    fn one(&self, field: &Field, value: &Json) -> String {
        match (&field.ty, value) {
            (Type::Code(vocabulary) | Type::Codes(vocabulary), Json::String(code)) => self.term(vocabulary, code),
            (Type::Ref | Type::Refs, value) => self.name(value.as_str().or(value["to"].as_str()).unwrap_or_default()),
            (Type::Date, Json::String(edtf)) => when::edtf(self.lang, edtf),
            (Type::Number, Json::Number(value)) => number::show(self.lang, value),
            (_, Json::Bool(yes)) => self.lang.pick(["non", "oui"], ["no", "yes"])[usize::from(*yes)].to_owned(),
            (_, value) => raw(value),
        }
    }

    fn link(&self, field: &Field, link: &Json) -> String {
        let text = |name: &str| link[name].as_str().unwrap_or_default();
        let rel = self.term(field.vocabulary().unwrap_or_default(), text("rel"));
        let note = if text("note").is_empty() { String::new() } else { format!(" ({})", text("note")) };
        labelled(self.lang, &rel, &format!("{}{note}", self.name(text("to"))))
    }

    /// A head, and the members below it; the first member stands beside a head that is a dash.
    fn item(&self, head: String, members: &[Field], item: &Json) -> Vec<String> {
        let Json::Object(map) = item else { return vec![format!("{head} {}", raw(item))] };
        let mut lines = self.members(members, map);
        if head != "–" {
            lines.insert(0, head);
        } else if let Some(first) = lines.first_mut() {
            *first = format!("– {first}");
        }
        let rest = lines.iter_mut().skip(1);
        rest.for_each(|line| *line = format!("  {line}"));
        lines
    }

    fn members(&self, members: &[Field], map: &Map<String, Json>) -> Vec<String> {
        let known = members.iter().filter_map(|member| Some((member, map.get(&member.name)?)));
        let mut lines: Vec<String> = known
            .flat_map(|(member, value)| {
                let label = member.label.get(self.lang);
                let value = self.lines(member, value);
                match &value[..] {
                    [one] => vec![labelled(self.lang, label, one)],
                    several => {
                        let below = several.iter().map(|line| format!("  {line}"));
                        std::iter::once(labelled(self.lang, label, "").trim_end().to_owned()).chain(below).collect()
                    }
                }
            })
            .collect();
        let unknown = map.iter().filter(|(name, _)| !members.iter().any(|member| member.name == **name));
        lines.extend(unknown.map(|(name, value)| labelled(self.lang, name, &raw(value))));
        lines
    }

    fn key(&self, key: &Key, name: &str) -> String {
        match key {
            Key::Term(vocabulary) => self.term(vocabulary, name),
            Key::Author => match name.strip_prefix("fantastic:") {
                Some(code) => self.term("fantastic", code),
                None => self.name(name),
            },
        }
    }

    fn term(&self, vocabulary: &str, code: &str) -> String {
        let term = Schema::get().term(vocabulary, code);
        term.map_or_else(|| code.to_owned(), |term| term.label.get(self.lang).to_owned())
    }

    fn name(&self, id: &str) -> String {
        self.names.get(id).filter(|title| !title.is_empty()).cloned().unwrap_or_else(|| id.to_owned())
    }
}

fn raw(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ui::Look;

    fn printed(fields_of: Json) -> String {
        let Json::Object(map) = fields_of else { panic!("an object") };
        let names = [("7k2m", "Valombre"), ("ally:3c9d", "Association Les Semeuses"), ("8p4q", "Claire Morel")];
        let names = names.map(|(id, name)| (id.to_owned(), name.to_owned())).into();
        let all = fields(Lang::Fr, "experience", &map, &names);
        all.into_iter().map(|(_, label, lines)| format!("{label}\n{}", lines.join("\n"))).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn fields_are_told_in_words_and_in_the_order_of_the_form() {
        let text = printed(json!({
            "outcome": "did_not_work",
            "title": "Une navette",
            "links": [{"rel": "in_territory", "to": "7k2m", "note": "deux vallées"}],
            "means": {"budget_eur": 12000, "text": "avec le lycée"},
            "steps": [{"on": "2023-09", "title": "Mise en service", "turning_point": true}],
            "themes": ["mobility", "not_in_this_version"],
            "authors": [{"to": "8p4q"}],
            "disagreements": [{"subject": "Le tarif", "positions": {
                "ally:3c9d": {"text": "Gratuit."}, "fantastic:elected": {"text": "Un euro."}
            }}],
            "unknown_field": {"kept": 1},
        }));
        assert!(text.starts_with("Titre\nUne navette\n"), "{text}");
        for part in [
            "N’a pas marché",
            ": Valombre (deux vallées)",
            "Budget (€)\u{a0}: 12\u{202f}000",
            "– Date\u{a0}: septembre 2023\n  Étape\u{a0}: Mise en service\n  Tournant\u{a0}: oui",
            ", not_in_this_version",
            "\nClaire Morel\n",
            "Association Les Semeuses\n",
            "unknown_field\n{\"kept\":1}",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("mobility"), "{text}");
    }

    #[test]
    fn a_path_is_told_by_its_labels() {
        let ui = Ui::new(Lang::Fr, Look::default());
        assert_eq!(field_label(&ui, "experience", "means/budget_eur"), "Avec quels moyens\u{202f}? › Budget (€)");
        assert_eq!(field_label(&ui, "experience", "steps/0a1b/on"), "Étapes et tournants › Date");
        assert_eq!(field_label(&ui, "experience", "later_field"), "later_field");
    }
}
