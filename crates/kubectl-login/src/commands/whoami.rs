//! `whoami`: asks the cluster which user it sees, with the token that kubectl would get.
//! Never guesses from the token's claims: only the cluster knows how it maps them.

use clap::{ArgMatches, Command};
use login_common::{Secret, exec_credential::ExecApiVersion};
use serde::Serialize;

use super::{
    chosen::{self, Chosen},
    cluster::{Cluster, UserInfo},
};
use crate::{
    output::{self, Format, Table},
    renewal::Renewal,
    report::Failure,
    system::{System, http, runtime},
};

/// Its arguments.
pub fn definition() -> Command {
    chosen::with_choice(Command::new("whoami"))
        .about("Ask the cluster of the current context who it takes you for")
        .arg(output::argument())
        .after_help(chosen::REST_OF_OPTIONS)
}

/// Asks the cluster and prints the answer.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let context = chosen::context(system, matches)?;
    // First, so that no user signs in for a cluster that cannot be called.
    let cluster = Cluster::of(&context, &http::proxies(system.environment))?;
    let chosen = Chosen::of(system, matches)?;
    let answer = chosen.within(system, |system| {
        Renewal::new(system, &chosen.target, None).answer(ExecApiVersion::V1)
    })?;
    let token = token_of(&answer);
    let user = runtime::block_on(cluster.review(&token, &chosen.target.issuer))??;
    let found = Whoami {
        context: &context.name,
        cluster: &context.cluster_name,
        issuer: chosen.target.issuer.as_str(),
        user,
    };
    let format = Format::of(matches);
    Ok(output::print(format, "WhoAmI", &found, |wide, _| found.table(wide).render())?)
}

/// The token in an ExecCredential that we rendered.
pub(super) fn token_of(answer: &str) -> Secret {
    let credential: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    let token = credential.pointer("/status/token").and_then(serde_json::Value::as_str);
    Secret::new(token.unwrap_or_default())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whoami<'a> {
    context: &'a str,
    cluster: &'a str,
    issuer: &'a str,
    #[serde(flatten)]
    user: UserInfo,
}

impl Whoami<'_> {
    /// As `kubectl auth whoami` shows it.
    fn table(&self, wide: bool) -> Table {
        let mut table = Table::new(&["attribute", "value"]);
        let mut add = |name: &str, value: String| table.add([name.to_owned(), value]);
        add("Username", self.user.username.clone());
        if !self.user.uid.is_empty() {
            add("UID", self.user.uid.clone());
        }
        if !self.user.groups.is_empty() {
            add("Groups", format!("[{}]", self.user.groups.join(" ")));
        }
        for (key, values) in &self.user.extra {
            add(&format!("Extra: {key}"), format!("[{}]", values.join(" ")));
        }
        if wide {
            add("Context", self.context.to_owned());
            add("Cluster", self.cluster.to_owned());
            add("Issuer", self.issuer.to_owned());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_kubectl_and_wide_says_more() {
        let found = Whoami {
            context: "dev",
            cluster: "c",
            issuer: "https://id.example",
            user: UserInfo {
                username: "alice".to_owned(),
                groups: vec!["a".to_owned(), "b".to_owned()],
                extra: [("example.org/k".to_owned(), vec!["v".to_owned()])].into(),
                ..UserInfo::default()
            },
        };
        assert_eq!(
            found.table(false).render(),
            "ATTRIBUTE              VALUE\n\
             Username               alice\n\
             Groups                 [a b]\n\
             Extra: example.org/k   [v]\n"
        );
        assert!(found.table(true).render().ends_with("https://id.example\n"));
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!((&json["username"], &json["context"]), (&"alice".into(), &"dev".into()));
        assert_eq!(json.get("uid"), None);
    }

    #[test]
    fn the_token_is_the_one_in_the_credential() {
        assert_eq!(token_of(r#"{"status":{"token":"a.b.c"}}"#).expose(), "a.b.c");
        assert!(token_of("nonsense").is_empty());
    }
}
