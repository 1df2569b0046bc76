//! Asks the operating system to protect a process that holds secrets.
//! Never fails: where the system has no such switch, nothing is done.

/// Keeps memory with tokens and secrets out of core dumps and away from debuggers of the same user.
/// The hard limit is unchanged: child processes inherit it, and a browser must stay able to write
/// its own dumps.
pub fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{
            DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
        };
        // prctl(2): also covers dumps that are piped to a program, which ignore the limit.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        let none = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
        let _ = setrlimit(Resource::Core, none);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn no_dump_is_made_of_a_process_that_keeps_its_memory_private() {
        let before = getrlimit(Resource::Core);
        super::keep_memory_private();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let after = getrlimit(Resource::Core);
        assert_eq!((after.current, after.maximum), (Some(0), before.maximum));
    }
}
