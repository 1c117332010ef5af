//! Why a node could not do what it was asked, as data and in words of both languages.
//!
//! The words say what happened with the value and the path; commands to type are added where people type them. Each
//! kind says whose fault it is: the person's ([`Fault::Asker`]), a peer's, the machine's or ours.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::record::schema::{Lang, Schema};
use crate::typography::french;

/// The same words in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Words {
    /// In French.
    pub fr: String,
    /// In English.
    pub en: String,
}

impl Words {
    /// Words from both texts; the French one is [made so](french).
    pub fn new(fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { fr: french(&fr.into()), en: en.into() }
    }

    /// The text in one language.
    #[must_use]
    pub fn text(&self, lang: Lang) -> &str {
        lang.pick(&self.fr, &self.en)
    }

    /// Why a text is not the JSON that was expected, and where.
    #[must_use]
    pub fn of_json(error: &serde_json::Error) -> Self {
        let en = error.to_string();
        let (_, fr) =
            EXPECTED.iter().find(|(start, _)| en.starts_with(start)).unwrap_or(&("", "le contenu ne convient pas"));
        let (line, column) = (error.line(), error.column());
        let place = if line > 1 { format!("ligne {line}, colonne {column}") } else { format!("colonne {column}") };
        Self::new(format!("{place} : {fr}"), en)
    }

    /// What the system says about a file, for what people meet; what is rare stays in the system's own words.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is rare is left in the system's own words")]
    pub fn of_system(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::new("il n'existe pas", "it does not exist"),
            io::ErrorKind::PermissionDenied => Self::new("accès refusé", "access denied"),
            io::ErrorKind::IsADirectory => Self::new("c'est un dossier", "it is a directory"),
            io::ErrorKind::NotADirectory => {
                Self::new("ce qui devrait être un dossier n'en est pas un", "what should be a directory is none")
            }
            io::ErrorKind::AlreadyExists => Self::new("il existe déjà", "it exists already"),
            io::ErrorKind::StorageFull => Self::new("le disque est plein", "the disk is full"),
            io::ErrorKind::QuotaExceeded => Self::new("le quota de disque est atteint", "the disk quota is reached"),
            io::ErrorKind::ReadOnlyFilesystem => {
                Self::new("le disque est en lecture seule", "the disk is mounted read-only")
            }
            io::ErrorKind::ResourceBusy => Self::new("le système s'en sert", "the system is using it"),
            io::ErrorKind::AddrInUse => Self::new("l'adresse est déjà prise", "the address is in use"),
            io::ErrorKind::AddrNotAvailable => {
                Self::new("cette adresse n'est pas de cette machine", "the address is not of this machine")
            }
            io::ErrorKind::InvalidData => Self::new("ce n'est pas du texte UTF-8", "it is not UTF-8 text"),
            _ => Self::new(format!("erreur du système : {error}"), error.to_string()),
        }
    }
}

/// What the parser of JSON expects, as it says it and in French.
const EXPECTED: [(&str, &str); 15] = [
    ("EOF while parsing", "le texte s'arrête trop tôt : il manque un guillemet, une accolade ou un crochet fermant"),
    ("expected value", "une valeur est attendue : un texte entre guillemets, un nombre, une liste ou un objet"),
    ("expected ident", "« true », « false » ou « null » est attendu"),
    ("expected `:`", "deux-points sont attendus après le nom du champ"),
    ("expected `,` or `}`", "une virgule ou une accolade fermante est attendue"),
    ("expected `,` or `]`", "une virgule ou un crochet fermant est attendu"),
    ("trailing comma", "il y a une virgule de trop"),
    ("trailing characters", "il y a du texte de trop après la fin"),
    ("key must be a string", "un nom de champ entre guillemets est attendu"),
    ("control character", "un saut de ligne ou une tabulation dans un texte s'écrit \\n ou \\t"),
    ("invalid escape", "la barre oblique inversée n'annonce rien de connu ; pour elle-même, doublez-la"),
    ("invalid number", "un nombre est mal écrit"),
    ("number out of range", "un nombre est trop grand"),
    ("recursion limit exceeded", "trop de listes et d'objets l'un dans l'autre"),
    ("missing field", "un champ obligatoire manque"),
];

/// An error with its causes, for a log or where there are no words: the texts of libraries alone often hide why.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.en.fmt(f)
    }
}

/// What is wrong or missing in a record that somebody writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The line of the text, from 1, when it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The field's path, when it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong, with the value and what is allowed; names fields by their labels.
    pub message: Words,
}

/// One of several things that a name may mean, or that were perhaps meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// What to type to mean this one: an id, a code, a name.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What tells it from the others: department and population of a territory, kind of a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What an error tells below its sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum Details<'e> {
    /// The sentence says all.
    None,
    /// What was perhaps meant.
    Candidates(Vec<Candidate>),
    /// What is wrong, each with its place.
    Problems(&'e [Problem]),
    /// What is wrong, in words.
    Words(&'e Words),
}

impl Error {
    /// What belongs below the sentence, in one language.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "only the kinds that carry more than their sentence tell more")]
    pub fn details(&self, lang: Lang) -> Details<'_> {
        match self {
            Self::UnknownCommons { candidates, .. }
            | Self::WhichCommons { candidates }
            | Self::Ambiguous { candidates, .. }
            | Self::UnknownAlly { candidates, .. }
            | Self::UnknownTerritory { candidates, .. } => Details::Candidates(candidates.clone()),
            Self::UnknownKind { candidates, .. } => {
                let label = |one: &Candidate| Schema::get().kind(&one.id).map(|kind| kind.label.get(lang).to_owned());
                let kind = |one: &Candidate| match label(one) {
                    Some(title) => Candidate { title, ..one.clone() },
                    None => one.clone(),
                };
                Details::Candidates(candidates.iter().map(kind).collect())
            }
            Self::Invalid { problems } => Details::Problems(problems),
            Self::BadQuery { problem, .. } => Details::Problems(std::slice::from_ref(problem)),
            Self::BadTicket { problem: detail }
            | Self::BadAddress { detail, .. }
            | Self::Forbidden { what: detail } => Details::Words(detail),
            _ => Details::None,
        }
    }
}

/// Who can do something about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Who asked: ask otherwise.
    Asker,
    /// What was asked for is not there.
    Missing,
    /// The state of this home forbids it now.
    State,
    /// A peer, or the way to it.
    Peer,
    /// This machine: disk, permissions.
    Machine,
    /// Essaim itself.
    Ours,
}

/// A field of an error, as it stands in a sentence.
trait Said {
    fn said(&self, lang: Lang) -> String;
}

macro_rules! said_as_it_is {
    ($($type:ty),*) => { $(
        impl Said for $type {
            fn said(&self, _: Lang) -> String {
                self.to_string()
            }
        }
    )* };
}

said_as_it_is!(String, u64, usize);

impl Said for Words {
    fn said(&self, lang: Lang) -> String {
        self.text(lang).to_owned()
    }
}

macro_rules! shown_below {
    ($($type:ty),*) => { $(
        /// No part of the sentence: it is listed below.
        impl Said for $type {
            fn said(&self, _: Lang) -> String {
                String::new()
            }
        }
    )* };
}

shown_below!(Option<u32>, Problem, Vec<Problem>, Vec<Candidate>);

macro_rules! errors {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? } $fault:ident,
            $fr:literal, $en:literal;
    )*) => {
        /// Why a node could not do what it was asked.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
        #[serde(rename_all = "snake_case", tag = "kind")]
        pub enum Error {
            $(
                $(#[$doc])*
                #[error($en)]
                $name { $($(#[$field_doc])* $field: $type),* },
            )*
        }

        impl Error {
            /// Who can do something about it.
            #[must_use]
            pub const fn fault(&self) -> Fault {
                match self {
                    $(Self::$name { .. } => Fault::$fault,)*
                }
            }

            /// What happened, in both languages.
            #[must_use]
            pub fn words(&self) -> Words {
                match self {
                    $(
                        #[allow(unused_variables, reason = "lists among the fields are not part of the sentence")]
                        Self::$name { $($field),* } => {
                            let ($($field,)*) = ($($field.said(Lang::Fr),)*);
                            let fr = format!($fr);
                            Words::new(fr, self.to_string())
                        }
                    )*
                }
            }
        }
    };
}

errors! {
    /// The home has no identity yet.
    NotInitialised { /// The home directory.
        home: String } State,
        "il n'y a pas encore d'identité dans {home}", "there is no identity in {home} yet";
    /// The home has an identity already.
    AlreadyInitialised { /// Its name.
        name: String, /// The home directory.
        home: String } State,
        "{home} a déjà une identité : « {name} »", "{home} has an identity already: \"{name}\"";
    /// No commons in this home.
    NoCommons {} State,
        "il n'y a pas encore de patrimoine commun ici", "there is no commons here yet";
    /// No commons of this name.
    UnknownCommons { /// What was asked for.
        asked: String, /// Those there are.
        candidates: Vec<Candidate> } Missing,
        "aucun patrimoine commun « {asked} » ici", "no commons \"{asked}\" here";
    /// Several commons, and none was named.
    WhichCommons { /// Those there are.
        candidates: Vec<Candidate> } Asker,
        "il y a plusieurs patrimoines communs ici", "there are several commons here";
    /// A commons of this name exists here.
    CommonsExists { /// The name.
        name: String } State,
        "il y a déjà ici un patrimoine commun « {name} »", "there is a commons \"{name}\" here already";
    /// No record of this id.
    UnknownRecord { /// What was asked for.
        asked: String } Missing,
        "aucune fiche « {asked} »", "no record \"{asked}\"";
    /// The record has no change of this name here.
    UnknownVersion { /// The record's title.
        title: String } Missing,
        "« {title} » n'a pas cette version ici", "\"{title}\" has no such version here";
    /// No draft of this id.
    UnknownDraft { /// What was asked for.
        asked: String } Missing,
        "aucun brouillon « {asked} »", "no draft \"{asked}\"";
    /// The draft was kept from elsewhere since.
    DraftMoved {} State,
        "ce brouillon a été enregistré d'ailleurs entre-temps", "this draft was kept from elsewhere meanwhile";
    /// As many drafts as a home keeps.
    TooManyDrafts { /// How many.
        max: usize } State,
        "il y a déjà {max} brouillons : partagez-en ou jetez-en un", "there are {max} drafts already: share one or throw one away";
    /// A prefix or name that several things have.
    Ambiguous { /// What was asked for.
        asked: String, /// What it may mean.
        candidates: Vec<Candidate> } Asker,
        "« {asked} » peut désigner plusieurs choses", "\"{asked}\" may mean several things";
    /// No ally of this name.
    UnknownAlly { /// What was asked for.
        asked: String, /// Those with a close name.
        candidates: Vec<Candidate> } Missing,
        "aucun·e allié·e « {asked} »", "no ally \"{asked}\"";
    /// No territory of this name or code.
    UnknownTerritory { /// What was asked for.
        asked: String, /// Those with a close name.
        candidates: Vec<Candidate> } Missing,
        "aucun territoire « {asked} »", "no territory \"{asked}\"";
    /// No kind of this name.
    UnknownKind { /// What was asked for.
        asked: String, /// All kinds.
        candidates: Vec<Candidate> } Asker,
        "« {asked} » n'est pas une sorte de fiche", "\"{asked}\" is not a kind of record";
    /// The field has one value only.
    NoConflict { /// The record's title.
        title: String, /// The field's path.
        field: String } State,
        "il n'y a rien à régler dans « {field} » de « {title} »", "there is nothing to settle in \"{field}\" of \"{title}\"";
    /// Another value came while somebody decided.
    ValuesChanged { /// The field's path.
        field: String } State,
        "les valeurs de « {field} » ont changé entre-temps : rien n'a été réglé",
        "the values of \"{field}\" have changed meanwhile: nothing was settled";
    /// The values of the field cannot be kept together.
    CannotKeepBoth { /// The field's path.
        field: String } Asker,
        "« {field} » ne peut garder qu'une valeur", "\"{field}\" can hold one value only";
    /// No value of this number.
    NoSuchValue { /// The field's path.
        field: String, /// How many values there are.
        count: usize } Asker,
        "« {field} » a {count} valeurs, pas celle-là", "\"{field}\" has {count} values, not that one";
    /// What was written is not valid.
    Invalid { /// What is wrong, where.
        problems: Vec<Problem> } Asker,
        "la fiche ne peut pas être enregistrée ainsi", "the record cannot be saved like this";
    /// A query that cannot be read.
    BadQuery { /// The query.
        query: String, /// What is wrong.
        problem: Problem } Asker,
        "la recherche « {query} » ne se comprend pas", "the search \"{query}\" cannot be understood";
    /// A ticket that cannot be read.
    BadTicket { /// What is wrong with it.
        problem: Words } Asker,
        "ce ticket n'est pas utilisable", "this ticket cannot be used";
    /// The commons of the ticket is here already.
    AlreadyJoined { /// Its name.
        name: String } State,
        "« {name} » est déjà ici", "\"{name}\" is here already";
    /// Another charter was accepted than the one to sign.
    CharterNotAccepted {} Asker,
        "la charte acceptée n'est pas celle de ce patrimoine commun", "the charter accepted is not the one of this commons";
    /// A bound of this field or request was passed.
    TooLarge { /// What is too large.
        what: Words, /// How large it is.
        found: u64, /// How large it may be.
        max: u64 } Asker,
        "limite dépassée pour {what} : {found}, au plus {max}", "over the limit for {what}: {found}, at most {max}";
    /// Writing needs an admission that has not come.
    NotAdmitted { /// The commons.
        commons: String } State,
        "l'admission dans « {commons} » n'est pas encore arrivée", "the admission into \"{commons}\" has not come yet";
    /// The right is not ours.
    Forbidden { /// What was tried.
        what: Words } State,
        "cela n'est pas permis ici", "this is not allowed here";
    /// A statement here is newer than this program.
    NeedsUpgrade { /// The commons.
        commons: String } State,
        "« {commons} » demande une version plus récente d'Essaim", "\"{commons}\" needs a newer version of Essaim";
    /// No peer could be reached.
    NoPeer { /// How many were tried.
        tried: u64 } Peer,
        "aucun pair n'a pu être joint ({tried} essayés)", "no peer could be reached ({tried} tried)";
    /// A peer did something that the rules forbid.
    PeerMisbehaved { /// Which.
        peer: String, /// What it did.
        detail: Words } Peer,
        "{peer} n'a pas respecté le protocole : {detail}", "{peer} broke the protocol: {detail}";
    /// Another process uses this home.
    HomeLocked { /// The home directory.
        home: String, /// The other process, when known.
        pid: Option<u32> } State,
        "un autre essaim utilise {home}", "another essaim uses {home}";
    /// The home was written by a newer program.
    NewerHome { /// The home directory.
        home: String } State,
        "{home} a été écrit par une version plus récente d'Essaim", "{home} was written by a newer version of Essaim";
    /// An address that cannot be used.
    BadAddress { /// The address.
        address: String, /// Why.
        detail: Words } Asker,
        "l'adresse « {address} » n'est pas utilisable", "the address \"{address}\" cannot be used";
    /// A file or directory could not be read or written.
    Io { /// Which.
        path: String, /// What the system says.
        detail: Words } Machine,
        "{path} : {detail}", "{path}: {detail}";
    /// The disk is full: nothing was written.
    DiskFull { /// Where.
        path: String, /// How many bytes more have to be free; 0 when that is not known.
        missing: u64 } Machine,
        "le disque est plein ({path}) : rien n'a été écrit", "the disk is full ({path}): nothing was written";
    /// This user may not write there.
    Denied { /// Where.
        path: String } Machine,
        "cet utilisateur n'a pas le droit d'écrire dans {path}", "this user may not write in {path}";
    /// The disk is mounted so that nobody may write. The database writes when it opens, so nothing can be read either.
    ReadOnlyDisk { /// Where.
        path: String } Machine,
        "{path} est sur un disque en lecture seule ; Essaim ne peut y ouvrir ses données, même pour lire",
        "{path} is on a disk mounted read-only; Essaim cannot open its data there, not even to read";
    /// Stored bytes are not what was written.
    Damaged { /// Where.
        path: String, /// What is wrong.
        detail: Words } Machine,
        "des données sont abîmées dans {path} : {detail}", "data are damaged in {path}: {detail}";
    /// The store stopped writing after a failed fsync.
    ReadOnly { /// Why.
        detail: Words } Machine,
        "les données ne peuvent plus être écrites, seulement lues : {detail}", "data can no longer be written, only read: {detail}";
    /// The request's form, not its content: a body that is no JSON, a missing parameter.
    BadRequest { /// What is wrong.
        detail: Words } Asker,
        "la demande ne se comprend pas : {detail}", "the request cannot be understood: {detail}";
    /// Nothing is served under this path.
    UnknownRoute { /// The path.
        path: String } Missing,
        "rien ne se trouve à {path}", "nothing is served at {path}";
    /// No token, or not the one of this home.
    Unauthorised {} Asker,
        "le jeton de ce nœud manque ou n'est pas le bon", "the token of this node is missing or wrong";
    /// A request that a browser was made to send from elsewhere.
    ForeignCaller { /// The offending header.
        header: String, /// Its value.
        value: String } Asker,
        "demande refusée : {header} « {value} » n'est pas de ce nœud", "refused: {header} \"{value}\" is not of this node";
    /// A bug.
    Internal { /// What went wrong.
        detail: String } Ours,
        "erreur interne d'Essaim : {detail}", "internal error of Essaim: {detail}";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_line_of_json_is_told_in_french_with_its_place() {
        for (text, says) in [
            (r#"{"kind": "experience", "title": "coup"#, "colonne 37 : le texte s'arrête trop tôt"),
            (r#"{"kind": }"#, "colonne 10 : une valeur est attendue"),
            (r#"{"kind" "a"}"#, "colonne 9 : deux-points"),
            (r#"{"a": 1 "b": 2}"#, "colonne 9 : une virgule ou une accolade"),
            ("[1 2]", "colonne 4 : une virgule ou un crochet"),
            ("[1,]", "colonne 4 : il y a une virgule de trop"),
            ("{} {}", "colonne 4 : il y a du texte de trop"),
            ("{a: 1}", "colonne 2 : un nom de champ entre guillemets"),
            ("\"a\tb\"", "un saut de ligne ou une tabulation"),
            (r#""\x""#, "la barre oblique inversée"),
            ("01", "un nombre est mal écrit"),
            ("tru", "le texte s'arrête trop tôt"),
            ("truc", "« true », « false » ou « null »"),
            (&"[".repeat(200), "trop de listes"),
        ] {
            let error = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
            let words = Words::of_json(&error);
            assert!(words.fr.contains(&french(says)), "{text}: {words:?}");
        }
    }

    #[test]
    fn an_error_travels_as_data_and_speaks_both_languages() {
        let error = Error::UnknownRecord { asked: "7k2m".into() };
        assert_eq!(serde_json::to_string(&error).unwrap(), r#"{"kind":"unknown_record","asked":"7k2m"}"#);
        let with_words = r#"{"kind":"unknown_record","asked":"7k2m","message":{"fr":"…","en":"…"}}"#;
        assert_eq!(serde_json::from_str::<Error>(with_words).unwrap(), error);
        assert_eq!(error.words().text(Lang::Fr), "aucune fiche «\u{a0}7k2m\u{a0}»");
        assert_eq!(error.to_string(), error.words().en);
    }
}
