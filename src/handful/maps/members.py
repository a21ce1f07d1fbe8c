"""A model of a map: one or more learners that saw the same labels, blended, smoothed and calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..encoders.windows import cut
from ..learner import Learner, Predictor
from ..problem import UNLABELLED, Classes, Prediction, Problem
from ..solvers import rows as as_rows
from ..solvers import unrows
from ..task import Examples
from .look import Seen, encoder_key


@dataclass(frozen=True)
class Member:
    """A learner of a map, by the name under which it is reported."""

    name: str
    learner: Learner

    def support(self, seen: Seen, index: np.ndarray, targets: np.ndarray, problem: Problem) -> Examples:
        """The labels `index` as this learner's support set."""
        wanted = torch.from_numpy(targets[index])
        if not self.learner.moves_encoder:
            table = seen.tables[encoder_key(self.learner)]
            return Examples({"features": table[torch.from_numpy(index), seen.middle]}, wanted, problem)
        assert seen.windows is not None
        inputs = {name: tensor[torch.from_numpy(index)] for name, tensor in seen.windows.items()}
        side = inputs["bands"].shape[-1]
        blank = UNLABELLED if isinstance(problem, Classes) else float("nan")
        maps = torch.full((len(index), side, side), blank, dtype=wanted.dtype)
        maps[:, side // 2, side // 2] = wanted
        return Examples(inputs, maps, problem)

    @torch.no_grad()
    def judge(self, predictor: Predictor, seen: Seen, index: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
        """Answers at the labels `index`, smoothed with each sigma: (sigmas, n, outputs)."""
        chosen = torch.from_numpy(index)
        if not self.learner.moves_encoder:
            table = seen.tables[encoder_key(self.learner)][chosen]
            flat = {"features": table.flatten(0, 1)}
            answers = certain(predictor, predictor.outputs(flat)).unflatten(0, table.shape[:2])
        else:
            assert seen.windows is not None
            inputs = {name: tensor[chosen] for name, tensor in seen.windows.items()}
            maps = certain(predictor, predictor.outputs(inputs))
            answers = maps.flatten(2).movedim(1, 2)[:, seen.places_in(maps.shape[-1])]
        smoothed = [(answers * seen.weights(sigma)[chosen][:, :, None]).sum(1) for sigma in sigmas]
        return torch.stack(smoothed).double().numpy()


def certain(predictor: Predictor, prediction: Prediction) -> Tensor:
    """Probabilities of classes along dimension 1, or values: what may be averaged over members and neighbours."""
    if isinstance(predictor.problem, Classes):
        return prediction.mean.movedim(1, 0).contiguous().softmax(0).movedim(0, 1)  # fast where classes are few
    return prediction.mean[:, :1]


@dataclass(frozen=True)
class Blend:
    """Members that are fitted on the same labels, their answers averaged."""

    members: tuple[Member, ...]
    predictors: tuple[Predictor, ...]

    @classmethod
    def fit(
        cls, members: Sequence[Member], seen: Seen, index: np.ndarray, targets: np.ndarray, problem: Problem
    ) -> Blend:
        fitted = [m.learner.adapt(m.support(seen, index, targets, problem)) for m in members]
        return cls(tuple(members), tuple(fitted))

    @property
    def reach(self) -> int:
        return max(int(member.learner.net.encoder.reach) for member in self.members)  # type: ignore[arg-type]

    def judge(self, seen: Seen, index: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
        """(members, sigmas, n, outputs): every member's answers at labels, smoothed with each sigma."""
        pairs = zip(self.members, self.predictors, strict=True)
        return np.stack([member.judge(predictor, seen, index, sigmas) for member, predictor in pairs])

    @torch.no_grad()
    def answer(self, inputs: Mapping[str, Tensor], margin: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Answers (members, outputs, height, width) without the margin, and the features by encoder key."""
        features: dict[str, Tensor] = {}
        answers = []
        for member, predictor in zip(self.members, self.predictors, strict=True):
            key = encoder_key(member.learner)
            if member.learner.moves_encoder:
                answers.append(cut(certain(predictor, predictor.outputs(inputs)), margin)[0])
                continue
            if key not in features:
                features[key] = within(member.learner.net.encoder, inputs, margin)
            flat = {"features": as_rows(features[key])}
            table = certain(predictor, predictor.outputs(flat))
            answers.append(unrows(table, tuple(features[key].shape))[0])
        return torch.stack(answers), features


def within(encoder: nn.Module, inputs: Mapping[str, Tensor], margin: int) -> Tensor:
    """Features without `margin` pixels (at least the reach) on every side, where that can be, computed nowhere else."""
    if not getattr(encoder, "leaves_edges", False):
        return cut(encoder(inputs), margin)
    spare = margin - int(encoder.reach)  # type: ignore[arg-type]
    return encoder({name: cut(t, spare) if t.dim() == 4 else t for name, t in inputs.items()}, edges=False)
