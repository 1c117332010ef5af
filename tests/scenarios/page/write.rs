//! Telling an experience, with JavaScript and without, over several days.

use essaim_protocol::api::{
    Brief, Command, Draft, Drafts, Error, KeepDraft, List, Records, Saved, Sheet, StartDraft, TemplateFor,
};
use essaim_protocol::record::fold::MAX_OPERATIONS;
use essaim_tests::browser::Browser;
use essaim_tests::cluster::{Ally, experience, set, until};
use essaim_tests::visitor::Visitor;
use serde_json::json;

use super::visited;

/// What every hostile text tries.
const HOSTILE: &str = "<script>document.title='pris'</script><img src=x onerror=alert(1)> \" onfocus=\"alert(1)";

async fn begin(browser: &Browser, title: &str) {
    browser.press("Raconter").await;
    browser.fill("#titre", title).await;
    browser.click("form.first button").await;
    browser.appears("#c-lieux-mots").await;
}

async fn next(browser: &Browser) {
    browser.click(".go button[value=suivant]").await;
}

async fn only_draft(ally: &Ally) -> Draft {
    let drafts: Drafts = ally.ask(Command::Drafts).await;
    assert_eq!(drafts.drafts.len(), 1, "{drafts:?}");
    ally.ask(Command::Draft(drafts.drafts[0].id.clone())).await
}

async fn written(ally: &Ally, title: &str) -> Sheet {
    let list = List { q: format!("\"{title}\""), ..List::default() };
    let found: Records = ally.ask(Command::List(list)).await;
    let one = found.records.iter().find(|record| record.title == title);
    let id = one.map(|Brief { id, .. }| id.to_string()).unwrap_or_else(|| panic!("no {title} in {found:?}"));
    ally.ask(Command::Show(id)).await
}

/// From the first question to a shared sheet, by buttons alone.
async fn whole_interview(javascript: bool) {
    let Some((ally, browser)) = visited(javascript).await else { return };
    begin(&browser, "Une navette à la demande").await;
    browser.fill("#c-lieux-mots", "Gruissan").await;
    browser.fill("#c-period-from", "mai 2019").await;
    browser.fill("#c-period-to", "07/05/2021").await;
    browser.click("#c-outcome option[value=stopped]").await;
    next(&browser).await;
    browser.see("D'où partions-nous ?").await;
    browser.fill("#c-situation", "Une voiture par personne.").await;
    next(&browser).await;
    browser.see("Question 2 sur 12").await;
    next(&browser).await;
    browser.see("Question 3 sur 12").await;
    browser.fill("#c-story", "Au début, personne n'y croyait.\n\nPuis les élèves sont montés.").await;
    browser.fill("#c-steps-0-title", "Le premier trajet").await;
    browser.click("button[value='ajouter steps']").await;
    browser.appears("#c-steps-1-title").await;
    browser.fill("#c-steps-1-title", "L'arrêt").await;
    browser.fill("#c-steps-1-on", "jadis").await;
    next(&browser).await;
    browser.appears("#c-steps-1-on[aria-invalid]").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "c-steps-1-on", "the mistake has the focus");
    browser.fill("#c-steps-1-on", "juin 2021").await;
    browser.click("button[value='monter steps.1']").await;
    browser.see("Étapes et tournants").await;
    assert_eq!(browser.property("#c-steps-0-on", "value").await, "juin 2021", "it is shown back in words");
    browser.click("button[value='aller 5']").await;
    browser.see("Question 5 sur 12").await;
    browser.fill("#c-means-budget_eur", "12 500 €").await;
    browser.click("button[value='aller 7']").await;
    browser.see("Question 7 sur 12").await;
    browser.fill("#c-difficulties-0-text", HOSTILE).await;
    browser.click("button[value='aller 8']").await;
    browser.see("Question 8 sur 12").await;
    browser.fill("#c-disagreements-0-subject", "Le prix du trajet").await;
    browser.click("#c-disagreements-0 summary, .item summary").await;
    browser.fill("#c-disagreements-0-positions-0-text", "La gratuité d'abord.").await;
    browser.click("button[value='aller 9']").await;
    browser.see("Question 9 sur 12").await;
    browser.fill("#c-learned", "L'usage se construit avant le service.").await;
    browser.click("button[value='aller partager']").await;
    browser.see("Il manque encore").await;
    browser.see("que referiez-vous autrement ?").await;
    browser.click("button[value=partager]").await;
    browser.see("C’est partagé").await;
    assert_ne!(browser.run("return document.title").await, "pris");
    let drafts: Drafts = ally.ask(Command::Drafts).await;
    assert!(drafts.drafts.is_empty(), "the draft is gone");
    let sheet = written(&ally, "Une navette à la demande").await;
    let fields = &sheet.fields;
    assert_eq!(sheet.brief.territory.as_ref().map(|territory| territory.title.as_str()), Some("Gruissan"));
    assert_eq!(fields["period"], serde_json::json!({"from": "2019-05", "to": "2021-05-07"}));
    assert_eq!(fields["story"], "Au début, personne n'y croyait.\n\nPuis les élèves sont montés.");
    assert_eq!((&fields["steps"][0]["title"], &fields["steps"][0]["on"]), (&"L'arrêt".into(), &"2021-06".into()));
    assert_eq!(fields["means"]["budget_eur"], 12_500);
    assert_eq!(fields["difficulties"][0]["text"], HOSTILE);
    let positions = fields["disagreements"][0]["positions"].as_object().expect("positions by author");
    let (author, said) = positions.iter().next().expect("one position");
    assert!(author.starts_with("ally:") && said["text"] == "La gratuité d'abord.", "{positions:?}");
    assert_eq!(sheet.missing.len(), 1, "it is shared to be completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_experience_is_told_and_shared_without_javascript() {
    whole_interview(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_experience_is_told_and_shared_with_javascript() {
    whole_interview(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_there_on_another_day() {
    let Some((mut ally, browser)) = visited(true).await else { return };
    begin(&browser, "Le marché du soir").await;
    browser.click("button[value='aller entretien']").await;
    browser.see("Les questions, à lire à voix haute").await;
    browser.fill("#notes", "Rappeler la présidente").await;
    browser.fill("#c-story", "Trois étals, puis trente.").await;
    browser.see("Enregistré sur cette machine").await;
    until("all of it is kept", async || {
        let draft = only_draft(&ally).await;
        (draft.fields.contains_key("story") && !draft.notes.is_empty()).then_some(())
    })
    .await;
    drop(browser);
    ally.stop().await;
    ally.start(true).await;
    let Some(browser) = Browser::open(false).await else { return };
    browser.go(&ally.page()).await;
    browser.press("Raconter").await;
    browser.see("Reprendre").await;
    browser.press("Le marché du soir").await;
    browser.click("button[value='aller entretien']").await;
    assert_eq!(browser.property("#c-story", "value").await, "Trois étals, puis trente.");
    assert_eq!(browser.property("#notes", "value").await, "Rappeler la présidente");
    std::fs::write(ally.home().join("drafts/abîmé.json"), "{").unwrap();
    std::fs::write(ally.home().join("drafts/aaaaaaaa.json"), "{").unwrap();
    browser.press("Raconter").await;
    browser.see("Un brouillon est abîmé").await;
    browser.press("Le marché du soir").await;
    browser.click(".throw summary").await;
    browser.press("Oui, jeter").await;
    browser.see("Qu’avez-vous à raconter ?").await;
    assert_eq!(browser.count(".drafts a").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_made_meanwhile_is_kept_beside_ours() {
    let Some((ally, browser)) = visited(false).await else { return };
    let saved: essaim_protocol::api::Saved = ally.ask(experience("Le four à pain", "On l'a rallumé.")).await;
    let id = saved.brief.id.to_string();
    let home = browser.address().await;
    let base = home.trim_end_matches('/');
    browser.go(&format!("{base}/fiche/{id}")).await;
    browser.press("Compléter ou corriger").await;
    browser.press("Commencer").await;
    browser.appears("#c-lieux-mots").await;
    browser.click("#c-outcome option[value=achieved]").await;
    ally.ask::<essaim_protocol::api::Saved>(set(&id, "outcome", "stopped")).await;
    next(&browser).await;
    browser.see("Quelqu’un a modifié cette fiche").await;
    assert!(only_draft(&ally).await.behind);
    browser.click("button[value='aller partager']").await;
    browser.click("button[value=partager]").await;
    browser.see("C’est partagé").await;
    let sheet: Sheet = ally.ask(Command::Show(id)).await;
    let disputed: Vec<_> = sheet.disagreements.iter().map(|one| (one.field.as_str(), one.values.len())).collect();
    assert_eq!(disputed, [("outcome", 2)], "neither overwrites the other");
    assert_eq!(sheet.fields["story"], "On l'a rallumé.");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_typed_is_lost_when_it_cannot_be_kept() {
    let Some((ally, browser)) = visited(false).await else { return };
    begin(&browser, "Trop long").await;
    let draft = only_draft(&ally).await;
    browser.click("button[value='aller 1']").await;
    browser.fill("#c-situation", "Un début qui compte beaucoup.").await;
    ally.ask::<Draft>(Command::DropDraft(draft.brief.id)).await;
    next(&browser).await;
    browser.see("Ce brouillon n’est plus là").await;
    assert_eq!(browser.property("#lost-1", "value").await, "Un début qui compte beaucoup.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_is_enough_to_tell() {
    let Some((ally, browser)) = visited(true).await else { return };
    browser.press("Raconter").await;
    browser.run("document.querySelector('#titre').focus()").await;
    browser.keys("Au clavier\u{e004}\u{e007}").await;
    browser.appears("#c-lieux-mots").await;
    browser.run("document.querySelector('#c-lieux-mots').focus()").await;
    browser.keys("Bellefontaine").await;
    browser.appears("#c-lieux-trouve input").await;
    browser.run("document.querySelector('#c-lieux-trouve input').focus()").await;
    browser.keys(" ").await;
    browser.run("document.querySelector('#c-lieux-mots').value = ''").await;
    browser.run("document.querySelector('#c-title').focus()").await;
    browser.keys("\u{e007}").await;
    browser.see("Question 1 sur 12").await;
    let draft = only_draft(&ally).await;
    assert_eq!(draft.brief.title, "Au clavier");
    assert_eq!(draft.fields["links"][0]["rel"], "in_territory", "{:?}", draft.fields);
    assert_eq!(draft.names.values().next().map(String::as_str), Some("Bellefontaine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_no_record_holds_is_kept_and_says_so_wherever_it_is_written() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let start =
        StartDraft { of: TemplateFor::Kind("experience".to_owned()), form: None, set: vec![], territories: vec![] };
    let draft: Draft = ally.ask(Command::StartDraft(start)).await;
    let fields = json!({"title": "Un long récit", "learned": "a".repeat(MAX_OPERATIONS)});
    let fields = fields.as_object().cloned().expect("an object");
    let keep = KeepDraft { draft: draft.brief.id.clone(), fields, ..KeepDraft::default() };
    let kept: Draft = ally.ask(Command::KeepDraft(keep)).await;
    assert_eq!(kept.brief.title, "Un long récit");
    let [problem] = &kept.problems[..] else { panic!("{:?}", kept.problems) };
    assert!(problem.field.is_none() && problem.message.fr.starts_with("la fiche est pleine"), "{problem:?}");
    let visitor = Visitor::of(&ally).await;
    let (status, page) = visitor.get(&format!("/ecrire/{}/reperes", draft.brief.id)).await;
    assert!(status.is_success() && page.contains("la fiche est pleine"), "{status}");
    let refused = ally.try_ask::<Saved>(Command::ShareDraft(draft.brief.id.clone())).await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    assert_eq!(ally.ask::<Drafts>(Command::Drafts).await.drafts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_opens_although_its_place_is_in_no_gazetteer_any_more() {
    let ally = Ally::new("Commune de Valombre").await;
    ally.found("Vallées en transition", false).await;
    let of = TemplateFor::Kind("experience".to_owned());
    let start = StartDraft { of, form: None, set: vec![], territories: vec!["Gruissan".to_owned()] };
    let draft: Draft = ally.ask(Command::StartDraft(start)).await;
    let id = draft.brief.id;
    let file = ally.home().join("drafts").join(format!("{id}.json"));
    let kept = std::fs::read_to_string(&file).expect("the draft is a file");
    let lost = kept.replace("insee-commune:11170", "insee-commune:99999");
    assert_ne!(kept, lost, "{kept}");
    std::fs::write(&file, lost).expect("the draft can be written");
    let visitor = Visitor::of(&ally).await;
    let (status, page) = visitor.get(&format!("/ecrire/{id}/reperes")).await;
    assert!(status.is_success() && page.contains("insee-commune:99999"), "{status}: {page}");
    ally.ask::<Draft>(Command::DropDraft(id)).await;
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pasted_from_a_word_processor_keeps_its_paragraphs() {
    let Some((ally, browser)) = visited(true).await else { return };
    begin(&browser, "Un récit collé").await;
    browser.click("button[value='aller entretien']").await;
    browser.see("Les questions, à lire à voix haute").await;
    let text = "Au début, personne n'y croyait.\r\n\r\nPuis les élèves sont montés.\r\nIls étaient trois.";
    let html = "<html><body><!--StartFragment--><p class=MsoNormal style='margin:0'>Au début, personne n'y croyait.<o:p></o:p></p>\
                <p class=MsoNormal>Puis les élèves sont montés.<br>Ils étaient trois.</p><!--EndFragment--></body></html>";
    browser.paste("#c-story", text, html).await;
    let kept = text.replace("\r\n", "\n");
    assert_eq!(browser.property("#c-story", "value").await, kept);
    browser.click("button[value='aller partager']").await;
    browser.see("Il manque encore").await;
    browser.click("button[value=partager]").await;
    browser.see("C’est partagé").await;
    assert_eq!(written(&ally, "Un récit collé").await.fields["story"], kept);
    assert_eq!(browser.count("#story p").await, 2);
}
