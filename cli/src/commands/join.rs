//! `essaim join`: read the ticket, show the charter, sign it, wait for the admission, fetch everything.

use essaim_protocol::api::{Join, Joined, ReadTicket, TicketContent};

use super::{Context, sync};
use crate::Outcome;
use crate::args;
use crate::error::{Failure, usage};
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, join: args::Join) -> Result<Outcome, Failure> {
    let ticket = join.ticket.concat();
    let client = cx.online().await?;
    let content: TicketContent = client.post("tickets", &ReadTicket { ticket: ticket.clone() }).await?;
    accept(cx.ui, &content, join.accept_charter)?;
    let join = Join { ticket, accepted: content.charter, wait_s: join.wait };
    let joined: Joined = client.long("joins", &join, cx.progress()).await?;
    if cx.ui.look.json {
        cx.ui.json(&joined);
    } else if cx.ui.look.quiet {
        cx.ui.out(&joined.commons.id.to_string());
    } else if joined.admitted {
        let Joined { commons, .. } = &joined;
        let name = commons.name.as_str();
        cx.ui.out(&Ui::done(&t!(cx.ui, "join-done", name = name, n = commons.records, allies = commons.allies)));
        joined.synced.peers.iter().for_each(|peer| sync::print(cx.ui, peer));
        cx.ui.next(&t!(cx.ui, "next-search"));
    } else {
        cx.ui.out(&Ui::warning(&t!(cx.ui, "join-waiting", name = joined.commons.name.as_str())));
        cx.ui.next(&t!(cx.ui, "next-sync"));
    }
    Ok(if joined.admitted { Outcome::Done } else { Outcome::Partial })
}

/// Shows what is going to be signed, and takes the person's yes.
fn accept(ui: &Ui, content: &TicketContent, accepted: bool) -> Result<(), Failure> {
    let by = content.invited_by.clone().unwrap_or_else(|| t!(ui, "somebody"));
    ui.note(&t!(ui, "join-invited", by = by, name = content.name.as_str()));
    match &content.charter_text {
        Some(text) => ui.note(&format!("\n{}\n", text.trim_end())),
        None => ui.note(&t!(ui, "join-charter-hash", hash = content.charter.to_string())),
    }
    if accepted {
        return Ok(());
    }
    match ui.confirm(&t!(ui, "join-accept")) {
        Some(true) => Ok(()),
        Some(false) => Err(usage(t!(ui, "join-refused"))),
        None => Err(usage(t!(ui, "usage-accept-charter"))),
    }
}
