//! What the scenarios share: homes, nodes, users, stories, the simulator.

pub mod cluster;
pub mod sim;
pub mod story;
