//! A newcomer between its presentation and its admission: it may write drafts, and shares them once it is in.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use essaim_node::home::Home;
use essaim_node::keeper::Desk;
use essaim_protocol::api::{Command, Draft, Drafts, Error, Form, Init, Saved, StartDraft, Status, Task, TemplateFor};
use essaim_protocol::entry::statement::{AllyKind, Name, RecoveryHash, Role};
use essaim_protocol::join::Knock;
use essaim_protocol::roster::{Card, Offer, Ticket};
use essaim_protocol::sign::Seed;
use essaim_protocol::time::Timestamp;
use essaim_tests::cluster::Ally;
use essaim_tests::plain;
use essaim_tests::visitor::Visitor;
use serde_json::json;

const HOUR: u64 = 3_600_000;

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(since.as_millis().try_into().unwrap())
}

/// The host's desk, and what the newcomer presented to it that is not yet admitted.
struct Door {
    host: Desk,
    home: Home,
    presented: Vec<Vec<u8>>,
    ticket: Ticket,
}

/// A newcomer that signed itself in, at a host that has not answered yet.
async fn presented() -> (Ally, Ally, Door) {
    let mut host = Ally::new("Commune de Valombre").await;
    host.found("Vallées", false).await;
    host.stop().await;
    let mut newcomer = Ally::nobody();
    newcomer.start(false).await;
    newcomer.ask::<essaim_protocol::api::Identity>(Command::Init(Init { name: "Lyon".to_owned() })).await;
    newcomer.stop().await;

    let home = Home::open(host.home()).unwrap();
    let id = home.commons().unwrap()[0];
    let mut desk = Desk::open(&home.commons_dir(&id), id, home.keys().clone(), 0).unwrap();
    let seed = || Seed::new([11; 32]);
    let offer = Offer { seed: seed(), role: Role::Ally, expires: now().plus(HOUR), uses: 1 };
    let invite = desk.invite(&offer, now()).unwrap();
    let ticket = Ticket::new(id, desk.roster().council(), invite, seed(), vec![home.keys().device().network], vec![]);
    let mut theirs = at(&newcomer, &desk);
    theirs.1.learn(&desk.statements().unwrap(), now()).unwrap();
    theirs.1.keep_charter(&desk.charter().unwrap()).unwrap();
    let card = Card { kind: AllyKind::Organisation, name: Name::new("Lyon").unwrap(), recovery: RecoveryHash::NONE };
    let presented = theirs.1.present(&ticket, card, now()).unwrap();
    (host, newcomer, Door { host: desk, home, presented, ticket })
}

/// The newcomer's own desk in the host's commons.
fn at(newcomer: &Ally, host: &Desk) -> (Home, Desk) {
    let home = Home::open(newcomer.home()).unwrap();
    let desk = Desk::open(&home.commons_dir(&host.id()), host.id(), home.keys().clone(), 0).unwrap();
    (home, desk)
}

/// The host lets the newcomer in, and the newcomer hears of it.
fn admit(newcomer: &Ally, door: &mut Door) {
    let (home, mut desk) = at(newcomer, &door.host);
    let network = home.keys().device().network;
    let Ticket { commons, invite, .. } = door.ticket;
    let proof = door.ticket.prove(&network, &door.home.keys().device().network);
    door.host.receive(&door.presented, &network, &Knock { commons, invite, proof }, now()).unwrap();
    assert_eq!(door.host.admit(now()).unwrap().len(), 1);
    desk.learn(&door.host.statements().unwrap(), now()).unwrap();
}

/// What a command says on the error output, and its exit code.
fn said(home: &Path, lang: &str, editor: &str, args: &[&str]) -> (String, Option<i32>) {
    let output = Process::new(env!("CARGO_BIN_EXE_essaim-under-test"))
        .arg("--home")
        .arg(home)
        .args(["--lang", lang])
        .args(args)
        .env("NO_COLOR", "1")
        .env("EDITOR", editor)
        .env_remove("VISUAL")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (plain(&String::from_utf8_lossy(&output.stderr)), output.status.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_before_the_admission_is_refused_kept_and_shared_after_it() {
    let (_host, newcomer, mut door) = presented().await;
    let (home, kept) = (newcomer.home(), newcomer.home().join("drafts/experience.md"));
    let type_it = "sed -i 's/^Titre:$/Titre: Le marché couvert/'";
    let (text, code) = said(home, "fr", type_it, &["new", "experience"]);
    assert_eq!(code, Some(1), "{text}");
    for told in ["l'admission dans « Vallées » n'est pas encore arrivée", "→ essaim sync", "experience.md"] {
        assert!(text.contains(told), "{told} in {text}");
    }
    assert!(fs::read_to_string(&kept).unwrap().contains("Titre: Le marché couvert"));
    let file = kept.to_str().unwrap();
    let (text, code) = said(home, "en", "false", &["new", "experience", "--from", file]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("the admission into \"Vallées\" has not come yet") && text.contains("→ essaim sync"),
        "{text}"
    );
    assert!(kept.exists());

    admit(&newcomer, &mut door);
    let (text, code) = said(home, "fr", "false", &["new", "experience", "--from", file]);
    assert_eq!(code, Some(0), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_of_the_page_stays_until_the_admission_and_is_shared_after_it() {
    let (_host, mut newcomer, mut door) = presented().await;
    newcomer.start(false).await;
    let status: Status = newcomer.ask(Command::Status).await;
    let awaited = Task::AwaitAdmission { commons: "Vallées".to_owned(), commons_id: door.ticket.commons };
    assert!(status.todo.contains(&awaited), "{:?}", status.todo);
    let fields = json!({"title": "Le marché couvert", "outcome": "under_way"}).as_object().cloned().unwrap();
    let (of, form) = (TemplateFor::Kind("experience".to_owned()), Some(Form::Fields(fields)));
    let start = StartDraft { of, form, set: vec![], territories: vec!["Gruissan".to_owned()] };
    let draft: Draft = newcomer.ask(Command::StartDraft(start)).await;
    let share = || Command::ShareDraft(draft.brief.id.clone());
    let refused = newcomer.try_ask::<Saved>(share()).await;
    assert_eq!(refused, Err(Error::NotAdmitted { commons: "Vallées".to_owned() }));
    let (visitor, at) = (Visitor::of(&newcomer).await, format!("/ecrire/{}/partager", draft.brief.id));
    let (_, page) = visitor.post(&at, &visitor.token(&at).await, &[("faire", "partager")]).await;
    for said in ["Ce que vous avez tapé est toujours là", "dès qu’un·e allié·e vous aura fait entrer"] {
        assert!(page.contains(said), "{said} in {page}");
    }
    let drafts: Drafts = newcomer.ask(Command::Drafts).await;
    let kept: Vec<_> = drafts.drafts.iter().map(|one| (one.id.as_str(), one.title.as_str())).collect();
    assert_eq!(kept, [(draft.brief.id.as_str(), "Le marché couvert")]);

    newcomer.stop().await;
    admit(&newcomer, &mut door);
    newcomer.start(false).await;
    let saved: Saved = newcomer.ask(share()).await;
    assert_eq!(saved.brief.title, "Le marché couvert");
    assert_eq!(newcomer.ask::<Drafts>(Command::Drafts).await.drafts, []);
}
