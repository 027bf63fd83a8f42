//! Clients prove who they are over HTTP: a certified relying party by every way it has, certificates by way of
//! a trusted proxy, and the protocol's words for whoever proves nothing.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::dice::Counting;
use doorward_model::id::KeyId;
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::http::{Answer, Request, get, percent};
use doorward_testkit::peers::{RelyingParty, RelyingPartyOptions};
use doorward_testkit::ports::free_port;
use doorward_tests::{sign_in_at, user, with_password};
use serde_json::{Value, json};

use super::{client, issuer, provider, text};

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../../../crates/jose/tests/certificates/", $name, ".pem"))
    };
}

/// A key for ES256 as the relying party wants it, and a file with its public half.
fn key(door: &Door, seed: u64) -> (String, PathBuf) {
    let pkcs8 = SigningKey::generate(Algorithm::Es256).expect("a key");
    let id = KeyId::draw(&Counting::new(seed));
    let key = SigningKey::parse(id.clone(), Algorithm::Es256, &pkcs8).expect("its own key");
    let set = json!({"keys": [key.public_jwk()]}).to_string();
    let file = door.scratch().write(&format!("{id}.json"), &set);
    (format!("{} {id}", STANDARD.encode(&*pkcs8)), file)
}

const GRANTS: [&str; 7] =
    ["--everyone", "--grant", "authorization_code", "--grant", "refresh_token", "--grant", "client_credentials"];

fn party(door: &Door, name: &str, auth: &str, seed: u64) -> RelyingParty {
    let port = free_port();
    let secret = if auth == "private_key_jwt" {
        let (secret, file) = key(door, seed);
        let file = file.display().to_string();
        let more = ["--authentication", auth, "--jwks", &file];
        let none = client(door, name, port, &[&GRANTS[..], &more[..]].concat());
        assert_eq!(none, "", "a client with a key of its own gets no secret");
        secret
    } else {
        client(door, name, port, &[&GRANTS[..], &["--authentication", auth][..]].concat())
    };
    let issuer = issuer(door);
    let scope = "openid profile";
    RelyingParty::start(&RelyingPartyOptions { port, issuer: &issuer, client_id: name, secret: (&secret, auth), scope })
}

#[test]
fn a_certified_relying_party_proves_itself_by_assertions_at_every_endpoint() {
    let door = provider();
    for (seed, auth) in [(1, "private_key_jwt"), (2, "secret_jwt")] {
        let party = party(&door, &format!("tool-{seed}"), auth, seed);
        let (_, answer, url) = sign_in_at(&party.url("/login"), "alice");
        assert_eq!(answer.status, 200, "{auth} {url}: {}", answer.text());
        assert_eq!(text(&answer.json(), "/claims/preferred_username"), "alice");
        for page in ["/refresh", "/introspect", "/machine", "/revoke"] {
            let (status, told) = party.page(page);
            assert_eq!(status, 200, "{auth} {page}: {told:#}");
        }
        let (status, over) = party.page("/refresh");
        assert_eq!((status, text(&over, "/error")), (500, "invalid_grant"), "{over:#}");
    }
    // Another key under the same name proves nothing.
    let port = free_port();
    let (wrong, _) = key(&door, 1);
    let issuer = issuer(&door);
    let secret = (wrong.as_str(), "private_key_jwt");
    let impostor = RelyingParty::start(&RelyingPartyOptions {
        port,
        issuer: &issuer,
        client_id: "tool-1",
        secret,
        scope: "openid",
    });
    let (status, told) = impostor.page("/machine");
    assert_eq!((status, text(&told, "/code")), (500, "OAUTH_WWW_AUTHENTICATE_CHALLENGE"), "{told:#}");
    assert!(
        door.cli_text(&["events", "--output", "json"]).contains("client tool-1: its assertion: the token's signature")
    );
}

/// A door behind a proxy at loopback that hands certificates on; or one that trusts another address.
fn behind(proxy: &str) -> Door {
    let port = free_port();
    let public_url = Some(format!("http://localhost:{port}"));
    let scratch = doorward_testkit::scratch::Scratch::new("door");
    let authorities = scratch.write("authorities.pem", pem!("ca")).display().to_string();
    let arguments =
        ["--client-certificate-header", "ssl-client-cert", "--client-certificate-authorities", &authorities];
    let options = DoorOptions {
        port,
        public_url,
        trust_proxy: Some(proxy.to_owned()),
        arguments: arguments.map(str::to_owned).to_vec(),
        ..DoorOptions::serve()
    };
    let door = Door::start_in(scratch, with_password(options));
    user(&door, "alice");
    door
}

const SUBJECT: &str = r"CN=loader, OU=loads, O=Example\, Data, C=DE";

fn machine(door: &Door, name: &str, more: &[&str]) -> Value {
    let arguments = [&["client", "create", name, "--service", "--output", "json"][..], more].concat();
    serde_json::from_str(&door.cli_text(&arguments)).expect("JSON")
}

fn token(door: &Door, form: &[(&str, &str)], certificates: &[&str]) -> Answer {
    let url = format!("{}/protocol/openid-connect/token", issuer(door));
    let request = Request::new("POST", &url).form(&[&[("grant_type", "client_credentials")][..], form].concat());
    let with = |request: Request, pem: &&str| request.header("ssl-client-cert", percent(pem));
    certificates.iter().fold(request, with).send()
}

#[test]
fn certificates_count_when_a_trusted_proxy_hands_them_on() {
    let (door, elsewhere) = (behind("127.0.0.1/32"), behind("127.0.0.2/32"));
    for door in [&door, &elsewhere] {
        let told = machine(door, "loader", &["--authentication", "tls_subject", "--tls-subject", SUBJECT]);
        assert_eq!(told.get("client_secret"), None);
    }
    let id = [("client_id", "loader")];
    let refused = |answer: &Answer| {
        assert_eq!((answer.status, text(&answer.json(), "/error")), (401, "invalid_client"), "{}", answer.text());
    };
    let good = token(&door, &id, &[pem!("loader")]);
    assert_eq!(good.status, 200, "{}", good.text());
    refused(&token(&door, &id, &[]));
    refused(&token(&door, &id, &[pem!("stranger")]));
    refused(&token(&door, &id, &[pem!("other")]));
    refused(&token(&door, &id, &[pem!("loader"), pem!("loader")]));
    refused(&token(&door, &id, &["-----BEGIN CERTIFICATE-----"]));
    // The same header from somebody who is no trusted proxy does not exist.
    refused(&token(&elsewhere, &id, &[pem!("loader")]));
    let told = get(&format!("{}/.well-known/openid-configuration", issuer(&door))).json();
    for endpoint in ["token", "introspection", "revocation"] {
        let methods = told.get(format!("{endpoint}_endpoint_auth_methods_supported"));
        let wanted = [
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "none",
            "self_signed_tls_client_auth",
            "tls_client_auth",
        ];
        // Public clients are not told what a token is worth.
        let wanted: Vec<_> = wanted.into_iter().filter(|way| *way != "none" || endpoint != "introspection").collect();
        assert_eq!(methods, Some(&json!(wanted)), "{endpoint}");
    }
    assert_eq!(told.get("tls_client_certificate_bound_access_tokens"), Some(&json!(true)));
    assert_eq!(told.get("mtls_endpoint_aliases"), None);
}

#[test]
fn a_token_bound_to_a_certificate_is_good_beside_it_alone() {
    let door = behind("127.0.0.1/32");
    let port = 9;
    let secret = client(&door, "tool", port, &[&GRANTS[..], &["--certificate-bound"][..]].concat());
    let form = [("client_id", "tool"), ("client_secret", secret.as_str())];
    let unbound = token(&door, &form, &[]);
    assert_eq!((unbound.status, text(&unbound.json(), "/error")), (400, "invalid_request"), "{}", unbound.text());
    let given = token(&door, &form, &[pem!("self")]);
    assert_eq!(given.status, 200, "{}", given.text());
    let told = given.json();
    let access = text(&told, "/access_token");
    let url = |path: &str| format!("{}/protocol/openid-connect/{path}", issuer(&door));
    let looked_up =
        Request::new("POST", &url("token/introspect")).form(&[&form[..], &[("token", access)][..]].concat());
    let looked_up = looked_up.send().json();
    assert_eq!(looked_up.get("active"), Some(&json!(true)), "{looked_up:#}");
    assert_eq!(text(&looked_up, "/cnf/x5t#S256"), "LAQ85GKlM9A-GLV1LMfZl4DuhBA1DDwBgmm0bD1As1c");
    // Without openid the endpoint answers 403: that far only the bound certificate comes.
    let userinfo = |pems: &[&str]| {
        let request = Request::new("GET", &url("userinfo")).header("Authorization", format!("Bearer {access}"));
        pems.iter().fold(request, |request, pem| request.header("ssl-client-cert", percent(pem))).send().status
    };
    assert_eq!(userinfo(&[pem!("self")]), 403);
    for pems in [&[][..], &[pem!("again")], &[pem!("loader")]] {
        assert_eq!(userinfo(pems), 401);
    }
}

#[test]
fn gauntlet_b3_01_codes_belong_to_their_client_whatever_way_it_proves_itself() {
    let door = behind("127.0.0.1/32");
    let (_, keys) = key(&door, 5);
    let keys = keys.display().to_string();
    let mut own = door.scratch().path().to_owned();
    own.push("self.json");
    let set = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AKWNLI0Acp8Ui0yr1mttWEMBrk9OGfx3OwqhPSI9DXo",
                               "y": "IqDze0etf1kxozKliTZMR__AHDviRgo7glx7GaM5zF0"}]});
    door.scratch().write("self.json", &set.to_string());
    let own = own.display().to_string();
    // Parties that come by a code each, in their own way.
    let first = party(&door, "first", "secret_jwt", 7);
    let (_, answer, _) = sign_in_at(&first.url("/login"), "alice");
    let told = answer.json();
    let refresh = text(&told, "/tokens/refresh_token").to_owned();
    let access = text(&told, "/tokens/access_token").to_owned();
    let others = [
        ("by-secret", vec![]),
        ("by-subject", vec!["--authentication", "tls_subject", "--tls-subject", SUBJECT]),
        ("by-certificate", vec!["--authentication", "tls_self_signed", "--jwks", &own]),
    ];
    for (name, more) in others {
        let secret = client(&door, name, 9, &[&GRANTS[..], &more[..]].concat());
        let pem = if name == "by-subject" { pem!("loader") } else { pem!("self") };
        let mut form = vec![("client_id", name)];
        if name == "by-secret" {
            form.push(("client_secret", secret.as_str()));
        }
        assert_eq!(token(&door, &form, &[pem]).status, 200, "{name} proves itself");
        form.extend([("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())]);
        let url = format!("{}/protocol/openid-connect/token", issuer(&door));
        let answer = Request::new("POST", &url).header("ssl-client-cert", percent(pem)).form(&form).send();
        assert_eq!((answer.status, text(&answer.json(), "/error")), (400, "invalid_grant"), "{name}");
    }
    let thief = party(&door, "thief", "private_key_jwt", 8);
    let (status, machine) = thief.page("/machine");
    assert_eq!(status, 200, "{machine:#}");
    // Nothing of it was used up or ended.
    let bearer = format!("Bearer {access}");
    let userinfo = format!("{}/protocol/openid-connect/userinfo", issuer(&door));
    assert_eq!(Request::new("GET", &userinfo).header("Authorization", &bearer).send().status, 200);
    assert_eq!(first.page("/refresh").0, 200);
    // What cannot be is refused when it is declared.
    for (arguments, told) in [
        (["--authentication", "private_key_jwt", "--title", "x"].as_slice(), "needs the client's public keys"),
        (&["--authentication", "tls_subject"], "needs the subject"),
        (&["--authentication", "tls_subject", "--tls-subject", "loader"], "TYPE=VALUE"),
        (&["--public", "--authentication", "private_key_jwt", "--jwks", &keys], "a public client proves nothing"),
        (&["--authentication", "magic"], "magic"),
    ] {
        let callback = ["client", "create", "wrong", "--everyone", "--redirect-uri", "https://x.example/cb"];
        let output = door.cli(&[&callback[..], arguments].concat());
        let complained = doorward_tests::complaint(&output);
        assert!(!output.status.success() && complained.contains(told), "{arguments:?}: {complained}");
    }
}

#[test]
fn gauntlet_b3_17_wrong_proofs_get_one_answer_and_many_wrong_secrets_a_pause() {
    let door = provider();
    let secret = client(&door, "grafana", 9, &["--everyone"]);
    let url = format!("{}/protocol/openid-connect/token", issuer(&door));
    let send = |name: &str, more: &[(&str, &str)]| {
        let form = [&[("grant_type", "authorization_code"), ("code", "x"), ("client_id", name)][..], more].concat();
        Request::new("POST", &url).form(&form).send()
    };
    let wrong = [("client_secret", "wrong")];
    let (known, unknown) = (send("grafana", &wrong), send("nobody", &wrong));
    assert_eq!((known.status, known.text()), (unknown.status, unknown.text()));
    assert_eq!((known.status, known.header("www-authenticate").is_some()), (401, true));
    for name in ["grafana", "nobody"] {
        let last = (0..25).map(|_| send(name, &wrong)).find(|answer| answer.status == 429).expect("a pause");
        let seconds: i64 = last.header("retry-after").and_then(|text| text.parse().ok()).expect("a number");
        assert!((1..=300).contains(&seconds), "{seconds}");
        assert_eq!(text(&last.json(), "/error"), "temporarily_unavailable");
    }
    assert_eq!(send("grafana", &[("client_secret", &secret)]).status, 429, "the network waits, right or wrong");
    // Forms that are no proof at all say what is wrong with them.
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    for (assertion, told) in [("x", "three parts"), ("eyJhbGciOiJub25lIn0.e30.x", "not signed")] {
        let answer = send("other", &[kind, ("client_assertion", assertion)]);
        assert_eq!((answer.status, text(&answer.json(), "/error")), (401, "invalid_client"));
        assert!(text(&answer.json(), "/error_description").contains(told), "{}", answer.text());
    }
}
