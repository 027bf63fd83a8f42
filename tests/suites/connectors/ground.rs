//! A door with a tool behind it, and a company's identity provider to sign in with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::peers::{UPSTREAM_CLIENT, Upstream};
use doorward_testkit::ports::free_port;
use doorward_tests::{page_request, with_password};
use serde_json::{Value, json};

/// The people of the company, by the names they sign in with there.
pub fn people() -> Value {
    json!({
        "ada": person("company-1", "ada", &["dagster-users", "everybody"]),
        "bob": person("company-2", "bob", &["everybody"]),
    })
}

/// What the company says of somebody.
pub fn person(sub: &str, name: &str, groups: &[&str]) -> Value {
    json!({
        "sub": sub, "preferred_username": name, "name": format!("{name} of the company"),
        "email": format!("{name}@example.com"), "email_verified": true, "groups": groups,
    })
}

/// Everything at its place.
pub struct Ground {
    /// Doorward.
    pub door: Door,
    /// The company.
    pub company: Upstream,
    /// The tool, for members of `dagster-users`.
    pub tool: Echo,
}

impl Ground {
    /// With a connector `company`, told these words more.
    pub fn new(words: &[&str]) -> Ground {
        Ground::as_client(&Value::Null, words)
    }

    /// As [`Ground::new`], where the company has registered Doorward with these words more.
    pub fn as_client(client: &Value, words: &[&str]) -> Ground {
        Ground::around((client, Vec::new()), words)
    }

    /// The same, with more in the server's environment.
    pub fn around((client, environment): (&Value, Vec<(String, String)>), words: &[&str]) -> Ground {
        let port = free_port();
        let company = Upstream::start_for(
            client,
            &format!("http://doorward.localhost:{port}/realms/main/broker/company/endpoint"),
            &people(),
        );
        let tool = Echo::start();
        let mut options = with_password(DoorOptions { port, ..DoorOptions::up() });
        let protect = format!("tool={}", tool.url());
        options.arguments = ["--protect", &protect, "--allow", "dagster-users", "--outbound-allow", "127.0.0.1"]
            .map(str::to_owned)
            .to_vec();
        options.environment.push(("COMPANY_SECRET".to_owned(), UPSTREAM_CLIENT.1.to_owned()));
        options.environment.extend(environment);
        // Commands call providers too.
        options.environment.push(("DOORWARD_OUTBOUND_ALLOW".to_owned(), "127.0.0.1".to_owned()));
        let ground = Ground { door: Door::start(options), company, tool };
        ground.connect("company", words);
        ground
    }

    /// Connects the company once more, under another name.
    pub fn connect(&self, name: &str, words: &[&str]) {
        let issuer = self.company.url("");
        let usual = ["connector", "add", "oidc", name, "--issuer", &issuer, "--client-id", UPSTREAM_CLIENT.0];
        let usual = [&usual[..], &["--client-secret-ref", "env:COMPANY_SECRET", "--scopes", "profile,email,groups"]];
        self.door.cli_text(&[&usual.concat()[..], words].concat());
    }

    /// Where the tool is.
    pub fn tool_url(&self, path: &str) -> String {
        format!("{}{path}", self.door.url_as("tool.localhost"))
    }

    /// Goes to the tool, chooses the company on the sign-in page and stops at its own page.
    pub fn leave(&self, jar: &mut Jar) -> Hop {
        let page = visit(jar, &self.tool_url("/runs?x=1"));
        self.choose(jar, &page, "company")
    }

    /// Chooses a provider on a sign-in page.
    pub fn choose(&self, jar: &mut Jar, page: &Hop, name: &str) -> Hop {
        let html = page.answer.text();
        let marker = format!("/broker/{name}/login?flow=");
        let at = html.find(&marker).unwrap_or_else(|| panic!("no way to {name} in\n{html}"));
        let start = html[..at].rfind('"').expect("a quote") + 1;
        let link = html[start..].split('"').next().expect("a link").replace("&#38;", "&").replace("&amp;", "&");
        visit(jar, &Address::parse(&page.url).join(&link))
    }

    /// Says at the company who one is, and goes wherever that leads.
    pub fn say_who(&self, jar: &mut Jar, page: &Hop, name: &str) -> Hop {
        assert!(page.url.starts_with(&self.company.url("/")), "{} {}", page.url, page.answer.text());
        let form = Request::new("POST", &page.url).header("Accept", "text/html").form(&[("name", name)]);
        jar.follow(form).pop().expect("a hop")
    }

    /// As [`Ground::say_who`], but stops before Doorward is told: where the browser would be sent.
    pub fn bring_back(&self, jar: &mut Jar, page: &Hop, name: &str) -> String {
        self.bring_back_to(jar, page, (name, "/broker/"))
    }

    /// As [`Ground::bring_back`], to a place whose path has this in it.
    pub fn bring_back_to(&self, jar: &mut Jar, page: &Hop, (name, place): (&str, &str)) -> String {
        let mut answer =
            jar.send(Request::new("POST", &page.url).header("Accept", "text/html").form(&[("name", name)]));
        let mut at = page.url.clone();
        loop {
            at = Address::parse(&at).join(answer.location());
            if at.contains(place) {
                return at;
            }
            answer = jar.send(page_request(&at));
        }
    }

    /// The whole way, from the tool's address to wherever it ends.
    pub fn come(&self, name: &str) -> (Jar, Hop) {
        let mut jar = Jar::new();
        let page = self.leave(&mut jar);
        let end = self.say_who(&mut jar, &page, name);
        (jar, end)
    }

    /// The groups of a user.
    pub fn groups(&self, user: &str) -> Value {
        let told = self.door.cli_text(&["user", "show", user, "--output", "json"]);
        serde_json::from_str::<Value>(&told).expect("JSON")["groups"].clone()
    }

    /// The reasons of refused sign-ins, newest first.
    pub fn refusals(&self) -> String {
        self.door.cli_text(&["events", "--kind", "sign_in_refused", "--output", "json"])
    }
}

/// Opens a page as a browser would, and follows wherever it leads.
pub fn visit(jar: &mut Jar, url: &str) -> Hop {
    jar.follow(page_request(url)).pop().expect("a hop")
}

/// What a token claims; its signature is others' business.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a token");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}
