//! The hand: the `essaim` command.
//!
//! The story of one command: `args` reads what was typed, in the person's language, down to its mistakes; the
//! command's file in `commands` asks the node through `client`, which finds a running one or runs its API inside this
//! process; the answer is printed by `ui`; an error becomes a sentence and a hint in `error`, and an exit code.
//!
//! | exit code | |
//! |---|---|
//! | 0 | done |
//! | 1 | failed |
//! | 2 | typed in a way that cannot be understood |
//! | 3 | no peer could be reached |
//! | 4 | done in part: some peers or lines did not make it |

use std::ffi::OsString;
use std::process::ExitCode;

mod args;
mod client;
mod commands;
mod error;
mod log;
mod text;
mod ui;

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    NoPeer,
    Partial,
}

/// Runs one command and says how it went.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let lang = args::language(&args, |name| std::env::var(name).ok());
    let plain = ui::Ui::new(lang, ui::Look::default());
    error::tell_panics(lang);
    let typed = match args::parse(&args, &plain.texts) {
        Ok(typed) => typed,
        Err(error) => return error::mistyped(&plain, &error),
    };
    log::begin(matches!(typed.command, args::Command::Up(_)));
    let ui = ui::Ui::new(lang, typed.look());
    let ended = commands::run(&ui, typed).and_then(|outcome| ui.printed().map(|()| outcome));
    ExitCode::from(match ended {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::NoPeer) => 3,
        Ok(Outcome::Partial) => 4,
        Err(failure) => {
            ui.clear_progress();
            failure.print(&ui);
            failure.code()
        }
    })
}
