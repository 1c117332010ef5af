//! Fields of the model as a form: what to draw, and what a browser sends back.
//!
//! The schema drives both ways. [`Paper::widgets`] turns the fields of a screen into [`Widget`]s, which a template draws;
//! [`Typed::read`] turns the pairs of a urlencoded body back into the JSON form. A control is named by its place:
//! `story`, `means.budget_eur`, `steps.2.on`, `fantastics.elected.who`, `disagreements.0.positions.1.text`. Buttons that
//! work without JavaScript (remove, move) change these names before they are read, and nothing else knows of them.
//!
//! What cannot be understood (a date, a number) is kept as it was typed: the rules refuse it when it is shared, and until
//! then nothing is lost. What comes back as it was drawn is what it was, to the letter; only what was typed is
//! [made plain](super::paste).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::api::Lang;
use essaim_protocol::record::complete::is_blank;
use essaim_protocol::record::number;
use essaim_protocol::record::schema::{Field, Key, Schema, Type};
use serde_json::{Map, Value as Json};

use crate::texts;
use crate::words::{labelled, read};

mod typed;

pub(super) use typed::Typed;

/// The relation by which a record takes place in a territory; it has a control of its own.
pub(super) const PLACED: &str = "in_territory";

/// The name of that control.
pub(super) const PLACES: &str = "lieux";

/// Members shown of an item before "more".
const MAIN: usize = 2;

/// The vocabulary of roles in whose name a position may be reported.
const ROLES: &str = "fantastic";

/// Languages in which the alliance writes (BCP 47): those of its territories and of its neighbours.
const LANGUAGES: [&str; 15] =
    ["fr", "gsw", "eu", "br", "ca", "co", "gcf", "frp", "oc", "rcf", "de", "en", "es", "it", "nl"];

/// What a screen asks of a record.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'s> {
    /// A field.
    Field(&'s Field),
    /// Where it takes place: of the links, those to a territory.
    Places(&'s Field),
    /// The other links.
    Relations(&'s Field),
}

impl Asked<'_> {
    pub(super) const fn field(&self) -> &Field {
        match self {
            Self::Field(field) | Self::Places(field) | Self::Relations(field) => field,
        }
    }

    /// Whether something is said here.
    pub(super) fn is_told(&self, fields: &Map<String, Json>) -> bool {
        let value = fields.get(&self.field().name).unwrap_or(&Json::Null);
        match self {
            Self::Field(_) => !is_blank(value),
            Self::Places(_) => links(value, true).next().is_some(),
            Self::Relations(_) => links(value, false).next().is_some(),
        }
    }
}

/// A control, or several under one heading.
#[derive(Debug, Clone)]
pub(super) struct Widget {
    /// Its place.
    pub(super) name: String,
    /// Its name for people.
    pub(super) label: String,
    pub(super) error: Option<String>,
    /// Whether the browser goes there first: the first mistake, or what was just added.
    pub(super) focus: bool,
    pub(super) input: Input,
}

/// What a control is.
#[derive(Debug, Clone)]
pub(super) enum Input {
    Line(String),
    Number(String),
    Date(String),
    Area {
        text: String,
        rows: usize,
        max: Option<usize>,
    },
    Tick(bool),
    /// One of these, or none.
    One(Vec<Choice>),
    /// Some of these.
    Some(Vec<Choice>),
    Records {
        /// Whether one at most.
        one: bool,
        /// Whether territories, looked up in the gazetteer.
        places: bool,
        chosen: Vec<Choice>,
        found: Option<Found>,
    },
    Relations {
        rows: Vec<Relation>,
        rels: Vec<Choice>,
        found: Option<Found>,
    },
    Group(Vec<Widget>),
    Items(Vec<Item>),
    Positions(Vec<Position>),
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) on: bool,
}

/// What a look for a record or place found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) words: String,
    pub(super) choices: Vec<Choice>,
}

#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) name: String,
    pub(super) key: String,
    pub(super) label: String,
    pub(super) note: String,
}

#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) number: usize,
    /// Its id in the record; none while it is new.
    pub(super) id: Option<String>,
    pub(super) main: Vec<Widget>,
    pub(super) more: Vec<Widget>,
    /// Whether something is said in `more`.
    pub(super) open: bool,
    pub(super) last: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) name: String,
    /// Who may be said to hold it; nobody for another ally's own words, which are shown and not written.
    pub(super) authors: Vec<Choice>,
    pub(super) who: String,
    pub(super) said: Vec<String>,
    pub(super) members: Vec<Widget>,
}

impl Widget {
    /// Its id in the page.
    pub(super) fn id(&self) -> String {
        id(&self.name)
    }
}

/// The id of a place in the page.
pub(super) fn id(name: &str) -> String {
    format!("c-{}", name.replace(['.', ':', '|'], "-"))
}

/// What a form is drawn on.
pub(super) struct Paper<'a> {
    pub(super) lang: Lang,
    pub(super) fields: &'a Map<String, Json>,
    /// Titles of records and names of allies.
    pub(super) names: &'a BTreeMap<String, String>,
    /// The key of this ally's own positions.
    pub(super) me: Option<&'a str>,
    /// What is wrong, by place.
    pub(super) problems: Vec<(String, String)>,
    /// The list that gets another blank item.
    pub(super) plus: Option<&'a str>,
    /// What was looked for, and where.
    pub(super) found: Option<(&'a str, Found)>,
    /// Whether the first mistake gets the focus.
    pub(super) mend: bool,
    focused: Cell<bool>,
    claimed: RefCell<BTreeSet<usize>>,
}

impl<'a> Paper<'a> {
    pub(super) fn new(
        lang: Lang,
        fields: &'a Map<String, Json>,
        names: &'a BTreeMap<String, String>,
        me: Option<&'a str>,
    ) -> Self {
        Self {
            lang,
            fields,
            names,
            me,
            problems: Vec::new(),
            plus: None,
            found: None,
            mend: false,
            focused: Cell::new(false),
            claimed: RefCell::default(),
        }
    }

    /// The controls of what is asked.
    pub(super) fn widgets(&self, asked: &[Asked<'_>]) -> Vec<Widget> {
        let one = |asked: &Asked<'_>| {
            let field = asked.field();
            let value = self.fields.get(&field.name).unwrap_or(&Json::Null);
            match asked {
                Asked::Field(field) if matches!(field.ty, Type::Attachments) => None,
                Asked::Field(field) => Some(self.widget(field, &field.name, value)),
                Asked::Places(_) => {
                    let chosen = links(value, true).map(|to| self.record(to)).collect();
                    let label = self.lang.pick("Où cela se passe-t-il ?", "Where does it take place?");
                    let found = self.found_at(PLACES);
                    Some(self.made(PLACES, label, Input::Records { one: false, places: true, chosen, found }))
                }
                Asked::Relations(field) => Some(self.relations(field, value)),
            }
        };
        asked.iter().filter_map(one).collect()
    }

    /// Mistakes that no control shows.
    pub(super) fn unclaimed(&self) -> Vec<String> {
        let claimed = self.claimed.borrow();
        let others = self.problems.iter().enumerate().filter(|(at, _)| !claimed.contains(at));
        others.map(|(_, (_, message))| message.clone()).collect()
    }

    fn widget(&self, field: &Field, name: &str, value: &Json) -> Widget {
        let text = || value.as_str().unwrap_or_default().to_owned();
        let input = match &field.ty {
            Type::String | Type::Url | Type::Attachments => Input::Line(text()),
            Type::Language => Input::One(self.languages(value.as_str())),
            // A title is one line, whatever merges in it.
            Type::Text if name == "title" => Input::Line(text()),
            Type::Text => Input::Area { text: text(), rows: 3, max: field.max_chars },
            Type::Markdown => Input::Area { text: text(), rows: 12, max: field.max_chars },
            Type::Number => Input::Number(shown_number(self.lang, value)),
            Type::Date => Input::Date(value.as_str().map(|edtf| read::shown_date(self.lang, edtf)).unwrap_or_default()),
            Type::Bool => Input::Tick(value.as_bool().unwrap_or_default()),
            Type::Code(vocabulary) => Input::One(self.terms(vocabulary, value.as_str().as_slice())),
            Type::Codes(vocabulary) => Input::Some(self.terms(vocabulary, &strings(value))),
            Type::Strings => Input::Area { text: strings(value).join("\n"), rows: 3, max: None },
            Type::Ref | Type::Refs => {
                let one = matches!(field.ty, Type::Ref);
                let ids: Vec<&str> = if one { value.as_str().into_iter().collect() } else { targets(value) };
                let chosen = ids.into_iter().map(|to| self.record(to)).collect();
                let places = field.name == "territory";
                Input::Records { one, places, chosen, found: self.found_at(name) }
            }
            Type::Links(_) => return self.relations(field, value),
            Type::Struct(members) | Type::Atomic(members) => {
                let member =
                    |member: &Field| self.widget(member, &format!("{name}.{}", member.name), &value[&member.name]);
                Input::Group(members.iter().map(member).collect())
            }
            Type::List(members) => Input::Items(self.items(members, name, value)),
            Type::Map(Key::Author, members) => Input::Positions(self.positions(members, name, value)),
            Type::Map(Key::Term(vocabulary), members) => {
                let entry = |term: Choice| {
                    let name = format!("{name}.{}", term.value);
                    let value = &value[&term.value];
                    let member =
                        |member: &Field| self.widget(member, &format!("{name}.{}", member.name), &value[&member.name]);
                    let members = members.iter().map(member).collect();
                    self.made(&name, &term.label, Input::Group(members))
                };
                Input::Group(self.terms(vocabulary, &keys(value)).into_iter().map(entry).collect())
            }
            Type::Values(key) => {
                let terms = match key {
                    Key::Term(vocabulary) => self.terms(vocabulary, &keys(value)),
                    Key::Author => self.authors(&keys(value)),
                };
                let entry = |term: Choice| {
                    let text = value[&term.value].as_str().unwrap_or_default().to_owned();
                    self.made(&format!("{name}.{}", term.value), &term.label, Input::Line(text))
                };
                Input::Group(terms.into_iter().map(entry).collect())
            }
        };
        self.made(name, field.label.get(self.lang), input)
    }

    /// A control with what is wrong there.
    fn made(&self, name: &str, label: &str, input: Input) -> Widget {
        let whole = matches!(input, Input::Group(_) | Input::Items(_));
        let here = |place: &str| {
            place == name || (!whole && place.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
        };
        let found = self.problems.iter().enumerate().find(|(_, (place, _))| here(place));
        let error = found.map(|(at, (_, message))| {
            self.claimed.borrow_mut().insert(at);
            message.clone()
        });
        let focus = self.mend && error.is_some() && !whole && !self.focused.replace(true);
        Widget { name: name.to_owned(), label: label.to_owned(), error, focus, input }
    }

    fn items(&self, members: &[Field], name: &str, value: &Json) -> Vec<Item> {
        let blank = Json::Object(Map::new());
        let mut values: Vec<&Json> = value.as_array().into_iter().flatten().collect();
        if values.is_empty() || self.plus == Some(name) {
            values.push(&blank);
        }
        let count = values.len();
        let item = |(at, value): (usize, &Json)| {
            let place = format!("{name}.{at}");
            let widget =
                |member: &Field| self.widget(member, &format!("{place}.{}", member.name), &value[&member.name]);
            // What has to be said first, then the rest in its order.
            let (mut main, others): (Vec<&Field>, Vec<&Field>) = members.iter().partition(|member| member.required);
            let mut others = others.into_iter();
            main.extend(others.by_ref().take(MAIN.saturating_sub(main.len())));
            let more: Vec<&Field> = others.collect();
            let mut main: Vec<Widget> = main.into_iter().map(widget).collect();
            if self.plus == Some(name) && at + 1 == count {
                main.iter_mut().take(1).for_each(|first| first.focus = true);
            }
            let open = more.iter().any(|member| !is_blank(&value[&member.name]));
            let more: Vec<Widget> = more.into_iter().map(widget).collect();
            let open = open || more.iter().any(|widget| widget.error.is_some());
            let id = value["_id"].as_str().map(str::to_owned);
            Item { name: place, number: at + 1, id, main, more, open, last: at + 1 == count }
        };
        values.into_iter().enumerate().map(item).collect()
    }

    fn positions(&self, members: &[Field], name: &str, value: &Json) -> Vec<Position> {
        let held: Vec<&str> = keys(value);
        let mut shown: Vec<Option<&str>> = held.iter().copied().map(Some).collect();
        let free = self.authors(&held).into_iter().find(|author| !author.on);
        if held.is_empty() || self.plus == Some(name) {
            shown.extend(free.is_some().then_some(None));
        }
        let blank = Json::Null;
        let one = |(at, key): (usize, Option<&str>)| {
            let place = format!("{name}.{at}");
            let said = key.map_or(&blank, |key| &value[key]);
            let others = key.is_some_and(|key| key.starts_with("ally:") && Some(key) != self.me);
            let widget = |member: &Field| self.widget(member, &format!("{place}.{}", member.name), &said[&member.name]);
            let mut authors = self.authors(&[]);
            let chosen = key.map(str::to_owned).or_else(|| free.as_ref().map(|free| free.value.clone()));
            let chosen = chosen.unwrap_or_default();
            if !authors.iter().any(|author| author.value == chosen) {
                authors.push(Choice { value: chosen.clone(), label: self.name(&chosen), on: false });
            }
            authors.iter_mut().for_each(|author| author.on = author.value == chosen);
            Position {
                name: place.clone(),
                who: self.name(&chosen),
                authors: if others { Vec::new() } else { authors },
                said: if others { self.in_words(members, said) } else { Vec::new() },
                members: if others { Vec::new() } else { members.iter().map(widget).collect() },
            }
        };
        shown.into_iter().enumerate().map(one).collect()
    }

    /// Another ally's words, to be read.
    fn in_words(&self, members: &[Field], said: &Json) -> Vec<String> {
        let words = |member: &Field| {
            let text = said[&member.name].as_str()?;
            let term = member.vocabulary().and_then(|vocabulary| Schema::get().term(vocabulary, text));
            Some(term.map_or(text, |term| term.label.get(self.lang)).to_owned())
        };
        members.iter().filter_map(words).collect()
    }

    /// Who may be said to hold a position: ourselves, then the roles. `on` when it is among `held`.
    fn authors(&self, held: &[&str]) -> Vec<Choice> {
        let roles = Schema::get().vocabulary(ROLES).map_or(&[][..], |roles| &roles.terms);
        let keys =
            self.me.map(str::to_owned).into_iter().chain(roles.iter().map(|role| format!("{ROLES}:{}", role.code)));
        keys.map(|key| Choice { label: self.name(&key), on: held.contains(&key.as_str()), value: key }).collect()
    }

    fn relations(&self, field: &Field, value: &Json) -> Widget {
        let vocabulary = field.vocabulary().unwrap_or_default();
        let rows = value.as_array().into_iter().flatten().filter(|link| link["rel"] != PLACED).enumerate();
        let row = |(at, link): (usize, &Json)| {
            let (rel, to) = (link["rel"].as_str().unwrap_or_default(), link["to"].as_str().unwrap_or_default());
            let label = Schema::get().term(vocabulary, rel).map_or(rel, |term| term.label.get(self.lang));
            Relation {
                name: format!("{}.{at}", field.name),
                key: format!("{rel}|{to}"),
                label: labelled(self.lang, label, &self.name(to)),
                note: link["note"].as_str().unwrap_or_default().to_owned(),
            }
        };
        let rows = rows.map(row).collect();
        let mut rels = self.terms(vocabulary, &[]);
        rels.retain(|rel| rel.value != PLACED);
        let found = self.found_at(&field.name);
        self.made(&field.name, field.label.get(self.lang), Input::Relations { rows, rels, found })
    }

    fn found_at(&self, name: &str) -> Option<Found> {
        self.found.as_ref().filter(|(place, _)| *place == name).map(|(_, found)| found.clone())
    }

    fn record(&self, id: &str) -> Choice {
        Choice { value: id.to_owned(), label: self.name(id), on: true }
    }

    fn name(&self, key: &str) -> String {
        let role = key.strip_prefix("fantastic:").and_then(|code| Schema::get().term(ROLES, code));
        match role {
            Some(role) => role.label.get(self.lang).to_owned(),
            None => self.names.get(key).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| key.to_owned()),
        }
    }

    /// The languages offered by name, and the one that a record says if it is another.
    fn languages(&self, chosen: Option<&str>) -> Vec<Choice> {
        let other = chosen.filter(|code| !code.is_empty() && !LANGUAGES.contains(code));
        let choice = |code: &str| Choice {
            value: code.to_owned(),
            label: texts::of(self.lang).get(&format!("lang-{code}")).unwrap_or_else(|| code.to_owned()),
            on: chosen == Some(code),
        };
        LANGUAGES.into_iter().chain(other).map(choice).collect()
    }

    /// The terms of a vocabulary, and the codes that it does not have.
    fn terms(&self, vocabulary: &str, chosen: &[&str]) -> Vec<Choice> {
        let terms = Schema::get().vocabulary(vocabulary).map_or(&[][..], |vocabulary| &vocabulary.terms);
        let offered = |code: &str| !(vocabulary == "visibility" && matches!(code, "node" | "circle"));
        let known = terms.iter().filter(|term| offered(&term.code) || chosen.contains(&term.code.as_str()));
        let known = known.map(|term| (term.code.as_str(), term.label.get(self.lang)));
        let others =
            chosen.iter().filter(|code| terms.iter().all(|term| term.code != **code)).map(|code| (*code, *code));
        let choice = |(code, label): (&str, &str)| Choice {
            value: code.to_owned(),
            label: label.to_owned(),
            on: chosen.contains(&code),
        };
        known.chain(others).map(choice).collect()
    }
}

fn shown_number(lang: Lang, value: &Json) -> String {
    let typed = || value.as_str().unwrap_or_default().to_owned();
    value.as_number().map_or_else(typed, |number| number::show(lang, number))
}

fn strings(value: &Json) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Json::as_str).collect()
}

fn targets(value: &Json) -> Vec<&str> {
    let target = |reference| Json::as_str(reference).or_else(|| reference["to"].as_str());
    value.as_array().into_iter().flatten().filter_map(target).collect()
}

fn keys(value: &Json) -> Vec<&str> {
    value.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect()
}

/// Where links lead: those to territories, or the others.
fn links(value: &Json, placed: bool) -> impl Iterator<Item = &str> {
    let links = value.as_array().into_iter().flatten();
    links.filter(move |link| (link["rel"] == PLACED) == placed).filter_map(|link| link["to"].as_str())
}

#[cfg(test)]
mod tests;
