//! Raises the number of files and sockets that this process may have open.
//! Never lowers the limit, and never raises it above the system's hard limit.

/// More than this is of no use; some systems call the highest limit infinite and refuse it.
#[cfg(unix)]
const ENOUGH: u64 = 65_536;

/// Raises the limit as far as is allowed, and returns it. Most shells and service managers start
/// programs with 1024, which a few busy clients use up.
#[cfg(unix)]
pub fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let now = limit.current.unwrap_or(ENOUGH);
    let wanted = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH);
    if wanted <= now {
        return Some(now);
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit });
    Some(if raised.is_ok() { wanted } else { now })
}

/// This system has no such limit.
#[cfg(not(unix))]
pub fn raise_limit() -> Option<u64> {
    None
}
