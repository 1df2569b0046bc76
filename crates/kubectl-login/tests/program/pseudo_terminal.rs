//! Runs a program on a terminal of its own, with a user who reads and types.
//! Never outlives its test.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

/// Time limit for every step, generous for a busy host.
const PATIENCE: Duration = Duration::from_secs(30);

/// stdin is `/dev/null` and stdout a pipe; stderr and the controlling terminal are the terminal.
pub(crate) struct PseudoTerminal {
    keyboard: File,
    child: Child,
    screen: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl PseudoTerminal {
    /// Runs `program` on it.
    pub(crate) fn run(program: &Command) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
        let user = OpenOptions::new().read(true).write(true).open(PathBuf::from(name)).unwrap();
        // `setsid --ctty` takes the terminal from its own stdin; the program then gets another one.
        // If the tests run in the background, these signals are ignored in their children, too: a
        // shell cannot undo that, `env` can.
        let mut started = Command::new("setsid");
        started
            .args(["--ctty", "--wait", "env", "--default-signal=INT,HUP,TERM"])
            .args(["sh", "-c", "exec \"$0\" \"$@\" </dev/null"])
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear()
            .env("PATH", "/usr/bin:/bin");
        for (name, value) in program.get_envs() {
            started.env(name, value.unwrap_or_default());
        }
        let child = started
            .stdin(user.try_clone().unwrap())
            .stdout(Stdio::piped())
            .stderr(user)
            .spawn()
            .unwrap();
        drop(started);
        let keyboard = File::from(controller);
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut source, shown) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        // Ends with the last process that has the terminal open.
        let reader = thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = source.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { keyboard, child, screen, reader }
    }

    /// The process id of the program.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that was shown.
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// Waits until `is_so`.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !is_so(self) {
            assert!(begin.elapsed() < PATIENCE, "no {what}; the screen:\n{}", self.screen());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until `text` is shown.
    pub(crate) fn see(&self, text: &str) {
        self.wait(text, |terminal| terminal.screen().contains(text));
    }

    /// Whether the terminal echoes typed keys, as it does by default.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Types.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end, and until all that was shown has been read; returns exit code and stdout.
    pub(crate) fn end(mut self) -> (Option<i32>, String, Self) {
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let code = self.child.wait().unwrap().code();
        self.wait("end of the screen", |terminal| terminal.reader.is_finished());
        (code, text, self)
    }
}

impl Drop for PseudoTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
