//! Every mistake that a person can make at the command line, in a French session: no word of another language.
//!
//! What a person typed comes back as it was typed, and names of files, fields, codes and commands are names. All else is
//! looked through for words that only English has.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::fs;
use std::path::Path;
use std::process::Command;

use essaim_tests::french::is_english;

#[test]
fn no_mistake_is_answered_in_english() {
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path();
    for (name, text) in [
        ("coupe.json", "{\"title\": "),
        ("faux.json", "{\"title\": oui}"),
        ("liste.json", "[1, 2]"),
        (
            "sorte.json",
            "{\"title\": [\"x\"], \"recette\": 1, \"outcome\": \"marchay\", \"period\": {\"from\": \"hier\"}}",
        ),
        ("vide.md", ""),
        ("sans-fin.md", "---\ntitle: x\n"),
        ("champ.md", "---\nrecette: x\ntitre: x\ntitre: y\n: z\n  | suite\n---\nperdu\n## Recette\nx\n"),
        ("binaire", "\u{0}\u{1}"),
        ("lignes.jsonl", LINES),
    ] {
        fs::write(work.join(name), text).unwrap();
    }
    fs::write(work.join("latin1.md"), b"---\ntitle: \xe9t\xe9\n---\n").unwrap();
    // Before there is an identity, then before there is a commons, then with one.
    let mut said = Said::new(work);
    for command in ["list", "status", "doctor", "new experience --set title=x", "init", "commons create X", "sync"] {
        said.hear(command);
    }
    for name in ["", " ", "\u{1b}[2J", &"a".repeat(1_001)] {
        said.run(&["init", "--name", name]);
    }
    said.hear("init --name Alice");
    for command in ["init --name Bob", "list", "invite", "sync --wait 1", "commons show", "allies", "search x"] {
        said.hear(command);
    }
    said.hear("commons create Vallées");
    said.hear("commons create Vallées");
    for command in MISTAKES {
        said.hear(command);
    }
    fs::write(work.join("long.json"), format!("{{\"title\": \"x\", \"story\": \"{}\"}}", "x".repeat(400_000))).unwrap();
    said.hear("new experience --from long.json");
    said.run(&["search", &"x".repeat(1_001)]);
    said.run(&["search", &"x ".repeat(65)]);
    damage(&work.join("home"), &mut said);
    assert!(said.failed > 60, "{} commands failed: the table is not worth much", said.failed);
    assert!(said.english.is_empty(), "{}", said.english.join("\n"));
}

/// One mistake each, words parted by spaces.
const MISTAKES: &[&str] = &[
    "",
    "serch x",
    "show",
    "show 7k2m",
    "show ü",
    "log 7k2m",
    "edit 7k2m --set title=x",
    "edit 7k2m",
    "new",
    "new recette --set title=x",
    "new experience",
    "new experience --set title",
    "new experience --set recette=x",
    "new experience --set titel=x",
    "new experience --set outcome=marchay",
    "new experience --set period/from=hier",
    "new experience --set authors=personne",
    "new experience --set links=ici",
    "new experience --set population=beaucoup",
    "new experience --territory Nullepart",
    "new experience --territory Saint-Martin",
    "new experience --draft --territory Gruissan",
    "new experience --draft --set titel=x",
    "new experience --from rien.md",
    "new experience --from .",
    "new experience --from vide.md",
    "new experience --from sans-fin.md",
    "new experience --from champ.md",
    "new experience --from binaire",
    "new experience --from latin1.md",
    "new experience --from coupe.json",
    "new experience --from faux.json",
    "new experience --from liste.json",
    "new experience --from sorte.json",
    "import rien.jsonl",
    "import .",
    "import lignes.jsonl",
    "import binaire",
    "export csv",
    "export jsonl /nulle/part",
    "export jsonl .",
    "list --limit beaucoup",
    "list --limit -1",
    "list --theme",
    "list --facet rural",
    "list --facet recette=x",
    "list --territory Nullepart",
    "list recette",
    "search recette:x",
    "search --jsn",
    "search --like 7k2m",
    "conflicts 7k2m",
    "settle",
    "settle 7k2m outcome",
    "settle 7k2m outcome --keep A",
    "settle 7k2m outcome --keep A --both",
    "allies show Personne",
    "commons show Ailleurs",
    "commons create",
    "commons create \u{1b}[2J",
    "commons create Y --charter rien.md",
    "--commons Ailleurs list",
    "--lang de list",
    "--home",
    "--home coupe.json list",
    "join",
    "join essaim1abc",
    "join bonjour --accept-charter",
    "join essaim2abc --accept-charter",
    "invite --expires demain",
    "invite --uses 0",
    "invite --uses beaucoup",
    "invite --role reine",
    "sync Personne --wait 1",
    "sync --wait 1",
    "sync --wait demain",
    "up --http ici",
    "up --no-open --http 192.0.2.1:80",
    "up --no-open --no-mdns --listen ici",
    "up --no-open --no-mdns --listen /ip4/192.0.2.1/tcp/1",
    "completions tortue",
];

/// One mistake a line.
const LINES: &str = r#"{"kind": "experience", "title":
{"kind": }
{"kind" "a"}
{"kind": "experience" "title": "x"}
{"kind": "experience", "tags": ["a" "b"]}
{"kind": "experience", "tags": ["a",]}
{"kind": "experience"} {}
{kind: "experience"}
{"kind": "experience", "title": "a	b"}
{"kind": "experience", "title": "\x"}
{"kind": "experience", "title": 01}
{"kind": "experience", "title": truc}
{"kind": "experience", "title": 1e999}
{"kind": "experience", "title": "\ud800"}
[]
1
{}
{"kind": "recette", "title": "x"}
{"kind": "experience", "title": ["x"]}
{"kind": "experience", "title": "x", "origin": {"system": ""}}
{"kind": "experience", "title": "x", "origin": {"system": "a", "id": "b"}}
{"kind": "experience", "title": "y", "origin": {"system": "a", "id": "b"}}
{"kind": "experience", "title": "x", "period": {"from": "hier"}}
{"kind": "experience", "title": "x", "outcome": "marchay"}
"#;

/// What machines do to a home.
fn damage(home: &Path, said: &mut Said<'_>) {
    let commons = fs::read_dir(home.join("commons")).unwrap().next().unwrap().unwrap().path();
    for (name, text) in [("version", "essaim 9"), ("version", "?"), ("key", "abc"), ("profile.json", "{")] {
        let kept = fs::read(home.join(name)).unwrap();
        fs::write(home.join(name), text).unwrap();
        said.hear("list");
        said.hear("doctor");
        fs::write(home.join(name), kept).unwrap();
    }
    fs::write(home.join("api.json"), "{").unwrap();
    said.hear("list");
    // The database, cut at a third, then overwritten in the middle.
    for file in files(&commons.join("store")) {
        // A store that was begun anew has other files.
        let Ok(kept) = fs::read(&file) else { continue };
        fs::write(&file, &kept[..kept.len() / 3]).unwrap();
        said.hear("doctor");
        said.hear("list");
        let _ = fs::write(&file, kept);
    }
    said.hear("doctor --rebuild");
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// What was answered, and what of it was English.
struct Said<'d> {
    work: &'d Path,
    failed: usize,
    english: Vec<String>,
}

impl<'d> Said<'d> {
    const fn new(work: &'d Path) -> Self {
        Self { work, failed: 0, english: Vec::new() }
    }

    fn hear(&mut self, command: &str) {
        let words: Vec<&str> = command.split_whitespace().collect();
        self.run(&words);
    }

    fn run(&mut self, words: &[&str]) {
        // A command that goes on although it should have refused fails the test instead of holding it up.
        let output = Command::new("timeout")
            .args(["120", env!("CARGO_BIN_EXE_essaim-under-test")])
            .args(words)
            .current_dir(self.work)
            .env("ESSAIM_HOME", self.work.join("home"))
            .env("LANG", "fr_FR.UTF-8")
            .env("NO_COLOR", "1")
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env_remove("VISUAL")
            .env_remove("EDITOR")
            .env_remove("RUST_LOG")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert_ne!(output.status.code(), Some(124), "essaim {words:?} does not end");
        if !output.status.success() {
            self.failed += 1;
        }
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        let what: String = words.join(" ").chars().take(80).collect();
        for line in printed.lines().filter(|line| is_english(line)) {
            self.english.push(format!("essaim {what}\n    {line}"));
        }
    }
}
