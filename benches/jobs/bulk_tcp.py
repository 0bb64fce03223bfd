"""As many bytes as one or two TCP streams carry on loopback, beside iperf3: `bench tcp --bulk up` to `serve-tcp -P perf`."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

from lab import build
from lab.processes import figures, free_port, server
from lab.report import Row, ratio
from lab.rounds import Figures, interleaved

from .job import Job, Options

WITHIN = 60.0


@contextlib.contextmanager
def iperf3_server() -> Iterator[int]:
    """A fresh `iperf3 -s` on a port that was free a moment ago, ended by its pid."""
    port = free_port()
    process = subprocess.Popen(["iperf3", "-s", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("iperf3 -s does not listen")
            time.sleep(0.02)
        time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def _iperf3(seconds: str, *more: str) -> Callable[[], Figures]:
    def measure() -> Figures:
        with iperf3_server() as port:
            command = ["iperf3", "-c", "127.0.0.1", "-p", str(port), "-t", seconds, "-J", *more]
            done = subprocess.run(command, capture_output=True, timeout=WITHIN, check=False)
        document = json.loads(done.stdout)
        if "error" in document:
            raise RuntimeError(f"iperf3: {document['error']}")
        return {"gbit_per_second": document["end"]["sum_received"]["bits_per_second"] / 1e9}

    return measure


def _netproto(seconds: str, *more: str) -> Callable[[], Figures]:
    def measure() -> Figures:
        with server("netproto", [build.netproto(), "serve-tcp", "0", "-P", "perf", "-q"]) as running:
            command = [build.netproto(), "bench", "tcp", f"127.0.0.1:{running.port}", "--bulk", "up", "-J", *more]
            report = figures([*command, "-d", f"{seconds}s"], within=WITHIN)
        if report["failures"]:
            raise RuntimeError(f"streams failed: {report['streams']}")
        return {"gbit_per_second": report["bits_per_second"] / 1e9}

    return measure


def bulk_tcp(options: Options) -> list[Row]:
    if not shutil.which("iperf3"):
        raise RuntimeError("iperf3 is not installed")
    # iperf3 takes whole seconds.
    seconds = options.seconds(2, 1)
    contenders = {
        "netproto": _netproto(seconds),
        "iperf3": _iperf3(seconds),
        "netproto -Z": _netproto(seconds, "--zero-copy"),
        "iperf3 -Z": _iperf3(seconds, "-Z"),
        "netproto -c 2, dropped": _netproto(seconds, "--skip-copy", "-c", "2"),
        "iperf3 -Z -P 2": _iperf3(seconds, "-Z", "-P", "2"),
    }
    rounds = interleaved(contenders, options.rounds)

    def beside(what: str, peer: str, least: float, ours: str) -> Row:
        return ratio(what, "Gbit/s", rounds, "gbit_per_second", peer, least=least, ours=ours)

    return [
        beside("bulk-tcp, plain writes", "iperf3", 1.05, "netproto"),
        beside("bulk-tcp, --zero-copy", "iperf3 -Z", 1.0, "netproto -Z"),
        beside("bulk-tcp, 2 streams, --skip-copy", "iperf3 -Z -P 2", 1.5, "netproto -c 2, dropped"),
    ]


JOBS = [Job("bulk-tcp", "bench tcp --bulk up beside iperf3: plain, without copies, two streams", bulk_tcp, ("netproto",))]
