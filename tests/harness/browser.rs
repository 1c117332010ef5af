//! A real Chromium for the page, driven through chromedriver ([WebDriver](https://www.w3.org/TR/webdriver2/)): one browser
//! with a profile of its own a test.
//!
//! Without Chromium the tests of the page say so loudly and pass; with `ESSAIM_CI=1` they fail.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::plain;

/// The accessibility audit, run inside the page.
const AXE: &str = include_str!("../fixtures/axe/axe.min.js");

/// How long something may take to be seen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A telephone, a tablet, a screen.
pub const WIDTHS: [u32; 3] = [390, 768, 1280];

/// Between two looks.
const LOOK: Duration = Duration::from_millis(30);

/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A driver that listens, and the port it listens on; `None` where there is none. What it and its browser leave behind when
/// killed lies in `scratch`.
///
/// With `--port=0` chromedriver takes a free port of IPv6 and then exits unless the same number is free in IPv4; beside
/// tests that hold IPv4 ports it has to be asked again.
fn driver(scratch: &Path) -> Option<(Child, u16)> {
    let mut said = String::new();
    for _ in 0..20 {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", scratch)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .ok()?;
        let out = driver.stdout.take().unwrap_or_else(|| panic!("a piped output"));
        said.clear();
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let port = line.strip_prefix("ChromeDriver was started successfully on port ");
            if let Some(port) = port.and_then(|rest| rest.trim_end_matches('.').parse().ok()) {
                return Some((driver, port));
            }
            said.push_str(&line);
            said.push('\n');
        }
        let _ = driver.wait();
        assert!(said.contains("port not available"), "chromedriver ended: {said}");
    }
    panic!("chromedriver found no port: {said}")
}

/// A browser, closed when dropped.
#[derive(Debug)]
pub struct Browser {
    http: reqwest::Client,
    session: String,
    driver: Child,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver and its browser are one process group; killed alone, the driver would leave the browser behind. They
        // are gone already when they fell over.
        if let Some(group) = i32::try_from(self.driver.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// Opens a browser, with JavaScript or without; `None` where there is none.
    pub async fn open(javascript: bool) -> Option<Self> {
        let profile = tempfile::tempdir().unwrap_or_else(|error| panic!("a temporary profile: {error}"));
        let Some((driver, port)) = driver(profile.path()) else {
            let needed = "the tests of the page need Debian's packages chromium and chromium-driver";
            assert!(std::env::var_os("ESSAIM_CI").is_none(), "{needed}");
            // Past the capture of the test harness: who runs the tests must see what they do not show.
            let _ = writeln!(io::stderr(), "NOT TESTED: the page in a browser; {needed}");
            return None;
        };
        let http = reqwest::Client::new();
        let base = format!("http://127.0.0.1:{port}/session");
        let wanted = capabilities(profile.path(), javascript);
        let answer = send(&http, Method::POST, &base, &wanted).await.unwrap_or_else(|error| panic!("{error}"));
        let id = answer["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        Some(Self { session: format!("{base}/{id}"), http, driver, _profile: profile })
    }

    /// Does one command of WebDriver.
    async fn order(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        send(&self.http, method, &format!("{}{path}", self.session), body).await
    }

    async fn must(&self, method: Method, path: &str, body: Value) -> Value {
        self.order(method, path, &body)
            .await
            .unwrap_or_else(|error| panic!("{path} {:.200}: {error}", body.to_string()))
    }

    /// Goes to an address and waits until the page is loaded.
    pub async fn go(&self, url: &str) {
        self.must(Method::POST, "/url", json!({ "url": url })).await;
    }

    /// Where it is.
    pub async fn address(&self) -> String {
        self.must(Method::GET, "/url", Value::Null).await.as_str().unwrap_or_default().to_owned()
    }

    /// The page as HTML.
    pub async fn source(&self) -> String {
        self.must(Method::GET, "/source", Value::Null).await.as_str().unwrap_or_default().to_owned()
    }

    async fn element(&self, css: &str) -> Result<String, String> {
        let found = self.order(Method::POST, "/element", &json!({"using": "css selector", "value": css})).await?;
        Ok(found[ELEMENT].as_str().unwrap_or_default().to_owned())
    }

    /// How many elements match.
    pub async fn count(&self, css: &str) -> usize {
        let body = json!({"using": "css selector", "value": css});
        self.must(Method::POST, "/elements", body).await.as_array().map_or(0, Vec::len)
    }

    /// The visible text of the first element that matches.
    pub async fn text(&self, css: &str) -> String {
        let element = self.found(css).await;
        let text = self.must(Method::GET, &format!("/element/{element}/text"), Value::Null).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// A property of an element, such as `value` or `checked`.
    pub async fn property(&self, css: &str, name: &str) -> Value {
        let element = self.found(css).await;
        self.must(Method::GET, &format!("/element/{element}/property/{name}"), Value::Null).await
    }

    /// Waits until an element matches.
    pub async fn appears(&self, css: &str) {
        self.found(css).await;
    }

    async fn found(&self, css: &str) -> String {
        let mut last = String::new();
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            match self.element(css).await {
                Ok(element) => return element,
                Err(error) => last = error,
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("no {css} at {}: {last}\n{:.3000}", self.address().await, self.source().await)
    }

    /// Clicks the first element that matches.
    pub async fn click(&self, css: &str) {
        let element = self.found(css).await;
        self.must(Method::POST, &format!("/element/{element}/click"), json!({})).await;
    }

    /// Follows the link or presses the button of this text.
    pub async fn press(&self, text: &str) {
        let says = format!("[normalize-space(translate(., '\u{a0}\u{202f}’', \"  '\"))=\"{}\"]", plain(text));
        let path = format!("//a{says} | //button{says} | //summary{says} | //label{says}");
        let body = json!({"using": "xpath", "value": path});
        let found = self.order(Method::POST, "/element", &body).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => panic!("nothing to press says “{text}”: {error}\n{:.3000}", self.source().await),
        };
        let element = found[ELEMENT].as_str().unwrap_or_default();
        self.must(Method::POST, &format!("/element/{element}/click"), json!({})).await;
    }

    /// Sends a form of the page's own making, with what shows that it is unless `fields` say otherwise, and waits for the
    /// answer.
    pub async fn send(&self, path: &str, fields: &[(&str, String)]) {
        let (path, fields) = (json!(path), json!(fields));
        let script = format!(
            "document.documentElement.dataset.before = ''; const form = document.createElement('form'); form.method = 'post'; \
             form.action = {path}; const own = ['_jeton', document.querySelector('input[name=_jeton]').value]; \
             for (const [name, value] of Object.entries(Object.fromEntries([own, ...{fields}]))) {{ \
             const input = document.createElement('textarea'); input.name = name; input.value = value; form.append(input); }} \
             document.body.append(form); form.submit()"
        );
        self.run(&script).await;
        self.appears("html:not([data-before]) main").await;
    }

    /// Types into a field, in place of what it held.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = self.found(css).await;
        self.must(Method::POST, &format!("/element/{element}/clear"), json!({})).await;
        self.must(Method::POST, &format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Types where the focus is. `\u{e004}` is Tab, `\u{e007}` Enter, `\u{e00c}` Escape ([WebDriver, Keyboard
    /// actions](https://www.w3.org/TR/webdriver2/#keyboard-actions)).
    pub async fn keys(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})])
            .collect();
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.must(Method::POST, "/actions", body).await;
    }

    /// Copies what a word processor would, as a text and as HTML, and pastes it into a field by the keyboard.
    pub async fn paste(&self, css: &str, text: &str, html: &str) {
        let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
        self.devtools("Browser.grantPermissions", permissions).await;
        self.click(css).await;
        let (text, html) = (json!(text), json!(html));
        let script = format!(
            "const part = (kind, said) => [kind, new Blob([said], {{type: kind}})]; \
             return navigator.clipboard.write([new ClipboardItem(Object.fromEntries(\
             [part('text/plain', {text}), part('text/html', {html})]))]).then(() => 'copied', error => String(error))"
        );
        assert_eq!(self.run(&script).await, "copied");
        let key = |kind: &str, value: char| json!({"type": kind, "value": value});
        let control = '\u{e009}';
        let actions = [key("keyDown", control), key("keyDown", 'v'), key("keyUp", 'v'), key("keyUp", control)];
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.must(Method::POST, "/actions", body).await;
    }

    /// Waits until the page says a text.
    pub async fn see(&self, text: &str) {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            // The page may be on its way to the next one between two questions.
            if let Ok(body) = self.element("body").await
                && let Ok(said) = self.order(Method::GET, &format!("/element/{body}/text"), &Value::Null).await
                && said.as_str().is_some_and(|said| plain(said).contains(&plain(text)))
            {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("“{text}” is not seen at {}:\n{:.4000}", self.address().await, self.text("body").await)
    }

    /// Runs a script in the page and gives what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.must(Method::POST, "/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Makes the window this wide.
    pub async fn width(&self, pixels: u32) {
        let metrics = json!({"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": pixels < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Prefers dark or light colours.
    pub async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    async fn devtools(&self, command: &str, params: Value) -> Value {
        self.must(Method::POST, "/goog/cdp/execute", json!({"cmd": command, "params": params})).await
    }

    /// The whole page as a PNG picture.
    pub async fn picture(&self) -> Vec<u8> {
        let answer = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await;
        decode(answer["data"].as_str().unwrap_or_default())
    }

    /// The page as it prints on A4: a PDF.
    pub async fn pdf(&self) -> Vec<u8> {
        let a4 = json!({"page": {"width": 21.0, "height": 29.7}, "background": false});
        decode(self.must(Method::POST, "/print", a4).await.as_str().unwrap_or_default())
    }

    /// What axe-core finds against this screen, light and dark, each as "rule: element".
    pub async fn violations(&self) -> Vec<String> {
        let mut found =
            self.audit("light", &format!("{AXE}; return axe.run(document, {{resultTypes: ['violations']}})")).await;
        self.dark(true).await;
        // Nothing but colours hangs on what the person prefers.
        found.extend(
            self.audit("dark", "return axe.run(document, {runOnly: ['color-contrast', 'link-in-text-block']})").await,
        );
        self.dark(false).await;
        found
    }

    async fn audit(&self, how: &str, script: &str) -> Vec<String> {
        let result = self.run(script).await;
        let violations = result["violations"].as_array().unwrap_or_else(|| panic!("axe did not run: {result:.500}"));
        let mut found = Vec::new();
        for violation in violations {
            for node in violation["nodes"].as_array().into_iter().flatten() {
                found.push(format!("{how}, {}: {} {}", violation["id"], node["html"], node["failureSummary"]));
            }
        }
        found
    }
}

fn capabilities(profile: &Path, javascript: bool) -> Value {
    let profile = format!("--user-data-dir={}", profile.display());
    let args = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // A smooth scroll is still under way when WebDriver clicks.
        "--force-prefers-reduced-motion",
        "--lang=fr",
        "--window-size=1280,900",
        &profile,
    ];
    // 2 is "block" (Chromium, content settings).
    let scripts = if javascript { 1 } else { 2 };
    let prefs = json!({"profile.managed_default_content_settings.javascript": scripts});
    let options = json!({"args": args, "prefs": prefs});
    json!({"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}})
}

async fn send(http: &reqwest::Client, method: Method, url: &str, body: &Value) -> Result<Value, String> {
    let request = http.request(method, url);
    let request = if body.is_null() { request } else { request.json(body) };
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let ok = answer.status().is_success();
    let mut said: Value = answer.json().await.map_err(|error| error.to_string())?;
    let value = said["value"].take();
    if ok {
        Ok(value)
    } else {
        Err(format!("{}: {:.300}", value["error"], value["message"].as_str().unwrap_or_default()))
    }
}

fn decode(text: &str) -> Vec<u8> {
    data_encoding::BASE64.decode(text.as_bytes()).unwrap_or_else(|error| panic!("base64: {error}"))
}
