//! Rules that name one target: exact, loopback, relative.

use super::{exact, fits};
use crate::redirect::{BadRedirect, RedirectRule};

#[test]
fn gauntlet_b2_09_an_exact_rule_is_compared_byte_by_byte() {
    let rule = exact("https://good.example.com/cb");
    assert!(fits(&rule, "https://good.example.com/cb"));
    for near in [
        "https://good.example.com/cb/",
        "https://good.example.com/cb?",
        "https://good.example.com/cb?x=1",
        "https://good.example.com/cb#",
        "https://good.example.com/c%62",
        "https://good.example.com/CB",
        "https://good.example.com//cb",
        "https://good.example.com/cb\0",
        "https://good.example.com/c",
        "",
    ] {
        assert!(!fits(&rule, near), "{near:?}");
    }
    let with_query = exact("https://good.example.com/cb?tenant=a");
    assert!(fits(&with_query, "https://good.example.com/cb?tenant=a"));
    assert!(
        !fits(&with_query, "https://good.example.com/cb") && !fits(&with_query, "https://good.example.com/cb?tenant=b")
    );
}

#[test]
fn exact_rules_are_absolute_and_have_one_reading() {
    for good in [
        "https://app.example.com/callback",
        "https://app.example.com",
        "https://App.example.com:8443/a/b?c=d&e=%2F",
        "https://[2001:db8::1]/cb",
        "https://10.0.0.1/cb",
        "https://xn--bcher-kva.example/cb",
        "http://localhost/cb",
        "http://localhost:3000/cb",
        "http://dagster.localhost:8080/cb",
        "http://127.0.0.1/cb",
        "http://127.8.8.8:1/cb",
        "http://[::1]:5000/cb",
        "com.example.app:/cb",
        "com.example.app:cb",
        "com.example.app:/cb?x=y",
        "myapp://cb",
        "myapp://cb/deeper",
        "my-app+1:///cb",
        "https://app.example.com/api/auth/callback/doorward;v=1",
    ] {
        assert!(fits(&exact(good), good), "{good}: {:?}", exact(good));
    }
    let cases = [
        ("", BadRedirect::NotAbsolute),
        ("/cb", BadRedirect::NotAbsolute),
        ("app.example.com/cb", BadRedirect::NotAbsolute),
        ("//app.example.com/cb", BadRedirect::NotAbsolute),
        ("1app:/cb", BadRedirect::NotAbsolute),
        ("my_app:/cb", BadRedirect::NotAbsolute),
        ("myapp:", BadRedirect::NotAbsolute),
        ("HTTPS://app.example.com/cb", BadRedirect::UpperCaseScheme),
        ("JavaScript:alert(1)", BadRedirect::UpperCaseScheme),
        ("javascript:alert(1)", BadRedirect::Scheme),
        ("javascript://app.example.com/%250aalert(1)", BadRedirect::Scheme),
        ("data:text/html,x", BadRedirect::Scheme),
        ("vbscript:x", BadRedirect::Scheme),
        ("file:///etc/passwd", BadRedirect::Scheme),
        ("blob:https://app.example.com/x", BadRedirect::Scheme),
        ("about:blank", BadRedirect::Scheme),
        ("view-source:https://app.example.com", BadRedirect::Scheme),
        ("urn:ietf:wg:oauth:2.0:oob", BadRedirect::Scheme),
        ("http://app.example.com/cb", BadRedirect::PlainHttp),
        ("http://localhost.evil.com/cb", BadRedirect::PlainHttp),
        ("http://evillocalhost/cb", BadRedirect::PlainHttp),
        ("http://127.0.0.1.evil.com/cb", BadRedirect::PlainHttp),
        ("http://128.0.0.1/cb", BadRedirect::PlainHttp),
        ("https:/app.example.com/cb", BadRedirect::Host),
        ("https:app.example.com", BadRedirect::Host),
        ("https:///cb", BadRedirect::Host),
        ("https://", BadRedirect::Host),
        ("https://app.example.com./cb", BadRedirect::Host),
        ("https://app..example.com/cb", BadRedirect::Host),
        ("https://app.example.com:/cb", BadRedirect::Host),
        ("https://app.example.com:99999/cb", BadRedirect::Host),
        ("https://app.example.com:a/cb", BadRedirect::Host),
        ("https://app%2eexample.com/cb", BadRedirect::Host),
        ("https://0x7f.1/cb", BadRedirect::Host),
        ("https://2130706433/cb", BadRedirect::Host),
        ("https://[0:0::1]/cb", BadRedirect::Host),
        ("https://xn--/cb", BadRedirect::Host),
        ("myapp://a b/cb", BadRedirect::NotPrintable),
        ("myapp://[::1]/cb", BadRedirect::Host),
        ("myapp://a:b/cb", BadRedirect::Host),
        ("https://user@app.example.com/cb", BadRedirect::UserInfo),
        ("https://@app.example.com/cb", BadRedirect::UserInfo),
        ("myapp://user@cb", BadRedirect::UserInfo),
        ("https://app.example.com/cb#", BadRedirect::Fragment),
        ("https://app.example.com/cb#x", BadRedirect::Fragment),
        ("https://app.example.com\\cb", BadRedirect::Backslash),
        ("https://app.example.com/c b", BadRedirect::NotPrintable),
        ("https://app.example.com/cb\n", BadRedirect::NotPrintable),
        ("https://app.example.com/\u{e9}", BadRedirect::NotPrintable),
        ("https://b\u{fc}cher.example/cb", BadRedirect::NotPrintable),
        ("https://app.example.com/\x7f", BadRedirect::NotPrintable),
        ("https://app.example.com/<x>", BadRedirect::NotUri),
        ("https://app.example.com/{tenant}/cb", BadRedirect::NotUri),
        ("https://app.example.com/a[b]", BadRedirect::NotUri),
        ("https://app.example.com/%", BadRedirect::BrokenEscape),
        ("https://app.example.com/?x=%f", BadRedirect::BrokenEscape),
        ("https://app.example.com/?x=%ff", BadRedirect::BrokenEscape),
        ("https://app.example.com/?x=%0a", BadRedirect::EncodedControl),
        ("https://app.example.com/a/../b", BadRedirect::Path),
        ("https://app.example.com/a%2fb", BadRedirect::Path),
        ("com.example.app:../cb", BadRedirect::Path),
        ("https://app.example.com/*", BadRedirect::Star),
        ("https://*.example.com/cb", BadRedirect::Star),
    ];
    for (bad, why) in cases {
        assert_eq!(exact(bad).err(), Some(why), "{bad:?}");
    }
    let long = |length: usize| format!("https://app.example.com/{}", "a".repeat(length - 24));
    assert!(exact(&long(2048)).is_ok());
    assert_eq!(exact(&long(2049)).err(), Some(BadRedirect::TooLong));
}

#[test]
fn a_loopback_rule_takes_any_port_and_nothing_else() {
    let rule = RedirectRule::parse_loopback("http://127.0.0.1/cb");
    for good in ["http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", "http://127.0.0.1:1/cb"] {
        assert!(fits(&rule, good), "{good}");
    }
    for bad in [
        "http://localhost:51004/cb",
        "http://[::1]:51004/cb",
        "https://127.0.0.1:51004/cb",
        "http://127.0.0.2:51004/cb",
        "http://127.1:51004/cb",
        "http://127.0.0.1:51004/cb/",
        "http://127.0.0.1:51004/cb?x",
        "http://127.0.0.1:51004/",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:1@evil.com/cb",
        "http://127.0.0.1.evil.com:1/cb",
        "http://x@127.0.0.1:1/cb",
        "http://127.0.0.1:1/x/../cb",
        "http://127.0.0.1:1/cb#x",
    ] {
        assert!(!fits(&rule, bad), "{bad}");
    }
    assert!(fits(&RedirectRule::parse_loopback("http://localhost:9/cb"), "http://localhost:10/cb"));
    assert!(fits(&RedirectRule::parse_loopback("http://[::1]/cb?a=b"), "http://[::1]:10/cb?a=b"));
    for bad in ["https://127.0.0.1/cb", "http://127.0.0.2/cb", "http://x.localhost/cb", "http://a.example/cb", "lo:/cb"]
    {
        assert_eq!(RedirectRule::parse_loopback(bad).err(), Some(BadRedirect::NotLoopback), "{bad}");
    }
    assert_eq!(RedirectRule::parse_loopback("http://127.0.0.1/*").err(), Some(BadRedirect::Star));
}

#[test]
fn a_relative_rule_is_one_plain_path() {
    let rule = RedirectRule::parse_relative("/oauth2/callback");
    assert!(fits(&rule, "/oauth2/callback"));
    for bad in
        ["/oauth2/callback/", "/oauth2/callback?x", "https://x/oauth2/callback", "oauth2/callback", "//oauth2/callback"]
    {
        assert!(!fits(&rule, bad), "{bad}");
    }
    for bad in
        ["", "oauth2", "//evil.com", "/\\evil.com", "/a//b", "/a/../b", "/a%2fb", "/a?b", "/a#b", "/a b", "/a*", "/a;b"]
    {
        assert_eq!(RedirectRule::parse_relative(bad).err(), Some(BadRedirect::NotRelative), "{bad}");
    }
    let long = format!("/{}", "a".repeat(2048));
    assert_eq!(RedirectRule::parse_relative(&long).err(), Some(BadRedirect::NotRelative));
}
