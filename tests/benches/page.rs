//! The page of a node that holds 10,000 experiences, beside the same page over the starter heritage alone.
//!
//! `cargo bench -p essaim-tests --bench page` (`-- 2000` for fewer). A node answers over loopback as it does a browser; each
//! address is asked for alternately at both nodes. Bytes are those of the whole page: the document with every style, script
//! and picture that it names, none compressed and none from a cache.

use std::collections::BTreeSet;
use std::time::Instant;

use essaim_protocol::api::{Command, Import, Imported, List, Page, Records};
use essaim_tests::cluster::Ally;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use reqwest::Client;
use serde_json::{Value, json};

static CORPUS: &[u8] = include_bytes!("../fixtures/corpus/tete-corpus.jsonl.zst");
static HERITAGE: &str = include_str!("../../node/data/heritage.jsonl");

const RECORDS: usize = 10_000;
const ROUNDS: usize = 41;
const SEED: u64 = 6;
/// Lines handed to the node at once.
const BATCH: usize = 1_000;
/// Bytes of the story: what people write in half an hour.
const STORY: usize = 2_000;

const THEMES: [&str; 8] = ["energy", "housing", "mobility", "food", "circular", "economy", "tourism", "water"];
const OUTCOMES: [&str; 5] = ["under_way", "achieved", "partly", "stopped", "did_not_work"];
const SETTINGS: [&str; 4] = ["mountain", "rural", "coastal", "urban"];

const SCREENS: [(&str, &str); 13] = [
    ("first page", "/"),
    ("all records", "/recherche"),
    ("one word", "/recherche?q=mobilit%C3%A9"),
    ("words and facets", "/recherche?q=plan+climat&kind=experience&theme=energy"),
    ("as a table", "/recherche?q=eau&vue=tableau"),
    ("on the map", "/recherche?vue=carte"),
    ("over time", "/recherche?kind=experience&vue=frise"),
    ("the letter", "/digest?theme=energy"),
    ("the agenda", "/agenda"),
    ("findings", "/enseignements"),
    ("programmes", "/dispositifs"),
    ("the whole", "/ensemble"),
    ("one record", ""),
];

#[tokio::main]
async fn main() {
    let count = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(RECORDS);
    let started = Instant::now();
    let (small, large) = (node(0).await, node(count).await);
    println!("{count} experiences written, folded and indexed in {:.1} s\n", started.elapsed().as_secs_f64());
    println!(
        "{:<20} {:>12} {:>12} {:>14} {:>10} {:>10}",
        "screen", "starter ms", "10,000 ms", "p99 (41) ms", "page kB", "document"
    );
    let (mut slowest, mut heaviest) = (0.0_f64, 0.0_f64);
    for (name, path) in SCREENS {
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            few.push(small.time(path).await);
            many.push(large.time(path).await);
        }
        few.sort_by(f64::total_cmp);
        many.sort_by(f64::total_cmp);
        let document = large.get(path).await;
        let weight = large.weight(&document).await;
        let median = many[ROUNDS / 2];
        println!(
            "{name:<20} {:>12.1} {median:>12.1} {:>14.1} {:>10.1} {:>10.1}",
            few[ROUNDS / 2],
            many[ROUNDS - 1],
            weight as f64 / 1e3,
            document.len() as f64 / 1e3,
        );
        slowest = slowest.max(median);
        heaviest = heaviest.max(weight as f64 / 1e3);
    }
    let verdict = |met| if met { "met" } else { "MISSED" };
    println!("\nslowest median {slowest:.1} ms (target < 50 ms): {}", verdict(slowest < 50.0));
    println!("heaviest page {heaviest:.1} kB (target < 150 kB): {}", verdict(heaviest < 150.0));
    if slowest >= 50.0 || heaviest >= 150.0 {
        std::process::exit(1);
    }
}

/// A node with the starter heritage and more, and a browser that it let in.
struct Visited {
    _ally: Ally,
    client: Client,
    origin: String,
    record: String,
}

async fn node(count: usize) -> Visited {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", true).await;
    for lines in experiences(count).chunks(BATCH) {
        let imported: Imported = ally.ask(Command::Import(Import { lines: lines.join("\n").into_bytes() })).await;
        assert_eq!(imported.created, lines.len() as u64, "{:?}", imported.bad);
    }
    loop {
        let list = List { q: "kind:experience".to_owned(), page: Page { offset: 0, limit: 1 } };
        let listed: Records = ally.ask(Command::List(list)).await;
        if listed.lacking.unfolded == 0 {
            let record = listed.records[0].id.to_string();
            return Visited::enter(ally, record).await;
        }
    }
}

impl Visited {
    async fn enter(ally: Ally, record: String) -> Self {
        let client = Client::builder().cookie_store(true).build().expect("a client");
        let entrance = ally.page();
        let origin = entrance.split("/entrer").next().expect("an address").to_owned();
        client.get(entrance).send().await.and_then(reqwest::Response::error_for_status).expect("it lets us in");
        Self { _ally: ally, client, origin, record }
    }

    async fn get(&self, path: &str) -> String {
        let address = match path {
            "" => format!("{}/fiche/{}", self.origin, self.record),
            path => format!("{}{path}", self.origin),
        };
        let answer = self.client.get(address).send().await.and_then(reqwest::Response::error_for_status);
        answer.expect("a page").text().await.expect("a page")
    }

    /// Milliseconds until a document is here whole.
    async fn time(&self, path: &str) -> f64 {
        let started = Instant::now();
        let document = self.get(path).await;
        assert!(document.ends_with("</html>") || document.trim_end().ends_with("</html>"), "{path}");
        started.elapsed().as_secs_f64() * 1e3
    }

    /// Bytes of a document with everything that it names.
    async fn weight(&self, document: &str) -> usize {
        // Pictures that stand in the document itself are counted with it.
        let of = |tag: &'static str, name: &'static str| {
            let tags = document.split(tag).skip(1).filter_map(|rest| rest.split('>').next());
            tags.filter_map(move |rest| rest.split(name).nth(1)?.split('"').next()).filter(|at| at.starts_with('/'))
        };
        let named: BTreeSet<String> = of("<link ", "href=\"")
            .chain(of("<script ", "src=\""))
            .chain(of("<img ", "src=\""))
            .map(|at| at.replace("&#38;", "&"))
            .collect();
        assert!(named.len() >= 4, "a page has its style, its icon and its scripts: {named:?}");
        let mut total = document.len();
        for path in named {
            total += self.get(&path).await.len();
        }
        total
    }
}

/// Experiences of the shape that people write, with the words of the corpus, all over the territories of the heritage.
fn experiences(count: usize) -> Vec<String> {
    let text = String::from_utf8(zstd::decode_all(CORPUS).expect("a zstd frame")).expect("UTF-8");
    let prose: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let heritage: Vec<Value> =
        HERITAGE.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let territories: Vec<&str> =
        heritage.iter().filter(|line| line["kind"] == "territory").filter_map(|line| line["id"].as_str()).collect();
    let mut random = StdRng::seed_from_u64(SEED);
    let mut draw = |codes: &[&str]| (*codes.choose(&mut random).expect("some")).to_owned();
    let experience = |n: usize| {
        let about = &prose[n % prose.len()];
        let mut story = String::new();
        for more in prose.iter().cycle().skip(n % prose.len()) {
            story.push_str(more["text"].as_str().unwrap_or_default());
            story.push_str("\n\n");
            if story.len() > STORY {
                break;
            }
        }
        let year = draw(&["2017", "2018", "2019", "2020", "2021", "2022", "2023", "2024", "2025"]);
        json!({
            "kind": "experience",
            "id": format!("experience:{n}"),
            "title": format!("{} ({n})", about["title"].as_str().unwrap_or("Une expérience")),
            "summary": story.chars().take(200).collect::<String>(),
            "story": story,
            "outcome": draw(&OUTCOMES),
            "setting": [draw(&SETTINGS)],
            "themes": [draw(&THEMES)],
            "period": { "from": year },
            "links": [{ "rel": "in_territory", "to": draw(&territories) }],
            "licence": "CC-BY-SA-4.0",
            "visibility": "public",
            "status": "shared",
        })
        .to_string()
    };
    (0..count).map(experience).collect()
}
