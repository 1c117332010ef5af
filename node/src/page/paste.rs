//! Text as it comes out of a word processor, made plain: paragraphs stay, what only looked right there goes.
//!
//! `normal` in the rules settles composed characters and line ends of everything that is written. This goes further, for
//! what a person has just typed or pasted, and is never applied to what stood there before.

/// Bytes 0x80 to 0x9f of Windows-1252, which old files bring along as the control characters of those numbers
/// (<https://www.unicode.org/Public/MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT>); a space where it has none.
const WINDOWS: [char; 32] = [
    '€', ' ', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', ' ', 'Ž', ' ', ' ', '‘', '’', '“', '”', '•', '–',
    '—', '˜', '™', 'š', '›', 'œ', ' ', 'ž', 'Ÿ',
];

/// What word processors put before the items of a list, the last two from a font of symbols.
const BULLETS: [char; 13] = ['•', '·', '◦', '▪', '▫', '●', '○', '■', '□', '‣', '⁃', '\u{f0b7}', '\u{f0a7}'];

/// Makes a pasted text plain: several paragraphs, Markdown lists.
pub(super) fn text(pasted: &str) -> String {
    let plain = characters(pasted);
    let mut out = String::with_capacity(plain.len());
    let (mut blank, mut listed) = (0, false);
    for line in plain.split('\n').map(str::trim_end) {
        if line.trim().is_empty() {
            blank += 1;
            continue;
        }
        let item = bullet(line);
        if !out.is_empty() {
            // Empty lines between items are the look of a list there; a list needs one before and after it here.
            let apart = if listed && item.is_some() { 0 } else { usize::from(blank > 0 || listed != item.is_some()) };
            out.push_str(if apart == 0 { "\n" } else { "\n\n" });
        }
        match item {
            Some(item) => {
                out.push_str("- ");
                out.push_str(item);
            }
            None => out.push_str(line),
        }
        (blank, listed) = (0, item.is_some());
    }
    out
}

/// The same for what stands on one line. No-break spaces stay: they hold French punctuation to its word.
pub(super) fn line(pasted: &str) -> String {
    let plain = characters(pasted);
    let words: Vec<&str> = plain.split([' ', '\n', '\t']).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn characters(pasted: &str) -> String {
    let mut out = String::with_capacity(pasted.len());
    for c in pasted.replace("\r\n", "\n").chars() {
        match c {
            // Line, vertical tab and page ends of word processors; a paragraph end.
            '\r' | '\u{b}' | '\u{2028}' => out.push('\n'),
            '\u{c}' | '\u{2029}' => out.push_str("\n\n"),
            '\u{80}'..='\u{9f}' => out.push(WINDOWS[c as usize - 0x80]),
            // Soft hyphen, zero-width spaces and joints, marks of direction, byte order mark, what replaces a picture.
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' => {}
            '\u{feff}' | '\u{fffc}' => {}
            // Spaces of a set width are spaces; those that do not break keep to French punctuation.
            '\u{2000}'..='\u{200a}' | '\u{205f}' | '\u{3000}' => out.push(' '),
            '\u{2010}' | '\u{2011}' => out.push('-'),
            '\u{fb00}' => out.push_str("ff"),
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    held(&out)
}

/// No-break spaces stay where French typography has them (inside quotes, before `;:!?%€`, between digits); a word
/// processor's others are spaces.
fn held(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or(' ');
    let hold = |index: usize| {
        let (before, after) = (if index > 0 { at(index - 1) } else { ' ' }, at(index + 1));
        before == '«' || "»;:!?%€".contains(after) || (before.is_ascii_digit() && after.is_ascii_digit())
    };
    let one = |(index, c): (usize, &char)| if *c == '\u{a0}' && !hold(index) { ' ' } else { *c };
    chars.iter().enumerate().map(one).collect()
}

/// What an item of a list says.
fn bullet(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line
        .strip_prefix(BULLETS)
        .or_else(|| ["- ", "* ", "– ", "— ", "o\t", "-\t", "–\t"].iter().find_map(|mark| line.strip_prefix(mark)))?;
    Some(rest.trim()).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_of_a_word_processor_stay() {
        assert_eq!(text("Un.\r\n\r\nDeux.\rTrois.\u{2029}Quatre."), "Un.\n\nDeux.\nTrois.\n\nQuatre.");
        assert_eq!(text("  \n\nUn.\n\n\n\nDeux.  \n"), "Un.\n\nDeux.");
    }

    #[test]
    fn bullets_become_a_list() {
        assert_eq!(
            text("Il y avait :\n•\tla navette\n•\u{a0}le covoiturage\n\n· le vélo\nEt voilà."),
            "Il y avait :\n\n- la navette\n- le covoiturage\n- le vélo\n\nEt voilà."
        );
        assert_eq!(text("– un tiret\n– un autre"), "- un tiret\n- un autre");
        assert_eq!(text("-10 degrés"), "-10 degrés");
    }

    #[test]
    fn leftovers_of_windows_are_read() {
        assert_eq!(text("l\u{92}\u{e9}lu\u{85}"), "l’élu…");
        assert_eq!(text("\u{93}oui\u{94} \u{96} 3 \u{80}"), "“oui” – 3 €");
    }

    #[test]
    fn what_cannot_be_seen_goes() {
        assert_eq!(text("tran\u{ad}si\u{200b}tion\u{feff}"), "transition");
        assert_eq!(text("e\u{fb03}cace \u{fb01}che").replace('\u{fb03}', "ffi"), "efficace fiche");
        assert_eq!(text("a\u{202e}b\u{7}c"), "abc");
    }

    #[test]
    fn spaces_of_french_punctuation_hold() {
        assert_eq!(text("« Oui\u{a0}! »"), "« Oui\u{a0}! »");
        assert_eq!(
            text("«\u{a0}Oui\u{a0}»\u{a0}a\u{a0}dit 12\u{a0}000\u{202f}€"),
            "«\u{a0}Oui\u{a0}» a dit 12\u{a0}000\u{202f}€"
        );
        assert_eq!(line("  Une\n navette\u{a0}:\tl’essai "), "Une navette\u{a0}: l’essai");
    }

    #[test]
    fn plain_text_is_left_as_it_is() {
        let plain = "Au début, *rien*.\n\n## Puis\n\n- un\n- deux\n\n1. premier\n2. second\n\n> cité";
        assert_eq!(text(plain), plain);
        assert_eq!(text(&text("•\tun\n\n•\tdeux")), text("•\tun\n\n•\tdeux"));
    }
}
