//! The whole journey of a new ally, as one person goes it, and the same pages by keyboard alone.

use essaim_protocol::api::{Brief, Command, Contribute, List, Records, Saved, Sheet, Synced};
use essaim_tests::browser::Browser;
use essaim_tests::cluster::{Ally, agreed, set, until};
use essaim_tests::visitor::Visitor;

use super::visited;

const TITLE: &str = "Une navette à la demande";
const STORY: &str = "Au début, personne n'y croyait.\n\nPuis les élèves sont montés.";
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

async fn written(ally: &Ally) -> Brief {
    let list = List { q: format!("\"{TITLE}\" kind:experience"), ..List::default() };
    let found: Records = ally.ask(Command::List(list)).await;
    found.records.into_iter().find(|record| record.title == TITLE).unwrap_or_else(|| panic!("it is not found"))
}

async fn journey(javascript: bool) {
    let Some((ally, browser)) = visited(javascript).await else { return };
    // Look for something, narrow it down, read it, take it along on paper.
    browser.see("Notre patrimoine commun").await;
    browser.fill("#q", "mobilites").await;
    browser.press("Chercher").await;
    browser.see("fiches").await;
    browser.click("input[name=kind][value=experience]").await;
    if !javascript {
        browser.press("Appliquer").await;
    }
    browser.appears(".chosen a").await;
    let title = browser.text(".card h3").await;
    browser.click(".card h3 a").await;
    browser.see("Citer et partager").await;
    assert_eq!(browser.text("h1").await, title);
    assert!(browser.pdf().await.starts_with(b"%PDF"), "it prints");

    // Tell one's own, as in an interview.
    browser.press("Raconter").await;
    browser.fill("#titre", TITLE).await;
    browser.click("form.first button").await;
    browser.appears("#c-lieux-mots").await;
    browser.fill("#c-lieux-mots", "Gruissan").await;
    browser.click("#c-outcome option[value=under_way]").await;
    browser.click("button[value='aller entretien']").await;
    browser.see("Les questions, à lire à voix haute").await;
    browser.fill("#c-story", STORY).await;
    browser.fill("#c-learned", "L'usage se construit avant le service.").await;
    browser.click("button[value='aller partager']").await;
    browser.see("Il manque encore").await;
    browser.click("button[value=partager]").await;
    browser.see("C’est partagé").await;
    let id = written(&ally).await.id.to_string();

    // Another ally joins, and both change the same record while they do not hear of one another.
    let mut other = Ally::new("Les Semeuses").await;
    other.join(&ally.invite().await).await;
    agreed(&[&ally, &other]).await;
    other.go_offline().await;
    other.ask::<Saved>(set(&id, "outcome", "did_not_work")).await;
    let question = Contribute {
        about: Some(id.clone()),
        form: "question".to_owned(),
        text: "Qui conduit la navette ?".to_owned(),
        ..Contribute::default()
    };
    other.ask::<Saved>(Command::Contribute(question)).await;
    browser.press("Compléter ou corriger").await;
    browser.press("Commencer").await;
    browser.appears("#c-lieux-mots").await;
    browser.click("#c-outcome option[value=achieved]").await;
    browser.click("button[value='aller partager']").await;
    browser.click("button[value=partager]").await;
    browser.see("C’est partagé").await;
    other.go_online().await;
    let sync = || Command::Sync(essaim_protocol::api::Sync { peer: None, wait_s: 20 });
    until("they meet again", async || other.try_ask::<Synced>(sync()).await.ok()).await;
    agreed(&[&ally, &other]).await;

    // Both are shown side by side; one is kept, the other stays in the history.
    let origin = browser.address().await.split('/').take(3).collect::<Vec<_>>().join("/");
    browser.go(&format!("{origin}/fiche/{id}")).await;
    browser.see("À décider ensemble").await;
    browser.see("Les Semeuses").await;
    browser.click("#regler-0 .sides li:first-child button").await;
    browser.see("C’est décidé").await;
    assert_eq!(browser.count(".dispute").await, 0);

    // Answer what the other asks.
    browser.press("Permanence").await;
    browser.press("Qui conduit la navette ?").await;
    browser.see("Ouverte").await;
    browser.press("Apporter quelque chose").await;
    browser.fill("#bring-text", "Des bénévoles, puis un agent du syndicat.").await;
    browser.press("Partager").await;
    browser.see("Réponses").await;

    // Write the letter of what was told: it credits each, and is taken along as a text.
    browser.press("Explorer").await;
    browser.press("La lettre").await;
    browser.see("Ce qui s’est écrit depuis le").await;
    for said in [TITLE, "Qui conduit la navette ?", "Commune de Valombre, le", "Les Semeuses, le"] {
        browser.see(said).await;
    }
    browser.fill("#since", "").await;
    browser.press("Composer").await;
    browser.see("Ce qui s’est écrit").await;
    let visitor = Visitor::of(&ally).await;
    let (_, text) = visitor.get("/digest.md").await;
    assert!(text.contains(&format!("### {TITLE}\n")) && text.contains("*Les Semeuses, le"), "{text}");

    agreed(&[&ally, &other]).await;
    let there: Sheet = other.ask(Command::Show(id)).await;
    assert_eq!(there.disagreements.len(), 0);
    assert_eq!(there.fields["story"], STORY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ally_goes_the_whole_way() {
    journey(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ally_goes_the_whole_way_without_javascript() {
    journey(false).await;
}

/// Tab after Tab until the element that matches has the focus, which must be seen.
async fn tab_to(browser: &Browser, css: &str) {
    for _ in 0..300 {
        browser.keys(TAB).await;
        let there = browser.run(&format!("return document.activeElement.matches({css:?})")).await;
        if there == true {
            let ring = "const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' || s.boxShadow !== 'none'";
            assert_eq!(browser.run(ring).await, true, "no focus is seen on {css}");
            return;
        }
    }
    panic!("no Tab leads to {css} at {}", browser.address().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_finds_reads_tells_shares_and_asks() {
    let Some((_ally, browser)) = visited(true).await else { return };
    browser.keys(TAB).await;
    assert!(browser.text(":focus").await.contains("contenu"), "the first Tab offers to skip the menu");
    tab_to(&browser, "#q").await;
    browser.keys("mobilités").await;
    browser.keys(ENTER).await;
    browser.appears("input[name=kind][value=experience]").await;
    tab_to(&browser, "input[name=kind][value=experience]").await;
    browser.keys(" ").await;
    browser.appears(".chosen a").await;
    tab_to(&browser, ".card h3 a").await;
    browser.keys(ENTER).await;
    browser.see("Citer et partager").await;
    tab_to(&browser, "a[href='/ecrire']").await;
    browser.keys(ENTER).await;
    browser.see("Qu’avez-vous à raconter").await;
    tab_to(&browser, "#titre").await;
    browser.keys("Au clavier").await;
    browser.keys(ENTER).await;
    browser.appears("#c-lieux-mots").await;
    tab_to(&browser, "button[value=suivant]").await;
    browser.keys(ENTER).await;
    browser.see("Question 1 sur 12").await;
    tab_to(&browser, "button[value='aller entretien']").await;
    browser.keys(ENTER).await;
    browser.see("Les questions, à lire à voix haute").await;
    tab_to(&browser, "#c-story").await;
    browser.keys("Trois essais, puis un quatrième.").await;
    tab_to(&browser, "button[value='aller partager']").await;
    browser.keys(ENTER).await;
    browser.see("Il manque encore").await;
    tab_to(&browser, ".go button[value=partager]").await;
    browser.keys(ENTER).await;
    browser.see("C’est partagé").await;
    browser.see("Trois essais, puis un quatrième.").await;
    tab_to(&browser, "a[href='/permanence']").await;
    browser.keys(ENTER).await;
    browser.see("Poser une question, proposer").await;
    tab_to(&browser, "input[name=form][value=question]").await;
    tab_to(&browser, "#bring-text").await;
    browser.keys("Qui conduit la navette ?").await;
    tab_to(&browser, ".bring button").await;
    browser.keys(ENTER).await;
    browser.see("Qui conduit la navette ?").await;
    tab_to(&browser, ".waiting h3 a").await;
    browser.keys(ENTER).await;
    browser.see("Ouverte").await;
    tab_to(&browser, ".bringing summary").await;
    browser.keys(ENTER).await;
    tab_to(&browser, "#bring-text").await;
    browser.keys("Un agent du syndicat.").await;
    tab_to(&browser, ".bringing button").await;
    browser.keys(ENTER).await;
    browser.see("Réponses").await;
    browser.see("Un agent du syndicat.").await;
    tab_to(&browser, ".top nav summary").await;
    browser.keys(ENTER).await;
    tab_to(&browser, "a[href='/digest']").await;
    browser.keys(ENTER).await;
    browser.see("Ce qui s’est écrit depuis le").await;
    tab_to(&browser, "#theme").await;
    tab_to(&browser, "form.choose button").await;
    browser.keys(ENTER).await;
    browser.see("Qui conduit la navette ?").await;
    tab_to(&browser, "a[href^='/digest.md']").await;
}
