//! Pictures of every screen of the page at three widths, to be looked at:
//! `cargo run -p essaim-tests --bin pictures -- DIRECTORY`.

use std::path::PathBuf;

use essaim_protocol::api::{
    Command, Draft, Import, Imported, Records, Search, SetSettings, Settings, StartDraft, TemplateFor,
};
use essaim_tests::browser::Browser;
use essaim_tests::cluster::Ally;

/// A telephone, a tablet, a screen.
const WIDTHS: [u32; 3] = [390, 768, 1280];

/// Eleven invented records, filled whole.
const RECORDS: &str = include_str!("../../fixtures/invented/demo-fictional.jsonl");

/// Screens by the name of their picture.
const SCREENS: [(&str, &str); 24] = [
    ("accueil", "/"),
    ("recherche", "/recherche"),
    ("recherche-mots", "/recherche?q=mobilités"),
    ("tableau", "/recherche?kind=experience&vue=tableau"),
    ("carte", "/recherche?vue=carte"),
    ("frise", "/recherche?vue=frise"),
    ("ecrire", "/ecrire"),
    ("permanence", "/permanence"),
    ("lettre", "/digest?theme=mobility"),
    ("agenda", "/agenda"),
    ("enseignements", "/enseignements"),
    ("dispositifs", "/dispositifs"),
    ("ressources", "/ressources"),
    ("annuaire", "/annuaire"),
    ("ensemble", "/ensemble"),
    ("boite", "/boite?tout=1"),
    ("mon-territoire", "/territoire"),
    ("reglages", "/reglages"),
    ("accessibilite", "/accessibilite"),
    ("allies", "/allies"),
    ("echanges", "/pairs"),
    ("inviter", "/inviter"),
    ("rejoindre", "/rejoindre"),
    ("bienvenue", "/bienvenue"),
];

/// Sheets by the name of their picture, with what finds their record first.
const SHEETS: [(&str, &str); 8] = [
    ("experience", "\"navette à la demande\" kind:experience"),
    ("territoire", "kind:territory Valombre"),
    ("acteur", "kind:actor \"Fabrique des transitions\""),
    ("dispositif", "kind:programme saison"),
    ("rencontre", "kind:gathering"),
    ("ressource", "kind:resource"),
    ("enseignement", "kind:finding"),
    ("contribution", "kind:contribution"),
];

/// Screens below the sheet of an experience.
const BELOW: [&str; 2] = ["historique", "liens"];

/// Questions of a draft.
const QUESTIONS: [&str; 7] = ["reperes", "3", "7", "8", "retrouver", "partager", "entretien"];

#[tokio::main]
async fn main() {
    let Some(dir) = std::env::args().nth(1).map(PathBuf::from) else {
        eprintln!("usage: pictures DIRECTORY");
        std::process::exit(2);
    };
    std::fs::create_dir_all(&dir).expect("the directory can be made");
    let Some(browser) = Browser::open(true).await else { std::process::exit(1) };
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", true).await;
    ally.ask::<Imported>(Command::Import(Import { lines: RECORDS.as_bytes().to_vec() })).await;
    let territory = SetSettings { territory: Some("Gruissan".to_owned()) };
    ally.ask::<Settings>(Command::SetSettings(territory)).await;
    browser.go(&ally.page()).await;
    let page = ally.page();
    let origin = page.split("/entrer").next().unwrap_or_default();
    let mut screens: Vec<(String, String)> =
        SCREENS.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
    for (name, q) in SHEETS {
        let search = Search { q: q.to_owned(), ..Search::default() };
        let found: Records = ally.ask(Command::Search(search)).await;
        let sheet = format!("/fiche/{}", found.records.first().expect("there is one of each kind").id);
        if name == "experience" {
            screens.extend(BELOW.iter().map(|below| ((*below).to_owned(), format!("{sheet}/{below}"))));
        }
        screens.push((format!("fiche-{name}"), sheet));
    }
    let of = TemplateFor::Kind("experience".to_owned());
    let start = StartDraft { of, form: None, set: vec![], territories: vec![] };
    let draft: Draft = ally.ask(Command::StartDraft(start)).await;
    let drafted = QUESTIONS.iter().map(|step| (format!("ecrire-{step}"), format!("/ecrire/{}/{step}", draft.brief.id)));
    screens.extend(drafted);
    for dark in [false, true] {
        browser.dark(dark).await;
        for (name, path) in &screens {
            browser.go(&format!("{origin}{path}")).await;
            for width in WIDTHS {
                browser.width(width).await;
                let file = dir.join(format!("{name}-{width}{}.png", if dark { "-sombre" } else { "" }));
                std::fs::write(&file, browser.picture().await).expect("the picture can be written");
                println!("{}", file.display());
            }
        }
    }
}
