//! `strongroom admin user` and `strongroom admin role`, which are the same but for what makes them.

use super::table::Column;
use super::{Gateway, document};
use crate::Error;
use clap::Subcommand;
use serde_json::{Value, json};
use std::path::PathBuf;

/// What is done with users.
#[derive(Subcommand)]
pub(super) enum User {
    /// Make a user.
    Create {
        /// Its name.
        name: String,
        /// A tag of it; may be repeated.
        #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
        tags: Vec<Tag>,
    },
    #[command(flatten)]
    Common(Common),
}

/// What is done with roles.
#[derive(Subcommand)]
pub(super) enum Role {
    /// Make a role.
    Create {
        /// Its name.
        name: String,
        /// Who may assume it, a policy: a file, or - for standard input.
        #[arg(long, value_name = "FILE")]
        trust: PathBuf,
        /// The longest session, in seconds: 3600 to 43200.
        #[arg(long, value_name = "SECONDS")]
        max_session: Option<u32>,
        /// A tag of it; may be repeated.
        #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
        tags: Vec<Tag>,
    },
    /// Change who may assume it.
    Trust {
        /// The role's name.
        name: String,
        /// The policy: a file, or - for standard input.
        document: PathBuf,
    },
    #[command(flatten)]
    Common(Common),
}

/// What is done with both.
#[derive(Subcommand)]
pub(super) enum Common {
    /// List them.
    List,
    /// Show one.
    Get {
        /// Its name.
        name: String,
    },
    /// Delete one that has neither policies nor access keys.
    Delete {
        /// Its name.
        name: String,
    },
    /// Put tags on one.
    Tag {
        /// Its name.
        name: String,
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = tag)]
        tags: Vec<Tag>,
    },
    /// Take tags from one.
    Untag {
        /// Its name.
        name: String,
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
}

/// A tag's key and value.
#[derive(Clone)]
pub(super) struct Tag(String, String);

fn tag(text: &str) -> Result<Tag, String> {
    let (key, value) = text.split_once('=').ok_or("not KEY=VALUE")?;
    Ok(Tag(key.to_owned(), value.to_owned()))
}

fn json_of(tags: &[Tag]) -> Value {
    let tags = tags.iter();
    tags.map(|Tag(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// A kind of identity: its name in operations, and what is shown of one.
struct Kind {
    noun: &'static str,
    columns: &'static [Column],
    /// What is shown beside, of a single one.
    details: &'static [Column],
}

const USER: Kind = Kind {
    noun: "User",
    columns: &[
        ("USER", "UserName"),
        ("ID", "UserId"),
        ("ARN", "Arn"),
        ("CREATED", "CreateDate"),
    ],
    details: &[("TAGS", "Tags")],
};

const ROLE: Kind = Kind {
    noun: "Role",
    columns: &[
        ("ROLE", "RoleName"),
        ("ID", "RoleId"),
        ("ARN", "Arn"),
        ("CREATED", "CreateDate"),
    ],
    details: &[
        ("MAX SESSION", "MaxSessionDuration"),
        ("TAGS", "Tags"),
        ("TRUST", "AssumeRolePolicyDocument"),
    ],
};

impl Kind {
    fn named(&self, name: &str) -> Value {
        json!({format!("{}Name", self.noun): name})
    }

    fn show(&self, answer: &Value, gateway: &Gateway<'_>) {
        let columns = [self.columns, self.details].concat();
        gateway.show(answer, self.noun, &columns);
    }

    async fn run(&self, command: Common, gateway: &mut Gateway<'_>) -> Result<(), Error> {
        let noun = self.noun;
        match command {
            Common::List => {
                let list = format!("{noun}s");
                let operation = format!("List{list}");
                let all = gateway.list(&operation, json!({}), &list).await?;
                gateway.show_list(&list, all, self.columns);
            }
            Common::Get { name } => {
                let operation = format!("Get{noun}");
                let answer = gateway.call(&operation, &self.named(&name)).await?;
                self.show(&answer, gateway);
            }
            Common::Delete { name } => {
                let operation = format!("Delete{noun}");
                gateway.call(&operation, &self.named(&name)).await?;
            }
            Common::Tag { name, tags } => {
                let mut input = self.named(&name);
                input["Tags"] = json_of(&tags);
                gateway.call(&format!("Tag{noun}"), &input).await?;
            }
            Common::Untag { name, keys } => {
                let mut input = self.named(&name);
                input["TagKeys"] = keys.into();
                gateway.call(&format!("Untag{noun}"), &input).await?;
            }
        }
        Ok(())
    }
}

pub(super) async fn run_user(command: User, gateway: &mut Gateway<'_>) -> Result<(), Error> {
    match command {
        User::Create { name, tags } => {
            let mut input = USER.named(&name);
            input["Tags"] = json_of(&tags);
            let answer = gateway.call("CreateUser", &input).await?;
            USER.show(&answer, gateway);
            Ok(())
        }
        User::Common(command) => USER.run(command, gateway).await,
    }
}

pub(super) async fn run_role(command: Role, gateway: &mut Gateway<'_>) -> Result<(), Error> {
    match command {
        Role::Create {
            name,
            trust,
            max_session,
            tags,
        } => {
            let mut input = ROLE.named(&name);
            input["AssumeRolePolicyDocument"] = document(&trust)?.into();
            input["Tags"] = json_of(&tags);
            if let Some(seconds) = max_session {
                input["MaxSessionDuration"] = seconds.into();
            }
            let answer = gateway.call("CreateRole", &input).await?;
            ROLE.show(&answer, gateway);
            Ok(())
        }
        Role::Trust {
            name,
            document: path,
        } => {
            let mut input = ROLE.named(&name);
            input["PolicyDocument"] = document(&path)?.into();
            gateway.call("UpdateAssumeRolePolicy", &input).await?;
            Ok(())
        }
        Role::Common(command) => ROLE.run(command, gateway).await,
    }
}
