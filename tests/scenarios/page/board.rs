//! What allies bring one another: questions, answers, positions, and the board of the permanence.

use essaim_protocol::api::{
    Archive, Board, Command, Contribute, Contributions, Error, List, Records, Saved, Sheet, Standing, Step, TakeStep,
};
use essaim_tests::browser::Browser;
use essaim_tests::cluster::{Ally, agreed, experience};

fn step(record: &str, step: Step) -> Command {
    Command::TakeStep(TakeStep { record: record.to_owned(), step })
}

fn brought(about: Option<&str>, form: &str, text: &str) -> Command {
    let about = about.map(str::to_owned);
    Command::Contribute(Contribute { about, form: form.to_owned(), text: text.to_owned(), ..Contribute::default() })
}

async fn standings(ally: &Ally) -> Vec<(String, Standing)> {
    let board: Contributions = ally.ask(Command::Board(Board::default())).await;
    board.contributions.into_iter().map(|one| (one.brief.title, one.standing)).collect()
}

/// An ally with one experience, and a browser that its page let in, at the record's sheet.
async fn at_a_sheet(javascript: bool) -> Option<(Ally, Browser, String)> {
    let browser = Browser::open(javascript).await?;
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let saved: Saved = ally.ask(experience("Une navette à la demande", "Personne ne l’a prise.")).await;
    let page = ally.page();
    browser.go(&page).await;
    let origin = page.split("/entrer").next().unwrap_or_default();
    let sheet = format!("{origin}/fiche/{}", saved.brief.id);
    browser.go(&sheet).await;
    Some((ally, browser, sheet))
}

async fn ask_and_answer(javascript: bool) {
    let Some((ally, browser, sheet)) = at_a_sheet(javascript).await else { return };
    browser.press("Apporter quelque chose").await;
    browser.fill("#bring-text", "Comment l’avez-vous annoncé ?\n\nNous allons devoir le faire.").await;
    browser.press("Partager").await;
    browser.see("C’est partagé. Merci !").await;
    browser.see("Questions").await;
    browser.see("Comment l’avez-vous annoncé ?").await;

    // A look of one of the four, in other words than its text.
    browser.press("Apporter quelque chose").await;
    browser.press("Regard évaluatif").await;
    browser.fill("#bring-text", "Le service a relié deux quartiers.").await;
    browser.fill("#bring-title", "Ce que l’État a vu").await;
    browser.click("#bring-role option[value=state]").await;
    browser.press("Partager").await;
    browser.see("Ce que l’État a vu").await;
    let list = List { q: "kind:contribution \"Ce que l’État a vu\"".to_owned(), ..List::default() };
    let found: Records = ally.ask(Command::List(list)).await;
    let look: Sheet = ally.ask(Command::Show(found.records[0].id.to_string())).await;
    assert_eq!((&look.fields["form"], &look.fields["speaks_as"]), (&"evaluation".into(), &"state".into()));
    browser.press("Ce que l’État a vu").await;
    browser.see("Le service a relié deux quartiers.").await;
    browser.see("L'État").await;
    browser.go(&sheet).await;

    // The question waits on the board until it is answered, and is closed by who asked it.
    browser.press("Permanence").await;
    browser.see("Une contribution").await;
    browser.see("À propos de Une navette à la demande").await;
    browser.press("Comment l’avez-vous annoncé ?").await;
    browser.see("Ouverte").await;
    browser.press("Apporter quelque chose").await;
    browser.fill("#bring-text", "Par une réunion dans chaque hameau.").await;
    browser.press("Partager").await;
    browser.see("Réponses").await;
    assert_eq!(standings(&ally).await, [("Comment l’avez-vous annoncé ?".to_owned(), Standing::Answered)]);
    browser.press("Clore").await;
    browser.see("Close").await;
    browser.press("Rouvrir").await;
    browser.see("Clore").await;

    // What says nothing is not taken, and what was typed beside it is still there.
    browser.go(&sheet).await;
    browser.press("Apporter quelque chose").await;
    browser.fill("#bring-text", "   ").await;
    browser.fill("#bring-title", "Une phrase qui reste").await;
    browser.press("Partager").await;
    browser.see("Ce n’est pas encore partagé").await;
    assert_eq!(browser.property("#bring-title", "value").await, "Une phrase qui reste");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_answered_and_closed() {
    ask_and_answer(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_answered_and_closed_without_javascript() {
    ask_and_answer(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn allies_stay_in_disagreement_each_in_its_own_words() {
    let Some(browser) = Browser::open(false).await else { return };
    let valombre = Ally::new("Commune de Valombre").await;
    valombre.found("Vallées en transition", false).await;
    let semeuses = Ally::new("Les Semeuses").await;
    semeuses.join(&valombre.invite().await).await;
    browser.go(&valombre.page()).await;
    browser.press("Permanence").await;
    browser.see("Rien ici").await;
    browser.press("Désaccord").await;
    browser.fill("#bring-text", "Faut-il rendre les transports gratuits ?").await;
    browser.click("#bring-stance option[value=against]").await;
    browser.press("Partager").await;
    browser.see("Une contribution").await;
    agreed(&[&valombre, &semeuses]).await;

    browser.go(&semeuses.page()).await;
    browser.press("Permanence").await;
    browser.press("Faut-il rendre les transports gratuits ?").await;
    assert_eq!(browser.count("button[value=close], button[value=keep]").await, 0, "its author alone may");
    browser.press("Pour").await;
    browser.fill("#steps-text", "Pour les plus pauvres, c’est tout ou rien.").await;
    browser.press("Prendre position").await;
    browser.see("Pour les plus pauvres").await;
    browser.see("Les Semeuses").await;
    assert_eq!(browser.count("#propositions").await, 0, "these are its own words");
    agreed(&[&valombre, &semeuses]).await;

    browser.go(&valombre.page()).await;
    browser.press("Permanence").await;
    browser.press("Faut-il rendre les transports gratuits ?").await;
    browser.see("Pour les plus pauvres").await;
    browser.press("Nous restons en désaccord").await;
    browser.see("Assumé : nous restons en désaccord").await;

    let board: Contributions = valombre.ask(Command::Board(Board::default())).await;
    let [one] = &board.contributions[..] else { panic!("{board:?}") };
    assert_eq!((one.standing, &one.brief.by[..]), (Standing::Kept, &["Commune de Valombre".to_owned()][..]));
    assert_eq!(
        one.stances.iter().map(|stance| (&*stance.code, stance.count)).collect::<Vec<_>>(),
        [("for", 1), ("against", 1)]
    );
    let id = one.brief.id.to_string();
    let refused = semeuses.try_ask::<Saved>(step(&id, Step::Close)).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    valombre.ask::<Saved>(step(&id, Step::Close)).await;
    assert_eq!(standings(&valombre).await[0].1, Standing::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_comes_first_and_filters_narrow() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let closed: Saved = ally.ask(brought(None, "question", "Close")).await;
    let answered: Saved = ally.ask(brought(None, "question", "Répondue")).await;
    ally.ask::<Saved>(brought(None, "proposal", "Ouverte")).await;
    ally.ask::<Saved>(brought(Some(&answered.brief.id.to_string()), "answer", "Oui.")).await;
    ally.ask::<Saved>(step(&closed.brief.id.to_string(), Step::Close)).await;
    let all = standings(&ally).await.into_iter().map(|(_, standing)| standing).collect::<Vec<_>>();
    assert_eq!(all, [Standing::Open, Standing::Answered, Standing::Closed]);
    let put_away = ally.ask::<Saved>(brought(None, "question", "Rangée")).await.brief.id.to_string();
    ally.ask::<Saved>(Command::Archive(Archive { record: put_away, undo: false })).await;
    assert_eq!(standings(&ally).await.len(), 3, "what was put away is not on the board");
    for (q, state, count) in [
        ("contribution_form:question", None, 2),
        ("contribution_form:question", Some(Standing::Open), 0),
        ("", Some(Standing::Closed), 1),
        ("contribution_form:answer", None, 1),
        ("theme:mobility", None, 0),
    ] {
        let board: Contributions = ally.ask(Command::Board(Board { q: q.to_owned(), state, ..Board::default() })).await;
        assert_eq!((board.total, board.contributions.len()), (count, count as usize), "{q} {state:?}");
    }
    for (form, text) in [("question", " \n "), ("inconnue", "Bonjour")] {
        let refused = ally.try_ask::<Saved>(brought(None, form, text)).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{form}: {refused:?}");
    }
    let record: Saved = ally.ask(experience("Une navette", "")).await;
    let refused = ally.try_ask::<Saved>(step(&record.brief.id.to_string(), Step::Close)).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}
