//! Allies found, invite, join, write apart, meet again and find what they need.

use essaim_protocol::api::{
    Command, Conflict, ConflictsOf, Error, Form, Import, Imported, New, Records, Saved, Search, Settle, Settlement,
    Sheet, Sync, Synced,
};
use essaim_protocol::time::Timestamp;
use essaim_tests::cluster::{Ally, agreed, experience, set};
use serde_json::json;

/// Whole seconds since 1970.
fn seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock past 1970");
    i64::try_from(since.as_secs()).expect("a clock before the end of time")
}

fn search(words: &str) -> Command {
    Command::Search(Search { q: words.to_owned(), ..Search::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_allies_meet_and_hold_the_same() {
    let gruissan = Ally::new("Commune de Gruissan").await;
    gruissan.found("Patrimoine des transitions", false).await;
    let saved: Saved = gruissan.ask(experience("La navette du lac", "Nous avons relié les deux rives.")).await;

    let lyon = Ally::new("Métropole de Lyon").await;
    let joined = lyon.join(&gruissan.invite().await).await;
    assert_eq!(joined.commons.allies, 2);
    agreed(&[&gruissan, &lyon]).await;
    let sheet: Sheet = lyon.ask(Command::Show(saved.brief.id.to_string())).await;
    assert_eq!(sheet.brief.title, "La navette du lac");
    assert_eq!(sheet.written_by, ["Commune de Gruissan"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_save_is_a_chain_of_changes_and_is_read_whole_elsewhere() {
    let a = Ally::new("Cerdd").await;
    a.found("Patrimoine", false).await;
    let short: Saved = a.ask(experience("Une note", "Trois mots ici.")).await;
    let before = a.commons().await.entries;
    a.ask::<Saved>(set(&short.brief.id.to_string(), "story", "Quatre mots sont ici.")).await;
    assert_eq!(a.commons().await.entries, before + 1, "a small save is one change");

    let (situation, learned) = ("Le lac, l’été. ".repeat(4_000), "Un mot de plus.\n".repeat(3_750));
    let fields = json!({ "title": "Un long récit", "situation": situation, "learned": learned });
    let form = Some(Form::Fields(fields.as_object().cloned().unwrap()));
    let new = New { kind: "experience".to_owned(), form, set: vec![], territories: vec![] };
    let long: Saved = a.ask(Command::New(new)).await;
    assert_eq!(a.commons().await.entries, before + 1 + 4, "120,000 letters, at most 32,768 a change");
    // A line of a file is as long as it likes, too.
    let line =
        json!({ "kind": "experience", "id": "experience:long", "title": "Une longue ligne", "learned": learned });
    let lines = line.to_string().into_bytes();
    let brought: Imported = a.ask(Command::Import(Import { lines: lines.clone() })).await;
    assert_eq!((brought.created, brought.bad.len()), (1, 0));
    let again: Imported = a.ask(Command::Import(Import { lines })).await;
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 1));

    let b = Ally::new("UNADEL").await;
    b.join(&a.invite().await).await;
    agreed(&[&a, &b]).await;
    let sheet: Sheet = b.ask(Command::Show(long.brief.id.to_string())).await;
    for (name, text) in [("situation", situation.trim()), ("learned", learned.trim())] {
        assert!(sheet.fields[name] == text, "{name} is whole");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_apart_is_kept_shown_and_settled() {
    let mut a = Ally::new("Commune d’Aubigné-sur-Layon").await;
    a.found("Patrimoine", false).await;
    let mut b = Ally::new("Communauté de communes Cœur Haute Lande").await;
    b.join(&a.invite().await).await;
    let saved: Saved = a.ask(experience("Le marché couvert", "Il a fallu trois ans.")).await;
    let id = saved.brief.id.to_string();
    agreed(&[&a, &b]).await;

    a.go_offline().await;
    b.go_offline().await;
    let began = seconds();
    a.ask::<Saved>(set(&id, "outcome", "achieved")).await;
    b.ask::<Saved>(set(&id, "outcome", "did_not_work")).await;
    a.go_online().await;
    b.go_online().await;
    b.ask::<Synced>(Command::Sync(Sync { peer: None, wait_s: 20 })).await;
    agreed(&[&a, &b]).await;

    for ally in [&a, &b] {
        let conflicts: Vec<Conflict> = ally.ask(Command::Conflicts(ConflictsOf::default())).await;
        assert_eq!(conflicts.len(), 1, "{conflicts:?}");
        // Changes bear whole seconds.
        let lately = began..=seconds();
        let mut whens = conflicts[0].values.iter().map(|value| value.at.map(Timestamp::seconds));
        assert!(whens.all(|at| at.is_some_and(|at| lately.contains(&at))), "{conflicts:?}");
        let mut who: Vec<_> = conflicts[0].values.iter().filter_map(|value| value.ally.clone()).collect();
        who.sort();
        assert_eq!(who, ["Communauté de communes Cœur Haute Lande", "Commune d’Aubigné-sur-Layon"]);
    }
    let settle = |seen| {
        let (record, field) = (id.clone(), "outcome".to_owned());
        Command::Settle(Settle { record, field, keep: Settlement::Value(0), seen })
    };
    // As when a third value came while somebody decided between two others.
    let late = a.try_ask::<Saved>(settle(vec!["achieved".into(), "other".into()])).await;
    assert!(matches!(late, Err(Error::ValuesChanged { .. })), "{late:?}");
    let conflicts: Vec<Conflict> = a.ask(Command::Conflicts(ConflictsOf::default())).await;
    let seen = conflicts[0].values.iter().map(|value| value.value.clone()).collect();
    a.ask::<Saved>(settle(seen)).await;
    agreed(&[&a, &b]).await;
    assert_eq!(b.ask::<Vec<Conflict>>(Command::Conflicts(ConflictsOf::default())).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_starter_heritage_imported_apart_at_two_allies_is_260_records_not_520() {
    let mut a = Ally::new("Cerdd").await;
    a.found("Patrimoine", false).await;
    let mut b = Ally::new("UNADEL").await;
    b.join(&a.invite().await).await;
    agreed(&[&a, &b]).await;
    a.go_offline().await;
    b.go_offline().await;
    let lines = include_bytes!("../../node/data/heritage.jsonl").to_vec();
    for ally in [&a, &b] {
        assert_eq!(ally.commons().await.records, 0);
        let brought: Imported = ally.ask(Command::Import(Import { lines: lines.clone() })).await;
        assert_eq!((brought.created, brought.bad.len()), (260, 0));
    }

    a.go_online().await;
    b.go_online().await;
    a.ask::<Synced>(Command::Sync(Sync { peer: None, wait_s: 20 })).await;
    agreed(&[&a, &b]).await;
    for ally in [&a, &b] {
        assert_eq!(ally.commons().await.records, 260);
        let again: Imported = ally.ask(Command::Import(Import { lines: lines.clone() })).await;
        assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 260));
        let (found, same): (Records, Records) = (ally.ask(search("récits")).await, ally.ask(search("recit")).await);
        assert!(found.total > 0);
        assert_eq!(found.total, same.total);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_starter_heritage_of_a_commons_is_not_imported_again() {
    let a = Ally::new("Cerdd").await;
    assert_eq!(a.found("Patrimoine", true).await.records, 260);
    let lines = include_bytes!("../../node/data/heritage.jsonl").to_vec();
    let again: Imported = a.ask(Command::Import(Import { lines })).await;
    assert_eq!((again.created, again.updated, again.unchanged, again.bad.len()), (0, 0, 260, 0));
}
