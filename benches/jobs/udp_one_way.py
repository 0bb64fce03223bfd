"""As many datagrams as arrive over loopback, beside iperf3: `bench udp --one-way` to `serve-udp -P perf`."""

import json
import shutil
import subprocess
from collections.abc import Callable

from lab import build
from lab.processes import figures, server
from lab.report import Row, absolute, ratio
from lab.rounds import Figures, interleaved

from .bulk_tcp import WITHIN, iperf3_server
from .job import Job, Options

READY = r"listening on udp 127\.0\.0\.1:(\d+)\r?\n"


def _iperf3(seconds: str, length: str) -> Callable[[], Figures]:
    def measure() -> Figures:
        with iperf3_server() as port:
            command = ["iperf3", "-c", "127.0.0.1", "-p", str(port), "-u", "-b", "0", "-l", length, "-t", seconds, "-J"]
            done = subprocess.run(command, capture_output=True, timeout=WITHIN, check=False)
        document = json.loads(done.stdout)
        if "error" in document:
            raise RuntimeError(f"iperf3: {document['error']}")
        counted = document["end"]["sum"]
        received = counted["packets"] - counted["lost_packets"]
        return {"received_per_second": received / counted["seconds"], "loss_percent": counted["lost_percent"]}

    return measure


def _netproto(seconds: str, length: str, *more: str) -> Callable[[], Figures]:
    def measure() -> Figures:
        with server("netproto", [build.netproto(), "serve-udp", "127.0.0.1:0", "-P", "perf", "-q"], READY) as running:
            command = [build.netproto(), "bench", "udp", f"127.0.0.1:{running.port}", "--one-way", "-J", "-l", length, *more]
            report = figures([*command, "-d", f"{seconds}s"], within=WITHIN)
        datagrams = report["datagrams"]
        known = datagrams["received"] + datagrams["lost"] + datagrams["corrupted"]
        if report["failures"] or known != datagrams["sent"]:
            raise RuntimeError(f"not all datagrams are accounted for: {report}")
        return {"received_per_second": report["rate"], "loss_percent": datagrams["loss_percent"]}

    return measure


def udp_one_way(options: Options) -> list[Row]:
    if not shutil.which("iperf3"):
        raise RuntimeError("iperf3 is not installed")
    # iperf3 takes whole seconds.
    seconds = options.seconds(2, 1)
    contenders = {
        "netproto": _netproto(seconds, "64"),
        "iperf3": _iperf3(seconds, "64"),
        "netproto 1400": _netproto(seconds, "1400"),
        "iperf3 1400": _iperf3(seconds, "1400"),
        "netproto --no-gso": _netproto(seconds, "64", "--no-gso"),
    }
    rounds = interleaved(contenders, options.rounds)

    def beside(what: str, peer: str, least: float, ours: str) -> Row:
        return ratio(what, "datagrams/s", rounds, "received_per_second", peer, least=least, ours=ours)

    def lost(what: str, peer: str, ours: str) -> Row:
        return absolute(what, "% lost", rounds, "loss_percent", most=0.1, peer=peer, ours=ours)

    return [
        beside("udp-one-way, 64 bytes", "iperf3", 30, "netproto"),
        lost("udp-one-way, 64 bytes", "iperf3", "netproto"),
        beside("udp-one-way, 1400 bytes", "iperf3 1400", 10, "netproto 1400"),
        lost("udp-one-way, 1400 bytes", "iperf3 1400", "netproto 1400"),
        beside("udp-one-way, 64 bytes, --no-gso", "iperf3", 0.95, "netproto --no-gso"),
    ]


JOBS = [
    Job("udp-one-way", "bench udp --one-way beside iperf3 -u: datagrams received, and lost", udp_one_way, ("netproto",))
]
