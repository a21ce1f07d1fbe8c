"""Which rows of a site are the support and which are asked about: nested supports, one query for all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..problem import Classes
from ..region import Region, near
from .places import ints, nearest_m, spread
from .protocol import Tasks


@dataclass(frozen=True)
class Parts:
    classes: tuple[int, ...]
    support: tuple[int, ...]
    query: tuple[int, ...] | None
    apart: tuple[int, ...]


@dataclass(frozen=True)
class Pool:
    """The rows of a site by class, in the order in which they join the support."""

    region: Region
    rows: dict[int, np.ndarray]  # may be drawn into the support
    asked: dict[int, np.ndarray]  # may be asked about
    ways: np.ndarray  # classes in the order in which they join a task

    @classmethod
    def of(cls, region: Region, rng: np.random.Generator, rules: Tasks) -> Pool:
        examples = region.examples
        flat = examples.targets.flatten()
        known = examples.problem.labelled(flat)
        strata = np.where(known, examples.problem.strata(flat).numpy(), -1)
        fixed = None if region.support is None else region.support.flatten().numpy()
        rows: dict[int, np.ndarray] = {}
        asked: dict[int, np.ndarray] = {}
        for stratum in sorted(set(strata[strata >= 0].tolist())):
            of_it = np.flatnonzero(strata == stratum)
            may = of_it if fixed is None or not fixed.any() else of_it[fixed[of_it]]
            rows[stratum] = may if rules.order == "first" else rng.permutation(may)
            asked[stratum] = of_it if may is of_it else of_it[~fixed[of_it]]  # type: ignore[index]
        return cls(region, rows, asked, rng.permutation(list(rows)))

    def task(self, shots: int, rules: Tasks) -> Parts | None:
        """Its rows at a number of shots; None where fewer than two classes (or the quantity) have labels enough.

        Supports are nested: five shots hold the one shot. What any of them holds is never asked about.
        """
        fit = [int(c) for c in self.ways if self.can(int(c), shots, rules.spare)]
        fit = sorted(fit[: rules.ways] if rules.ways else fit)
        if len(fit) < (2 if isinstance(self.region.examples.problem, Classes) else 1):
            return None
        support = np.concatenate([self.rows[c][:shots] for c in fit])
        apart = self.guarded(support, rules)
        for c in fit:
            apart[self.rows[c][: self.most(c, rules)]] = True
        asked = [self.asked[c][~apart[self.asked[c]]] for c in fit]
        if not all(map(len, asked)):
            return None
        if rules.queries or self.region.support is not None:
            return Parts(tuple(fit), ints(support), ints(np.concatenate([spread(r, rules.queries) for r in asked])), ())
        apart[support] = False
        return Parts(tuple(fit), ints(support), None, ints(np.flatnonzero(apart)))

    def can(self, c: int, shots: int, spare: int) -> bool:
        beyond = shots if self.asked[c] is self.rows[c] or self.region.support is None else 0
        return len(self.rows[c]) >= shots and len(self.asked[c]) >= beyond + spare

    def most(self, c: int, rules: Tasks) -> int:
        """The most shots that the class affords."""
        return max((shots for shots in rules.shots if self.can(c, shots, rules.spare)), default=0)

    def guarded(self, support: np.ndarray, rules: Tasks) -> np.ndarray:
        """A mask of the rows that are too near to the support to be asked about."""
        targets = self.region.examples.targets
        close = np.zeros(targets.numel(), bool)
        if rules.guard > 0 and targets.dim() > 1:
            chosen = torch.zeros(targets.numel(), dtype=torch.bool)
            chosen[torch.from_numpy(support)] = True
            close |= near(chosen.view(targets.shape), rules.guard).flatten().numpy()
        if rules.guard_m > 0 and self.region.metres is not None:
            close |= nearest_m(self.region.metres, support) <= rules.guard_m
        return close

    def order(self, classes: tuple[int, ...], hidden: bool, rng: np.random.Generator) -> tuple[int, ...]:
        """The task's own order of its classes; all of the data's, in their order, where they are shared."""
        if not isinstance(self.region.examples.problem, Classes):
            return ()
        if not hidden:
            return tuple(range(self.region.examples.problem.outputs))
        return tuple(int(c) for c in rng.permutation(list(classes)))
