//! `essaim completions`: a script for the shell.

use clap_complete::Shell;

use super::Context;
use crate::Outcome;
use crate::args;
use crate::error::Failure;

pub(super) fn run(cx: &Context<'_>, shell: Shell) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(&cx.ui.texts), "essaim", &mut script);
    cx.ui.raw(&String::from_utf8_lossy(&script));
    Ok(Outcome::Done)
}
