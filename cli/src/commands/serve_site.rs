//! `essaim serve-site`: the public records as a static site.

use std::path::Path;
use std::time::{Duration, Instant};

use essaim_node::site::{self, Site, Written};
use essaim_protocol::api::{self, Brief, Progress, Stage};
use serde_json::json;

use super::{Context, commons};
use crate::Outcome;
use crate::client::Client;
use crate::error::Failure;
use crate::text::t;
use crate::ui::{Ui, bytes};

/// How long records that changed may go on being unreadable without getting fewer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at them.
const LOOK: Duration = Duration::from_millis(200);

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
    let (mut left, mut since) = (u64::MAX, Instant::now());
    loop {
        let unfolded = client.records("records", vec![("limit", "1".to_owned())]).await?.unfolded;
        if unfolded == 0 {
            let found = client.records("records", vec![]).await?;
            return Ok(found.records);
        }
        if unfolded < left {
            (left, since) = (unfolded, Instant::now());
        } else if since.elapsed() > PATIENCE {
            return Err(Failure::Declined(t!(cx.ui, "site-unfolded", n = unfolded)));
        }
        tokio::time::sleep(LOOK).await;
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
