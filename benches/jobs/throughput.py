"""Requests and connections per second, beside Twisted and the least that epoll can do."""

from collections.abc import Callable

from lab import build
from lab.processes import echo, figures
from lab.report import Row, absolute, ratio
from lab.rounds import Figures, interleaved

from .job import Job, Options

SERVERS = ["netproto", "Twisted", "C epoll"]


def _against(server: str, client: Callable[[int], list[str]], check: Callable[[Figures], None]) -> Callable[[], Figures]:
    """One client run against a fresh server, so that no luck of one process lasts for all rounds."""

    def measure() -> Figures:
        with echo(server) as running:
            measured = figures(client(running.port), within=60)
        check(measured)
        return measured

    return measure


def _no_check(_: Figures) -> None:
    pass


def echo_64(options: Options) -> list[Row]:
    seconds = options.seconds(1.5, 0.4)

    def client(port: int) -> list[str]:
        return [build.yardstick("ping"), str(port), "64", "64", seconds]

    rounds = interleaved({name: _against(name, client, _no_check) for name in SERVERS}, options.rounds)
    return [
        ratio("echo-64", "requests/s", rounds, "requests_per_second", "Twisted", least=4.5),
        ratio("echo-64", "requests/s", rounds, "requests_per_second", "C epoll", least=0.9),
    ]


def lua_echo_64(options: Options) -> list[Row]:
    seconds = options.seconds(1.5, 0.4)

    def client(port: int) -> list[str]:
        return [build.yardstick("ping"), str(port), "64", "64", seconds]

    servers = ["netproto Lua", "netproto"]
    rounds = interleaved({name: _against(name, client, _no_check) for name in servers}, options.rounds)
    return [ratio("lua-echo-64", "requests/s", rounds, "requests_per_second", "netproto", least=0.5, ours="netproto Lua")]


def _all_right(measured: Figures) -> None:
    if measured["failures"]["total"]:  # type: ignore[index]
        raise RuntimeError(f"the load generator reports failures: {measured['failures']}")


def ping_64(options: Options) -> list[Row]:
    seconds = options.seconds(1.5, 0.4)

    def ping(port: int) -> list[str]:
        return [build.yardstick("ping"), str(port), "64", "64", seconds]

    def bench(*more: str) -> Callable[[int], list[str]]:
        flags = ["-P", "echo", "-c", "64", "-l", "64", "-d", f"{seconds}s", "-J", *more]
        return lambda port: [build.netproto(), "bench", "tcp", f"127.0.0.1:{port}", *flags]

    contenders = {
        "netproto": _against("C epoll", bench(), _all_right),
        "C epoll": _against("C epoll", ping, _no_check),
        "netproto -t 1": _against("C epoll", bench("-t", "1"), _all_right),
    }
    rounds = interleaved(contenders, options.rounds)
    return [
        ratio("ping-64", "requests/s", rounds, "requests_per_second", "C epoll", least=0.9),
        ratio("ping-64, one thread", "requests/s", rounds, "requests_per_second", "C epoll", None, ours="netproto -t 1"),
    ]


def _none_failed(measured: Figures) -> None:
    if measured["failed"]:
        raise RuntimeError(f"{measured['failed']} connections were not answered")


def churn(options: Options) -> list[Row]:
    seconds = options.seconds(1.5, 0.4)

    def client(port: int) -> list[str]:
        return [build.yardstick("churn"), str(port), "4", seconds]

    rounds = interleaved({name: _against(name, client, _none_failed) for name in SERVERS}, options.rounds)
    return [
        ratio("churn", "connections/s", rounds, "connections_per_second", "Twisted", least=2.5),
        ratio("churn", "connections/s", rounds, "connections_per_second", "C epoll", least=0.9),
    ]


def burst_2000(options: Options) -> list[Row]:
    def client(port: int) -> list[str]:
        return [build.yardstick("burst"), str(port), "2000"]

    rounds = interleaved({name: _against(name, client, _no_check) for name in SERVERS}, options.rounds)
    return [
        absolute("burst-2000, answered", "", rounds, "answered", least=2000, peer="Twisted"),
        absolute("burst-2000, the slowest", "ms", rounds, "slowest_ms", most=300, peer="C epoll"),
        absolute("burst-2000, the slowest", "ms", rounds, "slowest_ms", peer="Twisted"),
    ]


ALL_PEERS = ("netproto", "c", "twisted")

JOBS = [
    Job("echo-64", "serve-tcp -P echo, 64 connections, 64-byte messages, under one C client", echo_64, ALL_PEERS),
    Job("lua-echo-64", "serve-tcp -P examples/echo.lua beside -P echo, 64 connections, 64-byte messages", lua_echo_64),
    Job("ping-64", "bench tcp against the least client, both against the C echo server", ping_64),
    Job("burst-2000", "2,000 connections at once, one echo each: how long until the last is answered", burst_2000, ALL_PEERS),
    Job("churn", "connect, one 64-byte echo, close, from 4 threads", churn, ALL_PEERS),
]
