//! Certificates, and that a client is proved in the declared way alone.

use super::path_of;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_engine::clients::authenticate::{Proof, Shown};
use doorward_engine::clients::{Authentication, Authorities, Certificate, ClientKind, ClientSettings, GrantType};
use serde_json::{Value, json};

use super::{Pen, TOKEN, by_secret, claims, es256, machine, made, proves, shown};
use crate::fixture::{Ground, Node};

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../../../../crates/jose/tests/certificates/", $name, ".pem"))
    };
}

async fn a_client_is_proved_in_the_declared_way_and_in_no_other(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let pen = Pen::new(&node, "one");
    let own = certificate(&[pem!("self")]);
    let declared = [
        ("secret", ClientSettings { authentication: Authentication::Secret, ..machine() }),
        ("secret-jwt", ClientSettings { authentication: Authentication::SecretJwt, ..machine() }),
        ("key", ClientSettings { authentication: Authentication::PrivateKeyJwt, jwks: pen.jwks(), ..machine() }),
        (
            "certificate",
            ClientSettings {
                authentication: Authentication::TlsSelfSigned,
                jwks: certified(pem!("self")),
                ..machine()
            },
        ),
        (
            "public",
            ClientSettings {
                kind: ClientKind::Public,
                grants: vec![GrantType::DeviceCode],
                ..ClientSettings::default()
            },
        ),
    ];
    for (name, settings) in declared {
        let (_, clear) = made(&node, &realm, name, settings).await;
        let guess = if clear.is_empty() { "dwc_0123456789012345678901234567890123456789012" } else { &clear };
        let (by_hmac, by_key) = (
            by_secret(guess.as_bytes(), &claims(&node, name, "hmac")),
            pen.sign(&es256("one"), &claims(&node, name, "key")),
        );
        for (way, proof, certificate) in [
            ("secret", Proof::Secret(guess), None),
            ("secret-jwt", Proof::Assertion(&by_hmac), None),
            ("key", Proof::Assertion(&by_key), None),
            ("certificate", Proof::None, Some(&own)),
            ("public", Proof::None, None),
        ] {
            // A public client's connection may have a certificate; it proves nothing, and nothing is asked.
            let fits = way == name || (name == "public" && way == "certificate");
            let told = shown(
                &node,
                &realm,
                "192.0.2.1",
                Shown { client_id: Some(name), proof, certificate, path: path_of(TOKEN) },
            );
            assert_eq!(told.await, if fits { "good" } else { "unproved" }, "declared {name}, came with {way}");
        }
    }
    // Two at once is not the declared way either.
    let told = Shown {
        client_id: Some("certificate"),
        proof: Proof::Secret("x"),
        certificate: Some(&own),
        path: path_of(TOKEN),
    };
    assert_eq!(shown(&node, &realm, "192.0.2.1", told).await, "unproved");
}

fn certificate(pems: &[&str]) -> Certificate {
    Certificate::parse(pems.iter().map(|pem| der(pem)).collect()).expect("a certificate")
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).expect("base64")
}

/// The key of `self.pem`, with the certificate it is to stand for.
fn certified(pem: &str) -> Option<Value> {
    let mut key = self_key();
    key["x5c"] = json!([STANDARD.encode(der(pem))]);
    Some(json!({"keys": [key]}))
}

fn self_key() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": "AKWNLI0Acp8Ui0yr1mttWEMBrk9OGfx3OwqhPSI9DXo",
           "y": "IqDze0etf1kxozKliTZMR__AHDviRgo7glx7GaM5zF0"})
}

async fn a_certificate_is_the_declared_one_vouched_for_and_in_its_time(ground: Ground) {
    let authorities = Authorities::parse_pem(pem!("ca").as_bytes()).expect("an authority");
    let node = ground.node_with(|settings| settings.client_authorities = Some(authorities)).await;
    let lone = ground.node().await;
    let realm = node.realm("main").await;
    let subject = ClientSettings {
        authentication: Authentication::TlsSubject,
        tls_subject: r"cn=loader, ou=loads, o=Example\, Data, c=DE".to_owned(),
        ..machine()
    };
    made(&node, &realm, "subject", subject).await;
    let by_key = |jwks| ClientSettings { authentication: Authentication::TlsSelfSigned, jwks, ..machine() };
    made(&node, &realm, "key", by_key(Some(json!({"keys": [self_key()]})))).await;
    made(&node, &realm, "exact", by_key(certified(pem!("self")))).await;
    let told = async |node: &Node, name: &str, pems: &[&str]| {
        let certificate = certificate(pems);
        let told =
            Shown { client_id: Some(name), proof: Proof::None, certificate: Some(&certificate), path: path_of(TOKEN) };
        shown(node, &realm, "192.0.2.1", told).await
    };
    for (name, pems, wanted) in [
        ("subject", [pem!("loader")].as_slice(), "good"),
        ("subject", &[pem!("deep"), pem!("inter")], "good"),
        ("subject", &[pem!("deep")], "unproved"),
        ("subject", &[pem!("stranger")], "unproved"),
        ("subject", &[pem!("other")], "unproved"),
        ("subject", &[pem!("server")], "unproved"),
        ("subject", &[pem!("ended")], "unproved"),
        ("subject", &[pem!("self")], "unproved"),
        ("key", &[pem!("self")], "good"),
        ("key", &[pem!("again")], "good"),
        ("key", &[pem!("loader")], "unproved"),
        ("key", &[pem!("rsa")], "unproved"),
        ("key", &[pem!("p384")], "unproved"),
        ("exact", &[pem!("self")], "good"),
        ("exact", &[pem!("again")], "unproved"),
    ] {
        assert_eq!(told(&node, name, pems).await, wanted, "{name}: {}", &pems[0][40..80]);
    }
    // Nobody vouches where no authority is set.
    lone.follow().await;
    assert_eq!(told(&lone, "subject", &[pem!("loader")]).await, "unproved");
    assert_eq!(told(&lone, "key", &[pem!("self")]).await, "good");
    assert_eq!(proves(&node, &realm, Some("key"), Proof::None).await, "unproved", "no certificate at all");
    // 2126 and later.
    ground.world.advance_seconds(100 * 366 * 86_400);
    assert_eq!(told(&node, "key", &[pem!("self")]).await, "unproved");
}

on_both!(together:
    a_client_is_proved_in_the_declared_way_and_in_no_other,
    a_certificate_is_the_declared_one_vouched_for_and_in_its_time,
);
