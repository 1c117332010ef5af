//! What the local API of a node is asked and what it answers: plain data, the same over loopback HTTP and inside a
//! command when no node runs.
//!
//! The story of one exchange: `essaim show 7k2m` makes a [`Request`] whose [`Command`] is [`Command::Show`]; it
//! travels as `GET /api/v1/records/7k2m`; the node's engine gives back an [`Answer::Sheet`] or an [`Error`]; the
//! command prints it. Long jobs report [`Progress`] before their answer: over HTTP they answer in JSON lines, each a
//! [`Line`].
//!
//! Field names are English snake_case, moments are RFC 3339 in UTC, ids are whole and in the alphabet of
//! [`crate::id`]; where a record, an ally or a commons is *asked for*, a unique prefix of its id, or its name, will do.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod commons;
mod contribution;
mod draft;
mod error;
mod inbox;
mod node;
mod record;
mod together;

pub use crate::record::schema::Lang;
pub use commons::{
    Allies, Ally, AllyState, Commons, CommonsList, CreateCommons, Invitation, Invite, Join, Joined, ReadTicket, Role,
    TicketContent,
};
pub use contribution::{Board, Contribute, Contribution, Contributions, RecordName, Standing, Step, TakeStep};
pub use draft::{Draft, DraftBrief, Drafts, KeepDraft, Place, StartDraft};
pub use error::{Candidate, Details, Error, Fault, Problem, Words, chain};
pub use inbox::{AskInbox, Inbox, InboxItem, MarkRead, SetSettings, Settings, Territory, Unread, Why};
pub use node::{
    Check, Checked, Diagnosis, Doctor, Ended, Health, Identity, Init, Network, Peer, PeerSync, Status, Sync,
    SyncOutcome, Synced, Task, Traffic,
};
pub use record::{
    BadLine, Brief, Conflict, ConflictsOf, Edit, Export, Exported, Facet, FacetValue, Form, Holder, Import, Imported,
    Lacking, Linked, List, Log, New, Page, Places, Query, Records, Referring, Saved, Search, Setting, Settle,
    Settlement, Shared, Sheet, ShowAt, Spot, Template, TemplateFor, TerritoryName, Value, Version,
};
pub use together::{
    Agenda, AgendaOf, Archive, Around, Catalogue, CatalogueOf, Digest, DigestOf, Digested, Gathering, Listed, Named,
    Tie, Whole,
};

/// One question to a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Which commons, by name or id; `None` is the only one, or an error that lists them.
    pub commons: Option<String>,
    /// The language of what the answer says in words (templates, headings of fields).
    pub lang: Lang,
    /// What is asked.
    pub command: Command,
}

/// What a node can be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Make an identity in this home. Answers [`Answer::Identity`]; an existing identity is [`Error::AlreadyInitialised`].
    Init(Init),
    /// Found a commons. Answers [`Answer::Commons`].
    CreateCommons(CreateCommons),
    /// All commons of this home. Answers [`Answer::CommonsList`].
    ListCommons,
    /// One commons, by the request's `commons`. Answers [`Answer::Commons`].
    ShowCommons,
    /// Sign an invitation. Answers [`Answer::Invitation`].
    Invite(Invite),
    /// What a ticket says, without using it. Answers [`Answer::TicketContent`].
    ReadTicket(ReadTicket),
    /// Use a ticket. Answers [`Answer::Joined`].
    Join(Join),
    /// The allies of a commons. Answers [`Answer::Allies`].
    Allies,
    /// One ally, by name, id or prefix. Answers [`Answer::Ally`].
    Ally(String),
    /// The node, its commons and its peers. Answers [`Answer::Status`].
    Status,
    /// The text to open in an editor. Answers [`Answer::Template`].
    Template(TemplateFor),
    /// A new record, shared at once. Answers [`Answer::Saved`].
    New(New),
    /// A change of a record, shared at once. Answers [`Answer::Saved`].
    Edit(Edit),
    /// One record. Answers [`Answer::Sheet`].
    Show(String),
    /// One record as it was. Answers [`Answer::Sheet`].
    ShowAt(ShowAt),
    /// The records that refer to one. Answers [`Answer::Linked`].
    Linked(String),
    /// Records, the newest first. Answers [`Answer::Records`].
    List(List),
    /// Records by relevance. Answers [`Answer::Records`].
    Search(Search),
    /// Where the records that a search finds take place. Answers [`Answer::Places`].
    Places(Search),
    /// What was written in a period or on a theme. Answers [`Answer::Digest`].
    Digest(DigestOf),
    /// Gatherings to come, or past. Answers [`Answer::Agenda`].
    Agenda(AgendaOf),
    /// Records of one kind with what surrounds them. Answers [`Answer::Catalogue`].
    Catalogue(CatalogueOf),
    /// How the most linked records relate. Answers [`Answer::Whole`].
    Whole,
    /// Put a record away, or take it out again. Answers [`Answer::Saved`].
    Archive(Archive),
    /// The history of a record, newest first. Answers [`Answer::Log`].
    Log(String),
    /// Fields with several concurrent values. Answers [`Answer::Conflicts`].
    Conflicts(ConflictsOf),
    /// Settle one field. Answers [`Answer::Saved`].
    Settle(Settle),
    /// A contribution, shared at once. Answers [`Answer::Saved`].
    Contribute(Contribute),
    /// A position, or the end of a contribution. Answers [`Answer::Saved`].
    TakeStep(TakeStep),
    /// Questions, proposals and disagreements. Answers [`Answer::Contributions`].
    Board(Board),
    /// What is there for this home. Answers [`Answer::Inbox`].
    Inbox(AskInbox),
    /// Mark items of the inbox as read. Answers [`Answer::Inbox`], with what is left.
    MarkRead(MarkRead),
    /// How much of the inbox is not read. Answers [`Answer::Unread`].
    Unread,
    /// A territory among the others, by its record. Answers [`Answer::Territory`].
    Territory(String),
    /// What this home keeps for its own people. Answers [`Answer::Settings`].
    Settings,
    /// Change the settings. Answers [`Answer::Settings`].
    SetSettings(SetSettings),
    /// What is being written here and not shared yet. Answers [`Answer::Drafts`].
    Drafts,
    /// Begin a draft. Answers [`Answer::Draft`].
    StartDraft(StartDraft),
    /// One draft. Answers [`Answer::Draft`].
    Draft(String),
    /// Keep what was typed in a draft. Answers [`Answer::Draft`].
    KeepDraft(KeepDraft),
    /// Throw a draft away. Answers [`Answer::Draft`], as it was.
    DropDraft(String),
    /// Share a draft: one signed change, after which it is gone. Answers [`Answer::Saved`].
    ShareDraft(String),
    /// Territories of the gazetteer that a name or code may mean. Answers [`Answer::Gazetteer`].
    Gazetteer(String),
    /// Exchange with peers now. Answers [`Answer::Synced`].
    Sync(Sync),
    /// Take in records of a JSON Lines file. Answers [`Answer::Imported`].
    Import(Import),
    /// Give out records as JSON Lines. Answers [`Answer::Exported`].
    Export(Export),
    /// Check, and on demand rebuild, what can be rebuilt. Answers [`Answer::Diagnosis`].
    Doctor(Doctor),
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident($inner:ty),)*) => {
        /// What a node answers.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "one is made for a request and moved on, none is kept")]
        pub enum Answer {
            $($(#[$doc])* $name($inner),)*
        }

        $(
            impl From<$inner> for Answer {
                fn from(inner: $inner) -> Self {
                    Self::$name(inner)
                }
            }

            impl TryFrom<Answer> for $inner {
                type Error = Error;

                fn try_from(answer: Answer) -> Result<Self, Error> {
                    match answer {
                        Answer::$name(inner) => Ok(inner),
                        _ => Err(Error::Internal { detail: concat!("the engine did not answer with ", stringify!($name)).into() }),
                    }
                }
            }
        )*
    };
}

answers! {
    /// To [`Command::Init`].
    Identity(Identity),
    /// To [`Command::CreateCommons`] and [`Command::ShowCommons`].
    Commons(Commons),
    /// To [`Command::ListCommons`].
    CommonsList(CommonsList),
    /// To [`Command::Invite`].
    Invitation(Invitation),
    /// To [`Command::ReadTicket`].
    TicketContent(TicketContent),
    /// To [`Command::Join`].
    Joined(Joined),
    /// To [`Command::Allies`].
    Allies(Allies),
    /// To [`Command::Ally`].
    Ally(Ally),
    /// To [`Command::Status`].
    Status(Status),
    /// To [`Command::Template`].
    Template(Template),
    /// To [`Command::New`], [`Command::Edit`], [`Command::Archive`], [`Command::Settle`], [`Command::Contribute`],
    /// [`Command::TakeStep`] and [`Command::ShareDraft`].
    Saved(Saved),
    /// To [`Command::Show`] and [`Command::ShowAt`].
    Sheet(Sheet),
    /// To [`Command::Linked`].
    Linked(Linked),
    /// To [`Command::List`] and [`Command::Search`].
    Records(Records),
    /// To [`Command::Places`].
    Places(Places),
    /// To [`Command::Digest`].
    Digest(Digest),
    /// To [`Command::Agenda`].
    Agenda(Agenda),
    /// To [`Command::Catalogue`].
    Catalogue(Catalogue),
    /// To [`Command::Whole`].
    Whole(Whole),
    /// To [`Command::Log`].
    Log(Log),
    /// To [`Command::Conflicts`].
    Conflicts(Vec<Conflict>),
    /// To [`Command::Board`].
    Contributions(Contributions),
    /// To [`Command::Inbox`] and [`Command::MarkRead`].
    Inbox(Inbox),
    /// To [`Command::Unread`].
    Unread(Unread),
    /// To [`Command::Territory`].
    Territory(Territory),
    /// To [`Command::Settings`] and [`Command::SetSettings`].
    Settings(Settings),
    /// To [`Command::Drafts`].
    Drafts(Drafts),
    /// To [`Command::StartDraft`], [`Command::Draft`], [`Command::KeepDraft`] and [`Command::DropDraft`].
    Draft(Draft),
    /// To [`Command::Gazetteer`].
    Gazetteer(Vec<Place>),
    /// To [`Command::Sync`].
    Synced(Synced),
    /// To [`Command::Import`].
    Imported(Imported),
    /// To [`Command::Export`].
    Exported(Exported),
    /// To [`Command::Doctor`].
    Diagnosis(Diagnosis),
}

/// Which part of a long job is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading and checking what was given.
    Reading,
    /// Writing records.
    Writing,
    /// Looking for peers.
    Connecting,
    /// Waiting to be admitted by an ally.
    Admission,
    /// Exchanging entries.
    Exchanging,
    /// Checking stored entries.
    Checking,
    /// Rebuilding what can be rebuilt.
    Rebuilding,
}

/// How far a long job is. A later report replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Units done: records, entries or peers.
    pub done: u64,
    /// Units in all, when known.
    pub total: Option<u64>,
}

/// Where a long job tells how far it is. Called from any thread; must not block.
pub type Report = Arc<dyn Fn(Progress) + Send + std::marker::Sync>;

/// One line of a long job's answer over HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line<T> {
    /// Still going on.
    Progress(Progress),
    /// The last line of a job that ended.
    Answer(T),
    /// The last line of a job that failed.
    Error(Error),
}

/// Moments in JSON: RFC 3339 in UTC, to the second.
pub mod moment {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::time::Timestamp;

    /// Writes `2026-05-07T14:00:00Z`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(time)
    }

    /// Reads what [`serialize`] writes.
    ///
    /// # Errors
    /// When it is not such a moment.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }

    /// The same for a moment that may be missing.
    pub mod maybe {
        use super::{Deserialize, Deserializer, Serializer, Timestamp};
        use serde::de::Error as _;

        /// Writes a moment or null.
        ///
        /// # Errors
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => to.collect_str(time),
                None => to.serialize_none(),
            }
        }

        /// Reads a moment or null.
        ///
        /// # Errors
        /// When it is neither.
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
            Option::<String>::deserialize(from)?.map(|text| text.parse().map_err(D::Error::custom)).transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn an_answer_of_another_kind_is_our_fault_and_not_a_panic() {
        let answer = Answer::from(Vec::<Conflict>::new());
        assert!(matches!(Status::try_from(answer.clone()), Err(Error::Internal { .. })));
        assert_eq!(Vec::<Conflict>::try_from(answer), Ok(vec![]));
    }

    #[test]
    fn lines_of_a_long_job_are_told_apart_by_their_name() {
        let progress = Progress { stage: Stage::Writing, done: 3, total: Some(10) };
        let line = serde_json::to_string(&Line::<u8>::Progress(progress)).unwrap();
        assert_eq!(line, r#"{"progress":{"stage":"writing","done":3,"total":10}}"#);
        assert_eq!(serde_json::from_str::<Line<u8>>(r#"{"answer":7}"#).unwrap(), Line::Answer(7));
    }

    #[test]
    fn moments_are_written_for_people_and_read_back() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct At(#[serde(with = "moment")] Timestamp, #[serde(with = "moment::maybe")] Option<Timestamp>);
        let at = At(Timestamp(951_782_400_000), None);
        assert_eq!(serde_json::to_string(&at).unwrap(), r#"["2000-02-29T00:00:00Z",null]"#);
        assert_eq!(serde_json::from_str::<At>(r#"["2000-02-29T00:00:00Z",null]"#).unwrap(), at);
        assert!(serde_json::from_str::<At>(r#"["yesterday",null]"#).is_err());
    }
}
