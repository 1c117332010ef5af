//! Runs many seeds of the simulator: `cargo run --release -p essaim-tests --bin simulate -- --seeds 10000 [--from 0]`.
//! Exits 1, after printing each failing seed, when one fails.

use std::process::ExitCode;

use essaim_tests::sim;

fn main() -> ExitCode {
    let (Some(seeds), Some(from)) = (number("--seeds", 250), number("--from", 0)) else {
        eprintln!("usage: simulate [--seeds N] [--from N]");
        return ExitCode::from(2);
    };
    let (mut failed, mut sessions, mut crashes) = (0, 0, 0);
    for seed in from..from + seeds {
        match sim::run(seed) {
            Ok(report) => {
                sessions += report.sessions;
                crashes += report.crashes;
            }
            Err(failure) => {
                failed += 1;
                println!("{failure}");
            }
        }
    }
    println!("{seeds} seeds, {sessions} sessions, {crashes} crashes, {failed} failures");
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
