//! Given flags and a file: what holds, or the sentence.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::Config;
use super::file::Written;
use crate::arguments::{Common, ListenFlags};
use std::path::PathBuf;

fn common() -> Common {
    Common { data: Some(PathBuf::from("/data")), ..Common::default() }
}

fn load(text: &str, flags: &ListenFlags) -> Result<Config, String> {
    let written = Written::parse("s.yaml", text).map_err(|exit| exit.sentence)?;
    Config::from_written(&common(), flags, &written).map_err(|exit| exit.sentence)
}

fn refused(text: &str) -> String {
    load(text, &ListenFlags::default()).unwrap_err()
}

#[test]
fn an_empty_file_gives_the_usual_settings() {
    for text in ["", "# nothing\n", "{}"] {
        let config = load(text, &ListenFlags::default()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.settings.public.to_string(), "http://doorward.localhost:8080");
        assert_eq!(config.settings.realm.as_str(), "main");
        assert_eq!(config.settings.database_grace_seconds, 300);
        assert_eq!(config.database, doorward_store::store::Database::Sqlite(PathBuf::from("/data/doorward.db")));
    }
}

#[test]
fn flags_override_the_file() {
    let text = "listen: 127.0.0.1:9000\ngrpc_listen: none\ntrusted_proxies: [10.0.0.0/8, 192.0.2.1]\n\
                sessions:\n  idle_seconds: 120\n";
    let config = load(text, &ListenFlags::default()).unwrap();
    assert_eq!((config.listen.port(), config.grpc_listen), (9000, None));
    assert_eq!(config.settings.public.to_string(), "http://doorward.localhost:9000");
    assert!(config.trusted.contains("192.0.2.1".parse().unwrap()));
    assert_eq!(config.settings.sessions.idle_seconds, 120);
    let flags = ListenFlags { listen: Some("[::1]:7000".to_owned()), ..ListenFlags::default() };
    assert_eq!(load(text, &flags).unwrap().listen.to_string(), "[::1]:7000");
}

#[test]
fn complaints_name_the_line_and_what_to_write() {
    assert_eq!(
        refused("listen: here\n"),
        "s.yaml:1:9: `here` is not an address to listen at: write IP:PORT, such as 127.0.0.1:8080 or [::1]:8080"
    );
    let unknown = refused("realm: main\nlissen: 127.0.0.1:1\n");
    assert!(unknown.starts_with("s.yaml:2:1: there is no setting `lissen`: the settings are data, "), "{unknown}");
    let unknown = refused("sessions:\n  idle: 3\n");
    assert!(
        unknown.starts_with("s.yaml:2:3: there is no setting `idle`: the settings are idle_seconds, "),
        "{unknown}"
    );
    let wrong = refused("database_grace_seconds: soon\n");
    assert!(wrong.starts_with("s.yaml:1:25: "), "{wrong}");
    assert_eq!(refused("trusted_proxies: 10.0.0.1\n"), "s.yaml:1:18: a list belongs here: write [one, two]");
    assert!(refused("listen: [1]\n").starts_with("s.yaml:1:9: "), "{}", refused("listen: [1]\n"));
    assert!(refused("a: [\n").starts_with("s.yaml:"), "{}", refused("a: [\n"));
    assert_eq!(refused("realm: a\nrealm: b\n"), "s.yaml:2:1: `realm` stands twice: keep one of them");
    assert_eq!(refused("sessions: {idle_seconds: 5}"), "s.yaml:1:26: 5 seconds is out of range: write 60 to 31622400");
}

#[test]
fn keys_follow_one_another_in_times_that_fit() {
    let times = |text: &str| load(text, &ListenFlags::default()).unwrap().settings.keys;
    let usual = times("");
    assert_eq!((usual.rotate_seconds, usual.announce_seconds), (90 * 86_400, 3600));
    let given = times("keys: {rotate_seconds: 604800, announce_seconds: 300}");
    assert_eq!((given.rotate_seconds, given.announce_seconds), (604_800, 300));
    assert_eq!(times("keys: {rotate_seconds: 0}").rotate_seconds, 0);
    assert_eq!(refused("keys: {announce_seconds: 60}"), "s.yaml:1:26: 60 seconds is out of range: write 300 to 172800");
    assert!(refused("keys: {rotate_seconds: 3600}").contains("write 259200 to "));
}

#[test]
fn nobody_can_trust_everybody() {
    let how = "name the networks of your own proxies only, IPv4 at most /8, IPv6 at most /16";
    let sentence = format!("0.0.0.0/0 means that everybody's headers are believed: {how}");
    assert_eq!(refused("trusted_proxies: [0.0.0.0/0]\n"), format!("s.yaml:1:19: {sentence}"));
    let flags = ListenFlags { trust_proxy: vec!["0.0.0.0/0".to_owned()], ..ListenFlags::default() };
    assert_eq!(load("", &flags).unwrap_err(), format!("--trust-proxy: {sentence}"));
    for wide in ["10.0.0.0/7", "fc00::/7", "2000::/15"] {
        let what = "is far too wide to hold proxies only, and everybody in it would be believed";
        assert_eq!(refused(&format!("trusted_proxies: ['{wide}']\n")), format!("s.yaml:1:19: {wide} {what}: {how}"));
    }
    for narrow in ["10.0.0.0/8", "2001::/16", "192.0.2.1", "::1"] {
        assert!(load(&format!("trusted_proxies: ['{narrow}']\n"), &ListenFlags::default()).is_ok(), "{narrow}");
    }
}

#[test]
fn a_cookie_domain_is_no_top_level_domain() {
    for domain in ["com", "localhost"] {
        let text = format!("public_url: https://door.{domain}\ncookie_domain: {domain}\n");
        assert_eq!(
            refused(&text),
            format!(
                "s.yaml:2:16: `{domain}` is a whole top-level domain, for which browsers keep no cookies: write a \
                 domain of your own, such as example.com"
            )
        );
    }
}

#[test]
fn the_main_listener_cannot_be_switched_off() {
    assert_eq!(refused("listen: none\n"), "s.yaml:1:9: Doorward cannot do without this listener: write IP:PORT");
}

#[test]
fn the_cookie_domain_holds_the_public_host() {
    let text = "public_url: https://door.example.com\ncookie_domain: example.org\n";
    assert_eq!(
        refused(text),
        "s.yaml:2:16: Doorward's own host door.example.com does not lie in the cookie domain example.org: choose a \
         domain that holds it, or change the public address"
    );
    assert!(refused("public_url: https://doorexample.com\ncookie_domain: example.com\n").contains("does not lie"));
    let fits = load("public_url: https://door.example.com\ncookie_domain: .example.com\n", &ListenFlags::default());
    assert_eq!(fits.unwrap().settings.shared_domain.unwrap().as_str(), "example.com");
}

#[test]
fn a_database_is_sqlite_or_postgresql_and_a_password_is_not_repeated() {
    let sentence = refused("database: mysql://u:secret@h/d\n");
    assert_eq!(
        sentence,
        "s.yaml:1:11: the database is of no known kind: write sqlite:PATH or postgres://USER@HOST/NAME"
    );
    for several in
        ["postgres://u:se,cret@a,b/d", "postgres://u:s@a:1,b:2/d", "postgres://u@a/d?sslmode=require&host=a%2Cb"]
    {
        assert_eq!(
            refused(&format!("database: {several}\n")),
            "s.yaml:1:11: the database URL names several hosts: name one, the primary's, or an address that always \
             leads to it"
        );
    }
    assert!(load("database: postgres://u:se,cret@a/d?application_name=x,y\n", &ListenFlags::default()).is_ok());
}

#[test]
fn certificates_are_taken_from_a_named_header_of_a_named_proxy() {
    let trusting = "trusted_proxies: [10.0.0.1]\n";
    let config =
        load(&format!("{trusting}client_certificate_header: SSL-Client-Cert\n"), &ListenFlags::default()).unwrap();
    assert!(config.trusted.takes_certificates() && config.settings.client_authorities.is_none());
    assert!(!load(trusting, &ListenFlags::default()).unwrap().trusted.takes_certificates());
    let lonely = refused("client_certificate_header: ssl-client-cert\n");
    assert!(
        lonely.starts_with("s.yaml:1:28: no proxy is trusted that could hand certificates on: name your "),
        "{lonely}"
    );
    for name in ["\"a b\"", "Authorization", "cookie"] {
        let told = refused(&format!("{trusting}client_certificate_header: {name}\n"));
        assert!(told.contains("is no header that certificates are handed on in"), "{told}");
    }
    let missing = refused("client_certificate_authorities: /nowhere/ca.pem\n");
    assert!(missing.starts_with("s.yaml:1:33: the file /nowhere/ca.pem cannot be read"), "{missing}");
    let empty = refused("client_certificate_authorities: /dev/null\n");
    assert!(empty.contains("no certificate stands in it"), "{empty}");
}
