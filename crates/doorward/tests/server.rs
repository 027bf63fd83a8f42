//! The built binary as a running server: what commands beside it and browsers get from it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::http::{Answer, Request, percent};
use doorward_testkit::jar::Jar;
use doorward_testkit::ports::free_port;
use doorward_testkit::process::{Process, wait_until};
use doorward_testkit::scratch::Scratch;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

fn options(of: DoorOptions) -> DoorOptions {
    let password = ("DOORWARD_TEST_PASSWORD".to_owned(), PASSWORD.to_owned());
    DoorOptions { program: Some(PathBuf::from(env!("CARGO_BIN_EXE_doorward"))), environment: vec![password], ..of }
}

const PASSWORD: &str = "correct horse battery staple";

fn shown(door: &Door, app: &str) -> serde_json::Value {
    serde_json::from_str(&door.cli_text(&["app", "show", app, "--output", "json"])).unwrap()
}

/// Opens a page as a browser and follows, up to the sign-in page.
fn open(jar: &mut Jar, url: &str) -> (String, Answer) {
    let hop = jar.follow(Request::new("GET", url).header("Accept", "text/html")).pop().unwrap();
    (hop.url, hop.answer)
}

/// What the sign-in page's form leads to.
fn sign_in(jar: &mut Jar, url: &str, name: &str) -> Answer {
    let (at, page) = open(jar, url);
    let html = page.text();
    let between = |from: &str| {
        let rest = html.split_once(from).unwrap_or_else(|| panic!("no {from} at {at}:\n{html}")).1;
        rest.split_once('"').unwrap().0.replace("&amp;", "&")
    };
    let value = |name: &str| {
        let marker = format!("name=\"{name}\"");
        let tag = html.split('<').find(|tag| tag.contains(&marker)).unwrap();
        tag.split_once("value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
    };
    let target = doorward_testkit::http::Address::parse(&at).join(&between("action=\""));
    let (flow, csrf) = (value("flow"), value("csrf"));
    let form = [("login", name), ("password", PASSWORD), ("flow", flow.as_str()), ("csrf", csrf.as_str())];
    jar.send(Request::new("POST", &target).header("Accept", "text/html").form(&form))
}

#[test]
fn commands_ask_the_running_server_where_it_is_reached() {
    let mut door = Door::start(options(DoorOptions::serve()));
    door.cli_text(&["app", "create", "d", "--address", "http://d.localhost:8000", "--everyone"]);
    let recipe = |kind: &str, door: &Door| {
        door.cli_text(&["recipe", kind, "--app", "d", "--upstream", "127.0.0.1:3000", "--listen", "127.0.0.1:8000"])
    };
    // Neither port is in the settings a command sees: the server was told by flags.
    assert!(door.cli_text(&["setup-link"]).starts_with(&format!("{}/setup?token=dwu_", door.url())));
    let text = recipe("nginx", &door);
    assert!(text.contains(&format!("127.0.0.1:{}", door.port())) && text.contains(&door.url()), "{text}");
    assert!(recipe("envoy-grpc", &door).contains(&door.grpc_port().to_string()));
    let given = door.cli_text(&["setup-link", "--public-url", "https://door.example.com"]);
    assert!(given.starts_with("https://door.example.com/setup?"), "{given}");
    // Without a server it is as the settings say, whether the server ended in order or left its socket behind.
    door.kill9();
    for _ in 0..2 {
        assert!(door.cli_text(&["setup-link"]).starts_with("http://doorward.localhost:8080/setup?"));
        assert!(recipe("nginx", &door).contains("127.0.0.1:8080"));
        let asked = ["recipe", "nginx", "--app", "d", "--upstream", "127.0.0.1:3000"];
        let warned = String::from_utf8(door.cli(&asked).stderr).unwrap();
        assert!(warned.contains("so this recipe has it at 127.0.0.1:8080, as the settings say: give"), "{warned}");
        let told = door.cli(&[asked.as_slice(), &["--doorward", "10.0.0.1:80"]].concat());
        assert_eq!(String::from_utf8(told.stderr).unwrap(), "");
        door.restart();
        door.stop();
    }
}

#[test]
fn a_data_directory_has_one_server() {
    let mut door = Door::start(options(DoorOptions::up()));
    let (data, process) = (door.scratch().join("data"), door.process.pid());
    let socket = data.join("control.sock");
    for verb in ["up", "serve"] {
        // Free ports: nothing but the directory is in the way.
        let ports = ["--listen", "--grpc-listen", "--operations-listen"];
        let flags = ports.map(|flag| [flag.to_owned(), format!("127.0.0.1:{}", free_port())]);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.arg(verb).args(flags.as_flattened()).arg("--data").arg(&data);
        let mut second = Process::start("second", command, &door.scratch().join(&format!("{verb}.log")));
        let code = second.wait_exit(Duration::from_secs(20)).and_then(|status| status.code());
        let said = second.log();
        let expected = format!(
            "doorward: a server runs on the data directory {} already, process {process}, reached at {}: end it first, or \
             give this one a directory of its own with --data\n",
            data.display(),
            door.url()
        );
        assert_eq!((code, said.as_str()), (Some(4), expected.as_str()), "{verb}");
        assert!(socket.exists(), "the first one's socket is its own: {verb}");
        assert!(believed(&door).contains(&door.url()), "commands still reach the first");
    }
    door.kill9();
    door.restart();
    assert!(believed(&door).contains(&door.url()), "one that was killed leaves nothing in the way");
    door.stop();
    assert!(!socket.exists());
}

/// The address at which a command believes the server to be reached.
fn believed(door: &Door) -> String {
    door.cli_text(&["setup-link"])
}

#[test]
fn every_port_that_is_taken_is_told_at_once() {
    let held: Vec<std::net::TcpListener> =
        (0..2).map(|_| std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap()).collect();
    let ports: Vec<u16> = held.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    let scratch = Scratch::new("taken");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(["up", "--listen", &format!("127.0.0.1:{}", ports[0]), "--grpc-listen", "none"])
        .args(["--operations-listen", &format!("127.0.0.1:{}", ports[1]), "--data"])
        .arg(scratch.join("data"))
        .output()
        .unwrap();
    let expected = format!(
        "doorward: 127.0.0.1:{} (--listen) and 127.0.0.1:{} (--operations-listen) are taken: end what listens there, or \
         choose another port with the flag in brackets, or `none` where it is not needed\n",
        ports[0], ports[1]
    );
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(6), expected));
}

#[test]
fn up_tells_of_every_tool_and_of_what_keeps_people_out() {
    let arguments = ["--protect", "tool=http://127.0.0.1:3000", "--allow", "one"].map(str::to_owned).to_vec();
    let mut door = Door::start(options(DoorOptions { arguments, ..DoorOptions::up() }));
    let port = door.port();
    let first = door.output();
    assert!(first.contains("Setup link:"), "{first}");
    let tool = format!("  Tool      http://tool.localhost:{port} -> http://127.0.0.1:3000 (for one)\n");
    assert!(first.contains(&format!("  Sample    http://sample.localhost:{port}\n{tool}  Data ")), "{first}");
    door.cli_text(&["user", "create", "alice", "--password-env", "DOORWARD_TEST_PASSWORD"]);
    door.cli_text(&["group", "create", "two"]);
    let other = ["app", "create", "other", "--address", "http://other.localhost:1", "--upstream", "http://127.0.0.1:1"];
    door.cli_text(&other);
    door.cli_text(&["app", "create", "far", "--address", "http://far.localhost:8000", "--everyone"]);
    door.restart();
    let again = door.output();
    // Commands are told with the directory this server has.
    let doorward = format!("doorward --data {}", door.scratch().join("data").display());
    let hint = format!("            Nobody is in one yet: `{doorward} group add-member one NAME`\n");
    assert!(again.contains(&format!("{tool}{hint}")), "{again}");
    let other = format!(
        "  other     http://other.localhost:1 -> http://127.0.0.1:1 (for nobody)\n            \
         Nobody may enter: `{doorward} app allow other GROUP`\n"
    );
    assert!(again.contains(&other), "{again}");
    assert!(again.contains(&format!("Nobody administers this realm yet: `{doorward} setup-link` makes")), "{again}");
    let moved = format!("run `{doorward} app update other --address http://other.localhost:{port}`");
    assert!(again.contains(&moved), "{again}");
    let far = "  far       http://far.localhost:8000 behind another proxy (for everyone who signs in)\n";
    assert!(
        again.contains(far) && !again.contains("app far"),
        "people come to the other proxy, which is trusted: {again}"
    );
    // Members of a group inside count; administrators are members of theirs.
    door.cli_text(&["group", "nest", "one", "two"]);
    door.cli_text(&["group", "add-member", "two", "alice"]);
    door.cli_text(&["group", "create", "doorward-admins"]);
    door.cli_text(&["group", "add-member", "doorward-admins", "alice"]);
    door.restart();
    let quiet = door.output();
    assert!(quiet.contains(&tool) && !quiet.contains("Nobody is in") && !quiet.contains("administers"), "{quiet}");
}

#[test]
fn up_again_keeps_what_was_changed_since() {
    let with = |upstream: &str, group: &str| {
        ["--protect", &format!("tool={upstream}"), "--allow", group].map(str::to_owned).to_vec()
    };
    let arguments = with("http://127.0.0.1:3000", "one");
    let mut door = Door::start(options(DoorOptions { arguments, ..DoorOptions::up() }));
    let own = format!("http://tool.localhost:{}", door.port());
    assert_eq!(shown(&door, "tool")["addresses"][0], own.as_str());
    let changed = ["--address", "http://tool.localhost:4443", "--title", "Mine", "--public", "/health"];
    door.cli_text(&[["app", "update", "tool"].as_slice(), &changed].concat());
    let before = shown(&door, "tool");
    door.restart();
    assert_eq!(shown(&door, "tool"), before, "the same words change nothing");
    let data = door.scratch().join("data");
    let hint = format!("run `doorward --data {} app update tool --address {own}`", data.display());
    assert!(door.output().contains(&hint), "{}", door.output());

    door.stop();
    let scratch = Scratch::new("up-again");
    let mut copy = std::process::Command::new("cp");
    copy.arg("-a").args([door.scratch().join("data"), scratch.join("data")]);
    assert!(copy.status().unwrap().success());
    let arguments = with("http://127.0.0.1:3001", "two");
    let door = Door::start_in(scratch, options(DoorOptions { arguments, ..DoorOptions::up() }));
    let after = shown(&door, "tool");
    let mut expected = before;
    expected["upstream"] = "http://127.0.0.1:3001".into();
    expected["groups"] = serde_json::json!(["one", "two"]);
    assert_eq!(after, expected, "only the upstream and the groups");
    let sample = format!("http://sample.localhost:{}", door.port());
    assert_eq!(shown(&door, "sample")["addresses"][0], sample.as_str(), "the sample is ours and follows");
}

#[test]
fn a_data_directory_open_to_others_is_told_at_the_start() {
    let scratch = Scratch::new("open-data");
    let data = scratch.join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
    let mut door = Door::start_in(scratch, options(DoorOptions::serve()));
    let shown = data.display();
    let sentence =
        format!("the data directory {shown} is open to others on this machine (mode 750): run chmod 700 {shown}");
    assert!(door.output().contains(&sentence), "{}", door.output());
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o750, "it is not changed");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    door.restart();
    assert!(!door.output().contains("is open to others"), "{}", door.output());
}

#[test]
fn the_record_tells_names() {
    let mut door = Door::start(options(DoorOptions::up()));
    door.cli_text(&["user", "create", "alice", "--password-env", "DOORWARD_TEST_PASSWORD"]);
    let mut jar = Jar::new();
    let admitted = sign_in(&mut jar, &door.url_as("sample.localhost"), "alice");
    let (_, page) = open(&mut jar, admitted.location());
    assert_eq!(page.status, 200, "{}", page.text());
    let events = |door: &Door| -> Vec<serde_json::Value> {
        serde_json::from_str(&door.cli_text(&["events", "--output", "json"])).unwrap()
    };
    let issued = |door: &Door| events(door).into_iter().find(|event| event["kind"] == "pass_issued").unwrap();
    let entry = issued(&door);
    assert_eq!((&entry["who"], &entry["about"]), (&"visitor".into(), &"session of alice".into()), "{entry}");
    assert_eq!(entry["what"], "app sample at sample.localhost, user alice", "{entry}");
    assert!(entry["subject"].as_str().is_some_and(|id| id.starts_with("ses_")), "ids stay for programs: {entry}");
    let signed_in = events(&door).into_iter().find(|event| event["kind"] == "signed_in").unwrap();
    assert_eq!((&signed_in["who"], &signed_in["about"]), (&"alice".into(), &"alice".into()), "{signed_in}");
    let table = door.cli_text(&["events", "--output", "table"]);
    assert!(table.starts_with("AT") && table.contains("session of alice") && !table.contains("usr_"), "{table}");
    // The session is over and its entries fill the list: the record itself says whose it was.
    door.cli_text(&["session", "end", "--user", "alice"]);
    assert_eq!(issued(&door)["about"], "session of alice");
    let of_alice = door.cli_text(&["events", "--user", "alice", "--kind", "pass_issued", "--output", "json"]);
    let of_alice: Vec<serde_json::Value> = serde_json::from_str(&of_alice).unwrap();
    assert_eq!(of_alice.len(), 1, "where somebody was is found when their session is gone: {of_alice:?}");
    let request = of_alice[0]["request"].as_str().unwrap();
    let by_request = door.cli_text(&["events", "--request", request, "--output", "json"]);
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&by_request).unwrap().len(), 1, "{by_request}");
    door.stop();
}

#[test]
fn the_portal_as_authelia_has_it_leads_to_sign_in_and_back() {
    let port = free_port();
    let public = format!("http://auth.corp.localhost:{port}");
    let arguments = ["--cookie-domain", "corp.localhost"].map(str::to_owned).to_vec();
    let serve = DoorOptions { port, public_url: Some(public.clone()), arguments, ..DoorOptions::serve() };
    let door = Door::start(options(serve));
    door.cli_text(&["user", "create", "alice", "--password-env", "DOORWARD_TEST_PASSWORD"]);
    let app = "http://tool.corp.localhost:8000";
    door.cli_text(&["app", "create", "tool", "--address", app, "--everyone"]);
    let deep = format!("{app}/runs/7?view=all");
    let path = percent("/runs/7?view=all");
    let queries = [
        format!("rd={}&rm=GET", percent(&deep)),
        format!("rd={deep}&rm=GET"),
        format!("rd={app}{path}&rm=GET"),
        format!("rd={}", percent(&deep)),
    ];
    for query in queries {
        let mut jar = Jar::new();
        let first = jar.send(Request::new("GET", &format!("{public}/?{query}")).header("Accept", "text/html"));
        assert!(first.location().contains("/sign-in?flow="), "{query}: {} {}", first.status, first.location());
        let answer = sign_in(&mut jar, &format!("{public}/?{query}"), "alice");
        assert_eq!((answer.status, answer.location()), (303, deep.as_str()), "{query}");
        let again = jar.send(Request::new("GET", &format!("{public}/?{query}")).header("Accept", "text/html"));
        assert_eq!(again.location(), deep, "signed in already: {query}");
        let launcher = jar.get(&format!("{public}/"));
        assert_eq!(launcher.status, 200);
    }
    for foreign in ["https://evil.example/", "http://tool.corp.localhost.evil.example/", "//evil.example", "/runs"] {
        let answer = Request::new("GET", &format!("{public}/?rd={}&rm=GET", percent(foreign))).send();
        assert_eq!(answer.location(), "/realms/main/sign-in", "{foreign}");
    }
    assert_eq!(Request::new("GET", &format!("{public}/")).send().location(), "/realms/main/sign-in");
}

#[test]
fn whoever_asks_without_end_does_not_fill_the_log() {
    const ASKED: usize = 500;
    let door = Door::start(options(DoorOptions::serve()));
    let base = format!("{}/realms/main/protocol/openid-connect", door.url());
    for _ in 0..ASKED {
        let page = Request::new("GET", &format!("{base}/auth?client_id=nobody")).send();
        let form = [("grant_type", "client_credentials"), ("client_id", "nobody")];
        let told = Request::new("POST", &format!("{base}/token")).form(&form).send();
        assert_eq!((page.status, told.status), (400, 401));
    }
    let kinds = ["an authorization request is not answered: ", "refused: invalid_client: "];
    const LEFT_OUT: &str = " more lines like this one were left out: ";
    // How many lines of a kind were written, and how many others told of.
    let found = |kind: &str| {
        let log = door.output();
        let (told, written): (Vec<_>, Vec<_>) =
            log.lines().filter(|line| line.contains(kind)).partition(|line| line.contains(LEFT_OUT));
        let count = |line: &&str| {
            let (before, _) = line.split_once(LEFT_OUT).unwrap();
            before.rsplit(' ').next().unwrap().parse::<usize>().unwrap()
        };
        (written.len(), told.iter().map(count).sum::<usize>())
    };
    for kind in kinds {
        wait_until("every line to be accounted for", Duration::from_secs(30), || {
            let (written, told) = found(kind);
            written + told == ASKED
        });
        let (written, _) = found(kind);
        assert!((200..400).contains(&written), "{written} lines of {kind}");
    }
}
