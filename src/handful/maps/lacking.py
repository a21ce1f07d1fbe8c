"""Pixels where something beside the scene is missing: answered by a learner that was fitted without it.

The labels are seen once more for each pattern of what may be missing, with that taken away, and a learner is fitted
on what is left. So a pixel without radar is answered by what the labels tell without radar, and the map has no hole.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ..encoders.modality import MAIN, PLACE, known
from ..learner import Learner, Predictor
from ..problem import Prediction, Problem
from ..task import Inputs

Pattern = tuple[str, ...]  # names of what is missing
EVERY = range(4096)  # numbers of all patterns, and more


def patterns(names: Sequence[str]) -> tuple[Pattern, ...]:
    """What may be missing: nothing, each by itself, and everything, which stands for all other mixtures."""
    alone = [(name,) for name in names]
    return ((), *alone, *([tuple(names)] if len(names) > 1 else []))


def read_by(learner: Learner) -> Pattern:
    """What lies beside the scene that a learner's encoder reads."""
    named = [PLACE.fullmatch(text) for text in getattr(learner.net.encoder, "modalities", ())]
    names = [match.group(1) for match in named if match is not None]
    return tuple(dict.fromkeys(name for name in names if name != MAIN))


def table_key(encoder: str, pattern: Pattern) -> str:
    """Under which the features of an encoder are kept that were seen without some of its inputs."""
    return encoder + (f" without {', '.join(pattern)}" if pattern else "")


def without(inputs: Mapping[str, Tensor], pattern: Pattern) -> dict[str, Tensor]:
    """The inputs with some of them missing everywhere."""
    return {name: torch.full_like(t, torch.nan) if name in pattern else t for name, t in inputs.items()}


def pattern_of(inputs: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
    """The number of the pattern at each pixel (n, height, width)."""
    return number_of([~known(inputs[name])[:, 0] for name in names])


def number_of(missing: Sequence[Tensor]) -> Tensor:
    """The number of the pattern, from where each is missing (all of one shape)."""
    several = torch.stack(list(missing))
    number = torch.where(several.any(0), several.long().argmax(0) + 1, 0)
    return torch.where(several.sum(0) > 1, len(several) + 1, number)


def switched(fit: Callable[[int], Predictor], problem: Problem) -> Predictor:
    """A predictor of features (rows, width) and, as `lacking` (rows,), of the number of each row's pattern.

    fit  the number of a pattern to the predictor that was fitted for it; called once for each that occurs
    """
    fitted, lock = {0: fit(0)}, threading.Lock()

    def of(number: int) -> Predictor:
        with lock:
            if number not in fitted:
                with torch.inference_mode(False), torch.no_grad():
                    fitted[number] = fit(number)
            return fitted[number]

    def outputs(inputs: Inputs) -> Prediction:
        assert not isinstance(inputs, Tensor)
        features, lacking = inputs["features"], inputs.get("lacking")
        if lacking is None or not bool(lacking.any()):
            return fitted[0].outputs({"features": features})
        places = [(lacking == number).nonzero().flatten() for number in lacking.unique()]
        parts = [of(int(lacking[own[0]])).outputs({"features": features[own]}) for own in places]
        order = torch.cat(places).argsort()
        mean, variance = (None if part[0] is None else torch.cat(part)[order] for part in zip(*parts, strict=True))
        return Prediction(mean, variance)  # type: ignore[arg-type]

    return Predictor(outputs, problem)
