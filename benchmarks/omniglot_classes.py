"""Omniglot: what each method makes of more characters to learn from, before and after adaptation.

python benchmarks/omniglot_classes.py [METHOD ...] [--minutes M] [--smoke]

Every training has the same number of steps whatever the characters; one whose minutes weren't enough goes on in the
next run, and is measured once it is done. Without a METHOD nothing is trained: table and picture are made of
omniglot_classes.csv, whose rows are what was measured; a method whose rows are deleted there is trained again.
"""

from __future__ import annotations

from typing import Any

from common import HERE, data, page, table
from omniglot_trials import CONV4, PLAIN, Experiment, Kept, Points, arguments, draw, right, short, shown
from torch import Tensor

from handful.learner import Learner
from handful.task import Examples, Inputs

BUILD = HERE.parent / "build" / "omniglot-classes"
NAME, COUNT = "omniglot_classes", 400
CHARACTERS = (50, 100, 200, 423, 1100)
POOLED = {**PLAIN, "steps": 2000, "tasks_per_step": 1, "ways": 20, "shots": [1, 1], "queries": 3}
EPISODES = {**PLAIN, "steps": 2000, "tasks_per_step": 2, "ways": 5, "shots": [1, 1], "queries": 5}
LEARNERS: dict[str, dict[str, Any]] = {
    "baseline": {"name": "baseline", "step_size": 0.1, **CONV4, "train": POOLED},
    # judging it takes long: its weights are those of the end
    "fine_tune": {"name": "fine_tune", **CONV4, "train": {**POOLED, "validate_every": POOLED["steps"]}},
    "protonet": {"name": "protonet", **CONV4, "train": EPISODES},
    "first_order_maml": {"name": "first_order_maml", **CONV4, "train": EPISODES},
    "first_order_proto_maml": {"name": "first_order_proto_maml", "step_size": 0.01, **CONV4, "train": EPISODES},
}
INTRODUCTION = f"""\
Accuracy in % on {COUNT} 5-way 1-shot tasks of the same 423 characters, which no training saw, 15 queries a class, each
answered on its own; 95 % intervals over tasks, which say nothing of the luck of the training nor of the choice of
characters. *Before* is the answer before the first step on the support set, where a method has one: Proto-MAML begins
as a ProtoNet, the new classifier of a baseline knows nothing yet, and a ProtoNet takes no steps. A smaller set of
characters is a part of each larger one. Weights are those that did best on 25 validation tasks of 100 other characters,
and of `fine_tune` those of the end.
All trainings are of as many steps and far shorter than published ones (`omniglot.md`), so the columns can be compared
with each other, and none is the best that a method reaches."""


def measure(learner: Learner, support: Examples, inputs: Inputs, targets: Tensor) -> dict[str, float]:
    way = list(learner.path(support))
    found = {"after": right(way[-1].predict(inputs), targets)}
    return found | ({"before": right(way[0].predict(inputs), targets)} if len(way) > 1 else {})


def main() -> None:
    args = arguments(__doc__ or "", list(LEARNERS))
    trials = Experiment(BUILD, HERE / f"{NAME}.csv", LEARNERS, COUNT)
    if args.smoke:
        trials = Experiment(BUILD / "smoke", BUILD / "smoke.csv", short(LEARNERS), 10)
    for characters in CHARACTERS if args.methods else ():
        for label in args.methods:
            trials.run(label, characters, data("omniglot"), 60 * args.minutes, measure)
    if args.smoke:
        print(whole_table(trials))
        return
    draw([("characters trained on", lines(trials), True)], HERE / f"{NAME}.png")
    page(NAME, "Omniglot: more characters to learn from", INTRODUCTION, whole_table(trials), f"![curves]({NAME}.png)")


def lines(trials: Experiment) -> dict[str, Points]:
    """A curve a method after adaptation, and one before."""
    found: dict[str, list[tuple[float, Kept]]] = {}
    for label in LEARNERS:
        for characters in CHARACTERS:
            for when, kept in sorted(trials.kept(label, characters).items()):
                name = f"{label}, before" if when == "before" else label
                found.setdefault(name, []).append((characters, kept))
    return found


def whole_table(trials: Experiment) -> str:
    head, rows = ["", "", *(f"{characters:,} characters" for characters in CHARACTERS)], []
    for label in LEARNERS:
        kept = [trials.kept(label, characters) for characters in CHARACTERS]
        for when in ("before", "after"):
            if when == "after" or any(when in found for found in kept):
                rows.append([label, when, *(shown(found[when]) if when in found else "" for found in kept)])
    return table(head, rows)


if __name__ == "__main__":
    main()
