//! How much a screen weighs when there is the most to show: bytes of the document with every style and script that it names,
//! none compressed.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use essaim_protocol::api::{
    AllyState, Brief, Command, Commons, CommonsList, Error, Facet, FacetValue, Page, Places, Records, Spot,
    TerritoryName, Unread,
};
use essaim_protocol::id::{CharterHash, CommonsId, RecordId};
use essaim_protocol::record::schema::Schema;
use essaim_protocol::time::Timestamp;
use tower::ServiceExt as _;

use super::{Keys, assets};
use crate::http;
use crate::index::gazetteer::{Gazetteer, Type};

const TOKEN: &str = "s3cret";

/// What a screen may weigh.
const MOST: usize = 150_000;

/// Experiences of the heritage.
const MANY: u64 = 10_000;

fn id(n: u64) -> RecordId {
    RecordId(*blake3::hash(&n.to_le_bytes()).as_bytes())
}

/// A title as long as one may be.
fn title(n: u64) -> String {
    let mut title = format!("({n}) Une navette à la demande entre le bourg et la gare, l’été, ");
    while title.chars().count() < 160 {
        title.push_str("puis toute l’année ");
    }
    title.chars().take(160).collect()
}

/// An excerpt of three lines, with three words of it marked.
fn excerpt() -> (String, Vec<(u32, u32)>) {
    let text = "Ce que nous avons fait. ".repeat(10);
    (text, vec![(3, 6), (27, 30), (51, 54)])
}

/// A facet whose values are all there: two hundred territories, every department, every term of a vocabulary.
fn facet(name: &str) -> Facet {
    let value = |code: String, label: String| FacetValue { code, label, count: 1_234 };
    let of_type = |ty| {
        let codes = (1..=976).map(|n| format!("{n:02}")).chain(["2A".to_owned(), "2B".to_owned()]);
        codes.filter_map(|code| Some(value(code.clone(), Gazetteer::get().get_by_code(ty, &code)?.name))).collect()
    };
    let values: Vec<FacetValue> = match name {
        "territory" | "programme" => {
            (0..200).map(|n| value(id(n).to_string(), format!("Val-sur-Rivière {n}"))).collect()
        }
        "kind" => Schema::get().kinds().iter().map(|kind| value(kind.name.clone(), kind.label.fr.clone())).collect(),
        "department" => of_type(Type::Department),
        "region" => of_type(Type::Region),
        "year" => (1990..2026).map(|year| value(year.to_string(), year.to_string())).collect(),
        name => {
            let terms =
                Schema::get().vocabulary(name).map(|vocabulary| vocabulary.terms.as_slice()).unwrap_or_default();
            terms.iter().map(|term| value(term.code.clone(), term.label.fr.clone())).collect()
        }
    };
    Facet { name: name.to_owned(), label: format!("Facette {name}"), values, left_off: 0 }
}

fn records(page: Page) -> Records {
    let territory =
        TerritoryName { id: id(1), title: "Communauté de communes du Val-sur-Rivière".to_owned(), point: None };
    let (snippet, highlights) = excerpt();
    let brief = |n: u64| Brief {
        id: id(n),
        short: id(n).to_string()[..8].to_owned(),
        kind: "experience".to_owned(),
        title: title(n),
        lang: Some("en".to_owned()),
        summary: Some("Ce que nous avons fait. ".repeat(10)),
        territory: Some(territory.clone()),
        updated_at: Some(Timestamp(1)),
        when: Some(format!("{}-05/{}-09", 1990 + n % 36, 1990 + n % 36)),
        conflicts: 2,
        snippet: Some(snippet.clone()),
        highlights: highlights.clone(),
        shared: Vec::new(),
        by: vec!["Communauté de communes du Val-sur-Rivière".to_owned(), "Les Semeuses".to_owned()],
    };
    let facets = super::find::FACETS.iter().map(|name| facet(name)).collect();
    Records { total: MANY, records: (0..u64::from(page.limit)).map(brief).collect(), facets, ..Records::default() }
}

/// Two hundred territories, the most that a map is given: in all departments, and a fifth of them outside of the picture.
fn places() -> Places {
    let departments = facet("department").values;
    let spot = |(n, department): (u64, &FacetValue)| Spot {
        id: id(n),
        title: format!("Communauté de communes du Val-sur-Rivière {n}"),
        department: (n % 5 > 0).then(|| department.code.clone()),
        point: Some((47.0 + n as f64 / 100.0, 2.0)),
        count: 12,
    };
    Places {
        total: MANY,
        spots: (0..200).zip(departments.iter().cycle()).map(spot).collect(),
        departments,
        left_off: 0,
    }
}

fn commons() -> Commons {
    Commons {
        id: CommonsId([1; 32]),
        name: "Vallées en transition".to_owned(),
        allies: 1,
        records: MANY,
        entries: MANY,
        digest: String::new(),
        conflicts: 0,
        unfolded: 0,
        me: AllyState::Founder,
        charter: CharterHash([1; 32]),
        charter_text: None,
        created_at: Timestamp(1),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a search asks nothing else")]
async fn document(path: &str) -> String {
    let ask: http::Ask = Arc::new(|request, _| {
        Box::pin(async move {
            match request.command {
                Command::ListCommons => Ok(CommonsList::from([commons()]).into()),
                Command::Unread => Ok(Unread { unread: 3 }.into()),
                Command::Search(search) => Ok(records(search.page).into()),
                Command::Places(_) => Ok(places().into()),
                other => Err(Error::Internal { detail: format!("{other:?} is not asked here") }),
            }
        })
    });
    let request = Request::get(path).header("host", "127.0.0.1:8421").header("cookie", Keys::new(TOKEN).cookie());
    let response = http::router(ask, TOKEN).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Bytes of a document with what it names.
fn weight(document: &str) -> usize {
    let base = assets::address("");
    let named = document.split(['"', '\'']).filter_map(|said| said.strip_prefix(&base));
    document.len() + named.map(|name| assets::bytes(name).unwrap().len()).sum::<usize>()
}

#[tokio::test]
async fn no_way_of_showing_ten_thousand_experiences_weighs_too_much() {
    for path in ["/", "/recherche", "/recherche?vue=tableau", "/recherche?vue=carte", "/recherche?vue=frise"] {
        let document = document(path).await;
        assert!(document.contains("</html>") && document.contains("Val-sur-Rivière"), "{path}: {document}");
        assert!(weight(&document) < MOST, "{path}: {} of them the document {}", weight(&document), document.len());
    }
}
