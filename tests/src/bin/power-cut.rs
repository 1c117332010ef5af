//! Power cuts, simulated: `power-cut WRITER [CUTS]`, as root on Linux, where WRITER is the program `store-writer`.
//!
//! A file holds an ext4 file system, mounted through a loop device. In the middle of writing, the writer is stopped and
//! the file is copied: the copy is what a disk holds when the power goes, without what the kernel had not yet written.
//! It is mounted (its journal is replayed) and every entry that had been acknowledged must be there.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use essaim_node::store::{Config, open};
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
            Ok(entries) => {
                println!("cut {cut}: all of {entries} acknowledged entries kept");
                kept += 1;
            }
            Err(error) => println!("cut {cut}: LOST: {error}"),
        }
    }
    println!("{kept} of {cuts} cuts kept every acknowledged write");
    if kept == cuts { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one_cut(writer: &Path, cut: u64) -> Result<u64, Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let (image, copy) = (home.path().join("disk"), home.path().join("copy"));
    fs::File::create(&image)?.set_len(SIZE)?;
    run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), image.as_ref()])?;
    let acknowledged = {
        let mounted = Mounted::new(&image, home.path().join("live"))?;
        written_until(writer, &mounted.0.join("store"), cut, || {
            run("cp", &["--sparse=always".as_ref(), image.as_ref(), copy.as_ref()])
        })?
    };
    let mounted = Mounted::new(&copy, home.path().join("after"))?;
    let (store, report) = open(&Config { free: 0, ballast: 0, ..Config::new(mounted.0.join("store")) })?;
    if !report.repairs.is_empty() {
        return Err(format!("repairs were needed: {:?}", report.repairs).into());
    }
    for n in 0..acknowledged {
        let sample = Sample::new(n);
        let found = store.ordinal(&sample.id())?.map(|at| store.read(at)).transpose()?.flatten();
        if found != Some((sample.id(), sample.append().bytes.to_vec())) {
            return Err(format!("entry {n} of {acknowledged} is gone").into());
        }
    }
    drop(store);
    Ok(acknowledged)
}

/// Starts a writer, lets it acknowledge some entries, stops it in whatever it does, calls `then`, and kills it. Returns
/// how many were acknowledged when it was stopped.
fn written_until(
    writer: &Path,
    dir: &Path,
    seed: u64,
    then: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<u64, Box<dyn Error>> {
    let mut child =
        Command::new(writer).arg(dir).args([seed.to_string(), "0".to_owned()]).stdout(Stdio::piped()).spawn()?;
    let printed = BufReader::new(child.stdout.take().ok_or("no output")?);
    let acknowledged = Arc::new(AtomicU64::new(0));
    let (enough, reached) = std::sync::mpsc::channel();
    let reader = std::thread::spawn({
        let acknowledged = Arc::clone(&acknowledged);
        move || {
            for (line, text) in (0..).zip(printed.lines().map_while(Result::ok)) {
                acknowledged.store(text.parse().unwrap_or(0), Ordering::SeqCst);
                if line == 3 + seed * 5 {
                    let _ = enough.send(());
                }
            }
        }
    });
    let outcome = reached.recv().map_err(Into::into).and_then(|()| {
        let before = acknowledged.load(Ordering::SeqCst);
        run("kill", &["-STOP".as_ref(), child.id().to_string().as_ref()])?;
        then().map(|()| before)
    });
    child.kill()?;
    child.wait()?;
    reader.join().map_err(|_| "the reader failed")?;
    outcome
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
