"""How fast a map is painted, beside scikit-learn's random forest on the same labels, and how soon a report is there.

python benchmarks/speed.py [--side 2000] [--report-side 1000]
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import rasterio
from common import page, run, table
from mosaic import mosaic, named
from rasterio.windows import Window
from sklearn.ensemble import RandomForestClassifier

STRIP = 250  # rows that the forest maps at a time
TIMES = 3.0  # as fast as the forest
REPORT_S = 45.0
MANY = 500  # labels a class: a forest grows deeper and slower with them


def forest(scene: Path, labels: Path) -> tuple[float, float]:
    """Seconds, and CPU seconds, in which a forest of 300 trees on two cores maps the scene from the same points."""
    points = pd.read_csv(labels)
    with rasterio.open(scene) as raster:
        seen = np.array(list(raster.sample(zip(points.x, points.y, strict=True))))
        model = RandomForestClassifier(300, n_jobs=2, random_state=0).fit(seen, points["class"])
        began, busy = time.monotonic(), time.process_time()
        for top in range(0, raster.height, STRIP):
            rows = min(STRIP, raster.height - top)
            bands = raster.read(window=Window(0, top, raster.width, rows))
            model.predict_proba(bands.reshape(len(bands), -1).T)
    return time.monotonic() - began, time.process_time() - busy


def mapped(scene: Path, words: list[str], learner: str) -> tuple[dict[str, float], float, float]:
    """Seconds of each stage, and seconds and CPU seconds of the whole command."""
    out = scene.with_name(f"out-{scene.stem}-{learner}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = run("map", scene, *words, "--learner", learner, "--quiet", "-o", out)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads((out / "run.json").read_text())["seconds"], whole, busy


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--report-side", type=int, default=1000)
    args = parser.parse_args()
    million = args.side**2 / 1e6
    with TemporaryDirectory() as folder:
        scene, words = mosaic(Path(folder), args.side)
        small, small_words = mosaic(Path(folder), args.report_side)
        ridge, _, ridge_busy = mapped(scene, words, "ridge")
        trees, trees_busy = forest(scene, Path(words[0]))
        auto, _, auto_busy = mapped(scene, words, "auto")
        _, many = mosaic(Path(folder), args.side, MANY)
        deep, deep_busy = forest(scene, Path(many[0]))
        stages, whole, _ = mapped(small, small_words, "auto")
    forest_said = "scikit-learn's random forest, 300 trees, bands only"
    rows = [
        [name, f"{took:.1f}", f"{million / took:.3f}", f"{busy / million:.1f}"]
        for name, took, busy in [
            ("handful, ridge on the shipped encoder", ridge["mapping"], ridge_busy),
            (forest_said, trees, trees_busy),
            (f"the same, {MANY} labels a class", deep, deep_busy),
            ("handful, auto", auto["mapping"], auto_busy),
        ]
    ]
    side = f"{args.side:,} x {args.side:,} x 12"
    small_side = f"{args.report_side:,} x {args.report_side:,} x 12"
    names = [name for name in auto if name != "total"]
    runs = [(f"ridge, {side}", ridge), (f"auto, {side}", auto), (f"auto, {small_side}", stages)]
    page(
        "speed",
        "Speed",
        f"One run, two cores, 20 labels a class, tiled from {named()}.",
        f"## Painting {side}\n\n" + table(["", "seconds", "megapixels a second", "CPU s a megapixel"], rows),
        "CPU seconds of handful are those of the whole command, of the forest those of its prediction alone.",
        f"Ridge is {trees / ridge['mapping']:.1f} times as fast as the forest (target: {TIMES:.0f}).",
        f"## Labels to report, {small_side}\n\n{whole:.1f} s, the whole command (target: under {REPORT_S:.0f} s).",
        "## Seconds a stage\n\n"
        + table(["", *names, "total"], [[n, *(f"{s.get(k, 0):.1f}" for k in [*names, "total"])] for n, s in runs]),
    )


if __name__ == "__main__":
    main()
