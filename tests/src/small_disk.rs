//! A file system that is full: a tmpfs of a few pages, mounted where root may.
//! Never left mounted.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::geteuid;

use crate::command::run;
use crate::components::{Components, Missing};
use crate::scratch::Scratch;

const LIMIT: Duration = Duration::from_secs(20);

/// A mounted file system of 64 KiB.
pub struct SmallDisk {
    umount: PathBuf,
    folder: PathBuf,
    _scratch: Scratch,
}

impl SmallDisk {
    /// Mounts it, with a folder of mode 0700 as its root.
    pub fn mount(components: &Components) -> Result<Self> {
        if !geteuid().is_root() {
            return Err(Missing::because("only root can mount a file system to fill").into());
        }
        let scratch = Scratch::new()?;
        let folder = scratch.folder("disk")?;
        let umount = components.system_program("umount")?;
        let mut mount = Command::new(components.system_program("mount")?);
        mount.args(["-t", "tmpfs", "-o", "size=64k,mode=0700", "login-test"]).arg(&folder);
        let mounted = run(&mut mount, LIMIT)?;
        if mounted.code != Some(0) {
            // A container's root often may not.
            return Err(Missing::because(format!("could not mount a tmpfs: {mounted}")).into());
        }
        Ok(Self { umount, folder, _scratch: scratch })
    }

    /// Its root.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes until the file system is full.
    pub fn fill(&self) -> Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("filling"))
            .context("could not begin to fill the disk")?;
        while file.write_all(&[0; 512]).is_ok() {}
        Ok(())
    }

    /// Frees the space again.
    pub fn empty(&self) -> Result<()> {
        fs::remove_file(self.folder.join("filling")).context("could not make room")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = run(Command::new(&self.umount).arg(&self.folder), LIMIT);
    }
}
