//! Disks that are really full, or taken away from writers: small ones, mounted for the purpose.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::path::Path;
use std::process::{Command as Process, Output};

use essaim_node::{Config, Node};
use essaim_protocol::api::{
    Check, Command, Diagnosis, Doctor, Error, Export, Exported, Health, Import, Imported, Records, Saved, Search, Sync,
    Synced,
};
use essaim_protocol::id::base32;
use essaim_tests::cluster::{Ally, agreed, experience, until};
use essaim_tests::disk::SmallDisk;
use serde_json::json;

/// Size of the disk: room for a home, its reserve, and some megabytes of records.
const DISK: u64 = 48 << 20;

/// Bytes of one record's story: large, so that few fill the disk, and of no use to a compressor.
const STORY: usize = 24_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_the_disk_was_full_is_there_and_with_room_all_goes_on() {
    let Some(disk) = SmallDisk::new(DISK) else { return };
    let mut alice = Ally::new_at(disk.path().join("alice"), "Alice").await;
    alice.found("Patrimoine", false).await;
    disk.fill(2 << 20);
    let mut acknowledged = 0;
    let refused = loop {
        match alice.try_ask::<Imported>(import(acknowledged, 5)).await {
            Ok(imported) => {
                acknowledged += imported.created;
                // What was searched before is in the index; with no room nothing can be added to it.
                let _: Records = alice.ask(Command::Search(Search::default())).await;
            }
            Err(refused) => break refused,
        }
        assert!(acknowledged < 10_000, "the disk is never full");
    };
    let Error::DiskFull { path, .. } = &refused else { panic!("{refused:?}") };
    assert!(path.starts_with(disk.path().to_str().unwrap()), "{path}");
    assert!(acknowledged > 0);
    disk.fill(0);
    let all_read = async |alice: &Ally| {
        let exported: Exported = alice.ask(Command::Export(Export::default())).await;
        for n in 0..acknowledged {
            assert!(exported.lines.contains(&format!("\"{}\"", title(n))), "record {n} of {acknowledged} is lost");
        }
    };
    all_read(&alice).await;
    let refused = alice.try_ask::<Saved>(experience("Le verger", "Des pommes.")).await.unwrap_err();
    assert!(matches!(refused, Error::DiskFull { .. } | Error::ReadOnly { .. }), "{refused:?}");

    // It opens and reads on the full disk as well, and finds.
    alice.go_offline().await;
    all_read(&alice).await;
    let found: Records = alice.ask(Command::Search(Search { q: title(0).parse().unwrap(), ..Search::default() })).await;
    assert!(found.total > 0, "{found:?}");

    disk.clear();
    alice.go_online().await;
    all_read(&alice).await;
    let _: Saved = alice.ask(experience("Le verger", "Des pommes.")).await;
    // That the reserve was given up is told once.
    for health in [Health::Warning, Health::Ok] {
        let diagnosis: Diagnosis = alice.ask(Command::Doctor(Doctor::default())).await;
        let log = diagnosis.checks.iter().find(|checked| checked.check == Check::Log).unwrap();
        assert_eq!(log.health, health, "{log:?}");
    }
    let bob = Ally::new("Bob").await;
    bob.join(&alice.invite().await).await;
    agreed(&[&alice, &bob]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_index_had_no_room_for_is_found_once_there_is_without_a_restart() {
    let Some(disk) = SmallDisk::new(DISK) else { return };
    let mut alice = Ally::new("Alice").await;
    alice.found("Patrimoine", false).await;
    alice.stop().await;
    // The index alone is on the disk that fills up.
    let commons = std::fs::read_dir(alice.home().join("commons")).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(commons.join("index"), alice.home().join("index")).unwrap();
    std::os::unix::fs::symlink(disk.path(), commons.join("index")).unwrap();
    alice.start(false).await;
    let _: Imported = alice.ask(import(0, 5)).await;
    let search = async |alice: &Ally| -> Records { alice.ask(Command::Search(Search::default())).await };
    let found = search(&alice).await;
    assert_eq!((found.total, found.lacking.outdated), (5, false));

    disk.fill(0);
    let _: Imported = alice.ask(import(5, 5)).await;
    for _ in 0..3 {
        let found = search(&alice).await;
        assert_eq!((found.total, found.lacking.outdated), (5, true), "what was found before is found");
    }
    disk.clear();
    let all = until("all is found", async || Some(search(&alice).await).filter(|found| !found.lacking.outdated)).await;
    assert_eq!(all.total, 10);
    let _: Saved = alice.ask(experience("Le verger", "Des pommes.")).await;
    assert_eq!(search(&alice).await.total, 11);
    alice.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn syncing_into_a_full_disk_fails_cleanly_and_goes_on_with_room() {
    let Some(disk) = SmallDisk::new(DISK) else { return };
    let mut alice = Ally::new("Alice").await;
    alice.found("Patrimoine", false).await;
    let mut bob = Ally::new_at(disk.path().join("bob"), "Bob").await;
    bob.join(&alice.invite().await).await;

    // The disk has a little room, but less than a node leaves free: nothing is tried, and it goes on by itself.
    bob.stop().await;
    disk.fill(4 << 20);
    bob.leave_free(32 << 20);
    let _: Imported = alice.ask(import(0, 10)).await;
    bob.start(true).await;
    refused_by_the_disk(&bob).await;
    disk.clear();
    agreed(&[&alice, &bob]).await;

    // The disk fills up while entries arrive.
    alice.go_offline().await;
    let _: Imported = alice.ask(import(10, 80)).await;
    bob.leave_free(0);
    bob.go_online().await;
    disk.fill(1 << 19);
    alice.go_online().await;
    refused_by_the_disk(&bob).await;
    bob.stop().await;
    disk.clear();
    bob.start(true).await;
    agreed(&[&alice, &bob]).await;
    let _: Saved = bob.ask(experience("Le verger", "Des pommes.")).await;
    agreed(&[&alice, &bob]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_mounted_read_only_is_named_and_left_as_it_is() {
    let Some(disk) = SmallDisk::new(DISK) else { return };
    let home = disk.path().join("alice");
    let mut alice = Ally::new_at(home.clone(), "Alice").await;
    alice.found("Patrimoine", false).await;
    let _: Imported = alice.ask(import(0, 3)).await;
    let before = alice.commons().await;
    alice.stop().await;

    disk.set_read_only(true);
    let refused = Node::start(Config::new(&home)).await.unwrap_err();
    assert!(
        matches!(&refused, Error::ReadOnlyDisk { path } if path.starts_with(home.to_str().unwrap())),
        "{refused:?}"
    );
    for (lang, says, next) in [
        ("fr", "est sur un disque en lecture seule", "→ remontez le disque en écriture"),
        ("en", "is on a disk mounted read-only", "→ mount the disk for writing"),
    ] {
        for command in [&["list"][..], &["new", "experience", "--set", "title=Le verger"], &["init", "--name", "Bob"]] {
            let (code, said) = essaim(&home, lang, command);
            assert_eq!(code, Some(1), "{said}");
            assert!(said.contains(says) && said.contains(next) && said.contains(home.to_str().unwrap()), "{said}");
        }
    }
    disk.set_read_only(false);
    alice.start(false).await;
    assert_eq!(alice.commons().await, before);
    let _: Saved = alice.ask(experience("Le verger", "Des pommes.")).await;
}

#[test]
fn the_command_line_says_that_the_disk_is_full_where_and_what_to_do() {
    let Some(disk) = SmallDisk::new(DISK) else { return };
    let home = disk.path().join("alice");
    let (code, said) = essaim(&home, "fr", &["init", "--name", "Alice"]);
    assert_eq!(code, Some(0), "{said}");
    // Smaller than the room that a node leaves free.
    for (lang, says, next) in
        [("fr", "✗ le disque est plein (", "→ libérez au moins "), ("en", "✗ the disk is full (", "→ make at least ")]
    {
        let (code, said) = essaim(&home, lang, &["commons", "create", "Patrimoine"]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(says) && said.contains(next) && said.contains(home.to_str().unwrap()), "{said}");
    }
    disk.fill(0);
    let (code, said) = essaim(&disk.path().join("bob"), "fr", &["init", "--name", "Bob"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("✗ le disque est plein (") && said.contains("→ libérez de la place"), "{said}");
    let (code, said) = essaim(&home, "fr", &["status"]);
    assert_eq!(code, Some(0), "reading needs no room: {said}");
}

/// Bob asks for what alice has, until his disk refuses.
async fn refused_by_the_disk(bob: &Ally) {
    let refused = until("the disk refuses", async || {
        let sync = Command::Sync(Sync { peer: None, wait_s: 10 });
        bob.try_ask::<Synced>(sync).await.err().filter(|error| !matches!(error, Error::NoPeer { .. }))
    });
    let refused = refused.await;
    assert!(matches!(refused, Error::DiskFull { .. } | Error::ReadOnly { .. }), "{refused:?}");
}

fn title(n: u64) -> String {
    format!("Récit numéro {n}")
}

/// So many experiences, from this number on.
fn import(first: u64, count: u64) -> Command {
    let line = |n: u64| {
        let mut story = vec![0; STORY * 5 / 8];
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut story);
        json!({"id": format!("experience:{n}"), "kind": "experience", "title": title(n), "story": base32(&story)})
    };
    let lines: Vec<String> = (first..first + count).map(|n| line(n).to_string()).collect();
    Command::Import(Import { lines: lines.join("\n").into_bytes() })
}

/// Runs a command; its exit code and what it printed.
fn essaim(home: &Path, lang: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Process::new(env!("CARGO_BIN_EXE_essaim-under-test"));
    command.arg("--home").arg(home).args(["--lang", lang]).args(arguments).env("NO_COLOR", "1");
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), [String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)].concat())
}
