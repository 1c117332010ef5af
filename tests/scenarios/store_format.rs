//! Old formats stay alive: a store that version 1 wrote opens and holds what it held.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::fs;
use std::path::Path;

use essaim_node::store::{Config, Report, open};
use essaim_protocol::store::conformance::Sample;
use essaim_protocol::store::{Ordinal, Store as _, Table};

#[test]
fn a_store_of_version_1_holds_what_it_held() {
    let home = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store/v1"), home.path());
    let (mut store, report) = open(&Config { free: 0, ballast: 0, ..Config::new(home.path()) }).unwrap();
    assert_eq!(report, Report::default());
    assert_eq!(store.end(), Ordinal(100));
    for n in 0..100 {
        let sample = Sample::new(n);
        assert_eq!(store.ordinal(&sample.id()).unwrap(), Some(Ordinal(n)));
        assert_eq!(store.read(Ordinal(n)).unwrap(), Some((sample.id(), sample.append().bytes.to_vec())));
    }
    let own: Vec<_> = (14..100).step_by(7).map(|n| Sample::new(n).id()).collect();
    assert_eq!(store.outbox(), own, "every seventh is our own, 0 and 7 were confirmed");
    assert_eq!(store.get(Table::Views, b"long").unwrap(), Some(vec![7; 33_000]), "a value in parts");
    assert_eq!(store.get(Table::Views, b"court").unwrap(), Some(b"une vue".to_vec()));
    assert_eq!(store.get(Table::Notes, b"note").unwrap(), Some(b"une note".to_vec()));
    assert!(store.check().unwrap().damaged.is_empty());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}
