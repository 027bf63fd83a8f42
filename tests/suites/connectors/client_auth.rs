//! How Doorward proves itself at the company's token endpoint: by keys of its own, or by signing with its secret.

use crate::ground::{Ground, people, visit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::certificate::Certificate;
use doorward_jose::key::SigningKey;
use doorward_jose::self_signed;
use doorward_model::dice::Counting;
use doorward_model::id::KeyId;
use doorward_model::time::Timestamp;
use doorward_testkit::http::Request;
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{UPSTREAM_CLIENT, Upstream};
use doorward_testkit::process::wait_until;
use serde_json::{Value, json};
use std::time::Duration;

struct OwnKey {
    pem: String,
    jwk: Value,
    id: String,
}

fn own_key(algorithm: Algorithm, seed: u64) -> OwnKey {
    let made = SigningKey::generate(algorithm).expect("a key");
    let id = KeyId::draw(&Counting::new(seed));
    let parsed = SigningKey::parse(id.clone(), algorithm, &made).expect("the key");
    OwnKey { pem: pem("PRIVATE KEY", &STANDARD.encode(made.as_slice())), jwk: parsed.public_jwk(), id: id.to_string() }
}

fn pem(kind: &str, body: &str) -> String {
    format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n")
}

/// What the company registers.
fn client(algorithm: &str, keys: &[&Value]) -> Value {
    json!({
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": algorithm,
        "client_secret": null, "jwks": {"keys": keys},
    })
}

fn update(ground: &Ground, words: &[String]) {
    let words: Vec<&str> = words.iter().flat_map(|word| ["--set", word.as_str()]).collect();
    ground.door.cli_text(&[&["connector", "update", "company"], &words[..]].concat());
}

fn kept(ground: &Ground, name: &str, text: &str) -> String {
    let file = ground.door.scratch().join(name);
    std::fs::write(&file, text).expect("a file");
    format!("file:{}", file.display())
}

#[test]
fn a_key_of_doorwards_own_proves_it_whenever_the_company_is_asked() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256] {
        let key = own_key(algorithm, 1);
        let ground = Ground::as_client(&client(algorithm.as_str(), &[&key.jwk]), &["--refresh-every", "5"]);
        assert_eq!(ground.come("ada").1.answer.status, 502, "by its former secret nobody comes in");
        let place = kept(&ground, "key.pem", &key.pem);
        update(
            &ground,
            &[
                "oidc.client_auth=private_key_jwt".to_owned(),
                format!("oidc.assertion.algorithm={algorithm}"),
                format!("oidc.assertion.key_id={}", key.id),
                format!("oidc.secret_from={place}"),
            ],
        );
        let (mut jar, end) = ground.come("ada");
        assert_eq!(end.answer.status, 200, "{algorithm} {}", end.answer.text());
        // It is asked again with the same kind of proof.
        wait_until("the company is asked again", Duration::from_secs(25), || ground.company.proofs().len() >= 3);
        assert_eq!(visit(&mut jar, &ground.tool_url("/x")).answer.status, 200);
        let proofs = ground.company.proofs();
        let issuer = ground.company.url("");
        for proof in &proofs {
            let (header, claims) = (&proof["header"], &proof["claims"]);
            assert_eq!(header, &json!({"alg": algorithm.as_str(), "typ": "JWT", "kid": key.id}));
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!(UPSTREAM_CLIENT.0), &json!(UPSTREAM_CLIENT.0)));
            assert_eq!(claims["aud"], json!(issuer), "the issuer that was declared");
            assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(60));
        }
        let mut ids: Vec<&str> = proofs.iter().filter_map(|proof| proof["claims"]["jti"].as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), proofs.len(), "each is another one");
        assert!(ids.iter().all(|id| id.len() >= 22), "{ids:?}");
        // Somebody else's key, and something that is none, prove nothing; the file is read at every use.
        for (text, asks) in [(own_key(algorithm, 2).pem, true), ("hunter2".to_owned(), false)] {
            kept(&ground, "key.pem", &text);
            let before = ground.company.asked("token");
            assert_eq!(ground.come("bob").1.answer.status, 502);
            assert_eq!(ground.company.asked("token") > before, asks, "{text}");
        }
    }
}

#[test]
fn a_key_may_be_sealed_here_and_a_secret_may_sign() {
    let key = own_key(Algorithm::Es256, 3);
    let ground = Ground::as_client(&client("ES256", &[&key.jwk]), &[]);
    let set =
        ["connector", "update", "company", "--set", "oidc.client_auth=private_key_jwt", "--unset", "oidc.secret_from"];
    let ran = ground.door.cli_reading(&[&set[..], &["--secret-stdin"]].concat(), &key.pem);
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(ground.come("ada").1.answer.status, 200);
    let shown = ground.door.cli_text(&["connector", "show", "company", "--output", "json"]);
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    let signing = json!({"token_endpoint_auth_method": "client_secret_jwt"});
    let ground = Ground::as_client(&signing, &["--client-auth", "client_secret_jwt"]);
    let (_, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let [proof] = &ground.company.proofs()[..] else { panic!("one proof") };
    assert_eq!(proof["header"], json!({"alg": "HS256", "typ": "JWT"}));
    let posting = json!({"token_endpoint_auth_method": "client_secret_post"});
    let ground = Ground::as_client(&posting, &["--client-auth", "client_secret_post"]);
    assert_eq!(ground.come("ada").1.answer.status, 200);
}

#[test]
fn a_provider_that_knows_keys_by_certificates_is_told_which() {
    let made = self_signed::make("doorward.example.com", Timestamp::from_millis(1_800_000_000_000)).expect("a key");
    let (key, certificate) = made.split_once(' ').expect("a key and its certificate");
    let (key, certificate) = (pem("PRIVATE KEY", key), pem("CERTIFICATE", certificate));
    let read = Certificate::parse_pem(certificate.as_bytes()).expect("a certificate");
    let jwk = jwk_of(&key);
    let ground = Ground::new(&[]);
    let uri = format!("{}/realms/main/broker/entra/endpoint", ground.door.url());
    const TENANT: &str = "11111111-1111-4111-8111-111111111111";
    let mut said = people();
    said["ada"]["tid"] = json!(TENANT);
    said["ada"]["oid"] = json!("00000000-0000-4000-8000-000000000001");
    let entra = Upstream::start_whole(("entra", &client("PS256", &[&jwk])), &uri, &said);
    let (issuer, key) = (entra.url(&format!("/{TENANT}/v2.0")), kept(&ground, "key.pem", &key));
    let certificate = kept(&ground, "certificate.pem", &certificate);
    let words = ["connector", "add", "entra", "entra", "--tenant", &issuer, "--client-id", UPSTREAM_CLIENT.0];
    let more = ["--client-auth", "private_key_jwt", "--client-secret-ref", &key, "--certificate-ref", &certificate];
    ground.door.cli_text(&[&words[..], &more, &["--key-algorithm", "PS256"]].concat());
    let come = || {
        let mut jar = Jar::new();
        let page = visit(&mut jar, &ground.tool_url("/x"));
        let page = ground.choose(&mut jar, &page, "entra");
        let form = Request::new("POST", &page.url).header("Accept", "text/html").form(&[("name", "ada")]);
        jar.follow(form).pop().expect("a hop")
    };
    let end = come();
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let [proof] = &entra.proofs()[..] else { panic!("one proof") };
    assert_eq!(proof["header"], json!({"alg": "PS256", "typ": "JWT", "x5t#S256": read.thumbprint()}));
    assert_eq!(proof["claims"]["aud"], json!(entra.url(&format!("/{TENANT}/oauth2/v2.0/token"))));
    assert_eq!(proof["claims"]["nbf"], proof["claims"]["iat"]);
    // A certificate of another key is found out before anybody is asked.
    let other = self_signed::make("doorward.example.com", Timestamp::from_millis(1_800_000_000_000)).expect("a key");
    kept(&ground, "certificate.pem", &pem("CERTIFICATE", other.split_once(' ').expect("both").1));
    let before = entra.asked("token");
    assert_eq!(come().answer.status, 502);
    assert_eq!(entra.asked("token"), before);
}

/// The public half of an RSA key in PEM.
fn jwk_of(pem: &str) -> Value {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).expect("base64");
    SigningKey::parse(KeyId::draw(&Counting::new(4)), Algorithm::Ps256, &der).expect("a key").public_jwk()
}
