//! The commands that users and operators run beside kubectl: sessions, whoami, doctor, completion.
//! Never looks into the files of a session: cases see what a user or a script sees.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod cluster;
mod completion;
mod doctor;
mod documented;
mod sessions;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .cases(sessions::CASES)
        .cases(cluster::CASES)
        .cases(completion::CASES)
        .cases(doctor::CASES)
        .cases(documented::CASES)
        .run()
}
