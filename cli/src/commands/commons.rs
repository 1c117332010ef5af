//! `essaim commons create|list|show`.

use essaim_node::words::when;
use essaim_protocol::api::{AllyState, Candidate, Commons, CommonsList, CreateCommons, Error};

use super::Context;
use crate::Outcome;
use crate::args;
use crate::client::{Client, piece};
use crate::error::{Failure, file};
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, command: Option<args::Commons>) -> Result<Outcome, Failure> {
    match command.unwrap_or(args::Commons::List) {
        args::Commons::Create { name, starter, charter } => {
            let charter = charter.map(|path| std::fs::read_to_string(&path).map_err(file(&path))).transpose()?;
            create(cx, CreateCommons { name, starter, charter }).await?;
        }
        args::Commons::List => list(cx).await?,
        args::Commons::Show { name } => show(cx, name).await?,
    }
    Ok(Outcome::Done)
}

async fn create(cx: &Context<'_>, create: CreateCommons) -> Result<(), Failure> {
    let commons: Commons = cx.client().await?.long("commons", &create, cx.progress()).await?;
    if cx.ui.look.json {
        cx.ui.json(&commons);
    } else if cx.ui.look.quiet {
        cx.ui.out(&commons.id.to_string());
    } else {
        cx.ui.out(&Ui::done(&t!(cx.ui, "commons-created", name = commons.name, n = commons.records)));
        cx.ui.next(&t!(cx.ui, "next-new"));
        cx.ui.next(&t!(cx.ui, "next-invite"));
    }
    Ok(())
}

async fn list(cx: &Context<'_>) -> Result<(), Failure> {
    let commons: CommonsList = cx.client().await?.get("commons", vec![]).await?;
    if cx.ui.look.json {
        cx.ui.json(&commons);
    } else if cx.ui.look.quiet {
        commons.iter().for_each(|commons| cx.ui.out(&commons.id.to_string()));
    } else if commons.is_empty() {
        cx.ui.out(&t!(cx.ui, "commons-none"));
        cx.ui.next(&t!(cx.ui, "next-create-or-join"));
    } else {
        commons.iter().for_each(|commons| cx.ui.out(&line(cx.ui, commons)));
    }
    Ok(())
}

async fn show(cx: &Context<'_>, name: Option<String>) -> Result<(), Failure> {
    let commons = chosen(cx, &cx.client().await?, name).await?;
    if cx.ui.look.json {
        cx.ui.json(&commons);
    } else if cx.ui.look.quiet {
        cx.ui.out(&commons.id.to_string());
    } else {
        cx.ui.out(&line(cx.ui, &commons));
        cx.ui.out(&t!(cx.ui, "commons-since", since = when::moment(cx.ui.lang(), commons.created_at)));
        if let Some(charter) = &commons.charter_text {
            cx.ui.out(&format!("\n{}", charter.trim_end()));
        }
    }
    Ok(())
}

/// The commons of this name, else that of `--commons`, else the only one.
pub(super) async fn chosen(cx: &Context<'_>, client: &Client, name: Option<String>) -> Result<Commons, Failure> {
    if let Some(name) = name.or_else(|| cx.commons.clone()) {
        return client.get(&format!("commons/{}", piece(&name)), vec![]).await;
    }
    match <[Commons; 1]>::try_from(client.get::<CommonsList>("commons", vec![]).await?) {
        Ok([only]) => Ok(only),
        Err(several) if several.is_empty() => Err(Error::NoCommons {}.into()),
        Err(several) => {
            let candidate = |commons: Commons| Candidate { id: commons.id.short(), title: commons.name, detail: None };
            Err(Error::WhichCommons { candidates: several.into_iter().map(candidate).collect() }.into())
        }
    }
}

/// `Vallées en transition  0f3k…  3 allié·es, 260 fiches, 1 désaccord à régler`
pub(super) fn line(ui: &Ui, commons: &Commons) -> String {
    let counts =
        t!(ui, "commons-counts", allies = commons.allies, records = commons.records, conflicts = commons.conflicts);
    let waiting = match commons.me {
        AllyState::Pending => format!(" — {}", t!(ui, "commons-pending")),
        AllyState::Founder | AllyState::Admitted | AllyState::Suspended | AllyState::Left => String::new(),
    };
    format!("{}  {}  {counts}{waiting}", Ui::bold(&commons.name), Ui::dim(&commons.id.short()))
}
