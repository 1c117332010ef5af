//! What was folded stays folded, wherever it was interrupted.

use std::collections::BTreeMap;

use essaim_node::home::Home;
use essaim_node::index::Search;
use essaim_node::keeper::Desk;
use essaim_protocol::entry::{Change, Entry};
use essaim_protocol::id::RecordId;
use essaim_protocol::record::{Edit, edit};
use essaim_protocol::sign::Verified;
use essaim_protocol::time::Timestamp;
use essaim_tests::cluster::Ally;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

async fn founded() -> Ally {
    let mut ally = Ally::new("Commune de Gruissan").await;
    ally.found("Patrimoine", false).await;
    ally.stop().await;
    ally
}

fn open(ally: &Ally) -> (Home, Desk) {
    let home = Home::open(ally.home()).expect("the home of an ally");
    let id = home.commons().expect("its commons")[0];
    let desk = Desk::open(&home.commons_dir(&id), id, home.keys().clone(), 0).expect("its commons");
    (home, desk)
}

/// Takes in new records, as sync does: nothing is folded yet.
fn take_in(home: &Home, desk: &mut Desk, count: u8) -> Vec<RecordId> {
    let frontier = desk.roster().frontier(home.keys(), NOW).expect("the founder may write").id;
    let change = |n: u8| {
        let fields = BTreeMap::from([("title".to_owned(), json!(format!("Le verger {n}")))]);
        let draft = edit::create("experience", &fields, [n; 32], NOW).expect("valid fields").chunk;
        Change::seal(&draft, home.keys(), desk.id(), frontier, None).expect("a valid change").into_inner()
    };
    let changes: Vec<Change> = (0..count).map(change).collect();
    let records = changes.iter().map(Change::record).collect();
    desk.take_in(changes.into_iter().map(|change| Verified::trusted(Entry::Change(change))).collect(), NOW)
        .expect("room");
    records
}

fn found(desk: &mut Desk) -> usize {
    let search = Search { limit: 1, ..Search::default() };
    desk.search().expect("an index").0.search(&search).expect("a query").total
}

#[tokio::test]
async fn what_was_folded_before_the_node_was_killed_is_not_folded_again() {
    let ally = founded().await;
    let (home, mut desk) = open(&ally);
    let records = take_in(&home, &mut desk, 50);
    assert_eq!(desk.stale(), 50);
    for record in &records[..20] {
        assert!(desk.view(record).unwrap().unwrap().title().starts_with("Le verger"));
    }
    // Nothing is closed: it is as after a kill.
    drop((home, desk));

    let (home, mut desk) = open(&ally);
    assert_eq!(desk.stale(), 30, "the others are known to wait");
    desk.refresh_all(&mut |_| {}).unwrap();
    assert_eq!(desk.stale(), 0);
    assert_eq!(found(&mut desk), 50);
    drop((home, desk));

    let (home, mut desk) = open(&ally);
    assert_eq!(desk.stale(), 0);
    let saved = desk.save(&records[0], &[], &[Edit::set("title", "Le verger du haut")], NOW).unwrap();
    assert_eq!(saved.view.title(), "Le verger du haut");
    drop((home, desk));
    let (_home, mut desk) = open(&ally);
    assert_eq!(desk.stale(), 0);
    assert_eq!(desk.view(&records[0]).unwrap().unwrap().title(), "Le verger du haut");
}

#[tokio::test]
async fn folding_in_idle_moments_ends_and_everything_is_found() {
    let ally = founded().await;
    let (home, mut desk) = open(&ally);
    let records = take_in(&home, &mut desk, 250);
    let mut steps = 0;
    while desk.stale() > 0 {
        desk.idle();
        steps += 1;
        if steps == 3 {
            // Somebody reads and writes meanwhile.
            let saved = desk.save(&records[249], &[], &[Edit::set("title", "Le verger du haut")], NOW).unwrap();
            assert_eq!(saved.view.title(), "Le verger du haut");
        }
    }
    while desk.idle() {}
    assert_eq!(found(&mut desk), 250);
}
