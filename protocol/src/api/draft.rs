//! Drafts: what somebody writes over several days before an ally sees it; and places to say where it happened.
//!
//! A draft is a local file, never an entry. It holds fields in the JSON form as far as they are typed: what the schema
//! refuses is kept as it stands and named in [`Draft::problems`], so that nothing typed is lost. Sharing makes one signed
//! change of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::error::Problem;
use super::record::{Form, Setting, TemplateFor};
use crate::id::{ChangeHash, RecordId};
use crate::time::Timestamp;

/// A draft in one line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftBrief {
    /// Its id, for this home only.
    pub id: String,
    /// One of the schema's kinds.
    pub kind: String,
    /// Its title; empty when it has none yet.
    pub title: String,
    /// The record that it changes; none for one that is new.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub record: Option<RecordId>,
    /// When it was last kept.
    #[serde(with = "super::moment")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// The drafts of a commons.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drafts {
    /// Latest first.
    pub drafts: Vec<DraftBrief>,
    /// Files that cannot be read, by path: they are left where they are.
    pub damaged: Vec<String>,
}

/// A whole draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Draft {
    /// What a list shows of it.
    #[serde(flatten)]
    pub brief: DraftBrief,
    /// What its writer had seen of the record.
    #[schema(value_type = Vec<String>)]
    pub base: Vec<ChangeHash>,
    /// Whether somebody changed the record since. Sharing then keeps both.
    pub behind: bool,
    /// What is written so far, in the JSON form; items of lists that the record has are named by `_id`.
    #[schema(value_type = Object)]
    pub fields: Map<String, Json>,
    /// Notes beside the form, never shared.
    pub notes: String,
    /// How often it was kept whole: what a window that keeps by itself gives back as [`KeepDraft::after`].
    pub kept: u32,
    /// Titles of the records and names of the allies (`ally:ID`) that `fields` refers to.
    #[schema(value_type = Object)]
    pub names: BTreeMap<String, String>,
    /// The key under which this ally writes its own positions: `ally:ID`; none before admission.
    pub me: Option<String>,
    /// What the schema refuses, where.
    pub problems: Vec<Problem>,
    /// What is missing before it may be called complete.
    pub missing: Vec<Problem>,
}

/// A draft to begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StartDraft {
    /// A new record of a kind, or a record to change as it is now.
    pub of: TemplateFor,
    /// What it holds from the start; over what the record holds.
    #[serde(default)]
    pub form: Option<Form>,
    /// Set over `form`, in this order.
    #[serde(default)]
    pub set: Vec<Setting>,
    /// Territories it is about, by name or official code; looked up in the gazetteer.
    #[serde(default)]
    pub territories: Vec<String>,
}

/// What was typed since.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeepDraft {
    /// Which.
    #[serde(default)]
    pub draft: String,
    /// Fields in the JSON form; `null` empties one, those that are not named stay.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: Map<String, Json>,
    /// Notes, when they changed.
    #[serde(default)]
    pub notes: Option<String>,
    /// For a window that keeps by itself: the [`Draft::kept`] that it shows. What it sends is refused once the draft was
    /// kept whole after that, since it may undo it.
    #[serde(default)]
    pub after: Option<u32>,
    /// Territories of the gazetteer that `fields` refers to and that may have no record yet ([`Place::code`]).
    #[serde(default)]
    pub places: Vec<String>,
}

/// A territory of the gazetteer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Place {
    /// Its official name here: system and code, such as `insee-commune:11170`.
    pub code: String,
    /// Its record, which is made when it is first linked.
    #[schema(value_type = String)]
    pub record: RecordId,
    /// Its usual name.
    pub name: String,
    /// A term of the vocabulary of territory types.
    pub kind: String,
    /// The name of its (main) department.
    pub department: Option<String>,
    /// Inhabitants, where known.
    pub population: Option<u64>,
}
