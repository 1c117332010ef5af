//! Gatherings to come and past.

use super::related;

#[tokio::test(flavor = "multi_thread")]
async fn gatherings_come_month_by_month_and_are_followed() {
    let Some((_ally, browser, origin)) = related(false).await else { return };
    browser.press("Explorer").await;
    browser.press("L’agenda").await;
    browser.see("mai 2099").await;
    browser.see("7 mai 2099 à 14:00").await;
    browser.see("30 mai 2099 – 31 mai 2099").await;
    browser.see("Assemblée des allié·es · La halle").await;
    browser.see("Une rencontre passée").await;
    browser.see("mars 2019").await;
    let text = browser.text("main").await;
    let at = |title: &str| text.find(title).unwrap();
    assert!(at("Visite du canal") < at("Assemblée de printemps"), "the soonest first");
    assert!(at("Assemblée de printemps") < at("Lancement"), "the past at the end");

    let page = browser.source().await;
    let follow = page.split("href=\"").find(|rest| rest.starts_with("/agenda.ics")).unwrap();
    let follow = format!("{origin}{}", follow.split('"').next().unwrap());
    let calendar = reqwest::get(&follow).await.unwrap().text().await.unwrap();
    assert!(calendar.contains("DTSTART;VALUE=DATE:20990530\r\nDTEND;VALUE=DATE:20990601"), "{calendar}");
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 2, "a month is no day: {calendar}");
    assert_eq!(reqwest::get(format!("{origin}/agenda.ics?suivi=0")).await.unwrap().status(), 401);
}
