"""How a scene's values become what an encoder reads: invalid pixels filled, plain bands brought to one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

BRIGHT = 0.4  # reflectance that the brightest 2 % of an uncalibrated scene are taken for
DARKEST, LIGHTEST = 0.002, 10.0  # reflectance between which the brightest 2 % of any land or water lie


@dataclass(frozen=True)
class Sight:
    """Constants of the scene that a model was fitted on, taken once from a seeded sample of its pixels.

    A map of another scene keeps them: the same value must mean the same.

    wavelengths  (bands,) nm, NaN for a plain band (elevation, radar, an embedding)
    dates        (bands,) 0 for the first raster
    middle       (bands,) median; fills invalid pixels
    spread       (bands,) half the distance of the 16th and 84th percentile; scales plain bands
    factor       what brings an uncalibrated spectrum to about the range of reflectance; 1 for reflectance
    codes        (classes,) of a land-cover product, each of which becomes a band; empty for measurements
    others       what lies beside the scene: its name and its own constants
    """

    wavelengths: np.ndarray
    dates: np.ndarray
    middle: np.ndarray
    spread: np.ndarray
    factor: float
    codes: tuple[int, ...] = ()
    others: tuple[tuple[str, Sight], ...] = ()

    @classmethod
    def of(cls, wavelengths: np.ndarray, dates: np.ndarray, sample: np.ndarray) -> Sight:
        """From a sample of valid pixels (m, bands)."""
        low, middle, high = np.percentile(sample.astype(np.float64), [16, 50, 84], axis=0)
        spread = np.where(high > low, (high - low) / 2, 1.0)
        known = np.isfinite(wavelengths)
        bright = float(np.percentile(sample[:, known], 98)) if known.any() else 0.0
        factor = 1.0 if not known.any() or 0.02 < bright < 1.6 or bright <= 0 else BRIGHT / bright
        return cls(
            np.asarray(wavelengths, np.float32), np.asarray(dates, np.int64), middle, spread.astype(np.float64), factor
        )

    @classmethod
    def of_codes(cls, sample: np.ndarray) -> Sight:
        """Of a land-cover product, from a sample of its codes (m, 1)."""
        codes, counts = np.unique(sample.astype(np.int64), return_counts=True)
        most = np.array([float(codes[counts.argmax()])])
        nothing = np.full(1, np.nan, np.float32)
        return cls(nothing, np.zeros(1, np.int64), most, np.ones(1), 1.0, tuple(codes.tolist()))

    def beside(self, others: Mapping[str, Sight]) -> Sight:
        """The same constants with those of what lies beside the scene."""
        return replace(self, others=tuple(others.items()))

    @property
    def names(self) -> list[str]:
        """Of what lies beside the scene."""
        return [name for name, _ in self.others]

    @property
    def usual(self) -> np.ndarray:
        """(bands and those of others,): values of a middling pixel."""
        return np.concatenate([self.middle, *(other.middle for _, other in self.others)])

    def suits(self, sample: np.ndarray) -> bool:
        """Whether values of another scene (m, bands) are about as large as those that these constants are of.

        False where one of the two is reflectance and the other values as they were stored.
        """
        known = np.isfinite(self.wavelengths)
        if not known.any():
            return True
        return bool(DARKEST <= np.percentile(sample[:, : len(known)][:, known], 98) * self.factor <= LIGHTEST)

    def inputs(self, values: np.ndarray) -> dict[str, Tensor]:
        """(n, bands, height, width) with NaN where invalid -> what an encoder reads.

        It is without NaN but in what lies beside the scene, where NaN says that it is missing.
        """
        count = len(self.wavelengths)
        found = self.of_bands(self.scaled(values[:, :count]))
        for name, other in self.others:
            own, count = values[:, count : count + len(other.wavelengths)], count + len(other.wavelengths)
            missing = ~np.isfinite(own).all(1, keepdims=True)
            scaled = other.one_hot(own) if other.codes else other.scaled(own)
            if missing.any():
                scaled = np.where(missing, np.float32(np.nan), scaled)
            told = other.of_bands(scaled)
            found[name] = told["bands"]
            if np.isfinite(other.wavelengths).any():
                found |= {f"{name}.{key}": told[key] for key in ("wavelengths", "dates")}
        return found

    def one_hot(self, values: np.ndarray) -> np.ndarray:
        """Codes (n, 1, height, width) -> a band for each of them; a code that wasn't seen is in none."""
        return (values == np.array(self.codes).reshape(1, -1, 1, 1)).astype(np.float32)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Values of the scene's bands on one scale, without NaN."""
        known, shape = np.isfinite(self.wavelengths), (1, -1, 1, 1)
        shift = np.where(known, 0.0, self.middle).astype(np.float32).reshape(shape)
        scale = np.where(known, self.factor, 1 / self.spread).astype(np.float32).reshape(shape)
        fill = np.where(known, self.middle * self.factor, 0.0).astype(np.float32).reshape(shape)
        scaled = np.subtract(values, shift, dtype=np.float32)
        scaled *= scale
        if not np.isfinite(scaled.sum()):
            scaled = np.where(np.isfinite(scaled), scaled, fill)
        np.clip(scaled, -20.0, 20.0, out=scaled)
        return scaled

    def of_bands(self, scaled: np.ndarray) -> dict[str, Tensor]:
        """With the wavelengths and dates of the bands."""
        count = len(scaled)
        return {
            "bands": torch.from_numpy(scaled),
            "wavelengths": torch.from_numpy(self.wavelengths).expand(count, -1),
            "dates": torch.from_numpy(self.dates).expand(count, -1),
        }

    def plain(self) -> dict[str, Any]:
        """As lists, for a JSON file; NaN as null."""
        others = [{"name": name} | other.plain() for name, other in self.others]
        waves = [None if np.isnan(w) else float(w) for w in self.wavelengths]
        return {
            "wavelengths": waves,
            "dates": self.dates.tolist(),
            "middle": self.middle.tolist(),
            "spread": self.spread.tolist(),
            "factor": self.factor,
            **({"codes": list(self.codes)} if self.codes else {}),
            **({"others": others} if others else {}),
        }
