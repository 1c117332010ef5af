//! A site: the public records of a commons as files, for any web host, for a key, and for the time after this software.
//!
//! The story of one run: whoever writes a site hands over the records one by one with [`Site::add`], which leaves out what
//! is not public. [`Site::write`] then takes out of the others all that names a record that was left out
//! (`public`), lays out how they hang together (`heritage`), fills the templates of the page (`pages`) and the index of a
//! search without a server (`index`), and puts the files in the place of the earlier site in one step (`place`).
//!
//! ```text
//! DIR/index.html  recherche.html  parcourir.html  carte.html  frise.html
//! DIR/flux.atom  agenda.ics  fiches.csv  carte.geojson             for other programs
//! DIR/fiche/RECORD.html            a record
//! DIR/liens/RECORD.html            all that refers to it
//! DIR/liste/FACET-CODE.html        what has this kind, theme, outcome, department, territory, year
//! DIR/fixe/VERSION/…               styles, scripts
//! DIR/recherche/HASH/…             the index
//! DIR/.essaim-site                 says that the directory may be replaced by the next run
//! ```
//!
//! Links are relative and nothing needs a server: the site reads the same from a web host, in any of its directories, and
//! from a disk. It holds no form, no cookie, nothing inline. The same records make the same bytes: no clock is asked.

use std::path::{Path, PathBuf};

use essaim_protocol::api::{Commons, Lang, Sheet};
use serde::Serialize;

mod heritage;
mod index;
mod pages;
mod place;
mod public;

use self::heritage::Heritage;
use self::place::Place;

/// What a browser may do on a site: load its own files, and nothing else.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

/// The menu of a site: the file of each entry, and the key of its text.
pub(super) const MENU: [(&str, &str); 4] = [
    (pages::FIND, "menu-find"),
    (pages::LISTS, "menu-lists"),
    (pages::MAP, "menu-map"),
    (pages::TIMELINE, "menu-timeline"),
];

/// The public records of a commons, to be written as a site.
///
/// They are held in memory until they are written: what a commons makes public is what people can look through.
#[derive(Debug)]
pub struct Site {
    lang: Lang,
    commons: Commons,
    sheets: Vec<Sheet>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Public records.
    pub records: u64,
    /// Those that the earlier site had not.
    pub added: u64,
    /// Those of the earlier site that are not public any more.
    pub removed: u64,
    /// Files in all.
    pub files: u64,
    /// Bytes in all.
    pub bytes: u64,
}

/// Why no site was written. The earlier one is whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory holds what no run of this wrote.
    #[error("{} holds something else than a site of Essaim", .0.display())]
    NotOurs(PathBuf),
    /// Another run is writing there.
    #[error("{} is being written by another run", .0.display())]
    Busy(PathBuf),
    /// The system refuses.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A template cannot be filled: a defect of ours.
    #[error("a page cannot be made")]
    Template(#[from] askama::Error),
}

impl Site {
    /// A site without records yet, in one language.
    #[must_use]
    pub const fn new(lang: Lang, commons: Commons) -> Self {
        Self { lang, commons, sheets: Vec::new() }
    }

    /// Takes a record when it is public and shared, both without dispute; leaves out any other.
    pub fn add(&mut self, sheet: Sheet) {
        if public::is_public(&sheet) {
            self.sheets.push(sheet);
        }
    }

    /// How many records it has.
    #[must_use]
    pub const fn records(&self) -> usize {
        self.sheets.len()
    }

    /// Writes the site in place of what an earlier run wrote in `dir`. `told` hears of how many records of how many are
    /// written.
    ///
    /// # Errors
    /// [`Error`]; then the earlier site is as it was.
    pub fn write(self, dir: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<Written, Error> {
        let heritage = Heritage::of(self.lang, self.commons, self.sheets);
        let mut place = Place::begin(dir)?;
        heritage.write(&mut place, told)?;
        place.finish()
    }
}

#[cfg(test)]
mod tests;
