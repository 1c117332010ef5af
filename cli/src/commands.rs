//! One file a command: what it asks, and how it prints the answer.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use essaim_node::{Config, Network, Node, net};
use essaim_protocol::api::{Doctor, Lacking, Progress, Records, Stage};
use tokio::sync::Mutex;

use crate::Outcome;
use crate::args::{Command, Filters, Typed};
use crate::client::{self, Client};
use crate::error::{Failure, usage};
use crate::text::t;
use crate::ui::Ui;

mod agenda;
mod allies;
mod archive;
mod commons;
mod completions;
mod conflicts;
mod demo;
mod diff;
mod digest;
mod doctor;
mod edit;
mod editor;
mod export;
mod import;
mod inbox;
mod init;
mod invite;
mod join;
mod list;
mod log;
mod new;
mod search;
mod serve_site;
mod settle;
mod sheet;
mod show;
mod status;
mod sync;
mod up;

/// What every command is given.
pub(crate) struct Context<'a> {
    pub(crate) ui: &'a Ui,
    pub(crate) home: PathBuf,
    pub(crate) commons: Option<String>,
    /// The node that runs inside this process, once a command has needed it.
    node: Mutex<Option<Node>>,
}

/// Runs what was typed.
pub(crate) fn run(ui: &Ui, typed: Typed) -> Result<Outcome, Failure> {
    let Typed { global, command } = typed;
    let home = global.home.unwrap_or_else(client::default_home);
    let cx = Context { ui, home, commons: global.commons, node: Mutex::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failure::File { path: PathBuf::from("tokio"), source })?;
    let ended = runtime.block_on(async {
        let ended = dispatch(&cx, command).await;
        cx.close().await;
        ended
    });
    // What still runs holds nothing that was acknowledged: every answer came after its fsync.
    runtime.shutdown_background();
    ended
}

async fn dispatch(cx: &Context<'_>, command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Up(up) => up::run(cx, up).await,
        Command::Init(init) => init::run(cx, init).await,
        Command::Commons { command } => commons::run(cx, command).await,
        Command::Invite(invite) => invite::run(cx, invite).await,
        Command::Join(join) => join::run(cx, join).await,
        Command::Allies { command } => allies::run(cx, command).await,
        Command::Status { network } => status::run(cx, network).await,
        Command::New(new) => new::run(cx, new).await,
        Command::Edit(edit) => edit::run(cx, edit).await,
        Command::Show { id } => show::run(cx, &id).await,
        Command::List(list) => list::run(cx, list).await,
        Command::Search(search) => search::run(cx, search).await,
        Command::Log { id } => log::run(cx, &id).await,
        Command::Diff(diff) => diff::run(cx, diff).await,
        Command::Archive { id, undo } => archive::run(cx, &id, undo).await,
        Command::Digest(digest) => digest::run(cx, digest).await,
        Command::Agenda { past, ics } => agenda::run(cx, past, ics).await,
        Command::Conflicts { id } => conflicts::run(cx, id).await,
        Command::Inbox { command } => inbox::run(cx, command).await,
        Command::Settle(settle) => settle::run(cx, settle).await,
        Command::Sync(sync) => sync::run(cx, sync).await,
        Command::Import { file } => import::run(cx, &file).await,
        Command::Export(export) => export::run(cx, export).await,
        Command::ServeSite { dir } => serve_site::run(cx, &dir).await,
        Command::Doctor { rebuild, forgive } => doctor::run(cx, Doctor { rebuild, forgive }).await,
        Command::Demo { keep } => demo::run(cx, keep).await,
        Command::Completions { shell } => completions::run(cx, shell),
    }
}

impl Context<'_> {
    /// The node, running or inside this process and off the network.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        self.reach(false).await
    }

    /// The node, on the network either way.
    pub(crate) async fn online(&self) -> Result<Client, Failure> {
        self.reach(true).await
    }

    async fn reach(&self, online: bool) -> Result<Client, Failure> {
        let lang = self.ui.lang();
        if let Some(client) = Client::running(&self.home, self.commons.clone(), lang).await {
            return Ok(client);
        }
        let mut held = self.node.lock().await;
        let node = match held.take() {
            Some(node) => node,
            None => {
                let network = online.then(network);
                Node::start(Config { network, ..Config::new(&self.home) }).await?
            }
        };
        let client = Client::inside(node.ask(), self.commons.clone(), lang);
        *held = Some(node);
        Ok(client)
    }

    /// Gives the home back.
    pub(crate) async fn close(&self) {
        if let Some(node) = self.node.lock().await.take() {
            node.shutdown().await;
        }
    }

    /// Shows how far a long job is.
    pub(crate) fn progress(&self) -> impl FnMut(&Progress) + '_ {
        |progress| self.ui.progress(progress)
    }
}

/// How a node that a command starts is on the network, for as long as the command runs.
fn network() -> Network {
    Network { mdns: true, ..Network::new(net::everywhere()) }
}

/// The query that words and filters make together.
pub(crate) fn query(ui: &Ui, words: &str, kinds: &[String], filters: &Filters) -> Result<String, Failure> {
    let mut query = words.to_owned();
    let mut add = |name: &str, value: &str| {
        // A quote inside would end the value: names of territories and codes have none.
        let value = value.replace('"', " ");
        query.push_str(&format!(" {name}:\"{}\"", value.trim()));
    };
    kinds.iter().for_each(|kind| add("kind", kind));
    for (name, values) in [
        ("theme", &filters.theme),
        ("territory", &filters.territory),
        ("outcome", &filters.outcome),
        ("difficulty", &filters.difficulty),
        ("year", &filters.year),
    ] {
        values.iter().for_each(|value| add(name, value));
    }
    for facet in &filters.facet {
        let Some((name, value)) = facet.split_once('=') else {
            return Err(usage(t!(ui, "usage-facet", given = facet.as_str())));
        };
        add(name, value);
    }
    Ok(query.trim().to_owned())
}

/// Prints a list of records: JSON, ids alone, or a line each.
pub(crate) fn print_records(ui: &Ui, found: &Records) {
    say_if_lacking(ui, found.lacking);
    if ui.look.json {
        return ui.json(&found.records);
    }
    if ui.look.quiet {
        return found.records.iter().for_each(|record| ui.out(&record.id.to_string()));
    }
    let rows = found.records.iter().map(|record| {
        let territory = record.territory.as_ref().map(|territory| territory.title.clone()).unwrap_or_default();
        vec![
            Ui::bold(&record.short),
            crate::ui::shortened(&record.title, 70),
            Ui::dim(&sheet::kind_label(ui, &record.kind)),
            Ui::dim(&crate::ui::shortened(&territory, 30)),
        ]
    });
    ui.rows(rows.collect());
    if found.records.len() as u64 == found.total {
        ui.note(&t!(ui, "records-count", n = found.total));
    } else {
        ui.note(&t!(ui, "records-count-of", shown = found.records.len(), n = found.total));
    }
}

/// Beside what was found, so that programs that read it are not disturbed.
pub(crate) fn say_if_lacking(ui: &Ui, lacking: Lacking) {
    if lacking.outdated {
        ui.note(&Ui::warning(&t!(ui, "records-outdated")));
    } else if lacking.unfolded > 0 {
        ui.note(&Ui::warning(&t!(ui, "records-unfolded", n = lacking.unfolded)));
    }
    if lacking.unfoldable > 0 {
        ui.note(&Ui::warning(&t!(ui, "records-unfoldable", n = lacking.unfoldable)));
    }
}

/// How long records that changed may go on being unreadable without getting fewer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at them.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until every record that changed can be read, as what writes all of them must; gives how many still cannot.
pub(crate) async fn readable(cx: &Context<'_>, client: &Client) -> Result<u64, Failure> {
    let mut progress = cx.progress();
    let (mut total, mut left, mut since) = (None, u64::MAX, Instant::now());
    loop {
        let found = client.records("records", vec![("limit", "1".to_owned())]).await?;
        if found.lacking.unfolded < left {
            (left, since) = (found.lacking.unfolded, Instant::now());
        }
        if left == 0 || found.lacking.outdated || since.elapsed() > PATIENCE {
            return Ok(left);
        }
        let total = *total.get_or_insert(left);
        progress(&Progress { stage: Stage::Reading, done: total - left, total: Some(total) });
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::Lang;

    use super::*;
    use crate::ui::Look;

    #[test]
    fn filters_become_a_query_that_is_read_back() {
        let ui = Ui::new(Lang::Fr, Look::default());
        let filters = Filters {
            theme: vec!["mobility".into()],
            territory: vec!["Communauté de communes \"Cœur Haute Lande\"".into()],
            facet: vec!["setting=rural".into()],
            ..Filters::default()
        };
        let text = query(&ui, "élus -voiture", &["experience".into()], &filters).unwrap();
        let query = essaim_protocol::query::Query::parse(&text).unwrap();
        assert_eq!(
            query.to_string(),
            "élus -voiture kind:experience theme:mobility territory:\"Communauté de communes Cœur Haute Lande\" setting:rural"
        );
        let bad = Filters { facet: vec!["rural".into()], ..Filters::default() };
        assert!(matches!(super::query(&ui, "", &[], &bad), Err(Failure::Usage(_))));
    }
}
