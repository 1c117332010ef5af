use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::entry::statement::{Act, AllyKind, Inviters, Name, Policy, RecoveryHash, Role};
use crate::entry::{Change, decode_and_verify};
use crate::id::CharterHash;
use crate::record::edit;
use crate::roster::{self, Card, Founding, Offer, Ticket};
use crate::sign::{Keys, Seed};
use crate::store::Memory;
use crate::sync::Fate;

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const CHARTER: CharterHash = CharterHash([7; 32]);

fn seed(name: &str) -> Seed {
    Seed::new(*blake3::hash(name.as_bytes()).as_bytes())
}

fn card(name: &str) -> Card {
    Card { kind: AllyKind::Organisation, name: Name::new(name).unwrap(), recovery: RecoveryHash::NONE }
}

fn said(statements: impl IntoIterator<Item = Verified<Statement>>) -> Vec<Verified<Entry>> {
    statements.into_iter().map(|statement| Verified::trusted(Entry::Statement(statement.into_inner()))).collect()
}

/// A device with its copy of a commons.
struct Node {
    keys: Keys,
    store: Memory,
    commons: Commons,
}

impl Node {
    fn new(name: &str, id: CommonsId) -> Self {
        let keys = Keys::from_seed(&seed(name));
        let store = Memory::new(crate::id::Epoch([1; 16]));
        let commons = Commons::open(id, keys.key(), &store).unwrap();
        Self { keys, store, commons }
    }

    /// Alice founds a commons.
    fn founder() -> Self {
        let keys = Keys::from_seed(&seed("alice"));
        let policy = Policy { vouches: 2, inviters: Inviters::Allies };
        let founding =
            Founding { name: Name::new("Patrimoine").unwrap(), charter: CHARTER, policy, founder: card("Alice") };
        let statements = roster::found(&keys, founding, NOW).unwrap();
        let mut alice = Self::new("alice", statements[0].commons());
        alice.takes(said(statements));
        alice
    }

    fn takes(&mut self, entries: Vec<Verified<Entry>>) -> Ingested {
        self.commons.ingest(&mut self.store, entries, NOW).unwrap()
    }

    /// Everything that is here, as it travels.
    fn log(&self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let mut keep = |_, _, bytes: &[u8]| {
            all.push(bytes.to_vec());
            ControlFlow::Continue(())
        };
        self.store.scan(Ordinal(0), &mut keep).unwrap();
        all
    }

    fn hears(&mut self, entries: &[Vec<u8>]) -> Ingested {
        let id = self.commons.id();
        self.takes(entries.iter().map(|bytes| decode_and_verify(bytes, &id).unwrap()).collect())
    }

    /// Lets `other` in by a ticket.
    fn lets_in(&mut self, other: &mut Self, name: &str) {
        let offer = Offer { seed: seed("ticket"), role: Role::Ally, expires: NOW.plus(1000), uses: 5 };
        let invite = self.commons.roster().invite(&self.keys, &offer, NOW).unwrap();
        let id = invite.last().unwrap().id();
        self.takes(said(invite));
        other.hears(&self.log());
        let council = self.commons.roster().council();
        let ticket = Ticket::new(self.commons.id(), council, id, seed("ticket"), vec![], vec![]);
        let inception = roster::inception(&other.keys, ticket.commons, id, card(name), CHARTER, NOW).unwrap();
        let redeem = roster::redeem(&other.keys, &ticket, inception.id().into(), NOW).unwrap();
        self.takes(said([inception, redeem]));
        for newcomer in self.commons.roster().admissible(&self.keys.key(), NOW) {
            let admission = self.commons.roster().admit(&self.keys, &newcomer, NOW).unwrap();
            self.takes(said(admission));
        }
        other.hears(&self.log());
    }

    fn draft(&self, title: &str) -> Vec<u8> {
        let fields = BTreeMap::from([("title".to_owned(), json!(title))]);
        edit::create("finding", &fields, *blake3::hash(title.as_bytes()).as_bytes(), NOW).unwrap().chunk
    }

    fn writes(&mut self, title: &str) -> Change {
        let frontier = self.commons.roster().frontier(&self.keys, NOW).unwrap();
        self.takes(said(frontier.seen));
        let change =
            Change::seal(&self.draft(title), &self.keys, self.commons.id(), frontier.id, None).unwrap().into_inner();
        let taken = self.takes(vec![Verified::trusted(Entry::Change(change.clone()))]);
        assert_eq!(taken.added.len(), 1, "{taken:?}");
        change
    }

    /// A change of what a first change made: its record's title, again.
    fn edits(&self, first: &Change, title: &str) -> Change {
        let folded = crate::record::fold(None, &[first.chunk()]).unwrap();
        let edits = [crate::record::Edit::set("title", title)];
        let draft = edit::draft(&folded.document, &[first.hash()], &edits, [9; 32], NOW).unwrap().chunk;
        let frontier = self.commons.roster().frontier(&self.keys, NOW).unwrap().id;
        Change::seal(&draft, &self.keys, self.commons.id(), frontier, Some(first.record())).unwrap().into_inner()
    }
}

fn verified(change: Change) -> Verified<Entry> {
    Verified::trusted(Entry::Change(change))
}

#[test]
fn what_alice_holds_bob_holds_after_hearing_it_in_any_order() {
    let mut alice = Node::founder();
    let mut bob = Node::new("bob", alice.commons.id());
    alice.lets_in(&mut bob, "Bob");
    let first = alice.writes("Une navette");
    let second = alice.edits(&first, "Une navette à la demande");
    alice.takes(vec![verified(second)]);
    let mut log = alice.log();
    log.reverse();
    let mut carol = Node::new("carol", alice.commons.id());
    let taken = carol.hears(&log);
    assert_eq!(taken.added.len(), log.len(), "{taken:?}");
    assert_eq!(carol.commons.set().digest().hash(), alice.commons.set().digest().hash());
    let again = carol.hears(&log);
    assert_eq!((again.added.len(), again.known.len()), (0, log.len()));
}

#[test]
fn eve_who_was_not_let_in_writes_nothing() {
    let mut alice = Node::founder();
    let mut eve = Node::new("eve", alice.commons.id());
    eve.hears(&alice.log());
    let frontier = alice.commons.roster().heads()[0];
    let forged = Change::seal(&eve.draft("Un mensonge"), &eve.keys, alice.commons.id(), frontier, None).unwrap();
    let taken = alice.takes(vec![Verified::trusted(Entry::Change(forged.into_inner()))]);
    assert_eq!(taken.added, []);
    let reasons: Vec<_> = taken.refused.iter().map(|refusal| (refusal.device, refusal.reason)).collect();
    assert_eq!(reasons, [(eve.keys.key(), Reason::Stranger)]);
}

#[test]
fn bob_may_not_name_a_frontier_of_before_his_admission() {
    let mut alice = Node::founder();
    let before = alice.commons.roster().heads()[0];
    let mut bob = Node::new("bob", alice.commons.id());
    alice.lets_in(&mut bob, "Bob");
    let early = Change::seal(&bob.draft("Trop tôt"), &bob.keys, alice.commons.id(), before, None).unwrap();
    let taken = alice.takes(vec![Verified::trusted(Entry::Change(early.into_inner()))]);
    assert_eq!(taken.refused.first().map(|refusal| refusal.reason), Some(Reason::Stranger));
}

#[test]
fn an_entry_waits_for_its_frontier_and_for_its_dependency() {
    let mut alice = Node::founder();
    let mut bob = Node::new("bob", alice.commons.id());
    alice.lets_in(&mut bob, "Bob");
    let mut before = alice.log();
    before.pop();
    let first = bob.writes("Le marché couvert");
    let second = bob.edits(&first, "Le marché couvert de Gruissan");
    let mut dan = Node::new("dan", alice.commons.id());
    // Of Bob he knows that he presented himself, and not yet that he was let in.
    dan.hears(&before);
    let waits = dan.takes(vec![verified(second.clone()), verified(first.clone())]);
    assert_eq!((waits.added.len(), waits.waiting.len(), waits.refused.len()), (0, 2, 0));
    let taken = dan.hears(&bob.log());
    assert!(taken.added.iter().any(|entered| entered.id == second.id()), "released by what it waited for");
    assert!(dan.store.ordinal(&first.id()).unwrap() < dan.store.ordinal(&second.id()).unwrap());
}

#[test]
fn a_change_that_depends_on_another_record_is_refused() {
    let mut alice = Node::founder();
    let (one, other) = (alice.writes("Une fiche"), alice.writes("Une autre"));
    let folded = crate::record::fold(None, &[one.chunk()]).unwrap();
    let edits = [crate::record::Edit::set("title", "Ailleurs")];
    let draft = edit::draft(&folded.document, &[one.hash()], &edits, [9; 32], NOW).unwrap().chunk;
    let frontier = alice.commons.roster().frontier(&alice.keys, NOW).unwrap().id;
    let moved = Change::seal(&draft, &alice.keys, alice.commons.id(), frontier, Some(other.record())).unwrap();
    let taken = alice.takes(vec![Verified::trusted(Entry::Change(moved.into_inner()))]);
    assert_eq!(taken.refused.first().map(|refusal| refusal.reason), Some(Reason::ForeignDependency));
}

#[test]
fn what_waits_is_bounded_and_forgotten_after_a_day() {
    let mut alice = Node::founder();
    let mut bob = Node::new("bob", alice.commons.id());
    let genesis = alice.log();
    alice.lets_in(&mut bob, "Bob");
    let first = bob.writes("Le marché couvert");
    let mut dan = Node::new("dan", alice.commons.id());
    dan.hears(&genesis);
    let unheard = dan.takes(vec![verified(first.clone())]);
    assert_eq!((unheard.waiting.len(), unheard.dropped), (0, vec![first.id()]), "no statement presents Bob");
    let log = alice.log();
    dan.hears(&log[..log.len() - 1]);
    assert_eq!(dan.takes(vec![verified(first.clone())]).waiting, [first.id()]);
    assert_eq!(dan.commons.waiting.bytes(), Entry::Change(first).encode().len());
    dan.commons.ingest(&mut dan.store, vec![], NOW.plus(WAITING_MS + 1)).unwrap();
    assert_eq!(dan.commons.waiting.bytes(), 0);
}

#[test]
fn a_commons_opens_as_it_was_with_and_without_its_checkpoint() {
    let mut alice = Node::founder();
    alice.writes("Une fiche");
    let digest = alice.commons.set().digest().hash();
    let id = alice.commons.id();
    let open = |store: &Memory| Commons::open(id, alice.keys.key(), store).unwrap();
    assert_eq!(open(&alice.store).set().digest().hash(), digest);
    alice.commons.save(&mut alice.store).unwrap();
    let again = open(&alice.store);
    assert_eq!((again.set().digest().hash(), again.end()), (digest, alice.commons.end()));
    assert_eq!(again.roster().heads(), alice.commons.roster().heads());
    alice.store.put(Table::Sketch, &[(CHECKPOINT_KEY.to_vec(), Some(vec![1, 2, 3]))]).unwrap();
    assert_eq!(open(&alice.store).set().digest().hash(), digest);
    // A statement that is none, one that does not enter, and none at all: nothing derived is believed.
    let eve = Statement::sign(&Keys::from_seed(&seed("eve")), id, alice.commons.roster().heads(), NOW, Act::Seen);
    for bytes in [Some(vec![1, 2, 3]), Some(eve.unwrap().bytes().to_vec()), None] {
        alice.commons.checkpoint = Ordinal(0);
        alice.commons.save(&mut alice.store).unwrap();
        if bytes.is_none() {
            alice.store.clear(Table::Statements).unwrap();
        }
        alice.store.put(Table::Statements, &[(99u64.to_be_bytes().to_vec(), bytes)]).unwrap();
        let mended = open(&alice.store);
        assert_eq!(mended.roster().heads(), alice.commons.roster().heads());
        assert_eq!(mended.set().digest().hash(), digest);
    }
    alice.store.clear(Table::Statements).unwrap();
    alice.store.clear(Table::Sketch).unwrap();
    let rebuilt = open(&alice.store);
    assert_eq!(rebuilt.roster().heads(), alice.commons.roster().heads());
}

#[test]
fn a_store_begun_anew_from_the_outbox_finds_its_way_into_the_roster_once_the_others_tell_the_rest() {
    let mut alice = Node::founder();
    let mut bob = Node::new("bob", alice.commons.id());
    alice.lets_in(&mut bob, "Bob");
    // Bob's disk is lost but for what he signed himself, which stands in his log before what it rests on.
    let own = |bytes: &Vec<u8>| Entry::decode(bytes).unwrap().claimed_signer() == bob.keys.key();
    let outbox: Vec<_> = bob.log().into_iter().filter(own).collect();
    let mut anew = Node::new("bob", alice.commons.id());
    for bytes in &outbox {
        let entry = Entry::decode(bytes).unwrap().trust();
        let append = Append { id: entry.id(), bytes, record: entry.record(), change: entry.change(), own: true };
        anew.store.append(&[append]).unwrap();
    }
    anew.commons = Commons::open(alice.commons.id(), anew.keys.key(), &anew.store).unwrap();
    assert_eq!((outbox.len(), anew.commons.roster().len()), (2, 0));
    anew.hears(&alice.log());
    assert_eq!(anew.commons.roster().heads(), alice.commons.roster().heads());
    assert_eq!(anew.commons.set().digest().hash(), alice.commons.set().digest().hash());
    anew.writes("Une navette");
}

/// What a peer sends, and what became of each.
fn hears_from(node: &mut Node, sender: &Sender, entries: &[Verified<Entry>], now: Timestamp) -> Vec<Fate> {
    let entries = entries.iter().cloned().map(Ok).collect();
    node.commons.receive(&mut node.store, entries, sender, now).unwrap().fates
}

fn count(fates: &[Fate], wanted: fn(&Fate) -> bool) -> u64 {
    fates.iter().filter(|fate| wanted(fate)).count() as u64
}

const fn kept(fate: &Fate) -> bool {
    matches!(fate, Fate::Kept { .. })
}

fn sender(node: &Node) -> Sender {
    Sender { peer: node.keys.device().network, followed: false }
}

const A_DAY: u64 = 86_400_000;

#[test]
fn what_an_ally_adds_beyond_its_allowance_is_left_for_another_day_unless_another_passes_it_on() {
    let mut alice = Node::founder();
    let (mut bob, mut carol) = (Node::new("bob", alice.commons.id()), Node::new("carol", alice.commons.id()));
    alice.lets_in(&mut bob, "Bob");
    alice.lets_in(&mut carol, "Carol");
    let (mut seen, mut last) = (Vec::new(), alice.commons.roster().heads());
    for _ in 0..7 * roster::SEEN_A_DAY + 300 {
        let said = Statement::sign(&bob.keys, alice.commons.id(), last, NOW, Act::Seen).unwrap();
        last = vec![said.id()];
        seen.push(Verified::trusted(Entry::Statement(said.into_inner())));
    }
    let fates = hears_from(&mut alice, &sender(&bob), &seen, NOW);
    assert_eq!(count(&fates, kept), 7 * roster::SEEN_A_DAY);
    assert_eq!(count(&fates, |fate| *fate == Fate::Delayed), 300, "{:?}", fates.last());
    let fates = hears_from(&mut alice, &sender(&bob), &seen, NOW.plus(A_DAY));
    assert_eq!(count(&fates, kept), 8 * roster::SEEN_A_DAY);
    // Carol took them from him in time.
    let fates = hears_from(&mut alice, &sender(&carol), &seen, NOW.plus(A_DAY));
    assert_eq!(count(&fates, kept), fates.len() as u64);

    // Who comes with nothing takes all of his log.
    let mut dan = Node::new("dan", alice.commons.id());
    dan.hears(&alice.log()[..alice.log().len() - seen.len()]);
    let fates = hears_from(&mut dan, &Sender { followed: true, ..sender(&bob) }, &seen, NOW);
    assert_eq!(count(&fates, kept), fates.len() as u64);
}

#[test]
fn newcomers_whom_nobody_let_in_are_counted_to_who_passes_them_on() {
    let mut alice = Node::founder();
    let mut bob = Node::new("bob", alice.commons.id());
    alice.lets_in(&mut bob, "Bob");
    // On a ticket that everybody in the commons knows of, anybody may present anything.
    let invite = alice.commons.roster().invitations().next().unwrap().id;
    let mut elsewhere = Node::new("alice", alice.commons.id());
    elsewhere.hears(&alice.log());
    let id = alice.commons.id();
    let presented = |name: &str| {
        let keys = Keys::from_seed(&seed(name));
        roster::inception(&keys, id, invite, card(name), CHARTER, NOW).unwrap()
    };
    let crowd = said((0..7 * NEWCOMERS_A_DAY + 300).map(|n| presented(&format!("nobody {n}"))));
    let fates = hears_from(&mut alice, &sender(&bob), &crowd, NOW);
    assert_eq!(count(&fates, kept), 7 * NEWCOMERS_A_DAY);
    assert_eq!(count(&fates, |fate| *fate == Fate::Aside), 300, "a node that passes them on is not to blame");
    assert_eq!(count(&hears_from(&mut alice, &sender(&bob), &crowd, NOW), kept), 7 * NEWCOMERS_A_DAY);

    // Dan was let in elsewhere: an ally answers for him.
    let dan = Keys::from_seed(&seed("dan"));
    let ticket = Ticket::new(
        elsewhere.commons.id(),
        elsewhere.commons.roster().council(),
        invite,
        seed("ticket"),
        vec![],
        vec![],
    );
    let inception = presented("dan");
    let redeem = roster::redeem(&dan, &ticket, inception.id().into(), NOW).unwrap();
    let mut of_dan = said([inception, redeem]);
    elsewhere.takes(of_dan.clone());
    let newcomer = elsewhere.commons.roster().admissible(&elsewhere.keys.key(), NOW)[0];
    of_dan.extend(said(elsewhere.commons.roster().admit(&elsewhere.keys, &newcomer, NOW).unwrap()));
    let fates = hears_from(&mut alice, &sender(&bob), &of_dan, NOW);
    assert_eq!(count(&fates, kept), fates.len() as u64, "{fates:?}");
    assert!(alice.commons.roster().ally_of(&dan.key()).is_some());
}
