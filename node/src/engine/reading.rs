//! A record among its versions and among the others: what it was, who refers to it, who lived the like.

use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::api::{Error, Holder, Linked, Log, Page, Records, Referring, Shared, Sheet, ShowAt, Version};
use essaim_protocol::entry::Entry;
use essaim_protocol::id::ChangeHash;
use essaim_protocol::record::View;
use essaim_protocol::record::field::{Field, Value};
use essaim_protocol::roster::Ally;
use essaim_protocol::store::{Ordinal, Store as _};

use super::board::CONTRIBUTION;
use super::brief::{brief, read_error, resolve};
use super::commons::is_in;
use super::internal;
use super::records::{At, limit, unknown};
use super::together::WEIGHED;
use crate::index::Sort;

/// Referring records that are named: more than a person looks through on one sheet; a search finds the others.
const MAX_LINKED: u32 = 60;

/// Characters of a contribution that are shown where it is listed.
const MAX_TEXT: usize = 1_200;

/// Facets by which two records are alike, in the order in which that is told.
const ALIKE: [&str; 6] = ["difficulty", "theme", "stratum", "setting", "fundamental", "outcome"];

/// Words in common that are told.
const WORDS: usize = 3;

/// Outcomes that many records have for want of a better one.
const NOT_TOLD: &str = "not_told";

impl At<'_> {
    pub(super) fn show_at(&mut self, version: &ShowAt) -> Result<Sheet, Error> {
        let view = self.view(&version.record)?;
        let then = self.desk.sheet_at(&view.record, &version.heads).map_err(read_error)?;
        let then = then.ok_or_else(|| Error::UnknownVersion { title: view.title().to_owned() })?;
        self.sheet(&then.view, &then.entries)
    }

    /// What cites just this version.
    pub(super) fn citation(&self, view: &View) -> String {
        let heads: Vec<String> = view.heads.iter().map(ToString::to_string).collect();
        format!("essaim:{}/{}@{}", self.desk.id(), view.record, heads.join("."))
    }

    pub(super) fn linked(&mut self, asked: &str) -> Result<Linked, Error> {
        let id = resolve(self.desk, asked)?;
        let weighed = self.desk.view(&id).map_err(read_error)?.is_some_and(|view| view.kind == "finding");
        let page = Page { limit: if weighed { WEIGHED } else { MAX_LINKED }, offset: 0 };
        let found = self.find(&format!("linked:{id}"), Sort::Relevance, page)?;
        let kinds = found.facets.into_iter().find(|facet| facet.name == "kind");
        let mut records = Vec::new();
        for brief in found.records {
            if let Some(view) = self.desk.view(&brief.id).map_err(read_error)? {
                let how = view.refers().into_iter().filter(|(_, to)| *to == id).map(|(how, _)| how).collect();
                records.push(Referring {
                    brief,
                    how,
                    form: view.field("form").and_then(Field::text).map(str::to_owned),
                    text: said(&view),
                });
            }
        }
        Ok(Linked { total: found.total, kinds: kinds.map(|facet| facet.values).unwrap_or_default(), records })
    }

    /// The other allies that hold a record as far as these entries of it.
    pub(super) fn held_by(&self, entries: &[(Ordinal, Entry)]) -> Vec<Holder> {
        let Some(last) = entries.iter().map(|(at, _)| *at).max() else { return Vec::new() };
        let (me, epoch) = (self.desk.me(), self.desk.store().epoch());
        let others = self.desk.roster().allies().filter(|ally| Some(ally.id) != me && is_in(ally));
        let holder = |ally: Ally| {
            let confirmed = ally.devices.iter().map(|device| self.desk.peer(&device.network).holds(epoch, last));
            Some(Holder { ally: ally.name.to_string(), at: confirmed.flatten().max()? })
        };
        others.filter_map(holder).collect()
    }

    /// The records most like one among those that `q` allows, each with what both have.
    pub(super) fn like(&mut self, asked: &str, q: &str, page: Page) -> Result<Records, Error> {
        let among = self.current(q)?;
        let id = resolve(self.desk, asked)?;
        let (reader, lacking) = self.index()?;
        let Some(view) = self.desk.view(&id).map_err(read_error)? else { return Err(unknown(asked)) };
        let skipped = page.offset as usize;
        let hits = reader.like(&id, &among, limit(page).saturating_add(skipped)).map_err(internal)?;
        let total = hits.len() as u64;
        let (own, words) = (self.alike(&view)?, own_words(&view));
        let mut records = Vec::new();
        for hit in hits.iter().skip(skipped) {
            let Some(other) = self.desk.view(&hit.record).map_err(read_error)? else { continue };
            let mut shared = Vec::new();
            let both = self.alike(&other)?;
            for (_, facet, code) in own.intersection(&both) {
                shared.push(Shared { facet: (*facet).to_owned(), label: self.facet_label(facet, code)? });
            }
            let common = reader.in_common(&words, &own_words(&other), WORDS).map_err(internal)?;
            shared.extend(common.into_iter().map(|label| Shared { facet: "word".to_owned(), label }));
            let mut line = brief(self.desk, &other)?;
            line.shared = shared;
            records.push(line);
        }
        Ok(Records { total, records, lacking, ..Records::default() })
    }

    /// The values by which a record is like others, each with its facet and that one's place among [`ALIKE`]. The
    /// stratum is that of the territories.
    fn alike(&mut self, view: &View) -> Result<BTreeSet<(usize, &'static str, String)>, Error> {
        let mut all = view.facets();
        for territory in view.territories() {
            let territory: Option<View> = self.desk.view(&territory).map_err(read_error)?;
            all.extend(territory.iter().flat_map(View::facets).filter(|(facet, _)| facet == "stratum"));
        }
        let rank = |(facet, code): (String, String)| {
            let rank = ALIKE.iter().position(|alike| *alike == facet)?;
            (code != NOT_TOLD).then_some((rank, ALIKE[rank], code))
        };
        Ok(all.into_iter().filter_map(rank).collect())
    }

    pub(super) fn log(&mut self, asked: &str) -> Result<Log, Error> {
        let view = self.view(asked)?;
        let sheet = self.desk.sheet(&view.record).map_err(read_error)?.ok_or_else(|| unknown(asked))?;
        let mut changes: Vec<(&Entry, ChangeHash, &[ChangeHash])> = Vec::new();
        for (_, entry) in &sheet.entries {
            let (hash, deps) = match entry {
                Entry::Change(change) => (change.hash(), change.deps()),
                Entry::Adoption(adoption) => (adoption.hash(), adoption.deps()),
                Entry::Statement(_) => continue,
            };
            if changes.iter().all(|(_, other, _)| *other != hash) {
                changes.push((entry, hash, deps));
            }
        }
        let pasts = pasts(&changes);
        let mut versions = Vec::new();
        for (index, (entry, hash, deps)) in changes.iter().enumerate() {
            let concurrent = changes.iter().enumerate().any(|(other, (_, name, _))| {
                other != index && !pasts[index].contains(name) && !pasts[other].contains(hash)
            });
            let (ally, at) = match entry {
                Entry::Change(change) => {
                    let ally = self.desk.roster().ally_of(&change.device()).and_then(|id| self.desk.roster().ally(&id));
                    (ally.map(|ally| ally.name.to_string()), Some(change.time()))
                }
                Entry::Adoption(_) | Entry::Statement(_) => (None, None),
            };
            let fields = touched(&sheet.document, deps, hash);
            versions.push(Version { change: *hash, after: deps.to_vec(), ally, at, fields, concurrent });
        }
        versions.reverse();
        Ok(Log { brief: brief(self.desk, &view)?, versions })
    }
}

/// Of a contribution, the beginning of what it says.
pub(super) fn said(view: &View) -> Option<String> {
    let text = view.field("text").filter(|_| view.kind == CONTRIBUTION).and_then(Field::text)?;
    Some(beginning(text))
}

/// As much of a text as is shown where it is listed.
pub(super) fn beginning(text: &str) -> String {
    text.char_indices().nth(MAX_TEXT).map_or_else(|| text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
}

/// What people wrote in a record, labels left out.
fn own_words(view: &View) -> String {
    let is_text = |value: &&Value| matches!(value, Value::Text(_));
    let texts = view.fields.values().filter_map(|field| field.value().filter(is_text)?.text());
    texts.collect::<Vec<_>>().join("\n")
}

/// What each change had seen, itself left out. Changes stand in log order, so parents come first.
fn pasts(changes: &[(&Entry, ChangeHash, &[ChangeHash])]) -> Vec<BTreeSet<ChangeHash>> {
    let mut pasts: Vec<BTreeSet<ChangeHash>> = Vec::with_capacity(changes.len());
    let mut places = BTreeMap::new();
    for (index, (_, hash, deps)) in changes.iter().enumerate() {
        let mut past = BTreeSet::new();
        for dep in *deps {
            past.insert(*dep);
            if let Some(parent) = places.get(dep) {
                past.extend(pasts[*parent as usize].iter().copied());
            }
        }
        places.insert(*hash, index as u32);
        pasts.push(past);
    }
    pasts
}

/// The fields that a change touched.
fn touched(document: &automerge::Automerge, deps: &[ChangeHash], hash: &ChangeHash) -> Vec<String> {
    let heads = |hashes: &[ChangeHash]| hashes.iter().map(|hash| automerge::ChangeHash(hash.0)).collect::<Vec<_>>();
    let mut fields = BTreeSet::new();
    for patch in document.diff(&heads(deps), &heads(&[*hash])) {
        let first = patch.path.first().map(|(_, prop)| prop.clone());
        let field = match (first, &patch.action) {
            (Some(automerge::Prop::Map(key)), _) => Some(key.to_string()),
            (None, automerge::PatchAction::PutMap { key, .. } | automerge::PatchAction::DeleteMap { key }) => {
                Some(key.to_string())
            }
            (Some(automerge::Prop::Seq(_)) | None, _) => None,
        };
        fields.extend(field.filter(|field| !field.starts_with('_')));
    }
    fields.into_iter().collect()
}
