//! Entries: what a commons consists of, each with its id and its signature.

pub mod statement;
