//! `essaim new`: a record, from options, a file or the editor; shared at once, or kept as a draft.

use std::path::Path;

use essaim_protocol::api::{Form, New, Saved, Setting, Template, Words};

use super::editor::{self, Draft, Typed};
use super::{Context, sheet};
use crate::Outcome;
use crate::args;
use crate::client::piece;
use crate::error::{Failure, file, print_problems, usage};
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, new: args::New) -> Result<Outcome, Failure> {
    let args::New { kind, content, draft } = new;
    if draft {
        return keep(cx, &kind, content).await;
    }
    let client = cx.client().await?;
    if !is_empty(&content) {
        let (form, set, territories) = given(cx.ui, content)?;
        let saved: Saved = client.post("records", &New { kind, form, set, territories }).await?;
        print(cx.ui, &saved);
        return Ok(Outcome::Done);
    }
    if !editor::is_possible() {
        return Err(usage(t!(cx.ui, "usage-no-editor")));
    }
    let template: Template = client.get(&format!("templates/{}", piece(&kind)), vec![]).await?;
    let again = |path: &str| t!(cx.ui, "next-share-draft", kind = kind.as_str(), path = path);
    let typed = Draft::new(cx, &kind, template.text)?
        .write(
            cx,
            async |text| {
                let form = Some(Form::Template(text));
                let new = New { kind: kind.clone(), form, set: Vec::new(), territories: Vec::new() };
                client.post("records", &new).await
            },
            again,
        )
        .await?;
    finish(cx.ui, typed);
    Ok(Outcome::Done)
}

/// Keeps what is typed, or a file, as a draft: a local file that nobody else sees.
async fn keep(cx: &Context<'_>, kind: &str, content: args::Content) -> Result<Outcome, Failure> {
    let draft = match &content.from {
        // A draft is a text to go on with in an editor, whatever it was made from.
        from if !content.set.is_empty() || from.as_ref().is_some_and(|path| is_json(path)) => {
            let (form, set, territories) = given(cx.ui, content)?;
            let new = New { kind: kind.to_owned(), form, set, territories };
            let template: Template = cx.client().await?.post("templates", &new).await?;
            Draft::new(cx, kind, template.text)?
        }
        Some(path) => Draft::new(cx, kind, std::fs::read_to_string(path).map_err(file(path))?)?,
        None if editor::is_possible() => {
            let template: Template = cx.client().await?.get(&format!("templates/{}", piece(kind)), vec![]).await?;
            let draft = Draft::new(cx, kind, template.text)?;
            draft.open(cx)?;
            draft
        }
        None => return Err(usage(t!(cx.ui, "usage-no-editor"))),
    };
    let path = draft.path().display().to_string();
    if cx.ui.look.json {
        cx.ui.json(&serde_json::json!({ "draft": path }));
    } else if cx.ui.look.quiet {
        cx.ui.out(&path);
    } else {
        cx.ui.out(&Ui::done(&t!(cx.ui, "draft-saved", path = path.as_str())));
        cx.ui.next(&t!(cx.ui, "next-share-draft", kind = kind, path = path.as_str()));
    }
    Ok(Outcome::Done)
}

/// Whether the options say nothing, so that the editor is wanted.
pub(super) fn is_empty(content: &args::Content) -> bool {
    content.from.is_none() && content.set.is_empty() && content.territory.is_empty()
}

/// What the options say: a form, settings over it, territories.
type Given = (Option<Form>, Vec<Setting>, Vec<String>);

/// Reads the options.
pub(super) fn given(ui: &Ui, content: args::Content) -> Result<Given, Failure> {
    let form = content.from.map(|path| form(ui, &path)).transpose()?;
    let set = content.set.iter().map(|text| setting(ui, text)).collect::<Result<_, _>>()?;
    Ok((form, set, content.territory))
}

/// A file: JSON fields when it is named so, else the text of an editor.
fn form(ui: &Ui, path: &Path) -> Result<Form, Failure> {
    let text = std::fs::read_to_string(path).map_err(file(path))?;
    if !is_json(path) {
        return Ok(Form::Template(text));
    }
    let place = path.display().to_string();
    serde_json::from_str(&text).map(Form::Fields).map_err(|error| {
        usage(t!(
            ui,
            "usage-json",
            path = place,
            line = error.line().to_string(),
            why = Words::of_json(&error).text(ui.lang())
        ))
    })
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn setting(ui: &Ui, text: &str) -> Result<Setting, Failure> {
    match text.split_once('=') {
        Some((field, value)) if !field.trim().is_empty() => {
            Ok(Setting { field: field.trim().to_owned(), value: value.to_owned() })
        }
        _ => Err(usage(t!(ui, "usage-set", given = text))),
    }
}

/// What the editor led to.
pub(super) fn finish(ui: &Ui, typed: Typed) {
    match typed {
        Typed::Saved(saved) => print(ui, &saved),
        Typed::Untouched => ui.note(&t!(ui, "draft-untouched")),
    }
}

/// What was written, and what is missing from it.
pub(super) fn print(ui: &Ui, saved: &Saved) {
    let brief = &saved.brief;
    if ui.look.json {
        return ui.json(saved);
    }
    if ui.look.quiet {
        return ui.out(&brief.id.to_string());
    }
    if saved.change.is_none() {
        return ui.out(&t!(ui, "saved-nothing", id = brief.short.as_str(), title = brief.title.as_str()));
    }
    ui.out(&Ui::done(&t!(ui, "saved", id = brief.short.as_str(), title = brief.title.as_str())));
    let fields: Vec<String> = saved.fields.iter().map(|field| sheet::field_label(ui, &brief.kind, field)).collect();
    if !fields.is_empty() {
        ui.note(&format!("  {}", fields.join(", ")));
    }
    if !saved.missing.is_empty() {
        ui.note(&t!(ui, "show-missing"));
        print_problems(ui, &saved.missing);
        ui.next(&t!(ui, "next-edit", id = brief.short.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::Lang;

    use super::*;
    use crate::ui::Look;

    #[test]
    fn a_setting_is_cut_at_its_first_equals_sign() {
        let ui = Ui::new(Lang::Fr, Look::default());
        let given = setting(&ui, "title=2 + 2 = 4").unwrap();
        assert_eq!((given.field.as_str(), given.value.as_str()), ("title", "2 + 2 = 4"));
        assert_eq!(setting(&ui, "summary=").unwrap().value, "");
        for text in ["title", "=x", ""] {
            assert!(matches!(setting(&ui, text), Err(Failure::Usage(_))), "{text}");
        }
    }

    #[test]
    fn a_json_file_that_is_none_is_named_with_its_line() {
        let ui = Ui::new(Lang::Fr, Look::default());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fiche.json");
        std::fs::write(&path, "{\n\"title\": oui}").unwrap();
        let Err(Failure::Usage(text)) = form(&ui, &path) else { panic!("it is no JSON") };
        assert!(text.contains("fiche.json") && text.contains('2'), "{text}");
        std::fs::write(&path, "{\"title\": \"Une navette\"}").unwrap();
        assert!(matches!(form(&ui, &path), Ok(Form::Fields(_))));
    }
}
