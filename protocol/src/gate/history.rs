//! Honest histories, for tests: three people edit forks of one document with automerge itself, and merge at times.

use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{ActorId, AutoCommit, ObjType, ROOT, ReadDoc as _, ScalarValue};
use proptest::prelude::*;

/// What a person does to a document, in numbers.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Put(u8, i64),
    Text(u8, usize, usize, String),
    Map(u8, u8),
    List(u8, usize),
    Delete(u8),
    Count(u8, i64),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0..6u8, any::<i64>()).prop_map(|(key, value)| Edit::Put(key, value)),
        (0..6u8, 0..40usize, 0..4usize, "\\PC{0,30}").prop_map(|(key, at, cut, text)| Edit::Text(key, at, cut, text)),
        (0..6u8, 0..6u8).prop_map(|(key, inner)| Edit::Map(key, inner)),
        (0..6u8, 0..20usize).prop_map(|(key, at)| Edit::List(key, at)),
        (0..6u8).prop_map(Edit::Delete),
        (0..6u8, -5..5i64).prop_map(|(key, by)| Edit::Count(key, by)),
    ]
}

fn apply(doc: &mut AutoCommit, edit: &Edit) {
    match edit {
        Edit::Put(key, value) => doc.put(ROOT, format!("s{key}"), *value).unwrap(),
        Edit::Text(key, at, cut, text) => {
            let key = format!("t{key}");
            let object = match doc.get(ROOT, &*key).unwrap() {
                Some((_, object)) => object,
                None => doc.put_object(ROOT, &*key, ObjType::Text).unwrap(),
            };
            let length = doc.length(&object);
            let at = *at.min(&length);
            doc.splice_text(&object, at, (*cut).min(length - at) as isize, text).unwrap();
        }
        Edit::Map(key, inner) => {
            let object = doc.put_object(ROOT, format!("m{key}"), ObjType::Map).unwrap();
            doc.put(&object, format!("k{inner}"), true).unwrap();
        }
        Edit::List(key, at) => {
            let key = format!("l{key}");
            let object = match doc.get(ROOT, &*key).unwrap() {
                Some((_, object)) => object,
                None => doc.put_object(ROOT, &*key, ObjType::List).unwrap(),
            };
            let at = *at.min(&doc.length(&object));
            doc.insert(&object, at, 1.25).unwrap();
        }
        Edit::Delete(key) => {
            for kind in ["s", "t", "m", "l"] {
                let key = format!("{kind}{key}");
                if doc.get(ROOT, &*key).unwrap().is_some() {
                    doc.delete(ROOT, key).unwrap();
                }
            }
        }
        Edit::Count(key, by) => {
            let key = format!("c{key}");
            if doc.get(ROOT, &*key).unwrap().is_some() {
                doc.increment(ROOT, key, *by).unwrap();
            } else {
                doc.put(ROOT, key, ScalarValue::counter(0)).unwrap();
            }
        }
    }
}

/// One save: its edits, whose fork, and whether the next fork is merged in first.
pub(crate) type Save = (Vec<Edit>, usize, bool);

pub(crate) fn saves() -> impl Strategy<Value = Vec<Save>> {
    prop::collection::vec((prop::collection::vec(edit(), 0..6), 0..3usize, any::<bool>()), 1..8)
}

/// The chunk of each save, under an actor of its own.
pub(crate) fn chunks(saves: &[Save]) -> Vec<Vec<u8>> {
    let mut forks = [AutoCommit::new(), AutoCommit::new(), AutoCommit::new()];
    let mut chunks = Vec::new();
    for (n, (edits, fork, merge)) in saves.iter().enumerate() {
        let mut doc = forks[*fork].clone();
        if *merge {
            doc.merge(&mut forks[(fork + 1) % 3]).unwrap();
        }
        doc.set_actor(ActorId::from(blake3::hash(&n.to_le_bytes()).as_bytes()[..16].to_vec()));
        edits.iter().for_each(|edit| apply(&mut doc, edit));
        if doc.pending_ops() == 0 {
            doc.empty_change(CommitOptions::default());
        } else {
            doc.commit();
        }
        chunks.push(doc.get_last_local_change().unwrap().raw_bytes().to_vec());
        forks[*fork] = doc;
    }
    chunks
}

/// The chunk of a change that types a text into a new document.
pub(crate) fn typed(text: &str) -> Vec<u8> {
    let mut doc = AutoCommit::new().with_actor(ActorId::from([7; 16]));
    let object = doc.put_object(automerge::ROOT, "story", ObjType::Text).unwrap();
    doc.splice_text(&object, 0, 0, text).unwrap();
    doc.commit();
    doc.get_last_local_change().unwrap().raw_bytes().to_vec()
}
