"""Learners with weights that were learned elsewhere: shipped with handful, or the user's own checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..checkpoint import load
from ..errors import SettingsError, did_you_mean
from ..learner import Learner, make_checked
from ..learners import LEARNERS, make
from ..learners.classical import Classical
from .lacking import read_by
from .scene import Scene

SHIPPED = Path(__file__).parent.parent / "weights"


def pretrained(name: str, outputs: int, seed: int = 0, weights: str | Path | None = None) -> Learner:
    """The learner of that name for a map of so many outputs, on the shipped encoder or that of a checkpoint.

    A learner that nothing is learned for across tasks comes with the fixed context of a pixel instead.
    Raises SettingsError for an unknown learner, CheckpointError for a damaged checkpoint.
    """
    if name not in LEARNERS:
        raise SettingsError(f"no learner is called '{name}'. {did_you_mean(name, ['auto', *LEARNERS])}")
    bare = make(name, seed=seed)
    if weights is not None:
        _source(str(weights))  # whatever is wrong with them is said, also where they aren't used
    fixed = partial(make, name, encoder="context", seed=seed)
    if isinstance(bare, Classical):
        return fixed()
    source, source_name = _source(str(SHIPPED if weights is None else weights))
    if source_name == name and (source.outputs >= outputs or not source.limited):
        return source
    if not bare.meta_learned:  # a pool that isn't the checkpoint's: it has no rows
        return fixed()
    return on_encoder_of(source, name, outputs=outputs, seed=seed)


def on_encoder_of(source: Learner, name: str, **settings: Any) -> Learner:
    """Another learner on the learned encoder of `source`. Raises SettingsError where it can't stand on that."""
    learner = make(name, encoder=source.encoder, encoder_settings=source.encoder_settings, **settings)
    learner.take_encoder(source.lent_encoder())
    return learner


def with_settings(learner: Learner, name: str, **settings: Any) -> Learner:
    """The learner with other settings on the same net. Raises SettingsError where one doesn't fit."""
    found = make_checked(lambda **given: replace(learner, **given), name, settings)
    found.net = learner.net
    return found


@cache
def _source(folder: str) -> tuple[Learner, str]:
    if Path(folder).is_file():
        raise SettingsError(
            f"--weights {folder} is a file: a map takes the folder of `handful pretrain` or `handful train`. Weights "
            "from outside are of whole images; a recipe or a bench starts from them (see docs/pretrain.md)."
        )
    learner, record = load(folder)
    if getattr(learner.net.encoder, "of_images", False):
        raise SettingsError(
            f"--weights {folder} describes whole images (encoder '{learner.encoder}'), and a map needs each pixel: "
            "give weights of spectral, dense, unet or pair."
        )
    return learner, str(record["learner"])


def check_plain(scene: Scene, learners: Sequence[Learner]) -> None:
    """Raise SettingsError where copies or views are asked for beside what they can't change."""
    if scene.others and any(learner.augment or learner.views > 1 for learner in learners):
        raise SettingsError("--augment and --views change the scene alone: leave them out, or leave out --with.")


def check_beside(learner: Learner, names: Sequence[str], weights: str | Path | None) -> None:
    """Raise SettingsError where an encoder reads what doesn't lie beside the scene."""
    missing = [name for name in read_by(learner) if name not in names]
    if missing:
        words = " ".join(f"--with {name}=FILE" for name in missing)
        raise SettingsError(f"--weights {weights} reads {' and '.join(missing)} beside the scene: give {words}.")


def check_bands(learner: Learner, bands: int, weights: str | Path | None) -> None:
    """Raise SettingsError where an encoder of a fixed number of bands can't take a scene of another."""
    wanted = learner.encoder_settings.get("bands")
    if wanted is not None and wanted != bands:
        raise SettingsError(
            f"--weights {weights} reads {wanted} bands, but the scene has {bands}: "
            "give the bands that it was trained on with --bands, or other weights."
        )
