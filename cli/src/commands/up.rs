//! `essaim up`: the node runs until it is told to stop. The first run makes what is missing.

use std::io::IsTerminal as _;

use essaim_node::net::{self, address};
use essaim_node::{Config, Network, Node};
use essaim_protocol::api::{Commons, CommonsList, CreateCommons, Error, Identity, Init, Status, Words};

use tokio::signal::unix::{SignalKind, signal};

use super::{Context, init};
use crate::Outcome;
use crate::args;
use crate::client::Client;
use crate::error::Failure;
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, up: args::Up) -> Result<Outcome, Failure> {
    if let Some(running) = Client::running(&cx.home, None, cx.ui.lang()).await {
        let home = cx.home.display().to_string();
        return Err(Failure::Running { home, page: running.page() });
    }
    prepare(cx, &up).await?;
    let network = network(&up)?;
    let stop = told_to_stop();
    let node = Node::start(Config { network: Some(network), http: Some(up.http), ..Config::new(&cx.home) }).await?;
    announce(cx, &node).await?;
    if !up.no_open {
        open(cx, &node);
    }
    stop.await;
    node.shutdown().await;
    cx.ui.note(&t!(cx.ui, "up-stopped"));
    Ok(Outcome::Done)
}

/// Resolves on Ctrl-C and on a polite kill, as service managers send it; both are heard from the call on. Without handlers
/// they end the process: every acknowledged write is on disk already.
fn told_to_stop() -> impl Future<Output = ()> {
    let heard = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        if let (Ok(mut interrupt), Ok(mut terminate)) = heard {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        } else {
            std::future::pending().await
        }
    }
}

/// Makes the identity and, when the starter is wanted, the first commons.
async fn prepare(cx: &Context<'_>, up: &args::Up) -> Result<(), Failure> {
    let client = cx.client().await?;
    let status: Status = client.get("status", vec![]).await?;
    if status.identity.is_none() {
        let name = init::name(cx, up.name.clone())?;
        let identity: Identity = client.post("identity", &Init { name }).await?;
        cx.ui.note(&Ui::done(&t!(cx.ui, "init-done", name = identity.name, home = identity.home)));
    }
    let held: CommonsList = client.get("commons", vec![]).await?;
    if up.starter && held.is_empty() {
        let name = cx.commons.clone().unwrap_or_else(|| t!(cx.ui, "up-first-commons"));
        let create = CreateCommons { name, starter: true, charter: None };
        let commons: Commons = client.long("commons", &create, cx.progress()).await?;
        cx.ui.note(&Ui::done(&t!(cx.ui, "commons-created", name = commons.name, n = commons.records)));
    }
    cx.close().await;
    Ok(())
}

/// Says where the node answers and listens.
async fn announce(cx: &Context<'_>, node: &Node) -> Result<(), Failure> {
    let client = Client::inside(node.ask(), None, cx.ui.lang());
    let status: Status = client.get("status", vec![]).await?;
    if cx.ui.look.json {
        cx.ui.json(&status);
        return Ok(());
    }
    if let Some(page) = node.page() {
        if cx.ui.look.quiet {
            cx.ui.out(&page);
            return Ok(());
        }
        cx.ui.out(&Ui::done(&t!(cx.ui, "up-running", page = page)));
    }
    for address in status.network.iter().flat_map(|network| &network.listening) {
        cx.ui.note(&format!("  {}", t!(cx.ui, "up-listening", address = address.as_str())));
    }
    if status.commons.is_empty() {
        cx.ui.next(&t!(cx.ui, "next-create-or-join"));
    }
    cx.ui.next(&t!(cx.ui, "up-stop"));
    Ok(())
}

/// Opens the page in the person's browser, when a person looks on. A browser that cannot be opened is no failure: the link
/// is printed.
fn open(cx: &Context<'_>, node: &Node) {
    if let Some(page) = node.page().filter(|_| std::io::stdout().is_terminal() && !cx.ui.look.json) {
        let _ = open::that_detached(page);
    }
}

/// Where to listen: what was typed, else everywhere.
fn network(up: &args::Up) -> Result<Network, Failure> {
    let mut listen = Vec::new();
    for text in &up.listen {
        let (address, _) = address::parse(text).map_err(|error| {
            let fr = "la forme attendue est /ip4/0.0.0.0/udp/4001/quic-v1 ou /ip4/0.0.0.0/tcp/4001";
            Error::BadAddress { address: text.clone(), detail: Words::new(fr, error.to_string()) }
        })?;
        listen.push(address);
    }
    if listen.is_empty() {
        listen = net::everywhere();
    }
    Ok(Network { mdns: !up.no_mdns, ..Network::new(listen) })
}
