//! `/digest`: what was written in a period or on a theme, to read, to print, to send (`.html`, `.md`) and to follow (`.atom`).

use askama::Template;
use axum::response::Html;
use axum::routing::get;
use essaim_protocol::api::{Brief, Command, Digest, DigestOf, Error, Lacking};
use essaim_protocol::record::schema::Schema;
use jiff::civil::Date;

use super::Screen;
use super::asked::Query;
use super::feed::{DIGEST_FEED, Feed, File, file};
use super::find::address;
use super::guard::FOLLOW;
use super::letter::{Letter, mail, markdown};
use super::links::Links;
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};
use crate::words::{labelled, when};

const PATH: &str = "/digest";

pub(super) fn screens() -> Vec<Screen> {
    vec![
        Screen::new("get", PATH, get(show)),
        Screen::new("get", "/digest.html", get(as_mail)),
        Screen::new("get", "/digest.md", get(as_markdown)),
        Screen::new("get", DIGEST_FEED, get(as_feed)),
    ]
}

/// A form sends every field: an empty one says nothing.
fn read(Query(of): Query<DigestOf>) -> DigestOf {
    let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    DigestOf { since: said(of.since), until: said(of.until), theme: said(of.theme) }
}

/// The address of a digest in one form.
fn at(path: &str, of: &DigestOf, key: Option<String>) -> String {
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut pairs = vec![("since", said(&of.since)), ("until", said(&of.until)), ("theme", said(&of.theme))];
    pairs.extend(key.map(|key| (FOLLOW, key)));
    address(path, &pairs)
}

#[derive(Template)]
#[template(path = "digest.html")]
struct DigestPage {
    f: Frame,
    letter: Letter,
    lacking: Lacking,
    since: String,
    until: String,
    themes: Vec<(String, String, bool)>,
    /// Periods that people often want, by their address.
    periods: Vec<(String, String)>,
    files: Vec<(String, String)>,
}

async fn show(visit: Visit, query: Query<DigestOf>) -> Result<Html<String>, Trouble> {
    let of = read(query);
    let digest: Digest = visit.ask(Command::Digest(of.clone())).await?;
    let f = &visit.frame;
    let chosen = digest.theme.as_ref().map(|theme| theme.code.as_str());
    let themes = Schema::get().vocabulary("theme").into_iter().flat_map(|vocabulary| &vocabulary.terms);
    page(&DigestPage {
        letter: Letter::of(f, &digest),
        lacking: digest.lacking,
        themes: themes
            .map(|term| (term.code.clone(), term.label.get(f.lang()).to_owned(), chosen == Some(&term.code)))
            .collect(),
        periods: periods(f, when::today(crate::engine::now())),
        files: vec![
            (at("/digest.html", &of, None), f.t("digest-mail")),
            (at("/digest.md", &of, None), f.t("digest-markdown")),
            (at(DIGEST_FEED, &of, Some(visit.feed_key())), f.t("digest-atom")),
        ],
        since: digest.since.unwrap_or_default(),
        until: digest.until.unwrap_or_default(),
        f: f.clone(),
    })
}

/// This month, the one before and this year.
fn periods(f: &Frame, today: Date) -> Vec<(String, String)> {
    let last_month = today.first_of_month().yesterday().unwrap_or(today);
    let within = |label: String, first: Date, last: Date| {
        let of = DigestOf { since: Some(first.to_string()), until: Some(last.to_string()), theme: None };
        (at(PATH, &of, None), label)
    };
    let month = |day: Date| within(when::month(f.lang(), day), day.first_of_month(), day.last_of_month());
    let year = within(today.year().to_string(), today.first_of_year(), today.last_of_year());
    vec![month(today), month(last_month), year]
}

/// The digest of an address, and the name of the commons.
async fn asked(visit: &Visit, query: Query<DigestOf>) -> Result<(Digest, String), Trouble> {
    let digest = visit.ask(Command::Digest(read(query))).await?;
    Ok((digest, visit.frame.commons.as_ref().map(|commons| commons.name.clone()).unwrap_or_default()))
}

async fn as_mail(visit: Visit, query: Query<DigestOf>) -> Result<File, Trouble> {
    let (digest, commons) = asked(&visit, query).await?;
    let text = mail(visit.lang(), &commons, &digest).map_err(|error| Error::Internal { detail: error.to_string() })?;
    Ok(file("text/html", "essaim.html", text))
}

async fn as_markdown(visit: Visit, query: Query<DigestOf>) -> Result<File, Trouble> {
    let (digest, commons) = asked(&visit, query).await?;
    Ok(file("text/markdown", "essaim.md", markdown(visit.lang(), &commons, &digest)))
}

async fn as_feed(visit: Visit, query: Query<DigestOf>) -> Result<File, Trouble> {
    let here = at(PATH, &query.0, None);
    let (digest, commons) = asked(&visit, query).await?;
    let mut records: Vec<Brief> = digest.records.into_iter().map(|one| one.brief).collect();
    records.sort_by_key(|brief| std::cmp::Reverse(brief.updated_at));
    let feed = Feed {
        lang: visit.lang(),
        title: labelled(visit.frame.lang(), &commons, &visit.frame.t("digest-title")),
        of: commons,
        commons: visit.frame.commons.as_ref().map(|commons| commons.id.to_string()).unwrap_or_default(),
        origin: visit.origin(),
        links: Links::Node,
        page: here,
        records: &records,
    };
    Ok(file("application/atom+xml", "essaim.atom", feed.atom()))
}
