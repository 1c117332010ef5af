//! kill -9 in the middle of writing: what was acknowledged is there, and the store opens without a repair. And in the
//! middle of an import, which is then done again.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use essaim_node::store::{Config, Report, open};
use essaim_protocol::store::Store as _;
use essaim_protocol::store::conformance::Sample;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Times a writer is killed; every fifth begins a new store, so that creating one is killed too.
const KILLS: u64 = 200;

/// The longest pause between an acknowledgement and the kill, so that it comes anywhere in the next write.
const PAUSE: Duration = Duration::from_millis(30);

/// Times an import is killed, and its lines: one takes some seconds.
const IMPORTS: u64 = 10;
const LINES: usize = 2_000;

/// The longest that an import goes on before it is killed: from before it opens the store to far within the file.
const FIRST_SECONDS: Duration = Duration::from_millis(1_500);

#[test]
fn two_hundred_kills_lose_nothing_that_was_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let dir = home.path().join((kill / 5).to_string());
        let first = if kill % 5 == 0 { 0 } else { acknowledged };
        acknowledged = killed_after(&dir, kill, first, kill * 7919 % 23);
        let (mut store, report) = open(&Config { free: 0, ballast: 0, ..Config::new(&dir) }).unwrap();
        assert_eq!(report.repairs, Report::default().repairs, "kill {kill}");
        for n in 0..acknowledged {
            let sample = Sample::new(n);
            let at = store.ordinal(&sample.id()).unwrap();
            let read = at.and_then(|at| store.read(at).unwrap());
            assert_eq!(read, Some((sample.id(), sample.append().bytes.to_vec())), "kill {kill}, entry {n}");
        }
        if kill % 5 == 4 {
            let findings = store.check().unwrap();
            assert!(findings.damaged.is_empty(), "kill {kill}: {:?}", findings.damaged);
            assert_eq!(findings.entries, store.end().0, "kill {kill}");
        }
    }
}

/// Runs a writer from entry `first` on and kills it once it has acknowledged `lines` times; returns the number after the
/// last entry it acknowledged.
fn killed_after(dir: &Path, seed: u64, first: u64, lines: u64) -> u64 {
    let mut writer = Command::new(env!("CARGO_BIN_EXE_store-writer"))
        .arg(dir)
        .args([seed.to_string(), first.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut last = first.to_string();
    for _ in 0..lines {
        last = printed.next().unwrap().unwrap();
    }
    sleep(StdRng::seed_from_u64(seed).random_range(Duration::ZERO..PAUSE));
    // SIGKILL; it goes on writing until the signal arrives, and what it printed by then counts too.
    writer.kill().unwrap();
    writer.wait().unwrap();
    let last = printed.map_while(Result::ok).last().unwrap_or(last);
    last.parse().unwrap()
}

#[test]
fn an_import_that_was_killed_ten_times_is_completed_and_has_every_line_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("fiches.jsonl");
    let titles: BTreeSet<String> = (0..LINES).map(|n| format!("Une cantine, la {n}e")).collect();
    let mut lines = std::fs::File::create(&file).unwrap();
    for title in &titles {
        writeln!(lines, "{}", serde_json::json!({ "kind": "experience", "title": title })).unwrap();
    }
    let essaim = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"));
        command.arg("--home").arg(home.path().join("home")).args(arguments).env("NO_COLOR", "1");
        command
    };
    let done = |arguments: &[&str]| {
        let output = essaim(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    done(&["init", "--name", "Cerdd"]);
    done(&["commons", "create", "Patrimoine"]);
    let file = file.to_str().unwrap();
    let mut moments = StdRng::seed_from_u64(9);
    for _ in 0..IMPORTS {
        let mut import = essaim(&["import", file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(moments.random_range(Duration::ZERO..FIRST_SECONDS));
        import.kill().unwrap();
        import.wait().unwrap();
    }
    done(&["import", file]);
    let exported = String::from_utf8(done(&["export", "jsonl"])).unwrap();
    let title =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["title"].as_str().unwrap().to_owned();
    assert_eq!(exported.lines().count(), LINES);
    assert_eq!(exported.lines().map(title).collect::<BTreeSet<_>>(), titles);
}
