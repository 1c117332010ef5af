//! Scenarios of many nodes, in one binary: a file a theme.

mod bad_input;
#[cfg(target_os = "linux")]
mod clock;
mod commands;
mod convergence;
mod crash;
mod demo;
mod folding;
mod french;
mod full_disk;
mod hostile_member;
mod hostile_net;
mod killed;
mod meeting;
mod nearby;
mod newcomer;
mod page;
mod reading;
mod running;
mod store_format;
mod stories;
mod together;
