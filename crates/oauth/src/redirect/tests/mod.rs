mod attacks;
mod broad;
mod single;

use super::{BadRedirect, Http, RedirectRule, VerifiedRedirect};

fn exact(text: &str) -> Result<RedirectRule, BadRedirect> {
    RedirectRule::parse_exact(text, Http::LoopbackOnly)
}

fn wildcard(text: &str) -> Result<RedirectRule, BadRedirect> {
    RedirectRule::parse_wildcard(text, Http::LoopbackOnly)
}

fn regex(text: &str) -> Result<RedirectRule, BadRedirect> {
    RedirectRule::parse_regex(text, Http::LoopbackOnly)
}

fn fits(rule: &Result<RedirectRule, BadRedirect>, presented: &str) -> bool {
    rule.as_ref().is_ok_and(|rule| rule.matches(presented))
}

#[test]
fn plain_http_is_taken_where_it_is_allowed_and_named_as_a_risk() {
    let rules = [
        RedirectRule::parse_exact("http://tool.internal:8080/cb", Http::Allowed),
        RedirectRule::parse_wildcard("http://tool.internal:8080/*", Http::Allowed),
        RedirectRule::parse_regex(r"https?://tool\.internal/.*", Http::Allowed),
    ];
    for rule in &rules {
        let risk = rule.as_ref().ok().and_then(RedirectRule::risk);
        assert!(risk.is_some_and(|sentence| sentence.contains("codes travel unencrypted")), "{rule:?}");
        let after = rule.as_ref().ok().and_then(RedirectRule::risk_after_sign_out);
        assert_eq!(after, Some("people are sent there unencrypted after signing out; use https"), "{rule:?}");
    }
    assert_eq!(wildcard("http://tool.internal:8080/*").err(), Some(BadRedirect::PlainHttp));
    for pattern in [r"https?://tool\.internal/.*", r"http://tool\.internal/.*"] {
        assert_eq!(regex(pattern).err(), Some(BadRedirect::PlainHttp), "{pattern}");
    }
    for harmless in [exact("http://x.localhost/cb"), exact("https://a.example/cb"), exact("com.example.app:/cb")] {
        assert!(harmless.is_ok_and(|rule| rule.risk().is_none() && rule.risk_after_sign_out().is_none()));
    }
    for broad in [wildcard("https://a.example/*"), wildcard("http://x.localhost/*"), regex(r"https://a\.example/.*")] {
        let risk = broad.as_ref().ok().and_then(RedirectRule::risk);
        assert!(risk.is_some_and(|sentence| sentence.contains("receives codes")), "{broad:?}");
        let after = broad.as_ref().ok().and_then(RedirectRule::risk_after_sign_out);
        assert!(after.is_some_and(|sentence| !sentence.contains("codes")), "{broad:?}");
    }
}

#[test]
fn rules_are_written_by_kind_and_checked_when_read() {
    let cases = [
        (r#"{"exact":"http://tool.internal/cb"}"#, RedirectRule::parse_exact("http://tool.internal/cb", Http::Allowed)),
        (r#"{"loopback":"http://127.0.0.1/cb"}"#, RedirectRule::parse_loopback("http://127.0.0.1/cb")),
        (r#"{"wildcard":"http://x/*"}"#, RedirectRule::parse_wildcard("http://x/*", Http::Allowed)),
        (r#"{"regex":"https?://x\\.y/.*"}"#, RedirectRule::parse_regex(r"https?://x\.y/.*", Http::Allowed)),
        (r#"{"relative":"/oauth2/callback"}"#, RedirectRule::parse_relative("/oauth2/callback")),
    ];
    for (written, rule) in cases {
        let read: Option<RedirectRule> = serde_json::from_str(written).ok();
        assert_eq!(read, rule.clone().ok(), "{written}");
        assert_eq!(rule.ok().and_then(|rule| serde_json::to_string(&rule).ok()).as_deref(), Some(written));
    }
    for bad in [
        r#"{"exact":"https://x/*"}"#,
        r#"{"exact":"javascript:alert(1)"}"#,
        r#"{"loopback":"http://evil.com/"}"#,
        r#"{"wildcard":"https://*"}"#,
        r#"{"regex":".*"}"#,
        r#"{"relative":"//evil.com"}"#,
        r#"{"prefix":"https://x/"}"#,
        r#""https://x/""#,
    ] {
        assert!(serde_json::from_str::<RedirectRule>(bad).is_err(), "{bad}");
    }
}

#[test]
fn gauntlet_b2_08_a_redirect_is_verified_against_all_rules_or_not_at_all() {
    let rules: Vec<_> =
        [exact("https://a.example/cb"), wildcard("https://b.example/*")].into_iter().flatten().collect();
    let found = |rules: &[RedirectRule], presented| {
        VerifiedRedirect::find(rules, presented).map(|redirect| redirect.as_str().to_owned()).ok()
    };
    assert_eq!(found(&rules, Some("https://b.example/x")).as_deref(), Some("https://b.example/x"));
    assert_eq!(found(&rules, Some("https://a.example/cb")).as_deref(), Some("https://a.example/cb"));
    assert_eq!(found(&rules, Some("https://c.example/cb")), None);
    assert_eq!(found(&[], Some("https://a.example/cb")), None);
    // None presented: only one target may be meant.
    assert_eq!(found(&rules[..1], None).as_deref(), Some("https://a.example/cb"));
    assert_eq!((found(&rules, None), found(&rules[1..], None), found(&[], None)), (None, None, None));
}
