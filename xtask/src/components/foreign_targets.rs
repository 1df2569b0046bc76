//! Requirements of type-checking for other systems: Rust's target, and a C compiler for the crypto
//! library. Never needed to build or test here; never links.

use super::{cache, system_packages};
use crate::children;
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Another system than this one.
#[derive(Clone, Copy)]
pub(crate) enum System {
    Windows,
    Macos,
}

/// Ready to check, or the reason why not.
pub(crate) enum Provided {
    /// Ready with these variables for cargo.
    Ready(Vec<(&'static str, PathBuf)>),
    LeftOut(String),
}

impl System {
    pub(crate) const ALL: [Self; 2] = [Self::Windows, Self::Macos];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Macos => "macos",
        }
    }

    pub(crate) fn target(self) -> &'static str {
        match self {
            Self::Windows => "x86_64-pc-windows-gnu",
            Self::Macos => "x86_64-apple-darwin",
        }
    }

    /// A target that rustup has and could not install is an error.
    pub(crate) fn provide(self) -> Result<Provided> {
        if let Some(reason) = add(self.target())? {
            return Ok(Provided::LeftOut(reason));
        }
        let needed = match self {
            Self::Windows => &system_packages::FOR_WINDOWS[..],
            Self::Macos => &system_packages::FOR_MACOS[..],
        };
        if let Some(missing) = system_packages::provide(needed)?.into_iter().next() {
            return Ok(Provided::LeftOut(missing));
        }
        Ok(Provided::Ready(match self {
            Self::Windows => Vec::new(),
            Self::Macos => {
                let zig = zig()?;
                vec![
                    ("CC_x86_64_apple_darwin", zig.join("cc-for-macos")),
                    ("AR_x86_64_apple_darwin", zig.join("ar")),
                ]
            }
        }))
    }
}

/// Why the target is left out, if it is.
fn add(target: &str) -> Result<Option<String>> {
    if !is_installed(target)? {
        if children::on_path("rustup").is_none() {
            return Ok(Some(format!("Rust's target {target} is not installed")));
        }
        eprintln!("adding Rust's target {target} …");
        let mut add = Command::new("rustup");
        children::text(add.args(["target", "add", target]))
            .with_context(|| format!("could not add Rust's target {target}"))?;
        if !is_installed(target)? {
            bail!("rustup added {target} to another toolchain than the one that runs");
        }
    }
    Ok(None)
}

fn is_installed(target: &str) -> Result<bool> {
    let mut rustc = Command::new("rustc");
    let libraries = children::text(rustc.args(["--print", "target-libdir", "--target", target]))?;
    Ok(Path::new(&libraries).is_dir())
}

/// Zig's wheel carries clang with the C headers of macOS.
const ZIG: &str = "ziglang==0.17.1 \
     --hash=sha256:ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54\n";

/// clang spells the target differently from Zig, and Zig has its own headers.
const COMPILER: &str = r#"#!/usr/bin/env bash
words=()
while [ $# -gt 0 ]; do
    case "$1" in
        -arch | -isysroot) shift ;;
        --target=* | -mmacosx-version-min=*) ;;
        *) words+=("$1") ;;
    esac
    shift
done
exec "${0%/*}/ziglang/zig" cc -target x86_64-macos "${words[@]}"
"#;

const ARCHIVER: &str = "#!/usr/bin/env bash\nexec \"${0%/*}/ziglang/zig\" ar \"$@\"\n";

fn zig() -> Result<PathBuf> {
    let key = format!("zig-{}", cache::digest(format!("{ZIG}{COMPILER}{ARCHIVER}").as_bytes()));
    cache::part(&key, |folder| {
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, ZIG)?;
        let mut install = Command::new("python3");
        install
            .args(["-m", "pip", "install", "--no-deps", "--require-hashes", "--target"])
            .arg(folder)
            .arg("-r")
            .arg(&requirements);
        children::patiently("downloading Zig", &cache::log(&key)?, &mut install)?;
        for (name, script) in [("cc-for-macos", COMPILER), ("ar", ARCHIVER)] {
            let path = folder.join(name);
            fs::write(&path, script)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    })
}
