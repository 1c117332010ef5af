//! In which order a form asks: a question a screen.
//!
//! An experience is told in the order of its questions, between where and when it took place and what helps to find it
//! again. Other kinds are short: what they must say, what else they can, and the same end.

use essaim_protocol::api::Lang;
use essaim_protocol::record::schema::{Field, Kind};

use crate::page::form::Asked;

/// What places a record among others.
const FIND: [&str; 5] = ["themes", "tags", "fundamentals", "narrative", "setting"];

/// What it rests on.
const SUPPORT: [&str; 7] = ["links", "sources", "figures", "authors", "note", "lang", "fictional"];

/// Who may read it and on which terms: asked when it is shared.
const SHARE: [&str; 2] = ["visibility", "licence"];

/// What people do not fill in: where it came from, what becomes of it, files.
const APART: [&str; 3] = ["origin", "status", "attachments"];

/// Where and when an experience took place.
const FIRST: [&str; 4] = ["title", "period", "outcome", "summary"];

/// The last screen.
pub(super) const SHARING: &str = "partager";

/// All questions on one screen, for somebody who types what another tells.
pub(super) const INTERVIEW: &str = "entretien";

/// One screen.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// Its address: the number of the question, or a word.
    pub(super) slug: String,
    /// The question, for those that ask one.
    pub(super) question: Option<String>,
    pub(super) asked: Vec<Asked<'static>>,
}

/// The screens of a kind, in order.
pub(super) fn steps(kind: &'static Kind, lang: Lang) -> Vec<Step> {
    let mut steps = if kind.fields.iter().any(|field| field.question.is_some()) {
        let mut told = vec![step("reperes", begin(kind))];
        told.extend(questions(kind, lang));
        told
    } else {
        short(kind)
    };
    steps.push(step("retrouver", named(kind, &FIND)));
    let support = kind.fields.iter().filter(|field| SUPPORT.contains(&field.name.as_str()) || is_left(kind, field));
    steps.push(step("appuis", support.map(ask).collect()));
    steps.push(step(SHARING, named(kind, &SHARE)));
    steps.retain(|step| !step.asked.is_empty());
    steps
}

/// All questions at once; none for a kind that asks none.
pub(super) fn interview(kind: &'static Kind, lang: Lang) -> Step {
    step(INTERVIEW, questions(kind, lang).into_iter().flat_map(|step| step.asked).collect())
}

fn step(slug: &str, asked: Vec<Asked<'static>>) -> Step {
    Step { slug: slug.to_owned(), question: None, asked }
}

fn ask(field: &'static Field) -> Asked<'static> {
    if field.name == "links" { Asked::Relations(field) } else { Asked::Field(field) }
}

fn named(kind: &'static Kind, names: &[&str]) -> Vec<Asked<'static>> {
    names.iter().filter_map(|name| kind.field(name)).map(ask).collect()
}

/// The title, then where.
fn begin(kind: &'static Kind) -> Vec<Asked<'static>> {
    let mut asked = named(kind, &FIRST);
    let place = kind.field("links").map(Asked::Places);
    let at = asked.len().min(1);
    asked.splice(at..at, place);
    asked
}

fn questions(kind: &'static Kind, lang: Lang) -> Vec<Step> {
    let last = kind.fields.iter().filter_map(|field| field.question).max().unwrap_or_default();
    let one = |number: u8| {
        let fields: Vec<&Field> = kind.fields.iter().filter(|field| field.question == Some(number)).collect();
        let question = fields.first().map(|field| field.label.get(lang).to_owned());
        Step { slug: number.to_string(), question, asked: fields.into_iter().map(ask).collect() }
    };
    (1..=last).map(one).filter(|step| !step.asked.is_empty()).collect()
}

fn short(kind: &'static Kind) -> Vec<Step> {
    let own = |field: &&Field| !common(field);
    let (must, may): (Vec<&Field>, Vec<&Field>) = kind.fields.iter().filter(own).partition(|field| field.required);
    let mut first = begin(kind);
    first.extend(must.into_iter().filter(|field| !FIRST.contains(&field.name.as_str())).map(ask));
    // A territory is the place itself, and a contribution is where what it is about is.
    first
        .retain(|asked| !(matches!(asked, Asked::Places(_)) && matches!(&kind.name[..], "territory" | "contribution")));
    vec![
        step("1", first),
        step("2", may.into_iter().filter(|field| !FIRST.contains(&field.name.as_str())).map(ask).collect()),
    ]
}

/// Whether a field has its screen by its name.
fn common(field: &Field) -> bool {
    let name = field.name.as_str();
    [&FIND[..], &SUPPORT, &SHARE, &APART].iter().any(|names| names.contains(&name))
        || matches!(name, "title" | "summary")
}

/// Whether a field of a kind with questions is in none: a newer model's.
fn is_left(kind: &Kind, field: &Field) -> bool {
    let asks = kind.fields.iter().any(|field| field.question.is_some());
    asks && field.question.is_none() && !common(field) && !FIRST.contains(&field.name.as_str())
}

#[cfg(test)]
mod tests {
    use essaim_protocol::record::schema::Schema;

    use super::*;

    #[test]
    fn an_experience_is_told_in_twelve_questions() {
        let kind = Schema::get().kind("experience").unwrap();
        let slugs: Vec<String> = steps(kind, Lang::Fr).into_iter().map(|step| step.slug).collect();
        let numbers = (1..=12).map(|number: u8| number.to_string());
        let all: Vec<String> = ["reperes".to_owned()]
            .into_iter()
            .chain(numbers)
            .chain(["retrouver", "appuis", "partager"].map(str::to_owned))
            .collect();
        assert_eq!(slugs, all);
    }

    #[test]
    fn every_field_is_asked_once() {
        for kind in Schema::get().kinds() {
            let steps = steps(kind, Lang::Fr);
            let asked: Vec<&str> = steps
                .iter()
                .flat_map(|step| &step.asked)
                .filter(|asked| !matches!(asked, Asked::Places(_)))
                .map(|asked| asked.field().name.as_str())
                .collect();
            for field in kind.fields.iter().filter(|field| !APART.contains(&field.name.as_str())) {
                let times = asked.iter().filter(|name| **name == field.name).count();
                assert_eq!(times, 1, "{} {}", kind.name, field.name);
            }
        }
    }
}
