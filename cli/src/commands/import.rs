//! `essaim import`: records of a JSON Lines file. One bad line never stops the others.

use std::io::Read as _;
use std::path::Path;

use essaim_protocol::api::Imported;

use super::Context;
use crate::Outcome;
use crate::error::{Failure, file, print_problems};
use crate::text::t;
use crate::ui::Ui;

pub(super) async fn run(cx: &Context<'_>, path: &Path) -> Result<Outcome, Failure> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map_err(file(path))?;
    } else {
        bytes = std::fs::read(path).map_err(file(path))?;
    }
    let imported: Imported = cx.client().await?.long_lines("import", bytes, cx.progress()).await?;
    print(cx.ui, &imported);
    Ok(if imported.bad.is_empty() { Outcome::Done } else { Outcome::Partial })
}

fn print(ui: &Ui, imported: &Imported) {
    if ui.look.json {
        return ui.json(imported);
    }
    let Imported { created, updated, unchanged, bad } = imported;
    let line = t!(ui, "imported", created = *created, updated = *updated, unchanged = *unchanged);
    match (bad.is_empty(), created + updated + unchanged) {
        _ if ui.look.quiet => {}
        (true, 0) | (false, _) => ui.out(&Ui::warning(&line)),
        (true, _) => ui.out(&Ui::done(&line)),
    }
    if !bad.is_empty() {
        ui.err(&Ui::failed(&t!(ui, "import-bad", n = bad.len())));
        for bad in bad {
            let mut problem = bad.problem.clone();
            problem.line = u32::try_from(bad.line).ok();
            print_problems(ui, &[problem]);
        }
        ui.next(&t!(ui, "next-import-again"));
    }
}
