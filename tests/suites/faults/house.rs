//! Nodes on one PostgreSQL, and what everybody does at a node while it is in trouble.

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::http::{Address, Answer, Request, get};
use doorward_testkit::jar::Jar;
use doorward_testkit::relay::Relay;
use doorward_testkit::scratch::Scratch;
use doorward_tests::{PASSWORD, action, field, page_request, with_password};
use serde_json::Value;
use std::io;
use std::time::Duration;

/// Every node's.
pub const MASTER_KEY: &str = "0f0e0d0c0b0a09080706050403020100f0e0d0c0b0a090807060504030201000";
/// Longest anybody waits for an answer: a node that has lost its database says so before that.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A node on a database, with no grace for what it remembers.
pub fn node(database: &str) -> (Scratch, DoorOptions) {
    let scratch = Scratch::new("node");
    let settings = scratch.write("settings.yaml", "database_grace_seconds: 0\n");
    let mut options = with_password(DoorOptions::serve());
    options.database = Some(database.to_owned());
    options.environment.push(("DOORWARD_MASTER_KEY".to_owned(), MASTER_KEY.to_owned()));
    options.environment.push(("DOORWARD_CONFIG".to_owned(), settings.display().to_string()));
    (scratch, options)
}

/// The address of the database `doorward` at the end of a relay.
pub fn through(relay: &Relay) -> String {
    format!("postgres://postgres@127.0.0.1:{}/doorward", relay.port())
}

pub fn is_ready(door: &Door) -> bool {
    get(&format!("{}/readyz", door.operations_url())).status == 200
}

/// A client that is a program; gives its secret.
pub fn machine(door: &Door, name: &str, more: &[&str]) -> String {
    let arguments = [&["client", "create", name, "--output", "json"], more].concat();
    let told: Value = serde_json::from_str(&door.cli_text(&arguments)).expect("JSON");
    told.get("client_secret").and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub fn endpoint(door: &Door, path: &str) -> String {
    format!("{}/realms/main/protocol/openid-connect/{path}", door.url())
}

/// A word of an answer in JSON; nothing when it has none.
pub fn word(answer: &Answer, name: &str) -> String {
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whether somebody is told to come back, in the words for that, and gets nothing.
pub fn says_later(answer: &Answer) -> bool {
    let gives = answer.headers_named("set-cookie").iter().any(|line| line.contains("_session=dws_"))
        || ["access_token", "refresh_token", "id_token", "code"].iter().any(|name| !word(answer, name).is_empty());
    answer.status == 503 && answer.header("retry-after").is_some() && !gives
}

/// Signs in at a node's own pages, whatever address they name; the last answer, and the cookies.
pub fn try_sign_in(url: &str, port: u16, name: &str) -> io::Result<(Answer, Jar)> {
    let mut jar = Jar::new();
    let page_url = format!("{url}/realms/main/sign-in");
    let page = send(&mut jar, page_request(&page_url).via_port(port))?;
    if page.status != 200 {
        return Ok((page, jar));
    }
    let html = page.text();
    let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
    let target = Address::parse(&page_url).join(&action(&html));
    let form = [("login", name), ("password", PASSWORD), ("flow", flow.as_str()), ("csrf", csrf.as_str())];
    let answer = send(&mut jar, Request::new("POST", &target).via_port(port).form(&form))?;
    Ok((answer, jar))
}

/// As [`Jar::send`], where there may be no answer.
pub fn send(jar: &mut Jar, request: Request) -> io::Result<Answer> {
    let url = request.url();
    let request = match jar.header_for(&url) {
        Some(cookies) => request.header("Cookie", cookies),
        None => request,
    };
    let answer = request.within(PATIENCE).try_send()?;
    jar.store(&url, &answer);
    Ok(answer)
}
