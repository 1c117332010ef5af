//! `/ensemble`: how the most linked records relate, drawn here as SVG, and the same as a list.
//!
//! Three columns: territories; experiences, where everything meets; programmes and findings. Each record stands where the
//! mean of those that it touches stands, swept a fixed number of times, so that the same commons always gives the same
//! picture. A record of the picture is a link; whoever does not see the picture reads the list, which says the same.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Html;
use axum::routing::get;
use essaim_protocol::api::{Brief, Command, Tie, Whole};
use essaim_protocol::id::RecordId;
use essaim_protocol::record::schema::Schema;

use super::Screen;
use super::letter::Quoted;
use super::shown::cut;
use super::trouble::{Trouble, page};
use super::visit::{Frame, Visit};

/// The kinds of each column, from the left.
const COLUMNS: [&[&str]; 3] = [&["territory"], &["experience"], &["programme", "finding"]];

/// The left side and the width of each column, in units of the picture.
const PLACES: [(f64, f64); 3] = [(0.0, 300.0), (430.0, 340.0), (900.0, 300.0)];

/// The height of a box, of a row, and of the headings above.
const BOX: f64 = 34.0;
const ROW: f64 = 46.0;
const HEAD: f64 = 40.0;

/// Units that a letter takes, and what is left free beside a title.
const LETTER: f64 = 7.6;
const MARGIN: f64 = 24.0;

/// Characters of a title in the list.
const TITLE: usize = 160;

/// Sweeps of the layout: more change nothing that is seen.
const SWEEPS: usize = 8;

pub(super) fn screens() -> Vec<Screen> {
    vec![Screen::new("get", "/ensemble", get(show))]
}

/// The picture.
struct Picture {
    height: f64,
    headings: Vec<(f64, String)>,
    ties: Vec<Line>,
    boxes: Vec<Drawn>,
}

/// A record of the picture.
struct Drawn {
    id: String,
    title: String,
    /// The language of the title where it is not that of the page.
    lang: Option<String>,
    /// As much of the title as fits.
    short: String,
    kind: String,
    x: f64,
    y: f64,
    width: f64,
}

/// A link of the picture.
struct Line {
    path: String,
    /// The end of the name of its style.
    style: &'static str,
    title: String,
}

/// One kind of the list.
struct Group {
    heading: String,
    records: Vec<Told>,
}

/// A record of the list, with the links that start from it.
struct Told {
    record: Quoted,
    /// How each relates, and to which.
    ties: Vec<(String, Quoted)>,
}

#[derive(Template)]
#[template(path = "whole.html")]
struct WholePage {
    f: Frame,
    picture: Picture,
    groups: Vec<Group>,
    /// How many of each kind are drawn, and how many there are.
    counts: Vec<(String, u64, u64)>,
}

async fn show(visit: Visit) -> Result<Html<String>, Trouble> {
    let whole: Whole = visit.ask(Command::Whole).await?;
    let f = &visit.frame;
    let drawn = |kind: &str| whole.records.iter().filter(|one| one.kind == kind).count() as u64;
    let counts = whole.kinds.iter().map(|kind| (kind.label.clone(), drawn(&kind.code), kind.count));
    page(&WholePage {
        counts: counts.filter(|(_, _, all)| *all > 0).collect(),
        picture: picture(f, &whole),
        groups: groups(f, &whole),
        f: f.clone(),
    })
}

/// How a link is said between the titles of its two ends.
fn said(f: &Frame, how: &str) -> String {
    if how == "reuse" {
        return f.t("whole-reuse");
    }
    let label = Schema::get().term("link", how).map(|term| term.label.get(f.lang()));
    // What a term explains in brackets is for those who choose one.
    label.and_then(|label| label.split(" (").next()).map_or_else(|| f.t("whole-other"), str::to_owned)
}

fn style(how: &str) -> &'static str {
    match how {
        "reuse" | "inspired_by" | "draws_on" => "reuse",
        "contradicts" => "contradicts",
        "nuances" => "nuances",
        _ => "plain",
    }
}

fn quoted(f: &Frame, brief: &Brief) -> Quoted {
    let whole = Quoted::of(f, brief);
    Quoted { title: cut(&whole.title, TITLE), ..whole }
}

fn groups(f: &Frame, whole: &Whole) -> Vec<Group> {
    let names: BTreeMap<RecordId, Quoted> = whole.records.iter().map(|one| (one.id, quoted(f, one))).collect();
    let mut groups: Vec<Group> = Vec::new();
    for kind in &whole.kinds {
        let told = |one: &Brief| Told {
            record: quoted(f, one),
            ties: whole
                .ties
                .iter()
                .filter(|tie| tie.from == one.id)
                .filter_map(|tie| Some((said(f, &tie.how), names.get(&tie.to)?.clone())))
                .collect(),
        };
        let records: Vec<Told> = whole.records.iter().filter(|one| one.kind == kind.code).map(told).collect();
        if !records.is_empty() {
            groups.push(Group { heading: kind.label.clone(), records });
        }
    }
    groups
}

fn picture(f: &Frame, whole: &Whole) -> Picture {
    let columns = placed(whole);
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
    let height = HEAD + rows as f64 * ROW;
    let mut boxes = Vec::new();
    for (column, (x, width)) in columns.iter().zip(PLACES) {
        // Shorter columns spread over the whole height.
        let step = if column.is_empty() { ROW } else { (height - HEAD) / column.len() as f64 };
        for (row, brief) in column.iter().enumerate() {
            let Quoted { id, title, lang } = quoted(f, brief);
            let y = HEAD + step * (row as f64 + 0.5) - BOX / 2.0;
            boxes.push(Drawn {
                id,
                lang,
                short: cut(&title, ((width - MARGIN) / LETTER) as usize),
                kind: brief.kind.clone(),
                title,
                x,
                y,
                width,
            });
        }
    }
    let at: BTreeMap<&str, &Drawn> = boxes.iter().map(|one| (one.id.as_str(), one)).collect();
    let line = |tie: &Tie| {
        let (from, to) = (at.get(tie.from.to_string().as_str())?, at.get(tie.to.to_string().as_str())?);
        let title = format!("{} {} {}", from.title, said(f, &tie.how), to.title);
        Some(Line { path: path(from, to), style: style(&tie.how), title })
    };
    let ties = whole.ties.iter().filter_map(line).collect();
    let label = |column: &&[&str]| {
        let kinds = column.iter().filter(|kind| whole.records.iter().any(|one| one.kind == **kind));
        let label = |kind: &&str| Schema::get().kind(kind).map(|kind| kind.label.get(f.lang()).to_owned());
        kinds.filter_map(label).collect::<Vec<_>>().join(" · ")
    };
    let headings = COLUMNS.iter().zip(PLACES).map(|(column, (x, _))| (x, label(column))).collect();
    Picture { height, headings, ties, boxes }
}

/// The records of each column from the top.
fn placed(whole: &Whole) -> [Vec<&Brief>; 3] {
    let of = |kinds: &[&str]| {
        let all = kinds.iter().flat_map(|kind| whole.records.iter().filter(move |one| one.kind == *kind));
        all.collect::<Vec<_>>()
    };
    let mut columns = COLUMNS.map(of);
    for sweep in 0..SWEEPS {
        // What everything meets in settles between the others.
        for column in if sweep % 2 == 0 { [2, 1, 0] } else { [0, 1, 2] } {
            let rows: BTreeMap<RecordId, f64> = columns
                .iter()
                .flat_map(|column| {
                    let height = column.len() as f64;
                    column.iter().enumerate().map(move |(row, one)| (one.id, (row as f64 + 0.5) / height))
                })
                .collect();
            let mean = |one: &Brief| {
                let ends = whole.ties.iter().filter_map(|tie| match one.id {
                    id if tie.from == id => rows.get(&tie.to),
                    id if tie.to == id => rows.get(&tie.from),
                    _ => None,
                });
                let ends: Vec<f64> = ends.copied().collect();
                if ends.is_empty() { 0.5 } else { ends.iter().sum::<f64>() / ends.len() as f64 }
            };
            let mut ranked: Vec<(f64, &Brief)> = columns[column].iter().map(|one| (mean(one), *one)).collect();
            ranked.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            columns[column] = ranked.into_iter().map(|(_, one)| one).collect();
        }
    }
    columns
}

/// A curve from the side of one box to that of another: across between two columns, a bow within one.
fn path(from: &Drawn, to: &Drawn) -> String {
    let (y1, y2) = (from.y + BOX / 2.0, to.y + BOX / 2.0);
    if from.x == to.x {
        let (side, bow) = if from.x > PLACES[1].0 { (from.x, -60.0) } else { (from.x + from.width, 60.0) };
        let out = side + bow;
        return format!("M{side:.0} {y1:.0}C{out:.0} {y1:.0} {out:.0} {y2:.0} {side:.0} {y2:.0}");
    }
    let (x1, x2) = if from.x < to.x { (from.x + from.width, to.x) } else { (from.x, to.x + to.width) };
    let middle = f64::midpoint(x1, x2);
    format!("M{x1:.0} {y1:.0}C{middle:.0} {y1:.0} {middle:.0} {y2:.0} {x2:.0} {y2:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(n: u8, kind: &str, title: &str) -> Brief {
        Brief {
            id: RecordId([n; 32]),
            short: String::new(),
            kind: kind.into(),
            title: title.into(),
            lang: None,
            summary: None,
            territory: None,
            updated_at: None,
            when: None,
            by: Vec::new(),
            conflicts: 0,
            snippet: None,
            highlights: Vec::new(),
            shared: Vec::new(),
        }
    }

    fn tie(from: u8, to: u8, how: &str) -> Tie {
        Tie { from: RecordId([from; 32]), to: RecordId([to; 32]), how: how.into() }
    }

    #[test]
    fn what_is_linked_stands_side_by_side() {
        let records = vec![
            brief(1, "experience", "A"),
            brief(2, "experience", "B"),
            brief(3, "experience", "C"),
            brief(11, "territory", "de C"),
            brief(12, "territory", "de A"),
            brief(21, "programme", "de B et C"),
        ];
        let place = "in_territory";
        let ties = vec![tie(3, 11, place), tie(1, 12, place), tie(2, 21, "part_of"), tie(3, 21, "part_of")];
        let whole = Whole { kinds: Vec::new(), records, ties };
        let columns = placed(&whole);
        let order = |column: &[&Brief]| column.iter().map(|one| one.title.clone()).collect::<Vec<_>>();
        let (experiences, territories) = (order(&columns[1]), order(&columns[0]));
        let row = |all: &[String], title: &str| all.iter().position(|one| one == title).unwrap();
        assert_eq!(
            row(&experiences, "A") < row(&experiences, "C"),
            row(&territories, "de A") < row(&territories, "de C")
        );
        let again = placed(&whole).map(|column| order(&column));
        assert_eq!(columns.map(|column| order(&column)), again);
    }
}
