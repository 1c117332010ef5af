//! A node that runs, and how it is told to stop.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use essaim_tests::plain;
use essaim_tests::visitor::Visitor;
use reqwest::StatusCode;

/// Starts a node. Gives what it says first.
pub(crate) fn up(home: &Path, more: &[&str]) -> (Child, String) {
    let mut node = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"))
        .arg("--home")
        .arg(home)
        .args(["--lang", "fr", "up", "--no-open", "--no-mdns", "--name", "Cerdd", "--http", "127.0.0.1:0"])
        .args(["--listen", "/ip4/127.0.0.1/tcp/0"])
        .args(more)
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the node starts");
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
