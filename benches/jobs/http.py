"""HTTP beside nginx and wrk: the load generator, the server, pipelining, and a large file."""

import contextlib
import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab import build
from lab.processes import Server, ended, server
from lab.report import Row, ratio
from lab.rounds import Figures, interleaved

from .job import Job, Options

CONNECTIONS = "64"
#: nginx's own first page has so many bytes: what everybody measures.
PAGE = 612
GIB = 1 << 30
UP_WITHIN = 15.0

CONFIG = """\
daemon off; master_process on; worker_processes 1; pid {at}/nginx.pid; error_log {at}/error.log crit;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types {{ text/html html; }}
    client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
    uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def _root() -> Path:
    """A page, and a gibibyte that is all zeros and takes no room."""
    root = build.TARGET / "bench-data" / "www"
    root.mkdir(parents=True, exist_ok=True)
    (root / "page.html").write_bytes((b"<p>a page of 612 bytes</p>\n" * 30)[:PAGE])
    with (root / "1g.bin").open("wb") as file:
        file.truncate(GIB)
    return root


@contextlib.contextmanager
def _nginx() -> Iterator[Server]:
    """One worker. It can't tell which port the system chose, so it is given one that was free a moment ago."""
    at = build.TARGET / "bench-data" / "nginx"
    at.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = at / "nginx.conf"
    config.write_text(CONFIG.format(at=at, port=port, root=_root()))
    process = subprocess.Popen(["nginx", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port)
        yield Server("nginx", process.pid, port)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _await(port: int) -> None:
    deadline = time.monotonic() + UP_WITHIN
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _ours() -> contextlib.AbstractContextManager[Server]:
    command = [build.netproto(), "serve-tcp", "127.0.0.1:0", "-P", "http", "-p", f"root={_root()}", "-q"]
    return server("netproto", command)


def _canned() -> contextlib.AbstractContextManager[Server]:
    """The same page as one answer to everything: no file is opened, and what is measured is the rest."""
    command = [build.netproto(), "serve-tcp", "127.0.0.1:0", "-P", "http", "-p", f"body={'x' * PAGE}", "-q"]
    return server("netproto, canned", command)


SERVERS: dict[str, Callable[[], contextlib.AbstractContextManager[Server]]] = {
    "netproto": _ours, "netproto, canned": _canned, "nginx": _nginx,
}
FILE_SERVERS = ("netproto", "nginx")


def _measured(command: list[str]) -> tuple[str, float]:
    """What a client says, and the CPU seconds that it took."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    usage = ended(process)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}")
    return said, usage.ru_utime + usage.ru_stime


def _url(port: int, name: str) -> str:
    return f"http://127.0.0.1:{port}/{name}"


def _wrk(port: int, seconds: str) -> Figures:
    # It takes whole seconds.
    whole = str(max(1, round(float(seconds))))
    said, cpu = _measured(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{whole}s", _url(port, "page.html")])
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"wrk was not answered: {said}")
    requests = float(re.search(r"(\d+) requests in", said)[1])  # type: ignore[index]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])  # type: ignore[index]
    return {"requests_per_second": rate, "requests_per_cpu_second": requests / cpu}


def _bench(port: int, seconds: str, *more: str) -> Figures:
    flags = ["-c", CONNECTIONS, "-d", f"{seconds}s", "-J", "-q", *more]
    said, cpu = _measured([build.netproto(), "bench", "http", _url(port, "page.html"), *flags])
    report = json.loads(said)
    if report["failures"]["total"]:
        raise RuntimeError(f"the load generator reports failures: {report['failures']}")
    return {"requests_per_second": report["requests_per_second"], "requests_per_cpu_second": report["requests"] / cpu}


def _against(name: str, client: Callable[[int], Figures]) -> Callable[[], Figures]:
    def measure() -> Figures:
        with SERVERS[name]() as running:
            return client(running.port)

    return measure


def http_bench(options: Options) -> list[Row]:
    seconds = options.seconds(2, 1)
    contenders = {
        "netproto": _against("nginx", lambda port: _bench(port, seconds)),
        "wrk": _against("nginx", lambda port: _wrk(port, seconds)),
    }
    rounds = interleaved(contenders, options.rounds)
    return [
        ratio("http-bench", "requests/s", rounds, "requests_per_second", "wrk", least=1.0),
        ratio("http-bench, work", "requests/CPU s", rounds, "requests_per_cpu_second", "wrk", least=0.91),
    ]


def http_pipelined(options: Options) -> list[Row]:
    seconds = options.seconds(2, 1)
    contenders = {
        "netproto": _against("netproto", lambda port: _bench(port, seconds, "--in-flight", "16")),
        "one in flight": _against("netproto", lambda port: _bench(port, seconds)),
        "canned": _against("netproto, canned", lambda port: _bench(port, seconds, "--in-flight", "16")),
        "one canned": _against("netproto, canned", lambda port: _bench(port, seconds)),
    }
    rounds = interleaved(contenders, options.rounds)
    figure = "requests_per_second"
    return [
        ratio("http-pipelined, 16, a file", "requests/s", rounds, figure, "one in flight", least=3.0),
        ratio("http-pipelined, 16, canned", "requests/s", rounds, figure, "one canned", least=3.0, ours="canned"),
    ]


def http_serve(options: Options) -> list[Row]:
    seconds = options.seconds(2, 1)
    rounds = interleaved({name: _against(name, lambda port: _wrk(port, seconds)) for name in FILE_SERVERS}, options.rounds)
    return [ratio("http-serve", "requests/s", rounds, "requests_per_second", "nginx", least=0.8)]


def http_1g(options: Options) -> list[Row]:
    def download(port: int) -> Figures:
        command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{size_download} %{time_total}", _url(port, "1g.bin")]
        size, seconds = _measured(command)[0].split()
        if int(size) != GIB:
            raise RuntimeError(f"{size} bytes came")
        return {"mib_per_second": (GIB >> 20) / float(seconds)}

    rounds = interleaved({name: _against(name, download) for name in FILE_SERVERS}, options.rounds)
    return [ratio("http-1g", "MiB/s", rounds, "mib_per_second", "nginx", least=0.9)]


JOBS = [
    Job("http-bench", "bench http against wrk -t1, 64 connections, both against nginx with a page of 612 bytes", http_bench, ("netproto",)),
    Job("http-pipelined", "bench http --in-flight 16 against one in flight, both against our own server", http_pipelined, ("netproto",)),
    Job("http-serve", "serve -P http against nginx with one worker, a page of 612 bytes under wrk", http_serve, ("netproto",)),
    Job("http-1g", "a gibibyte from serve -P http and from nginx to curl", http_1g, ("netproto",)),
]
