"""Whether a scene is read as the one was that a model was made on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import SettingsError
from .fit import SAMPLE
from .scene import Scene
from .sight import Sight


def check_scene(scene: Scene, wanted: Sight, kept: Mapping[str, Any]) -> None:
    """Raise SettingsError where a scene's bands or its radiometry are not those that a model was made for.

    kept  the model's record: its bands and its radiometry
    """
    same = len(wanted.dates) == len(scene.dates) and bool((wanted.dates == scene.dates).all())
    if not same or not np.allclose(wanted.wavelengths, scene.wavelengths, atol=40.0, equal_nan=True):
        names = ", ".join(str(band["name"]) for band in kept.get("bands") or [])
        now = ", ".join(band.name for band in scene.bands)
        raise SettingsError(
            f"the model was made for the bands {names}; the scene has {now}. "
            "Name the scene's bands with --bands, in file order ('-' skips one), so that they are the same."
        )
    check_others(scene, wanted)
    if not wanted.suits(scene.sample(SAMPLE, 0)[0]):
        then, now = (radiometry_said(record) for record in (kept.get("radiometry"), scene.radiometry_record))
        raise SettingsError(
            f"the model was made from values of radiometry {then}; those of the scene, read with {now}, are of another "
            "size. Say how its numbers become the same with --radiometry."
        )


def check_others(scene: Scene, wanted: Sight) -> None:
    """Raise SettingsError where what a model was made with doesn't lie beside the scene, or isn't alike."""
    there = {other.name: other for other in scene.others}
    missing = [name for name in wanted.names if name not in there]
    if missing:
        words = " ".join(f"--with {name}=FILE" for name in missing)
        raise SettingsError(
            f"the model was made with {' and '.join(missing)} beside the scene: give {words}. "
            "A file that has data in a part of the scene will do."
        )
    for name, other in wanted.others:
        now = there[name]
        same = len(other.wavelengths) == now.count
        if not same or not np.allclose(other.wavelengths, now.wavelengths, atol=40.0, equal_nan=True):
            raise SettingsError(
                f"--with {name}: the model was made with {len(other.wavelengths)} bands of it"
                f"{'' if same else f', and this file has {now.count}'}: give the same bands, in the same order."
            )


def radiometry_said(record: Any) -> str:
    """The radiometry of a scene or of a model's record in a few words."""
    known = record if isinstance(record, dict) else {}
    return f"{known.get('name')} ({known.get('scale')}, {known.get('offset')})"
