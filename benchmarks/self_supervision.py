"""Few labels, many images: the same net trained on a share of the labels, from random weights and from learned ones.

python benchmarks/self_supervision.py [--steps 300] [--shares 1,5,10,50,100]

Scheibenreif et al. 2022 (doi:10.5194/isprs-annals-V-3-2022-705-2022) report that a net pretrained without labels and
tuned on 10 % of them beats one trained from scratch on all. Here: UC Merced, 80 images of a class to learn from and 20
to test on; pretraining sees the images of the former, without labels. Each start is tuned with the same budget.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from common import data, page, table

from handful.data import find_data
from handful.learner import Learner
from handful.learners import make
from handful.meta_train import Training, meta_train
from handful.problem import Classes
from handful.task import Examples, Task, each, stacked

NET = {"encoder": "conv4", "encoder_settings": {"bands": 3, "width": 64}}
TRAIN = 80  # images of a class; the rest is tested on
BATCH = 64
METHODS = ("simclr", "dual_simclr", "simmim")


def images(root: Path, seed: int) -> tuple[Examples, Examples]:
    """All classes: images to learn from, and to test on."""
    found = find_data("ucmerced").at(root)
    groups = found.groups(root)
    regions = found.regions(root, list(groups), groups)
    rng, problem = np.random.default_rng(seed), Classes(tuple(region.name for region in regions))
    orders = [torch.from_numpy(rng.permutation(len(region.examples))) for region in regions]
    parts = []
    for some in (slice(TRAIN), slice(TRAIN, None)):
        inputs = [each(r.examples.inputs, lambda t, o=o[some]: t[o]) for r, o in zip(regions, orders, strict=True)]
        targets = [torch.full((len(order[some]),), number) for number, order in enumerate(orders)]
        parts.append(Examples(stacked(inputs), torch.cat(targets), problem))
    return parts[0], parts[1]


def pretrained(method: str, known: Examples, steps: int, seed: int) -> Learner:
    """The method after so many steps on images of all classes."""
    learner = make(method, seed=seed, **NET)

    def batch(step: int) -> list[Task]:
        chosen = np.random.default_rng([seed, step]).choice(len(known), BATCH, replace=False)
        part = known.part(torch.from_numpy(chosen))
        return [Task(part, part)]

    meta_train(learner, batch, Training(steps=steps, step_size=1e-3, seed=seed))
    return learner


def share_of(known: Examples, percent: int, seed: int) -> Examples:
    """So many of the labels of each class, one at least."""
    rng, chosen = np.random.default_rng(seed), []
    for number in range(known.problem.outputs):
        places = np.flatnonzero(known.targets.numpy() == number)
        chosen.append(rng.permutation(places)[: max(1, round(len(places) * percent / 100))])
    return known.part(torch.from_numpy(np.concatenate(chosen)))


def accuracy(start: Learner | None, support: Examples, asked: Examples, moves: str, tuning: int, seed: int) -> float:
    learner = make("fine_tune", seed=seed, steps=tuning, batch=32, moves=moves, outputs=support.problem.outputs, **NET)
    if start is not None:
        learner.take_encoder(start.net.encoder)
    return float((learner.adapt(support).predict(asked.inputs) == asked.targets).float().mean())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="of pretraining")
    parser.add_argument("--tuning", type=int, default=300, help="steps on the labels")
    parser.add_argument("--shares", default="1,5,10,50,100", help="percent of the labels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--side", type=int, default=64, help="pixels that images are averaged to")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    root, shares = data("scene-classes"), [int(share) for share in args.shares.split(",")]
    found: dict[tuple[str, str], list[list[float]]] = {}
    for seed in range(args.seeds):
        known, asked = (smaller(part, args.side) for part in images(root, seed))
        starts: dict[str, Learner | None] = {"random weights": None}
        starts |= {method: pretrained(method, known, args.steps, seed) for method in METHODS}
        for name, start in starts.items():
            for words, moves in (("whole net", ""), ("last layer", "head.")):
                told = [
                    accuracy(start, share_of(known, share, seed), asked, moves, args.tuning, seed) for share in shares
                ]
                found.setdefault((name, words), []).append(told)
                print(seed, name, words, *(f"{value:.3f}" for value in told), flush=True)
    rows = [[*key, *(f"{np.mean(of):.3f}" for of in zip(*told, strict=True))] for key, told in found.items()]
    lines = table(["start", "tuned", *(f"{share} %" for share in shares)], rows)
    about = (
        f"UC Merced, {TRAIN} images of each of 21 classes to learn from and {100 - TRAIN} to test on, brought to "
        f"{args.side} pixels; conv4; {args.steps} steps of {BATCH} images without labels, {args.tuning} steps of 32 on "
        f"the labels; accuracy, the mean of {args.seeds} seeds. The claim: a pretrained row at 10 % above the whole "
        "net from random weights at 100 %."
    )
    page(Path(__file__).stem, "Self-supervision and few labels", about, lines)


def smaller(part: Examples, side: int) -> Examples:
    from handful.encoders.resnet import resized

    return replace(part, inputs=each(part.inputs, lambda t: resized(t, side)))


if __name__ == "__main__":
    main()
