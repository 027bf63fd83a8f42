//! Client assertions: `ensure-client-assertion-…`.

use super::{Member, PUSH, assertion, fresh, without};
use crate::house::{house, now, refusal, wishes};
use doorward_testkit::http::Answer;
use doorward_tests::clients::tampered;
use serde_json::{Value, json};

fn push_with(member: &Member, own: &[(&'static str, String)]) -> Answer {
    member.call_with(PUSH, &wishes(member.name, &[]), own, &[])
}

type Change = fn(&mut Value, &mut Value);

#[test]
fn fapi2_client_assertions_are_taken_or_refused() {
    let invalid = Some((401, "invalid_client".to_owned()));
    let cases: [(&str, Change, bool); 27] = [
        ("as it should be", |_, _| (), true),
        ("aud a list", |_, claims| claims["aud"] = json!([house().issuer()]), true),
        // FAPI 2 wants the issuer alone; FAPI 1's and Keycloak's clients name the endpoint.
        ("aud the token endpoint", |_, claims| claims["aud"] = json!(house().endpoint("token")), true),
        ("aud the endpoint called", |_, claims| claims["aud"] = json!(house().endpoint(PUSH)), true),
        ("aud another endpoint", |_, claims| claims["aud"] = json!(house().endpoint("auth")), false),
        (
            "aud a list with a stranger",
            |_, claims| claims["aud"] = json!([house().issuer(), "https://x.example"]),
            false,
        ),
        ("aud a stranger", |_, claims| claims["aud"] = json!("https://x.example"), false),
        ("aud the issuer and a slash", |_, claims| claims["aud"] = json!(format!("{}/", house().issuer())), false),
        ("no aud", |_, claims| without(claims, "aud"), false),
        ("no iss", |_, claims| without(claims, "iss"), false),
        ("no sub", |_, claims| without(claims, "sub"), false),
        ("no exp", |_, claims| without(claims, "exp"), false),
        ("no jti", |_, claims| without(claims, "jti"), false),
        ("another iss", |_, claims| claims["iss"] = json!("fapi-two"), false),
        ("another sub", |_, claims| claims["sub"] = json!("fapi-two"), false),
        ("expired 5 minutes ago", |_, claims| claims["exp"] = json!(now() - 300), false),
        ("good for an hour", |_, claims| claims["exp"] = json!(now() + 3600), false),
        ("iat in 8 seconds", |_, claims| claims["iat"] = json!(now() + 8), true),
        ("nbf in 8 seconds", |_, claims| claims["nbf"] = json!(now() + 8), true),
        ("iat in a minute", |_, claims| claims["iat"] = json!(now() + 60), false),
        ("nbf in a minute", |_, claims| claims["nbf"] = json!(now() + 60), false),
        ("no iat and no nbf", |_, claims| ["iat", "nbf"].iter().for_each(|name| without(claims, name)), true),
        ("alg RS256", |header, _| header["alg"] = json!("RS256"), false),
        ("alg none", |header, _| header["alg"] = json!("none"), false),
        ("alg HS256", |header, _| header["alg"] = json!("HS256"), false),
        ("another kid", |header, _| header["kid"] = json!("another"), false),
        ("a key of its own", |header, _| header["jwk"] = house().keys[0].jwk(), false),
    ];
    let member = Member::new("fapi");
    for (name, change, is_good) in cases {
        let answer = push_with(&member, &assertion(member.key, member.name, change));
        let refused = (answer.status != 201).then(|| refusal(&answer));
        assert_eq!(refused, if is_good { None } else { invalid.clone() }, "{name}: {}", answer.text());
    }
}

#[test]
fn fapi2_client_assertions_are_of_the_client_whole_and_used_once() {
    let invalid = (401, "invalid_client".to_owned());
    let (member, other) = (Member::new("fapi"), Member::new("fapi-two"));
    let [kind, good] = assertion(member.key, member.name, |_, claims| claims["jti"] = json!(fresh()));
    let bent = [kind.clone(), (good.0, tampered(&good.1))];
    for own in [&[][..], &bent, &assertion(other.key, member.name, |_, _| ())] {
        assert_eq!(refusal(&push_with(&member, own)), invalid, "{own:?}");
    }
    assert_eq!(
        refusal(&push_with(&member, std::slice::from_ref(&kind))),
        (400, "invalid_request".to_owned()),
        "half of it"
    );
    let unknown = [("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer".to_owned())];
    let answer = push_with(&member, &[&unknown[..], std::slice::from_ref(&good)].concat());
    assert!((400..=401).contains(&answer.status), "{}", answer.text());
    let own = [kind, good];
    assert_eq!(push_with(&member, &own).status, 201);
    assert_eq!(refusal(&push_with(&member, &own)), invalid, "a second time");
    let again = member.call_with("token", &[("grant_type", "client_credentials")], &own, &[]);
    assert_eq!(refusal(&again), invalid, "at another endpoint");
    // Beside it nothing else proves anything.
    let own = assertion(member.key, member.name, |_, _| ());
    let answer =
        member.call_with(PUSH, &[&wishes(member.name, &[])[..], &[("client_secret", "x")]].concat(), &own, &[]);
    assert!((400..=401).contains(&answer.status), "{}", answer.text());
}
