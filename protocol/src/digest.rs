//! The digest of a set of entries: equal for equal sets, whatever the order in which entries came and went.
//!
//! LtHash16 with 1,024 lanes (Lewi, Kim, Maykov, Weis: *Securing Update Propagation with Homomorphic Hashing*, 2019):
//! each entry id is stretched to 2 KiB by BLAKE3 and added lane by lane modulo 2^16. An XOR of hashes would be as
//! incremental, but two sets of equal XOR are found by solving linear equations; here it takes a short vector in a
//! lattice.
//!
//! Two peers never send the digest itself. Each sends a [tag](Digest::tag) keyed with it that names its sender, so that
//! a peer that does not hold our set cannot show our own tag to us and be believed.

use crate::id::{CommonsId, EntryId, NetworkKey};
use crate::wire::{DecodeError, Reader};

const LANES: usize = 1024;

/// The state of the digest of a set of entry ids.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest(Box<[u16; LANES]>);

/// What one peer says of its set to another: equal to what the other computes only if the sets are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag(pub [u8; 16]);

impl Digest {
    /// Bytes of the state.
    pub const LEN: usize = LANES * 2;

    /// The digest of the empty set.
    #[must_use]
    pub fn new() -> Self {
        Self(Box::new([0; LANES]))
    }

    /// Adds an entry that is not in the set.
    pub fn insert(&mut self, id: &EntryId) {
        self.each_lane(id, u16::wrapping_add);
    }

    /// Takes out an entry that is in the set.
    pub fn remove(&mut self, id: &EntryId) {
        self.each_lane(id, u16::wrapping_sub);
    }

    /// The tag by which `sender` shows, in one commons, that it holds this set.
    #[must_use]
    pub fn tag(&self, sender: &NetworkKey, commons: &CommonsId) -> Tag {
        let mut hasher = blake3::Hasher::new_keyed(&self.hash());
        hasher.update(&sender.0).update(&commons.0);
        let mut tag = [0; 16];
        hasher.finalize_xof().fill(&mut tag);
        Tag(tag)
    }

    /// 32 bytes that name the set: BLAKE3 of the state. For this node's own eyes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.to_bytes()).as_bytes()
    }

    /// The state, each lane in little-endian order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    /// Reads a state back.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer than [`Digest::LEN`] bytes are left.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut digest = Self::new();
        for lane in &mut *digest.0 {
            *lane = reader.u16()?;
        }
        Ok(digest)
    }

    fn each_lane(&mut self, id: &EntryId, change: impl Fn(u16, u16) -> u16) {
        let mut stretched = [0; Self::LEN];
        let mut hasher = blake3::Hasher::new_derive_key("essaim v1 set digest");
        hasher.update(&id.0).finalize_xof().fill(&mut stretched);
        for (lane, bytes) in self.0.iter_mut().zip(stretched.chunks_exact(2)) {
            *lane = change(*lane, u16::from_le_bytes([bytes[0], bytes[1]]));
        }
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({})", &crate::id::base32(&self.hash())[..crate::id::SHORT])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(ids: &[[u8; 32]]) -> Digest {
        let mut digest = Digest::new();
        ids.iter().for_each(|id| digest.insert(&EntryId(*id)));
        digest
    }

    proptest! {
        #[test]
        fn the_order_of_coming_and_going_leaves_no_trace(mut ids: Vec<[u8; 32]>, gone: [u8; 32]) {
            let digest = of(&ids);
            ids.reverse();
            ids.push(gone);
            let mut again = of(&ids);
            again.remove(&EntryId(gone));
            prop_assert_eq!(&again, &digest);
            prop_assert_eq!(Digest::read(&mut Reader::new(&digest.to_bytes())), Ok(digest));
        }
    }

    #[test]
    fn a_tag_is_of_one_set_one_sender_and_one_commons() {
        let (alice, bob) = (NetworkKey([1; 32]), NetworkKey([2; 32]));
        let (commons, circle) = (CommonsId([3; 32]), CommonsId([4; 32]));
        let tag = of(&[[5; 32]]).tag(&alice, &commons);
        assert_eq!(tag, of(&[[5; 32]]).tag(&alice, &commons));
        assert_ne!(tag, of(&[[5; 32]]).tag(&bob, &commons));
        assert_ne!(tag, of(&[[5; 32]]).tag(&alice, &circle));
        assert_ne!(tag, of(&[[6; 32]]).tag(&alice, &commons));
    }

    #[test]
    fn an_entry_twice_is_not_an_entry_once() {
        assert_ne!(of(&[[5; 32], [5; 32]]), of(&[[5; 32]]));
        assert_ne!(of(&[[5; 32], [5; 32]]), Digest::new());
    }
}
