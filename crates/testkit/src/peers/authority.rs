//! A certificate authority of the test's own, made with OpenSSL's command.

use crate::scratch::Scratch;
use crate::tools;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CONFIG: &str = "[req]\ndistinguished_name = dn\nprompt = no\nx509_extensions = ca\n[dn]\nCN = Test Authority\n\
                      [ca]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign\n";

/// An authority.
pub struct Authority {
    scratch: Scratch,
}

/// A certificate with its key, in PEM.
pub struct Certificate {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Authority {
    /// Makes one.
    ///
    /// # Panics
    /// When OpenSSL does not.
    pub fn new() -> Authority {
        let scratch = Scratch::new("authority");
        let config = scratch.write("ca.cnf", CONFIG);
        let mut make = openssl(&["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        make.args(["-days", "30", "-config"]).arg(config);
        make.arg("-keyout").arg(scratch.join("ca.key")).arg("-out").arg(scratch.join("ca.pem"));
        run(make);
        Authority { scratch }
    }

    /// Its own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.scratch.join("ca.pem")
    }

    /// Makes a certificate out to names, such as `DNS:localhost,IP:127.0.0.1`, good for some days.
    ///
    /// # Panics
    /// When OpenSSL does not.
    pub fn issue(&self, file: &str, names: &str, days: i32) -> Certificate {
        let path = |end: &str| self.scratch.join(&format!("{file}.{end}"));
        let extensions = self.scratch.write(
            &format!("{file}.ext"),
            &format!("subjectAltName = {names}\nbasicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\n"),
        );
        let mut ask = openssl(&["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        ask.args(["-subj", "/CN=server", "-keyout"]).arg(path("key")).arg("-out").arg(path("csr"));
        run(ask);
        let mut sign = openssl(&["x509", "-req", "-CAcreateserial", "-days", &days.to_string(), "-in"]);
        sign.arg(path("csr")).arg("-CA").arg(self.certificate()).arg("-CAkey").arg(self.scratch.join("ca.key"));
        sign.arg("-extfile").arg(extensions).arg("-out").arg(path("pem"));
        run(sign);
        Certificate { certificate: path("pem"), key: path("key") }
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn openssl(arguments: &[&str]) -> Command {
    let mut command = Command::new(tools::debian_program("openssl"));
    command.args(arguments);
    command
}

fn run(mut command: Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
