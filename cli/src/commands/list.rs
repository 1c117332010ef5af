//! `essaim list`: records, the newest first.

use super::{Context, print_records, query};
use crate::Outcome;
use crate::args;
use crate::error::Failure;

pub(super) async fn run(cx: &Context<'_>, list: args::List) -> Result<Outcome, Failure> {
    let kinds: Vec<String> = list.kind.into_iter().collect();
    let q = query(cx.ui, "", &kinds, &list.filters)?;
    let page = [("limit", list.filters.limit), ("offset", list.filters.offset)].map(|(name, n)| (name, n.to_string()));
    let params = std::iter::once(("q", q)).chain(page).collect();
    let found = cx.client().await?.records("records", params).await?;
    print_records(cx.ui, &found);
    Ok(Outcome::Done)
}
