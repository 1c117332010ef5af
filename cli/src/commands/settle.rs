//! `essaim settle`: keep one value, keep both, or write another. What is not kept stays in the history.

use std::collections::BTreeMap;

use essaim_protocol::api::{Conflict, Error, Saved, Settle, Settlement};
use essaim_protocol::typography::french;

use super::{Context, sheet};
use crate::Outcome;
use crate::args;
use crate::client::piece;
use crate::error::{Failure, usage};
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, settle: args::Settle) -> Result<Outcome, Failure> {
    let client = cx.client().await?;
    let conflicts: Vec<Conflict> = client.get("conflicts", vec![("record", settle.id.clone())]).await?;
    let meant = |conflict: &&Conflict| is_called(conflict, &settle.field);
    let Some(conflict) = conflicts.iter().find(meant) else {
        let title = conflicts.first().map_or_else(|| settle.id.clone(), |conflict| conflict.title.clone());
        return Err(Error::NoConflict { title, field: settle.field }.into());
    };
    let keep = match (&settle.keep, settle.both, settle.write) {
        (Some(letter), ..) => number(cx.ui, conflict, letter)?,
        (None, true, _) => Settlement::Both,
        (None, false, Some(text)) => Settlement::Other(text),
        (None, false, None) => ask(cx.ui, conflict)?,
    };
    let both = keep == Settlement::Both;
    let path = format!("records/{}/settlements", piece(&conflict.record.to_string()));
    let seen = conflict.values.iter().map(|value| value.value.clone()).collect();
    let settle = Settle { record: String::new(), field: conflict.field.clone(), keep, seen };
    let saved: Saved = client.post(&path, &settle).await?;
    if cx.ui.look.json {
        cx.ui.json(&saved);
    } else if cx.ui.look.quiet {
        cx.ui.out(&saved.brief.id.to_string());
    } else {
        let (field, title) = (conflict.label.as_str(), saved.brief.title);
        cx.ui.out(&Ui::done(&if both {
            t!(cx.ui, "settled-both", field = field, title = title)
        } else {
            t!(cx.ui, "settled", field = field, title = title)
        }));
        cx.ui.next(&t!(cx.ui, "next-log", id = saved.brief.short));
    }
    Ok(Outcome::Done)
}

/// By its path, or by its label as printed.
fn is_called(conflict: &Conflict, asked: &str) -> bool {
    let label = conflict.label.to_lowercase();
    // A French label is printed with spaces and apostrophes that keyboards do not have, an English one as it is typed.
    conflict.field == asked || label == asked.to_lowercase() || label == french(asked).to_lowercase()
}

/// The value of a letter.
fn number(ui: &Ui, conflict: &Conflict, letter: &str) -> Result<Settlement, Failure> {
    let numbers = 0..conflict.values.len();
    match numbers.into_iter().find(|number| Conflict::letter(*number).eq_ignore_ascii_case(letter)) {
        Some(number) => Ok(Settlement::Value(number)),
        None => {
            sheet::print_values(ui, conflict, &BTreeMap::new());
            Err(Error::NoSuchValue { field: conflict.field.clone(), count: conflict.values.len() }.into())
        }
    }
}

/// Shows the values and takes an answer: a letter, `2` for both, or `=` and another value.
fn ask(ui: &Ui, conflict: &Conflict) -> Result<Settlement, Failure> {
    if ui.look.json || ui.look.quiet {
        return Err(usage(t!(ui, "usage-settle")));
    }
    ui.out(&Ui::bold(&conflict.label));
    sheet::print_values(ui, conflict, &BTreeMap::new());
    let Some(answer) = ui.ask(&t!(ui, "settle-ask")) else { return Err(usage(t!(ui, "usage-settle"))) };
    match answer.strip_prefix('=') {
        Some(other) => Ok(Settlement::Other(other.trim().to_owned())),
        None if answer == "2" => Ok(Settlement::Both),
        None => number(ui, conflict, &answer),
    }
}

#[cfg(test)]
mod tests {
    use essaim_protocol::id::RecordId;

    use super::*;

    #[test]
    fn a_label_is_typed_as_it_is_printed_or_as_keyboards_write_it() {
        let labelled = |label: &str| Conflict {
            lang: None,
            record: RecordId([7; 32]),
            kind: "experience".into(),
            title: String::new(),
            field: "note".into(),
            label: label.into(),
            merged: None,
            values: Vec::new(),
        };
        for (label, asked) in [
            ("Editor's note", "editor's note"),
            ("L’issue", "l'issue"),
            ("L’issue", "L’issue"),
            ("Quand\u{202f}?", "quand ?"),
            ("Note", "note"),
        ] {
            assert!(is_called(&labelled(label), asked), "{asked}");
        }
        assert!(!is_called(&labelled("Note"), "titre"));
    }
}
