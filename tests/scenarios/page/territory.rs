//! Our territory: chosen once, followed in the inbox, compared with others; the settings; the statement on accessibility.

use essaim_protocol::api::{
    AskInbox, Command, Contribute, Error, Inbox, New, Saved, SetSettings, Setting, Settings, Territory, Why,
};
use essaim_tests::cluster::{Ally, agreed};

use super::visited;

fn told(title: &str, territory: &str) -> Command {
    let set = vec![Setting { field: "title".to_owned(), value: title.to_owned() }];
    Command::New(New { kind: "experience".to_owned(), form: None, set, territories: vec![territory.to_owned()] })
}

async fn chosen(javascript: bool) {
    let Some((ally, browser)) = visited(javascript).await else { return };
    let saved: Saved = ally.ask(told("Un marché sous les platanes", "Gruissan")).await;
    let about = Some(saved.brief.id.to_string());
    let question =
        Contribute { about, form: "question".into(), text: "Qui le tient ?".into(), ..Contribute::default() };
    ally.ask::<Saved>(Command::Contribute(question.clone())).await;
    let reuse = Contribute { form: "reuse".into(), text: "Chez nous, sous les tilleuls.".into(), ..question };
    ally.ask::<Saved>(Command::Contribute(reuse)).await;

    browser.press("Mon territoire").await;
    browser.see("Chercher un territoire").await;
    browser.fill("#lieu", "gruissan").await;
    browser.click(".look button").await;
    browser.see("Lequel est le vôtre ?").await;
    browser.click(".choice").await;
    browser.see("C’est noté.").await;
    browser.press("Mon territoire").await;
    browser.see("Notre territoire").await;
    for said in
        ["Gruissan", "Un marché sous les platanes", "Qui le tient ?", "Chez nous, sous les tilleuls.", "comparables"]
    {
        browser.see(said).await;
    }
    browser.press("Changer de territoire").await;
    browser.press("Ne plus suivre de territoire").await;
    browser.see("C’est noté.").await;
    assert_eq!(ally.ask::<Settings>(Command::Settings).await.territory, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_territory_is_chosen_seen_and_given_up() {
    chosen(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_territory_is_chosen_seen_and_given_up_without_javascript() {
    chosen(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_tell_of_our_territory_is_news() {
    let valombre = Ally::new("Commune de Valombre").await;
    valombre.found("Vallées en transition", false).await;
    let semeuses = Ally::new("Les Semeuses").await;
    semeuses.join(&valombre.invite().await).await;
    semeuses.ask::<Saved>(told("Avant que l’on regarde", "Gruissan")).await;
    agreed(&[&valombre, &semeuses]).await;
    // By its department: what its communes tell is its own.
    let set = SetSettings { territory: Some("insee-departement:11".to_owned()) };
    let settings: Settings = valombre.ask(Command::SetSettings(set)).await;
    assert_eq!(settings.territory.expect("it is chosen").name, "Aude");
    let inbox = || Command::Inbox(AskInbox::default());
    assert_eq!(valombre.ask::<Inbox>(inbox()).await.items, []);
    semeuses.ask::<Saved>(told("Une halle neuve", "Gruissan")).await;
    valombre.ask::<Saved>(told("La nôtre", "Gruissan")).await;
    agreed(&[&valombre, &semeuses]).await;
    let items = valombre.ask::<Inbox>(inbox()).await.items;
    let news: Vec<_> = items.iter().map(|one| (one.why, &*one.brief.title)).collect();
    assert_eq!(news, [(Why::Territory, "Une halle neuve")]);

    let unknown = SetSettings { territory: Some("Nulle-Part-les-Oies".to_owned()) };
    let refused = valombre.try_ask::<Settings>(Command::SetSettings(unknown)).await;
    assert!(matches!(refused, Err(Error::UnknownTerritory { .. })), "{refused:?}");
    // Without a record of its own it has a page all the same; what is no territory has none.
    let id = valombre.ask::<Settings>(Command::Settings).await.territory.expect("it stays").record.to_string();
    let page: Territory = valombre.ask(Command::Territory(id)).await;
    assert_eq!((page.name.as_str(), page.ours, page.here, page.concerns.total), ("Aude", true, false, 3));
    for asked in ["zzzz", &items[0].brief.id.to_string()] {
        let refused = valombre.try_ask::<Territory>(Command::Territory(asked.to_owned())).await;
        assert!(matches!(refused, Err(Error::UnknownRecord { .. })), "{asked}: {refused:?}");
    }
}
