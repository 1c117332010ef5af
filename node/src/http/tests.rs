//! The API against an engine that answers by rote.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use essaim_protocol::api::{
    Agenda, Answer, BadLine, Brief, Catalogue, Command, Commons, Digest, Error, Exported, Imported, Lacking, Line,
    Problem, Progress, Records, Stage, Words,
};
use essaim_protocol::id::RecordId;
use essaim_protocol::time::Timestamp;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;

const TOKEN: &str = "s3cret";

const LACKING: Lacking = Lacking { unfolded: 7, unfoldable: 2, outdated: true };

fn brief() -> Brief {
    Brief {
        id: RecordId([7; 32]),
        short: RecordId([7; 32]).short(),
        kind: "experience".into(),
        title: "Une navette à la demande".into(),
        lang: None,
        summary: None,
        territory: None,
        updated_at: Some(Timestamp(951_782_400_000)),
        when: None,
        by: Vec::new(),
        conflicts: 0,
        snippet: None,
        highlights: Vec::new(),
        shared: Vec::new(),
    }
}

fn commons() -> Commons {
    let zero = "0".repeat(52);
    let commons = serde_json::json!({"id": zero, "name": "Vallées", "allies": 1, "records": 1, "entries": 3, "digest": "",
        "conflicts": 0, "me": "founder", "charter": zero, "charter_text": null, "created_at": "2026-05-07T14:00:00Z"});
    serde_json::from_value(commons).unwrap()
}

/// Knows one record, and imports with one report.
#[expect(clippy::wildcard_enum_match_arm, reason = "only what the tests ask is known by rote")]
fn rote() -> Ask {
    Arc::new(|request, report| {
        Box::pin(async move {
            match request.command {
                Command::Search(_) | Command::List(_) => Ok(Records {
                    total: 41,
                    corrected: true,
                    records: vec![brief()],
                    lacking: LACKING,
                    ..Records::default()
                }
                .into()),
                Command::Export(_) => Ok(Exported { lines: "{}\n".into(), lacking: LACKING }.into()),
                Command::Digest(_) => Ok(Digest { lacking: LACKING, ..Digest::default() }.into()),
                Command::Agenda(_) => Ok(Agenda { lacking: LACKING, ..Agenda::default() }.into()),
                Command::Catalogue(_) => Ok(Catalogue { lacking: LACKING, ..Catalogue::default() }.into()),
                Command::Show(asked) => Err(Error::UnknownRecord { asked }),
                Command::ShowCommons if request.commons.is_none() => Ok(commons().into()),
                Command::ShowCommons => {
                    Err(Error::UnknownCommons { asked: request.commons.unwrap_or_default(), candidates: Vec::new() })
                }
                Command::Import(import) => {
                    let done = String::from_utf8(import.lines).unwrap().lines().count() as u64;
                    report(Progress { stage: Stage::Reading, done, total: None });
                    let message = Words::new("ligne illisible", "unreadable line");
                    let bad = vec![BadLine { line: 2, problem: Problem { line: None, field: None, message } }];
                    Ok(Answer::Imported(Imported { created: 1, bad, ..Imported::default() }))
                }
                Command::Doctor(_) => panic!("a job that falls over"),
                other => Err(Error::Internal { detail: format!("not by rote: {other:?}") }),
            }
        })
    })
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(path.replace(['{', '}'], ""))
        .header("host", "127.0.0.1:8421")
        .header("authorization", format!("Bearer {TOKEN}"))
}

async fn send(request: Request<Body>) -> Response {
    router(rote(), TOKEN).oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

#[tokio::test]
async fn no_route_answers_to_a_foreign_caller() {
    let table = routes();
    assert!(table.len() > 20, "the table is the router's own");
    for route in table {
        let attacks = [
            ("host", "evil.example:8421", StatusCode::FORBIDDEN, "foreign_caller"),
            ("host", "", StatusCode::FORBIDDEN, "foreign_caller"),
            ("origin", "http://evil.example", StatusCode::FORBIDDEN, "foreign_caller"),
            ("origin", "http://127.0.0.1:80", StatusCode::FORBIDDEN, "foreign_caller"),
            ("origin", "null", StatusCode::FORBIDDEN, "foreign_caller"),
            ("authorization", "", StatusCode::UNAUTHORIZED, "unauthorised"),
            ("authorization", "Bearer other", StatusCode::UNAUTHORIZED, "unauthorised"),
        ];
        for (header, value, status, kind) in attacks {
            let mut request = request(route.method, route.path).body(Body::empty()).unwrap();
            request.headers_mut().insert(header, value.parse().unwrap());
            let response = send(request).await;
            assert_eq!(response.status(), status, "{} {} with {header}: {value}", route.method, route.path);
            assert_eq!(json(response).await["kind"], kind);
        }
        let response = send(request(route.method, route.path).body(Body::empty()).unwrap()).await;
        let refused = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED];
        assert!(!refused.contains(&response.status()), "{} {} refuses its owner", route.method, route.path);
    }
}

#[tokio::test]
async fn a_page_of_this_very_node_may_call() {
    let own = request("get", "/api/v1/records").header("origin", "http://127.0.0.1:8421").body(Body::empty());
    assert_eq!(send(own.unwrap()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn reading_never_changes_anything() {
    for route in routes().iter().filter(|route| route.method == "get") {
        assert!(route.body.is_none(), "{}", route.path);
    }
}

#[tokio::test]
async fn an_export_tells_what_it_may_lack_beside_its_lines() {
    let response = send(request("get", "/api/v1/export?q=navette").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (&response.headers()[UNFOLDED], &response.headers()[OUTDATED]),
        (&"7".parse().unwrap(), &"true".parse().unwrap())
    );
    assert_eq!(text(response).await, "{}\n");
}

#[tokio::test]
async fn what_is_told_at_a_glance_tells_what_it_may_lack() {
    for path in ["digest", "agenda", "catalogue/finding"] {
        let told = json(send(request("get", &format!("/api/v1/{path}")).body(Body::empty()).unwrap()).await).await;
        assert_eq!((&told["unfolded"], &told["outdated"]), (&7.into(), &true.into()), "{path}: {told}");
    }
    for path in ["digest.md", "digest.html", "agenda.ics"] {
        let response = send(request("get", &format!("/api/v1/{path}")).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(
            (&response.headers()[UNFOLDED], &response.headers()[OUTDATED]),
            (&"7".parse().unwrap(), &"true".parse().unwrap()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn lists_are_arrays_with_their_counts_beside_them() {
    let response = send(request("get", "/api/v1/search?q=navette&limit=1").body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()[TOTAL], "41");
    assert_eq!(response.headers()[CORRECTED], "true");
    assert_eq!(response.headers()[PARTIAL], "false");
    assert_eq!(response.headers()[UNFOLDED], "7");
    assert_eq!(response.headers()[UNFOLDABLE], "2");
    assert_eq!(response.headers()[OUTDATED], "true");
    let records = json(response).await;
    assert_eq!(records[0]["title"], "Une navette à la demande");
    assert_eq!(records[0]["updated_at"], "2000-02-29T00:00:00Z");
    assert_eq!(records[0]["territory"], Value::Null);
}

#[tokio::test]
async fn errors_carry_their_data_and_their_words() {
    let response = send(request("get", "/api/v1/records/7k2m").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let error = json(response).await;
    assert_eq!(error["kind"], "unknown_record");
    assert_eq!(error["asked"], "7k2m");
    assert_eq!(error["message"]["fr"], "aucune fiche «\u{a0}7k2m\u{a0}»");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_the_same_form() {
    let cases = [
        (request("get", "/api/v1/rien"), Body::empty(), StatusCode::NOT_FOUND, "unknown_route"),
        (request("delete", "/api/v1/records"), Body::empty(), StatusCode::METHOD_NOT_ALLOWED, "bad_request"),
        (request("get", "/api/v1/records?limit=many"), Body::empty(), StatusCode::BAD_REQUEST, "bad_request"),
        (request("post", "/api/v1/records"), Body::from("{"), StatusCode::BAD_REQUEST, "bad_request"),
        (
            request("post", "/api/v1/records").header("content-type", "application/json"),
            Body::from(vec![b' '; 2 << 20]),
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
        ),
    ];
    for (request, body, status, kind) in cases {
        let response = send(request.body(body).unwrap()).await;
        assert_eq!(response.status(), status, "{kind}");
        assert_eq!(json(response).await["kind"], kind);
    }
}

#[tokio::test]
async fn names_in_a_path_may_hold_spaces_and_accents() {
    let path = "/api/v1/commons/C%C5%93ur%20Haute%20Lande";
    let error = json(send(request("get", path).body(Body::empty()).unwrap()).await).await;
    assert_eq!(error["asked"], "Cœur Haute Lande");
}

#[tokio::test]
async fn a_long_job_reports_and_then_answers() {
    let response = send(request("post", "/api/v1/import").body(Body::from("{}\n[\n")).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let text = text(response).await;
    let lines: Vec<Line<Imported>> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let Some(Line::Answer(imported)) = lines.last() else { panic!("{text}") };
    assert_eq!((imported.created, imported.bad[0].line), (1, 2));
    assert_eq!(lines[0], Line::Progress(Progress { stage: Stage::Reading, done: 2, total: None }));
}

#[tokio::test]
async fn a_job_that_falls_over_ends_with_an_error() {
    let job = request("post", "/api/v1/doctor").header("content-type", "application/json").body(Body::from("{}"));
    let text = text(send(job.unwrap()).await).await;
    assert!(matches!(serde_json::from_str(&text), Ok(Line::<()>::Error(Error::Internal { .. }))), "{text}");
}

#[tokio::test]
async fn the_description_names_every_route() {
    let document = json(send(request("get", "/api/v1/openapi.json").body(Body::empty()).unwrap()).await).await;
    for route in routes() {
        let operation = &document["paths"][route.path][route.method];
        assert_eq!(operation["summary"], route.summary, "{} {}", route.method, route.path);
    }
    let text = document.to_string();
    let named = |reference: &str| document["components"]["schemas"].get(reference).is_some();
    let references = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
    for reference in references {
        assert!(named(reference), "{reference} is referred to and not described");
    }
}

#[tokio::test]
async fn only_loopback_is_listened_on_and_a_port_is_given_back() {
    let start = |address: &str| Server::start(address.parse().unwrap(), rote(), TOKEN.into());
    assert!(matches!(start("0.0.0.0:0").await, Err(Error::BadAddress { .. })));
    let server = start("127.0.0.1:0").await.unwrap();
    let address = server.address().to_string();
    assert!(matches!(start(&address).await, Err(Error::Io { .. })));
    server.stop().await;
    start(&address).await.unwrap().stop().await;
}
