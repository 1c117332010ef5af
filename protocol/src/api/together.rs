//! Many records at a glance: the digest of a period, the agenda, the records of one kind with what surrounds them, and how
//! all relate; and putting one away.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::contribution::RecordName;
use super::record::{Brief, Facet, FacetValue, Lacking, Page, Query};
use crate::id::RecordId;

/// Which records a digest tells of. Without a period and a theme: those that changed in the last thirty days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DigestOf {
    /// The first day, as people write dates: `2026-05-01`, `mai 2026`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// A theme, by its code or label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
}

/// What was written in a period, or on a theme.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Digest {
    /// The first day, as `2026-05-01`; none is from the beginning.
    pub since: Option<String>,
    /// The last day; none is until today.
    pub until: Option<String>,
    /// The theme.
    pub theme: Option<Named>,
    /// How many records there are in all.
    pub total: u64,
    /// The newest of them, eighty at most, by kind in the order in which they are told.
    pub records: Vec<Digested>,
    /// What it may lack.
    #[serde(flatten)]
    pub lacking: Lacking,
}

/// A code with its label in the language of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// The code.
    pub code: String,
    /// The label.
    pub label: String,
}

/// A record as a digest tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Digested {
    /// The record.
    #[serde(flatten)]
    pub brief: Brief,
    /// What form it has, in words: a question, a lever, a webinar.
    pub form: Option<String>,
    /// Of a contribution or finding, the beginning of what it says.
    pub text: Option<String>,
    /// Of a contribution, what it is about.
    pub about: Option<RecordName>,
    /// Under which licence it may be passed on, in words.
    pub licence: Option<String>,
}

/// Which gatherings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgendaOf {
    /// Those that are over, the latest first, instead of those to come, the soonest first.
    #[serde(default, deserialize_with = "flag")]
    pub past: bool,
    /// Which part.
    #[serde(flatten)]
    pub page: Page,
}

/// Yes or no, or their names: a query string holds text only, which a flattened struct sees as such.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Flag(bool),
        Name(String),
    }
    match Either::deserialize(from)? {
        Either::Flag(flag) => Ok(flag),
        Either::Name(name) => name.parse().map_err(D::Error::custom),
    }
}

/// Gatherings by their day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agenda {
    /// How many there are in all.
    pub total: u64,
    /// Those of the page asked for.
    pub gatherings: Vec<Gathering>,
    /// What it may lack.
    #[serde(flatten)]
    pub lacking: Lacking,
}

/// A gathering, its day or days in `when`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Gathering {
    /// The record.
    #[serde(flatten)]
    pub brief: Brief,
    /// Its form, in words.
    pub form: Option<String>,
    /// Where, in the words of whoever invites.
    pub place: Option<String>,
    /// Whether one can come from afar.
    pub online: bool,
}

/// Records of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogueOf {
    /// The kind, by its code or label.
    #[serde(default)]
    pub kind: String,
    /// Words and filters.
    #[serde(default)]
    pub q: Query,
    /// Which part.
    #[serde(flatten)]
    pub page: Page,
}

/// Records of one kind with what surrounds them: the best match first, else actors by their name and others the newest
/// first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Catalogue {
    /// How many there are in all.
    pub total: u64,
    /// Counts by facet over all that was found.
    pub facets: Vec<Facet>,
    /// Those of the page asked for, fifty at most.
    pub records: Vec<Listed>,
    /// What it may lack.
    #[serde(flatten)]
    pub lacking: Lacking,
}

/// A record in a catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Listed {
    /// The record.
    #[serde(flatten)]
    pub brief: Brief,
    /// Its form or type, in words.
    pub form: Option<String>,
    /// Where it stands, in words, where its kind has a state.
    pub state: Option<String>,
    /// Of a finding, what it states.
    pub text: Option<String>,
    /// What it offers to peers, in words.
    pub offers: Vec<String>,
    /// Its address on the web.
    pub url: Option<String>,
    /// What surrounds it. A finding has the experiences that `supports`, `nuances` and `contradicts` it; a programme its
    /// `territories` and `gatherings`.
    pub around: Vec<Around>,
}

/// Records that surround another in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Around {
    /// In which way.
    pub how: String,
    /// How many there are, as far as they were looked at.
    pub total: u64,
    /// The first of them.
    pub records: Vec<RecordName>,
}

/// How the most linked records relate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Whole {
    /// How many territories, experiences, programmes and findings have a link to another, by kind.
    pub kinds: Vec<FacetValue>,
    /// The most linked of each kind, the most linked first.
    pub records: Vec<Brief>,
    /// The links between these, a hundred and sixty at most.
    pub ties: Vec<Tie>,
}

/// A link between two records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Tie {
    /// The record that refers.
    #[schema(value_type = String)]
    pub from: RecordId,
    /// The record that it refers to.
    #[schema(value_type = String)]
    pub to: RecordId,
    /// How: a term of the vocabulary `link`, the name of a field, or `reuse` from the record that drew on the other.
    pub how: String,
}

/// Putting a record away: it stays, and stays readable, but no search shows it unless it asks for what is archived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Archive {
    /// Which, by id or prefix.
    #[serde(default)]
    pub record: String,
    /// Take it out again, as it was before.
    #[serde(default)]
    pub undo: bool,
}
