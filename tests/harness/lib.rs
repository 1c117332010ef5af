//! What the scenarios share: homes, nodes, users, stories, the simulator.

pub mod browser;
pub mod cluster;
pub mod disk;
pub mod french;
pub mod screens;
pub mod sim;
pub mod story;
pub mod visitor;

/// A French text with the spaces and apostrophes of a keyboard, as tests and stories write it.
#[must_use]
pub fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ").replace('’', "'")
}
