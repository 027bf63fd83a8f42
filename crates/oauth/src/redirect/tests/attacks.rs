//! What strangers present against every kind of rule.

use super::{exact, fits, regex, wildcard};
use crate::redirect::RedirectRule;

/// What a stranger presents to get a code sent elsewhere, for a client at `https://good.example.com/cb…`.
const ATTACKS: [&str; 64] = [
    "https://good.example.com@evil.com",
    "https://good.example.com@evil.com/cb",
    "https://good.example.com/cb@evil.com/../../x",
    "https://user@good.example.com/cb",
    "https://user:word@good.example.com/cb/x",
    "https://a@b@good.example.com/cb",
    "https://good.example.com.evil.com",
    "https://good.example.com.evil.com/cb",
    "https://evil.com/good.example.com/cb",
    "https://evil.com?https://good.example.com/cb",
    "https://evil.com#https://good.example.com/cb",
    "https://evilgood.example.com/cb",
    "https://goodxexample.com/cb/x",
    "https://good.examplexcom/cb/x",
    "https://good.example.com\\@evil.com",
    "https://good.example.com\\@evil.com/cb",
    "https://evil.com\\@good.example.com/cb/x",
    "https:\\\\good.example.com/cb/x",
    "https:/good.example.com/cb/x",
    "https:good.example.com/cb/x",
    "https:///good.example.com/cb/x",
    "//good.example.com/cb/x",
    "/cb/x",
    "http://good.example.com/cb/x",
    "HTTPS://good.example.com/cb/x",
    "https://GOOD.example.com/cb/x",
    "https://good.example.com/CB/x",
    "https://good.example.com./cb/x",
    "https://good.example.com:443/cb/x",
    "https://good.example.com:8443/cb/x",
    "https://good.example.com:/cb/x",
    "https://good.example.com:443@evil.com/cb/x",
    "https://good.example.com/cb/../evil",
    "https://good.example.com/cb/x/../../evil",
    "https://good.example.com/cb/./x",
    "https://good.example.com/cb/..",
    "https://good.example.com/cb/%2e%2e/evil",
    "https://good.example.com/cb/.%2E/evil",
    "https://good.example.com/cb/..;/evil",
    "https://good.example.com/cb/..;x=1/evil",
    "https://good.example.com/cb/%2e%2e;/evil",
    "https://good.example.com/cb/..%2fevil",
    "https://good.example.com/cb/%2fevil",
    "https://good.example.com/cb/%5c..%5cevil",
    "https://good.example.com/cb/%252e%252e/evil",
    "https://good.example.com/cb/%252fevil",
    "https://good.example.com/cb/%c0%ae%c0%ae/evil",
    "https://good.example.com/cb/x#f",
    "https://good.example.com/cb/x\\y",
    "https://good.example.com/cb/x y",
    "https://good.example.com/cb/x\r\nSet-Cookie: a=b",
    "https://good.example.com/cb/x%0d%0aSet-Cookie:%20a=b",
    "https://good.example.com/cb/x?y=%0d%0a",
    "https://good.example.com/cb/x%00",
    "https://good.example.com/cb/x%7f",
    "https://good.example.com/cb/x\t",
    " https://good.example.com/cb/x",
    "https://good.example.com/cb/x ",
    "https://good.example.com/cb/x%2",
    "https://good.example.com/cb/x%zz",
    "https://good.example.com/cb/x\u{e9}",
    "https://good\u{3002}example.com/cb/x",
    "https://good.ex\u{200b}ample.com/cb/x",
    "https://good.example.com\u{ff0f}cb/x",
];

#[test]
fn gauntlet_b2_02_b2_03_b2_04_b2_09_b2_12_redirect_attacks_fit_no_rule() {
    let rules = [
        ("exact", exact("https://good.example.com/cb")),
        ("exact below", exact("https://good.example.com/cb/x")),
        ("wildcard", wildcard("https://good.example.com/cb/*")),
        ("wildcard inside a segment", wildcard("https://good.example.com/cb*")),
        ("regex", regex(r"https://good\.example\.com/cb/.*")),
        ("regex for anything", regex(r"^https://good\.example\.com/(?s-i).*$")),
        ("relative", RedirectRule::parse_relative("/oauth2/callback")),
    ];
    for (name, rule) in &rules {
        assert!(rule.is_ok(), "{name}: {rule:?}");
        for attack in ATTACKS {
            // The pattern for anything behind the host means these two.
            let is_meant = (*name == "regex for anything") && attack.contains("/CB/");
            assert_eq!(fits(rule, attack), is_meant, "{name}: {attack:?}");
        }
    }
}

/// Every combination of tricks, judged by another reader: what a rule takes must lie below the declared
/// address for a browser too.
#[test]
fn gauntlet_b2_04_what_a_rule_takes_a_browser_reads_the_same() {
    let starts = ["https://", "https:/", "https:\\\\", "https:///", "HTTPS://", "http://", "\thttps://", "//"];
    let before = ["", "evil.com@", "evil.com\\@", "evil.com/", "evil.com?", "evil.com#", "evil."];
    let hosts =
        ["good.example.com", "good.example.com.", "GOOD.example.com", "good%2eexample.com", "good\u{ff0e}example.com"];
    let after = [
        "",
        ":443",
        ":8443",
        "@evil.com",
        "\\@evil.com",
        ".evil.com",
        ":443@evil.com",
        "%00.evil.com",
        "\u{3002}evil.com",
    ];
    let paths = ["/cb/", "/CB/", "/cb", "//cb/", "/%63b/", "\\cb/", "/x/../cb/", "/cb/../cb/"];
    let ends = [
        "",
        "x",
        "../evil",
        "%2e%2e/evil",
        "..;/evil",
        "..%2fevil",
        "..\\evil",
        ".\t./evil",
        "%252e%252e/",
        "?/../",
        "#/../",
    ];
    let rules = [wildcard("https://good.example.com/cb/*"), regex(r"https://good\.example\.com/cb/.*")];
    let mut taken = 0;
    for start in starts {
        for (user, host) in before.iter().flat_map(|user| hosts.map(|host| (user, host))) {
            for (more, path) in after.iter().flat_map(|more| paths.map(|path| (more, path))) {
                for presented in ends.map(|end| format!("{start}{user}{host}{more}{path}{end}")) {
                    if !rules.iter().any(|rule| fits(rule, &presented)) {
                        continue;
                    }
                    taken += 1;
                    let read = url::Url::parse(&presented).ok();
                    let is_below = |url: &url::Url| url.as_str().starts_with("https://good.example.com/cb/");
                    assert!(read.as_ref().is_some_and(is_below), "{presented:?}");
                    assert!(!presented.contains("..") || presented.contains('?'), "{presented:?}");
                }
            }
        }
    }
    assert_eq!(taken, 3, "the address itself, one page, one query");
}
