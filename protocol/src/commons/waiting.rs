//! The waiting room: entries that came before what they rest on.
//!
//! They are verified, in memory, and not in the set. Log order is a topological order and sessions send in log order, so
//! only split drop files and what peers pass on out of order wait. The room is small, a sender has a part of it only, and
//! nobody waits there for a device of which no statement has come: what finds no room is named, and reconciliation brings
//! it again.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::Entry;
use crate::id::{ChangeHash, DeviceKey, EntryId, NetworkKey, StatementId};
use crate::sign::Verified;
use crate::time::Timestamp;

/// Bytes of waiting entries, all senders together: an ally behind a split drop file fills it, a flood does not grow it.
pub const WAITING_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of waiting entries that one peer sent: four must work together to fill the room.
pub const WAITING_SHARE: usize = WAITING_BYTES / 4;

/// How long an entry waits for what it rests on, in milliseconds: a day; reconciliation brings it again later.
pub const WAITING_MS: u64 = 24 * 60 * 60 * 1000;

/// What an entry waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Missing {
    Statement(StatementId),
    Change(ChangeHash),
    /// A program that understands all statements.
    Upgrade,
}

/// Entries whose frontier or dependency has not come. When there is no room the newest are not taken.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    by_missing: BTreeMap<Missing, Vec<Waiter>>,
    ids: BTreeSet<EntryId>,
    /// Bytes by who sent them; nobody for what did not come from a peer.
    charged: BTreeMap<Option<NetworkKey>, usize>,
    /// How many waiting statements each device signed.
    speakers: BTreeMap<DeviceKey, usize>,
}

#[derive(Debug)]
struct Waiter {
    entry: Verified<Entry>,
    from: Option<NetworkKey>,
    since: Timestamp,
    len: usize,
}

impl Waiting {
    /// Keeps an entry until what it waits for comes; `false` when there is no room for it. `presented`: whether a
    /// statement that is known presents its device.
    pub(super) fn admit(
        &mut self,
        on: Missing,
        entry: Verified<Entry>,
        presented: bool,
        from: Option<NetworkKey>,
        now: Timestamp,
    ) -> bool {
        let (device, len) = (entry.device(), entry.encode().len());
        if self.ids.contains(&entry.id()) {
            return true;
        }
        let share = if from.is_some() { WAITING_SHARE } else { WAITING_BYTES };
        let charged = self.charged.get(&from).copied().unwrap_or_default();
        let speaks = matches!(*entry, Entry::Statement(_));
        let is_known = presented || speaks || self.speakers.contains_key(&device);
        if !is_known || charged + len > share || self.bytes() + len > WAITING_BYTES {
            return false;
        }
        self.ids.insert(entry.id());
        *self.charged.entry(from).or_default() += len;
        if speaks {
            *self.speakers.entry(device).or_default() += 1;
        }
        self.by_missing.entry(on).or_default().push(Waiter { entry, from, since: now, len });
        true
    }

    /// Whether one of those that wait is like this.
    pub(super) fn any(&self, like: impl Fn(&Verified<Entry>) -> bool) -> bool {
        self.by_missing.values().flatten().any(|waiter| like(&waiter.entry))
    }

    /// The entries that waited for this one.
    pub(super) fn release(&mut self, entry: &Entry) -> Vec<Verified<Entry>> {
        let came = match entry {
            Entry::Statement(statement) => Some(Missing::Statement(statement.id())),
            Entry::Change(_) | Entry::Adoption(_) => entry.change().map(Missing::Change),
        };
        let waiters = came.and_then(|came| self.by_missing.remove(&came)).unwrap_or_default();
        waiters.into_iter().map(|waiter| self.forget(waiter)).collect()
    }

    /// Forgets what has waited for a day.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let old: Vec<_> = self
            .by_missing
            .values_mut()
            .flat_map(|waiters| waiters.extract_if(.., |waiter| now.since(waiter.since) > WAITING_MS))
            .collect();
        self.by_missing.retain(|_, waiters| !waiters.is_empty());
        for waiter in old {
            self.forget(waiter);
        }
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.charged.values().sum()
    }

    fn forget(&mut self, waiter: Waiter) -> Verified<Entry> {
        let Waiter { entry, from, len, .. } = waiter;
        self.ids.remove(&entry.id());
        take(&mut self.charged, &from, len);
        if matches!(*entry, Entry::Statement(_)) {
            take(&mut self.speakers, &entry.device(), 1);
        }
        entry
    }
}

/// Takes from a count, which leaves the map at zero.
fn take<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K, less: usize) {
    if let Some(count) = counts.get_mut(key) {
        *count -= less;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::statement::Act;
    use crate::entry::{Change, Statement};
    use crate::gate::forge::{COMMONS, FRONTIER, Forge, Row, keys};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);
    const ON: Missing = Missing::Statement(FRONTIER);
    const EVE: Option<NetworkKey> = Some(NetworkKey([5; 32]));
    const BOB: Option<NetworkKey> = Some(NetworkKey([2; 32]));

    /// The `n`th change of somebody, of 100 kB.
    fn change(by: &str, n: i64) -> Verified<Entry> {
        let rows = ["one", "two"].map(|key| Row::put(key).with_value(7, &[0; 50_000]));
        let draft = Forge { time: n, ..Forge::new(&rows) }.chunk();
        let change = Change::seal(&draft, &keys(by), COMMONS, FRONTIER, None).unwrap();
        Verified::trusted(Entry::Change(change.into_inner()))
    }

    fn said(by: &str) -> Verified<Entry> {
        let said = Statement::sign(&keys(by), COMMONS, vec![FRONTIER], NOW, Act::Seen).unwrap();
        Verified::trusted(Entry::Statement(said.into_inner()))
    }

    #[test]
    fn a_sender_fills_its_part_and_leaves_the_rest_to_others() {
        let mut room = Waiting::default();
        let taken = (0..60).filter(|n| room.admit(ON, change("eve", *n), true, EVE, NOW)).count();
        assert_eq!(taken, WAITING_SHARE / change("eve", 0).encode().len());
        assert!(room.admit(ON, change("bob", 0), true, BOB, NOW));
        assert!(room.admit(ON, change("eve", 0), true, BOB, NOW), "it is there already, at Eve's charge");
        for from in 6..10u8 {
            let some = 100 * i64::from(from);
            let from = Some(NetworkKey([from; 32]));
            assert!((some..some + 60).any(|n| !room.admit(ON, change("dan", n), true, from, NOW)));
        }
        assert!(room.bytes() <= WAITING_BYTES);
        room.expire(NOW.plus(WAITING_MS + 1));
        assert_eq!((room.bytes(), room.ids.len(), room.charged.len()), (0, 0, 0));
    }

    #[test]
    fn nobody_waits_for_a_device_of_which_nothing_was_said() {
        let mut room = Waiting::default();
        assert!(!room.admit(ON, change("bob", 0), false, BOB, NOW));
        assert!(room.admit(Missing::Upgrade, said("bob"), false, BOB, NOW));
        assert!(room.admit(ON, change("bob", 0), false, BOB, NOW));
        room.expire(NOW.plus(WAITING_MS + 1));
        assert!(!room.admit(ON, change("bob", 0), false, BOB, NOW));
    }
}
