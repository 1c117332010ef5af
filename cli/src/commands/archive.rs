//! `essaim archive`: puts a record away, or takes it out again. It stays readable either way.

use essaim_protocol::api::{Archive, Saved};

use super::Context;
use crate::Outcome;
use crate::client::piece;
use crate::error::Failure;
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, id: &str, undo: bool) -> Result<Outcome, Failure> {
    let path = format!("records/{}/archive", piece(id));
    let saved: Saved = cx.client().await?.post(&path, &Archive { record: String::new(), undo }).await?;
    let (id, title) = (saved.brief.short.clone(), saved.brief.title.clone());
    if cx.ui.look.json {
        cx.ui.json(&saved);
    } else if cx.ui.look.quiet {
        cx.ui.out(&saved.brief.id.to_string());
    } else if saved.change.is_none() {
        cx.ui.out(&t!(cx.ui, "saved-nothing", id = id, title = title));
    } else if undo {
        cx.ui.out(&Ui::done(&t!(cx.ui, "archive-undone", id = id, title = title)));
    } else {
        cx.ui.out(&Ui::done(&t!(cx.ui, "archived", id = id.as_str(), title = title)));
        cx.ui.next(&t!(cx.ui, "next-unarchive", id = id));
    }
    Ok(Outcome::Done)
}
