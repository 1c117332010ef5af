//! Everything the commands say, from `locales/{fr,en}/*.ftl`. French is written first; both must hold the same keys.

use std::borrow::Cow;

use essaim_protocol::api::Lang;
use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

const FR: [(&str, &str); 3] = [
    ("help.ftl", include_str!("../locales/fr/help.ftl")),
    ("output.ftl", include_str!("../locales/fr/output.ftl")),
    ("errors.ftl", include_str!("../locales/fr/errors.ftl")),
];

const EN: [(&str, &str); 3] = [
    ("help.ftl", include_str!("../locales/en/help.ftl")),
    ("output.ftl", include_str!("../locales/en/output.ftl")),
    ("errors.ftl", include_str!("../locales/en/errors.ftl")),
];

/// The texts of one language.
pub(crate) struct Texts {
    pub(crate) lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

/// A sentence by its key, with what it names: `t!(ui, "saved", title = brief.title)`.
macro_rules! t {
    ($ui:expr, $key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $ui.texts.say($key, [$((stringify!($name), fluent_bundle::FluentValue::from($value))),*])
    };
}
pub(crate) use t;

impl Texts {
    pub(crate) fn new(lang: Lang) -> Self {
        let (id, files) = lang.pick(("fr-FR", FR), ("en-GB", EN));
        // The default decides plural rules only, and both names above are read.
        let id: LanguageIdentifier = id.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new(vec![id]);
        // Isolation marks would be copied along with ids and commands.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(lang.pick(grouped_fr, grouped_en)));
        for (_, text) in files {
            // A test holds every file to being read whole; what cannot be read is left out.
            let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, _)| resource);
            bundle.add_resource_overriding(resource);
        }
        Self { lang, bundle }
    }

    /// The sentence of a key; the key itself when there is none.
    pub(crate) fn say<'a>(&self, key: &str, named: impl IntoIterator<Item = (&'a str, FluentValue<'a>)>) -> String {
        let named: FluentArgs<'_> = named.into_iter().collect();
        self.find(key, &named).unwrap_or_else(|| key.to_owned())
    }

    /// The sentence of a key made at run time, such as that of an argument's help.
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.find(key, &FluentArgs::new())
    }

    fn find(&self, key: &str, named: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        Some(self.bundle.format_pattern(pattern, Some(named), &mut Vec::new()).into_owned())
    }
}

fn grouped_fr<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    grouped(value, '\u{202f}', ',')
}

fn grouped_en<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    grouped(value, ',', '.')
}

/// Numbers as the language writes them: thousands apart, its own decimal sign.
#[expect(clippy::wildcard_enum_match_arm, reason = "only numbers are written in a way of their own")]
fn grouped(value: &FluentValue<'_>, apart: char, decimal: char) -> Option<String> {
    match value {
        FluentValue::Number(number) => {
            let text: Cow<'_, str> = number.as_string();
            let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
            let digits = whole.len();
            let mut out = String::new();
            for (at, digit) in whole.chars().enumerate() {
                if at > 0 && (digits - at) % 3 == 0 && digit.is_ascii_digit() && !out.ends_with('-') {
                    out.push(apart);
                }
                out.push(digit);
            }
            if !part.is_empty() {
                out.push(decimal);
                out.push_str(part);
            }
            Some(out)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(files: [(&str, &str); 3]) -> BTreeSet<String> {
        let lines = files.iter().flat_map(|(_, text)| text.lines());
        let heads = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        heads.filter_map(|line| Some(line.split_once('=')?.0.trim().to_owned())).collect()
    }

    /// The keys that the sources name in `t!`.
    fn used() -> BTreeSet<String> {
        fn walk(dir: &std::path::Path, found: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    let source = std::fs::read_to_string(&path).unwrap();
                    found.extend(source.split("t!(").skip(1).filter_map(|call| {
                        let rest = call.trim_start();
                        let speaker = ["ui,", "cx.ui,", "self,"].into_iter().find_map(|name| rest.strip_prefix(name));
                        let (key, _) = speaker?.trim_start().strip_prefix('"')?.split_once('"')?;
                        Some(key.to_owned())
                    }));
                }
            }
        }
        let mut found = BTreeSet::new();
        walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        found
    }

    #[test]
    fn every_file_is_read_whole() {
        for (name, text) in FR.into_iter().chain(EN) {
            if let Err((_, errors)) = FluentResource::try_new(text.to_owned()) {
                panic!("{name}: {errors:?}");
            }
        }
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let (fr, en) = (keys(FR), keys(EN));
        assert_eq!(fr.difference(&en).collect::<Vec<_>>(), Vec::<&String>::new(), "only in French");
        assert_eq!(en.difference(&fr).collect::<Vec<_>>(), Vec::<&String>::new(), "only in English");
    }

    #[test]
    fn every_key_that_is_used_exists_and_every_key_is_used() {
        let (known, used) = (keys(FR), used());
        let missing: Vec<_> = used.difference(&known).collect();
        assert!(missing.is_empty(), "not in the locales: {missing:?}");
        let composed = ["cmd-", "arg-", "stage-", "ended-", "check-", "health-", "ally-state-", "hint-", "role-"];
        let idle: Vec<_> =
            known.difference(&used).filter(|key| !composed.iter().any(|start| key.starts_with(start))).collect();
        assert!(idle.is_empty(), "in the locales and never said: {idle:?}");
    }

    #[test]
    fn numbers_are_written_as_the_language_does() {
        let say = |lang, n: f64| Texts::new(lang).say("records-count", [("n", FluentValue::from(n))]);
        assert_eq!(say(Lang::Fr, 12_345.0), "12\u{202f}345 fiches");
        assert_eq!(say(Lang::En, 12_345.0), "12,345 records");
        assert_eq!(say(Lang::Fr, 1.0), "1 fiche");
    }
}
