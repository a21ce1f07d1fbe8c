"""Simulated regions seen by two sensors on two dates, and what is left where one of them is missing at the prediction.

python benchmarks/fusion_simulated.py [--regions 25] [--seeds 2] [--steps 200]

Keeps its scores in build/fusion_simulated.csv, so that it goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from common import HERE, Scores, page, shown, table
from torch import Tensor

from handful.bench.evaluate import score_task
from handful.data.sampling import Sampling
from handful.learner import Learner
from handful.learners import make
from handful.meta_train import Training, meta_train
from handful.region import Region
from handful.simulate import region as simulated
from handful.task import Examples, Inputs, Task, values, with_values

SIDE, TRAIN, FIRST = 64, 60, 10_000_000  # pixels, regions to learn from, and the seed of the first one to test on
SHOTS, SPARE = (5, 20), 20
BANDS = {"optical": slice(0, 12), "radar": slice(12, 14), "second date": slice(14, 26)}  # the later radar is left out
PARTS = {name: f"bands[{of.start}:{of.stop}]" for name, of in BANDS.items()}
DROPOUT = 0.3
NET = "dense bands={} width=24 blocks=2 windows=7,15"


def early(*names: str, dropout: float = 0.0) -> tuple[str, dict[str, object]]:
    count = sum(BANDS[name].stop - BANDS[name].start for name in names)
    stack = {"modalities": tuple(PARTS[name] for name in names), "encoder": NET.format(count)}
    return "early", stack | {"dropout": dropout}


def late(attention: int = 0, dropout: float = 0.0) -> tuple[str, dict[str, object]]:
    parts = tuple(f"{PARTS[name]} {NET.format(of.stop - of.start)}" for name, of in BANDS.items())
    return "late", {"parts": parts, "attention": attention, "dropout": dropout}


WAYS = {
    **{f"{name} alone": early(name) for name in BANDS},
    "early": early(*BANDS),
    "early, dropout": early(*BANDS, dropout=DROPOUT),
    "late": late(),
    "late, dropout": late(dropout=DROPOUT),
    "late, attention": late(120),
    "late, attention, dropout": late(120, DROPOUT),
}
PAIRED = ("early", "late", "late, attention")
WHERE = {"asked": "", "everywhere": ", nor at the labels"}
Row = dict[str, str]


@cache
def school() -> list[Region]:
    return [scaled(one) for one in made(0, TRAIN) if one.can_draw(1)]


def made(first: int, count: int) -> Iterator[Region]:
    for seed in range(first, first + count):
        yield simulated(seed, size=SIDE, dates=2, radar=True)


@cache
def levels() -> tuple[Tensor, Tensor]:
    """Mean and deviation of each band (bands, 1, 1) over what is learned from: radar in dB is large beside light."""
    pixels = torch.cat([values(one.examples.inputs)[0].flatten(1) for one in made(0, TRAIN)], 1)
    return pixels.mean(1)[:, None, None], pixels.std(1)[:, None, None]


def scaled(region: Region) -> Region:
    mean, deviation = levels()
    inputs = with_values(region.examples.inputs, (values(region.examples.inputs) - mean) / deviation)
    return replace(region, examples=replace(region.examples, inputs=inputs))


@cache
def trained(way: str, seed: int, steps: int) -> Learner:
    encoder, settings = WAYS[way]
    learner = make("averaged_ridge", encoder=encoder, encoder_settings=settings, seed=seed)
    sampling = Sampling(shots=(1, 20), crop=48)
    training = Training(steps=steps, step_size=3e-3, seed=seed)
    meta_train(learner, lambda step: sampling.tasks(school(), training.tasks_per_step, seed, step), training)
    return learner


@torch.no_grad()
def measured(learner: Learner, region: Region) -> dict[str, float]:
    """Balanced accuracy at each number of labels, with all that there is and with each modality missing."""
    inputs, names = region.examples.inputs, [name for name in BANDS if PARTS[name] in str(learner.encoder_settings)]
    seen = {name: {"features": learner.net.encode(without(inputs, name))} for name in ("", *names)}
    found = {}
    for shots in SHOTS:
        task = region.task(shots, shots, spare=SPARE)
        for name in [""] if len(names) == 1 else seen:
            for where in WHERE if name else [""]:
                support = seen["" if where == "asked" else name]
                judged = Task(with_inputs(task.support, support), with_inputs(task.query, seen[name]), task.name)
                found[" ".join([str(shots), where, name]).strip()] = score_task(learner, judged)
    return found


def without(inputs: Inputs, name: str) -> Inputs:
    bands = values(inputs).clone()
    if name:
        bands[:, BANDS[name]] = torch.nan
    return with_values(inputs, bands)


def with_inputs(examples: Examples, features: dict[str, Tensor]) -> Examples:
    return Examples(features, examples.targets, examples.problem)


def scored(args: argparse.Namespace, kept: Scores) -> list[Row]:
    test = [scaled(one) for one in made(FIRST, args.regions) if one.can_draw(max(SHOTS), SPARE)]
    rows = []
    for way in WAYS:
        for seed in range(args.seeds):
            for region in test:
                key = {"way": way, "seed": seed, "steps": args.steps, "region": region.name}
                rows.append(kept.score(key, lambda: measured(trained(way, seed, args.steps), region)))  # noqa: B023
    return rows


def by_region(rows: Sequence[Row], way: str, figure: str) -> np.ndarray:
    """A value a region, the mean of the trainings; empty where it wasn't measured."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["way"] == way and row.get(figure):
            found.setdefault(row["region"], []).append(float(row[figure]))
    return np.array([np.mean(values) for _, values in sorted(found.items())])


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """One table: a row for each number of labels and way, and what dropout adds."""
    body = []
    for k in map(str, SHOTS):
        missing = [f"{k} {where} {name}" for where in WHERE for name in BANDS]
        for way in WAYS:
            body.append([k, way, *(shown(by_region(rows, way, figure)) for figure in (k, *missing))])
        for way in PAIRED:
            changes = [
                by_region(rows, f"{way}, dropout", figure) - by_region(rows, way, figure) for figure in (k, *missing)
            ]
            body.append([k, f"{way}: what dropout adds", *(shown(change, "+") for change in changes)])
    head = [f"without {name}{said}" for said in WHERE.values() for name in BANDS]
    yield table(["k", "", "all there", *head], body)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--regions", type=int, default=25)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=200)
    args = parser.parse_args()
    torch.set_num_threads(1)
    kept = Scores(HERE.parent / "build" / "fusion_simulated.csv")
    kept.path.parent.mkdir(exist_ok=True)
    rows = scored(args, kept)
    count = len({row["region"] for row in rows})
    said = (
        f"Sentinel-2 (12 bands), radar (VV, VH) and Sentinel-2 of a second date over {count} simulated regions of "
        f"{SIDE} x {SIDE} pixels that no training saw, of 3 to 9 classes (sometimes 2). Averaged ridge on a small "
        f"dense net (one for each modality in late fusion), meta-trained for {args.steps} short steps on {TRAIN} "
        f"other simulated regions, {args.seeds} trainings; bands are brought to mean 0 and deviation 1 of these. "
        "Balanced accuracy on all labelled pixels that are not in the support, mean over trainings, then over "
        "regions; ± is half of the 95 % interval over regions, and that of what dropout adds is paired. In columns "
        "`without` a modality is missing in all that is asked, while the labels that the ridge is fitted to have it; "
        "with `nor at the labels` the ridge is fitted without it, the net being the same. Dropout leaves a modality "
        f"out by a chance of {DROPOUT} while training, in support and query alike. The world is simulated: how much "
        "radar is worth here says nothing about a real place."
    )
    title = "Simulated regions: optical, radar and a second date, one of them missing"
    page("fusion_simulated", title, said, *tables(rows))


if __name__ == "__main__":
    main()
