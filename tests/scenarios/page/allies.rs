//! Founding, inviting, joining and exchanging, without a terminal.

use essaim_protocol::api::{Command, Conflict, ConflictsOf, New, Page, Saved, Setting, Sync, Synced};
use essaim_tests::browser::Browser;
use essaim_tests::cluster::{Ally, agreed, experience, set, until};
use essaim_tests::visitor::Visitor;

#[tokio::test(flavor = "multi_thread")]
async fn two_town_halls_meet_through_their_pages() {
    let Some(first) = Browser::open(false).await else { return };
    let Some(second) = Browser::open(false).await else { return };
    let (valombre, semeuses) = (Ally::new("Commune de Valombre").await, Ally::new("Les Semeuses").await);
    first.go(&valombre.page()).await;
    first.see("Bienvenue").await;
    first.fill("#name", "Vallées en transition").await;
    first.click("input[name=starter]").await;
    first.press("Fonder").await;
    first.see("Aucune fiche pour l’instant.").await;
    let set = vec![Setting { field: "title".to_owned(), value: "Une navette à la demande".to_owned() }];
    let new = New { kind: "experience".to_owned(), form: None, set, territories: vec![] };
    valombre.ask::<Saved>(Command::New(new)).await;

    first.press("Allié·es").await;
    first.press("Inviter un·e allié·e").await;
    first.press("Créer l’invitation").await;
    first.see("Le texte à transmettre").await;
    first.appears("img.qr").await;
    let ticket = first.property("#ticket", "value").await;

    second.go(&semeuses.page()).await;
    second.press("Rejoindre").await;
    let cut: String = ticket.as_str().unwrap().chars().take(60).collect();
    second.fill("#ticket", &cut).await;
    second.press("Lire la charte").await;
    second.see("ce ticket n'est pas utilisable").await;
    second.see("il est coupé").await;
    assert_eq!(second.property("#ticket", "value").await, cut, "what was pasted is still there");
    second.fill("#ticket", &format!("  {}\n", ticket.as_str().unwrap())).await;
    second.press("Lire la charte").await;
    second.see("Commune de Valombre vous invite dans « Vallées en transition ».").await;
    second.click("input[type=checkbox]").await;
    second.press("Signer et entrer").await;
    second.see("Bienvenue dans « Vallées en transition »").await;
    second.press("Ouvrir le patrimoine commun").await;
    second.see("Une navette à la demande").await;

    first.press("Allié·es").await;
    first.see("Les Semeuses").await;
    first.press("Où en sont les échanges").await;
    first.press("Échanger maintenant").await;
    first.see("même contenu des deux côtés").await;
    first.see("Même contenu ici et chez cet·te allié·e, vérifié le").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_says_who_else_holds_it_and_peers_lead_to_what_is_to_settle() {
    let mut valombre = Ally::new("Commune de Valombre").await;
    valombre.found("Vallées en transition", false).await;
    let saved: Saved = valombre.ask(experience("Une navette", "Elle roule.")).await;
    let (id, sheet) = (saved.brief.id.to_string(), format!("/fiche/{}", saved.brief.id));
    let (_, page) = Visitor::of(&valombre).await.get(&sheet).await;
    assert!(page.contains("Pas encore confirmée ailleurs"), "{page}");
    let mut semeuses = Ally::new("Les Semeuses").await;
    semeuses.join(&valombre.invite().await).await;
    let sync = || Command::Sync(Sync { peer: None, wait_s: 20 });
    let held = async || {
        valombre.try_ask::<Synced>(sync()).await.ok()?;
        let (_, page) = Visitor::of(&valombre).await.get(&sheet).await;
        page.contains("Chez un·e allié·e aussi, vérifié le").then_some(())
    };
    until("the ally holds the same", held).await;

    valombre.go_offline().await;
    semeuses.go_offline().await;
    let other: Saved = valombre.ask(experience("Un composteur", "Il chauffe.")).await;
    let (_, page) = Visitor::of(&valombre).await.get(&format!("/fiche/{}", other.brief.id)).await;
    assert!(page.contains("Pas encore confirmée ailleurs"), "the ally has never heard of it");
    let (_, page) = Visitor::of(&valombre).await.get(&sheet).await;
    assert!(page.contains("Chez un·e allié·e aussi, vérifié le"), "what came since takes nothing away: {page}");
    valombre.ask::<Saved>(set(&id, "outcome", "achieved")).await;
    semeuses.ask::<Saved>(set(&id, "outcome", "did_not_work")).await;
    valombre.ask::<Saved>(set(&id, "licence", "CC0-1.0")).await;
    semeuses.ask::<Saved>(set(&id, "licence", "CC-BY-4.0")).await;
    let (_, page) = Visitor::of(&valombre).await.get(&sheet).await;
    assert!(page.contains("Pas encore confirmée ailleurs"), "what was written since is nowhere else");
    valombre.go_online().await;
    semeuses.go_online().await;
    until("they meet again", async || semeuses.try_ask::<Synced>(sync()).await.ok()).await;
    agreed(&[&valombre, &semeuses]).await;
    let (_, page) = Visitor::of(&valombre).await.get("/pairs").await;
    assert_eq!(page.matches(&format!("href=\"{sheet}#a-regler\"")).count(), 1, "{page}");
    let part = |offset| Command::Conflicts(ConflictsOf { record: None, page: Page { limit: 1, offset } });
    let all: Vec<Conflict> = valombre.ask(Command::Conflicts(ConflictsOf::default())).await;
    assert_eq!(all.len(), 2);
    for (at, one) in (0..).zip(&all) {
        assert_eq!(valombre.ask::<Vec<Conflict>>(part(at)).await, std::slice::from_ref(one));
    }
    assert_eq!(valombre.ask::<Vec<Conflict>>(part(2)).await, []);
    let (_, page) = Visitor::of(&valombre).await.get("/pairs?apres=1").await;
    assert!(page.contains(&format!("href=\"{sheet}#a-regler\"")), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commons_gives_its_own_tasks_and_no_other_ones() {
    let (valombre, semeuses) = (Ally::new("Commune de Valombre").await, Ally::new("Les Semeuses").await);
    let theirs = semeuses.found("Vallées en transition", false).await.id;
    valombre.join(&semeuses.invite().await).await;
    // Of another name, and of the same name as one that was joined: in both it is alone.
    let visitor = Visitor::of(&valombre).await;
    let alone = valombre.found("Les Semis", false).await.id;
    let third = Ally::new("Le Pays").await;
    let same = third.found("Vallées en transition", false).await.id;
    valombre.join(&third.invite().await).await;
    for (commons, invites) in [(theirs, 0), (alone, 1), (same, 0)] {
        let token = visitor.token("/pairs").await;
        visitor.post("/commun", &token, &[("to", &commons.to_string())]).await;
        let (_, page) = visitor.get("/pairs").await;
        assert_eq!(page.matches("href=\"/inviter\"").count(), invites, "{commons}: {page}");
    }
}
