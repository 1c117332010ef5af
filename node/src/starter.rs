//! The starter heritage: the records that a new commons can begin with, as the reference changes they become.
//!
//! They could be made from `data/heritage.jsonl` at each founding, but shipped as bytes they are the same whatever later
//! versions of this program make of a line, so that two allies who adopt the heritage years apart still hold one copy of
//! it; and adopting them is no more than signing. The bytes are laid out as `data/README.md` says; a test makes them from
//! the lines again.

use essaim_protocol::entry::Origin;
use essaim_protocol::gate::CHUNK_MAX;
use essaim_protocol::wire::{DecodeError, Reader};

static CHANGES: &[u8] = include_bytes!("../data/heritage.changes");

/// Version byte of the layout.
const VERSION: u8 = 1;

/// More than the unpacked heritage, so that a wrong file is refused and not unpacked without end.
const MAX_UNPACKED: usize = 4 << 20;

/// More records than there are.
const MAX_RECORDS: usize = 10_000;

/// The records of the heritage: where each comes from, and its first edition.
pub(crate) fn records() -> Vec<(Origin, Vec<u8>)> {
    let unpacked = zstd::bulk::decompress(CHANGES, MAX_UNPACKED).expect("the embedded heritage is a zstd frame");
    read(&unpacked).expect("the embedded heritage is laid out as its test checks")
}

fn read(bytes: &[u8]) -> Result<Vec<(Origin, Vec<u8>)>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let version = reader.u8()?;
    if version != VERSION {
        return Err(DecodeError::Unknown { what: "heritage version", found: version.into() });
    }
    let count = reader.count("records of the heritage", MAX_RECORDS)?;
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        let system = reader.text("the system of an origin", Origin::SYSTEM_MAX)?.to_owned();
        let id = reader.text("the id of an origin", Origin::ID_MAX)?.to_owned();
        let chunk = reader.bytes("a reference change", CHUNK_MAX)?.to_vec();
        records.push((Origin { system, id }, chunk));
    }
    reader.end()?;
    Ok(records)
}

#[cfg(test)]
mod tests {
    use essaim_protocol::entry::adoption::reference_chunk;
    use essaim_protocol::record::import::import_lines;
    use essaim_protocol::record::reference;
    use essaim_protocol::wire::Write as _;

    use super::*;

    /// The layout of what the lines become.
    fn made_from_lines() -> Vec<u8> {
        let import = import_lines(include_bytes!("../data/heritage.jsonl"), &|_| false);
        assert!(import.bad.is_empty(), "{:?}", import.bad);
        let mut bytes = vec![VERSION];
        bytes.put_uleb(import.records.len() as u64);
        for record in &import.records {
            assert!(record.dangling.is_empty(), "line {} names {:?}", record.line, record.dangling);
            let origin = record.origin.as_ref().unwrap();
            let draft = reference::first(&record.kind, &record.fields, origin).unwrap();
            bytes.put_bytes(origin.system.as_bytes());
            bytes.put_bytes(origin.id.as_bytes());
            bytes.put_bytes(&reference_chunk(origin, &draft.chunk).unwrap());
        }
        bytes
    }

    /// When the lines change, `ESSAIM_BLESS=1 cargo test -p essaim-node starter` writes the file anew.
    #[test]
    fn the_shipped_changes_are_what_the_lines_become() {
        let made = made_from_lines();
        if std::env::var_os("ESSAIM_BLESS").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/heritage.changes");
            std::fs::write(path, zstd::bulk::compress(&made, 19).unwrap()).unwrap();
            return;
        }
        // Compared unpacked: another version of the compressor may pack the same bytes otherwise.
        let shipped = zstd::bulk::decompress(CHANGES, MAX_UNPACKED).unwrap();
        assert!(
            made == shipped,
            "{} bytes made, {} shipped: see above how to write them anew",
            made.len(),
            shipped.len()
        );
        assert_eq!(records().len(), 260);
    }

    #[test]
    fn a_damaged_heritage_is_an_error() {
        let made = made_from_lines();
        assert!(matches!(read(&made[..made.len() - 1]), Err(DecodeError::Truncated { .. })));
        assert_eq!(read(&[&made[..], &[0]].concat()).err(), Some(DecodeError::Trailing { count: 1 }));
        assert!(matches!(read(&[2]), Err(DecodeError::Unknown { .. })));
    }
}
