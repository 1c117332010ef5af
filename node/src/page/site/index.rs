//! The index of a search without a server: small files that a script of the page loads as it needs them.
//!
//! ```text
//! sommaire.js     essaim.index({"starts": [first term of each file of terms], "records": N, "each": 20, …})
//! mots-N.js       essaim.words(N, [["mobilit", [n, n, …]], …])        terms in their order
//! fiches-N.js     essaim.records(N, [[id, title, kind, territory, summary], …])
//! ```
//!
//! Each `n` is `4 × step + weight`: how many records further the next one is that has the term, and where it stands there
//! (3 in the title, 2 in the summary, 1 elsewhere). Records are numbered from 0 in the order of the lists, the newest
//! first. The files are scripts and no JSON because a page that is read from a disk may load scripts and nothing else; they
//! lie in a directory named by what they hold, so that a browser never mixes two indexes. Terms are those of the
//! [French analyser](crate::index::french); its word lists are handed to the script in `sommaire.js`, which leaves it the
//! rules only.

use std::collections::BTreeMap;

use serde_json::json;

use crate::index::french;

/// The size of a file of terms, in bytes: a query loads one for each of its words. A term that many records have makes its
/// file larger, by three bytes a record.
const WORDS_BYTES: usize = 32 << 10;

/// Records of which a file tells the titles. What is shown first comes from as many files at most.
const EACH: usize = 20;

/// Records that a term names: beyond this many it tells nothing apart, and the oldest are left out.
const MAX_RECORDS: usize = 20_000;

/// Different terms of one record: a long story has two thousand. A dictionary that somebody shares must not fill the index.
const MAX_TERMS: usize = 5_000;

/// What is found of one record, and shown where it is found.
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) place: String,
    pub(super) summary: String,
    /// All else that it says.
    pub(super) words: String,
}

/// The files of an index.
pub(super) struct Index {
    /// Their directory in the site, with a slash at its end.
    pub(super) dir: String,
    /// Each with its name there.
    pub(super) files: Vec<(String, String)>,
}

impl Index {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut files = Vec::new();
        let mut starts = Vec::new();
        let mut shard: Vec<String> = Vec::new();
        let mut size = 0;
        let mut close = |shard: &mut Vec<String>| {
            let number = files.len();
            files.push((format!("mots-{number}.js"), format!("essaim.words({number},[{}]);\n", shard.join(","))));
            shard.clear();
        };
        for (term, places) in postings(entries) {
            let line = json!([term, places]).to_string();
            if !shard.is_empty() && size + line.len() > WORDS_BYTES {
                close(&mut shard);
                size = 0;
            }
            if shard.is_empty() {
                starts.push(term);
            }
            size += line.len() + 1;
            shard.push(line);
        }
        if !shard.is_empty() {
            close(&mut shard);
        }
        for (number, some) in entries.chunks(EACH).enumerate() {
            let lines = some.iter().map(|one| json!([one.id, one.title, one.kind, one.place, one.summary]));
            let lines: Vec<String> = lines.map(|line| line.to_string()).collect();
            let text = format!("essaim.records({number},[{}]);\n", lines.join(",\n"));
            files.push((format!("fiches-{number}.js"), text));
        }
        let exceptions: BTreeMap<&str, &str> = french::EXCEPTIONS.iter().copied().collect();
        let contents = json!({
            "starts": starts, "records": entries.len(), "each": EACH, "longest": french::MAX_TERM,
            "elided": french::ELIDED, "inclusive": french::INCLUSIVE, "exceptions": exceptions,
        });
        files.push(("sommaire.js".to_owned(), format!("essaim.index({contents});\n")));
        let mut hasher = blake3::Hasher::new();
        for (name, text) in &files {
            hasher.update(name.as_bytes());
            hasher.update(text.as_bytes());
        }
        Self { dir: format!("recherche/{}/", &hasher.finalize().to_hex()[..12]), files }
    }
}

/// Each term with where it is: steps and weights.
fn postings(entries: &[Entry]) -> BTreeMap<String, Vec<usize>> {
    let mut all: BTreeMap<String, (usize, Vec<usize>)> = BTreeMap::new();
    for (number, entry) in (1..).zip(entries) {
        for (term, weight) in terms(entry) {
            let (last, places) = all.entry(term).or_default();
            if places.len() < MAX_RECORDS {
                places.push((number - *last) * 4 + weight);
                *last = number;
            }
        }
    }
    all.into_iter().map(|(term, (_, places))| (term, places)).collect()
}

/// The terms of a record, each with its greatest weight.
fn terms(entry: &Entry) -> BTreeMap<String, usize> {
    let mut terms = BTreeMap::new();
    let label = format!("{}\n{}", entry.kind, entry.place);
    for (text, weight) in [(&entry.title, 3), (&entry.summary, 2), (&label, 2), (&entry.words, 1)] {
        for term in french::terms(text) {
            if terms.len() < MAX_TERMS {
                terms.entry(term).or_insert(weight);
            }
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(title: &str, words: &str) -> Entry {
        let none = String::new;
        Entry {
            id: title.to_owned(),
            title: title.to_owned(),
            kind: none(),
            place: none(),
            summary: none(),
            words: words.to_owned(),
        }
    }

    #[test]
    fn a_term_says_how_far_the_next_record_is_and_where_it_stands_there() {
        let entries = [entry("Navette", "élus"), entry("Vélos", ""), entry("L'élue", "la navette")];
        let postings = postings(&entries);
        assert_eq!(postings["navet"], [4 + 3, 2 * 4 + 1]);
        assert_eq!(postings["elu"], [4 + 1, 2 * 4 + 3]);
    }

    #[test]
    fn a_file_of_terms_stays_small_and_every_term_has_one() {
        let entries: Vec<Entry> = (0..4_000).map(|n| entry(&format!("t{n:04}"), "commun")).collect();
        let index = Index::of(&entries);
        let (words, rest): (Vec<_>, Vec<_>) = index.files.iter().partition(|(name, _)| name.starts_with("mots-"));
        assert!(words.len() > 1 && words.iter().all(|(_, text)| text.len() < WORDS_BYTES + 100));
        assert_eq!(rest.len(), 4_000 / EACH + 1);
        for n in 0..4_000 {
            let term = format!("[\"t{n:04}\",");
            assert_eq!(words.iter().filter(|(_, text)| text.contains(&term)).count(), 1);
        }
        assert_eq!(Index::of(&entries).dir, index.dir, "the same records have the same index");
    }

    #[test]
    fn a_dictionary_does_not_fill_the_index() {
        let words: Vec<String> = (0..2 * MAX_TERMS).map(|n| format!("mot{n}")).collect();
        assert_eq!(terms(&entry("", &words.join(" "))).len(), MAX_TERMS);
    }
}
