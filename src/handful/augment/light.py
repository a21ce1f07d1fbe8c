"""How light, air and sensor change what is measured of the same ground; physics that `simulate` shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ..errors import TaskError
from ..task import Inputs, first_tensor

STEEPNESS = (0.8, 2.5)  # of haze's fall with wavelength: from coarse dust to the finest smoke
Array = TypeVar("Array", np.ndarray, Tensor)


def angstrom(nm: np.ndarray, amount: float, exponent: float, at: float = 490.0) -> np.ndarray:
    """Scattering by Angstrom's law (bands,): `amount` at a wavelength in nm, falling with wavelength."""
    return amount * (nm / at) ** -exponent


def grain(reflectance: Array) -> Array:
    """The deviation of a sensor's noise, as a share of that at a reflectance of 0.7: what is dark has less."""
    return (0.3 + reflectance.clip(0)) ** 0.5


def values(inputs: Inputs) -> Tensor:
    """The bands among the inputs."""
    if isinstance(inputs, Mapping):
        return inputs["bands"] if "bands" in inputs else first_tensor(inputs)
    return inputs


def with_values(inputs: Inputs, bands: Tensor) -> Inputs:
    if not isinstance(inputs, Mapping):
        return bands
    name = "bands" if "bands" in inputs else next(iter(inputs))
    return {**inputs, name: bands}


def dates_of(inputs: Inputs) -> np.ndarray:
    """The date of each band (bands,); inputs without dates are one date."""
    told = isinstance(inputs, Mapping) and "dates" in inputs
    return inputs["dates"][0].numpy() if told else np.zeros(values(inputs).shape[1], int)  # type: ignore[index]


def wavelengths_of(inputs: Inputs) -> np.ndarray | None:
    """Of each band in nm (bands,), NaN for a plain one; None where the inputs don't tell."""
    told = isinstance(inputs, Mapping) and "wavelengths" in inputs
    return inputs["wavelengths"][0].double().numpy() if told else None  # type: ignore[index]


def spectral(inputs: Inputs) -> np.ndarray:
    """Which bands measure light (bands,): those of known wavelength, or all where no wavelength is told."""
    waves = wavelengths_of(inputs)
    return np.ones(values(inputs).shape[1], bool) if waves is None else np.isfinite(waves)


def a_band(numbers: np.ndarray, like: Tensor) -> Tensor:
    """A number a band (bands,), shaped for bands (n, bands, ...)."""
    return torch.from_numpy(numbers).to(like).view(-1, *[1] * (like.dim() - 2))


def lit(inputs: Inputs, amount: float, rng: np.random.Generator) -> Inputs:
    """Bands that measure light times one gain a date: ratios of bands, and so indices, stay."""
    dates = dates_of(inputs)
    of_date = rng.normal(0, amount, int(dates.max()) + 1)[dates]
    bands = values(inputs)
    return with_values(inputs, bands * a_band(np.exp(np.where(spectral(inputs), of_date, 0.0)), bands))


def jittered(inputs: Inputs, amount: float, rng: np.random.Generator) -> Inputs:
    """Bands times a gain of their date and one of their own."""
    bands, dates = values(inputs), dates_of(inputs)
    of_date = rng.normal(0, amount, int(dates.max()) + 1)[dates]
    return with_values(inputs, bands * a_band(np.exp(of_date + rng.normal(0, amount / 2, len(dates))), bands))


def hazy(inputs: Inputs, amount: float, rng: np.random.Generator) -> Inputs:
    """Each date under a thin layer that scatters and absorbs nothing: what it sends back is lost from below.

    So a ground of reflectance 1 stays as it is, dark ones become brighter, and blue more than red. Raises TaskError
    where no wavelength is known.
    """
    waves, bands, dates = wavelengths_of(inputs), values(inputs), dates_of(inputs)
    if waves is None or not np.isfinite(waves).any():
        raise TaskError("haze needs the wavelengths of the bands, which these inputs don't tell: leave haze out.")
    count = int(dates.max()) + 1
    thick, steep = np.abs(rng.normal(0, amount, count))[dates], rng.uniform(*STEEPNESS, count)[dates]
    known = np.isfinite(waves)
    path = np.where(known, angstrom(np.where(known, waves, 490.0), thick, steep), 0.0).clip(0, 1)  # type: ignore[arg-type]
    back = a_band(path, bands)
    return with_values(inputs, back + (1 - back) * bands)


def noisy(inputs: Inputs, amount: float, rng: np.random.Generator) -> Inputs:
    """Bands that measure light with a grain a pixel, stronger where it is bright, and of another strength a band."""
    bands = values(inputs)
    strength = np.where(spectral(inputs), amount * rng.uniform(0.6, 1.6, bands.shape[1]), 0.0)
    grains = torch.from_numpy(rng.standard_normal(tuple(bands.shape), dtype=np.float32)).to(bands)
    return with_values(inputs, bands + grains * a_band(strength, bands) * grain(bands))


def hued(inputs: Inputs, amount: float, rng: np.random.Generator) -> Inputs:
    """Three colours turned around the axis of greys. Raises TaskError where the inputs are no picture."""
    bands = values(inputs)
    if bands.shape[1] != 3 or wavelengths_of(inputs) is not None:
        raise TaskError("hue is for pictures of three colours, and no reflectance: leave hue out.")
    angle = rng.uniform(-1, 1) * amount * 2 * math.pi
    same, next_, last = ((1 + 2 * math.cos(angle + shift)) / 3 for shift in (0, -2 * math.pi / 3, 2 * math.pi / 3))
    turn = torch.tensor([[same, last, next_], [next_, same, last], [last, next_, same]]).to(bands)
    return with_values(inputs, torch.einsum("cb,nb...->nc...", turn, bands))


VALUES: dict[str, Callable[[Inputs, float, np.random.Generator], Inputs]] = {
    "light": lit,
    "jitter": jittered,
    "haze": hazy,
    "noise": noisy,
    "hue": hued,
}
