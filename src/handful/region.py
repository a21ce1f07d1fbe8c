"""A region: one place with labels, from which tasks are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from .errors import TaskError
from .problem import Quantity
from .task import Examples, Task


@dataclass(frozen=True)
class Region:
    """One place (or one set of classes) with labelled examples.

    name      the id by which it is recorded, and kept out of tests once trained on
    examples  everything that is labelled here: images with a class each, or maps with labelled pixels
    group     regions of one group (neighbours) never part between training and test; the name by default
    bands     the names of the bands, in order
    origins   where each example comes from (n,): a parent tile, a file; two examples of one origin are not independent
    metres    where each example lies (n, 2), x and y in metres, where its place is known
    support   a mask, shaped like the targets, of the data set's own support; the rest is its query
    """

    name: str
    examples: Examples
    group: str = ""
    bands: tuple[str, ...] = field(default=(), repr=False)
    origins: tuple[str, ...] = field(default=(), repr=False)
    metres: np.ndarray | None = field(default=None, repr=False, compare=False)
    support: Tensor | None = field(default=None, repr=False, compare=False)

    def can_draw(self, shots: int, spare: int = 1) -> bool:
        """Whether each class has `shots` labelled rows for the support and `spare` more; of classes, it takes two."""
        counts, quantity = self.examples.counts(), isinstance(self.examples.problem, Quantity)
        return bool((counts >= shots + spare).all()) and (quantity or len(counts) > 1)

    def task(self, shots: int, seed: int, *, guard: float = 0.0, spare: int = 1) -> Task:
        """Draw `shots` labelled rows a class as the support; the query is every other labelled row.

        guard  query pixels nearer than this to a support pixel (same image) are left out, in pixels
        spare  rows that a class must have beyond its shots
        Support and query share their inputs. Raises TaskError where a class has too few labels.
        """
        if not self.can_draw(shots, spare):
            raise TaskError(
                f"region '{self.name}' has {self.examples.counts().tolist()} labels a class, "
                f"too few for {shots} shots and {spare} to spare: use fewer shots or leave the region out."
            )
        chosen = draw(self.examples, shots, np.random.default_rng(seed))
        return self.split(chosen, guard=guard)

    def split(self, chosen: Tensor, *, guard: float = 0.0) -> Task:
        """The task whose support is the mask `chosen`, shaped like the targets; the rest is the query."""
        problem, targets = self.examples.problem, self.examples.targets
        far = ~near(chosen, guard) if guard > 0 else ~chosen
        inputs = self.examples.inputs
        support = Examples(inputs, problem.blank(targets, chosen), problem)
        return Task(support, Examples(inputs, problem.blank(targets, far), problem), self.name)


def draw(examples: Examples, shots: int, rng: np.random.Generator) -> Tensor:
    """A mask, shaped like the targets, of `shots` labelled rows drawn from each class without replacement."""
    targets = examples.targets.flatten()
    rows = examples.problem.labelled(targets).nonzero().flatten()
    strata = examples.problem.strata(targets[rows])
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    for stratum in strata.unique().tolist():
        of_stratum = rows[strata == stratum].numpy()
        chosen[torch.from_numpy(rng.choice(of_stratum, min(shots, len(of_stratum)), replace=False))] = True
    return chosen.view(examples.targets.shape)


def near(chosen: Tensor, guard: float) -> Tensor:
    """Pixels at most `guard` pixels (Euclidean, centre to centre) from a chosen pixel of the same image."""
    if chosen.dim() == 1:  # examples without a place: only the chosen themselves
        return chosen
    away = [distance_transform_edt(~image) if image.any() else np.full(image.shape, np.inf) for image in chosen.numpy()]
    return torch.from_numpy(np.stack(away) <= guard)
