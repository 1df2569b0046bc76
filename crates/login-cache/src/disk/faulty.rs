//! A file system for tests: the real one, whose steps fail or kill the process as a test says.
//! Never does anything after the process was killed.

use std::{
    fmt,
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use super::{Access, Disk, Folder, LOCAL, Sharing};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `Disk::folder`
    Folder,
    /// `Disk::open`
    Open(Access),
    /// `Disk::reserve`
    Reserve,
    /// `Disk::write`
    Write,
    /// `Disk::cut`
    Cut,
    /// `Disk::sync`
    Sync,
    /// `Disk::flush`
    Flush,
    /// `Disk::sync_folder`
    SyncFolder,
    /// `Disk::rename`
    Rename,
    /// `Disk::remove`
    Remove,
    /// `Disk::lock`
    Lock,
}

/// The outcome of a step.
#[derive(Debug)]
pub enum Verdict {
    /// It succeeds.
    Go,
    /// It fails.
    Fail(io::Error),
    /// Half of the bytes are written, then it fails.
    Half(io::Error),
    /// The process is killed before it.
    Die,
}

/// The panic payload of a killed process.
#[derive(Debug)]
pub struct Killed;

type Rule = Box<dyn FnMut(Step, &str) -> Verdict + Send>;

struct State {
    rule: Rule,
    steps: Vec<Step>,
    is_dead: bool,
    runtime: Option<PathBuf>,
}

/// The real file system, with faults.
pub struct FaultyDisk(Mutex<State>);

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyDisk")
    }
}

impl FaultyDisk {
    /// Calls `rule` with each step and the file's name. Leaked: it lives as long as the tests.
    pub fn new(rule: impl FnMut(Step, &str) -> Verdict + Send + 'static) -> &'static Self {
        let state =
            State { rule: Box::new(rule), steps: Vec::new(), is_dead: false, runtime: None };
        Box::leak(Box::new(Self(Mutex::new(state))))
    }

    /// Sets the folder for the host's locks.
    pub fn set_runtime_folder(&self, path: PathBuf) {
        self.state().runtime = Some(path);
    }

    /// All steps so far, failed ones included.
    pub fn steps(&self) -> Vec<Step> {
        self.state().steps.clone()
    }

    /// Kills the process: every later step fails.
    pub fn kill(&self) -> ! {
        self.state().is_dead = true;
        std::panic::resume_unwind(Box::new(Killed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// `Some` if the step does half of its work.
    fn enter(&self, step: Step, name: &str) -> io::Result<Option<io::Error>> {
        let mut state = self.state();
        if state.is_dead {
            return Err(io::Error::other("this process has ended"));
        }
        state.steps.push(step);
        match (state.rule)(step, name) {
            Verdict::Go => Ok(None),
            Verdict::Fail(error) => Err(error),
            Verdict::Half(error) => Ok(Some(error)),
            Verdict::Die => {
                drop(state);
                self.kill()
            }
        }
    }

    fn whole(&self, step: Step, name: &str) -> io::Result<()> {
        self.enter(step, name)?.map_or(Ok(()), Err)
    }
}

impl Disk for FaultyDisk {
    fn folder(&self, path: &Path) -> io::Result<Folder> {
        self.whole(Step::Folder, "")?;
        LOCAL.folder(path)
    }

    fn open(&self, folder: &Folder, name: &str, access: Access) -> io::Result<File> {
        self.whole(Step::Open(access), name)?;
        LOCAL.open(folder, name, access)
    }

    fn reserve(&self, file: &File, length: u64) -> io::Result<u64> {
        self.whole(Step::Reserve, "")?;
        LOCAL.reserve(file, length)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        let Some(error) = self.enter(Step::Write, "")? else { return LOCAL.write(file, bytes) };
        LOCAL.write(file, bytes.get(..bytes.len() / 2).unwrap_or_default())?;
        Err(error)
    }

    fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        self.whole(Step::Cut, "")?;
        LOCAL.cut(file, length)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.whole(Step::Sync, "")?;
        LOCAL.sync(file)
    }

    fn flush(&self, file: &File) -> io::Result<()> {
        self.whole(Step::Flush, "")?;
        LOCAL.flush(file)
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        self.whole(Step::SyncFolder, "")?;
        LOCAL.sync_folder(folder)
    }

    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        self.whole(Step::Rename, to)?;
        LOCAL.rename(folder, from, to)
    }

    fn remove(&self, folder: &Folder, name: &str) -> io::Result<()> {
        self.whole(Step::Remove, name)?;
        LOCAL.remove(folder, name)
    }

    fn lock(&self, file: &File, sharing: Sharing) -> Result<(), TryLockError> {
        self.whole(Step::Lock, "").map_err(TryLockError::Error)?;
        LOCAL.lock(file, sharing)
    }

    fn runtime_folder(&self) -> Option<PathBuf> {
        self.state().runtime.clone()
    }
}
