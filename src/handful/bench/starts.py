"""Learners that start from each other: whose encoder begins with whose weights, and in which order they are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..checkpoint import read_record
from ..errors import SettingsError, did_you_mean
from ..learner import Learner
from ..transfer import FILE, check_source
from .entries import PROBE, Entry, Frame

ENCODER: dict[str, Any] = {"encoder": None, "encoder_settings": {}}  # what a learner has of the one it starts from


def file_of(start: str) -> Path | None:
    """The checkpoint or the file of weights that a start names; None for a label. Raises CheckpointError."""
    if not start.startswith(FILE):
        return None
    path = Path(start.removeprefix(FILE))
    check_source(path)
    return path


def resolved(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The learners, each with the encoder of the one that it starts from.

    Raises SettingsError where that one is unknown, isn't trained, has another encoder or starts from this one.
    """
    by = {entry.label: entry for entry in entries}
    started = {entry.start for entry in entries}
    for entry in entries:
        if not entry.listed and entry.label not in started:
            raise SettingsError(
                f"learner '{entry.label}' has listed = false, but no learner starts from it: remove it."
            )
    return tuple(standing(entry, by, ()) for entry in entries)


def standing(entry: Entry, by: Mapping[str, Entry], path: tuple[str, ...]) -> Entry:
    """The learner with the encoder of its start; `path` are the labels that lead here."""
    source = file_of(entry.start)
    if source is not None:
        return of_checkpoint(entry, source) if source.is_dir() else entry
    if not entry.start:
        return entry
    path = (*path, entry.label)
    if entry.start in path:
        raise SettingsError(f"learners start from each other in a circle: {' <- '.join((*path, entry.start))}.")
    if entry.start not in by:
        raise SettingsError(
            f"learner '{entry.label}' starts from '{entry.start}', which is no label of this protocol. "
            f"{did_you_mean(entry.start, [label for label in by if label != entry.label])}"
        )
    target = standing(by[entry.start], by, path)
    if target.train is None:
        raise SettingsError(
            f"learner '{entry.label}' starts from '{target.label}', which isn't trained: give that one a table train."
        )
    check_encoder(entry, target)
    return replace(entry, settings={**entry.settings, **{k: v for k, v in target.settings.items() if k in ENCODER}})


def of_checkpoint(entry: Entry, folder: Path) -> Entry:
    """The learner with the encoder of a checkpoint. Raises CheckpointError where there is none."""
    told = read_record(folder).get("settings", {})
    source = Entry(entry.name, str(folder), {key: told[key] for key in ENCODER if key in told})
    check_encoder(entry, source)
    return replace(entry, settings={**entry.settings, **source.settings})


def check_encoder(entry: Entry, target: Entry) -> None:
    tuned = [key for key in entry.tune if key.partition(".")[0] in ENCODER]
    if tuned:
        raise SettingsError(
            f"learner '{entry.label}' tunes '{tuned[0]}', but its encoder is that of '{target.label}', from which it "
            "starts: tune it there."
        )
    for key, default in ENCODER.items():
        if key in entry.settings and entry.settings[key] != target.settings.get(key, default):
            raise SettingsError(
                f"learner '{entry.label}' has the {key} {entry.settings[key]!r}, but '{target.label}', from which it "
                f"starts, {target.settings.get(key, default)!r}: leave it out, it is taken from there."
            )


def check_learned(entries: Sequence[Entry]) -> None:
    """Raise SettingsError where a start has no learned encoder to give, or where it would be given away."""
    by = {entry.label: entry for entry in entries}
    for entry in entries:
        if not entry.start or file_of(entry.start):
            continue
        target = by[entry.start]
        learned = any(weight.requires_grad for weight in target.make(PROBE).net.encoder.parameters())
        if not learned and "encoder" not in target.tune:
            raise SettingsError(
                f"learner '{entry.label}' starts from '{target.label}', whose encoder learns nothing: give that one an "
                'encoder with weights, such as encoder = "dense" or "conv4".'
            )
        try:
            begun(entry, PROBE, 0, target.make(PROBE))
        except SettingsError as fault:
            raise SettingsError(f"learner '{entry.label}' starts from '{target.label}': {fault}") from None
        if not getattr(entry.make(PROBE), "pretrained", True):
            raise SettingsError(
                f"learner '{entry.label}' begins each task with random weights (pretrained = false): a start is of no "
                "use to it. Leave start out."
            )


def depths(entries: Sequence[Entry]) -> list[int]:
    """How many learners must be trained before each, one after the other."""
    by = {entry.label: entry for entry in entries}
    return [depth(entry, by) for entry in entries]


def depth(entry: Entry, by: Mapping[str, Entry]) -> int:
    return 1 + depth(by[entry.start], by) if entry.start in by else 0


def begun(entry: Entry, frame: Frame, seed: int, start: Learner | None) -> Learner:
    """The learner, untrained, with the encoder of the one that it starts from, its weights included."""
    if start is None:
        return entry.make(frame, seed)
    told = {key: value for key, value in start.settings().items() if key in ENCODER}
    learner = replace(entry, settings={**entry.settings, **told}).make(frame, seed)
    learner.take_encoder(start.lent_encoder())
    return learner
