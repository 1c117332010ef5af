//! Records in tests: several people, one document each, changes handed from one to the other.

use std::collections::BTreeMap;

use automerge::{Automerge, Change};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::edit::{self, Draft};
use super::view::{Attribution, View};
use super::{Edit, EditError};
use crate::id::{Actor, AllyId, ChangeHash, DeviceKey, RecordId};
use crate::time::Timestamp;

/// A draft as it would be sealed, as far as the document is concerned: with an actor of its own.
pub(crate) fn seal(draft: &[u8], name: &str) -> Change {
    let mut chunk = draft.to_vec();
    let mut reader = crate::wire::Reader::new(&chunk[9..]);
    reader.uleb().unwrap();
    let body = 9 + reader.position();
    let deps = reader.uleb().unwrap() as usize;
    reader.take(32 * deps).unwrap();
    assert_eq!(reader.uleb(), Ok(16), "the length of an actor");
    let actor = 9 + reader.position();
    assert!(body < actor);
    let hash = blake3::keyed_hash(blake3::hash(name.as_bytes()).as_bytes(), draft);
    // The first byte names the author, so that a test can attribute a value.
    chunk[actor] = name.as_bytes()[0];
    chunk[actor + 1..actor + 16].copy_from_slice(&hash.as_bytes()[..15]);
    let checksum = Sha256::digest(&chunk[8..]);
    chunk[4..8].copy_from_slice(&checksum[..4]);
    Change::from_bytes(chunk).unwrap()
}

/// A person's copy of a record.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) doc: Automerge,
    pub(crate) saves: u64,
}

impl Person {
    /// Somebody who creates a record.
    pub(crate) fn creates(name: &'static str, kind: &str, fields: Json) -> Self {
        let fields: BTreeMap<String, Json> = serde_json::from_value(fields).unwrap();
        let draft = edit::create(kind, &fields, [1; 32], Timestamp(1_000)).unwrap();
        let mut person = Self { name, doc: Automerge::new(), saves: 0 };
        person.applies(draft);
        person
    }

    /// Somebody else with the same record.
    pub(crate) fn fork(&self, name: &'static str) -> Self {
        Self { name, doc: self.doc.clone(), saves: 0 }
    }

    pub(crate) fn heads(&self) -> Vec<ChangeHash> {
        self.doc.get_heads().into_iter().map(|head| ChangeHash(head.0)).collect()
    }

    /// Drafts without applying.
    pub(crate) fn draft(&mut self, edits: &[Edit]) -> Result<Draft, EditError> {
        self.saves += 1;
        let before = self.doc.get_changes_meta(&[]).len();
        let random = blake3::hash(format!("{} {} {before}", self.name, self.saves).as_bytes());
        let time = Timestamp(2_000 + 1_000 * self.saves as i64);
        edit::draft(&self.doc, &self.heads(), edits, *random.as_bytes(), time)
    }

    pub(crate) fn edits(&mut self, edits: &[Edit]) -> &mut Self {
        let draft = self.draft(edits).unwrap();
        self.applies(draft);
        self
    }

    /// Seals a draft and what follows it.
    pub(crate) fn applies(&mut self, draft: Draft) {
        let mut next = Some(draft);
        while let Some(draft) = next {
            let change = seal(&draft.chunk, self.name);
            next = draft.next(change.raw_bytes()).unwrap();
            self.doc.apply_changes([change]).unwrap();
        }
    }

    pub(crate) fn sets(&mut self, path: &str, value: impl Into<Json>) -> &mut Self {
        self.edits(&[Edit::set(path, value)])
    }

    /// Takes everything that the other has.
    pub(crate) fn hears(&mut self, other: &Self) -> &mut Self {
        let news = self.doc.get_changes_added(&other.doc);
        self.doc.apply_changes(news).unwrap();
        self
    }

    pub(crate) fn view(&self) -> View {
        View::read(RecordId::ZERO, &self.doc, &attribute)
    }

    pub(crate) fn json(&self) -> Map<String, Json> {
        self.view().fields_json()
    }

    /// The values of a field that stand side by side, sorted.
    pub(crate) fn values(&self, name: &str) -> Vec<Json> {
        let view = self.view();
        let Some(field) = view.field(name) else { return vec![] };
        let mut values: Vec<Json> = field.values.iter().map(|held| super::json::plain(&held.value)).collect();
        values.sort_by_key(Json::to_string);
        values
    }
}

/// The person whose name starts with the actor's first byte, as device and ally.
pub(crate) fn attribute(actor: Actor) -> Option<Attribution> {
    let ally = AllyId([actor.0[0]; 32]);
    Some(Attribution { device: DeviceKey(ally.0), ally: Some(ally), time: Timestamp(0) })
}

/// An experience as somebody would begin it.
pub(crate) fn experience() -> Person {
    Person::creates(
        "alice",
        "experience",
        json!({ "title": "Une navette à la demande", "story": "Un.\n\nDeux.\n\nTrois." }),
    )
}

mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edit() -> impl Strategy<Value = Edit> {
        let text = "[ab é\n]{0,12}";
        let words = prop::collection::vec(prop::sample::select(vec!["energy", "water", "mobility"]), 0..3);
        let items = prop::collection::vec(("[ab]{1,3}", prop::option::of("202[0-9]")), 0..4);
        prop_oneof![
            text.prop_map(|text| Edit::set("story", text)),
            "[ab]{1,5}".prop_map(|text| Edit::set("title", text)),
            prop::sample::select(vec!["stopped", "paused"]).prop_map(|code| Edit::set("outcome", code)),
            prop::sample::select(vec!["stopped", "paused"]).prop_map(|code| Edit::settle("outcome", code)),
            words.prop_map(|words| Edit::set("themes", words)),
            (0i64..3).prop_map(|months| Edit::set("means/months", months)),
            items.prop_map(|items| {
                let item = |(title, on): (String, Option<String>)| json!({ "title": title, "on": on });
                Edit::set("steps", items.into_iter().map(item).collect::<Vec<_>>())
            }),
        ]
    }

    #[derive(Debug, Clone)]
    enum Act {
        Edit(usize, Edit),
        Hear(usize, usize),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            3 => (0..5usize, edit()).prop_map(|(who, edit)| Act::Edit(who, edit)),
            1 => (0..5usize, 0..5usize).prop_map(|(who, whom)| Act::Hear(who, whom)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn whoever_hears_everybody_sees_the_same_in_whatever_order(acts in prop::collection::vec(act(), 1..24)) {
            let base = experience();
            let mut people: Vec<Person> = ["alice", "bob", "carol", "dan", "eve"].map(|name| base.fork(name)).into();
            for act in acts {
                match act {
                    Act::Edit(who, edit) => {
                        if let Ok(draft) = people[who].draft(&[edit]) {
                            people[who].applies(draft);
                        }
                    }
                    Act::Hear(who, whom) => {
                        let other = people[whom].clone();
                        people[who].hears(&other);
                    }
                }
            }
            let (mut forth, mut back) = (base.fork("frank"), base.fork("frank"));
            people.iter().for_each(|person| { forth.hears(person); });
            people.iter().rev().for_each(|person| { back.hears(person); });
            let view = forth.view();
            prop_assert_eq!(&view, &back.view());
            // A view is stored in postcard, and what the record says can be handed back without changing it.
            let stored = postcard::to_stdvec(&view).unwrap();
            prop_assert_eq!(postcard::from_bytes::<View>(&stored).unwrap(), view.clone());
            let edits: Vec<Edit> = view.fields_json().into_iter().map(|(name, value)| Edit::set(&name, value)).collect();
            let handed_back = forth.draft(&edits);
            prop_assert!(matches!(handed_back, Err(EditError::NothingToDo)), "{:?} changed something", edits);
        }

    }
}
