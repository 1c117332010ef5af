//! Scenarios of many nodes, in one binary: a file a theme.

mod convergence;
mod hostile_net;
mod meeting;
