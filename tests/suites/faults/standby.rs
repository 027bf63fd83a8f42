//! A standby answers with what was so a while ago: who was shut out meanwhile would be let in by it. So no node
//! stands on one, however it comes to its address.

use crate::house::{MASTER_KEY, endpoint, is_ready, machine, node, says_later, through, try_sign_in, word};
use doorward_testkit::door::{Door, DoorOptions, binary};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::Postgres;
use doorward_testkit::process::{Process, holds_within, wait_until};
use doorward_testkit::relay::Relay;
use doorward_testkit::scratch::Scratch;
use doorward_tests::{sign_in_at, user};
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// Starts a node that is expected to end by itself: its code, and what it said.
fn refused_start(database: &str) -> (Option<i32>, String) {
    let scratch = Scratch::new("refused");
    let mut command = Command::new(binary());
    command.arg("--data").arg(scratch.join("data")).args(["--database", database, "serve"]);
    command.args(["--listen", "127.0.0.1:0", "--grpc-listen", "none", "--operations-listen", "none"]);
    command.env("DOORWARD_MASTER_KEY", MASTER_KEY);
    let mut process = Process::start("doorward", command, &scratch.join("log"));
    let status = process.wait_exit(SOON);
    (status.and_then(|status| status.code()), process.log())
}

fn is_active(server: &Postgres, name: &str) -> String {
    server.query("doorward", &format!("SELECT is_active FROM users WHERE name = '{name}'"))
}

#[test]
fn gauntlet_b18_03_no_node_stands_on_a_standby_that_lags_behind_a_revocation() {
    let mut primary = Postgres::start();
    let database = primary.create_database("doorward");
    let relay = Relay::to(primary.port());
    let (scratch, options) = node(&database);
    let mut first = Door::start_in(scratch, options);
    let (scratch, options) = node(&through(&relay));
    let second = Door::start_in(scratch, DoorOptions { public_url: Some(first.url()), ..options });
    user(&first, "alice");
    user(&first, "bob");
    let echo = Echo::start();
    let app = first.url_as("echo.localhost");
    first.cli_text(&["app", "create", "echo", "--address", &app, "--upstream", &echo.url(), "--everyone"]);
    let secret = machine(
        &first,
        "wiki",
        &["--everyone", "--redirect-uri", "http://127.0.0.1:9/cb", "--grant", "password", "refresh_token"],
    );
    let tokens = |name: &str| {
        let form = [("grant_type", "password"), ("username", name), ("password", doorward_tests::PASSWORD)];
        let form = [&form[..], &[("client_id", "wiki"), ("client_secret", &secret), ("scope", "openid")]].concat();
        let answer = Request::new("POST", &endpoint(&first, "token")).form(&form).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        (word(&answer, "access_token"), word(&answer, "refresh_token"))
    };
    let (access, refresh) = tokens("alice");
    let (mut seen, mut unseen) =
        (sign_in_at(&format!("{app}/x"), "alice").0, sign_in_at(&format!("{app}/x"), "alice").0);
    let ask = |jar: &mut Jar| jar.send(Request::new("GET", &format!("{app}/x")).via_port(second.port()));
    assert_eq!(ask(&mut seen).status, 200, "the second node knows this pass and has not seen the other");

    let standby = primary.standby();
    primary.wait_for(&standby);
    standby.lag();
    first.cli_text(&["user", "disable", "alice"]);
    assert_eq!((is_active(&primary, "alice").as_str(), is_active(&standby, "alice").as_str()), ("0", "1"));
    wait_until("the second node to hear of it", SOON, || ask(&mut seen).status == 401);

    // Nothing is started on one.
    let (code, said) = refused_start(&standby.url("doorward"));
    assert!(
        code == Some(5) && said.contains("is a standby") && said.contains("name the primary with --database"),
        "{said}"
    );
    let both = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/doorward", standby.port(), primary.port());
    let (code, said) = refused_start(&both);
    assert!(code == Some(3) && said.contains("names several hosts: name one"), "{said}");

    // And a running node whose address leads to one by now answers nothing from it.
    relay.lead_to(standby.port());
    let with = |path: &str, form: &[(&str, &str)]| {
        let proof = [("client_id", "wiki"), ("client_secret", secret.as_str())];
        let request = Request::new("POST", &endpoint(&first, path)).via_port(second.port());
        request.form(&[form, &proof[..]].concat()).send()
    };
    let shown = |token: &str| {
        let request = Request::new("GET", &endpoint(&first, "userinfo")).via_port(second.port());
        request.header("Authorization", format!("Bearer {token}")).send()
    };
    let refreshing = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let asked: Vec<(&str, Answer)> = std::thread::scope(|scope| {
        type Question<'q> = Box<dyn FnOnce() -> Answer + Send + 'q>;
        let signing_in = || try_sign_in(&first.url(), second.port(), "alice").expect("an answer").0;
        let questions: Vec<(&str, Question<'_>)> = vec![
            ("a pass", Box::new(|| ask(&mut unseen))),
            ("refreshing", Box::new(|| with("token", &refreshing))),
            ("introspection", Box::new(|| with("token/introspect", &[("token", &access)]))),
            ("userinfo", Box::new(|| shown(&access))),
            ("signing in", Box::new(signing_in)),
        ];
        let running: Vec<_> = questions.into_iter().map(|(what, ask)| (what, scope.spawn(ask))).collect();
        running.into_iter().map(|(what, thread)| (what, thread.join().expect("an answer"))).collect()
    });
    for (what, answer) in &asked {
        assert!(says_later(answer), "{what}: {} {}", answer.status, answer.text());
    }
    wait_until("the second node not to be ready", SOON, || !is_ready(&second));
    wait_until("what it knows to be too old", SOON, || ask(&mut seen).status == 503);
    assert!(second.output().contains("is a standby"), "the log tells why: {}", second.output());

    // Back at the primary it goes on by itself, with what was decided meanwhile.
    relay.lead_to(primary.port());
    wait_until("the second node to be ready", SOON, || is_ready(&second));
    assert_eq!((ask(&mut seen).status, ask(&mut unseen).status), (401, 401));

    // The primary is lost and the standby takes its place, with all it had received.
    let written = primary.query("doorward", "SELECT pg_current_wal_lsn()");
    let received = format!("SELECT pg_last_wal_receive_lsn() >= '{written}'::pg_lsn");
    wait_until("the standby to have received all", SOON, || standby.query("doorward", &received) == "t");
    first.stop();
    primary.kill9();
    standby.promote();
    relay.lead_to(standby.port());
    wait_until("the second node to be ready", SOON, || is_ready(&second));
    assert_eq!((ask(&mut seen).status, ask(&mut unseen).status), (401, 401), "alice stays out");
    let signs_in = || try_sign_in(&second.url(), second.port(), "bob").is_ok_and(|(answer, _)| answer.status == 303);
    assert!(holds_within(SOON, signs_in), "bob cannot sign in");
    assert_eq!(is_active(&standby, "alice"), "0");
}

#[test]
fn gauntlet_b18_03_a_server_that_takes_no_writes_promises_none() {
    let server = Postgres::start();
    let database = server.create_database("doorward");
    let (scratch, options) = node(&database);
    let door = Door::start_in(scratch, options);
    user(&door, "alice");
    let secret = machine(&door, "ci", &["--service"]);
    let form = [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", secret.as_str())];
    let token = word(&Request::new("POST", &endpoint(&door, "token")).form(&form).send(), "access_token");
    let with_token = |path: &str| {
        let form = [("token", token.as_str()), ("client_id", "ci"), ("client_secret", secret.as_str())];
        Request::new("POST", &endpoint(&door, path)).form(&form).send()
    };
    // As managed servers do when their disk is nearly full.
    set_read_only(&server, "SET default_transaction_read_only = on", "on");
    wait_until("a revocation to be put off", SOON, || says_later(&with_token("revoke")));
    assert!(with_token("token/introspect").text().contains("\"active\":true"), "and nothing was promised");
    let (answer, _) = try_sign_in(&door.url(), door.port(), "alice").expect("an answer");
    assert!(says_later(&answer), "{} {}", answer.status, answer.text());
    let refused = door.cli(&["user", "disable", "alice"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(5) && said.contains("takes no writes"), "{said}");
    let (code, said) = refused_start(&database);
    assert!(code == Some(5) && said.contains("takes no writes"), "{said}");
    set_read_only(&server, "RESET default_transaction_read_only", "off");
    wait_until("the revocation", SOON, || with_token("revoke").status == 200);
    assert!(with_token("token/introspect").text().contains("\"active\":false"));
    let signs_in = || try_sign_in(&door.url(), door.port(), "alice").is_ok_and(|(answer, _)| answer.status == 303);
    assert!(holds_within(SOON, signs_in), "nobody can sign in again");
}

/// Changes a setting of a running server.
fn set_read_only(server: &Postgres, how: &str, wanted: &str) {
    server.query("postgres", &format!("ALTER SYSTEM {how}"));
    server.query("postgres", "SELECT pg_reload_conf()");
    wait_until("the server to follow", SOON, || server.query("doorward", "SHOW transaction_read_only") == wanted);
}
