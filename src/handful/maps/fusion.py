"""A learner of the scene alone made one of all that lies beside it too: stacked (early), or each by itself (late)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..encoders.fused import said
from ..errors import SettingsError
from ..learner import Learner
from ..learners import name_of
from .auto import WINDOWS, Candidate, unique
from .members import Member
from .sampling import SIDE
from .scene import Scene

WAYS = ("early", "late")
STACKS = ("plain", "context", "spectral")  # encoders that take any number of bands
CONTEXT = said("context", {"windows": WINDOWS})  # of what no encoder was learned for


@dataclass(frozen=True)
class Fusion:
    """What lies beside a scene, and how it is fused: none, or one of the ways, or each of them to compare.

    optical  name to whether it has bands of known wavelength, in their order
    ways     early, late, or both
    """

    optical: Mapping[str, bool]
    ways: tuple[str, ...]

    @classmethod
    def of(cls, scene: Scene, fusion: str) -> Fusion:
        """As `--fusion` says."""
        optical = {other.name: other.kind == "optical" for other in scene.others}
        return cls(optical, () if not optical else WAYS if fusion == "auto" else (fusion,))

    def fused(self, learner: Learner, way: str) -> Learner:
        """The same learner, with the weights that it has; as it is where it was trained on several modalities.

        Raises SettingsError where it can't be fused so.
        """
        if learner.encoder in WAYS:
            return learner
        check_fusable(learner, way)
        text = said(learner.encoder, learner.encoder_settings)
        if way == "early":
            made = renewed(learner, way, {"modalities": ("bands", *self.optical), "encoder": text})
            made.net.encoder.encoder.load_state_dict(learner.net.encoder.state_dict())  # type: ignore[union-attr]
            return made
        same = learner.encoder in STACKS[:2]
        alike = [same or (optical and learner.encoder == "spectral") for optical in self.optical.values()]
        names, texts = ["bands", *self.optical], [text, *(text if own else CONTEXT for own in alike)]
        made = renewed(learner, way, {"parts": tuple(map(" ".join, zip(names, texts, strict=True)))})
        for part, encoder in zip(texts, made.net.encoder.encoders, strict=True):  # type: ignore[arg-type]
            if part == text:
                encoder.load_state_dict(learner.net.encoder.state_dict())
        return made

    def member(self, member: Member, way: str) -> Member:
        return Member(f"{member.name}, {way} fusion", self.fused(member.learner, way))

    def candidate(self, candidate: Candidate, way: str) -> Candidate:
        """A candidate of the scene alone with every member fused."""
        members = tuple(self.member(member, way) for member in candidate.members)
        return Candidate(f"{candidate.name}, {way} fusion", members, candidate.rival)


def renewed(learner: Learner, encoder: str, settings: dict[str, Any]) -> Learner:
    """The learner on another encoder, with the head's weights. Raises SettingsError where the head is too narrow."""
    refused = SettingsError(
        f"--with: learner '{name_of(learner)}' answers with a head that was learned for the scene's features alone. "
        "Choose auto, ridge, protonet or logistic, or train it on all of them (`handful train`)."
    )
    try:
        made = replace(learner, encoder=encoder, encoder_settings=settings)
    except SettingsError:  # a head that must know the width, which fixed features don't
        raise refused from None
    wanted, given = made.net.head.state_dict(), learner.net.head.state_dict()
    if {name: w.shape for name, w in wanted.items()} != {name: w.shape for name, w in given.items()}:
        raise refused
    made.net.head.load_state_dict(given)
    return made


def check_fusable(learner: Learner, way: str) -> None:
    """Raise SettingsError where a learner moves its encoder, or that reads a number of bands."""
    if learner.moves_encoder:
        raise SettingsError(
            f"--with: learner '{name_of(learner)}' moves its encoder, which was learned for the scene alone. "
            "Choose auto, ridge, protonet or logistic."
        )
    if way == "early" and learner.encoder not in STACKS:
        raise SettingsError(
            f"--fusion early: encoder '{learner.encoder}' reads the bands that it was trained on and no more: "
            "give --fusion late."
        )


def stacks(candidate: Candidate) -> bool:
    """Whether all of its members take a stack of any number of bands."""
    return all(member.learner.encoder in (*STACKS, *WAYS) for member in candidate.members)


def with_others(alone: list[Candidate], fusion: Fusion) -> list[Candidate]:
    """The candidates of a scene with something beside it; the first is the default.

    Where both ways are compared, the scene alone comes first, and then the first candidate fused in each way. A random
    forest on everything stands beside the rivals.
    """
    if not fusion.ways:
        return alone
    rivals = [candidate for candidate in alone if candidate.rival]
    rivals += [replace(fusion.candidate(rivals[0], "early"), name=f"{rivals[0].name} of everything")]
    strong = [candidate for candidate in alone if not candidate.rival]
    if len(fusion.ways) > 1:
        ways = [way for way in fusion.ways if way != "early" or stacks(strong[0])]
        return [strong[0], *(fusion.candidate(strong[0], way) for way in ways), *strong[1:], *rivals]
    members = unique(member for candidate in strong for member in candidate.members)
    fused = {id(member): fusion.member(member, fusion.ways[0]) for member in members}
    return [
        Candidate(f"{candidate.name}, {fusion.ways[0]} fusion", tuple(fused[id(m)] for m in candidate.members))
        for candidate in strong
    ] + rivals


def way_of(candidate: Candidate) -> str | None:
    """How a candidate fuses what lies beside the scene; None where it reads the scene alone."""
    return next((m.learner.encoder for m in candidate.members if m.learner.encoder in WAYS), None)


def missing_share(scene: Scene, count: int, seed: int) -> dict[str, float]:
    """Name to the share of the scene's pixels in which it is missing, from a sample of so many."""
    values, rows, columns = scene.sample(count, seed)
    _, block, pixels = np.unique(
        rows // SIDE * scene.grid.width + columns // SIDE, return_inverse=True, return_counts=True
    )
    height = np.minimum(scene.grid.height - rows // SIDE * SIDE, SIDE)
    area = height * np.minimum(scene.grid.width - columns // SIDE * SIDE, SIDE)
    weights, start, found = area / pixels[block], len(scene.bands), {}  # each block counts by its size
    for other in scene.others:
        missing = ~np.isfinite(values[:, start : start + other.count]).all(1)
        start += other.count
        found[other.name] = round(float(weights @ missing / weights.sum()), 4)
    return found


def missing_said(shares: Mapping[str, float]) -> list[str]:
    """A sentence for each that is missing somewhere."""
    return [
        f"{name} is missing in {'less than 1' if share < 0.01 else f'about {100 * share:.0f}'} % of the scene: "
        "what is mapped there is mapped without it."
        for name, share in shares.items()
        if share
    ]
