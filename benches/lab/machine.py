"""The machine under the figures: what it is, how much of it was stolen, what a process uses. Linux's /proc."""

import datetime
import os
import platform
import re
from pathlib import Path


def line() -> str:
    """One line that belongs with every published figure."""
    cpus = len(os.sched_getaffinity(0))
    kernel = f"{platform.system()} {platform.release()} {platform.machine()}"
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{cpus} cpus ({model[1] if model else 'unknown'}), {kernel}, {date}"


class Steal:
    """The share of CPU time that other guests of this host took from us, since it was made."""

    def __init__(self) -> None:
        self._start = self._ticks()

    @staticmethod
    def _ticks() -> tuple[int, int]:
        fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return fields[7], sum(fields)

    def percent(self) -> float:
        stolen, total = (now - then for now, then in zip(self._ticks(), self._start, strict=True))
        return 100.0 * stolen / total if total else 0.0


def memory_kib(pid: int, field: str = "VmRSS") -> int:
    """VmRSS: resident now. VmHWM: the most it ever was."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if not found:
        raise RuntimeError(f"process {pid} has no {field}")
    return int(found[1])


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
