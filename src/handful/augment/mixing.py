"""Two examples in one, and what its target is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..problem import an_example
from ..task import ALSO, Examples, Inputs
from . import MIXING, Step
from .moves import around

CONSTANTS = ("wavelengths", "dates")  # inputs that say what bands are


def mixed(
    examples: Examples, steps: Sequence[Step], rng: np.random.Generator, parts: Sequence[Tensor] | None = None
) -> Examples:
    """Examples of which each is mixed with another, by the mixing ones among the steps.

    parts  masks (n,) of sets that must not see each other, such as support and query; what is in none of them stays.
           All labelled examples are one set by default
    """
    chosen = [step for step in steps if step.name in MIXING]
    for step in chosen:
        partner = partners(examples, rng, parts)
        change = mixup if step.name == "mixup" else cutmix
        examples = change(examples, partner, step.amount, rng)
    return examples


def partners(examples: Examples, rng: np.random.Generator, parts: Sequence[Tensor] | None) -> Tensor:
    """Of each example the one that it is mixed with (n,): another of its set in random order, maybe itself."""
    if parts is None:
        known = examples.problem.labelled(examples.targets)
        parts = [known if known.dim() == 1 else torch.ones(len(known), dtype=torch.bool)]
    found = torch.arange(len(examples))
    for part in parts:
        members = part.nonzero().flatten()
        found[members] = members[torch.from_numpy(rng.permutation(len(members)))]
    return found


def mixup(examples: Examples, partner: Tensor, amount: float, rng: np.random.Generator) -> Examples:
    """Zhang, Cisse, Dauphin & Lopez-Paz 2018, arXiv:1710.09412: weighted means of inputs and targets.

    Differs: a class is one of the two, drawn with the weights as chances, so that the loss is theirs in the mean; a
    quantity is the weighted mean itself.
    """
    share = torch.from_numpy(rng.beta(amount, amount, len(examples)))
    inputs = each_but_constants(examples.inputs, lambda t: blended(t, t[partner], share))
    return with_targets(replace(examples, inputs=inputs), partner, share, rng)


def cutmix(examples: Examples, partner: Tensor, amount: float, rng: np.random.Generator) -> Examples:
    """Yun, Han, Oh, Chun, Choe & Yoo 2019, arXiv:1905.04899: a rectangle of another image, pasted in its place.

    The target is mixed by area, a class as in `mixup`; where pixels have targets, they go with their pixels.
    """
    shape = max((t.shape for t in tensors(examples.inputs)), key=len)[-2:]
    masks = torch.zeros(len(examples), *shape, dtype=torch.bool)
    for mask in masks:
        side = float(np.sqrt(1 - rng.beta(amount, amount)))
        rows, columns = (around(int(rng.integers(length)), side * length, length) for length in shape)
        mask[rows, columns] = True

    def pasted(maps: Tensor) -> Tensor:
        if maps.shape[-2:] != shape:
            return maps
        inside = masks.view(len(masks), *[1] * (maps.dim() - 3), *shape)
        return torch.where(inside, maps[partner], maps)

    found = replace(examples, inputs=each_but_constants(examples.inputs, pasted))
    if examples.targets.dim() > 2:
        return replace(found, inputs=each_further(found.inputs, pasted), targets=pasted(examples.targets))
    return with_targets(found, partner, 1 - masks.double().mean((1, 2)), rng)


def with_targets(examples: Examples, partner: Tensor, share: Tensor, rng: np.random.Generator) -> Examples:
    """Targets, base targets and further ones of mixed examples, of which the first one's share is given (n,)."""
    chance, targets, base = torch.from_numpy(rng.random(len(examples))), examples.targets, examples.base_targets
    own = chance < share
    found = examples.problem.mixed(targets, targets[partner], share, own)
    further = each_further(examples.inputs, lambda t: torch.where(an_example(own, t), t, t[partner]))
    return replace(
        examples,
        inputs=further,
        targets=found,
        base_targets=None if base is None else torch.where(own, base, base[partner]),
    )


def blended(own: Tensor, other: Tensor, share: Tensor) -> Tensor:
    weight = share.to(own).view(-1, *[1] * (own.dim() - 1))
    return weight * own + (1 - weight) * other


def tensors(inputs: Inputs) -> list[Tensor]:
    return [inputs] if isinstance(inputs, Tensor) else [t for name, t in inputs.items() if name not in CONSTANTS]


def each_but_constants(inputs: Inputs, change: object) -> Inputs:
    """`change` applied to every tensor that holds measurements; further targets have a way of their own."""
    assert callable(change)
    if not isinstance(inputs, Mapping):
        return change(inputs)  # type: ignore[no-any-return]
    return {name: t if name in CONSTANTS or name.startswith(ALSO) else change(t) for name, t in inputs.items()}


def each_further(inputs: Inputs, change: Callable[[Tensor], Tensor]) -> Inputs:
    """`change` applied to further targets alone: one of two examples has the say, as nobody here knows their kind."""
    if not isinstance(inputs, Mapping):
        return inputs
    return {name: change(t) if name.startswith(ALSO) else t for name, t in inputs.items()}
