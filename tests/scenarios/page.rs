//! The page in a real browser: a file a theme.

use essaim_protocol::api::{Command, Import, Imported};
use essaim_tests::browser::Browser;
use essaim_tests::cluster::Ally;
use serde_json::json;

/// An ally with the starter heritage, and a browser that its page let in.
async fn visited(javascript: bool) -> Option<(Ally, Browser)> {
    let browser = Browser::open(javascript).await?;
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", true).await;
    browser.go(&ally.page()).await;
    Some((ally, browser))
}

/// An ally with a few records that refer to one another, a browser that its page let in, and where the page is.
async fn related(javascript: bool) -> Option<(Ally, Browser, String)> {
    let browser = Browser::open(javascript).await?;
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let record = |id: &str, title: &str, more: serde_json::Value| {
        let kind = id.split_once(':').map(|(kind, _)| kind);
        let origin = json!({"system": "essai", "id": id});
        let mut line = json!({"id": id, "kind": kind, "title": title, "lang": "fr", "origin": origin});
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        format!("{line}\n")
    };
    let links =
        |links: &[(&str, &str)]| links.iter().map(|(rel, to)| json!({"rel": rel, "to": to})).collect::<Vec<_>>();
    let lines = [
        record("territory:valombre", "Valombre", json!({"type": "commune"})),
        record("programme:cohorte", "Cohorte des vallées", json!({"form": "cohort", "state": "running"})),
        record("finding:levier", "Commencer petit", json!({"form": "lever", "statement": "On commence petit."})),
        record(
            "experience:navette",
            "Une navette",
            json!({"themes": ["mobility"], "links": links(&[
                ("in_territory", "territory:valombre"), ("part_of", "programme:cohorte"), ("documents", "finding:levier"),
            ])}),
        ),
        record(
            "experience:cantine",
            "Une cantine",
            json!({"themes": ["food"], "links": links(&[
                ("in_territory", "territory:valombre"), ("nuances", "finding:levier"),
            ])}),
        ),
        record("experience:carriere", "Une carrière", json!({"links": links(&[("contradicts", "finding:levier")])})),
        record(
            "gathering:assemblee",
            "Assemblée de printemps",
            json!({
                "form": "allies_assembly", "starts": "2099-05-30", "ends": "2099-05-31", "place": {"text": "La halle"},
                "links": links(&[("part_of", "programme:cohorte")]),
            }),
        ),
        record("gathering:visite", "Visite du canal", json!({"form": "learning_trip", "starts": "2099-05-07T14:00"})),
        record("gathering:lancement", "Lancement", json!({"form": "cohort_day", "starts": "2019-03"})),
        record(
            "actor:semeuses",
            "Les Semeuses",
            json!({"type": "civil_society", "offers": ["visit"], "url": "https://semeuses.example/"}),
        ),
        record("resource:guide", "Guide des navettes", json!({"type": "guide", "issued": "2022"})),
        record(
            "contribution:reprise",
            "Nous avons repris la navette",
            json!({
                "form": "reuse", "about": "experience:navette", "reused_in": "experience:cantine",
                "text": "La même carte, pour les repas.", "authors": ["actor:semeuses"],
            }),
        ),
    ];
    let lines = lines.concat().into_bytes();
    let imported: Imported = ally.ask(Command::Import(Import { lines })).await;
    assert_eq!((imported.created, imported.bad), (12, vec![]));
    browser.go(&ally.page()).await;
    let origin = ally.page().split("/entrer").next().unwrap_or_default().to_owned();
    Some((ally, browser, origin))
}

mod agenda;
mod allies;
mod board;
mod digest;
mod facets;
mod findings;
mod inbox;
mod journey;
mod screens;
mod search;
mod settings;
mod sheet;
mod site;
mod territory;
mod twice;
mod whole;
mod write;
