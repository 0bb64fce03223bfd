"""Requests and responses as a load generator makes them: beside sockperf on one connection, beside the least clients on many."""

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

from lab import build
from lab.processes import echo, figures, free_port, server, used
from lab.report import Row, absolute, cost, ratio
from lab.rounds import Figures, interleaved

from .job import Job, Options

WITHIN = 60.0
MANY = 64


def _bench(transport: str, port: int, seconds: str, *more: str) -> list[str]:
    flags = ["-P", "echo", "-l", "64", "-d", f"{seconds}s", "-J", *more]
    return [build.netproto(), "bench", transport, f"127.0.0.1:{port}", *flags]


def _checked(told: dict) -> dict:
    if told["failures"]["total"]:
        raise RuntimeError(f"the load generator reports failures: {told['failures']}")
    return told


def _rr_server(transport: str) -> contextlib.AbstractContextManager:
    ready = rf"listening on {transport} 127\.0\.0\.1:(\d+)\n"
    return server("rr_server", [build.yardstick("rr_server"), transport], ready)


def _one(transport: str, seconds: str, *more: str) -> Callable[[], Figures]:
    """One connection of ours to a server that waits in its read, as sockperf's does."""

    def measure() -> Figures:
        with _rr_server(transport) as running:
            told = _checked(figures(_bench(transport, running.port, seconds, "-c", "1", *more), WITHIN))
        return {"per_second": told["requests_per_second"], "p50_us": told["latency_us"]["p50"]}

    return measure


@contextlib.contextmanager
def _sockperf_server(arguments: list[str]) -> Iterator[None]:
    """It says nothing that tells when it listens: half a second has to do."""
    process = subprocess.Popen(["sockperf", "sr", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def _pingpong(arguments: list[str], seconds: str) -> Figures:
    # sockperf takes whole seconds.
    command = ["sockperf", "pp", *arguments, "-m", "64", "-t", seconds, "--full-rtt"]
    done = subprocess.run(command, capture_output=True, timeout=WITHIN, check=False, text=True)
    said = done.stdout + done.stderr
    valid = re.search(r"\[Valid Duration\] RunTime=([\d.]+) sec; SentMessages=\d+; ReceivedMessages=(\d+)", said)
    p50 = re.search(r"percentile 50\.000 = +([\d.]+)", said)
    if done.returncode or not valid or not p50:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {said[-300:]}")
    return {"per_second": int(valid[2]) / float(valid[1]), "p50_us": float(p50[1])}


def _sockperf(transport: str, seconds: str) -> Callable[[], Figures]:
    def measure() -> Figures:
        port = str(free_port())
        arguments = ["-i", "127.0.0.1", "-p", port, *(["--tcp"] if transport == "tcp" else [])]
        with _sockperf_server(arguments):
            return _pingpong(arguments, seconds)

    return measure


def _sockperf_many(seconds: str) -> Callable[[], Figures]:
    """As many UDP sockets at each end, asked in turn: it has one request on its way in all."""

    def measure() -> Figures:
        with tempfile.NamedTemporaryFile("w", suffix=".feed") as feed:
            feed.write("".join(f"U:127.0.0.1:{free_port()}\n" for _ in range(MANY)))
            feed.flush()
            arguments = ["-f", feed.name, "-F", "e"]
            with _sockperf_server(arguments):
                return _pingpong(arguments, seconds)

    return measure


def _needs_sockperf() -> None:
    if not shutil.which("sockperf"):
        raise RuntimeError("sockperf is not installed")


def _rr(transport: str) -> Callable[[Options], list[Row]]:
    def run(options: Options) -> list[Row]:
        _needs_sockperf()
        seconds = options.seconds(2, 1)
        contenders = {
            "netproto": _one(transport, seconds),
            "sockperf": _sockperf(transport, seconds),
            "netproto --spin": _one(transport, seconds, "--spin"),
        }
        rounds = interleaved(contenders, options.rounds)
        name = f"rr-{transport}"
        return [
            ratio(name, "round trips/s", rounds, "per_second", "sockperf", 0.95),
            ratio(f"{name}, --spin", "round trips/s", rounds, "per_second", "sockperf", 1.15, ours="netproto --spin"),
            absolute(f"{name}, p50", "us", rounds, "p50_us", peer="sockperf"),
        ]

    return run


def _many(transport: str, seconds: str) -> Callable[[], Figures]:
    def measure() -> Figures:
        with _rr_server("udp") if transport == "udp" else echo("C epoll") as running:
            told, cpu = used(_bench(transport, running.port, seconds, "-c", str(MANY), "-t", "1"), WITHIN)
        count = _checked(told)["requests"]
        return {"per_second": told["requests_per_second"], "cpu_us": 1e6 * cpu / count}

    return measure


def _ping(transport: str, seconds: str) -> Callable[[], Figures]:
    more = ["udp"] if transport == "udp" else []

    def measure() -> Figures:
        with _rr_server("udp") if transport == "udp" else echo("C epoll") as running:
            told = figures([build.yardstick("ping"), str(running.port), str(MANY), "64", seconds, *more], WITHIN)
        return {"per_second": told["requests_per_second"], "cpu_us": told["cpu_us_each"]}

    return measure


def rr_64(options: Options) -> list[Row]:
    seconds = options.seconds(1.5, 0.5)
    rounds = interleaved({"netproto": _many("tcp", seconds), "C epoll": _ping("tcp", seconds)}, options.rounds)
    return [
        ratio("rr-64", "requests/s", rounds, "per_second", "C epoll", 0.95),
        cost("rr-64, CPU of each", "us", rounds, "cpu_us", "C epoll", 1.15),
    ]


def rr_udp_64(options: Options) -> list[Row]:
    _needs_sockperf()
    seconds = options.seconds(2, 1)
    contenders = {"netproto": _many("udp", seconds), "C epoll": _ping("udp", seconds), "sockperf": _sockperf_many(seconds)}
    rounds = interleaved(contenders, options.rounds)
    return [
        ratio("rr-udp-64, 64 sockets", "round trips/s", rounds, "per_second", "sockperf", 0.95),
        ratio("rr-udp-64, 64 sockets", "round trips/s", rounds, "per_second", "C epoll", None),
        cost("rr-udp-64, CPU of each", "us", rounds, "cpu_us", "C epoll", None),
    ]


def in_flight(options: Options) -> list[Row]:
    """As many requests on each of 64 connections; every reply is checked, or `_checked` says so."""
    seconds = options.seconds(1.5, 0.5)

    def load(*more: str) -> Callable[[], Figures]:
        def measure() -> Figures:
            with echo("C epoll") as running:
                told = _checked(figures(_bench("tcp", running.port, seconds, "-c", str(MANY), *more), WITHIN))
            return {"per_second": told["requests_per_second"]}

        return measure

    rounds = interleaved({"netproto": load("--in-flight", "64"), "closed loop": load()}, options.rounds)
    return [ratio("in-flight-64", "requests/s", rounds, "per_second", "closed loop", 5.0)]


def reconnect(options: Options) -> list[Row]:
    seconds = options.seconds(1.5, 0.5)

    def ours(*more: str) -> Callable[[], Figures]:
        def measure() -> Figures:
            with echo("C epoll") as running:
                told = _checked(figures(_bench("tcp", running.port, seconds, "--reconnect", *more), WITHIN))
            return {"per_second": told["requests_per_second"]}

        return measure

    def churn(threads: str) -> Callable[[], Figures]:
        def measure() -> Figures:
            with echo("C epoll") as running:
                told = figures([build.yardstick("churn"), str(running.port), threads, seconds], WITHIN)
            if told["failed"]:
                raise RuntimeError(f"{told['failed']} connections were not answered")
            return {"per_second": told["connections_per_second"]}

        return measure

    contenders = {"netproto": ours(), "netproto, 4 at once": ours("-c", "4"), "C": churn("4"), "C, 16 threads": churn("16")}
    rounds = interleaved(contenders, options.rounds)
    what, figure = "reconnect", "per_second"
    return [
        ratio(f"{what}, 4 at once", "connections/s", rounds, figure, "C", 0.95, ours="netproto, 4 at once"),
        ratio(f"{what}, 50 at once", "connections/s", rounds, figure, "C", 0.95),
        ratio(f"{what}, 50 at once", "connections/s", rounds, figure, "C, 16 threads", 0.95),
    ]


JOBS = [
    Job("rr-tcp", "bench tcp, one connection, 64 bytes, beside sockperf ping-pong; and with --spin", _rr("tcp")),
    Job("rr-udp", "bench udp, one socket, 64 bytes, beside sockperf ping-pong; and with --spin", _rr("udp")),
    Job("rr-64", "bench tcp, 64 connections, beside the least epoll client: rate, and CPU of each request", rr_64),
    Job("rr-udp-64", "bench udp, 64 sockets, beside sockperf's and the least epoll client", rr_udp_64),
    Job("in-flight-64", "bench tcp, 64 connections with 64 requests on their way each, beside one on each", in_flight),
    Job("reconnect", "bench tcp --reconnect, 50 at once as it is or 4, beside the least C client that does so", reconnect),
]
