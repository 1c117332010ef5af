//! One record: read, settled, followed through its history, cited and printed.

use std::collections::BTreeSet;

use essaim_protocol::api::{Command, Contribute, Edit, Import, Imported, List, Records, Saved, Search, Sheet, Synced};
use essaim_protocol::id::RecordId;
use essaim_tests::browser::Browser;
use essaim_tests::cluster::{Ally, agreed, experience, set, until};
use essaim_tests::visitor::Visitor;
use serde_json::{Value, json};

/// Eleven invented records: CC0, see `fixtures/invented/README.md`.
const INVENTED: &str = include_str!("../../fixtures/invented/demo-fictional.jsonl");

/// An ally with the invented records, and a browser that its page let in.
async fn invented(javascript: bool) -> Option<(Ally, Browser)> {
    let browser = Browser::open(javascript).await?;
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", true).await;
    let imported: Imported = ally.ask(Command::Import(Import { lines: INVENTED.as_bytes().to_vec() })).await;
    assert_eq!(imported.created, 11);
    browser.go(&ally.page()).await;
    Some((ally, browser))
}

/// The address of a record of the page, by words of its title.
async fn sheet_of(ally: &Ally, browser: &Browser, q: &str) -> String {
    let found: Records = ally.ask(Command::Search(Search { q: q.to_owned(), ..Search::default() })).await;
    let origin = browser.address().await.split('/').take(3).collect::<Vec<_>>().join("/");
    format!("{origin}/fiche/{}", found.records[0].id)
}

const SHUTTLE: &str = "\"navette à la demande\" kind:experience";

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_experience_tells_everything_without_javascript() {
    let Some((ally, browser)) = invented(false).await else { return };
    browser.go(&sheet_of(&ally, &browser, SHUTTLE).await).await;
    for said in [
        "N'a pas marché",
        "septembre 2023 – mars 2025",
        "Le café du marché",
        "tournant",
        "Valeur détruite · Effet économique · Inattendu · Mesuré",
        "On ne finance pas un véhicule vide.",
        "L'élu·e",
        "Fiche inventée, pour l’exemple",
        "86\u{202f}000",
        "Comment avez-vous annoncé l'arrêt aux habitant·es ?",
        "Nous nous en sommes inspiré·es",
        "Qui a vécu ça ?",
        "En commun :",
        "une population comparable",
        "CC0, domaine public",
        "essaim:",
    ] {
        browser.see(said).await;
    }
    // The name of the version is the only place where an id is read.
    let (text, citation) = (browser.text("main").await, browser.text(".cite-version").await);
    let id = browser.address().await.rsplit('/').next().unwrap_or_default().to_owned();
    assert!(citation.contains(&id) && !text.replace(&citation, "").contains(&id[..8]), "{text}");
    for code in ["demo-", "did_not_work", "fantastic", "essaim-demo"] {
        assert!(!text.contains(code), "“{code}” in {text}");
    }
    browser.press("Tout ce qui renvoie à cette fiche").await;
    browser.see("2 fiches").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_has_a_sheet() {
    let Some((ally, browser)) = invented(false).await else { return };
    for (q, said) in [
        (SHUTTLE, "Sur quoi n'étions-nous pas d'accord ?"),
        ("kind:territory Valombre", "1\u{202f}240 habitant·es"),
        ("kind:actor \"Fabrique des transitions\"", "Lien à l'alliance"),
        ("kind:programme saison", "Ce qui la documente"),
        ("kind:gathering", "Début"),
        ("kind:resource", "Type"),
        ("kind:finding", "Énoncé"),
        ("kind:contribution constaté", "Forme"),
        ("kind:contribution", "À propos de"),
    ] {
        browser.go(&sheet_of(&ally, &browser, q).await).await;
        browser.see(said).await;
    }
}

/// Two allies, a record that both changed apart, and a browser at the second's page.
async fn disputed(javascript: bool) -> Option<(Ally, Ally, String, Browser)> {
    let browser = Browser::open(javascript).await?;
    let mut a = Ally::new("Commune d’Aubigné-sur-Layon").await;
    a.found("Patrimoine", false).await;
    let mut b = Ally::new("Communauté de communes Cœur Haute Lande").await;
    b.join(&a.invite().await).await;
    let saved: Saved = a.ask(experience("Le marché couvert", "Il a fallu trois ans.")).await;
    let id = saved.brief.id.to_string();
    agreed(&[&a, &b]).await;
    a.go_offline().await;
    b.go_offline().await;
    a.ask::<Saved>(set(&id, "outcome", "achieved")).await;
    a.ask::<Saved>(set(&id, "story", "Il a fallu quatre ans et deux maires.")).await;
    b.ask::<Saved>(set(&id, "outcome", "did_not_work")).await;
    b.ask::<Saved>(set(&id, "story", "Il a fallu trois ans, puis tout reprendre.")).await;
    a.go_online().await;
    b.go_online().await;
    let sync = || Command::Sync(essaim_protocol::api::Sync { peer: None, wait_s: 20 });
    until("they meet again", async || b.try_ask::<Synced>(sync()).await.ok()).await;
    agreed(&[&a, &b]).await;
    browser.go(&b.page()).await;
    let origin = browser.address().await.split('/').take(3).collect::<Vec<_>>().join("/");
    let sheet = format!("{origin}/fiche/{id}");
    browser.go(&sheet).await;
    Some((a, b, sheet, browser))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_allies_wrote_apart_is_settled_without_javascript() {
    let Some((a, b, sheet, browser)) = disputed(false).await else { return };
    browser.see("À décider ensemble").await;
    browser.see("Commune d’Aubigné-sur-Layon").await;
    browser.see("Abouti").await;
    browser.see("Il a fallu trois ans, puis tout reprendre.").await;
    // The outcome: one of the two.
    browser.click("#regler-0 .sides li:first-child button").await;
    browser.see("C’est décidé").await;
    assert_eq!(browser.count(".dispute").await, 1);
    // The story: a third version.
    browser.press("Écrire une troisième version").await;
    browser.fill("#regler-0-texte", "Il a fallu quatre ans, deux maires, et tout reprendre.").await;
    browser.press("Garder cette troisième version").await;
    browser.see("C’est décidé").await;
    assert_eq!(browser.count(".dispute").await, 0);
    browser.see("deux maires, et tout reprendre").await;
    agreed(&[&a, &b]).await;

    // What was not kept is still there.
    browser.go(&format!("{sheet}/historique")).await;
    browser.see("En même temps qu’une autre modification").await;
    browser.see("A écrit la fiche").await;
    browser.click(".history li:first-child a").await;
    browser.see("C’est la version d’aujourd’hui").await;
    browser.press("Voir plutôt ce que cette étape a changé").await;
    browser.appears("ins").await;
    browser.appears("del").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disagreement_is_settled_by_keyboard_alone() {
    let Some((_a, b, sheet, browser)) = disputed(true).await else { return };
    // From the top to the first button of the first dispute: Tab until it has the focus.
    let focused = "return document.activeElement.matches('#regler-0 .sides li:first-child button')";
    for _ in 0..60 {
        if browser.run(focused).await == true {
            break;
        }
        browser.keys("\u{e004}").await;
    }
    assert_eq!(browser.run(focused).await, true, "the button is reached by Tab");
    let seen = browser.source().await;
    browser.keys("\u{e007}").await;
    browser.see("C’est décidé").await;

    // What was seen before is no longer what is settled.
    let id = sheet.rsplit('/').next().unwrap_or_default();
    b.ask::<Saved>(set(id, "title", "Le marché couvert, enfin")).await;
    browser.click("#regler-0 .sides li:first-child button").await;
    browser.see("Quelqu’un a écrit ici entre-temps").await;
    assert!(seen.contains("regler-1") && browser.count(".dispute").await == 1);
    browser.press("Garder les deux, l’une après l’autre").await;
    browser.see("C’est décidé").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_experience_prints_on_one_sheet() {
    let Some((ally, browser)) = invented(true).await else { return };
    browser.go(&sheet_of(&ally, &browser, SHUTTLE).await).await;
    browser.see("Citer et partager").await;
    let pdf = browser.pdf().await;
    let text = String::from_utf8_lossy(&pdf);
    let pages = text.matches("/Type /Page\n").count() + text.matches("/Type /Page/").count();
    assert!((1..=2).contains(&pages), "{pages} pages in {} bytes", pdf.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_a_title_is_not_one_that_has_not_arrived() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let absent = RecordId([9; 32]).to_string();
    let lines = [
        json!({"id": "finding:sans-titre", "kind": "finding", "statement": "On commence petit.", "form": "lever",
            "origin": {"system": "essai", "id": "finding:sans-titre"}}),
        json!({"id": "experience:navette", "kind": "experience", "title": "Une navette",
            "links": [{"rel": "documents", "to": "finding:sans-titre"}, {"rel": "nuances", "to": absent}],
            "origin": {"system": "essai", "id": "experience:navette"}}),
        json!({"id": "territory:yaounde", "kind": "territory", "title": "Yaoundé", "type": "commune", "country": "CM",
            "origin": {"system": "essai", "id": "territory:yaounde"}}),
    ];
    let lines = lines.map(|line| format!("{line}\n")).concat().into_bytes();
    let imported: Imported = ally.ask(Command::Import(Import { lines })).await;
    assert_eq!((imported.created, imported.bad), (3, vec![]));
    let list = List { q: "kind:experience".to_owned(), ..List::default() };
    let listed: Records = ally.ask(Command::List(list)).await;
    let (_, page) = Visitor::of(&ally).await.get(&format!("/fiche/{}", listed.records[0].id)).await;
    for said in ["ne dit pas quand elle a été modifiée", "Sans titre", "une fiche qui n’est pas encore arrivée ici"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    let list = List { q: "kind:territory".to_owned(), ..List::default() };
    let listed: Records = ally.ask(Command::List(list)).await;
    let (_, page) = Visitor::of(&ally).await.get(&format!("/fiche/{}", listed.records[0].id)).await;
    assert!(page.contains("Cameroun"), "a country has a name: {page}");
}

/// What a telephone reads in a picture of squares, each drawn as `Mx yh1v1h-1z`.
fn photographed(svg: &str) -> String {
    /// Pixels of a square.
    const SCALE: usize = 4;
    let side = svg.split("viewBox=\"0 0 ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a side");
    let side: usize = side.parse().expect("a number");
    let squares: BTreeSet<(usize, usize)> = svg
        .split('M')
        .filter_map(|square| square.split_once("h1v1h-1z")?.0.split_once(' '))
        .map(|(x, y)| (x.parse().expect("a number"), y.parse().expect("a number")))
        .collect();
    let grey = |x, y| if squares.contains(&(x / SCALE, y / SCALE)) { 0 } else { 255 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side * SCALE, side * SCALE, grey);
    let [code] = &picture.detect_grids()[..] else { panic!("one code in {svg}") };
    code.decode().expect("it can be read").1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_citation_names_just_this_version() {
    let ally = Ally::new("Commune de Valombre").await;
    let commons = ally.found("Vallées en transition", false).await.id;
    let saved: Saved = ally.ask(experience("Une navette", "Elle roule.")).await;
    let (visitor, id) = (Visitor::of(&ally).await, saved.brief.id);
    let first: Sheet = ally.ask(Command::Show(id.to_string())).await;
    ally.ask::<Saved>(set(&id.to_string(), "outcome", "achieved")).await;
    let now: Sheet = ally.ask(Command::Show(id.to_string())).await;
    let heads = |sheet: &Sheet| sheet.heads.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    for (at, sheet) in [(format!("/fiche/{id}"), &now), (format!("/fiche/{id}/version/{}", heads(&first)), &first)] {
        let (_, svg) = visitor.get(&format!("{at}/citation.svg")).await;
        let read = photographed(&svg);
        assert_eq!(read, sheet.citation, "{at}");
        assert!(read.starts_with(&format!("essaim:{commons}/{id}@")) && read.len() > 60, "{read}");
    }
    assert_ne!(now.citation, first.citation);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_in_another_language_says_so_and_the_page_keeps_its_own() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let line = json!({
        "id": "experience:fridge", "kind": "experience", "title": "A fridge for all", "lang": "en", "outcome": "achieved",
        "summary": "Nobody came at first.", "origin": {"system": "essai", "id": "experience:fridge"},
        "steps": [{"on": "2021-05", "title": "The first winter", "turning_point": true}],
        "means": {"budget_eur": 1200},
    });
    let import = Import { lines: format!("{line}\n").into_bytes() };
    assert_eq!(ally.ask::<Imported>(Command::Import(import)).await.created, 1);
    let visitor = Visitor::of(&ally).await;
    for path in ["/recherche", "/recherche?vue=tableau", "/recherche?vue=frise", "/"] {
        let (_, page) = visitor.get(path).await;
        assert!(page.contains("lang=\"en\">A fridge for all</a>"), "{path}: {page}");
    }
    let id = ally.ask::<Records>(Command::List(List::default())).await.records[0].id;
    let (_, sheet) = visitor.get(&format!("/fiche/{id}")).await;
    for said in [
        "<h1 lang=\"en\">A fridge for all</h1>",
        "<section id=\"steps\" lang=\"en\"><h2 lang=\"fr\">",
        "<span class=\"on\" lang=\"fr\">mai 2021</span>",
        "<b>The first winter</b> <span class=\"tag\" lang=\"fr\">",
        "<dt lang=\"fr\">",
    ] {
        assert!(sheet.contains(said), "{said} in {sheet}");
    }

    // A language is told by its name.
    ally.ask::<Saved>(set(&id.to_string(), "lang", "br")).await;
    let heads = ally.ask::<Sheet>(Command::Show(id.to_string())).await.heads;
    let (_, version) = visitor.get(&format!("/fiche/{id}/version/{}?avec=avant", heads[0])).await;
    assert!(version.contains("anglais") && version.contains("breton"), "{version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_in_another_language_says_so_wherever_it_is_quoted() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let record = |id: &str, kind: &str, title: &str, lang: &str, more: Value| {
        let mut line =
            json!({"id": id, "kind": kind, "title": title, "lang": lang, "origin": {"system": "essai", "id": id}});
        line.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        format!("{line}\n")
    };
    let on_fridge = |rel: &str| json!([{"rel": rel, "to": "experience:fridge"}]);
    let fridge = json!({"outcome": "achieved", "story": "We put it in front of the town hall."});
    let lines = [
        record("experience:fridge", "experience", "A fridge for all", "en", fridge),
        record("gathering:visit", "gathering", "A visit to the fridge", "en", json!({"starts": "2099-05-07"})),
        record(
            "finding:partage",
            "finding",
            "Ce que l'on partage reste",
            "fr",
            json!({"form": "lever", "statement": "Ce que l'on partage reste.", "links": on_fridge("draws_on")}),
        ),
        record("experience:soup", "experience", "Soup on Sundays", "en", json!({"links": on_fridge("inspired_by")})),
        record(
            "resource:recettes",
            "resource",
            "Cent recettes",
            "fr",
            json!({"type": "guide", "links": [{"rel": "documents", "to": "experience:fridge"}]}),
        ),
    ];
    let import = Import { lines: lines.concat().into_bytes() };
    assert_eq!(ally.ask::<Imported>(Command::Import(import)).await.created, 5);
    let found = async |kind: &str, words: &str| {
        let search = Search { q: format!("kind:{kind} {words}"), ..Search::default() };
        ally.ask::<Records>(Command::Search(search)).await.records[0].id.to_string()
    };
    let (fridge, soup) = (found("experience", "fridge").await, found("experience", "soup").await);
    let (finding, guide) = (found("finding", "").await, found("resource", "").await);
    let asked = Contribute {
        about: Some(fridge.clone()),
        form: "question".to_owned(),
        text: "Et l'hiver ?".to_owned(),
        ..Contribute::default()
    };
    let question: Saved = ally.ask(Command::Contribute(asked)).await;
    // A digest tells of what an ally wrote, not of what was imported.
    ally.ask::<Saved>(set(&fridge, "summary", "Nobody came at first.")).await;
    // Two who had seen the same: two outcomes.
    let base = ally.ask::<Sheet>(Command::Show(fridge.clone())).await.heads;
    for outcome in ["did_not_work", "partly"] {
        let Command::Edit(edit) = set(&fridge, "outcome", outcome) else { unreachable!("an edit") };
        ally.ask::<Saved>(Command::Edit(Edit { base: base.clone(), ..edit })).await;
    }
    let visitor = Visitor::of(&ally).await;
    let title = "lang=\"en\">A fridge for all<";
    for (path, said) in [
        ("/digest".to_owned(), format!("<h3><a href=\"/fiche/{fridge}\" {title}/a>")),
        ("/digest".to_owned(), format!("<span {title}/span></a>")),
        ("/digest.html".to_owned(), format!("<span {title}/span></p>")),
        ("/agenda".to_owned(), "lang=\"en\">A visit to the fridge</a>".to_owned()),
        ("/ensemble".to_owned(), "class=\"of-experience\" lang=\"en\"><title>A fridge for all</title>".to_owned()),
        ("/ensemble".to_owned(), format!("</span> <a href=\"/fiche/{fridge}\" {title}/a>")),
        ("/permanence".to_owned(), format!("<a href=\"/fiche/{fridge}\" {title}/a>")),
        ("/enseignements".to_owned(), format!("<li><a href=\"/fiche/{fridge}\" {title}/a></li>")),
        (format!("/fiche/{finding}"), format!("<li><a href=\"/fiche/{fridge}\" {title}/a></li>")),
        (format!("/fiche/{soup}"), format!("<a href=\"/fiche/{fridge}\" {title}/a>")),
        (format!("/fiche/{guide}"), format!("<a href=\"/fiche/{fridge}\" {title}/a>")),
        (format!("/fiche/{}", question.brief.id), format!("<a href=\"/fiche/{fridge}\" {title}/a>")),
        (format!("/fiche/{fridge}/liens"), format!("<h1>Ce qui renvoie à «\u{a0}<span {title}/span>\u{a0}»</h1>")),
        (format!("/fiche/{fridge}/historique"), format!("<span {title}/span>\u{a0}»</h1>")),
        (format!("/fiche/{fridge}/historique"), format!("Revenir à «\u{a0}<span {title}/span>")),
        (format!("/fiche/{fridge}"), format!("«\u{a0}<span {title}/span>\u{a0}», Vallées en transition")),
        ("/pairs".to_owned(), format!("<a href=\"/fiche/{fridge}#a-regler\">«\u{a0}<span {title}/span>\u{a0}»</a>")),
        (format!("/ecrire?fiche={fridge}"), format!("<span {title}/span>")),
    ] {
        let (_, page) = visitor.get(&path).await;
        assert!(page.contains(&said), "{path}: {said} in {page}");
    }
}
