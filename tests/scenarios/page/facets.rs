//! Every facet finds just what has it, and counts it, on the page and in the JSON API alike.

use std::collections::BTreeSet;

use essaim_protocol::api::{Brief, Command, Facet, Import, Imported, List, Records};
use essaim_tests::browser::Browser;
use essaim_tests::cluster::Ally;
use essaim_tests::visitor::Visitor;
use serde_json::{Value, json};

/// What each record has, by the facets of issue and page: facet, code as it is asked for, titles.
const FOUND: [(&str, &str, &[&str]); 26] = [
    ("kind", "experience", &["Cantine", "Ferme", "Navette", "Verger"]),
    ("kind", "programme", &["Cohorte"]),
    ("theme", "mobility", &["Navette"]),
    ("theme", "food", &["Cantine", "Ferme", "Verger"]),
    ("outcome", "did_not_work", &["Navette"]),
    ("outcome", "achieved", &["Cantine", "Ferme"]),
    ("difficulty", "top_down", &["Navette", "Verger"]),
    ("fundamental", "cooperation", &["Cantine", "Navette"]),
    ("fundamental", "engagement", &["Navette"]),
    ("narrative_dimension", "sincerity", &["Ferme"]),
    ("licence", "CC0-1.0", &["Verger"]),
    ("year", "2023", &["Cantine", "Navette"]),
    ("year", "2024", &["Navette"]),
    ("programme", "=Cohorte", &["Cantine", "Ferme"]),
    ("territory", "=Gruissan", &["Navette"]),
    ("territory", "=Ouveillan", &["Cantine", "Verger"]),
    // The two communes lie in one intercommunality, in the Aude, in Occitanie; Lyon does not.
    ("epci", "241100593", &["Cantine", "Gruissan", "Navette", "Ouveillan", "Verger"]),
    ("department", "11", &["Cantine", "Gruissan", "Navette", "Ouveillan", "Verger"]),
    ("department", "69", &["Ferme", "Lyon"]),
    ("region", "76", &["Cantine", "Gruissan", "Navette", "Ouveillan", "Verger"]),
    ("region", "84", &["Ferme", "Lyon"]),
    // Territories like mine: what a place is, it hands down to what takes place there.
    ("territory_type", "commune", &["Cantine", "Ferme", "Gruissan", "Lyon", "Navette", "Ouveillan", "Verger"]),
    ("stratum", "2000-9999", &["Cantine", "Gruissan", "Navette", "Ouveillan", "Verger"]),
    ("stratum", "200000-999999", &["Ferme", "Lyon"]),
    ("setting", "coastal", &["Gruissan", "Navette"]),
    ("setting", "urban", &["Ferme", "Verger"]),
];

/// Lines of a file: four experiences, where they take place, and a cohort.
fn lines() -> Vec<u8> {
    let line = |id: &str, title: &str, more: Value| {
        let kind = id.split_once(':').map(|(kind, _)| kind);
        let mut line =
            json!({"id": id, "kind": kind, "title": title, "lang": "fr", "origin": {"system": "essai", "id": id}});
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        format!("{line}\n")
    };
    let commune = |name: &str, code: &str, population: u32, setting: &[&str]| {
        let id = format!("territory:{}", name.to_lowercase());
        let more = json!({"type": "commune", "codes": {"insee": code}, "country": "FR",
            "population": {"value": population, "on": "2022"}, "setting": setting, "licence": "etalab-2.0"});
        line(&id, name, more)
    };
    let links = |territory: &str, cohort: bool| {
        let mut links = vec![json!({"rel": "in_territory", "to": territory})];
        links.extend(cohort.then(|| json!({"rel": "part_of", "to": "programme:cohorte"})));
        links
    };
    [
        commune("Gruissan", "11170", 5_061, &["coastal"]),
        commune("Ouveillan", "11269", 2_600, &[]),
        commune("Lyon", "69123", 522_250, &[]),
        line("programme:cohorte", "Cohorte", json!({"form": "cohort", "state": "running", "licence": "etalab-2.0"})),
        line(
            "experience:navette",
            "Navette",
            json!({"themes": ["mobility"], "outcome": "did_not_work", "fundamentals": ["engagement", "cooperation"],
                "difficulties": [{"text": "Pensée sans les passagers.", "difficulty": "top_down"}],
                "period": {"from": "2023-09", "to": "2024-03"}, "licence": "CC-BY-4.0",
                "links": links("territory:gruissan", false)}),
        ),
        line(
            "experience:cantine",
            "Cantine",
            json!({"themes": ["food"], "outcome": "achieved", "fundamentals": ["cooperation"], "period": {"from": "2023", "to": "2023"},
                "licence": "CC-BY-4.0", "links": links("territory:ouveillan", true)}),
        ),
        line(
            "experience:ferme",
            "Ferme",
            json!({"themes": ["food"], "outcome": "achieved", "narrative": ["sincerity"], "setting": ["urban"],
                "licence": "CC-BY-4.0", "links": links("territory:lyon", true)}),
        ),
        line(
            "experience:verger",
            "Verger",
            json!({"themes": ["food"], "outcome": "under_way", "setting": ["urban"], "licence": "CC0-1.0",
                "difficulties": [{"text": "Décidé d’en haut.", "difficulty": "top_down"}],
                "links": links("territory:ouveillan", false)}),
        ),
    ]
    .concat()
    .into_bytes()
}

/// What the JSON API answers to whoever has the home's token.
async fn json_api(ally: &Ally, origin: &str, path: &str, q: &str) -> Value {
    let token = std::fs::read_to_string(ally.home().join("token")).expect("a home has a token");
    let asked = reqwest::Client::new().get(format!("{origin}/api/v1/{path}")).query(&[("q", q)]);
    let answer = asked.bearer_auth(token.trim()).send().await.expect("an answer");
    answer.error_for_status().expect("it is granted").json().await.expect("JSON")
}

/// The titles on a page of results.
fn titles(page: &str) -> BTreeSet<String> {
    let cards = page.split("<h3><a href=\"/fiche/").skip(1);
    cards.filter_map(|card| Some(card.split_once('>')?.1.split_once("</a>")?.0.to_owned())).collect()
}

/// The count beside a box of the page.
fn count(page: &str, facet: &str, code: &str) -> Option<usize> {
    let label = page.split(&format!("id=\"{facet}-{code}\"")).nth(1)?;
    label.split("<span class=\"count\">").nth(1)?.split('<').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_facet_finds_just_what_has_it() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let imported: Imported = ally.ask(Command::Import(Import { lines: lines() })).await;
    assert_eq!((imported.created, imported.bad), (8, vec![]));
    let visitor = Visitor::of(&ally).await;
    let origin = ally.page().split("/entrer").next().expect("an address").to_owned();
    for (facet, value, expected) in FOUND {
        let code = match value.strip_prefix('=') {
            Some(title) => {
                let list = List { q: format!("\"{title}\" -kind:experience"), ..List::default() };
                let named: Records = ally.ask(Command::List(list)).await;
                let one = named.records.iter().find(|record| record.title == title);
                one.unwrap_or_else(|| panic!("{title}: {named:?}")).id.to_string()
            }
            None => value.to_owned(),
        };
        let expected: BTreeSet<String> = expected.iter().map(|title| (*title).to_owned()).collect();

        let (_, page) = visitor.get(&format!("/recherche?{facet}={code}")).await;
        assert_eq!(titles(&page), expected, "the page, {facet}={value}");
        let (_, all) = visitor.get(&format!("/recherche?plus={facet}")).await;
        assert_eq!(count(&all, facet, &code), Some(expected.len()), "the page counts {facet}={value}");

        let found = json_api(&ally, &origin, "search", &format!("{facet}:{code}")).await;
        let found: Vec<Brief> = serde_json::from_value(found).expect("records");
        let found: BTreeSet<String> = found.into_iter().map(|brief| brief.title).collect();
        assert_eq!(found, expected, "the API, {facet}:{value}");
        let counted = json_api(&ally, &origin, "facets", "").await;
        let counted: Vec<Facet> = serde_json::from_value(counted).expect("facets");
        let values = counted.into_iter().find(|one| one.name == facet).map(|one| one.values).unwrap_or_default();
        let counted = values.iter().find(|one| one.code == code).map(|one| one.count);
        assert_eq!(counted, Some(expected.len() as u64), "the API counts {facet}:{value}");
    }
    // Values of one facet widen, facets narrow, and the counts follow.
    let (_, page) = visitor.get("/recherche?theme=mobility&theme=food&outcome=achieved&plus=region").await;
    assert_eq!(titles(&page), BTreeSet::from(["Cantine".to_owned(), "Ferme".to_owned()]));
    assert_eq!((count(&page, "region", "76"), count(&page, "region", "84")), (Some(1), Some(1)));
}

/// Themes of the starter heritage, more than are shown at once.
const THEMES: [&str; 8] =
    ["cooperation", "narrative", "democracy", "tourism", "economy", "adaptation", "heritage", "energy"];

async fn eight_values_stay_ticked(javascript: bool) {
    let Some((_ally, browser)) = super::visited(javascript).await else { return };
    let origin = browser.address().await.trim_end_matches('/').to_owned();
    let themes = THEMES.map(|theme| format!("theme={theme}")).join("&");
    browser.go(&format!("{origin}/recherche?{themes}")).await;
    assert_eq!(browser.count(".chosen a").await, 8);
    browser.click("a[rel=next]").await;
    browser.appears("a[rel=prev]").await;
    browser.click("input[name=kind][value=experience]").await;
    if !javascript {
        browser.press("Appliquer").await;
    }
    browser.appears(".chosen li:nth-child(9)").await;
    let address = browser.address().await;
    for theme in THEMES {
        assert!(address.contains(&format!("theme={theme}")), "{theme}: {address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ticked_stays_ticked() {
    eight_values_stay_ticked(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ticked_stays_ticked_without_javascript() {
    eight_values_stay_ticked(false).await;
}

/// Territories of the Aude of which twice is told, and one abroad of which once is.
fn many_places() -> Vec<u8> {
    let mut lines = String::new();
    let mut line = |kind: &str, name: &str, more: Value| {
        let id = format!("{kind}:{name}");
        let mut line =
            json!({"id": id, "kind": kind, "title": name, "lang": "fr", "origin": {"system": "essai", "id": id}});
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        lines.push_str(&format!("{line}\n"));
        id
    };
    let mut places: Vec<String> = (1..=30)
        .map(|n| {
            line(
                "territory",
                &format!("Aude {n:02}"),
                json!({"type": "commune", "codes": {"insee": format!("11{n:03}")}}),
            )
        })
        .collect();
    let to = |places: &[String]| places.iter().map(|to| json!({"rel": "in_territory", "to": to})).collect::<Vec<_>>();
    line("experience", "Une navette", json!({"links": to(&places)}));
    places.push(line("territory", "Porto-Novo", json!({"type": "commune", "country": "BJ"})));
    line("experience", "Une cantine", json!({"links": to(&places)}));
    lines.into_bytes()
}

async fn a_map_lists_them_all(javascript: bool) {
    let Some(browser) = Browser::open(javascript).await else { return };
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let imported: Imported = ally.ask(Command::Import(Import { lines: many_places() })).await;
    assert_eq!((imported.created, imported.bad), (33, vec![]));
    browser.go(&ally.page()).await;
    let origin = browser.address().await.trim_end_matches('/').to_owned();
    browser.go(&format!("{origin}/recherche?vue=carte&kind=experience")).await;
    let listed = ".beside a[href^='/fiche/']";
    assert_eq!(browser.count(listed).await, 13);
    browser.see("Hors de cette carte").await;
    browser.see("Porto-Novo").await;
    browser.press("Voir tous les territoires : il y en a 18 autres").await;
    browser.appears(".beside li:nth-child(30)").await;
    assert_eq!(browser.count(listed).await, 31);
    assert!(browser.address().await.contains("kind=experience"), "what was ticked is kept");
    browser.press("Porto-Novo").await;
    browser.see("Bénin").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_lists_what_it_cannot_draw_and_all_when_asked() {
    a_map_lists_them_all(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_lists_what_it_cannot_draw_and_all_when_asked_without_javascript() {
    a_map_lists_them_all(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_facet_of_many_values_shows_them_all_when_asked() {
    let Some((_ally, browser)) = super::visited(false).await else { return };
    browser.press("Chercher").await;
    browser.click("input[name=kind][value=territory]").await;
    let boxes = "input[type=checkbox][name=department]";
    let few = browser.count(boxes).await;
    // Away from the button that stays below.
    browser
        .run("document.querySelector('input[name=department]').closest('details').scrollIntoView({block: 'center'})")
        .await;
    browser.press("Département").await;
    browser
        .run("document.querySelector('button[name=plus][value=department]').scrollIntoView({block: 'center'})")
        .await;
    browser.click("button[name=plus][value=department]").await;
    browser.appears(".chosen a").await;
    assert!(browser.address().await.contains("plus=department"), "what was ticked is kept");
    assert_eq!(few, 6);
    assert!(browser.count(boxes).await > few);
    assert_eq!(browser.count("button[name=plus][value=department]").await, 0);
}
