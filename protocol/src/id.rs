//! Names of things: newtypes over 32 and 16 bytes, so that bytes of one meaning never stand in for another.
//!
//! An id is written in lower-case Crockford base 32 (no `i`, `l`, `o`, `u`, so that it survives being read aloud
//! or copied by hand) and parsed forgivingly: capitals, and `o` for `0`, `i` or `l` for `1`. People see the short
//! form, [`SHORT`] characters, which the commands lengthen until it is unique in a commons.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Characters in the short display of an id: 40 bits, so 1 % chance of two equal ones among 150,000 records.
pub const SHORT: usize = 8;

/// Crockford's base 32, lower case, most significant bit first, without padding.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    spec.translate.from.push_str("ABCDEFGHJKMNPQRSTVWXYZoOiIlL");
    spec.translate.to.push_str("abcdefghjkmnpqrstvwxyz001111");
    spec.encoding().expect("the alphabet above is a valid one")
});

/// Text of `bytes` in the alphabet of ids.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    BASE32.encode(bytes)
}

/// Bytes of a text in the alphabet of ids.
///
/// # Errors
/// [`ParseIdError`] when a character is not of the alphabet or the trailing bits are not zero.
pub fn from_base32(text: &str) -> Result<Vec<u8>, ParseIdError> {
    BASE32.decode(text.as_bytes()).map_err(|_| ParseIdError::Alphabet)
}

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// A character that no id has, or bits left over.
    #[error("not an identifier: a character is not one of 0-9, a-z without i, l, o, u")]
    Alphabet,
    /// The right alphabet but another length.
    #[error("not a whole identifier: too short or too long")]
    Length,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// All zero bytes: the value of "none yet" in a byte map.
            pub const ZERO: Self = Self([0; $len]);

            /// The bytes themselves.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The first characters of the text, for people.
            #[must_use]
            pub fn short(&self) -> String {
                let mut text = base32(&self.0);
                text.truncate(SHORT);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if f.alternate() { f.write_str(&self.short()) } else { f.write_str(&base32(&self.0)) }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                from_base32(text)?.try_into().map(Self).map_err(|_| ParseIdError::Length)
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() { to.collect_str(self) } else { self.0.serialize(to) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    String::deserialize(from)?.parse().map_err(D::Error::custom)
                } else {
                    <[u8; $len]>::deserialize(from).map(Self)
                }
            }
        }
    };
}

id!(
    /// A commons: the id of its `Genesis` statement.
    CommonsId, 32
);
id!(
    /// A membership statement: BLAKE3 `essaim v1 statement id` of its body.
    StatementId, 32
);
id!(
    /// Any entry (statement, change or adoption), as sync and storage name it.
    EntryId, 32
);
id!(
    /// A record: derived from its first change, or from its origin for reference records.
    RecordId, 32
);
id!(
    /// An ally: the id of its `Inception`. Keys rotate, the ally stays.
    AllyId, 32
);
id!(
    /// A device's Ed25519 public signing key, the name by which statements and changes refer to the device.
    DeviceKey, 32
);
id!(
    /// The public Ed25519 key of a device's libp2p identity.
    NetworkKey, 32
);
id!(
    /// The public X25519 key of a device, to which circles will seal their keys.
    CircleKey, 32
);
id!(
    /// The public Ed25519 key of a ticket, whose secret half whoever holds the ticket has.
    TicketKey, 32
);
id!(
    /// SHA-256 of an automerge change chunk: how automerge names a change in dependencies and heads.
    ChangeHash, 32
);
id!(
    /// BLAKE3 of a charter's text.
    CharterHash, 32
);
id!(
    /// An automerge actor. In Essaim each change has its own.
    Actor, 16
);
id!(
    /// The name of an item in a list field.
    ItemId, 16
);
id!(
    /// The first 16 bytes of an entry id: what the sketch reconciles and want lists carry.
    Item, 16
);
id!(
    /// A store's random epoch: ordinals mean something only within it.
    Epoch, 16
);

impl EntryId {
    /// The 16 bytes that reconciliation uses for this entry.
    #[must_use]
    pub fn item(&self) -> Item {
        let mut item = [0; 16];
        item.copy_from_slice(&self.0[..16]);
        Item(item)
    }
}

impl From<StatementId> for EntryId {
    fn from(id: StatementId) -> Self {
        Self(id.0)
    }
}

impl From<StatementId> for AllyId {
    fn from(id: StatementId) -> Self {
        Self(id.0)
    }
}

impl From<AllyId> for StatementId {
    fn from(id: AllyId) -> Self {
        Self(id.0)
    }
}

impl From<CommonsId> for StatementId {
    fn from(id: CommonsId) -> Self {
        Self(id.0)
    }
}

impl From<StatementId> for CommonsId {
    fn from(id: StatementId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_an_id_parses_back_in_capitals_and_with_confused_letters() {
        let id = RecordId(*blake3::hash(b"Gruissan").as_bytes());
        let text = id.to_string();
        assert_eq!(text.len(), 52);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(text.to_uppercase().parse(), Ok(id));
        assert_eq!(text.replace('0', "O").replace('1', "l").parse(), Ok(id));
        assert_eq!(id.short(), text[..SHORT]);
    }

    #[test]
    fn what_is_no_id_says_why() {
        assert_eq!("pas un identifiant".parse::<RecordId>(), Err(ParseIdError::Alphabet));
        assert_eq!("00000000".parse::<RecordId>(), Err(ParseIdError::Length));
    }
}
