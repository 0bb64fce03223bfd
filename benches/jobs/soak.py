"""Minutes of clients that come and go in every way: no descriptor and no memory may stay behind."""

import socket
import struct
import time
from collections.abc import Callable

from lab.machine import descriptors, memory_kib
from lab.processes import echo
from lab.report import Row, absolute
from lab.rounds import Figures, interleaved

from .job import Job, Options

PER_SECOND = 200
MESSAGE = b"x" * 64
RESET = struct.pack("ii", 1, 0)


def _connect(port: int, turn: int) -> socket.socket:
    """From 127.0.1.x in turn: one address would run out of ports."""
    return socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(f"127.0.1.{1 + turn % 200}", 0))


def _answer(client: socket.socket) -> None:
    got = b""
    while len(got) < len(MESSAGE):
        piece = client.recv(4096)
        if not piece:
            raise RuntimeError("the server ended a connection without its answer")
        got += piece
    if got != MESSAGE:
        raise RuntimeError("a wrong answer")


def _polite(client: socket.socket) -> None:
    client.sendall(MESSAGE)
    _answer(client)


def _half_closed(client: socket.socket) -> None:
    client.sendall(MESSAGE)
    client.shutdown(socket.SHUT_WR)
    _answer(client)


def _reset(client: socket.socket) -> None:
    client.sendall(MESSAGE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def _silent(_: socket.socket) -> None:
    pass


WAYS: list[Callable[[socket.socket], None]] = [_polite, _half_closed, _reset, _silent]


def _come_and_go(port: int, seconds: float) -> int:
    """`PER_SECOND` clients, each 4th of a kind, at intended times. How many there were."""
    start, turn = time.monotonic(), 0
    while (due := start + turn / PER_SECOND) < start + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        with _connect(port, turn) as client:
            WAYS[turn % len(WAYS)](client)
        turn += 1
    return turn


def _settled(pid: int, wanted: int) -> int:
    """Descriptors, once the last connections have been taken down: at most 10 s are waited for it."""
    end = time.monotonic() + 10
    while (count := descriptors(pid)) > wanted and time.monotonic() < end:
        time.sleep(0.05)
    return count


def soak(options: Options) -> list[Row]:
    seconds = 10.0 if options.quick else options.minutes * 60

    def measure() -> Figures:
        with echo("netproto") as server:
            before = descriptors(server.pid)
            _come_and_go(server.port, min(10.0, seconds / 2))
            _settled(server.pid, before)
            warm = memory_kib(server.pid)
            clients = _come_and_go(server.port, seconds)
            left = _settled(server.pid, before) - before
            return {"descriptors": left, "grown_kib": memory_kib(server.pid) - warm, "clients": clients}

    rounds = interleaved({"netproto": measure}, 1)
    return [
        absolute("soak, descriptors left", "", rounds, "descriptors", most=0),
        absolute("soak, growth", "KiB", rounds, "grown_kib", most=1024),
        absolute("soak, clients", "", rounds, "clients", least=1),
    ]


JOBS = [Job("soak", "200 connections a second, closed, half-closed, reset and silent", soak, ("netproto",), long=True)]
