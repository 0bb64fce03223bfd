//! What processes left behind that were killed while they wrote a file: its temporary name, which nobody goes on with.
//!
//! May use: cap-std, rustix.

use std::{
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use cap_std::fs::Dir;
use rustix::fs::FlockOperation;

/// What is younger may have been made this moment, and have no lock yet.
const OLD: Duration = Duration::from_secs(60);

/// Removes what is old, has a made-up name, and is locked by nobody.
pub(super) fn sweep(root: &Dir, folder: &Path) -> io::Result<()> {
    let folder = root.open_dir(folder)?;
    for entry in folder.entries()? {
        let name = entry?.file_name();
        let Ok(metadata) = folder.symlink_metadata(&name) else { continue };
        let changed = metadata.modified().map_or(SystemTime::now(), cap_std::time::SystemTime::into_std);
        let old = changed.elapsed().is_ok_and(|age| age > OLD);
        if !old || !metadata.is_file() || !is_made_up(&name.to_string_lossy()) {
            continue;
        }
        if let Ok(file) = folder.open(&name)
            && rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _ = folder.remove_file(&name);
        }
    }
    Ok(())
}

/// `seconds.MmicrosPprocessQcount.random`, as [`crate::session::Files::unique`] makes them.
fn is_made_up(name: &str) -> bool {
    let numbers = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = || {
        let (seconds, rest) = name.split_once(".M")?;
        let (micros, rest) = rest.split_once('P')?;
        let (process, rest) = rest.split_once('Q')?;
        let (count, random) = rest.split_once('.')?;
        let random = random.len() == 8 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(random && [seconds, micros, process, count].into_iter().all(numbers))
    };
    parts() == Some(true)
}
