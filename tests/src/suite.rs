//! Runs the cases of one test program: a shared world, one name for each rule, a verdict.
//! Never hides a missing component, and never leaves the world running.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use anyhow::{Context as _, Error};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::child;
use crate::components::{Components, Missing};

type Start<W> = fn(&Arc<Components>) -> anyhow::Result<W>;
type Body<W> = fn(&W) -> anyhow::Result<()>;

/// The cases of one test program, all on one world that is started when the first case needs it.
///
/// `cargo test` starts each test program on its own; the standard harness would never stop what a
/// `static` holds, hence a harness of our own with the same command line and the same output.
pub struct Suite<W> {
    start: Start<W>,
    cases: Vec<(&'static str, Body<W>)>,
}

impl<W: Send + Sync + 'static> Suite<W> {
    /// A suite whose world is made by `start`.
    pub fn new(start: Start<W>) -> Self {
        Self { start, cases: Vec::new() }
    }

    /// Adds a case. Its name states the rule it checks.
    #[must_use]
    pub fn case(mut self, rule: &'static str, body: Body<W>) -> Self {
        self.cases.push((rule, body));
        self
    }

    /// Adds the cases of a file of the suite.
    #[must_use]
    pub fn cases(mut self, cases: &[(&'static str, Body<W>)]) -> Self {
        self.cases.extend_from_slice(cases);
        self
    }

    /// Runs the cases that the command line asks for, then stops the world.
    pub fn run(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        // Cases mostly wait: for a token to expire, for a server to start.
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        arguments.test_threads.get_or_insert(2 * cores);
        let world = Arc::new(World {
            components: Components::from_environment(),
            start: self.start,
            value: OnceLock::new(),
            starting: Mutex::new(()),
        });
        let trials = self
            .cases
            .into_iter()
            .map(|(rule, body)| {
                let world = Arc::clone(&world);
                Trial::test(rule, move || world.check(rule, body))
            })
            .collect();
        let conclusion = libtest_mimic::run(&arguments, trials);
        drop(world);
        conclusion.exit_code()
    }
}

struct World<W> {
    components: Arc<Components>,
    start: Start<W>,
    value: OnceLock<Result<W, Arc<Error>>>,
    starting: Mutex<()>,
}

impl<W> World<W> {
    fn value(&self) -> Result<&W, Arc<Error>> {
        // One case starts the world; the others wait for it here.
        let starting = self.starting.lock();
        let value = self.value.get_or_init(|| (self.start)(&self.components).map_err(Arc::new));
        drop(starting);
        value.as_ref().map_err(Arc::clone)
    }

    fn check(&self, rule: &str, body: Body<W>) -> Result<(), Failed> {
        let outcome = match self.value() {
            Ok(world) => body(world).map_err(Arc::new),
            Err(error) => Err(error),
        };
        let Err(error) = outcome else { return Ok(()) };
        if let Some(missing) = error.downcast_ref::<Missing>() {
            return self.leave_out(rule, missing).map_err(|error| format!("{error:#}").into());
        }
        Err(format!("{error:#}\n{}", child::last_words()).into())
    }

    fn leave_out(&self, rule: &str, missing: &Missing) -> anyhow::Result<()> {
        anyhow::ensure!(!self.components.all_are_required(), "left out with `CI=true`: {missing}");
        let line = format!("{rule}: {missing}\n");
        let Some(file) = self.components.skipped_file() else {
            return std::io::stderr()
                .write_all(format!("skipped {line}").as_bytes())
                .context("could not write to stderr");
        };
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .with_context(|| format!("could not write `{}`", file.display()))
    }
}
