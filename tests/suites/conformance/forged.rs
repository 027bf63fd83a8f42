//! Classes of forged tokens (those of Wycheproof's `json_web_signature` and `json_web_key`, which no package has) at
//! every endpoint that takes a token of ours. The sentences for each are the business of the crate `jose`.

use crate::house::{Browser, House, house, query, text};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_testkit::http::{Request, get};
use doorward_tests::proof::Holder;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token in its parts.
struct Parts {
    header: Value,
    head: String,
    claims: String,
    signature: String,
}

impl Parts {
    fn of(token: &str) -> Parts {
        let parts: Vec<&str> = token.split('.').collect();
        let header = URL_SAFE_NO_PAD.decode(parts[0]).expect("base64url");
        let header = serde_json::from_slice(&header).expect("JSON");
        Parts { header, head: parts[0].to_owned(), claims: parts[1].to_owned(), signature: parts[2].to_owned() }
    }

    /// The same claims and signature below a header with members changed.
    fn below(&self, changes: Value) -> String {
        format!("{}.{}.{}", b64(self.changed(changes)), self.claims, self.signature)
    }

    fn changed(&self, changes: Value) -> String {
        let mut header = self.header.clone();
        header.as_object_mut().expect("members").extend(changes.as_object().cloned().unwrap_or_default());
        header.to_string()
    }

    /// The same claims signed with HS256 and a secret that everybody knows.
    fn with_secret(&self, secret: &[u8]) -> String {
        let signed = format!("{}.{}", b64(self.changed(json!({"alg": "HS256"}))), self.claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        format!("{signed}.{}", b64(tag))
    }

    /// The same claims signed with somebody's own key on P-256.
    fn with_key(&self, holder: &Holder, changes: Value) -> String {
        let header: Value = serde_json::from_str(&self.changed(changes)).expect("JSON");
        let claims = URL_SAFE_NO_PAD.decode(&self.claims).expect("base64url");
        holder.sign(&header, &serde_json::from_slice(&claims).expect("JSON"))
    }
}

/// The key that made a token, as it is published.
fn published(house: &House, header: &Value) -> Value {
    let set = get(&house.endpoint("certs")).json();
    let keys = set["keys"].as_array().cloned().unwrap_or_default();
    keys.into_iter().find(|key| key["kid"] == header["kid"]).expect("its key")
}

fn forgeries(house: &House, token: &str) -> Vec<(String, String)> {
    let parts = Parts::of(token);
    let Parts { header, head, claims, signature } = &parts;
    let (key, mallory) = (published(house, header), Holder::default());
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, token: String| all.push((name.to_owned(), token));
    for none in ["none", "None", "NONE", "nOnE"] {
        add(none, format!("{}.{claims}.", b64(parts.changed(json!({"alg": none})))));
        add(none, parts.below(json!({"alg": none})));
    }
    for alg in [json!(null), json!(""), json!(["RS256"]), json!("RS384"), json!("PS256"), json!("ES256"), json!("RS1")]
    {
        add(&format!("alg {alg}"), parts.below(json!({"alg": alg})));
    }
    add("no alg", format!("{}.{claims}.{signature}", b64(json!({"kid": header["kid"]}).to_string())));
    let doubled = format!(r#"{{"alg":"none",{}"#, &header.to_string()[1..]);
    add("alg twice", format!("{}.{claims}.{signature}", b64(doubled)));
    // The public key in every form in which it could pass for a shared secret.
    let der = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap_or_default()).expect("a modulus");
    let lines = STANDARD.encode(&der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n");
    for secret in [key.to_string().into_bytes(), der, pem.into_bytes(), Vec::new(), key["n"].to_string().into_bytes()] {
        add("the public key as a secret", parts.with_secret(&secret));
    }
    for (name, changes) in [
        ("another's key", json!({"alg": "ES256"})),
        ("another's key in jwk", json!({"alg": "ES256", "jwk": mallory.jwk()})),
        ("another's key by jku", json!({"alg": "ES256", "jku": format!("{}/keys", house.tool.url())})),
        ("another's key by x5u", json!({"alg": "ES256", "x5u": format!("{}/keys", house.tool.url())})),
        ("kid a path", json!({"alg": "ES256", "kid": "../../../../dev/null"})),
        ("no kid", json!({"alg": "ES256", "kid": null})),
    ] {
        add(name, parts.with_key(&mallory, changes));
    }
    for (name, changes) in
        [("crit", json!({"crit": ["exp"]})), ("b64", json!({"b64": false})), ("zip", json!({"zip": "DEF"}))]
    {
        add(name, parts.below(changes));
    }
    let zeros = |count: usize| b64(vec![0; count]);
    for (name, signature) in
        [("zeros", zeros(256)), ("zeros of ECDSA", zeros(64)), ("DER of zeros", b64([48, 6, 2, 1, 0, 2, 1, 0]))]
    {
        add(name, format!("{head}.{claims}.{signature}"));
    }
    add("zeros of ECDSA, said so", format!("{}.{claims}.{}", b64(parts.changed(json!({"alg": "ES256"}))), zeros(64)));
    for (name, token) in [
        ("no signature", format!("{head}.{claims}.")),
        ("two parts", format!("{head}.{claims}")),
        ("four parts", format!("{token}.{signature}")),
        ("five parts", format!("{token}.{claims}.{signature}")),
        ("no claims", format!("{head}..{signature}")),
        ("padded", format!("{token}=")),
        ("a line break", format!("{head}.{claims}\u{b}.{signature}")),
        ("JSON", json!({"payload": claims, "protected": head, "signature": signature}).to_string()),
        ("a token in a token", format!("{}.{}.{signature}", b64(parts.changed(json!({"cty": "JWT"}))), b64(token))),
    ] {
        add(name, token);
    }
    all
}

#[test]
fn jose_forged_tokens_open_nothing_anywhere() {
    let house = house();
    let mut browser = Browser::default();
    let end = browser.visit(&house.request("plain", &[]));
    let tokens = house.redeem("plain", end.code()).json();
    let (access, id_token) = (text(&tokens, "/access_token"), text(&tokens, "/id_token"));
    let is_active = |token: &str| {
        let form = [("token", token), ("client_id", "plain"), ("client_secret", house.secret("plain"))];
        Request::new("POST", &house.endpoint("token/introspect")).form(&form).send().json()["active"] == json!(true)
    };
    let shown = |token: &str| Request::new("POST", &house.endpoint("userinfo")).form(&[("access_token", token)]).send();
    assert!(is_active(access) && shown(access).status == 200);
    // An ID token is no access token.
    assert!(!is_active(id_token) && shown(id_token).status == 401);
    for (name, token) in forgeries(house, access) {
        assert!(!is_active(&token), "{name}: {token}");
        assert!((400..=401).contains(&shown(&token).status), "{name}: {token}");
    }
    let bye = "http://127.0.0.1:9/bye";
    for (name, token) in forgeries(house, id_token) {
        let wishes = [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", bye)];
        let end = browser.open(&format!("{}?{}", house.endpoint("logout"), query(&wishes)));
        assert_eq!((end.answer.status, end.sent.len()), (400, 0), "{name}: {}", end.url);
        let quiet = [("prompt", "none"), ("id_token_hint", token.as_str())];
        let end = browser.open(&house.request("plain", &quiet));
        assert_ne!(end.told("error"), "", "{name}: {}", end.url);
    }
    assert!(house.tool.seen().iter().all(|seen| seen.path != "/keys"), "a key was fetched");
    assert!(is_active(access), "nobody was signed out");
}

/// Encrypted tokens in five parts, each asking whoever opens it for much work: nothing here opens any.
fn encrypted(access: &str) -> Vec<(&'static str, String)> {
    let deflated = vec![0u8; 1024];
    let (salt, tag) = (b64([7; 16]), b64([0; 16]));
    let five = |header: Value, key: usize, body: &[u8]| {
        format!("{}.{}.{}.{}.{tag}", b64(header.to_string()), b64(vec![1; key]), b64([0; 12]), b64(body))
    };
    let derived = |count: u64| json!({"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2s": salt, "p2c": count});
    vec![
        ("PBES2 with 2^31 rounds", five(derived(1 << 31), 40, b"x")),
        ("PBES2 with 2^53 rounds", five(derived(1 << 53), 40, b"x")),
        ("PBES2 with few", five(derived(1000), 40, b"x")),
        ("RSA1_5", five(json!({"alg": "RSA1_5", "enc": "A128CBC-HS256", "cty": "JWT"}), 256, access.as_bytes())),
        ("RSA-OAEP", five(json!({"alg": "RSA-OAEP", "enc": "A256GCM", "cty": "JWT"}), 256, access.as_bytes())),
        ("dir", five(json!({"alg": "dir", "enc": "A256GCM"}), 0, access.as_bytes())),
        ("ECDH-ES", five(json!({"alg": "ECDH-ES", "enc": "A256GCM", "epk": {"kty": "EC"}}), 0, b"x")),
        ("deflated", five(json!({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}), 0, &deflated)),
        ("derived and deflated", {
            let mut header = derived(1 << 31);
            header["zip"] = json!("DEF");
            five(header, 40, &deflated)
        }),
        (
            "in JSON",
            json!({"protected": b64(derived(1 << 31).to_string()), "ciphertext": "AA", "tag": tag}).to_string(),
        ),
    ]
}

#[test]
fn gauntlet_b5_12_b5_15_encrypted_and_compressed_tokens_are_refused_before_any_work() {
    let house = house();
    let mut browser = Browser::default();
    let end = browser.visit(&house.request("plain", &[]));
    let access = text(&house.redeem("plain", end.code()).json(), "/access_token").to_owned();
    let parts = Parts::of(&access);
    let mut all = encrypted(&access);
    // The same words in the header of a token that is only signed.
    for words in [
        json!({"zip": "DEF"}),
        json!({"p2c": 1u64 << 31, "p2s": "AA"}),
        json!({"alg": "RSA1_5"}),
        json!({"enc": "A256GCM"}),
    ] {
        all.push(("said by a signed one", parts.below(words)));
    }
    let secret = house.secret("plain");
    let post = |path: &str, form: &[(&str, &str)]| {
        let begun = Instant::now();
        let answer = Request::new("POST", &house.endpoint(path)).form(form).send();
        (answer, begun.elapsed())
    };
    let mut slowest = Duration::ZERO;
    for (name, token) in &all {
        let token = token.as_str();
        let assertion = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", token),
        ];
        let looked_up = [("token", token), ("client_id", "plain"), ("client_secret", secret)];
        let exchanged = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("client_id", "plain"),
            ("client_secret", secret),
        ];
        let (answer, took) = post("token", &assertion);
        assert!((400..=401).contains(&answer.status), "{name}: {}", answer.text());
        slowest = slowest.max(took);
        let (answer, took) = post("token/introspect", &looked_up);
        assert_eq!(answer.json(), json!({"active": false}), "{name}");
        slowest = slowest.max(took);
        let (answer, took) = post("token", &exchanged);
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        slowest = slowest.max(took);
        let (answer, took) = post("userinfo", &[("access_token", token)]);
        assert!((400..=401).contains(&answer.status), "{name}: {}", answer.text());
        slowest = slowest.max(took);
        let begun = Instant::now();
        let end = browser.open(&house.request("plain", &[("request", token)]));
        let is_refused = end.answer.status == 400 || !end.told("error").is_empty();
        assert!(is_refused && end.told("code").is_empty(), "{name}: {} {}", end.answer.status, end.url);
        slowest = slowest.max(begun.elapsed());
    }
    // 2^31 rounds would take minutes; what was measured is a refusal on a busy machine.
    println!("the slowest refusal took {slowest:.1?}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    // Nothing says that encryption could be had, and no key is published or taken for it.
    let metadata = get(&format!("{}/.well-known/openid-configuration", house.issuer())).json();
    let promised: Vec<&String> =
        metadata.as_object().expect("members").keys().filter(|name| name.contains("encryption")).collect();
    assert!(promised.is_empty(), "{promised:?}");
    let keys = get(&house.endpoint("certs")).json();
    let keys = keys["keys"].as_array().cloned().unwrap_or_default();
    assert!(!keys.is_empty() && keys.iter().all(|key| key["use"] == json!("sig") && key["alg"] != json!("RSA1_5")));
}
