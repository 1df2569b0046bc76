//! The same AuthenticationConfiguration and token, given to kube-apiserver and to login-server.
//! Never accepts a difference that is not listed with its reason.
#![expect(clippy::needless_raw_string_hashes, reason = "the rows of a table look alike")]
#![expect(clippy::disallowed_methods, reason = "tokens are made for the time that it is")]
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod distributed;
mod expressions;
mod groups;
mod key_sets;
mod load;
mod names;
mod rules;
mod table;
mod tokens;
mod user;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

use table::Case;
use world::{Rule, World};

const RULES: &[Rule] = &[
    ("usernames_and_uids_are_those_of_kube_apiserver", |world| world.compare(names::CASES)),
    ("groups_and_extra_are_those_of_kube_apiserver", |world| world.compare(groups::CASES)),
    ("rules_hold_as_in_kube_apiserver", |world| world.compare(rules::CASES)),
    ("tokens_are_good_or_bad_as_for_kube_apiserver", |world| world.compare(tokens::CASES)),
    ("published_key_sets_are_used_as_by_kube_apiserver", |world| {
        world.compare_key_sets(key_sets::CASES)
    }),
    ("expressions_mean_what_they_mean_to_kube_apiserver", |world| {
        world.compare(expressions::CASES)
    }),
    ("distributed_groups_are_those_of_kube_apiserver", |world| world.compare(distributed::CASES)),
];

fn main() -> ExitCode {
    Suite::new(World::start).cases(RULES).cases(load::RULES).run()
}

/// All entries of the one file. kube-apiserver accepts 64.
fn all_cases() -> impl Iterator<Item = &'static Case> {
    [
        names::CASES,
        groups::CASES,
        rules::CASES,
        tokens::CASES,
        expressions::CASES,
        distributed::CASES,
    ]
    .into_iter()
    .flatten()
}
