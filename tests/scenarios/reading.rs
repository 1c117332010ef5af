//! Records among others: who refers to one, who lived the like, and what it was before.

use essaim_protocol::api::{
    Check, Command, Diagnosis, Digest, DigestOf, Doctor, Error, Health, Import, Imported, Linked, Log, Records, Saved,
    Search, Sheet, ShowAt,
};
use essaim_tests::cluster::{Ally, experience, set};

/// Eleven invented records: CC0, see `fixtures/invented/README.md`.
const INVENTED: &str = include_str!("../fixtures/invented/demo-fictional.jsonl");

async fn with_invented_records() -> Ally {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let imported: Imported = ally.ask(Command::Import(Import { lines: INVENTED.as_bytes().to_vec() })).await;
    assert_eq!((imported.created, imported.bad.len()), (11, 0));
    ally
}

async fn search(ally: &Ally, q: &str, like: Option<String>) -> Records {
    ally.ask(Command::Search(Search { q: q.to_owned(), like, ..Search::default() })).await
}

async fn named(ally: &Ally, words: &str) -> String {
    search(ally, words, None).await.records[0].id.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_knows_who_refers_to_it() {
    let ally = with_invented_records().await;
    let shuttle = named(&ally, "\"navette à la demande\" kind:experience").await;
    let linked: Linked = ally.ask(Command::Linked(shuttle.clone())).await;
    assert_eq!((linked.total, linked.kinds.len()), (2, 1));
    let mut said: Vec<_> = linked.records.iter().map(|one| (one.form.clone().unwrap(), one.how.join(" "))).collect();
    said.sort();
    assert_eq!(said, [("question".to_owned(), "about".to_owned()), ("reuse".to_owned(), "about".to_owned())]);
    assert!(linked.records.iter().all(|one| one.brief.by == ["Équipe de Valombre (fictive)"] && one.text.is_some()));
    assert_eq!(search(&ally, &format!("linked:{shuttle} kind:contribution"), None).await.total, 2);
    // A change is followed: what no longer refers is no longer counted.
    let reuse = linked.records.iter().find(|one| one.form.as_deref() == Some("reuse")).unwrap().brief.id.to_string();
    let other = named(&ally, "carrière kind:experience").await;
    ally.ask::<Saved>(set(&reuse, "about", &other)).await;
    assert_eq!(ally.ask::<Linked>(Command::Linked(shuttle)).await.total, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_alike_says_why() {
    let ally = with_invented_records().await;
    let shuttle = named(&ally, "\"navette à la demande\" kind:experience").await;
    let alike = search(&ally, "kind:experience", Some(shuttle)).await;
    assert!(alike.records.iter().all(|one| one.kind == "experience"), "the filters narrow");
    let canteen = alike.records.iter().find(|one| one.title.starts_with("Une cantine")).expect("both are of Valombre");
    let shared: Vec<(&str, &str)> = canteen.shared.iter().map(|s| (s.facet.as_str(), s.label.as_str())).collect();
    assert!(shared.contains(&("theme", "Coopération, gouvernance, organisation")), "{shared:?}");
    assert!(shared.iter().any(|(facet, _)| *facet == "stratum"), "{shared:?}");
    assert!(shared.iter().all(|(facet, _)| *facet != "outcome"), "one failed, one did not: {shared:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_index_that_cannot_be_written_still_finds_is_said_to_be_of_before() {
    let ally = with_invented_records().await;
    let before = search(&ally, "navette", None).await;
    assert!(before.lacking.is_nothing());
    let commons = std::fs::read_dir(ally.home().join("commons")).unwrap().next().unwrap().unwrap();
    std::fs::remove_dir_all(commons.path().join("index")).unwrap();
    let saved: Saved = ally.ask(experience("La navette du soir", "Elle part tard.")).await;
    let found = search(&ally, "navette", None).await;
    assert!(found.lacking.outdated && found.total == before.total, "{found:?}");
    let shown: Sheet = ally.ask(Command::Show(saved.brief.id.to_string())).await;
    assert_eq!(shown.brief.title, "La navette du soir");
    let digest: Digest = ally.ask(Command::Digest(DigestOf::default())).await;
    assert!(digest.lacking.outdated);
    // The doctor names it, and builds it again.
    let index = async |rebuild| -> Health {
        let diagnosis: Diagnosis = ally.ask(Command::Doctor(Doctor { rebuild, ..Doctor::default() })).await;
        diagnosis.checks.iter().find(|checked| checked.check == Check::Index).map(|checked| checked.health).unwrap()
    };
    assert_eq!((index(false).await, index(true).await), (Health::Rebuildable, Health::Ok));
    let found = search(&ally, "navette", None).await;
    assert!(found.lacking.is_nothing() && found.total == before.total + 1, "{found:?}");
    // A code by which nothing is found has its name all the same.
    let nothing = search(&ally, "zzzz kind:experience theme:mobility", None).await;
    let theme = nothing.facets.iter().find(|facet| facet.name == "theme").unwrap();
    assert_eq!((theme.values[0].label.as_str(), theme.values[0].count), ("Mobilités", 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_past_version_is_shown_as_it_was() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let first: Saved = ally.ask(experience("La navette", "Elle part le matin.")).await;
    let id = first.brief.id.to_string();
    let then: Sheet = ally.ask(Command::Show(id.clone())).await;
    ally.ask::<Saved>(set(&id, "title", "La navette du soir")).await;
    let now: Sheet = ally.ask(Command::Show(id.clone())).await;
    assert_eq!(now.brief.title, "La navette du soir");
    assert_ne!(now.citation, then.citation);

    let log: Log = ally.ask(Command::Log(id.clone())).await;
    let at = |heads| Command::ShowAt(ShowAt { record: id.clone(), heads });
    let again: Sheet = ally.ask(at(vec![log.versions[1].change])).await;
    assert_eq!(
        again,
        Sheet {
            brief: essaim_protocol::api::Brief { short: then.brief.short.clone(), ..again.brief.clone() },
            ..then.clone()
        }
    );
    assert_eq!(again.brief.title, "La navette");
    let heads = then.citation.split_once('@').and_then(|(_, heads)| ShowAt::heads(heads)).unwrap();
    assert_eq!(ally.ask::<Sheet>(at(heads)).await.citation, then.citation);
    let unknown = ally.try_ask::<Sheet>(at(vec![essaim_protocol::id::ChangeHash([7; 32])])).await;
    assert_eq!(unknown, Err(Error::UnknownVersion { title: "La navette du soir".to_owned() }));
}
