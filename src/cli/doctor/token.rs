//! The module, its slots, and what the configured token does and keeps.

use super::table::Table;
use crate::config::Config;
use crate::gateway::settings;
use crate::token::{Verdict, probe};

/// Answers whether the token can be used.
pub(super) fn examine(config: &Config, table: &mut Table) -> bool {
    let module = config.token.module.display();
    if !config.token.module.exists() {
        table.bad(
            "module",
            format!("{module} does not exist"),
            "install the HSM's PKCS#11 library, or mend token.module",
        );
        return false;
    }
    let report = match probe(&settings::token(config)) {
        Ok(report) => report,
        Err(error) => {
            table.bad("module", format!("{module}: {error}"), "look at the vendor's configuration of the module, and whether this user may read it");
            return false;
        }
    };
    table.good("module", format!("{module}: {}", report.library));
    for slot in &report.slots {
        let check = format!("slot {}", slot.slot);
        match &slot.problem {
            Some(problem) => table.note(check, format!("not readable: {problem}")),
            None if !slot.flags.contains(&"CKF_TOKEN_INITIALIZED") => {
                table.note(check, "its token is not initialised");
            }
            None => table.note(
                check,
                format!(
                    "{:?}, serial {}, {} {}, firmware {}, {}",
                    slot.label,
                    slot.serial,
                    slot.manufacturer,
                    slot.model,
                    slot.firmware,
                    slot.flags.join(" ")
                ),
            ),
        }
    }
    if let Some(token) = &report.token {
        for m in &token.mechanisms {
            let claim = if m.claimed { "claimed" } else { "not claimed" };
            let check = format!("mechanism {}", m.mechanism);
            if m.works {
                table.good(check, format!("{claim}, works; for {}", m.needed_for));
            } else {
                // What it lacks is refused by name, or done around the raw operation: no fault.
                table.note(
                    check,
                    format!(
                        "{claim}, does not work ({}); for {}",
                        m.detail, m.needed_for
                    ),
                );
            }
        }
        for attribute in &token.attributes {
            if attribute.holds {
                table.good("attributes", attribute.what);
            } else {
                table.bad(
                    "attributes",
                    format!("does not hold: {} ({})", attribute.what, attribute.detail),
                    "this token is no home for CMKs: use another",
                );
            }
        }
    }
    match &report.verdict {
        Verdict::Usable => {
            table.good("token", "can be a home for CMKs");
            true
        }
        Verdict::Refused(why) => {
            table.bad(
                "token",
                format!("refused: {why}"),
                "see the lines above; check token.label or token.serial, and the PIN",
            );
            false
        }
    }
}
