//! A node that runs, and how it is told to stop.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

#[test]
fn a_polite_kill_stops_a_node_as_ctrl_c_does() {
    let home = tempfile::tempdir().unwrap();
    let mut node = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"))
        .arg("--home")
        .arg(home.path())
        .args(["--lang", "fr", "up", "--no-open", "--no-mdns", "--name", "Cerdd", "--http", "127.0.0.1:0"])
        .args(["--listen", "/ip4/127.0.0.1/tcp/0"])
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(node.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert!(home.path().join("api.json").exists(), "{said}");
    let killed = Command::new("kill").args(["-TERM", &node.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(node.wait().unwrap().code(), Some(0));
    assert!(!home.path().join("api.json").exists());
}
