"""What a bench is."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.report import Row


@dataclass
class Options:
    rounds: int
    quick: bool
    minutes: float

    def seconds(self, long: float, short: float) -> str:
        """How long one measurement lasts, as an argument."""
        return f"{short if self.quick else long:g}"


@dataclass
class Job:
    name: str
    about: str
    run: Callable[[Options], list[Row]]
    #: What has to be built: netproto, c, hello, twisted, aiosmtpd.
    needs: tuple[str, ...] = ("netproto", "c")
    #: Only run when it is named.
    long: bool = False
