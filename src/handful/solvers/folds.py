"""Labels left out in turn, so that a support set alone can judge what was learned from the rest of it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..task import Examples
from .rows import turns


def folds(support: Examples, most: int, seed: int) -> list[tuple[Examples, Examples]]:
    """What is kept and what is left out, at most so many times; each label is left out once.

    Labels of each class are dealt with the seed, so that every part has all classes; none where a class has one label.
    """
    problem, targets = support.problem, support.targets.flatten()
    known = problem.labelled(targets).nonzero().flatten()
    counts = support.counts()
    count = min(most, int(counts[counts > 0].min()))
    order, turn = turns(problem.strata(targets[known]), seed)
    fold = torch.full(targets.shape, -1, device=targets.device)
    fold[known[order]] = turn % count
    fold = fold.view(support.targets.shape)
    parts = range(count) if count > 1 else ()
    return [(labelled(support, fold != part), labelled(support, fold == part)) for part in parts]


def labelled(support: Examples, keep: Tensor) -> Examples:
    """The examples with a label that the mask keeps, which is shaped like the targets."""
    targets = support.problem.blank(support.targets, keep)
    some = support.problem.labelled(targets).view(len(targets), -1).any(1)
    return replace(support, targets=targets).part(some)
