//! Status codes and what they are called (RFC 9110, section 15).
//!
//! May use: nothing.

/// A message that is refused: the status that says so, a name for counting, and one clause for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) status: u16,
    /// Snake case.
    pub(super) name: &'static str,
    pub(super) why: &'static str,
}

impl Bad {
    pub(super) const fn new(status: u16, name: &'static str, why: &'static str) -> Self {
        Self { status, name, why }
    }

    /// Malformed in any way: 400.
    pub(super) const fn request(name: &'static str, why: &'static str) -> Self {
        Self::new(400, name, why)
    }
}

/// The reason phrase; a code that nobody has registered is named by its class.
pub(super) fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => match status / 100 {
            1 => "Informational",
            2 => "Success",
            3 => "Redirection",
            4 => "Client Error",
            _ => "Server Error",
        },
    }
}

/// An answer with this status never has a body (RFC 9112, section 6.3).
pub(super) fn bodiless(status: u16) -> bool {
    status < 200 || status == 204 || status == 304
}

macro_rules! kinds {
    ($($code:literal)*) => {
        /// The status as a kind of failure, for counting.
        pub(super) fn kind(status: u16) -> &'static str {
            match status {
                $($code => concat!("status_", $code),)*
                _ => match status / 100 {
                    2 => "status_2xx",
                    3 => "status_3xx",
                    4 => "status_4xx",
                    _ => "status_5xx",
                },
            }
        }
    };
}

kinds! {
    200 201 202 203 204 205 206 300 301 302 303 304 307 308
    400 401 402 403 404 405 406 407 408 409 410 411 412 413 414 415 416 417 418 421 422 425 426 428 429 431 451
    500 501 502 503 504 505 507
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_name_and_a_kind() {
        assert_eq!((phrase(404), kind(404)), ("Not Found", "status_404"));
        assert_eq!((phrase(599), kind(599)), ("Server Error", "status_5xx"));
        assert_eq!((phrase(299), kind(299)), ("Success", "status_2xx"));
        assert!(bodiless(204) && bodiless(304) && bodiless(100) && !bodiless(200) && !bodiless(404));
    }
}
