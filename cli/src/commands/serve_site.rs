//! `essaim serve-site`: the public records as a static site.

use std::path::Path;

use essaim_node::site::{self, Site, Written};
use essaim_protocol::api::{self, Brief, Lacking, Progress, Records, Stage};
use serde_json::json;

use super::{Context, commons, readable};
use crate::Outcome;
use crate::client::Client;
use crate::error::Failure;
use crate::text::t;
use crate::ui::{Ui, bytes};

pub(super) async fn run(cx: &Context<'_>, dir: &Path) -> Result<Outcome, Failure> {
    let client = cx.client().await?;
    let mut site = Site::new(cx.ui.lang(), commons::chosen(cx, &client, None).await?);
    let all = all(cx, &client).await?;
    let mut progress = cx.progress();
    let total = Some(all.len() as u64);
    for (done, brief) in (1..).zip(&all) {
        site.add(client.get(&format!("records/{}", brief.id), vec![]).await?);
        progress(&Progress { stage: Stage::Reading, done, total });
    }
    let mut told = |done, total| progress(&Progress { stage: Stage::Writing, done, total: Some(total) });
    let written = site.write(dir, &mut told).map_err(|error| refused(cx.ui, error))?;
    print(cx.ui, dir, &written);
    Ok(Outcome::Done)
}

/// All records that may be public, once each that changed can be read: what was missing here would disappear from the site.
async fn all(cx: &Context<'_>, client: &Client) -> Result<Vec<Brief>, Failure> {
    match readable(cx, client).await? {
        0 => whole(cx.ui, client.records("records", vec![]).await?),
        n => Err(Failure::Declined(t!(cx.ui, "site-unfolded", n = n))),
    }
}

fn whole(ui: &Ui, found: Records) -> Result<Vec<Brief>, Failure> {
    match found.lacking {
        Lacking { outdated: true, .. } => Err(Failure::Declined(t!(ui, "records-outdated"))),
        Lacking { unfoldable: 0, .. } => Ok(found.records),
        Lacking { unfoldable: n, .. } => Err(Failure::Declined(t!(ui, "site-unfoldable", n = n))),
    }
}

fn print(ui: &Ui, dir: &Path, written: &Written) {
    let place = dir.display().to_string();
    let Written { records, added, removed, files, bytes: size } = written;
    if ui.look.json {
        return ui.json(&json!({
            "directory": place, "records": records, "added": added, "removed": removed, "files": files, "bytes": size,
        }));
    }
    if ui.look.quiet {
        return ui.out(&place);
    }
    let size = bytes(ui.lang(), *size);
    let line = t!(ui, "site-written", n = *records, path = place.as_str(), added = *added, size = size);
    ui.out(&if *records > 0 { Ui::done(&line) } else { Ui::warning(&line) });
    if *removed > 0 {
        ui.out(&Ui::warning(&t!(ui, "site-removed", n = *removed)));
    }
    if *records == 0 {
        ui.next(&t!(ui, "next-publish"));
    } else {
        ui.next(&t!(ui, "next-open-site", path = dir.join("index.html").display().to_string()));
    }
}

fn refused(ui: &Ui, error: site::Error) -> Failure {
    match error {
        site::Error::NotOurs(path) => Failure::Declined(t!(ui, "site-not-ours", path = path.display().to_string())),
        site::Error::Busy(path) => Failure::Declined(t!(ui, "site-busy", path = path.display().to_string())),
        site::Error::Io { path, source } => Failure::File { path, source },
        error @ site::Error::Template(_) => api::Error::Internal { detail: error.to_string() }.into(),
    }
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::Lang;

    use super::*;
    use crate::ui::Look;

    #[test]
    fn a_site_is_not_written_without_the_records_that_cannot_be_read() {
        let ui = Ui::new(Lang::Fr, Look::default());
        let found = |lacking| Records { lacking, ..Records::default() };
        assert!(whole(&ui, found(Lacking::default())).is_ok());
        let refused = whole(&ui, found(Lacking { unfoldable: 2, ..Lacking::default() })).unwrap_err();
        assert!(refused.to_string().contains("essaim doctor"), "{refused}");
        assert_eq!(refused.code(), 1);
    }
}
