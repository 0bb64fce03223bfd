"""Is what `bench` tells true? Held against a server that records itself what it did, and against theory.

A server's own figure is how long each request was with it: from when the kernel had it to when its answer had been written
(benches/yardstick/truth.c). What `bench` tells is longer by the way there and back, which is known from a run of the same kind
against a server that answers at once: what `bench` told there less what that server recorded, at the same quantile. What is left
between the two has to be within 2 %, or within 100 us where that is more: rows show it as a share of that allowance.
"""

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator

from lab import build
from lab.processes import figures, server
from lab.report import Row, absolute
from lab.rounds import Figures, interleaved
from lab.truth import Truth, truth

from .job import Job, Options

WITHIN = 120.0
QUANTILES = ["p50", "p75", "p90", "p95", "p99"]
SHARE, LEAST_US = 0.02, 100.0


def _off(told_us: float, true_us: float) -> float:
    """How far off, as a share of what is allowed: above 1 is too far."""
    return abs(told_us - true_us) / max(SHARE * true_us, LEAST_US)


def _bench(transport: str, port: int, seconds: float, *more: str) -> dict:
    at = [build.netproto(), "bench", transport, f"127.0.0.1:{port}", "-P", "echo", "-l", "64", "-d", f"{seconds:g}s", "-J"]
    return figures([*at, *more], WITHIN)


def _right(told: dict) -> dict:
    if told["failures"]["total"]:
        raise RuntimeError(f"the load generator reports failures: {told['failures']}")
    return told


def _exact(told: dict, did: dict) -> float:
    """1 when both count the same."""
    return float(told["requests_sent"] == did["requests"] and told["requests"] == did["answers"])


def _ways(transport: str, flags: tuple[str, ...]) -> Figures:
    """The way there and back at each quantile: measured anew each time, since it is what else the machine does."""
    with truth(transport, "constant", "0") as scripted:
        told = _right(_bench(transport, scripted.server.port, 2.0, *flags))
    return {name: told["latency_us"][name] - scripted.did[name] for name in QUANTILES}


def _compared(told: dict, did: dict, ways: Figures) -> Figures:
    """Each figure that both have, and how far they are apart."""
    latency = told["latency_us"]
    off = {f"{name}_off": _off(latency[name] - ways[name], did[name]) for name in QUANTILES}
    return {**off, **{f"{name}_us": latency[name] for name in QUANTILES}, "exact": _exact(told, did), "way_us": ways["p50"]}


def _known_delay(transport: str, kind: tuple[str, ...], flags: tuple[str, ...], seconds: float) -> Callable[[], Figures]:
    def measure() -> Figures:
        ways = _ways(transport, flags)
        with truth(transport, *kind) as scripted:
            told = _right(_bench(transport, scripted.server.port, seconds, *flags))
        return _compared(told, scripted.did, ways)

    return measure


def _rows(name: str, measure: Callable[[], Figures], rounds: int) -> list[Row]:
    measured = interleaved({"netproto": measure}, rounds)
    rows = [absolute(f"{name}, {at}", "of what is allowed", measured, f"{at}_off", most=1) for at in QUANTILES]
    return [
        *rows,
        absolute(f"{name}, counts the same", "of 1", measured, "exact", least=1),
        absolute(f"{name}, the way there and back", "us", measured, "way_us"),
    ]


#: Open loop: one request in 64 connections' turn; closed loop: 8 of them.
OPEN, CLOSED = ("-r", "1000", "-c", "64"), ("-c", "8")
DELAYS = {"constant": ("constant", "2000"), "bimodal": ("bimodal", "1000", "10000"), "exponential": ("exponential", "5000")}


def truth_delays(options: Options) -> list[Row]:
    seconds = 2.0 if options.quick else 5.0
    rows: list[Row] = []
    for name, kind in DELAYS.items():
        for transport, load, flags in [("tcp", "open", OPEN), ("tcp", "closed", CLOSED), ("udp", "open", ("-r", "1000"))]:
            measure = _known_delay(transport, kind, flags, seconds)
            rows += _rows(f"truth, {name}, {transport} {load} loop", measure, min(options.rounds, 5))
    return rows


@contextlib.contextmanager
def _stops(pid: int, first: float, every: float, length: float, count: int) -> Iterator[None]:
    arguments = [str(value) for value in (pid, first, every, length, count)]
    process = subprocess.Popen([*build.stall(), *arguments])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _waits(quantile: float, stopped: float, share: float) -> float:
    """Requests come evenly, and `share` of them while the server stands still for `stopped` seconds: those wait evenly spread
    between 0 and that, the others hardly. So the quantile of all, in us, where it lies among those that wait."""
    return 1e6 * stopped * (1 - (1 - quantile) / share)


def _stalled(transport: str, seconds: int) -> Callable[[], Figures]:
    """Stands still for 100 ms in each second. Over UDP all that is due leaves, so the server's own record is whole; over TCP
    what is due waits at the client, and theory tells how long."""
    flags = ("-r", "1000", *(("-c", "10") if transport == "tcp" else ()))

    def measure() -> Figures:
        ways = _ways(transport, flags)
        with truth(transport, "stall", "1000", "100") as scripted:
            told = _right(_bench(transport, scripted.server.port, seconds, *flags))
        latency = told["latency_us"]
        theory = {"theory_p99_off": _off(latency["p99"] - ways["p50"], _waits(0.99, 0.1, 0.1))}
        if transport == "udp":
            return {**_compared(told, scripted.did, ways), **theory}
        return {**theory, "p99_us": latency["p99"], "exact": _exact(told, scripted.did)}

    return measure


def _stopped(transport: str) -> Callable[[], Figures]:
    """Stopped for 2 of 8 seconds."""
    flags = ("-r", "500", *(("-c", "10") if transport == "tcp" else ("-w", "10s")))

    def measure() -> Figures:
        ways = _ways(transport, flags)
        with truth(transport, "constant", "0") as scripted, _stops(scripted.server.pid, 3.0, 9.0, 2.0, 1):
            told = _right(_bench(transport, scripted.server.port, 8.0, *flags))
        latency = told["latency_us"]
        off = {f"theory_{at}_off": _off(latency[at] - ways["p50"], _waits(q, 2.0, 0.25)) for at, q in [("p90", 0.9), ("p99", 0.99)]}
        if transport == "udp":
            return {**_compared(told, scripted.did, ways), **off}
        # One in ten had been sent when it stopped: what a closed loop would show.
        uncorrected = told["latency_uncorrected_us"]["p90"]
        return {**off, "uncorrected_p90_us": uncorrected, "exact": _exact(told, scripted.did)}

    return measure


def truth_stalls(options: Options) -> list[Row]:
    rounds, seconds = min(options.rounds, 3), 4 if options.quick else 8
    rows: list[Row] = []
    for transport in ["udp", "tcp"]:
        for name, measure, theory, edge in [
            # One in ten waits: the 90th percentile lies between those and the others, and is either's.
            ("100 ms in each second", _stalled(transport, seconds), ["p99"], "p90"),
            ("SIGSTOP for 2 s", _stopped(transport), ["p90", "p99"], "p75"),
        ]:
            measured = interleaved({"netproto": measure}, rounds)
            what = f"truth, {name}, {transport}"
            for at in QUANTILES if transport == "udp" else []:
                if at == edge:
                    continue
                rows.append(absolute(f"{what}, {at}", "of what is allowed", measured, f"{at}_off", most=1))
            for at in theory:
                rows.append(absolute(f"{what}, {at} by theory", "of what is allowed", measured, f"theory_{at}_off", most=1))
            rows.append(absolute(f"{what}, counts the same", "of 1", measured, "exact", least=1))
    return rows


def _pattern() -> Figures:
    with truth("udp", "pattern") as scripted:
        told = _bench("udp", scripted.server.port, 2.0, "-r", "2000", "-w", "500ms")
    did, counted = scripted.did, told["datagrams"]
    pairs = [
        (counted["sent"], did["requests"]),
        (counted["lost"], did["lost"]),
        (counted["duplicated"], did["duplicated"]),
        (counted["corrupted"], did["damaged"]),
        (counted["reordered"], did["swapped"]),
        (counted["received"], did["answers"] + did["duplicated"]),
    ]
    return {"exact": float(all(one == other for one, other in pairs)), "sent": counted["sent"], "lost": counted["lost"]}


def _damage() -> Figures:
    with truth("tcp", "damage", "97") as scripted:
        told = _bench("tcp", scripted.server.port, 2.0, "-c", "8")
    did, wrong = scripted.did, told["failures"]["wrong_reply"]
    same = told["requests_sent"] == did["requests"] and wrong == did["damaged"] == told["failures"]["total"]
    return {"exact": float(same and told["requests"] == did["answers"] - did["damaged"]), "wrong": wrong}


def truth_counts(options: Options) -> list[Row]:
    rounds = min(options.rounds, 3)
    udp, tcp = (interleaved({"netproto": measure}, rounds) for measure in [_pattern, _damage])
    return [
        absolute("truth, lost, doubled, swapped and damaged datagrams, exact", "of 1", udp, "exact", least=1),
        absolute("truth, datagrams sent", "", udp, "sent"),
        absolute("truth, damaged replies over tcp, exact", "of 1", tcp, "exact", least=1),
    ]


#: What passes each second on the way to the server, with the heads of the packets.
LIMIT_MBIT = 20
#: Of 64 bytes with the heads of UDP, IP and Ethernet; of a full TCP segment with its time stamps.
DATAGRAM, SEGMENT = 64 / 106, 1448 / 1514
HERE, THERE = "10.9.0.1", "10.9.0.2"


@contextlib.contextmanager
def _network(setup: str) -> Iterator[int]:
    """A network of its own, for the length of a `with`; the pid of who has it."""
    command = ["unshare", "-n", "sh", "-c", f"{setup} && echo ready; cat >/dev/null"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        if process.stdout.readline() != b"ready\n":
            raise PermissionError(process.communicate(timeout=10)[1].decode().strip())
        yield process.pid
    finally:
        process.communicate(timeout=10)


def _inside(pid: int) -> tuple[str, ...]:
    return ("nsenter", f"--net=/proc/{pid}/ns/net")


@contextlib.contextmanager
def _limited() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Two networks; from the first one to the second passes so much and no more. Gives what runs a command in each."""
    with _network("ip link set lo up") as there, _network("ip link set lo up") as here:
        limit = f"tc qdisc add dev v0 root tbf rate {LIMIT_MBIT}mbit burst 4k limit 16k"
        for pid, command in [
            (here, f"ip link add v0 type veth peer name v1 netns {there} && ip addr add {HERE}/24 dev v0"),
            (here, f"ip link set v0 up && {limit}"),
            (there, f"ip addr add {THERE}/24 dev v1 && ip link set v1 up"),
        ]:
            done = subprocess.run([*_inside(pid), "sh", "-c", command], capture_output=True, check=False, text=True)
            if done.returncode:
                raise PermissionError(done.stderr.strip())
        yield _inside(here), _inside(there)


def _datagrams_through(here: tuple[str, ...], there: tuple[str, ...]) -> Figures:
    """More than pass are asked for: what is lost is known to the last one."""
    with truth("udp", "constant", "0", under=there) as scripted:
        command = [*here, build.netproto(), "bench", "udp", f"{THERE}:{scripted.server.port}", "-P", "echo", "-l", "64"]
        told = figures([*command, "-c", "32", "-r", "40000", "-d", "4s", "-w", "1s", "-J"], WITHIN)
    did, counted = scripted.did, told["datagrams"]
    exact = counted["sent"] - counted["lost"] == did["requests"] == did["answers"] == told["requests"]
    mbit = told["requests_per_second"] * 64 * 8 / 1e6
    return {"exact": float(exact), "of_limit": mbit / (LIMIT_MBIT * DATAGRAM), "lost": counted["lost"]}


def _bulk_through(here: tuple[str, ...], there: tuple[str, ...]) -> Figures:
    served = [*there, build.netproto(), "serve-tcp", f"{THERE}:0", "-P", "perf", "-q"]
    with server("netproto", served, rf"listening on tcp {re.escape(THERE)}:(\d+)\n") as running:
        command = [*here, build.netproto(), "bench", "tcp", f"{THERE}:{running.port}", "--bulk", "up"]
        told = figures([*command, "--omit", "1s", "-d", "4s", "-J"], WITHIN)
    return {"of_limit": told["bits_per_second"] / 1e6 / (LIMIT_MBIT * SEGMENT)}


def truth_limit(options: Options) -> list[Row]:
    rounds = min(options.rounds, 3)
    try:
        with _limited() as (here, there):
            datagrams = interleaved({"netproto": lambda: _datagrams_through(here, there)}, rounds)
            bulk = interleaved({"netproto": lambda: _bulk_through(here, there)}, rounds)
    except (PermissionError, FileNotFoundError) as error:
        print(f"  SKIPPED: no network of its own with a rate limit: {error}", flush=True)
        return []
    name = f"truth, through {LIMIT_MBIT} Mbit/s"
    return [
        absolute(f"{name}: datagrams lost and answered, exact", "of 1", datagrams, "exact", least=1),
        absolute(f"{name}: lost", "", datagrams, "lost", least=1),
        absolute(f"{name}: datagrams answered", "of the limit", datagrams, "of_limit", least=0.98, most=1.02),
        absolute(f"{name}: bulk tcp", "of the limit", bulk, "of_limit", least=0.98, most=1.02),
    ]


@contextlib.contextmanager
def _busy(cpu: int, count: int) -> Iterator[None]:
    spinners = [subprocess.Popen(["taskset", "-c", str(cpu), "sh", "-c", "while :; do :; done"]) for _ in range(count)]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def _starved(flags: tuple[str, ...]) -> Callable[[], Figures]:
    """The generator shares one core with four that are always busy; the server has another core."""

    def measure() -> Figures:
        cpus = sorted(os.sched_getaffinity(0))
        with truth("tcp", "constant", "0", under=("taskset", "-c", str(cpus[-1]))) as scripted, _busy(cpus[0], 4):
            time.sleep(0.2)
            at = ["taskset", "-c", str(cpus[0]), build.netproto(), "bench", "tcp", f"127.0.0.1:{scripted.server.port}"]
            command = [*at, "-P", "echo", "-d", "3s", *flags]
            told = figures([*command, "-J"], WITHIN)
            text = subprocess.run(command, capture_output=True, timeout=WITHIN, check=False, text=True).stdout
        blames = any(part in text for part in ["no reply at all", "had no answer", "served unevenly"])
        says = "this machine was the limit" in text and told["generator"]["saturated"]
        return {"says": float(says), "blames": float(blames), "p99_ms": told["latency_us"]["p99"] / 1e3}

    return measure


def truth_starved(options: Options) -> list[Row]:
    if len(os.sched_getaffinity(0)) < 2:
        print("  SKIPPED: it takes two cores", flush=True)
        return []
    rows: list[Row] = []
    for name, flags in [("open loop", ("-r", "40000", "-c", "64")), ("closed loop", ("-c", "64"))]:
        rounds = interleaved({"netproto": _starved(flags)}, min(options.rounds, 3))
        rows += [
            absolute(f"truth, starved, {name}: says so", "of 1", rounds, "says", least=1),
            absolute(f"truth, starved, {name}: blames the server", "", rounds, "blames", most=0),
            absolute(f"truth, starved, {name}: p99 meanwhile", "ms", rounds, "p99_ms"),
        ]
    return rows


def _report_late(seconds: float) -> Figures:
    """From the server's last answer to when the whole document can be read."""
    with truth("tcp", "constant", "0") as scripted:
        _bench("tcp", scripted.server.port, seconds, "-c", "64")
        read_at = time.monotonic_ns()
    return {"late_ms": (read_at - scripted.did["last_answer_ns"]) / 1e6}


def report_late(options: Options) -> list[Row]:
    seconds = 5.0 if options.quick else 60.0
    rounds = interleaved({"netproto": lambda: _report_late(seconds)}, min(options.rounds, 3))
    return [absolute(f"report-late, -J of {seconds:g} s after the last answer", "ms", rounds, "late_ms", most=50)]


JOBS = [
    Job("truth-delays", "known delays (constant, bimodal, exponential), held against the server's own record", truth_delays),
    Job("truth-stalls", "a server that stands still, or is stopped: its own record, and theory", truth_stalls),
    Job("truth-counts", "known loss, duplicates, order and damage, counted exactly", truth_counts),
    Job("truth-limit", "a network with a known rate limit", truth_limit),
    Job("truth-starved", "a generator that is not given the time it needs says so", truth_starved),
    Job("report-late", "how long after the last answer of a minute the report is there", report_late, long=True),
]
