//! Samba as an Active Directory domain controller, in one process, on a loopback address of its own: its ports are the
//! well-known ones.

use crate::limits;
use crate::peers::authority::Authority;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
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

fn finish(name: &str, mut command: Command, scratch: &Scratch) {
    let output = command.current_dir(scratch.path()).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{name}: {}\n{}", output.status, String::from_utf8_lossy(&told));
}
