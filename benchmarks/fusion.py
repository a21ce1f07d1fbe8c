"""A real scene mapped from k labels a class: optical, radar and elevation alone and together, stacked or apart.

    python benchmarks/fusion.py [--draws 5] [--shots 5,20] [--no-auto]

Scores are kept in fusion.csv, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from common import HERE, Scores, data, page, shown, table, weights_mark
from draws import draw, figures, support
from wholescene import Made, Whole

from handful.maps.grid import Window
from handful.maps.labels import read_labels
from handful.maps.scene import Scene

PLACE = "433D_629L_3_1"
FILES = {"S2": "S2L2A.tif", "S1": "S1RTC.tif", "DEM": "DEM.tif"}
NAMES = {"S2": "optical", "S1": "radar", "DEM": "dem"}
ROWS = ("S2", "S1", "DEM", "S2+S1", "S1+S2", "S2+S1+DEM")  # the first of a row is the scene
WAYS = ("early", "late")
BEN_GE = {"S2": "77.1", "S1": "73.1", "S2+S1": "82.8"}  # F1 of ben-ge's classification, Mommert et al. 2023
Row = dict[str, str]


@dataclass(frozen=True)
class Gone:
    """A scene in which the bands of one raster beside it are missing everywhere."""

    scene: Scene
    name: str

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        values, valid = self.scene.read(window)
        start = len(self.scene.bands)
        for other in self.scene.others:
            if other.name == self.name:
                values[start : start + other.count] = np.nan
            start += other.count
        return values, valid


def opened(row: str, way: str) -> Whole:
    first, *others = row.split("+")
    place = data("scenes", PLACE)
    return Whole([place / FILES[first]], {NAMES[one]: place / FILES[one] for one in others}, way)


def scored(args: argparse.Namespace, labels: np.ndarray, kept: Scores) -> Iterator[Row]:
    """A row for each modality or mixture, way, number of shots and draw."""
    for row in ROWS:
        ways = [*WAYS, *(["auto"] if args.auto and row.startswith("S2+") else [])] if "+" in row else ["alone"]
        for way in ways:
            whole = opened(row, "auto" if way == "alone" else way)
            for shots in args.shots:
                for seed in range(args.draws):
                    yield from answers(row, way, whole, labels, kept, draw(labels, shots, seed), shots, seed)


def answers(
    row: str, way: str, whole: Whole, labels: np.ndarray, kept: Scores, chosen: np.ndarray, shots: int, seed: int
) -> Iterator[Row]:
    """The score of one map, and the same with the second modality missing where the map is made."""
    key = {"modalities": row, "way": way, "shots": shots, "draw": seed, "weights": weights_mark()}
    maps: dict[str, Made] = {}

    def made(missing: str) -> Mapping[str, float]:
        if not maps:
            maps.update(painted(row, way, whole, support(labels, chosen)))
        chances, values, _ = maps[missing]
        predicted = values[np.nan_to_num(chances, nan=-1.0).argmax(0)]
        return figures(labels, chosen, predicted, whole.metres)

    for missing in ["", *([row.split("+")[1]] if way in WAYS else [])]:
        yield kept.score(key | {"missing": missing}, lambda missing=missing: made(missing))


def painted(row: str, way: str, whole: Whole, given: np.ndarray) -> dict[str, Made]:
    """What is missing -> the map."""
    if way == "auto":
        return {"": whole.map("auto", given)[0]}
    model = whole.default(read_labels(given, whole.grid))
    found = {"": whole.painted(model, whole.scene)}
    if way in WAYS:
        second = row.split("+")[1]
        found[second] = whole.painted(model, Gone(whole.scene, NAMES[second]))
    return found


def column(rows: list[Row], row: str, way: str, shots: int, missing: bool = False) -> str:
    values = [
        float(one["all"])
        for one in rows
        if (one["modalities"], one["way"], one["shots"]) == (row, way, str(shots)) and bool(one["missing"]) == missing
    ]
    return shown(values) if values else ""


def tables(rows: list[Row], shots: list[int]) -> Iterator[str]:
    """A table for each number of labels, in the form of the ben-ge study."""
    head = ["modalities", "early", "late", "auto", "early, second missing", "late, second missing", "ben-ge, F1 in %"]
    for k in shots:
        body = []
        for row in ROWS:
            alone = column(rows, row, "alone", k)
            ways = [alone, alone] if alone else [column(rows, row, way, k) for way in WAYS]
            missing = [column(rows, row, way, k, missing=True) for way in WAYS]
            body.append([row, *ways, column(rows, row, "auto", k), *missing, BEN_GE.get(row, "")])
        yield f"## k = {k}\n\n{table(head, body)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--shots", type=lambda s: [int(k) for k in s.split(",")], default=[5, 20])
    parser.add_argument("--no-auto", dest="auto", action="store_false")
    parser.add_argument("--scores", type=Path, default=HERE / "fusion.csv", help="where scores are kept")
    args = parser.parse_args()
    place = data("scenes", PLACE)
    with rasterio.open(place / "LULC.tif") as raster:
        labels = raster.read(1).astype(np.int64)
    rows = list(scored(args, labels, Scores(args.scores)))
    said = (
        f"Balanced accuracy, mean of {args.draws} seeded draws (seeds 0 to {args.draws - 1}) of k labels a class, at "
        "most half of a class, on every labelled pixel that is not in the support; ± is half of the 95 % interval over "
        "draws of one scene, so it says nothing about other places. The labels are a coarse land-cover product. The "
        "first modality of a row is the scene, the others lie beside it (`--with`). Each map is auto's blend fused as "
        "the column says, with the default smoothing; `auto` is the whole of `handful map`. In the columns of a "
        "missing modality the model was fitted with everything, and the second modality of the row is missing in all "
        "pixels that are mapped. The last column is another task on other data, many labels and trained networks "
        "(Mommert et al. 2023, arXiv:2307.01741: classification; with climate zones 85.1): compare its order, not its "
        "numbers."
    )
    page("fusion", f"{PLACE}: optical, radar and elevation, alone and together", said, *tables(rows, args.shots))


if __name__ == "__main__":
    main()
