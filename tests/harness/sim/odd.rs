//! A node whose program is of another version: its hello has bits that mean nothing yet, and sometimes another version
//! altogether, as while it is being updated. What it writes stands in [`super::pen`].

use super::dice::Dice;

/// The type of a hello.
const HELLO: u8 = 1;

/// The frame as a program of another version sends it: a hello with future capabilities, or, if `incompatible`, of
/// another version of the protocol.
pub(super) fn twist(mut frame: Vec<u8>, incompatible: bool, dice: &mut Dice) -> Vec<u8> {
    if let [HELLO, version, capabilities @ ..] = &mut frame[..]
        && let Some(capabilities) = capabilities.first_chunk_mut::<4>()
    {
        *capabilities = ((dice.roll() as u32) | 1 << 31).to_le_bytes();
        if incompatible {
            *version = if dice.one_in(2) { 0 } else { 2 };
        }
    }
    frame
}
