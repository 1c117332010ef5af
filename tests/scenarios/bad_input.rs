//! What people, files and machines get wrong: each a clear error, and nothing lost.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::fs;
use std::path::{Path, PathBuf};

use essaim_node::home::{Home, Profile};
use essaim_node::keeper::{Desk, charter_hash, store_config};
use essaim_node::{Config, Node, store};
use essaim_protocol::api::{
    Allies, Command, Commons, CreateCommons, Error, Export, Exported, Identity, Import, Imported, Init, List, Records,
    Saved, Sheet,
};
use essaim_protocol::entry::statement::{AllyKind, Inviters, Name, Policy, RecoveryHash};
use essaim_protocol::id::StatementId;
use essaim_protocol::record::Lang;
use essaim_protocol::roster::{Card, Founding, Ticket};
use essaim_protocol::sign::{Keys, Seed};
use essaim_protocol::store::{Store as _, Table};
use essaim_protocol::time::Timestamp;
use essaim_tests::cluster::{Ally, agreed, experience, set};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_line_among_many_stays_out_alone() {
    let ally = founder("Alice").await;
    let good = |n: usize| json!({"id": format!("experience:{n}"), "kind": "experience", "title": format!("Récit {n}")});
    let mut lines: Vec<String> = (1..=200).map(|n| good(n).to_string()).collect();
    let huge = json!({"id": "experience:10", "kind": "experience", "title": "Récit", "story": "x".repeat(600_000)});
    lines[9] = huge.to_string();
    lines[41] = r#"{"kind": "experience", "title": "coup"#.to_owned();
    lines[69] = "[]".to_owned();
    lines[99] = json!({"kind": "licorne", "title": "Une licorne"}).to_string();
    lines[149] = good(1).to_string();
    let Imported { created, updated, unchanged, bad } = import(&ally, &lines).await;
    assert_eq!((created, updated, unchanged), (195, 0, 0));
    assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [10, 42, 70, 100, 150]);
    for bad in &bad {
        assert!(!bad.problem.message.fr.is_empty() && !bad.problem.message.en.is_empty(), "{bad:?}");
    }
    assert_eq!(ally.commons().await.records, 195);
    // Mended, the same file brings the others.
    lines[41] = good(42).to_string();
    let again = import(&ally, &lines).await;
    assert_eq!((again.created, again.unchanged), (1, 195));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_any_script_and_of_a_thousand_characters_go_round() {
    let names = ["𠀋".repeat(1_000), "جمعية النحل في الجبال".to_owned(), "🐝🌻👩🏽‍🌾".repeat(40)];
    for (index, name) in names.iter().enumerate() {
        let host = Ally::new(&names[(index + 1) % 3]).await;
        let commons = host.found(name, false).await;
        assert_eq!(commons.name, *name);
        let guest = Ally::new(name).await;
        guest.join(&host.invite().await).await;
        // A title has at most 160 characters.
        let title: String = name.chars().take(160).collect();
        let saved: Saved = guest.ask(experience(&title, name)).await;
        agreed(&[&host, &guest]).await;
        let sheet: Sheet = host.ask(Command::Show(saved.brief.id.to_string())).await;
        assert_eq!((sheet.brief.title.as_str(), sheet.fields["story"].as_str()), (&title[..], Some(&name[..])));
        let allies: Allies = host.ask(Command::Allies).await;
        assert!(allies.iter().any(|ally| ally.name == *name));
    }
    let mut nobody = Ally::nobody();
    nobody.start(false).await;
    for name in ["", " \u{a0}", "deux\nlignes", "\u{1b}[2J", &"a".repeat(1_001)] {
        let refused = nobody.try_ask::<Identity>(Command::Init(Init { name: name.to_owned() })).await;
        assert!(matches!(refused, Err(Error::BadRequest { .. } | Error::TooLarge { max: 1_000, .. })), "{refused:?}");
    }
    assert!(!nobody.home().join("key").exists(), "a refused name leaves no identity");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_opens_nothing_says_why_and_leaves_nothing() {
    let alice = founder("Alice").await;
    let bob = Ally::new("Bob").await;
    let ticket = alice.invite().await;
    let middle = ticket.len() / 2;
    let other = if &ticket[middle..=middle] == "a" { "b" } else { "a" };
    let mistyped = format!("{}{other}{}", &ticket[..middle], &ticket[middle + 1..]);
    for (text, says) in [
        (mistyped.as_str(), "faux"),
        (&ticket[..middle], "coupé"),
        ("bonjour", "n’est pas un ticket"),
        ("", "n’est pas un ticket"),
    ] {
        let refused = bob.try_join(text).await;
        let Err(Error::BadTicket { problem }) = &refused else { panic!("{text}: {refused:?}") };
        assert!(problem.fr.contains(says), "{text}: {problem:?}");
    }

    // Nobody answers where it says. Port 9 takes no connection.
    let commons = alice.commons().await.id;
    let peer = Keys::from_seed(&Seed::new([5; 32])).device().network;
    let nowhere = vec!["/ip4/127.0.0.1/tcp/9".to_owned()];
    let council = StatementId(commons.0);
    let unreachable = Ticket::new(commons, council, StatementId([2; 32]), Seed::new([3; 32]), vec![peer], nowhere);
    let refused = bob.try_join(&unreachable.to_string()).await;
    assert!(matches!(refused, Err(Error::NoPeer { tried: 1 })), "{refused:?}");

    // The right place, and an invitation that is not there.
    let real: Ticket = ticket.parse().unwrap();
    let unknown = Ticket::new(
        real.commons,
        real.council,
        StatementId([2; 32]),
        Seed::new([3; 32]),
        real.peers().to_vec(),
        real.addresses().to_vec(),
    );
    let refused = bob.try_join(&unknown.to_string()).await;
    assert!(matches!(refused, Err(Error::BadTicket { .. })), "{refused:?}");

    // It is good once; twice it says that the commons is here, and for another ally that it is used up.
    bob.join(&ticket).await;
    let again = bob.try_join(&ticket).await;
    assert!(matches!(&again, Err(Error::AlreadyJoined { name }) if name == "Patrimoine"), "{again:?}");
    let carol = Ally::new("Carol").await;
    let late = carol.try_join(&ticket).await;
    assert!(matches!(&late, Err(Error::BadTicket { problem }) if problem.fr.contains("utilisé")), "{late:?}");
    let list: Vec<Commons> = carol.ask(Command::ListCommons).await;
    assert_eq!(list, []);

    // And all of it disturbed nobody.
    let _: Saved = bob.ask(experience("Le verger", "Des pommes.")).await;
    agreed(&[&alice, &bob]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charter_that_was_read_and_not_accepted_is_not_signed_after_a_restart_either() {
    let alice = founder("Alice").await;
    let ticket = alice.invite().await;
    let mut bob = Ally::new("Bob").await;
    let _: essaim_protocol::api::TicketContent =
        bob.ask(Command::ReadTicket(essaim_protocol::api::ReadTicket { ticket: ticket.clone() })).await;
    bob.go_online().await;
    let other = charter_hash("une autre charte");
    let join = essaim_protocol::api::Join { ticket: ticket.clone(), accepted: other, wait_s: 10 };
    let refused = bob.try_ask::<essaim_protocol::api::Joined>(Command::Join(join)).await;
    assert!(matches!(refused, Err(Error::CharterNotAccepted {})), "{refused:?}");
    let allies: Allies = alice.ask(Command::Allies).await;
    assert_eq!(allies.len(), 1);
    bob.join(&ticket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_home_or_store_that_cannot_be_used_says_why_and_stays_as_it_is() {
    let mut ally = founder("Alice").await;
    let saved: Saved = ally.ask(experience("La navette du lac", "Un récit.")).await;
    let locked = open(ally.home()).await;
    assert!(matches!(locked, Err(Error::HomeLocked { pid: Some(_), .. })), "{locked:?}");
    ally.stop().await;

    let store = ally.home().join("commons").join(only_commons(ally.home())).join("store");
    for (file, newer) in [(ally.home().join("version"), "essaim 2"), (store.join("format"), "essaim store 2\n")] {
        let was = fs::read(&file).unwrap();
        fs::write(&file, newer).unwrap();
        let refused = match open(ally.home()).await {
            // Other commons could be asked; this one stays closed.
            Ok(()) => {
                ally.start(false).await;
                let listed = ally.try_ask::<Records>(Command::List(List::default())).await;
                ally.stop().await;
                listed.map(drop)
            }
            refused => refused,
        };
        assert!(matches!(&refused, Err(Error::NewerHome { .. })), "{file:?}: {refused:?}");
        assert_eq!(fs::read(&file).unwrap(), newer.as_bytes());
        fs::write(&file, was).unwrap();
    }

    // Below a file no directory can be made, for root neither.
    let mut nobody = Ally::nobody();
    let file = nobody.home().join("un fichier");
    fs::write(&file, "").unwrap();
    nobody.move_to(file.join("home"));
    nobody.start(false).await;
    let refused = nobody.try_ask::<Identity>(Command::Init(Init { name: "Bob".to_owned() })).await;
    assert!(matches!(&refused, Err(Error::Io { path, .. }) if path.contains("un fichier")), "{refused:?}");

    ally.start(false).await;
    let sheet: Sheet = ally.ask(Command::Show(saved.brief.id.to_string())).await;
    assert_eq!(sheet.brief.title, "La navette du lac");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_everything_is_read_and_nothing_is_half_written() {
    let mut alice = founder("Alice").await;
    let saved: Saved = alice.ask(experience("La navette du lac", "Un récit.")).await;
    let id = saved.brief.id.to_string();
    let before = alice.commons().await;

    alice.leave_free(u64::MAX);
    alice.go_online().await;
    for command in [experience("Le verger", "Des pommes."), set(&id, "title", "Autre chose")] {
        let refused = alice.try_ask::<Saved>(command).await;
        assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");
    }
    let refused = alice.try_invite().await;
    assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");
    let refused = alice.try_ask::<Imported>(one_line()).await;
    assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");
    let another = CreateCommons { name: "Un autre".to_owned(), starter: false, charter: None };
    let refused = alice.try_ask::<Commons>(Command::CreateCommons(another)).await;
    assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");

    let sheet: Sheet = alice.ask(Command::Show(id.clone())).await;
    assert_eq!(sheet.brief.title, "La navette du lac");
    let listed: Records = alice.ask(Command::List(List::default())).await;
    assert_eq!(listed.total, 1);
    let exported: Exported = alice.ask(Command::Export(Export::default())).await;
    assert_eq!(exported.lines.lines().count(), 1);
    assert_eq!(alice.commons().await, before);

    // With room again all goes on, and what was refused left nothing for others to stumble over.
    alice.leave_free(0);
    alice.go_online().await;
    assert_eq!(alice.commons().await, before);
    let bob = Ally::new("Bob").await;
    bob.join(&alice.invite().await).await;
    let _: Saved = alice.ask(set(&id, "title", "La navette des deux rives")).await;
    agreed(&[&alice, &bob]).await;
    let sheet: Sheet = bob.ask(Command::Show(id)).await;
    assert_eq!(sheet.brief.title, "La navette des deux rives");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_were_not_folded_before_the_disk_was_full_are_read_all_the_same() {
    let mut alice = founder("Alice").await;
    let saved: Saved = alice.ask(experience("La navette du lac", "Un récit.")).await;
    alice.stop().await;
    // As when the program was killed before it kept a view.
    let home = Home::open(alice.home()).unwrap();
    let id = home.commons().unwrap()[0];
    let (mut disk, _) = store::open(&store_config(&home.commons_dir(&id), 0)).unwrap();
    disk.clear(Table::Views).unwrap();
    drop((disk, home));
    alice.leave_free(u64::MAX);
    alice.start(false).await;
    let sheet: Sheet = alice.ask(Command::Show(saved.brief.id.to_string())).await;
    assert_eq!(sheet.brief.title, "La navette du lac");
    let listed: Records = alice.ask(Command::List(List::default())).await;
    assert_eq!(listed.total, 1);
}

#[test]
fn with_the_clock_at_1970_and_before_all_works() {
    let year = 365 * 24 * 3_600_000;
    for now in [Timestamp(0), Timestamp(-70 * year), Timestamp(1_778_162_400_000)] {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile { name: "Alice".to_owned(), person: false };
        let home = Home::create(dir.path(), &profile).unwrap();
        let founding = Founding {
            name: Name::new("Patrimoine").unwrap(),
            charter: charter_hash("charte"),
            policy: Policy { vouches: 2, inviters: Inviters::Allies },
            founder: Card {
                kind: AllyKind::Organisation,
                name: Name::new("Alice").unwrap(),
                recovery: RecoveryHash::NONE,
            },
        };
        let place = |id: &_| home.commons_dir(id);
        let mut desk = Desk::found(place, home.keys().clone(), 0, founding, "charte", now).unwrap();
        let fields = |title: &str| [("title".to_owned(), json!(title))].into();
        let saved = desk.create("experience", &fields("La navette du lac"), now).unwrap();
        // The clock is set right, then wrong again: times are claims and decide nothing.
        for later in [Timestamp(1_778_162_400_000), Timestamp(0)] {
            let title = format!("Au temps {later}");
            let edit = essaim_protocol::record::edit::Edit::set("title", json!(title));
            desk.save(&saved.view.record, &[], &[edit], later).unwrap();
            let view = desk.view(&saved.view.record).unwrap().unwrap();
            assert_eq!(view.title(), title);
            assert!(view.conflicts().is_empty() && !view.words(Lang::Fr).labels.is_empty());
        }
        let (id, digest) = (desk.id(), desk.commons().set().digest().hash());
        desk.close();
        drop(desk);
        let desk = Desk::open(&home.commons_dir(&id), id, home.keys().clone(), 0).unwrap();
        assert_eq!(desk.commons().set().digest().hash(), digest);
    }
}

async fn founder(name: &str) -> Ally {
    let ally = Ally::new(name).await;
    ally.found("Patrimoine", false).await;
    ally
}

async fn import(ally: &Ally, lines: &[String]) -> Imported {
    ally.ask(Command::Import(Import { lines: lines.join("\n").into_bytes() })).await
}

fn one_line() -> Command {
    Command::Import(Import { lines: json!({"kind": "experience", "title": "Une ligne"}).to_string().into_bytes() })
}

/// A second node on a home.
async fn open(home: &Path) -> Result<(), Error> {
    let node = Node::start(Config::new(home)).await?;
    node.shutdown().await;
    Ok(())
}

fn only_commons(home: &Path) -> PathBuf {
    let found = fs::read_dir(home.join("commons")).unwrap().next().unwrap().unwrap();
    PathBuf::from(found.file_name())
}
