"""Features of changed copies and of turned views, computed before a task is known; answers averaged over views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..errors import TaskError
from ..problem import Prediction, Problem
from ..task import Examples, Inputs, each, stacked
from . import Step
from .change import are_images, check_form, copied, drawn_once
from .moves import TURNS, Turn

Encode = Callable[[Inputs], Tensor]
Answer = Callable[[Inputs], Prediction]


def copy_of(encode: Encode, steps: Sequence[Step], seed: int, number: int) -> Encode:
    """An encoder that sees changed inputs, the same change for each call: features lie where pixels lay before."""

    def encoded(inputs: Inputs) -> Tensor:
        changed, moves = drawn_once(inputs, steps, np.random.default_rng([seed, number]), stays=False)
        features = encode(changed)
        for move in reversed(moves):
            assert isinstance(move, Turn)  # PIXELWISE has no other
            features = move.back(features)
        return features

    return encoded


def view_of(encode: Encode, turn: Turn) -> Encode:
    """An encoder that sees turned inputs: features lie where pixels lay before."""
    return lambda inputs: turn.back(encode(view(inputs, turn)))


def view(inputs: Inputs, turn: Turn) -> Inputs:
    """Inputs turned, laid out in memory alike however they came there: sums of floats go by that."""
    return each(inputs, lambda t: turn(t).contiguous())


def looked_at(
    encode: Encode, inputs: Inputs, steps: Sequence[Step], copies: int, views: int, seed: int
) -> dict[str, Tensor]:
    """Tables of rows: `features` (rows, width), of changed copies `copies` (rows, copies, width), and `views`.

    Each example is changed on its own. Only steps that are PIXELWISE can be taken so.
    """
    table = lambda features: features.movedim(1, -1).flatten(0, -2)  # noqa: E731 - (n, d, *space) to rows
    found = {"features": table(encode(inputs))}
    if steps:
        check_form(inputs, steps)
        every = [each_on_its_own(encode, inputs, steps, seed, copies, number) for number in range(copies)]
        found["copies"] = torch.stack([table(features) for features in every], 1)
    if views > 1:
        check_views(inputs)
        found["views"] = torch.stack([table(view_of(encode, turn)(inputs)) for turn in TURNS[:views]], 1)
    return found


def each_on_its_own(
    encode: Encode, inputs: Inputs, steps: Sequence[Step], seed: int, copies: int, number: int
) -> Tensor:
    """Features (n, width, ...) of one changed copy of each example."""
    count = len(next(iter(inputs.values()))) if isinstance(inputs, Mapping) else len(inputs)
    rng = np.random.default_rng([seed, copies, number])
    ones = [each(inputs, lambda t, place=place: t[place : place + 1]) for place in range(count)]  # type: ignore[misc]
    drawn = [drawn_once(one, steps, rng, stays=True) for one in ones]
    features = encode(stacked([changed for changed, _ in drawn]))
    parts = []
    for row, (_, moves) in zip(features, drawn, strict=True):
        for move in reversed(moves):
            row = move.back(row) if isinstance(move, Turn) and row.dim() > 1 else row
        parts.append(row)
    return torch.stack(parts)


def multiplied(support: Examples, steps: Sequence[Step], copies: int, seed: int) -> Examples:
    """The support with changed copies of it. Features that were computed before have those that come with them."""
    if not steps:
        return support
    inputs = support.inputs
    if not isinstance(inputs, Mapping) or "features" not in inputs:
        return copied(support, steps, copies, seed)
    if "copies" not in inputs:
        return support
    every = [inputs["features"], *inputs["copies"].unbind(1)]
    return replace(
        support, inputs={"features": torch.cat(every)}, targets=support.targets.repeat(len(every)), base_targets=None
    )


def averaged(answer: Answer, views: int, problem: Problem) -> Answer:
    """The mean answer over the first so many of the eight turns, each turned back.

    What it says of a turned input is exactly the turned answer, as a mean over the same views in another order.
    """
    if views == 1:
        return answer

    def agreed(inputs: Inputs) -> Prediction:
        if isinstance(inputs, Mapping) and "features" in inputs:
            if "views" not in inputs:
                return answer(inputs)
            said = [answer({"features": table}) for table in inputs["views"].unbind(1)]
        else:
            check_views(inputs)
            said = [turned_back(answer(view(inputs, turn)), turn) for turn in TURNS[:views]]
        every = [None if part[0] is None else torch.stack(part) for part in zip(*said, strict=True)]  # type: ignore[arg-type]
        return problem.agreed(Prediction(*every))  # type: ignore[arg-type]

    return agreed


def turned_back(said: Prediction, turn: Turn) -> Prediction:
    return Prediction(*(None if part is None else turn.back(part) for part in said))  # type: ignore[arg-type]


def check_views(inputs: Inputs) -> None:
    if not are_images(inputs):
        raise TaskError("answers can be averaged over turned views of images only: set views = 1.")
