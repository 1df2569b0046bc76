//! What a party is asked and what is cached, by cases and by random schedules under simulated time.

use std::sync::Arc;

use login_common::schedules::{Dice, each_schedule};
use tokio::{
    runtime::Runtime,
    task::JoinSet,
    time::{sleep, sleep_until, timeout},
};

use super::*;
use crate::evidence::breaker::PAUSE;

const GOOD_FOR: Duration = Duration::from_secs(5);
const BAD_FOR: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(1);

fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn name(number: u64) -> TokenDigest {
    TokenDigest::of(&number.to_string())
}

fn remote() -> Remote<bool> {
    Remote::new("party".to_owned(), PATIENCE)
}

/// An answer that takes `wait`.
async fn says(is_good: bool, wait: Duration) -> Result<Answer<bool>, Progress> {
    sleep(wait).await;
    let (worth, lifetime) = if is_good { (Worth::Good, GOOD_FOR) } else { (Worth::Bad, BAD_FOR) };
    Ok(Answer { value: is_good, worth, lifetime, length: 100 })
}

fn fails(progress: Progress) -> impl Future<Output = Result<Answer<bool>, Progress>> {
    std::future::ready(Err(progress))
}

fn paused() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_repeated_for_its_time_from_the_moment_of_the_question() {
    for (is_good, lifetime) in [(true, GOOD_FOR), (false, BAD_FOR)] {
        let remote = remote();
        let asked = || remote.ask(name(1), says(is_good, milliseconds(500)));
        let begun = Instant::now();
        assert_eq!(asked().await.as_deref(), Some(&is_good));
        let end = begun + lifetime;
        sleep_until(end.checked_sub(milliseconds(1)).unwrap()).await;
        assert_eq!(asked().await.as_deref(), Some(&is_good));
        assert!(Instant::now() < end, "repeated at once");
        sleep_until(end).await;
        let begun = Instant::now();
        assert_eq!(asked().await.as_deref(), Some(&is_good));
        assert_eq!(begun + milliseconds(500), Instant::now(), "asked anew");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_answer_takes_the_place_of_a_good_one_and_the_other_way_round() {
    let remote = remote();
    for is_good in [true, false, true] {
        let answer = remote.ask(name(1), says(is_good, Duration::ZERO)).await;
        assert_eq!(answer.as_deref(), Some(&is_good));
        sleep(GOOD_FOR).await;
    }
}

#[tokio::test(start_paused = true)]
async fn strangers_who_wait_in_crowds_neither_delay_nor_refuse_a_proven_name() {
    let remote = Arc::new(remote());
    remote.prove(name(1));
    let mut crowd = JoinSet::new();
    for number in 100..2_000 {
        let remote = Arc::clone(&remote);
        let hanging = says(false, Duration::from_mins(10));
        crowd.spawn(async move { remote.ask(name(number), hanging).await.is_none() });
    }
    sleep(milliseconds(1)).await;
    let begun = Instant::now();
    let answer = remote.ask(name(1), says(true, milliseconds(3))).await;
    assert_eq!((answer.as_deref(), begun.elapsed()), (Some(&true), milliseconds(3)));
    // A caller with a place waits for its turn; the others do not wait at all.
    sleep(PATIENCE).await;
    let mut turned_away = 0;
    while let Some(ended) = crowd.try_join_next() {
        turned_away += usize::from(ended.unwrap());
    }
    assert_eq!(turned_away, 1_900 - STRANGERS.0);
    assert_eq!(remote.report().turned_away, turned_away as u64);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_bad_names_pushes_no_good_answer_out() {
    let remote = remote();
    for number in 0..2_000 {
        remote.ask(name(number), says(true, Duration::ZERO)).await;
    }
    for number in 10_000..20_000 {
        remote.ask(name(number), says(false, Duration::ZERO)).await;
    }
    for number in 0..2_000 {
        let answer = remote.ask(name(number), fails(Progress::Asking)).await;
        assert_eq!(answer.as_deref(), Some(&true), "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn odd_names_cut_nobody_off_and_a_party_that_is_gone_is_left_alone() {
    let remote = remote();
    for number in 0..100 {
        assert!(remote.ask(name(number), fails(Progress::Asking)).await.is_none());
    }
    assert!(!remote.report().circuit_open);
    remote.prove(name(1_000));
    let answer = remote.ask(name(1_000), says(true, Duration::ZERO)).await;
    assert_eq!(answer.as_deref(), Some(&true));
    for number in 0..20 {
        assert!(remote.ask(name(number), fails(Progress::Connecting)).await.is_none());
    }
    assert!(remote.report().circuit_open);
    let failed = remote.report().failed;
    let end = Instant::now() + PAUSE;
    sleep_until(end.checked_sub(milliseconds(1)).unwrap()).await;
    remote.ask(name(0), fails(Progress::Connecting)).await;
    assert_eq!(remote.report().failed, failed, "nobody asked");
    sleep_until(end).await;
    let answer = remote.ask(name(0), says(true, Duration::ZERO)).await;
    assert_eq!((answer.as_deref(), remote.report().circuit_open), (Some(&true), false));
}

/// Names 0 to 3 are good until revoked, 4 and 5 are forged, and 6 to 9 are odd: the party fails on
/// them.
struct World {
    remote: Remote<bool>,
    begin: Instant,
    revoked: [u64; 4],
    /// The party is unreachable from the first to the second.
    gone: (u64, u64),
    slowest: u64,
    /// Questions in flight about each name.
    busy: [AtomicU64; 10],
    asked_while_gone: AtomicU64,
}

/// A question in flight.
struct Busy<'w>(&'w AtomicU64);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl World {
    fn new(dice: &mut Dice) -> Self {
        let revoked = std::array::from_fn(|_| dice.below(40_000));
        let gone_from = dice.below(20_000);
        let gone_for = dice.one_of(&[0, 0, 500, 8_000]);
        let slowest = dice.one_of(&[1, 100, 900]);
        let gone = (gone_from, gone_from + gone_for);
        let (busy, asked_while_gone) = (Default::default(), AtomicU64::default());
        let begin = Instant::now();
        Self { remote: remote(), begin, revoked, gone, slowest, busy, asked_while_gone }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap()
    }

    fn is_gone(&self) -> bool {
        (self.gone.0..self.gone.1).contains(&self.now())
    }

    fn revoked(&self, token: u64) -> Option<u64> {
        self.revoked.get(usize::try_from(token).unwrap()).copied()
    }

    async fn question(&self, token: u64, wait: u64) -> Result<Answer<bool>, Progress> {
        let busy = &self.busy[usize::try_from(token).unwrap()];
        assert_eq!(busy.fetch_add(1, Ordering::Relaxed), 0, "asked twice at the same time");
        let _busy = Busy(busy);
        if self.is_gone() {
            // Earlier questions have been answered by now.
            let is_counted = self.gone.0 + self.slowest < self.now();
            self.asked_while_gone.fetch_add(u64::from(is_counted), Ordering::Relaxed);
            return Err(Progress::Connecting);
        }
        sleep(milliseconds(wait / 2)).await;
        if token >= 6 {
            return Err(Progress::Asking);
        }
        let is_good = self.revoked(token).is_some_and(|revoked| self.now() < revoked);
        says(is_good, milliseconds(wait / 2)).await
    }
}

/// A caller: when it asks, about which name, how long the party takes, and when it gives up.
async fn ask(world: Arc<World>, (at, token, wait, limit): (u64, u64, u64, u64)) {
    sleep_until(world.begin + milliseconds(at)).await;
    let is_proven = world.remote.proven.get(&name(token)).is_some();
    let asked = world.remote.ask(name(token), world.question(token, wait));
    let Ok(answer) = timeout(milliseconds(limit), asked).await else { return };
    let (end, what) = (world.now(), format!("{token} at {at}, {:?}", answer.as_deref()));
    assert!(end - at <= 3 * (1_000 + world.slowest), "{what}: waited until {end}");
    let repeated = |lifetime: Duration| u64::try_from(lifetime.as_millis()).unwrap();
    match (answer.as_deref(), world.revoked(token)) {
        (Some(true), Some(revoked)) => {
            assert!(at < revoked + repeated(GOOD_FOR), "{what}: revoked at {revoked}");
            world.remote.prove(name(token));
        }
        (Some(true), None) => panic!("{what}: accepted"),
        (Some(false), Some(revoked)) => assert!(revoked <= end, "{what}: revoked at {revoked}"),
        (Some(false), None) => assert!(token < 6, "{what}: nobody said so"),
        (None, Some(_)) if is_proven => {
            let pause = repeated(PAUSE);
            let was_gone = world.gone.0 <= end && at <= world.gone.1 + pause;
            assert!(was_gone && world.gone.0 < world.gone.1, "{what}: {:?}", world.gone);
        }
        (None, _) => {}
    }
}

#[test]
fn no_schedule_refuses_a_good_name_or_accepts_a_bad_one_beyond_its_bound() {
    let runtime = paused();
    each_schedule(&[119_576], 3_000, |seed| {
        let mut dice = Dice::new(seed);
        runtime.block_on(async {
            let world = Arc::new(World::new(&mut dice));
            let mut asking = JoinSet::new();
            for _ in 0..dice.below(60) {
                let limit = dice.one_of(&[300, 60_000, 60_000, 60_000]);
                let wait = dice.below(world.slowest + 1);
                let token = dice.below(10);
                // Often while it is unreachable, or just after the revocation, when no cached
                // answer may be used.
                let at = match (dice.below(3), world.revoked(token)) {
                    (0, _) => world.gone.0 + dice.below(1 + world.gone.1 - world.gone.0),
                    (1, Some(revoked)) => revoked + dice.one_of(&[0, 5_000]) + dice.below(100),
                    _ => dice.below(40_000),
                };
                asking.spawn(ask(Arc::clone(&world), (at, token, wait, limit)));
            }
            while let Some(ended) = asking.join_next().await {
                if let Err(fault) = ended {
                    std::panic::resume_unwind(fault.into_panic());
                }
            }
            // Five failures open the circuit; then there is one try after each pause.
            let in_vain = world.asked_while_gone.load(Ordering::Relaxed);
            assert!(in_vain <= 7, "asked {in_vain} times while it was gone");
        });
    });
}
