//! What French has and keyboards do not: no-break spaces beside its signs, and the apostrophe.
//!
//! Texts are written in the sources as anybody types them, and made French here, once, when they are loaded or made:
//! those of the interfaces, the labels of the schema, the errors.

/// Before `:` and inside quotation marks.
const SPACE: char = '\u{a0}';

/// Before `;`, `!` and `?`.
const NARROW: char = '\u{202f}';

/// A French text with its own spaces and apostrophes. Words with a slash stay as they are: paths and addresses are copied.
#[must_use]
pub fn french(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut slash = false;
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        if c.is_whitespace() {
            slash = word_after(text, at + c.len_utf8()).contains('/');
        } else if at == 0 {
            slash = word_after(text, 0).contains('/');
        }
        out.push(match (c, next) {
            (' ', Some(';' | '!' | '?')) => NARROW,
            (' ', Some(':' | '»')) => SPACE,
            (' ', Some(_)) if out.ends_with('«') => SPACE,
            ('\'', Some(next)) if !slash && !next.is_whitespace() && out.ends_with(char::is_alphabetic) => '’',
            _ => c,
        });
    }
    out
}

fn word_after(text: &str, at: usize) -> &str {
    text[at..].split(char::is_whitespace).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_have_their_spaces_and_words_their_apostrophes() {
        for (typed, french_text) in [
            ("Qui a vécu ça ?", "Qui a vécu ça\u{202f}?"),
            ("« Une navette » : oui ; non !", "«\u{a0}Une navette\u{a0}»\u{a0}: oui\u{202f}; non\u{202f}!"),
            ("l'élu d'{ $name }", "l’élu d’{ $name }"),
            ("tapez 'x' : https://a.b/?c='d'", "tapez 'x'\u{a0}: https://a.b/?c='d'"),
            ("/home/l'été/fiche : il n'existe pas", "/home/l'été/fiche\u{a0}: il n’existe pas"),
            ("", ""),
        ] {
            assert_eq!(french(typed), french_text);
            assert_eq!(french(french_text), french_text, "once is enough");
        }
    }
}
