//! What commands print, to whom, and with which exit code.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

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
