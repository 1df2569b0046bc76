//! The webhook behind a real kube-apiserver: outages, changes under load, and who may ask what.
//! Never imitates the caller where a real one is available.
//!
//! One line for each case of the contract, and what holds it; cases without a suite are here.
//! `server` is `crates/login-server/tests/server`.
//!
//! - W01 versions: `cluster` a_good_token_lists_pods_with_either_review_version; `server` a_good_token_is_answered_in_the_version_of_the_question
//! - W02 other versions: `bad_input` what_is_not_a_token_review_is_a_bad_request; `server` a_request_that_is_no_question_has_its_own_status
//! - W03 a good token: `cluster` the_cluster_sees_name_groups_and_a_stable_uid
//! - W04 a bad token: `cluster` a_bad_token_is_unauthorized_with_either_review_version; `bad_input` a_bad_token_is_a_definitive_no_and_not_an_error
//! - W05, W06 outages: without_keys_an_outage_is_no_refusal_and_the_same_token_works_afterwards, known_keys_work_while_the_issuer_is_down_and_after_a_restart
//! - W07 `?timeout=30s`: the_same_answer_comes_over_both_http_versions, and every review of the rig
//! - W08 a slash at the end, W37 redirects: the same
//! - W09 methods and paths: `bad_input` other_methods_media_types_and_paths_are_told_apart
//! - W10 bodies: `bad_input` an_oversized_review_is_refused_by_its_size; `server` a_long_body_is_refused_also_when_its_length_was_not_announced
//! - W11 more than we know: login-common questions_of_old_and_new_apiservers_are_read_in_both_versions
//! - W12 an empty token: login-common a_missing_token_or_audience_is_empty_and_no_error; login-review what_is_no_token_of_ours_is_refused_before_keys_are_asked_for
//! - W13, W14, W15, W16 audiences: a_third_party_learns_of_a_token_only_for_the_audiences_of_the_cluster; `cluster` a_third_party_review_for_another_audience_is_not_authenticated; `server` audiences_are_intersected_with_those_of_the_api_server
//! - W17 reserved names: `cluster` a_claim_to_system_masters_is_refused_by_default, a_claim_to_system_masters_works_when_that_name_is_allowed; `differential` usernames_and_uids_are_those_of_kube_apiserver
//! - W18 empty names: `differential` usernames_and_uids_are_those_of_kube_apiserver
//! - W19 extra: whoami_shows_name_uid_groups_and_extra_as_they_were_mapped, an_aggregated_server_is_told_the_same_user_as_kube_apiserver; `differential` mappings_are_refused_at_load_as_by_kube_apiserver
//! - W20 groups: `differential` groups_and_extra_are_those_of_kube_apiserver
//! - W21 others' tokens: login-review each_shape_goes_to_one_party, the corpus of `crates/login-review/tests/attacks.rs`
//! - W22 revocation: a_revoked_token_is_refused_within_seconds_and_the_others_go_on; `server` an_outage_is_not_said_again_and_an_acceptance_ends_with_its_time
//! - W23 from the future: `differential` tokens_are_good_or_bad_as_for_kube_apiserver; `server` a_refusal_for_an_unknown_key_is_not_said_again
//! - W24 two hundred at once: `server` a_crowd_that_asks_the_same_is_answered_by_one_decision_and_one_fetch
//! - W25 forgeries: `differential` tokens_are_good_or_bad_as_for_kube_apiserver; the corpus; `server` unknown_keys_cost_one_fetch_per_interval_and_bad_signatures_none
//! - W26 `iss` and `aud`, W27 times: `differential` tokens_are_good_or_bad_as_for_kube_apiserver
//! - W28 rotation: keys_are_rotated_under_load_and_no_good_token_is_refused
//! - W29 TLS: kube_apiserver_shows_its_certificate_and_nobody_else_is_answered; `bad_input` a_server_that_asks_for_client_certificates_reviews_for_nobody_else, a_caller_that_trusts_another_authority_gets_no_answer
//! - W30 restarts: two_replicas_are_restarted_under_load_without_a_failed_request; `cluster` when_one_of_two_login_servers_stops_work_goes_on
//! - W31 slow dependencies: `server` reviews_do_not_wait_for_an_issuer_that_hangs, a_review_that_takes_too_long_is_503
//! - W32, W34 `status.error`: login-review a_refused_token_is_answered_with_200_and_no_reason, an_accepted_token_is_answered_with_the_user_in_the_version_asked
//! - W33 secrets: `server` no_secret_is_written_anywhere_at_any_level, no_label_says_anything_of_a_token_or_names_an_issuer
//! - W35 encoding: login-common an_accepted_token_is_answered_with_user_and_audiences
//! - W36 HTTP versions: the_same_answer_comes_over_both_http_versions; no test waits for the 90 s that Go keeps an idle connection (the limit here is 100 s)
//! - W38 anonymous requests: `cluster`, `tests/tests/cluster/anonymous.rs`; `bad_input` health_needs_no_credentials_and_no_tls
//! - W39 metrics: `server` answers_are_counted_by_outcome_and_reason_and_those_from_the_cache_too
//! - W40, W41 whoami and uid: whoami_shows_name_uid_groups_and_extra_as_they_were_mapped
//! - W42 aggregated servers: an_aggregated_server_is_told_the_same_user_as_kube_apiserver
//! - W43 no webhook: an_administrator_with_a_certificate_needs_no_webhook
//!
//! - J01, J02, J04, J05, J09, J10 refusals at load: `differential`, `tests/tests/differential/load`
//! - J03 addresses: `differential` expressions_are_refused_at_load_as_by_kube_apiserver; what we print maps a claim, never an address by expression
//! - J06 missing claims: login-review a_claim_that_is_selected_without_a_look_for_it_is_warned_about
//! - J07 distributed groups: `differential` distributed_groups_are_those_of_kube_apiserver
//! - J08 old versions: read, `differential` the_shape_of_a_file_is_refused_at_load_as_by_kube_apiserver; what we print is v1 (1.34 and later) only
//! - J11 `system:` in what we print: `differential` a_printed_authentication_configuration_is_taken_by_both
//! - J12 `jti`: whoami_shows_name_uid_groups_and_extra_as_they_were_mapped
//!
//! The checklist for token servers stands in `crates/login-review/tests/attacks.rs`; what that
//! corpus does not reach is held by
//! - b1, b2, b3 envelope: W02, W09, W10, W12
//! - b4, b5, b6 callers, audiences, deadlines: W29, kube_apiserver_shows_its_bearer_token_and_nobody_else_is_answered, W13 to W16, W31; `server` more_reviews_than_allowed_are_429_without_retry_after
//! - b15, b17, b18, b19 keys: W05, W06, W25, W28; `server` what_is_no_key_set_never_replaces_a_good_one, keys_that_nobody_confirms_end_with_the_configured_age, a_key_that_the_issuer_withdrew_ends_the_answers_kept_for_it
//! - b29 two issuers, one name: login-review names_that_two_issuers_may_give_are_warned_about
//! - b30 groups elsewhere: J07
//! - b31 CEL: `cel` as a whole; `differential` expressions_mean_what_they_mean_to_kube_apiserver (one of them costs too much)
//! - b32 introspection: `server` what_the_server_does_not_vouch_for_is_refused, what_is_no_answer_is_an_outage_and_never_a_refusal
//! - b33, b34, b35 STS, Keystone, passwords, proof of possession: not built
//! - b36 static tokens: `server` static_tokens_are_looked_up_and_nobody_is_asked
//! - b37 logs: W33; `server` an_accepted_user_carries_the_id_of_the_one_record_of_the_decision
//! - b38 kinds of failure: W02, W04, W06, W29
//! - b39 answers that are kept: W22, W24
#![expect(clippy::disallowed_methods, reason = "tokens are made for the time that it is")]
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod callers;
mod keys;
mod load;
mod questions;
mod reload;
mod world;

use std::process::ExitCode;

use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .cases(keys::CASES)
        .cases(reload::CASES)
        .cases(questions::CASES)
        .cases(callers::CASES)
        .run()
}
