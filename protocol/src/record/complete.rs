//! Whether an experience may be shared, and what it still lacks, said kindly.
//!
//! Computed, never stored: what is shared but not complete (an import, a record of before the rule) is shown as
//! "à compléter".

use serde_json::{Map, Value as Json};

use super::schema::Lang;
use super::view::View;

/// Something that an experience lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// A title.
    Title,
    /// A territory.
    Territory,
    /// What happened.
    Story,
    /// What was learned.
    Learned,
    /// A difficulty or a disagreement.
    Trouble,
    /// What one would do differently, for what was redirected, stopped or did not work.
    Differently,
}

impl Lack {
    /// The field in which it is said.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Territory => "links",
            Self::Story => "story",
            Self::Learned => "learned",
            Self::Trouble => "difficulties",
            Self::Differently => "differently",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn message(self, lang: Lang) -> &'static str {
        match self {
            Self::Title => lang.pick("Donnez-lui un titre.", "Give it a title."),
            Self::Territory => lang.pick(
                "Où cela se passe-t-il ? Reliez la fiche à un territoire au moins.",
                "Where does it take place? Link the record to at least one territory.",
            ),
            Self::Story => lang.pick(
                "Racontez ce qui s'est passé, même en quelques lignes.",
                "Tell what happened, even in a few lines.",
            ),
            Self::Learned => lang.pick("Dites ce que vous en avez appris.", "Say what you learned from it."),
            Self::Trouble => lang.pick(
                "Dites une difficulté ou un désaccord : c'est ce que les pairs cherchent d'abord.",
                "Tell a difficulty or a disagreement: that is what peers look for first.",
            ),
            Self::Differently => lang.pick(
                "Tout ne s'est pas passé comme prévu : que referiez-vous autrement ?",
                "Not everything went as planned: what would you do differently?",
            ),
        }
    }
}

impl View {
    /// What the record lacks before it may be called complete; nothing when it is.
    #[must_use]
    pub fn lacks(&self) -> Vec<Lack> {
        lacks(&self.kind, &self.fields_json())
    }
}

/// What fields in the JSON form lack before a record of this kind may be called complete. Only experiences are held to
/// more than a title.
#[must_use]
pub fn lacks(kind: &str, fields: &Map<String, Json>) -> Vec<Lack> {
    let said = |name: &str| fields.get(name).is_some_and(|value| !is_blank(value));
    let experience = kind == "experience";
    let links = fields.get("links").and_then(Json::as_array);
    let placed = links.is_some_and(|links| links.iter().any(|link| link["rel"] == "in_territory"));
    let outcome = fields.get("outcome").and_then(Json::as_str);
    let unforeseen = matches!(outcome, Some("redirected" | "stopped" | "did_not_work"));
    let rules = [
        (Lack::Title, said("title")),
        (Lack::Territory, !experience || placed),
        (Lack::Story, !experience || said("story")),
        (Lack::Learned, !experience || said("learned")),
        (Lack::Trouble, !experience || said("difficulties") || said("disagreements")),
        (Lack::Differently, !experience || !unforeseen || said("differently")),
    ];
    rules.into_iter().filter(|(_, fine)| !fine).map(|(lack, _)| lack).collect()
}

/// Whether a value in the JSON form says nothing. An item's id is not something said.
#[must_use]
pub fn is_blank(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Bool(true) | Json::Number(_) => false,
        Json::String(text) => text.trim().is_empty(),
        Json::Array(values) => values.iter().all(is_blank),
        Json::Object(members) => members.iter().all(|(name, value)| name.starts_with('_') || is_blank(value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::testing::experience;

    #[test]
    fn an_experience_is_complete_with_its_place_story_lesson_and_trouble() {
        let mut alice = experience();
        assert_eq!(alice.view().lacks(), [Lack::Territory, Lack::Learned, Lack::Trouble]);
        alice.sets("links", json!([{ "rel": "in_territory", "to": "0".repeat(52) }]));
        alice
            .sets("learned", "L'usage se construit avant le service.")
            .sets("disagreements", json!([{ "subject": "?" }]));
        assert_eq!(alice.view().lacks(), []);
        alice.sets("outcome", "did_not_work");
        assert_eq!(alice.view().lacks(), [Lack::Differently]);
    }
}
