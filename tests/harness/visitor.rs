//! Somebody whom the page let in and who reads it without a browser: what each address answers, in bytes.

use reqwest::{Client, Response, StatusCode, Url};

use crate::cluster::Ally;

/// A client that holds the cookie of an ally's page.
#[derive(Debug, Clone)]
pub struct Visitor {
    client: Client,
    origin: String,
}

impl Visitor {
    /// Enters by the link of an ally's page.
    pub async fn of(ally: &Ally) -> Self {
        Self::enter(&ally.page()).await
    }

    /// Enters by the link of a page.
    pub async fn enter(entrance: &str) -> Self {
        let client = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.unwrap_or_else(|error| panic!("a client: {error}"));
        let origin = entrance.split("/entrer").next().unwrap_or_default().to_owned();
        let entered = client.get(entrance).send().await.unwrap_or_else(|error| panic!("entering: {error}"));
        assert_eq!(entered.status(), StatusCode::SEE_OTHER, "the link lets in");
        Self { client, origin }
    }

    /// What an address answers.
    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self.answer(path).await;
        let status = answer.status();
        (status, answer.text().await.unwrap_or_else(|error| panic!("{path}: {error}")))
    }

    /// The whole answer of an address. Where it leads is not followed.
    pub async fn answer(&self, path: &str) -> Response {
        let sent = self.client.get(format!("{}{path}", self.origin)).send().await;
        sent.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// What the forms of a page hold to show that they are its own.
    pub async fn token(&self, path: &str) -> String {
        let (_, page) = self.get(path).await;
        let value = page.split("name=\"_jeton\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        value.unwrap_or_else(|| panic!("no form at {path}: {page}")).to_owned()
    }

    /// Sends a form. Gives the status, and where it leads or what it answers.
    pub async fn post(&self, path: &str, token: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let form: Vec<(&str, &str)> = fields.iter().copied().chain([("_jeton", token)]).collect();
        let address = format!("{}{path}", self.origin);
        // The query of an address is written as a form is (URL Standard, application/x-www-form-urlencoded).
        let form = Url::parse_with_params("http://form", form).unwrap_or_else(|error| panic!("a form: {error}"));
        let form = form.query().unwrap_or_default().to_owned();
        let kind = "application/x-www-form-urlencoded";
        let post = self.client.post(address).header("origin", &self.origin).header("content-type", kind);
        let sent = post.body(form).send().await;
        let answer = sent.unwrap_or_else(|error| panic!("{path}: {error}"));
        let status = answer.status();
        match answer.headers().get("location").and_then(|to| to.to_str().ok()) {
            Some(to) => (status, to.to_owned()),
            None => (status, answer.text().await.unwrap_or_else(|error| panic!("{path}: {error}"))),
        }
    }
}
