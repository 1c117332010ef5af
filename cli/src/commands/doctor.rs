//! `essaim doctor`: what is sound here, what is not, and what can be mended.

use essaim_node::words::labelled;
use essaim_protocol::api::{Check, Checked, Diagnosis, Doctor, Health};

use super::Context;
use crate::Outcome;
use crate::error::Failure;
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, doctor: Doctor) -> Result<Outcome, Failure> {
    let diagnosis: Diagnosis = cx.client().await?.long("doctor", &doctor, cx.progress()).await?;
    let ui = cx.ui;
    if ui.look.json {
        ui.json(&diagnosis);
    } else {
        let told = diagnosis.checks.iter().filter(|checked| !ui.look.quiet || is_broken(checked));
        told.for_each(|checked| print(ui, checked));
        if diagnosis.rebuilt && !ui.look.quiet {
            ui.out(&Ui::done(&t!(ui, "doctor-rebuilt")));
        }
    }
    let worst = |health| diagnosis.checks.iter().any(|checked| checked.health == health);
    if worst(Health::Rebuildable) {
        ui.next(&t!(ui, "next-rebuild"));
    }
    if worst(Health::Damaged) {
        ui.next(&t!(ui, "next-sync-damaged"));
    }
    Ok(if diagnosis.checks.iter().any(is_broken) { Outcome::Partial } else { Outcome::Done })
}

/// What is said even with `-q`.
const fn is_broken(checked: &Checked) -> bool {
    matches!(checked.health, Health::Rebuildable | Health::Damaged)
}

fn print(ui: &Ui, checked: &Checked) {
    let key = match checked.check {
        Check::Home => "check-home",
        Check::Keys => "check-keys",
        Check::Clock => "check-clock",
        Check::Log => "check-log",
        Check::Outbox => "check-outbox",
        Check::Quarantine => "check-quarantine",
        Check::Tables => "check-tables",
        Check::Index => "check-index",
    };
    let health = match checked.health {
        Health::Ok => "health-ok",
        Health::Warning => "health-warning",
        Health::Rebuildable => "health-rebuildable",
        Health::Damaged => "health-damaged",
    };
    let place = checked.commons.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let count = if checked.count > 0 { t!(ui, "doctor-count", n = checked.count) } else { String::new() };
    let (what, how) = (format!("{}{place}", ui.texts.say(key, [])), format!("{}{count}", ui.texts.say(health, [])));
    let line = labelled(ui.lang(), &what, &how);
    ui.out(&match checked.health {
        Health::Ok => Ui::done(&line),
        Health::Warning => Ui::warning(&line),
        Health::Rebuildable | Health::Damaged => Ui::failed(&line),
    });
    for detail in &checked.details {
        ui.out(&format!("    {}", detail.text(ui.lang())));
    }
}
