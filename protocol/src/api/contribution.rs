//! What allies bring one another: questions and answers, proposals, testimonies, reuses, disagreements; and the board on
//! which what waits for the others is kept.
//!
//! The story of one question: an ally asks it ([`Contribute`]), about a record or of everybody; it stands on the
//! [board](Contributions), open, until somebody answers with a contribution about it, and its author closes it
//! ([`Step::Close`]). In a proposal or a disagreement each ally takes a position of its own ([`Step::Position`]), and to
//! stay in disagreement ([`Step::Keep`]) is a good end, of which its author says that it is reached.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record::{Brief, FacetValue, Page, Query};
use crate::id::RecordId;

/// Something that this ally brings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contribute {
    /// The record that it is about, by id or prefix; `None` speaks to everybody.
    #[serde(default)]
    pub about: Option<String>,
    /// A term of the vocabulary `contribution_form`.
    pub form: String,
    /// In one sentence; without it, the beginning of the text.
    #[serde(default)]
    pub title: Option<String>,
    /// What is said, in Markdown.
    pub text: String,
    /// A term of the vocabulary `fantastic`: in which role it is said.
    #[serde(default)]
    pub speaks_as: Option<String>,
    /// A term of the vocabulary `stance`: the position of who brings a disagreement.
    #[serde(default)]
    pub stance: Option<String>,
    /// Terms of the vocabulary `theme`, besides those of the record that it is about.
    #[serde(default)]
    pub themes: Vec<String>,
}

/// Something done with a contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakeStep {
    /// Which contribution, by id or prefix.
    #[serde(default)]
    pub record: String,
    /// What.
    pub step: Step,
}

/// What can be done with a contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Write this ally's own position, in place of what it said before.
    Position {
        /// A term of the vocabulary `stance`.
        #[serde(default)]
        stance: Option<String>,
        /// In words.
        #[serde(default)]
        text: String,
    },
    /// Say that we stay in disagreement: for its author.
    Keep,
    /// Close it: for its author.
    Close,
    /// Open it again: for its author.
    Reopen,
}

/// Where a contribution stands. In this order on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It waits for the others.
    Open,
    /// It has been answered, and its author has not closed it.
    Answered,
    /// It lives on in another record.
    TakenUp,
    /// The allies stay in disagreement, and said so.
    Kept,
    /// Its author closed it.
    Closed,
}

/// What is wanted of the board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// Words and filters; without a `contribution_form`, questions, proposals and disagreements.
    #[serde(default)]
    pub q: Query,
    /// Only what stands so.
    #[serde(default)]
    pub state: Option<Standing>,
    /// Which part.
    #[serde(flatten)]
    pub page: Page,
}

/// The board, what is open first, then the newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contributions {
    /// How many there are in all, among the newest five hundred.
    pub total: u64,
    /// Those of the page asked for.
    pub contributions: Vec<Contribution>,
}

/// A contribution on the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contribution {
    /// Its record.
    #[serde(flatten)]
    pub brief: Brief,
    /// A term of the vocabulary `contribution_form`.
    pub form: String,
    /// Where it stands.
    pub standing: Standing,
    /// The beginning of what it says.
    pub text: Option<String>,
    /// What it is about.
    pub about: Option<RecordName>,
    /// How many answers it has, among the newest five hundred.
    pub answers: u64,
    /// How many allies take which position.
    pub stances: Vec<FacetValue>,
}

/// A record by its title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordName {
    /// The record.
    #[schema(value_type = String)]
    pub id: RecordId,
    /// Its title, empty when it has none; its short id while it has not arrived.
    pub title: String,
    /// The language of the title, where there is one and the record says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
}
