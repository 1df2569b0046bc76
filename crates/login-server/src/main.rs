//! The program `login-server`: passes the command line on and ends with its exit code.

use std::{alloc::System, process::ExitCode};

use zeroizing_alloc::ZeroAlloc;

/// Zeroes freed memory. Our own types do so, but the libraries that carry tokens and passwords to
/// them (TLS, HTTP, JSON) do not.
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
