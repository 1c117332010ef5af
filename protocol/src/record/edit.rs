//! From what a person changed to one automerge change with the fewest operations.
//!
//! An edit names a place and says, in the JSON form, what it should hold. Drafting checks all edits against the schema,
//! then compares each with what the document holds and writes the difference: a text by the words that changed, a set by
//! what joined and left, a list item by item. What is unchanged makes no operation, so that a form can hand back all its
//! fields. The draft is a raw change chunk, to be sealed by [`crate::entry`] and applied in its sealed form; the draft's
//! document is dropped with its actor.

use std::collections::BTreeMap;
use std::fmt;

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{ActorId, Automerge, AutomergeError, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use serde_json::Value as Json;

use super::field::{Found, Shape, Want, found};
use super::fold::{MAX_CHANGES, MAX_OPERATIONS as RECORD_OPERATIONS};
use super::input::{Checker, Problem, Target, Why, nearest};
use super::schema::{Kind, Schema};
use super::view::KIND;
use super::write::{Pen, Style};
use crate::entry::change::FOOTER_LEN;
use crate::gate;
use crate::id::ChangeHash;
use crate::time::Timestamp;

/// The most operations in one change: half of what the gate lets through, so that no honest save comes near it.
pub const MAX_OPERATIONS: usize = 32_768;

/// The most bytes in one change's chunk, as the gate has it.
pub const MAX_BYTES: usize = gate::CHUNK_MAX;

/// The most heads that one change may name; above, [`merge`] them first.
pub const MAX_HEADS: usize = gate::DEPENDENCIES_MAX;

/// The root key of the random bytes of a new record.
const NONCE: &str = "_n";

/// One wish of a person.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Make the place hold this. `null` empties it.
    Set {
        /// Where.
        path: Path,
        /// What, in the JSON form.
        value: Json,
    },
    /// Settle between the concurrent values or versions of the place: this is the one. Unlike [`Edit::Set`] it writes even
    /// what already shows.
    Settle {
        /// Where.
        path: Path,
        /// What, in the JSON form.
        value: Json,
    },
}

/// A place in a record: a field, then members, item ids or keys. Written with slashes: `means/months`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<String>);

impl From<&str> for Path {
    fn from(text: &str) -> Self {
        Self(text.split('/').map(str::to_owned).collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

impl Edit {
    /// `Set`, with less to write.
    #[must_use]
    pub fn set(path: &str, value: impl Into<Json>) -> Self {
        Self::Set { path: path.into(), value: value.into() }
    }

    /// `Settle`, with less to write.
    #[must_use]
    pub fn settle(path: &str, value: impl Into<Json>) -> Self {
        Self::Settle { path: path.into(), value: value.into() }
    }

    fn parts(&self) -> (&Path, &Json, bool) {
        match self {
            Self::Set { path, value } => (path, value, false),
            Self::Settle { path, value } => (path, value, true),
        }
    }
}

/// Why no change was drafted.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The person asks for what cannot be; each problem says what and where.
    #[error("{} fields cannot hold what was given", .0.len())]
    Invalid(Vec<Problem>),
    /// The schema has no such kind, so there is no form to fill.
    #[error("there is no kind of record called {name}")]
    UnknownKind {
        /// What was asked.
        name: String,
        /// What may be meant.
        nearest: Option<String>,
    },
    /// Every place holds already what was asked.
    #[error("nothing would change")]
    NothingToDo,
    /// More was changed at once than one change carries: save in several times.
    #[error("too much for one save: {operations} operations, {bytes} bytes (at most {MAX_OPERATIONS} and {MAX_BYTES})")]
    TooLarge {
        /// How many operations.
        operations: usize,
        /// How many bytes; zero when the operations were already too many.
        bytes: usize,
    },
    /// The record has more heads than a change may name: [`merge`] first.
    #[error("{0} heads are more than one change may join ({MAX_HEADS})")]
    TooManyHeads(usize),
    /// The record has grown to the bounds that [`fold`](mod@super::fold) keeps: go on in a new one.
    #[error(
        "this record holds all that one may: {changes} changes, {operations} operations (at most {MAX_CHANGES} and \
             {RECORD_OPERATIONS}); go on in a new record"
    )]
    Full {
        /// Changes it has.
        changes: usize,
        /// Operations it has.
        operations: u64,
    },
    /// The document does not take the change: ours is the fault, or the heads are not of this document.
    #[error("the document does not take the change")]
    Document(#[from] AutomergeError),
}

/// Drafts the first change of a new record. `fields` are in the JSON form; required fields with a default get it.
///
/// # Errors
/// [`EditError::UnknownKind`], [`EditError::Invalid`], [`EditError::TooLarge`].
pub fn create(
    kind: &str,
    fields: &BTreeMap<String, Json>,
    random: [u8; 32],
    time: Timestamp,
) -> Result<Vec<u8>, EditError> {
    let spec = kind_spec(kind)?;
    let mut fields = fields.clone();
    fields.retain(|_, value| !value.is_null());
    for field in &spec.fields {
        if let Some(default) = field.default.as_ref().filter(|_| field.required) {
            fields.entry(field.name.clone()).or_insert_with(|| default.as_str().into());
        }
    }
    let edits = fields.into_iter().map(|(name, value)| Edit::Set { path: Path(vec![name]), value });
    let mut doc = Automerge::new();
    let wishes = check(spec, &doc, &edits.collect::<Vec<_>>())?;
    commit(&mut doc, time, |tx| {
        tx.put(ROOT, KIND, kind)?;
        tx.put(ROOT, NONCE, ScalarValue::Bytes(random[..16].to_vec()))?;
        carry_out(tx, wishes, random)
    })
}

/// Drafts one change of a record as it stands at `heads`.
///
/// # Errors
/// [`EditError::NothingToDo`] when nothing would change, [`EditError::Invalid`] with everything that is wrong,
/// [`EditError::TooLarge`], [`EditError::TooManyHeads`], [`EditError::Full`].
pub fn draft(
    doc: &Automerge,
    heads: &[ChangeHash],
    edits: &[Edit],
    random: [u8; 32],
    time: Timestamp,
) -> Result<Vec<u8>, EditError> {
    if heads.len() > MAX_HEADS {
        return Err(EditError::TooManyHeads(heads.len()));
    }
    let mut doc = doc.fork_at(&automerge_heads(heads))?;
    let kind = found(&doc, None, &[ROOT], KIND).into_iter().find_map(|found| match found.shape {
        Shape::Scalar(ScalarValue::Str(kind)) => Some(kind.to_string()),
        Shape::Scalar(_) | Shape::Object(_) => None,
    });
    let wishes = check(kind_spec(&kind.unwrap_or_default())?, &doc, edits)?;
    commit(&mut doc, time, |tx| carry_out(tx, wishes, random))
}

/// Drafts a change without operations that joins up to [`MAX_HEADS`] of `heads` into one. Repeat until few are left.
///
/// # Errors
/// [`EditError::Document`] when the heads are not of this document, [`EditError::Full`].
pub fn merge(doc: &Automerge, heads: &[ChangeHash], time: Timestamp) -> Result<Vec<u8>, EditError> {
    let joined = &heads[..heads.len().min(MAX_HEADS)];
    let mut doc = doc.fork_at(&automerge_heads(joined))?;
    has_room(&doc)?;
    doc.set_actor(DRAFT_ACTOR.into());
    doc.empty_commit(CommitOptions::default().with_time(time.seconds()));
    raw_chunk(&doc, 0)
}

/// Refuses to write what every node would leave out: a change built on more than a record may hold. One change's
/// operations are kept as room, so that it is not the largest save that finds none.
fn has_room(doc: &Automerge) -> Result<(), EditError> {
    let changes = doc.get_changes_meta(&[]);
    let operations: u64 = changes.iter().map(|change| (change.max_op + 1).saturating_sub(change.start_op)).sum();
    let fits = changes.len() < MAX_CHANGES && operations + MAX_OPERATIONS as u64 <= RECORD_OPERATIONS as u64;
    if fits { Ok(()) } else { Err(EditError::Full { changes: changes.len(), operations }) }
}

/// The actor of every draft: sealing replaces it.
const DRAFT_ACTOR: [u8; 16] = [0; 16];

pub(super) fn kind_spec(name: &str) -> Result<&'static Kind, EditError> {
    let schema = Schema::get();
    schema.kind(name).ok_or_else(|| EditError::UnknownKind {
        name: name.to_owned(),
        nearest: nearest(name, schema.kinds().iter().map(|kind| kind.name.as_str())),
    })
}

/// A checked edit.
struct Wish {
    path: Vec<String>,
    target: Target,
    settles: bool,
}

fn check(kind: &Kind, doc: &Automerge, edits: &[Edit]) -> Result<Vec<Wish>, EditError> {
    let mut checker = Checker::default();
    let mut wishes = Vec::with_capacity(edits.len());
    for (path, value, settles) in edits.iter().map(Edit::parts) {
        let mut want = Want::Entry(&kind.fields);
        for name in &path.0 {
            want = want.member(name);
        }
        checker.path.clone_from(&path.0);
        let known = path.0.first().is_some_and(|name| kind.field(name).is_some());
        if !known {
            let name = path.0.first().map_or("", String::as_str);
            let near = nearest(name, kind.fields.iter().map(|field| field.name.as_str()));
            checker.problem(&kind.label, &name.into(), Why::UnknownField(near));
        }
        let target = checker.target(want, value);
        checker.within_the_gate(&target);
        if path.0 == ["title"] && matches!(&target, Target::Text(text) if text.trim().is_empty()) {
            checker.problem(&kind.fields[0].label, value, Why::Missing);
        }
        wishes.push(Wish { path: path.0.clone(), target, settles });
    }
    // What a record already holds, from a newer schema or an import, is not this person's fault.
    let problems: Vec<Problem> = checker.problems.into_iter().filter(|problem| !holds(doc, problem)).collect();
    if problems.is_empty() { Ok(wishes) } else { Err(EditError::Invalid(problems)) }
}

/// Whether the document already holds the value that a problem is about.
fn holds(doc: &Automerge, problem: &Problem) -> bool {
    let Some((key, path)) = problem.path.split_last().filter(|_| !problem.why.is_loss()) else { return false };
    found(doc, None, &descend(doc, path), key).iter().any(|found| match (&found.shape, &problem.why) {
        (Shape::Scalar(ScalarValue::Str(text)), _) => text.as_str() == problem.value,
        (Shape::Object(ObjType::Text), Why::TooLong { chars, .. }) => doc.length(&found.id) >= *chars,
        (Shape::Scalar(_) | Shape::Object(_), _) => true,
    })
}

/// The objects at the end of a path.
fn descend(doc: &impl ReadDoc, path: &[String]) -> Vec<ObjId> {
    path.iter().fold(vec![ROOT], |objects, key| {
        found(doc, None, &objects, key).into_iter().filter(Found::is_map).map(|found| found.id).collect()
    })
}

fn carry_out(tx: &mut Transaction<'_>, wishes: Vec<Wish>, random: [u8; 32]) -> Result<(), AutomergeError> {
    let mut pen = Pen::new(tx, Style::Person(random));
    for wish in wishes {
        let Some((key, parents)) = wish.path.split_last() else { continue };
        if wish.settles {
            let objects = descend(&*pen.tx, parents);
            if !objects.is_empty() {
                pen.settle(&objects, key, &wish.target)?;
                continue;
            }
        }
        let wrap = |target, key: &String| Target::Members { put: BTreeMap::from([(key.clone(), target)]), only: false };
        let target = wish.path[1..].iter().rev().fold(wish.target, wrap);
        pen.put(&[ROOT], &wish.path[0], &target)?;
    }
    Ok(())
}

/// Runs one transaction and gives back its chunk.
pub(super) fn commit(
    doc: &mut Automerge,
    time: Timestamp,
    write: impl FnOnce(&mut Transaction<'_>) -> Result<(), AutomergeError>,
) -> Result<Vec<u8>, EditError> {
    has_room(doc)?;
    doc.set_actor(ActorId::from(DRAFT_ACTOR));
    let mut tx = doc.transaction();
    write(&mut tx)?;
    let operations = tx.pending_ops();
    if operations == 0 {
        return Err(EditError::NothingToDo);
    }
    if operations > MAX_OPERATIONS {
        return Err(EditError::TooLarge { operations, bytes: 0 });
    }
    tx.commit_with(CommitOptions::default().with_time(time.seconds()));
    raw_chunk(doc, operations)
}

fn raw_chunk(doc: &Automerge, operations: usize) -> Result<Vec<u8>, EditError> {
    let change = doc.get_last_local_change().ok_or(EditError::NothingToDo)?;
    let bytes = change.raw_bytes();
    if bytes.len() > MAX_BYTES - FOOTER {
        return Err(EditError::TooLarge { operations, bytes: bytes.len() });
    }
    Ok(bytes.to_vec())
}

/// Room for what sealing appends: the footer, and a longer length in the head.
const FOOTER: usize = FOOTER_LEN + 2;

pub(super) fn automerge_heads(heads: &[ChangeHash]) -> Vec<automerge::ChangeHash> {
    heads.iter().map(|head| automerge::ChangeHash(head.0)).collect()
}

#[cfg(test)]
mod tests {
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
        assert!(draft.len() < 300, "{} bytes", draft.len());
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
        let huge = "mot ".repeat(10_000);
        let error = alice.draft(&[Edit::set("learned", huge)]).unwrap_err();
        assert!(matches!(error, EditError::TooLarge { operations: 40_000, bytes: 0 }), "{error}");
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
        all.doc.apply_changes([crate::record::testing::seal(&merge, "alice")]).unwrap();
        assert_eq!(all.heads().len(), 7);
        all.sets("outcome", "stopped");
        assert_eq!(all.heads().len(), 1);
    }
}
