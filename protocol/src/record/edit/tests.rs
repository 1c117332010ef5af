use serde_json::json;

use super::*;
use crate::record::testing::{Person, experience};

/// Alice and Bob each do an edit without having seen the other's; then each hears the other.
fn apart(base: &Person, alice: &[Edit], bob: &[Edit]) -> Person {
    let (mut a, mut b) = (base.fork("alice"), base.fork("bob"));
    a.edits(alice);
    b.edits(bob);
    let untouched = a.clone();
    a.hears(&b);
    b.hears(&untouched);
    assert_eq!(a.view(), b.view(), "the order of merging must not show");
    a
}

#[test]
fn texts_merge_by_character() {
    let base = experience();
    let merged = apart(
        &base,
        &[Edit::set("story", "Un matin.\n\nDeux.\n\nTrois.")],
        &[Edit::set("story", "Un.\n\nDeux.\n\nTrois vallées.")],
    );
    assert_eq!(merged.json()["story"], "Un matin.\n\nDeux.\n\nTrois vallées.");
}

#[test]
fn scalars_of_every_type_keep_both_values() {
    let territory = Person::creates("carol", "territory", json!({ "title": "Valombre", "type": "commune" }));
    let resource = Person::creates("carol", "resource", json!({ "title": "Guide", "type": "guide" }));
    let experience = experience();
    let cases = [
        (&experience, "outcome", json!("stopped"), json!("did_not_work")),
        (&experience, "lang", json!("en"), json!("oc")),
        (&experience, "fictional", json!(true), json!(false)),
        (&territory, "country", json!("BE"), json!("CH")),
        (&territory, "point", json!({ "lat": 44.5, "lon": 3.5 }), json!({ "lat": 45.0, "lon": 3.5 })),
        (&territory, "population", json!({ "value": 1240 }), json!({ "value": 1250, "on": "2026" })),
        (&resource, "url", json!("https://a.fr"), json!("https://b.fr")),
        (&resource, "issued", json!("2024"), json!("2025-05")),
        (&resource, "publisher", json!("0".repeat(52)), json!(format!("1{}", "0".repeat(51)))),
    ];
    for (base, field, alice, bob) in cases {
        let merged = apart(base, &[Edit::set(field, alice.clone())], &[Edit::set(field, bob.clone())]);
        let values = merged.values(field);
        assert!(values.len() == 2, "{field}: {values:?}");
        let mut settled = merged.clone();
        settled.edits(&[Edit::settle(field, alice.clone())]);
        assert_eq!(settled.json()[field], alice, "{field}");
        assert_eq!(settled.values(field).len(), 1, "{field}");
    }
}

#[test]
fn the_same_value_written_twice_is_no_disagreement() {
    let merged = apart(&experience(), &[Edit::set("outcome", "stopped")], &[Edit::set("outcome", "stopped")]);
    assert_eq!(merged.values("outcome"), ["stopped"]);
}

#[test]
fn sets_unite_and_an_addition_wins_over_a_removal_that_had_not_seen_it() {
    let mut base = experience();
    base.sets("themes", json!(["mobility", "energy"])).sets("tags", json!(["navette"]));
    let merged = apart(
        &base,
        &[Edit::set("themes", json!(["energy", "water"])), Edit::set("tags", json!(["navette", "vallée / col"]))],
        &[Edit::set("themes", json!(["mobility", "energy", "democracy"])), Edit::set("tags", json!([]))],
    );
    assert_eq!(merged.json()["themes"], json!(["democracy", "energy", "water"]));
    assert_eq!(merged.json()["tags"], json!(["vallée / col"]));
}

#[test]
fn two_additions_of_one_link_are_one() {
    let (x, y) = ("0".repeat(52), format!("1{}", "0".repeat(51)));
    let link = |to: &str, note: Option<&str>| match note {
        Some(note) => json!({ "rel": "in_territory", "to": to, "note": note }),
        None => json!({ "rel": "in_territory", "to": to }),
    };
    let merged = apart(
        &experience(),
        &[Edit::set("links", json!([link(&x, Some("chef-lieu"))])), Edit::set("authors", json!([x]))],
        &[
            Edit::set("links", json!([link(&x, None), link(&y, None)])),
            Edit::set("authors", json!([x, { "to": y, "role": "photo" }])),
        ],
    );
    assert_eq!(merged.json()["links"], json!([link(&x, Some("chef-lieu")), link(&y, None)]));
    assert_eq!(merged.json()["authors"], json!([x, { "to": y, "role": "photo" }]));
    assert_eq!(merged.view().territories().len(), 2);
}

#[test]
fn structs_and_maps_merge_member_by_member_even_when_first_written_apart() {
    let merged = apart(
        &experience(),
        &[
            Edit::set("means", json!({ "months": 18, "funding": "État" })),
            Edit::set("fantastics", json!({ "elected": { "did": "A porté le budget." } })),
        ],
        &[
            Edit::set("means", json!({ "budget_eur": 86000.0, "funding": "Région" })),
            Edit::set("fantastics", json!({ "agent": { "did": "A tenu le service." } })),
        ],
    );
    let json = merged.json();
    assert_eq!((&json["means"]["months"], &json["means"]["budget_eur"]), (&json!(18), &json!(86000)));
    assert_eq!(merged.view().field("means").unwrap().member("funding").unwrap().values.len(), 2);
    assert_eq!(json["fantastics"].as_object().unwrap().len(), 2);
    // A later write of a member settles it in both of the objects beneath.
    let mut later = merged.clone();
    later.sets("means/funding", "Europe").sets("means/months", Json::Null);
    assert_eq!(later.json()["means"], json!({ "budget_eur": 86000, "funding": "Europe" }));
}

#[test]
fn attachments_unite() {
    let (a, b) = ("a".repeat(52), "b".repeat(52));
    let file = |hash: &str, alt: &str| json!({ hash: { "name": "carte.png", "alt": alt, "bytes": 1024 } });
    let merged = apart(
        &experience(),
        &[Edit::set("attachments", file(&a, "Carte"))],
        &[Edit::set("attachments", file(&b, "Plan"))],
    );
    assert_eq!(merged.json()["attachments"].as_object().unwrap().len(), 2);
}

#[test]
fn items_of_a_list_merge_and_moves_never_duplicate() {
    let mut base = experience();
    base.sets("steps", json!([{ "title": "Étude" }, { "title": "Service" }, { "title": "Arrêt" }]));
    let merged = apart(
        &base,
        &[Edit::set("steps", json!([{ "title": "Arrêt" }, { "title": "Étude" }, { "title": "Service" }]))],
        &[Edit::set(
            "steps",
            json!([{ "title": "Étude" }, { "title": "Service" }, { "title": "Café" }, { "title": "Arrêt", "on": "2025" }]),
        )],
    );
    let expected = json!([
        { "on": "2025", "title": "Arrêt" }, { "title": "Étude" }, { "title": "Service" }, { "title": "Café" }
    ]);
    assert_eq!(merged.json()["steps"], expected);
}

#[test]
fn two_edits_of_one_item_merge_by_its_members() {
    let mut base = experience();
    base.sets("effects", json!([{ "text": "Le coût a dépassé celui du taxi." }]));
    let merged = apart(
        &base,
        &[Edit::set("effects", json!([{ "text": "Le coût a dépassé celui du taxi.", "sign": "destroyed" }]))],
        &[Edit::set("effects", json!([{ "text": "Le coût par trajet a dépassé celui du taxi." }]))],
    );
    let expected = json!([{ "sign": "destroyed", "text": "Le coût par trajet a dépassé celui du taxi." }]);
    assert_eq!(merged.json()["effects"], expected);
}

#[test]
fn an_item_put_before_one_that_it_resembles_does_not_take_its_place() {
    let mut base = experience();
    base.sets("effects", json!([{ "text": "Une ligne.", "sign": "created" }]));
    let merged = apart(
        &base,
        &[Edit::set(
            "effects",
            json!([{ "text": "Un emploi.", "sign": "created" }, { "text": "Une ligne.", "sign": "created" }]),
        )],
        &[Edit::set("effects", json!([{ "text": "Une ligne de bus.", "sign": "created" }]))],
    );
    let expected = json!([
        { "sign": "created", "text": "Un emploi." }, { "sign": "created", "text": "Une ligne de bus." }
    ]);
    assert_eq!(merged.json()["effects"], expected);
}

#[test]
fn each_writes_only_their_own_position() {
    let mut base = experience();
    base.sets("disagreements", json!([{ "subject": "Continuer ?" }]));
    let id = base.view().field("disagreements").unwrap().value().unwrap().items()[0].id.clone();
    let place = |who: &str| format!("disagreements/{id}/positions/fantastic:{who}");
    let merged = apart(
        &base,
        &[Edit::set(&place("elected"), json!({ "stance": "against", "text": "Non." }))],
        &[Edit::set(&place("agent"), json!({ "stance": "conditional", "text": "Oui, si." }))],
    );
    assert_eq!(merged.json()["disagreements"][0]["positions"].as_object().unwrap().len(), 2);
}

#[test]
fn opposite_settlements_are_a_disagreement_again_and_none_is_lost() {
    let merged = apart(&experience(), &[Edit::set("outcome", "stopped")], &[Edit::set("outcome", "did_not_work")]);
    let again = apart(&merged, &[Edit::settle("outcome", "stopped")], &[Edit::settle("outcome", "did_not_work")]);
    assert_eq!(again.values("outcome"), ["did_not_work", "stopped"]);
}

#[test]
fn what_does_not_change_makes_no_operation() {
    let mut alice = experience();
    let everything = json!({
        "themes": ["energy"], "steps": [{ "title": "Étude", "on": "2023" }], "means": { "months": 3 },
        "period": { "from": "2023", "to": "2024" }, "fantastics": { "agent": { "did": "Tout." } },
    });
    let edits = |json: &Json| -> Vec<Edit> {
        json.as_object().unwrap().iter().map(|(name, value)| Edit::set(name, value.clone())).collect()
    };
    alice.edits(&edits(&everything));
    assert!(matches!(alice.draft(&edits(&everything)), Err(EditError::NothingToDo)));
    let all = Json::Object(alice.json());
    assert!(matches!(alice.draft(&edits(&all)), Err(EditError::NothingToDo)));
    // One corrected letter is a small change of a long text.
    let long = "Nous avons conçu le service entre services techniques. ".repeat(200);
    alice.sets("story", long.as_str());
    let draft = alice.draft(&[Edit::set("story", long.replacen("conçu", "conçus", 1))]).unwrap();
    assert!(draft.chunk.len() < 300, "{} bytes", draft.chunk.len());
}

#[test]
fn unknown_fields_survive_and_may_be_carried_on() {
    let mut doc = experience().doc;
    let mut tx = doc.transaction();
    let later = tx.put_object(ROOT, "of_a_newer_model", ObjType::Map).unwrap();
    tx.put(&later, "deep", 1.5).unwrap();
    let list = tx.put_object(&later, "list", ObjType::List).unwrap();
    tx.insert(&list, 0, "x").unwrap();
    tx.put(ROOT, "outcome", "transformed").unwrap();
    tx.commit();
    let mut alice = Person { doc, ..experience() };
    let json = alice.json();
    assert_eq!(json["of_a_newer_model"], json!({ "deep": 1.5, "list": ["x"] }));
    assert_eq!(json["outcome"], "transformed");
    // Handing everything back is no mistake of the person's, and changes nothing.
    let edits: Vec<Edit> = json.iter().map(|(name, value)| Edit::set(name, value.clone())).collect();
    assert!(matches!(alice.draft(&edits), Err(EditError::NothingToDo)), "{:?}", alice.draft(&edits));
    alice.sets("title", "Autre titre");
    assert_eq!(alice.json()["of_a_newer_model"], json!({ "deep": 1.5, "list": ["x"] }));
}

#[test]
fn every_mistake_is_told_at_once_with_the_field_the_value_and_a_suggestion() {
    let mut alice = experience();
    let edits = [
        Edit::set("outcom", "stopped"),
        Edit::set("outcome", "stoped"),
        Edit::set("period", json!({ "from": "mai 2024" })),
        Edit::set("means", json!({ "months": "dix-huit" })),
        Edit::set("title", ""),
        Edit::set("authors", json!(["Lyon"])),
    ];
    let Err(EditError::Invalid(problems)) = alice.draft(&edits) else { panic!("mistakes go unnoticed") };
    let messages: Vec<String> = problems.iter().map(|problem| problem.message(crate::record::Lang::Fr)).collect();
    assert_eq!(messages.len(), 6, "{messages:#?}");
    assert!(messages[0].contains("vouliez-vous dire « outcome » ?"), "{}", messages[0]);
    assert!(messages[1].contains("vouliez-vous dire « Arrêté » ?"), "{}", messages[1]);
    assert!(messages[2].contains("« De »") && messages[2].contains("« mai 2024 »"), "{}", messages[2]);
}

#[test]
fn limits_are_errors_that_say_how_large() {
    let mut alice = experience();
    let title = "é".repeat(1_000);
    let Err(EditError::Invalid(problems)) = alice.draft(&[Edit::set("title", title)]) else { panic!() };
    assert_eq!(problems[0].why, Why::TooLong { chars: 1_000, max: 160 });
}

#[test]
fn long_texts_are_saved_as_the_shortest_chain_and_read_back_whole() {
    let mut alice = experience();
    let (learned, situation) = ("Un mot 👩‍👩‍👧‍👦 e\u{301}té.\n".repeat(300), "Le lac, l’été. ".repeat(2_500));
    let edits = [Edit::set("situation", situation.as_str()), Edit::set("learned", learned.as_str())];
    alice.edits(&edits);
    let json = alice.json();
    assert!(json["situation"] == situation.trim() && json["learned"] == learned.trim().replace("e\u{301}", "é"));
    assert_eq!(alice.doc.get_changes(&[]).len(), 1 + 2);
    assert!(matches!(alice.draft(&edits), Err(EditError::NothingToDo)));

    // Two who go on apart each keep their words.
    let (mut bob, mut carol) = (alice.fork("bob"), alice.fork("carol"));
    bob.sets("situation", format!("Ici : {situation}"));
    carol.sets("situation", format!("{situation}Voilà."));
    bob.hears(&carol);
    assert!(bob.json()["situation"] == format!("Ici : {situation}Voilà."));
}

#[test]
fn values_of_many_bytes_are_saved_in_a_chain_too() {
    let mut alice = experience();
    let tags: Vec<String> = (0..80).map(|n| format!("{n:03} {}", "é".repeat(1_900))).collect();
    alice.sets("tags", json!(tags));
    assert!(alice.json()["tags"] == json!(tags));
    assert!(alice.doc.get_changes(&[]).len() > 2);
}

#[test]
fn items_of_a_long_list_are_neither_doubled_nor_lost_where_a_chain_is_cut() {
    let mut alice = experience();
    let step = |n: usize| json!({ "text": format!("{n} ").repeat(6_000).trim(), "title": format!("Étape {n}") });
    let steps: Vec<Json> = (0..3).map(step).collect();
    alice.sets("steps", json!(steps));
    assert!(alice.json()["steps"] == json!(steps));
    assert_eq!(alice.doc.get_changes(&[]).len(), 1 + 2);
}

#[test]
fn a_text_settled_in_a_chain_is_one_text() {
    let base = Person::creates("alice", "experience", json!({ "title": "Une navette" }));
    let mut all = base.fork("alice");
    all.sets("learned", "Le lac.");
    let mut bob = base.fork("bob");
    bob.sets("learned", "La vallée.");
    all.hears(&bob);
    assert_eq!(all.values("learned").len(), 2);
    let text = "Les deux. ".repeat(3_500);
    all.edits(&[Edit::settle("learned", text.as_str()), Edit::settle("outcome", "stopped")]);
    assert!(all.values("learned") == [json!(text.trim())]);
    assert_eq!(all.json()["outcome"], "stopped");
}

#[test]
fn one_value_that_no_change_holds_is_an_error_with_its_size() {
    let json = json!({ "title": "Un essai", "later": vec![1; 33_000] });
    let fields: BTreeMap<String, Json> = serde_json::from_value(json).unwrap();
    let origin = crate::entry::Origin { system: "x".to_owned(), id: "y".to_owned() };
    let error = crate::record::reference::first("finding", &fields, &origin).unwrap_err();
    assert!(matches!(error, EditError::TooLarge { operations: 33_001, bytes: 0 }), "{error}");
}

#[test]
fn a_record_that_holds_all_it_may_takes_no_more() {
    let mut alice = experience();
    for _ in 1..MAX_CHANGES {
        alice.doc.empty_commit(CommitOptions::default().with_time(0));
    }
    let full = alice.draft(&[Edit::set("outcome", "stopped")]);
    assert!(matches!(full, Err(EditError::Full { changes: MAX_CHANGES, .. })), "{full:?}");
    let full = merge(&alice.doc, &alice.heads(), Timestamp(0));
    assert!(matches!(full, Err(EditError::Full { .. })), "{full:?}");
}

#[test]
fn a_rehearsal_tells_that_the_end_of_a_save_finds_no_room() {
    let mut alice = experience();
    for _ in 1..MAX_CHANGES - 1 {
        alice.doc.empty_commit(CommitOptions::default().with_time(0));
    }
    let mut rehearse = |letters: usize| alice.draft(&[Edit::set("learned", "a".repeat(letters))]).unwrap().rehearse();
    assert!(rehearse(1_000).is_ok());
    let full = rehearse(MAX_OPERATIONS + 1_000);
    assert!(matches!(full, Err(EditError::Full { changes: MAX_CHANGES, .. })), "{full:?}");
}

#[test]
fn right_to_left_emoji_and_long_texts_are_ordinary() {
    let mut alice = experience();
    let text = "مرحبا 👩‍👩‍👧‍👦 e\u{301}té ".repeat(80);
    alice.sets("learned", text.as_str());
    assert_eq!(alice.json()["learned"], text.trim().replace("e\u{301}", "é"));
    alice.sets("learned", text.replace("👩‍👩‍👧‍👦", "👍🏽"));
    assert_eq!(alice.json()["learned"], text.trim().replace("👩‍👩‍👧‍👦", "👍🏽").replace("e\u{301}", "é"));
}

#[test]
fn more_heads_than_a_change_may_name_are_merged_first() {
    let base = experience();
    let mut all = base.clone();
    for n in 0..70 {
        let mut one = base.fork("bob");
        one.sets("tags", json!([format!("mot {n}")]));
        all.hears(&one);
    }
    assert!(matches!(all.draft(&[Edit::set("outcome", "stopped")]), Err(EditError::TooManyHeads(70))));
    let merge = merge(&all.doc, &all.heads(), Timestamp(9_000)).unwrap();
    all.doc.apply_changes([crate::record::testing::seal(&merge.chunk, "alice")]).unwrap();
    assert_eq!(all.heads().len(), 7);
    all.sets("outcome", "stopped");
    assert_eq!(all.heads().len(), 1);
}
