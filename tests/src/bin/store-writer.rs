//! Writes entries into a store until it is killed, and prints each one that is acknowledged: the process that the crash
//! and power-cut tests kill.
//!
//! `store-writer DIR SEED FIRST`: writes entries from number FIRST on; the sizes of the batches follow from the seed.
//! After each acknowledged append it prints the number of the next entry, one line each, and flushes. Ordinals are not
//! the numbers: a killed writer may have left own entries in the outbox that it never acknowledged.

use std::io::Write as _;
use std::process::ExitCode;

use essaim_node::store::{Config, open};
use essaim_protocol::store::conformance::Sample;
use essaim_protocol::store::{Error, Store as _, Table};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let numbers =
        arguments.get(2).and_then(|seed| seed.parse().ok()).zip(arguments.get(3).and_then(|n| n.parse().ok()));
    let (Some(dir), Some((seed, first))) = (arguments.get(1), numbers) else {
        eprintln!("usage: store-writer DIR SEED FIRST");
        return ExitCode::from(2);
    };
    match write(dir, seed, first) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write(dir: &str, mut seed: u64, mut first: u64) -> Result<(), Error> {
    let (mut store, report) = open(&Config { free: 0, ballast: 0, ..Config::new(dir) })?;
    if !report.repairs.is_empty() {
        return Err(Error::Engine(format!("a killed writer left damage: {:?}", report.repairs)));
    }
    loop {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = [1, 1, 3, 50, 400][(seed >> 33) as usize % 5];
        let samples: Vec<Sample> = (first..first + size).map(own_or_not).collect();
        store.append(&samples.iter().map(Sample::append).collect::<Vec<_>>())?;
        let mut out = std::io::stdout().lock();
        // The reader is gone when it has what it wanted.
        if writeln!(out, "{}", first + size).and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
        match (seed >> 40) % 8 {
            0 => drop(store.tidy()?),
            1 => store.put(Table::Views, &[(first.to_be_bytes().to_vec(), Some(vec![7; 3000 * size as usize]))])?,
            2 => store.confirm(&samples.iter().step_by(2).map(Sample::id).collect::<Vec<_>>())?,
            _ => {}
        }
        first += size;
    }
}

/// Entry number `n`, every seventh made on this device.
fn own_or_not(n: u64) -> Sample {
    let mut sample = Sample::new(n);
    sample.own = n.is_multiple_of(7);
    sample
}
