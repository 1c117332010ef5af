//! Figure 2: a fresh ally takes in 20,000 records of 2 kB, beside `git clone` and automerge's own sync protocol.
//!
//! `cargo bench --profile release -p essaim-tests --bench cold_sync` (`-- 2000` for a shorter look): the program as it is
//! shipped, on a machine that does nothing else, since whatever else runs takes from one side or the other. Texts are drawn from a seed: each word
//! follows one that it follows somewhere in the corpus, so that they compress like French and none is another's copy.
//!
//! - **Essaim**: one node holds the records, each a signed change, folded and indexed. A new ally joins it over loopback by
//!   ticket; the time runs from the ticket in hand until both sides have compared digests, with everything verified and
//!   durable at the newcomer, its own statements included. Records are folded in the background or when first read; what
//!   the newcomer folds meanwhile is in the figure, the rest is not.
//! - **git**: the same texts as files in one commit, packed beforehand, cloned through `file://`: verified, not signed.
//! - **automerge**: the same changes as one document each, synced pair by pair in memory, without network or disk. Run on a
//!   twentieth of the records and multiplied: documents do not know of one another.
//!
//! Five alternated runs. What writes to the disk begins when all that others wrote is there, and syncs the disk within its
//! time. Processor time is what both sides spent in user code, all threads. Bytes are those of the sessions in both
//! directions, what the transport adds left out.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use automerge::sync::{Message, State, SyncDoc as _};
use automerge::{AutoCommit, Change as Chunk};
use essaim_node::home::Home;
use essaim_node::keeper::Desk;
use essaim_protocol::api;
use essaim_protocol::entry::change::lean;
use essaim_protocol::entry::{Change, Entry};
use essaim_protocol::record::edit;
use essaim_protocol::sign::Verified;
use essaim_protocol::store::{Store as _, Table};
use essaim_protocol::sync::LEVEL;
use essaim_protocol::time::Timestamp;
use essaim_tests::cluster::Ally;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

static CORPUS: &[u8] = include_bytes!("../fixtures/corpus/tete-corpus.jsonl.zst");

const RECORDS: usize = 20_000;
const TEXT: usize = 2_000;
/// What is longer is an address.
const WORD: usize = 24;
const RUNS: usize = 5;
const SEED: u64 = 2;

/// Bytes of a change that nothing can pack: its signature, and the random ones of a record's first change.
const SIGNATURE: usize = 64;
const NONCE: usize = 16;

/// Bytes of an entry before the chunk: its tag and the record.
const BEFORE_CHUNK: usize = 33;

/// One of how many documents automerge syncs.
const SAMPLE: usize = 20;

/// Records made durable together while the first node is filled.
const BATCH: usize = 1_000;

/// Files in one directory, as a person would keep them.
const FILES: usize = 200;

/// Ticks in a second of the times in `/proc`: fixed for programs on Linux.
const TICKS: f64 = 100.0;

/// What one run took.
#[derive(Debug, Clone, Copy)]
struct Run {
    elapsed: f64,
    user: f64,
    bytes: f64,
}

fn main() {
    let count = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(RECORDS);
    let texts = texts(count);
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let started = Instant::now();
    let (host, changes) = runtime.block_on(host(&texts));
    println!("{count} records made, signed, folded and indexed in {:.1} s", started.elapsed().as_secs_f64());
    describe(&texts, &changes);
    let dir = tempfile::tempdir().expect("a temporary directory");
    repository(dir.path(), &texts);

    let mut runs: [Vec<Run>; 3] = Default::default();
    for number in 1..=RUNS {
        let all = [runtime.block_on(join(&host, count)), clone(dir.path(), number), documents(&changes)];
        for (runs, run) in runs.iter_mut().zip(all) {
            runs.push(run);
        }
        let seconds = all.map(|run| format!("{:.2} s", run.elapsed));
        println!("run {number}: Essaim {}, git {}, automerge {}", seconds[0], seconds[1], seconds[2]);
    }
    report(runs.map(|runs| median(&runs)), count);
    runtime.block_on(async move {
        let mut host = host;
        host.stop().await;
    });
}

/// Where the bytes of a record on the wire go: each kind packed with all others of its kind.
fn describe(texts: &[String], changes: &[Vec<u8>]) {
    let packed = |bytes: &[u8]| zstd::bulk::compress(bytes, LEVEL).expect("memory").len();
    let each = |total: usize| total / texts.len();
    let lean: Vec<_> = changes.iter().map(|change| lean::pack(change)).collect();
    let (texts_raw, text) = (each(texts.iter().map(String::len).sum()), each(packed(texts.concat().as_bytes())));
    let (lean_raw, sent) = (each(lean.iter().map(|change| change.len()).sum()), each(packed(&lean.concat())));
    let (whole_raw, whole) = (each(changes.iter().map(Vec::len).sum()), each(packed(&changes.concat())));
    let random = SIGNATURE + NONCE;
    println!("{:<28} {:>8} {:>8}", "bytes of a record", "raw", "packed");
    let lines = [
        ("text", texts_raw, text),
        ("signature", SIGNATURE, SIGNATURE),
        ("random bytes", NONCE, NONCE),
        ("title, columns, numbers", lean_raw - texts_raw - random, sent - text - random),
        ("= change as sent", lean_raw, sent),
        ("what receivers work out", whole_raw - lean_raw, whole - sent),
        ("= change as signed", whole_raw, whole),
    ];
    lines.iter().for_each(|(what, raw, packed)| println!("{what:<28} {raw:>8} {packed:>8}"));
    println!("(a text packed by itself: {})\n", each(texts.iter().map(|text| packed(text.as_bytes())).sum()));
}

fn report([ours, git, automerge]: [Run; 3], count: usize) {
    println!(
        "\n{:<24} {:>10} {:>10} {:>14} {:>10}",
        "median of 5", "seconds", "user CPU s", "bytes/record", "records/s"
    );
    let rows = [("Essaim, join and sync", ours), ("git clone file://", git), ("automerge, in memory", automerge)];
    for (name, run) in rows {
        let per_record = run.bytes / count as f64;
        let rate = count as f64 / run.elapsed;
        println!("{name:<24} {:>10.2} {:>10.2} {per_record:>14.0} {rate:>10.0}", run.elapsed, run.user);
    }
    println!("\nautomerge: 1 document in {SAMPLE} measured, multiplied by {SAMPLE}; git: bytes of the clone's pack");
    verdict("time beside git clone", ours.elapsed / git.elapsed, 1.0, "×");
    verdict("time beside automerge", ours.elapsed / automerge.elapsed, 0.1, "×");
    verdict("on the wire", ours.bytes / count as f64, 700.0, " bytes/record");
    verdict("on the wire beside git's pack", ours.bytes / git.bytes, 1.0, "×");
    println!(
        "user CPU beside git clone: {:.2}×, beside automerge: {:.2}×",
        ours.user / git.user,
        ours.user / automerge.user
    );
}

fn verdict(what: &str, found: f64, most: f64, unit: &str) {
    let met = if found <= most { "met" } else { "MISSED" };
    println!("{what}: {found:.3}{unit} (target ≤ {most}{unit}): {met}");
}

/// A node that holds the texts, and the changes that they became.
async fn host(texts: &[String]) -> (Ally, Vec<Vec<u8>>) {
    let mut host = Ally::new("Commune de Gruissan").await;
    host.found("Patrimoine", false).await;
    host.stop().await;
    let changes = fill(host.home(), texts);
    host.start(true).await;
    // A question about all records is answered when they are findable.
    let list = api::List { q: String::new(), page: api::Page { offset: 0, limit: 1 } };
    let listed: api::Records = host.ask(api::Command::List(list)).await;
    assert_eq!(listed.total, texts.len() as u64);
    (host, changes)
}

/// Writes the texts at a node that is stopped, many at a time.
fn fill(home: &Path, texts: &[String]) -> Vec<Vec<u8>> {
    let (home, mut desk) = open(home);
    let now = Timestamp(1_800_000_000_000);
    let frontier = desk.roster().frontier(home.keys(), now).expect("the founder may write").id;
    let mut changes = Vec::with_capacity(texts.len());
    let mut random = StdRng::seed_from_u64(SEED);
    for some in texts.chunks(BATCH) {
        let mut entries = Vec::with_capacity(some.len());
        for text in some {
            let draft = edit::create("experience", &fields(text), random.random(), now).expect("valid fields").chunk;
            let change =
                Change::seal(&draft, home.keys(), desk.id(), frontier, None).expect("a valid change").into_inner();
            let entry = Entry::Change(change);
            changes.push(entry.encode());
            entries.push(Verified::trusted(entry));
        }
        let ingested = desk.take_in(entries, now).expect("room on the disk");
        assert_eq!(ingested.added.len(), some.len());
    }
    desk.refresh_all(&mut |_| {}).expect("they fold");
    desk.close();
    changes
}

fn fields(text: &str) -> BTreeMap<String, Value> {
    let title: String = text.split(' ').take(6).collect::<Vec<_>>().join(" ");
    let fields = [("title", json!(title)), ("story", json!(text)), ("outcome", json!("under_way"))];
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

/// A newcomer joins and syncs.
async fn join(host: &Ally, count: usize) -> Run {
    let mut newcomer = Ally::new("Métropole de Lyon").await;
    let ticket = host.invite().await;
    rustix::fs::sync();
    let (before, started) = (user(), Instant::now());
    let joined = newcomer.join(&ticket).await;
    rustix::fs::sync();
    let (elapsed, user) = (started.elapsed().as_secs_f64(), user() - before);
    assert_eq!(joined.commons.records, count as u64, "all records are there when joining returns");
    assert_eq!(joined.commons.digest, host.commons().await.digest);
    let status: api::Status = newcomer.ask(api::Command::Status).await;
    let traffic = status.network.expect("it is on the network").traffic;
    newcomer.stop().await;
    println!("{} records were folded meanwhile", folded(newcomer.home()));
    Run { elapsed, user, bytes: (traffic.bytes_in + traffic.bytes_out) as f64 }
}

/// How many records of a stopped node have a view.
fn folded(home: &Path) -> usize {
    let (_home, desk) = open(home);
    desk.store().list(Table::Views, &[], None, usize::MAX).expect("its store").len()
}

/// The only commons of a node that is stopped.
fn open(home: &Path) -> (Home, Desk) {
    let home = Home::open(home).expect("the home of an ally");
    let id = home.commons().expect("its commons")[0];
    let desk = Desk::open(&home.commons_dir(&id), id, home.keys().clone(), 0).expect("its commons");
    (home, desk)
}

/// The texts as files in a packed repository.
fn repository(dir: &Path, texts: &[String]) {
    let source = dir.join("source");
    for (index, text) in texts.iter().enumerate() {
        let folder = source.join((index / FILES).to_string());
        std::fs::create_dir_all(&folder).expect("room on the disk");
        std::fs::write(folder.join(format!("{}.md", index % FILES)), text).expect("room on the disk");
    }
    git(&source, &["init", "--quiet"]);
    // It is packed below, and not a second time behind our back.
    git(&source, &["config", "maintenance.auto", "false"]);
    git(&source, &["add", "."]);
    let who = ["-c", "user.name=essaim", "-c", "user.email=essaim@example.org", "-c", "commit.gpgsign=false"];
    git(&source, &[&who[..], &["commit", "--quiet", "--message=texts"]].concat());
    git(&source, &["gc", "--quiet"]);
}

fn clone(dir: &Path, number: usize) -> Run {
    let (source, name) = (format!("file://{}", dir.join("source").display()), format!("clone{number}"));
    rustix::fs::sync();
    let (before, started) = (user(), Instant::now());
    git(dir, &["clone", "--quiet", &source, &name]);
    rustix::fs::sync();
    let (elapsed, user) = (started.elapsed().as_secs_f64(), user() - before);
    let packs = std::fs::read_dir(dir.join(&name).join(".git/objects/pack")).expect("a clone").flatten();
    let packs = packs.filter(|file| file.path().extension().is_some_and(|kind| kind == "pack"));
    let bytes: u64 = packs.map(|file| file.metadata().map_or(0, |meta| meta.len())).sum();
    std::fs::remove_dir_all(dir.join(&name)).expect("a clone");
    Run { elapsed, user, bytes: bytes as f64 }
}

fn git(dir: &Path, args: &[&str]) {
    let done = Command::new("git").current_dir(dir).args(args).status().expect("git is installed");
    assert!(done.success(), "git {args:?}");
}

/// Each document of the sample synced from one that has it to one that has nothing.
fn documents(changes: &[Vec<u8>]) -> Run {
    let load = |change: &Vec<u8>| {
        let chunk = change[BEFORE_CHUNK..].to_vec();
        let mut document = AutoCommit::new();
        document.apply_changes([Chunk::from_bytes(chunk).expect("our own change")]).expect("our own change");
        document
    };
    let mut sources: Vec<AutoCommit> = changes.iter().step_by(SAMPLE).map(load).collect();
    let (before, started) = (user(), Instant::now());
    let bytes: usize = sources.iter_mut().map(document).sum();
    let scale = changes.len() as f64 / sources.len() as f64;
    Run {
        elapsed: started.elapsed().as_secs_f64() * scale,
        user: (user() - before) * scale,
        bytes: bytes as f64 * scale,
    }
}

/// Syncs one document into an empty one and gives the bytes of all messages.
fn document(source: &mut AutoCommit) -> usize {
    let mut target = AutoCommit::new();
    let (mut here, mut there) = (State::new(), State::new());
    let mut bytes = 0;
    loop {
        let asked = target.sync().generate_sync_message(&mut there).map(Message::encode);
        if let Some(message) = &asked {
            let message = Message::decode(message).expect("our own message");
            source.sync().receive_sync_message(&mut here, message).expect("our own message");
        }
        let told = source.sync().generate_sync_message(&mut here).map(Message::encode);
        if let Some(message) = &told {
            let message = Message::decode(message).expect("our own message");
            target.sync().receive_sync_message(&mut there, message).expect("our own message");
        }
        bytes += asked.iter().chain(&told).map(Vec::len).sum::<usize>();
        if asked.is_none() && told.is_none() {
            assert_eq!(source.get_heads(), target.get_heads());
            return bytes;
        }
    }
}

/// Texts in which each word follows one that it follows in the corpus.
fn texts(count: usize) -> Vec<String> {
    let corpus = String::from_utf8(zstd::decode_all(CORPUS).expect("a zstd frame")).expect("UTF-8");
    let lines = corpus.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let prose: Vec<String> = lines.map(|line| line["text"].as_str().unwrap_or_default().to_owned()).collect();
    let words = prose.iter().flat_map(|text| text.split_whitespace());
    let words: Vec<&str> = words.filter(|word| word.chars().count() <= WORD).collect();
    let mut after: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, word) in words.iter().enumerate().take(words.len() - 1) {
        after.entry(word).or_default().push(index + 1);
    }
    let mut random = StdRng::seed_from_u64(SEED);
    let mut text = || {
        let mut text = String::with_capacity(TEXT + 40);
        let mut at = random.random_range(0..words.len() - 1);
        while text.len() < TEXT {
            text.push_str(words[at]);
            text.push(' ');
            let next = after.get(words[at]).map_or(&[][..], Vec::as_slice);
            // Nothing follows the last word of the corpus when it stands there only.
            at = if next.is_empty() { 0 } else { next[random.random_range(0..next.len())] };
        }
        text
    };
    (0..count).map(|_| text()).collect()
}

/// Seconds that this process, its threads and the children it waited for have spent in user code, as Linux tells; zero
/// elsewhere.
fn user() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program stands in brackets and may hold anything; the state after it is the third field.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or(0);
    let (own, children) = (ticks(14), ticks(16));
    (own + children) as f64 / TICKS
}

fn median(runs: &[Run]) -> Run {
    let middle = |of: fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Run { elapsed: middle(|run| run.elapsed), user: middle(|run| run.user), bytes: middle(|run| run.bytes) }
}
