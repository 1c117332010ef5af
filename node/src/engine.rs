//! What a node does when it is asked: one method, one match, the same for a browser, a command over loopback, and a
//! command that runs the node inside itself.
//!
//! The story of one request: [`Engine::call`] finds the commons that is meant, has its [keeper](crate::keeper) do the
//! work, and puts the outcome in the words of [`api`](essaim_protocol::api). Nothing here decides who may do what; the rules did.

mod board;
mod brief;
mod commons;
mod drafts;
mod exchange;
mod fault;
mod finding;
mod health;
mod inbox;
mod joining;
mod reading;
mod records;
mod together;
mod whole;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use essaim_protocol::api::{Answer, Candidate, Command, Error, Lang, Report, Request};
use essaim_protocol::id::CommonsId;
use essaim_protocol::sign::Keys;
use essaim_protocol::time::Timestamp;
use tokio::sync::RwLock;

pub(crate) use self::fault::store_error;
use self::fault::{desk_error, home_error, internal};
use self::records::At;
use crate::drafts::Drafts;
use crate::driver::Driver;
use crate::home::{self, Home};
use crate::keeper::{Desk, Keeper};
use crate::personal::Personal;

/// A node's capacity to answer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// `None` until there is an identity.
    home: RwLock<Option<Home>>,
    rooms: RwLock<BTreeMap<CommonsId, Room>>,
    /// Commons whose data could not be opened, and why. The others go on without them.
    closed: RwLock<BTreeMap<CommonsId, Error>>,
    drafts: Drafts,
    personal: Personal,
    /// `None` when this node keeps off the network.
    driver: Option<Driver>,
    /// Bytes to leave free on the disk.
    free: u64,
    started: Timestamp,
}

/// An open commons.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    /// Which.
    pub(crate) id: CommonsId,
    /// Its name.
    pub(crate) name: String,
    /// Who does its work.
    pub(crate) keeper: Keeper,
}

impl Engine {
    /// Opens the home, when there is one, and all its commons.
    ///
    /// # Errors
    /// [`Error::HomeLocked`], [`Error::NewerHome`], [`Error::Damaged`] and [`Error::Io`] of the home, and what keeps every
    /// store from being opened, such as a full disk. A commons that is damaged stays closed.
    pub async fn open(path: &Path, free: u64, driver: Option<Driver>) -> Result<Self, Error> {
        let home = match Home::open(path) {
            Ok(home) => Some(home),
            Err(home::Error::Missing { .. }) => None,
            Err(error) => return Err(home_error(error)),
        };
        let (mut rooms, mut closed) = (BTreeMap::new(), BTreeMap::new());
        if let Some(home) = &home {
            for id in home.commons().map_err(home_error)? {
                match opened(home.commons_dir(&id), id, home.keys().clone(), free).await {
                    Ok(room) => rooms.extend(room.map(|room| (id, room))),
                    Err(why) if concerns_one(&why) => {
                        tracing::error!(commons = %id, %why, "a commons cannot be opened and stays closed");
                        closed.insert(id, why);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let (home, rooms, closed) = (RwLock::new(home), RwLock::new(rooms), RwLock::new(closed));
        let (drafts, personal) = (Drafts::new(path), Personal::new(path));
        let inner =
            Inner { path: path.to_owned(), home, rooms, closed, drafts, personal, driver, free, started: now() };
        Ok(Self(Arc::new(inner)))
    }

    /// Answers one request. Long jobs tell `report` how far they are.
    ///
    /// # Errors
    /// [`Error`], in the words of the person who asked.
    pub async fn call(&self, request: Request, report: &Report) -> Result<Answer, Error> {
        let Request { commons, lang, command } = request;
        let asked = commons.as_deref();
        match command {
            Command::Init(init) => self.init(init).await.map(Into::into),
            Command::CreateCommons(create) => self.create_commons(create, report).await.map(Into::into),
            Command::ListCommons => self.list_commons().await.map(Into::into),
            Command::ReadTicket(read) => self.read_ticket(read).await.map(Into::into),
            Command::Join(join) => self.join(join, report).await.map(Into::into),
            Command::Status => self.status().await.map(Into::into),
            Command::Sync(sync) => self.sync(asked, sync, report).await.map(Into::into),
            Command::Doctor(doctor) => self.doctor(doctor, report).await.map(Into::into),
            Command::ShowCommons => self.show_commons(&self.room(asked).await?).await.map(Into::into),
            Command::Invite(invite) => self.invite(&self.room(asked).await?, invite).await.map(Into::into),
            Command::Allies => self.allies(&self.room(asked).await?).await.map(Into::into),
            Command::Ally(ally) => self.ally(&self.room(asked).await?, ally).await.map(Into::into),
            Command::Gazetteer(text) => Ok(drafts::places(&text).into()),
            Command::Settings => self.settings().await.map(Into::into),
            Command::SetSettings(set) => self.set_settings(set).await.map(Into::into),
            command @ (Command::Inbox(_) | Command::MarkRead(_) | Command::Unread | Command::Territory(_)) => {
                self.inbox(&self.room(asked).await?, lang, command).await
            }
            command @ (Command::Drafts
            | Command::StartDraft(_)
            | Command::Draft(_)
            | Command::KeepDraft(_)
            | Command::DropDraft(_)
            | Command::ShareDraft(_)) => self.drafts(&self.room(asked).await?, lang, command).await,
            Command::Digest(of) => self.at(asked, lang, move |at| at.digest(&of)).await.map(Into::into),
            Command::Agenda(of) => self.at(asked, lang, move |at| at.agenda(of)).await.map(Into::into),
            Command::Catalogue(of) => self.at(asked, lang, move |at| at.catalogue(&of)).await.map(Into::into),
            Command::Whole => self.at(asked, lang, |at| at.whole()).await.map(Into::into),
            Command::Archive(archive) => self.at(asked, lang, move |at| at.archive(&archive)).await.map(Into::into),
            command @ (Command::Template(_)
            | Command::New(_)
            | Command::Edit(_)
            | Command::Show(_)
            | Command::ShowAt(_)
            | Command::Linked(_)
            | Command::List(_)
            | Command::Search(_)
            | Command::Places(_)
            | Command::Log(_)
            | Command::Conflicts(_)
            | Command::Settle(_)
            | Command::Contribute(_)
            | Command::TakeStep(_)
            | Command::Board(_)
            | Command::Import(_)
            | Command::Export(_)) => self.records(&self.room(asked).await?, lang, command, report).await,
        }
    }

    /// Has the keeper of the commons that is meant do some work.
    async fn at<T: Send + 'static>(
        &self,
        asked: Option<&str>,
        lang: Lang,
        work: impl FnOnce(&mut At<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let room = self.room(asked).await?;
        let commons = room.name.clone();
        let work = move |desk: &mut Desk| work(&mut At { desk, commons: &commons, lang });
        room.keeper.run(work).await.map_err(internal)?
    }

    /// Closes all commons and gives the home back.
    pub async fn close(&self) {
        let rooms = std::mem::take(&mut *self.0.rooms.write().await);
        for room in rooms.into_values() {
            room.keeper.close().await;
        }
        self.0.home.write().await.take();
    }

    /// Tells other processes where this node answers.
    ///
    /// # Errors
    /// When the home cannot be written.
    pub(crate) async fn announce(&self, address: std::net::SocketAddr) -> Result<(), Error> {
        let home = self.0.home.read().await;
        home.as_ref().map_or(Ok(()), |home| home.announce(address)).map_err(home_error)
    }

    /// Takes the announcement back. One that stays is void once the home is given back.
    pub(crate) async fn withdraw(&self) {
        if let Some(Err(error)) = self.with_home(Home::stopped).await {
            tracing::warn!(%error, "the announcement of this node could not be removed");
        }
    }

    /// Does something with the home, once there is an identity.
    pub(crate) async fn with_home<T>(&self, work: impl FnOnce(&Home) -> T) -> Option<T> {
        self.0.home.read().await.as_ref().map(work)
    }

    /// Notes ports of this run, off the async threads.
    ///
    /// # Errors
    /// When the home cannot be written.
    pub(crate) async fn keep_ports(
        &self,
        change: impl FnOnce(home::Ports) -> home::Ports + Send + 'static,
    ) -> Result<(), Error> {
        let Some(path) = self.with_home(|home| home.path().to_owned()).await else { return Ok(()) };
        let kept = tokio::task::spawn_blocking(move || home::keep_ports(&path, change)).await;
        kept.map_err(internal)?.map_err(home_error)
    }

    /// The bearer token of the home.
    ///
    /// # Errors
    /// [`Error::NotInitialised`].
    pub async fn token(&self) -> Result<String, Error> {
        let home = self.0.home.read().await;
        let home = home.as_ref().ok_or_else(|| Error::NotInitialised { home: self.0.path.display().to_string() })?;
        Ok(home.token().to_owned())
    }

    /// The device's keys, once there is an identity.
    pub(crate) async fn keys(&self) -> Option<Keys> {
        self.0.home.read().await.as_ref().map(|home| home.keys().clone())
    }

    /// The open commons.
    pub(crate) async fn rooms(&self) -> Vec<Room> {
        self.0.rooms.read().await.values().cloned().collect()
    }

    /// The open commons of this id.
    pub(crate) async fn open_room(&self, id: &CommonsId) -> Option<Room> {
        self.0.rooms.read().await.get(id).cloned()
    }

    /// The commons that a request means.
    async fn room(&self, asked: Option<&str>) -> Result<Room, Error> {
        let rooms = self.rooms().await;
        if self.0.home.read().await.is_none() {
            return Err(Error::NotInitialised { home: self.0.path.display().to_string() });
        }
        let closed: Vec<(CommonsId, Error)> = self.closed().await;
        let all = || {
            let open = rooms.iter().map(Room::candidate);
            let closed = closed.iter().map(|(id, _)| Candidate { id: id.short(), title: id.short(), detail: None });
            open.chain(closed).collect()
        };
        let Some(asked) = asked else {
            return match (&rooms[..], &closed[..]) {
                ([], []) => Err(Error::NoCommons {}),
                ([room], []) => Ok(room.clone()),
                ([], [(_, why)]) => Err(why.clone()),
                // What is meant for the closed one must not go to the other.
                _ => Err(Error::WhichCommons { candidates: all() }),
            };
        };
        let found: Vec<_> = rooms.iter().filter(|room| room.is_called(asked)).collect();
        match &found[..] {
            [] => Err(match closed.iter().find(|(id, _)| is_beginning(asked, id)) {
                Some((_, why)) => why.clone(),
                None => Error::UnknownCommons { asked: asked.to_owned(), candidates: all() },
            }),
            [room] => Ok((*room).clone()),
            several => Err(Error::Ambiguous {
                asked: asked.to_owned(),
                candidates: several.iter().map(|room| room.candidate()).collect(),
            }),
        }
    }

    /// The commons that could not be opened, and why.
    async fn closed(&self) -> Vec<(CommonsId, Error)> {
        self.0.closed.read().await.iter().map(|(id, why)| (*id, why.clone())).collect()
    }

    /// Whether something in the stores was mended that nobody was told of, or could not be.
    ///
    /// # Errors
    /// [`Error::Internal`] when a commons was closed meanwhile.
    pub async fn needs_doctor(&self) -> Result<bool, Error> {
        for room in self.rooms().await {
            if room.keeper.run(|desk| !desk.repairs().is_empty()).await.map_err(internal)? {
                return Ok(true);
            }
        }
        Ok(!self.0.closed.read().await.is_empty())
    }

    /// Keys and name of this ally.
    async fn identity(&self) -> Result<(Keys, home::Profile), Error> {
        let home = self.0.home.read().await;
        let home = home.as_ref().ok_or_else(|| Error::NotInitialised { home: self.0.path.display().to_string() })?;
        Ok((home.keys().clone(), home.profile().clone()))
    }

    /// The directory of a commons, open or not.
    async fn commons_dir(&self, id: &CommonsId) -> Result<PathBuf, Error> {
        let home = self.0.home.read().await;
        let home = home.as_ref().ok_or_else(|| Error::NotInitialised { home: self.0.path.display().to_string() })?;
        Ok(home.commons_dir(id))
    }
}

impl Room {
    fn candidate(&self) -> Candidate {
        Candidate { id: self.id.short(), title: self.name.clone(), detail: None }
    }

    /// By its name, or by its id or the beginning of it.
    fn is_called(&self, asked: &str) -> bool {
        self.name.to_lowercase() == asked.to_lowercase() || is_beginning(asked, &self.id)
    }
}

/// Whether an id is meant by its beginning.
fn is_beginning(asked: &str, id: &CommonsId) -> bool {
    asked.len() >= 4 && id.to_string().starts_with(&asked.to_lowercase())
}

/// Whether other commons can be opened all the same: the damage is in this one's files.
const fn concerns_one(error: &Error) -> bool {
    matches!(error, Error::Damaged { .. } | Error::Internal { .. } | Error::Io { .. } | Error::NewerHome { .. })
}

/// Opens a commons; nothing when a ticket to it was read and not redeemed, which leaves one that we have no part in.
async fn opened(dir: PathBuf, id: CommonsId, keys: Keys, free: u64) -> Result<Option<Room>, Error> {
    room_of(open_desk(dir, id, keys, free).await?)
}

/// The room of an open desk, when we have a part in its commons, or had one before its store was lost.
fn room_of(desk: Desk) -> Result<Option<Room>, Error> {
    let ours = desk.is_lost() || desk.has_presented().map_err(|error| store_error("", error))?;
    if ours { room(desk).map(Some) } else { Ok(None) }
}

/// Opens a desk off the async threads: it reads the disk.
async fn open_desk(dir: PathBuf, id: CommonsId, keys: Keys, free: u64) -> Result<Desk, Error> {
    let place = dir.display().to_string();
    let opened = tokio::task::spawn_blocking(move || Desk::open(&dir, id, keys, free)).await;
    opened.map_err(internal)?.map_err(|error| desk_error(&place, error))
}

/// Starts the keeper of an open desk.
fn room(desk: Desk) -> Result<Room, Error> {
    let (id, name) = (desk.id(), name_of(&desk));
    let keeper = Keeper::start(desk).map_err(internal)?;
    Ok(Room { id, name, keeper })
}

/// What a commons is called; one whose beginning is not known, by its id.
fn name_of(desk: &Desk) -> String {
    desk.roster().genesis().map_or_else(|| desk.id().short(), |genesis| genesis.name.to_string())
}

/// The time, for the rules. A clock before 1970 gives a negative time, which they take as it is.
pub(crate) fn now() -> Timestamp {
    use std::time::{SystemTime, UNIX_EPOCH};
    let ms = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or_else(|early| -ms(early.duration()), ms))
}
