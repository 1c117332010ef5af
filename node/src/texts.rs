//! What a node says, from `locales/{fr,en}/*.ftl`: one file a screen, French written first, the same keys in both. The
//! names of countries are Unicode's (`countries.ftl`).

use std::sync::LazyLock;

use essaim_protocol::api::{Lang, Words};
use rust_embed::Embed;

use crate::words::Texts;

#[derive(Embed)]
#[folder = "locales"]
struct Files;

static FR: LazyLock<Texts> = LazyLock::new(|| read(Lang::Fr));
static EN: LazyLock<Texts> = LazyLock::new(|| read(Lang::En));

/// The texts of a language.
pub(crate) fn of(lang: Lang) -> &'static Texts {
    lang.pick(&FR, &EN)
}

/// A sentence in both languages, for an error that is told in the one of who asked.
pub(crate) fn words(key: &str) -> Words {
    Words::new(of(Lang::Fr).say(key, []), of(Lang::En).say(key, []))
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

    /// The keys that templates and sources name: `t("key")`, `t1("key", …)`, `t2("key", …)`, `quote("key", …)`, `words("key")`.
    fn used() -> BTreeSet<String> {
        fn walk(dir: &Path, found: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else if let Ok(source) = std::fs::read_to_string(&path) {
                    for call in [".t(\"", ".t1(\"", ".t2(\"", ".quote(\"", "texts::words(\""] {
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
        walk(&here.join("src"), &mut found);
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
    fn every_country_has_a_name_in_both_languages() {
        // The officially assigned codes (ISO 3166-1 alpha-2, as of 2026).
        let codes = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV \
                     BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES \
                     ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE \
                     IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY \
                     MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU \
                     NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM \
                     SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE \
                     VG VI VN VU WF WS YE YT ZA ZM ZW";
        assert_eq!(codes.split(' ').count(), 249);
        for code in codes.split(' ') {
            for lang in [Lang::Fr, Lang::En] {
                assert!(of(lang).get(&format!("country-{code}")).is_some(), "{code} has no name in {lang:?}");
            }
        }
        assert_eq!(of(Lang::Fr).get("country-BJ").as_deref(), Some("Bénin"));
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
            "lang-",
            "csv-",
        ];
        let idle: Vec<_> =
            known.difference(&used).filter(|key| !composed.iter().any(|start| key.starts_with(start))).collect();
        assert!(idle.is_empty(), "in the locales and never said: {idle:?}");
    }
}
