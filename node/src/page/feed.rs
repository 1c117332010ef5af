//! What a search gives to other programs: Atom ([RFC 4287](https://www.rfc-editor.org/rfc/rfc4287)), CSV
//! ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)), GeoJSON ([RFC 7946](https://www.rfc-editor.org/rfc/rfc7946)) and
//! iCalendar ([RFC 5545](https://www.rfc-editor.org/rfc/rfc5545)).

use axum::http::HeaderName;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use essaim_protocol::api::{Brief, Commons, Lang};
use essaim_protocol::record::schema::Schema;
use jiff::civil::Date;
use serde_json::json;

use super::links::Links;
use crate::texts;
use crate::words::when;

pub(super) const DIGEST_FEED: &str = "/digest.atom";
pub(super) const AGENDA_FEED: &str = "/agenda.ics";

/// Feeds, which a program may follow with a key in place of the cookie.
pub(super) const FEEDS: [&str; 4] = ["/recherche.atom", "/recherche.ics", DIGEST_FEED, AGENDA_FEED];

/// A text that a browser saves.
pub(super) type File = ([(HeaderName, String); 2], String);

pub(super) fn file(kind: &str, name: &str, text: String) -> File {
    let named = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_TYPE, format!("{kind}; charset=utf-8")), (CONTENT_DISPOSITION, named)], text)
}

/// Gatherings as a calendar.
pub(crate) fn calendar(lang: Lang, commons: &Commons, records: &[Brief]) -> String {
    let (title, of, commons) = (commons.name.clone(), commons.name.clone(), commons.id.to_string());
    let (origin, page) = (String::new(), String::new());
    Feed { lang, title, of, commons, origin, links: Links::Node, page, records }.calendar()
}

/// What a feed is of.
pub(super) struct Feed<'a> {
    pub(super) lang: Lang,
    /// The name of the commons and, after it, the question.
    pub(super) title: String,
    /// The name of the commons, in whose name the feed is.
    pub(super) of: String,
    /// The commons' id: with it a record's id is one in the world.
    pub(super) commons: String,
    /// `http://127.0.0.1:8421`; nothing where addresses are relative.
    pub(super) origin: String,
    pub(super) links: Links,
    /// The address of the search that it follows.
    pub(super) page: String,
    pub(super) records: &'a [Brief],
}

impl Feed<'_> {
    fn kind(&self, brief: &Brief) -> String {
        Schema::get().kind(&brief.kind).map_or(brief.kind.as_str(), |kind| kind.label.get(self.lang)).to_owned()
    }

    /// The citation of a record, whatever its version.
    fn name(&self, brief: &Brief) -> String {
        format!("essaim:{}/{}", self.commons, brief.id)
    }

    /// The latest changes first.
    pub(super) fn atom(&self) -> String {
        let updated = self.records.iter().filter_map(|brief| brief.updated_at).max().unwrap_or_default();
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{}\">\n\
             <title>{}</title>\n<author><name>{}</name></author>\n<id>essaim:{}/{}</id>\n\
             <updated>{updated}</updated>\n<link href=\"{}\"/>\n",
            self.lang.pick("fr", "en"),
            xml(&self.title),
            xml(&self.of),
            xml(&self.commons),
            xml(self.page.trim_start_matches('/')),
            xml(&format!("{}{}", self.origin, self.page)),
        );
        for brief in self.records {
            // One that nobody signs is by the commons, as the feed is.
            let by: String =
                brief.by.iter().map(|name| format!("<author><name>{}</name></author>\n", xml(name))).collect();
            out.push_str(&format!(
                "<entry>\n<title>{}</title>\n<id>{}</id>\n<updated>{}</updated>\n<link href=\"{}{}\"/>\n\
                 <category term=\"{}\"/>\n{by}<summary>{}</summary>\n</entry>\n",
                xml(&brief.title),
                xml(&self.name(brief)),
                // Atom wants a moment of every entry.
                brief.updated_at.unwrap_or_default(),
                xml(&self.origin),
                xml(&self.links.record(brief.id)),
                xml(&self.kind(brief)),
                xml(brief.summary.as_deref().unwrap_or_default()),
            ));
        }
        out.push_str("</feed>\n");
        out
    }

    /// A table for a spreadsheet: semicolons and a mark of UTF-8, as a French spreadsheet opens it with a double click.
    pub(super) fn csv(&self) -> String {
        let head = |name: &str| cell(&texts::of(self.lang).get(&format!("csv-{name}")).unwrap_or_default());
        let heads = ["title", "kind", "territory", "when", "summary", "changed", "name"].map(head);
        let mut out = format!("\u{feff}{}\r\n", heads.join(";"));
        for brief in self.records {
            let changed = brief.updated_at.map(|time| time.to_string()).unwrap_or_default();
            let row = [
                brief.title.clone(),
                self.kind(brief),
                brief.territory.as_ref().map(|territory| territory.title.clone()).unwrap_or_default(),
                brief.when.as_deref().map(|date| when::edtf(self.lang, date)).unwrap_or_default(),
                brief.summary.clone().unwrap_or_default(),
                changed,
                self.name(brief),
            ];
            out.push_str(&row.map(|text| cell(&text)).join(";"));
            out.push_str("\r\n");
        }
        out
    }

    /// Records at the point of their territory.
    pub(super) fn geojson(&self) -> String {
        let feature = |brief: &Brief| {
            let territory = brief.territory.as_ref()?;
            let (lat, lon) = territory.point?;
            Some(json!({
                "type": "Feature",
                "id": self.name(brief),
                "geometry": { "type": "Point", "coordinates": [lon, lat] },
                "properties": {
                    "title": brief.title, "kind": self.kind(brief), "territory": territory.title,
                    "summary": brief.summary, "when": brief.when,
                },
            }))
        };
        let features: Vec<_> = self.records.iter().filter_map(feature).collect();
        json!({ "type": "FeatureCollection", "features": features }).to_string()
    }

    /// Records with a day, as all-day events: a date of the model has no hour that everybody reads alike.
    pub(super) fn calendar(&self) -> String {
        let mut out = String::new();
        let mut line = |text: &str| out.push_str(&folded(text));
        line("BEGIN:VCALENDAR");
        line("VERSION:2.0");
        line("PRODID:-//Essaim//FR");
        line(&format!("X-WR-CALNAME:{}", escaped(&self.title)));
        for brief in self.records {
            let Some((first, last)) = brief.when.as_deref().and_then(days) else { continue };
            let stamp = brief.updated_at.unwrap_or_default().to_string().replace(['-', ':'], "");
            line("BEGIN:VEVENT");
            line(&format!("UID:{}", self.name(brief)));
            line(&format!("DTSTAMP:{stamp}"));
            line(&format!("DTSTART;VALUE=DATE:{}", first.strftime("%Y%m%d")));
            // A calendar wants the day after the last.
            if let Some(after) = last.tomorrow().ok().filter(|_| last > first) {
                line(&format!("DTEND;VALUE=DATE:{}", after.strftime("%Y%m%d")));
            }
            line(&format!("SUMMARY:{}", escaped(&brief.title)));
            if let Some(summary) = &brief.summary {
                line(&format!("DESCRIPTION:{}", escaped(summary)));
            }
            if let Some(territory) = &brief.territory {
                line(&format!("LOCATION:{}", escaped(&territory.title)));
            }
            line("END:VEVENT");
        }
        line("END:VCALENDAR");
        out
    }
}

/// The first and last day of a date or interval that begins with a whole day. One whose end is not known is one day.
fn days(edtf: &str) -> Option<(Date, Date)> {
    let from = edtf.split('/').next()?;
    let (first, same) = when::span(from)?;
    let last = when::span(edtf).map_or(same, |(_, last)| last);
    (from.split('T').next()?.len() == 10).then_some((first, last))
}

/// Text inside an element or attribute; characters that XML does not allow are left out.
fn xml(text: &str) -> String {
    let allowed = |c: &char| *c >= ' ' || matches!(c, '\n' | '\t');
    let text: String = text.chars().filter(allowed).filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A cell. One that a spreadsheet would compute is kept text by an apostrophe ([OWASP, CSV
/// injection](https://owasp.org/www-community/attacks/CSV_Injection)).
fn cell(text: &str) -> String {
    let computed = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if computed { "'" } else { "" }, text.replace('"', "\"\""))
}

/// Text of a calendar.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace(';', "\\;")
        .replace(',', "\\,")
        .replace("\r\n", "\\n")
        .replace(['\n', '\r'], "\\n")
}

/// A line of a calendar, cut at 75 bytes, each next one beginning with a space.
fn folded(text: &str) -> String {
    let (mut out, mut room) = (String::new(), 75);
    for c in text.chars() {
        if c.len_utf8() > room {
            out.push_str("\r\n ");
            room = 74;
        }
        room -= c.len_utf8();
        out.push(c);
    }
    out + "\r\n"
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::TerritoryName;
    use essaim_protocol::id::RecordId;
    use essaim_protocol::time::Timestamp;

    use super::*;

    fn brief(title: &str) -> Brief {
        Brief {
            id: RecordId([7; 32]),
            short: String::new(),
            kind: "gathering".into(),
            title: title.into(),
            lang: None,
            summary: Some("Une \"journée\", avec <tous> ; & vous\nà la mairie".into()),
            territory: Some(TerritoryName {
                id: RecordId([9; 32]),
                title: "Gruissan".into(),
                point: Some((43.1, 3.1)),
            }),
            updated_at: Some(Timestamp(951_782_400_000)),
            when: Some("2024-05-07T14:00".into()),
            by: Vec::new(),
            conflicts: 0,
            snippet: None,
            highlights: Vec::new(),
            shared: Vec::new(),
        }
    }

    fn feed(records: &[Brief]) -> Feed<'_> {
        Feed {
            lang: Lang::Fr,
            title: "Vallées : « récit »".into(),
            of: "Vallées".into(),
            commons: "c0".into(),
            origin: "http://127.0.0.1:1".into(),
            links: Links::Node,
            page: "/recherche?q=r&theme=mobility".into(),
            records,
        }
    }

    #[test]
    fn nothing_that_a_record_says_breaks_a_format() {
        let records = [brief("]]></title><x>&\u{0}\u{1b}")];
        let atom = feed(&records).atom();
        assert!(atom.contains("<title>]]&gt;&lt;/title&gt;&lt;x&gt;&amp;</title>"), "{atom}");
        assert!(atom.contains("<link href=\"http://127.0.0.1:1/recherche?q=r&amp;theme=mobility\"/>"));
        let records = [brief("=cmd|'/c calc'!A1")];
        let csv = feed(&records).csv();
        let heads = "\u{feff}\"Titre\";\"Type\";\"Territoire\";\"Quand\";\"Résumé\";\"Modifiée le\";\"Adresse\"";
        assert_eq!(csv.lines().next(), Some(heads));
        assert!(csv.lines().nth(1).unwrap().starts_with("\"'=cmd"), "{csv}");
        assert!(csv.contains("\"Une \"\"journée\"\", avec"));
        let records = [brief("Fête, été; \\ fin\r\nBEGIN:VEVENT")];
        let calendar = feed(&records).calendar();
        assert_eq!(calendar.matches("\r\nBEGIN:VEVENT").count(), 1, "{calendar}");
        assert!(calendar.contains("SUMMARY:Fête\\, été\\; \\\\ fin\\nBEGIN:VEVENT\r\n"));
        assert!(calendar.contains("DTSTART;VALUE=DATE:20240507\r\n"));
        assert!(calendar.lines().all(|line| line.len() <= 75), "{calendar}");
    }

    #[test]
    fn a_gathering_of_several_days_ends_after_its_last() {
        let mut records = [brief("Assemblée"), brief("Un jour"), brief("Un mois"), brief("Sans fin")];
        for (record, when) in
            records.iter_mut().zip(["2024-05-30/2024-05-31", "2024-05-07", "2024-05", "2024-05-07/.."])
        {
            record.when = Some(when.into());
        }
        let calendar = feed(&records).calendar();
        assert!(calendar.contains("DTSTART;VALUE=DATE:20240530\r\nDTEND;VALUE=DATE:20240601\r\n"), "{calendar}");
        assert_eq!((calendar.matches("DTSTART").count(), calendar.matches("DTEND").count()), (3, 1), "{calendar}");
    }

    #[test]
    fn an_entry_is_by_those_who_sign_it() {
        let mut records = [brief("Ici")];
        let atom = feed(&records).atom();
        let (head, entry) = atom.split_once("<entry>").unwrap();
        assert!(head.contains("<author><name>Vallées</name></author>") && !entry.contains("<author>"), "{atom}");
        records[0].by = vec!["Awa & Co".to_owned(), "Léo".to_owned()];
        let atom = feed(&records).atom();
        assert!(
            atom.contains("<author><name>Awa &amp; Co</name></author>\n<author><name>Léo</name></author>"),
            "{atom}"
        );
    }

    #[test]
    fn records_are_placed_at_their_territory() {
        let records = [brief("Ici")];
        let json: serde_json::Value = serde_json::from_str(&feed(&records).geojson()).unwrap();
        assert_eq!(json["features"][0]["geometry"]["coordinates"], json!([3.1, 43.1]));
    }
}
