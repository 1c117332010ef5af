//! Entries as they are made, sent, forged and replayed.

use std::fmt::Write as _;

use automerge::transaction::Transactable as _;
use automerge::{ActorId, AutoCommit, Automerge, ObjType, ROOT};
use data_encoding::HEXLOWER;

use super::adoption::reference_chunk;
use super::change::{FOOTER_LEN, SealError};
use super::*;
use crate::gate::forge::{COMMONS, FRONTIER, Forge, MAKE_TEXT, Row, RowKey, keys};
use crate::gate::{census, renew_checksum};
use crate::id::Actor;

const WIRE: &str = include_str!("../../../tests/fixtures/wire/v1/entries.txt");

fn rows() -> Vec<Row> {
    vec![
        Row::put("_n").with_value(7, &[5; 16]),
        Row::make("title", MAKE_TEXT),
        Row::letter((0, 2), RowKey::Head),
        Row::letter((0, 2), RowKey::Element(0, 3)),
    ]
}

fn first() -> Verified<Change> {
    Change::seal(&Forge::new(&rows()).chunk(), &keys("alice"), COMMONS, FRONTIER, None).unwrap()
}

fn second(first: &Change) -> Forge {
    Forge::after(&[first.chunk()], &[Row::put("statut"), Row::letter((1, 2), RowKey::Element(1, 4))])
}

fn origin() -> Origin {
    Origin { system: "transitionsterritoires.fr".to_owned(), id: "fiche/42".to_owned() }
}

fn reference(time: i64) -> Forge {
    Forge { time, ..Forge::new(&[&[Row::put("_kind")], &rows()[1..]].concat()) }
}

fn adoption(by: &str) -> Verified<Adoption> {
    let chunk = reference_chunk(&origin(), &reference(0).chunk()).unwrap();
    Adoption::sign(&keys(by), COMMONS, FRONTIER, origin(), chunk).unwrap()
}

fn entry_of(change: &[u8]) -> Vec<u8> {
    [&[2], change].concat()
}

fn forged(by: &str) -> Result<(), Refused> {
    Err(Refused::Forged { claimed: keys(by).key(), source: BadSignature })
}

fn verify(bytes: &[u8]) -> Result<(), Refused> {
    decode_and_verify(bytes, &COMMONS).map(|_| ())
}

/// The chunk of a sealed change, patched: checksum made right again.
fn patched(change: &Change, patch: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut chunk = change.chunk().to_vec();
    patch(&mut chunk);
    renew_checksum(&mut chunk);
    entry_of(&[&change.record().0, &chunk[..]].concat())
}

#[test]
fn the_record_of_kept_bytes_is_read_without_the_rest() {
    for entry in [Entry::Change(first().into_inner()), Entry::Adoption(adoption("alice").into_inner())] {
        assert_eq!(Entry::record_of(&entry.encode()), entry.record());
    }
    assert_eq!([&[][..], &[2, 1, 2], &[1; 200], &[9; 200]].map(Entry::record_of), [None; 4]);
}

#[test]
fn what_is_sealed_is_what_the_design_says() {
    let first = first();
    assert_eq!(first.bytes(), Forge::new(&rows()).signed(&keys("alice"), None));
    assert_eq!(first.time(), Timestamp(1_778_162_400_000));
    let draft = second(&first);
    let sealed = Change::seal(&draft.chunk(), &keys("bob"), COMMONS, FRONTIER, Some(first.record())).unwrap();
    assert_eq!(sealed.bytes(), draft.signed(&keys("bob"), Some(first.record())));
    assert_eq!(sealed.deps(), [first.hash()]);
    let read = decode_and_verify(&entry_of(sealed.bytes()), &COMMONS).unwrap();
    assert_eq!(read.into_inner(), Entry::Change(sealed.into_inner()));
}

/// The bytes of version 1, as they will be read for ever. `wire.md` explains them.
#[test]
fn the_bytes_of_version_1_stay_as_they_are() {
    let first = first();
    let draft = second(&first);
    let change =
        |forge: &Forge| Entry::Change(Change::decode(&forge.signed(&keys("bob"), Some(first.record()))).unwrap());
    let entries = [
        ("first change", Entry::Change(first.clone().into_inner())),
        ("later change", change(&draft)),
        ("merge", change(&Forge::after(&[first.chunk(), change(&draft).encode().get(33..).unwrap()], &[]))),
        ("adoption", Entry::Adoption(adoption("carol").into_inner())),
    ];
    let mut text = String::new();
    for (name, entry) in &entries {
        let bytes = entry.encode();
        assert_eq!(verify(&bytes), Ok(()));
        writeln!(text, "{name}\nid     {}", HEXLOWER.encode(&entry.id().0)).unwrap();
        writeln!(text, "record {}", HEXLOWER.encode(&entry.record().unwrap().0)).unwrap();
        writeln!(text, "change {}", HEXLOWER.encode(&entry.change().unwrap().0)).unwrap();
        writeln!(text, "bytes  {}\n", HEXLOWER.encode(&bytes)).unwrap();
    }
    let kept: Vec<_> = WIRE.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(text.trim(), kept.join("\n").trim());
}

#[test]
fn a_signature_survives_in_an_automerge_file() {
    let first = first();
    let second = Change::seal(&second(&first).chunk(), &keys("bob"), COMMONS, FRONTIER, Some(first.record())).unwrap();
    let mut document = Automerge::new();
    for change in [&first, &second] {
        document.apply_changes([automerge::Change::try_from(change.chunk()).unwrap()]).unwrap();
    }
    let loaded = Automerge::load(&document.save()).unwrap();
    for change in loaded.get_changes(&[]) {
        let bytes = entry_of(&[&first.record().0, change.raw_bytes()].concat());
        let read = decode_and_verify(&bytes, &COMMONS).unwrap();
        assert_eq!(read.device().0, change.author().unwrap().as_bytes());
    }
}

#[test]
fn one_draft_sealed_twice_is_one_change_and_two_drafts_are_two_actors() {
    let mut doc = AutoCommit::new().with_actor(ActorId::from([7; 16]));
    doc.put_object(ROOT, "title", ObjType::Text).unwrap();
    doc.commit_with(automerge::transaction::CommitOptions::default().with_time(1));
    let one = doc.get_last_local_change().unwrap().raw_bytes().to_vec();
    let sealed = |draft: &[u8]| Change::seal(draft, &keys("alice"), COMMONS, FRONTIER, None).unwrap();
    assert_eq!(sealed(&one), sealed(&one));
    let other = Forge::new(&rows());
    assert_ne!(sealed(&one).actor(), sealed(&other.chunk()).actor());
}

#[test]
fn a_stranger_cannot_sign_for_another() {
    let first = first();
    let alice = keys("alice").key();
    // Eve signs, and writes alice's key in the footer: the actor is recomputed to fit, the signature cannot be.
    let mut chunk = first.chunk().to_vec();
    let at = chunk.len() - 64;
    let body = {
        let mut blank = chunk.clone();
        let actor_at = census(&chunk).unwrap().actor_at();
        blank[at..].fill(0);
        blank[actor_at..actor_at + 16].fill(0);
        blake3::derive_key("essaim v1 change body", &blank[8..])
    };
    let signature = keys("eve").sign(crate::sign::Domain::CHANGE, &[&COMMONS.0, &first.record().0, &body]);
    chunk[at..].copy_from_slice(&signature.0);
    let actor = blake3::derive_key("essaim v1 actor", &[&body[..], &signature.0].concat());
    let actor_at = census(&chunk_checked(&chunk)).unwrap().actor_at();
    chunk[actor_at..actor_at + 16].copy_from_slice(&actor[..16]);
    renew_checksum(&mut chunk);
    let bytes = entry_of(&[&first.record().0, &chunk[..]].concat());
    assert_eq!(verify(&bytes), forged("alice"));
    assert_eq!(Entry::decode(&bytes).unwrap().claimed_signer(), alice);
}

fn chunk_checked(chunk: &[u8]) -> Vec<u8> {
    let mut chunk = chunk.to_vec();
    renew_checksum(&mut chunk);
    chunk
}

#[test]
fn a_change_counts_in_its_record_and_its_commons_only() {
    let first = first();
    let later = second(&first).signed(&keys("bob"), Some(first.record()));
    let elsewhere = RecordId([1; 32]);
    for (change, by) in [(first.bytes(), "alice"), (&later[..], "bob")] {
        assert_eq!(verify(&entry_of(change)), Ok(()));
        assert_eq!(verify(&entry_of(&[&elsewhere.0, &change[32..]].concat())), forged(by));
        let other = decode_and_verify(&entry_of(change), &CommonsId([0xc1; 32]));
        assert_eq!(other.map(|_| ()), forged(by));
    }
    // Bob signs a record of his choosing for a first change, which would be a second root of that record.
    let chosen = Forge::new(&rows()).signed(&keys("bob"), Some(first.record()));
    assert_eq!(verify(&entry_of(&chosen)), forged("bob"));
}

#[test]
fn an_actor_that_does_not_follow_from_the_change_is_refused() {
    let first = first();
    let at = census(first.chunk()).unwrap().actor_at();
    let own = patched(&first, |chunk| chunk[at] ^= 1);
    let wrong = Refused::Malformed(DecodeError::Invalid { what: "the actor of a change" });
    assert_eq!(verify(&own), Err(wrong));
    let signature = patched(&first, |chunk| *chunk.last_mut().unwrap() ^= 1);
    assert_eq!(verify(&signature), Err(wrong));
    let frontier = patched(&first, |chunk| {
        let at = chunk.len() - FOOTER_LEN + 40;
        chunk[at] ^= 1;
    });
    assert_eq!(verify(&frontier), Err(wrong));
}

#[test]
fn a_change_shorter_than_a_signature_is_refused() {
    for chunk in [Forge::new(&[]).chunk(), Forge::after(&[&Forge::new(&rows()).chunk()], &[]).chunk()] {
        census(&chunk).expect("it says nothing, which is no fault");
        let bytes = [&[6; 32][..], &chunk].concat();
        assert!(Change::decode(&bytes).is_err());
        let entry = [&[CHANGE], &bytes[..]].concat();
        assert!(Entry::decode(&entry).is_err());
        assert!(Entry::receive(&entry, &COMMONS).is_err());
        let answers = receive_and_verify_all(&[&entry, &entry], &COMMONS, 2);
        assert!(answers.iter().all(|answer| matches!(answer, Err(Refused::Malformed(_)))), "{answers:?}");
    }
}

#[test]
fn a_footer_has_one_form() {
    let plain = Forge::new(&rows());
    let extra = first().chunk()[first().chunk().len() - FOOTER_LEN..].to_vec();
    let mut forms = vec![vec![], extra[..34].to_vec(), [&extra[..], &[0]].concat(), [&[0], &extra[..]].concat()];
    for at in [0, 1, 34, 35, 68, 69] {
        let mut form = extra.clone();
        form[at] ^= 1;
        forms.push(form);
    }
    for extra in forms {
        let chunk = Forge { extra, ..plain.clone() }.chunk();
        assert!(Change::decode(&[&first().record().0, &chunk[..]].concat()).is_err());
    }
}

#[test]
fn what_receivers_would_refuse_is_not_sealed() {
    let (first, alice) = (first(), keys("alice"));
    let seal = |draft: &[u8], record| Change::seal(draft, &alice, COMMONS, FRONTIER, record).map(|_| ());
    assert_eq!(seal(first.chunk(), None), Err(SealError::Sealed));
    assert_eq!(seal(&Forge::new(&rows()).chunk(), Some(first.record())), Err(SealError::Record));
    assert_eq!(seal(&second(&first).chunk(), None), Err(SealError::Record));
    let marks = Row { action: 7, ..Row::put("k") };
    assert!(matches!(seal(&Forge::new(&[marks]).chunk(), None), Err(SealError::Draft(_))));
    // A draft may be as long as a change, but not with its footer.
    let long: Vec<_> = (0..3).map(|_| Row::put("k").with_value(7, &[0; 65_500])).collect();
    let long = Forge::new(&long).chunk();
    assert!(census(&long).is_ok() && matches!(seal(&long, None), Err(SealError::Draft(DecodeError::TooLarge { .. }))));
}

#[test]
fn a_reference_change_is_the_same_for_everybody() {
    let (carol, dave) = (adoption("carol"), adoption("dave"));
    assert_eq!((carol.chunk(), carol.record()), (dave.chunk(), dave.record()));
    assert_ne!(carol.id(), dave.id());
    let mut named = Vec::new();
    for part in ["transitionsterritoires.fr", "fiche/42"] {
        named.push(part.len() as u8);
        named.extend_from_slice(part.as_bytes());
    }
    assert_eq!(carol.record().0, blake3::derive_key("essaim v1 reference record", &named));
    let body = blake3::derive_key("essaim v1 change body", &reference(0).chunk()[8..]);
    let actor = blake3::derive_key("essaim v1 reference actor", &[&named[..], &body].concat());
    assert_eq!(carol.actor(), Actor(actor[..16].try_into().unwrap()));
    let other = Origin { id: "fiche/43".to_owned(), ..origin() };
    assert_ne!(reference_chunk(&other, &reference(0).chunk()).unwrap(), carol.chunk());
    let split = |system: &str, id: &str| Origin { system: system.to_owned(), id: id.to_owned() }.record();
    assert_ne!(split("ab", "c"), split("a", "bc"));
}

#[test]
fn an_adoption_holds_for_its_commons_and_its_words_only() {
    let adoption = adoption("carol");
    let bytes = Entry::Adoption(adoption.clone().into_inner()).encode();
    assert_eq!(verify(&bytes), Ok(()));
    let elsewhere = decode_and_verify(&bytes, &CommonsId([0xc1; 32]));
    assert_eq!(elsewhere.map(|_| ()), forged("carol"));
    for end in 0..bytes.len() {
        assert!(verify(&bytes[..end]).is_err(), "cut at {end}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn what_is_no_reference_change_is_not_adopted() {
    let sign = |origin: Origin, chunk: &[u8]| Adoption::sign(&keys("carol"), COMMONS, FRONTIER, origin, chunk.to_vec());
    let timed = reference(1).chunk();
    assert!(reference_chunk(&origin(), &timed).is_err());
    assert!(sign(origin(), &timed).is_err());
    assert!(sign(origin(), first().chunk()).is_err(), "somebody's signed change");
    assert!(sign(origin(), &reference(0).chunk()).is_err(), "an actor that does not derive");
    let chunk = adoption("carol").chunk().to_vec();
    for wrong in [
        Origin { id: "fiche/43".to_owned(), ..origin() },
        Origin { id: String::new(), ..origin() },
        Origin { system: String::new(), ..origin() },
        Origin { id: "x".repeat(Origin::ID_MAX + 1), ..origin() },
        Origin { system: "x".repeat(Origin::SYSTEM_MAX + 1), ..origin() },
    ] {
        assert!(sign(wrong, &chunk).is_err());
    }
}

#[test]
fn many_are_verified_in_order_on_any_number_of_threads() {
    let first = first();
    let good = entry_of(first.bytes());
    let bad = entry_of(&[&[1; 32], first.chunk()].concat());
    let adopted = Entry::Adoption(adoption("carol").into_inner()).encode();
    let entries: [&[u8]; 7] = [&good, &bad, &adopted, &[], &[9, 9], &good[..40], &good];
    let alone: Vec<_> = entries.iter().map(|bytes| decode_and_verify(bytes, &COMMONS)).collect();
    assert!(alone[0].is_ok() && alone[2].is_ok() && alone[6].is_ok());
    assert_eq!(alone[1].as_ref().map(|_| ()), forged("alice").as_ref().map(|_| ()));
    assert_eq!(alone[4], Err(Refused::Malformed(DecodeError::Unknown { what: "entry tag", found: 9 })));
    for threads in [0, 1, 2, 3, 7, 100] {
        assert_eq!(receive_and_verify_all(&entries, &COMMONS, threads), alone, "{threads} threads");
    }
    assert!(receive_and_verify_all(&[], &COMMONS, 2).is_empty());
}
