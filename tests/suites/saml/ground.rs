//! A door with a tool behind it, and a company that speaks SAML to sign in with.

use crate::forge::Signer;
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Address, Answer, Request, get, percent};
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::scratch::Scratch;
use doorward_testkit::webdriver::Browser;
use doorward_tests::{field, page_request, with_password};
use miniz_oxide::inflate::decompress_to_vec;
use serde_json::Value;
use std::time::Duration;

/// Everything at its place.
pub struct Ground {
    /// Doorward.
    pub door: Door,
    /// The tool, for members of `dagster-users`.
    pub tool: Echo,
    scratch: Scratch,
}

/// What Doorward asked the company for.
pub struct Asked {
    /// The browser that is on its way.
    pub jar: Jar,
    /// The request's id.
    pub id: String,
    /// The request.
    pub message: String,
    /// Where it was sent, with its query.
    pub address: String,
}

impl Ground {
    /// Without a connector.
    pub fn new() -> Ground {
        Ground::with_environment(&[])
    }

    /// Goes from the tool to the company, whose page has this field for names and this button, signs in there and waits
    /// to be back.
    pub fn come(&self, browser: &Browser, (field, button): (&str, &str), (name, password): (&str, &str), back: &str) {
        browser.goto(&self.tool_url("/runs?x=1"));
        let link = browser.wait_for(".providers a", Duration::from_secs(10));
        browser.click(&link);
        browser.wait_for(field, Duration::from_secs(20));
        browser.fill(field, name);
        browser.fill("input[name=password]", password);
        browser.press_on(button);
        browser.wait_for_url(back);
    }

    /// The same, with more in the server's environment.
    pub fn with_environment(more: &[(&str, &str)]) -> Ground {
        let tool = Echo::start();
        let mut options = with_password(DoorOptions::up());
        let protect = format!("tool={}", tool.url());
        options.arguments = ["--protect", &protect, "--allow", "dagster-users", "--outbound-allow", "127.0.0.1"]
            .map(str::to_owned)
            .to_vec();
        options.environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Ground { door: Door::start(options), tool, scratch: Scratch::new("saml") }
    }

    /// Connects a company by its metadata, as a file, told these words more.
    pub fn connect(&self, name: &str, metadata: &str, words: &[&str]) {
        let file = self.scratch.write(&format!("{name}.xml"), metadata);
        let file = file.to_str().expect("a path").to_owned();
        let usual = ["identity", "add-connector", "saml", name, "--metadata", &file, "--addresses-are-proved"];
        self.door.cli_text(&[&usual[..], words].concat());
    }

    /// With a company whose answers are forged here.
    pub fn forged(words: &[&str]) -> (Ground, Signer) {
        let (ground, signer) = (Ground::new(), Signer::new());
        ground.connect("company", &signer.metadata(), words);
        (ground, signer)
    }

    /// Where a connector's answers come to.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/realms/main/broker/{name}/endpoint", self.door.url())
    }

    /// What we publish of a connector.
    pub fn descriptor(&self, name: &str) -> String {
        let answer = get(&format!("{}/descriptor", self.endpoint(name)));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }

    /// Where the tool is.
    pub fn tool_url(&self, path: &str) -> String {
        format!("{}{path}", self.door.url_as("tool.localhost"))
    }

    /// Goes to the tool, chooses a company and tells where that leads, without going there.
    pub fn leave(&self, jar: &mut Jar, name: &str) -> Answer {
        let page = jar.follow(page_request(&self.tool_url("/runs?x=1"))).pop().expect("a hop");
        let flow = field(&page.answer.text(), "flow");
        let way = format!("{}/realms/main/broker/{name}/login?flow={}", self.door.url(), percent(&flow));
        jar.send(page_request(&way))
    }

    /// The same in a new browser, with the request read.
    pub fn ask(&self, name: &str) -> Asked {
        let mut jar = Jar::new();
        let address = self.leave(&mut jar, name).location().to_owned();
        let message = unpacked(&address, "SAMLRequest");
        Asked { jar, id: attribute(&message, "ID"), message, address }
    }

    /// Brings an answer as a browser would that was sent there by another site: without cookies first.
    pub fn bring(&self, jar: &mut Jar, name: &str, message: &str) -> Hop {
        let endpoint = self.endpoint(name);
        let packed = doorward_testkit::encoding::base64(message.as_bytes());
        let elsewhere = |request: Request| request.header("Sec-Fetch-Site", "cross-site").header("Origin", "null");
        let sent = elsewhere(Request::new("POST", &endpoint).form(&[("SAMLResponse", &packed), ("RelayState", "x")]));
        let page = sent.send();
        assert_eq!(page.status, 200, "{}", page.text());
        let html = page.text();
        assert_eq!(doorward_tests::action(&html), endpoint, "{html}");
        let form = [("SAMLResponse", &*field(&html, "SAMLResponse")), ("again", &*field(&html, "again"))];
        let target = Address::parse(&endpoint).join(&endpoint);
        jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop")
    }

    /// Whether somebody is signed in now.
    pub fn is_in(&self, jar: &mut Jar) -> bool {
        let account = format!("{}/realms/main/account", self.door.url());
        jar.send(page_request(&account)).status == 200
    }

    /// The groups of a user.
    pub fn groups(&self, user: &str) -> Value {
        let told = self.door.cli_text(&["user", "show", user, "--output", "json"]);
        serde_json::from_str::<Value>(&told).expect("JSON")["groups"].clone()
    }

    /// The names of all users.
    pub fn users(&self) -> String {
        self.door.cli_text(&["user", "list", "--output", "json"])
    }
}

/// A message out of the query of an address.
pub fn unpacked(address: &str, parameter: &str) -> String {
    let (_, query) = address.split_once('?').unwrap_or_else(|| panic!("no query in {address:?}"));
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{parameter}=")));
    let text = pair.unwrap_or_else(|| panic!("no {parameter} in {address}"));
    let packed = doorward_testkit::encoding::from_base64(&plain(text)).expect("base64");
    String::from_utf8(decompress_to_vec(&packed).expect("deflated")).expect("text")
}

/// Without percent signs.
fn plain(text: &str) -> String {
    text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
}

/// The value of the first attribute of that name.
pub fn attribute(message: &str, name: &str) -> String {
    let found = message.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
    found.unwrap_or_else(|| panic!("no {name} in {message}")).to_owned()
}
