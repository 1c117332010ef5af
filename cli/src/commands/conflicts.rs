//! `essaim conflicts`: fields in which several values stand beside each other.

use std::collections::BTreeMap;

use essaim_protocol::api::Conflict;

use super::{Context, sheet};
use crate::Outcome;
use crate::error::Failure;
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, id: Option<String>) -> Result<Outcome, Failure> {
    let params = id.map(|id| ("record", id)).into_iter().collect();
    let conflicts: Vec<Conflict> = cx.client().await?.get("conflicts", params).await?;
    if cx.ui.look.json {
        cx.ui.json(&conflicts);
    } else if cx.ui.look.quiet {
        let mut ids: Vec<_> = conflicts.iter().map(|conflict| conflict.record).collect();
        ids.dedup();
        ids.iter().for_each(|id| cx.ui.out(&id.to_string()));
    } else {
        conflicts.iter().for_each(|conflict| print(cx.ui, conflict));
        cx.ui.note(&t!(cx.ui, "conflicts-count", n = conflicts.len()));
    }
    Ok(Outcome::Done)
}

fn print(ui: &Ui, conflict: &Conflict) {
    let field = conflict.label.as_str();
    ui.out(&format!("{}  {}  {field}", Ui::bold(&conflict.record.short()), crate::ui::one_line(&conflict.title)));
    sheet::print_values(ui, conflict, &BTreeMap::new());
    ui.next(&t!(ui, "next-settle", id = conflict.record.short(), field = conflict.field.as_str()));
}
