//! Findings, programmes, resources and the directory; and records that are put away.

use essaim_protocol::api::{Catalogue, CatalogueOf, Command, Import, Imported, Page, Records, Search};
use essaim_tests::cluster::Ally;
use essaim_tests::visitor::Visitor;
use serde_json::json;

use super::related;

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_stands_between_experiences_without_javascript() {
    let Some((_ally, browser, origin)) = related(false).await else { return };
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
    browser.width(1280).await;
    let left =
        "return [...document.querySelectorAll('nav.narrow .terms')].map(list => list.getBoundingClientRect().left)";
    let left = browser.run(left).await;
    assert!(left.as_array().is_some_and(|all| all.len() == 2 && all[0] == all[1]), "one below the other: {left}");
    browser.go(&format!("{origin}/ressources?forme=guide")).await;
    browser.see("Guide des navettes").await;
    browser.go(&format!("{origin}/ressources?forme=video")).await;
    browser.see("Aucune fiche").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_side_of_a_finding_hides_another() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let finding = json!({"id": "finding:levier", "kind": "finding", "title": "Commencer petit", "form": "lever",
        "statement": "On commence petit.", "origin": {"system": "essai", "id": "finding:levier"}});
    let mut lines = format!("{finding}\n");
    for (rel, many) in [("documents", 40), ("nuances", 13), ("contradicts", 13)] {
        for n in 0..many {
            let id = format!("experience:{rel}-{n}");
            let links = [json!({"rel": rel, "to": "finding:levier"})];
            let origin = json!({"system": "essai", "id": id});
            let title = format!("{rel} {n}");
            let line = json!({"id": id, "kind": "experience", "title": title, "links": links, "origin": origin});
            lines.push_str(&format!("{line}\n"));
        }
    }
    let imported: Imported = ally.ask(Command::Import(Import { lines: lines.into_bytes() })).await;
    assert_eq!((imported.created, imported.bad), (67, vec![]));
    let of = CatalogueOf { kind: "finding".to_owned(), q: String::new(), page: Page { limit: 10, offset: 0 } };
    let catalogue: Catalogue = ally.ask(Command::Catalogue(of)).await;
    let sides: Vec<_> = catalogue.records[0].around.iter().map(|side| (side.how.as_str(), side.total)).collect();
    assert_eq!(sides, [("supports", 40), ("nuances", 13), ("contradicts", 13)]);

    // The sheet weighs the same.
    let visitor = Visitor::of(&ally).await;
    let (_, sheet) = visitor.get(&format!("/fiche/{}", catalogue.records[0].brief.id)).await;
    let side = sheet.split("side contradicts").nth(1).and_then(|rest| rest.split("</div>").next()).unwrap_or_default();
    assert_eq!(side.matches("<li>").count(), 13, "{side}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_record_leaves_searches_and_comes_back_without_javascript() {
    let Some((ally, browser, origin)) = related(false).await else { return };
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
async fn every_form_of_programme_tells_where_it_works_and_when_it_meets() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let forms = [
        ("cohort", "Accompagnement en cohorte", "Cohorte des vallées", "Valombre", "Journée de lancement"),
        ("chantier", "Chantier", "Chantier des mobilités", "Ouveillan", "Atelier des gares"),
        ("learning_community", "Communauté apprenante", "Communauté des cantines", "Gruissan", "Voyage à Lons"),
    ];
    let mut lines = String::new();
    let mut line = |kind: &str, title: &str, more: &[(&str, serde_json::Value)]| {
        let id = format!("{kind}:{}", title.to_lowercase().replace(' ', "-"));
        let mut line =
            json!({"id": id, "kind": kind, "title": title, "lang": "fr", "origin": {"system": "essai", "id": id}});
        for (field, value) in more {
            line[*field] = value.clone();
        }
        lines.push_str(&format!("{line}\n"));
        id
    };
    for (form, _, programme, territory, gathering) in forms {
        let place = line("territory", territory, &[("type", json!("commune"))]);
        let whole = line(
            "programme",
            programme,
            &[
                ("form", json!(form)),
                ("state", json!("running")),
                ("rhythm", json!("une journée par mois")),
                ("purpose", json!("Avancer ensemble.")),
            ],
        );
        let part = json!({"rel": "part_of", "to": whole});
        let links = json!([part, {"rel": "in_territory", "to": place}]);
        line("experience", &format!("Ce que {territory} a tenté"), &[("links", links)]);
        let links = json!([part]);
        line("gathering", gathering, &[("form", json!("webinar")), ("starts", json!("2025-03-07")), ("links", links)]);
    }
    let imported: Imported = ally.ask(Command::Import(Import { lines: lines.into_bytes() })).await;
    assert_eq!((imported.created, imported.bad), (12, vec![]));
    let visitor = Visitor::of(&ally).await;
    let (_, all) = visitor.get("/dispositifs").await;
    for (form, label, programme, territory, gathering) in forms {
        let (_, page) = visitor.get(&format!("/dispositifs?forme={form}")).await;
        for said in [label, programme, territory, gathering] {
            assert!(page.contains(said) && all.contains(said), "{form}: {said} in {page}");
        }
        for (_, _, other, elsewhere, _) in forms.iter().filter(|one| one.0 != form) {
            assert!(!page.contains(other) && !page.contains(elsewhere), "{form}: {other} in {page}");
        }
        let at = page.split("href=\"/fiche/").nth(1).and_then(|rest| rest.split('"').next()).expect("a sheet");
        let (_, sheet) = visitor.get(&format!("/fiche/{at}")).await;
        for said in [programme, label, "une journée par mois", "Avancer ensemble.", territory, gathering] {
            assert!(sheet.contains(said), "the sheet of {programme}: {said} in {sheet}");
        }
    }
}
