//! Secrets of the Kubernetes cluster this program runs in, by the account its pod has. Account and authority are read for
//! every use: the cluster replaces the token every hour.

use crate::limits;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_outbound::{Answer, Outbound, Reach, Setup};
use doorward_world::secrets::{self, Told};
use http::StatusCode;
use http::header::HeaderValue;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where a pod has its account, unless a variable says otherwise.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const ACCOUNT_VARIABLE: &str = "DOORWARD_SERVICE_ACCOUNT";

/// The cluster around this program.
struct Around;

/// Lets references to Secrets be read.
pub fn introduce() {
    secrets::ask(Around);
}

impl secrets::Cluster for Around {
    fn read<'a>(&'a self, namespace: &'a str, name: &'a str, key: &'a str) -> Told<'a> {
        Box::pin(async move {
            let read = read(namespace, name, key).await;
            read.map_err(|why| format!("secret {name} of namespace {namespace}: {why}"))
        })
    }
}

async fn read(namespace: &str, name: &str, key: &str) -> Result<Zeroizing<String>, String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let host = variable("KUBERNETES_SERVICE_HOST")
        .ok_or("KUBERNETES_SERVICE_HOST is not set: such a reference is read inside a pod of the cluster")?;
    let port = variable("KUBERNETES_SERVICE_PORT").unwrap_or_else(|| "443".to_owned());
    let account = variable(ACCOUNT_VARIABLE).map_or_else(|| PathBuf::from(ACCOUNT), PathBuf::from);
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let url = format!("https://{host}:{port}/api/v1/namespaces/{namespace}/secrets/{name}");
    let answer = ask(&url, &account).await?;
    match answer.status {
        StatusCode::OK => part(&answer.body, key),
        StatusCode::UNAUTHORIZED => Err("the cluster does not take the token of this pod's account".to_owned()),
        StatusCode::FORBIDDEN => {
            Err("this pod's account may not read it: let a Role allow `get` for this secret".to_owned())
        }
        StatusCode::NOT_FOUND => Err("there is none".to_owned()),
        other => Err(format!("the cluster answered {}", other.as_u16())),
    }
}

/// Asks the API server as the pod's account. Where it is, the platform says; nobody but its own authority is believed.
async fn ask(url: &str, account: &Path) -> Result<Answer, String> {
    let token = file(&account.join("token")).await?;
    let shown = Zeroizing::new([b"Bearer ", token.trim_ascii_end()].concat());
    let mut shown = HeaderValue::from_bytes(&shown).map_err(|_| "its account's token is no text")?;
    shown.set_sensitive(true);
    let authority = account.join("ca.crt");
    let setup = Setup {
        reach: Reach::and(vec![everywhere_v4(), everywhere_v6()]),
        more_roots: Some(file(&authority).await?.to_vec()),
        only_more_roots: true,
        ..Setup::default()
    };
    let outbound = Outbound::new(setup).map_err(|why| format!("{}: {why}", authority.display()))?;
    outbound.get_as(url, Some(shown)).await.map_err(|why| format!("the cluster cannot be asked: {why}"))
}

/// What stands under a key of a Secret (Kubernetes API, `core/v1`).
fn part(body: &[u8], key: &str) -> Result<Zeroizing<String>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "the cluster's answer is no JSON")?;
    let data = body.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
    let data = data.ok_or_else(|| format!("it has no key {key}"))?;
    let wrong = |why: String| format!("what stands under {key} {why}");
    let clear = STANDARD.decode(data).map(Zeroizing::new).map_err(|_| wrong("is no base64".to_owned()))?;
    let text = std::str::from_utf8(&clear).map_err(|_| wrong("is no text".to_owned()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    match text.len() as u64 {
        0 => Err(wrong("is empty".to_owned())),
        1..=limits::SECRET_BYTES => Ok(Zeroizing::new(text.to_owned())),
        _ => Err(wrong(format!("has more than {} bytes", limits::SECRET_BYTES))),
    }
}

async fn file(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let read = tokio::fs::read(path).await.map(Zeroizing::new);
    read.map_err(|why| format!("{}: {why}", path.display()))
}

fn everywhere_v4() -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0))
}

fn everywhere_v6() -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0))
}
