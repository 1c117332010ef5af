//! Moments as a person reads them, in local time, and dates of the model.

use essaim_protocol::api::Lang;
use essaim_protocol::time::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Seasons, which EDTF numbers from 21.
const SEASONS_FR: [&str; 4] = ["printemps", "été", "automne", "hiver"];
const SEASONS_EN: [&str; 4] = ["spring", "summer", "autumn", "winter"];

/// `7 mai 2026 à 16:00`, `7 May 2026 at 16:00`; the raw form outside the calendar.
#[must_use]
pub fn moment(lang: Lang, time: Timestamp) -> String {
    in_zone(lang, time, TimeZone::system())
}

/// `7 mai 2026`, `7 May 2026`; the raw form outside the calendar.
#[must_use]
pub fn day(lang: Lang, time: Timestamp) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(time.0) else { return time.to_string() };
    written(lang, instant.to_zoned(TimeZone::system()).date())
}

/// An EDTF date as people write it: `2024-05` is `mai 2024`, `2016/2019` is `2016 – 2019`, `2024~` is `vers 2024`. What
/// is not understood stays as it is.
#[must_use]
pub fn edtf(lang: Lang, text: &str) -> String {
    match text.split_once('/') {
        Some((from, "" | ".." | "open")) => format!("{}{}", lang.pick(from_fr(from), "since "), one(lang, from)),
        Some(("" | ".." | "unknown", until)) => format!("{}{}", lang.pick(until_fr(until), "until "), one(lang, until)),
        Some((from, until)) => format!("{} – {}", one(lang, from), one(lang, until)),
        None => one(lang, text),
    }
}

/// What stands before the beginning of a span that goes on: French has an article before some dates.
fn from_fr(date: &str) -> &'static str {
    match Exact::of(date) {
        Exact::Day | Exact::Spring => "depuis le ",
        Exact::Season => "depuis l’",
        Exact::Decade => "depuis les ",
        Exact::About | Exact::Month | Exact::Year | Exact::Other => "depuis ",
    }
}

/// What stands before the end of a span whose beginning is not told.
fn until_fr(date: &str) -> &'static str {
    match Exact::of(date) {
        Exact::Day | Exact::Spring => "jusqu’au ",
        Exact::Season => "jusqu’à l’",
        Exact::Decade => "jusqu’aux ",
        Exact::Month | Exact::Year => "jusqu’en ",
        Exact::About => "jusque ",
        Exact::Other => "jusqu’à ",
    }
}

/// How exact a date is, as far as the words before it depend on that.
enum Exact {
    /// Told with "vers".
    About,
    Day,
    Month,
    Spring,
    /// One whose French name begins with a vowel.
    Season,
    Year,
    Decade,
    /// Not understood, and told as it is.
    Other,
}

impl Exact {
    fn of(date: &str) -> Self {
        let parts: Vec<&str> = date.split('T').next().unwrap_or_default().split('-').collect();
        match parts[..] {
            _ if date.ends_with(['~', '?', '%']) => Self::About,
            [_, _, _] => Self::Day,
            [_, "21"] => Self::Spring,
            [_, "22" | "23" | "24"] => Self::Season,
            [_, _] => Self::Month,
            [year] if year.ends_with('X') => Self::Decade,
            [year] if year.parse::<u16>().is_ok() => Self::Year,
            _ => Self::Other,
        }
    }
}

/// The first and last day of an EDTF date or interval (`2024-05` lasts from the 1st to the 31st); `None` when either is not
/// told or not understood. What is uncertain is taken for certain.
#[must_use]
pub fn span(edtf: &str) -> Option<(Date, Date)> {
    let (from, until) = edtf.split_once('/').unwrap_or((edtf, edtf));
    Some((bounds(from)?.0, bounds(until)?.1))
}

fn bounds(one: &str) -> Option<(Date, Date)> {
    let bare = one.trim_end_matches(['~', '?', '%']);
    let date = bare.split('T').next().unwrap_or_default();
    let number = |text: &str| text.parse::<i16>().ok();
    let parts: Vec<&str> = date.split('-').collect();
    let (first, last) = match parts[..] {
        [decade] if decade.len() == 4 && decade.ends_with('X') => {
            let year = number(&decade.replace('X', "0"))?;
            (Date::new(year, 1, 1), Date::new(year.checked_add(9)?, 12, 31))
        }
        [year] if year.len() == 4 => (Date::new(number(year)?, 1, 1), Date::new(number(year)?, 12, 31)),
        [year, month] => match (number(year)?, month.parse::<i8>().ok()?) {
            // Spring, summer and autumn begin in March, June and September; winter ends the year.
            (year, season @ 21..=23) => {
                let first = Date::new(year, (season - 20) * 3, 1).ok()?;
                (Ok(first), first.checked_add(jiff::Span::new().months(2)).map(Date::last_of_month))
            }
            (year, 24) => (Date::new(year, 12, 1), Date::new(year, 12, 31)),
            (year, month) => (Date::new(year, month, 1), Date::new(year, month, 1).map(Date::last_of_month)),
        },
        [_, _, _] => (date.parse(), date.parse()),
        _ => return None,
    };
    Some((first.ok()?, last.ok()?))
}

/// A day, counted from 1970-01-01.
#[must_use]
pub fn number(day: Date) -> i64 {
    let since = day.since(Date::constant(1970, 1, 1)).map_or(0, |span| span.get_days());
    i64::from(since)
}

/// The day that it is here at a moment.
#[must_use]
pub fn today(now: Timestamp) -> Date {
    let instant = jiff::Timestamp::from_millisecond(now.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.to_zoned(TimeZone::system()).date()
}

/// The first moment of a day here.
#[must_use]
pub fn beginning(day: Date) -> Option<Timestamp> {
    let zoned = day.to_zoned(TimeZone::system()).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

/// A month: `mai 2024`, `May 2024`.
#[must_use]
pub fn month(lang: Lang, day: Date) -> String {
    one(lang, &format!("{:04}-{:02}", day.year(), day.month()))
}

/// A day: `7 mai 2026`, `7 May 2026`.
#[must_use]
pub fn date(lang: Lang, day: Date) -> String {
    written(lang, day)
}

fn one(lang: Lang, text: &str) -> String {
    let bare = text.trim_end_matches(['~', '?', '%']);
    let about = if bare.len() < text.len() { lang.pick("vers ", "about ") } else { "" };
    let (date, hour) = bare.split_once('T').map_or((bare, None), |(date, hour)| (date, Some(hour)));
    let hour = hour.and_then(|hour| hour.get(..5)).map(|hour| format!(" {} {hour}", lang.pick("à", "at")));
    let parts: Vec<&str> = date.split('-').collect();
    let said = match parts[..] {
        [year, month] => {
            let (months, seasons) = lang.pick((FR, SEASONS_FR), (EN, SEASONS_EN));
            let name = |n: usize| months.get(n.wrapping_sub(1)).or_else(|| seasons.get(n.wrapping_sub(21)));
            month.parse::<usize>().ok().and_then(name).map(|name| format!("{name} {year}"))
        }
        [_, _, _] => date.parse().ok().map(|date| written(lang, date)),
        [alone] => match alone.strip_suffix('X').filter(|digits| digits.len() == 3) {
            Some(digits) => Some(lang.pick(format!("années {digits}0"), format!("the {digits}0s"))),
            None => Some(alone).filter(|year| year.len() == 4 && year.parse::<u16>().is_ok()).map(str::to_owned),
        },
        _ => None,
    };
    said.map_or_else(|| text.to_owned(), |said| format!("{about}{said}{}", hour.unwrap_or_default()))
}

fn written(lang: Lang, date: Date) -> String {
    let month = lang.pick(FR, EN)[usize::from(date.month().unsigned_abs()) - 1];
    let first = if lang == Lang::Fr && date.day() == 1 { "er" } else { "" };
    format!("{}{first} {month} {}", date.day(), date.year())
}

fn in_zone(lang: Lang, time: Timestamp, zone: TimeZone) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(time.0) else { return time.to_string() };
    let local = instant.to_zoned(zone);
    let at = lang.pick("à", "at");
    format!("{} {at} {:02}:{:02}", written(lang, local.date()), local.hour(), local.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_words() {
        let say = |lang, ms| in_zone(lang, Timestamp(ms), TimeZone::UTC);
        assert_eq!(say(Lang::Fr, 951_782_400_000), "29 février 2000 à 00:00");
        assert_eq!(say(Lang::Fr, 0), "1er janvier 1970 à 00:00");
        assert_eq!(say(Lang::En, 1_778_162_400_123), "7 May 2026 at 14:00");
        assert_eq!(say(Lang::Fr, i64::MAX), Timestamp(i64::MAX).to_string());
    }

    #[test]
    fn dates_of_the_model_have_a_first_and_a_last_day() {
        for (edtf, days) in [
            ("2024", Some(("2024-01-01", "2024-12-31"))),
            ("2024-02~", Some(("2024-02-01", "2024-02-29"))),
            ("2024-05-07T14:00", Some(("2024-05-07", "2024-05-07"))),
            ("2016/2019-03", Some(("2016-01-01", "2019-03-31"))),
            ("2020-22", Some(("2020-06-01", "2020-08-31"))),
            ("2020-23", Some(("2020-09-01", "2020-11-30"))),
            ("2020-24", Some(("2020-12-01", "2020-12-31"))),
            ("199X", Some(("1990-01-01", "1999-12-31"))),
            ("2019/..", None),
            ("2024-13", None),
            ("2024-02-30", None),
            ("99999", None),
            ("", None),
        ] {
            let days = days.map(|(first, last): (&str, &str)| (first.parse().unwrap(), last.parse().unwrap()));
            assert_eq!(span(edtf), days, "{edtf}");
        }
        assert_eq!(number("1970-01-31".parse().unwrap()), 30);
        assert_eq!(number("1969-12-31".parse().unwrap()), -1);
    }

    #[test]
    fn dates_of_the_model_are_written_in_words() {
        for (date, fr, en) in [
            ("2024", "2024", "2024"),
            ("2024-05", "mai 2024", "May 2024"),
            ("2024-05-01", "1er mai 2024", "1 May 2024"),
            ("2024-05-07T14:00", "7 mai 2024 à 14:00", "7 May 2024 at 14:00"),
            ("2016/2019", "2016 – 2019", "2016 – 2019"),
            ("2019-03/..", "depuis mars 2019", "since March 2019"),
            ("2024/..", "depuis 2024", "since 2024"),
            ("2024-05-07/..", "depuis le 7 mai 2024", "since 7 May 2024"),
            ("../2024-05-07", "jusqu’au 7 mai 2024", "until 7 May 2024"),
            ("../2024-05", "jusqu’en mai 2024", "until May 2024"),
            ("199X/..", "depuis les années 1990", "since the 1990s"),
            ("../199X", "jusqu’aux années 1990", "until the 1990s"),
            ("2020-21/..", "depuis le printemps 2020", "since spring 2020"),
            ("../2020-24", "jusqu’à l’hiver 2020", "until winter 2020"),
            ("2015~/..", "depuis vers 2015", "since about 2015"),
            ("../2015~", "jusque vers 2015", "until about 2015"),
            ("2024-05~", "vers mai 2024", "about May 2024"),
            ("2024~", "vers 2024", "about 2024"),
            ("2020-22", "été 2020", "summer 2020"),
            ("199X", "années 1990", "the 1990s"),
            ("2024-13", "2024-13", "2024-13"),
            ("jadis", "jadis", "jadis"),
        ] {
            assert_eq!((edtf(Lang::Fr, date).as_str(), edtf(Lang::En, date).as_str()), (fr, en));
        }
    }
}
