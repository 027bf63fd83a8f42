use super::{AuthorizeRequest, ClaimsRequest, Display, Entry, Prompt, ResponseMode, ResponseType};
use crate::error::ErrorCode;
use crate::form::encode;
use crate::parameters::Parameters;

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    Parameters::parse_query(&encode(pairs)).unwrap_or_default()
}

const BASE: [(&str, &str); 5] = [
    ("client_id", "grafana"),
    ("redirect_uri", "https://grafana.example.com/login/generic_oauth"),
    ("response_type", "code"),
    ("scope", "openid email"),
    ("state", "s t&te"),
];

/// The base request with some parameters added, or replaced when they are of the base.
fn with(more: &[(&str, &str)]) -> Parameters {
    let kept = BASE.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    parameters(&kept.chain(more).copied().collect::<Vec<_>>())
}

fn read(more: &[(&str, &str)]) -> Option<AuthorizeRequest> {
    AuthorizeRequest::parse(&with(more)).ok()
}

fn refused(more: &[(&str, &str)]) -> Option<ErrorCode> {
    AuthorizeRequest::parse(&with(more)).err().map(|refusal| refusal.code())
}

#[test]
fn a_plain_request_is_read() {
    let request = read(&[]);
    assert!(request.as_ref().is_some_and(|request| {
        (request.client_id == "grafana")
            && (request.redirect_uri.as_deref() == Some("https://grafana.example.com/login/generic_oauth"))
            && (request.response_type == ResponseType::Code)
            && (request.response_mode == ResponseMode::Query)
            && !request.is_jarm
            && (request.scopes.to_string() == "openid email")
            && (request.state.as_deref() == Some("s t&te"))
            && request.nonce.is_none()
            && request.prompt.is_empty()
            && request.max_age.is_none()
            && (request.claims == ClaimsRequest::default())
    }));
}

#[test]
fn a_full_request_is_read_and_survives_being_sealed() {
    let thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let request = read(&[
        ("response_type", "id_token code"),
        ("response_mode", "form_post"),
        ("nonce", "n"),
        ("prompt", "login consent login"),
        ("max_age", "0"),
        ("login_hint", "ada@example.com"),
        ("id_token_hint", "e30.e30.x"),
        ("ui_locales", "de-CH  en"),
        ("acr_values", "gold silver"),
        ("kc_idp_hint", "github"),
        ("claims", r#"{"userinfo":{"email":null}}"#),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("resource", "https://api.example.com/v1?x=y"),
        ("resource", "urn:example:api"),
        ("dpop_jkt", thumbprint),
        ("display", "popup"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:abc"),
        ("something_else", "ignored"),
    ]);
    assert!(request.as_ref().is_some_and(|request| {
        (request.response_type == ResponseType::CodeIdToken)
            && (request.response_mode == ResponseMode::FormPost)
            && request.prompt.contains(Prompt::Login)
            && request.prompt.contains(Prompt::Consent)
            && !request.prompt.contains(Prompt::None)
            && (request.max_age == Some(0))
            && (request.ui_locales == ["de-CH", "en"])
            && (request.acr_values == ["gold", "silver"])
            && request.claims.userinfo.contains_key("email")
            && (request.resources == ["https://api.example.com/v1?x=y", "urn:example:api"])
            && (request.dpop_jkt.as_deref() == Some(thumbprint))
            && (request.display == Some(Display::Popup))
    }));
    let sealed = request.as_ref().and_then(|request| serde_json::to_string(request).ok());
    let opened: Option<AuthorizeRequest> = sealed.and_then(|text| serde_json::from_str(&text).ok());
    assert!(opened.is_some() && (opened == request));
}

#[test]
fn what_is_malformed_is_refused_with_its_code() {
    let invalid = ErrorCode::InvalidRequest;
    let long = |bytes: usize| "x".repeat(bytes);
    let words = vec!["w"; 21].join(" ");
    let cases: Vec<(&str, String, ErrorCode)> = vec![
        ("response_type", String::new(), invalid),
        ("response_type", "password".into(), ErrorCode::UnsupportedResponseType),
        ("response_mode", "header".into(), invalid),
        ("scope", "a\tb".into(), ErrorCode::InvalidScope),
        ("state", long(4097), invalid),
        ("nonce", long(1025), invalid),
        ("login_hint", long(257), invalid),
        ("kc_idp_hint", long(257), invalid),
        ("redirect_uri", long(2049), invalid),
        ("client_id", String::new(), invalid),
        ("client_id", long(257), invalid),
        ("client_id", "a\nb".into(), invalid),
        ("prompt", "none login".into(), invalid),
        ("prompt", "login none".into(), invalid),
        ("prompt", "None".into(), invalid),
        ("prompt", "admin_consent".into(), invalid),
        ("max_age", "-1".into(), invalid),
        ("max_age", "+1".into(), invalid),
        ("max_age", "1.5".into(), invalid),
        ("max_age", "4294967296".into(), invalid),
        ("max_age", " 1".into(), invalid),
        ("ui_locales", long(2049), invalid),
        ("acr_values", words, invalid),
        ("claims", "[]".into(), invalid),
        ("code_challenge", long(257), invalid),
        ("code_challenge_method", long(257), invalid),
        ("request_uri", long(2049), invalid),
        ("dpop_jkt", long(42), invalid),
        ("dpop_jkt", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4=".into(), invalid),
        ("resource", "https://a.example/#".into(), ErrorCode::InvalidTarget),
        ("resource", "/relative".into(), ErrorCode::InvalidTarget),
        ("resource", "a.example".into(), ErrorCode::InvalidTarget),
        ("resource", "https://a.example/ b".into(), ErrorCode::InvalidTarget),
        ("resource", "https://a.example\\b".into(), ErrorCode::InvalidTarget),
        ("resource", "https://\u{e9}.example".into(), ErrorCode::InvalidTarget),
        ("resource", format!("https://a.example/{}", long(2048)), ErrorCode::InvalidTarget),
    ];
    for (name, value, code) in &cases {
        assert_eq!(refused(&[(name, value)]), Some(*code), "{name}={}", &value[..value.len().min(40)]);
    }
    assert_eq!(refused(&[("request", "a"), ("request_uri", "b")]), Some(invalid));
    let resources = |count: usize| vec![("resource", "https://a.example/"); count];
    assert!(read(&resources(10)).is_some());
    assert_eq!(refused(&resources(11)), Some(ErrorCode::InvalidTarget));
}

#[test]
fn what_is_at_its_limit_or_harmless_is_taken() {
    let long = |bytes: usize| "x".repeat(bytes);
    for (name, value) in [
        ("state", long(4096)),
        ("nonce", long(1024)),
        ("login_hint", long(256)),
        ("client_id", long(256)),
        ("max_age", "4294967295".into()),
        ("acr_values", vec!["w"; 20].join(" ")),
        ("display", "hologram".into()),
        ("display", "touch".into()),
        ("prompt", "none".into()),
        ("prompt", "select_account create".into()),
        ("prompt", "none none".into()),
        ("prompt", String::new()),
        ("max_age", String::new()),
        ("scope", String::new()),
        ("response_type", "none".into()),
    ] {
        assert!(read(&[(name, &value)]).is_some(), "{name}={}", &value[..value.len().min(40)]);
    }
}

#[test]
fn identity_tokens_through_the_browser_need_a_nonce_and_openid() {
    for known in ResponseType::ALL {
        let word = known.as_str();
        assert_eq!(read(&[("response_type", word)]).is_some(), !known.has_id_token(), "{word} without nonce");
        assert!(read(&[("response_type", word), ("nonce", "n")]).is_some(), "{word} with both");
        let without_openid = read(&[("response_type", word), ("nonce", "n"), ("scope", "email")]);
        assert_eq!(without_openid.is_some(), !known.has_id_token(), "{word} without openid");
        let in_query = read(&[("response_type", word), ("nonce", "n"), ("response_mode", "query")]);
        assert_eq!(in_query.is_some(), !(known.has_id_token() || known.has_token()), "{word} in a query");
    }
}

#[test]
fn gauntlet_b3_26_doubled_parameters_of_an_authorization_request_are_refused() {
    let known = [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "response_mode",
        "nonce",
        "prompt",
        "max_age",
        "login_hint",
        "id_token_hint",
        "ui_locales",
        "acr_values",
        "kc_idp_hint",
        "claims",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
        "dpop_jkt",
        "display",
        "authorization_details",
        "something_else",
    ];
    for name in known {
        let text = format!("{}&{name}=1&{name}=2", encode(&BASE));
        let read = Parameters::parse_query(&text).unwrap_or_default();
        let code = AuthorizeRequest::parse(&read).err().map(|refusal| refusal.code());
        assert_eq!(code, Some(ErrorCode::InvalidRequest), "{name}");
        // Nothing is redirected on the word of one of two.
        let is_of_entry = ["client_id", "redirect_uri", "state"].contains(&name);
        assert_eq!(Entry::parse(&read).is_err(), is_of_entry, "{name}");
    }
}

#[test]
fn gauntlet_b2_08_the_first_stage_reads_what_must_be_known_before_anything_is_redirected() {
    let entry = |more: &[(&str, &str)]| Entry::parse(&with(more));
    assert_eq!(
        entry(&[("prompt", "none login"), ("scope", "\t")]).ok(),
        Some(Entry {
            client_id: "grafana".into(),
            redirect_uri: Some("https://grafana.example.com/login/generic_oauth".into()),
            state: Some("s t&te".into()),
            response_mode: ResponseMode::Query,
            is_jarm: false,
        })
    );
    assert!(entry(&[("redirect_uri", "")]).is_ok_and(|entry| entry.redirect_uri.is_none()));
    for bad in [("client_id", ""), ("client_id", "a\0"), ("client_id", "a\rb")] {
        assert!(Entry::parse(&parameters(&[bad])).is_err(), "{bad:?}");
    }
    let long = "x".repeat(5000);
    assert!(entry(&[("redirect_uri", &long)]).is_err() && entry(&[("state", &long)]).is_err());
}

#[test]
fn gauntlet_b2_07_a_refusal_travels_no_more_openly_than_the_answer_would() {
    let cases = [
        ("code", "", ResponseMode::Query, false),
        ("token", "", ResponseMode::Fragment, false),
        ("token", "query", ResponseMode::Fragment, false),
        ("token", "nonsense", ResponseMode::Fragment, false),
        ("code", "nonsense", ResponseMode::Query, false),
        ("nonsense", "fragment", ResponseMode::Fragment, false),
        ("", "form_post", ResponseMode::FormPost, false),
        ("code", "jwt", ResponseMode::Query, true),
        ("id_token", "jwt", ResponseMode::Fragment, true),
    ];
    for (response_type, mode, wanted, is_jarm) in cases {
        let entry = Entry::parse(&with(&[("response_type", response_type), ("response_mode", mode)])).ok();
        let read = entry.map(|entry| (entry.response_mode, entry.is_jarm));
        assert_eq!(read, Some((wanted, is_jarm)), "{response_type} {mode}");
    }
}
