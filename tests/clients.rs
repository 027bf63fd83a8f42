//! A door with people in groups, clients declared in files, and tokens got as a program would get them.

use crate::{sign_in_at, user, with_password};
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Answer, Request, percent};
use doorward_testkit::ports::free_port;
use serde_json::Value;

/// alice is in `data-engineers`, which is in `data`; bob is in `sales`. Programs with their own resolver find the door.
pub fn door() -> Door {
    let port = free_port();
    let public_url = Some(format!("http://localhost:{port}"));
    let door = Door::start(with_password(DoorOptions { port, public_url, ..DoorOptions::serve() }));
    for (group, person) in [("data-engineers", "alice"), ("sales", "bob")] {
        user(&door, person);
        door.cli_text(&["group", "create", group]);
        door.cli_text(&["group", "add-member", group, person]);
    }
    door.cli_text(&["group", "create", "data"]);
    door.cli_text(&["group", "nest", "data", "data-engineers"]);
    door
}

/// Issuer of the realm `main`.
pub fn issuer(door: &Door) -> String {
    issuer_of(door, "main")
}

/// Issuer of a realm.
pub fn issuer_of(door: &Door, realm: &str) -> String {
    format!("{}/realms/{realm}", door.url())
}

/// Where a realm's keys are.
pub fn jwks(door: &Door, realm: &str) -> String {
    format!("{}/protocol/openid-connect/certs", issuer_of(door, realm))
}

/// Puts people into further groups, made where they do not exist yet.
pub fn join(door: &Door, person: &str, groups: &[&str]) {
    for group in groups {
        door.cli(&["group", "create", group]);
        door.cli_text(&["group", "add-member", group, person]);
    }
}

/// Declares one client of the realm `main` and gives its secret. `keys` are the lines after kind and name.
pub fn declare(door: &Door, name: &str, keys: &str) -> String {
    declare_in(door, "main", name, keys)
}

/// As [`declare`] in another realm.
pub fn declare_in(door: &Door, realm: &str, name: &str, keys: &str) -> String {
    let text = format!("kind: Client\nname: {name}\nrealm: {realm}\n{keys}\n");
    let file = door.scratch().write(&format!("{realm}-{name}.yaml"), &text);
    let secrets = door.scratch().join("secrets");
    let (file, directory) = (file.display().to_string(), secrets.display().to_string());
    door.cli_text(&["apply", "-f", &file, "--secrets-dir", &directory]);
    std::fs::read_to_string(secrets.join(format!("{realm}-{name}.secret"))).unwrap_or_default()
}

/// A confidential client that gets tokens for people by the code flow; its callback is nobody's page.
pub struct Program<'d> {
    door: &'d Door,
    callback: Echo,
    realm: String,
    name: String,
    secret: String,
}

impl<'d> Program<'d> {
    /// Declares one for everybody in the realm `main`; `keys` are further lines of its declaration.
    pub fn declare(door: &'d Door, name: &str, keys: &str) -> Program<'d> {
        Program::declare_in(door, "main", name, keys)
    }

    /// As [`Program::declare`] in another realm.
    pub fn declare_in(door: &'d Door, realm: &str, name: &str, keys: &str) -> Program<'d> {
        let callback = Echo::start();
        let rules =
            format!("redirect_uris: ['{}/callback']\neveryone: true\npkce_optional: true\n{keys}", callback.url());
        let secret = declare_in(door, realm, name, &rules);
        Program { door, callback, realm: realm.to_owned(), name: name.to_owned(), secret }
    }

    /// Its secret.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Where codes are sent.
    pub fn redirect_uri(&self) -> String {
        format!("{}/callback", self.callback.url())
    }

    /// What the token endpoint says after somebody has signed in.
    pub fn tokens(&self, person: &str) -> Value {
        let base = format!("{}/protocol/openid-connect", issuer_of(self.door, &self.realm));
        let redirect_uri = self.redirect_uri();
        let (id, back) = (percent(&self.name), percent(&redirect_uri));
        let url = format!("{base}/auth?response_type=code&client_id={id}&redirect_uri={back}&scope=openid&state=s");
        let (_, _, at) = sign_in_at(&url, person);
        let code = code_in(&at);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("client_id", self.name.as_str()),
            ("client_secret", self.secret.as_str()),
        ];
        let answer = Request::new("POST", &format!("{base}/token")).form(&form).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// A person's access token.
    pub fn access_token(&self, person: &str) -> String {
        text(&self.tokens(person), "/access_token").to_owned()
    }

    /// A person's ID token.
    pub fn id_token(&self, person: &str) -> String {
        text(&self.tokens(person), "/id_token").to_owned()
    }
}

/// The code in the address a browser was sent to.
pub fn code_in(url: &str) -> String {
    let (_, query) = url.split_once('?').unwrap_or_else(|| panic!("no code in {url}"));
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
    code.unwrap_or_else(|| panic!("no code in {url}")).to_owned()
}

/// A text somewhere in JSON.
pub fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path} in {value:#}"))
}

/// The same token with another first letter of its signature.
pub fn tampered(token: &str) -> String {
    let (head, signature) = token.rsplit_once('.').expect("a JWT has three parts");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{head}.{first}{}", signature.get(1..).unwrap_or_default())
}

/// Asks as the bearer of a token.
pub fn ask(url: &str, token: &str) -> Answer {
    Request::new("GET", url).header("Authorization", format!("Bearer {token}")).send()
}
