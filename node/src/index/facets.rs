//! Facets: the values that searches filter by and count.
//!
//! Each value of a record is one term, "facet, unit separator, code", in one field: a newer model's facet is counted
//! without a new layout. A tag is dated by nobody and chosen by anybody, so counts are given for the most frequent
//! values only.

use std::collections::BTreeMap;

use essaim_protocol::query::{Item, Query, What};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::StrColumn;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

/// Between a facet's name and its value in the index; neither contains it.
const SEPARATOR: char = '\u{1f}';

/// Values counted for one facet: more than a page can show.
const MAX_VALUES: usize = 200;

/// How many records have each value, by facet.
pub type Counts = BTreeMap<String, Tally>;

/// How many records have each value of one facet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// (value, records), the most frequent first.
    pub values: Vec<(String, usize)>,
    /// How many values there are besides.
    pub left_off: usize,
}

impl Tally {
    /// Leaves off all but the most frequent `most`, and what a question asks for: whoever narrowed by it reads how many
    /// have it.
    pub fn cut(&mut self, facet: &str, most: usize, asked: &Query) {
        let before = self.values.len();
        let mut rank = 0..;
        self.values.retain(|(value, _)| rank.next().is_some_and(|rank| rank < most) || asks(asked, facet, value));
        self.left_off += before - self.values.len();
    }
}

fn asks(query: &Query, facet: &str, code: &str) -> bool {
    let asked = |item: &Item| match &item.what {
        What::Facet { name, value } => !item.excluded && name == facet && value == code,
        What::Word(_) | What::Phrase(_) => false,
    };
    query.items.iter().any(asked)
}

/// One value as a term of the index.
pub(super) fn joined(name: &str, value: &str) -> String {
    format!("{name}{SEPARATOR}{}", value.replace(SEPARATOR, " "))
}

/// Counts the facets of the records that match a question, with how many those are.
pub(super) struct Counting<'q>(pub(super) &'q Query);

/// The counts of one segment, by the ordinal of the value in it.
pub(super) struct Segment {
    column: Option<StrColumn>,
    counts: Vec<u64>,
    records: usize,
}

impl Collector for Counting<'_> {
    type Fruit = (usize, Counts);
    type Child = Segment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Segment> {
        let column = segment.fast_fields().str("facet")?;
        let values = column.as_ref().map_or(0, |column| column.num_terms());
        Ok(Segment { column, counts: vec![0; values], records: 0 })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(
        &self,
        segments: Vec<std::io::Result<(usize, Vec<(String, u64)>)>>,
    ) -> tantivy::Result<Self::Fruit> {
        let mut total = 0;
        let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for segment in segments {
            let (records, values) = segment?;
            total += records;
            for (value, count) in values {
                if let Some((name, value)) = value.split_once(SEPARATOR) {
                    *counts.entry(name.to_owned()).or_default().entry(value.to_owned()).or_default() += count as usize;
                }
            }
        }
        let tally = |(name, values): (String, BTreeMap<String, usize>)| {
            let mut tally = Tally { values: most_frequent(values), left_off: 0 };
            tally.cut(&name, MAX_VALUES, self.0);
            (name, tally)
        };
        Ok((total, counts.into_iter().map(tally).collect()))
    }
}

impl SegmentCollector for Segment {
    type Fruit = std::io::Result<(usize, Vec<(String, u64)>)>;

    fn collect(&mut self, doc: DocId, _: Score) {
        self.records += 1;
        for ord in self.column.iter().flat_map(|column| column.term_ords(doc)) {
            self.counts[ord as usize] += 1;
        }
    }

    fn harvest(self) -> Self::Fruit {
        let Some(column) = self.column else { return Ok((self.records, Vec::new())) };
        let present: Vec<u64> = (0..).zip(&self.counts).filter(|(_, count)| **count > 0).map(|(ord, _)| ord).collect();
        let mut values = Vec::with_capacity(present.len());
        let mut counts = present.iter().map(|ord| self.counts[*ord as usize]);
        column.dictionary().sorted_ords_to_term_cb(&present, |term| {
            values.push((String::from_utf8_lossy(term).into_owned(), counts.next().unwrap_or(0)));
        })?;
        Ok((self.records, values))
    }
}

fn most_frequent(values: BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(|(a, more), (b, fewer)| fewer.cmp(more).then_with(|| a.cmp(b)));
    values
}
