//! CI jobs whose identity is another cluster's service account, at a real cluster and at a
//! certified OpenID provider.
//! Never with a user, a terminal, a browser or a keyring.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod as_it_is;
mod client;
mod quiet;
mod shown;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .cases(as_it_is::CASES)
        .cases(shown::CASES)
        .cases(client::CASES)
        .cases(quiet::CASES)
        .run()
}
