"""The machine under the figures: what it is, who else used it, what a process uses. Linux's /proc."""

import datetime
import os
import platform
import re
import resource
from dataclasses import dataclass
from pathlib import Path

#: A round that is disturbed more than this, in percent of all CPUs' time, is repeated.
MOST_STOLEN = 3.0
MOST_OTHERS = 10.0

TICKS = os.sysconf("SC_CLK_TCK")


def line() -> str:
    """One line that belongs with every published figure."""
    cpus = len(os.sched_getaffinity(0))
    kernel = f"{platform.system()} {platform.release()} {platform.machine()}"
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{cpus} cpus ({model[1] if model else 'unknown'}), {kernel}, {date}"


@dataclass
class Disturbance:
    """Shares of the CPUs' time, in percent, that neither we nor the programs under test had."""

    #: Taken by the host for its other guests.
    stolen: float
    #: Used by other programs of this machine.
    others: float

    def too_much(self) -> bool:
        return self.stolen > MOST_STOLEN or self.others > MOST_OTHERS

    def total(self) -> float:
        return self.stolen + self.others


class Watch:
    """What disturbs us from now on. Our own share is known once the programs that we started have ended."""

    def __init__(self) -> None:
        self._start = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float, float]:
        """Seconds: all CPUs' time, stolen, at work (interrupts apart), and ours with our ended children's."""
        fields = [int(field) / TICKS for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        ours = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        return sum(fields), fields[7], sum(fields[:3]), ours

    def disturbance(self) -> Disturbance:
        total, stolen, busy, ours = (now - then for now, then in zip(self._now(), self._start, strict=True))
        if total <= 0:
            return Disturbance(0.0, 0.0)
        return Disturbance(100 * stolen / total, max(0.0, 100 * (busy - ours) / total))


def memory_kib(pid: int, field: str = "VmRSS") -> int:
    """VmRSS: resident now. VmHWM: the most it ever was."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if not found:
        raise RuntimeError(f"process {pid} has no {field}")
    return int(found[1])


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
