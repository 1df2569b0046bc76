//! The operator's permissions and their limits.

use super::*;
use crate::{AdministrationError, PUBLIC_CLIENT_ID};

fn new_user(name: &str, password: &str, groups: &[&str]) -> NewUser {
    NewUser {
        name: name.into(),
        password: Secret::new(password),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

#[test]
fn users_are_checked_before_they_are_added() {
    let rig = Rig::new();
    let operator = rig.issuer.administration();
    let refuse = |user: &NewUser| operator.add_user(user, at(1)).unwrap_err().to_string();
    let long = "x".repeat(256);
    let many: Vec<&str> = std::iter::repeat_n(long.as_str(), 17).collect();
    assert_eq!(refuse(&new_user("Alice", PASSWORD, &[])), "user `Alice` exists already");
    assert_eq!(
        refuse(&new_user("client:x", PASSWORD, &[])),
        "a user name has 1 to 128 letters, digits and `._@+-`, which `client:x` has not"
    );
    assert_eq!(refuse(&new_user("bob", "short", &[])), "the password has fewer than 12 characters");
    assert_eq!(
        refuse(&new_user("bob", &"x".repeat(1025), &[])),
        "the password has more than 1024 bytes"
    );
    assert_eq!(
        refuse(&new_user("bob", PASSWORD, &[""])),
        "a group has 1 to 256 characters, none of them a control character"
    );
    assert_eq!(
        refuse(&new_user("bob", PASSWORD, &many)),
        "the groups have more than 4096 bytes together"
    );

    let bob = operator.add_user(&new_user("bob", PASSWORD, &["b", "a", "b"]), at(1)).unwrap();
    assert_eq!(bob.groups, ["a", "b"]);
    assert_eq!(operator.users().unwrap(), [rig.alice.clone(), bob]);
    operator.delete_user("BOB", at(2)).unwrap();
    assert!(matches!(operator.delete_user("bob", at(2)), Err(AdministrationError::NoSuchUser(_))));
    let unknown = operator.set_password("bob", &Secret::new(PASSWORD), at(2));
    assert!(matches!(unknown, Err(AdministrationError::NoSuchUser(_))));
}

#[test]
fn a_name_given_to_somebody_else_is_somebody_else() {
    let rig = Rig::new();
    let operator = rig.issuer.administration();
    operator.delete_user("alice", at(2)).unwrap();
    let other = operator.add_user(&new_user("alice", PASSWORD, &[]), at(1)).unwrap();
    assert_ne!(other.id, rig.alice.id);
}

#[test]
fn clients_are_checked_before_they_are_added() {
    let rig = Rig::new();
    let operator = rig.issuer.administration();
    let client = |id: &str| NewClient { id: ClientId::parse(id).unwrap(), groups: vec![] };
    let refuse = |id: &str| operator.add_client(&client(id), at(1)).unwrap_err().to_string();
    assert_eq!(refuse("ci"), "client `ci` exists already");
    assert_eq!(refuse(PUBLIC_CLIENT_ID), "client `kubectl-login` exists already");
    assert_eq!(refuse("user_x"), "a client id must not begin with `user_`, which `user_x` does");
    let (_, secret) = operator.add_client(&client("other"), at(1)).unwrap();
    assert!(secret.expose().starts_with("kls_"));
    let ids: Vec<_> = operator.clients().unwrap().into_iter().map(|client| client.id).collect();
    assert_eq!(ids, [client("ci").id, client("other").id]);

    let built_in = operator.delete_client(&client(PUBLIC_CLIENT_ID).id);
    assert!(matches!(built_in, Err(AdministrationError::BuiltInClient(_))));
    let unknown = operator.delete_client(&client("unknown").id);
    assert!(matches!(unknown, Err(AdministrationError::NoSuchClient(_))));
}

#[test]
fn groups_are_replaced_and_count_from_the_next_refresh_on() {
    let rig = Rig::new();
    let operator = rig.issuer.administration();
    let groups = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let first = rig.signed_in(at(0));
    operator.set_user_groups("ALICE", &groups(&["ops", "dev", "ops"])).unwrap();
    assert_eq!(operator.users().unwrap()[0].groups, ["dev", "ops"]);
    let next = rig.refresh(first.refresh_token.as_ref().unwrap(), &[], at(1)).unwrap();
    let claims = rig.claims(&next.access_token, "kubernetes", at(1));
    assert_eq!(claims["groups"], serde_json::json!(["dev", "ops"]));
    operator.set_user_groups("alice", &[]).unwrap();
    assert_eq!(operator.users().unwrap()[0].groups, [""; 0]);
    let unknown = operator.set_user_groups("bob", &[]);
    assert!(matches!(unknown, Err(AdministrationError::NoSuchUser(_))));
    let bad = operator.set_user_groups("alice", &groups(&[""]));
    assert!(matches!(bad, Err(AdministrationError::GroupName)));

    let id = |id: &str| ClientId::parse(id).unwrap();
    operator.set_client_groups(&id("ci"), &groups(&["b", "a"])).unwrap();
    assert_eq!(operator.clients().unwrap()[0].groups, ["a", "b"]);
    let unknown = operator.set_client_groups(&id("unknown"), &[]);
    assert!(matches!(unknown, Err(AdministrationError::NoSuchClient(_))));
    let built_in = operator.set_client_groups(&id(PUBLIC_CLIENT_ID), &[]);
    assert!(matches!(built_in, Err(AdministrationError::BuiltInClient(_))));
}

#[test]
fn the_sessions_of_one_person_end_and_those_of_others_go_on() {
    let rig = Rig::new();
    let operator = rig.issuer.administration();
    operator.add_user(&new_user("bob", PASSWORD, &[]), at(0)).unwrap();
    let (one, two) = (rig.signed_in(at(0)), rig.signed_in(at(0)));
    let prompt = rig.prompt(&[], at(0)).unwrap();
    let location = rig.submit(&prompt, "bob", PASSWORD, at(0)).unwrap();
    let bob = rig.exchange(&parameter(&location, "code").unwrap(), &[], at(0)).unwrap();
    let code = rig.code(&[], at(0));
    assert_eq!(operator.end_user_sessions("Alice", at(1)).unwrap(), 2);
    assert_eq!(operator.end_user_sessions("alice", at(1)).unwrap(), 0);
    for ended in [one, two] {
        let token = ended.refresh_token.unwrap();
        assert_eq!(refused(rig.refresh(&token, &[], at(2))).1, "invalid_grant");
    }
    assert_eq!(refused(rig.exchange(&code, &[], at(2))).1, "invalid_grant", "under way");
    assert!(rig.refresh(&bob.refresh_token.unwrap(), &[], at(2)).is_ok());
    // The password still works.
    assert!(rig.signed_in(at(3)).refresh_token.is_some());
    let unknown = operator.end_user_sessions("nobody", at(4));
    assert!(matches!(unknown, Err(AdministrationError::NoSuchUser(_))));
}
