//! What was typed: the commands, their options, and their help in the person's language.
//!
//! The derive below holds names and types only. Every word of help comes from the locales, put in by [`localised`],
//! so that a French session shows no English, not even in the mistakes (see [`crate::error`]).

use std::convert::Infallible;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{Resettable, StyledStr};
use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use essaim_node::words::labelled;
use essaim_protocol::api::Lang;

use crate::text::Texts;
use crate::ui::Look;

/// `essaim`.
#[derive(Debug, Parser)]
#[command(
    name = "essaim",
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true
)]
pub(crate) struct Typed {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    #[arg(long, global = true)]
    pub(crate) commons: Option<String>,
    #[arg(long, global = true, value_parser = ["fr", "en"])]
    pub(crate) lang: Option<String>,
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

impl Typed {
    pub(crate) fn look(&self) -> Look {
        Look { json: self.global.json, quiet: self.global.quiet, no_color: self.global.no_color }
    }
}

/// The commands, in the order in which somebody meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "demarrer", alias = "démarrer")]
    Up(Up),
    #[command(visible_alias = "initialiser")]
    Init(Init),
    #[command(visible_alias = "patrimoine")]
    Commons {
        #[command(subcommand)]
        command: Option<Commons>,
    },
    #[command(visible_alias = "inviter")]
    Invite(Invite),
    #[command(visible_alias = "rejoindre")]
    Join(Join),
    #[command(visible_alias = "allie-es", aliases = ["allies·es", "allié·es", "alliés"])]
    Allies {
        #[command(subcommand)]
        command: Option<Allies>,
    },
    #[command(visible_alias = "etat", alias = "état")]
    Status {
        #[arg(long)]
        network: bool,
    },
    #[command(visible_alias = "nouveau", aliases = ["nouvelle", "creer", "créer"])]
    New(New),
    #[command(visible_alias = "modifier")]
    Edit(Edit),
    #[command(visible_alias = "montrer", alias = "voir")]
    Show { id: String },
    #[command(visible_alias = "lister", alias = "liste")]
    List(List),
    #[command(visible_alias = "recherche", aliases = ["rechercher", "chercher"])]
    Search(Search),
    #[command(visible_alias = "historique")]
    Log { id: String },
    #[command(visible_alias = "differences", alias = "différences")]
    Diff(Diff),
    #[command(visible_alias = "archiver")]
    Archive {
        id: String,
        #[arg(long)]
        undo: bool,
    },
    #[command(visible_alias = "lettre")]
    Digest(Digest),
    #[command(visible_alias = "rencontres")]
    Agenda {
        #[arg(long)]
        past: bool,
        #[arg(long, conflicts_with_all = ["past", "json"])]
        ics: bool,
    },
    #[command(visible_alias = "boite", alias = "boîte")]
    Inbox {
        #[command(subcommand)]
        command: Option<Inbox>,
    },
    #[command(visible_alias = "desaccords", aliases = ["désaccords", "conflits"])]
    Conflicts { id: Option<String> },
    #[command(visible_alias = "regler", alias = "régler")]
    Settle(Settle),
    #[command(visible_alias = "synchroniser")]
    Sync(Sync),
    #[command(visible_alias = "importer")]
    Import { file: PathBuf },
    #[command(visible_alias = "exporter")]
    Export(Export),
    #[command(visible_alias = "vitrine")]
    ServeSite { dir: PathBuf },
    #[command(visible_alias = "diagnostic")]
    Doctor {
        #[arg(long)]
        rebuild: bool,
        #[arg(long)]
        forgive: bool,
    },
    Demo {
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    #[command(visible_alias = "completion")]
    Completions { shell: Shell },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[arg(long)]
    pub(crate) starter: bool,
    #[arg(long)]
    pub(crate) no_open: bool,
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub(crate) http: SocketAddr,
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) listen: Vec<String>,
    #[arg(long)]
    pub(crate) no_mdns: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Commons {
    #[command(visible_alias = "creer", alias = "créer")]
    Create {
        name: String,
        #[arg(long)]
        starter: bool,
        #[arg(long, value_name = "FILE")]
        charter: Option<PathBuf>,
    },
    #[command(visible_alias = "lister")]
    List,
    #[command(visible_alias = "montrer")]
    Show { name: Option<String> },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Invite {
    #[arg(long, default_value = "ally")]
    pub(crate) role: Role,
    #[arg(long, default_value = "14d", value_parser = duration)]
    pub(crate) expires: u64,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) uses: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    #[value(alias = "allie", alias = "allié·e")]
    Ally,
    #[value(alias = "lecture")]
    Reader,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Join {
    /// Several words when a mail wrapped it.
    #[arg(required = true)]
    pub(crate) ticket: Vec<String>,
    #[arg(long)]
    pub(crate) accept_charter: bool,
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(crate) wait: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Allies {
    #[command(visible_alias = "montrer")]
    Show { ally: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Inbox {
    #[command(visible_alias = "montrer")]
    Show {
        #[arg(long)]
        all: bool,
    },
    #[command(visible_alias = "vu")]
    Done {
        items: Vec<String>,
        #[arg(long, conflicts_with = "items")]
        all: bool,
    },
}

/// What a record should hold, when it is not written in an editor.
#[derive(Debug, clap::Args)]
pub(crate) struct Content {
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) set: Vec<String>,
    #[arg(long)]
    pub(crate) territory: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct New {
    pub(crate) kind: String,
    #[command(flatten)]
    pub(crate) content: Content,
    // A territory that is named becomes a record that others see; a draft is seen by nobody.
    #[arg(long, conflicts_with = "territory")]
    pub(crate) draft: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Edit {
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) content: Content,
}

/// Which records.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Filters {
    #[arg(long)]
    pub(crate) theme: Vec<String>,
    #[arg(long)]
    pub(crate) territory: Vec<String>,
    #[arg(long)]
    pub(crate) outcome: Vec<String>,
    #[arg(long)]
    pub(crate) difficulty: Vec<String>,
    #[arg(long)]
    pub(crate) year: Vec<String>,
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) facet: Vec<String>,
    #[arg(long, default_value_t = 0)]
    pub(crate) limit: u32,
    #[arg(long, default_value_t = 0)]
    pub(crate) offset: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    pub(crate) kind: Option<String>,
    #[command(flatten)]
    pub(crate) filters: Filters,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Search {
    /// A word that begins with `-` is one to leave out.
    #[arg(value_parser = word)]
    pub(crate) words: Vec<String>,
    #[arg(long)]
    pub(crate) kind: Vec<String>,
    #[arg(long, value_name = "ID")]
    pub(crate) like: Option<String>,
    #[arg(long, conflicts_with = "like")]
    pub(crate) facets: bool,
    #[command(flatten)]
    pub(crate) filters: Filters,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    pub(crate) id: String,
    /// None: the last change. One: from it to now. Two: from the first to the second.
    #[arg(num_args = 0..=2)]
    pub(crate) version: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Digest {
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    #[arg(long)]
    pub(crate) theme: Option<String>,
    #[arg(long, default_value = "md", conflicts_with = "json")]
    pub(crate) format: DigestFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DigestFormat {
    Md,
    Html,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Settle {
    pub(crate) id: String,
    pub(crate) field: String,
    #[arg(long, value_name = "LETTER")]
    pub(crate) keep: Option<String>,
    #[arg(long, conflicts_with = "keep")]
    pub(crate) both: bool,
    #[arg(long, conflicts_with_all = ["keep", "both"])]
    pub(crate) write: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sync {
    pub(crate) peer: Option<String>,
    #[arg(long, default_value = "20s", value_parser = duration)]
    pub(crate) wait: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    pub(crate) format: Format,
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) filters: Filters,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Jsonl,
}

/// Seconds of `30`, `30s`, `15m`, `36h`, `14d` (or `14j`), `2w`.
fn duration(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" | "j" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err("30s, 15m, 36h, 14d".into()),
    };
    digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or_else(|| "30s, 15m, 36h, 14d".into())
}

/// Stands for the hyphen of a word to leave out while clap reads the line: with `allow_hyphen_values` every option after
/// the first word were a word.
const LEAVE_OUT: char = '\u{1f}';

/// The letters of options that a search takes; what is made of others behind a hyphen is a word to leave out.
const SHORT: &str = "qh";

fn with_words_left_out(args: &[OsString]) -> Vec<OsString> {
    let mut options = true;
    let shielded = args.iter().map(|arg| {
        options &= arg != "--";
        match arg.to_str().and_then(|arg| arg.strip_prefix('-')) {
            Some(word) if options && !word.starts_with('-') && word.chars().any(|letter| !SHORT.contains(letter)) => {
                format!("{LEAVE_OUT}{word}").into()
            }
            _ => arg.clone(),
        }
    });
    shielded.collect()
}

/// A word to look for.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a value parser")]
fn word(text: &str) -> Result<String, Infallible> {
    Ok(text.strip_prefix(LEAVE_OUT).map_or_else(|| text.to_owned(), |word| format!("-{word}")))
}

/// The language of this session, before anything else is read: `--lang`, else the locale, else French.
pub(crate) fn language(args: &[OsString], env: impl Fn(&str) -> Option<String>) -> Lang {
    let typed = args.iter().enumerate().find_map(|(at, arg)| match arg.to_str()? {
        "--lang" => args.get(at + 1)?.to_str().map(str::to_owned),
        other => other.strip_prefix("--lang=").map(str::to_owned),
    });
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let locale = typed
        .or_else(|| set("LC_ALL"))
        .or_else(|| set("LC_MESSAGES"))
        .or_else(|| set("LANG"))
        .or_else(sys_locale::get_locale)
        .unwrap_or_default();
    if locale.to_lowercase().starts_with("en") { Lang::En } else { Lang::Fr }
}

/// Reads what was typed.
///
/// # Errors
/// clap's, also for `--help` and `--version`.
pub(crate) fn parse(args: &[OsString], texts: &Texts) -> Result<Typed, clap::Error> {
    let command = command(texts);
    let is_search = |arg: &OsString| {
        let named = arg.to_str().and_then(|arg| command.find_subcommand(arg));
        named.is_some_and(|named| named.get_name() == "search")
    };
    let args = if args.iter().any(is_search) { with_words_left_out(args) } else { args.to_vec() };
    let matches = command.try_get_matches_from(args)?;
    Typed::from_arg_matches(&matches)
}

/// The whole command line, with its help in one language.
pub(crate) fn command(texts: &Texts) -> clap::Command {
    localised(Typed::command(), "essaim", "", texts)
}

/// Puts the words of a language into a command and all below it. `typed` is `essaim commons create`, of which the texts
/// have the keys in `-commons-create`, its `path`.
fn localised(command: clap::Command, typed: &str, path: &str, texts: &Texts) -> clap::Command {
    let key = if path.is_empty() { "cmd-essaim".to_owned() } else { format!("cmd{path}") };
    let about = texts.get(&key).unwrap_or(key);
    let aliases = command.get_visible_aliases().collect::<Vec<_>>().join(", ");
    let about = match &*aliases {
        "" => about,
        aliases => format!("{about} ({} {aliases})", texts.say("cmd-also", [])),
    };
    let usage = usage(&command, typed, path, texts);
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let mut command = command
        .about(about)
        .override_usage(usage)
        .help_template(template(texts))
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .subcommand_help_heading(texts.say("cmd-heading-commands", []))
        .mut_args(|arg| localised_arg(arg, path, texts));
    if let Some(after) = texts.get(&format!("cmd{path}-after")) {
        command = command.after_help(after);
    }
    if path.is_empty() {
        let version = clap::Arg::new("version").long("version").short('V').action(ArgAction::Version);
        command = command.arg(localised_arg(version, path, texts));
    }
    let help = clap::Arg::new("help").long("help").short('h').action(ArgAction::Help);
    command = command.arg(localised_arg(help, path, texts));
    for name in names {
        let (line, below) = (format!("{typed} {name}"), format!("{path}-{name}"));
        command = command.mut_subcommand(name, |command| {
            // The aliases are told in the sentence, in the same words as everything else.
            let aliases: Vec<String> = command.get_all_aliases().map(str::to_owned).collect();
            localised(command, &line, &below, texts).visible_alias(Resettable::Reset).aliases(aliases)
        });
    }
    command
}

fn template(texts: &Texts) -> StyledStr {
    let usage = texts.say("cmd-heading-usage", []);
    format!("{{about}}\n\n{usage} {{usage}}\n\n{{all-args}}{{after-help}}").into()
}

/// `essaim edit ID [options]`
fn usage(command: &clap::Command, typed: &str, path: &str, texts: &Texts) -> String {
    let mut words = vec![typed.to_owned()];
    for arg in command.get_positionals() {
        let name = value_name(arg, path, texts);
        let many = if matches!(arg.get_action(), ArgAction::Append) { "…" } else { "" };
        words.push(if arg.is_required_set() { format!("{name}{many}") } else { format!("[{name}]{many}") });
    }
    if command.has_subcommands() {
        let name = texts.say("cmd-word-command", []);
        words.push(if command.is_subcommand_required_set() { name } else { format!("[{name}]") });
    }
    words.push(format!("[{}]", texts.say("cmd-word-options", [])));
    words.join(" ")
}

fn localised_arg(arg: clap::Arg, path: &str, texts: &Texts) -> clap::Arg {
    let id = arg.get_id().as_str().replace('_', "-");
    let text = texts.get(&format!("arg{path}-{id}")).or_else(|| texts.get(&format!("arg-{id}")));
    let help = text.unwrap_or_else(|| format!("arg{path}-{id}"));
    let default = match arg.get_default_values() {
        [value] if arg.get_long().is_some() && !arg.is_global_set() => {
            let value = value.to_string_lossy();
            if value == "0" || value.ends_with(":0") {
                String::new()
            } else {
                format!(" [{}]", labelled(texts.lang(), &texts.say("cmd-default", []), &value))
            }
        }
        _ => String::new(),
    };
    let heading = if arg.is_positional() { "cmd-heading-arguments" } else { "cmd-heading-options" };
    let takes_value = arg.get_action().takes_values();
    // Options of every command come after its own.
    let arg = if path.is_empty() || id == "help" { arg.display_order(1000) } else { arg };
    let name = value_name(&arg, path, texts);
    let arg = arg.help(format!("{help}{default}")).help_heading(Resettable::Value(texts.say(heading, []).into()));
    if takes_value { arg.hide_default_value(true).hide_possible_values(true).value_name(name) } else { arg }
}

/// `FICHIER` or `FILE`: words that stand for a value are words too.
fn value_name(arg: &clap::Arg, path: &str, texts: &Texts) -> String {
    let name = arg
        .get_value_names()
        .and_then(<[_]>::first)
        .map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string);
    let id = arg.get_id().as_str().replace('_', "-");
    let own = texts.get(&format!("arg-value{path}-{id}"));
    own.or_else(|| texts.get(&format!("arg-value-{}", name.to_lowercase().replace('=', "-")))).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lang: Lang, line: &str) -> Result<Typed, clap::Error> {
        let args: Vec<OsString> = line.split(' ').map(Into::into).collect();
        super::parse(&args, &crate::text::texts(lang))
    }

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn args(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    #[test]
    fn the_command_line_is_sound_and_every_word_of_it_is_translated() {
        fn walk(command: &clap::Command) {
            let untold = |text: String| !text.starts_with("cmd-") && !text.starts_with("arg-");
            assert!(untold(command.get_about().unwrap().to_string()), "{}", command.get_about().unwrap());
            for arg in command.get_arguments() {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty() && untold(help.clone()), "{} {}: {help}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(walk);
        }
        for lang in [Lang::Fr, Lang::En] {
            let command = command(&crate::text::texts(lang));
            command.clone().debug_assert();
            walk(&command);
        }
    }

    #[test]
    fn french_help_has_no_english() {
        let help = command(&crate::text::texts(Lang::Fr)).render_long_help().to_string();
        for word in ["Usage:", "Commands:", "Options:", "Print", "[default", "aliases", "[COMMAND]"] {
            assert!(!help.contains(word), "{word} in {help}");
        }
        let mut whole = command(&crate::text::texts(Lang::Fr));
        whole.build();
        let below = whole.find_subcommand_mut("search").unwrap().render_long_help().to_string();
        for word in ["Usage:", "Options:", "Print", "[default", "aliases", "OPTIONS"] {
            assert!(!below.contains(word), "{word} in {below}");
        }
        let site = whole.find_subcommand_mut("serve-site").unwrap().render_long_help().to_string();
        assert!(site.contains("essaim serve-site DOSSIER"), "{site}");
    }

    #[test]
    fn examples_are_shown_below_the_help_and_can_be_typed() {
        for (lang, heading) in [(Lang::Fr, "Exemples"), (Lang::En, "Examples:")] {
            let mut whole = command(&crate::text::texts(lang));
            whole.build();
            for name in ["inbox", "digest", "agenda", "diff", "archive", "serve-site"] {
                let help = whole.find_subcommand_mut(name).unwrap().render_long_help().to_string();
                let (_, below) = help.split_once(heading).unwrap_or_else(|| panic!("{name} has no examples: {help}"));
                let examples = below.lines().map(str::trim).filter(|line| line.starts_with("essaim "));
                let typed = examples.map(|line| line.split(" > ").next().unwrap_or_default());
                let quoted = |line: &str| -> Vec<OsString> {
                    let words = line.split('"').enumerate();
                    let words = words.flat_map(|(at, part)| match at % 2 {
                        0 => part.split_whitespace().map(Into::into).collect(),
                        _ => vec![part.into()],
                    });
                    words.collect()
                };
                let lines: Vec<&str> = typed.collect();
                assert!(lines.iter().any(|line| line.ends_with("--json")), "{name}: {below}");
                for line in lines {
                    assert!(super::parse(&quoted(line), &crate::text::texts(lang)).is_ok(), "{line}");
                }
            }
        }
    }

    #[test]
    fn the_language_is_the_one_asked_for_then_the_locale_then_french() {
        assert_eq!(language(&args("essaim list --lang en"), env(&[("LANG", "fr_FR.UTF-8")])), Lang::En);
        assert_eq!(language(&args("essaim --lang=fr list"), env(&[("LANG", "en_GB.UTF-8")])), Lang::Fr);
        assert_eq!(language(&args("essaim"), env(&[("LC_ALL", "en_US.UTF-8"), ("LANG", "fr_FR")])), Lang::En);
        assert_eq!(language(&args("essaim"), env(&[("LC_ALL", ""), ("LANG", "C.UTF-8")])), Lang::Fr);
    }

    #[test]
    fn commands_go_by_their_french_names_too() {
        for (line, is) in [
            ("essaim recherche mobilité douce", "Search"),
            ("essaim chercher mobilité", "Search"),
            ("essaim rejoindre essaim1abc def", "Join"),
            ("essaim patrimoine créer Vallées", "Commons"),
            ("essaim régler 7k2m outcome --keep A", "Settle"),
            ("essaim état --json", "Status"),
            ("essaim désaccords", "Conflicts"),
            ("essaim vitrine public", "ServeSite"),
        ] {
            let typed = parse(Lang::Fr, line).unwrap();
            assert!(format!("{:?}", typed.command).starts_with(is), "{line}: {:?}", typed.command);
        }
    }

    #[test]
    fn a_search_may_leave_words_out() {
        for (line, is) in [
            ("essaim search mobilité -voiture", ["mobilité", "-voiture"]),
            ("essaim search -voiture mobilité -q", ["-voiture", "mobilité"]),
            ("essaim search mobilité --json -voiture --limit 3", ["mobilité", "-voiture"]),
            ("essaim search --json --limit 3 -- -q mobilité", ["-q", "mobilité"]),
        ] {
            let Command::Search(search) = parse(Lang::Fr, line).unwrap().command else { panic!("{line}") };
            assert_eq!(search.words, is, "{line}");
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, seconds) in
            [("30", 30), ("90s", 90), ("15m", 900), ("36h", 129_600), ("14d", 1_209_600), ("2j", 172_800)]
        {
            assert_eq!(duration(text), Ok(seconds));
        }
        for text in ["", "d", "-1s", "2 d", "1y", "99999999999999999999d", "9é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn global_options_stand_anywhere() {
        let typed = parse(Lang::Fr, "essaim list --json experience -q --home /tmp/x --commons Vallées").unwrap();
        assert!(typed.look().json && typed.look().quiet);
        assert_eq!(typed.global.commons.as_deref(), Some("Vallées"));
    }
}
