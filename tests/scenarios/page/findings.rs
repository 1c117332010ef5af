//! Findings, programmes, resources and the directory; and records that are put away.

use essaim_protocol::api::{Command, Records, Search};

use super::{HOSTILE, UNHURT, related};

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_stands_between_experiences_without_javascript() {
    let Some((_ally, browser, origin)) = related(false, "").await else { return };
    browser.press("Explorer").await;
    browser.press("Les enseignements").await;
    browser.see("On commence petit.").await;
    for (side, title) in [("supports", "Une navette"), ("nuances", "Une cantine"), ("contradicts", "Une carrière")] {
        assert!(browser.text(&format!(".side.{side}")).await.contains(title), "{side}");
    }
    browser.press("Commencer petit").await;
    browser.see("Entre les expériences").await;
    assert!(browser.text("#autour .side.contradicts").await.contains("Une carrière"));

    browser.go(&format!("{origin}/dispositifs")).await;
    browser.see("Accompagnement en cohorte").await;
    assert!(browser.text(".side.territories").await.contains("Valombre"), "where its parts take place");
    assert!(browser.text(".side.gatherings").await.contains("Assemblée de printemps"));
    browser.go(&format!("{origin}/annuaire")).await;
    browser.see("Les Semeuses").await;
    browser.see("Offre à ses pairs").await;
    browser.go(&format!("{origin}/ressources?forme=guide")).await;
    browser.see("Guide des navettes").await;
    browser.go(&format!("{origin}/ressources?forme=video")).await;
    browser.see("Aucune fiche").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_record_leaves_searches_and_comes_back_without_javascript() {
    let Some((ally, browser, origin)) = related(false, "").await else { return };
    let found = async |q: &str| {
        let search = Search { q: q.to_owned(), ..Search::default() };
        ally.ask::<Records>(Command::Search(search)).await
    };
    let all = found("").await.total;
    let cantine = found("cantine kind:experience").await.records[0].id;
    browser.go(&format!("{origin}/fiche/{cantine}")).await;
    browser.press("Archiver cette fiche").await;
    browser.press("Archiver").await;
    browser.see("Fiche archivée").await;
    assert_eq!(found("cantine kind:experience").await.total, 0);
    assert_eq!(found("").await.total, all - 1);
    assert_eq!(found("record_status:archived").await.records[0].id, cantine);
    browser.go(&format!("{origin}/recherche")).await;
    browser.press("Voir les fiches archivées").await;
    browser.press("Une cantine").await;
    browser.press("Reprendre cette fiche").await;
    browser.press("Reprendre").await;
    browser.see("Une cantine").await;
    assert_eq!((found("").await.total, browser.count(".flag").await), (all, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogues_pass_an_accessibility_audit_and_tell_hostile_words_as_words() {
    let Some((_ally, browser, origin)) = related(true, HOSTILE).await else { return };
    for path in
        ["/enseignements", "/dispositifs", "/ressources", "/annuaire?offre=visit", "/annuaire?forme=%22%3E%3Cscript%3E"]
    {
        browser.go(&format!("{origin}{path}")).await;
        assert_eq!(browser.run(UNHURT).await, true, "{path}");
        assert_eq!(browser.violations().await, Vec::<String>::new(), "{path}");
    }
    browser.go(&format!("{origin}/enseignements")).await;
    browser.click(".shelf h2 a").await;
    browser.appears("#autour").await;
    assert_eq!(browser.run(UNHURT).await, true);
    assert_eq!(browser.violations().await, Vec::<String>::new(), "the sheet of a finding");
    browser.click(".top nav summary").await;
    assert_eq!(browser.violations().await, Vec::<String>::new(), "the menu unfolded");
}
