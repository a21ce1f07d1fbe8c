"""The job: from scenes without labels to a checkpoint, interrupted and resumed as any training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from ..checkpoint import RECORD, WEIGHTS, load, read_record, save
from ..encoders import ENCODERS, make_encoder
from ..encoders.pair import Pair
from ..errors import SettingsError, did_you_mean
from ..learner import Learner
from ..learners import LEARNERS, make, name_of
from ..maps.job import LabelChoice, SceneChoice
from ..maps.process import one_thread
from ..maps.record import bands_record, inputs, parameters
from ..maps.scene import Scene
from ..maps.weights import SHIPPED, on_encoder_of
from ..meta_train import LOG, STATE, State, Training, meta_train
from ..problem import Classes
from ..transfer import begun_at, print_of
from .probe import Probe
from .tiles import Tiles

VIEWS = ("first", "second")  # folders of the encoders of a pair
OURS = (
    WEIGHTS,
    STATE,
    LOG,
    *(f"{view}/{name}" for view in VIEWS for name in (WEIGHTS, RECORD)),
)  # RECORD last
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


@dataclass(frozen=True)
class Judged:
    """What a few labels say: balanced accuracy of bare bands, of the shipped encoder, and of ours before any step."""

    bands: float
    shipped: float | None
    start: float


def pretrain(
    scene_choices: Sequence[SceneChoice],
    choices: Choices,
    output: Path,
    label_choice: LabelChoice | None = None,
    *,
    tell: Callable[[str], None] = lambda sentence: None,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Learn an encoder into `output`, which the caller has claimed, and return the record."""
    one_thread()
    scenes = [choice.open() for choice in scene_choices]
    for note in (note for scene in scenes for note in scene.notes):
        tell(note)
    learner, tiles = learner_for(scenes, choices), Tiles.of(scenes, choices.patch, choices.seed)
    if tiles.share < 1:
        tell(f"The scenes are large: patches come from {tiles.share:.0%} of them, drawn with the seed.")
    probe = None if label_choice is None else probe_of(scenes[0], tiles, label_choice, choices, learner, tell)
    before = None if probe is None else first_judged(probe, learner)
    told = told_of(scene_choices, label_choice, choices)
    if before:
        tell(sentence_of(before))
    watched = Watched(probe, tell, progress)
    state = meta_train(
        learner,
        lambda step: [tiles.task(choices.patches, choices.seed, step)],
        choices.training(),
        validate=None if probe is None else watched.judge,
        choose=False,
        folder=output,
        key=hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        progress=watched.after,
    )
    record = told | of_run(scenes, state, before)
    save_views(learner, output)
    save(learner, choices.method, output, **record)
    (output / STATE).unlink(missing_ok=True)
    return read_record(output)


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


def probe_of(
    scene: Scene,
    tiles: Tiles,
    label_choice: LabelChoice,
    choices: Choices,
    learner: Learner,
    tell: Callable[[str], None],
) -> Probe:
    """The labels of the first scene. Raises LabelsError, or SettingsError for a quantity."""
    labels = label_choice.read(scene, choices.seed)
    for note in labels.notes:
        tell(note)
    labels.require_enough()
    if not isinstance(labels.problem, Classes):
        raise SettingsError("--labels of a quantity have no balanced accuracy: give classes with --class-column.")
    reach = int(learner.net.encoder.reach)  # type: ignore[arg-type]
    return Probe.of(scene, tiles.sights[0], labels, 2 * reach + 1 if reach else choices.patch, choices.seed)


def first_judged(probe: Probe, learner: Learner) -> Judged:
    shipped = None
    if learner.encoder == "spectral":
        other = on_encoder_of(load(SHIPPED)[0], name_of(learner))
        shipped = probe.of_features(other)
    return Judged(probe.of_bands(learner), shipped, probe.of_features(learner))


def sentence_of(before: Judged) -> str:
    shipped = "" if before.shipped is None else f", {before.shipped:.3f} on features of the shipped weights"
    return (
        f"On the labels, out of folds in space, a ridge has a balanced accuracy of {before.bands:.3f} on bare bands"
        f"{shipped} and {before.start:.3f} on features before any step."
    )


@dataclass
class Watched:
    """The probe, a sentence after each of its judgements, and the bar."""

    probe: Probe | None
    tell: Callable[[str], None]
    progress: Callable[[str, int, int], None]
    last: float | None = None

    def judge(self, learner: Learner) -> float:
        assert self.probe is not None
        self.last = self.probe.of_features(learner)
        return self.last

    def after(self, step: int, steps: int, loss: float) -> None:
        self.progress("pretraining", step, steps)
        if self.last is not None:
            self.tell(f"Step {step:,}: {self.last:.3f} on features.")
            self.last = None


def save_views(learner: Learner, output: Path) -> None:
    """The two encoders of a pair, each a checkpoint of its own, for scenes of one of the two sensors."""
    pair = learner.net.encoder
    if not isinstance(pair, Pair):
        return
    for name, encoder, bands in zip(VIEWS, (pair.one, pair.other), pair.counts, strict=True):
        told = {"bands": bands} | ({"width": pair.asked} if pair.asked else {})
        alone = make("ridge", encoder=pair.kind, encoder_settings=told)
        alone.take_encoder(encoder)
        save(alone, "ridge", output / name)


def told_of(scene_choices: Sequence[SceneChoice], label_choice: LabelChoice | None, choices: Choices) -> dict[str, Any]:
    """What a run is asked for, and the checksums of the files that it reads."""
    asked = [parameters(choice) for choice in scene_choices]
    asked += [] if label_choice is None else [parameters(label_choice)]
    begun = {} if choices.weights in (None, "shipped") else {"weights_checksum": print_of(Path(choices.weights))}
    return {"asked": asked, "choices": asdict(choices), "inputs": [inputs(one) for one in asked]} | begun


def of_run(scenes: Sequence[Scene], state: State, before: Judged | None) -> dict[str, Any]:
    """What came of it."""
    way = {row["step"]: row["validation"] for row in state.log if row["validation"] is not None}
    return {
        "bands": [bands_record(scene) for scene in scenes],
        "radiometry": [scene.radiometry_record for scene in scenes],
        "trained": [path for scene in scenes for path in scene.paths],
        "steps": state.step,
        "loss": state.log[-1]["loss"],
        "seconds": state.seconds,
        "balanced_accuracy": None if before is None else {**asdict(before), "steps": way},
    }


def rehearse(
    scene_choices: Sequence[SceneChoice], choices: Choices, label_choice: LabelChoice | None
) -> dict[str, Any]:
    """Read the inputs and say what would be done."""
    scenes = [choice.open() for choice in scene_choices]
    learner = learner_for(scenes, choices)
    labels = None if label_choice is None else label_choice.read(scenes[0], choices.seed)
    said = f"learn '{learner.encoder}' by {choices.method} from {len(scenes)} scenes in {choices.steps:,} steps"
    return {
        "sentence": said,
        "method": choices.method,
        "encoder": learner.encoder,
        "encoder_settings": learner.encoder_settings,
        "scenes": len(scenes),
        "labels": None if labels is None else len(labels),
    }
