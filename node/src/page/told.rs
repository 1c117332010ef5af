//! Parts of a record that are told in a way of their own: steps on a line of time, effects with how one knows,
//! disagreements with the positions side by side, figures and dates in one line each.

use askama::Template;
use essaim_protocol::record::schema::{Field, Schema, Type};
use serde_json::Value as Json;

use super::shown::{Reading, non_empty, of_the_web, some};
use crate::words::when;

/// Such a part, and the language of what the page says in it.
#[derive(Debug, Clone, Template)]
#[template(path = "told.html")]
pub(super) struct Telling {
    lang: &'static str,
    told: Told,
}

/// What such a part tells.
#[derive(Debug, Clone)]
enum Told {
    /// What happened when.
    Steps(Vec<Step>),
    /// What came of it.
    Effects(Vec<Effect>),
    /// What was hard.
    Difficulties(Vec<Difficulty>),
    /// On what people did not agree.
    Disagreements(Vec<Disagreement>),
    /// Who did what.
    Roles(Vec<Role>),
    /// Numbers and their sense.
    Figures(Vec<String>),
    /// Where it is told: title, address, and the rest in one line.
    Sources(Vec<(String, Option<String>, String)>),
    /// A number in one line.
    Figure(String),
    /// One line in the words of the page.
    Line(String),
}

#[derive(Debug, Clone)]
struct Step {
    on: Option<String>,
    title: String,
    text: Option<String>,
    /// What to call it when the story turned there.
    turn: Option<String>,
}

#[derive(Debug, Clone)]
struct Effect {
    text: String,
    /// `created`, `destroyed` or `mixed`; nothing when that is not said.
    sign: &'static str,
    /// Sign, kind, expected or not, how one knows, who saw it.
    says: Vec<String>,
}

#[derive(Debug, Clone)]
struct Difficulty {
    text: String,
    says: Vec<String>,
    /// Cause and response, each with its name.
    more: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
struct Disagreement {
    subject: String,
    state: Option<String>,
    /// Staying in disagreement is a success.
    kept: bool,
    positions: Vec<Position>,
    more: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
struct Position {
    who: String,
    stance: Option<String>,
    text: Option<String>,
}

#[derive(Debug, Clone)]
struct Role {
    role: String,
    /// Records, by address and title.
    who: Vec<(Option<String>, String)>,
    did: Option<String>,
}

impl Telling {
    /// The telling of a field, when it has one of its own.
    pub(super) fn of(reading: &Reading<'_>, spec: &Field, value: &Json) -> Option<Self> {
        Some(Self { lang: reading.f.code(), told: Told::of(reading, spec, value)? })
    }
}

impl Told {
    fn of(reading: &Reading<'_>, spec: &Field, value: &Json) -> Option<Self> {
        let each = |value: &'_ Json| value.as_array().cloned().unwrap_or_default();
        match (spec.name.as_str(), &spec.ty) {
            ("steps", Type::List(_)) => {
                some(each(value).iter().filter_map(|item| step(reading, item)).collect()).map(Self::Steps)
            }
            ("effects", Type::List(of)) => {
                some(each(value).iter().filter_map(|item| effect(reading, of, item)).collect()).map(Self::Effects)
            }
            ("difficulties", Type::List(of)) => {
                let read = |item| difficulty(reading, of, item);
                some(each(value).iter().filter_map(read).collect()).map(Self::Difficulties)
            }
            ("disagreements", Type::List(of)) => {
                let read = |item| disagreement(reading, of, item);
                some(each(value).iter().filter_map(read).collect()).map(Self::Disagreements)
            }
            ("disagreement", Type::Struct(of)) => {
                disagreement(reading, of, value).map(|one| Self::Disagreements(vec![one]))
            }
            ("fantastics", Type::Map(..)) => roles(reading, value).map(Self::Roles),
            ("figures", Type::List(_)) => {
                some(each(value).iter().filter_map(|item| figure(reading, item)).collect()).map(Self::Figures)
            }
            ("figure", Type::Atomic(_)) => figure(reading, value).map(Self::Figure),
            ("sources", Type::List(_)) => {
                some(each(value).iter().filter_map(|item| source(reading, item)).collect()).map(Self::Sources)
            }
            ("period", _) => period(reading, value).map(Self::Line),
            ("population", _) => population(reading, value).map(Self::Line),
            ("point", _) => point(reading, value).map(Self::Line),
            _ => None,
        }
    }
}

fn text(value: &Json) -> Option<String> {
    non_empty(value).map(str::to_owned)
}

fn date(reading: &Reading<'_>, value: &Json) -> Option<String> {
    non_empty(value).map(|date| when::edtf(reading.f.lang(), date))
}

fn step(reading: &Reading<'_>, item: &Json) -> Option<Step> {
    let turn = item["turning_point"].as_bool().unwrap_or(false).then(|| reading.f.t("sheet-turn"));
    let title = text(&item["title"]).or_else(|| text(&item["text"]))?;
    let more = text(&item["text"]).filter(|text| *text != title);
    Some(Step { on: date(reading, &item["on"]), title, text: more, turn })
}

fn effect(reading: &Reading<'_>, of: &[Field], item: &Json) -> Option<Effect> {
    let f = reading.f;
    let (sign, value) = match item["sign"].as_str() {
        Some("created") => ("created", Some(f.t("sheet-value-created"))),
        Some("destroyed") => ("destroyed", Some(f.t("sheet-value-destroyed"))),
        Some("mixed") => ("mixed", Some(f.t("sheet-value-mixed"))),
        _ => ("", None),
    };
    let codes = ["effect", "expectation", "evidence"].into_iter().filter_map(|name| code(reading, of, item, name));
    let seen = code(reading, of, item, "seen_by").map(|who| f.t1("sheet-seen-by", "who", who));
    let says = value.into_iter().chain(codes).chain(seen).collect();
    Some(Effect { text: text(&item["text"])?, sign, says })
}

fn difficulty(reading: &Reading<'_>, of: &[Field], item: &Json) -> Option<Difficulty> {
    let overcome = match item["overcome"].as_str() {
        Some("yes") => Some(reading.f.t("sheet-overcome")),
        Some("partly") => Some(reading.f.t("sheet-overcome-partly")),
        Some("no") => Some(reading.f.t("sheet-not-overcome")),
        _ => None,
    };
    let says = code(reading, of, item, "difficulty").into_iter().chain(overcome).collect();
    Some(Difficulty { text: text(&item["text"])?, says, more: named(reading, of, item, &["cause", "response"]) })
}

fn disagreement(reading: &Reading<'_>, of: &[Field], item: &Json) -> Option<Disagreement> {
    let positions = item["positions"].as_object().into_iter().flatten().map(|(who, position)| Position {
        who: reading.author(who),
        stance: non_empty(&position["stance"]).map(|code| reading.term("stance", code)),
        text: text(&position["text"]),
    });
    let positions: Vec<Position> = positions.collect();
    // Positions on a proposal may have no subject besides it.
    let subject = text(&item["subject"]).or_else(|| (!positions.is_empty()).then(String::new))?;
    Some(Disagreement {
        subject,
        state: code(reading, of, item, "state"),
        kept: item["state"] == "kept",
        positions,
        more: named(reading, of, item, &["worked_how", "opened"]),
    })
}

fn roles(reading: &Reading<'_>, value: &Json) -> Option<Vec<Role>> {
    let role = |(code, one): (&String, &Json)| {
        let ids = one["who"].as_array().into_iter().flatten();
        let ids = ids.filter_map(|to| to.as_str().or_else(|| to["to"].as_str()));
        let who: Vec<_> = ids.map(|id| (reading.address(id), reading.author(id))).collect();
        let did = text(&one["did"]);
        (!who.is_empty() || did.is_some()).then(|| Role { role: reading.term("fantastic", code), who, did })
    };
    let all = value.as_object()?;
    let terms = Schema::get().vocabulary("fantastic").map_or(&[][..], |vocabulary| &vocabulary.terms);
    let known = terms.iter().filter_map(|term| all.get_key_value(&term.code));
    let others = all.iter().filter(|(code, _)| terms.iter().all(|term| term.code != **code));
    some(known.chain(others).filter_map(role).collect())
}

/// `environ 140 territoires (mai 2024), note`.
fn figure(reading: &Reading<'_>, item: &Json) -> Option<String> {
    let number = reading.number(&item["value"])?;
    let qualifier = non_empty(&item["qualifier"]).filter(|code| *code != "exactly");
    let qualifier = qualifier.map(|code| reading.term("qualifier", code));
    let said = [qualifier, Some(number), text(&item["unit"])].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let on = date(reading, &item["on"]).map(|on| format!(" ({on})")).unwrap_or_default();
    let note = text(&item["note"]).map(|note| format!(" — {note}")).unwrap_or_default();
    Some(format!("{said}{on}{note}"))
}

fn source(reading: &Reading<'_>, item: &Json) -> Option<(String, Option<String>, String)> {
    let title = text(&item["title"]).or_else(|| text(&item["url"]))?;
    let url = text(&item["url"]).filter(|url| of_the_web(url));
    let more = [text(&item["locator"]), date(reading, &item["on"]), text(&item["note"])];
    Some((title, url, more.into_iter().flatten().collect::<Vec<_>>().join(", ")))
}

fn period(reading: &Reading<'_>, value: &Json) -> Option<String> {
    let (from, to) = (non_empty(&value["from"]), non_empty(&value["to"]));
    let span = match (from, to) {
        (Some(from), Some(to)) if from == to => from.to_owned(),
        (None, None) => return None,
        (from, to) => format!("{}/{}", from.unwrap_or_default(), to.unwrap_or_default()),
    };
    Some(when::edtf(reading.f.lang(), &span))
}

fn population(reading: &Reading<'_>, value: &Json) -> Option<String> {
    let people = reading.f.t1("sheet-people", "n", value["value"].as_f64()?);
    Some(date(reading, &value["on"]).map_or_else(|| people.clone(), |on| format!("{people} ({on})")))
}

/// `46,1203° N, 3,4256° E`.
fn point(reading: &Reading<'_>, value: &Json) -> Option<String> {
    let degrees = |name: &str, plus: &'static str, minus: &'static str| {
        let degrees = value[name].as_f64()?;
        let text = format!("{:.4}", degrees.abs());
        let text = if reading.f.code() == "fr" { text.replace('.', ",") } else { text };
        Some(format!("{text}° {}", if degrees < 0.0 { minus } else { plus }))
    };
    let (north, east) = (degrees("lat", "N", "S")?, degrees("lon", "E", reading.f.lang().pick("O", "W"))?);
    let precision = non_empty(&value["precision"]).map(|code| format!(" ({})", reading.term("precision", code)));
    Some(format!("{north}, {east}{}", precision.unwrap_or_default()))
}

/// The term of a member that is a code.
fn code(reading: &Reading<'_>, of: &[Field], item: &Json, name: &str) -> Option<String> {
    let spec = of.iter().find(|member| member.name == name)?;
    Some(reading.term(spec.vocabulary()?, non_empty(&item[name])?))
}

/// Members with their names.
fn named(reading: &Reading<'_>, of: &[Field], item: &Json, names: &[&str]) -> Vec<(String, String)> {
    let one = |name: &&str| {
        let spec = of.iter().find(|member| member.name == **name)?;
        Some((spec.label.get(reading.f.lang()).to_owned(), text(&item[*name])?))
    };
    names.iter().filter_map(one).collect()
}
