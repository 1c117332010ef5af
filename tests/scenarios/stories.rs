//! The stories of `tests/stories`, each a test of its name.

use std::path::Path;

use essaim_tests::story;

macro_rules! stories {
    ($($name:ident: $file:literal,)*) => {
        $(
            #[test]
            fn $name() {
                tell($file);
            }
        )*

        #[test]
        fn every_story_is_told() {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
            let mut files: Vec<String> = std::fs::read_dir(dir)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort();
            assert_eq!(files, [$($file),*]);
        }
    };
}

stories! {
    a_record_from_its_first_word_to_its_last: "ecrire-une-fiche.md",
    a_file_comes_in_and_goes_out: "importer-et-exporter.md",
    first_steps: "premiers-pas.md",
    what_is_public_becomes_a_site: "publier-un-site.md",
    many_records_are_read_together: "relire-ensemble.md",
    what_is_damaged_is_mended: "reparer.md",
    two_allies_disagree_and_settle: "se-retrouver.md",
    mistakes_are_explained: "se-tromper.md",
    what_was_lived_elsewhere_is_found: "trouver.md",
}

fn tell(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("stories").join(file);
    let text = std::fs::read_to_string(path).expect("a story is readable");
    if let Err(failure) = story::run(&text, Path::new(env!("CARGO_BIN_EXE_essaim-under-test"))) {
        panic!("{file}, {failure}");
    }
}
