//! The author hears back: what comes to the inbox, and what was looked at.

use essaim_protocol::api::{AskInbox, Command, Contribute, Error, Inbox, MarkRead, Saved, Sync, Synced, Unread, Why};
use essaim_tests::browser::Browser;
use essaim_tests::cluster::{Ally, agreed, experience, set, until};
use essaim_tests::visitor::Visitor;

fn brought(about: &str, form: &str, text: &str) -> Command {
    let about = Some(about.to_owned());
    Command::Contribute(Contribute { about, form: form.to_owned(), text: text.to_owned(), ..Contribute::default() })
}

async fn inbox(ally: &Ally, all: bool) -> Vec<(Why, String, bool)> {
    let inbox: Inbox = ally.ask(Command::Inbox(AskInbox { all })).await;
    inbox.items.into_iter().map(|one| (one.why, one.brief.title, one.read)).collect()
}

/// Two allies; the second asked about a record of the first, and drew on it. The record.
async fn two_allies() -> (Ally, Ally, String) {
    let valombre = Ally::new("Commune de Valombre").await;
    valombre.found("Vallées en transition", false).await;
    let semeuses = Ally::new("Les Semeuses").await;
    semeuses.join(&valombre.invite().await).await;
    let saved: Saved = valombre.ask(experience("Une navette à la demande", "Personne ne l’a prise.")).await;
    let id = saved.brief.id.to_string();
    agreed(&[&valombre, &semeuses]).await;
    semeuses.ask::<Saved>(brought(&id, "question", "Combien cela a-t-il coûté ?")).await;
    semeuses.ask::<Saved>(brought(&id, "reuse", "Nous avons commencé par le covoiturage.")).await;
    agreed(&[&valombre, &semeuses]).await;
    (valombre, semeuses, id)
}

async fn looked_at(javascript: bool) {
    let Some(browser) = Browser::open(javascript).await else { return };
    let (mut valombre, semeuses, id) = two_allies().await;
    browser.go(&valombre.page()).await;
    browser.see("Boîte 2").await;
    browser.click(".top a[href='/boite']").await;
    browser.see("2 nouvelles pour vous.").await;
    browser.see("Les Semeuses").await;
    browser.see("Combien cela a-t-il coûté ?").await;
    browser.see("Essaimage").await;
    browser.click(".waiting li:first-child button").await;
    browser.see("Une nouvelle pour vous.").await;
    browser.press("Voir aussi ce qui est déjà vu").await;
    assert_eq!((browser.count(".waiting li").await, browser.count(".waiting li.open").await), (2, 1));
    browser.click(".waiting li.open button").await;
    browser.see("Rien de nouveau pour vous.").await;
    assert_eq!(browser.count(".top .news").await, 0);

    // What was looked at stays so, and is nobody else's matter.
    valombre.go_offline().await;
    assert_eq!(valombre.ask::<Unread>(Command::Unread).await.unread, 0);
    assert_eq!(inbox(&valombre, true).await.len(), 2);
    assert_eq!(inbox(&semeuses, true).await, []);
    valombre.go_online().await;

    // Who asked hears the answer.
    let question = inbox(&valombre, true).await.iter().position(|(_, title, _)| title.starts_with("Combien"));
    let all: Inbox = valombre.ask(Command::Inbox(AskInbox { all: true })).await;
    let question = all.items[question.expect("the question is there")].brief.id.to_string();
    valombre.ask::<Saved>(brought(&question, "answer", "86 000 € en dix-huit mois.")).await;
    let sync = || Command::Sync(Sync { peer: None, wait_s: 20 });
    until("they meet again", async || semeuses.try_ask::<Synced>(sync()).await.ok()).await;
    agreed(&[&valombre, &semeuses]).await;
    assert_eq!(inbox(&semeuses, false).await, [(Why::Contribution, "86 000 € en dix-huit mois.".to_owned(), false)]);
    assert_ne!(id, question);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_is_counted_shown_and_marked_as_seen() {
    looked_at(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_is_counted_shown_and_marked_as_seen_without_javascript() {
    looked_at(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_meanwhile_is_not_marked_as_seen() {
    let (valombre, semeuses, id) = two_allies().await;
    let visitor = Visitor::of(&valombre).await;
    let (_, page) = visitor.get("/boite").await;
    let form = page.split("<form class=\"noprint after\"").nth(1).and_then(|rest| rest.split("</form>").next());
    let form = form.unwrap_or_else(|| panic!("all can be marked: {page}"));
    let items = form.split("name=\"item\" value=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let items: Vec<_> = items.map(|item| ("item", item)).collect();
    assert_eq!(items.len(), 2);
    semeuses.ask::<Saved>(brought(&id, "question", "Et le dimanche ?")).await;
    agreed(&[&valombre, &semeuses]).await;
    visitor.post("/boite/vu", &visitor.token("/boite").await, &items).await;
    assert_eq!(inbox(&valombre, false).await, [(Why::Contribution, "Et le dimanche ?".to_owned(), false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_and_proposed_words_come_to_those_who_wrote() {
    let (mut valombre, mut semeuses, id) = two_allies().await;
    valombre.ask::<Inbox>(Command::MarkRead(MarkRead { items: vec![], all: true })).await;
    let question: Saved = valombre.ask(brought(&id, "question", "Et chez vous ?")).await;
    let question = question.brief.id.to_string();
    agreed(&[&valombre, &semeuses]).await;
    valombre.go_offline().await;
    semeuses.go_offline().await;
    valombre.ask::<Saved>(set(&id, "outcome", "achieved")).await;
    semeuses.ask::<Saved>(set(&id, "outcome", "did_not_work")).await;
    semeuses.ask::<Saved>(set(&question, "text", "Et chez vous, combien ?")).await;
    valombre.go_online().await;
    semeuses.go_online().await;
    let sync = || Command::Sync(Sync { peer: None, wait_s: 20 });
    until("they meet again", async || semeuses.try_ask::<Synced>(sync()).await.ok()).await;
    agreed(&[&valombre, &semeuses]).await;
    let mut whys: Vec<_> = inbox(&valombre, false).await.into_iter().map(|(why, ..)| format!("{why:?}")).collect();
    whys.sort();
    assert_eq!(whys, ["Conflict", "Words"]);
    assert_eq!(valombre.ask::<Unread>(Command::Unread).await.unread, 2);

    // The name of an item is one of the inbox's own making.
    for item in ["", "x", "../../etc/passwd", &"é".repeat(4000)] {
        let mark = MarkRead { items: vec![item.to_owned()], all: false };
        let refused = valombre.try_ask::<Inbox>(Command::MarkRead(mark)).await;
        assert!(matches!(refused, Err(Error::BadRequest { .. })), "{item}: {refused:?}");
    }
    // A damaged note of what was seen is told by the inbox, and stops nothing else.
    std::fs::write(valombre.home().join("read.json"), "{").expect("the home can be written");
    let refused = valombre.try_ask::<Inbox>(Command::Inbox(AskInbox::default())).await;
    assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
}

/// What is brought through the form of a sheet: its form, as the page names it, the text, in which role, and what is said
/// in one sentence.
const BROUGHT: [(&str, &str, &str, &str); 4] = [
    ("Témoignage", "J’étais dans la navette : nous étions deux.", "", "Deux passagers le mardi"),
    ("Regard évaluatif", "Le service a relié deux quartiers que rien ne reliait.", "state", "Ce que l’État a vu"),
    ("Proposition", "Commençons par les jours de marché.", "", "Les jours de marché d’abord"),
    (
        "Essaimage (« nous nous en sommes inspiré·es »)",
        "Nous nous en sommes inspiré·es pour la cantine.",
        "",
        "La même carte, à la cantine",
    ),
];

async fn comes_back_to_the_author(javascript: bool) {
    let Some(browser) = Browser::open(javascript).await else { return };
    let valombre = Ally::new("Commune de Valombre").await;
    valombre.found("Vallées en transition", false).await;
    let semeuses = Ally::new("Les Semeuses").await;
    semeuses.join(&valombre.invite().await).await;
    let saved: Saved = valombre.ask(experience("Une navette à la demande", "Personne ne l’a prise.")).await;
    agreed(&[&valombre, &semeuses]).await;

    browser.go(&semeuses.page()).await;
    let origin = semeuses.page().split("/entrer").next().expect("an address").to_owned();
    for (form, text, role, title) in BROUGHT {
        browser.go(&format!("{origin}/fiche/{}", saved.brief.id)).await;
        browser.press("Apporter quelque chose").await;
        browser.press(form).await;
        browser.fill("#bring-text", text).await;
        browser.fill("#bring-title", title).await;
        if !role.is_empty() {
            browser.click(&format!("#bring-role option[value={role}]")).await;
        }
        browser.press("Partager").await;
        browser.see("C’est partagé. Merci !").await;
        browser.see(title).await;
    }
    agreed(&[&valombre, &semeuses]).await;
    assert_eq!(inbox(&semeuses, true).await, [], "who brings hears nothing of it");

    let mut came: Vec<_> = inbox(&valombre, false).await;
    came.sort_by(|one, other| one.1.cmp(&other.1));
    let mut expected = BROUGHT.map(|(.., title)| (Why::Contribution, title.to_owned(), false));
    expected.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(came, expected);
    browser.go(&valombre.page()).await;
    browser.click(".top a[href='/boite']").await;
    browser.see("4 nouvelles pour vous.").await;
    browser.see("Les Semeuses").await;
    for (form, _, _, title) in BROUGHT {
        browser.see(form.split(" («").next().unwrap_or(form)).await;
        browser.see(title).await;
    }
    // Each leads to what was said, in the role in which it was.
    browser.press("Ce que l’État a vu").await;
    browser.see("Le service a relié deux quartiers que rien ne reliait.").await;
    let glance = browser.text(".glance").await;
    assert!(
        glance.contains("Parle en tant que") && glance.contains("L’État territorial (La Femme Invisible)"),
        "{glance}"
    );
    browser.see("À propos de").await;
    browser.see("Une navette à la demande").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_through_the_form_comes_back_to_the_author() {
    comes_back_to_the_author(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_through_the_form_comes_back_to_the_author_without_javascript() {
    comes_back_to_the_author(false).await;
}
