//! What went wrong, as a person reads it: one sentence with the value and the path, then `→` and what to type.
//!
//! Kinds and hints meet here and nowhere else. The sentences of [`api::Error`] are the rules' own, in both languages;
//! hints and everything that a command line adds come from the locales, mistakes in typing included: clap's own messages
//! exist in English only.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use essaim_protocol::api::{self, Candidate, Details, Problem};

use crate::text::t;
use crate::ui::{Look, Ui, harmless};

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The node says why.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// A file of the person's cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// What was typed is understood and cannot be done: a missing answer, two things that exclude each other.
    #[error("{0}")]
    Usage(String),
    /// Nothing was done, and nothing was typed wrong: the person said no, or what is there stands in the way.
    #[error("{0}")]
    Declined(String),
    /// The editor could not be run.
    #[error("{command}: {detail}")]
    Editor { command: String, detail: String },
    /// The running node stopped answering.
    #[error("the node at {address} does not answer: {detail}")]
    NoAnswer { address: String, detail: String },
    /// A node runs on this home already, and its page is here.
    #[error("a node runs already on {home}")]
    Running { home: String, page: Option<String> },
    /// The rehearsal did not end as it must.
    #[error("{0}")]
    Demo(String),
}

impl Failure {
    /// The exit code, as the table of [`crate`] says.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Api(api::Error::WhichCommons { .. } | api::Error::UnknownKind { .. }) => 2,
            Self::Api(api::Error::NoPeer { .. }) => 3,
            Self::Api(_)
            | Self::Declined(_)
            | Self::File { .. }
            | Self::Editor { .. }
            | Self::NoAnswer { .. }
            | Self::Running { .. }
            | Self::Demo(_) => 1,
        }
    }

    /// Prints the sentence, what belongs to it, and the hint; as JSON when that was asked for.
    pub(crate) fn print(&self, ui: &Ui) {
        if ui.look.json {
            ui.err(&self.json(ui).to_string());
            return;
        }
        ui.err(&Ui::failed(&self.sentence(ui)));
        self.details(ui);
        if let Some(hint) = self.hint(ui) {
            ui.err(&format!("→ {hint}"));
        }
    }

    fn json(&self, ui: &Ui) -> serde_json::Value {
        match self {
            Self::Api(error) => {
                let mut value = serde_json::to_value(error).unwrap_or_default();
                value["message"] = serde_json::to_value(error.words()).unwrap_or_default();
                value
            }
            Self::File { .. }
            | Self::Usage(_)
            | Self::Declined(_)
            | Self::Editor { .. }
            | Self::NoAnswer { .. }
            | Self::Running { .. }
            | Self::Demo(_) => {
                serde_json::json!({"kind": "command", "message": self.sentence(ui)})
            }
        }
    }

    fn sentence(&self, ui: &Ui) -> String {
        match self {
            Self::Api(error) => error.words().text(ui.lang()).to_owned(),
            Self::File { path, source } => {
                t!(
                    ui,
                    "error-file",
                    path = path.display().to_string(),
                    why = api::Words::of_system(source).text(ui.lang())
                )
            }
            Self::Usage(text) | Self::Declined(text) | Self::Demo(text) => text.clone(),
            Self::Editor { command, detail } => {
                t!(ui, "error-editor", command = command.as_str(), why = detail.as_str())
            }
            Self::Running { home, .. } => t!(ui, "up-already", home = home.as_str()),
            Self::NoAnswer { address, detail } => {
                t!(ui, "error-no-answer", address = address.as_str(), why = detail.as_str())
            }
        }
    }

    /// Lists below the sentence: problems with their place, candidates with their titles.
    fn details(&self, ui: &Ui) {
        match self {
            Self::Api(error) => details(ui, error),
            Self::File { .. }
            | Self::Usage(_)
            | Self::Declined(_)
            | Self::Editor { .. }
            | Self::NoAnswer { .. }
            | Self::Running { .. }
            | Self::Demo(_) => {}
        }
    }

    fn hint(&self, ui: &Ui) -> Option<String> {
        Some(match self {
            Self::Api(error) => return hint(ui, error),
            Self::Editor { .. } => t!(ui, "hint-editor"),
            Self::NoAnswer { .. } => t!(ui, "hint-no-answer"),
            Self::Running { page, .. } => t!(ui, "up-page", page = page.as_deref()?),
            Self::File { .. } | Self::Usage(_) | Self::Declined(_) | Self::Demo(_) => return None,
        })
    }
}

fn details(ui: &Ui, error: &api::Error) {
    match error.details(ui.lang()) {
        Details::None => {}
        Details::Candidates(candidates) => print_candidates(ui, &candidates),
        Details::Problems(problems) => print_problems(ui, problems),
        Details::Words(words) => ui.err(&format!("  {}", words.text(ui.lang()))),
    }
    if let api::Error::HomeLocked { pid: Some(pid), .. } = error {
        ui.err(&format!("  {}", t!(ui, "error-pid", pid = pid.to_string())));
    }
}

fn print_candidates(ui: &Ui, candidates: &[Candidate]) {
    for Candidate { id, title, detail } in candidates {
        let detail = detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let title = if title == id { String::new() } else { format!("  {title}") };
        ui.err(&format!("  {}{title}{detail}", Ui::bold(id)));
    }
}

/// One line each: where, then what.
pub(crate) fn print_problems(ui: &Ui, problems: &[Problem]) {
    for Problem { line, message, .. } in problems {
        let place = line.map(|line| t!(ui, "error-line", line = line.to_string())).unwrap_or_default();
        ui.err(&format!("  {place}{}", message.text(ui.lang())));
    }
}

/// What to type next, by the kind of error.
#[expect(clippy::wildcard_enum_match_arm, reason = "an error whose sentence says all has no hint")]
fn hint(ui: &Ui, error: &api::Error) -> Option<String> {
    use api::Error;
    Some(match error {
        Error::NotInitialised { .. } => t!(ui, "hint-init"),
        Error::NoCommons {} => t!(ui, "hint-no-commons"),
        Error::UnknownCommons { .. } => t!(ui, "hint-commons-list"),
        Error::WhichCommons { .. } => t!(ui, "hint-which-commons"),
        Error::UnknownRecord { .. } => t!(ui, "hint-search"),
        Error::Ambiguous { .. } => t!(ui, "hint-ambiguous"),
        Error::UnknownAlly { .. } => t!(ui, "hint-allies"),
        Error::UnknownTerritory { candidates, .. } if candidates.is_empty() => t!(ui, "hint-territory"),
        Error::UnknownTerritory { .. } | Error::UnknownKind { .. } => t!(ui, "hint-one-of-these"),
        Error::NoConflict { .. } => t!(ui, "hint-conflicts"),
        Error::CannotKeepBoth { .. } | Error::NoSuchValue { .. } | Error::ValuesChanged { .. } => t!(ui, "hint-settle"),
        Error::BadTicket { .. } => t!(ui, "hint-ticket"),
        Error::AlreadyJoined { .. } => t!(ui, "hint-sync"),
        Error::NotAdmitted { .. } => t!(ui, "hint-not-admitted"),
        Error::NeedsUpgrade { .. } | Error::NewerHome { .. } => t!(ui, "hint-upgrade"),
        Error::NoPeer { .. } => t!(ui, "hint-no-peer"),
        Error::HomeLocked { .. } => t!(ui, "hint-locked"),
        Error::Damaged { .. } => t!(ui, "hint-doctor"),
        Error::ReadOnly { .. } => t!(ui, "hint-read-only"),
        Error::ReadOnlyDisk { .. } => t!(ui, "hint-read-only-disk"),
        Error::Denied { .. } => t!(ui, "hint-denied"),
        Error::DiskFull { missing: 0, .. } => t!(ui, "hint-disk"),
        Error::DiskFull { missing, .. } => t!(ui, "hint-disk-missing", missing = crate::ui::bytes(ui.lang(), *missing)),
        Error::Internal { .. } => t!(ui, "hint-internal"),
        _ => return None,
    })
}

/// Prints a mistake in typing, or the help that was asked for.
pub(crate) fn mistyped(ui: &Ui, error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let text = error.render();
        ui.raw(&text.to_string());
        return match ui.printed() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                failure.print(ui);
                ExitCode::from(failure.code())
            }
        };
    }
    let (sentence, hints) = mistake(ui, error);
    ui.err(&Ui::failed(&sentence));
    for hint in hints {
        ui.err(&format!("→ {hint}"));
    }
    ExitCode::from(2)
}

/// The sentence and hints of a mistake.
fn mistake(ui: &Ui, error: &clap::Error) -> (String, Vec<String>) {
    let one = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => harmless(text),
        Some(ContextValue::Strings(texts)) => harmless(&texts.join(", ")),
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let (argument, value) = (one(ContextKind::InvalidArg), one(ContextKind::InvalidValue));
    let argument = argument.replace(['<', '>'], "");
    let suggested = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let suggested = suggested.into_iter().map(one).find(|text| !text.is_empty());
    let help = match usage_of(error) {
        Some(command) => t!(ui, "hint-help", command = command),
        None => t!(ui, "hint-help", command = "essaim"),
    };
    let mut hints: Vec<String> = suggested.map(|text| t!(ui, "hint-meant", meant = text)).into_iter().collect();
    #[expect(clippy::wildcard_enum_match_arm, reason = "kinds that this command line cannot cause")]
    let sentence = match error.kind() {
        ErrorKind::InvalidSubcommand => t!(ui, "usage-unknown-command", name = one(ContextKind::InvalidSubcommand)),
        ErrorKind::UnknownArgument => t!(ui, "usage-unknown-argument", name = argument),
        ErrorKind::MissingRequiredArgument => t!(ui, "usage-missing", names = argument),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            t!(ui, "usage-no-command")
        }
        ErrorKind::ArgumentConflict => {
            t!(ui, "usage-conflict", one = argument, other = one(ContextKind::PriorArg))
        }
        ErrorKind::InvalidValue if value.is_empty() => t!(ui, "usage-no-value", name = argument),
        ErrorKind::InvalidValue => {
            let known = one(ContextKind::ValidValue);
            t!(ui, "usage-value-of", value = value, name = argument, known = known)
        }
        ErrorKind::ValueValidation if argument.contains("--expires") || argument.contains("--wait") => {
            t!(ui, "usage-duration", value = value, name = argument)
        }
        // Words to look for may begin with a hyphen, but not with two.
        ErrorKind::ValueValidation if value.starts_with("--") => t!(ui, "usage-unknown-argument", name = value),
        ErrorKind::ValueValidation => t!(ui, "usage-value", value = value, name = argument),
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues => t!(ui, "usage-too-many", name = argument),
        ErrorKind::TooFewValues | ErrorKind::NoEquals => t!(ui, "usage-no-value", name = argument),
        ErrorKind::InvalidUtf8 => t!(ui, "usage-not-text"),
        _ => t!(ui, "usage-other"),
    };
    hints.push(help);
    (sentence, hints)
}

/// The command whose usage clap shows with a mistake: `essaim commons create`.
fn usage_of(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else { return None };
    let usage = usage.to_string();
    let words = usage.split_whitespace().skip_while(|word| *word != "essaim");
    let known = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let command = words.take_while(known).collect::<Vec<_>>().join(" ");
    (!command.is_empty()).then_some(command)
}

/// Has panics told in the language of the session. Those that are caught become errors, which are told instead.
pub(crate) fn tell_panics(lang: api::Lang) {
    std::panic::set_hook(Box::new(move |panic| {
        if essaim_node::caught::here() {
            return;
        }
        let ui = Ui::new(lang, Look::default());
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let why = panic.payload_as_str().unwrap_or_default();
        ui.err(&Ui::failed(&t!(ui, "error-panic", place = place, why = why)));
        ui.err(&format!("→ {}", t!(ui, "hint-internal")));
    }));
}

/// A usage error that clap cannot see, with the words of the locales.
pub(crate) fn usage(text: impl Into<String>) -> Failure {
    Failure::Usage(text.into())
}

/// A file of the person's.
pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Failure + '_ {
    move |source| Failure::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use essaim_protocol::api::Lang;
    use essaim_protocol::typography::french;

    use super::*;
    use crate::args;

    fn said(lang: Lang, line: &str) -> (String, Vec<String>) {
        let ui = Ui::new(lang, Look { no_color: true, ..Look::default() });
        let typed: Vec<OsString> = line.split(' ').map(Into::into).collect();
        mistake(&ui, &args::parse(&typed, &ui.texts).unwrap_err())
    }

    #[test]
    fn mistakes_in_typing_are_told_in_the_language_of_the_session() {
        for (line, fr, en) in [
            ("essaim serch mobilité", "commande inconnue : « serch »", "unknown command: \"serch\""),
            ("essaim search --jsn", "option inconnue : « --jsn »", "unknown option: \"--jsn\""),
            ("essaim list --jsn", "option inconnue : « --jsn »", "unknown option: \"--jsn\""),
            ("essaim show", "il manque : ID", "missing: ID"),
            ("essaim", "il manque une commande", "a command is missing"),
            (
                "essaim export csv",
                "« csv » ne convient pas pour FORMAT ; valeurs possibles : jsonl",
                "\"csv\" does not fit FORMAT; possible values: jsonl",
            ),
            (
                "essaim sync --wait demain",
                "« demain » n'est pas une durée ; par exemple 30s, 15m, 36h, 14d",
                "\"demain\" is not a duration; for example 30s, 15m, 36h, 14d",
            ),
        ] {
            assert_eq!(said(Lang::Fr, line).0, french(fr));
            assert_eq!(said(Lang::En, line).0, en);
        }
    }

    #[test]
    fn a_mistyped_command_gets_a_suggestion() {
        assert_eq!(
            said(Lang::Fr, "essaim serch mobilité").1,
            [french("peut-être vouliez-vous dire : search"), "essaim --help montre ce qui est possible".into()]
        );
        assert_eq!(
            said(Lang::Fr, "essaim commons create --startr Vallées").1,
            [
                french("peut-être vouliez-vous dire : --starter"),
                "essaim commons create --help montre ce qui est possible".into()
            ]
        );
    }

    #[test]
    fn every_kind_of_error_has_an_exit_code_of_the_table() {
        let code = |error| Failure::Api(error).code();
        assert_eq!(code(api::Error::NoPeer { tried: 2 }), 3);
        assert_eq!(code(api::Error::NoCommons {}), 1);
        assert_eq!(code(api::Error::WhichCommons { candidates: vec![] }), 2);
        assert_eq!(Failure::Declined(String::new()).code(), 1);
    }
}
