//! Scenarios of many nodes, in one binary: a file a theme.

mod convergence;
mod crash;
mod hostile_net;
mod meeting;
mod store_format;
mod stories;
