"""How a scene's values become what an encoder reads: invalid pixels filled, plain bands brought to one scale."""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    wavelengths: np.ndarray
    dates: np.ndarray
    middle: np.ndarray
    spread: np.ndarray
    factor: float

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

    def suits(self, sample: np.ndarray) -> bool:
        """Whether values of another scene (m, bands) are about as large as those that these constants are of.

        False where one of the two is reflectance and the other values as they were stored.
        """
        known = np.isfinite(self.wavelengths)
        if not known.any():
            return True
        return bool(DARKEST <= np.percentile(sample[:, known], 98) * self.factor <= LIGHTEST)

    def inputs(self, values: np.ndarray) -> dict[str, Tensor]:
        """(n, bands, height, width) with NaN where invalid -> what an encoder reads, without NaN."""
        known, shape = np.isfinite(self.wavelengths), (1, -1, 1, 1)
        shift = np.where(known, 0.0, self.middle).astype(np.float32).reshape(shape)
        scale = np.where(known, self.factor, 1 / self.spread).astype(np.float32).reshape(shape)
        fill = np.where(known, self.middle * self.factor, 0.0).astype(np.float32).reshape(shape)
        scaled = np.subtract(values, shift, dtype=np.float32)
        scaled *= scale
        if not np.isfinite(scaled.sum()):
            scaled = np.where(np.isfinite(scaled), scaled, fill)
        np.clip(scaled, -20.0, 20.0, out=scaled)
        count = len(values)
        return {
            "bands": torch.from_numpy(scaled),
            "wavelengths": torch.from_numpy(self.wavelengths).expand(count, -1),
            "dates": torch.from_numpy(self.dates).expand(count, -1),
        }

    def plain(self) -> dict[str, Any]:
        """As lists, for a JSON file; NaN as null."""
        waves = [None if np.isnan(w) else float(w) for w in self.wavelengths]
        return {
            "wavelengths": waves,
            "dates": self.dates.tolist(),
            "middle": self.middle.tolist(),
            "spread": self.spread.tolist(),
            "factor": self.factor,
        }
