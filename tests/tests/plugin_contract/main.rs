//! The contract of exec plugins with real kubectl and a real kube-apiserver.
//! Never imitates the host.
//!
//! One line for each case of the contract, and what holds it; cases without a suite are here.
//!
//! - P01 versions: `cluster` an_exec_entry_works_with_every_kubectl_and_both_api_versions
//! - P02 unknown fields: `get_token` a_host_that_says_more_than_we_know_is_understood
//! - P03 no host: `get_token` without_a_host_the_answer_is_v1
//! - P04 nonsense: `bad_input` a_broken_kubernetes_exec_info_is_a_usage_error, an_unknown_exec_credential_version_is_a_usage_error
//! - P05 one object: `get_token` whatever_is_told_goes_to_standard_error
//! - P06 the rest on stderr: the same
//! - P07 failures: each case of `bad_input`
//! - P08 trimmed: `get_token` an_identity_that_the_issuer_signed_is_the_token
//! - P09 expiry with our skew: `get_token` the_reported_expiry_is_earlier_than_the_real_one
//! - P10 no expiry, no key: `exec_credential.rs` of login-common; no issuer here leaves it out
//! - P11 never a past expiry: `get_token` an_expired_token_is_refreshed_and_each_refresh_token_is_used_once
//! - P12 password: a_password_is_asked_for_and_not_shown, ctrl_c_at_a_hidden_prompt_shows_again_what_is_typed
//! - P13 no user: without_a_terminal_or_a_browser_kubectl_fails_at_once_with_advice
//! - P14 piped data: a_manifest_in_a_pipe_reaches_kubectl_whole_while_a_person_signs_in
//! - P15 Always: an_entry_that_needs_a_terminal_is_refused_by_kubectl_without_one
//! - P16 null settings: cluster_information_without_settings_changes_nothing
//! - P17 settings, P20 two clusters: settings_of_the_cluster_entry_count
//! - P18 no cluster: without_cluster_information_the_error_names_the_switch
//! - P19 trust of the cluster: the_clusters_certificate_authority_is_not_the_issuers
//! - P21 refused token: a_token_that_the_cluster_refuses_is_renewed_once_and_silently, a_user_whom_the_cluster_always_refuses_costs_one_renewal
//! - P22 five calls: a_cancelled_sign_in_is_one_window_however_often_kubectl_asks; `get_token` a_failed_sign_in_is_not_repeated_by_the_next_kubectl
//! - P23 in parallel: twenty_kubectls_without_a_session_sign_in_once; `get_token` fifty_processes_…
//! - P24 killed holder: `get_token` a_killed_lock_holder_does_not_hold_up_the_others, a_renewal_killed_at_any_write_leaves_a_session_that_goes_on
//! - P25 refused refresh: `get_token` only_a_refused_refresh_leads_to_a_new_sign_in
//! - P26 outage: `get_token` a_valid_token_is_served_while_the_issuer_is_down, a_cut_connection_opens_no_browser_and_ends_no_session
//! - P27 hanging: `get_token` an_issuer_that_hangs_is_given_up_in_time; `bad_input` a_closed_browser_ends_with_the_time_limit
//! - P28 signals: ctrl_c_ends_a_sign_in_and_leaves_nothing_behind; `get_token` a_terminated_sign_in_ends_at_once_and_leaves_nothing_half_written
//! - P29, P30, P31 certificates: none; the client returns only tokens
//! - P32 modes: `get_token` what_is_kept_is_closed_to_others, a_folder_that_others_may_write_to_is_not_used
//! - P33 the kubeconfig: a_kubeconfig_is_never_changed_by_the_plugin
//! - P34 generated entries: `cluster` (all of it runs on them), an_entry_that_needs_a_terminal_is_refused_by_kubectl_without_one
//! - P35 doctor: `commands` doctor_names_what_keeps_kubectl_from_running_the_plugin
//! - P36 inherited variable: what_kubectl_says_wins_over_a_variable_of_the_entry
//! - P37 kuberc: an_allow_list_of_kuberc_names_the_plugin
//! - P38 plugin name: kubectl_finds_the_plugin_and_passes_its_arguments; `commands` usage_says_kubectl_login_under_kubectl
//! - P39 flags before: kubectl_refuses_its_own_flags_before_the_plugins_name
//! - P40 completion: `commands` kubectl_completes_the_words_of_kubectl_login
//! - P41 huge authority: a_certificate_authority_too_long_for_the_environment_keeps_the_plugin_from_starting
//! - P42 relative command: a_relative_command_is_found_beside_the_kubeconfig
//! - P43 Windows: type-checked by `cargo xtask lint`; not run
//! - P44 clocks: `get_token` a_clock_ten_minutes_ahead_still_gets_a_token_and_a_warning and its neighbours
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod host;
mod on_a_terminal;
mod refused;
mod storms;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use login_tests::suite::Suite;

const LIMIT: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    Suite::new(world::World::start)
        .cases(host::CASES)
        .cases(on_a_terminal::CASES)
        .cases(storms::CASES)
        .cases(refused::CASES)
        .run()
}
