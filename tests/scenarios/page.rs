//! The page in a real browser: a file a theme.

use essaim_tests::browser::Browser;
use essaim_tests::cluster::Ally;

/// An ally with the starter heritage, and a browser that its page let in.
async fn visited(javascript: bool) -> Option<(Ally, Browser)> {
    let browser = Browser::open(javascript).await?;
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", true).await;
    browser.go(&ally.page()).await;
    Some((ally, browser))
}

mod allies;
mod board;
mod hostile;
mod journey;
mod search;
mod sheet;
mod write;
