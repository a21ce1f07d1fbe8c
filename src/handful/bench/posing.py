"""A task as a learner is given it: a support and questions, apart from the labels that it is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..problem import UNLABELLED, Classes, Problem
from ..region import Region
from ..task import Examples, Inputs, each, stacked
from .tasks import Drawn


@dataclass(frozen=True)
class Posed:
    """A task as a learner is given it.

    support  examples with the support's labels and no others
    inputs   what is asked about
    asked    rows of the answers, where a whole map is answered; None where every answer counts
    """

    support: Examples
    inputs: Inputs
    asked: Tensor | None


@dataclass(frozen=True)
class Key:
    """What the answers are judged by, kept away from the learner: targets (m,) in the task's own classes."""

    targets: Tensor
    problem: Problem


def joined(regions: list[Region]) -> Examples:
    """One region's examples, or the images of several classes with the number of their region as the target.

    Images with masks keep their background as class 0; the thing of region i is class i + 1.
    """
    if len(regions) == 1:
        return regions[0].examples
    if regions[0].examples.targets.dim() > 1:
        maps = torch.cat([numbered_masks(region.examples.targets, i + 1) for i, region in enumerate(regions)])
        names = (regions[0].examples.problem.means[0], *(region.name for region in regions))
        return Examples(stacked([region.examples.inputs for region in regions]), maps, Classes(names))
    targets = torch.cat([torch.full((len(r.examples),), i, dtype=torch.long) for i, r in enumerate(regions)])
    parts = [region.examples.inputs for region in regions]
    return Examples(stacked(parts), targets, Classes(tuple(region.name for region in regions)))


def numbered_masks(masks: Tensor, number: int) -> Tensor:
    """Masks (n, height, width) of a thing, 1, with its number instead."""
    return torch.where(masks == 1, number, masks)


def pose(examples: Examples, task: Drawn, hidden: bool, whole: bool = False) -> tuple[Posed, Key]:
    """What the learner gets, and what its answers are judged by: two things that share no tensor of targets.

    whole  a task counts images with their masks, not pixels
    """
    if whole:
        return pose_images(examples, task, hidden)
    problem, flat = own_problem(examples.problem, task, hidden), own_targets(examples, task)
    support, query = torch.tensor(task.support), query_rows(flat, task)
    key = Key(flat[query].clone(), problem)
    if examples.targets.dim() == 1:
        shown = Examples(picked(examples.inputs, support), flat[support].clone(), problem)
        return Posed(shown, picked(examples.inputs, query), None), key
    keep = torch.zeros(len(flat), dtype=torch.bool)
    keep[support] = True
    labels = problem.blank(flat, keep).view(examples.targets.shape)
    return Posed(Examples(examples.inputs, labels, problem), examples.inputs, query), key


def images_with_labels(examples: Examples) -> np.ndarray:
    """The numbers of the examples that have a label."""
    return examples.problem.labelled(examples.targets).reshape(len(examples), -1).any(1).nonzero().flatten().numpy()


def pose_images(examples: Examples, task: Drawn, hidden: bool) -> tuple[Posed, Key]:
    """Support and query are images; every labelled pixel of the query is asked about."""
    assert task.query is not None
    problem, maps = own_problem(examples.problem, task, hidden), own_targets(examples, task).view_as(examples.targets)
    support, query = torch.tensor(task.support), torch.tensor(task.query)
    wanted = maps[query].flatten()
    asked = problem.labelled(wanted).nonzero().flatten()
    shown = Examples(picked(examples.inputs, support), maps[support].clone(), problem)
    return Posed(shown, picked(examples.inputs, query), asked), Key(wanted[asked].clone(), problem)


def picked(inputs: Inputs, some: Tensor) -> Inputs:
    return each(inputs, lambda tensor: tensor[some])


def own_problem(problem: Problem, task: Drawn, hidden: bool) -> Problem:
    """The problem as the task has it: with hidden classes no name tells which class is which."""
    if not isinstance(problem, Classes):
        return problem
    names = [f"class {i + 1}" if hidden else problem.names[c] for i, c in enumerate(task.classes)]
    return Classes(tuple(names))


def own_targets(examples: Examples, task: Drawn) -> Tensor:
    """Flattened targets in the task's own order of classes; those of other classes are unlabelled."""
    flat = examples.targets.flatten()
    if not isinstance(examples.problem, Classes):
        return flat.clone()
    table = torch.full((examples.problem.outputs + 1,), UNLABELLED)  # the last place is that of the unlabelled
    table[torch.tensor(task.classes)] = torch.arange(len(task.classes))
    return table[torch.where(flat == UNLABELLED, examples.problem.outputs, flat)]


def query_rows(flat: Tensor, task: Drawn) -> Tensor:
    """The rows that are asked about: of classes that the support shows."""
    if task.query is not None:
        return torch.tensor(task.query)
    keep = flat.isfinite() if flat.is_floating_point() else torch.isin(flat, flat[torch.tensor(task.support)].unique())
    keep[torch.tensor([*task.support, *task.apart], dtype=torch.long)] = False
    return keep.nonzero().flatten()
