//! Runs many seeds of the simulator: `cargo run --release -p essaim-tests --bin simulate -- --seeds 10000 [--from 0]`.
//! Exits 1, after printing each failing seed, when one fails.

use std::process::ExitCode;

use essaim_tests::sim;

fn main() -> ExitCode {
    let (Some(seeds), Some(from)) = (number("--seeds", 250), number("--from", 0)) else {
        eprintln!("usage: simulate [--seeds N] [--from N]");
        return ExitCode::from(2);
    };
    let (mut failed, mut sum, mut slowest) = (0, sim::Report::default(), 0);
    for seed in from..from + seeds {
        match sim::run(seed) {
            Ok(report) => {
                sum.saves += report.saves;
                sum.sessions += report.sessions;
                sum.crashes += report.crashes;
                sum.disks += report.disks;
                sum.forged += report.forged;
                sum.named += report.named;
                sum.quarantined += report.quarantined;
                slowest = slowest.max(report.calm);
            }
            Err(failure) => {
                failed += 1;
                println!("{failure}");
            }
        }
    }
    let sim::Report { saves, sessions, crashes, disks, forged, named, quarantined, .. } = sum;
    println!("{seeds} seeds: {saves} saves, {sessions} sessions, {crashes} crashes, {disks} disks lost");
    println!("{forged} forged entries, {named} times named, {quarantined} changes in quarantine");
    println!("equal at the latest after {} s without faults; {failed} failures", slowest / 1000);
    ExitCode::from(u8::from(failed > 0))
}

/// The number after an option, or what holds without it; `None` when it is no number.
fn number(option: &str, default: u64) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != option);
    match arguments.next() {
        Some(_) => arguments.next()?.parse().ok(),
        None => Some(default),
    }
}
