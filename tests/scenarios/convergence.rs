//! Nodes that lose connections, crash and are parted come to hold the same. `ESSAIM_SIM_SEED=n` replays one seed; a
//! longer run is `cargo run --release -p essaim-tests --bin simulate -- --seeds 10000`.

use essaim_tests::sim;

/// Seeds that once failed: they always run.
const REGRESSIONS: [u64; 0] = [];

#[test]
fn all_nodes_come_to_hold_the_same_whatever_happens_on_the_way() {
    let seeds: Vec<u64> = match std::env::var("ESSAIM_SIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("ESSAIM_SIM_SEED is a number")],
        Err(_) => REGRESSIONS.into_iter().chain(100..160).collect(),
    };
    let mut reports = Vec::new();
    for seed in seeds {
        match sim::run(seed) {
            Ok(report) => reports.push(report),
            Err(failure) => panic!("{failure}"),
        }
    }
    // One seed may be calm; sixty are not, or the simulator has stopped to simulate.
    if reports.len() > 1 {
        assert!(reports.iter().map(|report| report.cut).sum::<u64>() > 100);
        assert!(reports.iter().map(|report| report.crashes).sum::<u64>() > 20);
        assert!(reports.iter().any(|report| report.nodes > 20));
    }
}

#[test]
fn a_seed_always_tells_the_same_story() {
    for seed in 0..20 {
        let (once, again) = (sim::run(seed).unwrap(), sim::run(seed).unwrap());
        assert_eq!(once, again, "seed {seed}");
    }
    assert_ne!(sim::run(0).unwrap().history, sim::run(1).unwrap().history);
}
