//! Reads a submitted form.
//! Never logs a field: any of them may be a password.

use http::{HeaderMap, Request, StatusCode};
use login_issuer::Form;

use super::body::{self, BodyFault};
use crate::{config::Limits, serve::Arriving};

/// A form and the headers of its request.
pub struct Submitted {
    /// The fields.
    pub form: Form,
    /// The undecoded body, for endpoints that take the same text as a query.
    pub encoded: String,
    /// Headers of the request.
    pub headers: HeaderMap,
}

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormFault {
    /// Not `application/x-www-form-urlencoded`.
    MediaType,
    /// Too long.
    TooLarge,
    /// It did not arrive, or not in time.
    Incomplete,
    /// It was slow while too many others were arriving.
    Displaced,
    /// Not UTF-8, or a field twice.
    Malformed,
}

impl FormFault {
    /// The HTTP status for it.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::Displaced => StatusCode::SERVICE_UNAVAILABLE,
            Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }

    /// The text for the client, or for a page.
    pub const fn message(self) -> &'static str {
        match self {
            Self::MediaType => "the body must be application/x-www-form-urlencoded",
            Self::TooLarge => "the form is too long",
            Self::Incomplete => "the form did not arrive in time",
            Self::Displaced => "too many forms are on their way",
            Self::Malformed => "the form is malformed or has a field twice",
        }
    }
}

/// Reads the whole form, within the limits.
pub async fn read(request: Request<Arriving>, limits: &Limits) -> Result<Submitted, FormFault> {
    if !body::has_media_type(&request, "application/x-www-form-urlencoded") {
        return Err(FormFault::MediaType);
    }
    let headers = request.headers().clone();
    let reading = body::read(request, limits.form_body.min(Form::MAX_LENGTH));
    let body = match tokio::time::timeout(limits.form, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(BodyFault::TooLarge(_))) => return Err(FormFault::TooLarge),
        Ok(Err(BodyFault::Displaced)) => return Err(FormFault::Displaced),
        Ok(Err(BodyFault::Broken(_))) | Err(_) => return Err(FormFault::Incomplete),
    };
    let encoded = String::from_utf8(body).map_err(|_| FormFault::Malformed)?;
    let form = Form::parse(encoded.as_bytes()).map_err(|_| FormFault::Malformed)?;
    Ok(Submitted { form, encoded, headers })
}

/// Whether a browser says that another site sent this form (Fetch Metadata §2.3).
pub fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}
