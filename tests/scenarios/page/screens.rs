//! Every screen of the page, from one table: none is forgotten, none shuts anybody out, none is hurt by what a record says,
//! none is wider than its window, and a French one says no word of English, no code and no key.

use std::collections::BTreeSet;

use essaim_tests::browser::{Browser, WIDTHS};
use essaim_tests::french::is_english;
use essaim_tests::screens::{HOSTILE, Screens};
use essaim_tests::visitor::Visitor;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn no_screen_is_forgotten_and_none_has_a_flaw() {
    let screens = Screens::new(HOSTILE).await;
    let mut flaws = forgotten(&screens).await;
    if let Some(browser) = Browser::open(true).await
        && let Some(plain) = Browser::open(false).await
    {
        let (seen, said) = tokio::join!(seen(&screens, &browser), said(&screens, &plain));
        flaws.extend(seen.into_iter().chain(said));
    }
    assert!(flaws.is_empty(), "{} flaws:\n{}", flaws.len(), flaws.join("\n"));
}

/// The addresses of the router that answer a page and are in no row of the table.
async fn forgotten(screens: &Screens) -> Vec<String> {
    let visitor = Visitor::of(screens.ours()).await;
    let routes: Vec<&str> =
        essaim_node::routes().into_iter().filter(|(method, _)| *method == "get").map(|(_, path)| path).collect();
    let shown: BTreeSet<&str> = screens.table().iter().filter_map(|screen| shape(&routes, &screen.path)).collect();
    let mut flaws = Vec::new();
    for screen in screens.table().iter().filter(|screen| screen.sent.is_none()) {
        let answer = visitor.answer(&screen.path).await;
        if !answer.status().is_redirection() && !is_page(answer).await {
            flaws.push(format!("{}: {} is no page", screen.name, screen.path));
        }
    }
    let files = files(screens, &visitor).await;
    for route in routes.iter().filter(|route| !shown.contains(*route)) {
        match files.iter().find(|file| shape(&routes, file) == Some(route)) {
            None => flaws.push(format!("{route} is in no row of the table")),
            Some(file) if is_page(visitor.answer(file).await).await => {
                flaws.push(format!("{route} answers a page and is in no row of the table"));
            }
            Some(_) => {}
        }
    }
    flaws
}

/// An address of each route that answers a file, or a part of a page.
async fn files(screens: &Screens, visitor: &Visitor) -> Vec<String> {
    let (_, home) = visitor.get("/").await;
    let style = home.split("href=\"").find(|rest| rest.starts_with("/fixe/")).and_then(|rest| rest.split('"').next());
    let at = |name: &str| screens.table().iter().find(|screen| screen.name == name).map(|screen| screen.path.clone());
    let cited = ["fiche-a-regler", "version"].into_iter().filter_map(at).map(|path| format!("{path}/citation.svg"));
    let named = [
        "/recherche.atom",
        "/recherche.csv",
        "/recherche.geojson",
        "/recherche.ics",
        "/digest.html",
        "/digest.md",
        "/digest.atom",
        "/agenda.ics",
        "/ecrire/trouver?champ=lieux&lieux._cherche=Gruissan",
    ];
    named.into_iter().chain(style).map(str::to_owned).chain(cited).collect()
}

/// The route that answers to an address: of several that fit, the one with the fewest parameters.
fn shape<'r>(routes: &[&'r str], path: &str) -> Option<&'r str> {
    let path: Vec<&str> = path.split('?').next().unwrap_or_default().split('/').collect();
    let fits = |route: &&&str| {
        let parts: Vec<&str> = route.split('/').collect();
        let same = |(shape, part): (&&str, &&str)| shape.starts_with('{') || shape == part;
        (parts.len() == path.len() || (route.contains("{*") && path.len() > parts.len()))
            && parts.iter().zip(&path).all(same)
    };
    routes.iter().filter(fits).min_by_key(|route| route.matches('{').count()).copied()
}

/// Whether an answer is a page that a browser shows, and neither a file to save nor a part of a page.
async fn is_page(answer: reqwest::Response) -> bool {
    let html = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let saved = answer.headers().contains_key(CONTENT_DISPOSITION);
    html && !saved && answer.text().await.is_ok_and(|text| text.contains("<html"))
}

/// What is wrong with the screens as a browser with JavaScript shows them.
async fn seen(screens: &Screens, browser: &Browser) -> Vec<String> {
    let mut flaws = Vec::new();
    for screen in screens.table() {
        screens.open(browser, screen).await;
        if browser.run(UNHURT).await != true {
            flaws.push(format!("{}: what a record says became part of the page", screen.name));
        }
        wider(&screen.name, browser, &mut flaws).await;
        browser.run(UNFOLD).await;
        flaws.extend(browser.violations().await.into_iter().map(|flaw| format!("{}: {flaw}", screen.name)));
        wider(&format!("{} unfolded", screen.name), browser, &mut flaws).await;
    }
    flaws
}

async fn wider(screen: &str, browser: &Browser, flaws: &mut Vec<String>) {
    for width in WIDTHS {
        browser.width(width).await;
        if let Value::String(out) = browser.run(WIDER).await {
            flaws.push(format!("{screen}: wider than {width} pixels: {out}"));
        }
    }
}

/// Whether nothing that a record says has become part of the page.
const UNHURT: &str = "return window.hurt === undefined && \
                      !document.querySelector('main script, main img[src=x], svg[onload], [href^=\"javascript:\"]')";

const UNFOLD: &str = "document.querySelectorAll('details').forEach(one => one.open = true)";

/// The innermost element that sticks out of the window when the page is wider.
const WIDER: &str = "
    const edge = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= edge) return null;
    const out = [...document.body.querySelectorAll('*')].filter(one => one.getBoundingClientRect().right > edge + 1);
    return (out.at(-1) ?? document.body).outerHTML.slice(0, 200)";

/// What no French person understands on the screens as they are without JavaScript.
async fn said(screens: &Screens, browser: &Browser) -> Vec<String> {
    let (codes, keys) = (codes(), keys());
    let mut flaws = BTreeSet::new();
    for screen in screens.table() {
        screens.open(browser, screen).await;
        let texts = browser.run(TEXTS).await;
        for text in texts.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let text = text.replace(HOSTILE, " ");
            if let Some(why) = odd(&text, &codes, &keys) {
                flaws.insert(format!("{}: {why} in “{text:.200}”", screen.name));
            }
        }
    }
    flaws.into_iter().collect()
}

/// All that is read out or seen and is in French: not the name of a version, which is made of ids, and not what somebody
/// typed in a form.
const TEXTS: &str = "
    const apart = '[lang]:not([lang|=fr]), script, style, textarea, .cite-version';
    const said = [];
    const nodes = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
    while (nodes.nextNode()) if (!nodes.currentNode.parentElement.closest(apart)) said.push(nodes.currentNode.data);
    for (const name of ['alt', 'aria-label', 'title', 'placeholder', 'data-perdu'])
        for (const one of document.querySelectorAll(`[${name}]`)) if (!one.closest(apart)) said.push(one.getAttribute(name));
    return said.map(text => text.trim()).filter(text => text)";

/// Licences, which bear their own names.
const NAMES: [&str; 2] = ["Creative Commons BY", "MIT (import)"];

/// A text without the commands that it gives to type.
fn told(text: &str) -> String {
    let (first, rest) = text.split_once("«\u{a0}essaim ").unwrap_or((text, ""));
    format!("{first} {}", rest.split_once('»').map_or("", |(_, after)| after))
}

/// What in a text is no French.
fn odd(text: &str, codes: &BTreeSet<String>, keys: &BTreeSet<String>) -> Option<String> {
    let text = NAMES.iter().fold(told(text), |text, name| text.replace(name, ""));
    if text.contains(['\u{2068}', '\u{2069}']) || text.contains("{$") || text.contains("{ $") {
        return Some("an unfilled text".to_owned());
    }
    if is_english(&text) {
        return Some("English".to_owned());
    }
    // Addresses hold codes.
    let words = text.split_whitespace().filter(|word| !word.contains(['/', '=', '@']));
    let mut words = words.flat_map(|word| word.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c))));
    let strange = |word: &&str| codes.contains(*word) || keys.contains(*word) || word.contains('_') || word.len() > 40;
    words.find(strange).map(|word| format!("“{word}”"))
}

/// The codes and names of the model that no French word looks like.
fn codes() -> BTreeSet<String> {
    let schema = [
        include_str!("../../../protocol/schema/vocabularies.json"),
        include_str!("../../../protocol/schema/model.json"),
    ]
    .map(|text| serde_json::from_str::<Value>(text).expect("the schema is JSON"));
    let (mut codes, mut french) = (BTreeSet::new(), BTreeSet::new());
    for part in &schema {
        model(part, &mut codes, &mut french);
    }
    let heritage = include_str!("../../../node/data/heritage.jsonl").lines();
    for line in heritage.chain(include_str!("../../fixtures/invented/demo-fictional.jsonl").lines()) {
        prose(&serde_json::from_str(line).expect("a line is JSON"), &mut french);
    }
    codes.retain(|code| !french.contains(code));
    assert!(codes.len() > 100, "{codes:?}");
    codes
}

fn model(value: &Value, codes: &mut BTreeSet<String>, french: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("code" | "name", Value::String(code)) => drop(codes.insert(code.clone())),
                    ("fr", Value::String(label)) => words(label, french),
                    (_, member) => model(member, codes, french),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| model(item, codes, french)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The words of what people wrote: a code has no space.
fn prose(value: &Value, french: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|member| prose(member, french)),
        Value::Array(items) => items.iter().for_each(|item| prose(item, french)),
        Value::String(text) if text.contains(' ') => words(text, french),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn words(text: &str, french: &mut BTreeSet<String>) {
    french.extend(text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase));
}

/// The keys of the texts.
fn keys() -> BTreeSet<String> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../node/locales/fr");
    let mut keys = BTreeSet::new();
    for file in std::fs::read_dir(dir).expect("the texts are there") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        keys.extend(text.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())));
    }
    keys.retain(|key| key.contains('-'));
    assert!(keys.len() > 100, "{keys:?}");
    keys
}

#[test]
fn what_is_no_french_is_told() {
    let (codes, keys) = (codes(), keys());
    let odd = |text: &str| odd(text, &codes, &keys).is_some();
    for text in [
        "Relue : peer_read",
        "mobility, 3 fiches",
        "écrire write-later",
        "« \u{2068}x\u{2069} »",
        "{$n} fiches",
        "Search the page",
    ] {
        assert!(odd(text), "{text}");
    }
    for text in ["Relue par des pairs", "Le rez-de-chaussée", "https://exemple.fr/?theme=mobility", "la permanence"] {
        assert!(!odd(text), "{text}");
    }
}
