//! Every expression of `tests/vectors/cel`, evaluated by `kubernetes-cel` and by kube-apiserver's
//! own compiler and evaluator: same kind of outcome, same value, and kube-apiserver's answers are
//! those recorded beside the expressions.
//! Never decides itself what is right: kube-apiserver does.
//!
//! `tests/vectors/cel/differences.json` lists each difference with its reason; an entry that does
//! not differ any more fails as well. `LOGIN_TEST_CEL_RECORD=1` records the outcomes again.

#[path = "../../../crates/kubernetes-cel/tests/corpus/mod.rs"]
mod corpus;
mod oracle;
mod ours;
mod random;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .case("the_corpus_has_600_expressions_and_more", |world| world.has_expressions(600))
        .case("the_examples_of_the_documentation_agree", |world| world.agrees("documentation"))
        .case("syntax_agrees", |world| world.agrees("syntax"))
        .case("operators_agree", |world| world.agrees("arithmetic"))
        .case("standard_functions_agree", |world| world.agrees("standard"))
        .case("macros_and_optionals_agree", |world| world.agrees("macros"))
        .case("strings_and_patterns_agree", |world| world.agrees("strings"))
        .case("lists_and_sets_agree", |world| world.agrees("lists"))
        .case("addresses_networks_and_urls_agree", |world| world.agrees("networks"))
        .case("quantities_and_versions_agree", |world| world.agrees("quantities"))
        .case("named_formats_and_unknown_libraries_agree", |world| world.agrees("formats"))
        .case("claims_of_odd_names_and_numbers_agree", |world| world.agrees("claims"))
        .case("functions_over_values_of_any_type_agree", |world| world.agrees("generated"))
        .case("limits_agree", |world| world.agrees("limits"))
        .case("random_patterns_agree", |world| world.agrees(random::PATTERNS))
        .case("random_expressions_agree", |world| world.agrees(random::EXPRESSIONS))
        .case("every_listed_difference_still_differs", world::World::lists_only_differences)
        .case("an_expression_costs_what_kube_apiserver_counts", world::World::costs_alike)
        .case("what_is_recorded_is_what_kube_apiserver_says", world::World::is_recorded)
        .run()
}
