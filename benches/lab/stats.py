"""Medians, and how far to trust them: a seeded percentile bootstrap."""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 10_000
SEED = 20


@dataclass
class Estimate:
    """A median over rounds with its 95 % bootstrap interval."""

    median: float
    low: float
    high: float


def estimate(values: Sequence[float]) -> Estimate:
    if not values:
        raise ValueError("no rounds were measured")
    source = random.Random(SEED)
    medians = sorted(statistics.median(source.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return Estimate(statistics.median(values), medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975) - 1])
