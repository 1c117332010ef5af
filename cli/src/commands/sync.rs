//! `essaim sync`: exchange with peers now, and say how it ended with each.

use essaim_protocol::api::{Ended, Sync, SyncOutcome, Synced};

use super::Context;
use crate::Outcome;
use crate::args;
use crate::error::Failure;
use crate::text::t;
use crate::ui::{Ui, bytes};

pub(super) async fn run(cx: &Context<'_>, sync: args::Sync) -> Result<Outcome, Failure> {
    let sync = Sync { peer: sync.peer, wait_s: sync.wait };
    let synced: Synced = cx.online().await?.long("exchanges", &sync, cx.progress()).await?;
    if cx.ui.look.json {
        cx.ui.json(&synced);
    } else {
        // What did not end well is said even with `-q`.
        let told = synced.peers.iter().filter(|peer| !cx.ui.look.quiet || peer.ended != Ended::InSync);
        told.for_each(|peer| print(cx.ui, peer));
        if synced.peers.is_empty() {
            cx.ui.out(&Ui::warning(&t!(cx.ui, "sync-nobody")));
            cx.ui.next(&t!(cx.ui, "next-invite"));
        }
    }
    Ok(verdict(&synced))
}

/// The exit code follows the printed lines.
pub(super) fn verdict(synced: &Synced) -> Outcome {
    let reached = synced.peers.iter().filter(|peer| peer.ended != Ended::Unreachable).count();
    let in_sync = synced.peers.iter().filter(|peer| peer.ended == Ended::InSync).count();
    match (reached, in_sync) {
        (0, _) => Outcome::NoPeer,
        (_, all) if all == synced.peers.len() => Outcome::Done,
        _ => Outcome::Partial,
    }
}

/// `✓ Lyon (Vallées) : même contenu des deux côtés ; 12 reçus, 3 envoyés, 4,2 ko`
pub(super) fn print(ui: &Ui, peer: &SyncOutcome) {
    let key = match peer.ended {
        Ended::InSync => "ended-in-sync",
        Ended::Partial => "ended-partial",
        Ended::Unreachable => "ended-unreachable",
        Ended::CutOff => "ended-cut-off",
        Ended::NotAdmitted => "ended-not-admitted",
        Ended::OtherVersion => "ended-other-version",
    };
    let mut line =
        t!(ui, "sync-peer", ally = peer.ally.as_str(), commons = peer.commons.as_str(), ended = ui.texts.say(key, []));
    if peer.ended != Ended::Unreachable {
        let size = bytes(ui.lang(), peer.traffic.bytes_in + peer.traffic.bytes_out);
        line.push_str(&t!(ui, "sync-counts", received = peer.received, sent = peer.sent, size = size));
    }
    ui.out(&match peer.ended {
        Ended::InSync => Ui::done(&line),
        Ended::Partial => Ui::warning(&line),
        Ended::Unreachable | Ended::CutOff | Ended::NotAdmitted | Ended::OtherVersion => Ui::failed(&line),
    });
    if let Some(why) = peer.why.as_ref().filter(|_| peer.ended == Ended::CutOff) {
        ui.out(&format!("  {}", t!(ui, "sync-why", why = why.as_str())));
    }
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::Traffic;

    use super::*;

    fn peer(ended: Ended) -> SyncOutcome {
        let traffic = Traffic::default();
        let (ally, commons) = ("Lyon".to_owned(), "Vallées".to_owned());
        SyncOutcome { ally, commons, ended, received: 0, sent: 0, why: None, traffic, ms: 0 }
    }

    #[test]
    fn the_exit_code_follows_what_was_printed() {
        let of = |ended: &[Ended]| verdict(&Synced { peers: ended.iter().cloned().map(peer).collect() });
        assert_eq!(of(&[]), Outcome::NoPeer);
        assert_eq!(of(&[Ended::Unreachable]), Outcome::NoPeer);
        assert_eq!(of(&[Ended::InSync]), Outcome::Done);
        assert_eq!(of(&[Ended::InSync, Ended::Unreachable]), Outcome::Partial);
        assert_eq!(of(&[Ended::NotAdmitted]), Outcome::Partial);
    }
}
