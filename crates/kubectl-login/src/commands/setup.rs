//! `setup`: writes the user entry of a kubeconfig from the options of `get-token`.
//! Never writes a secret, never signs in.

use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser};
use located_yaml::write;
use login_common::exec_entry::{ExecEntry, INSTALL_HINT};
use serde_json::{Value, json};

use super::{
    chosen,
    user_entry::{self, NewEntry, Plan},
};
use crate::{
    options::{
        arguments,
        layers::{Layers, Settings},
        origin::Origin,
        table::Name,
        target::Target,
        typed::Typed,
    },
    report::Failure,
    system::{System, configuration, kubeconfig_file, stdout},
    user_entries::entry::{self, Others},
};

/// Its arguments.
pub fn definition() -> Command {
    let command = user_entry::with_options(chosen::with_options(Command::new("setup")));
    command
        .about("Write the user entry of a kubeconfig, with these options of `get-token`")
        .mut_arg("context", |context| context.help("The context that shall use the entry"))
        .mut_arg("kubeconfig", |file| {
            file.help("The kubeconfig to change [default: $KUBECONFIG or ~/.kube/config]")
        })
        .arg(
            Arg::new("exec-api-version")
                .long("exec-api-version")
                .value_name("VERSION")
                .value_parser(PossibleValuesParser::new(["v1", "v1beta1"]))
                .default_value("v1")
                .help("`v1beta1` is for kubectl before 1.22"),
        )
        .arg(
            Arg::new("install-hint")
                .long("install-hint")
                .value_name("TEXT")
                .default_value(INSTALL_HINT)
                .hide_default_value(true)
                .help("What kubectl says where kubectl-login is missing"),
        )
        .arg(
            Arg::new("provide-cluster-info")
                .long("provide-cluster-info")
                .action(ArgAction::SetTrue)
                .help("Let kubectl hand on the settings that the cluster's entry has for us"),
        )
        .arg(
            Arg::new("skip-validation")
                .long("skip-validation")
                .action(ArgAction::SetTrue)
                .help("Do not ask the issuer whether it is there"),
        )
        .arg(
            Arg::new("print")
                .long("print")
                .action(ArgAction::SetTrue)
                .conflicts_with("dry-run")
                .help("Print the entry and change nothing; the same as `-o yaml`"),
        )
        .arg(
            Arg::new("output")
                .short('o')
                .long("output")
                .value_name("FORMAT")
                .value_parser(PossibleValuesParser::new(["yaml", "json"]))
                .conflicts_with("dry-run")
                .help("Print the entry in this format and change nothing"),
        )
}

/// Writes, shows or prints the entry.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let typed = arguments::typed(matches);
    let configuration = configuration::read(system.environment)?;
    let settings = Settings::resolve(&Layers {
        typed: &typed,
        typed_origin: &Origin::CommandLine,
        environment: system.environment,
        cluster: None,
        configuration: configuration.as_ref(),
    })?;
    let whole = whole(&typed, &settings);
    let arguments = entry::arguments(&whole, kubeconfig_file::absolute)?;
    let target = Target::check(&settings, system.environment)?;
    let text = |id: &str| matches.get_one::<String>(id).cloned().unwrap_or_default();
    let exec = ExecEntry {
        api_version: text("exec-api-version"),
        install_hint: text("install-hint"),
        provide_cluster_info: matches.get_flag("provide-cluster-info"),
        ..ExecEntry::new(arguments)
    };
    let host = user_entry::host_of(target.issuer.as_str());
    let wanted = NewEntry::of(matches, &host, exec.to_value());
    if !matches.get_flag("skip-validation") {
        user_entry::check_issuer(system, &target)?;
    }
    let format = matches.get_one::<String>("output").map(String::as_str);
    if let Some(format) = format.or(matches.get_flag("print").then_some("yaml")) {
        return print(&wanted, format);
    }
    let plan = Plan::of(system, &wanted)?;
    if matches.get_flag("dry-run") {
        return plan.show(system);
    }
    let obstacles = user_entry::obstacles(system, &whole, configuration.as_ref())?;
    plan.carry_out(system)?;
    plan.say_next(system, &obstacles);
    Ok(())
}

/// The typed options, with issuer and client added: kubectl may run without the current variables.
fn whole(typed: &Typed, settings: &Settings) -> Typed {
    let mut whole = typed.clone();
    for name in [Name::IssuerUrl, Name::ClientId] {
        if let (false, Some((value, _))) = (typed.has(name), settings.value(name)) {
            whole.push(name, value.to_owned());
        }
    }
    whole
}

/// Prints a kubeconfig with only the entry: it can be used as a file of `KUBECONFIG`.
fn print(wanted: &NewEntry<'_>, format: &str) -> Result<(), Failure> {
    let user = entry::with_exec(None, wanted.exec.clone(), &[], Others::Removed);
    let file: Value = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{ "name": wanted.name, "user": user }],
    });
    let text = if format == "json" { format!("{file:#}\n") } else { write::document(&file) };
    Ok(stdout::answer(&text)?)
}

#[cfg(test)]
mod tests {
    use kubeconfig::KubeconfigFault;

    use super::*;
    use crate::commands::command_line;

    fn refused(line: &str) -> String {
        let words: Vec<std::ffi::OsString> = line.split_whitespace().map(Into::into).collect();
        let (entry, matches) =
            command_line::parse(command_line::Invocation::Program, &words).unwrap();
        let system = System {
            clock: &crate::system::clock::HostClock,
            environment: &crate::system::environment::NoEnvironment,
            terminal: &crate::system::terminal::Stderr { verbose: false },
        };
        (entry.run)(&system, &matches).unwrap_err().to_string()
    }

    #[test]
    fn an_entry_says_where_to_sign_in_even_when_only_a_variable_did() {
        use crate::system::environment::{NoEnvironment, Overlay};
        let variables = [
            ("KUBECTL_LOGIN_ISSUER_URL".to_owned(), "https://id.example".to_owned()),
            ("KUBECTL_LOGIN_CLIENT_ID".to_owned(), "other".to_owned()),
        ];
        let mut typed = Typed::default();
        typed.push(Name::ClientId, "k".to_owned());
        let settings = Settings::resolve(&Layers {
            typed: &typed,
            typed_origin: &Origin::CommandLine,
            environment: &Overlay { variables: &variables, below: &NoEnvironment },
            cluster: None,
            configuration: None,
        })
        .unwrap();
        assert_eq!(
            entry::arguments(&whole(&typed, &settings), ToOwned::to_owned).unwrap(),
            ["--issuer-url=https://id.example", "--client-id=k"]
        );
    }

    #[test]
    fn secrets_and_nonsense_are_refused_before_anything_is_asked_or_written() {
        let begin = "setup --issuer-url https://id.invalid --client-id k";
        assert_eq!(
            refused(&format!("{begin} --client-secret x")),
            "`--client-secret` has no place in a kubeconfig"
        );
        assert!(refused("setup --client-id k").contains("`--issuer-url` is missing"));
        assert!(refused(&format!("{begin} --flow nonsense")).contains("`--flow`"));
        let nowhere = refused(&format!("{begin} --skip-validation"));
        assert_eq!(nowhere, KubeconfigFault::Nowhere.to_string());
    }
}
