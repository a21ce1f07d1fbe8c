"""How often intervals cover the truth, and how often two trainings of one learner seem to differ.

    python benchmarks/coverage.py

Scores of regions are drawn from distributions whose mean is known; 2,000 samples each.
"""

from __future__ import annotations

import numpy as np

from handful.bench.differences import difference, signed_rank
from handful.bench.statistics import interval

SAMPLES = 2000


def coverage(draw, mean: float, samples: int = SAMPLES) -> float:
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


def main() -> None:
    rng = np.random.default_rng(1)
    print("regions  scores       interval covers")
    for count in (8, 20, 50):
        print(f"{count:>7}  normal       {coverage(lambda n=count: rng.normal(0.7, 0.1, n), 0.7):.3f}", flush=True)
        print(f"{count:>7}  Beta(8, 4)   {coverage(lambda n=count: rng.beta(8, 4, n), 2 / 3):.3f}", flush=True)
        print(f"{count:>7}  Beta(8, 2)   {coverage(lambda n=count: rng.beta(8, 2, n), 0.8):.3f}", flush=True)
    print("regions  trainings  deviation between them  seem to differ")
    for count in (8, 20, 50):
        for seeds, between in ((1, 0.0), (2, 0.0), (2, 0.01), (3, 0.01), (3, 0.03)):
            alarms = false_alarms(count, seeds, between)
            print(f"{count:>7}  {seeds:>9}  {between:>22}  {alarms:.3f}", flush=True)


if __name__ == "__main__":
    main()
