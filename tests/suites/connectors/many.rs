//! Many people at once over several providers, and one provider that hangs.

use crate::ground::{Ground, person, visit};
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{UPSTREAM_CLIENT, Upstream};
use serde_json::{Map, Value};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// People of each company.
const PEOPLE: usize = 334;
/// How many come at the same time.
const AT_ONCE: usize = 24;
const COMPANIES: [&str; 3] = ["north", "south", "west"];

#[test]
fn a_thousand_people_come_through_three_companies_and_each_is_who_they_are() {
    let ground = Ground::new(&[]);
    let companies = COMPANIES.map(|company| {
        let people: Map<String, Value> = (0..PEOPLE)
            .map(|number| {
                // The same subject at each company, and the same name there: only the connector tells them apart.
                let mut one = person(&format!("subject-{number}"), &format!("{company}-{number}"), &["dagster-users"]);
                one["email"] = format!("person{number}@{company}.example").into();
                (format!("person{number}"), one)
            })
            .collect();
        let uri = format!("{}/realms/main/broker/{company}/endpoint", ground.door.url());
        let upstream = Upstream::start(&uri, &Value::Object(people));
        let issuer = upstream.url("");
        let words = ["connector", "add", "oidc", company, "--issuer", &issuer, "--client-id", UPSTREAM_CLIENT.0];
        ground.door.cli_text(
            &[&words[..], &["--client-secret-ref", "env:COMPANY_SECRET", "--scopes", "profile,email,groups"]].concat(),
        );
        upstream
    });
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let (number, company) = (turn / COMPANIES.len(), turn % COMPANIES.len());
                    if number >= PEOPLE {
                        return;
                    }
                    come(&ground, (COMPANIES[company], &companies[company]), number);
                }
            });
        }
    });
    let count = PEOPLE * COMPANIES.len();
    eprintln!("{count} people came in {:.1} s", begun.elapsed().as_secs_f64());
    for company in COMPANIES {
        let shown = ground.door.cli_text(&["connector", "show", company, "--output", "json"]);
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(shown["people"], PEOPLE, "{company}");
    }
}

/// One person's whole way; the tool must be told who they are, and nobody else.
fn come(ground: &Ground, (company, upstream): (&str, &Upstream), number: usize) {
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url(&format!("/{company}/{number}")));
    let there = ground.choose(&mut jar, &page, company);
    assert!(there.url.starts_with(&upstream.url("/")), "{} {}", there.url, there.answer.text());
    let name = format!("person{number}");
    let form = Request::new("POST", &there.url).header("Accept", "text/html").form(&[("name", &name)]);
    let end = jar.follow(form.within(Duration::from_secs(60))).pop().expect("a hop");
    assert_eq!(end.answer.status, 200, "{company} {number}: {}", end.answer.text());
    let told: Value = serde_json::from_str(&end.answer.text()).expect("what the tool was told");
    let is_told = |name: &str, value: &str| {
        let headers = told["headers"].as_array().expect("headers");
        headers.iter().any(|pair| pair[0] == name && pair[1] == value)
    };
    assert!(is_told("x-forwarded-user", &format!("{company}-{number}")), "{company} {number}: {told}");
    assert!(is_told("x-forwarded-email", &format!("person{number}@{company}.example")), "{told}");
    assert_eq!(told["path"], format!("/{company}/{number}"), "{told}");
}

#[test]
fn a_provider_that_hangs_keeps_nobody_else_waiting() {
    let ground = Ground::new(&[]);
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let issuer = format!("http://{}", silent.local_addr().expect("an address"));
    ground.door.cli_text(&["connector", "add", "oidc", "silent", "--issuer", &issuer, "--client-id", "x"]);
    let stuck = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut jar = Jar::new();
                let page = visit(&mut jar, &ground.tool_url("/x"));
                stuck.fetch_add(1, Ordering::Relaxed);
                let path = link(&page.answer.text(), "/realms/main/broker/silent/login?");
                let asked = Request::new("GET", &Address::parse(&page.url).join(&path)).header("Accept", "text/html");
                let answer = jar.send(asked.within(Duration::from_secs(60)));
                assert_eq!(answer.status, 503, "{}", answer.text());
            });
        }
        while stuck.load(Ordering::Relaxed) < 16 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let begun = Instant::now();
        assert_eq!(ground.come("ada").1.answer.status, 200);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    });
    drop(silent);
}

/// The link on a page that begins so.
fn link(page: &str, begin: &str) -> String {
    let at = page.find(begin).unwrap_or_else(|| panic!("no {begin} in\n{page}"));
    page[at..].split('"').next().unwrap_or_default().replace("&#38;", "&").replace("&amp;", "&")
}
