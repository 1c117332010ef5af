//! The search index: what records say, ready to be asked in French.
//!
//! The index holds nothing of its own: it is filled from the store, and filled again whenever it is lost, damaged or of
//! an older layout. The keeper reads [`Index::watermark`], hands over what changed since as [`Indexed`] (a record's view
//! in plain words, codes as facets and their labels as text), and ends with [`Index::commit`], which names the ordinal
//! up to which the index is now exact. After a failure it is [opened again](Index::reopen), and what its watermark does
//! not cover is handed over once more. Questions go through a [`Reader`], which is cheap to clone and always answers from the
//! last commit; the one [`Index`] per directory is the writer.
//!
//! The [analyser](french) decides which spellings are one word, [`search`] what a query means, [`facets`] what can be
//! counted, [`web`] who refers to whom. The [gazetteer] looks French territories up by name or code, and stands apart.

pub mod facets;
pub mod french;
pub mod gazetteer;
pub mod search;
mod synonyms;
pub mod web;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use essaim_protocol::id::RecordId;
use essaim_protocol::time::Timestamp;
use tantivy::collector::DocSetCollector;
use tantivy::indexer::IndexWriterOptions;
use tantivy::query::TermQuery;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value as _,
};
use tantivy::tokenizer::{TextAnalyzer, TokenizerManager};
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};

use self::french::French;

pub use self::search::{Excerpt, Hit, Hits, Search, Sort, Span};

/// Version of the fields and of the analyser. A change of either makes every index on disk wrong, so it changes the name
/// of the directory, and the driver finds an empty index to fill.
const LAYOUT: &str = "search-6";

/// What the writer may hold in memory: the least that the library accepts. It writes a segment when it is full, so a
/// smaller one costs some merging, never a document.
const WRITER_BYTES: usize = 15_000_000;

/// Longest text of one record that is searched, in bytes. A novel has a million; what lies beyond is not found.
const MAX_TEXT: usize = 1 << 20;

/// Most facet values of one record, and most records that it refers to; the longest value, in bytes. A record has some
/// tens; a hostile one must not make every count of the alliance slow.
const MAX_FACETS: usize = 500;
const MAX_FACET: usize = 256;

/// Characters of a title by which records are put in the order of the alphabet.
const MAX_NAME: usize = 60;

/// What there is to search in one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// The record.
    pub record: RecordId,
    /// Its kind, also a facet.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Its summary, or nothing.
    pub summary: String,
    /// Everything else that somebody wrote in it: what an excerpt is cut from.
    pub text: String,
    /// What finds it besides: the labels of its codes, its keywords, dates and addresses.
    pub labels: String,
    /// Its free keywords, also a facet.
    pub tags: Vec<String>,
    /// Facet and code, such as `("theme", "mobility")`; linked records by their id.
    pub facets: Vec<(String, String)>,
    /// The records that it refers to.
    pub refers: Vec<RecordId>,
    /// The time of its last change.
    pub updated_at: Timestamp,
    /// Of a gathering, its first and last day, counted from 1970-01-01.
    pub days: Option<(i64, i64)>,
    /// Its language, also a facet.
    pub lang: String,
}

/// Why the index did not do what it was asked. It can always be removed and filled again: nothing is lost with it.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Its directory cannot be made, read or removed.
    #[error("the search index in {} cannot be used", dir.display())]
    Directory {
        /// Where it stands.
        dir: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Another process, or another `Index` of this one, writes to it.
    #[error("the search index is already in use by another process")]
    InUse,
    /// The search library failed: a full disk, or damage found while reading.
    #[error("the search index failed")]
    Library(#[from] TantivyError),
    /// The library panicked, as it does on some damaged files.
    #[error("the search index is damaged")]
    Damaged,
    /// An earlier change failed.
    #[error("the search index has failed and is not open again yet")]
    Failed,
}

/// The writer of one directory.
pub struct Index {
    dir: PathBuf,
    /// None after a failure, until it is opened again.
    writer: Option<IndexWriter>,
    reader: Reader,
    watermark: u64,
    /// Everything was taken out, and no commit has said so yet.
    blank: bool,
}

/// Asks the index as of its last commit.
#[derive(Clone)]
pub struct Reader {
    reader: IndexReader,
    fields: Fields,
}

impl Reader {
    /// The records with this value of a facet, in no order.
    ///
    /// # Errors
    /// [`IndexError::Library`] and [`IndexError::Damaged`].
    pub fn with_facet(&self, name: &str, value: &str) -> Result<Vec<RecordId>, IndexError> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let term = Term::from_field_text(self.fields.facet, &facets::joined(name, value));
            let found = searcher.search(&TermQuery::new(term, IndexRecordOption::Basic), &DocSetCollector)?;
            let record = |address| {
                let document: TantivyDocument = searcher.doc(address)?;
                self.fields.record_of(&document)
            };
            found.into_iter().map(record).collect()
        })
    }
}

/// The fields of a document.
#[derive(Debug, Clone, Copy)]
struct Fields {
    record: Field,
    title: Field,
    summary: Field,
    tags: Field,
    text: Field,
    facet: Field,
    refers: Field,
    updated_at: Field,
    starts: Field,
    ends: Field,
    name: Field,
}

impl Index {
    /// Opens the index in `dir`, or begins an empty one when there is none of this layout or it is damaged: its
    /// [`watermark`](Self::watermark) is then zero, and the driver fills it.
    ///
    /// # Errors
    /// [`IndexError::InUse`], or what keeps an empty index from being made.
    pub fn open(dir: &Path) -> Result<Self, IndexError> {
        let home = dir.join(LAYOUT);
        let failed = |source| IndexError::Directory { dir: dir.to_owned(), source };
        fs::create_dir_all(&home).map_err(failed)?;
        remove_other_layouts(dir).map_err(failed)?;
        match guarded(|| Self::open_in(dir, &home)) {
            Err(IndexError::Library(_) | IndexError::Damaged) => {
                tracing::warn!(dir = %home.display(), "the search index is damaged: building it again");
                fs::remove_dir_all(&home).and_then(|()| fs::create_dir_all(&home)).map_err(failed)?;
                guarded(|| Self::open_in(dir, &home))
            }
            other => other,
        }
    }

    fn open_in(dir: &Path, home: &Path) -> Result<Self, IndexError> {
        let (schema, fields) = schema();
        let directory = tantivy::directory::MmapDirectory::open(home).map_err(TantivyError::from)?;
        let index = tantivy::Index::builder().schema(schema).tokenizers(tokenizers()).open_or_create(directory)?;
        if !index.validate_checksum()?.is_empty() {
            return Err(IndexError::Damaged);
        }
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(WRITER_BYTES)
            .build();
        let writer = index.writer_with_options(options).map_err(|error| {
            if matches!(error, TantivyError::LockFailure(..)) { IndexError::InUse } else { error.into() }
        })?;
        let payload = index.load_metas()?.payload;
        let watermark = payload.and_then(|text| text.parse().ok()).unwrap_or(0);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let reader = Reader { reader, fields };
        Ok(Self { dir: dir.to_owned(), writer: Some(writer), reader, watermark, blank: false })
    }

    /// Whether a change failed, so that what was put since the last commit is lost: it takes nothing more until it is
    /// [opened again](Self::reopen).
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.writer.is_none()
    }

    /// Whether it was emptied and not yet committed.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        self.blank
    }

    /// Opens it again after a failure, as its last commit left it. What was put since its
    /// [`watermark`](Self::watermark) must be put again.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn reopen(&mut self) -> Result<(), IndexError> {
        // It waits for the writer's threads and gives the lock back.
        self.writer = None;
        let blank = self.blank;
        *self = Self::open(&self.dir)?;
        if blank { self.clear() } else { Ok(()) }
    }

    /// The ordinal that the last commit named: everything before it is in the index.
    #[must_use]
    pub fn watermark(&self) -> u64 {
        self.watermark
    }

    /// A reader of this index.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// How many records it shows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.reader.reader.searcher().num_docs()
    }

    /// Whether its files are where they were: what is open is read on when somebody removes them, and lost at the end.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.dir.join(LAYOUT).join("meta.json").is_file()
    }

    /// Adds records, each in place of what was indexed of it before. Seen by searches from the next commit on.
    ///
    /// # Errors
    /// Any, after which it [has failed](Self::has_failed).
    pub fn put(&mut self, records: Vec<Indexed>) -> Result<(), IndexError> {
        let fields = self.reader.fields;
        self.change(|writer| {
            for record in records {
                writer.delete_term(fields.term_of(&record.record));
                writer.add_document(fields.document(record))?;
            }
            Ok(())
        })
    }

    /// Takes records out, from the next commit on.
    ///
    /// # Errors
    /// Any, after which it [has failed](Self::has_failed).
    pub fn remove(&mut self, records: &[RecordId]) -> Result<(), IndexError> {
        let fields = self.reader.fields;
        self.change(|writer| {
            for record in records {
                writer.delete_term(fields.term_of(record));
            }
            Ok(())
        })
    }

    /// Takes everything out, from the next commit on.
    ///
    /// # Errors
    /// Any, after which it [has failed](Self::has_failed).
    pub fn clear(&mut self) -> Result<(), IndexError> {
        (self.blank, self.watermark) = (true, 0);
        self.change(|writer| Ok(writer.delete_all_documents().map(drop)?))
    }

    /// Writes what was put and cleared, as exact up to `watermark`, and shows it to every reader.
    ///
    /// # Errors
    /// Any, after which it [has failed](Self::has_failed).
    pub fn commit(&mut self, watermark: u64) -> Result<(), IndexError> {
        let reader = self.reader.reader.clone();
        self.change(|writer| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&watermark.to_string());
            prepared.commit()?;
            Ok(reader.reload()?)
        })?;
        (self.watermark, self.blank) = (watermark, false);
        Ok(())
    }

    /// Changes something. After a failure, as on a full disk, the writer has lost its threads: it would take documents,
    /// drop them, and still apply what was deleted. So it is given up.
    fn change(&mut self, work: impl FnOnce(&mut IndexWriter) -> Result<(), IndexError>) -> Result<(), IndexError> {
        let Some(writer) = &mut self.writer else { return Err(IndexError::Failed) };
        let outcome = guarded(|| work(writer));
        if outcome.is_err() {
            self.writer = None;
        }
        outcome
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("watermark", &self.watermark).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// Runs `work`, with a panic of the library taken for damage.
fn guarded<T>(work: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
    crate::caught::catch(work).unwrap_or(Err(IndexError::Damaged))
}

fn remove_other_layouts(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != LAYOUT && name.to_string_lossy().starts_with("search-") {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register("french", TextAnalyzer::from(French::default()));
    manager
}

fn schema() -> (Schema, Fields) {
    let words =
        TextFieldIndexing::default().set_tokenizer("french").set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let exact = TextFieldIndexing::default().set_tokenizer("raw").set_fieldnorms(false);
    let text = TextOptions::default().set_indexing_options(words);
    let mut schema = Schema::builder();
    let fields = Fields {
        record: schema.add_bytes_field("record", INDEXED | STORED | FAST),
        title: schema.add_text_field("title", text.clone().set_stored()),
        summary: schema.add_text_field("summary", text.clone().set_stored()),
        tags: schema.add_text_field("tags", text.clone()),
        text: schema.add_text_field("text", text.set_stored()),
        facet: schema.add_text_field("facet", TextOptions::default().set_indexing_options(exact).set_fast("raw")),
        refers: schema.add_bytes_field("refers", INDEXED | FAST),
        updated_at: schema.add_i64_field("updated_at", FAST),
        starts: schema.add_i64_field("starts", FAST),
        ends: schema.add_i64_field("ends", FAST),
        name: schema.add_text_field("name", TextOptions::default().set_fast("raw")),
    };
    (schema.build(), fields)
}

impl Fields {
    /// The record of a stored document.
    fn record_of(self, document: &TantivyDocument) -> Result<RecordId, IndexError> {
        let bytes = document.get_first(self.record).and_then(|value| value.as_bytes());
        bytes.and_then(|bytes| bytes.try_into().ok()).map(RecordId).ok_or(IndexError::Damaged)
    }

    fn term_of(&self, record: &RecordId) -> Term {
        Term::from_field_bytes(self.record, record.as_bytes())
    }

    fn document(&self, record: Indexed) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_bytes(self.record, record.record.as_bytes());
        document.add_text(self.title, cut(&record.title));
        document.add_text(self.summary, cut(&record.summary));
        document.add_text(self.text, cut(&record.text));
        // A second value of the same field: found like the first, of which alone excerpts are made.
        document.add_text(self.text, cut(&record.labels));
        document.add_i64(self.updated_at, record.updated_at.0);
        document.add_text(self.name, french::fold(&record.title).chars().take(MAX_NAME).collect::<String>());
        if let Some((first, last)) = record.days {
            document.add_i64(self.starts, first);
            document.add_i64(self.ends, last);
        }
        for tag in record.tags.iter().take(MAX_FACETS) {
            document.add_text(self.tags, cut(tag));
        }
        for refers in record.refers.iter().take(MAX_FACETS) {
            document.add_bytes(self.refers, refers.as_bytes());
        }
        let own = [("kind", &record.kind), ("lang", &record.lang)];
        let tags = record.tags.iter().map(|tag| ("tags", tag));
        let given = record.facets.iter().map(|(name, value)| (name.as_str(), value));
        let all: BTreeSet<String> =
            own.into_iter().chain(given).chain(tags).map(|(name, value)| facets::joined(name, value)).collect();
        for facet in all.into_iter().filter(|facet| facet.len() <= MAX_FACET).take(MAX_FACETS) {
            document.add_text(self.facet, facet);
        }
        document
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

#[cfg(test)]
mod tests;
