"""Examples changed, each on its own, with their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..errors import TaskError
from ..task import ALSO, Examples, Inputs, stacked
from . import MIXING, MOVING, Step
from .light import VALUES, values
from .mixing import mixed
from .moves import MOVES, Move


def changed(examples: Examples, steps: Sequence[Step], rng: np.random.Generator, *, together: bool = False) -> Examples:
    """Examples after the steps, drawn for each of them; base targets only where an example has one target.

    together  maps that change as one, also in their shape
    Raises TaskError where a step is for images and these are none.
    """
    check_form(examples.inputs, steps)
    parts = [examples] if together else [examples.part(torch.tensor([place])) for place in range(len(examples))]
    drawn = [drawn_once(part.inputs, steps, rng, stays=not together) for part in parts]
    dense = examples.targets.dim() > 2
    targets = examples.targets
    if dense:
        targets = torch.cat([moved(part, moves) for part, (_, moves) in zip(parts, drawn, strict=True)])
    base = None if dense else examples.base_targets
    inputs = drawn[0][0] if together else stacked([inputs for inputs, _ in drawn])
    found = Examples(inputs, targets, examples.problem, base)
    return mixed(found, steps, rng)


def check_form(inputs: Inputs, steps: Sequence[Step]) -> None:
    asked = [step.name for step in steps if step.name in MOVING]
    if asked and not are_images(inputs):
        shape = tuple(values(inputs).shape)
        raise TaskError(f"'{asked[0]}' moves pixels, but the inputs of {shape} are no images: leave it out.")


def are_images(inputs: Inputs) -> bool:
    return values(inputs).dim() > 3


def drawn_once(
    inputs: Inputs, steps: Sequence[Step], rng: np.random.Generator, *, stays: bool
) -> tuple[Inputs, list[Move]]:
    """Inputs after one draw of each step that isn't mixing, and how their pixels moved.

    stays  whether the shape has to
    """
    moves: list[Move] = []
    for step in steps:
        if step.name in MOVES:
            height, width = values(inputs).shape[-2:]
            move = MOVES[step.name]((height, width), step.amount, rng, stays)
            moves.append(move)
            inputs = shown_after(inputs, move)
        elif step.name not in MIXING:
            inputs = VALUES[step.name](inputs, step.amount, rng)
    return inputs, moves


def shown_after(inputs: Inputs, move: Move) -> Inputs:
    """Inputs after their pixels moved; a further target isn't known where nothing is shown any more."""
    if isinstance(inputs, Tensor):
        return move(inputs)
    return {name: move(t, torch.nan) if name.startswith(ALSO) else move(t) for name, t in inputs.items()}


def moved(examples: Examples, moves: Sequence[Move]) -> Tensor:
    """Maps of targets (n, height, width) after their pixels moved; what shows nothing any more is unlabelled."""
    targets, shown = examples.targets, torch.ones_like(examples.targets, dtype=torch.uint8)
    for move in moves:
        targets, shown = move(targets, 0), move(shown, 0)
    return examples.problem.blank(targets, shown.bool())


def copied(support: Examples, steps: Sequence[Step], copies: int, seed: int) -> Examples:
    """The support and so many changed copies of it, the same for the same seed."""
    rng = np.random.default_rng([seed, copies])
    parts = [support, *(changed(support, steps, rng) for _ in range(copies))]
    targets = torch.cat([part.targets for part in parts])
    return replace(support, inputs=stacked([p.inputs for p in parts]), targets=targets, base_targets=None)
