//! `essaim status`: the node, what is in sync with whom, what to do next.

use essaim_node::words::when;
use essaim_protocol::api::{Network, Peer, PeerSync, Status, Task};

use super::{Context, commons};
use crate::Outcome;
use crate::error::Failure;
use crate::text::t;
use crate::ui::{Ui, bytes};

pub(super) async fn run(cx: &Context<'_>, network: bool) -> Result<Outcome, Failure> {
    let status: Status = cx.client().await?.get("status", vec![]).await?;
    let ui = cx.ui;
    if ui.look.json {
        ui.json(&status);
        return Ok(Outcome::Done);
    }
    if ui.look.quiet {
        status.commons.iter().for_each(|one| ui.out(&one.id.to_string()));
        return Ok(Outcome::Done);
    }
    match &status.identity {
        Some(identity) => ui.out(&format!("{}  {}", Ui::bold(&identity.name), Ui::dim(&identity.home))),
        None => ui.out(&t!(ui, "status-no-identity")),
    }
    match &status.network {
        Some(running) => ui.out(&t!(
            ui,
            "status-running",
            n = running.connected,
            since = when::moment(ui.lang(), running.started_at)
        )),
        None => ui.out(&t!(ui, "status-not-running")),
    }
    status.commons.iter().for_each(|one| ui.out(&commons::line(ui, one)));
    for peer in &status.peers {
        ui.out(&format!("  {}", peer_line(ui, peer)));
    }
    ui.out(&t!(ui, "status-disk", size = bytes(ui.lang(), status.disk_bytes)));
    if network {
        print_network(ui, status.network.as_ref());
    }
    status.todo.iter().for_each(|task| ui.next(&task_line(ui, task)));
    Ok(Outcome::Done)
}

/// What is known of a peer, in words. *In sync* is said only after digests were compared.
fn peer_line(ui: &Ui, peer: &Peer) -> String {
    let state = match &peer.sync {
        PeerSync::Never => t!(ui, "peer-never"),
        PeerSync::InSync { at } => Ui::done(&t!(ui, "peer-in-sync", at = when::moment(ui.lang(), *at))),
        PeerSync::Ahead { at, entries } => {
            t!(ui, "peer-ahead", at = when::moment(ui.lang(), *at), n = *entries)
        }
    };
    let seen = match (peer.connected, peer.seen_at) {
        (true, _) => t!(ui, "peer-connected"),
        (false, Some(at)) => t!(ui, "peer-seen", at = when::moment(ui.lang(), at)),
        (false, None) => t!(ui, "peer-not-seen"),
    };
    format!("{} ({}) — {seen} — {state}", peer.ally, peer.commons)
}

fn print_network(ui: &Ui, network: Option<&Network>) {
    let Some(network) = network else { return };
    let mdns = if network.mdns { t!(ui, "network-mdns") } else { t!(ui, "network-no-mdns") };
    ui.out(&mdns);
    let (received, sent) = (bytes(ui.lang(), network.traffic.bytes_in), bytes(ui.lang(), network.traffic.bytes_out));
    ui.out(&t!(ui, "network-traffic", received = received, sent = sent));
    network.listening.iter().for_each(|address| ui.out(&format!("  {address}")));
}

fn task_line(ui: &Ui, task: &Task) -> String {
    match task {
        Task::Init => t!(ui, "hint-init"),
        Task::CreateOrJoin => t!(ui, "next-create-or-join"),
        Task::Settle { conflicts, commons, .. } => {
            t!(ui, "task-settle", n = *conflicts, commons = commons.as_str())
        }
        Task::InviteSomebody { commons, .. } => t!(ui, "task-invite", commons = commons.as_str()),
        Task::AwaitAdmission { commons, .. } => t!(ui, "task-admission", commons = commons.as_str()),
        Task::SyncSoon { entries, commons, .. } => t!(ui, "task-sync", n = *entries, commons = commons.as_str()),
        Task::Upgrade { commons, .. } => t!(ui, "task-upgrade", commons = commons.as_str()),
        Task::Doctor => t!(ui, "hint-doctor"),
    }
}
