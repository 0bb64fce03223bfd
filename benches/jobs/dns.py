"""Questions per second under dnsperf, beside NSD and BIND: the same zone, one thread each."""

import re
import shutil
import subprocess
from collections.abc import Callable

from lab import build
from lab.processes import free_port, server
from lab.report import Row, absolute, ratio
from lab.rounds import Figures, interleaved

from .job import Job, Options

NAMES = 1000
PLACE = build.TARGET / "dns-bench"
ZONE, QUESTIONS = PLACE / "zone.txt", PLACE / "questions.txt"

NSD = """\
server:
  ip-address: 127.0.0.1
  port: {port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{place}"
  database: ""
  pidfile: "{place}/nsd.pid"
  xfrdfile: "{place}/xfrd.state"
  zonelistfile: "{place}/zone.list"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
zone:
  name: example.test
  zonefile: zone.txt
"""

BIND = """\
options {{
  directory "{place}";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file "{place}/named.pid";
  session-keyfile "{place}/session.key";
  recursion no;
  dnssec-validation no;
  minimal-responses yes;
}};
controls {{ }};
zone "example.test" {{ type primary; file "{zone}"; }};
"""


def _program(name: str) -> str:
    """Servers live where the PATH of some people does not lead."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise RuntimeError(f"{name} is not installed; this bench needs the packages nsd, bind9 and dnsperf")
    return found


def _written() -> None:
    """A zone of hosts with aliases, and questions for each: addresses, aliases, names that are not there, the mail exchange."""
    PLACE.mkdir(parents=True, exist_ok=True)
    zone = ["$ORIGIN example.test.", "$TTL 3600", "@ SOA ns host 1 3600 600 86400 60", " NS ns", " MX 10 mail"]
    zone += ["ns A 127.0.0.1", "mail A 127.0.0.2", "*.wild A 127.0.0.3"]
    questions = []
    for n in range(NAMES):
        zone += [f"h{n} A 10.0.{n // 256}.{n % 256}", f" AAAA 2001:db8::{n:x}", f"a{n} CNAME h{n}"]
        questions += [f"h{n}.example.test A", f"h{n}.example.test AAAA", f"a{n}.example.test A"]
        questions += [f"nx{n}.example.test A", "example.test MX", f"w{n}.wild.example.test A"]
    ZONE.write_text("\n".join(zone) + "\n")
    QUESTIONS.write_text("\n".join(questions) + "\n")


def _configured(name: str, text: str, port: int) -> str:
    path = PLACE / name
    path.write_text(text.format(place=PLACE, zone=ZONE, port=port))
    return str(path)


def _command(name: str, port: int) -> tuple[list[str], str]:
    """How a server is started, and what it says when it is ready."""
    if name == "NSD":
        return [_program("nsd"), "-d", "-c", _configured("nsd.conf", NSD, port)], "nsd started"
    if name == "BIND":
        return [_program("named"), "-g", "-n", "1", "-c", _configured("named.conf", BIND, port)], r" running\r?\n"
    command = [build.netproto(), "serve-udp", str(port), "-P", "dns", "-p", f"zone={ZONE}", "-t", "1", "-q"]
    return command, r"listening on udp 127\.0\.0\.1:"


def _asked(port: int, seconds: str) -> Figures:
    """dnsperf against whoever listens there."""
    flags = ["-s", "127.0.0.1", "-p", str(port), "-d", str(QUESTIONS), "-l", seconds, "-c", "4", "-T", "1", "-q", "100"]
    done = subprocess.run([_program("dnsperf"), *flags], capture_output=True, text=True, timeout=60, check=False)
    rate = re.search(r"Queries per second:\s+([\d.]+)", done.stdout)
    lost = re.search(r"Queries lost:\s+(\d+)", done.stdout)
    codes = re.search(r"Response codes:\s+NOERROR (\d+) .*?, NXDOMAIN (\d+)", done.stdout)
    if done.returncode or not (rate and lost and codes):
        raise RuntimeError(f"dnsperf: exit {done.returncode}: {done.stdout[-300:]} {done.stderr[-300:]}")
    # Five of six questions have an answer: who says otherwise does not answer from the zone.
    right = int(codes[1]) / max(1, int(codes[1]) + int(codes[2]))
    if abs(right - 5 / 6) > 0.01:
        raise RuntimeError(f"{right:.1%} of the answers are NOERROR, and 83.3 % should be")
    return {"questions_per_second": float(rate[1]), "lost": float(lost[1])}


def _against(name: str, seconds: str) -> Callable[[], Figures]:
    def measure() -> Figures:
        port = free_port()
        command, ready = _command(name, port)
        with server(name, command, ready=ready, port=port) as running:
            return _asked(running.port, seconds)

    return measure


def dns(options: Options) -> list[Row]:
    _written()
    seconds = options.seconds(3, 1)
    rounds = interleaved({name: _against(name, seconds) for name in ("netproto", "NSD", "BIND")}, options.rounds)
    return [
        ratio("dns", "questions/s", rounds, "questions_per_second", "NSD", least=0.8),
        ratio("dns", "questions/s", rounds, "questions_per_second", "BIND", least=1),
        absolute("dns, lost", "", rounds, "lost", most=0, peer="NSD"),
    ]


JOBS = [Job("dns", "serve-udp -P dns, one thread, under dnsperf: a zone of 1,000 hosts", dns, ("netproto",))]
