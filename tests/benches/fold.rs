//! Figures of folding: `cargo bench -p essaim-tests --bench fold` (`-- 500` for fewer records).
//!
//! From the changes of a record in a store to its typed view, beside automerge alone in the same run, on one thread:
//!
//! - **cold**: records of 2 kB of French, one signed change each. Automerge applies the change and hydrates the document;
//!   and once more with what believing it takes: saved, loaded back. Ours is the pure fold with its view, then the same in a
//!   node, from the log to views and documents in the store and to the search index.
//! - **one more change** on a record of 1,000 changes, whose document is saved. Automerge loads, applies and hydrates.
//! - **a trace**: two people at one text (see `fixtures/traces`), a change each time that one has seen the other's, as far as
//!   a record holds: folded from nothing, and one more change.
//!
//! Times are medians, in milliseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{Automerge, Change as Chunk, ObjType, ROOT, ReadDoc as _};
use essaim_node::home::Home;
use essaim_node::keeper::Desk;
use essaim_protocol::entry::{Change, Entry};
use essaim_protocol::id::{CommonsId, RecordId, StatementId};
use essaim_protocol::record::{Edit, View, edit, fold};
use essaim_protocol::sign::{Keys, Verified};
use essaim_protocol::time::Timestamp;
use essaim_tests::cluster::Ally;
use serde_json::{Value, json};

static CORPUS: &[u8] = include_bytes!("../fixtures/corpus/tete-corpus.jsonl.zst");
static TRACE: &[u8] = include_bytes!("../fixtures/traces/friendsforever.json.zst");

const RECORDS: usize = 2_000;
const TEXT: usize = 2_000;

/// Changes of the long record before the ones that are measured.
const CHANGES: usize = 1_000;

/// Changes measured one by one on top of a long record.
const MORE: usize = 11;

/// Changes of the trace that are taken: what a record holds, less those measured on top.
const TRACED: usize = 2_000 - MORE;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn main() {
    let count = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(RECORDS);
    let mut node = Node::new();
    println!("{:<64} {:>9} {:>9}", "", "median ms", "p99 ms");
    cold(&mut node, count);
    long(&mut node);
    trace(&mut node);
}

/// A commons on disk, whose only ally writes.
struct Node {
    _ally: Ally,
    dir: PathBuf,
    keys: Keys,
    /// `None` only while it is opened again.
    desk: Option<Desk>,
    author: Author,
}

/// What a change is signed with.
#[derive(Clone, Copy)]
struct Author {
    commons: CommonsId,
    frontier: StatementId,
}

impl Node {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let ally = runtime.block_on(async {
            let mut ally = Ally::new("Commune de Gruissan").await;
            ally.found("Patrimoine", false).await;
            ally.stop().await;
            ally
        });
        let home = Home::open(ally.home()).expect("the home of an ally");
        let id = home.commons().expect("its commons")[0];
        let desk = Desk::open(&home.commons_dir(&id), id, home.keys().clone(), 0).expect("its commons");
        let frontier = desk.roster().frontier(home.keys(), NOW).expect("the founder may write").id;
        let (dir, keys) = (home.commons_dir(&id), home.keys().clone());
        Self { _ally: ally, dir, keys, desk: Some(desk), author: Author { commons: id, frontier } }
    }

    fn desk(&mut self) -> &mut Desk {
        self.desk.as_mut().expect("it is open")
    }

    /// Closes and opens it, so that nothing is at hand but what is on disk.
    fn restart(&mut self) {
        if let Some(mut desk) = self.desk.take() {
            desk.close();
        }
        let desk = Desk::open(&self.dir, self.author.commons, self.keys.clone(), 0).expect("its commons");
        assert_eq!(desk.stale(), 0, "what was folded is not folded again");
        self.desk = Some(desk);
    }

    fn seal(&self, draft: &[u8], record: Option<RecordId>) -> Change {
        let Author { commons, frontier } = self.author;
        Change::seal(draft, &self.keys, commons, frontier, record).expect("a valid change").into_inner()
    }

    fn take_in(&mut self, changes: Vec<Change>) {
        let count = changes.len();
        let entries = changes.into_iter().map(|change| Verified::trusted(Entry::Change(change))).collect();
        assert_eq!(self.desk().take_in(entries, NOW).expect("room on the disk").added.len(), count);
    }

    fn view(&mut self, record: &RecordId) -> View {
        self.desk().view(record).expect("it folds").expect("it is there")
    }
}

fn cold(node: &mut Node, count: usize) {
    println!("cold: {count} records of {TEXT} bytes, one change each");
    let texts = texts(count);
    let draft = |(n, text): (usize, &String)| {
        let nonce = *blake3::hash(&n.to_le_bytes()).as_bytes();
        let title: String = text.chars().take(60).collect();
        let fields = [("title", json!(title)), ("story", json!(text)), ("outcome", json!("under_way"))];
        let fields: BTreeMap<String, Value> = fields.map(|(name, value)| (name.to_owned(), value)).into();
        edit::create("experience", &fields, nonce, NOW).expect("valid fields").chunk
    };
    let changes: Vec<Change> = texts.iter().enumerate().map(|text| node.seal(&draft(text), None)).collect();
    let (mut bare, mut believed, mut ours) = (Times::default(), Times::default(), Times::default());
    for change in &changes {
        bare.time(|| applied([change]).hydrate(None));
        believed.time(|| Automerge::load(&applied([change]).save()).expect("our own").hydrate(None));
        ours.time(|| {
            let folded = fold(None, &[change.chunk()]).expect("it folds");
            View::read(change.record(), &folded.document, &|_| None)
        });
    }
    bare.show("automerge: apply, hydrate");
    believed.show("automerge: apply, save, load back, hydrate");
    ours.show("ours: fold and view, the rules alone");
    for some in changes.chunks(1_000) {
        node.take_in(some.to_vec());
    }
    let started = Instant::now();
    node.desk().refresh_all(&mut |_| {}).expect("they fold");
    each("ours in a node: log to stored view, mean", started, count);
    let started = Instant::now();
    node.desk().search().expect("the index can be written");
    each("  and view to search index, mean", started, count);
}

fn long(node: &mut Node) {
    println!("one more change on a record of {CHANGES} changes, its document saved");
    let text = texts(1).remove(0);
    let fields = [("title".to_owned(), json!("Une cantine")), ("story".to_owned(), json!(text))].into();
    let first = node.seal(&edit::create("experience", &fields, [7; 32], NOW).expect("valid fields").chunk, None);
    let record = first.record();
    let mut document = applied([&first]);
    let mut changes = vec![first];
    for n in 0..CHANGES + MORE - 1 {
        let story = format!("{} {n}", &text[..text.floor_char_boundary(40 + n)]);
        let edits = [Edit::set("story", story)];
        let heads: Vec<_> = document.get_heads().iter().map(|head| essaim_protocol::id::ChangeHash(head.0)).collect();
        let nonce = *blake3::hash(&n.to_be_bytes()).as_bytes();
        let draft = edit::draft(&document, &heads, &edits, nonce, NOW).expect("a valid edit").chunk;
        let change = node.seal(&draft, Some(record));
        document.apply_changes([chunk(&change)]).expect("our own");
        changes.push(change);
    }
    one_more(node, changes);
}

fn trace(node: &mut Node) {
    let changes = traced(node);
    println!("a trace of two people in {} changes, {MORE} of them measured one by one", changes.len());
    one_more(node, changes);
}

/// Folds all but the last few changes of a record from nothing, then each of the last.
fn one_more(node: &mut Node, mut changes: Vec<Change>) {
    let last = changes.split_off(changes.len() - MORE);
    let record = last[0].record();
    let (mut from_nothing, mut bare, mut ours) = (Times::default(), Times::default(), Times::default());
    let mut document = from_nothing.time(|| {
        let document = applied(&changes);
        document.hydrate(None);
        document
    });
    from_nothing.show("automerge: all of them from nothing: apply, hydrate");
    node.take_in(changes);
    let mut from_nothing = Times::default();
    from_nothing.time(|| node.view(&record));
    from_nothing.show("ours in a node: all of them from nothing");
    let mut restarted = Times::default();
    for (index, change) in last.into_iter().enumerate() {
        let saved = document.save();
        document = bare.time(|| {
            let mut loaded = Automerge::load(&saved).expect("our own");
            loaded.load_incremental(change.chunk()).expect("our own");
            loaded.hydrate(None);
            loaded
        });
        // Every other time after a restart: then the document has to be loaded first.
        let times = if index % 2 == 0 { &mut ours } else { &mut restarted };
        if index % 2 == 1 {
            node.restart();
        }
        node.take_in(vec![change]);
        times.time(|| node.view(&record));
    }
    bare.show("automerge: load, one more, hydrate");
    ours.show("ours in a node: one more, to a record at hand");
    restarted.show("ours in a node: one more, after a restart");
}

/// One of the two at the trace.
struct Person {
    document: Automerge,
    /// Edits that are not in a change yet: place, letters taken out, letters put in.
    typed: Vec<(usize, usize, String)>,
    /// Of all changes, how many were looked at for what the other wrote.
    seen: usize,
}

/// The trace as changes: a person saves where the other has seen the text.
fn traced(node: &Node) -> Vec<Change> {
    let trace: Value = serde_json::from_slice(&zstd::decode_all(TRACE).expect("a zstd frame")).expect("JSON");
    let number = |value: &Value| value.as_u64().expect("a number") as usize;
    let steps = trace["txns"].as_array().expect("steps");
    let author = |step: usize| number(&steps[step]["agent"]);
    let foreign = |step: usize| {
        let parents = steps[step]["parents"].as_array().expect("parents").iter().map(number);
        parents.filter(move |parent| author(*parent) != author(step))
    };
    let shown: BTreeSet<usize> = (0..steps.len()).flat_map(foreign).collect();

    let mut changes = vec![node.seal(&beginning(), None)];
    let mut people: Vec<Person> = (0..number(&trace["numAgents"]))
        .map(|_| Person { document: applied([&changes[0]]), typed: Vec::new(), seen: 1 })
        .collect();
    // After a step that the other has seen: how many changes there were.
    let mut saved: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        let person = &mut people[author(index)];
        for parent in foreign(index) {
            save(node, person, &mut changes);
            let news = &changes[person.seen.min(saved[&parent])..saved[&parent]];
            person.document.apply_changes(news.iter().map(chunk).collect::<Vec<_>>()).expect("our own changes");
            person.seen = person.seen.max(saved[&parent]);
        }
        for patch in step["patches"].as_array().expect("patches") {
            let text = patch[2].as_str().expect("a text").to_owned();
            person.typed.push((number(&patch[0]), number(&patch[1]), text));
        }
        if shown.contains(&index) {
            save(node, person, &mut changes);
            saved.insert(index, changes.len());
        }
        if changes.len() >= TRACED + MORE {
            changes.truncate(TRACED + MORE);
            break;
        }
    }
    changes
}

/// A record with an empty text.
fn beginning() -> Vec<u8> {
    let mut draft = Automerge::new();
    let mut first = draft.transaction();
    first.put(ROOT, "_kind", "experience").expect("a fresh document");
    first.put(ROOT, "_n", vec![7; 16]).expect("a fresh document");
    first.put_object(ROOT, "story", ObjType::Text).expect("a fresh document");
    first.commit_with(CommitOptions::default().with_time(0));
    draft.get_last_local_change().expect("just made").raw_bytes().to_vec()
}

/// Makes a change of what a person typed.
fn save(node: &Node, person: &mut Person, changes: &mut Vec<Change>) {
    let typed = std::mem::take(&mut person.typed);
    if typed.is_empty() {
        return;
    }
    let mut draft = person.document.fork();
    let (_, story) = draft.get(ROOT, "story").expect("a document").expect("its text");
    let mut transaction = draft.transaction();
    for (at, deleted, text) in typed {
        transaction.splice_text(&story, at, deleted as isize, &text).expect("a place in the text");
    }
    transaction.commit_with(CommitOptions::default().with_time(0));
    let change = draft.get_last_local_change().expect("just made");
    let change = node.seal(change.raw_bytes(), Some(changes[0].record()));
    person.document.apply_changes([chunk(&change)]).expect("our own");
    changes.push(change);
}

fn chunk(change: &Change) -> Chunk {
    Chunk::try_from(change.chunk()).expect("our own change")
}

fn applied<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Automerge {
    let mut document = Automerge::new();
    document.apply_changes(changes.into_iter().map(chunk).collect::<Vec<_>>()).expect("our own changes");
    document
}

/// How long something took, each time.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let made = work();
        self.0.push(started.elapsed().as_secs_f64() * 1e3);
        made
    }

    fn show(mut self, what: &str) {
        self.0.sort_by(f64::total_cmp);
        let at = |share: f64| self.0[((self.0.len() - 1) as f64 * share) as usize];
        println!("  {what:<62} {:>9.2} {:>9.2}", at(0.5), at(0.99));
    }
}

fn each(what: &str, started: Instant, count: usize) {
    println!("  {what:<62} {:>9.2}", started.elapsed().as_secs_f64() * 1e3 / count as f64);
}

/// Pieces of the corpus, all of one length.
fn texts(count: usize) -> Vec<String> {
    let corpus = String::from_utf8(zstd::decode_all(CORPUS).expect("a zstd frame")).expect("UTF-8");
    let lines = corpus.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let prose: String = lines.map(|line| format!("{} ", line["text"].as_str().unwrap_or_default())).collect();
    let piece = |n: usize| {
        let from = prose.ceil_char_boundary(n * (TEXT - 1) % (prose.len() - TEXT));
        prose[from..prose.floor_char_boundary(from + TEXT)].to_owned()
    };
    (0..count).map(piece).collect()
}
