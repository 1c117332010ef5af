//! What of a commons is public: records that say so, and in these nothing that names any other.
//!
//! A public record may link to one that is not: the link goes, with its note. Where such a record is somebody (who holds a
//! position, say) the words stay and the name goes.

use std::collections::BTreeSet;

use essaim_protocol::api::Sheet;
use essaim_protocol::id::RecordId;
use essaim_protocol::record::schema::Schema;
use serde_json::{Map, Value as Json};

/// The keys of people whose record is not public begin so. An ally has a name here only if one is known by the whole key.
const SOMEBODY: &str = "ally:";

/// Whether a record may be shown to everybody: it says `public` and that it is shared, read by peers or not, and nobody says
/// otherwise at the same time.
/// One of a kind that this version does not know could only be shown raw, and is left out.
pub(super) fn is_public(sheet: &Sheet) -> bool {
    let says = |field: &str, values: &[&str]| {
        let disputed = sheet.disagreements.iter().any(|one| one.field.split(['/', '.']).next() == Some(field));
        !disputed && sheet.fields.get(field).and_then(Json::as_str).is_some_and(|said| values.contains(&said))
    };
    says("visibility", &["public"])
        && says("status", &["shared", "peer_read"])
        && Schema::get().kind(&sheet.brief.kind).is_some()
}

/// Takes out of a public record all that names one that is not.
pub(super) fn clean(sheet: &mut Sheet, public: &BTreeSet<RecordId>) {
    name_public_authors(sheet, public);
    let known = |name: &String| Schema::get().kind(&sheet.brief.kind).is_some_and(|kind| kind.field(name).is_some());
    // What a newer version says could only be shown raw.
    let fields = std::mem::take(&mut sheet.fields).into_iter().filter(|(name, _)| known(name));
    sheet.fields = kept_members(fields, public);
    for said in sheet.disagreements.iter_mut().chain(&mut sheet.proposals) {
        said.values.retain_mut(|side| match kept(side.value.take(), public) {
            Some(value) => {
                side.value = value;
                true
            }
            None => false,
        });
    }
    sheet.disagreements.retain(|one| one.values.len() > 1);
    sheet.proposals.retain(|one| !one.values.is_empty());
    sheet.names.retain(|name, _| !hidden(name, public));
    sheet.langs.retain(|name, _| !hidden(name, public));
    sheet.missing.clear();
    sheet.brief.territory.take_if(|territory| !public.contains(&territory.id));
    sheet.brief.conflicts = u32::try_from(sheet.disagreements.len()).unwrap_or(u32::MAX);
}

/// Names as signers the authors whose record is public; when it is that of none, the allies that wrote. A contribution has one
/// author: others wrote at most a position of theirs in it.
fn name_public_authors(sheet: &mut Sheet, public: &BTreeSet<RecordId>) {
    let authors: Vec<RecordId> =
        refers(sheet).into_iter().filter(|(how, _)| how == "authors").map(|(_, id)| id).collect();
    if authors.iter().all(|id| public.contains(id)) {
        return;
    }
    let known = authors.iter().filter(|id| public.contains(id));
    let named = known.filter_map(|id| sheet.names.get(&id.to_string()).cloned()).filter(|name| !name.is_empty());
    sheet.brief.by = named.collect();
    if sheet.brief.by.is_empty() {
        let signers = if sheet.brief.kind == "contribution" { 1 } else { usize::MAX };
        sheet.brief.by = sheet.written_by.iter().take(signers).cloned().collect();
    }
}

/// Whether a text names a record that is not public.
fn hidden(text: &str, public: &BTreeSet<RecordId>) -> bool {
    text.parse().is_ok_and(|id: RecordId| !public.contains(&id))
}

/// A value without what names others; none when it is nothing but such a name.
fn kept(value: Json, public: &BTreeSet<RecordId>) -> Option<Json> {
    match value {
        Json::String(text) => (!hidden(&text, public)).then_some(Json::String(text)),
        Json::Array(items) => Some(items.into_iter().filter_map(|item| kept(item, public)).collect()),
        Json::Object(link) if link.get("to").and_then(Json::as_str).is_some_and(|to| hidden(to, public)) => None,
        Json::Object(members) => Some(Json::Object(kept_members(members, public))),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_)) => Some(other),
    }
}

fn kept_members(members: impl IntoIterator<Item = (String, Json)>, public: &BTreeSet<RecordId>) -> Map<String, Json> {
    let mut out = Map::new();
    for (number, (key, value)) in members.into_iter().enumerate() {
        if let Some(value) = kept(value, public) {
            let key = if hidden(&key, public) { format!("{SOMEBODY}{number}") } else { key };
            out.insert(key, value);
        }
    }
    out
}

/// The records that this one refers to, each with how: the relation of a link, else the name of the field.
pub(super) fn refers(sheet: &Sheet) -> BTreeSet<(String, RecordId)> {
    let mut found = BTreeSet::new();
    sheet.fields.iter().for_each(|(how, value)| named(how, value, &mut found));
    found
}

fn named(how: &str, value: &Json, found: &mut BTreeSet<(String, RecordId)>) {
    let mut note = |how: &str, name: &str| found.extend(name.parse().ok().map(|id| (how.to_owned(), id)));
    match value {
        Json::String(text) => note(how, text),
        Json::Array(items) => items.iter().for_each(|item| named(how, item, found)),
        Json::Object(members) => match (value["rel"].as_str(), value["to"].as_str()) {
            (Some(rel), Some(to)) => note(rel, to),
            _ => {
                members.keys().for_each(|key| note(how, key));
                members.values().for_each(|member| named(how, member, found));
            }
        },
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
