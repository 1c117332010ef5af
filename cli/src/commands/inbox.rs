//! `essaim inbox [show|done]`: what is there for this ally, and what was looked at.

use essaim_protocol::api::{Inbox, InboxItem, MarkRead, Why};
use essaim_protocol::record::Lang;
use essaim_protocol::record::schema::Schema;

use super::Context;
use crate::Outcome;
use crate::args;
use crate::error::{Failure, usage};
use crate::text::t;
use crate::ui::{Ui, one_line, shortened};

/// Characters of a title in the list.
const TITLE: usize = 60;

pub(super) async fn run(cx: &Context<'_>, command: Option<args::Inbox>) -> Result<Outcome, Failure> {
    let inbox: Inbox = match command {
        Some(args::Inbox::Done { items, all }) => {
            if items.is_empty() && !all {
                return Err(usage(t!(cx.ui, "usage-inbox-done")));
            }
            cx.client().await?.post("inbox/read", &MarkRead { items, all }).await?
        }
        Some(args::Inbox::Show { all: true }) => {
            cx.client().await?.get("inbox", vec![("all", "true".to_owned())]).await?
        }
        Some(args::Inbox::Show { all: false }) | None => cx.client().await?.get("inbox", vec![]).await?,
    };
    if cx.ui.look.json {
        cx.ui.json(&inbox.items);
    } else if cx.ui.look.quiet {
        inbox.items.iter().for_each(|one| cx.ui.out(&one.item));
    } else {
        cx.ui.rows(inbox.items.iter().map(|one| row(cx.ui, one)).collect());
        cx.ui.note(&t!(cx.ui, "inbox-count", n = inbox.unread));
        if let Some(one) = inbox.items.first() {
            cx.ui.next(&t!(cx.ui, "next-inbox", id = one.brief.short.as_str(), item = one.item.as_str()));
        }
    }
    Ok(Outcome::Done)
}

fn row(ui: &Ui, one: &InboxItem) -> Vec<String> {
    let about = one.about.as_ref().map(|about| {
        let title = Some(shortened(&about.title, TITLE)).filter(|title| !title.is_empty());
        t!(ui, "inbox-about", title = title.unwrap_or_else(|| about.id.short()))
    });
    let who = one_line(&one.brief.by.join(", "));
    vec![
        Ui::bold(&one.item),
        why(ui, one),
        shortened(&one.brief.title, TITLE),
        Ui::dim(&about.unwrap_or_default()),
        Ui::dim(&who),
        Ui::dim(&one.brief.short),
    ]
}

fn why(ui: &Ui, one: &InboxItem) -> String {
    let lang = ui.lang().pick(Lang::Fr, Lang::En);
    match (one.why, one.form.as_deref()) {
        (Why::Contribution, Some(form)) => {
            Schema::get().term("contribution_form", form).map_or(form, |term| term.label.get(lang)).to_owned()
        }
        (Why::Contribution, None) => t!(ui, "inbox-contribution"),
        (Why::Words, _) => t!(ui, "inbox-words", field = one.field.clone().unwrap_or_default()),
        (Why::Conflict, _) => t!(ui, "inbox-conflict", field = one.field.clone().unwrap_or_default()),
        (Why::Territory, _) => t!(ui, "inbox-territory"),
    }
}
