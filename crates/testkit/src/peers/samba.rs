//! Samba as an Active Directory domain controller, in one process, on a loopback address of its own: its ports are the
//! well-known ones.

use crate::echo::{Echo, Reply};
use crate::limits;
use crate::peers::authority::Authority;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Who reads, and the password.
pub const READER: (&str, &str) = ("CN=svc-ldap,CN=Users,DC=ad,DC=example,DC=test", "Svc-pw1 of the domain");

/// Makes people and groups in one transaction, straight on the database; asking the server for each takes a second.
const SEED: &str = include_str!("samba.py");

/// A running domain.
pub struct Samba {
    address: String,
    /// The program.
    pub process: Process,
    scratch: Scratch,
    authority: Authority,
}

impl Samba {
    /// The domain the tests of this program share; it ends with the last one that uses it.
    ///
    /// # Panics
    /// When it cannot be made or started.
    pub fn shared() -> Arc<Samba> {
        static SHARED: Mutex<Weak<Samba>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let started = Arc::new(Samba::start());
        *shared = Arc::downgrade(&started);
        started
    }

    fn start() -> Samba {
        let number = std::process::id();
        let address = format!("127.{}.{}.{}", 64 + (number >> 16) % 64, (number >> 8) % 256, number % 256);
        let authority = Authority::new();
        let certificate = authority.issue("dc1", &format!("DNS:dc1.ad.example.test,IP:{address}"), 30);
        let scratch = Scratch::new("samba");
        let log = scratch.join("log");
        let mut provision = Command::new(tools::debian_program("samba-tool"));
        provision.args(["domain", "provision", "--realm=AD.EXAMPLE.TEST", "--domain=ADEX", "--server-role=dc"]);
        provision.args(["--dns-backend=SAMBA_INTERNAL", "--adminpass=Passw0rd!Adm1n", "--host-name=dc1"]);
        provision.arg(format!("--host-ip={address}")).arg(format!("--targetdir={}", scratch.join("dc").display()));
        provision.arg(format!("--option=interfaces={address}/8"));
        provision.args(["--option=bind interfaces only=yes", "--option=dns forwarder="]);
        finish("provision", provision, &scratch);
        let mut seed = Command::new("/usr/bin/python3");
        seed.arg(scratch.write("seed.py", SEED)).arg(scratch.join("dc")).arg(READER.1);
        finish("seed", seed, &scratch);
        let mut command = Command::new(tools::debian_program("samba"));
        command.args(["-F", "--no-process-group", "-M", "single", "-d", "1", "--debug-stdout", "-s"]);
        command.arg(scratch.join("dc/etc/smb.conf"));
        command.arg("--option=server services=rpc, ldap, cldap, kdc, dns");
        command.args(["--option=dcerpc endpoint servers=epmapper, samr, lsarpc, netlogon, drsuapi"]);
        command.arg("--option=disable netbios=yes");
        command.arg(format!("--option=tls keyfile={}", certificate.key.display()));
        command.arg(format!("--option=tls certfile={}", certificate.certificate.display()));
        command.arg(format!("--option=tls cafile={}", authority.certificate().display()));
        command.arg("--option=tls priority=NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2:+VERS-TLS1.3");
        let process = Process::start("samba", command, &log);
        let mut samba = Samba { address, process, scratch, authority };
        let place: SocketAddr = format!("{}:636", samba.address).parse().expect("an address");
        let answers = |_: &Process| TcpStream::connect_timeout(&place, Duration::from_secs(1)).is_ok();
        samba.process.wait_ready("LDAPS", limits::APPLICATION_START, answers);
        samba
    }

    /// By TLS.
    pub fn tls_url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// In clear, for StartTLS.
    pub fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// Who vouches for it.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Where the keys of a service are, written now.
    ///
    /// # Panics
    /// When they cannot be had.
    pub fn keytab(&self, service: &str) -> PathBuf {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let path = self.scratch.join(&format!("keytab-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let (file, principal) = (path.display().to_string(), format!("--principal={service}"));
        self.tool(&["domain", "exportkeytab", &file, &principal]);
        path
    }

    /// Somebody at a computer of the domain, with a ticket of `lifetime`, such as `10h`.
    ///
    /// # Panics
    /// When the domain gives none.
    pub fn computer(&self, name: &str, password: &str, lifetime: &str) -> Computer {
        let scratch = Scratch::new("computer");
        let settings = format!(
            "[libdefaults]\ndefault_realm = AD.EXAMPLE.TEST\ndns_lookup_kdc = false\nrdns = false\n\
             dns_canonicalize_hostname = false\n[realms]\nAD.EXAMPLE.TEST = {{\nkdc = {}\n}}\n",
            self.address
        );
        scratch.write("krb5.conf", &settings);
        let computer = Computer { scratch };
        let mut command = Command::new(tools::debian_program("kinit"));
        command.args(["-l", lifetime, name]).envs(computer.environment());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut asking = command.spawn().unwrap_or_else(|error| panic!("cannot run kinit: {error}"));
        let mut typed = asking.stdin.take().expect("a pipe");
        typed.write_all(format!("{password}\n").as_bytes()).expect("kinit reads");
        drop(typed);
        let output = asking.wait_with_output().expect("kinit ends");
        assert!(output.status.success(), "kinit: {}", String::from_utf8_lossy(&output.stderr));
        computer
    }

    /// Runs samba-tool on the domain's own database.
    ///
    /// # Panics
    /// When it fails.
    pub fn tool(&self, arguments: &[&str]) {
        let mut command = Command::new(tools::debian_program("samba-tool"));
        command.args(arguments).arg("-s").arg(self.scratch.join("dc/etc/smb.conf"));
        finish("tool", command, &self.scratch);
    }
}

/// A computer of the domain somebody has signed in at.
pub struct Computer {
    scratch: Scratch,
}

impl Computer {
    /// What programs there find in their environment.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [("KRB5_CONFIG", self.scratch.join("krb5.conf")), ("KRB5CCNAME", self.scratch.join("tickets"))]
    }

    /// Runs curl, which shows tickets of whoever is at the computer; what it prints.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn curl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "30", "--negotiate", "--user", ":"]).args(arguments);
        let output = command.envs(self.environment()).stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|error| panic!("cannot run curl: {error}"));
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// What a browser there would show to a host, `Negotiate …`.
    ///
    /// # Panics
    /// When it has no ticket for it.
    pub fn shown_to(&self, host: &str) -> String {
        let listener = Echo::start_with(|_| Reply {
            status: 401,
            headers: vec![("WWW-Authenticate".to_owned(), "Negotiate".to_owned())],
            body: Vec::new(),
        });
        let told = self.curl(&[&format!("http://{host}:{}/", listener.port())]);
        let seen = listener.take();
        let shown = seen.iter().find_map(|seen| seen.header("authorization"));
        shown.unwrap_or_else(|| panic!("curl showed nothing: {told}")).to_owned()
    }
}

fn finish(name: &str, mut command: Command, scratch: &Scratch) {
    let output = command.current_dir(scratch.path()).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{name}: {}\n{}", output.status, String::from_utf8_lossy(&told));
}
