//! Figures of the store: `cargo bench -p essaim-tests --bench store`.
//!
//! Durable ingest in frames and one by one, bytes on disk against raw bytes, resident memory, and the time to open a
//! store of a million entries. `--entries N` for another size, `--dir DIR` for a directory on the disk to measure.
//!
//! Two baselines take the same entries in the same run, each batch durable before the next:
//!
//! - **a plain file**: the batch appended and synced. Nothing is faster, and nothing can be found in it.
//! - **sled** as one would use it: one value an entry under its id, a batch, a flush. Its flush does not sync its file
//!   on Linux, so it promises less than ours.

use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use essaim_node::store::{Config, open};
use essaim_protocol::id::{ChangeHash, EntryId, RecordId};
use essaim_protocol::store::{Append, Ordinal, Store};

/// Entries handed to one append: what a sync frame of 256 KiB holds.
const FRAME: u64 = 400;

/// Entries written one at a time, each with its own flush.
const SINGLE: u64 = 2000;

/// Words of the texts, so that zstd finds what it finds in French.
const WORDS: &str = "la le les un une des de du et à en pour avec sur dans par ne pas plus territoire commune habitants \
    transition cantine bio locale agriculteurs école projet énergie solaire coopérative rénovation logement mobilité \
    vélo partage jardin eau rivière forêt récit sens engagement élus association ancrage méthode évaluation réussite \
    difficulté chemin conduite changement systémique partenaires financement région département intercommunalité \
    Gruissan Loos-en-Gohelle Malaunay Ungersheim apprendre ensemble coopération expérience mémoire bassin minier";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.iter().position(|found| found == name).and_then(|at| arguments.get(at + 1));
    let entries: u64 = option("--entries").map_or(Ok(1_000_000), |text| text.parse())?;
    let parent = option("--dir").map_or_else(std::env::temp_dir, PathBuf::from);
    let home = tempfile::tempdir_in(parent)?;
    let dir = home.path().join("store");
    let words: Vec<&str> = WORDS.split_whitespace().collect();

    let (mut store, _) = open(&Config::new(&dir))?;
    let (mut raw, mut spent, mut peak) = (0, Duration::ZERO, 0);
    let mut cpu = Duration::ZERO;
    for first in (0..entries).step_by(FRAME as usize) {
        let made: Vec<Made> = (first..entries.min(first + FRAME)).map(|n| Made::new(n, &words)).collect();
        let batch: Vec<Append<'_>> = made.iter().map(Made::append).collect();
        raw += made.iter().map(|made| made.bytes.len() as u64).sum::<u64>();
        let (start, before) = (Instant::now(), processor()?);
        store.append(&batch)?;
        spent += start.elapsed();
        cpu += processor()? - before;
        peak = peak.max(resident()?);
    }
    println!("{entries} entries of {} bytes, {FRAME} an append, each append flushed and synced", raw / entries);
    rate("ingest in frames", entries, spent);
    rate("  by its thread's own time", entries, cpu);
    println!("resident memory, at most      {:>10} MiB", peak >> 20);
    let ours = size(&dir.join("database"))?;
    occupied("on disk after ingest", ours, raw);
    at_least("ingest in frames", entries as f64 / spent.as_secs_f64(), 50_000.0);
    let ingest = spent;

    let start = Instant::now();
    while store.tidy()? {}
    println!(
        "tidying                       {:>10.2} s, resident {} MiB",
        start.elapsed().as_secs_f64(),
        resident()? >> 20
    );
    let bytes = size(&dir.join("database"))?;
    occupied("on disk after tidying", bytes, raw);
    at_most("on disk after tidying", bytes as f64 / raw as f64, 1.5, " × raw");

    let start = Instant::now();
    drop(store);
    println!(
        "closing                       {:>10.2} s, resident {} MiB",
        start.elapsed().as_secs_f64(),
        resident()? >> 20
    );
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        let start = Instant::now();
        let (store, report) = open(&Config::new(&dir))?;
        let opened = start.elapsed();
        slowest = slowest.max(opened);
        assert!(report.repairs.is_empty() && store.end() == Ordinal(entries), "a clean close opens clean");
        println!(
            "open {entries} entries          {:>10.2} s, resident {} MiB",
            opened.as_secs_f64(),
            resident()? >> 20
        );
    }
    at_most("opening, the slowest of three", slowest.as_secs_f64(), 1.5, " s");

    // Here, since sled keeps the memory that it takes, and what ours takes is measured above.
    let frames = || (0..entries).step_by(FRAME as usize).map(|first| first..entries.min(first + FRAME));
    for (name, baseline) in [("a plain file", plain as Baseline), ("sled", one_value_an_entry)] {
        let there = home.path().join("baseline");
        let theirs = baseline(&there, &mut frames(), &words)?;
        rate(&format!("{name}, in frames"), entries, theirs);
        println!("  ours beside it              {:>10.2} × its time", ingest.as_secs_f64() / theirs.as_secs_f64());
        let bytes = size(&there)?;
        occupied("  on its disk", bytes, raw);
        println!("  ours beside it              {:>10.2} × its bytes", ours as f64 / bytes as f64);
        std::fs::remove_dir_all(&there)?;
    }

    let (mut store, _) = open(&Config::new(&dir))?;
    lookups(&store, entries, &words)?;
    let start = Instant::now();
    for n in entries..entries + SINGLE {
        store.append(&[Made::new(n, &words).append()])?;
    }
    let spent = start.elapsed();
    rate("ingest one by one", SINGLE, spent);
    for (name, baseline) in [("a plain file", plain as Baseline), ("sled", one_value_an_entry)] {
        let there = home.path().join("baseline");
        let theirs = baseline(&there, &mut (entries..entries + SINGLE).map(|n| n..n + 1), &words)?;
        rate(&format!("{name}, one by one"), SINGLE, theirs);
        println!("  ours beside it              {:>10.2} × its time", spent.as_secs_f64() / theirs.as_secs_f64());
        std::fs::remove_dir_all(&there)?;
    }
    at_least("ingest one by one", SINGLE as f64 / spent.as_secs_f64(), 200.0);
    let start = Instant::now();
    for n in entries + SINGLE..entries + 2 * SINGLE {
        store.append(&[Append { own: true, ..Made::new(n, &words).append() }])?;
    }
    let spent = start.elapsed();
    rate("own entries one by one", SINGLE, spent);
    at_least("own entries one by one", SINGLE as f64 / spent.as_secs_f64(), 200.0);
    let start = Instant::now();
    let mut count = 0;
    store.scan(Ordinal(0), &mut |_, _, _| {
        count += 1;
        std::ops::ControlFlow::Continue(())
    })?;
    rate("scan", count, start.elapsed());
    Ok(())
}

/// Makes batches of entries durable in a directory of its own, one after the other. Gives the time of that alone.
type Baseline = fn(&Path, Batches<'_>, &[&str]) -> Result<Duration, Box<dyn std::error::Error>>;
type Batches<'b> = &'b mut dyn Iterator<Item = Range<u64>>;

fn plain(dir: &Path, batches: Batches<'_>, words: &[&str]) -> Result<Duration, Box<dyn std::error::Error>> {
    std::fs::create_dir(dir)?;
    let mut file = File::create(dir.join("log"))?;
    let mut spent = Duration::ZERO;
    for batch in batches {
        let frame: Vec<u8> = batch.flat_map(|n| Made::new(n, words).bytes).collect();
        let start = Instant::now();
        file.write_all(&frame)?;
        file.sync_all()?;
        spent += start.elapsed();
    }
    Ok(spent)
}

fn one_value_an_entry(
    dir: &Path,
    batches: Batches<'_>,
    words: &[&str],
) -> Result<Duration, Box<dyn std::error::Error>> {
    let db = sled::open(dir)?;
    let mut spent = Duration::ZERO;
    for batch in batches {
        let made: Vec<Made> = batch.map(|n| Made::new(n, words)).collect();
        let start = Instant::now();
        let mut batch = sled::Batch::default();
        made.iter().for_each(|made| batch.insert(&made.id.0, &made.bytes[..]));
        db.apply_batch(batch)?;
        db.flush()?;
        spent += start.elapsed();
    }
    Ok(spent)
}

fn lookups(store: &dyn Store, entries: u64, words: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    const LOOKUPS: u64 = 20_000;
    let start = Instant::now();
    for n in 0..LOOKUPS {
        let n = n * 7919 % entries;
        assert_eq!(store.ordinal(&EntryId(hash("entry", n)))?, Some(Ordinal(n)));
    }
    rate("look-ups of known ids", LOOKUPS, start.elapsed());
    let start = Instant::now();
    for n in entries..entries + LOOKUPS {
        assert_eq!(store.ordinal(&EntryId(hash("entry", n)))?, None);
    }
    rate("look-ups of unknown ids", LOOKUPS, start.elapsed());
    let start = Instant::now();
    for n in 0..LOOKUPS / 10 {
        let n = n * 7919 % entries;
        assert_eq!(store.read(Ordinal(n))?.map(|(_, bytes)| bytes), Some(Made::new(n, words).bytes));
    }
    rate("reads at random", LOOKUPS / 10, start.elapsed());
    Ok(())
}

fn rate(what: &str, count: u64, spent: Duration) {
    println!("{what:<30}{:>10.0} /s", count as f64 / spent.as_secs_f64());
}

fn occupied(what: &str, bytes: u64, raw: u64) {
    println!("{what:<30}{:>10.2} × raw ({} MB)", bytes as f64 / raw as f64, bytes / 1_000_000);
}

fn at_least(what: &str, found: f64, least: f64) {
    let met = if found >= least { "met".to_owned() } else { format!("missed by {:.2} ×", least / found) };
    println!("{what}: {found:.0}/s (target ≥ {least}/s): {met}");
}

fn at_most(what: &str, found: f64, most: f64, unit: &str) {
    let met = if found <= most { "met".to_owned() } else { format!("missed by {:.2} ×", found / most) };
    println!("{what}: {found:.2}{unit} (target ≤ {most}{unit}): {met}");
}

fn size(dir: &Path) -> Result<u64, std::io::Error> {
    let mut bytes = 0;
    for file in std::fs::read_dir(dir)? {
        let file = file?;
        let metadata = file.metadata()?;
        bytes += if metadata.is_dir() { size(&file.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

/// Resident bytes of this process.
fn resident() -> Result<u64, Box<dyn std::error::Error>> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).ok_or("no resident size")?.parse()?;
    Ok(pages * 4096)
}

/// Processor time of this thread, the one that owns the store: what a busy machine does not distort.
fn processor() -> Result<Duration, Box<dyn std::error::Error>> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(schedstat.split(' ').next().ok_or("no processor time")?.parse()?))
}

/// A change as it travels: 232 bytes of names, hashes and signature that do not compress, and text.
struct Made {
    id: EntryId,
    record: RecordId,
    change: ChangeHash,
    bytes: Vec<u8>,
}

impl Made {
    fn new(n: u64, words: &[&str]) -> Self {
        let record = RecordId(hash("record", n / 10));
        let mut bytes = vec![2];
        bytes.extend_from_slice(&record.0);
        for what in ["device", "frontier", "deps", "signature", "signature, second half"] {
            bytes.extend_from_slice(&hash(what, if what.len() < 9 && what != "deps" { n / 1000 } else { n }));
        }
        let mut draw = n;
        while bytes.len() < 600 {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.extend_from_slice(words[(draw >> 33) as usize % words.len()].as_bytes());
            bytes.push(b' ');
        }
        Self { id: EntryId(hash("entry", n)), record, change: ChangeHash(hash("change", n)), bytes }
    }

    fn append(&self) -> Append<'_> {
        Append { id: self.id, bytes: &self.bytes, record: Some(self.record), change: Some(self.change), own: false }
    }
}

fn hash(what: &str, n: u64) -> [u8; 32] {
    *blake3::Hasher::new().update(what.as_bytes()).update(&n.to_le_bytes()).finalize().as_bytes()
}
