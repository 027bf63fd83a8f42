//! A door with a tool behind it, and a domain whose computers show tickets.

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::peers::{SAMBA_READER, Samba};
use doorward_tests::{page_request, with_password};
use std::path::PathBuf;
use std::sync::Arc;

/// What tickets are for.
pub const SERVICE: &str = "HTTP/doorward.localhost";

/// Everything at its place.
pub struct Ground {
    /// Doorward.
    pub door: Door,
    /// The tool, for members of `dagster-users`.
    pub tool: Echo,
    /// The domain.
    pub domain: Arc<Samba>,
    /// The keys.
    pub keytab: PathBuf,
}

impl Ground {
    /// With a connector `domain` everybody is led to, told these words more.
    pub fn new(words: &[&str]) -> Ground {
        Ground::with(DoorOptions::up(), SERVICE, words)
    }

    /// As [`Ground::new`], started in another way.
    pub fn with(options: DoorOptions, service: &str, words: &[&str]) -> Ground {
        let (domain, tool) = (Samba::shared(), Echo::start());
        let mut options = with_password(options);
        let protect = format!("tool={}", tool.url());
        options.arguments = ["--protect", &protect, "--allow", "dagster-users"].map(str::to_owned).to_vec();
        options.environment.push(("DIRECTORY_PASSWORD".to_owned(), SAMBA_READER.1.to_owned()));
        let keytab = domain.keytab(service);
        let ground = Ground { door: Door::start(options), tool, domain, keytab };
        if words.contains(&"--directory") {
            ground.directory();
        }
        ground.connect(("domain", service), &[&["--at-once"], words].concat());
        ground
    }

    /// Connects the domain.
    pub fn connect(&self, (name, service): (&str, &str), words: &[&str]) {
        let keytab = format!("file:{}", self.keytab.display());
        let usual =
            ["connector", "add", "kerberos", name, "--title", "The domain", "--kerberos-realm", "AD.EXAMPLE.TEST"];
        let names = if words.contains(&"--directory") { None } else { Some("--names-alone") };
        let usual = [&usual[..], &["--service", service, "--keytab", &keytab], words].concat();
        self.door.cli_text(&usual.into_iter().chain(names).collect::<Vec<_>>());
    }

    /// Connects the domain's directory, as `people`.
    fn directory(&self) {
        let authority = self.domain.authority().certificate().display().to_string();
        let (url, base) = (self.domain.tls_url(), "DC=ad,DC=example,DC=test");
        let words = ["connector", "add", "ad", "people", "--title", "The directory", "--bind-dn", SAMBA_READER.0];
        let words = [&words[..], &["--bind-password-ref", "env:DIRECTORY_PASSWORD", "--ca-file", &authority]].concat();
        let words =
            [&words[..], &["--server-url", &url, "--user-search-base", base, "--group-search-base", base]].concat();
        self.door.cli_text(&[&words[..], &["--group", "all-staff=dagster-users"]].concat());
    }

    /// Where the tool is.
    pub fn tool_url(&self, path: &str) -> String {
        format!("{}{path}", self.door.url_as("tool.localhost"))
    }

    /// Goes to the tool, and stops where a ticket is asked for.
    pub fn leave(&self, jar: &mut Jar) -> Hop {
        let asked = visit(jar, &self.tool_url("/runs?x=1"));
        assert_eq!(asked.answer.status, 401, "{} {:?}", asked.url, asked.answer.headers);
        asked
    }

    /// Goes to the tool and shows this on the way; where that leads.
    pub fn show(&self, jar: &mut Jar, shown: &str) -> Hop {
        let asked = self.leave(jar);
        lead(jar, page_request(&asked.url).header("Authorization", shown))
    }

    /// What the log says since it began.
    pub fn log(&self) -> String {
        self.door.output()
    }

    /// How many users there are of this name.
    pub fn has(&self, name: &str) -> bool {
        self.door.cli(&["user", "show", name]).status.success()
    }
}

/// Opens a page as a browser would, and follows wherever it leads.
pub fn visit(jar: &mut Jar, url: &str) -> Hop {
    lead(jar, page_request(url))
}

/// As a browser goes on: each request is one for a page.
pub fn lead(jar: &mut Jar, request: Request) -> Hop {
    let mut url = request.url();
    let mut answer = jar.send(request);
    for _ in 0..20 {
        let Some(next) = answer.header("location") else { break };
        url = Address::parse(&url).join(next);
        answer = jar.send(page_request(&url));
    }
    Hop { method: "GET".to_owned(), url, answer }
}

/// A call as programs make it.
pub fn call(url: &str) -> Request {
    Request::new("GET", url).header("Accept", "application/json")
}
