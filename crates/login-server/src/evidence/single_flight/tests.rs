//! Which callers work, wait and give up; by cases and by random schedules.

use std::{
    cell::Cell,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use login_common::schedules::{Dice, each_schedule};

use super::*;

type Answers = SingleFlight<u64, &'static str>;

const PLACE: fn() -> Option<()> = || Some(());

fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn equal_questions_at_the_same_moment_are_answered_by_one() {
    let (in_flight, worked) = (Answers::default(), Cell::new(0));
    let ask = || {
        in_flight.once(1, PLACE, || None, async {
            worked.set(worked.get() + 1);
            tokio::task::yield_now().await;
            "yes"
        })
    };
    let answers = tokio::join!(ask(), ask(), ask());
    assert_eq!(answers, (Shared::Own("yes"), Shared::Others("yes"), Shared::Others("yes")));
    ask().await;
    assert_eq!(worked.get(), 2, "nothing is kept here");
}

#[tokio::test]
async fn other_questions_do_not_wait() {
    let in_flight = Answers::default();
    let mut hanging = pin!(in_flight.once(1, PLACE, || None, std::future::pending()));
    assert!(poll(hanging.as_mut()).is_pending());
    assert_eq!(in_flight.once(2, PLACE, || None, async { "now" }).await, Shared::Own("now"));
}

#[tokio::test]
async fn who_waits_for_one_that_gave_up_does_it_itself() {
    let in_flight = Answers::default();
    let mut hanging = Box::pin(in_flight.once(1, PLACE, || None, std::future::pending()));
    assert!(poll(hanging.as_mut()).is_pending());
    let mut second = pin!(in_flight.once(1, PLACE, || None, async { "second" }));
    assert!(poll(second.as_mut()).is_pending());
    drop(hanging);
    assert_eq!(poll(second.as_mut()), Poll::Ready(Shared::Own("second")));
}

#[tokio::test]
async fn what_became_known_in_between_is_used() {
    let in_flight = Answers::default();
    let answer = in_flight.once(1, PLACE, || Some("known"), async { "anew" }).await;
    assert_eq!(answer, Shared::Known("known"));
}

#[tokio::test]
async fn without_a_place_nobody_waits_but_the_first_one_works() {
    let in_flight = Answers::default();
    let mut first = pin!(in_flight.once(1, || None::<()>, || None, async {
        tokio::task::yield_now().await;
        "first"
    }));
    assert!(poll(first.as_mut()).is_pending());
    assert_eq!(in_flight.once(1, || None::<()>, || None, async { "x" }).await, Shared::Crowded);
    assert_eq!(first.await, Shared::Own("first"));
}

/// Takes some polls, and counts itself among those that work on the same question.
struct Work {
    left: u64,
    busy: Rc<Cell<u64>>,
    has_begun: bool,
}

impl Future for Work {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.has_begun {
            self.has_begun = true;
            self.busy.set(self.busy.get() + 1);
            assert_eq!(self.busy.get(), 1, "two work on one question");
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 { Poll::Ready("done") } else { Poll::Pending }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.has_begun {
            self.busy.set(self.busy.get() - 1);
        }
    }
}

#[test]
fn in_no_schedule_do_two_work_on_one_question_or_does_somebody_wait_for_ever() {
    each_schedule(&[], 20_000, |seed| {
        let (mut dice, in_flight) = (Dice::new(seed), Answers::default());
        let busy: Vec<Rc<Cell<u64>>> = (0..3).map(|_| Rc::default()).collect();
        let mut asking = Vec::new();
        for _ in 0..dice.below(40) {
            match dice.below(10) {
                0..4 => {
                    let key: u64 = dice.below(3);
                    let busy = Rc::clone(&busy[usize::try_from(key).unwrap()]);
                    let work = Work { left: 1 + dice.below(4), busy, has_begun: false };
                    asking.push(Box::pin(in_flight.once(key, PLACE, || None, work)));
                }
                4 if !asking.is_empty() => {
                    // A caller gives up.
                    let number = dice.below(asking.len());
                    drop(asking.swap_remove(number));
                }
                _ if !asking.is_empty() => {
                    let number = dice.below(asking.len());
                    if poll(asking[number].as_mut()).is_ready() {
                        drop(asking.swap_remove(number));
                    }
                }
                _ => {}
            }
        }
        // Each takes at most four polls once it works, and one works on each question.
        for _ in 0..4 * 40 {
            asking.retain_mut(|asked| poll(asked.as_mut()).is_pending());
        }
        assert!(asking.is_empty(), "{} wait for ever", asking.len());
        let left: usize = in_flight.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert_eq!(left, 0, "questions are left over");
    });
}
