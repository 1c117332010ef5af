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
    let outcome = verdict(&joined);
    if cx.ui.look.json {
        cx.ui.json(&joined);
    } else if cx.ui.look.quiet {
        cx.ui.out(&joined.commons.id.to_string());
    } else if joined.admitted {
        let Joined { commons, .. } = &joined;
        let name = commons.name.as_str();
        let line = t!(cx.ui, "join-done", name = name, n = commons.records, allies = commons.allies);
        let whole = outcome == Outcome::Done;
        cx.ui.out(&if whole { Ui::done(&line) } else { Ui::warning(&line) });
        joined.synced.peers.iter().for_each(|peer| sync::print(cx.ui, peer));
        if whole {
            cx.ui.next(&t!(cx.ui, "next-search"));
        } else {
            cx.ui.out(&Ui::warning(&t!(cx.ui, "join-not-whole")));
            cx.ui.next(&t!(cx.ui, "next-sync"));
        }
    } else {
        cx.ui.out(&Ui::warning(&t!(cx.ui, "join-waiting", name = joined.commons.name.as_str())));
        cx.ui.next(&t!(cx.ui, "next-sync"));
    }
    Ok(outcome)
}

/// Done is what was admitted and holds the same as the host.
fn verdict(joined: &Joined) -> Outcome {
    let whole = joined.admitted && sync::verdict(&joined.synced) == Outcome::Done;
    if whole && !joined.synced.peers.is_empty() { Outcome::Done } else { Outcome::Partial }
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
        Some(false) => Err(Failure::Declined(t!(ui, "join-refused"))),
        None => Err(usage(t!(ui, "usage-accept-charter"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_whose_first_exchange_was_cut_is_done_in_part() {
        let joined = |admitted, ended: &[&str]| {
            let zero = "0".repeat(52);
            let peer = |ended: &&str| {
                serde_json::json!({"ally": "Lyon", "commons": "Vallées", "ended": ended, "received": 0, "sent": 0,
                    "why": null, "traffic": {"bytes_in": 0, "bytes_out": 0}, "ms": 0})
            };
            let peers: Vec<_> = ended.iter().map(peer).collect();
            let commons = serde_json::json!({"id": zero, "name": "Vallées", "allies": 2, "records": 0, "entries": 4,
                "digest": "", "conflicts": 0, "me": "admitted", "charter": zero, "charter_text": null,
                "created_at": "2026-05-07T14:00:00Z"});
            let joined = serde_json::json!({"commons": commons, "admitted": admitted, "synced": {"peers": peers}});
            verdict(&serde_json::from_value(joined).unwrap())
        };
        assert_eq!(joined(true, &["in_sync"]), Outcome::Done);
        assert_eq!(joined(true, &["partial"]), Outcome::Partial);
        assert_eq!(joined(true, &["unreachable"]), Outcome::Partial);
        assert_eq!(joined(true, &[]), Outcome::Partial);
        assert_eq!(joined(false, &[]), Outcome::Partial);
    }
}
