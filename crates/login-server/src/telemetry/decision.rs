//! A decision's ID and outcome, small enough to store beside a cached answer.
//! Never identifies the owner of the token.

use std::fmt;

use aws_lc_rs::error::Unspecified;
use login_review::{Outage, Reason, Verdict};

use crate::system::random::RandomNumbers;

/// The key of `extra` that passes the decision's ID to kube-apiserver, so that its audit log joins
/// ours. Why this domain: `SESSION_ID_KEY` in `config/load.rs`.
pub const DECISION_ID_KEY: &str = "kubectl-login.internal/decision-id";

/// Identifies one decision; a cached answer keeps the ID of the decision that produced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionId(u128);

impl DecisionId {
    /// A new random ID of 128 bits.
    pub fn draw(numbers: &RandomNumbers) -> Result<Self, Unspecified> {
        numbers.next().map(Self)
    }
}

impl fmt::Display for DecisionId {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A [`Verdict`] without the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The token is good.
    Accepted,
    /// The token is bad.
    Refused(Reason),
    /// No verdict is possible now.
    CannotTell(Outage),
}

impl Outcome {
    /// How many there are.
    pub const COUNT: usize = 1 + Reason::ALL.len() + Outage::ALL.len();

    /// Every outcome, in the order of [`Self::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        let refused = Reason::ALL.iter().copied().map(Self::Refused);
        let untold = Outage::ALL.iter().copied().map(Self::CannotTell);
        std::iter::once(Self::Accepted).chain(refused).chain(untold)
    }

    /// The position in [`Self::all`].
    pub const fn index(self) -> usize {
        match self {
            Self::Accepted => 0,
            Self::Refused(reason) => 1 + reason as usize,
            Self::CannotTell(outage) => 1 + Reason::ALL.len() + outage as usize,
        }
    }

    /// `accepted`, `refused` or `cannot_tell`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::CannotTell(_) => "cannot_tell",
        }
    }

    /// The reason; none for an accepted token.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Accepted => None,
            Self::Refused(reason) => Some(reason.as_str()),
            Self::CannotTell(outage) => Some(outage.as_str()),
        }
    }
}

impl From<&Verdict> for Outcome {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Accepted { .. } => Self::Accepted,
            Verdict::Refused(reason) => Self::Refused(*reason),
            Verdict::CannotTell(outage) => Self::CannotTell(*outage),
        }
    }
}

/// A decision: its ID and its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its ID.
    pub id: DecisionId,
    /// Its outcome.
    pub outcome: Outcome,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The token was judged for this request.
    Judged,
    /// An equal request had been answered before.
    Cache,
}

impl Origin {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Judged, Self::Cache];

    /// The value of the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::Cache => "cache",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_place_of_its_own() {
        let places: Vec<usize> = Outcome::all().map(Outcome::index).collect();
        assert_eq!(places, (0..Outcome::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn an_id_is_32_digits_also_when_it_is_small() {
        assert_eq!(DecisionId(0xab).to_string(), "000000000000000000000000000000ab");
    }
}
