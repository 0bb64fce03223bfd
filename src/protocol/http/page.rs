//! The page of a server that was told to serve nothing: what it is, and what it could be.
//!
//! May use: nothing.

use super::{head::Request, target::Target};

pub(super) const PAGE: &str = "\
<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>netproto</title>
<style>
:root{color-scheme:light dark}
body{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:10vh auto;padding:0 1rem}
pre,code{font:14px/1.7 ui-monospace,monospace}
pre{padding:.8rem 1rem;border-radius:8px;background:color-mix(in srgb,currentColor 7%,transparent);overflow-x:auto}
</style>
<h1>It works.</h1>
<p>This is <b>netproto</b> speaking HTTP/1.1. No folder is served: this page is at <code>/</code>, and whatever else is asked
is answered with what was received, as JSON.</p>
<pre>curl -d hello http://localhost:8080/anything
netproto serve http 8080 -p root=.          # files of this folder
netproto serve http 8080 -p echo=true       # an echo of everything
netproto serve http 8080 -p status=503      # one answer to everything
netproto bench http http://localhost:8080/  # load</pre>
</html>
";

/// Is it this page that was asked for?
pub(super) fn asked(request: &Request<'_>, target: Target<'_>) -> bool {
    matches!(target, Target::Path { path: "/", .. }) && matches!(request.method, "GET" | "HEAD")
}
