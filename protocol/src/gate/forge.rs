//! Change chunks built byte by byte, for tests: honest ones, and any that automerge itself would never write.
//!
//! Nothing here uses the code that reads chunks: layouts and derivations are written a second time, from `wire.md`.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::id::{Actor, ChangeHash, CommonsId, RecordId, StatementId};
use crate::sign::{Domain, Keys, Seed};
use crate::wire::Write as _;

pub(crate) const COMMONS: CommonsId = CommonsId([0xc0; 32]);
pub(crate) const FRONTIER: StatementId = StatementId([0xf0; 32]);

pub(crate) fn keys(name: &str) -> Keys {
    Keys::from_seed(&Seed::new(*blake3::hash(name.as_bytes()).as_bytes()))
}

/// A chunk in the making. Every field may be set to what no honest program would.
#[derive(Debug, Clone)]
pub(crate) struct Forge {
    pub(crate) kind: u8,
    pub(crate) deps: Vec<ChangeHash>,
    pub(crate) actor: Vec<u8>,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    pub(crate) others: Vec<Vec<u8>>,
    /// By column number; written in the order of the file.
    pub(crate) columns: BTreeMap<u64, Vec<u8>>,
    pub(crate) extra: Vec<u8>,
}

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Actor index and counter.
    pub(crate) object: Option<(u64, u64)>,
    pub(crate) key: RowKey,
    pub(crate) insert: bool,
    pub(crate) action: u64,
    /// Type code and bytes.
    pub(crate) value: (u64, Vec<u8>),
    pub(crate) preds: Vec<(u64, u64)>,
}

#[derive(Debug, Clone)]
pub(crate) enum RowKey {
    Property(&'static str),
    Head,
    Element(u64, u64),
}

pub(crate) const MAKE_MAP: u64 = 0;
pub(crate) const PUT: u64 = 1;
pub(crate) const MAKE_LIST: u64 = 2;
pub(crate) const DELETE: u64 = 3;
pub(crate) const MAKE_TEXT: u64 = 4;
pub(crate) const INCREMENT: u64 = 5;

impl Row {
    /// `key = "v"` at the root.
    pub(crate) fn put(key: &'static str) -> Self {
        let value = (6, b"v".to_vec());
        Self { object: None, key: RowKey::Property(key), insert: false, action: PUT, value, preds: vec![] }
    }

    pub(crate) fn make(key: &'static str, action: u64) -> Self {
        Self { action, ..Self::put(key) }.with_value(0, &[])
    }

    /// One letter after an element.
    pub(crate) fn letter(object: (u64, u64), after: RowKey) -> Self {
        Self { object: Some(object), key: after, insert: true, ..Self::put("") }
    }

    pub(crate) fn delete(key: &'static str, preds: &[(u64, u64)]) -> Self {
        Self { action: DELETE, preds: preds.to_vec(), ..Self::put(key) }.with_value(0, &[])
    }

    pub(crate) fn on(self, actor: u64, counter: u64) -> Self {
        Self { object: Some((actor, counter)), ..self }
    }

    pub(crate) fn with_value(self, kind: u64, bytes: &[u8]) -> Self {
        Self { value: (kind, bytes.to_vec()), ..self }
    }

    pub(crate) fn over(self, preds: &[(u64, u64)]) -> Self {
        Self { preds: preds.to_vec(), ..self }
    }
}

impl Forge {
    /// A first change.
    pub(crate) fn new(rows: &[Row]) -> Self {
        Self {
            kind: 1,
            deps: vec![],
            actor: vec![0; 16],
            seq: 1,
            start_op: 1,
            time: 1_778_162_400,
            others: vec![],
            columns: columns(rows),
            extra: vec![],
        }
    }

    /// A change on top of sealed ones, whose actors it may name as 1, 2, … in ascending order.
    pub(crate) fn after(parents: &[&[u8]], rows: &[Row]) -> Self {
        let parents: Vec<_> = parents.iter().map(|chunk| super::census(chunk).unwrap()).collect();
        let mut named: Vec<_> = parents.iter().map(|parent| parent.actor()).collect();
        named.sort();
        let mut deps: Vec<_> = parents.iter().map(super::Chunk::hash).collect();
        deps.sort();
        let used = rows.iter().flat_map(actors_of).filter(|index| *index > 0).max().unwrap_or(0) as usize;
        Self {
            deps,
            start_op: parents.iter().map(|parent| parent.max_op() + 1).max().unwrap_or(1),
            others: named.into_iter().take(used).map(|actor: Actor| actor.0.to_vec()).collect(),
            ..Self::new(rows)
        }
    }

    pub(crate) fn column(mut self, spec: u64, bytes: &[u8]) -> Self {
        self.columns.insert(spec, bytes.to_vec());
        self
    }

    /// The unsigned chunk.
    pub(crate) fn chunk(&self) -> Vec<u8> {
        with_header(self.kind, &self.data())
    }

    fn data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        data.put_uleb(self.deps.len() as u64);
        self.deps.iter().for_each(|dep| data.extend_from_slice(&dep.0));
        data.put_bytes(&self.actor);
        data.put_uleb(self.seq);
        data.put_uleb(self.start_op);
        data.put_sleb(self.time);
        data.put_bytes(b"");
        data.put_uleb(self.others.len() as u64);
        self.others.iter().for_each(|actor| data.put_bytes(actor));
        data.put_uleb(self.columns.len() as u64);
        for (spec, bytes) in &self.columns {
            data.put_uleb(*spec);
            data.put_uleb(bytes.len() as u64);
        }
        self.columns.values().for_each(|bytes| data.extend_from_slice(bytes));
        data.extend_from_slice(&self.extra);
        data
    }

    /// `record ‖ chunk` with footer, signature and actor as `wire.md` says, whatever the rest is.
    pub(crate) fn signed(&self, by: &Keys, record: Option<RecordId>) -> Vec<u8> {
        let mut forge = self.clone();
        forge.extra.extend_from_slice(&[0x01, 0x20]);
        forge.extra.extend_from_slice(&by.key().0);
        forge.extra.extend_from_slice(&[0x46, 0x20]);
        forge.extra.extend_from_slice(&FRONTIER.0);
        forge.extra.extend_from_slice(&[0x53, 0x40]);
        forge.extra.extend_from_slice(&[0; 64]);
        forge.actor.fill(0);
        let blank = forge.chunk();
        let body = blake3::derive_key("essaim v1 change body", &blank[8..]);
        let first = || RecordId(blake3::derive_key("essaim v1 record", &[COMMONS.0, body].concat()));
        let record = record.unwrap_or_else(first);
        let signature = by.sign(Domain::CHANGE, &[&COMMONS.0, &record.0, &body]);
        let actor = blake3::derive_key("essaim v1 actor", &[&body[..], &signature.0].concat());
        let length = forge.actor.len();
        forge.actor = actor.iter().copied().cycle().take(length).collect();
        let at = forge.extra.len() - 64;
        forge.extra[at..].copy_from_slice(&signature.0);
        [&record.0[..], &forge.chunk()].concat()
    }

    /// The chunk alone of [`Forge::signed`], by alice.
    pub(crate) fn sealed(&self) -> Vec<u8> {
        self.signed(&keys("alice"), None)[32..].to_vec()
    }
}

pub(crate) fn with_header(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut hashed = vec![kind];
    hashed.put_bytes(data);
    let checksum = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83], &checksum[..4], &hashed].concat()
}

fn actors_of(row: &Row) -> Vec<u64> {
    let element = if let RowKey::Element(actor, _) = row.key { Some(actor) } else { None };
    let object = row.object.map(|(actor, _)| actor);
    row.preds.iter().map(|(actor, _)| *actor).chain(element).chain(object).collect()
}

fn columns(rows: &[Row]) -> BTreeMap<u64, Vec<u8>> {
    let element = |row: &Row| match row.key {
        RowKey::Property(_) => (None, None),
        RowKey::Head => (None, Some(0)),
        RowKey::Element(actor, counter) => (Some(actor), Some(counter)),
    };
    let property = |row: &Row| if let RowKey::Property(key) = row.key { Some(key) } else { None };
    let preds: Vec<_> = rows.iter().flat_map(|row| row.preds.clone()).collect();
    let unsigned = |to: &mut Vec<u8>, value: &u64| to.put_uleb(*value);
    let signed = |to: &mut Vec<u8>, value: &i64| to.put_sleb(*value);
    let every = |value: fn(&Row) -> u64| rows.iter().map(|row| Some(value(row))).collect::<Vec<_>>();
    let columns = [
        (0x01, runs(rows.iter().map(|row| row.object.map(|(actor, _)| actor)), unsigned)),
        (0x02, runs(rows.iter().map(|row| row.object.map(|(_, counter)| counter)), unsigned)),
        (0x11, runs(rows.iter().map(|row| element(row).0), unsigned)),
        (0x13, runs(deltas(rows.iter().map(|row| element(row).1)).into_iter(), signed)),
        (0x15, runs(rows.iter().map(property), |to, key| to.put_bytes(key.as_bytes()))),
        (0x34, booleans(rows.iter().map(|row| row.insert))),
        (0x42, runs(every(|row| row.action).into_iter(), unsigned)),
        (0x56, runs(every(|row| (row.value.1.len() as u64) << 4 | row.value.0).into_iter(), unsigned)),
        (0x57, rows.iter().flat_map(|row| row.value.1.clone()).collect()),
        (0x70, runs(every(|row| row.preds.len() as u64).into_iter(), unsigned)),
        (0x71, runs(preds.iter().map(|(actor, _)| Some(*actor)), unsigned)),
        (0x73, runs(deltas(preds.iter().map(|(_, counter)| Some(*counter))).into_iter(), signed)),
    ];
    columns.into_iter().filter(|(_, bytes): &(u64, Vec<u8>)| !bytes.is_empty()).collect()
}

fn deltas(values: impl Iterator<Item = Option<u64>>) -> Vec<Option<i64>> {
    let mut last = 0;
    values
        .map(|value| {
            value.map(|value| {
                let delta = value as i64 - last;
                last = value as i64;
                delta
            })
        })
        .collect()
}

/// The run-length spelling that automerge writes.
pub(crate) fn runs<T: PartialEq>(values: impl Iterator<Item = Option<T>>, write: impl Fn(&mut Vec<u8>, &T)) -> Vec<u8> {
    let mut groups: Vec<(Option<T>, i64)> = Vec::new();
    for value in values {
        match groups.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => groups.push((value, 1)),
        }
    }
    let mut bytes = Vec::new();
    if let [(None, _)] = groups[..] {
        return bytes;
    }
    let mut rest = &groups[..];
    while let [(value, count), tail @ ..] = rest {
        let literals = rest.iter().take_while(|(value, count)| value.is_some() && *count == 1).count();
        match value {
            None => {
                bytes.put_sleb(0);
                bytes.put_uleb(*count as u64);
                rest = tail;
            }
            Some(_) if literals > 0 => {
                bytes.put_sleb(-(literals as i64));
                rest[..literals].iter().for_each(|(value, _)| write(&mut bytes, value.as_ref().unwrap()));
                rest = &rest[literals..];
            }
            Some(value) => {
                bytes.put_sleb(*count);
                write(&mut bytes, value);
                rest = tail;
            }
        }
    }
    bytes
}

fn booleans(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut counts = vec![0u64];
    let mut last = false;
    for value in values {
        if value != last {
            counts.push(0);
            last = value;
        }
        *counts.last_mut().unwrap() += 1;
    }
    let mut bytes = Vec::new();
    if counts != [0] {
        counts.into_iter().for_each(|count| bytes.put_uleb(count));
    }
    bytes
}
