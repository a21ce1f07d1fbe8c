"""What a pretraining is asked for, and the learner that suits the scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from ..checkpoint import load
from ..encoders import ENCODERS, make_encoder
from ..errors import SettingsError, did_you_mean
from ..learner import Learner
from ..learners import LEARNERS, make
from ..maps.scene import Scene
from ..maps.weights import SHIPPED
from ..meta_train import Training
from ..transfer import begun_at

SPECTRUM = 3  # bands of known wavelength that make a spectrum
JUDGEMENTS = 10  # of the features on the way, where there are labels
METHODS = [name for name, made in LEARNERS.items() if getattr(made, "labels_unread", False)]


@dataclass(frozen=True)
class Choices:
    """What the user decides.

    method    a learner of the catalogue that reads no labels, and settings of it
    encoder   by its name, and settings of it; what suits the scenes where empty
    weights   a checkpoint whose encoder it begins with, or 'shipped'
    steps     of training; patches: how many in each; patch: pixels of a side
    """

    method: str = "simclr"
    settings: dict[str, Any] = field(default_factory=dict)
    encoder: str = ""
    encoder_settings: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    steps: int = 500
    patches: int = 64
    patch: int = 32
    step_size: float = 1e-3
    seed: int = 0

    def training(self) -> Training:
        every = max(1, self.steps // JUDGEMENTS)
        return Training(steps=self.steps, step_size=self.step_size, validate_every=every, seed=self.seed)


def learner_for(scenes: Sequence[Scene], choices: Choices) -> Learner:
    """The untrained learner. Raises SettingsError where the method is none, or the encoder doesn't fit the scenes."""
    if choices.method not in METHODS:
        raise SettingsError(
            f"no self-supervision is called '{choices.method}'. {did_you_mean(choices.method, METHODS)}"
        )
    source = None if choices.weights is None else SHIPPED if choices.weights == "shipped" else Path(choices.weights)
    start = None if source is None or source.is_file() else load(source)[0]
    name, told = encoder_for(scenes, choices, start)
    if not any(True for _ in make_encoder(name, told).parameters()):
        raise SettingsError(f"encoder '{name}' has nothing to learn: take dense, spectral, conv4 or resnet12.")
    given = {"seed": choices.seed, **choices.settings, "encoder": name, "encoder_settings": told}
    learner = make(choices.method, **given)
    return learner if source is None else begun_at(source, learner)


def encoder_for(scenes: Sequence[Scene], choices: Choices, start: Learner | None) -> tuple[str, dict[str, Any]]:
    """The encoder and its settings: those asked for, those of the start, or what suits the scenes.

    Bands of known wavelength suit `spectral`, which the shipped weights are of; other bands, or several dates, `dense`.
    """
    spectra = all(is_spectrum(scene) for scene in scenes)
    if start is not None:
        if choices.encoder or choices.encoder_settings:
            raise SettingsError("--weights brings its own encoder: leave --encoder and its settings out.")
        name, told = start.encoder, dict(start.encoder_settings)
    else:
        alone = "spectral" if spectra else "dense"
        name = choices.encoder or ("pair" if choices.method == "dual_simclr" else alone)
        told = dict(choices.encoder_settings)
    if name == "pair":
        told.setdefault("first", first_view(scenes))
    if name == "spectral" and not spectra:
        raise SettingsError(
            f"encoder 'spectral' reads one date of {SPECTRUM} bands of known wavelength at least, which not every "
            "scene has: name the bands with --bands or --sensor, or take --encoder dense."
        )
    if name in ENCODERS and "bands" in signature(ENCODERS[name]).parameters:
        counts = sorted({len(scene.bands) for scene in scenes})
        if len(counts) > 1 or told.setdefault("bands", counts[0]) != counts[0]:
            had = told.get("bands", "one number of")
            raise SettingsError(
                f"encoder '{name}' reads {had} bands, but the scenes have {', '.join(map(str, counts))}: "
                "give scenes of the same bands, skip some with --bands, or take --encoder spectral."
            )
    return name, told


def first_view(scenes: Sequence[Scene]) -> int:
    """The bands of the first raster of each pair. Raises SettingsError where there are no pairs."""
    counts = {sum(band.raster == 0 for band in scene.bands) for scene in scenes}
    if len(counts) != 1 or any(len(scene.paths) < 2 for scene in scenes):
        raise SettingsError(
            "two views take two rasters of each place, the first of all with the same bands: give --pair A.tif=B.tif."
        )
    return counts.pop()


def is_spectrum(scene: Scene) -> bool:
    """Whether the scene is of one date, with bands of known wavelength."""
    return int(np.isfinite(scene.wavelengths).sum()) >= SPECTRUM and not scene.dates.any()
