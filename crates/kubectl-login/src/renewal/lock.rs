//! The lock of a session: who renews it, for how long, and what the previous holder left.
//! Never fails a renewal that cannot be locked: without a cache there is nothing to share.

use std::{cell::RefCell, time::Duration};

use login_cache::{
    renewal_lock::{self, Holder, LockError, RenewalLock, Taken, Work},
    store::Directory,
};

use crate::{
    flows::{job, refresh},
    options::target::Target,
    system::System,
};

/// How long a holder of the lock may exceed its own time limit.
const GRACE: Duration = Duration::from_secs(10);

/// Time for the steps before a renewal's request: the keyring, or a command that prints the client
/// secret.
const PREPARATIONS: Duration = Duration::from_secs(30);

/// The lock of a session, if this process holds it.
pub(super) struct SessionLock<'a> {
    system: &'a System<'a>,
    target: &'a Target,
    /// A signal ends the process without `conclude`: the kernel frees the lock, and its text
    /// remains.
    held: RefCell<Option<RenewalLock>>,
}

impl<'a> SessionLock<'a> {
    /// That of `target`, not held.
    pub(super) fn new(system: &'a System<'a>, target: &'a Target) -> Self {
        Self { system, target, held: RefCell::default() }
    }

    /// Takes the lock, or adopts another process's result.
    pub(super) fn take<T>(
        &self,
        directory: &Directory,
        adopt: impl FnMut() -> Option<T>,
    ) -> Result<Option<T>, LockError> {
        let longest = self.longest(Work::SigningIn);
        // A holder over its time limit is stopped, or waits for something that never ends.
        let bound = |holder: Option<&Holder>| match holder {
            Some(holder) => {
                let earlier = self.system.clock.now().minus(GRACE);
                let is_late = holder.time_left(earlier, longest).is_zero();
                if is_late { GRACE } else { holder.within.unwrap_or(longest) + GRACE }
            }
            None => longest + GRACE,
        };
        let say = |text: &str| self.system.terminal.say(&format!("kubectl-login: {text}"));
        let name = self.target.cache_key.as_str();
        match renewal_lock::take_from(directory, name, bound, adopt, say) {
            Ok(Taken::Adopted(result)) => Ok(Some(result)),
            Ok(Taken::Lock(lock)) => {
                self.held.replace(Some(lock));
                Ok(None)
            }
            Err(error @ LockError::Busy { .. }) => Err(error),
            // If nothing can be stored, there is nothing to share; the warning comes with the
            // token.
            Err(LockError::Store(_) | LockError::Unsupported { .. }) => Ok(None),
        }
    }

    /// Takes the lock if no process holds it; returns whether it did.
    pub(super) fn take_if_free(&self, directory: &Directory) -> bool {
        let lock = renewal_lock::try_take(directory, self.target.cache_key.as_str());
        let is_taken = lock.is_some();
        self.held.replace(lock);
        is_taken
    }

    /// States the work to the processes that wait.
    pub(super) fn describe(&self, work: Work) {
        if let Some(lock) = self.held.borrow_mut().as_mut() {
            lock.describe(work, self.system.clock.now(), self.longest(work));
        }
    }

    /// Whether it is held for work that needs no user.
    pub(super) fn is_renewing(&self) -> bool {
        self.held.borrow().as_ref().is_some_and(RenewalLock::is_renewing)
    }

    /// Whether another process held it while this one waited.
    pub(super) fn has_waited(&self) -> bool {
        self.held.borrow().as_ref().is_some_and(|lock| lock.waited)
    }

    /// The process that was signing a user in and ended without a result.
    pub(super) fn abandoned_by(&self) -> Option<u32> {
        let held = self.held.borrow();
        let holder = held.as_ref()?.abandoned.as_ref()?;
        holder.was_signing_in().then_some(holder.process)
    }

    /// Frees the lock and marks the work as finished, so that it does not count as abandoned.
    pub(super) fn conclude(&self) {
        if let Some(mut lock) = self.held.take() {
            lock.conclude();
        }
    }

    /// The maximum time for which the lock is held.
    fn longest(&self, work: Work) -> Duration {
        let renewal =
            PREPARATIONS + if self.target.is_for_job() { job::TIMEOUT } else { refresh::TIMEOUT };
        match work {
            Work::Renewing => renewal,
            Work::SigningIn => self.target.authentication_timeout + renewal,
        }
    }
}
