//! Who refers to whom: the records of some kinds as a graph, read from the columns of the index without opening one record.

use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::id::RecordId;
use tantivy::columnar::BytesColumn;
use tantivy::{DocId, SegmentReader, TantivyError};

use super::facets::joined;
use super::{IndexError, Reader, guarded};

/// The most references that are followed: a commons of 20,000 records has some 100,000, and each takes 64 bytes. What
/// comes after them is not drawn.
const MAX_LINKS: usize = 200_000;

/// Records of some kinds and what joins them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Web {
    /// The records, each with its kind.
    pub kinds: BTreeMap<RecordId, &'static str>,
    /// Which of them refer to which.
    pub links: BTreeSet<(RecordId, RecordId)>,
    /// Records of no such kind that join others, each with those of `kinds` that it refers to.
    pub joining: Vec<(RecordId, Vec<RecordId>)>,
}

/// What a record is to a [`Web`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Of(&'static str),
    Joining,
    LeftOut,
}

impl Reader {
    /// The records of these kinds with the references among them, and what the records with the facet value `joining`
    /// refer to. Those with the facet value `without` are left out.
    ///
    /// # Errors
    /// [`IndexError::Library`] and [`IndexError::Damaged`].
    pub fn web(&self, kinds: &[&'static str], joining: (&str, &str), without: (&str, &str)) -> Result<Web, IndexError> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let of = kinds.iter().map(|kind| (joined("kind", kind), Class::Of(kind)));
            let classes: Vec<(String, Class)> = of
                .chain([(joined(joining.0, joining.1), Class::Joining), (joined(without.0, without.1), Class::LeftOut)])
                .collect();
            let mut seen = Vec::new();
            for segment in searcher.segment_readers() {
                read(segment, &classes, &mut seen)?;
            }
            Ok(Web::of(&seen))
        })
    }
}

/// A record of the graph, and all that it refers to.
type Seen = (RecordId, Class, Vec<RecordId>);

impl Web {
    fn of(seen: &[Seen]) -> Self {
        let mut web = Self::default();
        for (record, class, _) in seen {
            if let Class::Of(kind) = class {
                web.kinds.insert(*record, kind);
            }
        }
        for (record, class, refers) in seen {
            let known = refers.iter().copied().filter(|to| web.kinds.contains_key(to));
            match class {
                Class::Of(_) => web.links.extend(known.map(|to| (*record, to))),
                Class::Joining => web.joining.push((*record, known.collect())),
                Class::LeftOut => {}
            }
        }
        web.joining.sort_unstable();
        web
    }
}

/// Adds the records of one segment.
fn read(segment: &SegmentReader, classes: &[(String, Class)], seen: &mut Vec<Seen>) -> Result<(), IndexError> {
    let fast = segment.fast_fields();
    let (Some(facet), Some(record)) = (fast.str("facet")?, fast.bytes("record")?) else { return Ok(()) };
    let refers = fast.bytes("refers")?;
    let mut ords = BTreeMap::new();
    for (term, class) in classes {
        let ord = facet.dictionary().term_ord(term).map_err(TantivyError::from)?;
        ords.extend(ord.map(|ord| (ord, *class)));
    }
    let (records, targets) = (ids(&record)?, refers.as_ref().map(ids).transpose()?.unwrap_or_default());
    let class = |doc: DocId| {
        let mut all = facet.term_ords(doc).filter_map(|ord| ords.get(&ord).copied());
        let first = all.next()?;
        let left_out = first == Class::LeftOut || all.any(|class| class == Class::LeftOut);
        (!left_out).then_some(first)
    };
    let mut links: usize = seen.iter().map(|(.., refers)| refers.len()).sum();
    for doc in segment.doc_ids_alive() {
        let Some(class) = class(doc) else { continue };
        let Some(id) = record.term_ords(doc).next().and_then(|ord| records.get(ord as usize)) else { continue };
        let to = refers.iter().flat_map(|refers| refers.term_ords(doc));
        let to: Vec<RecordId> = to.filter_map(|ord| targets.get(ord as usize).copied()).collect();
        links += to.len();
        if links > MAX_LINKS {
            break;
        }
        seen.push((*id, class, to));
    }
    Ok(())
}

/// All ids of a column, by their ordinal.
fn ids(column: &BytesColumn) -> Result<Vec<RecordId>, IndexError> {
    let all: Vec<u64> = (0..column.num_terms() as u64).collect();
    let mut ids = Vec::with_capacity(all.len());
    let mut whole = true;
    let read = column.dictionary().sorted_ords_to_term_cb(&all, |term| match term.try_into() {
        Ok(id) => ids.push(RecordId(id)),
        Err(_) => whole = false,
    });
    read.map_err(TantivyError::from)?;
    if whole { Ok(ids) } else { Err(IndexError::Damaged) }
}
