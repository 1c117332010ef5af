//! `essaim doctor`: reads the whole store and says what is damaged and what can be done.

use essaim_protocol::store::{Error, Flaw};

use super::engine::{checksum, guarded};
use super::recovery::is_damage;
use super::runs::{Kind, Row, rows_of};
use super::{Disk, Parts};

/// What a check read and found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Whole entries in the log.
    pub entries: u64,
    /// Whole frames that hold them.
    pub frames: u64,
    /// Bytes of the database on disk.
    pub bytes: u64,
    /// Own entries that no other ally is known to hold.
    pub outbox: u64,
    /// What is not as it was written.
    pub damaged: Vec<Damaged>,
}

/// Something damaged.
#[derive(Debug)]
pub struct Damaged {
    /// Where and what.
    pub error: Error,
    /// What helps.
    pub cure: Cure,
}

/// What helps against damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// It is derived from the log: rebuilding makes it whole, and nothing is lost.
    Rebuild,
    /// Entries are gone here. Rebuilding salvages what is whole, and syncing brings back what an ally holds.
    RebuildAndSync,
    /// A local note is gone, or a second copy; it is written again as the node works.
    Nothing,
}

/// Of all rows of an index: their number and a sum that no other set of rows has but by design.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    rows: u64,
    sum: u128,
}

impl Disk {
    /// Reads everything and compares it: each frame of the log, the indexes with it, each value of each table, the
    /// outbox.
    ///
    /// # Errors
    /// When the store cannot be read at all. Damage is found, not an error.
    pub fn check(&mut self) -> Result<Findings, Error> {
        let mut findings = Findings { outbox: self.outbox.ids().len() as u64, ..Findings::default() };
        guarded(|| self.parts.check(&mut findings))?;
        let torn = self.outbox.verify()?.frames;
        if torn > 0 {
            findings.note(corrupt("outbox", Flaw::Check), Cure::Nothing);
        }
        Ok(findings)
    }
}

impl Parts {
    fn check(&self, findings: &mut Findings) -> Result<(), Error> {
        findings.bytes = self.engine.size_on_disk()?;
        if self.engine.blobs()? > 0 {
            findings.note(corrupt("blobs", Flaw::Misplaced), Cure::Rebuild);
        }
        let expected = self.check_log(findings)?;
        for kind in Kind::ALL {
            let mut found = Tally::default();
            match self.runs.rows(kind, &mut |row| found.add(row)) {
                Err(error) if is_damage(&error) => findings.note(error, Cure::Rebuild),
                Err(error) => return Err(error),
                Ok(()) if found != expected[kind as usize] => {
                    findings.note(corrupt("index", Flaw::Disagrees), Cure::Rebuild);
                }
                Ok(()) => {}
            }
        }
        for (table, values) in &self.tables {
            let cure = if table.is_derived() { Cure::Rebuild } else { Cure::Nothing };
            values.verify_all(|error| findings.note(error, cure))?;
        }
        Ok(())
    }

    /// Reads every frame and tallies the rows that the indexes should have.
    fn check_log(&self, findings: &mut Findings) -> Result<[Tally; 3], Error> {
        let mut expected: [Tally; 3] = Default::default();
        let mut end = 0;
        for first in self.log.firsts() {
            let frame = match self.log.frame(first) {
                Err(error) if is_damage(&error) => {
                    findings.note(error, Cure::RebuildAndSync);
                    continue;
                }
                frame => frame?,
            };
            if first < end {
                findings.note(corrupt("log", Flaw::Form), Cure::Rebuild);
            }
            end = frame.end();
            findings.frames += 1;
            for (at, entry) in frame.entries() {
                findings.entries += 1;
                rows_of(at, &entry).for_each(|(kind, row)| expected[kind as usize].add(&row));
            }
        }
        if end != self.log.end() {
            findings.note(corrupt("log", Flaw::Incomplete), Cure::RebuildAndSync);
        }
        Ok(expected)
    }
}

impl Findings {
    fn note(&mut self, error: Error, cure: Cure) {
        self.damaged.push(Damaged { error, cure });
    }
}

impl Tally {
    fn add(&mut self, row: &Row) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(checksum(row)));
    }
}

fn corrupt(place: &str, what: Flaw) -> Error {
    Error::Corrupt { place: place.to_owned(), what }
}
