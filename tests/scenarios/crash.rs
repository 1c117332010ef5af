//! kill -9 in the middle of writing: what was acknowledged is there, and the store opens without a repair.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use essaim_node::store::{Config, Report, open};
use essaim_protocol::store::Store as _;
use essaim_protocol::store::conformance::Sample;

/// Times a writer is killed; every fifth begins a new store, so that creating one is killed too.
const KILLS: u64 = 200;

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
    // SIGKILL; it goes on writing until the signal arrives, and what it printed by then counts too.
    writer.kill().unwrap();
    writer.wait().unwrap();
    let last = printed.map_while(Result::ok).last().unwrap_or(last);
    last.parse().unwrap()
}
