//! Random lives of the list of revocations, against the real group of files and the real policy: no
//! token that is revoked is accepted, whatever becomes of the file and of the clock.

#![expect(clippy::disallowed_methods, reason = "tests write their input files")]

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use login_common::UnixTime;
use login_protocols::oidc::Claims;
use login_review::{Guard, Policy};
use serde_json::json;

use super::{
    sources::RevocationSource,
    status::Reloads,
    subject::{Look, Looking as _, Subject},
    *,
};
use crate::{
    config::{Limits, ServerConfig, authenticators::read_revocations},
    evidence::{key_sets::KeySetPace, result_cache::ResultCacheSettings},
    system::tracked_files::TrackedFiles,
    telemetry::audit::AuditSettings,
    tls::ClientCertificate,
};

const ISSUER: &str = "https://id.example";
const TOKENS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Each revoked token, and when its entry ends.
type List = BTreeMap<&'static str, Option<i64>>;

/// Xorshift (Marsaglia 2003); the seed is in the message of a failure.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// What lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Good(List),
    /// Faulty, empty in whatever shape, or not there at all.
    Useless(&'static str),
}

const USELESS: [&str; 14] = [
    "",
    "\n",
    "# nothing\n",
    "---\n",
    "null\n",
    "~\n",
    "{}",
    "- {}\n",
    "- {jti: a",
    "- {jti: 7}\n",
    "jti: a\n",
    "\u{0}",
    "- {jti: a}\n- {}\n",
    "(not there)",
];

struct World {
    state: Arc<State>,
    path: PathBuf,
    _folder: tempfile::TempDir,
    reloads: Reloads,
    subject: Subject<RevocationSource>,
    now: i64,
    content: Content,
    /// Looks into the file since it was written.
    reads: usize,
    /// What must be in force.
    in_force: List,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.yaml");
        fs::write(&path, "[]\n").unwrap();
        let files = TrackedFiles::default();
        let list = read_revocations(&path, &files).unwrap();
        let policy = Policy::new(Vec::new(), Guard::default()).with_revocations(list);
        let state = Arc::new(State::new(config(policy)).unwrap());
        let place = Arc::new(arc_swap::ArcSwapOption::from_pointee(path.clone()));
        let source = RevocationSource { state: Arc::clone(&state), list: place };
        let reloads = Reloads::default();
        let start = UnixTime::from_seconds(1_000_000);
        let subject = Subject::new(source, files.into_seen(), &reloads, start);
        Self {
            state,
            path,
            _folder: folder,
            reloads,
            subject,
            now: start.as_seconds(),
            content: Content::Good(List::new()),
            reads: 2,
            in_force: List::new(),
        }
    }

    fn write(&mut self, content: Content, random: &mut Random) {
        let text = match &content {
            Content::Good(list) => rendered(list, random),
            Content::Useless("(not there)") => {
                let _ = fs::remove_file(&self.path);
                self.content = content;
                self.reads = 0;
                return;
            }
            Content::Useless(text) => (*text).to_owned(),
        };
        // In place, or by renaming another file onto it.
        if random.below(2) == 0 {
            fs::write(&self.path, text).unwrap();
        } else {
            let other = self.path.with_extension("new");
            fs::write(&other, text).unwrap();
            fs::rename(other, &self.path).unwrap();
        }
        self.content = content;
        self.reads = 0;
    }

    fn look(&mut self, look: Look) {
        let before = self.state.in_force();
        self.subject.look(look, &self.reloads, UnixTime::from_seconds(self.now));
        let after = self.state.in_force();
        self.reads += usize::from(look == Look::Read);
        if Arc::ptr_eq(before.policy.revocations(), after.policy.revocations()) {
            return;
        }
        // An answer of before is not said again.
        assert!(before.generation < after.generation);
        match &self.content {
            Content::Good(list) => self.in_force.clone_from(list),
            Content::Useless(text) => panic!("{text:?} came into force"),
        }
    }

    fn is_revoked(&self, token: &str) -> bool {
        let claims = Claims::parse(json!({"jti": token}).to_string().as_bytes()).unwrap();
        let now = UnixTime::from_seconds(self.now);
        self.state.in_force().policy.revocations().find(ISSUER, &claims, now).is_some()
    }

    fn check(&self) {
        let counts = |list: &List, token: &str| {
            list.get(token).is_some_and(|end| end.is_none_or(|end| self.now < end))
        };
        for token in TOKENS {
            assert_eq!(self.is_revoked(token), counts(&self.in_force, token), "{token}");
        }
        // The bound: two looks in a row found the same.
        if let (Content::Good(list), true) = (&self.content, 2 <= self.reads) {
            for token in TOKENS.into_iter().filter(|token| counts(list, token)) {
                assert!(self.is_revoked(token), "{token} is accepted after two looks");
            }
            assert_eq!(&self.in_force, list);
        }
    }
}

fn rendered(list: &List, random: &mut Random) -> String {
    if list.is_empty() {
        return random.one_of(&["[]", "[]\n", "# none\n[]\n", "---\n[]\n", "[ ]\n"]).to_owned();
    }
    let mut text = String::new();
    for (token, end) in list {
        let issuer = random.one_of(&["", ", issuer: \"https://id.example\""]);
        let end = end.map(|end| format!(", expires: \"{}\"", UnixTime::from_seconds(end)));
        let _ = writeln!(text, "- {{jti: {token}{issuer}{}}}", end.unwrap_or_default());
    }
    text
}

fn config(policy: Policy) -> ServerConfig {
    ServerConfig {
        tls: None,
        client_certificate: ClientCertificate::NotAsked,
        caller_tokens: None,
        policy,
        introspection: Vec::new(),
        api_audiences: None,
        issuer: None,
        published_client: None,
        state_dir: None,
        key_set_pace: KeySetPace::default(),
        result_cache: ResultCacheSettings::default(),
        audit: AuditSettings::default(),
        traces: None,
        limits: Limits::default(),
        watched: Watched::default(),
    }
}

#[test]
fn no_life_of_the_file_lets_a_revoked_token_in() {
    for seed in 1..=40_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut world = World::new();
        let mut steps = Vec::new();
        for _ in 0..120 {
            let step = random.below(10);
            steps.push(step);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                match step {
                    0..=2 => {
                        let mut list = List::new();
                        for token in TOKENS {
                            let end = world.now + i64::try_from(random.below(120)).unwrap() - 20;
                            match random.below(4) {
                                0 => list.insert(token, None),
                                1 => list.insert(token, Some(end)),
                                _ => continue,
                            };
                        }
                        world.write(Content::Good(list), &mut random);
                    }
                    3 | 4 => {
                        let text = random.one_of(&USELESS);
                        world.write(Content::Useless(text), &mut random);
                    }
                    // Also back.
                    5 => world.now += i64::try_from(random.below(100)).unwrap() - 30,
                    6 | 7 => world.look(Look::Glance),
                    _ => world.look(Look::Read),
                }
                world.check();
            }));
            assert!(outcome.is_ok(), "seed {seed}, steps {steps:?}, content {:?}", world.content);
        }
        // However it was: when a list lies there, it counts after two looks.
        world.write(Content::Good(List::from([("a", None)])), &mut random);
        world.look(Look::Read);
        world.look(Look::Read);
        world.check();
        assert!(world.is_revoked("a") && !world.is_revoked("b"), "seed {seed}");
        world.write(Content::Good(List::new()), &mut random);
        world.look(Look::Read);
        world.look(Look::Read);
        assert!(
            !world.is_revoked("a"),
            "seed {seed}: only an explicit empty list lifts, and it does"
        );
    }
}
