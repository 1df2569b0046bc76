//! A random schedule of everything that can happen to one issuer's keys, run against the real
//! decisions, pace and doubts. A seed determines a schedule; a failing seed is printed and belongs
//! into `KEPT`.
//! Never touches a clock or a socket.
//!
//! Holds for every schedule: a token whose key is published is never refused; a token that the
//! issuer did not sign is never accepted; the token of a withdrawn key is accepted only as long as
//! the maximum age of a set allows; every wait ends; a good token without a verdict gets one within
//! half a minute, if its issuer answers; reviews cause one fetch per interval. Every schedule
//! includes forged tokens, so all this holds despite them.

use std::time::Duration;

use login_common::{
    UnixTime,
    schedules::{Dice, each_schedule},
};
use tokio::time::Instant;

use super::decisions::{Confirmation, Decisions, Ending, KeyNeed, Knowledge, NextStep, Wish};
use crate::evidence::{doubts::TokenName, persisted, refresh_schedule::KeySetIntervals};

/// Schedules per run.
const SCHEDULES: u64 = 100_000;

/// Random events in one schedule; what follows from them comes on top.
const EVENTS: u64 = 24;

/// Seeds that failed before.
const KEPT: [u64; 5] = [729, 1422, 5420, 79_455, 558_636];

/// The longest that a fetch takes: two requests, each with its timeout.
const LONGEST_FETCH: u64 = 20_000;

/// The longest that a fetch from a healthy issuer takes.
const QUICK_FETCH: u64 = 1_500;

/// Within this time a good token gets its verdict from a healthy issuer.
const PATIENCE: u64 = 30_000;

/// A key under one of a few names: another key may replace it under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    name: u64,
    number: u64,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    name: TokenName,
    /// `None` for a forged token.
    signer: Option<Key>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Refused,
    CannotTell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    /// Answers late.
    Slow,
    /// Refuses connections, or hangs.
    Down,
}

struct Fetch {
    reads_at: u64,
    ends_at: u64,
    /// What it will return; read at `reads_at`.
    document: Option<Vec<Key>>,
    is_good: bool,
}

/// A review.
#[derive(Clone, Copy)]
struct Visit {
    token: Token,
    since: u64,
    was_published: bool,
    /// Since when the caller has tried, on a repeated try.
    tried_since: Option<u64>,
}

/// A waiting review.
struct Review {
    visit: Visit,
    wish: Wish,
    is_for_other: bool,
}

/// A caller that got no verdict for a good token and will try again.
struct Patient {
    token: Token,
    at: u64,
}

struct World {
    random: Dice,
    intervals: KeySetIntervals,
    start: Instant,
    /// Milliseconds.
    now: u64,
    /// The wall clock against the monotonic one, in seconds.
    wall: i64,
    /// How far the wall clock was set back in total, which a restart cannot see, in milliseconds.
    steps_back: u64,
    max_age: u64,
    decisions: Decisions<Vec<Key>>,
    published: Vec<Key>,
    withdrawn: Vec<(Key, u64)>,
    keys: u64,
    health: Health,
    well_since: u64,
    fetch: Option<Fetch>,
    reviews: Vec<Review>,
    tokens: Vec<Token>,
    patients: Vec<Patient>,
    /// Withdrawn keys, and the latest time from which the maximum age forbids their tokens.
    ends: Vec<(Key, u64)>,
    stored: Option<(Vec<Key>, UnixTime)>,
    stored_at: Option<u64>,
    last_for_key: Option<u64>,
    trace: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Dice::new(seed);
        let intervals = KeySetIntervals::default();
        let max_age = 30_000 + random.below(1_200_000);
        let spread = random.below(32);
        Self {
            decisions: Decisions::new(intervals, Duration::from_millis(max_age), spread),
            random,
            intervals,
            start: Instant::now(),
            now: 0,
            wall: 1_000_000,
            steps_back: 0,
            max_age,
            published: vec![Key { name: 0, number: 0 }],
            withdrawn: Vec::new(),
            keys: 1,
            health: Health::Well,
            well_since: 0,
            fetch: None,
            reviews: Vec::new(),
            tokens: Vec::new(),
            patients: Vec::new(),
            ends: Vec::new(),
            stored: None,
            stored_at: None,
            last_for_key: None,
            trace: Vec::new(),
        }
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_millis(self.now)
    }

    fn wall_clock(&self) -> UnixTime {
        UnixTime::from_seconds(self.wall + i64::try_from(self.now / 1000).unwrap())
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if !self.trace.is_empty() {
            let line = format!("{:>8} {}", self.now, what());
            self.trace.push(line);
        }
    }

    fn run(&mut self) -> Result<(), String> {
        for _ in 0..EVENTS {
            let pause = match self.random.below(8) {
                0 => 0,
                1..=4 => self.random.below(6_000),
                5 | 6 => self.random.below(40_000),
                _ => self.random.below(900_000),
            };
            self.pass(pause)?;
            self.event()?;
        }
        self.pass(2 * LONGEST_FETCH + PATIENCE)?;
        let is_overdue = |review: &&Review| review.visit.since + 2 * LONGEST_FETCH < self.now;
        match self.reviews.iter().find(is_overdue) {
            None => Ok(()),
            Some(review) => Err(format!("a review waits since {}", review.visit.since)),
        }
    }

    /// Advances time, with everything that is due meanwhile, in order.
    fn pass(&mut self, pause: u64) -> Result<(), String> {
        let end = self.now + pause;
        for _ in 0..10_000 {
            let wake = self.decisions.wake(self.instant()).map(|wake| {
                let wake = wake.duration_since(self.start);
                u64::try_from(wake.as_millis() + u128::from(wake.subsec_nanos() % 1_000_000 != 0))
                    .unwrap()
                    .max(self.now)
            });
            let fetch = self.fetch.as_ref().map(|fetch| match fetch.document {
                None if fetch.is_good => fetch.reads_at,
                _ => fetch.ends_at,
            });
            let patient = self.patients.iter().map(|patient| patient.at).min();
            let over = self.ends.iter().map(|(_, at)| *at).min();
            let idle = self.fetch.is_none() || self.decisions.in_use().is_some();
            let next = [wake.filter(|_| idle), fetch, patient, over].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return Ok(());
            };
            self.now = next.max(self.now);
            if fetch == Some(next) {
                self.proceed()?;
            } else if wake == Some(next) {
                self.tend();
            } else if patient == Some(next) {
                self.come_again()?;
            } else {
                self.come_too_late()?;
            }
        }
        Err("something goes on without end".to_owned())
    }

    fn tend(&mut self) {
        let (now, wall) = (self.instant(), self.wall_clock());
        self.decisions.retire(now);
        if self.decisions.begin_in_background(wall, now) {
            self.begin_fetch();
        }
    }

    fn begin_fetch(&mut self) {
        assert!(self.fetch.is_none(), "two fetches at the same time");
        let (is_good, bound) = match self.health {
            Health::Well => (true, QUICK_FETCH),
            Health::Slow => (self.random.below(4) > 0, LONGEST_FETCH),
            Health::Down => (false, if self.random.below(2) == 0 { 10 } else { LONGEST_FETCH / 2 }),
        };
        let reads_at = self.now + self.random.below(bound);
        let ends_at = reads_at + self.random.below(self.now + bound - reads_at + 1);
        self.note(|| format!("fetch until {ends_at}, good: {is_good}"));
        self.fetch = Some(Fetch { reads_at, ends_at, document: None, is_good });
    }

    /// The issuer reads its keys for the fetch, or the fetch ends.
    fn proceed(&mut self) -> Result<(), String> {
        let published = self.published.clone();
        let Some(fetch) = &mut self.fetch else { return Ok(()) };
        if fetch.is_good && fetch.document.is_none() {
            fetch.document = Some(published);
            return Ok(());
        }
        let ended = self.fetch.take();
        let ending = match ended.and_then(|fetch| fetch.document) {
            None => Ending::Nothing,
            Some(document) => {
                let lifetime = (self.random.below(2) == 0)
                    .then(|| Duration::from_secs(self.random.below(3600)));
                Ending::Keys(document, lifetime)
            }
        };
        let is_good = matches!(ending, Ending::Keys(..));
        let before = self.decisions.in_use().map(|set| set.keys.clone());
        self.decisions.ended(ending, self.instant());
        self.note(|| format!("fetch ended, good: {is_good}"));
        if is_good && let Some(set) = self.decisions.in_use() {
            let is_due = self.stored_at.is_none_or(|at| at + 300_000 <= self.now);
            if is_due || before.as_ref() != Some(&set.keys) {
                self.stored = Some((set.keys.clone(), set.confirmed.wall));
                self.stored_at = Some(self.now);
            }
        }
        for review in std::mem::take(&mut self.reviews) {
            let waited = self.now - review.visit.since;
            if waited > 2 * LONGEST_FETCH {
                return Err(format!("a review waited {waited} ms"));
            }
            if review.is_for_other {
                let knowledge = self.decisions.knowledge(review.wish);
                self.decide(review.visit, knowledge)?;
            } else {
                self.verify(review.visit)?;
            }
        }
        Ok(())
    }

    fn in_use(&self) -> Option<&Vec<Key>> {
        let set = self.decisions.in_use()?;
        let is_young = set.confirmed.age(self.instant()) < Duration::from_millis(self.max_age);
        is_young.then_some(&set.keys)
    }

    fn is_published(&self, token: Token) -> bool {
        token.signer.is_some_and(|key| self.published.contains(&key))
    }

    fn review(&mut self, token: Token) -> Result<(), String> {
        self.review_after(token, None)
    }

    fn review_after(&mut self, token: Token, tried_since: Option<u64>) -> Result<(), String> {
        let was_published = self.is_published(token);
        let visit = Visit { token, since: self.now, was_published, tried_since };
        if self.in_use().is_some() {
            return self.verify(visit);
        }
        self.want(visit, KeyNeed::Keys)
    }

    /// The first verification, with the set in use.
    fn verify(&mut self, visit: Visit) -> Result<(), String> {
        let Some(keys) = self.in_use() else { return self.end(visit, Verdict::CannotTell) };
        if visit.token.signer.is_some_and(|key| keys.contains(&key)) {
            return self.end(visit, Verdict::Accepted);
        }
        self.want(visit, KeyNeed::Other(visit.token.name))
    }

    fn want(&mut self, visit: Visit, wanted: KeyNeed) -> Result<(), String> {
        let is_for_other = matches!(wanted, KeyNeed::Other(_));
        let (wall, now) = (self.wall_clock(), self.instant());
        let (wish, fetches) = match self.decisions.want(wanted, wall, now) {
            NextStep::Answer(knowledge) if is_for_other => return self.decide(visit, knowledge),
            NextStep::Answer(_) => return self.end(visit, Verdict::CannotTell),
            NextStep::Fetch(wish) => (wish, true),
            NextStep::Wait(wish) => (wish, false),
        };
        if fetches {
            let interval = u64::try_from(self.intervals.interval.as_millis()).unwrap();
            if is_for_other {
                if self.last_for_key.is_some_and(|last| self.now < last + interval) {
                    return Err("two fetches for tokens within one interval".to_owned());
                }
                self.last_for_key = Some(self.now);
            }
            self.begin_fetch();
        } else if self.fetch.is_none() {
            return Err("a review waits for nothing".to_owned());
        }
        self.reviews.push(Review { visit, wish, is_for_other });
        Ok(())
    }

    /// The second verification, after the issuer was asked.
    fn decide(&mut self, visit: Visit, knowledge: Knowledge) -> Result<(), String> {
        let signer = visit.token.signer;
        let verifies = self.in_use().map(|keys| signer.is_some_and(|key| keys.contains(&key)));
        let verdict = match (knowledge, verifies) {
            (Knowledge::Confirmed | Knowledge::Unconfirmed, Some(true)) => Verdict::Accepted,
            (Knowledge::Confirmed, Some(false)) => Verdict::Refused,
            _ => Verdict::CannotTell,
        };
        self.end(visit, verdict)
    }

    /// Checks what must hold for every verdict.
    fn end(&mut self, visit: Visit, verdict: Verdict) -> Result<(), String> {
        let token = visit.token;
        self.note(|| format!("{token:?} {verdict:?}"));
        let is_good = visit.was_published && self.is_published(token);
        match (verdict, token.signer) {
            (Verdict::Refused, _) if is_good => Err(format!("a good token is refused: {token:?}")),
            (Verdict::Accepted, None) => Err(format!("a forged token is accepted: {token:?}")),
            (Verdict::Accepted, Some(key)) => {
                let withdrawn = self.withdrawn.iter().find(|(gone, _)| *gone == key);
                let bound = self.max_age + self.steps_back;
                match withdrawn {
                    Some((_, at)) if at + bound <= self.now => {
                        Err(format!("{key:?}, withdrawn at {at}, is accepted at {}", self.now))
                    }
                    _ => Ok(()),
                }
            }
            (Verdict::CannotTell, _) if is_good => match visit.tried_since {
                Some(since) if self.has_been_well_since(since) => {
                    Err(format!("{token:?} is without verdict since {since}"))
                }
                _ => {
                    self.patients.push(Patient { token, at: self.now + PATIENCE });
                    Ok(())
                }
            },
            _ => Ok(()),
        }
    }

    fn has_been_well_since(&self, moment: u64) -> bool {
        self.health == Health::Well && self.well_since <= moment
    }

    /// A caller without a verdict half a minute ago gets one now, if the issuer was healthy
    /// meanwhile.
    fn come_again(&mut self) -> Result<(), String> {
        let now = self.now;
        let due = self.patients.iter().position(|patient| patient.at <= now);
        let Some(patient) = due.map(|index| self.patients.swap_remove(index)) else {
            return Ok(());
        };
        let came = patient.at - PATIENCE;
        if !self.has_been_well_since(came) || !self.is_published(patient.token) {
            return Ok(());
        }
        self.review_after(patient.token, Some(came))
    }

    /// A caller presents a token of a withdrawn key at the first moment at which it must fail.
    fn come_too_late(&mut self) -> Result<(), String> {
        let now = self.now;
        let due = self.ends.iter().position(|(_, at)| *at <= now);
        let Some((key, _)) = due.map(|index| self.ends.swap_remove(index)) else { return Ok(()) };
        let token = self.token(Some(key));
        self.review(token)
    }

    fn token(&mut self, signer: Option<Key>) -> Token {
        let number = u64::try_from(self.tokens.len()).unwrap();
        let token = Token { name: TokenName(number), signer };
        self.tokens.push(token);
        token
    }

    fn event(&mut self) -> Result<(), String> {
        match self.random.below(20) {
            // A good token, more often than not of the newest key.
            0..=3 => {
                let newest = self.published.last().copied();
                let any = self.random.pick(&self.published);
                let key = if self.random.below(3) > 0 { newest } else { any };
                let token = self.token(key);
                self.review(token)
            }
            // One or a few forged tokens.
            4..=6 => {
                for _ in 0..=self.random.below(3) {
                    let token = self.token(None);
                    self.review(token)?;
                }
                Ok(())
            }
            // A token that was presented before.
            7..=9 => match self.random.pick(&self.tokens) {
                Some(token) => self.review(token),
                None => Ok(()),
            },
            // A token of a withdrawn key.
            10 | 11 => {
                let gone: Vec<Key> = self.withdrawn.iter().map(|(key, _)| *key).collect();
                match self.random.pick(&gone) {
                    Some(key) => {
                        let token = self.token(Some(key));
                        self.review(token)
                    }
                    None => Ok(()),
                }
            }
            // A new key, beside the others or replacing the one of its name; valid at once.
            12 | 13 => {
                let key = Key { name: self.random.below(4), number: self.keys };
                self.keys += 1;
                self.note(|| format!("published {key:?}"));
                self.withdraw(|other| other.name == key.name);
                self.published.push(key);
                let token = self.token(Some(key));
                self.review(token)
            }
            14 => {
                if self.published.len() > 1 {
                    let gone = self.random.pick(&self.published);
                    self.note(|| format!("withdrawn {gone:?}"));
                    self.withdraw(|key| Some(*key) == gone);
                }
                Ok(())
            }
            15 | 16 => {
                let healths = [Health::Well, Health::Well, Health::Slow, Health::Down];
                self.health = self.random.pick(&healths).unwrap_or(Health::Well);
                self.well_since = self.now;
                let health = self.health;
                self.note(|| format!("{health:?}"));
                Ok(())
            }
            17 => {
                self.max_age = 30_000 + self.random.below(1_200_000);
                self.decisions.limit(Duration::from_millis(self.max_age));
                Ok(())
            }
            18 => {
                self.restart();
                Ok(())
            }
            _ => {
                let step = self.random.below(7_200) - 3_600;
                self.wall += step;
                if step < 0 {
                    self.steps_back += step.unsigned_abs() * 1000;
                }
                self.note(|| format!("the wall clock is set by {step} s"));
                Ok(())
            }
        }
    }

    fn withdraw(&mut self, is_gone: impl Fn(&Key) -> bool) {
        let now = self.now;
        let (gone, rest) = self.published.iter().partition(|key| is_gone(key));
        self.published = rest;
        let gone: Vec<Key> = gone;
        self.ends.extend(gone.iter().map(|key| (*key, now + self.max_age)));
        self.withdrawn.extend(gone.into_iter().map(|key| (key, now)));
    }

    /// Starts a new process with what the old one stored; requests and memory are lost.
    fn restart(&mut self) {
        self.note(|| "restart".to_owned());
        let max_age = Duration::from_millis(self.max_age);
        let spread = self.random.below(32);
        self.decisions = Decisions::new(self.intervals, max_age, spread);
        let (now, wall) = (self.instant(), self.wall_clock());
        if let Some((keys, confirmed_at)) = &self.stored
            && let Some(confirmed_at) = persisted::plausible(*confirmed_at, wall)
        {
            let confirmed = Confirmation::by_wall(confirmed_at, wall, now);
            self.decisions.start_with(keys.clone(), confirmed, now);
        }
        self.fetch = None;
        self.reviews.clear();
        self.patients.clear();
        self.stored_at = None;
        self.last_for_key = None;
    }
}

/// Runs one schedule; if it fails, runs it again with a trace.
fn check(seed: u64) {
    if World::new(seed).run().is_ok() {
        return;
    }
    let mut world = World::new(seed);
    world.trace.push(format!("seed {seed}"));
    let fault = world.run().expect_err("it failed before");
    panic!("seed {seed}: {fault}\n{}", world.trace.join("\n"));
}

#[test]
fn no_schedule_refuses_a_good_token_or_accepts_another() {
    each_schedule(&KEPT, SCHEDULES, check);
}
