//! `/boite`: what is there for this ally, until somebody looked at it. What was looked at is noted on this machine alone.

use askama::Template;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use essaim_protocol::api::{AskInbox, Command, Inbox, InboxItem, MarkRead, Why};
use essaim_protocol::record::schema::Schema;
use serde::Deserialize;

use super::Screen;
use super::asked::{Form, Query};
use super::letter::{Quoted, named};
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};

/// Characters of what somebody wrote: the record has it whole.
const SHOWN: usize = 280;

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", "/boite", get(show)), Screen::new("post", "/boite/vu", post(mark))]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// Also what was looked at.
    tout: Option<String>,
}

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    f: Frame,
    all: bool,
    unread: u64,
    lines: Vec<Line>,
}

/// One thing.
struct Line {
    item: String,
    read: bool,
    /// Why it is here, in words.
    why: String,
    /// Where to look at it.
    at: String,
    /// The language of its words where it is not that of the page.
    lang: Option<String>,
    title: String,
    text: Option<String>,
    /// By whom and when.
    by: String,
    about: Option<Quoted>,
}

impl Line {
    fn of(f: &Frame, one: InboxItem) -> Self {
        let field = one.field.unwrap_or_default();
        let form = one.form.unwrap_or_default();
        let form = Schema::get().term("contribution_form", &form).map_or(&*form, |term| term.label.get(f.lang()));
        let why = match one.why {
            Why::Contribution if form.is_empty() => f.t("inbox-contribution"),
            Why::Contribution => form.to_owned(),
            Why::Words => f.t1("inbox-words", "field", field),
            Why::Conflict => f.t1("inbox-conflict", "field", field),
            Why::Territory => f.t("inbox-territory"),
        };
        let part = match one.why {
            Why::Conflict => "#a-regler",
            Why::Words => "#propositions",
            Why::Contribution | Why::Territory => "",
        };
        let by = one.brief.by.join(", ");
        let by = match (by.is_empty(), one.brief.updated_at) {
            (false, Some(at)) => f.t2("sheet-by-at", "by", by, "at", f.day(&at)),
            (true, Some(at)) => f.day(&at),
            (_, None) => by,
        };
        let lang = f.foreign(&one.brief);
        let title = if one.brief.title.is_empty() { f.t("sheet-untitled") } else { one.brief.title };
        let text = if one.why == Why::Contribution { one.text } else { one.brief.summary };
        Self {
            item: one.item,
            read: one.read,
            why,
            at: format!("/fiche/{}{part}", one.brief.id),
            text: text.filter(|text| *text != title).map(|text| beginning(&text)),
            lang,
            title,
            by,
            about: one.about.map(|about| named(f, &about)),
        }
    }
}

fn beginning(text: &str) -> String {
    text.char_indices().nth(SHOWN).map_or_else(|| text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
}

async fn show(visit: Visit, Query(asked): Query<Asked>) -> Result<Html<String>, Trouble> {
    let all = asked.tout.is_some();
    let inbox: Inbox = visit.ask(Command::Inbox(AskInbox { all })).await?;
    let f = visit.frame;
    let lines = inbox.items.into_iter().map(|one| Line::of(&f, one)).collect();
    page(&InboxPage { all, unread: inbox.unread, lines, f })
}

/// Marks the items that a form names, and no others: what came in meanwhile was not seen.
async fn mark(visit: Visit, Form(pairs): Form<Vec<(String, String)>>) -> Result<Redirect, Trouble> {
    let items = pairs.into_iter().filter(|(name, _)| name == "item").map(|(_, item)| item).collect();
    visit.ask::<Inbox>(Command::MarkRead(MarkRead { items, all: false })).await?;
    Ok(Redirect::to("/boite"))
}
