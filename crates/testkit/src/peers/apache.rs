//! Apache with mod_auth_openidc: a web server that signs people in itself and tells the tool behind it who came.

use std::process::Command;

use crate::peers::Peer;
use crate::scratch::Scratch;
use crate::tools;

/// The user Debian's package runs its workers as; the server refuses to serve as root.
const WORKERS: &str = "www-data";

/// How Apache stands between people and a tool.
#[derive(Clone, Debug)]
pub struct ApacheOptions<'a> {
    /// The port it listens on; its callback is `http://127.0.0.1:PORT/tool/callback`.
    pub port: u16,
    /// Port of the tool behind it, told of people at `/tool`.
    pub upstream_port: u16,
    /// Lines that say which provider it trusts.
    pub provider: &'a str,
    /// Its `client_id`.
    pub client_id: &'a str,
    /// Its secret.
    pub client_secret: &'a str,
    /// The group that may enter.
    pub group: &'a str,
}

/// Starts Apache.
///
/// # Panics
/// When it does not start.
pub fn apache(options: &ApacheOptions<'_>) -> Peer {
    let scratch = Scratch::new("apache");
    let config = scratch.write("httpd.conf", &config_text(options));
    let mut command = Command::new(tools::debian_program("apache2"));
    command.arg("-f").arg(config).arg("-DFOREGROUND").current_dir(scratch.path());
    Peer::start("apache", options.port, command, scratch)
}

fn config_text(options: &ApacheOptions<'_>) -> String {
    let ApacheOptions { port, upstream_port, provider, client_id, client_secret, group } = options;
    let modules =
        ["mpm_event", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http", "auth_openidc"]
            .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
            .concat();
    format!(
        "ServerRoot @DIR@
DefaultRuntimeDir @DIR@
PidFile @DIR@/pid
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
ErrorLog /dev/stderr
LogLevel info
{modules}User {WORKERS}
Group {WORKERS}
StartServers 1
{provider}
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI http://127.0.0.1:{port}/tool/callback
OIDCCryptoPassphrase a-passphrase-of-this-test-alone
OIDCScope \"openid profile email groups\"
OIDCPKCEMethod S256
OIDCRemoteUserClaim preferred_username
OIDCPassClaimsAs headers
OIDCClaimDelimiter ,
<Location /tool>
  AuthType openid-connect
  Require claim groups:{group}
  RequestHeader set X-Remote-User \"expr=%{{REMOTE_USER}}\"
  ProxyPass http://127.0.0.1:{upstream_port}/tool
</Location>
<Location /tool/callback>
  ProxyPass !
</Location>
<Location />
  ProxyPass http://127.0.0.1:{upstream_port}/
</Location>
"
    )
}
