//! What the program tells of itself while it works, on standard error: for whoever looks after a node.
//!
//! `ESSAIM_LOG` says what is shown, in the words of [`EnvFilter`]: `ESSAIM_LOG=essaim_node=debug`. Unless it does, a node
//! that runs tells only what is damaged or a defect, since people see it who do not read this language of machines, and a
//! command that ends at once tells nothing: its own answer says all.

use std::io;

use tracing_subscriber::EnvFilter;

/// Begins to show the log.
pub(crate) fn begin(long_running: bool) {
    let usual = if long_running { "error" } else { "off" };
    let filter = EnvFilter::try_from_env("ESSAIM_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A reader that hangs up is no reason to stop. It fails only where somebody shows the log already.
    let _ = log.log_internal_errors(false).try_init();
}
