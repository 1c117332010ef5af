//! Who is here, who holds what, and how somebody comes in: `/allies`, `/pairs`, `/inviter`, `/rejoindre`, `/bienvenue`.
//!
//! *The same here and there* is said of a peer only when both sides compared the digest of everything they hold; all else
//! is said as what it is: how much it has not confirmed, when it was last seen, what to do.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use essaim_protocol::api::{
    Allies, AllyState, Command, Commons, Conflict, ConflictsOf, CreateCommons, Ended, Error, Invitation, Invite, Join,
    Joined, Page, PeerSync, ReadTicket, RecordName, Role, Status, Sync, SyncOutcome, Synced, Task, TicketContent,
};
use essaim_protocol::id::CharterHash;
use serde::Deserialize;

use super::asked::{Form, Query};
use super::letter::named;
use super::once::done;
use super::trouble::{Said, Trouble, page};
use super::visit::{Frame, Quote, Visit};
use super::{Screen, markdown, qr};
use crate::http::status_of;
use crate::words::labelled;

/// How long a person waits before a page that does not come looks broken, in seconds.
const WAIT: u64 = 20;

/// How long an invitation lasts, in days: those of the choices, the usual one first.
const DAYS: [u64; 3] = [14, 2, 60];

/// Fields to settle whose records are named on one page.
const DISPUTED: u32 = 12;

/// How many an invitation may let in at most: an assembly.
const MAX_USES: u32 = 200;

pub(super) fn screens() -> Vec<Screen> {
    vec![
        Screen::new("get", "/allies", get(allies)),
        Screen::new("get", "/pairs", get(peers)),
        Screen::new("post", "/pairs/echanger", post(exchange)),
        Screen::new("get", "/inviter", get(invite)),
        Screen::new("post", "/inviter", post(invited)),
        Screen::new("get", "/rejoindre", get(ask_ticket)),
        Screen::new("post", "/rejoindre", post(read_ticket)),
        Screen::new("post", "/rejoindre/signer", post(join)),
        Screen::new("get", "/bienvenue", get(welcome)),
        Screen::new("post", "/fonder", post(found)),
    ]
}

#[derive(Template)]
#[template(path = "allies.html")]
struct AlliesPage {
    f: Frame,
    allies: Allies,
}

async fn allies(visit: Visit) -> Result<Html<String>, Trouble> {
    let allies = visit.ask(Command::Allies).await?;
    page(&AlliesPage { allies, f: visit.frame })
}

impl AlliesPage {
    /// Where an ally stands, in words.
    fn state(&self, state: AllyState) -> String {
        match state {
            AllyState::Founder => self.f.t("ally-founder"),
            AllyState::Admitted => self.f.t("ally-admitted"),
            AllyState::Pending => self.f.t("ally-pending"),
            AllyState::Suspended => self.f.t("ally-suspended"),
            AllyState::Left => self.f.t("ally-left"),
        }
    }
}

/// A peer in words.
struct PeerLine {
    ally: String,
    seen: String,
    state: String,
    /// Whether both sides hold the same, digests compared.
    same: bool,
}

#[derive(Template)]
#[template(path = "peers.html")]
struct PeersPage {
    f: Frame,
    status: Status,
    peers: Vec<PeerLine>,
    todo: Vec<(Quote, Option<String>)>,
    outcomes: Vec<String>,
}

/// Which part of what is to settle.
#[derive(Debug, Default, Deserialize)]
struct Part {
    /// After how many fields.
    #[serde(default)]
    apres: u32,
}

async fn peers(visit: Visit, Query(part): Query<Part>) -> Result<Html<String>, Trouble> {
    peers_page(visit, Vec::new(), part).await
}

async fn exchange(visit: Visit) -> Result<Html<String>, Trouble> {
    let synced: Synced = visit.ask(Command::Sync(Sync { peer: None, wait_s: WAIT })).await?;
    let mut outcomes: Vec<String> = synced.peers.iter().map(|outcome| said(&visit.frame, outcome)).collect();
    if outcomes.is_empty() {
        outcomes.push(visit.frame.t("ended-nobody"));
    }
    peers_page(visit, outcomes, Part::default()).await
}

async fn peers_page(visit: Visit, outcomes: Vec<String>, part: Part) -> Result<Html<String>, Trouble> {
    let status: Status = visit.ask(Command::Status).await?;
    let here = visit.frame.commons.as_ref().map(|commons| commons.id);
    let mut todo: Vec<(Quote, Option<String>)> = Vec::new();
    // Another commons' tasks are told where that one is looked at.
    for task in status.todo.iter().filter(|task| task.commons_id().is_none_or(|id| Some(id) == here)) {
        let (said, at) = task_line(&visit.frame, task);
        todo.push((said.into(), at));
        if let Task::Settle { conflicts, .. } = task {
            todo.extend(disputed(&visit, &part, *conflicts).await?);
        }
    }
    let f = visit.frame;
    let line = |peer: &essaim_protocol::api::Peer| PeerLine {
        ally: peer.ally.clone(),
        seen: match (peer.connected, peer.seen_at) {
            (true, _) => f.t("peer-connected"),
            (false, Some(at)) => f.t1("peer-seen", "at", f.moment(&at)),
            (false, None) => f.t("peer-not-seen"),
        },
        state: match &peer.sync {
            PeerSync::Never => f.t("peer-never"),
            PeerSync::InSync { at } => f.t1("peer-same", "at", f.moment(at)),
            PeerSync::Ahead { at, entries } => f.t2("peer-ahead", "n", *entries, "at", f.moment(at)),
        },
        same: matches!(peer.sync, PeerSync::InSync { .. }),
    };
    let peers = status.peers.iter().filter(|peer| f.shares(peer)).map(line).collect();
    page(&PeersPage { peers, todo, outcomes, status, f })
}

/// The records of some fields to settle, of `all` that there are, and where they go on.
async fn disputed(visit: &Visit, part: &Part, all: u64) -> Result<Vec<(Quote, Option<String>)>, Trouble> {
    let f = &visit.frame;
    let page = Page { limit: DISPUTED, offset: part.apres };
    let mut fields: Vec<Conflict> = visit.ask(Command::Conflicts(ConflictsOf { record: None, page })).await?;
    let after = u64::from(part.apres) + fields.len() as u64;
    // Those of one record come together.
    fields.dedup_by_key(|one| one.record);
    let line = |one: Conflict| {
        let at = format!("/fiche/{}#a-regler", one.record);
        (f.quote("cite-title", &named(f, &RecordName { id: one.record, title: one.title, lang: one.lang })), Some(at))
    };
    let mut lines: Vec<_> = fields.into_iter().map(line).collect();
    if all > after && !lines.is_empty() {
        lines.push((f.t1("task-settle-more", "n", all - after).into(), Some(format!("/pairs?apres={after}"))));
    }
    Ok(lines)
}

/// What a person can do now, and where.
fn task_line(f: &Frame, task: &Task) -> (String, Option<String>) {
    let (said, at) = match task {
        Task::Init | Task::CreateOrJoin => (f.t("task-begin"), Some("/bienvenue")),
        Task::Settle { conflicts, .. } => (f.t1("task-settle", "n", *conflicts), None),
        Task::InviteSomebody { .. } => (f.t("task-invite"), Some("/inviter")),
        Task::AwaitAdmission { .. } => (f.t("task-admission"), None),
        Task::SyncSoon { entries, .. } => (f.t1("task-sync", "n", *entries), None),
        Task::Upgrade { .. } => (f.t("task-upgrade"), None),
        Task::Doctor => (f.t("task-doctor"), None),
    };
    (said, at.map(str::to_owned))
}

/// How an exchange ended, in words.
fn said(f: &Frame, outcome: &SyncOutcome) -> String {
    let how = match outcome.ended {
        Ended::InSync => f.t2("ended-same", "received", outcome.received, "sent", outcome.sent),
        Ended::Partial => f.t("ended-partial"),
        Ended::CutOff => f.t("ended-cut-off"),
        Ended::Unreachable => f.t("ended-unreachable"),
        Ended::NotAdmitted => f.t("ended-not-admitted"),
        Ended::OtherVersion => f.t("ended-other-version"),
    };
    labelled(f.lang(), &outcome.ally, &how)
}

#[derive(Template)]
#[template(path = "invite.html")]
struct InvitePage {
    f: Frame,
    days: [u64; 3],
    made: Option<(Invitation, Option<String>)>,
    typed: Inviting,
    /// How many organisations it may let in at most.
    max: u32,
    /// Whether the number of organisations was none.
    wrong: bool,
}

async fn invite(visit: Visit) -> Result<Html<String>, Trouble> {
    let typed = Inviting { role: String::new(), days: DAYS[0], uses: "1".to_owned() };
    page(&InvitePage { days: DAYS, made: None, typed, max: MAX_USES, wrong: false, f: visit.frame })
}

#[derive(Debug, Deserialize)]
struct Inviting {
    #[serde(default)]
    role: String,
    days: u64,
    uses: String,
}

async fn invited(visit: Visit, Form(typed): Form<Inviting>) -> Result<Response, Trouble> {
    let Some(uses) = typed.uses.trim().parse::<u32>().ok().filter(|uses| (1..=MAX_USES).contains(uses)) else {
        let again = page(&InvitePage { days: DAYS, made: None, typed, max: MAX_USES, wrong: true, f: visit.frame })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response());
    };
    let role = if typed.role == "reader" { Role::Reader } else { Role::Ally };
    let expires_in_s = typed.days.clamp(1, 365) * 24 * 3600;
    let made: Invitation = visit.ask(Command::Invite(Invite { role, expires_in_s, uses })).await?;
    let picture = qr::picture(&made.ticket);
    let made = Some((made, picture));
    Ok(done(page(&InvitePage { days: DAYS, made, typed, max: MAX_USES, wrong: false, f: visit.frame })?))
}

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    f: Frame,
    /// The ticket, what it says, and the charter as safe HTML.
    read: Option<(String, TicketContent, String)>,
    joined: Option<Joined>,
    /// A ticket that could not be read, as it was pasted, and why.
    refused: Option<(String, Said)>,
}

async fn ask_ticket(visit: Visit) -> Result<Html<String>, Trouble> {
    page(&JoinPage { read: None, joined: None, refused: None, f: visit.frame })
}

#[derive(Debug, Deserialize)]
struct Ticket {
    ticket: String,
}

async fn read_ticket(visit: Visit, Form(form): Form<Ticket>) -> Result<Response, Trouble> {
    let ticket: String = form.ticket.split_whitespace().collect();
    let read = visit.ask::<TicketContent>(Command::ReadTicket(ReadTicket { ticket: ticket.clone() })).await;
    let content = match read {
        Ok(content) => content,
        Err(Trouble(error)) => return refused(visit, form.ticket, &error),
    };
    let charter = content.charter_text.as_deref().map(|text| markdown::html(text, 3)).unwrap_or_default();
    let read = Some((ticket, content, charter));
    Ok(page(&JoinPage { read, joined: None, refused: None, f: visit.frame })?.into_response())
}

/// The form again with the ticket as it was pasted, and why it does not serve.
fn refused(visit: Visit, ticket: String, error: &Error) -> Result<Response, Trouble> {
    let refused = Some((ticket, Said::of(&visit.frame, error)));
    let again = page(&JoinPage { read: None, joined: None, refused, f: visit.frame })?;
    Ok((status_of(error), again).into_response())
}

#[derive(Debug, Deserialize)]
struct Signing {
    ticket: String,
    charter: CharterHash,
}

async fn join(visit: Visit, Form(form): Form<Signing>) -> Result<Response, Trouble> {
    let join = Join { ticket: form.ticket.clone(), accepted: form.charter, wait_s: WAIT };
    match visit.ask::<Joined>(Command::Join(join)).await {
        Ok(joined) => {
            let within = JoinPage { read: None, joined: Some(joined), refused: None, f: visit.frame };
            Ok(done(page(&within)?))
        }
        Err(Trouble(error)) => refused(visit, form.ticket, &error),
    }
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    f: Frame,
    typed: Founding,
    /// Why it was not founded.
    error: Option<Said>,
}

async fn welcome(visit: Visit) -> Result<Html<String>, Trouble> {
    let typed = Founding { name: String::new(), starter: "1".to_owned() };
    page(&WelcomePage { typed, error: None, f: visit.frame })
}

#[derive(Debug, Deserialize)]
struct Founding {
    name: String,
    #[serde(default)]
    starter: String,
}

async fn found(visit: Visit, Form(typed): Form<Founding>) -> Result<Response, Trouble> {
    let create = CreateCommons { name: typed.name.clone(), starter: !typed.starter.is_empty(), charter: None };
    match visit.ask::<Commons>(Command::CreateCommons(create)).await {
        Ok(_) => Ok(done(Redirect::to("/"))),
        Err(Trouble(error)) => {
            let why = Some(Said::of(&visit.frame, &error));
            let again = page(&WelcomePage { typed, error: why, f: visit.frame })?;
            Ok((status_of(&error), again).into_response())
        }
    }
}
