"""Three learners on the same labels of the same simulated regions.

python examples/compare_learners.py [REGIONS]
"""

import sys

from handful import make
from handful.bench.evaluate import score_region
from handful.bench.statistics import interval, region_means
from handful.maps.weights import pretrained
from handful.simulate import region

LEARNERS = {
    "random forest on bands": make("random_forest", encoder="plain"),
    "protonet, shipped net": pretrained("protonet", outputs=9),
    "ridge, shipped net": pretrained("ridge", outputs=9),
}
SHOTS, DRAWS = (1, 5), range(2)


def main(count=5):
    regions = [region(seed, size=64) for seed in range(count)]  # the shipped weights saw seeds from 900,000 on
    print(f"balanced accuracy over {count} simulated regions".ljust(44), *(f"k = {k}".rjust(18) for k in SHOTS))
    for name, learner in LEARNERS.items():
        rows = [row for land in regions for row in score_region(learner, land, SHOTS, DRAWS)]
        print(name.ljust(44), *(told([row for row in rows if row.shots == k]).rjust(18) for k in SHOTS))


def told(rows):
    """The mean over draws, then over regions, and its 95 % interval over regions."""
    means = region_means([row.site for row in rows], [row.balanced_accuracy for row in rows])
    found = interval(list(means.values()))
    return f"{found.mean:.2f}" + ("" if found.low is None else f" ({found.low:.2f}-{found.high:.2f})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
