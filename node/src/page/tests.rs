//! The page's guard, on every screen of the table, before an engine that is never reached.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use essaim_protocol::api::{Command, Error};
use tower::ServiceExt as _;

use super::{Keys, screens};
use crate::http;

const TOKEN: &str = "s3cret";
const HOST: &str = "127.0.0.1:8421";

async fn send(request: Request<Body>) -> Response {
    refused(request, Error::NoCommons {}).await
}

/// The answer to a request when the engine refuses everything for one reason.
async fn refused(request: Request<Body>, error: Error) -> Response {
    let ask: http::Ask = Arc::new(move |request, _| {
        let error = error.clone();
        Box::pin(async move {
            if matches!(request.command, Command::ListCommons) {
                Ok(essaim_protocol::api::CommonsList::new().into())
            } else {
                Err(error)
            }
        })
    });
    http::router(ask, TOKEN).oneshot(request).await.unwrap()
}

/// A request that a let-in browser would make, its form ours.
fn request(method: &str, path: &str, form: &str) -> Request<Body> {
    Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(path.replace("{*name}", "style.css").replace(['{', '}'], ""))
        .header("host", HOST)
        .header("origin", format!("http://{HOST}"))
        .header("cookie", Keys::new(TOKEN).cookie())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap()
}

fn form() -> String {
    format!("a=b&_jeton={}", Keys::new(TOKEN).form())
}

async fn text(response: Response) -> String {
    String::from_utf8(axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn no_screen_answers_to_a_foreign_caller() {
    let table = screens();
    assert!(table.len() > 5, "the table is the router's own");
    for screen in table {
        for (header, value) in [
            ("host", "evil.example:8421"),
            ("host", ""),
            ("origin", "http://evil.example"),
            ("origin", "http://127.0.0.1:80"),
            ("origin", "null"),
        ] {
            let mut request = request(screen.method, screen.path, &form());
            request.headers_mut().insert(header, value.parse().unwrap());
            let response = send(request).await;
            let asked = format!("{} {} with {header}: {value}", screen.method, screen.path);
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{asked}");
            dressed(&asked, response).await;
        }
        let open = ["/entrer", "/fixe/{version}/{*name}"].contains(&screen.path);
        for cookie in ["", "essaim=", "essaim=0", "autre=1; essaim=x"] {
            let mut request = request(screen.method, screen.path, &form());
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
            let response = send(request).await;
            if response.status() == StatusCode::UNAUTHORIZED {
                dressed(screen.path, response).await;
            } else {
                let status = response.status();
                assert!(open && screen.path != "/entrer", "{} {}: {status}", screen.method, screen.path);
            }
        }
    }
}

#[tokio::test]
async fn no_form_of_another_site_is_taken() {
    for screen in screens().iter().filter(|screen| screen.method != "get") {
        let wrong = format!("_jeton={}", "0".repeat(64));
        for form in ["", "a=b", "_jeton=", &wrong] {
            let response = send(request(screen.method, screen.path, form)).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{} {} with “{form}”", screen.method, screen.path);
            dressed(screen.path, response).await;
        }
        let mut json = request(screen.method, screen.path, &form());
        json.headers_mut().insert("content-type", "application/json".parse().unwrap());
        assert_eq!(send(json).await.status(), StatusCode::FORBIDDEN);
        let status = send(request(screen.method, screen.path, &form())).await.status();
        assert!(
            status != StatusCode::FORBIDDEN && status != StatusCode::UNAUTHORIZED,
            "{} refuses its owner",
            screen.path
        );
    }
}

#[tokio::test]
async fn every_answer_says_what_the_browser_may_do() {
    for screen in screens() {
        for request in [request(screen.method, screen.path, &form()), request(screen.method, screen.path, "")] {
            let response = send(request).await;
            let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        }
    }
}

/// What axum, serde and the standard library say when they are left to speak for us.
const UNDRESSED: [&str; 7] =
    ["deserialize", "Failed", "Invalid UTF-8", "invalid digit", "missing field", "Cannot parse", "\"kind\""];

/// Asserts that an answer with an error is a French page, and gives its text.
async fn dressed(asked: &str, response: Response) -> String {
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    assert!(kind.starts_with("text/html"), "{asked} is answered with {kind:?}");
    assert!(response.headers().contains_key("content-security-policy"), "{asked}");
    let page = text(response).await;
    assert!(page.contains("<html lang=\"fr\">"), "{asked}: {page}");
    for english in UNDRESSED {
        assert!(!page.contains(english), "{asked} says {english}: {page}");
    }
    page
}

#[tokio::test]
async fn what_cannot_be_read_is_a_french_page() {
    let odd = "page=x&tout=%FF&vue=%00&since=x&lieu=%F0%28&cle=x&avec=%FF&plus=%FF";
    for screen in screens() {
        // Without the files, which anybody may have, and the feeds' own names.
        if screen.path.starts_with("/fixe/") {
            continue;
        }
        let asked = format!("{} {}", screen.method, screen.path);
        let response = send(request(screen.method, &format!("{}?{odd}", screen.path), &form())).await;
        if response.status().is_client_error() || response.status().is_server_error() {
            dressed(&asked, response).await;
        }
        if screen.method == "post" {
            for odd in ["uses=&days=&to=%FF", "uses=-1&days=9999999999999999999999&ticket=%FF&name=%FF", ""] {
                let response = send(request("post", screen.path, &format!("{odd}&_jeton={}", Keys::new(TOKEN).form())));
                let response = response.await;
                if response.status().is_client_error() {
                    dressed(&asked, response).await;
                }
            }
        }
        if screen.path.contains('{') {
            let path = screen.path.split('/').map(|part| if part.starts_with('{') { "%FF%FE" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            dressed(&asked, send(request(screen.method, &path, &form())).await).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_method_and_an_unknown_address_are_french_pages() {
    for screen in screens() {
        let open = screens().iter().any(|other| other.path == screen.path && other.method == "get");
        for method in if open { &["delete", "put"][..] } else { &["get", "delete"][..] } {
            let response = send(request(method, screen.path, &form())).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {}", screen.path);
            dressed(screen.path, response).await;
        }
    }
    for path in ["/rechrche", "/fiche", "/fiche/a/b/c/d", "/pairs/", "/%FF", "/apix/v1"] {
        let response = send(request("get", path, "")).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        dressed(path, response).await;
        let mut stranger = request("get", path, "");
        stranger.headers_mut().remove("cookie");
        assert_eq!(send(stranger).await.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_form_comes_back_with_what_was_typed_and_where_a_link_can_lead() {
    let wrong = format!("role=reader&days=14&uses=&_jeton={}", Keys::new(TOKEN).form());
    let response = send(request("post", "/inviter", &wrong)).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = text(response).await;
    assert!(page.contains("Écrivez un nombre de 1 à") && page.contains("value=\"reader\" checked"), "{page}");
    let response = send(request(
        "post",
        "/rejoindre/signer",
        &format!("ticket=a%20b&charter={}&_jeton={}", "0".repeat(52), Keys::new(TOKEN).form()),
    ))
    .await;
    let page = text(response).await;
    assert!(page.contains("name=\"back\" value=\"/rejoindre\"") && page.contains("a b</textarea>"), "{page}");
}

#[tokio::test]
async fn who_is_not_let_in_yet_reads_when_and_is_promised_nothing_that_is_not_so() {
    const HINT: &str = "Ce sera possible dès qu’un·e allié·e vous aura fait entrer.";
    let not_admitted = || Error::NotAdmitted { commons: "Vallées".to_owned() };
    let asked = format!("form=question&text=Qui+paie+%3F&{}", form());
    let page = text(refused(request("post", "/permanence", &asked), not_admitted()).await).await;
    assert!(page.contains(HINT) && page.contains("Qui paie ?</textarea>"), "{page}");
    assert!(page.contains("Rien de ce que vous avez écrit n’est perdu"), "{page}");
    let page = text(refused(request("post", "/fiche/zz/archiver", &form()), not_admitted()).await).await;
    assert!(page.contains(HINT) && page.contains("Cela n’a pas marché"), "{page}");
    assert!(!page.contains("écrit"), "nothing was written: {page}");
}

#[tokio::test]
async fn the_link_lets_a_browser_in_and_nothing_else_does() {
    let link = super::entrance(HOST.parse().unwrap(), TOKEN);
    let enter =
        |key: &str| Request::get(format!("/entrer?cle={key}")).header("host", HOST).body(Body::empty()).unwrap();
    let response = send(enter(link.split_once("cle=").unwrap().1)).await;
    assert_eq!((response.status(), &response.headers()[LOCATION]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with(&Keys::new(TOKEN).cookie()), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    for wrong in ["", "0", TOKEN, Keys::new("other").entrance()] {
        let response = send(enter(wrong)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(!response.headers().contains_key(SET_COOKIE));
    }
}

#[tokio::test]
async fn an_error_is_a_page_in_the_persons_language() {
    let page = text(send(request("get", "/fiche/zz", "")).await).await;
    assert!(page.contains("<html lang=\"fr\">") && page.contains("Cela n’a pas marché"), "{page}");
    let mut english = request("get", "/fiche/zz", "");
    let cookies = format!("{}; essaim_langue=en", Keys::new(TOKEN).cookie());
    english.headers_mut().insert("cookie", cookies.parse().unwrap());
    let page = text(send(english).await).await;
    assert!(page.contains("<html lang=\"en\">") && page.contains("That did not work"), "{page}");
}

#[tokio::test]
async fn whoever_has_no_commons_is_shown_where_to_begin() {
    let page = text(send(request("get", "/recherche", "")).await).await;
    assert!(page.contains("href=\"/bienvenue\"") && !page.contains("essaim commons"), "{page}");
}
