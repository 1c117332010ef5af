//! Stories: Markdown, in French, whose commands and outputs are tests. They are the manual, and cannot lie.
//!
//! A block of ```` ```console ```` holds commands, each after an actor's prompt, and what each prints:
//!
//! ````text
//! ```console
//! valombre$ essaim init --name "Commune de Valombre"
//! ✓ « Commune de Valombre » peut écrire ; ses clés et ses données sont dans …
//! …
//! valombre$ essaim show rien
//! ✗ aucune fiche « rien »
//! …
//! (code 1)
//! ```
//! ````
//!
//! Every actor has a home of its own; all share one working directory, through which they hand files to each other.
//! Within a line `…` stands for any text; alone on a line, for any lines. A last line `(code N)` is the exit code when it
//! is not 0. A block such as ```` ```jsonl fiches.jsonl ```` puts a file there.
//!
//! A command that ends in `&` goes on in the background once it has printed what the story says; `^C` after the same
//! actor's prompt interrupts it, and what it prints from then on stands below. What still runs at the end of the story is
//! killed. A command that is not done after two minutes fails the story.
//!
//! Stories have plain spaces and apostrophes where the program prints those of French: no reader sees a difference, and no
//! keyboard has them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::plain;

/// How long a command may take, or one in the background to say what it should: minutes, on a machine that is busy building.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at what it printed.
const LOOK: Duration = Duration::from_millis(20);

/// Why a story does not hold.
#[derive(Debug)]
pub enum Failure {
    /// The story or its directory cannot be read or written.
    Io(io::Error),
    /// The text is not a story.
    Form {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A command did not print what the story says.
    Differs {
        /// The line of the command, from 1.
        line: usize,
        /// The command.
        command: String,
        /// What the story says.
        expected: String,
        /// What was printed.
        found: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Form { line, what } => write!(f, "line {line}: {what}"),
            Self::Differs { line, command, expected, found } => {
                write!(f, "line {line}: {command}\n--- the story says\n{expected}\n--- the command says\n{found}\n---")
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A part of a story that does something.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    File { name: String, text: String },
    Step(Step),
}

/// One command and what it must print.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    actor: String,
    command: String,
    expected: Vec<String>,
    code: i32,
}

/// Runs a story with the program at `essaim`, in a new directory.
///
/// # Errors
/// The first [`Failure`]; what follows is not run.
pub fn run(text: &str, essaim: &Path) -> Result<(), Failure> {
    let parts = parse(text)?;
    let dir = tempfile::tempdir()?;
    let (bin, work) = (dir.path().join("bin"), dir.path().join("work"));
    fs::create_dir_all(&bin)?;
    fs::create_dir_all(&work)?;
    std::os::unix::fs::symlink(essaim, bin.join("essaim"))?;
    let mut running = Running::default();
    for part in parts {
        match part {
            Part::File { name, text } => fs::write(work.join(name), text)?,
            Part::Step(step) if step.command == "^C" => running.interrupt(&step)?,
            Part::Step(step) if step.command.ends_with('&') => running.begin(&step, dir.path())?,
            Part::Step(step) => step.run(dir.path())?,
        }
    }
    Ok(())
}

/// What goes on in the background, by actor.
#[derive(Debug, Default)]
struct Running(BTreeMap<String, Begun>);

/// A command in the background.
#[derive(Debug)]
struct Begun {
    child: Child,
    /// Where it prints, and how much of that the story has told.
    log: PathBuf,
    told: usize,
}

impl Running {
    /// Starts a command and waits until it has printed what it should.
    fn begin(&mut self, step: &Step, dir: &Path) -> Result<(), Failure> {
        let log = dir.join(format!("{}.{}.log", step.actor, step.line));
        let command = step.command.trim_end_matches('&');
        let child = step.start(dir, &format!("exec {command}"), &log)?;
        let begun = Begun { child, log: log.clone(), told: 0 };
        // Another command of the same actor that was still running would be lost sight of.
        self.0.insert(step.actor.clone(), begun).map_or(Ok(()), |mut before| before.child.kill())?;
        let end = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(&log)?;
            match step.compare(&text, 0) {
                Err(failure) if Instant::now() > end => return Err(failure),
                Err(_) => thread::sleep(LOOK),
                Ok(()) => {
                    self.0.entry(step.actor.clone()).and_modify(|begun| begun.told = text.len());
                    return Ok(());
                }
            }
        }
    }

    /// Interrupts what an actor has in the background, as Ctrl-C does, and waits for its end.
    fn interrupt(&mut self, step: &Step) -> Result<(), Failure> {
        let nothing = Failure::Form { line: step.line, what: "this actor has nothing in the background" };
        let mut begun = self.0.remove(&step.actor).ok_or(nothing)?;
        Command::new("kill").args(["-INT", &begun.child.id().to_string()]).status()?;
        let ended = ended(&mut begun.child)?;
        let text = fs::read_to_string(&begun.log)?;
        step.compare(&text[begun.told..], code(ended))
    }
}

/// Waits for the end of a command; kills it, and all that it started, when it takes too long.
fn ended(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(LOOK);
    }
    Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status()?;
    child.wait()?;
    Ok(None)
}

/// The exit code of a command; one that no story names when it was killed.
fn code(ended: Option<ExitStatus>) -> i32 {
    ended.and_then(|status| status.code()).unwrap_or(-1)
}

impl Drop for Running {
    fn drop(&mut self) {
        for begun in self.0.values_mut() {
            // It may have ended by itself.
            let _ = begun.child.kill();
            let _ = begun.child.wait();
        }
    }
}

impl Step {
    fn run(&self, dir: &Path) -> Result<(), Failure> {
        let log = dir.join(format!("{}.{}.log", self.actor, self.line));
        let mut child = self.start(dir, &self.command, &log)?;
        let ended = ended(&mut child)?;
        self.compare(&String::from_utf8_lossy(&fs::read(&log)?), code(ended))
    }

    /// Starts a command in a group of its own. Both its outputs go to one file, so that lines come in the order in which
    /// they were printed.
    fn start(&self, dir: &Path, script: &str, log: &Path) -> io::Result<Child> {
        let printed = fs::File::options().create(true).append(true).open(log)?;
        let mut command = self.command_in(dir, script);
        command.process_group(0).stdout(printed.try_clone()?).stderr(printed).spawn()
    }

    /// A shell for the actor.
    fn command_in(&self, dir: &Path, script: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .current_dir(dir.join("work"))
            .env("PATH", format!("{}:{path}", dir.join("bin").display()))
            .env("ESSAIM_HOME", dir.join(&self.actor))
            .env("LANG", "fr_FR.UTF-8")
            .env("TZ", "UTC")
            .env("NO_COLOR", "1")
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env_remove("VISUAL")
            .env_remove("EDITOR")
            .stdin(std::process::Stdio::null());
        command
    }

    /// Compares what was printed with the story.
    fn compare(&self, text: &str, code: i32) -> Result<(), Failure> {
        let text = plain(text);
        let mut found: Vec<&str> = text.lines().map(str::trim_end).collect();
        while found.last() == Some(&"") {
            found.pop();
        }
        let expected: Vec<String> = self.expected.iter().map(|line| plain(line)).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        if code == self.code && matches(&expected, &found) {
            return Ok(());
        }
        Err(Failure::Differs {
            line: self.line,
            command: self.command.clone(),
            expected: format!("{}\n(code {})", expected.join("\n"), self.code),
            found: format!("{}\n(code {code})", found.join("\n")),
        })
    }
}

/// Whether lines are as expected, `…` standing for any lines.
fn matches(expected: &[&str], found: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((&"…", rest)) => (0..=found.len()).any(|skipped| matches(rest, &found[skipped..])),
        Some((line, rest)) => {
            found.split_first().is_some_and(|(first, below)| alike(line, first) && matches(rest, below))
        }
    }
}

/// Whether a line is as expected, `…` standing for any text.
fn alike(expected: &str, found: &str) -> bool {
    let mut pieces = expected.split('…');
    let Some(mut rest) = pieces.next().and_then(|start| found.strip_prefix(start)) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(end) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(end)
}

fn parse(text: &str) -> Result<Vec<Part>, Failure> {
    let mut parts = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut block = Vec::new();
        let closed = lines.by_ref().any(|(at, line)| {
            let end = line == "```";
            if !end {
                block.push((at + 1, line));
            }
            end
        });
        if !closed {
            return Err(Failure::Form { line: at + 1, what: "this block is not closed" });
        }
        match info.split_once(' ') {
            _ if info == "console" => steps(&block, &mut parts)?,
            Some((_, name)) => {
                let text = block.iter().map(|(_, line)| format!("{line}\n")).collect();
                parts.push(Part::File { name: name.trim().to_owned(), text });
            }
            None => {}
        }
    }
    Ok(parts)
}

fn steps(block: &[(usize, &str)], parts: &mut Vec<Part>) -> Result<(), Failure> {
    for (line, text) in block {
        if let Some((actor, command)) = prompt(text) {
            let (actor, command) = (actor.to_owned(), command.to_owned());
            parts.push(Part::Step(Step { line: *line, actor, command, expected: Vec::new(), code: 0 }));
            continue;
        }
        let Some(Part::Step(step)) = parts.last_mut() else {
            return Err(Failure::Form { line: *line, what: "an output stands before any command" });
        };
        match text.strip_prefix("(code ").and_then(|rest| rest.strip_suffix(')')?.parse().ok()) {
            Some(code) => step.code = code,
            None => step.expected.push(text.trim_end().to_owned()),
        }
    }
    Ok(())
}

/// The actor and the command of a line such as `valombre$ essaim status`.
fn prompt(line: &str) -> Option<(&str, &str)> {
    let (actor, command) = line.split_once("$ ")?;
    let name = !actor.is_empty() && actor.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    name.then_some((actor, command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_files_and_steps() {
        let text = "# Titre\n\n```jsonl a.jsonl\n{}\n```\n\n```console\nlyon$ essaim list\nune fiche…\n(code 4)\n```\n";
        let step = Step {
            line: 8,
            actor: "lyon".into(),
            command: "essaim list".into(),
            expected: vec!["une fiche…".into()],
            code: 4,
        };
        let file = Part::File { name: "a.jsonl".into(), text: "{}\n".into() };
        assert_eq!(parse(text).unwrap(), [file, Part::Step(step)]);
        assert!(matches!(parse("```console\nrien\n```\n"), Err(Failure::Form { line: 2, .. })));
        assert!(matches!(parse("x\n```console\n"), Err(Failure::Form { line: 2, .. })));
    }

    #[test]
    fn an_ellipsis_stands_for_text_or_lines() {
        assert!(alike("✓ … est partagée (…)", "✓ « Une navette » est partagée (7k2m)"));
        assert!(!alike("✓ … est partagée", "✓ « Une navette » est partagée (7k2m)"));
        assert!(alike("rien", "rien") && !alike("rien", "rien de plus"));
        assert!(matches(&["a", "…", "z"], &["a", "b", "c", "z"]));
        assert!(matches(&["a", "…", "z"], &["a", "z"]));
        assert!(!matches(&["a", "…", "z"], &["a", "b"]));
    }

    #[test]
    fn a_step_that_differs_shows_both_sides() {
        let story = "```console\nlyon$ echo bonjour; exit 3\nbonsoir\n```\n";
        let failure = run(story, Path::new("/bin/true")).unwrap_err().to_string();
        assert!(failure.contains("bonsoir\n(code 0)") && failure.contains("bonjour\n(code 3)"), "{failure}");
        run("```console\nlyon$ echo bonjour; exit 3\nbon…\n(code 3)\n```\n", Path::new("/bin/true")).unwrap();
    }
}
