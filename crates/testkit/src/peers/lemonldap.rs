//! An identity provider that speaks SAML and OpenID Connect: LemonLDAP::NG, as Debian has it, with its own demonstration's
//! people. Each signs in with their name as the password: `dwho` is in `timelords` and `users`, `rtyler` and `msmith` are in
//! `earthlings` and `users`.

use crate::http::{Request, get};
use crate::limits;
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = include_str!("lemonldap.psgi");
const SETTINGS: &str = "[all]\nlogLevel = notice\n[configuration]\ntype = File\ndirName = @DIR@\n[portal]\n\
                        staticPrefix = /static\ntemplateDir = /usr/share/lemonldap-ng/portal/templates\nlanguages = en\n";

/// The `client_id` of the party that speaks OpenID Connect.
pub const LEMONLDAP_CLIENT: &str = "doorward";
/// Its secret.
pub const LEMONLDAP_SECRET: &str = "known-to-both";

/// A running provider.
pub struct LemonLdap {
    port: u16,
    /// The program.
    pub process: Process,
    configuration: Value,
    scratch: Scratch,
}

impl LemonLdap {
    /// Starts one that signs with a key and shows its certificate, both in PEM; it knows no party yet.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start((key, certificate): (&str, &str)) -> LemonLdap {
        let (port, scratch) = (free_port(), Scratch::new("lemonldap"));
        for folder in ["sessions", "sessions/lock", "kept", "kept/lock"] {
            std::fs::create_dir(scratch.join(folder)).expect("a folder in the scratch directory");
        }
        scratch.write("portal.psgi", PROGRAM);
        scratch.write("lemonldap-ng.ini", &SETTINGS.replace("@DIR@", &scratch.path().display().to_string()));
        let public = public_key(&scratch.write("provider.crt", certificate));
        let configuration = configuration(port, scratch.path(), (key, certificate, &public));
        scratch.write("lmConf-1.json", &configuration.to_string());
        let process = run(port, &scratch);
        LemonLdap { port, process, configuration, scratch }
    }

    /// The address of one of its pages. It is also its issuer's, with the slash at the end.
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// What it publishes for SAML.
    pub fn metadata(&self) -> String {
        get(&self.url("/saml/metadata")).text()
    }

    /// Lets it know a party that speaks SAML, by that party's metadata: the party is told names, addresses and groups.
    pub fn know_by_metadata(&mut self, metadata: &str) {
        let settings = &mut self.configuration;
        settings["samlSPMetaDataXML"] = json!({"doorward": {"samlSPMetaDataXML": metadata}});
        settings["samlSPMetaDataExportedAttributes"] =
            json!({"doorward": {"uid": "1;uid", "mail": "1;mail", "groups": "0;groups"}});
        settings["samlSPMetaDataOptions"] = json!({"doorward": {
            "samlSPMetaDataOptionsNameIDFormat": "persistent",
            "samlSPMetaDataOptionsSignSSOMessage": 1, "samlSPMetaDataOptionsSignSLOMessage": 1,
            "samlSPMetaDataOptionsCheckSSOMessageSignature": 1, "samlSPMetaDataOptionsCheckSLOMessageSignature": 1,
        }});
        self.again();
    }

    /// Lets it know a party that speaks OpenID Connect, by where answers and people who signed out go.
    pub fn know_by_address(&mut self, redirect_uri: &str, signed_out: &str) {
        let settings = &mut self.configuration;
        settings["oidcRPMetaDataOptions"] = json!({"doorward": {
            "oidcRPMetaDataOptionsClientID": LEMONLDAP_CLIENT, "oidcRPMetaDataOptionsClientSecret": LEMONLDAP_SECRET,
            "oidcRPMetaDataOptionsRedirectUris": redirect_uri, "oidcRPMetaDataOptionsBypassConsent": 1,
            "oidcRPMetaDataOptionsPostLogoutRedirectUris": signed_out, "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256",
            "oidcRPMetaDataOptionsLogoutBypassConfirm": 1,
        }});
        settings["oidcRPMetaDataExportedVars"] = json!({"doorward": {
            "preferred_username": "uid", "name": "cn", "email": "mail", "groups": "groups;string;always",
        }});
        self.again();
    }

    /// Runs it again, at the same address and with what it kept, as it is configured now.
    fn again(&mut self) {
        self.process.stop();
        self.scratch.write("lmConf-1.json", &self.configuration.to_string());
        self.process = run(self.port, &self.scratch);
    }
}

fn run(port: u16, scratch: &Scratch) -> Process {
    let mut command = Command::new(tools::debian_program("plackup"));
    command.args(["-s", "Starlet", "--host", "127.0.0.1", "--port", &port.to_string(), "--max-workers", "3"]);
    command.arg(scratch.join("portal.psgi")).env("LLNG_DEFAULTCONFFILE", scratch.join("lemonldap-ng.ini"));
    let mut process = Process::start("lemonldap", command, &scratch.join("log"));
    let ready = Request::new("GET", &format!("http://localhost:{port}/saml/metadata"));
    process.wait_ready("/", limits::DAGSTER_START, |_| ready.try_send().is_ok_and(|answer| answer.status == 200));
    process
}

/// The public key of a certificate, in PEM.
fn public_key(certificate: &Path) -> String {
    let mut command = Command::new(tools::debian_program("openssl"));
    let output = command.args(["x509", "-noout", "-pubkey", "-in"]).arg(certificate).output().expect("openssl");
    String::from_utf8(output.stdout).expect("PEM")
}

/// Its settings, by its own names. Whatever is not here is as Debian has it.
fn configuration(port: u16, folder: &Path, (key, certificate, public): (&str, &str, &str)) -> Value {
    let sessions =
        |name: &str| json!({"Directory": folder.join(name), "LockDirectory": folder.join(name).join("lock")});
    json!({
        "cfgNum": 1, "cfgDate": 1, "cfgVersion": "2.16.1",
        "authentication": "Demo", "userDB": "Same", "passwordDB": "Null", "registerDB": "Null",
        "demoExportedVars": {"cn": "cn", "mail": "mail", "uid": "uid"}, "whatToTrace": "uid",
        // `None`, which it would choose, is for cookies sent over TLS.
        "sameSite": "Lax", "domain": "localhost", "portal": format!("http://localhost:{port}/"), "securedCookie": 0, "requireToken": 0,
        "locationRules": {"localhost": {"default": "accept"}},
        "globalStorage": "Apache::Session::File", "globalStorageOptions": sessions("sessions"),
        "persistentStorage": "Apache::Session::File", "persistentStorageOptions": sessions("kept"),
        "localSessionStorage": "", "portalDisplayResetPassword": 0, "portalDisplayRegister": 0,
        "issuerDBSAMLActivation": 1, "issuerDBOpenIDConnectActivation": 1,
        "samlServicePrivateKeySig": key, "samlServicePublicKeySig": certificate,
        "samlServiceSignatureMethod": "RSA_SHA256",
        "oidcServicePrivateKeySig": key, "oidcServicePublicKeySig": public, "oidcServiceKeyIdSig": "one",
        "oidcServiceIgnoreScopeForClaims": 1,
    })
}
