"""Starting and ending the programs under test. Servers say their port on their first lines; nothing sleeps to wait for them."""

import contextlib
import json
import os
import re
import resource
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from . import build

READY = r"listening on tcp 127\.0\.0\.1:(\d+)\r?\n"
READY_WITHIN = 15.0


@dataclass
class Server:
    name: str
    pid: int
    port: int


def listening(process: subprocess.Popen[bytes], command: list[str], pattern: str) -> re.Match[bytes]:
    assert process.stderr is not None
    said, deadline = b"", time.monotonic() + READY_WITHIN
    while not (ready := re.search(pattern.encode(), said)):
        waiting = select.select([process.stderr], [], [], max(0.0, deadline - time.monotonic()))[0]
        piece = process.stderr.read1(4096) if waiting else b""  # type: ignore[union-attr]
        if not piece:
            raise RuntimeError(f"{command[0]} did not say where it listens: {said!r}")
        said += piece
    return ready


def free_port() -> int:
    """A port that was free a moment ago, for servers that can't be given one by the system."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(name: str, command: list[str], ready: str = READY, port: int | None = None) -> Iterator[Server]:
    """A server for the length of a `with`; ended by SIGTERM to its own pid, by SIGKILL when that does not help. `ready` matches
    what it says on stderr when it listens, and finds its port in that, unless it was given one."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        said = listening(process, command, ready)
        yield Server(name, process.pid, port or int(said[1]))
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def echo(name: str) -> contextlib.AbstractContextManager[Server]:
    """An echo server by the name it has in tables: netproto, netproto Lua (a script), Twisted or C epoll."""
    commands = {
        "netproto": [build.netproto(), "serve-tcp", "0", "-P", "echo", "-q"],
        "netproto Lua": [build.netproto(), "serve-tcp", "0", "-P", str(build.ROOT / "examples" / "echo.lua"), "-q"],
        "Twisted": build.twisted_echo(),
        "C epoll": [build.yardstick("echo_server"), "0"],
    }
    return server(name, commands[name])


def figures(command: list[str], within: float) -> dict:
    """Runs a client to its end; its stdout is one JSON document."""
    done = subprocess.run(command, capture_output=True, timeout=within, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {said[:300]}")
    return json.loads(done.stdout)


def ended(process: subprocess.Popen) -> resource.struct_rusage:
    """Waits for a client that has said all; what it used."""
    assert process.stdout is not None
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def used(command: list[str], within: float) -> tuple[dict, float]:
    """As `figures`, with the CPU seconds that the client took."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    said, deadline = b"", time.monotonic() + within
    while select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = process.stdout.read1(1 << 20)  # type: ignore[attr-defined]
        if not piece:
            break
        said += piece
    else:
        process.kill()
    usage = ended(process)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}")
    return json.loads(said), usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def holding(command: list[str], within: float) -> Iterator[dict]:
    """A client that prints one JSON line, and then keeps what it has until its stdin ends."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        ready = select.select([process.stdout], [], [], within)[0]
        line = process.stdout.readline() if ready else b""
        if not line:
            raise RuntimeError(f"{' '.join(command)} did not get as far as it should")
        yield json.loads(line)
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=10)
        if process.poll() is None:
            process.kill()
            process.communicate()
