//! The text of a quantity: a decimal number and a unit or a power of ten.
//! Never repairs a text; but a number without digits is zero, as upstream.

use super::amount::Amount;

/// Digits that 64 bits hold in any case.
const SMALL_DIGITS: usize = 18;
/// Nothing is smaller than a billionth: what is, is rounded up to it.
const SMALLEST: i32 = -9;

/// The factor that follows the number.
#[derive(Clone, Copy)]
enum Unit {
    PowerOfTen(i32),
    PowerOfTwo(u32),
}

fn unit(text: &str) -> Option<Unit> {
    Some(match text {
        "n" => Unit::PowerOfTen(-9),
        "u" => Unit::PowerOfTen(-6),
        "m" => Unit::PowerOfTen(-3),
        "" => Unit::PowerOfTen(0),
        "k" => Unit::PowerOfTen(3),
        "M" => Unit::PowerOfTen(6),
        "G" => Unit::PowerOfTen(9),
        "T" => Unit::PowerOfTen(12),
        "P" => Unit::PowerOfTen(15),
        "E" => Unit::PowerOfTen(18),
        "Ki" => Unit::PowerOfTwo(10),
        "Mi" => Unit::PowerOfTwo(20),
        "Gi" => Unit::PowerOfTwo(30),
        "Ti" => Unit::PowerOfTwo(40),
        "Pi" => Unit::PowerOfTwo(50),
        "Ei" => Unit::PowerOfTwo(60),
        other => {
            let exponent = other.strip_prefix(['e', 'E'])?;
            Unit::PowerOfTen(exponent.parse().ok()?)
        }
    })
}

/// None for what is no quantity, and for one with more digits than 128 bits hold.
pub(super) fn amount(text: &str) -> Option<Amount> {
    if text.is_empty() {
        return None;
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let is_digit = |character: char| character.is_ascii_digit();
    let significant = unsigned.trim_start_matches('0');
    let after_whole = significant.trim_start_matches(is_digit);
    let whole = significant.strip_suffix(after_whole).unwrap_or_default();
    let (fraction, suffix) = match after_whole.strip_prefix('.') {
        Some(rest) => {
            let suffix = rest.trim_start_matches(is_digit);
            (rest.strip_suffix(suffix).unwrap_or_default(), suffix)
        }
        None => ("", after_whole),
    };
    let unit = unit(suffix)?;
    let whole = if whole.is_empty() { "0" } else { whole };
    small(negative, whole, fraction, unit).or_else(|| decimal(negative, whole, fraction, unit))
}

/// The form in 64 bits, where upstream chooses it.
fn small(negative: bool, whole: &str, fraction: &str, unit: Unit) -> Option<Amount> {
    let digits = whole.len().checked_add(fraction.len())?;
    let (factor, exponent) = match unit {
        Unit::PowerOfTen(exponent) if digits <= SMALL_DIGITS => (1, exponent),
        Unit::PowerOfTwo(power) if fraction.is_empty() => {
            let taken = usize::try_from(power * 3 / 10).ok()?.checked_add(1)?;
            15_usize.checked_sub(whole.len())?.checked_sub(taken)?;
            (1_i64.checked_shl(power)?, 0)
        }
        _ => return None,
    };
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if exponent < SMALLEST {
        return None;
    }
    let unsigned = format!("{whole}{fraction}").parse::<i64>().ok()?.checked_mul(factor)?;
    let unscaled = if negative { -unsigned } else { unsigned };
    Some(Amount::Small { unscaled, exponent })
}

fn decimal(negative: bool, whole: &str, fraction: &str, unit: Unit) -> Option<Amount> {
    let mut unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    let mut exponent = 0_i32.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    match unit {
        Unit::PowerOfTen(power) => exponent = exponent.checked_add(power)?,
        Unit::PowerOfTwo(power) => unscaled = unscaled.checked_mul(1_i128.checked_shl(power)?)?,
    }
    if exponent < SMALLEST {
        // Rounds away from zero: a small amount does not become zero.
        let divisor = 10_i128.checked_pow(exponent.abs_diff(SMALLEST));
        unscaled = match divisor {
            Some(divisor) => unscaled / divisor + i128::from(unscaled % divisor != 0),
            None => i128::from(unscaled != 0),
        };
        exponent = SMALLEST;
    } else if let Some(longer) = 10_i128
        .checked_pow(exponent.abs_diff(SMALLEST))
        .and_then(|factor| unscaled.checked_mul(factor))
    {
        unscaled = longer;
        exponent = SMALLEST;
    }
    let mut amount = Amount::Decimal { unscaled, exponent };
    let most = Amount::whole(i64::MAX);
    if matches!(unit, Unit::PowerOfTwo(_)) && amount.compare(most).is_gt() {
        amount = Amount::Decimal { unscaled: i128::from(i64::MAX), exponent: 0 };
    }
    match amount {
        Amount::Decimal { unscaled, exponent } if negative => {
            Some(Amount::Decimal { unscaled: -unscaled, exponent })
        }
        amount => Some(amount),
    }
}
