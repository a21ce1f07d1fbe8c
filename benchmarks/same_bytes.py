"""The same bytes of a map for any window and any number of workers.

python benchmarks/same_bytes.py [--side 1200] [--learners ridge,auto]
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from common import page, run, table
from mosaic import mosaic, named

from handful.files import checksum

FILES = ("map.tif", "confidence.tif", "trust.tif", "probabilities.tif")
WINDOWS, WORKERS = (512, 1024, 2048), (1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=1200)
    parser.add_argument("--learners", type=lambda s: s.split(","), default=["ridge", "auto"])
    args = parser.parse_args()
    rows, same = [], []
    with TemporaryDirectory() as folder:
        scene, words = mosaic(Path(folder), args.side)
        for learner in args.learners:
            seen = set()
            for window, workers in product(WINDOWS, WORKERS):
                out = Path(folder) / f"{learner}-{window}-{workers}"
                settings = ["--window", window, "--workers", workers, "--learner", learner, "--probabilities"]
                run("map", scene, *words, *settings, "--quiet", "-o", out)
                sums = [checksum(out / name).split(":")[-1][:10] for name in FILES]
                seen.add(tuple(sums))
                rows.append([learner, window, workers, *sums])
            same.append(f"{learner}: {'equal' if len(seen) == 1 else 'NOT EQUAL'}")
    said = f"{args.side} x {args.side} pixels tiled from {named()}, 20 labels a class, seed 0. {'; '.join(same)}."
    head = ["learner", "window", "workers", *FILES]
    page("same_bytes", "The same bytes for any window and worker count", said, table(head, rows))


if __name__ == "__main__":
    main()
