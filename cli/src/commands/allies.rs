//! `essaim allies [show]`: who is in this commons.

use essaim_node::words::when;
use essaim_protocol::api::{Allies, Ally, AllyState};

use super::Context;
use crate::Outcome;
use crate::args;
use crate::client::piece;
use crate::error::Failure;
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, command: Option<args::Allies>) -> Result<Outcome, Failure> {
    match command {
        Some(args::Allies::Show { ally }) => show(cx, &ally).await?,
        None => list(cx).await?,
    }
    Ok(Outcome::Done)
}

async fn list(cx: &Context<'_>) -> Result<(), Failure> {
    let allies: Allies = cx.client().await?.get("allies", vec![]).await?;
    if cx.ui.look.json {
        cx.ui.json(&allies);
    } else if cx.ui.look.quiet {
        allies.iter().for_each(|ally| cx.ui.out(&ally.id.to_string()));
    } else {
        let row = |ally: &Ally| vec![Ui::bold(&ally.short), named(cx.ui, ally), Ui::dim(&state(cx.ui, ally.state))];
        cx.ui.rows(allies.iter().map(row).collect());
        cx.ui.note(&t!(cx.ui, "allies-count", n = allies.len()));
    }
    Ok(())
}

async fn show(cx: &Context<'_>, asked: &str) -> Result<(), Failure> {
    let ally: Ally = cx.client().await?.get(&format!("allies/{}", piece(asked)), vec![]).await?;
    if cx.ui.look.json {
        cx.ui.json(&ally);
        return Ok(());
    }
    if cx.ui.look.quiet {
        cx.ui.out(&ally.id.to_string());
        return Ok(());
    }
    cx.ui.out(&format!("{}  {}", Ui::bold(&named(cx.ui, &ally)), Ui::dim(&ally.short)));
    let since = when::moment(cx.ui.lang(), ally.since);
    cx.ui.out(&t!(cx.ui, "ally-since", state = state(cx.ui, ally.state), since = since));
    if let Some(by) = &ally.invited_by {
        cx.ui.out(&t!(cx.ui, "ally-invited-by", by = by.as_str()));
    }
    cx.ui.out(&t!(cx.ui, "ally-devices", n = ally.devices.len()));
    ally.devices.iter().for_each(|device| cx.ui.out(&format!("  {device}")));
    Ok(())
}

fn named(ui: &Ui, ally: &Ally) -> String {
    if ally.me { t!(ui, "ally-me", name = ally.name.as_str()) } else { ally.name.clone() }
}

fn state(ui: &Ui, state: AllyState) -> String {
    let key = match state {
        AllyState::Founder => "ally-state-founder",
        AllyState::Admitted => "ally-state-admitted",
        AllyState::Pending => "ally-state-pending",
        AllyState::Suspended => "ally-state-suspended",
        AllyState::Left => "ally-state-left",
    };
    ui.texts.say(key, [])
}
