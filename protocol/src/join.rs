//! Joining by ticket: what a newcomer and an ally say to each other before the newcomer is in.
//!
//! The newcomer holds a ticket and dials a peer that it names. It *knocks*: it names the commons and the invitation and
//! proves the ticket's key over both ends of the connection, so that nobody else can use what he overhears. An ally who
//! does not know the commons, or the invitation, or finds the proof wrong, answers the one word *unknown*, whatever the
//! reason: who has no ticket learns nothing. Otherwise it answers *welcome* with the text of the charter, then *all
//! statements* of the commons in log order, then *end*. Now the newcomer knows the commons' name, who is in it and what
//! it is asked to sign, and may leave. If it goes on it sends its `Inception` and `Redeem`, *end*; the ally takes them,
//! admits if it may, and sends the statements that follow from it, *end*. An ally who may not admit passes the request
//! on by sync, and the newcomer asks again later.
//!
//! ```text
//! frame      = type u8 ‖ body, inside one frame of the stream
//! knock      = 16 ‖ version u8 (1) ‖ commons [32] ‖ invite [32] ‖ proof [64]
//! unknown    = 17
//! welcome    = 18 ‖ charter, UTF-8
//! statements = 19 ‖ (length LEB128 ‖ statement)+, each longer than its signature of 64 bytes
//! end        = 20
//! ```

use crate::id::{CommonsId, StatementId};
use crate::sign::Signature;
use crate::wire::{DecodeError, Reader, Write as _};

/// The version of this exchange.
const VERSION: u8 = 1;

/// Longest charter: some twenty printed pages. A longer one would be signed unread.
pub const MAX_CHARTER: usize = 64 * 1024;

/// Statement bytes in one frame: below the 256 KiB that the stream allows, with room for one more statement.
pub const FRAME_BYTES: usize = 128 * 1024;

/// Statement bytes that a newcomer takes before it is in: 200,000 statements of ordinary length, the memory of a small
/// machine.
pub const MAX_ROSTER: usize = 64 * 1024 * 1024;

/// Statements that a newcomer takes before it is in, so that small ones cost no more memory than their bytes say.
pub const MAX_STATEMENTS: usize = 400_000;

/// Statement bytes that an ally takes from somebody who is not in: an `Inception` with a name of 1,000 characters of four
/// bytes and a `Redeem`. It is all that a stranger with a ticket can make an ally store.
pub const MAX_NEWCOMER: usize = 8 * 1024;

/// Statements that an ally takes from somebody who is not in: an `Inception` and a `Redeem`.
pub const MAX_PRESENTED: usize = 2;

/// What a newcomer says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knock {
    /// The commons of the ticket.
    pub commons: CommonsId,
    /// The invitation of the ticket.
    pub invite: StatementId,
    /// The ticket key's signature over both ends of the connection, newcomer first.
    pub proof: Signature,
}

/// One step of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Newcomer to ally, first.
    Knock(Knock),
    /// Ally to newcomer: nothing is known here of what was asked.
    Unknown,
    /// Ally to newcomer: the proof is good, and this is the charter.
    Welcome {
        /// The charter's text.
        charter: String,
    },
    /// Statements in their stored form, in log order.
    Statements(Vec<Vec<u8>>),
    /// The sender's turn is over.
    End,
}

impl Frame {
    /// Whether a frame belongs to this exchange: the first frame of a stream tells what the stream is for.
    #[must_use]
    pub fn is_knock(bytes: &[u8]) -> bool {
        bytes.first() == Some(&16)
    }

    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Knock(knock) => {
                let mut bytes = vec![16, VERSION];
                bytes.extend_from_slice(&knock.commons.0);
                bytes.extend_from_slice(&knock.invite.0);
                bytes.extend_from_slice(&knock.proof.0);
                bytes
            }
            Self::Unknown => vec![17],
            Self::Welcome { charter } => [&[18], charter.as_bytes()].concat(),
            Self::Statements(statements) => {
                let mut bytes = vec![19];
                for statement in statements {
                    bytes.put_bytes(statement);
                }
                bytes
            }
            Self::End => vec![20],
        }
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`]: the peer is broken, hostile, or of another version ([`DecodeError::Unknown`]).
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let frame = match reader.u8()? {
            16 => match reader.u8()? {
                VERSION => Self::Knock(Knock {
                    commons: CommonsId(reader.array()?),
                    invite: StatementId(reader.array()?),
                    proof: Signature(reader.array()?),
                }),
                found => return Err(DecodeError::Unknown { what: "joining version", found: found.into() }),
            },
            17 => Self::Unknown,
            18 => Self::Welcome { charter: read_charter(reader.rest())? },
            19 => Self::Statements(read_statements(&mut reader)?),
            20 => Self::End,
            found => return Err(DecodeError::Unknown { what: "joining frame", found: found.into() }),
        };
        reader.end()?;
        Ok(frame)
    }
}

/// Cuts statements, in order, into frames of about [`FRAME_BYTES`].
#[must_use]
pub fn frames(statements: impl IntoIterator<Item = Vec<u8>>) -> Vec<Frame> {
    let mut frames = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for statement in statements {
        bytes += statement.len();
        batch.push(statement);
        if bytes >= FRAME_BYTES {
            frames.push(Frame::Statements(std::mem::take(&mut batch)));
            bytes = 0;
        }
    }
    if !batch.is_empty() {
        frames.push(Frame::Statements(batch));
    }
    frames
}

fn read_charter(bytes: &[u8]) -> Result<String, DecodeError> {
    if bytes.len() > MAX_CHARTER {
        return Err(DecodeError::TooLarge { what: "a charter", found: bytes.len() as u64, max: MAX_CHARTER as u64 });
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| DecodeError::Invalid { what: "a charter" })
}

/// One statement at least, and each longer than its signature: frames that bring nothing would keep a stream open for ever,
/// and 256 KiB of statements of no byte would take 6 MiB.
fn read_statements(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut statements = Vec::new();
    loop {
        let longest = crate::entry::Statement::MAX + Signature::LEN;
        let statement = reader.bytes("a statement", longest)?;
        if statement.len() <= Signature::LEN {
            return Err(DecodeError::Invalid { what: "a statement" });
        }
        statements.push(statement.to_vec());
        if reader.is_empty() {
            return Ok(statements);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIRE: &str = include_str!("../../tests/fixtures/wire/v1/join.txt");

    fn every_frame() -> Vec<Frame> {
        let knock = Knock { commons: CommonsId([1; 32]), invite: StatementId([2; 32]), proof: Signature([3; 64]) };
        vec![
            Frame::Knock(knock),
            Frame::Unknown,
            Frame::Welcome { charter: "Charte de l’alliance".to_owned() },
            Frame::Statements(vec![vec![1; 65], vec![2; 66], vec![4; 300]]),
            Frame::End,
        ]
    }

    #[test]
    fn frames_are_the_bytes_they_always_were() {
        let lines = WIRE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let golden: Vec<&str> = lines.filter_map(|line| Some(line.rsplit_once(' ')?.1)).collect();
        let ours: Vec<String> =
            every_frame().iter().map(|frame| data_encoding::HEXLOWER.encode(&frame.encode())).collect();
        assert_eq!(ours, golden);
    }

    #[test]
    fn every_frame_is_read_back() {
        for frame in every_frame() {
            assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }
    }

    #[test]
    fn a_charter_or_statement_over_its_bound_is_refused() {
        let charter = Frame::Welcome { charter: "é".repeat(MAX_CHARTER) };
        assert!(matches!(Frame::decode(&charter.encode()), Err(DecodeError::TooLarge { .. })));
        let statement = Frame::Statements(vec![vec![0; 20_000]]);
        assert!(matches!(Frame::decode(&statement.encode()), Err(DecodeError::TooLarge { .. })));
    }

    #[test]
    fn a_frame_of_empty_statements_or_of_none_is_refused() {
        let zeros = [&[19][..], &[0; 256 * 1024]].concat();
        assert_eq!(Frame::decode(&zeros), Err(DecodeError::Invalid { what: "a statement" }));
        let bare = Frame::Statements(vec![vec![1; 65], vec![2; Signature::LEN]]);
        assert_eq!(Frame::decode(&bare.encode()), Err(DecodeError::Invalid { what: "a statement" }));
        assert!(matches!(Frame::decode(&[19]), Err(DecodeError::Truncated { .. })));
    }

    #[test]
    fn statements_are_cut_into_frames_and_keep_their_order() {
        let statements: Vec<_> = (0..1000u32).map(|n| n.to_le_bytes().repeat(100)).collect();
        let frames = frames(statements.clone());
        assert!(frames.iter().all(|frame| frame.encode().len() < FRAME_BYTES + 1024));
        let again: Vec<_> = frames
            .into_iter()
            .flat_map(|frame| if let Frame::Statements(some) = frame { some } else { vec![] })
            .collect();
        assert_eq!(again, statements);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = Frame::decode(&bytes);
        }

        #[test]
        fn a_cut_frame_is_another_frame_or_none(which in 0..5usize, keep in 0.0..1.0) {
            let whole = every_frame().remove(which);
            let bytes = whole.encode();
            let cut = &bytes[..(bytes.len() as f64 * keep) as usize];
            prop_assert_ne!(Frame::decode(cut), Ok(whole));
        }
    }
}
