//! Files that hold what the program prints. `BLESS=1 cargo test` writes them anew.

use std::{fs, path::Path};

/// Compares `actual` with the file at `path`, from the root of the project; with `BLESS=1` the file is written instead.
///
/// Returns what is wrong, so that a test can tell of all its files at once.
pub fn stale(path: &str, actual: &str) -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let held = fs::read_to_string(&file).unwrap_or_default();
    if held == actual {
        return None;
    }
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("the folder can be made");
        fs::write(&file, actual).expect("the file can be written");
        return None;
    }
    let same = held.lines().zip(actual.lines()).take_while(|(held, now)| held == now).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(ends here)").to_owned();
    Some(format!("{path}:{}\n  held: {}\n  now:  {}", same + 1, line(&held), line(actual)))
}

/// Fails if any file is stale.
#[track_caller]
pub fn fresh(stale: &[String]) {
    assert!(stale.is_empty(), "stale, BLESS=1 cargo test writes anew:\n{}", stale.join("\n"));
}
