//! Reading and writing bytes that others made: a cursor whose every step can fail, and nothing is allocated from a
//! claimed length.
//!
//! Integers are little-endian or LEB128 (as automerge writes them); collections carry a count that is checked against a
//! bound of their own before anything is reserved. What is longer than needed to say the same thing is refused, so that
//! bytes have one spelling and a signature covers one meaning.
//!
#![doc = include_str!("../docs/wire.md")]

/// Why bytes are not what they claim to be. The sender is at fault, never the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("cut short at byte {at}")]
    Truncated {
        /// Offset of the value that does not fit.
        at: usize,
    },
    /// Bytes follow the last value.
    #[error("{count} bytes too many")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A length or count is over its bound.
    #[error("{what}: {found} is over the limit of {max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The claimed length or count.
        found: u64,
        /// The bound.
        max: u64,
    },
    /// A value that this format does not have.
    #[error("{what} is not valid")]
    Invalid {
        /// Which value.
        what: &'static str,
    },
    /// A value spelled in another way than the one allowed.
    #[error("{what} is not in its canonical form")]
    NotCanonical {
        /// Which value.
        what: &'static str,
    },
    /// A version or kind newer than this program: the sender is newer, not wrong.
    #[error("{what} {found} is not known to this version")]
    Unknown {
        /// What is of an unknown version or kind.
        what: &'static str,
        /// Its number.
        found: u64,
    },
}

/// A cursor over bytes that are not trusted.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The offset of the next byte.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Whether all bytes were read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(DecodeError::Truncated { at: self.at })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        self.at = self.bytes.len();
        rest
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    /// A little-endian 16-bit number.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// A little-endian 32-bit number.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A little-endian 64-bit number.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A little-endian signed 64-bit number.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_le_bytes)
    }

    /// An unsigned LEB128 number, in its shortest spelling.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end, [`DecodeError::NotCanonical`] when padded,
    /// [`DecodeError::Invalid`] over 64 bits.
    #[inline]
    pub fn uleb(&mut self) -> Result<u64, DecodeError> {
        // Nearly every number in a column has one byte.
        match self.bytes.get(self.at) {
            Some(byte @ 0..0x80) => {
                self.at += 1;
                Ok((*byte).into())
            }
            Some(_) | None => self.long_uleb(),
        }
    }

    fn long_uleb(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift >= 64 || (shift == 63 && bits > 1) {
                return Err(DecodeError::Invalid { what: "a number over 64 bits" });
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 {
                    Err(DecodeError::NotCanonical { what: "a number" })
                } else {
                    Ok(value)
                };
            }
        }
        unreachable!("the loop above ends by returning at 64 bits")
    }

    /// A signed LEB128 number, in its shortest spelling.
    ///
    /// # Errors
    /// As [`Reader::uleb`].
    #[inline]
    pub fn sleb(&mut self) -> Result<i64, DecodeError> {
        match self.bytes.get(self.at) {
            Some(byte @ 0..0x80) => {
                self.at += 1;
                // The sign is the seventh bit.
                Ok(((*byte << 1) as i8 >> 1).into())
            }
            Some(_) | None => self.long_sleb(),
        }
    }

    fn long_sleb(&mut self) -> Result<i64, DecodeError> {
        let mut value = 0i64;
        let mut previous = 0u8;
        for shift in (0..).step_by(7) {
            let byte = self.u8()?;
            if shift >= 64 || (shift == 63 && !matches!(byte, 0 | 0x7f)) {
                return Err(DecodeError::Invalid { what: "a number over 64 bits" });
            }
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let padded =
                    shift > 0 && ((byte == 0 && previous & 0x40 == 0) || (byte == 0x7f && previous & 0x40 != 0));
                if padded {
                    return Err(DecodeError::NotCanonical { what: "a number" });
                }
                if byte & 0x40 != 0 && shift + 7 < 64 {
                    value |= -1i64 << (shift + 7);
                }
                return Ok(value);
            }
            previous = byte;
        }
        unreachable!("the loop above ends by returning at 64 bits")
    }

    /// A LEB128 count or length that must not exceed `max`.
    ///
    /// # Errors
    /// As [`Reader::uleb`], and [`DecodeError::TooLarge`] over `max`.
    pub fn count(&mut self, what: &'static str, max: usize) -> Result<usize, DecodeError> {
        let found = self.uleb()?;
        usize::try_from(found).ok().filter(|n| *n <= max).ok_or(DecodeError::TooLarge { what, found, max: max as u64 })
    }

    /// Bytes with their length in front, of at most `max` bytes.
    ///
    /// # Errors
    /// As [`Reader::count`] and [`Reader::take`].
    pub fn bytes(&mut self, what: &'static str, max: usize) -> Result<&'a [u8], DecodeError> {
        let n = self.count(what, max)?;
        self.take(n)
    }

    /// UTF-8 text with its length in front, of at most `max` bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`], and [`DecodeError::Invalid`] when it is not UTF-8.
    pub fn text(&mut self, what: &'static str, max: usize) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes(what, max)?).map_err(|_| DecodeError::Invalid { what })
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] otherwise.
    pub const fn end(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            count => Err(DecodeError::Trailing { count }),
        }
    }
}

/// Writing the same forms at the end of a buffer.
pub trait Write {
    /// A LEB128 number in its shortest spelling.
    fn put_uleb(&mut self, value: u64);
    /// A signed LEB128 number in its shortest spelling.
    fn put_sleb(&mut self, value: i64);
    /// Bytes with their length in front.
    fn put_bytes(&mut self, bytes: &[u8]);
}

impl Write for Vec<u8> {
    fn put_uleb(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    fn put_sleb(&mut self, mut value: i64) {
        loop {
            let byte = (value & 0x7f) as u8;
            value >>= 7;
            let done = (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0);
            self.push(if done { byte } else { byte | 0x80 });
            if done {
                return;
            }
        }
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_uleb(bytes.len() as u64);
        self.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_have_one_spelling(unsigned: u64, signed: i64) {
            let mut bytes = Vec::new();
            bytes.put_uleb(unsigned);
            bytes.put_sleb(signed);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.uleb(), Ok(unsigned));
            prop_assert_eq!(reader.sleb(), Ok(signed));
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn any_bytes_are_read_without_panic_and_spelled_back_as_they_were(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.sleb() {
                let mut again = Vec::new();
                again.put_sleb(value);
                prop_assert_eq!(&again[..], &bytes[..reader.position()]);
            }
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.uleb() {
                let mut again = Vec::new();
                again.put_uleb(value);
                prop_assert_eq!(&again[..], &bytes[..reader.position()]);
            }
        }
    }

    #[test]
    fn a_claimed_length_is_checked_before_it_is_believed() {
        let mut bytes = Vec::new();
        bytes.put_uleb(1 << 40);
        let error = Reader::new(&bytes).bytes("a name", 100);
        assert_eq!(error, Err(DecodeError::TooLarge { what: "a name", found: 1 << 40, max: 100 }));
        assert_eq!(Reader::new(&[5, 1]).bytes("a name", 100), Err(DecodeError::Truncated { at: 1 }));
    }
}
