//! `essaim show`: a whole record, disagreements included.

use essaim_node::words::when;
use essaim_protocol::api::Sheet;

use super::{Context, sheet};
use crate::Outcome;
use crate::client::piece;
use crate::error::{Failure, print_problems};
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, id: &str) -> Result<Outcome, Failure> {
    let record: Sheet = cx.client().await?.get(&format!("records/{}", piece(id)), vec![]).await?;
    if cx.ui.look.json {
        cx.ui.json(&record);
    } else if cx.ui.look.quiet {
        cx.ui.out(&record.brief.id.to_string());
    } else {
        print(cx.ui, &record);
    }
    Ok(Outcome::Done)
}

fn print(ui: &Ui, record: &Sheet) {
    let brief = &record.brief;
    ui.out(&Ui::bold(&brief.title));
    ui.out(&Ui::dim(&format!("{}  {}", sheet::kind_label(ui, &brief.kind), brief.short)));
    for (name, label, lines) in sheet::fields(ui.lang(), &brief.kind, &record.fields, &record.names) {
        // Told as the heading; whose system a record came from is told below.
        if name == "title" || name == "origin" || lines.iter().all(|line| line.trim().is_empty()) {
            continue;
        }
        ui.out(&format!("\n{}", Ui::bold(&label)));
        lines.iter().for_each(|line| ui.out(&format!("  {line}")));
    }
    for conflict in &record.disagreements {
        let field = conflict.label.as_str();
        ui.out(&format!("\n{}", Ui::warning(&t!(ui, "show-conflict", field = field))));
        sheet::print_values(ui, conflict, &record.names);
        ui.next(&t!(ui, "next-settle", id = brief.short.as_str(), field = conflict.field.as_str()));
    }
    for proposal in &record.proposals {
        let field = proposal.label.as_str();
        ui.out(&format!("\n{}", t!(ui, "show-proposal", field = field)));
        sheet::print_values(ui, proposal, &record.names);
    }
    let by = if record.written_by.is_empty() { t!(ui, "show-reference") } else { record.written_by.join(", ") };
    // Reference changes bear no time: only what people wrote is dated.
    let moment = |time| when::moment(ui.lang(), time);
    let history = match (record.created_at, brief.updated_at) {
        (Some(created), Some(updated)) => {
            t!(ui, "show-history", by = by, created = moment(created), updated = moment(updated))
        }
        (None, _) | (_, None) => by,
    };
    ui.out(&format!("\n{}", Ui::dim(&history)));
    if !record.missing.is_empty() {
        ui.note(&t!(ui, "show-missing"));
        if !ui.look.quiet {
            print_problems(ui, &record.missing);
        }
    }
}
