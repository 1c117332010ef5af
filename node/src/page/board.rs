//! `/permanence`: what waits for the others, as in the alliance's weekly permanence: questions, proposals and
//! disagreements, the open ones first. Each leads to its sheet, where one answers and takes a position.

use askama::Template;
use axum::response::{Html, Redirect, Response};
use axum::routing::{get, post};
use essaim_protocol::api::{Board, Command, Contribution, Contributions, Page, Saved, Standing};
use essaim_protocol::query;
use essaim_protocol::record::schema::Schema;
use serde::Deserialize;

use super::Screen;
use super::asked::{Form, Query};
use super::bring::{Bring, Refused, TO_EVERYBODY, Typed, terms};
use super::find::address;
use super::form::Choice;
use super::letter::{Quoted, named};
use super::once::done;
use super::trouble::{Said, Trouble, page};
use super::visit::{Frame, Visit};
use crate::words::labelled;

/// Contributions on one page.
const PER_PAGE: u32 = 20;

/// Characters of a contribution that the board shows: its sheet has it whole.
const SHOWN: usize = 360;

/// Characters of a contribution that is shown as its own title.
const TITLE: usize = 200;

/// Where a contribution may stand, by the name in an address.
const STANDINGS: [(&str, Standing); 5] = [
    ("ouverte", Standing::Open),
    ("repondue", Standing::Answered),
    ("reprise", Standing::TakenUp),
    ("assumee", Standing::Kept),
    ("close", Standing::Closed),
];

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", "/permanence", get(board)), Screen::new("post", "/permanence", post(ask))]
}

/// What is looked at.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    forme: String,
    theme: String,
    etat: String,
    page: Option<u32>,
    /// Something was just brought.
    apporte: Option<String>,
}

impl Asked {
    fn state(&self) -> Option<Standing> {
        STANDINGS.iter().find(|(name, _)| *name == self.etat).map(|(_, standing)| *standing)
    }

    fn board(&self, at: u32) -> Board {
        let mut q = query::Query::default();
        for (name, value) in [("contribution_form", &self.forme), ("theme", &self.theme)] {
            if !value.is_empty() {
                q = q.with(name, value);
            }
        }
        let page = Page { limit: PER_PAGE, offset: (at - 1).saturating_mul(PER_PAGE) };
        Board { q: q.to_string(), state: self.state(), page }
    }

    fn at(&self, page: u32) -> String {
        let pairs = [
            ("forme", self.forme.clone()),
            ("theme", self.theme.clone()),
            ("etat", self.etat.clone()),
            ("page", if page > 1 { page.to_string() } else { String::new() }),
        ];
        address("/permanence", &pairs)
    }
}

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage {
    f: Frame,
    asked: Asked,
    forms: Vec<Choice>,
    themes: Vec<Choice>,
    states: Vec<Choice>,
    total: u64,
    lines: Vec<Line>,
    previous: Option<String>,
    next: Option<String>,
    bring: Bring,
}

/// A contribution in a list.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) form: String,
    /// Of what waits for the others.
    pub(super) standing: Option<String>,
    /// Whether it waits for the others, and whether it is a disagreement that is kept.
    pub(super) open: bool,
    pub(super) kept: bool,
    /// The language of its words where it is not that of the page.
    pub(super) lang: Option<String>,
    pub(super) title: String,
    pub(super) text: Option<String>,
    /// By whom and when.
    pub(super) by: String,
    pub(super) about: Option<Quoted>,
    /// Answers and positions, counted.
    pub(super) echoes: Vec<String>,
}

impl Line {
    pub(super) fn of(f: &Frame, one: Contribution) -> Self {
        let term = Schema::get().term("contribution_form", &one.form);
        let waits = TO_EVERYBODY.contains(&one.form.as_str());
        let by = one.brief.by.join(", ");
        let by = match (by.is_empty(), one.brief.updated_at) {
            (false, Some(at)) => f.t2("sheet-by-at", "by", by, "at", f.day(&at)),
            (true, Some(at)) => f.day(&at),
            (_, None) => by,
        };
        let lang = f.foreign(&one.brief);
        let answers = (one.answers > 0).then(|| f.t1("board-answers", "n", one.answers));
        let stances = one.stances.iter().map(|stance| labelled(f.lang(), &stance.label, &stance.count.to_string()));
        let title = if one.brief.title.is_empty() { f.t("sheet-untitled") } else { one.brief.title };
        // A title that is cut from one line is said whole, and once.
        let whole = |text: &String| {
            let stem = title.strip_suffix('…').filter(|stem| text.starts_with(*stem));
            stem.is_some() && !text.contains('\n') && text.chars().count() <= TITLE
        };
        let (title, text) = match one.text {
            Some(text) if whole(&text) => (text, None),
            text => (title, text),
        };
        Self {
            id: one.brief.id.to_string(),
            form: term.map_or(&*one.form, |term| term.label.get(f.lang())).to_owned(),
            standing: waits.then(|| standing(f, one.standing)),
            open: waits && one.standing == Standing::Open,
            kept: one.standing == Standing::Kept,
            lang,
            text: text.filter(|text| *text != title).map(|text| beginning(&text)),
            title,
            by,
            about: one.about.map(|about| named(f, &about)),
            echoes: answers.into_iter().chain(stances).collect(),
        }
    }
}

/// Where something stands, in words.
fn standing(f: &Frame, standing: Standing) -> String {
    match standing {
        Standing::Open => f.t("standing-open"),
        Standing::Answered => f.t("standing-answered"),
        Standing::TakenUp => f.t("standing-taken-up"),
        Standing::Kept => f.t("standing-kept"),
        Standing::Closed => f.t("standing-closed"),
    }
}

fn beginning(text: &str) -> String {
    text.char_indices().nth(SHOWN).map_or_else(|| text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
}

async fn board(visit: Visit, Query(asked): Query<Asked>) -> Result<Html<String>, Trouble> {
    let at = asked.page.unwrap_or(1).max(1);
    let found: Contributions = visit.ask(Command::Board(asked.board(at))).await?;
    let f = visit.frame;
    let bring = Bring::to_everybody(&f, Typed { theme: asked.theme.clone(), ..Typed::default() });
    let state = |(name, one): &(&str, Standing)| Choice {
        value: (*name).to_owned(),
        label: standing(&f, *one),
        on: asked.state() == Some(*one),
    };
    let forms = bring.forms.iter().cloned().map(|form| Choice { on: form.value == asked.forme, ..form });
    page(&BoardPage {
        forms: forms.collect(),
        themes: terms(&f, "theme", &asked.theme),
        states: STANDINGS.iter().map(state).collect(),
        total: found.total,
        previous: (at > 1).then(|| asked.at(at - 1)),
        next: (u64::from(at) * u64::from(PER_PAGE) < found.total).then(|| asked.at(at + 1)),
        lines: found.contributions.into_iter().map(|one| Line::of(&f, one)).collect(),
        bring,
        asked,
        f,
    })
}

async fn ask(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Trouble> {
    match visit.ask::<Saved>(Command::Contribute(typed.contribution(None))).await {
        Ok(_) => Ok(done(Redirect::to("/permanence?apporte=1"))),
        Err(Trouble(error)) => {
            let f = visit.frame;
            let bring = Bring { error: Some(Said::of(&f, &error)), ..Bring::to_everybody(&f, typed) };
            Refused { about: None, bring: Some(bring), steps: None, f }.page(&error)
        }
    }
}
