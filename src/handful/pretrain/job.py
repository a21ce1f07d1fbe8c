"""The job: from scenes without labels to a checkpoint, interrupted and resumed as any training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..checkpoint import RECORD, WEIGHTS, load, read_record, save
from ..encoders.pair import Pair
from ..errors import SettingsError
from ..learner import Learner
from ..learners import make, name_of
from ..maps.job import LabelChoice, SceneChoice
from ..maps.record import bands_record, inputs, parameters
from ..maps.scene import Scene
from ..maps.weights import SHIPPED, on_encoder_of
from ..meta_train import LOG, STATE, State, meta_train
from ..problem import Classes
from ..process import one_thread
from ..transfer import print_of
from .choices import Choices, learner_for
from .probe import Probe
from .tiles import Tiles

VIEWS = ("first", "second")  # folders of the encoders of a pair
OF_VIEWS = [f"{view}/{name}" for view in VIEWS for name in (WEIGHTS, RECORD)]
OURS = (WEIGHTS, STATE, LOG, *OF_VIEWS)  # and RECORD, which comes last


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
