"""Interleaved rounds: the contenders run one after another in each round, the order turns, and stolen rounds are repeated."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .machine import Steal

MOST_STEAL = 3.0
MOST_TRIES = 3

Figures = dict[str, float]


@dataclass
class Rounds:
    """What each contender measured in each round, and how much CPU time was stolen meanwhile."""

    figures: dict[str, list[Figures]] = field(default_factory=dict)
    steal: list[float] = field(default_factory=list)
    repeated: int = 0

    def values(self, contender: str, figure: str) -> list[float]:
        return [round_[figure] for round_ in self.figures[contender]]

    def stolen(self) -> int:
        """Rounds that were kept although too much was stolen in every try."""
        return sum(steal > MOST_STEAL for steal in self.steal)


def interleaved(contenders: Mapping[str, Callable[[], Figures]], count: int) -> Rounds:
    """`count` rounds, in the orders A B C, B C A, C A B, ... so that none always runs first."""
    rounds = Rounds({name: [] for name in contenders})
    names = list(contenders)
    for number in range(count):
        turn = number % len(names)
        order = names[turn:] + names[:turn]
        best, steal = _quietest(order, contenders, rounds)
        for name, measured in best.items():
            rounds.figures[name].append(measured)
        rounds.steal.append(steal)
        if sys.stderr.isatty():
            print(f"  round {number + 1} of {count}", end="\r", file=sys.stderr, flush=True)
    return rounds


def _quietest(
    order: list[str], contenders: Mapping[str, Callable[[], Figures]], rounds: Rounds
) -> tuple[dict[str, Figures], float]:
    """One round, tried again while too much is stolen; the least disturbed try counts."""
    tries: list[tuple[float, dict[str, Figures]]] = []
    while not tries or (tries[-1][0] > MOST_STEAL and len(tries) < MOST_TRIES):
        steal = Steal()
        measured = {name: contenders[name]() for name in order}
        tries.append((steal.percent(), measured))
    rounds.repeated += len(tries) - 1
    steal_percent, measured = min(tries, key=lambda one: one[0])
    return measured, steal_percent
