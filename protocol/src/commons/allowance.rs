//! How much this node takes from an ally of what that ally adds itself.
//!
//! Whoever is let in may flood. To refuse what it made would part the commons for ever: another node may have taken it, and
//! what is in the set must not depend on when somebody heard of it. So what is over an ally's allowance is not refused but
//! *left for later*: it is not kept and not confirmed, nobody is blamed, and the next sessions bring it again until there is
//! room. It is counted only when it comes straight from the author: what others pass on is always taken, since they took it
//! within an allowance themselves. A flood thus reaches everybody at the pace at which its author is listened to, and the
//! sets are equal once it is over.
//!
//! People whom nobody let in yet have no name to count under. What they present is counted to who passes it on, until
//! somebody lets them in: from then on it has an ally who answers for it.
//!
//! It is kept in memory. A restart forgets it, and so does a write that fails, after which the commons is read from the disk
//! again: what was counted then was not kept. Nobody but this node's owner, or its disk, can bring either about.

use std::collections::BTreeMap;

use crate::id::AllyId;
use crate::roster::SEEN_A_DAY;
use crate::time::Timestamp;

/// Bytes of an ally's own entries a day: some 25,000 records. A disk of 100 GB holds four years of one flooding ally.
pub const BYTES_A_DAY: u64 = 64 * 1024 * 1024;

/// Statements a day by people whom nobody let in yet: a hundred newcomers. Each costs every node some 600 bytes for ever.
pub const NEWCOMERS_A_DAY: u64 = 200;

/// Days whose allowance may be used at once: who meets an ally once a week hears the whole week.
const SAVED_UP: u64 = 7;

const HOUR_MS: u64 = 3_600_000;

/// What an entry is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charge {
    /// Its author's own: so many bytes.
    Own { bytes: u64, seen: bool },
    /// What somebody presents who is not in.
    Newcomer,
}

/// What was taken of each ally lately. A row is as old as what it counts: at most one for each ally.
#[derive(Debug, Default)]
pub(super) struct Allowances(BTreeMap<AllyId, Taken>);

/// What was taken, less what the time since has given back.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    /// Until when time was counted, in whole hours from the first entry.
    until: Timestamp,
    bytes: u64,
    seen: u64,
    newcomers: u64,
}

impl Allowances {
    /// Counts an entry that `ally` sends; `false` when it is over the allowance.
    pub(super) fn take(&mut self, ally: AllyId, charge: Charge, now: Timestamp) -> bool {
        self.0.retain(|_, taken| taken.give_back(now));
        let taken = self.0.entry(ally).or_insert(Taken { until: now, ..Taken::default() });
        let mut then = *taken;
        match charge {
            Charge::Own { bytes, seen } => {
                then.bytes += bytes;
                then.seen += u64::from(seen);
            }
            Charge::Newcomer => then.newcomers += 1,
        }
        let within = then.bytes <= SAVED_UP * BYTES_A_DAY
            && then.seen <= SAVED_UP * SEEN_A_DAY
            && then.newcomers <= SAVED_UP * NEWCOMERS_A_DAY;
        if within {
            *taken = then;
        }
        within
    }
}

impl Taken {
    /// Lets the time pass; `false` when nothing is left to count.
    const fn give_back(&mut self, now: Timestamp) -> bool {
        let hours = now.since(self.until) / HOUR_MS;
        self.until = self.until.plus(hours.saturating_mul(HOUR_MS));
        self.bytes = self.bytes.saturating_sub(hours.saturating_mul(BYTES_A_DAY / 24));
        self.seen = self.seen.saturating_sub(hours.saturating_mul(SEEN_A_DAY) / 24);
        self.newcomers = self.newcomers.saturating_sub(hours.saturating_mul(NEWCOMERS_A_DAY) / 24);
        self.bytes > 0 || self.seen > 0 || self.newcomers > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);
    const EVE: AllyId = AllyId([5; 32]);
    const BOB: AllyId = AllyId([2; 32]);
    const DAY: u64 = 24 * HOUR_MS;

    fn own(bytes: u64) -> Charge {
        Charge::Own { bytes, seen: false }
    }

    #[test]
    fn a_week_may_be_taken_at_once_and_then_a_day_a_day() {
        let mut allowances = Allowances::default();
        assert!(allowances.take(EVE, own(7 * BYTES_A_DAY), NOW));
        assert!(!allowances.take(EVE, own(1), NOW));
        assert!(allowances.take(BOB, own(1), NOW), "each has its own");
        // However often it is tried in between.
        let tries = (0..48).filter(|n| allowances.take(EVE, own(BYTES_A_DAY), NOW.plus(n * DAY / 24))).count();
        assert_eq!(tries, 1);
        assert!(!allowances.take(EVE, own(BYTES_A_DAY), NOW.plus(DAY)), "no clock goes back to get more");
    }

    #[test]
    fn what_is_seen_and_who_comes_are_counted_apart() {
        let mut allowances = Allowances::default();
        let seen = Charge::Own { bytes: 200, seen: true };
        for (now, days) in [(NOW, 7), (NOW.plus(DAY), 1)] {
            let mut taken = |charge| (0..2_000).filter(|_| allowances.take(EVE, charge, now)).count() as u64;
            assert_eq!((taken(seen), taken(Charge::Newcomer)), (days * SEEN_A_DAY, days * NEWCOMERS_A_DAY));
        }
        assert!(allowances.take(EVE, own(200), NOW));
    }

    #[test]
    fn what_was_given_back_leaves_no_row() {
        let mut allowances = Allowances::default();
        assert!(allowances.take(EVE, own(7 * BYTES_A_DAY), NOW));
        assert!(allowances.take(BOB, own(1), NOW.plus(9 * DAY)));
        assert!(!allowances.0.contains_key(&EVE));
    }
}
