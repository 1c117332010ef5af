//! One request of a let-in browser: whose language, which commons, and how to answer it.

use std::fmt::Display;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::header::HOST;
use axum::http::request::Parts;
use essaim_protocol::api::{self, Brief, Command, Commons, CommonsList, Error, Lacking, Lang, Peer, Unread};
use essaim_protocol::time::Timestamp;
use fluent_bundle::FluentValue;

use super::letter::Quoted;
use super::links::Links;
use super::trouble::Trouble;
use super::{Once, guard, opens};
use crate::http::Door;
use crate::texts;
use crate::words::{self, Texts, when};

/// The cookie that keeps the language.
pub(super) const LANG: &str = "essaim_langue";

/// The cookie that keeps the chosen commons.
pub(super) const COMMONS: &str = "essaim_commun";

/// The main menu: where each entry leads, and the key of its text.
pub(super) const MENU: [(&str, &str); 6] = [
    ("/recherche", "menu-find"),
    ("/ecrire", "menu-write"),
    ("/permanence", "menu-board"),
    (INBOX, "menu-inbox"),
    ("/territoire", "menu-territory"),
    ("/allies", "menu-allies"),
];

/// Where the menu says how much is not read.
const INBOX: &str = "/boite";

/// What the menu keeps folded, so that it stays short on a phone: ways through the heritage.
pub(super) const EXPLORE: [(&str, &str); 7] = [
    ("/digest", "menu-digest"),
    ("/agenda", "menu-agenda"),
    ("/enseignements", "menu-findings"),
    ("/dispositifs", "menu-programmes"),
    ("/ressources", "menu-resources"),
    ("/annuaire", "menu-actors"),
    ("/ensemble", "menu-whole"),
];

/// A request, with what every screen needs to answer it.
pub(super) struct Visit {
    door: Door,
    host: String,
    pub(super) frame: Frame,
}

impl FromRequestParts<Door> for Visit {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Trouble> {
        let lang = lang(parts);
        let request = api::Request { commons: None, lang, command: Command::ListCommons };
        let held: CommonsList = door.ask_for(request).await?;
        let chosen = guard::cookie(&parts.headers, COMMONS).unwrap_or_default();
        let commons = held.iter().find(|commons| commons.id.to_string() == chosen).or(held.first()).cloned();
        let here = here(parts);
        let unread = match &commons {
            Some(commons) => unread(door, commons, lang).await,
            None => 0,
        };
        let token = guard::form_field(door.keys());
        let frame = Frame { texts: texts::of(lang), commons, held, here, token, unread, links: Links::Node };
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        Ok(Self { door: door.clone(), host, frame })
    }
}

/// How much of the inbox is not read. A damaged note of what was read is told by the inbox; other pages go on.
async fn unread(door: &Door, commons: &Commons, lang: Lang) -> u64 {
    let request = api::Request { commons: Some(commons.id.to_string()), lang, command: Command::Unread };
    door.ask_for::<Unread>(request).await.map_or(0, |unread| unread.unread)
}

impl Visit {
    /// Asks the engine, in the commons and language of this visit.
    pub(super) async fn ask<T>(&self, command: Command) -> Result<T, Trouble>
    where
        T: TryFrom<api::Answer, Error = Error>,
    {
        let commons = self.frame.commons.as_ref().map(|commons| commons.id.to_string());
        Ok(self.door.ask_for(api::Request { commons, lang: self.frame.lang(), command }).await?)
    }

    pub(super) fn lang(&self) -> Lang {
        self.frame.lang()
    }

    /// What forms did lately.
    pub(super) const fn lately(&self) -> &Once {
        self.door.once()
    }

    /// What the address of a feed holds.
    pub(super) fn feed_key(&self) -> String {
        self.door.keys().feed().to_owned()
    }

    /// Where this page is, as `http://127.0.0.1:8421`.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.host)
    }
}

/// What every page shows around its content, and the words of its templates.
#[derive(Clone)]
pub(super) struct Frame {
    texts: &'static Texts,
    /// The commons that is looked at; none before one is founded or joined.
    pub(super) commons: Option<Commons>,
    /// All of this home.
    pub(super) held: Vec<Commons>,
    /// The address of this page.
    pub(super) here: String,
    /// What every form holds.
    token: String,
    /// How much of the inbox is not read.
    unread: u64,
    links: Links,
}

impl Frame {
    /// Around a text that leaves the page.
    pub(super) fn bare(lang: Lang) -> Self {
        let (here, token) = (String::new(), String::new());
        Self { texts: texts::of(lang), commons: None, held: vec![], here, token, unread: 0, links: Links::Node }
    }

    /// The frame of a file of a site.
    pub(super) fn of_site(lang: Lang, commons: &Commons, file: &str) -> Self {
        let (commons, here, links) = (Some(commons.clone()), file.to_owned(), Links::of_site(file));
        Self { commons, here, links, ..Self::bare(lang) }
    }

    pub(super) const fn lang(&self) -> Lang {
        self.texts.lang()
    }

    /// `fr` or `en`.
    pub(super) fn code(&self) -> &'static str {
        self.lang().pick("fr", "en")
    }

    /// A sentence.
    pub(super) fn t(&self, key: &str) -> String {
        self.texts.say(key, [])
    }

    /// What stands between a label and what it labels.
    pub(super) fn colon(&self) -> &'static str {
        words::colon(self.lang())
    }

    /// A sentence that names one thing.
    pub(super) fn t1<'a>(&self, key: &str, name: &'a str, value: impl Into<FluentValue<'a>>) -> String {
        self.texts.say(key, [(name, value.into())])
    }

    /// A sentence that names two things.
    pub(super) fn t2<'a>(
        &self,
        key: &str,
        name: &'a str,
        value: impl Into<FluentValue<'a>>,
        other: &'a str,
        second: impl Into<FluentValue<'a>>,
    ) -> String {
        self.texts.say(key, [(name, value.into()), (other, second.into())])
    }

    /// A sentence whose key is made at run time; nothing when there is none.
    pub(super) fn maybe(&self, key: &str) -> Option<String> {
        self.texts.get(key)
    }

    /// What a list may lack, if anything.
    pub(super) fn lacking(&self, lacking: &Lacking) -> Option<String> {
        let Lacking { unfolded, unfoldable, outdated } = *lacking;
        let said = [
            outdated.then(|| self.t("find-outdated")),
            (!outdated && unfolded > 0).then(|| self.t1("find-unfolded", "n", unfolded)),
            (unfoldable > 0).then(|| self.t1("find-unfoldable", "n", unfoldable)),
        ];
        Some(said.into_iter().flatten().collect::<Vec<_>>().join(" ")).filter(|said| !said.is_empty())
    }

    /// A moment with its hour.
    pub(super) fn moment(&self, time: &Timestamp) -> String {
        when::moment(self.lang(), *time)
    }

    /// A moment without its hour.
    pub(super) fn day(&self, time: &Timestamp) -> String {
        when::day(self.lang(), *time)
    }

    /// The language of a record's own words where it is not that of the page.
    pub(super) fn foreign(&self, brief: &Brief) -> Option<String> {
        self.foreign_to(&brief.title, brief.lang.as_deref())
    }

    /// The language of a title where it is not that of the page.
    pub(super) fn foreign_to(&self, title: &str, lang: Option<&str>) -> Option<String> {
        // What is said in place of a title is said by the page.
        lang.filter(|lang| *lang != self.code() && !title.is_empty()).map(str::to_owned)
    }

    /// A sentence that names a record by its `title`.
    pub(super) fn quote(&self, key: &str, quoted: &Quoted) -> Quote {
        Quote::around(&self.t1(key, "title", HERE), quoted)
    }

    /// The address of a style or script.
    pub(super) fn asset(&self, name: &str) -> String {
        self.links.asset(name)
    }

    /// The address of a record.
    pub(super) fn record(&self, id: impl Display) -> String {
        self.links.record(id)
    }

    /// The address of the code that cites a record, where there is one.
    pub(super) fn citation(&self, id: impl Display) -> Option<String> {
        self.links.citation(id)
    }

    /// The address of what takes place in a department.
    pub(super) fn department(&self, code: impl Display) -> String {
        self.links.department(code)
    }

    /// The address of a file of a site.
    pub(super) fn file(&self, name: &str) -> String {
        self.links.file(name)
    }

    /// What every form holds.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// How much a menu entry has to say.
    pub(super) fn news(&self, path: &str) -> Option<u64> {
        (path == INBOX && self.unread > 0).then_some(self.unread)
    }

    /// Whether a peer shares the commons that is looked at.
    pub(super) fn shares(&self, peer: &Peer) -> bool {
        self.commons.as_ref().is_some_and(|commons| commons.id == peer.commons_id)
    }

    /// Whether this is the commons that is looked at.
    pub(super) fn looks_at(&self, one: &Commons) -> bool {
        self.commons.as_ref().is_some_and(|commons| commons.id == one.id)
    }

    /// Whether a link of the menu leads to this page or above it.
    pub(super) fn within(&self, path: &str) -> bool {
        let here = self.here.split('?').next().unwrap_or_default();
        here == path || (path != "/" && here.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// Stands for a title in a sentence until it is quoted: the sign of an object among letters (U+FFFC).
pub(super) const HERE: &str = "\u{fffc}";

/// A sentence around a title, which says its language where it is not that of the sentence.
#[derive(Template)]
#[template(path = "quote.html")]
pub(super) struct Quote {
    before: String,
    quoted: Option<Quoted>,
    after: String,
}

impl Quote {
    /// A sentence in which [`HERE`] stands for a title.
    pub(super) fn around(said: &str, quoted: &Quoted) -> Self {
        let (before, after) = said.split_once(HERE).unwrap_or((said, ""));
        Self { before: before.to_owned(), quoted: Some(quoted.clone()), after: after.to_owned() }
    }
}

impl From<String> for Quote {
    /// A sentence that names no record.
    fn from(said: String) -> Self {
        Self { before: said, quoted: None, after: String::new() }
    }
}

/// The address of the page that answers: of one that a form draws, the nearest above it that a link can lead to.
fn here(parts: &Parts) -> String {
    if parts.method == Method::GET {
        return parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    }
    let mut path = parts.uri.path();
    while !opens(path) {
        path = path.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty()).unwrap_or("/");
    }
    path.to_owned()
}

/// The language that this browser asked for.
pub(super) fn lang(parts: &Parts) -> Lang {
    match guard::cookie(&parts.headers, LANG) {
        Some("en") => Lang::En,
        _ => Lang::Fr,
    }
}
