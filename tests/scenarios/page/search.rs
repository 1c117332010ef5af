//! Finding what one needs, with JavaScript and without.

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
async fn the_first_screens_pass_an_accessibility_audit() {
    let Some((_ally, browser)) = visited(true).await else { return };
    assert_eq!(browser.violations().await, Vec::<String>::new(), "/");
    browser.press("Chercher").await;
    browser.see("fiches").await;
    assert_eq!(browser.violations().await, Vec::<String>::new(), "/recherche");
    browser.click(".card h3 a").await;
    browser.see("Licence").await;
    assert_eq!(browser.violations().await, Vec::<String>::new(), "/fiche");
}
