//! What a process that holds secrets asks of its system.
//! Never reads anything, never fails: where there is no such switch, nothing is done.

/// Keeps what is in memory, tokens and secrets, out of core dumps and from debuggers that run as
/// the same user. The hard limit stays as it is: programs that are started here inherit it, and a
/// browser's dumps are not ours to forbid.
pub fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{
            DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
        };
        // prctl(2): this also holds where dumps go to a program, which asks for no limit.
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
