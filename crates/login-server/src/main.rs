//! The program `login-server`: hands the command line over and ends with the right exit code.
//! Never does anything itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    match login_server::commands::run() {
        Ok(code) => code,
        Err(failure) => {
            login_server::report::show(&failure);
            ExitCode::from(failure.fault.exit_code())
        }
    }
}
