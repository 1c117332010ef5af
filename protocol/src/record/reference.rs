//! Reference editions: the same change on every node from the same imported line.
//!
//! Two allies who import one gazetteer line, or the same starter heritage, must make one record and one change, or their
//! texts would merge into doubled words. So the change is a pure function of its parent edition and its content: keys in
//! byte order, recursively; the ids and places of list items derived from where they stand; text in composed characters;
//! no time. A first edition makes its texts as new objects; a later one writes only what changed against its parent
//! edition, a text by one splice, so that what people wrote on top survives. The actor derives from the result
//! ([`crate::entry`] sets it), so drafting leaves it blank.
//!
//! An import is lenient where a person's edit is not: a code, field or date that this schema does not know is kept as it
//! is. Only what the document could not hold at all is refused.

use std::collections::BTreeMap;

use automerge::{Automerge, ROOT, ReadDoc, ScalarValue};
use serde_json::Value as Json;

use super::edit::{Draft, EditError, Save, Wish, kind_spec};
use super::field::Want;
use super::input::{Checker, Problem, Target};
use super::view::KIND;
use super::write::Style;
use crate::entry::adoption::Origin;
use crate::time::Timestamp;

/// Drafts the first edition of a record that comes from elsewhere. `fields` are in the JSON form, their references record
/// ids.
///
/// # Errors
/// [`EditError::UnknownKind`], [`EditError::Invalid`] with what cannot be held, [`EditError::TooLarge`].
pub fn first(kind: &str, fields: &BTreeMap<String, Json>, origin: &Origin) -> Result<Draft, EditError> {
    let root = vec![(KIND, kind.into())];
    edition(Automerge::new(), root, targets(kind, fields)?, origin)
}

/// Drafts the edition that follows `parent`, a document of reference editions alone.
///
/// # Errors
/// As [`first`], and [`EditError::NothingToDo`] when the content is that of the parent edition.
pub fn next(
    parent: &Automerge,
    kind: &str,
    fields: &BTreeMap<String, Json>,
    origin: &Origin,
) -> Result<Draft, EditError> {
    let mut targets = targets(kind, fields)?;
    for name in parent.keys(ROOT).filter(|name| !name.starts_with('_')) {
        targets.entry(name).or_insert(Target::Nothing);
    }
    edition(parent.clone(), Vec::new(), targets, origin)
}

fn edition(
    doc: Automerge,
    root: Vec<(&'static str, ScalarValue)>,
    targets: BTreeMap<String, Target>,
    origin: &Origin,
) -> Result<Draft, EditError> {
    let wishes = targets.into_iter().map(|(name, target)| Wish { path: vec![name], target, settles: false }).collect();
    Save { doc, root, wishes, style: Style::Reference(origin.bytes()), time: Timestamp(0) }.draft()
}

/// Whether an edition could be made of this content.
///
/// # Errors
/// [`EditError::UnknownKind`], [`EditError::Invalid`] with what cannot be held.
pub fn check(kind: &str, fields: &BTreeMap<String, Json>) -> Result<(), EditError> {
    targets(kind, fields).map(drop)
}

fn targets(kind: &str, fields: &BTreeMap<String, Json>) -> Result<BTreeMap<String, Target>, EditError> {
    let spec = kind_spec(kind)?;
    let mut checker = Checker::default();
    let target = |(name, json): (&String, &Json)| {
        let want = Want::Entry(&spec.fields).member(name);
        let target = checker.at(name, |checker| {
            let target = checker.target(want, json);
            checker.within_the_gate(&target);
            target
        });
        (name.clone(), target)
    };
    let targets = fields.iter().filter(|(name, _)| !name.starts_with('_')).map(target).collect();
    let problems: Vec<Problem> = checker.problems.into_iter().filter(|problem| problem.why.is_loss()).collect();
    if problems.is_empty() { Ok(targets) } else { Err(EditError::Invalid(problems)) }
}
