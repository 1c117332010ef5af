//! Asking the node: over loopback when one runs on this home, else by running its API inside this process. The requests
//! and answers are the same to the byte; only the way differs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, Request, Response};
use essaim_node::http::{CORRECTED, OUTDATED, PARTIAL, TOTAL, UNFOLDABLE, UNFOLDED};
use essaim_protocol::api::{self, Error, Exported, Lacking, Lang, Line, Progress, Records};
use futures::StreamExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

use crate::error::Failure;

/// Most bytes of one line of a long job's answer: an import with 100,000 bad lines.
const MAX_LINE: usize = 64 << 20;

/// How long a running node may take to accept a connection, and to answer the first question, which needs no store: it
/// runs on this machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// A way to the node of one home.
#[derive(Debug)]
pub(crate) struct Client {
    way: Way,
    token: String,
    commons: Option<String>,
    lang: Lang,
}

#[derive(Debug)]
enum Way {
    /// A node runs: its loopback address.
    Loopback { http: reqwest::Client, address: String },
    /// None does: its router, here.
    Inside(Router),
}

/// Parameters of a query.
pub(crate) type Params = Vec<(&'static str, String)>;

impl Client {
    /// The way to a node that runs on this home, if one does and answers.
    pub(crate) async fn running(home: &Path, commons: Option<String>, lang: Lang) -> Option<Self> {
        let running = essaim_node::home::running(home)?;
        let token = essaim_node::home::read_token(home).ok()?;
        let http = reqwest::Client::builder().no_proxy().connect_timeout(PATIENCE);
        let http = http.redirect(reqwest::redirect::Policy::none()).build().ok()?;
        let address = running.address.to_string();
        let client = Self { way: Way::Loopback { http, address }, token, commons, lang };
        let document = client.get::<serde_json::Value>("openapi.json", vec![]);
        let document = tokio::time::timeout(PATIENCE, document).await.ok()?.ok()?;
        (document["info"]["title"] == "Essaim").then_some(client)
    }

    /// The way to a node's API that runs inside this process.
    pub(crate) fn inside(ask: essaim_node::http::Ask, commons: Option<String>, lang: Lang) -> Self {
        // Nobody else can call it: the token only keeps the way the same.
        let token = "inside".to_owned();
        let router = essaim_node::http::router(ask, &token);
        Self { way: Way::Inside(router), token, commons, lang }
    }

    /// The link that opens the page of a running node; nothing inside this process.
    pub(crate) fn page(&self) -> Option<String> {
        match &self.way {
            Way::Loopback { address, .. } => Some(essaim_node::http::entrance(address.parse().ok()?, &self.token)),
            Way::Inside(_) => None,
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, params: Params) -> Result<T, Failure> {
        let (_, body) = self.whole(Method::GET, path, &params, None).await?;
        read(&body)
    }

    /// A list of records with its counts.
    pub(crate) async fn records(&self, path: &str, params: Params) -> Result<Records, Failure> {
        let (headers, body) = self.whole(Method::GET, path, &params, None).await?;
        let total = told(&headers, TOTAL).parse().unwrap_or_default();
        let [corrected, partial] = [CORRECTED, PARTIAL].map(|name| told(&headers, name) == "true");
        let lacking = lacking(&headers);
        Ok(Records { total, corrected, partial, records: read(&body)?, facets: Vec::new(), lacking })
    }

    /// Records as JSON Lines.
    pub(crate) async fn export(&self, q: String) -> Result<Exported, Failure> {
        let (lines, lacking) = self.text("export", vec![("q", q)]).await?;
        Ok(Exported { lines, lacking })
    }

    /// A text that is not JSON as a whole, with what it may lack.
    pub(crate) async fn text(&self, path: &str, params: Params) -> Result<(String, Lacking), Failure> {
        let (headers, body) = self.whole(Method::GET, path, &params, None).await?;
        Ok((String::from_utf8(body).map_err(|error| garbled(&error))?, lacking(&headers)))
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.given(Method::POST, path, body).await
    }

    pub(crate) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.given(Method::PATCH, path, body).await
    }

    /// A long job: `progress` hears how far it is.
    pub(crate) async fn long<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        progress: impl FnMut(&Progress),
    ) -> Result<T, Failure> {
        let response = self.send(Method::POST, path, &Vec::new(), Some(json(body)?)).await?;
        last(response, progress).await
    }

    /// A long job on lines of a file.
    pub(crate) async fn long_lines<T: DeserializeOwned>(
        &self,
        path: &str,
        lines: Vec<u8>,
        progress: impl FnMut(&Progress),
    ) -> Result<T, Failure> {
        let body = (essaim_node::http::LINES, lines);
        let response = self.send(Method::POST, path, &Vec::new(), Some(body)).await?;
        last(response, progress).await
    }

    async fn given<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let (_, body) = self.whole(method, path, &Vec::new(), Some(json(body)?)).await?;
        read(&body)
    }

    async fn whole(
        &self,
        method: Method,
        path: &str,
        params: &Params,
        body: Option<Content>,
    ) -> Result<(HeaderMap, Vec<u8>), Failure> {
        let response = self.send(method, path, params, body).await?;
        let (head, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| garbled(&error))?;
        if head.status.is_success() { Ok((head.headers, bytes.to_vec())) } else { Err(refusal(&bytes)) }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        params: &Params,
        body: Option<Content>,
    ) -> Result<Response<Body>, Failure> {
        let place = self.place(path, params);
        let request = Request::builder().method(method).header(AUTHORIZATION, format!("Bearer {}", self.token));
        let (kind, bytes) = body.unwrap_or(("application/json", Vec::new()));
        let request = request.header(CONTENT_TYPE, kind);
        match &self.way {
            Way::Inside(router) => {
                let request = request.uri(place).header(HOST, "localhost").body(Body::from(bytes));
                let request = request.map_err(|error| garbled(&error))?;
                let Ok(response) = router.clone().oneshot(request).await;
                Ok(response)
            }
            Way::Loopback { http, address } => {
                let request = request.uri(format!("http://{address}{place}")).body(bytes);
                let request = request.map_err(|error| garbled(&error))?;
                let request = reqwest::Request::try_from(request).map_err(|error| garbled(&error))?;
                let silent =
                    |error: reqwest::Error| Failure::NoAnswer { address: address.clone(), detail: api::chain(&error) };
                let response: Response<reqwest::Body> = http.execute(request).await.map_err(silent)?.into();
                Ok(response.map(Body::new))
            }
        }
    }

    fn place(&self, path: &str, params: &Params) -> String {
        let mut place = format!("/api/v1/{path}?lang={}", self.lang.pick("fr", "en"));
        for (name, value) in
            self.commons.iter().map(|commons| ("commons", commons)).chain(params.iter().map(|(n, v)| (*n, v)))
        {
            place.push_str(&format!("&{name}={}", piece(value)));
        }
        place
    }
}

fn told<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn lacking(headers: &HeaderMap) -> Lacking {
    let count = |name| told(headers, name).parse().unwrap_or_default();
    Lacking { unfolded: count(UNFOLDED), unfoldable: count(UNFOLDABLE), outdated: told(headers, OUTDATED) == "true" }
}

/// A body with its media type.
type Content = (&'static str, Vec<u8>);

/// A piece of a path or a value of a query, percent-encoded (RFC 3986: all but unreserved characters).
pub(crate) fn piece(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Where a home is when `--home` does not say: `ESSAIM_HOME`, else where the system keeps data of programs.
pub(crate) fn default_home() -> PathBuf {
    if let Some(home) = std::env::var_os("ESSAIM_HOME").filter(|home| !home.is_empty()) {
        return PathBuf::from(home);
    }
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    data.or_else(|| std::env::home_dir().map(|home| home.join(".local/share"))).unwrap_or_default().join("essaim")
}

/// Reads lines until the one that ends the job.
async fn last<T: DeserializeOwned>(
    response: Response<Body>,
    mut progress: impl FnMut(&Progress),
) -> Result<T, Failure> {
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        let bytes = axum::body::to_bytes(body, MAX_LINE).await.map_err(|error| garbled(&error))?;
        return Err(refusal(&bytes));
    }
    let mut stream = body.into_data_stream();
    let mut held = Vec::new();
    while let Some(bytes) = stream.next().await {
        held.extend_from_slice(&bytes.map_err(|error| garbled(&error))?);
        if held.len() > MAX_LINE {
            break;
        }
        while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = held.drain(..=end).collect();
            match read::<Line<T>>(&line)? {
                Line::Progress(report) => progress(&report),
                Line::Answer(answer) => return Ok(answer),
                Line::Error(error) => return Err(error.into()),
            }
        }
    }
    Err(garbled(&"the answer ended before the job"))
}

fn json(body: &impl Serialize) -> Result<Content, Failure> {
    Ok(("application/json", serde_json::to_vec(body).map_err(|error| garbled(&error))?))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| garbled(&error))
}

/// The error that a body tells.
fn refusal(bytes: &[u8]) -> Failure {
    read::<api::Error>(bytes).map_or_else(|failure| failure, Failure::Api)
}

fn garbled(error: &impl ToString) -> Failure {
    Failure::Api(Error::Internal { detail: error.to_string() })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use essaim_node::home::{Home, Profile};
    use essaim_node::http::{Ask, Server};
    use essaim_protocol::api::{Answer, Command, CommonsList, Imported, Stage};

    use super::*;

    /// An engine that echoes what it was asked.
    fn echo() -> Ask {
        Arc::new(|request, report| {
            Box::pin(async move {
                #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else is asked is echoed")]
                match request.command {
                    Command::ListCommons => Ok(Answer::CommonsList(Vec::new())),
                    Command::Show(asked) => Err(Error::UnknownRecord { asked }),
                    Command::Search(search) => {
                        Ok(Records { total: search.q.len() as u64, ..Records::default() }.into())
                    }
                    Command::Import(import) => {
                        let done = import.lines.iter().filter(|byte| **byte == b'\n').count() as u64;
                        report(Progress { stage: Stage::Writing, done, total: Some(done) });
                        Ok(Imported { created: done, ..Imported::default() }.into())
                    }
                    other => Err(Error::Internal { detail: format!("{:?} {other:?}", request.commons) }),
                }
            })
        })
    }

    async fn ways() -> [Client; 2] {
        let server = Server::start("127.0.0.1:0".parse().unwrap(), echo(), "s3cret".into()).await.unwrap();
        let address = server.address().to_string();
        // It answers until the test's runtime ends.
        std::mem::forget(server);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let way = Way::Loopback { http, address };
        let commons = Some("Cœur Haute Lande & co".to_owned());
        let loopback = Client { way, token: "s3cret".into(), commons: commons.clone(), lang: Lang::Fr };
        [loopback, Client::inside(echo(), commons, Lang::Fr)]
    }

    #[tokio::test]
    async fn both_ways_answer_the_same() {
        for client in ways().await {
            assert_eq!(client.get::<CommonsList>("commons", vec![]).await.unwrap(), []);
            let q = "mobilité douce & \"temps long\" +1%".to_owned();
            let found = client.records("search", vec![("q", q.clone())]).await.unwrap();
            assert_eq!(found.total, q.len() as u64);
            let unknown = client.get::<api::Sheet>(&format!("records/{}", piece("é/..?#")), vec![]).await;
            let Err(Failure::Api(Error::UnknownRecord { asked })) = unknown else { panic!("{unknown:?}") };
            assert_eq!(asked, "é/..?#");
            let elsewhere = client.get::<api::Status>("status", vec![]).await;
            let Err(Failure::Api(Error::Internal { detail })) = elsewhere else { panic!("{elsewhere:?}") };
            assert_eq!(detail, "Some(\"Cœur Haute Lande & co\") Status");
        }
    }

    #[tokio::test]
    async fn long_jobs_report_on_both_ways() {
        for client in ways().await {
            let mut heard = Vec::new();
            let lines = "{}\n".repeat(3).into_bytes();
            let done: Imported = client.long_lines("import", lines, |p| heard.push(p.clone())).await.unwrap();
            assert_eq!(done.created, 3);
            assert_eq!(heard, [Progress { stage: Stage::Writing, done: 3, total: Some(3) }]);
        }
    }

    #[tokio::test]
    async fn an_announcement_without_a_node_behind_it_is_no_node() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Client::running(dir.path(), None, Lang::Fr).await.is_none());
        let home = home(dir.path());
        let server = Server::start("127.0.0.1:0".parse().unwrap(), echo(), home.token().to_owned()).await.unwrap();
        home.announce(server.address()).unwrap();
        assert!(Client::running(dir.path(), None, Lang::Fr).await.is_some());
        server.stop().await;
        assert!(Client::running(dir.path(), None, Lang::Fr).await.is_none());
    }

    #[tokio::test]
    async fn the_token_is_not_sent_to_who_took_the_port_of_a_killed_node() {
        let dir = tempfile::tempdir().unwrap();
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        other.set_nonblocking(true).unwrap();
        let killed = home(dir.path());
        killed.announce(other.local_addr().unwrap()).unwrap();
        drop(killed);
        assert!(dir.path().join("api.json").exists());
        assert!(Client::running(dir.path(), None, Lang::Fr).await.is_none());
        assert_eq!(other.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody may have called");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_ours_is_no_node() {
        let dir = tempfile::tempdir().unwrap();
        let home = home(dir.path());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        home.announce(listener.local_addr().unwrap()).unwrap();
        let other = Router::new().fallback(|| async { axum::Json(serde_json::json!({"info": {"title": "Autre"}})) });
        tokio::spawn(async move { axum::serve(listener, other).await });
        assert!(Client::running(dir.path(), None, Lang::Fr).await.is_none());
    }

    fn home(path: &Path) -> Home {
        Home::create(path, &Profile { name: "Cerdd".into(), person: false }).unwrap()
    }
}
