//! Generated YAML texts, read by our readers and by those of Kubernetes: same value, or both
//! refuse.
//! Never decides itself what is right: go-yaml does, as kube-apiserver and kubectl use it.
//!
//! `differences` lists each permitted kind of difference with its reason; a kind that no text shows
//! any more fails as well.

mod differences;
mod ours;
mod same;
mod texts;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .case("what_we_take_as_a_configuration_says_the_same_to_kubernetes", |world| {
            world.agrees(world::Reader::Strict)
        })
        .case("an_authentication_configuration_that_we_take_is_taken_by_kube_apiserver", |world| {
            world.agrees(world::Reader::Authentication)
        })
        .case("a_kubeconfig_says_the_same_to_us_and_to_kubectl", |world| {
            world.agrees(world::Reader::Lenient)
        })
        .case("every_listed_kind_of_difference_is_met", world::World::lists_only_differences)
        .run()
}
