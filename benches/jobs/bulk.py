"""A gibibyte each way through `send tcp` and `serve-tcp -P echo`: intact, and with flat memory."""

import hashlib
import os
import random
import select
import subprocess
import time
from pathlib import Path

from lab import build
from lab.machine import memory_kib
from lab.processes import echo, ended
from lab.report import Row, absolute
from lab.rounds import Figures, interleaved

from .job import Job, Options

MIB = 1 << 20
#: Seconds without a byte: nothing will come any more.
STANDSTILL = 10.0
SIZES = {"small": 64 * MIB, "whole": 1024 * MIB}


def _sample(size: int) -> tuple[Path, str]:
    """A file of pseudo-random bytes, kept under target/, and its SHA-256."""
    path = build.TARGET / "bench-data" / f"{size // MIB}-mib"
    if not path.exists() or path.stat().st_size != size:
        path.parent.mkdir(parents=True, exist_ok=True)
        source = random.Random(size)
        with path.open("wb") as file:
            for _ in range(size // MIB):
                file.write(source.randbytes(MIB))
    with path.open("rb") as file:
        return path, hashlib.file_digest(file, "sha256").hexdigest()


def _transfer(port: int, sample: Path) -> tuple[str, int, float]:
    """What came back (SHA-256), the client's peak resident KiB, and the seconds."""
    command = [build.netproto(), "send", "tcp", f"127.0.0.1:{port}", "-f", str(sample)]
    start, digest, got = time.monotonic(), hashlib.sha256(), 0
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    while select.select([process.stdout], [], [], STANDSTILL)[0]:
        piece = os.read(process.stdout.fileno(), MIB)
        if not piece:
            break
        digest.update(piece)
        got += len(piece)
    else:
        process.kill()
    usage = ended(process)
    if process.returncode:
        raise RuntimeError(f"{got:,} bytes came back, then nothing for {STANDSTILL:g} s, or send failed: {process.returncode}")
    return digest.hexdigest(), usage.ru_maxrss, time.monotonic() - start


def _both_sizes(samples: dict[str, tuple[Path, str]]) -> Figures:
    """Peaks with 64 MiB and with 1 GiB, each with a fresh server and client: flat means that they hardly differ."""
    peaks: dict[str, tuple[int, int]] = {}
    intact, seconds = 1.0, 0.0
    for size, (path, wanted) in samples.items():
        with echo("netproto") as running:
            got, client, seconds = _transfer(running.port, path)
            peaks[size] = (memory_kib(running.pid, "VmHWM"), client)
        intact = intact if got == wanted else 0.0
    server, client = (whole - small for whole, small in zip(peaks["whole"], peaks["small"], strict=True))
    return {"intact": intact, "server_kib": server, "client_kib": client, "seconds": seconds, "client_peak": peaks["whole"][1]}


def bulk_1g(options: Options) -> list[Row]:
    samples = {name: _sample(size) for name, size in SIZES.items()}
    rounds = interleaved({"netproto": lambda: _both_sizes(samples)}, min(options.rounds, 5))
    return [
        absolute("bulk-1g, same SHA-256", "of 1", rounds, "intact", least=1),
        absolute("bulk-1g, server's peak over 64 MiB's", "KiB", rounds, "server_kib", most=1024),
        absolute("bulk-1g, client's peak over 64 MiB's", "KiB", rounds, "client_kib", most=1024),
        absolute("bulk-1g, client's peak", "KiB", rounds, "client_peak"),
        absolute("bulk-1g, there and back", "s", rounds, "seconds"),
    ]


JOBS = [Job("bulk-1g", "1 GiB through send tcp and back from serve-tcp -P echo", bulk_1g, ("netproto",))]
