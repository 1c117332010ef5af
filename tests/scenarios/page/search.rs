//! Finding what one needs, with JavaScript and without.

use essaim_protocol::api::{Command, Contribute, New, Records, Saved, Search, Setting};
use essaim_tests::cluster::{Ally, experience, set};
use essaim_tests::visitor::Visitor;

use super::visited;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_finds_an_experience_without_javascript() {
    let Some((_ally, browser)) = visited(false).await else { return };
    browser.see("Notre patrimoine commun").await;
    browser.fill("#q", "mobilités").await;
    browser.press("Chercher").await;
    browser.see("fiches").await;
    let all = browser.count(".card").await;
    assert!(all > 0, "something is found");
    browser.click("input[name=kind][value=experience]").await;
    browser.press("Appliquer").await;
    browser.appears(".chosen a").await;
    assert!(browser.address().await.contains("kind=experience"), "the address is the whole question");
    let title = browser.text(".card h3").await;
    browser.click(".card h3 a").await;
    browser.see(&title).await;
    assert_eq!(browser.text("h1").await, title);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticked_box_narrows_at_once_with_javascript() {
    let Some((_ally, browser)) = visited(true).await else { return };
    browser.press("Chercher").await;
    browser.see("fiches").await;
    browser.click("input[name=kind][value=experience]").await;
    browser.appears(".chosen a").await;
    assert!(browser.address().await.contains("kind=experience"), "the address follows");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_showing_works_without_javascript() {
    let Some((ally, browser)) = visited(false).await else { return };
    let new = New {
        kind: "experience".to_owned(),
        form: None,
        set: vec![
            Setting { field: "title".to_owned(), value: "Une navette à Gruissan".to_owned() },
            Setting { field: "story".to_owned(), value: "Personne n'y montait.".to_owned() },
        ],
        territories: vec!["Gruissan".to_owned()],
    };
    ally.ask::<Saved>(Command::New(new)).await;
    browser.fill("#q", "navette").await;
    browser.press("Chercher").await;
    browser.see("Une navette à Gruissan").await;
    for (view, shown) in [("Tableau", ".table tbody tr"), ("Dans le temps", ".years a"), ("Sur la carte", ".map .q5")] {
        browser.press(view).await;
        browser.appears(shown).await;
    }
    browser.press("Aude").await;
    browser.see("Une navette à Gruissan").await;
    assert!(browser.address().await.contains("department=11"), "a department finds what its communes tell");
}

/// Links of a printed page: Chromium writes their addresses into a PDF in clear.
fn printed(pdf: &[u8], path: &str) -> usize {
    String::from_utf8_lossy(pdf).matches(path).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_and_a_letter_print_what_they_found() {
    let Some((_ally, browser)) = visited(true).await else { return };
    let origin = browser.address().await.trim_end_matches('/').to_owned();
    for path in ["/recherche?q=mobilit%C3%A9", "/recherche?vue=tableau", "/digest?theme=mobility"] {
        browser.go(&format!("{origin}{path}")).await;
        browser.appears("h3 a, tbody a").await;
        let (shown, pdf) = (browser.count("h3 a, tbody a").await, browser.pdf().await);
        assert!(printed(&pdf, "/fiche/") >= shown, "{path}: {} of {shown}", printed(&pdf, "/fiche/"));
        assert_eq!(printed(&pdf, "/recherche.csv"), 0, "{path}: what only a screen has use for stays off the paper");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticked_box_keeps_the_focus() {
    let Some((_ally, browser)) = visited(true).await else { return };
    browser.press("Chercher").await;
    browser.appears("#kind-experience").await;
    browser.run("document.getElementById('kind-experience').focus()").await;
    browser.keys(" ").await;
    browser.appears(".chosen a").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "kind-experience");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_territory_hands_down_what_it_is() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let new = New {
        kind: "experience".to_owned(),
        form: None,
        set: vec![Setting { field: "title".to_owned(), value: "Une navette".to_owned() }],
        territories: vec!["Gruissan".to_owned()],
    };
    ally.ask::<Saved>(Command::New(new)).await;
    let found = async |q: &str| {
        let search = Search { q: format!("kind:experience {q}"), ..Search::default() };
        ally.ask::<Records>(Command::Search(search)).await
    };
    for q in ["région:Occitanie", "region:76", "department:11", "territory_type:commune", "stratum:2000-9999"] {
        assert_eq!(found(q).await.total, 1, "{q}");
    }
    assert_eq!(found("department:75").await.total, 0);
    let kinds = found("").await.facets.into_iter().find(|facet| facet.name == "kind").unwrap();
    assert_eq!(kinds.values[0].count, 1, "each record counts once");
    let territory = found("").await.records[0].territory.clone().unwrap();
    ally.ask::<Saved>(set(&territory.id.to_string(), "setting", "coastal")).await;
    assert_eq!(found("setting:coastal").await.total, 1, "a territory that changed is handed down again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_taken_away_and_followed() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", true).await;
    let http = reqwest::Client::builder().cookie_store(true).build().unwrap();
    let stranger = reqwest::Client::new();
    let page = ally.page();
    let origin = page.split("/entrer").next().unwrap().to_owned();
    http.get(&page).send().await.unwrap();
    let html = http.get(format!("{origin}/recherche?q=récit")).send().await.unwrap().text().await.unwrap();
    let link = |form: &str| {
        let at = html.split("href=\"").find(|rest| rest.starts_with(&format!("/recherche.{form}"))).unwrap();
        format!("{origin}{}", at.split('"').next().unwrap().replace("&#38;", "&"))
    };
    for (form, kind, holds) in [
        ("atom", "application/atom+xml", "<entry>"),
        ("ics", "text/calendar", "BEGIN:VCALENDAR"),
        ("csv", "text/csv", "\"Titre\";\"Type\""),
        ("geojson", "application/geo+json", "FeatureCollection"),
    ] {
        let answer = http.get(link(form)).send().await.unwrap();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(kind));
        let text = answer.text().await.unwrap();
        assert!(text.contains(holds), "{form}: {text:.500}");
        if form == "atom" {
            let (head, entries) = text.split_once("<entry>").unwrap();
            assert!(head.contains("<author><name>Vallées en transition</name></author>"), "{head}");
            assert!(!entries.contains("<author><name>Aude"), "a territory signs nothing: {entries:.500}");
        }
        let followed = stranger.get(link(form)).send().await.unwrap().status().is_success();
        assert_eq!(followed, ["atom", "ics"].contains(&form), "a feed reader has no cookie, only its address");
    }
    let wrong = format!("{origin}/recherche.atom?suivi=0");
    assert_eq!(stranger.get(wrong).send().await.unwrap().status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_for_is_marked_in_the_form_in_which_it_stands() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    ally.ask::<Saved>(experience("Une navette", "Les élu·es ont raconté leurs récits à l’école.")).await;
    ally.ask::<Saved>(experience("Une cantine", "Un covoiturage est né au café.")).await;
    let visitor = Visitor::of(&ally).await;
    const NEAR: &str = "voici ce qui s’écrit presque pareil";
    for (asked, marked, corrected) in [
        ("recit", "<mark>récits</mark>", false),
        ("élue", "<mark>élu·es</mark>", false),
        ("ECOLES", "l’<mark>école</mark>", false),
        ("narration", "<mark>récits</mark>", false),
        ("covoit", "<mark>covoiturage</mark>", false),
        ("covioturage", "<mark>covoiturage</mark>", true),
        ("covoiturrage", "<mark>covoiturage</mark>", true),
    ] {
        for view in ["cartes", "tableau"] {
            let (_, page) = visitor.get(&format!("/recherche?q={asked}&vue={view}")).await;
            assert_eq!(page.contains(NEAR), corrected, "{asked}: {page}");
            assert!(page.contains("Une fiche"), "{asked}: {page}");
            assert!(view == "tableau" || page.contains(marked), "{asked}: {page}");
        }
    }
    let (_, page) = visitor.get("/recherche?q=zygomatique").await;
    assert!(page.contains("Aucune fiche") && !page.contains(NEAR) && !page.contains("<mark>"), "{page}");
    let (_, page) = visitor.get("/recherche?q=zygomatique+recit").await;
    assert!(page.contains("en voici qui en ont une partie") && page.contains("<mark>récits</mark>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excerpt_begins_with_the_words_of_a_contribution() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let asked = Contribute {
        form: "proposal".to_owned(),
        title: Some("Les jours de marché d'abord".to_owned()),
        text: "Commençons par les jours de marché, puis regardons.".to_owned(),
        speaks_as: Some("elected".to_owned()),
        stance: Some("for".to_owned()),
        themes: vec!["mobility".to_owned()],
        ..Contribute::default()
    };
    ally.ask::<Saved>(Command::Contribute(asked)).await;
    let visitor = Visitor::of(&ally).await;
    for (q, begins) in
        [("", "Commençons par les jours"), ("regarder", "Commençons par les jours"), ("ouverte", "Commençons par")]
    {
        let (_, page) = visitor.get(&format!("/recherche?kind=contribution&q={q}")).await;
        assert!(page.contains(&format!("<p class=\"excerpt\">{begins}")), "{q}: {page}");
    }
}
