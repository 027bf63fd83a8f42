//! Rules that name many targets: wildcards and patterns.

use super::{fits, regex, wildcard};
use crate::redirect::BadRedirect;

#[test]
fn gauntlet_b2_04_a_wildcard_stands_at_the_end_of_the_path_only() {
    let rule = wildcard("https://good.example.com/sub/*");
    for good in [
        "https://good.example.com/sub/",
        "https://good.example.com/sub/a/b?c=d%2F..",
        "https://good.example.com/sub//a",
    ] {
        assert!(fits(&rule, good), "{good}");
    }
    for bad in ["https://good.example.com/sub", "https://good.example.com/subx", "https://good.example.com/"] {
        assert!(!fits(&rule, bad), "{bad}");
    }
    assert!(
        fits(&wildcard("myapp://host/*"), "myapp://host/cb")
            && fits(&wildcard("http://localhost:3000/*"), "http://localhost:3000/a")
    );
    let cases = [
        ("*", BadRedirect::NotAbsolute),
        ("/*", BadRedirect::NotAbsolute),
        ("https://*", BadRedirect::Host),
        ("https://good.example.com*", BadRedirect::StarPlace),
        ("https://good.example.com:*", BadRedirect::Host),
        ("https://good.example.com:80*", BadRedirect::StarPlace),
        ("https://*.example.com/*", BadRedirect::StarPlace),
        ("https://good.example.com/*/cb", BadRedirect::StarPlace),
        ("https://good.example.com/**", BadRedirect::StarPlace),
        ("https://good.example.com/cb?x=*", BadRedirect::StarPlace),
        ("https://good.example.com//*", BadRedirect::StarPlace),
        ("https://good.example.com/cb", BadRedirect::StarPlace),
        ("https://good.example.com@*", BadRedirect::UserInfo),
        ("https://user@good.example.com/*", BadRedirect::UserInfo),
        ("https://good.example.com/a/../*", BadRedirect::Path),
        ("https://good.example.com/%2*", BadRedirect::BrokenEscape),
        ("com.example.app:/*", BadRedirect::StarPlace),
        ("myapp://*", BadRedirect::StarPlace),
        ("myapp:///*", BadRedirect::StarPlace),
        ("javascript://good.example.com/*", BadRedirect::Scheme),
    ];
    for (bad, why) in cases {
        assert_eq!(wildcard(bad).err(), Some(why), "{bad}");
    }
    let long = format!("https://good.example.com/sub/{}", "a".repeat(2048));
    assert!(!fits(&rule, &long));
}

#[test]
fn gauntlet_b2_04_a_pattern_cannot_leave_its_host() {
    let rule = regex(r"^https://good\.example\.com/t/[a-z]+/cb$");
    assert!(fits(&rule, "https://good.example.com/t/abc/cb"));
    for bad in [
        "https://good.example.com/t/abc/cb/",
        "https://good.example.com/t/ABC/cb",
        "xhttps://good.example.com/t/abc/cb",
    ] {
        assert!(!fits(&rule, bad), "{bad}");
    }
    assert!(fits(&regex(r"https://good\.example\.com:8443/"), "https://good.example.com:8443/"));
    assert!(fits(&regex(r"https?://a\-b\.localhost/cb"), "http://a-b.localhost/cb"));
    assert!(fits(&regex(r"https?://a\-b\.localhost/cb"), "https://a-b.localhost/cb"));
    // An alternative is one of paths, whatever it looks like.
    let split = regex(r"https://good\.example\.com/cb|https://evil.com/.*|.*");
    assert!(fits(&split, "https://good.example.com/cb") && !fits(&split, "https://evil.com/x"));
    let ends = regex(r"https://good\.example\.com/a|b");
    assert!(!fits(&ends, "https://good.example.com/ax") && !fits(&ends, "https://good.example.com/xb"));
    let cases = [
        (r"https://good.example\.com/cb", BadRedirect::PatternDot),
        (r"https://.*", BadRedirect::PatternHost),
        (r"https://.*\.example\.com/cb", BadRedirect::PatternDot),
        (r"https://[a-z]+\.example\.com/cb", BadRedirect::PatternHost),
        (r"https://(a|b)\.example\.com/cb", BadRedirect::PatternHost),
        (r"https://\w\.example\.com/cb", BadRedirect::PatternHost),
        (r"https://good\.example\.com", BadRedirect::PatternHost),
        (r"https://good\.example\.com?/cb", BadRedirect::PatternHost),
        (r"https://good\.example\.com:\d+/cb", BadRedirect::PatternHost),
        (r"https://x@good\.example\.com/cb", BadRedirect::PatternHost),
        (r"https://good\.example\.com\/cb", BadRedirect::PatternHost),
        (r"https://good\.example\.com:x/cb", BadRedirect::Host),
        (r"https:///cb", BadRedirect::Host),
        (r"https://good\.example\.com/?.*", BadRedirect::PatternSlash),
        (r"https://good\.example\.com/*.*", BadRedirect::PatternSlash),
        (r"https://good\.example\.com/+.*", BadRedirect::PatternSlash),
        (r"https://good\.example\.com/{0}.*", BadRedirect::PatternSlash),
        (r"https://good\.example\.com/a)|(?:.*", BadRedirect::PatternBroken),
        (r"https://good\.example\.com/(a", BadRedirect::PatternBroken),
        (r"https://good\.example\.com/a(?x)#", BadRedirect::PatternBroken),
        (r"https://good\.example\.com/\", BadRedirect::PatternBroken),
        (r"https://good\.example\.com/((a{50}){50}){50}", BadRedirect::PatternBroken),
        (r"(?i)https://good\.example\.com/cb", BadRedirect::PatternScheme),
        (r".*", BadRedirect::PatternScheme),
        (r"https*://good\.example\.com/cb", BadRedirect::PatternScheme),
        (r"javascript:.*", BadRedirect::PatternScheme),
        (r"good\.example\.com/cb", BadRedirect::PatternScheme),
        ("https://good\\.example\\.com/a b", BadRedirect::NotPrintable),
        ("https://good\\.example\\.com/\u{e9}", BadRedirect::NotPrintable),
    ];
    for (bad, why) in cases {
        assert_eq!(regex(bad).err(), Some(why), "{bad}");
    }
    let nested = format!("https://good\\.example\\.com/{}a{}", "(".repeat(30), ")".repeat(30));
    assert_eq!(regex(&nested).err(), Some(BadRedirect::PatternBroken));
    let long = format!("https://good\\.example\\.com/{}", "a".repeat(512));
    assert_eq!(regex(&long).err(), Some(BadRedirect::PatternTooLong));
}
