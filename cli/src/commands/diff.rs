//! `essaim diff`: what changed in a record between two versions, field by field, in the words of the form.
//!
//! A version is named as `essaim log` prints it. Without one, the last change is told.

use std::collections::BTreeMap;

use essaim_node::words::diff::{Run, words};
use essaim_protocol::api::{Error, Log, Sheet};
use essaim_protocol::id::ChangeHash;
use serde::Serialize;

use super::{Context, sheet};
use crate::Outcome;
use crate::args;
use crate::client::{Client, piece};
use crate::error::Failure;
use crate::text::t;
use crate::ui::Ui;

/// A field that differs.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    field: String,
    label: String,
    before: String,
    after: String,
}

pub(super) async fn run(cx: &Context<'_>, diff: args::Diff) -> Result<Outcome, Failure> {
    let client = cx.client().await?;
    let log: Log = client.get(&format!("records/{}/log", piece(&diff.id)), vec![]).await?;
    let id = log.brief.id.to_string();
    let (from, to) = match (&diff.version[..], log.versions.first()) {
        // The change alone: what others wrote at the same time is no part of it.
        ([], Some(newest)) => (newest.after.clone(), Some(newest.change)),
        ([], None) => (Vec::new(), None),
        ([from], _) => (vec![meant(&log, from)?], None),
        ([from, to, ..], _) => (vec![meant(&log, from)?], Some(meant(&log, to)?)),
    };
    // Before the first change there was nothing.
    let before = if from.is_empty() { None } else { Some(at(&client, &id, &from).await?) };
    let after = match to {
        Some(to) => at(&client, &id, &[to]).await?,
        None => client.get(&format!("records/{}", piece(&id)), vec![]).await?,
    };
    let all = differences(cx.ui, before.as_ref(), &after);
    if cx.ui.look.json {
        cx.ui.json(&all);
    } else if cx.ui.look.quiet {
        all.iter().for_each(|one| cx.ui.out(&one.field));
    } else {
        cx.ui.out(&format!("{}  {}", Ui::bold(&log.brief.title), Ui::dim(&log.brief.short)));
        all.iter().for_each(|one| print(cx.ui, one));
        cx.ui.note(&t!(cx.ui, "diff-count", n = all.len()));
    }
    Ok(Outcome::Done)
}

/// The change that a beginning of its name means.
fn meant(log: &Log, asked: &str) -> Result<ChangeHash, Error> {
    let begins = |hash: &&ChangeHash| asked.len() >= 4 && hash.to_string().starts_with(&asked.to_lowercase());
    let found: Vec<&ChangeHash> = log.versions.iter().map(|version| &version.change).filter(begins).collect();
    match found[..] {
        [one] => Ok(*one),
        _ => Err(Error::UnknownVersion { title: log.brief.title.clone() }),
    }
}

async fn at(client: &Client, id: &str, heads: &[ChangeHash]) -> Result<Sheet, Failure> {
    let heads = heads.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    client.get(&format!("records/{}/versions/{heads}", piece(id)), vec![]).await
}

/// The fields that differ, in the order of the form.
fn differences(ui: &Ui, before: Option<&Sheet>, after: &Sheet) -> Vec<Difference> {
    let told = |sheet: &Sheet| {
        let fields = sheet::fields(ui.lang(), &sheet.brief.kind, &sheet.fields, &sheet.names);
        fields.into_iter().map(|(field, label, lines)| (field, label, lines.join("\n"))).collect::<Vec<_>>()
    };
    let (old, new) = (before.map(told).unwrap_or_default(), told(after));
    let said = |rows: &[(String, String, String)]| {
        rows.iter().map(|(field, _, text)| (field.clone(), text.clone())).collect::<BTreeMap<_, _>>()
    };
    let (was, is) = (said(&old), said(&new));
    let gone = old.iter().filter(|(field, ..)| !is.contains_key(field));
    let one = |(field, label, _): &(String, String, String)| {
        let text = |all: &BTreeMap<String, String>| all.get(field).cloned().unwrap_or_default();
        let (before, after) = (text(&was), text(&is));
        (before != after).then(|| Difference { field: field.clone(), label: label.clone(), before, after })
    };
    new.iter().chain(gone).filter_map(one).collect()
}

fn print(ui: &Ui, one: &Difference) {
    ui.out(&format!("\n{}", Ui::bold(&one.label)));
    for run in words(&one.before, &one.after) {
        let (sign, text, style): (_, _, fn(&str) -> String) = match &run {
            Run::Same(text) => (" ", text, Ui::dim),
            Run::Gone(text) => ("-", text, Ui::gone),
            Run::New(text) => ("+", text, Ui::come),
        };
        text.trim().lines().for_each(|line| ui.out(format!("  {sign} {}", style(line)).trim_end()));
    }
}
