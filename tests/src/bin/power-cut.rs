//! Power cuts, simulated: `power-cut WRITER [CUTS]`, as root on Linux, where WRITER is the program `store-writer`.
//!
//! A file holds an ext4 file system, mounted through a loop device. In the middle of writing, the writer is stopped and
//! the file is copied: the copy is what a disk holds when the power goes, without what the kernel had not yet written.
//! It is mounted (its journal is replayed). Every entry that had been acknowledged must be in the log, which is opened
//! without the outbox for that, or the outbox would bring back own entries that the log had lost; and every own one
//! that nobody has confirmed must be in the outbox. On every second cut the writer goes on with a store that another
//! filled before it.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use essaim_node::store::{Config, Disk, open};
use essaim_protocol::id::EntryId;
use essaim_protocol::store::Store as _;
use essaim_protocol::store::conformance::Sample;

/// Size of the file system.
const SIZE: u64 = 512 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let Some(writer) = arguments.get(1) else {
        eprintln!("usage: power-cut WRITER [CUTS]");
        return ExitCode::from(2);
    };
    let cuts = arguments.get(2).and_then(|cuts| cuts.parse().ok()).unwrap_or(20);
    let mut kept = 0;
    for cut in 0..cuts {
        match one_cut(Path::new(writer), cut) {
            Ok(Kept { before, entries, own }) => {
                println!(
                    "cut {cut}: all of {entries} acknowledged entries kept in the log ({before} of them from before), all of {own} own ones in the outbox"
                );
                kept += 1;
            }
            Err(error) => println!("cut {cut}: LOST: {error}"),
        }
    }
    println!("{kept} of {cuts} cuts kept every acknowledged write");
    if kept == cuts { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a cut left.
struct Kept {
    /// Acknowledged entries of an earlier writer.
    before: u64,
    /// Acknowledged entries, these included.
    entries: u64,
    /// Own ones that nobody confirmed.
    own: u64,
}

fn one_cut(writer: &Path, cut: u64) -> Result<Kept, Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let (image, copy) = (home.path().join("disk"), home.path().join("copy"));
    fs::File::create(&image)?.set_len(SIZE)?;
    run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), image.as_ref()])?;
    let (before, acknowledged) = {
        let mounted = Mounted::new(&image, home.path().join("live"))?;
        let store = mounted.0.join("store");
        let mut acknowledged = vec![0];
        if cut % 2 == 1 {
            written_until(writer, &store, cut + 1000, &mut acknowledged, || Ok(()))?;
        }
        let before = *acknowledged.last().unwrap_or(&0);
        written_until(writer, &store, cut, &mut acknowledged, || {
            run("cp", &["--sparse=always".as_ref(), image.as_ref(), copy.as_ref()])
        })?;
        (before, acknowledged)
    };
    let mounted = Mounted::new(&copy, home.path().join("after"))?;
    let store = mounted.0.join("store");
    let entries = kept_in_the_log(&store, &acknowledged)?;
    let own = kept_in_the_outbox(&store, &acknowledged)?;
    Ok(Kept { before, entries, own })
}

fn opened(dir: &Path) -> Result<Disk, Box<dyn Error>> {
    let (store, report) = open(&Config { free: 0, ballast: 0, ..Config::new(dir) })?;
    if !report.repairs.is_empty() {
        return Err(format!("repairs were needed: {:?}", report.repairs).into());
    }
    Ok(store)
}

/// Opens the store without its outbox and looks for every entry that was acknowledged. Gives how many those are.
fn kept_in_the_log(dir: &Path, acknowledged: &[u64]) -> Result<u64, Box<dyn Error>> {
    let (outbox, aside) = (dir.join("outbox"), dir.join("outbox.aside"));
    fs::rename(&outbox, &aside)?;
    let store = opened(dir)?;
    let entries = *acknowledged.last().unwrap_or(&0);
    for n in 0..entries {
        let sample = Sample::new(n);
        let found = store.ordinal(&sample.id())?.map(|at| store.read(at)).transpose()?.flatten();
        if found != Some((sample.id(), sample.append().bytes.to_vec())) {
            return Err(format!("entry {n} of {entries} is gone from the log").into());
        }
    }
    drop(store);
    fs::remove_dir_all(&outbox)?;
    fs::rename(&aside, &outbox)?;
    Ok(entries)
}

/// Looks in the outbox for every own entry that was acknowledged and that no writer confirms. Gives how many those are.
fn kept_in_the_outbox(dir: &Path, acknowledged: &[u64]) -> Result<u64, Box<dyn Error>> {
    let held: BTreeSet<EntryId> = opened(dir)?.outbox().into_iter().collect();
    let mut own = 0;
    for batch in acknowledged.windows(2) {
        // A writer may confirm every second entry of a batch, from its first on.
        for n in (batch[0]..batch[1]).skip(1).step_by(2).filter(|n| n.is_multiple_of(7)) {
            if !held.contains(&Sample::new(n).id()) {
                return Err(format!("own entry {n} is gone from the outbox").into());
            }
            own += 1;
        }
    }
    Ok(own)
}

/// Starts a writer after the entries that are acknowledged, lets it acknowledge some more, stops it in whatever it does,
/// calls `then`, and kills it. Notes the number after each batch that was acknowledged when it was stopped.
fn written_until(
    writer: &Path,
    dir: &Path,
    seed: u64,
    acknowledged: &mut Vec<u64>,
    then: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let first = acknowledged.last().unwrap_or(&0).to_string();
    let mut child = Command::new(writer).arg(dir).args([seed.to_string(), first]).stdout(Stdio::piped()).spawn()?;
    let printed = BufReader::new(child.stdout.take().ok_or("no output")?);
    let said = Arc::new(Mutex::new(Vec::new()));
    let (enough, reached) = std::sync::mpsc::channel();
    let reader = std::thread::spawn({
        let said = Arc::clone(&said);
        move || {
            for (line, text) in (0..).zip(printed.lines().map_while(Result::ok)) {
                said.lock().unwrap_or_else(PoisonError::into_inner).extend(text.parse::<u64>());
                if line == 3 + seed % 1000 * 5 {
                    let _ = enough.send(());
                }
            }
        }
    });
    let outcome = reached.recv().map_err(Into::into).and_then(|()| {
        let before = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        run("kill", &["-STOP".as_ref(), child.id().to_string().as_ref()])?;
        then().map(|()| before)
    });
    child.kill()?;
    child.wait()?;
    reader.join().map_err(|_| "the reader failed")?;
    acknowledged.extend(outcome?);
    Ok(())
}

/// A mounted image, unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(image: &Path, at: PathBuf) -> Result<Self, Box<dyn Error>> {
        fs::create_dir(&at)?;
        run("mount", &["-o".as_ref(), "loop".as_ref(), image.as_ref(), at.as_ref()])?;
        Ok(Self(at))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Err(error) = run("umount", &[self.0.as_ref()]) {
            eprintln!("{} stays mounted: {error}", self.0.display());
        }
    }
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> Result<(), Box<dyn Error>> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}
