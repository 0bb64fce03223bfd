"""Interleaved rounds: the contenders run one after another in each, the order turns, and disturbed rounds are repeated."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .machine import Disturbance, Watch

MOST_TRIES = 3

Figures = dict[str, float]
Contenders = Mapping[str, Callable[[], Figures]]


@dataclass
class Rounds:
    """What each contender measured in each round, and what disturbed it."""

    figures: dict[str, list[Figures]] = field(default_factory=dict)
    disturbances: list[Disturbance] = field(default_factory=list)
    repeated: int = 0

    def values(self, contender: str, figure: str) -> list[float]:
        return [round_[figure] for round_ in self.figures[contender]]

    def line(self) -> str:
        """What a reader should know before believing the figures."""
        stolen = max(one.stolen for one in self.disturbances)
        others = max(one.others for one in self.disturbances)
        kept = sum(one.too_much() for one in self.disturbances)
        count = len(self.disturbances)
        text = f"{count} round{'s' if count != 1 else ''}; at most {stolen:.1f} % stolen, {others:.1f} % used by others"
        text += f"; {self.repeated} repeated" if self.repeated else ""
        return text + (f"; {kept} KEPT THOUGH DISTURBED" if kept else "")


def interleaved(contenders: Contenders, count: int) -> Rounds:
    """`count` rounds, in the orders A B C, B C A, C A B, ... so that none always runs first."""
    rounds = Rounds({name: [] for name in contenders})
    names = list(contenders)
    for number in range(count):
        turn = number % len(names)
        measured, disturbance, tries = _quietest(names[turn:] + names[:turn], contenders)
        for name, figures in measured.items():
            rounds.figures[name].append(figures)
        rounds.disturbances.append(disturbance)
        rounds.repeated += tries - 1
        if sys.stderr.isatty():
            print(f"  round {number + 1} of {count}", end="\r", file=sys.stderr, flush=True)
    return rounds


def _quietest(order: list[str], contenders: Contenders) -> tuple[dict[str, Figures], Disturbance, int]:
    """One round, tried again while too much disturbs it; the quietest try counts."""
    tries: list[tuple[Disturbance, dict[str, Figures]]] = []
    while not tries or (tries[-1][0].too_much() and len(tries) < MOST_TRIES):
        watch = Watch()
        measured = {name: contenders[name]() for name in order}
        tries.append((watch.disturbance(), measured))
    disturbance, measured = min(tries, key=lambda one: one[0].total())
    return measured, disturbance, len(tries)
