//! The public site, read from a disk by a real browser, with JavaScript and without: no server answers it.

use std::collections::BTreeSet;
use std::path::Path;

use essaim_node::index::french;
use essaim_node::site::{Site, Written};
use essaim_protocol::api::{Command, Import, Imported, Lang, List, Records, Sheet};
use essaim_tests::browser::Browser;
use essaim_tests::cluster::Ally;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Invented records, filled whole, of which some are for allies only.
const RECORDS: &str = include_str!("../../fixtures/invented/demo-fictional.jsonl");

/// Writes the site of an ally's commons.
async fn write(ally: &Ally, dir: &Path) -> Written {
    let mut site = Site::new(Lang::Fr, ally.commons().await);
    for brief in ally.ask::<Records>(Command::List(List::default())).await.records {
        site.add(ally.ask::<Sheet>(Command::Show(brief.id.to_string())).await);
    }
    site.write(dir, &mut |_, _| {}).expect("the site is written")
}

/// Every page of a site, by its path in it.
fn pages(site: &Path) -> BTreeSet<String> {
    let (mut found, mut dirs) = (BTreeSet::new(), vec![site.to_path_buf()]);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory of the site") {
            let path = entry.expect("a file of the site").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|end| end == "html") {
                found.insert(path.strip_prefix(site).expect("below it").display().to_string());
            }
        }
    }
    found
}

/// The site of a commons with the starter heritage, the address of its directory, and a browser.
async fn visited(javascript: bool) -> Option<(TempDir, String, Browser)> {
    let browser = Browser::open(javascript).await?;
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", true).await;
    ally.ask::<Imported>(Command::Import(Import { lines: RECORDS.as_bytes().to_vec() })).await;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let written = write(&ally, &dir.path().join("site")).await;
    assert!(written.records > 200, "{written:?}");
    let address = format!("file://{}", dir.path().join("site").display());
    Some((dir, address, browser))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_searches_and_reads_without_any_server() {
    let Some((_dir, site, browser)) = visited(true).await else { return };
    browser.go(&format!("{site}/index.html")).await;
    browser.see("Derniers retours d’expérience").await;
    browser.fill("#q", "mobilités").await;
    browser.keys("\u{e007}").await;
    browser.appears(".card h3 a").await;
    browser.see("fiches").await;
    assert!(browser.address().await.ends_with("recherche.html#q=mobilit%C3%A9s"), "a question has an address");
    assert_eq!(browser.violations().await, Vec::<String>::new(), "what was found");
    let title = browser.text(".card h3").await;
    browser.click(".card h3 a").await;
    browser.see("Licence").await;
    assert_eq!(browser.text("h1").await, title);
    // A word that has only begun, an accent that is missing, two words of which no record has both.
    for (question, says) in [("transitio", "fiches"), ("recit", "fiches"), ("zzzz", "Aucune fiche")] {
        browser.go(&format!("{site}/recherche.html")).await;
        browser.fill("#q", question).await;
        browser.click("#chercher button").await;
        browser.see(says).await;
    }
    let all = "return [...document.querySelectorAll('form, [onclick], style, [style], script:not([src])')].length";
    assert_eq!(browser.run(all).await, json!(0));
    assert_eq!(browser.run("return document.cookie").await, json!(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_of_a_site_passes_an_accessibility_audit() {
    let Some((dir, site, browser)) = visited(true).await else { return };
    for file in
        ["index.html", "recherche.html", "parcourir.html", "carte.html", "frise.html", "liste/type-experience.html"]
    {
        browser.go(&format!("{site}/{file}")).await;
        assert_eq!(browser.violations().await, Vec::<String>::new(), "{file}");
    }
    browser.click(".card h3 a").await;
    browser.see("Licence").await;
    assert_eq!(browser.violations().await, Vec::<String>::new(), "a sheet");
    // The first of those that tell what refers to a record.
    let links: BTreeSet<_> =
        pages(&dir.path().join("site")).into_iter().filter(|name| name.starts_with("liens/")).collect();
    let first = links.first().expect("some record is referred to");
    browser.go(&format!("{site}/{first}")).await;
    assert_eq!(browser.violations().await, Vec::<String>::new(), "{first}");
    browser.width(390).await;
    assert_eq!(browser.run("return document.documentElement.scrollWidth <= innerWidth").await, json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_reached_by_lists_without_javascript() {
    let Some((_dir, site, browser)) = visited(false).await else { return };
    browser.go(&format!("{site}/index.html")).await;
    browser.press("Chercher").await;
    browser.see("La recherche a besoin de JavaScript").await;
    let body = browser.text("body").await;
    assert!(!body.contains("Que cherchez-vous") && !body.contains("Voir la suite"), "what does not work is not shown");
    browser.press("Toutes les façons de parcourir").await;
    browser.see("Territoire").await;
    browser.click(".doors a").await;
    browser.press("Page suivante").await;
    browser.see("page 2 sur").await;
    browser.press("Carte").await;
    browser.appears(".map .q5").await;
    browser.click(".map .beside a").await;
    browser.appears(".card h3 a").await;
    browser.press("Dans le temps").await;
    let title = browser.text(".years a").await;
    browser.click(".years a").await;
    assert!(!browser.text("body").await.contains("Copier"), "nor is a button that needs a script");
    assert_eq!(browser.text("h1").await, title);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_folds_words_as_the_index_does() {
    let Some((_dir, site, browser)) = visited(true).await else { return };
    browser.go(&format!("{site}/recherche.html")).await;
    let heritage = include_str!("../../../node/data/heritage.jsonl");
    let odd = "L’ÉLU·E lecteur·rice·s agent.e.s. www.ademe.fr mesure 1.1.1. jusqu’alors aujourd'hui qu'habitants ÉNERGIES e\u{301}nergie \
               İstanbul التعاون CO2 m² Œuvre Æthusa travaux matériaux heureuse vieilles oiseaux eaux été cours local·e·aux La mobilité.Les \
               Mobilité·Énergie l' d’ 'cité' 🐝 ΣΊΣΥΦΟΣ Straße ﬁn ① ٣";
    for text in heritage.lines().chain(RECORDS.lines()).chain([odd]) {
        let ours: Vec<String> = french::terms(text).collect();
        let theirs = browser.run(&format!("return essaim.terms({})", Value::from(text))).await;
        assert_eq!(theirs, json!(ours), "{text:.200}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_hurts_no_visitor() {
    let Some(browser) = Browser::open(true).await else { return };
    let hostile = "\"><script>window.hurt=1</script><img src=x onerror=window.hurt=1>constructor __proto__";
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées", false).await;
    let public = |kind: &str, id: &str, more: Value| {
        let mut line = json!({"id": id, "kind": kind, "title": hostile, "visibility": "public", "status": "shared"});
        line.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        format!("{line}\n")
    };
    let links = json!([{"rel": "in_territory", "to": "territory:hostile", "note": hostile}]);
    let told = json!({"summary": hostile, "story": hostile, "tags": [hostile], "links": links, "themes": ["mobility"],
        "period": {"from": "2020"}, "outcome": "did_not_work"});
    let codes = json!({"type": "commune", "codes": {"insee": "11170", "department": "11"}});
    let lines = [public("experience", "experience:hostile", told), public("territory", "territory:hostile", codes)];
    let imported: Imported = ally.ask(Command::Import(Import { lines: lines.concat().into_bytes() })).await;
    assert_eq!((imported.created, imported.bad), (2, vec![]));
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(write(&ally, &dir.path().join("site")).await.records, 2);
    let site = format!("file://{}", dir.path().join("site").display());
    let all = pages(&dir.path().join("site"));
    for shown in ["index.html", "carte.html", "frise.html", "parcourir.html"] {
        assert!(all.contains(shown), "{all:?}");
    }
    for shelf in ["fiche/", "liens/", "liste/"] {
        assert!(all.iter().any(|name| name.starts_with(shelf)), "{shelf}: {all:?}");
    }
    browser.go(&format!("{site}/recherche.html#q=constructor")).await;
    browser.see("window.hurt").await;
    for file in all.into_iter().chain(["recherche.html#q=constructor".to_owned()]) {
        browser.go(&format!("{site}/{file}")).await;
        browser.see("Vallées").await;
        let hurt = "return window.hurt === undefined && !document.querySelector('main script, main img[src=x]')";
        assert_eq!(browser.run(hurt).await, json!(true), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_has_the_gatherings_as_a_calendar() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let line = |id: &str, title: &str, visibility: &str| {
        let origin = json!({"system": "essai", "id": id});
        let line = json!({"id": id, "kind": "gathering", "title": title, "visibility": visibility, "status": "shared", "origin": origin,
            "form": "allies_assembly", "starts": "2099-05-30", "ends": "2099-05-31"});
        format!("{line}\n")
    };
    let lines = [
        line("gathering:printemps", "Assemblée de printemps", "public"),
        line("gathering:comite", "Comité entre nous", "allies"),
    ];
    let imported: Imported = ally.ask(Command::Import(Import { lines: lines.concat().into_bytes() })).await;
    assert_eq!((imported.created, imported.bad), (2, vec![]));
    let dir = tempfile::tempdir().expect("a temporary directory");
    write(&ally, &dir.path().join("site")).await;
    let calendar = std::fs::read_to_string(dir.path().join("site/agenda.ics")).expect("the calendar is there");
    assert!(calendar.starts_with("BEGIN:VCALENDAR\r\n") && calendar.ends_with("END:VCALENDAR\r\n"), "{calendar}");
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 1, "what is between allies stays there: {calendar}");
    for said in
        ["SUMMARY:Assemblée de printemps\r\n", "DTSTART;VALUE=DATE:20990530\r\n", "DTEND;VALUE=DATE:20990601\r\n"]
    {
        assert!(calendar.contains(said), "{said} in {calendar}");
    }
}
