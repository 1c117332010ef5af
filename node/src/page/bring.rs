//! `/fiche/ID/contribuer`: what a reader brings to a record; `/fiche/ID/avancer`: a position of one's own in what somebody
//! brought, and its end.
//!
//! One form serves every sheet and the board. What cannot be written comes back with what was typed.

use askama::Template;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use essaim_protocol::api::{Allies, Command, Contribute, Error, Saved, Sheet, Step, TakeStep};
use essaim_protocol::record::schema::Schema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::asked::{Form, Path};
use super::form::Choice;
use super::letter::Quoted;
use super::once::done;
use super::trouble::{Said, Trouble, page};
use super::visit::{Frame, Visit};
use super::{Screen, paste};
use crate::http::status_of;

/// What may be brought to a record, in the order in which it is offered.
const TO_RECORDS: [&str; 6] = ["question", "testimony", "reuse", "evaluation", "proposal", "disagreement"];

/// What may be brought to a contribution.
const TO_CONTRIBUTIONS: [&str; 2] = ["answer", "question"];

/// What is asked of everybody, and waits for an answer.
pub(super) const TO_EVERYBODY: [&str; 3] = ["question", "proposal", "disagreement"];

pub(super) fn screens() -> Vec<Screen> {
    vec![
        Screen::new("post", "/fiche/{record}/contribuer", post(contribute)),
        Screen::new("post", "/fiche/{record}/avancer", post(advance)),
    ]
}

/// What was typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pub(super) form: String,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) speaks_as: String,
    pub(super) stance: String,
    pub(super) theme: String,
}

impl Typed {
    /// What is asked of the node.
    pub(super) fn contribution(&self, about: Option<String>) -> Contribute {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Contribute {
            about,
            form: self.form.clone(),
            title: some(&self.title),
            text: paste::text(&self.text),
            speaks_as: some(&self.speaks_as),
            stance: some(&self.stance),
            themes: some(&self.theme).into_iter().collect(),
        }
    }
}

/// The form.
pub(super) struct Bring {
    /// Where it is sent.
    pub(super) action: String,
    pub(super) forms: Vec<Choice>,
    pub(super) roles: Vec<Choice>,
    /// Nothing where nobody can disagree.
    pub(super) stances: Vec<Choice>,
    /// Nothing about a record: it has its own.
    pub(super) themes: Vec<Choice>,
    pub(super) typed: Typed,
    /// Why it was not taken.
    pub(super) error: Option<Said>,
}

impl Bring {
    /// The form of a sheet.
    pub(super) fn to(f: &Frame, sheet: &Sheet, typed: Typed) -> Self {
        let forms: &[&str] = if sheet.brief.kind == "contribution" { &TO_CONTRIBUTIONS } else { &TO_RECORDS };
        let themes = Vec::new();
        Self { themes, ..Self::of(f, forms, format!("/fiche/{}/contribuer", sheet.brief.id), typed) }
    }

    /// The form of the board.
    pub(super) fn to_everybody(f: &Frame, typed: Typed) -> Self {
        Self::of(f, &TO_EVERYBODY, "/permanence".to_owned(), typed)
    }

    fn of(f: &Frame, forms: &[&str], action: String, typed: Typed) -> Self {
        let chosen = if forms.contains(&typed.form.as_str()) { &*typed.form } else { forms[0] };
        let mut offered = terms(f, "contribution_form", chosen);
        offered.retain(|one| forms.contains(&one.value.as_str()));
        offered.sort_by_key(|one| forms.iter().position(|form| *form == one.value));
        let stances = if forms.contains(&"disagreement") { terms(f, "stance", &typed.stance) } else { Vec::new() };
        let (roles, themes) = (terms(f, "fantastic", &typed.speaks_as), terms(f, "theme", &typed.theme));
        Self { action, forms: offered, roles, stances, themes, typed, error: None }
    }
}

/// The terms of a vocabulary to choose from.
pub(super) fn terms(f: &Frame, vocabulary: &str, chosen: &str) -> Vec<Choice> {
    let terms = Schema::get().vocabulary(vocabulary).map_or(&[][..], |vocabulary| &vocabulary.terms);
    let choice = |term: &essaim_protocol::record::schema::Term| Choice {
        value: term.code.clone(),
        label: term.label.get(f.lang()).to_owned(),
        on: term.code == chosen,
    };
    terms.iter().map(choice).collect()
}

/// What this ally can do with a contribution.
pub(super) struct Steps {
    /// The contribution, by its id.
    pub(super) id: String,
    /// Positions that may be taken; none in a question.
    pub(super) stances: Vec<Choice>,
    /// What it said before.
    pub(super) said: String,
    pub(super) keep: bool,
    pub(super) close: bool,
    pub(super) reopen: bool,
    /// Why a position was not taken.
    pub(super) error: Option<Said>,
}

impl Steps {
    /// Of a sheet; nothing when it is no contribution that waits for the others.
    pub(super) async fn of(visit: &Visit, sheet: &Sheet) -> Result<Option<Self>, Trouble> {
        let text = |field: &str| sheet.fields.get(field).and_then(Json::as_str).unwrap_or_default();
        if sheet.brief.kind != "contribution" || !TO_EVERYBODY.contains(&text("form")) {
            return Ok(None);
        }
        let allies: Allies = visit.ask(Command::Allies).await?;
        let Some(me) = allies.into_iter().find(|ally| ally.me) else { return Ok(None) };
        let mine = sheet.written_by.first() == Some(&me.name);
        let disagreement = sheet.fields.get("disagreement").unwrap_or(&Json::Null);
        let own = &disagreement["positions"][format!("ally:{}", me.id)];
        let (closed, kept) = (text("state") == "closed", disagreement["state"] == "kept");
        let debated = text("form") != "question";
        let stance = own["stance"].as_str().unwrap_or_default();
        Ok(Some(Self {
            id: sheet.brief.id.to_string(),
            stances: if debated && !closed { terms(&visit.frame, "stance", stance) } else { Vec::new() },
            said: own["text"].as_str().unwrap_or_default().to_owned(),
            keep: mine && debated && !closed && !kept,
            close: mine && !closed,
            reopen: mine && (closed || kept),
            error: None,
        }))
    }
}

/// A form again, with what was typed and why it was not taken.
#[derive(Template)]
#[template(path = "bring.html")]
pub(super) struct Refused {
    pub(super) f: Frame,
    /// The record that it is about; none on the board.
    pub(super) about: Option<Quoted>,
    pub(super) bring: Option<Bring>,
    pub(super) steps: Option<Steps>,
}

impl Refused {
    pub(super) fn page(self, error: &Error) -> Result<Response, Trouble> {
        Ok((status_of(error), page(&self)?).into_response())
    }
}

async fn contribute(visit: Visit, Path(record): Path<String>, Form(typed): Form<Typed>) -> Result<Response, Trouble> {
    let sheet: Sheet = visit.ask(Command::Show(record)).await?;
    let id = sheet.brief.id.to_string();
    match visit.ask::<Saved>(Command::Contribute(typed.contribution(Some(id.clone())))).await {
        Ok(_) => Ok(done(Redirect::to(&format!("/fiche/{id}?apporte=1#echos")))),
        Err(Trouble(error)) => {
            let f = visit.frame;
            let bring = Bring { error: Some(Said::of(&f, &error)), ..Bring::to(&f, &sheet, typed) };
            Refused { about: Some(Quoted::of(&f, &sheet.brief)), bring: Some(bring), steps: None, f }.page(&error)
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Doing {
    #[serde(rename = "do")]
    what: String,
    stance: String,
    text: String,
}

impl Doing {
    fn step(&self) -> Step {
        match self.what.as_str() {
            "keep" => Step::Keep,
            "close" => Step::Close,
            "reopen" => Step::Reopen,
            _ => Step::Position {
                stance: Some(self.stance.clone()).filter(|stance| !stance.is_empty()),
                text: paste::text(&self.text),
            },
        }
    }
}

async fn advance(visit: Visit, Path(record): Path<String>, Form(doing): Form<Doing>) -> Result<Response, Trouble> {
    let step = doing.step();
    let typed = matches!(step, Step::Position { .. });
    match visit.ask::<Saved>(Command::TakeStep(TakeStep { record: record.clone(), step })).await {
        Ok(saved) => Ok(done(Redirect::to(&format!("/fiche/{}?apporte=1", saved.brief.id)))),
        Err(Trouble(error)) if typed => {
            let sheet: Sheet = visit.ask(Command::Show(record)).await?;
            let Some(steps) = Steps::of(&visit, &sheet).await? else { return Err(error.into()) };
            let f = visit.frame;
            let stances = terms(&f, "stance", &doing.stance);
            let steps = Steps { stances, said: doing.text, error: Some(Said::of(&f, &error)), ..steps };
            let about = Some(Quoted::of(&f, &sheet.brief));
            Refused { about, bring: None, steps: Some(steps), f }.page(&error)
        }
        Err(trouble) => Err(trouble),
    }
}
