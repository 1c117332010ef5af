//! The home of a node: one directory that holds everything this ally keeps, used by one process at a time.
//!
//! ```text
//! HOME/version          "essaim 1": the layout below; another number is refused, never guessed
//! HOME/lock             held (flock) by the process that uses the home; holds its pid
//! HOME/key              the device's seed, 64 hexadecimal digits, mode 0600
//! HOME/token            the bearer token of the local API, mode 0600
//! HOME/profile.json     the name under which this ally joins
//! HOME/api.json         where a running node answers: {"pid", "address"}; removed when it stops
//! HOME/ports.json       the ports of the last run, taken again so that addresses in tickets and at allies stay good
//! HOME/settings.json    which territory is ours; HOME/read.json: what was read in the inbox
//! HOME/drafts/          what was typed and not shared yet
//! HOME/commons/ID/      one commons: charter.md, store/, index/
//! HOME/commons/ID/founding       it is being founded, or its founding was cut and it is none
//! ```
//!
//! Files that matter are written aside, fsynced and renamed, so that a crash leaves the old one or the new one.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use essaim_protocol::id::{CommonsId, base32};
use essaim_protocol::sign::{Keys, Seed};
use serde::{Deserialize, Serialize};

use crate::lock::Refused;

/// The layout that this program reads and writes.
const VERSION: &str = "essaim 1";

/// The file that the directory of a commons holds until its first statements are durable.
pub(crate) const FOUNDING: &str = "founding";

/// Least characters of a token: 128 bits in base 32, which nobody guesses. A file that a power cut left empty is not a
/// token that everybody has.
const MIN_TOKEN: usize = 26;

/// Why a home cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no home here yet.
    #[error("no Essaim home at {}", .path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another process uses it.
    #[error("another essaim uses the home {} (process {})", .path.display(), pid_text(*.pid))]
    Locked {
        /// The home.
        path: PathBuf,
        /// The other process, when it could be read.
        pid: Option<u32>,
    },
    /// It was made by a newer program.
    #[error("the home {} was made by a newer Essaim ({found})", .path.display())]
    Newer {
        /// The home.
        path: PathBuf,
        /// What its version file says.
        found: String,
    },
    /// A file in it is damaged.
    #[error("{} is damaged: {what}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: Flaw,
    },
    /// The operating system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// What is wrong with a file of the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Of the version file.
    #[error("it does not name a version")]
    Version,
    /// Of the key.
    #[error("it is not 64 hexadecimal digits")]
    Key,
    /// Of the token.
    #[error("it is too short for a token; delete it, and another is made")]
    Token,
    /// Of all others.
    #[error("it is not the JSON this version writes")]
    Json,
}

fn pid_text(pid: Option<u32>) -> String {
    pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string())
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    move |source| Error::Io { path: path.to_owned(), source }
}

/// Who this ally is, as it introduces itself when it creates or joins a commons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The ally's name: "Commune de Gruissan".
    pub name: String,
    /// Whether a person rather than an organisation.
    #[serde(default)]
    pub person: bool,
}

/// Where a running node answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The process.
    pub pid: u32,
    /// Its local API, a loopback address.
    pub address: std::net::SocketAddr,
}

/// The ports at which peers find this node. Each family has its own: the system chooses one for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// For QUIC over IPv4.
    pub udp4: Option<u16>,
    /// For QUIC over IPv6.
    pub udp6: Option<u16>,
    /// For TCP over IPv4.
    pub tcp4: Option<u16>,
    /// For TCP over IPv6.
    pub tcp6: Option<u16>,
}

/// A home that this process holds alone until it is dropped.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    _lock: File,
    keys: Keys,
    token: String,
    profile: Profile,
}

impl Home {
    /// Makes a new home, or completes one whose making was interrupted, and locks it.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process uses it, [`Error::Newer`], [`Error::Damaged`], [`Error::Io`].
    pub fn create(path: &Path, profile: &Profile) -> Result<Self, Error> {
        make_dirs(path, 0o700).map_err(at(path))?;
        let lock = lock(path)?;
        check_version(path)?;
        for name in ["drafts", "commons"] {
            let dir = path.join(name);
            make_dir(&dir).map_err(at(&dir))?;
        }
        let mut seed = [0; 32];
        rand::fill(&mut seed[..]);
        let digits = data_encoding::HEXLOWER.encode(&seed);
        let key = path.join("key");
        if !key.exists() {
            write_whole(&key, digits.as_bytes(), 0o600).map_err(at(&key))?;
        }
        write_json(&path.join("profile.json"), profile)?;
        // Last: a directory with a version file is a whole home.
        let version = path.join("version");
        write_whole(&version, VERSION.as_bytes(), 0o644).map_err(at(&version))?;
        Self::read(path, lock)
    }

    /// Opens and locks an existing home.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none, otherwise as [`Home::create`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !path.join("version").exists() {
            return Err(Error::Missing { path: path.to_owned() });
        }
        let lock = lock(path)?;
        check_version(path)?;
        let home = Self::read(path, lock)?;
        home.clear_unfounded();
        Ok(home)
    }

    /// Removes what is left of a founding that was cut before it was answered. Nobody has heard of such a commons; one
    /// that cannot be removed takes room and nothing else.
    fn clear_unfounded(&self) {
        let Ok(entries) = fs::read_dir(self.path.join("commons")) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.join(FOUNDING).exists() {
                let _ = fs::remove_dir_all(path);
            }
        }
    }

    fn read(path: &Path, lock: File) -> Result<Self, Error> {
        let keys = Keys::from_seed(&read_seed(&path.join("key"))?);
        let token = path.join("token");
        // Deleting it shuts out whoever had it.
        if !token.exists() {
            write_whole(&token, fresh_token().as_bytes(), 0o600).map_err(at(&token))?;
        }
        let token = read_token(path)?;
        let profile = read_json(&path.join("profile.json"))?;
        let home = Self { path: path.to_owned(), _lock: lock, keys, token, profile };
        // Only the holder of the lock answers: what an earlier process left is void.
        home.stopped()?;
        Ok(home)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The device's keys.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The bearer token of the local API.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Who this ally is.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The directory of one commons.
    #[must_use]
    pub fn commons_dir(&self, id: &CommonsId) -> PathBuf {
        self.path.join("commons").join(id.to_string())
    }

    /// The commons that this home holds, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be read.
    pub fn commons(&self) -> Result<Vec<CommonsId>, Error> {
        let dir = self.path.join("commons");
        let mut ids = Vec::new();
        for entry in fs::read_dir(&dir).map_err(at(&dir))? {
            let name = entry.map_err(at(&dir))?.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.parse().ok()) {
                ids.push(id);
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The ports of the last run; none when there was none, or when they cannot be read: then others are taken.
    #[must_use]
    pub fn ports(&self) -> Ports {
        ports(&self.path)
    }

    /// Tells other processes where this one answers.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn announce(&self, address: std::net::SocketAddr) -> Result<(), Error> {
        write_json(&self.path.join("api.json"), &Running { pid: std::process::id(), address })
    }

    /// Takes the announcement back.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn stopped(&self) -> Result<(), Error> {
        let path = self.path.join("api.json");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            _ => Ok(()),
        }
    }
}

fn ports(path: &Path) -> Ports {
    read_json(&path.join("ports.json")).unwrap_or_default()
}

/// Notes the ports of this run for the next: `change` is given those noted so far. Only by the holder of the home, which it
/// need not lend: the disk may take its time.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn keep_ports(path: &Path, change: impl FnOnce(Ports) -> Ports) -> Result<(), Error> {
    let noted = ports(path);
    let ports = change(noted);
    if ports == noted { Ok(()) } else { write_json(&path.join("ports.json"), &ports) }
}

/// The node that answers for a home, when one does: for a command that wants to talk to it.
///
/// An announcement outlives a node that was killed, and then anybody may listen at its address. It counts only while the
/// process that wrote it holds the home.
#[must_use]
pub fn running(path: &Path) -> Option<Running> {
    let announced: Running = read_json(&path.join("api.json")).ok()?;
    let lock = File::open(path.join("lock")).ok()?;
    let held = matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock));
    (held && crate::lock::signed_by(&lock) == Some(announced.pid)).then_some(announced)
}

/// The bearer token of a home that another process holds.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::Damaged`] when it is not a whole token.
pub fn read_token(path: &Path) -> Result<String, Error> {
    let file = path.join("token");
    let token = fs::read_to_string(&file).map_err(at(&file))?.trim().to_owned();
    if token.len() < MIN_TOKEN {
        return Err(Error::Damaged { path: file, what: Flaw::Token });
    }
    Ok(token)
}

fn lock(path: &Path) -> Result<File, Error> {
    let file = path.join("lock");
    crate::lock::hold(&file).map_err(|refused| match refused {
        Refused::Held(pid) => Error::Locked { path: path.to_owned(), pid },
        Refused::System(source) => at(&file)(source),
    })
}

fn check_version(path: &Path) -> Result<(), Error> {
    let file = path.join("version");
    match fs::read_to_string(&file) {
        Ok(text) if text.trim() == VERSION => Ok(()),
        Ok(text) => {
            let number = text.trim().strip_prefix("essaim ").and_then(|number| number.parse::<u32>().ok());
            match number {
                Some(found) => Err(Error::Newer { path: path.to_owned(), found: found.to_string() }),
                None => Err(Error::Damaged { path: file, what: Flaw::Version }),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(&file)(error)),
    }
}

fn read_seed(file: &Path) -> Result<Seed, Error> {
    let digits = fs::read_to_string(file).map_err(at(file))?;
    data_encoding::HEXLOWER
        .decode(digits.trim().as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .map(Seed::new)
        .ok_or_else(|| Error::Damaged { path: file.to_owned(), what: Flaw::Key })
}

fn fresh_token() -> String {
    let mut token = [0; 32];
    rand::fill(&mut token[..]);
    base32(&token)
}

/// Reads a JSON file of the home.
///
/// # Errors
/// [`Error::Io`] or [`Error::Damaged`].
pub(crate) fn read_json<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T, Error> {
    let text = fs::read(file).map_err(at(file))?;
    serde_json::from_slice(&text).map_err(|_| Error::Damaged { path: file.to_owned(), what: Flaw::Json })
}

/// Replaces a JSON file of the home, whole or not at all.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn write_json<T: Serialize>(file: &Path, value: &T) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| at(file)(error.into()))?;
    write_whole(file, &text, 0o600).map_err(at(file))
}

/// Replaces a file, whole or not at all: writes aside, fsyncs, renames, fsyncs the directory.
///
/// # Errors
/// What the system says.
pub(crate) fn write_whole(file: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let aside = file.with_extension("new");
    let mut new = File::options().write(true).create(true).truncate(true).mode(mode).open(&aside)?;
    new.write_all(bytes)?;
    new.sync_all()?;
    fs::rename(&aside, file)?;
    file.parent().map_or(Ok(()), sync_dir)
}

/// Makes a directory and those above it that are not there, so that they outlive a power cut.
///
/// # Errors
/// What the system says.
pub(crate) fn make_dir(dir: &Path) -> io::Result<()> {
    make_dirs(dir, 0o777)
}

fn make_dirs(dir: &Path, mode: u32) -> io::Result<()> {
    let changed = changed_by_making(dir, Path::exists);
    fs::DirBuilder::new().recursive(true).mode(mode).create(dir)?;
    for above in changed {
        match sync_dir(above) {
            // One in which we may write and not read cannot be synced; it is not ours.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    Ok(())
}

/// The directories that get a new line when one is made with those above it that are not there: all above it up to the
/// first that is. When it is there itself it may have been made a moment ago by a process that was killed then, so
/// the one above it is always among them.
fn changed_by_making(dir: &Path, is_there: impl Fn(&Path) -> bool) -> Vec<&Path> {
    let mut changed = Vec::new();
    for above in dir.ancestors().skip(1) {
        // A name alone stands in the directory where we are.
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        changed.push(above);
        if is_there(above) {
            break;
        }
    }
    changed
}

/// New and renamed files survive a power cut only after their directory is synced.
///
/// # Errors
/// What the system says.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn profile() -> Profile {
        Profile { name: "Communauté de communes Cœur Haute Lande".to_owned(), person: false }
    }

    #[test]
    fn a_home_is_the_same_when_it_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mairie de Gruissan");
        let home = Home::create(&path, &profile()).unwrap();
        let (key, token) = (home.keys().key(), home.token().to_owned());
        drop(home);
        let home = Home::open(&path).unwrap();
        assert_eq!((home.keys().key(), home.token(), home.profile()), (key, token.as_str(), &profile()));
    }

    #[test]
    fn what_is_left_of_a_founding_that_was_cut_is_no_commons_and_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::create(dir.path(), &profile()).unwrap();
        let (cut, whole) = (CommonsId([1; 32]), CommonsId([2; 32]));
        let left = home.commons_dir(&cut);
        fs::create_dir_all(left.join("store")).unwrap();
        fs::write(left.join(FOUNDING), "").unwrap();
        fs::create_dir_all(home.commons_dir(&whole)).unwrap();
        drop(home);
        assert_eq!(Home::open(dir.path()).unwrap().commons().unwrap(), [whole]);
        assert!(!left.exists());
    }

    #[test]
    fn every_directory_with_a_new_line_is_synced() {
        let there = [".", "/", "/srv", "donnees", "donnees/maison"];
        let changed =
            |dir: &'static str| changed_by_making(Path::new(dir), |above| there.iter().any(|t| above == Path::new(t)));
        let paths = |all: &'static [&'static str]| all.iter().map(Path::new).collect::<Vec<_>>();
        assert_eq!(changed("/srv/essaim"), paths(&["/srv"]));
        assert_eq!(changed("/srv/alliance/allies/essaim"), paths(&["/srv/alliance/allies", "/srv/alliance", "/srv"]));
        assert_eq!(changed("/essaim"), paths(&["/"]));
        assert_eq!(changed("/srv"), paths(&["/"]), "it may be as new as what is made in it");
        assert_eq!(changed("essaim"), paths(&["."]));
        assert_eq!(changed("neuf/essaim"), paths(&["neuf", "."]));
        assert_eq!(changed("donnees/maison/essaim"), paths(&["donnees/maison"]));
        assert_eq!(changed("/"), paths(&[]));
    }

    #[test]
    fn a_home_and_all_above_it_are_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alliance/allies/essaim");
        drop(Home::create(&path, &profile()).unwrap());
        drop(Home::open(&path).unwrap());
    }

    #[test]
    fn secrets_are_for_their_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::create(dir.path(), &profile()).unwrap();
        for name in ["key", "token"] {
            let mode = fs::metadata(home.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_second_user_of_a_home_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let _home = Home::create(dir.path(), &profile()).unwrap();
        let error = Home::open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Locked { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
    }

    #[test]
    fn a_token_that_is_empty_or_cut_short_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::create(dir.path(), &profile()).unwrap();
        let whole = home.token().to_owned();
        drop(home);
        for cut in ["", "\n", &whole[..10]] {
            fs::write(dir.path().join("token"), cut).unwrap();
            let error = Home::open(dir.path()).unwrap_err();
            assert!(matches!(error, Error::Damaged { what: Flaw::Token, .. }), "{cut:?}: {error}");
        }
    }

    #[test]
    fn an_announcement_counts_only_while_its_process_holds_the_home() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::create(dir.path(), &profile()).unwrap();
        let address = "127.0.0.1:8421".parse().unwrap();
        home.announce(address).unwrap();
        assert_eq!(running(dir.path()).map(|running| running.address), Some(address));
        let announcement = fs::read(dir.path().join("api.json")).unwrap();
        drop(home);
        // As after a kill: the announcement stands, and nobody holds the home.
        fs::write(dir.path().join("api.json"), &announcement).unwrap();
        assert_eq!(running(dir.path()), None);
        // Then somebody else holds it, who did not write it.
        let _home = Home::open(dir.path()).unwrap();
        let other = Running { pid: std::process::id() + 1, address };
        write_json(&dir.path().join("api.json"), &other).unwrap();
        assert_eq!(running(dir.path()), None);
    }

    #[test]
    fn what_is_no_home_or_a_newer_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Home::open(&dir.path().join("rien")), Err(Error::Missing { .. })));
        drop(Home::create(dir.path(), &profile()).unwrap());
        fs::write(dir.path().join("version"), "essaim 2").unwrap();
        assert!(matches!(Home::open(dir.path()), Err(Error::Newer { found, .. }) if found == "2"));
        fs::write(dir.path().join("version"), "essaim 1").unwrap();
        fs::write(dir.path().join("key"), "zz").unwrap();
        assert!(matches!(Home::open(dir.path()), Err(Error::Damaged { .. })));
    }
}
