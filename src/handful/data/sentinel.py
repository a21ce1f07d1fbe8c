"""Sentinel-2 as data sets store it: the wavelengths of its bands, its numbers, and images of one date."""

from __future__ import annotations

import numpy as np
import torch

# Central wavelengths in nm, by band.
SENTINEL2 = {
    "B01": 443, "B02": 492, "B03": 560, "B04": 665, "B05": 704, "B06": 740, "B07": 783,
    "B08": 833, "B8A": 865, "B09": 945, "B10": 1373, "B11": 1614, "B12": 2202,
}  # fmt: skip
SCALE = 10_000  # of reflectance


def seen_once(values: np.ndarray, bands: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Images (n, bands, height, width) of one date with the wavelengths of Sentinel-2's bands; NaN for other bands."""
    wavelengths = torch.tensor([SENTINEL2.get(band, np.nan) for band in bands], dtype=torch.float32)
    return {
        "bands": torch.from_numpy(values),
        "wavelengths": wavelengths.expand(len(values), -1),
        "dates": torch.zeros(len(values), len(bands), dtype=torch.long),
    }
