//! The program `login-server`: hands the command line over and ends with the right exit code.
//! Never does anything itself.

use std::{alloc::System, process::ExitCode};

use zeroizing_alloc::ZeroAlloc;

/// Wipes what is freed. Our own types do so, but what carries tokens and passwords to them (TLS,
/// HTTP, JSON) does not.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    match login_server::commands::run() {
        Ok(code) => code,
        Err(failure) => {
            login_server::report::show(&failure);
            ExitCode::from(failure.fault.exit_code())
        }
    }
}
