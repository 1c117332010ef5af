//! What is read together, as commands print it: the inbox, the letter, the agenda, what changed, what was put away.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy only knows inside of them")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use essaim_protocol::api::{Command, Contribute, Edit, Form, Log, New, Saved, Setting};
use essaim_protocol::record::Lang;
use essaim_protocol::record::schema::Schema;
use essaim_tests::cluster::{Ally, agreed, set};
use essaim_tests::plain;
use serde_json::{Value, json};

use essaim_tests::french::is_english;

fn new(kind: &str, fields: Value, territory: &str) -> Command {
    let form = Some(Form::Fields(fields.as_object().cloned().unwrap()));
    Command::New(New { kind: kind.to_owned(), form, set: vec![], territories: vec![territory.to_owned()] })
}

/// An ally with an experience that was changed and is disputed, a question about it by another ally, a gathering to come
/// and a past one. Nothing of it runs any more.
async fn with_all_of_it() -> (Ally, String) {
    let mut valombre = Ally::new("Commune de Valombre").await;
    valombre.found("Vallées", false).await;
    let navette = json!({"title": "Une navette", "story": "Personne ne réservait.", "themes": ["mobility"],
        "outcome": "under_way"});
    let navette: Saved = valombre.ask(new("experience", navette, "Gruissan")).await;
    let id = navette.brief.id.to_string();
    valombre.ask::<Saved>(set(&id, "story", "Personne ne réservait, sauf le jeudi.")).await;
    for (title, day) in [("Assemblée de printemps", "2099-05-30"), ("Lancement", "2019-03-01")] {
        let fields = json!({"title": title, "form": "allies_assembly", "starts": day});
        valombre.ask::<Saved>(new("gathering", fields, "Gruissan")).await;
    }
    let semeuses = Ally::new("Les Semeuses").await;
    semeuses.join(&valombre.invite().await).await;
    agreed(&[&valombre, &semeuses]).await;
    let (about, text) = (Some(id.clone()), "Combien cela a-t-il coûté ?".to_owned());
    let question = Contribute { about, form: "question".to_owned(), text, ..Contribute::default() };
    semeuses.ask::<Saved>(Command::Contribute(question)).await;
    agreed(&[&valombre, &semeuses]).await;
    let base = valombre.ask::<Log>(Command::Log(id.clone())).await.versions[0].change;
    for outcome in ["achieved", "did_not_work"] {
        let set = vec![Setting { field: "outcome".to_owned(), value: outcome.to_owned() }];
        let edit = Edit { record: id.clone(), base: vec![base], form: None, set, territories: vec![] };
        valombre.ask::<Saved>(Command::Edit(edit)).await;
    }
    valombre.stop().await;
    (valombre, id)
}

fn ok(home: &Path, args: &[&str]) -> String {
    let mut command = Process::new(env!("CARGO_BIN_EXE_essaim-under-test"));
    command.arg("--home").arg(home).args(["--lang", "fr"]).args(args).env("NO_COLOR", "1").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    plain(&String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shown_of_what_is_read_together_is_whole_in_json_and_french_in_words() {
    let (ally, id) = with_all_of_it().await;
    let read =
        |args: &[&str]| -> Value { serde_json::from_str(&ok(ally.home(), &[args, &["--json"]].concat())).unwrap() };

    let inbox = read(&["inbox"]);
    let by_why = |why: &str| {
        inbox.as_array().unwrap().iter().find(|one| one["why"] == why).unwrap_or_else(|| panic!("{why}: {inbox}"))
    };
    let question = by_why("contribution");
    assert_eq!((&question["form"], &question["read"]), (&json!("question"), &json!(false)));
    assert_eq!((&question["text"], &question["by"]), (&json!("Combien cela a-t-il coûté ?"), &json!(["Les Semeuses"])));
    assert_eq!(question["about"]["id"], json!(id));
    assert_eq!(by_why("conflict")["id"], json!(id));

    let digest = read(&["digest"]);
    // The territory is of the gazetteer: nobody here wrote it.
    assert_eq!((&digest["total"], &digest["unfolded"]), (&json!(4), &json!(0)), "{digest}");
    let navette = digest["records"].as_array().unwrap().iter().find(|one| one["id"] == json!(id)).unwrap();
    assert_eq!((&navette["title"], &navette["kind"]), (&json!("Une navette"), &json!("experience")));
    assert_eq!((&navette["by"], &navette["territory"]["title"]), (&json!(["Commune de Valombre"]), &json!("Gruissan")));

    let agenda = read(&["agenda"]);
    let [spring] = &agenda.as_array().unwrap()[..] else { panic!("{agenda}") };
    assert_eq!((&spring["title"], &spring["when"]), (&json!("Assemblée de printemps"), &json!("2099-05-30")));
    assert_eq!(
        (&spring["form"], &spring["online"]),
        (&json!("Assemblée des allié·es".replace('’', "'")), &json!(false))
    );
    assert_eq!(read(&["agenda", "--past"])[0]["title"], "Lancement");

    let log = read(&["log", &id]);
    let versions: Vec<&str> =
        log["versions"].as_array().unwrap().iter().map(|one| one["change"].as_str().unwrap()).collect();
    let [.., second, first] = &versions[..] else { panic!("{log}") };
    let diff = read(&["diff", &id, first, second]);
    let [story] = &diff.as_array().unwrap()[..] else { panic!("{diff}") };
    assert_eq!((&story["field"], &story["label"]), (&json!("story"), &json!("Que s'est-il passé ?")));
    assert_eq!(story["before"], "Personne ne réservait.");
    assert_eq!(story["after"], "Personne ne réservait, sauf le jeudi.");

    let archived = read(&["archive", &id]);
    assert_eq!((&archived["id"], &archived["fields"]), (&json!(id), &json!(["status"])));
    assert!(archived["change"].is_string());
    assert_eq!(read(&["search", "navette", "kind:experience"]), json!([]));
    assert!(read(&["archive", &id, "--undo"])["change"].is_string());

    // In words: codes whose labels they are not.
    let labels: BTreeSet<String> = terms().flat_map(|(_, label)| words(&label)).collect();
    let codes: BTreeSet<&str> = terms().map(|(code, _)| code).filter(|code| !labels.contains(*code)).collect();
    for args in [
        &["inbox"][..],
        &["inbox", "show", "--all"],
        &["digest"],
        &["agenda"],
        &["agenda", "--past"],
        &["diff", &id],
        &["diff", &id, first, second],
        &["archive", &id],
        &["archive", &id, "--undo"],
    ] {
        for line in ok(ally.home(), args).lines() {
            assert!(!is_english(line), "{args:?}: {line}");
            let found: Vec<String> = words(line).into_iter().filter(|word| codes.contains(word.as_str())).collect();
            assert!(found.is_empty(), "{args:?}: {found:?} in {line}");
        }
    }
}

/// The codes of the schema with their French labels.
fn terms() -> impl Iterator<Item = (&'static str, String)> {
    let kinds = Schema::get().kinds().iter().map(|kind| (kind.name.as_str(), &kind.label));
    let terms = Schema::get().vocabularies().flat_map(|(_, vocabulary)| &vocabulary.terms);
    kinds
        .chain(terms.map(|term| (term.code.as_str(), &term.label)))
        .map(|(code, label)| (code, plain(label.get(Lang::Fr))))
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}
