//! Two versions of a text, word by word.

use imara_diff::{Algorithm, Diff, InternedInput};

/// A run of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// In both.
    Same(String),
    /// Only in the first.
    Gone(String),
    /// Only in the second.
    New(String),
}

/// Words of unchanged text that are shown beside a change.
const AROUND: usize = 40;

/// What to take away from the first and to add to it to have the second. Long runs that are the same are cut in their
/// middle.
#[must_use]
pub fn words(before: &str, after: &str) -> Vec<Run> {
    let (old, new) = (pieces(before), pieces(after));
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    let (mut runs, mut at) = (Vec::new(), 0);
    for hunk in diff.hunks() {
        let (gone, added) = (hunk.before.start as usize..hunk.before.end as usize, &hunk.after);
        runs.push(Run::Same(around(&old[at..gone.start], at == 0, false)));
        at = gone.end;
        runs.push(Run::Gone(old[gone].concat()));
        runs.push(Run::New(new[added.start as usize..added.end as usize].concat()));
    }
    runs.push(Run::Same(around(&old[at..], at == 0, true)));
    runs.retain(|run| !matches!(run, Run::Same(text) | Run::Gone(text) | Run::New(text) if text.is_empty()));
    runs
}

/// A run that is the same in both: what is near a change.
fn around(words: &[&str], first: bool, last: bool) -> String {
    let (before, after) = (if first { 0 } else { AROUND }, if last { 0 } else { AROUND });
    if words.len() <= before + after + AROUND {
        return words.concat();
    }
    let (head, tail) = (words[..before].concat(), words[words.len() - after..].concat());
    format!("{head} […] {tail}")
}

/// Words with the spaces after them.
fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive(char::is_whitespace).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_by_words() {
        let runs = words("La navette part le matin.", "La navette part le soir, et revient.");
        assert_eq!(
            runs,
            [Run::Same("La navette part le ".into()), Run::Gone("matin.".into()), Run::New("soir, et revient.".into()),]
        );
        assert_eq!(words("", "Neuf"), [Run::New("Neuf".into())]);
        assert_eq!(words("Même texte", "Même texte"), [Run::Same("Même texte".into())]);
    }

    #[test]
    fn long_runs_that_are_the_same_are_cut() {
        let long = "mot ".repeat(1_000);
        let runs = words(&format!("{long}fin"), &format!("{long}suite"));
        let Run::Same(text) = &runs[0] else { panic!("{runs:?}") };
        assert!(text.len() < 400 && text.contains("[…]"), "{text}");
    }
}
