//! Many records at a glance: the digest of a period or a theme, the agenda, and the records of one kind with what surrounds
//! them; and putting a record away.
//!
//! What is asked is answered by the index; only the records that are told of are read, each answer a bounded number.

use essaim_protocol::api::{
    Agenda, AgendaOf, Archive, Around, Catalogue, CatalogueOf, Digest, DigestOf, Digested, Error, Gathering, Listed,
    Named, Page, Problem, RecordName, Saved, Words,
};
use essaim_protocol::id::RecordId;
use essaim_protocol::query::{Query, What};
use essaim_protocol::record::View;
use essaim_protocol::record::edit::Edit;
use essaim_protocol::record::field::{Field, Value};
use essaim_protocol::record::schema::Schema;
use essaim_protocol::time::Timestamp;
use jiff::civil::Date;

use super::brief::{brief, lang_of, named, read_error};
use super::finding::{ARCHIVED, asked};
use super::now;
use super::reading::beginning;
use super::records::{At, kind};
use crate::index::{Search as Asked, Sort, Span};
use crate::words::{read, when};

/// Records of one digest: what a person reads through in one sitting.
const IN_DIGEST: u32 = 80;

/// How far back a digest goes when nobody says: a month of an alliance that meets every month.
const DIGEST_DAYS: i64 = 30;

/// Kinds in the order in which a digest tells them: what was lived, what is asked, what follows from it, what comes.
const TOLD: [&str; 8] =
    ["experience", "contribution", "finding", "gathering", "programme", "resource", "actor", "territory"];

/// Records of one page of a catalogue. Each is read with what surrounds it.
const IN_CATALOGUE: u32 = 50;

/// Records around another that are read and named.
const AROUND: usize = 12;

/// Experiences linked to a finding that are read, to tell on which side each stands: the index knows that they are linked
/// and not how. More than the alliance has; beyond it a side would be told too small.
pub(super) const WEIGHED: u32 = 500;

/// Facets by which a catalogue is narrowed.
const NARROWING: [&str; 7] =
    ["finding_form", "programme_form", "programme_state", "resource_type", "actor_type", "offer", "theme"];

impl At<'_> {
    pub(super) fn digest(&mut self, of: &DigestOf) -> Result<Digest, Error> {
        let day = |text: &Option<String>, name| text.as_deref().map(|text| days(name, text)).transpose();
        let mut since = day(&of.since, "since")?.map(|(first, _)| first);
        let until = day(&of.until, "until")?.map(|(_, last)| last);
        if since.is_none() && until.is_none() && of.theme.is_none() {
            since = when::today(now()).checked_sub(jiff::Span::new().days(DIGEST_DAYS)).ok();
        }
        let mut query = self.current("")?;
        let mut theme = None;
        if let Some(name) = &of.theme {
            query = self.current(&Query::default().with("theme", name).to_string())?;
            let code = query.items.iter().find_map(|item| match &item.what {
                What::Facet { name, value } if name == "theme" => Some(value.clone()),
                What::Facet { .. } | What::Word(_) | What::Phrase(_) => None,
            });
            let code = code.unwrap_or_else(|| name.clone());
            theme = Some(Named { label: self.facet_label("theme", &code)?, code });
        }
        let span = (since.is_some() || until.is_some()).then(|| changed(since, until));
        let page = Page { limit: IN_DIGEST, offset: 0 };
        let (hits, lacking) = self.hits(&Asked { sort: Sort::Newest, span, ..asked(query, page) })?;
        let mut records = Vec::new();
        for hit in &hits.hits {
            if let Some(view) = self.desk.view(&hit.record).map_err(read_error)? {
                records.push(self.digested(&view)?);
            }
        }
        records.sort_by_key(|one| TOLD.iter().position(|kind| *kind == one.brief.kind).unwrap_or(TOLD.len()));
        let written = |day: Option<Date>| day.map(|day| day.to_string());
        Ok(Digest { since: written(since), until: written(until), theme, total: hits.total as u64, records, lacking })
    }

    fn digested(&mut self, view: &View) -> Result<Digested, Error> {
        let about = view.field("about").and_then(Field::text).and_then(|id| id.parse().ok());
        Ok(Digested {
            brief: brief(self.desk, view)?,
            form: self.term(view, "form"),
            text: own_words(view),
            about: about.map(|id| self.named(id)).transpose()?,
            // What a term explains in brackets is for those who choose one.
            licence: self.term(view, "licence").map(|label| label.split(" (").next().unwrap_or_default().to_owned()),
        })
    }

    pub(super) fn agenda(&mut self, of: AgendaOf) -> Result<Agenda, Error> {
        let today = when::number(when::today(now()));
        let (span, sort) = match of.past {
            true => (Span::EndingBefore(today), Sort::Latest),
            false => (Span::EndingFrom(today), Sort::Soonest),
        };
        let query = self.current("")?.with("kind", "gathering");
        let (hits, lacking) = self.hits(&Asked { sort, span: Some(span), ..asked(query, of.page) })?;
        let mut agenda = Agenda { total: hits.total as u64, gatherings: Vec::new(), lacking };
        for hit in &hits.hits {
            if let Some(view) = self.desk.view(&hit.record).map_err(read_error)? {
                let place = view.field("place");
                let member = |name: &str| place.and_then(|place| place.member(name)?.value());
                agenda.gatherings.push(Gathering {
                    form: self.term(&view, "form"),
                    place: member("text").and_then(Value::text).map(str::to_owned),
                    online: member("online") == Some(&Value::Bool(true)),
                    brief: brief(self.desk, &view)?,
                });
            }
        }
        Ok(agenda)
    }

    pub(super) fn catalogue(&mut self, of: &CatalogueOf) -> Result<Catalogue, Error> {
        let kind = kind(&of.kind)?;
        let query = self.current(&of.q)?.with("kind", &kind.name);
        let has_words = query.items.iter().any(|item| !matches!(item.what, What::Facet { .. }));
        let sort = if kind.name == "actor" && !has_words { Sort::Title } else { Sort::Relevance };
        let limit = if of.page.limit == 0 { IN_CATALOGUE } else { of.page.limit.min(IN_CATALOGUE) };
        let (hits, lacking) = self.hits(&Asked { sort, ..asked(query.clone(), Page { limit, ..of.page }) })?;
        let narrowing = hits.facets.into_iter().filter(|(name, _)| NARROWING.contains(&name.as_str())).collect();
        let facets = self.facet_counts(&query, narrowing)?;
        let mut records = Vec::new();
        for hit in &hits.hits {
            if let Some(view) = self.desk.view(&hit.record).map_err(read_error)? {
                records.push(self.listed(&view)?);
            }
        }
        Ok(Catalogue { total: hits.total as u64, facets, records, lacking })
    }

    fn listed(&mut self, view: &View) -> Result<Listed, Error> {
        let offers = view.field("offers").and_then(|offers| offers.value()?.members());
        let offer = |code: &String| self.facet_label("offer", code);
        Ok(Listed {
            offers: offers.into_iter().flat_map(|offers| offers.keys()).map(offer).collect::<Result<_, _>>()?,
            form: self.term(view, "form").or_else(|| self.term(view, "type")),
            state: self.term(view, "state"),
            text: own_words(view),
            url: view.field("url").and_then(Field::text).map(str::to_owned),
            around: match view.kind.as_str() {
                "finding" => self.weighed(view)?,
                "programme" => self.reached(view)?,
                _ => Vec::new(),
            },
            brief: brief(self.desk, view)?,
        })
    }

    /// The experiences that support a finding, nuance it and contradict it: those that it draws on, and those that say so.
    fn weighed(&mut self, view: &View) -> Result<Vec<Around>, Error> {
        let (mut supports, mut nuances, mut contradicts) = (view.targets("draws_on"), Vec::new(), Vec::new());
        let query = Query::default().with("linked", &view.record.to_string()).with("kind", "experience");
        for hit in self.hits(&asked(query, Page { limit: WEIGHED, offset: 0 }))?.0.hits {
            let Some(experience) = self.desk.view(&hit.record).map_err(read_error)? else { continue };
            for (how, _) in experience.refers().iter().filter(|(_, to)| *to == view.record) {
                let side = match how.as_str() {
                    "documents" => &mut supports,
                    "nuances" => &mut nuances,
                    "contradicts" => &mut contradicts,
                    _ => continue,
                };
                if !side.contains(&hit.record) {
                    side.push(hit.record);
                }
            }
        }
        [("supports", supports), ("nuances", nuances), ("contradicts", contradicts)]
            .into_iter()
            .map(|(how, ids)| self.around(how, ids.len() as u64, ids))
            .collect()
    }

    /// Where a programme and all that is part of it takes place, and its gatherings.
    fn reached(&mut self, view: &View) -> Result<Vec<Around>, Error> {
        let query = Query::default().with("programme", &view.record.to_string());
        let parts = self.hits(&asked(query.clone(), Page { limit: 1, offset: 0 }))?.0.facets;
        let mut territories = view.territories();
        let places =
            parts.get("territory").into_iter().flat_map(|tally| &tally.values).filter_map(|(id, _)| id.parse().ok());
        for id in places {
            if !territories.contains(&id) {
                territories.push(id);
            }
        }
        let page = Page { limit: AROUND as u32, offset: 0 };
        let (met, _) = self.hits(&Asked { sort: Sort::Latest, ..asked(query.with("kind", "gathering"), page) })?;
        let gatherings = met.hits.iter().map(|hit| hit.record).collect();
        Ok(vec![
            self.around("territories", territories.len() as u64, territories)?,
            self.around("gatherings", met.total as u64, gatherings)?,
        ])
    }

    fn around(&mut self, how: &str, total: u64, ids: Vec<RecordId>) -> Result<Around, Error> {
        let records = ids.into_iter().take(AROUND).map(|id| self.named(id)).collect::<Result<_, _>>()?;
        Ok(Around { how: how.to_owned(), total, records })
    }

    pub(super) fn archive(&mut self, archive: &Archive) -> Result<Saved, Error> {
        let view = self.view(&archive.record)?;
        let status = view.field("status").and_then(Field::text).unwrap_or(SHARED).to_owned();
        let status = match (archive.undo, status == ARCHIVED) {
            (false, _) => ARCHIVED.to_owned(),
            (true, true) => self.status_before(&view)?,
            (true, false) => status,
        };
        let saved = self.desk.save(&view.record, &[], &[Edit::set("status", status)], now());
        self.saved(&archive.record, saved, vec!["status".to_owned()])
    }

    /// Where a record stood before it was archived.
    fn status_before(&mut self, view: &View) -> Result<String, Error> {
        let log = self.log(&view.record.to_string())?;
        for version in log.versions.iter().filter(|version| version.fields.iter().any(|field| field == "status")) {
            let then = self.desk.sheet_at(&view.record, &version.after).map_err(read_error)?;
            let status = then.as_ref().and_then(|then| then.view.field("status")?.text());
            if let Some(status) = status.filter(|status| *status != ARCHIVED) {
                return Ok(status.to_owned());
            }
        }
        Ok(SHARED.to_owned())
    }

    pub(super) fn named(&mut self, id: RecordId) -> Result<RecordName, Error> {
        named(self.desk, id)
    }

    /// The label of a field's code.
    fn term(&self, view: &View, field: &str) -> Option<String> {
        let vocabulary = view.schema()?.field(field)?.vocabulary()?;
        let code = view.field(field)?.text()?;
        let term = Schema::get().term(vocabulary, code);
        Some(term.map_or(code, |term| term.label.get(lang_of(self.lang))).to_owned())
    }
}

/// What a record stands at when nobody says.
const SHARED: &str = "shared";

/// Of a contribution or finding, the beginning of what it says, unless its title says just that.
fn own_words(view: &View) -> Option<String> {
    let field = match view.kind.as_str() {
        "contribution" => "text",
        "finding" => "statement",
        _ => return None,
    };
    let text = view.field(field).and_then(Field::text)?;
    (text != view.title()).then(|| beginning(text))
}

/// The moments of the days from one to another. What bears no time belongs to no period.
fn changed(since: Option<Date>, until: Option<Date>) -> Span {
    let from = since.and_then(when::beginning).unwrap_or(Timestamp(1));
    let to = until.and_then(|day| when::beginning(day.tomorrow().ok()?)).unwrap_or(Timestamp(i64::MAX));
    Span::Changed(from, to)
}

/// The first and last day of a date as people write it.
fn days(field: &str, text: &str) -> Result<(Date, Date), Error> {
    read::date(text).and_then(|edtf| when::span(&edtf)).ok_or_else(|| {
        let message = Words::new(
            format!("« {text} » n'est pas une date : écrivez par exemple 2026-05-01, 1er mai 2026 ou mai 2026"),
            format!("\"{text}\" is not a date: write 2026-05-01, 1 May 2026 or May 2026, for example"),
        );
        Error::Invalid { problems: vec![Problem { line: None, field: Some(field.to_owned()), message }] }
    })
}
