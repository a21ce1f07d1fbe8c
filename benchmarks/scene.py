"""A real scene, mapped from k labels a class: every learner and what people use today, on every other labelled pixel.

    python benchmarks/scene.py [SCENE.tif LABELS.tif] [--draws 5] [--learners auto,ridge] [--shots 1,5,20]

Scores are kept in scene-NAME.csv, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from common import HERE, Scores, data, page, weights_mark
from draws import draw, errors, figures, support
from rivals import answers
from tables import tables
from wholescene import Whole

from handful.learners import LEARNERS

SLOW = {"scratch": 1, "fine_tune": 1, "maml": 1, "first_order_maml": 1}  # draws of a learner that descends for minutes
RIVALS = ["random forest on bands", "3x3 and 7x7 context", "careful analyst"]
Row = dict[str, str]


def scored(args: argparse.Namespace, whole: Whole, labels: np.ndarray, kept: Scores) -> Iterator[Row]:
    """A row for each method, number of shots and draw."""
    draws = [(k, seed, draw(labels, k, seed)) for k in args.shots for seed in range(args.draws)]
    if args.rivals:
        for shots, seed, chosen in draws:
            yield from rival_rows(whole, labels, kept, shots, seed, chosen)
    for name in args.learners:
        for shots, seed, chosen in draws:
            if seed < SLOW.get(name, args.draws):
                yield learner_row(name, whole, labels, kept, shots, seed, chosen)


def learner_row(
    name: str, whole: Whole, labels: np.ndarray, kept: Scores, shots: int, seed: int, chosen: np.ndarray, site: str = ""
) -> Row:
    def make() -> dict[str, float]:
        (chances, values, temperature), seconds = whole.map(name, support(labels, chosen))
        predicted = values[np.nan_to_num(chances, nan=-1.0).argmax(0)]
        found = figures(labels, chosen, predicted, whole.metres) | {"seconds": seconds}
        return found | (errors(labels, chosen, values, chances, temperature) if name == "auto" else {})

    key = {"site": site, "method": name, "shots": shots, "draw": seed, "weights": weights_mark()}
    return kept.score(key, make)


def rival_rows(
    whole: Whole, labels: np.ndarray, kept: Scores, shots: int, seed: int, chosen: np.ndarray, site: str = ""
) -> Iterator[Row]:
    """A row for each rival in each of its configurations."""
    key = {"site": site, "shots": str(shots), "draw": str(seed), "weights": "-"}
    there = [row for row in kept.rows if key.items() <= row.items()]
    if there:
        yield from there
        return
    values, wanted = np.unique(labels.flat[chosen], return_inverse=True)
    for name, setting, predicted in answers(*whole.spectra, chosen, wanted, seed):
        found = figures(labels, chosen, values[predicted], whole.metres)
        yield kept.score(key | {"method": name, "setting": setting}, lambda found=found: found)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="a scene and its label raster (0 unlabelled)")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--shots", type=lambda s: [int(k) for k in s.split(",")], default=[1, 5, 20])
    parser.add_argument("--learners", type=lambda s: s.split(","), default=["auto", *LEARNERS])
    parser.add_argument("--no-rivals", dest="rivals", action="store_false")
    args = parser.parse_args()
    if not args.files:
        place = data("scenes", "433D_629L_3_1")
        args.files = [place / "S2L2A.tif", place / "LULC.tif"]
    return args


def main() -> None:
    args = arguments()
    *scenes, reference = args.files
    name = f"scene-{scenes[0].resolve().parent.name}"
    with rasterio.open(reference) as raster:
        labels = raster.read(1).astype(np.int64)
    whole = Whole(scenes)
    labels[~whole.scene.read(whole.scene.grid.window)[1]] = 0
    rows = list(scored(args, whole, labels, Scores(HERE / f"{name}.csv")))
    values, counts = np.unique(labels[labels > 0], return_counts=True)
    pixels = ", ".join(f"{value} ({count:,})" for value, count in zip(values, counts, strict=True))
    few = ", ".join(f"{learner} ({draws})" for learner, draws in SLOW.items() if learner in args.learners)
    said = (
        f"Balanced accuracy, mean of {args.draws} seeded draws (seeds 0 to {args.draws - 1}) of k labels a class, at "
        f"most half of a class, on every labelled pixel that is not in the support; ± is half of the 95 % interval "
        f"over draws. Fewer draws: {few or 'none'}. Classes and their pixels: {pixels}. `auto` is the whole of "
        "`handful map`; a learner by name is its map with the default smoothing. Rivals are each the "
        "best of their configurations in hindsight; all are in the CSV beside this page."
    )
    methods = [*(m for m in args.learners), *(RIVALS if args.rivals else [])]
    page(
        name,
        f"{scenes[0].resolve().parent.name}: {scenes[0].name} to {reference.name} from k labels a class",
        said,
        *tables(rows, args.shots, methods),
    )


if __name__ == "__main__":
    main()
