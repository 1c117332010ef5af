//! The French analyser: the words of a text, in the form that two spellings of one word share.
//!
//! It serves the index and the query alike, as a tokenizer of the search library. "Les acteur·ices de l'énergie" becomes
//! `le`, `acteur`, `de`, `energi`, and so does "ACTEURS DE L’ENERGIE" but for its first word. The usual tools fail on
//! this language as local authorities write it: the Snowball stemmer gives *récit* → "rec" but *récits* → "récit", and
//! the usual splitter keeps "acteur·ices" and "l'élu·e" whole. So the rules here are few, light, and tested by pairs:
//!
//! 1. A word is a run of letters and digits. An elided word before an apostrophe is dropped (l', d', qu', jusqu'…).
//! 2. An inclusive ending after a middle dot is cut (élu·es, agent·e·s), and after a full stop too at the word's end
//!    (acteur.ices). Between digits a full stop stays (1.1.1).
//! 3. Lower case, œ → oe, æ → ae, no accents.
//! 4. On words longer than 4 letters: -eaux → -eau, else -aux → -al, else a final s or x is dropped; then
//!    -trice → -teur and -euse → -eur. On words of 4 letters a final s or x is dropped.
//! 5. Final e's are dropped and a final double consonant is made single, down to 3 letters.
//!
//! `EXCEPTIONS` are the words whose plural or feminine the rules miss. Offsets always name the bytes of the original
//! word with its inclusive endings and without its elided article, so that an excerpt highlights "l'**élu·e**".

use std::ops::Range;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longest term, in bytes; what is longer (a key, a data URL) is no word and is left out of the index.
pub const MAX_TERM: usize = 64;

/// Words that an apostrophe joins to the next one and that say nothing by themselves.
pub(crate) const ELIDED: &[&str] =
    &["l", "d", "j", "n", "s", "c", "m", "t", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "quelqu", "presqu"];

/// What may follow a middle dot or a full stop to name women and men together, once folded.
#[rustfmt::skip]
pub(crate) const INCLUSIVE: &[&str] = &[
    "e", "s", "es", "x", "ux", "aux", "ice", "ices", "rice", "rices", "trice", "trices", "se", "ses", "euse", "euses",
    "ve", "ves", "ive", "ives", "ne", "nes", "nne", "nnes", "enne", "ennes", "ienne", "iennes", "te", "tes", "le", "les",
    "lle", "lles", "elle", "elles", "re", "res", "ere", "eres", "iere", "ieres", "esse", "esses", "fe", "fes",
];

/// Folded words whose form the rules miss, and the one they share with it.
#[rustfmt::skip]
pub(crate) const EXCEPTIONS: &[(&str, &str)] = &[
    ("travaux", "travail"), ("vitraux", "vitrail"), ("coraux", "corail"), ("baux", "bail"), ("emaux", "email"),
    ("materiaux", "materiau"), ("noyaux", "noyau"), ("tuyaux", "tuyau"), ("joyaux", "joyau"), ("boyaux", "boyau"),
    ("yeux", "oeil"), ("cieux", "ciel"), ("vieille", "vieux"), ("vieilles", "vieux"), ("vieux", "vieux"),
    ("heureux", "heureur"), ("nombreux", "nombreur"), ("serieux", "serieur"), ("curieux", "curieur"),
    ("ambitieux", "ambitieur"), ("vertueux", "vertueur"), ("genereux", "genereur"), ("dangereux", "dangereur"),
    ("precieux", "precieur"), ("couteux", "couteur"), ("douteux", "douteur"), ("courageux", "courageur"),
    ("avantageux", "avantageur"), ("soigneux", "soigneur"), ("rigoureux", "rigoureur"), ("harmonieux", "harmonieur"),
    ("audacieux", "audacieur"), ("malheureux", "malheureur"), ("religieux", "religieur"),
];

/// The terms of `text`, in order.
pub fn terms(text: &str) -> impl Iterator<Item = String> {
    Words { text, at: 0 }.map(|word| stem(&fold(word.root))).filter(|term| is_term(term))
}

/// Lower case, with ligatures undone and accents stripped.
#[must_use]
pub fn fold(text: &str) -> String {
    // Four words in five: worth a way of their own, since excerpts analyse whole records.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            c => folded.push(c),
        }
    }
    folded
}

/// The tokenizer to register with the search library.
#[derive(Debug, Clone, Default)]
pub struct French {
    token: Token,
}

/// The terms of one text, with their places.
#[derive(Debug)]
pub struct FrenchStream<'a> {
    words: Words<'a>,
    token: &'a mut Token,
}

impl Tokenizer for French {
    type TokenStream<'a> = FrenchStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> FrenchStream<'a> {
        self.token.reset();
        FrenchStream { words: Words { text, at: 0 }, token: &mut self.token }
    }
}

impl TokenStream for FrenchStream<'_> {
    fn advance(&mut self) -> bool {
        for word in self.words.by_ref() {
            // The position counts words left out too, so that a phrase does not jump over them.
            self.token.position = self.token.position.wrapping_add(1);
            let term = stem(&fold(word.root));
            if is_term(&term) {
                self.token.text = term;
                self.token.offset_from = word.range.start;
                self.token.offset_to = word.range.end;
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

fn is_term(term: &str) -> bool {
    !term.is_empty() && term.len() <= MAX_TERM
}

/// A word of a text: where it stands, and its part before any inclusive ending.
#[derive(Debug, PartialEq, Eq)]
struct Word<'a> {
    range: Range<usize>,
    root: &'a str,
}

/// Splits a text into words.
#[derive(Debug)]
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let text = self.text;
        let mut start = self.at + text[self.at..].find(char::is_alphanumeric)?;
        let mut end = run(text, start);
        if let Some(next) = after(text, end, is_apostrophe)
            && ELIDED.contains(&fold(&text[start..end]).as_str())
        {
            (start, end) = (next, run(text, next));
        }
        while let Some(next) = after(text, end, |c| c == '.')
            && text[..end].ends_with(|c: char| c.is_ascii_digit())
            && text[next..].starts_with(|c: char| c.is_ascii_digit())
        {
            end = run(text, next);
        }
        let root = &text[start..end];
        self.at = endings(text, end);
        Some(Word { range: start..self.at, root })
    }
}

/// The end of the letters and digits that begin at `start`.
fn run(text: &str, start: usize) -> usize {
    let in_word = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    text[start..].find(|c| !in_word(c)).map_or(text.len(), |length| start + length)
}

/// Where the next run of letters begins, when one sign that satisfies `joins` stands between it and `end`.
fn after(text: &str, end: usize, joins: impl Fn(char) -> bool) -> Option<usize> {
    let mut rest = text[end..].chars();
    let sign = rest.next().filter(|c| joins(*c))?;
    rest.next().filter(|c| c.is_alphanumeric()).map(|_| end + sign.len_utf8())
}

/// The end of the word at `end` with its inclusive endings, each after a middle dot, or after full stops up to the
/// word's end: elsewhere a full stop parts words ("mobilité.Les élus", "www.ademe.fr").
fn endings(text: &str, end: usize) -> usize {
    let mut dotted = end;
    while let Some(ending) = ending_after(text, dotted, is_middle_dot) {
        dotted = ending;
    }
    let mut stopped = end;
    while let Some(ending) = ending_after(text, stopped, |c| c == '.')
        && !text[stopped..ending].contains(char::is_uppercase)
    {
        stopped = ending;
    }
    let whole = after(text, stopped, |c| c == '.').is_none();
    if dotted == end && whole { stopped } else { dotted }
}

fn ending_after(text: &str, end: usize, joins: impl Fn(char) -> bool) -> Option<usize> {
    let next = after(text, end, joins)?;
    let ending = run(text, next);
    let letters = &text[next..ending];
    INCLUSIVE.contains(&fold(letters).as_str()).then_some(ending)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ' | '‘' | '′')
}

fn is_middle_dot(c: char) -> bool {
    matches!(c, '·' | '•' | '‧' | '⋅' | '∙' | '・')
}

/// The form that a folded word shares with its plural and feminine.
fn stem(word: &str) -> String {
    if let Some((_, shared)) = EXCEPTIONS.iter().find(|(form, _)| *form == word) {
        return (*shared).to_owned();
    }
    if !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let mut stem = singular(word);
    if word.len() > 4 {
        for (feminine, masculine) in [("trice", "teur"), ("euse", "eur")] {
            if let Some(root) = stem.strip_suffix(feminine) {
                stem = format!("{root}{masculine}");
            }
        }
    }
    while stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    if stem.len() > 3 && doubled(stem.as_bytes()) {
        stem.pop();
    }
    stem
}

fn singular(word: &str) -> String {
    let longer = word.len() > 4;
    if longer && let Some(root) = word.strip_suffix("eaux") {
        format!("{root}eau")
    } else if longer && let Some(root) = word.strip_suffix("aux") {
        format!("{root}al")
    } else if word.len() > 3 {
        word.strip_suffix(['s', 'x']).unwrap_or(word).to_owned()
    } else {
        word.to_owned()
    }
}

fn doubled(word: &[u8]) -> bool {
    let [.., before, last] = word else { return false };
    before == last && !b"aeiouy".contains(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What must match: the pairs of the design, then those of the exceptions and of the dots.
    const PAIRS: &[(&str, &str)] = &[
        ("récit", "récits"),
        ("élu", "élus"),
        ("élue", "élu·es"),
        ("élu", "l'élu·e"),
        ("actrices", "acteurs"),
        ("acteur·ices", "acteur"),
        ("local", "locaux"),
        ("Cœur", "coeur"),
        ("d’Aubigné", "Aubigne"),
        ("mobilité", "mobilites"),
        ("allié·es", "allié"),
        ("commune", "communes"),
        ("coopération", "cooperations"),
        ("territoriaux", "territorial"),
        ("agent·e", "agents"),
        ("habitant·es", "habitants"),
        ("chantier", "chantiers"),
        ("l'énergie", "energies"),
        ("eau", "eaux"),
        ("réseau", "réseaux"),
        ("été", "étés"),
        ("conflits", "conflit"),
        ("travaux", "travail"),
        ("matériaux", "matériau"),
        ("heureux", "heureuse"),
        ("vieux", "vieilles"),
        ("acteur.ices", "acteur"),
        ("agent.e.s", "agent"),
        ("lecteur·rice·s", "lectrices"),
        ("directeur.rice", "directrice"),
        ("chercheur·euses", "chercheuse"),
        ("jusqu’alors", "alors"),
        ("qu'habitants", "habitant"),
        ("ÉNERGIES", "e\u{301}nergie"),
        ("local·e·aux", "locale"),
        ("nouvelle", "nouvelles"),
        ("vallées", "vallée"),
        ("coopératrices", "coopérateur"),
        ("Æthusa", "aethusa"),
        ("L’ÉLU·E", "elus"),
    ];

    /// What must not match.
    const STRANGERS: &[(&str, &str)] = &[
        ("école", "écologie"),
        ("mobile", "mobilité"),
        ("eau", "eus"),
        ("1.1.1", "1"),
        ("cours", "court"),
        ("élu", "électeur"),
        ("commune", "communauté"),
    ];

    fn all(text: &str) -> Vec<String> {
        terms(text).collect()
    }

    /// Each term with the original characters that it stands for.
    fn marked(text: &str) -> Vec<(String, &str)> {
        let mut french = French::default();
        let mut stream = french.token_stream(text);
        let mut found = Vec::new();
        while stream.advance() {
            let token = stream.token();
            found.push((token.text.clone(), &text[token.offset_from..token.offset_to]));
        }
        found
    }

    #[test]
    fn pairs_match() {
        for &(one, other) in PAIRS {
            assert_eq!(all(one), all(other), "{one} / {other}");
            assert_eq!(all(one).len(), 1, "{one} is one word");
        }
    }

    #[test]
    fn strangers_do_not() {
        for &(one, other) in STRANGERS {
            assert_ne!(all(one), all(other), "{one} / {other}");
        }
    }

    #[test]
    fn a_full_stop_cuts_an_inclusive_ending_only() {
        assert_eq!(all("mesure 1.1.1."), ["mesur", "1.1.1"]);
        assert_eq!(all("www.ademe.fr"), ["www", "adem", "fr"]);
        assert_eq!(all("La mobilité.Les élus"), ["la", "mobilit", "les", "elu"]);
        assert_eq!(all("acteur.ices. Puis"), ["acteur", "pui"]);
        assert_eq!(all("Mobilité·Énergie"), ["mobilit", "energi"], "a dot that only decorates parts two words");
    }

    #[test]
    fn only_elided_words_are_dropped() {
        assert_eq!(all("aujourd'hui l'eau d'ici"), ["aujourd", "hui", "eau", "ici"]);
        assert_eq!(all("l' d’ 'cité'"), ["l", "d", "cit"]);
    }

    #[test]
    fn offsets_name_the_original_word() {
        assert_eq!(
            marked("« L’élu·e » et les acteur·ices, l'Œuvre… agent.e.s !"),
            [
                ("elu", "élu·e"),
                ("et", "et"),
                ("les", "les"),
                ("acteur", "acteur·ices"),
                ("oeuvr", "Œuvre"),
                ("agent", "agent.e.s"),
            ]
            .map(|(term, word)| (term.to_owned(), word))
        );
    }

    #[test]
    fn what_is_no_word_is_left_out_and_counts_for_its_place() {
        let key = "key".repeat(MAX_TERM);
        let text = format!("avant {key} après");
        let mut french = French::default();
        let mut stream = french.token_stream(&text);
        assert!(stream.advance() && stream.token().position == 0);
        assert!(stream.advance() && stream.token().position == 2);
        assert!(!stream.advance());
        assert_eq!(all("🐝 … — · ' .").len(), 0);
    }

    #[test]
    fn other_scripts_pass_through() {
        assert_eq!(all("التعاون 2024 CO2 m²"), ["التعاون", "2024", "co2", "m2"]);
        assert_eq!(all("İstanbul"), ["istanbul"]);
    }
}
