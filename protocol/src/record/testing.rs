//! Records in tests: several people, one document each, changes handed from one to the other.

use std::collections::BTreeMap;

use automerge::{Automerge, Change};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::view::{Attribution, View};
use super::{Edit, EditError, edit};
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
        person.doc.apply_changes([seal(&draft, name)]).unwrap();
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
    pub(crate) fn draft(&mut self, edits: &[Edit]) -> Result<Vec<u8>, EditError> {
        self.saves += 1;
        let random = blake3::hash(format!("{} {}", self.name, self.saves).as_bytes());
        let time = Timestamp(2_000 + 1_000 * self.saves as i64);
        edit::draft(&self.doc, &self.heads(), edits, *random.as_bytes(), time)
    }

    pub(crate) fn edits(&mut self, edits: &[Edit]) -> &mut Self {
        let draft = self.draft(edits).unwrap();
        self.doc.apply_changes([seal(&draft, self.name)]).unwrap();
        self
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
