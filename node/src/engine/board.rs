//! What allies bring one another, and the board of what waits: written each by its author, answered from views.
//!
//! Which forms wait for the others is here; so is who may do what with a contribution: each ally writes its own position,
//! and its author alone says where it stands.

use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::api::{
    Board, Contribute, Contribution, Contributions, Error, FacetValue, Problem, Saved, Standing, Step, TakeStep, Words,
};
use essaim_protocol::id::{AllyId, RecordId};
use essaim_protocol::query::{Query, What};
use essaim_protocol::record::View;
use essaim_protocol::record::edit::{self, Path};
use essaim_protocol::record::field::Field;
use essaim_protocol::record::schema::Schema;
use serde_json::{Value as Json, json};

use super::brief::{brief, lang_of, named, read_error, resolve, store_failed};
use super::fault::desk_error;
use super::reading::said;
use super::records::{At, limit};
use super::{internal, now};
use crate::index::{Search, Sort};

/// The kind of record that a contribution is.
pub(super) const CONTRIBUTION: &str = "contribution";

/// The facet of forms.
pub(super) const FORM: &str = "contribution_form";

/// Forms that wait for the others.
const WAITING: [&str; 3] = ["question", "proposal", "disagreement"];

/// Contributions that are looked at for one board, the newest: an alliance that asks one another a question a day looks
/// back more than a year. A search finds older ones.
const MAX_LOOKED: usize = 500;

/// Characters of a title that is made of the text: a line on most screens.
const TITLE: usize = 88;

impl At<'_> {
    pub(super) fn contribute(&mut self, given: Contribute) -> Result<Saved, Error> {
        let text = given.text.trim();
        if text.is_empty() {
            return Err(invalid("text", "dites-le en quelques mots", "say it in a few words"));
        }
        let mut themes: BTreeSet<String> = given.themes.into_iter().collect();
        let own = given.title.map(|own| own.trim().to_owned()).filter(|own| !own.is_empty());
        let called = own.unwrap_or_else(|| beginning(text));
        let mut fields = BTreeMap::from([
            ("title".to_owned(), json!(called)),
            ("form".to_owned(), json!(given.form)),
            ("text".to_owned(), json!(text)),
        ]);
        if let Some(about) = &given.about {
            let record = resolve(self.desk, about)?;
            // What is asked about a record is found under its themes.
            if let Some(view) = self.desk.view(&record).map_err(read_error)? {
                let own = view.field("themes").and_then(|field| field.value()?.members());
                themes.extend(own.into_iter().flat_map(BTreeMap::keys).cloned());
            }
            fields.insert("about".to_owned(), json!(record.to_string()));
        }
        if !themes.is_empty() {
            fields.insert("themes".to_owned(), json!(themes));
        }
        if let Some(role) = given.speaks_as {
            fields.insert("speaks_as".to_owned(), json!(role));
        }
        if WAITING.contains(&given.form.as_str()) {
            fields.insert("state".to_owned(), json!("open"));
        }
        if given.form == "disagreement" {
            let mut disagreement = json!({"subject": called, "state": "open"});
            if let (Some(stance), Some(me)) = (given.stance, self.desk.me()) {
                let me = key(me);
                disagreement["positions"] = json!({me: {"stance": stance}});
            }
            fields.insert("disagreement".to_owned(), disagreement);
        }
        let saved = self.desk.create(CONTRIBUTION, &fields, now());
        self.saved("", saved, fields.into_keys().collect())
    }

    pub(super) fn take_step(&mut self, take: TakeStep) -> Result<Saved, Error> {
        let view = self.view(&take.record)?;
        if view.kind != CONTRIBUTION {
            let (fr, en) = ("ce n'est pas une contribution", "this is not a contribution");
            return Err(invalid("kind", fr, en));
        }
        let me = self.desk.me();
        let mine = me.is_some() && self.author(&view.record)? == me;
        let edits = match take.step {
            Step::Position { stance, text } => position(me, stance, text.trim())?,
            Step::Keep if mine => vec![set("disagreement/state", json!("kept"))],
            Step::Close if mine => vec![set("state", json!("closed"))],
            Step::Reopen if mine => reopened(&view),
            Step::Keep | Step::Close | Step::Reopen => {
                return Err(invalid(
                    "state",
                    "seul·e son auteur·ice dit où elle en est ; prenez position, ou répondez",
                    "only its author says where it stands; take a position, or answer",
                ));
            }
        };
        let fields = vec!["disagreement".to_owned(), "state".to_owned()];
        let saved = self.desk.save(&view.record, &[], &edits, now());
        self.saved(&take.record, saved, fields)
    }

    pub(super) fn board(&mut self, asked: &Board) -> Result<Contributions, Error> {
        let mut query = self.current(&asked.q)?;
        let chosen =
            |item: &essaim_protocol::query::Item| matches!(&item.what, What::Facet { name, .. } if name == FORM);
        if !query.items.iter().any(chosen) {
            query = WAITING.iter().fold(query, |query, form| query.with(FORM, form));
        }
        self.freshen()?;
        let views = self.newest(query.with("kind", CONTRIBUTION), MAX_LOOKED)?;
        let answers = self.answers()?;
        let answered = |view: &View| answers.get(&view.record).copied().unwrap_or(0);
        let mut all: Vec<(Standing, View)> =
            views.into_iter().map(|view| (standing(&view, answered(&view)), view)).collect();
        all.retain(|(standing, _)| asked.state.is_none_or(|wanted| wanted == *standing));
        // The sort is stable: within one standing the newest stay first.
        all.sort_by_key(|(standing, _)| *standing);
        let mut board = Contributions { total: all.len() as u64, contributions: Vec::new() };
        for (standing, view) in all.into_iter().skip(asked.page.offset as usize).take(limit(asked.page)) {
            let answers = answered(&view);
            board.contributions.push(self.contribution(&view, standing, answers)?);
        }
        Ok(board)
    }

    /// A contribution as a list shows it.
    pub(super) fn contribution(
        &mut self,
        view: &View,
        standing: Standing,
        answers: u64,
    ) -> Result<Contribution, Error> {
        let about = about(view).map(|id| named(self.desk, id)).transpose()?;
        Ok(Contribution {
            brief: brief(self.desk, view)?,
            form: form(view).to_owned(),
            standing,
            text: said(view),
            about,
            answers,
            stances: self.stances(view),
        })
    }

    /// The views of the newest records that a query finds.
    pub(super) fn newest(&mut self, query: Query, limit: usize) -> Result<Vec<View>, Error> {
        let (reader, _) = self.desk.search().map_err(|error| desk_error(self.commons, error))?;
        let asked = Search { query, sort: Sort::Newest, limit, ..Search::default() };
        let hits = reader.search(&asked).map_err(internal)?;
        let mut views = Vec::new();
        for hit in hits.hits {
            views.extend(self.desk.view(&hit.record).map_err(read_error)?);
        }
        Ok(views)
    }

    /// The ally who first wrote a record; nobody for a reference record.
    pub(super) fn author(&self, record: &RecordId) -> Result<Option<AllyId>, Error> {
        self.desk.author(record).map_err(store_failed)
    }

    /// How many answers the records have to which somebody answered lately.
    fn answers(&mut self) -> Result<BTreeMap<RecordId, u64>, Error> {
        let query = Query::default().with("kind", CONTRIBUTION).with(FORM, "answer");
        let mut answers = BTreeMap::new();
        for view in self.newest(query, MAX_LOOKED)? {
            if let Some(about) = about(&view) {
                *answers.entry(about).or_default() += 1;
            }
        }
        Ok(answers)
    }

    fn stances(&self, view: &View) -> Vec<FacetValue> {
        let positions = view.field("disagreement").and_then(|field| field.member("positions")?.value()?.members());
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for stance in positions.into_iter().flat_map(BTreeMap::values).filter_map(|one| one.member("stance")?.text()) {
            *counts.entry(stance).or_default() += 1;
        }
        let terms = Schema::get().vocabulary("stance").map_or(&[][..], |vocabulary| &vocabulary.terms);
        let known = terms.iter().filter_map(|term| {
            let label = term.label.get(lang_of(self.lang)).to_owned();
            Some(FacetValue { code: term.code.clone(), label, count: *counts.get(term.code.as_str())? })
        });
        known.collect()
    }
}

/// The form of a contribution, as a code.
pub(super) fn form(view: &View) -> &str {
    view.field("form").and_then(Field::text).unwrap_or_default()
}

/// The record that a contribution is about.
pub(super) fn about(view: &View) -> Option<RecordId> {
    view.field("about")?.text()?.parse().ok()
}

/// The key of an ally's own words in a map of positions.
pub(super) fn key(ally: AllyId) -> String {
    format!("ally:{ally}")
}

/// Where a contribution stands: as its author said, else as the others made it.
pub(super) fn standing(view: &View, answers: u64) -> Standing {
    let state = view.field("state").and_then(Field::text);
    let kept = view.field("disagreement").and_then(|field| field.member("state")?.text()) == Some("kept");
    match state {
        Some("closed") => Standing::Closed,
        _ if kept => Standing::Kept,
        Some("taken_up") => Standing::TakenUp,
        Some("answered") => Standing::Answered,
        _ if answers > 0 => Standing::Answered,
        _ => Standing::Open,
    }
}

/// The edits by which an ally writes its own position.
fn position(me: Option<AllyId>, stance: Option<String>, text: &str) -> Result<Vec<edit::Edit>, Error> {
    if stance.is_none() && text.is_empty() {
        return Err(invalid("positions", "dites votre position", "say your position"));
    }
    // Whoever is not in may not write: saving says so better.
    let place = format!("disagreement/positions/{}", me.map(key).unwrap_or_default());
    let stance = set(&format!("{place}/stance"), stance.map_or(Json::Null, Json::String));
    Ok(vec![stance, set(&format!("{place}/text"), json!(text))])
}

/// The edits that open a contribution again, and its disagreement with it.
fn reopened(view: &View) -> Vec<edit::Edit> {
    let disagreement = view.field("disagreement").and_then(|field| field.member("state"));
    let disagreement = disagreement.map(|_| set("disagreement/state", json!("open")));
    [set("state", json!("open"))].into_iter().chain(disagreement).collect()
}

fn set(path: &str, value: Json) -> edit::Edit {
    edit::Edit::Set { path: Path::from(path), value }
}

/// The first words of a text, for a title.
fn beginning(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line = line.trim_start_matches(['#', '>', '*', '-', ' ']).trim();
    // A text of marks alone is its own title.
    let line = if line.is_empty() { text } else { line };
    let Some((end, _)) = line.char_indices().nth(TITLE) else { return line.to_owned() };
    let cut = line[..end].rfind(' ').filter(|at| *at > end / 2).unwrap_or(end);
    format!("{}…", line[..cut].trim_end_matches([',', ';', ':', '.', ' ']))
}

fn invalid(field: &str, fr: &str, en: &str) -> Error {
    let problem = Problem { line: None, field: Some(field.to_owned()), message: Words::new(fr, en) };
    Error::Invalid { problems: vec![problem] }
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_title_is_the_beginning_of_what_is_said() {
        assert_eq!(beginning("Qui a essayé ?\n\nNous hésitons."), "Qui a essayé ?");
        assert_eq!(beginning("\n## Une proposition"), "Une proposition");
        assert_eq!(beginning("***"), "***");
        let long =
            "Comment avez-vous convaincu les commerçant·es, qui craignaient de perdre leur clientèle, de venir ?";
        assert_eq!(beginning(long), "Comment avez-vous convaincu les commerçant·es, qui craignaient de perdre leur…");
        assert!(beginning(&"é".repeat(500)).chars().count() <= 89);
    }
}
