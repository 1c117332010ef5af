//! What commands print, to whom, and with which exit code.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use essaim_node::home::Home;
use essaim_node::keeper::Desk;
use essaim_protocol::entry::{Change, Entry};
use essaim_protocol::record::edit;
use essaim_protocol::sign::Verified;
use essaim_protocol::time::Timestamp;
use essaim_tests::cluster::Ally;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// More records than are made readable before a search answers.
const MANY: u16 = 600;

fn essaim(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"));
    command.arg("--home").arg(home).args(["--lang", "fr"]).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn run(home: &Path, args: &[&str]) -> Output {
    essaim(home).args(args).output().unwrap()
}

fn ok(home: &Path, args: &[&str]) -> String {
    let output = run(home, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_does_not_reach_standard_output_is_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["init", "--name", "Valombre"]);
    ok(dir.path(), &["commons", "create", "Vallées"]);
    ok(dir.path(), &["new", "experience", "--set", "title=Une navette"]);
    for args in [
        &["export", "jsonl"][..],
        &["list", "--json"],
        &["list", "-q"],
        &["digest"],
        &["agenda", "--ics"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let full = essaim(dir.path()).args(args).stdout(File::create("/dev/full").unwrap()).output().unwrap();
        let said = String::from_utf8_lossy(&full.stderr);
        assert_eq!(full.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("la sortie standard"), "{args:?}: {said}");
    }
}

#[test]
fn a_reader_that_hangs_up_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = essaim(dir.path());
    let mut child =
        command.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filtered_export_waits_for_what_has_just_come() {
    let mut ally = Ally::new("Commune de Gruissan").await;
    ally.found("Patrimoine", false).await;
    ally.stop().await;
    {
        let home = Home::open(ally.home()).unwrap();
        let id = home.commons().unwrap()[0];
        let mut desk = Desk::open(&home.commons_dir(&id), id, home.keys().clone(), 0).unwrap();
        let frontier = desk.roster().frontier(home.keys(), NOW).unwrap().id;
        let change = |n: u16| {
            let fields = BTreeMap::from([("title".to_owned(), json!(format!("Le verger {n}")))]);
            let mut seed = [0; 32];
            seed[..2].copy_from_slice(&n.to_be_bytes());
            let draft = edit::create("experience", &fields, seed, NOW).unwrap();
            let change = Change::seal(&draft, home.keys(), desk.id(), frontier, None).unwrap().into_inner();
            Verified::trusted(Entry::Change(change))
        };
        let changes = (0..MANY).map(change).collect();
        desk.take_in(changes, NOW).unwrap();
        assert_eq!(desk.stale(), usize::from(MANY));
    }
    let lines = ok(ally.home(), &["export", "jsonl", "--facet", "kind=experience"]);
    assert_eq!(lines.lines().count(), usize::from(MANY));
}
