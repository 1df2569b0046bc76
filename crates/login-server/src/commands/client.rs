//! `client`: clients that may ask the embedded issuer for tokens without a user.
//! Never shows a secret twice: only its digest is stored.

use clap::{Args, Subcommand};
use login_common::names::ClientId;
use login_issuer::{Client, NewClient};

use super::administration::{
    List, Listed, Listing, NewGroups, StateFolder, check_groups, warn_of_reserved,
};
use crate::{
    report::{Failure, print, remark},
    system::clock::Clock,
};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Add a machine; its secret is printed on stdout, this once
    Add(Add),
    /// List every machine
    List(List),
    /// Remove a machine
    Delete(Delete),
    /// Replace the groups of a machine
    SetGroups(SetGroups),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// The client id
    id: String,
    /// A group it is in; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    #[command(flatten)]
    state: StateFolder,
}

#[derive(Args, Debug)]
pub(super) struct Delete {
    /// The client id
    id: String,
    #[command(flatten)]
    state: StateFolder,
}

#[derive(Args, Debug)]
pub(super) struct SetGroups {
    /// The client id
    id: String,
    #[command(flatten)]
    groups: NewGroups,
    #[command(flatten)]
    state: StateFolder,
}

const LISTING: Listing = Listing { kind: "ClientList", key: "id", what: "list clients" };

impl ClientCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(command) => command.run(),
            Self::List(command) => command.run(&LISTING, |machines| {
                Ok(machines.clients()?.into_iter().map(listed).collect())
            }),
            Self::Delete(command) => command.run(),
            Self::SetGroups(command) => command.run(),
        }
    }
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        check_groups(&self.groups)?;
        let client = NewClient { id: client_id(&self.id)?, groups: self.groups };
        let what = format!("add client `{}`", client.id);
        let (client, secret) =
            self.state.begin(&what, |machines| machines.add_client(&client, Clock::HOST.now()))?;
        warn_of_reserved(Some(client.id.as_str()), &client.groups);
        remark(&format!("client `{}` was added; this is its secret, shown once:", client.id));
        print(&format!("{}\n", secret.expose()))
    }
}

impl Delete {
    fn run(self) -> Result<(), Failure> {
        let id = client_id(&self.id)?;
        let what = format!("delete client `{id}`");
        self.state.administer(&what, |machines| machines.delete_client(&id))?;
        remark(&format!("client `{id}` was deleted; tokens already issued run to their end"));
        Ok(())
    }
}

impl SetGroups {
    fn run(self) -> Result<(), Failure> {
        let id = client_id(&self.id)?;
        let what = format!("set the groups of client `{id}`");
        check_groups(self.groups.names())?;
        self.state
            .administer(&what, |machines| machines.set_client_groups(&id, self.groups.names()))?;
        remark(&format!(
            "client `{id}` has new groups in its next token; tokens given out keep the old ones to \
             their end"
        ));
        warn_of_reserved(None, self.groups.names());
        Ok(())
    }
}

fn listed(client: Client) -> Listed {
    let name = client.id.as_str().to_owned();
    let subject = name.clone();
    Listed { name, groups: client.groups, created_at: client.created_at, subject }
}

fn client_id(text: &str) -> Result<ClientId, Failure> {
    ClientId::parse(text)
        .map_err(|fault| Failure::configuration("that is no client id").because(&fault))
}
