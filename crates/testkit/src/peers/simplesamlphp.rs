//! An identity provider that speaks SAML: SimpleSAMLphp, as Debian has it.

use crate::http::{Request, get};
use crate::limits;
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;
use serde_json::{Value, json};
use std::process::Command;

const CONFIGURATION: &str = include_str!("simplesamlphp.php");
const PAGES: &str = "/usr/share/simplesamlphp/www";
const NOBODY: &str = "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"/>";

/// A running provider.
pub struct SimpleSaml {
    port: u16,
    /// The program.
    pub process: Process,
    scratch: Scratch,
}

impl SimpleSaml {
    /// Starts one that signs with a key and shows its certificate, both in PEM. `people` says what is said of each, by the
    /// name and password they sign in with there, joined by a colon; `settings` are its own, by SimpleSAMLphp's names.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start((key, certificate): (&str, &str), people: &Value, settings: &Value) -> SimpleSaml {
        let port = free_port();
        let scratch = Scratch::new("simplesamlphp");
        for folder in ["log", "data", "tmp", "config", "metadata"] {
            std::fs::create_dir(scratch.join(folder)).expect("a folder in the scratch directory");
        }
        for file in ["config/config.php", "config/authsources.php", "metadata/saml20-idp-hosted.php"] {
            scratch.write(file, CONFIGURATION);
        }
        scratch.write("provider.pem", key);
        scratch.write("provider.crt", certificate);
        scratch.write("people.json", &people.to_string());
        let settings = if settings.is_null() { json!({}) } else { settings.clone() };
        scratch.write("provider.json", &settings.to_string());
        scratch.write("parties.xml", NOBODY);
        let mut command = Command::new(tools::debian_program("php"));
        command.args(["-S", &format!("127.0.0.1:{port}"), "-t", PAGES]);
        command.env("SAML_FOLDER", scratch.path()).env("SAML_URL", format!("http://127.0.0.1:{port}"));
        command.env("SIMPLESAMLPHP_CONFIG_DIR", scratch.join("config")).env("PHP_CLI_SERVER_WORKERS", "4");
        let process = Process::start("simplesamlphp", command, &scratch.join("log/server"));
        let mut provider = SimpleSaml { port, process, scratch };
        let ready = Request::new("GET", &provider.metadata_url());
        provider
            .process
            .wait_ready("/", limits::DAGSTER_START, |_| ready.try_send().is_ok_and(|answer| answer.status == 200));
        provider
    }

    /// The address of one of its pages.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Where it publishes its metadata.
    pub fn metadata_url(&self) -> String {
        self.url("/saml2/idp/metadata.php")
    }

    /// What it publishes.
    pub fn metadata(&self) -> String {
        get(&self.metadata_url()).text()
    }

    /// Lets it know a party by that party's metadata.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn know(&self, metadata: &str) {
        self.scratch.write("parties.xml", metadata);
    }

    /// Says something else of its people from now on.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn say(&self, people: &Value) {
        self.scratch.write("people.json", &people.to_string());
    }
}
