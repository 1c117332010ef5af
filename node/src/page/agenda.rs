//! `/agenda`: gatherings to come and past, month by month; `/agenda.ics` for a calendar that follows them.

use askama::Template;
use axum::response::Html;
use axum::routing::get;
use essaim_protocol::api::{Agenda, AgendaOf, Command, Gathering, Lacking, Page};
use serde::Deserialize;

use super::Screen;
use super::asked::Query;
use super::feed::{AGENDA_FEED, File, calendar, file};
use super::find::address;
use super::guard::FOLLOW;
use super::letter::titled;
use super::shown::cut;
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};
use crate::words::when;

const PATH: &str = "/agenda";

/// Gatherings to come that are shown: more than a year of an alliance that meets every week.
const TO_COME: u32 = 60;

/// Past gatherings on one page.
const PAST: u32 = 20;

/// Characters of a title and of what is said below it.
const TITLE: usize = 200;
const TEXT: usize = 300;

/// Gatherings of a calendar file, to come and past each.
const IN_FILE: u32 = 1_000;

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", PATH, get(show)), Screen::new("get", AGENDA_FEED, get(follow))]
}

/// A month and its gatherings.
struct Month {
    name: String,
    gatherings: Vec<Meeting>,
}

/// A gathering as it is announced.
struct Meeting {
    id: String,
    title: String,
    /// The language of its words where it is not that of the page.
    lang: Option<String>,
    when: String,
    /// Its form and where it takes place.
    what: String,
    summary: Option<String>,
}

#[derive(Template)]
#[template(path = "agenda.html")]
struct AgendaPage {
    f: Frame,
    to_come: Vec<Month>,
    more: u64,
    past: Vec<Month>,
    past_total: u64,
    follow: String,
    lacking: Lacking,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Part {
    page: Option<u32>,
}

async fn show(visit: Visit, Query(part): Query<Part>) -> Result<Html<String>, Trouble> {
    let at = part.page.unwrap_or(1).max(1);
    let to_come: Agenda = visit.ask(agenda(false, TO_COME, 0)).await?;
    let past: Agenda = visit.ask(agenda(true, PAST, (at - 1).saturating_mul(PAST))).await?;
    let to = |at: u32| address(PATH, &[("page", at.to_string())]);
    let f = &visit.frame;
    page(&AgendaPage {
        more: to_come.total - to_come.gatherings.len() as u64,
        to_come: months(f, to_come.gatherings),
        past_total: past.total,
        past: months(f, past.gatherings),
        lacking: to_come.lacking,
        follow: address(AGENDA_FEED, &[(FOLLOW, visit.feed_key())]),
        previous: (at > 1).then(|| to(at - 1)),
        next: (u64::from(at) * u64::from(PAST) < past.total).then(|| to(at + 1)),
        f: f.clone(),
    })
}

fn agenda(past: bool, limit: u32, offset: u32) -> Command {
    Command::Agenda(AgendaOf { past, page: Page { limit, offset } })
}

/// Gatherings in their order, each under its month; under its year when no more is known.
fn months(f: &Frame, gatherings: Vec<Gathering>) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    for one in gatherings {
        let date = one.brief.when.clone().unwrap_or_default();
        let first = date.split(['/', 'T']).next().unwrap_or_default().to_owned();
        let name = match when::span(&first) {
            Some((day, _)) if first.len() > 4 => when::month(f.lang(), day),
            _ => when::edtf(f.lang(), &first),
        };
        let place = one.brief.territory.as_ref().map(|place| titled(f, &place.id.to_string(), &place.title));
        let online = one.online.then(|| f.t("agenda-online"));
        let meeting = Meeting {
            id: one.brief.id.to_string(),
            lang: f.foreign(&one.brief),
            title: if one.brief.title.is_empty() { f.t("sheet-untitled") } else { cut(&one.brief.title, TITLE) },
            when: when::edtf(f.lang(), &date),
            what: [one.form, one.place.map(|place| cut(&place, TITLE)), place, online]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" · "),
            summary: one.brief.summary.map(|text| cut(&text, TEXT)),
        };
        match months.last_mut() {
            Some(month) if month.name == name => month.gatherings.push(meeting),
            _ => months.push(Month { name, gatherings: vec![meeting] }),
        }
    }
    months
}

async fn follow(visit: Visit) -> Result<File, Trouble> {
    let mut all = Vec::new();
    for past in [false, true] {
        let part: Agenda = visit.ask(agenda(past, IN_FILE, 0)).await?;
        all.extend(part.gatherings.into_iter().map(|one| one.brief));
    }
    let text = visit.frame.commons.as_ref().map(|commons| calendar(visit.lang(), commons, &all));
    Ok(file("text/calendar", "essaim.ics", text.unwrap_or_default()))
}
