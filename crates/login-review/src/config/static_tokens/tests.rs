//! Both formats: what is accepted, and what is refused with its line.

use super::*;

const TOKEN: &str = "Zq3xK9mT7vB2nL5wR8yD1cF6";

fn read(
    csv: &str,
    hashed: &str,
    guard: &Guard,
) -> Result<(StaticTokens, Vec<String>), Vec<String>> {
    let mut reading = Reading { tokens: StaticTokens::default(), guard };
    let (mut faults, mut warnings) = (Faults::new("t"), Faults::new("t"));
    reading.csv(csv, &mut faults, &mut warnings);
    reading.hashed(hashed, &mut faults, &mut warnings);
    let shown = |faults: Faults| -> Vec<String> {
        faults.into_problems().iter().map(ToString::to_string).collect()
    };
    if faults.is_empty() { Ok((reading.tokens, shown(warnings))) } else { Err(shown(faults)) }
}

fn user(tokens: &StaticTokens, token: &str) -> StaticUser {
    tokens.find(&TokenDigest::of(token)).unwrap().clone()
}

#[test]
fn kubernetes_lines_are_read_as_kubernetes_reads_them() {
    let text =
        format!("{TOKEN},jane,u1,\"dev,,ops,dev\"\n\n{TOKEN}2,bob,\n{TOKEN}3,eve,u3,\"\",x\n");
    let (tokens, warnings) = read(&text, "", &Guard::default()).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(tokens.len(), 3);
    let jane = user(&tokens, TOKEN);
    assert_eq!((jane.username.as_str(), jane.uid.as_str()), ("jane", "u1"));
    assert_eq!(jane.groups, ["dev", "ops"]);
    assert_eq!(user(&tokens, &format!("{TOKEN}2")).groups, [""; 0]);
    assert_eq!(user(&tokens, &format!("{TOKEN}3")).groups, [""; 0]);
    let debug = format!("{tokens:?}");
    assert!(!debug.contains(TOKEN), "{debug}");
}

#[test]
fn a_hashed_list_is_read_with_its_ends() {
    let (one, two) = (TokenDigest::of("one").to_text(), TokenDigest::of("two").to_text());
    let text = format!(
        "- {{token: \"{one}\", user: glass, uid: g, groups: [a, b, a], notAfter: 2026-02-01T00:00:00Z}}\n\
         - token: {two}\n  user: bob\n"
    );
    let (tokens, _) = read("", &text, &Guard::default()).unwrap();
    let glass = user(&tokens, "one");
    assert_eq!(glass.groups, ["a", "b"]);
    assert_eq!(glass.not_after, Some(UnixTime::parse_rfc3339("2026-02-01T00:00:00Z").unwrap()));
    assert_eq!(user(&tokens, "two").not_after, None);
    assert!(read("", "", &Guard::default()).unwrap().0.is_empty());
}

#[test]
fn every_fault_is_found_at_its_line_and_shows_no_token() {
    let secret = "s3cr3t.with.dots";
    let text = format!(
        "{TOKEN},jane,u\n{secret},bob,u\nabcdef.0123456789abcdef,x,u\nk8s-aws-v1.x,x,u\n\
         a b,x,u\nonly,two\n{TOKEN},eve,u\n{TOKEN}4,system:admin,u\n{TOKEN}5,,u\n\
         {TOKEN}6,jane,u,\"dev,system:masters\"\n"
    );
    assert_eq!(
        read(&text, "", &Guard::default()).unwrap_err(),
        [
            "t:2: the token has the shape of a JWT and would be judged as one",
            "t:3: the token has the shape of a bootstrap token, which kube-apiserver checks itself",
            "t:4: the token has the shape of an AWS token",
            "t:5: the token has characters that are not visible ASCII",
            "t:6: needs at least three columns: token, user, uid",
            "t:7: the same token stands already above or in another file",
            "t:9: no token of `` would ever be accepted (unusable_username); see `allowedSystemNames`",
        ]
    );
    let digest = TokenDigest::of("one").to_text();
    let text = format!(
        "- {{token: {secret}, user: a}}\n- {{user: a}}\n- {{token: \"{digest}\"}}\n\
         - {{token: \"{digest}\", user: \"\"}}\n- {{token: \"{digest}\", user: a, notAfter: soon}}\n\
         - {{token: \"{digest}\", user: a, colour: blue}}\n- {{token: \"{digest}\", user: b}}\n- 7\n"
    );
    let faults = read("", &text, &Guard::default()).unwrap_err();
    assert_eq!(
        faults,
        [
            "t:1: [0].token: must be `sha256:` and 64 hexadecimal digits",
            "t:2: [1].token: is required",
            "t:3: [2].user: is required",
            "t:4: [3].user: must not be empty",
            "t:5: [4].notAfter: `soon` is not an RFC 3339 time such as `2026-01-31T12:00:00Z`",
            "t:6: [5].colour: unknown key; known here: `token`, `user`, `uid`, `groups`, `notAfter`",
            "t:7: [6]: the same token stands already above or in another file",
            "t:8: [7]: must be a mapping, is a number (quote it to make it a text)",
        ]
    );
    assert!(!faults.concat().contains(secret));
    assert_eq!(
        read("a,\"b", "", &Guard::default()).unwrap_err(),
        ["t:1: a quotation mark is not closed"]
    );
}

#[test]
fn a_reserved_name_needs_its_exact_permission() {
    let guard = Guard::new(["system:admin".to_owned()], ["system:masters".to_owned()]);
    let text = format!("{TOKEN},system:admin,u,system:masters\n");
    assert_eq!(read(&text, "", &guard).unwrap().0.len(), 1);
}

#[test]
fn a_name_that_is_allowed_no_more_is_warned_of_and_faults_nothing() {
    let digest = TokenDigest::of("one").to_text();
    let csv = format!("{TOKEN},system:admin,u\n{TOKEN}6,jane,u,\"dev,system:masters\"\n");
    let hashed = format!("- {{token: \"{digest}\", user: kubernetes-admin}}\n");
    assert_eq!(
        read(&csv, &hashed, &Guard::default()).unwrap().1,
        [
            "t:1: no token of `system:admin` would ever be accepted (reserved_username); see `allowedSystemNames`",
            "t:1: [0]: no token of `kubernetes-admin` would ever be accepted (reserved_username); see `allowedSystemNames`",
            "t:2: no token of `jane` would ever be accepted (reserved_group); see `allowedSystemNames`",
        ]
    );
}

#[test]
fn what_can_be_guessed_is_warned_about() {
    let warned = |token: &str| {
        let (_, warnings) = read(&format!("{token},a,u\n"), "", &Guard::default()).unwrap();
        !warnings.is_empty()
    };
    assert!(!warned(TOKEN), "24 letters and digits are about 142 bits");
    assert!(!warned("0123456789abcdef0123456789abcdef"), "32 hexadecimal digits are 128 bits");
    for token in ["password", "0123456789abcdef0123456789abcde", "123456789012345678901234567890"] {
        assert!(warned(token), "{token}");
    }
    assert!(warned(&"ab".repeat(60)), "two letters are no random text");
    let (tokens, warnings) = read(",a,u\n", "", &Guard::default()).unwrap();
    assert_eq!((tokens.len(), warnings), (0, vec!["t:1: has no token and is left out".to_owned()]));
}
