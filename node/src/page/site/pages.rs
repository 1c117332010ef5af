//! The files of a site: which there are, what each shows, and how they lead to one another.

use askama::Template;
use essaim_protocol::api::Brief;

use super::Error;
use super::heritage::{FACETS, Facet, Heritage, KIND, SPOTS, Shelf, YEAR, heading};
use super::index::Index;
use super::place::{Place, SHEETS};
use crate::page::assets;
use crate::page::cite::Cited;
use crate::page::feed::Feed;
use crate::page::find::{Card, by_year};
use crate::page::letter::Quoted;
use crate::page::linked::{self, groups};
use crate::page::links::{Links, list};
use crate::page::map::Map;
use crate::page::settle::{Dispute, disputes, proposals};
use crate::page::sheet::Told;
use crate::page::shown::Shown;
use crate::page::visit::Frame;

pub(super) const HOME: &str = "index.html";
pub(super) const FIND: &str = "recherche.html";
pub(super) const LISTS: &str = "parcourir.html";
pub(super) const MAP: &str = "carte.html";
pub(super) const TIMELINE: &str = "frise.html";
const FEED: &str = "flux.atom";
const AGENDA: &str = "agenda.ics";
const TABLE: &str = "fiches.csv";
const POINTS: &str = "carte.geojson";

/// Styles and scripts that a site needs.
const ASSETS: [&str; 4] = ["style.css", "img/essaim.svg", "js/essaim.js", "js/chercher.js"];

/// The list of all records: facet and code of its file.
const ALL: (&str, &str) = ("fiches", "toutes");

/// Records on one page of a list: some fifty kilobytes.
const PER_PAGE: usize = 50;

/// Records on one page of the timeline, where each takes a line.
const ON_TIMELINE: usize = 200;

/// The latest experiences on the first page, and records of the feed.
const LATEST: usize = 6;
const IN_FEED: usize = 50;

/// Values of one facet that are offered in one place: all departments, and the territories of which most is told. Each of
/// these is a record as well, and the list of its kind has all.
const OFFERED: usize = 120;

#[derive(Template)]
#[template(path = "site/home.html")]
struct HomeFile {
    f: Frame,
    total: usize,
    kinds: Vec<Way>,
    latest: Vec<Card>,
}

#[derive(Template)]
#[template(path = "site/find.html")]
struct FindFile {
    f: Frame,
    index: String,
    kinds: Vec<Way>,
}

#[derive(Template)]
#[template(path = "site/lists.html")]
struct ListsFile {
    f: Frame,
    total: usize,
    groups: Vec<(String, Vec<Way>)>,
}

#[derive(Template)]
#[template(path = "site/list.html")]
struct ListFile {
    f: Frame,
    title: String,
    total: usize,
    /// The page, from 1, and how many there are.
    at: usize,
    of: usize,
    cards: Vec<Card>,
    /// Of what refers to a record: its address, and the record.
    from: Option<(String, Quoted)>,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "site/places.html")]
struct MapFile {
    f: Frame,
    map: Map,
}

#[derive(Template)]
#[template(path = "site/timeline.html")]
struct TimelineFile {
    f: Frame,
    years: Vec<(String, Vec<Card>)>,
    at: usize,
    of: usize,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "site/sheet.html")]
struct SheetFile {
    f: Frame,
    told: Told,
    disputes: Vec<Dispute>,
    proposals: Vec<Dispute>,
    linked: usize,
    groups: Vec<linked::Group>,
    cited: Cited,
}

/// A list that can be gone to.
struct Way {
    at: String,
    label: String,
    count: usize,
}

impl Heritage {
    /// Writes all files.
    pub(super) fn write(&self, place: &mut Place, told: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
        for name in ASSETS {
            place.put(&assets::file(name), &assets::bytes(name).unwrap_or_default())?;
        }
        let index = Index::of(&(0..self.sheets.len()).map(|at| self.entry(at)).collect::<Vec<_>>());
        for (name, text) in &index.files {
            place.put(&format!("{}{name}", index.dir), text.as_bytes())?;
        }
        self.entrances(place, index.dir)?;
        let everything: Vec<usize> = (0..self.sheets.len()).collect();
        self.list(place, &self.frame(HOME).t("site-all"), &everything, None, &|at| list(ALL.0, ALL.1, at))?;
        for (facet, shelves) in &self.shelves {
            for (code, shelf) in shelves {
                self.list(place, &shelf.label, &shelf.holds, None, &|at| list(facet, code, at))?;
            }
        }
        let total = self.sheets.len();
        for at in 0..total {
            self.sheet(place, at)?;
            told(at as u64 + 1, total as u64);
        }
        Ok(())
    }

    /// What one comes to first.
    fn entrances(&self, place: &mut Place, index: String) -> Result<(), Error> {
        let total = self.sheets.len();
        let f = self.frame(HOME);
        let kinds = self.ways(&f, KIND);
        let latest = (0..total).filter(|at| self.sheets[*at].brief.kind == "experience").take(LATEST);
        let latest = latest.map(|at| self.card(&f, at)).collect();
        put(place, HOME, &HomeFile { f, total, kinds, latest })?;
        let f = self.frame(FIND);
        put(place, FIND, &FindFile { index, kinds: self.ways(&f, KIND), f })?;
        let f = self.frame(LISTS);
        let group = |facet: Facet| (f.maybe(facet.1).unwrap_or_default(), self.ways(&f, facet));
        let groups = FACETS.map(group).into_iter().filter(|(_, ways)| !ways.is_empty()).collect();
        put(place, LISTS, &ListsFile { total, groups, f })?;
        put(place, MAP, &MapFile { f: self.frame(MAP), map: Map::of(&self.map(), SPOTS, usize::MAX) })?;
        self.timeline(place)?;
        self.files(place)
    }

    fn timeline(&self, place: &mut Place) -> Result<(), Error> {
        let mut dated: Vec<usize> = (0..self.sheets.len()).filter(|at| self.sheets[*at].brief.when.is_some()).collect();
        dated.sort_by_key(|at| std::cmp::Reverse(self.sheets[*at].brief.when.clone()));
        let of = dated.len().div_ceil(ON_TIMELINE).max(1);
        let name = |at: usize| if at > 1 { format!("frise-{at}.html") } else { TIMELINE.to_owned() };
        for at in 1..=of {
            let f = self.frame(&name(at));
            let some = dated.iter().skip((at - 1) * ON_TIMELINE).take(ON_TIMELINE);
            let years = by_year(some.map(|at| self.card(&f, *at)).collect());
            let (previous, next) = around(&f, at, of, &name);
            put(place, &name(at), &TimelineFile { years, at, of, previous, next, f })?;
        }
        Ok(())
    }

    /// A list with all its pages; `name` gives the file of each.
    fn list(
        &self,
        place: &mut Place,
        title: &str,
        holds: &[usize],
        from: Option<usize>,
        name: &dyn Fn(usize) -> String,
    ) -> Result<(), Error> {
        let of = holds.len().div_ceil(PER_PAGE).max(1);
        for at in 1..=of {
            let f = self.frame(&name(at));
            let some = holds.iter().skip((at - 1) * PER_PAGE).take(PER_PAGE);
            let cards = some.map(|at| self.card(&f, *at)).collect();
            let from = from.map(|at| &self.sheets[at].brief).map(|brief| (f.record(brief.id), Quoted::of(&f, brief)));
            let (previous, next) = around(&f, at, of, name);
            let title = title.to_owned();
            put(place, &name(at), &ListFile { title, total: holds.len(), at, of, cards, from, previous, next, f })?;
        }
        Ok(())
    }

    /// A record, and the list of all that refers to it.
    fn sheet(&self, place: &mut Place, at: usize) -> Result<(), Error> {
        let sheet = &self.sheets[at];
        let id = sheet.brief.id;
        let file = format!("{SHEETS}/{id}.html");
        let f = self.frame(&file);
        let referring: Vec<usize> = self.referring[at].keys().copied().collect();
        if !referring.is_empty() {
            let title = f.t1("linked-title", "title", heading(&f, &sheet.brief));
            let name =
                |page: usize| if page > 1 { format!("liens/{id}-{page}.html") } else { format!("liens/{id}.html") };
            self.list(place, &title, &referring, Some(at), &name)?;
        }
        let mut told = Told::of(&f, sheet.clone());
        // All that is here may be read by all.
        told.credits.retain(|row| row.name != "visibility");
        let page = SheetFile {
            disputes: disputes(&f, sheet),
            proposals: proposals(&f, sheet),
            linked: referring.len(),
            groups: groups(&f, self.linked(at)),
            cited: Cited::of(&f, sheet),
            told,
            f,
        };
        put(place, &file, &page)
    }

    /// The lists of a facet: years the latest first, others the longest first.
    fn ways(&self, f: &Frame, facet: Facet) -> Vec<Way> {
        let way = |(code, shelf): (&String, &Shelf)| Way {
            at: f.file(&list(facet.0, code, 1)),
            label: match facet {
                KIND => f.t1(&format!("home-kind-{code}"), "n", shelf.holds.len()),
                _ => shelf.label.clone(),
            },
            count: shelf.holds.len(),
        };
        let mut ways: Vec<Way> = self.shelves.get(facet.0).into_iter().flatten().map(way).collect();
        if facet == YEAR {
            ways.reverse();
        } else {
            ways.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
        }
        ways.truncate(OFFERED);
        ways
    }

    /// What other programs follow and open: the latest as a feed, gatherings as a calendar, all as a table and as points.
    fn files(&self, place: &mut Place) -> Result<(), Error> {
        let all: Vec<Brief> = (0..self.sheets.len()).map(|at| self.brief(at)).collect();
        let gatherings: Vec<Brief> = all.iter().filter(|brief| brief.kind == "gathering").cloned().collect();
        place.put(FEED, self.feed(&all[..all.len().min(IN_FEED)]).atom().as_bytes())?;
        place.put(AGENDA, self.feed(&gatherings).calendar().as_bytes())?;
        place.put(TABLE, self.feed(&all).csv().as_bytes())?;
        place.put(POINTS, self.feed(&all).geojson().as_bytes())
    }

    fn feed<'a>(&self, records: &'a [Brief]) -> Feed<'a> {
        Feed {
            lang: self.lang,
            title: self.commons.name.clone(),
            of: self.commons.name.clone(),
            commons: self.commons.id.to_string(),
            origin: String::new(),
            links: Links::of_site(FEED),
            page: HOME.to_owned(),
            records,
        }
    }

    fn frame(&self, file: &str) -> Frame {
        Frame::of_site(self.lang, &self.commons, file)
    }

    fn card(&self, f: &Frame, at: usize) -> Card {
        Card::of(f, self.brief(at))
    }
}

fn put(place: &mut Place, file: &str, page: &impl Template) -> Result<(), Error> {
    place.put(file, page.render()?.as_bytes())
}

/// The addresses of the pages before and after one.
fn around(f: &Frame, at: usize, of: usize, name: &dyn Fn(usize) -> String) -> (Option<String>, Option<String>) {
    ((at > 1).then(|| f.file(&name(at - 1))), (at < of).then(|| f.file(&name(at + 1))))
}
