//! `essaim agenda`: gatherings to come, or past.

use essaim_node::words::when;
use essaim_protocol::api::{Agenda, Gathering};

use super::{Context, say_if_lacking};
use crate::Outcome;
use crate::error::Failure;
use crate::text::t;
use crate::ui::{Ui, harmless, shortened};

pub(super) async fn run(cx: &Context<'_>, past: bool, ics: bool) -> Result<Outcome, Failure> {
    let client = cx.client().await?;
    if ics {
        let (text, lacking) = client.text("agenda.ics", vec![]).await?;
        cx.ui.raw(&harmless_lines(&text));
        say_if_lacking(cx.ui, lacking);
        return Ok(Outcome::Done);
    }
    let agenda: Agenda = client.get("agenda", vec![("past", past.to_string())]).await?;
    say_if_lacking(cx.ui, agenda.lacking);
    if cx.ui.look.json {
        cx.ui.json(&agenda.gatherings);
    } else if cx.ui.look.quiet {
        agenda.gatherings.iter().for_each(|one| cx.ui.out(&one.brief.id.to_string()));
    } else {
        cx.ui.rows(agenda.gatherings.iter().map(|one| row(cx.ui, one)).collect());
        cx.ui.note(&t!(cx.ui, "agenda-count", n = agenda.total));
    }
    Ok(Outcome::Done)
}

/// A calendar keeps the ends of lines that its format asks for.
fn harmless_lines(text: &str) -> String {
    text.split("\r\n").map(harmless).collect::<Vec<_>>().join("\r\n")
}

fn row(ui: &Ui, one: &Gathering) -> Vec<String> {
    let place = one.brief.territory.as_ref().map(|place| place.title.clone()).or_else(|| one.place.clone());
    vec![
        when::edtf(ui.lang(), one.brief.when.as_deref().unwrap_or_default()),
        Ui::bold(&one.brief.short),
        shortened(&one.brief.title, 70),
        Ui::dim(&one.form.clone().unwrap_or_default()),
        Ui::dim(&shortened(&place.unwrap_or_default(), 30)),
    ]
}
