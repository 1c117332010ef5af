//! `essaim search`: records by relevance, and on demand how they spread over the facets.

use essaim_protocol::api::{Brief, Facet, Records};

use super::{Context, print_records, query, say_if_lacking};
use crate::Outcome;
use crate::args;
use crate::client::Client;
use crate::error::Failure;
use crate::text::t;
use crate::ui::Ui;

/// As many as fit on a screen with their passages.
const SCREEN: u32 = 10;

pub(super) async fn run(cx: &Context<'_>, search: args::Search) -> Result<Outcome, Failure> {
    let q = query(cx.ui, &search.words.join(" "), &search.kind, &search.filters)?;
    let whole = cx.ui.look.json || cx.ui.look.quiet;
    let limit = if search.filters.limit == 0 && !whole { SCREEN } else { search.filters.limit };
    let mut params = vec![("q", q), ("limit", limit.to_string()), ("offset", search.filters.offset.to_string())];
    params.extend(search.like.map(|like| ("like", like)));
    let client = cx.client().await?;
    if search.facets {
        return facets(cx.ui, &client, params).await;
    }
    let found = client.records("search", params).await?;
    if whole {
        print_records(cx.ui, &found);
    } else {
        print(cx.ui, &found);
    }
    Ok(Outcome::Done)
}

fn print(ui: &Ui, found: &Records) {
    say_if_lacking(ui, found.lacking);
    if found.corrected && found.total > 0 {
        ui.note(&Ui::warning(&t!(ui, "search-corrected")));
    }
    if found.partial {
        ui.note(&Ui::warning(&t!(ui, "search-partial")));
    }
    for record in &found.records {
        let kind = super::sheet::kind_label(ui, &record.kind);
        ui.out(&format!("{}  {}  {}", Ui::bold(&record.short), crate::ui::one_line(&record.title), Ui::dim(&kind)));
        if let Some(passage) = passage(record) {
            ui.out(&format!("          {passage}"));
        }
    }
    if found.total > found.records.len() as u64 {
        ui.note(&t!(ui, "records-count-of", shown = found.records.len(), n = found.total));
    } else {
        ui.note(&t!(ui, "records-count", n = found.total));
    }
    if found.total == 0 {
        ui.next(&t!(ui, "search-nothing"));
    }
}

/// The passage found, with what matched in bold.
fn passage(record: &Brief) -> Option<String> {
    let text = record.snippet.as_deref()?;
    let mut out = String::new();
    let mut at = 0;
    for &(from, to) in &record.highlights {
        let (from, to) = (from as usize, to as usize);
        let (Some(before), Some(found)) = (text.get(at..from), text.get(from..to)) else { break };
        out.push_str(before);
        out.push_str(&Ui::bold(found));
        at = to;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Some(crate::ui::one_line(&out))
}

async fn facets(ui: &Ui, client: &Client, params: crate::client::Params) -> Result<Outcome, Failure> {
    let facets: Vec<Facet> = client.get("facets", params).await?;
    if ui.look.json {
        ui.json(&facets);
        return Ok(Outcome::Done);
    }
    for facet in &facets {
        if ui.look.quiet {
            facet.values.iter().for_each(|value| ui.out(&format!("{}:{}", facet.name, value.code)));
            continue;
        }
        ui.out(&Ui::bold(&facet.label));
        let row = |value: &essaim_protocol::api::FacetValue| {
            vec![format!("  {}", value.count), value.label.clone(), Ui::dim(&format!("{}:{}", facet.name, value.code))]
        };
        ui.rows(facet.values.iter().map(row).collect());
        if facet.left_off > 0 {
            ui.out(&format!("  {}", Ui::dim(&t!(ui, "facets-left-off", n = facet.left_off))));
        }
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use essaim_protocol::id::RecordId;

    use super::*;

    #[test]
    fn ranges_that_do_not_fit_the_text_highlight_nothing() {
        let mut record = Brief {
            id: RecordId([1; 32]),
            short: String::new(),
            kind: String::new(),
            title: String::new(),
            lang: None,
            summary: None,
            territory: None,
            updated_at: None,
            when: None,
            by: Vec::new(),
            conflicts: 0,
            snippet: Some("l'élu de\nGruissan".into()),
            shared: Vec::new(),
            highlights: vec![(2, 6)],
        };
        assert_eq!(passage(&record).unwrap(), format!("l'{} de Gruissan", Ui::bold("élu")));
        record.highlights = vec![(3, 4), (90, 99)];
        assert_eq!(passage(&record).unwrap(), "l'élu de Gruissan");
    }
}
