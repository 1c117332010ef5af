//! The rehearsal, run as anybody runs it.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use essaim_tests::plain;

fn essaim(args: &[&str], home: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"));
    command.args(["--lang", "fr"]).args(args).env("NO_COLOR", "1");
    if let Some(home) = home {
        command.arg("--home").arg(home);
    }
    command.output().unwrap()
}

/// Each step is a line, in order, with its counts, bytes and times. `#` stands for a figure, `*` for any words.
const STEPS: [&str; 16] = [
    "• Commune de Valombre (fictive) fonde « Vallées en transition (répétition) » et adopte le patrimoine de départ : 260 fiches, en # ms",
    "• CC des Trois Rivières (fictive) entre avec le ticket et reçoit 260 fiches : # *, en # ms",
    "• Association Les Semeuses (fictive) entre avec le ticket et reçoit 260 fiches : # *, en # ms",
    "• Commune de Valombre (fictive) écrit « Une navette à la demande entre deux vallées »",
    "• CC des Trois Rivières (fictive) écrit « Un café du marché pour parler mobilité »",
    "• Association Les Semeuses (fictive) écrit « Semer une haie avec l'école du village »",
    "• échange : # *, # *, # *, en # ms",
    "• le réseau est coupé : *",
    "• Commune de Valombre (fictive) modifie « Une navette à la demande entre deux vallées » : *",
    "• CC des Trois Rivières (fictive) modifie « Une navette à la demande entre deux vallées » : *",
    "• le réseau revient",
    "• échange : # *, # *, # *, en # ms",
    "• les trois contiennent la même chose : les empreintes de tout ce qu'ils tiennent sont égales",
    "• désaccord gardé dans « Une navette à la demande entre deux vallées », *",
    "• recherche « élus mobilité » : # fiche*, en # ms",
    "• recherche « récits coopération » : # fiche*, en # ms",
];

fn tells_every_step(said: &str) {
    let mut lines = said.lines();
    for step in STEPS {
        assert!(lines.any(|line| fits(step, line)), "{step}\nis not said, or not in its place:\n{said}");
    }
}

/// Whether a line is what a step says.
fn fits(step: &str, line: &str) -> bool {
    match step.find(['#', '*']) {
        None => step == line,
        Some(at) => line.strip_prefix(&step[..at]).is_some_and(|rest| {
            let (after, figure) = (&step[at + 1..], step[at..].starts_with('#'));
            let ends = rest.char_indices().map(|(end, _)| end).chain([rest.len()]);
            ends.take_while(|end| !figure || is_figure(&rest[..*end])).any(|end| fits(after, &rest[end..]))
        }),
    }
}

/// Digits, in groups of three, with a comma.
fn is_figure(text: &str) -> bool {
    !text.starts_with([',', ' ']) && text.chars().all(|c| c.is_ascii_digit() || c == ',' || c == ' ')
}

#[test]
fn a_rehearsal_ends_with_a_kept_disagreement_over_a_value_and_a_paragraph() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("ma répétition");
    let demo = essaim(&["demo", "--keep", place.to_str().unwrap()], None);
    let said = String::from_utf8_lossy(&demo.stdout);
    assert_eq!(demo.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&demo.stderr));
    tells_every_step(&plain(&said));
    let next = plain(&String::from_utf8_lossy(&demo.stderr));
    assert!(next.contains(&format!("essaim --home '{}' status", place.join("1").display())), "quoted: {next}");
    assert!(next.contains("2 et 3 sont les deux autres"), "{next}");
    let digests = ["1", "2", "3"].map(|number| {
        let shown = essaim(&["commons", "show", "--json"], Some(&place.join(number)));
        serde_json::from_slice::<serde_json::Value>(&shown.stdout).unwrap()["digest"].as_str().unwrap().to_owned()
    });
    assert!(digests[0].len() > 40 && digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
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
