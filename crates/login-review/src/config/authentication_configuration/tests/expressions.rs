//! Expressions: the positions of their faults in the file, and their warnings.

use super::*;

#[test]
fn faults_of_an_expression_stand_at_their_line_of_the_file() {
    let text = "apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: 'https://id.example.com', audiences: [k]}
  claimMappings:
    username:
      expression: |
        has(claims.sub) ?
          nothing :
          claims.sub.firstLetter()
    groups:
      expression: >-
        claims.groups
        + 1 + nowhere
    uid:
      expression:
        'claims.x == '
";
    assert_eq!(
        faults(text),
        [
            "a.yaml:9: jwt[0].claimMappings.username.expression: line 2, column 3 of the \
             expression: undeclared reference to 'nothing'",
            "a.yaml:10: jwt[0].claimMappings.username.expression: line 3, column 25 of the \
             expression: undeclared reference to 'firstLetter'",
            "a.yaml:13: jwt[0].claimMappings.groups.expression: line 1, column 21 of the \
             expression: undeclared reference to 'nowhere'",
            "a.yaml:17: jwt[0].claimMappings.uid.expression: line 1, column 13 of the \
             expression: syntax error: expected an expression",
        ]
    );
}

#[test]
fn an_expression_that_can_never_give_what_is_needed_is_warned_about() {
    let warnings = |mappings: &str| {
        let found = shown(&accepted(&file(ISSUER, mappings, "")).warnings);
        found.into_iter().filter(|text| text.contains("every token")).collect::<Vec<_>>()
    };
    let at = |place: &str, expression: &str| match place {
        "username" => format!("username: {{expression: '{expression}'}}"),
        "extra" => format!("{MAPPINGS}, extra: [{{key: a.b/c, valueExpression: '{expression}'}}]"),
        place => format!("{MAPPINGS}, {place}: {{expression: '{expression}'}}"),
    };
    for place in ["username", "uid", "groups", "extra"] {
        for good in ["claims.sub", "\"a\" + claims.sub", "string(claims.exp)"] {
            assert_eq!(warnings(&at(place, good)), [""; 0], "{place}: {good}");
        }
        for odd in ["1", "claims.sub == \"a\"", "{\"a\": claims.sub}", "claims.?sub", "[1, 2]"] {
            let found = warnings(&at(place, odd));
            assert!(found.len() == 1 && found[0].contains("a string"), "{place}: {odd} {found:?}");
        }
    }
    for list in ["[]", "[\"a\"]", "[claims.sub]", "[claims.sub].filter(s, s != \"\")", "null"] {
        for place in ["groups", "extra"] {
            assert_eq!(warnings(&at(place, list)), [""; 0], "{place}: {list}");
        }
        for place in ["username", "uid"] {
            assert_eq!(warnings(&at(place, list)).len(), 1, "{place}: {list}");
        }
    }
}

// J06
#[test]
fn a_claim_that_is_selected_without_a_look_for_it_is_warned_about() {
    let missing = |mappings: &str, rules: &str| {
        let rules = format!("  claimValidationRules: [{rules}]\n");
        let found = shown(&accepted(&file(ISSUER, mappings, &rules)).warnings);
        let named = |text: &String| {
            let rest = text.split_once("without the claim `")?.1;
            Some(rest.split_once('`')?.0.to_owned())
        };
        found.iter().filter_map(named).collect::<Vec<_>>().join(",")
    };
    let groups = |expression: &str| {
        missing(&format!(r#"{MAPPINGS}, "groups": {{"expression": '{expression}'}}"#), "")
    };
    assert_eq!(groups("claims.roles"), "roles");
    assert_eq!(groups("claims.realm_access.roles"), "realm_access");
    assert_eq!(groups("has(claims.roles) ? claims.roles : []"), "");
    assert_eq!(groups("claims.?roles.orValue([])"), "");
    assert_eq!(missing(MAPPINGS, r#"{expression: "claims.hd == 'a'"}"#), "hd");
    assert_eq!(missing(MAPPINGS, "{expression: 'claims.exp - claims.iat < 60'}"), "");
    let uid = format!(r#"{MAPPINGS}, "uid": {{"expression": "claims.oid"}}"#);
    assert_eq!(missing(&uid, ""), "oid");
    let name = r#""username": {"expression": "claims.preferred_username"}"#;
    assert_eq!(missing(name, ""), "", "nobody is anybody without a name");
}
