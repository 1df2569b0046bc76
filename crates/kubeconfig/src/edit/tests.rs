//! Edits unusual kubeconfigs: nothing but the edited entry changes.
//! Never reads or writes a file.

use located_yaml::write::{self, Syntax};
use proptest::prelude::*;

use super::*;

fn put(name: &str, before: Option<Value>, after: Value) -> Edit {
    Edit::User { name: name.to_owned(), before, after }
}

fn point(context: &str, user: &str) -> Edit {
    Edit::Context { name: context.to_owned(), user: user.to_owned() }
}

fn exec() -> Value {
    json!({ "exec": { "command": "kubectl-login", "args": ["get-token", "--a=b"] } })
}

/// How many lines of `text` are unchanged in `changed`.
fn kept_lines(text: &str, changed: &str) -> usize {
    let difference = similar::TextDiff::from_lines(text, changed);
    difference.iter_all_changes().filter(|c| c.tag() == similar::ChangeTag::Equal).count()
}

const PLAIN: &str = "\
# my clusters
apiVersion: v1
clusters: []   # none yet
contexts:
- name: dev  # daily
  context: {cluster: c, user: 'old'}

- context:
    cluster: c
    user: \"old\"
  name: prod
current-context: dev
# people
users:
# the first
- name: old
  user:
    token: abc  # forever
    # last words

# the second
- {name: flow, user: {token: abc}}
kind: Config
preferences: {}
";

#[test]
fn a_user_is_added_below_the_others() {
    let changed = apply(PLAIN, &[put("new", None, exec())]).unwrap();
    let added = "- name: new\n  user:\n    exec:\n      args:\n      - get-token\n      - --a=b\n      \
                 command: kubectl-login\n";
    assert_eq!(changed, PLAIN.replace("kind: Config\n", &format!("{added}kind: Config\n")));
}

#[test]
fn a_user_is_replaced_and_its_neighbours_keep_their_comments() {
    let old = json!({ "token": "abc" });
    let changed = apply(PLAIN, &[put("old", Some(old.clone()), exec())]).unwrap();
    let expected = PLAIN.replace(
        "    token: abc  # forever\n",
        "    exec:\n      args:\n      - get-token\n      - --a=b\n      command: kubectl-login  # forever\n",
    );
    assert_eq!(changed, expected);
    let changed = apply(PLAIN, &[put("flow", Some(old), exec())]).unwrap();
    let expected = PLAIN.replace(
        "{name: flow, user: {token: abc}}",
        "{name: flow, user: {exec: {args: [get-token, --a=b], command: kubectl-login}}}",
    );
    assert_eq!(changed, expected);
}

#[test]
fn a_context_gets_another_user_in_its_own_quotes() {
    let changed = apply(PLAIN, &[point("dev", "it's"), point("prod", "new")]).unwrap();
    let expected = PLAIN.replace("user: 'old'", "user: 'it''s'").replace("\"old\"", "\"new\"");
    assert_eq!(changed, expected);
}

#[test]
fn a_merge_key_in_a_context_stays_one() {
    let base = "x-base: &base\n  cluster: c\n  namespace: n\n  user: shared\ncontexts:\n";
    for (context, expected) in [
        // The context has a `user` of its own beside the merge key.
        (
            "- name: dev\n  context:\n    <<: *base\n    user: old  # mine\n",
            "- name: dev\n  context:\n    <<: *base\n    user: new  # mine\n",
        ),
        (
            "- name: dev\n  context: {<<: *base, user: old}\n",
            "- name: dev\n  context: {<<: *base, user: new}\n",
        ),
        // The merged value is overridden, for this context only.
        (
            "- name: dev\n  context:\n    <<: *base\n- name: other\n  context: *base\n",
            "- name: dev\n  context:\n    <<: *base\n    user: new\n- name: other\n  context: *base\n",
        ),
        (
            "- {name: dev, context: {<<: *base}}\n",
            "- {name: dev, context: {<<: *base, user: new}}\n",
        ),
    ] {
        let changed = apply(&format!("{base}{context}"), &[point("dev", "new")]).unwrap();
        assert_eq!(changed, format!("{base}{expected}"));
    }
    // A merged user is never expanded in place: the user has to edit the file by hand.
    let text = "x: &x\n  exec: {command: a}\n  token: t\nusers:\n- name: a\n  user:\n    <<: *x\n";
    let before = value_of(text).unwrap().pointer("/users/0/user").cloned();
    let outcome = apply(text, &[put("a", before, exec())]);
    assert!(matches!(outcome, Err(KubeconfigFault::Unwritable)), "{outcome:?}");
}

#[test]
fn fields_are_added_and_taken_away_in_place() {
    let text = "users:\n- name: a\n  user:\n    # who\n    exec:\n      command: x # c\n      \
                args: [ya]\n      # env\n      env:\n      - {name: A, value: b}  # d\n    token: t\n";
    let before = json!({
        "exec": { "command": "x", "args": ["ya"], "env": [{ "name": "A", "value": "b" }] },
        "token": "t",
    });
    let after = json!({ "exec": {
        "command": "kubectl-login",
        "args": ["ya", "z"],
        "env": [{ "name": "A", "value": "b" }],
        "installHint": "do: it",
    } });
    assert_eq!(
        apply(text, &[put("a", Some(before), after)]).unwrap(),
        "users:\n- name: a\n  user:\n    # who\n    exec:\n      command: kubectl-login # c\n      \
         args: [ya, z]\n      # env\n      env:\n      - {name: A, value: b}  # d\n      \
         installHint: \"do: it\"\n"
    );
}

#[test]
fn an_empty_file_becomes_a_kubeconfig() {
    for text in ["", "# mine\n", "---\n", "{}\n", "# mine"] {
        let changed = apply(text, &[put("new", None, exec())]).unwrap();
        let value = value_of(&changed).unwrap();
        assert_eq!(value["users"][0]["name"], "new", "{text:?}: {changed}");
        assert!(changed.starts_with(text.trim_end_matches("{}\n")), "{changed}");
    }
    let changed = apply("", &[put("new", None, json!({}))]).unwrap();
    assert_eq!(changed, "apiVersion: v1\nkind: Config\nusers:\n- name: new\n  user: {}\n");
}

#[test]
fn whatever_others_did_meanwhile_is_a_conflict() {
    for edit in [
        put("old", None, exec()),
        put("old", Some(json!({ "token": "other" })), exec()),
        put("gone", Some(exec()), exec()),
        point("gone", "x"),
    ] {
        assert!(matches!(apply(PLAIN, &[edit]), Err(KubeconfigFault::Conflict(_))));
    }
}

#[test]
fn what_is_not_a_kubeconfig_is_left_alone() {
    for text in ["- a\n", "users: {}\n", "users: [1]\n", "text\n", "a: [\n", "a: 1\na: 2\n"] {
        assert!(apply(text, &[put("new", None, exec())]).is_err(), "{text}");
    }
}

#[test]
fn an_anchor_that_others_use_is_not_lost() {
    let text = "users:\n- name: a\n  user: &it {token: t}\n- name: b\n  user: *it\n";
    let old = json!({ "token": "t" });
    // `b` can get a value of its own.
    let changed = apply(text, &[put("b", Some(old.clone()), exec())]).unwrap();
    assert!(changed.starts_with("users:\n- name: a\n  user: &it {token: t}\n- name: b\n  user:\n"));
    // `a` cannot without changing `b`, too.
    let error = apply(text, &[put("a", Some(old), exec())]).unwrap_err();
    assert!(matches!(error, KubeconfigFault::Unwritable), "{error}");
}

/// The same kubeconfig in the many ways in which people and programs write it.
fn oddities() -> Vec<String> {
    let value = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "dev",
        "clusters": [{ "name": "c", "cluster": { "server": "https://k8s" } }],
        "contexts": [{ "name": "dev", "context": { "cluster": "c", "user": "old" } }],
        "users": [
            { "name": "other", "user": { "token": "abc" } },
            { "name": "old", "user": { "token": "abc" } },
        ],
    });
    let mut texts = vec![
        PLAIN.to_owned(),
        value.to_string(),
        format!("{value:#}"),
        format!("{value:#}\n"),
        format!("{value:#}").replace("  ", "\t"),
        write::block(&value, 0, "\n"),
        write::flow(&value, Syntax::Yaml),
        "users:\n  -   name: old\n      user:\n          token: abc\n\n\n\
         contexts:\n  -   name: dev\n      context:\n          user: old\n"
            .to_owned(),
        "%YAML 1.2\n---\n? users\n: - name: old\n    user: {token: abc}\n...\n".to_owned(),
        "users: !!seq\n- &x\n  name: old\n  user: !!map\n    token: !!str abc\n".to_owned(),
        "users:\n- name: >-\n    old\n  user:\n    token: |-\n      abc\ncontexts: ~\n".to_owned(),
        "users:\n-\n  name: old\n  user:\n    token:\n      abc\n".to_owned(),
        "x: &u {token: abc}\nusers:\n- name: old\n  user:\n    <<: *u\n".to_owned(),
        "users: [\n  {name: old, user: {token: abc}}, # c\n]\n".to_owned(),
        "{\"users\":[{\"name\":\"old\",\"user\":{\"token\":\"abc\"}}],}".to_owned(),
        "users:\n- user: {token: abc}\n  name: old\n# the end".to_owned(),
        "contexts: null\nusers: [{name: old, user: {token: \"abc\"}}]\nx: \"müller — ✓\"\n"
            .to_owned(),
    ];
    let windows: Vec<String> = texts.iter().map(|text| text.replace('\n', "\r\n")).collect();
    texts.extend(windows);
    texts.push(format!("\u{feff}{PLAIN}"));
    texts
}

#[test]
fn odd_files_are_changed_right_or_not_at_all() {
    let (mut changed_in_place, mut refused) = (0, 0);
    for text in oddities() {
        let old = value_of(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let token = Some(json!({ "token": "abc" }));
        let mut edits = vec![
            vec![put("old", token.clone(), exec())],
            vec![put("old", token.clone(), json!({ "token": "other", "exec": null }))],
            vec![put("new", None, exec())],
            vec![put("new", None, exec()), put("old", token, exec()), put("next", None, exec())],
        ];
        if old.pointer("/contexts/0/name").is_some() {
            edits.push(vec![point("dev", "new"), put("new", None, exec())]);
        }
        for edits in edits {
            let mut expected = old.clone();
            for edit in &edits {
                change(&mut expected, edit).unwrap();
            }
            match apply(&text, &edits) {
                Ok(changed) => {
                    changed_in_place += 1;
                    assert_eq!(value_of(&changed).unwrap(), expected, "{text}\n{changed}");
                    // A multi-line file loses at most the lines of the entry.
                    let lost = text.lines().count() - kept_lines(&text, &changed);
                    assert!(lost <= 4, "{lost} lines lost\n{text}\n{changed}");
                    let is_windows = text.contains("\r\n");
                    let mixed = changed.matches('\n').count() != changed.matches("\r\n").count();
                    assert!(!is_windows || !mixed, "{changed:?}");
                }
                Err(KubeconfigFault::Unwritable) => refused += 1,
                Err(error) => panic!("{error}\n{text}"),
            }
        }
    }
    assert!(changed_in_place > 6 * refused, "{changed_in_place} changed, {refused} refused");
}

/// A kubeconfig with random users and other content, in a random style.
fn kubeconfig() -> impl Strategy<Value = String> {
    let user = ("[a-c]", write::strategies::value(), 0..4_usize);
    let users = prop::collection::vec(user, 0..4);
    (users, write::strategies::value(), 0..4_usize, any::<bool>()).prop_map(
        |(users, other, style, is_windows)| {
            let newline = if is_windows { "\r\n" } else { "\n" };
            let mut lines =
                vec![format!("# head{newline}other: {}", write::flow(&other, Syntax::Json))];
            lines.push("users:".to_owned());
            for (name, value, comments) in users {
                let value = if value.is_object() { value } else { json!({ "token": value }) };
                lines.push(match style {
                    0 => format!(
                        "- {}",
                        write::block(&json!({ "name": name, "user": value }), 2, newline)
                    ),
                    1 => format!(
                        "  -   {}",
                        write::block(&json!({ "name": name, "user": value }), 6, newline)
                    ),
                    2 => {
                        format!(
                            "- {}",
                            write::flow(&json!({ "name": name, "user": value }), Syntax::Yaml)
                        )
                    }
                    _ => format!(
                        "- {}",
                        write::json_lines(&json!({ "name": name, "user": value }), 4, newline)
                    ),
                });
                lines.extend((0..comments).map(|number| format!("  # {number}")));
            }
            lines.push("kind: Config # tail".to_owned());
            lines.join(newline) + newline
        },
    )
}

proptest! {
    #[test]
    fn every_edit_says_what_it_should_and_touches_only_its_entry(
        text in kubeconfig(),
        name in "[a-d]",
        after in write::strategies::value(),
    ) {
        let old = value_of(&text).unwrap();
        let mut document = old.clone();
        let before = entry(&mut document, "users", &name).unwrap().map(|e| e["user"].clone());
        let edit = put(&name, before, json!({ "exec": after }));
        let mut expected = old;
        change(&mut expected, &edit).unwrap();
        let changed = apply(&text, &[edit]).unwrap();
        prop_assert_eq!(value_of(&changed).unwrap(), expected);
        // Comments outside of values and the surrounding lines stay.
        let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with("# ")).count();
        prop_assert_eq!(comments(&text), comments(&changed), "{}\n{}", text, changed);
        prop_assert!(changed.ends_with(&text[text.rfind("kind").unwrap()..]));
        let head = text.find("users:").unwrap();
        prop_assert_eq!(&changed[..head], &text[..head]);
    }
}
