//! What was written in a period or on a theme, to read, to send and to follow.

use essaim_protocol::api::{Command, Records, Saved, Search};
use essaim_tests::cluster::set;
use essaim_tests::plain;

use super::related;

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_of_the_month_is_composed_and_sent_without_javascript() {
    let Some((ally, browser, origin)) = related(false).await else { return };
    // What is imported bears no time: it is told of once somebody takes it up.
    for q in ["navette kind:experience", "cantine kind:experience", "kind:contribution"] {
        let found: Records = ally.ask(Command::Search(Search { q: q.to_owned(), ..Search::default() })).await;
        ally.ask::<Saved>(set(&found.records[0].id.to_string(), "note", "relue")).await;
    }
    browser.press("Explorer").await;
    browser.press("La lettre").await;
    browser.see("Ce qui s’est écrit depuis le").await;
    for said in ["Ce qui a été vécu", "Une navette", "Questions, réponses et regards", "À propos de : Une navette"]
    {
        browser.see(said).await;
    }
    browser.see("La même carte, pour les repas.").await;
    browser.see("Les Semeuses, le").await;
    browser.fill("#since", "").await;
    browser.click("#theme option[value=food]").await;
    browser.press("Composer").await;
    browser.see("Sur le thème").await;
    browser.see("Une cantine").await;
    assert_eq!(browser.count(".piece").await, 1);

    // What leaves the page.
    let http = reqwest::Client::builder().cookie_store(true).build().unwrap();
    http.get(ally.page()).send().await.unwrap();
    let got = async |path: &str| http.get(format!("{origin}{path}")).send().await.unwrap().text().await.unwrap();
    let mail = got("/digest.html?since=2020-01-01").await;
    assert!(mail.starts_with("<!doctype html>") && mail.contains("style=") && !mail.contains("class="), "{mail:.800}");
    assert!(mail.contains("La même carte, pour les repas.") && mail.contains("Les Semeuses, le"), "{mail}");
    let text = got("/digest.md?since=2020-01-01").await;
    assert!(text.contains("### Une navette\n") && text.contains("*Les Semeuses, le"), "{text}");
    let nothing = got("/digest.md?since=1990-01-01&until=1990-12-31").await;
    assert!(!nothing.contains("###"), "{nothing}");
    let refused = http.get(format!("{origin}/digest?since=jadis")).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    assert!(plain(&refused.text().await.unwrap()).contains("« jadis » n'est pas une date"));

    // A feed reader has no cookie, only its address.
    let page = got("/digest").await;
    let at = page.split("href=\"").find(|rest| rest.starts_with("/digest.atom")).unwrap();
    let at = format!("{origin}{}", at.split('"').next().unwrap().replace("&#38;", "&"));
    let atom = reqwest::get(&at).await.unwrap().text().await.unwrap();
    assert!(atom.contains("<author><name>Les Semeuses</name></author>"), "{atom}");
}
