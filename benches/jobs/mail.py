"""Messages per second: thrown away, beside aiosmtpd; and kept in a Maildir, beside the least that delivers to one."""

import shutil
from collections.abc import Callable
from pathlib import Path

from lab import build
from lab.processes import figures, server
from lab.report import Row, ratio
from lab.rounds import Figures, interleaved

from .job import Job, Options

FOLDER = build.TARGET / "bench-data" / "mail"
SIZE = 1024
CONNECTIONS = 8


def _load(port: int, seconds: str, connections: int) -> Figures:
    """Messages with DATA, in as few turns as PIPELINING allows, since aiosmtpd has no BDAT."""
    flags = ["--no-chunking", "-l", str(SIZE), "-c", str(connections), "-d", f"{seconds}s", "-J"]
    measured = figures([build.netproto(), "bench", "smtp", f"127.0.0.1:{port}", *flags], within=60)
    if measured["failures"]["total"]:
        raise RuntimeError(f"the load generator reports failures: {measured['failures']}")
    return measured


def _served(name: str, command: Callable[[], list[str]], seconds: str, connections: int) -> Callable[[], Figures]:
    def measure() -> Figures:
        with server(name, command()) as running:
            return _load(running.port, seconds, connections)

    return measure


def smtp_discard(options: Options) -> list[Row]:
    seconds = options.seconds(2, 0.5)
    contenders = {
        "netproto": _served("netproto", lambda: [build.netproto(), "serve-tcp", "0", "-P", "smtp", "-q"], seconds, CONNECTIONS),
        "aiosmtpd": _served("aiosmtpd", build.aiosmtpd_sink, seconds, CONNECTIONS),
    }
    rounds = interleaved(contenders, options.rounds)
    return [ratio("smtp-discard", "messages/s", rounds, "requests_per_second", "aiosmtpd", least=10)]


def _fresh() -> Path:
    """An empty folder: what lies in one costs time."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    return FOLDER


def smtp_maildir(options: Options) -> list[Row]:
    seconds = options.seconds(2, 0.5)

    def ours() -> list[str]:
        return [build.netproto(), "serve-tcp", "0", "-P", "smtp", "-q", "-p", f"maildir={_fresh()}"]

    def loop(threads: int) -> Callable[[], Figures]:
        return lambda: figures([build.yardstick("deliver"), str(_fresh()), str(threads), seconds, str(SIZE)], within=60)

    contenders = {
        "netproto": _served("netproto", ours, seconds, CONNECTIONS),
        "C loop": loop(1),
        f"C loop, {CONNECTIONS} threads": loop(CONNECTIONS),
        "one connection": _served("netproto", ours, seconds, 1),
    }
    rounds = interleaved(contenders, options.rounds)
    shutil.rmtree(FOLDER, ignore_errors=True)
    peer = f"C loop, {CONNECTIONS} threads"
    figure = "requests_per_second"
    return [
        ratio("smtp-maildir", "messages/s", rounds, figure, "C loop", least=0.8),
        ratio("smtp-maildir", "messages/s", rounds, figure, peer, least=None),
        ratio("smtp-maildir, one connection", "messages/s", rounds, figure, "C loop", least=None, ours="one connection"),
    ]


JOBS = [
    Job("smtp-discard", "serve-tcp -P smtp that throws 1 KiB messages away, 8 connections", smtp_discard, ("netproto", "aiosmtpd")),
    Job("smtp-maildir", "the same into a Maildir: written, fsynced, renamed, the folder fsynced", smtp_maildir),
]
