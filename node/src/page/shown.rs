//! Values of a record as templates show them: the schema tells what each is, this tells how it is read.
//!
//! A record may be in another language than the page. Where a template shows its words, it says their language; labels,
//! terms and dates within them say the page's, so that a screen reader speaks each as it is.

use askama::Template;
use essaim_protocol::api::{Lang, Sheet};
use essaim_protocol::id::{RecordId, SHORT};
use essaim_protocol::record::schema::{Field, Key, Kind, Schema, Type};
use serde_json::{Map, Value as Json};

use super::letter::Quoted;
use super::markdown;
use super::told::Telling;
use super::visit::Frame;
use crate::words::{labelled, when};

/// The language of a record that says none.
pub(super) const UNSAID: &str = "fr";

/// A field with its name for people.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The key in the model.
    pub(super) name: String,
    /// The field's name; for a question of the form, the question.
    pub(super) label: String,
    /// The language of the label.
    pub(super) lang: &'static str,
    pub(super) shown: Shown,
}

/// A value as it is shown.
#[derive(Debug, Clone, Template)]
#[template(path = "shown.html")]
pub(super) enum Shown {
    /// A line.
    Line(String),
    /// A line in the words of the page, and their language.
    Term(&'static str, String),
    /// Paragraphs, as safe HTML.
    Prose(String),
    /// Several short things side by side, with their language where they are the page's words.
    Terms(Option<&'static str>, Vec<String>),
    /// Somewhere else on the web.
    Address(String),
    /// A record.
    Record(Relation),
    /// Records, each with how it relates and a note.
    Relations(Vec<Relation>),
    /// Named members.
    Rows(Vec<Row>),
    /// Items in their order.
    Items(Vec<Vec<Row>>),
    /// What is told in a way of its own.
    Told(Telling),
}

/// A link to a record.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) rel: String,
    pub(super) label: String,
    /// The record, with the language of its title wherever it or the words around are not in that of the page.
    pub(super) record: Quoted,
    /// The address of the record; none when what is named is not one.
    pub(super) at: Option<String>,
    pub(super) note: Option<String>,
}

/// Reads the fields of one sheet.
pub(super) struct Reading<'a> {
    pub(super) f: &'a Frame,
    sheet: &'a Sheet,
    /// Whether everything is read as lines, to be compared.
    plain: bool,
}

impl<'a> Reading<'a> {
    pub(super) const fn of(f: &'a Frame, sheet: &'a Sheet) -> Self {
        Self { f, sheet, plain: false }
    }

    /// The same, with texts as they were typed and nothing told in a way of its own.
    pub(super) const fn plain(f: &'a Frame, sheet: &'a Sheet) -> Self {
        Self { f, sheet, plain: true }
    }

    const fn lang(&self) -> Lang {
        self.f.lang()
    }

    /// The fields of a kind that have a value, in the order of the form; those that the schema does not know at the end,
    /// raw.
    pub(super) fn rows(&self, kind: Option<&Kind>, fields: &Map<String, Json>) -> Vec<Row> {
        let specs: &[Field] = kind.map_or(&[], |kind| &kind.fields);
        let mut rows: Vec<Row> = specs.iter().filter_map(|spec| self.row(spec, fields.get(&spec.name)?)).collect();
        let unknown =
            fields.iter().filter(|(name, _)| !name.starts_with('_') && !specs.iter().any(|spec| spec.name == **name));
        rows.extend(unknown.map(|(name, value)| self.named(name, name.clone(), raw(value))));
        rows
    }

    pub(super) fn row(&self, spec: &Field, value: &Json) -> Option<Row> {
        let shown = self.shown(spec, value)?;
        Some(self.named(&spec.name, spec.label.get(self.lang()).to_owned(), shown))
    }

    fn named(&self, name: &str, label: String, shown: Shown) -> Row {
        Row { name: name.to_owned(), label, lang: self.f.code(), shown }
    }

    /// A line in the words of the page.
    fn says(&self, text: String) -> Shown {
        Shown::Term(self.f.code(), text)
    }

    pub(super) fn shown(&self, spec: &Field, value: &Json) -> Option<Shown> {
        if !self.plain
            && let Some(told) = Telling::of(self, spec, value)
        {
            return Some(Shown::Told(told));
        }
        Some(match &spec.ty {
            Type::Markdown if self.plain => Shown::Line(non_empty(value)?.to_owned()),
            Type::Markdown => Shown::Prose(markdown::html(non_empty(value)?, 4)),
            Type::Text => Shown::Line(non_empty(value)?.to_owned()),
            Type::Date => self.says(when::edtf(self.lang(), non_empty(value)?)),
            Type::Url if of_the_web(non_empty(value)?) => Shown::Address(non_empty(value)?.to_owned()),
            Type::Url => Shown::Line(non_empty(value)?.to_owned()),
            Type::Bool => self.says(match value.as_bool()? {
                true => self.lang().pick("oui", "yes").to_owned(),
                false => self.lang().pick("non", "no").to_owned(),
            }),
            Type::Code(vocabulary) => self.says(self.term(vocabulary, non_empty(value)?)),
            Type::Codes(vocabulary) => {
                Shown::Terms(Some(self.f.code()), self.each(value, |text| self.term(vocabulary, text))?)
            }
            Type::Strings => Shown::Terms(None, self.each(value, str::to_owned)?),
            Type::Ref => Shown::Record(self.relation("", non_empty(value)?, None)),
            Type::Refs => {
                let ids = value.as_array()?.iter().filter_map(|to| to.as_str().or_else(|| to["to"].as_str()));
                let relation = |id: &str| self.relation("", id, None);
                some(ids.map(relation).collect()).map(Shown::Relations)?
            }
            Type::Links(vocabulary) => some(self.links(vocabulary, value)).map(Shown::Relations)?,
            Type::Struct(members) | Type::Atomic(members) => {
                let object = value.as_object()?;
                let rows = members.iter().filter_map(|member| self.row(member, object.get(&member.name)?)).collect();
                some(rows).map(Shown::Rows)?
            }
            Type::List(members) => {
                let item = |item: &Json| -> Option<Vec<Row>> {
                    let object = item.as_object()?;
                    some(members.iter().filter_map(|member| self.row(member, object.get(&member.name)?)).collect())
                };
                some(value.as_array()?.iter().filter_map(item).collect()).map(Shown::Items)?
            }
            Type::Map(key, members) => {
                let rows = value.as_object()?.iter().filter_map(|(name, member)| {
                    let object = member.as_object()?;
                    let inner = members.iter().filter_map(|spec| self.row(spec, object.get(&spec.name)?)).collect();
                    Some(self.named(name, self.key(key, name), Shown::Rows(some(inner)?)))
                });
                some(rows.collect()).map(Shown::Rows)?
            }
            Type::Values(key) => {
                let row = |(name, text): (&String, &Json)| self.named(name, self.key(key, name), raw(text));
                let rows = value.as_object()?.iter().map(row);
                some(rows.collect()).map(Shown::Rows)?
            }
            Type::Number => self.says(self.number(value)?),
            Type::Attachments => {
                let names =
                    value.as_object()?.iter().map(|(hash, file)| file["name"].as_str().unwrap_or(hash).to_owned());
                Shown::Terms(None, some(names.collect())?)
            }
            Type::String if spec.name == "country" => self.says(self.country(non_empty(value)?)),
            Type::Language => self.says(self.language(non_empty(value)?)),
            Type::String => raw(value),
        })
    }

    /// A country by its code; what is no code of ISO 3166 is told as it is.
    fn country(&self, code: &str) -> String {
        self.f.maybe(&format!("country-{code}")).unwrap_or_else(|| code.to_owned())
    }

    /// A language by its code; one that has no name here is told as it is.
    fn language(&self, code: &str) -> String {
        self.f.maybe(&format!("lang-{code}")).unwrap_or_else(|| code.to_owned())
    }

    fn each(&self, value: &Json, say: impl Fn(&str) -> String) -> Option<Vec<String>> {
        some(value.as_array()?.iter().filter_map(Json::as_str).map(say).collect())
    }

    fn links(&self, vocabulary: &str, value: &Json) -> Vec<Relation> {
        let links = value.as_array().into_iter().flatten();
        let link = |link: &Json| {
            let (rel, to) = (link["rel"].as_str()?, link["to"].as_str()?);
            let mut relation = self.relation(&self.term(vocabulary, rel), to, link["note"].as_str());
            rel.clone_into(&mut relation.rel);
            Some(relation)
        };
        links.filter_map(link).collect()
    }

    fn relation(&self, label: &str, id: &str, note: Option<&str>) -> Relation {
        Relation {
            rel: String::new(),
            label: label.to_owned(),
            record: Quoted { id: id.to_owned(), title: self.title(id), lang: self.lang_of(id) },
            at: self.address(id),
            note: note.map(str::to_owned),
        }
    }

    /// The address of a record.
    pub(super) fn address(&self, id: &str) -> Option<String> {
        id.parse().ok().map(|id: RecordId| self.f.record(id))
    }

    /// The language of a record's title, where that or the one of the words around is not the page's.
    fn lang_of(&self, id: &str) -> Option<String> {
        let page = self.f.code();
        let own = self.sheet.langs.get(id).map_or(page, String::as_str);
        let around = self.sheet.brief.lang.as_deref().unwrap_or(UNSAID);
        (own != page || around != page).then(|| own.to_owned())
    }

    /// The title of a record; what to say of one that has none, and of one that has not arrived.
    fn title(&self, id: &str) -> String {
        let known = self.sheet.names.get(id).filter(|name| name.len() != SHORT || !id.starts_with(name.as_str()));
        match known {
            Some(title) if title.is_empty() => self.f.t("sheet-untitled"),
            Some(title) => title.clone(),
            None => self.f.t("sheet-absent"),
        }
    }

    /// A number as the language writes it.
    pub(super) fn number(&self, value: &Json) -> Option<String> {
        value.as_f64().map(|number| self.f.t1("sheet-number", "n", number))
    }

    /// A term's label; a code that the schema does not know is shown raw.
    pub(super) fn term(&self, vocabulary: &str, code: &str) -> String {
        Schema::get().term(vocabulary, code).map_or(code, |term| term.label.get(self.lang())).to_owned()
    }

    fn key(&self, key: &Key, name: &str) -> String {
        match key {
            Key::Term(vocabulary) => self.term(vocabulary, name),
            Key::Author => self.author(name),
        }
    }

    /// Who holds a position: a role, an ally or a record by its id, or somebody as the source names them.
    pub(super) fn author(&self, name: &str) -> String {
        match name.split_once(':') {
            Some(("fantastic", code)) => self.term("fantastic", code),
            Some(("ally", _)) => self.sheet.names.get(name).cloned().unwrap_or_else(|| self.f.t("sheet-some-ally")),
            Some((_, slug)) => slug.replace('-', " "),
            None => self.title(name),
        }
    }

    /// What stands in one place of a record, from a value in the JSON form.
    pub(super) fn at(&self, kind: Option<&Kind>, path: &str, value: &Json) -> Shown {
        kind.and_then(|kind| self.shown(kind.at(path.split('/'))?, value)).unwrap_or_else(|| raw(value))
    }
}

impl Shown {
    /// All that is said, a line a value, each after its name.
    pub(super) fn lines(&self, lang: Lang) -> String {
        let row = |row: &Row| {
            let below = if matches!(row.shown, Self::Rows(_) | Self::Items(_)) { "\n" } else { "" };
            labelled(lang, &row.label, &format!("{below}{}", row.shown.lines(lang)))
        };
        let rows = |rows: &[Row]| rows.iter().map(row).collect::<Vec<_>>().join("\n");
        match self {
            Self::Line(text) | Self::Term(_, text) | Self::Prose(text) | Self::Address(text) => text.clone(),
            Self::Record(one) => one.record.title.clone(),
            Self::Terms(_, terms) => terms.join(", "),
            Self::Relations(relations) => {
                let line = |one: &Relation| [one.label.as_str(), &one.record.title].join(" ").trim().to_owned();
                relations.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            Self::Rows(all) => rows(all),
            Self::Items(items) => items.iter().map(|item| rows(item)).collect::<Vec<_>>().join("\n\n"),
            Self::Told(_) => String::new(),
        }
    }
}

/// Whether an address that somebody else wrote may become a link: one of a script must not.
pub(super) fn of_the_web(url: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|start| url.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start)))
}

pub(super) fn non_empty(value: &Json) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

pub(super) fn some<T>(all: Vec<T>) -> Option<Vec<T>> {
    (!all.is_empty()).then_some(all)
}

/// What has no form of its own: text as it is, anything else as JSON.
fn raw(value: &Json) -> Shown {
    Shown::Line(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// The beginning of a text, cut after a word where there is one.
pub(super) fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let begin = &text[..end];
    let whole = begin.rfind(char::is_whitespace).filter(|at| *at * 2 > end).map_or(begin, |at| &begin[..at]);
    format!("{}…", whole.trim_end())
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_text_is_cut_after_a_word() {
        assert_eq!(cut("Une navette à la demande", 40), "Une navette à la demande");
        assert_eq!(cut("Une navette à la demande", 14), "Une navette à…");
        assert_eq!(cut("Anticonstitutionnellement", 6), "Antico…");
    }
}
