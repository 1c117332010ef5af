//! The gazetteer: French territories by name or code, so that a record names one without ambiguity.
//!
//! Names are never keys: four communes are called Bellefontaine. A person types a name as they say it ("st hilaire de
//! brethmas", "CC Cœur Haute Lande", "Métropole de Rennes", "Bellefontaine (88)") or a code (INSEE, SIREN, postcode), and
//! [`Gazetteer::find`] answers with the one territory that it means, with the candidates to choose from, or with names that
//! are spelled nearly so. [`Place::record`] gives the territory as a record in the JSON form of the model: the same on
//! every node, and made only when a territory is first linked.
//!
//! The tables are embedded as they come from their source (`data/README.md`), unpacked at the first question and kept as
//! text with an index of names beside it. A place is read from its line when it is asked for.

mod name;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::{Value, json};

use self::name::{Asked, key, park};

static COMMUNES: &[u8] = include_bytes!("../../data/gazetteer/communes.tsv.zst");
static EPCI: &str = include_str!("../../data/gazetteer/epci.tsv");
static PETR_PNR: &str = include_str!("../../data/gazetteer/petr-pnr.tsv");
static DEPARTMENTS: &str = include_str!("../../data/gazetteer/departements.tsv");
static REGIONS: &str = include_str!("../../data/gazetteer/regions.tsv");

/// More than the unpacked table of communes, so that a wrong file is refused and not unpacked without end.
const MAX_COMMUNES: usize = 16 << 20;

/// Most candidates or suggestions in one answer; 46 postcodes have more communes, and their names tell them apart.
const MAX_CANDIDATES: usize = 20;

/// Most suggestions for a name that nothing has.
const MAX_SUGGESTIONS: usize = 6;

/// What sort of territory a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// A commune.
    Commune,
    /// An intercommunality with taxing power: CC, CA, CU, métropole.
    Epci,
    /// A PETR or Pays.
    Petr,
    /// A regional nature park.
    Pnr,
    /// A department, or an overseas collectivity that has its powers.
    Department,
    /// A region, or an overseas collectivity that has its powers.
    Region,
}

/// A territory.
#[derive(Debug, Clone, PartialEq)]
pub struct Place<'a> {
    /// Its type.
    pub ty: Type,
    /// Its INSEE code, or SIREN number for an intercommunality, PETR or park.
    pub code: &'a str,
    /// Its usual name.
    pub name: String,
    /// The INSEE code of its (main) department.
    pub department: Option<&'a str>,
    /// Inhabitants, where known.
    pub population: Option<u64>,
    /// Latitude and longitude in degrees: the centre of a commune or EPCI, the mean of its communes for what is larger.
    pub point: Option<(f64, f64)>,
    /// Its postcodes: of a commune only.
    pub postcodes: Vec<&'a str>,
}

/// What a name or code means.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<'a> {
    /// This territory.
    One(Place<'a>),
    /// One of these, the most populous first.
    Several(Vec<Place<'a>>),
    /// None; these are spelled or begin nearly so, the nearest first.
    None(Vec<Place<'a>>),
}

/// The territories of France.
pub struct Gazetteer {
    communes: Table,
    epci: Table,
    petr_pnr: Table,
    departments: Table,
    regions: Table,
    /// The mean point of the communes of each department and region, by its table and line.
    means: BTreeMap<Row, (f64, f64)>,
    /// Sorted by key.
    names: Vec<Name>,
}

/// A name in the form that its spellings share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    key: Box<str>,
    /// Whether the words that tell the type are left out: "rennes" for Rennes Métropole.
    bare: bool,
    row: Row,
}

/// A table of tab-separated lines.
struct Table {
    text: Box<str>,
    /// The lines after the heading, sorted by their first column, the code.
    lines: Vec<Range<u32>>,
}

/// The place of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    table: TableName,
    line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TableName {
    Communes,
    Epci,
    PetrPnr,
    Departments,
    Regions,
}

const TABLES: [TableName; 5] =
    [TableName::Communes, TableName::Epci, TableName::PetrPnr, TableName::Departments, TableName::Regions];

impl Gazetteer {
    /// The gazetteer, unpacked at the first call and kept.
    #[must_use]
    pub fn get() -> &'static Self {
        static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::load);
        &GAZETTEER
    }

    fn load() -> Self {
        let communes = zstd::bulk::decompress(COMMUNES, MAX_COMMUNES).expect("the embedded table is a zstd frame");
        let communes = String::from_utf8(communes).expect("the embedded table is UTF-8");
        let mut gazetteer = Self {
            communes: Table::new(communes.into()),
            epci: Table::new(EPCI.into()),
            petr_pnr: Table::new(PETR_PNR.into()),
            departments: Table::new(DEPARTMENTS.into()),
            regions: Table::new(REGIONS.into()),
            means: BTreeMap::new(),
            names: Vec::new(),
        };
        gazetteer.means = gazetteer.mean_points();
        let mut names = Vec::new();
        for table in TABLES {
            for line in 0..gazetteer.table(table).lines.len() as u32 {
                let row = Row { table, line };
                let name = gazetteer.usual_name(row);
                let whole = key(&name);
                let bare = key(&Asked::new(&name).bare);
                if !bare.is_empty() && bare != whole && table != TableName::Communes {
                    names.push(Name { key: bare.into(), bare: true, row });
                }
                names.push(Name { key: whole.into(), bare: false, row });
            }
        }
        names.sort_unstable();
        gazetteer.names = names;
        gazetteer
    }

    /// What `text`, a name or a code, means. A territory wins over those of the same name that contain it: Paris is the
    /// commune before the department.
    #[must_use]
    pub fn find(&self, text: &str) -> Found<'_> {
        let by_code = self.by_code(text.trim());
        if !by_code.is_empty() {
            return self.choose(by_code);
        }
        let asked = Asked::new(text);
        let as_typed = self.named(&key(text), false);
        if !as_typed.is_empty() {
            return self.choose(as_typed);
        }
        for (name, bare) in [(&asked.name, false), (&asked.bare, true)] {
            let mut places = self.named(&key(name), bare);
            places.retain(|place| self.qualifies(place, &asked));
            if !places.is_empty() {
                return self.choose(places);
            }
        }
        Found::None(self.suggestions(&asked))
    }

    /// The territory of one type with this official code.
    #[must_use]
    pub fn get_by_code(&self, ty: Type, code: &str) -> Option<Place<'_>> {
        let place = |table| self.table(table).line_of(code).map(|line| self.place(Row { table, line }));
        let table = match ty {
            Type::Commune => TableName::Communes,
            Type::Epci => TableName::Epci,
            Type::Petr | Type::Pnr => TableName::PetrPnr,
            Type::Department => TableName::Departments,
            Type::Region => TableName::Regions,
        };
        place(table).filter(|place| place.ty == ty)
    }

    /// The line of a record of a territory: by its official code, which depends on its type, a term of the model; its
    /// department when only that is given. `code` gives its codes by their system.
    pub fn of_territory<'c>(&self, ty: &str, code: &dyn Fn(&str) -> Option<&'c str>) -> Option<Place<'_>> {
        let by = |ty: Type, system: &str| code(system).and_then(|code| self.get_by_code(ty, code));
        let own = match ty {
            "commune" => by(Type::Commune, "insee"),
            "epci" => by(Type::Epci, "siren"),
            "petr_pays" => by(Type::Petr, "siren"),
            "pnr" => by(Type::Pnr, "siren"),
            "department" => by(Type::Department, "insee"),
            "region" => by(Type::Region, "insee"),
            _ => None,
        };
        own.or_else(|| by(Type::Department, "departement"))
    }

    /// The territories that contain `place`, the smallest first: intercommunality, department, region.
    #[must_use]
    pub fn parents(&self, place: &Place<'_>) -> Vec<Place<'_>> {
        let epci = (place.ty == Type::Commune).then(|| self.communes.line_of(place.code)).flatten();
        let epci = epci.and_then(|line| self.get_by_code(Type::Epci, self.communes.columns(line).get(3)?));
        let department = place.department.and_then(|code| self.get_by_code(Type::Department, code));
        let of = department.as_ref().map_or(place.code, |department| department.code);
        let region = self.departments.line_of(of).and_then(|line| self.departments.columns(line).get(2).copied());
        let region = region.filter(|_| place.ty != Type::Region);
        let region = region.and_then(|code| self.get_by_code(Type::Region, code));
        epci.into_iter().chain(department).chain(region).collect()
    }

    /// Places whose name begins with `text`, the most populous first: what a person typing may mean.
    #[must_use]
    pub fn beginning_with(&self, text: &str, limit: usize) -> Vec<Place<'_>> {
        let start = key(text);
        let from = self.names.partition_point(|name| *name.key < *start);
        let rows = self.names[from..].iter().take_while(|name| name.key.starts_with(&start)).map(|name| name.row);
        self.places(rows, limit)
    }

    fn by_code(&self, code: &str) -> Vec<Place<'_>> {
        let exact = code.to_uppercase();
        let digits = code.len() >= 2
            && code.bytes().all(|b| b.is_ascii_alphanumeric())
            && code.bytes().any(|b| b.is_ascii_digit());
        if !digits {
            return Vec::new();
        }
        let rows = TABLES.iter().filter_map(|table| {
            let line = self.table(*table).line_of(&exact)?;
            Some(Row { table: *table, line })
        });
        let mut rows: Vec<Row> = rows.collect();
        // Two digits name a department in everyday use; a region's number is known to few.
        if rows.iter().any(|row| row.table == TableName::Departments) {
            rows.retain(|row| row.table != TableName::Regions);
        }
        let communes = (0..self.communes.lines.len() as u32).filter(|line| {
            code.len() == 5
                && self.communes.columns(*line).get(7).is_some_and(|codes| codes.split(' ').any(|one| one == code))
        });
        rows.extend(communes.map(|line| Row { table: TableName::Communes, line }));
        rows.dedup();
        self.places(rows, MAX_CANDIDATES)
    }

    fn named(&self, key: &str, bare_too: bool) -> Vec<Place<'_>> {
        let from = self.names.partition_point(|name| *name.key < *key);
        let same = self.names[from..].iter().take_while(|name| *name.key == *key);
        self.places(same.filter(|name| bare_too || !name.bare).map(|name| name.row), MAX_CANDIDATES)
    }

    fn qualifies(&self, place: &Place<'_>, asked: &Asked) -> bool {
        let lies_in = |qualifier: &str| {
            let near = self.parents(place);
            place.postcodes.contains(&qualifier)
                || place.code == qualifier
                || near.iter().any(|parent| parent.code == qualifier || key(&parent.name) == key(qualifier))
        };
        asked.ty.is_none_or(|ty| ty == place.ty) && asked.place.as_deref().is_none_or(lies_in)
    }

    fn choose<'a>(&'a self, mut places: Vec<Place<'a>>) -> Found<'a> {
        let contained = places.iter().position(|place| {
            let parents = self.parents(place);
            let contains =
                |other: &Place<'_>| parents.iter().any(|parent| (parent.ty, parent.code) == (other.ty, other.code));
            places.iter().all(|other| (other.ty, other.code) == (place.ty, place.code) || contains(other))
        });
        match contained {
            Some(at) => Found::One(places.swap_remove(at)),
            None => Found::Several(places),
        }
    }

    fn suggestions(&self, asked: &Asked) -> Vec<Place<'_>> {
        let wanted = key(&asked.bare);
        let length = wanted.chars().count();
        if length < 3 {
            return Vec::new();
        }
        let allowed = (length / 4).clamp(1, 3);
        let mut near: BTreeMap<Row, usize> = BTreeMap::new();
        for Name { key, row, .. } in &self.names {
            let distance = if key.starts_with(&wanted) {
                1
            } else if key.chars().count().abs_diff(length) <= allowed {
                strsim::osa_distance(key, &wanted)
            } else {
                continue;
            };
            if distance <= allowed {
                let nearest = near.entry(*row).or_insert(distance);
                *nearest = distance.min(*nearest);
            }
        }
        let mut near: Vec<_> = near.into_iter().map(|(row, distance)| (distance, self.place(row))).collect();
        near.sort_by_key(|(distance, place)| (*distance, Reverse(place.population)));
        let near = near.into_iter().map(|(_, place)| place).filter(|place| self.qualifies(place, asked));
        near.take(MAX_SUGGESTIONS).collect()
    }

    /// The places of `rows`, each once, the most populous first.
    fn places(&self, rows: impl IntoIterator<Item = Row>, limit: usize) -> Vec<Place<'_>> {
        let mut rows: Vec<Row> = rows.into_iter().collect();
        rows.sort_unstable();
        rows.dedup();
        rows.sort_by_key(|row| Reverse(self.columns(*row).2));
        rows.truncate(limit);
        rows.into_iter().map(|row| self.place(row)).collect()
    }

    fn table(&self, name: TableName) -> &Table {
        match name {
            TableName::Communes => &self.communes,
            TableName::Epci => &self.epci,
            TableName::PetrPnr => &self.petr_pnr,
            TableName::Departments => &self.departments,
            TableName::Regions => &self.regions,
        }
    }

    /// Code, name and population of a line.
    fn columns(&self, row: Row) -> (&str, &str, Option<u64>) {
        let columns = self.table(row.table).columns(row.line);
        let population = if row.table == TableName::Regions { 3 } else { 4 };
        let column = |at: usize| columns.get(at).copied().unwrap_or_default();
        (column(0), column(1), column(population).parse().ok())
    }

    /// The name as people say it: a park is known by its own, not by that of the body that runs it.
    fn usual_name(&self, row: Row) -> String {
        let name = self.columns(row).1;
        let park = (row.table == TableName::PetrPnr).then(|| park(name)).flatten();
        park.unwrap_or_else(|| name.to_owned())
    }

    fn place(&self, row: Row) -> Place<'_> {
        let (code, _, population) = self.columns(row);
        let columns = self.table(row.table).columns(row.line);
        let column = |at: usize| columns.get(at).copied().filter(|text| !text.is_empty());
        let point = |lat: usize| Some((column(lat)?.parse().ok()?, column(lat + 1)?.parse().ok()?));
        let (ty, department, point) = match row.table {
            TableName::Communes => (Type::Commune, column(2), point(5)),
            TableName::Epci => (Type::Epci, column(3), point(6)),
            TableName::PetrPnr if column(2) == Some("PNR") => (Type::Pnr, column(3), None),
            TableName::PetrPnr => (Type::Petr, column(3), None),
            TableName::Departments => (Type::Department, None, self.means.get(&row).copied()),
            TableName::Regions => (Type::Region, None, self.means.get(&row).copied()),
        };
        let postcodes = if row.table == TableName::Communes { column(7) } else { None };
        let postcodes = postcodes.map_or(Vec::new(), |codes| codes.split(' ').collect());
        Place { ty, code, name: self.usual_name(row), department, population, point, postcodes }
    }

    /// To a hundredth of a degree: the precision of a mean of centres.
    fn mean_points(&self) -> BTreeMap<Row, (f64, f64)> {
        let mut sums: BTreeMap<Row, (f64, f64, f64)> = BTreeMap::new();
        for commune in 0..self.communes.lines.len() as u32 {
            let columns = self.communes.columns(commune);
            let [_, _, department, _, _, lat, lon, ..] = columns.as_slice() else { continue };
            let (Ok(lat), Ok(lon)) = (lat.parse::<f64>(), lon.parse::<f64>()) else { continue };
            let Some(line) = self.departments.line_of(department) else { continue };
            let region = self.departments.columns(line).get(2).and_then(|region| self.regions.line_of(region));
            let region = region.map(|line| Row { table: TableName::Regions, line });
            for row in region.into_iter().chain([Row { table: TableName::Departments, line }]) {
                let sum = sums.entry(row).or_default();
                *sum = (sum.0 + lat, sum.1 + lon, sum.2 + 1.0);
            }
        }
        let hundredth = |degrees: f64| (degrees * 100.0).round() / 100.0;
        sums.into_iter().map(|(row, (lat, lon, n))| (row, (hundredth(lat / n), hundredth(lon / n)))).collect()
    }
}

impl std::fmt::Debug for Gazetteer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gazetteer").field("names", &self.names.len()).finish_non_exhaustive()
    }
}

impl Table {
    fn new(text: Box<str>) -> Self {
        let mut at = 0;
        let mut lines: Vec<Range<u32>> = text
            .split_inclusive('\n')
            .map(|line| {
                let start = at;
                at += line.len() as u32;
                start..start + line.trim_end().len() as u32
            })
            .skip(1)
            .collect();
        lines.sort_by(|a, b| code_of(&text, a).cmp(code_of(&text, b)));
        Self { text, lines }
    }

    fn columns(&self, line: u32) -> Vec<&str> {
        let line = &self.lines[line as usize];
        self.text[line.start as usize..line.end as usize].split('\t').collect()
    }

    fn line_of(&self, code: &str) -> Option<u32> {
        let at = self.lines.binary_search_by(|line| code_of(&self.text, line).cmp(code)).ok()?;
        Some(at as u32)
    }
}

fn code_of<'a>(text: &'a str, line: &Range<u32>) -> &'a str {
    let line = &text[line.start as usize..line.end as usize];
    line.split_once('\t').map_or(line, |(code, _)| code)
}

impl Place<'_> {
    /// The system and id of the territory's record: two nodes that link it make the same record.
    #[must_use]
    pub fn origin(&self) -> (&'static str, &str) {
        let system = match self.ty {
            Type::Commune => "insee-commune",
            Type::Department => "insee-departement",
            Type::Region => "insee-region",
            Type::Epci | Type::Petr | Type::Pnr => "siren",
        };
        (system, self.code)
    }

    /// The territory as a record, in the JSON form of the model: a pure function of its line.
    #[must_use]
    pub fn record(&self) -> Value {
        let (system, id) = self.origin();
        let (ty, code) = match self.ty {
            Type::Commune => ("commune", "insee"),
            Type::Epci => ("epci", "siren"),
            Type::Petr => ("petr_pays", "siren"),
            Type::Pnr => ("pnr", "siren"),
            Type::Department => ("department", "insee"),
            Type::Region => ("region", "insee"),
        };
        let mut record = json!({
            "kind": "territory", "lang": "fr", "title": self.name, "type": ty, "country": "FR",
            "codes": { code: self.code },
            "licence": "etalab-2.0", "status": "shared", "visibility": "public",
            "origin": { "system": system, "id": id },
        });
        if let Some(department) = self.department {
            record["codes"]["departement"] = json!(department);
        }
        if let Some((lat, lon)) = self.point {
            let precision = if matches!(self.ty, Type::Commune | Type::Epci) { "centroid" } else { "approx" };
            record["point"] = json!({ "lat": lat, "lon": lon, "precision": precision });
        }
        if let Some(population) = self.population {
            let on = if matches!(self.ty, Type::Petr | Type::Pnr) { "2021" } else { "2026" };
            record["population"] = json!({ "value": population, "on": on });
        }
        record
    }
}

#[cfg(test)]
mod tests;
