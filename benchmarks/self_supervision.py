"""Few labels, many images: the same net trained on a share of the labels, from random weights and from learned ones.

python benchmarks/self_supervision.py [--seeds 2] [--steps 800] [--shares 1,5,10,50,100]

Scheibenreif et al. 2022 (doi:10.5194/isprs-annals-V-3-2022-705-2022) report that a net pretrained without labels and
tuned on 10 % of them beats one trained from scratch on all. Here: UC Merced, 80 images of a class to learn from and 20
to test on; pretraining sees the images of the former, without labels, and nothing else. `labels of AID` is another
start: the same net trained on the labels of other aerial scenes. Each start is tuned with the same steps, and random
weights with several times as many too, since a net from scratch needs longer. Settings were chosen on images that are
learned from, some of them held back. Scores are kept in self_supervision.csv: a run that broke off goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import HERE, Scores, data, page, table

from handful.data import find_data
from handful.encoders.resnet import resized
from handful.learner import Learner
from handful.learners import make
from handful.meta_train import Training, meta_train
from handful.problem import Classes
from handful.task import Examples, Task, each, stacked

NET = {"encoder": "conv4", "encoder_settings": {"bands": 3, "width": 64, "centred": True, "bfloat16": True}}
TRAIN = 80  # images of a class; the rest is tested on
TUNED = {"whole net": "", "last layer": "head."}
RANDOM, AID = "random weights", "labels of AID"
LONG = 4  # times as many steps


@dataclass(frozen=True)
class Way:
    """A way to learn the encoder: the learner and its settings, images a step, and steps beside those of simclr."""

    name: str
    batch: int
    part: float = 1.0
    settings: dict[str, Any] = field(default_factory=dict)


WAYS = {
    "simclr": Way("simclr", 128, 1.0, {"share": 0.5}),
    AID: Way("fine_tune", 64, 0.5, {"outputs": 30}),
    "dual_simclr, red beside green and blue": Way("dual_simclr", 64, 0.5, {"first": 1}),
    "simmim": Way("simmim", 64, 1.0, {"square": 8}),
}


@cache
def images(name: str, side: int, learned: int, seed: int) -> tuple[Examples, Examples]:
    """All classes of a set, brought to a side: `learned` images of each to learn from, and those to test on."""
    root = data("scene-classes")
    found = find_data(name).at(root)
    groups = found.groups(root)
    regions = found.regions(root, list(groups), groups)
    rng, problem = np.random.default_rng(seed), Classes(tuple(region.name for region in regions))
    orders = [torch.from_numpy(rng.permutation(len(region.examples))) for region in regions]
    parts = []
    for some in (slice(learned), slice(learned, None)):
        inputs = [each(r.examples.inputs, lambda t, o=o[some]: t[o]) for r, o in zip(regions, orders, strict=True)]
        targets = [torch.full((len(order[some]),), number) for number, order in enumerate(orders)]
        whole = Examples(stacked(inputs), torch.cat(targets), problem)
        parts.append(replace(whole, inputs=each(whole.inputs, lambda t: resized(t, side))))
    return parts[0], parts[1]


@cache
def learned(start: str, steps: int, side: int, seed: int) -> Learner:
    """What a way has learned; where it looks at no label, from the images of UC Merced that are learned from."""
    way = WAYS[start]
    known, _ = images("aid", side, 110, seed) if start == AID else images("ucmerced", side, TRAIN, seed)
    learner = make(way.name, seed=seed, **way.settings, **NET)

    def batch(step: int) -> list[Task]:
        chosen = torch.from_numpy(np.random.default_rng([seed, step]).choice(len(known), way.batch, replace=False))
        part = known.part(chosen)
        return [Task(part, part)]

    meta_train(learner, batch, Training(steps=round(way.part * steps), step_size=3e-3, seed=seed))
    return learner


def share_of(known: Examples, percent: int, seed: int) -> Examples:
    """So many of the labels of each class, one at least; a smaller share is a part of a larger one."""
    rng, chosen = np.random.default_rng(seed), []
    for number in range(known.problem.outputs):
        places = np.flatnonzero(known.targets.numpy() == number)
        chosen.append(rng.permutation(places)[: max(1, round(len(places) * percent / 100))])
    return known.part(torch.from_numpy(np.concatenate(chosen)))


def accuracy(start: Learner | None, support: Examples, asked: Examples, moves: str, tuning: int, seed: int) -> float:
    told = {"steps": tuning, "step_size": 3e-3, "batch": 32, "moves": moves, "outputs": support.problem.outputs}
    learner = make("fine_tune", seed=seed, **told, **NET)
    if start is not None:
        learner.take_encoder(start.net.encoder)
    return float((learner.adapt(support).predict(asked.inputs) == asked.targets).float().mean())


def rows(args: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """A start, what is tuned, and how many steps."""
    yield RANDOM, "whole net", LONG * args.tuning
    for start in (RANDOM, *WAYS):
        for words in TUNED:
            yield start, words, args.tuning


def score(start: str, words: str, tuning: int, share: int, args: argparse.Namespace, seed: int) -> float:
    known, asked = images("ucmerced", args.side, TRAIN, seed)
    made = None if start == RANDOM else learned(start, args.steps, args.side, seed)
    found = accuracy(made, share_of(known, share, seed), asked, TUNED[words], tuning, seed)
    print(seed, start, words, tuning, share, f"{found:.3f}", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=800, help="of pretraining")
    parser.add_argument("--tuning", type=int, default=300, help="steps on the labels")
    parser.add_argument("--shares", default="1,5,10,50,100", help="percent of the labels")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--side", type=int, default=48, help="pixels that images are averaged to")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    data("scene-classes")
    shares, kept = [int(share) for share in args.shares.split(",")], Scores(HERE / f"{Path(__file__).stem}.csv")
    found: dict[tuple[str, str, int], dict[int, list[float]]] = {}
    for seed in range(args.seeds):
        for row in rows(args):
            for share in shares if row[2] == args.tuning else shares[-1:]:
                key = {"start": row[0], "tuned": row[1], "tuning": row[2], "share": share, "seed": seed}
                key |= {"steps": args.steps, "side": args.side}
                told = kept.score(key, given(*row, share, args, seed))
                found.setdefault(row, {}).setdefault(share, []).append(float(told["accuracy"]))
    written(args, shares, found)


def given(*what: Any) -> Callable[[], dict[str, float]]:
    return lambda: {"accuracy": score(*what)}


def written(
    args: argparse.Namespace, shares: Sequence[int], found: dict[tuple[str, str, int], dict[int, list[float]]]
) -> None:
    head = ["start", "tuned", "steps", *(f"{share} %" for share in shares)]
    lines = [[*row, *(f"{np.mean(told[s]):.3f}" if s in told else "" for s in shares)] for row, told in found.items()]
    steps = ", ".join(f"{name} {round(way.part * args.steps)} of {way.batch}" for name, way in WAYS.items())
    about = (
        f"UC Merced, {TRAIN} images of each of 21 classes to learn from and {100 - TRAIN} to test on, brought to "
        f"{args.side} pixels; conv4 with 64 filters. Before any tuning, steps and images of each: {steps}. Then steps "
        f"of 32 on the labels; accuracy, the mean over seeds ({args.seeds}; with each the images, labels and weights "
        "are drawn anew). The claim: a row without labels at 10 % above random weights at 100 %."
    )
    page(Path(__file__).stem, "Self-supervision and few labels", about, table(head, lines))


if __name__ == "__main__":
    main()
