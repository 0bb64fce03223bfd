//! System calls that fail: the kernel's errors injected by strace, and limits of memory and disk.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::process::Command;

use support::{
    Folder, Output, PATIENCE, Process, Run, Server,
    net::{ask, connect, exchange},
    netproto, noise, peer,
    peer::skipped,
};

#[test]
fn accept_survives_every_error() {
    let Some(_) = peer("strace") else { return };
    for error in ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EPROTO", "EINTR", "ENETDOWN", "EHOSTUNREACH"] {
        let inject = format!("inject=accept4,accept:error={error}:when=1..3");
        // -D: the traced program is our child, so that signals reach it.
        let words = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=accept4,accept", "-e", &inject];
        let mut server = Server::start_by(netproto(&["serve-tcp", "127.0.0.1:0"]).under(&words));
        for _ in 0..5 {
            assert_eq!(exchange(server.addr(), b"hi"), b"Processed: hi", "{error}\n{}", server.process.said());
        }
        server.stop().code(0);
    }
}

/// strace on a running process.
fn attached(pid: &str, inject: &str) -> Option<Process> {
    let args = ["-f", "-p", pid, "-o", "/dev/null", "-e", inject];
    let tracer = peer("strace")?.args(&args).spawn();
    let came = tracer.stderr.line(PATIENCE, "attached");
    if came.is_none() {
        skipped("strace may not attach here");
    }
    came.map(|_| tracer)
}

#[test]
fn interrupted_calls_change_nothing() {
    // Only what touches sockets: read(2) and write(2) are also the runtime's own wake-ups, which the kernel never interrupts.
    let calls = "sendto,sendmsg,writev,recvfrom,recvmsg,readv,epoll_wait,epoll_pwait";
    let server = Server::start(&["serve-tcp", "127.0.0.1:0"]);
    let inject = format!("inject={calls}:error=EINTR:when=3+4");
    let Some(mut tracer) = attached(&server.process.pid.to_string(), &inject) else { return };
    for n in 0..100 {
        let mut stream = connect(server.addr());
        let wanted = format!("Processed: {n:03}");
        assert_eq!(ask(&mut stream, &wanted.as_bytes()[11..], 14), wanted.as_bytes(), "{}", server.process.said());
    }
    // Ended by force: a tracer that lets go in the middle of a call leaves it with ENOSYS, and a signal's own pipe is read
    // with recvfrom(2) too.
    drop(server);
    tracer.wait();
}

#[test]
fn send_survives_interruption_too() {
    let Some(_) = peer("strace") else { return };
    let server = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let inject = "inject=sendto,writev,recvfrom,epoll_wait:error=EINTR:when=2+3";
    let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", inject];
    let data = noise(1 << 20);
    netproto(&["send", &server.at()]).under(&words).stdin(data.clone()).run().code(0).gave(&data);
}

/// Runs `send` while each second call of `calls` on the file `path` is interrupted; which calls there were.
fn interrupted_on(path: &str, calls: &str, folder: &Folder, run: Run) -> (Output, String) {
    let trace = folder.join("trace");
    let (calls, inject) = (format!("trace={calls}"), format!("inject={calls}:error=EINTR:when=1+2"));
    let words = ["strace", "-f", "-qq", "-o", &trace, "-P", path, "-e", &calls, "-e", &inject];
    let output = run.under(&words).run();
    (output, std::fs::read_to_string(&trace).unwrap())
}

#[test]
fn interrupted_writes_of_the_answer_lose_nothing() {
    let Some(_) = peer("strace") else { return };
    let server = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let folder = Folder::new("eintr");
    let (data, out) = (noise(1 << 20), folder.join("out"));
    let send = |args: &[&str]| netproto(&[&["send", &server.at()], args].concat()).stdin(data.clone());
    let to_stdout = send(&[]).stdout_file(&out);
    for (what, run) in [("stdout", to_stdout), ("-o", send(&["-o", &out]))] {
        let (output, trace) = interrupted_on(&out, "write,writev", &folder, run);
        output.code(0);
        assert!(trace.matches("INJECTED").count() >= 3, "{what}: nothing was interrupted\n{trace}");
        let came = std::fs::read(&out).unwrap();
        assert!(came == data, "{what}: {} of {} bytes, or others", came.len(), data.len());
    }
}

#[test]
fn interrupted_reads_of_the_input_lose_nothing() {
    let Some(_) = peer("strace") else { return };
    let server = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let folder = Folder::new("eintr-input");
    let data = noise(1 << 20);
    let input = folder.file("in", &data);
    let from_stdin = netproto(&["send", &server.at()]).stdin_from(std::fs::File::open(&input).unwrap());
    let from_file = netproto(&["send", &server.at(), "-f", &input]);
    for (what, run) in [("stdin", from_stdin), ("-f", from_file)] {
        let (output, trace) = interrupted_on(&input, "read,readv,pread64", &folder, run);
        output.code(0).gave(&data);
        assert!(trace.contains("INJECTED"), "{what}: nothing was interrupted\n{trace}");
    }
}

#[test]
fn a_full_disk_is_told() {
    let folder = Folder::new("full-disk");
    let here = folder.path().to_str().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "netproto-test", here]).output();
    if !mounted.is_ok_and(|done| done.status.success()) {
        return skipped("mounting is not permitted");
    }
    let server = Server::start(&["serve-tcp", "0", "-P", "echo"]);
    let at = server.at();
    let out = folder.join("out");
    let to_file = netproto(&["send", &at, "-o", &out]).stdin(noise(1 << 20)).run();
    let to_stdout = netproto(&["send", &at]).stdin(noise(1 << 20)).stdout_file(folder.join("out2")).run();
    let csv = folder.join("csv");
    let report = netproto(&["bench", "tcp", &at, "-n", "100", "--csv", &csv, "-i", "10ms"]).run();
    let unmounted = Command::new("umount").arg(here).status().unwrap();
    assert!(unmounted.success());
    to_file.code(1).said("no space").said(&out);
    to_stdout.code(1).said("no space");
    assert!(!report.stderr.contains("panicked"), "{report}");
    report.code(1).said("no space").said(&csv);
}

/// Objects are somebody's input: without them a server does not go on, and it says why it stops.
#[test]
fn a_log_of_objects_that_cannot_be_written_ends_a_server_with_a_sentence() {
    let mut server = netproto(&["serve-tcp", "0", "-J"]).stdout_file("/dev/full").spawn();
    server.wait_within(PATIENCE).code(1).said("could not write the log to standard output: no space left on device");
}

/// What has no place to go is not done first.
#[test]
fn without_a_standard_output_nothing_is_done_for_it() {
    for args in [&["bench", "tcp", "-n", "1"][..], &["serve-tcp", "0", "-J"], &["protocols"], &["completions", "bash"]] {
        let mut process = netproto(args).under(&["sh", "-c", "exec \"$@\" >&-", "sh"]).spawn();
        process.wait_within(PATIENCE).code(1).said("standard output is closed");
    }
}

#[test]
fn logs_that_cannot_be_written_do_not_stop_a_server() {
    // Standard error is full; the clients are served all the same.
    let script = "exec \"$@\" -v 2>/dev/full";
    let folder = Folder::new("log-full");
    let path = folder.join("s");
    let run: Run = netproto(&["serve-unix", &path]).under(&["sh", "-c", script, "sh"]);
    let mut process = run.spawn();
    // It can't say that it listens, so whoever wants to talk to it tries again.
    let sent = netproto(&["send", "unix", &path, "hi", "--retry", "40", "--retry-delay", "50ms"]).run();
    sent.code(0).gave("Processed: hi");
    process.signal(rustix::process::Signal::TERM);
    process.wait().code(0);
}
