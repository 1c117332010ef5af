//! Identity, commons, allies, invitations, status.

use std::collections::BTreeSet;
use std::path::Path;

use essaim_protocol::api::{
    self, Allies, AllyState, Commons, CommonsList, CreateCommons, Error, Identity, Init, Invitation, Invite, Network,
    Peer, Report, Role, Status, Task, Words,
};
use essaim_protocol::entry::statement::{AllyKind, Inviters, Name, Policy, RecoveryHash, Role as Standing, TextError};
use essaim_protocol::id::{AllyId, CharterHash, base32};
use essaim_protocol::roster::{Ally, Card, Founding, Offer, State, Ticket};
use essaim_protocol::sign::Seed;
use essaim_protocol::store::Store as _;

use super::brief::apart_from;
use super::fault::{desk_error, home_error, internal, io_error};
use super::{Engine, Room, now, room};
use crate::home::{Home, Profile};
use crate::keeper::{Desk, JoinError};

/// The charter that allies sign unless the founder brings another.
const DEFAULT_CHARTER: &str = include_str!("../../data/charter.fr.md");

impl Engine {
    pub(super) async fn init(&self, init: Init) -> Result<Identity, Error> {
        let mut home = self.0.home.write().await;
        if let Some(home) = home.as_ref() {
            let name = home.profile().name.clone();
            return Err(Error::AlreadyInitialised { name, home: self.0.path.display().to_string() });
        }
        let name = name(&init.name)?;
        let profile = Profile { name: name.to_string(), person: false };
        let made = Home::create(&self.0.path, &profile).map_err(home_error)?;
        let identity = identity(&made);
        *home = Some(made);
        drop(home);
        if let Some(driver) = &self.0.driver {
            driver.start(self.clone()).await?;
        }
        Ok(identity)
    }

    pub(super) async fn create_commons(&self, create: CreateCommons, report: &Report) -> Result<Commons, Error> {
        let (keys, profile) = self.identity().await?;
        let called = name(&create.name)?;
        let charter = create.charter.unwrap_or_else(|| DEFAULT_CHARTER.to_owned());
        let founding = Founding {
            name: called,
            charter: crate::keeper::charter_hash(&charter),
            policy: Policy { vouches: 2, inviters: Inviters::Allies },
            founder: card(&profile)?,
        };
        let home = self.0.home.read().await;
        let Some(home) = home.as_ref() else { return Err(internal("the home has gone")) };
        let dirs = home.path().join("commons");
        // Two of one name could not be told apart: nobody founds another between this look and the insert.
        let mut rooms = self.0.rooms.write().await;
        if rooms.values().any(|room| room.name.to_lowercase() == founding.name.as_str().to_lowercase()) {
            return Err(Error::CommonsExists { name: founding.name.to_string() });
        }
        let free = self.0.free;
        let desk = tokio::task::spawn_blocking(move || {
            Desk::found(|id| dirs.join(id.to_string()), keys, free, founding, &charter, now())
        });
        let desk = desk.await.map_err(internal)?.map_err(|error| join_error(home.path(), error))?;
        let room = room(desk)?;
        rooms.insert(room.id, room.clone());
        drop(rooms);
        if let Some(driver) = &self.0.driver {
            driver.follow(self, room.clone()).await;
        }
        if create.starter {
            self.adopt_starter(&room, report).await?;
        }
        if let Some(driver) = &self.0.driver {
            driver.follow(self, room.clone()).await;
        }
        self.show_commons(&room).await
    }

    pub(super) async fn list_commons(&self) -> Result<CommonsList, Error> {
        let mut list = Vec::new();
        for room in self.rooms().await {
            list.push(self.show_commons(&room).await?);
        }
        Ok(list)
    }

    pub(super) async fn show_commons(&self, room: &Room) -> Result<Commons, Error> {
        let place = room.name.clone();
        room.keeper.run(move |desk| commons(desk).map_err(|error| desk_error(&place, error))).await.map_err(internal)?
    }

    pub(super) async fn allies(&self, room: &Room) -> Result<Allies, Error> {
        room.keeper.run(|desk| allies(desk)).await.map_err(internal)
    }

    pub(super) async fn ally(&self, room: &Room, asked: String) -> Result<api::Ally, Error> {
        let allies = self.allies(room).await?;
        let text = asked.to_lowercase();
        let found: Vec<_> = allies
            .iter()
            .filter(|ally| ally.name.to_lowercase() == text || ally.id.to_string().starts_with(&text))
            .collect();
        let candidate =
            |ally: &api::Ally| api::Candidate { id: ally.short.clone(), title: ally.name.clone(), detail: None };
        match &found[..] {
            [ally] => Ok((*ally).clone()),
            [] => {
                let close = allies.iter().filter(|ally| ally.name.to_lowercase().contains(&text));
                Err(Error::UnknownAlly { asked, candidates: close.map(candidate).collect() })
            }
            several => {
                Err(Error::Ambiguous { asked, candidates: several.iter().map(|ally| candidate(ally)).collect() })
            }
        }
    }

    pub(super) async fn invite(&self, room: &Room, invite: Invite) -> Result<Invitation, Error> {
        let (keys, _) = self.identity().await?;
        let addresses = match &self.0.driver {
            Some(driver) => driver.addresses_for_tickets().await,
            None => Vec::new(),
        };
        let mut seed = [0; 32];
        rand::fill(&mut seed[..]);
        let offer = Offer {
            seed: Seed::new(seed),
            role: match invite.role {
                Role::Ally => Standing::Ally,
                Role::Reader => Standing::Reader,
            },
            expires: now().plus(invite.expires_in_s.saturating_mul(1000)),
            uses: u16::try_from(invite.uses).unwrap_or(u16::MAX),
        };
        let (place, uses, expires_at) = (room.name.clone(), u32::from(offer.uses), offer.expires);
        let work = move |desk: &mut Desk| {
            let id = desk.invite(&offer, now()).map_err(|error| desk_error(&place, error))?;
            Ok((id, offer.seed, desk.roster().council()))
        };
        let (id, seed, council) = room.keeper.run(work).await.map_err(internal)??;
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let local_only = !addresses.is_empty() && !addresses.iter().any(crate::net::address::reaches_afar);
        let ticket = Ticket::new(room.id, council, id, seed, vec![keys.device().network], texts.clone());
        Ok(Invitation {
            ticket: ticket.to_string(),
            commons: room.name.clone(),
            role: invite.role,
            expires_at,
            uses,
            addresses: texts,
            local_only,
            invite: id,
        })
    }

    pub(super) async fn status(&self) -> Result<Status, Error> {
        let identity = self.0.home.read().await.as_ref().map(identity);
        let commons = self.list_commons().await?;
        let mut peers = Vec::new();
        for room in self.rooms().await {
            peers.extend(self.peers(&room).await?);
        }
        // Strangers are connected as well.
        let online: BTreeSet<_> = peers.iter().filter(|peer| peer.connected).map(|peer| peer.network).collect();
        let network = match &self.0.driver {
            Some(driver) => Some(Network {
                listening: driver.listening().await.iter().map(ToString::to_string).collect(),
                mdns: driver.mdns(),
                connected: u32::try_from(online.len()).unwrap_or(u32::MAX),
                traffic: driver.traffic(),
                started_at: self.0.started,
            }),
            None => None,
        };
        let todo = self.todo(identity.is_some(), &commons).await?;
        let disk_bytes = disk_bytes(&self.0.path);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Status { identity, version, commons, peers, todo, disk_bytes, network })
    }

    /// The devices of other allies, and what is known of each.
    async fn peers(&self, room: &Room) -> Result<Vec<Peer>, Error> {
        let connected = match &self.0.driver {
            Some(driver) => driver.connected(),
            None => BTreeSet::new(),
        };
        let (commons, commons_id) = (room.name.clone(), room.id);
        let work = move |desk: &mut Desk| {
            let me = desk.me();
            let others: Vec<Ally> = desk.roster().allies().filter(|ally| Some(ally.id) != me && is_in(ally)).collect();
            let mut peers = Vec::new();
            for ally in others {
                for device in &ally.devices {
                    let known = desk.peer(&device.network);
                    peers.push(Peer {
                        ally: ally.name.to_string(),
                        commons: commons.clone(),
                        commons_id,
                        network: device.network,
                        connected: connected.contains(&device.network),
                        seen_at: known.seen_at,
                        sync: known.state(desk.store().epoch(), desk.commons().end()),
                    });
                }
            }
            peers
        };
        room.keeper.run(work).await.map_err(internal)
    }

    /// What to do next, most useful first.
    async fn todo(&self, initialised: bool, commons: &[Commons]) -> Result<Vec<Task>, Error> {
        let mut todo = Vec::new();
        if self.needs_doctor().await? {
            todo.push(Task::Doctor);
        }
        if !initialised {
            todo.push(Task::Init);
        } else if commons.is_empty() {
            todo.push(Task::CreateOrJoin);
        }
        for one in commons {
            let (name, commons_id) = (|| one.name.clone(), one.id);
            if one.me == AllyState::Pending {
                todo.push(Task::AwaitAdmission { commons: name(), commons_id });
            }
            if one.conflicts > 0 {
                todo.push(Task::Settle { conflicts: one.conflicts, commons: name(), commons_id });
            }
            if one.allies < 2 {
                todo.push(Task::InviteSomebody { commons: name(), commons_id });
            }
        }
        for room in self.rooms().await {
            let (newer, unconfirmed) = room
                .keeper
                .run(|desk| (desk.roster().needs_upgrade(), desk.store().outbox_len()))
                .await
                .map_err(internal)?;
            if newer {
                todo.push(Task::Upgrade { commons: room.name.clone(), commons_id: room.id });
            }
            if unconfirmed > 0 && commons.iter().any(|one| one.id == room.id && one.allies > 1) {
                todo.push(Task::SyncSoon { entries: unconfirmed, commons: room.name.clone(), commons_id: room.id });
            }
        }
        Ok(todo)
    }
}

/// A name as it stands in statements.
pub(super) fn name(text: &str) -> Result<Name, Error> {
    Name::new(text.trim()).map_err(|error| match error {
        TextError::Empty => Error::BadRequest { detail: Words::new("le nom est vide", "the name is empty") },
        TextError::TooLong { found, max } => {
            Error::TooLarge { what: Words::new("le nom", "the name"), found: found as u64, max: max as u64 }
        }
        error @ TextError::Control { .. } => {
            let fr = "le nom contient un caractère de commande ou un saut de ligne";
            Error::BadRequest { detail: Words::new(fr, error.to_string()) }
        }
    })
}

/// How this ally presents itself.
pub(super) fn card(profile: &Profile) -> Result<Card, Error> {
    let kind = if profile.person { AllyKind::Person } else { AllyKind::Organisation };
    Ok(Card { kind, name: name(&profile.name)?, recovery: RecoveryHash::NONE })
}

pub(super) fn join_error(place: &Path, error: JoinError) -> Error {
    match error {
        JoinError::NotTheCommons => Error::PeerMisbehaved {
            peer: String::new(),
            detail: Words::new("ce qu'il envoie n'est pas ce patrimoine commun", error.to_string()),
        },
        JoinError::OtherCharter => Error::CharterNotAccepted {},
        JoinError::CharterTooLong(found) => Error::TooLarge {
            what: Words::new("la charte", "the charter"),
            found: found as u64,
            max: essaim_protocol::join::MAX_CHARTER as u64,
        },
        JoinError::File { path, source } => io_error(&path, &source),
        JoinError::Desk(error) => desk_error(&place.display().to_string(), error),
        JoinError::Seal(error) => internal(error),
    }
}

fn identity(home: &Home) -> Identity {
    let device = home.keys().device();
    Identity {
        name: home.profile().name.clone(),
        device: device.signing,
        network: device.network,
        home: home.path().display().to_string(),
    }
}

fn commons(desk: &mut Desk) -> Result<Commons, crate::keeper::DeskError> {
    let genesis = desk.roster().genesis();
    let id = desk.id();
    let name = genesis.map_or_else(|| id.short(), |genesis| genesis.name.to_string());
    let me = desk.me().and_then(|me| desk.roster().ally(&me));
    let created_at = desk.roster().garants().map(|ally| ally.since).min().unwrap_or_default();
    Ok(Commons {
        id,
        name,
        allies: desk.roster().allies().filter(is_in).count() as u64,
        records: desk.count()?,
        entries: desk.commons().set().count(),
        digest: base32(&desk.commons().set().digest().hash()),
        conflicts: desk.disputed()?,
        unfolded: desk.stale() as u64,
        me: me.as_ref().map_or(AllyState::Pending, state),
        charter: desk.roster().charter().unwrap_or(CharterHash::ZERO),
        charter_text: desk.charter(),
        created_at,
    })
}

fn allies(desk: &Desk) -> Allies {
    let roster = desk.roster();
    let me = desk.me();
    let all: Vec<Ally> = roster.allies().collect();
    let ids: Vec<AllyId> = all.iter().map(|ally| ally.id).collect();
    let named = |id: &AllyId| roster.ally(id).map(|ally| ally.name.to_string());
    all.iter()
        .map(|ally| api::Ally {
            id: ally.id,
            short: apart_from(&ally.id.to_string(), ids.iter().map(ToString::to_string)),
            name: ally.name.to_string(),
            state: state(ally),
            me: Some(ally.id) == me,
            invited_by: ally.admitted_by.as_ref().and_then(named),
            devices: ally.devices.iter().map(|device| device.signing).collect(),
            since: ally.since,
        })
        .collect()
}

/// Whether an ally takes part.
pub(super) const fn is_in(ally: &Ally) -> bool {
    matches!(ally.state, State::Founder | State::Admitted(_))
}

const fn state(ally: &Ally) -> AllyState {
    match ally.state {
        State::Founder => AllyState::Founder,
        State::Admitted(_) => AllyState::Admitted,
        State::Pending | State::Void => AllyState::Pending,
    }
}

/// Bytes of all files below a directory; what cannot be read counts for nothing.
fn disk_bytes(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk_bytes(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
