"""Another region, another satellite: what alignment to the new place's unlabelled pixels is worth, in labels.

python benchmarks/domains.py [crop-mask-africa | forest-damage | sensors]

Keeps its scores in build/domains.csv, so that it goes on where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
import torch
from common import HERE, Scores, data, page, shown, table

from handful.bench.scores import class_scores
from handful.data import find_data
from handful.encoders import make_encoder
from handful.learners import make
from handful.problem import Classes
from handful.region import draw
from handful.simulate.regions import region as simulated
from handful.solvers import rows as as_rows
from handful.solvers.align import Moments, frechet
from handful.task import Examples

MOST = 2000  # rows of a place
SHOTS, DRAWS = (1, 5, 20), 3
GROUPS, SITES = ("0", "2", "3", "4"), 4  # of forest-damage, 100 to 240 km apart; sites of each
BANDS = {
    "sentinel-2": ("B02", "B03", "B04", "B8A", "B11", "B12"),
    "landsat-8-9": ("B2", "B3", "B4", "B5", "B6", "B7"),
    "landsat-5-7": ("B1", "B2", "B3", "B4", "B5", "B7"),
}
LANDS = range(8)  # seeds of simulated regions
LINEAR = {"weight": 0, "estimator": "logistic"}
WITHOUT = {  # no label of the new place
    "as it is": ("pooled", LINEAR),
    "statistics": ("align_statistics", LINEAR),
    "CORAL": ("coral", LINEAR),
    "DANN": ("dann", {"weight": 0}),
}
WITH = {  # so many labels a class of the new place
    "its labels alone": ("logistic", {}),
    "its labels beside the other place's": ("pooled", {"estimator": "logistic"}),
}
INTRODUCTION = """\
A linear model (DANN: a small net) learns from the labels of one place and answers in another, for every pair of places.
*as it is*: no more than that. *statistics*, *CORAL*, *DANN*: it also sees the other place's pixels, without labels.
Below them stands what labels of the other place do instead. Means over pairs, first over those of one target; the
interval is over targets. Settings are the defaults: nothing was chosen by these scores. *distance*: Fréchet distance of
the two places, in deviations of the first a feature."""


@dataclass(frozen=True)
class Pair:
    """A place with labels and another that is asked about; both as tables of features."""

    source: str
    target: str
    examples: tuple[Examples, Examples]


def main() -> None:
    kept = Scores(HERE.parent / "build" / "domains.csv")
    kept.path.parent.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or list(PAIRS)
    parts = [part for name in wanted for part in report(name, *PAIRS[name], kept)]
    page("-".join(["domains", *sys.argv[1:]]), "Another place", INTRODUCTION, *parts)


def report(name: str, title: str, score: str, pairs: Callable[[], Iterator[Pair]], kept: Scores) -> Iterator[str]:
    rows = [row for pair in pairs() for row in rows_of(name, score, pair, kept)]
    targets = sorted({unit(row) for row in rows})
    means = {k: by_target(rows, k, targets) for k in dict.fromkeys((row["method"], row["shots"]) for row in rows)}
    plain = means["as it is", "0"]
    body = [
        [method, shots, shown(values), "" if method == "as it is" else shown(values - plain, "+")]
        for (method, shots), values in means.items()
    ]
    away = [float(row["distance"]) for row in rows if row["method"] == "as it is"]
    yield f"## {title}"
    span = f"{np.median(away):.2f} ({min(away):.2f} to {max(away):.2f})"
    yield f"{len(away)} pairs, {len(targets)} targets; distance {span}."
    yield table(["learner", "labels a class", score, "more than as it is"], body)
    yield worth(means)


def unit(row: Mapping[str, str]) -> str:
    """What counts as one: a target, or a simulated land whatever satellite sees it."""
    return row["target"].partition(",")[0]


def by_target(rows: Sequence[Mapping[str, str]], key: tuple[str, str], targets: Sequence[str]) -> np.ndarray:
    found = [row for row in rows if (row["method"], row["shots"]) == key]
    return np.array([np.mean([float(r["score"]) for r in found if unit(r) == target]) for target in targets])


def worth(means: Mapping[tuple[str, str], np.ndarray]) -> str:
    """Alignment in labels: where the curve of labels beside the other place's rows passes the aligned score."""
    curve = [means["as it is", "0"].mean(), *(means[list(WITH)[1], str(k)].mean() for k in SHOTS)]
    counts, told = np.log1p([0, *SHOTS]), []
    for method in [name for name in WITHOUT if name != "as it is"]:
        value, rising = means[method, "0"].mean(), np.maximum.accumulate(curve)
        labels = np.expm1(np.interp(value, rising, counts)) if rising[-1] > rising[0] else 0.0
        many = f"more than {SHOTS[-1]}" if value > rising[-1] else f"about {labels:.1f}"
        told.append(f"{method}: {'none' if value <= curve[0] else many}")
    return f"Worth in labels a class, beside the other place's: {'; '.join(told)}."


def rows_of(name: str, score: str, pair: Pair, kept: Scores) -> Iterator[dict[str, str]]:
    key = {"data": name, "source": pair.source, "target": pair.target}
    for method, (learner, settings) in WITHOUT.items():
        done = lambda: measured(pair, score, learner, settings, 0)  # noqa: B023, E731
        yield kept.score(key | {"method": method, "shots": 0}, done)
    for method, (learner, settings) in WITH.items():
        for shots in SHOTS:
            done = lambda: measured(pair, score, learner, settings, shots)  # noqa: B023, E731
            yield kept.score(key | {"method": method, "shots": shots}, done)


def measured(pair: Pair, score: str, name: str, settings: Mapping[str, object], shots: int) -> dict[str, float]:
    """The mean over draws; the query is the same with and without labels: all that the largest support leaves."""
    source, target = pair.examples
    learner = make(name, encoder="plain", **settings)
    if name != "logistic":
        learner = learner.gather([source])
    found = []
    for number in range(DRAWS if shots else 1):
        some, rest = split(target, max(shots, 1), number)
        said = learner.adapt(some).outputs(rest.inputs).mean.detach().double().numpy()
        found.append(class_scores(rest.targets.numpy(), said)[score])
    away = [Moments.of(as_rows(examples.inputs)) for examples in pair.examples]
    return {"score": float(np.mean(found)), "distance": frechet(*away)}


def split(examples: Examples, shots: int, number: int) -> tuple[Examples, Examples]:
    """So many rows a class, and the rest; supports are nested."""
    rng = np.random.default_rng(number)
    kept = draw(examples, max(SHOTS), rng)
    order, few = rng.permutation(len(examples)), torch.zeros(len(examples), dtype=torch.bool)
    for c in examples.targets.unique():
        own = [row for row in order if kept[row] and examples.targets[row] == c]
        few[torch.tensor(own[:shots])] = True
    return examples.part(few), examples.part(~kept)


def thinned(examples: Examples, seed: int = 0) -> Examples:
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(examples)))
    return examples.part(order[:MOST])


def crops() -> Iterator[Pair]:
    crop = find_data("crop-mask-africa")
    root = data("crop-mask-africa")
    yield from pairs_of({r.name: thinned(r.examples) for r in crop.regions(root, crop.sites(root), {})})


def forests() -> Iterator[Pair]:
    forest, root = find_data("forest-damage"), data("forest-damage")
    groups, places = forest.groups(root), {}
    encoder = make_encoder("context", {"windows": (7,)})
    for group in GROUPS:
        regions = [forest.read(root, site, group) for site in sorted(s for s, g in groups.items() if g == group)]
        usable = [region.examples for region in regions if region.can_draw(max(SHOTS), 20)][:SITES]
        places[f"group {group}"] = thinned(joined([features(encoder, examples) for examples in usable]))
    yield from pairs_of(places)


@torch.no_grad()
def features(encoder: Callable[[object], torch.Tensor], examples: Examples) -> Examples:
    """The labelled pixels of a site as a table, as many of each class."""
    targets = examples.targets.flatten()
    some = draw(examples, MOST // (2 * SITES), np.random.default_rng(0)).flatten()
    return Examples(as_rows(encoder(examples.inputs))[some], targets[some], examples.problem)


def joined(parts: Sequence[Examples]) -> Examples:
    found = parts[0]
    for more in parts[1:]:
        found = found + more
    return found


def pairs_of(places: Mapping[str, Examples]) -> Iterator[Pair]:
    for source, target in permutations(places, 2):
        yield Pair(source, target, (places[source], places[target]))


@cache
def seen_by(sensor: str, seed: int) -> Examples:
    """Pixels of a simulated land as a table of the six bands that the sensors share, more or less."""
    found = simulated(seed, size=96, sensor=sensor)
    columns = [found.bands.index(band) for band in BANDS[sensor]]
    bands: torch.Tensor = found.examples.inputs["bands"]  # type: ignore[index, call-overload]
    table, targets = as_rows(bands[:, columns]), found.examples.targets.flatten()
    return thinned(Examples(table, targets, found.examples.problem).part(targets >= 0), seed)


def sensors() -> Iterator[Pair]:
    """One land seen by two satellites, each in its own light."""
    for seed in LANDS:
        for one, other in permutations(BANDS, 2):
            both = seen_by(one, seed), seen_by(other, seed)
            names = {e.problem.means for e in both}
            if len(names) == 1 and all(int(e.counts().min()) > max(SHOTS) for e in both):
                assert isinstance(both[0].problem, Classes)
                yield Pair(f"land {seed}, {one}", f"land {seed}, {other}", both)


PAIRS: dict[str, tuple[str, str, Callable[[], Iterator[Pair]]]] = {
    "crop-mask-africa": ("Crop or not, from one African region to another", "auc", crops),
    "forest-damage": ("Damaged forest, between four groups of Czech sites", "balanced_accuracy", forests),
    "sensors": ("Simulated land, from one satellite to another", "balanced_accuracy", sensors),
}


if __name__ == "__main__":
    main()
