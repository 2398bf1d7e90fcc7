//! `strongroom admin approval`.

use super::table::Column;
use super::{Gateway, print_json, table};
use crate::Error;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// What is done with approval requests.
#[derive(Subcommand)]
pub(super) enum Command {
    /// List those that wait: for approvals, or for the requester to repeat the call.
    List {
        /// Those too that are over.
        #[arg(long)]
        all: bool,
    },
    /// Show one: what would be executed, for whom, and who has approved it.
    Show(Named),
    /// Approve exactly the call that it is about.
    Approve(Named),
    /// Deny it; or, as the requester, take it back.
    Deny(Named),
}

#[derive(Args)]
pub(super) struct Named {
    /// The approval request, by the id that the requester was told.
    approval_id: String,
}

const COLUMNS: &[Column] = &[
    ("APPROVAL", "ApprovalId"),
    ("STATUS", "Status"),
    ("ACTION", "Action"),
    ("REQUESTER", "Requester"),
    ("GIVEN", "ApprovalsCounted"),
    ("NEEDED", "ApprovalsNeeded"),
    ("EXPIRES", "ExpirationDate"),
];

const DETAILS: &[Column] = &[
    ("APPROVAL", "ApprovalId"),
    ("STATUS", "Status"),
    ("ACTION", "Action"),
    ("PARAMETERS", "Parameters"),
    ("KEYS", "Resources"),
    ("REGION", "Region"),
    ("REQUESTER", "Requester"),
    ("CREATED", "CreationDate"),
    ("EXPIRES", "ExpirationDate"),
    ("GIVEN", "ApprovalsCounted"),
    ("NEEDED", "ApprovalsNeeded"),
    ("DENIED BY", "DeniedBy"),
    ("APPROVERS", "Approvers"),
];

const APPROVALS: &[Column] = &[
    ("APPROVED BY", "Principal"),
    ("WITH", "AccessKeyId"),
    ("AT", "ApprovalDate"),
];

pub(super) async fn run(command: Command, gateway: &mut Gateway<'_>) -> Result<(), Error> {
    match command {
        Command::List { all } => {
            const LIST: &str = "ApprovalRequests";
            let input = json!({});
            let mut requests = gateway.list("ListApprovalRequests", input, LIST).await?;
            let waits = |one: &Value| one["Status"] == "PENDING" || one["Status"] == "APPROVED";
            requests.retain(|one| all || waits(one));
            requests.sort_by(|a, b| {
                let date = |one: &Value| one["CreationDate"].as_f64().unwrap_or_default();
                date(a).total_cmp(&date(b))
            });
            gateway.show_list(LIST, requests, COLUMNS);
        }
        Command::Show(named) => decide("DescribeApprovalRequest", &named, gateway).await?,
        Command::Approve(named) => decide("ApproveRequest", &named, gateway).await?,
        Command::Deny(named) => decide("DenyRequest", &named, gateway).await?,
    }
    Ok(())
}

/// Does one of the three, and shows what has become of the request.
async fn decide(operation: &str, named: &Named, gateway: &mut Gateway<'_>) -> Result<(), Error> {
    let input = json!({"ApprovalId": named.approval_id});
    let answer = gateway.call(operation, &input).await?;
    if gateway.json {
        print_json(&answer);
        return Ok(());
    }
    print!("{}", table::one(&answer, DETAILS));
    let approvals = answer["Approvals"].as_array();
    if let Some(approvals) = approvals.filter(|approvals| !approvals.is_empty()) {
        print!("\n{}", table::of(approvals, APPROVALS));
    }
    Ok(())
}
