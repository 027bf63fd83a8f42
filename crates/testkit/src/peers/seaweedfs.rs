//! SeaweedFS: an object store that gives temporary credentials for a token, by the call MinIO and AWS have for it
//! (`AssumeRoleWithWebIdentity`). Driven by boto3, as a data tool would.

use std::process::Command;

use serde_json::{Value, json};

use crate::encoding::base64;
use crate::limits;
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;

const CLIENT: &str = include_str!("seaweedfs.py");

/// Whose tokens it takes. Holders of the role `writers` may do everything in buckets, `readers` may only read.
#[derive(Clone, Debug)]
pub struct SeaweedOptions<'a> {
    /// `iss` of good tokens.
    pub issuer: &'a str,
    /// Where the keys are.
    pub jwks: &'a str,
    /// `aud` of good tokens.
    pub client_id: &'a str,
    /// The claim that names the person's roles.
    pub claim: &'a str,
}

/// A running object store.
pub struct SeaweedFs {
    port: u16,
    /// The program.
    pub process: Process,
    scratch: Scratch,
    sockets: Vec<String>,
}

impl Drop for SeaweedFs {
    fn drop(&mut self) {
        self.process.stop();
        for socket in &self.sockets {
            let _ = std::fs::remove_file(socket);
        }
    }
}

impl SeaweedFs {
    /// Starts one with an empty store.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(options: &SeaweedOptions<'_>) -> SeaweedFs {
        let scratch = Scratch::new("seaweedfs");
        let iam = scratch.write("iam.json", &format!("{:#}", rules(options)));
        std::fs::create_dir(scratch.join("store")).expect("the scratch directory can be written");
        let port = free_port();
        let mut command = Command::new(tools::clients_program("weed"));
        command.current_dir(scratch.path()).env("HOME", scratch.path());
        command.args(["server", "-dir=store", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]);
        command.arg(format!("-s3.port={port}")).arg(format!("-s3.iam.config={}", iam.display()));
        // Each part would else take its usual port, and a second one ten thousand above it.
        // It leaves sockets named by these ports behind.
        let mut sockets = vec![format!("/tmp/seaweedfs-s3-{port}.sock")];
        for part in ["master", "volume", "filer", "s3"] {
            if part != "s3" {
                command.arg(format!("-{part}.port={}", free_port()));
            }
            let grpc = free_port();
            command.arg(format!("-{part}.port.grpc={grpc}"));
            sockets.push(format!("/tmp/seaweedfs-{part}-grpc-{grpc}.sock"));
        }
        // Else it takes nothing when a hundredth of the disk is all that is left, however large that is.
        command.arg("-volume.minFreeSpace=16MiB");
        // Further interfaces at fixed ports, and figures sent to its makers.
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]);
        let mut process = Process::start("weed", command, &scratch.join("log"));
        process.wait_port(port, limits::APPLICATION_START);
        SeaweedFs { port, process, scratch, sockets }
    }

    /// Takes a role with a token and uses it: puts an object, reads it back, lists the bucket. What each step gave, or
    /// the store's error code.
    ///
    /// # Panics
    /// When the client program breaks.
    pub fn use_token(&self, role: &str, token: &str) -> Value {
        let mut command = Command::new(tools::clients_program("python"));
        command.arg(self.scratch.write("client.py", CLIENT));
        command.env("ENDPOINT", format!("http://127.0.0.1:{}", self.port));
        command.env("ROLE", role_name(role)).env("TOKEN", token);
        super::told(command)
    }
}

fn role_name(role: &str) -> String {
    format!("arn:aws:iam::role/{role}")
}

fn rules(options: &SeaweedOptions<'_>) -> Value {
    let mapping: Vec<Value> = ["writers", "readers"]
        .iter()
        .map(|role| json!({"claim": options.claim, "value": role, "role": role_name(role)}))
        .collect();
    // A role is for those whose claim names it: without a condition everybody with a good token could take it.
    let key = format!("oidc:{}", options.claim);
    let trust = |role: &str| {
        let statement = json!({
            "Effect": "Allow",
            "Principal": {"Federated": "*"},
            "Action": ["sts:AssumeRoleWithWebIdentity"],
            "Condition": {"ForAnyValue:StringEquals": {&key: [role]}},
        });
        json!({"Version": "2012-10-17", "Statement": [statement]})
    };
    let policy = |name: &str, actions: &[&str]| {
        let resources = ["arn:aws:s3:::*", "arn:aws:s3:::*/*"];
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resources});
        json!({"name": name, "document": {"Version": "2012-10-17", "Statement": [statement]}})
    };
    let role = |name: &str, policy: &str| json!({"roleName": name, "roleArn": role_name(name), "trustPolicy": trust(name), "attachedPolicies": [policy]});
    let provider = json!({
        "issuer": options.issuer,
        "clientId": options.client_id,
        "jwksUri": options.jwks,
        "roleMapping": {"rules": mapping},
    });
    json!({
        "sts": {
            "tokenDuration": "1h",
            "maxSessionLength": "12h",
            "issuer": "seaweedfs-sts",
            "signingKey": base64(b"a key of this test and nothing!!"),
        },
        "providers": [{"name": "doorward", "type": "oidc", "enabled": true, "config": provider}],
        "policy": {"defaultEffect": "Deny"},
        "policies": [policy("everything", &["s3:*"]), policy("reading", &["s3:GetObject", "s3:ListBucket", "s3:ListAllMyBuckets"])],
        "roles": [role("writers", "everything"), role("readers", "reading")],
    })
}
