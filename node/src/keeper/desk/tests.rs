//! A desk whose files are damaged, whose index fails, or whose records do not fold.

use std::path::Path;

use essaim_protocol::entry::statement::{AllyKind, Inviters, Name, Policy, RecoveryHash, Role};
use essaim_protocol::join::Knock;
use essaim_protocol::record::Edit;
use essaim_protocol::record::fold::StackError;
use essaim_protocol::roster::{Card, Founding, Offer, Ticket};
use essaim_protocol::sign::Seed;
use serde_json::json;

use super::folding::{FOLDED, unless_full};
use super::reading::{DISPUTED, INDEX_STEP};
use super::*;
use crate::index::Search;
use crate::keeper::folder::Done;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn keys() -> Keys {
    Keys::from_seed(&Seed::new([1; 32]))
}

pub(in crate::keeper) fn founded(dir: &Path) -> Desk {
    let founding = Founding {
        name: Name::new("Patrimoine").unwrap(),
        charter: charter_hash("Charte"),
        policy: Policy { vouches: 2, inviters: Inviters::Allies },
        founder: Card { kind: AllyKind::Organisation, name: Name::new("Alice").unwrap(), recovery: RecoveryHash::NONE },
    };
    Desk::found(|_| dir.to_owned(), keys(), 0, founding, "Charte", NOW).unwrap()
}

/// A desk with another ally, and the network key of that one.
pub(in crate::keeper) fn with_bob(dir: &Path) -> (Desk, NetworkKey) {
    let mut desk = founded(&dir.join("alice"));
    let seed = || Seed::new([11; 32]);
    let offer = Offer { seed: seed(), role: Role::Ally, expires: NOW.plus(1), uses: 1 };
    let invite = desk.invite(&offer, NOW).unwrap();
    let ticket = Ticket::new(desk.id(), desk.roster().council(), invite, seed(), vec![], vec![]);
    let bobs = Keys::from_seed(&Seed::new([2; 32]));
    let bob = bobs.device().network;
    let mut theirs = Desk::open(&dir.join("bob"), desk.id(), bobs, 0).unwrap();
    theirs.learn(&desk.statements().unwrap(), NOW).unwrap();
    let card = Card { kind: AllyKind::Person, name: Name::new("Bob").unwrap(), recovery: RecoveryHash::NONE };
    let presented = theirs.present(&ticket, card, NOW).unwrap();
    assert!(desk.members().borrow().is_empty());
    let proof = ticket.prove(&bob, &desk.keys.device().network);
    desk.receive(&presented, &bob, &Knock { commons: ticket.commons, invite, proof }, NOW).unwrap();
    assert_eq!(desk.admit(NOW).unwrap().len(), 1);
    (desk, bob)
}

fn open(dir: &Path, id: CommonsId) -> Desk {
    Desk::open(dir, id, keys(), 0).unwrap()
}

fn experience(desk: &mut Desk, title: &str) -> RecordId {
    let fields = BTreeMap::from([("title".to_owned(), json!(title))]);
    desk.create("experience", &fields, NOW).unwrap().view.record
}

/// An experience whose title was written twice by people who did not know of each other.
fn disputed(desk: &mut Desk) -> RecordId {
    let record = experience(desk, "Le verger");
    let base = desk.view(&record).unwrap().unwrap().heads;
    for title in ["Le verger du haut", "Le verger du bas"] {
        desk.save(&record, &base, &[Edit::set("title", title)], NOW).unwrap();
    }
    assert_eq!(desk.disputed().unwrap(), 1);
    record
}

fn found(desk: &mut Desk) -> usize {
    desk.refresh_all(&mut |_| {}).unwrap();
    let (reader, exact) = desk.search().unwrap();
    assert!(exact);
    reader.search(&Search { limit: 1, ..Search::default() }).unwrap().total
}

#[test]
fn a_disagreement_is_still_told_after_what_is_derived_was_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let (id, record) = (desk.id(), disputed(&mut desk));
    desk.close();
    drop(desk);
    // As a repair does on opening, or a rebuild that was killed before the views were made.
    drop(crate::store::rebuild(&store_config(dir.path(), 0)).unwrap());
    let mut desk = open(dir.path(), id);
    desk.refresh_all(&mut |_| {}).unwrap();
    assert_eq!(desk.disputed_records().unwrap(), [record]);
    assert_eq!(found(&mut desk), 1);
}

#[test]
fn records_are_counted_as_they_come() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let record = experience(&mut desk, "Le verger");
    assert_eq!(desk.count().unwrap(), 1);
    for title in ["Le verger du haut", "Le verger du bas"] {
        desk.save(&record, &[], &[Edit::set("title", title)], NOW).unwrap();
    }
    experience(&mut desk, "La navette");
    assert_eq!(desk.count().unwrap(), 2);
    assert_eq!(desk.count().unwrap(), 2, "nothing is counted twice");
    experience(&mut desk, "La halle");
    desk.derive_anew().unwrap();
    assert_eq!(desk.count().unwrap(), desk.records().unwrap().len() as u64);
}

#[test]
fn what_takes_place_in_a_territory_that_changed_is_indexed_after_it_in_steps() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let territory = desk.create("territory", &BTreeMap::from([("title".to_owned(), json!("Gruissan"))]), NOW).unwrap();
    let territory = territory.view.record;
    for n in 0..INDEX_STEP + 5 {
        let fields = json!({
            "title": format!("Le verger {n}"),
            "links": [{"rel": "in_territory", "to": territory.to_string()}],
        });
        desk.create("experience", &serde_json::from_value(fields).unwrap(), NOW).unwrap();
    }
    assert_eq!(found(&mut desk), INDEX_STEP + 6);
    desk.save(&territory, &[], &[Edit::set("title", "Gruissan-Plage")], NOW).unwrap();
    desk.refresh_all(&mut |_| {}).unwrap();
    let mut left = Vec::new();
    while !desk.unindexed.is_empty() || !desk.displaced.is_empty() {
        desk.index_some().unwrap();
        left.push(desk.displaced.len());
    }
    assert_eq!(left, [INDEX_STEP + 5, 5, 0]);
    assert_eq!(found(&mut desk), INDEX_STEP + 6);
}

#[test]
fn a_damaged_note_keeps_no_commons_closed() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let id = desk.id();
    experience(&mut desk, "Le verger");
    desk.store.put(Table::Notes, &[(REPAIRS.to_vec(), Some(b"[]".to_vec()))]).unwrap();
    desk.store.damage(Table::Notes, REPAIRS);
    desk.store.damage(Table::Views, FOLDED);
    desk.store.sync().unwrap();
    drop(desk);
    let mut desk = open(dir.path(), id);
    assert_eq!(found(&mut desk), 1);
    desk.forget_repairs().unwrap();
    assert_eq!(desk.store.get(Table::Notes, REPAIRS).unwrap(), None);
    desk.store.damage(Table::Notes, REPAIRS);
    desk.store.sync().unwrap();
    drop(desk);
    let mut desk = Desk::rebuild(dir.path(), id, keys(), 0).unwrap();
    assert_eq!(found(&mut desk), 1);
}

#[test]
fn damaged_derived_values_keep_nobody_from_reading_and_are_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let record = disputed(&mut desk);
    let other = experience(&mut desk, "La navette");
    let marker = [DISPUTED, &record.0].concat();
    desk.store.damage(Table::Views, &marker);
    desk.store.damage(Table::Views, &record.0);
    desk.store.damage(Table::Quarantine, &record.0);
    assert_eq!((desk.disputed().unwrap(), desk.disputed_records().unwrap()), (1, vec![record]));
    assert!(desk.quarantine().unwrap().is_empty());
    assert_eq!(desk.view(&record).unwrap().unwrap().conflicts().len(), 1);
    assert!(desk.view(&other).unwrap().is_some());
    assert!(desk.store_mut().check().unwrap().damaged.is_empty(), "what was read was written again");
    assert_eq!(desk.disputed().unwrap(), 1);
}

#[test]
fn a_record_that_cannot_be_folded_is_not_shown_as_it_was_and_concerns_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let (id, record) = (desk.id(), disputed(&mut desk));
    let other = experience(&mut desk, "La navette");
    assert_eq!(found(&mut desk), 2);
    desk.asked.insert(record);
    let outcome = Err(StackError::Panicked("a defect".to_owned()).into());
    desk.took(Done { record, anew: true, until: desk.commons.end(), outcome }).unwrap();

    assert_eq!(desk.view(&record).unwrap(), None);
    assert!(desk.unfoldable()[&record].contains("a defect"));
    assert_eq!(desk.view(&other).unwrap().unwrap().title(), "La navette");
    assert_eq!((desk.disputed().unwrap(), found(&mut desk)), (0, 1));
    desk.close();
    assert!(desk.folded().unwrap() > Ordinal(0), "the others need not be looked at again");
    drop(desk);
    let mut desk = open(dir.path(), id);
    assert_eq!((desk.stale(), desk.unindexed.len()), (1, 0), "it alone is tried again");
    assert_eq!((found(&mut desk), desk.disputed().unwrap()), (2, 1));
    desk.close();
    drop(desk);
    assert_eq!(open(dir.path(), id).stale(), 0, "once it folds");
}

#[test]
fn a_record_that_could_not_be_given_up_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let record = experience(&mut desk, "Le verger");
    let [store, away] = ["store", "away"].map(|name| dir.path().join(name));
    for anew in [true, false] {
        desk.asked.insert(record);
        let outcome = Err(StackError::Panicked("a defect".to_owned()).into());
        fs::rename(&store, &away).unwrap();
        desk.took(Done { record, anew, until: desk.commons.end(), outcome }).unwrap_err();
        fs::rename(&away, &store).unwrap();
        assert!(desk.is_stale(&record));
        assert_eq!(desk.view(&record).unwrap().unwrap().title(), "Le verger");
    }
}

#[test]
fn a_record_with_an_entry_that_cannot_be_read_concerns_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    experience(&mut desk, "La navette");
    assert_eq!(found(&mut desk), 1);
    let record = experience(&mut desk, "Le verger");
    desk.store.damage_last_frame();
    desk.at_hand.clear();
    desk.store.put(Table::Documents, &[(record.0.to_vec(), None)]).unwrap();
    desk.stale.insert(record);
    assert_eq!(found(&mut desk), 1);
    assert_eq!((desk.view(&record).unwrap(), desk.stale()), (None, 0));
    assert!(desk.unfoldable()[&record].contains("log"), "{:?}", desk.unfoldable());
}

#[test]
fn a_commons_with_a_damaged_frame_opens_without_its_index() {
    for folded in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut desk = founded(dir.path());
        let id = desk.id();
        experience(&mut desk, "La navette");
        let record = experience(&mut desk, "Le verger");
        assert_eq!(found(&mut desk), 2);
        desk.store.cover();
        desk.store.damage_last_frame();
        experience(&mut desk, "Le train");
        assert_eq!(found(&mut desk), 3);
        desk.close();
        if !folded {
            desk.store.put(Table::Views, &[(FOLDED.to_vec(), None), (record.0.to_vec(), None)]).unwrap();
            desk.store.put(Table::Documents, &[(record.0.to_vec(), None)]).unwrap();
        }
        desk.store.sync().unwrap();
        drop(desk);
        fs::remove_dir_all(dir.path().join("index")).unwrap();
        let mut desk = open(dir.path(), id);
        assert!(matches!(desk.changed_since(Ordinal(0)), Err(store::Error::Corrupt { .. })));
        // The view of what is damaged is as good as ever while it is there.
        assert_eq!(found(&mut desk), if folded { 3 } else { 2 });
        assert_eq!(desk.unfoldable().contains_key(&record), !folded);
    }
}

#[test]
fn a_record_of_which_more_came_while_it_failed_to_fold_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let record = experience(&mut desk, "Le verger");
    let until = desk.commons.end();
    desk.save(&record, &[], &[Edit::set("title", "Le verger du haut")], NOW).unwrap();
    let failed = |until| {
        let outcome = Err(StackError::Panicked("a defect".to_owned()).into());
        Done { record, anew: true, until, outcome }
    };
    desk.asked.insert(record);
    desk.took(failed(until)).unwrap();
    assert!(desk.is_stale(&record) && desk.unfoldable().is_empty());
    assert_eq!(desk.view(&record).unwrap().unwrap().title(), "Le verger du haut");

    desk.asked.insert(record);
    desk.took(failed(desk.commons.end())).unwrap();
    assert_eq!(desk.view(&record).unwrap(), None);
    desk.refresh(&record).unwrap();
    assert!(desk.unfoldable().is_empty(), "it folds now");
    assert_eq!(desk.view(&record).unwrap().unwrap().title(), "Le verger du haut");
}

#[test]
fn what_the_index_of_another_log_shows_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let id = desk.id();
    experience(&mut desk, "Le verger");
    assert_eq!(found(&mut desk), 1);
    desk.close();
    drop(desk);
    fs::remove_dir_all(dir.path().join("store")).unwrap();
    assert_eq!(found(&mut open(dir.path(), id)), 0);
}

#[test]
fn a_fold_upon_a_saved_document_that_fails_is_tried_from_nothing_even_on_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = founded(dir.path());
    let record = experience(&mut desk, "Le verger");
    let outcome = Err(StackError::Panicked("a defect".to_owned()).into());
    let until = desk.commons.end();
    desk.asked.insert(record);
    desk.took(Done { record, anew: false, until, outcome }).unwrap();
    assert_eq!(desk.view(&record).unwrap().unwrap().title(), "Le verger");
    assert!(desk.unfoldable().is_empty());
    unless_full(desk.settle_folded()).unwrap();
}
