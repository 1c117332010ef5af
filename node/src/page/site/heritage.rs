//! The public records of a commons, and how they hang together: who refers to whom, and in which lists each is found.

use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::api::{Brief, Commons, FacetValue, Lang, Linked, Places, Referring, Sheet, Spot, TerritoryName};
use essaim_protocol::id::RecordId;
use essaim_protocol::record::schema::Schema;
use serde_json::Value as Json;

use super::index::Entry;
use super::public;
use crate::index::gazetteer::{Gazetteer, Type};
use crate::page::settle::disputes;
use crate::page::shown::{Reading, Shown, cut};
use crate::page::visit::Frame;
use crate::texts;

/// Referring records that a sheet may name; the list behind it has them all.
const REFERRING: usize = 60;

/// Territories that the map draws: the most frequent first, as many as the node counts.
pub(super) const SPOTS: usize = 200;

/// Letters of a title and of a summary where records are listed.
const TITLE: usize = 200;
const SUMMARY: usize = 300;

/// The outcome of a record that says none.
const NOT_TOLD: &str = "not_told";

/// A facet that has lists: its name in a file, and the key of its heading.
pub(super) type Facet = (&'static str, &'static str);

pub(super) const KIND: Facet = ("type", "facet-kind");
const THEME: Facet = ("theme", "facet-theme");
const OUTCOME: Facet = ("issue", "facet-outcome");
const DEPARTMENT: Facet = ("departement", "facet-department");
const TERRITORY: Facet = ("territoire", "facet-territory");
pub(super) const YEAR: Facet = ("annee", "facet-year");
pub(super) const FACETS: [Facet; 6] = [KIND, THEME, OUTCOME, DEPARTMENT, TERRITORY, YEAR];

/// The records with one value of a facet.
pub(super) struct Shelf {
    pub(super) label: String,
    /// In the order of all lists.
    pub(super) holds: Vec<usize>,
}

/// The values of a facet, by code.
pub(super) type Shelves = BTreeMap<String, Shelf>;

/// The public records of a commons, and how they hang together.
pub(super) struct Heritage {
    pub(super) lang: Lang,
    pub(super) commons: Commons,
    /// The newest first.
    pub(super) sheets: Vec<Sheet>,
    places: BTreeMap<RecordId, usize>,
    /// Who refers to each, and how.
    pub(super) referring: Vec<BTreeMap<usize, BTreeSet<String>>>,
    /// By the name of the facet in a file.
    pub(super) shelves: BTreeMap<&'static str, Shelves>,
}

impl Heritage {
    /// Of what was added to a site: each record once, without what names others.
    pub(super) fn of(lang: Lang, commons: Commons, mut sheets: Vec<Sheet>) -> Self {
        let newest = |sheet: &Sheet| (std::cmp::Reverse(sheet.brief.updated_at), sheet.brief.id);
        sheets.sort_by_key(newest);
        sheets.dedup_by_key(|sheet| sheet.brief.id);
        let places: BTreeMap<RecordId, usize> =
            sheets.iter().enumerate().map(|(at, sheet)| (sheet.brief.id, at)).collect();
        let all: BTreeSet<RecordId> = places.keys().copied().collect();
        sheets.iter_mut().for_each(|sheet| public::clean(sheet, &all));
        // Every page of a site holds it, and nothing of it but the name is told.
        let commons = Commons { charter_text: None, ..commons };
        let referring = vec![BTreeMap::new(); sheets.len()];
        let mut heritage = Self { lang, commons, sheets, places, referring, shelves: BTreeMap::new() };
        for at in 0..heritage.sheets.len() {
            heritage.shelve(at);
        }
        heritage
    }

    /// Notes to whom a record refers, and puts it where it is found.
    fn shelve(&mut self, at: usize) {
        for (how, id) in public::refers(&self.sheets[at]) {
            if let Some(to) = self.places.get(&id).copied().filter(|to| *to != at) {
                self.referring[to].entry(at).or_default().insert(how);
            }
        }
        for (facet, code, label) in self.found_under(at) {
            let shelf = self.shelves.entry(facet.0).or_default().entry(code);
            shelf.or_insert_with(|| Shelf { label, holds: Vec::new() }).holds.push(at);
        }
    }

    /// The lists in which a record is: facet, code and label. A code that is not of the model's has no name for people, and
    /// could be anything: it has no list.
    fn found_under(&self, at: usize) -> BTreeSet<(Facet, String, String)> {
        let (sheet, schema) = (&self.sheets[at], Schema::get());
        let mut found = BTreeSet::new();
        if let Some(kind) = schema.kind(&sheet.brief.kind) {
            found.insert((KIND, kind.name.clone(), kind.label.get(self.lang).to_owned()));
        }
        let term = |facet: Facet, vocabulary: &str, code: &str| {
            let label = schema.term(vocabulary, code)?.label.get(self.lang).to_owned();
            Some((facet, code.to_owned(), label))
        };
        let themes = sheet.fields.get("themes").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        found.extend(themes.filter_map(|code| term(THEME, "theme", code)));
        let outcome = sheet.fields.get("outcome").and_then(Json::as_str).filter(|code| *code != NOT_TOLD);
        found.extend(outcome.and_then(|code| term(OUTCOME, "outcome", code)));
        found.extend(year(&sheet.brief).map(|year| (YEAR, year.to_owned(), year.to_owned())));
        let territories: BTreeSet<RecordId> = public::refers(sheet)
            .into_iter()
            .filter(|(how, id)| (how == "in_territory" || how == "place") && self.places.contains_key(id))
            .map(|(_, id)| id)
            .collect();
        for id in &territories {
            found.insert((TERRITORY, id.to_string(), self.named(&self.sheets[self.places[id]].brief)));
        }
        let places = territories.iter().map(|id| &self.sheets[self.places[id]]).chain([sheet]);
        found.extend(places.filter_map(department).map(|(code, name)| (DEPARTMENT, code.to_owned(), name)));
        found
    }

    /// A title, or what is said in place of one.
    fn named(&self, brief: &Brief) -> String {
        let untitled = || texts::of(self.lang).get("sheet-untitled").unwrap_or_default();
        if brief.title.is_empty() { untitled() } else { cut(&brief.title, TITLE) }
    }

    /// Who refers to a record, in the words of the API.
    pub(super) fn linked(&self, at: usize) -> Linked {
        let referring = self.referring[at].iter().take(REFERRING);
        let records = referring.map(|(from, how)| {
            let sheet = &self.sheets[*from];
            let text = |field: &str| sheet.fields.get(field).and_then(Json::as_str);
            Referring {
                brief: self.brief(*from),
                how: how.iter().cloned().collect(),
                form: text("form").map(str::to_owned),
                text: text("text").filter(|_| sheet.brief.kind == "contribution").map(|text| cut(text, SUMMARY)),
            }
        });
        Linked { total: self.referring[at].len() as u64, kinds: Vec::new(), records: records.collect() }
    }

    pub(super) fn map(&self) -> Places {
        let shelves = |facet: Facet| self.shelves.get(facet.0).into_iter().flatten();
        let count = |(code, shelf): (&String, &Shelf)| FacetValue {
            code: code.clone(),
            label: shelf.label.clone(),
            count: shelf.holds.len() as u64,
        };
        let spot = |(code, shelf): (&String, &Shelf)| {
            let id: RecordId = code.parse().ok()?;
            let sheet = &self.sheets[*self.places.get(&id)?];
            let degrees = |name: &str| sheet.fields.get("point")?.get(name)?.as_f64();
            let department = department(sheet).map(|(code, _)| code.to_owned());
            let point = degrees("lat").zip(degrees("lon"));
            Some(Spot { id, title: shelf.label.clone(), department, point, count: shelf.holds.len() as u64 })
        };
        let mut spots: Vec<Spot> = shelves(TERRITORY).filter_map(spot).collect();
        spots.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.title.cmp(&b.title)));
        let departments = shelves(DEPARTMENT).map(count).collect();
        Places { total: self.sheets.len() as u64, departments, spots, left_off: 0 }
    }

    /// A record as lists show it.
    pub(super) fn brief(&self, at: usize) -> Brief {
        let brief = &self.sheets[at].brief;
        let territory =
            |territory: &TerritoryName| TerritoryName { title: cut(&territory.title, TITLE), ..territory.clone() };
        Brief {
            title: cut(&brief.title, TITLE),
            summary: brief.summary.as_ref().map(|summary| cut(summary, SUMMARY)),
            territory: brief.territory.as_ref().map(territory),
            ..brief.clone()
        }
    }

    /// A record as the index knows it.
    pub(super) fn entry(&self, at: usize) -> Entry {
        let (sheet, brief) = (&self.sheets[at], self.brief(at));
        let f = Frame::of_site(self.lang, &self.commons, "");
        let kind = Schema::get().kind(&brief.kind);
        let mut words = String::new();
        for row in Reading::plain(&f, sheet).rows(kind, &sheet.fields) {
            if !["title", "summary", "lang", "licence", "visibility", "origin", "status"].contains(&row.name.as_str()) {
                said(&row.shown, &mut words);
            }
        }
        for side in disputes(&f, sheet).iter().flat_map(|one| &one.sides) {
            said(&side.shown, &mut words);
        }
        Entry {
            id: brief.id.to_string(),
            title: heading(&f, &brief),
            kind: kind.map_or(brief.kind.as_str(), |kind| kind.label.get(self.lang)).to_owned(),
            place: brief.territory.map(|territory| territory.title).unwrap_or_default(),
            summary: brief.summary.unwrap_or_default(),
            words,
        }
    }
}

/// The first year of what a record tells.
fn year(brief: &Brief) -> Option<&str> {
    let year = brief.when.as_deref()?.trim_start_matches("../").get(..4)?;
    year.bytes().all(|digit| digit.is_ascii_digit()).then_some(year)
}

/// The department that a territory lies in, or is: its code and its name.
fn department(sheet: &Sheet) -> Option<(&'static str, String)> {
    let codes = sheet.fields.get("codes").filter(|_| sheet.brief.kind == "territory")?;
    let gazetteer = Gazetteer::get();
    let ty = sheet.fields.get("type").and_then(Json::as_str)?;
    let place = gazetteer.of_territory(ty, &|system| codes.get(system).and_then(Json::as_str))?;
    let around = gazetteer.parents(&place).into_iter().chain([place]);
    around.into_iter().find(|place| place.ty == Type::Department).map(|place| (place.code, place.name))
}

/// All words of a value, without the names of what holds them.
fn said(shown: &Shown, words: &mut String) {
    match shown {
        Shown::Line(text) | Shown::Term(_, text) | Shown::Prose(text) => line(words, text),
        Shown::Record(one) => line(words, &one.record.title),
        Shown::Address(_) | Shown::Told(_) => {}
        Shown::Terms(_, terms) => terms.iter().for_each(|term| line(words, term)),
        Shown::Relations(relations) => {
            for one in relations {
                line(words, &one.record.title);
                one.note.iter().for_each(|note| line(words, note));
            }
        }
        Shown::Rows(rows) => rows.iter().for_each(|row| said(&row.shown, words)),
        Shown::Items(items) => items.iter().flatten().for_each(|row| said(&row.shown, words)),
    }
}

fn line(words: &mut String, text: &str) {
    words.push_str(text);
    words.push('\n');
}

/// The title, or what to say when there is none.
pub(super) fn heading(f: &Frame, brief: &Brief) -> String {
    if brief.title.is_empty() { f.t("sheet-untitled") } else { cut(&brief.title, TITLE) }
}
