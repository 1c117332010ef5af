//! `essaim digest`: what was written in a period or on a theme, to read or to send.

use essaim_protocol::api::Digest;

use super::{Context, say_if_lacking};
use crate::Outcome;
use crate::args::{self, DigestFormat};
use crate::error::Failure;
use crate::ui::harmless;

pub(super) async fn run(cx: &Context<'_>, digest: args::Digest) -> Result<Outcome, Failure> {
    let args::Digest { since, until, theme, format } = digest;
    let given = [("since", since), ("until", until), ("theme", theme)];
    let params = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let client = cx.client().await?;
    if cx.ui.look.json || cx.ui.look.quiet {
        let digest: Digest = client.get("digest", params).await?;
        say_if_lacking(cx.ui, digest.lacking);
        if cx.ui.look.json {
            cx.ui.json(&digest);
        } else {
            digest.records.iter().for_each(|one| cx.ui.out(&one.brief.id.to_string()));
        }
        return Ok(Outcome::Done);
    }
    let path = match format {
        DigestFormat::Md => "digest.md",
        DigestFormat::Html => "digest.html",
    };
    let (text, lacking) = client.text(path, params).await?;
    cx.ui.raw(&harmless(&text));
    say_if_lacking(cx.ui, lacking);
    Ok(Outcome::Done)
}
