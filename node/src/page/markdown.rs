//! Stories as people format them, made safe: no HTML of theirs, no picture from elsewhere, links that say where they go.

use pulldown_cmark::{Alignment, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// The most characters that are laid out: a longer text is shown as it was typed. A document holds at most this, and the
/// parser's time is linear.
const MAX: usize = 2 << 20;

/// Renders a text as HTML that can stand inside any page. Its highest heading becomes `<h{level}>`.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not named here is laid out as it is")]
pub(super) fn html(text: &str, level: usize) -> String {
    if text.len() > MAX {
        return format!("<pre>{}</pre>", escaped(text));
    }
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut events = Vec::new();
    // Of the links and pictures that are open, whether each leads somewhere.
    let mut leads: Vec<bool> = Vec::new();
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => events.push(Event::Text(html)),
            Event::Start(Tag::Image { link_type, dest_url, .. } | Tag::Link { link_type, dest_url, .. }) => {
                let link = link(link_type, dest_url);
                leads.push(link.is_some());
                events.extend(link.map(Event::Start));
            }
            Event::End(TagEnd::Image | TagEnd::Link) => {
                events.extend(leads.pop().filter(|leads| *leads).map(|_| Event::End(TagEnd::Link)));
            }
            // Alignments become styles, which the page forbids.
            Event::Start(Tag::Table(columns)) => {
                events.push(Event::Start(Tag::Table(vec![Alignment::None; columns.len()])));
            }
            Event::Start(Tag::Heading { level: own, .. }) => {
                let level = below(own, level);
                events.push(Event::Start(Tag::Heading { level, id: None, classes: vec![], attrs: vec![] }));
            }
            Event::End(TagEnd::Heading(own)) => events.push(Event::End(TagEnd::Heading(below(own, level)))),
            // A line that was ended by hand is meant to end there.
            Event::SoftBreak => events.push(Event::HardBreak),
            other => events.push(other),
        }
    }
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events.into_iter());
    out
}

/// A link to a page of the web or a mail address; of anything else (a script, a file of this machine) the words are left.
fn link(link_type: LinkType, to: CowStr<'_>) -> Option<Tag<'_>> {
    let safe = link_type == LinkType::Email
        || ["http://", "https://", "mailto:"].iter().any(|start| to.to_ascii_lowercase().starts_with(start));
    let dest_url = if link_type == LinkType::Email { CowStr::from(format!("mailto:{to}")) } else { to };
    let none = CowStr::Borrowed("");
    safe.then(|| Tag::Link { link_type: LinkType::Inline, dest_url, title: none.clone(), id: none })
}

fn below(own: HeadingLevel, highest: usize) -> HeadingLevel {
    HeadingLevel::try_from((own as usize + highest - 1).min(6)).unwrap_or(HeadingLevel::H6)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn what_people_format_is_laid_out() {
        assert_eq!(
            html("Un *pas* de **plus**\nici", 3),
            "<p>Un <em>pas</em> de <strong>plus</strong><br />\nici</p>\n"
        );
        assert_eq!(html("# Titre\n\n## Sous-titre", 3), "<h3>Titre</h3>\n<h4>Sous-titre</h4>\n");
    }

    #[test]
    fn links_lead_where_they_say_or_are_words() {
        assert_eq!(
            html("<contact@mairie.example>", 3),
            "<p><a href=\"mailto:contact@mairie.example\">contact@mairie.example</a></p>\n"
        );
        assert_eq!(html("[ici](/etc/passwd) et [*là*](javascript:x)", 3), "<p>ici et <em>là</em></p>\n");
        assert!(!html("[ici](../x)", 3).contains("href"));
        assert!(
            html("![un plan](https://a.example/p.png)", 3).contains("<a href=\"https://a.example/p.png\">un plan</a>")
        );
    }

    #[test]
    fn a_table_brings_no_style() {
        let out = html("| a | b |\n|:--|--:|\n| 1 | 2 |", 3);
        assert!(out.contains("<td>1</td>") && !out.contains("style"), "{out}");
    }

    #[test]
    fn nothing_of_theirs_runs_or_is_fetched() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "a <b onclick=\"x\">c</b>",
            "[ici](javascript:alert(1))",
            "![](https://ailleurs.example/pixel.png)",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html;base64,AAAA)",
            "<https://ok.example> <javascript:alert(1)>",
            "[x]: javascript:alert(1)\n\n[x]",
            "# <svg/onload=alert(1)>",
        ] {
            let out = html(hostile, 3).to_lowercase();
            let bad = ["<script", "<img", "<b ", "<svg", "href=\"javascript", "href=\"data"];
            assert!(!bad.iter().any(|bad| out.contains(bad)), "{hostile} became {out}");
        }
    }

    #[test]
    fn a_text_past_all_bounds_is_shown_as_typed() {
        let long = "<b>".repeat(1 << 20);
        assert!(html(&long, 3).starts_with("<pre>&lt;b&gt;"));
    }
}
