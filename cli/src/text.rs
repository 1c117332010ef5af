//! Everything the commands say, from `locales/{fr,en}/*.ftl`. French is written first; both must hold the same keys.

pub(crate) use essaim_node::words::Texts;
use essaim_protocol::api::Lang;

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

/// A sentence by its key, with what it names: `t!(ui, "saved", title = brief.title)`.
macro_rules! t {
    ($ui:expr, $key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $ui.texts.say($key, [$((stringify!($name), fluent_bundle::FluentValue::from($value))),*])
    };
}
pub(crate) use t;

/// What the commands say in a language.
pub(crate) fn texts(lang: Lang) -> Texts {
    Texts::new(lang, lang.pick(FR, EN).map(|(_, text)| text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fluent_bundle::FluentResource;

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
    fn every_french_message_has_its_spaces_and_apostrophes() {
        let texts = texts(Lang::Fr);
        for key in keys(FR) {
            let said = texts.get(&key).unwrap_or_default();
            for plain in [" :", " ;", " !", " ?", " »", "« "] {
                assert!(!said.contains(plain), "{key}: {said}");
            }
            let mut pairs = said.chars().zip(said.chars().skip(1));
            assert!(!pairs.any(|(letter, sign)| letter.is_alphabetic() && sign == '\''), "{key}: {said}");
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
}
