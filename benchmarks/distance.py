"""When the new region differs: what learning elsewhere is worth, by how far the region lies from what was trained on.

python benchmarks/distance.py

Runs the protocols bench-far-NAME.toml, or takes what build/bench-far-NAME holds. The distance is that of Fréchet
between normal distributions (Dowson and Landau 1982) of the inputs, each on the scale of the train regions.
"""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from bench import BUILD, FOLDERS, roots, title
from common import HERE, data, handful, page, table
from scipy.linalg import sqrtm
from scipy.stats import spearmanr

from handful.data import find_data
from handful.files import write_bytes
from handful.region import Region
from handful.solvers import rows
from handful.task import values

NAMES = ("forest-damage", "crop-mask-africa")
NOTHING = "random start"
MOST = 2000  # rows of a region
INTRODUCTION = """\
How far a region lies: the Fréchet distance between its inputs and those of all train regions, in deviations of the
train regions. *Random start* learns from the region's labels alone; every other learner is shown less it. Region by
region, the mean over draws, sites and trainings. The last column is Spearman's correlation of that difference with the
distance: below 0 where learning elsewhere is worth less the farther one goes. With so few regions it is a hint."""


def main() -> None:
    page("distance", "When the new region differs", INTRODUCTION, *(part for name in NAMES for part in parts(name)))


def parts(name: str) -> Iterator[str]:
    out = BUILD / f"bench-far-{name}"
    protocol = HERE / f"{out.name}.toml"
    if not (out / "bench.json").exists():
        subprocess.run(handful("bench", protocol, *roots(protocol), "-o", out, "--workers", 1), check=True)
    scores, score = kept(out)
    far = distances(name, out, scores)
    yield f"## {title(protocol)}"
    for shots in sorted(scores["shots"].unique()):
        some = scores[scores["shots"] == shots]
        means = some.pivot_table(index="unit", columns="learner", values=score, aggfunc="mean", sort=False)
        yield shown(means, far, score, int(shots))
        picture = HERE / f"distance-{name}-{shots}.png"
        write_bytes(picture, chart(means.sub(means[NOTHING], axis=0).drop(columns=NOTHING), far, score))
        yield f"![{score} less {NOTHING}, by distance]({picture.name})"


def kept(out: Path) -> tuple[pd.DataFrame, str]:
    record = json.loads((out / "bench.json").read_text("utf-8"))
    texts = {name: str for name in ("learner", "split", "unit", "task")}
    scores = pd.read_csv(out / "scores.csv", dtype=texts, keep_default_na=False)  # the only split may have no name
    return scores.assign(**{record["score"]: pd.to_numeric(scores[record["score"]])}), record["score"]


def distances(name: str, out: Path, scores: pd.DataFrame) -> dict[str, float]:
    """Of each unit that was tested, from the train regions of the split that tested it."""
    tested = find_data(name)
    root = data(FOLDERS.get(name, name))
    groups = tested.sites(root)
    folds = json.loads((out / "tasks.json").read_text("utf-8"))["folds"]
    known = {site: features(tested.read(root, site, group)) for site, group in groups.items()}
    found: dict[str, float] = {}
    for unit, some in scores.groupby("unit", sort=False):
        fold = next(part for part in folds if part["name"] == some["split"].iloc[0])
        train = np.concatenate([known[site] for site in fold["train"]])
        mean, deviation = train.mean(0), train.std(0) + 1e-9
        here = np.concatenate([known[site] for site in set(some["task"])])
        found[str(unit)] = frechet((here - mean) / deviation, (train - mean) / deviation)
    return found


def features(region: Region) -> np.ndarray:
    """Some rows of a region, labelled or not."""
    table = rows(values(region.examples.inputs)).double().numpy()
    return table[np.random.default_rng(0).permutation(len(table))[:MOST]]


def frechet(one: np.ndarray, other: np.ndarray) -> float:
    """Square root of |m - m'|² + tr(C + C' - 2 (C C')^½)."""
    a, b = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    both = np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    return float(np.sqrt(max(np.sum((one.mean(0) - other.mean(0)) ** 2) + both, 0)))


def chart(gains: pd.DataFrame, far: dict[str, float], score: str) -> bytes:
    """A PNG: a line a learner over the regions from near to far."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axhline(0, color="#23211d", linewidth=1)
    order = sorted(gains.index, key=far.__getitem__)
    for learner, dash in zip(gains.columns, ("-", "--", "-.", ":") * 3, strict=False):
        axes.plot([far[u] for u in order], gains.loc[order, learner], dash, marker="o", markersize=4, label=learner)
    axes.set_xlabel("distance of the region from the train regions (Fréchet)")
    axes.set_ylabel(f"{score} less {NOTHING}")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def shown(means: pd.DataFrame, far: dict[str, float], score: str, shots: int) -> str:
    """Regions from near to far as columns: their distance, what a random start has, what the others add to it."""
    order = sorted(means.index, key=far.__getitem__)
    means = means.loc[order]
    body = [["distance", *(f"{far[unit]:.1f}" for unit in order), ""]]
    body.append([f"{NOTHING}: {score}", *(f"{value:.3f}" for value in means[NOTHING]), ""])
    for learner in [name for name in means.columns if name != NOTHING]:
        gain = means[learner] - means[NOTHING]
        rank = spearmanr([far[unit] for unit in order], gain).statistic
        body.append([learner, *(f"{value:+.3f}" for value in gain), f"{rank:+.2f}"])
    return f"### {shots} labels a class\n\n{table([f'{len(order)} regions', *order, 'with distance'], body)}"


if __name__ == "__main__":
    main()
