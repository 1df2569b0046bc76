//! OpenID Connect: the metadata of an issuer, and the checks of its tokens.
//! Never fetches: documents, tokens, keys and the time are arguments.
//!
//! Reading order: `claims`, `token` (a server's checks), `id_token` (a client's checks),
//! `discovery`, `redirect` (redirects that may be followed).

pub mod claims;
pub mod discovery;
pub mod id_token;
pub mod redirect;
pub mod token;

pub use claims::{Claims, ClaimsError, Statement};
pub use discovery::{DiscoveryError, EndpointFault, ProviderMetadata, metadata_url};
pub use id_token::{IdTokenFacts, IdTokenProblem, check_from_token_endpoint};
pub use token::{Expectations, NOT_BEFORE_LEEWAY, TokenRefusal, Verified, verify};
