//! Commons, allies, invitations and joining.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{AllyId, CharterHash, CommonsId, DeviceKey, StatementId};
use crate::time::Timestamp;

/// Founding a commons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateCommons {
    /// Its name.
    pub name: String,
    /// Whether to adopt the starter heritage.
    #[serde(default)]
    pub starter: bool,
    /// The charter's text; `None` is the default one.
    #[serde(default)]
    pub charter: Option<String>,
}

/// A commons that this home holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commons {
    /// Its id.
    #[schema(value_type = String)]
    pub id: CommonsId,
    /// Its name.
    pub name: String,
    /// Allies in good standing.
    pub allies: u64,
    /// Records.
    pub records: u64,
    /// Entries: statements, changes and adoptions.
    pub entries: u64,
    /// The digest of the reconciled set: two nodes that show the same hold the same entries.
    pub digest: String,
    /// Fields with several concurrent values.
    pub conflicts: u64,
    /// Records that changed and are not made readable yet: while there are any, conflicts and searches may lack some.
    #[serde(default)]
    pub unfolded: u64,
    /// What we are in it.
    pub me: AllyState,
    /// Which charter its allies sign.
    #[schema(value_type = String)]
    pub charter: CharterHash,
    /// The charter's text, when this home has it.
    pub charter_text: Option<String>,
    /// When it was founded, as its founder claims.
    #[serde(with = "super::moment")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// The commons of a home.
pub type CommonsList = Vec<Commons>;

/// What a ticket lets its bearer become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes and invites.
    #[default]
    Ally,
    /// Reads.
    Reader,
}

/// An invitation to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invite {
    /// For which role.
    #[serde(default)]
    pub role: Role,
    /// Until when, from now, in seconds.
    pub expires_in_s: u64,
    /// How many may use it.
    pub uses: u32,
}

/// A signed invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The text to hand on. Who has it may join: it is a secret.
    pub ticket: String,
    /// The commons that it opens.
    pub commons: String,
    /// For which role.
    pub role: Role,
    /// Until when.
    #[serde(with = "super::moment")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// How many may use it.
    pub uses: u32,
    /// Where its bearer will look for us. Without any, only the same local network will do.
    pub addresses: Vec<String>,
    /// No address could be given that is reached from afar: it works on this machine or local network alone.
    pub local_only: bool,
    /// The invitation's statement.
    #[schema(value_type = String)]
    pub invite: StatementId,
}

/// A ticket to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadTicket {
    /// Its text.
    pub ticket: String,
}

/// What a ticket says. The name and the charter come from the inviting node, which is asked for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketContent {
    /// The commons.
    #[schema(value_type = String)]
    pub commons: CommonsId,
    /// Its name.
    pub name: String,
    /// The ally who invites.
    pub invited_by: Option<String>,
    /// For which role.
    pub role: Role,
    /// The charter to sign.
    #[schema(value_type = String)]
    pub charter: CharterHash,
    /// Its text; `None` when only its hash is known.
    pub charter_text: Option<String>,
}

/// Using a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Join {
    /// Its text.
    pub ticket: String,
    /// The charter that the person has accepted: [`TicketContent::charter`].
    #[schema(value_type = String)]
    pub accepted: CharterHash,
    /// How long to wait for the admission, in seconds.
    pub wait_s: u64,
}

/// How a join ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Joined {
    /// The commons as it is here now.
    pub commons: Commons,
    /// Whether the admission came; if not, what is written waits here until it does.
    pub admitted: bool,
    /// What was exchanged.
    pub synced: super::Synced,
}

/// Where an ally stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllyState {
    /// Founded the commons.
    Founder,
    /// Was admitted.
    Admitted,
    /// Asked, not admitted yet.
    Pending,
    /// Is suspended.
    Suspended,
    /// Has left.
    Left,
}

/// An ally.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ally {
    /// Its id.
    #[schema(value_type = String)]
    pub id: AllyId,
    /// The shortest prefix of the id that no other ally of this commons has.
    pub short: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: AllyState,
    /// Whether this is the ally of this home.
    pub me: bool,
    /// Who invited it.
    pub invited_by: Option<String>,
    /// Its devices.
    #[schema(value_type = Vec<String>)]
    pub devices: Vec<DeviceKey>,
    /// Since when, as its inception claims.
    #[serde(with = "super::moment")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// The allies of a commons.
pub type Allies = Vec<Ally>;
