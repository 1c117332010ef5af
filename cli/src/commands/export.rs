//! `essaim export`: records as JSON Lines, to a file or to standard output. One that may lack records says so, and is done in
//! part.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use essaim_protocol::api::Exported;

use super::{Context, query, readable, say_if_lacking};
use crate::Outcome;
use crate::args;
use crate::error::{Failure, file};
use crate::text::t;
use crate::ui::{Ui, escaped};

pub(super) async fn run(cx: &Context<'_>, export: args::Export) -> Result<Outcome, Failure> {
    let args::Export { format: args::Format::Jsonl, file: to, filters } = export;
    let q = query(cx.ui, "", &[], &filters)?;
    let client = cx.client().await?;
    if !q.is_empty() {
        readable(cx, &client).await?;
    }
    let Exported { lines, lacking } = client.export(q).await?;
    match to {
        None => cx.ui.raw(&escaped(&lines)),
        Some(path) => {
            write_whole(&path, &lines)?;
            let count = lines.lines().count();
            let place = path.display().to_string();
            if cx.ui.look.json {
                cx.ui.json(&serde_json::json!({ "records": count, "file": place }));
            } else {
                cx.ui.note(&Ui::done(&t!(cx.ui, "exported", n = count, path = place)));
            }
        }
    }
    say_if_lacking(cx.ui, lacking);
    Ok(if lacking.is_nothing() { Outcome::Done } else { Outcome::Partial })
}

/// Writes aside and renames: an interrupted export leaves the earlier file whole.
fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let parent =
        path.parent().filter(|dir| !dir.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut aside = tempfile::NamedTempFile::new_in(&parent).map_err(file(path))?;
    aside.write_all(text.as_bytes()).map_err(file(path))?;
    aside.as_file().sync_all().map_err(file(path))?;
    aside.persist(path).map_err(|error| file(path)(error.error))?;
    Ok(())
}
