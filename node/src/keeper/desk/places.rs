//! What a record has from where it takes place: the territories that contain it, and what kind of place it is.
//!
//! A record names its territory; the gazetteer knows in which intercommunality, department and region that lies. With
//! these as facets a search for a department finds what its communes tell, and *territories like mine* (type, population,
//! setting) are a facet of experiences. A territory may arrive after those that name it, or change: they are indexed again
//! with it.

use std::collections::BTreeSet;

use essaim_protocol::id::RecordId;
use essaim_protocol::record::View;
use essaim_protocol::store;

use super::Desk;
use super::reading::Facet;
use crate::index::gazetteer::{Gazetteer, Place, Type};

/// The kind of record that a place is.
pub(super) const TERRITORY: &str = "territory";

/// Facets of a territory that hold for what takes place in it.
const HANDED_DOWN: [&str; 3] = ["territory_type", "stratum", "setting"];

/// Territories of one record that are looked at: a programme of a region names dozens, and each costs a read.
const MAX_TERRITORIES: usize = 100;

impl Desk {
    /// The facets of a record: its own, and those of its place.
    pub(super) fn facets_of(&self, view: &View) -> Result<BTreeSet<Facet>, store::Error> {
        let mut facets = view.facets();
        if view.kind == TERRITORY {
            facets.extend(around(view));
        }
        for id in view.territories().iter().take(MAX_TERRITORIES) {
            let Some((_, territory)) = self.kept_view(id)? else { continue };
            facets.extend(around(&territory));
            facets.extend(territory.facets().into_iter().filter(|(name, _)| HANDED_DOWN.contains(&name.as_str())));
        }
        Ok(facets)
    }

    /// The records that take place in one of these, as far as they are indexed.
    pub(super) fn taking_place_in(&self, territories: &[RecordId]) -> BTreeSet<RecordId> {
        let reader = self.index.reader();
        // Facets that cannot be looked up stay as they were until their record changes.
        territories.iter().flat_map(|id| reader.with_facet("territory", &id.to_string()).unwrap_or_default()).collect()
    }
}

/// The territories around and including this one, as facets `epci`, `department` and `region` of official codes.
fn around(territory: &View) -> Vec<Facet> {
    let gazetteer = Gazetteer::get();
    let Some(place) = place(gazetteer, territory) else { return Vec::new() };
    let parents = gazetteer.parents(&place);
    let facet = |place: &Place<'_>| {
        let name = match place.ty {
            Type::Epci => "epci",
            Type::Department => "department",
            Type::Region => "region",
            Type::Commune | Type::Petr | Type::Pnr => return None,
        };
        Some((name.to_owned(), place.code.to_owned()))
    };
    parents.iter().chain([&place]).filter_map(facet).collect()
}

/// The official code of the department that a territory lies in, or is.
pub(crate) fn department(territory: &View) -> Option<String> {
    around(territory).into_iter().find(|(name, _)| name == "department").map(|(_, code)| code)
}

/// The facet by which all that takes place in a territory is found: what lies in it counts where the gazetteer knows that.
pub(crate) fn scope(territory: &View) -> Facet {
    let kind = territory.field("type").and_then(|ty| ty.text()).unwrap_or_default();
    let whole = around(territory).into_iter().find(|(name, _)| name == kind);
    whole.unwrap_or_else(|| (TERRITORY.to_owned(), territory.record.to_string()))
}

/// The line of the gazetteer that a territory's official code names; its department when only that is given.
fn place<'g>(gazetteer: &'g Gazetteer, territory: &View) -> Option<Place<'g>> {
    let codes = territory.field("codes")?;
    let code = |system: &str| codes.member(system).and_then(|code| code.text());
    gazetteer.of_territory(territory.field("type").and_then(|ty| ty.text())?, &code)
}
