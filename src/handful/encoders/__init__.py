"""Encoders: inputs -> features. Each has `reach` (pixels around a pixel that it sees) and, where fixed, `width`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from ..errors import SettingsError, did_you_mean
from .context import Context
from .dense import Dense, Spectral
from .image import Conv4, UNet
from .plain import Plain
from .random_conv import RandomConv
from .statistics import Statistics

ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "plain": Plain,
    "context": Context,
    "dense": Dense,
    "spectral": Spectral,
    "unet": UNet,
    "conv4": Conv4,
    "statistics": Statistics,
    "random_conv": RandomConv,
}


def make_encoder(name: str, settings: dict[str, Any]) -> nn.Module:
    """The encoder of that name. Raises SettingsError where the name or a setting is unknown or missing."""
    if name not in ENCODERS:
        raise SettingsError(f"no encoder is called '{name}'. {did_you_mean(name, list(ENCODERS))}")
    every = inspect.signature(ENCODERS[name]).parameters
    known = {key: p for key, p in every.items() if p.kind is not p.VAR_POSITIONAL and p.kind is not p.VAR_KEYWORD}
    for key in settings:
        if key not in known:
            raise SettingsError(f"encoder '{name}' has no setting '{key}'. {did_you_mean(key, list(known))}")
    missing = [key for key, p in known.items() if p.default is p.empty and key not in settings]
    if missing:
        raise SettingsError(f"encoder '{name}' needs the setting {', '.join(missing)}: add it to encoder_settings.")
    return ENCODERS[name](**settings)
