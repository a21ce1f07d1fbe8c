"""How often intervals cover the truth, and how often two trainings of one learner seem to differ.

python benchmarks/coverage.py [--samples 2000]

Scores of regions are drawn from distributions whose mean is known.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from common import page, table

from handful.bench.differences import difference, signed_rank
from handful.bench.statistics import interval

SAMPLES = 2000
COUNTS = (8, 20, 50)  # regions
TRAININGS = ((1, 0.0), (2, 0.0), (2, 0.01), (3, 0.01), (3, 0.03))  # of each side, and how much they differ


def coverage(draw: Callable[[], np.ndarray], mean: float, samples: int = SAMPLES) -> float:
    """The share of samples whose interval holds the mean."""
    found = [interval(draw(), seed=sample) for sample in range(samples)]
    return float(np.mean([one.low <= mean <= one.high for one in found]))


def trainings(rng: np.random.Generator, regions: int, seeds: int, between: float) -> np.ndarray:
    """Scores (regions, seeds) of one learner: regions differ, trainings differ by `between`, and both together."""
    hard = rng.normal(0.7, 0.1, (regions, 1))
    return hard + rng.normal(0, between, (1, seeds)) + rng.normal(0, 0.03, (regions, seeds))


def false_alarms(regions: int, seeds: int, between: float, samples: int = SAMPLES) -> float:
    """How often half of a learner's trainings differ from the other half, as the bench marks it."""
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(samples):
        scores = trainings(rng, regions, 2 * seeds, between)
        ours, theirs = scores[:, :seeds], scores[:, seeds:]
        found = difference(ours, theirs)
        p = signed_rank(ours.mean(1) - theirs.mean(1))
        alarms += found.low is not None and (found.low > 0 or found.high < 0) and p is not None and p < 0.05
    return alarms / samples


def covered(samples: int) -> list[list[object]]:
    rng = np.random.default_rng(1)
    rows: list[list[object]] = []
    for count in COUNTS:
        rows.append([count, "normal", coverage(lambda n=count: rng.normal(0.7, 0.1, n), 0.7, samples)])
        rows.append([count, "Beta(8, 4)", coverage(lambda n=count: rng.beta(8, 4, n), 2 / 3, samples)])
        rows.append([count, "Beta(8, 2)", coverage(lambda n=count: rng.beta(8, 2, n), 0.8, samples)])
    return [[count, name, f"{share:.3f}"] for count, name, share in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=SAMPLES)
    samples = parser.parse_args().samples
    alarms = [
        [count, seeds, between, f"{false_alarms(count, seeds, between, samples):.3f}"]
        for count in COUNTS
        for seeds, between in TRAININGS
    ]
    intervals = table(["regions", "scores", "share of 95 % intervals that cover the mean"], covered(samples))
    head = ["regions", "trainings a side", "deviation between trainings", "seem to differ"]
    said = (
        f"Made-up scores of regions, {samples:,} repetitions each: how often a 95 % interval over regions holds the "
        "known mean; and how often two sets of trainings of one and the same learner are marked as different (the "
        "interval of the difference leaves out 0, and Wilcoxon's test stays below 5 %), where at most 0.05 should be. "
        f"The standard error of a share of 0.05 is {(0.05 * 0.95 / samples) ** 0.5:.3f}."
    )
    page("coverage", "How often intervals cover the truth", said, intervals, table(head, alarms))


if __name__ == "__main__":
    main()
