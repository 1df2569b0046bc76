//! Random histories of the revocation list, against the real group of files and the real policy: no
//! revoked token is accepted, whatever happens to the file and the clock.

#![expect(clippy::disallowed_methods, reason = "tests write their input files")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use login_common::{
    UnixTime,
    schedules::{Dice, each_schedule},
};
use login_protocols::oidc::Claims;
use login_review::{Guard, Policy};
use serde_json::json;

use super::{
    sources::RevocationSource,
    status::Reloads,
    watched_group::{Look, Looking as _, WatchedGroup},
    *,
};
use crate::{
    config::{Bundle, authenticators::read_revocations},
    evidence::key_sets::{KeySetIntervals, KeySources},
    system::tracked_files::TrackedFiles,
};

const ISSUER: &str = "https://id.example";
const TOKENS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Each revoked token, and when its entry expires.
type List = BTreeMap<&'static str, Option<i64>>;

/// What the file contains.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Good(List),
    /// Faulty, empty in any form, or missing.
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
    configurations: Arc<Configurations>,
    path: PathBuf,
    _folder: tempfile::TempDir,
    reloads: Reloads,
    subject: WatchedGroup<RevocationSource>,
    now: i64,
    content: Content,
    text: Option<String>,
    writes: u64,
    /// Whether the latest write changed the file's modification time.
    is_dated: bool,
    /// Checks since then that had to notice it.
    looks: usize,
    /// The text at the latest check.
    seen: Option<String>,
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
        let bundle = Bundle { policy, remotes: Vec::new(), published_client: None };
        let sources = KeySources::new(
            None,
            None,
            KeySetIntervals::default(),
            Clock::reading(Duration::default),
        );
        let configurations = Arc::new(Configurations::new(bundle, sources));
        let place = Arc::new(arc_swap::ArcSwapOption::from_pointee(path.clone()));
        let source = RevocationSource { configurations: Arc::clone(&configurations), list: place };
        let reloads = Reloads::default();
        let start = UnixTime::from_seconds(1_000_000);
        let subject = WatchedGroup::new(source, files.into_seen(), &reloads, start);
        Self {
            configurations,
            path,
            _folder: folder,
            reloads,
            subject,
            now: start.as_seconds(),
            content: Content::Good(List::new()),
            text: Some("[]\n".to_owned()),
            writes: 0,
            is_dated: false,
            looks: 2,
            seen: None,
            in_force: List::new(),
        }
    }

    fn write(&mut self, content: Content, random: &mut Dice) {
        let text = match &content {
            Content::Good(list) => Some(rendered(list, random)),
            Content::Useless("(not there)") => None,
            Content::Useless(text) => Some((*text).to_owned()),
        };
        self.writes += 1;
        self.looks = 0;
        self.content = content;
        // A coarse clock may give two states of a file the same time.
        self.is_dated = random.below(4) > 0;
        self.text = text;
        let Some(text) = &self.text else {
            let _ = fs::remove_file(&self.path);
            return;
        };
        // In place, or by renaming another file onto it.
        let is_in_place = random.below(2) == 0;
        let place = if is_in_place { self.path.clone() } else { self.path.with_extension("new") };
        fs::write(&place, text).unwrap();
        if self.is_dated {
            let written = UNIX_EPOCH + Duration::from_secs(self.writes);
            fs::File::options().append(true).open(&place).unwrap().set_modified(written).unwrap();
        }
        if !is_in_place {
            fs::rename(place, &self.path).unwrap();
        }
    }

    fn look(&mut self, look: Look) {
        let before = self.configurations.current();
        self.subject.look(look, &self.reloads, UnixTime::from_seconds(self.now));
        let after = self.configurations.current();
        self.looks += usize::from(self.is_dated || look == Look::Read);
        let before_that = std::mem::replace(&mut self.seen, self.text.clone());
        if Arc::ptr_eq(before.policy.revocations(), after.policy.revocations()) {
            return;
        }
        // Earlier answers are not served from the cache again.
        assert!(before.generation < after.generation);
        // Half a list may be a valid list.
        assert_eq!(self.text, before_that, "it came into force at the first look");
        match &self.content {
            Content::Good(list) => self.in_force.clone_from(list),
            Content::Useless(text) => panic!("{text:?} came into force"),
        }
    }

    fn is_revoked(&self, token: &str) -> bool {
        let claims = Claims::parse(json!({"jti": token}).to_string().as_bytes()).unwrap();
        let now = UnixTime::from_seconds(self.now);
        self.configurations.current().policy.revocations().find(ISSUER, &claims, now).is_some()
    }

    fn check(&self) {
        let counts = |list: &List, token: &str| {
            list.get(token).is_some_and(|end| end.is_none_or(|end| self.now < end))
        };
        for token in TOKENS {
            assert_eq!(self.is_revoked(token), counts(&self.in_force, token), "{token}");
        }
        // The bound: two consecutive checks read the same.
        if let (Content::Good(list), true) = (&self.content, 2 <= self.looks) {
            for token in TOKENS.into_iter().filter(|token| counts(list, token)) {
                assert!(self.is_revoked(token), "{token} is accepted after two looks");
            }
            assert_eq!(&self.in_force, list);
        }
    }
}

fn rendered(list: &List, random: &mut Dice) -> String {
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

/// One event: to the list, to the clock, or a check.
fn step(world: &mut World, number: u64, random: &mut Dice) {
    match number {
        0..=2 => {
            let mut list = List::new();
            for token in TOKENS {
                let end = world.now + random.below(120) - 20;
                match random.below(4) {
                    0 => list.insert(token, None),
                    1 => list.insert(token, Some(end)),
                    _ => continue,
                };
            }
            world.write(Content::Good(list), random);
        }
        3 | 4 => {
            let text = random.one_of(&USELESS);
            world.write(Content::Useless(text), random);
        }
        // The clock may also go back.
        5 => world.now += random.below(100) - 30,
        6 | 7 => world.look(Look::Glance),
        _ => world.look(Look::Read),
    }
    world.check();
}

#[test]
fn no_life_of_the_file_lets_a_revoked_token_in() {
    each_schedule(&[], 40, |seed| {
        let mut random = Dice::new(seed);
        let mut world = World::new();
        let mut steps = Vec::new();
        for _ in 0..120 {
            let number = random.below(10);
            steps.push(number);
            let taken = AssertUnwindSafe(|| step(&mut world, number, &mut random));
            assert!(catch_unwind(taken).is_ok(), "steps {steps:?}, content {:?}", world.content);
        }
        // Whatever happened: a good list is in force after two checks.
        world.write(Content::Good(List::from([("a", None)])), &mut random);
        world.look(Look::Read);
        world.look(Look::Read);
        world.check();
        assert!(world.is_revoked("a") && !world.is_revoked("b"));
        world.write(Content::Good(List::new()), &mut random);
        world.look(Look::Read);
        world.look(Look::Read);
        assert!(!world.is_revoked("a"), "only an explicit empty list lifts, and it does");
    });
}
