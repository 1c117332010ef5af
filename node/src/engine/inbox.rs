//! What is there for this home: its inbox, its territory, its settings.
//!
//! The author hears back: an earlier network of experiences died because those who wrote never heard of their sheets again.
//! All is found from the index and views, among the newest records; what was read is noted in the home alone, and nobody is
//! told.

use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::api::{
    Answer, AskInbox, Command, Contribution, Error, Inbox, InboxItem, Lang, MarkRead, Page, Records, SetSettings,
    Settings, Standing, Territory, Unread, Why, Words,
};
use essaim_protocol::id::{AllyId, RecordId, base32};
use essaim_protocol::query::{Item, Query, What};
use essaim_protocol::record::field::{Field, Held};
use essaim_protocol::record::{Conflict, View, json, stratum_of};
use essaim_protocol::time::Timestamp;

use super::board::{CONTRIBUTION, about, form, key};
use super::brief::{brief, lang_of, named, read_error, resolve, store_failed};
use super::drafts::{in_words, place_of};
use super::reading::said;
use super::records::{At, place, record_of, unknown};
use super::{Engine, Room, home_error, internal};
use crate::index::Sort;
use crate::index::gazetteer::{Place, Type};
use crate::keeper::{self, Desk};
use crate::personal::{Counted, Personal};

/// The kind of record that a place is.
const TERRITORY: &str = "territory";

/// Contributions that are looked at for an inbox, the newest: a busy alliance's of some months. Older ones were read, or are
/// found on the board.
const CONTRIBUTIONS: usize = 300;

/// Records that are looked at for words proposed in place of ours, the last changed.
const CHANGED: usize = 200;

/// Records in dispute that are looked at.
const DISPUTED: usize = 200;

/// Records about our territory that are looked at, the newest.
const PLACED: usize = 100;

/// Items that are shown.
const SHOWN: usize = 200;

/// Records about a territory that are named on its page.
const CONCERNS: u32 = 10;

/// Contributions of one sort, and territories, that are named there.
const NAMED: usize = 12;

/// Territories of one type and size that are compared.
const COMPARED: usize = 60;

/// Bytes of an item's name: among some thousand, two equal ones are less likely than a damaged disk.
const NAME: usize = 5;

impl Engine {
    /// What a request about this home's own people asks. The keeper's thread does it: it may wait for the disk.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the engine sends only what is about the inbox")]
    pub(super) async fn inbox(&self, room: &Room, lang: Lang, command: Command) -> Result<Answer, Error> {
        let (commons, personal) = (room.name.clone(), self.0.personal.clone());
        let work = move |desk: &mut Desk| -> Result<Answer, Error> {
            let mut reading = Looking { at: At { desk, commons: &commons, lang }, personal: &personal };
            Ok(match command {
                Command::Inbox(asked) => reading.show(asked)?.into(),
                Command::MarkRead(mark) => reading.mark(mark)?.into(),
                Command::Unread => reading.unread()?.into(),
                Command::Territory(asked) => reading.territory(&asked)?.into(),
                _ => return Err(internal("this is not about the inbox")),
            })
        };
        room.keeper.run(work).await.map_err(internal)?
    }

    pub(super) async fn settings(&self) -> Result<Settings, Error> {
        let (_, profile) = self.identity().await?;
        let territory = own_territory(&self.0.personal)?;
        Ok(Settings {
            name: profile.name,
            home: self.0.path.display().to_string(),
            territory: territory.as_ref().map(in_words),
        })
    }

    /// Changes the settings. What is there about a newly chosen territory is not news.
    pub(super) async fn set_settings(&self, set: SetSettings) -> Result<Settings, Error> {
        let chosen = match set.territory.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Some(place_of(text).or_else(|_| place(text))?),
            None => None,
        };
        let code = chosen.as_ref().map(|place| in_words(place).code);
        if let Some(place) = chosen {
            for room in self.rooms().await {
                let (commons, personal, place) = (room.name.clone(), self.0.personal.clone(), place.clone());
                let work = move |desk: &mut Desk| -> Result<(), Error> {
                    let mut looking =
                        Looking { at: At { desk, commons: &commons, lang: Lang::Fr }, personal: &personal };
                    looking.at.freshen()?;
                    let known = looking.placed(&place)?.into_iter().map(|found| found.item).collect();
                    personal.mark(looking.at.desk.id(), known).map_err(home_error)
                };
                room.keeper.run(work).await.map_err(internal)??;
            }
        }
        self.0.personal.set_territory(code).map_err(home_error)?;
        self.settings().await
    }
}

fn own_territory(personal: &Personal) -> Result<Option<Place<'static>>, Error> {
    let code = personal.territory().map_err(home_error)?;
    // One that a newer gazetteer knew is none here.
    Ok(code.and_then(|code| place_of(&code).ok()))
}

/// Something for the inbox.
struct Found {
    item: String,
    why: Why,
    record: RecordId,
    /// The field, in the language of the request.
    field: Option<String>,
    at: Timestamp,
}

impl Found {
    fn new(why: Why, view: &View) -> Self {
        Self { item: name(why, &view.record, "", &[]), why, record: view.record, field: None, at: view.updated_at }
    }

    /// Of what stands in one place; when it changes, it is news again.
    fn at(why: Why, view: &View, conflict: &Conflict, lang: Lang) -> Self {
        let item = name(why, &view.record, &conflict.path.to_string(), &conflict.choices);
        Self { item, field: Some(conflict.label.get(lang_of(lang)).to_owned()), ..Self::new(why, view) }
    }
}

/// The name of an item: the same on every look, another when what it tells is another.
fn name(why: Why, record: &RecordId, place: &str, choices: &[Held]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("essaim v1 inbox item");
    hasher.update(format!("{why:?} {record} {place}").as_bytes());
    for held in choices {
        hasher.update(json::plain(&held.value).to_string().as_bytes());
    }
    base32(&hasher.finalize().as_bytes()[..NAME])
}

/// A desk, and what its home keeps for itself.
struct Looking<'a> {
    at: At<'a>,
    personal: &'a Personal,
}

impl Looking<'_> {
    fn show(&mut self, asked: AskInbox) -> Result<Inbox, Error> {
        self.at.freshen()?;
        let read: BTreeSet<String> = self.marks()?;
        let mut found = self.found()?;
        let unread = found.iter().filter(|one| !read.contains(&one.item)).count() as u64;
        found.retain(|one| asked.all || !read.contains(&one.item));
        found.truncate(SHOWN);
        let mut inbox = Inbox { unread, items: Vec::new() };
        for one in found {
            let read = read.contains(&one.item);
            inbox.items.extend(self.item(one, read)?);
        }
        Ok(inbox)
    }

    fn mark(&mut self, mark: MarkRead) -> Result<Inbox, Error> {
        self.at.freshen()?;
        let known: BTreeSet<String> = self.found()?.into_iter().map(|one| one.item).collect();
        let items = if mark.all { known.into_iter().collect() } else { mark.items };
        // Nothing else is kept: names come from whoever asks.
        if let Some(item) = items.iter().find(|item| item.len() != NAME * 8 / 5) {
            let detail =
                Words::new(format!("« {item} » n'est pas dans la boîte"), format!("“{item}” is not in the inbox"));
            return Err(Error::BadRequest { detail });
        }
        self.personal.mark(self.at.desk.id(), items).map_err(home_error)?;
        self.show(AskInbox::default())
    }

    /// Counted again only when something came in or was read: every page of a browser asks. While much is being folded, the
    /// last count stands.
    fn unread(&mut self) -> Result<Unread, Error> {
        let (commons, end, turn) = (self.at.desk.id(), self.at.desk.commons().end().0, self.personal.turn());
        let last = self.personal.last_count(commons);
        if let Some(last) = last.filter(|last| (last.end, last.turn) == (end, turn) || self.at.desk.stale() > 0) {
            return Ok(Unread { unread: last.unread });
        }
        let read = self.marks()?;
        let unread = self.found()?.iter().filter(|one| !read.contains(&one.item)).count() as u64;
        self.personal.note_count(commons, Counted { end, turn, unread });
        Ok(Unread { unread })
    }

    fn marks(&self) -> Result<BTreeSet<String>, Error> {
        Ok(self.personal.marks(self.at.desk.id()).map_err(home_error)?.into_iter().collect())
    }

    /// All that is there, the newest first.
    fn found(&mut self) -> Result<Vec<Found>, Error> {
        let Some(me) = self.at.desk.me() else { return Ok(Vec::new()) };
        let mut found = self.brought(me)?;
        found.extend(self.proposed(me)?);
        found.extend(self.disputed(me)?);
        if let Some(place) = own_territory(self.personal)? {
            found.extend(self.placed(&place)?);
        }
        found.sort_by(|a, b| (b.at, &a.item).cmp(&(a.at, &b.item)));
        Ok(found)
    }

    /// What others brought to records that we wrote.
    fn brought(&mut self, me: AllyId) -> Result<Vec<Found>, Error> {
        let mut ours: BTreeMap<RecordId, bool> = BTreeMap::new();
        let mut found = Vec::new();
        for view in self.at.newest(Query::default().with("kind", CONTRIBUTION), CONTRIBUTIONS)? {
            let Some(about) = about(&view) else { continue };
            let is_ours = match ours.get(&about) {
                Some(known) => *known,
                None => self.at.desk.view(&about).map_err(read_error)?.is_some_and(|view| wrote(&view, me)),
            };
            ours.insert(about, is_ours);
            if is_ours && self.at.author(&view.record)? != Some(me) {
                found.push(Found::new(Why::Contribution, &view));
            }
        }
        Ok(found)
    }

    /// What others would have in place of our words.
    fn proposed(&mut self, me: AllyId) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        for view in self.at.newest(Query::default(), CHANGED)? {
            let proposals = view.proposals();
            if proposals.is_empty() {
                continue;
            }
            let ours = view.kind == CONTRIBUTION && self.at.author(&view.record)? == Some(me);
            let own = key(me);
            for one in proposals {
                let holder = one.path.0.iter().find(|name| name.starts_with("ally:"));
                if holder.map_or(ours, |holder| *holder == own) {
                    found.push(Found::at(Why::Words, &view, &one, self.at.lang));
                }
            }
        }
        Ok(found)
    }

    /// What waits to be settled in records that we wrote.
    fn disputed(&mut self, me: AllyId) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        for record in self.at.desk.disputed_records().map_err(store_failed)?.into_iter().take(DISPUTED) {
            let Some(view) = self.at.desk.view(&record).map_err(read_error)?.filter(|view| wrote(view, me)) else {
                continue;
            };
            found.extend(view.conflicts().iter().map(|one| Found::at(Why::Conflict, &view, one, self.at.lang)));
        }
        Ok(found)
    }

    /// What others tell of a territory.
    fn placed(&mut self, place: &Place<'_>) -> Result<Vec<Found>, Error> {
        let me = self.at.desk.me();
        let (facet, value) = scope_of(place);
        let views = self.at.newest(told_in(&facet, &value), PLACED)?;
        let others = views.iter().filter(|view| me.is_none_or(|me| !wrote(view, me)));
        Ok(others.map(|view| Found::new(Why::Territory, view)).collect())
    }

    fn item(&mut self, found: Found, read: bool) -> Result<Option<InboxItem>, Error> {
        let Some(view) = self.at.desk.view(&found.record).map_err(read_error)? else { return Ok(None) };
        let about = about(&view).map(|id| named(self.at.desk, id)).transpose()?;
        Ok(Some(InboxItem {
            item: found.item,
            why: found.why,
            read,
            brief: brief(self.at.desk, &view)?,
            form: Some(form(&view).to_owned()).filter(|form| !form.is_empty() && view.kind == CONTRIBUTION),
            about,
            field: found.field,
            text: said(&view),
        }))
    }

    fn territory(&mut self, asked: &str) -> Result<Territory, Error> {
        self.at.freshen()?;
        let own = own_territory(self.personal)?;
        let own_id = own.as_ref().map(record_of);
        let id = match (resolve(self.at.desk, asked), own_id) {
            (Ok(id), _) => id,
            (Err(_), Some(own)) if own.to_string() == asked => own,
            (Err(error), _) => return Err(error),
        };
        let ours = own_id == Some(id);
        let view = self.at.desk.view(&id).map_err(read_error)?;
        let (territory, facets) = match (&view, own.filter(|_| ours)) {
            (Some(view), _) if view.kind == TERRITORY => (of_view(view), view.facets()),
            (_, Some(place)) => (of_place(&place), BTreeSet::new()),
            _ => return Err(unknown(asked)),
        };
        let filter = territory.filter.clone();
        let part = Page { limit: CONCERNS, offset: 0 };
        let q = told_in(&filter.0, &filter.1).to_string();
        let concerns: Records = self.at.find(&q, Sort::Newest, part)?;
        let (asked, reuses) = self.echoes(&filter)?;
        let alike = self.alike_territories(&territory, &facets)?;
        Ok(Territory { id, ours, here: view.is_some(), concerns, asked, reuses, alike, ..territory })
    }

    /// What was asked and proposed about what takes place in a territory, and who drew on that.
    fn echoes(&mut self, filter: &(String, String)) -> Result<(Vec<Contribution>, Vec<Contribution>), Error> {
        let within: BTreeSet<RecordId> =
            self.at.newest(told_in(&filter.0, &filter.1), CONTRIBUTIONS)?.iter().map(|view| view.record).collect();
        let (mut asked, mut reuses) = (Vec::new(), Vec::new());
        for view in self.at.newest(Query::default().with("kind", CONTRIBUTION), CONTRIBUTIONS)? {
            if !about(&view).is_some_and(|about| within.contains(&about) || filter.1 == about.to_string()) {
                continue;
            }
            let among = match form(&view) {
                "question" | "proposal" | "disagreement" => &mut asked,
                "reuse" => &mut reuses,
                _ => continue,
            };
            if among.len() < NAMED {
                let standing = super::board::standing(&view, 0);
                among.push(self.at.contribution(&view, standing, 0)?);
            }
        }
        asked.retain(|one: &Contribution| one.standing != Standing::Closed);
        Ok((asked, reuses))
    }

    /// Territories of the same type and size, those with the same setting first.
    fn alike_territories(
        &mut self,
        territory: &Territory,
        facets: &BTreeSet<(String, String)>,
    ) -> Result<Vec<essaim_protocol::api::Brief>, Error> {
        let (Some(kind), Some(stratum)) = (&territory.kind, &territory.stratum) else { return Ok(Vec::new()) };
        let query = Query::default().with("kind", TERRITORY).with("territory_type", kind).with("stratum", stratum);
        let settings = |facets: &BTreeSet<(String, String)>| -> BTreeSet<String> {
            facets.iter().filter(|(name, _)| name == "setting").map(|(_, code)| code.clone()).collect()
        };
        let own = settings(facets);
        let mut others = self.at.newest(query, COMPARED)?;
        others.retain(|view| view.record != territory.id);
        others.sort_by_key(|view| std::cmp::Reverse(settings(&view.facets()).intersection(&own).count()));
        others.iter().take(NAMED).map(|view| brief(self.at.desk, view)).collect()
    }
}

/// Whether an ally wrote something in a record.
fn wrote(view: &View, me: AllyId) -> bool {
    view.writers.iter().any(|writer| writer.by.is_some_and(|by| by.ally == Some(me)))
}

/// What is told of a place, but for what was brought to it and the places in it.
fn told_in(facet: &str, value: &str) -> Query {
    let mut query = Query::default().with(facet, value);
    for kind in [CONTRIBUTION, TERRITORY] {
        let what = What::Facet { name: "kind".to_owned(), value: kind.to_owned() };
        query.items.push(Item { excluded: true, what });
    }
    query
}

/// The facet by which all that takes place in a territory of the gazetteer is found.
fn scope_of(place: &Place<'_>) -> (String, String) {
    let whole = |name: &str| (name.to_owned(), place.code.to_owned());
    match place.ty {
        Type::Epci => whole("epci"),
        Type::Department => whole("department"),
        Type::Region => whole("region"),
        Type::Commune | Type::Petr | Type::Pnr => ("territory".to_owned(), record_of(place).to_string()),
    }
}

/// A territory by its record, without what surrounds it.
fn of_view(view: &View) -> Territory {
    let people = view.field("population").and_then(|field| field.member("value")).and_then(Field::number);
    let kind = view.field("type").and_then(Field::text).map(str::to_owned);
    bare(view.record, view.title(), kind, people.map(|people| people as u64), keeper::scope(view))
}

/// A territory that has no record yet.
fn of_place(place: &Place<'_>) -> Territory {
    let kind = Some(in_words(place).kind);
    bare(record_of(place), &place.name, kind, place.population, scope_of(place))
}

fn bare(
    id: RecordId,
    name: &str,
    kind: Option<String>,
    population: Option<u64>,
    filter: (String, String),
) -> Territory {
    let stratum = population.and_then(|people| stratum_of(i64::try_from(people).ok()?)).map(str::to_owned);
    Territory {
        id,
        name: name.to_owned(),
        kind,
        population,
        ours: false,
        here: false,
        concerns: Records::default(),
        filter,
        asked: Vec::new(),
        reuses: Vec::new(),
        alike: Vec::new(),
        stratum,
    }
}
