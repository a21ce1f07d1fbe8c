"""The learners of a protocol: a catalogue name, settings, what is tuned, and how it is meta-trained."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from inspect import signature
from typing import Any

import numpy as np

from ..augment import without
from ..data.sampling import Sampling
from ..encoders import ENCODERS
from ..errors import SettingsError, did_you_mean
from ..learner import Learner
from ..learners import LEARNERS, make
from ..meta_train import Training
from ..problem import Classes
from ..region import Region
from .recipe import check_keys, checked
from .sources import names_of

LOOP = [f.name for f in fields(Training)]
DRAWS = [f.name for f in fields(Sampling)]


@dataclass(frozen=True)
class Frame:
    """What a learner must fit: the form of the examples, their bands, and how many answers there are.

    form     'pixels': a map of targets an example; 'images': one target an image; 'rows': one a row of a table
    bands    of an image or pixel, or features of a row
    outputs  the most classes of a task, 1 for a quantity
    base     classes that regions share, for pretraining on all of them
    shared   whether an answer means the same in every task, so that rows of other regions can be pooled
    whole    whether a label is an image with its mask
    """

    form: str
    bands: int
    outputs: int
    base: int = 0
    classes: bool = True
    shared: bool = False
    whole: bool = False


def frame_of(region: Region, ways: int) -> Frame:
    examples = region.examples
    inputs = examples.inputs if not isinstance(examples.inputs, Mapping) else examples.inputs["bands"]
    form = "pixels" if examples.targets.dim() > 1 else "rows" if inputs.dim() == 2 else "images"
    classes = isinstance(examples.problem, Classes)
    return Frame(form, int(inputs.shape[1]), ways if classes else 1, classes=classes)


PROBE = Frame("images", 3, 2)  # of any size: with it names of settings and their values are checked


@dataclass(frozen=True)
class Entry:
    """A learner as a protocol has it.

    label     its name in tables and files
    settings  of the learner
    tune      values to try, by setting; `encoder_settings.x` and `train.x` reach what lies deeper
    train     keys of a recipe's [train], and data; None for a learner that is used as it comes
    start     label of the learner with whose encoder it begins
    listed    False for one that others start from and that isn't scored itself
    """

    name: str
    label: str
    settings: dict[str, Any] = field(default_factory=dict)
    tune: dict[str, list[Any]] = field(default_factory=dict)
    train: dict[str, Any] | None = None
    start: str = ""
    listed: bool = True
    rival: bool = False

    def make(self, frame: Frame, seed: int = 0) -> Learner:
        """The learner, untrained; bands and outputs follow from the data unless the settings say them."""
        settings = dict(self.settings)
        encoder = settings.get("encoder") or default_encoder(frame)
        inner = dict(settings.pop("encoder_settings", {}))
        if encoder in ENCODERS and "bands" in signature(ENCODERS[encoder]).parameters:
            inner.setdefault("bands", frame.bands)
        base = frame.base if has(self.name, "pools_classes") else 0
        wide = max(frame.outputs, base, int((self.train or {}).get("ways", 0)))
        whole = {"outputs": max(1, wide), "seed": seed, **settings, "encoder": encoder, "encoder_settings": inner}
        return make(self.name, **whole)

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the data sets that it is trained on instead of the protocol's own."""
        return tuple((self.train or {}).get("data", ()))

    @property
    def training(self) -> tuple[Training, Sampling]:
        table = {key: value for key, value in (self.train or {}).items() if key != "data"}
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


def has(name: str, trait: str) -> bool:
    """Whether the learner of that name says so of itself: pools_classes, keeps_rows."""
    made = LEARNERS.get(name)
    return bool(getattr(getattr(made, "func", made), trait, False))


def check_pool(entry: Entry, frame: Frame) -> None:
    """Raise SettingsError where a learner keeps rows of the regions, but a task's classes have no names."""
    if has(entry.name, "keeps_rows") and not frame.shared:
        raise SettingsError(
            f"learner '{entry.label}' pools the rows of all train sites, but a task's classes are hidden: "
            'leave it out, or set classes = "shared" under [data] where they mean the same at every site.'
        )


def check_turns(entry: Entry, turns: bool) -> None:
    """Raise SettingsError where a learner turns images of a data set in which a turn makes another class."""
    for tried in (entry, *(entry.with_values({key: value}) for key, of in entry.tune.items() for value in of)):
        words, views = tried.settings.get("augment", ()), tried.settings.get("views", 1)
        if not turns and (views > 1 or len(without(words, ["turns"])) < len(words)):
            raise SettingsError(
                f"learner '{entry.label}' turns images, but turned ones of these data are of another class: "
                "leave 'turns' out of augment, and views at 1."
            )


def default_encoder(frame: Frame) -> str:
    return {"pixels": "context", "images": "statistics", "rows": "plain"}[frame.form]


def entry_of(table: Mapping[str, Any]) -> Entry:
    """The entry of a table [[learners]]. Raises SettingsError where a key is missing or isn't of its kind."""
    rest = dict(table)
    name = str(rest.pop("name", ""))
    if not name:
        raise SettingsError('[[learners]] has no name: add one, such as name = "ridge".')
    label = str(rest.pop("label", name))
    tune, train = rest.pop("tune", {}), rest.pop("train", None)
    start, listed = rest.pop("start", ""), rest.pop("listed", True)
    if not isinstance(start, str):
        raise SettingsError(f"learner '{label}' start is {start!r}: give the label of another learner.")
    if not isinstance(listed, bool):
        raise SettingsError(f"learner '{label}' listed is {listed!r}: give true or false.")
    return Entry(name, label, rest, {key: list(values) for key, values in lists(label, tune)}, train, start, listed)


def check_entry(entry: Entry) -> None:
    """Raise SettingsError where a name, a key or a value is unknown."""
    if "encoder_settings" in entry.settings and "encoder" not in entry.settings:
        raise SettingsError(
            f"learner '{entry.label}' has encoder_settings but no encoder: name it, such as encoder = \"conv4\"."
        )
    check_train(entry)
    check_tune(entry, entry.make(PROBE))


def lists(label: str, tune: Any) -> Iterator[tuple[str, list[Any]]]:
    if not isinstance(tune, dict):
        raise SettingsError(f"learner '{label}' tune must be a table: tune = {{ penalty = [0.1, 1.0] }}.")
    for key, values in tune.items():
        if not isinstance(values, list) or not values:
            raise SettingsError(f"learner '{label}' tune.{key} must be a list of values to try.")
        yield key, values


def check_train(entry: Entry) -> None:
    if entry.train is None:
        if has(entry.name, "keeps_rows"):
            raise SettingsError(f"learner '{entry.label}' keeps rows of the train sites: add train = {{}}.")
        return
    if not isinstance(entry.train, dict):
        raise SettingsError(f"learner '{entry.label}' train must be a table: train = {{ steps = 500 }}.")
    check_keys(f"learner '{entry.label}' train", entry.train, ["data", *LOOP, *DRAWS])
    if "data" in entry.train:
        names_of(entry.label, entry.train["data"])
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
            tried.make(PROBE)
            tried.training  # noqa: B018
