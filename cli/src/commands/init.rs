//! `essaim init`: an identity in this home.

use essaim_protocol::api::{Identity, Init};

use super::Context;
use crate::Outcome;
use crate::args;
use crate::error::{Failure, usage};
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, init: args::Init) -> Result<Outcome, Failure> {
    let name = name(cx, init.name)?;
    let identity: Identity = cx.client().await?.post("identity", &Init { name }).await?;
    if cx.ui.look.json {
        cx.ui.json(&identity);
    } else if cx.ui.look.quiet {
        cx.ui.out(&identity.device.to_string());
    } else {
        cx.ui.out(&Ui::done(&t!(cx.ui, "init-done", name = identity.name, home = identity.home)));
        cx.ui.next(&t!(cx.ui, "next-create-or-join"));
    }
    Ok(Outcome::Done)
}

/// The name given, or the answer to a question.
pub(super) fn name(cx: &Context<'_>, given: Option<String>) -> Result<String, Failure> {
    let name = given.or_else(|| cx.ui.ask(&t!(cx.ui, "ask-name"))).unwrap_or_default();
    if name.trim().is_empty() { Err(usage(t!(cx.ui, "usage-name"))) } else { Ok(name) }
}
