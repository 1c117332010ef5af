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
    let ask: http::Ask = Arc::new(|request, _| {
        Box::pin(async move {
            if matches!(request.command, Command::ListCommons) {
                Ok(essaim_protocol::api::CommonsList::new().into())
            } else {
                Err(Error::NoCommons {})
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
            let status = send(request).await.status();
            assert_eq!(status, StatusCode::FORBIDDEN, "{} {} with {header}: {value}", screen.method, screen.path);
        }
        let open = ["/entrer", "/fixe/{version}/{*name}"].contains(&screen.path);
        for cookie in ["", "essaim=", "essaim=0", "autre=1; essaim=x"] {
            let mut request = request(screen.method, screen.path, &form());
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
            let status = send(request).await.status();
            let refused = status == StatusCode::UNAUTHORIZED;
            assert!(refused || (open && screen.path != "/entrer"), "{} {}: {status}", screen.method, screen.path);
        }
    }
}

#[tokio::test]
async fn no_form_of_another_site_is_taken() {
    for screen in screens().iter().filter(|screen| screen.method != "get") {
        let wrong = format!("_jeton={}", "0".repeat(64));
        for form in ["", "a=b", "_jeton=", &wrong] {
            let status = send(request(screen.method, screen.path, form)).await.status();
            assert_eq!(status, StatusCode::FORBIDDEN, "{} {} with “{form}”", screen.method, screen.path);
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
