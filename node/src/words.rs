//! What the interfaces say: sentences by their key in [Fluent](https://projectfluent.org) files, numbers and [moments](when); and what
//! [differs](diff) between two texts.
//!
//! The commands and the page each bring their own files; French is written first, and both languages hold the same keys.

use essaim_protocol::api::Lang;
use essaim_protocol::typography::french;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

pub mod diff;
pub mod read;
pub mod when;

/// The texts of one language.
pub struct Texts {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({:?})", self.lang)
    }
}

impl Texts {
    /// Reads the files of a language. What a file cannot be understood in is left out: the owners' tests hold them to
    /// being read whole.
    pub fn new<'a>(lang: Lang, files: impl IntoIterator<Item = &'a str>) -> Self {
        // The default decides plural rules only, and both names are read.
        let id: LanguageIdentifier = lang.pick("fr-FR", "en-GB").parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Isolation marks would be copied along with ids and commands.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(lang.pick(grouped_fr, grouped_en)));
        for text in files {
            let text = lang.pick::<fn(&str) -> String>(french, str::to_owned)(text);
            let resource = FluentResource::try_new(text).unwrap_or_else(|(resource, _)| resource);
            bundle.add_resource_overriding(resource);
        }
        Self { lang, bundle }
    }

    /// The language.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    /// The sentence of a key with what it names; the key itself when there is none.
    pub fn say<'a>(&self, key: &str, named: impl IntoIterator<Item = (&'a str, FluentValue<'a>)>) -> String {
        let named: FluentArgs<'_> = named.into_iter().collect();
        self.find(key, &named).unwrap_or_else(|| key.to_owned())
    }

    /// The sentence of a key made at run time, such as that of an argument's help.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<String> {
        self.find(key, &FluentArgs::new())
    }

    fn find(&self, key: &str, named: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        Some(self.bundle.format_pattern(pattern, Some(named), &mut Vec::new()).into_owned())
    }
}

/// What stands between a label and what it labels.
#[must_use]
pub fn colon(lang: Lang) -> &'static str {
    lang.pick("\u{a0}: ", ": ")
}

/// A label and what it labels: `Date : mai 2024`, `Date: May 2024`.
#[must_use]
pub fn labelled(lang: Lang, label: &str, value: &str) -> String {
    format!("{label}{}{value}", colon(lang))
}

fn grouped_fr<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    grouped(value, Lang::Fr)
}

fn grouped_en<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    grouped(value, Lang::En)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only numbers are written in a way of their own")]
fn grouped(value: &FluentValue<'_>, lang: Lang) -> Option<String> {
    match value {
        FluentValue::Number(written) => Some(number(lang, &written.as_string())),
        _ => None,
    }
}

/// A number as the language writes it: thousands apart, its own decimal sign. `text` has digits, a sign and a point.
#[must_use]
pub fn number(lang: Lang, text: &str) -> String {
    let (apart, decimal) = lang.pick(('\u{202f}', ','), (',', '.'));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.len();
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (digits - at).is_multiple_of(3) && digit.is_ascii_digit() && !out.ends_with('-') {
            out.push(apart);
        }
        out.push(digit);
    }
    if !part.is_empty() {
        out.push(decimal);
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_texts_have_their_spaces_and_apostrophes() {
        let say =
            |lang| Texts::new(lang, ["k = { $who } n'est pas « ici » : où ?\n"]).say("k", [("who", "l'ami :".into())]);
        assert_eq!(say(Lang::Fr), "l'ami : n’est pas «\u{a0}ici\u{a0}»\u{a0}: où\u{202f}?", "what is named stays");
        assert_eq!(say(Lang::En), "l'ami : n'est pas « ici » : où ?");
    }

    #[test]
    fn numbers_are_written_as_the_language_does() {
        let files = ["n = { $n ->\n  [one] { $n } fiche\n *[other] { $n } fiches\n }\n"];
        let say = |lang, n: f64| Texts::new(lang, files).say("n", [("n", FluentValue::from(n))]);
        assert_eq!(say(Lang::Fr, 12_345.0), "12\u{202f}345 fiches");
        assert_eq!(say(Lang::En, 12_345.0), "12,345 fiches");
        assert_eq!(say(Lang::Fr, 1.5), "1,5 fiche");
    }
}
