//! The rules by name, and against a naive [oracle] under random attack.

mod oracle;

use super::*;
use crate::entry::statement::{Invite, Inviters, Policy, Reason, RecoveryHash, Redeem};
use crate::sign::{Domain, Keys, Seed, Signed};

const NOW: Timestamp = Timestamp(1_780_000_000_000);
const DAY: u64 = 86_400_000;
const CHARTER: CharterHash = CharterHash([7; 32]);

type Spoken = Verified<Statement>;

fn keys(name: &str) -> Keys {
    Keys::from_seed(&Seed::new(*blake3::hash(name.as_bytes()).as_bytes()))
}

fn card(name: &str) -> Card {
    Card { kind: AllyKind::Organisation, name: Name::new(name).unwrap(), recovery: RecoveryHash::NONE }
}

fn founding(inviters: Inviters) -> Founding {
    let policy = Policy { vouches: 2, inviters };
    Founding { name: Name::new("La Fabrique").unwrap(), charter: CHARTER, policy, founder: card("alice") }
}

fn ticket_of(commons: CommonsId, invite: StatementId, seed: u8) -> Ticket {
    Ticket::new(commons, commons.into(), invite, Seed::new([seed; 32]), vec![], vec![])
}

/// A roster with who may act in it, so that tests read as stories.
struct World {
    roster: Roster,
    said: Vec<Spoken>,
    /// What was said without a right to be heard.
    refused: Vec<Spoken>,
    tickets: u8,
}

impl World {
    /// Alice founds a commons in which every ally may invite.
    fn new() -> Self {
        Self::with(Inviters::Allies)
    }

    fn with(inviters: Inviters) -> Self {
        let said = found(&keys("alice"), founding(inviters), NOW).unwrap();
        let mut world =
            Self { roster: Roster::new(said[0].commons()), said: Vec::new(), refused: Vec::new(), tickets: 0 };
        world.hear(said);
        world
    }

    fn hear(&mut self, statements: impl IntoIterator<Item = Spoken>) -> StatementId {
        for statement in statements {
            assert_eq!(self.roster.add(&statement), Added::New);
            self.said.push(statement);
        }
        self.said.last().unwrap().id()
    }

    /// Hears what may not enter.
    fn refuses(&mut self, statement: Spoken) {
        assert_eq!(self.roster.add(&statement), Added::Stranger);
        assert!(!self.roster.knows(&statement.id()));
    }

    fn invite(&mut self, by: &str, role: Role, uses: u16) -> Result<Ticket, AuthorError> {
        self.tickets += 1;
        let offer = Offer { seed: Seed::new([self.tickets; 32]), role, expires: NOW.plus(DAY), uses };
        let said = self.roster.invite(&keys(by), &offer, NOW)?;
        let invite = self.hear(said);
        Ok(ticket_of(self.roster.commons(), invite, self.tickets))
    }

    fn present(&mut self, name: &str, seen: StatementId) -> AllyId {
        let said = inception(&keys(name), self.roster.commons(), seen, card(name), CHARTER, NOW).unwrap();
        self.hear([said]).into()
    }

    fn redeem(&mut self, name: &str, ticket: &Ticket) -> AllyId {
        let ally = self.present(name, ticket.invite);
        let said = redeem(&keys(name), ticket, ally, NOW).unwrap();
        self.hear([said]);
        ally
    }

    fn admit_all(&mut self, by: &str) -> usize {
        let waiting = self.roster.admissible(&keys(by).key(), NOW);
        for newcomer in &waiting {
            let said = self.roster.admit(&keys(by), newcomer, NOW).unwrap();
            self.hear(said);
        }
        waiting.len()
    }

    fn join(&mut self, name: &str, inviter: &str) -> AllyId {
        let ticket = self.invite(inviter, Role::Ally, 1).unwrap();
        let ally = self.redeem(name, &ticket);
        assert_eq!(self.admit_all(inviter), 1);
        ally
    }

    /// Says anything at all, as somebody who is heard.
    fn force(&mut self, by: &str, deps: Vec<StatementId>, act: Act) -> StatementId {
        let said = self.sign(by, deps, act);
        self.hear([said])
    }

    fn sign(&self, by: &str, deps: Vec<StatementId>, act: Act) -> Spoken {
        Statement::sign(&keys(by), self.roster.commons(), deps, NOW, act).unwrap()
    }

    fn at(&self, name: &str, frontier: StatementId) -> Standing {
        self.roster.may_write(&keys(name).key(), &frontier)
    }

    /// At everything known.
    fn now(&mut self, name: &str) -> Standing {
        let mut roster = self.roster.clone();
        let frontier = roster.frontier(&keys("alice"), NOW).unwrap();
        frontier.seen.iter().for_each(|seen| assert_eq!(roster.add(seen), Added::New));
        roster.may_write(&keys(name).key(), &frontier.id)
    }

    fn state(&self, ally: &AllyId) -> State {
        self.roster.ally(ally).unwrap().state
    }

    fn genesis(&self) -> StatementId {
        self.roster.commons().into()
    }
}

#[test]
fn alice_founds_bob_joins_by_ticket_and_writes_from_his_admission_on() {
    let mut world = World::new();
    let alice = world.roster.ally_of(&keys("alice").key()).unwrap();
    let ticket = world.invite("alice", Role::Ally, 1).unwrap();
    let bob = world.redeem("bob", &ticket);
    assert_eq!((world.now("bob"), world.state(&bob)), (Standing::Stranger, State::Pending));
    let before = world.said.last().unwrap().id();
    assert_eq!(world.admit_all("alice"), 1);
    let admitted = world.said.last().unwrap().id();
    assert_eq!(world.at("bob", before), Standing::Stranger);
    assert_eq!(world.at("bob", admitted), Standing::Good(bob));
    assert_eq!(world.at("alice", world.genesis()), Standing::Stranger);
    assert_eq!(world.at("alice", world.said[1].id()), Standing::Good(alice));
    assert_eq!(world.at("bob", StatementId([9; 32])), Standing::UnknownFrontier);
    assert_eq!(world.admit_all("alice"), 0);

    let seen = world.roster.ally(&bob).unwrap();
    assert_eq!((seen.name.as_str(), seen.state, seen.admitted_by), ("bob", State::Admitted(Role::Ally), Some(alice)));
    assert_eq!(world.roster.device(&keys("bob").device().network), Some(keys("bob").key()));
    assert_eq!(world.roster.device(&keys("eve").device().network), None);
    assert_eq!(world.roster.garants().map(|ally| ally.id).collect::<Vec<_>>(), [alice]);
    assert_eq!(world.roster.charter(), Some(CHARTER));
    let invitation = world.roster.invitations().next().unwrap();
    assert_eq!((invitation.by, invitation.admitted, invitation.revoked), (alice, BTreeSet::from([bob]), false));
}

#[test]
fn bob_invites_carol_when_the_policy_says_so_and_not_otherwise() {
    let mut world = World::new();
    world.join("bob", "alice");
    let carol = world.join("carol", "bob");
    assert_eq!(world.now("carol"), Standing::Good(carol));

    let mut world = World::with(Inviters::Garants);
    world.join("bob", "alice");
    assert_eq!(world.invite("bob", Role::Ally, 1).unwrap_err(), AuthorError::MayNotInvite);
    let ticket = ticket::key(&Seed::new([8; 32]));
    let act = Act::Invite(Invite { ticket, role: Role::Ally, expires: NOW.plus(DAY), uses: 1 });
    let invite = world.force("bob", world.roster.heads(), act);
    world.refuses(inception(&keys("eve"), world.roster.commons(), invite, card("eve"), CHARTER, NOW).unwrap());
}

#[test]
fn a_reader_is_known_and_writes_nothing() {
    let mut world = World::new();
    let ticket = world.invite("alice", Role::Reader, 5).unwrap();
    let bob = world.redeem("bob", &ticket);
    world.admit_all("alice");
    assert_eq!((world.now("bob"), world.state(&bob)), (Standing::Stranger, State::Admitted(Role::Reader)));
    assert_eq!(world.roster.ally_of(&keys("bob").key()), Some(bob));
    assert_eq!(world.invite("bob", Role::Ally, 1).unwrap_err(), AuthorError::NotInGoodStanding);
}

#[test]
fn a_reader_with_a_better_ticket_becomes_an_ally() {
    let mut world = World::new();
    let reading = world.invite("alice", Role::Reader, 1).unwrap();
    let bob = world.redeem("bob", &reading);
    world.admit_all("alice");
    let writing = world.invite("alice", Role::Ally, 1).unwrap();
    world.hear([redeem(&keys("bob"), &writing, bob, NOW).unwrap()]);
    assert_eq!(world.admit_all("alice"), 1);
    assert_eq!((world.now("bob"), world.admit_all("alice")), (Standing::Good(bob), 0));
}

#[test]
fn eve_cannot_admit_herself() {
    let mut world = World::new();
    world.join("bob", "alice");
    let ticket = world.invite("alice", Role::Ally, 1).unwrap();
    let eve = world.redeem("eve", &ticket);
    let redeemed = world.said.last().unwrap().id();
    let act = Act::Admit { ally: eve, basis: Basis::Redeem(redeemed) };
    world.refuses(world.sign("eve", world.roster.heads(), act.clone()));
    // Bob is an ally, but neither the inviter nor a garant.
    let admit = world.force("bob", world.roster.heads(), act);
    assert_eq!(world.at("eve", admit), Standing::Stranger);
    for by in ["eve", "bob"] {
        assert_eq!(world.roster.admissible(&keys(by).key(), NOW), []);
    }
    assert_eq!(world.state(&eve), State::Pending);
}

#[test]
fn eve_cannot_redeem_a_ticket_that_she_does_not_hold_or_for_another() {
    let mut world = World::new();
    let ticket = world.invite("alice", Role::Ally, 9).unwrap();
    let eve = world.present("eve", ticket.invite);
    world.refuses(redeem(&keys("eve"), &ticket_of(ticket.commons, ticket.invite, 99), eve, NOW).unwrap());
    assert_eq!(world.admit_all("alice"), 0);

    // Bob's redemption names Bob: signed by Eve, or naming Eve, it is nothing.
    let bob = world.present("bob", ticket.invite);
    let honest = redeem(&keys("bob"), &ticket, bob, NOW).unwrap();
    let Act::Redeem(Redeem { proof, .. }) = *honest.act() else { unreachable!() };
    for ally in [bob, eve] {
        let act = Act::Redeem(Redeem { invite: ticket.invite, ally, proof });
        world.refuses(world.sign("eve", vec![ticket.invite], act));
    }
    assert_eq!(world.admit_all("alice"), 0);
    world.hear([honest]);
    assert_eq!(world.admit_all("alice"), 1);
}

#[test]
fn nothing_can_be_replayed_into_another_commons() {
    let mut world = World::new();
    let other = Roster::new(CommonsId([4; 32]));
    let ticket = world.invite("alice", Role::Ally, 1).unwrap();
    world.redeem("bob", &ticket);
    world.admit_all("alice");
    for statement in &world.said {
        let decoded = Statement::decode(statement.bytes()).unwrap();
        assert_eq!(other.clone().add(statement), Added::OtherCommons);
        assert!(Signed::new(decoded.clone()).verify(&other.commons()).is_err());
        assert!(Signed::new(decoded).verify(&world.roster.commons()).is_ok());
    }
    // The same bytes under another commons have another id, so the signature does not hold.
    for statement in world.said.iter().skip(1) {
        let mut bytes = statement.bytes().to_vec();
        bytes[2..34].copy_from_slice(&other.commons().0);
        let moved = Statement::decode(&bytes).unwrap();
        assert!(Signed::new(moved).verify(&other.commons()).is_err());
    }
}

#[test]
fn a_ticket_taken_back_admits_nobody_who_has_seen_it() {
    let mut world = World::new();
    world.join("bob", "alice");
    let ticket = world.invite("bob", Role::Ally, 9).unwrap();
    let carol = world.redeem("carol", &ticket);
    let before = world.roster.heads();
    let redeemed = world.said.last().unwrap().id();

    let eve = world.present("eve", ticket.invite);
    world.refuses(world.sign("eve", before.clone(), Act::InviteRevoke { invite: ticket.invite }));

    // A garant takes it back; Bob, who has not seen that, admits Carol.
    world.force("alice", before.clone(), Act::InviteRevoke { invite: ticket.invite });
    assert_eq!(world.roster.admissible(&keys("bob").key(), NOW), []);
    let admit = Act::Admit { ally: carol, basis: Basis::Redeem(redeemed) };
    world.force("bob", before, admit);
    assert_eq!(world.now("carol"), Standing::Good(carol), "judged in the past of the admission");

    let said = redeem(&keys("eve"), &ticket, eve, NOW).unwrap();
    let late = world.hear([said]);
    let act = Act::Admit { ally: eve, basis: Basis::Redeem(late) };
    world.force("bob", world.roster.heads(), act);
    assert_eq!(world.now("eve"), Standing::Stranger);

    // Who has seen it taken back does not even present himself on it.
    let seen = world.roster.frontier(&keys("alice"), NOW).unwrap();
    world.hear(seen.seen);
    let deps = BTreeSet::from([seen.id, ticket.invite]).into_iter().collect();
    let act =
        inception(&keys("dan"), world.roster.commons(), seen.id, card("dan"), CHARTER, NOW).unwrap().act().clone();
    world.refuses(world.sign("dan", deps, act));
}

#[test]
fn a_claimed_time_decides_nothing() {
    let mut world = World::new();
    let bob = world.join("bob", "alice");
    let admitted = world.said.last().unwrap().id();
    // Eve claims to have been here first; Bob's clock is at 1970.
    let early = inception(&keys("eve"), world.roster.commons(), world.genesis(), card("eve"), CHARTER, Timestamp(0));
    world.refuses(early.unwrap());
    let seen = Statement::sign(&keys("bob"), world.roster.commons(), vec![admitted], Timestamp(0), Act::Seen).unwrap();
    let seen = world.hear([seen]);
    assert_eq!(world.at("bob", seen), Standing::Good(bob));
}

#[test]
fn expiry_and_uses_are_judged_by_who_admits() {
    let mut world = World::new();
    let ticket = world.invite("alice", Role::Ally, 2).unwrap();
    for name in ["bob", "carol", "dan"] {
        world.redeem(name, &ticket);
    }
    let alice = keys("alice").key();
    assert_eq!(world.roster.admissible(&alice, NOW.plus(DAY + 1)), []);
    assert_eq!(world.roster.admissible(&alice, Timestamp(0)).len(), 2);
    assert_eq!(world.admit_all("alice"), 2);
    assert_eq!(world.roster.admissible(&alice, NOW), []);
}

#[test]
fn a_node_that_was_apart_admits_one_too_many_and_the_inviter_sees_it() {
    let mut world = World::new();
    let ticket = world.invite("alice", Role::Ally, 1).unwrap();
    let bob = world.redeem("bob", &ticket);
    let one = world.said.last().unwrap().id();
    let carol = world.redeem("carol", &ticket);
    let two = world.said.last().unwrap().id();
    for (ally, redeem) in [(bob, one), (carol, two)] {
        world.force("alice", vec![redeem], Act::Admit { ally, basis: Basis::Redeem(redeem) });
    }
    let invitation = world.roster.invitations().next().unwrap();
    assert_eq!((invitation.uses, invitation.admitted), (1, BTreeSet::from([bob, carol])));
    assert_eq!((world.now("bob"), world.now("carol")), (Standing::Good(bob), Standing::Good(carol)));
}

#[test]
fn two_nodes_admit_the_same_newcomer_at_once_and_agree() {
    let mut world = World::new();
    world.join("bob", "alice");
    let ticket = world.invite("bob", Role::Ally, 1).unwrap();
    let carol = world.redeem("carol", &ticket);
    let (deps, newcomer) = (world.roster.heads(), world.roster.admissible(&keys("bob").key(), NOW)[0]);
    for by in ["alice", "bob"] {
        let act = Act::Admit { ally: newcomer.ally, basis: Basis::Redeem(newcomer.redeem) };
        let admit = world.force(by, deps.clone(), act);
        assert_eq!(world.at("carol", admit), Standing::Good(carol));
    }
    assert_eq!(world.now("carol"), Standing::Good(carol));
    let mut reversed = Roster::new(world.roster.commons());
    add_in(&mut reversed, world.said.iter().rev());
    assert_eq!(reversed.ally(&carol), world.roster.ally(&carol));
}

#[test]
fn a_founder_who_presents_himself_twice_counts_for_neither_where_both_are_seen() {
    let mut world = World::new();
    let first = world.said[1].id();
    let bob = world.join("bob", "alice");
    let again =
        inception(&keys("alice"), world.roster.commons(), world.genesis(), card("again"), CHARTER, NOW).unwrap();
    let second: AllyId = world.hear([again]).into();
    let merged = world.force("bob", world.roster.heads(), Act::Seen);
    assert_eq!(world.at("alice", first), Standing::Good(first.into()));
    assert_eq!(world.at("alice", second.into()), Standing::Good(second));
    assert_eq!(world.at("alice", merged), Standing::Stranger);
    assert_eq!(world.at("bob", merged), Standing::Good(bob), "what was done in good standing stays");
    assert_eq!((world.state(&first.into()), world.state(&second)), (State::Void, State::Void));
}

#[test]
fn a_key_let_in_for_two_allies_counts_for_neither() {
    let mut world = World::new();
    let one = world.join("bob", "alice");
    let ticket = world.invite("alice", Role::Ally, 1).unwrap();
    let two = world.redeem("bob", &ticket);
    assert_eq!(world.admit_all("alice"), 0, "an honest node does not do it");
    let redeem = world.said.last().unwrap().id();
    world.force("alice", world.roster.heads(), Act::Admit { ally: two, basis: Basis::Redeem(redeem) });
    assert_eq!(world.now("bob"), Standing::Stranger);
    assert_eq!((world.state(&one), world.state(&two)), (State::Void, State::Void));
}

#[test]
fn who_signed_another_charter_is_not_let_in() {
    let mut world = World::new();
    let ticket = world.invite("alice", Role::Ally, 1).unwrap();
    let other = CharterHash([8; 32]);
    let said = inception(&keys("bob"), world.roster.commons(), ticket.invite, card("bob"), other, NOW).unwrap();
    world.refuses(said);
}

#[test]
fn eve_cannot_take_the_network_key_of_alice() {
    let world = World::new();
    let commons = world.roster.commons();
    let honest = inception(&keys("eve"), commons, world.genesis(), card("eve"), CHARTER, NOW).unwrap();
    let Act::Inception(mut forged) = honest.act().clone() else { unreachable!() };
    forged.root.network = keys("alice").device().network;
    let forged = Statement::sign(&keys("eve"), commons, vec![world.genesis()], NOW, Act::Inception(forged)).unwrap();
    assert!(Signed::new(forged.into_inner()).verify(&commons).is_err());
}

#[test]
fn a_statement_that_names_what_is_unknown_waits() {
    let mut world = World::new();
    let forged = StatementId([6; 32]);
    let seen = Statement::sign(&keys("alice"), world.roster.commons(), vec![forged], NOW, Act::Seen).unwrap();
    assert_eq!(world.roster.add(&seen), Added::Waiting { missing: vec![forged] });
    let act = Act::Redeem(Redeem { invite: forged, ally: AllyId([5; 32]), proof: Signature([0; 64]) });
    let act = Statement::sign(&keys("eve"), world.roster.commons(), vec![world.genesis()], NOW, act).unwrap();
    let missing = vec![StatementId([5; 32]), forged];
    assert_eq!(world.roster.add(&act), Added::Waiting { missing });
    assert_eq!(world.roster.len(), 2);
    let known = world.said[0].clone();
    assert_eq!(world.roster.add(&known), Added::Known);
}

#[test]
fn a_newer_kind_by_a_member_stops_what_has_seen_it_and_by_a_stranger_nothing() {
    let mut world = World::new();
    let bob = world.join("bob", "alice");
    let before = world.said.last().unwrap().id();
    let beyond = |kind| Act::Unknown { kind, payload: vec![1, 2, 3] };
    world.refuses(world.sign("eve", vec![before], beyond(100)));
    world.force("bob", vec![before], beyond(128));
    assert!(!world.roster.needs_upgrade());
    let newer = world.force("bob", vec![before], beyond(100));
    assert!(world.roster.needs_upgrade());
    assert_eq!(world.at("bob", newer), Standing::NeedsUpgrade);
    assert_eq!(world.at("bob", before), Standing::Good(bob));
    assert_eq!(world.roster.frontier(&keys("alice"), NOW).unwrap_err(), AuthorError::NeedsUpgrade);
    // It may have let somebody in: what rests on it waits, unless its author was in before.
    let seen = |by| Statement::sign(&keys(by), world.roster.commons(), vec![newer], NOW, Act::Seen).unwrap();
    let (by_eve, by_alice) = (seen("eve"), seen("alice"));
    assert_eq!(world.roster.add(&by_eve), Added::NeedsUpgrade);
    assert_eq!(world.roster.add(&by_alice), Added::New);
}

#[test]
fn strangers_add_nothing_however_many_they_are() {
    let mut world = World::new();
    let ticket = world.invite("alice", Role::Ally, 9).unwrap();
    let (before, heads) = (world.roster.len(), world.roster.heads());
    for at in 0..100 {
        let by = format!("stranger {at}");
        world.refuses(world.sign(&by, heads.clone(), Act::Seen));
        world.refuses(world.sign(&by, heads.clone(), Act::Vouch { ally: AllyId::from(world.said[1].id()) }));
        world.refuses(inception(&keys(&by), ticket.commons, world.genesis(), card(&by), CHARTER, NOW).unwrap());
    }
    // A newcomer presents itself and redeems, and says nothing else before it is in.
    world.redeem("bob", &ticket);
    world.refuses(world.sign("bob", world.roster.heads(), Act::Seen));
    assert_eq!((world.roster.len(), world.roster.heads().len()), (before + 2, 1));
}

#[test]
fn acts_that_are_not_judged_yet_change_nothing() {
    let mut world = World::new();
    let bob = world.join("bob", "alice");
    let reason = Reason::new("une raison").unwrap();
    world.force("alice", world.roster.heads(), Act::Suspend { ally: bob, reason, keep: vec![] });
    assert_eq!(world.now("bob"), Standing::Good(bob));
}

#[test]
fn names_of_any_script_and_of_a_thousand_characters() {
    let mut world = World::new();
    let ticket = world.invite("alice", Role::Ally, 9).unwrap();
    for name in ["é".repeat(1_000), "جمعية النحل".into(), "🐝🌻 L’Essaim".into(), "𠀋".repeat(1_000)]
    {
        let ally = world.present(&name, ticket.invite);
        assert_eq!(world.roster.ally(&ally).unwrap().name.as_str(), name);
    }
    for name in ["", " \u{a0}", "deux\nlignes", "\u{1b}[2J", &"a".repeat(1_001)] {
        assert!(Name::new(name).is_err(), "{name:?}");
    }
}

#[test]
fn who_knows_many_heads_says_so_in_a_chain() {
    let mut world = World::new();
    let alone = world.roster.frontier(&keys("alice"), NOW).unwrap();
    assert_eq!((alone.seen.len(), alone.id), (0, world.said[1].id()));
    let ticket = world.invite("alice", Role::Ally, 40).unwrap();
    for at in 0..40 {
        world.present(&format!("newcomer {at}"), ticket.invite);
    }
    let said = world.roster.say(&keys("alice"), Act::Seen, NOW).unwrap();
    assert!(said.iter().all(|statement| statement.deps().len() <= Statement::MAX_DEPS));
    let frontier = world.roster.frontier(&keys("alice"), NOW).unwrap();
    // 40 heads: each Seen of 16 leaves 15 fewer.
    assert_eq!(frontier.seen.len(), 3);
    world.hear(frontier.seen);
    assert_eq!(world.roster.heads(), [frontier.id]);
}

#[test]
fn who_saw_much_today_names_what_it_had_seen_before_and_says_so_tomorrow() {
    let mut world = World::new();
    let ticket = world.invite("alice", Role::Ally, 9).unwrap();
    let alice = keys("alice");
    world.present("the first", ticket.invite);
    for at in 0..SEEN_A_DAY {
        world.present(&format!("newcomer {at}"), ticket.invite);
        let frontier = world.roster.frontier(&alice, NOW).unwrap();
        assert_eq!(frontier.seen.len(), 1);
        world.hear(frontier.seen);
    }
    let last = world.said.last().unwrap().id();
    world.present("one more", ticket.invite);
    let frontier = world.roster.frontier(&alice, NOW).unwrap();
    assert_eq!((frontier.id, frontier.seen.len()), (last, 0));
    assert!(matches!(world.at("alice", frontier.id), Standing::Good(_)));
    assert_eq!(world.roster.frontier(&alice, NOW.plus(DAY)).unwrap().seen.len(), 1);
}

#[test]
fn a_connection_opens_for_who_holds_a_good_ticket() {
    let mut world = World::new();
    let ticket = world.invite("alice", Role::Ally, 1).unwrap();
    let (bob, alice) = (keys("bob").device().network, keys("alice").device().network);
    let proof = ticket.prove(&bob, &alice);
    let check = |world: &World, invite, proof, now| world.roster.check_ticket(&invite, &proof, &bob, &alice, now);
    assert_eq!(check(&world, ticket.invite, proof, NOW), Ok(()));
    assert_eq!(check(&world, ticket.invite, proof, NOW.plus(DAY + 1)), Err(TicketRefused::Expired));
    assert_eq!(check(&world, ticket.invite, Signature([0; 64]), NOW), Err(TicketRefused::BadProof));
    assert_eq!(check(&world, world.genesis(), proof, NOW), Err(TicketRefused::Unknown));
    world.redeem("bob", &ticket);
    world.admit_all("alice");
    assert_eq!(check(&world, ticket.invite, proof, NOW), Err(TicketRefused::UsedUp));
    world.force("alice", world.roster.heads(), Act::InviteRevoke { invite: ticket.invite });
    assert_eq!(check(&world, ticket.invite, proof, NOW), Err(TicketRefused::Revoked));
}

/// Adds statements in the given order, those that wait again until nothing moves.
fn add_in<'a>(roster: &mut Roster, statements: impl Iterator<Item = &'a Spoken>) {
    let mut waiting: Vec<_> = statements.collect();
    loop {
        let before = waiting.len();
        waiting.retain(|statement| matches!(roster.add(statement), Added::Waiting { .. }));
        if waiting.is_empty() {
            return;
        }
        assert_ne!(waiting.len(), before, "what waits has its past in the set");
    }
}
