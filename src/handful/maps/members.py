"""A model of a map: one or more learners that saw the same labels, blended, smoothed and calibrated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from ..augment.ahead import view
from ..augment.moves import TURNS
from ..encoders.windows import cut
from ..learner import Learner, Predictor
from ..problem import UNLABELLED, Classes, Prediction, Problem
from ..solvers import rows as as_rows
from ..task import Examples, Inputs
from .lacking import Pattern, pattern_of, patterns, read_by, switched, table_key
from .look import Seen, encoder_key, support_keys, view_keys

ROWS = 16384  # pixels that a learner answers at a time
STRIP = 32  # rows of pixels whose features are at hand at a time
TALL = 128  # the same where a strip's edges are computed again


@dataclass(frozen=True)
class Member:
    """A learner of a map, by the name under which it is reported."""

    name: str
    learner: Learner

    def fit(self, seen: Seen, index: np.ndarray, targets: np.ndarray, problem: Problem) -> Predictor:
        """The learner fitted on the labels `index`; again without what may be missing, where it reads that."""
        kinds = patterns(read_by(self.learner))
        fit = lambda number: self.learner.adapt(self.support(seen, index, targets, problem, kinds[number]))  # noqa: E731
        return switched(fit, problem) if len(kinds) > 1 and not self.learner.moves_encoder else fit(0)

    def support(
        self, seen: Seen, index: np.ndarray, targets: np.ndarray, problem: Problem, pattern: Pattern = ()
    ) -> Examples:
        """The labels `index` as this learner's support set, seen without what `pattern` names."""
        wanted = torch.from_numpy(targets[index])
        if not self.learner.moves_encoder:
            if pattern:
                table = seen.own(table_key(encoder_key(self.learner), pattern))
                return Examples({"features": table[torch.from_numpy(index)]}, wanted, problem)
            tables = [seen.own(key)[torch.from_numpy(index)] for key in support_keys(self.learner)]
            return Examples({"features": torch.cat(tables)}, wanted.repeat(len(tables)), problem)
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
            tables = [seen.tables[key][chosen] for key in view_keys(self.learner)]
            flat = {"features": tables[0].flatten(0, 1)}
            if len(tables) > 1:
                flat["views"] = torch.stack([table.flatten(0, 1) for table in tables], 1)
            if read_by(self.learner):
                flat["lacking"] = seen.lacking(read_by(self.learner))[chosen].flatten()
            answers = certain(predictor, predictor.outputs(flat)).unflatten(0, tables[0].shape[:2])
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
        fitted = [m.fit(seen, index, targets, problem) for m in members]
        return cls(tuple(members), tuple(fitted))

    @property
    def reach(self) -> int:
        return max(int(member.learner.net.encoder.reach) for member in self.members)  # type: ignore[arg-type]

    def judge(self, seen: Seen, index: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
        """(members, sigmas, n, outputs): every member's answers at labels, smoothed with each sigma."""
        pairs = zip(self.members, self.predictors, strict=True)
        return np.stack([member.judge(predictor, seen, index, sigmas) for member, predictor in pairs])

    @torch.no_grad()
    def answer(
        self, inputs: Mapping[str, Tensor], margin: int, told: tuple[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Answers (members, outputs, height, width) without the margin, and the features (height, width, d) of `told`.

        told  the key of an encoder, and the columns (d,) of its features to give as well
        """
        answers: dict[int, Tensor] = {}
        features = None
        for key, places in self.by_encoder.items():
            columns = told[1] if told and told[0] == key else None
            views, kept = [], None
            for turn in TURNS[: self.members[places[0]].learner.views]:
                said, kept = self.answer_of(places, view(inputs, turn), margin, columns)
                views.append([turn.back(answer) for answer in said])
                features, columns = kept if kept is not None else features, None
            answers |= {place: mean_of(of_place) for place, of_place in zip(places, zip(*views, strict=True))}
        for place in range(len(self.members)):
            if place not in answers:  # adapting moved its encoder
                predictor = self.predictors[place]
                answers[place] = cut(certain(predictor, predictor.outputs(inputs)), margin)[0]
        return torch.stack([answers[place] for place in range(len(self.members))]), features

    def answer_of(
        self, places: Sequence[int], inputs: Inputs, margin: int, columns: Tensor | None
    ) -> tuple[list[Tensor], Tensor | None]:
        """Answers (outputs, height, width) of members that share an encoder, and these columns of its features."""
        kept: list[Tensor] = []
        parts: dict[int, list[Tensor]] = {place: [] for place in places}
        assert not isinstance(inputs, Tensor)
        first, top = self.members[places[0]].learner, 0
        lacking = lacking_in(inputs, read_by(first), margin)
        for strip in strips(first.net.encoder, inputs, margin):
            own = None if lacking is None else lacking[top : top + strip.shape[2]]
            top += strip.shape[2]
            for place in places:
                parts[place].append(decided(self.predictors[place], strip, own))
            if columns is not None:
                kept.append(as_rows(strip).index_select(1, columns).unflatten(0, strip.shape[2:]))
        return [torch.cat(part, dim=1) for part in parts.values()], torch.cat(kept) if kept else None

    @cached_property
    def by_encoder(self) -> dict[str, list[int]]:
        """The places of the members that share an encoder, by its key, so that it runs once for all of them."""
        found: dict[str, list[int]] = {}
        for place, member in enumerate(self.members):
            if not member.learner.moves_encoder:
                found.setdefault(encoder_key(member.learner), []).append(place)
        return found


def lacking_in(inputs: Mapping[str, Tensor], names: Pattern, margin: int) -> Tensor | None:
    """The numbers of the patterns (height, width) of what is missing, without the margin; None where nothing is."""
    if not names:
        return None
    found = cut(pattern_of(inputs, names)[:, None], margin)[0, 0]
    return found if bool(found.any()) else None


def mean_of(views: Sequence[Tensor]) -> Tensor:
    """The mean answer, the same bits for any order of the views; one view as it is."""
    return views[0] if len(views) == 1 else torch.stack(list(views)).double().sort(0).values.mean(0).to(views[0])


def decided(predictor: Predictor, features: Tensor, lacking: Tensor | None = None) -> Tensor:
    """Features (1, width, height, width of the map) to answers (outputs, height, width of the map).

    Some rows at a time: scikit-learn copies its table, in double.
    lacking  (height, width of the map) numbers of the patterns of what is missing
    """
    tables = [{"features": rows} for rows in as_rows(features).split(ROWS)]
    if lacking is not None:
        numbers = lacking.flatten().split(ROWS)
        tables = [table | {"lacking": own} for table, own in zip(tables, numbers, strict=True)]
    parts = [certain(predictor, predictor.outputs(table)).T for table in tables]
    return torch.cat(parts, dim=1).unflatten(1, features.shape[2:])


def strips(encoder: nn.Module, inputs: Mapping[str, Tensor], margin: int) -> Iterator[Tensor]:
    """Features without the margin (at least the reach), strip by strip from north to south, used while they are hot.

    A net sees the block at once and gives features in parts, which are joined for each strip. What is wide and has
    nothing to learn sees each strip by itself. An encoder that can't leave out its edges gives one strip.
    """
    height = inputs["bands"].shape[2] - 2 * margin
    if hasattr(encoder, "parts"):
        parts = encoder.parts(cropped(inputs, margin - int(encoder.reach)), edges=False)  # type: ignore[arg-type, operator]
        for top in range(0, height, STRIP):
            yield torch.cat([part[:, :, top : top + STRIP] for part in parts], dim=1)
    elif getattr(encoder, "leaves_edges", False):
        inputs, reach = cropped(inputs, margin - int(encoder.reach)), int(encoder.reach)  # type: ignore[arg-type]
        for top in range(0, height, TALL):
            end = min(top + TALL, height) + 2 * reach
            strip = {name: t[:, :, top:end] if t.dim() == 4 else t for name, t in inputs.items()}
            yield encoder(strip, edges=False)
    else:
        yield cut(encoder(inputs), margin)


def cropped(inputs: Mapping[str, Tensor], margin: int) -> dict[str, Tensor]:
    """Inputs without `margin` pixels on every side."""
    return {name: cut(t, margin) if t.dim() == 4 else t for name, t in inputs.items()}
