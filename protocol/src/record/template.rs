//! A record as a text to fill in with any editor: Markdown with a head of short fields.
//!
//! ```text
//! <!-- A line like this one explains, and is not kept. -->
//! ---
//! Titre: Une navette à la demande : essai
//! Thèmes: Mobilité ; Coopération
//! Quand ? / De: 2023-09
//! ---
//!
//! ## Que s'est-il passé ?
//!
//! Nous avons conçu le service…
//!
//! ## Étapes et tournants
//!
//! - Étape: Étude de flux
//!   Date: 2023-03
//!   Récit: On apprend pourquoi personne ne réserve.
//!   | Une seconde ligne du même récit.
//! ```
//!
//! A line of the head, or of a structured section, is a name, a colon and everything up to the end of the line: colons,
//! quotes, apostrophes and emoji need no care. Names are those of the form, in French or English, or the field's own, in
//! capitals or not; members of members are joined by ` / `. Several values are parted by `;`. In a text, a line that would
//! read as a heading or an explanation has a backslash in front. This is not YAML on purpose: "Titre: a: b" is an error
//! there, and `no` is a boolean.
//!
//! What cannot be read is told with its line and never dropped; fields of another version of the schema, attachments and
//! the origin are not in the template and stay as they are.

mod parse;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

pub use parse::{Mistake, Parsed, parse, value};

use super::field::Want;
use super::number;
use super::schema::{Field, Key, Kind, Lang, Schema, Type};
use super::view::View;
use crate::id::RecordId;

/// Between two values of a field.
const SEPARATOR: char = ';';

/// Between a name and that of its member.
const DESCENT: &str = " / ";

/// What begins the further lines of a value.
const CONTINUES: char = '|';

/// Prints the template of a new record: every field empty or with its default.
#[must_use]
pub fn blank(kind: &Kind, lang: Lang) -> String {
    filled(kind, &BTreeMap::new(), lang)
}

/// Prints the form of a new record with what is known of it already, in the JSON form.
#[must_use]
pub fn filled(kind: &Kind, fields: &BTreeMap<String, Json>, lang: Lang) -> String {
    let defaults = kind.fields.iter().filter_map(|field| Some((field.name.clone(), field.default.as_deref()?.into())));
    let given = fields.iter().map(|(name, value)| (name.clone(), value.clone()));
    print_fields(kind, &defaults.chain(given).collect(), &[], lang, &|_| None)
}

/// The fields among those given for which [`filled`] has no place: attachments, an origin.
pub fn without_place<'k>(kind: &'k Kind, fields: &BTreeMap<String, Json>) -> impl Iterator<Item = &'k Field> {
    let given = move |field: &&Field| fields.get(&field.name).is_some_and(|value| !value.is_null());
    kind.fields.iter().filter(|field| Part::of(field) == Part::Absent).filter(given)
}

/// Prints a record to edit; nothing when the schema does not know its kind. `title` names the records it refers to.
#[must_use]
pub fn print(view: &View, lang: Lang, title: &dyn Fn(RecordId) -> Option<String>) -> Option<String> {
    let disputes: Vec<(String, Vec<String>)> = view
        .conflicts()
        .into_iter()
        .map(|conflict| {
            let choices = conflict.choices.iter().map(|held| super::json::plain(&held.value));
            let field = conflict.path.0.first().cloned().unwrap_or_default();
            (field, choices.map(|choice| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned)).collect())
        })
        .collect();
    Some(print_fields(view.schema()?, &view.fields_json(), &disputes, lang, title))
}

/// Where a field stands in the template.
#[derive(PartialEq)]
enum Part {
    /// One line, or one a member, in the head.
    Head,
    /// A section of free text.
    Text,
    /// A section of named lines.
    Lines,
    /// Not to be written by hand.
    Absent,
}

impl Part {
    fn of(field: &Field) -> Self {
        match &field.ty {
            Type::Markdown => Self::Text,
            Type::List(_) | Type::Map(..) | Type::Values(_) | Type::Links(_) => Self::Lines,
            Type::Struct(_) | Type::Atomic(_) if field.name == "origin" => Self::Absent,
            Type::Struct(members) | Type::Atomic(members) => {
                let simple = members.iter().all(|member| Self::of(member) == Self::Head);
                if simple && field.question.is_none() { Self::Head } else { Self::Lines }
            }
            Type::Attachments => Self::Absent,
            Type::String | Type::Number | Type::Bool | Type::Url | Type::Language | Type::Date => Self::Head,
            Type::Code(_) | Type::Codes(_) | Type::Strings | Type::Text | Type::Ref | Type::Refs => Self::Head,
        }
    }
}

struct Printer<'a> {
    text: String,
    lang: Lang,
    title: &'a dyn Fn(RecordId) -> Option<String>,
}

fn print_fields(
    kind: &Kind,
    fields: &Map<String, Json>,
    disputes: &[(String, Vec<String>)],
    lang: Lang,
    title: &dyn Fn(RecordId) -> Option<String>,
) -> String {
    let mut printer = Printer { text: String::new(), lang, title };
    printer.comment(&match lang {
        Lang::Fr => format!("{}. Une ligne comme celle-ci explique ; elle n'est pas gardée.", kind.label.fr),
        Lang::En => format!("{}. A line like this one explains; it is not kept.", kind.label.en),
    });
    let of = |part: Part| kind.fields.iter().filter(move |field| Part::of(field) == part);
    printer.line("---");
    for field in of(Part::Head) {
        printer.head(field, fields.get(&field.name), disputes);
    }
    printer.line("---");
    let mut sections: Vec<&Field> = of(Part::Text).chain(of(Part::Lines)).collect();
    // The questions of the form in their order, then the rest.
    sections.sort_by_key(|field| field.question.unwrap_or(u8::MAX));
    for field in sections {
        printer.section(field, fields.get(&field.name), disputes);
    }
    printer.text
}

impl Printer<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn comment(&mut self, text: &str) {
        self.line(&format!("<!-- {} -->", text.replace("-->", "→").replace('\n', " ⏎ ")));
    }

    fn disputes(&mut self, field: &Field, disputes: &[(String, Vec<String>)]) {
        for choice in disputes.iter().filter(|(name, _)| *name == field.name).flat_map(|(_, choices)| choices) {
            self.comment(&format!("{} : {choice}", self.lang.pick("une des versions", "one of the versions")));
        }
    }

    fn head(&mut self, field: &Field, json: Option<&Json>, disputes: &[(String, Vec<String>)]) {
        self.disputes(field, disputes);
        if let Type::Code(vocabulary) | Type::Codes(vocabulary) = &field.ty {
            self.terms(vocabulary);
        }
        if field.members().is_empty() {
            self.named(field.label.get(self.lang), &self.value(Want::Field(field), json), "", "");
        }
        for member in field.members() {
            let name = [field.label.get(self.lang), member.label.get(self.lang)].join(DESCENT);
            let json = json.and_then(|json| json.get(&member.name));
            self.named(&name, &self.value(Want::Field(member), json), "", "");
        }
    }

    fn section(&mut self, field: &Field, json: Option<&Json>, disputes: &[(String, Vec<String>)]) {
        self.line(&format!("\n## {}\n", field.label.get(self.lang)));
        self.disputes(field, disputes);
        match (&field.ty, json) {
            (Type::Markdown, text) => {
                let text = text.and_then(Json::as_str).unwrap_or_default();
                text.lines().for_each(|line| self.line(&escaped(line)));
            }
            (Type::List(of), items) => {
                let names: Vec<&str> = of.iter().map(|member| member.label.get(self.lang)).collect();
                self.comment(&format!("- {}", names.join(": … / ")));
                for item in items.and_then(Json::as_array).into_iter().flatten() {
                    self.members(Want::Entry(of), item, "- ");
                }
            }
            (Type::Links(vocabulary), links) => {
                self.terms(vocabulary);
                for link in links.and_then(Json::as_array).into_iter().flatten() {
                    let text = |name: &str| link.get(name).and_then(Json::as_str).unwrap_or_default();
                    let note = Some(text("note")).filter(|note| !note.is_empty());
                    let note = note.map(|note| format!(" {CONTINUES} {note}")).unwrap_or_default();
                    let to = self.reference(text("to"));
                    self.named(&term_label(vocabulary, text("rel"), self.lang), &format!("{to}{note}"), "- ", "  ");
                }
            }
            (_, json) => {
                let empty = Json::Object(Map::new());
                self.members(Want::Field(field), json.unwrap_or(&empty), "");
                if json.is_none() {
                    let names = field.members().iter().map(|member| member.label.get(self.lang));
                    let keys = field.vocabulary().and_then(|name| Schema::get().vocabulary(name));
                    let keys = keys.iter().flat_map(|keys| &keys.terms).map(|term| term.label.get(self.lang));
                    let both = [keys.collect::<Vec<_>>().join(" ; "), names.collect::<Vec<_>>().join(" ; ")];
                    self.comment(
                        &both.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(DESCENT),
                    );
                }
            }
        }
    }

    fn terms(&mut self, vocabulary: &str) {
        let Some(terms) = Schema::get().vocabulary(vocabulary) else { return };
        let labels: Vec<&str> = terms.terms.iter().map(|term| term.label.get(self.lang)).collect();
        self.comment(&labels.join(" ; "));
    }

    /// The lines of a structure; `bullet` stands before the first of them.
    fn members(&mut self, want: Want<'_>, json: &Json, bullet: &str) {
        let mut lines = Vec::new();
        self.collect(want, json, &mut Vec::new(), &mut lines);
        let indent = " ".repeat(bullet.len());
        for (index, (name, value)) in lines.iter().enumerate() {
            self.named(name, value, if index == 0 { bullet } else { &indent }, &indent);
        }
    }

    /// The leaves of a structure with their full names, in the order of the schema.
    fn collect(&self, want: Want<'_>, json: &Json, names: &mut Vec<String>, lines: &mut Vec<(String, String)>) {
        let members: Vec<(String, Want<'_>, &Json)> = match (want, json) {
            (Want::Entry(fields), Json::Object(members)) => known(fields, members, self.lang),
            (Want::Field(Field { ty: Type::Struct(fields) | Type::Atomic(fields), .. }), Json::Object(members)) => {
                known(fields, members, self.lang)
            }
            (Want::Field(Field { ty: Type::Map(key, _) | Type::Values(key), .. }), Json::Object(entries)) => {
                let entry = |(name, value): (&String, _)| (key_label(key, name, self.lang), want.member(name), value);
                entries.iter().map(entry).collect()
            }
            _ => {
                lines.push((names.join(DESCENT), self.value(want, Some(json))));
                return;
            }
        };
        for (name, want, value) in members {
            names.push(name);
            self.collect(want, value, names, lines);
            names.pop();
        }
    }

    fn named(&mut self, name: &str, value: &str, bullet: &str, indent: &str) {
        let mut lines = value.split('\n');
        let first = format!("{bullet}{name}: {}", lines.next().unwrap_or_default());
        self.line(first.trim_end());
        for line in lines {
            self.line(format!("{indent}{CONTINUES} {line}").trim_end());
        }
    }

    /// A value as one writes it.
    fn value(&self, want: Want<'_>, json: Option<&Json>) -> String {
        let Some(json) = json else { return String::new() };
        let one = |json: &Json| match (want, json) {
            (Want::Field(Field { ty: Type::Code(vocabulary) | Type::Codes(vocabulary), .. }), Json::String(code)) => {
                term_label(vocabulary, code, self.lang)
            }
            (Want::Field(Field { ty: Type::Ref, .. }), Json::String(id)) => self.reference(id),
            (Want::Field(Field { ty: Type::Refs, .. }), reference) => {
                self.reference(reference.get("to").unwrap_or(reference).as_str().unwrap_or_default())
            }
            (_, Json::String(text)) => text.clone(),
            (Want::Field(Field { ty: Type::Number, .. }), Json::Number(value)) => number::show(self.lang, value),
            (_, Json::Bool(true)) => self.lang.pick("oui", "yes").to_owned(),
            (_, Json::Bool(false)) => self.lang.pick("non", "no").to_owned(),
            (_, other) => other.to_string(),
        };
        let Some(several) = json.as_array() else { return one(json) };
        let several: Vec<String> = several.iter().map(|json| one(json).replace(SEPARATOR, "\\;")).collect();
        several.join(" ; ")
    }

    /// A record's id and, for people, its title.
    fn reference(&self, id: &str) -> String {
        let title = id.parse().ok().and_then(|id| (self.title)(id));
        title.map_or_else(|| id.to_owned(), |title| format!("{id} ({})", title.replace([SEPARATOR, CONTINUES], ",")))
    }
}

fn known<'s, 'j>(fields: &'s [Field], members: &'j Map<String, Json>, lang: Lang) -> Vec<(String, Want<'s>, &'j Json)> {
    let member =
        |field: &'s Field| Some((field.label.get(lang).to_owned(), Want::Field(field), members.get(&field.name)?));
    fields.iter().filter_map(member).collect()
}

fn term_label(vocabulary: &str, code: &str, lang: Lang) -> String {
    Schema::get().term(vocabulary, code).map_or(code, |term| term.label.get(lang)).to_owned()
}

/// The vocabulary of the roles in whose name a position may be reported.
const ROLES: &str = "fantastic";

fn key_label(key: &Key, name: &str, lang: Lang) -> String {
    match (key, name.strip_prefix("fantastic:")) {
        (Key::Term(vocabulary), _) => term_label(vocabulary, name, lang),
        (Key::Author, Some(role)) => term_label(ROLES, role, lang),
        (Key::Author, None) => name.to_owned(),
    }
}

/// A line of free text, told apart from headings and explanations.
fn escaped(line: &str) -> String {
    let start = line.trim_start();
    let special = start.starts_with("## ") || start.starts_with("<!--") || start.starts_with('\\');
    if special { format!("\\{line}") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use automerge::Automerge;

    use super::*;
    use crate::record::import::import_lines;
    use crate::record::testing::{Person, experience};
    use crate::record::{EditError, edit, reference};

    const RECORDS: [&str; 2] =
        [include_str!("../../../node/data/heritage.jsonl"), include_str!("../../../node/data/demo-fictional.jsonl")];

    fn kind(name: &str) -> &'static Kind {
        Schema::get().kind(name).unwrap()
    }

    #[test]
    fn every_record_comes_back_from_its_template_unchanged_in_both_languages() {
        let text = RECORDS.concat();
        for record in import_lines(text.as_bytes(), &|_| false).records {
            let origin = record.origin.as_ref().unwrap();
            let draft = reference::first(&record.kind, &record.fields, origin).unwrap();
            let mut doc = Automerge::new();
            doc.apply_changes([crate::record::testing::seal(&draft.chunk, "x")]).unwrap();
            let view = View::read(record.record, &doc, &|_| None);
            for lang in [Lang::Fr, Lang::En] {
                let text = print(&view, lang, &|_| Some("Un titre ; (avec) | tout".to_owned())).unwrap();
                let parsed =
                    parse(kind(&view.kind), &text, lang).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"));
                let draft = edit::draft(
                    &doc,
                    &view.heads,
                    &parsed.edits(&Parsed::default()),
                    [0; 32],
                    crate::time::Timestamp(0),
                );
                let unchanged = matches!(draft, Err(EditError::NothingToDo));
                assert!(unchanged, "{:?}\n{text}\n{:#?}", draft.map(|draft| draft.chunk.len()), parsed.fields);
            }
        }
    }

    #[test]
    fn what_a_person_types_needs_no_care() {
        let text = "---\n\
            Titre: L’essai : « oui, mais » 🐝 d'Été #2\n\
            thèmes : mobilités; Coopération, gouvernance, organisation\n\
            Mots-clés libres: navette, vallée\n\
            Quand ? / De: 2023-09\n\
            Fiche inventée: oui\n\
            ---\n\
            ## Que s'est-il passé ?\n\
            <!-- rien -->\n\
            Un.\n\
            \n\
            ## Un titre de l'auteure\n\
            Deux.\n\
            ## avec quels moyens ?\n\
            Budget (€): 86 000,50\n\
            ## Étapes et tournants\n\
            - Étape: Étude : flux\n  Récit: Une ligne.\n  | Une autre.\n\
            - Étape: Arrêt\n  Tournant: non\n";
        let parsed = parse(kind("experience"), text, Lang::Fr).unwrap();
        let json = |name: &str| parsed.fields[name].clone();
        assert_eq!(json("title"), "L’essai : « oui, mais » 🐝 d'Été #2");
        assert_eq!(json("themes"), serde_json::json!(["mobility", "cooperation"]));
        assert_eq!(json("tags"), serde_json::json!(["navette", "vallée"]));
        assert_eq!((json("period"), json("fictional")), (serde_json::json!({ "from": "2023-09" }), true.into()));
        assert_eq!(json("story"), "Un.\n\n## Un titre de l'auteure\nDeux.");
        assert_eq!(json("means"), serde_json::json!({ "budget_eur": 86000.5 }));
        assert_eq!(json("steps")[0], serde_json::json!({ "title": "Étude : flux", "text": "Une ligne.\nUne autre." }));
        assert_eq!(json("steps")[1], serde_json::json!({ "title": "Arrêt", "turning_point": false }));
        assert_eq!(parsed.line(&["steps".to_owned(), "2".to_owned(), "title".to_owned()]), Some(20));
        let record = edit::create("experience", &parsed.fields, [3; 32], crate::time::Timestamp(0));
        assert!(record.is_ok(), "{record:?}");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let text = "Bonjour\n---\nTitr: A\nTitre: B\nTitre: C\n---\nperdu\n## Que s'est-il passe ?\n## Étapes et tournants\n- Etapes: D\n| suite\n";
        let mistakes = parse(kind("experience"), text, Lang::Fr).unwrap_err();
        assert_eq!(
            mistakes.iter().map(|mistake| mistake.line).collect::<Vec<_>>(),
            [1, 3, 5, 7, 8, 10, 11],
            "{mistakes:#?}"
        );
        assert!(mistakes[1].message.contains("vouliez-vous dire « Titre » ?"), "{}", mistakes[1].message);
        assert_eq!(parse(kind("experience"), "", Lang::En).unwrap_err()[0].line, 1);
    }

    #[test]
    fn a_blank_template_makes_a_record_once_it_has_a_title() {
        for kind in Schema::get().kinds() {
            for lang in [Lang::Fr, Lang::En] {
                let text = blank(kind, lang);
                let name = kind.fields[0].label.get(lang);
                let text = text.replacen(&format!("\n{name}:\n"), &format!("\n{name}: Essai\n"), 1);
                let parsed = parse(kind, &text, lang).unwrap();
                assert_eq!(parsed.fields["title"], "Essai", "{text}");
                edit::create(&kind.name, &parsed.fields, [3; 32], crate::time::Timestamp(0)).unwrap();
            }
        }
    }

    #[test]
    fn lines_that_look_like_the_templates_own_are_kept_in_texts() {
        let mut alice = experience();
        let story = "## Que s'est-il passé ?\n<!-- pas une explication -->\n\\## déjà\n---\n| a | b |\n- Étape: non";
        alice.sets("story", story);
        let text = print(&alice.view(), Lang::Fr, &|_| None).unwrap();
        assert_eq!(parse(kind("experience"), &text, Lang::Fr).unwrap().fields["story"], story);
    }

    #[test]
    fn what_was_left_as_it_was_shown_is_no_edit() {
        let fields = serde_json::json!({
            "title": "Question", "form": "question", "about": "0".repeat(52), "text": "Combien ?",
        });
        let alice = Person::creates("alice", "contribution", fields);
        let mut eve = alice.fork("eve");
        eve.sets("text", "Combien cela coûte ?");
        // Bob is shown Alice's words, with Eve's as a proposal; he mends the title only.
        let mut bob = eve.fork("bob");
        let text = print(&bob.view(), Lang::Fr, &|_| None).unwrap();
        let read = |text: &str| parse(kind("contribution"), text, Lang::Fr).unwrap();
        let shown = read(&text);
        assert_eq!(read(&text).edits(&shown), []);
        let edits = read(&text.replacen("Question", "Une question", 1)).edits(&shown);
        assert_eq!(edits, [crate::record::Edit::set("title", "Une question")]);
        bob.edits(&edits);
        assert_eq!(bob.view().field("text").unwrap().proposals[0].value.text(), Some("Combien cela coûte ?"));
    }

    #[test]
    fn versions_to_settle_are_shown_as_explanations() {
        let base = experience();
        let (mut alice, mut bob): (Person, Person) = (base.fork("alice"), base.fork("bob"));
        alice.sets("outcome", "stopped");
        bob.sets("outcome", "paused");
        alice.hears(&bob);
        let text = print(&alice.view(), Lang::Fr, &|_| None).unwrap();
        assert!(
            text.contains("<!-- une des versions : stopped -->") && text.contains("versions : paused -->"),
            "{text}"
        );
    }
}
