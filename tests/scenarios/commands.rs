//! What commands print, to whom, and with which exit code.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command as Process, Output, Stdio};

use essaim_node::home::Home;
use essaim_node::keeper::Desk;
use essaim_protocol::api::{Command, Edit, Log, Saved, Setting};
use essaim_protocol::entry::{Change, Entry};
use essaim_protocol::record::edit;
use essaim_protocol::sign::Verified;
use essaim_protocol::time::Timestamp;
use essaim_tests::cluster::{Ally, experience};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// More records than are made readable before a search answers.
const MANY: u16 = 600;

fn essaim(home: &Path) -> Process {
    let mut command = Process::new(env!("CARGO_BIN_EXE_essaim-under-test"));
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

#[test]
fn every_command_that_lists_or_shows_prints_one_json_value() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let file = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(file("a.jsonl"), "{\"kind\": \"experience\", \"id\": \"experience:a\", \"title\": \"Un verger\"}\n")
        .unwrap();
    let json = |args: &[&str]| json_of(&home, args);
    let brief = &["id", "kind", "title", "summary", "territory", "updated_at"][..];
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    has(&json(&["init", "--name", "Valombre"]), &["name", "home"], &["init"]);
    has(&json(&["commons", "create", "Vallées"]), &["id", "name", "records"], &["commons create"]);
    let written = json(&["new", "experience", "--set", "title=Une navette", "--territory", "Gruissan"]);
    has(&written, brief, &["new"]);
    let id = id(&written);
    has(&json(&["edit", &id, "--set", "themes=mobility"]), &["id", "change", "fields"], &["edit"]);
    let (export, site, bad) = (file("b.jsonl"), file("site"), file("a.jsonl"));
    for (args, keys) in [
        (&["commons"][..], &["id", "name", "allies", "records", "conflicts", "digest"][..]),
        (&["commons", "show"], &["id", "charter_text"]),
        (&["allies"], &["id", "name", "state"]),
        (&["allies", "show", "Valombre"], &["id", "name", "devices"]),
        (&["status"], &["identity", "commons", "peers", "todo", "disk_bytes", "network"]),
        (&["show", &id], &["id", "fields", "disagreements", "citation"]),
        (&["list", "experience"], brief),
        (&["search", "navette"], brief),
        (&["search", "navette", "--facets"], &["name", "label", "values"]),
        (&["log", &id], &["id", "versions"]),
        (&["diff", &id], &["field", "label", "before", "after"]),
        (&["digest"], &["records"]),
        (&["invite"], &["ticket", "commons", "expires_at"]),
        (&["import", &bad], &["created", "updated", "unchanged", "bad"]),
        (&["export", "jsonl", &export], &["records", "file"]),
        (&["serve-site", &site], &["directory", "records"]),
        (&["doctor"], &["checks", "rebuilt"]),
        (&["new", "experience", "--draft", "--set", "title=x"], &["draft"]),
        (&["archive", &id], &["id", "change"]),
    ] {
        has(&json(args), keys, args);
    }
    for nothing in [&["conflicts"][..], &["inbox"], &["agenda"], &["search", "zzzz"]] {
        assert_eq!(json(nothing), json!([]), "{nothing:?}");
    }
}

fn json_of(home: &Path, args: &[&str]) -> Value {
    let said = ok(home, &[args, &["--json"]].concat());
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{args:?}: {error} in {said}"))
}

/// A value, or the first of a list, has these keys.
fn has(value: &Value, keys: &[&str], of: &[&str]) {
    let one = value.as_array().map_or(value, |all| all.first().unwrap_or_else(|| panic!("{of:?} lists nothing")));
    keys.iter().for_each(|key| assert!(one.get(key).is_some(), "{of:?}: {key} in {one}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_between_allies_print_one_json_value_too() {
    let valombre = Ally::new("Commune de Valombre").await;
    valombre.found("Vallées", false).await;
    let shuttle: Saved = valombre.ask(experience("Une navette", "Personne ne réservait.")).await;
    let id = shuttle.brief.id.to_string();
    let base = valombre.ask::<Log>(Command::Log(id.clone())).await.versions[0].change;
    for outcome in ["achieved", "did_not_work"] {
        let set = vec![Setting { field: "outcome".to_owned(), value: outcome.to_owned() }];
        let edit = Edit { record: id.clone(), base: vec![base], form: None, set, territories: vec![] };
        valombre.ask::<Saved>(Command::Edit(edit)).await;
    }
    let (theirs, ours) = (tempfile::tempdir().unwrap(), valombre.home());
    let gathering = ["new", "gathering", "--set", "title=Assemblée", "--set", "starts=2099-05-30"];
    has(&json_of(ours, &gathering), &["id", "kind", "title"], &gathering);
    ok(theirs.path(), &["init", "--name", "Les Semeuses"]);
    let ticket = valombre.invite().await;
    let joined = json_of(theirs.path(), &["join", &ticket, "--accept-charter"]);
    has(&joined, &["commons", "admitted", "synced"], &["join"]);
    assert_eq!((&joined["admitted"], &joined["commons"]["allies"]), (&json!(true), &json!(2)), "{joined}");

    let level = ["ally", "commons", "ended", "received", "sent", "traffic", "ms"];
    let synced = json_of(theirs.path(), &["sync"]);
    has(&synced["peers"], &level, &["sync"]);
    assert_eq!(synced["peers"][0]["ended"], "in_sync", "{synced}");
    for home in [theirs.path(), ours] {
        let conflicts = json_of(home, &["conflicts"]);
        has(&conflicts, &["record", "kind", "title", "field", "label", "values"], &["conflicts"]);
        has(&conflicts[0]["values"], &["value", "ally"], &["conflicts"]);
        has(&json_of(home, &["agenda"]), &["id", "title", "when", "form", "online"], &["agenda"]);
        has(&json_of(home, &["status"])["peers"], &["ally", "commons", "network", "connected", "sync"], &["status"]);
    }
    let item = ["item", "why", "read", "id", "title", "field"];
    has(&json_of(ours, &["inbox"]), &item, &["inbox"]);
    assert_eq!(json_of(ours, &["inbox", "done", "--all"]), json!([]), "what is left to look at");
    assert_eq!(json_of(ours, &["inbox", "show", "--all"])[0]["read"], true);
    has(&json_of(ours, &["settle", &id, "outcome", "--keep", "A"]), &["id", "change", "fields"], &["settle"]);
    assert_eq!(json_of(ours, &["conflicts"]), json!([]));
}

#[test]
fn with_q_nothing_but_ids_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["init", "--name", "Valombre"]);
    ok(dir.path(), &["commons", "create", "Vallées"]);
    let id = ok(dir.path(), &["new", "experience", "--set", "title=Une navette", "-q"]);
    assert_eq!(ok(dir.path(), &["list", "-q"]), id);
    assert_eq!(id.trim().len(), 52);
    assert_eq!(ok(dir.path(), &["doctor", "-q"]), "");
    let commons = ok(dir.path(), &["status", "-q"]);
    assert_eq!(ok(dir.path(), &["commons", "-q"]), commons);
    assert!(ok(dir.path(), &["search", "navette", "--facets", "-q"]).lines().any(|line| line == "kind:experience"));
    let draft = ok(dir.path(), &["new", "experience", "--draft", "--set", "title=x", "-q"]);
    assert!(Path::new(draft.trim()).exists(), "{draft}");
}

#[test]
fn values_that_are_too_many_to_show_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["init", "--name", "Valombre"]);
    ok(dir.path(), &["commons", "create", "Vallées"]);
    let tags: Vec<String> = (1..=61).map(|n| format!("mot{n}")).collect();
    let record = dir.path().join("fiches.jsonl");
    let line = json!({"id": "experience:verger", "kind": "experience", "title": "Le verger", "tags": tags});
    std::fs::write(&record, format!("{line}\n")).unwrap();
    ok(dir.path(), &["import", record.to_str().unwrap()]);
    let said = ok(dir.path(), &["search", "verger", "--facets"]);
    assert!(said.lines().any(|line| line.trim() == "et 11 autres"), "{said}");
}

#[test]
fn a_draft_does_not_lose_what_has_no_place_in_it() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["init", "--name", "Valombre"]);
    ok(dir.path(), &["commons", "create", "Vallées"]);
    let path = dir.path().join("fiche.json");
    let origin = json!({"system": "tableur", "id": "12"});
    std::fs::write(&path, json!({"title": "Une navette", "origin": origin}).to_string()).unwrap();
    let new = run(dir.path(), &["new", "experience", "--draft", "--from", path.to_str().unwrap()]);
    let said = String::from_utf8(new.stderr).unwrap();
    assert_eq!(new.status.code(), Some(1), "{said}");
    assert!(said.contains("ne s’écrit pas à la main") && said.to_lowercase().contains("origine"), "{said}");
}

#[test]
fn with_q_what_is_wrong_is_said_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["init", "--name", "Valombre"]);
    ok(dir.path(), &["commons", "create", "Vallées"]);
    ok(dir.path(), &["new", "experience", "--set", "title=Une navette"]);
    let commons = std::fs::read_dir(dir.path().join("commons")).unwrap().next().unwrap().unwrap();
    let conf = File::options().write(true).open(commons.path().join("store/database/conf")).unwrap();
    conf.set_len(20).unwrap();
    let doctor = run(dir.path(), &["doctor", "-q"]);
    let said = String::from_utf8(doctor.stdout).unwrap();
    assert_eq!(doctor.status.code(), Some(4), "{said}");
    assert!(said.lines().any(|line| line.starts_with("✗ Entrées (Vallées)")), "{said}");
    assert!(!said.contains('✓') && !said.contains('→'), "nothing of what is sound, and no advice: {said}");
    let sync = run(dir.path(), &["sync", "-q"]);
    assert_eq!(sync.status.code(), Some(3));
    assert!(!sync.stdout.is_empty(), "nobody was there, and that is said");
}

#[test]
fn a_json_file_kept_as_a_draft_is_a_text_to_go_on_with() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["init", "--name", "Valombre"]);
    ok(dir.path(), &["commons", "create", "Vallées"]);
    let json = dir.path().join("x.json");
    std::fs::write(&json, "{\"title\": \"Une navette\"}").unwrap();
    let draft = ok(dir.path(), &["new", "experience", "--draft", "--from", json.to_str().unwrap(), "-q"]);
    ok(dir.path(), &["new", "experience", "--from", draft.trim()]);
    assert!(ok(dir.path(), &["list"]).contains("Une navette"));
}

#[test]
fn a_home_that_another_program_holds_is_told_in_words() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["init", "--name", "Valombre"]);
    let held = Home::open(dir.path()).unwrap();
    let refused = run(dir.path(), &["list"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("un autre essaim utilise") && said.contains(&std::process::id().to_string()), "{said}");
    assert!(said.contains("Ctrl-C"), "{said}");
    drop(held);
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
            let draft = edit::create("experience", &fields, seed, NOW).unwrap().chunk;
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
