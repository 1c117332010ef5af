//! What the scenarios share: homes, nodes, users, stories, the simulator.

pub mod browser;
pub mod cluster;
pub mod disk;
pub mod sim;
pub mod story;
pub mod visitor;
