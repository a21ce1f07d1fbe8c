"""Encoders: inputs -> features. Each has `reach` (pixels around a pixel that it sees) and, where fixed, `width`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import nn

from ..errors import SettingsError, did_you_mean
from .cell import Cells
from .context import Context
from .dense import Dense, Spectral
from .early import Early
from .image import Conv4, UNet
from .late import Late
from .pair import Pair
from .plain import Plain
from .random_conv import RandomConv
from .residual import ResNet
from .resnet import ResNet12
from .statistics import Statistics
from .table import LearnedStatistics, Table
from .vit import ViT

ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "plain": Plain,
    "table": Table,
    "context": Context,
    "dense": Dense,
    "spectral": Spectral,
    "unet": UNet,
    "conv4": Conv4,
    "cell": Cells,
    "pair": Pair,
    "resnet12": ResNet12,
    "resnet18": partial(ResNet, form="resnet18"),
    "resnet34": partial(ResNet, form="resnet34"),
    "resnet50": partial(ResNet, form="resnet50"),
    "vit_tiny": partial(ViT, form="vit_tiny"),
    "vit_small": partial(ViT, form="vit_small"),
    "vit_base": partial(ViT, form="vit_base"),
    "statistics": Statistics,
    "learned_statistics": LearnedStatistics,
    "random_conv": RandomConv,
    "early": Early,
    "late": Late,
}


MOST = 4096  # of any size of a net: what is larger is not believed
LIMITS = {
    "blocks": (0, 64),
    "side": (0, MOST),
    "depth": (0, 8),
    "cells": (1, 8),
    "halvings": (0, 4),
    "narrow": (0, MOST),
    "attention": (0, MOST),
    "seed": (0, 2**31 - 1),
}
ODD = {"kernel", "windows"}


def make_encoder(name: str, settings: dict[str, Any], named: Mapping[str, int] | None = None) -> nn.Module:
    """The encoder of that name. Raises SettingsError where the name or a setting is unknown or missing.

    named  the inputs that a learner gives beside the examples, and their lengths. An encoder with a place for one
           declares it as a parameter by keyword only; to others it isn't given
    """
    if name not in ENCODERS:
        raise SettingsError(f"no encoder is called '{name}'. {did_you_mean(name, list(ENCODERS))}")
    every = inspect.signature(ENCODERS[name]).parameters
    known = {key: p for key, p in every.items() if p.kind is p.POSITIONAL_OR_KEYWORD}
    places = {key for key, p in every.items() if p.kind is p.KEYWORD_ONLY}
    for key in settings:
        if key not in known:
            raise SettingsError(f"encoder '{name}' has no setting '{key}'. {did_you_mean(key, list(known))}")
    missing = [key for key, p in known.items() if p.default is p.empty and key not in settings]
    if missing:
        raise SettingsError(f"encoder '{name}' needs the setting {', '.join(missing)}: add it to encoder_settings.")
    for key, value in settings.items():
        check_value(name, key, value, known[key].default)
    return ENCODERS[name](**settings, **{key: size for key, size in (named or {}).items() if key in places})


def check_value(name: str, key: str, value: Any, default: Any) -> None:
    """Raise SettingsError where a value isn't of its default's kind."""
    if isinstance(default, bool):
        check_switch(name, key, value)
    elif isinstance(default, str):
        check_word(name, key, value)
    elif isinstance(default, tuple) and default and isinstance(default[0], str):
        check_words(name, key, value)
    elif isinstance(default, float):
        check_chance(name, key, value)
    else:
        check_size(name, key, value, many=isinstance(default, tuple))


def check_words(name: str, key: str, value: Any) -> None:
    """Raise SettingsError where a setting is no list of words; what they say the encoder checks."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(word, str) for word in value):
        raise SettingsError(f"setting '{key}' of encoder '{name}' is {repr(value)[:80]}: give a list of words.")


def check_word(name: str, key: str, value: Any) -> None:
    """Raise SettingsError where a setting is no word; what it says the encoder checks."""
    if not isinstance(value, str):
        raise SettingsError(f"setting '{key}' of encoder '{name}' is {repr(value)[:80]}: give a word.")


def check_chance(name: str, key: str, value: Any) -> None:
    """Raise SettingsError where a setting is no chance, from 0 to below 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise SettingsError(f"setting '{key}' of encoder '{name}' is {repr(value)[:80]}: give 0 or more, below 1.")


def check_switch(name: str, key: str, value: Any) -> None:
    """Raise SettingsError where a setting is neither true nor false."""
    if not isinstance(value, bool):
        raise SettingsError(f"setting '{key}' of encoder '{name}' is {repr(value)[:80]}: give true or false.")


def check_size(name: str, key: str, value: Any, many: bool) -> None:
    """Raise SettingsError where a size, or one of many, is no whole number, beyond belief, or should be odd."""
    (low, high), odd = LIMITS.get(key, (1, MOST)), key in ODD
    sizes = value if isinstance(value, (list, tuple)) else [value]
    if many == isinstance(value, (list, tuple)) and all(
        type(size) is int and low <= size <= high and (size % 2 or not odd) for size in sizes
    ):
        return
    wanted = f"{'odd ' if odd else ''}whole number{'s' if many else ''} from {low:,} to {high:,}"
    raise SettingsError(
        f"setting '{key}' of encoder '{name}' is {repr(value)[:80]}: give {'a list of' if many else 'a'} {wanted}."
    )
