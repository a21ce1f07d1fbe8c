"""The learners of a protocol: a catalogue name, settings, what is tuned, and how it is meta-trained."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from inspect import signature
from typing import Any

import numpy as np

from ..data.sampling import Sampling
from ..encoders import ENCODERS
from ..errors import SettingsError, did_you_mean
from ..learner import Learner
from ..learners import LEARNERS, make
from ..meta_train import Training
from ..problem import Classes
from ..region import Region
from .recipe import check_keys, checked

LOOP = [f.name for f in fields(Training)]
DRAWS = [f.name for f in fields(Sampling)]


@dataclass(frozen=True)
class Frame:
    """What a learner must fit: the form of the examples, their bands, and how many answers there are.

    form     'pixels': a map of targets an example; 'images': one target an image; 'rows': one a row of a table
    bands    of an image or pixel, or features of a row
    outputs  the most classes of a task, 1 for a quantity
    base     classes that regions share, for pretraining on all of them
    """

    form: str
    bands: int
    outputs: int
    base: int = 0
    classes: bool = True


def frame_of(region: Region, ways: int, base: int) -> Frame:
    examples = region.examples
    inputs = examples.inputs if not isinstance(examples.inputs, Mapping) else examples.inputs["bands"]
    form = "pixels" if examples.targets.dim() > 1 else "rows" if inputs.dim() == 2 else "images"
    classes = isinstance(examples.problem, Classes)
    return Frame(form, int(inputs.shape[1]), ways if classes else 1, base, classes)


@dataclass(frozen=True)
class Entry:
    """A learner as a protocol has it.

    label     its name in tables and files
    settings  of the learner
    tune      values to try, by setting; `encoder_settings.x` and `train.x` reach what lies deeper
    train     keys of a recipe's [train]; None for a learner that is used as it comes
    """

    name: str
    label: str
    settings: dict[str, Any] = field(default_factory=dict)
    tune: dict[str, list[Any]] = field(default_factory=dict)
    train: dict[str, Any] | None = None
    rival: bool = False

    def make(self, frame: Frame, seed: int = 0) -> Learner:
        """The learner, untrained; bands and outputs follow from the data unless the settings say them."""
        settings = dict(self.settings)
        encoder = settings.get("encoder") or default_encoder(frame)
        inner = dict(settings.pop("encoder_settings", {}))
        if encoder in ENCODERS and "bands" in signature(ENCODERS[encoder]).parameters:
            inner.setdefault("bands", frame.bands)
        wide = max(frame.outputs, frame.base) if pools(self.name) else frame.outputs
        whole = {"outputs": max(1, wide), "seed": seed, **settings, "encoder": encoder, "encoder_settings": inner}
        return make(self.name, **whole)

    @property
    def training(self) -> tuple[Training, Sampling]:
        table = self.train or {}
        loop = checked(Training, f"learner '{self.label}' train", {k: v for k, v in table.items() if k in LOOP})
        drawn = checked(Sampling, f"learner '{self.label}' train", {k: v for k, v in table.items() if k not in LOOP})
        return loop, drawn

    def combinations(self) -> int:
        return math.prod(len(values) for values in self.tune.values())

    def trials(self, count: int, seed: int) -> list[Entry]:
        """`count` distinct combinations, the same for the same seed; the entry itself where nothing is tuned."""
        if not self.tune:
            return [self]
        every = list(itertools.product(*self.tune.values()))
        chosen = np.random.default_rng(seed).permutation(len(every))[:count]
        return [self.with_values(dict(zip(self.tune, every[index], strict=True))) for index in sorted(chosen)]

    def with_values(self, values: Mapping[str, Any]) -> Entry:
        settings, train = dict(self.settings), dict(self.train or {})
        inner = dict(settings.get("encoder_settings", {}))
        for key, value in values.items():
            place, _, name = key.rpartition(".")
            {"": settings, "encoder_settings": inner, "train": train}[place][name] = value
        if inner:
            settings["encoder_settings"] = inner
        return replace(self, settings=settings, train=train if self.train is not None else None)


def pools(name: str) -> bool:
    """Whether the learner pretrains on the classes that regions share, so that its head needs a column for each."""
    made = LEARNERS.get(name)
    return bool(getattr(getattr(made, "func", made), "pools_classes", False))


def default_encoder(frame: Frame) -> str:
    return {"pixels": "context", "images": "statistics", "rows": "plain"}[frame.form]


def entry_of(table: Mapping[str, Any]) -> Entry:
    """The entry of a table [[learners]]. Raises SettingsError where a name or a key is unknown."""
    rest = dict(table)
    name = str(rest.pop("name", ""))
    if not name:
        raise SettingsError('[[learners]] has no name: add one, such as name = "ridge".')
    label = str(rest.pop("label", name))
    tune, train = rest.pop("tune", {}), rest.pop("train", None)
    if "encoder_settings" in rest and "encoder" not in rest:
        raise SettingsError(
            f"learner '{label}' has encoder_settings but no encoder: name it, such as encoder = \"conv4\"."
        )
    entry = Entry(name, label, rest, {key: list(values) for key, values in lists(label, tune)}, train)
    check_train(entry)
    probe = entry.make(Frame("images", 3, 2))  # of any size: names of settings and their values are checked
    check_tune(entry, probe)
    return entry


def lists(label: str, tune: Any) -> Iterator[tuple[str, list[Any]]]:
    if not isinstance(tune, dict):
        raise SettingsError(f"learner '{label}' tune must be a table: tune = {{ penalty = [0.1, 1.0] }}.")
    for key, values in tune.items():
        if not isinstance(values, list) or not values:
            raise SettingsError(f"learner '{label}' tune.{key} must be a list of values to try.")
        yield key, values


def check_train(entry: Entry) -> None:
    if entry.train is None:
        return
    if not isinstance(entry.train, dict):
        raise SettingsError(f"learner '{entry.label}' train must be a table: train = {{ steps = 500 }}.")
    check_keys(f"learner '{entry.label}' train", entry.train, [*LOOP, *DRAWS])
    if "seed" in entry.train:
        raise SettingsError(f"learner '{entry.label}' train has no seed: [tasks] seeds says how many trainings.")
    entry.training  # noqa: B018 - its values are checked


def check_tune(entry: Entry, probe: Learner) -> None:
    """Raise SettingsError where a setting to tune is unknown or one of its values doesn't fit."""
    for key in entry.tune:
        place, _, name = key.rpartition(".")
        known = {"": list(probe.settings()), "train": [*LOOP, *DRAWS], "encoder_settings": [name]}
        if place not in known or name not in known[place]:
            hint = did_you_mean(name, known.get(place, list(known)))
            raise SettingsError(f"learner '{entry.label}' has no setting '{key}' to tune. {hint}")
        if place == "train" and entry.train is None:
            raise SettingsError(f"learner '{entry.label}' tunes '{key}' but has no table train: add one.")
    for key, values in entry.tune.items():
        for value in values:
            tried = entry.with_values({key: value})
            tried.make(Frame("images", 3, 2))
            tried.training  # noqa: B018
