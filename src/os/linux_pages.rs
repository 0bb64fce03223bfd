//! Giving back what starting up has read into memory.
//!
//! May use: libc. Nothing of ours.

use std::ffi::c_void;

/// Unmaps, for now, the pages of program text that start-up has touched: parsing arguments runs once, and its code would stay
/// resident as long as a server runs. What is needed again comes back from the page cache with one fault.
#[allow(unsafe_code)]
pub fn give_back_start_up() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    for (start, end) in maps.lines().filter_map(text_of_a_file) {
        // SAFETY: the range is a private, read-only and executable mapping of a file, as the kernel lists it. Its pages were
        // never written to, so that dropping them loses nothing: they are read from the file again (madvise(2),
        // MADV_DONTNEED).
        unsafe { libc::madvise(start as *mut c_void, end - start, libc::MADV_DONTNEED) };
    }
}

/// The range of a mapping of program text, from its line in `/proc/self/maps` (proc(5)).
fn text_of_a_file(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (range, rights, path) = (words.next()?, words.next()?, words.nth(3)?);
    let (start, end) = range.split_once('-')?;
    let hex = |text| usize::from_str_radix(text, 16).ok();
    (rights == "r-xp" && path.starts_with('/')).then_some((hex(start)?, hex(end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_of_files_is_given_back() {
        let line = |rights, path| format!("1000-3000 {rights} 00001000 fe:00 123 {path}");
        assert_eq!(text_of_a_file(&line("r-xp", "/usr/bin/netproto")), Some((0x1000, 0x3000)));
        for (rights, path) in
            [("r--p", "/usr/bin/netproto"), ("rw-p", "/usr/bin/netproto"), ("rwxp", "/x"), ("r-xp", "[vdso]")]
        {
            assert_eq!(text_of_a_file(&line(rights, path)), None, "{rights} {path}");
        }
        give_back_start_up();
    }
}
