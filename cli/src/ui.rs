//! Printing: results on standard output, progress and advice on standard error.
//!
//! Text of records is somebody else's: whatever a terminal would obey is taken out of everything that is printed here, or
//! escaped where it is JSON, so that a title cannot repaint the screen or reorder a line. Our own emphasis is written with
//! marks of the private use area, which become escapes after that, on a terminal that wants colour.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Mutex;

use essaim_protocol::api::{Lang, Progress, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::error::Failure;
use crate::text::{self, Texts, t};

/// What the global options say about printing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) no_color: bool,
}

/// The person's terminal.
pub(crate) struct Ui {
    pub(crate) texts: Texts,
    pub(crate) look: Look,
    colour: bool,
    bar: Mutex<Option<Shown>>,
    /// Why standard output took no more: what follows is not written.
    lost: Mutex<Option<io::Error>>,
}

/// The progress on the screen.
struct Shown {
    stage: Stage,
    bar: ProgressBar,
    /// In a pipe: how far the last line said.
    said: u64,
}

const BOLD: char = '\u{e000}';
const DIM: char = '\u{e001}';
const RED: char = '\u{e002}';
const GREEN: char = '\u{e003}';
const YELLOW: char = '\u{e004}';
const PLAIN: char = '\u{e00f}';

impl Ui {
    pub(crate) fn new(lang: Lang, look: Look) -> Self {
        let wanted = !look.no_color && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let colour = wanted && io::stdout().is_terminal() && io::stderr().is_terminal();
        Self { texts: text::texts(lang), look, colour, bar: Mutex::default(), lost: Mutex::default() }
    }

    pub(crate) fn lang(&self) -> Lang {
        self.texts.lang()
    }

    /// A result: a line or several on standard output.
    pub(crate) fn out(&self, text: &str) {
        self.put(&format!("{}\n", self.drawn(text)));
    }

    /// A result whose text is [harmless] or [escaped] already, for files and other programs.
    pub(crate) fn raw(&self, text: &str) {
        self.put(text);
    }

    /// Writes to standard output, to its end: what stays in its buffer is dropped in silence when the program ends.
    fn put(&self, text: &str) {
        self.clear_progress();
        let Ok(mut lost) = self.lost.lock() else { return };
        if lost.is_none() {
            let mut to = io::stdout().lock();
            *lost = to.write_all(text.as_bytes()).and_then(|()| to.flush()).err();
        }
    }

    /// Whether all that was printed has arrived. A reader that hangs up (`| head`) has had what it wanted.
    pub(crate) fn printed(&self) -> Result<(), Failure> {
        let lost = self.lost.lock().ok().and_then(|mut lost| lost.take());
        match lost.filter(|error| error.kind() != ErrorKind::BrokenPipe) {
            Some(source) => Err(Failure::File { path: PathBuf::from(t!(self, "standard-output")), source }),
            None => Ok(()),
        }
    }

    /// A result as one JSON value.
    pub(crate) fn json<T: Serialize>(&self, value: &T) {
        let text = serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("\"{error}\""));
        self.raw(&format!("{}\n", escaped(&text)));
    }

    /// Advice and progress, on standard error; silent with `-q`.
    pub(crate) fn note(&self, text: &str) {
        if !self.look.quiet {
            self.err(text);
        }
    }

    /// What must be said, on standard error.
    pub(crate) fn err(&self, text: &str) {
        self.clear_progress();
        self.line(text);
    }

    /// A line on standard error, below whatever progress is shown.
    fn line(&self, text: &str) {
        let text = self.drawn(text);
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// `→` and what to do next.
    pub(crate) fn next(&self, text: &str) {
        self.note(&format!("→ {text}"));
    }

    pub(crate) fn bold(text: &str) -> String {
        format!("{BOLD}{text}{PLAIN}")
    }

    pub(crate) fn dim(text: &str) -> String {
        // An empty cell must stay empty, so that the end of its line can be trimmed.
        if text.is_empty() { String::new() } else { format!("{DIM}{text}{PLAIN}") }
    }

    /// What is no longer there.
    pub(crate) fn gone(text: &str) -> String {
        format!("{RED}{text}{PLAIN}")
    }

    /// What has come.
    pub(crate) fn come(text: &str) -> String {
        format!("{GREEN}{text}{PLAIN}")
    }

    pub(crate) fn done(text: &str) -> String {
        format!("{GREEN}✓{PLAIN} {text}")
    }

    pub(crate) fn failed(text: &str) -> String {
        format!("{RED}✗{PLAIN} {text}")
    }

    pub(crate) fn warning(text: &str) -> String {
        format!("{YELLOW}!{PLAIN} {text}")
    }

    /// Rows in aligned columns, without lines around them.
    pub(crate) fn rows(&self, rows: Vec<Vec<String>>) {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        if !io::stdout().is_terminal() {
            table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
        } else {
            table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
        }
        table.add_rows(rows.into_iter().map(|row| row.into_iter().map(|cell| one_line(&cell)).collect::<Vec<_>>()));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        if !table.is_empty() {
            let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
            self.out(&lines.join("\n"));
        }
    }

    /// A long job goes on: a bar on a terminal, lines in a pipe, nothing with `-q`.
    pub(crate) fn progress(&self, progress: &Progress) {
        if self.look.quiet {
            return;
        }
        let Ok(mut shown) = self.bar.lock() else { return };
        if shown.as_ref().is_none_or(|shown| shown.stage != progress.stage) {
            *shown = Some(self.begin(progress));
        }
        let Some(shown) = shown.as_mut() else { return };
        shown.bar.set_length(progress.total.unwrap_or(progress.done));
        shown.bar.set_position(progress.done);
        let step = (progress.total.unwrap_or(10_000) / 10).max(1);
        if shown.bar.is_hidden() && progress.done >= shown.said + step {
            shown.said = progress.done;
            self.line(&self.in_words(progress));
        }
    }

    fn begin(&self, progress: &Progress) -> Shown {
        let bar = if io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{msg} {bar:30} {human_pos}/{human_len}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_message(self.stage(progress.stage))
        } else {
            self.line(&self.in_words(progress));
            ProgressBar::hidden()
        };
        Shown { stage: progress.stage, bar, said: progress.done }
    }

    fn in_words(&self, progress: &Progress) -> String {
        let stage = self.stage(progress.stage);
        match progress.total {
            Some(total) => t!(self, "progress-of", stage = stage, done = progress.done, total = total),
            None if progress.done == 0 => stage,
            None => t!(self, "progress-so-far", stage = stage, done = progress.done),
        }
    }

    fn stage(&self, stage: Stage) -> String {
        let key = match stage {
            Stage::Reading => "stage-reading",
            Stage::Writing => "stage-writing",
            Stage::Connecting => "stage-connecting",
            Stage::Admission => "stage-admission",
            Stage::Exchanging => "stage-exchanging",
            Stage::Checking => "stage-checking",
            Stage::Rebuilding => "stage-rebuilding",
        };
        self.texts.say(key, [])
    }

    /// Takes the bar off the screen, so that a line can be printed.
    pub(crate) fn clear_progress(&self) {
        if let Ok(mut shown) = self.bar.lock()
            && let Some(shown) = shown.take()
        {
            shown.bar.finish_and_clear();
        }
    }

    /// A line typed by the person after a question; `None` when nobody is there to answer.
    pub(crate) fn ask(&self, question: &str) -> Option<String> {
        if !io::stdin().is_terminal() {
            return None;
        }
        self.clear_progress();
        let _ = write!(io::stderr().lock(), "{} ", self.drawn(question));
        let mut line = String::new();
        io::stdin().read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim().to_owned())
    }

    /// Whether the person says yes.
    pub(crate) fn confirm(&self, question: &str) -> Option<bool> {
        let answer = self.ask(question)?.to_lowercase();
        Some(matches!(answer.as_str(), "o" | "oui" | "y" | "yes"))
    }

    fn drawn(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in harmless(text).chars() {
            let escape = match c {
                BOLD => "\u{1b}[1m",
                DIM => "\u{1b}[2m",
                RED => "\u{1b}[31m",
                GREEN => "\u{1b}[32m",
                YELLOW => "\u{1b}[33m",
                PLAIN => "\u{1b}[0m",
                _ => {
                    out.push(c);
                    continue;
                }
            };
            if self.colour {
                out.push_str(escape);
            }
        }
        out
    }
}

/// Text without what a terminal would obey: control characters but for newline and tab, and the marks that override the
/// direction of writing (letters of right-to-left scripts need none).
pub(crate) fn harmless(text: &str) -> String {
    text.chars().filter(|c| !is_obeyed(*c)).collect()
}

/// The same JSON with all that in the form `\u009b`: such characters stand in strings only, and mean the same there.
pub(crate) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_obeyed(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out
}

fn is_obeyed(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text in one line, for a cell of a table.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of a text, in whole characters, with `…` when there is more.
pub(crate) fn shortened(text: &str, chars: usize) -> String {
    let text = one_line(text);
    match text.char_indices().nth(chars) {
        Some(_) => text.chars().take(chars.saturating_sub(1)).chain(['…']).collect(),
        None => text,
    }
}

/// Bytes in the unit that a person reads: `1,4 Mo`, `1.4 MB`.
pub(crate) fn bytes(lang: Lang, bytes: u64) -> String {
    let units = lang.pick(["octets", "ko", "Mo", "Go"], ["bytes", "kB", "MB", "GB"]);
    if bytes < 1000 {
        return format!("{bytes} {}", units[0]);
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 1;
    while value >= 999.95 && unit < 3 {
        value /= 1000.0;
        unit += 1;
    }
    let number = format!("{value:.1}");
    format!("{} {}", lang.pick(number.replace('.', ","), number.clone()), units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_command_the_terminal() {
        let title = "Navette\u{1b}[2J\u{1b}]0;pirate\u{7}\u{9b}31m \u{202e}etsil\u{202c} مرحبا 🐝\n";
        assert_eq!(harmless(title), "Navette[2J]0;pirate31m etsil مرحبا 🐝\n");
        let ui = Ui::new(Lang::Fr, Look::default());
        assert!(!ui.drawn(title).contains('\u{1b}'));
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped_in_json() {
        let title = serde_json::json!(["\u{9b}31m \u{202e}etsil\u{1b}\u{7f} é\n"]);
        let text = escaped(&serde_json::to_string_pretty(&title).unwrap());
        assert!(text.contains(r"\u009b31m \u202eetsil\u001b\u007f é\n"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), title);
    }

    #[test]
    fn emphasis_is_nothing_in_a_pipe() {
        let ui = Ui::new(Lang::Fr, Look { no_color: true, ..Look::default() });
        assert_eq!(ui.drawn(&Ui::done(&Ui::bold("fait"))), "✓ fait");
    }

    #[test]
    fn sizes_are_written_as_the_language_does() {
        assert_eq!(bytes(Lang::Fr, 999), "999 octets");
        assert_eq!(bytes(Lang::Fr, 1_449), "1,4 ko");
        assert_eq!(bytes(Lang::En, 999_960), "1.0 MB");
        assert_eq!(bytes(Lang::En, 4_000_000_000_000), "4000.0 GB");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(shortened("Cœur  Haute\nLande", 30), "Cœur Haute Lande");
        assert_eq!(shortened("ééééé", 3), "éé…");
    }
}
