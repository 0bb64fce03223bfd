//! A folder as a page: one file, no scripts, light or dark as the reader has it.
//!
//! May use: `session`, `values`.

use std::fmt::Write as _;

use super::{date::Date, target};
use crate::{
    session::{Entry, FileKind},
    values::show,
};

/// The most names of a page: a browser has to live with it.
const MOST_NAMES: usize = 10_000;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 13%,transparent);--dim:color-mix(in srgb,currentColor 62%,transparent)}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2.5rem auto;padding:0 1.25rem;background:light-dark(#fff,#15171a);color:light-dark(#1c1e21,#dfe3e8)}
h1{font-size:1.3rem;font-weight:600;margin:0 0 1.2rem;overflow-wrap:anywhere}
h1 a{color:inherit}
h1 span{color:var(--dim);font-weight:400;margin:0 .15em}
table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:500;color:var(--dim);font-size:.85rem}
tr{border-bottom:1px solid var(--line)}
th,td{padding:.36rem .6rem}
th:first-child,td:first-child{padding-left:.2rem;width:100%;overflow-wrap:anywhere}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;color:var(--dim)}
.d{white-space:nowrap;font-variant-numeric:tabular-nums;color:var(--dim)}
tr:hover td{background:color-mix(in srgb,currentColor 5%,transparent)}
a{color:light-dark(#0b5cc2,#7db7ff);text-decoration:none}
a:hover{text-decoration:underline}
.f a{font-weight:600}
p{color:var(--dim);font-size:.85rem}
@media(max-width:34rem){.d{display:none}}
";

/// The page of the folder `name`, the root being empty; so many names can't be asked for.
pub(super) fn page(name: &str, mut entries: Vec<Entry>, left_out: usize) -> String {
    let folder = |entry: &Entry| entry.stat.kind == FileKind::Folder;
    entries.retain(|entry| entry.stat.kind != FileKind::Other);
    entries.sort_unstable_by(|a, b| {
        let lower = |entry: &Entry| entry.name.to_lowercase();
        folder(b).cmp(&folder(a)).then_with(|| lower(a).cmp(&lower(b))).then_with(|| a.name.cmp(&b.name))
    });
    let title = format!("/{name}{}", if name.is_empty() { "" } else { "/" });
    let mut page = String::with_capacity(2048 + entries.len() * 200);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n<h1>{}</h1>\n\
         <table>\n<tr><th>Name<th class=\"n\">Size<th class=\"d\">Changed (UTC)\n",
        escaped(&title),
        crumbs(name)
    );
    if !name.is_empty() {
        page.push_str("<tr class=\"f\"><td><a href=\"../\">../</a><td class=\"n\"><td class=\"d\">\n");
    }
    let (count, bytes) = (entries.len(), entries.iter().filter(|entry| !folder(entry)).map(|entry| entry.stat.size).sum());
    for entry in entries.iter().take(MOST_NAMES) {
        row(&mut page, entry);
    }
    let beyond = match count.saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!("; {} of them are not shown", show::grouped(more as u64)),
    };
    let left = match left_out {
        0 => String::new(),
        left => format!("; {} more can't be asked for", show::grouped(left as u64)),
    };
    let names = if count == 1 { "1 name".to_owned() } else { format!("{} names", show::grouped(count as u64)) };
    let _ = write!(page, "</table>\n<p>{names}, {}{beyond}{left}. Served by netproto.</p>\n</html>\n", show::bytes(bytes));
    page
}

/// The way to the folder, each part a link.
fn crumbs(name: &str) -> String {
    let mut crumbs = String::from("<a href=\"/\">root</a>");
    let mut path = String::from("/");
    for part in name.split('/').filter(|part| !part.is_empty()) {
        path.push_str(part);
        path.push('/');
        let _ = write!(crumbs, "<span>/</span><a href=\"{}\">{}</a>", target::encode(&path), escaped(part));
    }
    crumbs
}

fn row(page: &mut String, entry: &Entry) {
    let folder = entry.stat.kind == FileKind::Folder;
    let (class, slash) = if folder { (" class=\"f\"", "/") } else { ("", "") };
    let size = if folder { String::new() } else { show::bytes(entry.stat.size) };
    // A name that begins like a scheme, or like an absolute path, is a name all the same.
    let link = format!("./{}{slash}", target::encode(&entry.name));
    let _ = writeln!(
        page,
        "<tr{class}><td><a href=\"{link}\">{}{slash}</a><td class=\"n\">{size}<td class=\"d\">{}",
        escaped(&entry.name),
        Date::from(entry.stat.modified).short(),
    );
}

/// As text of a page, whatever it holds.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // What would turn the text around, or hide, is shown as what it is; a backslash is one here, since the link says the rest.
    let shown: Vec<_> = text.split('\\').map(|part| show::escaped(part.as_bytes(), false)).collect();
    for letter in shown.join("\\").chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::session::Stat;

    fn entry(name: &str, kind: FileKind, size: u64) -> Entry {
        Entry { name: name.into(), stat: Stat { kind, size, modified: SystemTime::UNIX_EPOCH } }
    }

    #[test]
    fn names_are_text_and_links_are_relative() {
        let page = page(
            "a <b>",
            vec![
                entry("z", FileKind::Folder, 4096),
                entry("<script>\"'&\n\u{202e}", FileKind::File, 1234),
                entry("javascript:x", FileKind::File, 0),
                entry("pipe", FileKind::Other, 0),
                entry("back\\slash", FileKind::File, 0),
            ],
            1,
        );
        assert!(page.contains("<title>/a &lt;b&gt;/</title>"), "{page}");
        assert!(page.contains("<a href=\"/a%20%3Cb%3E/\">a &lt;b&gt;</a>"), "{page}");
        assert!(page.contains(">&lt;script&gt;&quot;&#39;&amp;\\n\\u{202e}</a>"), "{page}");
        assert!(page.contains("href=\"./javascript%3Ax\"") && page.contains("href=\"./z/\">z/</a>"), "{page}");
        assert!(!page.contains("pipe") && page.contains("4 names, 1.21 KiB; 1 more can't"), "{page}");
        assert!(page.find("z/</a>") < page.find("javascript:x</a>"), "folders first");
        assert!(page.contains("1970-01-01 00:00") && page.contains(">back\\slash</a>"), "{page}");
    }
}
