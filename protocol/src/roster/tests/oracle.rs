//! The rules again, as sets and recursion, and random histories that both must judge alike.

use proptest::prelude::*;

use super::*;

/// The rules again, as sets and recursion, without turns, sharing or order.
struct Oracle<'a> {
    said: BTreeMap<StatementId, &'a Statement>,
}

impl<'a> Oracle<'a> {
    fn new(world: &'a World) -> Self {
        let said = world.said.iter().chain(&world.refused);
        Self { said: said.map(|statement| (statement.id(), &**statement)).collect() }
    }

    /// Whether a statement is in the set at all.
    fn enters(&self, id: StatementId) -> bool {
        if self.speaker(id).is_some() {
            return true;
        }
        let (statement, before) = (self.said[&id], self.before(id));
        if before.iter().any(|id| self.is_beyond(*id)) {
            return false;
        }
        if let Act::Redeem(redeem) = statement.act() {
            let newcomer = self.said[&StatementId::from(redeem.ally)];
            return self.invites(redeem.invite)
                && self.proves(redeem)
                && newcomer.by() == statement.by()
                && self.signs_charter(newcomer);
        }
        let rests = |id: &StatementId| self.invites(*id) && !self.is_revoked(*id, &before);
        matches!(statement.act(), Act::Genesis(_))
            || self.is_founding(statement)
            || self.signs_charter(statement) && statement.parents().iter().any(rests)
    }

    fn invites(&self, id: StatementId) -> bool {
        let policy = self.genesis(&self.past(id)).policy;
        matches!(self.said[&id].act(), Act::Invite(_))
            && self.speaker(id).is_some_and(|(_, garant)| garant || policy.inviters == Inviters::Allies)
    }

    fn proves(&self, redeem: &Redeem) -> bool {
        let Act::Invite(invite) = self.said[&redeem.invite].act() else { return false };
        let commons = self.said[&redeem.invite].commons();
        let parts = [&commons.0[..], &redeem.invite.0, &redeem.ally.0];
        redeem.proof.verify(&DeviceKey(invite.ticket.0), Domain::TICKET, &parts).is_ok()
    }

    fn is_revoked(&self, invite: StatementId, past: &BTreeSet<StatementId>) -> bool {
        let Some((inviter, _)) = self.speaker(invite) else { return false };
        past.iter().any(|other| {
            matches!(self.said[other].act(), Act::InviteRevoke { invite: named } if *named == invite)
                && self.speaker(*other).is_some_and(|(ally, garant)| garant || ally == inviter)
        })
    }

    /// The past, itself included.
    fn past(&self, id: StatementId) -> BTreeSet<StatementId> {
        let (mut past, mut next) = (BTreeSet::new(), vec![id]);
        while let Some(id) = next.pop() {
            if past.insert(id) {
                next.extend(self.said[&id].parents());
            }
        }
        past
    }

    fn genesis(&self, past: &BTreeSet<StatementId>) -> &Genesis {
        past.iter()
            .find_map(|id| if let Act::Genesis(genesis) = self.said[id].act() { Some(genesis) } else { None })
            .unwrap()
    }

    fn standing(&self, device: &DeviceKey, frontier: StatementId) -> Standing {
        let past = self.past(frontier);
        if past.iter().any(|id| self.is_beyond(*id)) {
            return Standing::NeedsUpgrade;
        }
        self.writer(device, &past).map_or(Standing::Stranger, |(ally, _)| Standing::Good(ally))
    }

    fn is_beyond(&self, id: StatementId) -> bool {
        let known = self.said[&id];
        let below = matches!(known.act(), Act::Unknown { kind, .. } if *kind < 128);
        below && !self.before(id).iter().any(|id| self.is_beyond(*id)) && self.speaker(id).is_some()
    }

    fn before(&self, id: StatementId) -> BTreeSet<StatementId> {
        let mut past = self.past(id);
        past.remove(&id);
        past
    }

    fn speaker(&self, id: StatementId) -> Option<(AllyId, bool)> {
        self.writer(&self.said[&id].by(), &self.before(id))
    }

    /// The ally that may write with this key, and whether it is a garant.
    fn writer(&self, device: &DeviceKey, past: &BTreeSet<StatementId>) -> Option<(AllyId, bool)> {
        let mut accepted: BTreeMap<AllyId, (Role, bool)> = BTreeMap::new();
        for id in past.iter().filter(|id| !self.before(**id).iter().any(|id| self.is_beyond(*id))) {
            let statement = self.said[id];
            if let Act::Inception(inception) = statement.act()
                && inception.root.signing == *device
                && self.is_founding(statement)
            {
                accepted.insert((*id).into(), (Role::Ally, true));
            }
            if let Act::Admit { ally, basis: Basis::Redeem(redeem) } = statement.act()
                && let Some((key, role)) = self.admission(*id, *ally, *redeem)
                && key == *device
            {
                let entry = accepted.entry(*ally).or_insert((role, false));
                entry.0 = entry.0.max(role);
            }
        }
        let (ally, (role, garant)) = accepted.pop_first().filter(|_| accepted.is_empty())?;
        (role == Role::Ally).then_some((ally, garant))
    }

    fn is_founding(&self, statement: &Statement) -> bool {
        let genesis = self.genesis(&self.past(statement.id()));
        self.signs_charter(statement)
            && statement.deps() == [statement.commons().into()]
            && genesis.founders.contains(&statement.by())
    }

    fn signs_charter(&self, statement: &Statement) -> bool {
        let charter = self.genesis(&self.past(statement.id())).charter;
        matches!(statement.act(), Act::Inception(inception) if inception.charter == charter)
    }

    fn admission(&self, id: StatementId, ally: AllyId, redeem: StatementId) -> Option<(DeviceKey, Role)> {
        let (speaker, garant) = self.speaker(id)?;
        let Act::Redeem(redeem_act) = self.said[&redeem].act() else { return None };
        let Act::Invite(invite) = self.said[&redeem_act.invite].act() else { return None };
        let newcomer = self.said[&StatementId::from(ally)];
        let (inviter, _) = self.speaker(redeem_act.invite)?;
        let right = (garant || speaker == inviter)
            && self.invites(redeem_act.invite)
            && redeem_act.ally == ally
            && self.said[&redeem].by() == newcomer.by()
            && self.signs_charter(newcomer);
        let stands = right && self.proves(redeem_act) && !self.is_revoked(redeem_act.invite, &self.before(id));
        stands.then_some((newcomer.by(), invite.role))
    }
}

const NAMES: [&str; 5] = ["alice", "bob", "carol", "dan", "eve"];

/// One step of a history: who, what, on what, by which of several, having seen what; all chosen blindly.
type Step = (u8, u8, u8, u8, u8);

/// Plays the steps after a first invite, whose ticket all but Eve hold.
fn play(steps: &[Step]) -> World {
    let mut world = World::with(if steps.len().is_multiple_of(4) { Inviters::Garants } else { Inviters::Allies });
    world.force("alice", world.roster.heads(), invite(Role::Ally));
    for step in steps {
        let by = name_of(step.0);
        let act = act(&world, *step);
        let pick = |n: u8| world.said[usize::from(n) % world.said.len()].id();
        let deps = match step.4 % 4 {
            0 => vec![pick(step.3), pick(step.4)],
            1 => vec![world.said.last().unwrap().id()],
            _ => world.roster.heads().into_iter().take(Statement::MAX_DEPS).collect(),
        };
        let statement = world.sign(by, deps, act);
        match world.roster.add(&statement) {
            Added::New => world.said.push(statement),
            Added::Stranger | Added::NeedsUpgrade => world.refused.push(statement),
            Added::Known => {}
            Added::Waiting { .. } | Added::OtherCommons => unreachable!("its past is known"),
        }
    }
    world
}

/// Alice, the founder, acts most, so that things happen.
fn name_of(who: u8) -> &'static str {
    NAMES[[0, 0, 0, 1, 1, 2, 3, 4][usize::from(who % 8)]]
}

fn invite(role: Role) -> Act {
    Act::Invite(Invite { ticket: ticket::key(&Seed::new([1; 32])), role, expires: NOW, uses: 3 })
}

fn act(world: &World, (by, what, on, which, _): Step) -> Act {
    let name = name_of(by);
    match what % 16 {
        0..2 => present(world, name, on),
        2..4 => invite(if on % 4 == 0 { Role::Reader } else { Role::Ally }),
        4..9 => {
            let Some(own) = last_own(world, name) else { return present(world, name, on) };
            // Now and then for somebody else.
            let newcomer =
                if on % 16 == 0 { recent(world, which, |act| matches!(act, Act::Inception(_))) } else { None };
            let (ally, invite) = (newcomer.map_or(own, AllyId::from), an_invite(world, which));
            let seed = Seed::new([if name == "eve" { 2 } else { 1 }; 32]);
            let commons = world.roster.commons();
            let proof = Keys::from_seed(&seed).sign(Domain::TICKET, &[&commons.0, &invite.0, &ally.0]);
            Act::Redeem(Redeem { invite, ally, proof })
        }
        9..14 => {
            let Some(redeem) = recent(world, which, |act| matches!(act, Act::Redeem(_))) else { return Act::Seen };
            let said = world.said.iter().find(|statement| statement.id() == redeem).unwrap();
            let Act::Redeem(Redeem { ally, .. }) = *said.act() else { unreachable!() };
            Act::Admit { ally, basis: Basis::Redeem(redeem) }
        }
        14 if on % 2 == 0 => Act::InviteRevoke { invite: an_invite(world, which) },
        15 if on % 16 == 0 => Act::Unknown { kind: if on == 0 { 200 } else { 100 }, payload: vec![which] },
        _ => Act::Seen,
    }
}

fn present(world: &World, name: &str, on: u8) -> Act {
    let charter = CharterHash([if on.is_multiple_of(16) { 8 } else { 7 }; 32]);
    let said = inception(&keys(name), world.roster.commons(), world.genesis(), card(name), charter, NOW).unwrap();
    said.act().clone()
}

fn an_invite(world: &World, which: u8) -> StatementId {
    recent(world, which, |act| matches!(act, Act::Invite(_))).unwrap_or(world.genesis())
}

/// One of the last three statements of a kind.
fn recent(world: &World, which: u8, wanted: fn(&Act) -> bool) -> Option<StatementId> {
    let found: Vec<_> = world.said.iter().rev().filter(|said| wanted(said.act())).take(3).collect();
    let at = usize::from(which).checked_rem(found.len())?;
    Some(found[at].id())
}

fn last_own(world: &World, name: &str) -> Option<AllyId> {
    let own = |said: &&Spoken| said.by() == keys(name).key() && matches!(said.act(), Act::Inception(_));
    world.said.iter().rev().find(own).map(|said| said.id().into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_history_in_any_order_is_judged_as_the_oracle_does(
        steps in prop::collection::vec(any::<Step>(), 1..28),
        order in any::<u64>(),
    ) {
        let world = play(&steps);
        let oracle = Oracle::new(&world);
        prop_assert!(world.said.iter().all(|said| oracle.enters(said.id())));
        prop_assert!(!world.refused.iter().any(|said| oracle.enters(said.id())));
        let mut shuffled: Vec<_> = world.said.iter().chain(&world.refused).collect();
        shuffled.sort_by_key(|said| blake3::keyed_hash(&said.id().0, &order.to_le_bytes()).to_hex());
        let mut other = Roster::new(world.roster.commons());
        add_in(&mut other, shuffled.into_iter());
        prop_assert_eq!(world.roster.heads(), other.heads());
        prop_assert_eq!(world.roster.needs_upgrade(), other.needs_upgrade());
        prop_assert!(world.roster.allies().eq(other.allies()));
        prop_assert!(world.roster.invitations().eq(other.invitations()));
        for (device, frontier) in NAMES.iter().flat_map(|name| world.said.iter().map(move |said| (keys(name).key(), said.id()))) {
            let expected = oracle.standing(&device, frontier);
            prop_assert_eq!(world.roster.may_write(&device, &frontier), expected);
            prop_assert_eq!(other.may_write(&device, &frontier), expected);
        }
    }

    #[test]
    fn eve_without_a_ticket_never_gets_in(steps in prop::collection::vec(any::<Step>(), 1..200)) {
        let world = play(&steps);
        let eve = keys("eve").key();
        for said in &world.said {
            prop_assert!(!matches!(world.roster.may_write(&eve, &said.id()), Standing::Good(_)));
        }
        prop_assert_eq!(world.roster.ally_of(&eve), None);
    }
}
