//! `essaim demo`: a rehearsal. Three pretend territories on this machine found, join, write apart, disagree, meet again
//! and hold the same; every step goes through the same doors as a real one: signed entries, sled, sockets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use essaim_node::net::address;
use essaim_node::{Config, Network, Node};
use essaim_protocol::api::{
    Commons, CommonsList, Conflict, CreateCommons, Ended, Form, Identity, Init, Invitation, Invite, Join, Joined, New,
    ReadTicket, Role, Saved, Setting, Sync, Synced, TicketContent,
};
use serde_json::json;

use super::{Context, print_records, sheet};
use crate::Outcome;
use crate::client::Client;
use crate::error::{Failure, file};
use crate::text::t;
use crate::ui::{Ui, bytes};

/// How long a step of the rehearsal may wait for a peer, in seconds. On one machine it takes milliseconds; a machine
/// that is busy building takes longer.
const WAIT_S: u64 = 60;

/// Rounds of exchanges after which three nodes that still differ never will agree: two suffice, since every pair meets
/// through the first node.
const ROUNDS: usize = 4;

/// The fields over which two disagree: one value, and one paragraph.
const DISPUTED: [&str; 2] = ["outcome", "story"];

const NAMES: [&str; 3] =
    ["Commune de Valombre (fictive)", "CC des Trois Rivières (fictive)", "Association Les Semeuses (fictive)"];

/// One of the three.
struct Actor {
    name: &'static str,
    home: PathBuf,
    /// The port that it keeps over restarts, so that others find it again.
    port: u16,
    /// `None` only while it restarts.
    node: Option<Node>,
}

pub(super) async fn run(cx: &Context<'_>, keep: Option<PathBuf>) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let temporary = tempfile::tempdir().map_err(file(Path::new("tmp")))?;
    let place = keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    let mut actors = found(cx, &place).await?;
    join(cx, &mut actors).await?;
    let record = write(cx, &actors).await?;
    disagree(cx, &mut actors, &record).await?;
    meet(cx, &mut actors).await?;
    show(cx, &actors, &record).await?;
    for actor in &mut actors {
        actor.stop().await;
    }
    cx.ui.note(&Ui::done(&t!(cx.ui, "demo-done", seconds = started.elapsed().as_secs())));
    if let Some(keep) = keep {
        let keep = std::path::absolute(&keep).unwrap_or(keep);
        cx.ui.next(&t!(cx.ui, "demo-kept", path = quoted(&keep.join("1").display().to_string())));
    }
    Ok(Outcome::Done)
}

/// Three identities; the first founds the commons with the starter heritage.
async fn found(cx: &Context<'_>, place: &Path) -> Result<Vec<Actor>, Failure> {
    let mut actors = Vec::new();
    for (number, name) in NAMES.into_iter().enumerate() {
        let home = place.join((number + 1).to_string());
        std::fs::create_dir_all(&home).map_err(file(&home))?;
        let port = free_port().map_err(file(&home))?;
        let node = Node::start(Config::new(&home)).await?;
        let actor = Actor { name, home, port, node: Some(node) };
        let _: Identity = actor.client(cx)?.post("identity", &Init { name: name.to_owned() }).await?;
        actors.push(actor);
    }
    let create = CreateCommons { name: t!(cx.ui, "demo-commons"), starter: true, charter: None };
    let started = Instant::now();
    let commons: Commons = actors[0].client(cx)?.long("commons", &create, cx.progress()).await?;
    let ms = elapsed(started);
    step(cx, &t!(cx.ui, "demo-founded", who = NAMES[0], name = commons.name, n = commons.records, ms = ms));
    Ok(actors)
}

/// The two others join with one ticket.
async fn join(cx: &Context<'_>, actors: &mut [Actor]) -> Result<(), Failure> {
    connect(actors).await?;
    let invite = Invite { role: Role::Ally, expires_in_s: 3600, uses: 2 };
    let invitation: Invitation = actors[0].client(cx)?.post("invitations", &invite).await?;
    for actor in &actors[1..] {
        let client = actor.client(cx)?;
        let started = Instant::now();
        let ticket = invitation.ticket.clone();
        let content: TicketContent = client.post("tickets", &ReadTicket { ticket: ticket.clone() }).await?;
        let join = Join { ticket, accepted: content.charter, wait_s: WAIT_S };
        let joined: Joined = client.long("joins", &join, cx.progress()).await?;
        if !joined.admitted {
            return Err(Failure::Demo(t!(cx.ui, "demo-not-admitted", who = actor.name)));
        }
        let moved: u64 = joined.synced.peers.iter().map(|peer| peer.traffic.bytes_in + peer.traffic.bytes_out).sum();
        let (size, ms) = (bytes(cx.ui.lang(), moved), elapsed(started));
        step(cx, &t!(cx.ui, "demo-joined", who = actor.name, n = joined.commons.records, size = size, ms = ms));
    }
    Ok(())
}

/// Each writes an experience; gives back the id of the first, over which two will disagree.
async fn write(cx: &Context<'_>, actors: &[Actor]) -> Result<String, Failure> {
    let tales = [
        json!({"title": "Une navette à la demande entre deux vallées", "outcome": "under_way",
            "story": "Nous avons conçu le service entre nous, à partir d'une étude de flux. Personne ne réservait.",
            "learned": "Demander avant de concevoir."}),
        json!({"title": "Un café du marché pour parler mobilité",
            "story": "Un samedi sur deux, une table, du café, et des questions plutôt que des réponses.",
            "learned": "On vient pour le café et l'on reste pour la conversation."}),
        json!({"title": "Semer une haie avec l'école du village",
            "story": "Trois classes, douze parents, un agriculteur. La haie a tenu l'été.",
            "learned": "Un chantier commun vaut dix réunions."}),
    ];
    let mut first = String::new();
    for (actor, tale) in actors.iter().zip(tales) {
        let form = tale.as_object().cloned().map(Form::Fields);
        let new = New { kind: "experience".to_owned(), form, set: Vec::new(), territories: Vec::new() };
        let saved: Saved = actor.client(cx)?.post("records", &new).await?;
        step(cx, &t!(cx.ui, "demo-wrote", who = actor.name, title = saved.brief.title));
        if first.is_empty() {
            first = saved.brief.id.to_string();
        }
    }
    exchange(cx, actors).await?;
    Ok(first)
}

/// Cut off from each other, two change the same field and the same paragraph of one record.
async fn disagree(cx: &Context<'_>, actors: &mut [Actor], record: &str) -> Result<(), Failure> {
    for actor in actors.iter_mut() {
        actor.restart(false).await?;
    }
    step(cx, &t!(cx.ui, "demo-cut"));
    let sides = [
        [
            "did_not_work",
            "Nous avons conçu le service entre techniciens, à partir d'une étude de flux. Personne ne réservait.",
        ],
        [
            "redirected",
            "Nous avons conçu le service avec trop peu d'habitantes, à partir d'une étude de flux. Personne ne réservait.",
        ],
    ];
    for (actor, values) in actors.iter().zip(sides) {
        let set = DISPUTED.into_iter().zip(values);
        let set: Vec<Setting> =
            set.map(|(field, value)| Setting { field: field.into(), value: value.into() }).collect();
        let edit = json!({ "set": set });
        let saved: Saved = actor.client(cx)?.patch(&format!("records/{record}"), &edit).await?;
        let fields: Vec<String> =
            saved.fields.iter().map(|field| sheet::field_label(cx.ui, &saved.brief.kind, field)).collect();
        step(cx, &t!(cx.ui, "demo-edited", who = actor.name, title = saved.brief.title, fields = fields.join(", ")));
    }
    Ok(())
}

/// The network is back: exchange until the first holds the same as each of the others.
async fn meet(cx: &Context<'_>, actors: &mut [Actor]) -> Result<(), Failure> {
    for actor in actors.iter_mut() {
        actor.restart(true).await?;
    }
    step(cx, &t!(cx.ui, "demo-back"));
    exchange(cx, actors).await?;
    step(cx, &t!(cx.ui, "demo-equal"));
    Ok(())
}

/// The kept disagreement and two searches.
async fn show(cx: &Context<'_>, actors: &[Actor], record: &str) -> Result<(), Failure> {
    let client = actors[2].client(cx)?;
    let conflicts: Vec<Conflict> = client.get("conflicts", vec![("record", record.to_owned())]).await?;
    let kept = |field: &str| conflicts.iter().any(|conflict| conflict.field == field);
    if !DISPUTED.into_iter().all(kept) {
        return Err(Failure::Demo(t!(cx.ui, "demo-no-conflict")));
    }
    for conflict in &conflicts {
        let field = conflict.label.as_str();
        step(cx, &t!(cx.ui, "demo-conflict", field = field, title = conflict.title.as_str()));
        if !cx.ui.look.quiet {
            sheet::print_values(cx.ui, conflict, &BTreeMap::new());
        }
    }
    for words in ["élus mobilité", "récits coopération"] {
        let started = Instant::now();
        let found = client.records("search", vec![("q", words.to_owned()), ("limit", "3".to_owned())]).await?;
        if found.total == 0 {
            return Err(Failure::Demo(t!(cx.ui, "demo-nothing-found", words = words)));
        }
        step(cx, &t!(cx.ui, "demo-search", words = words, n = found.total, ms = elapsed(started)));
        if !cx.ui.look.quiet {
            print_records(cx.ui, &found);
        }
    }
    Ok(())
}

/// Exchanges through the first node until all show the same digest of everything they hold.
async fn exchange(cx: &Context<'_>, actors: &[Actor]) -> Result<(), Failure> {
    let mut last = Synced::default();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let sync = Sync { peer: None, wait_s: WAIT_S };
        last = actors[0].client(cx)?.long("exchanges", &sync, cx.progress()).await?;
        let received: u64 = last.peers.iter().map(|peer| peer.received).sum();
        let sent: u64 = last.peers.iter().map(|peer| peer.sent).sum();
        let moved: u64 = last.peers.iter().map(|peer| peer.traffic.bytes_in + peer.traffic.bytes_out).sum();
        let (size, ms) = (bytes(cx.ui.lang(), moved), elapsed(started));
        step(cx, &t!(cx.ui, "demo-exchanged", received = received, sent = sent, size = size, ms = ms));
        if are_equal(&held(cx, actors).await?, actors.len())
            && last.peers.iter().all(|peer| peer.ended == Ended::InSync)
        {
            return Ok(());
        }
    }
    last.peers.iter().for_each(|peer| super::sync::print(cx.ui, peer));
    Err(Failure::Demo(t!(cx.ui, "demo-differ")))
}

/// The commons of each.
async fn held(cx: &Context<'_>, actors: &[Actor]) -> Result<CommonsList, Failure> {
    let mut held = CommonsList::new();
    for actor in actors {
        let list: CommonsList = actor.client(cx)?.get("commons", vec![]).await?;
        held.extend(list);
    }
    Ok(held)
}

/// Whether so many hold a commons, and all the same, by the digests of their sets.
fn are_equal(held: &[Commons], holders: usize) -> bool {
    held.len() == holders && held.windows(2).all(|pair| pair[0].digest == pair[1].digest)
}

/// Puts all on the network of this machine.
async fn connect(actors: &mut [Actor]) -> Result<(), Failure> {
    for actor in actors {
        actor.restart(true).await?;
    }
    Ok(())
}

impl Actor {
    fn client(&self, cx: &Context<'_>) -> Result<Client, Failure> {
        let node = self.node.as_ref().ok_or_else(|| Failure::Demo(self.name.to_owned()))?;
        Ok(Client::inside(node.ask(), None, cx.ui.lang()))
    }

    /// Stops the node and starts it again, on the network or off it.
    async fn restart(&mut self, online: bool) -> Result<(), Failure> {
        let text = format!("/ip4/127.0.0.1/tcp/{}", self.port);
        let (address, _) = address::parse(&text).map_err(|error| Failure::Demo(error.to_string()))?;
        let network = online.then(|| Network::on_this_machine(vec![address]));
        self.stop().await;
        self.node = Some(Node::start(Config { network, ..Config::new(&self.home) }).await?);
        Ok(())
    }

    async fn stop(&mut self) {
        if let Some(node) = self.node.take() {
            node.shutdown().await;
        }
    }
}

/// A path as a shell reads it as one word.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}

/// A port that nobody listened on a moment ago.
fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn step(cx: &Context<'_>, text: &str) {
    if !cx.ui.look.quiet {
        cx.ui.out(&format!("• {text}"));
    }
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::Lang;

    use super::*;
    use crate::ui::Look;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted("/tmp/répétition/1"), "/tmp/répétition/1");
        assert_eq!(quoted("ma répétition/1"), "'ma répétition/1'");
        assert_eq!(quoted("l'été/1"), "'l'\\''été/1'");
        assert_eq!(quoted("$HOME/1"), "'$HOME/1'");
    }

    /// Nodes each of which founded a commons of its own, where nobody else is.
    async fn strangers(cx: &Context<'_>, place: &Path) -> Vec<Actor> {
        let mut actors = Vec::new();
        for (number, name) in NAMES.into_iter().enumerate() {
            let home = place.join(number.to_string());
            let network = Some(Network::on_this_machine(Vec::new()));
            let node = Some(Node::start(Config { network, ..Config::new(&home) }).await.unwrap());
            let actor = Actor { name, home, port: 0, node };
            let client = actor.client(cx).unwrap();
            let _: Identity = client.post("identity", &Init { name: name.to_owned() }).await.unwrap();
            let create = CreateCommons { name: "Vallées".to_owned(), starter: false, charter: None };
            let _: Commons = client.long("commons", &create, |_| {}).await.unwrap();
            actors.push(actor);
        }
        actors
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn stores_that_differ_fail_the_rehearsal() {
        let (ui, dir) = (Ui::new(Lang::Fr, Look { quiet: true, ..Look::default() }), tempfile::tempdir().unwrap());
        let cx = Context { ui: &ui, home: dir.path().to_owned(), commons: None, node: tokio::sync::Mutex::default() };
        let mut actors = strangers(&cx, dir.path()).await;
        let all = held(&cx, &actors).await.unwrap();
        assert!(!are_equal(&all, 3), "each has founded its own");
        let same = vec![all[0].clone(); 3];
        assert!(are_equal(&same, 3) && !are_equal(&same[..2], 3), "one who holds nothing is not equal");
        assert!(!are_equal(&[], 3));
        let failure = exchange(&cx, &actors).await.unwrap_err();
        assert!(
            matches!(&failure, Failure::Demo(said) if said == "les trois ne contiennent pas la même chose"),
            "{failure}"
        );
        assert_eq!(failure.code(), 1);
        for actor in &mut actors {
            actor.stop().await;
        }
    }
}
