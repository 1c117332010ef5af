//! What the addresses of a page look like: those of the node, or those of files that stand beside one another.

use std::fmt::Display;

use super::assets;

/// Where links lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// To the node that answers: `/fiche/ID`.
    Node,
    /// To files of a [site](super::site), from its top (``) or from one of its directories (`../`): `../fiche/ID.html`.
    Site(&'static str),
}

impl Links {
    /// Those of a file of a site, which lies at its top or one directory below.
    pub(super) fn of_site(file: &str) -> Self {
        Self::Site(if file.contains('/') { "../" } else { "" })
    }

    /// The sheet of a record.
    pub(super) fn record(self, id: impl Display) -> String {
        match self {
            Self::Node => format!("/fiche/{id}"),
            Self::Site(up) => format!("{up}fiche/{id}.html"),
        }
    }

    /// The picture that cites a record; a site has none: whoever reads it has its address.
    pub(super) fn citation(self, id: impl Display) -> Option<String> {
        match self {
            Self::Node => Some(format!("/fiche/{id}/citation.svg")),
            Self::Site(_) => None,
        }
    }

    /// What takes place in a department, by its official code.
    pub(super) fn department(self, code: impl Display) -> String {
        match self {
            Self::Node => format!("/recherche?department={code}"),
            Self::Site(up) => format!("{up}{}", list("departement", &code.to_string(), 1)),
        }
    }

    /// A style, script or picture.
    pub(super) fn asset(self, name: &str) -> String {
        match self {
            Self::Node => assets::address(name),
            Self::Site(up) => format!("{up}{}", assets::file(name)),
        }
    }

    /// A file of a site by its name; on a node, the address of that name.
    pub(super) fn file(self, name: &str) -> String {
        match self {
            Self::Node => format!("/{name}"),
            Self::Site(up) => format!("{up}{name}"),
        }
    }
}

/// The file of a site that lists the records with this value of a facet: a page of it, from 1. Codes are those of the
/// schema and the gazetteer, ids and years.
pub(super) fn list(facet: &str, code: &str, page: usize) -> String {
    let code = code.to_lowercase();
    if page > 1 { format!("liste/{facet}-{code}-{page}.html") } else { format!("liste/{facet}-{code}.html") }
}

#[cfg(test)]
mod tests {
    use super::Links;

    #[test]
    fn a_site_links_from_where_the_file_is() {
        assert_eq!(Links::Node.record("7k"), "/fiche/7k");
        assert_eq!(Links::of_site("index.html").record("7k"), "fiche/7k.html");
        assert_eq!(Links::of_site("fiche/a.html").record("7k"), "../fiche/7k.html");
        assert_eq!(Links::of_site("carte.html").department("2A"), "liste/departement-2a.html");
        assert!(Links::of_site("liste/a.html").asset("style.css").starts_with("../fixe/"));
    }
}
