//! Figure 4: French questions with facets over the 3,228-record corpus, ten times over.
//!
//! `cargo bench -p essaim-tests --bench search`. The corpus gives the texts; facets are drawn from a seed, so that two
//! runs ask the same questions of the same index. Each question is asked as a node asks it: parsed, resolved, ranked, with
//! 20 titles and excerpts highlighted and all facets counted. Beside it stands the simplest thing that could work: looking
//! for the words in every text, folded beforehand, without ranking, counts or word forms.

use std::time::{Duration, Instant};

use essaim_node::index::gazetteer::Gazetteer;
use essaim_node::index::{Index, Indexed, Search, french};
use essaim_protocol::id::RecordId;
use essaim_protocol::query::{Facets, Query, What};
use essaim_protocol::time::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

static CORPUS: &[u8] = include_bytes!("../fixtures/corpus/tete-corpus.jsonl.zst");

const COPIES: usize = 10;
const ROUNDS: usize = 50;
const SEED: u64 = 4;

const THEMES: [&str; 8] = ["energy", "housing", "mobility", "food", "circular", "economy", "tourism", "water"];
const OUTCOMES: [&str; 5] = ["under_way", "achieved", "partly", "stopped", "did_not_work"];
const SETTINGS: [&str; 4] = ["mountain", "rural", "coastal", "urban"];

/// What twenty people asked: none to six words in any form, two of them mistyped, with one facet to three.
const QUESTIONS: [&str; 20] = [
    "mobilité thème:énergie",
    "l'énergie thème:énergie",
    "élus mobilité milieu:rural",
    "rénovation énergétique des bâtiments thème:habitat",
    "récits outcome:achieved",
    "eau milieu:montagne",
    "plan climat air énergie territorial territory:t12",
    "\"gaz à effet de serre\" outcome:achieved",
    "alimentation -cantine thème:alimentation",
    "agriculteur·ices circuits courts thème:alimentation",
    "vélo milieu:rural milieu:montagne",
    "réseau de chaleur bois milieu:montagne",
    "déchets réemploi outcome:partly thème:économie",
    "acteurs du territoire thème:eau",
    "adaptation au changement climatique territory:t7",
    "budget vert outcome:under_way",
    "sobrieté foncière thème:habitat",
    "coopérations intercommunales -outcome:stopped",
    "covioturage thème:mobilités",
    "thème:mobilités milieu:littoral outcome:did_not_work",
];

fn main() {
    gazetteer();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let records = corpus();
    let folded: Vec<String> =
        records.iter().map(|record| french::fold(&format!("{} {}", record.title, record.text))).collect();
    let count = records.len();
    let bytes: usize = folded.iter().map(String::len).sum();

    let started = Instant::now();
    let mut index = Index::open(dir.path()).expect("an empty index");
    for batch in records.chunks(1_000) {
        index.put(batch.to_vec()).expect("room on the disk");
        index.commit(count as u64).expect("room on the disk");
    }
    let built = started.elapsed();
    let on_disk = size(dir.path());
    drop(index);
    let started = Instant::now();
    let index = Index::open(dir.path()).expect("the index just written");
    println!(
        "\n{count} records, {:.1} MB of text: indexed in {:.1} s ({:.0} records/s), {:.1} MB on disk, opened and checked in {:.0} ms",
        bytes as f64 / 1e6,
        built.as_secs_f64(),
        count as f64 / built.as_secs_f64(),
        on_disk as f64 / 1e6,
        milliseconds(started.elapsed()),
    );

    let reader = index.reader();
    let mut asked: Vec<Asked> = QUESTIONS.iter().map(|_| Asked::default()).collect();
    // One after the other, as people ask: no question finds what it touched last time still at hand.
    for _ in 0..ROUNDS {
        for (question, asked) in QUESTIONS.iter().zip(&mut asked) {
            let (before, started) = (processor(), Instant::now());
            let query = Query::parse(question).and_then(|query| Facets::get().resolve(&query)).expect("a query");
            let search = Search { query, limit: 20, ..Search::default() };
            asked.total = reader.search(&search).expect("an answer").total;
            asked.times.push(started.elapsed());
            asked.cpu += processor() - before;
        }
    }
    println!(
        "\n{:<58} {:>7} {:>9} {:>9} {:>9} {:>9} {:>11}",
        "question", "found", "first ms", "median ms", "p99 ms", "cpu ms", "baseline ms"
    );
    let (mut ours, mut firsts, mut cpu, mut baseline) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (question, mut asked) in QUESTIONS.iter().zip(asked) {
        let (first, spent) = (asked.times[0], asked.cpu / ROUNDS as u32);
        asked.times.sort();
        let mut scans = repeat(5, || scan(&folded, question));
        scans.sort();
        println!(
            "{question:<58} {:>7} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>11.2}",
            asked.total,
            milliseconds(first),
            milliseconds(at(&asked.times, 50)),
            milliseconds(at(&asked.times, 99)),
            milliseconds(spent),
            milliseconds(at(&scans, 50)),
        );
        firsts.push(first);
        ours.extend(asked.times);
        cpu.push(spent);
        baseline.extend(scans);
    }
    for times in [&mut ours, &mut firsts, &mut cpu, &mut baseline] {
        times.sort();
    }
    println!(
        "\nall questions, {ROUNDS} rounds: median {:.2} ms, p99 {:.2} ms; first answers: median {:.2} ms, slowest {:.2} ms; processor median {:.2} ms; baseline median {:.2} ms, p99 {:.2} ms",
        milliseconds(at(&ours, 50)),
        milliseconds(at(&ours, 99)),
        milliseconds(at(&firsts, 50)),
        milliseconds(at(&firsts, 100)),
        milliseconds(at(&cpu, 50)),
        milliseconds(at(&baseline, 50)),
        milliseconds(at(&baseline, 99)),
    );
    let median = milliseconds(at(&ours, 50));
    println!("median: {median:.2} ms (target < 5 ms): {}", if median < 5.0 { "met" } else { "MISSED" });
}

/// What became of one question.
#[derive(Default)]
struct Asked {
    total: usize,
    times: Vec<Duration>,
    cpu: Duration,
}

/// Looking territories up: the first question unpacks the tables.
fn gazetteer() {
    let before = resident();
    let started = Instant::now();
    let gazetteer = Gazetteer::get();
    let loaded = started.elapsed();
    println!(
        "gazetteer: unpacked in {:.0} ms, {:.1} MB more resident",
        milliseconds(loaded),
        resident().saturating_sub(before) as f64 / 1e6
    );
    for name in ["Gruissan", "CC Cœur Haute Lande", "Bellefontaine", "39400", "Loos en Gohele"] {
        let mut times = repeat(ROUNDS, || drop(std::hint::black_box(gazetteer.find(name))));
        times.sort();
        println!("{name:<58} median {:.3} ms", milliseconds(at(&times, 50)));
    }
}

/// What this thread has spent on a processor, as Linux tells; nothing elsewhere. On a busy machine it tells the work from
/// the waiting.
fn processor() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(spent.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// Bytes of this process in memory, as Linux tells; zero elsewhere.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|text| text.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn corpus() -> Vec<Indexed> {
    let text = zstd::decode_all(CORPUS).expect("the corpus is a zstd frame");
    let text = String::from_utf8(text).expect("the corpus is UTF-8");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let mut seeded = StdRng::seed_from_u64(SEED);
    (0..COPIES)
        .flat_map(|copy| lines.iter().map(move |line| (copy, line)))
        .map(|(copy, line)| record(copy, line, &mut seeded))
        .collect()
}

fn record(copy: usize, line: &Value, seeded: &mut StdRng) -> Indexed {
    let said = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let mut facets = vec![("territory".to_owned(), format!("t{}", seeded.random_range(0..140)))];
    let mut draw = |facet: &str, codes: &[&str]| {
        facets.push((facet.to_owned(), codes[seeded.random_range(0..codes.len())].to_owned()));
    };
    draw("theme", &THEMES);
    draw("theme", &THEMES);
    draw("outcome", &OUTCOMES);
    draw("setting", &SETTINGS);
    Indexed {
        record: RecordId(*blake3::hash(format!("{copy} {}", said("id")).as_bytes()).as_bytes()),
        kind: said("kind"),
        title: said("title"),
        summary: said("summary"),
        text: said("text"),
        labels: String::new(),
        tags: vec![],
        facets,
        refers: vec![],
        updated_at: Timestamp(copy as i64),
        days: None,
        lang: said("lang"),
    }
}

/// How many texts contain every word of the question.
fn scan(folded: &[String], question: &str) {
    let query = Query::parse(question).expect("a query");
    let words: Vec<String> = query
        .items
        .iter()
        .filter(|item| !item.excluded)
        .filter_map(|item| match &item.what {
            What::Word(word) | What::Phrase(word) => Some(french::fold(word)),
            What::Facet { .. } => None,
        })
        .collect();
    std::hint::black_box(folded.iter().filter(|text| words.iter().all(|word| text.contains(word))).count());
}

fn repeat(rounds: usize, mut work: impl FnMut()) -> Vec<Duration> {
    let timed = |_| {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    (0..rounds).map(timed).collect()
}

/// The value that `percent` of the sorted `times` do not exceed.
fn at(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() * percent).div_ceil(100).saturating_sub(1)]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn size(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.metadata().map_or(0, |meta| if meta.is_dir() { size(&entry.path()) } else { meta.len() }))
        .sum()
}
