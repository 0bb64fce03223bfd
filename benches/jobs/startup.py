"""Start-up beside a Rust hello world, the size of the binary, and the time to build it."""

import os
import statistics
import time
from collections.abc import Callable

from lab import build
from lab.report import Row, absolute, difference
from lab.rounds import Figures, interleaved

from .job import Job, Options

RUNS = 200


def _spawned(command: list[str]) -> float:
    """Milliseconds from posix_spawn to the end of the program; what it prints goes nowhere."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter_ns()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    _, status = os.waitpid(pid, 0)
    taken = (time.perf_counter_ns() - start) / 1e6
    if status:
        raise RuntimeError(f"{' '.join(command)}: exit {os.waitstatus_to_exitcode(status)}")
    return taken


def _started(command: Callable[[], list[str]], runs: int) -> Callable[[], Figures]:
    return lambda: {"ms": statistics.median(_spawned(command()) for _ in range(runs))}


def startup(options: Options) -> list[Row]:
    runs = RUNS // 10 if options.quick else RUNS
    contenders = {
        "netproto": _started(lambda: [build.netproto(), "--version"], runs),
        "Rust hello": _started(lambda: [build.yardstick("hello")], runs),
    }
    rounds = interleaved(contenders, options.rounds)
    return [difference("startup, --version", "ms", rounds, "ms", "Rust hello", most=1.0)]


def size(_: Options) -> list[Row]:
    rounds = interleaved({"netproto": lambda: {"mib": os.path.getsize(build.netproto()) / (1 << 20)}}, 1)
    return [absolute("size of the release binary", "MiB", rounds, "mib", most=6)]


def build_time(_: Options) -> list[Row]:
    rounds = interleaved({"netproto": lambda: {"seconds": build.release_from_nothing()}}, 1)
    return [absolute("build-time, the first release build", "s", rounds, "seconds", most=180)]


JOBS = [
    Job("startup", "netproto --version beside a Rust hello world", startup, ("netproto", "hello")),
    Job("size", "the release binary", size, ("netproto",)),
    Job("build-time", "a release build from nothing", build_time, (), long=True),
]
