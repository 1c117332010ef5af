//! What a query means to the index.
//!
//! Every word must match, in any of its forms and in any field: a match in the title weighs most. The last word is perhaps
//! still being typed, so longer words that begin like it match too, and a word also finds its synonyms in the alliance's
//! language (a *récit* is a *narration*, an *EPCI* an *intercommunalité*). Words that only join others (de, la, pour) are
//! left out of the question. When nothing matches, the words that the index does not know are taken for the nearest that
//! it knows, and [`Hits::corrected`] says so; when that is not enough, the records with some of the words are given, and
//! [`Hits::partial`] says so.
//!
//! Beginnings and near spellings are looked up in the dictionary of the index and become plain terms: they rank like the
//! others, and excerpts can highlight them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use essaim_protocol::id::RecordId;
use essaim_protocol::query::{Item, Query, What};
use essaim_protocol::time::Timestamp;
use tantivy::collector::{Collector, TopDocs};
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, MoreLikeThisQuery, Occur, PhraseQuery,
    Query as Lookup, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption, OwnedValue, Value};
use tantivy::snippet::SnippetGenerator;
use tantivy::tokenizer::{TextAnalyzer, TokenStream, Tokenizer};
use tantivy::{DocAddress, Order, Searcher, TantivyDocument, Term};

use super::facets::{Counting, Counts, joined};
use super::french::{self, French};
use super::{Fields, IndexError, Reader, guarded, synonyms};

/// Words without which a question means the same: each is in nearly every record, but for the shortest, which they would
/// leave out.
#[rustfmt::skip]
const JOINING: &[&str] = &[
    "a", "au", "aux", "avec", "ce", "ces", "cet", "cette", "chez", "comme", "d", "dans", "de", "des", "du", "elle", "en", "et",
    "est", "il", "ils", "je", "l", "la", "le", "les", "leur", "leurs", "mais", "ne", "nos", "notre", "nous", "on", "ou", "par",
    "pas", "pour", "qu", "que", "qui", "sa", "se", "ses", "son", "sont", "sur", "un", "une", "vos", "votre", "vous", "y",
    "and", "for", "in", "of", "on", "the", "to", "with",
];

/// The facet of the records that refer to one, by its id. It is asked for and never counted: its values are as many as
/// there are records.
const LINKED: &str = "linked";

/// Shortest beginning that is completed: two letters begin half of the dictionary.
const SHORTEST_BEGINNING: usize = 3;

/// Most words that one beginning stands for, the most frequent first; each costs a look in every field.
const MAX_COMPLETIONS: usize = 24;

/// Shortest word that may be mistyped: any three letters are near to some other word.
const SHORTEST_MISTYPED: usize = 4;

/// Shortest word that two records are said to have in common.
const SHORTEST_SHARED: usize = 5;

/// Most words that one mistyped word is taken for.
const MAX_CORRECTIONS: usize = 4;

/// Characters of an excerpt: three lines of a list.
const EXCERPT: usize = 240;

/// How far into a text an excerpt is sought, in bytes: a page of hits must not analyse twenty novels.
const EXCERPT_SOURCE: usize = 16 << 10;

/// Most records that are like one: further down, they share nothing but frequent words.
const MAX_LIKE: usize = 500;

/// A question, its order and its page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// What to look for, with facets already [resolved](essaim_protocol::query::Facets::resolve).
    pub query: Query,
    /// What comes first.
    pub sort: Sort,
    /// The span of time that records must lie in.
    pub span: Option<Span>,
    /// Hits to pass over.
    pub offset: usize,
    /// Hits to give, at least 1; `usize::MAX` is all. Ranking holds as many as both together, some 50 bytes each.
    pub limit: usize,
}

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// The best match; the newest when the query has no words.
    #[default]
    Relevance,
    /// The last changed.
    Newest,
    /// The gathering that starts first.
    Soonest,
    /// The gathering that starts last.
    Latest,
    /// In the order of the alphabet, accents and capitals aside.
    Title,
}

/// A span of time that narrows a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Records whose last change was made from the first moment on and before the second.
    Changed(Timestamp, Timestamp),
    /// Gatherings that end on this day, counted from 1970-01-01, or later.
    EndingFrom(i64),
    /// Gatherings that ended before this day.
    EndingBefore(i64),
}

impl Span {
    fn lookup(self, fields: Fields) -> Box<dyn Lookup> {
        let at = |field, value| Term::from_field_i64(field, value);
        let range = match self {
            Self::Changed(from, to) => RangeQuery::new(
                Bound::Included(at(fields.updated_at, from.0)),
                Bound::Excluded(at(fields.updated_at, to.0)),
            ),
            Self::EndingFrom(day) => RangeQuery::new(Bound::Included(at(fields.ends, day)), Bound::Unbounded),
            Self::EndingBefore(day) => RangeQuery::new(Bound::Unbounded, Bound::Excluded(at(fields.ends, day))),
        };
        constant(Box::new(range))
    }
}

/// The answer to a [`Search`].
#[derive(Debug, Clone, PartialEq)]
pub struct Hits {
    /// Records that match, on all pages.
    pub total: usize,
    /// The page that was asked for.
    pub hits: Vec<Hit>,
    /// How many of the records that match have each value of each facet.
    pub facets: Counts,
    /// Whether nothing matched as it was typed, and this is what near spellings match.
    pub corrected: bool,
    /// Whether no record had all the words, and these have some of them, the best first.
    pub partial: bool,
}

/// A record that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The record.
    pub record: RecordId,
    /// How well it matches, comparable within one answer; zero when sorted by date.
    pub score: f32,
    /// Its title, whole.
    pub title: Excerpt,
    /// What it says where it matches, else its beginning.
    pub excerpt: Excerpt,
}

/// A text, and what in it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The text, as the record has it.
    pub text: String,
    /// Ranges of bytes of the text to highlight, in order, at character boundaries.
    pub marks: Vec<Range<usize>>,
}

impl Reader {
    /// Answers a question.
    ///
    /// # Errors
    /// [`IndexError::Library`] and [`IndexError::Damaged`]; no query makes one.
    pub fn search(&self, search: &Search) -> Result<Hits, IndexError> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let answer = |how| Asked::new(&searcher, self.fields, search, how)?.answer(search);
            let as_typed = answer(How::AsTyped)?;
            let words = search.query.items.iter().filter(|item| !item.excluded && !is_facet(item)).count();
            if as_typed.total > 0 || words == 0 {
                return Ok(as_typed);
            }
            let nearest = answer(How::Nearest)?;
            if nearest.total > 0 || words == 1 {
                return Ok(Hits { corrected: nearest.total > 0, ..nearest });
            }
            let some = answer(How::SomeWords)?;
            Ok(Hits { partial: some.total > 0, ..some })
        })
    }

    /// The rarest words that two texts have in common, `limit` at most, as the second writes them. What a word says of
    /// two records is the more the fewer others have it.
    ///
    /// # Errors
    /// [`IndexError::Library`] and [`IndexError::Damaged`].
    pub fn in_common(&self, one: &str, other: &str, limit: usize) -> Result<Vec<String>, IndexError> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let cut = |text: &'_ str| text.floor_char_boundary(EXCERPT_SOURCE);
            let (one, other) = (&one[..cut(one)], &other[..cut(other)]);
            let known: BTreeSet<String> = french::terms(one).collect();
            let mut french = French::default();
            let mut words = french.token_stream(other);
            let mut common: BTreeMap<String, &str> = BTreeMap::new();
            while words.advance() {
                let word = words.token();
                let written = &other[word.offset_from..word.offset_to];
                let telling = written.chars().count() >= SHORTEST_SHARED && !joins(written);
                if telling && known.contains(&word.text) {
                    common.entry(word.text.clone()).or_insert(written);
                }
            }
            let rarity = |term: &str| searcher.doc_freq(&Term::from_field_text(self.fields.text, term));
            let ranked = common.into_iter().map(|(term, written)| Ok((rarity(&term)?, written)));
            let mut ranked = ranked.collect::<Result<Vec<_>, IndexError>>()?;
            ranked.sort_unstable();
            Ok(ranked.into_iter().take(limit).map(|(_, written)| written.to_lowercase()).collect())
        })
    }

    /// The `limit` records, 500 at most, whose words are most like those of `record`, itself left out; none when it is not
    /// indexed. Of `among`, the facets narrow.
    ///
    /// # Errors
    /// [`IndexError::Library`] and [`IndexError::Damaged`].
    pub fn like(&self, record: &RecordId, among: &Query, limit: usize) -> Result<Vec<Hit>, IndexError> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let itself = TermQuery::new(self.fields.term_of(record), IndexRecordOption::Basic);
            let found = searcher.search(&itself, &TopDocs::with_limit(1).order_by_score())?;
            let Some((_, address)) = found.first() else { return Ok(Vec::new()) };
            let document: TantivyDocument = searcher.doc(*address)?;
            let said = [self.fields.title, self.fields.summary, self.fields.text].map(|field| {
                (field, document.get_all(field).filter_map(|value| value.as_str()).map(OwnedValue::from).collect())
            });
            let like = MoreLikeThisQuery::builder()
                .with_min_doc_frequency(2)
                // What was put again counts twice until it is merged. The library takes no word for more frequent than
                // there are documents, and one that is in all of them says nothing.
                .with_max_doc_frequency(searcher.num_docs())
                .with_min_term_frequency(1)
                .with_min_word_length(3)
                .with_stop_words(JOINING.iter().flat_map(|word| french::terms(word)).collect())
                .with_document_fields(said.into());
            let mut clauses: Vec<(Occur, Box<dyn Lookup>)> =
                vec![(Occur::Must, Box::new(like)), (Occur::MustNot, Box::new(itself))];
            clauses.extend(filters(self.fields, among));
            let lookup = BooleanQuery::new(clauses);
            let asked = Asked { searcher: &searcher, fields: self.fields, lookup, terms: BTreeMap::new() };
            let top = TopDocs::with_limit(limit.clamp(1, MAX_LIKE)).order_by_score();
            let best = searcher.search(&asked.lookup, &top)?;
            best.into_iter().map(|(score, address)| asked.hit(score, address)).collect()
        })
    }
}

/// What the facets of a query ask: values of one facet widen, facets narrow.
fn filters(fields: Fields, query: &Query) -> Vec<(Occur, Box<dyn Lookup>)> {
    let mut clauses: Vec<(Occur, Box<dyn Lookup>)> = Vec::new();
    let mut facets: BTreeMap<&str, Vec<Box<dyn Lookup>>> = BTreeMap::new();
    for item in &query.items {
        let What::Facet { name, value } = &item.what else { continue };
        let term = match value.parse::<RecordId>() {
            Ok(record) if name == LINKED => Term::from_field_bytes(fields.refers, record.as_bytes()),
            Ok(_) | Err(_) => Term::from_field_text(fields.facet, &joined(name, value)),
        };
        let lookup = Box::new(TermQuery::new(term, IndexRecordOption::Basic));
        if item.excluded {
            clauses.push((Occur::MustNot, lookup));
        } else {
            facets.entry(name).or_default().push(lookup);
        }
    }
    clauses.extend(facets.into_values().map(|values| (Occur::Must, constant(any(values)))));
    clauses
}

/// Whether a word only joins others.
fn joins(word: &str) -> bool {
    JOINING.contains(&french::fold(word).as_str())
}

fn is_facet(item: &Item) -> bool {
    matches!(item.what, What::Facet { .. })
}

/// How the words are looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// All of them, as they were typed.
    AsTyped,
    /// All of them, or the nearest spelling that the index knows.
    Nearest,
    /// At least one, in the nearest spelling.
    SomeWords,
}

/// What matches, counted by facet, and the page of it.
type Counted = (<Counting<'static> as Collector>::Fruit, Vec<(f32, DocAddress)>);

/// A query in terms of the index.
struct Asked<'a> {
    searcher: &'a Searcher,
    fields: Fields,
    lookup: BooleanQuery,
    /// The terms that may be highlighted, rarer ones weighing more in the choice of an excerpt.
    terms: BTreeMap<String, f32>,
}

impl<'a> Asked<'a> {
    fn new(searcher: &'a Searcher, fields: Fields, search: &Search, how: How) -> Result<Self, IndexError> {
        let query = &search.query;
        let mut asked = Self { searcher, fields, lookup: BooleanQuery::new(Vec::new()), terms: BTreeMap::new() };
        let mut clauses: Vec<(Occur, Box<dyn Lookup>)> = Vec::new();
        let mut said = Vec::new();
        let words = essential(query);
        for (at, item) in words.iter().enumerate() {
            let unfinished = at + 1 == words.len() && matches!(item.what, What::Word(_)) && !item.excluded;
            match asked.text(item, unfinished, how)? {
                Some(lookup) if item.excluded => clauses.push((Occur::MustNot, lookup)),
                Some(lookup) => said.push(lookup),
                None => {}
            }
        }
        if how == How::SomeWords {
            clauses.push((Occur::Must, any(said)));
        } else {
            clauses.extend(said.into_iter().map(|lookup| (Occur::Must, lookup)));
        }
        clauses.extend(filters(fields, query));
        clauses.extend(search.span.map(|span| (Occur::Must, span.lookup(fields))));
        if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
            clauses.push((Occur::Must, constant(Box::new(AllQuery))));
        }
        asked.lookup = BooleanQuery::new(clauses);
        Ok(asked)
    }

    /// The lookup of a word or phrase; `None` when it has no letter or digit.
    fn text(&mut self, item: &Item, unfinished: bool, how: How) -> Result<Option<Box<dyn Lookup>>, IndexError> {
        let text = match &item.what {
            What::Word(text) | What::Phrase(text) => text,
            What::Facet { .. } => return Ok(None),
        };
        let said: Vec<String> = french::terms(text).collect();
        if said.is_empty() {
            return Ok(None);
        }
        let mut ways = vec![(said.clone(), 1.0)];
        ways.extend(synonyms::of(&said).map(|synonym| (synonym.clone(), 0.6)));
        if let [term] = said.as_slice() {
            let near = match how {
                How::AsTyped if unfinished => self.beginning_like(term)?,
                How::AsTyped => Vec::new(),
                How::Nearest | How::SomeWords => self.nearest(term)?,
            };
            ways.extend(near.into_iter().map(|term| (vec![term], 0.4)));
        } else if how != How::AsTyped && matches!(item.what, What::Word(_)) {
            let corrected: Result<Vec<_>, _> = said.iter().map(|term| self.nearest(term)).collect();
            ways.push((said.iter().zip(corrected?).map(|(as_typed, near)| first(near, as_typed)).collect(), 0.4));
        }
        let mut lookups = Vec::new();
        for (terms, weight) in ways {
            if !item.excluded {
                self.highlight(&terms)?;
            }
            lookups.extend(self.in_any_field(&terms, weight));
        }
        Ok(Some(any(lookups)))
    }

    fn in_any_field(&self, terms: &[String], weight: f32) -> impl Iterator<Item = Box<dyn Lookup>> {
        let Fields { title, summary, tags, text, .. } = self.fields;
        [(title, 3.0), (tags, 2.0), (summary, 1.5), (text, 1.0)]
            .map(move |(field, boost)| {
                let mut terms: Vec<Term> = terms.iter().map(|term| Term::from_field_text(field, term)).collect();
                let lookup: Box<dyn Lookup> = match terms.len() {
                    1 => Box::new(TermQuery::new(terms.remove(0), IndexRecordOption::WithFreqs)),
                    _ => Box::new(PhraseQuery::new(terms)),
                };
                Box::new(BoostQuery::new(lookup, boost * weight)) as Box<dyn Lookup>
            })
            .into_iter()
    }

    fn highlight(&mut self, terms: &[String]) -> Result<(), IndexError> {
        for term in terms {
            let records = self.searcher.doc_freq(&Term::from_field_text(self.fields.text, term))?;
            self.terms.insert(term.clone(), 1.0 / (1.0 + records as f32));
        }
        Ok(())
    }

    /// The most frequent words of the index that begin like `term` and are longer.
    fn beginning_like(&self, term: &str) -> Result<Vec<String>, IndexError> {
        if term.chars().count() < SHORTEST_BEGINNING {
            return Ok(Vec::new());
        }
        let mut found: BTreeMap<String, u32> = BTreeMap::new();
        self.dictionary(term, |word, records| {
            let begins = word.starts_with(term);
            if begins && word.len() > term.len() {
                *found.entry(word.to_owned()).or_default() += records;
            }
            begins
        })?;
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
        Ok(found.into_iter().take(MAX_COMPLETIONS).map(|(word, _)| word).collect())
    }

    /// The words of the index nearest to `term`, unless it is one of them: a swap of two letters, or one letter more, less
    /// or other; two of these in a long word. The first letter is taken to be right, as it nearly always is: otherwise
    /// every word of the index would have to be compared.
    fn nearest(&self, term: &str) -> Result<Vec<String>, IndexError> {
        let length = term.chars().count();
        let known = Term::from_field_text(self.fields.text, term);
        if length < SHORTEST_MISTYPED || self.searcher.doc_freq(&known)? > 0 {
            return Ok(Vec::new());
        }
        let allowed = if length < 8 { 1 } else { 2 };
        let mut found: BTreeMap<(usize, String), u32> = BTreeMap::new();
        let initial: String = term.chars().take(1).collect();
        self.dictionary(&initial, |word, records| {
            if word.chars().count().abs_diff(length) <= allowed {
                let distance = strsim::osa_distance(word, term);
                if distance <= allowed {
                    *found.entry((distance, word.to_owned())).or_default() += records;
                }
            }
            word.starts_with(&initial)
        })?;
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_key(|((distance, _), records)| (*distance, std::cmp::Reverse(*records)));
        let closest = found.first().map_or(0, |((distance, _), _)| *distance);
        let closest = found.into_iter().take_while(|((distance, _), _)| *distance == closest);
        Ok(closest.take(MAX_CORRECTIONS).map(|((_, word), _)| word).collect())
    }

    /// Shows `visit` the words of the index from `from` on, in order, each with its number of records in one field of one
    /// segment, until it says that it has seen enough of that field.
    fn dictionary(&self, from: &str, mut visit: impl FnMut(&str, u32) -> bool) -> Result<(), IndexError> {
        for segment in self.searcher.segment_readers() {
            for field in [self.fields.title, self.fields.summary, self.fields.tags, self.fields.text] {
                let index = segment.inverted_index(field)?;
                let mut words = index.terms().range().ge(from).into_stream().map_err(tantivy::TantivyError::from)?;
                while let Some((word, info)) = words.next() {
                    if !std::str::from_utf8(word).is_ok_and(|word| visit(word, info.doc_freq)) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn answer(&self, search: &Search) -> Result<Hits, IndexError> {
        // The library makes room for as many as are asked for: never more than there are.
        let held = usize::try_from(self.searcher.num_docs()).unwrap_or(usize::MAX);
        let (query, offset) = (&search.query, search.offset.min(held));
        let page = TopDocs::with_limit(search.limit.clamp(1, (held - offset).max(1))).and_offset(offset);
        let ((total, facets), best) = match search.sort {
            Sort::Relevance if !self.terms.is_empty() => {
                self.searcher.search(&self.lookup, &(Counting(query), page.order_by_score()))?
            }
            Sort::Relevance | Sort::Newest => {
                self.sorted(query, page.order_by_fast_field::<i64>("updated_at", Order::Desc))?
            }
            Sort::Soonest => self.sorted(query, page.order_by_fast_field::<i64>("starts", Order::Asc))?,
            Sort::Latest => self.sorted(query, page.order_by_fast_field::<i64>("starts", Order::Desc))?,
            Sort::Title => self.sorted(query, page.order_by_string_fast_field("name", Order::Asc))?,
        };
        let hits = best.into_iter().map(|(score, address)| self.hit(score, address)).collect::<Result<_, _>>()?;
        Ok(Hits { total, hits, facets, corrected: false, partial: false })
    }

    /// What matches, counted, and the page of it in an order that is not that of the score.
    fn sorted<K: Send + 'static>(
        &self,
        query: &Query,
        page: impl Collector<Fruit = Vec<(K, DocAddress)>>,
    ) -> Result<Counted, IndexError> {
        let (counted, sorted) = self.searcher.search(&self.lookup, &(Counting(query), page))?;
        Ok((counted, sorted.into_iter().map(|(_, address)| (0.0, address)).collect()))
    }

    fn hit(&self, score: f32, address: DocAddress) -> Result<Hit, IndexError> {
        let document: TantivyDocument = self.searcher.doc(address)?;
        let said = |field: Field| document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default();
        let record = self.fields.record_of(&document)?;
        let (summary, text) = (said(self.fields.summary), said(self.fields.text));
        let text = &text[..text.floor_char_boundary(EXCERPT_SOURCE)];
        let excerpt = self.excerpt(summary).or_else(|| self.excerpt(text));
        let beginning = if summary.is_empty() { text } else { summary };
        let title = Excerpt { text: said(self.fields.title).to_owned(), marks: self.marks(said(self.fields.title)) };
        Ok(Hit { record, score, title, excerpt: excerpt.unwrap_or_else(|| self.whole(beginning)) })
    }

    /// The part of `text` with most of what was asked for.
    fn excerpt(&self, text: &str) -> Option<Excerpt> {
        if self.terms.is_empty() {
            return None;
        }
        let analyser = TextAnalyzer::from(French::default());
        let choice = SnippetGenerator::new(self.terms.clone(), analyser, self.fields.text, EXCERPT);
        let snippet = choice.snippet(text);
        (!snippet.highlighted().is_empty())
            .then(|| Excerpt { text: snippet.fragment().to_owned(), marks: snippet.highlighted().to_vec() })
    }

    /// The beginning of `text`, cut after a word.
    fn whole(&self, text: &str) -> Excerpt {
        let cut = match text.char_indices().nth(EXCERPT) {
            Some((end, _)) => text[..end].rfind(char::is_whitespace).unwrap_or(end),
            None => text.len(),
        };
        Excerpt { text: text[..cut].to_owned(), marks: self.marks(&text[..cut]) }
    }

    fn marks(&self, text: &str) -> Vec<Range<usize>> {
        if self.terms.is_empty() {
            return Vec::new();
        }
        let mut french = French::default();
        let mut words = french.token_stream(text);
        let mut marks = Vec::new();
        while words.advance() {
            let word = words.token();
            if self.terms.contains_key(&word.text) {
                marks.push(word.offset_from..word.offset_to);
            }
        }
        marks
    }
}

/// The words and phrases of `query` but for those that only join others, unless there are no others.
fn essential(query: &Query) -> Vec<&Item> {
    let said: Vec<&Item> = query.items.iter().filter(|item| !is_facet(item)).collect();
    let joins = |item: &Item| match &item.what {
        What::Word(word) => joins(word),
        What::Phrase(_) | What::Facet { .. } => false,
    };
    let essential: Vec<&Item> = said.iter().copied().filter(|item| item.excluded || !joins(item)).collect();
    if essential.iter().any(|item| !item.excluded) { essential } else { said }
}

fn first(near: Vec<String>, as_typed: &str) -> String {
    near.into_iter().next().unwrap_or_else(|| as_typed.to_owned())
}

fn any(mut lookups: Vec<Box<dyn Lookup>>) -> Box<dyn Lookup> {
    match lookups.len() {
        0 => Box::new(EmptyQuery),
        1 => lookups.remove(0),
        _ => Box::new(BooleanQuery::union(lookups)),
    }
}

/// A lookup that selects and does not rank.
fn constant(lookup: Box<dyn Lookup>) -> Box<dyn Lookup> {
    Box::new(ConstScoreQuery::new(lookup, 0.0))
}
