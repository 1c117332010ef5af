//! `essaim edit`: a change of a record, from options, a file or the editor.

use essaim_protocol::api::{Edit, Form, Saved, Template};

use super::Context;
use super::editor::{self, Draft};
use super::new::{finish, given, is_empty, print};
use crate::Outcome;
use crate::args;
use crate::client::piece;
use crate::error::{Failure, usage};
use crate::text::t;

pub(super) async fn run(cx: &Context<'_>, edit: args::Edit) -> Result<Outcome, Failure> {
    let args::Edit { id, content } = edit;
    let client = cx.client().await?;
    let path = format!("records/{}", piece(&id));
    if !is_empty(&content) {
        let (form, set, territories) = given(cx.ui, content)?;
        let edit = Edit { record: String::new(), base: Vec::new(), form, set, territories };
        let saved: Saved = client.patch(&path, &edit).await?;
        print(cx.ui, &saved);
        return Ok(Outcome::Done);
    }
    if !editor::is_possible() {
        return Err(usage(t!(cx.ui, "usage-no-editor")));
    }
    let template: Template = client.get(&format!("{path}/template"), vec![]).await?;
    let base = template.base;
    let typed = Draft::new(cx, &id, template.text)?
        .write(cx, async |text| {
            let form = Some(Form::Template(text));
            let (set, territories) = (Vec::new(), Vec::new());
            let edit = Edit { record: String::new(), base: base.clone(), form, set, territories };
            client.patch(&path, &edit).await
        })
        .await?;
    finish(cx.ui, typed);
    Ok(Outcome::Done)
}
