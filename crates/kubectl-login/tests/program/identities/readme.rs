//! Runs the jobs of the guide to CI jobs, each in the environment that it is written for.
//! Never adds anything to the guide: options and variables come from its text.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{
    Job,
    ci_system::{AZURE, jwt},
};
use crate::stage::token;

/// The YAML blocks of the guide.
fn examples() -> Vec<Value> {
    let guide = include_str!("../../../../../docs/src/how-to/ci-jobs.md");
    let blocks = guide.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|block| serde_saphyr::from_str(block).unwrap()).collect()
}

/// The arguments of the guide's only kubeconfig entry.
fn arguments(examples: &[Value]) -> Vec<String> {
    let entries = examples.iter().filter_map(|example| example.pointer("/users/0/user/exec/args"));
    let [arguments] = entries.collect::<Vec<_>>()[..] else { panic!("not one kubeconfig entry") };
    serde_json::from_value(arguments.clone()).unwrap()
}

/// Every variable of ours that a YAML block sets, at any level.
fn variables(example: &Value, found: &mut Vec<(String, String)>) {
    match example {
        Value::Array(items) => items.iter().for_each(|item| variables(item, found)),
        Value::Object(members) => {
            if let (Some(Value::String(name)), Some(Value::String(value))) =
                (members.get("name"), members.get("value"))
            {
                found.push((name.clone(), value.clone()));
            }
            for (name, value) in members {
                match value.as_str().filter(|_| name.starts_with("KUBECTL_LOGIN_")) {
                    Some(value) => found.push((name.clone(), value.to_owned())),
                    None => variables(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The audience that a job's definition requests from its CI system.
fn audience(example: &Value) -> Option<&str> {
    match example {
        Value::Array(items) => items.iter().find_map(audience),
        Value::Object(members) => ["aud", "audience"]
            .into_iter()
            .find_map(|name| members.get(name)?.as_str())
            .or_else(|| members.values().find_map(audience)),
        _ => None,
    }
}

#[test]
fn every_job_in_the_guide_gets_the_token_that_it_asks_for() {
    let examples = examples();
    let arguments = arguments(&examples);
    let mut seen = Vec::new();
    for example in &examples {
        let mut set = Vec::new();
        variables(example, &mut set);
        let value = |wanted: &str| {
            set.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        };
        let Some(identity) = value("KUBECTL_LOGIN_IDENTITY") else { continue };
        let mut issuer = value("KUBECTL_LOGIN_ISSUER_URL").unwrap();
        let client_id = value("KUBECTL_LOGIN_CLIENT_ID").unwrap();
        let job = Job::new();
        let asked = audience(example).unwrap_or(&client_id);
        let in_a_file = |issuer: &str| {
            let token = jwt(issuer, asked, "spiffe://example.org/job", 600);
            let file = job.file("token", &token).display().to_string();
            vec![("KUBECTL_LOGIN_IDENTITY_FILE", file)]
        };
        let place = match identity.as_str() {
            "github-actions" => {
                assert_eq!(example.pointer("/permissions/id-token"), Some(&Value::from("write")));
                job.system.github_job("job-1")
            }
            "gitlab" => {
                let names = example.pointer("/deploy/id_tokens").unwrap().as_object().unwrap();
                assert!(names.contains_key("KUBECTL_LOGIN_ID_TOKEN"), "{example}");
                vec![("KUBECTL_LOGIN_ID_TOKEN", jwt(&issuer, asked, "job", 600))]
            }
            "azure-pipelines" => {
                assert!(example.to_string().contains("$(System.AccessToken)"));
                assert_eq!(issuer, "https://vstoken.dev.azure.com/ORGANIZATION-ID");
                AZURE.clone_into(&mut issuer);
                job.system.azure_job("job-1")
            }
            // The default path needs no variable, but belongs to kubelet.
            "kubernetes" => {
                let text = example.to_string();
                assert!(text.contains("/var/run/secrets/tokens") && text.contains("kubectl-login"));
                in_a_file(&issuer)
            }
            "spiffe" => in_a_file(&issuer),
            other => panic!("nobody knows how to run the example of {other}"),
        };
        let mut command = job.bare_command(&set);
        let output = command
            .args(&arguments)
            .env("KUBECTL_LOGIN_ISSUER_URL", &issuer)
            .envs(place)
            .output()
            .unwrap();
        let token = token(&output);
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&claims["iss"], &claims["aud"]), (&issuer.into(), &client_id.into()));
        seen.push(identity);
    }
    assert_eq!(seen, ["github-actions", "gitlab", "azure-pipelines", "kubernetes", "spiffe"]);
}
