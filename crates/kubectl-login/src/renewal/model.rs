//! Model test of renewals: random schedules of calls, kills, disk and keyring faults, issuer
//! responses and clock steps, against the real cache, lock, flows and sockets.
//! Never uses a real clock; never combines faults of which one hides the other.
//!
//! On disk: `issuer` is the issuer of the model, which knows which tokens are spent.

mod issuer;

use std::{
    cell::RefCell,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use login_cache::disk::{
    Access, LOCAL,
    faulty::{FaultyDisk, Killed, Step, Verdict},
};
use login_cache::{
    entry::Entry,
    freshness::Freshness,
    key_store::{KeyFile, KeyStore, KeyTrouble},
    refresh_secret::RefreshSecrets,
    store::Directory,
};
use login_common::{
    UnixTime,
    exec_credential::ExecApiVersion,
    schedules::{Dice, each_schedule},
};
use zeroize::Zeroizing;

use super::Renewal;
use crate::{
    options::{
        layers::{Layers, Settings},
        origin::Origin,
        target::Target,
        typed,
    },
    report::Failure,
    system::{
        System,
        clock::Clock,
        environment::{NoEnvironment, Overlay},
        terminal::Terminal,
    },
};
use issuer::{Issuer, Manner};

/// What a call is satisfied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    AnyToken,
    /// `--force-refresh`
    NewToken,
}

/// The disk fault of a call.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    /// Each step of a kind, from the n-th step of the call on.
    Kind(Step, usize),
    /// The n-th step, whatever it is.
    Once(usize),
    /// From the n-th step on, writes are cut in half.
    Half(usize),
    /// The process ends before the n-th step.
    Kill(usize),
}

const KINDS: [Step; 11] = [
    Step::Folder,
    Step::Open(Access::Create),
    Step::Open(Access::Change),
    Step::Open(Access::ChangeOrCreate),
    Step::Reserve,
    Step::Write,
    Step::Cut,
    Step::Sync,
    Step::Rename,
    Step::Remove,
    Step::Lock,
];

fn disk(fault: Fault) -> &'static FaultyDisk {
    let count = AtomicUsize::new(0);
    FaultyDisk::new(move |step, _| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        match fault {
            Fault::Kind(kind, first) if step == kind && number >= first => Verdict::Fail(full()),
            Fault::Once(at) if number == at => Verdict::Fail(full()),
            Fault::Half(first) if step == Step::Write && number >= first => Verdict::Half(full()),
            Fault::Kill(at) if number == at => Verdict::Die,
            _ => Verdict::Go,
        }
    })
}

struct ModelClock(Arc<AtomicI64>);

impl Clock for ModelClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Default)]
struct Said(RefCell<Vec<String>>);

impl Terminal for Said {
    fn say(&self, line: &str) {
        self.0.borrow_mut().push(line.to_owned());
    }
    fn ask(&self, line: &str) {
        self.say(line);
    }
    fn is_watched(&self) -> bool {
        false
    }
    fn detail(&self, line: &str) {
        self.say(line);
    }
}

/// A keyring whose desktop may lock it or disappear at any time.
#[derive(Clone, Default)]
struct ModelKeyring(Rc<RefCell<(Option<String>, bool)>>);

impl KeyStore for ModelKeyring {
    fn load(&self) -> Result<Option<Zeroizing<String>>, KeyTrouble> {
        self.unlock()?;
        Ok(self.0.borrow().0.clone().map(Zeroizing::new))
    }
    fn unlock(&self) -> Result<(), KeyTrouble> {
        if self.0.borrow().1 { Err(KeyTrouble::Slow(3)) } else { Ok(()) }
    }
    fn save(&self, text: &str) -> Result<(), KeyTrouble> {
        self.unlock()?;
        self.0.borrow_mut().0 = Some(text.to_owned());
        Ok(())
    }
    fn remove(&self) -> Result<(), KeyTrouble> {
        self.unlock()?;
        self.0.borrow_mut().0 = None;
        Ok(())
    }
}

struct World {
    issuer: Issuer,
    target: Target,
    folder: std::path::PathBuf,
    clock: Arc<AtomicI64>,
    keyring: ModelKeyring,
    _scratch: tempfile::TempDir,
}

/// The result of a call; `None` if it was killed.
type Outcome = Option<Result<Zeroizing<String>, Failure>>;

impl World {
    fn new(storage: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("cache");
        let clock = Arc::new(AtomicI64::new(1_800_000_000));
        let issuer = Issuer::start(Arc::clone(&clock));
        let line = format!(
            "get-token --issuer-url {} --client-id k --use-access-token --flow password \
             --username alice --password hunter2 --token-cache-dir {} --token-cache-storage {storage}",
            issuer.url,
            folder.display(),
        );
        let words: Vec<std::ffi::OsString> = line.split_whitespace().map(Into::into).collect();
        let typed = typed::strict(&words).unwrap();
        let settings = Settings::resolve(&Layers {
            typed: &typed,
            typed_origin: &Origin::CommandLine,
            environment: &NoEnvironment,
            cluster: None,
            configuration: None,
        })
        .unwrap();
        let target = Target::check(&settings, &NoEnvironment).unwrap();
        let keyring = ModelKeyring::default();
        Self { issuer, target, folder, clock, keyring, _scratch: scratch }
    }

    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.clock.load(Ordering::SeqCst))
    }

    /// The cached entry.
    fn cached(&self) -> Option<Entry> {
        let key = &self.target.cache_key;
        Entry::load(&Directory::new(self.folder.clone()), key)
    }

    fn is_kept_good(&self) -> bool {
        self.cached().is_some_and(|entry| entry.lifetime.at(self.now()) != Freshness::Expired)
    }

    /// Runs one process.
    fn call(&self, fault: Fault, wish: Wish) -> (Outcome, Vec<String>) {
        let variables = [("HOME".to_owned(), "/dev/null".to_owned())];
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        let (clock, said) = (ModelClock(Arc::clone(&self.clock)), Said::default());
        let system = System { clock: &clock, environment: &environment, terminal: &said };
        let disk = disk(fault);
        let directory = Directory::on(disk, self.folder.clone());
        let keys = directory.beside(self.folder.with_file_name("keys"));
        let secrets = RefreshSecrets::new(
            &directory,
            Box::new(self.keyring.clone()),
            Box::new(KeyFile::new(Some(keys), "a")),
            "machine".to_owned(),
        );
        let target = Target { force_refresh: wish == Wish::NewToken, ..self.target.clone() };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            Renewal::with(&system, &target, secrets).answer(ExecApiVersion::V1)
        }));
        let outcome = match outcome {
            Ok(outcome) => Some(outcome),
            Err(panic) if panic.is::<Killed>() => None,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        (outcome, said.0.into_inner())
    }
}

/// The token in an answer, which must be complete.
fn token(answer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    assert_eq!(answer["kind"], "ExecCredential");
    answer["status"]["token"].as_str().unwrap().to_owned()
}

fn walk(seed: u64, storage: &str, steps: usize) {
    let mut chance = Dice::new(seed);
    let world = World::new(storage);
    let mut trace = Vec::new();
    for number in 0..steps {
        // The clock advances, jumps, or is set back.
        let step = match chance.below(10) {
            0 => -chance.below(2000),
            1 => chance.below(5000),
            _ => chance.below(300),
        };
        world.clock.fetch_add(step, Ordering::SeqCst);
        if chance.below(8) == 0 {
            let mut keyring = world.keyring.0.borrow_mut();
            keyring.1 = !keyring.1;
        }
        let manner = chance.one_of(&[
            Manner::Rotate,
            Manner::Rotate,
            Manner::Rotate,
            Manner::Same,
            Manner::Outage,
            Manner::Refuse,
            Manner::Lose,
            Manner::Nonsense,
        ]);
        let at = chance.below(60);
        let fault = match chance.below(8) {
            0 | 1 => Fault::None,
            2 => Fault::Once(at),
            3 => Fault::Half(at),
            4 | 5 => Fault::Kill(at),
            _ => Fault::Kind(chance.one_of(&KINDS), at),
        };
        let wish = if chance.below(3) == 0 { Wish::NewToken } else { Wish::AnyToken };
        trace.push(format!("{number}: {step:+} s, {manner:?}, {fault:?}, {wish:?}"));
        let what = || format!("seed {seed}, {storage}\n{}", trace.join("\n"));

        world.issuer.begin(manner);
        let was_good = world.is_kept_good();
        let (outcome, said) = world.call(fault, wish);
        let call = world.issuer.end();
        match &outcome {
            Some(Ok(answer)) => {
                let token = token(answer);
                assert!(
                    world.issuer.is_good(&token, world.now()),
                    "{token} is no good: {}",
                    what()
                );
            }
            Some(Err(failure)) => {
                let is_withheld = (was_good && wish == Wish::AnyToken) || call.gave_token;
                assert!(!is_withheld, "withheld: {failure:?} {said:?} {}", what());
            }
            None => world.issuer.excuse(),
        }
        assert_eq!(call.replayed, None, "presented again: {said:?} {}", what());
    }
    // Whatever has happened: once disk and issuer work again, so does everything else.
    world.keyring.0.borrow_mut().1 = false;
    world.clock.fetch_add(100_000, Ordering::SeqCst);
    world.issuer.begin(Manner::Rotate);
    let (outcome, said) = world.call(Fault::None, Wish::NewToken);
    let first = token(&outcome.unwrap().unwrap_or_else(|failure| panic!("{failure:?} {said:?}")));
    let (outcome, _) = world.call(Fault::None, Wish::AnyToken);
    assert_eq!(token(&outcome.unwrap().unwrap()), first, "seed {seed}: not kept");
    world.clock.fetch_add(100_000, Ordering::SeqCst);
    world.issuer.begin(Manner::Rotate);
    let (outcome, _) = world.call(Fault::None, Wish::AnyToken);
    assert!(outcome.unwrap().is_ok());
    let call = world.issuer.end();
    assert_eq!((call.sign_ins, call.replayed), (0, None), "seed {seed}: not renewed");
}

#[test]
fn no_schedule_replays_a_spent_token_or_withholds_a_good_one() {
    each_schedule(&[39], 8, |seed| {
        for storage in ["file", "encrypted-file", "auto"] {
            walk(seed, storage, 40);
        }
    });
}

#[test]
fn a_kill_at_any_step_leaves_a_session_or_a_sign_in() {
    for storage in ["file", "encrypted-file", "auto"] {
        let mut at = 0;
        loop {
            let world = World::new(storage);
            world.issuer.begin(Manner::Rotate);
            assert!(world.call(Fault::None, Wish::AnyToken).0.unwrap().is_ok());
            world.issuer.begin(Manner::Rotate);
            let (outcome, _) = world.call(Fault::Kill(at), Wish::NewToken);
            let killed = world.issuer.end();
            let is_killed = outcome.is_none();
            world.issuer.begin(Manner::Rotate);
            let (outcome, said) = world.call(Fault::None, Wish::NewToken);
            assert!(outcome.unwrap().is_ok(), "{storage} {at} {said:?}");
            let call = world.issuer.end();
            // Only a response that was sent and not yet stored is lost with the process.
            assert!(call.replayed.is_none() || (is_killed && killed.gave_token), "{storage} {at}");
            if !is_killed {
                assert!(at > 20, "{storage}: there are more steps than {at}");
                break;
            }
            at += 1;
        }
    }
}

#[test]
fn of_a_crowd_one_renews() {
    let world = World::new("file");
    world.issuer.begin(Manner::Rotate);
    assert!(world.call(Fault::None, Wish::AnyToken).0.unwrap().is_ok());
    for _ in 0..5 {
        world.clock.fetch_add(100_000, Ordering::SeqCst);
        world.issuer.begin(Manner::Rotate);
        let shared = (&world.target, &world.folder, &world.clock);
        let tokens: Vec<String> = std::thread::scope(|scope| {
            let call = || {
                let (target, folder, clock) = shared;
                let (clock, said) = (ModelClock(Arc::clone(clock)), Quiet);
                let system = System { clock: &clock, environment: &NoEnvironment, terminal: &said };
                let directory = Directory::on(&LOCAL, folder.clone());
                let secrets = RefreshSecrets::new(
                    &directory,
                    Box::new(KeyFile::new(None, "a")),
                    Box::new(KeyFile::new(None, "a")),
                    String::new(),
                );
                let renewal = Renewal::with(&system, target, secrets);
                token(&renewal.answer(ExecApiVersion::V1).unwrap())
            };
            let calls: Vec<_> = (0..6).map(|_| scope.spawn(call)).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let call = world.issuer.end();
        assert_eq!((call.refreshes, call.sign_ins, call.replayed), (1, 0, None));
        assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    }
}

struct Quiet;

impl Terminal for Quiet {
    fn say(&self, _: &str) {}
    fn ask(&self, _: &str) {}
    fn is_watched(&self) -> bool {
        false
    }
    fn detail(&self, _: &str) {}
}
