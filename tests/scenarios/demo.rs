//! The rehearsal, run as anybody runs it.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

fn essaim(args: &[&str], home: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"));
    command.args(["--lang", "fr"]).args(args).env("NO_COLOR", "1");
    if let Some(home) = home {
        command.arg("--home").arg(home);
    }
    command.output().unwrap()
}

#[test]
fn a_rehearsal_ends_with_a_kept_disagreement_over_a_value_and_a_paragraph() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("répétition");
    let demo = essaim(&["demo", "--keep", place.to_str().unwrap()], None);
    let said = String::from_utf8_lossy(&demo.stdout);
    assert_eq!(demo.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&demo.stderr));
    assert!(said.contains("260 fiches"), "{said}");
    for number in ["1", "2", "3"] {
        let home = place.join(number);
        let conflicts = essaim(&["conflicts", "--json"], Some(&home));
        let conflicts: serde_json::Value = serde_json::from_slice(&conflicts.stdout).unwrap();
        let fields: BTreeSet<&str> =
            conflicts.as_array().unwrap().iter().filter_map(|conflict| conflict["field"].as_str()).collect();
        assert_eq!(fields, BTreeSet::from(["outcome", "story"]), "home {number}");
        for conflict in conflicts.as_array().unwrap() {
            let allies: BTreeSet<&str> =
                conflict["values"].as_array().unwrap().iter().filter_map(|value| value["ally"].as_str()).collect();
            assert_eq!(allies.len(), 2, "{conflict}");
        }
    }
    let home = place.join("1");
    let id = essaim(&["conflicts", "-q"], Some(&home)).stdout;
    let id = String::from_utf8(id).unwrap().trim().to_owned();
    // A field is named by its path, or by its label as a keyboard has it.
    for args in [["settle", &id, "story", "--both", "-q"], ["settle", &id, "Où en est-on ?", "--write", "achieved"]] {
        let settled = essaim(&args, Some(&home));
        assert_eq!(settled.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&settled.stderr));
    }
    let left = essaim(&["conflicts", "--json"], Some(&home));
    assert_eq!(String::from_utf8_lossy(&left.stdout).trim(), "[]");
    let sheet = String::from_utf8(essaim(&["show", &id], Some(&home)).stdout).unwrap();
    for kept in ["entre techniciens", "avec trop peu d'habitantes", "Abouti"] {
        assert!(sheet.contains(kept), "{kept} in {sheet}");
    }
}
