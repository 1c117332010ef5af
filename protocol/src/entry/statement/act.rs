//! What a statement can say.
//!
//! All kinds are here, also those that [`crate::roster`] does not judge yet: a statement kept today must mean the same to
//! a node of next year.

use crate::id::{AllyId, ChangeHash, CharterHash, CommonsId, DeviceKey, RecordId, StatementId, TicketKey};
use crate::sign::{BadSignature, Device, Domain, Keys, Signature, Signatures};
use crate::time::Timestamp;

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A commons begins.
    Genesis(Genesis),
    /// An ally presents itself and signs the charter.
    Inception(Inception),
    /// A ticket is handed out.
    Invite(Invite),
    /// A ticket is taken back.
    InviteRevoke {
        /// Which one.
        invite: StatementId,
    },
    /// A newcomer shows that it holds a ticket.
    Redeem(Redeem),
    /// An ally speaks for a newcomer.
    Vouch {
        /// For whom.
        ally: AllyId,
    },
    /// An ally is let in.
    Admit {
        /// Who.
        ally: AllyId,
        /// By what right.
        basis: Basis,
    },
    /// An ally is suspended.
    Suspend {
        /// Who.
        ally: AllyId,
        /// Why, in words.
        reason: Reason,
        /// What of its changes stays.
        keep: Vec<StatementId>,
    },
    /// A suspension ends.
    Reinstate {
        /// Whose.
        ally: AllyId,
        /// What of its changes from between stays.
        keep: Vec<StatementId>,
    },
    /// More of a removed ally's changes stay.
    Keep {
        /// Whose.
        ally: AllyId,
        /// Which.
        keep: Vec<StatementId>,
    },
    /// The changes that stay after a removal, in ascending order of their record.
    KeepList(Vec<Kept>),
    /// An ally leaves.
    Leave {
        /// What of its changes it leaves behind.
        keep: Vec<StatementId>,
    },
    /// A device brings in another of the same ally.
    DeviceAdd {
        /// The ally of both.
        ally: AllyId,
        /// The new device, with its consent.
        introduction: Introduction,
    },
    /// A device is retired, by itself or by an elder.
    DeviceRetire {
        /// Which.
        device: DeviceKey,
        /// What of its changes stays.
        keep: Vec<StatementId>,
    },
    /// All devices of an ally are replaced by one.
    Recover {
        /// Whose.
        ally: AllyId,
        /// The new root device, with its consent.
        introduction: Introduction,
        /// The commitment to the next recovery key.
        next: RecoveryHash,
    },
    /// A new council is proposed.
    Council {
        /// One more than the previous council's; the founders' is 0.
        number: u64,
        /// The statement that made the previous council: a `Genesis` or a `Council`.
        previous: StatementId,
        /// Who sits on it, in ascending order.
        garants: Vec<AllyId>,
        /// `Charter`, `Policy`, `Recover` and `Erase` statements that it puts in force.
        rulings: Vec<StatementId>,
    },
    /// A garant of the previous council agrees to the next.
    Consent {
        /// The `Council` statement.
        council: StatementId,
    },
    /// The charter's text changes, once a council rules so.
    Charter {
        /// The new text's hash.
        charter: CharterHash,
    },
    /// The policy changes, once a council rules so.
    Policy(Policy),
    /// Nothing but that all dependencies were seen: gives a device with several heads one frontier to name.
    Seen,
    /// A record about a person is to be removed everywhere.
    Erase {
        /// Which.
        record: RecordId,
    },
    /// Said by a newer version, kept and relayed as it came. From kind 128 on it is harmless to those who do not know it;
    /// below, it may change who is in, and who does not know it must stop judging.
    Unknown {
        /// The number of its kind.
        kind: u8,
        /// Its bytes.
        payload: Vec<u8>,
    },
}

/// The beginning of a commons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// What the commons is called.
    pub name: Name,
    /// The text that every ally signs.
    pub charter: CharterHash,
    /// Root signing keys of the founders, the first council, in ascending order.
    pub founders: Vec<DeviceKey>,
    /// How one comes in.
    pub policy: Policy,
}

/// How one comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many allies must vouch for a newcomer without a ticket, at most 16.
    pub vouches: u8,
    /// Who may hand out tickets.
    pub inviters: Inviters,
}

/// Who may hand out tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inviters {
    /// Garants only.
    Garants,
    /// Every ally in good standing.
    Allies,
}

/// An ally presents itself. Its id is the id of this statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inception {
    /// What it is.
    pub kind: AllyKind,
    /// What it is called.
    pub name: Name,
    /// The charter that it signs hereby.
    pub charter: CharterHash,
    /// Its first device, which signs this statement.
    pub root: Device,
    /// The network key's word that it belongs to the root device.
    pub network: Signature,
    /// The commitment to its recovery key; zero when it made none.
    pub recovery: RecoveryHash,
}

/// What an ally is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllyKind {
    /// An organisation.
    Organisation,
    /// A person.
    Person,
}

/// A commitment: BLAKE3 `essaim v1 recovery key` of a public recovery key, shown to nobody until it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryHash(pub [u8; 32]);

impl RecoveryHash {
    /// No recovery key was made: only the council can replace the ally's devices.
    pub const NONE: Self = Self([0; 32]);
}

/// A ticket handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The public half of the key that the ticket holds.
    pub ticket: TicketKey,
    /// As what its holders come in.
    pub role: Role,
    /// Until when, judged by the clock of the node that admits.
    pub expires: Timestamp,
    /// For how many newcomers, from 1 to 1,000.
    pub uses: u16,
}

/// As what one is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Receives everything, writes nothing.
    Reader,
    /// Reads and writes.
    Ally,
}

/// A newcomer's proof that it holds a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeem {
    /// The invite of the ticket.
    pub invite: StatementId,
    /// The newcomer.
    pub ally: AllyId,
    /// By the ticket key, over commons ‖ invite ‖ ally.
    pub proof: Signature,
}

/// What an admission rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// A redeemed ticket.
    Redeem(StatementId),
    /// Vouches, in ascending order.
    Vouches(Vec<StatementId>),
}

/// What stays of a removed author's changes in one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The record.
    pub record: RecordId,
    /// The last changes that stay, with all their past, in ascending order.
    pub heads: Vec<ChangeHash>,
}

/// A device that joins an ally which exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// The device.
    pub device: Device,
    /// The network key's word that it belongs to the device.
    pub network: Signature,
    /// The device's word that it joins this ally under this parent.
    pub consent: Signature,
}

impl Introduction {
    /// Introduces the device of `keys` as one of `ally`, to be signed for by `parent`.
    #[must_use]
    pub fn new(keys: &Keys, commons: &CommonsId, ally: &AllyId, parent: &DeviceKey) -> Self {
        let device = keys.device();
        let consent = keys.sign(Domain::DEVICE, &[&commons.0, &ally.0, &parent.0, &device.to_bytes()]);
        Self { device, network: keys.sign_as_network(Domain::NETWORK, &[&commons.0, &device.signing.0]), consent }
    }

    fn check(
        &self,
        commons: &CommonsId,
        ally: &AllyId,
        parent: &DeviceKey,
        signatures: &mut Signatures,
    ) -> Result<(), BadSignature> {
        let bytes = self.device.to_bytes();
        let parts: [&[u8]; 4] = [&commons.0, &ally.0, &parent.0, &bytes];
        signatures.add(&self.consent, &self.device.signing, Domain::DEVICE, &parts)?;
        add_network(&self.network, &self.device, commons, signatures)
    }
}

/// Why a text cannot stand in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// Too many characters.
    #[error("the text has {found} characters, the limit is {max}")]
    TooLong {
        /// Characters found.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// A line break, a tab or another control character.
    #[error("the text has a control character at position {at}")]
    Control {
        /// How many characters stand before it.
        at: usize,
    },
}

macro_rules! line {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Most characters.
            pub const MAX: usize = $max;

            /// One line of any script.
            ///
            /// # Errors
            /// [`TextError`] when it is blank, too long, or has control characters.
            pub fn new(text: &str) -> Result<Self, TextError> {
                check_line(text, Self::MAX).map(|()| Self(text.to_owned()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

line!(
    /// What a commons or an ally is called: one line, at most 1,000 characters of any script, none of them a control
    /// character (which could rewrite a terminal's screen or forge a second line).
    Name, 1_000
);
line!(
    /// Why somebody was suspended: one line, at most 500 characters, so that it fits beside 400 keep lists.
    Reason, 500
);

fn check_line(text: &str, max: usize) -> Result<(), TextError> {
    let found = text.chars().count();
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    if found > max {
        return Err(TextError::TooLong { found, max });
    }
    text.chars().position(char::is_control).map_or(Ok(()), |at| Err(TextError::Control { at }))
}

impl Act {
    /// The number of its kind, the second byte of the body.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Genesis(_) => 1,
            Self::Inception(_) => 2,
            Self::Invite(_) => 3,
            Self::InviteRevoke { .. } => 4,
            Self::Redeem(_) => 5,
            Self::Vouch { .. } => 6,
            Self::Admit { .. } => 7,
            Self::Suspend { .. } => 8,
            Self::Reinstate { .. } => 9,
            Self::Keep { .. } => 10,
            Self::KeepList(_) => 11,
            Self::Leave { .. } => 12,
            Self::DeviceAdd { .. } => 13,
            Self::DeviceRetire { .. } => 14,
            Self::Recover { .. } => 15,
            Self::Council { .. } => 16,
            Self::Consent { .. } => 17,
            Self::Charter { .. } => 18,
            Self::Policy(_) => 19,
            Self::Seen => 20,
            Self::Erase { .. } => 21,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// The statements that the payload names: they belong to the past of the statement like its dependencies.
    pub(super) fn named(&self) -> Vec<StatementId> {
        let with = |ally: &AllyId, others: &[StatementId]| {
            let mut named = vec![StatementId::from(*ally)];
            named.extend_from_slice(others);
            named
        };
        match self {
            Self::InviteRevoke { invite } => vec![*invite],
            Self::Redeem(redeem) => with(&redeem.ally, &[redeem.invite]),
            Self::Vouch { ally } | Self::DeviceAdd { ally, .. } | Self::Recover { ally, .. } => with(ally, &[]),
            Self::Admit { ally, basis: Basis::Redeem(redeem) } => with(ally, &[*redeem]),
            Self::Admit { ally, basis: Basis::Vouches(vouches) } => with(ally, vouches),
            Self::Suspend { ally, keep, .. } | Self::Reinstate { ally, keep } | Self::Keep { ally, keep } => {
                with(ally, keep)
            }
            Self::Leave { keep } | Self::DeviceRetire { keep, .. } => keep.clone(),
            Self::Council { previous, garants, rulings, .. } => {
                let garants = garants.iter().map(|garant| StatementId::from(*garant));
                garants.chain(rulings.iter().copied()).chain([*previous]).collect()
            }
            Self::Consent { council } => vec![*council],
            Self::Genesis(_)
            | Self::Inception(_)
            | Self::Invite(_)
            | Self::KeepList(_)
            | Self::Charter { .. }
            | Self::Policy(_)
            | Self::Seen
            | Self::Erase { .. }
            | Self::Unknown { .. } => Vec::new(),
        }
    }

    /// A Genesis is signed by a founder, an Inception by its root device; who may sign the rest depends on the roster.
    pub(super) fn may_be_signed_by(&self, by: &DeviceKey) -> bool {
        if let Self::Genesis(genesis) = self {
            return genesis.founders.contains(by);
        }
        if let Self::Inception(inception) = self { inception.root.signing == *by } else { true }
    }

    /// Adds the signatures inside the payload whose keys stand beside them.
    pub(super) fn check(
        &self,
        commons: &CommonsId,
        by: &DeviceKey,
        signatures: &mut Signatures,
    ) -> Result<(), BadSignature> {
        if let Self::Inception(inception) = self {
            return add_network(&inception.network, &inception.root, commons, signatures);
        }
        if let Self::DeviceAdd { ally, introduction } | Self::Recover { ally, introduction, .. } = self {
            return introduction.check(commons, ally, by, signatures);
        }
        Ok(())
    }
}

/// Without this word, an ally could name the network key of another and be taken for it on a connection.
fn add_network(
    word: &Signature,
    device: &Device,
    commons: &CommonsId,
    signatures: &mut Signatures,
) -> Result<(), BadSignature> {
    signatures.add(word, &DeviceKey(device.network.0), Domain::NETWORK, &[&commons.0, &device.signing.0])
}
