//! What `strongroom doctor` reports of a module and its tokens.

use super::config::TokenConfig;
use super::epoch::{find_token, initialize, login};
use super::error::{TokenError, name_of};
use super::export_check::{AttributeCheck, forget, harden};
use super::self_test::{self, MechanismCheck};
use cryptoki::context::Pkcs11;
use cryptoki::slot::TokenInfo;

/// What [`probe`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// The module's maker, description, version and PKCS#11 version.
    pub library: String,
    /// Every slot with a token.
    pub slots: Vec<SlotReport>,
    /// The token of the configuration, if it could be opened.
    pub token: Option<TokenReport>,
    /// What follows.
    pub verdict: Verdict,
}

/// One slot and its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotReport {
    /// The slot's number, which is no name: it changes.
    pub slot: u64,
    /// The token's label.
    pub label: String,
    /// The token's serial number.
    pub serial: String,
    /// The token's maker.
    pub manufacturer: String,
    /// The token's model.
    pub model: String,
    /// The version of the token's firmware.
    pub firmware: String,
    /// The flags of CK_TOKEN_INFO that matter here, by their PKCS#11 names.
    pub flags: Vec<&'static str>,
    /// Why the slot cannot be used, where its description cannot be read.
    pub problem: Option<String>,
}

/// What the token of the configuration does and keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenReport {
    /// The token's serial number.
    pub serial: String,
    /// The mechanisms, claimed and tried.
    pub mechanisms: Vec<MechanismCheck>,
    /// The properties that keep a key in the token.
    pub attributes: Vec<AttributeCheck>,
}

/// Whether the token can be a home for CMKs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It keeps its keys, and has what SYMMETRIC_DEFAULT and the gateway's own keys need.
    Usable,
    /// It must not be used, or cannot be.
    Refused(String),
}

/// Looks at every slot of the module, and tries what the token of `config` does, with session
/// keys alone: nothing is left on it. The PIN is tried at most once and by the same rules as in
/// service.
///
/// Blocks; must not run while a [`Token`](super::Token) of the same module is open in this process.
///
/// # Errors
///
/// If the module cannot be loaded or initialised (C_Initialize); what is wrong with a token is in
/// the report.
pub fn probe(config: &TokenConfig) -> Result<ProbeReport, TokenError> {
    let pkcs11 = Pkcs11::new(&config.module)?;
    let ours = initialize(&pkcs11)?;
    let report = probe_in(&pkcs11, config);
    if ours && let Err(error) = pkcs11.finalize() {
        log::warn!("{}", TokenError::from(error));
    }
    report
}

fn probe_in(pkcs11: &Pkcs11, config: &TokenConfig) -> Result<ProbeReport, TokenError> {
    let info = pkcs11.get_library_info()?;
    let library = format!(
        "{} {} {}, PKCS#11 {}",
        info.manufacturer_id(),
        info.library_description(),
        info.library_version(),
        info.cryptoki_version()
    );
    let mut slots = Vec::new();
    for slot in pkcs11.get_slots_with_token()? {
        slots.push(match pkcs11.get_token_info(slot) {
            Ok(info) => described(slot.id(), &info),
            Err(error) => SlotReport {
                problem: Some(name_of(&error)),
                ..blank(slot.id())
            },
        });
    }
    let (token, verdict) = match tried(pkcs11, config) {
        Ok(report) => {
            let verdict = judge(&report);
            (Some(report), verdict)
        }
        Err(error) => (None, Verdict::Refused(error.to_string())),
    };
    Ok(ProbeReport {
        library,
        slots,
        token,
        verdict,
    })
}

fn tried(pkcs11: &Pkcs11, config: &TokenConfig) -> Result<TokenReport, TokenError> {
    let (slot, info) = find_token(pkcs11, &config.select)?;
    let session = pkcs11.open_ro_session(slot)?;
    login(&session, &info, &config.pin, config.retry_pin)
        .map_err(|failure| failure.into_error())?;
    let hardened = harden(&session)?;
    forget(&session, hardened.key);
    Ok(TokenReport {
        serial: info.serial_number().to_owned(),
        mechanisms: self_test::run(pkcs11, slot, &session),
        attributes: hardened.leaks,
    })
}

fn judge(report: &TokenReport) -> Verdict {
    if let Some(leak) = report.attributes.iter().find(|check| !check.holds) {
        return Verdict::Refused(leak.refusal());
    }
    // Wrapping, row MACs and the audit log need these whatever CMKs there are.
    let needed = [
        "CKM_AES_GCM",
        "CKM_SHA256_HMAC",
        "CKM_EC_KEY_PAIR_GEN P-256",
        "CKM_ECDSA P-256",
    ];
    for name in needed {
        let works = |check: &MechanismCheck| check.mechanism == name && check.works;
        if !report.mechanisms.iter().any(works) {
            return Verdict::Refused(format!("the gateway's own keys need {name}"));
        }
    }
    Verdict::Usable
}

fn blank(slot: u64) -> SlotReport {
    SlotReport {
        slot,
        label: String::new(),
        serial: String::new(),
        manufacturer: String::new(),
        model: String::new(),
        firmware: String::new(),
        flags: Vec::new(),
        problem: None,
    }
}

fn described(slot: u64, info: &TokenInfo) -> SlotReport {
    let flags = [
        ("CKF_TOKEN_INITIALIZED", info.token_initialized()),
        ("CKF_USER_PIN_INITIALIZED", info.user_pin_initialized()),
        ("CKF_LOGIN_REQUIRED", info.login_required()),
        ("CKF_RNG", info.rng()),
        ("CKF_WRITE_PROTECTED", info.write_protected()),
        ("CKF_USER_PIN_COUNT_LOW", info.user_pin_count_low()),
        ("CKF_USER_PIN_FINAL_TRY", info.user_pin_final_try()),
        ("CKF_USER_PIN_LOCKED", info.user_pin_locked()),
        ("CKF_SO_PIN_LOCKED", info.so_pin_locked()),
        ("CKF_ERROR_STATE", info.error_state()),
    ];
    SlotReport {
        label: info.label().to_owned(),
        serial: info.serial_number().to_owned(),
        manufacturer: info.manufacturer_id().to_owned(),
        model: info.model().to_owned(),
        firmware: info.firmware_version().to_string(),
        flags: flags
            .iter()
            .filter_map(|(name, set)| set.then_some(*name))
            .collect(),
        ..blank(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(holds: bool, gcm: bool) -> TokenReport {
        let works = |name: &str, works| MechanismCheck {
            mechanism: name.into(),
            needed_for: "",
            claimed: true,
            works,
            detail: String::new(),
        };
        TokenReport {
            serial: "1".into(),
            mechanisms: vec![
                works("CKM_AES_GCM", gcm),
                works("CKM_SHA256_HMAC", true),
                works("CKM_EC_KEY_PAIR_GEN P-256", true),
                works("CKM_ECDSA P-256", true),
            ],
            attributes: vec![AttributeCheck {
                what: "a copy cannot be made extractable",
                holds,
                detail: "C_CopyObject made one".into(),
            }],
        }
    }

    #[test]
    fn a_token_that_leaks_or_lacks_is_refused() {
        assert_eq!(judge(&report(true, true)), Verdict::Usable);
        let Verdict::Refused(why) = judge(&report(false, true)) else {
            panic!("a leak is usable");
        };
        assert!(why.contains("lets a non-extractable key out"), "{why}");
        assert!(matches!(judge(&report(true, false)), Verdict::Refused(_)));
    }
}
