//! Disagreements: what somebody has to settle, and how two versions of a text are told apart.
//!
//! Concurrent values of a scalar are kept by automerge. A text it merges letter by letter, and the result can be a sentence
//! that nobody wrote. So when the latest edits of a text knew nothing of one another and met in one paragraph (a line, for
//! CommonMark and for titles alike), each side's text is shown beside the merged one: what only one side changed is in
//! both, the paragraphs where they met are as each side left them. Two paragraphs added at one place are no meeting: both
//! stand whole in the merged text. Any later edit of the text by somebody who saw both ends the disagreement, be it only
//! to say that the merged text is good ([`super::Edit::Settle`] with that text).

use std::ops::Range;

use automerge::{Automerge, ObjId, ReadDoc};
use imara_diff::{Algorithm, Diff, InternedInput};

use super::field::{ALLY, Field, Held, Value, Want};
use super::history::Apart;
use super::schema::{Key, Label, Schema, Type};
use super::{Path, View};
use crate::id::{Actor, RecordId};

/// The most sides of a disagreement over a text that are shown: a reader cannot weigh more, and each costs a reading of
/// the text as it was.
const MAX_SIDES: usize = 16;

/// Something to settle.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// Where, for [`super::Edit::Settle`].
    pub path: Path,
    /// The names of the field and the members down to the place; a key or code stands for itself.
    pub label: Label,
    /// The merged text, when the choices are versions of a text.
    pub merged: Option<String>,
    /// The values or versions to choose from; who wrote each, by [`View::writers`].
    pub choices: Vec<Held>,
}

impl View {
    /// All that is disputed in the record.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        let fields = self.schema().map_or(&[][..], |kind| &kind.fields);
        for (name, field) in &self.fields {
            let want = fields.iter().find(|spec| spec.name == *name).map_or(Want::Unknown, Want::Field);
            walk(field, want, Place::default().member(name, want), &mut |field, place| {
                if field.is_disputed() {
                    let merged = field.text().filter(|_| !field.versions.is_empty()).map(str::to_owned);
                    let choices = if field.versions.is_empty() { &field.values } else { &field.versions };
                    conflicts.push(place.conflict(merged, choices));
                }
            });
        }
        conflicts
    }

    /// All that others would have in place of an ally's own words: the choices are what they propose.
    #[must_use]
    pub fn proposals(&self) -> Vec<Conflict> {
        let mut proposals = Vec::new();
        let fields = self.schema().map_or(&[][..], |kind| &kind.fields);
        for (name, field) in &self.fields {
            let want = fields.iter().find(|spec| spec.name == *name).map_or(Want::Unknown, Want::Field);
            walk(field, want, Place::default().member(name, want), &mut |field, place| {
                if !field.proposals.is_empty() {
                    proposals.push(place.conflict(None, &field.proposals));
                }
            });
        }
        proposals
    }
}

#[derive(Clone, Default)]
struct Place {
    path: Vec<String>,
    fr: Vec<String>,
    en: Vec<String>,
    /// The vocabulary of the keys right below.
    keys: Option<String>,
}

impl Place {
    fn member(&self, key: &str, want: Want<'_>) -> Self {
        let mut place = self.clone();
        place.path.push(key.to_owned());
        let role = key.strip_prefix("fantastic:").unwrap_or(key);
        let term = self.keys.as_ref().and_then(|vocabulary| Schema::get().term(vocabulary, role));
        let (fr, en) = match (want, term) {
            (Want::Field(spec), _) => (&*spec.label.fr, &*spec.label.en),
            (Want::Entry(_) | Want::Unknown, Some(term)) => (&*term.label.fr, &*term.label.en),
            (Want::Entry(_) | Want::Unknown, None) => (key, key),
        };
        place.keys = keys(want);
        // The id of an ally or a record says nothing to anybody.
        if !key.starts_with(ALLY) && key.parse::<RecordId>().is_err() {
            place.fr.push(fr.to_owned());
            place.en.push(en.to_owned());
        }
        place
    }

    fn conflict(&self, merged: Option<String>, choices: &[Held]) -> Conflict {
        let label = Label { fr: self.fr.join(" / "), en: self.en.join(" / ") };
        Conflict { path: Path(self.path.clone()), label, merged, choices: choices.to_vec() }
    }

    /// An item, named by its number.
    fn item(&self, id: &str, number: usize) -> Self {
        let mut place = self.member(&number.to_string(), Want::Unknown);
        place.path.pop();
        place.path.push(id.to_owned());
        place
    }
}

/// The vocabulary of the keys of what stands in a place.
fn keys(want: Want<'_>) -> Option<String> {
    let Want::Field(spec) = want else { return None };
    match &spec.ty {
        Type::Map(key, _) | Type::Values(key) => match key {
            Key::Term(vocabulary) => Some(vocabulary.clone()),
            Key::Author => Some("fantastic".to_owned()),
        },
        Type::String | Type::Number | Type::Bool | Type::Url | Type::Language | Type::Date | Type::Code(_) => None,
        Type::Codes(_) | Type::Strings | Type::Text | Type::Markdown | Type::Struct(_) | Type::Atomic(_) => None,
        Type::List(_) | Type::Ref | Type::Refs | Type::Links(_) | Type::Attachments => None,
    }
}

/// Shows a field and all that is in it, with their places.
fn walk(field: &Field, want: Want<'_>, place: Place, visit: &mut dyn FnMut(&Field, &Place)) {
    visit(field, &place);
    for (key, member) in field.value().and_then(Value::members).into_iter().flatten() {
        let want = want.member(key);
        walk(member, want, place.member(key, want), visit);
    }
    for (index, item) in field.value().map_or(&[][..], Value::items).iter().enumerate() {
        for (key, member) in &item.fields {
            let want = want.member(&item.id).member(key);
            walk(member, want, place.item(&item.id, index + 1).member(key, want), visit);
        }
    }
}

/// The text as each side would have it, with the side's actor; none when the sides did not meet in a line.
pub(super) fn versions(doc: &Automerge, text: &ObjId, merged: &str, apart: &Apart) -> Vec<(String, Actor)> {
    let at = |heads: &[automerge::ChangeHash]| doc.text_at(text, heads).unwrap_or_default();
    let base = at(&apart.base);
    let sides: Vec<(String, Actor)> =
        apart.edits.iter().take(MAX_SIDES).map(|(hash, actor)| (at(&[*hash]), *actor)).collect();
    let mut hunks: Vec<Hunk<'_>> = (0..).zip(&sides).flat_map(|(side, (text, _))| hunks(side, &base, text)).collect();
    hunks.sort_by_key(|hunk| (hunk.lines.start, hunk.lines.end, hunk.side));
    if !dispute(&mut hunks) {
        return Vec::new();
    }
    let mut versions: Vec<(String, Actor)> = Vec::new();
    for (side, (_, actor)) in sides.iter().enumerate() {
        let version = version(&base, &hunks, side);
        if versions.iter().all(|(known, _)| *known != version) {
            versions.push((version, *actor));
        }
    }
    // Both sides wrote the same, and the merged text says it once.
    if versions.len() == 1 && versions[0].0 == merged { Vec::new() } else { versions }
}

/// Lines of the base that one side replaced.
struct Hunk<'t> {
    side: usize,
    lines: Range<usize>,
    by: Vec<&'t str>,
    disputed: bool,
}

fn hunks<'t>(side: usize, base: &str, text: &'t str) -> Vec<Hunk<'t>> {
    let lines: Vec<&'t str> = text.split('\n').collect();
    let mut input = InternedInput::default();
    input.update_before(base.split('\n'));
    input.update_after(lines.iter().copied());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    let hunk = |hunk: imara_diff::Hunk| Hunk {
        side,
        lines: hunk.before.start as usize..hunk.before.end as usize,
        by: lines[hunk.after.start as usize..hunk.after.end as usize].to_vec(),
        disputed: false,
    };
    diff.hunks().map(hunk).collect()
}

/// Marks the hunks, sorted, that overlap one of another side, and all that hang together with them.
fn dispute(hunks: &mut [Hunk<'_>]) -> bool {
    let mut start = 0;
    let mut any = false;
    while start < hunks.len() {
        let mut end = start + 1;
        let mut reach = hunks[start].lines.end;
        while end < hunks.len() && hunks[end].lines.start < reach {
            reach = reach.max(hunks[end].lines.end);
            end += 1;
        }
        let cluster = &mut hunks[start..end];
        if cluster.iter().any(|hunk| hunk.side != cluster[0].side) {
            cluster.iter_mut().for_each(|hunk| hunk.disputed = true);
            any = true;
        }
        start = end;
    }
    any
}

/// The base with everything undisputed, and of the rest what one side did.
fn version(base: &str, hunks: &[Hunk<'_>], side: usize) -> String {
    let base: Vec<&str> = base.split('\n').collect();
    let mut lines: Vec<&str> = Vec::with_capacity(base.len());
    let mut at = 0;
    for hunk in hunks.iter().filter(|hunk| !hunk.disputed || hunk.side == side) {
        lines.extend(&base[at.min(hunk.lines.start)..hunk.lines.start]);
        lines.extend(&hunk.by);
        at = at.max(hunk.lines.end);
    }
    lines.extend(&base[at..]);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::record::testing::{Person, experience};
    use crate::record::{Edit, EditError};

    fn met(alice: &str, bob: &str) -> Person {
        let (mut a, mut b) = (experience().fork("alice"), experience().fork("bob"));
        a.sets("story", alice);
        b.sets("story", bob);
        a.hears(&b);
        b.hears(&a);
        assert_eq!(a.view(), b.view());
        a
    }

    fn choices(person: &Person) -> Vec<String> {
        let conflicts = person.view().conflicts();
        conflicts
            .iter()
            .flat_map(|conflict| &conflict.choices)
            .map(|held| held.value.text().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn two_edits_of_one_paragraph_are_shown_as_each_side_left_it() {
        let mut alice = met("Un matin.\n\nDeux navettes.\n\nTrois.", "Un.\n\nDeux vélos.\n\nTrois.");
        let mut sides = choices(&alice);
        sides.sort();
        // Alice's first paragraph is in both: nobody else touched it.
        assert_eq!(sides, ["Un matin.\n\nDeux navettes.\n\nTrois.", "Un matin.\n\nDeux vélos.\n\nTrois."]);
        let conflict = alice.view().conflicts().remove(0);
        assert_eq!(
            (conflict.path.to_string(), conflict.label.fr.as_str()),
            ("story".to_owned(), "Que s’est-il passé\u{202f}?")
        );
        let who = |held: &Held| alice.view().writers[held.by as usize].actor.0[0];
        assert_eq!(conflict.choices.iter().map(who).collect::<std::collections::BTreeSet<_>>(), [b'a', b'b'].into());
        // Somebody settles, and what others write elsewhere meanwhile survives.
        let mut carol = alice.fork("carol");
        carol.sets("story", format!("{}\n\nQuatre.", conflict.merged.as_ref().unwrap()));
        alice.edits(&[Edit::settle("story", sides[1].as_str())]);
        assert!(alice.view().conflicts().is_empty());
        alice.hears(&carol);
        assert_eq!(alice.json()["story"], "Un matin.\n\nDeux vélos.\n\nTrois.\n\nQuatre.");
    }

    #[test]
    fn edits_of_different_paragraphs_are_no_disagreement() {
        assert!(choices(&met("Un matin.\n\nDeux.\n\nTrois.", "Un.\n\nDeux.\n\nTrois vallées.")).is_empty());
        let both = met("Un.\n\nDeux.\n\nTrois.\n\nQuatre.", "Un.\n\nDeux.\n\nTrois.\n\nCinq.");
        assert!(choices(&both).is_empty());
    }

    #[test]
    fn the_same_correction_made_twice_offers_it_once() {
        let twice = met("Un.\n\nDeux cars.\n\nTrois.", "Un.\n\nDeux cars.\n\nTrois.");
        assert_eq!(choices(&twice), ["Un.\n\nDeux cars.\n\nTrois."]);
    }

    #[test]
    fn saying_that_the_merged_text_is_good_settles_too() {
        let mut alice = met("Un.\n\nDeux navettes.\n\nTrois.", "Un.\n\nDeux vélos.\n\nTrois.");
        let merged = alice.json()["story"].clone();
        assert!(matches!(alice.draft(&[Edit::set("story", merged.clone())]), Err(EditError::NothingToDo)));
        alice.edits(&[Edit::settle("story", merged.clone())]);
        assert_eq!((alice.json()["story"].clone(), choices(&alice).len()), (merged, 0));
    }

    #[test]
    fn a_text_that_is_good_as_it_is_keeps_the_blank_that_it_begins_with() {
        let mut base = experience();
        base.sets("story", "Un. Deux.");
        let (mut alice, mut bob) = (base.fork("alice"), base.fork("bob"));
        alice.sets("story", "Deux.");
        bob.sets("story", "Un.\n\nDeux.");
        alice.hears(&bob);
        let merged = alice.json()["story"].clone();
        assert_eq!(merged, "\n\nDeux.");
        assert!(!choices(&alice).is_empty());
        alice.edits(&[Edit::settle("story", merged.clone())]);
        assert_eq!((alice.json()["story"].clone(), choices(&alice).len()), (merged, 0));
    }

    #[test]
    fn disputed_members_deep_in_a_record_have_a_path_that_settles_them() {
        let mut base = experience();
        base.sets("effects", json!([{ "text": "Un effet." }]));
        let id = base.view().field("effects").unwrap().value().unwrap().items()[0].id.clone();
        let path = format!("effects/{id}/sign");
        let (mut a, mut b) = (base.fork("alice"), base.fork("bob"));
        a.sets(&path, "created");
        b.sets(&path, "destroyed");
        a.hears(&b);
        let conflict = a.view().conflicts().remove(0);
        assert_eq!(conflict.label.fr, "Qu’est-ce que cela a produit\u{202f}? / 1 / Valeur créée ou détruite");
        a.edits(&[Edit::Settle { path: conflict.path, value: "created".into() }]);
        assert!(a.view().conflicts().is_empty());
        assert_eq!(a.json()["effects"][0]["sign"], "created");
    }

    #[test]
    fn a_position_changed_by_another_ally_is_that_allys_proposal() {
        let mut base = experience();
        base.sets("disagreements", json!([{ "subject": "Continuer ?" }]));
        let id = base.view().field("disagreements").unwrap().value().unwrap().items()[0].id.clone();
        let alice_key = format!("ally:{}", crate::id::AllyId([b'a'; 32]));
        let path = format!("disagreements/{id}/positions/{alice_key}");
        let mut alice = base.fork("alice");
        alice.sets(&path, json!({ "stance": "against", "text": "Je suis contre." }));
        let mut eve = alice.fork("eve");
        eve.sets(&format!("{path}/text"), "Je suis pour.");
        let position = |person: &Person| {
            let view = person.view();
            let item = &view.field("disagreements").unwrap().value().unwrap().items()[0];
            item.fields["positions"].member(&alice_key).unwrap().clone()
        };
        let shown = position(&eve);
        assert_eq!(shown.member("text").unwrap().text(), Some("Je suis contre."));
        assert_eq!(shown.proposals.len(), 1);
        let proposed = shown.proposals[0].value.members().unwrap();
        assert_eq!(proposed["text"].text(), Some("Je suis pour."));
        assert_eq!(eve.view().writers[shown.proposals[0].by as usize].actor.0[0], b'e');
        let [proposal] = &eve.view().proposals()[..] else { panic!("{:?}", eve.view().proposals()) };
        assert_eq!(proposal.path, Path::from(&*path));
        assert_eq!(eve.view().conflicts(), []);
        // To build on it is to take it over.
        alice.hears(&eve).sets(&format!("{path}/stance"), "for");
        let taken = position(&alice);
        assert_eq!((taken.member("text").unwrap().text(), taken.proposals.len()), (Some("Je suis pour."), 0));
    }

    #[test]
    fn a_contribution_changed_by_another_ally_keeps_its_authors_words() {
        let about = "0".repeat(52);
        let fields = json!({ "title": "Question", "form": "question", "about": about, "text": "Combien ?" });
        let alice = Person::creates("alice", "contribution", fields);
        let mut eve = alice.fork("eve");
        eve.edits(&[Edit::set("text", "Combien cela coûte ?"), Edit::set("state", "closed")]);
        let view = eve.view();
        let (text, state) = (view.field("text").unwrap(), view.field("state").unwrap());
        assert_eq!((text.text(), text.proposals[0].value.text()), (Some("Combien ?"), Some("Combien cela coûte ?")));
        assert_eq!((state.value(), state.proposals.len()), (None, 1));
        assert_eq!(eve.json().get("state"), None::<&Json>);
    }

    #[test]
    fn in_a_contribution_each_ally_holds_its_own_position() {
        let disagreement = json!({ "subject": "Gratuits ?", "state": "open" });
        let fields =
            json!({ "title": "Gratuits ?", "form": "disagreement", "text": "?", "disagreement": disagreement });
        let alice = Person::creates("alice", "contribution", fields);
        let mut eve = alice.fork("eve");
        let own = |name: u8| format!("disagreement/positions/ally:{}/stance", crate::id::AllyId([name; 32]));
        eve.sets(&own(b'e'), "for").sets("disagreement/state", "kept").sets(&own(b'a'), "for");
        let view = eve.view();
        let disagreement = view.field("disagreement").unwrap();
        assert_eq!(eve.json()["disagreement"]["state"], "open");
        assert_eq!(disagreement.member("state").unwrap().proposals.len(), 1);
        let positions = disagreement.member("positions").unwrap().value().unwrap().members().unwrap();
        let stances: Vec<_> = positions.values().map(|one| one.member("stance").and_then(Field::text)).collect();
        // What eve would have alice say is eve's proposal.
        assert_eq!(stances, [None, Some("for")]);
        assert_eq!(view.proposals().len(), 2);
    }

    #[test]
    fn a_proposal_names_who_worked_on_that_place() {
        let fields = json!({ "title": "Question", "form": "question", "about": "0".repeat(52), "text": "Combien ?" });
        let alice = Person::creates("alice", "contribution", fields);
        let mut eve = alice.fork("eve");
        eve.sets("text", "Combien cela coûte ?");
        let mut dan = eve.fork("dan");
        dan.sets("title", "Une question");
        let view = dan.view();
        let hand = |name: &str| view.writers[view.field(name).unwrap().proposals[0].by as usize].actor.0[0];
        assert_eq!((hand("text"), hand("title")), (b'e', b'd'));
    }

    #[test]
    fn an_allys_words_are_its_own_after_two_thousand_changes() {
        let fields = json!({ "title": "Question", "form": "question", "about": "0".repeat(52), "text": "Combien ?" });
        let alice = Person::creates("alice", "contribution", fields);
        let mut eve = alice.fork("eve");
        eve.sets("text", "Combien cela coûte ?");
        // More changes than one may build on, made apart.
        let doc = &mut eve.doc;
        for n in 0..2_000 {
            let mut apart = alice.doc.fork();
            apart.empty_commit(automerge::transaction::CommitOptions::default().with_time(n));
            doc.merge(&mut apart).unwrap();
        }
        assert_eq!(eve.view().field("text").unwrap().text(), Some("Combien ?"));
    }
}
