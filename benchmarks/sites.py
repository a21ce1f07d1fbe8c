"""Forest damage from k labels a class: sites of whole groups, both years stacked, mapped by `handful map`'s way.

    python benchmarks/sites.py [--groups 0,2] [--draws 1] [--learners auto,ridge] [--shots 1,5,20]

Checkpoints that were meta-trained on other sites are scored by `handful evaluate`. Scores are kept in sites.csv, so
that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from common import HERE, Scores, data, page
from draws import draw
from scene import RIVALS, SLOW, Row, learner_row, rival_rows
from tables import tables
from wholescene import Whole

from handful.learners import LEARNERS

HEALTHY, DAMAGED = 1, 2  # values of the label raster
SPARE = 20  # labelled pixels that each class must have beyond its k
MOST_SLOW = 10  # sites of a learner that descends for minutes


def reference(root: Path, site: str) -> np.ndarray:
    """The label raster of a site: damaged, healthy forest, 0 unlabelled."""
    layers = []
    for folder in ("damage", "forest2022"):
        with rasterio.open(root / folder / f"{site}.tif") as raster:
            layers.append(raster.read(1))
    damage, forest = layers
    return np.where(damage == 1, DAMAGED, np.where(forest > 0, HEALTHY, 0)).astype(np.int64)


def site_names(root: Path, groups: list[str]) -> list[str]:
    with open(root / "sites.csv", newline="", encoding="utf-8") as file:
        return sorted(row["id"] for row in csv.DictReader(file) if row["region12"] in groups)


def scored(args: argparse.Namespace, root: Path, site: str, place: int, kept: Scores) -> Iterator[Row]:
    """A row for each method, number of shots and draw at one site."""
    whole = Whole([root / "s2_2019" / f"{site}.tif", root / "s2_2020" / f"{site}.tif"])
    labels = reference(root, site)
    labels[~whole.scene.read(whole.scene.grid.window)[1]] = 0
    fewest = min(int((labels == value).sum()) for value in (HEALTHY, DAMAGED))
    for shots in args.shots:
        for seed in range(args.draws if fewest >= shots + SPARE else 0):
            chosen = draw(labels, shots, seed)
            if args.rivals:
                yield from rival_rows(whole, labels, kept, shots, seed, chosen, site)
            for name in args.learners:
                if name not in SLOW or place < MOST_SLOW:
                    yield learner_row(name, whole, labels, kept, shots, seed, chosen, site)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--groups", type=lambda s: s.split(","), default=["0", "2"])
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--sites", type=int, default=1000, help="the first so many")
    parser.add_argument("--shots", type=lambda s: [int(k) for k in s.split(",")], default=[1, 5, 20])
    parser.add_argument("--learners", type=lambda s: s.split(","), default=["auto", *LEARNERS])
    parser.add_argument("--no-rivals", dest="rivals", action="store_false")
    args, root = parser.parse_args(), data("forest-damage")
    names, kept = site_names(root, args.groups)[: args.sites], Scores(HERE / "sites.csv")
    rows: list[Row] = []
    for place, site in enumerate(names):
        rows += scored(args, root, site, place, kept)
    counted = [len({row["site"] for row in rows if row["shots"] == str(k)}) for k in args.shots]
    counts = ", ".join(f"{count} at k = {k}" for k, count in zip(args.shots, counted, strict=True))
    said = (
        f"Balanced accuracy on every labelled pixel that is not in the support, mean over sites of the groups "
        f"{' and '.join(args.groups)} of region12 ({counts}; a site counts where each class has k + {SPARE} labelled "
        f"pixels), {args.draws} seeded draw{'s' if args.draws > 1 else ''} a site (from seed 0); ± is half of the 95 % "
        f"interval over sites. The shipped weights know nothing of these sites. {' and '.join(SLOW)} on the first "
        f"{MOST_SLOW} sites. Rivals are each the best of their configurations in hindsight."
    )
    methods = [*args.learners, *(RIVALS if args.rivals else [])]
    page("sites", "Forest damage on two years, from k labels a class", said, *tables(rows, args.shots, methods))


if __name__ == "__main__":
    main()
