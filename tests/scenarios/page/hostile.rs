//! Text that wants to be more than text, on every screen that shows a record.

use essaim_protocol::api::{Command, Contribute, Form, New, Saved, SetSettings, Settings, Step, TakeStep};
use serde_json::json;

use super::visited;

/// In every field: markup, a script, an attribute that ends early, an override of the writing direction.
const HOSTILE: &str =
    "\"><script>window.hurt=1</script><img src=x onerror=window.hurt=1>'{{7*7}}\u{202e}]]>&amp;<svg/onload=hurt=1>";

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_record_becomes_part_of_a_page() {
    let Some((ally, browser)) = visited(true).await else { return };
    let fields = json!({
        "title": HOSTILE, "summary": HOSTILE, "story": format!("{HOSTILE}\n\n[ici](javascript:hurt=1)\n\n# {HOSTILE}"),
        "situation": HOSTILE, "learned": HOSTILE, "tags": [HOSTILE], "note": HOSTILE,
    });
    let form = fields.as_object().cloned().map(Form::Fields);
    let new = New { kind: "experience".to_owned(), form, set: vec![], territories: vec!["Gruissan".to_owned()] };
    let saved: Saved = ally.ask(Command::New(new)).await;
    let brought = Contribute {
        about: Some(saved.brief.id.to_string()),
        form: "disagreement".to_owned(),
        title: Some(HOSTILE.chars().take(160).collect()),
        text: HOSTILE.to_owned(),
        ..Contribute::default()
    };
    let brought: Saved = ally.ask(Command::Contribute(brought)).await;
    let step = Step::Position { stance: None, text: HOSTILE.to_owned() };
    ally.ask::<Saved>(Command::TakeStep(TakeStep { record: brought.brief.id.to_string(), step })).await;
    let settings = SetSettings { territory: Some("Gruissan".to_owned()) };
    let settings: Settings = ally.ask(Command::SetSettings(settings)).await;
    let place = settings.territory.expect("it is chosen");
    let page = ally.page();
    let origin = page.split("/entrer").next().unwrap();
    let record = saved.brief.id;
    for path in [
        "/".to_owned(),
        "/recherche?q=script".to_owned(),
        "/recherche?q=script&vue=tableau".to_owned(),
        "/recherche?q=script&vue=frise".to_owned(),
        "/recherche?q=script&vue=carte".to_owned(),
        "/recherche?q=%22%3E%3Cscript%3Ewindow.hurt%3D1%3C%2Fscript%3E".to_owned(),
        format!("/fiche/{record}"),
        format!("/fiche/{}", brought.brief.id),
        "/permanence".to_owned(),
        "/boite?tout=1".to_owned(),
        format!("/territoire/{}", place.record),
        "/reglages?lieu=%22%3E%3Cscript%3Ewindow.hurt%3D1%3C%2Fscript%3E".to_owned(),
        "/permanence?forme=%22%3E%3Cscript%3Ewindow.hurt%3D1%3C%2Fscript%3E".to_owned(),
        format!("/fiche/{record}%22%3E%3Cscript%3Ewindow.hurt=1%3C%2Fscript%3E"),
    ] {
        browser.go(&format!("{origin}{path}")).await;
        let hurt = browser
            .run("return window.hurt === undefined && !document.querySelector('main script, main img[src=x], svg[onload]')")
            .await;
        assert_eq!(hurt, json!(true), "{path}");
    }
}
