//! `/territoire/ID`: a territory among the others: what concerns it, what peers ask about that, who drew on it, and which
//! territories are like it. `/territoire` leads to ours.

use askama::Template;
use axum::response::{Html, Redirect};
use axum::routing::get;
use essaim_protocol::api::{Command, Contribution, Settings, Territory};
use essaim_protocol::record::schema::Schema;

use super::Screen;
use super::asked::Path;
use super::board::Line;
use super::find::{Card, address};
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", "/territoire", get(ours)), Screen::new("get", "/territoire/{territory}", get(show))]
}

/// Leads to our territory, or to where it is chosen.
async fn ours(visit: Visit) -> Result<Redirect, Trouble> {
    let settings: Settings = visit.ask(Command::Settings).await?;
    let to = settings.territory.map(|place| format!("/territoire/{}", place.record));
    Ok(Redirect::to(to.as_deref().unwrap_or("/reglages#territoire")))
}

#[derive(Template)]
#[template(path = "territory.html")]
struct TerritoryPage {
    f: Frame,
    name: String,
    /// Type and inhabitants.
    about: Vec<String>,
    ours: bool,
    /// Its sheet, when it has one here.
    sheet: Option<String>,
    cards: Vec<Card>,
    /// Where all that concerns it is found.
    all: String,
    asked: Vec<Line>,
    reuses: Vec<Line>,
    /// Territories by id and name.
    alike: Vec<(String, String)>,
    /// Where what such territories tell is found.
    from_alike: Option<String>,
}

async fn show(visit: Visit, Path(territory): Path<String>) -> Result<Html<String>, Trouble> {
    let found: Territory = visit.ask(Command::Territory(territory)).await?;
    let f = visit.frame.clone();
    let kind = found.kind.as_deref();
    let term =
        kind.map(|code| Schema::get().term("territory_type", code).map_or(code, |term| term.label.get(f.lang())));
    let people = found.population.map(|people| f.t1("sheet-people", "n", people as f64));
    let from_alike = found.stratum.as_ref().zip(kind).map(|(stratum, kind)| {
        let pairs = [("kind", "experience"), ("stratum", stratum), ("territory_type", kind)];
        address("/recherche", &pairs.map(|(name, value)| (name, value.to_owned())))
    });
    let lines = |all: Vec<Contribution>| all.into_iter().map(|one| Line::of(&f, one)).collect::<Vec<_>>();
    page(&TerritoryPage {
        about: term.map(str::to_owned).into_iter().chain(people).collect(),
        ours: found.ours,
        sheet: found.here.then(|| format!("/fiche/{}", found.id)),
        cards: found.concerns.records.into_iter().map(|brief| Card::of(&visit.frame, brief)).collect(),
        all: address("/recherche", &[(&found.filter.0, found.filter.1.clone())]),
        asked: lines(found.asked),
        reuses: lines(found.reuses),
        alike: found.alike.into_iter().map(|one| (one.id.to_string(), one.title)).collect(),
        from_alike,
        name: found.name,
        f,
    })
}
