//! The hand: the `essaim` command.
