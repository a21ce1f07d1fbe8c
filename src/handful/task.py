"""Examples and tasks: what a learner sees, and what is asked of one that learns from tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .errors import TaskError
from .problem import Classes, Problem

Inputs = Tensor | Mapping[str, Tensor]  # a tensor, or tensors by modality; only encoders look inside
ALSO = "also."  # inputs whose names begin so are further targets, (n,) or (n, height, width), which no encoder reads


def each(inputs: Inputs, change: Callable[[Tensor], Tensor]) -> Inputs:
    """`change` applied to every tensor of the inputs."""
    if isinstance(inputs, Tensor):
        return change(inputs)
    return {name: change(tensor) for name, tensor in inputs.items()}


def without_further(inputs: Inputs) -> Inputs:
    """The inputs without further targets, for whoever is to be judged."""
    if isinstance(inputs, Tensor):
        return inputs
    return {name: tensor for name, tensor in inputs.items() if not name.startswith(ALSO)}


def stacked(parts: Sequence[Inputs]) -> Inputs:
    """Several inputs of one form as one, in their order."""
    if isinstance(parts[0], Tensor):
        return torch.cat([part for part in parts if isinstance(part, Tensor)])
    return {name: torch.cat([part[name] for part in parts if not isinstance(part, Tensor)]) for name in parts[0]}


def first_tensor(inputs: Inputs) -> Tensor:
    return inputs if isinstance(inputs, Tensor) else next(iter(inputs.values()))


def values(inputs: Inputs) -> Tensor:
    """The bands among the inputs."""
    return inputs["bands"] if isinstance(inputs, Mapping) else inputs


def with_values(inputs: Inputs, bands: Tensor) -> Inputs:
    """The inputs with other bands, in another number; all else, which must be alike for all of them, as it was."""
    if not isinstance(inputs, Mapping):
        return bands
    return {name: bands if name == "bands" else t[:1].expand(len(bands), *t.shape[1:]) for name, t in inputs.items()}


@dataclass(frozen=True)
class Examples:
    """Inputs with their targets, and how to read the targets.

    inputs        (n, bands, height, width), (n, bands, time) or (n, features); or several such by modality
    targets       (n,) for one answer an example; (n, height, width) for one a pixel.
                  Class indices (int64, -100 unlabelled) or quantities (float, NaN unlabelled)
    base_targets  like `targets`, classes that are shared between tasks; for pretraining only

    Raises TaskError where the shapes or the class indices don't fit.
    """

    inputs: Inputs
    targets: Tensor
    problem: Problem
    base_targets: Tensor | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        n = len(first_tensor(self.inputs))
        if len(self.targets) != n:
            raise TaskError(f"{n} inputs but {len(self.targets)} targets: give one target (or one map) an input.")
        tensors = [self.inputs] if isinstance(self.inputs, Tensor) else self.inputs.values()
        shapes, space = [tuple(tensor.shape) for tensor in tensors], tuple(self.targets.shape[1:])
        if space and not any(shape[-len(space) :] == space for shape in shapes):
            told = ", ".join(map(str, shapes))
            raise TaskError(f"inputs of {told} but maps of {space} as their targets: give one target a pixel.")
        known = self.targets[self.problem.labelled(self.targets)]
        if isinstance(self.problem, Classes) and len(known):
            low, high = int(known.min()), int(known.max())
            if low < 0 or high >= self.problem.outputs:
                raise TaskError(
                    f"class indices from {low} to {high}, expected 0 to {self.problem.outputs - 1} "
                    f"({', '.join(self.problem.names)}); mark what is unlabelled with -100."
                )

    def __len__(self) -> int:
        return len(self.targets)

    def __add__(self, other: Examples) -> Examples:
        """Both sets as one, where their images are of one size."""
        if self.inputs is other.inputs:
            raise TaskError("two sets of labels on the same inputs: join their targets, not their inputs.")
        if self.problem != other.problem:
            raise TaskError(f"examples of {self.problem} and of {other.problem} are of two problems: keep them apart.")
        inputs = [first_tensor(self.inputs), first_tensor(other.inputs)]
        if inputs[0].shape[1:] != inputs[1].shape[1:]:
            raise TaskError(
                f"inputs of {tuple(inputs[0].shape[1:])} and {tuple(inputs[1].shape[1:])} don't stack: "
                "keep images of unequal size in sets of their own."
            )
        joined: Inputs
        if isinstance(self.inputs, Tensor) and isinstance(other.inputs, Tensor):
            joined = torch.cat([self.inputs, other.inputs])
        else:
            assert not isinstance(self.inputs, Tensor) and not isinstance(other.inputs, Tensor)
            joined = {name: torch.cat([tensor, other.inputs[name]]) for name, tensor in self.inputs.items()}
        base = None
        if self.base_targets is not None and other.base_targets is not None:
            base = torch.cat([self.base_targets, other.base_targets])
        return Examples(joined, torch.cat([self.targets, other.targets]), self.problem, base)

    def part(self, places: Tensor) -> Examples:
        """The examples at these places (indices, or a mask over examples)."""
        base = None if self.base_targets is None else self.base_targets[places]
        return Examples(each(self.inputs, lambda t: t[places]), self.targets[places], self.problem, base)

    def counts(self) -> Tensor:
        """Labelled rows a class (outputs,); a quantity has one count."""
        known = self.targets[self.problem.labelled(self.targets)]
        return torch.bincount(self.problem.strata(known), minlength=self.problem.outputs)


@dataclass(frozen=True)
class Task:
    """One thing to learn from a handful of examples, and the examples that test it.

    Support and query may share their inputs (two sets of labels on one map); then they are encoded once.
    Raises TaskError where the two are of different problems or the support has no label.
    """

    support: Examples
    query: Examples
    name: str = ""

    def __post_init__(self) -> None:
        support, query = self.support.problem, self.query.problem
        if support != query:
            raise TaskError(f"{self._title}: {support} in the support but {query} in the query: use one problem.")
        if not bool(self.support.problem.labelled(self.support.targets).any()):
            raise TaskError(f"{self._title}: nothing is labelled in the support: give at least one label.")
        missing = self._classes_without_support()
        if missing:
            raise TaskError(
                f"{self._title}: {', '.join(missing)} in the query but not in the support: "
                f"add at least one label of each."
            )

    @property
    def _title(self) -> str:
        return f"task '{self.name}'" if self.name else "task"

    def _classes_without_support(self) -> list[str]:
        if not isinstance(self.support.problem, Classes):
            return []
        absent = (self.support.counts() == 0) & (self.query.counts() > 0)
        return [self.support.problem.names[i] for i in absent.nonzero().flatten().tolist()]

    @property
    def shared(self) -> bool:
        """Whether support and query are labels on the same inputs."""
        return self.support.inputs is self.query.inputs


class Taught(Protocol):
    """What `meta_train` asks of whatever it trains: every learner, and the detectors of `find`.

    net        all that is learned; it is told how far training is, as `net.progress`
    task_loss  what a step makes smaller, of one of the tasks that `meta_train` is given
    """

    @property
    def net(self) -> nn.Module: ...

    def own_step_sizes(self) -> Mapping[str, float]: ...

    def task_loss(self, task: Any, /) -> Tensor: ...
