//! Keys and signatures: the only way to what somebody signed is through verification.
//!
//! A device keeps one [`Seed`]. Three key pairs derive from it: *signing* (Ed25519, statements and changes), *network*
//! (Ed25519, the libp2p identity) and *circle* (X25519, to seal a circle's keys to the device). Their public halves are
//! the [`Device`].
//!
//! Verification is Algorithm 2 of Chalkias, Garillot and Nikolaenko (*Taming the many EdDSAs*, 2020): canonical scalars and
//! points, no point of small order, and the equation with its cofactor. A signature then holds for one key and one message
//! only, and, unlike without the cofactor, many are judged together exactly as each alone would be: two nodes never
//! disagree on what is in the commons because one took an entry with others and one by itself. Together they cost a fifth.
//! Every message starts with a domain that ends in a zero byte, so that bytes signed for one purpose are never a signature
//! for another.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};
use ed25519_zebra::batch;
use rand_core::{CryptoRng, RngCore};

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

    /// Checks that `key` signed the concatenation of `domain` and `parts`. The parts must have fixed lengths, or carry
    /// them, so that no two lists of parts concatenate to one message.
    ///
    /// # Errors
    /// [`BadSignature`] when it did not, or when the key is no valid key.
    pub fn verify(&self, key: &DeviceKey, domain: Domain, parts: &[&[u8]]) -> Result<(), BadSignature> {
        self.item(key, &domain.message(parts))?.verify_single().map_err(|_| BadSignature)
    }

    fn item(&self, key: &DeviceKey, message: &[u8]) -> Result<batch::Item, BadSignature> {
        if !is_strict_point(&key.0) || self.0.first_chunk().is_none_or(|point| !is_strict_point(point)) {
            return Err(BadSignature);
        }
        Ok(batch::Item::from((key.0.into(), self.0.into(), message)))
    }
}

/// The coordinates y below 2^255 - 19 of the eight points of small order, little-endian.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = PRIME;
        minus_one[0] -= 1;
        minus_one
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// 2^255 - 19, little-endian.
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// Whether bytes, if they encode a point at all, encode one of large order in the only way there is.
fn is_strict_point(bytes: &[u8; 32]) -> bool {
    let mut y = *bytes;
    y[31] &= 0x7f;
    y.iter().rev().lt(PRIME.iter().rev()) && !SMALL_ORDER.contains(&y)
}

/// Signatures that are checked together.
#[derive(Debug, Default)]
pub struct Signatures {
    items: Vec<batch::Item>,
    /// Hashes all of them: whence the factors of the sum that is checked, so that whoever makes a signature does not know
    /// its factor before, and no randomness is needed.
    factors: blake3::Hasher,
}

impl Signatures {
    /// Adds one, which is checked with the others: see [`Signature::verify`].
    ///
    /// # Errors
    /// [`BadSignature`] when the key or the signature can be told to be wrong at once.
    pub fn add(
        &mut self,
        signature: &Signature,
        key: &DeviceKey,
        domain: Domain,
        parts: &[&[u8]],
    ) -> Result<(), BadSignature> {
        let message = domain.message(parts);
        self.items.push(signature.item(key, &message)?);
        self.factors.update(&key.0).update(&signature.0).update(blake3::hash(&message).as_bytes());
        Ok(())
    }

    /// Checks that all of them hold.
    fn check(self) -> Result<(), BadSignature> {
        let mut all = batch::Verifier::new();
        self.items.into_iter().for_each(|item| all.queue(item));
        all.verify(Factors(self.factors.finalize_xof())).map_err(|_| BadSignature)
    }
}

/// Numbers that nobody knows before the signatures stand.
struct Factors(blake3::OutputReader);

impl RngCore for Factors {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        self.0.fill(to);
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill(to);
        Ok(())
    }
}

impl CryptoRng for Factors {}

/// A signature that its claimed author did not make. Whoever sent it misbehaves: it is wrong on every node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not by the device that is named")]
pub struct BadSignature;

/// What a signed thing must say of itself to be verified.
pub trait Claim {
    /// The device that is said to have signed.
    fn signer(&self) -> DeviceKey;

    /// Checks what it says of itself in the given commons, and adds the signatures that make it true.
    ///
    /// # Errors
    /// [`BadSignature`] when it can be told at once that the named device did not sign this in this commons.
    fn check(&self, commons: &crate::id::CommonsId, signatures: &mut Signatures) -> Result<(), BadSignature>;
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
        let mut signatures = Signatures::default();
        self.0.check(commons, &mut signatures)?;
        signatures.check().map(|()| Verified(self.0))
    }

    /// Checks the signatures of many and opens each that was signed, as [`Signed::verify`] would. Answers stand in the
    /// order of the claims.
    pub fn verify_all(claims: Vec<Self>, commons: &crate::id::CommonsId) -> Vec<Result<Verified<T>, BadSignature>> {
        let mut signatures = Signatures::default();
        let whole = claims.iter().all(|claim| claim.0.check(commons, &mut signatures).is_ok());
        if whole && signatures.check().is_ok() {
            return claims.into_iter().map(|claim| Ok(Verified(claim.0))).collect();
        }
        claims.into_iter().map(|claim| claim.verify(commons)).collect()
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
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::CompressedEdwardsY;
    use curve25519_dalek::{EdwardsPoint, Scalar};
    use ed25519_dalek::VerifyingKey;
    use sha2::Digest as _;

    use super::*;
    use crate::id::CommonsId;

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
        // The identity point: by the equation alone it signs every message.
        let mut weak = [0u8; 32];
        weak[0] = 1;
        let mut forged = [0u8; 64];
        forged[0] = 1;
        assert_eq!(Signature(forged).verify(&DeviceKey(weak), Domain::CHANGE, &[b"anything"]), Err(BadSignature));
    }

    #[test]
    fn the_points_that_are_refused_are_those_of_small_order_and_those_spelled_twice() {
        let mut points = 0;
        for y in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut bytes = y;
                bytes[31] |= sign;
                assert!(!is_strict_point(&bytes));
                let Some(point) = CompressedEdwardsY(bytes).decompress() else { panic!("{bytes:?} is no point") };
                assert!(point.is_small_order());
                points += usize::from(point.compress().0 == bytes);
            }
        }
        assert_eq!(points, EIGHT_TORSION.len());
        for more in 0..19 {
            let mut beyond = PRIME;
            beyond[0] += more;
            assert!(!is_strict_point(&beyond));
        }
        assert!(is_strict_point(&keys("alice").key().0));
    }

    /// Signs with a secret, but for its public key plus a point of order 8: what the equation without cofactor takes for one
    /// message in eight, and a sum of such equations for one in so many that no two programs agree.
    fn crooked(domain: Domain, parts: &[&[u8]]) -> (DeviceKey, Signature) {
        let (secret, nonce) = (Scalar::from(0x5eed_u64), Scalar::from(0xface_u64));
        let key = (EdwardsPoint::mul_base(&secret) + EIGHT_TORSION[1]).compress().0;
        let point = EdwardsPoint::mul_base(&nonce).compress().0;
        let hash = sha2::Sha512::new().chain_update(point).chain_update(key).chain_update(domain.message(parts));
        let challenge = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&point);
        signature[32..].copy_from_slice(&(nonce + challenge * secret).to_bytes());
        (DeviceKey(key), Signature(signature))
    }

    #[test]
    fn signatures_are_judged_together_as_each_alone_even_those_that_other_rules_disagree_on() {
        let alice = keys("alice");
        let mut strict = 0;
        for number in 0..32_u8 {
            let (key, signature) = crooked(Domain::CHANGE, &[&[number]]);
            let other = VerifyingKey::from_bytes(&key.0).unwrap();
            let message = Domain::CHANGE.message(&[&[number]]);
            strict += u32::from(other.verify_strict(&message, &signature.0.into()).is_ok());

            let mut together = Signatures::default();
            together.add(&signature, &key, Domain::CHANGE, &[&[number]]).unwrap();
            let honest = alice.sign(Domain::CHANGE, &[&[number]]);
            together.add(&honest, &alice.key(), Domain::CHANGE, &[&[number]]).unwrap();
            assert_eq!(signature.verify(&key, Domain::CHANGE, &[&[number]]), Ok(()));
            assert_eq!(together.check(), Ok(()));
        }
        assert!((1..32).contains(&strict), "of the messages, {strict} tell the rules apart");
    }

    #[test]
    fn one_wrong_signature_among_many_is_found_and_harms_no_other() {
        #[derive(Debug, Clone, PartialEq, Eq)]
        struct Word(DeviceKey, u8, Signature);
        impl Claim for Word {
            fn signer(&self) -> DeviceKey {
                self.0
            }
            fn check(&self, commons: &CommonsId, signatures: &mut Signatures) -> Result<(), BadSignature> {
                signatures.add(&self.2, &self.0, Domain::CHANGE, &[&commons.0, &[self.1]])
            }
        }
        let commons = CommonsId([3; 32]);
        let word = |number: u8| {
            let keys = keys(["alice", "bob", "carol"][usize::from(number) % 3]);
            Word(keys.key(), number, keys.sign(Domain::CHANGE, &[&commons.0, &[number]]))
        };
        let words: Vec<Word> = (0..40).map(word).collect();
        for (wrong, spoil) in (0..40).zip([0_usize, 31, 32, 63].into_iter().cycle()) {
            let mut words = words.clone();
            words[wrong].2.0[spoil] ^= 0x55;
            let answers = Signed::verify_all(words.into_iter().map(Signed::new).collect(), &commons);
            for (number, answer) in answers.iter().enumerate() {
                assert_eq!(answer.is_ok(), number != wrong, "{number} when {wrong} is wrong");
            }
        }
        assert!(Signed::<Word>::verify_all(Vec::new(), &commons).is_empty());
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
