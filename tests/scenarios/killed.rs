//! kill -9 of a node that runs, whatever it does: what it answered is there when it runs again, and what it was taking in
//! from an ally comes again.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use essaim_tests::cluster::until;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::running::{kill, up};

/// Homes that are begun, and times that a node is killed on each: once while it makes it, then while it writes.
const HOMES: u64 = 3;
const KILLS: u32 = 10;

/// The longest that a node goes on before it is killed: in the first, it makes a home; in the second, a commons; in the
/// third, a record.
const BEGINS: Duration = Duration::from_millis(400);
const FOUNDS: Duration = Duration::from_millis(300);
const WRITES: Duration = Duration::from_millis(20);

/// The most records that it writes before.
const WRITTEN: usize = 8;

/// The longest that a node goes on joining before it is killed: beyond it, it has joined.
const JOINS: Duration = Duration::from_millis(600);

/// Records that an ally has yet to take in, and the letters of each: some megabytes, which take many frames.
const RECORDS: usize = 800;
const LETTERS: usize = 3_000;

/// A node that runs, and the way to its API.
struct Served {
    node: Child,
    door: Door,
}

#[derive(Clone)]
struct Door {
    client: reqwest::Client,
    origin: String,
    token: String,
}

impl Served {
    fn on(home: &Path) -> Self {
        let (node, link) = up(home, &["-q"]);
        let origin = link.split("/entrer").next().unwrap().to_owned();
        let token = std::fs::read_to_string(home.join("token")).unwrap().trim().to_owned();
        Self { node, door: Door { client: reqwest::Client::new(), origin, token } }
    }

    /// SIGKILL.
    fn dies(mut self) {
        self.node.kill().unwrap();
        self.node.wait().unwrap();
    }
}

impl Door {
    async fn get(&self, path: &str) -> Value {
        let address = format!("{}/api/v1/{path}", self.origin);
        let answer = self.client.get(address).bearer_auth(&self.token).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// The last line of what is answered; an error when the node is gone before it said all.
    async fn post(&self, path: &str, body: &Value) -> Result<Value, reqwest::Error> {
        let address = format!("{}/api/v1/{path}", self.origin);
        let post = self.client.post(address).bearer_auth(&self.token).header("content-type", "application/json");
        let answer = post.body(body.to_string()).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        assert!(status.is_success(), "{path}: {status}: {text}");
        Ok(serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_default())
    }

    async fn ids(&self) -> BTreeSet<String> {
        let records = self.get("records?limit=0").await;
        records.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The digest of the one commons, and how many entries it has.
    async fn held(&self) -> (String, u64) {
        let commons = self.get("commons").await;
        (commons[0]["digest"].as_str().unwrap().to_owned(), commons[0]["entries"].as_u64().unwrap())
    }
}

/// What a node answered before it was gone.
#[derive(Default)]
struct Answered {
    founded: bool,
    ids: BTreeSet<String>,
}

/// Founds a commons unless there is one, and writes, until the node is gone. Counts what it wrote.
async fn write(door: Door, founded: bool, count: Arc<AtomicUsize>) -> Answered {
    let mut answered = Answered { founded, ids: BTreeSet::new() };
    if !founded {
        // A long job that is cut says how far it is, and no answer.
        let job = door.post("commons", &json!({ "name": "Patrimoine", "starter": false })).await.unwrap_or_default();
        assert!(job.get("error").is_none(), "{job}");
        if job.get("answer").is_none() {
            return answered;
        }
    }
    answered.founded = true;
    loop {
        let set = json!([{ "field": "title", "value": format!("Une cantine, la {}e", answered.ids.len()) }]);
        match door.post("records", &json!({ "kind": "experience", "set": set })).await {
            Ok(saved) => {
                assert!(answered.ids.insert(saved["id"].as_str().unwrap().to_owned()));
                count.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => return answered,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_thirty_times_has_whatever_it_answered() {
    let mut moments = StdRng::seed_from_u64(3);
    let mut all = 0;
    for number in 0..HOMES {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("maison");
        let mut begun = begin(&home);
        tokio::time::sleep(moments.random_range(Duration::ZERO..BEGINS)).await;
        begun.kill().unwrap();
        begun.wait().unwrap();
        let mut before = Answered::default();
        for kill in 1..KILLS {
            let node = Served::on(&home);
            let there = !node.door.get("commons").await.as_array().unwrap().is_empty();
            assert!(there || !before.founded, "home {number}, kill {kill}: the commons is gone");
            if there {
                let lost: Vec<_> = before.ids.difference(&node.door.ids().await).cloned().collect();
                assert!(lost.is_empty(), "home {number}, kill {kill}: {lost:?}");
            }
            let count = Arc::<AtomicUsize>::default();
            let writer = tokio::spawn(write(node.door.clone(), there, Arc::clone(&count)));
            let enough = if there { moments.random_range(1..=WRITTEN) } else { 0 };
            while count.load(Ordering::Relaxed) < enough && !writer.is_finished() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let more = if there { WRITES } else { FOUNDS * kill };
            tokio::time::sleep(moments.random_range(Duration::ZERO..more)).await;
            node.dies();
            let answered = writer.await.unwrap();
            before.founded |= answered.founded;
            before.ids.extend(answered.ids);
        }
        let node = Served::on(&home);
        assert!(before.ids.is_subset(&node.door.ids().await), "home {number}");
        assert_eq!(kill(node.node), Some(0));
        all += before.ids.len();
    }
    assert!(all > 30, "only {all} records were written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_ten_times_while_it_joins_is_an_ally_once_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (hers, his) = (dir.path().join("alice"), dir.path().join("bob"));
    let alice = Served::on(&hers);
    alice.door.post("commons", &json!({ "name": "Patrimoine", "starter": true })).await.unwrap();
    let ticket = essaim(&hers, &["invite", "-q"]);
    let mut dice = StdRng::seed_from_u64(7);
    let mut cut = 0;
    for _ in 0..KILLS {
        let bob = Served::on(&his);
        let mut joining = command(&his, &["join", ticket.trim(), "--accept-charter"]).spawn().unwrap();
        tokio::time::sleep(dice.random_range(Duration::ZERO..JOINS)).await;
        bob.dies();
        cut += usize::from(!joining.wait().unwrap().success());
    }
    assert!(cut > 0, "it was never killed while it joined");
    let bob = Served::on(&his);
    let again = command(&his, &["join", ticket.trim(), "--accept-charter"]).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(again.status.success() || said.contains("est déjà ici"), "{said}");
    let whole = until("they hold the same", async || {
        let whole = alice.door.held().await;
        (bob.door.held().await == whole).then_some(whole)
    })
    .await;
    assert!(whole.1 > 260, "{} entries: the heritage is among them", whole.1);
    assert_eq!(alice.door.get("allies").await.as_array().unwrap().len(), 2);
    for node in [alice, bob] {
        assert_eq!(kill(node.node), Some(0));
    }
}

/// Begins to make a home, and says nothing.
fn begin(home: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"));
    command.arg("--home").arg(home).args(["up", "--no-open", "--no-mdns", "--name", "Cerdd", "--http", "127.0.0.1:0"]);
    command.args(["--listen", "/ip4/127.0.0.1/tcp/0"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_essaim-under-test"));
    command.arg("--home").arg(home).args(arguments).env("NO_COLOR", "1").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn essaim(home: &Path, arguments: &[&str]) -> String {
    let output = command(home, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_in_the_middle_of_a_sync_holds_the_same_as_its_ally_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (hers, his) = (dir.path().join("alice"), dir.path().join("bob"));
    let alice = Served::on(&hers);
    alice.door.post("commons", &json!({ "name": "Patrimoine", "starter": false })).await.unwrap();
    let bob = Served::on(&his);
    essaim(&his, &["join", essaim(&hers, &["invite", "-q"]).trim(), "--accept-charter"]);
    assert_eq!(kill(bob.node), Some(0));

    let file = dir.path().join("fiches.jsonl");
    let mut lines = std::fs::File::create(&file).unwrap();
    let mut letters = StdRng::seed_from_u64(5);
    for n in 0..RECORDS {
        // Letters at random: what hardly compresses takes as many frames as it is long.
        let story: String = (0..LETTERS).map(|_| char::from(letters.random_range(b'a'..=b'z'))).collect();
        let line =
            json!({ "kind": "experience", "id": format!("experience:{n}"), "title": "Un récit", "story": story });
        writeln!(lines, "{line}").unwrap();
    }
    essaim(&hers, &["import", file.to_str().unwrap()]);
    let whole = alice.door.held().await;

    let bob = Served::on(&his);
    let (_, first) = bob.door.held().await;
    let seen = until("entries come", async || {
        let (_, entries) = bob.door.held().await;
        (entries > first).then_some(entries)
    })
    .await;
    bob.dies();
    assert!(seen < whole.1, "{seen} of {} entries: he was killed too late", whole.1);
    let bob = Served::on(&his);
    until("they hold the same", async || (bob.door.held().await == whole).then_some(())).await;
    assert_eq!(alice.door.held().await, whole, "and she the same as before");
    for node in [alice, bob] {
        assert_eq!(kill(node.node), Some(0));
    }
}
