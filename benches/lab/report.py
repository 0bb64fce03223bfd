"""The report: a table for people, a JSON file for later."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from . import build, machine
from .rounds import Rounds
from .stats import Estimate, estimate

RESULTS = build.TARGET / "bench-results"


@dataclass
class Row:
    """One line of a table, and what its bar is held against."""

    what: str
    unit: str
    ours: float
    #: Who else was measured, and what they reached.
    peer: str
    theirs: float | None
    #: `ratio` and `difference`: ours against theirs, round by round. `absolute`: our own figure.
    kind: str
    held: Estimate
    #: Text of the bar, and its bounds; no bounds: the row only informs.
    bar: str = ""
    least: float | None = None
    most: float | None = None
    rounds: Rounds | None = None

    def met(self) -> bool | None:
        """By the median; None when there is no bar."""
        if self.least is None and self.most is None:
            return None
        return self._within(self.held.median)

    def proven(self) -> bool:
        """Does the whole interval say the same as the median?"""
        return self._within(self.held.low) == self._within(self.held.high) == self._within(self.held.median)

    def _within(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


def ratio(what: str, unit: str, rounds: Rounds, figure: str, peer: str, least: float | None, ours: str = "netproto") -> Row:
    """Ours over theirs, round by round: `figure` is a rate, so more is better."""
    mine, theirs = rounds.values(ours, figure), rounds.values(peer, figure)
    held = estimate([a / b for a, b in zip(mine, theirs, strict=True)])
    bar = f">= {least:g} x" if least is not None else ""
    return Row(what, unit, median(mine), peer, median(theirs), "ratio", held, bar, least, rounds=rounds)


def cost(what: str, unit: str, rounds: Rounds, figure: str, peer: str, most: float | None, ours: str = "netproto") -> Row:
    """Ours over theirs, round by round: `figure` is a cost, so less is better."""
    mine, theirs = rounds.values(ours, figure), rounds.values(peer, figure)
    held = estimate([a / b for a, b in zip(mine, theirs, strict=True)])
    bar = f"<= {most:g} x" if most is not None else ""
    return Row(what, unit, median(mine), peer, median(theirs), "ratio", held, bar, most=most, rounds=rounds)


def difference(what: str, unit: str, rounds: Rounds, figure: str, peer: str, most: float, ours: str = "netproto") -> Row:
    """Ours less theirs, round by round: `figure` is a cost, so less is better."""
    mine, theirs = rounds.values(ours, figure), rounds.values(peer, figure)
    held = estimate([a - b for a, b in zip(mine, theirs, strict=True)])
    bar = f"<= +{most:g} {unit}"
    return Row(what, unit, median(mine), peer, median(theirs), "difference", held, bar, most=most, rounds=rounds)


def absolute(
    what: str, unit: str, rounds: Rounds, figure: str, least: float | None = None, most: float | None = None,
    peer: str = "", ours: str = "netproto",
) -> Row:
    """Our own figure against fixed bounds; a peer's is shown beside it."""
    mine = rounds.values(ours, figure)
    theirs = median(rounds.values(peer, figure)) if peer else None
    if least is not None and most is not None:
        bar = f"{least:g} to {most:g} {unit}"
    else:
        bar = f">= {least:g} {unit}" if least is not None else f"<= {most:g} {unit}" if most is not None else ""
    return Row(what, unit, median(mine), peer, theirs, "absolute", estimate(mine), bar, least, most, rounds)


def _number(value: float) -> str:
    """Three significant digits, thousands grouped."""
    if value and abs(value) < 100:
        return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.1e}"
    return f"{value:,.0f}"


def _held(row: Row) -> str:
    if row.kind == "ratio":
        return f"{_number(row.held.median)} x"
    return f"{'+' if row.held.median >= 0 else ''}{_number(row.held.median)} {row.unit}" if row.kind == "difference" else ""


def _cells(row: Row) -> list[str]:
    interval = f"[{_number(row.held.low)} .. {_number(row.held.high)}]"
    theirs = f"{_number(row.theirs)} {row.peer}" if row.theirs is not None else ""
    verdict = {None: "", True: "met", False: "MISSED"}[row.met()]
    mark = "~" if verdict and not row.proven() else ""
    return [row.what, f"{_number(row.ours)} {row.unit}", theirs, _held(row), interval, row.bar, verdict + mark]


def table(rows: Sequence[Row]) -> None:
    lines = [["what", "ours", "peer", "against it", "95 % interval", "bar", ""], *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if any(row.met() is not None and not row.proven() for row in rows):
        print("  ~ the interval crosses the bar: more rounds would tell")
    for rounds in {id(row.rounds): row.rounds for row in rows if row.rounds}.values():
        print(f"  {rounds.line()}", flush=True)


def save(name: str, options: object, rows: Sequence[Row]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    document = {
        "bench": name,
        "machine": machine.line(),
        "options": asdict(options),  # type: ignore[call-overload]
        "rows": [{**asdict(row), "met": row.met(), "proven": row.proven()} for row in rows],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


def verdict(rows: Sequence[Row], broken: Sequence[str] = ()) -> int:
    """The last lines, and the exit code."""
    held = [row for row in rows if row.met() is not None]
    missed = [row for row in held if not row.met()]
    print(f"\n{len(held) - len(missed)} of {len(held)} bars met; raw results in {RESULTS}")
    for row in missed:
        print(f"  missed: {row.what}: {_held(row) or f'{_number(row.ours)} {row.unit}'}, the bar is {row.bar}")
    for name in broken:
        print(f"  could not be measured: {name}")
    return 1 if missed or broken else 0
