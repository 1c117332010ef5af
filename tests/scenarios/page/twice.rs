//! People click twice.

use essaim_protocol::api::{
    Board, Command, CommonsList, Contributions, Draft, Form, Log, Records, Search, StartDraft, TemplateFor,
};
use essaim_tests::cluster::Ally;
use essaim_tests::visitor::Visitor;
use reqwest::StatusCode;

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_writes_once() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let visitor = Visitor::of(&ally).await;

    let token = visitor.token("/permanence").await;
    let asked = [("form", "question"), ("text", "Qui paie la navette ?")];
    let (first, second) =
        tokio::join!(visitor.post("/permanence", &token, &asked), visitor.post("/permanence", &token, &asked));
    assert_eq!(first.0, StatusCode::SEE_OTHER, "{}", first.1);
    assert_eq!(first, second, "the second is answered as the first");
    assert_eq!(visitor.post("/permanence", &token, &asked).await, first, "later as well");
    let board: Contributions = ally.ask(Command::Board(Board::default())).await;
    assert_eq!(board.total, 1);

    // Who writes something else from the same page writes, and so does who asks again from another.
    visitor.post("/permanence", &token, &[("form", "question"), ("text", "Et le soir ?")]).await;
    visitor.post("/permanence", &visitor.token("/permanence").await, &asked).await;
    let board: Contributions = ally.ask(Command::Board(Board::default())).await;
    assert_eq!(board.total, 3);

    let about = format!("/fiche/{}", board.contributions[0].brief.id);
    let token = visitor.token(&about).await;
    let answer = [("form", "answer"), ("text", "La commune.")];
    let to = format!("{about}/contribuer");
    let (first, second) = tokio::join!(visitor.post(&to, &token, &answer), visitor.post(&to, &token, &answer));
    assert_eq!((first.0, &first.1), (StatusCode::SEE_OTHER, &second.1));
    let found = Search { q: "kind:contribution \"La commune\"".to_owned(), ..Search::default() };
    assert_eq!(ally.ask::<Records>(Command::Search(found)).await.total, 1);

    // What was refused may be sent again.
    let empty = [("form", "question"), ("text", "")];
    let token = visitor.token("/permanence").await;
    for _ in 0..2 {
        assert_eq!(visitor.post("/permanence", &token, &empty).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_commons_of_one_name_are_not_founded_at_once() {
    let ally = Ally::new("Commune de Valombre").await;
    let visitor = Visitor::of(&ally).await;
    let (one, other) = (visitor.token("/bienvenue").await, visitor.token("/bienvenue").await);
    let named = [("name", "Vallées en transition")];
    let (first, second) = tokio::join!(visitor.post("/fonder", &one, &named), visitor.post("/fonder", &other, &named));
    assert_eq!(ally.ask::<CommonsList>(Command::ListCommons).await.len(), 1);
    let refused = if first.0 == StatusCode::SEE_OTHER { second } else { first };
    assert_eq!(refused.0, StatusCode::CONFLICT);
    assert!(refused.1.contains("il y a déjà ici un patrimoine commun") && refused.1.contains("value=\"Vallées en"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_thrown_away_twice_is_gone() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let visitor = Visitor::of(&ally).await;
    let of = TemplateFor::Kind("experience".to_owned());
    let draft: Draft =
        ally.ask(Command::StartDraft(StartDraft { of, form: None, set: vec![], territories: vec![] })).await;
    let (at, token) = (format!("/ecrire/{}/jeter", draft.brief.id), visitor.token("/ecrire").await);
    let (first, second) = tokio::join!(visitor.post(&at, &token, &[]), visitor.post(&at, &token, &[]));
    assert_eq!(first, (StatusCode::SEE_OTHER, "/ecrire".to_owned()));
    assert_eq!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_shared_twice_is_one_record() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let visitor = Visitor::of(&ally).await;
    let fields = serde_json::json!({"title": "Une navette", "story": "Elle roule."});
    let form = Some(Form::Fields(fields.as_object().cloned().unwrap()));
    let of = TemplateFor::Kind("experience".to_owned());
    let draft: Draft = ally.ask(Command::StartDraft(StartDraft { of, form, set: vec![], territories: vec![] })).await;
    let at = format!("/ecrire/{}/partager", draft.brief.id);
    let token = visitor.token(&at).await;
    let share = [("faire", "partager")];
    let (first, second) = tokio::join!(visitor.post(&at, &token, &share), visitor.post(&at, &token, &share));
    assert_eq!(first.0, StatusCode::SEE_OTHER, "{}", first.1);
    assert_eq!(first, second);
    let record = first.1.trim_start_matches("/fiche/").trim_end_matches("?partage").to_owned();
    let log: Log = ally.ask(Command::Log(record.clone())).await;
    assert_eq!(log.versions.len(), 1, "sharing is one signed change");

    // A version is cited by its own picture.
    let version = format!("/fiche/{record}/version/{}", log.versions[0].change);
    let (_, page) = visitor.get(&version).await;
    assert!(page.contains(&format!("src=\"{version}/citation.svg\"")), "{page}");
    assert!(visitor.get(&format!("{version}/citation.svg")).await.1.starts_with("<svg"));

    // From another window that was left open, with something typed in it.
    let typed = [
        ("story", "Elle roule le soir aussi."),
        ("title", "Navette"),
        ("outcome", "achieved"),
        ("steps.0.title", "Départ"),
        ("faire", "suivant"),
    ];
    let (status, page) =
        visitor.post(&format!("/ecrire/{}/1", draft.brief.id), &visitor.token("/ecrire").await, &typed).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("Elle roule le soir aussi.") && page.contains(&format!("/fiche/{record}")), "{page}");
    assert!(
        page.contains("\nNavette</textarea>") && page.contains("\nDépart</textarea>"),
        "one word is as much as many: {page}"
    );
    assert!(!page.contains("achieved"), "a code was chosen, not written: {page}");
    let (status, page) = visitor.get(&at).await;
    assert!(status == StatusCode::NOT_FOUND && page.contains(&format!("/fiche/{record}")), "{page}");
}
