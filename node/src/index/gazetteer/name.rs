//! Names of territories as people type them: what they say beside the name itself, and what their spellings share.

use super::Type;
use crate::index::french::fold;

/// A name as somebody typed it, taken apart.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The name without its qualifier.
    pub(super) name: String,
    /// The name without what tells its type either ("Métropole de", "PNR du").
    pub(super) bare: String,
    pub(super) ty: Option<Type>,
    /// A department, region, intercommunality or postcode that it lies in: "Bellefontaine (88)", "Bellefontaine, Vosges".
    pub(super) place: Option<String>,
}

/// Words that tell the type of a territory, folded, the longer ones first.
const TYPES: [(&str, Type); 25] = [
    ("communaute de communes", Type::Epci),
    ("communaute d agglomeration", Type::Epci),
    ("communaute agglomeration", Type::Epci),
    ("communaute urbaine", Type::Epci),
    ("conseil departemental", Type::Department),
    ("conseil regional", Type::Region),
    ("parc naturel regional", Type::Pnr),
    ("parc naturel", Type::Pnr),
    ("eurometropole", Type::Epci),
    ("agglomeration", Type::Epci),
    ("intercommunalite", Type::Epci),
    ("departement", Type::Department),
    ("communaute", Type::Epci),
    ("metropole", Type::Epci),
    ("com com", Type::Epci),
    ("commune", Type::Commune),
    ("region", Type::Region),
    ("mairie", Type::Commune),
    ("agglo", Type::Epci),
    ("ville", Type::Commune),
    ("petr", Type::Petr),
    ("pnr", Type::Pnr),
    ("cc", Type::Epci),
    ("ca", Type::Epci),
    ("cu", Type::Epci),
];

impl Asked {
    pub(super) fn new(text: &str) -> Self {
        let (name, place) = match text.split_once([',', '(']) {
            Some((name, place)) => (name.trim(), Some(place.trim_matches([' ', ')']).to_owned())),
            None => match text.trim().rsplit_once(' ') {
                Some((name, code)) if code.starts_with(|c: char| c.is_ascii_digit()) => (name, Some(code.to_owned())),
                _ => (text.trim(), None),
            },
        };
        let mut bare = format!(" {} ", words(name).join(" "));
        let mut ty = None;
        while let Some((told, told_type)) = TYPES.iter().find(|(told, _)| bare.contains(&format!(" {told} "))) {
            bare = bare.replacen(&format!(" {told} "), " ", 1);
            ty = ty.or(Some(*told_type));
        }
        let place = place.filter(|place| !place.is_empty()).map(|place| place.to_uppercase());
        Self { name: name.to_owned(), bare, ty, place }
    }
}

/// The name of a regional nature park within that of the body that runs it, when it has one.
pub(super) fn park(body: &str) -> Option<String> {
    let folded = body.to_lowercase();
    ["parc naturel régional ", "parc naturel ", "pnr "].iter().find_map(|lead| {
        let rest = body.get(folded.find(lead)? + lead.len()..)?;
        let park = rest.split(" (").next().unwrap_or(rest);
        Some(format!("PNR {}", park.replace("- ", "-")))
    })
}

/// What two spellings of a name share: its words without accents, articles and joining words, with "saint" short.
pub(super) fn key(name: &str) -> String {
    const JOINING: &[&str] = &["l", "d", "le", "la", "les", "de", "du", "des", "et"];
    let mut said = words(name);
    if said.iter().any(|word| !JOINING.contains(&word.as_str())) {
        said.retain(|word| !JOINING.contains(&word.as_str()));
    }
    let short = said.into_iter().map(|word| match word.as_str() {
        "saint" => "st".to_owned(),
        "sainte" => "ste".to_owned(),
        _ => word,
    });
    short.collect::<Vec<_>>().join(" ")
}

fn words(name: &str) -> Vec<String> {
    let folded = fold(name);
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
