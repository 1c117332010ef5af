//! `essaim invite`: a ticket to hand on, as text and as a QR code.

use essaim_node::words::when;
use essaim_protocol::api::{Invitation, Invite, Role};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use std::io::IsTerminal as _;

use super::Context;
use crate::Outcome;
use crate::args;
use crate::error::Failure;
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, invite: args::Invite) -> Result<Outcome, Failure> {
    let role = match invite.role {
        args::Role::Ally => Role::Ally,
        args::Role::Reader => Role::Reader,
    };
    let invite = Invite { role, expires_in_s: invite.expires, uses: invite.uses };
    let invitation: Invitation = cx.client().await?.post("invitations", &invite).await?;
    if cx.ui.look.json {
        cx.ui.json(&invitation);
        return Ok(Outcome::Done);
    }
    // Alone on its line, so that it can be copied or piped.
    cx.ui.out(&invitation.ticket);
    if std::io::stdout().is_terminal() && !cx.ui.look.quiet {
        // A ticket too long for a QR code is still a ticket.
        if let Ok(code) = QrCode::new(invitation.ticket.to_uppercase().as_bytes()) {
            cx.ui.out(&code.render::<Dense1x2>().quiet_zone(true).build());
        }
    }
    let until = when::moment(cx.ui.lang(), invitation.expires_at);
    cx.ui.note(&t!(cx.ui, "invite-terms", commons = invitation.commons, n = invitation.uses, until = until));
    if invitation.addresses.is_empty() || invitation.local_only {
        cx.ui.note(&Ui::warning(&t!(cx.ui, "invite-local-only")));
    }
    cx.ui.next(&t!(cx.ui, "next-hand-on"));
    Ok(Outcome::Done)
}
