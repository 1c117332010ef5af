//! Keys and signatures: the only way to what somebody signed is through verification.
//!
//! A device keeps one [`Seed`]. Three key pairs derive from it: *signing* (Ed25519, statements and changes), *network*
//! (Ed25519, the libp2p identity) and *circle* (X25519, to seal a circle's keys to the device). Their public halves are
//! the [`Device`].
//!
//! Verification is strict (no small-order keys, canonical scalars; Chalkias, Garillot, Nikolaenko: *Taming the many
//! EdDSAs*, 2020) and never in batch, since batch and single verification disagree on weak keys and two nodes would then
//! disagree on what is in the commons. Every message starts with a domain that ends in a zero byte, so that bytes signed
//! for one purpose are never a signature for another.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

use crate::id::{CircleKey, DeviceKey, NetworkKey};

/// The secret from which a device's keys derive.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed of 32 random bytes: drawn by the caller, since the rules have no randomness of their own.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The bytes, to be kept in a file that only its owner reads.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// The public halves of a device's three keys. Byte map: signing \[32\] ‖ network \[32\] ‖ circle \[32\].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Device {
    /// Signs statements and changes; the device's name in both.
    pub signing: DeviceKey,
    /// The libp2p identity.
    pub network: NetworkKey,
    /// Receives the keys of circles.
    pub circle: CircleKey,
}

impl Device {
    /// Length of the byte map.
    pub const LEN: usize = 96;

    /// The byte map.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..32].copy_from_slice(&self.signing.0);
        bytes[32..64].copy_from_slice(&self.network.0);
        bytes[64..].copy_from_slice(&self.circle.0);
        bytes
    }

    /// Reads the byte map. Whether the keys are usable shows when one is used.
    ///
    /// # Errors
    /// [`crate::wire::DecodeError::Truncated`] when fewer than 96 bytes are left.
    pub fn read(reader: &mut crate::wire::Reader<'_>) -> Result<Self, crate::wire::DecodeError> {
        Ok(Self {
            signing: DeviceKey(reader.array()?),
            network: NetworkKey(reader.array()?),
            circle: CircleKey(reader.array()?),
        })
    }
}

/// The secret halves of a device's keys.
#[derive(Clone)]
pub struct Keys {
    signing: SigningKey,
    network: SigningKey,
    circle: x25519_dalek::StaticSecret,
}

impl Keys {
    /// Derives the three pairs from a seed.
    #[must_use]
    pub fn from_seed(seed: &Seed) -> Self {
        Self {
            signing: SigningKey::from_bytes(&blake3::derive_key("essaim v1 device signing key", &seed.0)),
            network: SigningKey::from_bytes(&blake3::derive_key("essaim v1 device network key", &seed.0)),
            circle: x25519_dalek::StaticSecret::from(blake3::derive_key("essaim v1 device circle key", &seed.0)),
        }
    }

    /// The public halves.
    #[must_use]
    pub fn device(&self) -> Device {
        Device {
            signing: self.key(),
            network: NetworkKey(self.network.verifying_key().to_bytes()),
            circle: CircleKey(x25519_dalek::PublicKey::from(&self.circle).to_bytes()),
        }
    }

    /// The public signing key.
    #[must_use]
    pub fn key(&self) -> DeviceKey {
        DeviceKey(self.signing.verifying_key().to_bytes())
    }

    /// The secret of the libp2p identity.
    #[must_use]
    pub fn network_secret(&self) -> [u8; 32] {
        self.network.to_bytes()
    }

    /// Signs with the network key, so that nobody can claim the libp2p identity of another.
    #[must_use]
    pub fn sign_as_network(&self, domain: Domain, parts: &[&[u8]]) -> Signature {
        Signature(self.network.sign(&domain.message(parts)).to_bytes())
    }

    /// Signs the concatenation of a domain and `parts`.
    #[must_use]
    pub fn sign(&self, domain: Domain, parts: &[&[u8]]) -> Signature {
        Signature(self.signing.sign(&domain.message(parts)).to_bytes())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.key()).finish()
    }
}

/// What a signature is for: the first bytes of every signed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Domain(&'static str);

impl Domain {
    /// A membership statement.
    pub const STATEMENT: Self = Self("essaim.v1/statement\0");
    /// A change of a record.
    pub const CHANGE: Self = Self("essaim.v1/change\0");
    /// The adoption of a reference change.
    pub const ADOPTION: Self = Self("essaim.v1/adoption\0");
    /// A ticket key's word that its holder joins as a given ally.
    pub const TICKET: Self = Self("essaim.v1/ticket\0");
    /// A ticket key's word over both peers of a connection.
    pub const TICKET_SESSION: Self = Self("essaim.v1/ticket-session\0");
    /// A network key's word that it belongs to a device.
    pub const NETWORK: Self = Self("essaim.v1/network\0");
    /// A new device's consent to belong to an ally.
    pub const DEVICE: Self = Self("essaim.v1/device\0");

    fn message(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.0.len() + parts.iter().map(|part| part.len()).sum::<usize>());
        message.extend_from_slice(self.0.as_bytes());
        for part in parts {
            message.extend_from_slice(part);
        }
        message
    }
}

/// An Ed25519 signature that nobody has checked yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", &crate::id::base32(&self.0)[..8])
    }
}

impl Signature {
    /// Length in bytes.
    pub const LEN: usize = 64;

    /// Checks, strictly, that `key` signed the concatenation of `domain` and `parts`. The parts must have fixed
    /// lengths, or carry them, so that no two lists of parts concatenate to one message.
    ///
    /// # Errors
    /// [`BadSignature`] when it did not, or when the key is no valid key.
    pub fn verify(&self, key: &DeviceKey, domain: Domain, parts: &[&[u8]]) -> Result<(), BadSignature> {
        VerifyingKey::from_bytes(&key.0)
            .and_then(|key| key.verify_strict(&domain.message(parts), &ed25519_dalek::Signature::from_bytes(&self.0)))
            .map_err(|_| BadSignature)
    }
}

/// A signature that its claimed author did not make. Whoever sent it misbehaves: it is wrong on every node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not by the device that is named")]
pub struct BadSignature;

/// What a signed thing must say of itself to be verified.
pub trait Claim {
    /// The device that is said to have signed.
    fn signer(&self) -> DeviceKey;

    /// Checks the signature in the given commons.
    ///
    /// # Errors
    /// [`BadSignature`] when the named device did not sign this in this commons.
    fn check(&self, commons: &crate::id::CommonsId) -> Result<(), BadSignature>;
}

/// Something that says it was signed, decoded but not believed. Reading more than its claims takes [`Signed::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<T>(T);

impl<T: Claim> Signed<T> {
    /// Wraps what was decoded.
    pub const fn new(claim: T) -> Self {
        Self(claim)
    }

    /// The device that is said to have signed: for blame, not for belief.
    pub fn claimed_signer(&self) -> DeviceKey {
        self.0.signer()
    }

    /// The claim itself, for what needs no belief: its id, its length, what it depends on.
    pub const fn unverified(&self) -> &T {
        &self.0
    }

    /// Checks the signature and opens.
    ///
    /// # Errors
    /// [`BadSignature`] when the named device did not sign this in this commons.
    pub fn verify(self, commons: &crate::id::CommonsId) -> Result<Verified<T>, BadSignature> {
        self.0.check(commons)?;
        Ok(Verified(self.0))
    }

    /// Opens without checking: for what our own store kept after it was verified.
    pub fn trust(self) -> Verified<T> {
        Verified(self.0)
    }
}

/// Something whose signature was checked by this program, or made by it, or that comes from our own store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// For what this device signed a moment ago, or what our own store kept after verification.
    pub const fn trusted(claim: T) -> Self {
        Self(claim)
    }

    /// The payload, owned.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(name: &str) -> Keys {
        Keys::from_seed(&Seed::new(*blake3::hash(name.as_bytes()).as_bytes()))
    }

    #[test]
    fn a_signature_holds_for_its_key_its_domain_and_its_message_only() {
        let (alice, eve) = (keys("alice"), keys("eve"));
        let signature = alice.sign(Domain::STATEMENT, &[b"commons", b"id"]);
        assert_eq!(signature.verify(&alice.key(), Domain::STATEMENT, &[b"commons", b"id"]), Ok(()));
        assert_eq!(signature.verify(&eve.key(), Domain::STATEMENT, &[b"commons", b"id"]), Err(BadSignature));
        assert_eq!(signature.verify(&alice.key(), Domain::CHANGE, &[b"commons", b"id"]), Err(BadSignature));
        assert_eq!(signature.verify(&alice.key(), Domain::STATEMENT, &[b"commons", b"it"]), Err(BadSignature));
    }

    #[test]
    fn a_weak_key_verifies_nothing() {
        // The identity point: under cofactored or batch verification it signs every message.
        let mut weak = [0u8; 32];
        weak[0] = 1;
        let mut forged = [0u8; 64];
        forged[0] = 1;
        assert_eq!(Signature(forged).verify(&DeviceKey(weak), Domain::CHANGE, &[b"anything"]), Err(BadSignature));
    }

    #[test]
    fn the_three_keys_of_a_seed_differ_and_never_change() {
        let device = keys("alice").device();
        assert_ne!(device.signing.0, device.network.0);
        assert_eq!(device, keys("alice").device());
        assert_eq!(Device::read(&mut crate::wire::Reader::new(&device.to_bytes())), Ok(device));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let seed = Seed::new([7; 32]);
        assert_eq!(format!("{seed:?}"), "Seed(…)");
        assert!(!format!("{:?}", Keys::from_seed(&seed)).contains("SigningKey"));
    }
}
