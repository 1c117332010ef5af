//! A machine whose battery is empty: its clock begins in 1970.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use essaim_protocol::api;
use essaim_tests::cluster::{Ally, experience};
use essaim_tests::plain;
use serde_json::Value;

/// Builds what shifts the clock of a program it is preloaded into.
fn shift(dir: &Path) -> std::path::PathBuf {
    let built = dir.join("clock.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/harness/clock.c");
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&built).args([source, "-ldl"]).status();
    assert!(done.is_ok_and(|done| done.success()), "the C compiler that a build needs anyway");
    built
}

/// A command of a node for which it is the first of January 1970.
fn in_1970(dir: &Path, args: &[&str]) -> Output {
    let behind =
        SystemTime::now().duration_since(UNIX_EPOCH).expect("a machine whose own clock is right").as_secs() - 3600;
    Command::new(env!("CARGO_BIN_EXE_essaim-under-test"))
        .arg("--home")
        .arg(dir.join("home"))
        .args(["--lang", "fr"])
        .args(args)
        .env("NO_COLOR", "1")
        .env("LD_PRELOAD", dir.join("clock.so"))
        .env("SECONDS_BEHIND", behind.to_string())
        .output()
        .expect("the program of this build")
}

fn said(output: &Output) -> String {
    plain(&String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ally_for_whom_it_is_1970_joins_writes_and_syncs_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    shift(dir.path());
    let alice = Ally::new("Commune de Valombre").await;
    alice.found("Vallées", false).await;
    let _: api::Saved = alice.ask(experience("La navette du lac", "Elle roule.")).await;
    let ticket = alice.invite().await;

    let home = dir.path().to_owned();
    let run = async |args: &[&str], code: i32| {
        let (home, args) = (home.clone(), args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>());
        let work = move || in_1970(&home, &args.iter().map(String::as_str).collect::<Vec<_>>());
        let output = tokio::task::spawn_blocking(work).await.unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        output
    };
    run(&["init", "--name", "Association Les Semeuses"], 0).await;
    run(&["join", &ticket, "--accept-charter"], 0).await;
    run(&["new", "experience", "--set", "title=Une grainothèque", "--set", "outcome=under_way"], 0).await;
    let synced = said(&run(&["sync", "--wait", "30"], 0).await);
    assert!(synced.contains("même contenu des deux côtés"), "{synced}");

    let shown = run(&["commons", "show", "--json"], 0).await;
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let commons = alice.commons().await;
    assert_eq!(shown["digest"], serde_json::to_value(&commons.digest).unwrap());
    assert_eq!(commons.records, 2);
    let doctor = said(&run(&["doctor"], 0).await);
    assert!(doctor.contains("l'horloge dit"), "{doctor}");
    assert!(doctor.contains("1970"), "{doctor}");
}
