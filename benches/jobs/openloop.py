"""Is the open loop told truly? A server that stands still at known times, and a rate that has to be kept."""

import subprocess
from collections.abc import Callable

from lab import build
from lab.processes import Server, echo, figures, used
from lab.report import Row, absolute, difference
from lab.rounds import Figures, Rounds, interleaved

from .job import Job, Options

# Stopped for 100 ms in each second, 10 % of the requests of an open loop fall into a stop and wait, evenly spread, 0 to
# 100 ms. Above 90 ms are a tenth of those: so p99 is 90 ms, whoever measures.
STOP_SECONDS = 0.1
TRUE_P99_MS = 90.0


def _bench(server: Server, *flags: str) -> dict:
    command = [build.netproto(), "bench", "tcp", f"127.0.0.1:{server.port}", "-P", "echo", "-J", *flags]
    told = figures(command, within=120)
    failures = told["failures"]
    # What was due and could not leave in time is a figure of these benches; any other failure spoils them.
    if failures["total"] > failures["not_sent"]:
        raise RuntimeError(f"the load generator reports failures: {failures}")
    return told


def _steady(seconds: int, stalled: bool) -> Callable[[], Figures]:
    """1,000 requests/s over 10 connections; the stops come in the middle of each second, so that each second has one."""

    def measure() -> Figures:
        with echo("C epoll") as server:
            stall = None
            if stalled:
                arguments = [str(server.pid), "0.5", "1.0", str(STOP_SECONDS), str(seconds)]
                stall = subprocess.Popen([*build.stall(), *arguments])
            try:
                told = _bench(server, "-r", "1000", "-c", "10", "-d", f"{seconds}s")
            finally:
                if stall:
                    stall.terminate()
                    stall.wait()
        latency = told["latency_us"]
        figures_ms = {f"{name}_ms": latency[name] / 1e3 for name in ["p50", "p99", "max"]}
        return {**figures_ms, "not_sent": told["failures"]["not_sent"]}

    return measure


def open_stalled(options: Options) -> list[Row]:
    seconds = 4 if options.quick else 8
    rounds = interleaved({"netproto": _steady(seconds, True), "unstalled": _steady(seconds, False)}, options.rounds)
    least, most = TRUE_P99_MS * 0.97, TRUE_P99_MS * 1.03
    return [
        absolute("open-stalled, p99 (truth: 90 ms)", "ms", rounds, "p99_ms", least=least, most=most),
        difference("open-stalled, p50", "ms", rounds, "p50_ms", "unstalled", most=0.1),
        absolute("open-stalled, longest (truth: 100 ms)", "ms", rounds, "max_ms"),
        absolute("open-stalled, due and not sent", "", rounds, "not_sent", peer="unstalled"),
    ]


def open_10k(options: Options) -> list[Row]:
    seconds = options.seconds(4, 1)

    def measure() -> Figures:
        with echo("C epoll") as server:
            told = _bench(server, "-r", "10k", "-d", f"{seconds}s")
        return {
            "achieved": told["load"]["rate_achieved"],
            "send_lag_us": told["generator"]["send_lag_us"]["p50"],
            "send_lag_p99_us": told["generator"]["send_lag_us"]["p99"],
            "p50_us": told["latency_us"]["p50"],
            "not_sent": told["failures"]["not_sent"],
        }

    rounds = interleaved({"netproto": measure}, options.rounds)
    return [
        absolute("open-10k, achieved of 10,000/s", "requests/s", rounds, "achieved", least=9950, most=10050),
        absolute("open-10k, send lag p50", "us", rounds, "send_lag_us", most=100),
        absolute("open-10k, send lag p99", "us", rounds, "send_lag_p99_us"),
        absolute("open-10k, latency p50", "us", rounds, "p50_us"),
        absolute("open-10k, due and not sent", "", rounds, "not_sent"),
    ]


def _beside(rate: int, connections: int, seconds: str) -> dict[str, Callable[[], Figures]]:
    """Ours and the least open loop, at the same rate."""
    flags = ["-r", str(rate), "-c", str(connections), "-P", "echo", "-l", "64", "-d", f"{seconds}s", "-J"]

    def ours() -> Figures:
        with echo("C epoll") as server:
            told, cpu = used([build.netproto(), "bench", "tcp", f"127.0.0.1:{server.port}", *flags], within=60)
        return {
            "p50_ms": told["latency_us"]["p50"] / 1e3,
            "send_lag_us": told["generator"]["send_lag_us"]["p50"],
            "off_percent": abs(100 * (told["load"]["rate_achieved"] / rate - 1)),
            "cpu_percent": 100 * cpu / told["duration_s"],
            "failures": told["failures"]["total"],
        }

    def least() -> Figures:
        with echo("C epoll") as server:
            command = [build.yardstick("open"), str(server.port), str(connections), str(rate), seconds]
            told = figures(command, within=60)
        return {
            "p50_ms": told["p50_us"] / 1e3,
            "send_lag_us": told["lag_p50_us"],
            "cpu_percent": told["cpu_percent"],
        }

    return {"netproto": ours, "C": least}


def _kept(name: str, rate: int, connections: int, options: Options) -> tuple[list[Row], Rounds]:
    rounds = interleaved(_beside(rate, connections, options.seconds(4, 1)), options.rounds)
    rows = [
        difference(f"{name}, p50", "ms", rounds, "p50_ms", "C", most=0.1),
        absolute(f"{name}, send lag p50", "us", rounds, "send_lag_us", most=100, peer="C"),
        absolute(f"{name}, sent off the asked rate", "%", rounds, "off_percent", most=0.5),
        absolute(f"{name}, failures", "", rounds, "failures", most=0),
    ]
    return rows, rounds


def open_1k(options: Options) -> list[Row]:
    rows, rounds = _kept("open-1k", 1000, 10, options)
    return [*rows, absolute("open-1k, CPU", "% of a core", rounds, "cpu_percent", most=10, peer="C")]


def _closed_rate(seconds: str) -> float:
    """What the closed loop reaches here and now."""
    with echo("C epoll") as server:
        told = figures([build.yardstick("ping"), str(server.port), "64", "64", seconds], within=30)
    return float(told["requests_per_second"])


def open_half(options: Options) -> list[Row]:
    half = int(_closed_rate(options.seconds(1.5, 0.5)) / 2)
    rows, rounds = _kept("open-half", half, 64, options)
    return [*rows, absolute("open-half, CPU", "% of a core", rounds, "cpu_percent", peer="C")]


JOBS = [
    Job("open-stalled", "an open loop against a server that is stopped for 100 ms in each second", open_stalled),
    Job("open-1k", "1,000 requests/s beside the least open loop in C", open_1k),
    Job("open-half", "half of what the closed loop reaches, 64 connections, beside the least open loop in C", open_half),
    Job("open-10k", "10,000 requests/s asked, against the C echo server", open_10k),
]
