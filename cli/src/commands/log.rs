//! `essaim log`: the history of a record, newest first.

use essaim_node::words::when;
use essaim_protocol::api::{Log, Version};

use super::{Context, sheet};
use crate::Outcome;
use crate::client::piece;
use crate::error::Failure;
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, id: &str) -> Result<Outcome, Failure> {
    let log: Log = cx.client().await?.get(&format!("records/{}/log", piece(id)), vec![]).await?;
    if cx.ui.look.json {
        cx.ui.json(&log);
    } else if cx.ui.look.quiet {
        log.versions.iter().for_each(|version| cx.ui.out(&version.change.to_string()));
    } else {
        cx.ui.out(&format!("{}  {}", Ui::bold(&log.brief.title), Ui::dim(&log.brief.short)));
        log.versions.iter().for_each(|version| print(cx.ui, &log.brief.kind, version));
    }
    Ok(Outcome::Done)
}

fn print(ui: &Ui, kind: &str, version: &Version) {
    // A reference record is nobody's; a device that no statement names yet is somebody's.
    let nobody = || if version.at.is_none() { t!(ui, "show-reference") } else { t!(ui, "somebody") };
    let by = version.ally.clone().unwrap_or_else(nobody);
    let at = version.at.map(|at| when::moment(ui.lang(), at)).unwrap_or_default();
    let apart = if version.concurrent { t!(ui, "log-concurrent") } else { String::new() };
    ui.out(&format!("\n{}  {by}  {at}  {apart}", Ui::bold(&version.change.short())));
    let fields: Vec<String> = version.fields.iter().map(|field| sheet::field_label(ui, kind, field)).collect();
    ui.out(&format!("  {}", fields.join(", ")));
}
