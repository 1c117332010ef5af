//! Dates as people type them, in the form of the model; and back, as they are shown in the field to mend.

use essaim_protocol::api::Lang;

use super::when;

/// Months by how their names begin, folded; the first that fits counts.
const MONTHS: [(&str, u8); 24] = [
    ("janv", 1),
    ("jan", 1),
    ("fev", 2),
    ("feb", 2),
    ("mars", 3),
    ("mar", 3),
    ("avr", 4),
    ("apr", 4),
    ("mai", 5),
    ("may", 5),
    ("juin", 6),
    ("jun", 6),
    ("juil", 7),
    ("jul", 7),
    ("aou", 8),
    ("aug", 8),
    ("sept", 9),
    ("sep", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    ("printemps", 21),
    ("ete", 22),
    ("hiver", 24),
];

/// Seasons that share their beginning with nothing above (EDTF level 1 numbers them 21 to 24).
const SEASONS: [(&str, u8); 5] = [("spring", 21), ("summer", 22), ("automne", 23), ("autumn", 23), ("winter", 24)];

/// What is typed before a date that is not certain.
const ABOUT: [&str; 6] = ["vers ", "environ ", "about ", "circa ", "ca ", "~"];

/// The most bytes of a date: its longest form, two days with their hours in full words, has fewer. What is longer is none,
/// and is not looked at: dates come from peers too.
const MAX_DATE: usize = 100;

/// A date or span as people type it (`mai 2024`, `2019-2021`, `07/05/2024`, `depuis mars 2019`) in EDTF level 1; `None`
/// when it is not understood.
#[must_use]
pub fn date(text: &str) -> Option<String> {
    if text.len() > MAX_DATE {
        return None;
    }
    let text = folded(text);
    let text = ["le ", "en ", "in "].iter().find_map(|start| text.strip_prefix(start)).unwrap_or(&text);
    if let Some(one) = one(text) {
        return Some(one);
    }
    for start in ["depuis ", "a partir de ", "since ", "from "] {
        if let Some(from) = text.strip_prefix(start).filter(|rest| !rest.contains(" to ")) {
            return Some(format!("{}/..", one(from)?));
        }
    }
    for start in ["jusqu'en ", "jusqu'aux ", "jusqu'au ", "jusqu'a ", "jusque ", "until "] {
        if let Some(until) = text.strip_prefix(start) {
            return Some(format!("../{}", one(until)?));
        }
    }
    let span = ["de ", "du ", "from ", "entre "].iter().find_map(|start| text.strip_prefix(start)).unwrap_or(text);
    for between in [" a ", " au ", " to ", " et ", " - ", "/", "-"] {
        for (at, _) in span.match_indices(between) {
            let (from, until) = (&span[..at], &span[at + between.len()..]);
            let Some(until) = end(until) else { continue };
            // "mai à juin 2021", "mai-juin 2021": the year is said once.
            let year = until.get(..4).unwrap_or_default();
            let from = end(from).or_else(|| one(&format!("{from} {year}")));
            if let Some(from) = from.filter(|from| from.as_str() != ".." || until != "..") {
                return Some(format!("{from}/{until}"));
            }
        }
    }
    None
}

fn end(text: &str) -> Option<String> {
    if matches!(text.trim(), "" | "..") { Some("..".to_owned()) } else { one(text) }
}

/// One date without an interval.
fn one(text: &str) -> Option<String> {
    let text = text.trim();
    match ABOUT.iter().find_map(|start| text.strip_prefix(start)) {
        Some(rest) => {
            marked(rest.trim()).filter(|date| !date.ends_with(['~', '?', '%'])).map(|date| format!("{date}~"))
        }
        None => marked(text),
    }
}

/// One date, with the mark behind it.
fn marked(text: &str) -> Option<String> {
    let text = ["le ", "l'"].iter().find_map(|start| text.strip_prefix(start)).unwrap_or(text);
    if let Some(decade) = ["annees ", "les annees ", "the "].iter().find_map(|start| text.strip_prefix(start)) {
        let decade = decade.trim_end_matches('s');
        return (year(decade)? % 10 == 0).then(|| format!("{}x", &decade[..3]).to_uppercase());
    }
    let (bare, mark) = match text.as_bytes().last() {
        Some(mark @ (b'~' | b'?' | b'%')) => (&text[..text.len() - 1], char::from(*mark).to_string()),
        _ => (text, String::new()),
    };
    let (day, hour) = with_hour(bare);
    let date = written(day).or_else(|| figures(day)).or_else(|| iso(day))?;
    match hour {
        None => Some(format!("{date}{mark}")),
        Some(hour) if date.len() == 10 => Some(format!("{date}T{}", clock(hour)?)),
        Some(_) => None,
    }
}

/// Cuts off an hour: `7 mai 2024 à 14h30`, `2024-05-07T14:00`.
fn with_hour(text: &str) -> (&str, Option<&str>) {
    [" a ", " at ", "t"]
        .iter()
        .filter_map(|between| text.rsplit_once(between))
        .find(|(day, hour)| day.ends_with(|c: char| c.is_ascii_digit()) && clock(hour).is_some())
        .map_or((text, None), |(day, hour)| (day, Some(hour)))
}

fn clock(text: &str) -> Option<String> {
    let (hour, minute) = text.trim().split_once([':', 'h'])?;
    let minute = if minute.trim().is_empty() { "0" } else { minute.trim() };
    let (hour, minute): (u8, u8) = (hour.trim().parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

/// `mai 2024`, `1er mai 2024`, `été 2020`.
fn written(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let month_of = |word: &str| {
        let word = word.trim_end_matches('.');
        let known = SEASONS.iter().chain(&MONTHS).find(|(start, _)| word.starts_with(start));
        known.map(|(_, number)| *number).filter(|_| word.chars().all(char::is_alphabetic))
    };
    match words[..] {
        [month, of] => Some(format!("{:04}-{:02}", year(of)?, month_of(month)?)),
        [day, month, of] => {
            let day = day.trim_end_matches("er").trim_end_matches("st").parse().ok()?;
            real(year(of)?, month_of(month)?, day)
        }
        _ => None,
    }
}

/// `07/05/2024`, `7.5.2024`, `05/2024`.
fn figures(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(['/', '.', '-', ' ']).map(str::trim).collect();
    match parts[..] {
        [day, month, of] => real(year(of)?, month.parse().ok()?, day.parse().ok()?),
        [month, of] => {
            let month: u8 = month.parse().ok().filter(|month| (1..=12).contains(month))?;
            Some(format!("{:04}-{month:02}", year(of)?))
        }
        _ => None,
    }
}

/// What is EDTF already: `2024`, `199X`, `2024-05`, `2024-05-07`.
fn iso(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    match parts[..] {
        [decade] if decade.len() == 4 && decade.ends_with('x') => {
            year(&decade.replace('x', "0")).map(|_| decade.to_uppercase())
        }
        [of] => Some(format!("{:04}", year(of)?)),
        [of, month] if month.len() == 2 => {
            let month: u8 = month.parse().ok().filter(|month| matches!(month, 1..=12 | 21..=24))?;
            Some(format!("{:04}-{month:02}", year(of)?))
        }
        [of, month, day] => real(year(of)?, month.parse().ok()?, day.parse().ok()?),
        _ => None,
    }
}

fn year(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| text.len() == 4)
}

fn real(year: u16, month: u8, day: u8) -> Option<String> {
    let (year, month, day) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    jiff::civil::Date::new(year, month, day).ok().map(|date| date.to_string())
}

fn folded(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let text = text.trim().to_lowercase().replace(['\u{2013}', '\u{2014}'], "-").replace('\u{2019}', "'");
    let text: String = text.nfd().filter(|c| c.is_ascii()).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A date of the model in words that [`date`] reads back; as it is when there are none.
#[must_use]
pub fn shown_date(lang: Lang, edtf: &str) -> String {
    let words = when::edtf(lang, edtf);
    if date(&words).as_deref() == Some(edtf) { words } else { edtf.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_understood_as_people_type_them() {
        for (typed, edtf) in [
            ("mai 2024", "2024-05"),
            ("2019-2021", "2019/2021"),
            ("2019 – 2021", "2019/2021"),
            ("de 2019 à 2021", "2019/2021"),
            ("07/05/2024", "2024-05-07"),
            ("7.5.2024", "2024-05-07"),
            ("05/2024", "2024-05"),
            ("1er mai 2024", "2024-05-01"),
            ("le 7 mai 2024 à 14h30", "2024-05-07T14:30"),
            ("2024-05-07T14:00", "2024-05-07T14:00"),
            ("Depuis mars 2019", "2019-03/.."),
            ("jusqu’en 2020", "../2020"),
            ("vers 2015", "2015~"),
            ("été 2020", "2020-22"),
            ("Automne 2021", "2021-23"),
            ("mai-juin 2021", "2021-05/2021-06"),
            ("de mai à septembre 2021", "2021-05/2021-09"),
            ("années 1990", "199X"),
            ("déc. 2023", "2023-12"),
            ("2016/2019", "2016/2019"),
            ("2024", "2024"),
            ("May 2024", "2024-05"),
            ("depuis le 7 mai 2024", "2024-05-07/.."),
            ("jusqu’aux années 1990", "../199X"),
            ("depuis l’été 2020", "2020-22/.."),
            ("du 27 septembre 2024 à 14h30 au 28 septembre 2024 à 16h30", "2024-09-27T14:30/2024-09-28T16:30"),
        ] {
            assert_eq!(date(typed).as_deref(), Some(edtf), "{typed}");
        }
        for other in ["", "jadis", "31/02/2024", "13/2024", "mai", "24", "le printemps dernier", "/", "-", "14h30"] {
            assert_eq!(date(other), None, "{other}");
        }
    }

    #[test]
    fn a_date_is_shown_in_words_that_mean_the_same() {
        for edtf in [
            "2024",
            "2024-05",
            "2020-22",
            "2020-24",
            "199X",
            "2024-05-07T14:00",
            "2016/2019",
            "2019-03/..",
            "../2020",
            "2015~",
            "2024-05-07/..",
            "../2024-05-07",
            "../2024-05",
            "199X/..",
            "../199X",
            "2020-21/..",
            "../2020-21",
            "2020-22/..",
            "../2020-24",
            "2015~/..",
            "../2024-05~",
        ] {
            for lang in [Lang::Fr, Lang::En] {
                assert_eq!(date(&shown_date(lang, edtf)).as_deref(), Some(edtf), "{}", shown_date(lang, edtf));
            }
        }
        assert_eq!(shown_date(Lang::Fr, "2024-05"), "mai 2024");
        assert_eq!(shown_date(Lang::Fr, "jadis"), "jadis");
    }

    #[test]
    fn what_a_peer_calls_a_date_costs_nothing() {
        for one in ["~", "-", " a ", "vers ", "depuis ", "2024-"] {
            for length in [MAX_DATE - 8, 65_536] {
                let long = one.repeat(length / one.len() + 1);
                assert_eq!(date(&long), None, "{one}");
                assert_eq!(shown_date(Lang::Fr, &long), long, "{one}");
            }
        }
        assert_eq!(date("~~2024"), None);
        assert_eq!(date("vers 2024?"), None);
    }
}
