"""What every learner must do on every problem that it learns; no learner is skipped."""

from __future__ import annotations

import pytest
import torch

from handful.learner import Learner
from handful.learners import LEARNERS, make
from handful.problem import UNLABELLED, Classes, Problem, Quantity
from handful.task import Examples

CLASSES = Classes(("water", "forest", "town"))
QUANTITY = Quantity("moisture", "%")
KINDS = ("classes of pixels", "classes of images", "quantity of pixels", "quantity of images")


def small(name: str, kind: str) -> Learner:
    """The learner on an encoder that fits the kind of example."""
    encoder = ("dense", {"bands": 4, "width": 6, "blocks": 1, "windows": (3,)})
    if "images" in kind:
        encoder = ("conv4", {"bands": 4, "width": 6})
    return make(name, encoder=encoder[0], encoder_settings=encoder[1], outputs=3)


def examples(kind: str, seed: int = 0, count: int = 9, height: int = 12) -> Examples:
    """Examples of every class with unequal shots: one label of the last."""
    draw = torch.Generator().manual_seed(seed)
    problem: Problem = CLASSES if "classes" in kind else QUANTITY
    pixels = "pixels" in kind
    inputs = torch.randn(2 if pixels else count, 4, height, 14, generator=draw)
    targets = (torch.arange(count) % 2).clone()
    targets[-1] = 2
    if isinstance(problem, Quantity):
        targets = targets.float() * 4 + 20
    if pixels:
        blank = UNLABELLED if isinstance(problem, Classes) else float("nan")
        maps = torch.full((2, height, 14), blank, dtype=targets.dtype)
        maps[0, 2, :count] = targets
        targets = maps
    return Examples(inputs, targets, problem)


def can(name: str, kind: str) -> bool:
    """Whether the learner says that it learns this kind of problem."""
    try:
        make_probe(name, kind)
    except Exception:  # noqa: BLE001 - the refusal itself is tested elsewhere
        return False
    return True


def make_probe(name: str, kind: str) -> None:
    small(name, kind).adapt(examples(kind))


every_learner = pytest.mark.parametrize("name", sorted(LEARNERS))
every_kind = pytest.mark.parametrize("kind", KINDS)
