//! What the census takes and what it refuses.

use automerge::{Automerge, ROOT, ReadDoc as _};
use proptest::prelude::*;

use super::forge::{DELETE, Forge, INCREMENT, MAKE_LIST, MAKE_MAP, MAKE_TEXT, PUT, Row, RowKey, keys, with_header};
use super::*;
use crate::entry::Change;
use crate::sign::Signed;

/// Signed as an honest change is, the only thing wrong being what the test is about.
fn refused(forge: &Forge) -> DecodeError {
    Change::decode(&forge.signed(&keys("eve"), None)).expect_err("the census must refuse this")
}

fn rows() -> Vec<Row> {
    vec![
        Row::put("_n").with_value(7, &[5; 16]),
        Row::make("title", MAKE_TEXT),
        Row::letter((0, 2), RowKey::Head),
        Row::letter((0, 2), RowKey::Element(0, 3)),
        Row::make("tags", MAKE_MAP),
        Row::put("shared").on(0, 5),
        Row::put("shared").on(0, 5).over(&[(0, 6)]),
        Row::delete("title", &[(0, 2)]),
    ]
}

fn forge() -> Forge {
    Forge::new(&rows())
}

#[test]
fn a_forged_honest_change_is_taken_by_us_and_by_automerge() {
    let bytes = forge().signed(&keys("alice"), None);
    let change = Signed::new(Change::decode(&bytes).unwrap()).verify(&super::forge::COMMONS).unwrap();
    let mut document = Automerge::new();
    document.apply_changes([automerge::Change::try_from(change.chunk()).unwrap()]).unwrap();
    assert!(document.get(ROOT, "tags").unwrap().is_some());
    assert_eq!(Automerge::load(&document.save()).unwrap().get_heads()[0].0, change.hash().0);
}

#[test]
fn a_change_without_operations_is_taken() {
    let first = forge().sealed();
    let chunk = Forge::after(&[&first], &[]).sealed();
    assert_eq!(census(&chunk).unwrap().operations(), 0);
}

#[test]
fn claimed_counts_are_not_believed() {
    let many = 1u64 << 40;
    let run = |count: u64, value: &[u8]| {
        let mut bytes = Vec::new();
        bytes.put_sleb(count as i64);
        bytes.extend_from_slice(value);
        bytes
    };
    let nulls = |count: u64| {
        let mut bytes = vec![0];
        bytes.put_uleb(count);
        bytes
    };
    let count_of = |count: u64| {
        let mut bytes = Vec::new();
        bytes.put_uleb(count);
        bytes
    };
    let one = || Forge::new(&[Row::put("k")]);
    // A hundred bytes that say 2^40 operations: 44 s and 3.8 GB in automerge.
    let bomb = one()
        .column(0x15, &run(many, &[1, b'k']))
        .column(0x34, &count_of(many))
        .column(0x42, &run(many, &[1]))
        .column(0x56, &run(many, &[0]))
        .column(0x70, &run(many, &[0]));
    let mut bomb = bomb;
    bomb.columns.remove(&0x57);
    assert!(matches!(refused(&bomb), DecodeError::TooLarge { what: "the operations of a change", .. }));
    let mut literal = vec![];
    literal.put_sleb(i64::MIN);
    for (spec, bytes) in [
        (0x42, run(many, &[1])),
        (0x42, literal.clone()),
        (0x42, nulls(many)),
        (0x70, [&[0x7f][..], &count_of(many)].concat()),
        (0x70, [&[0x7f][..], &count_of(PREDECESSORS_MAX + 1)].concat()),
        (0x56, [&[0x7f][..], &count_of(many << 4 | 6)].concat()),
        (0x34, count_of(many)),
        (0x01, nulls(u64::MAX)),
        (0x13, nulls(u64::MAX)),
        (0x15, [&[0x7f][..], &count_of(many)].concat()),
        (0x15, literal),
    ] {
        refused(&one().column(spec, &bytes));
    }
    let just_too_many: Vec<Row> = (0..=OPERATIONS_MAX).map(|_| Row::put("k")).collect();
    let error = refused(&Forge::new(&just_too_many));
    assert!(matches!(error, DecodeError::TooLarge { what: "the operations of a change", .. }));
}

#[test]
fn only_one_uncompressed_change_of_bounded_size_is_taken() {
    // Type 2 is a deflated change (a megabyte unpacks to gigabytes), 0 a document, 3 a bundle.
    for kind in [0, 2, 3, 4, 255] {
        refused(&Forge { kind, ..forge() });
    }
    let sealed = forge().sealed();
    assert!(census(&[&sealed[..], &[0]].concat()).is_err(), "a byte more");
    assert!(census(&[&sealed[..], &sealed[..]].concat()).is_err(), "two chunks");
    let long = with_header(1, &vec![0; CHUNK_MAX]);
    assert!(matches!(census(&long), Err(DecodeError::TooLarge { what: "a change", .. })));
    assert_eq!(census(&[]).map(|_| ()), Err(DecodeError::Truncated { at: 0 }));
}

#[test]
fn dependencies_are_few_sorted_and_different() {
    let hash = |n: u8| ChangeHash([n; 32]);
    for deps in [vec![hash(2), hash(1)], vec![hash(1), hash(1)], (0..65).map(hash).collect()] {
        refused(&Forge { deps, ..forge() });
    }
    let most = Forge { deps: (0..64).map(hash).collect(), ..forge() };
    assert_eq!(census(&most.sealed()).unwrap().dependencies().len(), 64);
}

#[test]
fn actors_are_sixteen_bytes_sorted_and_used() {
    for length in [0, 15, 17, 1000] {
        refused(&Forge { actor: vec![0; length], ..forge() });
    }
    let two = [Row::put("k").over(&[(1, 1), (2, 2)])];
    let others = |a: Vec<u8>, b: Vec<u8>| Forge { start_op: 3, others: vec![a, b], ..Forge::new(&two) };
    assert!(census(&others(vec![1; 16], vec![2; 16]).sealed()).is_ok());
    refused(&others(vec![2; 16], vec![1; 16]));
    refused(&others(vec![1; 16], vec![1; 16]));
    refused(&others(vec![1; 15], vec![2; 16]));
    let unused = Forge { others: vec![vec![1; 16]], ..forge() };
    assert_eq!(refused(&unused), DecodeError::NotCanonical { what: "an actor that no operation names" });
    let own = others(vec![0; 16], vec![2; 16]);
    assert!(census(&own.chunk()).is_err(), "its own actor twice");
}

#[test]
fn numbers_of_a_change_are_what_they_must_be() {
    for seq in [0, 2, u64::MAX] {
        refused(&Forge { seq, ..forge() });
    }
    for start_op in [0, COUNTER_MAX, COUNTER_MAX + 1, u64::from(u32::MAX), u64::MAX] {
        refused(&Forge { start_op, ..forge() });
    }
}

#[test]
fn columns_are_known_ordered_and_say_something() {
    for spec in [0x00, 0x03, 0x0a, 0x4a, 0x58, 0x60, 0x74, 0x94, 0xa5, u64::MAX] {
        refused(&forge().column(spec, &[1]));
    }
    let chunk = forge().chunk();
    let mut data = census(&chunk).unwrap().data().to_vec();
    let at = data.windows(3).position(|entry| entry[0] == 0x34 && entry[2] == 0x42).expect("two columns' entries");
    data[at + 2] = 0x34;
    assert_eq!(census(&with_header(1, &data)).map(|_| ()), Err(DecodeError::Invalid { what: "a column of a change" }));
    refused(&forge().column(0x11, &[]));
}

#[test]
fn a_column_ends_with_the_operations() {
    let one = || Forge::new(&[Row::put("k")]);
    for (spec, bytes) in [
        (0x57, &b"vw"[..]),
        (0x57, b""),
        (0x34, &[2]),
        (0x70, &[2, 0]),
        (0x15, &[2, 1, b'k']),
        (0x71, &[0x7f, 0]),
        (0x73, &[0x7f, 1]),
        (0x42, &[2, 1]),
    ] {
        refused(&one().column(spec, bytes));
    }
}

#[test]
fn runs_have_one_spelling() {
    let two = || Forge::new(&[Row::put("k"), Row::put("l")]);
    assert!(census(&two().sealed()).is_ok());
    for actions in
        [&[1, 1, 1, 1][..], &[0x7e, 1, 1], &[0x7f, 1, 0x7f, 1], &[0x7f, 1, 1, 1], &[1, 1, 0x7f, 1], &[0x82, 0, 1]]
    {
        refused(&two().column(0x42, actions));
    }
    for inserts in [&[1, 0, 1][..], &[0, 0, 2], &[2, 0]] {
        refused(&two().column(0x34, inserts));
    }
    for objects in [&[0, 2][..], &[0, 1, 0, 1]] {
        refused(&two().column(0x01, objects).column(0x02, objects));
    }
}

#[test]
fn operations_name_only_what_is_older() {
    for row in [
        Row::put("k").on(0, 1),
        Row::put("k").on(0, 2),
        Row::put("k").on(1, 1),
        Row::put("k").on(u64::MAX, 1),
        Row::put("k").over(&[(0, 1)]),
        Row::put("k").over(&[(0, 7)]),
        Row::letter((0, 1), RowKey::Element(0, 1)),
        Row::put("k").on(0, COUNTER_MAX),
    ] {
        refused(&Forge::new(&[row]));
    }
    // The past of this change ends at 4: what it takes from another actor must not be younger.
    let late = Forge { start_op: 5, others: vec![vec![1; 16]], ..Forge::new(&[Row::put("k").over(&[(1, 5)])]) };
    refused(&late);
}

#[test]
fn operations_have_a_shape() {
    let base = [Row::put("k"), Row::make("t", MAKE_TEXT)];
    let put = Row::put("k");
    for row in [
        Row { action: 6, ..put.clone() },
        Row { action: 7, ..put.clone() },
        Row { action: 8, ..put.clone() },
        Row { action: u64::MAX, ..put.clone() },
        Row { key: RowKey::Property(""), ..put.clone() },
        Row { insert: true, ..put.clone() },
        Row { insert: false, ..Row::letter((0, 2), RowKey::Head) },
        Row { preds: vec![(0, 1)], ..Row::letter((0, 2), RowKey::Head) },
        Row::delete("k", &[]),
        Row { value: (6, b"v".to_vec()), ..Row::delete("k", &[(0, 1)]) },
        Row { insert: true, action: DELETE, ..Row::letter((0, 2), RowKey::Head) },
        Row { action: INCREMENT, ..put.clone() }.over(&[(0, 1)]),
        Row { action: INCREMENT, ..put.clone() }.with_value(4, &[1]),
        Row { action: MAKE_LIST, ..put.clone() },
        put.clone().over(&[(0, 2), (0, 1)]),
        put.clone().over(&[(0, 1), (0, 1)]),
    ] {
        refused(&Forge::new(&[&base[..], &[row]].concat()));
    }
}

#[test]
fn values_are_what_their_type_says() {
    let one = |kind, bytes: &[u8]| Forge::new(&[Row::put("k").with_value(kind, bytes)]);
    for (kind, bytes) in [
        (0, &[][..]),
        (1, &[]),
        (2, &[]),
        (3, &[0x80, 1]),
        (4, &[0x7f]),
        (5, &1.5f64.to_le_bytes()),
        (6, "é".as_bytes()),
        (6, &[b'a'; STRING_MAX]),
        (7, &[0xff]),
        (8, &[1]),
        (9, &[1]),
    ] {
        assert!(census(&one(kind, bytes).sealed()).is_ok(), "type {kind}");
    }
    for (kind, bytes) in [
        (0, &[0][..]),
        (1, &[0]),
        (3, &[]),
        (3, &[0x80, 0]),
        (3, &[1, 1]),
        (3, &[0xff; 10]),
        (4, &[0xff, 0x7f]),
        (5, &[0; 4]),
        (5, &f64::NAN.to_le_bytes()),
        (5, &f64::INFINITY.to_le_bytes()),
        (5, &f64::NEG_INFINITY.to_le_bytes()),
        (6, &[0xff]),
        (6, &[b'a'; STRING_MAX + 1]),
        (7, &[0; STRING_MAX + 1]),
        (8, &[]),
        (9, &[0x80]),
        (10, &[]),
        (15, &[1]),
    ] {
        refused(&one(kind, bytes));
    }
    let key = "k".repeat(STRING_MAX + 1).leak();
    refused(&Forge::new(&[Row { action: PUT, ..Row::put(key) }]));
}

#[test]
fn a_change_cut_or_flipped_anywhere_is_refused() {
    let bytes = forge().signed(&keys("alice"), None);
    for end in 0..bytes.len() {
        assert!(Change::decode(&bytes[..end]).is_err(), "cut at {end}");
    }
    for bit in 32 * 8..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Change::decode(&flipped).is_err(), "bit {bit}");
    }
}

fn row_by_row(bytes: &[u8]) -> Result<u64, DecodeError> {
    let chunk = read(bytes, hash_of(bytes))?;
    let mut ops = chunk.ops();
    let rows = ops.by_ref().try_fold(0, |rows, op| op.map(|_| rows + 1))?;
    ops.cited(chunk.others).map(|_| rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The census is as strict as automerge's own writer, and no stricter.
    #[test]
    fn whatever_automerge_writes_passes(saves in history::saves()) {
        for raw in history::chunks(&saves) {
            let change = automerge::Change::try_from(&raw[..]).unwrap();
            let chunk = census(&raw);
            prop_assert!(chunk.is_ok(), "{:?} in {:?}", chunk, change.decode());
            let chunk = chunk.unwrap();
            prop_assert_eq!(chunk.hash().0, change.hash().0);
            prop_assert_eq!(chunk.operations(), change.len() as u64);
            prop_assert_eq!(chunk.dependencies().len(), change.deps().len());
        }
    }

    /// Text that was typed in one go is counted in strides; the answer is that of counting it row by row.
    #[test]
    fn strides_over_typed_text_judge_as_rows_do(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)) {
        let whole = history::typed("L’été à Gruissan : « déjà »\n🐝 aaaaaa");
        let mut data = census(&whole).unwrap().data().to_vec();
        for (at, byte) in edits {
            let at = at.index(data.len());
            data[at] = byte;
        }
        let whole = with_header(1, &data);
        prop_assert_eq!(census(&whole).map(|chunk| chunk.operations()).ok(), row_by_row(&whole).ok());
    }

    #[test]
    fn bytes_changed_at_random_never_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let whole = forge().chunk();
        let mut data = census(&whole).unwrap().data().to_vec();
        for (at, byte) in edits {
            let at = at.index(data.len());
            data[at] = byte;
        }
        let _ = census(&with_header(1, &data));
    }
}
