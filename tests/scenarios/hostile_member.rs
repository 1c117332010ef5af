//! An admitted ally whose node has been turned: its store holds what no honest node would let in, and it syncs.
//!
//! What is wrong on every node is refused, its sender cut off and named. What is rightly signed but cannot be folded is
//! kept in quarantine under its author's name. Either way everybody else goes on.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use automerge::transaction::Transactable as _;
use automerge::{ActorId, AutoCommit, ObjType, ROOT, ReadDoc as _};
use essaim_node::home::Home;
use essaim_node::keeper::store_config;
use essaim_node::store::{self, Disk};
use essaim_protocol::api::{Check, Checked, Command, Diagnosis, Doctor, Health, Saved, Sheet};
use essaim_protocol::entry::{Change, Entry};
use essaim_protocol::id::{CommonsId, EntryId, RecordId};
use essaim_protocol::record::edit::{self, Edit};
use essaim_protocol::record::fold;
use essaim_protocol::sign::{Domain, Keys, Seed};
use essaim_protocol::store::{Append, Store as _};
use essaim_protocol::time::Timestamp;
use essaim_tests::cluster::{Ally, agreed, experience, set, until};
use sha2::{Digest as _, Sha256};

/// What a turned node offers, and what the others say of it.
type Wrong = (&'static str, fn(&Turned) -> Vec<u8>);

const WRONG: [Wrong; 9] = [
    ("its device was not admitted", |eve| {
        let stranger = Keys::from_seed(&Seed::new([7; 32]));
        eve.seal(&first_draft(), &stranger, None)
    }),
    ("not signed by", |eve| {
        let (mut replayed, other) = (eve.later().bytes().to_vec(), eve.change(1).record());
        replayed[..32].copy_from_slice(&other.0);
        tagged(&replayed)
    }),
    ("it depends on a change of another record", |eve| {
        let (on, other) = (eve.change(0), eve.change(1).record());
        eve.seal(&transplanted(second_draft, on), &eve.keys, Some(other))
    }),
    ("not signed by", |eve| {
        let elsewhere = Turned { commons: CommonsId([0xe1; 32]), ..eve.clone() };
        elsewhere.seal(&first_draft(), &eve.keys, None)
    }),
    ("not signed by", |eve| {
        let mut flipped = eve.later().bytes().to_vec();
        // In the name of the record, which the signature covers and the checksum of the change does not.
        flipped[3] ^= 1;
        tagged(&flipped)
    }),
    ("not an entry", |eve| {
        let whole = tagged(eve.change(0).bytes());
        whole[..whole.len() - 1].to_vec()
    }),
    // In the signature: the checksum over it is worked out by who receives it.
    ("not signed by", |eve| {
        let mut flipped = tagged(eve.change(0).bytes());
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        flipped
    }),
    // Rightly signed, then packed as automerge packs: some hundred bytes that unpack to more than they say.
    ("not an entry", |eve| {
        let long = [Edit::set("learned", "a".repeat(30_000))];
        let folded = fold(None, &[eve.change(0).chunk()]).unwrap();
        let draft = edit::draft(&folded.document, &[eve.change(0).hash()], &long, [1; 32], Timestamp(0)).unwrap();
        let honest = eve.seal(&draft.chunk, &eve.keys, Some(eve.change(0).record()));
        let Ok(Entry::Change(change)) = Entry::decode(&honest).map(|entry| entry.trust().into_inner()) else {
            panic!()
        };
        let mut change = automerge::Change::try_from(change.chunk()).unwrap();
        let packed = change.bytes();
        assert!(packed[8] == 2 && packed.len() < 1_000, "deflated: {} bytes", packed.len());
        [&honest[..33], &packed].concat()
    }),
    ("not an entry", |eve| eve.sign_by_hand(&two_to_the_forty_operations())),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_a_wrong_entry_is_cut_off_and_named_and_the_others_go_on() {
    let mut alice = Ally::new("Alice").await;
    alice.found("Patrimoine", false).await;
    let carol = Ally::new("Carol").await;
    carol.join(&alice.invite().await).await;
    let shuttle: Saved = alice.ask(experience("La navette du lac", "Un récit.")).await;
    let _: Saved = alice.ask(experience("Le verger partagé", "Un récit.")).await;
    let _: Saved = alice.ask(set(&shuttle.brief.id.to_string(), "summary", "Une navette, puis plus rien.")).await;
    for (index, (says, wrong)) in WRONG.into_iter().enumerate() {
        let name = format!("Eve {index}");
        let mut eve = Ally::new(&name).await;
        eve.join(&alice.invite().await).await;
        let _: Saved = eve.ask(experience(&format!("La ferme d’{name}"), "Un récit honnête.")).await;
        let before = agreed(&[&alice, &carol, &eve]).await;
        eve.stop().await;
        Turned::turn(&eve, |turned| vec![wrong(turned)]);
        eve.start(true).await;
        // She is cut off by whoever hears her first; the wrong entry went nowhere.
        let named = until(&format!("{name} is named: {says}"), async || {
            let mut told = check(&alice, Check::Quarantine).await.details;
            told.extend(check(&carol, Check::Quarantine).await.details);
            told.into_iter().map(|one| one.en).find(|one| one.starts_with(&name))
        })
        .await;
        assert!(named.contains(says), "{named}");
        assert_eq!(agreed(&[&alice, &carol]).await, before, "{says}");
        eve.stop().await;
        let _: Saved = carol.ask(experience(&format!("Après {name}"), "On continue.")).await;
        assert_ne!(agreed(&[&alice, &carol]).await, before);
    }
    let before = agreed(&[&alice, &carol]).await;
    alice.go_online().await;
    assert_eq!(agreed(&[&alice, &carol]).await, before, "nothing is lost at the next start");
    let sheet: Sheet = alice.ask(Command::Show(shuttle.brief.id.to_string())).await;
    assert_eq!(sheet.fields["summary"], "Une navette, puis plus rien.");
    assert_eq!(check(&alice, Check::Log).await.health, Health::Ok);
}

/// Changes that wait for ever.
const FLOATING: u8 = 200;

/// A change as automerge writes it on another history: what it names is not there, or is something else, here.
type Odd = (&'static str, fn(&mut AutoCommit));

const ODD: [Odd; 8] = [
    ("writes over a value that is not there", |doc| doc.put(ROOT, "word", "w").unwrap()),
    ("deletes a value that is not there", |doc| doc.delete(ROOT, "word").unwrap()),
    ("counts up what is no counter", |doc| doc.increment(ROOT, "count", 1).unwrap()),
    ("writes in a text that is none", |doc| {
        let (_, text) = doc.get(ROOT, "text").unwrap().unwrap();
        doc.splice_text(&text, 2, 0, "ruche").unwrap();
    }),
    ("cuts letters that are not there", |doc| {
        let (_, text) = doc.get(ROOT, "text").unwrap().unwrap();
        doc.splice_text(&text, 0, 3, "").unwrap();
    }),
    ("adds to a list that is none", |doc| {
        let (_, list) = doc.get(ROOT, "list").unwrap().unwrap();
        doc.insert(&list, 1, "b").unwrap();
    }),
    ("writes in a map that is none", |doc| {
        let (_, map) = doc.get(ROOT, "map").unwrap().unwrap();
        doc.put(&map, "inner", "w").unwrap();
    }),
    ("nests without end", |doc| {
        let mut at = ROOT;
        for _ in 0..200 {
            at = doc.put_object(&at, "m", ObjType::Map).unwrap();
        }
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_do_not_fold_are_quarantined_under_their_authors_name() {
    let mut alice = Ally::new("Alice").await;
    alice.found("Patrimoine", false).await;
    let mut eve = Ally::new("Eve").await;
    eve.join(&alice.invite().await).await;
    let lake: Saved = alice.ask(experience("La navette du lac", "Nous avons relié les deux rives.")).await;
    let orchard: Saved = alice.ask(experience("Le verger partagé", "Des pommes.")).await;
    let _: Saved = eve.ask(experience("La ferme d’Eve", "Un récit honnête.")).await;
    agreed(&[&alice, &eve]).await;

    eve.stop().await;
    let device = Turned::turn(&eve, |turned| {
        let on = turned.changes.iter().find(|change| change.record() == lake.brief.id).unwrap();
        let strange = ODD.iter().map(|(_, odd)| transplanted_by(*odd, on, false));
        let misused = ODD.iter().map(|(_, odd)| transplanted_by(*odd, on, true));
        strange.chain(misused).map(|draft| turned.seal(&draft, &turned.keys, Some(on.record()))).collect()
    });
    eve.start(true).await;
    agreed(&[&alice, &eve]).await;

    // The record is still everybody's to write, hers too, and who relays such changes is not cut off.
    let _: Saved = alice.ask(set(&lake.brief.id.to_string(), "title", "La navette des deux rives")).await;
    agreed(&[&alice, &eve]).await;
    let sheet: Sheet = eve.ask(Command::Show(lake.brief.id.to_string())).await;
    assert_eq!(sheet.brief.title, "La navette des deux rives");

    // The nest names nobody's operations, so its two forms are one.
    let hostile = 2 * ODD.len() as u64 - 1;
    for look in ["as they came", "after a restart", "after everything was derived anew"] {
        match look {
            "after a restart" => alice.go_offline().await,
            "as they came" => {}
            _ => drop(alice.ask::<Diagnosis>(Command::Doctor(Doctor { rebuild: true, ..Doctor::default() })).await),
        }
        let sheet: Sheet = alice.ask(Command::Show(lake.brief.id.to_string())).await;
        assert_eq!(sheet.brief.title, "La navette des deux rives", "{look}");
        let other: Sheet = alice.ask(Command::Show(orchard.brief.id.to_string())).await;
        assert_eq!(other.fields["story"], "Des pommes.", "{look}");
        let quarantine = check(&alice, Check::Quarantine).await;
        assert_eq!((quarantine.count, quarantine.health), (hostile, Health::Warning), "{look}: {quarantine:?}");
        let named =
            quarantine.details.iter().filter(|one| one.fr.contains(&format!("de Eve ({device})"))).count() as u64;
        assert_eq!(named, hostile, "{look}: {:?}", quarantine.details);
        assert_eq!(check(&alice, Check::Log).await.health, Health::Ok, "{look}");
    }
}

/// Rightly signed, each on a change that nobody has: they wait, and everybody else's go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_whose_parents_nobody_has_keep_nobody_waiting() {
    let alice = Ally::new("Alice").await;
    alice.found("Patrimoine", false).await;
    let mut eve = Ally::new("Eve").await;
    eve.join(&alice.invite().await).await;
    let lake: Saved = alice.ask(experience("La navette du lac", "Nous avons relié les deux rives.")).await;
    let _: Saved = eve.ask(experience("La ferme d’Eve", "Un récit honnête.")).await;
    agreed(&[&alice, &eve]).await;
    let before = alice.commons().await.entries;

    eve.stop().await;
    Turned::turn(&eve, |turned| {
        let on = turned.changes.iter().find(|change| change.record() == lake.brief.id).unwrap();
        let floating = (0..FLOATING).map(|missing| {
            let mut draft = transplanted_by(second_draft, on, false);
            replace(&mut draft, &on.hash().0, &[missing; 32]);
            turned.seal(&renewed(draft), &turned.keys, Some(on.record()))
        });
        floating.collect()
    });
    eve.start(true).await;
    let _: Saved = eve.ask(set(&lake.brief.id.to_string(), "summary", "Une navette.")).await;
    let _: Saved = alice.ask(set(&lake.brief.id.to_string(), "title", "La navette des deux rives")).await;
    for ally in [&alice, &eve] {
        until("both have what both wrote", async || {
            let sheet: Sheet = ally.ask(Command::Show(lake.brief.id.to_string())).await;
            let both = sheet.brief.title == "La navette des deux rives"
                && sheet.fields.get("summary").is_some_and(|text| text == "Une navette.");
            both.then_some(())
        })
        .await;
    }
    assert_eq!(alice.commons().await.entries, before + 2, "what waits is not in the set");
    assert_eq!(eve.commons().await.entries, before + 2 + u64::from(FLOATING));
    assert_eq!(check(&alice, Check::Quarantine).await.count, 0, "nobody is at fault for what waits");
    assert_eq!(check(&alice, Check::Log).await.health, Health::Ok);
}

async fn check(ally: &Ally, what: Check) -> Checked {
    let diagnosis: Diagnosis = ally.ask(Command::Doctor(Doctor::default())).await;
    diagnosis.checks.into_iter().find(|checked| checked.check == what).unwrap()
}

/// What a stopped node holds, in the hands of somebody who knows its keys.
#[derive(Clone)]
struct Turned {
    keys: Keys,
    commons: CommonsId,
    /// All changes in its store, in log order.
    changes: Vec<Change>,
}

impl Turned {
    /// Puts entries into the node's store as if it had let them in. Gives the short name of its device.
    fn turn(ally: &Ally, forge: impl FnOnce(&Self) -> Vec<Vec<u8>>) -> String {
        let home = Home::open(ally.home()).unwrap();
        let commons = home.commons().unwrap()[0];
        let (mut disk, _) = store::open(&store_config(&home.commons_dir(&commons), 0)).unwrap();
        let turned = Self { keys: home.keys().clone(), commons, changes: changes(&disk) };
        for bytes in forge(&turned) {
            let entry = Entry::decode(&bytes).ok().map(|entry| entry.trust().into_inner());
            let id = entry.as_ref().map_or_else(|| EntryId(*blake3::hash(&bytes).as_bytes()), Entry::id);
            let record = entry.as_ref().and_then(Entry::record);
            let change = entry.as_ref().and_then(Entry::change);
            disk.append(&[Append { id, bytes: &bytes, record, change, own: false }]).unwrap();
        }
        format!("{:#}", turned.keys.key())
    }

    fn change(&self, index: usize) -> &Change {
        &self.changes[index]
    }

    /// A change that builds on another. The record of a first change is worked out by who receives it: a wrong one cannot
    /// be said on the wire.
    fn later(&self) -> &Change {
        self.changes.iter().find(|change| !change.deps().is_empty()).unwrap()
    }

    /// A change under any keys, that claims to have seen what an honest one had.
    fn seal(&self, draft: &[u8], keys: &Keys, record: Option<RecordId>) -> Vec<u8> {
        let own = self.changes.iter().find(|change| change.device() == self.keys.key());
        let frontier = own.map(Change::frontier).unwrap();
        let sealed = Change::seal(draft, keys, self.commons, frontier, record).unwrap();
        Entry::Change(sealed.into_inner()).encode()
    }

    /// A first change from columns that no honest program seals: footer, signature, actor and checksum are right.
    fn sign_by_hand(&self, columns: &[u8]) -> Vec<u8> {
        let frontier = self.changes.iter().find(|change| change.device() == self.keys.key()).unwrap().frontier();
        // No dependencies; an actor to come; number 1, first operation 1, time 0, no message, no other actors.
        let mut data = [&[0, 16][..], &[0; 16], &[1, 1, 0, 0, 0], columns].concat();
        data.extend(
            [&[0x01, 0x20][..], &self.keys.key().0, &[0x46, 0x20], &frontier.0, &[0x53, 0x40], &[0; 64]].concat(),
        );
        let mut chunk = [&[0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1][..], &leb128(data.len() as u64), &data].concat();
        let derived = |context: &str, parts: &[&[u8]]| -> [u8; 32] {
            *blake3::Hasher::new_derive_key(context).update(&parts.concat()).finalize().as_bytes()
        };
        let body = derived("essaim v1 change body", &[&chunk[8..]]);
        let record = derived("essaim v1 record", &[&self.commons.0, &body]);
        let signature = self.keys.sign(Domain::CHANGE, &[&self.commons.0, &record, &body]);
        let (signature_at, actor_at) = (chunk.len() - 64, chunk.len() - data.len() + 2);
        chunk[signature_at..].copy_from_slice(&signature.0);
        chunk[actor_at..actor_at + 16].copy_from_slice(&derived("essaim v1 actor", &[&body, &signature.0])[..16]);
        [&[2][..], &record, &renewed(chunk)].concat()
    }
}

/// A hundred bytes that say 2^40 operations: 44 s and 3.8 GB in automerge.
fn two_to_the_forty_operations() -> Vec<u8> {
    let many = 1 << 40;
    // A run says how often, signed, then what: once. A boolean column says how many are false.
    let run = |value: &[u8]| [&leb128(many)[..], value].concat();
    let columns =
        [(0x15, run(&[1, b'k'])), (0x34, leb128(many)), (0x42, run(&[1])), (0x56, run(&[0])), (0x70, run(&[0]))];
    let heads = columns.iter().flat_map(|(name, bytes)| [*name, bytes.len() as u8]);
    let heads: Vec<u8> = std::iter::once(columns.len() as u8).chain(heads).collect();
    [heads, columns.map(|(_, bytes)| bytes).concat()].concat()
}

/// A number as the format of automerge writes it, signed or not: the last byte never has its sixth bit set here.
fn leb128(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x3f {
        bytes.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn changes(disk: &Disk) -> Vec<Change> {
    let mut changes = Vec::new();
    disk.scan(essaim_protocol::store::Ordinal(0), &mut |_, _, bytes| {
        if let Ok(Entry::Change(change)) = Entry::decode(bytes).map(|entry| entry.trust().into_inner()) {
            changes.push(change);
        }
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    changes
}

/// The bytes of an entry that is a change.
fn tagged(change: &[u8]) -> Vec<u8> {
    let whole = Entry::Change(Change::decode(change).unwrap()).encode();
    assert_eq!(&whole[whole.len() - change.len()..], change);
    whole
}

/// A first change of a record, not yet sealed.
fn first_draft() -> Vec<u8> {
    let mut doc = history(0);
    doc.get_last_local_change().unwrap().raw_bytes().to_vec()
}

fn second_draft(doc: &mut AutoCommit) {
    doc.put(ROOT, "new", "v").unwrap();
}

fn transplanted(odd: fn(&mut AutoCommit), on: &Change) -> Vec<u8> {
    transplanted_by(odd, on, true)
}

/// A history that no record here has, of so many operations, so that a change of it continues another of that length.
fn history(operations: u64) -> AutoCommit {
    let mut doc = AutoCommit::new().with_actor(ActorId::from([9; 16]));
    doc.put(ROOT, "word", "v").unwrap();
    doc.put(ROOT, "count", automerge::ScalarValue::counter(1)).unwrap();
    let text = doc.put_object(ROOT, "text", ObjType::Text).unwrap();
    doc.splice_text(&text, 0, 0, "miel").unwrap();
    let list = doc.put_object(ROOT, "list", ObjType::List).unwrap();
    doc.insert(&list, 0, "a").unwrap();
    let map = doc.put_object(ROOT, "map", ObjType::Map).unwrap();
    doc.put(&map, "inner", "v").unwrap();
    // So far there are eleven.
    for pad in 11..operations {
        doc.put(ROOT, format!("pad {pad}"), "").unwrap();
    }
    doc.commit();
    doc
}

/// What automerge writes on that history, as if it had been written on `on`. `misuse`: what it names are operations of
/// `on`; otherwise they are of a change that does not exist.
fn transplanted_by(odd: fn(&mut AutoCommit), on: &Change, misuse: bool) -> Vec<u8> {
    let theirs = automerge::Change::try_from(on.chunk()).unwrap();
    let mut doc = history(theirs.max_op());
    let past = doc.get_heads();
    doc.set_actor(ActorId::from([8; 16]));
    odd(&mut doc);
    doc.commit();
    let mut draft = doc.get_changes(&past).first().expect("automerge wrote a change").raw_bytes().to_vec();
    replace(&mut draft, &past[0].0, &on.hash().0);
    if misuse {
        replace(&mut draft, &[9; 16], &on.actor().0);
    }
    renewed(draft)
}

/// Replaces bytes by as many others wherever they stand.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
}

/// The chunk with a checksum that fits: the first four bytes of the SHA-256 of what follows them.
fn renewed(mut chunk: Vec<u8>) -> Vec<u8> {
    let checksum = Sha256::digest(&chunk[8..]);
    chunk[4..8].copy_from_slice(&checksum[..4]);
    chunk
}
