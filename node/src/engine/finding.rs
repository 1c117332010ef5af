//! Finding records: words and facets in the terms of the index, what they find, and the counts beside it.

use essaim_protocol::api::{
    Error, Facet, FacetValue, Lacking, Lang, List, Page, Places, Problem, Records, Search, Spot, Words,
};
use essaim_protocol::id::RecordId;
use essaim_protocol::query::{Facets, Item, Query, QueryError, What};
use essaim_protocol::record::schema::Schema;

use super::brief::{in_words, lang_of, point, read_error, resolve};
use super::fault::{desk_error, internal};
use super::records::{At, FOLD_FIRST, limit, place, record_of};
use crate::index::facets::Counts;
use crate::index::gazetteer::{Found, Gazetteer, Place, Type};
use crate::index::{Hits, Reader as IndexReader, Search as Asked, Sort};
use crate::texts;
use crate::words::number;

/// The facet of where a record stands in its life, and its value for what is put away.
pub(super) const STATUS: &str = "record_status";
pub(super) const ARCHIVED: &str = "archived";

/// Facet values counted beside a search: what a person looks through. Of places all that are counted: a map shows them.
const FACET_VALUES: usize = 50;

fn shown_of(facet: &str) -> usize {
    if matches!(facet, "department" | "region" | "territory") { usize::MAX } else { FACET_VALUES }
}

/// What sort of territory a facet of containing places counts.
fn containing(facet: &str) -> Option<Type> {
    match facet {
        "epci" => Some(Type::Epci),
        "department" => Some(Type::Department),
        "region" => Some(Type::Region),
        _ => None,
    }
}

/// The territory of this sort and name.
fn named(ty: Type, name: &str) -> Option<Place<'static>> {
    match Gazetteer::get().find(name) {
        Found::One(place) => Some(place),
        Found::Several(places) | Found::None(places) => places.into_iter().find(|place| place.ty == ty),
    }
    .filter(|place| place.ty == ty)
}

/// A facet in words: those of the texts for what is narrowed by most, the name of its vocabulary for all others.
fn facet_name(facet: &str, lang: Lang) -> String {
    let vocabulary = || Some(Schema::get().vocabulary(facet)?.label.get(lang_of(lang)).to_owned());
    texts::of(lang).get(&format!("facet-{facet}")).or_else(vocabulary).unwrap_or_else(|| facet.to_owned())
}

/// "500-1999" in words.
fn stratum_label(code: &str, lang: Lang) -> String {
    let people = lang.pick("habitant·es", "inhabitants");
    match code.split_once('-') {
        Some(("0", most)) => {
            let limit = most.parse().map_or_else(|_| most.to_owned(), |most: u64| (most + 1).to_string());
            format!("{} {} {people}", lang.pick("moins de", "under"), number(lang, &limit))
        }
        Some((least, "")) => format!("{} {people} {}", number(lang, least), lang.pick("et plus", "and more")),
        Some((least, most)) => format!("{} – {} {people}", number(lang, least), number(lang, most)),
        None => code.to_owned(),
    }
}

impl At<'_> {
    pub(super) fn list(&mut self, list: &List) -> Result<Records, Error> {
        self.find(&list.q, Sort::Newest, list.page)
    }

    pub(super) fn search(&mut self, search: Search) -> Result<Records, Error> {
        let Some(like) = &search.like else {
            let mut found = self.find(&search.q, Sort::Relevance, search.page)?;
            self.count_asked(&search.q, &mut found.facets)?;
            return Ok(found);
        };
        self.like(like, &search.q, search.page)
    }

    /// Counts what is asked for as well when nothing has it: whoever narrowed by it reads what that was.
    fn count_asked(&mut self, q: &str, facets: &mut Vec<Facet>) -> Result<(), Error> {
        for item in self.query(q)?.items.into_iter().filter(|item| !item.excluded) {
            let What::Facet { name, value: code } = item.what else { continue };
            let counted = |facet: &&Facet| facet.name == name && facet.values.iter().any(|value| value.code == code);
            if name == "linked" || facets.iter().any(|facet| counted(&facet)) {
                continue;
            }
            let none = FacetValue { label: self.facet_label(&name, &code)?, code, count: 0 };
            match facets.iter_mut().find(|facet| facet.name == name) {
                Some(facet) => facet.values.push(none),
                None => {
                    let label = facet_name(&name, self.lang);
                    facets.push(Facet { name, label, values: vec![none], left_off: 0 });
                }
            }
        }
        Ok(())
    }

    /// Asks the index.
    pub(super) fn find(&mut self, q: &str, sort: Sort, page: Page) -> Result<Records, Error> {
        let query = self.current(q)?;
        let (hits, lacking) = self.hits(&Asked { sort, ..asked(query.clone(), page) })?;
        let mut answer = Records {
            total: hits.total as u64,
            corrected: hits.corrected,
            partial: hits.partial,
            facets: if sort == Sort::Relevance { self.facet_counts(&query, hits.facets)? } else { Vec::new() },
            records: Vec::new(),
            lacking,
        };
        for hit in hits.hits {
            let Some(mut brief) = self.brief_of(&hit.record)? else { continue };
            if sort == Sort::Relevance {
                let mark = |mark: &std::ops::Range<usize>| (mark.start as u32, mark.end as u32);
                brief.highlights = hit.excerpt.marks.iter().map(mark).collect();
                brief.snippet = Some(hit.excerpt.text);
            }
            answer.records.push(brief);
        }
        Ok(answer)
    }

    /// What the index finds, and what that may lack.
    pub(super) fn hits(&mut self, asked: &Asked) -> Result<(Hits, Lacking), Error> {
        let (reader, lacking) = self.index()?;
        Ok((reader.search(asked).map_err(internal)?, lacking))
    }

    /// A question about what is not put away, unless it asks for that, or for all that is linked to one record.
    pub(super) fn current(&mut self, q: &str) -> Result<Query, Error> {
        let mut query = self.query(q)?;
        let asks = |item: &Item| matches!(&item.what, What::Facet { name, .. } if name == STATUS || name == "linked");
        if !query.items.iter().any(asks) {
            let what = What::Facet { name: STATUS.to_owned(), value: ARCHIVED.to_owned() };
            query.items.push(Item { excluded: true, what });
        }
        Ok(query)
    }

    /// A question in the terms of the index.
    pub(super) fn query(&mut self, q: &str) -> Result<Query, Error> {
        let parsed = Query::parse(q).and_then(|query| Facets::get().resolve(&query));
        self.named_records(parsed.map_err(|error| bad_query(q, &error))?)
    }

    /// A place in a query is named, and a record by the beginning of its id; the index knows whole ids, and what contains
    /// a territory by its official code.
    fn named_records(&mut self, mut query: Query) -> Result<Query, Error> {
        for item in &mut query.items {
            let What::Facet { name, value } = &mut item.what else { continue };
            if let Some(ty) = containing(name) {
                if Gazetteer::get().get_by_code(ty, value).is_none()
                    && let Some(place) = named(ty, value)
                {
                    place.code.clone_into(value);
                }
            } else if value.parse::<RecordId>().is_err() {
                match name.as_str() {
                    "linked" => *value = resolve(self.desk, value)?.to_string(),
                    "territory" => {
                        *value = match resolve(self.desk, value) {
                            Ok(id) => id.to_string(),
                            Err(_) => record_of(&place(value)?).to_string(),
                        };
                    }
                    _ => {}
                }
            }
        }
        Ok(query)
    }

    /// The counts beside what a question finds.
    pub(super) fn facet_counts(&mut self, query: &Query, counts: Counts) -> Result<Vec<Facet>, Error> {
        let mut facets = Vec::new();
        for (name, mut tally) in counts {
            tally.cut(&name, shown_of(&name), query);
            let mut values = Vec::new();
            for (code, count) in tally.values {
                let label = self.facet_label(&name, &code)?;
                values.push(FacetValue { code, label, count: count as u64 });
            }
            let label = facet_name(&name, self.lang);
            facets.push(Facet { name, label, values, left_off: tally.left_off as u64 });
        }
        Ok(facets)
    }

    /// Where what a search finds takes place.
    pub(super) fn map(&mut self, search: &Search) -> Result<Places, Error> {
        let found = self.find(&search.q, Sort::Relevance, Page { limit: 1, offset: 0 })?;
        let mut map = Places { total: found.total, ..Places::default() };
        for facet in found.facets {
            match facet.name.as_str() {
                "department" => map.departments = facet.values,
                "territory" => {
                    map.left_off = facet.left_off;
                    for value in facet.values {
                        map.spots.extend(self.spot(&value)?);
                    }
                }
                _ => {}
            }
        }
        Ok(map)
    }

    fn spot(&mut self, value: &FacetValue) -> Result<Option<Spot>, Error> {
        let Ok(id) = value.code.parse::<RecordId>() else { return Ok(None) };
        let view = self.desk.view(&id).map_err(read_error)?;
        let point = view.as_ref().and_then(point);
        let department = view.as_ref().and_then(crate::keeper::department);
        Ok(Some(Spot { id, title: value.label.clone(), department, point, count: value.count }))
    }

    pub(super) fn facet_label(&mut self, facet: &str, code: &str) -> Result<String, Error> {
        if let Ok(id) = code.parse::<RecordId>() {
            return in_words(self.desk, &id, self.lang);
        }
        let lang = lang_of(self.lang);
        if facet == "stratum" {
            return Ok(stratum_label(code, self.lang));
        }
        if let Some(place) = containing(facet).and_then(|ty| Gazetteer::get().get_by_code(ty, code)) {
            return Ok(place.name);
        }
        if facet == "kind" {
            return Ok(Schema::get().kind(code).map_or(code, |kind| kind.label.get(lang)).to_owned());
        }
        if facet == "lang" {
            return Ok(texts::of(self.lang).get(&format!("lang-{code}")).unwrap_or_else(|| code.to_owned()));
        }
        let term = Schema::get().term(facet, code);
        Ok(term.map_or(code, |term| term.label.get(lang)).to_owned())
    }

    /// Makes views exact before they are asked for, up to what can be waited for.
    pub(super) fn freshen(&mut self) -> Result<(), Error> {
        if self.desk.stale() <= FOLD_FIRST { self.desk.refresh_all(&mut |_| {}).map_err(read_error) } else { Ok(()) }
    }

    /// The index, and what it lacks of what is known here.
    pub(super) fn index(&mut self) -> Result<(IndexReader, Lacking), Error> {
        self.freshen()?;
        // What is still not exact then could not be kept.
        let unkept = (1..=FOLD_FIRST).contains(&self.desk.stale());
        let (reader, written) = self.desk.search().map_err(|error| desk_error(self.commons, error))?;
        let (unfolded, unfoldable) = (self.desk.stale() as u64, self.desk.unfoldable().len() as u64);
        Ok((reader, Lacking { unfolded, unfoldable, outdated: unkept || !written }))
    }
}

/// A question and its page.
pub(super) fn asked(query: Query, page: Page) -> Asked {
    Asked { query, offset: page.offset as usize, limit: limit(page), ..Asked::default() }
}

fn bad_query(query: &str, error: &QueryError) -> Error {
    let fr = match error {
        QueryError::TooLong(chars) => format!("elle a {chars} caractères : gardez les mots qui comptent"),
        QueryError::TooManyItems => "elle a trop de mots : gardez ceux qui comptent".to_owned(),
        QueryError::UnknownFacet { name, nearest } => {
            format!("« {name} » n'est pas un filtre ; il y a : {}", nearest.join(", "))
        }
        QueryError::AmbiguousFacet { name, facets } => {
            format!("« {name} » peut être {} : écrivez l'un d'eux", facets.join(", "))
        }
    };
    let message = Words::new(fr, error.to_string());
    Error::BadQuery { query: query.to_owned(), problem: Problem { line: None, field: None, message } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_facet_has_words_in_both_languages() {
        let fields = Schema::get().kinds().iter().flat_map(|kind| &kind.fields);
        let named = fields.filter_map(|field| field.facet.as_deref());
        let others = ["kind", "lang", "territory", "epci", "department", "region", "programme", "author"];
        for facet in named.chain(others) {
            for lang in [Lang::Fr, Lang::En] {
                assert_ne!(facet_name(facet, lang), facet, "{lang:?}");
            }
        }
    }
}
