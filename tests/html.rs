//! The page of `--html`: what it holds whatever the run was, that nothing said becomes part of it, and that it is written whole.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, process::Command, time::Duration};

use netproto::bench::{
    Arrivals,
    failure::Failure,
    load::tuning::{Change, What},
    record::{Keeper, Record},
    report::{
        html::{MOST, Named, page},
        json,
    },
    results::{Model, Results},
    stats::Tally,
};
use support::{
    Folder, Server,
    markup::elements,
    netproto,
    peer::skipped,
    record::{TICK, nothing, write},
};

/// Twelve ticks of what `fill` makes of each.
fn run(seed: u64, fill: impl Fn(u64, &mut Tally, &mut fastrand::Rng)) -> Results {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut results = nothing(seed);
    let mut keeper = Keeper::new(TICK);
    for tick in 0..12 {
        let mut tally = Tally::default();
        fill(tick, &mut tally, &mut random);
        keeper.take(tick as u32, &tally);
        keeper.complete(tick as u32 + 1);
        results.totals.add(&tally);
    }
    results.duration = TICK * 12;
    results.pieces = keeper.end(TICK * 12);
    results
}

fn calm(seed: u64) -> Results {
    run(seed, |_, tally, random| {
        (0..200).for_each(|_| tally.right(random.u64(300_000..900_000), None));
        tally.counters.sent += 200;
    })
}

/// An open loop that stalls for a quarter of a second, and loses some.
fn stalled(seed: u64) -> Results {
    let mut results = run(seed, |tick, tally, random| {
        for n in 0..100 {
            let ns = random.u64(300_000..900_000);
            let waited = if tick == 6 { n * 2_500_000 } else { 0 };
            tally.right(ns + waited, Some(ns));
        }
        if tick > 6 {
            tally.failed_times(Failure::TimedOut, tick);
            tally.failed_as(Failure::WrongReply, Some("expected \"a\", got \"<b>&\"".into()));
        }
        tally.counters.sent += 110;
    });
    results.about.model = Model::Open { rate: 440.0, arrivals: Arrivals::Constant };
    results.about.datagrams = true;
    results.about.transport = "udp";
    results
}

fn failed(seed: u64) -> Results {
    run(seed, |_, tally, _| tally.failed_times(Failure::Refused, 40))
}

fn drawn(records: &[(&str, Record)]) -> String {
    let named: Vec<_> = records.iter().map(|(name, record)| Named { name, record }).collect();
    page(&named)
}

fn one(run: Results) -> String {
    drawn(&[("run.json", Record::of(&[run], Vec::new()).unwrap())])
}

/// Every page, whatever is on it.
#[track_caller]
fn holds(page: &str) -> Vec<String> {
    let names = elements(page);
    for outside in ["http:", "https:", "//", "url(", "@import", "javascript", "NaN", "inf%", "\"inf"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'".replace('\'', "&#39;").as_str()), "loads and runs nothing");
    for never in ["script", "iframe", "object", "img", "image", "use", "foreignObject"] {
        assert!(!names.iter().any(|name| name == never), "{never}");
    }
    // Each chart is told in words as well.
    assert_eq!(page.matches("role=\"img\" aria-labelledby=").count(), page.matches("</desc>").count());
    let ids: Vec<_> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id)), "ids are unlike each other: {ids:?}");
    for labelled in page.split("aria-labelledby=\"").skip(1).flat_map(|rest| rest.split('"').next().unwrap().split(' ')) {
        assert!(ids.contains(&labelled), "{labelled}");
    }
    names
}

fn charts(page: &str) -> Vec<&str> {
    page.split("<figure id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn a_run_has_all_its_charts() {
    let page = one(calm(1));
    holds(&page);
    assert_eq!(charts(&page), ["throughput", "latency", "percentiles", "heat-A"]);
    for piece in [
        "<h1>bench tcp 127.0.0.1:8080</h1>",
        "<code>netproto bench tcp localhost:8080 -c 8 -J</code>",
        "Linux 6.18.0 x86_64",
        "one, 2 cores",
        "800/s",
        "every reply was checked",
        "@media screen and (prefers-color-scheme:dark)",
        "@media print",
    ] {
        assert!(page.contains(piece), "{piece}");
    }
    assert_eq!(page.matches("<tr><th scope=\"row\">").count(), 1 + 12, "latencies, and each interval");
    assert!(page.len() < 120_000, "{} bytes", page.len());
}

#[test]
fn a_stall_and_losses_are_seen() {
    let page = one(stalled(2));
    holds(&page);
    assert_eq!(charts(&page), ["throughput", "latency", "percentiles", "heat-A", "failures"]);
    for piece in [
        "asked: 440/s",
        "as sent (uncorrected)",
        "no reply within 10 s",
        "got &quot;&lt;b&gt;&amp;&quot;",
        "<caption>Datagrams",
    ] {
        assert!(page.contains(piece), "{piece}");
    }
    assert!(page.contains("ended within 1.50 s to 1.75 s"), "the slowest is told with its time");
}

#[test]
fn what_was_changed_meanwhile_is_told() {
    let mut run = calm(5);
    assert!(!one(run.clone()).contains("changed meanwhile"));
    for (ms, what) in [(500, What::Paused(Duration::from_secs(2))), (505, What::Rate(5000.0)), (3000, What::Ended)] {
        run.changes.push(Change { at: Duration::from_millis(ms), what });
    }
    let page = one(run);
    holds(&page);
    let told = "<dt>changed meanwhile</dt><dd>0.50 s paused for 2.00 s · 0.51 s to 5,000/s · 3.00 s ended</dd>";
    assert!(page.contains(told), "{page}");
}

#[test]
fn a_run_without_a_right_reply_is_drawn_too() {
    let page = one(failed(3));
    holds(&page);
    assert_eq!(charts(&page), ["throughput", "failures"]);
    assert!(page.contains("there was not one right reply") && page.contains("connection refused: nothing listens there"));
}

#[test]
fn a_moment_and_nothing_at_all_are_pages() {
    let mut moment = nothing(4);
    let mut tally = Tally::default();
    tally.right(123_456, None);
    let mut keeper = Keeper::new(TICK);
    keeper.take(0, &tally);
    moment.totals = tally;
    moment.duration = Duration::from_micros(400);
    moment.pieces = keeper.end(moment.duration);
    let page = one(moment);
    holds(&page);
    assert_eq!(charts(&page).len(), 4);
    let page = one(nothing(5));
    holds(&page);
    assert!(charts(&page).is_empty() && page.contains("the report has no intervals"));
}

#[test]
fn several_are_laid_over_one_another() {
    let records: Vec<_> = (0..MOST as u64)
        .map(|at| (["a", "b", "c", "d", "e", "f", "g", "h"][at as usize], if at % 2 == 0 { calm(at) } else { stalled(at) }))
        .map(|(name, run)| (name, Record::of(&[run], vec!["p99 is 2 ms, the limit was 1 ms".into()]).unwrap()))
        .collect();
    let page = drawn(&records);
    holds(&page);
    assert_eq!(charts(&page).iter().filter(|id| id.starts_with("heat-")).count(), MOST);
    for letter in 'A'..='H' {
        assert!(page.matches(&format!("\" dy=\"-5\">{letter}</text>")).count() >= 2, "{letter} stands beside its curves");
    }
    assert!(page.contains("a: p99 is 2 ms, the limit was 1 ms") && page.contains("How h was measured"));
    let repeated = drawn(&[("x", Record::of(&[calm(1), calm(2), calm(3)], Vec::new()).unwrap())]);
    holds(&repeated);
    assert!(repeated.contains("B run 2") && repeated.contains("3 runs"), "runs of --repeat are, too");
}

#[test]
fn nothing_said_becomes_part_of_the_page() {
    let evil = "\"'><script>alert(1)</script><!-- ]]> & \u{1b}[2J \u{202e} \0 {{x}}";
    let mut run = stalled(6);
    run.about.target = evil.into();
    run.about.command = format!("netproto bench '{evil}'");
    run.machine = Some(netproto::os::Machine { host: evil.into(), kernel: evil.into(), cpus: 1, cpu: Some(evil.into()) });
    run.totals.examples = vec![(Failure::TimedOut, evil.into()), (Failure::WrongReply, evil.into())];
    run.totals.phases.record("<i>", 1000);
    // A file can name kinds of failures, too.
    let text = json::result(&run, std::slice::from_ref(&run), &[], None, false);
    let read = Record::read(&text.replace("\"wrong_reply\":", "\"status_<b>\":"), "b").unwrap();
    let records = [(evil, Record::of(&[run], vec![evil.into()]).unwrap()), ("b", read)];
    let calm = || Record::of(&[stalled(6)], Vec::new()).unwrap();
    let calm_page = drawn(&[("a", calm()), ("b", calm())]);
    let page = drawn(&records);
    let names = holds(&page);
    let count = |names: &[String], name: &str| names.iter().filter(|one| *one == name).count();
    assert_eq!(count(&names, "b") + count(&names, "i") + count(&names, "script"), 0);
    assert_eq!(count(&names, "svg"), count(&elements(&calm_page), "svg"));
    assert!(page.contains("status &lt;b&gt;"));
    assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("\\x1b[2J \\u{202e} \\x00"));
}

#[test]
fn bench_draws_while_it_reports() {
    let server = Server::start(&["serve-tcp", "0", "-q"]);
    let folder = Folder::new("html");
    let (path, json) = (folder.join("run.html"), folder.join("run.json"));
    let args = ["bench", "tcp", &server.at(), "-d", "600ms", "-c", "4", "-r", "500", "--html", &path, "-J"];
    let output = netproto(&args).run();
    fs::write(&json, output.code(0).text()).unwrap();
    let live = fs::read_to_string(&path).unwrap();
    holds(&live);
    assert!(live.contains("--html") && live.contains(&server.at()) && live.contains("asked 500/s"), "{live}");
    // Drawn later it is the same.
    let later = folder.join("later.html");
    netproto(&["report", &json, "--html", &later]).run().code(0);
    assert_eq!(fs::read_to_string(&later).unwrap(), live);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left beside them");
    let text = netproto(&["report", &json]).run().code(0).text();
    assert!(text.starts_with(&format!("bench tcp {} · processed · 4 connections · 500/s constant", server.at())), "{text}");
    let two = netproto(&["report", &json, "-", "-v"]).stdin(fs::read(&json).unwrap()).run().code(0).text();
    assert_eq!(two.matches("bench tcp ").count(), 2, "{two}");
    assert!(two.contains("\n-\n\nbench tcp") && two.contains("detail"), "{two}");
}

#[test]
fn a_page_that_cant_be_written_is_told_before_the_run() {
    let folder = Folder::new("html-bad");
    let bad = folder.join("no/run.html");
    let output = netproto(&["bench", "tcp", "-d", "60s", "--html", &bad]).run();
    output
        .code(1)
        .said(&format!("could not open {bad} for the results: no such file or directory"))
        .said("nothing was sent");
    for (args, sentence) in [
        (vec!["bench", "tcp", "--csv", "x", "--html", "x"], "--csv and --html name the same file"),
        (vec!["bench", "tcp", "--csv", "x", "--html", "./x"], "--csv and --html name the same file"),
        (vec!["report"], "report needs a report of bench -J"),
        (vec!["report", "a", "a"], "a is named twice"),
        (vec!["report", "a", "--html", "a"], "--html a would take the place of the report itself"),
        (vec!["bench", "tcp", "-P", "echo", "--html", "-"], "--html takes a file, and stdout has the report already"),
        (vec!["bench", "tcp", "-P", "echo", "--csv", "-"], "--csv takes a file, and stdout has the report already"),
        (
            vec!["report", "1", "2", "3", "4", "5", "6", "7", "8", "9", "--html", "x"],
            "one page shows at most 8 runs, and 9 were named",
        ),
    ] {
        netproto(&args).run().code(2).said(sentence);
    }
    netproto(&["report", "/no/run.json"]).run().code(1).said("could not read /no/run.json");
}

#[test]
fn a_full_disk_leaves_what_was_there_and_the_report() {
    let full = netproto(&["bench", "tcp", "-n", "100", "--html", "/dev/full"]).run();
    full.code(1).said("could not write the results to /dev/full: no space left on device");
    assert!(full.text().contains("requests"), "the text is there all the same: {full}");
    let folder = Folder::new("html-full");
    let here = folder.path().to_str().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16k", "netproto-test", here]).output();
    if !mounted.is_ok_and(|done| done.status.success()) {
        return skipped("mounting is not permitted");
    }
    let page = folder.file("run.html", "before");
    let output = netproto(&["bench", "tcp", "-n", "100", "--html", &page]).run();
    let (kept, files) = (fs::read_to_string(&page).unwrap(), fs::read_dir(folder.path()).unwrap().count());
    assert!(Command::new("umount").arg(here).status().unwrap().success());
    output.code(1).said("could not write the results to").said("run.html: no space left on device").said("incomplete");
    assert_eq!((kept.as_str(), files), ("before", 1), "nothing is left beside it");
}

#[test]
fn what_merge_made_is_drawn_and_told() {
    let folder = Folder::new("html-merged");
    let (a, b, all) = (write("a", &[calm(1)]), write("b", &[calm(2)]), folder.join("all.json"));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let merged = netproto(&["merge", "-q", "-J", a, b]).run().code(0).text();
    fs::write(&all, merged).unwrap();
    let path = folder.join("all.html");
    netproto(&["report", &all, "--html", &path]).run().code(0);
    let page = fs::read_to_string(&path).unwrap();
    holds(&page);
    assert!(page.contains("1,600/s") && charts(&page).len() == 4, "{page}");
    assert_eq!(netproto(&["report", &all, "--html", "-"]).run().code(0).text(), page);
    assert!(netproto(&["report", &all]).run().code(0).text().contains("machines"));
}
