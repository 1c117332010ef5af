//! Allies found, invite, join, write apart, meet again and find what they need.

use essaim_protocol::api::{
    Command, Conflict, Error, Import, Imported, Records, Saved, Search, Settle, Settlement, Sheet,
};
use essaim_tests::cluster::{Ally, agreed, experience, set};

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
    a.ask::<Saved>(set(&id, "outcome", "achieved")).await;
    b.ask::<Saved>(set(&id, "outcome", "did_not_work")).await;
    a.go_online().await;
    b.go_online().await;
    b.ask::<essaim_protocol::api::Synced>(Command::Sync(essaim_protocol::api::Sync { peer: None, wait_s: 20 })).await;
    agreed(&[&a, &b]).await;

    for ally in [&a, &b] {
        let conflicts: Vec<Conflict> = ally.ask(Command::Conflicts(None)).await;
        assert_eq!(conflicts.len(), 1, "{conflicts:?}");
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
    let conflicts: Vec<Conflict> = a.ask(Command::Conflicts(None)).await;
    let seen = conflicts[0].values.iter().map(|value| value.value.clone()).collect();
    a.ask::<Saved>(settle(seen)).await;
    agreed(&[&a, &b]).await;
    assert_eq!(b.ask::<Vec<Conflict>>(Command::Conflicts(None)).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_starter_heritage_imported_twice_or_at_two_allies_is_260_records() {
    let a = Ally::new("Cerdd").await;
    let commons = a.found("Patrimoine", true).await;
    assert_eq!(commons.records, 260);
    let lines = include_bytes!("../../node/data/heritage.jsonl").to_vec();
    let again: Imported = a.ask(Command::Import(Import { lines: lines.clone() })).await;
    assert_eq!((again.created, again.updated, again.unchanged, again.bad.len()), (0, 0, 260, 0));

    let mut b = Ally::new("UNADEL").await;
    b.join(&a.invite().await).await;
    agreed(&[&a, &b]).await;
    assert_eq!(b.commons().await.records, 260);
    b.go_offline().await;
    let there: Imported = b.ask(Command::Import(Import { lines })).await;
    assert_eq!(there.unchanged, 260);
    let found: Records = b.ask(search("récits")).await;
    let same: Records = b.ask(search("recit")).await;
    assert!(found.total > 0);
    assert_eq!(found.total, same.total);
}
