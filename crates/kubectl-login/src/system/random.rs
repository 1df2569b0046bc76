//! Returns random bytes from the operating system's generator, through aws-lc.
//! Never uses a seed or a fallback.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use thiserror::Error;

/// The operating system returned no random bytes.
#[derive(Debug, Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// 32 fresh bytes.
pub fn bytes() -> Result<[u8; 32], NoRandomness> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
