//! `essaim edit`: a change of a record, from options, a file or the editor.

use essaim_protocol::api::{Edit, Form, Saved, Template};
use essaim_protocol::id::ChangeHash;

use super::Context;
use super::editor::{self, Draft};
use super::new::{finish, given, is_empty, print};
use crate::Outcome;
use crate::args;
use crate::client::piece;
use crate::error::{Failure, usage};
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, edit: args::Edit) -> Result<Outcome, Failure> {
    let args::Edit { id, content } = edit;
    let client = cx.client().await?;
    let path = format!("records/{}", piece(&id));
    if !is_empty(&content) {
        let (form, set, territories) = given(cx.ui, content)?;
        let base = match &form {
            Some(Form::Template(text)) => seen(text),
            Some(Form::Fields(_)) | None => Vec::new(),
        };
        let edit = Edit { record: String::new(), base, form, set, territories };
        let saved: Saved = client.patch(&path, &edit).await?;
        print(cx.ui, &saved);
        return Ok(Outcome::Done);
    }
    if !editor::is_possible() {
        return Err(usage(t!(cx.ui, "usage-no-editor")));
    }
    let template: Template = client.get(&format!("{path}/template"), vec![]).await?;
    let base = template.base;
    let text = format!("{}{}", note(cx.ui, &base), template.text);
    let again = |path: &str| t!(cx.ui, "next-edit-draft", id = id.as_str(), path = path);
    let typed = Draft::new(cx, &id, text)?
        .write(
            cx,
            async |text| {
                let form = Some(Form::Template(text));
                let (set, territories) = (Vec::new(), Vec::new());
                let edit = Edit { record: String::new(), base: base.clone(), form, set, territories };
                client.patch(&path, &edit).await
            },
            again,
        )
        .await?;
    finish(cx.ui, typed);
    Ok(Outcome::Done)
}

/// Opens the line of a text that says what its writer had seen: kept with a draft, so that sharing it days later undoes
/// nothing of what others wrote meanwhile.
const SEEN: &str = "<!-- essaim:base";

/// The line at the head of a text to edit. Templates pass over such lines.
fn note(ui: &Ui, base: &[ChangeHash]) -> String {
    let heads: String = base.iter().map(|head| format!(" {head}")).collect();
    format!("{SEEN}{heads} ({}) -->\n", t!(ui, "draft-base"))
}

/// What the writer of a text had seen; nothing when it does not say.
fn seen(text: &str) -> Vec<ChangeHash> {
    let line = text.lines().find_map(|line| line.trim_start_matches('\u{feff}').strip_prefix(SEEN));
    line.into_iter().flat_map(str::split_whitespace).map_while(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::Lang;

    use super::*;
    use crate::ui::Look;

    #[test]
    fn a_text_tells_what_its_writer_had_seen() {
        let ui = Ui::new(Lang::Fr, Look::default());
        let base = [ChangeHash([1; 32]), ChangeHash([2; 32])];
        let text = format!("{}---\ntitle: x\n---\n", note(&ui, &base));
        assert_eq!(seen(&text), base);
        assert_eq!(seen(&format!("\u{feff}{text}")), base);
        assert_eq!(seen("---\ntitle: x\n---\n"), []);
    }
}
