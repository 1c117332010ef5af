//! What a browser chooses and keeps: the language, and which commons it looks at.

use essaim_protocol::api::{Command, CommonsList, Saved};
use essaim_tests::browser::Browser;
use essaim_tests::cluster::{Ally, experience, until};
use essaim_tests::visitor::Visitor;

/// A name that is not a key.
const NAME: &str = "Vallées en transition";

#[tokio::test(flavor = "multi_thread")]
async fn two_commons_of_one_name_stand_apart_and_what_was_chosen_stays() {
    let mut semeuses = Ally::new("Les Semeuses").await;
    let own = semeuses.found(NAME, false).await.id;
    let ferme = Ally::new("La Ferme des Buis").await;
    ferme.join(&semeuses.invite().await).await;
    let valombre = Ally::new("Commune de Valombre").await;
    let other = valombre.found(NAME, false).await.id;
    valombre.ask::<Saved>(experience("Une navette à la demande", "Personne ne l’a prise.")).await;
    semeuses.join(&valombre.invite().await).await;
    assert_eq!(semeuses.ask::<CommonsList>(Command::ListCommons).await.len(), 2);

    let visitor = Visitor::of(&semeuses).await;
    let token = visitor.token("/pairs").await;
    for (to, here, elsewhere) in
        [(other, "Commune de Valombre", "La Ferme des Buis"), (own, "La Ferme des Buis", "Commune de Valombre")]
    {
        visitor.post("/commun", &token, &[("to", &to.to_string())]).await;
        let (_, page) = visitor.get("/pairs").await;
        let people = page.split("<ul class=\"people\">").nth(1).and_then(|rest| rest.split("</ul>").next());
        let people = people.unwrap_or_else(|| panic!("somebody is there: {page}"));
        assert!(people.contains(here) && !people.contains(elsewhere), "{people}");
    }

    let Some(browser) = Browser::open(false).await else { return };
    browser.go(&semeuses.page()).await;
    browser.see("Notre patrimoine commun").await;
    for (to, says) in [(own, "Aucune fiche pour l’instant."), (other, "Une fiche, écrite")] {
        browser.click(&format!("#commun option[value='{to}']")).await;
        browser.press("Changer").await;
        until("what came can be read", async || {
            browser.go(&semeuses.page()).await;
            browser.text("main").await.replace('\u{a0}', " ").contains(says).then_some(())
        })
        .await;
    }
    browser.press("English").await;
    browser.see("Our common heritage").await;
    semeuses.go_offline().await;
    browser.go(&semeuses.page()).await;
    browser.see("Our common heritage").await;
    assert_eq!(browser.property("#commun", "value").await, other.to_string(), "both choices outlast the node");
    browser.see("Une navette à la demande").await;
    browser.press("Français").await;
    browser.see("Notre patrimoine commun").await;
}
