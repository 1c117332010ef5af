//! Moments as a person reads them, in local time.

use essaim_protocol::api::Lang;
use essaim_protocol::time::Timestamp;
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

/// `7 mai 2026 à 16:00`, `7 May 2026 at 16:00`; the raw form outside the calendar.
pub(super) fn moment(lang: Lang, time: Timestamp) -> String {
    in_zone(lang, time, TimeZone::system())
}

fn in_zone(lang: Lang, time: Timestamp, zone: TimeZone) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(time.0) else { return time.to_string() };
    let local = instant.to_zoned(zone);
    let month = lang.pick(FR, EN)[usize::from(local.month().unsigned_abs()) - 1];
    let at = lang.pick("à", "at");
    let first = if lang == Lang::Fr && local.day() == 1 { "er" } else { "" };
    format!("{}{first} {month} {} {at} {:02}:{:02}", local.day(), local.year(), local.hour(), local.minute())
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
}
