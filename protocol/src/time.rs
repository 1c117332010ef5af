//! Time as the rules see it: a number that somebody claims, always an argument, never a clock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z, possibly before it. In statements and changes it is a claim by the author
/// and decides nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since the epoch, rounded down: automerge's unit.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The timestamp of a whole second, saturating at the ends of time.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds from `earlier` to `self`; zero when `earlier` is later, so that a clock set back stops no timer.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        if self.0 > earlier.0 { self.0.abs_diff(earlier.0) } else { 0 }
    }

    /// This time and `ms` milliseconds more, saturating.
    #[must_use]
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add_unsigned(ms))
    }
}

/// The first and the last second of the years 0 to 9999, which is what four digits say.
const SHOWN: (i64, i64) = (-62_167_219_200, 253_402_300_799);

impl fmt::Display for Timestamp {
    /// `2026-05-07T14:00:00Z`; what lies before the year 0 or after 9999, which only a wrong clock claims, shows as the
    /// nearest second that can be read back. By Howard Hinnant's `civil_from_days`
    /// (<https://howardhinnant.github.io/date_algorithms.html>).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds().clamp(SHOWN.0, SHOWN.1);
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let z = days + 719_468;
        let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let m = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * m + 2) / 5 + 1;
        let month = if m < 10 { m + 3 } else { m - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
    }
}

/// A text that is not a moment as [`Timestamp`] is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a moment such as 2026-05-07T14:00:00Z")]
pub struct ParseTimestampError;

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// Reads what `Display` writes, of the years 0 to 9999 (`days_from_civil`, same source).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
        if bytes.len() != 20 || marks.iter().any(|(at, mark)| bytes[*at] != *mark) {
            return Err(ParseTimestampError);
        }
        let number = |from: usize, to: usize, range: std::ops::RangeInclusive<i64>| {
            let digits = text.get(from..to).filter(|t| t.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|t| t.parse().ok()).filter(|n| range.contains(n)).ok_or(ParseTimestampError)
        };
        let (year, month, day) = (number(0, 4, 0..=9999)?, number(5, 7, 1..=12)?, number(8, 10, 1..=31)?);
        let (hour, minute, second) = (number(11, 13, 0..=23)?, number(14, 16, 0..=59)?, number(17, 19, 0..=60)?);
        let y = year - i64::from(month <= 2);
        let (era, year_of_era) = (y.div_euclid(400), y.rem_euclid(400));
        let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        Ok(Self::from_seconds(days * 86_400 + hour * 3600 + minute * 60 + second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displayed_moment_is_read_back() {
        for time in [0, -1000, 951_782_400_000, 951_868_799_000, 1_778_162_400_000, 253_402_300_799_000] {
            assert_eq!(Timestamp(time).to_string().parse(), Ok(Timestamp(time)));
        }
        for text in [
            "",
            "2026-05-07",
            "2026-13-07T14:00:00Z",
            "2026-05-07T14:00:00+",
            "+026-05-07T14:00:00Z",
            "2026-05-07T14:é0:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(ParseTimestampError), "{text}");
        }
    }

    #[test]
    fn whatever_is_displayed_is_read_back() {
        for seconds in [i64::MIN, i64::MAX, SHOWN.0 - 1, SHOWN.0, SHOWN.1, SHOWN.1 + 1] {
            let text = Timestamp::from_seconds(seconds).to_string();
            assert_eq!(text.parse::<Timestamp>().map(|time| time.to_string()), Ok(text));
        }
    }

    #[test]
    fn display_agrees_with_the_calendar() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59Z");
        assert_eq!(Timestamp(951_782_400_000).to_string(), "2000-02-29T00:00:00Z");
        assert_eq!(Timestamp(i64::MIN).to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Timestamp(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp(1_778_162_400_123).to_string(), "2026-05-07T14:00:00Z");
    }
}
