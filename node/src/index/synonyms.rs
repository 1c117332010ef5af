//! Words that stand for one another in the alliance's language: `data/synonyms.txt`, whose head says how it is written.
//!
//! Groups are kept as the analyser writes them, so that a question in any form of a word finds its group.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::french;

static TEXT: &str = include_str!("../../data/synonyms.txt");

/// A word or phrase as the index has it.
type Phrase = Vec<String>;

/// What stands for `said`.
pub(super) fn of(said: &[String]) -> impl Iterator<Item = &'static Phrase> {
    static GROUPS: LazyLock<Vec<Vec<Phrase>>> = LazyLock::new(|| lines(TEXT).filter_map(group).collect());
    let groups = GROUPS.iter().filter(move |group| group.iter().any(|phrase| phrase == said));
    groups.flat_map(move |group| group.iter().filter(move |phrase| *phrase != said))
}

/// The lines that hold a group.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The group of a line; `None` when it has fewer than two members, an empty one, or two that the analyser takes for one.
fn group(line: &str) -> Option<Vec<Phrase>> {
    let members: Vec<Phrase> = line.split('=').map(|member| french::terms(member).collect()).collect();
    let different: BTreeSet<&Phrase> = members.iter().collect();
    let whole = members.len() > 1 && members.iter().all(|member| !member.is_empty());
    (whole && different.len() == members.len()).then_some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_group_and_every_member_in_one() {
        let mut known: BTreeSet<Phrase> = BTreeSet::new();
        for line in lines(TEXT) {
            for member in group(line).unwrap_or_else(|| panic!("data/synonyms.txt: “{line}” is no group")) {
                assert!(known.insert(member), "data/synonyms.txt: a member of “{line}” stands in two groups");
            }
        }
        assert!(known.len() > 40);
    }

    #[test]
    fn a_malformed_line_is_no_group() {
        for line in ["récit", "récit =", "= récit", "récit == narration", "récit = …", "récit = RÉCITS", "élu = élu·e"]
        {
            assert_eq!(group(line), None, "{line}");
        }
        assert_eq!(lines("# a = b\n\n  c = d\n").collect::<Vec<_>>(), ["c = d"]);
    }

    #[test]
    fn a_word_in_any_form_has_its_synonyms() {
        let of = |text: &str| {
            let said: Phrase = french::terms(text).collect();
            super::of(&said).map(|phrase| phrase.join(" ")).collect::<Vec<_>>()
        };
        let as_indexed = |text: &str| french::terms(text).collect::<Vec<_>>().join(" ");
        assert_eq!(of("Récits"), [as_indexed("narration")]);
        assert_eq!(of("intercommunalités")[0], as_indexed("EPCI"));
        assert_eq!(of("Communautés de communes").len(), 3);
        assert_eq!(of("municipalité"), [as_indexed("mairie"), as_indexed("hôtel de ville")]);
        assert_eq!(of("l’élue"), [as_indexed("conseillers municipaux")]);
        assert!(of("urbanisme").is_empty());
    }
}
