//! The node itself: identity, status, exchange with peers, health.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::commons::Commons;
use super::error::Words;
use crate::id::{CommonsId, DeviceKey, NetworkKey};
use crate::time::Timestamp;

/// A new identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Init {
    /// The name under which this home writes: an organisation, a territory, a person.
    pub name: String,
}

/// Who this home is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// The name under which it writes.
    pub name: String,
    /// This device.
    #[schema(value_type = String)]
    pub device: DeviceKey,
    /// This device on the network.
    #[schema(value_type = String)]
    pub network: NetworkKey,
    /// The home directory.
    pub home: String,
}

/// The node, its commons and its peers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Who this home is; `None` before `init`.
    pub identity: Option<Identity>,
    /// The program's version.
    pub version: String,
    /// Its commons.
    pub commons: Vec<Commons>,
    /// Every ally that this home could exchange with, known from its commons.
    pub peers: Vec<Peer>,
    /// What to do next, most useful first.
    pub todo: Vec<Task>,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// What the network did; `None` when no node runs on this home.
    pub network: Option<Network>,
}

/// A running node's network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Network {
    /// Where it listens.
    pub listening: Vec<String>,
    /// Whether it looks for peers on the local network.
    pub mdns: bool,
    /// Peers connected now.
    pub connected: u32,
    /// Bytes moved since it started.
    pub traffic: Traffic,
    /// Since when.
    #[serde(with = "super::moment")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
}

/// Bytes moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Traffic {
    /// Towards us.
    pub bytes_in: u64,
    /// From us.
    pub bytes_out: u64,
}

/// A device of an ally, other than this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Peer {
    /// The ally's name.
    pub ally: String,
    /// The commons shared with it, by name.
    pub commons: String,
    /// The same by its id: two commons may bear one name.
    #[schema(value_type = String)]
    pub commons_id: CommonsId,
    /// Its device on the network.
    #[schema(value_type = String)]
    pub network: NetworkKey,
    /// Whether it is connected now; always false when no node runs on this home.
    pub connected: bool,
    /// When it was last connected.
    #[serde(with = "super::moment::maybe")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub seen_at: Option<Timestamp>,
    /// What the last exchange showed.
    pub sync: PeerSync,
}

/// What is known of a peer's set. *In sync* is said only after both sides compared the digest of everything they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum PeerSync {
    /// There was no whole exchange with it yet.
    Never,
    /// Both sides held the same, at that moment, and nothing was added here since.
    InSync {
        /// When.
        #[serde(with = "super::moment")]
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
    },
    /// Both held the same at that moment; since then entries were added here that it has not confirmed.
    Ahead {
        /// When both held the same.
        #[serde(with = "super::moment")]
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// How many entries it has not confirmed.
        entries: u64,
    },
}

/// Something a person can do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "task")]
pub enum Task {
    /// Make an identity.
    Init,
    /// Create or join a commons.
    CreateOrJoin,
    /// Fields with several values wait for a decision.
    Settle {
        /// How many.
        conflicts: u64,
        /// In which commons.
        commons: String,
        /// The same by its id.
        #[schema(value_type = String)]
        commons_id: CommonsId,
    },
    /// Nobody else is in this commons yet.
    InviteSomebody {
        /// Which.
        commons: String,
        /// The same by its id.
        #[schema(value_type = String)]
        commons_id: CommonsId,
    },
    /// Our admission has not come yet.
    AwaitAdmission {
        /// Into which commons.
        commons: String,
        /// The same by its id.
        #[schema(value_type = String)]
        commons_id: CommonsId,
    },
    /// Entries of ours that no other ally has confirmed to hold.
    SyncSoon {
        /// How many.
        entries: u64,
        /// In which commons.
        commons: String,
        /// The same by its id.
        #[schema(value_type = String)]
        commons_id: CommonsId,
    },
    /// A statement here is of a newer kind: a newer program is needed to go on.
    Upgrade {
        /// In which commons.
        commons: String,
        /// The same by its id.
        #[schema(value_type = String)]
        commons_id: CommonsId,
    },
    /// The store was found damaged.
    Doctor,
}

impl Task {
    /// The commons in which it waits; nothing when it is a matter of the whole home.
    #[must_use]
    pub const fn commons_id(&self) -> Option<CommonsId> {
        match self {
            Self::Settle { commons_id, .. }
            | Self::InviteSomebody { commons_id, .. }
            | Self::AwaitAdmission { commons_id, .. }
            | Self::SyncSoon { commons_id, .. }
            | Self::Upgrade { commons_id, .. } => Some(*commons_id),
            Self::Init | Self::CreateOrJoin | Self::Doctor => None,
        }
    }
}

/// Exchange with peers now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sync {
    /// Only with this ally or device; `None` is everybody.
    #[serde(default)]
    pub peer: Option<String>,
    /// How long to wait for peers, in seconds.
    pub wait_s: u64,
}

/// What an exchange did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Synced {
    /// One for each peer that was tried, reached or not.
    pub peers: Vec<SyncOutcome>,
}

/// The exchange with one peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SyncOutcome {
    /// The ally's name, or the device's short key while it has none.
    pub ally: String,
    /// The commons, by name.
    pub commons: String,
    /// How it ended.
    pub ended: Ended,
    /// Entries that came.
    pub received: u64,
    /// Entries that went.
    pub sent: u64,
    /// What kept it from ending in sync, when that is known. In English, for whoever helps.
    pub why: Option<String>,
    /// Bytes moved.
    pub traffic: Traffic,
    /// How long it took.
    pub ms: u64,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Both sides hold the same: digests compared.
    InSync,
    /// Cut or refused before both held the same; what came is kept.
    Partial,
    /// It could not be reached.
    Unreachable,
    /// It did what no honest peer does, and was cut off.
    CutOff,
    /// It does not know the commons, or does not admit us there.
    NotAdmitted,
    /// It speaks another version.
    OtherVersion,
}

/// Check what is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Doctor {
    /// Rebuild everything that can be rebuilt from the log.
    #[serde(default)]
    pub rebuild: bool,
    /// Let allies that were cut off for what their node did come back.
    #[serde(default)]
    pub forgive: bool,
}

/// What `doctor` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnosis {
    /// One for each thing looked at.
    pub checks: Vec<Checked>,
    /// Whether everything that can be rebuilt was.
    pub rebuilt: bool,
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    /// What.
    pub check: Check,
    /// The commons, by name, when it is about one.
    pub commons: Option<String>,
    /// How it is.
    pub health: Health,
    /// How many things were looked at.
    pub count: u64,
    /// What exactly is wrong and where: paths, ids, counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Words>,
}

/// What can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The home's format and permissions.
    Home,
    /// Keys are readable and ours alone.
    Keys,
    /// The clock is plausible.
    Clock,
    /// Every entry of the log decodes, has its id and its signature.
    Log,
    /// Own entries that no other ally holds yet are in the outbox.
    Outbox,
    /// Entries set aside because they could not be folded, and allies cut off for what they sent.
    Quarantine,
    /// Tables that can be rebuilt agree with the log.
    Tables,
    /// The search index agrees with the records.
    Index,
}

/// How a checked thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Sound.
    Ok,
    /// Works, with something to know.
    Warning,
    /// Wrong, and `doctor --rebuild` mends it.
    Rebuildable,
    /// Wrong, and entries are lost here; peers may have them.
    Damaged,
}
