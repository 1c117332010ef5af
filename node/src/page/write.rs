//! `/ecrire`: telling what one lived through, a question a screen, over as many days as it takes.
//!
//! The story of one telling: `/ecrire` begins a draft of a kind, or of a record to complete, and lists those begun; each
//! screen `/ecrire/DRAFT/STEP` is a whole form whose every button keeps what is typed, and then goes on, adds an item,
//! looks for a territory; with JavaScript it is also kept at every pause (`…/garder`). `…/partager` says kindly what is
//! missing, and shares in one signed change; the sheet opens. What the [steps] ask is drawn and read by [`form`].
//!
//! Nothing typed is lost: what the rules refuse stays in the draft beside its explanation; when the draft itself cannot be
//! kept, the form comes back with what was typed; when it is gone, its texts are shown to be copied.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use essaim_protocol::api::{
    Brief, Command, Draft, DraftBrief, Drafts, Error, KeepDraft, Page, Place, Problem, Records, Saved, Search, Setting,
    Sheet, StartDraft, TemplateFor,
};
use essaim_protocol::record::schema::{Kind, Schema};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::asked::{Form, Path, Query};
use super::find::address;
use super::form::{self, Choice, Found, Input, PLACES, Paper, Typed, Widget};
use super::letter::Quoted;
use super::once::done;
use super::trouble::{Said, Trouble, page};
use super::visit::{Frame, Visit};
use super::{Screen, paste};

mod steps;

use steps::{INTERVIEW, SHARING, Step, steps};

/// Records offered for what somebody looks for.
const OFFERED: u32 = 8;

type Pairs = Vec<(String, String)>;

pub(super) fn screens() -> Vec<Screen> {
    vec![
        Screen::new("get", "/ecrire", get(start)),
        Screen::new("post", "/ecrire", post(begin)),
        Screen::new("get", "/ecrire/trouver", get(look)),
        Screen::new("get", "/ecrire/{draft}", get(resume)),
        Screen::new("post", "/ecrire/{draft}/jeter", post(throw)),
        Screen::new("get", "/ecrire/{draft}/{step}", get(show)),
        Screen::new("post", "/ecrire/{draft}/{step}", post(save)),
        Screen::new("post", "/ecrire/{draft}/{step}/garder", post(keep)),
    ]
}

#[derive(Template)]
#[template(path = "write.html")]
struct StartPage {
    f: Frame,
    kinds: Vec<Offered>,
    drafts: Vec<Line>,
    damaged: Vec<String>,
    /// The record to complete.
    record: Option<Quoted>,
}

/// A kind of record to begin.
struct Offered {
    code: String,
    label: String,
    about: String,
}

/// A draft to take up again.
struct Line {
    draft: DraftBrief,
    kind: String,
}

#[derive(Template)]
#[template(path = "write_step.html")]
struct StepPage {
    f: Frame,
    draft: DraftBrief,
    kept: u32,
    behind: bool,
    kind: String,
    slug: String,
    title: String,
    /// What helps to answer.
    about: String,
    progress: String,
    widgets: Vec<String>,
    /// What is wrong and has no place of its own on this screen.
    others: Vec<String>,
    /// Why what was typed could not be kept.
    trouble: Option<Said>,
    nav: Vec<Stop>,
    previous: Option<String>,
    /// On the last screen: what is missing, and what has to be mended, each with its screen.
    missing: Vec<(String, String)>,
    mistakes: Vec<(String, String)>,
    /// In an interview: the questions to read aloud.
    questions: Vec<String>,
    notes: String,
    can_interview: bool,
}

/// A screen in the list of all.
struct Stop {
    slug: String,
    title: String,
    told: bool,
    here: bool,
}

#[derive(Template)]
#[template(path = "write_widget.html")]
struct Drawn<'a> {
    f: &'a Frame,
    w: &'a Widget,
}

impl Drawn<'_> {
    /// The controls within this one.
    fn draw(&self, w: &Widget) -> String {
        Drawn { f: self.f, w }.render().unwrap_or_default()
    }

    /// What a look in this control found.
    fn found(&self, found: &Found) -> String {
        let one = matches!(self.w.input, Input::Records { one: true, .. });
        FoundPart { f: self.f, name: &chosen_at(&self.w.name), one, found }.render().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "write_found.html")]
struct FoundPart<'a> {
    f: &'a Frame,
    name: &'a str,
    one: bool,
    found: &'a Found,
}

#[derive(Template)]
#[template(path = "write_lost.html")]
struct LostPage {
    f: Frame,
    /// What was just typed.
    texts: Vec<String>,
    /// The record that it became.
    record: Option<String>,
}

/// What a button asks, besides keeping.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Next,
    Previous,
    Go(String),
    Add(String),
    Remove(String),
    Up(String),
    Down(String),
    Look(String),
    Share,
    Later,
}

impl Action {
    fn read(text: &str) -> Self {
        let (verb, place) = text.split_once(' ').unwrap_or((text, ""));
        let place = place.to_owned();
        match verb {
            "precedent" => Self::Previous,
            "aller" => Self::Go(place),
            "ajouter" => Self::Add(place),
            "retirer" => Self::Remove(place),
            "monter" => Self::Up(place),
            "descendre" => Self::Down(place),
            "chercher" => Self::Look(place),
            "partager" => Self::Share,
            "plus-tard" => Self::Later,
            _ => Self::Next,
        }
    }

    /// Does what is done to the names of controls before they are read.
    fn apply(&self, typed: &mut Typed) {
        let neighbour = |place: &str, by: isize| {
            let (list, number) = place.rsplit_once('.')?;
            let number = number.parse::<usize>().ok()?.checked_add_signed(by)?;
            Some(format!("{list}.{number}"))
        };
        let (place, other) = match self {
            Self::Remove(place) => return typed.remove(place),
            Self::Up(place) => (place, neighbour(place, -1)),
            Self::Down(place) => (place, neighbour(place, 1)),
            Self::Next | Self::Previous | Self::Go(_) | Self::Add(_) | Self::Look(_) | Self::Share | Self::Later => {
                return;
            }
        };
        if let Some(other) = other {
            typed.swap(place, &other);
        }
    }

    /// Whether what somebody looks for is looked up first: not when they leave for elsewhere.
    const fn looks(&self) -> bool {
        matches!(self, Self::Next | Self::Look(_) | Self::Add(_) | Self::Share)
    }
}

#[derive(Debug, Deserialize)]
struct Of {
    #[serde(default)]
    fiche: String,
}

async fn start(visit: Visit, Query(of): Query<Of>) -> Result<Html<String>, Trouble> {
    let record = match of.fiche.as_str() {
        "" => None,
        id => Some(visit.ask::<Sheet>(Command::Show(id.to_owned())).await?.brief),
    };
    let Drafts { drafts, damaged } = visit.ask(Command::Drafts).await?;
    let wanted = |draft: &DraftBrief| record.as_ref().is_none_or(|record| draft.record == Some(record.id));
    let line = |draft: DraftBrief| Line { kind: label(&visit, &draft.kind), draft };
    let offered = |kind: &Kind| Offered {
        code: kind.name.clone(),
        label: kind.label.get(visit.lang()).to_owned(),
        about: visit.frame.maybe(&format!("write-kind-{}", kind.name)).unwrap_or_default(),
    };
    page(&StartPage {
        f: visit.frame.clone(),
        kinds: Schema::get().kinds().iter().map(offered).collect(),
        drafts: drafts.into_iter().filter(wanted).map(line).collect(),
        damaged,
        record: record.map(|brief| Quoted::of(&visit.frame, &brief)),
    })
}

fn label(visit: &Visit, kind: &str) -> String {
    Schema::get().kind(kind).map_or(kind, |kind| kind.label.get(visit.lang())).to_owned()
}

#[derive(Debug, Deserialize)]
struct Begun {
    #[serde(default)]
    sorte: String,
    #[serde(default)]
    fiche: String,
    #[serde(default)]
    titre: String,
}

async fn begin(visit: Visit, Form(begun): Form<Begun>) -> Result<Response, Trouble> {
    let title = paste::line(&begun.titre);
    let set = if title.is_empty() { vec![] } else { vec![Setting { field: "title".to_owned(), value: title }] };
    let of = if begun.fiche.is_empty() { TemplateFor::Kind(begun.sorte) } else { TemplateFor::Record(begun.fiche) };
    let start = StartDraft { of, form: None, set, territories: Vec::new() };
    let draft: Draft = visit.ask(Command::StartDraft(start)).await?;
    let writing = Writing::of(&visit, draft)?;
    Ok(done(to(&writing.at(writing.steps.first().map_or(SHARING, |step| &step.slug)))))
}

/// Goes to the first screen that says nothing yet.
async fn resume(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    let draft: Draft = match visit.ask(Command::Draft(id.clone())).await {
        Ok(draft) => draft,
        Err(Trouble(Error::UnknownDraft { .. })) => return lost(&visit, &id, &Typed::new(visit.lang(), Vec::new())),
        Err(trouble) => return Err(trouble),
    };
    let writing = Writing::of(&visit, draft)?;
    let blank = writing.steps.iter().find(|step| !writing.is_told(step) && step.slug != SHARING);
    let step = blank.or(writing.steps.first()).map_or(SHARING, |step| &step.slug);
    Ok(to(&writing.at(step)))
}

async fn throw(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    visit.ask::<Draft>(Command::DropDraft(id)).await?;
    Ok(done(to("/ecrire")))
}

/// What an address says besides the screen.
#[derive(Debug, Default, Deserialize)]
struct Wish {
    /// The list that gets a blank item.
    plus: Option<String>,
    /// Where somebody looks for a record, and the words.
    cherche: Option<String>,
    #[serde(default)]
    mots: String,
    /// Whether the first mistake gets the focus.
    revoir: Option<String>,
}

async fn show(
    visit: Visit,
    Path((id, slug)): Path<(String, String)>,
    Query(wish): Query<Wish>,
) -> Result<Response, Trouble> {
    let draft: Draft = match visit.ask(Command::Draft(id.clone())).await {
        Ok(draft) => draft,
        Err(Trouble(Error::UnknownDraft { .. })) => return lost(&visit, &id, &Typed::new(visit.lang(), Vec::new())),
        Err(trouble) => return Err(trouble),
    };
    let writing = Writing::of(&visit, draft)?;
    let step = writing.step(&slug)?;
    let found = match &wish.cherche {
        Some(place) => Some((place.as_str(), look_up(&visit, place, &wish.mots).await?)),
        None => None,
    };
    Ok(page(&writing.page(&step, &wish, found, None))?.into_response())
}

async fn save(
    visit: Visit,
    Path((id, slug)): Path<(String, String)>,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Trouble> {
    let typed = Typed::new(visit.lang(), pairs);
    let draft: Draft = match visit.ask(Command::Draft(id.clone())).await {
        Ok(draft) => draft,
        Err(Trouble(Error::UnknownDraft { .. })) => return lost(&visit, &id, &typed),
        Err(trouble) => return Err(trouble),
    };
    let mut writing = Writing::of(&visit, draft)?;
    let step = writing.step(&slug)?;
    let mut typed = typed.by(writing.draft.me.as_deref());
    let action = Action::read(typed.one("faire").unwrap_or_default());
    action.apply(&mut typed);
    let unfound = if action.looks() { look_first(&visit, &mut typed, &action).await? } else { None };
    let kept = writing.keep(&step, &typed, None).await;
    if let Err(Trouble(error)) = kept {
        return writing.refused(&step, &error);
    }
    let here = writing.at(&slug);
    Ok(match action {
        Action::Add(place) => to(&address(&here, &[("plus", place)])),
        _ if let Some((place, words)) = unfound => {
            let anchor = form::id(&place);
            to(&format!("{}#{anchor}", address(&here, &[("cherche", place), ("mots", words)])))
        }
        Action::Next if !writing.mistakes(&step).is_empty() => to(&address(&here, &[("revoir", "1".to_owned())])),
        Action::Next => to(&writing.next(&slug).map_or_else(|| writing.at(SHARING), |next| writing.at(&next))),
        Action::Previous => to(&writing.previous(&slug).map_or(here, |previous| writing.at(&previous))),
        Action::Go(step) => to(&writing.at(&writing.step(&step)?.slug)),
        Action::Share => return writing.share(&step).await,
        Action::Later => to("/ecrire"),
        Action::Remove(_) | Action::Up(_) | Action::Down(_) | Action::Look(_) => to(&here),
    })
}

/// Keeps what a window sends by itself, and says so in a word.
async fn keep(
    visit: Visit,
    Path((id, slug)): Path<(String, String)>,
    Form(pairs): Form<Pairs>,
) -> Result<Html<String>, Trouble> {
    let typed = Typed::new(visit.lang(), pairs);
    let kept = async {
        let draft: Draft = visit.ask(Command::Draft(id)).await?;
        let mut writing = Writing::of(&visit, draft)?;
        let step = writing.step(&slug)?;
        let after = typed.one("_rang").and_then(|kept| kept.parse().ok()).unwrap_or_default();
        let typed = typed.clone().by(writing.draft.me.as_deref());
        writing.keep(&step, &typed, Some(after)).await?;
        Ok((writing.draft.brief.updated_at, writing.of_the_whole()))
    };
    let kept: Result<_, Trouble> = kept.await;
    let f = &visit.frame;
    let said = match kept {
        Ok((at, wrong)) => [vec![f.t1("write-kept", "at", f.moment(&at))], wrong].concat().join(" · "),
        Err(Trouble(error)) => f.t1("write-not-kept", "why", Said::of(f, &error).paragraph()),
    };
    // The words of an error may hold what somebody typed.
    Ok(Html(said.replace('&', "&amp;").replace('<', "&lt;")))
}

/// The draft is gone: shared or thrown away from another window.
fn lost(visit: &Visit, id: &str, typed: &Typed) -> Result<Response, Trouble> {
    let texts = typed.texts().map(str::to_owned).collect();
    let record = visit.lately().shared(id).map(|record| record.to_string());
    let page = page(&LostPage { f: visit.frame.clone(), texts, record })?;
    Ok((StatusCode::NOT_FOUND, page).into_response())
}

/// Looks up what stands in a search box. One territory alone is taken; otherwise the place and words to choose from,
/// unless they were offered already.
async fn look_first(visit: &Visit, typed: &mut Typed, action: &Action) -> Result<Option<(String, String)>, Trouble> {
    let wanted = if let Action::Look(place) = action {
        typed.one(&format!("{place}._cherche")).map(|words| (place.as_str(), words))
    } else {
        typed.looked_for()
    };
    let Some((place, words)) = wanted.map(|(place, words)| (place.to_owned(), words.to_owned())) else {
        return Ok(None);
    };
    let asked_again = matches!(action, Action::Look(_)) || typed.one(&format!("{place}._vu")) != Some(words.as_str());
    if !asked_again {
        return Ok(None);
    }
    if is_place(&place)
        && let [only] = &look_up(visit, &place, &words).await?.choices[..]
    {
        typed.choose(&place, &only.value);
        return Ok(None);
    }
    Ok(Some((place, words)))
}

/// Territories for a place, records for anything else.
async fn look_up(visit: &Visit, place: &str, words: &str) -> Result<Found, Trouble> {
    let words = words.trim().to_owned();
    if words.is_empty() {
        return Ok(Found::default());
    }
    let choices = if is_place(place) {
        let places: Vec<Place> = visit.ask(Command::Gazetteer(words.clone())).await?;
        places.iter().map(|place| territory(visit, place)).collect()
    } else {
        let page = Page { limit: OFFERED, offset: 0 };
        let found: Records = visit.ask(Command::Search(Search { q: words.clone(), like: None, page })).await?;
        let record = |brief: Brief| {
            let kind = label(visit, &brief.kind);
            Choice { value: brief.id.to_string(), label: format!("{} ({kind})", brief.title), on: false }
        };
        found.records.into_iter().map(record).collect()
    };
    Ok(Found { words, choices })
}

fn is_place(place: &str) -> bool {
    place == PLACES || place.ends_with(".territory")
}

/// The name that the choices of a search box have: links first need to know how they relate.
fn chosen_at(name: &str) -> String {
    if name == "links" { "links._choisi".to_owned() } else { name.to_owned() }
}

fn territory(visit: &Visit, place: &Place) -> Choice {
    let f = &visit.frame;
    let kind = Schema::get().term("territory_type", &place.kind).map(|term| term.label.get(visit.lang()).to_owned());
    let people = place.population.map(|people| f.t1("write-people", "n", people));
    let about: Vec<String> = kind.into_iter().chain(place.department.clone()).chain(people).collect();
    let value = format!("{} {}", place.record, place.code);
    Choice { value, label: format!("{} — {}", place.name, about.join(", ")), on: false }
}

/// What a search box offers while somebody types in it.
async fn look(visit: Visit, Query(pairs): Query<Pairs>) -> Result<Html<String>, Trouble> {
    let one = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let place = one("champ").unwrap_or_default();
    let words = one(&format!("{place}._cherche")).unwrap_or_default();
    let found = look_up(&visit, place, words).await?;
    page(&FoundPart { f: &visit.frame, name: &chosen_at(place), one: one("un").is_some(), found: &found })
}

fn to(address: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response()
}

/// A draft, and the screens of its kind.
struct Writing<'a> {
    visit: &'a Visit,
    draft: Draft,
    kind: &'static Kind,
    steps: Vec<Step>,
}

impl<'a> Writing<'a> {
    fn of(visit: &'a Visit, draft: Draft) -> Result<Self, Trouble> {
        let unknown = || Error::UnknownKind { asked: draft.brief.kind.clone(), candidates: Vec::new() };
        let kind = Schema::get().kind(&draft.brief.kind).ok_or_else(unknown)?;
        Ok(Self { visit, kind, steps: steps(kind, visit.lang()), draft })
    }

    fn step(&self, slug: &str) -> Result<Step, Trouble> {
        let known = self.steps.iter().find(|step| step.slug == slug).cloned();
        let interview = (slug == INTERVIEW).then(|| steps::interview(self.kind, self.visit.lang()));
        let unknown = || Trouble(Error::UnknownRoute { path: self.visit.frame.here.clone() });
        known.or(interview.filter(|step| !step.asked.is_empty())).ok_or_else(unknown)
    }

    fn at(&self, slug: &str) -> String {
        format!("/ecrire/{}/{slug}", self.draft.brief.id)
    }

    fn is_told(&self, step: &Step) -> bool {
        step.asked.iter().any(|asked| asked.is_told(&self.draft.fields))
    }

    fn position(&self, slug: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.slug == slug)
    }

    fn next(&self, slug: &str) -> Option<String> {
        Some(self.steps.get(self.position(slug)? + 1)?.slug.clone())
    }

    fn previous(&self, slug: &str) -> Option<String> {
        Some(self.steps.get(self.position(slug)?.checked_sub(1)?)?.slug.clone())
    }

    /// What is wrong on a screen, by place.
    fn mistakes(&self, step: &Step) -> Vec<(String, String)> {
        let here = |name: &str| step.asked.iter().any(|asked| asked.field().name == name);
        let one = |problem: &Problem| {
            let place = place_of(problem.field.as_deref()?);
            let first = place.split('.').next().unwrap_or_default();
            here(first).then(|| (place.clone(), problem.message.text(self.visit.lang()).to_owned()))
        };
        self.draft.problems.iter().filter_map(one).collect()
    }

    /// What is wrong with the whole, which is told wherever it is written.
    fn of_the_whole(&self) -> Vec<String> {
        let whole = self.draft.problems.iter().filter(|problem| problem.field.is_none());
        whole.map(|problem| problem.message.text(self.visit.lang()).to_owned()).collect()
    }

    /// Keeps what was typed; when it cannot be kept, it is in the draft here all the same, to be shown again.
    async fn keep(&mut self, step: &Step, typed: &Typed, after: Option<u32>) -> Result<(), Trouble> {
        let fields = typed.read(&step.asked, &self.draft.fields);
        let notes = typed.one("notes").map(paste::text).filter(|_| step.slug == INTERVIEW);
        let keep = KeepDraft {
            draft: self.draft.brief.id.clone(),
            fields: fields.clone(),
            notes: notes.clone(),
            after,
            places: typed.places(),
        };
        match self.visit.ask(Command::KeepDraft(keep)).await {
            Ok(draft) => self.draft = draft,
            Err(trouble) => {
                self.draft.fields.extend(fields);
                self.draft.notes = notes.unwrap_or_default();
                return Err(trouble);
            }
        }
        Ok(())
    }

    async fn share(&self, step: &Step) -> Result<Response, Trouble> {
        match self.visit.ask::<Saved>(Command::ShareDraft(self.draft.brief.id.clone())).await {
            Ok(saved) => {
                self.visit.lately().share(&self.draft.brief.id, saved.brief.id);
                Ok(done(to(&format!("/fiche/{}?partage", saved.brief.id))))
            }
            Err(Trouble(Error::Invalid { .. })) => Ok(to(&address(&self.at(SHARING), &[("revoir", "1".to_owned())]))),
            Err(Trouble(error)) => self.refused(step, &error),
        }
    }

    /// The same screen with what was typed, and why it was not taken.
    fn refused(&self, step: &Step, error: &Error) -> Result<Response, Trouble> {
        let why = Said::of(&self.visit.frame, error);
        let page = page(&self.page(step, &Wish::default(), None, Some(why)))?;
        Ok((crate::http::status_of(error), page).into_response())
    }

    fn page(&self, step: &Step, wish: &Wish, found: Option<(&str, Found)>, trouble: Option<Said>) -> StepPage {
        let f = self.visit.frame.clone();
        let fields: &Map<String, Json> = &self.draft.fields;
        let mut paper = Paper::new(self.visit.lang(), fields, &self.draft.names, self.draft.me.as_deref());
        paper.problems = self.mistakes(step);
        paper.plus = wish.plus.as_deref();
        paper.found = found;
        paper.mend = wish.revoir.is_some();
        let widgets = paper.widgets(&step.asked);
        let widgets = widgets.iter().map(|w| Drawn { f: &f, w }.render().unwrap_or_default()).collect();
        let mut others = paper.unclaimed();
        others.extend(self.of_the_whole());
        let sharing = step.slug == SHARING;
        let told = self.steps.iter().filter(|step| step.question.is_some() && self.is_told(step)).count();
        let questions: Vec<String> = self.steps.iter().filter_map(|step| step.question.clone()).collect();
        let progress = match step.slug.parse::<usize>() {
            Ok(number) if step.question.is_some() => {
                let place = f.t2("write-question", "n", number, "of", questions.len());
                format!("{place} · {}", f.t1("write-told", "n", told))
            }
            _ if !questions.is_empty() => f.t1("write-told", "n", told),
            _ => String::new(),
        };
        let nav = self.steps.iter().map(|one| Stop {
            slug: one.slug.clone(),
            title: self.title(one),
            told: self.is_told(one),
            here: one.slug == step.slug,
        });
        StepPage {
            title: self.title(step),
            about: f.maybe(&format!("write-ask-{}-{}", self.kind.name, step.slug)).unwrap_or_default(),
            progress,
            widgets,
            others,
            trouble,
            nav: nav.collect(),
            previous: self.previous(&step.slug),
            missing: if sharing { self.lines(&self.draft.missing) } else { Vec::new() },
            mistakes: if sharing { self.lines(&self.draft.problems) } else { Vec::new() },
            can_interview: !questions.is_empty() && step.slug != INTERVIEW,
            questions: if step.slug == INTERVIEW { questions } else { Vec::new() },
            notes: self.draft.notes.clone(),
            slug: step.slug.clone(),
            draft: self.draft.brief.clone(),
            kept: self.draft.kept,
            behind: self.draft.behind,
            kind: self.kind.label.get(self.visit.lang()).to_owned(),
            f,
        }
    }

    /// The question, or the name of a screen that asks several things.
    fn title(&self, step: &Step) -> String {
        let named = || self.visit.frame.maybe(&format!("write-step-{}", step.slug)).unwrap_or_default();
        step.question.clone().unwrap_or_else(named)
    }

    /// Each sentence with the screen where something can be done about it.
    fn lines(&self, problems: &[Problem]) -> Vec<(String, String)> {
        let line = |problem: &Problem| {
            let field = problem.field.as_deref().unwrap_or_default();
            let first = field.split('/').next().unwrap_or_default();
            let asks = |step: &&Step| step.asked.iter().any(|asked| asked.field().name == first);
            let slug = self.steps.iter().find(asks).map_or(SHARING, |step| &step.slug);
            (problem.message.text(self.visit.lang()).to_owned(), address(&self.at(slug), &[("revoir", "1".to_owned())]))
        };
        problems.iter().map(line).collect()
    }
}

/// The place of a control from a path of the rules: `steps/1/on`, from 1, is `steps.0.on`.
fn place_of(path: &str) -> String {
    let part = |(at, part): (usize, &str)| match part.parse::<usize>() {
        Ok(number) if at > 0 => number.saturating_sub(1).to_string(),
        _ => part.to_owned(),
    };
    path.split('/').enumerate().map(part).collect::<Vec<_>>().join(".")
}
