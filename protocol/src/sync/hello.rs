//! What each side says first: of which commons, how many entries, and tags that are equal only for equal sets.

use crate::digest::Tag;
use crate::id::{CommonsId, Epoch};
use crate::sketch::MAX_COUNT;
use crate::wire::{DecodeError, Reader};

/// The version of this protocol. Another one is spoken under another protocol name.
pub const VERSION: u8 = 1;

/// The first frame of a session, from either side. With the five bytes of a frame's head it takes 118 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// What the sender can do beyond version 1. Unknown bits are harmless.
    pub capabilities: u32,
    /// The commons.
    pub commons: CommonsId,
    /// How many entries the sender's set has.
    pub count: u64,
    /// The tag of the whole set.
    pub all: Tag,
    /// The tag of the statements.
    pub statements: Tag,
    /// The epoch of the sender's store, within which its ordinals mean something.
    pub epoch: Epoch,
    /// How many entries of the set the sender will not hold.
    pub declined: u32,
    /// The tag of those.
    pub declined_tag: Tag,
}

impl Hello {
    /// Bytes of its body.
    pub const LEN: usize = 113;

    /// The body: version u8 ‖ capabilities u32 ‖ commons \[32\] ‖ count u64 ‖ all \[16\] ‖ statements \[16\] ‖ epoch \[16\] ‖
    /// declined u32 ‖ declined tag \[16\].
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.capabilities.to_le_bytes());
        bytes.extend_from_slice(&self.commons.0);
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&self.all.0);
        bytes.extend_from_slice(&self.statements.0);
        bytes.extend_from_slice(&self.epoch.0);
        bytes.extend_from_slice(&self.declined.to_le_bytes());
        bytes.extend_from_slice(&self.declined_tag.0);
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`DecodeError::Unknown`] for another version; otherwise as the reader's, and [`DecodeError::TooLarge`] for a set
    /// that no node holds.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            VERSION => {}
            version => return Err(DecodeError::Unknown { what: "version of sync", found: version.into() }),
        }
        let hello = Self {
            capabilities: reader.u32()?,
            commons: CommonsId(reader.array()?),
            count: reader.u64()?,
            all: Tag(reader.array()?),
            statements: Tag(reader.array()?),
            epoch: Epoch(reader.array()?),
            declined: reader.u32()?,
            declined_tag: Tag(reader.array()?),
        };
        if hello.count > MAX_COUNT {
            return Err(DecodeError::TooLarge { what: "the count of a set", found: hello.count, max: MAX_COUNT });
        }
        Ok(hello)
    }
}
