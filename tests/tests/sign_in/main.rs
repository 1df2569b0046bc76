//! Sign-ins by a person with a real browser, at the embedded issuer and at another one.
//! Never accepts a page that a person could not use: errors of scripts and foreign requests fail.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod browser;
mod device;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start).cases(browser::CASES).cases(device::CASES).run()
}
