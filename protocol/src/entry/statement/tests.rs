//! Bytes that never change, and bytes that are refused.

use proptest::prelude::*;

use super::*;
use crate::id::{AllyId, ChangeHash, CharterHash, RecordId, TicketKey, base32};
use crate::sign::{Seed, Signed};

/// `name id bytes` a line, made by version 1.
const FIXTURES: &str = include_str!("../../../../tests/fixtures/wire/v1/statements.txt");

fn keys(name: &str) -> Keys {
    Keys::from_seed(&Seed::new(*blake3::hash(name.as_bytes()).as_bytes()))
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// One statement of each kind, by fixed keys.
fn each_kind() -> Vec<(&'static str, Verified<Statement>)> {
    let (alice, bob, phone) = (keys("alice"), keys("bob"), keys("phone"));
    let (charter, record) = (CharterHash([0xc4; 32]), RecordId([0x4e; 32]));
    let policy = Policy { vouches: 2, inviters: Inviters::Allies };
    let genesis = Genesis { name: name("La Fabrique 🐝"), charter, founders: vec![alice.key()], policy };
    let genesis = Statement::sign(&alice, CommonsId::ZERO, vec![], Timestamp(1_780_000_000_000), Act::Genesis(genesis));
    let genesis = genesis.unwrap();
    let commons = genesis.commons();
    let ally = AllyId([0xa1; 32]);
    let (some, other) = (StatementId([0x11; 32]), StatementId([0x22; 32]));
    let keep = vec![some, other];
    let heads = vec![ChangeHash([0x33; 32]), ChangeHash([0x44; 32])];
    let network = bob.sign_as_network(Domain::NETWORK, &[&commons.0, &bob.key().0]);
    let introduction = Introduction::new(&phone, &commons, &ally, &bob.key());
    let inception = Inception {
        kind: AllyKind::Organisation,
        name: name("Mairie de Gruissan"),
        charter,
        root: bob.device(),
        network,
        recovery: RecoveryHash::NONE,
    };
    let invite =
        Invite { ticket: TicketKey([0x71; 32]), role: Role::Reader, expires: Timestamp(1_781_000_000_000), uses: 300 };
    let redeem = Redeem { invite: some, ally, proof: Signature([0x55; 64]) };
    let acts = [
        ("inception", Act::Inception(inception)),
        ("invite", Act::Invite(invite)),
        ("invite-revoke", Act::InviteRevoke { invite: some }),
        ("redeem", Act::Redeem(redeem)),
        ("vouch", Act::Vouch { ally }),
        ("admit-by-ticket", Act::Admit { ally, basis: Basis::Redeem(some) }),
        ("admit-by-vouches", Act::Admit { ally, basis: Basis::Vouches(keep.clone()) }),
        ("suspend", Act::Suspend { ally, reason: Reason::new("clé volée").unwrap(), keep: keep.clone() }),
        ("reinstate", Act::Reinstate { ally, keep: keep.clone() }),
        ("keep", Act::Keep { ally, keep: keep.clone() }),
        ("keep-list", Act::KeepList(vec![Kept { record, heads }])),
        ("leave", Act::Leave { keep: vec![] }),
        ("device-add", Act::DeviceAdd { ally, introduction: introduction.clone() }),
        ("device-retire", Act::DeviceRetire { device: phone.key(), keep: keep.clone() }),
        ("recover", Act::Recover { ally, introduction, next: RecoveryHash([0x66; 32]) }),
        ("council", Act::Council { number: 200, previous: some, garants: vec![ally], rulings: vec![other] }),
        ("consent", Act::Consent { council: some }),
        ("charter", Act::Charter { charter }),
        ("policy", Act::Policy(policy)),
        ("seen", Act::Seen),
        ("erase", Act::Erase { record }),
        ("reserved", Act::Unknown { kind: 100, payload: vec![1, 2, 3] }),
        ("harmless", Act::Unknown { kind: 128, payload: vec![] }),
    ];
    let deps = vec![other, genesis.id(), other];
    let others =
        acts.map(|(name, act)| (name, Statement::sign(&bob, commons, deps.clone(), Timestamp(-1), act).unwrap()));
    std::iter::once(("genesis", genesis)).chain(others).collect()
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[test]
fn every_kind_has_the_bytes_of_version_1() {
    let lines = each_kind().into_iter().map(|(name, said)| format!("{name} {} {}\n", said.id(), hex(said.bytes())));
    assert_eq!(lines.collect::<String>(), FIXTURES);
}

#[test]
fn the_bytes_of_version_1_are_read_and_verified() {
    let commons = each_kind()[0].1.commons();
    for line in FIXTURES.lines() {
        let [name, id, bytes] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let bytes = data_encoding::HEXLOWER.decode(bytes.as_bytes()).unwrap();
        let statement = Statement::decode(&bytes).unwrap();
        assert_eq!(base32(&statement.id().0), id, "{name}");
        assert_eq!(statement.bytes(), bytes, "{name}");
        let verified = Signed::new(statement).verify(&commons).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(Signed::new(verified.into_inner()).verify(&CommonsId([1; 32])).is_err(), "{name}");
    }
}

#[test]
fn every_cut_of_every_kind_is_refused() {
    for (name, said) in each_kind() {
        for length in 0..said.bytes().len() {
            if let Ok(cut) = Statement::decode(&said.bytes()[..length]) {
                assert!(Signed::new(cut).verify(&said.commons()).is_err(), "{name} cut to {length}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_every_kind_is_refused() {
    for (name, said) in each_kind() {
        for bit in 0..said.bytes().len() * 8 {
            let mut bytes = said.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(flipped) = Statement::decode(&bytes) else { continue };
            // In the body, it is another statement, which nobody signed; in the signature, it is nobody's.
            if flipped.id() == said.id() {
                let refused = Signed::new(flipped).verify(&said.commons()).is_err();
                assert!(refused, "{name} with bit {bit} flipped");
            } else {
                assert!(bit / 8 < said.bytes().len() - Signature::LEN, "{name} with bit {bit} flipped");
            }
        }
    }
}

#[test]
fn a_statement_altered_anywhere_in_its_body_is_not_its_authors() {
    for (name, said) in each_kind() {
        for at in 0..said.bytes().len() - Signature::LEN {
            let mut bytes = said.bytes().to_vec();
            bytes[at] ^= 1;
            if let Ok(altered) = Statement::decode(&bytes) {
                assert!(Signed::new(altered).verify(&said.commons()).is_err(), "{name} altered at {at}");
            }
        }
    }
}

#[test]
fn the_past_of_a_statement_is_what_its_head_and_its_payload_name() {
    let said = each_kind();
    let parents = |name: &str| said.iter().find(|(other, _)| *other == name).unwrap().1.parents().len();
    // Genesis and 0x22 are dependencies of all.
    assert_eq!((parents("genesis"), parents("seen"), parents("vouch")), (0, 2, 3));
    assert_eq!((parents("redeem"), parents("admit-by-ticket"), parents("suspend")), (4, 4, 4));
    assert_eq!((parents("council"), parents("consent"), parents("leave")), (4, 3, 2));
}

#[test]
fn what_has_no_place_is_not_said() {
    let (alice, commons, some) = (keys("alice"), CommonsId([1; 32]), StatementId([2; 32]));
    let say = |commons, deps, act| Statement::sign(&alice, commons, deps, Timestamp(0), act).map(|_| ());
    let invalid = |what| Err(SealError::Invalid(DecodeError::Invalid { what }));
    assert_eq!(say(commons, vec![], Act::Seen), invalid("the dependencies of a statement"));
    assert_eq!(say(CommonsId::ZERO, vec![some], Act::Seen), invalid("the commons of a statement"));
    let many = (0..17).map(|n| StatementId([n; 32])).collect();
    let over = DecodeError::TooLarge { what: "dependencies", found: 17, max: 16 };
    assert_eq!(say(commons, many, Act::Seen), Err(SealError::Invalid(over)));
    let descending = Act::Leave { keep: vec![StatementId([2; 32]), StatementId([1; 32])] };
    let order = DecodeError::NotCanonical { what: "keep lists" };
    assert_eq!(say(commons, vec![some], descending), Err(SealError::Invalid(order)));
    let record = |n| Kept { record: RecordId([n; 32]), heads: (0..16).map(|n| ChangeHash([n; 32])).collect() };
    let large = Act::KeepList((0..40).map(record).collect());
    assert!(matches!(say(commons, vec![some], large), Err(SealError::TooLarge { .. })));
}

#[test]
fn the_longest_suspension_fits() {
    let keep = (0..400u16).map(|n| {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&n.to_be_bytes());
        StatementId(id)
    });
    let reason = Reason::new(&"🐝".repeat(Reason::MAX)).unwrap();
    let act = Act::Suspend { ally: AllyId([1; 32]), reason, keep: keep.collect() };
    let deps = (0..16).map(|n| StatementId([n; 32])).collect();
    assert!(Statement::sign(&keys("alice"), CommonsId([1; 32]), deps, Timestamp(0), act).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic_and_only_as_they_are(bytes: Vec<u8>, kind in 0u8..24) {
        let mut body = encode(&CommonsId([1; 32]), &keys("eve").key(), &[StatementId([2; 32])], Timestamp(0), &Act::Seen);
        body[1] = kind;
        body.extend_from_slice(&bytes);
        body.extend_from_slice(&[0; 64]);
        if let Ok(statement) = Statement::decode(&body) {
            prop_assert_eq!(statement.bytes(), &body);
        }
        let _ = Statement::decode(&bytes);
    }
}
