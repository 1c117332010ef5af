//! What was written, and hence what must be readable in the end: a naive reckoning of causality, beside automerge's.
//!
//! A value stands until a save that had seen it wrote the same place; values written apart stand side by side. A member is
//! in its set when somebody added it whom no removal had seen. A word is in its text until it is cut.

use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::entry::Entry;
use essaim_protocol::id::{ChangeHash, EntryId, RecordId};
use essaim_protocol::record::{Field, View, json::plain};

use super::pen::{Save, Wrote, members};

/// All that was made.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) saves: Vec<Save>,
    /// Entries that an honest ally was told are durable.
    pub(super) made: BTreeSet<EntryId>,
    /// Entries of a turned ally that are right as entries: others may have them or not.
    pub(super) may_be: BTreeSet<EntryId>,
    /// Entries that nobody may take in.
    pub(super) forged: BTreeSet<EntryId>,
}

/// The changes that each change of a record had seen.
pub(super) type Pasts = BTreeMap<ChangeHash, BTreeSet<ChangeHash>>;

/// The pasts of all changes in a log, which stands in an order in which each comes after its past.
pub(super) fn pasts(log: &[(EntryId, Entry)]) -> Pasts {
    let mut pasts = Pasts::new();
    for (_, entry) in log {
        if let Entry::Change(change) = entry {
            let mut past = BTreeSet::new();
            for dep in change.deps() {
                past.insert(*dep);
                past.extend(pasts.get(dep).into_iter().flatten().copied());
            }
            pasts.insert(change.hash(), past);
        }
    }
    pasts
}

impl Ledger {
    /// The records that people wrote.
    pub(super) fn records(&self) -> BTreeSet<RecordId> {
        self.saves.iter().map(|save| save.record).collect()
    }

    /// Whether a record reads as all that is there says.
    pub(super) fn check(&self, view: &View, pasts: &Pasts) -> Result<(), String> {
        let saves: Vec<&Save> =
            self.saves.iter().filter(|save| save.record == view.record && pasts.contains_key(&save.change)).collect();
        let had_seen =
            |later: &Save, earlier: &Save| pasts.get(&later.change).is_some_and(|past| past.contains(&earlier.change));
        let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (save, wrote) in saves.iter().flat_map(|save| save.wrote.iter().map(move |wrote| (save, wrote))) {
            let later = || saves.iter().filter(|other| had_seen(other, save)).flat_map(|other| &other.wrote);
            match wrote {
                Wrote::Scalar { path, value } => {
                    let standing = values.entry(path).or_default();
                    if !later().any(|wrote| matches!(wrote, Wrote::Scalar { path: same, .. } if same == path)) {
                        standing.insert(value.to_string());
                    }
                }
                Wrote::Joins { set, member } => {
                    let gone = Wrote::Leaves { set, member: member.clone() };
                    if !later().any(|wrote| *wrote == gone) && !members(view, set).contains(member) {
                        return Err(format!("{member} was added to {set} by {:?} and is not there", save.entry));
                    }
                }
                Wrote::Leaves { set, member } => {
                    let joins = Wrote::Joins { set, member: member.clone() };
                    let stands = |other: &&&Save| {
                        let removed = |by: &&&Save| by.wrote.contains(wrote) && had_seen(by, other);
                        other.wrote.contains(&joins) && !saves.iter().any(|by| removed(&by))
                    };
                    if !saves.iter().any(|other| stands(&other)) && members(view, set).contains(member) {
                        return Err(format!("{member} was removed from {set} by {:?} and is there", save.entry));
                    }
                }
                Wrote::Word(word) => {
                    let cut = saves.iter().any(|other| other.wrote.contains(&Wrote::Cut(word.clone())));
                    let story = view.field("story").and_then(Field::text).unwrap_or_default();
                    if story.matches(word.as_str()).count() != usize::from(!cut) {
                        return Err(format!(
                            "{word} of {:?} stands {}, cut: {cut}",
                            save.entry,
                            story.matches(word.as_str()).count()
                        ));
                    }
                }
                Wrote::Cut(_) => {}
            }
        }
        for (path, standing) in values {
            let shown = shown(view, path);
            if shown != standing {
                return Err(format!("{path} of {:?} reads {shown:?}, written was {standing:?}", view.record));
            }
        }
        Ok(())
    }
}

/// All values that a view shows at a place.
fn shown(view: &View, path: &str) -> BTreeSet<String> {
    let field = match path.split('/').collect::<Vec<_>>()[..] {
        [name] => view.field(name),
        [name, member] => view.field(name).and_then(|field| field.member(member)),
        [name, item, member] => view.field(name).and_then(|list| {
            let items = list.value()?.items();
            items.iter().find(|other| other.id == item)?.fields.get(member)
        }),
        _ => None,
    };
    field.into_iter().flat_map(|field| &field.values).map(|held| plain(&held.value).to_string()).collect()
}
