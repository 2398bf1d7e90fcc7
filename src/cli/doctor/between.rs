//! Token against database: what `strongroom reconcile` finds, and no more is done about it.

use super::table::Table;
use crate::Error;
use crate::config::Config;
use crate::gateway::reconciler;
use crate::reconcile::Report;

const CHECK: &str = "token against database";
/// Of many differences, this many are named.
const NAMED: usize = 20;

pub(super) async fn examine(config: &Config, table: &mut Table) {
    let report = match compare(config).await {
        Ok(report) => report,
        Err(error) => {
            return table.bad(CHECK, error, "see the message; then run doctor again");
        }
    };
    table.note("key versions in the database", report.versions);
    table.note("key objects on the token", report.objects);
    for note in &report.notes {
        table.note(CHECK, note);
    }
    for difference in report.differences.iter().take(NAMED) {
        let check = difference.kind.name();
        table.bad(check, &difference.found, "see `strongroom reconcile`");
    }
    match report.differences.len() {
        0 => table.good(CHECK, "nothing differs"),
        many if many > NAMED => {
            let more = format!("and {} more differences", many - NAMED);
            table.bad(CHECK, more, "see `strongroom reconcile`");
        }
        _ => {}
    }
}

async fn compare(config: &Config) -> Result<Report, Error> {
    let reconciler = reconciler(config, None).await?;
    let report = reconciler.compare().await;
    reconciler.tokens.close_all().await;
    report
}
