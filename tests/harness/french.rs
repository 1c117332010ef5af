//! Telling English from French, in what a person reads.

/// Words that stand in nearly every English message of a program or library, and in no French one.
const ENGLISH: &[&str] = &[
    "and", "are", "at", "be", "been", "but", "by", "cannot", "could", "denied", "did", "does", "error", "exists",
    "expected", "failed", "file", "for", "found", "from", "has", "have", "if", "in", "invalid", "is", "it", "line",
    "missing", "must", "no", "not", "of", "record", "required", "such", "that", "the", "this", "to", "too", "unknown",
    "usage", "value", "was", "while", "with", "without", "you",
];

/// Whether a line holds a word of English outside of what it only quotes: « … », "…", `…`, paths, options.
#[must_use]
pub fn is_english(line: &str) -> bool {
    let mut told = String::new();
    let mut close = None;
    for c in line.chars() {
        match close {
            Some(end) if c == end => close = None,
            Some(_) => {}
            None => {
                close = match c {
                    '«' => Some('»'),
                    '"' => Some('"'),
                    '`' => Some('`'),
                    _ => None,
                };
                told.push(if close.is_some() { ' ' } else { c });
            }
        }
    }
    let names = |word: &&str| !word.contains(['/', '-', '=', '.', ':', '_']);
    let words = told.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ':', ')'])).filter(names);
    words.map(|word| word.trim_start_matches('(').to_lowercase()).any(|word| ENGLISH.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::is_english;

    #[test]
    fn english_is_told_from_french_and_from_names() {
        for line in ["✗ No such file or directory", "  colonne 3 : expected value", "(the text is cut)"] {
            assert!(is_english(line), "{line}");
        }
        for line in [
            "✗ il n'y a rien",
            "→ essaim status --network montre qui a été vu",
            "« the end » est pris",
            "✗ /tmp/no : x",
        ] {
            assert!(!is_english(line), "{line}");
        }
    }
}
