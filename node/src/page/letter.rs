//! A digest in words: the parts that the page, the document for an e-mail and the Markdown are made of.
//!
//! What leaves the page names its authors and its licence with every record, and holds no address of this machine.

use askama::Template;
use essaim_protocol::api::{Brief, Digest, Digested, Lang, RecordName};

use super::shown::cut;
use super::visit::Frame;
use crate::words::when;

/// Characters of a title, of what a record says and of the names of its authors: a letter leads to its records.
const TITLE: usize = 200;
const TEXT: usize = 400;
const NAMES: usize = 200;

/// A digest, told.
pub(super) struct Letter {
    pub(super) title: String,
    pub(super) theme: Option<String>,
    pub(super) lead: String,
    pub(super) sections: Vec<Section>,
}

/// What it tells of one kind.
pub(super) struct Section {
    pub(super) heading: String,
    pub(super) items: Vec<Item>,
}

/// One record.
pub(super) struct Item {
    pub(super) id: String,
    pub(super) title: String,
    /// The language of its words where it is not that of the page.
    pub(super) lang: Option<String>,
    /// Its form, place and date.
    pub(super) what: String,
    /// Of a contribution: what it is about.
    pub(super) about: Option<Quoted>,
    pub(super) text: Option<String>,
    /// Who wrote it, when, under which licence.
    pub(super) credit: String,
}

/// A record as another names it.
#[derive(Debug, Clone)]
pub(super) struct Quoted {
    pub(super) id: String,
    /// Its title, or what is said in place of one.
    pub(super) title: String,
    /// The language of the title where it is not that of the page.
    pub(super) lang: Option<String>,
}

impl Quoted {
    pub(super) fn of(f: &Frame, brief: &Brief) -> Self {
        let title = if brief.title.is_empty() { f.t("sheet-untitled") } else { cut(&brief.title, TITLE) };
        Self { id: brief.id.to_string(), title, lang: f.foreign(brief) }
    }
}

impl Letter {
    pub(super) fn of(f: &Frame, digest: &Digest) -> Self {
        let mut sections: Vec<(&str, Section)> = Vec::new();
        for one in &digest.records {
            let kind = one.brief.kind.as_str();
            if sections.last().is_none_or(|(last, _)| *last != kind) {
                let heading = f.maybe(&format!("letter-kind-{kind}")).unwrap_or_else(|| kind.to_owned());
                sections.push((kind, Section { heading, items: Vec::new() }));
            }
            if let Some((_, section)) = sections.last_mut() {
                section.items.push(item(f, one));
            }
        }
        let shown = digest.records.len() as u64;
        Self {
            title: title(f, digest),
            theme: digest.theme.as_ref().map(|theme| f.t1("letter-theme", "theme", theme.label.as_str())),
            lead: match shown < digest.total {
                true => f.t2("letter-part", "shown", shown, "n", digest.total),
                false => f.t1("letter-lead", "n", shown),
            },
            sections: sections.into_iter().map(|(_, section)| section).collect(),
        }
    }
}

fn title(f: &Frame, digest: &Digest) -> String {
    let day = |text: &Option<String>| text.as_deref().and_then(|text| Some(when::date(f.lang(), text.parse().ok()?)));
    match (day(&digest.since), day(&digest.until)) {
        (Some(from), Some(to)) => f.t2("letter-between", "from", from, "to", to),
        (Some(from), None) => f.t1("letter-since", "from", from),
        (None, Some(to)) => f.t1("letter-until", "to", to),
        (None, None) => f.t("letter-always"),
    }
}

fn item(f: &Frame, one: &Digested) -> Item {
    let brief = &one.brief;
    let place = brief.territory.as_ref().map(|place| titled(f, &place.id.to_string(), &place.title));
    let date = brief.when.as_deref().map(|date| when::edtf(f.lang(), date));
    let by = if one.brief.by.is_empty() { f.t("history-reference") } else { cut(&one.brief.by.join(", "), NAMES) };
    let by = brief.updated_at.map_or_else(|| by.clone(), |at| f.t2("sheet-by-at", "by", by.clone(), "at", f.day(&at)));
    let Quoted { id, title, lang } = Quoted::of(f, brief);
    Item {
        id,
        title,
        lang,
        what: [one.form.clone(), place, date].into_iter().flatten().collect::<Vec<_>>().join(" · "),
        about: one.about.as_ref().map(|to| named(f, to)),
        text: one.text.as_ref().or(brief.summary.as_ref()).map(|text| cut(text, TEXT)),
        credit: [Some(by), one.licence.clone()].into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}

/// The title of a record; what to say of one that has none, and of one that has not arrived, which is named by the
/// beginning of its id.
pub(super) fn titled(f: &Frame, id: &str, title: &str) -> String {
    if title.is_empty() {
        f.t("sheet-untitled")
    } else if title.len() == essaim_protocol::id::SHORT && id.starts_with(title) {
        f.t("sheet-absent")
    } else {
        cut(title, TITLE)
    }
}

/// A record that is named by another.
pub(super) fn named(f: &Frame, to: &RecordName) -> Quoted {
    let id = to.id.to_string();
    Quoted { title: titled(f, &id, &to.title), lang: f.foreign_to(&to.title, to.lang.as_deref()), id }
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Mail<'a> {
    f: &'a Frame,
    commons: &'a str,
    letter: Letter,
}

/// A digest as one HTML document for an e-mail, in nothing but inline styles.
///
/// # Errors
/// When the template cannot be filled, which only a defect of this program can make.
pub(crate) fn mail(lang: Lang, commons: &str, digest: &Digest) -> Result<String, askama::Error> {
    let f = &Frame::bare(lang);
    Mail { f, commons, letter: Letter::of(f, digest) }.render()
}

/// A digest in Markdown. What records say is text: nothing of it is laid out.
pub(crate) fn markdown(lang: Lang, commons: &str, digest: &Digest) -> String {
    let f = &Frame::bare(lang);
    let letter = Letter::of(f, digest);
    let head = [Some(commons.to_owned()), letter.theme, Some(letter.lead)];
    let mut blocks = vec![format!("# {}", plain(&letter.title))];
    blocks.push(plain(&head.into_iter().flatten().collect::<Vec<_>>().join(" · ")));
    for section in &letter.sections {
        blocks.push(format!("## {}", plain(&section.heading)));
        for item in &section.items {
            blocks.push(format!("### {}", plain(&item.title)));
            let about = item.about.as_ref().map(|to| f.t1("letter-about", "title", to.title.as_str()));
            blocks.extend([Some(item.what.clone()), about].iter().flatten().map(|line| plain(line)));
            let lines = item.text.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().is_empty());
            blocks.push(lines.map(|line| format!("> {}", plain(line))).collect::<Vec<_>>().join("\n>\n"));
            blocks.push(format!("*{}*", plain(&item.credit)));
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n") + "\n"
}

/// A line in which every sign that Markdown would read stands for itself ([CommonMark, backslash
/// escapes](https://spec.commonmark.org/0.31.2/#backslash-escapes)).
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        let begins_item = matches!(c, '.' | ')') && !out.is_empty() && out.bytes().all(|byte| byte.is_ascii_digit());
        let begins = out.is_empty() && matches!(c, '+' | '-' | '=');
        if begins || begins_item || "\\`*_{}[]<>#|~&!$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use essaim_protocol::id::RecordId;
    use essaim_protocol::time::Timestamp;

    use super::*;

    fn told(kind: &str, title: &str) -> Digested {
        Digested {
            brief: Brief {
                id: RecordId([7; 32]),
                short: String::new(),
                kind: kind.into(),
                title: title.into(),
                lang: None,
                summary: Some("1. Dix-huit mois\n- d'essai <script>".into()),
                territory: None,
                updated_at: Some(Timestamp(1_778_162_400_000)),
                when: Some("2024-05".into()),
                by: vec!["Commune de Valombre".into()],
                conflicts: 0,
                snippet: None,
                highlights: Vec::new(),
                shared: Vec::new(),
            },
            form: Some("Question".into()),
            text: None,
            about: Some(RecordName { id: RecordId([9; 32]), title: RecordId([9; 32]).short(), lang: None }),
            licence: Some("CC BY-SA 4.0".into()),
        }
    }

    fn digest() -> Digest {
        let records = vec![told("experience", "Une [navette](x) *à* la demande"), told("contribution", "<b>Combien ?")];
        Digest { since: Some("2026-05-01".into()), until: None, theme: None, total: 2, records, ..Digest::default() }
    }

    #[test]
    fn every_record_is_credited_and_nothing_of_it_is_laid_out() {
        let text = markdown(Lang::Fr, "Vallées", &digest());
        for line in [
            "# Ce qui s’est écrit depuis le 1er mai 2026",
            "### Une \\[navette\\](x) \\*à\\* la demande",
            "Question · mai 2024",
            "À propos de : une fiche qui n’est pas encore arrivée ici",
            "> 1\\. Dix-huit mois",
            "> \\- d'essai \\<script\\>",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        }
        assert_eq!(text.matches("*Commune de Valombre, le 7 mai 2026 · CC BY-SA 4.0*").count(), 2, "{text}");
    }

    #[test]
    fn the_document_for_an_e_mail_is_whole_and_safe() {
        let html = mail(Lang::Fr, "Vallées & co", &digest()).unwrap();
        assert!(html.starts_with("<!doctype html>\n<html lang=\"fr\">"), "{html}");
        for bad in ["<script", "<b>", "http://", "<link", "class=", "src="] {
            assert!(!html.contains(bad), "{bad} in {html}");
        }
        assert_eq!(html.matches("Commune de Valombre, le 7 mai 2026").count(), 2);
        assert!(html.contains("Vallées &#38; co"));
    }
}
