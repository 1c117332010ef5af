//! A node that runs, and how it is told to stop.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use essaim_tests::plain;
use essaim_tests::visitor::Visitor;
use reqwest::StatusCode;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A node that keeps to this machine, before it starts.
fn node(home: &Path) -> Command {
    let mut node = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"));
    node.arg("--home")
        .arg(home)
        .args(["--lang", "fr", "up", "--no-open", "--no-mdns", "--http", "127.0.0.1:0"])
        .args(["--listen", "/ip4/127.0.0.1/tcp/0"])
        .env("NO_COLOR", "1")
        .stderr(Stdio::null());
    node
}

/// Starts a node of a name. Gives what it says first.
pub(crate) fn up(home: &Path, more: &[&str]) -> (Child, String) {
    first_line(node(home).args(["--name", "Cerdd"]).args(more))
}

fn first_line(node: &mut Command) -> (Child, String) {
    let mut node = node.stdout(Stdio::piped()).spawn().expect("the node starts");
    let mut said = String::new();
    BufReader::new(node.stdout.take().expect("a piped output")).read_line(&mut said).expect("the node speaks");
    (node, said)
}

/// Tells a node politely to stop. Gives its exit code.
pub(crate) fn kill(mut node: Child) -> Option<i32> {
    let killed = Command::new("kill").args(["-TERM", &node.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    node.wait().expect("it ends").code()
}

#[test]
fn a_polite_kill_stops_a_node_as_ctrl_c_does() {
    let home = tempfile::tempdir().unwrap();
    let (node, said) = up(home.path(), &[]);
    assert!(home.path().join("api.json").exists(), "{said}");
    assert_eq!(kill(node), Some(0));
    assert!(!home.path().join("api.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_opens_the_page_on_the_starter_heritage() {
    let home = tempfile::tempdir().unwrap();
    // The second time, what the first made is there: nothing is founded again.
    for _ in 0..2 {
        let (node, link) = up(home.path(), &["--starter", "-q"]);
        let visitor = Visitor::enter(link.trim()).await;
        let (status, page) = visitor.get("/").await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("Notre patrimoine commun"), "{page}");
        assert!(!page.contains("action=\"/commun\""), "one commons: {page}");
        let (_, found) = visitor.get("/recherche?kind=experience").await;
        let experiences = include_str!("../../node/data/heritage.jsonl").matches("\"kind\": \"experience\"").count();
        assert!(experiences > 0 && plain(&found).contains(&format!("{experiences} fiches")), "{experiences}: {found}");
        assert_eq!(kill(node), Some(0));
    }
}

/// A terminal: the side of the person, and that of the program.
fn terminal() -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&person).and_then(|()| unlockpt(&person)).expect("it opens");
    let name = ptsname(&person, Vec::new()).expect("it has a name");
    let program = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other side");
    (person.into(), program.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_asks_for_a_name_and_opens_the_page() {
    let home = tempfile::tempdir().unwrap();
    let (mut person, program) = terminal();
    person.write_all("Commune de Valombre\n".as_bytes()).unwrap();
    let (mut node, link) =
        first_line(node(home.path()).args(["--starter", "-q"]).stdin(program).stderr(Stdio::piped()));
    let mut said = node.stderr.take().expect("a piped output");
    let visitor = Visitor::enter(link.trim()).await;
    let (status, page) = visitor.get("/").await;
    assert!(status == StatusCode::OK && page.contains("Notre patrimoine commun"), "{page}");
    let (_, allies) = visitor.get("/allies").await;
    assert!(allies.contains("Commune de Valombre"), "{allies}");
    assert_eq!(kill(node), Some(0));
    let mut asked = String::new();
    said.read_to_string(&mut asked).expect("it speaks");
    assert_eq!(plain(&asked).matches("Sous quel nom").count(), 1, "{asked}");
}
