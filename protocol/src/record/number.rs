//! Numbers as people type them (`12 500,50 €`, `1,5 M€`, `30 %`), and back as they are shown in the field to mend. The page,
//! the editor's template and the command line read them here, so that what is typed means the same in all three.

use serde_json::Number;

use super::schema::{Field, Lang};

/// What a person typed in a field; `None` when it is not understood or may mean two numbers: in a French text `12.500` is
/// 12 500 to some and 12.5 to others.
///
/// Where the schema gives a range, as for a latitude, nobody parts thousands: there a point is a decimal sign, and so is a
/// comma.
#[must_use]
pub fn read(field: &Field, lang: Lang, text: &str) -> Option<Number> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if field.range.is_some() { of(&text.replace(',', "."), 0) } else { amount(lang, &text) }
}

/// A small `m` alone may mean months or metres: it is a million before the euro only.
fn amount(lang: Lang, text: &str) -> Option<Number> {
    let lower = text.to_lowercase();
    let bare = lower.trim_end_matches(['€', '%']).trim_end_matches("euros");
    let millions = text.contains('M') || lower[bare.len()..].starts_with(['€', 'e']);
    let (digits, places) = match bare.strip_suffix('k') {
        Some(digits) => (digits, 3),
        None => bare.strip_suffix('m').filter(|_| millions).map_or((bare, 0), |digits| (digits, 6)),
    };
    of(&ungrouped(lang, digits)?, places)
}

/// The number of digits with a sign and a point, once the point has moved so many places to the right. It moves in the text:
/// 2.01 times a million is not 2,010,000.
fn of(plain: &str, places: usize) -> Option<Number> {
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (moved, part) = part.split_at_checked(places).unwrap_or((part, ""));
    let whole = format!("{sign}{whole}{moved:0<places$}");
    let part = part.trim_end_matches('0');
    match whole.parse::<i64>() {
        Ok(whole) if part.is_empty() => Some(whole.into()),
        Ok(_) | Err(_) => Number::from_f64(format!("{whole}.{part}").parse().ok()?),
    }
}

/// Digits with a point before the decimals. In French a comma is one, and points between groups of three are not.
fn ungrouped(lang: Lang, text: &str) -> Option<String> {
    let (decimal, apart) = lang.pick((',', '.'), ('.', ','));
    let (whole, part) = match text.split_once(decimal) {
        Some((whole, part)) => (whole, Some(part)),
        None => (text, None),
    };
    let groups: Vec<&str> = whole.trim_start_matches('-').split(apart).collect();
    let thousands = groups[1..].iter().all(|group| group.len() == 3) && (1..=3).contains(&groups[0].len());
    match (&groups[..], part) {
        ([_], Some(part)) => Some(format!("{whole}.{part}")),
        ([_], None) => Some(whole.to_owned()),
        ([first, _], None) if lang == Lang::Fr && thousands && *first != "0" => None,
        ([first, ..], part) if thousands && *first != "0" => {
            let digits: String = whole.chars().filter(|c| *c != apart).collect();
            Some(part.map_or(digits.clone(), |part| format!("{digits}.{part}")))
        }
        // "86.1": nobody groups like this.
        ([_, _], None) => Some(whole.replace(apart, ".")),
        _ => None,
    }
}

/// Of a French text that may mean two numbers, each of them as it can be meant: `12.500` is `12500` or `12,500`.
pub(super) fn readings(text: &str) -> Option<[String; 2]> {
    let (whole, part) = text.split_once('.')?;
    let meant = [format!("{whole}{part}"), format!("{whole},{part}")];
    let is_read = |text: &str| amount(Lang::Fr, &text.replace(char::is_whitespace, "")).is_some();
    (!is_read(text) && meant.iter().all(|text| is_read(text))).then_some(meant)
}

/// A number in the form that [`read`] takes back: `12 500,5` in French, `12,500.5` in English.
#[must_use]
pub fn show(lang: Lang, value: &Number) -> String {
    // Rust writes a float without an exponent, which nobody could type.
    let text = value.as_f64().filter(|_| value.is_f64()).map_or_else(|| value.to_string(), |float| float.to_string());
    let (whole, part) = text.split_once('.').map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let (apart, decimal) = lang.pick(('\u{202f}', ','), (',', '.'));
    let mut out = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(apart);
        }
        out.push(digit);
    }
    part.map_or(out.clone(), |part| format!("{out}{decimal}{part}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::schema::Schema;
    use crate::record::{EditError, edit};
    use crate::time::Timestamp;

    fn budget() -> &'static Field {
        Schema::get().kind("experience").unwrap().field("means").unwrap().member("budget_eur").unwrap()
    }

    fn latitude() -> &'static Field {
        Schema::get().kind("territory").unwrap().field("point").unwrap().member("lat").unwrap()
    }

    fn value(field: &Field, lang: Lang, typed: &str) -> Option<f64> {
        read(field, lang, typed).and_then(|number| number.as_f64())
    }

    #[test]
    fn numbers_are_understood_as_people_type_them() {
        for (typed, is) in [
            ("12 500", 12_500.0),
            ("12\u{202f}500,50 €", 12_500.5),
            ("1.234.567,8", 1_234_567.8),
            ("12.500,00", 12_500.0),
            ("1,5 M€", 1_500_000.0),
            ("30 k€", 30_000.0),
            ("45 %", 45.0),
            ("-3", -3.0),
            ("86.1", 86.1),
            ("0.125", 0.125),
            ("12,500", 12.5),
            ("16,1 k€", 16_100.0),
            ("2,01 M€", 2_010_000.0),
            ("8,2 m€", 8_200_000.0),
            ("1,5 M", 1_500_000.0),
            ("2 Meuros", 2_000_000.0),
            ("0,0000005 M€", 0.5),
            ("12,", 12.0),
        ] {
            assert_eq!(value(budget(), Lang::Fr, typed), Some(is), "{typed}");
        }
        assert_eq!(value(budget(), Lang::En, "12,500.5"), Some(12_500.5));
        assert_eq!(value(budget(), Lang::En, "12,500"), Some(12_500.0));
        assert_eq!(value(budget(), Lang::En, "12.500"), Some(12.5));
        assert_eq!(read(budget(), Lang::Fr, "9223372036854775807"), Some(i64::MAX.into()));
        assert_eq!(read(budget(), Lang::Fr, "16,1 k€"), Some(16_100.into()));
        assert_eq!(read(budget(), Lang::Fr, &"9".repeat(400)), None);
        assert_eq!(readings("12.500 €"), Some(["12500 €".to_owned(), "12,500 €".to_owned()]));
        for one in ["12 500", "86.1", "1.2.3", "1.234.567", "douze", "3.200 ou plus"] {
            assert_eq!(readings(one), None, "{one}");
        }
        for other in ["", "douze", "1 ou 2", "1.2.3", "€", "inf", "1e400", "--1", "-", "12.500", "6 m", "6m%", "6 mois"]
        {
            assert_eq!(read(budget(), Lang::Fr, other), None, "{other}");
        }
    }

    #[test]
    fn a_latitude_has_decimals_and_no_thousands() {
        for lang in [Lang::Fr, Lang::En] {
            for (typed, is) in [("43.105", 43.105), ("43,105", 43.105), ("-0.5", -0.5), ("3", 3.0)] {
                assert_eq!(value(latitude(), lang, typed), Some(is), "{typed}");
            }
            assert_eq!(read(latitude(), lang, "1.234,5"), None);
        }
    }

    #[test]
    fn a_place_off_the_globe_is_told() {
        let create = |lat: f64| {
            let fields = [("title", json!("Valombre")), ("point", json!({"lat": lat, "lon": 3.1}))];
            edit::create(
                "territory",
                &fields.map(|(name, value)| (name.to_owned(), value)).into(),
                [0; 32],
                Timestamp(0),
            )
        };
        assert!(create(43.105).is_ok());
        let Err(EditError::Invalid(problems)) = create(43_105.0) else { panic!("there is no such latitude") };
        let said = problems[0].message(Lang::Fr);
        assert!(said.contains("« Latitude » va de -90 à 90 (reçu : « 43105.0 »)"), "{said}");
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for number in [0.5, 1234.25, -98_765.0, 12.345, 1e-5, 1e16, 1e300] {
            let number = Number::from_f64(number).unwrap();
            for lang in [Lang::Fr, Lang::En] {
                let shown = show(lang, &number);
                assert_eq!(value(budget(), lang, &shown), number.as_f64(), "{shown}");
            }
        }
        assert_eq!(show(Lang::Fr, &(-12_500).into()), "-12\u{202f}500");
        assert_eq!(show(Lang::Fr, &Number::from_f64(1e-5).unwrap()), "0,00001");
        assert_eq!(show(Lang::En, &Number::from_f64(1e16).unwrap()), "10,000,000,000,000,000");
    }
}
