//! Writing a record in the person's own editor.
//!
//! The text lives in `HOME/drafts` from before the editor opens until the node has acknowledged it: neither a mistake in
//! it, nor a full disk, nor a killed command loses what was typed.

use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use essaim_protocol::api::{Error, Saved};

use super::Context;
use crate::error::{Failure, file, print_problems};
use crate::text::t;
use crate::ui::Ui;

/// What the person did in the editor.
pub(super) enum Typed {
    /// The node has it.
    Saved(Box<Saved>),
    /// Nothing was changed, nothing is kept.
    Untouched,
}

/// A text in `HOME/drafts`.
pub(super) struct Draft {
    path: PathBuf,
    text: String,
}

impl Draft {
    /// Puts a text where nothing overwrites it.
    pub(super) fn new(cx: &Context<'_>, name: &str, text: String) -> Result<Self, Failure> {
        let dir = cx.home.join("drafts");
        fs::create_dir_all(&dir).map_err(file(&dir))?;
        let path = free_name(&dir, name);
        fs::write(&path, &text).map_err(file(&path))?;
        Ok(Self { path, text })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the editor; `None` when the text is as it was.
    pub(super) fn open(&self, cx: &Context<'_>) -> Result<Option<String>, Failure> {
        edit(cx.ui, &self.path)?;
        let typed = fs::read_to_string(&self.path).map_err(file(&self.path))?;
        Ok((typed != self.text).then_some(typed))
    }

    /// Opens the editor and gives the text to `save`, again as long as the person wants to mend what is not valid.
    /// `again` is the command that takes the text up, by its path, where the person leaves it for later.
    pub(super) async fn write<F>(
        self,
        cx: &Context<'_>,
        save: impl Fn(String) -> F,
        again: impl Fn(&str) -> String,
    ) -> Result<Typed, Failure>
    where
        F: Future<Output = Result<Saved, Failure>>,
    {
        loop {
            let Some(typed) = self.open(cx)? else {
                fs::remove_file(&self.path).map_err(file(&self.path))?;
                return Ok(Typed::Untouched);
            };
            match save(typed).await {
                Ok(saved) => {
                    fs::remove_file(&self.path).map_err(file(&self.path))?;
                    return Ok(Typed::Saved(Box::new(saved)));
                }
                Err(Failure::Api(Error::Invalid { problems })) if self.mend(cx.ui, &problems) => {}
                Err(failure) => {
                    let path = self.path.display().to_string();
                    cx.ui.err(&Ui::warning(&t!(cx.ui, "draft-kept", path = path.as_str())));
                    cx.ui.next(&again(&path));
                    return Err(failure);
                }
            }
        }
    }

    /// Shows what is wrong; whether the person wants to go back to it.
    fn mend(&self, ui: &Ui, problems: &[essaim_protocol::api::Problem]) -> bool {
        if !std::io::stdin().is_terminal() {
            return false;
        }
        ui.err(&Ui::failed(&t!(ui, "draft-invalid")));
        print_problems(ui, problems);
        ui.confirm(&t!(ui, "draft-again")).unwrap_or(false)
    }
}

/// Whether there is somebody to type: a terminal, or an editor that was set.
pub(super) fn is_possible() -> bool {
    std::io::stdin().is_terminal() || chosen().is_some()
}

fn chosen() -> Option<String> {
    ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
}

/// Runs the editor on a file. Through the shell, because the variables may hold options: `code --wait`.
fn edit(ui: &Ui, path: &Path) -> Result<(), Failure> {
    let command = chosen().unwrap_or_else(|| "nano".to_owned());
    ui.clear_progress();
    let failed = |detail: String| Failure::Editor { command: command.clone(), detail };
    let status = Command::new("sh").arg("-c").arg(format!("{command} \"$1\"")).arg("sh").arg(path).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            ui.err(&Ui::warning(&t!(ui, "draft-kept", path = path.display().to_string())));
            Err(failed(status.to_string()))
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// `experience.md`, `experience-2.md`, …: the first that is free.
fn free_name(dir: &Path, name: &str) -> PathBuf {
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(60).collect();
    let names = std::iter::once(format!("{plain}.md")).chain((2..).map(|n| format!("{plain}-{n}.md")));
    names.map(|name| dir.join(name)).find(|path| !path.exists()).unwrap_or_else(|| dir.join("draft.md"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_never_takes_the_place_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let first = free_name(dir.path(), "experience");
        fs::write(&first, "").unwrap();
        assert_eq!(first.file_name().unwrap(), "experience.md");
        assert_eq!(free_name(dir.path(), "experience").file_name().unwrap(), "experience-2.md");
        assert_eq!(free_name(dir.path(), "../é/").file_name().unwrap(), "---é-.md");
    }
}
