//! The rules of Essaim: everything that must be the same on every node, and nothing else.
//!
//! A **commons** is a set of signed [entries](entry): membership *statements*, *changes* of records, and *adoptions* of
//! reference changes. The [roster] resolves the statements into who may do what; [records](record) are automerge
//! documents folded from changes; two nodes [sync] by finding the difference of their sets with a rateless
//! [sketch] and sending just that. There is no server: a node is right when it holds the set.
//!
//! Nothing here touches a socket, a disk, a clock or a source of randomness: time and random bytes are arguments, so
//! that the simulator runs hundreds of nodes from one seed.
//!
//! In reading order: [`id`], [`time`], [`wire`], [`sign`]; [`gate`], [`entry`]; [`roster`], [`record`]; [`digest`],
//! [`sketch`], [`set`], [`store`]; [`sync`], [`commons`], [`join`]; [`query`], [`api`]. One of them never names a later
//! one.
#![warn(missing_docs)]

pub mod api;
mod bits;
pub mod commons;
pub mod digest;
pub mod entry;
pub mod gate;
pub mod id;
pub mod join;
pub mod query;
pub mod record;
pub mod roster;
pub mod set;
pub mod sign;
pub mod sketch;
pub mod store;
pub mod sync;
pub mod time;
pub mod typography;
pub mod wire;
