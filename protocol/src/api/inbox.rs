//! What is there for this home: who answered, asked and reused, what others would say in our words, what waits to be
//! settled, what is new about our territory. What was looked at is noted in the home alone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::contribution::{Contribution, RecordName};
use super::draft::Place;
use super::record::{Brief, Records};
use crate::id::RecordId;

/// What to show of the inbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskInbox {
    /// Also what was marked as read.
    #[serde(default)]
    pub all: bool,
}

/// The inbox.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Inbox {
    /// How many items are not marked as read.
    pub unread: u64,
    /// The newest first, two hundred at most.
    pub items: Vec<InboxItem>,
}

/// Why something is in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Somebody brought something to a record that we wrote.
    Contribution,
    /// Somebody proposes other words in place of our own.
    Words,
    /// A field of a record that we wrote has several values.
    Conflict,
    /// A record about our territory, which we did not write.
    Territory,
}

/// One thing in the inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InboxItem {
    /// Its name in the inbox, by which it is marked as read.
    pub item: String,
    /// Why it is there.
    pub why: Why,
    /// Whether it was marked as read.
    pub read: bool,
    /// The record to look at.
    #[serde(flatten)]
    pub brief: Brief,
    /// Of a contribution: a term of the vocabulary `contribution_form`.
    pub form: Option<String>,
    /// Of a contribution: the record that it is about.
    pub about: Option<RecordName>,
    /// Of a conflict or of proposed words: the name of the field.
    pub field: Option<String>,
    /// Of a contribution: the beginning of what it says.
    pub text: Option<String>,
}

/// Items to mark as read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MarkRead {
    /// Their names.
    #[serde(default)]
    pub items: Vec<String>,
    /// Everything that is in the inbox.
    #[serde(default)]
    pub all: bool,
}

/// How much is there that nobody marked as read. While records are being made readable, as of a moment ago.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unread {
    /// How many items.
    pub unread: u64,
}

/// What this home keeps for its own people; nobody else ever sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// The name under which it writes.
    pub name: String,
    /// The home directory.
    pub home: String,
    /// Our territory.
    pub territory: Option<Place>,
}

/// A change of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetSettings {
    /// Our territory, by [`Place::code`], name or official code; `None` is none.
    #[serde(default)]
    pub territory: Option<String>,
}

/// A territory among the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Territory {
    /// Its record, here or not.
    #[schema(value_type = String)]
    pub id: RecordId,
    /// Its name.
    pub name: String,
    /// A term of the vocabulary `territory_type`.
    pub kind: Option<String>,
    /// Inhabitants, where known.
    pub population: Option<u64>,
    /// Whether it is ours by the [`Settings`].
    pub ours: bool,
    /// Whether its record is here.
    pub here: bool,
    /// What takes place there, the newest first: the ten newest.
    pub concerns: Records,
    /// The filter that finds all of `concerns`: a facet and its value.
    pub filter: (String, String),
    /// What peers ask about that, and what they propose.
    pub asked: Vec<Contribution>,
    /// Who drew on that.
    pub reuses: Vec<Contribution>,
    /// Territories of the same type and size, those of the same setting first.
    pub alike: Vec<Brief>,
    /// The code of its size, where its population is known.
    pub stratum: Option<String>,
}
