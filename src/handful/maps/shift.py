"""How far a scene lies from the one that a model was made on, and what its unlabelled pixels can do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from ..errors import SettingsError
from ..learner import Learner
from ..problem import Classes
from ..solvers.align import ALIGNMENTS, Moments, Move, frechet
from .judge import Labelled
from .look import TILE, Seen, encoder_key, encoders_of, look, view_keys
from .members import Blend
from .model import MapModel
from .scene import Scene
from .sight import Sight

SAMPLE = 4000  # pixels of a scene, of which it is compared by those
TILES = 32  # that lie in so many of the tiles that are looked at together: the rest would cost as much again
FEWEST = 30  # pixels below which nothing can be said of a scene's statistics
NEAR, FAR = 0.3, 1.0  # deviations a feature
NONE, AUTO = "none", "auto"
METHODS = (*ALIGNMENTS, AUTO)


@dataclass(frozen=True)
class Shift:
    """How another scene differs from the one that a model was made on.

    distance  Fréchet distance, in deviations a feature; None where the model doesn't say what its scene looks like
    outside   the share of the pixels that lie outside the area of applicability; None where there is none
    pixels    of the scene that were looked at, drawn with a fixed seed
    """

    distance: float | None
    outside: float | None
    pixels: int

    @property
    def word(self) -> str:
        distance = self.distance or 0.0
        return "much alike" if distance < NEAR else "some way apart" if distance < FAR else "far apart"

    def said(self) -> list[str]:
        """For the user, in sentences."""
        found = []
        if self.distance is not None:
            found.append(
                f"This scene and the one that the model was made on are {self.word}: {self.distance:.2f} deviations a "
                f"feature (Fréchet distance; up to {NEAR} is near, above {FAR:g} far)."
            )
        if self.outside is not None:
            found.append(
                f"{100 * self.outside:.0f} % of a sample of {self.pixels:,} pixels lie outside the area of "
                "applicability: they look unlike all that was labelled."
            )
        return found or ["How far this scene lies from the one that the model was made on cannot be told."]

    def record(self) -> dict[str, Any]:
        return asdict(self) | {"word": self.word if self.distance is not None else None}


def glance(scene: Scene, sight: Sight, learners: Sequence[Learner], seed: int = 0) -> Seen:
    """What the encoders see at a sample of the whole scene's pixels, the same whatever is mapped of it first."""
    _, rows, columns = scene.sample(SAMPLE, seed)
    tile = np.unique(np.stack([rows // TILE, columns // TILE], 1), axis=0, return_inverse=True)[1].ravel()
    kept = np.isin(tile, np.random.default_rng([seed, 1]).permutation(tile.max() + 1)[:TILES])
    rows, columns = rows[kept], columns[kept]
    return look(scene, sight, encoders_of(learners), rows, columns, np.zeros((1, 2), int))


def moments_of(seen: Seen) -> dict[str, Moments]:
    """The statistics of each encoder's features."""
    return {key: Moments.of(table[:, seen.middle]) for key, table in seen.tables.items()}


def shift_of(model: MapModel, seen: Seen) -> Shift:
    """How a scene that was glanced at differs from the model's own."""
    keys = [encoder_key(m.learner) for m in model.blend.members if not m.learner.moves_encoder]
    known = [key for key in keys if key in model.moments]
    distance = frechet(model.moments[known[0]], moments_of(seen)[known[0]]) if known and len(seen) >= FEWEST else None
    outside = None
    if model.domain is not None:
        table = seen.tables[model.domain.key][:, seen.middle].numpy()[:, model.domain.columns]
        outside = float(1 - model.domain.area.inside(table).mean())
    return Shift(distance, outside, len(seen))


def adapted(model: MapModel, seen: Seen, how: str) -> tuple[MapModel, dict[str, Any]]:
    """The model with its labels' features aligned to a scene that was glanced at, its heads fitted again; and a record.

    The area of applicability stays: what nobody labelled doesn't become known. Raises SettingsError where there is
    nothing to align.
    """
    check_alignable(model, seen)
    shift = shift_of(model, seen)
    risks: dict[str, float] = {}
    if how == AUTO and shift.word != "much alike":
        risks = {name: reverse_risk(model, seen, moves_to(model, seen, name)) for name in (NONE, *ALIGNMENTS)}
    chosen = min(risks, key=risks.__getitem__) if risks else NONE if how == AUTO else how
    record = {"asked": how, "method": chosen, "reverse_risks": risks}
    if chosen == NONE:
        return model, record
    aligned = moved(model.seen.alone(), moves_to(model, seen, chosen))
    blend = Blend.fit(model.blend.members, aligned, np.arange(len(aligned)), model.targets, model.problem)
    return replace(model, blend=blend), record


def adaptation_said(record: Mapping[str, Any]) -> str:
    """What was done, in a sentence."""
    does = {
        NONE: "The labels' features stay as they were",
        "statistics": "The labels' features got this scene's mean and deviation, feature by feature",
        "coral": "The labels' features got this scene's covariance (CORAL)",
    }[record["method"]]
    risks = record["reverse_risks"]
    why = ""
    if record["asked"] == AUTO:
        told = ", ".join(f"{name} {risk:.3f}" for name, risk in risks.items())
        why = f": labels are found again best so (loss by reverse validation: {told})" if risks else ": it is near"
    return f"{does}{why}."


def check_alignable(model: MapModel, seen: Seen) -> None:
    """Raise SettingsError, with what to do."""
    moving = [member.name for member in model.blend.members if member.learner.moves_encoder]
    if moving:
        raise SettingsError(
            f"--adapt aligns features, but {moving[0]} makes its own for each task: leave --adapt out, or make the map "
            "with another --learner."
        )
    if model.sight.names:
        raise SettingsError(
            f"--adapt aligns features of a scene alone, but the model reads {', '.join(model.sight.names)} beside it: "
            "leave --adapt out."
        )
    if not model.moments:
        raise SettingsError(
            "the model doesn't say what its scene looks like, as models of earlier versions: run `handful map` again, "
            "or leave --adapt out."
        )
    if len(seen) < FEWEST or not any(bool(found.varies.any()) for found in moments_of(seen).values()):
        why = f"has {len(seen)} valid pixels" if len(seen) < FEWEST else "looks the same at every pixel"
        raise SettingsError(f"--adapt needs pixels that differ ({FEWEST} at least), but the scene {why}: leave it out.")


def moves_to(model: MapModel, seen: Seen, name: str) -> dict[str, Move]:
    """How features of the model's scene become like those of another, for each encoder."""
    if name == NONE:
        return {}
    there = moments_of(seen)
    return {key: ALIGNMENTS[name](own, there[key]) for key, own in model.moments.items()}


def moved(seen: Seen, moves: Mapping[str, Move]) -> Seen:
    return replace(
        seen, tables={key: moves[key](table) if key in moves else table for key, table in seen.tables.items()}
    )


@torch.no_grad()
def reverse_risk(model: MapModel, seen: Seen, moves: Mapping[str, Move]) -> float:
    """How badly the labels are found again by heads that learned from what was said of the other scene's pixels.

    Reverse validation (Zhong, Fan, Yang, Verscheure & Ren 2010), by which Ganin et al. 2016 choose their settings: no
    label of the other scene is needed. The loss of the map's judge, smaller is better.
    """
    members, problem, own = model.blend.members, model.problem, moved(model.seen.alone(), moves)
    for member in members:  # labels of a loaded model were not kept in turned views
        plain, *turned = view_keys(member.learner)
        own.tables.update({key: own.tables[plain] for key in turned if key not in own.tables})
    every, there = np.arange(len(own)), np.arange(len(seen))
    answers = Blend.fit(members, own, every, model.targets, problem).judge(seen, there, [0.0])[:, 0].mean(0)
    said = answers.argmax(1) if isinstance(problem, Classes) else answers[:, 0].astype(np.float32)
    back = Blend.fit(members, seen, there, said, problem).judge(own, every, [0.0])[:, 0]
    labels = Labelled(np.zeros((len(own), 2)), model.targets, every)
    return float(model.judge.loss(back, labels, np.ones(len(own), bool)))
