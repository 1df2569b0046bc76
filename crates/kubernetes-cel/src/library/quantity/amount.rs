//! A decimal number in one of two forms, of which only the first can be an integer: upstream keeps
//! small numbers in 64 bits and all others as decimals of any length.
//! Never a decimal beyond 128 bits: it is refused, where upstream computes with it.

use std::cmp::Ordering;

/// `unscaled · 10^exponent`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    Small { unscaled: i64, exponent: i32 },
    Decimal { unscaled: i128, exponent: i32 },
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// `base · 10^exponent` if that fits.
fn scaled(base: i64, exponent: i32) -> Option<i64> {
    let factor = power_of_ten(u32::try_from(exponent).ok()?).filter(|_| base != 0);
    match factor {
        Some(factor) => i64::try_from(factor).ok().and_then(|factor| base.checked_mul(factor)),
        None => (base == 0).then_some(0),
    }
}

impl Amount {
    pub(super) fn whole(number: i64) -> Amount {
        Amount::Small { unscaled: number, exponent: 0 }
    }

    fn parts(self) -> (i128, i32) {
        match self {
            Amount::Small { unscaled, exponent } => (i128::from(unscaled), exponent),
            Amount::Decimal { unscaled, exponent } => (unscaled, exponent),
        }
    }

    pub(super) fn sign(self) -> i64 {
        self.parts().0.signum().try_into().unwrap_or_default()
    }

    pub(super) fn compare(self, other: Amount) -> Ordering {
        let ((left, left_exponent), (right, right_exponent)) = (self.parts(), other.parts());
        let signs = left.signum().cmp(&right.signum());
        if signs.is_ne() || left == 0 {
            return signs;
        }
        // A number that exceeds 128 bits with the other's exponent is the greater one.
        let aligned = |number: i128, by: u32| power_of_ten(by).and_then(|p| number.checked_mul(p));
        let beyond = if left > 0 { Ordering::Greater } else { Ordering::Less };
        if left_exponent >= right_exponent {
            let by = left_exponent.abs_diff(right_exponent);
            aligned(left, by).map_or(beyond, |left| left.cmp(&right))
        } else {
            let by = right_exponent.abs_diff(left_exponent);
            aligned(right, by).map_or(beyond.reverse(), |right| left.cmp(&right))
        }
    }

    /// Of small numbers only, and only if no fraction was written.
    pub(super) fn as_integer(self) -> Option<i64> {
        match self {
            Amount::Small { unscaled, exponent: 0 } => Some(unscaled),
            Amount::Small { unscaled, exponent } => scaled(unscaled, exponent),
            Amount::Decimal { .. } => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "an approximation is what is asked for")]
    pub(super) fn approximately(self) -> f64 {
        let (unscaled, exponent) = self.parts();
        let power: f64 = format!("1e{exponent}").parse().unwrap_or(f64::NAN);
        if exponent == 0 { unscaled as f64 } else { unscaled as f64 * power }
    }

    pub(super) fn add(self, other: Amount) -> Option<Amount> {
        if let (
            Amount::Small { unscaled: left, exponent: left_exponent },
            Amount::Small { unscaled: right, exponent: right_exponent },
        ) = (self, other)
        {
            if right == 0 {
                return Some(self);
            }
            if left == 0 {
                return Some(other);
            }
            let exponent = left_exponent.min(right_exponent);
            let sum = left_exponent
                .checked_sub(exponent)
                .and_then(|by| scaled(left, by))
                .zip(right_exponent.checked_sub(exponent).and_then(|by| scaled(right, by)))
                .and_then(|(left, right)| left.checked_add(right));
            if let Some(unscaled) = sum {
                return Some(Amount::Small { unscaled, exponent });
            }
        }
        let ((left, left_exponent), (right, right_exponent)) = (self.parts(), other.parts());
        let exponent = left_exponent.min(right_exponent);
        let aligned =
            |number: i128, from: i32| number.checked_mul(power_of_ten(from.abs_diff(exponent))?);
        let unscaled =
            aligned(left, left_exponent)?.checked_add(aligned(right, right_exponent)?)?;
        Some(Amount::Decimal { unscaled, exponent })
    }

    pub(super) fn sub(self, other: Amount) -> Option<Amount> {
        let negated = match other {
            Amount::Small { unscaled, exponent } => match unscaled.checked_neg() {
                Some(unscaled) => Amount::Small { unscaled, exponent },
                None => Amount::Decimal { unscaled: -i128::from(unscaled), exponent },
            },
            Amount::Decimal { unscaled, exponent } => {
                Amount::Decimal { unscaled: unscaled.checked_neg()?, exponent }
            }
        };
        self.add(negated)
    }

    /// Without zeros at the end: `15e-1`.
    pub(super) fn text(self) -> String {
        let (mut unscaled, mut exponent) = self.parts();
        while unscaled != 0 && unscaled % 10 == 0 {
            unscaled /= 10;
            exponent = exponent.saturating_add(1);
        }
        if unscaled == 0 { "0".to_owned() } else { format!("{unscaled}e{exponent}") }
    }
}
