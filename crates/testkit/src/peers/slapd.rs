//! OpenLDAP: a directory whose groups lie inside each other, by LDAPS, StartTLS and in clear, on loopback.

use crate::limits;
use crate::peers::authority::{Authority, Certificate};
use crate::ports::free_port;
use crate::process::{Process, Signal};
use crate::scratch::Scratch;
use crate::tools;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Who may change everything, and the password.
const ADMIN: (&str, &str) = ("cn=admin,dc=example,dc=org", "admin of the directory");

/// Who reads, and the password.
pub const READER: (&str, &str) = ("cn=reader,dc=example,dc=org", "reader of the directory");

const CONFIG: &str = "\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
moduleload argon2
TLSCACertificateFile @CA@
TLSCertificateFile @CERTIFICATE@
TLSCertificateKeyFile @KEY@
sizelimit 500
database mdb
maxsize 4294967296
suffix dc=example,dc=org
rootdn cn=admin,dc=example,dc=org
rootpw \"admin of the directory\"
directory @DIR@/db
dbnosync
limits dn.exact=\"cn=reader,dc=example,dc=org\" size.soft=500 size.hard=500 size.pr=5000 size.prtotal=unlimited
index objectClass eq
index uid,cn,member,memberUid,entryUUID,modifyTimestamp eq
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
memberof-memberof-ad memberOf
memberof-refint true
overlay refint
refint_attributes member
overlay ppolicy
access to attrs=userPassword by self write by anonymous auth by * none
access to * by users read by * none
";

const BASE: &str = "\
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=reader,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reader of the directory

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

";

/// A running directory.
pub struct Slapd {
    port: u16,
    tls_port: u16,
    /// The program.
    pub process: Process,
    scratch: Scratch,
    authority: Authority,
}

impl Slapd {
    /// Starts one that holds what this LDIF says, below `dc=example,dc=org`, which has `ou=people` and `ou=groups`.
    ///
    /// # Panics
    /// When it does not start, or does not take the LDIF.
    pub fn start(ldif: &str) -> Slapd {
        let authority = Authority::new();
        let certificate = authority.issue("slapd", "DNS:localhost,IP:127.0.0.1", 30);
        Slapd::start_as(ldif, authority, &certificate)
    }

    /// As [`Slapd::start`], for many entries: they are written before the server runs, which is quick, but notes at nobody
    /// which groups name them.
    ///
    /// # Panics
    /// As [`Slapd::start`].
    pub fn filled(ldif: &str) -> Slapd {
        let authority = Authority::new();
        let certificate = authority.issue("slapd", "DNS:localhost,IP:127.0.0.1", 30);
        Slapd::make((ldif, ""), authority, &certificate)
    }

    /// As [`Slapd::start`], with this certificate.
    ///
    /// # Panics
    /// As [`Slapd::start`].
    pub fn start_as(ldif: &str, authority: Authority, certificate: &Certificate) -> Slapd {
        Slapd::make(("", ldif), authority, certificate)
    }

    fn make((before, ldif): (&str, &str), authority: Authority, certificate: &Certificate) -> Slapd {
        let (port, tls_port) = (free_port(), free_port());
        let scratch = Scratch::new("slapd");
        std::fs::create_dir_all(scratch.join("db")).expect("our own folder");
        let shown = |path: &std::path::Path| path.display().to_string();
        let config = CONFIG
            .replace("@CA@", &shown(&authority.certificate()))
            .replace("@CERTIFICATE@", &shown(&certificate.certificate))
            .replace("@KEY@", &shown(&certificate.key));
        scratch.write("slapd.conf", &config);
        fill(&scratch, &format!("{BASE}{before}"));
        let process = launch(&scratch, (port, tls_port));
        let mut slapd = Slapd { port, tls_port, process, scratch, authority };
        slapd.process.wait_port(port, limits::PEER_START);
        slapd.process.wait_port(tls_port, limits::PEER_START);
        // By the server itself, which then notes at people which groups name them.
        if !ldif.is_empty() {
            slapd.change("-a", ldif);
        }
        slapd
    }

    /// In clear.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// By TLS.
    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// Port of the listener in clear.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who vouches for it.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Changes entries, as LDIF says.
    ///
    /// # Panics
    /// When the directory does not.
    pub fn modify(&self, ldif: &str) {
        self.change("-c", ldif);
    }

    /// Adds entries, as LDIF says.
    ///
    /// # Panics
    /// When the directory does not.
    pub fn add(&self, ldif: &str) {
        self.change("-a", ldif);
    }

    fn change(&self, how: &str, ldif: &str) {
        let mut command = Command::new(tools::debian_program("ldapmodify"));
        command.args(["-x", how, "-D", ADMIN.0, "-w", ADMIN.1, "-H", &self.url()]);
        feed("ldapmodify", command, ldif);
    }

    /// The value of an attribute.
    ///
    /// # Panics
    /// When there is none.
    pub fn attribute(&self, dn: &str, name: &str) -> String {
        let mut command = Command::new(tools::debian_program("ldapsearch"));
        command.args(["-x", "-LLL", "-o", "ldif-wrap=no", "-D", ADMIN.0, "-w", ADMIN.1, "-H", &self.url()]);
        command.args(["-s", "base", "-b", dn, name]);
        let output = command.output().unwrap_or_else(|error| panic!("ldapsearch: {error}"));
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let value = told.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        value.unwrap_or_else(|| panic!("no {name} at {dn}: {told}")).to_owned()
    }

    /// Stops answering without hanging up.
    pub fn pause(&mut self) {
        self.process.signal(Signal::Pause);
    }

    /// Answers again.
    pub fn go_on(&mut self) {
        self.process.signal(Signal::Continue);
    }

    /// Starts it again after it was stopped.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.process.stop();
        self.process = launch(&self.scratch, (self.port, self.tls_port));
        self.process.wait_port(self.port, limits::PEER_START);
    }
}

fn launch(scratch: &Scratch, (port, tls_port): (u16, u16)) -> Process {
    let mut command = Command::new(tools::debian_program("slapd"));
    command.args(["-d", "0", "-f"]).arg(scratch.join("slapd.conf"));
    command.args(["-h", &format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}")]);
    Process::start("slapd", command, &scratch.join("log"))
}

/// Fills the database before the server runs: quick, and with what only the server itself writes.
fn fill(scratch: &Scratch, ldif: &str) {
    let mut command = Command::new(tools::debian_program("slapadd"));
    command.args(["-q", "-f"]).arg(scratch.join("slapd.conf"));
    feed("slapadd", command, ldif);
}

fn feed(name: &str, mut command: Command, ldif: &str) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {name}: {error}"));
    let mut input = child.stdin.take().expect("it is piped");
    let text = ldif.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap_or_else(|error| panic!("{name}: {error}"));
    let _ = writer.join();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {complaint}\n{ldif:.2000}");
}
