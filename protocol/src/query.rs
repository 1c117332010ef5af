//! The query language: what a person types in the search box, and what it means.
//!
//! ```text
//! query  = item*
//! item   = ["-"] ( word | phrase | facet )      "-" leaves out what matches
//! phrase = '"' text '"' | '«' text '»' | '“' text '”'      words in this order
//! facet  = name ":" ( word | phrase )           theme:mobility, territoire:"Le Vigan"
//! ```
//!
//! One question goes two steps. [`Query::parse`] reads what was typed, and forgives: a quote that nobody closed ends with
//! the text, a colon that has nothing on one side is punctuation. [`Facets::resolve`] then says what the facets mean:
//! `thème:mobilités` and `themes:mobility` are the same question, because names and values go by their labels in either
//! language as well as by their codes. A value that the model does not know stays as typed, since a newer node may know
//! it; a facet name that nobody knows is an error with a hint, since it would silently find nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::record::schema::{Field, Label, Schema};

/// Longest query, in characters. A search box holds a sentence; a pasted page would only find itself, slowly.
pub const MAX_CHARS: usize = 1_000;

/// Most items in a query: each costs a look in every field of the index.
pub const MAX_ITEMS: usize = 64;

/// A question to the search index, in the order it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// All must match, except the excluded ones, which must not.
    pub items: Vec<Item>,
}

/// One item of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Whether what matches is left out.
    pub excluded: bool,
    /// What to look for.
    pub what: What,
}

/// What an item looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A word, in any of its forms.
    Word(String),
    /// Words that follow one another.
    Phrase(String),
    /// A record's value of a facet. Items of one facet are alternatives, different facets all apply.
    Facet {
        /// The facet, such as `theme`.
        name: String,
        /// The code or text it must have.
        value: String,
    },
}

/// Why a query is not one: always the asker's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// More than [`MAX_CHARS`].
    #[error("the query has {0} characters, {MAX_CHARS} at most: keep the words that matter")]
    TooLong(usize),
    /// More than [`MAX_ITEMS`].
    #[error("the query has more than {MAX_ITEMS} words: keep those that matter")]
    TooManyItems,
    /// A name before a colon that no kind of record has.
    #[error("no facet is called “{name}” (there is {}); to search for the text itself, put it in quotes", nearest.join(", "))]
    UnknownFacet {
        /// What was typed.
        name: String,
        /// The facets that begin alike, or all of them.
        nearest: Vec<String>,
    },
    /// A label that several facets bear.
    #[error("“{name}” may be {}: write one of these", facets.join(", "))]
    AmbiguousFacet {
        /// What was typed.
        name: String,
        /// What it may mean.
        facets: Vec<String>,
    },
}

impl Query {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`QueryError::TooLong`] and [`QueryError::TooManyItems`]; nothing else is refused.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let chars = text.chars().count();
        if chars > MAX_CHARS {
            return Err(QueryError::TooLong(chars));
        }
        let mut scanner = Scanner { rest: text };
        let mut items = Vec::new();
        while let Some(item) = scanner.item() {
            items.push(item);
        }
        if items.len() > MAX_ITEMS {
            return Err(QueryError::TooManyItems);
        }
        Ok(Self { items })
    }

    /// This query, and one more facet that records must have.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let what = What::Facet { name: name.to_owned(), value: unquoted(value) };
        self.items.push(Item { excluded: false, what });
        self
    }

    /// Whether the query asks for nothing in particular.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl fmt::Display for Query {
    /// The text that parses to this query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, item) in self.items.iter().enumerate() {
            f.write_str(if at > 0 { " " } else { "" })?;
            f.write_str(if item.excluded { "-" } else { "" })?;
            match &item.what {
                What::Word(word) => f.write_str(word)?,
                What::Phrase(text) => write!(f, "\"{text}\"")?,
                What::Facet { name, value } if value.contains(char::is_whitespace) => write!(f, "{name}:\"{value}\"")?,
                What::Facet { name, value } => write!(f, "{name}:{value}")?,
            }
        }
        Ok(())
    }
}

/// Reads items off the front of a text.
struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn item(&mut self) -> Option<Item> {
        loop {
            self.rest = self.rest.trim_start();
            let first = self.rest.chars().next()?;
            let excluded = first == '-';
            if excluded {
                self.rest = &self.rest[1..];
            }
            if let Some(what) = self.what() {
                return Some(Item { excluded, what });
            }
        }
    }

    /// A phrase, facet or word at the front; `None` for an empty phrase and for a sign that stands alone.
    fn what(&mut self) -> Option<What> {
        if let Some(text) = self.phrase() {
            return (!text.is_empty()).then_some(What::Phrase(text));
        }
        let word = self.word();
        if word.is_empty() {
            return None;
        }
        let Some((name, value)) = word.split_once(':').filter(|(name, _)| is_name(name)) else {
            return Some(What::Word(word.to_owned()));
        };
        let value = if value.is_empty() { self.phrase().unwrap_or_default() } else { value.to_owned() };
        // "http://…" is an address and "à noter :" a sentence: neither asks for a facet.
        if value.is_empty() || value.starts_with('/') {
            return Some(What::Word(word.to_owned()));
        }
        Some(What::Facet { name: name.to_lowercase(), value })
    }

    /// A quoted text at the front, without its quotes; one that is not closed goes to the end.
    fn phrase(&mut self) -> Option<String> {
        let open = self.rest.chars().next()?;
        let close = closing(open)?;
        let inside = &self.rest[open.len_utf8()..];
        let (text, rest) = inside.split_once(close).unwrap_or((inside, ""));
        self.rest = rest;
        Some(unquoted(text))
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| c.is_whitespace() || is_quote(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        // A closing quote that opens nothing is skipped, so that the scanner always moves on.
        self.rest = rest.strip_prefix(['»', '”']).unwrap_or(rest);
        word
    }
}

fn closing(open: char) -> Option<char> {
    match open {
        '"' => Some('"'),
        '«' => Some('»'),
        '“' => Some('”'),
        _ => None,
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '«' | '»' | '“' | '”')
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | '-'))
}

/// A text that can stand between quotes: no quote inside, single spaces.
fn unquoted(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || is_quote(c)).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Facets that are no field of the model but a record's kind, language, links or place, and everyday names of those that are.
/// Values of links are records: who searches resolves them.
const EVERYDAY: [(&str, &[&str]); 16] = [
    ("kind", &["type de fiche", "sorte"]),
    ("lang", &["langue", "language"]),
    ("territory", &["territoire", "lieu", "place"]),
    ("epci", &["intercommunalité", "intercommunality"]),
    ("department", &["département"]),
    ("region", &["région"]),
    ("linked", &["lié à", "renvoie à", "refers to"]),
    ("programme", &["dispositif", "program"]),
    ("author", &["auteur", "autrice", "auteurice"]),
    ("year", &["année", "an"]),
    ("stratum", &["strate", "taille", "size"]),
    ("tags", &["mot-clé", "étiquette", "keyword"]),
    ("outcome", &["issue", "résultat", "result"]),
    ("difficulty", &["difficulté", "obstacle"]),
    ("narrative_dimension", &["dimension", "récit"]),
    ("record_status", &["statut"]),
];

/// The facets of a model, by every name that people may give them.
#[derive(Debug, Clone, Default)]
pub struct Facets {
    /// Folded label → the facets that bear it.
    names: BTreeMap<String, BTreeSet<String>>,
    /// Facet → folded code or label → code. `None` where two codes share a label.
    values: BTreeMap<String, BTreeMap<String, Option<String>>>,
}

impl Facets {
    /// The facets of the [`Schema`].
    #[must_use]
    pub fn get() -> &'static Self {
        static FACETS: LazyLock<Facets> = LazyLock::new(|| Facets::of(Schema::get()));
        &FACETS
    }

    fn of(schema: &Schema) -> Self {
        let mut facets = Self::default();
        for kind in schema.kinds() {
            facets.value("kind", &kind.name, both(&kind.label));
            for field in &kind.fields {
                facets.field(schema, field);
            }
        }
        for (facet, labels) in EVERYDAY {
            facets.name(facet, labels.iter().copied());
        }
        facets
    }

    fn field(&mut self, schema: &Schema, field: &Field) {
        let Some(facet) = &field.facet else { return };
        self.name(facet, both(&field.label).into_iter().chain([field.name.as_str()]));
        let vocabulary = schema.vocabulary(facet);
        self.name(facet, vocabulary.iter().flat_map(|vocabulary| both(&vocabulary.label)));
        for term in vocabulary.iter().flat_map(|vocabulary| &vocabulary.terms) {
            self.value(facet, &term.code, both(&term.label));
        }
    }

    /// Makes `facet` known under its own name and `labels`.
    fn name<'a>(&mut self, facet: &'a str, labels: impl IntoIterator<Item = &'a str>) {
        for label in labels.into_iter().chain([facet]) {
            self.names.entry(fold(label)).or_default().insert(facet.to_owned());
        }
        self.values.entry(facet.to_owned()).or_default();
    }

    /// Makes the value `code` of `facet` known under its code and `labels`, and under each part of a label that lists
    /// several things ("Énergie, sobriété").
    fn value<'a>(&mut self, facet: &str, code: &str, labels: impl IntoIterator<Item = &'a str>) {
        let values = self.values.entry(facet.to_owned()).or_default();
        for label in labels.into_iter().flat_map(|label| label.split(',').chain([label])) {
            let known = values.entry(fold(label)).or_insert_with(|| Some(code.to_owned()));
            if known.as_deref() != Some(code) {
                *known = None;
            }
        }
        values.insert(fold(code), Some(code.to_owned()));
    }

    /// The same question in the codes of the model.
    ///
    /// # Errors
    /// [`QueryError::UnknownFacet`] and [`QueryError::AmbiguousFacet`].
    pub fn resolve(&self, query: &Query) -> Result<Query, QueryError> {
        let items = query.items.iter().map(|item| {
            let what = match &item.what {
                What::Facet { name, value } => self.facet(name, value)?,
                What::Word(_) | What::Phrase(_) => item.what.clone(),
            };
            Ok(Item { excluded: item.excluded, what })
        });
        Ok(Query { items: items.collect::<Result<_, _>>()? })
    }

    fn facet(&self, name: &str, value: &str) -> Result<What, QueryError> {
        let facet = self.meant(name)?;
        let known = self.values.get(facet).and_then(|values| values.get(&fold(value)));
        let value = known.and_then(Option::clone).unwrap_or_else(|| value.to_owned());
        Ok(What::Facet { name: facet.to_owned(), value })
    }

    /// The facet that `name` names: its own name wins over the labels of others, since programs write it.
    fn meant<'a>(&'a self, name: &'a str) -> Result<&'a str, QueryError> {
        if self.values.contains_key(name) {
            return Ok(name);
        }
        let Some(facets) = self.names.get(&fold(name)) else {
            return Err(QueryError::UnknownFacet { name: name.to_owned(), nearest: self.nearest(name) });
        };
        match facets.first() {
            Some(facet) if facets.len() == 1 => Ok(facet),
            _ => {
                let facets = facets.iter().cloned().collect();
                Err(QueryError::AmbiguousFacet { name: name.to_owned(), facets })
            }
        }
    }

    /// Facets whose name begins like `name`; all of them when none does.
    fn nearest(&self, name: &str) -> Vec<String> {
        let folded = fold(name);
        let start: String = folded.chars().take(2).collect();
        let alike: Vec<String> = self.values.keys().filter(|facet| facet.starts_with(&start)).cloned().collect();
        if alike.is_empty() { self.values.keys().cloned().collect() } else { alike }
    }
}

fn both(label: &Label) -> [&str; 2] {
    [&label.fr, &label.en]
}

/// Lower case, without accents, signs and plural: what two spellings of a label have in common.
fn fold(text: &str) -> String {
    let plain = text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    let words: String = plain.map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let singular = |word: &str| word.strip_suffix('s').filter(|rest| rest.len() > 2).unwrap_or(word).to_owned();
    words.split_whitespace().map(singular).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Vec<(bool, What)> {
        Query::parse(text).unwrap().items.into_iter().map(|item| (item.excluded, item.what)).collect()
    }

    fn word(text: &str) -> What {
        What::Word(text.into())
    }

    fn phrase(text: &str) -> What {
        What::Phrase(text.into())
    }

    fn facet(name: &str, value: &str) -> What {
        What::Facet { name: name.into(), value: value.into() }
    }

    #[test]
    fn words_phrases_facets_and_exclusions() {
        assert_eq!(
            parse("élus \"temps  long\" -voiture theme:mobility territoire:\"Le Vigan\" -kind:resource -« très loin »"),
            [
                (false, word("élus")),
                (false, phrase("temps long")),
                (true, word("voiture")),
                (false, facet("theme", "mobility")),
                (false, facet("territoire", "Le Vigan")),
                (true, facet("kind", "resource")),
                (true, phrase("très loin")),
            ]
        );
    }

    #[test]
    fn what_is_no_syntax_is_text() {
        assert_eq!(parse("\"jamais fermé"), [(false, phrase("jamais fermé"))]);
        assert_eq!(parse("a\"b\"c"), [(false, word("a")), (false, phrase("b")), (false, word("c"))]);
        assert_eq!(
            parse("http://a.fr 12:30 note: :x"),
            ["http://a.fr", "12:30", "note:", ":x"].map(|w| (false, word(w)))
        );
        assert_eq!(parse("\"\" - \" \" «» » kind:\"\" *"), [(false, word("kind:")), (false, word("*"))]);
        assert!(Query::parse(" \t\n").unwrap().is_empty());
    }

    #[test]
    fn a_query_has_a_bound() {
        assert_eq!(Query::parse(&"é".repeat(MAX_CHARS + 1)), Err(QueryError::TooLong(MAX_CHARS + 1)));
        assert_eq!(Query::parse(&"a ".repeat(MAX_ITEMS + 1)), Err(QueryError::TooManyItems));
        assert!(Query::parse(&"a ".repeat(MAX_ITEMS)).is_ok());
    }

    fn facets() -> Facets {
        let mut facets = Facets::default();
        facets.name("themes", ["Thèmes", "Themes"]);
        facets.value("themes", "mobility", ["Mobilités", "Mobility"]);
        facets.value("themes", "energy", ["Énergie, sobriété", "Energy, sufficiency"]);
        facets.name("form", ["Forme", "Form", "État"]);
        facets.name("state", ["État", "State"]);
        facets
    }

    #[test]
    fn facets_go_by_code_or_label() {
        let facets = facets();
        let resolved = |text: &str| facets.resolve(&Query::parse(text).unwrap()).map(|query| query.to_string());
        for same in ["thème:mobilité", "theme:Mobilités", "THEMES:mobility", "themes:mobility"] {
            assert_eq!(resolved(same).unwrap(), "themes:mobility");
        }
        assert_eq!(resolved("thème:sobriété").unwrap(), "themes:energy");
        assert_eq!(resolved("theme:\"code inconnu\" forme:x").unwrap(), "themes:\"code inconnu\" form:x");
    }

    #[test]
    fn facets_of_the_model_have_french_names() {
        let resolved = |text: &str| Facets::get().resolve(&Query::parse(text).unwrap()).map(|query| query.to_string());
        for (typed, meant) in [
            (
                "kind:experience thème:mobilités territoire:Gruissan",
                "kind:experience theme:mobility territory:Gruissan",
            ),
            ("milieu:montagne difficulté:\"Organisation trop descendante\"", "setting:mountain difficulty:top_down"),
            ("outcome:did_not_work année:2024", "outcome:did_not_work year:2024"),
            ("kind:\"retour d'expérience\" tags:eau", "kind:experience tags:eau"),
        ] {
            assert_eq!(resolved(typed).as_deref(), Ok(meant));
        }
    }

    #[test]
    fn an_unknown_or_ambiguous_facet_says_which_there_are() {
        let facets = facets();
        let error = |text: &str| facets.resolve(&Query::parse(text).unwrap()).unwrap_err();
        assert_eq!(
            error("thematique:eau"),
            QueryError::UnknownFacet { name: "thematique".into(), nearest: vec!["themes".into()] }
        );
        assert_eq!(error("état:ouvert").to_string(), "“état” may be form, state: write one of these");
        assert_eq!(
            error("x:y").to_string(),
            "no facet is called “x” (there is form, state, themes); to search for the text itself, put it in quotes"
        );
    }

    proptest! {
        #[test]
        fn printing_then_parsing_changes_nothing(text in "[-a-zé:\"«»“ 1/*]{0,40}") {
            let query = Query::parse(&text).unwrap();
            prop_assert_eq!(Query::parse(&query.to_string()).unwrap(), query);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Query::parse(&text).map(|query| facets().resolve(&query));
        }
    }
}
