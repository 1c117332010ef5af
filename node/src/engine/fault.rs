//! What went wrong below, in the words of whoever asked: whose fault it is, where, and what is wrong there.

use std::path::Path;

use essaim_protocol::api::{Error, Words};
use essaim_protocol::roster::AuthorError;
use essaim_protocol::store::{self, Flaw};

use super::brief::read_error;
use crate::home;
use crate::index::IndexError;
use crate::keeper::DeskError;
use crate::store::Repair;

/// A fault of ours.
pub(super) fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal { detail: error.to_string() }
}

pub(super) fn home_error(error: home::Error) -> Error {
    let text = |path: &Path| path.display().to_string();
    match error {
        home::Error::Missing { path } => Error::NotInitialised { home: text(&path) },
        home::Error::Locked { path, pid } => Error::HomeLocked { home: text(&path), pid },
        home::Error::Newer { path, .. } => Error::NewerHome { home: text(&path) },
        home::Error::Damaged { path, what } => {
            let fr = match what {
                home::Flaw::Version => "il ne dit pas de version",
                home::Flaw::Key => "ce ne sont pas 64 chiffres hexadécimaux",
                home::Flaw::Token => "il est trop court pour un jeton ; supprimez-le, un autre sera fait",
                home::Flaw::Json => "ce n'est pas le JSON que cette version écrit",
            };
            Error::Damaged { path: text(&path), detail: Words::new(fr, what.to_string()) }
        }
        home::Error::Io { path, source } => io_error(&path, &source),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is rare is told as the system tells it")]
pub(super) fn io_error(path: &Path, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    let path = path.display().to_string();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull { path, missing: 0 },
        ErrorKind::ReadOnlyFilesystem => Error::ReadOnlyDisk { path },
        ErrorKind::PermissionDenied => Error::Denied { path },
        _ => Error::Io { path, detail: Words::of_system(error) },
    }
}

pub(super) fn desk_error(place: &str, error: DeskError) -> Error {
    match error {
        DeskError::Store(error) => store_error(place, error),
        DeskError::Index(IndexError::Directory { dir, source }) => io_error(&dir, &source),
        DeskError::Index(error) => internal(error),
        DeskError::Read(error) => read_error(error),
        DeskError::Author(error) => author_error(place, error),
    }
}

pub(crate) fn store_error(place: &str, error: store::Error) -> Error {
    match error {
        store::Error::Full { path, free, needed } => Error::DiskFull { path, missing: needed.saturating_sub(free) },
        store::Error::Io { doing, source } => {
            let Words { fr, en } = Words::of_system(&source);
            Error::Io { path: place.to_owned(), detail: Words::new(fr, format!("{doing}: {en}")) }
        }
        store::Error::Corrupt { place, what } => Error::Damaged { path: place, detail: flaw(what) },
        store::Error::Newer { .. } => Error::NewerHome { home: place.to_owned() },
        store::Error::Locked { pid } => Error::HomeLocked { home: place.to_owned(), pid },
        store::Error::Denied(path) => Error::Denied { path },
        store::Error::ReadOnlyDisk(path) => Error::ReadOnlyDisk { path },
        store::Error::ReadOnly { full: true, .. } => {
            let fr = "le disque était plein pendant une écriture";
            Error::ReadOnly { detail: Words::new(fr, "the disk was full during a write") }
        }
        store::Error::ReadOnly { full: false, why } => {
            Error::ReadOnly { detail: Words::new(format!("une écriture a échoué ({why})"), why) }
        }
        // It falls over where its files are not as it left them: damage, however it words that.
        store::Error::Engine(why) => {
            let place = if place.is_empty() { "store" } else { place };
            let fr = "le moteur de stockage n'a pas pu lire ses fichiers";
            Error::Damaged {
                path: place.to_owned(),
                detail: Words::new(fr, format!("the storage engine failed: {why}")),
            }
        }
        error @ store::Error::TooLarge { .. } => internal(error),
    }
}

pub(super) fn author_error(commons: &str, error: AuthorError) -> Error {
    let commons = commons.to_owned();
    match error {
        AuthorError::NotInGoodStanding => Error::NotAdmitted { commons },
        AuthorError::MayNotInvite => Error::Forbidden {
            what: Words::new("seuls les membres fondateurs invitent ici", "only the founders invite here"),
        },
        AuthorError::NeedsUpgrade => Error::NeedsUpgrade { commons },
        AuthorError::Seal(error) => internal(error),
    }
}

fn flaw(what: Flaw) -> Words {
    let fr = match what {
        Flaw::Check => "la somme de contrôle ne correspond pas",
        Flaw::Incomplete => "il en manque une partie",
        Flaw::Form => "la forme est fausse",
        Flaw::Disagrees => "ce n'est pas d'accord avec le journal",
        Flaw::Misplaced => "des valeurs sont hors du journal de la base",
    };
    Words::new(fr, what.to_string())
}

/// Damage found in a store, on one line.
pub(super) fn damage(error: &store::Error) -> Words {
    if let store::Error::Corrupt { place, what } = error {
        let Words { fr, en } = flaw(*what);
        return Words::new(format!("{place} : {fr}"), format!("{place}: {en}"));
    }
    Words::new(format!("la base le dit ainsi : {error}"), error.to_string())
}

/// What was mended when a store was opened. Why is in the store's own English, for who mends Essaim.
pub(super) fn repair(repair: &Repair) -> Words {
    match repair {
        Repair::BallastGivenUp => Words::new(
            "le disque était si plein que la réserve a été rendue pour ouvrir les données",
            "the disk was so full that the reserve was given up to open the data",
        ),
        Repair::SnapshotsDropped { why } => Words::new(
            "la base ne s'ouvrait que sans ses instantanés",
            format!("the database opened only without its snapshots ({why})"),
        ),
        Repair::Quarantined { to, why } => Words::new(
            format!("la base ne s'ouvrait plus ; elle est dans {} et une nouvelle a été commencée", to.display()),
            format!("the database could not be opened ({why}); it is in {} and a new one was begun", to.display()),
        ),
        Repair::Reindexed { why } => Words::new(
            "les index ne suivaient pas le journal et ont été refaits",
            format!("the indexes did not fit the log and were built again ({why})"),
        ),
        Repair::Salvaged { to, why } => Words::new(
            format!(
                "des entrées manquaient ; ce qui était entier est sauvé, l'ancienne base est dans {}",
                to.display()
            ),
            format!("entries were missing ({why}); what was whole is saved, the old database is in {}", to.display()),
        ),
        Repair::EntriesLost { entries } => Words::new(
            format!("jusqu'à {entries} entrées manquent ici ; des allié·es les ont peut-être"),
            format!("up to {entries} entries are missing here; allies may have them"),
        ),
        Repair::OutboxDamaged { frames } => Words::new(
            format!("la boîte d'envoi était abîmée à {frames} endroits ; ce qui était entier est gardé"),
            format!("the outbox was damaged in {frames} places; what was whole is kept"),
        ),
        Repair::Replayed { entries } => Words::new(
            format!("{entries} entrées d'ici sont revenues de la boîte d'envoi"),
            format!("{entries} own entries came back from the outbox"),
        ),
    }
}
