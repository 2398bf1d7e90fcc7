//! What is asked for: one operation, or a mix of several.

use crate::token::BaselineOperation as Operation;

/// More shares than that in sum are not told apart.
const MOST: u32 = 1000;

/// Operations in an order that repeats.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Workload {
    name: &'static str,
    pattern: Vec<Operation>,
}

impl Workload {
    pub(super) fn one(operation: Operation) -> Self {
        Self {
            name: operation.name(),
            pattern: vec![operation],
        }
    }

    /// `encrypt=70,decrypt=25,sign-ecc-p256=5`, in an order that spreads each as evenly as can be.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn mix(text: &str) -> Result<Self, String> {
        let mut shares = Vec::new();
        for part in text.split(',') {
            let (name, share) = part
                .split_once('=')
                .ok_or_else(|| format!("{part:?} is not OPERATION=SHARE"))?;
            let share = share.parse::<u32>().ok();
            let share = share.filter(|share| (1..=MOST).contains(share));
            let share = share.ok_or_else(|| format!("a share is a number from 1 to {MOST}"))?;
            let operation = operation(name)?;
            if shares.iter().any(|(known, _)| *known == operation) {
                return Err(format!("{name} is there twice"));
            }
            shares.push((operation, i64::from(share)));
        }
        let total: i64 = shares.iter().map(|(_, share)| share).sum();
        if total > i64::from(MOST) {
            return Err(format!("the shares are more than {MOST} in sum"));
        }
        Ok(Self {
            name: "mix",
            pattern: spread(&shares, total),
        })
    }

    /// For the tables.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn pattern(&self) -> &[Operation] {
        &self.pattern
    }
}

/// By its name on the command line.
///
/// # Errors
/// The names that there are.
pub(super) fn operation(name: &str) -> Result<Operation, String> {
    let mut all = Operation::ALL.into_iter();
    all.find(|operation| operation.name() == name)
        .ok_or_else(|| format!("one of {}", Operation::ALL.map(Operation::name).join(", ")))
}

/// Smooth weighted round robin: whoever is the furthest behind its share is next.
fn spread(shares: &[(Operation, i64)], total: i64) -> Vec<Operation> {
    let mut behind = vec![0; shares.len()];
    let mut pattern = Vec::new();
    for _ in 0..total {
        for (behind, (_, share)) in behind.iter_mut().zip(shares) {
            *behind += share;
        }
        let next = (0..shares.len()).rev().max_by_key(|at| behind[*at]);
        let next = next.unwrap_or(0);
        behind[next] -= total;
        pattern.push(shares[next].0);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_has_its_shares_and_is_spread() {
        let mix = Workload::mix("encrypt=3,decrypt=1,sign-ecc-p256=1").unwrap();
        use Operation::{Decrypt, Encrypt, SignEccP256};
        assert_eq!(
            mix.pattern(),
            [Encrypt, Decrypt, Encrypt, SignEccP256, Encrypt]
        );
        let mix = Workload::mix("encrypt=70,decrypt=25,sign-ecc-p256=5").unwrap();
        let count = |wanted| mix.pattern().iter().filter(|it| **it == wanted).count();
        assert_eq!([Encrypt, Decrypt, SignEccP256].map(count), [70, 25, 5]);
    }

    #[test]
    fn what_is_no_mix() {
        for bad in [
            "",
            "encrypt",
            "encrypt=0",
            "encrypt=x",
            "verify=1",
            "encrypt=1,encrypt=1",
            "encrypt=600,decrypt=600",
        ] {
            assert!(Workload::mix(bad).is_err(), "{bad}");
        }
    }
}
