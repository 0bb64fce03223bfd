"""What a connection costs in resident memory: idle ones, and one that never reads."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab import build
from lab.machine import memory_kib
from lab.processes import echo, figures, holding
from lab.report import Row, absolute
from lab.rounds import Figures, interleaved

from .job import Job, Options

IDLE = 10_000
KEPT = 9_000
GIB = 1 << 30


def _idle(server: str) -> Callable[[], Figures]:
    def measure() -> Figures:
        with echo(server) as running:
            base = memory_kib(running.pid)
            with holding([build.yardstick("hold"), str(running.port), str(IDLE)], within=60):
                held = memory_kib(running.pid)
        return {"base_mib": base / 1024, "bytes_each": (held - base) * 1024 / IDLE}

    return measure


def idle_10k(options: Options) -> list[Row]:
    rounds = interleaved({name: _idle(name) for name in ["netproto", "Twisted"]}, options.rounds)
    return [
        absolute("idle-10k, each connection", "B", rounds, "bytes_each", most=1536, peer="Twisted"),
        absolute("idle-10k, before the first", "MiB", rounds, "base_mib", most=5, peer="Twisted"),
    ]


def _never_reads() -> Figures:
    """The server has answered one connection before, so that what is allocated once is not counted."""
    with echo("netproto") as running:
        figures([build.yardstick("ping"), str(running.port), "1", "64", "0.1"], within=10)
        base = memory_kib(running.pid)
        # From here on the peak: the one of its start, which a server gives back, is not meant (proc(5), clear_refs).
        Path(f"/proc/{running.pid}/clear_refs").write_text("5")
        with holding([build.yardstick("never_read"), str(running.port), str(GIB)], within=120) as told:
            grown = max(memory_kib(running.pid), memory_kib(running.pid, "VmHWM")) - base
    return {"grown_kib": grown, "sent_mib": told["sent"] / (1 << 20)}


def never_reads(options: Options) -> list[Row]:
    rounds = interleaved({"netproto": _never_reads}, options.rounds)
    return [
        absolute("never-reads, the server's growth", "KiB", rounds, "grown_kib", most=256),
        absolute("never-reads, what it took", "MiB", rounds, "sent_mib"),
    ]


def _kept() -> Figures:
    """What connections that are only kept take at the client; the server's end is another process."""
    with echo("netproto") as running:
        command = [build.netproto(), "bench", "tcp", f"127.0.0.1:{running.port}", "-c", str(KEPT), "--hold", "-d", "2s", "-J"]
        told = figures(command, within=60)
    if told["held"]["lasted"] != KEPT:
        raise RuntimeError(f"only {told['held']['lasted']} of {KEPT} connections lasted")
    return {"bytes_each": told["held"]["memory_bytes_per_connection"], "p99_us": told["connect_us"]["p99"]}


def hold_9k(options: Options) -> list[Row]:
    rounds = interleaved({"netproto": _kept}, options.rounds)
    return [
        absolute("hold-9k, each connection at the client", "B", rounds, "bytes_each", most=2048),
        absolute("hold-9k, opening one, p99", "us", rounds, "p99_us"),
    ]


def _full_rate(seconds: float) -> Figures:
    """How much a load generator at full rate grows after the first tenth of its time: a minute of ten."""
    with echo("C epoll") as running:
        command = [build.netproto(), "bench", "tcp", f"127.0.0.1:{running.port}", "-P", "echo", "-c", "64"]
        process = subprocess.Popen([*command, "-d", f"{seconds:g}s", "-J"], stdout=subprocess.PIPE)
        try:
            time.sleep(seconds / 10)
            early, most = memory_kib(process.pid), 0
            # The report itself is made after that: until then the run is looked at.
            end = time.monotonic() + seconds * 0.9 - 1
            while time.monotonic() < end:
                most = max(most, memory_kib(process.pid))
                time.sleep(seconds / 100)
        finally:
            out, _ = process.communicate(timeout=60)
    if process.returncode:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
    return {"grown_kib": most - early, "early_kib": early, "requests": json.loads(out)["requests"]}


def bench_growth(options: Options) -> list[Row]:
    seconds = 20.0 if options.quick else min(options.minutes, 10) * 60
    rounds = interleaved({"netproto": lambda: _full_rate(seconds)}, 1)
    return [
        absolute("bench-growth, after the first tenth", "KiB", rounds, "grown_kib", most=256),
        absolute("bench-growth, by then", "KiB", rounds, "early_kib"),
        absolute("bench-growth, requests", "", rounds, "requests"),
    ]


JOBS = [
    Job("idle-10k", "10,000 idle connections after one request on each", idle_10k, ("netproto", "c", "twisted")),
    Job("hold-9k", "bench --hold keeps 9,000 connections to an echo server", hold_9k),
    Job("bench-growth", "bench tcp at full rate for 10 minutes: its memory after the first", bench_growth, long=True),
    Job("never-reads", "a client that sends up to 1 GiB to an echo server and never reads", never_reads),
]
