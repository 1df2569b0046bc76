//! A file system of tests: the real one, whose steps fail, or end the process, as a test says.
//! Never does anything more once the process is dead.

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

/// What becomes of it.
#[derive(Debug)]
pub enum Verdict {
    /// It is done.
    Go,
    /// It is not.
    Fail(io::Error),
    /// Half of what is written is, and then no more.
    Half(io::Error),
    /// The process ends before it.
    Die,
}

/// What a process ends with.
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
    /// Asks `rule` about each step and the name it is about. It lives as long as the tests.
    pub fn new(rule: impl FnMut(Step, &str) -> Verdict + Send + 'static) -> &'static Self {
        let state =
            State { rule: Box::new(rule), steps: Vec::new(), is_dead: false, runtime: None };
        Box::leak(Box::new(Self(Mutex::new(state))))
    }

    /// Where locks of this machine lie.
    pub fn set_runtime_folder(&self, path: PathBuf) {
        self.state().runtime = Some(path);
    }

    /// What has been done or tried so far.
    pub fn steps(&self) -> Vec<Step> {
        self.state().steps.clone()
    }

    /// Nothing is done any more.
    pub fn kill(&self) -> ! {
        self.state().is_dead = true;
        std::panic::resume_unwind(Box::new(Killed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Half of it is done where the answer is `Some`.
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
