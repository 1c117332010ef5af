//! What the page says, from `locales/{fr,en}/*.ftl`: one file a screen, French written first, the same keys in both.

use std::sync::LazyLock;

use essaim_protocol::api::Lang;
use rust_embed::Embed;

use crate::words::Texts;

#[derive(Embed)]
#[folder = "locales"]
struct Files;

static FR: LazyLock<Texts> = LazyLock::new(|| read(Lang::Fr));
static EN: LazyLock<Texts> = LazyLock::new(|| read(Lang::En));

/// The texts of a language.
pub(super) fn of(lang: Lang) -> &'static Texts {
    lang.pick(&FR, &EN)
}

fn read(lang: Lang) -> Texts {
    let files = files(lang);
    Texts::new(lang, files.iter().map(|(_, text)| text.as_str()))
}

/// The files of a language, with their names, in the order of these.
fn files(lang: Lang) -> Vec<(String, String)> {
    let dir = lang.pick("fr/", "en/");
    let mut names: Vec<_> = Files::iter().filter(|name| name.starts_with(dir)).collect();
    names.sort();
    let text = |name: &str| Files::get(name).map(|file| String::from_utf8_lossy(&file.data).into_owned());
    names.iter().filter_map(|name| Some((name.strip_prefix(dir)?.to_owned(), text(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use fluent_bundle::FluentResource;

    use super::*;

    fn keys(lang: Lang) -> BTreeSet<String> {
        let files = files(lang);
        let lines = files.iter().flat_map(|(_, text)| text.lines());
        let heads = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        heads.filter_map(|line| Some(line.split_once('=')?.0.trim().to_owned())).collect()
    }

    /// The keys that templates and sources name: `t("key")`, `t1("key", …)`, `t2("key", …)`.
    fn used() -> BTreeSet<String> {
        fn walk(dir: &Path, found: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else if let Ok(source) = std::fs::read_to_string(&path) {
                    for call in [".t(\"", ".t1(\"", ".t2(\""] {
                        found.extend(
                            source.split(call).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())),
                        );
                    }
                }
            }
        }
        let mut found = BTreeSet::new();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        walk(&here.join("templates"), &mut found);
        walk(&here.join("src/page"), &mut found);
        found.remove("key");
        found
    }

    #[test]
    fn every_file_is_read_whole() {
        for (name, text) in files(Lang::Fr).into_iter().chain(files(Lang::En)) {
            if let Err((_, errors)) = FluentResource::try_new(text) {
                panic!("{name}: {errors:?}");
            }
        }
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let (fr, en) = (keys(Lang::Fr), keys(Lang::En));
        assert_eq!(fr.symmetric_difference(&en).collect::<Vec<_>>(), Vec::<&String>::new(), "in one language only");
    }

    #[test]
    fn every_key_that_is_used_exists_and_every_key_is_used() {
        let (known, used) = (keys(Lang::Fr), used());
        let missing: Vec<_> = used.difference(&known).collect();
        assert!(missing.is_empty(), "not in the locales: {missing:?}");
        // Made at run time: `hint-` from the kind of an error, the others from tables.
        let composed = [
            "hint-",
            "facet-",
            "home-kind-",
            "menu-",
            "view-",
            "file-",
            "linked-",
            "letter-kind-",
            "side-",
            "findings-",
            "programmes-",
            "resources-",
            "actors-",
            "rel-",
            "write-step-",
            "write-ask-",
            "write-kind-",
            "country-",
        ];
        let idle: Vec<_> =
            known.difference(&used).filter(|key| !composed.iter().any(|start| key.starts_with(start))).collect();
        assert!(idle.is_empty(), "in the locales and never said: {idle:?}");
    }
}
